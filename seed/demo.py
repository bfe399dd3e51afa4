"""A year to try things out with: district Thạnh Phú in 2025, Xã Thạnh Phú in 2026; every name in it is made up.

The story is seed/data/demo_products.csv, one product a line: the step it reached, what became of it there, the
points it got in its cycle and in an earlier round. It goes through the same services as everyone's work, each
move by the account that would make it.
"""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import func, select

from app.config import DATA
from app.current import Actor, acting_as, system
from app.database import Database
from app.services import accounts, cycle, rating
from app.session import OcopSession
from models import (
    Commune,
    Cycle,
    District,
    Entity,
    EntityKind,
    Participation,
    Product,
    ProductGroup,
    Province,
    Rating,
    Representative,
    Role,
    StepCode,
    StepRecord,
    User,
)
from models.rules.rating import Authority, authority_of, ministry_on, stars
from models.rules.words import VIETNAM
from seed.reference import Row, read

PASSWORD_FILE = DATA / "demo_password"
NEW_LIFE = date(2025, 7, 1)

# Days on which the first products entered each step, and on which the council's results were decided.
ENTERED = {
    2025: ((1, 15), (2, 5), (2, 27), (3, 20), (4, 10), (4, 22), (5, 19), (6, 18)),
    2026: ((1, 14), (2, 9), (3, 16), (4, 20), (5, 25), (6, 22), (8, 24), (10, 26)),
}
DECIDED = {2025: date(2025, 6, 16), 2026: date(2026, 10, 19)}

RETURNED_FOR = {
    StepCode.IDEA: "Phiếu ý tưởng chưa nêu nguồn nguyên liệu. Bổ sung rồi nộp lại.",
    StepCode.PLAN: "Kế hoạch kinh doanh chưa tính chi phí và giá bán. Bổ sung rồi nộp lại.",
    StepCode.RATING: "Hồ sơ thiếu phiếu kiểm nghiệm an toàn thực phẩm còn hiệu lực. Bổ sung rồi nộp lại.",
}
NOTES = {
    StepCode.IDEA: "Ý tưởng phù hợp, nguyên liệu tại chỗ.",
    StepCode.PLAN: "Kế hoạch đủ các phần.",
    StepCode.RATING: "Đạt từ 3 sao.",
}
POSITION = {
    EntityKind.HOUSEHOLD: "Chủ hộ kinh doanh",
    EntityKind.COOPERATIVE_GROUP: "Tổ trưởng",
}


@dataclass(frozen=True)
class DemoSummary:
    """accounts: (user name, role, area). is_new: whether this run made it, or it was there already."""

    accounts: tuple[tuple[str, str, str], ...]
    password: str
    entities: int
    products: int
    moves: int
    ratings: int
    is_new: bool


def load(database: Database, password: str | None = None) -> DemoSummary:
    """The demo accounts and the demo year, in one transaction, on top of the reference data.

    password: of all demo accounts; when not given the one kept in data/demo_password, made there if need be.
    A second run changes nothing, whatever was done with the data since.
    """
    with acting_as(system("dữ liệu dùng thử")), database.writing.begin() as session:
        there = session.scalars(select(User).where(User.is_demo)).all()
        kept, is_fresh = _password(PASSWORD_FILE) if password is None else (password, False)
        if not there:
            _accounts(session, kept)
            _years(session)
        elif is_fresh:  # the file was lost: what is printed must be true
            for user in there:
                accounts.set_password(session, user, password=kept)
        return DemoSummary(
            accounts=tuple(
                (user.username, user.role.label, accounts.area_label(user))
                for user in accounts.list_users(session)
                if user.is_demo
            ),
            password=kept,
            entities=_count(session, Entity),
            products=_count(session, Product),
            moves=_count(session, StepRecord),
            ratings=_count(session, Rating),
            is_new=not there,
        )


def _count(session: OcopSession, model: type[Entity | Product | StepRecord | Rating]) -> int:
    return session.scalar(select(func.count(model.id))) or 0


def _password(file: Path) -> tuple[str, bool]:
    """The kept password, and whether it was made just now."""
    if file.exists():
        return file.read_text(encoding="utf-8").strip(), False
    made = secrets.token_hex(6)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(made, encoding="utf-8")
    return made, True


# ---- accounts ----------------------------------------------------------------------------------------------


