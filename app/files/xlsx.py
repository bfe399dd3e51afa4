"""An .xlsx written while it is sent: own XML, inline strings, zipped by stream-zip; memory does not grow."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING, cast
from xml.sax.saxutils import quoteattr
from zlib import MAX_WBITS, compressobj

from app.files.inspection import ERRORS
from app.files.limits import MAX_ROWS
from app.files.places import letters
from app.table import Cell, CellError, Column, Table

if TYPE_CHECKING:
    from stream_zip import MemberFile

MAX_TEXT = 32_767  # characters of one cell
MAX_NAME = 31  # characters of a sheet's name
MAX_DIGITS = 10**15  # Excel keeps fifteen digits of a number
CHUNK = 1 << 16
TOGETHER = 64  # rows, about 50 KB
KEPT = 2000  # values of a column whose XML is remembered
LEVEL = 1  # of zlib: 6 makes files a sixth smaller and the export a quarter slower

VIETNAM = timezone(timedelta(hours=7))

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

# Places in cellXfs below.
GENERAL, HEADER, TEXT, QUOTED, DATE, DATETIME, INTEGER, NUMBER = range(8)
NUMBER_STYLES = {"integer": INTEGER, "number": NUMBER}

# Worksheets are the default of .xml: how many there are is not known when this is sent.
CONTENT_TYPES = f"""{DECLARATION}<Types xmlns="{PACKAGE}/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="xml" ContentType="{TYPES}.worksheet+xml"/>\
<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>\
<Override PartName="/xl/styles.xml" ContentType="{TYPES}.styles+xml"/></Types>"""

PACKAGE_LINKS = f"""{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"""

STYLES = f"""{DECLARATION}<styleSheet xmlns="{MAIN}">\
<numFmts count="2"><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>\
<numFmt numFmtId="165" formatCode="dd/mm/yyyy\\ hh:mm"/></numFmts>\
<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>\
<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>\
<fills count="3"><fill><patternFill patternType="none"/></fill>\
<fill><patternFill patternType="gray125"/></fill>\
<fill><patternFill patternType="solid"><fgColor rgb="FFFAFAF7"/><bgColor indexed="64"/></patternFill>\
</fill></fills>\
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>\
<cellXfs count="8"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>\
<xf numFmtId="49" fontId="1" fillId="2" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" \
applyFill="1"/>\
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" quotePrefix="1"/>\
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="3" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>\
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""


@dataclass
class Written:
    """What came out so far; a sheet made lazily after the data may report it."""

    rows: int = 0
    removed: int = 0  # characters that XML forbids
    shortened: int = 0  # texts cut to MAX_TEXT


def stream(sheets: Sequence[Table], written: Written | None = None) -> Iterator[bytes]:
    """The workbook in pieces, the first before any row is read.

    Each table's rows are consumed once, a later table's after all of the earlier ones; a table beyond
    MAX_ROWS goes on in sheets named “… (2)”. The type of a value decides what is stored, `Column.kind` how
    numbers and dates look. Instants with a zone are shown in Vietnam's, to the second. Days before 1900,
    which Excel lacks, and numbers of more than fifteen digits become text.
    """
    from stream_zip import stream_zip  # brings a whole cipher library; a server starts without it

    yield from stream_zip(
        _members(sheets, Written() if written is None else written),
        chunk_size=CHUNK,
        get_compressobj=lambda: compressobj(level=LEVEL, wbits=-MAX_WBITS),
        extended_timestamps=False,
    )


def _members(sheets: Sequence[Table], written: Written) -> Iterator["MemberFile"]:
    now = datetime.now(VIETNAM)

    from stream_zip import ZIP_32

    def member(path: str, pieces: Iterable[str]) -> "MemberFile":
        return path, now, 0o600, ZIP_32, (piece.encode() for piece in pieces)

    yield member("[Content_Types].xml", [CONTENT_TYPES])
    yield member("_rels/.rels", [PACKAGE_LINKS])
    yield member("xl/styles.xml", [STYLES])
    names: list[str] = []
    for table in sheets:
        rows = iter(table.rows)
        part = 1
        while True:
            names.append(_sheet_name(table.sheet, part, names))
            xml = _sheet(table.columns, islice(rows, MAX_ROWS - 1), written, is_first=len(names) == 1)
            yield member(f"xl/worksheets/sheet{len(names)}.xml", xml)
            following = next(rows, None)
            if following is None:
                break
            rows, part = chain([following], rows), part + 1
    # Readers find these by the directory at the end of the zip.
    yield member("xl/workbook.xml", [_workbook(names)])
    yield member("xl/_rels/workbook.xml.rels", [_workbook_links(len(names))])


def _sheet(
    columns: Sequence[Column], rows: Iterable[tuple[Cell, ...]], written: Written, *, is_first: bool
) -> Iterator[str]:
    """One worksheet, a piece for every TOGETHER rows."""
    places = [letters(number) for number in range(1, len(columns) + 1)]
    selected = ' tabSelected="1"' if is_first else ""
    yield (
        f'{DECLARATION}<worksheet xmlns="{MAIN}"><sheetViews><sheetView{selected} workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        '<sheetFormatPr defaultRowHeight="15"/><cols>'
    )
    for number, column in enumerate(columns, start=1):
        yield f'<col min="{number}" max="{number}" width="{column.width}" customWidth="1"/>'
    header = "".join(
        f'<c r="{place}1"{_text(column.label, written, style=HEADER)}'
        for place, column in zip(places, columns, strict=True)
    )
    yield f'</cols><sheetData><row r="1">{header}</row>'
    known = [(f'<c r="{place}', _Cells(column.kind, written)) for place, column in zip(places, columns, strict=True)]
    line = 1
    rows = iter(rows)
    while group := list(islice(rows, TOGETHER)):
        # By columns: a third faster than cell by cell.
        numbers = [f'{number}"' for number in range(line + 1, line + 1 + len(group))]
        cells = [
            _column(place, numbers, column, xml)
            for (place, xml), column in zip(known, zip(*group, strict=True), strict=True)
        ]
        yield "".join(
            [
                f'<row r="{number}>{"".join(row)}</row>'
                for number, row in zip(numbers, zip(*cells, strict=True), strict=True)
            ]
        )
        line += len(group)
        written.rows += len(group)
    yield f'</sheetData><autoFilter ref="A1:{places[-1]}{line}"/></worksheet>'


def _column(place: str, numbers: Sequence[str], column: Sequence[Cell], known: "_Cells") -> list[str]:
    """Some rows' cells of one column."""
    types = set(map(type, column))
    if types == {str} and ALL_PLAIN("\n".join((*cast(Sequence[str], column), ""))):
        return [f"{place}{number}{OPEN}{value}{CLOSE}" for number, value in zip(numbers, column, strict=True)]
    # What is kept for 1 would be found for True.
    xml = known.__missing__ if bool in types else known.__getitem__
    return ["" if value is None else place + number + xml(value) for number, value in zip(numbers, column, strict=True)]


