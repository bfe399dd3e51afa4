"""Pages before long work: threads share one interpreter, and beside an export a page waited sixty times its turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from starlette.types import ASGIApp, Receive, Scope, Send


class PagesFirst:
    """Counts the requests of this process that somebody waits for, exports excepted, so that long work lets them by."""

    waiting = 0

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/export/" in scope["path"]:
            await self.app(scope, receive, send)
            return
        PagesFirst.waiting += 1
        try:
            await self.app(scope, receive, send)
        finally:
            PagesFirst.waiting -= 1


@contextmanager
def nobody_waits() -> Iterator[None]:
    """A request that itself waits for long work: it is not to be let by."""
    PagesFirst.waiting -= 1
    try:
        yield
    finally:
        PagesFirst.waiting += 1


def let_by(longest: float) -> None:
    """Pause while pages are being made, `longest` seconds at most: work goes on, slowly, when they never end."""
    until = monotonic() + longest
    while PagesFirst.waiting > 0 and monotonic() < until:
        sleep(0.001)
