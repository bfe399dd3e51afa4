"""The promise: two small classes make a screen with everything on it."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.database import Database

HERE = Path(__file__).parent


def test_one_more_table_takes_under_25_lines() -> None:
    declared = (HERE / "low_code.py").read_text(encoding="utf-8").partition("class Inspection(")[2]

    assert len([line for line in declared.splitlines() if line.strip()]) < 25


@pytest.mark.fill("world")
def test_two_small_classes_make_a_screen(database: Database, tmp_path: Path) -> None:
    """In a process of its own: the new model must not be there for the other tests."""
    run = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "tests.guards.clerk_of_low_code",
            str(database.engine.url),
            str(tmp_path),
        ],
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    worked = ["list", "create", "details", "edit", "search", "filter", "export", "history", "delete", "rights", "area"]
    assert run.stdout.split() == worked
