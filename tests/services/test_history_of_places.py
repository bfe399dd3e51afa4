"""The real lists of Bến Tre and Vĩnh Long, in any order: one history; what cannot be is refused with its reason."""

import csv
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.current import acting_as, system
from app.database import Database, connect
from app.files import read
from app.services import importing, places
from app.services.importing import undoing
from app.services.importing.places import AnotherProvince, ListsContradict
from app.services.place_names import read_onward
from app.session import InvalidRow, OcopSession
from app.table import Cell, Column, Table
from models import (
    Commune,
    CommuneKind,
    CommuneSuccession,
    District,
    ImportBatch,
    Province,
    ProvinceKind,
    SuccessionKind,
)
from models.base import Base
from models.rules.places import predecessors, successors
from tests.conftest import sqlite_copy

pytestmark = pytest.mark.usefixtures("at_the_command_line")

IN_2017, IN_2021, IN_2025, REFORM = date(2017, 10, 15), date(2021, 2, 1), date(2025, 1, 1), date(2025, 7, 1)
LISTS = {
    IN_2017: "gso_ben_tre_2017-10-15.xls",
    IN_2021: "gso_ben_tre_2021-02-01.xls",
    IN_2025: "ben_tre_units_2025-01.csv",
    REFORM: "vinh_long_units_2025.csv",
}
COUNTS = {IN_2017: 164, IN_2021: 157, IN_2025: 148, REFORM: 124}
CONVERSION = "vinh_long_chuyen_doi_2025.csv"
DISSOLVED_IN_2024 = ["28765", "28768", "28801", "28825", "28837", "28849", "28864", "29074", "29113"]

HEADER = ("Mã TP", "Tỉnh Thành Phố", "Mã QH", "Quận Huyện", "Mã PX", "Phường Xã")
THANH_PHU = ("83", "Tỉnh Bến Tre", "837", "Huyện Thạnh Phú")
AN_THANH = (*THANH_PHU, "29200", "Xã An Thạnh")
GIAO_THANH = (*THANH_PHU, "29227", "Xã Giao Thạnh")
LINKS = ("Mã xã cũ", "Tên xã cũ", "Mã xã mới", "Tên xã mới", "Cách chuyển")


def listed(*rows: Sequence[Cell], header: Sequence[str] = HEADER) -> Table:
    return Table(tuple(Column(label) for label in header), [tuple(row) for row in rows], list(range(2, len(rows) + 2)))


class Office:
    def __init__(self, database: Database) -> None:
        self.database = database

    def plan(self, table: Table, as_of: date, model: type[Base] = Commune, **options: Any) -> importing.Plan:
        with self.database.writing.begin() as session:
            return importing.plan(session, model, table, as_of=as_of, options=importing.Options(**options))

    def bring_in(self, table: Table, as_of: date, model: type[Base] = Commune, **options: Any) -> importing.Plan:
        """One batch, as the command line makes it; a plan that writes nothing makes none."""
        with self.database.writing.begin() as session:
            made = importing.plan(session, model, table, as_of=as_of, options=importing.Options(**options))
            if made.writes:
                kept = importing.store(session, made, file_name="a.xls", content_hash=str(as_of), size=1)
                importing.apply(session, kept)
            return made

    def undo_last(self) -> None:
        with self.database.writing.begin() as session:
            last = session.scalars(select(ImportBatch).order_by(ImportBatch.id.desc()).limit(1)).one()
            undoing.undo(session, last, seen=undoing.look(session, last).mark)

    def in_force(self, day: date) -> dict[str, str]:
        with self.database.reading() as session:
            return {unit.code: unit.name for unit in session.scalars(select(Commune)) if unit.in_force(day)}

    def history(self) -> dict[str, Any]:
        """Everything that is known of places and their successions, without numbers of rows."""
        with self.database.reading() as session:
            models: tuple[Any, ...] = (Province, District, Commune)
            units = {
                dated.__tablename__: sorted(
                    (unit.code, unit.valid_from, str(unit.valid_to), unit.name, unit.kind)
                    for unit in session.scalars(select(dated))
                )
                for dated in models
            }
            links = sorted(
                (link.old.code, link.old.valid_from, link.new.code, link.new.valid_from, link.kind)
                for link in session.scalars(select(CommuneSuccession))
            )
            found = session.scalars(select(Commune)).all()
            districts = sorted((unit.code, unit.valid_from, unit.district.code) for unit in found if unit.district)
            basis = sorted((unit.code, unit.valid_from, unit.legal_basis) for unit in found)
            of_links = sorted(
                (link.old.code, link.old.valid_from, link.new.code, link.legal_basis)
                for link in session.scalars(select(CommuneSuccession))
            )
        return {**units, "links": links, "districts_of": districts, "basis": basis, "basis_of_links": of_links}

    def unit(self, code: str, day: date) -> int:
        with self.database.reading() as session:
            lives = session.scalars(select(Commune).where(Commune.code == code))
            return next(unit.id for unit in lives if unit.in_force(day))


@pytest.fixture
def office(any_database: Database) -> Office:
    return Office(any_database)


@pytest.fixture
def desk(database: Database) -> Office:
    return Office(database)


@pytest.fixture
def with_ben_tre(desk: Office) -> Office:
    add_ben_tre(desk)
    return desk


