"""The file as it was sent, given back marked, sent again corrected; and a workbook to fill in: as a clerk does it."""

import io
import re
from urllib.parse import quote

import openpyxl
import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.session import OcopSession
from models import Entity, ImportBatch, Product
from tests.files import samples
from tests.views.conftest import Clerk
from tests.views.test_imports import send, text

HEADER = ("STT", "Tên sản phẩm", "Tên cơ sở", "Tình trạng")
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def own_clerk(clerk: Clerk) -> TestClient:
    return clerk("tinh")


@pytest.fixture
def rows(look: OcopSession) -> list[tuple[str, ...]]:
    """A product that is there already, a new one, and two with a mistake."""
    entity = look.scalars(select(Entity).join(Product).order_by(Entity.id)).first()
    assert entity is not None
    product = look.scalars(select(Product.name).where(Product.entity_id == entity.id)).first() or ""
    return [
        HEADER,
        ("1", product, entity.name, ""),
        ("2", "Kẹo mè xửng Mỏ Cày", entity.name, ""),
        ("3", "Chả hoa Tân Xuân", entity.name, "Hết hàng"),
        ("4", "Chả ram Tân Xuân", "Không ai tên này", ""),
    ]


def as_file(kind: str, rows: list[tuple[str, ...]]) -> bytes:
    if kind == "xlsx":
        return samples.workbook(rows, "Danh sách")
    if kind == "csv":
        return "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in rows).encode("utf-8-sig")
    return samples.xls(
        b"".join(
            samples.xls_text(line, at, cell) for line, row in enumerate(rows) for at, cell in enumerate(row) if cell
        )
    )


def planned(client: TestClient, content: bytes, name: str, **form: str) -> str:
    sent = send(client, content, name=name, model="product", as_of="", **form)
    assert sent.status_code == 303, text(sent)
    href: str = sent.headers["location"]
    return href


def linked(page: Response, label: str) -> str:
    """Where the link with this label leads; the page must have it."""
    found = re.search(rf'<a[^>]*href="([^"]+)"[^>]*>(?:<svg(?:(?!</svg>).)*</svg>)?\s*{label}', page.text, re.DOTALL)
    assert found, label
    return found[1]


@pytest.mark.parametrize("kind", ["xlsx", "xls", "csv"])
def test_a_clerk_takes_the_good_rows_corrects_the_others_in_the_file_and_sends_it_again(
    own_clerk: TestClient, look: OcopSession, rows: list[tuple[str, ...]], kind: str
) -> None:
    href = planned(own_clerk, as_file(kind, rows), f"sản phẩm.{kind}")
    page = own_clerk.get(href)
    before = own_clerk.get(linked(page, "Tải tệp kèm kết quả để sửa các dòng bị từ chối"))
    assert samples.results(before.content) == ["Không đổi", "Mới", "Bị từ chối", "Bị từ chối"]

    assert own_clerk.post(f"{href}/confirm", data={"partial": "1"}).status_code == 303
    page = own_clerk.get(href)
    assert "2 dòng bị từ chối chưa được nhập." in text(page)
    marked = own_clerk.get(linked(page, "Tải tệp kèm kết quả"))
    assert samples.results(marked.content) == ["Không đổi", "Đã nhập", "Bị từ chối", "Bị từ chối"]
    assert quote("sản phẩm (kết quả).xlsx") in marked.headers["content-disposition"]

    again = samples.with_cells(marked.content, D4="Tạm ngừng", C5=rows[1][2])
    href = planned(own_clerk, again, "sản phẩm (kết quả).xlsx")
    page = own_clerk.get(href)
    assert "Nhập 2 dòng: 2 mới" in text(page)
    assert "2 dòng ghi “Đã nhập”, “Không đổi” ở cột “Kết quả” được bỏ qua." in text(page)
    assert "Không dùng cột" not in text(page)
    assert own_clerk.post(f"{href}/confirm").status_code == 303

    look.rollback()
    names = look.scalars(select(Product.name).where(Product.name.in_([row[1] for row in rows[2:]]))).all()
    assert sorted(names) == sorted(row[1] for row in rows[2:])
    last = own_clerk.get(linked(own_clerk.get(href), "Tải tệp kèm kết quả"))
    assert samples.results(last.content) == ["Không đổi", "Đã nhập", "Đã nhập", "Đã nhập"]


def test_the_layout_of_a_sender_is_the_same_with_our_column_beside_it(
    own_clerk: TestClient, rows: list[tuple[str, ...]]
) -> None:
    href = planned(own_clerk, as_file("xlsx", rows), "a.xlsx", sender="xã Thạnh Phong")
    own_clerk.post(f"{href}/confirm", data={"partial": "1"})
    marked = own_clerk.get(f"{href}/marked").content

    page = text(own_clerk.get(planned(own_clerk, marked, "a.xlsx", sender="xã Thạnh Phong")))

    assert "Đọc tệp như lần trước của xã Thạnh Phong." in page


