"""Changes that a list asks for → rows, through the real flush: rehearsed in a savepoint, or for good.

A savepoint for every row costs five times the rows themselves, so changes go in batches, and only a batch
that fails is split until the row is found.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import instance_state

from app.errors import OcopError
from app.progress import Part, step
from app.session import InvalidRow, OcopSession, OutsideArea
from models.base import Base, Searchable
from models.import_batch import RowAction
from models.rules.words import words

BATCH = 500
MANY = 50
"""New rows from which the trigram index is filled at once."""

T = TypeVar("T")


class RowClashes(OcopError):
    sentence = "Dòng này trùng với một bản ghi đã có. Kiểm tra lại mã rồi sửa."


@dataclass(eq=False, slots=True)
class Change:
    """What a list does to one row: leave it, add it, alter it, or close it and add the one that follows.

    values: attributes of the row written. links: {attribute of the foreign key: what becomes of the linked row}.
    existing: id of the row found. closes: attributes set on it when another row follows it.
    shown: {attribute: (old, new)} as a clerk reads them. meant: {path: name of the row meant}, where the file has
    another one. before: columns of the row found, as JSON.
    refusal: why it cannot be written; faults: (attribute, sentence) of each part of that, where it is known.
    row: what was written, as long as others need it.
    is_settled: whether a service fills the rest of it first.
    """

    model: type[Base]
    action: RowAction
    label: str
    values: dict[str, Any] = field(default_factory=dict)
    links: dict[str, "Change | None"] = field(default_factory=dict)
    existing: int | None = None
    closes: dict[str, Any] | None = None
    shown: dict[str, tuple[str, str]] = field(default_factory=dict)
    meant: dict[str, str] = field(default_factory=dict)
    before: dict[str, Any] | None = None
    refusal: str = ""
    faults: Sequence[tuple[str, str]] = ()
    row: Base | None = None
    is_settled: bool = False


Settle = Callable[[OcopSession, Any], None] | None


@dataclass(frozen=True)
class Changes:
    """Everything a list does. parents: linked rows made with it, in the order they need each other.

    rows: one for each line that could be judged. finish: what is left to do with them when all are written.
    settle: what a service fills of a row before it is written.
    """

    parents: Sequence[Sequence[Change]]
    rows: Sequence[Change]
    finish: Callable[[OcopSession], None] | None = None
    settle: Settle = None

    def to_write(self) -> list[list[Change]]:
        """What to write, stage by stage: parents in need of each other, then rows; none that is refused."""
        taken = with_links(change for change in self.rows if not change.refusal)
        wanted = with_links(change for change in taken if change.action is not RowAction.SAME)
        return [
            [change for change in stage if change in wanted and change.row is None]  # parents of an earlier part stay
            for stage in (*self.parents, self.rows)
        ]


def with_links(changes: Iterable[Change]) -> set[Change]:
    """Changes, and all that they are linked to."""
    found: set[Change] = set()
    waiting = list(changes)
    while waiting:
        found.update(waiting)
        waiting = list({link for change in waiting for link in change.links.values() if link} - found)
    return found


def rehearse(session: OcopSession, changes: Changes) -> None:
    """Write everything and take it back; what a row or its parent was refused for stays on it."""
    try:
        with session.rehearsing():
            for model in _searched(changes):
                _stop_indexing(session, model)  # what is taken back need not be found
            for stage in range(len(changes.parents) + 1):
                _refuse_with_parents(changes)
                waiting = changes.to_write()[stage]
                for count, part in enumerate(parts(waiting)):
                    step(Part.REHEARSING, count * BATCH, len(waiting))
                    _try(session, part, changes.settle)
                    _let_go(changes, stage, part)
            _refuse_with_parents(changes)
            if changes.finish:
                changes.finish(session)
    finally:
        for change in with_links(changes.rows):
            change.row = None  # taken back with the savepoint


def write(session: OcopSession, changes: Changes, keep: Callable[[Sequence[Change]], None]) -> None:
    """Write everything that is not refused; the first refusal of the flush ends it.

    keep: called with each part of the rows, written and as it stays.
    """
    stages = changes.to_write()
    rows = stages[-1]
    with ExitStack() as later:
        for model in _searched(changes):
            later.enter_context(indexed_at_once(session, model))
        for stage, waiting in enumerate(stages):
            for count, part in enumerate(parts(waiting)):
                step(Part.WRITING, count * BATCH, len(waiting))
                _write(session, part, changes.settle)
                if waiting is rows and not changes.finish:
                    keep(part)
                _let_go(changes, stage, part)
    if changes.finish:
        changes.finish(session)
        for part in parts(rows):
            keep(part)


def _let_go(changes: Changes, stage: int, part: Sequence[Change]) -> None:
    """Rows of the list are needed no more once they are written, unless something is left to do with them."""
    if stage == len(changes.parents) and not changes.finish:
        for change in part:
            change.row = None


# ---- the trigram index of SQLite --------------------------------------------------------------------------------


def _searched(changes: Changes) -> list[type[Base]]:
    """Models that many new rows come to."""
    new = Counter(c.model for stage in changes.to_write() for c in stage if c.existing is None or c.closes is not None)
    return [model for model, count in new.items() if count >= MANY]


def _stop_indexing(session: OcopSession, model: type[Base]) -> str:
    """Take the trigger of new rows away, in this transaction; answers the statement that makes it again, if any."""
    if session.get_bind().dialect.name != "sqlite" or not issubclass(model, Searchable):
        return ""
    connection, trigger = session.connection(), f"{model.__tablename__}_fts_insert"
    made = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": trigger}).scalar()
    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}")
    return made or ""


@contextmanager
def indexed_at_once(session: OcopSession, model: type[Base]) -> Iterator[None]:
    """Index the rows added meanwhile in one statement: a trigger costs twenty times the row.

    An error leaves that to the rollback that follows. Inside another one it does nothing.
    """
    made = _stop_indexing(session, model)
    if not made:
        yield
        return
    connection, name = session.connection(), model.__tablename__
    last = connection.execute(text(f"SELECT coalesce(max(id), 0) FROM {name}")).scalar_one()
    yield
    connection.execute(
        text(f"INSERT INTO {name}_fts(rowid, search_text) SELECT id, search_text FROM {name} WHERE id > :last"),
        {"last": last},
    )
    connection.exec_driver_sql(made)


def _refuse_with_parents(changes: Changes) -> None:
    """A row is refused for what its parents are refused for."""
    for stage in (*changes.parents, changes.rows):
        for change in stage:
            if not change.refusal:
                refusals = (link.refusal for link in change.links.values() if link and link.refusal)
                change.refusal = next(refusals, "")


def _try(session: OcopSession, changes: Sequence[Change], settle: Settle) -> None:
    try:
        with session.begin_nested():
            _write(session, changes, settle)
    except (OcopError, IntegrityError, DataError) as problem:
        if len(changes) == 1:
            changes[0].refusal = str(problem) if isinstance(problem, OcopError) else str(RowClashes())
            changes[0].faults = problem.problems if isinstance(problem, InvalidRow) else ()
            return
        middle = len(changes) // 2
        _try(session, changes[:middle], settle)
        _try(session, changes[middle:], settle)


def _write(session: OcopSession, changes: Sequence[Change], settle: Settle) -> None:
    """settle is for the rows of the list; parents made with them are another model's."""
    found = _existing(session, changes)
    kept = _linked_rows(session, changes)  # held until the rows are written, which asks for each of them
    new: defaultdict[type[Base], list[Base]] = defaultdict(list)
    with session.no_autoflush:
        for change in changes:
            change.row = _altered(change, found)
            if settle and change.is_settled:
                change.row = change.row or change.model(**_values(change))
                settle(session, change.row)
                _refuse_unheeded(change.row, _values(change))
                session.add(change.row)
            elif change.row is None:
                change.row = _new(change.model, _values(change))
                new[change.model].append(change.row)
    session.flush()
    for rows in new.values():
        session.insert(rows)
    del kept


