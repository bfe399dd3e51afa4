"""Old Excel (.xls): what calamine does not show of it, by xlrd, and what else hides in such a container."""

import io
import struct
from typing import TYPE_CHECKING

from app.files import fonts, kinds
from app.files.inspection import Sheet
from app.files.refusals import PasswordProtected

if TYPE_CHECKING:
    import xlrd

SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")


def inspect(content: bytes, *, name: str) -> dict[str, Sheet]:
    """What calamine does not show of every sheet, and the sizes, checked before it opens the file."""
    if not (_has_stream(content, "Workbook") or _has_stream(content, "Book")):
        if _has_stream(content, "EncryptedPackage"):
            raise PasswordProtected(name=name)
        raise kinds.refusal(kinds.of_streams(lambda stream: _has_stream(content, stream)), name=name)
    import xlrd  # so that a server starts without it

    try:
        book = xlrd.open_workbook(file_contents=content, formatting_info=True, ragged_rows=True, logfile=io.StringIO())
    except xlrd.XLRDError as problem:
        if "encrypted" in str(problem):
            raise PasswordProtected(name=name) from None
        raise
    by_font = [fonts.of_font(font.name) for font in book.font_list]
    styles = {
        number: charset
        for number, style in enumerate(book.xf_list)
        if (charset := by_font[style.font_index]) is not None
    }
    return {sheet.name: _inspect(sheet, styles) for sheet in book.sheets()}


def _inspect(sheet: "xlrd.sheet.Sheet", styles: dict[int, fonts.Charset]) -> Sheet:
    import xlrd

    seen = Sheet()
    for row in range(sheet.nrows):
        for column, kind in enumerate(sheet.row_types(row)):
            if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                continue
            seen.reach(row, column)
            if styles and (charset := styles.get(sheet.cell_xf_index(row, column))):
                seen.set_font(row, column, charset)
            if kind == xlrd.XL_CELL_ERROR:
                code = sheet.cell_value(row, column)
                seen.errors[row, column] = xlrd.error_text_from_code.get(code, "#VALUE!")
    for row in sorted(row for row, info in sheet.rowinfo_map.items() if info.hidden and row < seen.rows):
        seen.hide(row)
    seen.hidden_columns = [(column, column) for column, info in sorted(sheet.colinfo_map.items()) if info.hidden]
    for top, bottom, left, right in sheet.merged_cells:
        seen.merge(top, left, bottom - 1, right - 1)
    return seen


def _has_stream(content: bytes, stream: str) -> bool:
    """Whether a directory entry of that name stands in the container: 128 bytes, the name's length at 64."""
    wanted = stream.encode("utf-16-le")
    entry = wanted.ljust(64, b"\0") + struct.pack("<H", len(wanted) + 2)
    return entry in content
