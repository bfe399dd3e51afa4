"""Nhập liệu of products as a commune clerk uses it: questions answered once, columns read otherwise, senders kept."""

import re

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.session import OcopSession
from models import Entity, Product, Sender
from tests.views.conftest import Clerk
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
    assert re.findall(r"<td>(2, 3)</td>", page) == ["2, 3"]

    answered = own_clerk.post(f"{href}/answer", data={"val-0": str(entity.id), "col-3": "packaging"})
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

    own_clerk.post(f"{href}/answer", data={"val-0": "skip"})
    page = own_clerk.get(href).text
    assert "Nhập 1 dòng: 1 mới" in page
    assert "Bỏ qua" in page

    other, _page = plan_of(own_clerk, *rows)
    assert own_clerk.post(f"{other}/confirm").status_code == 409
    assert own_clerk.post(f"{other}/confirm", data={"partial": "1"}).status_code == 303
    look.rollback()
    assert look.scalars(select(Product.name).where(Product.name.endswith("Tân Xuân"))).all() == ["Chả hoa Tân Xuân"]
    assert "Về danh sách sản phẩm" in own_clerk.get(other).text


def test_answers_nobody_offered_change_nothing(own_clerk: TestClient, entity: Entity) -> None:
    href, _page = plan_of(own_clerk, (1, "Chả hoa Tân Xuân", "Không có ai", None, None))

    for odd in ("99999999", "create'--", "-1", "²"):
        own_clerk.post(f"{href}/answer", data={"val-0": odd, "val-7": "1", "col-1": "version", "col-99": "name"})
        page = own_clerk.get(href)
        assert page.status_code == 200
        assert "bị từ chối" in page.text or "thiếu" in page.text
