"""The one Session: adds the area to every read, checks area, links and version in every flush, writes the trail.

Whatever a screen or a service forgets, this does not. It refuses
  - everything when no actor is set;
  - statements that could slip past the area: text, tables and columns that are not mapped attributes,
    a select whose only entity hides in OVER();
  - insert, update and delete statements outside `doing(…)`, and the bulk_* methods always;
  - a clerk's change of a row without the version the clerk saw (`saw`), or outside a named verb (`doing`).
"""

import functools
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    Select,
    Table,
    TableClause,
    column,
    event,
    insert,
    inspect,
    select,
    table,
    update,
)
from sqlalchemy.orm import (
    InstanceState,
    Mapper,
    ORMExecuteState,
    Session,
    UOWTransaction,
)
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.orm.util import AliasedInsp, LoaderCriteriaOption
from sqlalchemy.sql import Delete, Executable, Insert, Update
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.selectable import CompoundSelect

from app.bulk import execute_many, value_of
from app.current import Actor, actor
from app.errors import OcopError
from models.audit import AuditAction, AuditEntry
from models.base import Area, Base, Everywhere, Placed, Searchable, fields, now
from models.commune import Commune
from models.rules.text import fold, sort_key


class SlipsPastAreaError(RuntimeError):
    """A statement whose rows the area could not be applied to: a bug, never a clerk's mistake."""


class UnnamedChangeError(RuntimeError):
    """A clerk's change came neither with the version seen nor from a named verb: a bug."""


class OutsideArea(OcopError):
    sentence = "{label} này nằm ngoài địa bàn của bạn. Chọn trong địa bàn được giao, hoặc nhờ cán bộ cấp trên làm."


class StaleVersion(OcopError):
    """Someone saved first; the screen shows both versions and keeps what was typed."""

    sentence = "“{name}” vừa được người khác sửa sau khi bạn mở trang. Xem lại bản mới rồi lưu."

    def __init__(self, row: Base, name: str = "") -> None:
        self.row = row
        super().__init__(name=name or row)


class InvalidRow(OcopError):
    """problems: (attribute, sentence) of each value that cannot be stored."""

    sentence = "{sentences}"

    def __init__(self, row: Base, problems: Sequence[tuple[str, str]]) -> None:
        self.row, self.problems = row, problems
        super().__init__(sentences=" ".join(sentence for _, sentence in problems))


