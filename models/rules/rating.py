"""From points to stars: bands, the law of the day, who decides, how long it holds."""

import calendar
from datetime import date
from decimal import Decimal
from enum import StrEnum

from models.base import LabelledEnum
from models.rating import Regime

HIGHEST = Decimal(100)
# As many as are kept (models/base.py, Points).
DECIMALS = 6
VALID_MONTHS = 36
CERTIFIED_STARS = 3
MINISTRY_STARS = 5

_LOWER_BOUNDS = ((90, 5), (70, 4), (50, 3), (30, 2))

# First day of each, newest first. Source: DOMAIN §1.5.
_REGIMES = (
    (date(2026, 5, 22), Regime.QD26_2026),
    (date(2025, 7, 6), Regime.QD1489),
    (date(2023, 2, 24), Regime.QD148),
    (date(2019, 8, 21), Regime.QD1048),
)
_DISTRICTS_ENDED = date(2025, 7, 1)


def stars(total: Decimal) -> int:
    """Star class of an average score.

    total: points, 0 to 100, already averaged over the council, not rounded.
    Returns 1 to 5; a bound belongs to the higher class (70 is four stars, 69.999 is three).
    Raises ValueError below 0 or above 100.
    Source: Decision 26/2026/QĐ-TTg, half-open bands; the earlier decisions write 70–89, 50–69, 30–49
    and leave 89.5 open, so the same bands are used for them (DOMAIN §3.1).
    """
    if not 0 <= total <= HIGHEST:
        raise ValueError(f"points out of range: {total}")
    return next((star for bound, star in _LOWER_BOUNDS if total >= bound), 1)


def may_be_five(by_points: int | None, awarded: int) -> bool:
    """Five stars by points, four awarded: the ministry alone gives five."""
    return (by_points, awarded) == (MINISTRY_STARS, MINISTRY_STARS - 1)


def regime_on(day: date) -> Regime | None:
    """The decision that results of a day are made under; None before the first one, of 21/08/2019."""
    return next((regime for since, regime in _REGIMES if day >= since), None)


class Recognition(LabelledEnum):
    """How the newest result of a product stands today; what earns no recognition does not end."""

    VALID = "valid", "Còn hiệu lực"
    EXPIRED = "expired", "Đã hết hạn"
    NONE = "none", "Chưa đánh giá"


class Authority(StrEnum):
    DISTRICT = "district"
    PROVINCE = "province"
    MINISTRY = "ministry"


def authority_of(awarded: int, day: date) -> Authority | None:
    """Who recognises a product with so many stars on a day; nobody below three.

    Source: DOMAIN §1.5. The law gave three stars to the province on 06/07/2025, but districts ended on 01/07.
    """
    if awarded < CERTIFIED_STARS:
        return None
    if awarded >= MINISTRY_STARS:
        return Authority.MINISTRY
    if awarded == CERTIFIED_STARS and regime_on(day) is Regime.QD148 and day < _DISTRICTS_ENDED:
        return Authority.DISTRICT
    return Authority.PROVINCE


def ministry_on(day: date) -> str:
    """The ministry as it was named; two became one in March 2025."""
    if day < date(2025, 3, 1):
        return "Bộ Nông nghiệp và Phát triển nông thôn"
    return "Bộ Nông nghiệp và Môi trường"


def expires_on(issued: date) -> date:
    """The day 36 months after the day of issue, the last of its month where that day is missing.

    29/02/2024 gives 28/02/2027. Source: Decision 26/2026/QĐ-TTg, DOMAIN §3.7.
    """
    year, month = issued.year + VALID_MONTHS // 12, issued.month
    return date(year, month, min(issued.day, calendar.monthrange(year, month)[1]))
