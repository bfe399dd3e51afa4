"""Nhập liệu as clerks answer it: what was put right refused, another sheet, any record found, all at once."""

import re

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.session import OcopSession
from models import Commune, Entity, ImportBatch, Product
from tests.files import samples
from tests.views.conftest import Clerk
from tests.views.page import reply
from tests.views.test_imports import send, text, workbook

PRODUCTS = ("Tên sản phẩm", "Chủ thể", "Quy cách")


@pytest.fixture
def own_clerk(clerk: Clerk) -> TestClient:
    return clerk("tinh")


@pytest.fixture
def entity(look: OcopSession) -> Entity:
    return look.scalars(select(Entity).join(Product).order_by(Entity.id)).first()  # type: ignore[return-value]  # of the demo


def sent(client: TestClient, content: bytes, *, model: str, as_of: str = "", **form: str) -> str:
    answer = send(client, content, name="danh-sach.xlsx", model=model, as_of=as_of, **form)
    assert answer.status_code == 303, text(answer)
    return str(answer.headers["location"])


def test_what_was_put_right_is_shown_and_one_tick_keeps_it_as_in_the_file(
    own_clerk: TestClient, entity: Entity
) -> None:
    rows = [("Sản phẩm", "Chủ thể", "Điểm trung bình", "Hạng sao", "Ngày quyết định")]
    href = sent(own_clerk, workbook(("Kẹo lạ", entity.name, 76, 4, 45092), header=rows[0]), model="rating")
    page = own_clerk.get(href)

    assert "Số của Excel đổi thành ngày, cột “Ngày quyết định”: 1 ô" in text(page)
    assert re.search(r"<td>45092</td><td>.*15/06/2023", page.text)
    assert re.search(r'name="keep-[0-9a-f]+" value="1">', page.text)

    reply(own_clerk, href, {"keep-0": "1"})
    page = own_clerk.get(href)
    assert re.search(r'name="keep-[0-9a-f]+" value="1" checked', page.text)
    assert "“45092” chưa đọc được là ngày" in text(page)

    own_clerk.post(f"{href}/answer", data={})
    assert "chưa đọc được là ngày" not in own_clerk.get(href).text


def test_another_sheet_is_chosen_from_those_there_are(own_clerk: TestClient, look: OcopSession, entity: Entity) -> None:
    content = samples.workbooks(
        {
            "Năm2024": [PRODUCTS, ("Kẹo chuối Ba Vát", entity.name, "hộp")],
            "Năm2025": [PRODUCTS, ("Kẹo gừng Ba Vát", entity.name, "hộp"), ("Kẹo mè Ba Vát", entity.name, "hộp")],
            "Bìa": [("Danh sách sản phẩm", None), ("Xã", "An Thạnh")],
        }
    )
    href = sent(own_clerk, content, model="product")
    page = own_clerk.get(href).text
    assert re.findall(r'<option value="(\w+)"( selected)?>\w+ \((\d) dòng\)', page) == [
        ("Năm2024", " selected", "2"),
        ("Năm2025", "", "3"),
        ("Bìa", "", "2"),
    ]

    own_clerk.post(f"{href}/answer", data={"sheet": "Năm2025", "sheet-read": "Năm2024"})
    page = own_clerk.get(href).text
    assert "Nhập 2 dòng: 2 mới" in page
    assert "Kẹo gừng Ba Vát" in page
    assert "Kẹo chuối Ba Vát" not in page

    refused = own_clerk.post(f"{href}/answer", data={"sheet": "Bìa", "sheet-read": "Năm2025"})
    assert refused.status_code == 409
    assert "Trang tính “Bìa”: " in text(refused)
    assert "Nhập 2 dòng: 2 mới" in own_clerk.get(href).text
    assert own_clerk.post(f"{href}/answer", data={"sheet": "Khác", "sheet-read": "Năm2025"}).status_code == 404
    look.rollback()
    assert look.scalars(select(ImportBatch.sheet)).one() == "Năm2025"