def add_ben_tre(office: Office) -> None:
    """The list of 01/2025 names no province, so it cannot be the first that is heard of Bến Tre."""
    with office.database.writing.begin() as session:
        dated = {"valid_from": IN_2017, "valid_to": date(2025, 6, 30)}
        session.add(Province(code="83", name="Tỉnh Bến Tre", kind=ProvinceKind.PROVINCE, **dated))


def real(folder: Path, name: str, model: type[Base] = Commune) -> Table:
    return read(folder / name, name=name, known=importing.known_titles(model))


def bring_in_real(office: Office, folder: Path, day: date) -> importing.Plan:
    province = "83" if day == IN_2025 else None
    return office.bring_in(real(folder, LISTS[day]), day, complete=True, province=province)


def problems(made: importing.Plan) -> list[str]:
    return [problem.sentence for row in made.rows for problem in row.problems]


# ---- one history ----------------------------------------------------------------------------------------------


def test_the_real_lists_follow_each_other(office: Office, shared_data: Path) -> None:
    made = [bring_in_real(office, shared_data, day) for day in LISTS]

    assert [plan.refused for plan in made] == [[], [], [], []]
    counted = [(plan.counts["new"], plan.counts["changed"], plan.counts["same"]) for plan in made]
    assert counted == [(164, 0, 0), (0, 3, 154), (0, 5, 143), (76, 48, 0)]
    assert [plan.also.get("commune", {}).get("changed", 0) for plan in made] == [0, 7, 9, 100]
    ended = next(words for words in made[2].also_words if "kết thúc" in words)
    assert ended.startswith("9 xã, phường không có trong danh mục kết thúc ngày 31/12/2024: 28765 Phường 4, ")
    assert all(code in ended for code in DISSOLVED_IN_2024)
    assert {day: len(office.in_force(day)) for day in LISTS} == COUNTS
    renamed = [link for link in office.history()["links"] if link[0] == "28777"]
    assert renamed == [("28777", IN_2017, "28777", IN_2021, SuccessionKind.RENAMED)]


@pytest.mark.parametrize("order", list(itertools.permutations(LISTS)), ids=lambda days: "-".join(map(str, days)))
def test_in_another_order_they_give_the_same_history(
    with_ben_tre: Office, shared_data: Path, order: Sequence[date]
) -> None:
    for day in order:
        bring_in_real(with_ben_tre, shared_data, day)

    assert {day: len(with_ben_tre.in_force(day)) for day in LISTS} == COUNTS
    known, expected = with_ben_tre.history(), _history_in_order(shared_data)
    assert known["communes"] == expected["communes"]
    assert known["districts_of"] == expected["districts_of"]
    assert known["links"] == expected["links"]


_IN_ORDER: dict[str, Any] = {}


def _history_in_order(folder: Path) -> dict[str, Any]:
    """What the lists themselves say, day by day: a life for each stretch with one name, kind and district."""
    if not _IN_ORDER:
        said = [_facts(real(folder, name)) for name in LISTS.values()]
        lives, links = [], []
        for code in sorted(set().union(*said)):
            told = [facts.get(code) for facts in said]
            first: date | None = None
            for place, (day, facts) in enumerate(zip(LISTS, told, strict=True)):
                if facts is None:
                    continue
                first = first or day
                after = told[place + 1] if place + 1 < len(told) else facts
                if after == facts and place + 1 < len(told):
                    continue
                until = "None" if place + 1 == len(told) else str(_before(list(LISTS)[place + 1]))
                lives.append((code, first, until, *facts[:2], facts[2]))
                if after and place + 1 < len(told) and list(LISTS)[place + 1] != REFORM:
                    links.append((code, first, code, list(LISTS)[place + 1], _became(facts, after)))
                first = None
        _IN_ORDER.update(
            communes=[life[:5] for life in lives],
            districts_of=[(life[0], life[1], life[5]) for life in lives if life[5]],
            links=links,
        )
    return _IN_ORDER


def _became(old: tuple[str, CommuneKind, str], new: tuple[str, CommuneKind, str]) -> SuccessionKind:
    """What the names and kinds of two lists say of a unit: another name beats another kind."""
    bare = [name.removeprefix(kind.label).strip() for name, kind, _district in (old, new)]
    if bare[0] != bare[1]:
        return SuccessionKind.RENAMED
    return SuccessionKind.UNCHANGED if old[1] is new[1] else SuccessionKind.RETYPED


def _before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _facts(table: Table) -> dict[str, tuple[str, CommuneKind, str]]:
    """{code: (name, kind, code of the district)} of one list."""
    labels = [column.label for column in table.columns]
    code = labels.index("Mã PX" if "Mã PX" in labels else "Mã xã")
    name = labels.index("Phường Xã" if "Phường Xã" in labels else "Tên xã")
    district = next((labels.index(title) for title in ("Mã QH", "Mã huyện") if title in labels), None)
    found = {}
    for row in table.rows:
        full = " ".join(str(row[name]).split())
        kind = next(kind for kind in CommuneKind if full.startswith(kind.label))
        found[str(row[code])] = (full, kind, str(row[district]) if district is not None else "")
    return found


