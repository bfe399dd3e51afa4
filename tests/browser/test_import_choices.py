"""What a clerk settles on the page of an import: sheets, columns, cells put right, values, and what moved since."""

import re
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import Font
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.session import OcopSession
from models import Entity, ImportBatch, Product
from tests.browser.conftest import Watched
from tests.browser.test_day import sign_in
from tests.browser.test_import import listed
from tests.views.conftest import look

__all__ = ["look"]

pytestmark = pytest.mark.browser


def send(watched: Watched, path: Path, *, kind: str, sender: str = "") -> None:
    watched.open(f"/admin/import?loai={kind}")
    if watched.page.get_by_label("Tên đăng nhập").count():
        sign_in(watched, "tinh")
    watched.page.get_by_label("Nơi gửi tệp").fill(sender)
    watched.page.set_input_files("#file", path)
    watched.page.get_by_role("button", name="Xem trước thay đổi").click()


def look_again(page: Page) -> None:
    page.get_by_role("button", name="Xem lại với các lựa chọn này").first.click()


def write(page: Page, counted: str) -> None:
    page.get_by_role("button", name=f"Nhập {counted}").click()
    expect(page.get_by_text(f"Đã nhập {counted}")).to_be_visible()


def results(path: Path, product: Product) -> Path:
    """Two years on two sheets beside a hidden one: a hidden row and column, days in two orders and as numbers."""
    titles = ("Sản phẩm", "Chủ thể", "Điểm trung bình", "Hạng sao", "Ngày quyết định", "Số quyết định", "Số tờ")
    who = (product.name, product.entity.name)
    book = openpyxl.Workbook()
    book.worksheets[0].title = "Năm 2021"
    for row in (titles, (*who, 76, 4, "20/05/2021", "11/QĐ-UBND", 1)):
        book.worksheets[0].append(row)
    sheet = book.create_sheet("Năm 2023")
    for row in (
        titles,
        (*who, "76,5", 4, "03/04/2023", "12/QĐ-UBND", 1),
        (*who, "77,5", 4, "12/25/2023", "13/QĐ-UBND", 1),
        (*who, "78,5", 4, 45092, "14/QĐ-UBND", 1),
    ):
        sheet.append(row)
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["G"].hidden = True
    book.create_sheet("Nháp").sheet_state = "hidden"
    book.save(path)
    return path


def test_sheets_hidden_parts_and_days_are_announced_and_settled(
    watched: Watched, look: OcopSession, tmp_path: Path
) -> None:
    page = watched.page
    product = look.scalars(select(Product).order_by(Product.id)).first()
    assert product is not None

    # Another sheet than the one found, by the list of those there are.
    send(watched, results(tmp_path / "ket-qua.xlsx", product), kind="rating")
    expect(page.get_by_text("Không đọc trang tính ẩn: “Nháp”.")).to_be_visible()
    page.locator("summary", has_text="Cách đọc tệp").click()
    page.get_by_label("Trang tính").select_option("Năm 2021")
    look_again(page)
    expect(page.get_by_role("button", name="Nhập 1 dòng: 1 mới")).to_be_visible()
    page.locator("summary", has_text="Cách đọc tệp").click()
    page.get_by_label("Trang tính").select_option("Năm 2023")
    look_again(page)

    # What is hidden is read and announced; days in two orders are one question; a number became a day, told.
    expect(page.get_by_text("Trang tính có 1 dòng ẩn (dòng 3), vẫn được đọc.")).to_be_visible()
    expect(page.get_by_text("Trang tính có 1 cột ẩn (cột G), vẫn được đọc.")).to_be_visible()
    expect(page.get_by_role("heading", name="1 giá trị chưa nhận ra")).to_be_visible()
    expect(page.get_by_role("row", name="Ngày quyết định 45092 15/06/2023")).to_be_visible()
    watched.screen("50-nhap-ngay-hai-kieu")
    keep = page.get_by_role("checkbox", name="Giữ như trong tệp")
    keep.check()
    page.get_by_label("Ngày quyết định “cả cột” là").select_option("ngay")
    look_again(page)
    expect(page.get_by_text("“45092” chưa đọc được là ngày").first).to_be_visible()
    watched.screen("51-nhap-giu-nhu-trong-tep")
    keep.uncheck()
    look_again(page)

    write(page, "3 dòng: 3 mới")


