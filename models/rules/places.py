"""Places that change in time: which life of a code is meant, and what the list of a day does to it.

Codes are given to other units, so a unit is a code on a day; each stretch of days is one life of the code.
Source: DOMAIN §7; Nghị quyết 202/2025/QH15 and 1687/NQ-UBTVQH15 for the end of districts and townships.
"""

import enum
import functools
import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from models.base import LabelledEnum

if TYPE_CHECKING:
    from models.commune import SuccessionKind

# From this day there are two levels only: no district, no township (thị trấn).
NO_DISTRICTS_FROM = date(2025, 7, 1)

DAY = timedelta(days=1)
LAST_OF_DISTRICTS = NO_DISTRICTS_FROM - DAY


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


# ---- which unit took over which ------------------------------------------------------------------------------

Link = tuple[int, int, "SuccessionKind"]
"""(old unit, new unit, how): one step of a succession."""


@dataclass(frozen=True)
class Successors:
    """Where a unit went, over any number of steps. units: the last ones, none when no link says.

    is_whole: whether all of it went to one unit, so that its records may follow without being looked at.
    """

    units: tuple[int, ...]
    is_whole: bool

    @property
    def one(self) -> int | None:
        return self.units[0] if self.is_whole else None

    @property
    def is_divided(self) -> bool:
        """Ambiguous: each record of it must be looked at."""
        return bool(self.units) and not self.is_whole


def successors(links: Iterable[Link], unit_id: int) -> Successors:
    """The units that a unit ended in. links: those of all its steps, others may be among them.

    A part that went somewhere leaves the rest open, unless at least two parts are known and meet again.
    Links that lead round in a circle end nowhere; `loop` names them.
    """
    onward = _onward(links)
    ends: dict[int, None] = {}
    is_whole = True
    seen: set[int] = set()
    waiting = [unit_id]
    while waiting:
        unit = waiting.pop(0)
        if unit in seen:
            continue
        seen.add(unit)
        steps = onward.get(unit, [])
        if not steps and unit != unit_id:
            ends[unit] = None
        if len(steps) == 1:
            is_whole = is_whole and steps[0][1].is_whole
        waiting += [new for new, _kind in steps]
    return Successors(tuple(ends), is_whole and len(ends) == 1)


def is_renamed(links: Iterable[Link], old: int, new: int) -> bool:
    """Whether a unit is another one after changes of its name or kind alone, over any number of steps."""
    onward = _onward(links)
    seen: set[int] = set()
    waiting = [old]
    while waiting:
        unit = waiting.pop()
        if unit == new:
            return True
        if unit not in seen:
            seen.add(unit)
            waiting += [after for after, kind in onward.get(unit, ()) if kind.keeps_the_unit]
    return False


def predecessors(links: Iterable[Link], unit_id: int) -> tuple[int, ...]:
    """Every unit that went into one, wholly or in part, over any number of steps; the nearest first."""
    back: defaultdict[int, list[int]] = defaultdict(list)
    for old, new, _kind in links:
        back[new].append(old)
    found: dict[int, None] = {}
    waiting = list(back.get(unit_id, ()))
    while waiting:
        unit = waiting.pop(0)
        if unit not in found and unit != unit_id:
            found[unit] = None
            waiting += back.get(unit, ())
    return tuple(found)


def loop(links: Iterable[Link]) -> tuple[int, ...] | None:
    """The first units that would succeed themselves, in order; no unit ends in itself."""
    onward = _onward(links)
    safe: set[int] = set()
    for start in onward:
        path: list[int] = []
        branches = [iter([start])]
        while branches:
            unit = next(branches[-1], None)
            if unit is None:
                branches.pop()
                if path:
                    safe.add(path.pop())
            elif unit in path:
                return tuple(path[path.index(unit) :])
            elif unit not in safe:
                path.append(unit)
                branches.append(iter([new for new, _kind in onward.get(unit, ())]))
    return None


def _onward(links: Iterable[Link]) -> Mapping[int, list[tuple[int, "SuccessionKind"]]]:
    found: defaultdict[int, list[tuple[int, SuccessionKind]]] = defaultdict(list)
    for old, new, kind in links:
        found[old].append((new, kind))
    return found


# ---- what a list does to a unit --------------------------------------------------------------------------------


class Step(enum.Enum):
    """What a list does to a unit."""

    SAME = "same"
    BEGINS = "begins"
    EARLIER = "earlier"
    ALTERED = "altered"
    FOLLOWED = "followed"


