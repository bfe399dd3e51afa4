"""Words that must agree: list with record, page with file, title with row, frame with home."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.current import acting_as, system, today
from app.database import Database
from app.session import OcopSession
from models import Cycle, Participation, Product, Province, Rating
from models.base import Base
from tests.views.conftest import Clerk
from tests.views.page import edit, rows_of, text_of
from tests.views.test_export import workbook


def title(html: str) -> str:
    return text_of(html.partition("<h1>")[2].partition("</h1>")[0])


def frame(html: str) -> str:
    return text_of(html.partition("Chu trình: <b>")[2].partition("</b>")[0])


def test_the_frame_names_the_cycle_that_home_counts(clerk: Clerk, demo: Database) -> None:
    with acting_as(system("kiểm thử")), demo.writing.begin() as session:
        here = session.scalars(select(Province).where(Province.code == "86", Province.valid_to.is_(None))).one()
        opening = today() + timedelta(days=30)
        session.add(Cycle(name="Chu trình OCOP năm 2031", year=2031, province=here, opened_on=opening))

    for username, year in (("tinh", 2026), ("xa", 2026), ("thanhphu", 2025)):
        page = clerk(username).get("/admin/").text
        assert frame(page) == f"năm {year}"
        assert f"Chu trình OCOP năm {year}" in text_of(page)


def test_what_waits_says_what_the_buttons_do(clerk: Clerk) -> None:
    page = text_of(clerk("tinh").get("/admin/").text)

    assert "Chuyển bước khi hợp lệ, hoặc trả lại" in page
    assert "Ghi nhận hợp lệ" not in page


def test_the_trail_is_exported_with_the_names_its_list_shows(clerk: Clerk) -> None:
    auditor = clerk("kiemtoan")
    listed = {row[2] for row in rows_of(auditor.get("/admin/audit/list?pageSize=100").text)}

    rows = list(workbook(auditor, "/admin/audit/export/xlsx").worksheets[0].iter_rows(min_row=2, values_only=True))

    written = {row[1] for row in rows}
    tables = {mapper.class_.__tablename__ for mapper in Base.registry.mappers}
    assert listed <= written
    assert not written & tables


def test_the_history_writes_points_as_the_record_does(clerk: Clerk, look: OcopSession) -> None:
    rating = look.scalars(select(Rating).where(Rating.stars == 3).order_by(Rating.id).limit(1)).one()
    tinh = clerk("tinh")

    answer = edit(tinh, rating, mean_points="53,33", difference_reason="")

    assert answer.status_code == 303  # type: ignore[attr-defined]  # a response
    history = text_of(tinh.get(f"/admin/rating/details/{rating.id}?tab=lich-su").text)
    assert "53,33" in history
    assert "53.33" not in history


def test_a_changed_rating_keeps_nothing_that_its_old_points_gave(clerk: Clerk, look: OcopSession) -> None:
    rating = look.scalars(select(Rating).where(Rating.potential_five.is_(True)).limit(1)).one()

    answer = edit(clerk("tinh"), rating, mean_points="40", stars="2")

    assert answer.status_code == 303  # type: ignore[attr-defined]  # a response
    look.rollback()
    kept = look.get_one(Rating, rating.id)
    assert (kept.potential_five, kept.difference_reason, kept.authority, kept.expires_on) == (False, "", "", None)


@pytest.mark.parametrize("model", [Participation, Rating])
def test_a_row_that_is_named_by_its_product_says_so(
    clerk: Clerk, look: OcopSession, model: type[Participation | Rating]
) -> None:
    pk, product_id = look.execute(select(model.id, model.product_id).order_by(model.id.desc()).limit(1)).one()
    name = look.get_one(Product, product_id).name
    tinh = clerk("tinh")

    assert title(tinh.get(f"/admin/{model.__screen__}/details/{pk}").text) == name
    if model is Rating:
        assert name in text_of(tinh.post("/admin/rating/delete", data={"pks": str(pk)}).text)


def test_list_and_record_speak_of_the_same_cycle(clerk: Clerk, demo: Database) -> None:
    """An older year that is written down later: the last one entered counts in both."""
    with acting_as(system("kiểm thử")), demo.writing.begin() as session:
        newest = session.scalars(select(Participation).order_by(Participation.id.desc()).limit(1)).one()
        product_id, name = newest.product_id, newest.product.name
        earlier = Cycle(
            name="Chu trình OCOP năm 2022",
            year=2022,
            province_id=newest.province_id,
            opened_on=date(2022, 1, 1),
            closed_on=date(2022, 12, 31),
        )
        session.add(Participation(product=newest.product, cycle=earlier, step=newest.step, entered_on=date(2022, 5, 1)))

    tinh = clerk("tinh")
    listed = next(
        row for row in rows_of(tinh.get("/admin/product/list", params={"search": name}).text) if name in row[1]
    )
    record = text_of(tinh.get(f"/admin/product/details/{product_id}").text)

    assert "/8" in " ".join(listed)
    assert "2022" in " ".join(listed)
    assert "Chu trình OCOP năm 2022" in record


def test_a_file_that_is_too_large_is_refused_with_its_sentence(clerk: Clerk) -> None:
    answer = clerk("tinh").post("/admin/import", files={"file": ("xa.csv", b"x" * 26_000_000)})

    assert answer.status_code == 413
    assert "Tệp nặng quá 20 MB nên không đọc. Xóa hình ảnh" in text_of(answer.text)
    assert 'type="file"' in answer.text
