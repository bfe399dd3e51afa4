"""File formats in and out; nothing outside this package knows openpyxl, calamine, xlrd or stream-zip.

`read(content, name=…)` → `Table`; every refusal is a `FileRefused`. `stream(sheets)` → bytes of an .xlsx.
"""

from app.files.limits import MAX_BYTES, MAX_CELLS, MAX_RATIO, MAX_UNZIPPED
from app.files.reading import check_size, read
from app.files.refusals import FileRefused
from app.files.xlsx import Written, stream

__all__ = [
    "MAX_BYTES",
    "MAX_CELLS",
    "MAX_RATIO",
    "MAX_UNZIPPED",
    "FileRefused",
    "Written",
    "check_size",
    "read",
    "stream",
]
