"""What cells mean: lost zeros, days, old fonts, closed lists, links that no column names; and the real files."""

import io
import itertools
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font
from sqlalchemy import func, select

from app.cli import main
from app.database import Database
from app.errors import OcopError
from app.files import read
from app.services import importing
from app.services.importing import DATED, senders, undoing
from app.services.importing.kinds import list_kind
from app.services.importing.reading import match, titles_of
from app.table import Cell, Column, Table
from models import (
    AuditEntry,
    Commune,
    Cycle,
    District,
    Entity,
    EntityKind,
    ImportBatch,
    ImportRow,
    Participation,
    Product,
    Province,
    Rating,
    Representative,
    RowAction,
    SuccessionKind,
)
from models.base import Base

pytestmark = pytest.mark.usefixtures("at_the_command_line")

TODAY = date(2025, 6, 1)
MARCH = date(2024, 3, 1)


def listed(header: Sequence[str], *rows: Sequence[Cell]) -> Table:
    return Table(tuple(Column(label) for label in header), [tuple(row) for row in rows], range(2, len(rows) + 2))


def plan_of(database: Database, model: type[Base], table: Table, as_of: date = TODAY, **settled: Any) -> importing.Plan:
    with database.writing.begin() as session:
        return importing.plan(session, model, table, as_of=as_of, options=importing.Options(**settled))


def counts(plan: importing.Plan) -> tuple[int, ...]:
    return tuple(plan.counts[action.value] for action in RowAction)


def sentences(plan: importing.Plan) -> list[str]:
    return [sentence for row in plan.refused for _, sentence in row.problems]


def asked(plan: importing.Plan) -> list[tuple[str, str, list[int]]]:
    return [(each.relation, each.value, each.lines) for each in plan.unfound]


def first(database: Database, *columns: Any, **values: Any) -> Any:
    with database.reading() as session:
        return session.execute(select(*columns).filter_by(**values).order_by(columns[0])).first()


def producer(database: Database) -> Any:
    """(id, name) of one whose name nobody else has."""
    with database.reading() as session:
        once = select(Entity.name).group_by(Entity.name).having(func.count() == 1)
        return session.execute(
            select(Entity.id, Entity.name, Product.name.label("product"))
            .join(Product)
            .where(Entity.name.in_(once))
            .order_by(Entity.id, Product.id)
        ).first()


# ---- zeros ------------------------------------------------------------------------------------------------------

UNITS = ("Mã TP", "Tỉnh Thành Phố", "Mã QH", "Quận Huyện", "Mã PX", "Phường Xã")
HA_NOI = ((1, "Phường Phúc Xá"), (4, "Phường Trúc Bạch"), (6, "Phường Vĩnh Phúc"), (10, "Phường Cống Vị"))


def ha_noi(*codes: Cell) -> Table:
    rows = [
        (1, "Thành phố Hà Nội", 1, "Quận Ba Đình", code, name) for code, (_, name) in zip(codes, HA_NOI, strict=False)
    ]
    return listed(UNITS, *rows)


def test_a_column_of_numbers_gets_its_zeros_back_and_each_is_told(database: Database) -> None:
    plan = plan_of(database, Commune, ha_noi(1, 4, 6, 10))

    assert counts(plan) == (4, 0, 0, 0, 0)
    assert [row.parsed["code"] for row in plan.rows] == ["00001", "00004", "00006", "00010"]
    assert [row.raw[4] for row in plan.rows] == [1, 4, 6, 10]
    of_codes = next(each for each in plan.repairs if each.key == "so-0:Mã PX")
    assert (of_codes.count, of_codes.cells[0], of_codes.kept) == (4, (2, "Mã PX", "1", "00001"), False)
    assert "Thêm lại số 0 ở đầu, cột “Mã PX”: 4 ô, dòng 2, cột “Mã PX”: “1” → “00001”." in plan.notes


def test_zeros_stay_away_when_a_clerk_refuses_them(database: Database) -> None:
    plan = plan_of(database, Commune, ha_noi(1, 4, 6, 10), keep=["so-0:Mã PX"])

    assert counts(plan) == (0, 0, 0, 4, 0)
    assert all("có thể mất số 0" in sentence for sentence in sentences(plan))
    assert [each.key for each in plan.repairs if each.kept] == ["so-0:Mã PX"]


@pytest.mark.parametrize(
    "codes",
    [("00001", "4", "6", "10"), ("10001", "10004", "10006", "10"), (1, 4), (1, "00004", 6, 10), (1, 4, 6, 100000)],
    ids=["some have theirs", "one typed short", "too few", "numbers beside text", "one too long"],
)
def test_a_column_that_proves_nothing_is_left_alone(database: Database, codes: tuple[Cell, ...]) -> None:
    plan = plan_of(database, Commune, ha_noi(*codes))

    assert "so-0:Mã PX" not in [each.key for each in plan.repairs]
    assert plan.counts["refused"] > 0


@pytest.mark.fill("demo")
def test_a_telephone_and_a_tax_code_lose_their_zero_as_numbers(database: Database) -> None:
    name, commune = "HTX Rạch Miễu Xanh", first(database, Commune.code, Commune.valid_from)
    header = ("Tên chủ thể", "Mã xã", "MST", "Điện thoại")
    plan = plan_of(database, Entity, listed(header, (name, commune.code, 100109106, 2753870001)), commune.valid_from)

    assert (plan.rows[0].parsed["tax_code"], plan.rows[0].parsed["phone"]) == ("0100109106", "02753870001")
    assert counts(plan) == (1, 0, 0, 0, 0)
    wrong = listed(header, (name, commune.code, 100109107, None))
    assert counts(plan_of(database, Entity, wrong, commune.valid_from)) == (0, 0, 0, 1, 0)


@pytest.mark.fill("demo")
@pytest.mark.parametrize(
    ("cell", "beside", "read_as"),
    [
        ("301234562-001", "0100109106", "0301234562-001"),
        (301234562001, "0100109106", "0301234562-001"),
        ("301234562001", 100109106, "0301234562-001"),
        ("301234560-001", "0100109106", None),  # a wrong check digit
        ("301234562-001", 100109107, None),  # another one shows no lost zero
        (83099000001, "0100109106", "083099000001"),
        ("083099000001", "0100109106", "083099000001"),
    ],
)
def test_a_branch_or_a_persons_number_that_lost_its_zero_is_told_and_never_another_one(
    database: Database, cell: Cell, beside: Cell, read_as: str | None
) -> None:
    commune = first(database, Commune.code, Commune.valid_from)
    rows = (("HTX Một", commune.code, beside), ("HTX Hai", commune.code, cell))
    plan = plan_of(database, Entity, listed(("Tên chủ thể", "Mã xã", "MST/CCCD"), *rows), commune.valid_from)

    second = plan.rows[1]
    if read_as is None:
        assert [problem.column for problem in second.problems] == ["MST/CCCD"]
        return
    assert (second.parsed["tax_code"], second.problems) == (read_as, [])
    told = [after for each in plan.repairs for line, _, _, after in each.cells if line == 3]
    assert told == ([] if cell == read_as else [read_as])


