"""The screens on PostgreSQL: every request goes to a site on each database, and both must answer alike."""

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from pathlib import Path

import openpyxl
import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from admin_views import VIEWS
from app.current import acting_as, system
from app.database import Database, connect
from app.main import create_app
from models import Commune, Entity, Product, ProductGroup
from tests.conftest import DEMO_PASSWORD, Visit, postgres_database, sqlite_copy
from tests.views.conftest import settings_for
from tests.views.page import form_of, text_of

SCREENS = [view.model.__screen__ or "" for view in VIEWS]
# What rightly differs: when a database was filled, the number of a request, a row's key (PostgreSQL leaves gaps).
OWN = re.compile(
    r"\d\d:\d\d(:\d\d)?|\b[0-9A-Z]{4}-[0-9A-Z]{4}\b|(?<=/details/)\d+|(?<=form=\"bulk\" value=\")\d+"
    r"|(?<=\?places=)[\d,]+"
)


@dataclass(frozen=True)
class Twins:
    """Two databases filled alike, SQLite first, and a site on each."""

    databases: Sequence[Database]
    sites: Sequence[Starlette]
    visit: Visit

    def visitor(self) -> "Visitor":
        return Visitor([self.visit(site) for site in self.sites])

    def clerk(self, username: str) -> "Visitor":
        visitor = self.visitor()
        assert visitor.post("/admin/login", {"username": username, "password": DEMO_PASSWORD}).status_code == 303
        return visitor

    def id_of(self, model: type[Product] | type[Entity] | type[ProductGroup], name: str) -> int:
        found = set()
        for database in self.databases:
            with acting_as(system("kiểm thử")), database.reading() as session:
                found.add(session.scalars(select(model.id).where(model.name == name)).one())
        (row_id,) = found
        return row_id


@dataclass(frozen=True)
class Visitor:
    """One person with a browser at each site, who gets an answer once both have given the same."""

    browsers: Sequence[TestClient]

    def get(self, address: str) -> Response:
        return self._asked(address, lambda browser: browser.get(address))

    def post(self, address: str, data: Mapping[str, object], file: bytes | None = None) -> Response:
        files = None if file is None else {"file": ("danh-muc.xlsx", file)}
        return self._asked(address, lambda browser: browser.post(address, data=data, files=files))

    def edit(self, address: str, **typed: str) -> Response:
        return self.post(address, {**form_of(self.get(address).text), **typed, "save": "save"})

    def _asked(self, address: str, ask: Callable[[TestClient], Response]) -> Response:
        on_sqlite, on_postgresql = (ask(browser) for browser in self.browsers)
        assert on_sqlite.status_code < 500, address
        assert _seen(on_postgresql) == _seen(on_sqlite), address
        return on_postgresql


def _seen(answer: Response) -> tuple[int, str, Sequence[object]]:
    content: Sequence[object] = OWN.sub("…", answer.text).splitlines()
    if "spreadsheet" in answer.headers.get("content-type", ""):
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
        content = [["…" if isinstance(c.value, datetime) else c.value for c in row] for row in sheet.iter_rows()]
    return answer.status_code, answer.headers.get("location", ""), content


def _twins(folder: Path, shared: Path, postgres: str, visit: Visit) -> Iterator[Twins]:
    urls = [sqlite_copy(folder, shared, "demo"), postgres_database(postgres, shared, "demo")]
    databases = [connect(url) for url in urls]
    sites = [create_app(settings_for(u, folder), d) for u, d in zip(urls, databases, strict=True)]
    yield Twins(databases, sites, visit)
    for database in databases:
        database.engine.dispose()


@pytest.fixture
def twins(tmp_path: Path, shared_tmp: Path, postgres: str, visit: Visit) -> Iterator[Twins]:
    yield from _twins(tmp_path, shared_tmp, postgres, visit)


@pytest.fixture(scope="module")
def looked_at(
    tmp_path_factory: pytest.TempPathFactory, shared_tmp: Path, postgres: str, visit: Visit
) -> Iterator[Twins]:
    yield from _twins(tmp_path_factory.mktemp("looked_at"), shared_tmp, postgres, visit)


@pytest.fixture(scope="module", params=["admin", "tinh", "xa"])
def clerk(request: pytest.FixtureRequest, looked_at: Twins) -> Visitor:
    """Someone who only looks, so that all these tests share the databases."""
    return looked_at.clerk(request.param)


# ---- looking ---------------------------------------------------------------------------------------------------


def test_the_home_page(clerk: Visitor) -> None:
    assert clerk.get("/admin/").status_code == 200


