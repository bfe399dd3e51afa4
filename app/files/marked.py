"""The clerk's own workbook given back with what became of every row.

An .xlsx (and .xlsm, without its macros) comes back as it was sent: sheets, widths, formats, merged cells,
formulas with the results they had. .xls, .xlsb, .ods and .csv come back as an .xlsx of their values. Marks of an
earlier round are taken off first. Lists beyond `MOST_ROWS` or `MOST_CELLS`, and workbooks openpyxl cannot open,
come back as a plain list with the same columns and the results; what did not come along is said in the workbook.
"""

import io
import re
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, NamedTuple, TypeAlias
from xml.etree.ElementTree import iterparse
from xml.sax.saxutils import escape

from app.files import delimited, inspection, legacy
from app.files.inspection import Sheet
from app.files.places import letters, number
from app.files.titles import AUTHOR, FAULTS_SHEET, RESULT, RESULT_BESIDE
from app.files.xlsx import FORBIDDEN, MAX_TEXT, stream
from app.table import CellError, Column, Table
from models.rules.text import fold

# Stubs of openpyxl know neither styles of a cell nor what is kept of a sheet.
Workbook: TypeAlias = Any
Worksheet: TypeAlias = Any
OneCell: TypeAlias = Any

# openpyxl holds every cell of every sheet: 200,000 take some 150 MB and, on a slow machine, 15 seconds.
MOST_ROWS = 20_000
MOST_CELLS = 200_000

IMPORTED, SAME, NEW, CHANGED = "Đã nhập", "Không đổi", "Mới", "Thay đổi"
REFUSED, SKIPPED, UNDONE, GONE = "Bị từ chối", "Bỏ qua", "Đã hoàn tác", "Đã xóa sau đó"
RESULTS = (IMPORTED, SAME, NEW, CHANGED, REFUSED, SKIPPED, UNDONE, GONE)
DONE = (IMPORTED, SAME)

SHADE = "FFFBE9E6"
GREETING = f"{AUTHOR}:\n"
KEPT_NOTE = "\n— Ghi chú đã có, của "
ABOUT_RESULTS = (
    "Cột này do phần mềm ghi. Sửa các ô tô màu rồi tải tệp này lên lại: dòng “Đã nhập” và “Không đổi” được bỏ qua. "
    "Nếu sửa một dòng như vậy, xóa chữ ở cột này của dòng đó."
)
SUMMARY = (Column("Lỗi", width=60), Column("Dòng", width=40), Column("Cách sửa", width=70))


class Mark(NamedTuple):
    """What became of one row. line: as Excel shows it. problems: (column label, sentence)."""

    line: int
    result: str
    problems: Sequence[tuple[str, str]] = ()

    @property
    def words(self) -> str:
        sentences = " ".join(dict.fromkeys(sentence for _, sentence in self.problems))
        return f"{self.result}: {sentences}" if sentences else self.result


class Summed(NamedTuple):
    """One error and all the rows that have it."""

    error: str
    lines: Sequence[int]
    cure: str


def already_done(table: Table) -> dict[int, str]:
    """Lines of a workbook that came back marked of which nothing is left to do, each with its result."""
    at = _results_in(table)
    texts = {line: str(row[at]) for line, row in zip(table.lines, table.rows, strict=True)} if at is not None else {}
    return {line: text for line, text in texts.items() if text in DONE}


def _results_in(table: Table) -> int | None:
    """The column of results that we wrote, by most of its cells: a clerk may have put words of their own into some.

    A sender may have a column of that name, too.
    """
    for at, column in enumerate(table.columns):
        if _is_result(column.label):
            texts = [str(row[at]) for row in table.rows if row[at] is not None]
            ours = sum(text in RESULTS or text.startswith(f"{REFUSED}:") for text in texts)
            if 2 * ours >= len(texts):
                return at
    return None


def _is_result(label: str) -> bool:
    return fold(label.rpartition(" / ")[2]) in (fold(RESULT), fold(RESULT_BESIDE))


