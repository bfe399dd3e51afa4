"""Places saved by a form: what the import would refuse is refused here too, at its field."""

import io
import re
from datetime import date
from html import unescape

import openpyxl
import pytest
from sqlalchemy import event, select
from starlette.testclient import TestClient

from app.database import Database
from app.session import OcopSession
from models import Commune, CommuneSuccession, Entity, Province
from tests.views.conftest import Clerk
from tests.views.page import edit, form_of, rows_of, text_of


@pytest.mark.parametrize(
    ("code", "since", "said"),
    [
        ("29182", "01/10/2026", "Mã 29182 đã là của Xã Thạnh Phú từ 01/07/2025 đến nay."),
        ("2918", "01/10/2026", "Mã “2918” thiếu 1 chữ số"),
        ("29A82", "01/10/2026", "mã gồm 5 chữ số"),
    ],
)
def test_a_commune_that_cannot_be_is_refused(clerk: Clerk, look: OcopSession, code: str, since: str, said: str) -> None:
    admin = clerk("admin")
    new = look.scalars(select(Province).where(Province.code == "86", Province.valid_to.is_(None))).one()
    typed = {"code": code, "name": "Xã Cồn Bửng", "kind": "xa", "valid_from": since}
    typed |= {"province": str(new.id), "province-text": new.name}

    page = admin.post("/admin/commune/create", data={**form_of(admin.get("/admin/commune/create").text), **typed})

    assert page.status_code == 400
    assert said in text_of(page.text)
    assert look.scalars(select(Commune).where(Commune.name == "Xã Cồn Bửng")).all() == []


def test_a_life_is_not_stretched_over_the_next_one(clerk: Clerk, look: OcopSession) -> None:
    lives = look.scalars(select(Commune).where(Commune.code == "29182").order_by(Commune.valid_from)).all()

    page = edit(clerk("admin"), lives[0], valid_to="01/08/2025")

    look.rollback()
    assert page.status_code == 400  # type: ignore[attr-defined]  # an answer
    assert f"Mã 29182 đã là của {lives[1].name} từ 01/07/2025" in text_of(page.text)  # type: ignore[attr-defined]  # the same
    assert lives[0].valid_to == date(2025, 6, 30)


def test_the_list_shows_the_map_of_a_day(clerk: Clerk) -> None:
    admin = clerk("admin")

    then = text_of(admin.get("/admin/commune/list?search=28777&on=30/06/2025").text)
    now = text_of(admin.get("/admin/commune/list?search=28777&on=2025-07-01").text)
    unread = admin.get("/admin/commune/list?on=hôm qua")

    assert "1 xã, phường" in then
    assert "Thành phố Bến Tre" in then
    assert "1 xã, phường" in now
    assert "Thành phố Bến Tre" not in now
    assert unread.status_code == 400


def test_units_that_ended_without_a_known_successor_wait_in_a_list(clerk: Clerk) -> None:
    admin = clerk("admin")

    waiting = text_of(admin.get("/admin/commune/list?successor=chua-ro&search=Tường Đa").text)
    followed = text_of(admin.get("/admin/commune/list?successor=chua-ro&search=Bình Khánh").text)

    assert "28837" in waiting
    assert "28945" not in followed
    assert admin.get("/admin/commune/list?successor=khac").status_code == 400


def test_a_succession_is_listed_added_and_never_a_circle(clerk: Clerk, look: OcopSession) -> None:
    admin = clerk("admin")
    lost = look.scalars(select(Commune).where(Commune.code == "28837")).one()
    tuong_da = look.scalars(
        select(Commune).where(Commune.code == "28855", Commune.valid_from == date(2025, 1, 1))
    ).one()

    def save(old: Commune, new: Commune) -> int:
        form = form_of(admin.get("/admin/commune-succession/create").text)
        typed = {"old": str(old.id), "old-text": old.name, "new": str(new.id), "new-text": new.name}
        page = admin.post("/admin/commune-succession/create", data={**form, **typed, "kind": "nhap_toan_bo"})
        assert page.status_code != 400 or "Chuyển đổi thành vòng" in text_of(page.text)
        return page.status_code

    saved, circle, itself = save(lost, tuong_da), save(tuong_da, lost), save(lost, lost)

    look.rollback()
    assert (saved, circle, itself) == (303, 400, 400)
    links = look.scalars(select(CommuneSuccession).where(CommuneSuccession.old_id == lost.id)).all()
    assert [link.new_id for link in links] == [tuong_da.id]
    listed = text_of(admin.get(f"/admin/commune-succession/list?old={lost.id}").text)
    assert "Xã Tường Đa" in listed
    assert "Nhập toàn bộ" in listed


