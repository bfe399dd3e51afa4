"""Đợt nhập: what was imported, by whom, with the way to its page and its file."""

from collections.abc import Sequence
from dataclasses import replace

from admin_views import pages
from admin_views.base import BASE_URL, OcopView
from admin_views.import_files import marked_href, original_href
from app.services.importing import returned
from app.session import OcopSession
from models import ImportBatch, RowAction
from models.base import Base, screens
from models.rules.words import number


class ImportBatchView(OcopView, model=ImportBatch):
    category = "Công việc"
    icon = "inbox"
    column_list = (
        ImportBatch.file_name,
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
        from_file = [("Tệp", file)] if row.file_hash else []  # moved records came from none
        return [*super().facts(session, row), *from_file, (f"Số dòng: {screens()[row.screen].__plural__}", counts)]
