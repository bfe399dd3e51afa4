"""How days, times and numbers read on a Vietnamese page: 23/11/2026, 10:47, 1.137, 76,5."""

import re
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def day(value: date) -> str:
    return f"{value:%d/%m/%Y}"


def read_day(text: str) -> date:
    """A day as clerks type it: 05/03/2026, 5-3-2026, 5.3.2026. Raises ValueError with nothing to read.

    A day that no calendar has (31/02) is an OverflowError, which has a sentence of its own.
    """
    parts = re.fullmatch(r"\s*(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})\s*", text)
    if parts is None:
        raise ValueError(text)
    try:
        return date(int(parts[3]), int(parts[2]), int(parts[1]))
    except ValueError:
        raise OverflowError(text) from None


def moment(value: datetime) -> str:
    """Day and time in Vietnam."""
    return f"{value.astimezone(VIETNAM):%d/%m/%Y %H:%M}"


def clock(value: datetime) -> str:
    return f"{value.astimezone(VIETNAM):%H:%M}"


def lasting(seconds: float) -> str:
    """40 → 40 giây; 130 → 2 phút."""
    return f"{max(round(seconds), 1)} giây" if seconds < 60 else f"{number(round(seconds / 60))} phút"


def number(value: int | Decimal) -> str:
    """1137 → 1.137; 76.50 → 76,5; never rounded."""
    if isinstance(value, Decimal):
        value = value.normalize() if value != value.to_integral_value() else value.quantize(Decimal(1))
    return (
        f"{value:,f}".translate({ord(","): ".", ord("."): ","})
        if isinstance(value, Decimal)
        else f"{value:,}".replace(",", ".")
    )


def words(value: Any) -> str:
    """Any column's value as a clerk reads it; empty for none."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "Có" if value else "Không"
    if isinstance(value, Enum):
        return str(getattr(value, "label", value.value))
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Decimal):
        return number(value)
    return str(value)
