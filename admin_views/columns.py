"""Columns of a list: what is selected for a row, how the cell reads, what the export writes; all from declarations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Date, DateTime, Enum, Integer, Select, TypeDecorator, inspect, null
from sqlalchemy.orm import Mapper, RelationshipProperty, aliased, object_session

from admin_views.pages import Cell, Tag, Tone
from app.current import today
from app.files.titles import FORMER_DISTRICT, FORMER_PLACE
from app.services.place_names import Place, PlaceWords, lineage, place_words
from app.session import OcopSession
from app.table import Cell as TableCell
from app.table import Column
from models import BatchState, Commune, District, ParticipationState, Province
from models.base import Base, LabelledEnum, Placed, Points, Searchable, fields, label_of
from models.province import Dated
from models.rules.words import words

Join = Callable[[Select[Any]], Select[Any]]
Words = Callable[[OcopSession, Sequence[Any]], Mapping[Any, tuple[Any, ...]]]
"""The words of many rows' values, by those values."""


@dataclass(frozen=True)
class Shown:
    """One list column.

    expressions: selected for every row, in order. cell: gets their values. exports: (column of the file, place of
    its value among the expressions). sort: what the column orders by, None when it does not sort.
    words: asked once for the rows of a page, answers for the values of each row what cell and exports get instead.
    """

    key: str
    label: str
    expressions: tuple[Any, ...]
    cell: Callable[..., Cell]
    exports: tuple[tuple[Column, int], ...]
    joins: tuple[Join, ...] = ()
    sort: ColumnElement[Any] | None = None
    width: int = 10
    numeric: bool = field(default=False)
    words: Words | None = None


TONES: dict[LabelledEnum, Tone] = {
    ParticipationState.NOT_SUBMITTED: "mute",
    ParticipationState.SUBMITTED: "wait",
    ParticipationState.RETURNED: "returned",
    ParticipationState.VALID: "ok",
    ParticipationState.FORWARDED: "wait",
    ParticipationState.SELECTED: "ok",
    ParticipationState.NOT_SELECTED: "mute",
    ParticipationState.IN_PROGRESS: "mute",
    ParticipationState.DONE: "ok",
    ParticipationState.WITHDRAWN: "mute",
    BatchState.READING: "wait",
    BatchState.PLANNED: "wait",
    BatchState.APPLIED: "ok",
    BatchState.DROPPED: "mute",
    BatchState.UNDONE: "returned",
}


def shown(model: type[Base], attribute: str) -> Shown:
    """The column of one attribute: a plain value, or the name of a linked row with what tells it apart beneath."""
    mapper: Mapper[Any] = inspect(model)
    if attribute in mapper.relationships:
        return _linked(model, mapper.relationships[attribute])
    column = mapper.column_attrs[attribute].columns[0]
    expression = getattr(model, attribute)
    kind = _kind(column.type)
    first = model.__search__[:1] == (attribute,) and issubclass(model, Searchable)
    made = Shown(
        key=attribute,
        label=label_of(model, attribute),
        expressions=(expression,),
        cell=_plain_cell,
        # Integers are years and numbers of order, so a file too shows them as they are: 2026, not 2.026.
        exports=(
            (Column(label_of(model, attribute), "text" if kind == "integer" else kind, _file_width(column.type)), 0),
        ),
        sort=getattr(model, "sort_key") if first else expression,  # noqa: B009  # Searchable
        width=24 if first else 12 if _is_tagged(column.type) else 10,
        numeric=kind in ("integer", "number"),
    )
    return _unit_name(made) if made.expressions == (Commune.name,) else made


def two_lines(first: Shown, second: Shown, *, label: str = "") -> Shown:
    """Two columns in one cell, the second small beneath; the export keeps them apart."""
    count = len(first.expressions)

    def cell(*values: Any) -> Cell:
        upper = first.cell(*values[:count])
        return Cell(upper.text, upper.href, second.cell(*values[count:]).text, upper.tag, upper.stars)

    return replace(
        first,
        label=label or first.label,
        expressions=(*first.expressions, *second.expressions),
        cell=cell,
        exports=(*first.exports, *((column, place + count) for column, place in second.exports)),
        joins=(*first.joins, *second.joins),
    )


