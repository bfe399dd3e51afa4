"""Every address × every role × own and foreign rows, as the application itself routes them."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from admin_views import VIEWS
from admin_views.base import OcopView
from app.config import Settings
from app.current import acting_as, system
from app.database import Database, connect
from app.main import create_app
from app.services import accounts, importing
from models import AuditEntry, Commune, District, Province, Role
from models.base import Everywhere
from models.rules.access import ACCESS
from tests import conftest, world
from tests.conftest import Visit
from tests.world import FOREIGN, OWN

PASSWORD = "mat-khau-thu-2026"
# How many rows every table has, and the newest entry of the trail.
STATE = select(
    *(select(func.count(model.id)).scalar_subquery().label(model.__tablename__) for model in world.models()),
    select(func.max(AuditEntry.id)).scalar_subquery().label("newest"),
)
# Where each role works: all in the half of An Thạnh, so that Long Hậu is foreign to everyone.
PLACES: dict[Role, type[Any]] = {
    Role.COMMUNE_CLERK: Commune,
    Role.DISTRICT_CLERK: District,
    Role.PROVINCE_CLERK: Province,
    Role.COUNCIL_MEMBER: Commune,
    Role.LEADER: Province,
    Role.ADMINISTRATOR: Province,
    Role.AUDITOR: Commune,
}
# Words that stand in foreign rows only.
FOREIGN_WORDS = ("Lai Vung", "Quýt hồng", "Long Hậu", "Long Hau", "Đặng Văn Út", "OCOP Đồng Tháp")
# The trail of a batch lies nowhere, so everyone who reads the trail reads the name of its file.
OTHER_S_FILE = "danh muc xa Long Hau.xlsx"
# Addresses open to more than one screen's verb; every other address must be {identity}/….
OPEN, SIGNED_IN, IMPORTING = {"/login"}, {"/", "/logout", "/password"}, {"/import", "/import/{batch}"}
REPORTS = {"/report/dia-gioi", "/report/dia-gioi/xlsx"}
IMPORTING |= {"/import/{batch}/original", "/import/{batch}/marked", "/import/template/{identity}"}
IMPORTING |= {f"/import/{{batch}}/{verb}" for verb in ("confirm", "answer", "drop", "stop", "undo")}
IMPORTING |= {"/moving", "/moving/choose", "/boundary", "/boundary/geojson", "/boundary/delete"}


@dataclass
class House:
    app: Starlette
    database: Database
    clients: dict[Role, TestClient]
    stranger: TestClient

    @property
    def routes(self) -> list[Route]:
        return [route for route in self.app.state.admin.admin.routes if not isinstance(route, Mount)]

    def state(self) -> dict[str, Any]:
        with acting_as(system("kiểm thử")), self.database.reading() as session:
            return dict(session.execute(STATE).one()._mapping)

    def row(self, view: OcopView, which: int) -> int:
        with acting_as(system("kiểm thử")), self.database.reading() as session:
            return world.row_of(session, view.model, which)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, shared_tmp: Path, visit: Visit) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    database = connect(conftest.sqlite_copy(folder, shared_tmp, "world"))
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        for role, model in PLACES.items():
            accounts.add_user(
                session,
                username=role.value.replace("_", "."),
                full_name=f"Cán bộ {role.label}",
                role=role,
                place=session.get_one(model, OWN),
                password=PASSWORD,
                force_change=False,
            )
    settings = Settings(
        str(database.engine.url), "k" * 40, "127.0.0.1", 8000, ("testserver",), "127.0.0.1", folder, "dev"
    )
    app = create_app(settings, database)
    yield House(app, database, {role: _signed_in(visit(app), role) for role in Role}, visit(app))
    database.engine.dispose()


def _signed_in(client: TestClient, role: Role) -> TestClient:
    answer = client.post("/admin/login", data={"username": role.value.replace("_", "."), "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client


def verbs_of(view: OcopView) -> list[str]:
    return ["list", "details", "create", "edit", "delete", "export", *(action.name for action in view.actions)]


def address(route: Route, view: OcopView, pk: int, name: str = "advance") -> str:
    path = route.path.format(identity=view.identity, pk=pk, name=name, batch=pk)
    return f"/admin{path}" + ("?name=none" if path.endswith("/lookup") else "")


@pytest.fixture(params=Role, ids=lambda role: role.value)
def role(request: pytest.FixtureRequest) -> Role:
    found: Role = request.param
    return found


@pytest.fixture(params=VIEWS, ids=lambda view: view.__name__)
def view(request: pytest.FixtureRequest, house: House) -> OcopView:
    found: OcopView = next(v for v in house.app.state.admin.views if type(v) is request.param)
    return found


# ---- the addresses there are ---------------------------------------------------------------------------------------


def test_every_address_is_one_this_guard_knows(house: House) -> None:
    paths = {route.path for route in house.routes}
    by_view = {path for path in paths if path.startswith("/{identity}/")}

    assert by_view == {f"/{{identity}}/{rest}" for rest in (
        "list", "details/{pk}", "create", "edit/{pk}", "delete", "action/{name}", "export/xlsx", "ajax/lookup",
    )}  # fmt: skip
    assert paths - by_view == OPEN | SIGNED_IN | IMPORTING | REPORTS
    assert {mount.path for mount in house.app.state.admin.admin.routes if isinstance(mount, Mount)} == {
        "/statics", "/assets",
    }  # fmt: skip


def test_outside_the_admin_there_is_no_data(house: House) -> None:
    assert {getattr(route, "path", "") for route in house.app.routes} == {"/", "/healthz", "/readyz", "/admin"}
    assert house.stranger.get("/").headers["location"] == "/admin/"
    assert house.stranger.get("/healthz").text == "ok"
    assert house.stranger.get("/readyz").text == "ok"


def test_sqladmin_s_own_file_import_and_delete_addresses_are_gone(house: House, view: OcopView) -> None:
    client, own = house.clients[Role.ADMINISTRATOR], house.row(view, OWN)
    for path in (f"{own}/name/download/", f"{own}/name/preview/", "export/csv", "export/json", "action/nothing"):
        assert client.get(f"/admin/{view.identity}/{path}").status_code in (404, 405), path
    assert client.post(f"/admin/{view.identity}/import").status_code in (404, 405)
    assert client.delete(f"/admin/{view.identity}/delete?pks={own}").status_code == 405
    assert house.row(view, OWN) == own


# ---- who is not signed in, and who comes from elsewhere -----------------------------------------------------------


def test_a_stranger_is_sent_to_sign_in_from_every_address(house: House, view: OcopView) -> None:
    before = house.state()
    for route in house.routes:
        if route.path in OPEN | {"/logout"}:
            continue
        for method in route.methods or ():
            answer = house.stranger.request(method, address(route, view, OWN))
            assert answer.status_code == 303, (method, route.path)
            assert answer.headers["location"].startswith("/admin/login"), (method, route.path)
            assert not [word for word in FOREIGN_WORDS if word in answer.text]
    assert house.state() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "", "origin": "https://ocop.example"},
        {},
    ],
    ids=["cross-site", "same-site", "none", "origin", "silent"],
)
def test_a_change_sent_from_elsewhere_is_refused_at_every_address(
    house: House, visit: Visit, headers: dict[str, str]
) -> None:
    before, view = house.state(), house.app.state.admin.views[1]
    foreign = visit(house.app)
    del foreign.headers["sec-fetch-site"]
    foreign.headers.update(headers)
    foreign.cookies = house.clients[Role.ADMINISTRATOR].cookies
    for route in house.routes:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = foreign.request(
                method, address(route, view, OWN), data={"pks": str(OWN)} if method == "POST" else None
            )
            assert answer.status_code == 403, (method, route.path)
    assert house.state() == before


def test_methods_that_no_page_uses_are_refused_at_every_address(house: House, view: OcopView) -> None:
    before, client = house.state(), house.clients[Role.ADMINISTRATOR]
    for route in house.routes:
        for method in {"POST", "PUT", "PATCH", "DELETE"} - set(route.methods or ()):
            answer = client.request(method, address(route, view, OWN))
            assert answer.status_code == 405, (method, route.path)
    assert house.state() == before


# ---- roles × screens -----------------------------------------------------------------------------------------------


def test_a_verb_that_is_not_granted_is_refused(house: House, view: OcopView, role: Role) -> None:
    client, own = house.clients[role], house.row(view, OWN)
    granted = set(ACCESS[role].get(view.identity, ()))
    before = house.state()
    for method, path, verb in _asked(view, own):
        if verb in granted:
            continue
        answer = client.request(method, path, data={"pks": str(own), "confirm": "1"} if method == "POST" else None)
        assert answer.status_code == 403, (method, path)
        assert "ocop" in answer.text.lower()
        assert not [word for word in FOREIGN_WORDS if word in answer.text]
    lookup = client.get(f"/admin/{view.identity}/ajax/lookup?name=none")
    assert lookup.status_code == (404 if granted & {"list", "create", "edit"} else 403)
    assert house.state() == before


def test_a_verb_that_is_granted_works_on_own_rows_and_finds_no_foreign_one(
    house: House, view: OcopView, role: Role
) -> None:
    client, own, foreign = house.clients[role], house.row(view, OWN), house.row(view, FOREIGN)
    granted = set(ACCESS[role].get(view.identity, ()))
    scoped = not issubclass(view.model, Everywhere)
    before = house.state()
    for method, path, verb in _asked(view, own):
        if verb not in granted:
            continue
        answer = client.request(method, path, data={"pks": str(own)} if method == "POST" else None)
        # A page, or the form again because nothing was typed into it.
        expected = 400 if (method == "POST" and verb in ("create", "edit")) else 200
        if view.identity == "import-batch" and verb == "details":
            expected = 404  # the batch of another account
        assert answer.status_code == expected, (method, path, answer.status_code)
        text = _text_of(answer).replace(OTHER_S_FILE, "")
        assert not [word for word in FOREIGN_WORDS if word in text], (method, path)
    if scoped:
        for method, path, verb in _asked(view, foreign):
            if verb not in granted or f"/{foreign}" not in path:
                continue
            assert client.request(method, path, data={}).status_code == 404, (method, path)
    assert house.state() == before


def _asked(view: OcopView, pk: int) -> Iterator[tuple[str, str, str]]:
    """(method, address, verb) of every request a page of this view makes."""
    base = f"/admin/{view.identity}"
    yield "GET", f"{base}/list", "list"
    yield "GET", f"{base}/list?search=ong", "list"
    yield "GET", f"{base}/details/{pk}", "details"
    yield "GET", f"{base}/details/{pk}?tab=lich-su", "details"
    yield "GET", f"{base}/create", "create"
    yield "POST", f"{base}/create", "create"
    yield "GET", f"{base}/edit/{pk}", "edit"
    yield "POST", f"{base}/edit/{pk}", "edit"
    yield "POST", f"{base}/delete", "delete"
    yield "GET", f"{base}/export/xlsx", "export"
    yield "POST", f"{base}/export/xlsx", "export"
    for action in view.actions:
        yield "POST", f"{base}/action/{action.name}", action.name


def _text_of(answer: Any) -> str:
    if "spreadsheet" not in answer.headers.get("content-type", ""):
        return str(answer.text)
    with zipfile.ZipFile(BytesIO(answer.content)) as book:
        return " ".join(book.read(name).decode("utf-8") for name in book.namelist() if name.endswith(".xml"))


def test_ticked_foreign_rows_are_not_acted_on(house: House, view: OcopView, role: Role) -> None:
    """Delete and every action, checked and confirmed, with the key of a foreign row typed into the form."""
    if issubclass(view.model, Everywhere):
        return
    client, foreign = house.clients[role], house.row(view, FOREIGN)
    before = house.state()
    for name in ("delete", *(f"action/{action.name}" for action in view.actions)):
        if name.removeprefix("action/") not in ACCESS[role].get(view.identity, ()):
            continue
        for confirm in ("", "1"):
            data = {"pks": foreign, "confirm": confirm, "seen": f"{foreign}:1:1,{foreign}:1", "reason": "Thiếu giấy"}
            answer = client.post(f"/admin/{view.identity}/{name}", data=data)
            assert answer.status_code in (200, 400, 404, 409), (name, answer.status_code)
            assert not [word for word in FOREIGN_WORDS if word in answer.text], name
    assert house.state() == before


def test_suggestions_name_no_foreign_row(house: House, view: OcopView, role: Role) -> None:
    client, granted = house.clients[role], set(ACCESS[role].get(view.identity, ()))
    if not granted & {"list", "create", "edit"}:
        return
    for relation in view.mapper.relationships:
        in_form = relation.key in view.get_form_columns() and granted & {"create", "edit"}
        for term in ("", "a", "long hau", "quyt", "lai vung"):
            answer = client.get(f"/admin/{view.identity}/ajax/lookup", params={"name": relation.key, "term": term})
            # A link that no form and no filter of this person asks for is not there.
            assert answer.status_code in ((200,) if in_form else (200, 404)), relation.key
            if answer.status_code == 200 and not issubclass(relation.mapper.class_, Everywhere):
                assert str(FOREIGN) not in {row["id"] for row in answer.json()["results"]}, (relation.key, term)


def test_a_form_that_names_a_foreign_row_is_not_saved(house: House, role: Role) -> None:
    """A link typed into the form by its key, as a crafted request does."""
    if "create" not in ACCESS[role].get("product", ()):
        return
    before = house.state()
    for entity, commune in ((FOREIGN, OWN), (OWN, FOREIGN)):
        data = {"name": "Kẹo dừa", "entity": entity, "commune": commune, "status": "active"}
        answer = house.clients[role].post("/admin/product/create", data=data)
        assert answer.status_code == 400
        assert "không còn trong danh sách của bạn" in answer.text
    assert house.state() == before


# ---- the other addresses -----------------------------------------------------------------------------------------


def test_pages_of_everyone_open_for_every_role(house: House, role: Role) -> None:
    before, client = house.state(), house.clients[role]
    for path in ("/admin/", "/admin/password"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert not [word for word in FOREIGN_WORDS if word in answer.text]
    assert client.get("/admin/login").status_code == 303
    assert client.get("/admin/logout").status_code == 405
    assert client.get("/admin/").status_code == 200
    assert house.state() == before


def test_the_menu_holds_what_is_granted_and_nothing_else(house: House, role: Role) -> None:
    page = house.clients[role].get("/admin/").text
    listed = {screen for screen, verbs in ACCESS[role].items() if "list" in verbs}

    for found in house.app.state.admin.views:
        assert (f'href="/admin/{found.identity}/list"' in page) == (found.identity in listed), found.identity
    assert ('href="/admin/import"' in page) == ("import" in ACCESS[role].get("import-batch", ()))


def test_who_may_load_some_list_may_load_files(role: Role) -> None:
    lists = {str(model.__screen__) for model in importing.importable()}
    some = any("import" in ACCESS[role].get(screen, ()) for screen in lists)
    assert some == ("import" in ACCESS[role].get("import-batch", ()))


def _granted(may_import: bool) -> Callable[[int], bool]:
    return lambda status: status == (200 if may_import else 403)


def test_importing_is_open_to_those_who_may_import(house: House, role: Role) -> None:
    before, client = house.state(), house.clients[role]
    may_import = "import" in ACCESS[role].get("import-batch", ())
    sees_batches = "details" in ACCESS[role].get("import-batch", ())
    asked: list[tuple[str, str, Callable[[int], bool]]] = [
        ("GET", "/admin/import", lambda status: status == (200 if may_import else 403)),
        ("POST", "/admin/import", lambda status: status == (400 if may_import else 403)),
        ("GET", f"/admin/import/{FOREIGN}", lambda status: status == (404 if sees_batches else 403)),
        ("POST", f"/admin/import/{FOREIGN}/confirm", lambda status: status == (404 if may_import else 403)),
        ("POST", f"/admin/import/{FOREIGN}/answer", lambda status: status == (404 if may_import else 403)),
        ("POST", f"/admin/import/{FOREIGN}/drop", lambda status: status == (404 if may_import else 403)),
        ("GET", f"/admin/import/{FOREIGN}/undo", lambda status: status == (404 if may_import else 403)),
        ("POST", f"/admin/import/{FOREIGN}/undo", lambda status: status == (404 if may_import else 403)),
        ("GET", f"/admin/import/{FOREIGN}/original", lambda status: status == (404 if sees_batches else 403)),
        ("GET", f"/admin/import/{FOREIGN}/marked", lambda status: status == (404 if sees_batches else 403)),
        *(
            (
                "GET",
                f"/admin/import/template/{model.__screen__}?day-du=1",
                _granted("import" in ACCESS[role].get(str(model.__screen__), ())),
            )
            for model in importing.importable()
        ),
    ]
    for method, path, fits in asked:
        answer = client.request(method, path)
        assert fits(answer.status_code), (method, path, answer.status_code)
        assert not [word for word in FOREIGN_WORDS if word in answer.text]
    assert house.state() == before


def test_every_answer_carries_the_headers_that_close_the_page(house: House, role: Role) -> None:
    for path in ("/admin/", "/admin/login", "/admin/product/list", "/admin/product/details/99", "/healthz"):
        headers = house.clients[role].get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("odd", ["abc", "0", "99999999999999999999", "-1", "1 OR 1=1", "١", "%00", "1.5"])
def test_an_odd_key_gets_a_page_and_never_a_failure(house: House, odd: str) -> None:
    client = house.clients[Role.ADMINISTRATOR]
    for page in ("details", "edit"):
        assert client.get(f"/admin/commune/{page}/{odd}").status_code in (400, 404), (page, odd)
    for data in ({"pks": odd}, {"pks": ""}, {}):
        assert client.post("/admin/commune/delete", data=data).status_code in (200, 400, 404, 409)
    for query in (f"page={odd}", f"pageSize={odd}", f"sortBy={odd}", f"province={odd}", f"valid_from_from={odd}"):
        assert client.get(f"/admin/commune/list?{query}").status_code in (200, 400), query
