"""A clerk's whole day, in a real browser, on real input."""

from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.session import OcopSession
from models import AuditEntry, Commune, ImportBatch, Product
from tests.browser.conftest import Watched
from tests.conftest import DEMO_PASSWORD
from tests.views.conftest import look

__all__ = ["look"]

pytestmark = pytest.mark.browser


def sign_in(watched: Watched, username: str, password: str = DEMO_PASSWORD) -> None:
    watched.page.get_by_label("Tên đăng nhập").fill(username)
    watched.page.get_by_label("Mật khẩu", exact=True).fill(password)
    watched.page.get_by_role("button", name="Đăng nhập").click()


def test_what_was_typed_outlives_the_session(watched: Watched, look: OcopSession) -> None:
    page = watched.page
    kem = look.scalars(select(Product).where(Product.name == "Kem dừa sáp")).one()
    form, note = f"/admin/product/edit/{kem.id}", page.get_by_text("Đã khôi phục những gì bạn đang gõ")
    watched.open(form)
    sign_in(watched, "xa")
    expect(note).to_be_hidden()
    page.get_by_label("Quy cách đóng gói").fill("Hũ 120 g")

    page.context.clear_cookies()
    page.get_by_role("button", name="Lưu", exact=False).first.click()
    expect(page.get_by_text("những gì đã gõ còn giữ")).to_be_visible()
    watched.screen("phien-da-het")
    sign_in(watched, "xa", "mật khẩu sai")
    sign_in(watched, "xa")
    expect(note).to_be_visible()
    expect(page.get_by_label("Quy cách đóng gói")).to_have_value("Hũ 120 g")
    expect(page.get_by_text("Có 1 chỗ chưa lưu")).to_be_visible()
    watched.screen("da-khoi-phuc")
    page.get_by_role("button", name="Lưu", exact=False).first.click()
    expect(page.get_by_text("Đã lưu sản phẩm “Kem dừa sáp”")).to_be_visible()

    # Saved, there is nothing to give back; nor is there for someone else, nor after signing out.
    watched.open(form)
    expect(page.get_by_label("Quy cách đóng gói")).to_have_value("Hũ 120 g")
    expect(note).to_be_hidden()
    for leave in ("someone else", "signing out"):
        page.get_by_label("Quy cách đóng gói").fill("Hũ 90 g")
        page.context.clear_cookies()
        page.get_by_role("button", name="Lưu", exact=False).first.click()
        expect(page.get_by_text("những gì đã gõ còn giữ")).to_be_visible()
        if leave == "signing out":
            watched.open("/admin/login")
            sign_in(watched, "tinh")
            watched.open(form)
        else:
            sign_in(watched, "tinh")
        expect(page.get_by_label("Quy cách đóng gói")).to_have_value("Hũ 120 g")
        expect(note).to_be_hidden()


