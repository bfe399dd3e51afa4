"""Chủ thể."""

from admin_views.base import OcopView
from models import Entity


class EntityView(OcopView, model=Entity):
    category = "Sổ theo dõi"
    icon = "building-store"
    column_list = (Entity.name, Entity.kind, Entity.tax_code, Entity.commune, Entity.phone, Entity.status)
    column_filters = (Entity.kind, Entity.commune, Entity.status)
