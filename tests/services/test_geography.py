"""Tổng hợp theo địa giới: on every map the communes, the districts and the provinces add up to what the books hold."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from app.current import acting_as, system, today
from app.database import Database
from app.services.geography import COLUMNS, NONE, Figures, Level, places_on, summary
from models import (
    Commune,
    CommuneKind,
    CommuneSuccession,
    Entity,
    Product,
    Province,
    Rating,
    SuccessionKind,
)
from tests import world
from tests.world import FOREIGN, OWN

# Before and after each change of the map of Bến Tre and of provinces, and today.
DAYS = [date(2019, 6, 1), date(2024, 12, 1), date(2025, 6, 30), date(2025, 7, 1), date(2026, 11, 25)]


def added(lines: list[Figures]) -> Figures:
    return tuple(sum(column) for column in zip(NONE, *lines, strict=True))


@pytest.mark.fill("demo")
@pytest.mark.parametrize("day", DAYS)
def test_communes_districts_and_provinces_add_up_to_the_books(any_database: Database, day: date) -> None:
    with acting_as(system("kiểm thử")), any_database.reading() as session:
        entities = session.scalar(select(func.count(Entity.id)))
        products = session.scalar(select(func.count(Product.id)))
        rated = session.scalar(select(func.count(func.distinct(Rating.product_id))))
        found = [summary(session, day, level) for level in Level]

    assert products
    for one in found:
        assert added([line.figures for line in one.lines]) == one.total
        assert one.total[:2] == (entities, products)
        assert sum(one.total[2:-1]) == rated
        assert one.total[-1] == products - (rated or 0)
    assert len({one.total for one in found}) == 1


@pytest.mark.fill("demo")
@pytest.mark.parametrize("day", DAYS)
def test_a_province_is_the_sum_of_its_districts_and_of_its_communes(database: Database, day: date) -> None:
    with acting_as(system("kiểm thử")), database.reading() as session:
        provinces = [line for line in summary(session, day, Level.PROVINCE).lines if line.figures[1]]
        for province in provinces:
            if province.spot.province_id is None:
                continue
            for level in (Level.DISTRICT, Level.COMMUNE):
                within = summary(session, day, level, province_id=province.spot.province_id)
                assert within.total == province.figures, (province.name, level)

    assert provinces


@pytest.mark.fill("demo")
def test_the_same_products_are_in_a_district_before_and_in_communes_after_july_2025(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.reading() as session:
        before = summary(session, date(2025, 6, 30), Level.DISTRICT)
        after = summary(session, date(2025, 7, 1), Level.COMMUNE)

    thanh_phu = next(line for line in before.lines if line.name == "Huyện Thạnh Phú")
    assert thanh_phu.code == "837"
    assert thanh_phu.within == "Tỉnh Bến Tre"
    assert thanh_phu.figures[1] > 0
    assert {line.within for line in after.lines if line.figures[1]} == {"Tỉnh Vĩnh Long"}
    assert before.total == after.total


@pytest.mark.fill("world")
def test_a_clerk_s_report_holds_the_clerk_s_area_alone(database: Database) -> None:
    with acting_as(world.clerk()), database.reading() as session:
        found = summary(session, date(2025, 6, 30), Level.COMMUNE)

    assert [line.name for line in found.lines] == ["Xã An Thạnh"]
    assert dict(zip(COLUMNS, found.total, strict=True))["4 sao"] == 1


@pytest.mark.fill("world")
@pytest.mark.parametrize(("left", "column"), [(0, "4 sao"), (-1, "Hết hạn")], ids=["last day", "day after"])
def test_a_recognition_that_has_ended_counts_apart_on_every_map(database: Database, left: int, column: str) -> None:
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        rating = session.scalars(select(Rating).where(Rating.product_id == OWN)).one()
        rating.expires_on = today() + timedelta(days=left)

    with acting_as(world.clerk()), database.reading() as session:
        totals = [summary(session, day, Level.COMMUNE).total for day in DAYS]

    for total in totals:
        figures = dict(zip(COLUMNS, total, strict=True))
        assert {name: figures[name] for name in COLUMNS[2:] if figures[name]} == {column: 1}


@pytest.mark.fill("world")
def test_records_of_a_divided_commune_keep_a_line_of_their_own(database: Database) -> None:
    later = date(2027, 1, 1)
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        session.get_one(Commune, OWN).valid_to = date(2026, 12, 31)
        for code in ("29300", "29303"):
            new = Commune(code=code, name=f"Xã mới {code}", kind=CommuneKind.COMMUNE, province_id=OWN, valid_from=later)
            session.add(new)
            session.flush()
            session.add(CommuneSuccession(old_id=OWN, new_id=new.id, kind=SuccessionKind.PART))

    # A clerk who sees one of the parts must not take it for the whole.
    with acting_as(world.clerk()), database.reading() as session:
        found = summary(session, later, Level.COMMUNE)
        where = places_on(session, later)

    unclear = [line for line in found.lines if not line.code]
    assert [(line.name, line.figures[:2], line.communes) for line in unclear] == [
        ("Chưa xác định xã, phường", (1, 1), [OWN])
    ]
    assert unclear[0].within.endswith("Tỉnh Bến Tre")
    assert where[FOREIGN].commune_id == FOREIGN


@pytest.mark.fill("world")
def test_a_commune_that_outlived_its_province_s_change_lies_in_the_one_of_the_day(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        old = session.get_one(Province, OWN)
        old.valid_to = date(2026, 8, 31)
        new = Province(code=old.code, name="Thành phố Bến Tre", kind=old.kind, valid_from=date(2026, 9, 1))
        session.add(new)
        session.flush()

        names = {
            day: {line.name for line in summary(session, day, Level.PROVINCE).lines if line.code == "83"}
            for day in (date(2026, 8, 31), date(2026, 9, 1))
        }

    assert names == {date(2026, 8, 31): {"Tỉnh Bến Tre"}, date(2026, 9, 1): {"Thành phố Bến Tre"}}