def _accounts(session: OcopSession, password: str) -> None:
    province = accounts.place_named(session, Province, "86", today=NEW_LIFE)
    district = accounts.place_named(session, District, "837", today=NEW_LIFE)
    commune = accounts.place_named(session, Commune, "29182", today=NEW_LIFE)
    rural = "Chi cục Phát triển nông thôn tỉnh Vĩnh Long"
    for username, full_name, role, place, office in (
        ("admin", "Trần Minh Khoa", Role.ADMINISTRATOR, None, "Văn phòng điều phối Chương trình OCOP"),
        ("tinh", "Lê Thị Thu Hà", Role.PROVINCE_CLERK, province, rural),
        ("thanhphu", "Nguyễn Văn Bình", Role.DISTRICT_CLERK, district, "Phòng Nông nghiệp và PTNT huyện Thạnh Phú"),
        ("xa", "Phạm Ngọc Diệp", Role.COMMUNE_CLERK, commune, "Phòng Kinh tế, UBND xã Thạnh Phú"),
        ("hoidong", "Võ Quốc Thái", Role.COUNCIL_MEMBER, province, "Sở Công Thương tỉnh Vĩnh Long"),
        ("lanhdao", "Huỳnh Kim Loan", Role.LEADER, province, "UBND tỉnh Vĩnh Long"),
        ("kiemtoan", "Đặng Hữu Phước", Role.AUDITOR, None, "Thanh tra tỉnh Vĩnh Long"),
    ):
        accounts.add_user(
            session,
            username=username,
            full_name=full_name,
            role=role,
            place=place,
            office=office,
            password=password,
            force_change=False,
            is_demo=True,
        )


# ---- the two years -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Year:
    """One cycle: its clerk acts until step 7; the province, or the district before July 2025, ends it."""

    cycle: Cycle
    clerk: Actor
    rater: Actor
    province: Actor
    communes: dict[str, Commune]
    groups: dict[str, ProductGroup]


def _years(session: OcopSession) -> None:
    tinh, thanhphu, xa = (accounts.actor_named(session, name) for name in ("tinh", "thanhphu", "xa"))
    groups = {group.code: group for group in session.scalars(select(ProductGroup))}
    with acting_as(tinh):
        cycles = [
            Cycle(
                name="Chu trình OCOP năm 2025, tỉnh Bến Tre",
                year=2025,
                province=accounts.place_named(session, Province, "83", today=NEW_LIFE),
                plan_number="0412/KH-UBND",
                opened_on=date(2025, 1, 15),
                closed_on=date(2025, 6, 30),
            ),
            Cycle(
                name="Chu trình OCOP năm 2026, tỉnh Vĩnh Long",
                year=2026,
                province=accounts.place_named(session, Province, "86", today=NEW_LIFE),
                plan_number="0038/KH-UBND",
                opened_on=date(2026, 1, 10),
            ),
        ]
        session.add_all(cycles)
        session.flush()
    years = {
        2025: _Year(cycles[0], thanhphu, thanhphu, tinh, _communes(session, before=True), groups),
        2026: _Year(cycles[1], xa, tinh, tinh, _communes(session, before=False), groups),
    }
    entities: dict[str, Entity] = {}
    for number, row in enumerate(read("demo_products")):
        year = years[int(row["year"])]
        with acting_as(year.clerk):
            if row["entity"] not in entities:
                entities[row["entity"]] = _entity(session, year, row, len(entities))
            product = _product(session, year, row, entities[row["entity"]])
        _history(session, year, row, product, number)


def _communes(session: OcopSession, *, before: bool) -> dict[str, Commune]:
    """Communes by code, of the life before July 2025 or since."""
    last_day = Commune.valid_to == NEW_LIFE - timedelta(days=1)
    lives = session.scalars(select(Commune).where(last_day if before else Commune.valid_to.is_(None)))
    return {commune.code: commune for commune in lives}


def _entity(session: OcopSession, year: _Year, row: Row, number: int) -> Entity:
    commune, kind = year.communes[row["commune"]], EntityKind(row["kind"])
    street = f"Số {12 + number * 7}, ấp {number % 6 + 1}"
    where = f"{commune.name}, {year.cycle.province.name}".replace("Xã", "xã").replace("Tỉnh", "tỉnh")
    if year.cycle.year == 2026 and number % 2 == 0:  # papers of before the merger name the old places
        where = "xã An Thạnh, huyện Thạnh Phú, tỉnh Bến Tre"
    entity = Entity(
        name=row["entity"],
        kind=kind,
        commune=commune,
        street=street,
        printed_address=f"{street}, {where}",
        phone=f"0913 000 {100 + number}",
    )
    session.add(entity)
    session.flush()
    session.add(
        Representative(
            entity=entity,
            name=row["representative"],
            position=POSITION.get(kind, "Giám đốc"),
            since=date(2019, 3, 1) + timedelta(days=23 * number),
        )
    )
    return entity


