"""Xuất Excel: exactly what the list shows, streamed, with a sheet saying which filter, who, when and how many."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from admin_views.base import OcopView
from admin_views.pages_first import PagesFirst, let_by
from admin_views.query import ListQuery
from app.current import actor
from app.database import Database
from app.files import Written, stream
from app.files.titles import ABOUT_COLUMNS, ABOUT_SHEET
from app.table import Column, Table
from models.rules.words import number

FILE_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(
    database: Database, view: OcopView, query: ListQuery, *, on_counted: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """The .xlsx of a list, piece by piece; rows leave the database as the pieces are asked for.

    on_counted: told how many rows the list had, once the last one is written.
    """
    with database.reading() as session:
        table = view.export_table(session, query)
        table = replace(table, rows=_giving_way(table.rows))
        notes = view.export_notes(session, query, actor(), datetime.now(UTC))
        written = Written()

        def about() -> Iterator[tuple[Any, ...]]:
            count = written.rows  # asked for after the last row of the list
            if on_counted is not None:
                on_counted(count)
            yield from notes
            yield "Số dòng", number(count)
            if written.removed:
                yield "Ký tự điều khiển đã bỏ", number(written.removed)
            if written.shortened:
                yield "Ô dài hơn Excel nhận, đã cắt", number(written.shortened)

        yield from stream([table, about_table(about())], written)


def about_table(rows: Iterable[tuple[Any, ...]]) -> Table:
    """The sheet that says of a list what it is."""
    columns = tuple(Column(title, width=width) for title, width in zip(ABOUT_COLUMNS, (24, 60), strict=True))
    return Table(columns, rows, sheet=ABOUT_SHEET)


ROWS_BETWEEN_LOOKS = 25  # about a millisecond of work
LONGEST_WAIT = 0.05  # seconds


def _giving_way(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The rows, with a pause wherever a page is being made."""
    for count, row in enumerate(rows):
        if PagesFirst.waiting and not count % ROWS_BETWEEN_LOOKS:
            let_by(LONGEST_WAIT)
        yield row
