"""Đợt nhập: what was imported, by whom, with the way to its page and its file."""

from collections.abc import Sequence
from dataclasses import replace

from admin_views import pages
from admin_views.base import BASE_URL, OcopView
from admin_views.columns import Shown
from admin_views.import_files import marked_href, original_href
from app.services.importing import returned, undoing
from app.services.moving import FILE_NAME as MOVE
from app.session import OcopSession
from app.table import Column
from models import BatchState, ImportBatch, RowAction
from models.base import Base, screens
from models.rules.words import number


class ImportBatchView(OcopView, model=ImportBatch):
    category = "Công việc"
    icon = "inbox"
    column_list = (
        ImportBatch.file_name,
        ImportBatch.screen,
        ImportBatch.number,
        ImportBatch.state,
        ImportBatch.as_of,
        ImportBatch.made_by,
        ImportBatch.applied_at,
    )
    column_filters = (ImportBatch.state,)
    column_default_sort = (ImportBatch.id, True)
    column_details_list = (
        ImportBatch.number,
        ImportBatch.state,
        ImportBatch.as_of,
        ImportBatch.made_by,
        ImportBatch.applied_at,
        ImportBatch.undone_at,
        ImportBatch.undone_by,
    )

    def listed(self) -> Sequence[Shown]:
        """What kind of list it was, and how many of its rows were new and changed beside how it stands."""
        widths = {"file_name": 22, "number": 6, "state": 12}
        columns = [
            _kind(each) if each.key == "screen" else replace(each, width=widths.get(each.key, each.width))
            for each in super().listed()
        ]
        place = next(place for place, each in enumerate(columns) if each.key == "state")
        return [*columns[: place + 1], _written(), *columns[place + 1 :]]

    def details_page(self, session: OcopSession, row: Base, tab: str) -> pages.DetailsPage:
        lead = pages.Link("Mở các dòng của đợt nhập", f"{BASE_URL}/import/{row.id}")
        return replace(super().details_page(session, row, tab), lead=lead)

    def facts(self, session: OcopSession, row: Base) -> Sequence[tuple[str, Sequence[pages.Fact]]]:
        assert isinstance(row, ImportBatch)
        file = [
            pages.Fact("Tên tệp", pages.Cell(row.file_name, href=original_href(row))),
            pages.Fact("Trang tính", pages.Cell(row.sheet)),
            pages.Fact("Cỡ tệp", pages.Cell(f"{number(row.file_size)} byte")),
            pages.Fact("SHA-256", pages.Cell(row.file_hash)),
            pages.Fact("Nơi gửi", pages.Cell(row.sender.name if row.sender else "")),
        ]
        if returned.has_results(row):
            file.append(pages.Fact("Kết quả từng dòng", pages.Cell("Tải tệp kèm kết quả", href=marked_href(row))))
        counts = [pages.Fact(action.label, pages.Cell(number(row.counts.get(action.value, 0)))) for action in RowAction]
        counts += [
            pages.Fact(f"Cùng tạo: {screens()[screen].__plural__}", pages.Cell(number(also["new"])))
            for screen, also in row.also.items()
            if also.get("new")
        ]
        if row.state is BatchState.UNDONE:
            counts.append(pages.Fact("Hoàn tác", pages.Cell(undoing.outcome(row))))
        from_file = [] if row.is_move else [("Tệp", file)]
        return [*super().facts(session, row), *from_file, (f"Số dòng: {_called(row.screen, row.file_hash)}", counts)]


def _kind(column: Shown) -> Shown:
    return replace(
        column,
        expressions=(ImportBatch.screen, ImportBatch.file_hash),
        words=lambda _session, rows: {row: (_called(*row),) for row in rows},
        sort=None,
        width=12,
    )


def _called(screen: str, file_hash: str) -> str:
    if not file_hash:
        return MOVE
    model = screens().get(screen)
    return model.__plural__ if model else screen


def _written() -> Shown:
    new, changed = (ImportBatch.counts[action.value].as_integer() for action in (RowAction.NEW, RowAction.CHANGED))
    return Shown(
        key="written",
        label="Dòng ghi",
        expressions=(new, changed, ImportBatch.state),
        cell=_written_cell,
        exports=(
            (Column("Dòng mới", "integer", 12), 0),
            (Column("Dòng thay đổi", "integer", 12), 1),
        ),
        width=14,
    )


_BESIDE = {
    BatchState.READING: "chưa đọc xong",
    BatchState.PLANNED: "chưa ghi",
    BatchState.DROPPED: "không ghi",
    BatchState.UNDONE: "đã hoàn tác",
}


def _written_cell(new: int | None, changed: int | None, state: BatchState) -> pages.Cell:
    counts = f"{number(new or 0)} mới, {number(changed or 0)} thay đổi"
    return pages.Cell(counts, second=_BESIDE.get(state, ""))
