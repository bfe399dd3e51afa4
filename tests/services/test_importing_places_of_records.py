"""Places in lists of records: what a code or name meant on another day is asked about, never taken silently."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from app.database import Database
from app.services import importing
from app.table import Cell, Column, Table
from models import (
    Commune,
    CommuneKind,
    CommuneSuccession,
    District,
    Entity,
    Product,
    Province,
    RowAction,
    SuccessionKind,
)

pytestmark = pytest.mark.usefixtures("at_the_command_line")

TODAY, BEFORE, REFORM = date(2026, 3, 1), date(2025, 6, 30), date(2025, 7, 1)
NAMED = ("Chủ thể", "Xã", "Huyện")
CODED = ("Chủ thể", "Mã xã")


def listed(header: Sequence[str], *rows: Sequence[Cell]) -> Table:
    return Table(tuple(Column(label) for label in header), [tuple(row) for row in rows], range(2, len(rows) + 2))


class Office:
    """Communes of former Bến Tre as the reform left them.

    Bình Khánh (28945) went into Đồng Khởi, which bears its code. Phú Tân of the city (28757) went into An Hội; the
    code of Hữu Định (28858) and the name Phú Tân are those of a new ward. An Thạnh was in two districts.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids: dict[str, int] = {}
        with database.writing.begin() as session:
            old = Province(code="83", name="Tỉnh Bến Tre", kind="tinh", valid_from=date(2017, 1, 1), valid_to=BEFORE)
            new = Province(code="86", name="Tỉnh Vĩnh Long", kind="tinh", valid_from=REFORM)
            districts = {
                code: District(
                    code=code, name=name, kind="huyen", province=old, valid_from=date(2017, 1, 1), valid_to=BEFORE
                )
                for code, name in (("829", "Huyện Châu Thành"), ("833", "Huyện Mỏ Cày Nam"), ("837", "Huyện Thạnh Phú"))
            }
            units = {}
            for code, name, district in (
                ("28945", "Xã Bình Khánh", "833"),
                ("28757", "Phường Phú Tân", "829"),
                ("28858", "Xã Hữu Định", "829"),
                ("28951", "Xã An Thạnh", "833"),
                ("29200", "Xã An Thạnh", "837"),
            ):
                units[f"{code} cũ"] = Commune(
                    code=code,
                    name=name,
                    kind=CommuneKind.WARD if name.startswith("Phường") else CommuneKind.COMMUNE,
                    province=old,
                    district=districts[district],
                    valid_from=date(2017, 1, 1),
                    valid_to=BEFORE,
                )
            for code, name in (("28945", "Xã Đồng Khởi"), ("28777", "Phường An Hội"), ("28858", "Phường Phú Tân")):
                kind = CommuneKind.WARD if name.startswith("Phường") else CommuneKind.COMMUNE
                units[code] = Commune(code=code, name=name, kind=kind, province=new, valid_from=REFORM)
            session.add_all(units.values())
            session.flush()
            for before, after in (
                ("28945 cũ", "28945"),
                ("28757 cũ", "28777"),
                ("28858 cũ", "28858"),
                ("28951 cũ", "28945"),
                ("29200 cũ", "28777"),
            ):
                link = CommuneSuccession(old=units[before], new=units[after], kind=SuccessionKind.WHOLE)
                session.add(link)
            self.ids = {key: unit.id for key, unit in units.items()}

    def plan(self, header: Sequence[str], *rows: Sequence[Cell], as_of: date = TODAY, **settled: Any) -> importing.Plan:
        options = importing.Options(**{"asks_day": True, **settled})
        with self.database.writing.begin() as session:
            return importing.plan(session, Entity, listed(header, *rows), as_of=as_of, options=options)

    def bring_in(self, header: Sequence[str], *rows: Sequence[Cell], **settled: Any) -> list[int]:
        """Ids of the communes that the rows came to lie in."""
        made = self.plan(header, *rows, **settled)
        assert made.refused == []
        with self.database.writing.begin() as session:
            importing.apply(session, importing.store(session, made, file_name="a.xlsx", content_hash="a" * 64, size=1))
            return list(session.scalars(select(Entity.commune_id).order_by(Entity.id)))


@pytest.fixture
def office(any_database: Database) -> Office:
    return Office(any_database)


@pytest.fixture
def desk(database: Database) -> Office:
    return Office(database)


def offered(made: importing.Plan) -> list[Sequence[tuple[int | str, str]]]:
    return [asked.suggestions for asked in made.unfound]


def whys(made: importing.Plan) -> list[str]:
    return [asked.why for asked in made.unfound]


