"""Places saved by a form: what the import would refuse is refused here too, at its field."""

from datetime import date

import pytest
from sqlalchemy import select

from app.session import OcopSession
from models import Commune, CommuneSuccession, Province
from tests.views.conftest import Clerk
from tests.views.page import edit, form_of, text_of


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
