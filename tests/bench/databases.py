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

VINH_LONG, THANH_PHU = "86", "29182"
# who, as the table names them: (user name, role, code of the province, code of the commune)
PEOPLE = {
    "administrator": ("quan.tri", Role.ADMINISTRATOR, "", ""),
    "province of four lives": ("vinh.long", Role.PROVINCE_CLERK, VINH_LONG, ""),
    "province": ("ha.noi", Role.PROVINCE_CLERK, "01", ""),
    "commune": ("thanh.phu", Role.COMMUNE_CLERK, "", THANH_PHU),
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
        _spread(database)
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
        for username, role, province, commune in PEOPLE.values():
            place: Province | Commune | None = None
            if province:
                place = accounts.place_named(session, Province, province, today=TODAY)
            elif commune:
                place = accounts.place_named(session, Commune, commune, today=TODAY)
            accounts.add_user(
                session,
                username=username,
                full_name=f"Trần {username.title()}",
                role=role,
                place=place,
                password=PASSWORD,
                force_change=False,
            )


def _spread(database: Database) -> None:
    """Give the commune some products however few there are, and each life of its province a share of them all."""
    with database.writing.begin() as session:
        commune = accounts.place_named(session, Commune, THANH_PHU, today=TODAY)
        new = commune.province_id
        clerk = accounts.actor_named(session, PEOPLE["province of four lives"][0])
        lives = sorted(clerk.area.provinces)
        statements = [
            f"UPDATE products SET commune_id = {commune.id}, province_id = {new} WHERE id <= 30",
            *(
                f"UPDATE products SET province_id = {life} WHERE province_id = {new} AND id % {len(lives)} = {turn}"
                for turn, life in enumerate(lives)
                if life != new
            ),
            "ANALYZE",
        ]
    with database.engine.execution_options(writes=True).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def environment(database: Path) -> dict[str, str]:
    """What a worker is started with: this database, and nothing of the caller's own settings.

    Nor his forbidding of bytecode, with which every start would compile all sources anew.
    """
    own = ("OCOP_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return kept | {
        "OCOP_DATABASE_URL": f"sqlite:///{database}",
        "OCOP_SECRET_KEY": "0123456789abcdef" * 4,
        "OCOP_FILES": str(folder() / "files"),
    }


def opened(database: Path) -> Database:
    return connect(settings(environment(database)).database_url)
