"""Commune lists: what a plan says, what apply writes, and what is refused; on real files and both databases."""

import threading
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, or_, select

from app.current import Actor, acting_as, system
from app.database import Database
from app.errors import OcopError
from app.files import read
from app.services import accounts, importing
from app.services.importing.places import TownshipsEnded
from app.services.importing.writing import Change, Changes, rehearse
from app.table import Cell, CellError, Column, Table
from models import (
    AuditEntry,
    BatchState,
    Commune,
    CommuneKind,
    CommuneSuccession,
    Cycle,
    District,
    ImportBatch,
    ImportRow,
    Product,
    Province,
    ProvinceKind,
    Role,
    RowAction,
    User,
)
from models.base import Base, now

pytestmark = pytest.mark.usefixtures("at_the_command_line")

IN_2017, IN_2020, IN_2021, IN_2025 = date(2017, 10, 15), date(2020, 2, 1), date(2021, 2, 1), date(2025, 1, 1)
REFORM = date(2025, 7, 1)
HEADER = ("Mã TP", "Tỉnh Thành Phố", "Mã QH", "Quận Huyện", "Mã PX", "Phường Xã", "Cấp")
THANH_PHU = ("83", "Tỉnh Bến Tre", "837", "Huyện Thạnh Phú")
BA_TRI = ("83", "Tỉnh Bến Tre", "836", "Huyện Ba Tri")
AN_THANH = (*THANH_PHU, "29224", "Xã An Thạnh", "Xã")
GIAO_THANH = (*THANH_PHU, "29227", "Xã Giao Thạnh", "Xã")
TAN_XUAN = (*BA_TRI, "29119", "Xã Tân Xuân", "Xã")


def listed(*rows: Sequence[Cell], header: Sequence[str] = HEADER) -> Table:
    return Table(tuple(Column(label) for label in header), [tuple(row) for row in rows], range(2, len(rows) + 2))


def real(folder: Path, name: str) -> Table:
    return read(folder / name, name=name)


