"""What a list writes to a file is read back from it: nothing is new, changed or asked about."""

import json
from pathlib import Path

import pytest

from app.cli import main
from app.database import Database
from app.services import importing
from models import Commune, CommuneSuccession, District
from models.base import Base

# Lists of places hold for a day; the days are those of the real lists.
DAYS: dict[type[Base], tuple[str, ...]] = {
    Commune: ("2017-10-15", "2021-02-01", "2025-01-01", "2025-07-01"),
    District: ("2017-10-15", "2021-02-01"),
}
LISTS = [
    (str(model.__screen__), f"on={day}" if day else "")
    for model in importing.importable()
    if model is not CommuneSuccession  # each change has a day of its own, and a file of them one for all
    for day in DAYS.get(model, ("",))
]


@pytest.mark.fill("demo")
@pytest.mark.parametrize(("screen", "query"), LISTS)
def test_an_exported_list_comes_back_the_same(
    database: Database,
    screen: str,
    query: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCOP_DATABASE_URL", str(database.engine.url))

    main(["export", screen, "--out", "a.xlsx", *(["--query", query] if query else [])])
    capsys.readouterr()
    main(["import", screen, "a.xlsx", "--dry-run", "--json"])

    found = json.loads(capsys.readouterr().out)
    same = found["counts"].pop("same")
    assert same > 0
    assert not any(found["counts"].values()), found
    assert not found.get("questions")
