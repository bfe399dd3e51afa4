"""Workbooks to fill in: what stands in them, and that an import takes them back without a change."""

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.current import acting_as
from app.database import Database
from app.files import read
from app.files.titles import GUIDE_SHEET, INPUT_SHEET, LISTS_SHEET
from app.services import importing
from app.services.importing.template import day_of, template
from app.table import Table
from models import (
    Commune,
    CommuneSuccession,
    CriteriaSet,
    District,
    Entity,
    Participation,
    Product,
    Rating,
    Representative,
    RowAction,
)
from models.base import Base
from tests import world

pytestmark = [pytest.mark.fill("demo"), pytest.mark.usefixtures("at_the_command_line")]

TODAY = date(2026, 11, 25)


@pytest.fixture(params=importing.importable(), ids=lambda model: str(model.__screen__))
def model(request: pytest.FixtureRequest) -> type[Base]:
    found: type[Base] = request.param
    return found


def made(database: Database, model: type[Base], *, filled: bool = False) -> bytes:
    with database.reading() as session:
        return template(session, model, as_of=TODAY, filled=filled)


def table_of(content: bytes, model: type[Base]) -> Table:
    return read(content, name="mẫu.xlsx", known=importing.known_titles(model))


def plan_of(database: Database, model: type[Base], table: Table) -> importing.Plan:
    with database.writing.begin() as session:
        return importing.plan(session, model, table, as_of=day_of(model, TODAY))


def oddly_written(database: Database) -> None:
    """Rows with everything a cell can go wrong with, and none of them complete."""
    with database.writing.begin() as session, session.doing("sửa"):
        product = session.scalars(select(Product).where(Product.group_id.is_not(None)).order_by(Product.id)).first()
        ended = session.scalars(select(Entity).join(Entity.commune).where(Commune.valid_to.is_not(None))).first()
        rating = session.scalars(select(Rating).order_by(Rating.id)).first()
        commune = session.scalars(select(Commune).where(Commune.code == "29182", Commune.valid_to.is_(None))).one()
        assert product is not None
        assert ended is not None
        assert rating is not None
        product.code, product.packaging, product.standard = "0012", "=1+1", "-5 đến 05/03"
        product.description = "Dòng một\nDòng hai"
        ended.tax_code, ended.phone = "0100109106", "0913000142"
        rating.criteria_set = session.scalars(select(CriteriaSet).order_by(CriteriaSet.id)).first()
        rating.decision_number, rating.authority = "0870", ""
        commune.legal_basis = ""
        session.scalars(select(District).order_by(District.id)).first().legal_basis = ""  # type: ignore[union-attr]


def test_what_misses_something_comes_out_and_goes_in_again_without_a_change(
    any_database: Database, model: type[Base]
) -> None:
    oddly_written(any_database)
    table = table_of(made(any_database, model, filled=True), model)
    plan = plan_of(any_database, model, table)

    assert plan.counts == dict.fromkeys(RowAction, 0) | {RowAction.SAME: len(plan.rows)}
    assert not plan.writes
    # An entry is a product in a cycle, a succession is two units, and nothing more: none is ever incomplete.
    assert bool(plan.rows) == (model not in (Participation, CommuneSuccession))


def test_every_column_is_known_to_the_import_by_its_exact_name(database: Database, model: type[Base]) -> None:
    table = table_of(made(database, model, filled=True), model)
    plan = plan_of(database, model, table)

    assert table.header == (1,)
    assert table.sheet == INPUT_SHEET
    assert table.notes == ()
    assert {reason for _title, _path, reason in plan.mapped} == {"đúng tên cột"}
    own = {path for path in importing.importable_paths(model) if "." not in path}
    assert own <= {path for _title, path, _reason in plan.mapped}


def test_a_blank_one_is_read_as_an_empty_list(database: Database, model: type[Base]) -> None:
    content = made(database, model)
    table = table_of(content, model)

    assert list(table.rows) == []
    assert "không có dòng nào" in plan_of(database, model, table).notes[-1]
    # The second reader opens it too, and the lists are out of the way.
    lists = [] if model is Representative else [LISTS_SHEET]  # who signs chooses from no list and lies in no place
    assert CalamineWorkbook.from_filelike(io.BytesIO(content)).sheet_names == [INPUT_SHEET, GUIDE_SHEET, *lists]


