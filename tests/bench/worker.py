"""A worker in a process of its own, and clients that keep their connection."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode

import psutil

from tests.bench.databases import PASSWORD, PEOPLE, ROOT, environment

MEGABYTE = 1_000_000


class Client:
    """One kept connection of one person; nothing but sockets, so that what is measured is the worker."""

    def __init__(self, port: int, who: str = "", *, cookie: str = "") -> None:
        self.port, self.cookie = port, cookie
        self.connection = HTTPConnection("127.0.0.1", port, timeout=600)
        if who:
            self._sign_in(PEOPLE[who][0])

    def get(self, path: str) -> bytes:
        try:
            answer = self._ask(path)
        except RemoteDisconnected:  # kept for five idle seconds only
            self.connection.close()
            answer = self._ask(path)
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        return body

    def _ask(self, path: str) -> HTTPResponse:
        self.connection.request("GET", path, headers={"cookie": self.cookie} if self.cookie else {})
        return self.connection.getresponse()

    def chunks(self, path: str) -> Iterator[bytes]:
        """The answer in pieces as they come, on a connection of its own."""
        self.connection.close()
        answer = self._ask(path)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        while chunk := answer.read1(1 << 20):
            yield chunk

    def seconds(self, path: str, *, times: int) -> list[float]:
        found = []
        for _ in range(times):
            begun = time.perf_counter()
            self.get(path)
            found.append(time.perf_counter() - begun)
        return found

    def _sign_in(self, username: str) -> None:
        address = f"http://127.0.0.1:{self.port}"
        body = urlencode({"username": username, "password": PASSWORD})
        headers = {"origin": address, "content-type": "application/x-www-form-urlencoded"}
        self.connection.request("POST", "/admin/login", body, headers)
        answer = self.connection.getresponse()
        answer.read()
        if answer.status != 303:
            raise RuntimeError(f"{username} could not sign in: {answer.status}")
        self.cookie = answer.headers["set-cookie"].partition(";")[0]


class Worker:
    def __init__(self, process: "subprocess.Popen[bytes]", port: int, started: float) -> None:
        self.process, self.port, self.started = process, port, started
        self.memory = psutil.Process(process.pid)

    def megabytes(self) -> float:
        """What the process holds itself, or one that works for it if that is more.

        Pages of the database file that it looks at are the kernel's cache.
        """
        return max(map(_held, (self.memory, *self.memory.children()))) / MEGABYTE

    @contextmanager
    def peak(self) -> Iterator[list[float]]:
        """A list that grows with the megabytes seen, twenty times a second."""
        seen, done = [self.megabytes()], Event()

        def watch() -> None:
            while not done.wait(0.05):
                seen.append(self.megabytes())

        watcher = Thread(target=watch)
        watcher.start()
        try:
            yield seen
        finally:
            done.set()
            watcher.join()


def _held(process: psutil.Process) -> int:
    try:
        held = process.memory_info()
    except psutil.NoSuchProcess:  # it ended meanwhile
        return 0
    return int(held.rss - getattr(held, "shared", 0))


@contextmanager
def worker(database: Path, *, bare: bool = False) -> Iterator[Worker]:
    """`ocop serve` on a free port, or the bare server; `started` is when the process was asked for."""
    port = _free_port()
    module = ["tests.bench.bare", str(port)] if bare else ["app", "serve", "--port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *module], cwd=ROOT, env=environment(database), stdout=subprocess.DEVNULL
    )
    try:
        _wait(process, port)
        yield Worker(process, port, started)
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    while process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return
        except ConnectionRefusedError:
            time.sleep(0.005)
    raise RuntimeError(f"the worker ended with {process.returncode}")
