"""Tổng hợp theo địa giới: the books on the map of a chosen day, as a page and as a workbook; lists narrowed to places.

Every figure opens the list that it counts, by the communes which the records bear.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from admin_views import pages
from admin_views.base import BASE_URL
from admin_views.export import FILE_TYPE, about_table
from admin_views.query import BadQuery, ListFilter
from admin_views.site import OcopAdmin, Page
from app.current import actor, today
from app.database import Database
from app.files import Written, stream
from app.services.geography import COLUMNS, STARS, Level, Line, Summary, recorded_in, summary
from app.services.place_names import place_words
from app.session import OcopSession
from app.table import Column, Table
from models import Commune
from models.base import Placed
from models.rules.access import may
from models.rules.places import DAY, NO_DISTRICTS_FROM
from models.rules.rating import Recognition
from models.rules.words import VIETNAM, day, moment, number, read_day

HREF = f"{BASE_URL}/report/dia-gioi"
TITLE = "Tổng hợp theo địa giới"
RIGHT = ("entity", "list")
# More lines than anyone reads on a screen; the workbook has them all.
MOST_LINES = 500
# A longer address is cut by some proxies.
MOST_PLACES = 300
NAMED = 3
_STANDING = "công nhận còn hiệu lực hôm nay"


# ---- lists narrowed to places ------------------------------------------------------------------------------------


class Places(NamedTuple):
    """Communes, and the day on which rows are to bear them."""

    ids: tuple[int, ...]
    day: date


def places_filter(model: type[Placed]) -> ListFilter:
    """Rows that bear one of several communes: “12,45”, as a figure of a report or a map asks for them.

    “12,45@2025-06-30” asks for what they bore on that day.
    """

    def read(text: str) -> Places:
        ids, _, on = text.partition("@")
        if len(text) > 10 * MOST_PLACES or not all(part.isascii() and part.isdigit() for part in ids.split(",")):
            raise ValueError(text)
        return Places(tuple(int(part[:9]) for part in ids.split(",")), date.fromisoformat(on) if on else today())

    return ListFilter(
        name="places",
        label="Ghi tại",
        kind="lookup",
        read=read,
        where=lambda asked: recorded_in(model, asked.day).in_(asked.ids),
        words=_places_words,
        in_panel=False,
        screen=Commune.__screen__,
    )


def _places_words(session: OcopSession, asked: Places) -> str:
    ids = asked.ids
    seen = session.scalars(select(Commune.id).where(Commune.id.in_(ids)).order_by(Commune.sort_key)).all()
    words = place_words(session, [(unit, None) for unit in seen], today())
    if len(seen) == 1:
        return words[seen[0], None].line
    names = list(dict.fromkeys(words[unit, None].today for unit in seen))
    more = len(names) - min(len(names), NAMED)
    return ", ".join(names[:NAMED]) + (f" và {number(more)} đơn vị khác" if more and names else "") or "(ngoài địa bàn)"


def list_href(screen: str, communes: Sequence[int], on: date, **more: Any) -> str:
    """The list of what these communes bear, or bore on a day; empty where there is nothing to open."""
    rights = actor().rights
    if not communes or len(communes) > MOST_PLACES or not all(may(rights, s, "list") for s in (screen, "commune")):
        return ""
    places = ",".join(map(str, communes)) + (f"@{on.isoformat()}" if on < today() else "")
    pairs = {"places": places, **{name: str(value) for name, value in more.items()}}
    return f"{BASE_URL}/{screen}/list?{urlencode(pairs, safe=',@')}"


# ---- the page ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReportPage:
    head: pages.Head
    notes: Sequence[pages.Note]
    day: str
    levels: Sequence[pages.Option]
    hidden: Sequence[tuple[str, str]]
    days: Sequence[pages.Link]
    table_title: str
    columns: Sequence[str]
    rows: Sequence[pages.ListRow]
    total: Sequence[pages.Cell]


@dataclass(frozen=True)
class Asked:
    """What the address says: the day of the map, the level of its lines, one province or all."""

    day: date
    level: Level
    province_id: int | None

    def href(self, page: str = "", **changes: Any) -> str:
        pairs = {"ngay": day(self.day), "muc": self.level.value, "tinh": self.province_id or "", **changes}
        return f"{HREF}{page}?{urlencode({name: value for name, value in pairs.items() if value}, safe='/')}"


def asked(params: Mapping[str, str]) -> Asked:
    typed = params.get("ngay", "").strip()
    try:
        on = read_day(typed) if typed else today()
    except (ValueError, OverflowError):
        raise BadQuery(what="Ngày của địa giới", text=typed) from None
    province = params.get("tinh", "").strip()
    if province and not (province.isascii() and province.isdigit()):
        raise BadQuery(what="Tỉnh, thành phố", text=province)
    level = params.get("muc", "").strip()
    if level not in {"", *Level}:
        raise BadQuery(what="Cấp", text=level)
    found = Level(level) if level else Level.PROVINCE if _sees_provinces() and not province else Level.COMMUNE
    if found is Level.DISTRICT and on >= NO_DISTRICTS_FROM:
        found = Level.COMMUNE
    return Asked(on, found, int(province[:9]) if province else None)


def _sees_provinces() -> bool:
    """A person of the whole country begins with its provinces."""
    return actor().area.everything


async def report(admin: OcopAdmin, request: Request) -> Response:
    _check_rights()
    question = asked(request.query_params)
    return await admin.show(request, "ocop/geography.html", lambda session: report_page(session, question))


def _check_rights() -> None:
    if not may(actor().rights, "product", "list"):
        raise HTTPException(403)


def report_page(session: OcopSession, question: Asked) -> ReportPage:
    found = summary(session, question.day, question.level, province_id=question.province_id)
    notes = []
    if len(found.lines) > MOST_LINES:
        lines = number(len(found.lines))
        text = f"Có {lines} dòng, trang này hiện {MOST_LINES} dòng đầu. Chọn một tỉnh, hoặc xuất Excel."
        notes.append(pages.Note(text))
    unclear = sum(line.figures[1] for line in found.lines if not line.code)
    if unclear:
        text = (
            f"{number(unclear)} sản phẩm ở xã, phường đã chia tách hoặc chưa rõ đơn vị tương ứng tại ngày này. "
            "Các sản phẩm này nằm ở dòng “Chưa xác định” để tổng số không đổi."
        )
        notes.append(pages.Note(text))
    levels = [level for level in Level if level is not Level.DISTRICT or question.day < NO_DISTRICTS_FROM]
    return ReportPage(
        head=pages.Head(
            title=TITLE,
            sub=f"Số liệu hiện có trong sổ, xếp theo địa giới ngày {day(question.day)}",
            buttons=[pages.Link("Xuất Excel", question.href("/xlsx"), "file-spreadsheet")]
            if may(actor().rights, "product", "export")
            else [],
        ),
        notes=notes,
        day=day(question.day),
        levels=[pages.Option(level.value, level.label, selected=level is question.level) for level in levels],
        hidden=[("tinh", str(question.province_id))] if question.province_id else [],
        days=_days(question),
        table_title=f"{question.level.label}, địa giới ngày {day(question.day)}; hạng sao tính {_STANDING}",
        columns=("Đơn vị", "Mã", *COLUMNS),
        rows=[_row(question, line) for line in found.lines[:MOST_LINES]],
        total=[pages.Cell("Cộng"), pages.Cell(), *(pages.Cell(number(n)) for n in found.total)],
    )


def _days(question: Asked) -> list[pages.Link]:
    """The two maps people compare; the province of one is not in the other."""
    wanted = ((NO_DISTRICTS_FROM - DAY, "Trước sắp xếp"), (NO_DISTRICTS_FROM, "Sau sắp xếp"), (today(), "Hôm nay"))
    found = [pages.Link(f"{label}, {day(on)}", question.href(ngay=day(on), tinh="")) for on, label in wanted]
    if question.province_id:
        found.append(pages.Link("Mọi tỉnh", question.href(tinh="", muc=Level.PROVINCE.value)))
    return found


def _row(question: Asked, line: Line) -> pages.ListRow:
    href = ""
    if question.level is Level.PROVINCE and line.spot.province_id:
        href = question.href(tinh=line.spot.province_id, muc=Level.COMMUNE.value)
    on = question.day
    links = [list_href("entity", line.communes, on), list_href("product", line.communes, on)]
    links += [list_href("product", line.communes, on, stars=stars, recognition=Recognition.VALID) for stars in STARS]
    links.append("")  # no filter asks for two star classes at once
    links += [list_href("product", line.communes, on, recognition=r) for r in (Recognition.EXPIRED, Recognition.NONE)]
    cells = [
        pages.Cell(number(figure), href=link if figure else "")
        for figure, link in zip(line.figures, links, strict=True)
    ]
    name = pages.Cell(line.name, second=line.within)
    return pages.ListRow(line.code, line.name, href, [name, pages.Cell(line.code), *cells])


# ---- the workbook --------------------------------------------------------------------------------------------------


async def export(admin: OcopAdmin, request: Request) -> Response:
    _check_rights()
    question = asked(request.query_params)
    name = f"{TITLE} {question.day:%Y-%m-%d}.xlsx"
    plain = 'attachment; filename="ocop-dia-gioi.xlsx"'
    headers = {"content-disposition": f"{plain}; filename*=UTF-8''{quote(name)}", "cache-control": "no-store"}
    return StreamingResponse(workbook(admin.database, question), media_type=FILE_TYPE, headers=headers)


def workbook(database: Database, question: Asked) -> Iterator[bytes]:
    with database.reading() as session:
        found = summary(session, question.day, question.level, province_id=question.province_id)
    yield from stream([_table(found), _about(found)], Written())


def _table(found: Summary) -> Table:
    texts = (Column("Mã"), Column("Đơn vị", width=32), Column("Thuộc", width=40))
    rows: list[tuple[Any, ...]] = [(line.code, line.name, line.within, *line.figures) for line in found.lines]
    rows.append(("", "Cộng", "", *found.total))
    return Table((*texts, *(Column(label, "integer", 12) for label in COLUMNS)), rows, sheet="Địa giới")


def _about(found: Summary) -> Table:
    rows = [
        ("Báo cáo", TITLE),
        ("Địa giới tại ngày", day(found.day)),
        ("Cấp", found.level.label),
        ("Hạng sao", f"{_STANDING}, {day(today())}"),
        ("Người xuất", actor().name),
        ("Lúc", moment(datetime.now(UTC).astimezone(VIETNAM))),
        ("Số dòng", number(len(found.lines))),
    ]
    return about_table(rows)


PAGES = (
    Page("/report/dia-gioi", "geography", report, ("GET",), RIGHT, pages.MenuItem(TITLE, HREF, "world"), "Công việc"),
    Page("/report/dia-gioi/xlsx", "geography-export", export, ("GET",), ("product", "export")),
)
