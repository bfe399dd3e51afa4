"""Kết quả đánh giá, phân hạng: the mean of the council, the star by points, the star awarded."""

from datetime import date
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, and_, exists, or_
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from models.base import Base, LabelledEnum, Placed, Searchable, Tidy, TidyText, choice, field, list_indexes
from models.criteria_set import CriteriaSet
from models.participation import Participation
from models.product import Product


class Regime(LabelledEnum):
    """Which decision a result was made under; a result is judged by the law of its day. Source: DOMAIN §1.5."""

    QD1048 = "qd1048", "Quyết định 1048/QĐ-TTg"
    QD148 = "qd148", "Quyết định 148/QĐ-TTg"
    QD1489 = "qd1489", "Quyết định 148/QĐ-TTg, sửa theo 1489/QĐ-TTg"
    QD26_2026 = "qd26_2026", "Quyết định 26/2026/QĐ-TTg"


class Rating(Placed, Searchable, Base):
    """stars_by_points: class of the exact mean; stars: awarded, never higher, lower only with a reason.

    Of results of the past often only the stars are known: then mean_points and stars_by_points are empty.
    potential_five: at least 90 points at the province, not yet decided by the ministry; a status, never a star.
    """

    __tablename__ = "ratings"
    __label__ = "Kết quả đánh giá"
    __title__ = "product"
    __keys__: ClassVar = (("product", "decided_on"),)
    __search__ = ("product.name", "decision_number")

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), info=field("Sản phẩm"))
    participation_id: Mapped[int | None] = mapped_column(
        ForeignKey("participations.id"), index=True, info=field("Tham gia chu trình", managed=True)
    )
    criteria_set_id: Mapped[int | None] = mapped_column(ForeignKey("criteria_sets.id"), info=field("Bộ tiêu chí"))
    regime: Mapped[Regime] = mapped_column(choice(Regime), info=field("Theo quy định", managed=True))
    mean_points: Mapped[Decimal | None] = mapped_column(
        info=field(
            "Điểm trung bình",
            hint="0 đến 100, không làm tròn; để trống nếu chỉ biết hạng sao",
            aliases=("Điểm TB", "Điểm đánh giá", "Tổng điểm", "Tổng số điểm", "Số điểm", "Điểm", "Điểm bình quân"),
        )
    )
    stars_by_points: Mapped[int | None] = mapped_column(info=field("Hạng sao theo điểm", managed=True))
    stars: Mapped[int] = mapped_column(
        info=field(
            "Hạng sao",
            aliases=(
                *("Số sao", "Sao", "Hạng sao hiện tại", "Xếp hạng", "Phân hạng", "Xếp loại", "Hạng sao mới"),
                *("Hạng sao đạt", "Hạng sao đạt được", "Hạng sao được công nhận", "Hạng sao công nhận", "Hạng"),
                *("Kết quả phân hạng", "Kết quả xếp hạng", "Phân hạng sản phẩm", "Xếp hạng sản phẩm"),
            ),
        )
    )
    difference_reason: Mapped[str] = mapped_column(
        TidyText(), default="", info=field("Lý do hạng sao thấp hơn điểm", long=True)
    )
    potential_five: Mapped[bool] = mapped_column(default=False, info=field("Tiềm năng 5 sao"))
    decided_on: Mapped[date] = mapped_column(
        info=field(
            "Ngày quyết định",
            aliases=("Ngày công nhận", "Ngày ký quyết định", "Ngày ban hành", "Ngày quyết định công nhận"),
        )
    )
    decision_number: Mapped[str] = mapped_column(
        Tidy(60),
        default="",
        info=field(
            "Số quyết định",
            aliases=(
                *("Số QĐ", "Quyết định số", "Số quyết định công nhận", "Quyết định công nhận", "Quyết định"),
                *("Số, ngày quyết định", "Số, ngày quyết định công nhận", "Số, ngày tháng năm quyết định"),
                *("Số và ngày quyết định", "Số QĐ, ngày QĐ"),
            ),
        ),
    )
    authority: Mapped[str] = mapped_column(
        Tidy(120),
        default="",
        info=field(
            "Cơ quan quyết định", hint="tên tại thời điểm quyết định", aliases=("Cơ quan công nhận", "Cơ quan ban hành")
        ),
    )
    expires_on: Mapped[date | None] = mapped_column(
        info=field(
            "Hết hạn công nhận", hint="36 tháng từ ngày cấp", aliases=("Ngày hết hạn", "Hết hạn", "Hiệu lực đến ngày")
        )
    )

    product: Mapped[Product] = relationship(info=field("Sản phẩm", places=True))
    participation: Mapped[Participation | None] = relationship(info=field("Tham gia chu trình", managed=True))
    criteria_set: Mapped[CriteriaSet | None] = relationship(info=field("Bộ tiêu chí"))

    __table_args__ = (
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        CheckConstraint("stars <= stars_by_points", name="stars_by_points"),
        CheckConstraint("stars = stars_by_points OR difference_reason <> ''", name="difference_reason"),
        *list_indexes("ratings"),
        Index("ix_ratings_product_id_decided_on", "product_id", "decided_on"),
    )

    @classmethod
    def is_newest(cls) -> ColumnElement[bool]:
        """No later result of the same product."""
        later = aliased(cls)
        same_day = and_(later.decided_on == cls.decided_on, later.id > cls.id)
        return ~exists().where(later.product_id == cls.product_id, or_(later.decided_on > cls.decided_on, same_day))
