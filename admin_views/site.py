"""The site: sqladmin's Admin with our own handlers, every one signed-in, granted, and in Vietnamese.

Look: handler → view → the one Session → page → template, in one worker thread and one reading transaction.
Act: check page (POST that changes nothing) → confirmation (POST) → one writing transaction → result.
"""

import functools
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import anyio.to_thread
from jinja2 import FileSystemBytecodeCache
from sqladmin import Admin
from sqladmin.authentication import login_required
from sqladmin.authorization import AuthorizationBackend
from sqladmin.flash import Flash
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import sessionmaker
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from admin_views import assets, pages
from admin_views.base import BASE_URL, Action, ActionInput, NotFound, OcopView
from admin_views.conflict import conflict_page, is_undecided, merged_form
from admin_views.export import FILE_TYPE, workbook
from admin_views.forms import ClerkForm, lower_first
from admin_views.query import Kept, hint, row_id, suggestions
from admin_views.refusals import clash
from admin_views.sign_in import Authentication, login, logout, password
from app.current import actor, today
from app.database import Database
from app.errors import OcopError
from app.services.cycle import current_cycle
from app.services.jobs import Runner
from app.session import InvalidRow, OcopSession, StaleVersion
from models.base import Base, now
from models.rules.access import may
from models.rules.words import VIETNAM, clock, number

log = logging.getLogger("ocop")
HERE = Path(__file__).parent
# Groups of the menu, in order; a view names the one it stands in as its `category`.
MENU = ("Công việc", "Sổ theo dõi", "Đánh giá", "Danh mục", "Hệ thống")
MOST_AT_ONCE = 10_000

Make = Callable[[OcopSession], Any]
Handler = Callable[["OcopAdmin", Request], Awaitable[Response]]


class TooMany(OcopError):
    sentence = "Có {count} dòng khớp, nhiều hơn {most} dòng một lần. Lọc bớt rồi chọn lại."


class NothingTicked(OcopError):
    sentence = "Chưa chọn dòng nào. Đánh dấu các dòng trong danh sách rồi bấm lại."


class Rights(AuthorizationBackend):
    """sqladmin's question, our one answer."""

    def has_permission(self, request: Request, identity: str, action: str, obj: Any | None = None) -> bool:
        return may(actor().rights, identity, action.removeprefix("action:"))


@dataclass(frozen=True)
class Page:
    """An address of its own beside the views'. Open to whom (screen, verb) is granted; None: everyone signed in."""

    path: str
    name: str
    handler: Handler
    methods: Sequence[str]
    right: tuple[str, str] | None
    menu: pages.MenuItem | None = None
    category: str = ""