@pytest.mark.parametrize("screen", SCREENS)
def test_a_list_searched_sorted_filtered_paged_and_exported(clerk: Visitor, screen: str) -> None:
    page = clerk.get(f"/admin/{screen}/list")
    if page.status_code == 403:
        return
    for query in ("search=mien", "search=miến", "page=-1"):
        clerk.get(f"/admin/{screen}/list?{query}")
    for column in set(re.findall(r"[?;]sortBy=(\w+)", page.text)):
        for more in ("sort=asc", "sort=desc&page=-1"):
            assert clerk.get(f"/admin/{screen}/list?sortBy={column}&{more}").status_code == 200
    for name, value in _filters(clerk, screen, page.text):
        assert clerk.get(f"/admin/{screen}/list?{name}={value}").status_code == 200
    ticked = ",".join(re.findall(r'name="pks" form="bulk" value="(\d+)"', page.text))
    for query in (f"pks={ticked}", "search=mien"):
        clerk.get(f"/admin/{screen}/export/xlsx?{query}")


def _filters(clerk: Visitor, screen: str, page: str) -> Iterator[tuple[str, str]]:
    """For every filter of the panel what it offers first, what it suggests, or a day."""
    panel = page.partition('class="o-filters"')[2].partition("</form>")[0]
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', panel, flags=re.S):
        yield from ((name, unescape(value)) for value in re.findall(r'<option value="([^"]+)"', options)[:1])
    for name in re.findall(r"ajax/lookup\?name=(\w+)", panel):
        found = clerk.get(f"/admin/{screen}/ajax/lookup?name={name}&term=thạnh phú").json()["results"]
        yield from ((name, row["id"]) for row in found[:1])
    yield from ((name, "01/03/2026") for name in re.findall(r'name="(\w+_(?:from|to))"', panel))


@pytest.mark.parametrize("screen", SCREENS)
def test_a_record_its_history_and_its_form(clerk: Visitor, screen: str) -> None:
    page = clerk.get(f"/admin/{screen}/list")
    for pk in re.findall(rf'href="/admin/{screen}/details/(\d+)"', page.text)[:1]:
        record = clerk.get(f"/admin/{screen}/details/{pk}")
        for tab in re.findall(r'href="([^"]*\?tab=[^"]*)"', record.text):
            clerk.get(unescape(tab))
        clerk.get(f"/admin/{screen}/edit/{pk}")
    clerk.get(f"/admin/{screen}/create")


# ---- acting ----------------------------------------------------------------------------------------------------


def test_an_edit_and_one_that_comes_too_late(twins: Twins) -> None:
    xa, tinh = twins.clerk("xa"), twins.clerk("tinh")
    ice = twins.id_of(Product, "Kem dừa sáp")
    address = f"/admin/product/edit/{ice}"
    opened = form_of(xa.get(address).text)

    saved = tinh.edit(address, packaging="Hũ thủy tinh 200 g")
    late = xa.post(address, {**opened, "packaging": "Hũ nhựa 250 g", "save": "save"})
    chosen = xa.post(address, {**form_of(late.text), "choose-packaging": "mine"})

    assert (saved.status_code, late.status_code, chosen.status_code) == (303, 409, 303)
    history = text_of(xa.get(f"/admin/product/details/{ice}?tab=lich-su").text)
    assert "Hũ thủy tinh 200 g" in history.partition("Hũ nhựa 250 g")[2]


def test_what_the_database_refuses_is_a_sentence(twins: Twins) -> None:
    tinh = twins.clerk("tinh")
    one, other = (f"/admin/entity/edit/{pk}" for pk in (1, 2))
    tinh.edit(one, tax_code="0100047516")

    assert "Đã có chủ thể cùng mã số thuế." in text_of(tinh.edit(other, tax_code="0100047516").text)


@pytest.mark.parametrize(
    ("screen", "letter"), [("entity", "ặ"), ("product", "ặ"), ("rating", "ặ"), ("product", "\x00")]
)
def test_texts_as_long_as_their_fields(twins: Twins, screen: str, letter: str) -> None:
    tinh = twins.clerk("tinh")
    form = tinh.get(f"/admin/{screen}/edit/2").text
    lengths = {name: int(most) for name, most in re.findall(r'name="(\w+)"[^>]*maxlength="(\d+)"', form)}
    assert lengths

    tinh.edit(f"/admin/{screen}/edit/2", **{name: f"Đ{letter * (most - 1)}" for name, most in lengths.items()})

    tinh.get(f"/admin/{screen}/details/2?tab=lich-su")


