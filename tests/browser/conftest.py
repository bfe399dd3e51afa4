"""A real server and a real Chromium; screenshots are kept in build/screens."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from app.database import Database
from app.main import create_app
from tests.conftest import IN_CI, ROOT
from tests.views.conftest import demo, settings_for

__all__ = ["demo"]

CHROMIUM = Path("/usr/bin/chromium")
# How long something awaited may take, in milliseconds; a machine may have much else to do.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENS = ROOT / "build" / "screens"
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# Every rule of A and AA is tried on everything, but colours not on each of many rows: they are most of the time, and
# rows of a table share theirs. What passed is not written up; no rule needs the style sheets read once more.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
    "preload": False,
    "rules": {"color-contrast": {"enabled": False}},
}
COLOURS = {"runOnly": ["color-contrast"], "resultTypes": ["violations"], "preload": False}
VIOLATIONS = f"""(async () => [
    ...(await axe.run(document, {json.dumps(RULES)})).violations,
    ...(await axe.run({{exclude: ["tbody tr:nth-child(n+7)"]}}, {json.dumps(COLOURS)})).violations,
])()"""


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """One for each test: while it runs, its event loop is the thread's, and other tests need their own."""
    if not CHROMIUM.exists():
        if IN_CI:
            pytest.fail(f"{CHROMIUM} is missing, and nothing skips in CI")
        pytest.skip("cần Chromium: apt-get install chromium fonts-noto-core")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def address(demo: Database, tmp_path: Path) -> Iterator[str]:
    """Where the site is served, on the demo year."""
    app = create_app(settings_for(str(demo.engine.url), tmp_path), demo)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)


class Watched:
    """A page whose every screen is photographed and examined."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.outside: list[str] = []
        self.errors: list[str] = []
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.outside.append(request.url)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def screen(self, name: str) -> None:
        """Keep a picture; no violation of WCAG A and AA, no English title, nothing wider than the window."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.jpg", full_page=True, quality=80)
        self.page.evaluate(AXE)
        broken = [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in self.page.evaluate(VIOLATIONS)]
        assert broken == [], name
        assert self.page.title().endswith("Quản lý OCOP")
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name


@pytest.fixture
def watched(chromium: Browser, address: str) -> Iterator[Watched]:
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN", accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    seen = Watched(context.new_page(), address)
    yield seen
    context.close()
    assert seen.outside == [], "a request left the host"
    assert seen.errors == []
