"""Lives of a code on both sides of every bound, names, kinds and codes as lists write them."""

from dataclasses import dataclass
from datetime import date

import pytest

from models import CommuneKind, DistrictKind, ProvinceKind, SuccessionKind
from models.rules.places import (
    Link,
    Step,
    Successors,
    Turn,
    are_slips,
    code_flaw,
    confirmed_later,
    kind_in_name,
    last_day_of,
    life_on,
    loop,
    overlap,
    predecessors,
    successors,
    turn,
)


@dataclass(frozen=True)
class Life:
    valid_from: date
    valid_to: date | None = None


FIRST = Life(date(2017, 10, 15), date(2024, 12, 31))
SECOND = Life(date(2025, 1, 1), date(2025, 6, 30))
THIRD = Life(date(2025, 7, 1))
LIVES = [THIRD, FIRST, SECOND]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2017, 10, 14), None),
        (date(2017, 10, 15), FIRST),
        (date(2024, 12, 31), FIRST),
        (date(2025, 1, 1), SECOND),
        (date(2025, 6, 30), SECOND),
        (date(2025, 7, 1), THIRD),
        (date(2100, 1, 1), THIRD),
    ],
)
def test_a_life_holds_from_its_first_to_its_last_day(day: date, expected: Life | None) -> None:
    assert life_on(LIVES, day) == expected


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        ([], None),
        (LIVES, None),
        ([FIRST, Life(date(2024, 12, 31))], (FIRST, Life(date(2024, 12, 31)))),
        ([THIRD, Life(date(2026, 1, 1))], (THIRD, Life(date(2026, 1, 1)))),
    ],
)
def test_two_lives_of_a_code_that_share_a_day_are_found(lives: list[Life], expected: tuple[Life, Life] | None) -> None:
    assert overlap(lives) == expected


@pytest.mark.parametrize(
    ("lives", "as_of", "same", "expected"),
    [
        ([], date(2021, 2, 1), False, Turn(Step.BEGINS, None, None)),
        (LIVES, date(2021, 2, 1), True, Turn(Step.SAME, FIRST, date(2024, 12, 31))),
        (LIVES, date(2021, 2, 1), False, Turn(Step.FOLLOWED, FIRST, date(2024, 12, 31))),
        (LIVES, date(2026, 1, 1), False, Turn(Step.FOLLOWED, THIRD, None)),
        (LIVES, date(2025, 1, 1), False, Turn(Step.ALTERED, SECOND, date(2025, 6, 30))),
        (LIVES, date(2024, 12, 31), False, Turn(Step.FOLLOWED, FIRST, date(2024, 12, 31))),
        (LIVES, date(2010, 1, 1), True, Turn(Step.EARLIER, FIRST, date(2024, 12, 31))),
        ([FIRST, THIRD], date(2025, 3, 1), True, Turn(Step.EARLIER, THIRD, None)),
        (LIVES, date(2010, 1, 1), False, Turn(Step.BEGINS, None, date(2017, 10, 14))),
        ([FIRST, THIRD], date(2025, 3, 1), False, Turn(Step.BEGINS, None, date(2025, 6, 30))),
        ([FIRST], date(2025, 3, 1), False, Turn(Step.BEGINS, None, None)),
    ],
)
def test_what_a_list_does_to_a_unit(lives: list[Life], as_of: date, same: bool, expected: Turn[Life]) -> None:
    assert turn(lives, as_of, same=lambda _life: same) == expected


@pytest.mark.parametrize(
    ("lives", "as_of", "same_as", "expected"),
    [
        # The list of 2021 says what the life of 2025 says: that one begins earlier, the one before it ends.
        ([FIRST, SECOND], date(2021, 2, 1), SECOND, Turn(Step.EARLIER, SECOND, date(2025, 6, 30), closes=FIRST)),
        # A gap between them is no way to begin earlier.
        ([FIRST, THIRD], date(2021, 2, 1), THIRD, Turn(Step.FOLLOWED, FIRST, date(2024, 12, 31))),
    ],
)
def test_the_next_life_that_says_the_same_begins_earlier(
    lives: list[Life], as_of: date, same_as: Life, expected: Turn[Life]
) -> None:
    assert turn(lives, as_of, same=lambda life: life is same_as) == expected


