"""Ranh giới on the screens: looked at, confirmed, given back, deleted; bad files each with a sentence."""

import json
import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from app.session import OcopSession
from models import AuditEntry, Boundary, Commune
from tests.views.conftest import Clerk
from tests.views.page import form_of, text_of

AFTER = date(2025, 7, 1)
RING = [[106.3, 10.2], [106.4, 10.2], [106.4, 10.3], [106.3, 10.2]]
WIDER = [[106.3, 10.2], [106.5, 10.2], [106.4, 10.3], [106.3, 10.2]]
BOW_TIE = [[106.3, 10.2], [106.4, 10.3], [106.4, 10.2], [106.3, 10.3], [106.3, 10.2]]
THANH_PHU = {"ma_xa": "29182", "ten_xa": "Xã Thạnh Phú", "ma_tinh": "86"}
DONG_KHOI = {"ma_xa": "28945", "ten_xa": "Xã Đồng Khởi", "ma_tinh": "86"}


def file(*shapes: tuple[dict[str, str], Any]) -> bytes:
    features = [
        {"type": "Feature", "properties": said, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for said, ring in shapes
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def upload(client: TestClient, content: bytes, day: str = "01/07/2025", **more: str) -> Any:
    return client.post(
        "/admin/boundary", data={"as_of": day, **more}, files={"file": ("xa.geojson", content, "application/json")}
    )


def put_in(client: TestClient, content: bytes) -> str:
    answer = client.post("/admin/boundary", data=form_of(upload(client, content).text))
    assert answer.status_code == 200, text_of(answer.text)
    return text_of(answer.text)


def kept(look: OcopSession) -> list[tuple[str, Any]]:
    look.rollback()
    found = look.execute(select(Commune.code, Boundary.geometry).join(Commune, Boundary.commune_id == Commune.id))
    return sorted((code, json.loads(geometry)["coordinates"][0]) for code, geometry in found)


def newest(look: OcopSession) -> int | None:
    look.rollback()
    return look.scalar(select(func.max(AuditEntry.id)))


@pytest.mark.parametrize("who", ["tinh", "admin"])
def test_a_file_is_looked_at_first_and_written_when_confirmed(clerk: Clerk, look: OcopSession, who: str) -> None:
    client, before = clerk(who), newest(look)

    check = upload(client, file((THANH_PHU, RING), (DONG_KHOI, BOW_TIE)))

    words = text_of(check.text)
    assert "1 hình mới, 0 hình thay đổi, 0 hình giữ nguyên, 1 hình bị từ chối" in words
    assert "Xã Đồng Khởi: Đường ranh giới tự cắt" in words
    assert "Ghi 1 hình, bỏ 1 hình bị từ chối" in words
    assert (kept(look), newest(look)) == ([], before)

    done = client.post("/admin/boundary", data=form_of(check.text))

    assert "Đã ghi 1 ranh giới tại ngày 01/07/2025" in text_of(done.text)
    assert kept(look) == [("29182", RING)]
    entries = look.scalars(select(AuditEntry).where(AuditEntry.model == "boundaries"))
    assert [entry.verb for entry in entries] == ["nhập ranh giới"]


def test_a_replaced_shape_comes_back_from_the_file_that_the_page_gave(clerk: Clerk, look: OcopSession) -> None:
    client = clerk("tinh")
    put_in(client, file((THANH_PHU, RING), (DONG_KHOI, RING)))
    (address,) = re.findall(r'href="(/admin/boundary/geojson[^"]+)"', client.get("/admin/boundary").text)
    before = client.get(address.replace("&amp;", "&")).content

    check = text_of(upload(client, file((THANH_PHU, WIDER))).text)
    changed = put_in(client, file((THANH_PHU, WIDER)))

    assert "1 hình đang có của ngày 01/07/2025 sẽ được thay" in check
    assert "Đã ghi 1 ranh giới" in changed
    assert kept(look) == [("28945", RING), ("29182", WIDER)]
    put_in(client, before)
    assert kept(look) == [("28945", RING), ("29182", RING)]


def test_the_same_file_again_has_nothing_to_write(clerk: Clerk) -> None:
    client = clerk("tinh")
    put_in(client, file((THANH_PHU, RING)))

    again = upload(client, file((THANH_PHU, RING)))

    assert "Mọi hình đọc được đã có như trong tệp." in text_of(again.text)
    assert "Ghi 0 hình" not in again.text


def test_boundaries_are_deleted_after_a_check_and_the_trail_says_so(clerk: Clerk, look: OcopSession) -> None:
    client = clerk("tinh")
    put_in(client, file((THANH_PHU, RING)))
    button = form_of(client.get("/admin/boundary").text.partition("Ranh giới đang có")[2])

    check = client.post("/admin/boundary/delete", data=button)

    assert "1 hình sẽ xóa" in text_of(check.text)
    assert kept(look) == [("29182", RING)]
    done = client.post("/admin/boundary/delete", data=form_of(check.text))
    assert "Đã xóa 1 ranh giới" in text_of(done.text)
    assert kept(look) == []
    assert "xóa ranh giới" in look.scalars(select(AuditEntry.verb).where(AuditEntry.model == "boundaries")).all()


def test_what_changed_since_the_check_is_not_overwritten(clerk: Clerk, look: OcopSession) -> None:
    client = clerk("tinh")
    check = form_of(upload(client, file((THANH_PHU, WIDER))).text)
    put_in(client, file((THANH_PHU, RING)))
    removal = form_of(client.post("/admin/boundary/delete", data=button_of(client)).text)
    put_in(client, file((DONG_KHOI, RING)))

    late = client.post("/admin/boundary", data=check)
    late_removal = client.post("/admin/boundary/delete", data=removal)

    for answer in (late, late_removal):
        assert answer.status_code == 400
        assert "Sổ đã thay đổi sau khi xem trước" in text_of(answer.text)
    assert kept(look) == [("28945", RING), ("29182", RING)]


def button_of(client: TestClient) -> dict[str, str]:
    return form_of(client.get("/admin/boundary").text.partition("Ranh giới đang có")[2])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ma_xa,ten_xa", "Tệp không phải GeoJSON"),
        (file(({"ten_xa": "Xã Thạnh Phú"}, RING)), "Tệp không có thuộc tính mã xã"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_on_the_page(clerk: Clerk, content: bytes, says: str) -> None:
    answer = upload(clerk("tinh"), content)

    assert answer.status_code == 400
    assert says in text_of(answer.text)


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ([(THANH_PHU, [[y, x] for x, y in RING])], "Kinh độ và vĩ độ đổi chỗ"),
        ([(THANH_PHU, RING), (THANH_PHU, WIDER)], "Mã 29182 có ở 2 hình"),
        ([({"ma_xa": "30169", "ma_tinh": "87"}, RING)], "của địa bàn này, tệp ghi tỉnh mã 87"),
        ([({**THANH_PHU, "ma_tinh": "83"}, RING)], "không phải 83"),
        ([(THANH_PHU, [[10**400, 10.2], *RING])], "không phải một vùng"),
        ([(THANH_PHU, [[612000, 1105000], *RING])], "nằm ngoài Việt Nam"),
    ],
)
def test_a_shape_that_is_no_boundary_is_refused_with_its_reason(
    clerk: Clerk, look: OcopSession, shapes: list[tuple[dict[str, str], Any]], says: str
) -> None:
    answer = upload(clerk("tinh"), file(*shapes))

    assert answer.status_code == 200
    assert says in text_of(answer.text)
    assert "confirm" in form_of(answer.text)
    assert "Chưa có gì để ghi" in text_of(answer.text)
    assert kept(look) == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"as_of": ""}, "Ghi ngày của ranh giới, ví dụ 01/07/2025."),
        ({"as_of": "31/02/2025"}, "31/02/2025"),
        ({"as_of": "01/07/2025"}, "Chọn tệp GeoJSON cần nhập."),
    ],
)
def test_what_is_missing_is_asked_for(clerk: Clerk, data: dict[str, str], says: str) -> None:
    answer = clerk("tinh").post("/admin/boundary", data=data)

    assert answer.status_code == 400
    assert says in answer.text


