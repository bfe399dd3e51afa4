"""Hoàn tác đợt nhập: what an undo would do, in three lists, then the undo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import pages
from admin_views.base import BASE_URL
from admin_views.import_jobs import HREF, RIGHT, batch_of, done
from admin_views.imports import SHOWN
from admin_views.query import row_id
from admin_views.site import OcopAdmin, Page
from app.current import actor
from app.services.importing import undoing
from app.services.importing.undoing import Line, Undo
from app.session import OcopSession
from models import ImportBatch, JobTask
from models.base import Base
from models.rules.access import may
from models.rules.words import moment, number


@dataclass(frozen=True, slots=True)
class UndoRow:
    """kind: what the row is, “Xã, phường”. changes: from the value now to the value after the undo."""

    kind: str
    name: pages.Cell
    why: str
    changes: Sequence[pages.Change]


@dataclass(frozen=True, slots=True)
class UndoPart:
    """One of the three lists: its first rows. id: the anchor its count links to."""

    id: str
    title: str
    icon: str
    tone: str
    rows: Sequence[UndoRow]
    more: str


@dataclass(frozen=True, slots=True)
class ImportUndoPage:
    """What an undo would do; nothing has changed yet. submit is empty when nothing can go back."""

    head: pages.Head
    notes: Sequence[pages.Note]
    counts: Sequence[pages.Count]
    parts: Sequence[UndoPart]
    form_title: str
    note: str
    submit: str
    action: str
    hidden: Sequence[tuple[str, str]]
    cancel: pages.Link


async def show(admin: OcopAdmin, request: Request) -> Response:
    if request.method == "POST":
        return await _undo(admin, request)
    return await _page(admin, request)


async def _undo(admin: OcopAdmin, request: Request) -> Response:
    pk = row_id(request.path_params["batch"])
    seen = (await request.form(max_fields=10)).get("seen", "")

    def arguments(batch: ImportBatch) -> dict[str, Any]:
        _refuse_others(batch)
        return {"seen": seen if isinstance(seen, str) else ""}

    if refusal := await done(admin, pk, JobTask.UNDO, arguments):
        return await _page(admin, request, refusal)
    return RedirectResponse(f"{HREF}/{pk}", status_code=303)


async def _page(admin: OcopAdmin, request: Request, refusal: str = "") -> Response:
    pk = row_id(request.path_params["batch"])

    def make(session: OcopSession) -> ImportUndoPage:
        batch = batch_of(session, pk)
        _refuse_others(batch)
        return _shown(batch, undoing.look(session, batch), refusal)

    return await admin.show(request, "ocop/import_undo.html", make, status=409 if refusal else 200)


def _refuse_others(batch: ImportBatch) -> None:
    if not may(actor().rights, batch.screen, "import"):
        raise HTTPException(403)


def _shown(batch: ImportBatch, found: Undo, refusal: str) -> ImportUndoPage:
    count, kept = number(len(found.reversed)), len(found.kept) + len(found.blocked)
    assert batch.applied_at is not None
    return ImportUndoPage(
        head=pages.Head(
            title=f"Hoàn tác đợt nhập số {batch.number}",
            sub=f"Tệp {batch.file_name}, nhập lúc {moment(batch.applied_at)} bởi {batch.made_by}. "
            "Chưa có gì thay đổi cho đến khi bấm nút xác nhận.",
            crumbs=[pages.Link("Nhập liệu", HREF), pages.Link(f"Số {batch.number}", f"{HREF}/{batch.id}")],
            here="Hoàn tác",
        ),
        notes=[pages.Note(refusal, "danger")] if refusal else [],
        counts=[
            pages.Count(count, "Trả lại như trước", "arrow-back-up", "ok", "#tra-lai" if found.reversed else ""),
            pages.Count(
                number(len(found.kept)), "Giữ vì đã sửa sau đó", "pencil", "wait", "#da-sua" if found.kept else ""
            ),
            pages.Count(
                number(len(found.blocked)),
                "Giữ vì đang được dùng",
                "hand-stop",
                "warn",
                "#dang-dung" if found.blocked else "",
            ),
        ],
        parts=[
            _part("da-sua", "giữ vì đã sửa sau đó", "pencil", "warn", found.kept),
            _part("dang-dung", "giữ vì đang được dùng", "hand-stop", "warn", found.blocked),
            _part("tra-lai", "trả lại như trước", "circle-check", "ok", found.reversed),
        ],
        form_title="Xác nhận" if found.reversed else "Chưa hoàn tác được",
        note="Hoàn tác không lấy lại được. Muốn có lại các dòng này thì nhập lại tệp."
        if found.reversed
        else str(undoing.NothingToUndo(number=batch.number)),
        submit=f"Hoàn tác {count} dòng{f', giữ {number(kept)} dòng' if kept else ''}" if found.reversed else "",
        action=f"{HREF}/{batch.id}/undo",
        hidden=[("seen", found.mark)],
        cancel=pages.Link("Hủy, quay lại đợt nhập", f"{HREF}/{batch.id}"),
    )


def _part(part_id: str, words: str, icon: str, tone: str, lines: Sequence[Line]) -> UndoPart:
    left = len(lines) - SHOWN
    return UndoPart(
        id=part_id,
        title=f"{number(len(lines))} dòng {words}",
        icon=icon,
        tone=tone,
        rows=[_row(line) for line in lines[:SHOWN]],
        more=f"và {number(left)} dòng khác" if left > 0 else "",
    )


def _row(line: Line) -> UndoRow:
    changes = [pages.Change(label, current, then) for label, current, then in line.changes]
    return UndoRow(line.model.__label__, pages.Cell(line.label, _href(line.model, line)), line.reason, changes)


def _href(model: type[Base], line: Line) -> str:
    """Where the row is read; none for one that is not there, or has no record of its own."""
    screen = str(model.__screen__)
    if model.__screen__ is None or not line.is_there or not may(actor().rights, screen, "details"):
        return ""
    return f"{BASE_URL}/{screen}/details/{line.row_id}"


PAGES = (Page("/import/{batch}/undo", "import-undo", show, ("GET", "POST"), RIGHT),)
