"""Columns that copy a parent's place or name: filled at any depth, and following when the parent changes."""

from typing import Any

import pytest
from sqlalchemy import select

from app.current import acting_as, system
from app.database import Database
from app.session import OcopSession, search_columns
from models import (
    Commune,
    CommuneKind,
    Cycle,
    Entity,
    EntityKind,
    Participation,
    Product,
    Province,
    ProvinceKind,
    Rating,
    Regime,
    Representative,
    StepRecord,
)
from models.base import Searchable
from tests import world
from tests.world import FOREIGN, NEIGHBOUR, OWN

pytestmark = [pytest.mark.fill("world"), pytest.mark.usefixtures("as_system")]

PLACED: tuple[Any, ...] = (Entity, Representative, Product, Participation, StepRecord, Rating)


def places(session: OcopSession, *models: Any) -> set[tuple[int, int]]:
    rows = [session.get_one(model, OWN) for model in models or PLACED]
    return {(row.province_id, row.commune_id) for row in rows}


def test_a_whole_new_chain_takes_its_place_from_the_top(any_database: Database) -> None:
    with any_database.writing.begin() as session:
        province = Province(code="86", name="Tỉnh Vĩnh Long", kind=ProvinceKind.PROVINCE, valid_from=world.SINCE)
        commune = Commune(
            code="29600", name="Xã An Bình", kind=CommuneKind.COMMUNE, province=province, valid_from=world.SINCE
        )
        entity = Entity(name="HTX Chôm chôm Bình Hòa Phước", kind=EntityKind.COOPERATIVE, commune=commune)
        product = Product(name="Chôm chôm sấy", entity=entity, commune=commune)
        cycle = Cycle(name="Chu trình 2024", year=2024, province=province, opened_on=world.DECIDED)
        joined = Participation(product=product, cycle=cycle, step_id=OWN, entered_on=world.DECIDED)
        last = StepRecord(participation=joined, move="enter", to_step_id=OWN, moved_by="Tâm")
        rating = Rating(
            product=product, regime=Regime.QD148, mean_points=60, stars_by_points=3, stars=3, decided_on=world.DECIDED
        )
        session.add_all([last, rating, Representative(name="Lê Thị Chôm", entity=entity)])

    with any_database.reading() as session:
        new = session.scalars(select(Commune).where(Commune.code == "29600")).one()
        for model in PLACED:
            row: Any = session.scalars(select(model).where(model.commune_id == new.id)).one()
            assert row.province_id == new.province_id, model


def test_rows_below_follow_a_moved_parent(any_database: Database) -> None:
    with any_database.writing.begin() as session:
        held = session.get_one(StepRecord, OWN)
        session.get_one(Product, OWN).commune_id = NEIGHBOUR
        session.flush()

        assert held.commune_id == NEIGHBOUR  # rows in memory follow too
    with any_database.reading() as session:
        assert places(session, Product, Participation, StepRecord, Rating) == {(OWN, NEIGHBOUR)}
        assert places(session, Entity, Representative) == {(OWN, OWN)}
        assert session.get_one(StepRecord, OWN).version == 1
        assert session.get_one(StepRecord, FOREIGN).commune_id == FOREIGN


def test_rows_of_a_commune_follow_it_into_another_province(any_database: Database) -> None:
    with any_database.writing.begin() as session:
        session.get_one(Commune, OWN).province_id = FOREIGN

    with any_database.reading() as session:
        assert places(session) == {(FOREIGN, OWN)}


@pytest.mark.parametrize("model", [m for m in world.models() if issubclass(m, Searchable)])
def test_every_searchable_row_is_found_and_sorted_by_its_words(any_database: Database, model: Any) -> None:
    with any_database.reading() as session:
        for row in session.scalars(select(model)):
            words = []
            for path in model.__search__:
                value: Any = row
                for part in path.split("."):
                    value = getattr(value, part, None)
                words.append(str(value or ""))
            assert (row.search_text, row.sort_key) == search_columns(words), row
            assert row.search_text
            assert row.sort_key


def test_rows_found_by_a_parent_s_name_follow_its_rename(any_database: Database) -> None:
    with any_database.writing.begin() as session:
        held = session.get_one(Product, OWN)
        session.get_one(Entity, OWN).name = "HTX Dừa xiêm Thạnh Phú"
        session.flush()

        assert held.search_text == "mut dua an thanh | htx dua xiem thanh phu"
    with any_database.reading() as session:
        assert session.get_one(Product, OWN).search_text == "mut dua an thanh | htx dua xiem thanh phu"
        assert "lai vung" in session.get_one(Product, FOREIGN).search_text


def test_a_row_is_found_by_its_new_name_through_the_index(any_database: Database) -> None:
    with any_database.writing.begin() as session:
        session.get_one(Product, OWN).name = "Kẹo chuối"
        session.get_one(Entity, FOREIGN).name = "HTX Miến dong Lai Vung"

    from app.search import matching

    def found(term: str) -> list[int]:
        with any_database.reading() as session:
            conditions = matching(session, Product, term)
            return list(session.scalars(select(Product.id).where(*conditions)))

    assert found("keo CHUOI") == [OWN]
    assert found("mứt dừa") == []
    assert found("mien dong") == [FOREIGN]
    with any_database.writing.begin() as session:
        session.get_one(Entity, OWN).name = "Tổ hợp tác trồng rau Mỹ An"
    assert found("mỹ An") == [OWN], "words of two letters, inside the text"


def test_a_clerk_s_rename_reaches_rows_outside_the_area_too(any_database: Database) -> None:
    """A foreign product of the own entity carries the entity's new name: copies are kept right everywhere."""
    with any_database.writing.begin() as session:
        session.get_one(Product, FOREIGN).entity_id = OWN
    with acting_as(world.clerk()), any_database.writing.begin() as session, session.doing("đổi tên"):
        session.get_one(Entity, OWN).name = "HTX Dừa xiêm Thạnh Phú"

    with acting_as(system("kiểm thử")), any_database.reading() as session:
        assert session.get_one(Product, FOREIGN).search_text == "quit hong sai deo | htx dua xiem thanh phu"
