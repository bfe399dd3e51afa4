"""The step action: a check page that changes nothing, then each product by itself."""

import io
import re
from html import unescape

import openpyxl
from sqlalchemy import select

from app.session import OcopSession
from models import AuditEntry, Participation, Product, StepRecord
from tests.views.conftest import Clerk
from tests.views.page import edit, form_of, text_of


def taking_part(look: OcopSession, *names: str) -> list[Participation]:
    statement = select(Participation).join(Product, Participation.product_id == Product.id)
    found = {p.product.name: p for p in look.scalars(statement.where(Product.name.in_(names)))}
    return [found[name] for name in names]


def test_the_check_page_splits_and_changes_nothing(clerk: Clerk, look: OcopSession) -> None:
    tea, ice, promoted = taking_part(look, "Trà bí đao túi lọc", "Kem dừa sáp", "Xà phòng dừa")
    ids = [str(p.product_id) for p in (tea, ice, promoted)]

    page = clerk("xa").post("/admin/product/action/advance", data={"pks": ids})

    look.rollback()
    words = text_of(page.text)
    assert page.status_code == 200
    assert "Chuyển sang bước 4: Nhận kế hoạch kinh doanh" in words
    assert "1 sản phẩm chuyển được" in words
    assert "2 sản phẩm giữ nguyên, vì 2 lý do" in words
    assert "Chuyển 1 sản phẩm sang bước 4" in words
    assert tea.step.number == 3


def test_confirming_moves_each_with_record_and_trail(clerk: Clerk, look: OcopSession) -> None:
    tea, oil = taking_part(look, "Trà bí đao túi lọc", "Ruốc tôm sả ớt")
    xa = clerk("xa")
    check = xa.post("/admin/product/action/advance", data={"pks": [str(tea.product_id), str(oil.product_id)]})

    done = xa.post("/admin/product/action/advance", data={**form_of(check.text), "note": "Đã dự tập huấn."})

    look.rollback()
    record = look.scalars(
        select(StepRecord).where(StepRecord.participation_id == tea.id).order_by(StepRecord.id)
    ).all()[-1]
    entry = look.scalars(
        select(AuditEntry)
        .where(AuditEntry.model == "participations", AuditEntry.row_id == tea.id)
        .order_by(AuditEntry.id)
    ).all()[-1]
    assert "Đã chuyển 2 sản phẩm sang bước 4" in text_of(done.text)
    assert (tea.step.number, oil.step.number) == (4, 4)
    assert (record.note, record.moved_by) == ("Đã dự tập huấn.", entry.actor)
    assert entry.verb == "chuyển bước"
    assert "step_id" in entry.changes


def test_a_second_press_moves_nothing_more(clerk: Clerk, look: OcopSession) -> None:
    (tea,) = taking_part(look, "Trà bí đao túi lọc")
    xa = clerk("xa")
    form = form_of(xa.post("/admin/product/action/advance", data={"pks": str(tea.product_id)}).text)
    xa.post("/admin/product/action/advance", data=form)

    again = xa.post("/admin/product/action/advance", data=form)

    look.rollback()
    assert tea.step.number == 4
    assert "Đã ở bước 4" in text_of(again.text)


def test_a_product_changed_meanwhile_stays_and_the_others_go_on(clerk: Clerk, look: OcopSession) -> None:
    tea, shrimp = taking_part(look, "Trà bí đao túi lọc", "Ruốc tôm sả ớt")
    xa, tinh = clerk("xa"), clerk("tinh")
    form = form_of(xa.post("/admin/product/action/advance", data={"pks": f"{tea.product_id},{shrimp.product_id}"}).text)
    for _ in range(2):
        other = form_of(tinh.post("/admin/product/action/advance", data={"pks": str(tea.product_id)}).text)
        tinh.post("/admin/product/action/advance", data=other)

    done = xa.post("/admin/product/action/advance", data=form)

    look.rollback()
    assert (tea.step.number, shrimp.step.number) == (5, 4)
    assert "Đã chuyển 1 sản phẩm" in text_of(done.text)