# ---- days -------------------------------------------------------------------------------------------------------

RESULTS = ("Sản phẩm", "Chủ thể", "Điểm trung bình", "Hạng sao", "Ngày quyết định", "Số quyết định")


def results(database: Database, *days: Cell) -> Table:
    known = producer(database)
    return listed(RESULTS, *((known.product, known.name, 76, 4, day, f"{n}/QĐ") for n, day in enumerate(days, start=1)))


@pytest.mark.fill("demo")
def test_a_column_with_both_orders_is_one_question_and_no_row_is_taken_before(database: Database) -> None:
    table = results(database, "03/04/2023", "12/25/2023", "28/02/2022")

    plan = plan_of(database, Rating, table)

    assert counts(plan)[3] == 2
    assert asked(plan) == [("decided_on", "", [2, 3])]
    assert [value for value, _ in plan.unfound[0].suggestions] == ["ngay", "thang"]
    assert sentences(plan)[0] == (
        "Cột “Ngày quyết định” có ô ghi tháng trước ngày nên “03/04/2023” chưa rõ. Chọn cách đọc cột."
    )


@pytest.mark.fill("demo")
@pytest.mark.parametrize(("order", "read_as"), [("ngay", date(2023, 4, 3)), ("thang", date(2023, 3, 4))])
def test_the_answer_settles_what_is_unclear_and_nothing_else(database: Database, order: str, read_as: date) -> None:
    table = results(database, "03/04/2023", "12/25/2023", "28/02/2022")

    plan = plan_of(database, Rating, table, links={"decided_on": {"": order}})

    days = [row.parsed["decided_on"] for row in plan.rows]
    assert days == [read_as.isoformat(), "2023-12-25", "2022-02-28"]
    assert asked(plan) == []


@pytest.mark.fill("demo")
def test_numbers_are_days_in_a_column_of_days_alone_and_a_year_is_none(database: Database) -> None:
    plan = plan_of(database, Rating, results(database, 45092, "44566", 2023))

    assert [row.parsed["decided_on"] for row in plan.rows] == ["2023-06-15", "2022-01-05", None]
    assert sentences(plan) == ["“2023” chỉ là năm. Ghi đủ ngày/tháng/năm, ví dụ 05/03/2023."]
    assert [each.key for each in plan.repairs] == ["ngay:Ngày quyết định"]
    kept = plan_of(database, Rating, results(database, 45092), keep=["ngay:Ngày quyết định"])
    assert "45092" in sentences(kept)[0]


@pytest.mark.fill("demo")
@pytest.mark.parametrize("title", ["Ngày quyết định", "Năm", "Năm công nhận"])
def test_of_years_alone_the_day_of_each_is_asked_once(database: Database, title: str) -> None:
    known, unlike = producer(database), "Năm thành lập"
    rows = [(known.product, known.name, 4, cell, 2001) for cell in (2022, "Năm 2022", "03/2023", "tháng 3 năm 2023")]
    table = listed(("Sản phẩm", "Chủ thể", "Hạng sao", title, unlike), *rows)

    plan = plan_of(database, Rating, table)
    wrong = plan_of(database, Rating, table, links={"decided_on": {"2022": "15/06/2023", "03 2023": "31/02/2023"}})
    said = plan_of(database, Rating, table, links={"decided_on": {"2022": "15/06/2022", "03 2023": "05/03/2023"}})

    assert asked(plan) == [("decided_on", "2022", [2, 3]), ("decided_on", "03/2023", [4, 5])]
    assert all(each.typed for each in plan.unfound)
    assert sentences(plan)[2] == "“03/2023” thiếu ngày. Ghi đủ ngày/tháng/năm, ví dụ 05/03/2023."
    assert sentences(wrong)[::2] == [
        "Ngày 15/06/2023 không thuộc 2022. Ghi lại ngày.",
        "Ngày 31/02/2023 không có trong lịch. Sửa lại ngày.",
    ]
    assert [row.parsed["decided_on"] for row in said.rows] == ["2022-06-15"] * 2 + ["2023-03-05"] * 2
    assert asked(said) == []


@pytest.mark.fill("demo")
def test_of_a_day_that_no_row_needs_the_year_alone_may_be_left_out(database: Database) -> None:
    table = listed(("Chủ thể", "Người đại diện", "Từ ngày"), (producer(database).name, "Lê Thị Tư", 2021))

    (asked_of,) = plan_of(database, Representative, table).unfound
    said = plan_of(database, Representative, table, links={"since": {"2021": "empty"}})

    assert (asked_of.typed, asked_of.optional) == (False, True)
    assert asked_of.why == "Các dòng này chỉ ghi 2021. Để trống, hoặc ghi đủ ngày trong tệp."
    assert (counts(said)[0], said.rows[0].parsed["since"]) == (1, None)


@pytest.mark.fill("demo")
def test_a_column_of_years_stays_aside_where_another_has_the_days(database: Database) -> None:
    known = producer(database)
    header = ("Sản phẩm", "Chủ thể", "Hạng sao", "Ngày quyết định", "Năm công nhận")

    plan = plan_of(database, Rating, listed(header, (known.product, known.name, 4, "15/06/2022", 2022)))

    assert [row.parsed["decided_on"] for row in plan.rows] == ["2022-06-15"]
    assert "Không dùng cột “Năm công nhận” (1 ô)." in plan.notes


@pytest.mark.fill("demo")
def test_the_day_of_a_year_is_not_remembered_of_a_sender(database: Database) -> None:
    known = producer(database)
    header = ("Sản phẩm", "Chủ thể", "Hạng sao", "Năm")
    table = listed(header, (known.product, known.name, 4, 2020))
    settled = plan_of(database, Rating, table, links={"decided_on": {"2020": "15/06/2020"}})
    with database.writing.begin() as session:
        sender = senders.named(session, "xã An Thạnh")
        batch = importing.store(session, settled, file_name="a", content_hash="d" * 64, size=1, sender=sender)
        importing.apply(session, batch)

        options, _notes = senders.recalled(session, sender, Rating, header, importing.NOTHING, TODAY)

    assert "decided_on" not in options.links


