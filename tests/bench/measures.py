"""Every measure with its bar and its raw limit; each gives the best of several rounds, for the machine has others."""

import csv
import gc
import hashlib
import io
import json
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select

from app import schema
from app.current import Actor, acting_as, system
from app.database import Database, connect
from app.main import GARBAGE_AFTER
from app.services import accounts, importing, jobs
from app.services.geography import Level, Summary, summary
from app.services.importing import originals, undoing
from models import BatchState, Commune, Entity, ImportBatch, Job, JobTask, Product
from models.base import Area, Base
from models.rules.places import LAST_OF_DISTRICTS, NO_DISTRICTS_FROM
from models.rules.words import day
from tests.bench.databases import PEOPLE, TODAY, environment, opened
from tests.bench.worker import Client, Worker, worker

COMMUNES = 10_600
PRODUCTS = 200_000
RARE, FOLDED = "miến", "mien"


@dataclass(frozen=True)
class Line:
    """One row of the table. limit: the same of the raw limit, None where there is none. bar: "<= 12" or ""."""

    what: str
    who: str
    measured: float
    unit: str
    limit: float | None = None
    bar: str = ""

    @property
    def ok(self) -> bool:
        if not self.bar:
            return True
        sign, value = self.bar.split()
        return self.measured <= float(value) if sign == "<=" else self.measured >= float(value)


class Bench:
    """Workers on the two databases, one client of each of PEOPLE, and the bare server beside them.

    quick: hardly any rounds, to see that it runs; the numbers mean nothing then.
    """

    def __init__(self, stack: ExitStack, normal: Path, big: Path, *, size: int, big_size: int, quick: bool) -> None:
        self.stack, self.size, self.big_size, self.quick = stack, size, big_size, quick
        self.files = {"normal": normal, "big": big}
        self.areas = _areas(normal)
        self._workers: dict[tuple[str, bool], Worker] = {}
        self._clients: dict[tuple[str, str], Client] = {}

    def worker(self, which: str = "normal", *, bare: bool = False) -> Worker:
        if (which, bare) not in self._workers:
            self._workers[which, bare] = self.stack.enter_context(worker(self.files[which], bare=bare))
        return self._workers[which, bare]

    def client(self, who: str, which: str = "normal") -> Client:
        if (who, which) not in self._clients:
            self._clients[who, which] = Client(self.worker(which).port, who)
        return self._clients[who, which]

    def bare(self, which: str = "normal") -> Client:
        return Client(self.worker(which, bare=True).port)

    def bare_list(self, who: str, **more: str) -> str:
        """Address of the bare server's list for the area of a person."""
        area = self.areas[who]
        if area.everything:
            place = {"places": "0"}
        elif area.provinces:
            place = {"column": "province_id", "places": ",".join(map(str, sorted(area.provinces)))}
        else:
            place = {"column": "commune_id", "places": ",".join(map(str, sorted(area.communes)))}
        return f"/list?{urlencode(place | more)}"


def _areas(file: Path) -> dict[str, Area]:
    database = opened(file)
    with acting_as(system("đo tốc độ")), database.reading() as session:
        found = {who: accounts.actor_named(session, name).area for who, (name, *_) in PEOPLE.items()}
    database.engine.dispose()
    return found


def _p50(bench: Bench, client: Client, path: str) -> float:
    if bench.quick:
        return client.seconds(path, times=1)[0] * 1000
    client.seconds(path, times=10)
    return min(statistics.median(client.seconds(path, times=40)) for _ in range(5)) * 1000


def _p95(seconds: Sequence[float]) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] * 1000


# ---- pages ---------------------------------------------------------------------------------------------------


def start(bench: Bench) -> Iterator[Line]:
    """From the process to its first page, and what it takes then."""
    cookie = bench.client("administrator").cookie
    found = []
    for bare in (False, True):
        seconds, megabytes = [], []
        for _ in range(1 if bench.quick else 3):
            with worker(bench.files["normal"], bare=bare) as fresh:
                Client(fresh.port, cookie=cookie).get("/list?places=0" if bare else "/admin/product/list")
                seconds.append(time.perf_counter() - fresh.started)
                megabytes.append(fresh.megabytes())
        found.append((min(seconds), min(megabytes)))
    (seconds_of_ours, megabytes_of_ours), (seconds_of_bare, megabytes_of_bare) = found
    yield Line("start to first page", "administrator", seconds_of_ours, "s", seconds_of_bare, "<= 1.5")
    yield Line("idle memory of a worker", "administrator", megabytes_of_ours, "MB", megabytes_of_bare, "<= 120")


