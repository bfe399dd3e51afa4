"""How days, times and numbers read on a page."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from models import ProductStatus
from models.rules.words import clock, day, moment, number, words


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0, "0"),
        (999, "999"),
        (1137, "1.137"),
        (1_000_000, "1.000.000"),
        (-1200, "-1.200"),
        (Decimal("76.50"), "76,5"),
        (Decimal("76.000000"), "76"),
        (Decimal("76.123456"), "76,123456"),
        (Decimal("1200.5"), "1.200,5"),
        (Decimal("1E+2"), "100"),
        (Decimal("0.10"), "0,1"),
    ],
)
def test_a_number_reads_with_point_and_comma_and_is_never_rounded(value: int | Decimal, read: str) -> None:
    assert number(value) == read


def test_a_day_and_a_moment_read_as_in_vietnam() -> None:
    late = datetime(2026, 3, 4, 17, 30, tzinfo=UTC)

    assert day(date(2026, 3, 5)) == "05/03/2026"
    assert moment(late) == "05/03/2026 00:30"
    assert clock(late) == "00:30"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, ""),
        ("", ""),
        (True, "Có"),
        (False, "Không"),
        (0, "0"),
        (2026, "2026"),
        (ProductStatus.PAUSED, "Tạm ngừng"),
        (date(2026, 3, 5), "05/03/2026"),
        (datetime(2026, 3, 5, 3, 0, tzinfo=UTC), "05/03/2026 10:00"),
        (Decimal("76.5"), "76,5"),
        ("29227", "29227"),
    ],
)
def test_any_value_reads_as_a_clerk_writes_it(value: Any, read: str) -> None:
    assert words(value) == read
