"""Lists of producers, products, results and entries: found by their keys, linked by the names in their cells."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from app.current import acting_as
from app.database import Database
from app.files import read
from app.services import accounts, importing
from app.services.importing import reading
from app.table import Cell, CellError, Column, Table
from models import (
    BatchState,
    Commune,
    Cycle,
    CycleStep,
    Entity,
    EntityKind,
    ImportBatch,
    ImportRow,
    Participation,
    Product,
    Province,
    Rating,
    Regime,
    RowAction,
)
from models.base import Base
from tests.files import samples

pytestmark = [pytest.mark.fill("demo"), pytest.mark.usefixtures("at_the_command_line")]

TODAY = date(2025, 6, 1)


def listed(header: Sequence[str], *rows: Sequence[Cell]) -> Table:
    return Table(tuple(Column(label) for label in header), [tuple(row) for row in rows], range(2, len(rows) + 2))


class Office:
    """The demo database; the first of its producers, and a commune with none of them by name."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.writing.begin() as session, session.doing("sửa"):
            entity = session.scalars(select(Entity).join(Product).order_by(Entity.id)).first()
            assert entity is not None
            entity.tax_code = self.tax_code = "0100109106"
            self.entity = entity.name
            self.commune, self.day = entity.commune.name, entity.commune.valid_from
            self.district = entity.commune.district.name if entity.commune.district else ""
            self.commune_code = entity.commune.code
            self.product = session.scalars(select(Product.name).where(Product.entity_id == entity.id)).first() or ""

    def plan(self, model: type[Base], table: Table, as_of: date = TODAY, **settled: Any) -> importing.Plan:
        with self.database.writing.begin() as session:
            return importing.plan(session, model, table, as_of=as_of, options=importing.Options(**settled))

    def bring_in(
        self, model: type[Base], table: Table, as_of: date = TODAY, *, partial: bool = False, **settled: Any
    ) -> ImportBatch:
        with self.database.writing.begin() as session:
            plan = importing.plan(session, model, table, as_of=as_of, options=importing.Options(**settled))
            batch = importing.store(session, plan, file_name="danh-sach.xlsx", content_hash="a" * 64, size=1)
            return importing.apply(session, batch, partial=partial)

    def one(self, model: Any, **values: Any) -> Any:
        with self.database.reading() as session:
            return session.scalars(select(model).filter_by(**values)).one()


@pytest.fixture
def office(any_database: Database) -> Office:
    return Office(any_database)


@pytest.fixture
def desk(database: Database) -> Office:
    return Office(database)


def counts(plan: importing.Plan | ImportBatch) -> tuple[int, ...]:
    return tuple(plan.counts[action.value] for action in RowAction)


def sentences(plan: importing.Plan) -> list[str]:
    return [sentence for row in plan.refused for _, sentence in row.problems]


# ---- producers --------------------------------------------------------------------------------------------------


def test_a_producer_is_known_by_tax_code_and_only_what_differs_changes(office: Office) -> None:
    header = ("STT", "MST", "Chủ thể", "SĐT", "Ghi chú riêng")
    plan = office.plan(Entity, listed(header, (1, office.tax_code, office.entity, "0275 3870 001", "x")))

    assert counts(plan) == (0, 1, 0, 0, 0)
    assert [set(row.changes) for row in plan.rows] == [{"phone"}]
    assert plan.notes == ["Không dùng cột “Ghi chú riêng” (1 ô)."]

    office.bring_in(Entity, listed(header, (1, office.tax_code, office.entity, "0275 3870 001", "x")))
    assert office.one(Entity, tax_code=office.tax_code).phone == "0275 3870 001"
    again = office.plan(Entity, listed(header, (1, office.tax_code, office.entity, "0275 3870 001", "x")))
    assert counts(again) == (0, 0, 1, 0, 0)


def test_an_empty_cell_changes_nothing_unless_asked(desk: Office) -> None:
    row = listed(("MST", "Điện thoại"), (desk.tax_code, "0275 3870 002"))
    desk.bring_in(Entity, row)
    empty = listed(("MST", "Điện thoại"), (desk.tax_code, None))

    assert counts(desk.plan(Entity, empty)) == (0, 0, 1, 0, 0)
    assert [row.changes for row in desk.plan(Entity, empty, clears=True).rows] == [{"phone": ("0275 3870 002", "")}]


def test_a_new_producer_lies_where_its_line_says_and_its_name_gives_its_kind(office: Office) -> None:
    header = ("Tên chủ thể", "Xã", "Huyện")
    rows = listed(header, ("HTX Rạch Miễu Xanh", office.commune.upper(), office.district))
    batch = office.bring_in(Entity, rows, office.day)

    assert (batch.state, batch.counts["new"]) == (BatchState.APPLIED, 1)
    made = office.one(Entity, name="HTX Rạch Miễu Xanh")
    assert made.kind is EntityKind.COOPERATIVE
    assert office.one(Commune, id=made.commune_id).name == office.commune


def test_a_place_is_found_without_its_kind_and_by_code(desk: Office) -> None:
    bare = desk.commune.split(" ", 1)[1]
    rows = listed(("Tên chủ thể", "Xã", "Huyện"), ("Hộ kinh doanh Tư Liễu", bare, desk.district))
    assert counts(desk.plan(Entity, rows, desk.day)) == (1, 0, 0, 0, 0)
    rows = listed(("Tên chủ thể", "Mã xã"), ("Hộ kinh doanh Tư Liễu", desk.commune_code))
    assert counts(desk.plan(Entity, rows, desk.day)) == (1, 0, 0, 0, 0)


def test_a_value_that_finds_nothing_is_asked_once_for_all_its_rows(desk: Office) -> None:
    header = ("Tên chủ thể", "Xã", "Huyện")
    typo = desk.commune[:-1]
    rows = listed(header, *((f"Hộ sản xuất Năm {n}", typo, desk.district) for n in range(3)))
    plan = desk.plan(Entity, rows, desk.day)

    assert counts(plan) == (0, 0, 0, 3, 0)
    assert [(asked.value, asked.lines) for asked in plan.unfound] == [(f"{typo}, {desk.district}", [2, 3, 4])]
    assert desk.commune in [label.split(", ")[1] for _id, label in plan.unfound[0].suggestions]
    assert not plan.unfound[0].creatable  # a commune is no row one makes from a name

    chosen = desk.one(Commune, code=desk.commune_code, valid_from=desk.day).id
    settled = desk.plan(Entity, rows, desk.day, links={"commune": {plan.unfound[0].key: chosen}})
    assert counts(settled) == (3, 0, 0, 0, 0)
    left_out = desk.plan(Entity, rows, desk.day, links={"commune": {plan.unfound[0].key: "skip"}})
    assert counts(left_out) == (0, 0, 0, 0, 3)


def test_an_answer_holds_for_what_else_the_line_says_too(desk: Office) -> None:
    header, typo = ("Tên chủ thể", "Mã xã", "Xã", "Huyện"), desk.commune[:-1]
    rows = listed(
        header,
        ("Hộ sản xuất Năm", None, typo, desk.district),
        ("Hộ sản xuất Sáu", None, typo, "Huyện Mỏ Cày Nam"),
        ("Hộ sản xuất Bảy", "29194", typo, None),
    )
    plan = desk.plan(Entity, rows, desk.day)
    assert [asked.lines for asked in plan.unfound] == [[2], [3], [4]]

    chosen = desk.one(Commune, code=desk.commune_code, valid_from=desk.day).id
    settled = desk.plan(Entity, rows, desk.day, links={"commune": {plan.unfound[0].key: chosen}})
    assert [row.action for row in settled.rows] == [RowAction.NEW, RowAction.REFUSED, RowAction.REFUSED]


def test_a_producer_of_the_same_name_elsewhere_is_asked_about_by_itself(desk: Office) -> None:
    with desk.database.reading() as session:
        in_force = Commune.valid_from <= desk.day, Commune.name != desk.commune, Commune.code.like("29%")
        other = session.scalars(select(Commune).where(*in_force).order_by(Commune.id)).first()
        assert other is not None
        code = other.code
    rows = listed(
        ("Tên sản phẩm", "Chủ thể", "Mã xã"),
        ("Kẹo dừa Ba Vát", "Cơ sở Hai Lúa", desk.commune_code),
        ("Kẹo gừng Ba Vát", "Cơ sở Hai Lúa", code),
    )
    assert [asked.lines for asked in desk.plan(Product, rows, desk.day).unfound] == [[2], [3]]


