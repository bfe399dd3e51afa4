"""Wherever a place is shown, today's name stands first and the former one small behind, never alone."""

import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import openpyxl
import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from admin_views import VIEWS
from admin_views.base import OcopView
from app.current import acting_as, system
from app.database import Database
from app.services import cycle, rating
from app.session import OcopSession
from models import AuditEntry, Commune, Cycle, Entity, Product, Representative, User
from models.base import Placed
from tests.views.conftest import Clerk
from tests.views.page import form_of, rows_of, text_of
from tests.views.test_imports import send, workbook

LINE = "Xã Đồng Khởi — trước 01/07/2025: xã Bình Khánh, huyện Mỏ Cày Nam"


@pytest.fixture
def ended(demo: Database) -> int:
    """A commune that went into another, with a producer in it and the account of its clerk."""
    with acting_as(system("kiểm thử")), demo.writing.begin() as session, session.doing("kiểm thử"):
        place = session.scalars(
            select(Commune).where(Commune.code == "28945", Commune.valid_to == date(2025, 6, 30))
        ).one()
        session.add(Entity(name="HTX Dừa xiêm xanh", kind="htx", commune=place))
        session.scalars(select(User).where(User.username == "xa")).one().commune = place
        session.flush()
        return place.id


def test_the_chip_of_a_commune_filter_says_todays_name_first(clerk: Clerk, ended: int) -> None:
    for query in (f"commune={ended}", f"places={ended}"):
        page = text_of(clerk("tinh").get(f"/admin/entity/list?{query}").text)
        assert LINE in page, query
        assert "HTX Dừa xiêm xanh" in page


def test_a_producer_is_suggested_with_todays_commune_first(clerk: Clerk, ended: int) -> None:
    answer = clerk("tinh").get("/admin/product/ajax/lookup", params={"name": "entity", "term": "dừa xiêm xanh"})

    assert [hit["hint"] for hit in answer.json()["results"] if hit["text"] == "HTX Dừa xiêm xanh"] == [LINE]


def test_the_list_of_accounts_says_todays_commune_first(clerk: Clerk, ended: int) -> None:
    rows = rows_of(clerk("admin").get("/admin/user/list?pageSize=100").text)

    cells = [cell for row in rows for cell in row if "Bình Khánh" in cell or "bình khánh" in cell.lower()]
    assert cells
    assert all(cell.startswith("Xã Đồng Khởi") and "trước 01/07/2025: xã Bình Khánh" in cell for cell in cells)


def test_the_top_bar_of_a_clerk_whose_commune_ended_says_todays_name_first(clerk: Clerk, ended: int) -> None:
    page = text_of(clerk("xa").get("/admin/").text)

    assert f"Địa bàn: {LINE}" in page


# ---- every screen ------------------------------------------------------------------------------------------------

FORMER, TODAYS = "bình khánh", "đồng khởi"
# These say how one unit became another, and name each unit by its own name.
OF_UNITS = ("commune", "commune-succession")
SEARCH = "dừa xiêm xanh"


@pytest.fixture
def records(demo: Database, ended: int) -> dict[str, int]:
    """By screen, a record of every model with a place, in the commune that ended."""
    with acting_as(system("kiểm thử")), demo.writing.begin() as session, session.doing("kiểm thử"):
        entity = session.scalars(select(Entity).where(Entity.commune_id == ended)).one()
        session.add(Representative(entity=entity, name="Lê Văn Tám", position="Giám đốc", since=date(2020, 1, 1)))
        product = Product(name="Kẹo dừa xiêm xanh", entity=entity, commune=entity.commune)
        of_2025 = session.scalars(select(Cycle).where(Cycle.year == 2025)).one()
        of_2025.closed_on = None
        session.add(product)
        session.flush()
        taking_part = cycle.enter(session, product, of_2025, today=date(2025, 3, 3))
        result = rating.record(
            session,
            product,
            mean_points=Decimal(75),
            decided_on=date(2025, 6, 16),
            stars=4,
            decision_number="12/QĐ-UBND",
            authority="UBND tỉnh Bến Tre",
            participation=taking_part,
        )
        session.flush()
        user = session.scalars(select(User).where(User.username == "xa")).one()
        trail = select(func.max(AuditEntry.id)).where(AuditEntry.model == "products")
        rows = {row.__screen__: row.id for row in (entity, product, taking_part, result, user)}
        return {str(screen): pk for screen, pk in rows.items()} | {"audit": session.scalar(trail) or 0}


class Together(HTMLParser):
    """What stands together on a page: a cell, an option, a field, a fact, a sentence."""

    APART = frozenset(
        "td th dd dt li option p h1 h2 h3 title caption legend tr section header nav label".split()  # noqa: SIM905  # shorter
    )

    def __init__(self) -> None:
        super().__init__()
        self.found = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in self.APART:
            self.found.append("")
        name = given.get("name") or ""
        if name.endswith("-text") and not name.startswith("was-"):
            self.found[-1] += f" {given.get('value')}"

    def handle_endtag(self, tag: str) -> None:
        if tag in self.APART:
            self.found.append("")

    def handle_data(self, data: str) -> None:
        self.found[-1] += data


