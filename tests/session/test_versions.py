"""Two save at once: the second is refused, whatever way it comes; both databases."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.current import Actor, acting_as, system
from app.database import Database
from app.session import OcopSession, StaleVersion, UnnamedChangeError
from models import EVERYTHING, Product, Rating, User
from tests import world
from tests.world import OWN

pytestmark = pytest.mark.fill("world")
# SQLite lets one transaction write at a time: tests/session/test_transactions.py.
OVERLAPPING = pytest.mark.parametrize("any_database", ["postgresql"], indirect=True)


@contextmanager
def clerk(database: Database) -> Iterator[OcopSession]:
    with acting_as(world.clerk()), database.writing.begin() as session:
        yield session


def name_and_version(database: Database) -> tuple[str, int]:
    with acting_as(system("kiểm thử")), database.reading() as session:
        row = session.get_one(Product, OWN)
        return row.name, row.version


def test_a_change_without_the_version_seen_is_refused(any_database: Database) -> None:
    with pytest.raises(UnnamedChangeError), clerk(any_database) as session:
        session.get_one(Product, OWN).name = "Mứt dừa non"
    with pytest.raises(UnnamedChangeError), clerk(any_database) as session:
        session.delete(session.get_one(Rating, OWN))

    assert name_and_version(any_database) == ("Mứt dừa An Thạnh", 1)


def test_a_change_of_the_version_seen_is_saved(any_database: Database) -> None:
    with clerk(any_database) as session:
        session.saw(Product, OWN, 1)
        session.get_one(Product, OWN).name = "Mứt dừa non"

    assert name_and_version(any_database) == ("Mứt dừa non", 2)


def test_a_change_in_a_named_verb_needs_no_version(any_database: Database) -> None:
    with clerk(any_database) as session, session.doing("đổi tên"):
        session.get_one(Product, OWN).name = "Mứt dừa non"

    assert name_and_version(any_database) == ("Mứt dừa non", 2)


def test_a_stale_version_is_refused_even_in_a_named_verb(any_database: Database) -> None:
    for verb in ("", "đổi tên"):
        with acting_as(world.clerk()), any_database.writing() as session:
            session._verb = verb
            session.saw(Product, OWN, 7)
            session.get_one(Product, OWN).name = "Mứt dừa non"
            with pytest.raises(StaleVersion, match="“Mứt dừa non”"):
                session.flush()

    assert name_and_version(any_database) == ("Mứt dừa An Thạnh", 1)


def test_one_who_saw_a_row_may_change_it_more_than_once(any_database: Database) -> None:
    with clerk(any_database) as session:
        session.saw(Product, OWN, 1)
        row = session.get_one(Product, OWN)
        with session.begin_nested() as savepoint:
            row.name = "Mứt dừa dẻo"
            session.flush()
            savepoint.rollback()
        row.name = "Mứt dừa non"
        session.flush()
        row.packaging = "Hộp 250 g"

    assert name_and_version(any_database) == ("Mứt dừa non", 3)


@OVERLAPPING
def test_of_two_overlapping_transactions_the_second_is_refused(any_database: Database) -> None:
    with acting_as(world.clerk()), any_database.writing() as slow:
        slow.saw(Product, OWN, 1)
        row = slow.get_one(Product, OWN)
        with acting_as(system("kiểm thử")), any_database.writing.begin() as quick:
            quick.get_one(Product, OWN).packaging = "Hộp 250 g"
        row.name = "Mứt dừa non"

        with pytest.raises(StaleVersion, match="“Mứt dừa non” vừa được người khác sửa"):
            slow.flush()

    assert name_and_version(any_database) == ("Mứt dừa An Thạnh", 2)


@OVERLAPPING
def test_of_two_overlapping_deletions_the_second_is_refused(any_database: Database) -> None:
    administrator = Actor("Phan Quốc Việt", EVERYTHING, OWN)
    with acting_as(administrator), any_database.writing() as slow:
        row = slow.get_one(Rating, OWN)
        with acting_as(system("kiểm thử")), any_database.writing.begin() as quick:
            quick.delete(quick.get_one(Rating, OWN))

        with pytest.raises(StaleVersion), slow.doing("xóa"):
            slow.delete(row)


def test_a_system_actor_needs_no_version(any_database: Database) -> None:
    with acting_as(system("nạp dữ liệu")), any_database.writing.begin() as session:
        session.get_one(Product, OWN).name = "Mứt dừa non"

    assert name_and_version(any_database) == ("Mứt dừa non", 2)


def test_a_quiet_change_of_derived_columns_is_no_new_version(any_database: Database) -> None:
    with acting_as(system("kiểm thử")), any_database.writing.begin() as session:
        session.get_one(User, OWN).full_name = "Nguyễn Thị Thanh Bình"
        session.get_one(Product, OWN).entity.name = "HTX Dừa An Thạnh"

    assert name_and_version(any_database) == ("Mứt dừa An Thạnh", 1)
