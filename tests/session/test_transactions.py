"""SQLite's transactions hold as PostgreSQL's do: savepoints, write locks, foreign keys."""

import threading
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.current import acting_as, system
from app.database import Database
from app.session import StaleVersion
from models import Entity, Product
from tests import world
from tests.world import OWN

pytestmark = [pytest.mark.fill("world"), pytest.mark.usefixtures("as_system")]


def packaging(database: Database) -> str:
    with database.reading() as session:
        return session.get_one(Product, OWN).packaging


def test_a_released_savepoint_does_not_survive_the_outer_rollback(any_database: Database) -> None:
    with any_database.writing() as session:
        with session.begin_nested():
            session.get_one(Product, OWN).packaging = "Hộp 250 g"
        session.rollback()

    assert packaging(any_database) == ""


def test_a_rolled_back_savepoint_leaves_the_rest(any_database: Database) -> None:
    with any_database.writing.begin() as session:
        session.get_one(Product, OWN).packaging = "Hộp 250 g"
        session.flush()
        with session.begin_nested() as savepoint:
            session.get_one(Product, OWN).packaging = "Hộp 500 g"
            session.flush()
            savepoint.rollback()

    assert packaging(any_database) == "Hộp 250 g"


def test_a_missing_link_is_refused_by_the_database(any_database: Database) -> None:
    with any_database.writing() as session:
        session.add(Product(name="Kẹo dừa", entity_id=999, commune_id=OWN))
        with pytest.raises(IntegrityError):
            session.flush()


def test_a_row_still_in_use_is_not_deleted(any_database: Database) -> None:
    with any_database.writing() as session:
        session.delete(session.get_one(Entity, OWN))
        with pytest.raises(IntegrityError):
            session.flush()


def test_two_writers_wait_for_each_other(any_database: Database) -> None:
    """Each reads, then writes: with a deferred transaction SQLite answers “database is locked” at once."""
    begun, wrong = threading.Barrier(2, timeout=20), []

    def add_one() -> None:
        begun.wait()
        try:
            with acting_as(system("kiểm thử")), any_database.writing.begin() as session:
                row = session.get_one(Product, OWN, with_for_update=True)
                row.packaging += "1"
        except Exception as error:  # whatever it is, the test shows it
            wrong.append(error)

    threads = [threading.Thread(target=add_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert wrong == []
    assert packaging(any_database) == "11"


def test_the_second_of_two_clerks_who_saw_the_same_version_is_refused(any_database: Database) -> None:
    """On both databases, whether the second waits for the lock or finds the row changed under it."""
    begun, refused, wrong = threading.Barrier(2, timeout=20), [], []

    def save() -> None:
        begun.wait()
        try:
            with acting_as(world.clerk()), any_database.writing.begin() as session:
                session.saw(Product, OWN, 1)
                session.get_one(Product, OWN).packaging += "1"
        except StaleVersion as error:
            refused.append(error)
        except Exception as error:  # whatever it is, the test shows it
            wrong.append(error)

    threads = [threading.Thread(target=save) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert (len(refused), wrong) == (1, [])
    assert packaging(any_database) == "1"


def test_a_reader_is_not_held_up_by_a_writer(any_database: Database) -> None:
    with any_database.writing() as writer:
        writer.get_one(Product, OWN).packaging = "Hộp 250 g"
        writer.flush()

        assert packaging(any_database) == ""
        writer.commit()
    assert packaging(any_database) == "Hộp 250 g"


def test_sqlite_is_set_up_so_that_nothing_is_lost(database: Database) -> None:
    with database.engine.connect() as connection:

        def pragma(name: str) -> Any:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert [pragma(n) for n in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")] == [
            "wal", 1, 2, 10_000,
        ]  # fmt: skip
        assert pragma("integrity_check") == "ok"
        assert pragma("foreign_key_check") is None
