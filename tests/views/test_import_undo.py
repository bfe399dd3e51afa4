"""Hoàn tác đợt nhập as clerks use it: the dry run, the undo, what is seen, stored and in the trail."""

import re

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.current import acting_as, system
from app.database import Database
from app.session import OcopSession
from models import AuditAction, AuditEntry, BatchState, Commune, Entity, EntityKind, ImportBatch
from tests.views.conftest import Clerk
from tests.views.page import form_of
from tests.views.test_imports import NEW, RENAMED, send, text, units, workbook


@pytest.fixture
def hand(clerk: Clerk) -> TestClient:
    return clerk("tinh")


@pytest.fixture
def href(hand: TestClient) -> str:
    """The page of an applied batch: one commune renamed, with the account of its clerk, and one new."""
    address: str = send(hand, workbook(RENAMED, NEW)).headers["location"]
    assert hand.post(f"{address}/confirm").status_code == 303
    return address


def edit_new(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.writing.begin() as session, session.doing("sửa"):
        session.scalars(select(Commune).where(Commune.code == "29999")).one().legal_basis = "Nghị quyết 1/NQ"


def batch_of(look: OcopSession) -> ImportBatch:
    look.rollback()
    return look.scalars(select(ImportBatch)).one()


def test_a_clerk_looks_undoes_and_sees_the_batch_undone(hand: TestClient, href: str, look: OcopSession) -> None:
    button = hand.get(href)
    page = hand.get(f"{href}/undo")

    assert f'href="{href}/undo"' in button.text
    assert page.status_code == 200
    seen = text(page)
    assert "Hoàn tác đợt nhập số 1" in seen
    assert "Chưa có gì thay đổi cho đến khi bấm nút xác nhận." in seen
    assert "Xã Cồn Bửng Xã, phường Bỏ, vì đợt nhập này đã thêm." in seen
    assert "Đến hết ngày: 30/09/2026 (trống)" in seen
    assert units(look, "29999") != []
    rows = len(batch_of(look).options["columns"])

    answer = hand.post(f"{href}/undo", data=form_of(page.text))
    result = hand.get(answer.headers["location"])

    assert (answer.status_code, answer.headers["location"]) == (303, href)
    assert rows
    assert "Đã hoàn tác lúc" in text(result)
    assert "bởi Lê Thị Thu Hà: 5 dòng trả lại như trước." in text(result)
    assert f"{href}/undo" not in result.text
    assert "/admin/commune/details/" not in result.text
    batch = batch_of(look)
    assert (batch.state, batch.undone_by) == (BatchState.UNDONE, "Lê Thị Thu Hà")
    assert units(look, "29999") == []
    assert [name for name, _from, until in units(look, "29182") if until is None] == ["Xã Thạnh Phú"]
    trail = look.scalars(
        select(AuditEntry).where(AuditEntry.batch_id == batch.id, AuditEntry.verb == "hoàn tác đợt nhập")
    ).all()
    assert {entry.action for entry in trail if entry.model == "communes"} == {AuditAction.DELETE, AuditAction.UPDATE}


def test_looking_changes_nothing(hand: TestClient, href: str, look: OcopSession) -> None:
    before = units(look, "29182")

    hand.get(f"{href}/undo")

    assert batch_of(look).state is BatchState.APPLIED
    assert units(look, "29182") == before


def test_what_stays_is_said_with_its_reason(hand: TestClient, href: str, demo: Database, look: OcopSession) -> None:
    edit_new(demo)
    with acting_as(system("kiểm thử")), demo.writing.begin() as session:
        renamed = session.scalars(select(Commune).where(Commune.name == "Xã Thạnh Phú Mới")).one()
        session.add(Entity(name="HTX Thạnh Phú Mới", kind=EntityKind.COOPERATIVE, commune_id=renamed.id))

    page = hand.get(f"{href}/undo")
    answer = hand.post(f"{href}/undo", data=form_of(page.text))

    seen = text(page)
    assert "1 dòng giữ vì đã sửa sau đó" in seen
    assert "bởi kiểm thử." in seen
    assert "4 dòng giữ vì đang được dùng" in seen
    assert "Đang được dùng: 1 chủ thể, 1 tài khoản." in seen
    assert "không hoàn tác được dòng nào" in seen
    assert "is-danger" not in page.text.partition("<main")[2]
    assert answer.status_code == 409
    assert batch_of(look).state is BatchState.APPLIED


def test_rows_that_an_undo_left_are_counted_apart_and_still_lead_to_their_records(
    hand: TestClient, href: str, demo: Database, look: OcopSession
) -> None:
    edit_new(demo)
    hand.post(f"{href}/undo", data=form_of(hand.get(f"{href}/undo").text))

    page = hand.get(href)
    assert "1 Mới, giữ cả" in text(page)
    assert "1 Thay đổi, đã hoàn tác" in text(page)
    assert "1 xã, phường mới khi nhập, nay giữ cả" in text(page)
    assert "1 xã, phường thay đổi khi nhập, nay đã hoàn tác" in text(page)
    assert "Xã Cồn Bửng giữ lại" in text(page)
    (left,) = units(look, "29999")
    assert page.text.count("/admin/commune/details/") == 1
    assert left


def test_what_moved_since_the_dry_run_is_shown_again(
    hand: TestClient, href: str, demo: Database, look: OcopSession
) -> None:
    form = form_of(hand.get(f"{href}/undo").text)
    edit_new(demo)

    answer = hand.post(f"{href}/undo", data=form)
    again = hand.post(f"{href}/undo", data=form_of(answer.text))

    assert answer.status_code == 409
    assert "Sổ đã thay đổi sau khi xem trước nên chưa hoàn tác dòng nào." in text(answer)
    assert again.status_code == 303
    assert batch_of(look).options["undone"] == {"reversed": 4, "kept": 1, "blocked": 0}
    assert "4 dòng trả lại như trước, 1 dòng giữ vì đã sửa sau đó" in text(hand.get(href))
    assert len(units(look, "29999")) == 1


def test_a_batch_is_undone_once(hand: TestClient, href: str) -> None:
    form = form_of(hand.get(f"{href}/undo").text)
    hand.post(f"{href}/undo", data=form)

    answers = [hand.get(f"{href}/undo"), hand.post(f"{href}/undo", data=form)]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert all("Đợt nhập số 1 đã hoàn tác." in text(answer) for answer in answers)


def test_a_plan_has_nothing_to_undo(hand: TestClient) -> None:
    plan: str = send(hand, workbook(NEW)).headers["location"]

    answer = hand.get(f"{plan}/undo")

    assert answer.status_code == 409
    assert "Tệp này chưa nhập vào sổ" in text(answer)
    assert f"{plan}/undo" not in hand.get(plan).text


@pytest.mark.parametrize(("username", "status"), [("xa", 404), ("kiemtoan", 403), ("admin", 200)])
def test_who_else_may_undo(clerk: Clerk, href: str, look: OcopSession, username: str, status: int) -> None:
    other = clerk(username)

    page = other.get(f"{href}/undo")
    answer = other.post(f"{href}/undo", data=form_of(page.text) if status == 200 else {})

    assert page.status_code == status
    assert answer.status_code == (303 if status == 200 else status)
    assert (batch_of(look).state is BatchState.UNDONE) == (status == 200)


def test_the_same_file_may_be_imported_again(hand: TestClient, href: str, look: OcopSession) -> None:
    hand.post(f"{href}/undo", data=form_of(hand.get(f"{href}/undo").text))

    again: str = send(hand, workbook(RENAMED, NEW)).headers["location"]
    seen = text(hand.get(again))
    hand.post(f"{again}/confirm")

    assert "đã nhập lúc" not in seen
    look.rollback()
    assert len(units(look, "29999")) == 1


def test_the_list_of_batches_says_what_was_imported_and_what_is_undone(hand: TestClient, href: str) -> None:
    assert re.search(
        r"danh-muc.xlsx Xã, phường .*Đã nhập 1 mới, 1 thay đổi", text(hand.get("/admin/import-batch/list"))
    )

    hand.post(f"{href}/undo", data=form_of(hand.get(f"{href}/undo").text))

    assert "Đã hoàn tác 1 mới, 1 thay đổi đã hoàn tác" in text(hand.get("/admin/import-batch/list"))
    page = text(hand.get(href))
    assert "Đợt nhập số 1, đã hoàn tác" in page
    assert "1 Mới, đã hoàn tác 1 Thay đổi, đã hoàn tác" in page
