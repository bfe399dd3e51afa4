"""Long work on a batch: asked for in one transaction, done in another, by any worker.

The transaction that does the work deletes its row, so that a job is done once or not at all, whatever ends the
process. On SQLite that transaction keeps everybody from writing, so how far it is, who does it and the wish to
stop it are files. A large file is worked on in a process of its own: beside a thread every page would wait.
"""

import gc
import json
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.context import SpawnProcess
from pathlib import Path
from time import monotonic, time
from typing import Any

from sqlalchemy import select

from app import progress, schema
from app.current import Actor, acting_as, seeing_everything, system
from app.database import Database, connect
from app.errors import OcopError
from app.services import accounts, importing
from app.services.importing import originals, undoing
from app.session import OcopSession
from models.import_batch import ImportBatch
from models.job import Job, JobTask
from models.rules.access import may
from models.user import User

log = logging.getLogger("ocop")

RUNNER = "việc nền"
MOST_TRIES = 3
SHOWN_EVERY = 0.25  # seconds
LARGE = 50_000  # bytes of a file, from which its work takes longer than a process takes to start
PAGES_FIRST = 10  # how far the process of a job stands back for those that make pages
# Much is made and kept until the end, little of it in circles.
GARBAGE_AFTER = (50_000, 20, 100)
# Other jobs of SQLite write one after another, each for minutes at most; in milliseconds.
PATIENCE = 3_600_000


class JobRunning(OcopError):
    sentence = "Đợt nhập này đang được xử lý. Chờ việc đang chạy xong rồi làm tiếp."


class NoLongerAllowed(OcopError):
    sentence = "Tài khoản của người yêu cầu không còn quyền nhập liệu nên việc này không được làm."


class StoppedOnRequest(OcopError):
    sentence = "Đã dừng theo yêu cầu, chưa ghi gì vào sổ."


class StoppedTooOften(OcopError):
    sentence = (
        "Phần mềm đã dừng giữa chừng {count} lần khi làm việc này nên không thử nữa; chưa ghi gì vào sổ. "
        "Chia tệp thành các tệp nhỏ hơn, hoặc báo người quản trị."
    )


class JobFailed(OcopError):
    sentence = "Phần mềm gặp lỗi nên chưa ghi gì vào sổ. Báo người quản trị số việc {job_id} để xem nhật ký."


@dataclass(frozen=True)
class Progress:
    """doing: the part of the work, empty while it waits. done, total: rows of that part.

    share: of the whole, 0 to 1. began: when the work did, seconds since 1970.
    """

    doing: str = ""
    done: int = 0
    total: int = 0
    share: float = 0.0
    began: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """From how long the share done took; None while that says nothing."""
        if self.share < 0.05:
            return None
        return (time() - self.began) * (1 - self.share) / self.share


class _Stopped(Exception):  # not an error: nothing that catches refusals may take it for one
    """Somebody asked for it."""


class _Interrupted(Exception):
    """The worker ends; the job is done after the next start."""


# ---- asked for ------------------------------------------------------------------------------------------------


def ask(session: OcopSession, batch: ImportBatch, task: JobTask, **arguments: Any) -> Job:
    """A job for who acts now, in place of one that ended without being done; raises JobRunning.

    arguments: what the task takes, see `_do`; as JSON.
    """
    forget(session, batch)
    job = Job(batch_id=batch.id, user_id=session.actor.user_id, task=task, arguments=arguments, refusal="")
    session.add(job)
    session.flush()
    return job


def forget(session: OcopSession, batch: ImportBatch) -> None:
    """Take away what is known of a job that ended without being done; raises JobRunning."""
    with seeing_everything():
        before = of(session, batch)
        if before is None:
            return
        if not before.refusal:
            raise JobRunning
        with session.doing(RUNNER):
            session.delete(before)


def of(session: OcopSession, batch: ImportBatch) -> Job | None:
    """The job of a batch, whoever asked for it."""
    with seeing_everything():
        return session.scalars(select(Job).where(Job.batch_id == batch.id)).first()


def _do(session: OcopSession, job: Job, originals_folder: Path) -> None:
    batch, given = job.batch, job.arguments
    match job.task:
        case JobTask.READ:
            importing.read_file(session, batch, originals.load(originals_folder, batch.file_hash))
            originals.drop_unused(session, originals_folder)
        case JobTask.REPLAN:
            importing.replan(session, batch, importing.Options(**given["options"]))
        case JobTask.APPLY:
            importing.apply(session, batch, partial=given["partial"])
        case JobTask.UNDO:
            undoing.undo(session, batch, seen=given["seen"])


# ---- done -----------------------------------------------------------------------------------------------------


