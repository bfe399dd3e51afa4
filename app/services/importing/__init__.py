"""File → `Table` → plan → store → apply as one numbered batch, or drop.

A plan says what each row would do and changes nothing: every change runs through the real flush in a savepoint
that is taken back. Apply judges the stored rows again and writes all of them or none.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import bindparam, delete, func, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError

from app.errors import OcopError
from app.files import read
from app.files.marked import already_done
from app.services.importing import links, places, records, senders, successions
from app.services.importing.reading import NOTHING as NOTHING
from app.services.importing.reading import (
    Columns,
    Problem,
    ReadRow,
    linked_model,
    match,
    read_rows,
    titles_of,
    with_places,
)
from app.services.importing.reading import Options as Options
from app.services.importing.repairs import Repair, repaired
from app.services.importing.writing import (
    Change,
    Changes,
    parts,
    rehearse,
    seeing_everything,
    with_links,
    write,
)
from app.session import OcopSession, plain
from app.table import Cell, CellError, Column, Conversion, Table
from models.base import Base, label_of, now, screens
from models.commune import Commune, CommuneSuccession
from models.district import District
from models.entity import Entity
from models.import_batch import BatchState, ImportBatch, ImportRow, RowAction, Sender
from models.participation import Participation
from models.product import Product
from models.rating import Rating
from models.rules.words import moment, number, words

VERB = "nhập liệu"
KEPT = timedelta(hours=24)
MOVED_SHOWN = 10
# One import at a time: it numbers batches without gaps and judges against what the one before left.
POSTGRESQL_LOCK = 6_207_001


class NotImportable(OcopError):
    sentence = "Chưa nhập được {label} từ tệp. Nhập từng bản ghi trên màn hình."


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


class NeverComplete(OcopError):
    sentence = "Chỉ danh mục xã, phường và huyện mới có thể là danh mục đầy đủ của tỉnh. Bỏ đánh dấu này."


class AlreadyApplied(OcopError):
    sentence = "Đợt nhập số {number} đã ghi vào sổ nên không bỏ được."


class AlreadyUndone(OcopError):
    sentence = "Đợt nhập số {number} đã hoàn tác. Tải tệp lên lại nếu cần nhập lần nữa."


class NotTheMaker(OcopError):
    sentence = "Tệp này do {maker} tải lên nên chỉ người đó nhập hoặc bỏ được. Tự tải tệp lên nếu cần nhập."


class Judged(Protocol):
    """A list against the database: one change for each row, None for a refused one; notes, parents made with it."""

    changes: list[Change | None]

    @property
    def unfound(self) -> Mapping[tuple[str, str], links.Unfound]: ...

    @property
    def likely(self) -> Sequence[tuple[int, str, str]]: ...

    @property
    def covers(self) -> Sequence[str]: ...

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
        options: Options,
    ) -> Judged: ...


@dataclass(frozen=True)
class ListKind:
    """How lists of one model are taken. uses: paths of columns; needs: sets of them, one of which a file must have;
    decide: rows → what they do. titles: {path: titles} beside those of the model.
    """

    uses: Collection[str]
    needs: Collection[Collection[str]]
    decide: Decide
    titles: Mapping[str, Collection[str]] = field(default_factory=dict)


# Lists that are more than rows: what they say holds from a day on.
DATED: dict[type[Base], ListKind] = {
    Commune: ListKind(places.USES, [places.NEEDS], places.decide),
    District: ListKind(places.DISTRICT_USES, [places.NEEDS], places.decide, places.DISTRICT_TITLES),
    CommuneSuccession: ListKind(successions.USES, [successions.NEEDS], successions.decide),
}
RECORDS: tuple[type[Base], ...] = (Entity, Product, Participation, Rating)


def importable() -> list[type[Base]]:
    """Models whose lists can be taken."""
    return [*DATED, *RECORDS]


def importable_paths(model: type[Base]) -> Collection[str]:
    """What a file of a model may fill, as paths."""
    return _list_kind(model).uses


def known_titles(model: type[Base]) -> set[str]:
    """Titles by which a header row of such a list is known."""
    kind = _list_kind(model)
    return {title for path in kind.uses for title in (*titles_of(model, path), *kind.titles.get(path, ()))}


def path_label(model: type[Base], path: str) -> str:
    """A column as the page of a plan offers it: “Chủ thể: mã số thuế”."""
    first, _, rest = path.partition(".")
    if not rest:
        return label_of(model, first)
    below = path_label(linked_model(model, first), rest)
    return f"{label_of(model, first)}: {below[:1].lower()}{below[1:]}"


def _list_kind(model: type[Base]) -> ListKind:
    if model in DATED:
        return DATED[model]
    if model not in RECORDS:
        raise NotImportable(label=model.__label__.lower())
    return ListKind(links.uses_of(model), records.needs_of(model), records.decide)


@dataclass(frozen=True, slots=True)
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
    mapped: (title, path or "", reason) of each column. unfound: values asked about once for all their rows.
    likely: (line, name, name of a row that is nearly the same). file_notes: those of `notes` that reading gave.
    repairs: what was put right in cells before they were read. conversions: text of old fonts, as the table has it.
    sheets: (title, lines with data, None where nobody counted) of the visible sheets.
    covers: codes of the provinces that the list is complete for.
    """

    model: type[Base]
    as_of: date
    options: Options
    sheet: str
    columns: tuple[str, ...]
    mapped: Sequence[tuple[str, str, str]]
    unfound: Sequence[links.Unfound]
    likely: Sequence[tuple[int, str, str]]
    rows: Sequence[RowPlan]
    also: dict[str, dict[str, int]]
    also_words: Sequence[str]
    notes: Sequence[str]
    file_notes: Sequence[str]
    repairs: Sequence[Repair] = ()
    conversions: Sequence[Conversion] = ()
    sheets: Sequence[tuple[str, int | None]] = ()
    covers: Sequence[str] = ()

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