def lists(bench: Bench) -> Iterator[Line]:
    yield from _lists(bench, "normal", bench.size, {"last": "", "search": ""})


def big(bench: Bench) -> Iterator[Line]:
    yield from _lists(bench, "big", bench.big_size, {"last": "<= 12", "search": "<= 25"})


def _lists(bench: Bench, which: str, size: int, bars: dict[str, str]) -> Iterator[Line]:
    bare = bench.bare(which)
    for title, query, raw, bar in (
        ("list page", {}, {}, "<= 12"),
        ("last page", {"page": "-1"}, {"page": "-1"}, bars["last"]),
        (f"search “{RARE}”", {"search": RARE}, {"word": FOLDED}, bars["search"]),
        (f"search “{FOLDED}”", {"search": FOLDED}, {"word": FOLDED}, bars["search"]),
    ):
        for who in PEOPLE:
            path = "/admin/product/list" + (f"?{urlencode(query)}" if query else "")
            client = bench.client(who, which)
            measured = _p50(bench, client, path)
            if "search" in query and who == "administrator" and "Miến dong" not in client.get(path).decode():
                raise AssertionError(f"{query} found no Miến")
            yield Line(
                f"{title}, {size:,} products, p50",
                who,
                measured,
                "ms",
                _p50(bench, bare, bench.bare_list(who, **raw)),
                bar,
            )


def records(bench: Bench) -> Iterator[Line]:
    """A product's record and a form; an administrator edits no products, so the form is the producer's there."""
    for who in PEOPLE:
        client = bench.client(who)
        pk = _first_product(bench, who)
        for title, page, bar in (
            ("record page", f"product/details/{pk}", "<= 15"),
            ("edit form", _form(who, pk), "<= 15"),
        ):
            path = f"/admin/{page}"
            yield Line(f"{title}, p50", who, _p50(bench, client, path), "ms", None, bar)
            yield Line(f"{title}, size", who, len(client.get(path)) / 1000, "KB", None, "<= 30")


def _form(who: str, pk: int) -> str:
    return "commune/edit/1" if who == "administrator" else f"product/edit/{pk}"


def _first_product(bench: Bench, who: str) -> int:
    database = opened(bench.files["normal"])
    with acting_as(system("đo tốc độ")), database.reading() as session:
        found = session.scalars(select(Product.id).where(Product.within(bench.areas[who])).limit(1)).one()
    database.engine.dispose()
    return found


def many(bench: Bench) -> Iterator[Line]:
    """Pages a second while eight ask as fast as they are answered."""
    for who in PEOPLE:
        cookie = bench.client(who).cookie
        long = 0.1 if bench.quick else 1.5
        ours = max(_pages_a_second(bench.worker(), "/admin/product/list", cookie, seconds=long) for _ in range(2))
        raw = _pages_a_second(bench.worker(bare=True), bench.bare_list(who), "", seconds=long)
        yield Line("pages a second, 8 clients", who, ours, "/s", raw, ">= 150")


def _pages_a_second(of: Worker, path: str, cookie: str, *, seconds: float) -> float:
    counts, begun = [], time.perf_counter()

    def ask() -> None:
        client, count = Client(of.port, cookie=cookie), 0
        while time.perf_counter() < begun + seconds:
            client.get(path)
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


# ---- export --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exported:
    rows: int
    seconds: float
    first: float


def _export(client: Client, path: str) -> Exported:
    begun = time.perf_counter()
    first, parts = 0.0, []
    for chunk in client.chunks(path):
        first = first or time.perf_counter() - begun
        parts.append(chunk)
    seconds = time.perf_counter() - begun
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as book:
        rows = book.read("xl/worksheets/sheet1.xml").count(b"<row ") - 1
    return Exported(rows, seconds, first)