class Runner:
    """Does jobs one after another beside the pages of this process, and knows how far those of all processes are.

    files: the folder of files (`Settings.files`).
    """

    def __init__(self, database: Database, files: Path) -> None:
        self.database = database
        self.files = files
        self.originals = originals.folder(files)
        self._folder = files / "viec"
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ocop-job")
        self._process: SpawnProcess | None = None
        self._is_closing = False

    def start(self, job_id: int) -> Future[None]:
        """Do a job that was asked for, and committed."""
        return self._pool.submit(self._begin, job_id)

    def resume(self) -> None:
        """Do what a process that ended has left; when a worker starts."""
        self._pool.submit(self._resume)

    def interrupt(self) -> None:
        """End at the next row; the job begins anew at the next start."""
        self._is_closing = True
        if self._process is not None:
            self._process.terminate()

    def close(self) -> None:
        """Interrupt what runs, and wait for its end."""
        self.interrupt()
        self._pool.shutdown(cancel_futures=True)

    def how_far(self, job_id: int) -> Progress:
        try:
            return Progress(**json.loads(self._path(job_id, "json").read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError):  # not begun, or being written
            return Progress()

    def stop(self, job_id: int) -> None:
        """Ask whoever does the job to end it; nothing of it stays written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path(job_id, "stop").touch()

    def _path(self, job_id: int, kind: str) -> Path:
        return self._folder / f"{job_id}.{kind}"

    def _resume(self) -> None:
        if not schema.is_current(self.database):
            return
        with acting_as(system(RUNNER)), self.database.reading() as session:
            waiting = session.scalars(select(Job.id).where(Job.refusal == "").order_by(Job.id)).all()
        for job_id in waiting:
            self._begin(job_id)

    def _begin(self, job_id: int) -> None:
        if self._is_large(job_id):
            for _try in range(MOST_TRIES):
                if self._is_closing or self._is_done_alone(job_id):
                    return
        self.run(job_id)  # of a job that ended its process too often, this says so

    def _is_done_alone(self, job_id: int) -> bool:
        """Have a job done by a process of its own; whether that came to its end."""
        url = self.database.engine.url.render_as_string(hide_password=False)
        # Started, not forked: the threads and connections of this process are none of its own.
        alone = multiprocessing.get_context("spawn").Process(target=_run_alone, args=(url, self.files, job_id))
        try:
            alone.start()
        except OSError:
            log.exception("no process for job %s", job_id)
            return False
        self._process = alone
        if self._is_closing:  # between the question and the start
            alone.terminate()
        alone.join()
        self._process = None
        return alone.exitcode == 0

    def _is_large(self, job_id: int) -> bool:
        with acting_as(system(RUNNER)), self.database.reading() as session:
            job = session.get(Job, job_id)
            return job is not None and job.batch.file_size >= LARGE

    def run(self, job_id: int) -> None:
        """Do a job here and now, unless another process does it."""
        with self._alone(job_id) as is_mine:
            if not is_mine:
                return
            try:
                self._work(job_id)
            except _Interrupted:
                self._note(job_id, tries=-1)
            except _Stopped:
                self._note(job_id, refusal=str(StoppedOnRequest()))
            except OcopError as refusal:
                self._note(job_id, refusal=str(refusal))
            except Exception:
                log.exception("job %s failed", job_id)
                self._note(job_id, refusal=str(JobFailed(job_id=job_id)))

    @contextmanager
    def _alone(self, job_id: int) -> Iterator[bool]:
        """Whether no other process does this job; the system frees the lock of a process that was killed."""
        from filelock import FileLock, Timeout  # a tenth of the start, and no page needs it

        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._path(job_id, "lock"), timeout=0):
                yield True
                for kind in ("json", "stop", "lock"):
                    self._path(job_id, kind).unlink(missing_ok=True)
        except Timeout:
            yield False

    def _work(self, job_id: int) -> None:
        if self._is_closing:
            raise _Interrupted
        job = self._begun(job_id)
        if job is None:
            return
        task, who = job
        patient = self.database.engine.execution_options(writes=True, lock_wait=PATIENCE)
        with acting_as(who), progress.watched(self._watch(job_id)):
            try:
                with self.database.writing(bind=patient) as session, session.begin():
                    found = session.get_one(Job, job_id)
                    _do(session, found, self.originals)
                    with session.doing(RUNNER):
                        session.delete(found)
            except importing.PlanMoved:
                if task is not JobTask.APPLY:
                    raise
                with self.database.writing(bind=patient) as session, session.begin():
                    importing.look_again(session, session.get_one(Job, job_id).batch)
                raise

    def _begun(self, job_id: int) -> tuple[JobTask, Actor] | None:
        """What to do and for whom; None when it is done or given up. Raises what forbids it."""
        with acting_as(system(RUNNER)), self.database.writing.begin() as session:
            job = session.get(Job, job_id)
            if job is None or job.refusal:
                return None
            job.tries += 1
            tries, task, screen, user_id = job.tries, job.task, job.batch.screen, job.user_id
            username = session.get_one(User, user_id).username if user_id else ""
        if tries > MOST_TRIES:
            raise StoppedTooOften(count=MOST_TRIES)
        with self.database.reading() as session:
            who = accounts.actor_named(session, username)
        if not may(who.rights, screen, "import"):
            raise NoLongerAllowed
        return task, who

    def _note(self, job_id: int, *, tries: int = 0, refusal: str = "") -> None:
        with acting_as(system(RUNNER)), self.database.writing.begin() as session:
            job = session.get(Job, job_id)
            if job is not None:
                job.tries += tries
                job.refusal = refusal

    def _watch(self, job_id: int) -> progress.Watch:
        began, shown = time(), 0.0
        place, stop = self._path(job_id, "json"), self._path(job_id, "stop")

        def watch(doing: str, done: int, total: int, share: float) -> None:
            nonlocal shown
            if self._is_closing:
                raise _Interrupted
            if monotonic() - shown < SHOWN_EVERY:
                return
            shown = monotonic()
            if stop.exists():
                raise _Stopped
            place.write_text(json.dumps(asdict(Progress(doing, done, total, share, began))), encoding="utf-8")

        return watch


def _run_alone(url: str, files: Path, job_id: int) -> None:
    """Do one job as the whole work of this process. It goes on when the one that started it is killed."""
    gc.set_threshold(*GARBAGE_AFTER)
    if hasattr(os, "nice"):  # not on Windows
        os.nice(PAGES_FIRST)
    database = connect(url, pool_size=1)
    runner = Runner(database, files)
    signal.signal(signal.SIGTERM, lambda *_: runner.interrupt())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal; who started it says when to end
    runner.run(job_id)
    database.engine.dispose()
