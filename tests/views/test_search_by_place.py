"""Records are found by their place: as it was called when they were recorded, with its district, and as it is today."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.session import OcopSession
from models import Commune, Entity
from models.base import screens
from tests.views.conftest import Clerk
from tests.views.page import rows_of


def found(client: TestClient, screen: str, **query: str) -> set[str]:
    page = client.get(f"/admin/{screen}/list", params={"pageSize": "100", **query})
    assert page.status_code == 200
    return {row[1] if row[0] == "" else row[0] for row in rows_of(page.text)}


@pytest.fixture
def of_thanh_hai(look: OcopSession) -> Sequence[Entity]:
    """Producers of the demo year that were recorded in Xã Thạnh Hải, huyện Thạnh Phú."""
    wanted = select(Entity).join(Commune, Entity.commune_id == Commune.id).where(Commune.code == "29221")
    rows = look.scalars(wanted.where(Commune.valid_to.is_not(None))).all()
    assert rows
    return rows


@pytest.mark.parametrize("term", ["Thạnh Hải", "thanh hai", "xã Thạnh Hải", "huyện Thạnh Phú", "29221"])
@pytest.mark.parametrize("screen", ["entity", "representative", "product", "participation", "rating"])
def test_records_are_found_by_their_former_commune_district_and_code(
    clerk: Clerk, look: OcopSession, of_thanh_hai: Sequence[Entity], screen: str, term: str
) -> None:
    model: Any = screens()[screen]
    places = {entity.commune_id for entity in of_thanh_hai}
    rows = look.scalars(select(model).where(model.commune_id.in_(places)))
    names = {str(getattr(row, model.__title__)) for row in rows}

    shown = found(clerk("tinh"), screen, search=term)

    assert names
    assert all(any(name in row for row in shown) for name in names)


@pytest.mark.parametrize("screen", ["entity", "product"])
def test_records_are_found_by_the_name_and_the_filter_of_todays_commune(
    clerk: Clerk, look: OcopSession, of_thanh_hai: Sequence[Entity], screen: str
) -> None:
    from app.current import today
    from app.services.place_names import place_words

    client, place = clerk("tinh"), (of_thanh_hai[0].commune_id, None)
    now = place_words(look, [place], today())[place].today
    unit = look.scalars(select(Commune).where(Commune.name == now, Commune.valid_to.is_(None))).one()

    by_name = client.get(f"/admin/{screen}/list", params={"search": now, "pageSize": "100"}).text
    by_filter = client.get(f"/admin/{screen}/list", params={"commune": str(unit.id), "pageSize": "100"}).text

    for page in (by_name, by_filter):
        assert all(entity.name in page for entity in of_thanh_hai)


def test_a_kind_alone_names_no_place(clerk: Clerk) -> None:
    client = clerk("tinh")

    everything = rows_of(client.get("/admin/entity/list?pageSize=100").text)

    assert len(rows_of(client.get("/admin/entity/list?search=xa&pageSize=100").text)) < len(everything)


def test_a_name_in_the_record_itself_stands_before_its_place(clerk: Clerk, of_thanh_hai: Sequence[Entity]) -> None:
    client, name = clerk("tinh"), of_thanh_hai[0].name

    first = rows_of(client.get("/admin/entity/list", params={"search": name}).text)[0]

    assert name in " ".join(first)


def test_a_commune_of_that_very_name_is_suggested_first_with_its_days(clerk: Clerk) -> None:
    answer = clerk("tinh").get("/admin/entity/ajax/lookup", params={"name": "commune", "term": "xã Bình Khánh"})

    hits = answer.json()["results"]
    assert [hit["text"] for hit in hits[:2]] == ["Xã Đồng Khởi", "Xã Bình Khánh"]
    assert ", từ 01/07/2025; trước 01/07/2025: " in hits[0]["hint"]
    assert hits[1]["hint"].startswith("Huyện Mỏ Cày Nam, Tỉnh Bến Tre, đến 30/06/2025")
