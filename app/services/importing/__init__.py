"""File → `Table` → plan → store → apply as one numbered batch, or drop.

A plan says what each row would do and changes nothing: every change runs through the real flush in a savepoint
that is taken back. Apply judges the stored rows again and writes all of them or none.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import bindparam, delete, func, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError

from app.errors import OcopError
from app.services.importing import places
from app.services.importing.reading import Columns, Problem, ReadRow, match, read_rows
from app.services.importing.writing import (
    Change,
    Changes,
    rehearse,
    seeing_everything,
    with_links,
    write,
)
from app.session import OcopSession, plain
from app.table import Cell, CellError, Column, Table
from models.base import Base, now, screens
from models.commune import Commune
from models.import_batch import BatchState, ImportBatch, ImportRow, RowAction
from models.rules.words import moment, number, words

VERB = "nhập liệu"
KEPT = timedelta(hours=24)
# One import at a time: it numbers batches without gaps and judges against what the one before left.
POSTGRESQL_LOCK = 6_207_001


class NotImportable(OcopError):
    sentence = "Chưa nhập được {label} từ tệp. Nhập từng bản ghi trên màn hình."


class RowsRefused(OcopError):
    sentence = "{count} dòng bị từ chối nên chưa ghi dòng nào. Sửa các dòng đó trong tệp rồi tải lại."


class PlanMoved(OcopError):
    sentence = "Sổ đã thay đổi sau khi xem trước nên chưa ghi dòng nào. Tải tệp lên lại và xem lại các thay đổi."


class PlanExpired(OcopError):
    sentence = "Bản xem trước đã quá 24 giờ nên không dùng được nữa. Tải tệp lên lại."


class PlanDropped(OcopError):
    sentence = "Đợt nhập này đã bỏ. Tải tệp lên lại nếu vẫn cần nhập."


class NothingToWrite(OcopError):
    sentence = "Tệp này không đổi gì nên không có gì để nhập."


class AlreadyApplied(OcopError):
    sentence = "Đợt nhập số {number} đã ghi vào sổ nên không bỏ được."


class NotTheMaker(OcopError):
    sentence = "Tệp này do {maker} tải lên nên chỉ người đó nhập hoặc bỏ được. Tự tải tệp lên nếu cần nhập."


class Judged(Protocol):
    """A list against the database: one change for each row, None for a refused one; notes, parents made with it."""

    changes: list[Change | None]

    def all_changes(self) -> Changes: ...

    def notes(self, session: OcopSession) -> list[str]: ...

    def also(self, wanted: Collection[Change]) -> tuple[dict[str, dict[str, int]], list[str]]: ...


class Decide(Protocol):
    def __call__(
        self,
        session: OcopSession,
        columns: Columns,
        rows: Sequence[ReadRow],
        *,
        as_of: date,
        province: str | None,
    ) -> Judged: ...


@dataclass(frozen=True)
class ListKind:
    """How lists of one model are taken. uses, needs: paths of columns; decide: rows → what they do."""

    uses: Collection[str]
    needs: Collection[str]
    decide: Decide


LISTS: dict[type[Base], ListKind] = {Commune: ListKind(places.USES, places.NEEDS, places.decide)}


@dataclass(frozen=True)
class RowPlan:
    """What one row of the file would do; a row that cannot be taken says why in `problems`.

    line: as Excel shows it. parsed: {path: value} as JSON. changes: {attribute: (old, new)} as a clerk reads them.
    before: columns of the row found, as JSON.
    """

    line: int
    label: str
    action: RowAction
    raw: tuple[Cell, ...]
    parsed: dict[str, Any]
    changes: dict[str, tuple[str, str]]
    before: dict[str, Any] | None
    problems: Sequence[Problem]


@dataclass(frozen=True)
class Plan:
    """What a file would do, rows in file order.

    also: {identity: counts} of parents made with it; also_words: the same as sentences.
    """

    model: type[Base]
    as_of: date
    province: str | None
    sheet: str
    columns: tuple[str, ...]
    rows: Sequence[RowPlan]
    also: dict[str, dict[str, int]]
    also_words: Sequence[str]
    notes: Sequence[str]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(row.action for row in self.rows)
        return {action.value: found[action] for action in RowAction}

    @property
    def refused(self) -> list[RowPlan]:
        return [row for row in self.rows if row.action is RowAction.REFUSED]

    @property
    def writes(self) -> bool:
        return writes(self.counts, self.also)


def writes(counts: dict[str, int], also: dict[str, dict[str, int]]) -> bool:
    """Whether there is anything to write."""
    return any(each["new"] or each["changed"] for each in (counts, *also.values()))


# ---- plan ---------------------------------------------------------------------------------------------------


def plan(session: OcopSession, model: type[Base], table: Table, *, as_of: date, province: str | None = None) -> Plan:
    """Say what each row of a file would do; change nothing. Needs a writing session: the flush is the real one.

    table: titles are the model's labels or aliases in any order. as_of: the day the list holds for.
    province: code, for a list that does not say in which province it lies.
    A row that cannot be taken is returned with its sentences, not raised; raises OcopError for the whole file.
    """
    kind = LISTS.get(model)
    if kind is None:
        raise NotImportable(label=model.__label__.lower())
    columns, rows, judged = _judge(session, model, table, as_of=as_of, province=province)
    with session.doing(VERB):
        rehearse(session, judged.all_changes())
    planned = [_row_plan(columns, row, change) for row, change in zip(rows, judged.changes, strict=True)]
    also, also_words = _also(judged)
    made = Plan(model, as_of, province, table.sheet, columns.labels, planned, also, also_words, [])
    notes = [*table.notes, *_ignored(columns), *judged.notes(session), *_summary(made)]
    return replace(made, notes=notes)


def _judge(
    session: OcopSession, model: type[Base], table: Table, *, as_of: date, province: str | None
) -> tuple[Columns, list[ReadRow], Judged]:
    kind = LISTS[model]
    columns = match(model, [c.label for c in table.columns], uses=kind.uses, needs=kind.needs)
    rows = read_rows(columns, table)
    _refuse_doubled(columns, rows)
    return columns, rows, kind.decide(session, columns, rows, as_of=as_of, province=province)


def _key_paths(columns: Columns) -> list[str]:
    """The columns of the file that name a row; of a dated unit the day is the list's."""
    return [name for name in columns.model.__keys__[0] if name in columns.by_path]


