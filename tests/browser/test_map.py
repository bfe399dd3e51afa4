"""The map in a real browser: reached by keyboard, a place opens its list; no violation of WCAG A and AA."""

from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.current import acting_as, system
from app.database import Database
from app.services import boundaries
from models import Commune
from tests.browser.conftest import Watched
from tests.browser.test_day import sign_in

pytestmark = pytest.mark.browser


def test_the_map_of_a_province_clerk(watched: Watched, demo: Database, shared_data: Path) -> None:
    page = watched.page
    shapes = boundaries.read((shared_data / "vinh_long_xa_2025_ranh_gioi.geojson").read_bytes())
    with acting_as(system("kiểm thử")), demo.writing.begin() as session:
        boundaries.apply(session, boundaries.plan(session, shapes, as_of=date(2025, 7, 1)))
        unit = session.scalars(select(Commune).where(Commune.code == "29182", Commune.valid_to.is_(None))).one()
        commune, name = unit.id, unit.name

    watched.open("/admin/")
    sign_in(watched, "tinh")
    watched.screen("70-ban-do")
    expect(page.locator(".o-map a")).to_have_count(124)

    # Coloured by stars, and a place opened by keyboard.
    page.get_by_label("Số liệu").select_option("Sản phẩm 4 sao còn hiệu lực")
    page.locator("#ban-do").get_by_role("button", name="Xem").click()
    watched.screen("71-ban-do-4-sao")
    page.locator(".o-map").get_by_role("link", name=f"{name}:").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sản phẩm")
    expect(page.get_by_text("Ghi tại:")).to_be_visible()

    watched.open(f"/admin/commune/details/{commune}")
    watched.screen("72-ranh-gioi-xa")
    expect(page.get_by_role("img", name=f"Ranh giới {name}")).to_be_visible()

    watched.open("/admin/report/dia-gioi?ngay=30/06/2025&muc=huyen")
    watched.screen("73-dia-gioi-truoc-sap-xep")
    page.set_viewport_size({"width": 390, "height": 844})
    watched.open("/admin/")
    watched.screen("74-ban-do-390")
    watched.open("/admin/report/dia-gioi")
    watched.screen("75-dia-gioi-390")