def whither(session: OcopSession, unit: Commune) -> tuple[bool, list[Commune]]:
    """(whether all of it went to one, the units that it went to and that are in force after the reform)."""
    _units, links = read_onward(session, [unit.id])
    found = successors(links, unit.id)
    after = [session.get_one(Commune, pk) for pk in found.units]
    return found.is_whole, [each for each in after if each.in_force(REFORM)]


# ---- the 359 links --------------------------------------------------------------------------------------------


@pytest.mark.fill("reference")
def test_every_link_of_the_conversion_table_leads_from_its_old_unit_to_its_new_one(
    desk: Office, shared_data: Path
) -> None:
    """All 359: each old unit ends in the units the table says, and each new one names all it came from."""
    with open(shared_data / CONVERSION, encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    to: dict[str, set[str]] = {}
    back: dict[str, set[str]] = {}
    for line in lines:
        to.setdefault(line["Mã xã cũ"], set()).add(line["Mã xã mới"])
        back.setdefault(line["Mã xã mới"], set()).add(line["Mã xã cũ"])

    with desk.database.reading() as session:
        units = session.scalars(
            select(Commune).where(Commune.province.has(Province.code.in_(("83", "84", "86"))))
        ).all()
        before = {unit.code: unit for unit in units if unit.in_force(date(2025, 6, 30))}
        after = {unit.code: unit for unit in units if unit.in_force(REFORM)}
        went = {code: whither(session, before[code]) for code in to}
        of_link = (CommuneSuccession.old_id, CommuneSuccession.new_id, CommuneSuccession.kind)
        links = [(old, new, how) for old, new, how in session.execute(select(*of_link))]
        ended = {unit.id: code for code, unit in before.items()}
        said = {
            code: {
                ended[old] for old in predecessors(((a, b, how) for a, b, how in links), after[code].id) if old in ended
            }
            for code in back
        }

    assert len(lines) == 359
    assert len(to) == 354
    for code, new in to.items():
        is_whole, units_after = went[code]
        assert is_whole is (len(new) == 1), code
        assert {unit.code for unit in units_after} == new
    assert said == back


@pytest.mark.fill("reference")
@pytest.mark.parametrize("day", [IN_2017, IN_2021, IN_2025])
def test_every_unit_of_an_earlier_state_is_in_force_divided_followed_or_open(desk: Office, day: date) -> None:
    with desk.database.reading() as session:
        units = [
            unit
            for unit in session.scalars(select(Commune).where(Commune.province.has(Province.code == "83")))
            if unit.in_force(day)
        ]
        found = {unit.code: whither(session, unit) for unit in units}

    unknown = sorted(code for code, (_is_whole, after) in found.items() if not after)
    followed = [after[0] for is_whole, after in found.values() if is_whole and after]
    assert len(found) == COUNTS[day]
    assert len(followed) + len(unknown) == len(found), "none of Bến Tre was divided"
    assert {unit.province_id for unit in followed} == {followed[0].province_id}
    lost = {IN_2017: 16, IN_2021: 9, IN_2025: 0}[day]
    assert len(unknown) == lost
    assert day != IN_2021 or unknown == DISSOLVED_IN_2024


@pytest.mark.fill("reference")
def test_the_conversion_table_is_what_the_reference_data_knows(desk: Office, shared_data: Path) -> None:
    made = desk.plan(real(shared_data, CONVERSION, CommuneSuccession), REFORM, CommuneSuccession)

    assert (made.counts["same"], made.refused) == (359, [])


def test_the_conversion_table_is_taken_after_the_lists(office: Office, shared_data: Path) -> None:
    for day in (IN_2025, REFORM):
        if day == IN_2025:
            bring_in_real(office, shared_data, IN_2021)
        bring_in_real(office, shared_data, day)
    table = _of_ben_tre(shared_data)

    made = office.bring_in(table, REFORM, CommuneSuccession)
    again = office.plan(table, REFORM, CommuneSuccession)

    assert (made.counts["new"], made.refused) == (148, [])
    assert again.counts["same"] == 148
    with office.database.reading() as session:
        binh_khanh = session.get_one(Commune, office.unit("28945", IN_2021))
        is_whole, after = whither(session, binh_khanh)
        assert is_whole
        assert [(unit.code, unit.name) for unit in after] == [("28945", "Xã Đồng Khởi")]


# ---- a small province, its lists and its conversion table in every order ----------------------------------------

WITH_BASIS = (*HEADER, "Căn cứ pháp lý")
MO_CAY = ("83", "Tỉnh Bến Tre", "833", "Huyện Mỏ Cày Nam")
NEW_WITH_BASIS = ("Mã TP", "Tỉnh Thành Phố", "Mã PX", "Phường Xã", "Căn cứ pháp lý")
LINKED = ("Mã xã cũ", "Mã xã mới", "Cách chuyển", "Căn cứ pháp lý")


def _small_set() -> dict[str, tuple[Table, date, type[Base]]]:
    """Four lists and a table: one unit becomes a ward, one is renamed, then divided, one ends, a code is given on."""

    def old(*rows: Sequence[str]) -> Table:
        return listed(*((*MO_CAY, *row) for row in rows), header=WITH_BASIS)

    new = [("86", "Tỉnh Vĩnh Long", code, name, "NQ 1687") for code, name in (("28945", "Xã An"), ("28951", "Xã Cát"))]
    links = [
        ("28945", "28945", "Nhập toàn bộ", "NQ 1687"),
        ("28951", "28945", "Nhập một phần", "NQ 1687"),
        ("28951", "28951", "Nhập một phần", ""),
        ("28957", "28951", "Nhập toàn bộ", "NQ 1687, khoản 2"),
    ]
    in_2017 = [("28945", "Xã An", ""), ("28951", "Xã Bình", ""), ("28957", "Xã Cát", "QĐ 1"), ("28960", "Xã Dương", "")]
    in_2021 = [
        *(("28945", "Phường An", "NQ 855"), ("28951", "Xã Bình", "NQ 855")),
        *(("28957", "Xã Cát", ""), ("28960", "Xã Dương", "")),
    ]
    in_2025 = [("28945", "Phường An", "NQ 1237"), ("28951", "Xã Bình Mới", "NQ 1237"), ("28957", "Thị trấn Cát", "")]
    return {
        "2017": (old(*in_2017), IN_2017, Commune),
        "2021": (old(*in_2021), IN_2021, Commune),
        "2025": (old(*in_2025), IN_2025, Commune),
        "reform": (listed(*new, header=NEW_WITH_BASIS), REFORM, Commune),
        "table": (listed(*links, header=LINKED), REFORM, CommuneSuccession),
    }


SMALL = _small_set()
# The table names units of both maps, so one list of each must be known.
ORDERS = [
    order
    for order in itertools.permutations(SMALL)
    if order.index("reform") < order.index("table") and order.index("table") > 1
]


def _bring_in_small(office: Office, order: Sequence[str]) -> None:
    for name in order:
        table, day, model = SMALL[name]
        made = office.bring_in(table, day, model, complete=model is Commune)
        assert made.refused == [], name


def test_the_small_province_has_this_history(office: Office) -> None:
    _bring_in_small(office, list(SMALL))

    known = office.history()
    assert known["communes"] == [
        ("28945", IN_2017, "2021-01-31", "Xã An", CommuneKind.COMMUNE),
        ("28945", IN_2021, "2025-06-30", "Phường An", CommuneKind.WARD),
        ("28945", REFORM, "None", "Xã An", CommuneKind.COMMUNE),
        ("28951", IN_2017, "2024-12-31", "Xã Bình", CommuneKind.COMMUNE),
        ("28951", IN_2025, "2025-06-30", "Xã Bình Mới", CommuneKind.COMMUNE),
        ("28951", REFORM, "None", "Xã Cát", CommuneKind.COMMUNE),
        ("28957", IN_2017, "2024-12-31", "Xã Cát", CommuneKind.COMMUNE),
        ("28957", IN_2025, "2025-06-30", "Thị trấn Cát", CommuneKind.TOWNSHIP),
        ("28960", IN_2017, "2024-12-31", "Xã Dương", CommuneKind.COMMUNE),
    ]
    assert known["links"] == [
        ("28945", IN_2017, "28945", IN_2021, SuccessionKind.RETYPED),
        ("28945", IN_2021, "28945", REFORM, SuccessionKind.WHOLE),
        ("28951", IN_2017, "28951", IN_2025, SuccessionKind.RENAMED),
        ("28951", IN_2025, "28945", REFORM, SuccessionKind.PART),
        ("28951", IN_2025, "28951", REFORM, SuccessionKind.PART),
        ("28957", IN_2017, "28957", IN_2025, SuccessionKind.RETYPED),
        ("28957", IN_2025, "28951", REFORM, SuccessionKind.WHOLE),
    ]
    assert known["basis"] == [
        *(("28945", IN_2017, ""), ("28945", IN_2021, "NQ 855"), ("28945", REFORM, "NQ 1687")),
        *(("28951", IN_2017, ""), ("28951", IN_2025, "NQ 1237"), ("28951", REFORM, "NQ 1687")),
        *(("28957", IN_2017, "QĐ 1"), ("28957", IN_2025, ""), ("28960", IN_2017, "")),
    ]
    assert known["basis_of_links"] == [
        *(("28945", IN_2017, "28945", "NQ 855"), ("28945", IN_2021, "28945", "NQ 1687")),
        *(("28951", IN_2017, "28951", "NQ 1237"), ("28951", IN_2025, "28945", "NQ 1687")),
        *(("28951", IN_2025, "28951", ""), ("28957", IN_2017, "28957", "")),
        ("28957", IN_2025, "28951", "NQ 1687, khoản 2"),
    ]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_lists_and_conversion_table_in_any_order_give_the_same_history(
    desk: Office, small_history: dict[str, Any], order: Sequence[str]
) -> None:
    _bring_in_small(desk, order)

    assert desk.history() == small_history


def test_a_list_that_moved_links_is_undone_with_them(office: Office) -> None:
    _bring_in_small(office, ["2017", "reform", "table"])
    before = office.history()
    _bring_in_small(office, ["2025"])
    changed = office.history()

    office.undo_last()

    assert changed["links"] != before["links"]
    assert office.history() == before


@pytest.fixture(scope="module")
def small_history(tmp_path_factory: pytest.TempPathFactory, shared_tmp: Path) -> dict[str, Any]:
    """As the lists in the order of their days, and the table last, leave it."""
    with _another_office(tmp_path_factory, shared_tmp) as office:
        _bring_in_small(office, list(SMALL))
        return office.history()


@contextmanager
def _another_office(tmp_path_factory: pytest.TempPathFactory, shared_tmp: Path) -> Iterator[Office]:
    database = connect(sqlite_copy(tmp_path_factory.mktemp("in-order"), shared_tmp, "empty"))
    with acting_as(system("kiểm thử")):
        yield Office(database)
    database.engine.dispose()


def _of_ben_tre(folder: Path) -> Table:
    """The rows of the real conversion table whose old units lay in Bến Tre."""
    table = real(folder, CONVERSION, CommuneSuccession)
    rows = [(row, line) for row, line in zip(table.rows, table.lines, strict=True) if row[8] == "83"]
    return Table(table.columns, [row for row, _ in rows], [line for _, line in rows])


@pytest.mark.parametrize(
    "order",
    [
        (IN_2025, REFORM, "table", IN_2021, IN_2017),
        (REFORM, IN_2025, "table", IN_2017, IN_2021),
        (IN_2017, IN_2025, REFORM, "table", IN_2021),
        (IN_2021, IN_2025, REFORM, "table", IN_2017),
    ],
)
def test_the_real_conversion_table_between_the_lists_gives_the_same_history(
    with_ben_tre: Office, real_history: dict[str, Any], shared_data: Path, order: Sequence[date | str]
) -> None:
    _bring_in_lists_and_table(with_ben_tre, shared_data, order)

    assert with_ben_tre.history() == real_history


@pytest.fixture(scope="module")
def real_history(tmp_path_factory: pytest.TempPathFactory, shared_tmp: Path, shared_data: Path) -> dict[str, Any]:
    with _another_office(tmp_path_factory, shared_tmp) as office:
        add_ben_tre(office)
        _bring_in_lists_and_table(office, shared_data, (*LISTS, "table"))
        return office.history()


def _bring_in_lists_and_table(office: Office, folder: Path, order: Sequence[date | str]) -> None:
    for day in order:
        if isinstance(day, date):
            bring_in_real(office, folder, day)
        else:
            made = office.bring_in(_of_ben_tre(folder), REFORM, CommuneSuccession)
            assert (made.counts["new"], made.refused) == (148, [])


LATER = date(2025, 9, 1)


@pytest.mark.parametrize(
    ("order", "since"),
    [
        ((IN_2025, LATER), LATER),
        ((LATER, IN_2025), LATER),
        ((IN_2025, LATER, "table of that day"), LATER),
        ((IN_2025, LATER, REFORM, "table"), REFORM),
        ((IN_2025, REFORM, "table", LATER), REFORM),
        ((REFORM, LATER, IN_2025, "table"), REFORM),
        ((LATER, IN_2025, "table of that day", REFORM, "table"), REFORM),
    ],
)
def test_a_complete_list_of_a_later_day_ends_the_old_map_on_its_own_last_day(
    with_ben_tre: Office, shared_data: Path, order: Sequence[date | str], since: date
) -> None:
    for step in order:
        if step == LATER:
            with_ben_tre.bring_in(real(shared_data, LISTS[REFORM]), LATER, complete=True)
        elif isinstance(step, date):
            bring_in_real(with_ben_tre, shared_data, step)
        else:
            day = REFORM if step == "table" else LATER
            assert with_ben_tre.bring_in(_of_ben_tre(shared_data), day, CommuneSuccession).refused == []

    known = with_ben_tre.history()
    days = Counter((first, last) for _code, first, last, _name, _kind in known["communes"])
    assert days == {(IN_2025, "2025-06-30"): 148, (since, "None"): 124}
    assert {last for _code, _first, last, _name, _kind in known["districts"]} == {"2025-06-30"}
    assert len(known["links"]) == (0 if len(order) == 2 else 148)


def test_a_list_of_a_later_day_says_that_the_one_of_the_reform_is_missing(
    with_ben_tre: Office, shared_data: Path
) -> None:
    bring_in_real(with_ben_tre, shared_data, IN_2025)

    made = with_ben_tre.plan(real(shared_data, LISTS[REFORM]), LATER, complete=True)

    assert any("100 xã, phường không có trong danh mục kết thúc ngày 30/06/2025: " in said for said in made.also_words)
    assert made.also_words[-1] == (
        "Từ 01/07/2025 đến 31/08/2025 sổ có thể thiếu đơn vị thay thế. Nhập thêm danh mục tại ngày 01/07/2025."
    )


@pytest.mark.parametrize(("how", "ended"), [(SuccessionKind.WHOLE, "2024-12-31"), (SuccessionKind.PART, "2025-05-31")])
def test_a_unit_that_is_known_to_have_been_taken_over_ends_the_day_before(
    desk: Office, how: SuccessionKind, ended: str
) -> None:
    desk.bring_in(listed(AN_THANH, GIAO_THANH), IN_2017)
    desk.bring_in(listed((*THANH_PHU, "29230", "Thị trấn Giao Thạnh")), IN_2025)
    with desk.database.writing.begin() as session:
        old, new = (session.get_one(Commune, desk.unit(code, IN_2025)) for code in ("29227", "29230"))
        session.add(CommuneSuccession(old=old, new=new, kind=how))

    made = desk.bring_in(
        listed(AN_THANH, (*THANH_PHU, "29230", "Thị trấn Giao Thạnh")), date(2025, 6, 1), complete=True
    )

    until = {code: last for code, _first, last, _name, _kind in desk.history()["communes"]}
    assert until == {"29200": "None", "29227": ended, "29230": "None"}
    assert any(f"kết thúc ngày {date.fromisoformat(ended):%d/%m/%Y}: 29227" in said for said in made.also_words)


# ---- complete and partial lists -------------------------------------------------------------------------------


def test_a_partial_list_ends_nothing(desk: Office) -> None:
    desk.bring_in(listed(AN_THANH, GIAO_THANH), IN_2017)

    made = desk.bring_in(listed(AN_THANH), IN_2021)

    assert not made.writes
    assert set(desk.in_force(IN_2021)) == {"29200", "29227"}


def test_a_list_of_the_reform_that_is_not_said_to_be_complete_names_what_it_leaves_of_the_old_map(
    with_ben_tre: Office, shared_data: Path
) -> None:
    bring_in_real(with_ben_tre, shared_data, IN_2025)
    table = real(shared_data, LISTS[REFORM])
    said = (
        "100 xã, phường thuộc huyện không có trong tệp và vẫn còn hiệu lực, dù từ 01/07/2025 không còn cấp huyện. "
        "Nếu tệp đủ cả tỉnh thì đánh dấu danh mục đầy đủ để các đơn vị này kết thúc ngày 30/06/2025."
    )

    made = with_ben_tre.bring_in(table, REFORM)
    partial = len(with_ben_tre.in_force(REFORM))
    then = with_ben_tre.bring_in(table, REFORM, complete=True)

    assert said in made.notes
    assert partial == 224
    assert said not in then.notes
    assert len(with_ben_tre.in_force(REFORM)) == 124
    assert said not in with_ben_tre.plan(table, REFORM).notes


def test_a_complete_list_that_only_ends_units_is_written_and_undone(desk: Office) -> None:
    desk.bring_in(listed(AN_THANH, GIAO_THANH), IN_2017)
    before = desk.history()

    made = desk.bring_in(listed(AN_THANH), IN_2021, complete=True)

    assert made.also["commune"] == {"new": 0, "changed": 1, "same": 0}
    assert made.also_words == ["1 xã, phường không có trong danh mục kết thúc ngày 31/01/2021: 29227 Xã Giao Thạnh."]
    assert set(desk.in_force(IN_2021)) == {"29200"}
    assert set(desk.in_force(date(2021, 1, 31))) == {"29200", "29227"}
    desk.undo_last()
    assert desk.history() == before


def test_what_a_later_complete_list_still_has_cannot_have_ended_before(desk: Office) -> None:
    desk.bring_in(listed(AN_THANH, GIAO_THANH), IN_2017)
    desk.bring_in(listed((*THANH_PHU, "29200", "Xã An Thạnh Mới"), GIAO_THANH), IN_2025, complete=True)

    with pytest.raises(ListsContradict, match="29227 Xã Giao Thạnh không có trong tệp này nhưng danh mục đầy đủ ngày"):
        desk.plan(listed(AN_THANH), IN_2021, complete=True)
    made = desk.plan(listed((*THANH_PHU, "29227", "Xã Giao Thạnh Mới")), IN_2021)

    assert problems(made) == [
        "Danh mục đầy đủ ngày 01/01/2025 (đợt nhập số 2) ghi mã 29227 là Xã Giao Thạnh. "
        "Hoàn tác đợt đó rồi nhập theo thứ tự ngày."
    ]


def test_a_complete_list_with_refused_rows_proves_nothing_of_what_it_lacks(desk: Office) -> None:
    table = listed(AN_THANH, (*THANH_PHU, "227", "Xã Giao Thạnh"))
    with desk.database.writing.begin() as session:
        made = importing.plan(session, Commune, table, as_of=IN_2021, options=importing.Options(complete=True))
        kept = importing.store(session, made, file_name="a.xls", content_hash="a", size=1)
        importing.apply(session, kept, partial=True)

    desk.bring_in(listed(GIAO_THANH), IN_2017)

    assert set(desk.in_force(IN_2021)) == {"29200", "29227"}


def test_only_lists_of_places_are_complete(desk: Office) -> None:
    with pytest.raises(importing.NeverComplete, match="Bỏ đánh dấu này"):
        desk.plan(
            listed(("29227", "x", "29227", "x", "Đổi tên"), header=LINKS), REFORM, CommuneSuccession, complete=True
        )


# ---- what cannot be ---------------------------------------------------------------------------------------------


def test_the_list_of_another_province_than_the_chosen_one_is_refused(desk: Office) -> None:
    desk.bring_in(listed(("86", "Tỉnh Vĩnh Long", "855", "Thành phố Vĩnh Long", "29542", "Phường 9")), IN_2017)

    with pytest.raises(AnotherProvince, match="danh mục của tỉnh mã 83, không phải tỉnh đã chọn"):
        desk.plan(listed(AN_THANH), IN_2021, province="86")


@pytest.mark.parametrize("day", [IN_2017, IN_2021])
def test_the_code_of_another_province_is_refused_as_one_of_a_draft(desk: Office, day: date) -> None:
    desk.bring_in(listed(AN_THANH), IN_2017)

    made = desk.plan(listed(("86", "Tỉnh Vĩnh Long", "855", "Thành phố Vĩnh Long", "29200", "Phường 9")), day)

    assert problems(made) == [
        f"Mã 29200 ngày {day:%d/%m/%Y} là Xã An Thạnh của Tỉnh Bến Tre. "
        "Sửa mã theo danh mục chính thức, không dùng mã của bản dự thảo."
    ]


def test_a_draft_of_the_reform_with_a_code_of_another_province_is_refused(desk: Office) -> None:
    hue = [("46", "Tỉnh Thừa Thiên Huế", "474", "Thành phố Huế", str(19750 + n), f"Phường Số {n}") for n in range(12)]
    ours = [(*THANH_PHU, str(29200 + n), f"Xã Số {n}") for n in range(12)]
    desk.bring_in(listed(*ours, *hue), IN_2021)
    new = [("86", "Tỉnh Vĩnh Long", str(29200 + n), f"Xã Mới {n}") for n in range(11)]
    slip = ("86", "Tỉnh Vĩnh Long", "19753", "Phường An Hội")

    made = desk.plan(listed(*new, slip, header=NEW_MAP), REFORM)
    alone = desk.plan(listed(new[0], header=NEW_MAP), REFORM)

    assert [row.action.value for row in made.rows] == ["changed"] * 11 + ["refused"]
    assert problems(made) == [
        "Mã 19753 đến 30/06/2025 là Phường Số 3 của Tỉnh Thừa Thiên Huế, danh mục này hầu như không lấy mã nào khác "
        "của tỉnh đó. Sửa mã theo danh mục chính thức, không dùng mã của bản dự thảo."
    ]
    assert alone.refused == []


SLIP = (
    "Mã 99999 chưa từng là mã của xã, phường nào; từ 01/07/2025 mỗi xã, phường mang mã của một đơn vị cũ nhập vào nó. "
    "Kiểm tra mã, không dùng mã của bản dự thảo. Đơn vị lập sau ngày này thì nhập bằng danh mục của ngày lập."
)


@pytest.mark.fill("reference")
@pytest.mark.parametrize(
    ("day", "said"), [(REFORM, [SLIP]), (date(2026, 10, 1), [])], ids=["of the reform", "of a day since"]
)
def test_a_code_that_no_unit_bore_is_none_of_the_reform(desk: Office, day: date, said: list[str]) -> None:
    made = desk.plan(listed(("86", "Tỉnh Vĩnh Long", "99999", "Xã Cồn Bửng"), header=NEW_MAP), day)

    assert problems(made) == said
    assert made.counts["new"] == (not said)


@pytest.mark.parametrize("day", [REFORM, LATER])
def test_a_draft_with_a_code_of_no_unit_is_refused_where_the_old_units_are_known(desk: Office, day: date) -> None:
    desk.bring_in(listed(*((*THANH_PHU, str(29200 + n), f"Xã Số {n}") for n in range(12))), IN_2021)
    new = [("86", "Tỉnh Vĩnh Long", str(29200 + n), f"Xã Mới {n}") for n in range(11)]
    slip = ("86", "Tỉnh Vĩnh Long", "99999", "Xã Cồn Bửng")

    made = desk.plan(listed(*new, slip, header=NEW_MAP), day)

    assert [row.action.value for row in made.rows] == ["changed"] * 11 + ["refused"]
    assert problems(made) == [SLIP]


def test_codes_of_old_provinces_that_are_not_loaded_are_taken_and_named(
    with_ben_tre: Office, shared_data: Path
) -> None:
    empty = with_ben_tre.plan(real(shared_data, LISTS[REFORM]), REFORM)
    bring_in_real(with_ben_tre, shared_data, IN_2025)

    made = with_ben_tre.plan(real(shared_data, LISTS[REFORM]), REFORM)

    assert (made.refused, made.counts["new"]) == ([], 76)
    assert any(note.startswith("76 mã chưa từng là mã của xã, phường nào trong sổ: ") for note in made.notes)
    assert (empty.refused, empty.counts["new"]) == ([], 124)
    assert not any("chưa từng" in note for note in empty.notes)


CON_TAU, AN_QUI = ("86", "Tỉnh Vĩnh Long", "29200", "Xã Cồn Tàu"), ("86", "Tỉnh Vĩnh Long", "29224", "Xã An Qui")
NEW_MAP = ("Mã TP", "Tỉnh Thành Phố", "Mã PX", "Phường Xã")


@pytest.fixture
def reformed(desk: Office) -> Office:
    desk.bring_in(listed(AN_THANH, GIAO_THANH), IN_2021, complete=True)
    desk.bring_in(listed(CON_TAU, AN_QUI, header=NEW_MAP), REFORM, complete=True)
    return desk


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("29201", "", "29224", "", "Đổi tên"), "Ngày 30/06/2025 chưa có xã mã 29201. Nhập danh mục xã, phường"),
        (("29200", "", "29227", "", "Đổi tên"), "Ngày 01/07/2025 chưa có xã mã 29227."),
        (("29200", "Xã An Qui", "29224", "", "Đổi tên"), "là Xã An Thạnh, không phải “Xã An Qui”"),
        (("29200", "Xã An Thạnh, huyện Ba Tri", "29224", "", "Đổi tên"), "thuộc Huyện Thạnh Phú, không phải “huyện Ba"),
        (("29200", "Xã An Thạnh, tỉnh Vĩnh Long", "29224", "", "Đổi tên"), "thuộc Tỉnh Bến Tre, không phải “tỉnh Vĩ"),
        (("29200", "", "29224", "An Qui (Ba Tri)", "Đổi tên"), "không phải “An Qui (Ba Tri)”"),
        (("2920", "", "29224", "", "Đổi tên"), "thiếu 1 chữ số"),
        (("", "", "29224", "", "Đổi tên"), "Thiếu mã xã."),
        (("29200", "", "29224", "", ""), "Thiếu cách chuyển. Ghi một trong: Giữ nguyên, Đổi tên"),
        (("29200", "", "29224", "", "Sáp nhập"), "“Sáp nhập” không có trong danh sách."),
    ],
)
def test_a_link_that_cannot_be_says_why(reformed: Office, row: Sequence[str], said: str) -> None:
    made = reformed.plan(listed(row, header=LINKS), REFORM, CommuneSuccession)

    assert said in problems(made)[0]