@pytest.mark.parametrize(
    ("lives", "complete", "end", "expected"),
    [
        ([], [], date(2025, 6, 30), Turn(Step.BEGINS, None, date(2025, 6, 30))),
        ([], [date(2021, 2, 1)], None, Turn(Step.BEGINS, None, date(2021, 1, 31))),
        ([], [date(2025, 1, 1), date(2021, 2, 1)], date(2025, 6, 30), Turn(Step.BEGINS, None, date(2021, 1, 31))),
        ([], [date(2010, 1, 1)], None, Turn(Step.BEGINS, None, None)),
        ([SECOND], [date(2021, 2, 1)], None, Turn(Step.BEGINS, None, date(2021, 1, 31))),
        ([SECOND], [date(2025, 1, 1)], None, Turn(Step.EARLIER, SECOND, date(2025, 6, 30))),
        ([THIRD], [], date(2025, 6, 30), Turn(Step.EARLIER, THIRD, None)),
        ([Life(date(2026, 1, 1))], [], date(2025, 6, 30), Turn(Step.BEGINS, None, date(2025, 6, 30))),
    ],
)
def test_what_begins_ends_before_the_complete_list_that_lacks_it(
    lives: list[Life], complete: list[date], end: date | None, expected: Turn[Life]
) -> None:
    assert turn(lives, date(2010, 1, 1), same=lambda _life: True, complete=complete, end=end) == expected


@pytest.mark.parametrize(
    ("complete", "expected"),
    [
        ([], None),
        ([date(2021, 2, 1)], None),
        ([date(2024, 12, 31), date(2022, 1, 1)], date(2022, 1, 1)),
        ([date(2025, 1, 1)], None),
    ],
)
def test_a_complete_list_that_found_a_unit_in_force_is_named(complete: list[date], expected: date | None) -> None:
    assert confirmed_later(FIRST, date(2021, 2, 1), complete) == expected


@pytest.mark.parametrize(
    ("as_of", "has_district", "taken_over", "confirmed", "expected"),
    [
        (date(2025, 1, 1), False, [], [], date(2024, 12, 31)),
        (date(2025, 1, 1), True, [], [], date(2024, 12, 31)),
        (date(2025, 7, 1), True, [], [], date(2025, 6, 30)),
        (date(2025, 9, 1), True, [], [], date(2025, 6, 30)),
        (date(2025, 9, 1), False, [], [], date(2025, 8, 31)),
        (date(2025, 9, 1), True, [date(2025, 1, 1)], [], date(2024, 12, 31)),
        (date(2025, 1, 1), True, [date(2025, 7, 1)], [], date(2024, 12, 31)),
        # Neither before it began, nor before a complete list that had it.
        (date(2025, 1, 1), True, [date(2017, 1, 1)], [], date(2024, 12, 31)),
        (date(2025, 1, 1), True, [date(2021, 2, 1)], [date(2023, 1, 1)], date(2024, 12, 31)),
        (date(2025, 1, 1), True, [date(2023, 4, 10)], [date(2021, 2, 1), date(2025, 1, 1)], date(2023, 4, 9)),
    ],
)
def test_what_a_list_ends_has_its_known_last_day(
    as_of: date, has_district: bool, taken_over: list[date], confirmed: list[date], expected: date
) -> None:
    life = Life(date(2017, 10, 15))
    assert last_day_of(life, as_of, has_district=has_district, taken_over=taken_over, confirmed=confirmed) == expected


@pytest.mark.parametrize(
    ("unborne", "borne", "as_of", "reform_is_known", "expected"),
    [
        (1, 123, date(2025, 7, 1), False, True),
        (1, 124, date(2025, 7, 1), True, True),
        (12, 121, date(2025, 7, 1), False, True),
        (12, 120, date(2025, 7, 1), False, False),
        # An empty register, or one that lacks the old units of other provinces.
        (124, 0, date(2025, 7, 1), False, False),
        (76, 48, date(2025, 7, 1), False, False),
        # Units established since have new codes; who tells of them must know the map of the reform.
        (1, 124, date(2026, 10, 1), True, False),
        (1, 123, date(2026, 10, 1), False, True),
        (1, 123, date(2025, 6, 30), False, False),
    ],
)
def test_codes_that_no_unit_bore_are_slips_where_they_are_few(
    unborne: int, borne: int, as_of: date, reform_is_known: bool, expected: bool
) -> None:
    assert are_slips(unborne, borne, as_of, reform_is_known=reform_is_known) is expected


