"""Which communes took over from which, over any number of steps: the walks along successions in SQL."""

from sqlalchemy import CTE, ColumnElement, select
from sqlalchemy.orm import aliased

from models.commune import CommuneSuccession, SuccessionKind


def heirs(given: ColumnElement[bool]) -> CTE:
    """Rows (first, heir): every unit that a unit went into, wholly or in part. given: which links are the first."""
    line = (
        select(CommuneSuccession.old_id.label("first"), CommuneSuccession.new_id.label("heir"))
        .where(given)
        .cte(recursive=True)
    )
    further = aliased(CommuneSuccession)
    return line.union(select(line.c.first, further.new_id).join(line, further.old_id == line.c.heir))


def went_wholly_into(given: ColumnElement[bool]) -> CTE:
    """Rows (unit): every unit that went wholly into one of these. given: which links are the last."""
    whole = CommuneSuccession.kind.in_([kind for kind in SuccessionKind if kind.is_whole])
    line = select(CommuneSuccession.old_id.label("unit")).where(given, whole).cte(recursive=True)
    before = aliased(CommuneSuccession)
    is_whole = before.kind.in_([kind for kind in SuccessionKind if kind.is_whole])
    return line.union(select(before.old_id).join(line, before.new_id == line.c.unit).where(is_whole))
