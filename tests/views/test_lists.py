"""Lists: found without marks, filtered, sorted, paged; bad addresses are answered, never 500."""

import re
from html import unescape

import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from app.session import OcopSession
from models import Product
from tests.views.conftest import Clerk
from tests.views.page import rows_of, text_of


def names(html: str) -> list[str]:
    return [row[1] for row in rows_of(html)]


def test_a_word_without_marks_finds_the_product_with_them(clerk: Clerk) -> None:
    page = clerk("thanhphu").get("/admin/product/list", params={"search": "mien GAO"})

    assert [name[:16] for name in names(page.text)] == ["Miến gạo tôm lúa"]


def test_the_exact_spelling_comes_first(clerk: Clerk) -> None:
    tinh = clerk("tinh")

    found = names(tinh.get("/admin/product/list", params={"search": "dứa"}).text)

    exact = ["dứa" in name.partition(" Công ty")[0] for name in found]
    assert exact == sorted(exact, reverse=True)
    assert exact[0]
    assert not exact[-1], "dừa and dưa are found too, after it"


def test_a_product_is_found_by_its_producer(clerk: Clerk) -> None:
    page = clerk("xa").get("/admin/product/list", params={"search": "son duong"})

    assert "Son dưỡng dầu dừa" in page.text


def test_the_order_is_vietnamese(clerk: Clerk) -> None:
    found = names(clerk("xa").get("/admin/product/list", params={"search": "bánh tráng sáu hiền"}).text)

    assert [name[:14] for name in found] == ["Bánh tráng mè ", "Bánh tráng sữa"]


def test_a_filter_shows_as_a_chip_that_takes_it_away(clerk: Clerk) -> None:
    page = clerk("xa").get("/admin/product/list", params={"state": "returned"})

    assert "Đang lọc:" in page.text
    assert "Bỏ lọc Trạng thái: Bị trả lại" in page.text
    assert all(row[-1].endswith("Bị trả lại") for row in rows_of(page.text))


def test_search_and_filter_work_together(clerk: Clerk) -> None:
    page = clerk("xa").get("/admin/product/list", params={"search": "dua", "state": "returned", "step": "4"})

    assert [name[:11] for name in names(page.text)] == ["Kem dừa sáp", "Rượu dừa Hộ"]


def test_an_empty_list_says_so_and_offers_the_way_back(clerk: Clerk) -> None:
    page = clerk("xa").get("/admin/product/list", params={"search": "không có đâu", "state": "returned"})

    assert "Không có sản phẩm nào khớp “không có đâu” và 1 bộ lọc." in text_of(page.text)
    assert "Bỏ mọi bộ lọc" in page.text


def test_the_pages_of_a_list_hold_every_row_once(clerk: Clerk, look: OcopSession) -> None:
    tinh = clerk("tinh")

    seen = [pk for page in range(1, 5) for pk in _pks(tinh.get(f"/admin/product/list?page={page}").text)]

    assert sorted(seen) == sorted(look.scalars(select(Product.id)))


def test_a_page_past_the_end_is_the_last_page(clerk: Clerk) -> None:
    tinh = clerk("tinh")

    assert _pks(tinh.get("/admin/product/list?page=99").text) == _pks(tinh.get("/admin/product/list?page=4").text)
    assert _pks(tinh.get("/admin/product/list?page=-1").text) == _pks(tinh.get("/admin/product/list?page=4").text)


def _pks(html: str) -> list[int]:
    return [int(part.partition('"')[0]) for part in html.split('form="bulk" value="')[1:]]


@pytest.mark.parametrize(
    "query",
    [
        "group=abc",
        "group=99999999999",
        "state=nonsense",
        "stars=9",
        "page=abc",
        "pageSize=x",
        "sortBy=password_hash",
        "step=-1",
        "pks=1,x",
        "commune=1.5",
    ],
)
def test_a_bad_address_gets_a_sentence(clerk: Clerk, query: str) -> None:
    page = clerk("tinh").get(f"/admin/product/list?{query}")

    assert page.status_code == 400
    assert "chưa đọc được" in page.text


@pytest.mark.parametrize("address", ["details/abc", "edit/abc", "details/99999999999", "details/1 or 1=1"])
def test_a_bad_key_is_answered(clerk: Clerk, address: str) -> None:
    page = clerk("tinh").get(f"/admin/product/{address}")

    assert page.status_code in (400, 404)


@pytest.mark.parametrize("address", ["details/99999", "edit/99999"])
def test_a_key_of_nothing_is_not_found(clerk: Clerk, address: str) -> None:
    page = clerk("tinh").get(f"/admin/product/{address}")

    assert page.status_code == 404
    assert "Không có sản phẩm này" in page.text


def test_a_text_in_the_address_is_never_shown_as_a_message(clerk: Clerk) -> None:
    page = clerk("tinh").get("/admin/product/list?error=Hãy gọi số này để nhận thưởng")

    assert "nhận thưởng" not in page.text


@pytest.mark.parametrize("term", ['"', "'", "%", "_", "\\", "a", "*", "OR", "NEAR(", "đ" * 300, "\x00", "🥥"])
def test_any_search_is_answered(clerk: Clerk, term: str) -> None:
    assert clerk("tinh").get("/admin/product/list", params={"search": term}).status_code == 200


def test_what_a_clerk_typed_is_never_markup(clerk: Clerk) -> None:
    page = clerk("tinh").get("/admin/product/list", params={"search": "<script>alert(1)</script>"})

    assert "<script>alert" not in page.text


