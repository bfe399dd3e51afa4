"""Long work as a clerk sees it: how far it is, how to stop it, what it came to."""

import re
from pathlib import Path

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from app.current import acting_as
from app.database import Database
from app.services import accounts, jobs
from app.session import OcopSession
from models import BatchState, ImportBatch, Job, JobTask
from tests.views.conftest import Clerk
from tests.views.test_imports import NEW, RENAMED, send, text, units, workbook


@pytest.fixture
def province_clerk(clerk: Clerk) -> TestClient:
    return clerk("tinh")


def sent(client: TestClient) -> str:
    """The address of a plan, /admin/import/1."""
    return str(send(client, workbook(RENAMED, NEW)).headers["location"])


def asked(database: Database, address: str, username: str = "tinh") -> int:
    """A job that nobody has begun, as one is that waits for another."""
    with database.reading() as session:
        who = accounts.actor_named(session, username)
    with acting_as(who), database.writing.begin() as session:
        batch = session.get_one(ImportBatch, int(address.rsplit("/", 1)[1]))
        return jobs.ask(session, batch, JobTask.APPLY, partial=False).id


def test_while_a_job_runs_its_page_says_how_far_it_is(province_clerk: TestClient, demo: Database) -> None:
    address = sent(province_clerk)
    asked(demo, address)

    page = province_clerk.get(address)

    assert "Đang chờ đến lượt" in text(page)
    assert "Có thể đóng trang này" in text(page)
    assert re.search(r'<progress [^>]*max="100" value="0"', page.text)
    assert "data-running" in page.text, "the script looks again"
    assert f'action="{address}/stop"' in page.text
    assert "/confirm" not in page.text


@pytest.mark.parametrize("verb", ["confirm", "answer", "drop", "undo"])
def test_nothing_else_is_begun_meanwhile(
    province_clerk: TestClient, demo: Database, look: OcopSession, verb: str
) -> None:
    address = sent(province_clerk)
    asked(demo, address)

    answer = province_clerk.post(f"{address}/{verb}")

    assert answer.status_code == 409
    assert look.scalar(select(func.count(Job.id))) == 1
    assert units(look, "29999") == []


def test_a_job_that_waits_is_stopped(
    province_clerk: TestClient, demo: Database, look: OcopSession, site: object
) -> None:
    address = sent(province_clerk)
    job_id = asked(demo, address)
    runner = site.state.admin.jobs  # type: ignore[attr-defined]  # the fixture's Starlette

    assert province_clerk.post(f"{address}/stop").headers["location"] == address
    runner.start(job_id).result(timeout=30)
    page = province_clerk.get(address)

    assert "Đã dừng theo yêu cầu, chưa ghi gì vào sổ" in text(page)
    assert units(look, "29999") == []
    assert "/confirm" in page.text, "it may be asked for again"


def test_only_who_asked_may_stop_it(clerk: Clerk, demo: Database, province_clerk: TestClient, site: object) -> None:
    address = sent(province_clerk)
    job_id = asked(demo, address)
    folder: Path = site.state.admin.jobs._folder  # type: ignore[attr-defined]

    assert clerk("xa").post(f"{address}/stop").status_code == 404
    assert not (folder / f"{job_id}.stop").exists()


def test_a_file_that_cannot_be_read_leaves_no_batch(province_clerk: TestClient, look: OcopSession) -> None:
    before = look.scalar(select(func.count(ImportBatch.id)))

    answer = send(province_clerk, b"%PDF-1.7 not a list", name="danh-muc.xlsx")

    assert answer.status_code == 400
    assert "PDF" in text(answer)
    assert look.scalar(select(func.count(ImportBatch.id))) == before
    assert look.scalar(select(func.count(Job.id))) == 0


def test_a_batch_that_is_still_read_offers_nothing_to_confirm(
    province_clerk: TestClient, demo: Database, look: OcopSession
) -> None:
    address = sent(province_clerk)
    with demo.writing.begin() as session:
        batch = session.scalars(select(ImportBatch).order_by(ImportBatch.id.desc())).first()
        assert batch is not None
        batch.state = BatchState.READING

    page = province_clerk.get(address)

    assert page.status_code == 200
    assert "/confirm" not in page.text
