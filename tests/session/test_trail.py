"""What the trail keeps of a change: who, what, from what to what, in one transaction with it; both databases."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.current import acting_as, system
from app.database import Database
from app.session import UnnamedChangeError
from models import (
    AuditAction,
    AuditEntry,
    Commune,
    Entity,
    EntityKind,
    ImportRow,
    Product,
    ProductStatus,
    Rating,
    Representative,
    SessionRecord,
    User,
)
from models.base import now
from tests import world
from tests.world import FOREIGN, NEIGHBOUR, OWN

pytestmark = pytest.mark.fill("world")


@pytest.fixture(autouse=True)
def _as_province(any_database: Database) -> Any:
    with acting_as(world.province_clerk()) as who:
        yield who


def newest(database: Database, count: int = 0) -> Sequence[AuditEntry]:
    """Entries made by the test itself, oldest first."""
    with acting_as(system("kiểm thử")), database.reading() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.actor == "Lê Văn Tâm").order_by(AuditEntry.id)
        ).all()
    assert not count or len(entries) == count
    return entries


def test_a_new_row_is_kept_with_its_values(any_database: Database) -> None:
    with any_database.writing.begin() as session, session.doing("thêm chủ thể"):
        session.add(Entity(name="  Cơ sở   Giao Thạnh ", kind=EntityKind.HOUSEHOLD, commune_id=NEIGHBOUR))

    (entry,) = newest(any_database)
    assert (entry.action, entry.model, entry.row_id, entry.row_label) == (
        AuditAction.CREATE, "entities", 3, "Cơ sở Giao Thạnh",
    )  # fmt: skip
    assert (entry.actor, entry.user_id, entry.verb, entry.request_number) == (
        "Lê Văn Tâm", OWN, "thêm chủ thể", "7F3K-92QD",
    )  # fmt: skip
    assert (entry.province_id, entry.commune_id) == (OWN, NEIGHBOUR)
    assert now() - entry.at < timedelta(minutes=5)
    assert entry.changes == {
        "name": [None, "Cơ sở Giao Thạnh"],
        "kind": [None, "hkd"],
        "status": [None, "active"],
        "commune_id": [None, NEIGHBOUR, None, "Xã Giao Thạnh"],
        "province_id": [None, OWN, None, "Tỉnh Bến Tre"],
    }


def test_a_change_is_kept_from_what_to_what(any_database: Database) -> None:
    with any_database.writing.begin() as session, session.doing("sửa"):
        row = session.get_one(Product, OWN)
        row.status = ProductStatus.PAUSED
        row.packaging = "Hộp 250 g"
        session.get_one(Rating, OWN).mean_points = Decimal("80.25")

    changes = {entry.model: entry.changes for entry in newest(any_database, 2)}
    assert changes == {
        "products": {"packaging": ["", "Hộp 250 g"], "status": ["active", "paused"]},
        "ratings": {"mean_points": ["76.5", "80.25"]},
    }


def test_a_changed_link_is_kept_with_both_names(any_database: Database) -> None:
    with any_database.writing.begin() as session, session.doing("chuyển nơi sản xuất"):
        session.get_one(Product, OWN).commune_id = NEIGHBOUR
        session.flush()
        session.get_one(Product, OWN).commune = session.get_one(Commune, OWN)

    there, back = newest(any_database, 2)
    assert there.changes == {"commune_id": [OWN, NEIGHBOUR, "Xã An Thạnh", "Xã Giao Thạnh"]}
    assert back.changes == {"commune_id": [NEIGHBOUR, OWN, "Xã Giao Thạnh", "Xã An Thạnh"]}


def test_a_deleted_row_is_kept_with_its_values(any_database: Database) -> None:
    with any_database.writing.begin() as session, session.doing("xóa"):
        session.delete(session.get_one(Representative, OWN))

    (entry,) = newest(any_database)
    assert (entry.action, entry.row_label) == (AuditAction.DELETE, "Võ Thị Lụa")
    assert entry.changes["name"] == ["Võ Thị Lụa", None]
    assert entry.changes["entity_id"] == [OWN, None, "HTX Nông nghiệp An Thạnh", None]


def test_one_transaction_has_one_number_and_each_its_own(any_database: Database) -> None:
    for _ in range(2):
        with any_database.writing.begin() as session:
            with session.doing("sửa"):
                session.get_one(Product, OWN).description += "Dừa dẻo. "
            with session.begin_nested(), session.doing("sửa"):
                session.get_one(Entity, OWN).note += "Giao thứ hai. "
            with session.doing("sửa"):
                session.get_one(Product, OWN).description += "Không đường. "

    first, second = newest(any_database, 6)[:3], newest(any_database)[3:]
    assert len({entry.transaction for entry in first}) == 1
    assert len({entry.transaction for entry in second}) == 1
    assert first[0].transaction != second[0].transaction
    assert len(first[0].transaction) == 32


def test_what_a_batch_writes_carries_its_number(any_database: Database) -> None:
    with any_database.writing.begin() as session:
        with session.doing("nhập", batch_id=OWN):
            session.get_one(Product, OWN).packaging = "Hộp 250 g"
            with session.doing("nhập, chủ thể"):
                session.get_one(Entity, OWN).phone = "0275 3 870 001"
        with session.doing("sửa"):
            session.get_one(Product, OWN).packaging = "Hộp 500 g"

    assert [(entry.verb, entry.model, entry.batch_id) for entry in newest(any_database, 3)] == [
        ("nhập", "products", OWN),
        ("nhập, chủ thể", "entities", OWN),
        ("sửa", "products", None),
    ]


def test_a_change_made_before_a_verb_is_not_done_under_its_name(any_database: Database) -> None:
    with any_database.writing() as session:
        session.get_one(Product, OWN).packaging = "Hộp 250 g"

        with pytest.raises(UnnamedChangeError), session.doing("chuyển bước"):
            pass


def test_no_change_leaves_no_entry_and_no_version(any_database: Database) -> None:
    with any_database.writing.begin() as session, session.doing("sửa"):
        row = session.get_one(Product, OWN)
        row.name = " Mứt  dừa An Tha\u0323nh "  # the same letters, written apart
        row.packaging = "   "
        row.commune = session.get_one(Commune, OWN)
        row.entity_id = OWN

    assert newest(any_database) == []
    with any_database.reading() as session:
        assert session.get_one(Product, OWN).version == 1


def test_a_secret_is_never_in_the_trail(any_database: Database) -> None:
    with any_database.writing.begin() as session, session.doing("sửa tài khoản"):
        session.get_one(User, OWN).password_hash = "$argon2$moi"
        session.get_one(User, OWN).password_changed_at = world.ENTERED
        session.add(SessionRecord(token_hash="f" * 64, user_id=OWN, last_seen_at=world.ENTERED))
        session.add(
            User(username="lan", full_name="Hồ Thị Lan", role="leader", password_hash="$argon2$lan", province_id=OWN)
        )

    entries = newest(any_database, 3)
    assert {entry.model for entry in entries} == {"users", "session_records"}
    kept = " ".join(f"{entry.row_label} {entry.changes}" for entry in entries)
    assert "argon2" not in kept
    assert "f" * 64 not in kept
    assert "password_changed_at" in kept


def test_a_savepoint_that_was_rolled_back_leaves_no_entry(any_database: Database) -> None:
    with any_database.writing.begin() as session:
        with session.doing("sửa"):
            session.get_one(Entity, OWN).phone = "0275 3 870 001"
        with session.begin_nested() as savepoint, session.doing("sửa"):
            session.get_one(Product, OWN).packaging = "Hộp 250 g"
            session.flush()
            savepoint.rollback()
        with session.doing("sửa"):
            session.get_one(Entity, OWN).note = "Giao thứ hai"

    assert [entry.model for entry in newest(any_database)] == ["entities", "entities"]


def test_a_transaction_that_was_rolled_back_leaves_no_entry(any_database: Database) -> None:
    with any_database.writing() as session:
        with session.doing("sửa"):
            session.get_one(Product, OWN).packaging = "Hộp 250 g"
        session.rollback()

    assert newest(any_database) == []


def test_preview_rows_of_an_import_are_not_in_the_trail(any_database: Database) -> None:
    with any_database.writing.begin() as session, session.doing("nhập"):
        session.get_one(ImportRow, OWN).label = "Xã An Thạnh"

    assert newest(any_database) == []


def test_an_entry_lies_where_its_row_lies(any_database: Database) -> None:
    with acting_as(system("kiểm thử")), any_database.reading() as session:
        entries = session.scalars(select(AuditEntry)).all()

    places = {(e.model, e.row_id): (e.province_id, e.commune_id) for e in entries}
    assert places["provinces", FOREIGN] == (FOREIGN, None)
    assert places["districts", FOREIGN] == (FOREIGN, None)
    assert places["communes", NEIGHBOUR] == (OWN, NEIGHBOUR)
    assert places["step_records", FOREIGN] == (FOREIGN, FOREIGN)
    assert places["criteria", OWN] == (None, None)