def test_the_original_comes_back_byte_for_byte_under_its_name(
    own_clerk: TestClient, rows: list[tuple[str, ...]]
) -> None:
    content = as_file("csv", rows)
    name = "Sản phẩm mới (1).csv"
    href = planned(own_clerk, content, name)
    page = own_clerk.get(href)

    answer = own_clerk.get(linked(page, "Tải tệp gốc"))

    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].endswith(f"filename*=UTF-8''{quote(name, safe='')}")


def test_what_another_clerk_sent_is_not_there(clerk: Clerk, rows: list[tuple[str, ...]]) -> None:
    href = planned(clerk("tinh"), as_file("csv", rows), "a.csv")

    for path in (f"{href}/original", f"{href}/marked"):
        assert clerk("xa").get(path).status_code == 404
        assert clerk("lanhdao").get(path).status_code == 403


def test_a_file_that_is_gone_or_altered_is_refused_with_a_sentence(
    own_clerk: TestClient, site: Starlette, look: OcopSession, rows: list[tuple[str, ...]]
) -> None:
    href = planned(own_clerk, as_file("csv", rows), "a.csv")
    look.rollback()
    kept = site.state.admin.jobs.originals / look.scalars(select(ImportBatch.file_hash)).one()

    kept.write_bytes(b"x")
    altered = own_clerk.get(f"{href}/original")
    kept.unlink()
    gone = own_clerk.get(f"{href}/marked")

    assert "không còn nguyên vẹn" in text(altered)
    assert "không còn trên máy chủ" in text(gone)
    assert {altered.status_code, gone.status_code} == {409}


def test_a_batch_that_was_given_up_offers_no_file(own_clerk: TestClient, rows: list[tuple[str, ...]]) -> None:
    href = planned(own_clerk, as_file("csv", rows), "a.csv")
    own_clerk.post(f"{href}/drop")

    assert "Tải tệp gốc" not in own_clerk.get(href).text
    assert "chưa có kết quả từng dòng" in text(own_clerk.get(f"{href}/marked"))


def test_the_record_of_a_batch_says_what_was_sent(
    own_clerk: TestClient, look: OcopSession, rows: list[tuple[str, ...]]
) -> None:
    content = as_file("xlsx", rows)
    planned(own_clerk, content, "a.xlsx", sender="xã Thạnh Phong")
    look.rollback()
    batch = look.scalars(select(ImportBatch)).one()

    page = own_clerk.get(f"/admin/import-batch/details/{batch.id}")

    seen = text(page)
    assert batch.file_hash in seen
    for fact in ("Nơi gửi xã Thạnh Phong", "Trang tính Danh sách", "Mới 1", "Không đổi 1", "Bị từ chối 2"):
        assert fact in seen
    assert own_clerk.get(linked(page, "a.xlsx")).content == content
    assert own_clerk.get(linked(page, "Tải tệp kèm kết quả")).headers["content-type"] == WORKBOOK


def test_a_workbook_to_fill_in_is_offered_for_each_list_one_may_import(clerk: Clerk) -> None:
    page = clerk("xa").get("/admin/import")
    hrefs = re.findall(r'href="(/admin/import/template/[^"]+)"', page.text)

    assert hrefs == [
        "/admin/import/template/entity",
        "/admin/import/template/entity?day-du=1",
        "/admin/import/template/product",
        "/admin/import/template/product?day-du=1",
        "/admin/import/template/representative",
        "/admin/import/template/representative?day-du=1",
        "/admin/import/template/participation",
    ]
    for href in hrefs:
        answer = clerk("xa").get(href)
        assert answer.headers["content-type"] == WORKBOOK
        assert openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames[0] == "Nhập liệu"
    assert quote("Mẫu nhập chủ thể") in clerk("xa").get(hrefs[0]).headers["content-disposition"]


def test_a_workbook_of_a_list_one_may_not_import_is_refused(clerk: Clerk) -> None:
    assert clerk("xa").get("/admin/import/template/commune").status_code == 403
    assert clerk("xa").get("/admin/import/template/nothing").status_code == 403
    assert clerk("lanhdao").get("/admin/import/template/entity").status_code == 403


def test_records_that_miss_something_come_out_are_completed_and_come_in(
    own_clerk: TestClient, look: OcopSession
) -> None:
    content = own_clerk.get("/admin/import/template/product?day-du=1").content
    untouched = planned(own_clerk, content, "mẫu.xlsx")
    assert "Tệp này không đổi gì." in text(own_clerk.get(untouched))

    book = openpyxl.load_workbook(io.BytesIO(content))
    letters = {cell.value: cell.column_letter for cell in book.worksheets[0][1]}
    name = book.worksheets[0][f"{letters['Tên sản phẩm']}2"].value
    href = planned(own_clerk, samples.with_cells(content, **{f"{letters['Mã số sản phẩm']}2": "0012"}), "mẫu.xlsx")
    assert "Nhập 1 dòng: 1 thay đổi" in text(own_clerk.get(href))
    own_clerk.post(f"{href}/confirm")

    look.rollback()
    assert look.scalars(select(Product.name).where(Product.code == "0012")).all() == [name]