def mark(content: bytes, table: Table, *, name: str, marks: Sequence[Mark], summary: Sequence[Summed]) -> bytes:
    """The workbook with a column of results, bad cells shaded with a comment, and the errors summed on a sheet.

    table: what `read` found in the same content, so the file is known to be harmless.
    """
    sent = _look(content, name=name)
    is_wide = len(table.lines) * len(table.columns) > MOST_CELLS
    if not sent.is_heavy and not is_wide and max(table.lines, default=0) <= MOST_ROWS:
        try:
            return _in_place(sent, table, marks, summary)
        except Exception:  # openpyxl fails on odd workbooks in any way it likes; their values can still be given
            sent.lost.append("Tệp gốc có phần không mở được nên chỉ trả lại giá trị các ô.")
    else:
        sent.lost.append(
            f"Tệp có hơn {_grouped(MOST_ROWS)} dòng hoặc {_grouped(MOST_CELLS)} ô nên chỉ trả lại giá trị các ô, "
            "không tô màu và không có định dạng, công thức."
        )
    return b"".join(_plain(table, marks, summary, sent.lost))


# ---- what was sent ------------------------------------------------------------------------------------------


@dataclass
class Sent:
    """A file as it was sent. lost: sentences about what does not come back with it."""

    content: bytes
    name: str
    kind: str
    archive: zipfile.ZipFile | None = None
    seen: Mapping[str, Sheet] = field(default_factory=dict)
    is_heavy: bool = False
    lost: list[str] = field(default_factory=list)


def _look(content: bytes, *, name: str) -> Sent:
    if content.startswith(b"PK"):
        archive, kind = inspection.open_archive(content, name=name)
        sent = Sent(content, name, kind, archive)
        if kind == "xlsx":
            _weigh(sent, archive)
            return sent
        if kind == "ods":
            sent.seen = inspection.inspect_ods(archive)
        else:
            parts = inspection.binary_sheet_parts(archive)
            sent.seen = {title: inspection.inspect_xlsb(archive, part) for title, part in parts.items()}
    elif content.startswith(legacy.SIGNATURE):
        sent = Sent(content, name, "xls", seen=legacy.inspect(content, name=name))
    else:
        return Sent(content, name, "csv")
    sent.is_heavy = sum(seen.rows * seen.columns for seen in sent.seen.values()) > MOST_CELLS
    sent.lost.append("Tệp trả lại là .xlsx, giữ giá trị các ô; định dạng và công thức của tệp gốc không theo cùng.")
    return sent


CELL_OR_ROW = re.compile(rb"<(?:\w+:)?(?:c|row)[\s/>]")
# What openpyxl lays out cell by cell, whatever lies in it.
SPREAD = re.compile(
    rb"<(?:\w+:)?(?:mergeCell|hyperlink|comment)\s[^<>]*?\bref\s*=\s*[\"']\$?([A-Za-z]+)\$?(\d+):\$?([A-Za-z]+)\$?(\d+)"
)
DRAWN = re.compile(rb"<(?:\w+:)?(?:sp|grpSp|cxnSp|pic)[\s>]")


def _weigh(sent: Sent, archive: zipfile.ZipFile) -> None:
    cells = 0
    is_drawn = False
    for path in archive.namelist():
        if not path.endswith(".xml") or path.endswith(("sharedStrings.xml", "styles.xml")):
            continue
        part = archive.read(path)
        cells += sum(1 for _ in CELL_OR_ROW.finditer(part))
        for left, top, right, bottom in SPREAD.findall(part):
            wide = abs(number(right.decode()) - number(left.decode())) + 1
            cells += wide * (abs(int(bottom) - int(top)) + 1)
        is_drawn |= "drawings/" in path and DRAWN.search(part) is not None
    sent.is_heavy = cells > MOST_CELLS
    if any(path.lower().endswith("vbaproject.bin") for path in archive.namelist()):
        sent.lost.append("Tệp gốc có macro; tệp trả lại không có macro.")
    if is_drawn and not sent.is_heavy:
        sent.lost.append("Hình ảnh, hình vẽ và hộp chữ của tệp gốc không theo cùng tệp trả lại.")


def _values(sent: Sent) -> Iterator[tuple[str, bool, Iterable[Sequence[Any]]]]:
    """Every sheet: title, whether it is seen, its rows from the first line on, as their reader gives them."""
    if sent.kind == "csv":
        yield "", True, delimited.rows(delimited.decoded(sent.content, name=sent.name)[0], name=sent.name)
        return
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    workbook = CalamineWorkbook.from_filelike(io.BytesIO(sent.content))
    for found in workbook.sheets_metadata:
        if found.typ == SheetTypeEnum.WorkSheet:
            rows: list[list[Any]] = [*workbook.get_sheet_by_name(found.name).to_python(skip_empty_area=False)]
            seen = sent.seen.get(found.name, Sheet())
            odd = {place: CellError(text, "formula") for place, text in seen.formulas.items()}
            odd |= {place: CellError(text, "error") for place, text in seen.errors.items()}
            for (row, column), error in odd.items():
                if row < len(rows) and column < len(rows[row]):
                    rows[row][column] = error
            yield found.name, found.visible == SheetVisibleEnum.Visible, rows


