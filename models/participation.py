"""Tham gia chu trình: one product in one cycle, its step and state, and every move it made."""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import (
    Base,
    LabelledEnum,
    Placed,
    Searchable,
    Tidy,
    TidyText,
    choice,
    field,
    list_indexes,
    now,
)
from models.cycle import Cycle, CycleStep
from models.product import Product


class ParticipationState(LabelledEnum):
    """State inside the current step. Source: DOMAIN §1.3."""

    NOT_SUBMITTED = "not_submitted", "Chưa nộp"
    SUBMITTED = "submitted", "Chờ kiểm tra"
    RETURNED = "returned", "Bị trả lại"
    VALID = "valid", "Hợp lệ"
    FORWARDED = "forwarded", "Đã chuyển cấp trên"
    SELECTED = "selected", "Được chọn"
    NOT_SELECTED = "not_selected", "Không được chọn"
    IN_PROGRESS = "in_progress", "Đang làm"
    DONE = "done", "Đã xong"
    WITHDRAWN = "withdrawn", "Đã rút"


class Participation(Placed, Searchable, Base):
    __tablename__ = "participations"
    __label__ = "Tham gia chu trình"
    __title__ = "product"
    __keys__: ClassVar = (("product", "cycle"),)
    __search__ = ("product.name",)

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), info=field("Sản phẩm"))
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycles.id"), info=field("Chu trình"))
    step_id: Mapped[int] = mapped_column(ForeignKey("cycle_steps.id"), info=field("Bước", managed=True))
    state: Mapped[ParticipationState] = mapped_column(
        choice(ParticipationState),
        default=ParticipationState.NOT_SUBMITTED,
        info=field("Trạng thái", managed=True),
    )
    entered_on: Mapped[date] = mapped_column(info=field("Vào bước ngày", managed=True))
    returns: Mapped[int] = mapped_column(default=0, info=field("Số lần trả lại", managed=True))

    product: Mapped[Product] = relationship(info=field("Sản phẩm", places=True))
    cycle: Mapped[Cycle] = relationship(info=field("Chu trình"))
    step: Mapped[CycleStep] = relationship(info=field("Bước", managed=True))
    records: Mapped[list["StepRecord"]] = relationship(
        back_populates="participation",
        order_by="StepRecord.id",
        passive_deletes="all",
        info=field("Các lần chuyển bước", managed=True),
    )

    __table_args__ = (
        UniqueConstraint("product_id", "cycle_id"),
        *list_indexes("participations"),
        Index("ix_participations_cycle_id_step_id_state", "cycle_id", "step_id", "state"),
    )


class Move(LabelledEnum):
    ENTER = "enter", "Bắt đầu"
    ADVANCE = "advance", "Chuyển bước"
    SEND_BACK = "send_back", "Trả lại"
    HAND_IN = "hand_in", "Nộp"
    RESUBMIT = "resubmit", "Nộp lại"
    WITHDRAW = "withdraw", "Rút khỏi chu trình"
    REJOIN = "rejoin", "Đưa lại vào chu trình"
    STEP_BACK = "step_back", "Lùi bước"


class StepRecord(Placed, Base):
    """One move of one participation; append-only."""

    __tablename__ = "step_records"
    __label__ = "Lần chuyển bước"
    __title__ = "move"
    __screen__ = None  # shown on the product's record
    __keys__: ClassVar = (("participation", "moved_at"),)

    participation_id: Mapped[int] = mapped_column(
        ForeignKey("participations.id"), index=True, info=field("Tham gia chu trình")
    )
    move: Mapped[Move] = mapped_column(choice(Move), info=field("Việc"))
    from_step_id: Mapped[int | None] = mapped_column(ForeignKey("cycle_steps.id"), info=field("Từ bước"))
    to_step_id: Mapped[int] = mapped_column(ForeignKey("cycle_steps.id"), info=field("Sang bước"))
    moved_at: Mapped[datetime] = mapped_column(default=now, info=field("Lúc"))
    moved_by: Mapped[str] = mapped_column(Tidy(120), info=field("Người thực hiện"))
    note: Mapped[str] = mapped_column(TidyText(), default="", info=field("Ghi chú", long=True))
    reason: Mapped[str] = mapped_column(TidyText(), default="", info=field("Lý do", long=True))

    participation: Mapped[Participation] = relationship(
        back_populates="records", info=field("Tham gia chu trình", places=True)
    )
    from_step: Mapped[CycleStep | None] = relationship(foreign_keys=[from_step_id], info=field("Từ bước"))
    to_step: Mapped[CycleStep] = relationship(foreign_keys=[to_step_id], info=field("Sang bước"))