def _is_tagged(type_: Any) -> bool:
    return isinstance(type_, Enum) and any(member in TONES for member in type_.enum_class or ())


def _plain_cell(value: Any) -> Cell:
    if isinstance(value, LabelledEnum) and value in TONES:
        return Cell(tag=Tag(value.label, TONES[value]))
    return Cell(words(value))


def _linked(model: type[Base], relation: RelationshipProperty[Any]) -> Shown:
    target: type[Base] = relation.mapper.class_
    other = aliased(target)
    link = getattr(model, foreign_key(model, relation.key))

    def join(statement: Select[Any]) -> Select[Any]:
        return statement.outerjoin(other, link == other.id)

    label = label_of(model, relation.key)
    if target is Commune:
        if issubclass(model, Placed):
            return _place(label, relation.key, link, model.moved_from_id)
        # Joined, so that one outside the area of who looks is not named.
        return replace(_place(label, relation.key, other.id, null()), joins=(join,))
    title, title_join = _title(other, target)
    expressions: tuple[Any, ...] = (title,)
    exports = [(Column(label, "text", 30), 0)]
    if "code" in fields(target) and target is not model and not issubclass(target, Dated):
        # Groups of one name are told apart by it.
        expressions = (title, getattr(other, "code"))  # noqa: B009  # of any such model
        exports.append((Column(label_of(target, "code"), "text", 10), 1))
    return Shown(
        key=relation.key,
        label=label,
        expressions=expressions,
        cell=lambda value, *_code: _plain_cell(value),
        exports=tuple(exports),
        joins=(join, *title_join),
        width=14,
    )


def _title(other: Any, target: type[Base]) -> tuple[Any, tuple[Join, ...]]:
    """What names a linked row; through one more link when its title is one (a participation is its product)."""
    mapper: Mapper[Any] = inspect(target)
    if target.__title__ not in mapper.relationships:
        return getattr(other, target.__title__), ()
    named = aliased(mapper.relationships[target.__title__].mapper.class_)
    link = getattr(other, foreign_key(target, target.__title__))
    title = getattr(named, inspect(named).mapper.class_.__title__)
    return title, (lambda statement: statement.outerjoin(named, link == named.id),)


def _unit(label: str, key: str, commune: Any, join: Join) -> Shown:
    """A commune that everybody's row names, within the area of who looks, with its district or province."""
    district, province = aliased(District), aliased(Province)

    def parents(statement: Select[Any]) -> Select[Any]:
        return statement.outerjoin(district, commune.district_id == district.id).outerjoin(
            province, commune.province_id == province.id
        )

    return Shown(
        key=key,
        label=label,
        expressions=(commune.name, district.name, province.name, commune.code),
        cell=lambda name, district_name, province_name, _code: Cell(
            name or "", second=district_name or province_name or ""
        ),
        exports=(
            (Column(label_of(Commune, "code"), "text", 10), 3),
            (Column(label, "text", 24), 0),
            (Column("Huyện", "text", 24), 1),
            (Column("Tỉnh", "text", 24), 2),
        ),
        joins=(join, parents),
        width=15,
    )


def unit(model: type[Base], attribute: str) -> Shown:
    """The column of a commune as it was called itself, for what says how one became another."""
    other = aliased(Commune)
    link = getattr(model, foreign_key(model, attribute))
    return _unit(label_of(model, attribute), attribute, other, lambda s: s.outerjoin(other, link == other.id))


