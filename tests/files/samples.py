"""Small files built by hand: what no writer here makes, and what someone with bad intent would send."""

import io
import struct
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

import openpyxl

TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEADER_ROW = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>Mã xã</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>Tên xã</t></is></c></row>'
)


def zipped(parts: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in parts.items():
            archive.writestr(path, content)
    return buffer.getvalue()


# DOMAIN.md §6.2(a) with its titles typed in one row: those of the second rating repeat those of the first.
OFFICE_TITLES = (
    *("TT", "Tên sản phẩm", "Nhóm sản phẩm", "Loại hình kinh doanh", "Tên chủ thể", "Xã/phường", "Địa chỉ"),
    *("Người đại diện", "SĐT", "Hạng sao hiện tại", "Ngày hết hạn", "Đánh giá lần 1 (sao)", "Ngày công nhận lần 1"),
    *("năm", "Số quyết định", "Cơ quan công nhận", "Sao", "Ngày", "Năm", "Số quyết định", "Cơ quan công nhận"),
    "Ghi chú",
)


def workbook(rows: Iterable[Sequence[Any]], title: str = "Sheet1") -> bytes:
    """By openpyxl, as a clerk's file."""
    return workbooks({title: rows})


def workbooks(sheets: dict[str, Iterable[Sequence[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    return saved(book)


def with_cells(content: bytes, **cells: Any) -> bytes:
    """The workbook after someone typed into its first sheet."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    for place, value in cells.items():
        book.worksheets[0][place] = value
    return saved(book)


def results(content: bytes) -> list[str]:
    """What a list of four rows and four columns that came back marked says of each: the word before the colon."""
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    return [str(sheet.cell(line, 5).value).partition(":")[0] for line in range(2, 6)]


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def raw_xlsx(rows: str, *, prolog: str = "", more: dict[str, str | bytes] | None = None) -> bytes:
    """One sheet “S” whose rows are XML as given."""
    links = f"{PACKAGE}/relationships"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
            f'<Default Extension="xml" ContentType="{TYPES}.worksheet+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{links}"><Relationship Id="rId1" '
            f'Type="{RELATIONSHIPS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONSHIPS}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{links}"><Relationship Id="rId1" '
            f'Type="{RELATIONSHIPS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<?xml version="1.0" encoding="UTF-8"?>{prolog}'
            f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
            **(more or {}),
        }
    )


def ods(rows: str) -> bytes:
    """One sheet “S” whose rows are XML as given."""
    names = "".join(
        f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
        for prefix in ("office", "table", "text")
    )
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": "<manifest/>",
            "content.xml": f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{names}'
            ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
            f'<office:body><office:spreadsheet><table:table table:name="S">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        }
    )


def ods_cell(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p></table:table-cell>'


def ole(streams: dict[str, bytes]) -> bytes:
    """A compound file: header, one sector of allocation table, one of directory, then up to three streams."""
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    table = [0xFFFFFFFD, end]
    entries = [_entry("Root Entry", kind=5, child=1, start=end, size=0)]
    body = b""
    for number, (name, content) in enumerate(streams.items(), start=1):
        start, sectors = len(table), max(8, -(-len(content) // 512))
        table += [*range(start + 1, start + sectors), end]
        right = number + 1 if number < len(streams) else free
        entries.append(_entry(name, kind=2, right=right, start=start, size=512 * sectors))
        body += content.ljust(512 * sectors, b"\0")
    table += [free] * (128 - len(table))
    signature = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header = signature + struct.pack("<HHHHH6xIIIIIIIII", 62, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    return header + struct.pack("<128I", *table) + b"".join(entries).ljust(512, b"\0") + body


def _entry(name: str, *, kind: int, start: int, size: int, right: int = 0xFFFFFFFF, child: int = 0xFFFFFFFF) -> bytes:
    text = name.encode("utf-16-le")
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(text) + 2, kind, 1, 0xFFFFFFFF, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def xls(cells: bytes, *, globals_: bytes = b"") -> bytes:
    """Excel 97 with one sheet “S”; `globals_` are records put first, `cells` the sheet's."""
    start = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + globals_
    start += record(0x0031, struct.pack("<HHHHHBBBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0, 1, 0) + b"A")
    start += record(0x00E0, bytes(20)) * 16
    offset = len(start) + 4 + 9 + 4
    start += record(0x0085, struct.pack("<IBBBB", offset, 0, 0, 1, 0) + b"S") + record(0x000A, b"")
    sheet = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0)) + cells + record(0x000A, b"")
    return ole({"Workbook": start + sheet})


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def xls_text(row: int, column: int, text: str) -> bytes:
    return record(0x0204, struct.pack("<HHHHB", row, column, 15, len(text), 1) + text.encode("utf-16-le"))


def xls_error(row: int, column: int, code: int) -> bytes:
    return record(0x0205, struct.pack("<HHHBB", row, column, 15, code, 1))


def xls_hidden_row(row: int) -> bytes:
    return record(0x0208, struct.pack("<HHHHHHI", row, 0, 2, 255, 0, 0, 0x0120))


def xlsb(rows: bytes, *, merged: tuple[int, ...] = (), hidden: tuple[int, ...] = ()) -> bytes:
    """Binary workbook with one sheet “S”; `rows` are its records. merged: top, bottom, left, right; hidden: columns."""
    links = f'xmlns="{PACKAGE}/relationships"'
    bundle = struct.pack("<II", 0, 1) + wide("rId1") + wide("S")
    book = b"".join(brt(kind, body) for kind, body in ((131, b""), (143, b""), (156, bundle), (144, b""), (132, b"")))
    columns = brt(390) + brt(60, struct.pack("<IIIIH", *hidden, 2000, 0, 1)) + brt(391) if hidden else b""
    merges = brt(177, struct.pack("<I", 1)) + brt(176, struct.pack("<IIII", *merged)) + brt(178) if merged else b""
    sheet = brt(129) + brt(148, bytes(16)) + columns + brt(145) + rows + brt(146) + merges + brt(130)
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
            "_rels/.rels": f'<Relationships {links}><Relationship Id="rId1" '
            f'Type="{RELATIONSHIPS}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": f'<Relationships {links}><Relationship Id="rId1" '
            f'Type="{RELATIONSHIPS}/worksheet" Target="worksheets/sheet1.bin"/></Relationships>',
            "xl/worksheets/sheet1.bin": sheet,
        }
    )


def brt(kind: int, body: bytes = b"") -> bytes:
    return _seven_bits(kind) + _seven_bits(len(body)) + body


def brt_row(row: int) -> bytes:
    return brt(0, struct.pack("<IIHBBBI", row, 0, 300, 0, 0, 0, 0))


def brt_text(column: int, text: str) -> bytes:
    return brt(6, struct.pack("<II", column, 0) + wide(text))


def brt_error(column: int, code: int) -> bytes:
    return brt(3, struct.pack("<IIB", column, 0, code))


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _seven_bits(number: int) -> bytes:
    out = b""
    while True:
        number, low = number >> 7, number & 0x7F
        out += bytes([low | (0x80 if number else 0)])
        if not number:
            return out
