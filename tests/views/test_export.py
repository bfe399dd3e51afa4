"""Xuất Excel: exactly what the list shows."""

import io
from datetime import date

import openpyxl
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.current import acting_as, system, today
from app.database import Database
from app.services import importing
from app.session import OcopSession
from app.table import Column, Table
from models import Product
from tests.views.conftest import Clerk
from tests.views.page import edit, rows_of


def workbook(client: TestClient, address: str, data: dict[str, str | list[str]] | None = None) -> openpyxl.Workbook:
    answer = client.get(address) if data is None else client.post(address, data=data)
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(io.BytesIO(answer.content))


@pytest.mark.parametrize(
    "query", ["", "?search=dua", "?search=dua&state=returned", "?sortBy=name&sort=desc", "?stars=3"]
)
def test_the_rows_are_those_of_the_list_in_its_order(clerk: Clerk, query: str) -> None:
    xa = clerk("xa")
    more = "&" if query else "?"

    listed = [row[1] for row in rows_of(xa.get(f"/admin/product/list{query}{more}pageSize=100").text)]
    sheet = workbook(xa, f"/admin/product/export/xlsx{query}").worksheets[0]

    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert [f"{row[0]} {row[1]}" for row in rows] == listed
    assert len(rows) == len(listed)


@pytest.mark.parametrize("way", ["asc", "desc"])
def test_what_is_empty_stands_where_the_list_has_it(clerk: Clerk, way: str) -> None:
    query = f"?sortBy=valid_to&sort={way}&pageSize=100"
    tinh = clerk("tinh")

    listed = [row[2] for row in rows_of(tinh.get(f"/admin/province/list{query}").text)]
    sheet = workbook(tinh, f"/admin/province/export/xlsx{query}").worksheets[0]

    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert [row[1] for row in rows][:100] == listed
    assert len({row[4] is None for row in rows}) == 2


def test_headers_are_vietnamese_and_values_keep_their_kind(clerk: Clerk) -> None:
    sheet = workbook(clerk("tinh"), "/admin/product/export/xlsx?stars=4").worksheets[0]

    heads = [cell.value for cell in sheet[1]]
    row = dict(zip(heads, sheet[2], strict=True))
    assert heads[:5] == ["Tên sản phẩm", "Chủ thể", "Nhóm sản phẩm", "Ký hiệu", "Nơi sản xuất"]
    assert row["Hạng sao"].value == 4
    assert isinstance(row["Hết hạn công nhận"].value.date(), date)
    assert row["Hết hạn công nhận"].number_format == "dd/mm/yyyy"


def test_the_district_of_before_stands_with_the_unit_of_before_and_is_not_read_back(
    clerk: Clerk, demo: Database
) -> None:
    sheet = workbook(clerk("tinh"), "/admin/product/export/xlsx").worksheets[0]
    heads, *rows = sheet.iter_rows(values_only=True)
    place = heads.index("Nơi sản xuất")

    assert heads[place + 1 : place + 4] == ("Tỉnh", "Huyện (trước 01/07/2025)", "Trước sắp xếp đơn vị")
    districts = {(bool(row[place + 2]), "huyện" in (row[place + 3] or "")) for row in rows}
    assert districts == {(True, True), (False, False)}
    table = Table(tuple(Column(str(head)) for head in heads), rows, range(2, len(rows) + 2))
    with acting_as(system("kiểm thử")), demo.writing.begin() as session:
        mapped = importing.plan(session, Product, table, as_of=today()).mapped
    assert ("Huyện (trước 01/07/2025)", "", "nơi trước sắp xếp, chỉ để xem") in mapped


def test_codes_are_text(clerk: Clerk) -> None:
    sheet = workbook(clerk("tinh"), "/admin/province/export/xlsx?search=ha noi").worksheets[0]

    codes = [cell.value for cell in sheet["B"][1:]]
    assert codes
    assert set(codes) == {"01"}


@pytest.mark.parametrize(("screen", "head"), [("cycle", "Năm"), ("cycle-step", "Bước")])
def test_years_and_numbers_of_order_have_no_dots(clerk: Clerk, screen: str, head: str) -> None:
    sheet = workbook(clerk("tinh"), f"/admin/{screen}/export/xlsx").worksheets[0]

    cell = dict(zip([c.value for c in sheet[1]], sheet[2], strict=True))[head]
    assert (cell.data_type, cell.number_format) == ("n", "General")


def test_ticked_rows_alone(clerk: Clerk, look: OcopSession) -> None:
    ids = [str(i) for i in look.scalars(select(Product.id).order_by(Product.id).limit(3))]

    sheet = workbook(clerk("tinh"), "/admin/product/export/xlsx", {"pks": ids, "query": ""}).worksheets[0]

    assert sheet.max_row == 4


def test_the_second_sheet_says_what_it_is(clerk: Clerk) -> None:
    book = workbook(clerk("xa"), "/admin/product/export/xlsx?search=dua&state=returned")

    about = {row[0]: row[1] for row in book.worksheets[1].iter_rows(min_row=2, values_only=True)}
    assert book.sheetnames == ["Sản phẩm", "Thông tin"]
    assert about["Tìm"] == "dua"
    assert about["Lọc: Trạng thái"] == "Bị trả lại"
    assert about["Người xuất"].startswith("Phạm Ngọc Diệp")
    assert about["Số dòng"] == str(book.worksheets[0].max_row - 1)


@pytest.mark.parametrize("text", ["=1+1", "+84", "-5", "@SUM(A1)", '=HYPERLINK("http://x","y")'])
def test_what_looks_like_a_formula_stays_text(clerk: Clerk, look: OcopSession, text: str) -> None:
    product = look.scalars(select(Product).where(Product.name == "Kem dừa sáp")).one()
    xa = clerk("xa")
    edit(xa, product, name=text)

    sheet = workbook(xa, f"/admin/product/export/xlsx?pks={product.id}").worksheets[0]

    cell = sheet["A2"]
    assert (cell.value, cell.data_type) == (text, "s") or (cell.value, cell.data_type) == (text, "inlineStr")


def test_an_area_sees_only_its_rows(clerk: Clerk, look: OcopSession) -> None:
    everything = look.scalars(select(Product.name)).all()

    sheet = workbook(clerk("xa"), "/admin/product/export/xlsx").worksheets[0]

    assert 0 < sheet.max_row - 1 < len(everything)
    assert "Miến gạo tôm lúa" not in [cell.value for cell in sheet["A"]]
