from datetime import date
from decimal import Decimal

import pytest

from models import Regime
from models.rules.rating import Authority, authority_of, expires_on, ministry_on, regime_on, stars


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        ("0", 1),
        ("29.999999", 1),
        ("30", 2),
        ("49.999", 2),
        ("50", 3),
        ("69.99", 3),
        ("70", 4),
        ("89.5", 4),
        ("89.99", 4),
        ("90", 5),
        ("100", 5),
    ],
)
def test_a_bound_belongs_to_the_higher_class(total: str, expected: int) -> None:
    assert stars(Decimal(total)) == expected


@pytest.mark.parametrize("total", ["-0.000001", "100.000001"])
def test_points_outside_0_to_100_have_no_class(total: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        stars(Decimal(total))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2019, 8, 20), None),
        (date(2019, 8, 21), Regime.QD1048),
        (date(2023, 2, 23), Regime.QD1048),
        (date(2023, 2, 24), Regime.QD148),
        (date(2025, 7, 5), Regime.QD148),
        (date(2025, 7, 6), Regime.QD1489),
        (date(2026, 5, 21), Regime.QD1489),
        (date(2026, 5, 22), Regime.QD26_2026),
    ],
)
def test_a_result_is_judged_by_the_law_of_its_day(day: date, expected: Regime | None) -> None:
    assert regime_on(day) is expected


@pytest.mark.parametrize(
    ("awarded", "day", "expected"),
    [
        (1, date(2024, 6, 1), None),
        (2, date(2026, 6, 1), None),
        (3, date(2020, 12, 1), Authority.PROVINCE),
        (3, date(2023, 2, 23), Authority.PROVINCE),
        (3, date(2023, 2, 24), Authority.DISTRICT),
        (3, date(2025, 6, 30), Authority.DISTRICT),
        (3, date(2025, 7, 1), Authority.PROVINCE),
        (3, date(2026, 6, 1), Authority.PROVINCE),
        (4, date(2024, 6, 1), Authority.PROVINCE),
        (4, date(2026, 6, 1), Authority.PROVINCE),
        (5, date(2020, 12, 1), Authority.MINISTRY),
        (5, date(2026, 6, 1), Authority.MINISTRY),
    ],
)
def test_three_stars_went_from_province_to_district_and_back(
    awarded: int, day: date, expected: Authority | None
) -> None:
    assert authority_of(awarded, day) is expected


def test_the_ministry_is_named_as_on_that_day() -> None:
    assert ministry_on(date(2025, 2, 28)) == "Bộ Nông nghiệp và Phát triển nông thôn"
    assert ministry_on(date(2025, 3, 1)) == "Bộ Nông nghiệp và Môi trường"


@pytest.mark.parametrize(
    ("issued", "expected"),
    [
        (date(2024, 2, 29), date(2027, 2, 28)),
        (date(2023, 2, 28), date(2026, 2, 28)),
        (date(2025, 12, 31), date(2028, 12, 31)),
        (date(2023, 11, 30), date(2026, 11, 30)),
    ],
)
def test_a_recognition_holds_for_36_months(issued: date, expected: date) -> None:
    assert expires_on(issued) == expected
