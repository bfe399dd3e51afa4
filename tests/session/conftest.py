"""The world of tests/world.py on both databases: one to read, shared by all, and a copy to change for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.current import acting_as
from app.database import Database, connect
from tests import conftest, world


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def to_read(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared_tmp: Path
) -> Iterator[Database]:
    """Nobody changes it, so one copy serves every test that only looks."""
    if request.param == "sqlite":
        url = conftest.sqlite_copy(tmp_path_factory.mktemp("world"), shared_tmp, "world")
    else:
        url = conftest.postgres_database(request.getfixturevalue("postgres"), shared_tmp, "world")
    database = connect(url)
    yield database
    database.engine.dispose()


@pytest.fixture
def as_clerk() -> Iterator[None]:
    with acting_as(world.clerk()):
        yield