# ---- the day, where it matters ------------------------------------------------------------------------------------


def test_a_name_that_was_another_units_is_asked_about_with_both_units_and_the_day(office: Office) -> None:
    made = office.plan(NAMED, ("HTX Phú Tân", "Phường Phú Tân", ""))

    day, unit = made.unfound
    assert (day.relation, day.value, day.lines) == (importing.AS_OF, "", [2])
    assert day.suggestions == [("2026-03-01", "Tính đến 01/03/2026"), ("2025-06-30", "Tính đến 30/06/2025")]
    said = "“Phường Phú Tân” nay là 28858 Phường Phú Tân, đến hết 30/06/2025 là 28757 Phường Phú Tân, Huyện Châu Thành."
    assert unit.why == said
    assert unit.suggested is None, "either may be meant"
    assert unit.suggestions == [
        (office.ids["28858"], "28858, Phường Phú Tân, Tỉnh Vĩnh Long, từ 01/07/2025"),
        (office.ids["28777"], "28777, Phường An Hội, Tỉnh Vĩnh Long, từ 01/07/2025"),
        (
            office.ids["28757 cũ"],
            "28757, Phường Phú Tân, Huyện Châu Thành, Tỉnh Bến Tre, đến 30/06/2025, nay là Phường An Hội",
        ),
    ]


def test_a_code_given_to_another_unit_is_asked_about(desk: Office) -> None:
    made = desk.plan(CODED, ("HTX Hữu Định", "28858"))

    assert whys(made)[1] == "Mã 28858 nay là Phường Phú Tân, đến hết 30/06/2025 là Xã Hữu Định, Huyện Châu Thành."
    assert [each for each, _ in offered(made)[1]] == [desk.ids["28858"], desk.ids["28858 cũ"]]


@pytest.mark.parametrize(("day", "unit"), [("2025-06-30", "28858 cũ"), ("2026-03-01", "28858")])
def test_the_day_answers_for_the_whole_list(office: Office, day: str, unit: str) -> None:
    links = {importing.AS_OF: {"": day}}

    made = office.plan(CODED, ("HTX Hữu Định", "28858"), links=links)

    assert made.unfound == []
    assert made.as_of == date.fromisoformat(day)
    assert office.bring_in(CODED, ("HTX Hữu Định", "28858"), links=links) == [office.ids[unit]]


def test_nothing_is_asked_where_the_day_was_given_or_no_day_changes_anything(desk: Office) -> None:
    given = desk.plan(NAMED, ("HTX Phú Tân", "Phường Phú Tân", ""), asks_day=False)
    with_name = desk.plan(("Chủ thể", "Mã xã", "Xã"), ("HTX Phú Tân", "28858", "Phường Phú Tân"))
    plain = desk.plan(NAMED, ("HTX An Hội", "Phường An Hội", ""))

    assert [made.unfound for made in (given, with_name, plain)] == [[], [], []]


def test_an_answer_that_is_no_day_is_none(desk: Office) -> None:
    made = desk.plan(CODED, ("HTX Hữu Định", "28858"), links={importing.AS_OF: {"": "hôm qua"}})

    assert made.as_of == TODAY


# ---- former codes and names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "row", "why", "first"),
    [
        (CODED, ("HTX A", "28757"), "Mã 28757 là Phường Phú Tân, Huyện Châu Thành đến hết 30/06/2025, nay là", "28777"),
        (
            NAMED,
            ("HTX A", "Bình Khánh", "Mỏ Cày Nam"),
            "“Bình Khánh” là tên đến hết 30/06/2025, nay là Xã Đồng",
            "28945",
        ),
        (
            NAMED,
            ("HTX A", "Phú Tân", "Châu Thành"),
            "“Phú Tân” là tên đến hết 30/06/2025, nay là Phường An Hội",
            "28777",
        ),
        (NAMED, ("HTX A", "Xã An Thạnh", "Thạnh Phú"), "“Xã An Thạnh” là tên đến hết 30/06/2025, nay là", "28777"),
        (
            ("Chủ thể", "Mã xã", "Xã"),
            ("HTX A", "28858", "Xã Hữu Định"),
            "“Xã Hữu Định” là tên đến hết 30/06/2025, nay là Phường Phú Tân.",
            "28858",
        ),
        (
            ("Chủ thể", "Xã", "Tỉnh"),
            ("HTX A", "Bình Khánh", "Vĩnh Long"),
            "“Bình Khánh” là tên đến hết 30/06/2025, nay là Xã Đồng Khởi.",
            "28945",
        ),
    ],
)
@pytest.mark.parametrize("asks_day", [True, False])
def test_a_former_code_or_name_suggests_the_unit_of_today_first_and_then_itself(
    desk: Office, header: Sequence[str], row: Sequence[str], why: str, first: str, *, asks_day: bool
) -> None:
    made = desk.plan(header, row, asks_day=asks_day)

    asked = made.unfound[-1]
    assert asked.why.startswith(why)
    assert asked.suggestions[0][0] == desk.ids[first]
    assert "đến 30/06/2025" in asked.suggestions[1][1]
    assert len(made.unfound) == 1 + asks_day