def test_lines_of_one_producer_that_do_not_agree_are_all_refused_and_say_where(desk: Office) -> None:
    rows = listed(("MST", "Điện thoại"), (desk.tax_code, "1"), (desk.tax_code, "1"), (desk.tax_code, "2"))

    plan = desk.plan(Entity, rows)

    assert [(problem.column, problem.sentence) for row in plan.refused for problem in row.problems] == [
        (
            "Điện thoại",
            "Dòng 2, 3 và 4 là cùng một chủ thể nhưng cột “Điện thoại” ghi khác nhau. "
            "Ghi cho giống nhau hoặc giữ một dòng.",
        )
    ] * 3


def test_a_list_of_products_gives_each_of_its_producers_once(office: Office) -> None:
    header = ("STT", "Tên sản phẩm", "Tên chủ thể", "Xã", "Điện thoại")
    bare = office.commune.split(" ", 1)[1]
    rows = listed(
        header,
        (1, "Kẹo dừa", "HTX Rạch Miễu Xanh", office.commune, "0275 3870 001"),
        (2, "Mứt dừa", "HTX Rạch Miễu Xanh", bare, "0275 3870 001"),
        (3, "Kẹo chuối", "Cơ sở Hai Lúa", office.commune, None),
        (4, "Dầu dừa", "HTX Rạch Miễu Xanh", office.commune, None),
    )
    plan = office.plan(Entity, rows, office.day)

    assert counts(plan) == (2, 0, 0, 0, 2)
    assert "2 dòng ghi lại cùng một chủ thể nên bỏ qua: dòng 3, 5 như dòng 2." in plan.notes
    assert office.bring_in(Entity, rows, office.day).counts["new"] == 2
    assert office.one(Entity, name="HTX Rạch Miễu Xanh").phone == "0275 3870 001"
    assert counts(office.plan(Entity, rows, office.day)) == (0, 0, 2, 0, 2)


def test_an_empty_cell_of_a_repeated_line_counts_where_it_is_to_clear(desk: Office) -> None:
    rows = listed(("MST", "Điện thoại"), (desk.tax_code, "0275 3870 009"), (desk.tax_code, None))

    assert counts(desk.plan(Entity, rows)) == (0, 1, 0, 0, 1)
    assert counts(desk.plan(Entity, rows, clears=True)) == (0, 0, 0, 2, 0)
    filled_later = listed(("MST", "Điện thoại"), (desk.tax_code, None), (desk.tax_code, "0275 3870 009"))
    assert counts(desk.plan(Entity, filled_later)) == (0, 0, 0, 2, 0)


def test_a_missing_key_is_said_before_any_row(desk: Office) -> None:
    with desk.database.writing.begin() as session, pytest.raises(Exception, match="Tệp thiếu cột “Tên chủ thể”"):
        importing.plan(session, Entity, listed(("Điện thoại", "Xã"), ("1", "x")), as_of=TODAY)


def test_titles_nearly_right_are_taken_and_a_clerk_may_say_otherwise(desk: Office) -> None:
    rows = listed(("Mã số thế", "Điện thoại cố định", "Điên thoại"), (desk.tax_code, "02753870", "0999 000 111"))
    plan = desk.plan(Entity, rows)
    assert {title: path for title, path, _ in plan.mapped} == {
        "Mã số thế": "tax_code",
        "Điện thoại cố định": "",
        "Điên thoại": "phone",
    }
    other = desk.plan(Entity, rows, mapping={"Điện thoại cố định": "phone", "Điên thoại": ""})
    assert [row.changes["phone"][1] for row in other.rows] == ["02753870"]


# ---- lines of one producer, some without its tax code -----------------------------------------------------------

CODES = ("9900000016", "9900000023")


def test_lines_of_one_producer_without_its_tax_code_make_no_second_one(office: Office) -> None:
    bare = office.commune.split(" ", 1)[1]
    rows = listed(
        ("Tên chủ thể", "MST", "Xã", "Huyện"),
        ("HTX Rạch Miễu Xanh", None, bare, office.district),
        ("HTX Rạch Miễu Xanh", CODES[0], office.commune, office.district),
        ("Hợp tác xã Rạch Miễu Xanh", None, office.commune, None),
        ("HTX Rạch Miễu Xanh", None, office.commune, office.district),
    )
    plan = office.plan(Entity, rows, office.day)
    assert counts(plan) == (1, 0, 0, 0, 3)
    assert "Tên viết nhiều cách: dòng 2, 3, 4, 5 lấy “Hợp tác xã Rạch Miễu Xanh”." in plan.notes

    assert counts(office.bring_in(Entity, rows, office.day)) == (1, 0, 0, 0, 3)
    assert office.one(Entity, name="Hợp tác xã Rạch Miễu Xanh").tax_code == CODES[0]
    assert counts(office.plan(Entity, rows, office.day)) == (0, 0, 1, 0, 3)


def test_a_name_of_one_producer_with_other_marks_is_no_other_way_to_write_it(desk: Office) -> None:
    header = ("Tên chủ thể", "Xã", "Huyện")
    names = (
        ("HTX Rạch Miễu", "HTX Rạch Miêu"),
        ("HTX Rạch Miễu", "Hợp tác xã Rạch Miêu"),
        ("HTX RẠCH MIỄU", "HTX Rạch Miễu"),
        ("HTX SX-TM Rạch Miễu", "HỢP TÁC XÃ SẢN XUẤT THƯƠNG MẠI RẠCH MIỄU"),
    )
    outcomes = [
        counts(desk.plan(Entity, listed(header, *((n, desk.commune, desk.district) for n in pair)), desk.day))
        for pair in names
    ]

    assert outcomes == [(0, 0, 0, 2, 0), (0, 0, 0, 2, 0), (1, 0, 0, 0, 1), (1, 0, 0, 0, 1)]


def test_products_of_one_producer_without_its_tax_code_ask_once_and_make_one(office: Office) -> None:
    bare = office.commune.split(" ", 1)[1]
    rows = listed(
        ("Tên sản phẩm", "Chủ thể", "MST", "Xã/phường"),
        ("Kẹo dừa", "Cơ sở Hai Lúa", None, office.commune),
        ("Kẹo gừng", "Cơ sở Hai Lúa", "9900 000 016", bare),
        ("Kẹo mè", "Cơ sở Hai Lúa", CODES[0], office.commune),
    )
    (asked,) = office.plan(Product, rows, office.day).unfound
    assert (asked.value, asked.lines) == (f"Cơ sở Hai Lúa, {CODES[0]}, {office.commune}", [2, 3, 4])

    batch = office.bring_in(Product, rows, office.day, links={"entity": {asked.key: "create"}})

    assert (batch.counts["new"], batch.also["entity"]["new"]) == (3, 1)
    assert office.one(Entity, name="Cơ sở Hai Lúa").tax_code == CODES[0]


def test_producers_of_one_name_stay_two_by_their_tax_codes(office: Office) -> None:
    header = ("Tên sản phẩm", "Chủ thể", "MST", "Xã/phường")
    rows = listed(
        header, *((f"Kẹo {n}", "Cơ sở Hai Lúa", code, office.commune) for n, code in enumerate(CODES, start=1))
    )
    asked = office.plan(Product, rows, office.day).unfound
    links = {"entity": {each.key: "create" for each in asked}}
    assert office.bring_in(Product, rows, office.day, links=links).also["entity"]["new"] == 2

    with office.database.reading() as session:
        made = session.execute(select(Product.name, Entity.tax_code).join(Entity).where(Entity.name == "Cơ sở Hai Lúa"))
        assert dict(made.all()) == {"Kẹo 1": CODES[0], "Kẹo 2": CODES[1]}
    listed_twice = listed(
        ("Tên chủ thể", "MST", "Mã xã"), *(("Cơ sở Ba Lúa", code, office.commune_code) for code in ("9900000030", ""))
    )
    assert counts(office.plan(Entity, listed_twice, office.day)) == (1, 0, 0, 0, 1)


