"""`python -m tests.bench [--json] [--products N] [--big N] [--only NAME …] [--quick]`: a table; always exits 0."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict

from tests.bench.databases import database_of
from tests.bench.measures import BIG, MEASURES, Bench, Line


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--products", type=int, default=200_000)
    parser.add_argument("--big", type=int, default=1_000_000)
    parser.add_argument("--only", action="append", choices=list(MEASURES), help="may be given several times")
    parser.add_argument("--quick", action="store_true", help="only see that it runs; the numbers mean nothing")
    chosen = parser.parse_args(arguments)
    names = chosen.only or list(MEASURES)
    normal = database_of(chosen.products, _say)
    big = database_of(chosen.big, _say) if BIG & set(names) else normal
    lines: list[Line] = []
    if not chosen.json:
        print(f"{'what':42} {'who':22} {'measured':>10} {'raw limit':>10} {'ratio':>6}  {'bar':10} ok")
    with ExitStack() as stack:
        bench = Bench(stack, normal, big, size=chosen.products, big_size=chosen.big, quick=chosen.quick)
        for name in names:
            for line in MEASURES[name](bench):
                lines.append(line)
                if not chosen.json:
                    print(_row(line), flush=True)
    if chosen.json:
        print(json.dumps([asdict(line) | {"ok": line.ok} for line in lines], ensure_ascii=False, indent=1))
    return 0


def _row(line: Line) -> str:
    limit = "" if line.limit is None else f"{line.limit:,.3g}" if line.limit < 100 else f"{line.limit:,.0f}"
    measured = f"{line.measured:,.3g}" if line.measured < 100 else f"{line.measured:,.0f}"
    ratio = f"{line.measured / line.limit:.1f}" if line.limit else ""
    ok = ("yes" if line.ok else "NO") if line.bar else ""
    return f"{line.what:42} {line.who:22} {measured:>6} {line.unit:6} {limit:>8} {ratio:>6}  {line.bar:10} {ok}"


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