@pytest.mark.fill("demo")
@pytest.mark.parametrize("cell", ["123/QĐ-UBND", "148/2023", "Ngày 05/03/2023", "01/2023/QĐ-UBND", "1/15/3/2023"])
def test_a_number_alone_stays_one(database: Database, cell: str) -> None:
    known = producer(database)
    table = listed(RESULTS, (known.product, known.name, 76, 4, date(2023, 3, 6), cell))

    plan = plan_of(database, Rating, table)

    assert ([row.parsed["decision_number"] for row in plan.rows], plan.repairs) == ([cell], [])


# ---- text of old fonts ------------------------------------------------------------------------------------------


def in_old_font() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Tên chủ thể", "Mã xã", "Ghi chú"])
    sheet.append(["HTX B¸nh tr¸ng Mü Lång", "29224", "x"])
    sheet["A2"].font = Font(name=".VnTime")
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


@pytest.mark.fill("demo")
def test_old_fonts_are_converted_and_can_be_refused_of_a_stored_plan(database: Database) -> None:
    table = read(in_old_font(), name="a.xlsx", known=importing.known_titles(Entity))
    with database.writing.begin() as session:
        plan = importing.plan(session, Entity, table, as_of=TODAY)
        pk = importing.store(session, plan, file_name="a.xlsx", content_hash="a" * 64, size=1).id
        assert plan.rows[0].label == "HTX Bánh tráng Mỹ Lồng"
        assert plan.repairs[0].cells == [(2, "Tên chủ thể", "HTX B¸nh tr¸ng Mü Lång", "HTX Bánh tráng Mỹ Lồng")]

    def again(**settled: Any) -> Any:
        with database.writing.begin() as session:
            batch = session.get_one(ImportBatch, pk)
            importing.replan(session, batch, importing.Options(**settled))
            label = session.scalars(select(ImportRow.label).where(ImportRow.batch_id == pk)).one()
            return label, batch.options["repairs"][0]["kept"]

    assert again(keep=["fonts"]) == ("HTX B¸nh tr¸ng Mü Lång", True)
    assert again() == ("HTX Bánh tráng Mỹ Lồng", False)


# ---- closed lists, links without a column, places by content ----------------------------------------------------


@pytest.mark.fill("demo")
def test_a_value_outside_a_closed_list_is_asked_once_and_remembered(database: Database) -> None:
    commune = first(database, Commune.code, Commune.valid_from)
    header = ("Tên Doanh Nghiệp", "Mã xã", "Loại Hình Kinh Doanh")
    rows = [(f"Nhà vườn {name}", commune.code, "Doanh Nghiệp Liên Doanh") for name in ("Tư Liễu", "Năm Hên")]
    table = listed(header, *rows)

    plan = plan_of(database, Entity, table, commune.valid_from)

    assert counts(plan) == (0, 0, 0, 2, 0)
    assert asked(plan) == [("kind", "Doanh Nghiệp Liên Doanh", [2, 3])]
    assert plan.unfound[0].suggestions[0] == ("dn", "Doanh nghiệp nhỏ và vừa")
    key = plan.unfound[0].key
    answered = plan_of(database, Entity, table, commune.valid_from, links={"kind": {key: "dn"}})
    assert counts(answered) == (2, 0, 0, 0, 0)
    assert {row.parsed["kind"] for row in answered.rows} == {EntityKind.ENTERPRISE.value}
    assert counts(plan_of(database, Entity, table, commune.valid_from, links={"kind": {key: "skip"}})) == (
        0,
        0,
        0,
        0,
        2,
    )
    assert counts(plan_of(database, Entity, table, commune.valid_from, links={"kind": {key: "giam-doc"}}))[3] == 2

    with database.writing.begin() as session:
        sender = senders.named(session, "xã An Thạnh")
        batch = importing.store(session, answered, file_name="a", content_hash="b" * 64, size=1, sender=sender)
        importing.apply(session, batch)
        settled, _notes = senders.recalled(session, sender, Entity, header, importing.NOTHING, TODAY)
        assert settled.links == {"kind": {key: "dn"}}


@pytest.mark.fill("demo")
def test_a_producer_no_column_names_is_asked_once_for_all_rows(database: Database) -> None:
    table = listed(("Tên sản phẩm", "Quy cách"), ("Kẹo chuối Ba Vát", "hộp"), ("Kẹo gừng Ba Vát", "hộp"))

    plan = plan_of(database, Product, table)

    assert asked(plan) == [("entity", "", [2, 3])]
    assert sentences(plan)[0] == "Tệp không có cột “Chủ thể”. Chọn cho mọi dòng, hoặc thêm cột."
    known = producer(database)
    settled = plan_of(database, Product, table, links={"entity": {"": known.id}})
    assert counts(settled) == (2, 0, 0, 0, 0)
    with database.writing.begin() as session:
        sender = senders.named(session, "xã An Thạnh")
        batch = importing.store(session, settled, file_name="a", content_hash="c" * 64, size=1, sender=sender)
        importing.apply(session, batch)
        assert sender is not None
        assert sender.aliases == {"entity": {}}  # the next file may be of another producer


@pytest.mark.fill("demo")
def test_a_list_of_products_without_a_year_asks_for_the_cycle(database: Database) -> None:
    known = producer(database)
    plan = plan_of(database, Participation, listed(("Sản phẩm", "Chủ thể"), (known.product, known.name)))

    assert [(each.relation, each.value, bool(each.suggestions)) for each in plan.unfound] == [("cycle", "", True)]


@pytest.mark.fill("demo")
def test_an_optional_link_can_be_left_empty(database: Database) -> None:
    known = producer(database)
    header = ("Tên sản phẩm", "Chủ thể", "Nhóm sản phẩm")
    table = listed(header, ("Kẹo chuối Ba Vát", known.name, "Nông Sản"))
    plan = plan_of(database, Product, table)

    assert [(each.value, each.optional) for each in plan.unfound] == [("Nông Sản", True)]
    empty = plan_of(database, Product, table, links={"group": {plan.unfound[0].key: "empty"}})
    assert counts(empty) == (1, 0, 0, 0, 0)


@pytest.mark.fill("demo")
def test_a_column_of_communes_is_known_by_its_cells(database: Database) -> None:
    commune = first(database, Commune.name, Commune.valid_from, valid_to=None)
    header = ("Tên chủ thể", "Địa chỉ")
    rows = [(f"HTX Nông nghiệp số {n}", commune.name) for n in range(1, 4)]
    plan = plan_of(database, Entity, listed(header, *rows), date(2026, 1, 5))

    assert plan.mapped[1] == ("Địa chỉ", "commune.name", "các ô ghi tên xã, phường")
    street = listed(header, *((name, "12 đường Đồng Khởi") for name, _ in rows))
    assert plan_of(database, Entity, street, date(2026, 1, 5)).mapped[1][1] == "street"
    chosen = plan_of(database, Entity, listed(header, *rows), date(2026, 1, 5), mapping={"Địa chỉ": "street"})
    assert chosen.mapped[1][1:] == ("street", "đã chọn")