def exports(bench: Bench) -> Iterator[Line]:
    """Alone for speed; then again with another clerk's list beside it. Rows a second say little of a commune's few."""
    path = "/admin/product/export/xlsx"
    bare = bench.bare()
    for who in PEOPLE:
        own = Client(bench.worker().port, cookie=bench.client(who).cookie)
        runs = [_export(own, path) for _ in range(2)]
        raw = [_export(bare, f"/export?rows={runs[0].rows}") for _ in range(2)]
        speed, limit = (max(run.rows / run.seconds for run in found) for found in (runs, raw))
        few = runs[0].rows < 10_000
        yield Line(f"export, {runs[0].rows:,} products", who, speed, "rows/s", limit, "" if few else ">= 30000")
        first, first_raw = (min(run.first for run in found) for found in (runs, raw))
        yield Line("export, first byte", who, first, "s", first_raw, "<= 0.5")
    with worker(bench.files["normal"]) as fresh:
        client = Client(fresh.port, cookie=bench.client("administrator").cookie)
        client.seconds("/admin/product/list", times=10)
        idle = fresh.megabytes()
        with fresh.peak() as seen:
            _export(client, path)
    yield Line("export, peak memory over idle", "administrator", max(seen) - idle, "MB", None, "<= 80")
    yield from _beside_export(bench, path)


def _beside_export(bench: Bench, path: str) -> Iterator[Line]:
    for who in ("province", "commune"):
        client = bench.client(who)
        found = []
        for _ in range(1 if bench.quick else 3):
            idle = _p95(client.seconds("/admin/product/list", times=5 if bench.quick else 100))
            exporter = Client(bench.worker().port, cookie=bench.client("administrator").cookie)
            running = threading.Thread(target=_export, args=(exporter, path))
            running.start()
            time.sleep(0.02)
            meanwhile = client.seconds("/admin/product/list", times=1)
            while running.is_alive():
                meanwhile += client.seconds("/admin/product/list", times=1)
                time.sleep(0.02)
            running.join()
            found.append((_p95(meanwhile) / idle, _p95(meanwhile), idle))
        times, during, idle = min(found)
        yield Line("list p95 during an export", who, during, "ms", idle)
        yield Line("list p95 during an export, of idle", who, times, "×", None, "<= 3")


# ---- import --------------------------------------------------------------------------------------------------


def imports(bench: Bench) -> Iterator[Line]:
    gc.set_threshold(*GARBAGE_AFTER)  # as a worker does
    yield from _communes(bench)
    yield from _products(bench)
    yield from _beside_import(bench)


def _communes(bench: Bench) -> Iterator[Line]:
    """A country's commune list of before July 2025 into a database without places; then renamed and taken back."""
    count = 300 if bench.quick else COMMUNES
    content = _commune_list(count)
    renamed = content.replace("Xã Đồng".encode(), "Xã Đông".encode())
    with tempfile.TemporaryDirectory() as folder:
        raw, raw_undo = _raw_import(content, Path(folder) / "raw.db")
        database = connect(f"sqlite:///{folder}/import.db")
        with acting_as(system("đo tốc độ")):
            schema.migrate(database)
            planned, batch = _plan(database, Commune, content, {"new": count})
            applied = _apply(database, batch)
            again, _ = _plan(database, Commune, content, {"same": count})
            _, batch = _plan(database, Commune, renamed, {"changed": count})
            _apply(database, batch)
            begun = time.perf_counter()
            with database.writing.begin() as session:
                undoing.undo(session, session.get_one(ImportBatch, batch))
            undone = time.perf_counter() - begun
        database.engine.dispose()
    for title, measured, bar in (("plan", planned, "<= 3"), ("apply", applied, "<= 4"), ("same again", again, "<= 2")):
        yield Line(f"import of {count:,} communes, {title}", "administrator", measured, "s", raw, bar)
    yield Line(f"undo of {count:,} renamed communes", "administrator", undone, "s", raw_undo, "<= 5")


def _plan(database: Database, model: type[Base], content: bytes, counts: dict[str, int]) -> tuple[float, int]:
    """Seconds from the file to its stored plan, and the id of the batch. counts: what the plan must say."""
    begun = time.perf_counter()
    with database.writing.begin() as session:
        batch = importing.begin(session, model, **_file(model, content))
        importing.read_file(session, batch, content)
        key, found = batch.id, {name: count for name, count in batch.counts.items() if count}
    if found != counts:
        raise AssertionError(found)
    return time.perf_counter() - begun, key


