"""Forms: what is saved, what is refused and how it is said, and what happens when two save at once."""

import re

import pytest
from sqlalchemy import func, select

from app.session import OcopSession
from models import AuditEntry, Commune, Cycle, Entity, Product, Rating
from models.rules.text import fold
from tests.views.conftest import Clerk
from tests.views.page import edit, form_of, text_of


def product(look: OcopSession, name: str) -> Product:
    look.rollback()  # a new look at the database
    return look.scalars(select(Product).where(Product.name == name)).one()


def trail(look: OcopSession, row: Product | Entity) -> list[AuditEntry]:
    statement = select(AuditEntry).where(AuditEntry.model == row.__tablename__, AuditEntry.row_id == row.id)
    return list(look.scalars(statement.order_by(AuditEntry.id)))


def test_an_edit_is_saved_with_its_trail(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")

    answer = edit(clerk("xa"), kem, packaging="  Hũ   nhựa 250 g ")

    look.rollback()
    last = trail(look, kem)[-1]
    assert answer.status_code == 303
    assert kem.packaging == "Hũ nhựa 250 g"
    assert last.actor.startswith("Phạm Ngọc Diệp")
    assert last.changes["packaging"][1] == "Hũ nhựa 250 g"


def test_saving_without_a_change_leaves_no_trace(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")
    before = len(trail(look, kem)), kem.version

    edit(clerk("xa"), kem)

    look.rollback()
    assert (len(trail(look, kem)), kem.version) == before


def test_a_form_with_mistakes_keeps_what_was_typed(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")

    page = edit(clerk("xa"), kem, name="", packaging="Hũ mới", **{"commune": "", "commune-text": "An Thạnh"})

    assert page.status_code == 400
    assert "Có 2 mục cần sửa" in page.text
    assert "Nhập tên sản phẩm." in page.text
    assert "Hũ mới" in page.text
    assert "An Thạnh" in page.text


def test_a_form_begins_with_the_only_row_that_a_link_can_lead_to(clerk: Clerk, look: OcopSession) -> None:
    xa, tinh = clerk("xa"), clerk("tinh")
    new = {screen: form_of(xa.get(f"/admin/{screen}/create").text) for screen in ("entity", "product", "participation")}

    assert new["entity"]["commune-text"] == new["product"]["commune-text"] == "Xã Thạnh Phú"
    assert look.get_one(Commune, int(new["entity"]["commune"])).valid_to is None
    assert look.get_one(Cycle, int(new["participation"]["cycle"])).closed_on is None
    assert new["participation"]["product"] == ""
    assert form_of(tinh.get("/admin/entity/create").text)["commune"] == ""


def test_a_link_may_be_typed_in_full_without_script(clerk: Clerk, look: OcopSession) -> None:
    typed = {"name": "Kẹo dừa lá mơ", "entity-text": "HTX dừa sáp Cồn Lớn", "commune-text": "Xã Thạnh Phú"}
    xa = clerk("xa")

    answer = xa.post("/admin/product/create", data={**form_of(xa.get("/admin/product/create").text), **typed})

    made = product(look, "Kẹo dừa lá mơ")
    assert answer.status_code == 303
    assert made.entity.name == "HTX dừa sáp Cồn Lớn"
    assert made.search_text.startswith("keo dua la mo | htx dua sap con lon")


@pytest.mark.parametrize(
    ("entity", "commune"), [("HTX dừa sáp Cồn Lớn", "thanh phu"), ("htx dua sap con lon", "THẠNH PHÚ")]
)
def test_a_link_may_be_typed_as_the_list_of_suggestions_finds_it(
    clerk: Clerk, look: OcopSession, entity: str, commune: str
) -> None:
    typed = {"name": "Kẹo dừa lá mơ", "entity-text": entity, "commune": "", "commune-text": commune}
    tinh = clerk("tinh")

    tinh.post("/admin/product/create", data={**form_of(tinh.get("/admin/product/create").text), **typed})

    made = product(look, "Kẹo dừa lá mơ")
    assert (made.entity.name, made.commune.name) == ("HTX dừa sáp Cồn Lớn", "Xã Thạnh Phú")
    assert made.commune.valid_to is None


@pytest.mark.parametrize(
    ("model", "typed"),
    [
        (Entity, {"name": "htx Dừa sáp Con Lớn", "kind": "htx", "commune-text": "Xã Thạnh Phú"}),
        (
            Product,
            {"name": "KEM DUA SAP", "entity-text": "HTX dừa sáp Cồn Lớn", "commune-text": "Xã Thạnh Phú"},
        ),
    ],
)
def test_a_new_row_of_a_name_that_is_there_is_asked_about_once(
    clerk: Clerk, look: OcopSession, model: type[Entity] | type[Product], typed: dict[str, str]
) -> None:
    xa, address = clerk("xa"), f"/admin/{model.__screen__}/create"
    there = look.scalars(select(model).where(model.search_text.startswith(fold(typed["name"])))).one()
    count = select(func.count(model.id)).where(model.search_text.startswith(fold(typed["name"])))

    asked = xa.post(address, data={**form_of(xa.get(address).text), **typed})
    look.rollback()
    kept = look.scalar(count)
    saved = xa.post(address, data=form_of(asked.text))

    look.rollback()
    assert asked.status_code == 400
    assert kept == 1
    assert f"Đã có {model.__label__.lower()} “{there.name}”" in text_of(asked.text)
    assert f'href="/admin/{model.__screen__}/details/{there.id}"' in asked.text
    assert form_of(asked.text)["name"] == typed["name"]
    assert saved.status_code == 303
    assert look.scalar(count) == 2


def test_a_link_that_may_mean_several_names_them(clerk: Clerk) -> None:
    typed = {"name": "Kẹo dừa lá mơ", "entity-text": "HTX", "commune-text": "Xã Thạnh Phú"}
    tinh = clerk("tinh")

    page = tinh.post("/admin/product/create", data={**form_of(tinh.get("/admin/product/create").text), **typed})

    assert re.search(r"“HTX” có \d+: HTX [^;]*…; chọn một dòng trong danh sách gợi ý\.", text_of(page.text))


def test_a_link_to_a_foreign_row_is_refused_as_if_it_were_not_there(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")
    foreign = look.scalars(select(Commune).where(Commune.code == "28789", Commune.valid_to.is_(None))).one()

    page = edit(clerk("xa"), kem, commune=str(foreign.id))

    look.rollback()
    assert page.status_code == 400
    assert "không còn trong danh sách của bạn" in page.text
    assert kem.commune_id != foreign.id


def test_fields_that_are_not_in_the_form_are_not_saved(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")
    before = kem.province_id, kem.search_text

    edit(clerk("xa"), kem, province_id="1", search_text="x", id="999", created_at="2020-01-01")

    look.rollback()
    assert (kem.province_id, kem.search_text) == before


def test_the_second_of_two_who_save_sees_both_versions_and_loses_nothing(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")
    xa, tinh = clerk("xa"), clerk("tinh")
    opened = form_of(xa.get(f"/admin/product/edit/{kem.id}").text)
    edit(tinh, kem, packaging="Hũ thủy tinh 200 g", standard="TCCS 05:2026")

    page = xa.post(
        f"/admin/product/edit/{kem.id}",
        data={**opened, "packaging": "Hũ nhựa 250 g", "description": "Không chất bảo quản.", "save": "save"},
    )

    look.rollback()
    assert page.status_code == 409
    assert "vừa sửa sản phẩm này lúc" in page.text
    for text in ("Hũ thủy tinh 200 g", "Hũ nhựa 250 g", "TCCS 05:2026", "Không chất bảo quản."):
        assert text in page.text
    assert kem.packaging == "Hũ thủy tinh 200 g"


def test_a_conflict_is_merged_as_the_clerk_chooses(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")
    xa, tinh = clerk("xa"), clerk("tinh")
    opened = form_of(xa.get(f"/admin/product/edit/{kem.id}").text)
    edit(tinh, kem, packaging="Hũ thủy tinh 200 g", standard="TCCS 05:2026")
    mine = {"packaging": "Hũ nhựa 250 g", "description": "Không chất bảo quản."}
    conflict = form_of(xa.post(f"/admin/product/edit/{kem.id}", data={**opened, **mine, "save": "save"}).text)

    unchosen = xa.post(f"/admin/product/edit/{kem.id}", data=conflict)
    chosen = xa.post(f"/admin/product/edit/{kem.id}", data={**form_of(unchosen.text), "choose-packaging": "mine"})

    look.rollback()
    assert unchosen.status_code == 409
    assert "Hũ thủy tinh 200 g" in unchosen.text
    assert "Hũ nhựa 250 g" in unchosen.text
    assert chosen.status_code == 303
    assert kem.packaging == "Hũ nhựa 250 g"
    assert kem.standard == "TCCS 05:2026"
    assert kem.description == "Không chất bảo quản."


def test_a_doubled_tax_code_is_said_in_words(clerk: Clerk, look: OcopSession) -> None:
    tinh = clerk("tinh")
    first, second = look.scalars(select(Entity).order_by(Entity.id).limit(2)).all()
    edit(tinh, first, tax_code="0100047516")

    page = edit(tinh, second, tax_code="0100047516")

    assert page.status_code == 400
    assert "Đã có chủ thể cùng mã số thuế." in text_of(page.text)
    assert "UNIQUE" not in page.text


@pytest.mark.parametrize(
    ("code", "sentence"),
    [("012345678", "Mã số thuế có 9 chữ số; cần 10, 12 hoặc 13."), ("0100047517", "sai số kiểm tra")],
)
def test_a_wrong_tax_code_is_refused(clerk: Clerk, look: OcopSession, code: str, sentence: str) -> None:
    entity = look.scalars(select(Entity).limit(1)).one()

    page = edit(clerk("tinh"), entity, tax_code=code)

    assert page.status_code == 400
    assert sentence in page.text


def test_all_that_is_wrong_with_a_form_is_said_at_once(clerk: Clerk, look: OcopSession) -> None:
    entity = look.scalars(select(Entity).limit(1)).one()
    rating = look.scalars(select(Rating).order_by(Rating.id).limit(1)).one()
    tinh = clerk("tinh")

    unknown = edit(tinh, entity, tax_code="012345678", **{"commune": "", "commune-text": "Không đâu cả"})
    both = edit(tinh, rating, stars="9", mean_points="155", decided_on="31/02/2026")

    assert "Có 2 mục cần sửa" in unknown.text
    assert "Không có “Không đâu cả” trong danh sách." in unknown.text
    assert "Mã số thuế có 9 chữ số; cần 10, 12 hoặc 13." in unknown.text
    assert "Có 3 mục cần sửa" in both.text
    assert all(f'href="#o-{name}"' in both.text for name in ("mean_points", "stars", "decided_on"))


def test_a_save_without_the_version_seen_is_refused(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")

    page = edit(clerk("xa"), kem, version="", packaging="khác")

    look.rollback()
    assert page.status_code == 400
    assert kem.packaging != "khác"


def test_deleting_asks_first_and_says_what_is_in_use(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")
    xa = clerk("xa")
    typed = {"name": "Sản phẩm nhập nhầm", "entity-text": "HTX dừa sáp Cồn Lớn", "commune-text": "Xã Thạnh Phú"}
    xa.post("/admin/product/create", data={**form_of(xa.get("/admin/product/create").text), **typed})
    ids = [kem.id, product(look, "Sản phẩm nhập nhầm").id]

    check = xa.post("/admin/product/delete", data={"pks": [str(i) for i in ids]})
    still_there = look.scalar(select(func.count(Product.id)).where(Product.id == ids[1]))
    done = xa.post("/admin/product/delete", data=form_of(check.text))

    look.rollback()
    assert still_there == 1
    assert "còn 1 tham gia chu trình" in check.text
    assert "Đã xóa 1 sản phẩm" in done.text
    assert look.scalar(select(func.count(Product.id)).where(Product.id.in_(ids))) == 1


def test_a_foreign_row_cannot_be_deleted(clerk: Clerk, look: OcopSession) -> None:
    foreign = product(look, "Miến gạo tôm lúa")

    clerk("xa").post("/admin/product/delete", data={"pks": str(foreign.id), "confirm": "1", "seen": f"{foreign.id}:1"})

    assert look.scalar(select(func.count(Product.id)).where(Product.id == foreign.id)) == 1


def test_the_form_of_an_account_says_what_a_merger_does_to_its_area(clerk: Clerk) -> None:
    page = text_of(clerk("admin").get("/admin/user/create").text)

    assert "Xã sáp nhập thì vẫn thấy các bản ghi từ xã này chuyển sang, không thấy bản ghi khác của xã mới" in page
    assert "Không còn cấp huyện vẫn thấy các bản ghi của huyện, cả khi đã sang xã mới" in page


def test_a_new_account_gets_its_password_once(clerk: Clerk, look: OcopSession) -> None:
    admin = clerk("admin")
    typed = {"username": "moi.xa", "full_name": "Người Mới", "role": "commune_clerk", "commune-text": "Xã Quới Điền"}
    commune = look.scalars(select(Commune).where(Commune.name == "Xã Quới Điền", Commune.valid_to.is_(None))).one()

    page = admin.post(
        "/admin/user/create",
        data={**form_of(admin.get("/admin/user/create").text), **typed, "commune": str(commune.id)},
    )

    assert page.status_code == 200
    assert "Mật khẩu dùng một lần" in page.text
    assert "password_hash" not in admin.get("/admin/user/list").text


@pytest.mark.parametrize(
    ("points", "sentence"),
    [("69,9999999", "nhiều nhất 6 số lẻ"), ("1.5.2", "không phải số"), ("tám mươi", "không phải số")],
)
def test_a_number_is_never_changed_silently(clerk: Clerk, look: OcopSession, points: str, sentence: str) -> None:
    rating = look.scalars(select(Rating).order_by(Rating.id).limit(1)).one()

    page = edit(clerk("tinh"), rating, mean_points=points)

    assert page.status_code == 400
    assert sentence in page.text


def test_line_breaks_of_a_browser_are_no_change(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")
    xa = clerk("xa")
    edit(xa, kem, description="Dòng một\r\nDòng hai")
    kem = product(look, "Kem dừa sáp")
    version = kem.version

    edit(xa, kem, description="Dòng một\r\nDòng hai")

    look.rollback()
    assert kem.description == "Dòng một\nDòng hai"
    assert kem.version == version


def test_an_edited_name_wins_over_the_id_left_behind_it(clerk: Clerk, look: OcopSession) -> None:
    kem = product(look, "Kem dừa sáp")

    edit(clerk("xa"), kem, **{"entity-text": "Cơ sở mắm Tư Cù Lao"})

    look.rollback()
    assert kem.entity.name == "Cơ sở mắm Tư Cù Lao"
