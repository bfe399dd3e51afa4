"""Bring a database to the newest schema, and say whether it is there.

Alembic is imported when a database is migrated: a worker that only asks whether it is does without.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from app.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

# The newest revision of app/migrations/versions; a guard holds the two together.
HEAD = "0007"


def config() -> "Config":
    from alembic.config import Config

    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return found


def migrate(database: Database) -> None:
    """To head, in one transaction; harmless when already there."""
    from alembic import command

    settings = config()
    with database.engine.execution_options(writes=True).begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


def is_current(database: Database) -> bool:
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars()) == [HEAD]
