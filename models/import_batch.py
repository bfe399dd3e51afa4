"""Đợt nhập: one file, what the plan said of each row, and what was written."""

from datetime import date, datetime
from typing import Any, ClassVar, Self

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Area, Base, LabelledEnum, Tidy, choice, field
from models.user import User


class BatchState(LabelledEnum):
    READING = "reading", "Đang đọc"
    PLANNED = "planned", "Chờ xác nhận"
    APPLIED = "applied", "Đã nhập"
    DROPPED = "dropped", "Đã bỏ"
    UNDONE = "undone", "Đã hoàn tác"


class RowAction(LabelledEnum):
    NEW = "new", "Mới"
    CHANGED = "changed", "Thay đổi"
    SAME = "same", "Không đổi"
    REFUSED = "refused", "Bị từ chối"
    SKIPPED = "skipped", "Bỏ qua"


class Owned:
    """A row that only the account that made it sees, besides those who see everything."""

    @classmethod
    def within(cls, area: Area) -> ColumnElement[bool]:
        return true() if area.everything else cls.user_id == area.user_id  # type: ignore[attr-defined]  # column of the model


class Sender(Owned, Base):
    """Who sends workbooks, and what was settled about them before.

    layouts: {identity: {"sheet": title, "labels": column titles, "mapping": {title: path, or "" to leave out}}}.
    aliases: {identity of the linked model: {folded value: id of the row it means}}.
    """

    __tablename__ = "senders"
    __label__ = "Nơi gửi"
    __screen__ = None  # chosen when a file is uploaded
    __keys__: ClassVar = (("name", "user_id"),)
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    name: Mapped[str] = mapped_column(Tidy(120), info=field("Nơi gửi", hint="ví dụ xã An Thạnh"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), info=field("Tài khoản", managed=True))
    layouts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, info=field("Cách đọc tệp", managed=True))
    aliases: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, info=field("Tên gọi khác", managed=True))


class ImportBatch(Owned, Base):
    """number: given when it is applied, 1, 2, 3 … without gaps; a plan has none.

    options: {"columns": titles of the file, "province": code, "mapping": {title: path}, "links": {path: {folded
    value: id, "create" or "skip"}}, "clears": whether blank cells clear, "mapped": [[title, path, reason]], "unfound":
    values asked about, "likely": [[line, name, name there]], "also_words": sentences, "file_notes": notes of the
    reading, "samples": some cells of each column, "unclear": {"sentence": what is missing, "sides": {path: places of
    columns that could be it}} while its columns are still to be chosen, "undone": counts,
    "stayed": {action, and "gone": lines whose rows an undo left}}.

    counts: {"new": …, "changed": …, "same": …, "refused": …, "skipped": …} of rows of the model asked for;
    also: {identity: counts} of parents made with it. notes: sentences about the file as a whole.
    """

    __tablename__ = "import_batches"
    __label__ = "Đợt nhập"
    __title__ = "file_name"
    __keys__: ClassVar = (("number",),)

    number: Mapped[int | None] = mapped_column(unique=True, info=field("Đợt số", managed=True))
    screen: Mapped[str] = mapped_column(String(40), info=field("Loại dữ liệu", managed=True))
    state: Mapped[BatchState] = mapped_column(choice(BatchState), info=field("Tình trạng", managed=True))
    file_name: Mapped[str] = mapped_column(Tidy(255), info=field("Tên tệp", managed=True))
    file_hash: Mapped[str] = mapped_column(String(64), index=True, info=field("SHA-256 của tệp", managed=True))
    file_size: Mapped[int] = mapped_column(info=field("Cỡ tệp (byte)", managed=True))
    sheet: Mapped[str] = mapped_column(String(120), default="", info=field("Trang tính", managed=True))
    as_of: Mapped[date] = mapped_column(info=field("Danh mục tại ngày", managed=True))
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, info=field("Lựa chọn", managed=True))
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, info=field("Số dòng", managed=True))
    also: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, info=field("Cùng tạo", managed=True))
    notes: Mapped[list[Any]] = mapped_column(JSON, default=list, info=field("Lưu ý", managed=True))
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), index=True, info=field("Tài khoản", managed=True)
    )
    made_by: Mapped[str] = mapped_column(String(180), info=field("Người nhập", managed=True))
    applied_at: Mapped[datetime | None] = mapped_column(info=field("Nhập lúc", managed=True))
    undone_at: Mapped[datetime | None] = mapped_column(info=field("Hoàn tác lúc", managed=True))
    undone_by: Mapped[str] = mapped_column(String(180), default="", info=field("Người hoàn tác", managed=True))
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("senders.id"), info=field("Nơi gửi", managed=True))
    user: Mapped[User | None] = relationship(info=field("Tài khoản", managed=True))
    sender: Mapped[Sender | None] = relationship(info=field("Nơi gửi", managed=True))

    @property
    def is_move(self) -> bool:
        """Whether it is of Chuyển đơn vị: moved records came from no file."""
        return not self.file_hash


class ImportRow(Owned, Base):
    """line: as Excel counts it. raw: cells as they stood in the file. parsed: {attribute: value} after reading.

    changes: {attribute: [old, new]} as a clerk reads them. before, after: columns of the row written, for undo.
    problems: [[column label, sentence]].
    """

    __tablename__ = "import_rows"
    __label__ = "Dòng nhập"
    __title__ = "line"
    __screen__ = None  # shown on its batch
    __keys__: ClassVar = (("batch_id", "line"),)
    __audited__ = False  # the batch and the rows written by it are in the trail
    __table_args__ = (
        UniqueConstraint("batch_id", "line"),
        Index("ix_import_rows_batch_id_action_line", "batch_id", "action", "line"),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batches.id"), info=field("Đợt nhập"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), info=field("Tài khoản"))
    line: Mapped[int] = mapped_column(info=field("Dòng"))
    label: Mapped[str] = mapped_column(String(255), default="", info=field("Bản ghi"))
    action: Mapped[RowAction] = mapped_column(choice(RowAction), info=field("Kết quả"))
    raw: Mapped[list[Any]] = mapped_column(JSON, default=list, info=field("Trong tệp"))
    parsed: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, info=field("Đã đọc"))
    changes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, info=field("Thay đổi"))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON, info=field("Trước"))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON, info=field("Sau"))
    problems: Mapped[list[Any]] = mapped_column(JSON, default=list, info=field("Lý do"))
    row_id: Mapped[int | None] = mapped_column(info=field("Số dòng đã ghi"))
    batch: Mapped[ImportBatch] = relationship(info=field("Đợt nhập"))

    @classmethod
    def within(cls: type[Self], area: Area) -> ColumnElement[bool]:
        return true() if area.everything else cls.user_id == area.user_id
