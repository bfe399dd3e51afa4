"""Places in time: what lives of one code must not do to each other, which unit took over which."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.current import today
from app.services.importing.writing import parts, seeing_everything
from app.session import InvalidRow, OcopSession
from models.base import Base
from models.commune import Commune, CommuneSuccession
from models.district import District
from models.province import Province
from models.rules.places import Link, Successors, loop, overlap, successors
from models.rules.words import day


def refuse_overlap(session: OcopSession, row: Base) -> None:
    """Refuse a life that shares a day with another life of its code, whoever's area that lies in.

    row: a province, district or commune as it is to be saved, before its flush. Raises InvalidRow.
    """
    assert isinstance(row, Province | District | Commune)
    if not row.code or row.valid_from is None:
        return  # said by the form
    model = type(row)
    with seeing_everything(), session.no_autoflush:
        others = session.execute(
            select(model.name, model.valid_from, model.valid_to).where(
                model.code == row.code, model.id != (row.id or 0)
            )
        ).all()
    for other in others:
        if overlap([row, other]):
            until = f"đến {day(other.valid_to)}" if other.valid_to else "đến nay"
            sentence = (
                f"Mã {row.code} đã là của {other.name} từ {day(other.valid_from)} {until}. "
                "Sửa mã hoặc ngày hiệu lực cho không trùng ngày."
            )
            raise InvalidRow(row, [("valid_from", sentence)])


# ---- which unit took over which ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Divided:
    """Several units took parts of it, or not all of it is accounted for: each record needs a clerk's choice."""

    units: tuple[Commune, ...]


@dataclass(frozen=True)
class Unknown:
    """It ended, and no link says where it went."""


def successor_of(
    session: OcopSession, commune: Commune, *, on: date | None = None
) -> Commune | Divided | Unknown | None:
    """The unit in force that all of a commune went to; None while the commune itself is in force.

    on: the day, today when left out. A chain that stops at a unit that ended too is unknown.
    """
    day_asked = on or today()
    if commune.in_force(day_asked):
        return None
    found = successors_of(session, [commune.id])[commune.id]
    with seeing_everything():
        rows = {row.id: row for row in session.scalars(select(Commune).where(Commune.id.in_(found.units)))}
    units = tuple(rows[unit] for unit in found.units if rows[unit].in_force(day_asked))
    if not units:
        return Unknown()
    return units[0] if found.is_whole else Divided(units)


def successors_of(session: OcopSession, ids: Collection[int]) -> dict[int, Successors]:
    """{commune id: where it went}, read at once for all of them."""
    links = links_from(session, ids)
    onward: dict[int, list[Link]] = {}
    for link in links:
        onward.setdefault(link[0], []).append(link)
    return {unit: successors(_reached(onward, unit), unit) for unit in ids}


def _reached(onward: Mapping[int, list[Link]], unit: int) -> list[Link]:
    """The links on the ways from one unit, so that a page of units does not look through all links for each."""
    found: list[Link] = []
    seen, waiting = {unit}, [unit]
    while waiting:
        for link in onward.get(waiting.pop(), ()):
            found.append(link)
            if link[1] not in seen:
                seen.add(link[1])
                waiting.append(link[1])
    return found


def links_from(session: OcopSession, ids: Collection[int]) -> list[Link]:
    """Every link on the ways onward from the units, whoever's area it lies in."""
    found: dict[Link, None] = {}
    own = (CommuneSuccession.old_id, CommuneSuccession.new_id, CommuneSuccession.kind)
    with seeing_everything():
        for part in parts(sorted(ids)):
            line = select(*own).where(CommuneSuccession.old_id.in_(part)).cte("line", recursive=True)
            line = line.union(select(*own).join(line, CommuneSuccession.old_id == line.c.new_id))
            found |= dict.fromkeys((old, new, kind) for old, new, kind in session.execute(select(line)))
    return list(found)


class FormerUnit(NamedTuple):
    """A unit that went into another. district: its name, "" when it had none."""

    id: int
    code: str
    name: str
    district: str
    valid_from: date
    valid_to: date | None


def former_names(session: OcopSession, ids: Collection[int]) -> dict[int, list[FormerUnit]]:
    """{commune id: the units that went into it, over any number of steps, those that ended last first}.

    One query for a page, whatever area the former units lie in: what a place was called is no secret.
    """
    found: dict[int, list[FormerUnit]] = {unit: [] for unit in ids}
    first = select(CommuneSuccession.new_id.label("root"), CommuneSuccession.old_id.label("unit"))
    district = aliased(District)
    with seeing_everything():
        for part in parts(sorted(found)):
            line = first.where(CommuneSuccession.new_id.in_(part)).cte("line", recursive=True)
            line = line.union(
                select(line.c.root, CommuneSuccession.old_id).join(line, CommuneSuccession.new_id == line.c.unit)
            )
            rows = session.execute(
                select(
                    line.c.root,
                    *(Commune.id, Commune.code, Commune.name, district.name, Commune.valid_from, Commune.valid_to),
                )
                .select_from(line)
                .join(Commune, Commune.id == line.c.unit)
                .outerjoin(district, Commune.district_id == district.id)
                .where(line.c.root != line.c.unit)
                .order_by(line.c.root, Commune.valid_to.desc(), Commune.code)
            )
            for root, unit, code, name, its_district, since, until in rows:
                found[root].append(FormerUnit(unit, code, name, its_district or "", since, until))
    return found


def refuse_loop(session: OcopSession, row: CommuneSuccession) -> None:
    """Refuse a link by which a unit would in the end succeed itself. row: as it is to be saved. Raises InvalidRow."""
    with session.no_autoflush:
        old, new = row.old, row.new
        if old is None or new is None:
            return  # said by the form
        onward = [link for link in links_from(session, [new.id]) if link[:2] != (old.id, new.id)]
    if found := loop([*onward, (old.id, new.id, row.kind)]):
        raise InvalidRow(row, [("new", loop_sentence(session, found))])


def loop_sentence(session: OcopSession, units: Collection[int]) -> str:
    """Units in a circle, in words."""
    with seeing_everything(), session.no_autoflush:
        found = session.execute(select(Commune.id, Commune.code, Commune.name).where(Commune.id.in_(units)))
        names = {pk: f"{code} {name}" for pk, code, name in found}
    circle = " → ".join(names[unit] for unit in (*units, next(iter(units))))
    return f"Chuyển đổi thành vòng: {circle}. Sửa xã, phường cũ hoặc mới cho đúng."
