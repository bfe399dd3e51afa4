"""That the bench runs and prints every row; what it measures is no test's business."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.databases import PEOPLE, ROOT

EACH = (
    *("list page, 2,000 products, p50", "last page, 2,000 products, p50"),
    *("search “miến”, 2,000 products, p50", "search “mien”, 2,000 products, p50"),
    *("list page, 3,000 products, p50", "last page, 3,000 products, p50"),
    *("search “miến”, 3,000 products, p50", "search “mien”, 3,000 products, p50"),
    *("record page, p50", "record page, size", "edit form, p50", "edit form, size"),
    *("pages a second, 8 clients", "export, first byte"),
)
ONCE = (
    *("start to first page", "idle memory of a worker", "export, 2,000 products", "export, peak memory over idle"),
    *("list p95 during an export", "list p95 during an export, of idle"),
    *(f"map of {day}, 3,000 products{part}" for day in ("30/06/2025", "01/07/2025") for part in ("", ", agree")),
    *(f"import of 300 communes, {part}" for part in ("plan", "apply", "same again")),
    *(f"import of 300 products, {part}" for part in ("plan", "apply", "peak memory")),
    *("undo of 300 renamed communes", "list p95 during an import of 300", "list p95 during an import of 300, of idle"),
)


def test_the_bench_prints_every_measure_for_everybody(tmp_path: Path) -> None:
    sizes = ("--products", "2000", "--big", "3000")

    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--json", "--quick", *sizes],
        cwd=ROOT,
        env=os.environ | {"OCOP_BENCH_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    lines = json.loads(ran.stdout)
    seen = {(line["what"], line["who"]) for line in lines}
    assert {(what, who) for what in EACH for who in PEOPLE} <= seen
    assert set(ONCE) <= {what for what, _who in seen}
    assert [line["ok"] for line in lines if line["what"].endswith(", agree")] == [True, True]
    assert all(line["measured"] > 0 for line in lines if line["what"] != "export, peak memory over idle")


@pytest.mark.parametrize(("measured", "bar", "ok"), [(12, "<= 12", True), (12.1, "<= 12", False), (29, ">= 30", False)])
def test_a_bar_is_met_at_its_bound(measured: float, bar: str, ok: bool) -> None:
    from tests.bench.measures import Line

    assert Line("a page", "administrator", measured, "ms", None, bar).ok is ok