def test_a_text_that_no_longer_fits_its_column_is_a_sentence(twins: Twins) -> None:
    with twins.databases[1].engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE products ALTER packaging TYPE varchar(9) USING left(packaging, 9)")
    on_postgresql = twins.clerk("xa").browsers[1]
    address = f"/admin/product/edit/{twins.id_of(Product, 'Kem dừa sáp')}"
    opened = form_of(on_postgresql.get(address).text)

    answer = on_postgresql.post(address, data={**opened, "packaging": "Hũ nhựa 250 g"})

    assert answer.status_code == 400
    assert "dài hoặc lớn hơn mức sổ giữ được" in answer.text
    assert "Hũ nhựa 250 g" in answer.text


def test_deleting(twins: Twins) -> None:
    xa = twins.clerk("xa")
    typed = {"name": "Sản phẩm nhập nhầm", "entity-text": "HTX dừa sáp Cồn Lớn", "commune-text": "Xã Thạnh Phú"}
    xa.post("/admin/product/create", {**form_of(xa.get("/admin/product/create").text), **typed})
    ids = [twins.id_of(Product, name) for name in ("Sản phẩm nhập nhầm", "Kem dừa sáp")]

    check = xa.post("/admin/product/delete", {"pks": [str(pk) for pk in ids]})
    done = xa.post("/admin/product/delete", form_of(check.text))

    assert "còn 1 tham gia chu trình" in check.text
    assert "Đã xóa 1 sản phẩm" in done.text
    assert [xa.get(f"/admin/product/details/{pk}").status_code for pk in ids] == [404, 200]


@pytest.mark.parametrize(
    ("name", "action", "typed", "said"),
    [
        ("Trà bí đao túi lọc", "advance", {"note": "Đã dự tập huấn."}, "Đã chuyển 1 sản phẩm sang bước 4"),
        ("Ba khía muối", "send_back", {"reason": "Thiếu phương án tài chính."}, "Đã trả lại 1 sản phẩm"),
        ("Kem dừa sáp", "hand_in", {"note": "Đã bổ sung."}, "Đã ghi nhận nộp 1 sản phẩm"),
    ],
)
def test_a_step(twins: Twins, name: str, action: str, typed: dict[str, str], said: str) -> None:
    xa = twins.clerk("xa")
    pk = twins.id_of(Product, name)

    check = xa.post(f"/admin/product/action/{action}", {"pks": str(pk)})
    done = xa.post(f"/admin/product/action/{action}", {**form_of(check.text), **typed})

    assert said in text_of(done.text)
    assert next(iter(typed.values())) in xa.get(f"/admin/product/details/{pk}?tab=chu-trinh").text


def test_all_matching_products_are_checked(twins: Twins) -> None:
    page = twins.clerk("tinh").post("/admin/product/action/advance", {"all": "1", "query": "search=dừa"})

    assert page.status_code == 200


def test_an_import_planned_and_confirmed(twins: Twins) -> None:
    tinh = twins.clerk("tinh")
    book = openpyxl.Workbook()
    for row in (
        ("Mã TP", "Tỉnh Thành Phố", "Mã PX", "Phường Xã"),
        ("86", "Tỉnh Vĩnh Long", "29182", "Xã Thạnh Phú Mới"),
        ("86", "Tỉnh Vĩnh Long", "29999", "Xã Cồn Bửng"),
    ):
        book.worksheets[0].append(row)
    kept = io.BytesIO()
    book.save(kept)
    asked = {"model": "commune", "as_of": "01/10/2026", "province": "", "sheet": ""}

    plan = tinh.post("/admin/import", asked, kept.getvalue()).headers["location"]
    assert "Nhập 2 dòng: 1 mới, 1 thay đổi" in text_of(tinh.get(plan).text)
    result = tinh.post(f"{plan}/confirm", {}).headers["location"]

    assert "Đã nhập 2 dòng: 1 mới, 1 thay đổi" in text_of(tinh.get(result).text)
    assert "Xã Cồn Bửng" in tinh.get("/admin/commune/list?search=con bung").text
    tinh.get("/admin/import-batch/list")
    for database in twins.databases:
        with acting_as(system("kiểm thử")), database.reading() as session:
            assert len(session.scalars(select(Commune).where(Commune.code == "29182")).all()) > 1


def test_signing_in_locks_after_five_wrong_passwords(twins: Twins) -> None:
    visitor = twins.visitor()

    wrong = [visitor.post("/admin/login", {"username": "xa", "password": "sai rồi nhé"}) for _ in range(5)]
    right = visitor.post("/admin/login", {"username": "xa", "password": DEMO_PASSWORD})

    assert "Còn 4 lần thử." in wrong[0].text
    assert right.status_code == 400
    assert twins.clerk("tinh").post("/admin/logout", {}).status_code == 303
