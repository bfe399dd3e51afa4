"""The whole site on a copy of the demo year, with clerks who sign in as people do."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from admin_views import import_jobs
from app.config import Settings
from app.current import acting_as, system
from app.database import Database, connect
from app.main import create_app
from app.session import OcopSession
from tests.conftest import DEMO_PASSWORD, Visit, sqlite_copy

Clerk = Callable[[str], TestClient]


def settings_for(url: str, folder: Path) -> Settings:
    return Settings(
        database_url=url,
        secret_key="k" * 40,
        host="127.0.0.1",
        port=8000,
        allowed_hosts=("testserver", "127.0.0.1", "localhost"),
        trusted_proxies="127.0.0.1",
        files=folder / "files",
        env="dev",
    )


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page waits for its job as long as a busy machine takes; the page of a running job has tests of its own."""
    monkeypatch.setattr(import_jobs, "MOMENT", 60)


@pytest.fixture
def demo(tmp_path: Path, shared_tmp: Path) -> Iterator[Database]:
    opened = connect(sqlite_copy(tmp_path, shared_tmp, "demo"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def site(demo: Database, tmp_path: Path) -> Starlette:
    return create_app(settings_for(str(demo.engine.url), tmp_path), demo)


@pytest.fixture
def clerk(site: Starlette, visit: Visit) -> Clerk:
    """Sign in by name."""

    def signed_in(username: str) -> TestClient:
        client = visit(site)
        answer = client.post("/admin/login", data={"username": username, "password": DEMO_PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    return signed_in


@pytest.fixture
def look(demo: Database) -> Iterator[OcopSession]:
    """What is stored, seen by the system; `rollback()` looks again."""
    with acting_as(system("kiểm thử")), demo.reading() as session:
        yield session
