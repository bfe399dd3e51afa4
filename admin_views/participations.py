"""Tham gia chu trình: one product in one year."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement

from admin_views import pages
from admin_views.base import BASE_URL, Action, OcopView
from admin_views.products import CYCLE_TAB
from admin_views.steps import step_actions
from app.current import today
from app.services import cycle
from app.session import OcopSession
from models import Move, Participation, StepRecord
from models.base import Base


class ParticipationView(OcopView, model=Participation):
    category = "Sổ theo dõi"
    icon = "recycle"
    column_list = (
        Participation.product,
        Participation.commune,
        Participation.cycle,
        Participation.step,
        Participation.state,
        Participation.entered_on,
        Participation.returns,
    )
    column_filters = (Participation.cycle, Participation.step, Participation.state, Participation.commune)
    column_details_list = (
        Participation.product,
        Participation.commune,
        Participation.cycle,
        Participation.step,
        Participation.state,
        Participation.entered_on,
        Participation.returns,
    )
    form_columns = (Participation.product, Participation.cycle)
    when_used = "Chỉ xóa khi đưa vào nhầm và chưa có việc gì. Dùng “Rút khỏi chu trình” thay cho xóa."

    def details_page(self, session: OcopSession, row: Base, tab: str) -> pages.DetailsPage:
        assert isinstance(row, Participation)
        # What can be done stands on the product's record.
        lead = pages.Link("Mở sản phẩm để chuyển bước", f"{BASE_URL}/product/details/{row.product_id}?tab={CYCLE_TAB}")
        return replace(super().details_page(session, row, tab), lead=lead)

    def own_actions(self) -> Iterable[Action]:
        return step_actions(Participation)

    def keeping(self, other: type[Base]) -> ColumnElement[bool]:
        return StepRecord.move != Move.ENTER if other is StepRecord else super().keeping(other)

    def delete_row(self, session: OcopSession, row: Base) -> None:
        assert isinstance(row, Participation)
        cycle.remove(session, row)

    def create_row(self, session: OcopSession, values: Mapping[str, Any]) -> Base:
        return cycle.enter(session, values["product"], values["cycle"], today=today())
