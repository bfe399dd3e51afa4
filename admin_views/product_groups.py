"""Nhóm sản phẩm."""

from admin_views.base import OcopView
from models import ProductGroup


class ProductGroupView(OcopView, model=ProductGroup):
    category = "Danh mục"
    icon = "layout-grid"
    column_list = (
        ProductGroup.name,
        ProductGroup.code,
        ProductGroup.level,
        ProductGroup.parent,
        ProductGroup.criteria_set_number,
        ProductGroup.managing_bodies,
    )
    column_filters = (ProductGroup.level, ProductGroup.parent)