def plan(session: OcopSession, model: type[Base], table: Table, *, as_of: date, options: Options = NOTHING) -> Plan:
    """Say what each row of a file would do; change nothing. Needs a writing session: the flush is the real one.

    table: titles are the model's labels or aliases in any order. as_of: the day the list holds for.
    A row that cannot be taken is returned with its sentences, not raised; raises OcopError for the whole file.
    """
    columns, rows, changes, judged, repairs = _judge(session, model, table, as_of=as_of, options=options)
    with session.doing(VERB):
        rehearse(session, judged.all_changes())
    planned = [_row_plan(columns, row, change) for row, change in zip(rows, changes, strict=True)]
    also, also_words = _also(judged)
    made = Plan(
        model,
        as_of,
        options,
        table.sheet,
        columns.labels,
        [(label, columns.path_of(n), columns.reasons.get(label, "")) for n, label in enumerate(columns.labels)],
        [*links.asked_of(columns, rows), *judged.unfound.values()],
        judged.likely,
        planned,
        also,
        also_words,
        [],
        list(table.notes),
        repairs,
        table.conversions,
        table.sheets_with_rows(),
        judged.covers,
    )
    notes = [
        *table.notes,
        *_repaired(repairs),
        *_ignored(columns),
        *judged.notes(session),
        *_left_alone(table),
        *_summary(made),
    ]
    return replace(made, notes=notes)


def _judge(
    session: OcopSession, model: type[Base], table: Table, *, as_of: date, options: Options
) -> tuple[Columns, list[ReadRow], list[Change | None], Judged, list[Repair]]:
    """Columns, rows, the change of each, the list they were judged in, and what was put right in cells.

    Rows done in an earlier round are not judged.
    """
    kind = _list_kind(model)
    if options.complete and model not in (Commune, District):
        raise NeverComplete
    titles = [c.label for c in table.columns]
    columns = match(model, titles, uses=kind.uses, needs=kind.needs, chosen=options.mapping, titles=kind.titles)
    if model not in DATED:
        columns = with_places(columns, table, records.commune_relation(model), options.mapping)
    as_read, what = repaired(columns, table, options.keep)
    rows = read_rows(columns, as_read, None if model in DATED else options.links)
    for row, raw in zip(rows, table.rows, strict=True):
        row.raw = raw
    done = already_done(table)
    left = [row for row in rows if row.line not in done]
    if model in DATED:
        _refuse_doubled(columns, left)
    judged = kind.decide(session, columns, left, as_of=as_of, options=options)
    judged_changes = iter(judged.changes)
    changes = [_done(model, row) if row.line in done else next(judged_changes) for row in rows]
    return columns, rows, changes, judged, what