def _refuse_doubled(columns: Columns, rows: Sequence[ReadRow]) -> None:
    paths = _key_paths(columns)
    by_key: defaultdict[tuple[Any, ...], list[ReadRow]] = defaultdict(list)
    for row in rows:
        key = tuple(row.values[path] for path in paths)
        if all(key):
            by_key[key].append(row)
    column = columns.name(paths[0])
    for key, same in by_key.items():
        if len(same) > 1:
            lines = ", ".join(str(row.line) for row in same[:-1])
            sentence = f"{column} {words(key[0])} có ở dòng {lines} và {same[-1].line}. Giữ một dòng."
            for row in same:
                row.problems.append(Problem(column, sentence))


def _row_plan(columns: Columns, row: ReadRow, change: Change | None) -> RowPlan:
    key = _key_paths(columns)
    problems = list(row.problems)
    if change and change.refusal:
        problems.append(Problem(columns.name(key[0]), change.refusal))
    named = [words(row.values.get(path)) for path in (*key, columns.model.__title__)]
    return RowPlan(
        line=row.line,
        label=" ".join(part for part in named if part),
        action=RowAction.REFUSED if problems or change is None else change.action,
        raw=row.raw,
        parsed={path: plain(value) for path, value in row.values.items()},
        changes=change.shown if change and not problems else {},
        before=change.before if change and not problems else None,
        problems=problems,
    )


def _also(judged: Judged) -> tuple[dict[str, dict[str, int]], list[str]]:
    taken = [change for change in judged.changes if change and not change.refusal]
    return judged.also(with_links(taken))


def _ignored(columns: Columns) -> list[str]:
    titles = ", ".join(f"“{label}”" for label in columns.ignored)
    return [f"Không dùng cột {titles}."] if titles else []


def _summary(made: Plan) -> list[str]:
    if not made.rows:
        return ["Danh mục không có dòng nào, không có gì để nhập."]
    if not made.writes and not made.refused:
        return ["Tệp này không đổi gì."]
    return []


