"""The engine: one SQLite file for one office, one PostgreSQL for the country; set up so that transactions hold."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import sessionmaker

from app.session import OcopSession

# Starlette runs endpoints' blocking work on up to 40 threads; a smaller pool answers 500 under load (SQLADMIN 2.4).
POOL_SIZE = 40
# How long a SQLite transaction waits for another writer, in milliseconds; less where `lock_wait` says so.
LOCK_WAIT = 10_000


@dataclass(frozen=True)
class Database:
    """reading: transactions that only look. writing: transactions that take SQLite's write lock when they begin."""

    engine: Engine
    reading: sessionmaker[OcopSession]
    writing: sessionmaker[OcopSession]

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"


def connect(url: str, *, pool_size: int = POOL_SIZE) -> Database:
    """Open a database; nothing is created or migrated."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=4,
        pool_pre_ping=parsed.drivername != "sqlite",
        json_serializer=_as_json,
        json_deserializer=orjson.loads,
    )
    if engine.dialect.name == "sqlite":
        _hold_transactions(engine)
    writer = engine.execution_options(writes=True)
    return Database(
        engine=engine,
        reading=sessionmaker(engine, class_=OcopSession, expire_on_commit=False),
        writing=sessionmaker(writer, class_=OcopSession, expire_on_commit=False, info={"writes": True}),
    )


def _as_json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _hold_transactions(engine: Engine) -> None:
    """With the driver's defaults a released savepoint survives the outer rollback, and a read that turns into a
    write fails at once with "database is locked"; so BEGIN is ours, and IMMEDIATE for those that write.
    """

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            f"busy_timeout={LOCK_WAIT}",
            "synchronous=FULL",
            "temp_store=FILE",  # in memory a savepoint would hold every page that a long import changes, 7 KB a row
            "mmap_size=2147418112",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # SQLite's
        driver.execute(f"PRAGMA busy_timeout={int(options.get('lock_wait', LOCK_WAIT))}")
        if options.get("writes", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")