def test_a_missing_day_and_an_unreadable_file_are_said_together(clerk: Clerk) -> None:
    answer = clerk("tinh").post(
        "/admin/boundary", data={"as_of": ""}, files={"file": ("a.geojson", b"{}", "text/plain")}
    )

    assert "Ghi ngày của ranh giới, ví dụ 01/07/2025." in answer.text
    assert "Tệp không phải GeoJSON" in answer.text


def test_a_file_that_is_too_large_is_refused(clerk: Clerk) -> None:
    client = clerk("tinh")

    answer = upload(client, b" " * 26_000_000)
    assert answer.status_code == 413
    assert "lớn hơn 25 MB. Chọn tệp nhỏ hơn" in text_of(answer.text)

    answer = upload(client, b" " * 22_000_000)
    assert answer.status_code == 400
    assert "Tệp lớn hơn 20 MB. Giản lược đường ranh giới" in text_of(answer.text)


def test_an_administrator_holds_a_file_to_its_province(clerk: Clerk) -> None:
    answer = upload(clerk("admin"), file(({"ma_xa": "29182"}, RING)), province="87")

    assert "không phải 87" in text_of(answer.text)


def test_a_confirmation_whose_file_is_gone_asks_for_it_again(clerk: Clerk, look: OcopSession) -> None:
    client = clerk("tinh")
    check = form_of(upload(client, file((THANH_PHU, RING))).text)

    answer = client.post("/admin/boundary", data={**check, "file": "0" * 64})

    assert "Chọn lại tệp rồi xem trước lần nữa." in text_of(answer.text)
    assert kept(look) == []


@pytest.mark.parametrize("address", ["tinh=1&ngay=01/07/2025", "tinh=99999&ngay=01/07/2025"])
def test_nothing_is_given_back_of_what_is_not_there(clerk: Clerk, address: str) -> None:
    assert clerk("tinh").get(f"/admin/boundary/geojson?{address}").status_code == 404
    assert clerk("tinh").get("/admin/boundary/geojson?tinh=1&ngay=x").status_code == 400


@pytest.mark.parametrize("who", ["xa", "lanhdao", "hoidong", "kiemtoan"])
def test_others_than_the_keepers_of_places_have_no_such_page(clerk: Clerk, who: str) -> None:
    client = clerk(who)

    assert client.get("/admin/boundary").status_code == 403
    assert client.post("/admin/boundary/delete", data={"confirm": "1"}).status_code == 403
