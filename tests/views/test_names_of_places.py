"""Wherever a place is shown, today's name stands first and the former one small behind, never alone."""

from datetime import date

import pytest
from sqlalchemy import select

from app.current import acting_as, system
from app.database import Database
from app.session import OcopSession
from models import Commune, Entity, User
from tests.views.conftest import Clerk
from tests.views.page import rows_of, text_of

LINE = "Xã Đồng Khởi — trước 01/07/2025: xã Bình Khánh, huyện Mỏ Cày Nam"


@pytest.fixture
def ended(demo: Database) -> int:
    """A commune that went into another, with a producer in it and the account of its clerk."""
    with acting_as(system("kiểm thử")), demo.writing.begin() as session, session.doing("kiểm thử"):
        place = session.scalars(
            select(Commune).where(Commune.code == "28945", Commune.valid_to == date(2025, 6, 30))
        ).one()
        session.add(Entity(name="HTX Dừa xiêm xanh", kind="htx", commune=place))
        session.scalars(select(User).where(User.username == "xa")).one().commune = place
        session.flush()
        return place.id


def test_the_chip_of_a_commune_filter_says_todays_name_first(clerk: Clerk, ended: int) -> None:
    for query in (f"commune={ended}", f"places={ended}"):
        page = text_of(clerk("tinh").get(f"/admin/entity/list?{query}").text)
        assert LINE in page, query
        assert "HTX Dừa xiêm xanh" in page


def test_a_producer_is_suggested_with_todays_commune_first(clerk: Clerk, ended: int) -> None:
    answer = clerk("tinh").get("/admin/product/ajax/lookup", params={"name": "entity", "term": "dừa xiêm xanh"})

    assert [hit["hint"] for hit in answer.json()["results"] if hit["text"] == "HTX Dừa xiêm xanh"] == [LINE]


def test_the_list_of_accounts_says_todays_commune_first(clerk: Clerk, ended: int) -> None:
    rows = rows_of(clerk("admin").get("/admin/user/list?pageSize=100").text)

    cells = [cell for row in rows for cell in row if "Bình Khánh" in cell or "bình khánh" in cell.lower()]
    assert cells
    assert all(cell.startswith("Xã Đồng Khởi") and "trước 01/07/2025: xã Bình Khánh" in cell for cell in cells)


def test_the_top_bar_of_a_clerk_whose_commune_ended_says_todays_name_first(clerk: Clerk, ended: int) -> None:
    page = text_of(clerk("xa").get("/admin/").text)

    assert f"Địa bàn: {LINE}" in page


def test_a_succession_names_its_units_as_they_were(clerk: Clerk, look: OcopSession, ended: int) -> None:
    rows = rows_of(clerk("tinh").get(f"/admin/commune-succession/list?old={ended}").text)

    assert any(cell.startswith("Xã Bình Khánh") for row in rows for cell in row)
