"""The same product before and after 1 July 2025, in a real browser: found, counted, moved and chosen for."""

from datetime import date
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import select

from app.current import acting_as, system
from app.database import Database
from app.session import OcopSession
from models import Boundary, Commune, CommuneSuccession, Entity, EntityKind, Product
from tests.browser.conftest import Watched
from tests.browser.test_day import sign_in
from tests.views.conftest import look

__all__ = ["look"]

pytestmark = pytest.mark.browser

PRODUCT = "Tôm khô đất"
FORMER = "trước 01/07/2025: xã An Điền, huyện Thạnh Phú"


def row_of(watched: Watched, name: str) -> Locator:
    return watched.page.locator("main tbody tr").filter(has=watched.page.get_by_role("rowheader", name=name))


def total(watched: Watched) -> list[str]:
    """The line “Cộng” of a report."""
    return watched.page.locator("main tfoot td").all_inner_texts()


def test_the_same_product_before_and_after_july_2025(watched: Watched, look: OcopSession, shared_data: Path) -> None:
    page = watched.page
    product = look.scalars(select(Product).where(Product.name == PRODUCT)).one()
    old = look.get_one(Commune, product.commune_id)
    (link,) = look.scalars(select(CommuneSuccession).where(CommuneSuccession.old_id == old.id)).all()
    new = look.get_one(Commune, link.new_id)
    assert (old.name, old.valid_to) == ("Xã An Điền", date(2025, 6, 30))

    # Its place is found by the former name, under today's; the product by that place.
    watched.open("/admin/commune/list?search=an+dien")
    sign_in(watched, "tinh")
    expect(row_of(watched, new.name)).not_to_have_count(0)
    watched.screen("79-xa-theo-ten-cu")
    watched.open("/admin/product/list")
    page.locator("summary", has_text="Bộ lọc").click()
    page.get_by_label("Nơi sản xuất").fill("an dien")
    page.get_by_role("option", name="Xã An Điền Huyện Thạnh Phú").click()
    page.get_by_role("button", name="Áp dụng").click()

    # Today's name comes first, the former one small beneath.
    row = row_of(watched, PRODUCT)
    expect(row).to_contain_text(new.name)
    expect(row.locator("small", has_text=FORMER)).to_be_visible()
    watched.screen("80-tim-theo-ten-cu")
    row.get_by_role("link", name=PRODUCT).click()
    expect(page.get_by_text(FORMER).first).to_be_visible()
    watched.screen("81-san-pham-cu-va-moi")

    # The map of 30/06/2025: its commune and its district of then; their figures open lists that hold it.
    watched.open("/admin/report/dia-gioi")
    page.get_by_role("link", name="Trước sắp xếp").click()
    page.get_by_label("Cấp").select_option("Huyện")
    page.get_by_role("button", name="Xem").click()
    expect(row_of(watched, "Huyện Thạnh Phú").get_by_role("link").nth(1)).to_be_visible()
    by_district = total(watched)
    page.get_by_label("Cấp").select_option("Xã, phường")
    page.get_by_role("button", name="Xem").click()
    expect(row_of(watched, "Xã An Điền")).to_contain_text("Huyện Thạnh Phú")
    watched.screen("82-dia-gioi-30-06-2025")
    before = total(watched)
    assert before == by_district
    row_of(watched, "Xã An Điền").get_by_role("link").nth(1).click()
    expect(row_of(watched, PRODUCT)).to_be_visible()

    # The map of 01/07/2025: under the commune that took over; the totals are the same.
    watched.open("/admin/report/dia-gioi?ngay=01/07/2025&muc=xa")
    expect(row_of(watched, "Xã An Điền")).to_have_count(0)
    watched.screen("83-dia-gioi-01-07-2025")
    assert total(watched) == before
    row_of(watched, new.name).get_by_role("link").nth(1).click()
    expect(row_of(watched, PRODUCT)).to_be_visible()

    # Boundaries come in on the screen: looked at, written, seen on the commune.
    page.get_by_role("link", name="Ranh giới xã, phường").click()
    watched.screen("84-ranh-gioi")
    page.get_by_label("Ranh giới tại ngày").fill("01/07/2025")
    page.set_input_files("#file", shared_data / "vinh_long_xa_2025_ranh_gioi.geojson")
    page.get_by_role("button", name="Xem trước thay đổi").click()
    expect(page.get_by_text("124 hình mới, 0 hình thay đổi")).to_be_visible()
    watched.screen("85-ranh-gioi-xem-truoc")
    page.get_by_role("button", name="Ghi 124 hình").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Đã ghi 124 ranh giới tại ngày 01/07/2025")
    watched.screen("86-ranh-gioi-ket-qua")
    page.get_by_role("link", name="Về trang Ranh giới").click()
    watched.screen("87-ranh-gioi-dang-co")
    watched.open(f"/admin/commune/details/{new.id}")
    expect(page.get_by_role("img", name=f"Ranh giới {new.name}")).to_be_visible()
    watched.screen("88-xa-moi-co-ranh-gioi")

    # Chuyển đơn vị: looked at, done, taken back.
    page.get_by_role("link", name="Chuyển đơn vị").click()
    watched.screen("90-chuyen-don-vi")
    page.get_by_role("button", name="Xem trước khi chuyển").click()
    expect(page.get_by_text("Chưa có gì thay đổi.")).to_be_visible()
    watched.screen("91-chuyen-don-vi-xem-truoc")
    look.rollback()
    assert look.get_one(Product, product.id).commune_id == old.id
    page.locator("main form button.is-main").click()
    expect(page.get_by_text("Hoàn tác đợt chuyển")).to_be_visible()
    watched.screen("92-chuyen-don-vi-ket-qua")
    batch = page.url
    look.rollback()
    moved = look.get_one(Product, product.id)
    assert (moved.commune_id, moved.moved_from_id) == (new.id, old.id)
    watched.open("/admin/product/list?search=tôm+khô+đất")
    expect(row_of(watched, PRODUCT).locator("small", has_text=FORMER)).to_be_visible()
    watched.open("/admin/report/dia-gioi?ngay=30/06/2025&muc=xa")
    assert total(watched) == before
    watched.open("/admin/report/dia-gioi?ngay=01/07/2025&muc=xa")
    assert total(watched) == before
    watched.open(batch.removeprefix(watched.address))
    page.get_by_role("link", name="Hoàn tác đợt chuyển").click()
    watched.screen("93-chuyen-don-vi-hoan-tac")
    page.locator("main form button.is-danger").click()
    expect(page.get_by_text("Đã hoàn tác lúc")).to_be_visible()
    look.rollback()
    back = look.get_one(Product, product.id)
    assert (back.commune_id, back.moved_from_id) == (old.id, None)


