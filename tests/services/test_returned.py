"""A workbook given back says of each row what became of it, and only what is left runs when it comes again."""

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from app.database import Database
from app.files import read
from app.files.titles import FAULTS_SHEET
from app.services import importing
from app.services.importing import originals, returned, undoing
from app.services.importing.returned import NothingToReturn
from models import Commune, Entity, ImportBatch, Product, RowAction
from models.base import Base
from tests.files import samples

pytestmark = [pytest.mark.fill("demo"), pytest.mark.usefixtures("at_the_command_line")]

TODAY = date(2026, 11, 25)
HEADER = ("STT", "Tên sản phẩm", "Tên cơ sở", "Tình trạng")


class Desk:
    """Sends a workbook of products, and gives it back."""

    def __init__(self, database: Database, folder: Any) -> None:
        self.database, self.folder = database, folder
        with database.reading() as session:
            product = session.scalars(select(Product).order_by(Product.id)).first()
            assert product is not None
            self.product, self.entity = product.name, product.entity.name

    def send(self, content: bytes, *, name: str = "san-pham.xlsx", model: type[Base] = Product) -> int:
        with self.database.writing.begin() as session:
            table = read(content, name=name, known=importing.known_titles(model))
            plan = importing.plan(session, model, table, as_of=TODAY)
            content_hash = originals.keep(self.folder, content)
            batch = importing.store(session, plan, file_name=name, content_hash=content_hash, size=len(content))
            return batch.id

    def apply(self, batch_id: int) -> None:
        with self.database.writing.begin() as session:
            importing.apply(session, session.get_one(ImportBatch, batch_id), partial=True)

    def undo(self, batch_id: int) -> None:
        with self.database.writing.begin() as session:
            undoing.undo(session, session.get_one(ImportBatch, batch_id))

    def counts(self, batch_id: int) -> dict[str, int]:
        with self.database.reading() as session:
            found = session.get_one(ImportBatch, batch_id).counts
            return {name: count for name, count in found.items() if count}

    def notes(self, batch_id: int) -> list[str]:
        with self.database.reading() as session:
            return list(session.get_one(ImportBatch, batch_id).notes)

    def back(self, batch_id: int) -> tuple[str, bytes]:
        with self.database.reading() as session:
            batch = session.get_one(ImportBatch, batch_id)
            return returned.returned(session, batch, originals.load(self.folder, batch.file_hash))

    def rows(self) -> bytes:
        return samples.workbook(
            [
                HEADER,
                [1, self.product, self.entity, None],
                [2, "Kẹo mè xửng Mỏ Cày", self.entity, None],
                [3, "Chả hoa Tân Xuân", self.entity, "Hết hàng"],
                [4, "Chả ram Tân Xuân", self.entity, "Hết hàng"],
            ]
        )


@pytest.fixture
def desk(any_database: Database, tmp_path: Any) -> Desk:
    return Desk(any_database, tmp_path)


def test_the_results_follow_the_batch(desk: Desk) -> None:
    batch_id = desk.send(desk.rows())
    name, planned = desk.back(batch_id)

    assert name == "san-pham (kết quả).xlsx"
    assert samples.results(planned) == ["Không đổi", "Mới", "Bị từ chối", "Bị từ chối"]

    desk.apply(batch_id)
    assert samples.results(desk.back(batch_id)[1]) == ["Không đổi", "Đã nhập", "Bị từ chối", "Bị từ chối"]

    desk.undo(batch_id)
    assert samples.results(desk.back(batch_id)[1]) == ["Không đổi", "Đã hoàn tác", "Bị từ chối", "Bị từ chối"]


def test_rows_that_an_undo_left_are_not_called_undone(desk: Desk) -> None:
    more = [[n, f"Bánh tráng số {n}", desk.entity, None] for n in (2, 3, 4)]
    batch_id = desk.send(samples.workbook([HEADER, [1, desk.product, desk.entity, None], *more]))
    desk.apply(batch_id)
    with desk.database.writing.begin() as session, session.doing("sửa"):
        edited, deleted = (
            session.scalars(select(Product).where(Product.name == f"Bánh tráng số {n}")).one() for n in (2, 3)
        )
        edited.description = "Đã xem tại cơ sở"
        session.delete(deleted)
    desk.undo(batch_id)

    results = samples.results(desk.back(batch_id)[1])
    assert results == ["Không đổi", "Đã nhập", "Đã xóa sau đó", "Đã hoàn tác"]
    again = desk.send(desk.back(batch_id)[1])
    assert desk.counts(again) == {"skipped": 2, "new": 2}


def test_one_error_of_two_rows_is_one_line_of_the_summary(desk: Desk) -> None:
    _name, content = desk.back(desk.send(desk.rows()))
    summary = openpyxl.load_workbook(io.BytesIO(content))[FAULTS_SHEET]

    ((error, lines, cure),) = [[cell.value for cell in row] for row in summary.iter_rows(min_row=2)]
    assert error == "Cột “Tình trạng”: “Hết hàng”: Không có trong danh sách tình trạng."
    assert lines == "4–5 (2 dòng)"
    assert cure.startswith("Ghi một trong: “Đang sản xuất”; “Tạm ngừng”; “Ngừng sản xuất”. Sửa ô này")