# ---- districts --------------------------------------------------------------------------------------------------


def test_districts_are_a_list_of_a_day_and_end_with_their_level(database: Database) -> None:
    header = ("Mã", "Tên", "Cấp", "Mã TP", "Tỉnh / Thành Phố")
    rows = [
        ("836", "Huyện Ba Tri", "Huyện", "83", "Tỉnh Bến Tre"),
        ("837", "Huyện Thạnh Phú", "Huyện", "83", "Tỉnh Bến Tre"),
    ]
    with database.writing.begin() as session:
        plan = importing.plan(session, District, listed(header, *rows), as_of=date(2020, 7, 15))
        assert (counts(plan), plan.also) == ((2, 0, 0, 0, 0), {"province": {"new": 1, "changed": 0, "same": 0}})
        importing.apply(session, importing.store(session, plan, file_name="a", content_hash="d" * 64, size=1))

    assert first(database, District.name, District.valid_to, code="836") == ("Huyện Ba Tri", date(2025, 6, 30))
    renamed = [(*rows[0][:1], "Thị xã Ba Tri", "Thị xã", *rows[0][3:]), rows[1]]
    again = plan_of(database, District, listed(header, *renamed), date(2021, 1, 1))
    assert (counts(again), again.rows[0].changes["name"]) == ((0, 1, 1, 0, 0), ("Huyện Ba Tri", "Thị xã Ba Tri"))
    with database.writing.begin() as session:
        batch = session.scalars(select(ImportBatch)).one()
        undoing.undo(session, batch)
    assert first(database, District.name, code="836") is None
    with pytest.raises(importing.places.DistrictsGone, match="không còn cấp huyện"):
        plan_of(database, District, listed(header, *rows), date(2025, 7, 1))


# ---- the real files ---------------------------------------------------------------------------------------------

FILES: list[tuple[str, str, str, tuple[int, ...] | str]] = [
    # file, list, options, (new, changed, same, refused, skipped) or the sentence
    ("gso_ben_tre_2017-10-15.xls", "commune", "--as-of 2017-10-15", (0, 0, 164, 0, 0)),
    ("gso_ben_tre_2021-02-01.xls", "commune", "--as-of 2021-02-01", (0, 0, 157, 0, 0)),
    ("gso_vinh_long_2021-02-01.xls", "commune", "--as-of 2021-02-01", (0, 0, 107, 0, 0)),
    ("gso_tra_vinh_2021-02-01.xls", "commune", "--as-of 2021-02-01", (0, 0, 106, 0, 0)),
    ("gso_ket_qua_rong_2025-05.xls", "commune", "--as-of 2025-05-01", (0, 0, 0, 0, 0)),
    ("gso_cap_huyen_2020-07-15.xlsx", "district", "--as-of 2020-07-15", (681, 17, 9, 0, 0)),
    ("ben_tre_units_2020.csv", "commune", "--as-of 2020-02-01 --province 83", (0, 0, 157, 0, 0)),
    ("ben_tre_units_2025-01.csv", "commune", "--as-of 2025-01-01 --province 83", (0, 0, 148, 0, 0)),
    ("vinh_long_units_2025.csv", "commune", "--as-of 2025-07-01", (0, 0, 124, 0, 0)),
    ("vinh_long_chuyen_doi_2025.csv", "commune", "--as-of 2025-07-01", "Tệp thiếu cột “Mã xã”. Đang có: “Mã xã mới”,"),
    (
        "anh_xa_ten_mien_nam_2025-09.xlsx",
        "commune",
        "--as-of 2025-07-01",
        "Tệp thiếu cột “Mã xã”. Đang có: “xacu”, “huyencu”, “tinhcu”, “xamoi”, “tinhmoi”.",
    ),
    ("ocop_an_giang_chu_the.xlsx", "entity", "", (0, 0, 0, 2, 0)),
    ("ocop_an_giang_san_pham_1.xlsx", "product", "", (0, 0, 0, 8, 0)),
    ("ocop_an_giang_san_pham_2.xlsx", "product", "", (0, 0, 0, 6, 0)),
    ("ocop_cau_ke_tra_vinh_2024-03.csv", "product", "--as-of 2024-03-01", (0, 0, 0, 37, 0)),
    ("ocop_cau_ke_tra_vinh_2024-03.csv", "entity", "--as-of 2024-03-01", (22, 0, 0, 0, 15)),
]