class Office:
    """One database and whoever works at it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def plan(self, table: Table, as_of: date, province: str | None = None) -> importing.Plan:
        with self.database.writing.begin() as session:
            return importing.plan(session, Commune, table, as_of=as_of, options=importing.Options(province=province))

    def store(self, table: Table, as_of: date, *, content: str = "a", **options: Any) -> int:
        with self.database.writing.begin() as session:
            plan = importing.plan(session, Commune, table, as_of=as_of, **options)
            batch = importing.store(session, plan, file_name="danh-muc.xlsx", content_hash=content * 64, size=1234)
            return batch.id

    def apply(self, batch_id: int, **options: Any) -> ImportBatch:
        with self.database.writing.begin() as session:
            return importing.apply(session, session.get_one(ImportBatch, batch_id), **options)

    def bring_in(self, table: Table, as_of: date, **options: Any) -> ImportBatch:
        return self.apply(self.store(table, as_of, **options))

    def in_force(self, day: date, model: Any = Commune) -> dict[str, Any]:
        with self.database.reading() as session:
            found = session.scalars(
                select(model).where(model.valid_from <= day, or_(model.valid_to.is_(None), model.valid_to >= day))
            )
            return {unit.code: unit for unit in found}

    def lives(self, code: str, model: Any = Commune) -> list[tuple[str, date, date | None]]:
        with self.database.reading() as session:
            found = session.scalars(select(model).where(model.code == code).order_by(model.valid_from))
            return [(unit.name, unit.valid_from, unit.valid_to) for unit in found]

    def count(self, model: type[Base]) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count(model.id))) or 0

    def batch(self, batch_id: int) -> ImportBatch:
        with self.database.reading() as session:
            return session.get_one(ImportBatch, batch_id)

    def rows(self, batch_id: int) -> list[ImportRow]:
        with self.database.reading() as session:
            statement = select(ImportRow).where(ImportRow.batch_id == batch_id).order_by(ImportRow.line)
            return list(session.scalars(statement))


@pytest.fixture
def office(any_database: Database) -> Office:
    return Office(any_database)


@pytest.fixture
def desk(database: Database) -> Office:
    """For what does not depend on the kind of database."""
    return Office(database)


def counts(plan: importing.Plan) -> tuple[int, int, int, int]:
    return tuple(plan.counts[name] for name in ("new", "changed", "same", "refused"))  # type: ignore[return-value]  # four


def sentences(plan: importing.Plan) -> list[str]:
    return [f"{row.line} {problem.column}: {problem.sentence}" for row in plan.rows for problem in row.problems]


# ---- real lists -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "as_of", "communes", "districts"),
    [
        ("gso_ben_tre_2017-10-15.xls", IN_2017, 164, 9),
        ("gso_ben_tre_2021-02-01.xls", IN_2021, 157, 9),
        ("gso_vinh_long_2021-02-01.xls", IN_2021, 107, 8),
        ("gso_tra_vinh_2021-02-01.xls", IN_2021, 106, 9),
    ],
)
def test_a_list_as_it_was_downloaded_is_taken_into_an_empty_database(
    desk: Office, shared_data: Path, name: str, as_of: date, communes: int, districts: int
) -> None:
    batch = desk.bring_in(real(shared_data, name), as_of)

    assert batch.counts == {"new": communes, "changed": 0, "same": 0, "refused": 0, "skipped": 0}
    assert batch.also == {
        "province": {"new": 1, "changed": 0, "same": 0},
        "district": {"new": districts, "changed": 0, "same": 0},
    }
    assert len(desk.in_force(as_of)) == communes
    assert len(desk.in_force(as_of, District)) == districts
    assert all(unit.district_id and unit.province_id for unit in desk.in_force(as_of).values())


def test_three_lists_of_ben_tre_follow_each_other(office: Office, shared_data: Path) -> None:
    names = ["gso_ben_tre_2017-10-15.xls", "gso_ben_tre_2021-02-01.xls", "ben_tre_units_2025-01.csv"]
    days = [IN_2017, IN_2021, IN_2025]
    spelled = [_names_by_code(real(shared_data, name)) for name in names]

    batches = [
        office.bring_in(real(shared_data, name), day, content=str(place))
        for place, (name, day) in enumerate(zip(names, days, strict=True))
    ]

    assert [batch.number for batch in batches] == [1, 2, 3]
    known: dict[str, str] = {}
    for day, said, batch in zip(days, spelled, batches, strict=True):
        changed = {code for code in said.keys() & known.keys() if said[code] != known[code]}
        assert batch.counts["changed"] == len(changed)
        assert batch.counts["new"] == len(said.keys() - known.keys())
        known |= said
        assert {code: unit.name for code, unit in office.in_force(day).items()} == known
    assert office.lives("28777") == [
        ("Phường 2", IN_2017, date(2021, 1, 31)),
        ("Phường An Hội", IN_2021, None),
    ]
    assert office.lives("28861") == [
        ("Xã Tiên Thủy", IN_2017, date(2024, 12, 31)),
        ("Thị trấn Tiên Thủy", IN_2025, None),
    ]
    assert office.lives("28771") == [("Phường 1", IN_2017, None)], "a unit that a list does not name stays"
    assert any(note.startswith("7 xã, phường đang có mà tệp không có") for note in batches[1].notes)


def _names_by_code(table: Table) -> dict[str, str]:
    labels = [column.label for column in table.columns]
    code = labels.index("Mã PX" if "Mã PX" in labels else "Mã xã")
    name = labels.index("Phường Xã" if "Phường Xã" in labels else "Tên xã")
    return {str(row[code]): str(row[name]) for row in table.rows}


@pytest.mark.fill("reference")
@pytest.mark.parametrize(
    ("name", "as_of", "same"),
    [
        ("gso_ben_tre_2017-10-15.xls", IN_2017, 164),
        ("gso_ben_tre_2021-02-01.xls", IN_2021, 157),
        ("gso_vinh_long_2021-02-01.xls", IN_2021, 107),
        ("gso_tra_vinh_2021-02-01.xls", IN_2021, 106),
        ("ben_tre_units_2025-01.csv", IN_2025, 148),
        ("vinh_long_units_2025.csv", REFORM, 124),
    ],
)
def test_a_list_that_the_reference_data_knows_changes_nothing(
    desk: Office, shared_data: Path, name: str, as_of: date, same: int
) -> None:
    batch_id = desk.store(real(shared_data, name), as_of)

    assert desk.batch(batch_id).counts == {"new": 0, "changed": 0, "same": same, "refused": 0, "skipped": 0}
    assert "Tệp này không đổi gì." in desk.batch(batch_id).notes
    with pytest.raises(importing.NothingToWrite):
        desk.apply(batch_id)


def test_the_same_file_again_changes_nothing_and_says_when_it_came(office: Office) -> None:
    office.bring_in(listed(AN_THANH, TAN_XUAN), IN_2021)
    trail = office.count(AuditEntry)

    again = office.plan(listed(AN_THANH, TAN_XUAN), IN_2021)
    with office.database.reading() as session:
        before = importing.imported_before(session, "a" * 64, again)
        as_another = importing.imported_before(session, "a" * 64, replace(again, model=Product))

    assert as_another == []
    assert counts(again) == (0, 0, 2, 0)
    assert list(again.notes) == ["Tệp này không đổi gì."]
    assert office.count(AuditEntry) == trail
    assert before[0].startswith("Tệp này đã nhập lúc ")
    assert before[0].endswith(" bởi dòng lệnh, đợt nhập số 1.")


def test_an_empty_result_is_taken_and_says_so(desk: Office, shared_data: Path) -> None:
    plan = desk.plan(real(shared_data, "gso_ket_qua_rong_2025-05.xls"), date(2025, 5, 1))

    assert counts(plan) == (0, 0, 0, 0)
    assert "Danh mục không có dòng nào, không có gì để nhập." in plan.notes


def test_the_list_of_the_reform_ends_districts_and_gives_codes_to_other_places(desk: Office, shared_data: Path) -> None:
    for name in ("ben_tre", "vinh_long", "tra_vinh"):
        desk.bring_in(real(shared_data, f"gso_{name}_2021-02-01.xls"), IN_2021)

    batch = desk.bring_in(real(shared_data, "vinh_long_units_2025.csv"), REFORM)

    assert batch.counts["changed"] == 124
    assert desk.lives("28858") == [
        ("Xã Hữu Định", IN_2021, date(2025, 6, 30)),
        ("Phường Phú Tân", REFORM, None),
    ]
    of_86 = [unit for unit in desk.in_force(REFORM).values() if unit.district_id is None]
    assert len(of_86) == 124
    assert {unit.province_id for unit in of_86} == {desk.in_force(REFORM, Province)["86"].id}


# ---- ways a list may be laid out ------------------------------------------------------------------------------


def test_a_hand_typed_workbook_may_have_its_columns_in_any_order(desk: Office, tmp_path: Path) -> None:
    path = tmp_path / "go-tay.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["LOẠI XÃ", "ten xa", "Ghi chú", "Mã huyện", "Mã xã", "Tên tỉnh", "Tên huyện", "Mã tỉnh"])
    sheet.append(["Xã", "Xã An Thạnh", "đã kiểm tra", "837", "29224", "Tỉnh Bến Tre", "Huyện Thạnh Phú", 83])
    book.save(path)

    desk.bring_in(read(path, name=path.name), IN_2021)

    unit = desk.in_force(IN_2021)["29224"]
    assert (unit.name, unit.kind) == ("Xã An Thạnh", CommuneKind.COMMUNE)
    assert desk.in_force(IN_2021, District)["837"].name == "Huyện Thạnh Phú"


def test_a_column_that_is_not_used_is_named(desk: Office) -> None:
    plan = desk.plan(listed((*AN_THANH, None, "x"), header=(*HEADER, "Tên Tiếng Anh", "Ghi chú")), IN_2021)

    assert list(plan.notes) == ["Không dùng cột “Tên Tiếng Anh” (trống), “Ghi chú” (1 ô)."]


def test_a_utf8_csv_is_taken(desk: Office) -> None:
    text = (
        "Mã TP;Tỉnh Thành Phố;Mã QH;Quận Huyện;Mã PX;Phường Xã\n83;Tỉnh Bến Tre;837;Huyện Thạnh Phú;29224;Xã An Thạnh\n"
    )

    desk.bring_in(read(text.encode(), name="xa.csv"), IN_2021)

    assert desk.in_force(IN_2021)["29224"].kind is CommuneKind.COMMUNE


def test_the_layout_of_one_level_is_taken_before_and_after_the_reform(desk: Office) -> None:
    before = ("Mã", "Tên", "Tên Tiếng Anh", "Cấp", "Mã QH", "Quận Huyện", "Mã TP", "Tỉnh / Thành Phố")
    after = ("Mã", "Tên", "Mã TP", "Tỉnh / Thành Phố")
    old = ("29224", "Xã An Nhơn", None, "Xã", "837", "Huyện Thạnh Phú", "83", "Tỉnh Bến Tre")

    desk.bring_in(listed(old, header=before), IN_2021)
    desk.bring_in(listed(("29224", "Xã An Qui", "86", "Tỉnh Vĩnh Long"), header=after), REFORM)

    assert desk.lives("29224") == [("Xã An Nhơn", IN_2021, date(2025, 6, 30)), ("Xã An Qui", REFORM, None)]
    assert desk.in_force(REFORM)["29224"].district_id is None


def test_a_name_without_its_kind_gets_it_from_the_column(desk: Office) -> None:
    plan = desk.plan(listed((*THANH_PHU, "29224", "An Thạnh", "Xã")), IN_2021)
    desk.bring_in(listed((*THANH_PHU, "29224", 8, "Phường")), IN_2021)

    assert "1 tên không ghi loại ở đầu, đã thêm theo cột loại." in plan.notes
    assert desk.in_force(IN_2021)["29224"].name == "Phường 8"


@pytest.mark.parametrize("spelling", ["Xã  An Thạnh ", unicodedata.normalize("NFD", "Xã An Thạnh"), "Xã An\u00a0Thạnh"])
def test_spaces_and_the_way_letters_are_composed_are_no_change(desk: Office, spelling: str) -> None:
    desk.bring_in(listed(AN_THANH), IN_2021)

    plan = desk.plan(listed((*THANH_PHU, "29224", spelling, "Xã")), IN_2021)

    assert counts(plan) == (0, 0, 1, 0)


def test_another_placing_of_a_tone_is_a_change_of_the_written_name(desk: Office) -> None:
    desk.bring_in(listed((*BA_TRI, "29167", "Xã Tân Thủy", "Xã")), IN_2021)

    plan = desk.plan(listed((*BA_TRI, "29167", "Xã Tân Thuỷ", "Xã")), IN_2025)

    assert plan.rows[0].changes == {"name": ("Xã Tân Thủy", "Xã Tân Thuỷ")}


# ---- lives ------------------------------------------------------------------------------------------------------


def test_a_unit_that_begins_on_the_day_of_the_list_is_corrected_in_place(office: Office) -> None:
    office.bring_in(listed(AN_THANH), IN_2021)

    office.bring_in(listed((*THANH_PHU, "29224", "Xã An Nhơn", "Xã")), IN_2021)

    assert office.lives("29224") == [("Xã An Nhơn", IN_2021, None)]


def test_an_older_list_ends_before_the_life_that_is_already_known(office: Office) -> None:
    office.bring_in(listed((*THANH_PHU, "29224", "Xã An Nhơn", "Xã")), IN_2021)

    batch = office.bring_in(listed(AN_THANH), IN_2017)

    assert batch.counts["new"] == 1
    assert office.lives("29224") == [("Xã An Thạnh", IN_2017, date(2021, 1, 31)), ("Xã An Nhơn", IN_2021, None)]
    assert office.lives("837", District) == [("Huyện Thạnh Phú", IN_2017, None)], "it was called so in 2017 already"


def test_a_change_inside_a_known_life_keeps_its_end(office: Office) -> None:
    office.bring_in(listed((*THANH_PHU, "29224", "Xã An Nhơn", "Xã")), IN_2025)
    office.bring_in(listed(AN_THANH), IN_2017)

    office.bring_in(listed((*THANH_PHU, "29224", "Xã An Điền", "Xã")), IN_2021)

    assert office.lives("29224") == [
        ("Xã An Thạnh", IN_2017, date(2021, 1, 31)),
        ("Xã An Điền", IN_2021, date(2024, 12, 31)),
        ("Xã An Nhơn", IN_2025, None),
    ]


def test_a_commune_that_goes_to_another_district_begins_a_new_life(office: Office) -> None:
    office.bring_in(listed(AN_THANH, TAN_XUAN), IN_2017)

    batch_id = office.store(listed((*BA_TRI, "29224", "Xã An Thạnh", "Xã")), IN_2021)
    office.apply(batch_id)

    assert office.rows(batch_id)[0].changes == {"district": ["Huyện Thạnh Phú", "Huyện Ba Tri"]}
    assert office.lives("29224") == [
        ("Xã An Thạnh", IN_2017, date(2021, 1, 31)),
        ("Xã An Thạnh", IN_2021, None),
    ]


def test_communes_follow_their_renamed_district_and_keep_their_own_life(office: Office) -> None:
    office.bring_in(listed(AN_THANH, GIAO_THANH, TAN_XUAN), IN_2017)
    renamed = ("83", "Tỉnh Bến Tre", "837", "Thị xã Thạnh Phú", "29224", "Xã An Thạnh", "Xã")

    batch = office.bring_in(listed(renamed), IN_2021)

    assert batch.counts["same"] == 1
    assert batch.also["district"] == {"new": 0, "changed": 1, "same": 0}
    assert batch.options["also_words"] == ["Cùng đổi huyện 837 Thị xã Thạnh Phú, trước là Huyện Thạnh Phú."]
    assert office.lives("837", District) == [
        ("Huyện Thạnh Phú", IN_2017, date(2021, 1, 31)),
        ("Thị xã Thạnh Phú", IN_2021, None),
    ]
    units, new = office.in_force(IN_2021), office.in_force(IN_2021, District)["837"]
    assert units["29224"].district_id == units["29227"].district_id == new.id
    assert "thi xa thanh phu" in units["29227"].search_text
    assert units["29119"].district_id != new.id
    assert office.lives("29227") == [("Xã Giao Thạnh", IN_2017, None)]


def test_a_commune_that_changes_with_its_district_leaves_the_old_life_at_the_old_district(
    office: Office,
) -> None:
    office.bring_in(listed(AN_THANH), IN_2017)
    both = ("83", "Tỉnh Bến Tre", "837", "Thị xã Thạnh Phú", "29224", "Phường An Thạnh", "Phường")

    office.bring_in(listed(both), IN_2021)

    old, new = office.in_force(IN_2017)["29224"], office.in_force(IN_2021)["29224"]
    assert old.district_id == office.in_force(IN_2017, District)["837"].id
    assert new.district_id == office.in_force(IN_2021, District)["837"].id


def test_the_unit_is_linked_to_the_life_of_its_parent_that_holds_on_its_last_day(office: Office) -> None:
    office.bring_in(
        listed(("75", "Thành phố Đồng Nai", "25000", "Xã A"), header=HEADER[:2] + HEADER[4:6]), date(2026, 4, 30)
    )
    office.bring_in(listed(("75", "Tỉnh Đồng Nai", "25003", "Xã B"), header=HEADER[:2] + HEADER[4:6]), REFORM)

    city = office.in_force(date(2026, 4, 30), Province)["75"]
    assert city.name == "Thành phố Đồng Nai"
    assert office.in_force(REFORM)["25003"].province_id == city.id


# ---- which province ---------------------------------------------------------------------------------------------

SHORT = ("Mã huyện", "Mã xã", "Tên xã")


def test_the_province_is_that_of_the_district_in_force(desk: Office) -> None:
    desk.bring_in(listed(AN_THANH), IN_2017)

    desk.bring_in(listed(("837", "29227", "Xã Giao Thạnh"), header=SHORT), IN_2021)

    assert desk.in_force(IN_2021)["29227"].province_id == desk.in_force(IN_2021, Province)["83"].id


def test_a_list_whose_province_nobody_knows_asks_for_it(desk: Office) -> None:
    desk.bring_in(listed(AN_THANH), IN_2017)
    table = listed(("836", "Huyện Ba Tri", "29119", "Xã Tân Xuân"), header=("Mã huyện", "Tên huyện", *SHORT[1:]))

    with pytest.raises(OcopError, match=r"Dòng 2: .* Chọn tỉnh của danh mục"):
        desk.plan(table, IN_2021)
    with pytest.raises(OcopError, match="Ngày 01/02/2021 chưa có tỉnh mã 84"):
        desk.plan(table, IN_2021, province="84")
    assert counts(desk.plan(table, IN_2021, province="83")) == (1, 0, 0, 0)


def test_a_district_of_another_province_than_the_chosen_one_is_refused(desk: Office) -> None:
    desk.bring_in(
        listed(AN_THANH, ("84", "Tỉnh Trà Vinh", "845", "Huyện Cầu Kè", "29308", "Thị trấn Cầu Kè", None)), IN_2017
    )

    plan = desk.plan(listed(("837", "29227", "Xã Giao Thạnh"), header=SHORT), IN_2021, province="84")

    assert sentences(plan) == [
        "2 Mã huyện: Huyện Thạnh Phú thuộc Tỉnh Bến Tre, không thuộc tỉnh đã chọn. Chọn lại tỉnh."
    ]


def test_parents_may_be_named_without_their_codes_when_they_are_known(desk: Office) -> None:
    desk.bring_in(listed(AN_THANH), IN_2017)
    header = ("Mã xã", "Tên xã", "Huyện", "Tỉnh, thành phố")

    plan = desk.plan(
        listed(
            ("29227", "Xã Giao Thạnh", "huyện thạnh phú", "Tỉnh Bến Tre"),
            ("29119", "Xã Tân Xuân", "Huyện Ba Tri", "Tỉnh Bến Tre"),
            header=header,
        ),
        IN_2021,
    )

    assert [row.action for row in plan.rows] == [RowAction.NEW, RowAction.REFUSED]
    assert sentences(plan) == ["3 Huyện: Huyện Ba Tri: chưa có tại ngày 01/02/2021. Thêm cột mã huyện."]


# ---- refused ----------------------------------------------------------------------------------------------------


def test_a_list_without_a_needed_column_says_what_there_is(desk: Office) -> None:
    with pytest.raises(OcopError) as refusal:
        desk.plan(listed(("Huyện Ba Tri", "Xã Tân Xuân"), header=("Quận Huyện", "Phường Xã")), IN_2021)

    assert str(refusal.value) == (
        "Tệp thiếu cột “Mã xã”. Đang có: “Quận Huyện”, “Phường Xã”. Đổi tên một cột hoặc thêm cột này."
    )


def test_two_columns_that_mean_the_same_are_refused(desk: Office) -> None:
    with pytest.raises(OcopError, match="Cột “Mã PX” và cột “Mã xã” cùng là “Mã xã”"):
        desk.plan(listed((*AN_THANH, "29224"), header=(*HEADER, "Mã xã")), IN_2021)


@pytest.mark.parametrize("day", [REFORM, date(2026, 11, 25)])
def test_a_list_with_districts_is_not_of_a_day_after_the_reform(desk: Office, day: date) -> None:
    with pytest.raises(OcopError, match="Tệp có cột huyện “Mã QH” nên là danh mục trước 01/07/2025"):
        desk.plan(listed(AN_THANH), day)


def test_a_district_column_that_is_empty_does_not_count(desk: Office) -> None:
    row = ("86", "Tỉnh Vĩnh Long", None, None, "29224", "Xã An Qui", "Xã")

    assert counts(desk.plan(listed(row), REFORM)) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            (*THANH_PHU, 4, "Xã A", "Xã"),
            "2 Mã PX: Mã “4” thiếu 4 chữ số, có thể mất số 0 ở đầu (00004). Định dạng cột là Văn bản rồi gõ "
            "đủ 5 chữ số.",
        ),
        (
            (*THANH_PHU, "2922", "Xã A", "Xã"),
            "2 Mã PX: Mã “2922” thiếu 1 chữ số, có thể mất số 0 ở đầu (02922). Định dạng cột là Văn bản rồi "
            "gõ đủ 5 chữ số.",
        ),
        (
            (*THANH_PHU, "2922A", "Xã A", "Xã"),
            "2 Mã PX: Mã “2922A” chưa đúng: mã gồm 5 chữ số. Sửa lại theo danh mục.",
        ),
        (
            (*THANH_PHU, 29224.5, "Xã A", "Xã"),
            "2 Mã PX: Ô này là “29224.5”, cần là chữ. Định dạng ô là Văn bản rồi gõ lại.",
        ),
        (
            (*THANH_PHU, date(2021, 1, 1), "Xã A", "Xã"),
            "2 Mã PX: Ô này là “01/01/2021”, cần là chữ. Định dạng ô là Văn bản rồi gõ lại.",
        ),
        ((*THANH_PHU, None, "Xã A", "Xã"), "2 Mã PX: Thiếu mã xã. Ghi mã gồm 5 chữ số."),
        ((*THANH_PHU, "29224", None, "Xã"), "2 Phường Xã: Thiếu tên. Ghi tên đúng như danh mục."),
        (
            (*THANH_PHU, "29224", "An Thạnh", None),
            "2 Phường Xã: Chưa rõ loại của “An Thạnh”. Ghi ở đầu tên một trong: Xã, Phường, Thị trấn, Đặc khu.",
        ),
        (
            (*THANH_PHU, "29224", "Xã An Thạnh", "Làng"),
            "2 Cấp: “Làng” không có trong danh sách. Ghi một trong: Xã, Phường, Thị trấn, Đặc khu.",
        ),
        (
            (*THANH_PHU, "29224", "Xã An Thạnh", "Phường"),
            "2 Cấp: Tên là “Xã An Thạnh” mà loại là Phường. Sửa tên hoặc loại cho khớp.",
        ),
        ((*THANH_PHU, "29224", "=1+1", "Xã"), "2 Phường Xã: “=1+1” không phải tên đơn vị. Gõ lại tên bằng chữ."),
        ((*THANH_PHU, "29224", "Xã " + "A" * 130, "Xã"), "2 Phường Xã: Ô này dài 133 chữ, tối đa 120. Rút ngắn lại."),
        (
            (*THANH_PHU, "29224", CellError("#REF!", "error"), "Xã"),
            "2 Phường Xã: Ô này đang là #REF!. Gõ lại giá trị vào ô.",
        ),
        (
            (*THANH_PHU, CellError("=B2", "formula"), "Xã A", "Xã"),
            "2 Mã PX: Ô này là công thức chưa có kết quả. Mở tệp bằng Excel, lưu lại, hoặc gõ giá trị vào ô.",
        ),
        (
            ("83", "Tỉnh Bến Tre", None, "Huyện Ba Tri", "29119", "Xã A", "Xã"),
            "2 Mã QH: Thiếu mã huyện. Ghi mã gồm 3 chữ số.",
        ),
        (
            ("83", "Tỉnh Bến Tre", 1, "Huyện Ba Tri", "29119", "Xã A", "Xã"),
            "2 Mã QH: Mã “1” thiếu 2 chữ số, có thể mất số 0 ở đầu (001). Định dạng cột là Văn bản rồi gõ đủ 3 chữ số.",
        ),
        (
            ("83", "Tỉnh Bến Tre", "836", None, "29119", "Xã A", "Xã"),
            "2 Mã QH: Ngày 01/02/2021 chưa có huyện mã 836. Sửa mã hoặc ghi tên để thêm.",
        ),
        (
            ("83", None, "836", "Huyện Ba Tri", "29119", "Xã A", "Xã"),
            "2 Mã TP: Ngày 01/02/2021 chưa có tỉnh mã 83. Sửa mã hoặc ghi tên để thêm.",
        ),
        (
            ("83", "Tỉnh Bến Tre", "836", "Ba Tri", "29119", "Xã A", "Xã"),
            "2 Quận Huyện: Chưa rõ loại của “Ba Tri”. Ghi ở đầu tên một trong: Huyện, Quận, Thị xã, Thành phố.",
        ),
    ],
)
def test_a_row_that_cannot_be_taken_says_where_and_what_to_do(desk: Office, row: Sequence[Cell], said: str) -> None:
    plan = desk.plan(listed(row), IN_2021)

    assert sentences(plan) == [said]
    assert counts(plan) == (0, 0, 0, 1)


def test_there_is_no_township_after_the_reform(desk: Office) -> None:
    header = ("Mã", "Tên", "Mã TP", "Tỉnh / Thành Phố")

    with pytest.raises(TownshipsEnded) as refusal:
        desk.plan(listed(("28984", "Thị trấn Giồng Trôm", "86", "Tỉnh Vĩnh Long"), header=header), REFORM)
    assert str(refusal.value) == (
        "Tệp có “Thị trấn Giồng Trôm” nên là danh mục trước 01/07/2025; ngày 01/07/2025 không còn thị trấn. "
        "Cho biết danh mục tại ngày nào, hoặc sửa tên này."
    )


def test_a_new_commune_before_the_reform_needs_a_district(desk: Office) -> None:
    header = ("Mã", "Tên", "Mã TP", "Tỉnh / Thành Phố")

    plan = desk.plan(listed(("29224", "Xã An Thạnh", "83", "Tỉnh Bến Tre"), header=header), IN_2021)

    assert sentences(plan) == ["2 Mã huyện: Xã, phường trước 01/07/2025 phải thuộc một huyện. Thêm cột mã huyện."]


def test_a_code_that_stands_twice_names_every_line(desk: Office) -> None:
    plan = desk.plan(listed(AN_THANH, TAN_XUAN, (*THANH_PHU, 29224, "Xã An Điền", "Xã")), IN_2021)

    assert sentences(plan) == [
        "2 Mã PX: Mã PX 29224 có ở dòng 2 và 4. Giữ một dòng.",
        "4 Mã PX: Mã PX 29224 có ở dòng 2 và 4. Giữ một dòng.",
    ]
    assert plan.rows[1].action is RowAction.NEW


def test_a_district_that_a_list_names_in_two_ways_is_refused_where_it_differs(desk: Office) -> None:
    other_name = ("83", "Tỉnh Bến Tre", "837", "Huyện Thanh Phú", "29227", "Xã Giao Thạnh", "Xã")
    other_province = ("84", "Tỉnh Trà Vinh", "837", "Huyện Thạnh Phú", "29230", "Xã Thạnh Phong", "Xã")

    plan = desk.plan(listed(AN_THANH, other_name, other_province), IN_2021)

    assert sentences(plan) == [
        "3 Quận Huyện: Mã 837 ở dòng 2 là “Huyện Thạnh Phú”, đây là “Huyện Thanh Phú”. Ghi cùng một tên.",
        "4 Mã TP: Huyện Thạnh Phú ở dòng 2 thuộc tỉnh khác. Ghi cùng một mã tỉnh.",
    ]


def test_a_code_with_two_lives_on_one_day_is_not_guessed_at(desk: Office) -> None:
    desk.bring_in(listed(AN_THANH), IN_2017)
    with desk.database.writing.begin() as session:
        first = session.scalars(select(Commune)).one()
        session.add(
            Commune(
                code="29224",
                name="Xã An Điền",
                kind=CommuneKind.COMMUNE,
                province_id=first.province_id,
                district_id=first.district_id,
                valid_from=IN_2020,
            )
        )

    plan = desk.plan(listed(AN_THANH), IN_2021)

    assert sentences(plan) == [
        "2 Mã PX: Mã 29224 đang có hai đơn vị trùng ngày hiệu lực, Xã An Thạnh và Xã An Điền. "
        "Sửa ngày của một đơn vị rồi tải lại."
    ]


def test_other_lists_are_refused_until_they_are_taken(desk: Office) -> None:
    with desk.database.writing.begin() as session, pytest.raises(importing.NotImportable):
        importing.plan(session, Cycle, listed(AN_THANH), as_of=IN_2021)


# ---- plan, store, apply, drop -----------------------------------------------------------------------------------


def test_a_plan_changes_nothing(office: Office) -> None:
    office.bring_in(listed(AN_THANH), IN_2017)
    before = [office.count(model) for model in (Province, District, Commune, AuditEntry)]

    plan = office.plan(listed((*THANH_PHU, "29224", "Xã An Nhơn", "Xã"), TAN_XUAN), IN_2021)

    assert counts(plan) == (1, 1, 0, 0)
    assert [office.count(model) for model in (Province, District, Commune, AuditEntry)] == before
    assert office.lives("29224") == [("Xã An Thạnh", IN_2017, None)]


def test_a_refused_row_keeps_every_row_back(office: Office) -> None:
    batch_id = office.store(listed(AN_THANH, (*BA_TRI, "29", "Xã Tân Xuân", "Xã")), IN_2021)

    with pytest.raises(importing.RowsRefused, match="1 dòng bị từ chối nên chưa ghi dòng nào"):
        office.apply(batch_id)

    assert office.count(Commune) == office.count(District) == office.count(Province) == 0
    assert office.batch(batch_id).state is BatchState.PLANNED


def test_the_good_rows_are_written_when_that_is_asked_for(office: Office) -> None:
    batch_id = office.store(listed(AN_THANH, (*BA_TRI, "29", "Xã Tân Xuân", "Xã")), IN_2021)

    batch = office.apply(batch_id, partial=True)

    assert batch.number == 1
    assert office.in_force(IN_2021).keys() == {"29224"}
    assert office.in_force(IN_2021, District).keys() == {"837"}, "no parent of a refused row alone"
    assert [row.row_id is not None for row in office.rows(batch_id)] == [True, False]


def test_a_batch_keeps_what_each_row_was_and_became(office: Office) -> None:
    office.bring_in(listed(AN_THANH), IN_2017)
    old = office.in_force(IN_2017)["29224"]

    batch_id = office.store(listed((*THANH_PHU, "29224", "Xã An Nhơn", "Xã"), TAN_XUAN), IN_2021)
    office.apply(batch_id)

    changed, new = office.rows(batch_id)
    assert (changed.line, changed.label, changed.action) == (2, "29224 Xã An Nhơn", RowAction.CHANGED)
    assert changed.changes == {"name": ["Xã An Thạnh", "Xã An Nhơn"]}
    assert changed.before is not None
    assert changed.before["id"] == old.id
    assert changed.before["valid_to"] is None
    assert changed.after is not None
    assert changed.after["name"] == "Xã An Nhơn"
    assert changed.after["valid_from"] == "2021-02-01"
    assert changed.row_id == changed.after["id"] == office.in_force(IN_2021)["29224"].id
    assert (new.action, new.before, new.row_id) == (RowAction.NEW, None, office.in_force(IN_2021)["29119"].id)
    assert new.raw == list(TAN_XUAN)


def test_the_trail_names_the_batch(office: Office) -> None:
    office.bring_in(listed(AN_THANH), IN_2017)

    batch = office.bring_in(listed((*THANH_PHU, "29224", "Xã An Nhơn", "Xã")), IN_2021)

    with office.database.reading() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.batch_id == batch.id, AuditEntry.model == "communes")
        ).all()
    assert {(entry.verb, entry.actor, entry.action.value) for entry in entries} == {
        ("nhập liệu", "dòng lệnh", "update"),
        ("nhập liệu", "dòng lệnh", "create"),
    }
    ended = next(entry for entry in entries if entry.action.value == "update")
    assert ended.changes == {"valid_to": [None, "2021-01-31"]}


def test_applying_twice_writes_once(office: Office) -> None:
    batch_id = office.store(listed(AN_THANH), IN_2021)

    first, trail = office.apply(batch_id).number, office.count(AuditEntry)
    second = office.apply(batch_id).number

    assert first == second == 1
    assert office.count(Commune) == 1
    assert office.count(AuditEntry) == trail


def test_a_double_click_writes_once(office: Office) -> None:
    batch_id = office.store(listed(AN_THANH, GIAO_THANH, TAN_XUAN), IN_2021)
    numbers: list[int | None] = []

    def click() -> None:
        with acting_as(system("dòng lệnh")):
            numbers.append(office.apply(batch_id).number)

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()

    assert numbers == [1, 1]
    assert office.count(Commune) == 3


def test_batches_are_numbered_without_gaps_whoever_makes_them(office: Office) -> None:
    numbers = []
    for place, row in enumerate((AN_THANH, GIAO_THANH, TAN_XUAN)):
        dropped = office.store(listed(row), IN_2021, content=str(place))
        numbers.append(office.bring_in(listed(row), IN_2021, content=str(place)).number)
        with office.database.writing.begin() as session:
            importing.drop(session, session.get_one(ImportBatch, dropped))

    assert numbers == [1, 2, 3]


@pytest.mark.parametrize(
    "meanwhile",
    [
        listed((*THANH_PHU, "29224", "Xã An Điền", "Xã")),
        listed((*BA_TRI, "29224", "Xã An Thạnh", "Xã")),
        listed((*THANH_PHU, "29224", "Xã An Nhơn", "Xã")),
        listed(TAN_XUAN),
        listed((*BA_TRI, "29122", "Xã Mỹ Chánh", "Xã")),
    ],
)
def test_a_plan_that_the_data_has_left_behind_must_be_looked_at_again(office: Office, meanwhile: Table) -> None:
    office.bring_in(listed(AN_THANH), IN_2017)
    batch_id = office.store(listed((*THANH_PHU, "29224", "Xã An Nhơn", "Xã"), TAN_XUAN), IN_2021)
    office.bring_in(meanwhile, IN_2020, content="b")
    before = office.count(Commune), office.count(AuditEntry)

    with pytest.raises(importing.PlanMoved, match="Xem lại các thay đổi"):
        office.apply(batch_id)

    assert (office.count(Commune), office.count(AuditEntry)) == before
    assert office.batch(batch_id).state is BatchState.PLANNED


def test_a_dropped_plan_keeps_no_rows_and_cannot_be_applied(office: Office) -> None:
    batch_id = office.store(listed(AN_THANH), IN_2021)

    with office.database.writing.begin() as session:
        importing.drop(session, session.get_one(ImportBatch, batch_id))

    assert office.rows(batch_id) == []
    with pytest.raises(importing.PlanDropped):
        office.apply(batch_id)


def test_an_applied_batch_cannot_be_dropped(desk: Office) -> None:
    batch = desk.bring_in(listed(AN_THANH), IN_2021)

    with (
        desk.database.writing.begin() as session,
        pytest.raises(importing.AlreadyApplied, match="Đợt nhập số 1 đã ghi"),
    ):
        importing.drop(session, session.get_one(ImportBatch, batch.id))


def test_a_plan_is_kept_for_a_day(office: Office) -> None:
    batch_id = office.store(listed(AN_THANH), IN_2021)
    _age(office, batch_id, timedelta(hours=25))

    with pytest.raises(importing.PlanExpired):
        office.apply(batch_id)
    office.store(listed(AN_THANH), IN_2021)

    assert office.batch(batch_id).state is BatchState.DROPPED
    assert office.rows(batch_id) == []


def _age(office: Office, batch_id: int, by: timedelta) -> None:
    with office.database.writing.begin() as session:
        session.get_one(ImportBatch, batch_id).created_at = now() - by


def test_cells_of_every_kind_are_kept_and_read_again(desk: Office) -> None:
    extras: tuple[Cell, ...] = (
        date(2021, 2, 1),
        datetime(2021, 2, 1, 8, 30),  # noqa: DTZ001  # a cell has no zone
        Decimal("76.5"),
        1.5,
        True,
        None,
        CellError("#N/A", "error"),
        CellError("=A1", "formula"),
    )
    header = (*HEADER, *(f"Cột {number}" for number in range(len(extras))))
    batch_id = desk.store(listed((*AN_THANH, *extras), header=header), IN_2021)

    desk.apply(batch_id)

    assert [importing.unpacked(cell) for cell in desk.rows(batch_id)[0].raw] == [*AN_THANH, *extras]


# ---- the flush itself -------------------------------------------------------------------------------------------


def test_the_row_that_the_flush_refuses_is_found_among_many(office: Office) -> None:
    """A clash that no rule foresaw: another unit with the code and day of the last but one row."""
    office.bring_in(listed((*THANH_PHU, "20777", "Xã An Thạnh", "Xã")), IN_2021)
    province_id = office.in_force(IN_2021, Province)["83"].id
    rows = [
        Change(
            Commune,
            RowAction.NEW,
            f"{20000 + number}",
            {
                "code": f"{20000 + number}",
                "name": f"Xã số {number}",
                "kind": CommuneKind.COMMUNE,
                "province_id": province_id,
                "valid_from": IN_2021,
            },
        )
        for number in range(1200)
    ]

    with office.database.writing.begin() as session, session.doing("kiểm thử"):
        rehearse(session, Changes([], rows, lambda _session: None))

    assert [row.label for row in rows if row.refusal] == ["20777"]
    assert "trùng với một bản ghi đã có" in rows[777].refusal
    assert office.count(Commune) == 1


def test_rows_of_a_refused_parent_are_refused_with_its_sentence(office: Office) -> None:
    office.bring_in(listed(AN_THANH), IN_2021)
    province = Change(
        Province,
        RowAction.NEW,
        "83",
        {"code": "83", "name": "Tỉnh Bến Tre", "kind": ProvinceKind.PROVINCE, "valid_from": IN_2021},
    )
    values = {"code": "29119", "name": "Xã Tân Xuân", "kind": CommuneKind.COMMUNE, "valid_from": IN_2021}
    row = Change(Commune, RowAction.NEW, "29119", values, {"province_id": province})

    with office.database.writing.begin() as session, session.doing("kiểm thử"):
        rehearse(session, Changes([[province]], [row], lambda _session: None))

    assert row.refusal == province.refusal
    assert "trùng với một bản ghi đã có" in row.refusal
    assert row.row is None


# ---- areas ------------------------------------------------------------------------------------------------------

Clerk = Callable[[str], Actor]


@pytest.fixture
def clerk_of(office: Office) -> Clerk:
    """The province clerk of a code; both provinces are there since 2017."""
    office.bring_in(
        listed(AN_THANH, ("84", "Tỉnh Trà Vinh", "845", "Huyện Cầu Kè", "29308", "Thị trấn Cầu Kè", None)), IN_2017
    )

    def clerk(code: str) -> Actor:
        with office.database.writing.begin() as session:
            place = session.scalars(select(Province).where(Province.code == code)).one()
            accounts.add_user(
                session, username=f"tinh.{code}", full_name="Trần Minh Khoa", role=Role.PROVINCE_CLERK, place=place
            )
        with office.database.reading() as session:
            return accounts.actor_named(session, f"tinh.{code}")

    return clerk


CAU_KE = ("84", "Tỉnh Trà Vinh", "845", "Huyện Cầu Kè")


@pytest.mark.parametrize(
    "row",
    [
        (*CAU_KE, "29308", "Thị trấn Cầu Kè", None),
        (*CAU_KE, "29308", "Xã Cầu Kè", None),
        (*CAU_KE, "29311", "Xã Hòa Ân", None),
        (*THANH_PHU, "29308", "Xã Cầu Kè", None),
        ("84", "Tỉnh Trà Vinh", "846", "Huyện Tiểu Cần", "29341", "Thị trấn Tiểu Cần", None),
    ],
)
def test_rows_outside_the_clerks_area_are_refused(office: Office, clerk_of: Clerk, row: Sequence[Cell]) -> None:
    clerk = clerk_of("83")
    own = (*THANH_PHU, "29224", "Xã An Nhơn", "Xã")

    with acting_as(clerk):
        plan = office.plan(listed(own, row), IN_2021)

    assert [each.action for each in plan.rows] == [RowAction.CHANGED, RowAction.REFUSED]
    assert "nằm ngoài địa bàn của bạn" in plan.rows[1].problems[0].sentence


def test_a_clerk_imports_the_list_of_the_own_province(office: Office, clerk_of: Clerk) -> None:
    clerk = clerk_of("83")

    with acting_as(clerk):
        batch = office.bring_in(listed((*THANH_PHU, "29224", "Xã An Nhơn", "Xã"), TAN_XUAN), IN_2021)

    assert (batch.number, batch.made_by) == (2, clerk.name)
    assert office.lives("29224")[-1] == ("Xã An Nhơn", IN_2021, None)
    assert office.in_force(IN_2021, District)["836"].name == "Huyện Ba Tri"


def test_a_clerk_does_not_rename_the_province(office: Office, clerk_of: Clerk) -> None:
    clerk = clerk_of("83")

    with acting_as(clerk):
        plan = office.plan(listed(("83", "Thành phố Bến Tre", *AN_THANH[2:])), IN_2021)

    assert sentences(plan) == ["2 Mã PX: Thành phố Bến Tre là tỉnh mới hoặc đổi tên. Nhờ quản trị nhập danh mục này."]


def test_a_clerk_sees_no_plan_of_another(office: Office, clerk_of: Clerk) -> None:
    one, other = clerk_of("83"), clerk_of("84")
    with acting_as(one):
        batch_id = office.store(listed(TAN_XUAN), IN_2021)

    with acting_as(other), office.database.reading() as session:
        assert session.get(ImportBatch, batch_id) is None
        assert session.scalars(select(ImportRow)).all() == []
    with acting_as(one):
        assert len(office.rows(batch_id)) == 1


def test_a_colleague_is_told_that_the_file_came_before(office: Office, clerk_of: Clerk) -> None:
    one, other = clerk_of("83"), clerk_of("84")
    with acting_as(one):
        office.bring_in(listed(TAN_XUAN), IN_2021, content="c")

    with acting_as(other):
        batch_id = office.store(listed((*CAU_KE, "29311", "Xã Hòa Ân", None)), IN_2021, content="c")
        notes = office.batch(batch_id).notes

    assert notes[0].startswith("Tệp này đã nhập lúc ")
    assert notes[0].endswith(f" bởi {one.name}, đợt nhập số 2; 1 dòng nay khác.")


def test_a_refused_row_tells_nothing_of_its_province(office: Office, clerk_of: Clerk) -> None:
    office.bring_in(listed((*CAU_KE, "29311", "Xã Hòa Ân", None)), IN_2020)
    clerk = clerk_of("83")

    with acting_as(clerk):
        plan = office.plan(listed(TAN_XUAN, (*CAU_KE, "29308", "Thị trấn Cầu Kè", None)), IN_2021)

    assert [note for note in plan.notes if "mà tệp không có" in note] == [
        "1 xã, phường đang có mà tệp không có, giữ nguyên: 29224 Xã An Thạnh."
    ]


def test_only_its_maker_writes_or_drops_a_plan(office: Office, clerk_of: Clerk) -> None:
    with acting_as(clerk_of("83")):
        batch_id = office.store(listed(TAN_XUAN), IN_2021)

    with pytest.raises(importing.NotTheMaker):
        office.apply(batch_id)
    with office.database.writing.begin() as session, pytest.raises(importing.NotTheMaker):
        importing.drop(session, session.get_one(ImportBatch, batch_id))

    assert office.batch(batch_id).state is BatchState.PLANNED
    assert office.lives("29119") == []


# ---- the work goes on -------------------------------------------------------------------------------------------


def test_accounts_and_open_cycles_follow_their_place(office: Office) -> None:
    office.bring_in(listed(AN_THANH, GIAO_THANH), IN_2017)
    with office.database.writing.begin() as session:
        province = session.scalars(select(Province)).one()
        district = session.scalars(select(District)).one()
        communes = {unit.code: unit for unit in session.scalars(select(Commune))}
        for name, role, place in (
            ("tinh", Role.PROVINCE_CLERK, province),
            ("huyen", Role.DISTRICT_CLERK, district),
            ("xa", Role.COMMUNE_CLERK, communes["29224"]),
            ("xa2", Role.COMMUNE_CLERK, communes["29227"]),
        ):
            accounts.add_user(session, username=name, full_name="Trần Minh Khoa", role=role, place=place)
        for year, closed in ((2019, date(2019, 12, 31)), (2021, None)):
            opened = date(year, 1, 1)
            session.add(Cycle(name=f"Năm {year}", year=year, province=province, opened_on=opened, closed_on=closed))
    old_province, old_communes = province.id, {code: unit.id for code, unit in communes.items()}

    renamed = ("83", "Thành phố Bến Tre", "837", "Thị xã Thạnh Phú")
    office.bring_in(
        listed((*renamed, "29224", "Xã An Nhơn", "Xã"), (*renamed, "29227", "Xã Giao Thạnh", "Xã")), IN_2021
    )

    with office.database.reading() as session:
        users = {user.username: user for user in session.scalars(select(User))}
        cycles = {cycle.year: cycle for cycle in session.scalars(select(Cycle))}
        clerk = accounts.actor_named(session, "xa")
        said = [(s.old_id, s.new_id) for s in session.scalars(select(CommuneSuccession))]
        assert accounts.area_label(users["tinh"]) == "Thành phố Bến Tre"
        assert accounts.area_label(users["huyen"]) == "Thị xã Thạnh Phú"
        assert accounts.area_label(users["xa"]) == "Xã An Nhơn"
        assert users["xa2"].commune_id == old_communes["29227"]
        assert cycles[2019].province_id == old_province
        assert cycles[2021].province.name == "Thành phố Bến Tre"
        assert clerk.area.communes == {old_communes["29224"], users["xa"].commune_id}
        assert clerk.area.around == {old_province, cycles[2021].province_id}
        assert said == [(old_communes["29224"], users["xa"].commune_id)]


def test_an_account_does_not_follow_a_code_that_was_given_to_another_place(desk: Office) -> None:
    desk.bring_in(listed(AN_THANH), IN_2017)
    with desk.database.writing.begin() as session:
        commune = session.scalars(select(Commune)).one()
        accounts.add_user(session, username="xa", full_name="Trần Minh Khoa", role=Role.COMMUNE_CLERK, place=commune)

    desk.bring_in(listed(("86", "Tỉnh Vĩnh Long", None, None, "29224", "Xã Thạnh Phú", "Xã")), REFORM)

    with desk.database.reading() as session:
        assert session.scalars(select(User)).one().commune_id == commune.id
        assert session.scalars(select(CommuneSuccession)).all() == []


def test_a_new_commune_does_not_get_the_id_of_a_deleted_one(office: Office) -> None:
    office.bring_in(listed(AN_THANH, GIAO_THANH), IN_2017)
    with office.database.writing.begin() as session:
        last = session.scalars(select(Commune).order_by(Commune.id.desc())).first()
        assert last is not None
        session.delete(last)

    office.bring_in(listed(TAN_XUAN), IN_2017)

    assert office.in_force(IN_2017)["29119"].id > last.id