def test_a_line_that_may_be_either_of_two_namesakes_is_asked_about(desk: Office) -> None:
    header = ("Tên sản phẩm", "Chủ thể", "MST", "Xã/phường")
    lines = [(f"Kẹo {n}", "Cơ sở Hai Lúa", code, desk.commune) for n, code in enumerate((*CODES, None), start=1)]
    asked = desk.plan(Product, listed(header, *lines), desk.day).unfound
    unclear = next(each for each in asked if each.lines == [4])
    assert not unclear.creatable
    assert unclear.why == (
        "Trong tệp “Cơ sở Hai Lúa” ở cùng nơi có 2 mã số thuế: 9900000016, 9900000023. "
        "Không tạo mới từ danh mục này được vì chưa rõ mã số thuế."
    )
    links = {"entity": {each.key: "create" for each in asked}}
    assert counts(desk.plan(Product, listed(header, *lines), desk.day, links=links)) == (2, 0, 0, 1, 0)
    links["entity"][unclear.key] = desk.one(Entity, name=desk.entity).id
    assert counts(desk.plan(Product, listed(header, *lines), desk.day, links=links)) == (3, 0, 0, 0, 0)

    producers = listed(("Chủ thể", "MST", "Xã/phường"), *(line[1:] for line in lines))
    plan = desk.plan(Entity, producers, desk.day)
    assert counts(plan) == (2, 0, 0, 1, 0)
    assert [(row.line, row.problems) for row in plan.refused] == [
        (
            4,
            [
                (
                    "MST",
                    "Trong tệp “Cơ sở Hai Lúa” ở cùng nơi có 2 mã số thuế: 9900000016, 9900000023. "
                    "Ghi mã số thuế vào ô này.",
                )
            ],
        )
    ]
    with desk.database.writing.begin() as session, session.doing("thêm"):
        place = desk.one(Commune, code=desk.commune_code, valid_from=desk.day).id
        session.add(Entity(name="Cơ sở Hai Lúa", kind=EntityKind.HOUSEHOLD, tax_code=CODES[0], commune_id=place))
    one_is_there = desk.plan(Product, listed(header, *lines), desk.day)
    assert [row.action for row in one_is_there.rows] == [RowAction.NEW, RowAction.REFUSED, RowAction.REFUSED]


def test_a_tax_code_says_nothing_of_a_namesake_elsewhere_or_nowhere(desk: Office) -> None:
    with desk.database.reading() as session:
        other = session.scalars(
            select(Commune.code).where(Commune.valid_from <= desk.day, Commune.name != desk.commune)
        ).first()
    rows = listed(
        ("Tên chủ thể", "MST", "Mã xã"),
        ("Cơ sở Hai Lúa", CODES[0], desk.commune_code),
        ("Cơ sở Hai Lúa", None, other),
        ("Cơ sở Hai Lúa", None, None),
    )
    plan = desk.plan(Entity, rows, desk.day)
    assert [row.parsed["tax_code"] for row in plan.rows] == [CODES[0], None, None]


# ---- one key finds a producer, what else the line says speaks against it -----------------------------------------


def elsewhere(desk: Office) -> tuple[str, str]:
    """Code and name of another commune in force that day, the only one of its name."""
    with desk.database.reading() as session:
        in_force = session.execute(select(Commune.name, Commune.code).where(Commune.on(desk.day))).all()
    names = [name for name, _ in in_force]
    return next((code, name) for name, code in in_force if name != desk.commune and names.count(name) == 1)


def test_a_tax_code_of_a_producer_of_another_name_changes_it_only_when_a_clerk_says_so(office: Office) -> None:
    rows = listed(("MST", "Chủ thể", "Điện thoại"), (office.tax_code, "HTX Sông Tiền", "0275 3870 001"))
    plan = office.plan(Entity, rows, office.day)
    assert counts(plan) == (0, 0, 0, 1, 0)
    (asked,) = plan.unfound
    entity_id = office.one(Entity, tax_code=office.tax_code).id
    assert (asked.relation, asked.value, asked.lines) == ("tax_code", f"{office.tax_code}, HTX Sông Tiền", [2])
    doubt = (
        f"Mã số thuế {office.tax_code} đang là của “{office.entity}, {office.commune}”; "
        "dòng này ghi “HTX Sông Tiền”. Kiểm tra mã số thuế."
    )
    assert asked.why == doubt
    assert asked.suggestions == [(entity_id, f"Cùng một chủ thể: {office.tax_code}, {office.entity}, {office.commune}")]
    assert (asked.creatable, asked.skippable, asked.findable) == (False, True, False)
    assert sentences(plan) == [f"{doubt} Cùng một chủ thể thì chọn bản ghi đã có, khác thì bỏ qua dòng này."]

    def answered(answer: int | str) -> importing.Plan:
        return office.plan(Entity, rows, office.day, links={"tax_code": {asked.key: answer}})

    assert [counts(answered(each)) for each in ("skip", "create", entity_id + 1)] == [
        (0, 0, 0, 0, 1), (0, 0, 0, 1, 0), (0, 0, 0, 1, 0),
    ]  # fmt: skip
    assert answered(entity_id).rows[0].changes["name"] == (office.entity, "HTX Sông Tiền")
    office.bring_in(Entity, rows, office.day, links={"tax_code": {asked.key: entity_id}})
    assert office.one(Entity, tax_code=office.tax_code).name == "HTX Sông Tiền"


def test_a_tax_code_of_a_producer_in_another_commune_is_asked_about(desk: Office) -> None:
    code, name = elsewhere(desk)
    rows = listed(("MST", "Chủ thể", "Mã xã"), (desk.tax_code, desk.entity, code))

    (asked,) = desk.plan(Entity, rows, desk.day).unfound

    assert asked.why == (
        f"Mã số thuế {desk.tax_code} đang là của “{desk.entity}, {desk.commune}”; "
        f"dòng này ghi “{desk.entity}, {name}”. Kiểm tra mã số thuế."
    )
    same = {"tax_code": {asked.key: desk.one(Entity, tax_code=desk.tax_code).id}}
    moved = desk.plan(Entity, rows, desk.day, links=same)
    ((before, after),) = [row.changes["commune"] for row in moved.rows]
    assert before.startswith(f"{desk.commune} — ")
    assert after.startswith(f"{name} — ")


def test_a_name_written_nearly_so_or_a_commune_that_has_ended_is_no_other_producer(desk: Office) -> None:
    desk.bring_in(Entity, listed(("MST", "Chủ thể", "Mã xã"), (CODES[0], "HTX Sông Tiền", desk.commune_code)), desk.day)
    named = [
        listed(("MST", "Chủ thể"), (CODES[0], name))
        for name in ("Hợp tác xã nông nghiệp SÔNG TIỀN", "Công ty TNHH Sông Tiền", "HTX Sông Tiền Xanh", None)
    ]
    assert [plan.unfound for plan in (desk.plan(Entity, rows, desk.day) for rows in named)] == [[]] * 4

    after = date(2026, 3, 1)
    with desk.database.reading() as session:
        new = session.scalars(select(Commune).where(Commune.on(after))).all()
        code = next(unit.code for unit in new if unit.valid_from > desk.day)
    moved = desk.plan(Entity, listed(("MST", "Chủ thể", "Mã xã"), (CODES[0], "HTX Sông Tiền", code)), after)
    assert (counts(moved), moved.unfound) == ((0, 1, 0, 0, 0), [])