def test_sending_back_needs_a_reason_and_keeps_the_step(clerk: Clerk, look: OcopSession) -> None:
    (crab,) = taking_part(look, "Ba khía muối")
    xa = clerk("xa")
    form = form_of(xa.post("/admin/product/action/send_back", data={"pks": str(crab.product_id)}).text)

    without = xa.post("/admin/product/action/send_back", data=form)
    look.rollback()
    state_before = crab.state.value
    done = xa.post("/admin/product/action/send_back", data={**form, "reason": "Thiếu phương án tài chính."})

    look.rollback()
    assert "Chưa ghi lý do" in without.text
    assert state_before == "submitted"
    assert "Đã trả lại 1 sản phẩm" in text_of(done.text)
    assert (crab.state.value, crab.step.number) == ("returned", 4)


def test_what_was_returned_is_taken_in_again(clerk: Clerk, look: OcopSession) -> None:
    (ice,) = taking_part(look, "Kem dừa sáp")
    xa = clerk("xa")

    record = xa.get(f"/admin/product/details/{ice.product_id}").text
    form = form_of(xa.post("/admin/product/action/hand_in", data={"pks": str(ice.product_id)}).text)
    done = xa.post("/admin/product/action/hand_in", data={**form, "note": "Đã bổ sung bảng thu chi."})

    look.rollback()
    assert "Ghi nhận nộp…" in record
    assert "Đã ghi nhận nộp 1 sản phẩm" in text_of(done.text)
    assert (ice.state.value, ice.step.number) == ("submitted", 4)


def test_papers_are_taken_in_before_they_can_be_returned(clerk: Clerk, look: OcopSession) -> None:
    waiting = look.scalars(select(Participation).where(Participation.state == "not_submitted")).all()
    plan = next(p for p in waiting if p.step.number == 4 and p.commune.name == "Xã Thạnh Phú" and p.cycle.year == 2026)
    xa = clerk("xa")

    too_early = text_of(xa.post("/admin/product/action/send_back", data={"pks": str(plan.product_id)}).text)
    form = form_of(xa.post("/admin/product/action/hand_in", data={"pks": str(plan.product_id)}).text)
    done = xa.post("/admin/product/action/hand_in", data={**form, "note": "Nộp tại trụ sở."})

    look.rollback()
    assert "Chưa nộp giấy tờ nên chưa có gì để trả lại" in too_early
    assert "Đã ghi nhận nộp 1 sản phẩm" in text_of(done.text)
    assert (plan.state.value, plan.records[-1].move.value) == ("submitted", "hand_in")
    assert "Trả lại để hoàn thiện…" in xa.get(f"/admin/product/details/{plan.product_id}").text


def test_returning_a_rating_dossier_is_the_provinces_work(clerk: Clerk, look: OcopSession) -> None:
    (sauce,) = taking_part(look, "Mắm ruốc sả")

    page = clerk("xa").post("/admin/product/action/send_back", data={"pks": str(sauce.product_id)})

    assert "Trả lại ở bước 7 là việc của cấp tỉnh" in text_of(page.text)
    assert "Trả lại 1 sản phẩm" not in text_of(page.text)


def test_a_product_is_withdrawn_with_a_reason_and_brought_back(clerk: Clerk, look: OcopSession) -> None:
    (crab,) = taking_part(look, "Ba khía muối")
    xa = clerk("xa")
    address = f"/admin/product/details/{crab.product_id}"
    form = form_of(xa.post("/admin/participation/action/withdraw", data={"pks": str(crab.id)}).text)

    without = xa.post("/admin/participation/action/withdraw", data=form)
    done = xa.post("/admin/participation/action/withdraw", data={**form, "reason": "Chủ thể tạm ngừng."})
    look.rollback()
    out = (crab.state.value, crab.step.number)
    record = text_of(xa.get(address).text)
    form = form_of(xa.post("/admin/product/action/rejoin", data={"pks": str(crab.product_id)}).text)
    back = xa.post("/admin/product/action/rejoin", data=form)

    look.rollback()
    assert "Chưa ghi lý do" in without.text
    assert "Đã rút 1 sản phẩm" in text_of(done.text)
    assert out == ("withdrawn", 4)
    assert "Đưa lại vào chu trình…" in record
    assert "Rút khỏi chu trình…" not in record
    assert "Đã đưa lại 1 sản phẩm" in text_of(back.text)
    assert (crab.state.value, crab.step.number) == ("submitted", 4)
    assert "Lý do: Chủ thể tạm ngừng." in text_of(xa.get(f"{address}?tab=chu-trinh").text)