def test_a_workbook_without_the_list_offers_its_sheets(own_clerk: TestClient) -> None:
    content = samples.workbooks({"Bìa": [("Số", "Nơi nhận"), ("a", "b")], "Phụ": [("Ghi chú", "Ngày"), ("a", "b")]})
    answer = send(own_clerk, content, name="a.xlsx", model="commune", as_of="01/10/2026")

    assert answer.status_code == 400
    assert "Tệp thiếu cột “Mã xã”" in text(answer)
    assert re.findall(r'<option value="(Bìa|Phụ)">', answer.text) == ["Bìa", "Phụ"]
    assert "sheet" not in re.findall(r'name="(\w+)"', own_clerk.get("/admin/import").text)


def test_a_list_with_titles_that_stand_twice_is_taken_and_says_what_it_leaves(
    own_clerk: TestClient, entity: Entity
) -> None:
    line: list[str | int | None] = [None] * 22
    line[:5] = 1, "Kẹo chuối Ba Vát", None, None, entity.name
    line[13], line[18], line[21] = 2020, 2024, "gửi lại"
    href = sent(own_clerk, workbook(tuple(line), header=samples.OFFICE_TITLES), model="product")
    page = text(own_clerk.get(href))

    assert "Nhập 1 dòng: 1 mới" in page
    assert "“năm” (1 ô)" in page
    assert "“Năm (cột S)” (1 ô)" in page
    assert "“Số quyết định (cột T)” (trống)" in page


def test_a_list_without_its_needed_column_lets_the_clerk_choose_it(
    own_clerk: TestClient, look: OcopSession, entity: Entity
) -> None:
    rows = [(1, "Kẹo chuối Ba Vát", entity.name), (2, "Kẹo gừng Ba Vát", entity.name)]
    href = sent(own_clerk, workbook(*rows, header=("TT", "Mặt hàng", "Chủ thể")), model="product")
    page = own_clerk.get(href)
    assert "Tệp thiếu cột “Tên sản phẩm”. Đang có: “TT”, “Mặt hàng”, “Chủ thể”." in text(page)
    assert '<option value="name">Tên sản phẩm (còn thiếu)</option>' in page.text
    assert "Kẹo chuối Ba Vát; Kẹo gừng Ba Vát" in text(page)
    assert page.text.count("có thể là “Tên sản phẩm”") == 1
    assert "bị từ chối" not in text(page)

    still = reply(own_clerk, href, {"col-1": ""})
    assert still.status_code == 303
    assert "Tệp thiếu cột “Tên sản phẩm”" in text(own_clerk.get(href))
    both = reply(own_clerk, href, {"col-1": "name", "col-2": "name"})
    assert both.status_code == 303
    assert "Cột “Mặt hàng” và cột “Chủ thể” cùng là “Tên sản phẩm”" in text(own_clerk.get(href))

    reply(own_clerk, href, {"col-1": "name", "col-2": "entity.name"})
    page = own_clerk.get(href)
    assert "Nhập 2 dòng: 2 mới" in text(page)
    assert "Tệp thiếu cột" not in text(page)
    own_clerk.post(f"{href}/confirm")
    look.rollback()
    assert look.scalar(select(Product.entity_id).where(Product.name == "Kẹo gừng Ba Vát")) == entity.id


def test_what_was_noticed_of_a_file_stands_together_below_the_counts(own_clerk: TestClient, entity: Entity) -> None:
    rows = [("Kẹo chuối Ba Vát", entity.name, "hộp", "gửi lại"), ("Tổng cộng: 1", None, None, None)]
    page = own_clerk.get(sent(own_clerk, workbook(*rows, header=(*PRODUCTS, "Ghi chú")), model="product")).text

    counts, noted = page.split('class="o-card o-counts"')[1].split("</ul>", 1)
    assert "Mới" in counts
    together = noted.split("</ul>", 1)[0]
    assert "Bỏ qua dòng 3: “Tổng cộng: 1”." in together
    assert "Không dùng cột “Ghi chú” (1 ô)." in together