def _file(model: type[Base], content: bytes) -> dict[str, Any]:
    day = date(2021, 2, 1) if model is Commune else TODAY
    content_hash = hashlib.sha256(content).hexdigest()
    return {"as_of": day, "file_name": "a.csv", "content_hash": content_hash, "size": len(content)}


def _apply(database: Database, batch: int) -> float:
    begun = time.perf_counter()
    with database.writing.begin() as session:
        importing.apply(session, session.get_one(ImportBatch, batch))
    return time.perf_counter() - begun


def _commune_list(communes: int) -> bytes:
    lines = ["Tỉnh Thành Phố,Mã TP,Quận Huyện,Mã QH,Phường Xã,Mã PX,Cấp"]
    for number in range(communes):
        district = number // 15
        province = district // 12
        lines.append(
            f"Tỉnh Sông {_letters(province)},{province + 1:02},Huyện Núi {_letters(district)},{district + 1:03},"
            f"Xã Đồng {_letters(number)},{number + 1:05},Xã"
        )
    return "\n".join(lines).encode()


def _letters(number: int) -> str:
    """A made-up name, another for each number."""
    name = ""
    for _ in range(3):
        number, rest = divmod(number, 24)
        name = f"{'ABCDEGHIKLMNOPQRSTUVXYƯƠ'[rest]}{name.lower()}"
    return name