class OcopSession(Session):
    """See the module; opened at the edge with `with database.writing.begin() as session:`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen: dict[tuple[type[Base], int], int] = {}
        self._compared: set[tuple[type[Base], int]] = set()
        self._existing: list[tuple[Base, str]] = []
        self._verb = ""
        self._batch_id: int | None = None
        self._is_rehearsing = False

    @property
    def actor(self) -> Actor:
        return actor()

    def saw(self, model: type[Base], row_id: int, version: int) -> None:
        """Remember which version of a row the clerk had on screen; a save of another one is refused."""
        self._seen[model, row_id] = version
        self._compared.discard((model, row_id))

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """As the ORM does; when another transaction was quicker, that is a stale save like any other."""
        try:
            super().flush(objects)
        except StaleDataError as error:
            row, name = self._existing[0]
            several = f"{len(self._existing)} bản ghi" if len(self._existing) > 1 else name
            raise StaleVersion(row, several) from error

    def merge(self, instance: Any, *, load: bool = True, **options: Any) -> Any:
        if not load:
            raise SlipsPastAreaError("merge(load=False) takes a row without asking the database for it")
        return super().merge(instance, load=load, **options)

    @contextmanager
    def doing(self, verb: str, *, batch_id: int | None = None) -> Iterator[None]:
        """Name what a service does, for the trail; pending changes are flushed under that name when it ends.

        What was pending before is flushed first: it was not done under this name.
        """
        self.flush()
        before = self._verb, self._batch_id
        self._verb, self._batch_id = verb, batch_id if batch_id is not None else self._batch_id
        try:
            yield
            self.flush()
        finally:
            self._verb, self._batch_id = before

    @contextmanager
    def rehearsing(self) -> Iterator[None]:
        """Take back what is written inside, whatever happens; so it leaves no trail either."""
        outer, self._is_rehearsing = self.begin_nested(), True
        try:
            yield
        finally:
            self._is_rehearsing = False
            outer.rollback()

    def insert(self, rows: Sequence[Base]) -> None:
        """Store new rows of one model as a flush does, without what the unit of work costs for each of them.

        For services that write many rows, inside `doing(…)`. The rows stay outside the Session, with their ids;
        a link of theirs is set by its id, to a row that is stored already.
        """
        if not self._verb:
            raise UnnamedChangeError("rows inserted outside doing(…)")
        self.flush()
        _refuse_reading(self)
        _make_ready(self, rows)
        _insert(self.connection(), rows)
        self.info["flushed"] = True
        _check_written(self, rows)
        _write_trail(self, [(AuditAction.CREATE, row) for row in rows])

    def _refuse_bulk(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise SlipsPastAreaError("bulk_* methods pass area, version and trail")

    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _refuse_bulk
    # The older query form reaches the same events, but its own bulk update and delete do not name a verb.


@event.listens_for(OcopSession, "before_attach")
def _refuse_row_from_elsewhere(_session: OcopSession, row: Base) -> None:
    if inspect(row).has_identity and not actor().area.everything:
        raise SlipsPastAreaError(f"{type(row).__name__} was not loaded here, so nothing says that it lies in the area")


# ---- reads -----------------------------------------------------------------------------------------------------


@event.listens_for(OcopSession, "do_orm_execute")
def _add_area(state: ORMExecuteState) -> None:
    session = state.session
    assert isinstance(session, OcopSession)
    area = session.actor.area
    if state.is_column_load:
        return  # columns of a row that is already here
    statement = state.statement
    known = _KNOWN.get(statement)
    if known is None:
        known = _KNOWN[statement] = _Known(_models_of(statement))
    if known.models and not state.is_orm_statement:
        raise SlipsPastAreaError(f"not an ORM statement: {statement}")
    if isinstance(statement, Insert | Update | Delete):
        _check_writing(session, state, statement)
    if area.everything:
        return
    scoped = known.scoped.get(area)
    if scoped is None:
        scoped = _scoped(statement, known.models, area)
        if scoped is not statement:  # kept beside itself it would never be forgotten
            if len(known.scoped) >= MOST_AREAS_KNOWN:
                known.scoped.clear()
            known.scoped[area] = scoped
    state.statement = scoped


def _check_writing(session: OcopSession, state: ORMExecuteState, statement: Insert | Update | Delete) -> None:
    """A writing statement passes version and trail: services only, and a user's only where neither is kept."""
    if not session._verb:
        raise SlipsPastAreaError(f"a writing statement outside doing(…): {type(statement).__name__}")
    by_rows = isinstance(state.parameters, list) and not isinstance(statement, Insert)
    if by_rows or "dml_strategy" in {**statement.get_execution_options(), **state.execution_options}:
        raise SlipsPastAreaError(f"rows named by parameters are not narrowed to the area: {statement.table}")
    model = _models_by_table()[statement.table]
    if model is AuditEntry:
        raise UnnamedChangeError("the trail is written by the Session alone")
    quiet = isinstance(statement, Update) and {getattr(c, "key", c) for c in statement._values or ()} <= model.__quiet__
    if session.actor.is_user and model.__audited__ and not quiet:
        raise UnnamedChangeError(f"a statement leaves no trail of {model.__name__}; change its rows")


# Areas kept for each statement that views make once and use for every request.
MOST_AREAS_KNOWN = 64


@dataclass(frozen=True)
class _Known:
    """What was found out about a statement. scoped: the statement with an area added."""

    models: frozenset[type[Base]]
    scoped: dict[Area, Executable] = field(default_factory=dict)