def test_another_tax_code_for_a_name_that_is_there_is_asked_about(desk: Office) -> None:
    header = ("MST", "Chủ thể", "Mã xã")
    rows = listed(header, (CODES[0], desk.entity, desk.commune_code), (None, desk.entity, desk.commune_code))
    plan = desk.plan(Entity, rows, desk.day)
    (asked,) = plan.unfound
    assert asked.lines == [2, 3]
    assert asked.why == (
        f"“{desk.entity}, {desk.commune}” đang có mã số thuế {desk.tax_code}; dòng này ghi {CODES[0]}. "
        "Kiểm tra mã số thuế."
    )
    assert sentences(plan)[0].endswith("thì chọn bản ghi đã có, khác thì tạo mới hoặc bỏ qua dòng này.")

    entity_id = desk.one(Entity, tax_code=desk.tax_code).id
    same = desk.plan(Entity, rows, desk.day, links={"tax_code": {asked.key: entity_id}})
    assert [row.changes for row in same.rows] == [{"tax_code": (desk.tax_code, CODES[0])}, {}]
    new = {"tax_code": {asked.key: "create"}}
    assert counts(desk.bring_in(Entity, rows, desk.day, links=new)) == (1, 0, 0, 0, 1)
    both = listed(header, (None, desk.entity, desk.commune_code))
    assert sentences(desk.plan(Entity, both, desk.day)) == ["Có 2 chủ thể cùng tên này. Ghi mã số thuế."]


def test_a_product_of_a_tax_code_that_another_producer_bears_is_asked_about_and_makes_none(desk: Office) -> None:
    rows = listed(
        ("Tên sản phẩm", "Chủ thể", "MST", "Xã/phường"),
        ("Kẹo dừa", "HTX Sông Tiền", desk.tax_code, desk.commune),
        ("Kẹo mè", desk.entity, desk.tax_code, elsewhere(desk)[1]),
    )
    read: dict[str, Any] = {"mapping": {"Xã/phường": "entity.commune.name"}}
    asked = desk.plan(Product, rows, desk.day, **read).unfound

    owner = f"Mã số thuế {desk.tax_code} là của “{desk.entity}”"
    assert [each.why for each in asked] == [
        f"{owner}, không phải “HTX Sông Tiền”.",
        f"{owner}, ở nơi khác với dòng này.",
    ]
    entity_id = desk.one(Entity, tax_code=desk.tax_code).id
    assert [(each.creatable, [row_id for row_id, _ in each.suggestions]) for each in asked] == [
        (False, [entity_id])
    ] * 2
    made = {"entity": {each.key: "create" for each in asked}}
    assert counts(desk.plan(Product, rows, desk.day, links=made, **read)) == (0, 0, 0, 2, 0)
    chosen = {"entity": {each.key: entity_id for each in asked}}
    assert counts(desk.plan(Product, rows, desk.day, links=chosen, **read)) == (2, 0, 0, 0, 0)


# ---- products ---------------------------------------------------------------------------------------------------


def test_a_product_is_known_by_its_name_and_producer(office: Office) -> None:
    rows = listed(
        ("Tên sản phẩm", "Chủ thể", "Quy cách đóng gói"),
        (office.product.upper(), office.entity.lower(), "hộp 500 g"),
        ("Mứt gừng Cái Mơn", office.entity, "hũ 250 g"),
    )
    plan = office.plan(Product, rows)
    assert counts(plan) == (1, 1, 0, 0, 0)

    office.bring_in(Product, rows)
    made = office.one(Product, name="Mứt gừng Cái Mơn")
    assert (made.entity_id, made.commune_id) == (
        (entity := office.one(Entity, tax_code=office.tax_code)).id,
        entity.commune_id,
    )


def test_a_producer_can_be_made_with_its_products(office: Office) -> None:
    header = ("Tên sản phẩm", "Chủ thể", "Nơi sản xuất", "Huyện")
    rows = listed(
        header,
        ("Kẹo dừa sáp Ba Vát", "Cơ sở Hai Lúa", office.commune, office.district),
        ("Kẹo dừa lá dứa Ba Vát", "Cơ sở Hai Lúa", office.commune, office.district),
    )
    asked = office.plan(Product, rows, office.day).unfound
    assert [(each.value, each.creatable, each.lines) for each in asked] == [
        (f"Cơ sở Hai Lúa, {office.commune}", True, [2, 3])
    ]

    batch = office.bring_in(Product, rows, office.day, links={"entity": {asked[0].key: "create"}})
    assert (batch.counts["new"], batch.also) == (2, {"entity": {"new": 1, "changed": 0, "same": 0}})
    made = office.one(Entity, name="Cơ sở Hai Lúa")
    assert {office.one(Product, name=row[0]).entity_id for row in rows.rows} == {made.id}


def test_nearly_the_same_name_is_shown_beside_the_one_that_is_there(desk: Office) -> None:
    rows = listed(("Tên sản phẩm", "Chủ thể"), (f"{desk.product} mới", desk.entity))
    plan = desk.plan(Product, rows)

    assert counts(plan) == (1, 0, 0, 0, 0)
    (likely,) = plan.likely
    assert (likely.line, likely.name) == (2, f"{desk.product} mới, {desk.entity}")
    there = desk.one(Product, name=desk.product).id
    assert (there, f"{desk.product}, {desk.entity}") in likely.there


@pytest.mark.parametrize(
    "name",
    ["Cty TNHH MTV Rạch Miễu Xanh", "Cơ sở sản xuất Rạch Miễu Xanh", "Rach Mieu Xanh"],
)
def test_a_producer_that_may_be_there_is_shown_with_what_tells_it_apart(desk: Office, name: str) -> None:
    header = ("Tên chủ thể", "MST", "Xã", "Huyện", "Loại hình")
    there = [
        ("Hợp tác xã Rạch Miễu Xanh", "9900000016", desk.commune, desk.district, "HTX"),
        ("Công ty Trách nhiệm hữu hạn Rạch Miễu Xanh", None, desk.commune, desk.district, "DNTN"),
        ("Hộ kinh doanh Rạch Miễu", None, desk.commune, desk.district, "HKD"),
    ]
    desk.bring_in(Entity, listed(header, *there), desk.day)

    plan = desk.plan(Entity, listed(header, (name, None, desk.commune, desk.district, "Hộ kinh doanh")), desk.day)

    assert counts(plan) == (1, 0, 0, 0, 0)
    (likely,) = plan.likely
    assert (likely.line, likely.name) == (2, f"{name}, {desk.commune}")
    assert {text for _, text in likely.there} == {
        f"9900000016, Hợp tác xã Rạch Miễu Xanh, {desk.commune}",
        f"Công ty Trách nhiệm hữu hạn Rạch Miễu Xanh, {desk.commune}",
    }


def test_a_producer_of_the_same_name_elsewhere_is_shown_too(desk: Office) -> None:
    header = ("Tên chủ thể", "Mã xã")
    with desk.database.reading() as session:
        elsewhere = session.scalars(
            select(Commune).where(Commune.valid_from == desk.day, Commune.name != desk.commune)
        ).first()
        assert elsewhere is not None
        code, commune = elsewhere.code, elsewhere.name
    desk.bring_in(Entity, listed(header, ("HTX Rạch Miễu Xanh", code)), desk.day)

    plan = desk.plan(Entity, listed(header, ("HTX Rạch Miễu Xanh", desk.commune_code)), desk.day)

    assert [[text for _, text in each.there] for each in plan.likely] == [[f"HTX Rạch Miễu Xanh, {commune}"]]


def test_a_link_finds_a_producer_whose_kind_is_written_the_long_way(desk: Office) -> None:
    header = ("Tên chủ thể", "Mã xã")
    desk.bring_in(Entity, listed(header, ("HTX NN Rạch Miễu Xanh", desk.commune_code)), desk.day)

    rows = listed(("Tên sản phẩm", "Chủ thể"), ("Kẹo chuối", "Hợp tác xã nông nghiệp Rạch Miễu Xanh"))
    plan = desk.plan(Product, rows, desk.day)

    assert counts(plan) == (1, 0, 0, 0, 0)
    other = listed(("Tên sản phẩm", "Chủ thể"), ("Kẹo chuối", "Công ty TNHH Rạch Miễu Xanh"))
    asked = desk.plan(Product, other, desk.day).unfound
    assert next(text for _, text in asked[0].suggestions) == f"HTX NN Rạch Miễu Xanh, {desk.commune}"


