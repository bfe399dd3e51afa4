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
from models import Commune
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
@pytest.mark.parametrize("measure", ["", "stars-4", "step-7"])
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
    query = measure.replace("-", "=")
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
@pytest.mark.parametrize("username", ["xa", "hoidong", "kiemtoan"])
def test_who_has_one_commune_or_no_list_has_no_map(clerk: Clerk, username: str) -> None:
    assert 'id="ban-do"' not in clerk(username).get("/admin/").text


@pytest.mark.usefixtures("mapped")
def test_an_unknown_figure_is_the_number_of_products(clerk: Clerk) -> None:
    someone = clerk("tinh")

    assert places(someone.get("/admin/?theo=stars-99").text) == places(someone.get("/admin/").text)
