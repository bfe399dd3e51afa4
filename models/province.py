"""Tỉnh, thành phố trực thuộc trung ương."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, String, UniqueConstraint, and_, or_
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Everywhere, LabelledEnum, Searchable, Tidy, choice, field
from models.rules.places import code_flaw
from models.rules.words import day


class Dated:
    """A unit in force over a period; codes are reused, so only code and first day together name one.

    valid_to: last day in force, empty while it is.
    Source: DOMAIN §7.3; 20 of the 48 codes of former Bến Tre name another place since 01/07/2025.
    """

    valid_from: Mapped[date] = mapped_column(info=field("Hiệu lực từ ngày"))
    valid_to: Mapped[date | None] = mapped_column(info=field("Đến hết ngày", hint="để trống khi còn hiệu lực"))
    legal_basis: Mapped[str] = mapped_column(Tidy(255), default="", info=field("Căn cứ pháp lý"))

    def in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @classmethod
    def on(cls, day: date) -> ColumnElement[bool]:
        """The same in SQL."""
        return and_(cls.valid_from <= day, cls.lasts(day))

    @classmethod
    def lasts(cls, day: date) -> ColumnElement[bool]:
        """Whether it is in force on a day, or begins later."""
        return or_(cls.valid_to.is_(None), cls.valid_to >= day)

    def faults(self) -> Iterable[tuple[str, str]]:
        if self.valid_to is not None and self.valid_from is not None and self.valid_to < self.valid_from:
            yield "valid_to", f"Ngày kết thúc phải từ {day(self.valid_from)} trở đi."


def period() -> CheckConstraint:
    return CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="period")


class ProvinceKind(LabelledEnum):
    PROVINCE = "tinh", "Tỉnh"
    CITY = "thanh_pho", "Thành phố"


class Province(Everywhere, Dated, Searchable, Base):
    __tablename__ = "provinces"
    __label__ = "Tỉnh, thành phố"
    __keys__: ClassVar = (("code", "valid_from"),)
    __search__ = ("name", "code")
    __hint__ = ("valid_to",)
    __table_args__ = (UniqueConstraint("code", "valid_from"), period())

    code: Mapped[str] = mapped_column(String(2), info=field("Mã tỉnh", aliases=("Mã TP", "Mã tỉnh/TP")))
    name: Mapped[str] = mapped_column(
        Tidy(120),
        info=field("Tên tỉnh, thành phố", aliases=("Tỉnh Thành Phố", "Tỉnh / Thành Phố", "Tên tỉnh", "Tỉnh")),
    )
    kind: Mapped[ProvinceKind] = mapped_column(choice(ProvinceKind), info=field("Loại"))

    def faults(self) -> Iterable[tuple[str, str]]:
        yield from super().faults()
        if self.code and (flaw := code_flaw(self.code, 2)):
            yield "code", flaw
