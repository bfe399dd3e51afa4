"""Nhật ký: every change, for those who answer for it."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import case

from admin_views import pages
from admin_views.base import OcopView, event_of
from admin_views.columns import Shown
from app.session import OcopSession
from models import AuditEntry
from models.base import Base


def _models() -> dict[str, type[Base]]:
    return {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}


class AuditView(OcopView, model=AuditEntry):
    category = "Hệ thống"
    icon = "history"
    column_list = (
        AuditEntry.row_label,
        AuditEntry.model,
        AuditEntry.action,
        AuditEntry.at,
        AuditEntry.actor,
        AuditEntry.verb,
    )
    column_filters = (AuditEntry.action, AuditEntry.user)
    column_default_sort = (AuditEntry.id, True)
    column_details_list = (
        AuditEntry.at,
        AuditEntry.actor,
        AuditEntry.verb,
        AuditEntry.request_number,
        AuditEntry.row_id,
    )

    def listed(self) -> Sequence[Shown]:
        return [_named(column) if column.key == "model" else column for column in super().listed()]

    def details_page(self, session: OcopSession, row: Base, tab: str) -> pages.DetailsPage:
        assert isinstance(row, AuditEntry)
        page = super().details_page(session, row, "")
        return replace(page, tabs=(), events=[event_of(_models()[row.model], row)])


def _named(column: Shown) -> Shown:
    """The label of the model instead of its table, on the page as in the file."""
    labels = {table: model.__label__ for table, model in _models().items()}
    return replace(column, expressions=(case(labels, value=AuditEntry.model, else_=AuditEntry.model),))
