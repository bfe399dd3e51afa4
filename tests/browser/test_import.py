"""A list that came by e-mail, from the first look to the undo, in a real browser."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell import Cell
from playwright.sync_api import expect
from sqlalchemy import select

from app.session import OcopSession
from models import BatchState, Entity, ImportBatch, Product
from tests.browser.conftest import Watched
from tests.browser.test_day import sign_in
from tests.views.conftest import look

__all__ = ["look"]

pytestmark = pytest.mark.browser


def drawn(path: Path, entity: str) -> Path:
    """A workbook as a commune draws it: a cover, titles, a header of two lines, totals, mistakes."""
    book = openpyxl.Workbook()
    cover = book.active
    assert cover is not None
    cover.title = "Bìa"
    cover.append(["Kính gửi: Văn phòng điều phối"])
    sheet = book.create_sheet("Danh sách")
    for row in (
        ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"],
        ["DANH SÁCH SẢN PHẨM THAM GIA"],
        [],
        ["STT", "Sản phẩm", None, "Nơi làm ra", "Ghi chú nội bộ"],
        [None, "Tên sản phẩm", "Quy cách", None, None],
        [1, "Mắm cá lóc đồng", "hũ 500 g", entity, "gọi lại"],
        [2, "Mắm tôm chà", "hũ 250 g", entity, None],
        [3, "Khô cá đù", "gói 300 g", "Cơ sở chị Bảy Bến Đình", None],
        [4, "Khô cá khoai", "gói 300 g", "Cơ sở chị Bảy Bến Đình", None],
        [5, "#REF!", "gói 1 kg", entity, None],
        ["Tổng cộng: 5"],
    ):
        sheet.append(row)
    sheet.merge_cells("B4:C4")
    sheet.merge_cells("A1:E1")
    sheet.column_dimensions["B"].width = 31
    book.save(path)
    return path


def cell_of(path: Path, text: str) -> Cell:
    book = openpyxl.load_workbook(path)
    found = [c for row in book["Danh sách"].iter_rows() for c in row if c.value == text]
    assert len(found) == 1
    assert isinstance(found[0], Cell)
    return found[0]


def test_a_list_is_taken_given_back_corrected_and_undone(watched: Watched, look: OcopSession, tmp_path: Path) -> None:
    page = watched.page
    entity = look.scalars(select(Entity).order_by(Entity.id)).first()
    assert entity is not None
    before = set(look.scalars(select(Product.name)))
    sent = drawn(tmp_path / "Danh sach An Thanh.xlsx", entity.name)

    # The empty template first; then the workbook as it came.
    watched.open("/admin/import?loai=product")
    sign_in(watched, "tinh")
    watched.screen("30-nhap-tai-tep")
    with page.expect_download() as waiting:
        page.locator("a[href*='/import/template/product']").first.click()
    waiting.value.save_as(tmp_path / "mau.xlsx")
    assert openpyxl.load_workbook(tmp_path / "mau.xlsx").worksheets[0].freeze_panes
    page.get_by_label("Nơi gửi tệp").fill("xã An Thạnh")
    page.set_input_files("#file", sent)
    page.get_by_role("button", name="Xem trước thay đổi").click()

    # The table was found and every column is accounted for; one that nobody knows is named by hand.
    expect(page.get_by_role("rowheader", name="Ghi chú nội bộ")).to_be_visible()
    watched.screen("31-nhap-ghep-cot")
    page.get_by_label("Đọc cột Nơi làm ra là").select_option("Chủ thể: tên chủ thể")
    page.get_by_role("button", name="Xem lại với các lựa chọn này").last.click()

    # One question for the two rows of an unknown producer.
    expect(page.get_by_role("heading", name="1 giá trị chưa nhận ra")).to_be_visible()
    expect(page.locator(":focus")).to_contain_text("3 dòng bị từ chối nên chưa ghi dòng nào")
    watched.screen("32-nhap-xem-truoc")
    page.set_viewport_size({"width": 390, "height": 844})
    watched.screen("32-nhap-xem-truoc-390")
    answer = page.get_by_label("Cơ sở chị Bảy Bến Đình").bounding_box()
    assert answer is not None
    assert answer["width"] > 300
    page.set_viewport_size({"width": 1366, "height": 768})
    page.locator("select[aria-label*='Cơ sở chị Bảy Bến Đình']").select_option("skip")
    page.get_by_role("button", name="Xem lại với các lựa chọn này").first.click()
    expect(page.get_by_role("button", name="Chỉ nhập 2 dòng")).to_be_visible()
    watched.screen("33-nhap-da-tra-loi")

    # The good rows alone; the workbook comes back with what became of each.
    page.get_by_role("button", name="Chỉ nhập 2 dòng").click()
    expect(page.locator(":focus")).to_contain_text("Đã nhập 2 dòng: 2 mới")
    watched.screen("34-nhap-ket-qua")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Tải tệp kèm kết quả").first.click()
    marked = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(marked)
    bad = cell_of(marked, "#REF!")
    assert bad.comment is not None
    assert bad.fill.fgColor.rgb not in (None, "00000000")
    assert openpyxl.load_workbook(marked)["Danh sách"].column_dimensions["B"].width == 31

    # Corrected and sent again: the corrected row alone runs.
    book = openpyxl.load_workbook(marked)
    book["Danh sách"][bad.coordinate] = "Khô cá chẽm Cồn Bửng"
    book.save(marked)
    watched.open("/admin/import?loai=product")
    page.get_by_label("Nơi gửi tệp").fill("xã An Thạnh")
    page.set_input_files("#file", marked)
    page.get_by_role("button", name="Xem trước thay đổi").click()
    expect(page.get_by_role("button", name="Nhập 1 dòng: 1 mới")).to_be_visible()
    watched.screen("35-nhap-lai-dong-da-sua")
    page.get_by_role("button", name="Nhập 1 dòng: 1 mới").click()
    expect(page.get_by_text("Đã nhập 1 dòng: 1 mới")).to_be_visible()

    # Both batches are kept, with their files.
    page.get_by_role("link", name="Đợt nhập", exact=True).click()
    watched.screen("36-cac-dot-nhap")
    first = look_again(look, 1)
    watched.open(f"/admin/import-batch/details/{first.id}")
    watched.screen("37-mot-dot-nhap")
    watched.open(f"/admin/import/{first.id}")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Tải tệp gốc").click()
    waiting.value.save_as(tmp_path / "goc.xlsx")
    assert (tmp_path / "goc.xlsx").read_bytes() == sent.read_bytes()

    # Taken back; a product edited since would stay.
    kept = look.scalars(select(Product).where(Product.name == "Mắm tôm chà")).one()
    watched.open(f"/admin/product/edit/{kept.id}")
    page.get_by_label("Quy cách đóng gói").fill("hũ 300 g")
    page.get_by_role("button", name="Lưu", exact=False).first.click()
    watched.open(f"/admin/import/{first.id}")
    page.get_by_role("link", name="Hoàn tác đợt nhập").click()
    expect(page.get_by_role("link", name="Giữ vì đã sửa sau đó")).to_be_visible()
    watched.screen("38-hoan-tac")
    page.get_by_role("button", name="Hoàn tác 1 dòng, giữ 1 dòng").click()
    expect(page.get_by_text("Đã hoàn tác lúc")).to_be_visible()
    watched.screen("39-da-hoan-tac")
    look.rollback()
    assert set(look.scalars(select(Product.name))) - before == {"Mắm tôm chà", "Khô cá chẽm Cồn Bửng"}
    assert look_again(look, 1).state is BatchState.UNDONE


def look_again(look: OcopSession, number: int) -> ImportBatch:
    look.rollback()
    look.expire_all()
    return look.scalars(select(ImportBatch).where(ImportBatch.number == number)).one()


@contextmanager
def standing_still(files: Path) -> Iterator[None]:
    """The process that works on a list stands still from its first rows on, however fast the machine is."""
    until = time.monotonic() + 60
    while not list(files.glob("viec/*.json")):
        assert time.monotonic() < until, "no work was begun"
        time.sleep(0.005)
    (worker,) = multiprocessing.active_children()
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker.pid, signal.SIGCONT)


def send_long_list(watched: Watched, folder: Path) -> None:
    page = watched.page
    lines = ["Mã TP,Tỉnh Thành Phố,Mã PX,Phường Xã,Cấp"]
    lines += [f"86,Tỉnh Vĩnh Long,{10_000 + n},Xã Thử {n},Xã" for n in range(12_000)]
    path = folder / "danh-muc-dai.csv"
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    watched.open("/admin/import?loai=commune")
    sign_in(watched, "tinh")
    page.get_by_label("Danh mục tại ngày").fill(f"{date(2026, 10, 1):%d/%m/%Y}")
    page.set_input_files("#file", path)
    page.get_by_role("button", name="Xem trước thay đổi").click(no_wait_after=True)


def test_a_long_list_shows_how_far_it_is_and_is_stopped(watched: Watched, look: OcopSession, tmp_path: Path) -> None:
    page = watched.page
    send_long_list(watched, tmp_path)
    with standing_still(tmp_path / "files"):
        expect(page.get_by_text("Có thể đóng trang này")).to_be_visible()
        watched.screen("40-dang-chay")
        page.get_by_role("button", name="Dừng, không ghi gì").click()

    expect(page.get_by_text("Đã dừng theo yêu cầu, chưa ghi gì vào sổ")).to_be_visible()
    watched.screen("41-da-dung")


def test_a_long_list_goes_on_when_its_page_is_closed(watched: Watched, look: OcopSession, tmp_path: Path) -> None:
    send_long_list(watched, tmp_path)
    with standing_still(tmp_path / "files"):
        expect(watched.page.get_by_text("Có thể đóng trang này")).to_be_visible()
        address = watched.page.url
        watched.page.close()

    page = watched.page.context.new_page()
    page.goto(address)

    expect(page.get_by_role("heading", name="xã, phường mới")).to_be_visible()
    assert look.scalars(select(ImportBatch.state)).one() is BatchState.PLANNED


def test_columns_a_list_needs_are_chosen_before_any_row_is_looked_at(
    watched: Watched, look: OcopSession, tmp_path: Path
) -> None:
    page = watched.page
    entity = look.scalars(select(Entity).order_by(Entity.id)).first()
    assert entity is not None
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        ["TT", "Hàng hóa", "Nơi làm ra", "Sao", "Năm", "Năm"],
        [1, "Mắm cá lóc đồng", entity.name, 3, 2020, 2024],
        [2, "Mắm tôm chà", entity.name, 4, 2021, 2024],
    ):
        sheet.append(row)
    book.save(tmp_path / "Hang hoa.xlsx")

    watched.open("/admin/import?loai=product")
    sign_in(watched, "tinh")
    page.get_by_label("Tệp", exact=True).set_input_files(tmp_path / "Hang hoa.xlsx")
    page.get_by_role("button", name="Xem trước thay đổi").click()

    expect(page.get_by_text("Tệp thiếu cột “Tên sản phẩm”")).to_be_visible()
    expect(page.get_by_text("bị từ chối")).to_have_count(0)
    watched.screen("45-nhap-chon-cot")
    page.get_by_label("Đọc cột Hàng hóa là").select_option(label="Tên sản phẩm (còn thiếu)")
    page.get_by_label("Đọc cột Nơi làm ra là").select_option("entity.name")
    page.get_by_role("button", name="Xem trước với các cột đã chọn").click()

    expect(page.get_by_text("Không dùng cột “Sao” (2 ô), “Năm” (2 ô), “Năm (cột F)” (2 ô).")).to_be_visible()
    expect(page.get_by_role("button", name="Nhập 2 dòng: 2 mới")).to_be_visible()
    watched.screen("46-nhap-cot-da-chon")
    page.get_by_role("button", name="Nhập 2 dòng: 2 mới").click()
    expect(page.get_by_text("Đã nhập 2 dòng: 2 mới")).to_be_visible()

    watched.open("/admin/import-batch/list")
    expect(page.get_by_role("row", name="Hang hoa.xlsx Sản phẩm")).to_contain_text("2 mới, 0 thay đổi")
    watched.screen("47-cac-dot-nhap-va-so-dong")
    name = page.get_by_role("columnheader", name="Tên tệp").bounding_box()
    assert name is not None
    assert name["width"] > 230


def listed(path: Path, *rows: tuple[object, ...]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(path)
    return path


def test_many_questions_are_answered_at_once_and_going_back_answers_no_other(
    watched: Watched, look: OcopSession, tmp_path: Path
) -> None:
    page = watched.page
    entity = look.scalars(select(Entity).order_by(Entity.id)).first()
    assert entity is not None
    good = [(f"Khô cá {n}", entity.name) for n in range(60)]
    unknown = [(f"Mắm cá {n}", f"Cơ sở số {n}") for n in range(40)]
    sent = listed(tmp_path / "nhieu-chu-the.xlsx", ("Tên sản phẩm", "Chủ thể"), *good, *unknown)
    answer = page.get_by_role("button", name="Xem lại với các lựa chọn này").first

    watched.open("/admin/import?loai=product")
    sign_in(watched, "tinh")
    page.set_input_files("#file", sent)
    page.get_by_role("button", name="Xem trước thay đổi").click()
    expect(page.get_by_role("heading", name="40 giá trị chưa nhận ra")).to_be_visible()
    expect(answer).to_be_in_viewport()
    page.get_by_label("Chủ thể “Cơ sở số 0” là").select_option("skip")
    answer.click()

    expect(page.get_by_role("heading", name="39 giá trị chưa nhận ra")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Chủ thể “Cơ sở số 1” là")).to_have_value("")
    watched.screen("48-nhieu-gia-tri")
    page.get_by_label("Các giá trị chưa chọn").select_option(label="Bỏ qua các dòng của chúng")
    answer.click()

    expect(page.get_by_role("button", name="Nhập 60 dòng: 60 mới")).to_be_in_viewport()
    page.get_by_role("button", name="Nhập 60 dòng: 60 mới").click()
    expect(page.get_by_text("Đã nhập 60 dòng: 60 mới")).to_be_visible()
