"""The list shape that goes between files, services and screens."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple


class CellError(NamedTuple):
    """A cell that holds no usable value: Excel's own error, or a formula saved without its result.

    text: what the cell shows, "#REF!"; for a formula the formula itself, or "=" when the file does not say.
    """

    text: str
    reason: Literal["error", "formula"]


Cell = str | int | float | Decimal | bool | date | datetime | CellError | None


@dataclass(frozen=True)
class Column:
    """One column: the label a clerk reads, how its numbers and dates look, its width in characters."""

    label: str
    kind: Literal["text", "date", "datetime", "integer", "number"] = "text"
    width: int = 18


DOUBLED = re.compile(r" \(cột [A-Z]{1,3}\)$")


def doubled(title: str, letters: str) -> str:
    """The label of a column whose title another one before it has: “Năm (cột H)”."""
    return f"{title} (cột {letters})"


def title_of(label: str) -> str:
    """A label without the letters that `doubled` put behind it."""
    return DOUBLED.sub("", label)


class LeftOut(NamedTuple):
    """Lines of a file that are no rows of its table.

    line: the first, as Excel shows it. text: what stood there, cells joined by " | ", "" for blank lines.
    why: a word for the clerk, one of those `app.files.body` names. cells: how many were filled.
    lines: how many follow each other; more than one only for blank lines.
    """

    line: int
    text: str
    why: str
    cells: int = 0
    lines: int = 1


class Conversion(NamedTuple):
    """One cell whose text was meant for an old font, as it stood and as it reads in Unicode."""

    line: int
    column: str
    before: str
    after: str


@dataclass(frozen=True)
class Table:
    """Rows × columns; every row has as many cells as there are columns.

    rows: a list when read from a file; may be a generator, consumed once, when written to one.
    lines: the row number Excel shows for each row; empty for exports.
    notes: sentences for the clerk about what was left out or changed while reading.

    Of a table read from a file also, so that every line is accounted for, in `lines`, `header` or `left_out`:
    header: the lines of its header. places: the letters of each column in the sheet, "" of one that
    is not in it.
    sheets: titles of the visible sheets; none for CSV. sheet_rows: lines with data of each, where they were counted.
    left_out, conversions: in the order of the file; a conversion is in a row or in the header.
    named_as_of: the day whose names its places have, where the file says so.
    """

    columns: tuple[Column, ...]
    rows: Iterable[tuple[Cell, ...]]
    lines: Sequence[int] = ()
    sheet: str = ""
    notes: tuple[str, ...] = ()
    header: tuple[int, ...] = ()
    places: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    sheet_rows: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    named_as_of: date | None = None

    def sheets_with_rows(self) -> list[tuple[str, int | None]]:
        """Titles of the visible sheets, and how many lines of each hold data, None where nobody counted."""
        return [(title, self.sheet_rows.get(title)) for title in self.sheets]