def test_a_column_of_another_list_says_which_list_takes_it(own_clerk: TestClient, entity: Entity) -> None:
    titles = (*PRODUCTS, "Ngày công nhận", "SĐT", "Ghi chú")
    row = ("Kẹo chuối Ba Vát", entity.name, "hộp", "20/05/2024", None, "gửi lại")
    page = text(own_clerk.get(sent(own_clerk, workbook(row, header=titles), model="product")))

    assert "Không dùng cột “Ngày công nhận” (1 ô), “SĐT” (trống), “Ghi chú” (1 ô)." in page
    assert "Cột “Ngày công nhận” nhập bằng loại Kết quả đánh giá." in page
    assert "nhập bằng loại Chủ thể" not in page


def test_columns_that_are_still_to_be_chosen_write_nothing(own_clerk: TestClient, look: OcopSession) -> None:
    href = sent(own_clerk, workbook(("Kẹo gừng", "HTX"), header=("Mặt hàng", "Chủ thể")), model="product")

    assert own_clerk.post(f"{href}/confirm").status_code == 409
    assert own_clerk.get(f"{href}/marked").status_code == 409
    assert look.scalars(select(ImportBatch.state)).one() == "planned"


def test_of_two_columns_with_a_needed_title_the_clerk_chooses_one(own_clerk: TestClient, entity: Entity) -> None:
    titles = ("Tên sản phẩm", "Chủ thể", "Tên sản phẩm")
    href = sent(own_clerk, workbook(("Kẹo cũ", entity.name, "Kẹo chuối Ba Vát"), header=titles), model="product")
    page = own_clerk.get(href)
    assert "Cột “Tên sản phẩm” và cột “Tên sản phẩm (cột C)” cùng là “Tên sản phẩm”." in text(page)

    reply(own_clerk, href, {"col-2": "name"})

    page = own_clerk.get(href)
    assert "Nhập 1 dòng: 1 mới" in text(page)
    assert "Kẹo chuối Ba Vát" in page.text


def test_any_record_of_the_area_is_found_by_its_name_without_script(
    own_clerk: TestClient, look: OcopSession, entity: Entity
) -> None:
    href = sent(own_clerk, workbook(("Kẹo mè xửng", "Cơ sở chị Ba", "hộp"), header=PRODUCTS), model="product")
    page = own_clerk.get(href).text
    assert 'data-lookup="/admin/product/ajax/lookup?name=entity"' in page
    assert (
        own_clerk.get("/admin/product/ajax/lookup", params={"name": "entity", "term": entity.name}).status_code == 200
    )

    wrong = reply(own_clerk, href, {"find-0-entity-text": "Không ai tên này", "find-0-entity": ""})
    assert wrong.status_code == 409
    assert "Không có “Không ai tên này” trong danh sách" in text(wrong)

    found = reply(own_clerk, href, {"find-0-entity-text": entity.name, "find-0-entity": str(entity.id)})
    assert found.status_code == 303, text(found)
    assert "Nhập 1 dòng: 1 mới" in own_clerk.get(href).text
    again = own_clerk.post(f"{href}/answer", data={"again": "1"})
    assert again.status_code == 303
    assert "1 giá trị chưa nhận ra" in own_clerk.get(href).text


def test_a_record_outside_the_area_is_not_found(clerk: Clerk, look: OcopSession) -> None:
    client = clerk("xa")
    foreign = look.scalars(select(Entity).where(Entity.commune_id != _own_commune(look)).order_by(Entity.id)).first()
    assert foreign is not None
    href = sent(client, workbook(("Kẹo mè xửng", "Cơ sở chị Ba", "hộp"), header=PRODUCTS), model="product")

    answer = reply(client, href, {"find-0-entity-text": str(foreign), "find-0-entity": str(foreign.id)})

    assert answer.status_code == 409
    assert "không còn trong danh sách của bạn" in text(answer)