# ---- in place -----------------------------------------------------------------------------------------------


def _in_place(sent: Sent, table: Table, marks: Sequence[Mark], summary: Sequence[Summed]) -> bytes:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        book = _opened(sent) if sent.kind == "xlsx" else _built(sent)
        is_only = len(book.worksheets) == 1
        sheet = next(sheet for sheet in book.worksheets if is_only or sheet.title == table.sheet)
        _write_marks(sheet, table, marks)
        sent.lost.extend(_lost(str(each.message) for each in said))
        _write_summary(book, summary, sent.lost)
        kept = io.BytesIO()
        book.save(kept)
    if sent.archive is None or sent.kind != "xlsx":
        return kept.getvalue()
    return _with_results(kept.getvalue(), _results_of_formulas(sent.archive))


def _opened(sent: Sent) -> Workbook:
    """The workbook as openpyxl has it, dates left as the numbers they are stored as: none is rounded or refused."""
    from openpyxl.reader.excel import ExcelReader

    class Faithful(ExcelReader):
        def read_worksheets(self) -> None:
            book: Workbook = self.wb
            book._date_formats, book._timedelta_formats = set(), set()
            super().read_worksheets()

    reader = Faithful(io.BytesIO(sent.content), keep_vba=False, keep_links=True, rich_text=True)
    reader.read()
    book: Workbook = reader.wb
    book.template = False
    for sheet in book.worksheets:
        sheet._images = []  # openpyxl keeps them only beside another library
    return book


def _built(sent: Sent) -> Workbook:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for title, is_visible, rows in _values(sent):
        sheet = book.create_sheet(title or "Dữ liệu")
        sheet.sheet_state = "visible" if is_visible else "hidden"
        widths: dict[int, int] = {}
        for line, cells in enumerate(rows, start=1):
            for column, value in enumerate(cells, start=1):
                if value is None or value == "":
                    continue
                _put(sheet.cell(line, column), value)
                widths[column] = max(widths.get(column, 7), len(str(value)))
        for column, width in widths.items():
            sheet.column_dimensions[letters(column)].width = min(width + 2, 50)
    return book


def _put(cell: OneCell, value: Any) -> None:
    """A value as it was read; text stays text, whatever it begins with."""
    if isinstance(value, CellError) and value.reason == "error":
        cell.value = value.text
    elif isinstance(value, str | CellError):
        _put_text(cell, value if isinstance(value, str) else value.text)
        cell.number_format = "@"
    elif isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        cell.value = int(value)
    else:
        cell.value = value
        if isinstance(value, date):
            has_time = isinstance(value, datetime) and value.time() != time.min
            cell.number_format = "dd/mm/yyyy hh:mm" if has_time else "dd/mm/yyyy"


def _put_text(cell: OneCell, text: str) -> None:
    cell.value = FORBIDDEN.sub("", text)[:MAX_TEXT]
    cell.data_type = "s"


def _lost(warned: Iterable[str]) -> list[str]:
    words = {
        "Data Validation extension": "Danh sách chọn lấy từ trang tính khác không theo cùng tệp trả lại.",
        "Conditional Formatting extension": "Một số định dạng có điều kiện không theo cùng tệp trả lại.",
        "Sparkline": "Biểu đồ nhỏ trong ô không theo cùng tệp trả lại.",
    }
    found = (sentence for text in warned for key, sentence in words.items() if key in text)
    return list(dict.fromkeys(found))


# ---- marks --------------------------------------------------------------------------------------------------


def _write_marks(sheet: Worksheet, table: Table, marks: Sequence[Mark]) -> None:
    _take_off(sheet)
    at = _heading_of_results(sheet, table)
    places = {column.label: number(place) for column, place in zip(table.columns, table.places, strict=True) if place}
    owners = {
        (line, column): (merged.min_row, merged.min_col)
        for merged in sheet.merged_cells.ranges
        for line in range(merged.min_row, merged.max_row + 1)
        for column in range(merged.min_col, merged.max_col + 1)
    }
    said: defaultdict[tuple[int, int], dict[str, None]] = defaultdict(dict)
    for each in marks:
        _write_result(sheet.cell(each.line, at), each.words, is_bad=bool(each.problems))
        for label, sentence in each.problems:
            if label in places:
                place = (each.line, places[label])
                said[owners.get(place, place)][sentence] = None
    for place, sentences in said.items():
        cell = sheet.cell(*place)
        _shade(cell)
        _comment(cell, " ".join(sentences))