# ---- store, drop --------------------------------------------------------------------------------------------


def store(session: OcopSession, made: Plan, *, file_name: str, content_hash: str, size: int) -> ImportBatch:
    """Keep a plan for 24 hours, for its page and for apply; older plans of anyone are dropped meanwhile.

    content_hash: SHA-256 of the file in hex. size: bytes. The file itself is not kept, its cells are.
    """
    _drop_expired(session)
    who = session.actor
    batch = ImportBatch(
        screen=made.model.__screen__,
        state=BatchState.PLANNED,
        file_name=file_name[-255:],
        file_hash=content_hash,
        file_size=size,
        sheet=made.sheet,
        as_of=made.as_of,
        options={
            "columns": list(made.columns),
            "province": made.province,
            "also_words": list(made.also_words),
        },
        counts=made.counts,
        also=made.also,
        notes=[*imported_before(session, content_hash), *made.notes],
        user_id=who.user_id,
        made_by=who.name,
    )
    with session.doing(VERB):
        session.add(batch)
        session.flush()
        if made.rows:
            session.execute(insert(ImportRow), [_stored(row, batch) for row in made.rows])
    return batch


def _stored(row: RowPlan, batch: ImportBatch) -> dict[str, Any]:
    return {
        "batch_id": batch.id,
        "user_id": batch.user_id,
        "line": row.line,
        "label": row.label[:255],
        "action": row.action,
        "raw": [packed(cell) for cell in row.raw],
        "parsed": row.parsed,
        "changes": {name: list(pair) for name, pair in row.changes.items()},
        "before": row.before,
        "problems": [list(problem) for problem in row.problems],
    }


def imported_before(session: OcopSession, content_hash: str) -> list[str]:
    """When and by whom the same file was imported last, as a sentence; whoever that was."""
    with seeing_everything():
        last = session.scalars(
            select(ImportBatch)
            .where(ImportBatch.file_hash == content_hash, ImportBatch.state == BatchState.APPLIED)
            .order_by(ImportBatch.number.desc())
            .limit(1)
        ).first()
    if last is None or last.applied_at is None:
        return []
    return [f"Tệp này đã nhập lúc {moment(last.applied_at)} bởi {last.made_by}, đợt nhập số {last.number}."]


def drop(session: OcopSession, batch: ImportBatch) -> ImportBatch:
    """Give a plan up; its rows are deleted, they may hold what nobody should keep. Harmless when already dropped.

    Raises AlreadyApplied, NotTheMaker.
    """
    if batch.state is BatchState.APPLIED:
        raise AlreadyApplied(number=batch.number)
    _refuse_others(session, batch)
    return _give_up(session, batch)


def _refuse_others(session: OcopSession, batch: ImportBatch) -> None:
    if not is_maker(session, batch):
        raise NotTheMaker(maker=batch.made_by)


def is_maker(session: OcopSession, batch: ImportBatch) -> bool:
    """Whether the plan was made by who acts now: it was judged by the rights and the area of its maker."""
    return batch.user_id == session.actor.user_id


def _give_up(session: OcopSession, batch: ImportBatch) -> ImportBatch:
    with session.doing("bỏ đợt nhập"):
        batch.state = BatchState.DROPPED
        session.execute(delete(ImportRow).where(ImportRow.batch_id == batch.id))
    return batch


def _drop_expired(session: OcopSession) -> None:
    with seeing_everything():
        old = session.scalars(
            select(ImportBatch).where(ImportBatch.state == BatchState.PLANNED, ImportBatch.created_at < now() - KEPT)
        )
        for batch in old.all():
            _give_up(session, batch)


# ---- apply --------------------------------------------------------------------------------------------------


