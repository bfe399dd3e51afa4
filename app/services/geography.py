"""Tổng hợp theo địa giới: what the books hold, drawn on the map of a chosen day.

The database counts by the commune each record bore that day; the rule says where these communes lie then. What is
not determined has a line of its own, so that communes, districts and provinces add up to the same on every map.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, select
from sqlalchemy.orm import aliased

from app.current import seeing_everything, today
from app.services.place_names import read_onward
from app.session import OcopSession
from models import Commune, CommuneSuccession, District, Entity, Product, Province, Rating
from models.base import LabelledEnum, Placed
from models.rules.geography import NOWHERE, Spot, Unit, spots
from models.rules.places import Link, life_on

Figures = tuple[int, ...]
"""One number a column, in the order of COLUMNS."""

STARS = (5, 4, 3)
COLUMNS = ("Chủ thể", "Sản phẩm", *(f"{stars} sao" for stars in STARS), "1–2 sao", "Hết hạn", "Chưa đánh giá")
NONE: Figures = (0,) * len(COLUMNS)


class Level(LabelledEnum):
    PROVINCE = "tinh", "Tỉnh, thành phố"
    DISTRICT = "huyen", "Huyện"
    COMMUNE = "xa", "Xã, phường"


@dataclass(frozen=True)
class Line:
    """One place of the map. spot: without the levels below that of the report.

    code: empty for what is not determined. name: “Xã Đồng Khởi”, or what is not determined.
    within: the places it lies in. communes: the communes that its records bear, ended ones too.
    """

    spot: Spot
    code: str
    name: str
    within: str
    figures: Figures
    communes: Sequence[int]


@dataclass(frozen=True)
class Summary:
    """lines: by province, district, commune in Vietnamese order, the undetermined last. total: of all lines."""

    day: date
    level: Level
    lines: Sequence[Line]
    total: Figures


_UNIT = (Commune.id, Commune.valid_from, Commune.valid_to, Commune.district_id, Commune.province_id)
_LINK = (CommuneSuccession.old_id, CommuneSuccession.new_id, CommuneSuccession.kind)


def places_on(session: OcopSession, day: date) -> dict[int, Spot]:
    """Every commune of any time → where it lies on the map of a day, whoever's area it is in."""
    with seeing_everything():
        units = session.execute(select(*_UNIT))
        links = session.execute(select(*_LINK))
        return spots(
            [Unit(*row) for row in units],
            [(old, new, kind) for old, new, kind in links],
            day,
            provinces=_provinces_on(session, day),
        )


def spot_on(session: OcopSession, commune: Commune, day: date) -> Spot:
    """Where records of a commune lie on the map of a day, whoever's area that is in."""
    if commune.in_force(day):
        return Spot(commune.province_id, commune.district_id, commune.id)
    links = _links_back(session, commune.id) if commune.valid_from > day else read_onward(session, [commune.id])[1]
    ids = {commune.id, *(unit for old, new, _kind in links for unit in (old, new))}
    with seeing_everything():
        units = [Unit(*row) for row in session.execute(select(*_UNIT).where(Commune.id.in_(ids)))]
    return spots(units, links, day)[commune.id]


def _links_back(session: OcopSession, unit_id: int) -> list[Link]:
    found: dict[Link, None] = {}
    at = {unit_id}
    with seeing_everything():
        while at:
            step = [
                (old, new, kind)
                for old, new, kind in session.execute(select(*_LINK).where(CommuneSuccession.new_id.in_(at)))
            ]
            at = {old for old, _new, _kind in step} - {new for _old, new, _kind in found}
            found |= dict.fromkeys(step)
    return list(found)


def _provinces_on(session: OcopSession, day: date) -> dict[int, int]:
    lives: defaultdict[str, list[Province]] = defaultdict(list)
    for province in session.scalars(select(Province)):
        lives[province.code].append(province)
    return {province.id: found.id for same in lives.values() if (found := life_on(same, day)) for province in same}


def summary(session: OcopSession, day: date, level: Level, *, province_id: int | None = None) -> Summary:
    """The records of the actor's area on the map of a day. province_id: only what lies in this province."""
    where = places_on(session, day)
    gathered: dict[Spot, Figures] = {}
    communes: defaultdict[Spot, set[int]] = defaultdict(set)
    for commune_id in _in_force(session, day):
        gathered.setdefault(_cut(where[commune_id], level), NONE)
    for commune_id, figures in counted(session, day).items():
        spot = _cut(where[commune_id], level)
        gathered[spot] = _added(gathered.get(spot, NONE), figures)
        communes[spot].add(commune_id)
    if province_id is not None:
        gathered = {spot: figures for spot, figures in gathered.items() if spot.province_id == province_id}
    lines = _named(session, level, gathered, communes)
    total = NONE
    for line in lines:
        total = _added(total, line.figures)
    return Summary(day, level, lines, total)


