"""The schema after all migrations is what the models say, and every searchable table has its index; both databases."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text

from app import schema
from app.current import acting_as, system
from app.database import Database, connect
from models import Product
from models.base import Searchable
from tests import world
from tests.world import OWN

SEARCHED = [model.__tablename__ for model in world.models() if issubclass(model, Searchable)]


def test_migrations_say_what_the_models_say(any_database: Database) -> None:
    settings = schema.config()
    with any_database.engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.check(settings)
    assert schema.is_current(any_database)
    assert ScriptDirectory.from_config(settings).get_heads() == [schema.HEAD]


def test_an_empty_database_is_not_current(tmp_path: Path) -> None:
    assert not schema.is_current(connect(f"sqlite:///{tmp_path / 'empty.db'}"))


def test_migrating_again_is_harmless(any_database: Database) -> None:
    schema.migrate(any_database)

    assert schema.is_current(any_database)


@pytest.mark.fill("world")
def test_every_version_leads_back_and_forth_with_rows_in_it(any_database: Database) -> None:
    settings = schema.config()
    versions = [each.revision for each in ScriptDirectory.from_config(settings).walk_revisions()]
    with any_database.engine.execution_options(writes=True).begin() as connection:
        settings.attributes["connection"] = connection
        rows = connection.execute(text("SELECT count(*) FROM ratings")).scalar_one()
        assert rows
        for version in versions[1:]:
            command.downgrade(settings, version)
        command.upgrade(settings, schema.HEAD)
        command.check(settings)
        assert connection.execute(text("SELECT count(*) FROM ratings")).scalar_one() == rows
        if any_database.is_sqlite:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


@pytest.mark.fill("world")
def test_every_searchable_table_has_its_trigram_index(any_database: Database) -> None:
    with any_database.engine.begin() as connection:
        if any_database.is_sqlite:
            found = set(connection.execute(text("SELECT name FROM sqlite_master")).scalars())
            for table in SEARCHED:
                assert {f"{table}_fts", *(f"{table}_fts_{when}" for when in ("insert", "update", "delete"))} <= found
                connection.execute(text(f"INSERT INTO {table}_fts({table}_fts) VALUES ('integrity-check')"))
                rows = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
                assert connection.execute(text(f"SELECT count(*) FROM {table}_fts")).scalar() == rows
        else:
            found = set(connection.execute(text("SELECT indexname FROM pg_indexes")).scalars())
            assert {f"ix_{table}_search_text_trgm" for table in SEARCHED} <= found


@pytest.mark.fill("world")
def test_the_index_follows_changes_and_deletions(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        session.get_one(Product, OWN).name = "Kẹo chuối"
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO products_fts(products_fts) VALUES ('integrity-check')"))
        found = connection.execute(
            text("SELECT rowid FROM products_fts WHERE products_fts MATCH '\"chuoi\"'")
        ).scalars()
        assert list(found) == [OWN]


def test_every_placed_table_has_the_indexes_a_list_needs(any_database: Database) -> None:
    listed: Any = [m for m in world.SCOPED if m.__screen__ and hasattr(m, "commune_id") and issubclass(m, Searchable)]
    looked = inspect(any_database.engine)

    assert listed
    for model in listed:
        indexes = [tuple(index["column_names"]) for index in looked.get_indexes(model.__tablename__)]
        for place in ("province_id", "commune_id"):
            assert any(columns[:1] == (place,) and columns[-1:] == ("id",) for columns in indexes), (model, place)


def test_every_link_is_a_foreign_key_of_the_database(any_database: Database) -> None:
    looked = inspect(any_database.engine)
    for model in world.models():
        kept = {c for key in looked.get_foreign_keys(model.__tablename__) for c in key["constrained_columns"]}
        wanted = {c.name for c in model.__table__.c if c.foreign_keys}
        assert kept == wanted, model


def test_readiness_can_be_asked(any_database: Database) -> None:
    from models import Grant

    with acting_as(system("kiểm thử")), any_database.reading() as session:
        assert session.scalars(select(Grant)).all() == []