def test_all_or_nothing_unless_the_good_rows_are_wanted(desk: Office) -> None:
    rows = listed(
        ("Tên sản phẩm", "Chủ thể"), ("Bánh phồng Phú Lễ", desk.entity), ("Bánh phồng Sơn Đốc", "Chủ thể không có")
    )
    with pytest.raises(importing.RowsRefused):
        desk.bring_in(Product, rows)
    batch = desk.bring_in(Product, rows, partial=True)
    assert batch.counts["new"] == 1
    assert desk.one(Product, name="Bánh phồng Phú Lễ")


def test_a_clerk_finds_and_writes_nothing_outside_the_area(desk: Office) -> None:
    with desk.database.reading() as session:
        clerk = accounts.actor_named(session, "xa")
    rows = listed(("MST", "Điện thoại"), (desk.tax_code, "0275 111"))
    with acting_as(clerk):
        own = {entity.tax_code for entity in _seen(desk)}
        plan = desk.plan(Entity, rows)
    assert (desk.tax_code in own) == bool(plan.counts["changed"])
    if desk.tax_code not in own:
        assert plan.counts["refused"] == 1


def _seen(desk: Office) -> list[Entity]:
    with desk.database.reading() as session:
        return list(session.scalars(select(Entity)))


# ---- results and entries ----------------------------------------------------------------------------------------


def test_results_of_the_past_are_settled_as_if_typed(office: Office) -> None:
    header = ("Sản phẩm", "Chủ thể", "Điểm trung bình", "Hạng sao", "Ngày quyết định", "Số quyết định")
    rows = listed(
        header,
        (office.product, office.entity, "76,5", 4, "15/06/2023", "1234/QĐ-UBND"),
        (office.product, office.entity, 45.25, 3, date(2022, 1, 5), "12/QĐ-UBND"),
    )
    plan = office.plan(Rating, rows)
    assert counts(plan) == (1, 0, 0, 1, 0)
    assert "cao hơn điểm" in sentences(plan)[0]

    office.bring_in(Rating, rows, partial=True)
    made = office.one(Rating, decision_number="1234/QĐ-UBND")
    assert (made.mean_points, made.stars, made.expires_on) == (Decimal("76.5"), 4, date(2026, 6, 15))
    assert counts(office.plan(Rating, listed(header, next(iter(rows.rows))))) == (0, 0, 1, 0, 0)


def test_results_of_the_past_may_have_stars_alone(office: Office) -> None:
    header = ("Sản phẩm", "Chủ thể", "Số sao", "Ngày công nhận")
    rows = listed(header, (office.product, office.entity, 4, date(2023, 6, 15)))
    assert counts(office.bring_in(Rating, rows)) == (1, 0, 0, 0, 0)

    made = office.one(Rating, decided_on=date(2023, 6, 15))
    assert (made.mean_points, made.stars_by_points, made.stars, made.difference_reason) == (None, None, 4, "")
    assert (made.regime, made.expires_on, made.potential_five) == (Regime.QD148, date(2026, 6, 15), False)

    later = listed((*header, "Điểm"), (office.product, office.entity, 4, date(2023, 6, 15), "76,5"))
    assert counts(office.bring_in(Rating, later)) == (0, 1, 0, 0, 0)
    made = office.one(Rating, decided_on=date(2023, 6, 15))
    assert (made.mean_points, made.stars_by_points) == (Decimal("76.5"), 4)


@pytest.mark.parametrize(("points", "stars", "said"), [(None, 4, "Có"), ("76,5", 4, "Có"), ("92", 4, "Không")])
def test_what_follows_from_points_and_stars_is_never_written_otherwise(
    office: Office, points: str | None, stars: int, said: str
) -> None:
    header = ("Sản phẩm", "Chủ thể", "Điểm", "Hạng sao", "Ngày quyết định", "Tiềm năng 5 sao")
    row = office.product, office.entity, points, stars, date(2023, 6, 15)
    office.bring_in(Rating, listed(header[:-1], row))

    alone = office.plan(Rating, listed(header, (*row, said)))
    new = office.plan(Rating, listed(header, (*row[:4], date(2022, 6, 15), said)))

    found = "Không" if said == "Có" else "Có"
    for plan in (alone, new):
        assert [problem for row in plan.refused for problem in row.problems] == [
            ("Tiềm năng 5 sao", f"Ô này tính ra là “{found}”, tệp ghi “{said}”. Để trống ô này.")
        ]
    assert counts(office.plan(Rating, listed(header, (*row, found)))) == (0, 0, 1, 0, 0)


def test_the_day_of_decision_that_a_list_lacks_is_asked_once(office: Office) -> None:
    rows = listed(("Sản phẩm", "Chủ thể", "Số sao"), (office.product, office.entity, 4), ("", office.entity, 3))
    plan = office.plan(Rating, rows)
    assert sentences(plan)[0] == ("Tệp không có cột “Ngày quyết định”. Ghi một ngày cho mọi dòng, hoặc thêm cột.")
    asked = next(each for each in plan.unfound if each.typed)
    assert (asked.relation, asked.key, asked.lines) == ("decided_on", "", [2, 3])

    wrong = office.plan(Rating, rows, links={"decided_on": {"": "15/06"}})
    assert sentences(wrong)[0] == (
        "“15/06” chưa đọc được là ngày. Ghi ngày/tháng/năm, ví dụ 05/03/2026. Ghi một ngày cho mọi dòng, hoặc thêm cột."
    )
    rows = listed(("Sản phẩm", "Chủ thể", "Số sao"), (office.product, office.entity, 4))
    said = {"decided_on": {"": "15/06/2023"}}
    assert counts(office.bring_in(Rating, rows, links=said)) == (1, 0, 0, 0, 0)
    assert office.one(Rating, decided_on=date(2023, 6, 15)).stars == 4
    assert counts(office.plan(Rating, rows, links=said)) == (0, 0, 1, 0, 0)


def test_products_enter_a_cycle_by_a_list(office: Office) -> None:
    with office.database.writing.begin() as session:
        cycle = session.scalars(select(Cycle).where(Cycle.closed_on.is_(None)).order_by(Cycle.year.desc())).first()
        assert cycle is not None
        entity = session.scalars(select(Entity).where(Entity.province_id == cycle.province_id)).first()
        assert entity is not None
        product = Product(name="Chè hạt sen Giồng Luông", entity=entity, commune_id=entity.commune_id)
        session.add(product)
        session.flush()
        row, product_id, cycle_id = (product.name, entity.name, cycle.year), product.id, cycle.id
    rows = listed(("Sản phẩm", "Chủ thể", "Năm"), row)

    assert counts(office.plan(Participation, rows)) == (1, 0, 0, 0, 0)
    office.bring_in(Participation, rows)
    made = office.one(Participation, product_id=product_id, cycle_id=cycle_id)
    assert (made.step_id, made.returns) == (office.one(CycleStep, number=1, valid_to=None).id, 0)
    assert counts(office.plan(Participation, rows)) == (0, 0, 1, 0, 0)


@pytest.mark.parametrize("cell", [2026, "2026", "Năm 2026", "Chu trình năm 2026", "Chu trình OCOP 2026"])
@pytest.mark.parametrize("title", ["Chu trình", "Năm"])
def test_a_year_names_its_only_cycle_and_asks_where_there_are_two(desk: Office, title: str, cell: Cell) -> None:
    rows = listed(("Sản phẩm", "Chủ thể", title), (desk.product, desk.entity, cell))
    of_year = desk.one(Cycle, year=2026)

    plan = desk.plan(Participation, rows)
    assert (plan.unfound, plan.counts["refused"]) == ([], 0)
    assert plan.counts["new"] + plan.counts["same"] == 1

    with desk.database.writing.begin() as session, session.doing("sửa"):
        other = session.scalars(select(Province).where(Province.id != of_year.province_id)).first()
        session.add(Cycle(name="Chu trình khác", year=2026, province=other, opened_on=date(2026, 1, 1)))
    (asked,) = desk.plan(Participation, rows).unfound
    assert (asked.relation, len(asked.suggestions)) == ("cycle", 2)


