"""Places in time: what lives of one code must not do to each other, which unit took over which."""

from collections.abc import Collection

from sqlalchemy import or_, select

from app.current import seeing_everything
from app.services.importing.writing import parts
from app.session import InvalidRow, OcopSession
from app.successions import heirs
from models.base import Base
from models.commune import Commune, CommuneSuccession
from models.district import District
from models.province import Province
from models.rules.places import Link, loop, overlap
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


def links_from(session: OcopSession, ids: Collection[int]) -> list[Link]:
    """Every link on the ways onward from the units, whoever's area it lies in."""
    found: dict[Link, None] = {}
    own = (CommuneSuccession.old_id, CommuneSuccession.new_id, CommuneSuccession.kind)
    with seeing_everything():
        for part in parts(sorted(ids)):
            first = CommuneSuccession.old_id.in_(part)
            on_the_way = or_(first, CommuneSuccession.old_id.in_(select(heirs(first).c.heir)))
            found |= dict.fromkeys(
                (old, new, kind) for old, new, kind in session.execute(select(*own).where(on_the_way))
            )
    return list(found)


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
