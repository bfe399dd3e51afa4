"""A workbook to be filled in: headers with what belongs below them, lists to choose from, and a guide."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.files.places import letters
from app.files.titles import AUTHOR, GUIDE_SHEET, INPUT_SHEET, LISTS_SHEET
from app.files.xlsx import FORBIDDEN, MAX_TEXT
from app.table import Cell

# Lines that choose from a list, beyond those filled in.
BLANK_LINES = 2000
FORMATS = {"text": "@", "date": "dd/mm/yyyy", "integer": "0", "number": "General"}
GUIDE = (("Cột", 28), ("Phải ghi", 20), ("Ghi gì", 34), ("Ví dụ", 30), ("Lưu ý", 60))


@dataclass(frozen=True)
class InputColumn:
    """One column to fill. needed: whether and when, in words. what, example, hint: for the guide and the comment.

    choices: key of its list, "" for none. is_closed: whether only what the list has is taken.
    """

    title: str
    kind: Literal["text", "date", "integer", "number"] = "text"
    is_key: bool = False
    needed: str = ""
    what: str = ""
    example: str = ""
    hint: str = ""
    choices: str = ""
    is_closed: bool = False


def workbook(
    columns: Sequence[InputColumn],
    rows: Sequence[Sequence[Cell]],
    *,
    lists: Mapping[str, Sequence[str]],
    notes: Sequence[str],
) -> bytes:
    """Bytes of an .xlsx. rows: already filled, one cell a column. lists: {title: texts}. notes: first in the guide."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = INPUT_SHEET
    _write_header(sheet, columns)
    for line, row in enumerate(rows, start=2):
        for at, (column, value) in enumerate(zip(columns, row, strict=True), start=1):
            if value is not None:
                _write(sheet.cell(line, at), value, FORMATS[column.kind])
    _write_guide(book.create_sheet(GUIDE_SHEET), columns, notes)
    ranges = _write_lists(book, lists)
    for at, column in enumerate(columns, start=1):
        if column.choices:
            _offer(sheet, at, ranges[column.choices], column, last=len(rows) + BLANK_LINES)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _write_header(sheet: Any, columns: Sequence[InputColumn]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill

    key, other = (PatternFill("solid", fgColor=colour) for colour in ("FFFCF0D9", "FFFAFAF7"))
    for at, column in enumerate(columns, start=1):
        cell = sheet.cell(1, at, column.title)
        cell.font, cell.fill = Font(bold=True), key if column.is_key else other
        cell.alignment = Alignment(vertical="top", wrap_text=True)
        cell.number_format = "@"
        about = [column.what, column.needed, column.hint, f"Ví dụ: {column.example}." if column.example else ""]
        text = "\n".join(f"{part[:1].upper()}{part[1:]}" for part in about if part)
        cell.comment = Comment(text, AUTHOR, width=290, height=40 + 18 * (text.count("\n") + len(text) // 36))
        dimension = sheet.column_dimensions[letters(at)]
        dimension.width = min(max(len(column.title) + 4, 14), 40)
        dimension.number_format = FORMATS[column.kind]  # of the cells still blank
    sheet.freeze_panes = "A2"


def _write(cell: Any, value: Cell, number_format: str = "@") -> None:
    """Text stays text, whatever it begins with."""
    if isinstance(value, str):
        cell.value, cell.data_type = FORBIDDEN.sub("", value)[:MAX_TEXT], "s"
    else:
        cell.value = value
    cell.number_format = number_format


def _write_guide(sheet: Any, columns: Sequence[InputColumn], notes: Sequence[str]) -> None:
    from openpyxl.styles import Alignment, Font

    for line, note in enumerate(notes, start=1):
        _write(sheet.cell(line, 1), note)
    top = len(notes) + 2
    for at, (title, width) in enumerate(GUIDE, start=1):
        sheet.cell(top, at, title).font = Font(bold=True)
        sheet.column_dimensions[letters(at)].width = width
    for line, column in enumerate(columns, start=top + 1):
        texts = (column.title, column.needed, column.what, column.example, column.hint)
        for at, text in enumerate(texts, start=1):
            cell = sheet.cell(line, at)
            _write(cell, text)
            cell.alignment = Alignment(vertical="top", wrap_text=True)


def _write_lists(book: Any, lists: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The lists on a hidden sheet, beside each other; where each stands. Excel takes 255 characters in line."""
    if not lists:
        return {}
    sheet = book.create_sheet(LISTS_SHEET)
    sheet.sheet_state = "hidden"
    ranges = {}
    for at, (title, texts) in enumerate(lists.items(), start=1):
        for line, text in enumerate((title, *texts), start=1):
            _write(sheet.cell(line, at), text)
        ranges[title] = f"'{LISTS_SHEET}'!${letters(at)}$2:${letters(at)}${max(len(texts), 1) + 1}"
    return ranges


def _offer(sheet: Any, at: int, where: str, column: InputColumn, *, last: int) -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    offered = DataValidation(type="list", formula1=where, allow_blank=True, showErrorMessage=True)
    offered.errorStyle = "stop" if column.is_closed else "warning"
    offered.errorTitle = column.title[:32]
    offered.error = (
        "Chọn một giá trị trong danh sách." if column.is_closed else "Giá trị này không có trong danh sách. Vẫn ghi?"
    )
    offered.add(f"{letters(at)}2:{letters(at)}{last}")
    sheet.add_data_validation(offered)