# By the statement itself, which never changes; a statement made for one request is forgotten with it.
_KNOWN: WeakKeyDictionary[Executable, _Known] = WeakKeyDictionary()


def _scoped(statement: Executable, models: Iterable[type[Base]], area: Area) -> Executable:
    # joinedload reads other models in the same statement and names them nowhere in it.
    joins = any(not isinstance(option, LoaderCriteriaOption) for option in statement._with_options)
    reached = _models_by_table().values() if joins else models
    criteria = [_criterion(model, area, joins) for model in reached if not issubclass(model, Everywhere)]
    return statement.options(*criteria) if criteria else statement


class _AreaCriterion(LoaderCriteriaOption):
    """SQLAlchemy leaves a plain criterion of a joined alias on the table itself; here it follows the alias.

    A callable criterion would too, but makes a statement of its own for every area, which no cache holds.
    """

    _traverse_internals = LoaderCriteriaOption._traverse_internals  # cached by its expression, as the original is

    def _resolve_where_criteria(self, ext_info: Any) -> ColumnElement[bool]:
        criterion = super()._resolve_where_criteria(ext_info)
        if ext_info.is_aliased_class:
            adapted: ColumnElement[bool] = ext_info._adapter.traverse(criterion)
            return adapted
        return criterion


@functools.lru_cache(maxsize=8192)
def _criterion(model: type[Base], area: Area, joins: bool) -> _AreaCriterion:
    # Propagated only into joins: other loads of relations come through the event themselves.
    return _AreaCriterion(model, model.within(area), include_aliases=True, propagate_to_loaders=joins)


@functools.cache
def _models_by_table() -> dict[Any, type[Base]]:
    return {mapper.local_table: mapper.class_ for mapper in Base.registry.mappers}


def _models_of(statement: Executable) -> frozenset[type[Base]]:
    """The mapped classes a statement reads; raises SlipsPastAreaError where the area could not reach one."""
    if not isinstance(statement, Select | CompoundSelect | Insert | Update | Delete):
        raise SlipsPastAreaError(f"only select, insert, update and delete of models: {statement}")
    by_table = _models_by_table()
    models: set[type[Base]] = set()
    plain: set[type[Base]] = set()  # those read under their own name, not only as an alias
    bare: set[Table] = set()
    index = False
    for element in _elements(statement):
        notes = element._annotations
        mapper = notes.get("parentmapper")
        if isinstance(element, Select):
            _check_select(element, by_table)
        if mapper is not None:
            models.add(mapper.class_)
            if not isinstance(notes.get("parententity"), AliasedInsp):
                plain.add(mapper.class_)
        elif isinstance(element, TextClause):
            raise SlipsPastAreaError(f"text in a statement: {element}")
        elif isinstance(element, ColumnClause):
            if element.is_literal and element.name not in ("*", "1"):  # EXISTS (SELECT * …), and SELECT 1 of has()
                raise SlipsPastAreaError(f"text in a statement: {element}")
            table = element.table
            if isinstance(table, Table):
                bare.add(table)  # the ORM's own loads by key name columns so, beside their entity
            elif isinstance(table, TableClause) and element.name not in ("rowid", table.name):
                raise SlipsPastAreaError(f"a search index gives row ids only: {element}")
            elif getattr(table, "element", None) in by_table:
                raise SlipsPastAreaError(f"an alias of a table: {element}")
        elif isinstance(element, Table):
            bare.add(element)
        elif isinstance(element, TableClause):
            index = True
            if not element.name.endswith("_fts"):
                raise SlipsPastAreaError(f"a table that is no model: {element}")
    if index and not models:
        raise SlipsPastAreaError(f"a search index without its model: {statement}")
    if isinstance(statement, Insert | Update | Delete):
        entity = by_table.get(statement.table)
        if entity is None:
            raise SlipsPastAreaError(f"not a model's table: {statement}")
        models.add(entity)
    for table in bare:
        if table in by_table and by_table[table] not in plain:
            raise SlipsPastAreaError(f"a table instead of its model: {table}")
    return frozenset(models)


