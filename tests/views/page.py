"""Reading a page as a clerk does: the text of a table, the values of a form."""

import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser

from httpx2 import Response
from starlette.testclient import TestClient

from models.base import Base


def text_of(html: str) -> str:
    """Words of a page without tags, single-spaced."""
    bare = re.sub(r"<(script|style|svg).*?</\1>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def rows_of(html: str) -> list[list[str]]:
    """Cells of every body row of the first table with ticks or row headers."""
    body = html.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [re.findall(r"<(?:td|th)[^>]*>(.*?)</(?:td|th)>", row, flags=re.S) for row in body.split("<tr>")[1:]]
    return [[text_of(cell) for cell in row] for row in rows]


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select, self._area = "", ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self._inside = (given.get("method") or "").lower() == "post" and "logout" not in (given.get("action") or "")
        if not self._inside:
            return
        if tag == "input" and name and given.get("type") not in ("radio", "checkbox"):
            self.values.setdefault(name, value)
        elif tag == "input" and name and "checked" in given:
            self.values[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.values[self._select] = value
        elif tag == "textarea":
            self._area = name
            self.values[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""
        elif tag == "form":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data.removeprefix("\n")


def form_of(html: str) -> dict[str, str]:
    """What the page's form would send if its main button were pressed now."""
    parser = _Form()
    parser.feed(html)
    return parser.values


def as_asked(page: str, typed: Mapping[str, str]) -> dict[str, str]:
    """What a plan's form sends, by the places on its page: “val-0” its first question, “col-1” its second column."""

    def name_of(place: re.Match[str]) -> str:
        return list(dict.fromkeys(re.findall(rf'name="({place[1]}-(?:val-)?[0-9a-f]{{12}})', page)))[int(place[2])]

    return {re.sub(r"^(val|find|col|keep)-([0-9]+)\b", name_of, name): value for name, value in typed.items()}


def reply(client: TestClient, href: str, typed: Mapping[str, str]) -> Response:
    return client.post(f"{href}/answer", data=as_asked(client.get(href).text, typed))


def edit(client: TestClient, row: Base, **typed: str) -> object:
    """Open a record's form, type, save."""
    address = f"/admin/{row.__screen__}/edit/{row.id}"
    return client.post(address, data={**form_of(client.get(address).text), **typed, "save": "save"})