def test_a_name_of_two_former_units_offers_both_with_what_they_became(desk: Office) -> None:
    made = desk.plan(("Chủ thể", "Xã"), ("HTX A", "Xã An Thạnh"))

    assert whys(made)[-1] == "“Xã An Thạnh” đến hết 30/06/2025 là tên của 2 đơn vị."
    units = [each for each, _ in offered(made)[-1]]
    assert set(units) == {desk.ids[key] for key in ("28945", "28777", "28951 cũ", "29200 cũ")}
    assert set(units[:2]) == {desk.ids["28945"], desk.ids["28777"]}


# ---- what is answered and what cells say themselves ----------------------------------------------------------------


def test_an_answer_reaches_no_row_whose_cells_say_themselves_what_they_mean(office: Office) -> None:
    rows = ("HTX Một", "An Thạnh bên Thạnh Phú", ""), ("HTX Hai", "An Thạnh", "Thạnh Phú")
    (asked,) = office.plan(NAMED, *rows, as_of=BEFORE, asks_day=False).unfound
    assert asked.lines == [2]

    said = {"commune": {asked.key: office.ids["28945 cũ"]}}
    own = office.ids["29200 cũ"]
    assert office.bring_in(NAMED, *rows, as_of=BEFORE, asks_day=False, links=said) == [office.ids["28945 cũ"], own]
    # Remembered under the very words of the second line, it still is no answer to them.
    again = office.plan(NAMED, rows[1], as_of=BEFORE, asks_day=False, links={"commune": {"an thanh|thanh phu": "skip"}})
    assert again.counts["same"] == 1


def test_a_producer_recorded_in_what_became_the_commune_is_found_by_its_name_there(office: Office) -> None:
    office.bring_in(CODED, ("HTX Hữu Định", "28858"), as_of=BEFORE, asks_day=False)

    with office.database.writing.begin() as session:
        listed_today = listed(("Tên sản phẩm", "Chủ thể", "Xã của chủ thể"), ("Bưởi", "HTX Hữu Định", "Phú Tân"))
        options = importing.Options(mapping={"Xã của chủ thể": "entity.commune.name"})
        made = importing.plan(session, Product, listed_today, as_of=TODAY, options=options)

    assert (made.counts["new"], made.unfound, made.also) == (1, [], {})


# ---- an address in one cell ----------------------------------------------------------------------------------------

OF_ONE_DAY = {"as_of": BEFORE, "asks_day": False}


@pytest.mark.parametrize(
    "cell",
    [
        "Xã An Thạnh, huyện Thạnh Phú",
        "xã An Thạnh - huyện Thạnh Phú, tỉnh Bến Tre",
        "xã An Thạnh huyện Thạnh Phú",
        "X. An Thạnh, H. Thạnh Phú",
        "An Thạnh (Thạnh Phú)",
        "An Thạnh, Thạnh Phú, Bến Tre",
    ],
)
@pytest.mark.parametrize("title", ["Xã", "Đơn vị"])
def test_an_address_in_one_cell_narrows_the_search_and_is_told(desk: Office, cell: str, title: str) -> None:
    made = desk.plan(("Chủ thể", title), ("HTX Một", cell), **OF_ONE_DAY)

    assert (made.counts["new"], made.unfound) == (1, [])
    (told,) = made.repairs
    assert (told.key, told.count, told.cells[0][:3]) == (f"dia-chi:{title}", 1, (2, title, cell))
    assert "hạnh Phú" in told.cells[0][3].partition("; ")[2]
    assert made.rows[0].raw[1] == cell
    assert desk.bring_in(("Chủ thể", title), ("HTX Một", cell), **OF_ONE_DAY) == [desk.ids["29200 cũ"]]


