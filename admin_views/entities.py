"""Chủ thể, and who signs for them."""

from collections.abc import Iterable

from admin_views.base import OcopView
from admin_views.geography import places_filter
from admin_views.query import ListFilter
from models import Entity, Representative


class EntityView(OcopView, model=Entity):
    category = "Sổ theo dõi"
    icon = "building-store"
    column_list = (Entity.name, Entity.kind, Entity.tax_code, Entity.commune, Entity.phone, Entity.status)
    column_filters = (Entity.kind, Entity.commune, Entity.status)

    def more_filters(self) -> Iterable[ListFilter]:
        yield places_filter(Entity)


class RepresentativeView(OcopView, model=Representative):
    category = "Sổ theo dõi"
    icon = "user"
    column_list = (
        Representative.name,
        Representative.position,
        Representative.entity,
        Representative.commune,
        Representative.since,
        Representative.until,
    )
    column_filters = (Representative.commune, Representative.since, Representative.until)