def _elements(statement: Executable) -> Iterator[Any]:
    """Every part of a statement; not the table inside an alias, which the alias stands for."""
    waiting: list[Any] = [statement]
    while waiting:
        element = waiting.pop()
        yield element
        if not isinstance(getattr(element, "element", None), Table):
            waiting.extend(element.get_children())


def _check_select(statement: Select[Any], by_table: Mapping[Any, type[Base]]) -> None:
    if statement._prefixes or statement._suffixes or statement._hints or statement._statement_hints:
        raise SlipsPastAreaError(f"text in a statement: {statement}")
    if statement._propagate_attrs.get("compile_state_plugin") == "orm":
        return
    # get_final_froms compiles the statement: 3 of 4 ms, so only where the ORM did not see an entity.
    if any(t in by_table for t in statement.get_final_froms()):
        raise SlipsPastAreaError(f"no entity the area could be added to: {statement}")


# ---- writes ----------------------------------------------------------------------------------------------------


@event.listens_for(OcopSession, "before_flush")
def _prepare(session: OcopSession, _context: UOWTransaction, _instances: object) -> None:
    who = session.actor
    _refuse_reading(session)
    changed = [row for row in session.dirty if session.is_modified(row)]
    for row in changed:
        row.updated_at = now()
    _make_ready(session, [*session.new, *changed])
    existing = [*changed, *session.deleted]
    session._existing = [(row, str(row)) for row in existing]
    if any(isinstance(row, AuditEntry) for row in (*session.new, *existing)):
        raise UnnamedChangeError("the trail is written by the Session alone")
    if who.is_user:
        for row in existing:
            _check_version(session, row)
    _check_area(session, who.area, [(type(row), row.id) for row in existing])


def _refuse_reading(session: OcopSession) -> None:
    if not session.info.get("writes"):
        raise UnnamedChangeError("a reading session was asked to write")


def _make_ready(session: OcopSession, rows: Sequence[Base]) -> None:
    """Fill what the Session fills of rows that are to be written; raises InvalidRow."""
    for row in rows:
        _place(session, row)
    for row in rows:
        _derive_text(session, row)
    for row in rows:
        if problems := list(row.faults()):
            raise InvalidRow(row, problems)


@event.listens_for(OcopSession, "after_flush")
def _complete(session: OcopSession, _context: UOWTransaction) -> None:
    session.info["flushed"] = True
    changed = [row for row in session.dirty if session.is_modified(row)]
    _check_written(session, [*session.new, *changed])
    drafts = [(AuditAction.CREATE, row) for row in session.new]
    drafts += [(AuditAction.UPDATE, row) for row in changed]
    drafts += [(AuditAction.DELETE, row) for row in session.deleted]
    _write_trail(session, drafts)
    for row in changed:
        _follow(session, row)


def _check_written(session: OcopSession, rows: Sequence[Base]) -> None:
    area = session.actor.area
    if not area.everything:
        _check_area(session, area, [(type(row), row.id) for row in rows])
        _check_area(session, area, _links_changed(rows))


# Where SQLite keeps the last id that it gave in each table, rows deleted since included.
_LAST_GIVEN = table("sqlite_sequence", column("name"), column("seq"))


