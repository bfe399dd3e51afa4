"""Where a unit lies on the map of a day: itself, its one successor, its one predecessor, or not determined."""

from datetime import date, timedelta

import pytest

from models import SuccessionKind
from models.rules.geography import NOWHERE, Spot, Unit, spots

OLD, NEW = date(2019, 1, 1), date(2025, 7, 1)
LAST_OLD = NEW - timedelta(days=1)
WHOLE, PART = SuccessionKind.WHOLE, SuccessionKind.PART

BEN_TRE, TRA_VINH, VINH_LONG = 83, 84, 86
MO_CAY, GIONG_TROM = 833, 834
BINH_KHANH, AN_DINH, LUONG_QUOI, LUONG_HOA, LOST = 1, 2, 3, 4, 5
DONG_KHOI, GIONG, HUNG_NHUONG = 11, 12, 13
UNITS = [
    Unit(BINH_KHANH, OLD, LAST_OLD, MO_CAY, BEN_TRE),
    Unit(AN_DINH, OLD, LAST_OLD, MO_CAY, BEN_TRE),
    Unit(LUONG_QUOI, OLD, LAST_OLD, GIONG_TROM, BEN_TRE),
    Unit(LUONG_HOA, OLD, LAST_OLD, GIONG_TROM, BEN_TRE),
    Unit(LOST, OLD, date(2024, 10, 31), GIONG_TROM, BEN_TRE),
    Unit(DONG_KHOI, NEW, None, None, VINH_LONG),
    Unit(GIONG, NEW, None, None, VINH_LONG),
    Unit(HUNG_NHUONG, NEW, None, None, VINH_LONG),
]
LINKS = [
    (BINH_KHANH, DONG_KHOI, WHOLE),
    (AN_DINH, DONG_KHOI, WHOLE),
    (LUONG_QUOI, GIONG, PART),
    (LUONG_QUOI, DONG_KHOI, PART),
    (LUONG_HOA, HUNG_NHUONG, WHOLE),
]


@pytest.mark.parametrize(
    ("unit", "day", "spot"),
    [
        # In force: itself.
        (BINH_KHANH, LAST_OLD, Spot(BEN_TRE, MO_CAY, BINH_KHANH)),
        (DONG_KHOI, NEW, Spot(VINH_LONG, None, DONG_KHOI)),
        # Ended, wholly into one.
        (BINH_KHANH, NEW, Spot(VINH_LONG, None, DONG_KHOI)),
        # Divided: the province is sure, the commune is not.
        (LUONG_QUOI, NEW, Spot(VINH_LONG, None, None)),
        # No successor known: its province went to one province as far as is known.
        (LOST, NEW, Spot(VINH_LONG, None, None)),
        (LOST, LAST_OLD, Spot(BEN_TRE, None, None)),
        # Back: one predecessor, several in two districts, none.
        (HUNG_NHUONG, LAST_OLD, Spot(BEN_TRE, GIONG_TROM, LUONG_HOA)),
        (DONG_KHOI, LAST_OLD, Spot(BEN_TRE, None, None)),
        (GIONG, LAST_OLD, Spot(BEN_TRE, GIONG_TROM, LUONG_QUOI)),
        # Before everything that is known.
        (BINH_KHANH, date(2000, 1, 1), NOWHERE),
    ],
)
def test_a_unit_lies_where_its_links_lead(unit: int, day: date, spot: Spot) -> None:
    assert spots(UNITS, LINKS, day)[unit] == spot


def test_several_predecessors_of_one_district_leave_the_commune_open_alone() -> None:
    links = [link for link in LINKS if link[0] != LUONG_QUOI]

    assert spots(UNITS, links, LAST_OLD)[DONG_KHOI] == Spot(BEN_TRE, MO_CAY, None)


def test_one_part_alone_says_nothing_of_the_rest() -> None:
    links = [link for link in LINKS if link != (LUONG_QUOI, GIONG, PART)]

    assert spots(UNITS, links, NEW)[LUONG_QUOI].commune_id is None


def test_two_parts_that_meet_again_are_one() -> None:
    later = date(2030, 1, 1)
    units = [unit._replace(valid_to=later - timedelta(days=1)) if unit.id > LOST else unit for unit in UNITS]
    units.append(Unit(21, later, None, None, VINH_LONG))

    found = spots(units, [*LINKS, (DONG_KHOI, 21, WHOLE), (GIONG, 21, WHOLE)], later)

    assert found[LUONG_QUOI] == found[BINH_KHANH] == Spot(VINH_LONG, None, 21)


def test_parts_in_two_provinces_leave_the_province_open() -> None:
    units = [unit._replace(province_id=TRA_VINH) if unit.id == GIONG else unit for unit in UNITS]

    assert spots(units, LINKS, NEW)[LUONG_QUOI] == NOWHERE


def test_a_circle_of_links_ends() -> None:
    links = [(BINH_KHANH, AN_DINH, WHOLE), (AN_DINH, BINH_KHANH, WHOLE)]

    assert spots(UNITS, links, NEW)[BINH_KHANH].commune_id is None


def test_a_commune_outlives_a_change_of_its_province() -> None:
    city = 99
    units = [unit._replace(province_id=city) if unit.id == GIONG else unit for unit in UNITS]

    found = spots(units, LINKS, NEW, provinces={city: VINH_LONG})

    assert found[GIONG] == Spot(VINH_LONG, None, GIONG)
    assert found[LUONG_QUOI] == Spot(VINH_LONG, None, None)
