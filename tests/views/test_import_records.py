"""Nhập liệu of products as a commune clerk uses it: questions answered once, columns read otherwise, senders kept."""

from datetime import date

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.current import today
from app.session import OcopSession
from models import Commune, Entity, Product, Rating, Representative, Sender
from tests.views.conftest import Clerk
from tests.views.page import as_asked, reply
from tests.views.test_imports import send, text, workbook

HEADER = ("STT", "Tên sản phẩm", "Tên cơ sở", "Đóng gói", "Ghi chú riêng")


@pytest.fixture
def own_clerk(clerk: Clerk) -> TestClient:
    return clerk("tinh")


@pytest.fixture
def entity(look: OcopSession) -> Entity:
    return look.scalars(select(Entity).join(Product).order_by(Entity.id)).first()  # type: ignore[return-value]  # of the demo


def plan_of(client: TestClient, *rows: tuple[str | int | None, ...], **form: str) -> tuple[str, str]:
    sent = send(client, workbook(*rows, header=HEADER), name="san-pham.xlsx", model="product", as_of="", **form)
    assert sent.status_code == 303, text(sent)
    href = sent.headers["location"]
    return href, client.get(href).text


def test_a_question_is_answered_once_and_remembered_of_its_sender(
    own_clerk: TestClient, look: OcopSession, entity: Entity
) -> None:
    rows = [
        (1, "Kẹo mè xửng Mỏ Cày", "Cơ sở chị Ba", None, "x"),
        (2, "Kẹo mè xửng gừng Mỏ Cày", "Cơ sở chị Ba", None, None),
    ]
    href, page = plan_of(own_clerk, *rows, sender="xã Thạnh Phong")

    assert "1 giá trị chưa nhận ra" in page
    assert "không nhận ra, bỏ qua" in page
    assert "dòng 2, 3<" in page

    answered = reply(own_clerk, href, {"val-0": str(entity.id), "col-3": "packaging"})
    assert answered.headers["location"] == href
    page = own_clerk.get(href).text
    assert "giá trị chưa nhận ra" not in page
    assert "Nhập 2 dòng: 2 mới" in page

    own_clerk.post(f"{href}/confirm")
    look.rollback()
    made = look.scalars(select(Product).where(Product.name.startswith("Kẹo mè xửng"))).all()
    assert {product.entity_id for product in made} == {entity.id}
    sender = look.scalars(select(Sender)).one()
    assert (sender.name, sender.aliases) == ("xã Thạnh Phong", {"entity": {"co so chi ba": entity.id}})

    _href, page = plan_of(own_clerk, (1, "Kẹo mè xửng dừa", "Cơ sở chị Ba", "hũ", None), sender="xã Thạnh Phong")
    assert "Đọc tệp như lần trước của xã Thạnh Phong." in page
    assert "Nhập 1 dòng: 1 mới" in page


def test_rows_may_be_left_out_and_the_good_ones_taken(own_clerk: TestClient, look: OcopSession, entity: Entity) -> None:
    rows = [
        (1, "Chả hoa Tân Xuân", entity.name, None, None),
        (2, "Chả ram Tân Xuân", "Không có ai tên này", None, None),
    ]
    href, page = plan_of(own_clerk, *rows)
    assert "Chỉ nhập 1 dòng: 1 mới" in page

    reply(own_clerk, href, {"val-0": "skip"})
    page = own_clerk.get(href).text
    assert "Nhập 1 dòng: 1 mới" in page
    assert "Bỏ qua" in page

    other, _page = plan_of(own_clerk, *rows)
    assert own_clerk.post(f"{other}/confirm").status_code == 409
    assert own_clerk.post(f"{other}/confirm", data={"partial": "1"}).status_code == 303
    look.rollback()
    assert look.scalars(select(Product.name).where(Product.name.endswith("Tân Xuân"))).all() == ["Chả hoa Tân Xuân"]
    assert "Về danh sách sản phẩm" in own_clerk.get(other).text


def test_an_answer_from_an_older_page_answers_no_other_question(own_clerk: TestClient) -> None:
    rows = [(n, f"Chả số {n} Tân Xuân", f"Cơ sở số {n}", None, None) for n in (1, 2)]
    href, older = plan_of(own_clerk, *rows)
    first = as_asked(older, {"val-0": "skip"})
    own_clerk.post(f"{href}/answer", data=first)

    own_clerk.post(f"{href}/answer", data=first)

    page = text(own_clerk.get(href))
    assert "1 giá trị chưa nhận ra" in page
    assert "Chưa có chủ thể “Cơ sở số 2”" in page


def test_answers_nobody_offered_change_nothing(own_clerk: TestClient, entity: Entity) -> None:
    href, page = plan_of(own_clerk, (1, "Chả hoa Tân Xuân", "Không có ai", None, None))
    asked = as_asked(page, {"val-0": "", "col-1": "version"})

    for odd in ("99999999", "create'--", "-1", "²"):
        typed = {name: value or odd for name, value in asked.items()}
        own_clerk.post(f"{href}/answer", data=typed | {"val-7": "1", "col-99": "name"})
        page = own_clerk.get(href)
        assert page.status_code == 200
        assert "bị từ chối" in page.text or "thiếu" in page.text