def _place(label: str, key: str, commune: Any, moved_from: Any) -> Shown:
    """The commune of a row by its name of today, beneath what it was before, else its district or province."""
    return Shown(
        key=key,
        label=label,
        expressions=(commune, moved_from),
        cell=lambda today, former, district, province: Cell(today, second=former or district or province),
        exports=(
            (Column(label, "text", 24), 0),
            (Column("Tỉnh", "text", 24), 3),
            # Of another time than the two before it: no unit of today has a district.
            (Column(FORMER_DISTRICT, "text", 24), 2),
            (Column(FORMER_PLACE, "text", 40), 1),
        ),
        width=15,
        words=lambda session, places: place_words(session, places, today()),
    )


def _unit_name(named: Shown) -> Shown:
    """The name of a commune, beneath it what it was before or what it has become."""
    return replace(
        named,
        expressions=(*named.expressions, Commune.id),
        cell=lambda name, before: Cell(name, second=before),
        exports=(*named.exports, (Column("Trước đó, nay là", "text", 40), 1)),
        words=_with_lineage,
    )


def _with_lineage(session: OcopSession, units: Sequence[Any]) -> dict[Any, tuple[Any, ...]]:
    before = lineage(session, [pk for _name, pk in units], today())
    return {(name, pk): (name, before[pk]) for name, pk in units}


def places_of(rows: Sequence[Placed]) -> dict[Place, PlaceWords]:
    """The places of loaded rows, as a page shows them."""
    if not rows:
        return {}
    session = object_session(rows[0])
    assert isinstance(session, OcopSession)
    return place_words(session, [(row.commune_id, row.moved_from_id) for row in rows], today())


def place_of(row: Base, commune: Commune) -> PlaceWords:
    """The place of a loaded row that a link leads to, as its record shows it."""
    session = object_session(row)
    assert isinstance(session, OcopSession)
    place = (commune.id, row.moved_from_id if isinstance(row, Placed) else None)
    return place_words(session, [place], today())[place]


def former_and_later(row: Base) -> str:
    """What a loaded commune was before or has become; empty for any other row."""
    session = object_session(row)
    if not isinstance(row, Commune) or not isinstance(session, OcopSession):
        return ""
    return lineage(session, [row.id], today())[row.id]


def foreign_key(model: type[Base], relation: str) -> str:
    """Attribute of the column that a many-to-one relation is kept in."""
    mapper: Mapper[Any] = inspect(model)
    column = next(iter(mapper.relationships[relation].local_columns))
    return mapper.get_property_by_column(column).key


def _kind(type_: Any) -> Any:
    if isinstance(type_, Boolean):
        return "text"
    if isinstance(type_, Date):
        return "date"
    if isinstance(type_, DateTime) or isinstance(getattr(type_, "impl", None), DateTime):
        return "datetime"
    if isinstance(type_, Integer):
        return "integer"
    return "number" if isinstance(type_, Points) else "text"


def _file_width(type_: Any) -> int:
    return max(10, min(40, getattr(type_, "length", None) or 16)) if _kind(type_) == "text" else 14


_AS_IT_IS = frozenset({str, int, date, datetime, Decimal, type(None)})


def file_value(value: Any) -> TableCell:
    """A value as the export writes it: days stay days, numbers numbers, codes text, closed lists their label."""
    kept: TableCell = value if type(value) in _AS_IT_IS else words(value)
    return kept


def is_written_as_it_is(type_: Any) -> bool:
    """Whether `file_value` leaves every value of a column as it is, so that an export need not ask for each."""
    stored = type_.impl_instance if isinstance(type_, TypeDecorator) else type_
    return not isinstance(stored, Enum) and stored.python_type in _AS_IT_IS


def default_columns(model: type[Base], *, most: int = 7) -> Sequence[str]:
    """What a list shows when its view does not say: what names the row first, then links and short values."""
    mapper: Mapper[Any] = inspect(model)
    kept_in = {foreign_key(model, r.key) for r in mapper.relationships if not r.uselist}
    chosen = [
        name
        for name, info in fields(model).items()
        if not info.managed
        and not info.long
        and not info.secret
        and name not in kept_in
        and not (name in mapper.relationships and mapper.relationships[name].uselist)
    ]
    chosen.sort(key=lambda name: name != model.__title__)
    return chosen[:most]
