"""What every request passes before a screen sees it: a number, headers, its origin, its size. Plain ASGI."""

import secrets
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.current import set_actor

# Letters and digits that are not mistaken for one another when read out on the telephone.
_PLAIN = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STATICS = ("/admin/statics/", "/admin/assets/")

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
}

ONE_MEGABYTE = 1_000_000
FORM_BYTES = ONE_MEGABYTE
FILE_BYTES = 25 * ONE_MEGABYTE
FILE_PATHS = ("/admin/import", "/admin/boundary")
# A browser that is cut off while it sends shows its own error, not our sentence: so much more is read and dropped.
DROPPED_BYTES = 300 * ONE_MEGABYTE


UNKNOWN_HOST = "Tên máy chủ trong địa chỉ này chưa được khai báo. Người quản trị thêm tên vào OCOP_ALLOWED_HOSTS."


class RequestNumber:
    """Each request gets a number a clerk can read out, 7F3K-92QD, and begins with nobody signed in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            drawn = "".join(secrets.choice(_PLAIN) for _ in range(8))
            scope.setdefault("state", {})["request_number"] = f"{drawn[:4]}-{drawn[4:]}"
            set_actor(None)
        await self.app(scope, receive, send)


class KnownHost:
    """Starlette's check of the Host header, refused in a sentence for whoever set the server up."""

    def __init__(self, app: ASGIApp, *, allowed: Sequence[str]) -> None:
        self.app = app
        self.allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def known(scope: Scope, receive: Receive, _refuse: Send) -> None:
            await self.app(scope, receive, send)

        async def refuse(message: Message) -> None:
            if message["type"] == "http.response.start":
                await PlainTextResponse(UNKNOWN_HOST, status_code=400)(scope, receive, send)

        await TrustedHostMiddleware(known, self.allowed, www_redirect=False)(scope, receive, refuse)


class SecurityHeaders:
    """Headers of every answer: no inline script, no frame, no guessing of types, nothing kept in shared browsers.

    Statics whose address carries their version are kept for a year, the others for a day.
    """

    def __init__(self, app: ASGIApp, *, production: bool) -> None:
        self.app = app
        self.headers = dict(HEADERS)
        if production:
            self.headers["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers[name] = value
                headers["cache-control"] = _kept_for(scope, message["status"])
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _kept_for(scope: Scope, status: int) -> str:
    if not scope["path"].startswith(STATICS) or status not in (200, 206, 304):
        return "no-store"
    versioned = scope["query_string"].startswith(b"v=")
    return "public, max-age=31536000, immutable" if versioned else "public, max-age=86400"


class SameOrigin:
    """Only our own pages change anything: other sites' forms and links are refused, and so is who does not say.

    Browsers send Sec-Fetch-Site over https and to this machine; over plain http they send Origin with a POST.
    The proxy in front keeps Host as the browser sent it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not _is_same_origin(scope):
            answer = PlainTextResponse(
                "Yêu cầu này không đến từ trang của hệ thống nên không được làm. Mở lại trang rồi bấm lại.",
                status_code=403,
            )
            await answer(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _is_same_origin(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    _, _, origin_host = headers.get("origin", "").partition("://")
    host = headers.get("host", "")
    return bool(host) and origin_host.lower() == host.lower()


class TooLarge(HTTPException):
    """Raised where the body is read, so that the application answers with its own error page."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"Dữ liệu gửi lên lớn hơn {limit // ONE_MEGABYTE} MB. Chọn tệp nhỏ hơn rồi gửi lại.")


class BodyLimit:
    """No body is read beyond 1 MB, 25 MB where files are sent, whatever its Content-Length says."""

    def __init__(self, app: ASGIApp, *, form_bytes: int = FORM_BYTES, file_bytes: int = FILE_BYTES) -> None:
        self.app = app
        self.form_bytes = form_bytes
        self.file_bytes = file_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.file_bytes if scope["path"].rstrip("/") in FILE_PATHS else self.form_bytes
        length = Headers(scope=scope).get("content-length", "")
        announced = int(length) if length.isdecimal() else 0
        taken, started = 0, False

        async def receive_limited() -> Message:
            nonlocal taken
            message: Message = {"type": "http.request", "more_body": True}
            if announced <= limit:
                message = await receive()
                taken += len(message.get("body", b""))
            if max(announced, taken) > limit:
                await _drop_rest(message, receive)
                raise TooLarge(limit)
            return message

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive_limited, send_noted)
        except TooLarge as refusal:
            if started:
                raise
            await PlainTextResponse(refusal.detail, status_code=413)(scope, receive, send)


async def _drop_rest(message: Message, receive: Receive) -> None:
    dropped = 0
    while message["type"] == "http.request" and message.get("more_body") and dropped <= DROPPED_BYTES:
        message = await receive()
        dropped += len(message.get("body", b""))
