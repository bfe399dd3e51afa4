"""The list shape that goes between files, services and screens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Table:
    """Rows × columns; every row has as many cells as there are columns.

    rows: a list when read from a file; may be a generator, consumed once, when written to one.
    lines: the row number Excel shows for each row; empty for exports.
    notes: sentences for the clerk about what was left out or changed while reading.
    """

    columns: tuple[Column, ...]
    rows: Iterable[tuple[Cell, ...]]
    lines: Sequence[int] = ()
    sheet: str = ""
    notes: tuple[str, ...] = ()