def test_the_successor_of_a_unit_is_said_from_its_row_until_the_list_is_empty(clerk: Clerk, look: OcopSession) -> None:
    admin, list_ = clerk("admin"), "/admin/commune/list?successor=chua-ro"
    into = look.scalars(select(Commune).where(Commune.code == "28855", Commune.valid_from == date(2025, 1, 1))).one()
    first = rows_of(admin.get(list_).text)

    for left in range(len(first), 0, -1):
        page = admin.get(list_).text
        assert len(rows_of(page)) == left
        assert all(row[-1] == "Ghi đơn vị kế tục…" for row in rows_of(page))
        form = admin.get(unescape(re.findall(r'href="([^"]*/commune-succession/create[^"]*)"', page)[0]))
        assert f'href="{list_}">Hủy' in form.text
        typed = {**form_of(form.text), "new": str(into.id), "new-text": into.name, "save": "save"}
        unsaid = admin.post("/admin/commune-succession/create", data=typed)
        again = {**form_of(unsaid.text), "kind": "nhap_toan_bo"}
        saved = admin.post("/admin/commune-succession/create", data=again)
        assert (unsaid.status_code, saved.status_code, saved.headers["location"]) == (400, 303, list_)

    look.rollback()
    assert "28837" in {row[2] for row in first}
    assert "Không còn xã, phường nào chưa rõ đơn vị kế tục." in text_of(admin.get(list_).text)
    assert len(look.scalars(select(CommuneSuccession).where(CommuneSuccession.new_id == into.id)).all()) >= len(first)


def test_who_may_not_say_a_successor_sees_no_button(clerk: Clerk) -> None:
    tinh = clerk("tinh")

    page = tinh.get("/admin/commune/list?successor=chua-ro").text

    assert rows_of(page)
    assert "commune-succession/create" not in page
    assert tinh.get("/admin/commune-succession/create").status_code == 403


def test_a_form_returns_nowhere_but_where_its_screen_says(clerk: Clerk, look: OcopSession) -> None:
    admin, lost = clerk("admin"), look.scalars(select(Commune).where(Commune.code == "28837")).one()
    into = look.scalars(select(Commune).where(Commune.code == "28855", Commune.valid_from == date(2025, 1, 1))).one()

    form = form_of(admin.get(f"/admin/commune-succession/create?old={lost.id}&back=//example.org").text)
    typed = {"new": str(into.id), "new-text": into.name, "kind": "nhap_toan_bo", "back": "//example.org"}
    saved = admin.post("/admin/commune-succession/create", data={**form, **typed})

    assert "back" not in form
    assert saved.headers["location"].startswith("/admin/commune-succession/details/")


def hits(client: TestClient, term: str) -> list[dict[str, str]]:
    answer = client.get("/admin/entity/ajax/lookup", params={"name": "commune", "term": term})
    found: list[dict[str, str]] = answer.json()["results"]
    return found


@pytest.mark.parametrize("term", ["bình khánh", "Binh Khanh mo cay nam"])
def test_todays_commune_is_found_by_a_former_name_and_says_so(clerk: Clerk, term: str) -> None:
    found = [hit for hit in hits(clerk("tinh"), term) if hit["text"] == "Xã Đồng Khởi"]

    assert len(found) == 1
    assert "trước 01/07/2025: " in found[0]["hint"]
    assert "xã Bình Khánh" in found[0]["hint"]


def test_a_unit_that_ended_says_what_it_has_become(clerk: Clerk) -> None:
    ended = [hit for hit in hits(clerk("tinh"), "Bình Khánh") if hit["text"] == "Xã Bình Khánh"]

    assert any(hit["hint"].endswith("nay là Xã Đồng Khởi") for hit in ended)


