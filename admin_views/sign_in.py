"""Signing in and out, and the change of one's own password."""

import re
from contextlib import suppress
from typing import Protocol
from urllib.parse import quote

import anyio
from anyio.to_thread import run_sync
from sqladmin.authentication import AuthenticationBackend
from sqladmin.flash import Flash
from sqlalchemy import or_, select
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from admin_views.pages import Field, FieldSet, FormPage, Head, Note, SignInPage
from app.config import Settings
from app.current import acting_as, set_actor, today
from app.database import Database
from app.errors import OcopError
from app.services import accounts
from models import CycleStep, User
from models.base import now as utc_now

HOME, LOGIN, LOGOUT, PASSWORD = "/admin/", "/admin/login", "/admin/logout", "/admin/password"
COOKIE = "ocop"
TOKEN = "token"
# Every check of a password takes 19 MB and a core for some time.
CHECKS_AT_ONCE = 4

OFFICE = ("Quản lý OCOP",)
HELP = "Quên mật khẩu hoặc bị khóa: gọi người quản trị của đơn vị."


class Admin(Protocol):
    """What these pages need of the site they are part of."""

    database: Database
    authentication_backend: AuthenticationBackend | None

    async def page(self, request: Request, template: str, page: object, *, status: int = 200) -> Response: ...


class Authentication(AuthenticationBackend):
    """Sets who acts, for the Session, and `request.state.person`, for the pages; the cookie holds a token only."""

    def __init__(self, settings: Settings, database: Database) -> None:
        super().__init__(
            settings.secret_key,
            session_cookie=COOKIE,
            max_age=None,  # gone with the browser; how long a session lives is decided here, not there
            same_site="lax",
            https_only=settings.is_production,
        )
        self.database = database
        self.known: accounts.Known = {}
        self.checks = anyio.CapacityLimiter(CHECKS_AT_ONCE)

    async def authenticate(self, request: Request) -> Response | bool:
        if getattr(request.state, "person", None) is not None:
            return True
        person = await self.person(request)
        if person is None:
            return RedirectResponse(_before(LOGIN, _wanted(request)), status_code=303)
        request.state.person = person
        set_actor(person.actor)
        if person.must_change and request.url.path != PASSWORD:
            return RedirectResponse(_before(PASSWORD, _wanted(request)), status_code=303)
        return True

    async def get_user_id(self, request: Request) -> int:
        person: accounts.Person = request.state.person
        return person.user_id

    async def person(self, request: Request) -> accounts.Person | None:
        token = request.session.get(TOKEN)
        if not isinstance(token, str):
            return None
        return await run_sync(self._resume, token, _request_number(request))

    def _resume(self, token: str, request_number: str) -> accounts.Person | None:
        now = utc_now()
        with self.database.reading() as session:
            person = accounts.resume(session, token, now, known=self.known, request_number=request_number)
        if person is not None and person.is_due(now):
            # While a long import holds the database the next request writes it.
            with suppress(OperationalError), self.database.writing.begin() as session:
                accounts.touch(session, person, now)
        return person


def _authentication(admin: Admin) -> Authentication:
    assert isinstance(admin.authentication_backend, Authentication)
    return admin.authentication_backend


def _request_number(request: Request) -> str:
    return getattr(request.state, "request_number", "")


# ---- signing in -------------------------------------------------------------------------------------------


async def login(admin: Admin, request: Request) -> Response:
    backend = _authentication(admin)
    if await backend.person(request) is not None:
        return RedirectResponse(HOME, status_code=303)
    if request.method != "POST":
        wanted = local_address(request.query_params.get("next", ""))
        page = await run_sync(_sign_in_page, admin.database, request.session.get(TOKEN), wanted)
        return await admin.page(request, "sqladmin/login.html", page)
    form = await request.form(max_files=0, max_fields=10)
    username, password = str(form.get("username", "")), str(form.get("password", ""))
    wanted = local_address(str(form.get("next", "")))
    error = "Nhập tên đăng nhập." if not username.strip() else "" if password else "Nhập mật khẩu."
    if not error:
        address = request.client.host if request.client else ""
        outcome = await run_sync(
            _sign_in,
            admin.database,
            username,
            password,
            address,
            _request_number(request),
            limiter=backend.checks,
        )
        if outcome.token is not None:
            request.session.clear()
            request.session[TOKEN] = outcome.token
            to = _before(PASSWORD, wanted) if outcome.must_change else wanted or HOME
            return RedirectResponse(to, status_code=303)
        error = outcome.sentence
    page = await run_sync(_sign_in_page, admin.database, None, wanted, username[:60], error)
    return await admin.page(request, "sqladmin/login.html", page, status=400)


def _sign_in(
    database: Database, username: str, password: str, address: str, request_number: str
) -> accounts.SignInOutcome:
    with database.writing.begin() as session:
        return accounts.sign_in(
            session,
            username=username,
            password=password,
            address=address,
            now=utc_now(),
            request_number=request_number,
        )


def _sign_in_page(
    database: Database, token: str | None, wanted: str, username: str = "", error: str = ""
) -> SignInPage:
    now = utc_now()
    on = today()
    in_force = CycleStep.valid_from <= on, or_(CycleStep.valid_to.is_(None), CycleStep.valid_to >= on)
    with acting_as(accounts.SIGN_IN), database.reading() as session:
        steps = session.scalars(select(CycleStep.name).where(*in_force).order_by(CycleStep.number)).all()
        idle = token is not None and accounts.has_gone_idle(session, token, now)
    return SignInPage(
        office=OFFICE,
        steps=steps,
        note=_idle_note(wanted) if idle else None,
        error=error,
        username=username,
        next=wanted,
        action=LOGIN,
        help=HELP,
    )


