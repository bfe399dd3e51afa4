"""`ocop import boundary`: what it prints, how it exits, what it stored."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.cli import main
from app.current import acting_as, system
from app.database import Database
from models import Boundary

Run = Callable[..., tuple[int, str, str]]
RING = [[106.3, 10.2], [106.4, 10.2], [106.4, 10.3], [106.3, 10.2]]
BOW_TIE = [[106.3, 10.2], [106.4, 10.3], [106.4, 10.2], [106.3, 10.3], [106.3, 10.2]]

pytestmark = pytest.mark.fill("world")


@pytest.fixture
def ocop(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCOP_DATABASE_URL", str(database.engine.url))

    def run(*words: str, ring: object = RING) -> tuple[int, str, str]:
        shapes = [("29230", RING), ("29227", ring)]
        features = [
            {"properties": {"ma_xa": code}, "geometry": {"type": "Polygon", "coordinates": [corners]}}
            for code, corners in shapes
        ]
        Path("xa.geojson").write_text(json.dumps({"features": features}), encoding="utf-8")
        code = main(["import", "boundary", "xa.geojson", "--as-of", "2025-06-01", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def kept(database: Database) -> int:
    with acting_as(system("kiểm thử")), database.reading() as session:
        return session.scalar(select(func.count(Boundary.id)).where(Boundary.geometry != "{}")) or 0


def test_a_file_is_kept_and_counted(ocop: Run, database: Database) -> None:
    assert ocop() == (
        0,
        "Ranh giới tại ngày 01/06/2025: 2 mới, 0 thay đổi, 0 giữ nguyên, 0 bị từ chối.\n",
        "",
    )
    assert kept(database) == 2
    assert "0 mới, 0 thay đổi, 2 giữ nguyên" in ocop()[1]


def test_one_bad_shape_keeps_the_file_out_unless_partial(ocop: Run, database: Database) -> None:
    code, _out, err = ocop(ring=BOW_TIE)

    assert code == 1
    assert "Hình 2, “geometry”: Xã An Thạnh: Đường ranh giới tự cắt" in err
    assert "Chưa ghi hình nào" in err
    assert kept(database) == 0

    code, _out, _err = ocop("--partial", ring=BOW_TIE)

    assert (code, kept(database)) == (0, 1)


def test_a_dry_run_writes_nothing_and_says_so_in_json(ocop: Run, database: Database) -> None:
    code, out, _err = ocop("--dry-run", "--json", ring=BOW_TIE)

    said = json.loads(out)
    assert code == 0
    assert said["batch"] is None
    assert said["counts"] == {"new": 1, "changed": 0, "same": 0, "refused": 1, "skipped": 0}
    assert [(problem["line"], problem["column"]) for problem in said["problems"]] == [(2, "geometry")]
    assert kept(database) == 0


def test_a_file_that_is_not_there_is_refused(ocop: Run, database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    ocop()  # so that the database is there and only the file is missing
    before = kept(database)

    assert main(["import", "boundary", "khong-co.geojson", "--as-of", "2025-06-01"]) == 1
    assert "Không thấy tệp “khong-co.geojson”" in capsys.readouterr().err
    assert kept(database) == before == 2


def test_a_file_that_is_too_large_is_refused(ocop: Run, capsys: pytest.CaptureFixture[str]) -> None:
    ocop("--dry-run")
    with open("lon.geojson", "wb") as file:
        file.truncate(200 * 1024 * 1024)

    assert main(["import", "boundary", "lon.geojson", "--as-of", "2025-06-01"]) == 1
    assert "Tệp lớn hơn 20 MB. Giản lược đường ranh giới" in capsys.readouterr().err


def test_boundaries_without_a_day_are_refused(
    ocop: Run, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    ocop("--dry-run")

    assert main(["import", "boundary", "xa.geojson"]) == 1
    assert "Cho biết ranh giới tại ngày nào: --as-of" in capsys.readouterr().err
    assert kept(database) == 0
