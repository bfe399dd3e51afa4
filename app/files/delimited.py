"""CSV: UTF-8, UTF-16, Windows-1258 or of an old font, separated by comma, semicolon, tab or bar; every cell is text."""

import codecs
import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from app.files import fonts, kinds
from app.files.refusals import BrokenFile, NotUtf8

DELIMITERS = ",;\t|"


def rows(text: str, *, name: str) -> Iterator[list[str]]:
    """Every record in file order, blank ones too, so that counting them gives Excel's row numbers."""
    delimiter, text = _delimiter(text)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error:
        raise BrokenFile(name=name) from None


def decoded(content: bytes, *, name: str) -> tuple[str, str]:
    """The text of a file, and what is to be said of how it was read."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif (
        content.startswith((b"%PDF", b"{\\rtf"))
        or content.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<"
        or _is_binary(content)
    ):
        raise kinds.refusal(kinds.of_bytes(content), name=name)
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding), ""
    except UnicodeDecodeError:
        if text := _in_windows_1258(content):
            return text, "Tệp CSV ghi bằng bảng mã Windows-1258, đã đọc sang Unicode. Xem lại vài ô có dấu."
        if fonts.is_of_old_font(text := content.decode("latin-1")):
            return text, ""  # its cells are converted one by one, and told
        raise NotUtf8(name=name) from None


def _in_windows_1258(content: bytes) -> str:
    """What Vietnamese Windows writes, where its tones stand behind their letters; "" for any other encoding."""
    try:
        text = unicodedata.normalize("NFC", content.decode("cp1258"))
    except UnicodeDecodeError:
        return ""
    return text if fonts.is_vietnamese(text) else ""


def _is_binary(content: bytes) -> bool:
    """Bytes that no text holds; old Vietnamese encodings stay at or above the space."""
    return b"\0" in content or any(byte < 9 or (14 <= byte < 32 and byte != 27) for byte in content[:4096])


def _delimiter(text: str) -> tuple[str, str]:
    """The separator and the text behind Excel's own `sep=;` line, when there is one."""
    first, _, rest = text.partition("\n")
    if len(mark := first.strip()) == 5 and mark[:4].lower() == "sep=":
        return mark[4], rest
    return max(DELIMITERS, key=lambda delimiter: _agreement(text[:65536], delimiter)), text


def _agreement(sample: str, delimiter: str) -> tuple[int, int]:
    """How many of the first records share their commonest width above one, and that width."""
    try:
        records = list(islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), 50))
    except csv.Error:
        return 0, 0
    widths = Counter(len(record) for record in records if len(record) > 1)
    return max(((count, width) for width, count in widths.items()), default=(0, 0))
