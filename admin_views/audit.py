"""Nhật ký: every change, for those who answer for it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, time

from sqlalchemy import case

from admin_views import pages
from admin_views.base import OcopView, events_of
from admin_views.columns import Shown
from admin_views.query import ListFilter
from app.session import OcopSession
from models import AuditEntry
from models.base import Base
from models.rules.text import sort_key
from models.rules.words import VIETNAM, day, read_day


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

    def more_filters(self) -> Iterable[ListFilter]:
        labels = {table: model.__label__ for table, model in _models().items() if model.__audited__}
        yield ListFilter(
            name="model",
            label="Loại dữ liệu",
            kind="options",
            read=lambda text: text if text in labels else labels[""],
            where=lambda value: AuditEntry.model == value,
            words=lambda _session, value: labels[value],
            options=lambda _session: sorted(labels.items(), key=lambda item: sort_key(item[1])),
        )
        # From the first moment of a day in Vietnam to the last.
        yield ListFilter(
            name="at_from",
            label="Từ ngày",
            kind="date",
            read=read_day,
            where=lambda value: AuditEntry.at >= datetime.combine(value, time.min, VIETNAM),
            words=lambda _session, value: day(value),
        )
        yield ListFilter(
            name="at_to",
            label="Đến hết ngày",
            kind="date",
            read=read_day,
            where=lambda value: AuditEntry.at <= datetime.combine(value, time.max, VIETNAM),
            words=lambda _session, value: day(value),
        )

    def listed(self) -> Sequence[Shown]:
        return [_named(column) if column.key == "model" else column for column in super().listed()]

    def details_page(self, session: OcopSession, row: Base, tab: str) -> pages.DetailsPage:
        assert isinstance(row, AuditEntry)
        page = super().details_page(session, row, "")
        return replace(page, tabs=(), events=events_of(session, [(_models()[row.model], row)]))


def _named(column: Shown) -> Shown:
    """The label of the model instead of its table, on the page as in the file."""
    labels = {table: model.__label__ for table, model in _models().items()}
    return replace(column, expressions=(case(labels, value=AuditEntry.model, else_=AuditEntry.model),))
