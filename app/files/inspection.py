"""What calamine does not show of a zipped workbook, and the checks made before it is opened.

Seen with calamine: no errors, no formulas without a result, no hidden rows or columns, no fonts; and it allocates
the whole rectangle up to the last value, so the size of a sheet is looked at first.
"""

import io
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

from app.files import fonts, kinds, places
from app.files.fonts import Charset
from app.files.limits import MAX_CELLS, MAX_MERGES, MAX_RATIO, MAX_UNZIPPED, RATIO_FROM, STRUCTURE_ROWS
from app.files.refusals import BrokenFile, CutOff, ForbiddenContent, PasswordProtected, TooLargeInside

CHUNK = 1 << 20

MOST_HIDDEN = 1000  # hidden rows that are told by name
FONT_COLUMNS = 512  # cells further right have no font here; a byte for each is kept up to the last

ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}


class Merge(NamedTuple):
    """A range drawn as one cell, both ends in it; its value stands in the first."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class Sheet:
    """Size up to the last value, and what stands where; rows and columns count from 0.

    hidden: how many rows are; hidden_rows: the first of them. hidden_columns: first and last of each run.
    merges: at most one more than MAX_MERGES. fonts: by row a byte for each column, a `Charset` or 0.
    """

    rows: int = 0
    columns: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden: int = 0
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    fonts: dict[int, bytearray] = field(default_factory=dict)

    def reach(self, row: int, column: int) -> None:
        self.rows, self.columns = max(self.rows, row + 1), max(self.columns, column + 1)

    def hide(self, row: int) -> None:
        self.hidden += 1
        if len(self.hidden_rows) < MOST_HIDDEN:
            self.hidden_rows.append(row)

    def merge(self, top: int, left: int, bottom: int, right: int) -> None:
        if len(self.merges) <= MAX_MERGES:
            self.merges.append(Merge(top, left, bottom, right))

    def set_font(self, row: int, column: int, charset: Charset) -> None:
        if row < STRUCTURE_ROWS and column < FONT_COLUMNS:
            cells = self.fonts.setdefault(row, bytearray())
            cells.extend(bytes(max(0, column + 1 - len(cells))))
            cells[column] = charset


def too_large(rows: int, columns: int) -> bool:
    return rows * columns > MAX_CELLS


def open_archive(content: bytes, *, name: str) -> tuple[zipfile.ZipFile, str]:
    """The archive, every part of it unpacked once and found harmless, and "xlsx", "xlsb" or "ods"."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:  # its directory stands at the end
        raise CutOff(name=name) from None
    parts = archive.infolist()
    names = {part.filename.replace("\\", "/").lower() for part in parts}
    if len(names) < len(parts):
        raise BrokenFile(name=name)
    if sum(part.file_size for part in parts) > MAX_UNZIPPED:
        raise TooLargeInside(name=name)
    if "xl/workbook.xml" in names:
        kind = "xlsx"
    elif "xl/workbook.bin" in names:
        kind = "xlsb"
    elif "content.xml" in names and _is_spreadsheet(archive):
        kind = "ods"
    else:
        raise kinds.refusal(kinds.of_parts(names), name=name)
    left = MAX_UNZIPPED
    for part in parts:
        left -= _check_part(archive, part, left, name=name)
    return archive, kind


