"""How far long work is: the work says each step, whoever watches it may show that, or end the work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum


class Part(Enum):
    """What the rows of a file go through, as a clerk reads it; start and size: its share of their time, about."""

    JUDGING = "Đối chiếu với sổ", 0.0, 0.4
    REHEARSING = "Ghi thử", 0.4, 0.6
    WRITING = "Ghi vào sổ", 0.4, 0.6

    def __init__(self, label: str, start: float, size: float) -> None:
        self.label = label
        self.start = start
        self.size = size


Watch = Callable[[str, int, int, float], None]

_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)
_ROWS: ContextVar[tuple[int, int, int] | None] = ContextVar("rows", default=None)


def step(part: Part, done: int, total: int) -> None:
    """Say that `done` of `total` rows went through a part of the work; free when nobody watches."""
    watch = _WATCH.get()
    if watch is None:
        return
    first, count, of_all = _ROWS.get() or (0, total, total)
    share = part.start + part.size * done / max(total, 1)
    watch(part.label, first + done, of_all, (first + share * count) / max(of_all, 1))


@contextmanager
def rows_of(first: int, count: int, of_all: int) -> Iterator[None]:
    """The steps inside are of `count` rows, which follow the first ones of all."""
    token = _ROWS.set((first, count, of_all))
    try:
        yield
    finally:
        _ROWS.reset(token)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """watch: called at every step with what is done, the rows done, all rows, and the share of the whole, 0 to 1.

    What it raises ends the work.
    """
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)
