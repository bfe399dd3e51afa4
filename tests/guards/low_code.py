"""One more table, as the style guide adds it; run by test_low_code.py in a process of its own."""

# ---- what a newcomer writes -----------------------------------------------------------------------------------------

from datetime import date

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_views.base import OcopView
from models.base import Base, Placed, field
from models.product import Product


class Inspection(Placed, Base):
    __tablename__ = "inspections"
    __label__ = "Đợt kiểm tra"
    __keys__ = (("number",),)
    __search__ = ("number", "findings")

    number: Mapped[str] = mapped_column(String(40), unique=True, info=field("Số biên bản"))
    inspected_on: Mapped[date] = mapped_column(info=field("Ngày kiểm tra"))
    findings: Mapped[str] = mapped_column(Text, info=field("Kết luận"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), info=field("Sản phẩm", managed=True))
    product: Mapped[Product] = relationship(info=field("Sản phẩm", places=True))


class InspectionView(OcopView, model=Inspection):
    category = "Đánh giá"
    column_default_sort = (Inspection.inspected_on, True)