class _Cells(dict[object, str]):
    """What follows a cell's address, by value of one column; values come back, and looking one up costs a third."""

    def __init__(self, kind: str, written: Written) -> None:
        self.kind, self.written = kind, written

    def __missing__(self, value: object) -> str:
        if type(value) is str and PLAIN(value):
            xml = f"{OPEN}{value}{CLOSE}"
        else:
            xml = _cell(value, self.kind, self.written)
            if type(value) is not int and not isinstance(value, date) and value != "":
                return xml  # what is removed from a text is counted each time
        if len(self) == KEPT:
            self.clear()
        self[value] = xml
        return xml


def _cell(value: object, kind: str, written: Written) -> str:
    style = NUMBER_STYLES.get(kind, GENERAL)
    if isinstance(value, bool):
        return f' t="b"><v>{value:d}</v></c>'
    if isinstance(value, int) and abs(value) < MAX_DIGITS:
        return f' s="{style}"><v>{value:d}</v></c>'
    if isinstance(value, (Decimal, float)) and (digits := str(value))[-1].isdigit():  # not inf, not nan
        return f' s="{style}"><v>{digits}</v></c>'
    if isinstance(value, datetime) and value.tzinfo:
        value = value.astimezone(VIETNAM)
    if isinstance(value, date):
        if value.year < 1900:
            return _text(f"{value:%d/%m/}{value.year:04}", written)
        if not isinstance(value, datetime):
            return f' s="{DATE}"><v>{_serial(value)}</v></c>'
        share = (value.hour * 3600 + value.minute * 60 + value.second) / 86400
        return f' s="{DATE if kind == "date" else DATETIME}"><v>{_serial(value) + share}</v></c>'
    if isinstance(value, CellError):
        if value.text in ERRORS.values():
            return f' t="e"><v>{value.text}</v></c>'
        value = value.text
    return _text(str(value), written)


def _serial(day: date) -> int:
    """Days since 1899-12-30; Excel believes in 29 February 1900, so earlier days count one less."""
    ordinal = day.toordinal()
    return ordinal - 693_594 if ordinal > 693_654 else ordinal - 693_595


# A text written as it stands: nothing to escape, no space at an end, no formula sign in front.
ODD = r"&<>_\x00-\x1f\ud800-\udfff\ufffe\uffff"
ONE_PLAIN = rf"[^ =+@{ODD}-][^{ODD}]{{0,{MAX_TEXT - 1}}}+(?<! )"
PLAIN = re.compile(ONE_PLAIN).fullmatch
ALL_PLAIN = re.compile(rf"(?:{ONE_PLAIN}\n)+").fullmatch
OPEN, CLOSE = f' s="{TEXT}" t="inlineStr"><is><t>', "</t></is></c>"
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Excel reads `_x0041_` as an escaped "A"; its underscore is escaped in turn.
ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


def _text(value: str, written: Written, *, style: int = TEXT) -> str:
    value, removed = FORBIDDEN.subn("", value)
    written.removed += removed
    if len(value) > MAX_TEXT:
        value = value[:MAX_TEXT]
        written.shortened += 1
    if not value:
        return "/>"
    if style == TEXT and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        style = QUOTED
    safe = ESCAPED.sub("_x005F_", value).translate(XML)
    return f' s="{style}" t="inlineStr"><is><t xml:space="preserve">{safe}</t></is></c>'


def _sheet_name(wanted: str, part: int, taken: Sequence[str]) -> str:
    """A name Excel takes: 31 characters, none of []:*?/\\, no apostrophe at an end, none twice."""
    plain = re.sub(r"[\[\]:*?/\\]", " ", FORBIDDEN.sub("", wanted))
    plain = " ".join(plain.split()).strip("'") or "Trang tính"
    used = {name.casefold() for name in taken}
    while True:
        suffix = f" ({part})" if part > 1 else ""
        name = plain[: MAX_NAME - len(suffix)].rstrip(" '") + suffix
        if name.casefold() not in used:
            return name
        part += 1


def _workbook(names: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, start=1)
    )
    return f'{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>'


def _workbook_links(sheets: int) -> str:
    worksheets = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, sheets + 1)
    )
    return (
        f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">{worksheets}'
        f'<Relationship Id="rId{sheets + 1}" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>'
    )
