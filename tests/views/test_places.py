"""Places saved by a form: what the import would refuse is refused here too, at its field."""

from datetime import date

import pytest
from sqlalchemy import select

from app.session import OcopSession
from models import Commune, Province
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
