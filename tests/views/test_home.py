"""Trang chủ and the frame: who I am, where I am, what waits; numbers that agree with the lists they open."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import select

from app.current import acting_as, system, today
from app.database import Database
from app.session import OcopSession
from models import AuditEntry, Entity, Product, Rating
from models.rules.rating import expires_on
from models.rules.words import moment
from tests.views.conftest import Clerk
from tests.views.page import text_of

ALL = ["admin", "tinh", "thanhphu", "xa", "hoidong", "lanhdao", "kiemtoan"]


@pytest.mark.parametrize("username", ALL)
def test_everyone_has_a_home_with_name_and_area(clerk: Clerk, username: str) -> None:
    page = clerk(username).get("/admin/")

    assert page.status_code == 200
    assert "Tài khoản của bạn" in page.text
    assert "Địa bàn:" in page.text


@pytest.mark.parametrize("username", ["xa", "tinh", "thanhphu"])
def test_every_number_opens_a_list_of_that_many(clerk: Clerk, username: str) -> None:
    someone = clerk(username)
    page = someone.get("/admin/").text

    links = re.findall(r'<a href="(/admin/participation/list[^"]+)">(\d+)</a>', page.replace("&amp;", "&"))
    links += [(href, number) for number, href in re.findall(r'o-big">(\d+)</span>\s*<div><a href="([^"]+)"', page)]

    assert len(links) >= 5
    for href, number in links:
        opened = text_of(someone.get(href.replace("&amp;", "&")).text)
        assert f"{number} khớp bộ lọc" in opened, href


def test_a_product_rated_anew_needs_no_reminder_of_its_old_certificate(clerk: Clerk, demo: Database) -> None:
    on, tinh = today(), clerk("tinh")
    before = text_of(tinh.get("/admin/").text)
    with acting_as(system("kiểm thử")), demo.writing.begin() as session:
        ending = select(Rating).where(Rating.expires_on.between(on, on + timedelta(days=180)))
        old = session.scalars(ending.order_by(Rating.expires_on).limit(1)).one()
        name = session.get_one(Product, old.product_id).name
        session.add(
            Rating(product_id=old.product_id, regime=old.regime, stars=4, decided_on=on, expires_on=expires_on(on))
        )

    after = tinh.get("/admin/").text

    title = "Công nhận hết hạn trong 180 ngày"
    assert name in before.partition(title)[2]
    assert name not in text_of(after).partition(title)[2]
    (href,) = re.findall(r'href="(/admin/rating/list[^"]+expires_on[^"]+)"', after)
    opened = tinh.get(unescape(href)).text
    assert "Bỏ lọc Mới nhất của sản phẩm: Có" in opened
    assert name not in text_of(opened)


def test_numbers_of_a_commune_are_told_as_its_own(clerk: Clerk) -> None:
    xa, tinh = (text_of(clerk(name).get("/admin/").text) for name in ("xa", "tinh"))

    assert re.search(r"Chu trình OCOP năm 2026, tỉnh Vĩnh Long: \d+ sản phẩm ở xã Thạnh Phú ", xa)
    assert not re.search(r"Chu trình OCOP năm 2026, tỉnh Vĩnh Long: \d+ sản phẩm ở ", tinh)


@pytest.mark.parametrize(("username", "acts"), [("tinh", True), ("xa", True), ("admin", False), ("lanhdao", False)])
def test_work_waits_only_for_who_may_do_it(clerk: Clerk, username: str, acts: bool) -> None:
    page = text_of(clerk(username).get("/admin/").text)

    assert ("cần kiểm tra thể thức" in page) is acts
    assert ("Không có việc nào chờ bạn" in page) is not acts
    assert "sản phẩm" in page.partition("Chu trình OCOP năm 2026")[2]


@pytest.mark.parametrize("username", ALL)
def test_the_menu_opens(clerk: Clerk, username: str) -> None:
    someone = clerk(username)
    menu = someone.get("/admin/").text.partition("o-nav")[2].partition("</nav>")[0]

    addresses = re.findall(r'href="(/admin/[^"]*)"', menu)

    assert all(someone.get(address).status_code == 200 for address in addresses)


def test_a_record_leads_to_what_belongs_to_it(clerk: Clerk, look: OcopSession) -> None:
    entity = look.scalars(select(Entity).where(Entity.name == "HTX dừa sáp Cồn Lớn")).one()

    page = clerk("xa").get(f"/admin/entity/details/{entity.id}").text

    assert "Kem dừa sáp" in page
    assert f"/admin/product/list?entity={entity.id}" in page


def test_an_auditor_sees_the_trail_and_nothing_else(clerk: Clerk) -> None:
    auditor = clerk("kiemtoan")

    assert auditor.get("/admin/audit/list").status_code == 200
    assert auditor.get("/admin/product/list").status_code == 403


def test_an_auditor_reads_moments_of_vietnam_and_what_the_search_looks_in(clerk: Clerk, look: OcopSession) -> None:
    auditor = clerk("kiemtoan")
    entry = look.scalars(select(AuditEntry).where(AuditEntry.model == "step_records").limit(1)).one()
    utc = datetime.fromisoformat(entry.changes["moved_at"][1])

    page = text_of(auditor.get(f"/admin/audit/details/{entry.id}").text)

    assert moment(utc) in page
    assert "+00:00" not in page
    assert 'placeholder="Tìm bản ghi (gõ có dấu)"' in auditor.get("/admin/audit/list").text


def test_an_auditor_narrows_the_trail_by_day_and_kind(clerk: Clerk) -> None:
    auditor = clerk("kiemtoan")

    page = auditor.get("/admin/audit/list?model=products&at_from=01/01/2020&at_to=31/12/2099")

    assert "Bỏ lọc Loại dữ liệu: Sản phẩm" in page.text
    assert "100 khớp bộ lọc" in text_of(page.text)
    assert auditor.get("/admin/audit/list?model=nothing").status_code == 400


def test_a_stranger_is_sent_to_sign_in_and_back(clerk: Clerk, site: object) -> None:
    from starlette.testclient import TestClient

    stranger = TestClient(site, follow_redirects=False)  # type: ignore[arg-type]  # the fixture's Starlette

    answer = stranger.get("/admin/product/list?search=dua")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/admin/login?next=/admin/product/list%3Fsearch%3Ddua"