def _done(model: type[Base], row: ReadRow) -> Change:
    row.problems.clear()
    row.asked.clear()
    return Change(model, RowAction.SKIPPED, records.row_label(model, row))


def _key_paths(columns: Columns) -> list[str]:
    """The columns of the file that name a row; of a dated unit the day is the list's, so its code names it."""
    return [path for name in columns.model.__keys__[0] for path in (name, f"{name}.code") if path in columns.by_path]


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
    key = _key_paths(columns) if columns.model in DATED else []
    problems = list(row.problems)
    if change and change.refusal:
        first = key[0] if key else next(iter(columns.by_path))
        problems.append(Problem(columns.name(first), change.refusal))
    named = [words(row.values.get(path)) for path in (*key, columns.model.__title__)]
    return RowPlan(
        line=row.line,
        label=" ".join(part for part in named if part) if key else records.row_label(columns.model, row),
        action=RowAction.REFUSED if problems or change is None else change.action,
        raw=row.raw,
        parsed={path: plain(value) for path, value in row.values.items()} | (dict(change.meant) if change else {}),
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


def _repaired(repairs: Sequence[Repair]) -> list[str]:
    """What was put right, with its first cell; of what a clerk refused, that it stays."""
    sentences = []
    for each in repairs:
        line, column, before, after = each.cells[0]
        example = f"dòng {line}, cột “{column}”: “{before}” → “{after}”"
        if each.kept:
            sentences.append(f"{each.what}: giữ {number(each.count)} ô như trong tệp.")
        else:
            sentences.append(f"{each.what}: {number(each.count)} ô, {example}.")
    return sentences


def _left_alone(table: Table) -> list[str]:
    done = len(already_done(table))
    if not done:
        return []
    return [
        f"{number(done)} dòng ghi “Đã nhập”, “Không đổi” ở cột “Kết quả” được bỏ qua. "
        "Muốn nhập lại dòng nào, xóa chữ ở cột này của dòng đó rồi tải lại."
    ]


def _summary(made: Plan) -> list[str]:
    if not made.rows:
        return ["Danh mục không có dòng nào, không có gì để nhập."]
    if not made.writes and not made.refused:
        return ["Tệp này không đổi gì."]
    return []


# ---- store, drop --------------------------------------------------------------------------------------------


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

    Raises what `app.files.read` and `plan` raise for a file as a whole.
    """
    session.refresh(batch)
    if batch.state is not BatchState.READING:
        return batch
    model = screens()[batch.screen]
    sheet = batch.sheet or senders.sheet_of(batch.sender, model)
    table = read(content, name=batch.file_name, sheet=sheet, known=known_titles(model))
    titles = [column.label for column in table.columns]
    options, notes = senders.recalled(batch.sender, model, titles, options_of(batch))
    table = replace(table, notes=(*notes, *table.notes))
    return fill(session, batch, plan(session, model, table, as_of=batch.as_of, options=options))


def read_again(session: OcopSession, batch: ImportBatch, sheet: str) -> ImportBatch:
    """Make a planned batch one whose file is still to be read, from another of its sheets.

    Raises what `replan` raises for a plan as a whole.
    """
    session.refresh(batch)
    if batch.state is BatchState.APPLIED:
        raise AlreadyApplied(number=batch.number)
    _refuse_others(session, batch)
    _refuse_gone(batch)
    with session.doing(VERB):
        session.execute(delete(ImportRow).where(ImportRow.batch_id == batch.id))
        batch.state, batch.sheet = BatchState.READING, sheet
        batch.counts, batch.also, batch.notes = dict.fromkeys(RowAction, 0), {}, []
    return batch


def discard(session: OcopSession, batch: ImportBatch) -> None:
    """Take away a batch whose file could not be read: nothing of it is kept, but in the trail."""
    with session.doing("bỏ tệp không đọc được"):
        session.delete(batch)


def fill(session: OcopSession, batch: ImportBatch, made: Plan) -> ImportBatch:
    """Keep a plan with its batch for 24 hours, for its page and for apply; its cells are kept with it."""
    with session.doing(VERB):
        batch.state = BatchState.PLANNED
        batch.sheet = made.sheet
        batch.options = {**batch.options, **_kept_options(made), "file_notes": list(made.file_notes)}
        batch.counts, batch.also = made.counts, made.also
        batch.notes = [*imported_before(session, batch.file_hash, made), *made.notes]
        counted = {title: rows for title, rows in batch.options.get("sheets", []) if rows is not None}
        sheets = [[title, counted.get(title) if rows is None else rows] for title, rows in made.sheets]
        batch.options = {**batch.options, "sheets": sheets}
        _store_rows(session, batch, made)
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
    """Keep a plan that is made already as a batch of its own: `begin` and `fill`."""
    batch = begin(
        session,
        made.model,
        as_of=made.as_of,
        file_name=file_name,
        content_hash=content_hash,
        size=size,
        sender=sender,
    )
    return fill(session, batch, made)


def _store_rows(session: OcopSession, batch: ImportBatch, made: Plan) -> None:
    if not made.rows:
        return
    titles = {title: index for index, title in enumerate(made.columns)}
    converted: defaultdict[int, dict[int, Conversion]] = defaultdict(dict)
    for each in made.conversions:
        converted[each.line][titles[each.column]] = each
    for part in parts(made.rows):
        session.execute(insert(ImportRow), [_stored(row, batch, converted.get(row.line)) for row in part])


def _settled(options: Options) -> dict[str, Any]:
    return {
        "province": options.province,
        "mapping": dict(options.mapping),
        "links": {relation: dict(chosen) for relation, chosen in options.links.items()},
        "clears": options.clears,
        "keep": list(options.keep),
        "complete": options.complete,
    }


def _kept_options(made: Plan) -> dict[str, Any]:
    return {
        **_settled(made.options),
        "columns": list(made.columns),
        "mapped": [list(each) for each in made.mapped],
        "unfound": [asdict(each) for each in made.unfound],
        "likely": [list(each) for each in made.likely],
        "repairs": [asdict(each) for each in made.repairs],
        "also_words": list(made.also_words),
        # A refused row stands in the list and yet in no book, so such a list proves nothing of what it lacks.
        "covers": [] if made.refused else list(made.covers),
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
    """When and by whom the same file was imported last, and what is otherwise now, as a sentence; whoever that was."""
    with seeing_everything():
        last = session.scalars(
            select(ImportBatch)
            .where(ImportBatch.file_hash == content_hash, ImportBatch.state == BatchState.APPLIED)
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
    _one_at_a_time(session)
    session.refresh(batch)
    if batch.state is BatchState.APPLIED:
        return batch
    _refuse_others(session, batch)
    _refuse_unfit(batch, partial=partial)
    stored = _stored_rows(session, batch)
    columns, rows, changes, judged, _repairs = _judge(
        session, screens()[batch.screen], _table(batch, stored), as_of=batch.as_of, options=options_of(batch)
    )
    for row, change, kept in zip(rows, changes, stored, strict=True):
        if kept.action is RowAction.REFUSED:
            row.problems.append(Problem("", ""))
            if change:
                change.refusal = str(RowsRefused(count=1))
        elif _outcome(_row_plan(columns, row, change)) != (kept.action, kept.changes, kept.before):
            raise PlanMoved
    if _also(judged)[0] != batch.also:
        raise PlanMoved
    with session.doing(VERB, batch_id=batch.id):
        kept_ids = {change: kept.id for change, kept in zip(changes, stored, strict=True) if change}
        _write(session, judged.all_changes(), kept_ids)
        batch.number = _next_number(session)
        batch.state = BatchState.APPLIED
        batch.applied_at = now()
        senders.remember(session, batch)
    return batch


def replan(session: OcopSession, batch: ImportBatch, options: Options) -> ImportBatch:
    """Judge a stored plan anew with other answers; the batch keeps its address and its 24 hours.

    Raises what `plan` and `apply` raise for a file and a plan as a whole.
    """
    session.refresh(batch)
    if batch.state is BatchState.APPLIED:
        raise AlreadyApplied(number=batch.number)
    _refuse_others(session, batch)
    _refuse_gone(batch)
    table = _table(batch, _stored_rows(session, batch))
    made = plan(session, screens()[batch.screen], table, as_of=batch.as_of, options=options)
    with session.doing(VERB):
        session.execute(delete(ImportRow).where(ImportRow.batch_id == batch.id))
        batch.options = {**batch.options, **_kept_options(made)}
        batch.counts, batch.also = made.counts, made.also
        batch.notes = [*batch.options.get("file_notes", []), *made.notes]
        _store_rows(session, batch, made)
    return batch


def look_again(session: OcopSession, batch: ImportBatch) -> ImportBatch:
    """Plan a batch anew because the register moved since; its first note says which rows are otherwise now."""
    before = {row.line: (row.action, row.changes) for row in _stored_rows(session, batch)}
    replan(session, batch, options_of(batch))
    moved = [
        f"dòng {row.line} “{row.label}” trước là {before[row.line][0].label.lower()}, nay là {row.action.label.lower()}"
        if before[row.line][0] is not row.action
        else f"dòng {row.line} “{row.label}” nay có các thay đổi khác"
        for row in _stored_rows(session, batch)
        if before[row.line] != (row.action, row.changes)
    ]
    more = f" và {number(len(moved) - MOVED_SHOWN)} dòng khác" if len(moved) > MOVED_SHOWN else ""
    what = f": {'; '.join(moved[:MOVED_SHOWN])}{more}" if moved else ""
    with session.doing(VERB):
        batch.notes = [f"Sổ đã thay đổi từ lần xem trước{what}. Xem lại rồi xác nhận lần nữa.", *batch.notes]
    return batch


def _stored_rows(session: OcopSession, batch: ImportBatch) -> Sequence[Any]:
    return session.execute(
        select(
            *(ImportRow.id, ImportRow.line, ImportRow.label, ImportRow.action),
            *(ImportRow.raw, ImportRow.changes, ImportRow.before),
        )
        .where(ImportRow.batch_id == batch.id)
        .order_by(ImportRow.line)
    ).all()


def _table(batch: ImportBatch, stored: Sequence[Any]) -> Table:
    titles = batch.options["columns"]
    return Table(
        tuple(Column(label) for label in batch.options["columns"]),
        [tuple(unpacked(cell) for cell in row.raw) for row in stored],
        [row.line for row in stored],
        sheet=batch.sheet,
        conversions=tuple(
            Conversion(row.line, titles[index], *kept["converted"])
            for row in stored
            for index, kept in enumerate(row.raw)
            if isinstance(kept, dict) and "converted" in kept
        ),
    )


def _one_at_a_time(session: OcopSession) -> None:
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
    rows = [
        {
            "kept_id": kept_ids[change],
            "written_id": change.row.id,
            "written": {name: plain(getattr(change.row, name)) for name in names},
        }
        for change in written
        if change.row
    ]
    # Rows of this batch, read through the Session above; by the Session it would be one statement a row.
    session.connection().execute(_WRITTEN, rows)


_WRITTEN = (
    update(ImportRow)
    .where(ImportRow.id == bindparam("kept_id"))
    .values(row_id=bindparam("written_id"), after=bindparam("written"))
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
    if kind == "converted":
        return text[1]  # type: ignore[no-any-return]  # as it was, and in Unicode
    if kind == "datetime":
        return datetime.fromisoformat(text)
    if kind == "date":
        return date.fromisoformat(text)
    if kind == "number":
        return Decimal(text)
    return CellError(text, kind)
