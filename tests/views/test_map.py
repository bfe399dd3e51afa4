"""Maps: a commune shows its outline; the home page colours communes by a figure whose lists say the same."""

import re
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import select

from app.current import acting_as, system
from app.database import Database
from app.services import boundaries
from app.session import OcopSession
from models import Commune, Province
from tests.views.conftest import Clerk
from tests.views.page import text_of


@pytest.fixture
def mapped(demo: Database, shared_data: Path) -> None:
    """The demo year with the boundaries of Vĩnh Long."""
    shapes = boundaries.read((shared_data / "vinh_long_xa_2025_ranh_gioi.geojson").read_bytes())
    with acting_as(system("kiểm thử")), demo.writing.begin() as session:
        boundaries.apply(session, boundaries.plan(session, shapes, as_of=date(2025, 7, 1)))


def places(html: str) -> list[tuple[str, str, str]]:
    """(address, label, shade) of every place of the drawn map."""
    found = re.findall(r'<a href="([^"]+)" aria-label="([^"]+)"><path class="is-shade-(\d)"', html)
    return [(unescape(href), label, shade) for href, label, shade in found]


def table(html: str) -> str:
    return html.partition('id="bang-ban-do"')[2].partition("</table>")[0]


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize("measure", ["", "stars-3", "step-7"])
def test_every_place_opens_a_list_of_as_many_as_its_label_and_the_table_say(clerk: Clerk, measure: str) -> None:
    someone = clerk("tinh")
    page = someone.get(f"/admin/?theo={measure}").text

    drawn = places(page)
    counted = [(href, label, shade) for href, label, shade in drawn if ": 0 sản phẩm" not in label]

    assert len(drawn) == 124
    assert len(counted) > 0
    assert {shade for _href, label, shade in drawn if ": 0 sản phẩm" in label} == {"0"}
    for href, label, shade in counted:
        name, _, number = label.partition(": ")
        number = number.split()[0]
        assert f"{number} khớp bộ lọc" in text_of(someone.get(href).text), label
        assert f"{name} {number}" in text_of(table(page))
        assert shade in "12345"
    assert max(shade for *_, shade in counted) == "5"
    without = len(drawn) - len(counted)
    assert f"{without} xã, phường còn lại 0" in text_of(table(page))
    # What a map of one day cannot place is in the table, so that the sum is that of the list.
    total = text_of(table(page).partition("<tfoot>")[2]).removeprefix("Cộng ")
    query = measure.replace("-", "=") + ("&recognition=valid" if "stars" in measure else "")
    assert f"{total} khớp bộ lọc" in text_of(someone.get(f"/admin/product/list?{query or 'status=active'}").text)


def test_without_boundaries_the_table_stands_alone(clerk: Clerk) -> None:
    page = clerk("tinh").get("/admin/").text

    assert '<svg class="o-map"' not in page
    assert "Theo xã, phường" in text_of(page)
    assert "Xã Thạnh Phú" in text_of(table(page))


@pytest.mark.usefixtures("mapped")
def test_a_commune_shows_its_outline(clerk: Clerk, look: OcopSession) -> None:
    unit = look.scalars(select(Commune).where(Commune.code == "29182", Commune.valid_to.is_(None))).one()
    former = look.scalars(select(Commune).where(Commune.code == "29182", Commune.valid_to.is_not(None))).first()
    assert former is not None

    page = clerk("tinh").get(f"/admin/commune/details/{unit.id}").text

    assert f'role="img" aria-label="Ranh giới {unit.name}, tại ngày 01/07/2025"' in page
    assert '<svg class="o-map"' not in clerk("tinh").get(f"/admin/commune/details/{former.id}").text
    assert '<svg class="o-map"' not in clerk("tinh").get(f"/admin/commune/details/{unit.id}?tab=lich-su").text


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize("username", ["hoidong", "kiemtoan"])
def test_who_has_no_list_has_no_map(clerk: Clerk, username: str) -> None:
    assert 'id="ban-do"' not in clerk(username).get("/admin/").text


@pytest.mark.usefixtures("mapped")
def test_an_unknown_figure_is_the_number_of_products(clerk: Clerk) -> None:
    someone = clerk("tinh")

    assert places(someone.get("/admin/?theo=stars-99").text) == places(someone.get("/admin/").text)


@pytest.mark.usefixtures("mapped")
def test_a_commune_clerk_sees_the_own_commune_and_its_figure(clerk: Clerk) -> None:
    someone = clerk("xa")
    page = someone.get("/admin/").text

    ((href, label, shade),) = places(page)
    name, _, number = label.partition(": ")
    assert f"Bản đồ theo xã, phường: {name}" in text_of(page)
    assert shade == "5"
    assert f"{number.split()[0]} khớp bộ lọc" in text_of(someone.get(href).text)


def test_a_page_without_a_map_says_why_and_where_to_bring_one(clerk: Clerk) -> None:
    assert "Chưa có bản đồ vì chưa nhập ranh giới của địa bàn. Nhập tệp" in text_of(clerk("tinh").get("/admin/").text)
    assert "Nhập tệp ở trang Ranh giới" not in text_of(clerk("xa").get("/admin/").text)


@pytest.mark.usefixtures("mapped")
def test_the_country_begins_with_its_provinces_and_each_opens_its_map(clerk: Clerk, look: OcopSession) -> None:
    admin = clerk("admin")
    page = admin.get("/admin/").text

    assert "Theo tỉnh, thành phố" in text_of(page)
    assert places(page) == []
    assert "Thành phố Hà Nội 0" in text_of(table(page))
    assert table(page).count("#ban-do") == 34
    figures = dict(re.findall(r'tinh=(\d+)#ban-do">Tỉnh Vĩnh Long</a></th><td[^>]*>(?:<a[^>]*>)?(\d+)', table(page)))
    ((vinh_long, figure),) = figures.items()
    total = text_of(table(page).partition("<tfoot>")[2]).removeprefix("Cộng ")
    assert f"{total} sản phẩm" in text_of(admin.get("/admin/product/list").text)

    own = admin.get(f"/admin/?tinh={vinh_long}").text

    assert "Bản đồ theo xã, phường: Tỉnh Vĩnh Long" in text_of(own)
    assert len(places(own)) == 124
    assert text_of(table(own).partition("<tfoot>")[2]) == f"Cộng {figure}"
    hanoi = look.scalars(select(Province).where(Province.code == "01", Province.valid_to.is_(None))).one()
    empty = admin.get(f"/admin/?tinh={hanoi.id}&theo=stars-4").text
    assert "126 xã, phường còn lại 0" in text_of(table(empty))
    assert f'name="tinh" value="{hanoi.id}"' in empty


@pytest.mark.parametrize("odd", ["x", "²", "999999", "99999999999999999999"])
def test_a_province_that_is_none_leaves_the_page_whole(clerk: Clerk, odd: str) -> None:
    assert clerk("admin").get("/admin/", params={"tinh": odd}).status_code == 200