def test_the_whole_day_of_a_province_clerk(
    watched: Watched, look: OcopSession, shared_data: Path, tmp_path: Path
) -> None:
    page = watched.page

    # Signing in: a wrong password first, then back to the page asked for.
    watched.open("/admin/district/list?search=huyện&page=1")
    watched.screen("01-dang-nhap")
    sign_in(watched, "tinh", "mật khẩu sai")
    expect(page.get_by_text("Tên đăng nhập hoặc mật khẩu chưa đúng. Còn 4 lần thử.")).to_be_visible()
    watched.screen("02-dang-nhap-sai")
    sign_in(watched, "tinh")
    expect(page.get_by_role("heading", level=1)).to_have_text("Huyện")

    # The nine districts of Bến Tre, and a commune of one of them.
    watched.open("/admin/")
    watched.screen("03-trang-chu")
    watched.open("/admin/district/list")
    page.locator("summary", has_text="Bộ lọc").click()
    page.get_by_label("Tỉnh, thành phố").fill("ben tre")
    page.get_by_role("option", name="Tỉnh Bến Tre").click()
    page.get_by_role("button", name="Áp dụng").click()
    expect(page.get_by_text("9 khớp bộ lọc")).to_be_visible()
    watched.screen("04-huyen-ben-tre")
    page.get_by_role("link", name="Huyện Thạnh Phú", exact=True).click()
    watched.screen("05-huyen-thanh-phu")

    # An official list as it was downloaded: nothing in it is new.
    page.get_by_role("link", name="Nhập liệu").click()
    page.get_by_label("Loại dữ liệu").select_option(label="Chủ thể")
    expect(page.get_by_label("Danh mục tại ngày nào (không bắt buộc)")).to_be_visible()
    page.get_by_label("Loại dữ liệu").select_option(label="Xã, phường")
    expect(page.get_by_label("Danh mục tại ngày nào", exact=True)).to_be_visible()
    watched.screen("06-nhap-lieu")
    page.get_by_label("Danh mục tại ngày").fill("01/02/2021")
    page.set_input_files("input[type=file]", shared_data / "gso_ben_tre_2021-02-01.xls")
    page.get_by_role("button", name="Xem trước thay đổi").click()
    expect(page.get_by_text("157", exact=True).first).to_be_visible()
    watched.screen("07-xem-truoc-khong-doi")

    # A hand-typed list: one commune renamed, one new, one row that lost its zero.
    typed = hand_typed(tmp_path)
    watched.open("/admin/import")
    page.get_by_label("Danh mục tại ngày").fill("01/10/2026")
    page.get_by_label("Tỉnh của danh mục").select_option("86")
    page.set_input_files("input[type=file]", typed)
    page.get_by_role("button", name="Xem trước thay đổi").click()
    watched.screen("08-xem-truoc-thay-doi")
    page.get_by_role("button", name="Nhập 2 dòng").click()
    watched.screen("09-ket-qua-nhap")
    look.rollback()
    renamed = look.scalars(select(Commune).where(Commune.code == "29182", Commune.valid_to.is_(None))).one()
    assert renamed.name == "Xã Thạnh Phú Mới"
    assert look.scalars(select(ImportBatch).where(ImportBatch.number.is_not(None))).one().counts["changed"] == 1

    # Edit a product; a mistake first.
    watched.open("/admin/product/list")
    page.keyboard.press("/")
    page.keyboard.type("kem dua")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Kem dừa sáp").click()
    watched.screen("10-ho-so-san-pham")
    page.get_by_role("link", name="Sửa").click()
    page.get_by_label("Tên sản phẩm").fill("")
    page.get_by_role("button", name="Lưu", exact=False).first.click()
    expect(page.get_by_role("heading", name="Có 1 mục cần sửa")).to_be_visible()
    watched.screen("11-sua-co-loi")
    page.get_by_label("Tên sản phẩm").fill("Kem dừa sáp Cồn Lớn")
    page.get_by_label("Quy cách đóng gói").fill("Hũ 120 g")
    page.get_by_role("button", name="Lưu", exact=False).first.click()
    expect(page.get_by_text("Đã lưu sản phẩm “Kem dừa sáp Cồn Lớn”")).to_be_visible()
    page.get_by_role("link", name="Lịch sử").click()
    expect(page.get_by_text("Hũ 120 g")).to_be_visible()
    watched.screen("12-lich-su")

    # Move products to their next step: tick, check, confirm.
    watched.open("/admin/product/list?step=3")
    for name in ("Ruốc tôm sả ớt", "Trà bí đao túi lọc"):
        page.get_by_role("checkbox", name=f"Chọn {name}").check()
    watched.screen("13-da-chon")
    page.get_by_role("button", name="Chuyển bước…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Chuyển sang bước 4")
    watched.screen("14-chuyen-buoc-kiem-tra")
    page.get_by_label("Ghi chú").fill("Đã dự tập huấn ngày 18/11/2026.")
    page.get_by_role("button", name="Chuyển 2 sản phẩm sang bước 4").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Đã chuyển 2 sản phẩm sang bước 4")
    watched.screen("15-chuyen-buoc-ket-qua")

    # The Excel asked for.
    watched.open("/admin/product/list?search=dua&stars=3")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Xuất Excel").click()
    waiting.value.save_as(tmp_path / "san-pham.xlsx")
    book = openpyxl.load_workbook(tmp_path / "san-pham.xlsx")
    assert waiting.value.suggested_filename.startswith("Sản phẩm ")
    assert book.worksheets[0]["A1"].value == "Tên sản phẩm"
    assert book.worksheets[0].max_row > 2

    # Sign out; the way back is closed.
    page.locator("summary.o-me").click()
    page.get_by_role("button", name="Đăng xuất").click()
    watched.open("/admin/product/list")
    expect(page.get_by_role("heading", name="Đăng nhập")).to_be_visible()

    look.rollback()
    assert look.scalars(select(Product).where(Product.name == "Kem dừa sáp Cồn Lớn")).one().packaging == "Hũ 120 g"
    assert look.scalars(select(AuditEntry.actor).where(AuditEntry.verb == "chuyển bước")).all()


