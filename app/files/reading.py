"""Any file a clerk sends → one `Table`, or a refusal in words.

The format is known by content, never by name. Values come from calamine (CSV: from the csv module), what
calamine does not show comes from `inspection` and `legacy`; all of it is cleaned here, once, then `header` finds
where the table begins and `body` what in it is no row.
"""

import io
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import chain, islice
from math import isfinite
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from app.files import body, delimited, fonts, header, inspection, legacy
from app.files.body import Body
from app.files.fonts import Charset
from app.files.header import Header, Line, Merges
from app.files.inspection import Sheet
from app.files.limits import MAX_BYTES, MAX_CELLS, MAX_ROWS, STRUCTURE_ROWS
from app.files.places import letters
from app.files.refusals import (
    BrokenFile,
    BrokenSheet,
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
from app.files.titles import ABOUT_COLUMNS, ABOUT_SHEET, HEADINGS, NAMED_AS_OF, OWN_SHEETS, ROW_NUMBERS
from app.table import Cell, CellError, Column, Conversion, Table
from models.rules.text import fold
from models.rules.words import day, read_day


def read(
    content: bytes | Path,
    *,
    name: str,
    sheet: str | None = None,
    known: Collection[str] = (),
    convert: bool = True,
) -> Table:
    """The table of one sheet: header, then rows; what is no row is in `left_out`, and said in `notes`.

    content: the file, or where it lies; a file beyond MAX_BYTES is refused without being read.
    name: as the clerk knows it; only for sentences.
    sheet: its name; without one the visible sheet with most known labels, else the first with a header.
    known: labels and aliases of the columns looked for; the line with most of them, two at least, is the header.
    convert: whether text for TCVN3 and VNI fonts becomes Unicode; either way a note says where it stands.
    Text is NFC, trimmed, single-spaced; whole numbers are int; dates at midnight are `date`. Cells that a merged
    range covers have its value. Headers of two lines read "Hạng sao / 3 sao".
    Where headings of parts stand between the rows, a last column says of each row under which it stood.
    Merged cells are known up to STRUCTURE_ROWS, fonts so far too and only of .xlsx and .xls, of rich text in a cell
    not those of its parts.
    Raises FileRefused, whatever the file holds.
    """
    check_size(content.stat().st_size if isinstance(content, Path) else len(content), name=name)
    if isinstance(content, Path):
        content = content.read_bytes()
    try:
        return _read(content, name=name, sheet=sheet, known=header.fold_known(known), convert=convert)
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


def check_size(size: int, *, name: str) -> None:
    """Raise EmptyFile or FileTooLarge for a file of so many bytes."""
    if not size:
        raise EmptyFile(name=name)
    if size > MAX_BYTES:
        raise FileTooLarge(name=name, size=-(-size // 1024**2), limit=MAX_BYTES // 1024**2)


def _read(content: bytes, *, name: str, sheet: str | None, known: frozenset[str], convert: bool) -> Table:
    if content.startswith(b"PK"):
        look = _look_into_archive(content, name=name)
    elif content.startswith(legacy.SIGNATURE):
        look = _look_up(legacy.inspect(content, name=name))
    else:
        text, note = delimited.decoded(content, name=name)
        table = _table(lambda: delimited.rows(text, name=name), Sheet(), name=name, known=known, convert=convert)
        return replace(table, notes=(note, *table.notes)) if note else table
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    titles, visible, hidden = _choose(workbook, wanted=sheet, name=name)
    chosen, most, counted = None, -1, {}
    for title in titles:
        seen = look(title)
        rows = _to_the_corner(workbook.get_sheet_by_name(title).to_python(skip_empty_area=False), seen)
        counted[title] = sum(any(cell != "" for cell in row) for row in rows)
        found = _find_header(rows, seen, name=name, known=known) if len(titles) > 1 else 0
        if found is not None and found > most:
            chosen, most = (title, seen, rows), found
            if not known:
                break
    if chosen is None:
        raise NoHeader(name=name)
    title, seen, rows = chosen
    table = _table(lambda: rows, seen, name=name, known=known, convert=convert)
    notes = []
    if len(titles) > 1:
        notes.append(f"Tệp có {len(titles)} trang tính, chỉ đọc trang “{title}”.")
    if title in hidden:
        notes.append(f"Trang tính “{title}” đang ẩn, vẫn được đọc.")
    elif hidden:
        notes.append(f"Không đọc trang tính ẩn: {_quoted(hidden)}.")
    if named_as_of := _named_as_of(workbook, look):
        notes.append(f"Tệp do phần mềm xuất, địa danh tính đến ngày {day(named_as_of)}.")
    return replace(
        table,
        sheet=title,
        sheets=tuple(visible),
        sheet_rows=counted,
        notes=(*notes, *table.notes),
        named_as_of=named_as_of,
    )


def _named_as_of(workbook: CalamineWorkbook, look: Callable[[str], Sheet]) -> date | None:
    """The day whose names the places of a list have, as the sheet about it says in a workbook of ours."""
    if ABOUT_SHEET not in workbook.sheet_names:
        return None
    look(ABOUT_SHEET)  # raises when it is too large
    rows = [tuple(row) for row in workbook.get_sheet_by_name(ABOUT_SHEET).to_python()]
    said = next((str(row[1]) for row in rows if rows[0] == ABOUT_COLUMNS and row[0] == NAMED_AS_OF), "")
    try:
        return read_day(said)
    except (ValueError, OverflowError):  # not one of ours, or written over
        return None


def _to_the_corner(rows: list[list[Any]], seen: Sheet) -> list[list[Any]]:
    """Lay out what calamine leaves out: lines and columns at the end that hold only errors, or formulas unresolved."""
    places = [*seen.errors, *seen.formulas]
    last, width = (max((place[at] + 1 for place in places), default=0) for at in (0, 1))
    rows += [[] for _ in range(last - len(rows))]
    for line in {line for line, _ in places}:
        rows[line] += [""] * (width - len(rows[line]))
    return rows


def _find_header(rows: Sequence[Sequence[object]], seen: Sheet, *, name: str, known: frozenset[str]) -> int | None:
    """How many labels of a sheet's header are known; None when it has no header."""
    source = _Source(seen)
    lines = source.lines(rows, name=name)
    try:
        found, _, _ = _split(lines, Merges(seen, len(rows)), known, name=name)
    except NoHeader:
        return None
    return found.known


def _look_into_archive(content: bytes, *, name: str) -> Callable[[str], Sheet]:
    archive, kind = inspection.open_archive(content, name=name)
    if kind == "ods":
        return _look_up(inspection.inspect_ods(archive))
    if kind == "xlsx":
        parts, styles = inspection.sheet_parts(archive), inspection.legacy_styles(archive)
        inspect = partial(inspection.inspect_xlsx, styles=styles)
    else:
        parts, inspect = inspection.binary_sheet_parts(archive), partial(inspection.inspect_xlsb)

    def look(title: str) -> Sheet:
        try:
            seen = inspect(archive, parts[title])
        except (ExpatError, KeyError):  # broken, or not there
            raise BrokenSheet(name=name, sheet=title) from None
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


def _choose(workbook: CalamineWorkbook, *, wanted: str | None, name: str) -> tuple[list[str], list[str], list[str]]:
    """Titles of the sheets to try, in order; of all that are visible; of those that are not."""
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    sheets = [sheet for sheet in sheets if sheet.name not in OWN_SHEETS] or sheets
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    hidden = [sheet.name for sheet in sheets if sheet.visible != SheetVisibleEnum.Visible]
    if wanted is None:
        return visible, visible, hidden
    for sheet in sheets:
        if _same(sheet.name, wanted):
            return [sheet.name], visible, hidden
    raise SheetNotFound(name=name, sheet=wanted, sheets=_quoted(visible))


def _quoted(titles: Iterable[str]) -> str:
    return ", ".join(f"“{title}”" for title in titles)


def _same(one: str, other: str) -> bool:
    one, other = (unicodedata.normalize("NFC", text).strip().casefold() for text in (one, other))
    return one == other


@dataclass
class _Source:
    """A sheet's cells, cleaned and, where `readings` or fonts say so, in Unicode.

    readings: {raw text: Unicode}. converted: {(line, column from 0): (as it stood, in Unicode)}, when they are
    not to be changed too. charsets: those met.
    """

    seen: Sheet
    readings: Mapping[str, str] = field(default_factory=dict)
    convert: bool = True
    converted: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    charsets: set[Charset] = field(default_factory=set)
    last: int = 0

    def __post_init__(self) -> None:
        self.clean = _Cleaner()

    def lines(self, rows: Iterable[Sequence[object]], *, name: str) -> Iterator[Line]:
        clean, has_letters = self.clean, bool(self.readings or self.seen.fonts)
        has_errors = bool(self.seen.errors or self.seen.formulas)
        mixed = self._is_mixed(rows) if self.seen.fonts and isinstance(rows, list) else False
        for line, raw in enumerate(rows, start=1):
            if line > MAX_ROWS:
                raise TooManyRows(name=name, limit=_grouped(MAX_ROWS))
            self.last = line
            cells = self._in_unicode(line, raw, mixed) if has_letters else [clean(cell) for cell in raw]
            if has_errors:
                _put_errors(cells, line, self.seen)
            yield line, cells

    def _is_mixed(self, rows: list[Sequence[object]]) -> bool:
        """Whether old fonts hold Unicode somewhere, as after pasting into cells that kept their font."""
        return any(
            isinstance(cell, str) and fonts.is_unicode(cell)
            for row, charsets in self.seen.fonts.items()
            if row < len(rows)
            for cell, charset in zip(rows[row], charsets, strict=False)
            if charset
        )

    def _in_unicode(self, line: int, raw: Sequence[object], mixed: bool) -> list[Cell]:
        charsets = self.seen.fonts.get(line - 1, b"")
        cells: list[Cell] = []
        for column, cell in enumerate(raw):
            if not isinstance(cell, str) or cell.isascii():
                cells.append(self.clean(cell))
                continue
            made = None
            if column < len(charsets) and charsets[column]:
                made = fonts.by_font(cell, charset := Charset(charsets[column]), mixed=mixed)
                if made is not None:
                    self.charsets.add(charset)
            if made is None:
                made = self.readings.get(cell)
            if made is None:
                cells.append(self.clean(cell))
                continue
            after = self.clean(made)
            self.converted[line, column] = " ".join(cell.split()), str(after)
            cells.append(after if self.convert else self.clean(cell))
        return cells


def _split(
    lines: Iterator[Line], merges: Merges, known: frozenset[str], *, name: str
) -> tuple[Header, list[Line], Iterator[Line]]:
    """The header, the lines above it, and those below."""
    above: list[Line] = []
    while head := list(islice(lines, header.WITHIN)):
        if found := header.find(head, merges, known):
            start, end = (head[0][0], found.lines[-1])
            above += [entry for entry in head if entry[0] < found.lines[0]]
            return found, above, chain(head[end - start + 1 :], lines)
        above += [entry for entry in head if any(cell is not None for cell in entry[1])]
    raise NoHeader(name=name)


def _table(
    rows: Callable[[], Iterable[Sequence[object]]],
    seen: Sheet,
    *,
    name: str,
    known: frozenset[str],
    convert: bool,
) -> Table:
    """Header and rows out of raw cells; read again when texts turn out to be in an old charset."""
    source = _Source(seen, convert=convert)
    table = _built(rows(), source, name=name, known=known)
    if source.clean.suspects:
        read_as = fonts.by_letters(
            source.clean.suspects, is_unicode_elsewhere=any(map(fonts.is_unicode, source.clean.texts))
        )
        if read_as.readings:
            again = _Source(seen, read_as.readings, convert, charsets=set(read_as.charsets))
            table = _built(rows(), again, name=name, known=known)
        if read_as.doubtful:
            note = f"Có {len(read_as.doubtful)} giá trị chưa rõ bảng mã, giữ nguyên: “{read_as.doubtful[0]}”."
            table = replace(table, notes=(*table.notes, note))
    return table


def _built(raw_rows: Iterable[Sequence[object]], source: _Source, *, name: str, known: frozenset[str]) -> Table:
    seen = source.seen
    merges = Merges(seen, len(raw_rows) if isinstance(raw_rows, list) else 0)
    found, above, below = _split(source.lines(raw_rows, name=name), merges, known, name=name)
    labels = found.labels
    kept = sorted(labels)
    sorted_out = Body(
        width=len(kept),
        merges=merges,
        numbers=[index for index in kept if len(kept) > 1 and fold(labels[index]) in ROW_NUMBERS],
        header=found.cells,
        above=[cells for _, cells in above],
        known=known,
    )
    other = header.table_above(above, known)
    for place, (line, cells) in enumerate(above):
        sorted_out.leave_out(line, cells, body.ABOVE if place < other else body.OTHER)
    rows: list[tuple[Cell, ...]] = []
    lines: list[int] = []
    headings: list[str | None] = []
    unlabelled: set[int] = set()
    for line, cells, filled in sorted_out.rows(below):
        for index in filled:
            if index not in labels:
                unlabelled.add(index)
        rows.append(tuple([cells[index] if index < len(cells) else None for index in kept]))
        lines.append(line)
        headings.append(sorted_out.heading)
        if len(rows) * len(kept) > MAX_CELLS:
            raise TooManyCells(name=name, limit=_grouped(MAX_CELLS))
    read = {*lines, *found.lines}
    conversions = tuple(
        Conversion(line, labels[column], before, after)
        for (line, column), (before, after) in source.converted.items()
        if column in labels and line in read
    )
    columns = [Column(labels[index]) for index in kept]
    places = [letters(index + 1) for index in kept]
    if any(headings) and HEADINGS not in labels.values():
        columns.append(Column(HEADINGS))
        places.append("")
        rows = [(*row, heading) for row, heading in zip(rows, headings, strict=True)]
    return Table(
        tuple(columns),
        rows,
        lines,
        notes=tuple(_notes(source, sorted_out, unlabelled, conversions)),
        header=found.lines,
        places=tuple(places),
        left_out=tuple(sorted_out.left_out),
        conversions=conversions if source.convert else (),
    )


def _notes(source: _Source, sorted_out: Body, unlabelled: set[int], conversions: Sequence[Conversion]) -> Iterator[str]:
    seen = source.seen
    yield from body.said(sorted_out.left_out)
    if unlabelled:
        where = ", ".join(letters(index + 1) for index in sorted(unlabelled))
        yield f"Không đọc cột {where} vì không có tiêu đề."
    if sorted_out.filled_in:
        yield f"Đã điền {_grouped(sorted_out.filled_in)} ô nằm trong ô gộp theo giá trị của ô gộp."
    if hidden := [row + 1 for row in seen.hidden_rows if row < source.last]:
        count = len(hidden) if len(hidden) < inspection.MOST_HIDDEN else seen.hidden
        yield f"Trang tính có {_grouped(count)} dòng ẩn (dòng {_ranges(hidden)}), vẫn được đọc."
    if columns := [
        column + 1 for first, last in seen.hidden_columns for column in range(first, min(last + 1, seen.columns))
    ]:
        where = ", ".join(letters(column) for column in columns[:MOST_NAMED])
        more = ", …" if len(columns) > MOST_NAMED else ""
        yield f"Trang tính có {len(columns)} cột ẩn (cột {where}{more}), vẫn được đọc."
    if conversions and (said := _said_conversions(conversions, source)):
        yield said
    if sorted_out.merges.is_off and (seen.merges or source.last > STRUCTURE_ROWS):
        yield f"Trang tính dài hơn {_grouped(STRUCTURE_ROWS)} dòng hoặc quá nhiều ô gộp: không xét ô gộp, phông chữ cũ."
    if source.clean.removed:
        yield f"Đã bỏ {source.clean.removed} ký tự điều khiển trong các ô."


def _said_conversions(conversions: Sequence[Conversion], source: _Source) -> str:
    """Of rows, when they are not changed; what was changed of them whoever reads the table says, and asks."""
    charsets = " và ".join(sorted({charset.label for charset in source.charsets}))
    if source.convert:
        titles = [each for each in conversions if each.after == each.column]
        changed = f": “{titles[0].before}” → “{titles[0].after}”" if titles else ""
        return f"Tiêu đề cột đã đổi từ bảng mã {charsets} sang Unicode{changed}." if titles else ""
    first = conversions[0]
    example = f"ô đầu: dòng {first.line}, cột “{first.column}”, “{first.before}” → “{first.after}”"
    return f"Có {_grouped(len(conversions))} ô dùng bảng mã {charsets}, giữ nguyên; {example}."


MOST_NAMED = 20


def _ranges(numbers: Sequence[int]) -> str:
    """3, 5, 6, 7 → "3, 5–7"; the first MOST_NAMED of them."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [str(first) if first == last else f"{first}–{last}" for first, last in runs[:MOST_NAMED]]
    return ", ".join([*shown, "…"] if len(runs) > MOST_NAMED else shown)


def _put_errors(cells: list[Cell], line: int, seen: Sheet) -> None:
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
    """Raw cell → `Cell`; remembers texts, of which lists repeat many, and counts what it takes out.

    suspects: texts that may be in an old charset.
    """

    def __init__(self) -> None:
        self.removed = 0
        self.suspects: dict[str, None] = {}
        self.texts: dict[str, Cell] = {"": None}

    def __call__(self, raw: object) -> Cell:
        if isinstance(raw, str):
            if raw in self.texts:
                return self.texts[raw]
            return self._text(raw)
        if isinstance(raw, float):
            if not isfinite(raw):
                return CellError("#NUM!", "error")  # no Excel writes it, and no JSON holds it
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
        if not raw.isascii() and fonts.SUSPECT.search(raw):
            self.suspects[raw] = None
        text, removed = CONTROL.subn("", raw)
        text = SPACES.sub(" ", INVISIBLE.sub("", LINE_BREAK.sub("\n", text)))
        text = unicodedata.normalize("NFC", AROUND_BREAK.sub("\n", text).strip())
        cell: Cell = CellError(text, "error") if text in ERRORS else text or None
        if removed:
            self.removed += removed
        else:
            self.texts[raw] = cell
        return cell


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", ".")
