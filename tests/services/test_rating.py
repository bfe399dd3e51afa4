from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.current import acting_as, system
from app.database import Database
from app.errors import OcopError
from app.services import cycle, rating
from models import AuditEntry, Commune, Cycle, Entity, EntityKind, Product, Rating, Regime

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


def test_the_authority_is_that_of_the_place_as_it_lay_on_the_day(old: Made, new: Made) -> None:
    of_former, _ = old.rate("72.5", date(2026, 6, 20))
    before_it_was, _ = new.rate("55", date(2024, 6, 1))

    assert of_former.authority == "UBND tỉnh Vĩnh Long"
    assert before_it_was.authority == "UBND huyện Thạnh Phú"  # of all that became the commune


@pytest.mark.parametrize(
    ("day", "expires", "sentence"),
    [
        (date(2206, 1, 1), None, "Ngày quyết định 01/01/2206 chưa tới"),
        (date(2024, 6, 1), date(2020, 1, 1), "Hết hạn công nhận 01/01/2020 trước ngày quyết định 01/06/2024"),
    ],
)
def test_days_that_cannot_be_are_refused(old: Made, day: date, expires: date | None, sentence: str) -> None:
    with acting_as(system("kiểm thử")), old.database.writing.begin() as session:
        made = Rating(product=session.get_one(Product, old.product_id), stars=3, decided_on=day, expires_on=expires)
        with session.no_autoflush, pytest.raises(OcopError, match=sentence):
            rating.settle(session, made)


@pytest.mark.parametrize(
    ("points", "stars", "reason", "sentence"),
    [
        ("100.01", None, "", "Điểm trung bình 100,01 nằm ngoài khoảng 0 đến 100"),
        ("-1", None, "", "Điểm trung bình -1 nằm ngoài khoảng 0 đến 100"),
        ("69.99", 4, "", "Hạng 4 sao cao hơn điểm: 69,99 điểm chỉ được 3 sao"),
        ("75", 3, "", "Hạng 3 sao thấp hơn điểm: 75 điểm được 4 sao"),
        ("95", 3, "", "Hạng 3 sao thấp hơn điểm"),
        ("53.3333333", None, "", "Điểm trung bình 53,3333333 có quá 6 số lẻ"),
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


def facts(made: Rating) -> tuple[object, ...]:
    """Everything that follows from what is typed."""
    return (
        made.product_id,
        made.participation_id,
        made.mean_points,
        made.stars_by_points,
        made.stars,
        made.difference_reason,
        made.potential_five,
        made.regime,
        made.authority,
        made.expires_on,
    )


@pytest.fixture
def twice(old: Made) -> Made:
    """The same, and another product of the province, both in the cycle of 2024."""
    with acting_as(system("kiểm thử")), old.database.writing.begin() as session:
        product = session.get_one(Product, old.product_id)
        other = Product(name="Dừa sáp", entity=product.entity, commune=product.commune)
        here = Cycle(
            year=2024, name="Chu trình OCOP 2024", province=product.commune.province, opened_on=date(2024, 1, 1)
        )
        session.add_all([other, here])
        session.flush()
        for each in (product, other):
            cycle.enter(session, each, here, today=date(2024, 1, 2))
    return old


@pytest.mark.parametrize(
    "changed",
    [
        {"mean_points": Decimal(40), "stars": 2},
        {"mean_points": Decimal(60), "stars": 3},
        {"mean_points": Decimal(92), "stars": 5},
        {"decided_on": date(2025, 5, 20)},
        {"decided_on": date(2021, 5, 20)},
        {"product": "Dừa sáp"},
        {"product": "Dừa sáp", "mean_points": Decimal(60), "stars": 3, "decided_on": date(2025, 5, 20)},
    ],
    ids=str,
)
def test_a_changed_result_says_what_a_new_one_would_and_changed_back_what_it_said(
    twice: Made, changed: dict[str, object]
) -> None:
    with acting_as(system("kiểm thử")), twice.database.writing.begin() as session:
        kept: dict[str, object] = {
            "product": session.get_one(Product, twice.product_id),
            "mean_points": Decimal(92),
            "stars": 4,
            "decided_on": date(2024, 6, 1),
        }
        if "product" in changed:
            changed = changed | {"product": session.scalars(select(Product).where(Product.name == "Dừa sáp")).one()}

        def made_new(values: dict[str, object]) -> tuple[object, ...]:
            fresh = Rating(**values, difference_reason="", authority="", decision_number="")
            with session.no_autoflush:
                rating.settle(session, fresh)
            session.add(fresh)
            session.flush()
            found = facts(fresh)
            session.delete(fresh)
            session.flush()
            return found

        def edited(row: Rating, values: dict[str, object]) -> tuple[object, ...]:
            with session.no_autoflush:
                for name, value in values.items():
                    setattr(row, name, value)
                rating.settle(session, row)
            session.flush()
            return facts(row)

        first, second = made_new(kept), made_new(kept | changed)
        row = rating.record(
            session,
            session.get_one(Product, twice.product_id),
            mean_points=Decimal(92),
            decided_on=date(2024, 6, 1),
        )
        session.flush()

        assert first != second
        assert facts(row) == first
        assert edited(row, changed) == second
        assert edited(row, kept) == first


def test_what_was_typed_as_printed_stays_through_a_change(old: Made) -> None:
    made, _ = old.rate("75", date(2024, 6, 1))
    with acting_as(system("kiểm thử")), old.database.writing.begin() as session:
        row = session.get_one(Rating, made.id)
        row.authority, row.expires_on = "UBND tỉnh (in nhầm)", date(2027, 7, 1)
        with session.no_autoflush:
            rating.settle(session, row)
        session.flush()
        row.decided_on = date(2024, 7, 2)
        with session.no_autoflush:
            rating.settle(session, row)

        assert (row.authority, row.expires_on) == ("UBND tỉnh (in nhầm)", date(2027, 7, 1))


def test_a_day_before_the_first_decision_is_refused(old: Made) -> None:
    with pytest.raises(rating.BeforeFirstRegime, match="20/08/2019"):
        old.rate("75", date(2019, 8, 20))
