"""Long work on a batch as pages see it: asked for, waited for a moment, shown while it runs, stopped."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import pages
from admin_views.base import BASE_URL
from admin_views.pages_first import nobody_waits
from admin_views.query import row_id
from admin_views.site import OcopAdmin, Page
from app.current import actor
from app.errors import OcopError
from app.services import jobs
from app.session import OcopSession
from models import ImportBatch, Job, JobTask
from models.rules.words import lasting, number

HREF = f"{BASE_URL}/import"
RIGHT = ("import-batch", "import")
# Most jobs are done before a page could say how far they are.
MOMENT = 2.5  # seconds


@dataclass(frozen=True)
class RunningPage:
    """percent: of the whole. rows: “Đối chiếu với sổ: 3.500 / 10.600 dòng”. left: “Còn khoảng 4 giây”."""

    head: pages.Head
    rows: str
    left: str
    percent: int
    stop_href: str
    again: pages.Link


def batch_of(session: OcopSession, pk: int) -> ImportBatch:
    """A batch that who acts may see; else there is no such page."""
    found = session.get(ImportBatch, pk)
    if found is None:
        raise HTTPException(404)
    return found


async def done(admin: OcopAdmin, pk: int, task: JobTask, arguments: Callable[[ImportBatch], dict[str, Any]]) -> str:
    """Have a job done on a batch; why it was refused, empty when it is done or still runs."""

    def ask() -> int:
        with admin.database.writing.begin() as session:
            batch = batch_of(session, pk)
            return jobs.ask(session, batch, task, **arguments(batch)).id

    try:
        job_id = await anyio.to_thread.run_sync(ask)
    except OcopError as refusal:
        return str(refusal)
    await waited(admin, job_id)
    return await anyio.to_thread.run_sync(_refused, admin, pk)


async def waited(admin: OcopAdmin, job_id: int) -> None:
    """Start a job and wait a moment for it."""
    work = asyncio.wrap_future(admin.jobs.start(job_id))
    with nobody_waits():
        await asyncio.wait([work], timeout=MOMENT)


def _refused(admin: OcopAdmin, pk: int) -> str:
    with admin.database.reading() as session:
        job = jobs.of(session, batch_of(session, pk))
        return job.refusal if job else ""


def is_running(job: Job | None) -> bool:
    return job is not None and not job.refusal


def running_page(admin: OcopAdmin, batch: ImportBatch, job: Job) -> RunningPage:
    progress = admin.jobs.how_far(job.id)
    rows = f"{progress.doing}: {number(progress.done)} / {number(progress.total)} dòng" if progress.total else ""
    left = progress.seconds_left
    return RunningPage(
        head=pages.Head(title=f"{job.task.label}: {batch.file_name}", crumbs=[pages.Link("Nhập liệu", HREF)]),
        rows=rows or "Đang chờ đến lượt",
        left=f"Còn khoảng {lasting(left)}" if left is not None else "",
        percent=round(progress.share * 100),
        stop_href=f"{HREF}/{batch.id}/stop" if _may_stop(job) else "",
        again=pages.Link("Xem lại tiến độ", f"{HREF}/{batch.id}"),
    )


def _may_stop(job: Job) -> bool:
    return job.user_id == actor().user_id or actor().area.everything


async def stop(admin: OcopAdmin, request: Request) -> Response:
    pk = row_id(request.path_params["batch"])

    def work() -> None:
        with admin.database.reading() as session:
            job = jobs.of(session, batch_of(session, pk))
            if job and is_running(job) and _may_stop(job):
                admin.jobs.stop(job.id)

    await anyio.to_thread.run_sync(work)
    return RedirectResponse(f"{HREF}/{pk}", status_code=303)


PAGES = (Page("/import/{batch}/stop", "import-stop", stop, ("POST",), RIGHT),)
