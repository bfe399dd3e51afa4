"""Nhập liệu as a province clerk uses it: upload, look at the plan, confirm; what is seen, stored and in the trail."""

import hashlib
import io
import re
from datetime import date, timedelta
from html import unescape

import openpyxl
import pytest
from httpx2 import Response
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from app.current import acting_as, system
from app.database import Database
from app.services.cycle import check_moves
from app.session import OcopSession
from models import AuditEntry, BatchState, Commune, CommuneSuccession, ImportBatch, ImportRow, Move, Product, Province
from models.base import now
from models.rules.cycle import NO_OPEN_CYCLE
from tests.views.conftest import Clerk
from tests.views.page import form_of

HEADER = ("Mã TP", "Tỉnh Thành Phố", "Mã PX", "Phường Xã")
OF_86 = ("86", "Tỉnh Vĩnh Long")
RENAMED = (*OF_86, "29182", "Xã Thạnh Phú Mới")
NEW = (*OF_86, "29999", "Xã Cồn Bửng")


def workbook(*rows: tuple[str | int | None, ...], header: tuple[str, ...] = HEADER) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (header, *rows):
        sheet.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def send(client: TestClient, content: bytes | None, *, name: str = "danh-muc.xlsx", **form: str) -> Response:
    typed = {"model": "commune", "as_of": "01/10/2026", "province": "", "sheet": ""} | form
    files = {} if content is None else {"file": (name, content)}
    return client.post("/admin/import", data=typed, files=files)


