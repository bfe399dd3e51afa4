"""Tỉnh, huyện, xã: three dated lists; the lives of one code never share a day."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from admin_views import pages
from admin_views.base import OcopView
from admin_views.map import outline_of
from app.current import today
from app.services import places
from app.session import OcopSession
from models import Commune, District, Province
from models.base import Base


class PlaceView(OcopView):
    def create_row(self, session: OcopSession, values: Mapping[str, Any]) -> Base:
        row = super().create_row(session, values)
        places.refuse_overlap(session, row)
        return row

    def change_row(self, session: OcopSession, row: Base, values: Mapping[str, Any]) -> None:
        super().change_row(session, row, values)
        places.refuse_overlap(session, row)


class ProvinceView(PlaceView, model=Province):
    category = "Danh mục"
    icon = "building-bank"
    column_list = (Province.name, Province.code, Province.kind, Province.valid_from, Province.valid_to)


class DistrictView(PlaceView, model=District):
    category = "Danh mục"
    icon = "world"
    column_list = (
        District.name,
        District.code,
        District.kind,
        District.province,
        District.valid_from,
        District.valid_to,
    )
    column_filters = (District.province, District.kind)


class CommuneView(PlaceView, model=Commune):
    category = "Danh mục"
    icon = "map-pin"
    column_list = (
        Commune.name,
        Commune.code,
        Commune.kind,
        Commune.district,
        Commune.province,
        Commune.valid_from,
        Commune.valid_to,
    )
    column_filters = (Commune.province, Commune.district, Commune.kind, Commune.valid_from, Commune.valid_to)

    def details_page(self, session: OcopSession, row: Base, tab: str) -> pages.DetailsPage:
        assert isinstance(row, Commune)
        page = super().details_page(session, row, tab)
        return replace(page, drawing=None if tab else outline_of(session, row, today()))