def test_a_tax_code_of_another_producer_is_looked_at_and_not_written_otherwise(desk: Desk) -> None:
    rows = [["MST", "Tên chủ thể"], ["9900000016", "HTX Sông Tiền"]]
    with desk.database.writing.begin() as session:
        session.scalars(select(Entity).where(Entity.name == desk.entity)).one().tax_code = "9900000016"

    _name, content = desk.back(desk.send(samples.workbook(rows), model=Entity))

    (_, (error, _, cure)) = openpyxl.load_workbook(io.BytesIO(content))[FAULTS_SHEET].iter_rows(values_only=True)
    assert str(error).startswith("Cột “MST”: “9900000016, HTX Sông Tiền”: Mã số thuế 9900000016 đang là của “")
    assert cure == "Kiểm tra mã số thuế. Sửa ô này, hoặc trả lời khi xem trước."


def test_only_corrected_rows_run_when_the_workbook_comes_again(desk: Desk) -> None:
    first = desk.send(desk.rows())
    desk.apply(first)
    _name, back = desk.back(first)

    second = desk.send(samples.with_cells(back, D4="Tạm ngừng"), name="san-pham (kết quả).xlsx")

    assert desk.counts(second) == {"new": 1, "refused": 1, "skipped": 2}
    assert desk.notes(second)[-1].startswith("2 dòng ghi “Đã nhập”, “Không đổi” ở cột “Kết quả” được bỏ qua.")

    desk.apply(second)
    name, again = desk.back(second)
    assert name == "san-pham (kết quả).xlsx"
    assert samples.results(again) == ["Không đổi", "Đã nhập", "Đã nhập", "Bị từ chối"]

    third = desk.send(samples.with_cells(again, D5="Tạm ngừng"))
    desk.apply(third)
    assert samples.results(desk.back(third)[1]) == ["Không đổi", "Đã nhập", "Đã nhập", "Đã nhập"]
    with desk.database.reading() as session:
        assert session.scalars(select(Product.status).where(Product.name.endswith("Tân Xuân"))).all() == ["paused"] * 2


def test_a_row_whose_result_was_cleared_runs_again(desk: Desk) -> None:
    first = desk.send(desk.rows())
    desk.apply(first)

    again = desk.send(samples.with_cells(desk.back(first)[1], E3=None, D3="Tạm ngừng", D4="Tạm ngừng", D5="Tạm ngừng"))

    assert desk.counts(again) == {"new": 2, "changed": 1, "skipped": 1}


def test_a_row_that_is_done_is_not_judged_at_all(desk: Desk) -> None:
    """Neither its bad cells nor its unknown names nor its double keep the others from being written."""
    content = samples.workbook(
        [
            (*HEADER, "Kết quả"),
            [1, "Kẹo mè xửng Mỏ Cày", "Không ai tên này", "Hết hàng", "Đã nhập"],
            [2, "Kẹo mè xửng Mỏ Cày", desk.entity, None, None],
            [3, "Kẹo mè xửng Mỏ Cày", desk.entity, None, "Đã nhập"],
        ]
    )
    batch_id = desk.send(content)

    assert desk.counts(batch_id) == {"new": 1, "skipped": 2}
    with desk.database.reading() as session:
        batch = session.get_one(ImportBatch, batch_id)
        assert (batch.options["unfound"], batch.options["likely"]) == ([], [])
    desk.apply(batch_id)
    with desk.database.reading() as session:
        entity = session.scalars(select(Entity).where(Entity.name == desk.entity)).one()
        found = session.scalars(select(Product).where(Product.name == "Kẹo mè xửng Mỏ Cày")).all()
        assert [product.entity_id for product in found] == [entity.id]


def test_a_batch_that_was_given_up_has_nothing_to_return(desk: Desk) -> None:
    batch_id = desk.send(desk.rows())
    with desk.database.writing.begin() as session:
        importing.drop(session, session.get_one(ImportBatch, batch_id))

    with pytest.raises(NothingToReturn):
        desk.back(batch_id)


def test_every_action_has_a_word_in_every_state_with_results() -> None:
    for words in returned.RESULTS.values():
        assert set(words) == set(RowAction)


@pytest.mark.parametrize(
    ("sentence", "error", "cure"),
    [
        ("Thiếu tên. Ghi tên đúng như danh mục.", "Thiếu tên.", "Ghi tên đúng như danh mục."),
        ("Chưa có “Tp. Bến Tre”. Sửa tên.", "Chưa có “Tp. Bến Tre”.", "Sửa tên."),
        ("Ô này là 1.250. Sửa lại.", "Ô này là 1.250.", "Sửa lại."),
        ("Một câu", "Một câu", ""),
    ],
)
def test_the_first_sentence_is_the_error_and_the_rest_the_cure(sentence: str, error: str, cure: str) -> None:
    summed = returned._summed_up("", sentence, [2])

    assert (summed.error, summed.cure) == (error, cure)


def test_communes_that_are_done_are_left_alone_too(desk: Desk) -> None:
    header = ("Mã TP", "Tỉnh Thành Phố", "Mã PX", "Phường Xã", "Kết quả")
    new = ("86", "Tỉnh Vĩnh Long", "29999", "Xã Cồn Bửng")
    content = samples.workbook(
        [header, (*new, "Đã nhập"), (*new, None), ("86", "Tỉnh Vĩnh Long", "4", "Xã A", "Không đổi")]
    )
    table = read(content, name="a.xlsx", known=importing.known_titles(Commune))

    with desk.database.writing.begin() as session:
        plan = importing.plan(session, Commune, table, as_of=TODAY)

    assert [row.action for row in plan.rows] == [RowAction.SKIPPED, RowAction.NEW, RowAction.SKIPPED]
    assert plan.unfound == []