def _raw_import(content: bytes, file: Path) -> tuple[float, float]:
    """Seconds to insert the rows, and to change them all again beside a row of a trail."""
    begun = time.perf_counter()
    rows = [line.split(",") for line in content.decode().splitlines()]
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE communes (a, b, c, d, e, f PRIMARY KEY, g)")
        connection.execute("CREATE TABLE trail (a, b)")
        connection.executemany("INSERT INTO communes VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    inserted = time.perf_counter()
    with connection:
        connection.executemany("UPDATE communes SET e = ? WHERE f = ?", [(row[4], row[5]) for row in rows])
        connection.executemany("INSERT INTO trail VALUES (?, ?)", [(row[4], json.dumps(row)) for row in rows])
    connection.close()
    return inserted - begun, time.perf_counter() - inserted


def _products(bench: Bench) -> Iterator[Line]:
    """A list of new products into the database that pages are measured on."""
    count = 300 if bench.quick else PRODUCTS
    with _copied(bench.files["normal"]) as file:
        database = opened(file)
        with acting_as(_importer(database)):
            content = _product_list(database, count)
            raw = _raw_products(file, count)
            planned, batch = _plan(database, Product, content, {"new": count})
            applied = _apply(database, batch)
        database.engine.dispose()
    for title, seconds in (("plan", planned), ("apply", applied)):
        yield Line(f"import of {count:,} products, {title}", "province", count / seconds, "rows/s", raw, ">= 3000")


@contextmanager
def _copied(file: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=file.parent) as place:
        yield Path(shutil.copy(file, place))


def _importer(database: Database) -> Actor:
    with acting_as(system("đo tốc độ")), database.reading() as session:
        return accounts.actor_named(session, PEOPLE["province"][0])


def _product_list(database: Database, count: int) -> bytes:
    """New products of producers that are there, three of each, as CSV."""
    with database.reading() as session:
        producers = select(Entity.name, Commune.code).join(Entity.commune).order_by(Entity.id).limit(-(-count // 3))
        found = session.execute(producers).all()
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(["Tên sản phẩm", "Chủ thể", "Mã xã", "Quy cách"])
    for number in range(count):
        name, code = found[number // 3 % len(found)]
        lines.writerow([f"Sản phẩm đo {number} mới", name, code, "gói 500 g"])
    return written.getvalue().encode()


def _raw_products(file: Path, count: int) -> float:
    """Rows a second, each a product with its search index and a row of the trail; taken back."""
    with sqlite3.connect(file, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        begun = time.perf_counter()
        for table in ("products", "audit_entries"):
            columns = connection.execute(f"PRAGMA table_info({table})")
            names = [f'"{name}"' for _, name, *_ in columns if name != "id"]
            one = connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY id DESC LIMIT 1").fetchone()
            wanted = ", ".join("?" * len(names))
            connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({wanted})", [one] * count)
        seconds = time.perf_counter() - begun
        connection.execute("ROLLBACK")
    connection.close()
    return count / seconds


def _beside_import(bench: Bench) -> Iterator[Line]:
    """A worker that has a list read and written, and the list page of somebody else meanwhile."""
    for who, rows in (("province", PRODUCTS), ("commune", PRODUCTS // 10)):
        count = 300 if bench.quick else rows
        with _copied(bench.files["normal"]) as file:
            database = opened(file)
            with acting_as(_importer(database)):
                content = _product_list(database, count)
                originals.keep(originals.folder(Path(environment(file)["OCOP_FILES"])), content)
                with database.writing.begin() as session:
                    batch = importing.begin(session, Product, **_file(Product, content))
                    jobs.ask(session, batch, JobTask.READ)
                    key = batch.id
                found = [_beside_job(bench, database, file, who)]
                with database.writing.begin() as session:
                    jobs.ask(session, session.get_one(ImportBatch, key), JobTask.APPLY, partial=False)
                found.append(_beside_job(bench, database, file, who))
                with database.reading() as session:
                    if session.get_one(ImportBatch, key).state is not BatchState.APPLIED:
                        raise AssertionError(session.scalars(select(Job.refusal)).all())
            database.engine.dispose()
        times, during, idle, _ = max(found)
        yield Line(f"list p95 during an import of {count:,}", who, during, "ms", idle)
        yield Line(f"list p95 during an import of {count:,}, of idle", who, times, "×", None, "<= 3")
        memory = max(megabytes for *_, megabytes in found)
        yield Line(f"import of {count:,} products, peak memory", who, memory, "MB", None, "<= 300")


def _beside_job(bench: Bench, database: Database, file: Path, who: str) -> tuple[float, float, float, float]:
    """p95 while the job that waits is done, of idle; p95 then and idle; peak megabytes of the worker."""
    meanwhile: list[float] = []
    with worker(file) as fresh, fresh.peak() as seen:
        client = Client(fresh.port, who)
        while True:
            with database.reading() as session:
                if session.scalars(select(Job.id).where(Job.refusal == "")).first() is None:
                    break
            meanwhile += client.seconds("/admin/product/list", times=1)
            time.sleep(0.02)
        idle = client.seconds("/admin/product/list", times=1 if bench.quick else 100)
    during = meanwhile or idle
    return _p95(during) / _p95(idle), _p95(during), _p95(idle), max(seen)


# ---- report --------------------------------------------------------------------------------------------------


def geography(bench: Bench) -> Iterator[Line]:
    """“Theo địa giới” on both maps: how long it takes, and how many of its levels hold the same in every province.

    The raw limit only counts products by commune; the report has producers and the newest result of each product too.
    """
    database = opened(bench.files["big"])
    with database.reading() as session:
        with acting_as(system("đo tốc độ")):
            actor = accounts.actor_named(session, PEOPLE["administrator"][0])
        with acting_as(actor):
            begun = time.perf_counter()
            by_commune = session.execute(select(Product.commune_id, func.count()).group_by(Product.commune_id)).all()
            raw = time.perf_counter() - begun
            for on in (LAST_OF_DISTRICTS, NO_DISTRICTS_FROM):
                seconds: list[float] = []
                held = []
                for level in Level:
                    begun = time.perf_counter()
                    found = summary(session, on, level)
                    seconds.append(time.perf_counter() - begun)
                    held.append(_by_province(found))
                same = [each for each in held if each == held[0]]
                if sum(figures[1] for figures in held[0].values()) != sum(count for _commune, count in by_commune):
                    same = []
                title = f"map of {day(on)}, {bench.big_size:,} products"
                yield Line(title, "administrator", min(seconds), "s", raw)
                yield Line(f"{title}, agree", "administrator", len(same), "levels", None, f">= {len(Level)}")
    database.engine.dispose()


def _by_province(found: Summary) -> dict[int | None, tuple[int, ...]]:
    """The figures of each province, added up from the lines that lie in it."""
    added: defaultdict[int | None, list[tuple[int, ...]]] = defaultdict(list)
    for line in found.lines:
        added[line.spot.province_id].append(line.figures)
    return {province: tuple(map(sum, zip(*lines, strict=True))) for province, lines in added.items()}


MEASURES: dict[str, Callable[[Bench], Iterator[Line]]] = {
    "start": start,
    "list": lists,
    "big": big,
    "record": records,
    "many": many,
    "export": exports,
    "import": imports,
    "geography": geography,
}
BIG = frozenset({"big", "geography"})