def _insert(connection: Connection, rows: Sequence[Base]) -> None:
    """One statement for all; SQLite would take one for each row to say which ids it gave, so they are given here."""
    model = type(rows[0])
    stored = model.__table__
    assert isinstance(stored, Table)
    names, defaults = _own_columns(model)
    found = [instance_state(row).dict for row in rows]
    for name, default in defaults:
        for held in found:
            if held.get(name) is None:
                held[name] = value_of(default)
    if connection.dialect.name == "sqlite":
        own = _LAST_GIVEN.c.name == model.__tablename__
        last = connection.execute(select(_LAST_GIVEN.c.seq).where(own)).scalar() or 0
        for row_id, held in enumerate(found, last + 1):
            held["id"] = row_id
        execute_many(connection, _inserting(stored), found, names=("id", *names))
    else:
        statement = insert(stored).returning(stored.c.id, sort_by_parameter_order=True)
        ids = connection.execute(statement, [{name: held.get(name) for name in names} for held in found]).scalars()
        for held, row_id in zip(found, ids.all(), strict=True):
            held["id"] = row_id


@functools.cache
def _inserting(stored: Table) -> Insert:
    return insert(stored)


@functools.cache
def _own_columns(model: type[Base]) -> tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]:
    """Names of a model's columns but its id, and the defaults of those that have one."""
    mapper: Mapper[Any] = inspect(model)
    columns = {prop.key: prop.columns[0] for prop in mapper.column_attrs if prop.key != "id"}
    return tuple(columns), tuple((name, each.default) for name, each in columns.items() if each.default is not None)


def _check_version(session: OcopSession, row: Base) -> None:
    key = (type(row), row.id)
    if key in session._compared:
        return  # since then the version column guards it
    seen = session._seen.get(key)
    if seen is None:
        if not session._verb:
            raise UnnamedChangeError(f"{type(row).__name__} {row.id} changed without the version seen")
    elif seen != inspect(row).committed_state.get("version", row.version):
        raise StaleVersion(row)
    else:
        session._compared.add(key)


def _check_area(session: OcopSession, area: Area, rows: Iterable[tuple[type[Base], int]]) -> None:
    """Raise OutsideArea unless every row lies in the area; asks the database, so `within` is the only rule."""
    if area.everything:
        return
    ids: defaultdict[type[Base], set[int]] = defaultdict(set)
    for model, row_id in rows:
        if not issubclass(model, Everywhere):
            ids[model].add(row_id)
    for model, wanted in ids.items():
        for part in _parts(sorted(wanted), 500):
            inside = session.connection().execute(select(model.id).where(model.id.in_(part), model.within(area)))
            if set(inside.scalars()) != set(part):
                raise OutsideArea(label=model.__label__)