def test_old_fonts_are_shown_before_and_after_and_an_empty_cell_clears_only_when_ticked(
    watched: Watched, look: OcopSession, tmp_path: Path
) -> None:
    page = watched.page
    product = look.scalars(select(Product).where(Product.packaging.is_not(None)).order_by(Product.id)).first()
    assert product is not None
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        ("Tên sản phẩm", "Chủ thể", "Quy cách"),
        (product.name, product.entity.name, None),
        ("B¸nh tr¸ng BÕn Tre", product.entity.name, "x"),
    ):
        sheet.append(row)
    sheet["A3"].font = Font(name=".VnTime")
    book.save(tmp_path / "phong-cu.xlsx")

    send(watched, tmp_path / "phong-cu.xlsx", kind="product")
    cell = page.get_by_role("row").filter(has_text="B¸nh tr¸ng BÕn Tre")
    expect(cell).to_contain_text("Bánh tráng Bến Tre")
    expect(page.get_by_role("button", name="Nhập 1 dòng: 1 mới")).to_be_visible()
    watched.screen("52-nhap-phong-cu")
    page.locator("summary", has_text="Cách đọc tệp").click()
    page.get_by_label("Ô trống xóa giá trị đang có").check()
    look_again(page)

    expect(page.get_by_role("heading", name="1 sản phẩm thay đổi")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Quy cách đóng gói").first).to_contain_text("(trống)")
    watched.screen("53-nhap-o-trong-xoa")
    write(page, "2 dòng: 1 mới, 1 thay đổi")
    look.rollback()
    look.expire_all()
    assert not look.get_one(Product, product.id).packaging
    assert (
        look.scalars(select(Product).where(Product.name == "Bánh tráng Bến Tre")).one().entity_id == product.entity_id
    )


def test_what_a_sender_means_is_remembered_and_what_moved_since_is_asked_again(
    watched: Watched, look: OcopSession, tmp_path: Path
) -> None:
    page = watched.page
    entity = look.scalars(select(Entity).order_by(Entity.id)).first()
    product = look.scalars(select(Product).order_by(Product.id)).first()
    assert entity is not None
    assert product is not None
    titles = ("Tên sản phẩm", "Chủ thể", "Quy cách")

    # A producer nobody knows is found by typing; the same product twice names both lines.
    first = listed(
        tmp_path / "thang-10.xlsx",
        titles,
        ("Khô cá lưỡi trâu", "Cơ sở Út Hiền", "gói 200 g"),
        ("Khô cá khoai", entity.name, "gói 200 g"),
        ("Khô cá khoai", entity.name, "gói 300 g"),
        (f"{product.name} mới", product.entity.name, "gói"),
    )
    send(watched, first, kind="product", sender="xã Thạnh Hải")
    expect(page.get_by_text("Dòng 3 và 4 là cùng một sản phẩm").first).to_be_visible()
    alike = page.get_by_role("region", name="Dòng gần giống bản ghi đã có")
    expect(alike.get_by_role("link", name=f"{product.name}, {product.entity.name}", exact=True)).to_be_visible()
    page.get_by_label("hoặc tìm trong danh sách").press_sequentially(entity.name)
    page.get_by_role("option", name=entity.name).first.click()
    look_again(page)
    expect(page.get_by_role("button", name="Chỉ nhập 2 dòng: 2 mới")).to_be_visible()
    watched.screen("54-nhap-gan-giong")
    page.get_by_role("button", name="Chỉ nhập 2 dòng: 2 mới").click()
    expect(page.get_by_text("Đã nhập 2 dòng: 2 mới")).to_be_visible()

    # The next file of the same sender: its producer is known, and its layout is not what it was.
    rows = [("Khô cá lưỡi trâu", "Cơ sở Út Hiền", "gói 500 g", "kg"), ("Khô cá sặc", "Cơ sở Út Hiền", "gói", "kg")]
    second = listed(tmp_path / "thang-11.xlsx", (*titles, "Đơn vị tính"), *rows)
    send(watched, second, kind="product", sender="xã Thạnh Hải")
    expect(page.get_by_text("Tệp của xã Thạnh Hải khác lần trước: thêm cột “Đơn vị tính”.")).to_be_visible()
    expect(page.get_by_role("button", name="Nhập 2 dòng: 1 mới, 1 thay đổi")).to_be_visible()
    plan = page.url

    # Someone changes the product meanwhile: nothing is written before the clerk has seen it.
    look.rollback()
    dried = look.scalars(select(Product).where(Product.name == "Khô cá lưỡi trâu")).one()
    watched.open(f"/admin/product/edit/{dried.id}")
    page.get_by_label("Quy cách đóng gói").fill("gói 500 g")
    page.get_by_role("button", name="Lưu", exact=False).first.click()
    page.goto(plan)
    page.get_by_role("button", name="Nhập 2 dòng: 1 mới, 1 thay đổi").click()
    expect(page.locator(":focus")).to_contain_text("Sổ đã thay đổi sau khi xem trước nên chưa ghi dòng nào")
    expect(page.get_by_text("dòng 2 “Khô cá lưỡi trâu", exact=False).first).to_be_visible()
    watched.screen("55-nhap-so-da-doi")
    write(page, "1 dòng: 1 mới")

    # The same file again is recognised, and says which rows are otherwise by now.
    watched.open(f"/admin/product/edit/{dried.id}")
    page.get_by_label("Quy cách đóng gói").fill("gói 1 kg")
    page.get_by_role("button", name="Lưu", exact=False).first.click()
    send(watched, second, kind="product", sender="xã Thạnh Hải")
    expect(page.get_by_text(re.compile("Tệp này đã nhập lúc .* đợt nhập số 2.*1 dòng nay khác"))).to_be_visible()
    watched.screen("56-nhap-tep-da-nhap")

    # Each batch says how it stands within its column.
    watched.open("/admin/import-batch/list")
    waits = page.get_by_role("cell", name="Chờ xác nhận")
    cell, tag = waits.bounding_box(), waits.locator(".o-tag").bounding_box()
    assert cell is not None
    assert tag is not None
    assert tag["x"] + tag["width"] <= cell["x"] + cell["width"]


def test_a_template_of_incomplete_records_is_filled_in_and_a_row_in_use_stays(
    watched: Watched, look: OcopSession, tmp_path: Path
) -> None:
    page = watched.page
    watched.open("/admin/import?loai=product")
    sign_in(watched, "tinh")
    with page.expect_download() as waiting:
        page.locator("a[href*='/import/template/product?day-du=1']").click()
    filled = tmp_path / "con-thieu.xlsx"
    waiting.value.save_as(filled)
    book = openpyxl.load_workbook(filled)
    places = {cell.value: cell.column_letter for cell in book.worksheets[0][1]}
    book.worksheets[0][f"{places['Mã số sản phẩm']}2"] = "0012"
    book.save(filled)
    send(watched, filled, kind="product")
    expect(page.get_by_role("button", name="Nhập 1 dòng: 1 thay đổi")).to_be_visible()
    watched.screen("57-nhap-tep-mau-da-dien")
    write(page, "1 dòng: 1 thay đổi")

    # A producer made by an import has a product by now: the undo says so, and what to do.
    commune = look.scalars(select(Entity).order_by(Entity.id)).first()
    assert commune is not None
    titles = ("Tên chủ thể", "Loại hình", "Mã xã")
    makers = [(name, "Hợp tác xã", commune.commune.code) for name in ("HTX Cồn Nhàn", "HTX Cồn Lợi")]
    send(watched, listed(tmp_path / "chu-the.xlsx", titles, *makers), kind="entity")
    write(page, "2 dòng: 2 mới")
    made = page.url
    dried = listed(tmp_path / "mot.xlsx", ("Tên sản phẩm", "Chủ thể"), ("Khô cá khoai Cồn Nhàn", "HTX Cồn Nhàn"))
    send(watched, dried, kind="product")
    write(page, "1 dòng: 1 mới")
    page.goto(made)
    page.get_by_role("link", name="Hoàn tác đợt nhập").click()
    expect(page.get_by_role("heading", name="1 dòng giữ vì đang được dùng")).to_be_visible()
    expect(page.get_by_role("row", name="HTX Cồn Nhàn")).to_contain_text("Đang được dùng: 1 sản phẩm")
    watched.screen("58-hoan-tac-dang-duoc-dung")
    page.get_by_role("button", name="Hoàn tác 1 dòng, giữ 1 dòng").click()
    expect(page.locator(":focus")).to_contain_text("Đã hoàn tác lúc")
    look.rollback()
    names = look.scalars(select(Entity.name).where(Entity.name.startswith("HTX Cồn"))).all()
    assert "HTX Cồn Nhàn" in names
    assert "HTX Cồn Lợi" not in names
    assert look.scalars(select(ImportBatch.number).order_by(ImportBatch.number.desc())).first() == 3