def _write_result(cell: OneCell, text: str, *, is_bad: bool) -> None:
    from openpyxl.styles import Alignment

    cell.alignment = Alignment(vertical="top", wrap_text=True)
    _put_text(cell, text)
    if is_bad:
        _shade(cell)


def _heading_of_results(sheet: Worksheet, table: Table) -> int:
    """The number of the column of results under its title: our own of an earlier round, emptied, or a new one."""
    from openpyxl.cell.cell import MergedCell

    top = table.header[0]
    ours = _results_in(table)
    if ours is not None:
        at = number(table.places[ours])
        for line in table.lines:
            cell = sheet.cell(line, at)
            cell.value, cell.style = None, "Normal"
        heading = sheet.cell(next((line for line in table.header if sheet.cell(line, at).value), top), at)
    else:
        at = _last_column(sheet, top) + 1
        heading = sheet.cell(top, at)
        if not isinstance(beside := sheet.cell(top, max(at - 1, 1)), MergedCell):
            heading._style = copy(beside._style)
        _put_text(heading, RESULT_BESIDE if any(_is_result(column.label) for column in table.columns) else RESULT)
        _widen_filter(sheet, at)
    _comment(heading, ABOUT_RESULTS)
    sheet.column_dimensions[letters(at)].width = 44
    sheet.column_dimensions[letters(at)].hidden = False
    return at


def _last_column(sheet: Worksheet, top: int) -> int:
    """The last that holds a value, or is covered by a merged cell of the table."""
    filled = (column for (_, column), cell in sheet._cells.items() if cell.value not in (None, ""))
    covered = (merged.max_col for merged in sheet.merged_cells.ranges if merged.max_row >= top)
    return max((*filled, *covered), default=0)


def _widen_filter(sheet: Worksheet, at: int) -> None:
    """A filter over all titles reaches the results too, so that refused rows can be picked."""
    found = re.fullmatch(r"([A-Z]+\d+):([A-Z]+)(\d+)", sheet.auto_filter.ref or "")
    if found and number(found[2]) == at - 1:
        sheet.auto_filter.ref = f"{found[1]}:{letters(at)}{found[3]}"


def _shade(cell: OneCell) -> None:
    """The colour it had is kept as the unseen second colour of the fill."""
    from openpyxl.styles import PatternFill

    had = cell.fill
    if had.fill_type != "solid":
        cell.fill = PatternFill("solid", fgColor=SHADE)
    elif had.fgColor.rgb != SHADE:
        cell.fill = PatternFill("solid", fgColor=SHADE, bgColor=copy(had.fgColor))


