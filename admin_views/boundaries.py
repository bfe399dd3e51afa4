"""Ranh giới: upload a GeoJSON → what it would do → confirm; the shapes there are, to give back or to delete.

Between the pages the file waits under its hash beside those of imports; nothing is written before the confirmation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

import anyio.to_thread
from sqlalchemy import select
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from admin_views import pages
from admin_views.base import BASE_URL
from admin_views.forms import ClerkForm, DayField, TextField
from admin_views.places import province_options
from admin_views.query import row_id
from admin_views.site import OcopAdmin, Page
from app.current import actor
from app.errors import OcopError
from app.files import MAX_BYTES
from app.services import boundaries
from app.services.boundaries import Kept, Plan
from app.services.importing import originals
from app.session import OcopSession
from models import Boundary, Commune
from models.base import FieldInfo
from models.rules.words import day, number, read_day

HREF = f"{BASE_URL}/boundary"
RIGHT = ("commune", "import")
TITLE = "Ranh giới xã, phường"
CRUMB = pages.Link(TITLE, HREF)
ACCEPT = ".geojson,.json"
SHOWN = 50


class UploadForm(ClerkForm):
    as_of = DayField(FieldInfo("Ranh giới tại ngày", hint="ngày bản đồ có hiệu lực, ví dụ 01/07/2025"), required=False)
    province = TextField(FieldInfo("Tỉnh của tệp", hint="hình của tỉnh khác bị từ chối"), required=False, max_length=2)


@dataclass(frozen=True)
class KeptRow:
    """One province and day; hidden is what the button “Xóa…” posts."""

    province: str
    day: str
    count: str
    file_href: str
    hidden: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class BoundariesPage:
    head: pages.Head
    fields: Sequence[pages.Field]
    accept: str
    limit: str
    errors: Sequence[tuple[str, str]]
    action: str
    delete_href: str
    kept: Sequence[KeptRow]


class TooOld(OcopError):
    sentence = "Tệp xem trước không còn được giữ. Chọn lại tệp rồi xem trước lần nữa."


async def show(admin: OcopAdmin, request: Request) -> Response:
    if request.method == "GET":
        return await _page(admin, request, UploadForm())
    async with request.form(max_files=1, max_fields=20) as data:
        form, file = UploadForm(data), data.get("file")
        content, name = (await file.read(), file.filename or "") if isinstance(file, UploadFile) else (b"", "")
        given = {key: value for key, value in data.items() if isinstance(value, str)}
    if given.get("confirm") == "1":
        return await _confirm(admin, request, given)
    form.validate()
    mistakes = []
    if not form.as_of.typed.strip():
        mistakes.append(("Ghi ngày của ranh giới, ví dụ 01/07/2025.", "as_of"))
    if not name:
        mistakes.append(("Chọn tệp GeoJSON cần nhập.", "file"))
    elif mistakes or form.has_mistakes():
        mistakes += _unreadable(content)
    else:
        try:
            return await admin.show(
                request, "ocop/check.html", lambda session: _check(admin, session, form, content, name)
            )
        except OcopError as refusal:
            mistakes.append((str(refusal), "file"))
    return await _page(admin, request, form, [*mistakes, *form.error_list()])


def _unreadable(content: bytes) -> list[tuple[str, str]]:
    """What is wrong with the file itself, said together with what is missing beside it."""
    try:
        boundaries.read(content)
    except OcopError as refusal:
        return [(str(refusal), "file")]
    return []


async def _page(
    admin: OcopAdmin, request: Request, form: UploadForm, mistakes: Sequence[tuple[str, str]] = ()
) -> Response:
    def make(session: OcopSession) -> BoundariesPage:
        return BoundariesPage(
            head=pages.Head(
                title=TITLE,
                sub="Hình của từng xã trên bản đồ trang chủ, trang xã và trang chọn xã mới.",
                crumbs=[pages.Link(Commune.__plural__, f"{BASE_URL}/commune/list")],
            ),
            fields=[replace(form.as_of.shown(), required=True), *_province_field(session, form)],
            accept=ACCEPT,
            limit=f"{MAX_BYTES // 1024**2} MB",
            errors=mistakes,
            action=HREF,
            delete_href=f"{HREF}/delete",
            kept=[_kept_row(each) for each in boundaries.kept(session)],
        )

    return await admin.show(request, "ocop/boundaries.html", make, status=400 if mistakes else 200)


def _province_field(session: OcopSession, form: UploadForm) -> list[pages.Field]:
    """Asked of who sees the whole country; the files of others are held to their area."""
    if not actor().area.everything:
        return []
    return [replace(form.province.shown(), kind="choice", options=province_options(session), width="medium")]


def _kept_row(each: Kept) -> KeptRow:
    named = {"tinh": str(each.province_id), "ngay": day(each.as_of)}
    return KeptRow(
        province=each.province,
        day=day(each.as_of),
        count=number(each.count),
        file_href=f"{HREF}/geojson?{urlencode(named, safe='/')}",
        hidden=[*named.items(), ("seen", str(each.count))],
    )


# ---- check and confirmation ----------------------------------------------------------------------------------------


def _check(admin: OcopAdmin, session: OcopSession, form: UploadForm, content: bytes, name: str) -> pages.CheckPage:
    assert form.as_of.data is not None
    province = form.province.data or None
    planned = boundaries.plan(session, boundaries.read(content), as_of=form.as_of.data, province=province)
    written, refused = len(planned.new) + len(planned.changed), planned.counts["refused"]
    submit = f"Ghi {number(written)} hình" + (f", bỏ {number(refused)} hình bị từ chối" if refused else "")
    same = f" {number(planned.same)} hình giữ nguyên." if planned.same else ""
    on = day(planned.as_of)
    return pages.CheckPage(
        head=pages.Head(
            title=f"Ranh giới tại ngày {on}",
            sub=f"Tệp {name}: {number(len(planned.new))} hình mới, {number(len(planned.changed))} hình thay đổi, "
            f"{number(planned.same)} hình giữ nguyên, {number(refused)} hình bị từ chối. Chưa có gì thay đổi.",
            crumbs=[CRUMB],
            here="Xem trước",
        ),
        can_title=f"{number(written)} hình sẽ ghi",
        columns=("Xã, phường", "Hình"),
        can=_written(session, planned),
        can_more=f"và {number(written - SHOWN)} hình khác" if written > SHOWN else "",
        stay_title=f"{number(refused)} hình bị từ chối"
        + (f", dưới đây là {number(SHOWN)} hình đầu" if refused > SHOWN else ""),
        stay=[pages.ReasonGroup(1, r.sentence, f"Hình thứ {number(r.number)} trong tệp", "") for r in planned.refused][
            :SHOWN
        ],
        form_title="Xác nhận" if written else "Chưa có gì để ghi",
        fields=(),
        note=_note(planned, same),
        submit=submit if written else "",
        danger=False,
        action=HREF,
        hidden=[
            ("confirm", "1"),
            ("file", originals.keep(admin.jobs.originals, content)),
            ("ngay", on),
            ("tinh", province or ""),
            ("seen", planned.mark),
        ],
        cancel=pages.Link("Hủy, quay lại trang Ranh giới", HREF),
    )


def _note(planned: Plan, same: str) -> str:
    on = day(planned.as_of)
    if planned.changed:
        return (
            f"{number(len(planned.changed))} hình đang có của ngày {on} sẽ được thay.{same} Để sau này lấy lại được, "
            "tải tệp ranh giới đang có ở trang Ranh giới trước khi xác nhận; nhập lại tệp đó là hình cũ trở lại."
        )
    if planned.new:
        return f"Các hình này dùng từ ngày {on}; hình của ngày trước vẫn được giữ.{same}"
    return "Mọi hình đọc được đã có như trong tệp." if planned.same else "Sửa tệp theo các lý do đã nêu rồi tải lại."


def _written(session: OcopSession, planned: Plan) -> list[list[pages.Cell]]:
    shown = [*((each, "thay hình đang có") for each, _ in planned.changed), *((each, "mới") for each, _ in planned.new)]
    shown = shown[:SHOWN]
    wanted = select(Commune.id, Commune.name, Commune.code).where(Commune.id.in_([each for each, _ in shown]))
    names = {each: (name, code) for each, name, code in session.execute(wanted)}
    return [
        [pages.Cell(names[each][0], f"{BASE_URL}/commune/details/{each}", names[each][1]), pages.Cell(what)]
        for each, what in shown
    ]


async def _confirm(admin: OcopAdmin, request: Request, given: Mapping[str, str]) -> Response:
    as_of = _day(given)

    def work() -> Plan:
        try:
            content = originals.load(admin.jobs.originals, given.get("file", ""))
        except originals.OriginalGone:
            raise TooOld from None
        with admin.database.writing.begin() as session:
            shapes = boundaries.read(content)
            planned = boundaries.plan(session, shapes, as_of=as_of, province=given.get("tinh") or None)
            if planned.mark != given.get("seen"):
                raise boundaries.PlanChanged
            boundaries.apply(session, planned)
            return planned

    try:
        planned = await anyio.to_thread.run_sync(work)
    except OcopError as refusal:
        return await _page(admin, request, UploadForm(), [(str(refusal), "file")])
    return await admin.page(request, "ocop/result.html", _result(planned))


def _result(planned: Plan) -> pages.ResultPage:
    written, refused = len(planned.new) + len(planned.changed), planned.counts["refused"]
    return pages.ResultPage(
        head=pages.Head(title="Kết quả nhập ranh giới", crumbs=[CRUMB], here="Kết quả"),
        title=f"Đã ghi {number(written)} ranh giới tại ngày {day(planned.as_of)}" if written else "Chưa ghi hình nào",
        sub="Việc này có trong nhật ký." if written else "Mọi hình đã có như trong tệp hoặc bị từ chối.",
        tone="warn" if refused else "ok",
        counts=[
            pages.Count(number(len(planned.new)), "Mới", "plus", "ok"),
            pages.Count(number(len(planned.changed)), "Thay đổi", "edit", "wait"),
            pages.Count(number(planned.same), "Giữ nguyên", "equal", "mute"),
            pages.Count(number(refused), "Bị từ chối", "circle-x", "danger" if refused else "mute"),
        ],
        parts=[
            pages.ResultPart(
                "bi-tu-choi",
                f"{number(refused)} hình chưa ghi",
                ("Hình thứ", "Vì sao"),
                [[pages.Cell(number(r.number)), pages.Cell(r.sentence)] for r in planned.refused],
            )
        ]
        if refused
        else [],
        next_main=pages.Link("Xem bản đồ trên trang chủ", f"{BASE_URL}/#ban-do"),
        next_links=[pages.Link("Về trang Ranh giới", HREF)],
    )


# ---- giving back and deleting --------------------------------------------------------------------------------------


def _day(given: Mapping[str, str]) -> date:
    try:
        return read_day(given.get("ngay", ""))
    except (ValueError, OverflowError):
        raise HTTPException(400) from None


def _one(session: OcopSession, given: Mapping[str, str]) -> Kept:
    """What an address or a form names; 404 where the area has none of it."""
    wanted = row_id(given.get("tinh", "")), _day(given)
    found = next((each for each in boundaries.kept(session) if (each.province_id, each.as_of) == wanted), None)
    if found is None:
        raise HTTPException(404)
    return found


async def geojson(admin: OcopAdmin, request: Request) -> Response:
    """The shapes as a file that this page takes again."""

    def work() -> tuple[Kept, bytes]:
        with admin.database.reading() as session:
            found = _one(session, request.query_params)
            return found, boundaries.as_geojson(session, found.province_id, found.as_of)

    found, content = await anyio.to_thread.run_sync(work)
    name = f"ranh-gioi-{found.province_id}-{found.as_of:%Y-%m-%d}.geojson"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type="application/geo+json", headers=headers)


async def delete(admin: OcopAdmin, request: Request) -> Response:
    form = {name: str(value) for name, value in (await request.form(max_fields=10)).items()}
    if form.get("confirm") != "1":
        return await admin.show(request, "ocop/check.html", lambda session: _check_deletion(session, form))
    seen = form.get("seen", "")

    def work() -> tuple[Kept, int]:
        with admin.database.writing.begin() as session:
            found = _one(session, form)
            count = boundaries.remove(
                session, found.province_id, found.as_of, seen=int(seen[:9]) if seen.isdecimal() else -1
            )
            return found, count

    try:
        found, count = await anyio.to_thread.run_sync(work)
    except OcopError as refusal:
        return await _page(admin, request, UploadForm(), [(str(refusal), "")])
    return await admin.page(request, "ocop/result.html", _deleted(found, count))


def _check_deletion(session: OcopSession, form: Mapping[str, str]) -> pages.CheckPage:
    found = _one(session, form)
    wanted = (
        select(Commune.id, Commune.name, Commune.code)
        .join(Boundary, Boundary.commune_id == Commune.id)
        .where(Boundary.province_id == found.province_id, Boundary.as_of == found.as_of)
        .order_by(Commune.sort_key, Commune.id)
        .limit(SHOWN)
    )
    more = found.count - SHOWN
    return pages.CheckPage(
        head=pages.Head(
            title=f"Xóa ranh giới {found.province} tại ngày {day(found.as_of)}",
            sub="Chưa có gì thay đổi cho đến khi bấm nút xác nhận.",
            crumbs=[CRUMB],
            here="Xóa",
        ),
        can_title=f"{number(found.count)} hình sẽ xóa",
        columns=("Xã, phường", "Mã"),
        can=[
            [pages.Cell(name, f"{BASE_URL}/commune/details/{each}"), pages.Cell(code)]
            for each, name, code in session.execute(wanted)
        ],
        can_more=f"và {number(more)} hình khác" if more > 0 else "",
        stay_title="",
        stay=(),
        form_title="Xác nhận",
        fields=(),
        note="Xã, phường, bản ghi và số liệu không đổi; chỉ bản đồ không còn các hình này. Tải tệp về trước thì nhập "
        "lại được.",
        submit=f"Xóa {number(found.count)} ranh giới",
        danger=True,
        action=f"{HREF}/delete",
        hidden=[("confirm", "1"), *_kept_row(found).hidden],
        cancel=pages.Link("Hủy, quay lại trang Ranh giới", HREF),
    )


def _deleted(found: Kept, count: int) -> pages.ResultPage:
    title = f"Đã xóa {number(count)} ranh giới {found.province} tại ngày {day(found.as_of)}"
    return pages.ResultPage(
        head=pages.Head(title=title, crumbs=[CRUMB], here="Kết quả xóa"),
        title=title,
        sub="Việc này có trong nhật ký. Muốn có lại, nhập lại tệp ranh giới.",
        tone="ok",
        counts=(),
        parts=(),
        next_main=pages.Link("Về trang Ranh giới", HREF),
        next_links=(),
    )


PAGES = (
    Page("/boundary", "boundary", show, ("GET", "POST"), RIGHT, pages.MenuItem(TITLE, HREF, "map-pin"), "Danh mục"),
    Page("/boundary/geojson", "boundary-geojson", geojson, ("GET",), RIGHT),
    Page("/boundary/delete", "boundary-delete", delete, ("POST",), RIGHT),
)