@pytest.mark.fill("reference")
@pytest.mark.parametrize(
    ("file", "model", "options", "said"), FILES, ids=[f"{file} {model}" for file, model, *_ in FILES]
)
def test_the_command_takes_every_real_list(
    database: Database,
    shared_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    file: str,
    model: str,
    options: str,
    said: tuple[int, ...] | str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCOP_DATABASE_URL", str(database.engine.url))
    arguments = ["import", model, str(shared_data / file), *options.split(), "--dry-run", "--json"]

    if isinstance(said, str):
        with pytest.raises(SystemExit) as refused:
            raise SystemExit(main(arguments))
        assert refused.value.code == 1
        assert said in capsys.readouterr().err
        return

    assert main(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert tuple(answer["counts"][action.value] for action in RowAction) == said
    assert len({problem["line"] for problem in answer["problems"]}) == said[3]


def test_producers_of_an_giang_go_through_once_their_places_are_known(database: Database, shared_data: Path) -> None:
    header = ("Mã TP", "Tỉnh Thành Phố", "Mã QH", "Quận Huyện", "Mã PX", "Phường Xã")
    city = ("89", "Tỉnh An Giang", "883", "Thành phố Long Xuyên")
    places = listed(header, (*city, "30283", "Phường Mỹ Long"), (*city, "30280", "Phường Bình Đức"))
    with database.writing.begin() as session:
        plan = importing.plan(session, Commune, places, as_of=MARCH)
        importing.apply(session, importing.store(session, plan, file_name="a", content_hash="e" * 64, size=1))
    table = opened(shared_data / "ocop_an_giang_chu_the.xlsx", Entity)

    plan = plan_of(database, Entity, table, MARCH)

    used = {title: (path, why) for title, path, why in plan.mapped}
    assert used["Tên Doanh Nghiệp"] == ("name", "đúng tên cột")
    assert used["Loại Hình Kinh Doanh"] == ("kind", "đúng tên cột")
    assert [(relation, value) for relation, value, _ in asked(plan)] == [
        ("kind", "Doanh Nghiệp Liên Doanh"),
        ("kind", "Cơ Sở Sản Xuất"),
    ]
    answers = {each.key: kind for each, kind in zip(plan.unfound, ("dn", "hkd"), strict=True)}
    assert counts(plan_of(database, Entity, table, MARCH, links={"kind": answers})) == (2, 0, 0, 0, 0)


@pytest.mark.fill("reference")
def test_products_of_an_giang_and_cau_ke_go_through_with_answers(database: Database, shared_data: Path) -> None:
    cau_ke = opened(shared_data / "ocop_cau_ke_tra_vinh_2024-03.csv", Product)
    plan = plan_of(database, Product, cau_ke, MARCH)
    assert {title: path for title, path, _ in plan.mapped}["Địa chỉ"] == "commune.name"
    made = {each.key: "create" for each in plan.unfound if each.creatable}
    assert len(made) == len(plan.unfound)
    with database.writing.begin() as session:
        plan = importing.plan(session, Product, cau_ke, as_of=MARCH, options=importing.Options(links={"entity": made}))
        batch = importing.store(session, plan, file_name="a", content_hash="f" * 64, size=1)
        assert batch.counts["new"] + batch.counts["refused"] == 37
        importing.apply(session, batch, partial=True)

    with database.reading() as session:
        entity = session.scalars(select(Entity.id)).first()
    for file, rows in (("ocop_an_giang_san_pham_1.xlsx", 8), ("ocop_an_giang_san_pham_2.xlsx", 6)):
        table = opened(shared_data / file, Product)
        groups = {each.key: "empty" for each in plan_of(database, Product, table).unfound if each.relation == "group"}
        settled = plan_of(database, Product, table, links={"entity": {"": entity}, "group": groups})
        assert counts(settled) == (rows, 0, 0, 0, 0)


def opened(path: Path, model: type[Base]) -> Table:
    return read(path.read_bytes(), name=path.name, known=importing.known_titles(model))


# ---- any workbook -----------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
CELLS = st.one_of(
    st.none(),
    TEXTS,
    st.integers(-10, 10**12),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.dates(date(1950, 1, 1), date(2090, 1, 1)),
    st.sampled_from(["Xã An Thạnh", "Hợp tác xã", "12/25/2024", "03/04/2024", "#REF!", "=1+1", "Tổng cộng", "II", "0"]),
)
LIKELY = ["Xã An Thạnh", "Huyện Thạnh Phú", "29224", "28759", "83", "HTX", "4 sao", 76.5, date(2023, 6, 15), 2024, True]


@pytest.fixture
def known_values(database: Database) -> list[Cell]:
    """Values that find something: names and codes of rows that are there."""
    with database.reading() as session:
        names = [session.scalars(select(model.name).limit(3)).all() for model in (Entity, Product, Commune, District)]
        places = [session.scalars(select(model.code).limit(2)).all() for model in (Commune, District)]
        years = session.scalars(select(Cycle.year)).all()
        kinds = [kind.label for kind in (*EntityKind, *SuccessionKind)]
        return [*LIKELY, *itertools.chain(*names, *places), *years, *kinds]


@pytest.mark.fill("demo")
@pytest.mark.parametrize("model", importing.importable(), ids=lambda model: str(model.__screen__))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_cell_of_any_workbook_is_lost_and_a_refused_row_writes_nothing(
    database: Database, known_values: list[Cell], model: type[Base], data: st.DataObject
) -> None:
    kind = list_kind(model)
    need = data.draw(st.sampled_from(sorted(map(tuple, kind.needs))))
    more = data.draw(st.lists(st.sampled_from(sorted(kind.uses)), max_size=5, unique=True))
    header = list(dict.fromkeys([*(titles_of(model, path)[0] for path in (*need, *more)), "STT", "Cột lạ"]))
    cells = st.one_of(CELLS, st.sampled_from(known_values), st.sampled_from(known_values))
    rows = data.draw(st.lists(st.lists(cells, min_size=len(header), max_size=len(header)), max_size=8))
    rows += data.draw(st.lists(st.sampled_from(rows), max_size=2)) if rows else []
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (header, *rows):
        sheet.append([_for_excel(cell) for cell in row])
    kept = io.BytesIO()
    book.save(kept)

    with database.writing.begin() as session:
        held_before = _held(session)
        try:
            table = read(kept.getvalue(), name="a.xlsx", known=importing.known_titles(model))
            plan = importing.plan(session, model, table, as_of=TODAY)
        except OcopError:  # the file as a whole
            assert _held(session) == held_before
            session.rollback()
            return
        assert _held(session) == held_before
        batch = importing.store(session, plan, file_name="a.xlsx", content_hash="9" * 64, size=1)
        outcomes = {row.line: row for row in plan.rows}
        left_out = {line for entry in table.left_out for line in range(entry.line, entry.line + entry.lines)}
        filled = {n for n, row in enumerate(rows, start=2) if any(_for_excel(c) is not None for c in row)}

        # Every line is a row of the plan or said to be left out, never both; a row has every cell of its line.
        assert not outcomes.keys() & left_out
        assert filled <= outcomes.keys() | left_out
        assert all(len(row.raw) == len(table.columns) for row in plan.rows)
        # A column is read, or said not to be.
        assert len(plan.mapped) == len(table.columns)
        assert all(path or reason for _, path, reason in plan.mapped)
        # A filled cell of a column in use has a value, or its row says why not.
        for judged in plan.rows:
            for place, (_title, path, _) in enumerate(plan.mapped):
                has_value = not path or judged.raw[place] is None or judged.parsed.get(path) is not None
                assert has_value or judged.problems
            assert (judged.action is RowAction.REFUSED) == bool(judged.problems)
        assert sum(plan.counts.values()) == len(plan.rows)
        told = ("ghi lại cùng một", "chỉ có chữ ở cột không dùng")
        assert not plan.counts["skipped"] or any(each in note for note in plan.notes for each in told)
        _written_or_nothing(session, batch, plan)
        session.rollback()


def _written_or_nothing(session: Any, batch: ImportBatch, plan: importing.Plan) -> None:
    """All or nothing first; then the good rows: what a cell says is what is written."""
    held_before = _held(session)
    if plan.refused:
        with pytest.raises(importing.RowsRefused):
            importing.apply(session, batch)
        assert _held(session) == held_before
    if not plan.writes:
        with pytest.raises(importing.NothingToWrite):
            importing.apply(session, batch, partial=True)
        return
    importing.apply(session, batch, partial=True)
    table = plan.model.__tablename__
    assert _held(session)[table] >= held_before[table] + (plan.counts["new"] if plan.model not in DATED else 0)
    written = {row.line: row for row in session.scalars(select(ImportRow).where(ImportRow.batch_id == batch.id))}
    for judged in plan.rows:
        after = written[judged.line].after
        assert (after is not None) == (judged.action in (RowAction.NEW, RowAction.CHANGED))
        for path, value in judged.parsed.items():
            if after is not None and value is not None and path in after and plan.model not in DATED:
                assert str(after[path]).replace(" ", "") == str(value).replace(" ", ""), path


def _for_excel(cell: Cell) -> Any:
    return None if cell == "" or (isinstance(cell, str) and not cell.strip()) else cell


def _held(session: Any) -> dict[str, int]:
    """How many rows every table of the book holds."""
    return {
        model.__tablename__: session.scalar(select(func.count()).select_from(model))
        for model in (*importing.importable(), Province, AuditEntry)
    }


@pytest.mark.fill("demo")
def test_days_stars_and_kinds_are_read_as_offices_write_them(database: Database) -> None:
    known = producer(database)
    header = ("Sản phẩm", "Chủ thể", "Ngày công nhận", "Điểm", "Hạng sao")
    days = ("2024-05-20", "Ngày 20 tháng 5 năm 2024", "20/05/24", "20.5.2024", "2024-05-20 00:00:00")
    stars = ("4 sao", "★★★★", "4sao", 4, "4")
    rows = [(known.product, known.name, day, 76.5, star) for day, star in zip(days, stars, strict=True)]

    for row in rows:
        (judged,) = plan_of(database, Rating, listed(header, row)).rows
        assert (judged.parsed["decided_on"], judged.parsed["stars"]) == ("2024-05-20", 4), row

    commune = first(database, Commune.code, Commune.valid_from)
    kinds = listed(
        ("Tên đơn vị", "Mã xã", "Loại hình", "Số điện thoại"), ("Nhà vườn Năm", commune.code, "HTX", "0275 3870 001")
    )
    (judged,) = plan_of(database, Entity, kinds, commune.valid_from).rows
    assert (judged.parsed["kind"], judged.parsed["phone"]) == (EntityKind.COOPERATIVE.value, "0275 3870 001")


@pytest.mark.fill("demo")
def test_a_kind_that_no_column_and_no_name_tells_is_asked_once(database: Database) -> None:
    commune = first(database, Commune.code, Commune.valid_from)
    table = listed(("Tên chủ thể", "Mã xã"), *((name, commune.code) for name in ("Lò Tám", "Lò Chín", "HTX Bưởi")))

    plan = plan_of(database, Entity, table, commune.valid_from)
    answered = plan_of(database, Entity, table, commune.valid_from, links={"kind": {"": "hkd"}})

    assert (counts(plan)[0], asked(plan)) == (1, [("kind", "", [2, 3])])
    assert sentences(plan)[0] == "Tệp không có cột “Loại hình”. Chọn cho các dòng này, hoặc thêm cột."
    assert (counts(answered)[0], asked(answered)) == (3, [])


@pytest.mark.fill("demo")
def test_what_the_flush_refuses_is_said_of_its_own_column(database: Database) -> None:
    commune = first(database, Commune.code, Commune.valid_from)
    header = ("Tên chủ thể", "Mã xã", "MST", "Email")
    table = listed(header, ("Hộ kinh doanh Năm", commune.code, "0123456789", "a@b.vn; c@d.vn"))

    (judged,) = plan_of(database, Entity, table, commune.valid_from).rows

    assert [problem.column for problem in judged.problems] == ["MST", "Email"]


@pytest.mark.parametrize(
    ("model", "title", "path"),
    [
        (Product, "1. Tên sản phẩm", "name"),
        (Product, "Tên SP (*)", "name"),
        (Product, "Sản phẩm OCOP", "name"),
        (Product, "Tên cơ sở sản xuất", "entity.name"),
        (Product, "Chủ thể / Tên", "entity.name"),
        (Entity, "TÊN CHỦ THỂ OCOP", "name"),
        (Entity, "Giấy ĐKKD", "registration"),
        (Entity, "Số ĐT", "phone"),
        (Entity, "MST/CCCD", "tax_code"),
        (Entity, "Mã số thuế/ Số CCCD", "tax_code"),
        (Entity, "Mã số DN", "tax_code"),
        (Rating, "Quyết định công nhận / Ngày", "decided_on"),
        (Rating, "Ngày QĐ", "decided_on"),
        (Rating, "Điểm TB", "mean_points"),
        (Rating, "Hạng sao mới", "stars"),
        (Entity, "Số giấy CNĐKKD", "registration"),
        (Entity, "Xã, thị trấn", "commune.name"),
        (Representative, "Họ và tên chủ hộ", "name"),
        (Product, "Phân nhóm", "group.name"),
        (Product, "Tên sản phẩm / Product name", "name"),
        (Product, "Product name / Tên sản phẩm", "name"),
        (Product, "Chủ thể/Producer", "entity.name"),
        (Rating, "Hạng sao / Ba sao", ""),
        (Product, "Đơn vị tính", ""),
        (Product, "Mã", ""),
    ],
)
def test_titles_as_offices_write_them_are_known(model: type[Base], title: str, path: str) -> None:
    table = Table((Column(title), Column("Không ai biết"), Column("Hạng sao / Bốn sao")), [], [])

    columns = match(model, table, uses=importing.importable_paths(model), needs=[()])

    assert columns.path_of(0) == path


# ---- people -----------------------------------------------------------------------------------------------------


@pytest.mark.fill("demo")
@pytest.mark.parametrize(
    ("cell", "name", "position"),
    [
        ("Ông Trần Văn Mến - Giám đốc", "Trần Văn Mến", "Giám đốc"),
        ("Trần Văn Mến\nPhó Giám đốc HTX", "Trần Văn Mến", "Phó Giám đốc HTX"),
        ("Bà Lê Thị Tư (chủ cơ sở)", "Lê Thị Tư", "chủ cơ sở"),
        ("Giám đốc: Lê Thị Tư", "Lê Thị Tư", "Giám đốc"),
        ("BÀ LÊ THỊ TƯ", "LÊ THỊ TƯ", None),
    ],
)
def test_a_person_with_a_position_in_one_cell_is_two_values_told_and_refusable(
    database: Database, cell: str, name: str, position: str | None
) -> None:
    table = listed(("Chủ thể", "Người đại diện"), (producer(database).name, cell))

    plan = plan_of(database, Representative, table)
    kept = plan_of(database, Representative, table, keep=["chuc-vu:Người đại diện"])

    (row,) = plan.rows
    assert (row.parsed["name"], row.parsed.get("position")) == (name, position)
    assert [each.key for each in plan.repairs] == ["chuc-vu:Người đại diện"]
    assert "position" not in kept.rows[0].parsed


@pytest.mark.fill("demo")
@pytest.mark.parametrize("cell", ["Lê Thị Tư\nTrần Ba", "Lê Thị Tư, Trần Ba", "Lê Thị Tư và Trần Ba"])
def test_two_people_in_one_cell_are_refused(database: Database, cell: str) -> None:
    known = producer(database)
    table = listed(("Chủ thể", "Người đại diện"), (known.name, cell), (known.name, "Lê Thị\nTư"))

    plan = plan_of(database, Representative, table)

    assert sentences(plan) == ["Ô này ghi “Lê Thị Tư”, “Trần Ba”. Ghi mỗi người một dòng."]
    assert plan.rows[1].parsed["name"] == "Lê Thị Tư"


# ---- what says nothing, and what is no longer what was meant --------------------------------------------------------


@pytest.mark.fill("demo")
def test_a_column_that_the_system_fills_is_called_so(database: Database) -> None:
    known = producer(database)
    header = ("Sản phẩm", "Chủ thể", "Hạng sao", "Ngày quyết định", "Theo quy định", "Sửa lúc", "Ý kiến", "Số")
    plan = plan_of(database, Rating, listed(header, (known.product, known.name, 3, MARCH, "148", MARCH, "tốt", 1)))

    ours, unknown = "hệ thống tự ghi, bỏ qua", "không nhận ra, bỏ qua"
    assert [(path, why) for _, path, why in plan.mapped[4:]] == [("", ours), ("", ours), ("", unknown), ("", unknown)]
    producers = plan_of(database, Entity, listed(("Tên chủ thể", "Người đại diện"), (known.name, "Trần Thị Hoa")))
    assert producers.mapped[1][2] == unknown  # another list takes it


@pytest.mark.fill("demo")
def test_signs_of_nothing_are_read_as_empty_told_and_refusable(database: Database) -> None:
    _id, name, _product = producer(database)
    with database.writing.begin() as session, session.doing("sửa"):
        one = session.scalars(select(Entity).where(Entity.name == name)).one()
        one.email, one.street = "a@example.vn", "Số 5, ấp 1"
        code = one.commune.code
    header = ("Tên chủ thể", "Mã xã", "Thư điện tử", "Địa chỉ")
    table = listed(header, (name, code, "không có", "…"))

    plan = plan_of(database, Entity, table, as_of=date(2025, 6, 30))
    assert counts(plan) == (0, 0, 1, 0, 0)
    assert [(each.key, each.cells[0][2:]) for each in plan.repairs] == [
        ("trong:Thư điện tử", ("không có", "(trống)")),
        ("trong:Địa chỉ", ("…", "(trống)")),
    ]
    kept = plan_of(database, Entity, table, as_of=date(2025, 6, 30), keep=["trong:Địa chỉ"])
    assert kept.rows[0].changes["street"] == ("Số 5, ấp 1", "…")


@pytest.mark.fill("demo")
@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("nt", "“nt” là như dòng trên. Gõ lại giá trị vào ô."),
        ("9.13457E+08", "Excel đã rút gọn số ở ô này: “9.13457E+08”. Định dạng ô là Văn bản rồi gõ đủ chữ số."),
        ("M\ufffdt ong", "Chữ ở ô này đã hỏng: “M\ufffdt ong”. Gõ lại ô theo bản gốc."),
        (True, "Ô này là “Có”, cần là chữ. Định dạng ô là Văn bản rồi gõ lại."),
    ],
)
def test_text_that_no_longer_says_what_was_meant_is_refused(database: Database, cell: Cell, sentence: str) -> None:
    _id, name, _product = producer(database)
    table = listed(("Tên sản phẩm", "Chủ thể", "Quy cách"), ("Kẹo mè", name, cell))

    assert sentences(plan_of(database, Product, table)) == [sentence]