# ---- which unit took over which -------------------------------------------------------------------------------

WHOLE, PART, RENAMED = SuccessionKind.WHOLE, SuccessionKind.PART, SuccessionKind.RENAMED


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([], Successors((), False)),
        ([(2, 3, WHOLE)], Successors((), False)),
        ([(1, 2, WHOLE)], Successors((2,), True)),
        ([(1, 2, RENAMED), (2, 3, SuccessionKind.RETYPED), (3, 4, SuccessionKind.UNCHANGED)], Successors((4,), True)),
        ([(1, 2, PART)], Successors((2,), False)),
        ([(1, 2, WHOLE), (2, 3, PART)], Successors((3,), False)),
        ([(1, 2, PART), (1, 3, PART)], Successors((2, 3), False)),
        ([(1, 2, PART), (1, 3, PART), (2, 4, WHOLE), (3, 4, WHOLE)], Successors((4,), True)),
        ([(1, 2, WHOLE), (2, 3, PART), (2, 4, PART), (4, 5, WHOLE)], Successors((3, 5), False)),
        ([(1, 2, WHOLE), (2, 1, WHOLE)], Successors((), False)),
    ],
)
def test_where_a_unit_went_over_any_number_of_steps(links: list[Link], expected: Successors) -> None:
    found = successors(links, 1)

    assert found == expected
    assert found.one == (expected.units[0] if expected.is_whole else None)
    assert found.is_divided == (bool(expected.units) and not expected.is_whole)


def test_what_went_into_a_unit_is_named_from_the_nearest_on() -> None:
    links = [(1, 2, WHOLE), (2, 4, PART), (3, 4, WHOLE), (4, 5, WHOLE), (4, 2, PART)]

    assert predecessors(links, 5) == (4, 2, 3, 1)
    assert predecessors(links, 1) == ()


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([], None),
        ([(1, 1, WHOLE)], (1,)),
        ([(1, 2, WHOLE), (2, 1, WHOLE)], (1, 2)),
        ([(9, 1, PART), (1, 2, WHOLE), (2, 3, PART), (3, 1, WHOLE)], (1, 2, 3)),
        ([(1, 2, PART), (1, 3, PART), (2, 4, WHOLE), (3, 4, WHOLE)], None),
    ],
)
def test_units_that_would_succeed_themselves_are_found(links: list[Link], expected: tuple[int, ...] | None) -> None:
    assert loop(links) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Xã An Thạnh", CommuneKind.COMMUNE),
        ("xã Bắc Sơn", CommuneKind.COMMUNE),
        ("THỊ TRẤN MỎ CÀY", CommuneKind.TOWNSHIP),
        ("Phường 8", CommuneKind.WARD),
        ("Đặc khu Phú Quốc", CommuneKind.SPECIAL_ZONE),
        ("An Thạnh", None),
        ("Xãn", None),
        ("Phường", None),
    ],
)
def test_the_kind_stands_before_the_name(name: str, expected: CommuneKind | None) -> None:
    assert kind_in_name(name, CommuneKind) is expected


def test_the_same_word_is_another_kind_on_another_level() -> None:
    assert kind_in_name("Thành phố Bến Tre", DistrictKind) is DistrictKind.CITY
    assert kind_in_name("Thành phố Cần Thơ", ProvinceKind) is ProvinceKind.CITY


@pytest.mark.parametrize("code", ["28756", "00001"])
def test_five_digits_are_a_commune_code(code: str) -> None:
    assert code_flaw(code, 5) == ""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("4", "(00004)"),
        ("1234", "(01234)"),
        ("287561", "gồm 5 chữ số"),
        ("2875a", "gồm 5 chữ số"),
        ("28756", "gồm 3 chữ số"),
        ("٢٨٧٥٦", "gồm 5 chữ số"),
        ("-2875", "gồm 5 chữ số"),
    ],
)
def test_what_is_no_code_is_said_and_a_lost_zero_is_not_put_back(code: str, said: str) -> None:
    assert said in code_flaw(code, 3 if said.endswith("3 chữ số") else 5)
