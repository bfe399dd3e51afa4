"""Places as they are called today and as they were called before; read for a whole page at once.

Names of places are no secret, so they are read whatever the area of who asks.
"""

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Integer, Select, bindparam, or_, select, union_all
from sqlalchemy.orm import aliased

from app.current import seeing_everything
from app.session import OcopSession
from app.successions import heirs
from models.commune import Commune, CommuneSuccession, SuccessionKind
from models.district import District
from models.province import Province
from models.rules.places import DAY, Link, successors
from models.rules.words import day

NAMED = 3
"""Former names said of one unit before “và 4 đơn vị khác”."""


class PlaceWords(NamedTuple):
    """A row's place. today: the unit it lies in now, by its name of today.

    former: “trước 01/07/2025: xã Bình Khánh, huyện Mỏ Cày Nam”, or why today's unit is not known; else empty.
    district, province: of the place at the time of the row, and of today's unit.
    """

    today: str
    former: str
    district: str
    province: str

    @property
    def line(self) -> str:
        """“Xã Đồng Khởi — trước 01/07/2025: xã Bình Khánh, huyện Mỏ Cày Nam”."""
        return f"{self.today} — {self.former}" if self.former else self.today


NOWHERE = PlaceWords("", "", "", "")

Place = tuple[int | None, int | None]
"""(commune of a row, commune it was moved from): `commune_id`, `moved_from_id`."""


class Unit(NamedTuple):
    """A commune as it is spoken of; district is empty where it has none."""

    name: str
    valid_to: date | None
    district: str
    province: str


def place_words(session: OcopSession, places: Iterable[Place], today: date) -> dict[Place, PlaceWords]:
    """The words of each place, in one query for all of them."""
    wanted = set(places)
    units, links = read_onward(session, {unit for place in wanted for unit in place if unit is not None})
    return {place: _words(place, units, links, today) for place in wanted}


def _words(place: Place, units: Mapping[int, Unit], links: Sequence[Link], today: date) -> PlaceWords:
    lies_in, moved_from = place
    if lies_in is None or lies_in not in units:
        return NOWHERE
    unit = units[lies_in]
    if unit.valid_to is None or unit.valid_to >= today:
        if moved_from is None or moved_from not in units:
            return PlaceWords(unit.name, "", unit.district, unit.province)
        before = units[moved_from]
        return PlaceWords(unit.name, _was(before), before.district, unit.province)
    before = units.get(moved_from or 0, unit)
    went = successors(links, lies_in)
    now = units[went.one] if went.one is not None else None
    if now is not None and (now.valid_to is None or now.valid_to >= today):
        return PlaceWords(now.name, _was(before), before.district, now.province)
    why = "đã chia, chờ chọn xã mới" if went.is_divided else "chưa rõ đơn vị kế tục"
    where = f", {_small(before.district)}" if before.district else ""
    return PlaceWords(unit.name, f"đến {day(unit.valid_to)}{where}, {why}", before.district, unit.province)


def _was(unit: Unit) -> str:
    """“trước 01/07/2025: xã Bình Khánh, huyện Mỏ Cày Nam”."""
    named = _small(unit.name) + (f", {_small(unit.district)}" if unit.district else "")
    return f"trước {day(unit.valid_to + DAY)}: {named}" if unit.valid_to else f"trước đó: {named}"


def _small(name: str) -> str:
    return name[:1].lower() + name[1:]


def read_onward(session: OcopSession, ids: Collection[int]) -> tuple[dict[int, Unit], list[Link]]:
    """(the units and all that took over from them, the links between), any number of steps onward."""
    units: dict[int, Unit] = {}
    links: dict[tuple[int, int], SuccessionKind] = {}
    with seeing_everything():
        for pk, name, valid_to, district, province, new, kind in session.execute(_onward(), {"ids": sorted(ids)}):
            units[pk] = Unit(name, valid_to, district or "", province or "")
            if new is not None:
                links[pk, new] = kind
    return units, [(old, new, kind) for (old, new), kind in links.items()]


@functools.cache  # made once: its making takes as long as its answer
def _onward() -> Select[int, str, date | None, str, str, int, SuccessionKind]:
    ids = bindparam("ids", expanding=True, type_=Integer)
    given = aliased(Commune)
    onward = heirs(CommuneSuccession.old_id.in_(ids))
    wanted = union_all(select(given.id).where(given.id.in_(ids)), select(onward.c.heir))
    return (
        select(
            *(Commune.id, Commune.name, Commune.valid_to, District.name, Province.name),
            *(CommuneSuccession.new_id, CommuneSuccession.kind),
        )
        .outerjoin(District, Commune.district_id == District.id)
        .outerjoin(Province, Commune.province_id == Province.id)
        .outerjoin(CommuneSuccession, CommuneSuccession.old_id == Commune.id)
        .where(Commune.id.in_(wanted))
    )


def lineage(session: OcopSession, ids: Iterable[int]) -> dict[int, str]:
    """What each unit was, or has become, in one query: “trước 01/07/2025: xã Bình Khánh, …”, “nay là Xã Đồng Khởi”.

    One step back and one step on; empty for a unit of which nothing is known.
    """
    wanted = sorted(set(ids))
    found: dict[int, str] = dict.fromkeys(wanted, "")
    came: defaultdict[int, list[Unit]] = defaultdict(list)
    went: defaultdict[int, list[str]] = defaultdict(list)
    with seeing_everything():
        for old_id, old_name, ended, district, new_id, new_name in session.execute(_beside(), {"ids": wanted}):
            if new_id in found:
                came[new_id].append(Unit(old_name, ended, district or "", ""))
            if old_id in found:
                went[old_id].append(new_name)
    for pk in wanted:
        onward = went.get(pk, [])
        if len(onward) == 1:
            found[pk] = f"nay là {onward[0]}"
        elif onward:
            found[pk] = f"đã chia, nay thuộc {', '.join(_small(name) for name in onward)}"
        elif before := came.get(pk):
            found[pk] = _were(before)
    return found


@functools.cache
def _beside() -> Select[int, str, date | None, str, int, str]:
    ids = bindparam("ids", expanding=True, type_=Integer)
    old, new = aliased(Commune), aliased(Commune)
    return (
        select(old.id, old.name, old.valid_to, District.name, new.id, new.name)
        .select_from(CommuneSuccession)
        .join(old, CommuneSuccession.old_id == old.id)
        .join(new, CommuneSuccession.new_id == new.id)
        .outerjoin(District, old.district_id == District.id)
        .where(or_(CommuneSuccession.old_id.in_(ids), CommuneSuccession.new_id.in_(ids)))
        .order_by(old.valid_to.desc(), old.sort_key, new.sort_key)
    )


def _were(units: Sequence[Unit]) -> str:
    named = ", ".join(_small(unit.name) for unit in units[:NAMED])
    more = f" và {len(units) - NAMED} đơn vị khác" if len(units) > NAMED else ""
    districts = {unit.district for unit in units if unit.district}
    where = f", {_small(districts.pop())}" if len(districts) == 1 and not more else ""
    ended = units[0].valid_to
    return f"trước {day(ended + DAY)}: {named}{more}{where}" if ended else f"trước đó: {named}{more}{where}"
