"""Volume data for benches: any number of products over the country's communes; the same data every time.

One product in a thousand is a “Miến dong”, and nothing else holds that word, so that a search for a word in 0.1 %
of the names can be measured.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import product as pairs
from random import Random
from time import monotonic
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, Table, func, select, text

from app.current import acting_as, system
from app.database import Database
from app.errors import OcopError
from app.migrations.search import drop_search, make_search
from app.session import OcopSession
from models import (
    Base,
    Commune,
    Cycle,
    CycleStep,
    Entity,
    EntityKind,
    EntityStatus,
    Participation,
    ParticipationState,
    Product,
    ProductGroup,
    ProductStatus,
    Province,
    Rating,
)
from models.rules.cycle import state_on_entering
from models.rules.rating import expires_on, regime_on, stars
from models.rules.text import fold, sort_key

PRODUCTS_PER_ENTITY = 1.7  # DOMAIN §6.5
RARE_WORD = "miến"
RARE_ONE_IN = 1000
AT_ONCE = 20_000  # entities written together
TODAY = date(2026, 11, 23)
MADE_AT = "2026-11-23 01:00:00.000000"

FILLED: tuple[type[Base], ...] = (Entity, Product, Participation, Rating)

# (kind, how its names begin, how many of a hundred); DOMAIN §6.5
KINDS = (
    (EntityKind.HOUSEHOLD, "Hộ kinh doanh", 61),
    (EntityKind.ENTERPRISE, "Công ty TNHH", 20),
    (EntityKind.COOPERATIVE, "HTX nông nghiệp", 17),
    (EntityKind.COOPERATIVE_GROUP, "Tổ hợp tác", 2),
)
_GIVEN = (
    "An Bình Chín Cúc Duyên Đào Đạt Hai Hạnh Hiền Hòa Hồng Huệ Hương Khánh Lài Lan Lành Lộc Lụa Mai Mười Năm "
    "Ngọc Nhàn Nhung Phúc Phước Sáu Sen Tám Thắm Thảo Thuận Trúc Tư Út Vàng Xuân Yến"
)
# (product, code of its leaf in the taxonomy)
PRODUCTS = (
    ("Bưởi", "I.1.a"),
    ("Xoài", "I.1.a"),
    ("Rau cải", "I.1.a"),
    ("Dừa xiêm", "I.1.a"),
    ("Thanh long", "I.1.a"),
    ("Trứng gà", "I.1.b"),
    ("Tôm khô", "I.1.b"),
    ("Gạo thơm", "I.2.a"),
    ("Gạo lứt", "I.2.a"),
    ("Mật ong", "I.2.b"),
    ("Mứt gừng", "I.3.c"),
    ("Bún khô", "I.3.b"),
    ("Bánh tráng", "I.3.b"),
    ("Bánh phồng", "I.3.b"),
    ("Kẹo dừa", "I.3.c"),
    ("Kẹo lạc", "I.3.c"),
    ("Chuối sấy", "I.3.c"),
    ("Mít sấy", "I.3.c"),
    ("Măng khô", "I.3.c"),
    ("Hạt điều rang", "I.3.c"),
    ("Khô cá lóc", "I.3.d"),
    ("Chả lụa", "I.3.d"),
    ("Nem chua", "I.3.d"),
    ("Giò bò", "I.3.d"),
    ("Nước mắm", "I.4.a"),
    ("Tương ớt", "I.4.a"),
    ("Mắm tép", "I.4.a"),
    ("Muối tôm", "I.4.b"),
    ("Bột nghệ", "I.4.b"),
    ("Chè xanh", "I.5.a"),
    ("Trà hoa cúc", "I.5.b"),
    ("Trà lá sen", "I.5.b"),
    ("Cà phê rang xay", "I.6"),
    ("Ca cao bột", "I.6"),
    ("Rượu nếp", "II.1.a"),
    ("Rượu mơ", "II.1.b"),
    ("Nước dừa đóng chai", "II.2.b"),
    ("Nước ép thanh trà", "II.2.b"),
    ("Cao đinh lăng", "III.1"),
    ("Xà phòng thảo dược", "III.2"),
    ("Tinh dầu sả", "III.3"),
    ("Tinh dầu bưởi", "III.3"),
    ("Chiếu cói", "IV.1"),
    ("Giỏ mây", "IV.1"),
    ("Gốm gia dụng", "IV.1"),
    ("Thổ cẩm", "IV.2"),
    ("Hoa cúc chậu", "V.1"),
    ("Mai vàng", "V.2"),
    ("Du lịch vườn", "VI.1"),
    ("Trải nghiệm làng nghề", "VI.1"),
)
RARE = ("Miến dong", "I.3.b")
QUALITIES = (
    "đặc sản",
    "truyền thống",
    "hữu cơ",
    "thượng hạng",
    "sạch",
    "gia truyền",
    "vườn nhà",
    "loại một",
    "hảo hạng",
    "thơm ngon",
    "nguyên chất",
    "đóng hộp",
)
PACKAGINGS = ("Hộp 500 g", "Túi 1 kg", "Chai 500 ml", "Hũ 250 g", "Thùng 10 kg", "Gói 200 g", "Hộp 20 túi", "Cái")
# Decisions come four times a year; DOMAIN §6.5: 80 % three stars, 18 % four, few five and potential five.
DECIDED = tuple(date(2023, 12, 20) + timedelta(days=92 * n) for n in range(12))
STATES_AT_HAND_IN = (
    *[ParticipationState.NOT_SUBMITTED] * 14,
    *[ParticipationState.SUBMITTED] * 4,
    ParticipationState.RETURNED,
    ParticipationState.RETURNED,
)


class VolumeThere(OcopError):
    sentence = "Cơ sở dữ liệu này đã có dữ liệu thử tải. Nạp vào một cơ sở dữ liệu mới."


class NoReference(OcopError):
    sentence = "Chưa có danh mục xã, bước và nhóm sản phẩm. Chạy lệnh ocop seed trước."


def load(database: Database, *, products: int, say: Callable[[str], object]) -> dict[str, int]:
    """Write so many products with their entities, participations and ratings, in one transaction.

    say: gets a line about every step. Returns the rows written by table.
    Raises NoReference without reference data, VolumeThere in a database that has volume data.
    """
    begun = monotonic()
    with (
        acting_as(system("dữ liệu thử tải")),
        database.engine.execution_options(writes=True).begin() as connection,
        OcopSession(connection, info={"writes": True}) as session,
    ):
        country = _country(session)
        counts = {model.__tablename__: 0 for model in FILLED}
        # Straight to the driver, past the Session: a thousand times the rows of a real office, of which nobody asks
        # who typed them. So what the Session would fill is filled here: places, search text, order, version.
        with _bare_tables(connection, say):
            first = {model: _last_id(connection, model) + 1 for model in FILLED}
            for rows in _chunks(country, first, products):
                for model, lines in rows.items():
                    _write(connection, model, lines)
                    counts[model.__tablename__] += len(lines)
                say(f"{counts['products']:,} sản phẩm, {monotonic() - begun:.0f} s".replace(",", "."))
        session.commit()
        connection.execute(text("ANALYZE"))
    say(f"Xong sau {monotonic() - begun:.0f} s")
    return counts


# ---- what the rows refer to --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """A piece of a name with its share of search_text and sort_key; pieces add up, so no name is folded twice."""

    text: str
    folded: str
    letters: str
    tones: str

    def __add__(self, other: "Words") -> "Words":
        return Words(
            f"{self.text} {other.text}",
            f"{self.folded} {other.folded}",
            f"{self.letters}-{other.letters}",
            self.tones + other.tones,
        )

    @property
    def key(self) -> str:
        return f"{self.letters} {self.tones}"[:200]


def words(piece: str) -> Words:
    letters, _, tones = sort_key(piece).partition(" ")
    return Words(piece, fold(piece), letters, tones)


@dataclass(frozen=True)
class Place:
    commune_id: int
    province_id: int
    cycle_id: int
    authority: str
    name: Words


@dataclass(frozen=True)
class Country:
    places: Sequence[Place]
    steps: Sequence[CycleStep]
    groups: dict[str, int]


def _country(session: OcopSession) -> Country:
    communes = session.scalars(select(Commune).where(Commune.valid_to.is_(None)).order_by(Commune.code)).all()
    provinces = {p.id: p for p in session.scalars(select(Province).where(Province.valid_to.is_(None)))}
    steps = [s for s in session.scalars(select(CycleStep).order_by(CycleStep.number)) if s.in_force(TODAY)]
    groups = {group.code: group.id for group in session.scalars(select(ProductGroup))}
    if not (communes and steps and groups):
        raise NoReference
    cycles = {c.province_id: c for c in session.scalars(select(Cycle).where(Cycle.year == TODAY.year))}
    if provinces.keys() <= cycles.keys():
        raise VolumeThere
    for province in provinces.values():
        if province.id not in cycles:
            cycles[province.id] = Cycle(
                name=f"Chu trình OCOP năm {TODAY.year}, {province.name}",
                year=TODAY.year,
                province=province,
                opened_on=date(TODAY.year, 1, 10),
            )
            session.add(cycles[province.id])
    session.flush()
    return Country(
        [
            Place(
                commune_id=c.id,
                province_id=c.province_id,
                cycle_id=cycles[c.province_id].id,
                authority=f"UBND {provinces[c.province_id].name}",
                name=_short(c),
            )
            for c in communes
        ],
        steps,
        groups,
    )


def _short(commune: Commune) -> Words:
    """“Xã Thạnh Phú” as “Thạnh Phú”; a place that holds the rare word lends its name to nothing."""
    name = words(commune.name.removeprefix(commune.kind.label).strip())
    return words("quê nhà") if fold(RARE_WORD) in name.folded else name


# ---- the rows ----------------------------------------------------------------------------------------------

Rows = dict[type[Base], list[tuple[Any, ...]]]

COLUMNS: dict[type[Base], tuple[str, ...]] = {
    Entity: (
        *("id", "name", "kind", "commune_id", "province_id", "street", "phone", "status"),
        *("registration", "printed_address", "email", "note", "search_text", "sort_key"),
    ),
    Product: (
        *("id", "name", "entity_id", "commune_id", "province_id", "group_id", "packaging", "status"),
        *("code", "standard", "description", "search_text", "sort_key"),
    ),
    Participation: (
        *("id", "product_id", "cycle_id", "step_id", "state", "entered_on", "returns"),
        *("commune_id", "province_id", "search_text", "sort_key"),
    ),
    Rating: (
        *("id", "product_id", "regime", "mean_points", "stars_by_points", "stars", "difference_reason"),
        *("potential_five", "decided_on", "decision_number", "authority", "expires_on"),
        *("commune_id", "province_id", "search_text", "sort_key"),
    ),
}


def _chunks(country: Country, first: dict[type[Base], int], products: int) -> Iterable[Rows]:
    """Rows of all four tables, AT_ONCE entities with all that is theirs at a time."""
    random = Random(f"ocop {products}")
    entities = max(1, round(products / PRODUCTS_PER_ENTITY))
    kinds = [(kind.value, words(called)) for kind, called, share in KINDS for _ in range(share)]
    owners = [words(f"{one} {other}") for one, other in pairs(_GIVEN.split(), repeat=2)]
    named = [
        (words(f"{name} {quality}"), country.groups[group]) for (name, group), quality in pairs(PRODUCTS, QUALITIES)
    ]
    rare = (words(RARE[0]), country.groups[RARE[1]])
    results = _results()
    steps = [(s.id, bool(s.handed_in), state_on_entering(s).value) for s in country.steps]
    in_force = TODAY.isoformat()
    used: Counter[int] = Counter()  # owners so far in each place, so that no two entities there share a name
    product = 0
    next_id = dict(first)
    for start in range(0, entities, AT_ONCE):
        rows: Rows = {model: [] for model in FILLED}
        for entity in range(start, min(start + AT_ONCE, entities)):
            entity_id = first[Entity] + entity
            where = random.randrange(len(country.places))
            place, owner = country.places[where], owners[(used[where] * 37 + where) % len(owners)]
            used[where] += 1
            kind, called = kinds[random.randrange(len(kinds))]
            name = called + owner + place.name
            phone = f"0913 000 {entity % 1000:03}"
            rows[Entity].append(
                (
                    *(entity_id, name.text, kind, place.commune_id, place.province_id, f"Ấp {entity % 9 + 1}"),
                    *(phone, EntityStatus.ACTIVE.value, "", "", "", ""),
                    *(f"{name.folded} | {fold(phone)}", name.key),
                )
            )
            while product < products and product * entities // products == entity:
                what, group_id = (
                    rare if product % RARE_ONE_IN == RARE_ONE_IN // 2 else named[(product * 7 + entity) % len(named)]
                )
                title = what + place.name
                product_id = first[Product] + product
                key = title.key
                rows[Product].append(
                    (
                        *(product_id, title.text, entity_id, place.commune_id, place.province_id, group_id),
                        *(PACKAGINGS[product % len(PACKAGINGS)], ProductStatus.ACTIVE.value, "", "", ""),
                        *(f"{title.folded} | {name.folded}", key),
                    )
                )
                turn = product % 5  # of five: 0, 1, 2 are rated, 1 and 3 take part; what is not rated is not promoted
                if turn in (1, 3):
                    step_id, is_hand_in, state = steps[random.randrange(len(steps) - (turn == 3))]
                    if is_hand_in:
                        state = STATES_AT_HAND_IN[random.randrange(len(STATES_AT_HAND_IN))].value
                    rows[Participation].append(
                        (
                            *(next_id[Participation], product_id, place.cycle_id, step_id, state, in_force),
                            *(int(state == ParticipationState.RETURNED), place.commune_id, place.province_id),
                            *(title.folded, key),
                        )
                    )
                    next_id[Participation] += 1
                if turn < 3:
                    result, number = results[random.randrange(len(results))]
                    rows[Rating].append(
                        (
                            *(next_id[Rating], product_id, *result[:-1], place.authority, result[-1]),
                            *(place.commune_id, place.province_id, f"{title.folded} | {number}", key),
                        )
                    )
                    next_id[Rating] += 1
                product += 1
        yield rows


def _results() -> list[tuple[tuple[Any, ...], str]]:
    """(regime … expires_on without the authority, folded decision number) of possible results."""
    random = Random("kết quả")
    found = []
    for turn, day in pairs(range(100), DECIDED):
        low, high = (50, 69) if turn < 80 else (70, 89) if turn < 98 else (90, 95)
        points = Decimal(random.randrange(low * 100, high * 100)) / 100
        by_points = stars(points)
        is_potential = turn == 98
        awarded = 4 if is_potential else by_points
        regime = regime_on(day)
        assert regime is not None
        number = f"{100 + turn}/QĐ-UBND"
        found.append(
            (
                (
                    *(regime.value, f"{points:010.6f}", by_points, awarded),
                    *("Tiềm năng 5 sao, chờ bộ đánh giá." if is_potential else "", int(is_potential)),
                    *(day.isoformat(), number, expires_on(day).isoformat()),
                ),
                fold(number),
            )
        )
    return found


# ---- into the database -------------------------------------------------------------------------------------


@contextmanager
def _bare_tables(connection: Connection, say: Callable[[str], object]) -> Iterator[None]:
    """Without indexes and search triggers while rows come; made again from the full tables, many times faster."""
    tables = [_table(model) for model in FILLED]
    with Operations.context(MigrationContext.configure(connection)):
        for table in tables:
            drop_search(table.name)
            for index in table.indexes:
                index.drop(connection)
        yield
        for table in tables:
            for index in table.indexes:
                index.create(connection)
            make_search(table.name)
            say(f"{table.name}: đã lập chỉ mục")


def _write(connection: Connection, model: type[Base], lines: list[tuple[Any, ...]]) -> None:
    table, columns = _table(model).name, (*COLUMNS[model], "version", "created_at", "updated_at")
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        with driver.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for line in lines:
                copy.write_row((*line, 1, MADE_AT + "+00", MADE_AT + "+00"))
        top = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
        connection.exec_driver_sql(top)
        return
    marks = ", ".join("?" * len(COLUMNS[model]))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}, 1, '{MADE_AT}', '{MADE_AT}')"
    connection.exec_driver_sql(statement, lines)


def _last_id(connection: Connection, model: type[Base]) -> int:
    return connection.scalar(select(func.max(_table(model).c.id))) or 0


def _table(model: type[Base]) -> Table:
    assert isinstance(model.__table__, Table)
    return model.__table__
