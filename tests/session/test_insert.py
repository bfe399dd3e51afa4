"""Rows stored by `insert` are what a flush would have stored, and refused where a flush refuses; both databases."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError

from app.current import acting_as, system
from app.database import Database
from app.services.importing.kinds import importable
from app.session import InvalidRow, OcopSession, OutsideArea, UnnamedChangeError
from models import AuditEntry, Commune, CommuneSuccession, District, Entity, EntityKind, Participation, Product
from models.base import Base
from tests import world
from tests.world import FOREIGN, OWN

pytestmark = pytest.mark.fill("world")

# What of the row that the world has must be otherwise in a second one.
OTHERWISE: dict[type[Base], dict[str, Any]] = {
    Commune: {"code": "29998", "name": "Xã Phú Đông"},
    District: {"code": "899"},
    CommuneSuccession: {"old_id": OWN, "new_id": FOREIGN},
    Entity: {"tax_code": None, "name": "Cơ sở Bến Trại"},
    Participation: {"cycle_id": FOREIGN},
}
NOT_COMPARED = {"id", "row_id", "at", "transaction", "created_at", "updated_at"}
DERIVED = {"search_text", "sort_key", "version"}


def values_of(session: OcopSession, model: type[Base]) -> dict[str, Any]:
    row = session.get_one(model, OWN)
    names = {prop.key for prop in inspect(model).column_attrs} - NOT_COMPARED - DERIVED
    return {name: getattr(row, name) for name in names} | OTHERWISE.get(model, {})


def newest(session: OcopSession, model: type[Base], *, without: str = "") -> dict[str, str]:
    """The columns of the row written last, as text; without: an id that only a database without gaps gives again."""
    names = [prop.key for prop in inspect(model).column_attrs if prop.key not in NOT_COMPARED]
    columns = [getattr(model, name) for name in names]
    values = session.execute(select(*columns).order_by(model.id.desc()).limit(1)).one()
    return {name: repr(value).replace(f"số {without}'", "") for name, value in zip(names, values, strict=True)}


def store(session: OcopSession, row: Base, *, inserted: bool) -> None:
    with session.doing("nhập liệu"):
        if inserted:
            session.insert([row])
        else:
            session.add(row)


@pytest.mark.parametrize("model", importable(), ids=lambda model: model.__tablename__)
def test_an_inserted_row_is_what_a_flush_makes_of_it(any_database: Database, model: type[Base]) -> None:
    found = []
    for inserted in (False, True):
        with acting_as(system("kiểm thử")), any_database.writing() as session, session.begin():
            row = model(**values_of(session, model))
            store(session, row, inserted=inserted)
            entry = newest(session, AuditEntry, without=str(row.id))
            if model is Commune:
                assert entry.pop("commune_id") == str(row.id)
            found.append((newest(session, model), entry))
            session.rollback()

    assert found[0] == found[1]
    assert model.__tablename__ in found[0][1]["model"]


def test_inserted_rows_have_their_ids_and_lie_where_their_parent_lies(any_database: Database) -> None:
    rows = [Product(name=f"Kẹo dừa {number}", entity_id=OWN, commune_id=OWN) for number in range(3)]
    with acting_as(world.province_clerk()), any_database.writing.begin() as session, session.doing("nhập liệu"):
        session.insert(rows)

    with acting_as(world.clerk()), any_database.reading() as session:
        kept = [session.get_one(Product, row.id) for row in rows]
        assert [(row.name, row.province_id, row.search_text) for row in kept] == [
            (f"Kẹo dừa {number}", OWN, f"keo dua {number} | htx nong nghiep an thanh") for number in range(3)
        ]


@pytest.mark.parametrize(
    "row",
    [
        lambda: Product(name="Kẹo dừa", entity_id=FOREIGN, commune_id=OWN),
        lambda: Product(name="Kẹo dừa", entity_id=OWN, commune_id=FOREIGN),
        lambda: Entity(name="Cơ sở Bến Trại", kind=EntityKind.HOUSEHOLD, commune_id=FOREIGN),
    ],
)
def test_what_lies_outside_the_area_is_not_inserted(any_database: Database, row: Any) -> None:
    with (
        acting_as(world.province_clerk()),
        pytest.raises((OutsideArea, IntegrityError)),
        any_database.writing.begin() as session,
        session.doing("nhập liệu"),
    ):
        session.insert([row()])


def test_a_row_with_a_fault_is_not_inserted(any_database: Database) -> None:
    dated = {"valid_from": date(2020, 2, 1), "valid_to": date(2020, 1, 1), "kind": "xa", "province_id": OWN}
    with (
        acting_as(system("kiểm thử")),
        pytest.raises(InvalidRow),
        any_database.writing.begin() as session,
        session.doing("nhập liệu"),
    ):
        session.insert([Commune(code="29999", name="Xã Phú Đông", **dated)])


def product() -> Product:
    return Product(name="Kẹo dừa", entity_id=OWN, commune_id=OWN)


def test_rows_are_inserted_under_a_named_verb(any_database: Database) -> None:
    with (
        acting_as(world.province_clerk()),
        pytest.raises(UnnamedChangeError),
        any_database.writing.begin() as session,
    ):
        session.insert([product()])


def test_a_reading_session_inserts_nothing(any_database: Database) -> None:
    with (
        acting_as(world.province_clerk()),
        pytest.raises(UnnamedChangeError),
        any_database.reading.begin() as session,
        session.doing("nhập liệu"),
    ):
        session.insert([product()])


def test_a_rehearsal_leaves_neither_rows_nor_trail(any_database: Database) -> None:
    with acting_as(world.province_clerk()), any_database.writing.begin() as session:
        before = len(session.scalars(select(AuditEntry.id)).all())
        with session.doing("nhập liệu"), session.rehearsing():
            session.insert([product()])
            session.add(Product(name="Kẹo chuối", entity_id=OWN, commune_id=OWN))
            session.flush()
        assert not session.scalars(select(Product.id).where(Product.name.startswith("Kẹo"))).all()
        assert len(session.scalars(select(AuditEntry.id)).all()) == before
