"""How far long work is: the work says each step, whoever watches it may show that, or end the work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum


class Part(Enum):
    """What long work goes through, as a clerk reads it; start and size: its share of the whole time, about."""

    READING = "Đọc tệp", 0.0, 0.1
    JUDGING = "Đối chiếu với sổ", 0.1, 0.4
    REHEARSING = "Ghi thử", 0.5, 0.5
    WRITING = "Ghi vào sổ", 0.5, 0.5

    def __init__(self, label: str, start: float, size: float) -> None:
        self.label = label
        self.start = start
        self.size = size


Watch = Callable[[Part, int, int], None]

_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


def step(part: Part, done: int, total: int) -> None:
    """Say that `done` of `total` rows went through a part of the work; free when nobody watches."""
    watch = _WATCH.get()
    if watch is not None:
        watch(part, done, total)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """watch: called at every step; what it raises ends the work."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)
