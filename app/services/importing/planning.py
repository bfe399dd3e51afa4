"""A file's table → what each of its rows would do: every change runs through the real flush and is taken back.

Rows are judged part by part, so that a long list needs no more memory than a short one; places all at once.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from app import progress
from app.errors import OcopError
from app.files.marked import already_done
from app.services.importing import likeness, links, reading
from app.services.importing.compound import taken_apart
from app.services.importing.kinds import DATED, Judged, columns_left, list_kind
from app.services.importing.reading import (
    AS_OF,
    NOTHING,
    Columns,
    Lines,
    Options,
    Problem,
    ReadRow,
    match,
    row_label,
    row_reader,
    samples,
    with_districts,
    with_places,
    with_producers,
    with_ticks,
    with_years,
)
from app.services.importing.repairs import Repair, repaired
from app.services.importing.writing import Change, rehearse, with_links
from app.services.place_names import wider_names
from app.session import OcopSession, plain
from app.table import Cell, Conversion, Table
from models.base import Base
from models.commune import Commune
from models.district import District
from models.import_batch import RowAction
from models.rules.places import NO_DISTRICTS_FROM
from models.rules.words import number, words

VERB = "nhập liệu"


class NeverComplete(OcopError):
    sentence = "Chỉ danh mục xã, phường và huyện mới có thể là danh mục đầy đủ của tỉnh. Bỏ đánh dấu này."


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What one row of the file would do; a row that cannot be taken says why in `problems`.

    line: as Excel shows it. parsed: {path: value} as JSON. changes: {attribute: (old, new)} as a clerk reads them.
    before: columns of the row it changes, as JSON.
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
    """What a file would do. counts: of rows by action. rows: in file order, unless they were kept elsewhere.

    also: {identity: counts} of parents made with it; also_words: the same as sentences.
    mapped: (title, path or "", reason) of each column. unfound: values asked about once for all their rows.
    likely: new rows that may be there already. file_notes: those of `notes` that reading gave.
    repairs: what was put right in cells before they were read. conversions: text of old fonts, as the table has it.
    sheets: (title, lines with data, None where nobody counted) of the visible sheets.
    covers: codes of the provinces that the list is complete for. samples: some cells of each column, as one text.
    """

    model: type[Base]
    as_of: date
    options: Options
    sheet: str
    columns: tuple[str, ...]
    mapped: Sequence[tuple[str, str, str]]
    unfound: Sequence[links.Unfound]
    likely: Sequence[likeness.Likely]
    counts: dict[str, int]
    rows: Sequence[RowPlan]
    also: dict[str, dict[str, int]]
    also_words: Sequence[str]
    notes: Sequence[str]
    file_notes: Sequence[str]
    repairs: Sequence[Repair] = ()
    conversions: Sequence[Conversion] = ()
    sheets: Sequence[tuple[str, int | None]] = ()
    covers: Sequence[str] = ()
    samples: Sequence[str] = ()

    @property
    def refused(self) -> list[RowPlan]:
        return [row for row in self.rows if row.action is RowAction.REFUSED]

    @property
    def writes(self) -> bool:
        return writes(self.counts, self.also)


def writes(counts: dict[str, int], also: dict[str, dict[str, int]]) -> bool:
    """Whether there is anything to write."""
    return any(each["new"] or each["changed"] for each in (counts, *also.values()))


@dataclass(frozen=True)
class Prepared:
    """A table whose columns are known and whose cells are put right. done: lines done in an earlier round."""

    model: type[Base]
    as_of: date
    options: Options
    columns: Columns
    table: Table
    lines: Lines
    done: dict[int, str]
    repairs: list[Repair]

    @property
    def at_once(self) -> int:
        """How many rows are judged together."""
        return len(self.table.lines) if self.model in DATED else reading.PART


@dataclass(frozen=True)
class JudgedPart:
    """Rows that were judged together. changes: one for each, None for a refused one. is_last: no rows follow."""

    rows: Sequence[ReadRow]
    changes: Sequence[Change | None]
    judged: Judged
    is_last: bool

    def made_with(self) -> set[Change]:
        """What is made with the rows that are taken."""
        taken = [change for change in self.changes if change and not change.refusal]
        return with_links(link for change in taken for link in change.links.values() if link)


def plan(
    session: OcopSession,
    model: type[Base],
    table: Table,
    *,
    as_of: date,
    options: Options = NOTHING,
    keep: Callable[[Sequence[RowPlan]], None] | None = None,
    forget: Callable[[], None] | None = None,
) -> Plan:
    """Say what each row of a file would do; change nothing. Needs a writing session: the flush is the real one.

    table: titles are the model's labels or aliases in any order. as_of: the day the list holds for.
    keep: takes the rows part by part; the plan has none then. forget: lets them go, when they are judged anew.
    A row that cannot be taken is returned with its sentences, not raised; raises OcopError for the whole file.
    """
    given = prepare(session, model, table, as_of=as_of, options=options)
    refused: dict[int, Problem] = {}
    while True:
        made, since = _planned(session, given, refused, keep)
        if not since:
            return made
        # Lines far apart mean one row and do not agree: all are refused alike, so all is judged once more.
        refused |= since
        if forget:
            forget()


def _planned(
    session: OcopSession,
    given: Prepared,
    refused: Mapping[int, Problem],
    keep: Callable[[Sequence[RowPlan]], None] | None,
) -> tuple[Plan, Mapping[int, Problem]]:
    """The plan, and lines that were taken before a later one told that they must be refused."""
    model, table = given.model, given.table
    rows: list[RowPlan] = []
    counts: Counter[RowAction] = Counter()
    asked: dict[tuple[str, str], links.Unfound] = {}
    likely: list[likeness.Likely] = []
    made_with: set[Change] = set()
    for part in judged_parts(session, given, refused):
        with session.doing(VERB):
            rehearse(session, part.judged.all_changes())
        planned = [row_plan(given.columns, *each) for each in zip(part.rows, part.changes, strict=True)]
        counts.update(row.action for row in planned)
        links.ask(asked, given.columns, part.rows)
        if len(likely) < likeness.SHOWN_LIKELY:
            likely += part.judged.likely
        made_with |= part.made_with()
        (keep or rows.extend)(planned)
        judged = part.judged
    also, also_words = judged.also(made_with)
    columns = given.columns
    made = Plan(
        model,
        given.as_of,
        given.options,
        table.sheet,
        columns.labels,
        columns.mapped,
        [*asked.values(), *sorted(judged.unfound.values(), key=lambda each: each.relation != AS_OF)],
        likely,
        {action.value: counts[action] for action in RowAction},
        rows,
        also,
        also_words,
        [],
        list(table.notes),
        given.repairs,
        table.conversions,
        table.sheets_with_rows(),
        judged.covers,
        samples(table),
    )
    notes = [
        *table.notes,
        *_repaired(given.repairs),
        *columns_left(columns, table),
        *judged.notes(session),
        *_left_alone(given),
        *_summary(made),
    ]
    return replace(made, notes=notes), judged.refused_since


def prepare(session: OcopSession, model: type[Base], table: Table, *, as_of: date, options: Options) -> Prepared:
    """Know the columns of a table, and put its cells right; raises OcopError for the whole file."""
    kind, as_of = list_kind(model), options.day(as_of)
    if options.asks_day and table.named_as_of:
        as_of, options = table.named_as_of, replace(options, asks_day=False)
    if options.complete and model not in (Commune, District):
        raise NeverComplete
    columns = match(model, table, uses=kind.uses, needs=kind.needs, chosen=options.mapping, titles=kind.titles)
    known = wider_names(session)
    if model not in DATED:
        columns = with_places(columns, table, links.commune_relation(model), options.mapping, known)
        columns = with_producers(columns, table, kind.uses, options.mapping)
        if as_of < NO_DISTRICTS_FROM:
            columns = with_districts(columns, table, known, options.mapping)
    columns = with_ticks(columns, table, kind.uses, options.mapping)
    columns = with_years(columns, table, kind.uses, options.mapping)
    as_read, repairs = repaired(columns, table, options.keep)
    columns, as_read, compounds = taken_apart(columns, as_read, options.keep, known, options.mapping)
    read = row_reader(columns, as_read, table, None if model in DATED else options.links)
    repairs += compounds
    return Prepared(model, as_of, options, columns, table, Lines(table.lines, read), already_done(table), repairs)


def judged_parts(
    session: OcopSession, given: Prepared, refused: Mapping[int, Problem] = MappingProxyType({})
) -> Iterator[JudgedPart]:
    """Judge the rows of a table, part by part; rows done in an earlier round are not judged.

    refused: lines that are known to be refused, and why.
    """
    kind = list_kind(given.model)
    judge = kind.begin(session, given.columns, as_of=given.as_of, options=given.options, lines=given.lines)
    total, size = len(given.table.lines), max(given.at_once, 1)
    for start in range(0, max(total, 1), size):
        with progress.rows_of(start, min(size, total - start), total):
            rows = given.lines.read(start, start + size)
            left = [row for row in rows if row.line not in given.done]
            for row in left:
                if row.line in refused:
                    row.problems.append(refused[row.line])
            if given.model in DATED:
                _refuse_doubled(given.columns, left)
            judged = judge(left)
            changes = iter(judged.changes)
            yield JudgedPart(
                rows,
                [_done(given.model, row) if row.line in given.done else next(changes) for row in rows],
                judged,
                is_last=start + size >= total,
            )


def _done(model: type[Base], row: ReadRow) -> Change:
    row.problems.clear()
    row.asked.clear()
    return Change(model, RowAction.SKIPPED, row_label(model, row))


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


def row_plan(columns: Columns, row: ReadRow, change: Change | None) -> RowPlan:
    key = _key_paths(columns) if columns.model in DATED else []
    problems = list(row.problems)
    if change and change.refusal:
        first = key[0] if key else next(iter(columns.by_path))
        for path, sentence in change.faults or [(first, change.refusal)]:
            problems.append(Problem(columns.name(path if path in columns.by_path else first), sentence))
    named = [words(row.values.get(path)) for path in (*key, columns.model.__title__)]
    return RowPlan(
        line=row.line,
        label=" ".join(part for part in named if part) if key else row_label(columns.model, row),
        action=RowAction.REFUSED if problems or change is None else change.action,
        raw=row.raw,
        parsed={path: plain(value) for path, value in row.values.items()} | (dict(change.meant) if change else {}),
        changes=change.shown if change and not problems else {},
        before=change.before if change and not problems and change.action is RowAction.CHANGED else None,
        problems=problems,
    )


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


def _left_alone(given: Prepared) -> list[str]:
    if not given.done:
        return []
    return [
        f"{number(len(given.done))} dòng ghi “Đã nhập”, “Không đổi” ở cột “Kết quả” được bỏ qua. "
        "Muốn nhập lại dòng nào, xóa chữ ở cột này của dòng đó rồi tải lại."
    ]


def _summary(made: Plan) -> list[str]:
    if not any(made.counts.values()):
        return ["Danh mục không có dòng nào, không có gì để nhập."]
    if not made.writes and not made.counts["refused"]:
        return ["Tệp này không đổi gì."]
    return []
