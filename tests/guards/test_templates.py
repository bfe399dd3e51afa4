"""Templates load nothing from outside, run nothing inline, and speak Vietnamese only."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import admin_views

HERE = Path(admin_views.__file__).parent
TEMPLATES = sorted((HERE / "templates").rglob("*.html"))
SCRIPTS = sorted((HERE / "static").glob("*.js"))
ENGLISH = [
    "save",
    "delete",
    "search",
    "next",
    "previous",
    "logout",
    "login",
    "submit",
    "cancel",
    "error",
    "required",
    "create",
    "edit",
    "details",
    "export",
    "import",
    "home",
    "page",
    "rows",
    "actions",
    "filter",
    "filters",
    "select",
    "all",
    "none",
    "yes",
    "no",
    "back",
    "close",
    "loading",
    "success",
    "warning",
    "please",
    "invalid",
    "username",
    "password",
    "show",
    "apply",
    "reset",
    "confirm",
]
# Borrowed words that offices use as they are.
ALLOWED = {"excel", "no"} - {"no"}


class Page(HTMLParser):
    """Tags with their attributes, and the words a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._skip = 0
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._skip += tag in ("script", "style")
        self.words += [value or "" for name, value in attrs if name in ("title", "placeholder", "aria-label", "alt")]

    def handle_endtag(self, tag: str) -> None:
        self._skip -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        (self.inline if self._skip else self.words).append(data)


def page(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", " ", text, flags=re.DOTALL)
    # A value in braces: kept as one word inside attributes, dropped from what is read.
    text = re.sub(r"\{\{.*?\}\}", "\u00a7", text, flags=re.DOTALL)
    parsed = Page()
    parsed.feed(text)
    return parsed


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_loads_nothing_from_outside(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"(https?:)?//[\w.\-]+\.\w{2,}", re.sub(r"https?://www\.w3\.org/\S+", "", text)), "an address"
    for tag, attributes in page(path).tags:
        for name in ("src", "href", "action", "formaction", "data"):
            value = attributes.get(name) or ""
            assert not re.match(r"(https?:)?//|javascript:|data:", value), (tag, name, value)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_runs_and_paints_nothing_inline(path: Path) -> None:
    """The policy of our own headers refuses inline script and style, so they would do nothing."""
    parsed = page(path)

    assert not any(text.strip() for text in parsed.inline)
    for tag, attributes in parsed.tags:
        assert tag not in ("style", "iframe", "object", "embed", "base"), tag
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        if tag == "script":
            assert attributes.get("src"), "a script has its own file"
        if tag == "form" and (attributes.get("method") or "get").lower() == "get":
            assert "delete" not in (attributes.get("action") or "")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_english_word_is_left_on_a_page(path: Path) -> None:
    words = {word for text in page(path).words for word in re.findall(r"(?<![\w\-])[a-z]+(?![\w\-])", text.lower())}

    assert not words & (set(ENGLISH) - ALLOWED)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_asks_our_own_host_only(path: Path) -> None:
    text = re.sub(r"https?://www\.w3\.org/\S+", "", path.read_text(encoding="utf-8"))

    assert not re.search(r"https?://", text)
    assert not re.search(r"\beval\(|new Function\(|document\.write|\.innerHTML\s*=", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_s_words_are_vietnamese(path: Path) -> None:
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    sentences = [s for s in re.findall(r"\"([^\"\n]*)\"|`([^`]*)`", code) for s in s if " " in s]
    shown = [s for s in sentences if re.match(r"[A-ZÀ-Ỹ]", s)]

    assert not [s for s in shown if set(re.findall(r"[a-z]+", s.lower())) & set(ENGLISH) and s.isascii()]


def test_the_page_says_its_language() -> None:
    assert '<html lang="vi"' in (HERE / "templates" / "sqladmin" / "base.html").read_text(encoding="utf-8")


def test_every_stock_template_that_a_page_could_show_is_our_own() -> None:
    """sqladmin's own pages are English and carry inline script; those we route to are all shadowed."""
    names = {path.name for path in TEMPLATES if path.parent.name == "sqladmin"}

    assert {"base.html", "layout.html", "list.html", "details.html", "create.html", "edit.html"} <= names
    assert {"index.html", "login.html", "error.html", "flash.html"} <= names