@pytest.mark.fill("demo")
def test_text_opened_in_another_encoding_is_read_back_and_told(database: Database) -> None:
    _id, name, _product = producer(database)
    broken = "Káº¹o dá»«a sáº¥y"
    table = listed(("Tên sản phẩm", "Chủ thể"), (broken, name), ("XÃ ĐÃ NGHÌN", name))

    plan = plan_of(database, Product, table)
    assert [row.label for row in plan.rows] == ["Kẹo dừa sấy", "XÃ ĐÃ NGHÌN"]
    assert plan.repairs[0].cells == [(2, "Tên sản phẩm", broken, "Kẹo dừa sấy")]


@pytest.mark.fill("demo")
@pytest.mark.parametrize(
    "cell",
    ["3*", "***", "3 ★", "★★★☆☆", "03 sao", "Ba sao", "3 sao", "Đạt 3 sao", "OCOP 3 sao", "3 sao (***)"],
)
def test_stars_are_read_as_offices_write_them(database: Database, cell: str) -> None:
    _id, name, product = producer(database)
    table = listed(("Sản phẩm", "Chủ thể", "Hạng sao", "Ngày quyết định"), (product, name, cell, date(2024, 5, 20)))

    assert plan_of(database, Rating, table).rows[0].parsed["stars"] == 3