def counted(session: OcopSession, day: date) -> dict[int, Figures]:
    """Commune that records bore on a day → its figures, counted by the database."""
    rows: defaultdict[int, list[int]] = defaultdict(lambda: list(NONE))
    for commune_id, count in session.execute(_by_commune(Entity, day)):
        rows[commune_id][0] = count
    for commune_id, count in session.execute(_by_commune(Product, day)):
        rows[commune_id][1] = rows[commune_id][-1] = count
    for commune_id, stars, count in session.execute(_by_stars(day)):
        rows[commune_id][2 + STARS.index(stars) if stars in STARS else -3 if stars else -2] += count
        rows[commune_id][-1] -= count
    return {commune_id: tuple(row) for commune_id, row in rows.items()}


def products_by_spot(
    session: OcopSession, day: date, *conditions: ColumnElement[bool]
) -> dict[Spot, tuple[int, list[int]]]:
    """Place of the map of a day → how many products lie in it, and the communes these bear."""
    where = places_on(session, day)
    found: dict[Spot, tuple[int, list[int]]] = {}
    for commune_id, count in session.execute(_by_commune(Product, day).where(*conditions)):
        before, communes = found.get(where[commune_id], (0, []))
        found[where[commune_id]] = (before + count, [*communes, commune_id])
    return found


def recorded_in(model: type[Placed], day: date) -> ColumnElement[int]:
    """The commune that a row bore on a day: of one that was moved the former, as long as that was in force."""
    bears: ColumnElement[int] = model.commune_id  # type: ignore[assignment]  # a mapped column
    if day >= today():
        return bears
    former = aliased(Commune)
    was_there = exists().where(former.id == model.moved_from_id, former.valid_to >= day)
    return case((was_there, model.moved_from_id), else_=bears)


def _by_commune(model: Any, day: date) -> Select[int, int]:
    place = recorded_in(model, day).label("place")
    return select(place, func.count(model.id)).group_by(place)


def _by_stars(day: date) -> Select[int, int, int]:
    """Products by commune and stars of their newest result, 0 where its recognition has ended by today.

    The map is that of the day; the books are today's, so that another map changes no total.
    """
    place = recorded_in(Product, day).label("place")
    stars = case((Rating.expires_on < today(), 0), else_=Rating.stars).label("stars_today")
    return (
        select(place, stars, func.count(Rating.id))
        .join(Product, Rating.product_id == Product.id)
        .where(Rating.is_newest())
        .group_by(place, stars)
    )


def _in_force(session: OcopSession, day: date) -> Sequence[int]:
    """The actor's communes of that day, so that a place without records has its line too."""
    return session.scalars(select(Commune.id).where(Commune.on(day))).all()


def _cut(spot: Spot, level: Level) -> Spot:
    if level is Level.PROVINCE:
        return spot._replace(district_id=None, commune_id=None)
    return spot if level is Level.COMMUNE else spot._replace(commune_id=None)


def _added(one: Figures, other: Figures) -> Figures:
    return tuple(a + b for a, b in zip(one, other, strict=True))


# ---- names -----------------------------------------------------------------------------------------------------

Names = Mapping[int | None, tuple[str, str, str]]
"""Row id → (sort key, name, code)."""

LEVELS = tuple(Level)  # as a Spot has them
_LAST = "\U0010ffff"


def _named(
    session: OcopSession,
    level: Level,
    gathered: Mapping[Spot, Figures],
    communes: Mapping[Spot, set[int]],
) -> list[Line]:
    provinces = _names(session, Province, {spot.province_id for spot in gathered})
    districts = _names(session, District, {spot.district_id for spot in gathered})
    units = _names(session, Commune, {spot.commune_id for spot in gathered})
    # On a map with two levels a commune without a district is no gap.
    has_districts = any(spot.district_id is not None for spot in gathered)

    def line(spot: Spot) -> Line:
        province = provinces[spot.province_id][1] if spot.province_id else ""
        district = districts[spot.district_id][1] if spot.district_id else ""
        if spot == NOWHERE:
            name, within = "Chưa xác định tỉnh", ""
        elif level is Level.PROVINCE:
            name, within = province, ""
        elif level is Level.DISTRICT:
            name, within = district or "Chưa xác định huyện", province
        else:
            name = units[spot.commune_id][1] if spot.commune_id else "Chưa xác định xã, phường"
            unclear = "chưa xác định huyện" if has_districts and not spot.commune_id else ""
            within = ", ".join(part for part in (district or unclear, province) if part)
        own = {Level.PROVINCE: provinces, Level.DISTRICT: districts, Level.COMMUNE: units}[level]
        code = own[spot[LEVELS.index(level)]][2] if spot[LEVELS.index(level)] else ""
        return Line(spot, code, name, within, gathered[spot], sorted(communes.get(spot, ())))

    def order(spot: Spot) -> tuple[str, ...]:
        levels = ((provinces, spot.province_id), (districts, spot.district_id), (units, spot.commune_id))
        return tuple(names[key][0] if key else _LAST for names, key in levels)

    return [line(spot) for spot in sorted(gathered, key=order)]


def _names(session: OcopSession, model: type[Province | District | Commune], ids: set[int | None]) -> Names:
    """Of the places that the actor's records lie in on some map; these are no secret."""
    columns = select(model.id, model.sort_key, model.name, model.code)
    with seeing_everything():
        found = session.execute(columns.where(model.id.in_(ids - {None})))
        return {key: (sort_key, name, code) for key, sort_key, name, code in found}