def test_the_district_beside_a_name_of_a_link_is_read_as_such(reformed: Office) -> None:
    row = ("29200", "Xã An Thạnh, huyện Thạnh Phú, tỉnh Bến Tre", "29224", "Xã An Qui, tỉnh Vĩnh Long", "Nhập toàn bộ")
    made = reformed.plan(listed(row, header=LINKS), REFORM, CommuneSuccession)

    assert (made.counts["new"], problems(made)) == (1, [])
    assert [repair.key for repair in made.repairs] == ["dia-chi:Tên xã cũ", "dia-chi:Tên xã mới"]


def test_a_unit_goes_wholly_into_one_or_in_parts_into_several(reformed: Office) -> None:
    rows = [("29200", "An Thạnh", "29200", "", "Nhập toàn bộ"), ("29200", "", "29224", "", "Nhập một phần")]

    made = reformed.plan(listed(*rows, header=LINKS), REFORM, CommuneSuccession)
    in_parts = reformed.bring_in(
        listed(*((*row[:4], "Nhập một phần") for row in rows), header=LINKS), REFORM, CommuneSuccession
    )

    assert len(made.refused) == 2
    assert "đã chuyển hết vào một đơn vị" in problems(made)[0]
    assert in_parts.counts["new"] == 2
    with reformed.database.reading() as session:
        old = session.get_one(Commune, reformed.unit("29200", IN_2021))
        is_whole, after = whither(session, old)
    assert not is_whole
    assert [unit.name for unit in after] == ["Xã Cồn Tàu", "Xã An Qui"]