def _product(session: OcopSession, year: _Year, row: Row, entity: Entity) -> Product:
    product = Product(
        name=row["product"],
        entity=entity,
        commune=entity.commune,
        group=year.groups[row["group"]],
        packaging=row["packaging"],
    )
    session.add(product)
    session.flush()
    return product


# ---- what became of one product ----------------------------------------------------------------------------


def _history(session: OcopSession, year: _Year, row: Row, product: Product, number: int) -> None:
    if row["earlier_day"]:
        _rate(session, year, product, row["earlier_points"], date.fromisoformat(row["earlier_day"]), None)
    last = int(row["step"])
    with acting_as(year.clerk):
        day = _day(year, 1, number)
        taking_part = cycle.enter(session, product, year.cycle, today=day, at=_at(day, number))
    for step in range(1, last):
        if step == 4 and number % 9 == 0:  # some plans were handed in twice
            _send_back(session, year, taking_part, number)
            _hand_in(session, year, taking_part, number, "Chủ thể đã bổ sung.", after=6)
        if step == 7:
            _rate(session, year, product, row["points"], DECIDED[year.cycle.year], taking_part)
        day = _day(year, step + 1, number)
        with acting_as(year.rater if step == 7 else year.clerk):
            note = NOTES.get(taking_part.step.code, "")
            cycle.advance(session, taking_part, today=day, note=note, at=_at(day, number))
    if last == 7 and row["points"]:
        _rate(session, year, product, row["points"], DECIDED[year.cycle.year], taking_part)
    if row["state"] in ("returned", "resubmitted"):
        _send_back(session, year, taking_part, number)
    if row["state"] == "resubmitted":
        _hand_in(session, year, taking_part, number, "Chủ thể đã bổ sung.", after=6)
    if row["state"] == "withdrawn":
        day = _workday(taking_part.entered_on + timedelta(days=6))
        with acting_as(year.clerk):
            reason = "Chủ thể tạm ngừng sản xuất, xin rút."
            cycle.withdraw(session, taking_part, reason=reason, today=day, at=_at(day, number))


def _send_back(session: OcopSession, year: _Year, taking_part: Participation, number: int) -> None:
    _hand_in(session, year, taking_part, number, "", after=1)
    day, step = _workday(taking_part.entered_on + timedelta(days=4)), taking_part.step.code
    with acting_as(year.rater if step is StepCode.RATING else year.clerk):
        cycle.send_back(session, taking_part, reason=RETURNED_FOR[step], today=day, at=_at(day, number))


def _hand_in(session: OcopSession, year: _Year, taking_part: Participation, number: int, note: str, after: int) -> None:
    """after: days since the step began."""
    day = _workday(taking_part.entered_on + timedelta(days=after))
    with acting_as(year.clerk):
        cycle.hand_in(session, taking_part, today=day, note=note, at=_at(day, number + 1))


def _rate(
    session: OcopSession,
    year: _Year,
    product: Product,
    points: str,
    day: date,
    taking_part: Participation | None,
) -> None:
    mean = Decimal(points)
    # Five stars are the ministry's: of an earlier round they are decided, of this year's they are still awaited.
    awarded = stars(mean) if taking_part is None else min(stars(mean), 4)
    authority = authority_of(awarded, day)
    as_named_then = {
        None: "",
        Authority.DISTRICT: "UBND huyện Thạnh Phú",
        Authority.PROVINCE: "UBND tỉnh Bến Tre" if day < NEW_LIFE else "UBND tỉnh Vĩnh Long",
        Authority.MINISTRY: ministry_on(day),
    }
    number = 700 + day.timetuple().tm_yday + awarded
    with acting_as(year.province):
        rating.record(
            session,
            product,
            mean_points=mean,
            decided_on=day,
            stars=awarded,
            decision_number="" if authority is None else f"{number}/QĐ-{_issuer(authority)}",
            authority=as_named_then[authority],
            participation=taking_part,
        )


def _issuer(authority: Authority) -> str:
    return "BNN-VPĐP" if authority is Authority.MINISTRY else "UBND"


def _day(year: _Year, step: int, number: int) -> date:
    """Products enter a step over a week."""
    month, first = ENTERED[year.cycle.year][step - 1]
    return _workday(date(year.cycle.year, month, first) + timedelta(days=number % 6))


def _workday(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() >= 5 else day


def _at(day: date, number: int) -> datetime:
    """A time in office hours, another for each product."""
    minutes = 8 * 60 + number * 37 % 480
    return datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=VIETNAM)
