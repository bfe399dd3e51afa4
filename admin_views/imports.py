"""Nhập liệu: upload → plan → confirm → result; nothing is written before the confirmation."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import anyio.to_thread
from sqlalchemy import Enum, inspect, select
from sqlalchemy.orm import Mapper
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import pages
from admin_views.base import BASE_URL
from admin_views.forms import ClerkForm, DayField, TextField, lower_first
from admin_views.query import row_id
from admin_views.site import OcopAdmin, Page
from app.current import actor, today
from app.errors import OcopError
from app.files import MAX_BYTES, read
from app.services import importing
from app.services.importing import senders, undoing
from app.session import OcopSession
from app.table import CellError
from models import BatchState, ImportBatch, ImportRow, Province, RowAction
from models.base import Base, FieldInfo, label_of, now, screens
from models.rules.access import may
from models.rules.text import fold
from models.rules.words import VIETNAM, clock, day, number, words

HREF = f"{BASE_URL}/import"
RIGHT = ("import-batch", "import")
ACCEPT = ".xls,.xlsx,.xlsb,.ods,.csv"
STEPS = ("1. Tải tệp", "2. Xem trước", "3. Kết quả")
SHOWN = 50
RECENT = 5


class UploadForm(ClerkForm):
    as_of = DayField(
        FieldInfo("Danh mục tại ngày nào", hint="ngày mà tệp có hiệu lực; chỉ danh mục xã, phường bắt buộc ghi"),
        required=False,
    )
    province = TextField(FieldInfo("Tỉnh của danh mục", hint="chỉ cần khi tệp không có cột tỉnh"), required=False)
    sheet = TextField(
        FieldInfo("Trang tính", hint="để trống thì đọc trang đầu tiên có dữ liệu"), required=False, max_length=120
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
    async with request.form(max_files=1, max_fields=20) as data:
        form, screen, file = UploadForm(data), _text(data, "model"), data.get("file")
        content, name = (await file.read(), file.filename or "") if isinstance(file, UploadFile) else (b"", "")
    form.validate()
    model = next((model for model in _importable() if model.__screen__ == screen), None)
    mistakes = [] if model else [("Chọn loại dữ liệu.", "model")]
    if model in importing.DATED and not form.as_of.typed.strip():
        mistakes.append(("Ghi ngày của danh mục, ví dụ 01/02/2021.", "as_of"))
    if not name:
        mistakes.append(("Chọn tệp cần nhập.", "file"))
    elif model and not mistakes and not form.has_mistakes():
        try:
            batch_id = await anyio.to_thread.run_sync(_store, admin, model, form, content, name)
            return RedirectResponse(f"{HREF}/{batch_id}", status_code=303)
        except OcopError as refusal:
            mistakes.append((str(refusal), "file"))
    return await _upload_page(admin, request, form, screen, mistakes=[*mistakes, *form.error_list()])


def _store(admin: OcopAdmin, model: type[Base], form: UploadForm, content: bytes, name: str) -> int:
    options = importing.Options(province=form.province.data or None)
    with admin.database.writing.begin() as session:
        sender = senders.named(session, form.sender.data or "")
        sheet = form.sheet.data or senders.sheet_of(sender, model)
        table = read(content, name=name, sheet=sheet, known=importing.known_titles(model))
        options, notes = senders.recalled(sender, model, [column.label for column in table.columns], options)
        table = replace(table, notes=(*notes, *table.notes))
        plan = importing.plan(session, model, table, as_of=form.as_of.data or today(), options=options)
        content_hash = hashlib.sha256(content).hexdigest()
        batch = importing.store(
            session, plan, file_name=name, content_hash=content_hash, size=len(content), sender=sender
        )
        return batch.id


async def _upload_page(
    admin: OcopAdmin,
    request: Request,
    form: UploadForm,
    screen: str,
    *,
    mistakes: Sequence[tuple[str, str]] = (),
) -> Response:
    def make(session: OcopSession) -> pages.ImportUploadPage:
        province = replace(form.province.shown(), kind="choice", options=_provinces(session), width="medium")
        return pages.ImportUploadPage(
            head=pages.Head(title="Nhập liệu từ tệp"),
            steps=_steps(0),
            models=[
                pages.Option(str(m.__screen__), m.__plural__, selected=m.__screen__ == screen) for m in _importable()
            ],
            fields=[
                form.as_of.shown(),
                province,
                replace(form.sheet.shown(), width="medium"),
                replace(form.sender.shown(), width="medium"),
            ],
            senders=senders.names(session),
            accept=ACCEPT,
            limit=f"{MAX_BYTES // 1024**2} MB",
            errors=mistakes,
            action=HREF,
            cancel_href=f"{BASE_URL}/",
            batches=_recent(session),
            batches_href=f"{BASE_URL}/import-batch/list" if may(actor().rights, "import-batch", "list") else "",
        )

    return await admin.show(request, "ocop/import_upload.html", make, status=400 if mistakes else 200)


def _importable() -> list[type[Base]]:
    return [model for model in importing.importable() if may(actor().rights, str(model.__screen__), "import")]


def _provinces(session: OcopSession) -> list[pages.Option]:
    """Every code once, under the name it had last."""
    found = session.execute(select(Province.code, Province.name).order_by(Province.valid_from))
    names = {row.code: row.name for row in found}
    return [pages.Option(code, f"{code} {names[code]}") for code in sorted(names)]


def _recent(session: OcopSession) -> list[tuple[pages.Link, str, str]]:
    found = session.scalars(
        select(ImportBatch)
        .where(ImportBatch.state == BatchState.APPLIED)
        .order_by(ImportBatch.number.desc())
        .limit(RECENT)
    )
    return [
        (
            pages.Link(f"Số {batch.number}", f"{HREF}/{batch.id}"),
            f"{_model(batch).__plural__}: {_counted(batch)}",
            f"{words(batch.applied_at)}, {batch.made_by}",
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
    return await _changed_batch(admin, request, lambda session, found: importing.apply(session, found, partial=partial))


async def answer(admin: OcopAdmin, request: Request) -> Response:
    """What a clerk says of the columns and of values that found nothing; the plan is made anew with it."""
    async with request.form(max_files=0, max_fields=2000) as data:
        sent = {name: value for name, value in data.items() if isinstance(value, str)}
    return await _changed_batch(
        admin, request, lambda session, found: importing.replan(session, found, _answered(found, sent))
    )


def _answered(found: ImportBatch, sent: Mapping[str, str]) -> importing.Options:
    """Options of a plan with what the page sent: col-N the path of a column, val-N the answer to a question."""
    before = importing.options_of(found)
    mapping = dict(before.mapping)
    for place, (title, path, _reason) in enumerate(found.options["mapped"]):
        if (chosen := sent.get(f"col-{place}", path)) != path:
            mapping[title] = chosen
    links = {relation: dict(chosen) for relation, chosen in before.links.items()}
    for place, asked in enumerate(found.options["unfound"]):
        if chosen := sent.get(f"val-{place}", ""):
            answers = links.setdefault(asked["relation"], {})
            answers[fold(asked["value"])] = int(chosen) if chosen.isdigit() else chosen
    return replace(before, mapping=mapping, links=links, clears=sent.get("clears") == "1")


async def _changed_batch(
    admin: OcopAdmin, request: Request, change: Callable[[OcopSession, ImportBatch], object]
) -> Response:
    pk = row_id(request.path_params["batch"])

    def work() -> None:
        with admin.database.writing.begin() as session:
            change(session, _batch(session, pk))

    try:
        await anyio.to_thread.run_sync(work)
    except OcopError as refusal:
        return await _batch_page(admin, request, refusal=str(refusal))
    return RedirectResponse(f"{HREF}/{pk}", status_code=303)


async def drop(admin: OcopAdmin, request: Request) -> Response:
    return await _changed_batch(admin, request, importing.drop)


def _batch(session: OcopSession, pk: int) -> ImportBatch:
    found = session.get(ImportBatch, pk)
    if found is None:
        raise HTTPException(404)
    return found


async def _batch_page(admin: OcopAdmin, request: Request, *, refusal: str = "") -> Response:
    pk = row_id(request.path_params["batch"])
    shown = _choice(request.query_params.get("xem", ""))
    page = row_id(request.query_params.get("trang", "1"))
    return await admin.show(
        request,
        "ocop/import_plan.html",
        lambda session: _plan_page(session, _batch(session, pk), shown, max(page, 1), refusal),
        status=409 if refusal else 200,
    )


def _choice(text: str) -> RowAction | None:
    return next((action for action in RowAction if action.value == text), None)


def _plan_page(
    session: OcopSession, batch: ImportBatch, shown: RowAction | None, page: int, refusal: str
) -> pages.ImportPlanPage:
    """shown: the part of the plan to see all of, page by page; None for the first rows of each."""
    model = _model(batch)
    planned = batch.state is BatchState.PLANNED and batch.created_at > now() - importing.KEPT
    mine = planned and importing.is_maker(session, batch) and may(actor().rights, batch.screen, "import")
    writes = mine and importing.writes(batch.counts, batch.also)
    ready = writes and not batch.counts["refused"]
    rows = {
        action: _rows(session, batch, action, page if shown else 1) if shown in (None, action) else []
        for action in (RowAction.REFUSED, RowAction.CHANGED, RowAction.NEW)
    }
    noun = lower_first(model.__plural__)
    return pages.ImportPlanPage(
        head=pages.Head(
            title=f"Đợt nhập số {batch.number}" if batch.number else f"Nhập {noun} từ tệp",
            crumbs=[pages.Link("Nhập liệu", HREF)] if may(actor().rights, *RIGHT) else [],
            here=f"Số {batch.number}" if batch.number else batch.file_name,
            buttons=_buttons(session, batch),
        ),
        steps=_steps(1 if planned else 2),
        sub=_sub(batch, planned=planned),
        notes=_notes(batch, planned=planned, refusal=refusal),
        counts=[_count(batch, action, shown) for action in _TONES if action in _ALWAYS or batch.counts[action.value]],
        refused_title=f"{_number(batch, RowAction.REFUSED)} dòng bị từ chối",
        refused=[_refused(batch, row) for row in rows[RowAction.REFUSED]],
        changed_title=f"{_number(batch, RowAction.CHANGED)} {noun} thay đổi",
        changed=[_changed(model, row) for row in rows[RowAction.CHANGED]],
        changed_more=_more(batch, RowAction.CHANGED, shown),
        new_title=f"{_number(batch, RowAction.NEW)} {noun} mới",
        new=[_new(model, row) for row in rows[RowAction.NEW]],
        new_more=_more(batch, RowAction.NEW, shown),
        also=batch.options.get("also_words", []),
        submit=f"Nhập {_counted(batch)}" if ready else "",
        submit_partial=f"Chỉ nhập {_counted(batch)}" if writes and not ready else "",
        answer_href=f"{HREF}/{batch.id}/answer" if mine else "",
        mapped=_mapped(batch, model) if mine else [],
        unfound=_unfound(batch) if mine else [],
        likely=batch.options.get("likely", []) if planned else [],
        clears=bool(batch.options.get("clears")),
        may_clear=model not in importing.DATED,
        action=f"{HREF}/{batch.id}/confirm" if mine else "",
        cancel_href="",
        drop_href=f"{HREF}/{batch.id}/drop" if mine else "",
        links=_pager(batch, shown, page),
    )


def _buttons(session: OcopSession, batch: ImportBatch) -> list[pages.Link]:
    if batch.state is not BatchState.APPLIED or not undoing.may_undo(session, batch):
        return []
    return [pages.Link("Hoàn tác đợt nhập", f"{HREF}/{batch.id}/undo", "arrow-back-up")]


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
    file = f"Tệp {batch.file_name}, tính đến ngày {day(batch.as_of)}."
    if not planned:
        return file
    kept = batch.created_at + importing.KEPT
    return f"{file} Chưa ghi gì vào sổ. Bản xem trước giữ đến {clock(kept)} ngày {day(kept.astimezone(VIETNAM))}."


def _notes(batch: ImportBatch, *, planned: bool, refusal: str) -> list[pages.Note]:
    notes = [pages.Note(refusal, "danger")] if refusal else []
    again = pages.Link("Tải tệp lên lại", f"{HREF}?loai={batch.screen}")
    if batch.state is BatchState.APPLIED:
        notes.append(
            pages.Note(f"Đã nhập {_counted(batch)}, lúc {words(batch.applied_at)}, bởi {batch.made_by}.", "ok")
        )
    elif batch.state is BatchState.UNDONE:
        notes.append(pages.Note(undoing.outcome(batch), "ok", links=[again]))
    elif batch.state is BatchState.DROPPED:
        notes.append(pages.Note("Đợt nhập này đã bỏ, chưa ghi gì vào sổ.", "warn", links=[again]))
    elif not planned:
        notes.append(pages.Note(str(importing.PlanExpired()), "warn", links=[again]))
    elif batch.counts["refused"] and not refusal:
        count = number(batch.counts["refused"])
        notes.append(pages.Note(str(importing.RowsRefused(count=count)), "danger", links=[again]))
    return notes + [pages.Note(sentence) for sentence in batch.notes]


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
    """Every column of the file, what it is read as, and what else it could be."""
    paths = sorted(importing.importable_paths(model), key=lambda path: path.count("."))
    labels = {path: importing.path_label(model, path) for path in paths}
    return [
        pages.MappedColumn(
            title,
            f"col-{place}",
            [
                pages.Option("", "(không dùng)", selected=not chosen),
                *(pages.Option(path, label, selected=path == chosen) for path, label in labels.items()),
            ],
            reason or "không nhận ra, bỏ qua",
        )
        for place, (title, chosen, reason) in enumerate(batch.options.get("mapped", []))
    ]


def _unfound(batch: ImportBatch) -> list[pages.UnfoundValue]:
    """Each value that names no row, or several: its rows and what a clerk may answer."""
    found = []
    for place, asked in enumerate(batch.options.get("unfound", [])):
        options = [pages.Option("", "Chưa chọn")]
        options += [pages.Option(str(row_id), label) for row_id, label in asked["suggestions"]]
        if asked["creatable"]:
            options.append(pages.Option("create", f"Tạo mới “{asked['value']}”"))
        options.append(pages.Option("skip", "Bỏ qua các dòng này"))
        lines = ", ".join(str(line) for line in asked["lines"][:8])
        more = f" và {number(len(asked['lines']) - 8)} dòng khác" if len(asked["lines"]) > 8 else ""
        found.append(
            pages.UnfoundValue(asked["label"], asked["value"], f"{lines}{more}", asked["why"], f"val-{place}", options)
        )
    return found


def _count(batch: ImportBatch, action: RowAction, shown: RowAction | None) -> pages.Count:
    icon, tone = _TONES[action]
    listed = action in _LISTED and batch.counts[action.value] and batch.state is not BatchState.DROPPED
    href = f"{HREF}/{batch.id}?xem={action.value}" if listed else ""
    return pages.Count(_number(batch, action), action.label, icon, tone, href, current=action is shown)


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
    readable = (
        row.row_id is not None
        and row.batch.state is not BatchState.UNDONE
        and may(actor().rights, str(model.__screen__), "details")
    )
    return pages.Cell(row.label, href=f"{BASE_URL}/{model.__screen__}/details/{row.row_id}" if readable else "")


def _value(model: type[Base], path: str, value: Any) -> str:
    first, _, rest = path.partition(".")
    mapper: Mapper[Any] = inspect(model)
    if rest:
        return _value(mapper.relationships[first].mapper.class_, rest, value)
    kind = mapper.column_attrs[first].columns[0].type
    if isinstance(kind, Enum) and kind.enum_class is not None:
        return words(kind.enum_class(value))
    return words(value)


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
