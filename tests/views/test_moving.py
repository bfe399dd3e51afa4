"""Chuyển đơn vị: looked at, confirmed, shown as its batch; each record of a divided commune is chosen for."""

from datetime import date

import pytest
from sqlalchemy import func, select

from app.current import acting_as, system
from app.database import Database
from app.session import OcopSession
from models import AuditEntry, Commune, Entity, EntityKind, ImportBatch
from tests.views.conftest import Clerk
from tests.views.page import form_of, rows_of, text_of


@pytest.fixture
def divided(demo: Database) -> int:
    """A producer in a commune that was divided in 2025."""
    with acting_as(system("kiểm thử")), demo.writing.begin() as session:
        place = session.scalars(select(Commune).where(Commune.code == "29770", Commune.valid_to.is_not(None))).one()
        entity = Entity(name="HTX Bưởi Năm Roi", kind=EntityKind.COOPERATIVE, commune=place)
        session.add(entity)
        session.flush()
        return entity.id


def left(look: OcopSession) -> int:
    """Producers that still lie in communes that ended."""
    ended = Commune.valid_to < date(2026, 1, 1)
    return look.scalar(select(func.count(Entity.id)).join(Commune, Entity.commune_id == Commune.id).where(ended)) or 0


def test_a_preview_changes_nothing_and_the_confirmation_moves(clerk: Clerk, look: OcopSession) -> None:
    tinh = clerk("tinh")
    before, newest = left(look), look.scalar(select(func.max(AuditEntry.id)))
    assert before

    preview = tinh.post("/admin/moving")

    look.rollback()
    assert "Chưa có gì thay đổi" in text_of(preview.text)
    assert (left(look), look.scalar(select(func.max(AuditEntry.id)))) == (before, newest)

    done = tinh.post("/admin/moving", data=form_of(preview.text))

    look.rollback()
    assert done.status_code == 303
    assert left(look) == 0
    batch = look.scalars(select(ImportBatch).order_by(ImportBatch.id.desc())).first()
    assert batch is not None
    assert done.headers["location"] == f"/admin/import/{batch.id}"
    page = tinh.get(done.headers["location"])
    assert "Hoàn tác đợt nhập" in page.text
    assert "Tải tệp gốc" not in page.text
    assert "Không còn bản ghi nào" in text_of(tinh.get("/admin/moving").text)


def test_a_list_names_todays_commune_and_the_former_one_before_and_after_the_move(clerk: Clerk) -> None:
    tinh = clerk("tinh")
    shown = [row[3] for row in rows_of(tinh.get("/admin/product/list?pageSize=100&search=nghêu").text)]

    tinh.post("/admin/moving", data=form_of(tinh.post("/admin/moving").text))

    assert any("trước 01/07/2025: xã Thạnh Hải, huyện Thạnh Phú" in place for place in shown)
    assert [row[3] for row in rows_of(tinh.get("/admin/product/list?pageSize=100&search=nghêu").text)] == shown


def test_the_district_sees_its_records_after_they_moved(clerk: Clerk) -> None:
    district = clerk("thanhphu")
    seen = [row[1] for row in rows_of(district.get("/admin/entity/list?pageSize=100").text)]
    tinh = clerk("tinh")

    tinh.post("/admin/moving", data=form_of(tinh.post("/admin/moving").text))

    assert seen
    assert [row[1] for row in rows_of(district.get("/admin/entity/list?pageSize=100").text)] == seen


def test_a_record_of_a_divided_commune_waits_for_a_choice(clerk: Clerk, look: OcopSession, divided: int) -> None:
    tinh = clerk("tinh")
    page = tinh.get("/admin/moving")
    heir = look.scalars(select(Commune).where(Commune.code == "29771", Commune.valid_to.is_(None))).one()
    typed = {"loai": "entity", "ban-ghi": str(divided), "version": "1"}
    assert "Chọn xã mới: 1 bản ghi của xã đã chia" in text_of(page.text)

    assert tinh.post("/admin/moving/choose", data={**typed, "xa": ""}).status_code == 409
    answer = tinh.post("/admin/moving/choose", data={**typed, "xa": str(heir.id)})

    look.rollback()
    assert answer.status_code == 303
    assert look.get_one(Entity, divided).commune_id == heir.id
    assert "Chọn xã mới" not in text_of(tinh.get("/admin/moving").text)


def test_a_choice_of_an_older_version_is_refused(clerk: Clerk, look: OcopSession, divided: int) -> None:
    heir = look.scalars(select(Commune).where(Commune.code == "29771", Commune.valid_to.is_(None))).one()
    typed = {"loai": "entity", "ban-ghi": str(divided), "version": "7", "xa": str(heir.id)}

    answer = clerk("tinh").post("/admin/moving/choose", data=typed)

    look.rollback()
    assert answer.status_code == 409
    assert look.get_one(Entity, divided).moved_from_id is None


@pytest.mark.parametrize("who", ["xa", "lanhdao", "hoidong"])
def test_others_than_the_keepers_of_places_do_not_move(clerk: Clerk, who: str) -> None:
    client = clerk(who)

    assert client.get("/admin/moving").status_code == 403
    assert client.post("/admin/moving", data={"confirm": "1"}).status_code == 403