@pytest.mark.fill("demo")
@pytest.mark.parametrize(
    ("title", "cell", "read_as"),
    [
        ("Điểm", "85,5 điểm", "85.5"),
        ("Điểm", "85,5/100", "85.5"),
        ("Điểm", "85,5đ", "85.5"),
        ("Ngày quyết định", "Ngày 05/3/2024", "2024-03-05"),
        ("Ngày quyết định", "5 tháng 3 năm 2024", "2024-03-05"),
        ("Ngày quyết định", "5-Mar-24", "2024-03-05"),
        ("Ngày quyết định", "T3/2024", "“T3/2024” thiếu ngày. Ghi đủ ngày/tháng/năm, ví dụ 05/03/2024."),
        ("Hạng sao", "Không đạt", "“Không đạt” chưa rõ là mấy sao. Ghi số sao từ 1 đến 5, ví dụ 4."),
    ],
)
def test_points_and_days_are_read_as_offices_write_them(
    database: Database, title: str, cell: str, read_as: str
) -> None:
    known = producer(database)
    row = {"Sản phẩm": known.product, "Chủ thể": known.name, "Điểm": 85, "Hạng sao": 4, "Ngày quyết định": MARCH}
    row |= {title: cell}
    plan = plan_of(database, Rating, listed(tuple(row), tuple(row.values())))

    path = plan.mapped[list(row).index(title)][1]
    assert [*sentences(plan), plan.rows[0].parsed[path]][0] == read_as


@pytest.mark.fill("demo")
def test_a_line_with_a_remark_alone_is_left_out_and_told(database: Database) -> None:
    _id, name, _product = producer(database)
    table = listed(("Tên sản phẩm", "Chủ thể", "Ghi chú của kế toán"), ("Kẹo mè", name, None), (None, None, "đã thu"))

    plan = plan_of(database, Product, table)
    assert counts(plan) == (1, 0, 0, 0, 1)
    assert "1 dòng chỉ có chữ ở cột không dùng nên bỏ qua: dòng 3." in plan.notes