def _is_spreadsheet(archive: zipfile.ZipFile) -> bool:
    try:
        with archive.open("mimetype") as part:
            return part.read(100).startswith(b"application/vnd.oasis.opendocument.spreadsheet")
    except KeyError:
        return False


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, left: int, *, name: str) -> int:
    """Unpack one part without keeping it, and count: the size in the directory is only the sender's word."""
    if part.flag_bits & 1:
        raise PasswordProtected(name=name)
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BrokenFile(name=name)
    if part.file_size > RATIO_FROM and part.file_size > MAX_RATIO * part.compress_size:
        raise TooLargeInside(name=name)
    is_xml = part.filename.lower().endswith((".xml", ".rels"))
    declared, part.file_size = part.file_size, left + 1
    size, tail = 0, b""
    with archive.open(part) as unpacked:
        while chunk := unpacked.read(CHUNK):
            size += len(chunk)
            if size > left:
                raise TooLargeInside(name=name)
            if is_xml:
                # A NUL means UTF-16, in which neither this search nor the one for references sees a thing.
                if b"\0" in chunk:
                    raise BrokenFile(name=name)
                if b"<!DOCTYPE" in (seen := tail + chunk) or b"<!ENTITY" in seen:
                    raise ForbiddenContent(name=name)
                tail = seen[-9:]
    part.file_size = declared
    if size != declared:
        raise BrokenFile(name=name)
    return size


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name → path of its part, for .xlsx; found as calamine finds it, else the wrong one is judged."""
    links = _links(archive, "xl/_rels/workbook.xml.rels")
    pairs: list[tuple[str, str]] = []

    def opened(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            pairs.append((attributes["name"], links[attributes.get("r:id") or attributes["relationships:id"]]))

    _parse(archive, "xl/workbook.xml", opened)
    return _unique(pairs)


def legacy_styles(archive: zipfile.ZipFile) -> dict[int, Charset]:
    """Places in cellXfs, which a cell's `s` names, whose font is an old one; nearly always none."""
    try:
        content = archive.read("xl/styles.xml")
    except KeyError:
        return {}
    if not LEGACY_NAME.search(content):
        return {}
    charsets: list[Charset | None] = []
    styles: dict[int, Charset] = {}
    inside, number = "", 0

    def opened(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside, number
        if tag in ("fonts", "cellXfs", "dxfs", "cellStyleXfs"):
            inside = tag
        elif tag == "font" and inside == "fonts":
            charsets.append(None)
        elif tag == "name" and inside == "fonts":
            charsets[-1] = fonts.of_font(attributes.get("val", ""))
        elif tag == "xf" and inside == "cellXfs":
            font = int(attributes.get("fontId", 0))
            if font < len(charsets) and (charset := charsets[font]):
                styles[number] = charset
            number += 1

    _parse(archive, "xl/styles.xml", opened)
    return styles


def binary_sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The same for .xlsb: BrtBundleSh holds state and number, then link and name as counted UTF-16."""
    links = _links(archive, "xl/_rels/workbook.bin.rels")
    pairs = []
    for kind, body in _records(archive.read("xl/workbook.bin")):
        if kind == 156:
            link, position = _wide(body, 8)
            name, _ = _wide(body, position)
            pairs.append((name, links[link]))
    return _unique(pairs)


def _links(archive: zipfile.ZipFile, path: str) -> dict[str, str]:
    pairs: list[tuple[str, str]] = []

    def opened(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship":
            target = attributes["Target"]
            from_xl = not target.startswith(("/", "xl/"))
            pairs.append((attributes["Id"], f"xl/{target}" if from_xl else target.lstrip("/")))

    _parse(archive, path, opened)
    return _unique(pairs)


def _unique(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")  # becomes BrokenFile: which of them is meant, readers disagree on
    return found


def _wide(body: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", body, position)
    end = position + 4 + 2 * length
    return body[position + 4 : end].decode("utf-16-le"), end


REFERENCE = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]*)([0-9]+)")
CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
BLANK = re.compile(rb"<(?:\w+:)?(?:c|row)\s[^<>]*/>")
PLACE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^<>]*?ref\s*=\s*[\"']([A-Za-z]{1,3}[0-9]{1,7}:[A-Za-z]{1,3}[0-9]{1,7})[\"']"
)
LEGACY_NAME = re.compile(rb"[\"'] *(?:\.vn|vni[- ])", re.IGNORECASE)
TRUE = ("1", "true")
# Formulas, errors, hidden rows; anything else that looks so only costs time.
NOTABLE = (b"<f", b":f", b'"e"', b"'e'", b"hidden")


def inspect_xlsx(archive: zipfile.ZipFile, part: str, styles: Mapping[int, Charset] | None = None) -> Sheet:
    """One sheet. Most have nothing to see, and this is found at a fraction of the cost of parsing them.

    styles: what `legacy_styles` found; without it no fonts are looked at. Raises ExpatError for broken XML.
    """
    if styles:
        return _read_cells(archive, part, styles)
    sheet, whole = Sheet(), expat.ParserCreate()
    for chunk in _tags(archive, part):
        whole.Parse(chunk)
        found = REFERENCE.findall(chunk)
        # A cell may leave its reference out and follow the one before; only parsing tells where it lies.
        is_placed = len(CELL.findall(chunk)) <= sum(1 for letters, _ in found if letters)
        if not is_placed or any(mark in chunk for mark in NOTABLE):
            return _read_cells(archive, part, {})
        _reach(sheet, found)
        if b"mergeCell" in chunk:
            for reference in MERGED.findall(chunk):
                _merge(sheet, reference.decode())
    whole.Parse(b"", True)  # calamine takes the rows before a break for all
    if too_large(sheet.rows, sheet.columns):
        # Cells and rows that are only formatted counted so far; calamine does not mind them.
        sheet = Sheet(merges=sheet.merges)
        for chunk in _tags(archive, part):
            _reach(sheet, REFERENCE.findall(BLANK.sub(b"", chunk)))
    return sheet


def _reach(sheet: Sheet, references: list[tuple[bytes, bytes]]) -> None:
    rows = max((int(row) for _, row in references), default=0)
    columns = max((places.number(letters.decode()) for letters in {letters for letters, _ in references}), default=0)
    sheet.reach(rows - 1, columns - 1)


def _merge(sheet: Sheet, reference: str) -> None:
    first, _, last = reference.partition(":")
    if (start := PLACE.fullmatch(first)) and (end := PLACE.fullmatch(last)):
        columns = sorted((places.number(start[1]) - 1, places.number(end[1]) - 1))
        rows = sorted((int(start[2]) - 1, int(end[2]) - 1))
        sheet.merge(rows[0], columns[0], rows[1], columns[1])


def _tags(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The part in pieces that never cut a tag."""
    rest = b""
    with archive.open(part) as unpacked:
        while chunk := unpacked.read(CHUNK):
            whole, bracket, start = (rest + chunk).rpartition(b"<")
            yield whole
            rest = bracket + start
    yield rest


def _parse(
    archive: zipfile.ZipFile,
    part: str,
    opened: Callable[[str, dict[str, str]], None],
    closed: Callable[[str, str], None] | None = None,
) -> None:
    """Call `opened(tag, attributes)` and `closed(tag, text since the last tag)`, names without prefix."""
    text: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if text:
            text.clear()
        opened(tag.rpartition(":")[2] if ":" in tag else tag, attributes)

    def end(tag: str) -> None:
        if closed:
            closed(tag.rpartition(":")[2] if ":" in tag else tag, "".join(text))
        if text:
            text.clear()

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text.append
    with archive.open(part) as unpacked:
        parser.ParseFile(unpacked)


def _read_cells(archive: zipfile.ZipFile, part: str, styles: Mapping[int, Charset]) -> Sheet:
    """Walk every cell of an .xlsx sheet; a cell without reference follows the one before."""
    sheet = Sheet()
    row, column, kind, style = -1, -1, "", ""
    by_style = {str(number): charset for number, charset in styles.items()}
    formula: str | None = None
    value, filled = "", False

    def opened(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, kind, style, formula, value, filled
        if tag == "c":
            kind, formula, value, filled, column = attributes.get("t", ""), None, "", False, column + 1
            style = attributes.get("s", "0")
            if place := PLACE.fullmatch(attributes.get("r", "")):
                column, row = places.number(place[1]) - 1, int(place[2]) - 1
        elif tag == "row":
            row, column = int(attributes.get("r", row + 2)) - 1, -1
            if attributes.get("hidden") in TRUE:
                sheet.hide(row)
        elif tag in ("v", "is", "f"):
            filled = True
        elif tag == "mergeCell":
            _merge(sheet, attributes.get("ref", ""))
        elif tag == "col" and attributes.get("hidden") in TRUE:
            sheet.hidden_columns.append((int(attributes["min"]) - 1, int(attributes["max"]) - 1))

    def closed(tag: str, text: str) -> None:
        nonlocal formula, value
        if tag == "v":
            value = text
        elif tag == "f":
            formula = text
        elif tag == "c" and filled:
            sheet.reach(row, column)
            if style in by_style:
                sheet.set_font(row, column, by_style[style])
            if kind == "e":
                sheet.errors[row, column] = value or "#VALUE!"
            elif formula is not None and not value and kind != "str":
                sheet.formulas[row, column] = f"={formula}"

    _parse(archive, part, opened, closed)
    return sheet


def inspect_ods(archive: zipfile.ZipFile) -> dict[str, Sheet]:
    """Every sheet; a repeated cell or row counts as often as calamine would lay it out."""
    sheets: dict[str, Sheet] = {}
    sheet = Sheet()
    row = column = next_row = next_column = drawn = 0
    is_error = False

    def opened(tag: str, attributes: dict[str, str]) -> None:
        nonlocal sheet, row, column, next_row, next_column, drawn, is_error
        if tag == "table":
            sheet = sheets.setdefault(attributes.get("table:name", ""), Sheet())
            next_row = drawn = 0
        elif tag == "table-column":
            first, drawn = drawn, drawn + _times(attributes, "number-columns-repeated")
            if attributes.get("table:visibility") in ("collapse", "filter"):
                sheet.hidden_columns.append((first, drawn - 1))
        elif tag == "table-row":
            row, next_row, next_column = next_row, next_row + _times(attributes, "number-rows-repeated"), 0
            if attributes.get("table:visibility") in ("collapse", "filter"):
                sheet.hide(row)
        elif tag in ("table-cell", "covered-table-cell"):
            column, next_column = next_column, next_column + _times(attributes, "number-columns-repeated")
            down, right = _times(attributes, "number-rows-spanned"), _times(attributes, "number-columns-spanned")
            if down > 1 or right > 1:
                sheet.merge(row, column, row + down - 1, column + right - 1)
            is_error = attributes.get("calcext:value-type") == "error"
            if "office:value-type" in attributes:
                sheet.reach(next_row - 1, next_column - 1)
        elif tag == "p":
            sheet.reach(next_row - 1, next_column - 1)

    def closed(tag: str, text: str) -> None:
        if tag == "p" and is_error:
            sheet.errors[row, column] = text

    _parse(archive, "content.xml", opened, closed)
    return sheets


def _times(attributes: dict[str, str], what: str) -> int:
    return max(1, int(attributes.get(f"table:{what}", 1)))


def inspect_xlsb(archive: zipfile.ZipFile, part: str) -> Sheet:
    """One binary sheet: records of type, length, body ([MS-XLSB] 2.1.4); cells begin with their column."""
    sheet = Sheet()
    row = 0
    for kind, body in _records(archive.read(part)):
        if kind == 0:
            (row,) = struct.unpack_from("<I", body)
            if len(body) > 11 and body[11] & 0x10:
                sheet.hide(row)
        elif 2 <= kind <= 11:
            (column,) = struct.unpack_from("<I", body)
            sheet.reach(row, column)
            if kind in (3, 11):
                sheet.errors[row, column] = ERRORS.get(body[8], "#VALUE!")
        elif kind == 176:
            top, bottom, left, right = struct.unpack_from("<IIII", body)
            sheet.merge(top, left, bottom, right)
        elif kind == 60 and body[16] & 1:
            first, last = struct.unpack_from("<II", body)
            sheet.hidden_columns.append((first, last))
    return sheet


def _records(content: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(content):
        kind, position = _number(content, position, 2)
        length, position = _number(content, position, 4)
        yield kind, content[position : position + length]
        position += length


def _number(content: bytes, position: int, most: int) -> tuple[int, int]:
    """A number of seven bits a byte, the highest bit saying that more follow."""
    value = 0
    for index in range(most):
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            break
    return value, position