@pytest.mark.parametrize(
    ("day", "valid_to"), [("2025-06-30", date(2025, 6, 30)), (today().isoformat(), None)], ids=["before", "today"]
)
def test_a_code_given_anew_asks_for_the_day_of_the_list_and_the_answer_holds_for_all(
    own_clerk: TestClient, look: OcopSession, day: str, valid_to: date | None
) -> None:
    file = workbook(("HTX Dừa Hữu Định", "28858"), ("HTX Bưởi Hữu Định", "28858"), header=("Chủ thể", "Mã xã"))
    href = send(own_clerk, file, name="chu-the.xlsx", model="entity", as_of="").headers["location"]
    page = own_clerk.get(href).text
    assert "Mã 28858 nay là Phường Phú Tân, đến hết 30/06/2025 là Xã Hữu Định" in text(own_clerk.get(href))
    assert f'value="{day}"' in page

    reply(own_clerk, href, {"val-0": day})
    own_clerk.post(f"{href}/confirm")

    look.rollback()
    places = look.scalars(
        select(Commune).join(Entity, Entity.commune_id == Commune.id).where(Entity.name.endswith("Hữu Định"))
    ).all()
    assert [(place.code, place.valid_to) for place in places] == [("28858", valid_to)] * 2
    assert f"tính đến ngày {date.fromisoformat(day):%d/%m/%Y}" in text(own_clerk.get(href))


def test_a_day_that_a_list_of_results_lacks_is_typed_once_for_all_rows(
    own_clerk: TestClient, look: OcopSession, entity: Entity
) -> None:
    product = look.scalars(select(Product.name).where(Product.entity_id == entity.id)).first()
    file = workbook((product, entity.name, "4 sao"), header=("Tên sản phẩm", "Chủ thể", "Hạng sao"))
    href = send(own_clerk, file, name="ket-qua.xlsx", model="rating", as_of="").headers["location"]
    assert 'aria-label="Ngày quyết định của mọi dòng"' in own_clerk.get(href).text

    reply(own_clerk, href, {"val-0": "31/02/2024"})
    assert "Ngày 31/02/2024 không có trong lịch." in text(own_clerk.get(href))
    reply(own_clerk, href, {"val-0": "29/02/2024"})
    own_clerk.post(f"{href}/confirm")

    look.rollback()
    made = look.scalars(select(Rating).where(Rating.decided_on == date(2024, 2, 29))).one()
    assert (made.stars, made.mean_points, made.expires_on) == (4, None, date(2027, 2, 28))
    assert own_clerk.get(f"/admin/rating/details/{made.id}").status_code == 200


def test_the_day_of_a_year_is_typed_once_for_its_rows(own_clerk: TestClient, look: OcopSession, entity: Entity) -> None:
    product = look.scalars(select(Product.name).where(Product.entity_id == entity.id)).first()
    file = workbook((product, entity.name, "4 sao", 2020), header=("Tên sản phẩm", "Chủ thể", "Hạng sao", "Năm"))
    href = send(own_clerk, file, name="ket-qua.xlsx", model="rating", as_of="").headers["location"]
    assert 'aria-label="Năm của các dòng ghi “2020”"' in own_clerk.get(href).text

    reply(own_clerk, href, {"val-0": "29/02/2020"})
    own_clerk.post(f"{href}/confirm")

    look.rollback()
    assert look.scalars(select(Rating.stars).where(Rating.decided_on == date(2020, 2, 29))).all() == [4]


def test_who_signs_comes_from_the_same_workbook_and_stands_on_the_record(
    own_clerk: TestClient, look: OcopSession, entity: Entity
) -> None:
    file = workbook(
        (entity.name, "Đặng Thị Mai Hương", "Tổ trưởng"), header=("Tên chủ thể", "Người đại diện", "Chức vụ")
    )
    href = send(own_clerk, file, name="dai-dien.xlsx", model="representative", as_of="").headers["location"]
    own_clerk.post(f"{href}/confirm")

    record = own_clerk.get(f"/admin/entity/details/{entity.id}")
    assert "Đặng Thị Mai Hương" in text(record)
    another = f"/admin/representative/create?entity={entity.id}"
    assert f'href="{another}"' in record.text
    assert entity.name in own_clerk.get(another).text
    assert "Tổ trưởng" in text(own_clerk.get("/admin/representative/list?q=mai huong"))
    look.rollback()
    made = look.scalars(select(Representative).where(Representative.name == "Đặng Thị Mai Hương")).one()
    assert (made.entity_id, made.commune_id) == (entity.id, entity.commune_id)
    form = {"entity": str(entity.id), "name": "Đặng Thị Sáu", "since": "02/01/2026", "until": "01/01/2026"}
    assert "Đến ngày phải từ 02/01/2026 trở đi." in text(own_clerk.post("/admin/representative/create", data=form))


def test_a_tax_code_of_another_producer_is_asked_about_before_anything_changes(
    own_clerk: TestClient, look: OcopSession, entity: Entity
) -> None:
    code, name = "9900000016", entity.name
    there = workbook((code, name, entity.commune.code), header=("MST", "Chủ thể", "Mã xã"))
    href = send(own_clerk, there, name="chu-the.xlsx", model="entity", as_of="").headers["location"]
    own_clerk.post(f"{href}/confirm")
    file = workbook((code, "HTX Sông Tiền"), header=("MST", "Chủ thể"))
    href = send(own_clerk, file, name="chu-the-2.xlsx", model="entity", as_of="").headers["location"]

    page = text(own_clerk.get(href))
    assert f"Mã số thuế {code} đang là của “{name}, {entity.commune.name}”; dòng này ghi “HTX Sông Tiền”." in page
    assert "Trả lời các giá trị chưa nhận ra ở dưới là đủ, không cần sửa tệp." in page
    assert own_clerk.post(f"{href}/confirm").status_code == 409

    reply(own_clerk, href, {"val-0": str(entity.id)})
    assert "1 chủ thể thay đổi" in text(own_clerk.get(href))
    own_clerk.post(f"{href}/confirm")
    look.rollback()
    assert look.scalars(select(Entity.name).where(Entity.tax_code == code)).all() == ["HTX Sông Tiền"]
