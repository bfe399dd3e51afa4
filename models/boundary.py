"""Ranh giới xã, phường: the shape of one life of a commune on a day, as the office imported it."""

from datetime import date
from typing import ClassVar, Self

from sqlalchemy import ColumnElement, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Area, Base, field, in_places
from models.commune import Commune
from models.province import Province


class Boundary(Base):
    """Holds from its day until a newer one of the same commune. It is the commune's own: it never moves to another.

    geometry: GeoJSON text, WGS84, longitude first. outline: the same as an SVG path on the plane of rules.shapes.

    x, y, width, height: the box of the outline there.
    """

    __tablename__ = "boundaries"
    __label__ = "Ranh giới"
    __title__ = "commune"
    __screen__ = None  # shown on its commune and on the map of the home page
    __keys__: ClassVar = (("commune", "as_of"),)
    __table_args__ = (UniqueConstraint("commune_id", "as_of"), Index("ix_boundaries_province_id", "province_id"))

    commune_id: Mapped[int] = mapped_column(ForeignKey("communes.id"), info=field("Xã, phường"))
    as_of: Mapped[date] = mapped_column(info=field("Ranh giới tại ngày"))
    geometry: Mapped[str] = mapped_column(Text, info=field("Hình GeoJSON", managed=True))
    outline: Mapped[str] = mapped_column(Text, info=field("Đường vẽ", managed=True))
    x: Mapped[int] = mapped_column(info=field("Mép trái", managed=True))
    y: Mapped[int] = mapped_column(info=field("Mép trên", managed=True))
    width: Mapped[int] = mapped_column(info=field("Bề rộng", managed=True))
    height: Mapped[int] = mapped_column(info=field("Bề cao", managed=True))

    province_id: Mapped[int] = mapped_column(ForeignKey("provinces.id"), info=field("Tỉnh, thành phố", managed=True))

    commune: Mapped[Commune] = relationship(info=field("Xã, phường"))
    province: Mapped[Province] = relationship(info=field("Tỉnh, thành phố", managed=True))

    @classmethod
    def within(cls: type[Self], area: Area) -> ColumnElement[bool]:
        return in_places(area, cls.province_id, cls.commune_id)
