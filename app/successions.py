"""Which communes took over from which, over any number of steps: the walks along successions in SQL."""

from sqlalchemy import CTE, ColumnElement, Select, select
from sqlalchemy.orm import aliased

from models.commune import Commune, CommuneSuccession, SuccessionKind


def heirs(given: ColumnElement[bool]) -> CTE:
    """Rows (first, heir): every unit that a unit went into, wholly or in part. given: which links are the first."""
    line = (
        select(CommuneSuccession.old_id.label("first"), CommuneSuccession.new_id.label("heir"))
        .where(given)
        .cte(recursive=True)
    )
    further = aliased(CommuneSuccession)
    return line.union(select(line.c.first, further.new_id).join(line, further.old_id == line.c.heir))


def with_formers(units: Select[int]) -> CTE:
    """Rows (unit): communes, and every one that went wholly into one of them."""
    line = units.with_only_columns(Commune.id.label("unit")).cte(recursive=True)
    before = aliased(CommuneSuccession)
    further = select(before.old_id).join(line, before.new_id == line.c.unit).where(before.kind.in_(WHOLE))
    return line.union(further)


WHOLE = [kind for kind in SuccessionKind if kind.is_whole]
