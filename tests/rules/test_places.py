"""Lives of a code on both sides of every bound, names, kinds and codes as lists write them."""

from dataclasses import dataclass
from datetime import date

import pytest

from models import CommuneKind, DistrictKind, ProvinceKind
from models.rules.places import Step, Turn, code_flaw, kind_in_name, life_on, name_flaw, overlap, turn


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
        (LIVES, date(2010, 1, 1), False, Turn(Step.BEGINS, None, date(2017, 10, 14))),
        ([FIRST, THIRD], date(2025, 3, 1), False, Turn(Step.BEGINS, None, date(2025, 6, 30))),
        ([FIRST], date(2025, 3, 1), False, Turn(Step.BEGINS, None, None)),
    ],
)
def test_what_a_list_does_to_a_unit(lives: list[Life], as_of: date, same: bool, expected: Turn[Life]) -> None:
    assert turn(lives, as_of, same=same) == expected


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


@pytest.mark.parametrize("name", ["=1+1", "+84", "-An Thạnh", "@SUM(A1)", "“An Thạnh”"])
def test_a_formula_is_no_name(name: str) -> None:
    assert name in name_flaw(name)


@pytest.mark.parametrize("name", ["Xã An Thạnh", "8", "Ấp Bắc"])
def test_a_name_begins_with_a_letter_or_a_figure(name: str) -> None:
    assert name_flaw(name) == ""
