"""What a clerk of Xã An Thạnh may not create, move, delete or link to; both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError

from app.current import Actor, acting_as, system
from app.database import Database
from app.session import OcopSession, OutsideArea, SlipsPastAreaError, _links, places_relation
from models import (
    AuditEntry,
    Base,
    Commune,
    CommuneKind,
    CommuneSuccession,
    Cycle,
    District,
    Entity,
    EntityKind,
    ImportBatch,
    ImportRow,
    Participation,
    Product,
    Rating,
    Regime,
    Representative,
    RowAction,
    StepRecord,
    SuccessionKind,
    User,
)
from models.base import Everywhere, Placed
from tests import world
from tests.world import FOREIGN, NEIGHBOUR, OWN

pytestmark = pytest.mark.fill("world")

WHO: dict[str, Callable[[], Actor]] = {"commune": world.clerk, "province": world.province_clerk}

# (model, attribute, model it leads to): every link of every model to one that has places.
LINKS = [
    (model, attribute, target)
    for model in world.models()
    for attribute, target in _links(model)
    if not issubclass(target, Everywhere) and model is not AuditEntry
]


def stored(database: Database, model: type[Base], row: int, attribute: str) -> Any:
    with acting_as(system("kiểm thử")), database.reading() as session:
        return session.scalar(select(getattr(model, attribute)).where(model.id == row))


def trail(database: Database) -> int:
    with acting_as(system("kiểm thử")), database.reading() as session:
        return len(session.scalars(select(AuditEntry.id)).all())


def test_the_links_of_every_model_are_known() -> None:
    assert {(model.__name__, attribute) for model, attribute, _ in LINKS} >= {
        ("Commune", "district_id"),
        ("CommuneSuccession", "old_id"),
        ("Entity", "commune_id"),
        ("Product", "entity_id"),
        ("Participation", "cycle_id"),
        ("Rating", "participation_id"),
        ("ImportRow", "batch_id"),
        ("User", "commune_id"),
    }


def test_a_link_to_a_foreign_row_is_refused_on_every_model(any_database: Database) -> None:
    before = trail(any_database)
    for make in WHO.values():
        for model, attribute, _target in LINKS:
            if _is_copied(model, attribute):
                continue
            was = stored(any_database, model, OWN, attribute)
            with acting_as(make()), any_database.writing() as session, session.no_autoflush:
                session._verb = "sửa"
                row = session.get(model, OWN)
                if row is None:  # a district is not read by its commune's clerk alone, nor a commune by none
                    continue
                setattr(row, attribute, FOREIGN)
                with pytest.raises(OutsideArea):
                    session.flush()
            assert stored(any_database, model, OWN, attribute) == was, (model, attribute)
    assert trail(any_database) == before


_COPIED = ("commune_id", "moved_from_id")


def _is_copied(model: type[Base], attribute: str) -> bool:
    """A place that is copied from a parent: set by hand it is put right, not refused."""
    return issubclass(model, Placed) and attribute in _COPIED and places_relation(model) != "commune"


@pytest.mark.parametrize("model", [m for m in world.SCOPED if _is_copied(m, "commune_id")])
def test_a_place_given_by_hand_is_put_right(any_database: Database, model: type[Any]) -> None:
    with acting_as(world.clerk()), any_database.writing.begin() as session, session.doing("sửa"):
        row = session.get_one(model, OWN)
        row.commune_id, row.province_id = FOREIGN, FOREIGN

    assert stored(any_database, model, OWN, "commune_id") == OWN
    assert stored(any_database, model, OWN, "province_id") == OWN


@pytest.mark.parametrize("model", [Entity, Product])
def test_a_province_given_by_hand_is_put_right(any_database: Database, model: type[Any]) -> None:
    with acting_as(world.clerk()), any_database.writing.begin() as session, session.doing("sửa"):
        session.get_one(model, OWN).province_id = FOREIGN

    assert stored(any_database, model, OWN, "province_id") == OWN


@pytest.mark.parametrize("model", [District, Commune, Cycle])
def test_a_row_that_names_its_province_is_not_moved_to_another(any_database: Database, model: type[Any]) -> None:
    with acting_as(world.province_clerk()), any_database.writing() as session:
        session._verb = "sửa"
        session.get_one(model, OWN).province_id = FOREIGN

        with pytest.raises(OutsideArea):
            session.flush()
    assert stored(any_database, model, OWN, "province_id") == OWN


DATED: dict[str, Any] = {"kind": CommuneKind.COMMUNE, "valid_from": world.SINCE}
NEW_ROWS: dict[str, Callable[[], Base]] = {
    "an entity elsewhere": lambda: Entity(name="HTX Sen Tháp Mười", kind=EntityKind.COOPERATIVE, commune_id=FOREIGN),
    "an entity elsewhere that says it is here": lambda: Entity(
        name="HTX Sen Tháp Mười", kind=EntityKind.COOPERATIVE, commune_id=FOREIGN, province_id=OWN
    ),
    "a product elsewhere": lambda: Product(name="Trà sen", entity_id=OWN, commune_id=FOREIGN, province_id=OWN),
    "a product of a foreign entity": lambda: Product(name="Trà sen", entity_id=FOREIGN, commune_id=OWN),
    "a representative of a foreign entity": lambda: Representative(name="Lê Thị Sen", entity_id=FOREIGN),
    "a representative who says where": lambda: Representative(
        name="Lê Thị Sen", entity_id=FOREIGN, province_id=OWN, commune_id=OWN
    ),
    "a foreign product in the own cycle": lambda: Participation(
        product_id=FOREIGN, cycle_id=OWN, step_id=OWN, entered_on=world.DECIDED, province_id=OWN, commune_id=OWN
    ),
    "a move of a foreign participation": lambda: StepRecord(
        participation_id=FOREIGN, move="advance", to_step_id=FOREIGN, moved_by="Bình", province_id=OWN, commune_id=OWN
    ),
    "a result of a foreign product": lambda: Rating(
        product_id=FOREIGN, regime=Regime.QD148, mean_points=80, stars_by_points=4, stars=4,
        decided_on=world.DECIDED, province_id=OWN, commune_id=OWN,
    ),
    "a cycle of another province": lambda: Cycle(
        name="Chu trình 2025", year=2025, province_id=FOREIGN, opened_on=world.DECIDED
    ),
    "a district of another province": lambda: District(
        code="877", name="Huyện Châu Thành", kind="huyen", province_id=FOREIGN, valid_from=world.SINCE
    ),
    "a commune of another province": lambda: Commune(code="30247", name="Xã Long Thắng", province_id=FOREIGN, **DATED),
    "a foreign succession": lambda: CommuneSuccession(old_id=OWN, new_id=FOREIGN, kind=SuccessionKind.PART),
    "a row of another's batch": lambda: ImportRow(batch_id=FOREIGN, line=9, action=RowAction.SAME, user_id=OWN),
    "a batch in another's name": lambda: ImportBatch(
        screen="commune", state="planned", file_name="xa.xlsx", file_hash="0" * 64, file_size=1,
        as_of=world.SINCE, user_id=FOREIGN, made_by="Trần Mỹ Hạnh",
    ),
    "an account in a foreign commune": lambda: User(
        username="lan", full_name="Hồ Thị Lan", role="commune_clerk", password_hash="x", commune_id=FOREIGN
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NEW_ROWS)
def test_a_row_outside_the_area_is_not_made(any_database: Database, name: str) -> None:
    for make in WHO.values():
        before = trail(any_database)
        with acting_as(make()), any_database.writing() as session:
            session.add(NEW_ROWS[name]())

            # A parent that is out of reach leaves no place to copy, and the database refuses the gap.
            with pytest.raises((OutsideArea, IntegrityError)):
                session.flush()
        assert trail(any_database) == before


def test_rows_inside_the_area_are_made(any_database: Database) -> None:
    with acting_as(world.clerk()), any_database.writing.begin() as session:
        session.add(Product(name="Kẹo dừa An Thạnh", entity_id=OWN, commune_id=OWN))
        session.add(Representative(name="Võ Thị Lụa", entity_id=OWN, position="Phó giám đốc"))
    with acting_as(world.province_clerk()), any_database.writing.begin() as session:
        session.add(Entity(name="Cơ sở Giao Thạnh", kind=EntityKind.HOUSEHOLD, commune_id=NEIGHBOUR))

    assert stored(any_database, Product, 3, "commune_id") == OWN
    assert stored(any_database, Representative, 3, "province_id") == OWN
    assert stored(any_database, Entity, 3, "province_id") == OWN


def test_a_row_is_moved_within_the_area_only(any_database: Database) -> None:
    def move(session: OcopSession) -> None:
        with session.doing("chuyển nơi sản xuất"):
            session.get_one(Product, OWN).commune_id = NEIGHBOUR

    with acting_as(world.clerk()), any_database.writing() as session, pytest.raises(OutsideArea):
        move(session)
    assert stored(any_database, Product, OWN, "commune_id") == OWN

    with acting_as(world.province_clerk()), any_database.writing.begin() as session:
        move(session)
    assert stored(any_database, Product, OWN, "commune_id") == NEIGHBOUR


def test_a_made_up_foreign_row_is_not_taken(any_database: Database) -> None:
    made_up: dict[str, Callable[[OcopSession], object]] = {
        "new, of the same number": lambda s: s.add(Product(id=FOREIGN, name="Của tôi", entity_id=OWN, commune_id=OWN)),
        "merged": lambda s: s.merge(Product(id=FOREIGN, name="Của tôi", entity_id=OWN, commune_id=OWN)),
    }
    for take in made_up.values():
        with acting_as(world.clerk()), any_database.writing() as session, pytest.raises(IntegrityError):  # noqa: SIM117
            with session.doing("sửa"):
                take(session)
    assert stored(any_database, Product, FOREIGN, "name") == "Quýt hồng sấy dẻo"
    assert stored(any_database, Product, FOREIGN, "entity_id") == FOREIGN


def test_a_row_taken_from_another_s_session_is_refused(any_database: Database) -> None:
    with acting_as(system("kiểm thử")), any_database.reading() as session:
        foreign = session.get_one(Product, FOREIGN)

    with acting_as(world.clerk()), any_database.writing() as session:
        with pytest.raises(SlipsPastAreaError):
            session.add(foreign)
        with pytest.raises(SlipsPastAreaError):
            session.delete(foreign)
    assert stored(any_database, Product, FOREIGN, "name") == "Quýt hồng sấy dẻo"


def test_a_foreign_child_is_not_taken_through_its_parent(any_database: Database) -> None:
    """Representatives of an entity that was foreign when the row was read."""
    with acting_as(world.clerk()), any_database.writing() as session:
        session._verb = "sửa"
        entity = session.get_one(Entity, OWN)
        entity.representatives.append(Representative(name="Lê Thị Sen", commune_id=FOREIGN, province_id=FOREIGN))
        session.flush()
        session.commit()

    assert stored(any_database, Representative, 3, "commune_id") == OWN


def test_every_scoped_model_keeps_the_own_row_after_all_this(any_database: Database) -> None:
    """The refusals above are not refusals of everything: each own row can be changed in a named verb."""
    with acting_as(world.clerk()), any_database.writing() as session:
        session._verb = "sửa"
        for model in world.SCOPED:
            if model is AuditEntry:
                continue
            row = session.get_one(model, OWN)
            text = next(
                (c.key for c in inspect(model).column_attrs if c.key in ("name", "note", "label", "sheet")), None
            )
            if text:
                setattr(row, text, "Xã An Thạnh")
        session.flush()
