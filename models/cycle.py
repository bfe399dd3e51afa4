"""Chu trình: one year of the programme in one province, and the eight steps every cycle goes through."""

import re
from collections.abc import Iterable
from datetime import date
from typing import ClassVar, Self

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Area, Base, Everywhere, LabelledEnum, Searchable, Tidy, TidyText, choice, field
from models.province import Dated, Province, period
from models.rules.text import fold
from models.rules.words import day

# The programme began in 2018 (DOMAIN §1); the other bound catches a slip of the hand.
FIRST_YEAR, LAST_YEAR = 2018, 2100


_ONLY_YEAR = re.compile(r"(?:(?:chu trinh|chuong trinh|ocop|nam) )*(20\d\d)")


def only_year(text: str) -> str:
    """The year of “2026”, “Năm 2026”, “Chu trình OCOP năm 2026”; "" where a text says anything else."""
    found = _ONLY_YEAR.fullmatch(fold(text))
    return found[1] if found else ""


class StepCode(LabelledEnum):
    """What rules are keyed by. Source: DOMAIN §1.1, plan approved by Decision 2882/QĐ-UBND of 28/12/2018, Bến Tre."""

    OUTREACH = "outreach", "Tuyên truyền, hướng dẫn"
    IDEA = "idea", "Nhận đăng ký ý tưởng sản phẩm"
    PLAN_TRAINING = "plan_training", "Tập huấn xây dựng kế hoạch kinh doanh"
    PLAN = "plan", "Nhận kế hoạch kinh doanh"
    DELIVERY_TRAINING = "delivery_training", "Tập huấn phương pháp triển khai kế hoạch kinh doanh"
    DELIVERY = "delivery", "Triển khai phương án sản xuất kinh doanh"
    RATING = "rating", "Đánh giá và xếp hạng sản phẩm"
    PROMOTION = "promotion", "Xúc tiến thương mại"


class StepKind(LabelledEnum):
    GATHERING = "gathering", "Việc chung"
    PRODUCT = "product", "Từng sản phẩm"


class ReceivingLevel(LabelledEnum):
    """Who receives what a step hands in; it changed when districts ended on 01/07/2025 (DOMAIN §1.6)."""

    COMMUNE = "commune", "Cấp xã"
    DISTRICT = "district", "Cấp huyện"
    PROVINCE = "province", "Cấp tỉnh"


class Cycle(Searchable, Base):
    """Open from `opened_on` until `closed_on`; nothing moves in a closed year."""

    __tablename__ = "cycles"
    __label__ = "Chu trình"
    __keys__: ClassVar = (("year", "province"),)
    __search__ = ("name", "plan_number")
    __hint__ = ("province.name",)
    __table_args__ = (
        UniqueConstraint("year", "province_id"),
        CheckConstraint(f"year BETWEEN {FIRST_YEAR} AND {LAST_YEAR}", name="year"),
        CheckConstraint("closed_on IS NULL OR closed_on >= opened_on", name="period"),
    )

    name: Mapped[str] = mapped_column(Tidy(120), info=field("Tên chu trình", hint="ví dụ: Chu trình OCOP năm 2026"))
    year: Mapped[int] = mapped_column(info=field("Năm"))
    province_id: Mapped[int] = mapped_column(ForeignKey("provinces.id"), index=True, info=field("Tỉnh, thành phố"))
    plan_number: Mapped[str] = mapped_column(Tidy(60), default="", info=field("Số kế hoạch"))
    opened_on: Mapped[date] = mapped_column(info=field("Ngày mở"))
    closed_on: Mapped[date | None] = mapped_column(info=field("Ngày đóng", hint="để trống khi đang mở"))
    note: Mapped[str] = mapped_column(TidyText(), default="", info=field("Ghi chú", long=True))
    province: Mapped[Province] = relationship(info=field("Tỉnh, thành phố"))

    def faults(self) -> Iterable[tuple[str, str]]:
        if self.year is not None and not FIRST_YEAR <= self.year <= LAST_YEAR:
            yield "year", f"Năm của chu trình phải từ {FIRST_YEAR} đến {LAST_YEAR}."
        if self.closed_on is not None and self.opened_on is not None and self.closed_on < self.opened_on:
            yield "closed_on", f"Ngày đóng phải từ {day(self.opened_on)} trở đi."

    @classmethod
    def within(cls: type[Self], area: Area) -> ColumnElement[bool]:
        """A cycle is decided for a province and concerns everyone in it."""
        return true() if area.everything else cls.province_id.in_(sorted(area.around))


class CycleStep(Everywhere, Dated, Searchable, Base):
    """One of the eight steps, as it runs in a period."""

    __tablename__ = "cycle_steps"
    __label__ = "Bước chu trình"
    __keys__: ClassVar = (("number", "valid_from"),)
    __search__ = ("name",)
    __table_args__ = (
        UniqueConstraint("number", "valid_from"),
        CheckConstraint("number BETWEEN 1 AND 20", name="number"),
        period(),
    )

    number: Mapped[int] = mapped_column(info=field("Bước"))
    code: Mapped[StepCode] = mapped_column(choice(StepCode), info=field("Ký hiệu"))
    name: Mapped[str] = mapped_column(Tidy(120), info=field("Tên bước"))
    short_name: Mapped[str] = mapped_column(Tidy(40), info=field("Tên ngắn"))
    kind: Mapped[StepKind] = mapped_column(choice(StepKind), info=field("Cách làm"))
    actor: Mapped[str] = mapped_column(Tidy(255), default="", info=field("Ai làm"))
    handed_in: Mapped[str] = mapped_column(Tidy(255), default="", info=field("Giấy tờ nộp"))
    may_be_returned: Mapped[bool] = mapped_column(default=False, info=field("Có thể trả lại"))
    receiving_level: Mapped[ReceivingLevel] = mapped_column(choice(ReceivingLevel), info=field("Cấp tiếp nhận"))
    working_days: Mapped[int | None] = mapped_column(info=field("Số ngày làm việc", hint="để trống khi không quy định"))