def _refuse_unheeded(row: Base, values: Mapping[str, Any]) -> None:
    """Refuse what a file says and a service has filled otherwise, so that no plan shows what is not written."""
    otherwise = [
        (name, f"Ô này tính ra là “{words(made) or 'trống'}”, tệp ghi “{words(said)}”. Để trống ô này.")
        for name, said in values.items()
        if said is not None and (made := getattr(row, name)) != said
    ]
    if otherwise:
        raise InvalidRow(row, otherwise)


def _altered(change: Change, found: dict[tuple[type[Base], int], Base]) -> Base | None:
    """The row that a change alters; None when it makes a new one, after the row it closes."""
    if change.existing is None:
        return None
    row = found.get((change.model, change.existing))
    if row is None:
        raise OutsideArea(label=change.model.__label__)
    if change.action is RowAction.SAME:
        return row
    for name, value in (_values(change) if change.closes is None else change.closes).items():
        setattr(row, name, value)
    return row if change.closes is None else None


def _new(model: type[Base], values: dict[str, Any]) -> Base:
    """A row with values as a file was read, tidied and typed: setting them one by one would do it all again.

    Only what the model itself has a say in is set, so that a tax code is written one way.
    """
    row, judged = model(), inspect(model).validators
    held = instance_state(row).dict
    for name, value in values.items():
        if name in judged:
            setattr(row, name, value)
        else:
            held[name] = value
    return row


def _values(change: Change) -> dict[str, Any]:
    links = {name: link.row.id if link and link.row else None for name, link in change.links.items()}
    return {**change.values, **links}


def _existing(session: OcopSession, changes: Sequence[Change]) -> dict[tuple[type[Base], int], Base]:
    """The rows to alter, with the linked rows their search text is made of, in one query for each model."""
    found: dict[tuple[type[Base], int], Base] = {}
    for model in {change.model for change in changes}:
        ids = [change.existing for change in changes if change.model is model and change.existing is not None]
        links = {path.partition(".")[0] for path in model.__search__ if "." in path}
        statement = select(model).options(*(joinedload(getattr(model, link)) for link in sorted(links)))
        for part in parts(ids):
            found |= {(model, row.id): row for row in session.scalars(statement.where(model.id.in_(part)))}
    return found


def _linked_rows(session: OcopSession, changes: Sequence[Change]) -> list[Base]:
    """The rows that new rows lead to, in one query for each model, not one for each row."""
    ids: defaultdict[type[Base], set[int]] = defaultdict(set)
    for change in changes:
        for attribute, target in _links(change.model):
            link = change.links.get(attribute)
            row_id = link.row.id if link and link.row else change.values.get(attribute)
            if isinstance(row_id, int):
                ids[target].add(row_id)
    return [
        row
        for model, wanted in ids.items()
        for part in parts(sorted(wanted))
        for row in session.scalars(select(model).where(model.id.in_(part)))
    ]


@cache
def _links(model: type[Base]) -> list[tuple[str, type[Base]]]:
    """(attribute of the foreign key, model it leads to) of each link of a model."""
    relations = (relation for relation in inspect(model).relationships if not relation.uselist)
    return [(str(next(iter(relation.local_columns)).key), relation.mapper.class_) for relation in relations]


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))
