"""Chuyển đơn vị: records of ended communes, what may follow at once and what waits for a clerk's choice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import pages
from admin_views.base import BASE_URL
from admin_views.query import row_id
from admin_views.site import OcopAdmin, Page
from app.current import today
from app.errors import OcopError
from app.services import moving
from app.services.moving import Leaving, Moving, Waiting
from app.session import OcopSession
from models.base import screens
from models.rules.words import day, number

HREF = f"{BASE_URL}/moving"
RIGHT = ("commune", "import")
SHOWN = 50


@dataclass(frozen=True)
class WaitingRow:
    """One record with the units it may go to; options hold no choice, likely says why one is first."""

    name: pages.Cell
    was: pages.Cell
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
    waiting_title: str
    waiting: Sequence[WaitingRow]
    choose_href: str
    unknown_title: str
    unknown: Sequence[Sequence[pages.Cell]]
    empty: str


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
    form = {name: str(value) for name, value in (await request.form(max_fields=10)).items()}
    model = screens().get(form.get("loai", ""))
    if model is None:
        raise HTTPException(400)
    row, version = row_id(form.get("ban-ghi", "")), row_id(form.get("version", ""))
    if not form.get("xa"):
        return await _page(admin, request, "Chưa chọn xã mới. Chọn một xã trong danh sách rồi bấm Chuyển.")
    commune = row_id(form["xa"])

    def work() -> int:
        with admin.database.writing.begin() as session:
            return moving.choose(session, model, row, commune, version=version, today=today()).id

    return await _done(admin, request, work, back=HREF)


async def _done(admin: OcopAdmin, request: Request, work: Callable[[], int], back: str = "") -> Response:
    try:
        batch_id = await anyio.to_thread.run_sync(work)
    except OcopError as refusal:
        return await _page(admin, request, str(refusal))
    return RedirectResponse(back or f"{BASE_URL}/import/{batch_id}", status_code=303)


async def _page(admin: OcopAdmin, request: Request, refusal: str = "") -> Response:
    def make(session: OcopSession) -> MovingPage:
        found = moving.look(session, today())
        return _shown(found, moving.waiting(session, found), refusal)

    return await admin.show(request, "ocop/moving.html", make, status=409 if refusal else 200)


def _shown(found: Moving, waiting: Sequence[Waiting], refusal: str) -> MovingPage:
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
        waiting_title=f"Chọn xã mới: {number(divided)} bản ghi của xã đã chia" if divided else "",
        waiting=[_waiting(found, each) for each in waiting],
        choose_href=f"{HREF}/choose",
        unknown_title=f"{number(unknown)} bản ghi chưa rõ đơn vị kế tục" if unknown else "",
        unknown=[_row(found, leaving) for leaving in found.unknown],
        empty="" if found.whole or divided or unknown else "Không còn bản ghi nào ở xã, phường đã hết hiệu lực.",
    )


_COLUMNS = ("Xã, phường cũ", "Đơn vị kế tục", "Bản ghi")


def _rows(found: Moving) -> list[list[pages.Cell]]:
    return [_row(found, leaving) for leaving in found.whole[:SHOWN]]


def _more(found: Moving) -> str:
    left = len(found.whole) - SHOWN
    return f"và {number(left)} xã, phường khác" if left > 0 else ""


def _row(found: Moving, leaving: Leaving) -> list[pages.Cell]:
    heirs = ", ".join(found.units[heir].name for heir in leaving.heirs)
    return [_was(found, leaving.commune_id), pages.Cell(heirs or "chưa rõ"), pages.Cell(moving.counted(leaving.counts))]


def _was(found: Moving, commune_id: int) -> pages.Cell:
    unit = found.units[commune_id]
    until = f"đến {day(unit.valid_to)}" if unit.valid_to else ""
    return pages.Cell(unit.name, second=", ".join(filter(None, (unit.district or unit.province, until))))


def _waiting(found: Moving, each: Waiting) -> WaitingRow:
    heirs = sorted(each.heirs, key=lambda heir: heir != each.likely)
    href = f"{BASE_URL}/{each.model.__screen__}/details/{each.row_id}"
    return WaitingRow(
        name=pages.Cell(each.name, href=href, second=each.model.__label__),
        was=_was(found, each.commune_id),
        address=each.address,
        likely=f"Địa chỉ nhắc đến {found.units[each.likely].name}." if each.likely else "",
        options=[
            pages.Option("", "Chưa chọn"),
            *(pages.Option(str(h), found.units[h].name, "gợi ý" if h == each.likely else "") for h in heirs),
        ],
        id=f"xa-{each.model.__screen__}-{each.row_id}",
        hidden=[("loai", str(each.model.__screen__)), ("ban-ghi", str(each.row_id)), ("version", str(each.version))],
    )


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
    Page("/moving/choose", "moving-choose", choose, ("POST",), RIGHT),
)
