"""Bộ tiêu chí: one official score sheet of a decision, as a tree of any depth; immutable once used."""

from decimal import Decimal
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Everywhere, LabelledEnum, Searchable, Tidy, TidyText, choice, field
from models.province import Dated, period


class CriterionKind(LabelledEnum):
    PART = "part", "Phần"
    SECTION = "section", "Mục"
    CRITERION = "criterion", "Tiêu chí"


class ChoiceKind(LabelledEnum):
    ONE = "one", "Một lựa chọn"
    YES_NO = "yes_no", "Có hoặc không"
    TWO_CASES = "two_cases", "Hai trường hợp"


class CriteriaSet(Everywhere, Dated, Searchable, Base):
    __tablename__ = "criteria_sets"
    __label__ = "Bộ tiêu chí"
    __keys__: ClassVar = (("number", "decision"),)
    __search__ = ("name", "decision")
    __hint__ = ("decision",)
    __table_args__ = (UniqueConstraint("decision", "number"), period())

    number: Mapped[int] = mapped_column(info=field("Bộ số"))
    name: Mapped[str] = mapped_column(Tidy(255), info=field("Tên bộ tiêu chí"))
    decision: Mapped[str] = mapped_column(Tidy(40), info=field("Theo quyết định"))
    max_points: Mapped[Decimal] = mapped_column(info=field("Điểm tối đa"))
    criteria: Mapped[list["Criterion"]] = relationship(
        back_populates="criteria_set",
        order_by="Criterion.position",
        passive_deletes="all",
        info=field("Tiêu chí", managed=True),
    )


class Criterion(Everywhere, Base):
    __tablename__ = "criteria"
    __label__ = "Tiêu chí"
    __screen__ = None  # shown as the tree on its criteria set
    __keys__: ClassVar = (("criteria_set", "code"),)
    __table_args__ = (
        UniqueConstraint("criteria_set_id", "code"),
        CheckConstraint("part IN ('A', 'B', 'C')", name="part"),
    )

    criteria_set_id: Mapped[int] = mapped_column(ForeignKey("criteria_sets.id"), info=field("Bộ tiêu chí"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("criteria.id"), index=True, info=field("Thuộc mục"))
    position: Mapped[int] = mapped_column(info=field("Thứ tự"))
    part: Mapped[str] = mapped_column(String(1), info=field("Phần"))
    code: Mapped[str] = mapped_column(String(20), info=field("Mã tiêu chí"))
    name: Mapped[str] = mapped_column(Tidy(255), info=field("Tên tiêu chí"))
    kind: Mapped[CriterionKind] = mapped_column(choice(CriterionKind), info=field("Cấp"))
    max_points: Mapped[Decimal] = mapped_column(info=field("Điểm tối đa"))
    choice_kind: Mapped[ChoiceKind] = mapped_column(choice(ChoiceKind), default=ChoiceKind.ONE, info=field("Kiểu chọn"))
    condition: Mapped[str] = mapped_column(TidyText(), default="", info=field("Điều kiện áp dụng", long=True))

    criteria_set: Mapped[CriteriaSet] = relationship(back_populates="criteria", info=field("Bộ tiêu chí"))
    parent: Mapped["Criterion | None"] = relationship(remote_side="Criterion.id", info=field("Thuộc mục"))
    options: Mapped[list["CriterionOption"]] = relationship(
        back_populates="criterion",
        order_by="CriterionOption.position",
        passive_deletes="all",
        info=field("Lựa chọn", managed=True),
    )


class CriterionOption(Everywhere, Base):
    """min_star: this option is the least that the star class asks for; empty when it asks for nothing."""

    __tablename__ = "criterion_options"
    __label__ = "Lựa chọn"
    __title__ = "text"
    __screen__ = None  # shown with its criterion
    __keys__: ClassVar = (("criterion", "position"),)
    __table_args__ = (
        UniqueConstraint("criterion_id", "position"),
        CheckConstraint("min_star IS NULL OR min_star BETWEEN 1 AND 5", name="min_star"),
    )

    criterion_id: Mapped[int] = mapped_column(ForeignKey("criteria.id"), info=field("Tiêu chí"))
    position: Mapped[int] = mapped_column(info=field("Thứ tự"))
    points: Mapped[Decimal] = mapped_column(info=field("Điểm"))
    min_star: Mapped[int | None] = mapped_column(info=field("Sao tối thiểu"))
    text: Mapped[str] = mapped_column(TidyText(), info=field("Lựa chọn"))
    criterion: Mapped[Criterion] = relationship(back_populates="options", info=field("Tiêu chí"))