def test_a_cycle_that_is_not_known_is_chosen_among_the_few_there_are(desk: Office) -> None:
    rows = listed(("Sản phẩm", "Chủ thể", "Chu trình"), (desk.product, desk.entity, "2025-2026"))

    (asked,) = desk.plan(Participation, rows).unfound
    assert (asked.why, len(asked.suggestions)) == ("Chưa có chu trình “2025-2026”.", 2)


def test_a_cell_of_a_link_that_cannot_be_read_is_not_said_to_be_missing_too(desk: Office) -> None:
    rows = listed(("Tên chủ thể", "Xã"), ("HTX Cồn Bửng Đỏ", CellError("#N/A", "error")))

    assert sentences(desk.plan(Entity, rows)) == ["Ô này đang là #N/A. Gõ lại giá trị vào ô."]


def test_a_commune_outside_the_area_is_said_to_be_so(desk: Office) -> None:
    rows = listed(("Tên chủ thể", "Xã"), ("Hộ kinh doanh Năm", "Xã Ba Tri"), ("Hộ kinh doanh Sáu", "Xã Không Có"))
    with desk.database.reading() as session:
        clerk = accounts.actor_named(session, "xa")

    with acting_as(clerk):
        said = [each.why for each in desk.plan(Entity, rows, date(2025, 7, 1)).unfound]

    assert said == [
        "“Xã Ba Tri” nằm ngoài địa bàn của bạn.",
        "Chưa có xã, phường “Xã Không Có” tại ngày 01/07/2025.",
    ]


def test_a_former_name_suggests_the_one_unit_that_took_over_and_says_which_ended(desk: Office) -> None:
    header = ("Tên chủ thể", "Xã")
    rows = listed(header, ("Hộ kinh doanh Năm", "Xã Lương Quới"), ("Hộ kinh doanh Sáu", "Xã Không Có"))

    former, unknown = desk.plan(Entity, rows, date(2025, 8, 1)).unfound

    heir = desk.one(Commune, name="Xã Châu Hòa", valid_to=None)
    assert (former.suggested, unknown.suggested) == (heir.id, None)
    ended = [text for _, text in former.suggestions if "Xã Lương Quới" in text]
    assert ended
    assert all(", đến 30/06/2025" in text for text in ended)
    assert "đến" not in dict(former.suggestions)[heir.id]
    assert desk.plan(Entity, rows, date(2025, 8, 1)).counts["refused"] == 2  # a suggestion is no answer


# ---- a tick below the class it stands for -------------------------------------------------------------------------

STARS = ("Hạng sao / 3 sao", "Hạng sao / 4 sao", "Hạng sao / 5 sao")
DECIDED = {"decided_on": {"": "15/06/2023"}}


def drawn(*rows: Sequence[Cell], below: Sequence[str] = ("3 sao", "4 sao", "5 sao")) -> Table:
    """A workbook whose header has “Hạng sao” drawn over three columns."""
    book = openpyxl.Workbook()
    for row in (["TT", "Tên sản phẩm", "Chủ thể", "Hạng sao"], [None, None, None, *below], *rows):
        book.worksheets[0].append(list(row))
    for place in ("A1:A2", "B1:B2", "C1:C2", "D1:F1"):
        book.worksheets[0].merge_cells(place)
    return read(samples.saved(book), name="ket-qua.xlsx", known=importing.known_titles(Rating))


@pytest.mark.parametrize("tick", ["x", "X", "✓", 1, "Có", True])
@pytest.mark.parametrize("below", [("3 sao", "4 sao", "5 sao"), ("Ba sao", "Bốn sao", "★★★★★ (cấp quốc gia)")])
def test_a_tick_below_a_class_of_stars_is_that_class(desk: Office, tick: Cell, below: Sequence[str]) -> None:
    table = drawn((1, desk.product, desk.entity, None, tick), ["Cộng", None, None, 0, 1, 0], below=below)

    plan = desk.plan(Rating, table, links=DECIDED)

    assert [(row.action, row.parsed["stars"]) for row in plan.rows] == [(RowAction.NEW, 4)]
    assert [(path, reason) for title, path, reason in plan.mapped if title.startswith("Hạng sao")] == [
        ("stars", f"dấu ở cột này là “{value.partition(' (')[0]}” của “Hạng sao”") for value in below
    ]
    assert not [note for note in plan.notes if note.startswith("Không dùng cột")]


def test_two_ticks_or_none_or_something_else_is_refused_in_words(desk: Office) -> None:
    lines = [("x", None, None), ("x", None, "x"), (None, "-", None), (None, "x", "đạt"), ("x", "☐", None)]
    rows = [(n, f"Kẹo {n}", desk.entity, *cells) for n, cells in enumerate(lines, start=1)]
    desk.bring_in(Product, listed(("Tên sản phẩm", "Chủ thể"), *(row[1:3] for row in rows)))

    plan = desk.plan(Rating, drawn(*rows), links=DECIDED)

    assert [row.parsed["stars"] for row in plan.rows] == [3, None, None, None, 3]
    assert [(row.line, row.problems[0]) for row in plan.refused] == [
        (4, (STARS[0], "Dòng này có dấu ở “3 sao” và “5 sao”. Giữ một dấu.")),
        (5, (STARS[0], "Dòng này chưa có dấu ở cột nào của “Hạng sao”. Ghi x vào một cột.")),
        (6, (STARS[0], "Cột “5 sao” ghi “đạt”. Ghi x vào một cột của “Hạng sao”.")),
    ]
    assert [len(row.problems) for row in plan.refused] == [1, 1, 1]


def test_ticks_below_stars_without_a_title_above_are_stars_and_years_are_not(desk: Office) -> None:
    header = ("Sản phẩm", "Chủ thể", "3 sao", "4 sao", "2021", "2022")

    plan = desk.plan(Rating, listed(header, (desk.product, desk.entity, None, "x", "x", None)), links=DECIDED)
    empty = desk.plan(Rating, listed(header, (desk.product, desk.entity, "x", "x", None, None)), links=DECIDED)

    assert [row.parsed["stars"] for row in plan.rows] == [4]
    assert plan.notes[:2] == [
        "Không dùng cột “2021” (1 ô), “2022” (trống).",
        "“2021”, “2022” là mỗi năm một cột. Ghi mỗi năm một dòng, có cột “Hạng sao” và “Năm công nhận”.",
    ]
    assert sentences(empty) == ["Dòng này có dấu ở “3 sao” và “4 sao”. Giữ một dấu."]


def test_ticks_stand_for_values_of_any_closed_list_but_not_where_a_column_says_it(desk: Office) -> None:
    header = ("Tên chủ thể", "Mã xã", "Loại hình / HTX", "Loại hình / Hộ kinh doanh")
    rows = listed(header, ("Rạch Miễu Xanh", desk.commune_code, "x", None))
    assert [row.parsed["kind"] for row in desk.plan(Entity, rows, desk.day).rows] == ["htx"]

    counted = listed(header, ("Rạch Miễu Xanh", desk.commune_code, 12, 7))
    assert "kind" not in desk.plan(Entity, counted, desk.day).rows[0].parsed
    also = listed((*header, "Loại hình"), ("Rạch Miễu Xanh", desk.commune_code, "x", None, "Trang trại"))
    assert [row.parsed["kind"] for row in desk.plan(Entity, also, desk.day).rows] == ["tt"]
    one = {"mapping": {header[2]: ""}}
    assert "kind" not in desk.plan(Entity, rows, desk.day, **one).rows[0].parsed, "one column is no group"


# ---- answers given on the page -----------------------------------------------------------------------------------


def test_a_producer_is_made_where_its_own_column_says(office: Office) -> None:
    bare = office.commune.split(" ", 1)[1]
    rows = listed(("Tên sản phẩm", "Chủ thể", "Xã/phường"), ("Kẹo dừa sáp Ba Vát", "Cơ sở Hai Lúa", bare))
    asked = office.plan(Product, rows, office.day).unfound
    assert [(each.value, each.creatable) for each in asked] == [(f"Cơ sở Hai Lúa, {office.commune}", True)]

    office.bring_in(Product, rows, office.day, links={"entity": {asked[0].key: "create"}})

    made = office.one(Entity, name="Cơ sở Hai Lúa")
    assert office.one(Commune, id=made.commune_id).code == office.commune_code
    assert office.one(Product, name="Kẹo dừa sáp Ba Vát").commune_id == made.commune_id


