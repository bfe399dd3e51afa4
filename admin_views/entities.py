"""Chủ thể."""

from collections.abc import Iterable

from admin_views.base import OcopView
from admin_views.geography import places_filter
from admin_views.query import ListFilter
from models import Entity


class EntityView(OcopView, model=Entity):
    category = "Sổ theo dõi"
    icon = "building-store"
    column_list = (Entity.name, Entity.kind, Entity.tax_code, Entity.commune, Entity.phone, Entity.status)
    column_filters = (Entity.kind, Entity.commune, Entity.status)

    def more_filters(self) -> Iterable[ListFilter]:
        yield places_filter(Entity)