def test_the_same_link_twice_is_refused(reformed: Office) -> None:
    rows = itertools.repeat(("29200", "", "29224", "", "Nhập toàn bộ"), 2)

    made = reformed.plan(listed(*rows, header=LINKS), REFORM, CommuneSuccession)

    assert len(made.refused) == 2
    assert "có ở dòng 2 và 3. Giữ một dòng." in problems(made)[0]


def test_what_is_still_in_force_did_not_go_wholly(reformed: Office) -> None:
    made = reformed.plan(
        listed(("29200", "", "29224", "", "Nhập toàn bộ"), header=LINKS), date(2026, 1, 1), CommuneSuccession
    )

    assert "29200 Xã Cồn Tàu còn hiệu lực ngày 01/01/2026 nên chưa chuyển hết." in problems(made)[0]


def test_a_circle_of_links_is_refused_by_import_and_by_hand(reformed: Office) -> None:
    day = date(2026, 1, 1)
    parts = [("29200", "", "29224", "", "Nhập một phần"), ("29224", "", "29200", "", "Nhập một phần")]

    made = reformed.plan(listed(*parts, header=LINKS), day, CommuneSuccession)
    reformed.bring_in(listed(parts[0], header=LINKS), day, CommuneSuccession)
    with reformed.database.writing.begin() as session:
        first, second = (session.get_one(Commune, reformed.unit(code, day)) for code in ("29200", "29224"))
        back = CommuneSuccession(old=second, new=first, kind=SuccessionKind.PART)
        with pytest.raises(InvalidRow, match="Chuyển đổi thành vòng"):
            places.refuse_loop(session, back)

    assert [row.action.value for row in made.rows] == ["refused", "refused"]
    assert "Chuyển đổi thành vòng: 29200 Xã Cồn Tàu → 29224 Xã An Qui → 29200 Xã Cồn Tàu." in problems(made)[0]


def test_units_of_the_old_map_end_with_their_districts(reformed: Office) -> None:
    reformed.bring_in(listed((*THANH_PHU, "29212", "Xã Bình Thạnh")), IN_2021)

    assert reformed.in_force(date(2025, 6, 30))["29212"] == "Xã Bình Thạnh"
    assert set(reformed.in_force(REFORM)) == {"29200", "29224"}