@pytest.mark.parametrize("title", ["Xã/phường", "Nơi sản xuất"])
def test_all_that_a_row_asks_is_asked_at_once_and_answered_at_once(desk: Office, title: str) -> None:
    typo, group = f"{desk.commune} Đông", "Nông Sản"
    header = ("Tên sản phẩm", "Chủ thể", title, "Nhóm sản phẩm", "Tình trạng")
    rows = listed(header, *((name, "Cơ sở Hai Lúa", typo, group, "đóng cửa") for name in ("Kẹo Một", "Kẹo Hai")))

    plan = desk.plan(Product, rows, desk.day)

    assert sorted((each.relation, each.value) for each in plan.unfound) == [
        ("commune", typo),
        ("entity", f"Cơ sở Hai Lúa, {typo}"),
        ("group", group),
        ("status", "đóng cửa"),
    ]
    assert all(each.lines == [2, 3] for each in plan.unfound)
    chosen = desk.one(Commune, code=desk.commune_code, valid_from=desk.day).id
    said = {"commune": chosen, "entity": "create", "group": "empty", "status": "stopped"}
    answers = {each.relation: {each.key: said[each.relation]} for each in plan.unfound}
    settled = desk.plan(Product, rows, desk.day, links=answers)
    assert (counts(settled), settled.unfound) == ((2, 0, 0, 0, 0), [])
    assert settled.also["entity"]["new"] == 1


def test_a_place_that_leaves_rows_out_asks_nothing_else_of_them(desk: Office) -> None:
    rows = listed(("Tên sản phẩm", "Chủ thể", "Xã/phường"), ("Kẹo Một", "Cơ sở Hai Lúa", "Xã Không Có"))
    (place,) = [each for each in desk.plan(Product, rows, desk.day).unfound if each.relation == "commune"]

    left_out = desk.plan(Product, rows, desk.day, links={"commune": {place.key: "skip"}})

    assert (counts(left_out), left_out.unfound) == ((0, 0, 0, 0, 1), [])


def test_what_cannot_be_made_is_not_offered_and_says_why(desk: Office) -> None:
    rows = listed(
        ("Tên sản phẩm", "Chủ thể", "Mã xã"),
        ("Kẹo Một", "Nhà vườn Năm Hên", desk.commune_code),
        ("Kẹo Hai", "Cơ sở Hai Lúa", None),
    )
    garden, nowhere = desk.plan(Product, rows, desk.day).unfound

    assert (garden.creatable, nowhere.creatable) == (False, False)
    assert garden.why.endswith("Không tạo mới từ danh mục này được vì chưa rõ loại hình.")
    assert nowhere.why.endswith("Không tạo mới từ danh mục này được vì chưa rõ xã, phường.")


def test_all_faults_of_a_row_are_said_at_once(desk: Office) -> None:
    header = ("Tên chủ thể", "MST", "Xã", "Loại hình", "Điện thoại")
    rows = listed(header, (None, "0123456789", "Xã Không Có", "Tập đoàn", "0275" * 20))

    (row,) = desk.plan(Entity, rows, desk.day).rows

    assert sorted(problem.column for problem in row.problems) == [
        "Loại hình", "MST", "Tên chủ thể", "Xã", "Điện thoại",
    ]  # fmt: skip


def test_all_faults_of_a_result_are_said_at_once(desk: Office) -> None:
    header = ("Sản phẩm", "Chủ thể", "Điểm trung bình", "Hạng sao", "Ngày quyết định")
    rows = listed(
        header,
        ("Kẹo không có", desk.entity, 45, 4, date(2018, 1, 5)),
        (desk.product, desk.entity, 120, 7, date(2018, 1, 5)),
    )
    plan = desk.plan(Rating, rows)

    assert [[problem.column for problem in row.problems] for row in plan.rows] == [
        ["Sản phẩm", "Hạng sao", "Ngày quyết định"],
        ["Điểm trung bình", "Hạng sao", "Ngày quyết định"],
    ]


def test_a_stored_plan_is_judged_anew_with_other_answers(office: Office) -> None:
    rows = listed(("Tên sản phẩm", "Chủ thể"), ("Rượu dừa Mỹ Thạnh An", "Chủ thể chưa có"))
    with office.database.writing.begin() as session:
        plan = importing.plan(session, Product, rows, as_of=TODAY)
        batch = importing.store(session, plan, file_name="a.xlsx", content_hash="b" * 64, size=1)
        pk, entity_id = batch.id, office.one(Entity, tax_code=office.tax_code).id
    with office.database.writing.begin() as session:
        chosen = {"entity": {plan.unfound[0].key: entity_id}}
        batch = importing.replan(session, session.get_one(ImportBatch, pk), importing.Options(links=chosen))
        assert (batch.counts["new"], batch.counts["refused"]) == (1, 0)
    with office.database.writing.begin() as session:
        importing.apply(session, session.get_one(ImportBatch, pk))
    assert office.one(Product, name="Rượu dừa Mỹ Thạnh An").entity_id == entity_id


def test_a_tax_code_is_stored_in_one_spelling_whatever_the_file_has(office: Office) -> None:
    header = ("Tên chủ thể", "MST", "Xã", "Huyện")
    rows = listed(header, ("Cơ sở Tư Hiền", "9900 000 016", office.commune, office.district))
    office.bring_in(Entity, rows, office.day)

    assert office.one(Entity, name="Cơ sở Tư Hiền").tax_code == "9900000016"
    again = listed(header, ("Cơ sở Tư Hiền", "9900000016", office.commune, office.district))
    assert counts(office.plan(Entity, again, office.day)) == (0, 0, 1, 0, 0)
    twice = listed(
        header,
        *(
            (f"Cơ sở {n}", code, office.commune, office.district)
            for n, code in enumerate(("9900 000 023", "9900000023"))
        ),
    )
    assert office.plan(Entity, twice, office.day).counts["refused"] >= 1


# ---- judged in parts ---------------------------------------------------------------------------------------------


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PART", 2)


@pytest.mark.usefixtures("_small_parts")
def test_a_list_of_several_parts_is_one_batch_with_one_new_producer(office: Office) -> None:
    names = [f"Kẹo dừa vị {taste}" for taste in ("gừng", "sầu riêng", "lá dứa", "đậu phộng", "mè")]
    rows = listed(
        ("Tên sản phẩm", "Chủ thể", "Xã", "Huyện"),
        *((name, "Hộ kinh doanh Năm Thơm", office.commune, office.district) for name in names),
    )
    asked = office.plan(Product, rows, office.day)
    assert (counts(asked), [len(each.lines) for each in asked.unfound]) == ((0, 0, 0, 5, 0), [5])

    chosen = {"entity": {asked.unfound[0].key: "create"}}
    planned = office.plan(Product, rows, office.day, links=chosen)
    assert (counts(planned), planned.also["entity"]["new"]) == ((5, 0, 0, 0, 0), 1)
    assert [row.line for row in planned.rows] == [2, 3, 4, 5, 6]
    batch = office.bring_in(Product, rows, office.day, links=chosen)

    made = office.one(Entity, name="Hộ kinh doanh Năm Thơm")
    with office.database.reading() as session:
        assert set(session.scalars(select(Product.name).where(Product.entity_id == made.id))) == set(names)
        kept = session.scalars(select(ImportRow.row_id).where(ImportRow.batch_id == batch.id)).all()
        assert len(set(kept)) == 5
        assert None not in kept
    if office.database.is_sqlite:
        with office.database.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT count(*) FROM products_fts('\"keo dua vi\"')").scalar()
            assert found == 5
    assert counts(office.plan(Product, rows, office.day, links=chosen)) == (0, 0, 5, 0, 0)


