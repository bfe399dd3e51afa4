"""Xã, phường, thị trấn, đặc khu: dated, because units merge, are renamed, and their codes are given to others."""

from collections.abc import Iterable
from typing import ClassVar, Self

from sqlalchemy import ColumnElement, ForeignKey, String, UniqueConstraint, or_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import (
    Area,
    Base,
    Everywhere,
    LabelledEnum,
    Searchable,
    Tidy,
    choice,
    field,
    in_places,
    list_indexes,
)
from models.district import District
from models.province import Dated, Province, period
from models.rules.places import code_flaw


class CommuneKind(LabelledEnum):
    COMMUNE = "xa", "Xã"
    WARD = "phuong", "Phường"
    TOWNSHIP = "thi_tran", "Thị trấn"
    SPECIAL_ZONE = "dac_khu", "Đặc khu"


class Commune(Dated, Searchable, Base):
    __tablename__ = "communes"
    __label__ = "Xã, phường"
    __keys__: ClassVar = (("code", "valid_from"),)
    __search__ = ("name", "code", "district.name")
    __hint__ = ("district.name", "province.name", "valid_to")

    code: Mapped[str] = mapped_column(
        String(5), info=field("Mã xã", hint="5 chữ số", aliases=("Mã PX", "Mã phường/xã", "Mã"))
    )
    name: Mapped[str] = mapped_column(
        Tidy(120),
        info=field(
            "Tên xã, phường",
            hint="đúng như danh mục",
            aliases=("Phường Xã", "Tên xã", "Tên", "Xã", "Xã/phường/thị trấn", "Xã/thị trấn"),
        ),
    )
    kind: Mapped[CommuneKind] = mapped_column(choice(CommuneKind), info=field("Loại", aliases=("Cấp", "Loại xã")))
    province_id: Mapped[int] = mapped_column(ForeignKey("provinces.id"), info=field("Tỉnh, thành phố"))
    district_id: Mapped[int | None] = mapped_column(ForeignKey("districts.id"), info=field("Huyện"))
    province: Mapped[Province] = relationship(info=field("Tỉnh, thành phố"))
    district: Mapped[District | None] = relationship(info=field("Huyện", hint="chỉ đơn vị trước 01/07/2025 có huyện"))

    __table_args__ = (
        UniqueConstraint("code", "valid_from"),
        period(),
        *list_indexes("communes")[:2],
    )

    def faults(self) -> Iterable[tuple[str, str]]:
        yield from super().faults()
        if self.code and (flaw := code_flaw(self.code, 5)):
            yield "code", flaw

    @classmethod
    def within(cls: type[Self], area: Area) -> ColumnElement[bool]:
        place = in_places(area, cls.province_id, cls.id)
        return or_(place, cls.id.in_(sorted(area.heirs))) if area.heirs else place


class SuccessionKind(LabelledEnum):
    """How one unit went into another; what went in wholly has nothing left elsewhere."""

    UNCHANGED = "giu_nguyen", "Giữ nguyên"
    RENAMED = "doi_ten", "Đổi tên"
    RETYPED = "doi_loai", "Đổi loại"
    WHOLE = "nhap_toan_bo", "Nhập toàn bộ"
    PART = "nhap_mot_phan", "Nhập một phần"

    @property
    def is_whole(self) -> bool:
        return self is not SuccessionKind.PART

    @property
    def keeps_the_unit(self) -> bool:
        """Whether the new unit is the old one, with another name or kind."""
        return self not in (SuccessionKind.WHOLE, SuccessionKind.PART)


class CommuneSuccession(Everywhere, Base):
    """Which unit took over which, wholly or in part; many to many."""

    __tablename__ = "commune_successions"
    __label__ = "Chuyển đổi xã, phường"
    __title__ = "id"
    __keys__: ClassVar = (("old", "new"),)
    __search__ = ("legal_basis",)
    __hint__ = ("old.name", "new.name")
    __titles__: ClassVar = {
        "old.code": ("Mã xã cũ", "Mã cũ"),
        "old.name": ("Tên xã cũ", "Xã, phường cũ", "Tên cũ"),
        "new.code": ("Mã xã mới", "Mã mới"),
        "new.name": ("Tên xã mới", "Xã, phường mới", "Tên mới"),
    }
    __table_args__ = (UniqueConstraint("old_id", "new_id"),)

    old_id: Mapped[int] = mapped_column(ForeignKey("communes.id"), info=field("Xã, phường cũ"))
    new_id: Mapped[int] = mapped_column(ForeignKey("communes.id"), index=True, info=field("Xã, phường mới"))
    kind: Mapped[SuccessionKind] = mapped_column(
        choice(SuccessionKind),
        info=field("Cách chuyển", aliases=("Hình thức chuyển", "Hình thức", "Hình thức sắp xếp")),
    )
    legal_basis: Mapped[str] = mapped_column(Tidy(255), default="", info=field("Căn cứ pháp lý"))
    old: Mapped[Commune] = relationship(foreign_keys=[old_id], info=field("Xã, phường cũ"))
    new: Mapped[Commune] = relationship(foreign_keys=[new_id], info=field("Xã, phường mới"))
