"""Xuất Excel: exactly what the list shows, streamed, with a sheet saying which filter, who, when and how many."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from admin_views.base import OcopView
from admin_views.query import ListQuery
from app.current import actor
from app.database import Database
from app.files import Written, stream
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

        info = Table(columns=(Column("Mục", width=24), Column("Nội dung", width=60)), rows=about(), sheet="Thông tin")
        yield from stream([table, info], written)


# ---- others first ------------------------------------------------------------------------------------------------

ROWS_BETWEEN_LOOKS = 25  # about a millisecond of work
LONGEST_WAIT = 0.05  # seconds; so an export goes on, slowly, when pages are asked for without a break


class PagesFirst:
    """Counts the requests of this process that somebody waits for, exports excepted, so that exports let them by.

    Threads share one interpreter: beside a running export a page waited for its turn some sixty times.
    """

    waiting = 0

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/export/" in scope["path"]:
            await self.app(scope, receive, send)
            return
        PagesFirst.waiting += 1
        try:
            await self.app(scope, receive, send)
        finally:
            PagesFirst.waiting -= 1


def _giving_way(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The rows, with a pause wherever a page is being made."""
    for count, row in enumerate(rows):
        if PagesFirst.waiting and not count % ROWS_BETWEEN_LOOKS:
            until = monotonic() + LONGEST_WAIT
            while PagesFirst.waiting and monotonic() < until:
                sleep(0.001)
        yield row
