"""Tỉnh, huyện, xã: three dated lists."""

from admin_views.base import OcopView
from models import Commune, District, Province


class ProvinceView(OcopView, model=Province):
    category = "Danh mục"
    icon = "building-bank"
    column_list = (Province.name, Province.code, Province.kind, Province.valid_from, Province.valid_to)


class DistrictView(OcopView, model=District):
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


class CommuneView(OcopView, model=Commune):
    category = "Danh mục"
    icon = "map-pin"
    importable = True
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