def test_a_record_filled_in_is_imported(database: Database) -> None:
    book = openpyxl.load_workbook(io.BytesIO(made(database, Product)))
    sheet = book[INPUT_SHEET]
    titles = {cell.value: cell.column_letter for cell in sheet[1]}
    with database.reading() as session:
        entity = session.scalars(select(Entity.name).order_by(Entity.id)).first()
    sheet[f"{titles['Tên sản phẩm']}2"] = "Kẹo mè xửng Mỏ Cày"
    sheet[f"{titles['Chủ thể']}2"] = entity
    kept = io.BytesIO()
    book.save(kept)

    plan = plan_of(database, Product, table_of(kept.getvalue(), Product))

    assert plan.counts[RowAction.NEW] == 1, plan.rows[0].problems


def sheet_of(database: Database, model: type[Base]) -> Any:
    return openpyxl.load_workbook(io.BytesIO(made(database, model)))


def test_lists_are_offered_and_stand_on_a_hidden_sheet(database: Database) -> None:
    book = sheet_of(database, Entity)
    letters = {cell.value: cell.column_letter for cell in book[INPUT_SHEET][1]}
    offered = {str(each.sqref).partition("2:")[0]: each for each in book[INPUT_SHEET].data_validations.dataValidation}
    lists = book[LISTS_SHEET]

    assert lists.sheet_state == "hidden"
    kind, commune = offered[letters["Loại hình"]], offered[letters["Xã, phường"]]
    assert (kind.errorStyle, commune.errorStyle) == ("stop", "warning")
    _sheet, _, where = kind.formula1.partition("!")
    chosen = [row[0].value for row in lists[where.replace("$", "")]]
    assert chosen[0] == "Hợp tác xã"
    assert all(len(each.formula1) < 255 for each in offered.values())


def test_codes_are_text_days_are_days_and_keys_are_marked(database: Database) -> None:
    book = sheet_of(database, Rating)
    sheet = book[INPUT_SHEET]
    by_title = {cell.value: cell for cell in sheet[1]}

    def number_format(title: str) -> str:
        found: str = sheet.column_dimensions[by_title[title].column_letter].number_format
        return found

    assert number_format("Số quyết định") == "@"
    assert number_format("Ngày quyết định") == "dd/mm/yyyy"
    assert "Cột để nhận ra bản ghi" in by_title["Ngày quyết định"].comment.text
    assert "Cột để nhận ra bản ghi" not in by_title["Số quyết định"].comment.text
    assert by_title["Ngày quyết định"].fill.fgColor.rgb != by_title["Số quyết định"].fill.fgColor.rgb
    assert sheet.freeze_panes == "A2"
    guide = {row[0].value: [cell.value for cell in row] for row in book[GUIDE_SHEET].iter_rows()}
    assert guide["Ngày quyết định"][1:4] == ["phải ghi", "ngày/tháng/năm", "05/03/2026"]
    assert set(by_title) <= set(guide)


def test_a_clerk_is_offered_places_and_given_records_of_the_own_area(database: Database) -> None:
    with database.reading() as session:
        own = session.scalars(select(Commune).where(Commune.code == "29182", Commune.valid_to.is_(None))).one()
        names = set(session.scalars(select(Entity.name).where(Entity.commune_id == own.id)))
        actor = world.clerk()
    area = actor.area.__class__(communes=frozenset({own.id}))
    with acting_as(actor.__class__(actor.name, area, actor.user_id, actor.role, actor.rights)):
        content = made(database, Entity, filled=True)

    book = openpyxl.load_workbook(io.BytesIO(content))
    lists = {column[0].value: [cell.value for cell in column[1:] if cell.value] for column in book[LISTS_SHEET].columns}
    assert lists["Xã, phường"] == [own.name]
    assert {row[0].value for row in book[INPUT_SHEET].iter_rows(min_row=2)} == names


def test_a_record_whose_commune_has_ended_is_left_out_and_said_unless_another_key_names_it(database: Database) -> None:
    oddly_written(database)
    book = openpyxl.load_workbook(io.BytesIO(made(database, Entity, filled=True)))
    rows = [[cell.value for cell in row] for row in book[INPUT_SHEET].iter_rows(min_row=2)]
    at = [cell.value for cell in book[INPUT_SHEET][1]].index("Mã số thuế")
    said = [row[0].value for row in book[GUIDE_SHEET].iter_rows(max_row=6)]

    with_code = next(row for row in rows if row[at] == "0100109106")
    assert with_code[at + 2 : at + 4] == [None, None]
    assert any("xã, phường ghi ở đó nay không còn" in (sentence or "") for sentence in said)
    assert any("1 bản ghi trong tệp có ô tên, mã xã để trống" in (each or "") for each in said)