def _parts(values: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (values[start : start + size] for start in range(0, len(values), size))


@functools.cache
def _links(model: type[Base]) -> tuple[tuple[str, type[Base]], ...]:
    """(attribute of the foreign key, model it leads to) of every link."""
    mapper: Mapper[Any] = inspect(model)
    by_table = _models_by_table()
    return tuple(
        (prop.key, by_table[key.column.table]) for prop in mapper.column_attrs for key in prop.columns[0].foreign_keys
    )


@functools.cache
def _relation_of(model: type[Base], attribute: str) -> str | None:
    """The many-to-one relation that a foreign key column belongs to."""
    mapper: Mapper[Any] = inspect(model)
    column = mapper.column_attrs[attribute].columns[0]
    return next((r.key for r in mapper.relationships if not r.uselist and column in r.local_columns), None)


def _links_changed(rows: Iterable[Base]) -> set[tuple[type[Base], int]]:
    found = set()
    for row in rows:
        state = instance_state(row)
        for attribute, target in _links(type(row)):
            value = state.dict.get(attribute)
            if value is not None and (not state.has_identity or state.attrs[attribute].history.has_changes()):
                found.add((target, value))
    return found


# ---- where a row lies, what it is found by ----------------------------------------------------------------------


_PLACE = ("province_id", "commune_id", "moved_from_id")


@functools.cache
def places_relation(model: type[Base]) -> str | None:
    return next((name for name, info in fields(model).items() if info.places), None)


def _place(session: OcopSession, row: Base) -> None:
    relation = places_relation(type(row))
    if relation is None:
        return
    parent = _linked(session, row, relation)
    if parent is None:
        return  # the database refuses the missing link, with its own sentence
    if instance_state(parent).pending:
        _place(session, parent)
    assert isinstance(row, Placed)
    assert isinstance(parent, Commune | Placed)
    commune_id = parent.id if isinstance(parent, Commune) else parent.commune_id
    if parent.province_id is None:  # of a new parent's new parent: its id comes with the flush
        row.province = parent.province
    elif row.province_id != parent.province_id:
        row.province_id = parent.province_id
    if commune_id is None:
        row.commune = parent if isinstance(parent, Commune) else parent.commune
    elif row.commune_id != commune_id:
        row.commune_id = commune_id
    if isinstance(parent, Placed):
        if row.moved_from_id != parent.moved_from_id:
            row.moved_from_id = parent.moved_from_id
    elif not session._verb and row.moved_from_id and instance_state(row).attrs["commune_id"].history.has_changes():
        row.moved_from_id = None  # put right by hand: it never lay there


def _linked(session: OcopSession, row: Base, relation: str) -> Base | None:
    """The row at the other end of a link, whether the link was set as object or as id; None when out of reach."""
    state = instance_state(row)
    attribute, target = _end(type(row), relation)
    loaded: Base | None = state.dict.get(relation)
    row_id = state.dict.get(attribute)
    if loaded is not None and (row_id in (None, loaded.id) or state.attrs[relation].history.has_changes()):
        return loaded
    if row_id is None:
        return None
    here = _here(session, target, row_id)
    if here is not None and not instance_state(here).expired:
        return here  # as get() answers, in a fifth of the time
    with session.no_autoflush:
        return session.get(target, row_id)


def _here(session: OcopSession, model: type[Base], row_id: int) -> Base | None:
    """A row that the session holds already."""
    found: Base | None = session.identity_map.get(_keyed(model)((row_id,)))
    return found


@functools.cache
def _keyed(model: type[Base]) -> Callable[[tuple[int]], Any]:
    mapper: Mapper[Any] = inspect(model)
    return mapper.identity_key_from_primary_key


@functools.cache
def _end(model: type[Base], relation: str) -> tuple[str, type[Base]]:
    """The foreign key attribute of a many-to-one relation, and the model it leads to."""
    mapper: Mapper[Any] = inspect(model)
    prop = mapper.relationships[relation]
    return mapper.get_property_by_column(next(iter(prop.local_columns))).key, prop.mapper.class_


def _derive_text(session: OcopSession, row: Base) -> None:
    if not isinstance(row, Searchable):
        return
    values = []
    for path in row.__search__:
        first, _, rest = path.partition(".")
        source = _linked(session, row, first) if rest else row
        values.append(str(getattr(source, rest or first, None) or ""))
    text, key = search_columns(values)
    if row.search_text != text:
        row.search_text = text
    if row.sort_key != key:
        row.sort_key = key


def search_columns(values: Sequence[str]) -> tuple[str, str]:
    """(search_text, sort_key) of the values that `__search__` names; the first one sorts."""
    return " | ".join(folded for value in values if (folded := fold(value))), sort_key(values[0])


@functools.cache
def _followers(model: type[Base]) -> tuple[tuple[type[Base], str, bool, bool], ...]:
    """(model, foreign key attribute, takes its place from here, is found by a name from here)."""
    found = []
    for mapper in Base.registry.mappers:
        other = mapper.class_
        for relation in mapper.relationships:
            if relation.mapper.class_ is not model or relation.uselist:
                continue
            places = places_relation(other) == relation.key  # type: ignore[arg-type]  # a class is hashable
            named = any(path.startswith(f"{relation.key}.") for path in other.__search__)
            if places or named:
                attribute = mapper.get_property_by_column(next(iter(relation.local_columns))).key
                found.append((other, attribute, places, named))
    return tuple(found)


def _follow(session: OcopSession, row: Base) -> None:
    """Carry a row's new place and name to the rows that copy them; derived columns are no news and no new version."""
    state = inspect(row)
    moved = any(key in state.attrs and state.attrs[key].history.has_changes() for key in _PLACE)
    for model, attribute, places, named in _followers(type(row)):
        if places and moved:
            _move_followers(session, model, attribute, [row.id], row)
        if named and _named_anew(state, model):
            _rename_followers(session, model, attribute, row.id)


def _named_anew(state: InstanceState[Any], model: type[Base]) -> bool:
    paths = [path.partition(".")[2] for path in model.__search__ if "." in path]
    return any(path in state.attrs and state.attrs[path].history.has_changes() for path in paths)


def _move_followers(session: OcopSession, model: type[Base], attribute: str, ids: list[int], source: Base) -> None:
    place = (
        {"province_id": source.province_id, "commune_id": source.id}
        if isinstance(source, Commune)
        else {name: getattr(source, name) for name in _PLACE}
    )
    table, connection = model.__table__, session.connection()
    assert isinstance(table, Table)
    rows = list(connection.execute(select(table.c.id).where(table.c[attribute].in_(ids))).scalars())
    if not rows:
        return
    connection.execute(update(table).where(table.c[attribute].in_(ids)).values(**place))
    _refresh(session, model, rows, place)
    for follower, link, places, _named in _followers(model):
        if places:
            _move_followers(session, follower, link, rows, source)


def _rename_followers(session: OcopSession, model: type[Base], attribute: str, row_id: int) -> None:
    connection = session.connection()
    statement = select(model.id).where(getattr(model, attribute) == row_id)
    for path in model.__search__:
        first, _, rest = path.partition(".")
        if rest:
            relation = getattr(model, first)
            statement = statement.add_columns(getattr(relation.property.mapper.class_, rest)).outerjoin(relation)
        else:
            statement = statement.add_columns(getattr(model, first))
    rows: list[tuple[Any, ...]] = list(connection.execute(statement))
    for follower_id, *values in rows:
        text, key = search_columns([str(value or "") for value in values])
        derived = {"search_text": text, "sort_key": key}
        table = model.__table__
        assert isinstance(table, Table)
        connection.execute(update(table).where(table.c.id == follower_id).values(**derived))
        _refresh(session, model, [follower_id], derived)


def _refresh(session: OcopSession, model: type[Base], ids: Iterable[int], values: dict[str, Any]) -> None:
    for row_id in ids:
        row = _here(session, model, row_id)
        if row is not None:
            for attribute, value in values.items():
                set_committed_value(row, attribute, value)


# ---- the trail ---------------------------------------------------------------------------------------------------

# Derived or counted by the Session itself: never news.
_NO_NEWS = frozenset({"id", "version", "created_at", "updated_at", "search_text", "sort_key"})


def _write_trail(session: OcopSession, drafts: Sequence[tuple[AuditAction, Base]]) -> None:
    if session._is_rehearsing:
        return
    news = [(action, row, _news(action, row)) for action, row in drafts if row.__audited__]
    news = [(action, row, changes) for action, row, changes in news if changes or action is AuditAction.DELETE]
    if not news:
        return
    _name_links(session, news)
    who, at = session.actor, now()
    shared = {
        "at": at,
        "transaction": session.info.get("transaction", ""),
        "batch_id": session._batch_id,
        "request_number": who.request_number,
        "actor": who.name,
        "user_id": who.user_id,
        "verb": session._verb,
    }
    found = [
        {
            "action": action,
            "model": row.__tablename__,
            "row_id": row.id,
            "row_label": str(row)[:255],
            "province_id": row.id if row.__tablename__ == "provinces" else getattr(row, "province_id", None),
            "commune_id": row.id if isinstance(row, Commune) else getattr(row, "commune_id", None),
            "changes": changes,
        }
        for action, row, changes in news
    ]
    trail = AuditEntry.__table__
    assert isinstance(trail, Table)
    execute_many(session.connection(), _inserting(trail), found, shared=shared)


@functools.cache
def _news_attributes(model: type[Any]) -> tuple[str, ...]:
    secret = {name for name, info in fields(model).items() if info.secret}  # type: ignore[arg-type]  # a class is hashable
    mapper: Mapper[Any] = inspect(model)
    return tuple(p.key for p in mapper.column_attrs if p.key not in _NO_NEWS | model.__quiet__ | secret)


def _news(action: AuditAction, row: Base) -> dict[str, list[Any]]:
    state = instance_state(row)
    if action is not AuditAction.UPDATE:
        held, created = state.dict, action is AuditAction.CREATE
        values = ((name, held.get(name)) for name in _news_attributes(type(row)))
        filled = ((name, plain(value)) for name, value in values if value not in (None, "", [], {}))
        return {name: [None, value] if created else [value, None] for name, value in filled}
    changes = {}
    for name in _news_attributes(type(row)):
        if name not in state.committed_state:
            continue
        history = state.attrs[name].history
        if history.has_changes():
            changes[name] = [
                plain(history.deleted[0]) if history.deleted else None,
                plain(history.added[0]) if history.added else None,
            ]
    return changes


_AS_THEY_ARE = frozenset({str, int, bool, float})


def plain(value: Any) -> Any:
    """A column's value as JSON keeps it: days and instants ISO, points as text."""
    if value is None or type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value


def _name_links(session: OcopSession, news: Sequence[tuple[AuditAction, Base, dict[str, list[Any]]]]) -> None:
    """Write beside each id of a link the name it has now: ids outlive rows, names outlive renames."""
    waiting: defaultdict[type[Base], defaultdict[int, list[tuple[list[Any], int]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    known: dict[tuple[type[Base], int], str] = {}
    for _action, row, changes in news:
        held = instance_state(row).dict
        for attribute, target in _links(type(row)):
            change = changes.get(attribute)
            if change is None:
                continue
            change += [None, None]
            for place in (0, 1):
                row_id = change[place]
                if row_id is None:
                    continue
                if (target, row_id) not in known:
                    loaded = held.get(_relation_of(type(row), attribute) or "")
                    if not isinstance(loaded, Base) or loaded.id != row_id:
                        loaded = _here(session, target, row_id)
                    if loaded is None:
                        waiting[target][row_id].append((change, place + 2))
                        continue
                    known[target, row_id] = str(loaded)
                change[place + 2] = known[target, row_id]
    for target, places in waiting.items():
        names = names_of(session, target, sorted(places))
        for row_id, cells in places.items():
            for change, place in cells:
                change[place] = names.get(row_id, f"{target.__label__} số {row_id}")


def names_of(session: OcopSession, model: type[Base], ids: Sequence[int]) -> dict[int, str]:
    """Names of rows by id, for what the trail already says; through one relation when the title is one."""
    mapper: Mapper[Any] = inspect(model)
    if model.__title__ in mapper.relationships:
        relation = mapper.relationships[model.__title__]
        named = relation.mapper.class_
        statement = select(model.id, getattr(named, named.__title__)).join(getattr(model, model.__title__))
    else:
        statement = select(model.id, getattr(model, model.__title__))
    names: dict[int, str] = {}
    for part in _parts(ids, 500):
        found = session.connection().execute(statement.where(model.id.in_(part)))
        names |= {row_id: str(name) for row_id, name in found}
    return names


_saves = 0


def saves() -> int:
    """How often something was saved by this process: an answer kept since the same number is still true here."""
    return _saves


@event.listens_for(OcopSession, "after_commit")
def _count_save(session: OcopSession) -> None:
    global _saves  # noqa: PLW0603  # a count of the process
    if session.info.get("flushed"):
        _saves += 1


@event.listens_for(OcopSession, "after_begin")
def _number_transaction(session: OcopSession, *_: object) -> None:
    if not session.in_nested_transaction():
        session.info["transaction"] = uuid.uuid4().hex
