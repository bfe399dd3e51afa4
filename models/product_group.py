"""Nhóm sản phẩm: the tree Ngành – Nhóm – Phân nhóm, one version a decision."""

from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Everywhere, LabelledEnum, Searchable, Tidy, choice, field


class GroupLevel(LabelledEnum):
    SECTOR = "nganh", "Ngành"
    GROUP = "nhom", "Nhóm"
    SUBGROUP = "phan_nhom", "Phân nhóm"


class ProductGroup(Everywhere, Searchable, Base):
    """criteria_set_number: the official set by which products of this leaf are scored; empty above the leaves."""

    __tablename__ = "product_groups"
    __label__ = "Nhóm sản phẩm"
    __keys__: ClassVar = (("code", "decision"), ("name", "decision"))
    __search__ = ("name", "code")
    __hint__ = ("parent.name", "decision")
    __table_args__ = (
        UniqueConstraint("decision", "code"),
        Index("ix_product_groups_sort_key_id", "sort_key", "id"),
    )

    decision: Mapped[str] = mapped_column(Tidy(40), info=field("Theo quyết định"))
    code: Mapped[str] = mapped_column(String(20), info=field("Ký hiệu"))
    name: Mapped[str] = mapped_column(Tidy(255), info=field("Tên nhóm"))
    level: Mapped[GroupLevel] = mapped_column(choice(GroupLevel), info=field("Cấp"))
    managing_bodies: Mapped[str] = mapped_column(Tidy(255), default="", info=field("Cơ quan quản lý"))
    criteria_set_number: Mapped[int | None] = mapped_column(info=field("Bộ tiêu chí số"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("product_groups.id"), index=True, info=field("Thuộc nhóm"))
    parent: Mapped["ProductGroup | None"] = relationship(
        remote_side="ProductGroup.id", info=field("Thuộc nhóm", hint="để trống với ngành")
    )
