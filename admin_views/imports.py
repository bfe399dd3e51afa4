"""Nhập liệu: upload → plan → confirm → result; nothing is written before the confirmation."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import anyio.to_thread
from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import Mapper, object_session
from starlette.datastructures import FormData, ImmutableMultiDict, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import boundaries, pages
from admin_views.base import BASE_URL, kept_words
from admin_views.forms import ClerkForm, DayField, TextField, YesNoField, form_class, lower_first
from admin_views.import_files import marked_href, original_href, template_href
from admin_views.import_jobs import HREF, RIGHT, batch_of, done, is_running, running_page, waited
from admin_views.places import province_options
from admin_views.query import row_id
from admin_views.security import TooLarge
from admin_views.site import OcopAdmin, Page
from app.current import actor, today
from app.errors import OcopError
from app.files import MAX_BYTES, check_size, read
from app.files.marked import line_ranges
from app.services import importing, jobs
from app.services.importing import originals, returned, senders, template, undoing
from app.session import OcopSession
from app.table import CellError
from models import BatchState, ImportBatch, ImportRow, JobTask, RowAction
from models.base import Base, FieldInfo, label_of, now, screens
from models.rules.access import may
from models.rules.words import VIETNAM, clock, day, number, words

ACCEPT = ".xls,.xlsx,.xlsb,.ods,.csv"
STEPS = ("1. Tải tệp", "2. Xem trước", "3. Kết quả")
SHOWN = 50
RECENT = 5
LOOKED_THROUGH = 2_000
"""Refused rows whose every fault is looked at."""
SUMMED = 10_000
"""Refused rows whose identical errors are summed up."""
READ_ONE_BY_ONE = 10
"""Refused rows; of more, the errors they share are told first."""
TOO_LARGE = (
    f"Tệp nặng quá {MAX_BYTES // 1024**2} MB nên không đọc. Xóa hình ảnh, trang tính thừa hoặc chia thành nhiều tệp "
    "rồi tải lại."
)
ASKED = 200
"""Questions on one page; those beyond come when these are answered."""


class UploadForm(ClerkForm):
    as_of = DayField(
        FieldInfo(
            "Danh mục tại ngày nào",
            hint="ngày mà tệp có hiệu lực: tên và mã xã trong tệp được hiểu như vào ngày đó",
        ),
        required=False,
    )
    province = TextField(FieldInfo("Tỉnh của danh mục", hint="chỉ cần khi tệp không có cột tỉnh"), required=False)
    complete = YesNoField(
        FieldInfo(
            "Danh mục đầy đủ của tỉnh",
            hint="xã, phường, huyện của tỉnh không có trong tệp sẽ kết thúc trước ngày của danh mục",
        ),
        required=False,
    )
    sheet = TextField(
        FieldInfo("Trang tính", hint="trang có danh mục; chọn lại tệp rồi xem trước"), required=False, max_length=120
    )
    sender = TextField(
        FieldInfo("Nơi gửi tệp", hint="ví dụ xã An Thạnh; tệp sau của nơi này được đọc như tệp này"),
        required=False,
        max_length=120,
    )


# ---- upload -------------------------------------------------------------------------------------------------


async def upload(admin: OcopAdmin, request: Request) -> Response:
    if request.method == "POST":
        return await _plan(admin, request)
    screen = request.query_params.get("loai", "")
    return await _upload_page(admin, request, UploadForm(), screen)


async def _plan(admin: OcopAdmin, request: Request) -> Response:
    try:
        async with request.form(max_files=1, max_fields=20) as data:
            form, screen, file = UploadForm(data), _text(data, "model"), data.get("file")
            content, name = (await file.read(), file.filename or "") if isinstance(file, UploadFile) else (b"", "")
    except TooLarge:
        # What else was typed lies in the body that nobody reads.
        return await _upload_page(admin, request, UploadForm(), "", mistakes=[(TOO_LARGE, "file")], status=413)
    form.validate()
    model = next((model for model in _importable() if model.__screen__ == screen), None)
    mistakes = [] if model else [("Chọn loại dữ liệu.", "model")]
    sheets: Sequence[tuple[str, int | None]] = ()
    if model in importing.DATED and not form.as_of.typed.strip():
        form.refuse("as_of", "Ghi ngày của danh mục, ví dụ 01/02/2021.")
    if not name:
        mistakes.append(("Chọn tệp cần nhập.", "file"))
    elif model and not mistakes and not form.has_mistakes():
        try:
            batch_id, job_id = await anyio.to_thread.run_sync(_begin, admin, model, form, content, name)
        except OcopError as refusal:
            return await _upload_page(admin, request, form, screen, mistakes=[(str(refusal), "file")])
        await waited(admin, job_id)
        refused = await anyio.to_thread.run_sync(_unread, admin, batch_id)
        if not refused:
            return RedirectResponse(f"{HREF}/{batch_id}", status_code=303)
        mistakes.append((refused, "file"))
        sheets = await anyio.to_thread.run_sync(_sheets_in, model, content, name)
    return await _upload_page(admin, request, form, screen, mistakes=[*mistakes, *form.error_list()], sheets=sheets)


def _sheets_in(model: type[Base], content: bytes, name: str) -> list[tuple[str, int | None]]:
    """Sheets of a file that could not be taken, for a clerk to name the one with the list; none when there is one."""
    try:
        found = read(content, name=name, known=importing.known_titles(model)).sheets_with_rows()
    except OcopError:
        return []
    return found if len(found) > 1 else []


def _begin(admin: OcopAdmin, model: type[Base], form: UploadForm, content: bytes, name: str) -> tuple[int, int]:
    """The batch that a file becomes, and the job that reads it; raises what can be said without reading."""
    check_size(len(content), name=name)
    content_hash = originals.keep(admin.jobs.originals, content)
    with admin.database.writing.begin() as session:
        batch = importing.begin(
            session,
            model,
            as_of=form.as_of.data or today(),
            file_name=name,
            content_hash=content_hash,
            size=len(content),
            options=importing.Options(
                province=form.province.data or None,
                complete=bool(form.complete.data),
                asks_day=form.as_of.data is None,
            ),
            sheet=form.sheet.data or "",
            sender=senders.named(session, form.sender.data or ""),
        )
        return batch.id, jobs.ask(session, batch, JobTask.READ).id


def _unread(admin: OcopAdmin, batch_id: int) -> str:
    """Why a file could not be read; its batch is none then. Empty when it was read, or still is."""
    with admin.database.reading() as session:
        job = jobs.of(session, batch_of(session, batch_id))
        refusal = job.refusal if job else ""
    if refusal:
        with admin.database.writing.begin() as session:
            found = batch_of(session, batch_id)
            jobs.forget(session, found)
            importing.discard(session, found)
    return refusal


async def _upload_page(
    admin: OcopAdmin,
    request: Request,
    form: UploadForm,
    screen: str,
    *,
    mistakes: Sequence[tuple[str, str]] = (),
    sheets: Sequence[tuple[str, int | None]] = (),
    status: int = 400,
) -> Response:
    def make(session: OcopSession) -> pages.ImportUploadPage:
        province = replace(form.province.shown(), kind="choice", options=province_options(session), width="medium")
        dated = [str(m.__screen__) for m in _importable() if m in importing.DATED]
        chosen = screen or next((str(m.__screen__) for m in _importable()), "")
        return pages.ImportUploadPage(
            head=pages.Head(title="Nhập liệu từ tệp"),
            steps=_steps(0),
            models=[
                pages.Option(str(m.__screen__), m.__plural__, selected=m.__screen__ == screen) for m in _importable()
            ],
            fields=[
                replace(form.as_of.shown(), required=chosen in dated),
                *_sheet_field(form, sheets),
                replace(form.sender.shown(), width="medium"),
            ],
            dated_fields=[province, form.complete.shown()] if dated else [],
            dated=dated,
            senders=senders.names(session),
            accept=ACCEPT,
            limit=f"{MAX_BYTES // 1024**2} MB",
            templates=[
                (
                    m.__plural__,
                    template_href(m),
                    template_href(m, filled=True) if template.may_be_incomplete(m) else "",
                )
                for m in _importable()
            ],
            errors=mistakes,
            action=HREF,
            cancel_href=f"{BASE_URL}/",
            boundaries_href=boundaries.HREF if may(actor().rights, *boundaries.RIGHT) else "",
            batches=_recent(session),
            batches_href=f"{BASE_URL}/import-batch/list" if may(actor().rights, "import-batch", "list") else "",
        )

    return await admin.show(request, "ocop/import_upload.html", make, status=status if mistakes else 200)


def _sheet_field(form: UploadForm, sheets: Sequence[tuple[str, int | None]]) -> list[pages.Field]:
    """Asked for only where the file just sent has several; of one that could be read the plan shows them."""
    shown = replace(form.sheet.shown(), width="medium")
    if sheets:
        choices = [pages.Option("", "(tự tìm)"), *_options(sheets, form.sheet.typed)]
        return [replace(shown, kind="choice", options=choices)]
    return [shown] if shown.value else []


def _importable() -> list[type[Base]]:
    return [model for model in importing.importable() if may(actor().rights, str(model.__screen__), "import")]


def _recent(session: OcopSession) -> list[tuple[pages.Link, str, str]]:
    """What waits to be read or confirmed, and what was written, newest first."""
    kept = ImportBatch.created_at > now() - importing.KEPT
    waits = ImportBatch.state.in_((BatchState.READING, BatchState.PLANNED)) & kept
    found = session.scalars(
        select(ImportBatch)
        .where(or_(ImportBatch.state == BatchState.APPLIED, waits))
        .order_by(ImportBatch.id.desc())
        .limit(RECENT)
    )
    return [
        (
            pages.Link(f"Số {batch.number}" if batch.number else batch.state.label, f"{HREF}/{batch.id}"),
            f"{_model(batch).__plural__}: {_counted(batch) if batch.number else batch.file_name}",
            f"{words(batch.applied_at or batch.created_at)}, {batch.made_by}",
        )
        for batch in found
    ]


# ---- plan and result ----------------------------------------------------------------------------------------


async def batch(admin: OcopAdmin, request: Request) -> Response:
    return await _batch_page(admin, request)


async def confirm(admin: OcopAdmin, request: Request) -> Response:
    """partial: leave refused rows out, as the second button says."""
    async with request.form(max_files=0, max_fields=20) as data:
        partial = _text(data, "partial") == "1"
    return await _long_work(admin, request, JobTask.APPLY, lambda _found: {"partial": partial})


async def answer(admin: OcopAdmin, request: Request) -> Response:
    """What a clerk says of the columns and of values that found nothing; the plan is made anew with it."""
    async with request.form(max_files=0, max_fields=2000) as data:
        sent = {name: value for name, value in data.items() if isinstance(value, str)}
    if (sheet := sent.get("sheet", "")) != sent.get("sheet-read", ""):
        return await _other_sheet(admin, request, sheet, sent["sheet-read"])
    if before := await anyio.to_thread.run_sync(_asked_columns, admin, row_id(request.path_params["batch"])):
        return await _other_columns(admin, request, sent, before)
    return await _long_work(admin, request, JobTask.REPLAN, lambda found: {"options": asdict(_answered(found, sent))})


def _asked_columns(admin: OcopAdmin, pk: int) -> importing.Options | None:
    """What is settled of a batch whose columns are to be chosen; None for any other."""
    with admin.database.reading() as session:
        found = batch_of(session, pk)
        return importing.options_of(found) if importing.asks_columns(found) else None


async def _other_columns(
    admin: OcopAdmin, request: Request, sent: Mapping[str, str], before: importing.Options
) -> Response:
    """Read the file anew with the columns a clerk chose; as before when it is refused with them."""
    pk = row_id(request.path_params["batch"])

    def begin(found: ImportBatch, options: importing.Options) -> dict[str, Any]:
        importing.read_again(_session_of(found), found, found.sheet, options)
        return {}

    if refusal := await done(admin, pk, JobTask.READ, lambda found: begin(found, _answered(found, sent))):
        again = await done(admin, pk, JobTask.READ, lambda found: begin(found, before))
        return await _batch_page(admin, request, refusal=again or refusal)
    return RedirectResponse(f"{HREF}/{pk}", status_code=303)


async def _other_sheet(admin: OcopAdmin, request: Request, sheet: str, before: str) -> Response:
    """Read the file anew from another sheet; from the one before when that is no list."""
    pk = row_id(request.path_params["batch"])

    def begin(found: ImportBatch, title: str) -> dict[str, Any]:
        if title not in [known for known, _ in found.options.get("sheets", [])]:
            raise HTTPException(404)
        importing.read_again(_session_of(found), found, title)
        return {}

    if refusal := await done(admin, pk, JobTask.READ, lambda found: begin(found, sheet)):
        again = await done(admin, pk, JobTask.READ, lambda found: begin(found, before))
        return await _batch_page(admin, request, refusal=again or f"Trang tính “{sheet}”: {lower_first(refusal)}")
    return RedirectResponse(f"{HREF}/{pk}", status_code=303)


def _session_of(found: ImportBatch) -> OcopSession:
    session = object_session(found)
    assert isinstance(session, OcopSession)
    return session


async def _long_work(
    admin: OcopAdmin, request: Request, task: JobTask, arguments: Callable[[ImportBatch], dict[str, Any]]
) -> Response:
    """Have a job done, and show the batch: what became of it, or how far it is."""
    pk = row_id(request.path_params["batch"])
    if refusal := await done(admin, pk, task, arguments):
        return await _batch_page(admin, request, refusal=refusal)
    return RedirectResponse(f"{HREF}/{pk}", status_code=303)


def _answered(found: ImportBatch, sent: Mapping[str, str]) -> importing.Options:
    """Options of a plan with what the page sent: the path of each column, the answer to each question."""
    before = importing.options_of(found)
    mapping = dict(before.mapping)
    for title, path, _reason in found.options["mapped"]:
        if (chosen := sent.get(_named("col", title), path)) != path:
            mapping[title] = chosen
    links = {} if sent.get("again") else {relation: dict(chosen) for relation, chosen in before.links.items()}
    for asked in found.options["unfound"]:
        if chosen := sent.get(_answer_to(asked), "") or _found_answer(found, asked, sent) or _for_all(asked, sent):
            answers = links.setdefault(asked["relation"], {})
            answers[asked["key"]] = int(chosen) if re.fullmatch("[0-9]{1,9}", chosen) else chosen
    keep = [each["key"] for each in found.options.get("repairs", []) if sent.get(_named("keep", each["key"]))]
    return replace(before, mapping=mapping, links=links, clears=sent.get("clears") == "1", keep=keep)


def _named(kind: str, *about: str) -> str:
    """The name of a field, the same as long as it is about the same.

    Questions go when they are answered. A browser that goes back fills fields in by their names, and an older page is
    still open in another tab: numbered, its answers would be taken for those of other questions.
    """
    return f"{kind}-{hashlib.sha256(repr(about).encode()).hexdigest()[:12]}"


def _answer_to(asked: Mapping[str, Any]) -> str:
    return _named("val", asked["relation"], asked["key"])


def _for_all(asked: Mapping[str, Any], sent: Mapping[str, str]) -> str:
    """The one answer for all questions without an own one, where it can be one."""
    chosen = sent.get("val-all", "")
    may = {"create": asked["creatable"], "skip": asked["skippable"]}
    return chosen if may.get(chosen) else ""


def _found_answer(found: ImportBatch, asked: Mapping[str, Any], sent: Mapping[str, str]) -> str:
    """The id of a row that a clerk looked for, by its name alone where no script filled in the id."""
    if not asked["findable"]:
        return ""
    form = _find_form(found, asked, sent)
    row = next(iter(form.find_links(_session_of(found)).values()), None)
    for sentence, _ in form.error_list():
        raise NotFound(why=sentence)
    return str(row.id) if row else ""


class NotFound(OcopError):
    sentence = "{why}"


def _find_form(batch: ImportBatch, asked: Mapping[str, Any], sent: Mapping[str, str] | None = None) -> ClerkForm:
    """A box to look for any row of the model that a value may mean, in the area of the clerk."""
    made = form_class(_model(batch), [asked["relation"]], lookup=partial(_lookup_href, batch))
    form = made(ImmutableMultiDict(sent) if sent is not None else None, prefix=f"find-{_answer_to(asked)}-")
    for each in form.clerk_fields():
        each.required = False
    return form


def _lookup_href(batch: ImportBatch, relation: str) -> str:
    return f"{BASE_URL}/{batch.screen}/ajax/lookup?name={relation}"


async def drop(admin: OcopAdmin, request: Request) -> Response:
    pk = row_id(request.path_params["batch"])

    def work() -> None:
        with admin.database.writing.begin() as session:
            found = batch_of(session, pk)
            jobs.forget(session, found)
            importing.drop(session, found)

    try:
        await anyio.to_thread.run_sync(work)
    except OcopError as refusal:
        return await _batch_page(admin, request, refusal=str(refusal))
    return RedirectResponse(f"{HREF}/{pk}", status_code=303)


async def _batch_page(admin: OcopAdmin, request: Request, *, refusal: str = "") -> Response:
    """The plan or the result; how far the work is while a job runs."""
    pk = row_id(request.path_params["batch"])
    shown = _choice(request.query_params.get("xem", ""))
    page = row_id(request.query_params.get("trang", "1"))

    def make(session: OcopSession) -> tuple[str, object]:
        found = batch_of(session, pk)
        job = jobs.of(session, found)
        if job and is_running(job):
            return "ocop/import_running.html", running_page(admin, found, job)
        ended = refusal or (job.refusal if job else "")
        return "ocop/import_plan.html", _plan_page(session, found, shown, max(page, 1), ended)

    return await admin.show_either(request, make, status=409 if refusal else 200)


def _choice(text: str) -> RowAction | None:
    return next((action for action in RowAction if action.value == text), None)


def _plan_page(
    session: OcopSession, batch: ImportBatch, shown: RowAction | None, page: int, refusal: str
) -> pages.ImportPlanPage:
    """shown: the part of the plan to see all of, page by page; None for the first rows of each."""
    model = _model(batch)
    planned = batch.state is BatchState.PLANNED and batch.created_at > now() - importing.KEPT
    mine = planned and importing.is_maker(session, batch) and may(actor().rights, batch.screen, "import")
    asks_columns = importing.asks_columns(batch)
    writes = mine and importing.writes(batch.counts, batch.also)
    ready = writes and not batch.counts["refused"]
    rows = {
        action: _rows(session, batch, action, page if shown else 1) if shown in (None, action) else []
        for action in (RowAction.REFUSED, RowAction.CHANGED, RowAction.NEW)
    }
    cures = _cures(session, batch) if planned and not asks_columns else (0, 0)
    noun = lower_first(model.__plural__)
    moves = batch.is_move
    undone = batch.state is BatchState.UNDONE
    titled = f"Đợt {'chuyển đơn vị' if moves else 'nhập'} số {batch.number}{', đã hoàn tác' if undone else ''}"
    return pages.ImportPlanPage(
        head=pages.Head(
            title=titled if batch.number else f"Nhập {noun} từ tệp",
            crumbs=[pages.Link("Nhập liệu", HREF)] if may(actor().rights, *RIGHT) else [],
            here=f"Số {batch.number}" if batch.number else batch.file_name,
            buttons=_buttons(session, batch),
        ),
        steps=() if moves else _steps(1 if planned else 2),
        sub=_sub(batch, planned=planned),
        notes=_notes(batch, cures, planned=planned, refusal=refusal, may_answer=mine),
        counts=[
            count
            for action in _TONES
            if not asks_columns and (action in _ALWAYS or batch.counts[action.value])
            for count in (
                _count(batch, action, shown),
                *(_waiting(cures[0]) if mine and action is RowAction.REFUSED else ()),
            )
        ],
        said=batch.notes,
        refused_title=f"{_number(batch, RowAction.REFUSED)} dòng bị từ chối",
        refused=[_refused(batch, row) for row in rows[RowAction.REFUSED]],
        refused_more=_more(batch, RowAction.REFUSED, shown),
        changed_title=f"{_number(batch, RowAction.CHANGED)} {'bản ghi chuyển' if moves else f'{noun} thay đổi'}"
        + _since(batch, RowAction.CHANGED),
        changed=[_changed(model, row) for row in rows[RowAction.CHANGED]],
        changed_heads=("Trước đó", "Đã thành")
        if batch.state in (BatchState.APPLIED, BatchState.UNDONE)
        else ("Đang có", "Sẽ thành"),
        changed_more=_more(batch, RowAction.CHANGED, shown),
        new_title=f"{_number(batch, RowAction.NEW)} {noun} mới{_since(batch, RowAction.NEW)}",
        new=[_new(model, row) for row in rows[RowAction.NEW]],
        new_more=_more(batch, RowAction.NEW, shown),
        also=batch.options.get("also_words", []),
        submit=f"Nhập {_counted(batch)}" if ready else "",
        submit_partial=f"Chỉ nhập {_counted(batch)}" if writes and not ready else "",
        answer_href=f"{HREF}/{batch.id}/answer" if mine else "",
        mapped=_mapped(batch, model) if mine else [],
        asks_columns=asks_columns,
        unfound=_unfound(batch) if mine else [],
        repairs=_repairs(batch) if mine else [],
        sheets=_sheets(batch) if mine else [],
        sheet=batch.sheet,
        unfound_count=len(batch.options.get("unfound", [])),
        answered=mine and any(batch.options.get("links", {}).values()),
        likely=_likely(batch, model) if planned else [],
        shared=_shared(session, batch) if rows[RowAction.REFUSED] and page == 1 else [],
        clears=bool(batch.options.get("clears")),
        may_clear=model not in importing.DATED,
        action=f"{HREF}/{batch.id}/confirm" if mine else "",
        cancel_href="",
        drop_href=f"{HREF}/{batch.id}/drop" if mine else "",
        links=_pager(batch, shown, page),
    )


def _buttons(session: OcopSession, batch: ImportBatch) -> list[pages.Link]:
    if not returned.has_results(batch):
        return []
    buttons = []
    if not batch.is_move:
        buttons.append(pages.Link("Tải tệp gốc", original_href(batch), "file"))
        buttons.append(pages.Link("Tải tệp kèm kết quả", marked_href(batch), "file-download"))
    if batch.state is BatchState.APPLIED and undoing.may_undo(session, batch):
        label = "Hoàn tác đợt chuyển" if batch.is_move else "Hoàn tác đợt nhập"
        buttons.append(pages.Link(label, f"{HREF}/{batch.id}/undo", "arrow-back-up"))
    return buttons


def _model(batch: ImportBatch) -> type[Base]:
    return screens()[batch.screen]


def _number(batch: ImportBatch, action: RowAction) -> str:
    return number(batch.counts[action.value])


def _counted(batch: ImportBatch) -> str:
    """“45 dòng: 18 mới, 27 thay đổi”, as buttons and results say it."""
    counts = batch.counts
    written = counts["new"] + counts["changed"]
    if not written:
        return (
            "các thay đổi kèm theo" if importing.writes(counts, batch.also) else f"{number(counts['same'])} không đổi"
        )
    parts = [f"{number(counts[k])} {word}" for k, word in (("new", "mới"), ("changed", "thay đổi")) if counts[k]]
    return f"{number(written)} dòng: {', '.join(parts)}"


def _sub(batch: ImportBatch, *, planned: bool) -> str:
    if batch.is_move:
        return f"Bản ghi của xã, phường đã hết hiệu lực, chuyển sang đơn vị kế tục ngày {day(batch.as_of)}."
    file = f"Tệp {batch.file_name}, tính đến ngày {day(importing.options_of(batch).day(batch.as_of))}."
    if not planned:
        return file
    kept = batch.created_at + importing.KEPT
    return f"{file} Chưa ghi gì vào sổ. Bản xem trước giữ đến {clock(kept)} ngày {day(kept.astimezone(VIETNAM))}."


def _notes(
    batch: ImportBatch,
    cures: tuple[int, int],
    *,
    planned: bool,
    refusal: str,
    may_answer: bool,
) -> list[pages.Note]:
    """cures: of a plan, as `_cures` gives them."""
    notes = [pages.Note(refusal, "danger")] if refusal else []
    again = pages.Link("Tải tệp lên lại", f"{HREF}?loai={batch.screen}")
    marked = pages.Link("Tải tệp kèm kết quả để sửa các dòng bị từ chối", marked_href(batch))
    if batch.state is BatchState.APPLIED:
        done = (
            f"Đã chuyển {_number(batch, RowAction.CHANGED)} bản ghi" if batch.is_move else f"Đã nhập {_counted(batch)}"
        )
        notes.append(pages.Note(f"{done}, lúc {words(batch.applied_at)}, bởi {batch.made_by}.", "ok"))
        if batch.counts["refused"]:
            left = f"{number(batch.counts['refused'])} dòng bị từ chối chưa được nhập."
            notes.append(pages.Note(left, "warn", links=[marked]))
    elif batch.state is BatchState.UNDONE:
        notes.append(pages.Note(undoing.outcome(batch), "ok", links=[] if batch.is_move else [again]))
    elif batch.state is BatchState.DROPPED:
        notes.append(pages.Note("Đợt nhập này đã bỏ, chưa ghi gì vào sổ.", "warn", links=[again]))
    elif not planned:
        notes.append(pages.Note(str(importing.PlanExpired()), "warn", links=[again]))
    elif importing.asks_columns(batch):
        if not refusal:
            notes.append(pages.Note(batch.options["unclear"]["sentence"], "danger", links=[again]))
        notes.append(
            pages.Note(
                "Tệp có cột đó dưới tên khác thì chọn cột ở bảng dưới, rồi bấm Xem trước với các cột đã chọn.", "warn"
            )
        )
    elif batch.counts["refused"] and not refusal:
        by_answers, in_file = cures
        asked = pages.Link("Trả lời các giá trị chưa nhận ra", "#chua-nhan-ra")
        links = [*([asked] if by_answers and may_answer else []), marked, again]
        said = _refused_words(batch, by_answers, in_file)
        if not may_answer:
            left = number(by_answers + in_file)
            said = f"{left} dòng bị từ chối nên chưa ghi dòng nào; {batch.made_by} trả lời hoặc sửa tệp."
        notes.append(pages.Note(said, "danger", links=links))
    return notes


def _cures(session: OcopSession, batch: ImportBatch) -> tuple[int, int]:
    """How many refused rows need answers on the page and nothing else; how many must be put right in the file.

    Of a list with more refused rows than a clerk reads, the rows asked about count as the first.
    """
    total = batch.counts["refused"]
    asked = {(line, each["label"]) for each in batch.options.get("unfound", ()) for line in each["lines"]}
    if total > LOOKED_THROUGH or not asked:
        by_answers = min(total, len({line for line, _ in asked}))
        return by_answers, total - by_answers
    refused = ImportRow.batch_id == batch.id, ImportRow.action == RowAction.REFUSED
    rows = session.execute(select(ImportRow.line, ImportRow.problems).where(*refused)).all()
    in_file = sum(any((line, column) not in asked for column, _ in problems) for line, problems in rows)
    return total - in_file, in_file


def _refused_words(batch: ImportBatch, by_answers: int, in_file: int) -> str:
    only_good = " hoặc chỉ nhập các dòng đạt" if importing.writes(batch.counts, batch.also) else ""
    if not by_answers:
        cure = f"Sửa các dòng đó trong tệp rồi tải lại{only_good and f',{only_good}'}."
    elif not in_file:
        cure = f"Trả lời các giá trị chưa nhận ra ở dưới là đủ, không cần sửa tệp{only_good and f';{only_good}'}."
    else:
        cure = (
            f"{number(by_answers)} dòng chỉ cần trả lời các giá trị chưa nhận ra ở dưới; "
            f"{number(in_file)} dòng phải sửa trong tệp rồi tải lại{only_good and f',{only_good}'}."
        )
    return f"{number(by_answers + in_file)} dòng bị từ chối nên chưa ghi dòng nào. {cure}"


_TONES: dict[RowAction, tuple[str, Any]] = {
    RowAction.NEW: ("plus", "ok"),
    RowAction.CHANGED: ("pencil", "wait"),
    RowAction.SAME: ("equal", "mute"),
    RowAction.REFUSED: ("alert-triangle", "danger"),
    RowAction.SKIPPED: ("minus", "mute"),
}


_ALWAYS = (RowAction.NEW, RowAction.CHANGED, RowAction.SAME, RowAction.REFUSED)
_LISTED = (RowAction.NEW, RowAction.CHANGED, RowAction.REFUSED)


def _mapped(batch: ImportBatch, model: type[Base]) -> list[pages.MappedColumn]:
    """Every column of the file, what it is read as, and what else it could be; what is still wanted comes first."""
    sides = (batch.options.get("unclear") or {}).get("sides", {})
    paths = sorted(importing.importable_paths(model), key=lambda path: (path not in sides, path.count(".")))
    labels = {path: importing.path_label(model, path) + (" (còn thiếu)" if path in sides else "") for path in paths}
    samples = batch.options.get("samples") or [""] * len(batch.options.get("mapped", []))
    return [
        pages.MappedColumn(
            title,
            _named("col", title),
            [
                pages.Option("", "(không dùng)", selected=not chosen),
                *(pages.Option(path, label, selected=path == chosen) for path, label in labels.items()),
            ],
            _may_be(place, sides, model) or reason or "không dùng, như đã chọn",
            bool(chosen),
            samples[place],
        )
        for place, (title, chosen, reason) in enumerate(batch.options.get("mapped", []))
    ]


def _may_be(place: int, sides: Mapping[str, Sequence[int]], model: type[Base]) -> str:
    found = [f"“{importing.path_label(model, path)}”" for path, places in sides.items() if place in places]
    return f"có thể là {' hoặc '.join(found)}" if found else ""


def _unfound(batch: ImportBatch) -> list[pages.UnfoundValue]:
    """Each value that names no row, or several: its rows and what a clerk may answer."""
    found = []
    for asked in batch.options.get("unfound", [])[:ASKED]:
        options = [pages.Option("", "Chưa chọn")]
        options += [
            pages.Option(str(row_id), f"Gợi ý: {label}" if fits else label, selected=fits)
            for row_id, label in asked["suggestions"]
            for fits in (row_id == asked["suggested"],)
        ]
        if asked["creatable"]:
            options.append(pages.Option("create", f"Tạo mới “{asked['value']}”"))
        if asked["optional"]:
            options.append(pages.Option("empty", "Để trống"))
        if asked["skippable"]:
            options.append(pages.Option("skip", "Bỏ qua các dòng này"))
        lines = ", ".join(str(line) for line in asked["lines"][:8])
        more = f" và {number(len(asked['lines']) - 8)} dòng khác" if len(asked["lines"]) > 8 else ""
        found.append(
            pages.UnfoundValue(
                asked["label"],
                "cả tệp" if asked["relation"] == importing.AS_OF else asked["value"],
                f"{lines}{more}",
                asked["why"],
                _answer_to(asked),
                options,
                next(each.shown() for each in _find_form(batch, asked).clerk_fields()) if asked["findable"] else None,
                asked.get("typed", False),
            )
        )
    return found


def _shared(session: OcopSession, batch: ImportBatch) -> list[pages.SharedError]:
    """The commonest errors that rows share; what the page asks about is not among them."""
    if batch.counts["refused"] <= READ_ONE_BY_ONE:
        return []
    asked = {(line, each["label"]) for each in batch.options.get("unfound", ()) for line in each["lines"]}
    refused = ImportRow.batch_id == batch.id, ImportRow.action == RowAction.REFUSED
    rows = session.execute(
        select(ImportRow.line, ImportRow.problems).where(*refused).order_by(ImportRow.line).limit(SUMMED)
    )
    problems = {line: [(column, said) for column, said in all_ if (line, column) not in asked] for line, all_ in rows}
    return [
        pages.SharedError(each.error, line_ranges(each.lines, most=6), each.cure)
        for each in returned.summed(problems)[:SHOWN]
        if len(each.lines) > 1
    ]


def _likely(batch: ImportBatch, model: type[Base]) -> list[pages.LikelyRow]:
    """New rows beside the records they may be; a record opens in its own page."""
    readable = may(actor().rights, str(model.__screen__), "details")
    href = f"{BASE_URL}/{model.__screen__}/details/" if readable else ""
    return [
        pages.LikelyRow(
            each["line"], each["name"], [pages.Cell(name, href and f"{href}{pk}") for pk, name in each["there"]]
        )
        for each in batch.options.get("likely", [])
    ]


def _repairs(batch: ImportBatch) -> list[pages.RepairedCells]:
    found = []
    for each in batch.options.get("repairs", []):
        left = each["count"] - len(each["cells"])
        more = f"và {number(left)} ô khác" if left > 0 else ""
        count = f"{number(each['count'])} ô"
        found.append(
            pages.RepairedCells(_named("keep", each["key"]), each["what"], count, each["cells"], more, each["kept"])
        )
    return found


def _sheets(batch: ImportBatch) -> list[pages.Option]:
    """Sheets of the file, to read another one; none where there is no choice."""
    known = batch.options.get("sheets", [])
    return _options(known, batch.sheet) if len(known) > 1 else []


def _options(sheets: Sequence[tuple[str, int | None]], chosen: str) -> list[pages.Option]:
    return [
        pages.Option(title, title if rows is None else f"{title} ({number(rows)} dòng)", selected=title == chosen)
        for title, rows in sheets
    ]


def _count(batch: ImportBatch, action: RowAction, shown: RowAction | None) -> pages.Count:
    icon, tone = _TONES[action]
    listed = action in _LISTED and batch.counts[action.value] and batch.state is not BatchState.DROPPED
    href = f"{HREF}/{batch.id}?xem={action.value}" if listed else ""
    return pages.Count(
        _number(batch, action),
        f"{action.label}{_since(batch, action, counted=False)}",
        icon,
        "mute" if _is_undone(batch, action) else tone,
        href,
        current=action is shown,
    )


def _waiting(count: int) -> list[pages.Count]:
    """Of the refused rows those that an answer on the page is enough for."""
    if not count:
        return []
    return [pages.Count(number(count), "Trong đó chờ bạn chọn", "help-circle", "wait", "#chua-nhan-ra")]


def _is_undone(batch: ImportBatch, action: RowAction) -> bool:
    return batch.state is BatchState.UNDONE and action in (RowAction.NEW, RowAction.CHANGED)


def _since(batch: ImportBatch, action: RowAction, *, counted: bool = True) -> str:
    """What an undo made of the rows of an action, behind their number: “, đã hoàn tác”, “, giữ 3, hoàn tác 9”."""
    if not _is_undone(batch, action):
        return ""
    left, all_of = len(undoing.stayed(batch, action.value)), batch.counts[action.value]
    if not left:
        return " khi nhập, nay đã hoàn tác" if counted else ", đã hoàn tác"
    before = " khi nhập, nay" if counted else ","
    return f"{before} giữ cả" if left == all_of else f"{before} giữ {number(left)}, hoàn tác {number(all_of - left)}"


def _rows(session: OcopSession, batch: ImportBatch, action: RowAction, page: int) -> Sequence[ImportRow]:
    return session.scalars(
        select(ImportRow)
        .where(ImportRow.batch_id == batch.id, ImportRow.action == action)
        .order_by(ImportRow.line)
        .limit(SHOWN)
        .offset((page - 1) * SHOWN)
    ).all()


def _more(batch: ImportBatch, action: RowAction, shown: RowAction | None) -> str:
    left = batch.counts[action.value] - SHOWN
    return f"và {number(left)} dòng khác" if shown is None and left > 0 else ""


def _pager(batch: ImportBatch, shown: RowAction | None, page: int) -> list[pages.Link]:
    href = f"{HREF}/{batch.id}"
    if shown is None:
        long = [action for action in _LISTED if batch.counts[action.value] > SHOWN]
        home = [] if batch.state is BatchState.PLANNED else [_list_link(batch)]
        return home + [
            pages.Link(
                f"Xem cả {_number(batch, action)} dòng {lower_first(action.label)}", f"{href}?xem={action.value}"
            )
            for action in long
        ]
    links = [pages.Link("Xem mọi phần", href)]
    if page > 1:
        links.append(pages.Link("Trang trước", f"{href}?xem={shown.value}&trang={page - 1}"))
    if page * SHOWN < batch.counts[shown.value]:
        links.append(pages.Link("Trang sau", f"{href}?xem={shown.value}&trang={page + 1}"))
    return links


def _list_link(batch: ImportBatch) -> pages.Link:
    if batch.is_move:
        return pages.Link("Về trang Chuyển đơn vị", f"{BASE_URL}/moving")
    model = _model(batch)
    return pages.Link(f"Về danh sách {lower_first(model.__plural__)}", f"{BASE_URL}/{batch.screen}/list")


def _refused(batch: ImportBatch, row: ImportRow) -> pages.RefusedRow:
    columns = batch.options["columns"]
    in_file = [
        f"{column}: {_as_in_file(row.raw[columns.index(column)])}" for column, _ in row.problems if column in columns
    ]
    return pages.RefusedRow(
        line=str(row.line),
        name=row.label or "(không có tên)",
        in_file="; ".join(dict.fromkeys(in_file)),
        why=" ".join(sentence for _, sentence in row.problems),
    )


def _as_in_file(kept: Any) -> str:
    value = importing.unpacked(kept)
    return "(trống)" if value is None else value.text if isinstance(value, CellError) else words(value)


def _changed(model: type[Base], row: ImportRow) -> pages.PlanRow:
    changes = [pages.Change(label_of(model, name), old, new) for name, (old, new) in row.changes.items()]
    return pages.PlanRow(str(row.line), _name(model, row), changes)


def _new(model: type[Base], row: ImportRow) -> pages.PlanRow:
    """What the row brings besides codes and its own name, which its label shows."""
    hidden = {model.__title__, *model.__keys__[0]}
    changes = [
        pages.Change(label_of(model, path), "", _value(model, path, value))
        for path, value in row.parsed.items()
        if value and path not in hidden and not path.endswith(".code")
    ]
    return pages.PlanRow(str(row.line), _name(model, row), changes)


def _name(model: type[Base], row: ImportRow) -> pages.Cell:
    is_gone = row.line in undoing.stayed(row.batch, "gone")
    is_left = not is_gone and row.line in undoing.stayed(row.batch, row.action.value)
    readable = (
        row.row_id is not None
        and (row.batch.state is not BatchState.UNDONE or is_left)
        and may(actor().rights, str(model.__screen__), "details")
    )
    href = f"{BASE_URL}/{model.__screen__}/details/{row.row_id}" if readable else ""
    second = "đã xóa sau khi nhập" if is_gone else "giữ lại" if is_left else ""
    return pages.Cell(row.label, href=href, second=second)


def _value(model: type[Base], path: str, value: Any) -> str:
    first, _, rest = path.partition(".")
    if rest:
        mapper: Mapper[Any] = inspect(model)
        return _value(mapper.relationships[first].mapper.class_, rest, value)
    return kept_words(model, first, value)


def _steps(current: int) -> list[pages.ImportStep]:
    return [
        pages.ImportStep(label, "done" if place < current else "current" if place == current else "later")
        for place, label in enumerate(STEPS)
    ]


def _text(data: FormData, name: str) -> str:
    value = data.get(name, "")
    return value if isinstance(value, str) else ""


PAGES = (
    Page(
        "/import",
        "import",
        upload,
        ("GET", "POST"),
        RIGHT,
        menu=pages.MenuItem("Nhập liệu", HREF, "file-import"),
        category="Công việc",
    ),
    Page("/import/{batch}", "import-batch-page", batch, ("GET",), ("import-batch", "details")),
    Page("/import/{batch}/confirm", "import-confirm", confirm, ("POST",), RIGHT),
    Page("/import/{batch}/answer", "import-answer", answer, ("POST",), RIGHT),
    Page("/import/{batch}/drop", "import-drop", drop, ("POST",), RIGHT),
)