def _idle_note(wanted: str) -> Note:
    back = " Đăng nhập để trở lại trang đang xem." if wanted else " Đăng nhập để làm việc tiếp."
    return Note(title="Phiên làm việc đã kết thúc", text=f"vì 30 phút không có thao tác.{back}")


def _wanted(request: Request) -> str:
    """The page to return to after signing in; of a form that was sent, the page it stood on."""
    if request.method in ("GET", "HEAD"):
        return local_address(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    origin, _, rest = request.headers.get("referer", "").partition(f"//{request.headers.get('host')}/")
    wanted = local_address(f"/{rest}") if origin in ("http:", "https:") else ""
    # A check page came by POST and cannot be asked for again: back to its list.
    return re.sub(r"/(action/[^/?]+|delete)(\?.*)?$", "/list", wanted)


def _before(page: str, wanted: str) -> str:
    """Address of the sign-in or password page that leads on to the page wanted."""
    return page if wanted in ("", HOME) else f"{page}?next={quote(wanted, safe='/')}"


def local_address(text: str) -> str:
    """A page of ours to return to, as given; "" for an address elsewhere, or one that leads in circles."""
    path = text.partition("?")[0]
    ours = path.startswith(HOME) and path not in (LOGIN, LOGOUT, PASSWORD)
    return text if ours and text.isprintable() and "\\" not in text else ""


# ---- signing out ------------------------------------------------------------------------------------------


async def logout(admin: Admin, request: Request) -> Response:
    if request.method != "POST":
        return PlainTextResponse("Đăng xuất bằng nút trên trang.", status_code=405, headers={"allow": "POST"})
    person = await _authentication(admin).person(request)
    if person is not None:
        await run_sync(_sign_out, admin.database, person, request.session[TOKEN])
    request.session.clear()
    return RedirectResponse(LOGIN, status_code=303)


def _sign_out(database: Database, person: accounts.Person, token: str) -> None:
    with acting_as(person.actor), database.writing.begin() as session:
        accounts.sign_out(session, token)


# ---- the own password -------------------------------------------------------------------------------------


async def password(admin: Admin, request: Request) -> Response:
    backend = _authentication(admin)
    answer = await backend.authenticate(request)
    if isinstance(answer, Response):
        return answer
    person: accounts.Person = request.state.person
    wanted = local_address(request.query_params.get("next", ""))
    if request.method != "POST":
        return await admin.page(request, "ocop/password.html", _password_page(person, wanted))
    form = await request.form(max_files=0, max_fields=10)
    typed = {name: str(form.get(name, "")) for name in ("old", "new", "repeat")}
    wrong = _empty_or_different(typed)
    if not wrong:
        wrong = await run_sync(_change, admin.database, person, typed, limiter=backend.checks)
    if wrong:
        return await admin.page(request, "ocop/password.html", _password_page(person, wanted, wrong), status=400)
    Flash.success(request, "Đã đổi mật khẩu. Các phiên khác của tài khoản này đã kết thúc.")
    return RedirectResponse(wanted or HOME, status_code=303)


def _empty_or_different(typed: dict[str, str]) -> dict[str, str]:
    """Field → sentence, for what is wrong before the password itself is looked at."""
    wrong = {}
    if not typed["old"]:
        wrong["old"] = "Nhập mật khẩu hiện tại."
    if not typed["new"]:
        wrong["new"] = "Nhập mật khẩu mới."
    elif typed["repeat"] != typed["new"]:
        wrong["repeat"] = "Hai lần gõ mật khẩu mới khác nhau. Gõ lại mật khẩu mới."
    return wrong


def _change(database: Database, person: accounts.Person, typed: dict[str, str]) -> dict[str, str]:
    try:
        with acting_as(person.actor), database.writing.begin() as session:
            user = session.get_one(User, person.user_id)
            accounts.change_password(session, user, old=typed["old"], new=typed["new"], keep=person.session_id)
    except accounts.WrongOldPassword as refusal:
        return {"old": str(refusal)}
    except OcopError as refusal:
        return {"new": str(refusal)}
    return {}


def _password_page(person: accounts.Person, wanted: str, wrong: dict[str, str] | None = None) -> FormPage:
    wrong = wrong or {}
    fields = [
        Field(
            name=name,
            id=name,
            label=label,
            kind="password",
            hint=hint,
            error=wrong.get(name, ""),
            autocomplete=autocomplete,
            width="medium",
        )
        for name, label, hint, autocomplete in (
            ("old", "Mật khẩu hiện tại", "", "current-password"),
            ("new", "Mật khẩu mới", "ít nhất 10 ký tự, khác tên đăng nhập", "new-password"),
            ("repeat", "Gõ lại mật khẩu mới", "", "new-password"),
        )
    ]
    first = Note(
        title="Mật khẩu đang dùng là mật khẩu được cấp.",
        text="Đổi thành mật khẩu của riêng bạn để vào làm việc.",
        tone="warn",
    )
    return FormPage(
        head=Head(title="Đổi mật khẩu"),
        action=_before(PASSWORD, wanted),
        version="",
        errors=[(sentence, name) for name, sentence in wrong.items()],
        fieldsets=[FieldSet("", fields)],
        save="Đổi mật khẩu",
        save_and_new="",
        cancel_href="" if person.must_change else HOME,
        notes=[first] if person.must_change else (),
    )
