"""Places as they are called today and as they were called before; read for a whole page at once.

Names of places are no secret, so they are read whatever the area of who asks.
"""

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Integer, Select, bindparam, select, union_all
from sqlalchemy.orm import aliased

from app.current import seeing_everything
from app.session import OcopSession
from app.successions import heirs
from models.commune import Commune, CommuneSuccession, SuccessionKind
from models.district import District
from models.province import Province
from models.rules.addresses import WiderNames
from models.rules.places import DAY, Link, bare_name, successors
from models.rules.text import fold, sort_key
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

    def is_in_force(self, today: date) -> bool:
        return self.valid_to is None or self.valid_to >= today


def place_words(session: OcopSession, places: Iterable[Place], today: date) -> dict[Place, PlaceWords]:
    """The words of each place, in one query for all of them."""
    wanted = set(places)
    units, links = read_onward(session, {unit for place in wanted for unit in place if unit is not None})
    return {place: _words(place, units, links, today) for place in wanted}


def wider_names(session: OcopSession) -> WiderNames:
    """Names of the districts and provinces of all days, by which an address in one cell is read."""
    with seeing_everything():
        districts, provinces = (session.scalars(select(model.name)).all() for model in (District, Province))
    return WiderNames(*(frozenset(f(n) for n in names for f in (fold, _bare)) for names in (districts, provinces)))


def _bare(name: str) -> str:
    return fold(bare_name(name))


def place_lines(session: OcopSession, ids: Iterable[int], today: date) -> dict[int, str]:
    """Communes by id as one line each, today's name first: “Xã Đồng Khởi — trước 01/07/2025: xã Bình Khánh, …”."""
    found = place_words(session, [(pk, None) for pk in ids], today)
    return {pk: words.line for (pk, _moved), words in found.items() if pk is not None and words.line}


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
    if now is not None and now.is_in_force(today):
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


def lineage(session: OcopSession, ids: Iterable[int], today: date) -> dict[int, str]:
    """What each unit was, or has become, in two queries: “trước 01/07/2025: xã Bình Khánh, …”, “nay là Xã Đồng Khởi”.

    One step back, any number of steps on; empty for a unit in force of which nothing is known.
    """
    wanted = sorted(set(ids))
    units, links = read_onward(session, wanted)
    came: defaultdict[int, list[Unit]] = defaultdict(list)
    with seeing_everything():
        for new_id, name, ended, district in session.execute(_before(), {"ids": wanted}):
            came[new_id].append(Unit(name, ended, district or "", ""))
    return {pk: _became(pk, units, links, today) or _were(came.get(pk, ())) for pk in wanted}


def _became(pk: int, units: Mapping[int, Unit], links: Sequence[Link], today: date) -> str:
    """Of a unit that ended, how it is called today; empty while it is in force."""
    if pk not in units or units[pk].is_in_force(today):
        return ""
    went = successors(links, pk)
    ends = (units[unit] for unit in went.units if unit in units)
    names = sorted((end.name for end in ends if end.is_in_force(today)), key=sort_key)
    if not names:
        return "chưa rõ đơn vị kế tục"
    return f"nay là {names[0]}" if went.is_whole else f"đã chia, nay thuộc {', '.join(map(_small, names))}"


@functools.cache
def _before() -> Select[int, str, date | None, str]:
    ids = bindparam("ids", expanding=True, type_=Integer)
    return (
        select(CommuneSuccession.new_id, Commune.name, Commune.valid_to, District.name)
        .join(Commune, CommuneSuccession.old_id == Commune.id)
        .outerjoin(District, Commune.district_id == District.id)
        .where(CommuneSuccession.new_id.in_(ids), Commune.valid_to.is_not(None))
        .order_by(Commune.valid_to.desc(), Commune.sort_key)
    )


def _were(units: Sequence[Unit]) -> str:
    """Of units that ended; one that only gave a part away goes on by its name."""
    if not units or (ended := units[0].valid_to) is None:
        return ""
    named = ", ".join(_small(unit.name) for unit in units[:NAMED])
    more = f" và {len(units) - NAMED} đơn vị khác" if len(units) > NAMED else ""
    districts = {unit.district for unit in units if unit.district}
    where = f", {_small(districts.pop())}" if len(districts) == 1 and not more else ""
    return f"trước {day(ended + DAY)}: {named}{more}{where}"
