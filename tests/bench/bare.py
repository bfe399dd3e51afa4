"""The raw limit: the same rows by plain sqlite3, joined to a string, from a bare Starlette route under uvicorn.

Also the writer of Excel files given tuples that are ready. Started as a process: `python -m tests.bench.bare PORT`.
"""

import os
import sqlite3
import sys
from collections.abc import Iterator
from datetime import date

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route

from app.files import stream
from app.table import Column, Table

COLUMNS = 12
ROW = (
    *(
        "Mứt dừa đặc sản Thạnh Phú",
        "HTX nông nghiệp Đào Hương Thạnh Phú",
        "Đồ ăn nhanh",
        "Xã Thạnh Phú",
        "",
        "Vĩnh Long",
    ),
    *(3, date(2028, 12, 20), 4, "Kế hoạch kinh doanh", "2026", "Chờ kiểm tra"),
)

_ROWS = """
SELECT p.id, p.name, e.name, g.name, c.name, d.name, v.name,
       r.stars, r.expires_on, s.number, s.short_name, y.year, t.state
FROM products p LEFT JOIN entities e ON e.id = p.entity_id LEFT JOIN product_groups g ON g.id = p.group_id
LEFT JOIN communes c ON c.id = p.commune_id LEFT JOIN districts d ON d.id = c.district_id
LEFT JOIN provinces v ON v.id = c.province_id
LEFT JOIN ratings r ON r.id = (SELECT id FROM ratings WHERE product_id = p.id ORDER BY decided_on DESC, id DESC LIMIT 1)
LEFT JOIN participations t ON t.id = (SELECT max(id) FROM participations WHERE product_id = p.id)
LEFT JOIN cycle_steps s ON s.id = t.step_id LEFT JOIN cycles y ON y.id = t.cycle_id WHERE p.id IN (%s)
"""


class Bare:
    """One connection, used by the event loop alone."""

    def __init__(self, database: str) -> None:
        self.connection = sqlite3.connect(database, check_same_thread=False)
        self.connection.execute("PRAGMA mmap_size=268435456")

    async def list(self, request: Request) -> HTMLResponse:
        """?column=province_id&places=1,2 narrows; page=-1 is the last one; word searches."""
        params = request.query_params
        column, places = params.get("column", ""), params.get("places", "").split(",")
        assert column in ("", "province_id", "commune_id")
        down = " DESC" if params.get("page") == "-1" else ""
        found: list[tuple[str, int]] = []
        count = 0
        for place in places:
            where, values = (f"{column} = ?", [int(place)]) if column else ("1", [])
            if word := params.get("word"):
                where += " AND id IN (SELECT rowid FROM products_fts WHERE products_fts MATCH ?)"
                values.append(f'"{word}"')  # type: ignore[arg-type]  # values of one statement
            found += self.connection.execute(
                f"SELECT sort_key, id FROM products WHERE {where} ORDER BY sort_key{down}, id{down} LIMIT 25", values
            )
            count += self.connection.execute(
                f"SELECT count(*) FROM (SELECT 1 FROM products WHERE {where} LIMIT 10001)", values
            ).fetchone()[0]
        keys = [key for _, key in sorted(found, reverse=bool(down))[:25]]
        rows = self.connection.execute(_ROWS % ",".join("?" * len(keys)), keys).fetchall()
        cells = "".join(f"<tr>{''.join(f'<td>{value}</td>' for value in row)}</tr>" for row in rows)
        return HTMLResponse(f"<table>{cells}</table>{count}")

    async def export(self, request: Request) -> StreamingResponse:
        rows = int(request.query_params["rows"])
        columns = tuple(Column(f"Cột {n}", "text", 14) for n in range(COLUMNS))

        def ready() -> Iterator[tuple[str | int | date, ...]]:
            for _ in range(rows):
                yield ROW

        return StreamingResponse(stream([Table(columns=columns, rows=ready(), sheet="Sản phẩm")]))


def main() -> None:
    bare = Bare(os.environ["OCOP_DATABASE_URL"].removeprefix("sqlite:///"))
    app = Starlette(routes=[Route("/list", bare.list), Route("/export", bare.export)])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