class OcopAdmin(Admin):
    def __init__(
        self,
        app: Starlette,
        *,
        database: Database,
        authentication: Authentication,
        jobs: Runner,
        middlewares: Sequence[Middleware] = (),
        views: Sequence[type[OcopView]] = (),
        extra: Sequence[Page] = (),
    ) -> None:
        self.database = database
        self.jobs = jobs
        assets.ensure()
        super().__init__(
            app,
            # A maker of its own: sqladmin changes the one it is given.
            session_maker=sessionmaker(
                database.writing.kw["bind"], class_=OcopSession, expire_on_commit=False, info={"writes": True}
            ),
            base_url=BASE_URL,
            title="Quản lý OCOP",
            templates_dir=str(HERE / "templates"),
            middlewares=middlewares,
            authentication_backend=authentication,
            authorization_backend=Rights(),
        )
        self.templates.env.globals |= {"asset": functools.cache(_asset), "statics": f"{BASE_URL}/statics"}
        self.templates.env.auto_reload = False
        # Our templates call nothing async; a synchronous copy renders a list page several times faster.
        # Compiled templates are kept between starts, where the library keeps them: a third of the first page's time.
        self.pages_env = self.templates.env.overlay(enable_async=False, bytecode_cache=FileSystemBytecodeCache())
        self.extra = tuple(extra)
        self.kept = Kept()
        for view in views:
            self.add_view(view)
        self._route()

    @staticmethod
    def _find_decorated_funcs(*_each: object) -> None:
        """Our views name their actions and addresses as data. To look for sqladmin's marks on methods would ask every
        view for all that it makes once, such as its statements: most of the time of a start.
        """

    def _route(self) -> None:
        """All addresses; sqladmin's import, file download and preview are not among them, nor is its DELETE."""
        statics = StaticFiles(packages=["sqladmin"])
        both = ["GET", "POST"]
        own = [
            Route("/", self.index, name="index"),
            Route("/login", self.login, name="login", methods=both),
            Route("/logout", self.logout, name="logout", methods=["POST"]),
            Route("/password", self.password, name="password", methods=both),
            *(Route(p.path, self._extra(p), name=p.name, methods=list(p.methods)) for p in self.extra),
            Route("/{identity}/list", self.list, name="list"),
            Route("/{identity}/details/{pk}", self.details, name="details"),
            Route("/{identity}/create", self.create, name="create", methods=both),
            Route("/{identity}/edit/{pk}", self.edit, name="edit", methods=both),
            Route("/{identity}/delete", self.delete, name="delete", methods=["POST"]),
            Route("/{identity}/action/{name}", self.act, name="action", methods=["POST"]),
            Route("/{identity}/export/xlsx", self.export, name="export", methods=both),
            Route("/{identity}/ajax/lookup", self.ajax_lookup, name="ajax_lookup"),
        ]
        self.admin.router.routes = [
            Mount("/statics", app=statics, name="statics"),
            Mount("/assets", app=StaticFiles(directory=HERE / "static"), name="assets"),
            *own,
        ]
        handlers: dict[Any, Any] = {
            HTTPException: self.refused,
            OcopError: self.refused,
            Exception: self.broke,
        }
        self.admin.exception_handlers = handlers
        self.app.exception_handlers |= handlers

    def _extra(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        @login_required
        async def endpoint(self: "OcopAdmin", request: Request) -> Response:
            if page.right is not None and not may(actor().rights, *page.right):
                raise HTTPException(403)
            return await page.handler(self, request)

        async def bound(request: Request) -> Response:
            response: Response = await endpoint(self, request)
            return response

        return bound

    # ---- showing -------------------------------------------------------------------------------------------------

    async def show(self, request: Request, template: str, make: Make, *, status: int = 200) -> Response:
        """Make a page and render it, in one reading transaction of a worker thread."""
        return await self.show_either(request, lambda session: (template, make(session)), status=status)

    async def show_either(
        self, request: Request, make: Callable[[OcopSession], tuple[str, Any]], *, status: int = 200
    ) -> Response:
        """The same where what is found says which template shows it."""

        def work() -> str:
            with self.database.reading() as session:
                template, page = make(session)
                return self._render(request, template, page, self.shell(request, session))

        return HTMLResponse(await anyio.to_thread.run_sync(work), status_code=status)

    async def page(self, request: Request, template: str, page: Any, *, status: int = 200) -> Response:
        """Render a page that is ready; bare when nobody is signed in."""
        if getattr(request.state, "person", None) is None:
            return HTMLResponse(self._render(request, template, page, None), status_code=status)
        return await self.show(request, template, lambda _session: page, status=status)

    def _render(self, request: Request, template: str, page: Any, shell: pages.Shell | None) -> str:
        context = {"request": request, "page": page, "shell": shell, "admin": self}
        return self.pages_env.get_template(template).render(context)

    def shell(self, request: Request, session: OcopSession) -> pages.Shell:
        person = request.state.person
        path = request.url.path
        year = self.kept.ask("year", lambda: cycle.year if (cycle := current_cycle(session, today())) else None)
        return pages.Shell(
            user_name=person.full_name,
            account=person.username,
            initials="".join(word[0] for word in person.full_name.split()[-2:]).upper(),
            role=lower_first(person.role.label),
            area=person.area_label,
            cycle=f"năm {year}" if year else "",
            office=person.office or "Chương trình OCOP",
            menu=self.kept.ask(("menu", actor().rights, *path.split("/")[2:3]), lambda: self._menu_groups(path)),
            home_href=f"{BASE_URL}/",
            home_current=path == f"{BASE_URL}/",
            logout_href=f"{BASE_URL}/logout",
            password_href=f"{BASE_URL}/password",
        )

    def _menu_groups(self, path: str) -> list[pages.MenuGroup]:
        rights = actor().rights
        groups: dict[str, list[pages.MenuItem]] = {name: [] for name in MENU}
        for page in self.extra:
            if page.menu is not None and (page.right is None or may(rights, *page.right)):
                item = page.menu
                current = path == item.href or path.startswith(f"{item.href}/")
                groups[page.category].append(pages.MenuItem(item.label, item.href, item.icon, current))
        for view in self.views:
            if isinstance(view, OcopView) and may(rights, view.identity, "list"):
                current = path.startswith(f"{BASE_URL}/{view.identity}/")
                groups[view.category].append(
                    pages.MenuItem(view.model.__plural__, view.href("list"), view.icon, current)
                )
        return [pages.MenuGroup(name, items) for name, items in groups.items() if items]

    def _view(self, request: Request, verb: str) -> OcopView:
        """The view of the address; 404 when there is none, 403 when the verb is not granted."""
        found = next((v for v in self.views if v.identity == request.path_params["identity"]), None)
        if not isinstance(found, OcopView):
            raise HTTPException(404)
        if not found.may(verb):
            raise HTTPException(403)
        return found

    # ---- handlers ------------------------------------------------------------------------------------------------

    @login_required
    async def index(self, request: Request) -> Response:
        from admin_views.home import home_page

        return await self.show(request, "sqladmin/index.html", lambda session: home_page(request, session))

    async def login(self, request: Request) -> Response:
        return await login(self, request)

    async def logout(self, request: Request) -> Response:
        return await logout(self, request)

    @login_required
    async def password(self, request: Request) -> Response:
        return await password(self, request)

    @login_required
    async def list(self, request: Request) -> Response:
        view = self._view(request, "list")
        refused = False

        def make(session: OcopSession) -> pages.ListPage:
            nonlocal refused
            params, unread = view.look_up(session, request.query_params)
            refused = bool(unread)
            return view.list_page(session, view.read_query(params), unread)

        response = await self.show(request, "sqladmin/list.html", make)
        response.status_code = 400 if refused else 200
        return response

    @login_required
    async def details(self, request: Request) -> Response:
        view = self._view(request, "details")
        pk, tab = row_id(request.path_params["pk"]), request.query_params.get("tab", "")
        return await self.show(
            request,
            "sqladmin/details.html",
            lambda session: view.details_page(session, view.get(session, pk), tab),
        )

    @login_required
    async def create(self, request: Request) -> Response:
        view = self._view(request, "create")
        if request.method == "POST":
            return await self._save(request, view, None)
        params = dict(request.query_params)
        return await self.show(
            request,
            "sqladmin/create.html",
            lambda session: self._form_page(
                view, view.blank_form(params, session), None, "", {}, params.get("back", "")
            ),
        )

    @login_required
    async def edit(self, request: Request) -> Response:
        view = self._view(request, "edit")
        pk = row_id(request.path_params["pk"])
        if request.method == "POST":
            return await self._save(request, view, pk)

        def make(session: OcopSession) -> pages.FormPage:
            row = view.get(session, pk)
            form = view.form_class(data={name: getattr(row, name) for name in view.get_form_columns()})
            return self._form_page(view, form, row, str(row.version), form.typed())

        return await self.show(request, "sqladmin/edit.html", make)

    async def _save(self, request: Request, view: OcopView, pk: int | None) -> Response:
        data = await request.form(max_fields=1000)
        save = _text(data, "save")

        row, answer = await anyio.to_thread.run_sync(self._try_save, request, view, pk, data)
        if row is None or answer is not None:
            assert answer is not None
            return answer
        Flash.success(request, f"Đã lưu {lower_first(view.model.__label__)} “{row}” lúc {clock(now())}.")
        href = view.way_back(_text(data, "back")) or view.href("details", row.id)
        if save == "new" and view.may("create"):
            href = view.href("create")
        return RedirectResponse(href, status_code=303)

    def _try_save(
        self, request: Request, view: OcopView, pk: int | None, data: FormData
    ) -> tuple[Base | None, HTMLResponse | None]:
        """(saved row, None or a page to show), or (None, the page that says why not); nothing typed is lost."""
        form: ClerkForm = merged_form(view, data) if pk is not None else view.form_class(data)
        form.validate()
        version = _text(data, "version")
        was = {name[4:]: str(value) for name, value in data.items() if name.startswith("was-")}
        alike_seen: _Alike | None = None
        if pk is not None and is_undecided(data):
            return None, HTMLResponse(self._conflict(request, view, pk, form, was), status_code=409)
        try:
            with self.database.writing.begin() as session:
                row = view.get(session, pk) if pk is not None else None
                values = form.find_links(session)
                if form.has_mistakes():
                    raise _Mistakes
                if row is None:
                    alike = view.alike(session, values)
                    if {str(each.id) for each in alike} - set(_text(data, "alike").split(",")):
                        raise _Alike(view, alike)
                    row = view.create_row(session, values)
                else:
                    if not re.fullmatch(r"\d{1,9}", version):
                        raise HTTPException(400)
                    session.saw(view.model, row.id, int(version))
                    if row.version != int(version):
                        raise StaleVersion(row)
                    view.change_row(session, row, values)
                session.flush()
            if "result" in session.info:
                return row, HTMLResponse(self._result(request, session.info["result"]))
            return row, None
        except _Mistakes:
            pass
        except _Alike as found:
            alike_seen = found
        except StaleVersion:
            assert pk is not None
            return None, HTMLResponse(self._conflict(request, view, pk, form, was), status_code=409)
        except InvalidRow as refusal:
            for name, sentence in refusal.problems:
                form.refuse(name, sentence)
        except IntegrityError as error:
            form.refuse(*clash(view.model, error))
        except DataError:
            form.refuse("", "Có nội dung dài hoặc lớn hơn mức sổ giữ được. Rút ngắn rồi lưu lại.")
        except NotFound:
            raise
        except OcopError as refusal:
            form.refuse("", str(refusal))
        for name, sentence in view.flaws(form.plain_values()):
            form.refuse(name, sentence)
        template = "sqladmin/create.html" if pk is None else "sqladmin/edit.html"
        with self.database.reading() as session:
            row = view.get(session, pk) if pk is not None else None
            page = self._form_page(view, form, row, version, was, _text(data, "back"))
            if alike_seen is not None:
                page = replace(page, hidden=[*page.hidden, ("alike", alike_seen.ids)], alike=alike_seen.note)
            body = self._render(request, template, page, self.shell(request, session))
        return None, HTMLResponse(body, status_code=400)

    def _result(self, request: Request, page: pages.ResultPage) -> str:
        with self.database.reading() as session:
            return self._render(request, "ocop/result.html", page, self.shell(request, session))

    def _conflict(self, request: Request, view: OcopView, pk: int, form: ClerkForm, was: Mapping[str, str]) -> str:
        with self.database.reading() as session:
            row = view.get(session, pk)
            page = conflict_page(session, view, row, form, was)
            return self._render(request, "ocop/conflict.html", page, self.shell(request, session))

    def _form_page(
        self, view: OcopView, form: ClerkForm, row: Base | None, version: str, was: Mapping[str, str], back: str = ""
    ) -> pages.FormPage:
        label = lower_first(view.model.__label__)
        crumbs = [pages.Link(view.model.__plural__, view.href("list"))] if view.may("list") else []
        if row is not None and view.may("details"):
            crumbs.append(pages.Link(str(row), view.href("details", row.id)))
        title = f"Thêm {label}" if row is None else f"Sửa {label}"
        returns = view.way_back(back)
        return pages.FormPage(
            head=pages.Head(title=title, crumbs=crumbs, here="Thêm" if row is None else "Sửa"),
            action=view.href("create") if row is None else view.href("edit", row.id),
            version=version,
            errors=form.error_list(),
            fieldsets=view.fieldsets(form),
            save="Lưu",
            save_and_new=f"Lưu và thêm {label} khác" if view.may("create") else "",
            cancel_href=returns or (view.href("details", row.id) if row is not None else view.href("list")),
            hidden=[*((f"was-{name}", value) for name, value in was.items()), *([("back", back)] if returns else [])],
        )

    @login_required
    async def delete(self, request: Request) -> Response:
        view = self._view(request, "delete")
        from admin_views.deletion import deletion

        return await self._act(request, view, Action("delete", "Xóa", "trash", deletion(view)), "delete")

    @login_required
    async def act(self, request: Request) -> Response:
        name = request.path_params["name"]
        view = self._view(request, name)
        found = next((a for a in view.actions if a.name == name), None)
        if found is None:
            raise HTTPException(404)
        return await self._act(request, view, found, f"action/{name}")

    async def _act(self, request: Request, view: OcopView, action: Action, path: str) -> Response:
        data = await request.form(max_fields=2000)
        confirmed = _text(data, "confirm") == "1"

        def work() -> str:
            maker = self.database.writing.begin if confirmed else self.database.reading
            with maker() as session:
                page = action.run(session, self._input(session, view, data, confirmed))
            with self.database.reading() as session:
                template = "ocop/result.html" if isinstance(page, pages.ResultPage) else "ocop/check.html"
                return self._render(request, template, page, self.shell(request, session))

        return HTMLResponse(await anyio.to_thread.run_sync(work))

    def _input(self, session: OcopSession, view: OcopView, data: FormData, confirmed: bool) -> ActionInput:
        params = dict(parse_qsl(_text(data, "query")))
        query = view.read_query(params)
        if _text(data, "all") == "1" and not confirmed:
            found = session.execute(view.statement(session, query).limit(MOST_AT_ONCE + 1)).scalars().all()
            if len(found) > MOST_AT_ONCE:
                raise TooMany(count=f"hơn {number(MOST_AT_ONCE)}", most=number(MOST_AT_ONCE))
            ids = list(found)
        else:
            typed = [part for value in data.getlist("pks") for part in str(value).split(",") if part]
            ids = list(dict.fromkeys(row_id(part) for part in typed))
        if not ids:
            raise NothingTicked
        if len(ids) > MOST_AT_ONCE:
            raise TooMany(count=number(len(ids)), most=number(MOST_AT_ONCE))
        back = view.href("list") + query.address()
        one = _text(data, "back") == "record" and len(ids) == 1
        return ActionInput(
            ids=ids,
            form={name: str(value) for name, value in data.items() if isinstance(value, str)},
            confirmed=confirmed,
            today=today(),
            hidden=[
                ("pks", ",".join(str(i) for i in ids)),
                ("query", _text(data, "query")),
                ("back", _text(data, "back")),
            ],
            back=pages.Link("Hủy, quay lại bản ghi", view.href("details", ids[0]))
            if one
            else pages.Link("Hủy, quay lại danh sách", back),
        )

    @login_required
    async def export(self, request: Request) -> Response:
        view = self._view(request, "export")
        params: dict[str, str] = dict(request.query_params)
        if request.method == "POST":
            data = await request.form(max_fields=2000)
            params = dict(parse_qsl(_text(data, "query")))
            if _text(data, "all") != "1":
                params["pks"] = ",".join(str(value) for value in data.getlist("pks"))
                if not params["pks"]:
                    raise NothingTicked
        query = view.read_query(params)
        name = f"{view.model.__plural__} {datetime.now(VIETNAM):%Y-%m-%d %H%M}.xlsx".replace("/", "-")
        plain = f'attachment; filename="ocop-{view.identity}.xlsx"'
        headers = {"content-disposition": f"{plain}; filename*=UTF-8''{quote(name)}", "cache-control": "no-store"}
        return StreamingResponse(
            workbook(self.database, view, query),
            media_type=FILE_TYPE,
            headers=headers,
        )

    @login_required
    async def ajax_lookup(self, request: Request) -> Response:
        """Suggestions for a link of a form or a filter of a list: whoever may open one of them may ask."""
        view = next((v for v in self.views if v.identity == request.path_params["identity"]), None)
        if not isinstance(view, OcopView):
            raise HTTPException(404)
        if not any(view.may(verb) for verb in ("create", "edit", "list")):
            raise HTTPException(403)
        name, term = (
            request.query_params.get("name", ""),
            request.query_params.get("term", "").replace("\x00", ""),
        )
        relation = view.mapper.relationships.get(name)
        for_form = name in view.get_form_columns() and (view.may("create") or view.may("edit"))
        listed = view.open_filters().get(name)
        if relation is None or not (for_form or (listed is not None and listed.in_panel and view.may("list"))):
            raise HTTPException(404)
        target: type[Base] = relation.mapper.class_

        def work() -> Sequence[dict[str, str]]:
            with self.database.reading() as session:
                return suggestions(session, target, term[:100])

        return JSONResponse({"results": await anyio.to_thread.run_sync(work)})

    # ---- refusals --------------------------------------------------------------------------------------------------

    async def refused(self, request: Request, error: Exception) -> Response:
        """A sentence and a way on, for whatever was refused before a page was made."""
        from admin_views.refusals import error_page

        page = error_page(error, request)
        headers = getattr(error, "headers", None)
        if request.url.path.endswith("/ajax/lookup"):
            return JSONResponse({"error": page.what}, status_code=page.status, headers=headers)
        response = await self._error(request, page)
        response.headers.update(headers or {})
        return response

    async def broke(self, request: Request, error: Exception) -> Response:
        """A bug: logged with the number the clerk reads out; the transaction was rolled back."""
        from admin_views.refusals import broken_page

        page = broken_page(request)
        log.error("yêu cầu %s %s %s", page.number, request.method, request.url.path, exc_info=error)
        return await self._error(request, page)

    async def _error(self, request: Request, page: pages.ErrorPage) -> Response:
        try:
            return await self.page(request, "sqladmin/error.html", page, status=page.status)
        except Exception:  # the shell needs the database, which may be what is broken
            log.exception("trang lỗi không có khung")
            return HTMLResponse(self._render(request, "sqladmin/error.html", page, None), status_code=page.status)


class _Alike(Exception):
    """Rows of the same name are there; leaves the transaction until the clerk has seen them."""

    def __init__(self, view: OcopView, rows: Sequence[Base]) -> None:
        self.ids = ",".join(str(row.id) for row in rows)
        named = ", ".join(f"“{row}” ({said})" if (said := hint(row)) else f"“{row}”" for row in rows)
        opened = view.may("details")
        self.note = pages.Note(
            title=f"Đã có {lower_first(view.model.__label__)} {named}.",
            text=("Mở bản ghi đó, hoặc b" if opened else "B") + "ấm Lưu lần nữa nếu đúng là bản ghi khác.",
            tone="warn",
            links=[pages.Link(f"Mở “{row}”", view.href("details", row.id)) for row in rows] if opened else (),
        )


class _Mistakes(Exception):
    """The form has sentences of its own; leaves the transaction."""


def _asset(path: str) -> str:
    """Address of a static file of ours, with its version, so that browsers may keep it for good."""
    content = (HERE / "static" / path).read_bytes()
    return f"{BASE_URL}/assets/{path}?v={hashlib.sha256(content).hexdigest()[:10]}"


def _text(data: FormData | Mapping[str, Any], name: str) -> str:
    value = data.get(name, "")
    return value if isinstance(value, str) else ""
