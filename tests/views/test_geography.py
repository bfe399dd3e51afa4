"""Tổng hợp theo địa giới in the browser's eyes: figures open lists of that many, the workbook says the same."""

import re
from html import unescape
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest

from tests.views.conftest import Clerk
from tests.views.page import rows_of, text_of

PAGE = "/admin/report/dia-gioi"


def totals(html: str) -> list[str]:
    return text_of(html.partition("<tfoot>")[2].partition("</tfoot>")[0]).split()


@pytest.mark.parametrize("username", ["admin", "tinh", "thanhphu", "xa", "lanhdao"])
def test_both_maps_have_the_same_total(clerk: Clerk, username: str) -> None:
    someone = clerk(username)
    asked = [("30/06/2025", level) for level in ("tinh", "huyen", "xa")]
    asked += [("01/07/2025", level) for level in ("tinh", "xa")]

    found = {(day, level): totals(someone.get(f"{PAGE}?ngay={day}&muc={level}").text) for day, level in asked}

    assert len({tuple(total) for total in found.values()}) == 1
    assert int(found["30/06/2025", "xa"][2]) > 0


@pytest.mark.parametrize("day", ["30/06/2025", "01/07/2025"])
def test_every_figure_opens_a_list_of_that_many(clerk: Clerk, day: str) -> None:
    someone = clerk("tinh")
    page = someone.get(f"{PAGE}?ngay={day}&muc=xa").text

    links = re.findall(r'<a href="(/admin/(?:product|entity)/list[^"]+)">([\d.]+)</a>', page)

    asked = {parse_qs(urlsplit(unescape(href)).query).get("recognition", [""])[0] for href, _number in links}
    assert asked == {"", "valid", "expired", "none"}
    for href, number in links:
        opened = text_of(someone.get(unescape(href)).text)
        assert f"{number} khớp bộ lọc" in opened, href
        assert "Ghi tại: " in opened


def test_the_workbook_says_what_the_page_says(clerk: Clerk) -> None:
    someone = clerk("tinh")
    query = "ngay=30/06/2025&muc=huyen"

    page = someone.get(f"{PAGE}?{query}").text
    answer = someone.get(f"{PAGE}/xlsx?{query}")

    sheet = openpyxl.load_workbook(BytesIO(answer.content))["Địa giới"]
    rows = [["" if cell.value is None else str(cell.value) for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert rows_of(page) == [[f"{name} {within}", code, *figures] for code, name, within, *figures in rows[:-1]]
    assert rows[-1][3:] == totals(page)[1:]


def test_a_day_that_no_calendar_has_is_refused(clerk: Clerk) -> None:
    answer = clerk("tinh").get(f"{PAGE}?ngay=31/02/2025")

    assert answer.status_code == 400
    assert "Ngày của địa giới" in text_of(answer.text)


@pytest.mark.parametrize("query", ["muc=thon", "tinh=x", "tinh=%C2%B2"])
def test_an_address_that_cannot_be_read_is_refused(clerk: Clerk, query: str) -> None:
    assert clerk("tinh").get(f"{PAGE}?{query}").status_code == 400


@pytest.mark.parametrize("places", ["x", "1,,2", "²"])
def test_places_that_cannot_be_read_are_refused(clerk: Clerk, places: str) -> None:
    assert clerk("tinh").get("/admin/product/list", params={"places": places}).status_code == 400


def test_since_july_2025_there_is_no_district_to_choose(clerk: Clerk) -> None:
    someone = clerk("tinh")

    assert 'value="huyen"' in someone.get(f"{PAGE}?ngay=30/06/2025").text
    page = someone.get(f"{PAGE}?ngay=01/07/2025&muc=huyen").text
    assert 'value="huyen"' not in page
    assert "Xã Thạnh Phú" in page


@pytest.mark.parametrize("username", ["hoidong", "kiemtoan"])
def test_who_may_not_list_producers_has_no_report(clerk: Clerk, username: str) -> None:
    someone = clerk(username)

    assert someone.get(PAGE).status_code == 403
    assert someone.get(f"{PAGE}/xlsx").status_code == 403