def text(answer: Response) -> str:
    """What is read on the page, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def units(look: OcopSession, code: str) -> list[tuple[str, date, date | None]]:
    found = look.scalars(select(Commune).where(Commune.code == code).order_by(Commune.valid_from))
    return [(unit.name, unit.valid_from, unit.valid_to) for unit in found]


@pytest.fixture
def province_clerk(clerk: Clerk) -> TestClient:
    return clerk("tinh")


def test_a_clerk_uploads_looks_confirms_and_sees_the_batch(province_clerk: TestClient, look: OcopSession) -> None:
    before = units(look, "29182")
    content = workbook(RENAMED, NEW)

    sent = send(province_clerk, content)
    page = province_clerk.get(sent.headers["location"])

    assert sent.status_code == 303
    assert page.status_code == 200
    seen = text(page)
    assert "Chưa ghi gì vào sổ" in seen
    assert "Đang có Sẽ thành 2 29182 Xã Thạnh Phú Mới Tên xã, phường Xã Thạnh Phú Xã Thạnh Phú Mới" in seen
    assert "29999 Xã Cồn Bửng" in seen
    assert "Nhập 2 dòng: 1 mới, 1 thay đổi" in seen
    assert units(look, "29182") == before

    confirmed = province_clerk.post(f"{sent.headers['location']}/confirm")
    result = province_clerk.get(confirmed.headers["location"])
    assert "Trước đó Đã thành 2 29182 Xã Thạnh Phú Mới Tên xã, phường Xã Thạnh Phú Xã Thạnh Phú Mới" in text(result)

    assert confirmed.status_code == 303
    look.rollback()
    batch = look.scalars(select(ImportBatch)).one()
    assert (batch.number, batch.state, batch.made_by) == (1, BatchState.APPLIED, "Lê Thị Thu Hà")
    assert batch.file_hash == hashlib.sha256(content).hexdigest()
    assert "Đợt nhập số 1" in text(result)
    assert "Đã nhập 2 dòng: 1 mới, 1 thay đổi" in text(result)
    assert "Nhập 2 dòng" not in text(result).replace("Đã nhập 2 dòng", "")
    assert units(look, "29182")[-2:] == [
        ("Xã Thạnh Phú", date(2025, 7, 1), date(2026, 9, 30)),
        ("Xã Thạnh Phú Mới", date(2026, 10, 1), None),
    ]
    trail = look.scalars(select(AuditEntry).where(AuditEntry.batch_id == batch.id, AuditEntry.model == "communes"))
    assert {(entry.verb, entry.action.value) for entry in trail} == {("nhập liệu", "create"), ("nhập liệu", "update")}


def test_a_complete_list_says_which_units_it_ends_and_ends_them(clerk: Clerk, look: OcopSession) -> None:
    admin = clerk("admin")
    there = look.execute(
        select(Commune.code, Commune.name)
        .where(Commune.province.has(Province.code == "86"), Commune.valid_to.is_(None))
        .order_by(Commune.code)
    ).all()
    kept = [(*OF_86, code, name) for code, name in there if code != "29182"]

    at = send(admin, workbook(*kept), complete="1").headers["location"]
    page = admin.get(at)
    admin.post(f"{at}/confirm")

    said = "1 xã, phường không có trong danh mục kết thúc ngày 30/09/2026: 29182 Xã Thạnh Phú."
    assert said in text(page)
    look.rollback()
    assert units(look, "29182")[-1] == ("Xã Thạnh Phú", date(2025, 7, 1), date(2026, 9, 30))


def test_the_result_opens_the_communes_it_wrote_and_the_list_of_batches(province_clerk: TestClient) -> None:
    href = send(province_clerk, workbook(NEW)).headers["location"]
    province_clerk.post(f"{href}/confirm")

    result, upload = province_clerk.get(href), province_clerk.get("/admin/import")

    links = re.findall(r'href="(/admin/commune/details/\d+)"', result.text)
    assert [province_clerk.get(link).status_code for link in links] == [200]
    assert "Số 1" in text(upload)
    assert "Xã, phường: 1 dòng: 1 mới" in text(upload)


def test_confirming_twice_writes_once(province_clerk: TestClient, look: OcopSession) -> None:
    href = send(province_clerk, workbook(NEW)).headers["location"]

    answers = [province_clerk.post(f"{href}/confirm").status_code for _ in range(2)]

    assert answers == [303, 303]
    assert len(units(look, "29999")) == 1


def test_the_same_file_again_says_that_it_changes_nothing(province_clerk: TestClient) -> None:
    href = send(province_clerk, workbook(NEW)).headers["location"]
    province_clerk.post(f"{href}/confirm")

    again = text(province_clerk.get(send(province_clerk, workbook(NEW)).headers["location"]))

    assert "Tệp này không đổi gì." in again
    assert "Nhập 0" not in again
    assert "Bỏ, không nhập" in again


def test_refused_rows_are_shown_with_their_cell_and_nothing_can_be_confirmed(
    province_clerk: TestClient, look: OcopSession
) -> None:
    href = send(province_clerk, workbook(NEW, (*OF_86, 4, "Xã A"), (*OF_86, "29224", None))).headers["location"]

    page = text(province_clerk.get(href))
    confirmed = province_clerk.post(f"{href}/confirm")

    assert "2 dòng bị từ chối" in page
    assert "Mã PX: 4 Mã “4” thiếu 4 chữ số" in page
    assert "Phường Xã: (trống) Thiếu tên." in page
    assert "Nhập 1 dòng" not in page
    assert confirmed.status_code == 409
    assert "chưa ghi dòng nào" in text(confirmed)
    assert units(look, "29999") == []


def test_a_plan_left_behind_is_refused_and_says_what_to_do(province_clerk: TestClient, look: OcopSession) -> None:
    first = send(province_clerk, workbook(RENAMED)).headers["location"]
    second = send(province_clerk, workbook((*OF_86, "29182", "Xã Thạnh Phú Đông"))).headers["location"]
    province_clerk.post(f"{first}/confirm")

    answer = province_clerk.post(f"{second}/confirm")

    assert answer.status_code == 409
    assert "Sổ đã thay đổi sau khi xem trước" in text(answer)
    assert units(look, "29182")[-1][0] == "Xã Thạnh Phú Mới"


def test_a_dropped_plan_writes_nothing(province_clerk: TestClient, look: OcopSession) -> None:
    href = send(province_clerk, workbook(NEW)).headers["location"]

    dropped = province_clerk.post(f"{href}/drop")
    page = province_clerk.get(href)

    assert dropped.status_code == 303
    assert "Đợt nhập này đã bỏ, chưa ghi gì vào sổ." in text(page)
    assert province_clerk.post(f"{href}/confirm").status_code == 409
    assert look.scalar(select(func.count(ImportRow.id))) == 0
    assert units(look, "29999") == []


def test_a_plan_of_yesterday_is_no_longer_offered(province_clerk: TestClient, demo: Database) -> None:
    href = send(province_clerk, workbook(NEW)).headers["location"]
    with acting_as(system("kiểm thử")), demo.writing.begin() as session:
        session.scalars(select(ImportBatch)).one().created_at = now() - timedelta(hours=25)

    page = text(province_clerk.get(href))

    assert "đã quá 24 giờ" in page
    assert "Nhập 1 dòng" not in page


def test_a_long_plan_shows_fifty_rows_of_each_part_and_the_rest_by_pages(province_clerk: TestClient) -> None:
    rows = [(*OF_86, f"{40000 + number}", f"Xã Thử {number}") for number in range(120)]
    href = send(province_clerk, workbook(*rows)).headers["location"]

    first = text(province_clerk.get(href))
    last = text(province_clerk.get(f"{href}?xem=new&trang=3"))

    assert "và 70 dòng khác" in first
    assert "Xem cả 120 dòng mới" in first
    assert "Xã Thử 49" in first
    assert "Xã Thử 50" not in first
    assert "Xã Thử 100" in last
    assert "Xã Thử 99" not in last
    assert "Trang trước" in last
    assert "Trang sau" not in last


@pytest.mark.parametrize("query", ["?xem=lạ", "?xem=refused&trang=999"])
def test_odd_addresses_of_a_plan_are_pages(province_clerk: TestClient, query: str) -> None:
    href = send(province_clerk, workbook(NEW)).headers["location"]

    assert province_clerk.get(href + query).status_code == 200


@pytest.mark.parametrize(
    ("content", "form", "said"),
    [
        (None, {}, "Chọn tệp cần nhập."),
        (b"", {}, "rỗng (0 byte)"),
        (b"%PDF-1.7 ...", {}, "không phải bảng tính Excel hay CSV"),
        (b"MZ\x90\x00\x03" + b"\x00" * 200, {}, "không phải bảng tính Excel hay CSV"),
        (workbook(("x",), header=("Cột A", "Cột B")), {}, "Tệp thiếu cột “Mã xã”."),
        (workbook(NEW), {"as_of": ""}, "Ghi ngày của danh mục"),
        (workbook(NEW), {"as_of": "31/02/2026"}, "ngày 31/02/2026 không có trong lịch"),
        (workbook(NEW), {"model": "user"}, "Chọn loại dữ liệu."),
        (workbook(NEW), {"province": "00"}, "chưa có tỉnh mã 00"),
        (workbook(NEW), {"sheet": "Trang lạ"}, "không có trang tính “Trang lạ”"),
        (b"\x00" * (21 * 1024**2), {}, "quá 20 MB"),
    ],
)
def test_what_cannot_be_read_brings_the_form_back_with_a_sentence(
    province_clerk: TestClient, look: OcopSession, content: bytes | None, form: dict[str, str], said: str
) -> None:
    answer = send(province_clerk, content, **{"sheet": "Sheet", **form})

    assert answer.status_code == 400
    assert said in text(answer)
    assert ('id="file-error"' in answer.text) == ('href="#file"' in answer.text)
    assert f'value="{form.get("as_of", "01/10/2026")}"' in answer.text
    assert f'value="{form.get("sheet", "Sheet")}"' in answer.text
    assert look.scalars(select(ImportBatch)).all() == []


LINKS = ("Mã xã cũ", "Mã xã mới", "Cách chuyển")


@pytest.fixture
def overlapping(demo: Database) -> None:
    """Two lives of code 28945 that share July 2025, as no form and no list would leave them."""
    old = (Commune.code == "28945", Commune.valid_to == date(2025, 6, 30))
    with demo.engine.begin() as connection:
        connection.execute(update(Commune.__table__).where(*old).values(valid_to=date(2025, 7, 31)))


@pytest.mark.usefixtures("overlapping")
@pytest.mark.parametrize(
    ("rows", "form", "said"),
    [
        ([RENAMED], {"province": "82"}, "Tệp là danh mục của tỉnh mã 86, không phải tỉnh đã chọn (mã 82)."),
        ([(*OF_86, "27667", "Xã Bình Khánh")], {}, "Mã 27667 ngày 01/10/2026 là Xã Bình Khánh của Thành phố Hồ"),
        ([NEW], {"as_of": "01/07/2025"}, "Mã 29999 chưa từng là mã của xã, phường nào"),
        ([RENAMED, (*OF_86, "29182", "Xã An Qui")], {}, "29182 có ở dòng 2 và 3. Giữ một dòng."),
        ([(*OF_86, "28945", "Xã Bình Khánh")], {"as_of": "15/07/2025"}, "Mã 28945 đang có hai đơn vị trùng ngày"),
        (
            [("29182", "28945", "Nhập một phần"), ("28945", "29182", "Nhập một phần")],
            {"model": "commune-succession"},
            "Chuyển đổi thành vòng: 28945 Xã Đồng Khởi → 29182 Xã Thạnh Phú → 28945 Xã Đồng Khởi.",
        ),
        ([("29182", "28945", "Nhập một phần")], {"model": "commune-succession", "as_of": ""}, "Ghi ngày của danh mục"),
    ],
    ids=["of another province", "a draft", "a code of none", "twice", "overlapping", "in a circle", "without a day"],
)
def test_a_list_of_places_that_cannot_be_is_refused_with_its_reason(
    clerk: Clerk, look: OcopSession, rows: list[tuple[str, ...]], form: dict[str, str], said: str
) -> None:
    def places() -> tuple[list[tuple[object, ...]], int | None]:
        look.rollback()
        lives = look.execute(select(Commune.id, Commune.name, Commune.valid_from, Commune.valid_to))
        return [tuple(life) for life in lives], look.scalar(select(func.count(CommuneSuccession.id)))

    admin, before = clerk("admin"), places()
    header = LINKS if "model" in form else HEADER

    answer = send(admin, workbook(*rows, header=header), **form)
    href = answer.headers.get("location", "")
    page = admin.get(href) if href else answer
    confirmed = admin.post(f"{href}/confirm", data={"partial": "1"}) if href else answer

    assert said in unescape(text(page))
    assert page.status_code == (200 if href else 400)
    assert confirmed.status_code in (400, 409)
    assert places() == before


def test_the_day_of_a_list_of_places_must_be_given_and_says_so_at_its_field(province_clerk: TestClient) -> None:
    page = province_clerk.get("/admin/import?loai=commune").text
    records = province_clerk.get("/admin/import?loai=product").text
    refused = send(province_clerk, workbook(NEW), as_of="").text

    label = r'<label for="o-as_of">Danh mục tại ngày nào( <span class="o-optional">)?'
    assert [bool(re.search(label, html)[1]) for html in (page, records, refused)] == [False, True, False]  # type: ignore[index]  # found
    assert 'href="#o-as_of"' in refused
    assert re.search(r'id="o-as_of-error">.*?Ghi ngày của danh mục, ví dụ 01/02/2021\.', refused, flags=re.S)


def test_who_imports_no_list_of_places_is_not_asked_for_its_province(clerk: Clerk) -> None:
    page = clerk("xa").get("/admin/import").text

    assert 'name="province"' not in page
    assert 'name="complete"' not in page
    assert 'name="as_of"' in page


def test_a_list_with_districts_keeps_the_chosen_province_when_it_comes_back(province_clerk: TestClient) -> None:
    header = ("Mã huyện", "Mã xã", "Tên xã")

    answer = send(province_clerk, workbook(("837", "29182", "Xã A"), header=header), province="83")

    assert answer.status_code == 400
    assert "là danh mục trước 01/07/2025" in text(answer)
    assert re.search(r'<option value="83" selected', answer.text)


def test_only_rows_of_the_own_area_are_taken(province_clerk: TestClient, look: OcopSession) -> None:
    foreign = look.scalars(
        select(Commune).join(Commune.province).where(Province.code == "01", Commune.valid_to.is_(None)).limit(1)
    ).one()
    row = ("01", "Thành phố Hà Nội", foreign.code, "Phường Đổi Tên")

    page = text(province_clerk.get(send(province_clerk, workbook(NEW, row)).headers["location"]))

    assert "1 dòng bị từ chối" in page
    assert "nằm ngoài địa bàn của bạn" in page


@pytest.mark.parametrize("username", ["hoidong", "lanhdao", "kiemtoan"])
def test_nobody_else_may_import(clerk: Clerk, username: str) -> None:
    client = clerk(username)

    answers = [
        client.get("/admin/import").status_code,
        send(client, workbook(NEW)).status_code,
        client.post("/admin/import/1/confirm").status_code,
        client.post("/admin/import/1/drop").status_code,
    ]

    assert answers == [403, 403, 403, 403]
    assert "/admin/import" not in re.findall(r'href="([^"]+)"', client.get("/admin/").text)


@pytest.mark.parametrize("username", ["xa", "thanhphu"])
def test_a_clerk_loads_own_lists_and_not_the_list_of_communes(clerk: Clerk, username: str) -> None:
    client = clerk(username)

    offered = re.findall(r'<option value="([a-z-]+)"', client.get("/admin/import").text)
    assert {"entity", "product", "participation"} <= set(offered)
    assert not {"commune", "rating"} & set(offered)
    refused = send(client, workbook(NEW))
    assert (refused.status_code, "Chọn loại dữ liệu." in text(refused)) == (400, True)


def test_the_batch_of_another_clerk_is_not_there(clerk: Clerk, look: OcopSession) -> None:
    href = send(clerk("admin"), workbook(NEW)).headers["location"]
    stranger = clerk("tinh")

    answers = [stranger.get(href), stranger.post(f"{href}/confirm"), stranger.post(f"{href}/drop")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert look.scalars(select(ImportBatch)).one().state is BatchState.PLANNED


def test_who_may_see_the_plan_of_another_cannot_write_or_drop_it(clerk: Clerk, look: OcopSession) -> None:
    href = send(clerk("tinh"), workbook(NEW)).headers["location"]
    admin = clerk("admin")

    page = admin.get(href)
    answers = [admin.post(f"{href}/confirm"), admin.post(f"{href}/drop")]

    assert page.status_code == 200
    assert f'action="{href}/' not in page.text
    assert [answer.status_code for answer in answers] == [409, 409]
    assert all("do Lê Thị Thu Hà tải lên" in text(answer) for answer in answers)
    assert look.scalars(select(ImportBatch)).one().state is BatchState.PLANNED


def test_after_a_rename_the_commune_clerk_works_on(clerk: Clerk, look: OcopSession) -> None:
    admin = clerk("admin")
    row = ("86", "Thành phố Vĩnh Long", "29182", "Phường Thạnh Phú")
    href = send(admin, workbook(row)).headers["location"]
    assert admin.post(f"{href}/confirm").status_code == 303
    xa = clerk("xa")

    def create(screen: str, **typed: str) -> Response:
        page = xa.get(f"/admin/{screen}/create")
        return xa.post(f"/admin/{screen}/create", data={**form_of(page.text), **typed})

    entity = {"name": "HTX Rạch Cừ", "kind": "htx", "commune-text": "Phường Thạnh Phú"}
    made = [
        create("entity", **entity),
        create(
            "product",
            **{"name": "Kẹo dừa lá mơ", "entity-text": "HTX Rạch Cừ", "commune-text": "Phường Thạnh Phú"},
        ),
    ]

    assert [answer.status_code for answer in made] == [303, 303]
    new = look.scalars(select(Product).where(Product.name == "Kẹo dừa lá mơ")).one()
    old = look.scalars(select(Product).where(Product.name == "Kem dừa sáp")).one()
    assert new.commune.name == "Phường Thạnh Phú"
    assert new.province.name == "Thành phố Vĩnh Long"
    for product in (new, old):
        assert NO_OPEN_CYCLE not in check_moves(look, product, today=date(2026, 11, 2))[Move.ADVANCE].stay


@pytest.mark.parametrize("verb", ["confirm", "drop"])
def test_an_address_that_is_opened_changes_nothing(province_clerk: TestClient, look: OcopSession, verb: str) -> None:
    href = send(province_clerk, workbook(NEW)).headers["location"]

    assert province_clerk.get(f"{href}/{verb}").status_code in (404, 405)
    assert look.scalars(select(ImportBatch)).one().state is BatchState.PLANNED


def test_the_list_of_communes_leads_to_its_import(province_clerk: TestClient) -> None:
    page = province_clerk.get("/admin/commune/list")

    assert 'href="/admin/import?loai=commune"' in page.text
    assert re.search(r'<option value="commune" selected', province_clerk.get("/admin/import?loai=commune").text)
