"""Databases of volume data with an account for every role measured; built once, kept in OCOP_BENCH_DIR."""

import hashlib
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

from app import schema
from app.config import load as settings
from app.current import acting_as, system
from app.database import Database, connect
from app.services import accounts
from models import Commune, Province, Role
from seed import reference, volume

ROOT = Path(__file__).parents[2]
MADE_FROM = (
    "seed/volume.py",
    "seed/reference.py",
    "seed/data/*.csv",
    "app/migrations/versions/*.py",
    "tests/bench/databases.py",
)
PASSWORD = "đo tốc độ trang"
TODAY = date(2026, 11, 23)

# who, as the table names them: (user name, role, model and code of the place)
PEOPLE: dict[str, tuple[str, Role, type[Province] | type[Commune] | None, str]] = {
    "administrator": ("quan.tri", Role.ADMINISTRATOR, None, ""),
    "province of four lives": ("vinh.long", Role.PROVINCE_CLERK, Province, "86"),
    "province": ("ha.noi", Role.PROVINCE_CLERK, Province, "01"),
    "commune": ("thanh.phu", Role.COMMUNE_CLERK, Commune, "29182"),
}


def folder() -> Path:
    found = Path(os.environ.get("OCOP_BENCH_DIR", ROOT / "build" / "bench"))
    found.mkdir(parents=True, exist_ok=True)
    return found


def database_of(products: int, say: Callable[[str], None]) -> Path:
    """The file with so many products; made anew when what it is made from has changed."""
    wanted = folder() / f"{products}-{_digest()}.db"
    if wanted.exists():
        return wanted
    for old in folder().glob(f"{products}-*"):
        old.unlink()
    making = wanted.with_suffix(".making")
    making.unlink(missing_ok=True)
    say(f"building {products:,} products in {wanted.name}")
    database = connect(f"sqlite:///{making}")
    with acting_as(system("đo tốc độ")):
        schema.migrate(database)
        reference.load(database)
        if products:
            volume.load(database, products=products, say=say)
        _add_people(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.engine.dispose()
    making.rename(wanted)
    return wanted


def _digest() -> str:
    taken = hashlib.sha256()
    for pattern in MADE_FROM:
        for file in sorted(ROOT.glob(pattern)):
            taken.update(file.read_bytes())
    return taken.hexdigest()[:12]


def _add_people(database: Database) -> None:
    with database.writing.begin() as session:
        for username, role, level, code in PEOPLE.values():
            place = accounts.place_named(session, level, code, today=TODAY) if level else None
            accounts.add_user(
                session,
                username=username,
                full_name=f"Trần {username.title()}",
                role=role,
                place=place,
                password=PASSWORD,
                force_change=False,
            )


def environment(database: Path) -> dict[str, str]:
    """What a worker is started with: this database, and nothing of the caller's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OCOP_")}
    return kept | {
        "OCOP_DATABASE_URL": f"sqlite:///{database}",
        "OCOP_SECRET_KEY": "0123456789abcdef" * 4,
        "OCOP_FILES": str(folder() / "files"),
    }


def opened(database: Path) -> Database:
    return connect(settings(environment(database)).database_url)
