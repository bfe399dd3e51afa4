"""Old Excel (.xls): what calamine does not show of it, by xlrd, and what else hides in such a container."""

import io
import struct
from typing import TYPE_CHECKING

from app.files.inspection import Sheet
from app.files.refusals import NotATable, PasswordProtected

if TYPE_CHECKING:
    import xlrd

SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")


def inspect(content: bytes, *, name: str) -> dict[str, Sheet]:
    """Errors and hidden rows of every sheet, with the sizes checked before calamine opens the file."""
    if not (_has_stream(content, "Workbook") or _has_stream(content, "Book")):
        raise (PasswordProtected if _has_stream(content, "EncryptedPackage") else NotATable)(name=name)
    import xlrd  # so that a server starts without it

    try:
        book = xlrd.open_workbook(file_contents=content, formatting_info=True, ragged_rows=True, logfile=io.StringIO())
    except xlrd.XLRDError as problem:
        if "encrypted" in str(problem):
            raise PasswordProtected(name=name) from None
        raise
    return {sheet.name: _inspect(sheet) for sheet in book.sheets()}


def _inspect(sheet: "xlrd.sheet.Sheet") -> Sheet:
    import xlrd

    errors: dict[tuple[int, int], str] = {}
    last_row = last_column = 0
    for row in range(sheet.nrows):
        for column, kind in enumerate(sheet.row_types(row)):
            if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                continue
            last_row, last_column = row + 1, max(last_column, column + 1)
            if kind == xlrd.XL_CELL_ERROR:
                code = sheet.cell_value(row, column)
                errors[row, column] = xlrd.error_text_from_code.get(code, "#VALUE!")
    hidden = sum(1 for row, info in sheet.rowinfo_map.items() if info.hidden and row < last_row)
    return Sheet(last_row, last_column, errors=errors, hidden=hidden)


def _has_stream(content: bytes, stream: str) -> bool:
    """Whether a directory entry of that name stands in the container: 128 bytes, the name's length at 64."""
    wanted = stream.encode("utf-16-le")
    entry = wanted.ljust(64, b"\0") + struct.pack("<H", len(wanted) + 2)
    return entry in content