def test_suggestions_are_folded_and_tell_names_apart(clerk: Clerk) -> None:
    found = clerk("tinh").get("/admin/product/ajax/lookup", params={"name": "commune", "term": "thanh phu"}).json()

    assert found["results"][0]["text"] == "Xã Thạnh Phú"
    assert {"Thị trấn Thạnh Phú"} <= {it["text"] for it in found["results"]}
    assert any("Huyện Thạnh Phú" in it["hint"] and "đến 30/06/2025" in it["hint"] for it in found["results"])


@pytest.mark.parametrize(
    ("screen", "field", "term"), [("user", "province", "vĩnh long"), ("cycle", "province", "vinh")]
)
def test_an_ended_unit_says_so_after_the_one_in_force(clerk: Clerk, screen: str, field: str, term: str) -> None:
    asked = clerk("admin").get(f"/admin/{screen}/ajax/lookup", params={"name": field, "term": term}).json()

    found = [(it["text"], it["hint"]) for it in asked["results"] if it["text"] == "Tỉnh Vĩnh Long"]
    assert found == [("Tỉnh Vĩnh Long", ""), ("Tỉnh Vĩnh Long", "đến 30/06/2025")]


def test_a_choice_of_provinces_tells_ended_ones_apart(clerk: Clerk) -> None:
    page = clerk("tinh").get("/admin/import").text.partition('id="o-province"')[2].partition("</select>")[0]

    options = re.findall(r"<option[^>]*>([^<]+)</option>", page)[1:]
    ended = ["(đến 30/06/2025)" in option for option in options]
    assert ended == sorted(ended)
    assert any(ended)
    assert not all(ended)
    assert len({option.partition(" ")[2] for option in options}) == len(options)


def test_suggestions_stay_inside_the_area(clerk: Clerk) -> None:
    found = clerk("xa").get("/admin/product/ajax/lookup", params={"name": "commune", "term": "đại điền"}).json()

    assert found["results"] == []


@pytest.mark.parametrize("query", ["commune-text=Thạnh&commune=", "search=!!!", "search=%00"])
def test_what_could_not_be_understood_never_shows_everything(clerk: Clerk, query: str) -> None:
    page = clerk("tinh").get(f"/admin/product/list?{query}")

    assert page.status_code == 400 or not rows_of(page.text) or query.endswith("%00")


@pytest.mark.parametrize("typed", ["Xã Thạnh Phú", "xã thạnh phú", "thanh phu"])
def test_a_name_typed_into_a_filter_is_taken_where_one_unit_in_force_bears_it(clerk: Clerk, typed: str) -> None:
    page = clerk("tinh").get("/admin/product/list", params={"commune": "", "commune-text": typed, "state": "returned"})

    assert page.status_code == 200
    assert ": Xã Thạnh Phú" in text_of(page.text)
    assert "Trạng thái: Bị trả lại" in text_of(page.text)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("thạnh", "; chọn một dòng trong danh sách gợi ý."),
        ("Không đâu cả", "Không có “Không đâu cả” trong danh sách. Chọn một dòng trong danh sách gợi ý."),
    ],
)
def test_a_name_that_no_one_unit_bears_is_asked_for_at_its_filter(clerk: Clerk, typed: str, sentence: str) -> None:
    page = clerk("tinh").get("/admin/product/list", params={"commune": "", "commune-text": typed, "state": "returned"})

    panel = page.text.partition('class="o-pop" open')[2].partition("</form>")[0]
    assert page.status_code == 400
    assert sentence in text_of(panel)
    assert f'name="commune-text" value="{typed}"' in panel
    assert "Trạng thái: Bị trả lại" in text_of(page.text)
    assert all(row[-1].endswith("Bị trả lại") for row in rows_of(page.text))


@pytest.mark.parametrize("username", ["tinh", "admin"])
def test_every_filter_of_a_panel_takes_what_it_offers(clerk: Clerk, site: Starlette, username: str) -> None:
    someone = clerk(username)
    asked = 0
    for view in site.state.admin.views:
        page = someone.get(f"/admin/{view.identity}/list")
        if page.status_code != 200:
            continue
        panel = page.text.partition('class="o-filters"')[2].partition("</form>")[0]
        for select_, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', panel, flags=re.S):
            for value in [v for v in re.findall(r'<option value="([^"]*)"', options) if v][:2]:
                answer = someone.get(f"/admin/{view.identity}/list", params={select_: unescape(value)})
                assert answer.status_code == 200, (view.identity, select_, value)
                asked += 1
        for address in re.findall(r'href="(\?[^"]*sortBy=[^"]*)"', page.text):
            assert someone.get(f"/admin/{view.identity}/list{unescape(address)}").status_code == 200
    assert asked > 10


@pytest.mark.parametrize("page", ["999999999", "-999999999", "0"])
def test_a_page_that_cannot_be_is_answered(clerk: Clerk, page: str) -> None:
    assert clerk("tinh").get(f"/admin/product/list?page={page}").status_code == 200


@pytest.mark.parametrize("address", ["import-batch/ajax/lookup?name=user&term=tran", "import-batch/list?user=1"])
def test_nobody_learns_names_of_accounts_from_a_filter(clerk: Clerk, address: str) -> None:
    for username in ("xa", "tinh"):
        page = clerk(username).get(f"/admin/{address}")

        assert "admin" not in text_of(page.text).split("Quản trị")[0].lower().replace("/admin/", "")
        assert "Tài khoản:" not in page.text


def test_the_panel_keeps_the_filters_outside_it(clerk: Clerk) -> None:
    page = clerk("tinh").get("/admin/rating/list?product=1&sortBy=stars&sort=asc").text

    panel = page.partition('class="o-pop"')[2].partition("</form>")[0]
    assert '<input type="hidden" name="product" value="1">' in panel
    assert '<input type="hidden" name="sortBy" value="stars">' in panel