def _comment(cell: OneCell, text: str) -> None:
    """Ours, and below it the one that was there."""
    from openpyxl.comments import Comment

    had = cell.comment
    kept = f"{KEPT_NOTE}{had.author}:\n{had.text}" if had is not None else ""
    shown = f"{GREETING}{text}{kept}"
    cell.comment = Comment(shown, AUTHOR, height=40 + 18 * (1 + len(shown) // 36 + shown.count("\n")), width=290)


def _take_off(sheet: Worksheet) -> None:
    """Take marks of an earlier round off: comments of ours, and the shade below them."""
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    for cell in list(sheet._cells.values()):
        had = getattr(cell, "comment", None)
        if had is None or not (had.author == AUTHOR or had.text.startswith(GREETING)):
            continue
        _, is_kept, rest = had.text.partition(KEPT_NOTE)
        author, _, text = rest.partition(":\n")
        cell.comment = Comment(text, author) if is_kept else None
        if cell.fill.fill_type == "solid" and cell.fill.fgColor.rgb == SHADE:
            was = cell.fill.bgColor
            is_plain = was.type == "indexed" or (was.type == "rgb" and was.rgb == "00000000")
            cell.fill = PatternFill() if is_plain else PatternFill("solid", fgColor=copy(was))


# ---- the sheet of errors ------------------------------------------------------------------------------------


def _write_summary(book: Workbook, summary: Sequence[Summed], lost: Sequence[str]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    for sheet in book.worksheets:
        if sheet.title == FAULTS_SHEET and sheet["A1"].value == SUMMARY[0].label:
            book.remove(sheet)
    if not summary and not lost:
        return
    sheet = book.create_sheet(FAULTS_SHEET)
    for at, column in enumerate(SUMMARY, start=1):
        heading = sheet.cell(1, at, column.label)
        heading.font, heading.fill = Font(bold=True), PatternFill("solid", fgColor="FFFAFAF7")
        sheet.column_dimensions[letters(at)].width = column.width
    for line, row in enumerate(_summary_rows(summary, lost), start=2):
        for at, text in enumerate(row, start=1):
            cell = sheet.cell(line, at)
            _put_text(cell, text or "")
            cell.alignment = Alignment(vertical="top", wrap_text=True)
    sheet.freeze_panes = "A2"


def _summary_rows(summary: Sequence[Summed], lost: Sequence[str]) -> list[tuple[str | None, ...]]:
    rows: list[tuple[str | None, ...]] = [(each.error, line_ranges(each.lines), each.cure) for each in summary]
    return rows + [("Lưu ý", None, sentence) for sentence in lost]


def line_ranges(lines: Sequence[int], *, most: int = 40) -> str:
    """“3, 5–8, 12 (6 dòng)”; beyond `most` ranges “… và 120 dòng khác”."""
    ranges: list[list[int]] = []
    for line in sorted(set(lines)):
        if ranges and line == ranges[-1][1] + 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    shown = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in ranges[:most])
    left = sum(last - first + 1 for first, last in ranges[most:])
    more = f" và {_grouped(left)} dòng khác" if left else ""
    count = f" ({_grouped(len(set(lines)))} dòng)" if len(set(lines)) > 1 else ""
    return f"{shown}{more}{count}"


# ---- results of formulas ------------------------------------------------------------------------------------


def _results_of_formulas(archive: zipfile.ZipFile) -> dict[str, dict[str, tuple[str, str]]]:
    """{sheet: {place: (type, stored result)}}; openpyxl keeps formulas and forgets what they came to."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for title, part in inspection.sheet_parts(archive).items():
        content = archive.read(part)
        if b"<f" not in content and b":f" not in content:
            continue
        results = found.setdefault(title, {})
        for _, element in iterparse(io.BytesIO(content)):
            if element.tag.endswith("}row"):
                for cell in element:
                    parts = {child.tag.rpartition("}")[2]: child.text for child in cell}
                    if "f" in parts and parts.get("v") and "r" in cell.attrib:
                        results[cell.attrib["r"]] = cell.attrib.get("t", "n"), str(parts["v"])
                element.clear()
    return found


FORMULA = re.compile(r'<c r="([A-Z]+\d+)"([^>]*)>(<f[^>]*/>|<f[^>]*>[^<]*</f>)(?:<v ?/>|<v></v>)</c>')


def _with_results(content: bytes, results: Mapping[str, Mapping[str, tuple[str, str]]]) -> bytes:
    if not any(results.values()):
        return content
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as made, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as out:
        by_part = {part: results.get(title) for title, part in inspection.sheet_parts(made).items()}
        for part in made.infolist():
            data = made.read(part)
            if known := by_part.get(part.filename):
                data = FORMULA.sub(_filler(known), data.decode("utf-8")).encode("utf-8")
            out.writestr(part, data)
    return kept.getvalue()


def _filler(known: Mapping[str, tuple[str, str]]) -> Callable[[re.Match[str]], str]:
    def filled(found: re.Match[str]) -> str:
        place, attributes, formula = found.groups()
        if place not in known:
            return found[0]
        kind, result = known[place]
        typed = "" if kind == "n" else f' t="{kind}"'
        return f'<c r="{place}"{attributes}{typed}>{formula}<v>{escape(result)}</v></c>'

    return filled


# ---- a plain list -------------------------------------------------------------------------------------------


def _plain(table: Table, marks: Sequence[Mark], summary: Sequence[Summed], lost: Sequence[str]) -> Iterator[bytes]:
    ours = _results_in(table)
    kept = [at for at in range(len(table.columns)) if at != ours]
    by_line = {each.line: each.words for each in marks}
    rows = (
        (line, *(row[at] for at in kept), by_line.get(line)) for line, row in zip(table.lines, table.rows, strict=True)
    )
    columns = (
        Column("Dòng trong tệp gốc", "integer", 12),
        *(Column(table.columns[at].label, width=22) for at in kept),
        Column(RESULT, width=60),
    )
    about = Table(SUMMARY, _summary_rows(summary, lost), sheet=FAULTS_SHEET)
    yield from stream([Table(columns, rows, sheet=table.sheet or "Dữ liệu"), about])


def _grouped(value: int) -> str:
    return f"{value:,}".replace(",", ".")