def test_a_wrong_advance_is_taken_back_with_a_reason(clerk: Clerk, look: OcopSession) -> None:
    (tea,) = taking_part(look, "Trà bí đao túi lọc")
    entered = tea.entered_on
    xa = clerk("xa")
    pks = {"pks": str(tea.product_id)}
    xa.post("/admin/product/action/advance", data=form_of(xa.post("/admin/product/action/advance", data=pks).text))

    record = text_of(xa.get(f"/admin/product/details/{tea.product_id}").text)
    form = form_of(xa.post("/admin/product/action/step_back", data=pks).text)
    without = xa.post("/admin/product/action/step_back", data=form)
    done = xa.post("/admin/product/action/step_back", data={**form, "reason": "Chuyển nhầm sản phẩm."})

    look.rollback()
    way = text_of(xa.get(f"/admin/product/details/{tea.product_id}?tab=chu-trinh").text)
    assert "Lùi bước…" in record
    assert "Chưa ghi lý do" in without.text
    assert "Đã lùi bước 1 sản phẩm" in text_of(done.text)
    assert (tea.step.number, tea.state.value, tea.entered_on) == (3, "in_progress", entered)
    assert "Lùi bước: bước 3" in way
    assert "Lý do: Chuyển nhầm sản phẩm." in way


def test_an_entry_by_mistake_is_deleted_and_what_moved_is_withdrawn_instead(clerk: Clerk, look: OcopSession) -> None:
    (crab,) = taking_part(look, "Ba khía muối")
    fresh = next(
        p
        for p in look.scalars(select(Participation)).all()
        if [r.move.value for r in p.records] == ["enter"] and p.cycle.year == 2026
    )
    product_id, row_id = fresh.product_id, fresh.id
    xa = clerk("xa")

    moved = text_of(xa.post("/admin/participation/delete", data={"pks": str(crab.id)}).text)
    product = text_of(xa.post("/admin/product/delete", data={"pks": str(product_id)}).text)
    check = xa.post("/admin/participation/delete", data={"pks": str(row_id)})
    done = xa.post("/admin/participation/delete", data=form_of(check.text))

    look.rollback()
    assert "Dùng “Rút khỏi chu trình” thay cho xóa" in moved
    assert "sửa tình trạng" not in moved
    assert "Xóa tham gia chu trình đưa vào nhầm trước" in product
    assert "Đã xóa 1 tham gia chu trình" in text_of(done.text)
    assert look.get(Participation, row_id) is None
    assert "Xóa sản phẩm này" in text_of(xa.post("/admin/product/delete", data={"pks": str(product_id)}).text)


def test_a_closed_year_is_told_as_closed_and_leads_to_the_open_one(clerk: Clerk, look: OcopSession) -> None:
    old = next(
        p
        for p in look.scalars(select(Participation)).all()
        if p.cycle.closed_on is not None and p.state.value == "returned"
    )
    tinh = clerk("tinh")

    listed = tinh.get(f"/admin/product/list?pks={old.product_id}").text
    exported = tinh.get(f"/admin/product/export/xlsx?pks={old.product_id}")
    record = tinh.get(f"/admin/product/details/{old.product_id}").text
    address = re.search(r'href="(/admin/participation/create[^"]+)"[^>]*>.*?Đưa vào chu trình năm 2026', record)
    assert address is not None
    form = tinh.get(unescape(address[1])).text
    leader = text_of(clerk("lanhdao").get(f"/admin/product/details/{old.product_id}").text)

    sheet = openpyxl.load_workbook(io.BytesIO(exported.content)).worksheets[0]
    assert "Đã đóng chu trình 2025" in text_of(listed)
    assert "Chu trình 2025 đã đóng" in [cell.value for cell in sheet[2]]
    assert "Chu trình 2025 đã đóng" in text_of(record)
    assert "Bị trả lại" not in text_of(record).partition("Việc tiếp theo")[0]
    assert "Chưa làm được" not in text_of(record)
    assert form_of(form)["product"] == str(old.product_id)
    assert form_of(form)["cycle"] != str(old.cycle_id)
    assert "Đưa vào chu trình năm" not in leader


