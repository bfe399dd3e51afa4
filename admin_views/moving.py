"""Chuyển đơn vị: records of ended communes, what may follow at once and what waits for a clerk's choice.

The choice has a page for each divided commune: the units that took over its parts on a map, its records beneath.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import anyio.to_thread
from sqladmin.flash import Flash
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import pages
from admin_views.base import BASE_URL
from admin_views.forms import lower_first
from admin_views.map import heirs_map
from admin_views.places import WORK_LIST
from admin_views.query import row_id
from admin_views.site import OcopAdmin, Page
from app.current import today
from app.errors import OcopError
from app.services import moving
from app.services.moving import Leaving, Moving, Waiting
from app.session import OcopSession
from models import Commune, CommuneSuccession
from models.base import screens
from models.rules.words import day, number

HREF = f"{BASE_URL}/moving"
RIGHT = ("commune", "import")
SHOWN = 50
DIVIDED, UNKNOWN = "trang-chia", "trang-chua-ro"
ON_PAGE = 25


@dataclass(frozen=True)
class WaitingRow:
    """One record with the units it may go to; options hold no choice, likely says why one is first."""

    name: pages.Cell
    address: str
    likely: str
    options: Sequence[pages.Option]
    id: str
    hidden: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class MovingPage:
    head: pages.Head
    notes: Sequence[pages.Note]
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[pages.Cell]]
    more: str
    submit: str
    action: str
    divided_title: str
    divided_columns: Sequence[str]
    divided: Sequence[Sequence[pages.Cell]]
    divided_more: str
    divided_links: Sequence[pages.Link]
    unknown_title: str
    unknown: Sequence[Sequence[pages.Cell]]
    unknown_more: str
    unknown_pages: Sequence[pages.Link]
    unknown_links: Sequence[pages.Link]
    empty: str


@dataclass(frozen=True)
class ChoicePage:
    """Records of one divided commune. drawing: None where the units that took over have no boundaries."""

    head: pages.Head
    notes: Sequence[pages.Note]
    drawing: pages.Drawing | None
    title: str
    rows: Sequence[WaitingRow]
    action: str
    pager: str
    previous_href: str
    next_href: str


async def show(admin: OcopAdmin, request: Request) -> Response:
    if request.method == "GET":
        return await _page(admin, request)
    form = await request.form(max_fields=10)
    if form.get("confirm") != "1":
        return await admin.show(request, "ocop/check.html", _check)
    seen = str(form.get("seen", ""))

    def work() -> int:
        with admin.database.writing.begin() as session:
            return moving.move(session, today=today(), seen=seen).id

    return await _done(admin, request, work)


async def choose(admin: OcopAdmin, request: Request) -> Response:
    if request.method == "GET":
        return await _choices(admin, request, request.query_params)
    form = {name: str(value) for name, value in (await request.form(max_fields=10)).items()}
    model = screens().get(form.get("loai", ""))
    if model is None:
        raise HTTPException(400)
    row, version = row_id(form.get("ban-ghi", "")), row_id(form.get("version", ""))
    if not form.get("xa"):
        return await _choices(admin, request, form, "Chưa chọn xã mới. Chọn một xã trong danh sách rồi bấm Chuyển.")
    commune = row_id(form["xa"])

    def work() -> tuple[str, bool]:
        with admin.database.writing.begin() as session:
            batch = moving.choose(session, model, row, commune, version=version, today=today())
            name, heir = session.get_one(model, row), session.get_one(Commune, commune)
            done = (
                f"Đã chuyển {lower_first(model.__label__)} “{name}” sang {heir.name}, đợt số {batch.number}. "
                "Hoàn tác được ở trang của đợt này, trong Đợt nhập."
            )
        with admin.database.reading() as session:
            left = {each.commune_id for each in moving.look(session, today()).divided}
        return done, form.get("tu", "") in map(str, left)

    try:
        done, more = await anyio.to_thread.run_sync(work)
    except OcopError as refusal:
        return await _choices(admin, request, form, str(refusal))
    Flash.success(request, done)
    return RedirectResponse(choice_href(form["tu"], form.get("trang", "")) if more else HREF, status_code=303)


def choice_href(commune_id: int | str, page: int | str = "") -> str:
    return f"{HREF}/choose?tu={commune_id}" + (f"&trang={page}" if page not in ("", "1", 1) else "")


async def _choices(admin: OcopAdmin, request: Request, asked: Mapping[str, str], refusal: str = "") -> Response:
    """The page of one divided commune; the page of all where nothing of it waits any more."""
    number_, on = _page_of(asked, "trang"), today()
    commune = row_id(asked["tu"]) if asked.get("tu") else 0

    def make(session: OcopSession) -> tuple[str, MovingPage | ChoicePage]:
        found = moving.look(session, on)
        leaving = next((each for each in found.divided if each.commune_id == commune), None)
        if leaving is None:
            return "ocop/moving.html", _shown(found, refusal or (str(moving.NotThere()) if commune else ""))
        return "ocop/choice.html", _choice(session, found, leaving, number_, refusal)

    return await admin.show_either(request, make, status=409 if refusal else 200)


async def _done(admin: OcopAdmin, request: Request, work: Callable[[], int]) -> Response:
    try:
        batch_id = await anyio.to_thread.run_sync(work)
    except OcopError as refusal:
        return await _page(admin, request, str(refusal))
    return RedirectResponse(f"{BASE_URL}/import/{batch_id}", status_code=303)


async def _page(admin: OcopAdmin, request: Request, refusal: str = "") -> Response:
    asked = request.query_params

    def make(session: OcopSession) -> MovingPage:
        return _shown(moving.look(session, today()), refusal, _page_of(asked, DIVIDED), _page_of(asked, UNKNOWN))

    return await admin.show(request, "ocop/moving.html", make, status=409 if refusal else 200)


def _page_of(asked: Mapping[str, str], name: str) -> int:
    typed = asked.get(name, "")
    return max(int(typed[:6]), 1) if typed.isascii() and typed.isdigit() else 1


@dataclass(frozen=True)
class _Part:
    """Communes of one page of a list; more: which of how many, empty when all are shown."""

    shown: Sequence[Leaving]
    more: str
    links: Sequence[pages.Link]


def _part(leaving: Sequence[Leaving], name: str, page: int, kept: Mapping[str, int]) -> _Part:
    """kept: the pages of the other lists, which stay as they are."""
    total, last = len(leaving), max(-(-len(leaving) // SHOWN), 1)
    page = min(page, last)
    first = (page - 1) * SHOWN

    def href(to: int) -> str:
        pairs = {key: value for key, value in {**kept, name: to}.items() if value > 1}
        return f"{HREF}?{urlencode(pairs)}" if pairs else HREF

    links = [pages.Link("Trang trước", href(page - 1))] if page > 1 else []
    links += [pages.Link("Trang sau", href(page + 1))] if page < last else []
    shown = leaving[first : first + SHOWN]
    more = f"Xã, phường {number(first + 1)}–{number(first + len(shown))} trong {number(total)}" if last > 1 else ""
    return _Part(shown, more, links)


def _shown(found: Moving, refusal: str, divided_page: int = 1, unknown_page: int = 1) -> MovingPage:
    split = _part(found.divided, DIVIDED, divided_page, {UNKNOWN: unknown_page})
    open_ = _part(found.unknown, UNKNOWN, unknown_page, {DIVIDED: divided_page})
    divided = sum(leaving.counts.total() for leaving in found.divided)
    unknown = sum(leaving.counts.total() for leaving in found.unknown)
    return MovingPage(
        head=pages.Head(
            title="Chuyển đơn vị",
            sub="Bản ghi còn ở xã, phường đã hết hiệu lực. Địa chỉ đã in và nơi ghi ban đầu được giữ nguyên.",
        ),
        notes=[pages.Note(refusal, "danger")] if refusal else [],
        title=f"{number(found.count)} bản ghi có đúng một đơn vị kế tục" if found.whole else "",
        columns=_COLUMNS,
        rows=_rows(found),
        more=_more(found),
        submit=f"Xem trước khi chuyển {number(found.count)} bản ghi…" if found.whole else "",
        action=HREF,
        divided_title=f"Chọn xã mới: {number(divided)} bản ghi của xã đã chia" if divided else "",
        divided_columns=("Xã, phường cũ", "Chọn một trong", "Bản ghi"),
        divided=[_row(found, leaving, choice_href(leaving.commune_id)) for leaving in split.shown],
        divided_more=split.more,
        divided_links=split.links,
        unknown_title=f"{number(unknown)} bản ghi chưa rõ đơn vị kế tục" if unknown else "",
        unknown=[_row(found, leaving) for leaving in open_.shown],
        unknown_more=open_.more,
        unknown_pages=open_.links,
        unknown_links=[
            pages.Link("Nhập bảng chuyển đổi", f"{BASE_URL}/import?loai={CommuneSuccession.__screen__}"),
            pages.Link("Mọi xã chưa rõ đơn vị kế tục", WORK_LIST),
        ],
        empty="" if found.whole or divided or unknown else "Không còn bản ghi nào ở xã, phường đã hết hiệu lực.",
    )


_COLUMNS = ("Xã, phường cũ", "Đơn vị kế tục", "Bản ghi")


def _rows(found: Moving) -> list[list[pages.Cell]]:
    return [_row(found, leaving) for leaving in found.whole[:SHOWN]]


def _more(found: Moving) -> str:
    left = len(found.whole) - SHOWN
    return f"và {number(left)} xã, phường khác" if left > 0 else ""


def _row(found: Moving, leaving: Leaving, href: str = "") -> list[pages.Cell]:
    heirs = ", ".join(found.units[heir].name for heir in leaving.heirs)
    count = moving.counted(leaving.counts)
    return [
        replace(_was(found, leaving.commune_id), href=href),
        pages.Cell(heirs or "chưa rõ"),
        pages.Cell(count),
    ]


def _was(found: Moving, commune_id: int) -> pages.Cell:
    unit = found.units[commune_id]
    until = f"đến {day(unit.valid_to)}" if unit.valid_to else ""
    return pages.Cell(unit.name, second=", ".join(filter(None, (unit.district or unit.province, until))))


def _choice(session: OcopSession, found: Moving, leaving: Leaving, page: int, refusal: str) -> ChoicePage:
    total = leaving.counts.total()
    page = min(page, -(-total // ON_PAGE))
    rows = moving.waiting(session, found, leaving.commune_id, first=(page - 1) * ON_PAGE, most=ON_PAGE)
    first = (page - 1) * ON_PAGE + 1
    heirs = [(heir, found.units[heir].name) for heir in leaving.heirs]
    unit = leaving.unit
    drawing = heirs_map(session, unit.name, heirs, today())
    notes = [pages.Note(refusal, "danger")] if refusal else []
    if drawing is None:
        notes.append(
            pages.Note(
                "Chưa có ranh giới của các xã này nên chỉ hiện bảng.",
                links=[pages.Link("Nhập ranh giới", f"{BASE_URL}/boundary")],
            )
        )
    return ChoicePage(
        head=pages.Head(
            title=f"Chọn xã mới: {unit.name}",
            sub=f"{_was(found, leaving.commune_id).second}. Đã chia cho {', '.join(name for _, name in heirs)}. Mỗi "
            "bản ghi chuyển riêng và hoàn tác được; địa chỉ đã in giữ nguyên.",
            crumbs=[pages.Link("Chuyển đơn vị", HREF)],
            here="Chọn xã mới",
        ),
        notes=notes,
        drawing=drawing,
        title=f"{number(total)} bản ghi chờ chọn",
        rows=[_waiting(found, each, page) for each in rows],
        action=f"{HREF}/choose",
        pager=f"Bản ghi {number(first)}–{number(first + len(rows) - 1)} trong {number(total)}"
        if total > ON_PAGE
        else "",
        previous_href=choice_href(leaving.commune_id, page - 1) if page > 1 else "",
        next_href=choice_href(leaving.commune_id, page + 1) if first + len(rows) <= total else "",
    )


def _waiting(found: Moving, each: Waiting, page: int) -> WaitingRow:
    heirs = sorted(each.heirs, key=lambda heir: heir != each.likely)
    href = f"{BASE_URL}/{each.model.__screen__}/details/{each.row_id}"
    return WaitingRow(
        name=pages.Cell(each.name, href=href, second=each.model.__label__),
        address=each.address or "(không ghi địa chỉ)",
        likely=f"Gợi ý: {found.units[each.likely].name}, vì {_why(each)}." if each.likely else "Không có gợi ý.",
        options=[
            pages.Option("", "Chưa chọn"),
            *(pages.Option(str(h), found.units[h].name, "gợi ý" if h == each.likely else "") for h in heirs),
        ],
        id=f"xa-{each.model.__screen__}-{each.row_id}",
        hidden=[
            ("loai", str(each.model.__screen__)),
            ("ban-ghi", str(each.row_id)),
            ("version", str(each.version)),
            ("tu", str(each.commune_id)),
            ("trang", str(page)),
        ],
    )


def _why(each: Waiting) -> str:
    return "chủ thể của sản phẩm ở xã này" if each.by_entity else "địa chỉ nhắc đến tên xã"


def _check(session: OcopSession) -> pages.CheckPage:
    found = moving.look(session, today())
    count = number(found.count)
    staying = [
        pages.ReasonGroup(
            sum(leaving.counts.total() for leaving in group),
            reason,
            ", ".join(leaving.unit.name for leaving in group[:8]),
            cure,
        )
        for group, reason, cure in (
            (found.divided, "Xã đã chia cho nhiều đơn vị.", "Chọn xã mới cho từng bản ghi."),
            (found.unknown, "Chưa rõ đơn vị kế tục.", "Nhập bảng chuyển đổi trước."),
        )
        if group
    ]
    return pages.CheckPage(
        head=pages.Head(title="Chuyển đơn vị", crumbs=[pages.Link("Chuyển đơn vị", HREF)], here="Xem trước"),
        can_title=f"{count} bản ghi sẽ chuyển",
        columns=_COLUMNS,
        can=_rows(found),
        can_more=_more(found),
        stay_title="Bản ghi giữ nguyên",
        stay=staying,
        form_title="Xác nhận" if found.whole else "Chưa có gì để chuyển",
        fields=[],
        note="Chưa có gì thay đổi. Khi xác nhận, các bản ghi cùng hồ sơ và kết quả của chúng chuyển sang đơn vị kế tục "
        "thành một đợt có số; hoàn tác được như một đợt nhập."
        if found.whole
        else str(moving.NothingToMove()),
        submit=f"Chuyển {count} bản ghi" if found.whole else "",
        danger=False,
        action=HREF,
        hidden=[("confirm", "1"), ("seen", found.mark)],
        cancel=pages.Link("Hủy, quay lại", HREF),
    )


PAGES = (
    Page(
        "/moving",
        "moving",
        show,
        ("GET", "POST"),
        RIGHT,
        menu=pages.MenuItem("Chuyển đơn vị", HREF, "map-pin"),
        category="Công việc",
    ),
    Page("/moving/choose", "moving-choose", choose, ("GET", "POST"), RIGHT),
)