def _own_commune(look: OcopSession) -> int:
    from models import User

    return int(look.scalars(select(User.commune_id).where(User.username == "xa")).one() or 0)


def test_every_value_without_an_answer_gets_one_at_once(own_clerk: TestClient, entity: Entity) -> None:
    rows = [(f"Kẹo số {n}", f"Cơ sở số {n}", "hộp") for n in range(1, 4)]
    href = sent(own_clerk, workbook(*rows, header=PRODUCTS), model="product")
    assert "3 giá trị chưa nhận ra" in own_clerk.get(href).text

    reply(own_clerk, href, {"val-0": str(entity.id), "val-all": "skip"})

    page = own_clerk.get(href).text
    assert "Nhập 1 dòng: 1 mới" in page
    assert "chưa nhận ra" not in page


def test_a_column_of_days_in_two_orders_is_answered_on_the_page(
    own_clerk: TestClient, look: OcopSession, entity: Entity
) -> None:
    product = look.scalars(select(Product.name).where(Product.entity_id == entity.id)).first()
    header = ("Sản phẩm", "Chủ thể", "Điểm trung bình", "Hạng sao", "Ngày quyết định")
    rows = [(product, entity.name, 76, 4, day) for day in ("03/04/2023", "12/25/2023")]
    href = sent(own_clerk, workbook(*rows, header=header), model="rating")
    page = text(own_clerk.get(href))
    assert "1 giá trị chưa nhận ra" in page
    assert "Ngày trước: 03/04/2024 là 3 tháng 4" in page

    reply(own_clerk, href, {"val-0": "ngay"})

    assert "Nhập 2 dòng: 2 mới" in own_clerk.get(href).text


def test_what_a_new_row_brings_is_read_as_everywhere_else(
    own_clerk: TestClient, look: OcopSession, entity: Entity
) -> None:
    product = look.scalars(select(Product.name).where(Product.entity_id == entity.id)).first()
    header = ("Sản phẩm", "Chủ thể", "Điểm trung bình", "Hạng sao", "Ngày quyết định", "Ngày hết hạn")
    row = (product, entity.name, "76,5", 4, "03/04/2023", "03/04/2026")

    page = text(own_clerk.get(sent(own_clerk, workbook(row, header=header), model="rating")))

    assert "Điểm trung bình: 76,5;" in page
    assert ": 03/04/2026" in page


def test_headings_that_name_communes_say_where_the_rows_below_lie(own_clerk: TestClient, look: OcopSession) -> None:
    communes = ("Xã Cầu Kè", "Xã Trà Cú")
    rows = [(communes[0], None, None), (1, "HTX Cây Trôm", "HTX"), (communes[1], None, None), (2, "HTX Bần Ổi", "HTX")]
    href = sent(own_clerk, workbook(*rows, header=("TT", "Tên chủ thể", "Loại hình")), model="entity")
    assert "Nhập 2 dòng: 2 mới" in text(own_clerk.get(href))

    own_clerk.post(f"{href}/confirm")
    look.rollback()
    found = select(Commune.name).join(Entity, Entity.commune_id == Commune.id).where(Entity.name == "HTX Bần Ổi")
    assert look.scalars(found).all() == [communes[1]]