@pytest.fixture
def divided(demo: Database) -> tuple[int, int, str]:
    """A producer in a commune that was divided, its address naming one heir: ids of both, name of the heir."""
    square = {"width": 900, "height": 900, "geometry": "{}"}
    with acting_as(system("kiểm thử")), demo.writing.begin() as session, session.doing("thử"):
        old = session.scalars(select(Commune).where(Commune.code == "29770", Commune.valid_to.is_not(None))).one()
        heirs = session.scalars(select(CommuneSuccession.new_id).where(CommuneSuccession.old_id == old.id)).all()
        for number, heir in enumerate(heirs):
            unit, x = session.get_one(Commune, heir), 1_060_000 + number * 900
            path = f"M{x} -100000l900 0 0 900 -900 0z"
            place = {"commune_id": heir, "province_id": unit.province_id, "as_of": unit.valid_from}
            session.add(Boundary(**place, **square, x=x, y=-100_000, outline=path))
        name = session.get_one(Commune, heirs[-1]).name
        entity = Entity(name="HTX Bưởi Năm Roi", kind=EntityKind.COOPERATIVE, commune=old)
        entity.printed_address = f"Ấp Mỹ Hòa, {name}"
        session.add(entity)
        session.flush()
        return entity.id, heirs[-1], name


def test_a_new_commune_is_chosen_with_map_and_suggestion_and_taken_back(
    watched: Watched, look: OcopSession, divided: tuple[int, int, str]
) -> None:
    page, (entity, heir, name) = watched.page, divided
    was = look.get_one(Entity, entity).commune_id
    watched.open("/admin/moving")
    sign_in(watched, "tinh")

    page.get_by_role("link", name=look.get_one(Commune, was).name).click()
    expect(page.locator(".o-map a")).not_to_have_count(0)
    expect(page.get_by_text(f"Gợi ý: {name}, vì địa chỉ nhắc đến tên xã.")).to_be_visible()
    watched.screen("94-chon-xa-moi")
    page.get_by_role("button", name="Chuyển HTX Bưởi Năm Roi").click()
    expect(page.get_by_text("Chưa chọn xã mới.")).to_be_visible()
    page.get_by_label("Xã mới của HTX Bưởi Năm Roi").select_option(str(heir))
    page.get_by_role("button", name="Chuyển HTX Bưởi Năm Roi").click()
    expect(page.get_by_text(f"Đã chuyển chủ thể “HTX Bưởi Năm Roi” sang {name}")).to_be_visible()
    watched.screen("95-chon-xa-moi-xong")
    look.rollback()
    assert look.get_one(Entity, entity).commune_id == heir

    page.get_by_role("link", name="Đợt nhập", exact=True).click()
    page.locator("main tbody th a").first.click()
    watched.screen("96-dot-chuyen-mot-ban-ghi")
    page.get_by_role("link", name="Mở các dòng của đợt nhập").click()
    page.get_by_role("link", name="Hoàn tác đợt chuyển").click()
    page.locator("main form button.is-danger").click()
    expect(page.get_by_text("Đã hoàn tác lúc")).to_be_visible()
    look.rollback()
    assert look.get_one(Entity, entity).commune_id == was


