"""What a file is that is no table, known by its first bytes or by what is packed in it, whatever its name says."""

import codecs
from collections.abc import Callable, Collection

from app.files.refusals import NotATable, OtherKind

ASK = "Xin bản Excel ở nơi gửi rồi tải lên."
COPY = "Chép bảng sang Excel, lưu dạng .xlsx rồi tải lên."
SAVE = "Mở bằng Excel, lưu lại dạng .xlsx rồi tải lên."
UNPACK = "Giải nén rồi tải lên tệp bảng tính bên trong."
CHOOSE = "Không mở tệp này; chọn đúng tệp bảng tính."

PDF, PICTURE, PROGRAMME = ("tệp PDF", ASK), ("tệp ảnh", ASK), ("tệp chương trình", CHOOSE)
WORD, SLIDES = ("văn bản Word", COPY), ("bản trình chiếu", COPY)
TEXT, PACKED, WEB = ("văn bản", COPY), ("tệp nén", UNPACK), ("trang web", SAVE)

Kind = tuple[str, str]

BY_BYTES: tuple[tuple[bytes, Kind], ...] = (
    (b"%PDF", PDF),
    (b"\x89PNG", PICTURE),
    (b"\xff\xd8\xff", PICTURE),
    (b"GIF8", PICTURE),
    (b"BM", PICTURE),
    (b"II*\0", PICTURE),
    (b"MM\0*", PICTURE),
    (b"MZ", PROGRAMME),
    (b"\x7fELF", PROGRAMME),
    (b"{\\rtf", WORD),
    (b"Rar!", PACKED),
    (b"7z\xbc\xaf", PACKED),
    (b"\x1f\x8b", PACKED),
)
BY_PART = {"word/document.xml": WORD, "ppt/presentation.xml": SLIDES, "content.xml": TEXT}
BY_STREAM = {"WordDocument": WORD, "PowerPoint Document": SLIDES}
WEB_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body", b"<table", b"<meta", b"<div")


def of_bytes(content: bytes) -> Kind | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return PICTURE
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return PICTURE
    if content[:512].removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(WEB_PAGE):
        return WEB
    return next((kind for start, kind in BY_BYTES if content.startswith(start)), None)


def of_parts(names: Collection[str]) -> Kind:
    """Of a zip that holds no workbook, by the names in it."""
    return next((kind for part, kind in BY_PART.items() if part in names), PACKED)


def of_streams(has: Callable[[str], bool]) -> Kind | None:
    """Of a compound file, the container of old Office, that holds no workbook."""
    return next((kind for stream, kind in BY_STREAM.items() if has(stream)), None)


def refusal(kind: Kind | None, *, name: str) -> NotATable:
    return OtherKind(name=name, kind=kind[0], cure=kind[1]) if kind else NotATable(name=name)