def test_what_is_said_of_refused_rows_is_what_helps_them(own_clerk: TestClient, entity: Entity) -> None:
    asked = ("Kẹo mè xửng", "Cơ sở chị Ba", "hộp")
    wrong = ("Kẹo gừng Ba Vát", entity.name, "hộp" * 100)

    page = text(own_clerk.get(sent(own_clerk, workbook(asked, header=PRODUCTS), model="product")))
    assert "1 dòng bị từ chối nên chưa ghi dòng nào. Trả lời các giá trị chưa nhận ra ở dưới là đủ" in page
    assert "trong tệp rồi tải lại" not in page

    page = text(own_clerk.get(sent(own_clerk, workbook(wrong, header=PRODUCTS), model="product")))
    assert "1 dòng bị từ chối nên chưa ghi dòng nào. Sửa các dòng đó trong tệp rồi tải lại." in page

    page = text(own_clerk.get(sent(own_clerk, workbook(asked, wrong, header=PRODUCTS), model="product")))
    assert "1 dòng chỉ cần trả lời các giá trị chưa nhận ra ở dưới; 1 dòng phải sửa trong tệp" in page
    assert "2 Bị từ chối 1 Trong đó chờ bạn chọn" in page


def test_who_may_not_answer_is_not_told_to(clerk: Clerk, entity: Entity) -> None:
    asked = ("Kẹo mè xửng", "Cơ sở chị Ba", "hộp")
    href = sent(clerk("tinh"), workbook(asked, header=PRODUCTS), model="product")

    page = text(clerk("admin").get(href))

    assert "1 dòng bị từ chối nên chưa ghi dòng nào; Lê Thị Thu Hà trả lời hoặc sửa tệp." in page
    assert "chờ bạn chọn" not in page


def test_of_many_refused_rows_the_errors_they_share_are_told_first(own_clerk: TestClient, entity: Entity) -> None:
    rows = [(f"Kẹo {n}", entity.name, "#REF!") for n in range(55)] + [("Kẹo lạ", "Cơ sở chị Ba", "hộp")] * 2
    page = text(own_clerk.get(sent(own_clerk, workbook(*rows, header=PRODUCTS), model="product")))

    shared = page.split("Lỗi của nhiều dòng")[-1].split("57 dòng bị từ chối")[0]
    assert "Cột “Quy cách”: Ô này đang là #REF!. 2–56 (55 dòng) Gõ lại giá trị vào ô." in shared
    assert "Cơ sở chị Ba" not in shared
    assert "và 7 dòng khác" in page

    few = [(f"Kẹo {n}", entity.name, "#REF!") for n in range(3)]
    href = sent(own_clerk, workbook(*few, header=PRODUCTS), model="product")
    assert "Lỗi của nhiều dòng" not in own_clerk.get(href).text


def test_titles_below_a_group_are_known_with_it_and_without_what_stands_in_brackets(
    own_clerk: TestClient, entity: Entity
) -> None:
    titles = ("Tên sản phẩm (theo giấy chứng nhận)", "Chủ thể", None, "Phân hạng")
    rows = [(None, "Tên", "Điện thoại", None), ("Kẹo chuối Ba Vát", entity.name, "0913 000 001", "4 sao")]
    page = text(own_clerk.get(sent(own_clerk, workbook(*rows, header=titles), model="product")))  # type: ignore[arg-type]

    assert "Nhập 1 dòng: 1 mới" in page
    assert "khớp khi bỏ phần trong ngoặc" in page
    assert "Cột “Chủ thể / Điện thoại” nhập bằng loại Chủ thể. Cột “Phân hạng” nhập bằng loại Kết quả đánh giá." in page


def test_headings_that_name_producers_say_whose_the_products_below_are(
    own_clerk: TestClient, look: OcopSession
) -> None:
    names = look.scalars(select(Entity.name).where(Entity.name.like("HTX%")).order_by(Entity.id).limit(2)).all()
    rows = [("I", names[0], None), (1, "Kẹo chuối", "hộp"), ("II", names[1], None), (2, "Kẹo gừng", "hộp")]
    page = text(
        own_clerk.get(sent(own_clerk, workbook(*rows, header=("TT", "Tên sản phẩm", "Quy cách")), model="product"))
    )

    assert "các dòng mục ghi tên chủ thể" in page
    assert "Tệp không có cột “Chủ thể”" not in page
