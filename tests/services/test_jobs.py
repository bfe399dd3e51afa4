"""Jobs: done once or not at all, whatever ends them; stopped, begun anew, refused twice."""

import csv
import io
import multiprocessing
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from sqlalchemy import func, select

from app.current import acting_as, system
from app.database import Database, connect
from app.services import accounts, importing, jobs
from app.services.importing import originals
from app.services.jobs import Runner
from models import BatchState, Commune, Grant, ImportBatch, ImportRow, Job, JobTask, Role, User
from models.rules.access import grants
from tests.conftest import sqlite_copy
from tests.services.test_importing import IN_2021

# A file of so many is large enough for a process of its own.
COMMUNES = 1_000
PATIENCE = 300  # seconds; a machine may have much else to do
ROOT = Path(__file__).parents[2]


def commune_list(count: int = 3, *, bad: int = 0) -> bytes:
    """A list of made-up communes; the last `bad` of them without a name."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Mã TP", "Tỉnh Thành Phố", "Mã QH", "Quận Huyện", "Mã PX", "Phường Xã", "Cấp"])
    for number in range(count):
        name = "" if number >= count - bad else f"Xã Thử {number}"
        writer.writerow(
            [
                "83",
                "Tỉnh Bến Tre",
                f"{800 + number // 50}",
                f"Huyện Thử {number // 50}",
                f"{20_000 + number}",
                name,
                "Xã",
            ]
        )
    return text.getvalue().encode("utf-8-sig")


class Office:
    """One database, its folder of files, and an administrator who imports."""

    def __init__(self, database: Database, files: Path) -> None:
        self.database, self.files = database, files
        self.runner = Runner(database, files)
        with database.writing.begin() as session:
            if not session.scalar(select(func.count(User.id))):
                session.add_all(Grant(role=role, screen=screen, verb=verb) for role, screen, verb in grants())
                accounts.add_user(
                    session,
                    username="quantri",
                    full_name="Trần Thị Thử",
                    role=Role.ADMINISTRATOR,
                    password="mat-khau-thu",
                )
            self.user_id = session.scalars(select(User.id)).one()
        with database.reading() as session:
            self.who = accounts.actor_named(session, "quantri")

    def begin(self, content: bytes) -> tuple[int, int]:
        """The batch of a file, and the job that reads it."""
        content_hash = originals.keep(originals.folder(self.files), content)
        with acting_as(self.who), self.database.writing.begin() as session:
            batch = importing.begin(
                session, Commune, as_of=IN_2021, file_name="danh-muc.csv", content_hash=content_hash, size=len(content)
            )
            return batch.id, jobs.ask(session, batch, JobTask.READ).id

    def ask(self, batch_id: int, task: JobTask = JobTask.APPLY, **arguments: Any) -> int:
        with acting_as(self.who), self.database.writing.begin() as session:
            batch = session.get_one(ImportBatch, batch_id)
            return jobs.ask(session, batch, task, **(arguments or {"partial": False})).id

    def do(self, job_id: int) -> None:
        self.runner.start(job_id).result(timeout=PATIENCE)

    def planned(self, content: bytes) -> int:
        batch_id, job_id = self.begin(content)
        self.do(job_id)
        return batch_id

    def state(self, batch_id: int) -> BatchState:
        with self.database.reading() as session:
            return session.get_one(ImportBatch, batch_id).state

    def refusal(self, job_id: int) -> str | None:
        """None when the job is done and gone."""
        with self.database.reading() as session:
            job = session.get(Job, job_id)
            return job.refusal if job else None

    def communes(self) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count(Commune.id))) or 0


@pytest.fixture
def office(any_database: Database, tmp_path: Path, at_the_desk: None) -> Iterator[Office]:
    made = Office(any_database, tmp_path / "files")
    yield made
    made.runner.close()


@pytest.fixture
def sqlite_office(database: Database, tmp_path: Path, at_the_desk: None) -> Iterator[Office]:
    made = Office(database, tmp_path / "files")
    yield made
    made.runner.close()


@pytest.fixture(scope="module")
def large_plan(tmp_path_factory: pytest.TempPathFactory, shared_tmp: Path) -> Path:
    """A folder with a database and its files: a plan of COMMUNES that nobody has confirmed."""
    folder = tmp_path_factory.mktemp("plan")
    database = connect(sqlite_copy(folder, shared_tmp, "empty"))
    with acting_as(system("kiểm thử")):
        office = Office(database, folder / "files")
        office.planned(commune_list(COMMUNES))
        office.runner.close()
    database.engine.dispose()
    return folder


@pytest.fixture
def office_with_plan(large_plan: Path, tmp_path: Path, at_the_desk: None) -> Iterator[tuple[Office, int]]:
    """An office of its own, and the batch of that plan."""
    folder = tmp_path / "office"
    shutil.copytree(large_plan, folder)
    database = connect(f"sqlite:///{folder}/ocop.db")
    office = Office(database, folder / "files")
    with database.reading() as session:
        batch_id = session.scalars(select(ImportBatch.id)).one()
    yield office, batch_id
    office.runner.close()
    database.engine.dispose()


@pytest.fixture
def at_the_desk() -> Iterator[None]:
    with acting_as(system("kiểm thử")):
        yield


def test_a_file_is_read_and_written_by_jobs_that_leave_nothing_behind(office: Office) -> None:
    batch_id, reading = office.begin(commune_list())
    assert office.state(batch_id) is BatchState.READING
    office.do(reading)
    assert office.state(batch_id) is BatchState.PLANNED

    writing = office.ask(batch_id)
    office.do(writing)

    assert office.state(batch_id) is BatchState.APPLIED
    assert office.communes() == 3
    assert office.refusal(reading) is office.refusal(writing) is None
    assert list((office.files / "viec").iterdir()) == []


def test_a_second_job_of_a_batch_is_refused_while_one_is_open(office: Office) -> None:
    batch_id = office.planned(commune_list())
    office.ask(batch_id)

    with pytest.raises(jobs.JobRunning, match="Chờ việc đang chạy xong"):
        office.ask(batch_id)


def test_what_a_job_was_refused_for_stays_until_the_next(office: Office) -> None:
    batch_id = office.planned(commune_list(3, bad=1))

    refused = office.ask(batch_id)
    office.do(refused)
    assert "1 dòng bị từ chối" in str(office.refusal(refused))
    assert office.communes() == 0

    again = office.ask(batch_id, partial=True)
    office.do(again)
    assert office.refusal(refused) is office.refusal(again) is None
    assert office.communes() == 2


def test_a_file_that_is_none_is_refused_with_its_sentence(office: Office) -> None:
    _batch_id, job_id = office.begin(b"%PDF-1.7 not a list")
    office.do(job_id)

    assert "PDF" in str(office.refusal(job_id))


def test_the_rights_of_today_count_not_those_of_the_asking(office: Office) -> None:
    batch_id = office.planned(commune_list())
    job_id = office.ask(batch_id)
    with office.database.writing.begin() as session:
        accounts.lock(session, session.get_one(User, office.user_id))

    office.do(job_id)

    assert "đã khóa" in str(office.refusal(job_id))
    assert office.communes() == 0


def test_a_mistake_of_the_software_is_said_and_logged(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    batch_id = office.planned(commune_list())
    job_id = office.ask(batch_id, seen="an argument that applying does not know")

    office.do(job_id)

    assert str(office.refusal(job_id)) == str(jobs.JobFailed(job_id=job_id))
    assert "KeyError" in caplog.text
    assert office.communes() == 0


def test_a_job_that_always_ends_its_process_is_given_up(office: Office) -> None:
    batch_id = office.planned(commune_list())
    job_id = office.ask(batch_id)
    with office.database.writing.begin() as session:
        session.get_one(Job, job_id).tries = jobs.MOST_TRIES

    office.do(job_id)

    assert "dừng giữa chừng 3 lần" in str(office.refusal(job_id))
    assert office.communes() == 0


def test_a_job_of_another_process_is_left_to_it(office: Office) -> None:
    batch_id = office.planned(commune_list())
    job_id = office.ask(batch_id)
    (office.files / "viec").mkdir(parents=True, exist_ok=True)
    with FileLock(office.files / "viec" / f"{job_id}.lock"):
        office.do(job_id)
        assert office.state(batch_id) is BatchState.PLANNED

    office.do(job_id)
    assert office.state(batch_id) is BatchState.APPLIED


def test_what_moved_since_the_preview_is_named_and_asked_about(office: Office) -> None:
    first, second = office.planned(commune_list()), office.planned(commune_list())
    office.do(office.ask(first))

    job_id = office.ask(second)
    office.do(job_id)

    assert "Sổ đã thay đổi sau khi xem trước" in str(office.refusal(job_id))
    with office.database.reading() as session:
        batch = session.get_one(ImportBatch, second)
        assert batch.counts["same"] == 3
        assert "dòng 2 “20000 Xã Thử 0” trước là mới, nay là không đổi" in batch.notes[0]


# ---- stopped, killed, begun anew ----------------------------------------------------------------------------------


def test_a_job_is_stopped_between_rows_and_nothing_stays(sqlite_office: Office) -> None:
    office = sqlite_office
    batch_id = office.planned(commune_list(4 * COMMUNES))
    job_id = office.ask(batch_id)

    work = office.runner.start(job_id)
    wait_until((office.files / "viec" / f"{job_id}.json").exists)
    assert 0 <= office.runner.how_far(job_id).share < 1
    office.runner.stop(job_id)
    work.result(timeout=PATIENCE)

    assert office.refusal(job_id) == str(jobs.StoppedOnRequest())
    assert office.state(batch_id) is BatchState.PLANNED
    assert office.communes() == 0


def test_a_worker_that_ends_leaves_its_job_to_the_next(sqlite_office: Office) -> None:
    office = sqlite_office
    batch_id = office.planned(commune_list(4 * COMMUNES))
    job_id = office.ask(batch_id)
    office.runner.start(job_id)
    wait_until((office.files / "viec" / f"{job_id}.json").exists)
    office.runner.close()
    assert (office.state(batch_id), office.communes()) == (BatchState.PLANNED, 0)

    with office.database.reading() as session:
        assert session.get_one(Job, job_id).tries == 0, "an orderly end is no failed try"
    following = Runner(office.database, office.files)
    following.resume()
    following.start(job_id).result(timeout=PATIENCE)
    following.close()

    assert (office.state(batch_id), office.communes()) == (BatchState.APPLIED, 4 * COMMUNES)


WORKER = """
import sys
from pathlib import Path
from app.database import connect
from app.services.jobs import Runner
runner = Runner(connect(sys.argv[1]), Path(sys.argv[2]))
{does}
"""
HERE, BESIDE = "runner.run(int(sys.argv[3]))", "runner.start(int(sys.argv[3])).result()"


def worker_of(office: Office, job_id: int, does: str) -> "subprocess.Popen[bytes]":
    """A process that does a job, or has it done by one of its own."""
    address = str(office.database.engine.url)
    code = WORKER.replace("{does}", does)
    return subprocess.Popen([sys.executable, "-c", code, address, str(office.files), str(job_id)], cwd=ROOT)


def wait_until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.55, 0.8])
def test_a_killed_process_leaves_the_whole_batch_or_none_of_it(
    office_with_plan: tuple[Office, int], share: float
) -> None:
    office, batch_id = office_with_plan
    job_id = office.ask(batch_id)

    worker = worker_of(office, job_id, HERE)
    wait_until(lambda: worker.poll() is not None or office.runner.how_far(job_id).share >= share)
    worker.kill()
    worker.wait()

    assert office.communes() in (0, COMMUNES)
    assert (office.state(batch_id) is BatchState.APPLIED) is (office.communes() == COMMUNES)
    office.do(job_id)
    assert (office.state(batch_id), office.communes()) == (BatchState.APPLIED, COMMUNES)
    with connect(str(office.database.engine.url)).reading() as session:
        assert session.scalar(select(func.count(ImportRow.id)).where(ImportRow.row_id.is_not(None))) == COMMUNES


def test_the_process_of_a_large_file_is_killed_and_its_job_begun_anew(office_with_plan: tuple[Office, int]) -> None:
    office, batch_id = office_with_plan
    job_id = office.ask(batch_id)

    work = office.runner.start(job_id)
    wait_until(lambda: office.runner.how_far(job_id).share > 0)
    (alone,) = multiprocessing.active_children()
    alone.kill()
    work.result(timeout=PATIENCE)

    assert (office.state(batch_id), office.communes()) == (BatchState.APPLIED, COMMUNES)
    assert office.refusal(job_id) is None


def test_work_on_a_large_file_goes_on_when_its_worker_is_killed(office_with_plan: tuple[Office, int]) -> None:
    office, batch_id = office_with_plan
    job_id = office.ask(batch_id)

    worker = worker_of(office, job_id, BESIDE)
    wait_until(lambda: office.runner.how_far(job_id).share > 0)
    worker.kill()
    worker.wait()
    office.do(job_id)  # left to the process that does it

    wait_until(lambda: office.refusal(job_id) is None)
    assert (office.state(batch_id), office.communes()) == (BatchState.APPLIED, COMMUNES)


def test_a_large_file_is_worked_on_here_where_no_process_can_be(office_with_plan: tuple[Office, int]) -> None:
    office, batch_id = office_with_plan
    job_id = office.ask(batch_id)

    multiprocessing.set_executable("/bin/false")
    try:
        office.do(job_id)
    finally:
        multiprocessing.set_executable(sys.executable)

    assert (office.state(batch_id), office.communes()) == (BatchState.APPLIED, COMMUNES)