def test_an_import_of_places_asks_for_its_day_and_one_of_producers_for_a_former_name(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Tên chủ thể", "Loại chủ thể", "Xã, phường"])
    sheet.append(["HTX Nghêu Cồn Bửng", "Hợp tác xã", "Xã Bình Khánh"])
    sheet.append(["HTX Tôm Cồn Bửng", "Hợp tác xã", "Xã Bình Khánh"])
    book.save(tmp_path / "chu the.xlsx")
    watched.open("/admin/import?loai=commune")
    sign_in(watched, "tinh")
    page.set_input_files("#file", tmp_path / "chu the.xlsx")
    page.get_by_role("button", name="Xem trước thay đổi").click()
    expect(page.get_by_role("link", name="Ghi ngày của danh mục, ví dụ 01/02/2021.")).to_be_visible()
    watched.screen("97-hoi-ngay-cua-danh-muc")

    # What only lists of places need is asked for with them alone, so that the button stands on the first screen.
    watched.open("/admin/import?loai=entity")
    expect(page.get_by_label("Tỉnh của danh mục")).to_be_hidden()
    expect(page.get_by_role("button", name="Xem trước thay đổi")).to_be_in_viewport()
    page.get_by_label("Loại dữ liệu").select_option(label="Xã, phường")
    expect(page.get_by_label("Tỉnh của danh mục")).to_be_visible()
    page.get_by_label("Loại dữ liệu").select_option(label="Chủ thể")
    page.set_input_files("#file", tmp_path / "chu the.xlsx")
    page.get_by_role("button", name="Xem trước thay đổi").click()
    # The former name, and the day of the whole file, which would answer it too.
    expect(page.get_by_role("heading", name="2 giá trị chưa nhận ra")).to_be_visible()
    expect(page.get_by_label("Ngày của danh sách “cả tệp” là")).to_be_visible()
    watched.screen("98-hoi-xa-cu")


def test_pages_of_places_on_a_phone(watched: Watched, look: OcopSession, divided: tuple[int, int, str]) -> None:
    was = look.get_one(Entity, divided[0]).commune_id
    watched.page.set_viewport_size({"width": 390, "height": 844})
    watched.open("/admin/moving")
    sign_in(watched, "tinh")

    for name, path in (
        ("chuyen-don-vi", "/admin/moving"),
        ("chon-xa-moi", f"/admin/moving/choose?tu={was}"),
        ("ranh-gioi", "/admin/boundary"),
        ("chuyen-doi-xa", "/admin/commune-succession/list?search=thạnh+hải"),
        ("xa-chua-ro", "/admin/commune/list?successor=chua-ro"),
        ("trang-chu", "/admin/"),
    ):
        watched.open(path)
        watched.screen(f"99-390-{name}")


def test_the_home_page_of_the_country_leads_to_a_province(watched: Watched) -> None:
    page = watched.page
    watched.open("/admin/")
    sign_in(watched, "admin")
    watched.screen("89-trang-chu-ca-nuoc")

    page.locator("#ban-do").get_by_role("link", name="Tỉnh Vĩnh Long").click()

    expect(page.locator("#ban-do h2")).to_contain_text("Tỉnh Vĩnh Long")
    watched.screen("89-trang-chu-mot-tinh")
    watched.open("/admin/commune-succession/list?search=thạnh+hải")
    watched.screen("89-chuyen-doi-xa")
    page.locator("main tbody th a").first.click()
    watched.screen("89-chuyen-doi-xa-1")
    watched.open("/admin/commune-succession/create")
    watched.screen("89-chuyen-doi-xa-them")