def hand_typed(folder: Path) -> Path:
    """The columns of an official list in another order, as a clerk would type them."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Tên xã", "Mã xã", "Loại xã"])
    sheet.append(["Xã Thạnh Phú Mới", "29182", "Xã"])
    sheet.append(["Xã Cồn Ngang", "29999", "Xã"])
    path = folder / "Danh muc xa (sua tay).xlsx"
    book.save(path)
    return path


def test_two_clerks_save_the_same_product(watched: Watched, look: OcopSession) -> None:
    page = watched.page
    product = look.scalars(select(Product).where(Product.name == "Kem dừa sáp")).one()
    watched.open(f"/admin/product/edit/{product.id}")
    sign_in(watched, "xa")
    other = page.context.browser.new_context().new_page()  # type: ignore[union-attr]  # launched by us
    second = Watched(other, watched.address)
    second.open(f"/admin/product/edit/{product.id}")
    sign_in(second, "tinh")
    other.get_by_label("Quy cách đóng gói").fill("Hũ thủy tinh 200 g")
    other.get_by_label("Tiêu chuẩn công bố").fill("TCCS 05:2026")
    other.get_by_role("button", name="Lưu", exact=False).first.click()
    expect(other.get_by_text("Đã lưu sản phẩm")).to_be_visible()

    page.get_by_label("Quy cách đóng gói").fill("Hũ nhựa 250 g")
    page.get_by_role("button", name="Lưu", exact=False).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("vừa sửa sản phẩm này lúc")
    watched.screen("16-xung-dot")
    page.get_by_role("radio", name="Hũ nhựa 250 g").check()
    page.get_by_role("button", name="Lưu bản đã gộp").click()

    expect(page.get_by_text("Đã lưu sản phẩm")).to_be_visible()
    look.rollback()
    assert (product.packaging, product.standard) == ("Hũ nhựa 250 g", "TCCS 05:2026")
    other.context.close()


@pytest.mark.parametrize("third", [0, 1, 2])
@pytest.mark.parametrize("username", ["admin", "tinh"])
def test_every_screen_of_everyone_is_sound(watched: Watched, username: str, third: int) -> None:
    """Every address of the menu, with the first record and the empty form behind it; a third of them at a time."""
    page = watched.page
    watched.open("/admin/")
    sign_in(watched, username)
    menu = page.eval_on_selector_all("nav.o-nav a", "links => links.map(link => link.getAttribute('href'))")
    addresses = list(dict.fromkeys(menu))
    assert len(addresses) > 12

    for address in addresses[third::3]:
        watched.open(address)
        watched.screen(f"{username}-{address.strip('/').replace('/', '-')}")
        first = page.locator("tbody th a").first
        if first.count():
            first.click()
            watched.screen(f"{username}-{address.strip('/').replace('/', '-')}-1")
        watched.open(address)
        new = page.locator("a[data-key=n]")
        if new.count():
            new.click()
            watched.screen(f"{username}-{address.strip('/').replace('/', '-')}-them")


def test_a_page_works_by_keyboard_alone_at_200_percent(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 512, "height": 384})
    watched.open("/admin/product/list")
    sign_in(watched, "xa")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sản phẩm")
    page.keyboard.press("j")
    page.keyboard.press("Enter")

    page.wait_for_url("**/admin/product/details/*")
    watched.screen("17-ban-phim")


def test_errors_have_a_page(watched: Watched) -> None:
    watched.open("/admin/product/list")
    sign_in(watched, "xa")

    watched.open("/admin/product/details/999999")
    expect(watched.page.get_by_role("heading", level=1)).to_have_text("Không tìm thấy trang này")
    watched.screen("18-khong-tim-thay")
    watched.open("/admin/user/list")
    expect(watched.page.get_by_role("heading", level=1)).to_have_text("Bạn không được làm việc này")
    watched.screen("19-khong-duoc")