def seen_of(html: str) -> list[str]:
    """What names the former commune, each as it stands together."""
    parser = Together()
    parser.feed(html)
    found = [" ".join(text.split()) for text in parser.found]
    return [text for text in found if FORMER in text.lower()]


def alone(found: Iterable[str]) -> list[str]:
    """What names the former commune, and not today's before it."""
    return [text for text in found if TODAYS not in text.lower().partition(FORMER)[0]]


def shown_by(client: TestClient, view: OcopView, pk: int | None) -> list[str]:
    """What a screen shows of the former commune: list, record, forms, suggestions, check pages and file."""
    addresses = ["list?pageSize=100", f"list?search={SEARCH}", "create"]
    if pk is not None:
        tabs = [f"details/{pk}?tab={name}" for name, _label in (("", ""), ("lich-su", ""), *view.own_tabs())]
        addresses += [*tabs, f"edit/{pk}"]
    pages = [client.get(f"/admin/{view.identity}/{address}") for address in addresses]
    acts = ["delete", *(f"action/{action.name}" for action in view.actions)]
    pages += [client.post(f"/admin/{view.identity}/{act}", data={"pks": pk}) for act in acts if pk is not None]
    found = [text for page in pages if page.status_code == 200 for text in seen_of(page.text)]
    for relation in view.mapper.relationships:
        asked = {"name": relation.key, "term": SEARCH}
        answer = client.get(f"/admin/{view.identity}/ajax/lookup", params=asked)
        hits = answer.json()["results"] if answer.status_code == 200 else []
        found += [line for hit in hits if FORMER in (line := f"{hit['text']} {hit['hint']}").lower()]
    file = client.get(f"/admin/{view.identity}/export/xlsx")
    if file.status_code == 200:
        for row in openpyxl.load_workbook(io.BytesIO(file.content)).worksheets[0].iter_rows(values_only=True):
            line = " ".join(str(cell) for cell in row if cell)
            # The trail names a unit that was added or changed by its own name.
            if FORMER in line.lower() and "Xã, phường Thêm" not in line:
                found.append(line)
    return found


@pytest.mark.parametrize("view", [view for view in VIEWS if view.model.__screen__ not in OF_UNITS])
def test_no_screen_shows_a_former_name_alone(clerk: Clerk, records: dict[str, int], view: type[OcopView]) -> None:
    screen = view()
    has_place = issubclass(screen.model, Placed) or any(r.mapper.class_ is Commune for r in screen.mapper.relationships)

    found = [text for who in ("admin", "tinh") for text in shown_by(clerk(who), screen, records.get(screen.identity))]

    assert alone(found) == []
    assert bool(found) is (has_place or screen.identity == "audit"), "a record in the ended commune is missing here"


def test_a_form_filled_from_an_address_says_todays_commune(clerk: Clerk, ended: int) -> None:
    page = clerk("tinh").get(f"/admin/product/create?commune={ended}").text

    assert seen_of(page)
    assert alone(seen_of(page)) == []


def test_a_page_of_two_versions_says_todays_commune(clerk: Clerk, look: OcopSession, records: dict[str, int]) -> None:
    tinh, address = clerk("tinh"), f"/admin/product/edit/{records['product']}"
    opened = form_of(tinh.get(address).text)
    mine, theirs = look.scalars(select(Commune).where(Commune.code.in_(("29182", "29221")), Commune.valid_to.is_(None)))
    choices = [{"commune": str(unit.id), "commune-text": unit.name} for unit in (mine, theirs)]

    tinh.post(address, data={**opened, **choices[1], "save": "save"})
    page = tinh.post(address, data={**opened, **choices[0], "save": "save"})

    assert page.status_code == 409
    assert seen_of(page.text)
    assert alone(seen_of(page.text)) == []


def test_an_import_says_todays_commune(clerk: Clerk, records: dict[str, int]) -> None:
    tinh = clerk("tinh")
    file = workbook(("Kẹo dừa xiêm xanh", "HTX Dừa xiêm xanh", "29182"), header=("Tên sản phẩm", "Chủ thể", "Mã xã"))

    href = send(tinh, file, name="san-pham.xlsx", model="product").headers["location"]
    pages = [tinh.get(href).text]
    tinh.post(f"{href}/confirm")
    pages += [tinh.get(href).text, tinh.get(f"{href}/undo").text]

    assert all(seen_of(page) for page in pages)
    assert [alone(seen_of(page)) for page in pages] == [[], [], []]


def test_pages_of_the_move_name_both_units_in_one_row(clerk: Clerk, records: dict[str, int]) -> None:
    tinh = clerk("tinh")

    for page in (tinh.get("/admin/moving").text, tinh.post("/admin/moving").text):
        rows = [" ".join(row).lower() for row in rows_of(page)]
        assert any(FORMER in row for row in rows)
        assert all(TODAYS in row for row in rows if FORMER in row)


def test_a_succession_names_its_units_as_they_were(clerk: Clerk, look: OcopSession, ended: int) -> None:
    rows = rows_of(clerk("tinh").get(f"/admin/commune-succession/list?old={ended}").text)

    assert any(cell.startswith("Xã Bình Khánh") for row in rows for cell in row)
