"""Where every unit lies on the map of a chosen day, so that any report can be drawn on the old or the new map.

Units that were divided, or whose successor is not known, are undetermined at the level where that is so.
Source: DOMAIN §7; a record of a divided commune waits for a clerk's choice, but is still counted (§13.3).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from models.commune import SuccessionKind
from models.rules.places import last_day


class Unit(NamedTuple):
    """One life of a commune code."""

    id: int
    valid_from: date
    valid_to: date | None
    district_id: int | None
    province_id: int


class Spot(NamedTuple):
    """A place on the map of a day; None is a level that is not determined, and a district where there is none."""

    province_id: int | None
    district_id: int | None
    commune_id: int | None


NOWHERE = Spot(None, None, None)


@dataclass(frozen=True)
class _Way:
    """The units in force on the day that a unit leads to; open: part of it leads nowhere that is known."""

    ends: frozenset[int]
    is_open: bool


def spots(
    units: Iterable[Unit],
    links: Iterable[tuple[int, int, SuccessionKind]],
    day: date,
    *,
    provinces: Mapping[int, int] = MappingProxyType({}),
) -> dict[int, Spot]:
    """Every unit of any time → where its records lie on the map of a day.

    links: (old unit, new unit, how). A unit in force that day is itself. One that ended before is followed to its
    successors, one that began after back to its predecessors, over any number of steps; several ends, or an open one,
    leave the commune undetermined, and the district where these differ. A unit whose way is open keeps its province,
    or follows where all known units of its province went.
    provinces: a province → the life of its code that day; a commune outlives the province's change of name or kind.
    """
    by_id = {unit.id: unit for unit in units}
    lying = {unit.id: provinces.get(unit.province_id, unit.province_id) for unit in by_id.values()}
    onward, back = defaultdict(list), defaultdict(list)
    for old, new, kind in links:
        onward[old].append((new, kind))
        back[new].append(old)

    def way(unit: Unit) -> _Way:
        ends: set[int] = set()
        is_open = False
        seen: set[int] = set()
        waiting = [unit.id]
        while waiting:
            at = by_id[waiting.pop()]
            if at.id in seen:
                continue
            seen.add(at.id)
            if at.valid_from <= day <= last_day(at):
                ends.add(at.id)
            elif (at.valid_from > day) != (unit.valid_from > day):
                is_open = True  # a gap of days between one unit and the next
            elif at.valid_from > day:
                is_open = is_open or not back[at.id]
                waiting += back[at.id]
            else:
                steps = onward[at.id]
                # One part alone says nothing of the rest.
                is_open = is_open or not steps or (len(steps) == 1 and steps[0][1] is SuccessionKind.PART)
                waiting += [new for new, _kind in steps]
        return _Way(frozenset(ends), is_open)

    ways = {unit.id: way(unit) for unit in by_id.values()}
    went = _provinces(by_id, ways, lying)
    return {unit.id: _spot(unit, ways[unit.id], by_id, lying, went) for unit in by_id.values()}


def _provinces(by_id: Mapping[int, Unit], ways: Mapping[int, _Way], lying: Mapping[int, int]) -> dict[int, int]:
    """Provinces all of whose known units lie in one province that day → that one."""
    reached: defaultdict[int, set[int]] = defaultdict(set)
    for unit in by_id.values():
        reached[unit.province_id] |= {lying[end] for end in ways[unit.id].ends}
    return {province: next(iter(found)) for province, found in reached.items() if len(found) == 1}


def _spot(unit: Unit, way: _Way, by_id: Mapping[int, Unit], lying: Mapping[int, int], went: Mapping[int, int]) -> Spot:
    ends = [by_id[end] for end in way.ends]
    if way.is_open or not ends:
        return Spot(went.get(unit.province_id), None, None)
    provinces = {lying[end.id] for end in ends}
    if len(provinces) > 1:
        return NOWHERE
    districts = {end.district_id for end in ends}
    district = next(iter(districts)) if len(districts) == 1 else None
    return Spot(next(iter(provinces)), district, ends[0].id if len(ends) == 1 else None)
