"""Rows found by a term, whatever its marks: the folded text of a row and its trigram index."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, case, column, false, or_, select, table, union_all
from sqlalchemy.orm import Session

from app.successions import heirs, with_formers
from models.base import Base, Placed
from models.commune import Commune, CommuneSuccession
from models.rules.text import fold

SHORTEST_PLACE = 4
"""Letters from which a term may name a place: “xã” alone is in the name of most."""


def matching(session: Session, model: type[Base], term: str) -> list[ColumnElement[bool]]:
    """Conditions that find a term in a model's `search_text`, whatever its marks: every word must occur.

    Words of three letters and more go through the trigram index, and shorter ones that are all there is, as they
    stand together; one short word alone matches as a prefix of the text.
    A commune is also found by what its former units are found by, and a record by the place it lies in: as that was
    called when it was recorded, with its district then, or as it is called today.
    """
    conditions = matching_rows(session, model, term)
    if issubclass(model, Placed) and conditions and len(fold(term)) >= SHORTEST_PLACE:
        units = select(Commune.id).where(*matching_rows(session, Commune, term)).correlate(None)
        if session.execute(units.limit(1)).first() is None:  # most terms name no place, and asking costs a tenth
            return conditions
        own = select(model.id).where(*conditions).correlate(None)
        return [model.id.in_(union_all(own, *_lying_in(model, units)))]
    return [or_(and_(*conditions), took_over(conditions))] if model is Commune and conditions else conditions


def took_over(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Communes that took over from one that meets the conditions, over any number of steps."""
    former = select(Commune.id).where(*conditions).correlate(None)
    return Commune.id.in_(select(heirs(CommuneSuccession.old_id.in_(former)).c.heir))


def lying_in(model: type[Placed], unit_id: int) -> ColumnElement[bool]:
    """Rows that lie in a commune, were recorded in it, or lie in one that went wholly into it."""
    key: Any = getattr(model, "id")  # noqa: B009  # of every model
    in_places: ColumnElement[bool] = key.in_(union_all(*_lying_in(model, _unit(unit_id))))
    return in_places


def _unit(unit_id: int) -> Select[int]:
    return select(Commune.id).where(Commune.id == unit_id).correlate(None)


def _lying_in(model: type[Placed], units: Select[int]) -> list[Select[int]]:
    """One select for each way, so that each goes through its own index."""
    key: Any = getattr(model, "id")  # noqa: B009  # of every model
    bears: Any = model.commune_id
    places = select(with_formers(units).c.unit)
    return [select(key).where(way.in_(places)).correlate(None) for way in (bears, model.moved_from_id)]


def matching_rows(session: Session, model: type[Base], term: str) -> list[ColumnElement[bool]]:
    """The same by the row's own text alone."""
    found: Any = getattr(model, "search_text")  # noqa: B009  # Searchable
    terms = fold(term).split()
    if not terms:
        return [false()] if term.strip() else []  # signs alone are in no text
    long = [t for t in terms if len(t) >= 3]
    if not long:
        start = " ".join(terms)
        if len(terms) == 1:
            return [found >= start, found < f"{start}\x7f"]
        long = terms = [start]  # “Mỹ An”: together they are long enough
    short = [found.like(f"%{t}%") for t in terms if len(t) < 3]
    if session.get_bind().dialect.name != "sqlite":
        return [*(found.like(f"%{t}%") for t in long), *short]
    source = model.__table__
    assert isinstance(source, Table)
    fts = table(f"{source.name}_fts", column("rowid"), column(f"{source.name}_fts"))
    wanted = " AND ".join(f'"{t}"' for t in long)
    return [
        getattr(model, "id").in_(  # noqa: B009  # typed as a column
            select(fts.c.rowid).where(fts.c[f"{source.name}_fts"].op("MATCH")(wanted))
        ),
        *short,
    ]


def exact_first(model: type[Base], term: str) -> ColumnElement[int]:
    """0 for rows spelled as typed, 1 where the words stand together, 2 for the others.

    SQLite compares only ASCII without case, so a Vietnamese capital is asked for besides.
    """
    first, _, rest = model.__search__[0].partition(".")
    title: Any = getattr(model, first)
    named: Any = getattr(title.property.mapper.class_, rest) if rest else title
    escaped = [
        w.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for w in (term, term.lower(), term.capitalize())
    ]
    spelled = or_(*(named.ilike(f"%{w}%", escape="\\") for w in dict.fromkeys(escaped)))
    found: Any = getattr(model, "search_text")  # noqa: B009  # Searchable
    return case((title.has(spelled) if rest else spelled, 0), (found.like(f"%{fold(term)}%"), 1), else_=2)
