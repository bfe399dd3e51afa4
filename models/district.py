"""Huyện, quận, thị xã, thành phố thuộc tỉnh: the level ended on 1 July 2025; old records keep it."""

from collections.abc import Iterable
from typing import ClassVar, Self

from sqlalchemy import ColumnElement, ForeignKey, Index, String, UniqueConstraint, or_, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Area, Base, LabelledEnum, Searchable, Tidy, choice, field
from models.province import Dated, Province, period
from models.rules.places import code_flaw


class DistrictKind(LabelledEnum):
    RURAL = "huyen", "Huyện"
    URBAN = "quan", "Quận"
    TOWN = "thi_xa", "Thị xã"
    CITY = "thanh_pho", "Thành phố"


class District(Dated, Searchable, Base):
    __tablename__ = "districts"
    __label__ = "Huyện"
    __keys__: ClassVar = (("code", "valid_from"),)
    __search__ = ("name", "code")
    __hint__ = ("province.name", "valid_to")
    __table_args__ = (
        UniqueConstraint("code", "valid_from"),
        period(),
        Index("ix_districts_province_id_sort_key_id", "province_id", "sort_key", "id"),
    )

    code: Mapped[str] = mapped_column(String(3), info=field("Mã huyện", aliases=("Mã QH", "Mã quận/huyện")))
    name: Mapped[str] = mapped_column(Tidy(120), info=field("Tên huyện", aliases=("Quận Huyện", "Quận/huyện")))
    kind: Mapped[DistrictKind] = mapped_column(choice(DistrictKind), info=field("Loại huyện"))
    province_id: Mapped[int] = mapped_column(ForeignKey("provinces.id"), info=field("Tỉnh, thành phố"))
    province: Mapped[Province] = relationship(info=field("Tỉnh, thành phố"))

    def faults(self) -> Iterable[tuple[str, str]]:
        yield from super().faults()
        if self.code and (flaw := code_flaw(self.code, 3)):
            yield "code", flaw

    @classmethod
    def within(cls: type[Self], area: Area) -> ColumnElement[bool]:
        if area.everything:
            return true()
        return or_(cls.province_id.in_(sorted(area.provinces)), cls.id.in_(sorted(area.districts)))
