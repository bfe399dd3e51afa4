"""Kết quả đánh giá, phân hạng."""

from collections.abc import Iterable, Mapping
from typing import Any

from admin_views.base import OcopView
from admin_views.query import ListFilter
from app.services import rating as service
from app.session import OcopSession
from models import Rating
from models.base import Base


class RatingView(OcopView, model=Rating):
    category = "Đánh giá"
    icon = "certificate"
    column_list = (
        Rating.product,
        Rating.commune,
        Rating.mean_points,
        Rating.stars,
        Rating.decided_on,
        Rating.decision_number,
        Rating.expires_on,
    )
    column_filters = (Rating.stars, Rating.regime, Rating.decided_on, Rating.expires_on)
    column_default_sort = (Rating.decided_on, True)
    column_details_list = (
        Rating.product,
        Rating.criteria_set,
        Rating.regime,
        Rating.mean_points,
        Rating.stars_by_points,
        Rating.stars,
        Rating.difference_reason,
        Rating.potential_five,
        Rating.decided_on,
        Rating.decision_number,
        Rating.authority,
        Rating.expires_on,
    )
    form_columns = (
        Rating.product,
        Rating.criteria_set,
        Rating.mean_points,
        Rating.stars,
        Rating.difference_reason,
        Rating.decided_on,
        Rating.decision_number,
        Rating.authority,
        Rating.expires_on,
    )

    def more_filters(self) -> Iterable[ListFilter]:
        yield ListFilter(
            name="newest",
            label="Mới nhất của sản phẩm",
            kind="options",
            read=lambda text: bool(("0", "1").index(text)),
            where=lambda value: Rating.is_newest() if value else ~Rating.is_newest(),
            words=lambda _s, value: "Có" if value else "Không",
            options=lambda _s: [("1", "Có"), ("0", "Không")],
        )

    def create_row(self, session: OcopSession, values: Mapping[str, Any]) -> Base:
        rating = Rating(**values)
        with session.no_autoflush:
            service.settle(session, rating)
        session.add(rating)
        return rating

    def flaws(self, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        yield from super().flaws(values)
        yield from ((name, str(flaw)) for name, flaw in service.flaws(Rating(**values)))

    def change_row(self, session: OcopSession, row: Base, values: Mapping[str, Any]) -> None:
        assert isinstance(row, Rating)
        with session.no_autoflush:
            super().change_row(session, row, values)
            service.settle(session, row)
