"""Chuyển đơn vị: looked at, confirmed, shown as its batch; each record of a divided commune is chosen for."""

import re
from datetime import date

import pytest
from sqlalchemy import func, select

from app.current import acting_as, system
from app.database import Database
from app.session import OcopSession
from models import (
    AuditEntry,
    Boundary,
    Commune,
    CommuneSuccession,
    Entity,
    EntityKind,
    ImportBatch,
    Product,
)
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
    assert "Hoàn tác đợt chuyển" in page.text
    assert f"Đợt chuyển đơn vị số {batch.number}" in text_of(page.text)
    assert f"Đã chuyển {batch.counts['changed']} bản ghi" in text_of(page.text)
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
    after = text_of(tinh.get("/admin/moving").text)
    assert f"Đã chuyển chủ thể “HTX Bưởi Năm Roi” sang {heir.name}, đợt số" in after
    assert "Chọn xã mới" not in after


def test_the_choice_shows_what_took_over_on_a_map_and_why_one_is_likely(
    clerk: Clerk, look: OcopSession, demo: Database, divided: int
) -> None:
    tinh, old = clerk("tinh"), look.get_one(Entity, divided).commune_id
    heirs = look.scalars(select(CommuneSuccession.new_id).where(CommuneSuccession.old_id == old)).all()
    names = {unit.id: unit.name for unit in look.scalars(select(Commune).where(Commune.id.in_(heirs)))}
    address = f"/admin/moving/choose?tu={old}"
    assert f'href="{address}"' in tinh.get("/admin/moving").text
    without = tinh.get(address).text
    assert '<svg class="o-map"' not in without
    assert "Chưa có ranh giới của các xã này nên chỉ hiện bảng." in text_of(without)
    assert "Không có gợi ý." in text_of(without)

    named = heirs[-1]
    with acting_as(system("kiểm thử")), demo.writing.begin() as session, session.doing("thử"):
        session.get_one(Entity, divided).printed_address = f"Ấp 3, {names[named]}"
        square = {"x": 0, "y": 0, "width": 90, "height": 90, "outline": "M0 0l90 0 0 90z", "geometry": "{}"}
        for heir in heirs[1:]:
            unit = session.get_one(Commune, heir)
            session.add(Boundary(commune_id=heir, province_id=unit.province_id, as_of=unit.valid_from, **square))
    page = tinh.get(address).text

    assert len(heirs) > 1
    drawn = re.findall(r'<a href="/admin/commune/details/(\d+)" aria-label="\d+\. ([^"]+)"', page)
    assert {(int(each), name) for each, name in drawn} == {(heir, names[heir]) for heir in heirs[1:]}
    assert page.count("(chưa có ranh giới)") == 1
    assert f"Gợi ý: {names[named]}, vì địa chỉ nhắc đến tên xã." in text_of(page)
    options = re.findall(r'<option value="(\d*)"', page.partition('name="xa"')[2])
    assert options[:2] == ["", str(named)]
    assert sorted(options[1:]) == sorted(str(heir) for heir in heirs)


def test_every_one_of_many_waiting_records_can_be_reached(
    clerk: Clerk, look: OcopSession, demo: Database, divided: int
) -> None:
    tinh, old = clerk("tinh"), look.get_one(Entity, divided).commune_id
    heir = look.scalars(select(Commune).where(Commune.code == "29771", Commune.valid_to.is_(None))).one()
    with acting_as(system("kiểm thử")), demo.writing.begin() as session, session.doing("thử"):
        for number in range(40):
            session.add(Product(name=f"Bưởi số {number}", entity_id=divided, commune_id=old))
    address = f"/admin/moving/choose?tu={old}"

    seen = [row[0] for page in (1, 2) for row in rows_of(tinh.get(f"{address}&trang={page}").text)]

    assert len(set(seen)) == 41
    first = text_of(tinh.get(address).text)
    assert "41 bản ghi chờ chọn" in first
    assert "Bản ghi 1–25 trong 41" in first
    last = tinh.get(f"{address}&trang=99").text
    assert "Bản ghi 26–41 trong 41" in text_of(last)
    answer = tinh.post("/admin/moving/choose", data={**form_of(last), "xa": str(heir.id)})
    assert answer.headers["location"] == f"{address}&trang=2"
    assert "Bản ghi 26–40 trong 40" in text_of(tinh.get(answer.headers["location"]).text)


def test_a_commune_that_has_nothing_waiting_shows_the_list_of_all(clerk: Clerk) -> None:
    page = clerk("tinh").get("/admin/moving/choose?tu=999999")

    assert page.status_code == 200
    assert "Bản ghi này không chờ chọn xã mới" in text_of(page.text)


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


def test_every_divided_commune_is_within_reach(clerk: Clerk, demo: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin_views.moving.SHOWN", 2)
    with acting_as(system("kiểm thử")), demo.writing.begin() as session:
        divided = Commune.code.in_(("29719", "29764", "29770", "29771", "29821"))
        places = session.scalars(select(Commune).where(divided, Commune.valid_to == date(2025, 6, 30))).all()
        for place in places:
            session.add(Entity(name=f"HTX {place.code}", kind=EntityKind.COOPERATIVE, commune=place))
        hrefs = {f"/admin/moving/choose?tu={place.id}" for place in places}
    tinh, address, seen = clerk("tinh"), "/admin/moving", list[set[str]]()

    for _ in range(3):
        page = tinh.get(address).text
        seen.append({href for href in hrefs if f'href="{href}"' in page})
        onward = re.search(r'href="(/admin/moving\?trang-chia=\d+)">Trang sau', page)
        address = onward[1] if onward else ""

    assert [len(each) for each in seen] == [2, 2, 1]
    assert set().union(*seen) == hrefs
    assert address == ""
    assert "Xã, phường 5–5 trong 5" in text_of(page)


def test_a_move_has_a_kind_of_its_own_among_the_batches(clerk: Clerk) -> None:
    tinh = clerk("tinh")

    done = tinh.post("/admin/moving", data=form_of(tinh.post("/admin/moving").text))

    ((name, kind, *_rest),) = rows_of(tinh.get("/admin/import-batch/list").text)
    assert (name, kind) == ("Chuyển đơn vị", "Chuyển đơn vị")
    number = done.headers["location"].rpartition("/")[2]
    assert "Số dòng: Chuyển đơn vị" in text_of(tinh.get(f"/admin/import-batch/details/{number}").text)


def test_the_batch_of_a_move_tells_units_of_one_name_apart(clerk: Clerk) -> None:
    tinh = clerk("tinh")

    done = tinh.post("/admin/moving", data=form_of(tinh.post("/admin/moving").text))

    page = text_of(tinh.get(done.headers["location"] + "?xem=changed").text)
    assert "Xã Thạnh Hải, mã 29221, Huyện Thạnh Phú, đến hết 30/06/2025" in page
    assert re.search(r"Xã Thạnh Hải, mã \d{5}, từ 01/07/2025", page)
