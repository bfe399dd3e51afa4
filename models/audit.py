"""Nhật ký: who changed what, when, from what to what; append-only."""

from datetime import datetime
from typing import Any, ClassVar, Self

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, or_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Area, Base, LabelledEnum, choice, field, in_places
from models.user import User


class AuditAction(LabelledEnum):
    CREATE = "create", "Thêm"
    UPDATE = "update", "Sửa"
    DELETE = "delete", "Xóa"


class AuditEntry(Base):
    """One row changed by one flush; written by the Session in the same transaction, never by hand.

    transaction: the same for all entries of one transaction. batch_id: the import batch, if any.
    changes: {attribute: [old, new]} as JSON values; a link is {attribute: [old id, new id, old name, new name]}.
    previous_hash, hash: the chain, sealed by the work on the trail.
    """

    __tablename__ = "audit_entries"
    __label__ = "Nhật ký"
    __title__ = "row_label"
    __screen__ = "audit"
    __keys__: ClassVar = (("id",),)
    __audited__ = False  # it is the trail

    at: Mapped[datetime] = mapped_column(info=field("Lúc", managed=True))
    transaction: Mapped[str] = mapped_column(String(32), info=field("Giao dịch", managed=True))
    batch_id: Mapped[int | None] = mapped_column(
        ForeignKey("import_batches.id"), index=True, info=field("Đợt nhập", managed=True)
    )
    request_number: Mapped[str] = mapped_column(String(12), default="", info=field("Mã yêu cầu", managed=True))
    actor: Mapped[str] = mapped_column(String(180), info=field("Người thực hiện", managed=True))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), info=field("Tài khoản", managed=True))
    verb: Mapped[str] = mapped_column(String(60), default="", info=field("Việc", managed=True))
    action: Mapped[AuditAction] = mapped_column(choice(AuditAction), info=field("Thay đổi", managed=True))
    model: Mapped[str] = mapped_column(String(60), info=field("Loại dữ liệu", managed=True))
    row_id: Mapped[int] = mapped_column(info=field("Số dòng", managed=True))
    row_label: Mapped[str] = mapped_column(String(255), info=field("Bản ghi", managed=True))
    province_id: Mapped[int | None] = mapped_column(info=field("Tỉnh, thành phố", managed=True))
    commune_id: Mapped[int | None] = mapped_column(info=field("Xã, phường", managed=True))
    changes: Mapped[dict[str, Any]] = mapped_column(JSON, info=field("Nội dung", managed=True))
    previous_hash: Mapped[str | None] = mapped_column(String(64), info=field("Mã nối trước", managed=True))
    hash: Mapped[str | None] = mapped_column(String(64), info=field("Mã nối", managed=True))
    user: Mapped[User | None] = relationship(info=field("Tài khoản", managed=True))

    __table_args__ = (
        Index("ix_audit_entries_model_row_id_id", "model", "row_id", "id"),
        Index("ix_audit_entries_province_id_id", "province_id", "id"),
        Index("ix_audit_entries_commune_id_id", "commune_id", "id"),
        Index("ix_audit_entries_user_id_id", "user_id", "id"),
    )

    @classmethod
    def within(cls: type[Self], area: Area) -> ColumnElement[bool]:
        """Entries of rows that lie in the area, and of reference data, which lies nowhere."""
        placeless = cls.province_id.is_(None) & cls.commune_id.is_(None)
        return or_(placeless, in_places(area, cls.province_id, cls.commune_id))
