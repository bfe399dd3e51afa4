"""A plan kept as a batch: read, stored for 24 hours, judged again, applied as the next number, or dropped."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import instance_state

from app.bulk import execute_many
from app.current import seeing_everything
from app.errors import OcopError
from app.files import read
from app.services.importing import senders
from app.services.importing.cells import packed, unpacked
from app.services.importing.kinds import known_titles
from app.services.importing.planning import (
    VERB,
    JudgedPart,
    Plan,
    RowPlan,
    judged_parts,
    plan,
    prepare,
    row_plan,
    writes,
)
from app.services.importing.reading import NOTHING, Columns, ColumnsUnclear, Options, Problem, samples
from app.services.importing.writing import Change, Changes, indexed_at_once, parts, write
from app.session import OcopSession, plain
from app.table import Column, Conversion, Table
from models.base import Base, now, screens
from models.import_batch import BatchState, ImportBatch, ImportRow, RowAction, Sender
from models.rules.words import moment, number

KEPT = timedelta(hours=24)
MOVED_SHOWN = 10
AT_A_TIME = 1_000  # stored rows that are read
# One import at a time: it numbers batches without gaps and judges against what the one before left.
POSTGRESQL_LOCK = 6_207_001


class RowsRefused(OcopError):
    sentence = (
        "{count} dòng bị từ chối nên chưa ghi dòng nào. Sửa các dòng đó trong tệp rồi tải lại, "
        "hoặc chỉ nhập các dòng đạt."
    )


class PlanMoved(OcopError):
    sentence = "Sổ đã thay đổi sau khi xem trước nên chưa ghi dòng nào. Xem lại các thay đổi rồi xác nhận lần nữa."


class PlanExpired(OcopError):
    sentence = "Bản xem trước đã quá 24 giờ nên không dùng được nữa. Tải tệp lên lại."


class PlanDropped(OcopError):
    sentence = "Đợt nhập này đã bỏ. Tải tệp lên lại nếu vẫn cần nhập."


class NothingToWrite(OcopError):
    sentence = "Tệp này không đổi gì nên không có gì để nhập."


class AlreadyApplied(OcopError):
    sentence = "Đợt nhập số {number} đã ghi vào sổ nên không bỏ được."


class AlreadyUndone(OcopError):
    sentence = "Đợt nhập số {number} đã hoàn tác. Tải tệp lên lại nếu cần nhập lần nữa."


class NotTheMaker(OcopError):
    sentence = "Tệp này do {maker} tải lên nên chỉ người đó nhập hoặc bỏ được. Tự tải tệp lên nếu cần nhập."


def begin(
    session: OcopSession,
    model: type[Base],
    *,
    as_of: date,
    file_name: str,
    content_hash: str,
    size: int,
    options: Options = NOTHING,
    sheet: str = "",
    sender: Sender | None = None,
) -> ImportBatch:
    """A batch for a file that is still to be read; older plans of anyone are dropped meanwhile.

    content_hash: SHA-256 of the file in hex. size: bytes. sheet: the one to read; "" finds it.
    """
    _drop_expired(session)
    who = session.actor
    batch = ImportBatch(
        screen=model.__screen__,
        state=BatchState.READING,
        file_name=file_name[-255:],
        file_hash=content_hash,
        file_size=size,
        sheet=sheet,
        as_of=as_of,
        options=_settled(options),
        sender=sender,
        counts=dict.fromkeys(RowAction, 0),
        also={},
        notes=[],
        user_id=who.user_id,
        made_by=who.name,
    )
    with session.doing(VERB):
        session.add(batch)
    return batch


def read_file(session: OcopSession, batch: ImportBatch, content: bytes) -> ImportBatch:
    """Read and plan the file of a batch that was begun; one already planned is returned as it is.

    Where a clerk can say which column is which, and must, the batch has no rows yet and asks for the columns.
    Raises what `app.files.read` and `plan` raise for a file as a whole.
    """
    session.refresh(batch)
    if batch.state is not BatchState.READING:
        return batch
    model = screens()[batch.screen]
    sheet = batch.sheet or senders.sheet_of(batch.sender, model)
    table = read(content, name=batch.file_name, sheet=sheet, known=known_titles(model))
    titles = [column.label for column in table.columns]
    options, notes = senders.recalled(session, batch.sender, model, titles, options_of(batch), batch.as_of)
    table = replace(table, notes=(*notes, *table.notes))
    try:
        return _planned(session, batch, table, options)
    except ColumnsUnclear as unclear:
        if not all(unclear.sides.values()) and not asks_columns(batch):
            raise
        return _ask_columns(session, batch, table, options, unclear)


def _ask_columns(
    session: OcopSession, batch: ImportBatch, table: Table, options: Options, unclear: ColumnsUnclear
) -> ImportBatch:
    """Nothing is planned before a clerk said which column is which."""
    columns = unclear.columns
    asked = Plan(
        model=columns.model,
        as_of=batch.as_of,
        options=options,
        sheet=table.sheet,
        columns=columns.labels,
        mapped=columns.mapped,
        unfound=(),
        likely=(),
        counts=dict.fromkeys(RowAction, 0),
        rows=(),
        also={},
        also_words=(),
        notes=table.notes,
        file_notes=table.notes,
        sheets=table.sheets_with_rows(),
        samples=samples(table),
    )
    _fill(session, batch, asked)
    with session.doing(VERB):
        sides = {path: list(places) for path, places in unclear.sides.items()}
        batch.options = {**batch.options, "unclear": {"sentence": str(unclear), "sides": sides}}
    return batch


def asks_columns(batch: ImportBatch) -> bool:
    """Whether its columns are still to be chosen, before any row is looked at."""
    return bool(batch.options.get("unclear"))


def read_again(session: OcopSession, batch: ImportBatch, sheet: str, options: Options | None = None) -> ImportBatch:
    """Make a planned batch one whose file is still to be read, from another of its sheets or with other columns.

    Raises what `replan` raises for a plan as a whole.
    """
    session.refresh(batch)
    if batch.state is BatchState.APPLIED:
        raise AlreadyApplied(number=batch.number)
    _refuse_others(session, batch)
    _refuse_gone(batch)
    _forget_rows(session, batch)
    with session.doing(VERB):
        batch.state, batch.sheet = BatchState.READING, sheet
        if options is not None:
            batch.options = {**batch.options, **_settled(options)}
        batch.counts, batch.also, batch.notes = dict.fromkeys(RowAction, 0), {}, []
    return batch


def discard(session: OcopSession, batch: ImportBatch) -> None:
    """Take away a batch whose file could not be read: nothing of it is kept, but in the trail."""
    with session.doing("bỏ tệp không đọc được"):
        session.delete(batch)


def _planned(session: OcopSession, batch: ImportBatch, table: Table, options: Options) -> ImportBatch:
    """Plan a table as what a batch would do; its rows are kept as they are judged."""
    model = screens()[batch.screen]
    keep = partial(_store_rows, session, batch, _converted(table))
    forget = partial(_forget_rows, session, batch)
    made = plan(session, model, table, as_of=batch.as_of, options=options, keep=keep, forget=forget)
    return _fill(session, batch, made)


def _forget_rows(session: OcopSession, batch: ImportBatch) -> None:
    with session.doing(VERB):
        session.execute(delete(ImportRow).where(ImportRow.batch_id == batch.id))


def _fill(session: OcopSession, batch: ImportBatch, made: Plan) -> ImportBatch:
    """Keep a plan with its batch for 24 hours, for its page and for apply."""
    with session.doing(VERB):
        batch.state = BatchState.PLANNED
        batch.sheet = made.sheet
        if batch.options["asks_day"] and not made.options.asks_day:
            batch.as_of = made.as_of  # as the file itself says
        batch.counts, batch.also = made.counts, made.also
        batch.notes = [*imported_before(session, batch.file_hash, made), *made.notes]
        counted = {title: rows for title, rows in batch.options.get("sheets", []) if rows is not None}
        sheets = [[title, counted.get(title) if rows is None else rows] for title, rows in made.sheets]
        kept = {**_kept_options(made), "file_notes": list(made.file_notes)}
        batch.options = {**batch.options, **kept, **({"sheets": sheets} if sheets else {})}
    return batch


def store(
    session: OcopSession,
    made: Plan,
    *,
    file_name: str,
    content_hash: str,
    size: int,
    sender: Sender | None = None,
) -> ImportBatch:
    """Keep a plan that is made already, with its rows, as a batch of its own."""
    batch = begin(
        session,
        made.model,
        as_of=made.as_of,
        file_name=file_name,
        content_hash=content_hash,
        size=size,
        sender=sender,
    )
    titles = {title: index for index, title in enumerate(made.columns)}
    _store_rows(session, batch, _by_line(titles, made.conversions), made.rows)
    return _fill(session, batch, made)


Converted = Mapping[int, Mapping[int, Conversion]]
"""{line: {place of the column: what was converted there}}."""


def _converted(table: Table) -> Converted:
    return _by_line({column.label: index for index, column in enumerate(table.columns)}, table.conversions)


def _by_line(titles: Mapping[str, int], conversions: Sequence[Conversion]) -> Converted:
    found: defaultdict[int, dict[int, Conversion]] = defaultdict(dict)
    for each in conversions:
        found[each.line][titles[each.column]] = each
    return found


def _store_rows(session: OcopSession, batch: ImportBatch, converted: Converted, rows: Sequence[RowPlan]) -> None:
    with session.doing(VERB):
        for part in parts(rows):
            # Rows of this batch and nothing else; by the Session they would take twice the time.
            execute_many(session.connection(), _STORE, [_stored(row, batch, converted.get(row.line)) for row in part])


_STORE = insert(ImportRow.__table__)  # type: ignore[arg-type]  # a Table


def _settled(options: Options) -> dict[str, Any]:
    return {
        "province": options.province,
        "mapping": dict(options.mapping),
        "links": {relation: dict(chosen) for relation, chosen in options.links.items()},
        "clears": options.clears,
        "keep": list(options.keep),
        "complete": options.complete,
        "asks_day": options.asks_day,
    }


def _kept_options(made: Plan) -> dict[str, Any]:
    return {
        **_settled(made.options),
        "columns": list(made.columns),
        "mapped": [list(each) for each in made.mapped],
        "unfound": [asdict(each) for each in made.unfound],
        "likely": [asdict(each) for each in made.likely],
        "repairs": [asdict(each) for each in made.repairs],
        "samples": list(made.samples),
        "unclear": None,
        "also_words": list(made.also_words),
        # A refused row stands in the list and yet in no book, so such a list proves nothing of what it lacks.
        "covers": [] if made.counts["refused"] else list(made.covers),
    }


def options_of(batch: ImportBatch) -> Options:
    """What was settled about a stored plan."""
    kept = batch.options
    return Options(
        kept["province"],
        kept.get("mapping", {}),
        kept.get("links", {}),
        kept.get("clears", False),
        kept.get("keep", ()),
        kept.get("complete", False),
        kept.get("asks_day", False),
    )


def _stored(row: RowPlan, batch: ImportBatch, converted: Mapping[int, Conversion] | None) -> dict[str, Any]:
    raw = [packed(cell) for cell in row.raw]
    for index, conversion in (converted or {}).items():
        raw[index] = {"converted": [conversion.before, conversion.after]}
    return {
        "batch_id": batch.id,
        "user_id": batch.user_id,
        "line": row.line,
        "label": row.label[:255],
        "action": row.action,
        "raw": raw,
        "parsed": row.parsed,
        "changes": {name: list(pair) for name, pair in row.changes.items()},
        "before": row.before,
        "problems": [list(problem) for problem in row.problems],
    }


def imported_before(session: OcopSession, content_hash: str, made: Plan) -> list[str]:
    """When and by whom the same file was imported last as such a list, and what is otherwise now; whoever that was."""
    with seeing_everything():
        last = session.scalars(
            select(ImportBatch)
            .where(ImportBatch.file_hash == content_hash, ImportBatch.state == BatchState.APPLIED)
            .where(ImportBatch.screen == made.model.__screen__)
            .order_by(ImportBatch.number.desc())
            .limit(1)
        ).first()
    if last is None or last.applied_at is None:
        return []
    differ = made.counts["new"] + made.counts["changed"]
    now_other = f"; {number(differ)} dòng nay khác" if differ else ""
    return [f"Tệp này đã nhập lúc {moment(last.applied_at)} bởi {last.made_by}, đợt nhập số {last.number}{now_other}."]


def drop(session: OcopSession, batch: ImportBatch) -> ImportBatch:
    """Give a plan up; its rows are deleted, they may hold what nobody should keep. Harmless when already dropped.

    Raises AlreadyApplied, AlreadyUndone, NotTheMaker.
    """
    if batch.state is BatchState.APPLIED:
        raise AlreadyApplied(number=batch.number)
    if batch.state is BatchState.UNDONE:
        raise AlreadyUndone(number=batch.number)
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
            select(ImportBatch).where(
                ImportBatch.state.in_((BatchState.READING, BatchState.PLANNED)), ImportBatch.created_at < now() - KEPT
            )
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
    one_at_a_time(session)
    session.refresh(batch)
    if batch.state is BatchState.APPLIED:
        return batch
    _refuse_others(session, batch)
    _refuse_unfit(batch, partial=partial)
    model = screens()[batch.screen]
    given = prepare(session, model, _table(session, batch), as_of=batch.as_of, options=options_of(batch))
    made_with: set[Change] = set()
    with session.doing(VERB, batch_id=batch.id):
        has_parts = batch.counts["new"] > given.at_once
        with indexed_at_once(session, given.model) if has_parts else nullcontext():
            for part in judged_parts(session, given):
                kept_ids = _as_planned(session, batch, given.columns, part)
                made_with |= part.made_with()
                if part.is_last and part.judged.also(made_with)[0] != batch.also:
                    raise PlanMoved
                _write(session, part.judged.all_changes(), kept_ids)
        batch.number = next_number(session)
        batch.state = BatchState.APPLIED
        batch.as_of = given.as_of
        batch.applied_at = now()
        senders.remember(session, batch)
    return batch


def _as_planned(session: OcopSession, batch: ImportBatch, columns: Columns, part: JudgedPart) -> dict[Change, int]:
    """{change: id of the row it was planned in}; raises PlanMoved where one has another outcome now."""
    kept_ids = {}
    stored = _stored_rows(session, batch, [row.line for row in part.rows]) if part.rows else ()
    for row, change, kept in zip(part.rows, part.changes, stored, strict=True):
        if kept.action is RowAction.REFUSED:
            row.problems.append(Problem("", ""))
            if change:
                change.refusal = str(RowsRefused(count=1))
        elif _outcome(row_plan(columns, row, change)) != (kept.action, kept.changes, kept.before):
            raise PlanMoved
        if change:
            kept_ids[change] = kept.id
    return kept_ids


def replan(session: OcopSession, batch: ImportBatch, options: Options) -> ImportBatch:
    """Judge a stored plan anew with other answers; the batch keeps its address and its 24 hours.

    Raises what `plan` and `apply` raise for a file and a plan as a whole.
    """
    session.refresh(batch)
    if batch.state is BatchState.APPLIED:
        raise AlreadyApplied(number=batch.number)
    _refuse_others(session, batch)
    _refuse_gone(batch)
    with session.begin_nested():
        table = _table(session, batch)
        _forget_rows(session, batch)
        return _planned(session, batch, table, options)


def look_again(session: OcopSession, batch: ImportBatch) -> ImportBatch:
    """Plan a batch anew because the register moved since; its first note says which rows are otherwise now."""
    before = {row.line: (row.action, _print_of(row)) for row in _stored_rows(session, batch)}
    replan(session, batch, options_of(batch))
    moved = []
    for row in _stored_rows(session, batch):
        action, shown = before[row.line]
        if action is not row.action:
            moved.append(
                f"dòng {row.line} “{row.label}” trước là {action.label.lower()}, nay là {row.action.label.lower()}"
            )
        elif shown != _print_of(row):
            moved.append(f"dòng {row.line} “{row.label}” nay có các thay đổi khác")
    more = f" và {number(len(moved) - MOVED_SHOWN)} dòng khác" if len(moved) > MOVED_SHOWN else ""
    what = f": {'; '.join(moved[:MOVED_SHOWN])}{more}" if moved else ""
    with session.doing(VERB):
        batch.notes = [f"Sổ đã thay đổi từ lần xem trước{what}. Xem lại rồi xác nhận lần nữa.", *batch.notes]
    return batch


def _print_of(row: Any) -> int:
    """What a row changes, as a number: all that is needed to see that it is otherwise."""
    return hash(json.dumps(row.changes, sort_keys=True))


def _stored_rows(session: OcopSession, batch: ImportBatch, lines: Sequence[int] = ()) -> Iterable[Any]:
    """Rows as they were planned: all of them, or those of the lines, which follow each other."""
    kept = select(ImportRow.id, ImportRow.line, ImportRow.label, ImportRow.action, ImportRow.changes, ImportRow.before)
    kept = kept.where(ImportRow.batch_id == batch.id).order_by(ImportRow.line)
    if lines:
        return session.execute(kept.where(ImportRow.line.between(lines[0], lines[-1]))).all()
    return session.execute(kept.execution_options(yield_per=AT_A_TIME))


def _table(session: OcopSession, batch: ImportBatch) -> Table:
    """The file of a batch as it was read, from its rows."""
    titles, rows, lines, conversions = batch.options["columns"], [], [], []
    kept = select(ImportRow.line, ImportRow.raw).where(ImportRow.batch_id == batch.id).order_by(ImportRow.line)
    for line, raw in session.execute(kept.execution_options(yield_per=AT_A_TIME)):
        lines.append(line)
        rows.append(tuple(map(unpacked, raw)))
        for title, cell in zip(titles, raw, strict=True):
            if isinstance(cell, dict) and "converted" in cell:
                conversions.append(Conversion(line, title, *cell["converted"]))
    return Table(
        tuple(map(Column, titles)),
        rows,
        lines,
        sheet=batch.sheet,
        notes=tuple(batch.options.get("file_notes", ())),
        conversions=tuple(conversions),
    )


def one_at_a_time(session: OcopSession) -> None:
    """SQLite's writing transactions are one at a time anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(POSTGRESQL_LOCK)))


