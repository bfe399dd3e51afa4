"""Lists in windows of several widths."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.browser.test_day import sign_in

pytestmark = pytest.mark.browser

BROKEN = """() => [...document.querySelectorAll(".o-table tbody td, .o-table tbody th")].flatMap((cell) => {
  const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), broken = [];
  while (walk.nextNode()) {
    const node = walk.currentNode;
    for (const word of node.data.matchAll(/[0-9][0-9./:,-]+[0-9]/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (range.getClientRects().length > 1) broken.push(word[0]);
    }
  }
  return broken;
})"""


@pytest.mark.parametrize("width", [1024, 1280])
def test_dates_codes_and_numbers_stay_in_one_piece_and_the_last_column_is_reached(watched: Watched, width: int) -> None:
    page = watched.page
    page.set_viewport_size({"width": width, "height": 768})
    watched.open("/admin/login")
    sign_in(watched, "tinh")
    expect(page.get_by_role("link", name="Sản phẩm", exact=True)).to_be_visible()
    found = {}
    for screen in ("product", "entity", "rating", "participation", "commune", "district", "province", "representative"):
        watched.open(f"/admin/{screen}/list")
        found[screen] = page.evaluate(BROKEN)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), screen
        last = page.locator(".o-table thead th").last
        if width > 1024:  # a whole row without moving sideways
            table = page.locator(".o-fixed")
            assert table.evaluate("table => table.scrollWidth <= table.parentElement.clientWidth"), screen
        last.scroll_into_view_if_needed()
        box = last.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width, screen
    assert {screen: words for screen, words in found.items() if words} == {}
