"""Which communes took over from which, over any number of steps: the one walk along successions in SQL."""

from sqlalchemy import CTE, ColumnElement, select
from sqlalchemy.orm import aliased

from models.commune import CommuneSuccession


def heirs(given: ColumnElement[bool]) -> CTE:
    """Rows (first, heir): every unit that a unit went into, wholly or in part. given: which links are the first."""
    line = (
        select(CommuneSuccession.old_id.label("first"), CommuneSuccession.new_id.label("heir"))
        .where(given)
        .cte("heirs", recursive=True)
    )
    further = aliased(CommuneSuccession)
    return line.union(select(line.c.first, further.new_id).join(line, further.old_id == line.c.heir))
