"""The clerk's workbook given back: what became of each row of a batch, beside the row itself."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from sqlalchemy import inspect, select

from app.errors import OcopError
from app.files import marked, read
from app.files.marked import Mark, Summed
from app.services import importing
from app.services.importing.links import code_of
from app.services.importing.undoing import stayed
from app.session import OcopSession
from models.base import screens
from models.import_batch import BatchState, ImportBatch, ImportRow, RowAction

SUFFIX = " (kết quả)"
PLANNED = {
    RowAction.NEW: marked.NEW,
    RowAction.CHANGED: marked.CHANGED,
    RowAction.SAME: marked.SAME,
    RowAction.REFUSED: marked.REFUSED,
    RowAction.SKIPPED: marked.SKIPPED,
}
APPLIED = PLANNED | {RowAction.NEW: marked.IMPORTED, RowAction.CHANGED: marked.IMPORTED}
UNDONE = PLANNED | {RowAction.NEW: marked.UNDONE, RowAction.CHANGED: marked.UNDONE}
RESULTS: Mapping[BatchState, Mapping[RowAction, str]] = {
    BatchState.PLANNED: PLANNED,
    BatchState.APPLIED: APPLIED,
    BatchState.UNDONE: UNDONE,
}


class NothingToReturn(OcopError):
    sentence = "Đợt nhập này chưa có kết quả từng dòng. Tải tệp lên lại nếu vẫn cần nhập."


def has_results(batch: ImportBatch) -> bool:
    """Whether the file of a batch can be given back with a result for each row."""
    return batch.state in RESULTS and not importing.asks_columns(batch)


def returned(session: OcopSession, batch: ImportBatch, content: bytes) -> tuple[str, bytes]:
    """Name and bytes of the workbook marked with what became of each row. content: the file as it was sent.

    Raises NothingToReturn; FileRefused when the content is not what the batch was read from.
    """
    if not has_results(batch):
        raise NothingToReturn
    known = importing.known_titles(screens()[batch.screen])
    table = read(content, name=batch.file_name, sheet=batch.sheet or None, known=known)
    rows = session.execute(
        select(ImportRow.line, ImportRow.action, ImportRow.problems)
        .where(ImportRow.batch_id == batch.id)
        .order_by(ImportRow.line)
    ).all()
    before, results = marked.already_done(table), RESULTS[batch.state]
    asked = _asked(batch)
    problems = {
        row.line: [(column, asked.get((row.line, column), said)) for column, said in row.problems] for row in rows
    }
    left = {line: marked.IMPORTED for action in RowAction for line in stayed(batch, action.value)}
    left |= dict.fromkeys(stayed(batch, "gone"), marked.GONE)
    marks = [
        Mark(row.line, before.get(row.line) or left.get(row.line) or results[row.action], problems[row.line])
        for row in rows
    ]
    name = f"{PurePath(batch.file_name).stem.removesuffix(SUFFIX)}{SUFFIX}.xlsx"
    return name, marked.mark(content, table, name=batch.file_name, marks=marks, summary=summed(problems))


def _asked(batch: ImportBatch) -> dict[tuple[int, str], str]:
    """{(line, column): sentence} of cells that the page asks about: what to do there is to answer, here to write."""
    links = inspect(screens()[batch.screen]).relationships
    found: dict[tuple[int, str], str] = {}
    for each in batch.options.get("unfound", ()):
        names = "; ".join(f"“{label}”" for _, label in each["suggestions"])
        start = "Gần giống" if each["relation"] in links else "Ghi một trong"
        is_of_code = each["relation"] == code_of(screens()[batch.screen])  # which row it is, not how it is written
        cure = f"{start}: {names}. " if names and not is_of_code else ""
        value, why = f"“{each['value']}”", each["why"]
        sentence = f"{why if value in why else f'{value}: {why}'} {cure}Sửa ô này, hoặc trả lời khi xem trước."
        if each["value"]:
            found |= {(line, each["label"]): sentence for line in each["lines"]}
    return found


def summed(problems: Mapping[int, Sequence[tuple[str, str]]]) -> list[Summed]:
    """Identical errors once with all their rows, the commonest first. problems: {line: [(column, sentence)]}."""
    lines: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for line, said in problems.items():
        for column, sentence in dict.fromkeys(said):
            lines[column, sentence].append(line)
    commonest = sorted(lines.items(), key=lambda each: -len(each[1]))
    return [_summed_up(column, sentence, found) for (column, sentence), found in commonest]


# The first sentence; a full stop inside quotes ends none.
FIRST = re.compile(r"((?:[^“.]|“[^”]*”|\.(?!\s))*\.)\s+(.*)", re.DOTALL)


def _summed_up(column: str, sentence: str, lines: Sequence[int]) -> Summed:
    where = f"Cột “{column}”: " if column else ""
    parts = FIRST.fullmatch(sentence)
    error, cure = (parts[1], parts[2]) if parts else (sentence, "")
    return Summed(f"{where}{error}", lines, cure)