def test_the_filter_by_state_counts_what_the_home_page_counts(clerk: Clerk, look: OcopSession) -> None:
    taking_part = look.scalars(select(Participation)).all()
    returned = [p for p in taking_part if p.state.value == "returned"]
    now = [p for p in returned if p.cycle.closed_on is None]
    closed = [p for p in taking_part if p.cycle.closed_on is not None]
    tinh = clerk("tinh")

    by_state = text_of(tinh.get("/admin/product/list?state=returned").text)
    by_closed = text_of(tinh.get("/admin/product/list?state=closed").text)

    assert 0 < len(now) < len(returned)
    assert f"{len(now)} khớp bộ lọc" in by_state
    assert f"{len(closed)} khớp bộ lọc" in by_closed
    assert "Bỏ lọc Trạng thái: Chu trình đã đóng" in tinh.get("/admin/product/list?state=closed").text
    assert f"{len(now)} sản phẩm đã trả lại" in text_of(tinh.get("/admin/").text)


def test_all_matching_acts_on_the_query_not_the_page(clerk: Clerk, look: OcopSession) -> None:
    page = clerk("xa").post("/admin/product/action/advance", data={"all": "1", "query": "step=3"})

    assert "Kiểm tra 2 sản phẩm đã chọn" in text_of(page.text)


def test_nothing_ticked_is_said(clerk: Clerk) -> None:
    page = clerk("xa").post("/admin/product/action/advance", data={"query": ""})

    assert page.status_code == 409
    assert "Chưa chọn dòng nào" in page.text


def test_leaving_step_seven_is_the_provinces_work(clerk: Clerk, look: OcopSession) -> None:
    (sauce,) = taking_part(look, "Mắm ruốc sả")

    page = clerk("xa").post("/admin/product/action/advance", data={"pks": str(sauce.product_id)})

    assert "là việc của cấp tỉnh" in text_of(page.text)


def test_a_clerk_cannot_move_a_product_of_another_area(clerk: Clerk, look: OcopSession) -> None:
    (foreign,) = taking_part(look, "Miến gạo tôm lúa")
    step = foreign.step_id

    page = clerk("xa").post(
        "/admin/product/action/advance",
        data={"pks": str(foreign.product_id), "confirm": "1", "seen": f"{foreign.id}:{foreign.version}:1"},
    )

    look.rollback()
    assert foreign.step_id == step
    assert "Miến gạo" not in page.text


def test_a_leader_has_no_step_buttons(clerk: Clerk, look: OcopSession) -> None:
    leader = clerk("lanhdao")

    assert "action/advance" not in leader.get("/admin/product/list").text
    assert leader.post("/admin/product/action/advance", data={"pks": "1"}).status_code == 403


def test_the_record_shows_the_way_through_the_cycle(clerk: Clerk, look: OcopSession) -> None:
    (ice,) = taking_part(look, "Kem dừa sáp")
    xa = clerk("xa")

    record = text_of(xa.get(f"/admin/product/details/{ice.product_id}").text)
    way = text_of(xa.get(f"/admin/product/details/{ice.product_id}?tab=chu-trinh").text)
    history = text_of(xa.get(f"/admin/product/details/{ice.product_id}?tab=lich-su").text)

    assert "Bước 4 trong 8: Nhận kế hoạch kinh doanh" in record
    assert "Bị trả lại" in record
    assert "Lý do:" in way
    assert "Thêm sản phẩm" in history


def test_a_stale_product_page_does_not_stop_its_step(clerk: Clerk, look: OcopSession) -> None:
    (tea,) = taking_part(look, "Trà bí đao túi lọc")
    xa = clerk("xa")
    form = form_of(xa.post("/admin/product/action/advance", data={"pks": str(tea.product_id)}).text)
    edit(clerk("tinh"), tea.product, packaging="Hộp 20 túi")

    xa.post("/admin/product/action/advance", data=form)

    look.rollback()
    assert tea.step.number == 4