@pytest.mark.parametrize(
    ("names", "actions", "taken"),
    [
        (("MỨT DỪA NON", "Mứt me", "Mứt dừa non"), (RowAction.REFUSED, RowAction.NEW, RowAction.REFUSED), ""),
        (("Mứt dừa non", "Mứt me", "MỨT DỪA NON"), (RowAction.NEW, RowAction.NEW, RowAction.SKIPPED), "Mứt dừa non"),
        (
            ("MỨT DỪA NON", "Mứt dừa non", "Mứt dừa non"),
            (RowAction.NEW, RowAction.SKIPPED, RowAction.SKIPPED),
            "Mứt dừa non",
        ),
    ],
    ids=["a better name too late", "a worse one", "the better one before"],
)
@pytest.mark.usefixtures("_small_parts")
def test_a_name_written_in_another_way_far_below_is_judged_alike_when_it_is_written(
    office: Office, names: Sequence[str], actions: Sequence[RowAction], taken: str
) -> None:
    rows = listed(("Tên sản phẩm", "Chủ thể"), *((name, office.entity) for name in names))

    assert tuple(row.action for row in office.plan(Product, rows).rows) == actions
    office.bring_in(Product, rows, partial=True)

    with office.database.reading() as session:
        made = session.scalars(select(Product.name).where(Product.name.in_(names))).all()
    assert set(made) - {"Mứt me"} == ({taken} if taken else set())


@pytest.mark.usefixtures("_small_parts")
def test_lines_far_apart_that_do_not_agree_are_refused_alike(office: Office) -> None:
    names = ("Mứt dừa non", "Mứt gừng", "Mứt dừa nón", "Mứt me", "Mứt dừa non")
    rows = listed(("Tên sản phẩm", "Chủ thể"), *((name, office.entity) for name in names))

    plan = office.plan(Product, rows)

    assert [row.action for row in plan.rows] == [
        RowAction.REFUSED, RowAction.NEW, RowAction.REFUSED, RowAction.NEW, RowAction.REFUSED,
    ]  # fmt: skip
    assert (
        sentences(plan)
        == [
            "Dòng 2, 4 và 6 là cùng một sản phẩm nhưng cột “Tên sản phẩm” ghi khác nhau. "
            "Ghi cho giống nhau hoặc giữ một dòng."
        ]
        * 3
    )
    assert counts(plan) == (2, 0, 0, 3, 0)
    office.bring_in(Product, rows, partial=True)
    with office.database.reading() as session:
        assert not session.scalars(select(Product).where(Product.search_text.contains("mut dua non"))).all()


@pytest.mark.usefixtures("_small_parts")
def test_lines_far_apart_that_agree_are_taken_once(office: Office) -> None:
    names = ("Mứt dừa non", "Mứt gừng", "Mứt dừa non", "Mứt me", "Mứt dừa non")
    rows = listed(("Tên sản phẩm", "Chủ thể"), *((name, office.entity) for name in names))

    batch = office.bring_in(Product, rows)

    assert (batch.counts["new"], batch.counts["skipped"]) == (3, 2)
    assert "2 dòng ghi lại cùng một sản phẩm nên bỏ qua: dòng 4, 6 như dòng 2." in batch.notes
    assert office.one(Product, name="Mứt dừa non")


@pytest.mark.usefixtures("_small_parts")
def test_a_tax_code_is_known_to_lines_far_before_and_after_it(office: Office) -> None:
    rows = listed(
        ("Tên chủ thể", "MST", "Mã xã"),
        *(
            (name, code, office.commune_code)
            for name, code in (
                ("Cơ sở Hai Lúa", None), ("Cơ sở Ba", None), ("Cơ sở Tư", None), ("Cơ sở Hai Lúa", CODES[0]),
                ("Cơ sở Năm", None), ("Cơ sở Hai Lúa", None),
            )
        ),
    )  # fmt: skip
    assert counts(office.bring_in(Entity, rows, office.day)) == (4, 0, 0, 0, 2)
    assert office.one(Entity, name="Cơ sở Hai Lúa").tax_code == CODES[0]


@pytest.mark.usefixtures("_small_parts")
def test_a_stored_plan_keeps_each_line_once_when_it_was_judged_anew(office: Office) -> None:
    names = (("Mứt dừa non", "Hộp"), ("Mứt gừng", "Hộp"), ("Mứt me", "Hộp"), ("Mứt dừa non", "Túi"))
    rows = listed(("Tên sản phẩm", "Quy cách", "Chủ thể"), *((*each, office.entity) for each in names))
    with office.database.writing.begin() as session:
        plan = importing.plan(session, Product, rows, as_of=TODAY)
        batch = importing.store(session, plan, file_name="a.xlsx", content_hash="b" * 64, size=1)
        importing.replan(session, batch, importing.NOTHING)

        kept = session.execute(select(ImportRow.line, ImportRow.action).order_by(ImportRow.line)).all()
        importing.apply(session, batch, partial=True)

    assert [(line, action.value) for line, action in kept] == [
        (2, "refused"), (3, "new"), (4, "new"), (5, "refused"),
    ]  # fmt: skip


@pytest.mark.usefixtures("_small_parts")
def test_what_moved_in_a_later_part_leaves_nothing_of_the_earlier_one(office: Office) -> None:
    rows = listed(("Tên sản phẩm", "Chủ thể"), *((f"Bánh dừa {n}", office.entity) for n in range(1, 5)))
    with office.database.writing.begin() as session:
        plan = importing.plan(session, Product, rows, as_of=TODAY)
        pk = importing.store(session, plan, file_name="a.xlsx", content_hash="c" * 64, size=1).id
    office.bring_in(Product, listed(("Tên sản phẩm", "Chủ thể"), ("Bánh dừa 4", office.entity)))

    with pytest.raises(importing.PlanMoved), office.database.writing.begin() as session:
        importing.apply(session, session.get_one(ImportBatch, pk))

    with office.database.reading() as session:
        found = session.scalars(
            select(Product.name).where(Product.name.in_([f"Bánh dừa {n}" for n in range(1, 5)]))
        ).all()
        assert found == ["Bánh dừa 4"]


def test_a_name_in_capitals_or_with_its_kind_in_full_stays_as_it_is_kept(office: Office) -> None:
    with office.database.writing.begin() as session, session.doing("sửa"):
        session.scalars(select(Entity).where(Entity.tax_code == office.tax_code)).one().name = "Hộ kinh doanh Sáu Lợi"
    header = ("Chủ thể", "Mã xã")
    in_capitals, shortened = (
        listed(header, ("HỘ KINH DOANH SÁU LỢI", office.commune_code)),
        listed(header, ("HKD Sáu Lợi", office.commune_code)),
    )

    assert counts(office.plan(Entity, in_capitals, office.day)) == (0, 0, 1, 0, 0)
    assert counts(office.plan(Entity, shortened, office.day)) == (0, 0, 1, 0, 0)


def test_a_tax_code_that_the_register_lacks_is_told_of_and_not_written_by_another_list(desk: Office) -> None:
    with desk.database.writing.begin() as session, session.doing("sửa"):
        session.scalars(select(Entity).where(Entity.tax_code == desk.tax_code)).one().tax_code = None
    rows = listed(("Tên sản phẩm", "Chủ thể", "MST"), ("Kẹo mè", desk.entity, desk.tax_code))

    assert (
        "1 dòng ghi mã số thuế của chủ thể mà sổ chưa có: dòng 2. "
        "Nhập tệp này bằng loại Chủ thể để ghi mã số thuế vào sổ."
    ) in desk.plan(Product, rows).notes


def test_what_is_guessed_of_a_new_producer_and_what_is_left_empty_is_shown(desk: Office) -> None:
    rows = listed(
        ("Tên sản phẩm", "Chủ thể", "Mã xã", "Nhóm sản phẩm"), ("Kẹo mè", "Cơ sở chị Ba", desk.commune_code, "Thủy sản")
    )
    answers = {"entity": "create", "group": "empty"}
    links = {each.relation: {each.key: answers[each.relation]} for each in desk.plan(Product, rows, desk.day).unfound}
    plan = desk.plan(Product, rows, desk.day, links=links)

    assert plan.also_words == ["Cùng tạo 1 chủ thể: Cơ sở chị Ba (Hộ kinh doanh)."]
    assert [value for path, value in plan.rows[0].parsed.items() if path.startswith("group.")] == [""]
