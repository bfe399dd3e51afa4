from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.current import acting_as, system
from app.database import Database
from app.errors import OcopError
from app.services import rating
from models import AuditEntry, Commune, Entity, EntityKind, Product, Rating, Regime

pytestmark = pytest.mark.fill("reference")


@dataclass
class Made:
    database: Database
    product_id: int

    def rate(
        self, points: str, day: date, stars: int | None = None, reason: str = ""
    ) -> tuple[Rating, list[AuditEntry]]:
        with acting_as(system("kiểm thử")), self.database.writing.begin() as session:
            product = session.get_one(Product, self.product_id)
            made = rating.record(
                session,
                product,
                mean_points=Decimal(points),
                decided_on=day,
                stars=stars,
                difference_reason=reason,
            )
        with acting_as(system("kiểm thử")), self.database.reading() as session:
            trail = session.scalars(select(AuditEntry).where(AuditEntry.model == "ratings")).all()
            return session.get_one(Rating, made.id), list(trail)

    def count(self) -> int:
        with acting_as(system("kiểm thử")), self.database.reading() as session:
            return len(session.scalars(select(Rating)).all())


def candy(database: Database, code: str, valid_from: date) -> Made:
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        commune = session.scalars(select(Commune).where(Commune.code == code, Commune.valid_from == valid_from)).one()
        entity = Entity(name="HTX Cồn Bửng", kind=EntityKind.COOPERATIVE, commune=commune)
        product = Product(name="Kẹo dừa", entity=entity, commune=commune)
        session.add(product)
        session.flush()
        return Made(database, product.id)


@pytest.fixture
def old(any_database: Database) -> Made:
    """Made in Thị trấn Thạnh Phú, district Thạnh Phú, Bến Tre, until 30/06/2025."""
    return candy(any_database, "29182", date(2017, 10, 15))


@pytest.fixture
def new(any_database: Database) -> Made:
    """Made in Xã Thạnh Phú, Vĩnh Long, since 01/07/2025."""
    return candy(any_database, "29182", date(2025, 7, 1))


BẾN_TRE = "UBND tỉnh Bến Tre"


@pytest.mark.parametrize(
    ("points", "day", "stars", "expected"),
    [
        ("49.99", date(2024, 6, 1), None, (2, 2, Regime.QD148, "", None, False)),
        ("50", date(2020, 12, 1), None, (3, 3, Regime.QD1048, BẾN_TRE, date(2023, 12, 1), False)),
        (
            "69.999",
            date(2024, 2, 29),
            None,
            (3, 3, Regime.QD148, "UBND huyện Thạnh Phú", date(2027, 2, 28), False),
        ),
        ("89.99", date(2024, 6, 1), None, (4, 4, Regime.QD148, BẾN_TRE, date(2027, 6, 1), False)),
        ("90", date(2024, 6, 1), None, (5, 4, Regime.QD148, BẾN_TRE, date(2027, 6, 1), True)),
        (
            "91",
            date(2024, 6, 1),
            5,
            (5, 5, Regime.QD148, "Bộ Nông nghiệp và Phát triển nông thôn", date(2027, 6, 1), False),
        ),
    ],
)
def test_a_result_before_july_2025_follows_from_points_and_day(
    old: Made,
    points: str,
    day: date,
    stars: int | None,
    expected: tuple[int, int, Regime, str, date | None, bool],
) -> None:
    made, trail = old.rate(points, day, stars)

    found = (made.stars_by_points, made.stars, made.regime, made.authority, made.expires_on)
    assert (*found, made.potential_five) == expected
    assert made.mean_points == Decimal(points)
    assert [entry.action for entry in trail] == ["create"]


def test_a_result_after_the_merger_is_the_new_provinces(new: Made) -> None:
    made, _ = new.rate("72.5", date(2026, 6, 20))

    assert (made.stars, made.authority, made.regime) == (4, "UBND tỉnh Vĩnh Long", Regime.QD26_2026)
    assert made.expires_on == date(2029, 6, 20)


@pytest.mark.parametrize(
    ("points", "stars", "reason", "sentence"),
    [
        ("100.01", None, "", "Điểm trung bình 100,01 nằm ngoài khoảng 0 đến 100"),
        ("-1", None, "", "Điểm trung bình -1 nằm ngoài khoảng 0 đến 100"),
        ("69.99", 4, "", "Hạng 4 sao cao hơn điểm: 69,99 điểm chỉ được 3 sao"),
        ("75", 3, "", "Hạng 3 sao thấp hơn điểm: 75 điểm được 4 sao"),
        ("95", 3, "", "Hạng 3 sao thấp hơn điểm"),
        ("75", 0, "", "Hạng 0 sao không có"),
    ],
)
def test_a_result_that_contradicts_itself_is_refused_in_one_sentence(
    old: Made, points: str, stars: int | None, reason: str, sentence: str
) -> None:
    with pytest.raises(OcopError, match=sentence):
        old.rate(points, date(2024, 6, 1), stars, reason)

    assert old.count() == 0


def test_fewer_stars_are_taken_with_their_reason(old: Made) -> None:
    made, _ = old.rate("75", date(2024, 6, 1), 3, "Chưa có ISO hoặc HACCP, tối thiểu của 4 sao")

    assert (made.stars_by_points, made.stars, made.potential_five) == (4, 3, False)


def test_four_stars_for_ninety_points_and_a_reason_are_no_potential_five(old: Made) -> None:
    made, _ = old.rate("92", date(2024, 6, 1), 4, "Bộ đánh giá lại, không đạt 5 sao")

    assert (made.stars, made.potential_five) == (4, False)


def test_a_day_before_the_first_decision_is_refused(old: Made) -> None:
    with pytest.raises(rating.BeforeFirstRegime, match="20/08/2019"):
        old.rate("75", date(2019, 8, 20))
