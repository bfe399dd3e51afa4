"""Any file a clerk sends → one `Table`, or a refusal in words.

The format is known by content, never by name. Values come from calamine (CSV: from the csv module), what
calamine does not show comes from `inspection` and `legacy`, and all of it is cleaned here, once.
"""

import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from app.files import delimited, inspection, legacy
from app.files.inspection import Sheet
from app.files.limits import MAX_BYTES, MAX_CELLS, MAX_ROWS
from app.files.places import letters
from app.files.refusals import (
    BrokenFile,
    DuplicateHeader,
    EmptyFile,
    FileRefused,
    FileTooLarge,
    NoHeader,
    PasswordProtected,
    SheetNotFound,
    SheetTooWide,
    TooManyCells,
    TooManyRows,
)
from app.table import Cell, CellError, Column, Table


def read(content: bytes | Path, *, name: str, sheet: str | None = None) -> Table:
    """The table of one sheet: header, then rows that are not blank.

    content: the file, or where it lies; a file beyond MAX_BYTES is refused without being read.
    name: as the clerk knows it; only for sentences.
    sheet: its name; without one the first visible sheet that holds anything.
    Text is NFC, trimmed, single-spaced; whole numbers are int; dates at midnight are `date`.
    Raises FileRefused, whatever the file holds.
    """
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    if not size:
        raise EmptyFile(name=name)
    if size > MAX_BYTES:
        raise FileTooLarge(name=name, size=-(-size // 1024**2), limit=MAX_BYTES // 1024**2)
    if isinstance(content, Path):
        content = content.read_bytes()
    try:
        return _read(content, name=name, sheet=sheet)
    except FileRefused:
        raise
    except PasswordError:
        raise PasswordProtected(name=name) from None
    except Exception as problem:
        # Libraries fail on a broken file in any way they like; no way of it is the clerk's to read.
        raise BrokenFile(name=name) from problem
    except BaseException as problem:
        # A panic in calamine is no Exception; here it is one more broken file.
        if type(problem).__name__ == "PanicException":
            raise BrokenFile(name=name) from problem
        raise


def _read(content: bytes, *, name: str, sheet: str | None) -> Table:
    if content.startswith(b"PK"):
        look = _look_into_archive(content, name=name)
    elif content.startswith(legacy.SIGNATURE):
        look = _look_up(legacy.inspect(content, name=name))
    else:
        lines = enumerate(delimited.rows(content, name=name), start=1)
        return _table(lines, Sheet(), name=name)
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    titles = _choose(workbook, wanted=sheet, name=name)
    for title in titles:
        seen = look(title)
        rows = workbook.get_sheet_by_name(title).to_python(skip_empty_area=False)
        try:
            return _table(enumerate(rows, start=1), seen, name=name, title=title, others=len(titles) - 1)
        except NoHeader:
            continue
    raise NoHeader(name=name)


def _look_into_archive(content: bytes, *, name: str) -> Callable[[str], Sheet]:
    archive, kind = inspection.open_archive(content, name=name)
    if kind == "ods":
        return _look_up(inspection.inspect_ods(archive))
    if kind == "xlsx":
        parts, inspect = inspection.sheet_parts(archive), inspection.inspect_xlsx
    else:
        parts, inspect = inspection.binary_sheet_parts(archive), inspection.inspect_xlsb

    def look(title: str) -> Sheet:
        seen = inspect(archive, parts[title])
        _refuse_too_large(title, seen)
        return seen

    return look


def _look_up(sheets: dict[str, Sheet]) -> Callable[[str], Sheet]:
    """Of these formats calamine lays out every sheet when it opens the file, so all are judged before."""
    for title, seen in sheets.items():
        _refuse_too_large(title, seen)
    return sheets.__getitem__


def _refuse_too_large(title: str, seen: Sheet) -> None:
    if inspection.too_large(seen.rows, seen.columns):
        corner = f"{letters(seen.columns)}{seen.rows}"
        raise SheetTooWide(sheet=title, corner=corner, limit=_grouped(MAX_CELLS))


def _choose(workbook: CalamineWorkbook, *, wanted: str | None, name: str) -> list[str]:
    """Titles of the sheets to try, in order."""
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    if wanted is None:
        return visible
    for sheet in sheets:
        if _same(sheet.name, wanted):
            return [sheet.name]
    raise SheetNotFound(name=name, sheet=wanted, sheets=", ".join(f"“{title}”" for title in visible))


def _same(one: str, other: str) -> bool:
    one, other = (unicodedata.normalize("NFC", text).strip().casefold() for text in (one, other))
    return one == other


def _up_to_last(rows: Iterable[tuple[int, Sequence[object]]], *, name: str) -> Iterator[tuple[int, Sequence[object]]]:
    for line, cells in rows:
        if line > MAX_ROWS:
            raise TooManyRows(name=name, limit=_grouped(MAX_ROWS))
        yield line, cells


FOOTER = re.compile(r"Số lượng ?: ?[0-9.,]+")


def _table(
    raw_rows: Iterable[tuple[int, Sequence[object]]],
    seen: Sheet,
    *,
    name: str,
    title: str = "",
    others: int = 0,
) -> Table:
    """Header and rows out of raw cells; `raw_rows` come with the line Excel shows."""
    clean = _Cleaner()
    lines_of_cells = ((line, [clean(cell) for cell in cells]) for line, cells in _up_to_last(raw_rows, name=name))
    labels = _header(lines_of_cells, name=name)
    kept = sorted(labels)
    rows: list[tuple[Cell, ...]] = []
    lines: list[int] = []
    unlabelled: set[int] = set()
    notes: list[str] = []
    for line, cells in lines_of_cells:
        _put_errors(cells, line, seen)
        filled = [index for index, cell in enumerate(cells) if cell is not None]
        if not filled:
            continue
        if len(filled) == 1 and FOOTER.fullmatch(str(cells[filled[0]])):
            notes.append(f"Bỏ qua dòng {line}: “{cells[filled[0]]}”.")
            continue
        unlabelled.update(index for index in filled if index not in labels)
        rows.append(tuple(cells[index] if index < len(cells) else None for index in kept))
        lines.append(line)
        if len(rows) * len(kept) > MAX_CELLS:
            raise TooManyCells(name=name, limit=_grouped(MAX_CELLS))
    if others:
        notes.insert(0, f"Tệp có {others + 1} trang tính, chỉ đọc trang “{title}”.")
    if unlabelled:
        where = ", ".join(letters(index + 1) for index in sorted(unlabelled))
        notes.append(f"Không đọc cột {where} vì không có tiêu đề.")
    if seen.hidden:
        notes.append(f"Trang tính có {seen.hidden} dòng ẩn, vẫn được đọc.")
    if clean.removed:
        notes.append(f"Đã bỏ {clean.removed} ký tự điều khiển trong các ô.")
    columns = tuple(Column(labels[index]) for index in kept)
    return Table(columns, rows, lines, sheet=title, notes=tuple(notes))


def _header(rows: Iterator[tuple[int, list[Cell]]], *, name: str) -> dict[int, str]:
    """Labels by column, from the first row with two texts or more, most of its cells being text."""
    for _, cells in rows:
        filled = [cell for cell in cells if cell is not None]
        texts = [cell for cell in filled if isinstance(cell, str) and any(map(str.isalpha, cell))]
        if len(texts) >= 2 and 2 * len(texts) >= len(filled):
            break
    else:
        raise NoHeader(name=name)
    labels: dict[int, str] = {}
    first_of: dict[str, int] = {}
    for index, cell in enumerate(cells):
        if cell is None:
            continue
        labels[index] = label = " ".join(str(cell).split())
        first = first_of.setdefault(label.casefold(), index)
        if first != index:
            raise DuplicateHeader(first=letters(first + 1), second=letters(index + 1), label=label)
    return labels


def _put_errors(cells: list[Cell], line: int, seen: Sheet) -> None:
    if not seen.errors and not seen.formulas:
        return
    for column in range(len(cells)):
        if text := seen.errors.get((line - 1, column)):
            cells[column] = CellError(text, "error")
        elif text := seen.formulas.get((line - 1, column)):
            cells[column] = CellError(text, "formula")


CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
LINE_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
SPACES = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
AROUND_BREAK = re.compile(r" ?\n ?")
ERRORS = frozenset(inspection.ERRORS.values())


class _Cleaner:
    """Raw cell → `Cell`; remembers texts, of which lists repeat many, and counts what it takes out."""

    def __init__(self) -> None:
        self.removed = 0
        self._texts: dict[str, Cell] = {"": None}

    def __call__(self, raw: object) -> Cell:
        if isinstance(raw, str):
            if raw in self._texts:
                return self._texts[raw]
            return self._text(raw)
        if isinstance(raw, float):
            return int(raw) if raw.is_integer() and abs(raw) < 1e15 else raw
        if isinstance(raw, datetime):
            return raw.date() if raw.time() == time.min else raw
        if isinstance(raw, (bool, int, date)):
            return raw
        if isinstance(raw, time):
            return raw.strftime("%H:%M:%S" if raw.second else "%H:%M")
        if isinstance(raw, timedelta):
            minutes, seconds = divmod(int(raw.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        return None

    def _text(self, raw: str) -> Cell:
        text, removed = CONTROL.subn("", raw)
        text = SPACES.sub(" ", INVISIBLE.sub("", LINE_BREAK.sub("\n", text)))
        text = unicodedata.normalize("NFC", AROUND_BREAK.sub("\n", text).strip())
        cell: Cell = CellError(text, "error") if text in ERRORS else text or None
        if removed:
            self.removed += removed
        else:
            self._texts[raw] = cell
        return cell


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", ".")
