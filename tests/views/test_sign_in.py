"""Signing in and out and changing the password, through HTTP as a browser does it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from admin_views.security import RequestNumber, SameOrigin
from admin_views.sign_in import Authentication, local_address
from admin_views.site import OcopAdmin
from app.config import Settings
from app.current import acting_as, system
from app.database import Database
from app.services import accounts
from app.services.jobs import Runner
from models import AuditEntry, Role, SessionRecord
from models.base import now as utc_now

PASSWORD = "một mật khẩu dài"

pytestmark = pytest.mark.fill("reference")


def site(database: Database, *, env: str = "dev") -> Starlette:
    settings = Settings(
        database_url="",
        secret_key="k" * 40,
        host="127.0.0.1",
        port=8000,
        allowed_hosts=("*",),
        trusted_proxies="",
        files=Path("files"),
        env="production" if env == "production" else "dev",
    )
    app = Starlette(middleware=[Middleware(RequestNumber), Middleware(SameOrigin)])
    OcopAdmin(
        app, database=database, authentication=Authentication(settings, database), jobs=Runner(database, settings.files)
    )
    return app


@pytest.fixture
def browser(database: Database) -> Iterator[TestClient]:
    with acting_as(system("kiểm thử")):
        open_account(database, "lan")
    with open_browser(database) as client:
        yield client


def open_browser(database: Database, **others: Any) -> TestClient:
    scheme = "https" if others.get("env") == "production" else "http"
    return TestClient(
        site(database, **others),
        base_url=f"{scheme}://ocop.test",
        headers={"sec-fetch-site": "same-origin"},
        follow_redirects=False,
    )


def open_account(database: Database, username: str, **others: Any) -> None:
    given: dict[str, Any] = {"full_name": "Lê Thị Lan", "role": Role.ADMINISTRATOR, "password": PASSWORD}
    with database.writing.begin() as session:
        accounts.add_user(session, username=username, **(given | {"force_change": False} | others))


def sign_in(client: TestClient, username: str = "lan", password: str = PASSWORD, **others: str) -> Any:
    return client.post("/admin/login", data={"username": username, "password": password, **others})


def grow_idle(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.writing.begin() as session, session.doing("thử"):
        for record in session.scalars(select(SessionRecord)):
            record.last_seen_at = utc_now() - timedelta(minutes=31)


def test_a_page_asked_for_is_opened_after_signing_in(browser: TestClient) -> None:
    asked = browser.get("/admin/product/list?search=miến&page=2")
    assert asked.status_code == 303
    wanted = asked.headers["location"]
    assert wanted.startswith("/admin/login?next=/admin/product/list%3F")

    page = browser.get(wanted)
    answer = sign_in(browser, next="/admin/product/list?search=miến&page=2")

    assert page.status_code == 200
    assert 'value="/admin/product/list?search=mi%E1%BA%BFn&amp;page=2"' in page.text
    assert answer.status_code == 303
    assert answer.headers["location"] == "/admin/product/list?search=mi%E1%BA%BFn&page=2"


def test_the_sign_in_page_names_the_eight_steps_and_no_session(browser: TestClient) -> None:
    page = browser.get("/admin/login").text

    assert "Chu trình thường niên, 8 bước" in page
    assert "Phiên làm việc đã kết thúc" not in page


def test_a_wrong_password_keeps_the_name_and_says_how_many_tries_are_left(browser: TestClient) -> None:
    answer = sign_in(browser, password="sai rồi nhé")

    assert answer.status_code == 400
    assert "Tên đăng nhập hoặc mật khẩu chưa đúng. Còn 4 lần thử." in answer.text
    assert 'value="lan"' in answer.text
    assert "sai rồi nhé" not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("typed", "said"), [({"username": " "}, "Nhập tên đăng nhập."), ({"password": ""}, "Nhập mật khẩu.")]
)
def test_an_empty_field_is_asked_for_and_not_counted(browser: TestClient, typed: dict[str, str], said: str) -> None:
    answer = sign_in(browser, **{"username": "lan", "password": PASSWORD, **typed})

    assert answer.status_code == 400
    assert said in answer.text
    assert "Còn 4 lần thử." in sign_in(browser, password="sai rồi nhé").text


def test_the_cookie_is_for_the_server_only_and_the_session_of_the_browser(browser: TestClient) -> None:
    cookie = sign_in(browser).headers["set-cookie"].lower()

    assert cookie.startswith("ocop=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    assert "max-age" not in cookie


def test_the_cookie_is_secure_in_production(database: Database, browser: TestClient) -> None:
    with open_browser(database, env="production") as client:
        assert "; secure" in sign_in(client).headers["set-cookie"].lower()


def test_who_is_signed_in_goes_home_from_the_sign_in_page(browser: TestClient) -> None:
    sign_in(browser)

    assert browser.get("/admin/login").headers["location"] == "/admin/"
    assert sign_in(browser, "khongco", "sai rồi nhé").headers["location"] == "/admin/"


def test_an_idle_session_says_so_and_leads_back(browser: TestClient, database: Database) -> None:
    sign_in(browser)
    assert browser.get("/admin/password").status_code == 200
    grow_idle(database)

    asked = browser.get("/admin/entity/list")
    page = browser.get(asked.headers["location"])

    assert asked.status_code == 303
    assert "<b>Phiên làm việc đã kết thúc</b> vì 30 phút không có thao tác." in page.text
    assert "Đăng nhập để trở lại trang đang xem." in page.text
    assert "vẫn còn" not in page.text
    assert sign_in(browser, next="/admin/entity/list").headers["location"] == "/admin/entity/list"


@pytest.mark.parametrize(
    ("referer", "wanted"),
    [
        ("http://ocop.test/admin/entity/edit/3", "/admin/entity/edit/3"),
        ("http://ocop.test/admin/product/action/advance", "/admin/product/list"),
        ("http://ocop.test/admin/product/delete", "/admin/product/list"),
        ("http://khac.test/admin/entity/edit/3", ""),
        ("", ""),
    ],
)
def test_a_form_sent_too_late_leads_back_to_its_page(browser: TestClient, referer: str, wanted: str) -> None:
    answer = browser.post("/admin/entity/edit/3", headers={"referer": referer})

    assert answer.status_code == 303
    assert answer.headers["location"] == ("/admin/login" + (f"?next={wanted}" if wanted else ""))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/admin/product/list?search=miến", True),
        ("/admin/", True),
        ("", False),
        ("//khac.test/admin/", False),
        ("https://khac.test/admin/", False),
        ("/\\khac.test", False),
        ("/admin/\\khac.test", False),
        ("/admin/\r\nset-cookie: x", False),
        ("/healthz", False),
        ("/admin/login?next=/admin/", False),
        ("/admin/logout", False),
        ("javascript:alert(1)", False),
    ],
)
def test_only_our_own_pages_are_returned_to(text: str, kept: bool) -> None:
    assert local_address(text) == (text if kept else "")


def test_signing_out_ends_the_session_on_the_server(browser: TestClient, database: Database) -> None:
    sign_in(browser)
    kept = browser.cookies["ocop"]

    assert browser.get("/admin/logout").status_code == 405
    answer = browser.post("/admin/logout")

    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/login")
    browser.cookies.set("ocop", kept, domain="ocop.test")
    assert browser.get("/admin/password").status_code == 303
    with acting_as(system("kiểm thử")), database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.verb == "đăng xuất")).one()
        assert (entry.actor, len(entry.request_number)) == ("Lê Thị Lan", 9)


def test_another_site_cannot_sign_anyone_in_or_out(browser: TestClient) -> None:
    sign_in(browser)

    for address in ("/admin/logout", "/admin/login", "/admin/password"):
        assert browser.post(address, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser.get("/admin/password").status_code == 200


def test_the_first_password_must_be_changed_before_anything_else(browser: TestClient, database: Database) -> None:
    with acting_as(system("kiểm thử")):
        open_account(database, "minh", force_change=True)
    wanted = "/admin/password?next=/admin/product/list%3Fsearch%3Da"
    assert sign_in(browser, "minh", next="/admin/product/list?search=a").headers["location"] == wanted

    assert browser.get("/admin/product/list?search=a").headers["location"] == wanted
    page = browser.get(wanted)
    assert "Mật khẩu đang dùng là mật khẩu được cấp." in page.text
    assert f'action="{wanted}"' in page.text
    answer = browser.post(wanted, data={"old": PASSWORD, "new": "mật khẩu mới hẳn", "repeat": "mật khẩu mới hẳn"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/product/list?search=a")
    assert "được cấp" not in browser.get("/admin/password").text
    browser.post("/admin/logout")
    assert sign_in(browser, "minh").status_code == 400
    assert sign_in(browser, "minh", "mật khẩu mới hẳn").status_code == 303


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"old": ""}, "Nhập mật khẩu hiện tại."),
        ({"old": "không phải"}, "Mật khẩu hiện tại chưa đúng."),
        ({"new": "", "repeat": ""}, "Nhập mật khẩu mới."),
        ({"new": "ngắn", "repeat": "ngắn"}, "Mật khẩu mới có 4 ký tự; cần ít nhất 10."),
        ({"repeat": "mật khẩu mới hắn"}, "Hai lần gõ mật khẩu mới khác nhau."),
    ],
)
def test_a_password_that_will_not_do_is_told_at_its_field(
    browser: TestClient, typed: dict[str, str], said: str
) -> None:
    sign_in(browser)

    answer = browser.post(
        "/admin/password",
        data={"old": PASSWORD, "new": "mật khẩu mới hẳn", "repeat": "mật khẩu mới hẳn", **typed},
    )

    assert answer.status_code == 400
    assert said in answer.text
    assert "mật khẩu mới hẳn" not in answer.text
    browser.post("/admin/logout")
    assert sign_in(browser).status_code == 303


def test_a_person_who_is_still_working_is_kept_signed_in(browser: TestClient, database: Database) -> None:
    sign_in(browser)
    with acting_as(system("kiểm thử")), database.writing.begin() as session, session.doing("thử"):
        record = session.scalars(select(SessionRecord)).one()
        record.last_seen_at = utc_now() - timedelta(minutes=29)

    assert browser.get("/admin/password").status_code == 200

    with acting_as(system("kiểm thử")), database.reading() as session:
        seen = session.scalars(select(SessionRecord.last_seen_at)).one()
    assert utc_now() - seen < timedelta(minutes=1)