def test_an_address_that_a_clerk_wants_kept_whole_is_asked_about(desk: Office) -> None:
    made = desk.plan(("Chủ thể", "Xã"), ("HTX A", "Xã An Thạnh, huyện Thạnh Phú"), keep=["dia-chi:Xã"], **OF_ONE_DAY)

    assert [asked.value for asked in made.unfound] == ["Xã An Thạnh, huyện Thạnh Phú"]
    assert [told.kept for told in made.repairs] == [True]


def test_an_address_that_two_units_fit_is_asked_about(desk: Office) -> None:
    made = desk.plan(("Chủ thể", "Xã"), ("HTX A", "Xã An Thạnh, tỉnh Bến Tre"), **OF_ONE_DAY)

    assert whys(made) == ["Có 2 xã, phường tên “Xã An Thạnh”."]
    assert {row for row, _ in offered(made)[0]} == {desk.ids["28951 cũ"], desk.ids["29200 cũ"]}


def test_a_column_of_its_own_comes_before_what_an_address_says_and_must_agree(desk: Office) -> None:
    cell = "Xã An Thạnh, huyện Thạnh Phú"
    rows = ("HTX Một", cell, "Huyện Thạnh Phú"), ("HTX Hai", cell, None), ("HTX Ba", "An Thạnh", "Mỏ Cày Nam")
    communes = [desk.ids["29200 cũ"], desk.ids["29200 cũ"], desk.ids["28951 cũ"]]
    assert desk.bring_in(NAMED, *rows, **OF_ONE_DAY) == communes

    made = desk.plan(NAMED, ("HTX Bốn", cell, "Mỏ Cày Nam"), **OF_ONE_DAY)
    sentence = "Cột “Xã” ghi “huyện Thạnh Phú”, cột “Huyện” ghi “Mỏ Cày Nam”. Ghi cho giống nhau."
    assert ("Huyện", sentence) in [tuple(problem) for problem in made.refused[0].problems]


def test_an_address_without_a_hamlet_empties_no_street_though_empty_cells_clear(desk: Office) -> None:
    header, place = ("Chủ thể", "Xã"), "xã An Thạnh, huyện Thạnh Phú"
    desk.bring_in(header, ("HTX Một", f"Ấp 3, {place}"), ("HTX Hai", place), **OF_ONE_DAY)

    rows = ("HTX Một", place), ("HTX Hai", f"Ấp 4, {place}"), ("HTX Hai", place)
    made = desk.plan(header, *rows, clears=True, **OF_ONE_DAY)

    assert [row.action for row in made.rows] == [RowAction.SAME, RowAction.CHANGED, RowAction.SKIPPED]


@pytest.mark.parametrize("title", ["Xã", "Địa chỉ"])
def test_the_hamlet_of_an_address_becomes_the_street_that_no_column_fills(desk: Office, title: str) -> None:
    cell = "Ấp 3, xã An Thạnh, huyện Thạnh Phú"
    made = desk.plan(("Chủ thể", title), ("HTX Một", cell), **OF_ONE_DAY)

    assert made.mapped[1][1] == "commune.name"
    assert made.repairs[0].cells[0][3] == "xã An Thạnh; huyện Thạnh Phú; địa chỉ: Ấp 3"
    desk.bring_in(("Chủ thể", title), ("HTX Một", cell), **OF_ONE_DAY)
    with desk.database.reading() as session:
        assert session.scalars(select(Entity.street)).one() == "Ấp 3"

    beside = desk.plan(("Chủ thể", "Xã", "Địa chỉ"), ("HTX Hai", cell, "Ấp 4"), **OF_ONE_DAY)
    assert beside.rows[0].parsed["street"] == "Ấp 4"
    assert beside.repairs[0].cells[0][3].endswith("; không dùng: Ấp 3")


def test_headings_of_districts_tell_their_communes_apart_while_there_are_districts(desk: Office) -> None:
    header = ("Chủ thể", "Xã", "Dòng mục")
    rows = ("HTX Một", "An Thạnh", "Huyện Thạnh Phú"), ("HTX Hai", "An Thạnh", "Huyện Mỏ Cày Nam")

    made = desk.plan(header, *rows, **OF_ONE_DAY)
    assert made.mapped[2] == ("Dòng mục", "commune.district.name", "các dòng mục ghi tên huyện")
    assert desk.bring_in(header, *rows, **OF_ONE_DAY) == [desk.ids["29200 cũ"], desk.ids["28951 cũ"]]
    assert desk.plan(header, *rows).mapped[2][1] == ""
    others = (("HTX Một", "An Thạnh", "Huyện Thạnh Phú"), ("HTX Hai", "An Thạnh", "Nhóm khác"))
    assert desk.plan(header, *others, **OF_ONE_DAY).mapped[2][1] == ""