def test_a_code_given_anew_finds_both_places_each_with_its_days(clerk: Clerk) -> None:
    found = {hit["text"]: hit["hint"] for hit in hits(clerk("tinh"), "28858")}

    assert "nay là Phường Phú Tân" in found["Xã Hữu Định"]
    assert "Phường Phú Tân" in found


def test_a_record_shows_todays_commune_with_the_former_beneath(clerk: Clerk, look: OcopSession) -> None:
    entity = look.scalars(select(Entity).join(Commune, Entity.commune_id == Commune.id).where(Commune.code == "29221"))
    page = clerk("tinh").get(f"/admin/entity/details/{entity.all()[0].id}")

    assert "trước 01/07/2025: xã Thạnh Hải, huyện Thạnh Phú" in text_of(page.text)


def test_an_export_says_todays_commune_and_the_former_as_text(clerk: Clerk) -> None:
    answer = clerk("tinh").get("/admin/entity/export/xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]

    heads = [cell.value for cell in sheet[1]]
    rows = [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=2, values_only=True)]
    former = [row for row in rows if row["Trước sắp xếp đơn vị"]]
    assert {"trước 01/07/2025: xã Thạnh Hải, huyện Thạnh Phú"} <= {row["Trước sắp xếp đơn vị"] for row in former}
    assert all(row["Huyện (trước 01/07/2025)"] == "Huyện Thạnh Phú" for row in former)


def test_a_page_of_places_asks_for_their_names_once(clerk: Clerk, demo: Database) -> None:
    tinh = clerk("tinh")
    tinh.get("/admin/")  # the area is worked out
    asked: list[str] = []
    event.listen(demo.engine, "before_cursor_execute", lambda _c, _cur, sql, *_rest: asked.append(sql))

    tinh.get("/admin/product/list?pageSize=100")

    assert sum("commune_successions" in sql for sql in asked) == 1


@pytest.mark.parametrize("term", ["binh khanh", "Đồng Khởi", "28945"])
def test_a_succession_is_found_by_the_name_or_code_of_either_unit(clerk: Clerk, term: str) -> None:
    found = rows_of(clerk("tinh").get("/admin/commune-succession/list", params={"search": term}).text)

    assert any("Bình Khánh" in row[1] and "Đồng Khởi" in row[2] for row in found), found
    assert len(found) < 10


def test_a_succession_is_found_by_what_it_rests_on_and_by_nothing_else(clerk: Clerk) -> None:
    client = clerk("tinh")

    assert rows_of(client.get("/admin/commune-succession/list?search=1687").text)
    assert not rows_of(client.get("/admin/commune-succession/list?search=khong co xa nao").text)
    assert "Tìm tên, mã xã cũ hoặc mới" in client.get("/admin/commune-succession/list").text


def test_a_succession_is_named_by_its_units_as_they_were(clerk: Clerk, look: OcopSession) -> None:
    old = look.scalars(select(Commune).where(Commune.code == "28945", Commune.valid_to == date(2025, 6, 30))).one()
    link = look.scalars(select(CommuneSuccession).where(CommuneSuccession.old_id == old.id)).one()

    page = text_of(clerk("tinh").get(f"/admin/commune-succession/details/{link.id}").text)

    assert "Xã Bình Khánh → Xã Đồng Khởi" in page
    assert "Xã, phường cũ Xã Bình Khánh Huyện Mỏ Cày Nam" in page


def test_a_commune_shows_what_it_came_from_and_what_it_went_into(clerk: Clerk, look: OcopSession) -> None:
    old = look.scalars(select(Commune).where(Commune.code == "28945", Commune.valid_to == date(2025, 6, 30))).one()
    new = look.scalars(select(Commune).where(Commune.code == "28945", Commune.valid_to.is_(None))).one()
    client = clerk("tinh")

    pages = [client.get(f"/admin/commune/details/{unit.id}").text for unit in (old, new)]

    into, came = (
        text_of(p.partition(f"(đây là xã, phường {word})")[2]) for p, word in zip(pages, ("cũ", "mới"), strict=True)
    )
    assert "Xã Đồng Khởi" in into.partition("</section>")[0][:300]
    assert "Xã Bình Khánh" in came[:600]