@dataclass(frozen=True)
class Turn(Generic[L]):
    """One unit of a list against the lives of its code.

    SAME: the life in force says the same. BEGINS: none is in force, one begins on the day of the list.
    EARLIER: the life that comes next says the same, so it begins on the day of the list already.
    ALTERED: the life in force begins on that very day, so it is corrected in place.
    FOLLOWED: the life in force ends the day before, one begins on the day of the list.
    life: the one in force, or the one that begins earlier. valid_to: last day of the life written.
    closes: the life in force that ends the day before, where another begins earlier.
    """

    step: Step
    life: L | None
    valid_to: date | None
    closes: L | None = None


def turn(
    lives: Sequence[L],
    as_of: date,
    *,
    same: Callable[[L], bool],
    complete: Iterable[date] = (),
    end: date | None = None,
) -> Turn[L]:
    """What the list of a day does to the unit of one code, so that lists taken in any order give one history.

    lives: every known life of the code, not overlapping, in any order. same: whether a life says what the list says.
    complete: days of complete lists; one on which no life is in force ended what begins before it.
    end: the last day a life that begins now can have.
    A life that begins ends before the next one of its code; one that follows takes over the end of the other.
    """
    life = life_on(lives, as_of)
    later = min(
        (other for other in lives if other.valid_from > as_of), key=lambda other: other.valid_from, default=None
    )
    if life is None:
        known_end = min(filter(None, [later.valid_from - DAY if later else None, end]), default=None)
        lacking = min((day for day in complete if as_of < day <= (known_end or date.max)), default=None)
        if later and not lacking and known_end == later.valid_from - DAY and same(later):
            return Turn(Step.EARLIER, later, later.valid_to)
        return Turn(Step.BEGINS, None, lacking - DAY if lacking else known_end)
    if same(life):
        return Turn(Step.SAME, life, life.valid_to)
    if life.valid_from == as_of:
        return Turn(Step.ALTERED, life, life.valid_to)
    if later and later.valid_from - DAY == life.valid_to and same(later):
        return Turn(Step.EARLIER, later, later.valid_to, closes=life)
    return Turn(Step.FOLLOWED, life, life.valid_to)


def confirmed_later(life: Life, as_of: date, complete: Iterable[date]) -> date | None:
    """The first complete list after a day that found a life still in force: it cannot have ended before."""
    return min((day for day in complete if as_of < day <= last_day(life)), default=None)


def last_day_of(
    life: Life, as_of: date, *, has_district: bool, taken_over: Iterable[date] = (), confirmed: Iterable[date] = ()
) -> date:
    """The last day of a life that the list of a day ends: the day before, or an earlier one that is known.

    has_district: such a unit, and a district itself, ended with the districts. taken_over: first days of units that
    wholly took over from it. confirmed: days of complete lists that had it; it did not end before any of these.
    """
    known = [day - DAY for day in taken_over] + ([LAST_OF_DISTRICTS] if has_district else [])
    earliest = max([life.valid_from, *(day for day in confirmed if life.valid_from <= day < as_of)])
    return min([as_of - DAY, *(day for day in known if day >= earliest)])


FEW_OF = 10
"""Fewer than one of so many are slips."""


def are_slips(unborne: int, borne: int, as_of: date, *, reform_is_known: bool) -> bool:
    """Whether codes that no unit ever bore are slips, or of a draft, in the list of a province on the new map.

    On 01/07/2025 every new unit took over the code of one of its predecessors; units established since have new ones.
    unborne: such codes of the list. borne: codes of the province, in the list or known, that a unit bore before.
    reform_is_known: whether units of the province on 01/07/2025 are known, so that a later list may tell of others.
    Many such codes are those of an old province that is not loaded.
    """
    if as_of < NO_DISTRICTS_FROM or (reform_is_known and as_of > NO_DISTRICTS_FROM):
        return False
    return unborne * FEW_OF < borne


def kind_in_name(name: str, kinds: type[K]) -> K | None:
    """The kind that an official name begins with: “Thị trấn Mỏ Cày” is a township."""
    lowered = name.casefold()
    return next((kind for kind in kinds if lowered.startswith(_beginning(kind.label))), None)


@functools.cache
def _beginning(label: str) -> str:
    return f"{label.casefold()} "


_KINDS = re.compile(
    r"^(?:(?:xã|phường|thị trấn|đặc khu|huyện|quận|thị xã|thành phố|tỉnh|tt[rx]?\.?|tx\.?|tp\.?|x\.|p\.|h\.|q\.|t\.)"
    r"\s*(?=\S)|[pq](?=\d))",
    re.IGNORECASE,
)
_ZEROS = re.compile(r"^0+(?=\d+$)")


def bare_name(name: str) -> str:
    """The name without its kind, which senders leave out or shorten.

    “TT. Mỏ Cày” and “Thị trấn Mỏ Cày” are alike, “P8” and “Phường 08”.
    """
    return _ZEROS.sub("", _KINDS.sub("", unicodedata.normalize("NFC", name)).strip()) or name


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
