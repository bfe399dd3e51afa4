"""Việc đang chạy: long work on a batch, kept in the database until it is done."""

from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, LabelledEnum, TidyText, choice, field
from models.import_batch import ImportBatch, Owned


class JobTask(LabelledEnum):
    READ = "read", "Đọc và xem trước"
    REPLAN = "replan", "Xem trước lại"
    APPLY = "apply", "Nhập"
    UNDO = "undo", "Hoàn tác"


class Job(Owned, Base):
    """One task of a batch: waiting or running while its row is there; the transaction that does it deletes the row.

    arguments: what the task is asked with. tries: how often it was begun.
    refusal: why it ended without writing anything, as a sentence; empty while it may still be done.
    """

    __tablename__ = "jobs"
    __label__ = "Việc đang chạy"
    __title__ = "task"
    __screen__ = None  # shown on its batch
    __keys__: ClassVar = (("batch_id",),)
    __audited__ = False  # the batch and the rows written by it are in the trail
    __table_args__ = (UniqueConstraint("batch_id"),)

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batches.id"), info=field("Đợt nhập"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), info=field("Tài khoản"))
    task: Mapped[JobTask] = mapped_column(choice(JobTask), info=field("Việc"))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, info=field("Lựa chọn"))
    tries: Mapped[int] = mapped_column(default=0, info=field("Số lần bắt đầu"))
    refusal: Mapped[str] = mapped_column(TidyText(), default="", info=field("Lý do không xong"))
    batch: Mapped[ImportBatch] = relationship(info=field("Đợt nhập"))
