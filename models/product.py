"""Sản phẩm."""

from typing import ClassVar

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, LabelledEnum, Placed, Searchable, Tidy, TidyText, choice, field, list_indexes
from models.commune import Commune
from models.entity import Entity
from models.product_group import ProductGroup


class ProductStatus(LabelledEnum):
    ACTIVE = "active", "Đang sản xuất"
    PAUSED = "paused", "Tạm ngừng"
    STOPPED = "stopped", "Ngừng sản xuất"


class Product(Placed, Searchable, Base):
    __tablename__ = "products"
    __label__ = "Sản phẩm"
    __keys__: ClassVar = (("name", "entity"),)
    __search__ = ("name", "entity.name", "code")
    __hint__ = ("entity.name",)
    __guesses__: ClassVar = {"commune_id": "entity.commune_id"}

    name: Mapped[str] = mapped_column(
        Tidy(255),
        info=field(
            "Tên sản phẩm", hint="đúng như ghi trên nhãn", aliases=("Sản phẩm", "Tên sản phẩm OCOP", "Tên mặt hàng")
        ),
    )
    entity_id: Mapped[int] = mapped_column(ForeignKey("entities.id"), info=field("Chủ thể"))
    commune_id: Mapped[int] = mapped_column(ForeignKey("communes.id"), info=field("Nơi sản xuất"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("product_groups.id"), info=field("Nhóm sản phẩm"))
    code: Mapped[str] = mapped_column(
        Tidy(40), default="", info=field("Mã số sản phẩm", hint="như in trên giấy chứng nhận")
    )
    packaging: Mapped[str] = mapped_column(
        Tidy(255), default="", info=field("Quy cách đóng gói", aliases=("Quy cách", "Đóng gói"))
    )
    standard: Mapped[str] = mapped_column(
        Tidy(255), default="", info=field("Tiêu chuẩn công bố", aliases=("Tiêu chuẩn",))
    )
    status: Mapped[ProductStatus] = mapped_column(
        choice(ProductStatus), default=ProductStatus.ACTIVE, info=field("Tình trạng")
    )
    description: Mapped[str] = mapped_column(TidyText(), default="", info=field("Mô tả", long=True))

    entity: Mapped[Entity] = relationship(info=field("Chủ thể", hint="gõ tên hoặc mã số thuế"))
    commune: Mapped[Commune] = relationship(
        foreign_keys=[commune_id], info=field("Nơi sản xuất", hint="xã, phường", places=True)
    )
    group: Mapped[ProductGroup | None] = relationship(
        info=field(
            "Nhóm sản phẩm",
            hint="theo Phụ lục I, Quyết định 26/2026/QĐ-TTg",
            aliases=("Nhóm", "Phân nhóm", "Phân nhóm sản phẩm", "Nhóm/phân nhóm", "Ngành hàng", "Nhóm ngành hàng"),
        )
    )

    __table_args__ = (
        *list_indexes("products"),
        Index("ix_products_entity_id_name", "entity_id", "name"),
        Index("ix_products_group_id", "group_id"),
    )
