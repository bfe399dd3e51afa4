"""Places that change in time: which life of a code is meant, and what the list of a day does to it.

Codes are given to other units, so a unit is a code on a day; each stretch of days is one life of the code.
Source: DOMAIN §7; Nghị quyết 202/2025/QH15 and 1687/NQ-UBTVQH15 for the end of districts and townships.
"""

import enum
import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, Protocol, TypeVar

from models.base import LabelledEnum

# From this day there are two levels only: no district, no township (thị trấn).
NO_DISTRICTS_FROM = date(2025, 7, 1)

DAY = timedelta(days=1)


class Life(Protocol):
    """A unit in force from its first to its last day; without a last day it still is."""

    @property
    def valid_from(self) -> date: ...

    @property
    def valid_to(self) -> date | None: ...


L = TypeVar("L", bound=Life)
K = TypeVar("K", bound=LabelledEnum)


def last_day(life: Life) -> date:
    return life.valid_to or date.max


def life_on(lives: Iterable[L], day: date) -> L | None:
    """The life in force on a day; lives of one code do not overlap."""
    return next((life for life in lives if life.valid_from <= day <= last_day(life)), None)


def overlap(lives: Iterable[L]) -> tuple[L, L] | None:
    """The first two lives that share a day, which no list can tell apart."""
    ordered = sorted(lives, key=lambda life: life.valid_from)
    return next(((a, b) for a, b in itertools.pairwise(ordered) if b.valid_from <= last_day(a)), None)


class Step(enum.Enum):
    """What a list does to a unit."""

    SAME = "same"
    BEGINS = "begins"
    ALTERED = "altered"
    FOLLOWED = "followed"


@dataclass(frozen=True)
class Turn(Generic[L]):
    """One unit of a list against the lives of its code.

    SAME: the life in force says the same. BEGINS: none is in force, one begins on the day of the list.
    ALTERED: the life in force begins on that very day, so it is corrected in place.
    FOLLOWED: the life in force ends the day before, one begins on the day of the list.
    valid_to: last day of the life written.
    """

    step: Step
    life: L | None
    valid_to: date | None


def turn(lives: Sequence[L], as_of: date, *, same: bool) -> Turn[L]:
    """What the list of a day does to the unit of one code.

    lives: every known life of the code, not overlapping, in any order.
    same: whether the life in force, if any, says what the list says.
    A life that begins ends before the next one of its code; one that follows takes over the end of the other.
    """
    life = life_on(lives, as_of)
    if life is None:
        later = min((other.valid_from for other in lives if other.valid_from > as_of), default=None)
        return Turn(Step.BEGINS, None, later - DAY if later else None)
    if same:
        return Turn(Step.SAME, life, life.valid_to)
    return Turn(Step.ALTERED if life.valid_from == as_of else Step.FOLLOWED, life, life.valid_to)


def kind_in_name(name: str, kinds: type[K]) -> K | None:
    """The kind that an official name begins with: “Thị trấn Mỏ Cày” is a township."""
    lowered = name.casefold()
    return next((kind for kind in kinds if lowered.startswith(_beginning(kind.label))), None)


@functools.cache
def _beginning(label: str) -> str:
    return f"{label.casefold()} "


_KINDS = re.compile(
    r"^(?:xã|phường|thị trấn|đặc khu|huyện|quận|thị xã|thành phố|tỉnh|tt\.?|tx\.?|tp\.?|x\.|p\.|h\.|q\.|t\.)\s*(?=\S)",
    re.IGNORECASE,
)


def bare_name(name: str) -> str:
    """The name without its kind, which senders leave out or shorten: “TT. Mỏ Cày” and “Thị trấn Mỏ Cày” are alike."""
    return _KINDS.sub("", unicodedata.normalize("NFC", name)).strip() or name


def code_flaw(code: str, digits: int) -> str:
    """Why a text cannot be a code of so many digits, as a sentence; empty when it can.

    A lost zero is said, never put back: 4 may have been 00004 or a slip.
    """
    if not code.isascii() or not code.isdigit() or len(code) > digits:
        return f"Mã “{code}” chưa đúng: mã gồm {digits} chữ số. Sửa lại theo danh mục."
    if len(code) < digits:
        return (
            f"Mã “{code}” thiếu {digits - len(code)} chữ số, có thể mất số 0 ở đầu ({code.zfill(digits)}). "
            f"Định dạng cột là Văn bản rồi gõ đủ {digits} chữ số."
        )
    return ""


def name_flaw(name: str) -> str:
    """Why a text cannot be the name of a place: a formula or a sign stands where the name should."""
    return "" if name[0].isalnum() else f"“{name}” không phải tên đơn vị. Gõ lại tên bằng chữ."