def apply(session: OcopSession, batch: ImportBatch, *, partial: bool = False) -> ImportBatch:
    """Write a stored plan as the next numbered batch: all its rows or none.

    partial: leave refused rows out instead. A batch that is already written is returned as it is.
    Raises RowsRefused, PlanMoved (judging the rows again gives another outcome), PlanExpired, PlanDropped,
    NothingToWrite, NotTheMaker.
    """
    _one_at_a_time(session)
    session.refresh(batch)
    if batch.state is BatchState.APPLIED:
        return batch
    _refuse_others(session, batch)
    _refuse_unfit(batch, partial=partial)
    stored = session.execute(
        select(
            *(ImportRow.id, ImportRow.line, ImportRow.action),
            *(ImportRow.raw, ImportRow.changes, ImportRow.before),
        )
        .where(ImportRow.batch_id == batch.id)
        .order_by(ImportRow.line)
    ).all()
    table = Table(
        tuple(Column(label) for label in batch.options["columns"]),
        [tuple(unpacked(cell) for cell in row.raw) for row in stored],
        [row.line for row in stored],
    )
    columns, rows, judged = _judge(
        session, screens()[batch.screen], table, as_of=batch.as_of, province=batch.options["province"]
    )
    for row, change, kept in zip(rows, judged.changes, stored, strict=True):
        if kept.action is RowAction.REFUSED:
            row.problems.append(Problem("", ""))
            if change:
                change.refusal = str(RowsRefused(count=1))
        elif _outcome(_row_plan(columns, row, change)) != (kept.action, kept.changes, kept.before):
            raise PlanMoved
    if _also(judged)[0] != batch.also:
        raise PlanMoved
    with session.doing(VERB, batch_id=batch.id):
        _write(session, judged.all_changes())
        _keep_written(session, zip(judged.changes, stored, strict=True))
        batch.number = _next_number(session)
        batch.state = BatchState.APPLIED
        batch.applied_at = now()
    return batch


def _one_at_a_time(session: OcopSession) -> None:
    """SQLite's writing transactions are one at a time anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(POSTGRESQL_LOCK)))


def _refuse_unfit(batch: ImportBatch, *, partial: bool) -> None:
    if batch.state is BatchState.DROPPED:
        raise PlanDropped
    if batch.created_at < now() - KEPT:
        raise PlanExpired
    refused = batch.counts["refused"]
    if refused and not partial:
        raise RowsRefused(count=number(refused))
    if not writes(batch.counts, batch.also):
        raise NothingToWrite


def _outcome(row: RowPlan) -> tuple[RowAction, dict[str, list[str]], dict[str, Any] | None]:
    return row.action, {name: list(pair) for name, pair in row.changes.items()}, row.before


def _write(session: OcopSession, changes: Changes) -> None:
    try:
        write(session, changes)
    except (OcopError, IntegrityError) as problem:  # the plan's flush took these rows; now one is refused
        raise PlanMoved from problem


def _keep_written(session: OcopSession, pairs: Iterable[tuple[Change | None, Any]]) -> None:
    written = [
        {
            "kept_id": kept.id,
            "written_id": change.row.id,
            "written": {prop.key: plain(getattr(change.row, prop.key)) for prop in inspect(change.model).column_attrs},
        }
        for change, kept in pairs
        if change and change.row and not change.refusal
    ]
    if written:
        # Rows of this batch, read through the Session above; by the Session it would be one statement a row.
        session.connection().execute(
            update(ImportRow)
            .where(ImportRow.id == bindparam("kept_id"))
            .values(row_id=bindparam("written_id"), after=bindparam("written")),
            written,
        )


def _next_number(session: OcopSession) -> int:
    with seeing_everything():
        return (session.scalar(select(func.max(ImportBatch.number))) or 0) + 1


# ---- cells as JSON ------------------------------------------------------------------------------------------


def packed(cell: Cell) -> Any:
    if isinstance(cell, CellError):
        return {cell.reason: cell.text}
    if isinstance(cell, datetime):
        return {"datetime": cell.isoformat()}
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    if isinstance(cell, Decimal):
        return {"number": str(cell)}
    return cell


def unpacked(kept: Any) -> Cell:
    if not isinstance(kept, dict):
        return kept  # type: ignore[no-any-return]  # text, whole number, fraction, yes or no, nothing
    ((kind, text),) = kept.items()
    if kind == "datetime":
        return datetime.fromisoformat(text)
    if kind == "date":
        return date.fromisoformat(text)
    if kind == "number":
        return Decimal(text)
    return CellError(text, kind)