@pytest.mark.fill("demo")
def test_a_group_is_known_by_its_code_and_a_tax_code_by_its_digits(database: Database) -> None:
    _id, name, _product = producer(database)
    code = first(database, Entity.commune_id, name=name)[0]
    group = listed(("Tên sản phẩm", "Chủ thể", "Nhóm sản phẩm"), ("Kẹo mè", name, "I.3"))
    place = first(database, Commune.code, id=code)[0]
    coded = listed(("Tên chủ thể", "Mã xã", "MST"), ("Cơ sở Mới", place, "0100.109.106"))

    assert plan_of(database, Product, group).unfound == []
    assert plan_of(database, Entity, coded, as_of=date(2025, 6, 30)).rows[0].parsed["tax_code"] == "0100109106"


def test_tables_beside_each_other_are_called_so(database: Database) -> None:
    header = ("Tên chủ thể", "Xã", "Tên chủ thể (cột D)", "Xã (cột E)")

    with pytest.raises(OcopError) as refusal:
        plan_of(database, Entity, listed(header, ("HTX Một", "An Thạnh", "HTX Hai", "An Thạnh")))

    said = "Trang tính có nhiều bảng cạnh nhau: “Tên chủ thể”, “Xã” lặp lại. Chép các bảng xuống dưới nhau rồi tải lại."
    assert str(refusal.value) == said


# ---- several values in one cell -----------------------------------------------------------------------------------


@pytest.mark.fill("demo")
@pytest.mark.parametrize("title", ["Số, ngày quyết định", "Quyết định công nhận", "Căn cứ"])
@pytest.mark.parametrize(
    ("cell", "authority"),
    [
        ("123/QĐ-UBND ngày 05/3/2024", ""),
        ("Quyết định số 123/QĐ-UBND, ngày 05 tháng 3 năm 2024 của UBND tỉnh Bến Tre", "UBND tỉnh Bến Tre"),
        ("QĐ số 123/QĐ-UBND\n(05.3.2024)", ""),
        ("123/QĐ-UBND, 5.3.24", ""),
        ("123/QĐ-UBND-05/03/2024", ""),
        ("123/QĐ-UBND. Ngày 5/3/2024", ""),
        ("Ngày 05/03/2024, số 123/QĐ-UBND", ""),
    ],
)
def test_a_decision_and_its_day_in_one_cell_are_taken_apart_and_told(
    database: Database, title: str, cell: str, authority: str
) -> None:
    known = producer(database)
    table = listed(("Sản phẩm", "Chủ thể", "Hạng sao", title), (known.product, known.name, 3, cell))
    plan = plan_of(database, Rating, table)

    read_as = {name: plan.rows[0].parsed.get(name) or "" for name in ("decision_number", "decided_on", "authority")}
    assert read_as == {"decision_number": "123/QĐ-UBND", "decided_on": "2024-03-05", "authority": authority}
    assert (plan.unfound, plan.rows[0].raw[3]) == ([], cell)
    (told,) = plan.repairs
    assert (told.key, told.cells[0][:3]) == (f"quyet-dinh:{title}", (2, title, cell))
    kept = plan_of(database, Rating, table, keep=[told.key])
    assert [each.kept for each in kept.repairs] == [True]
    assert kept.counts["refused"] == 1


@pytest.mark.fill("demo")
def test_a_decision_must_agree_with_the_column_of_its_day(database: Database) -> None:
    known = producer(database)
    header = ("Sản phẩm", "Chủ thể", "Hạng sao", "Số quyết định", "Ngày quyết định")
    rows = [(known.product, known.name, 3, "12/QĐ-UBND ngày 05/3/2024", day) for day in (date(2024, 3, 5), MARCH)]

    agreeing, other = (plan_of(database, Rating, listed(header, row)) for row in rows)
    assert counts(agreeing) == (1, 0, 0, 0, 0)
    assert sentences(other)[0] == (
        "Cột “Số quyết định” ghi “05/03/2024”, cột “Ngày quyết định” ghi “01/03/2024”. Ghi cho giống nhau."
    )


@pytest.mark.fill("demo")
@pytest.mark.parametrize(
    "cell", ["85,5 điểm – 4 sao", "85,5 điểm (đạt 4 sao)", "4 sao (85,5 điểm)", "85.5đ/4 sao", "85,5 điểm, xếp hạng 4*"]
)
@pytest.mark.parametrize("title", ["Hạng sao", "Điểm", "Kết luận", "Kết quả"])
def test_points_and_stars_in_one_cell_are_taken_apart_and_told(database: Database, title: str, cell: str) -> None:
    known = producer(database)
    table = listed(("Sản phẩm", "Chủ thể", title, "Ngày quyết định"), (known.product, known.name, cell, MARCH))
    plan = plan_of(database, Rating, table)

    assert counts(plan) == (1, 0, 0, 0, 0)
    assert (plan.rows[0].parsed["stars"], plan.rows[0].parsed["mean_points"]) == (4, "85.5")
    assert [each.key for each in plan.repairs] == [f"diem-sao:{title}"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("HTX NN", EntityKind.COOPERATIVE),
        ("Hộ KD", EntityKind.HOUSEHOLD),
        ("Hộ kinh doanh cá thể", EntityKind.HOUSEHOLD),
        ("Cơ sở", EntityKind.HOUSEHOLD),
        ("DN", EntityKind.ENTERPRISE),
        ("Cty TNHH MTV", EntityKind.ENTERPRISE),
        ("Công ty cổ phần", EntityKind.ENTERPRISE),
        ("Hộ SX", EntityKind.PRODUCER_HOUSEHOLD),
        ("Hộ sản xuất, kinh doanh", None),
        ("HTX Thạnh Phú", None),
        ("Hộ gia đình", None),
    ],
)
def test_kinds_of_producers_are_read_shortened_where_they_can_be_one_alone(text: str, kind: EntityKind | None) -> None:
    assert EntityKind.read(text) is kind


@pytest.mark.fill("demo")
def test_a_mail_with_spaces_and_a_word_for_nothing_are_put_right_and_told(database: Database) -> None:
    known = producer(database)
    header = ("Tên chủ thể", "Email", "MST", "Ghi chú")
    plan = plan_of(database, Entity, listed(header, (known.name, "htx.nam @gmail.com", "Không", "Không")))

    parsed = plan.rows[0].parsed
    assert [parsed[name] for name in ("email", "tax_code", "note")] == ["htx.nam@gmail.com", None, "Không"]
    assert [each.key for each in plan.repairs] == ["thu:Email", "trong:MST"]
    two = plan_of(database, Entity, listed(header, (known.name, "a@b.vn; c@d.vn", None, None)))
    assert two.repairs == []
