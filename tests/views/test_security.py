"""What every request passes first, on an application of a few lines."""

import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from admin_views.security import BodyLimit, KnownHost, RequestNumber, SameOrigin, SecurityHeaders
from app.current import NoActorError, actor, set_actor, system

SAME = {"sec-fetch-site": "same-origin"}


async def say(request: Request) -> Response:
    return PlainTextResponse(request.state.request_number)


async def say_size(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def leave_an_actor(_request: Request) -> Response:
    try:
        found = actor().name
    except NoActorError:
        found = "không ai"
    set_actor(system("yêu cầu trước"))
    return PlainTextResponse(found)


async def say_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"trang lỗi: {error.detail}", status_code=error.status_code)


def application(*, production: bool = False) -> Starlette:
    every = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    return Starlette(
        routes=[
            Route("/admin/", say, methods=every),
            Route("/admin/actor", leave_an_actor),
            Route("/admin/product/create", say_size, methods=["POST"]),
            Route("/admin/import", say_size, methods=["POST"]),
            Route("/admin/import/12/confirm", say_size, methods=["POST"]),
            Route("/admin/assets/theme.css", say),
            Route("/admin/statics/css/tabler.min.css", say),
        ],
        middleware=[
            Middleware(RequestNumber),
            Middleware(SecurityHeaders, production=production),
            Middleware(SameOrigin),
            Middleware(BodyLimit, form_bytes=1_000_000, file_bytes=3_000_000),
        ],
        exception_handlers={HTTPException: say_refusal},
    )


@pytest.fixture
def browser() -> Iterator[TestClient]:
    with TestClient(application(), base_url="http://ocop.test") as client:
        yield client


def test_every_request_has_a_number_that_can_be_read_out(browser: TestClient) -> None:
    numbers = {browser.get("/admin/").text for _ in range(20)}

    assert len(numbers) == 20
    assert all(re.fullmatch(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", number) for number in numbers)


def test_every_request_begins_with_nobody(browser: TestClient) -> None:
    assert [browser.get("/admin/actor").text for _ in range(3)] == ["không ai"] * 3


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://ocop.test"}, 403),
        ({"origin": "http://ocop.test"}, 200),
        ({"origin": "https://OCOP.test"}, 200),
        ({"origin": "http://ocop.test:8000"}, 403),
        ({"origin": "http://ocop.test.example"}, 403),
        ({"origin": "http://[::1"}, 403),
        ({"origin": "null"}, 403),
        ({"referer": "http://ocop.test/admin/"}, 403),
        ({}, 403),
    ],
)
def test_only_our_own_pages_change_anything(
    browser: TestClient, method: str, headers: dict[str, str], status: int
) -> None:
    answer = browser.request(method, "/admin/", headers=headers)

    assert answer.status_code == status
    if status == 403:
        assert answer.text.startswith("Yêu cầu này không đến từ trang của hệ thống")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_is_open_to_links_from_elsewhere(browser: TestClient, method: str) -> None:
    assert browser.request(method, "/admin/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("address", ["/admin/", "/khong-co", "/admin/assets/theme.css"])
def test_every_answer_forbids_inline_script_and_frames(browser: TestClient, address: str) -> None:
    headers = browser.get(address).headers

    policy = headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert {"script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} < set(policy)
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "strict-transport-security" not in headers


def test_a_refused_request_has_the_headers_too(browser: TestClient) -> None:
    answer = browser.post("/admin/")

    assert (answer.status_code, answer.headers["cache-control"]) == (403, "no-store")
    assert "content-security-policy" in answer.headers


def test_https_is_insisted_on_in_production_only() -> None:
    with TestClient(application(production=True), base_url="https://ocop.test") as client:
        assert client.get("/admin/").headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/admin/", "no-store"),
        ("/admin/?v=1", "no-store"),
        ("/admin/assets/theme.css?v=0a1b2c", "public, max-age=31536000, immutable"),
        ("/admin/statics/css/tabler.min.css", "public, max-age=86400"),
        ("/admin/assets/khong-co.css?v=0a1b2c", "no-store"),
    ],
)
def test_pages_are_not_kept_and_statics_are(browser: TestClient, address: str, kept: str) -> None:
    assert browser.get(address).headers["cache-control"] == kept


@pytest.mark.parametrize(
    ("address", "size", "status"),
    [
        ("/admin/product/create", 1_000_000, 200),
        ("/admin/product/create", 1_000_001, 413),
        ("/admin/import", 3_000_000, 200),
        ("/admin/import/", 3_000_001, 413),
        ("/admin/import", 3_000_001, 413),
        ("/admin/import/12/confirm", 1_000_001, 413),
    ],
)
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_is_read_up_to_its_limit_only(
    browser: TestClient, address: str, size: int, status: int, announced: bool
) -> None:
    def pieces() -> Iterator[bytes]:
        for start in range(0, size, 100_000):
            yield b"x" * min(100_000, size - start)

    answer = browser.post(address, content=b"x" * size if announced else pieces(), headers=SAME)

    assert answer.status_code == status
    if status == 200:
        assert answer.text == str(size)
    else:
        limit = 3 if address.rstrip("/") == "/admin/import" else 1
        assert answer.text == f"trang lỗi: Dữ liệu gửi lên lớn hơn {limit} MB. Chọn tệp nhỏ hơn rồi gửi lại."


@pytest.mark.anyio
async def test_what_is_too_large_is_dropped_piece_by_piece_and_answered_even_without_error_page() -> None:
    """A browser that is cut off while sending shows its own error instead of ours."""
    left, answers = 50, []

    async def receive() -> Message:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": b"x" * 100_000, "more_body": left > 0}

    async def send(message: Message) -> None:
        answers.append(message)

    async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["more_body"]:
            pass

    scope = {"type": "http", "path": "/admin/", "headers": [(b"content-length", b"5000000")]}

    await BodyLimit(reads_all)(scope, receive, send)

    assert left == 0
    assert answers[0]["status"] == 413
    assert answers[1]["body"].decode().startswith("Dữ liệu gửi lên lớn hơn 1 MB.")


@pytest.mark.parametrize(
    ("host", "status"), [("ocop.test", 200), ("OCOP.test:8000", 200), ("khac.test", 400), ("", 400)]
)
def test_an_address_that_was_not_declared_is_refused_in_a_sentence(host: str, status: int) -> None:
    app = Starlette(routes=[Route("/admin/", say_size)], middleware=[Middleware(KnownHost, allowed=["ocop.test"])])

    answer = TestClient(app).get("/admin/", headers={"host": host})

    assert answer.status_code == status
    assert ("OCOP_ALLOWED_HOSTS" in answer.text) == (status == 400)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