def _refuse_gone(batch: ImportBatch) -> None:
    if batch.state is BatchState.UNDONE:
        raise AlreadyUndone(number=batch.number)
    if batch.state is BatchState.DROPPED:
        raise PlanDropped
    if batch.created_at < now() - KEPT:
        raise PlanExpired


def _refuse_unfit(batch: ImportBatch, *, partial: bool) -> None:
    _refuse_gone(batch)
    refused = batch.counts["refused"]
    if refused and not partial:
        raise RowsRefused(count=number(refused))
    if not writes(batch.counts, batch.also):
        raise NothingToWrite


def _outcome(row: RowPlan) -> tuple[RowAction, dict[str, list[str]], dict[str, Any] | None]:
    return row.action, {name: list(pair) for name, pair in row.changes.items()}, row.before


def _write(session: OcopSession, changes: Changes, kept_ids: Mapping[Change, int]) -> None:
    try:
        write(session, changes, lambda written: _keep_written(session, written, kept_ids))
    except (OcopError, IntegrityError) as problem:  # the plan's flush took these rows; now one is refused
        raise PlanMoved from problem


def _keep_written(session: OcopSession, written: Sequence[Change], kept_ids: Mapping[Change, int]) -> None:
    names = [prop.key for prop in inspect(written[0].model).column_attrs]
    rows = []
    for change in written:
        if change.row:
            held = instance_state(change.row).dict  # a column that is not there was left empty
            values = {name: plain(held.get(name)) for name in names}
            rows.append({"kept_id": kept_ids[change], "written_id": held["id"], "written": values})
    # Rows of this batch, read through the Session above; by the Session it would be one statement a row.
    execute_many(session.connection(), _WRITTEN, rows)


_WRITTEN = (
    update(ImportRow)
    .where(ImportRow.id == bindparam("kept_id"))
    .values(row_id=bindparam("written_id"), after=bindparam("written"))
)


def next_number(session: OcopSession) -> int:
    with seeing_everything():
        return (session.scalar(select(func.max(ImportBatch.number))) or 0) + 1
