"""Đợt nhập: what was imported, by whom, with the way to its page."""

from dataclasses import replace

from admin_views import pages
from admin_views.base import BASE_URL, OcopView
from app.session import OcopSession
from models import ImportBatch
from models.base import Base


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
        ImportBatch.file_name,
        ImportBatch.number,
        ImportBatch.state,
        ImportBatch.as_of,
        ImportBatch.made_by,
        ImportBatch.applied_at,
        ImportBatch.file_hash,
        ImportBatch.file_size,
    )

    def details_page(self, session: OcopSession, row: Base, tab: str) -> pages.DetailsPage:
        lead = pages.Link("Mở các dòng của đợt nhập", f"{BASE_URL}/import/{row.id}")
        return replace(super().details_page(session, row, tab), lead=lead)
