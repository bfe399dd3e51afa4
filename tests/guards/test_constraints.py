"""CHECK and UNIQUE of the models are in the migrated database, whether autogenerate compares them or not."""

import pytest
from sqlalchemy import CheckConstraint, Table, UniqueConstraint, inspect, text

from app.current import acting_as, system
from app.database import Database
from models import Base, Province, ProvinceKind
from tests import world

TABLES = [table for table in Base.metadata.sorted_tables if isinstance(table, Table)]


def checks(table: Table) -> set[str]:
    """Names of the checks of a table and of its columns."""
    declared = [*table.constraints, *(c for column in table.c for c in column.constraints)]
    names = {str(c.name) for c in declared if isinstance(c, CheckConstraint) and c.name}
    return {name if name.startswith("ck_") else f"ck_{table.name}_{name}" for name in names}


def test_every_check_and_unique_rule_is_one_of_the_database(any_database: Database) -> None:
    looked = inspect(any_database.engine)
    for table in TABLES:
        uniques = {tuple(sorted(c.columns.keys())) for c in table.constraints if isinstance(c, UniqueConstraint)}

        assert {c["name"] for c in looked.get_check_constraints(table.name)} == checks(table), table
        kept = {tuple(sorted(c["column_names"])) for c in looked.get_unique_constraints(table.name)}
        assert kept == uniques, table


def test_the_models_have_rules_to_compare() -> None:
    assert "ck_cycles_year" in {name for table in TABLES for name in checks(table)}


def test_every_table_of_sqlite_gives_an_id_once(database: Database) -> None:
    with database.engine.begin() as connection:
        made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
    without = {name for name, sql in made if name in Base.metadata.tables and "AUTOINCREMENT" not in sql}

    assert without == set()


@pytest.mark.fill("world")
def test_a_new_row_does_not_get_the_id_of_a_deleted_one(any_database: Database) -> None:
    def add(code: str) -> int:
        with any_database.writing.begin() as session:
            row = Province(code=code, name="Tỉnh An Giang", kind=ProvinceKind.PROVINCE, valid_from=world.SINCE)
            session.add(row)
            session.flush()
            return row.id

    with acting_as(system("kiểm thử")):
        first = add("89")
        with any_database.writing.begin() as session:
            session.delete(session.get_one(Province, first))

        assert add("91") > first
