"""What stands below a header and is no row of the table: totals, headings of parts, the signatures at the end."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from app.files.header import DATE_LINE, Line, Merges
from app.files.titles import ROW_NUMBERS
from app.table import Cell, CellError, LeftOut
from models.rules.text import fold

BLANK = "dòng trống"
ABOVE = "dòng phía trên tiêu đề"
NUMBERS = "dòng đánh số cột"
TOTAL = "dòng tổng"
SECTION = "dòng mục"
COUNT = "dòng đếm"
REMARK = "dòng ghi chú"
SIGNATURE = "phần ký"
PAGE = "số trang"
NUMBER = "dòng chỉ có số thứ tự"
OTHER = "bảng khác"
AGAIN = "dòng lặp lại tiêu đề"
ABOVE_AGAIN = "dòng lặp lại phía trên tiêu đề"

COUNT_LINE = re.compile(
    r"Số lượng ?: ?[0-9.,]+|\(?(?:danh sách|bảng|biểu)(?: này)?(?: trên)? (?:có|gồm)\b.*|ấn định\b.*",
    re.IGNORECASE | re.DOTALL,
)
PAGE_LINE = re.compile(
    r"(?:trang|page)(?: số)?:? ?\d{1,4}(?: ?(?:/|trên|of) ?\d{1,4})?|[-–—] ?\d{1,4} ?[-–—]", re.IGNORECASE
)
PLACE_LINE = re.compile(r"(?:xã|phường|thị trấn|đặc khu|huyện|thị xã|thành phố|tỉnh) [^,;:|]{1,40}", re.IGNORECASE)
COLUMN_NUMBER = re.compile(r"\(?(?:[0-9]{1,2}|[A-Za-z])\)?(?:\s*=[\s()0-9+*/:x×-]+)?")
ROMAN = r"(?:(?=[IVXLC])(?:X{0,3}(?:IX|IV|V?I{0,3})|[LC])|[A-H])"
NUMERAL = re.compile(rf"{ROMAN}[.)]?")
NUMBERED = re.compile(rf"{ROMAN}\s*[.)/:–-]\s*\S.*", re.DOTALL)
TOTAL_LABEL = re.compile(
    r"(?:(?:mang|chuyển)\s+sang(?:\s+trang\b.*)?|l(?:ũy|uỹ)\s+kế\b.*|số\s+trang\s+trước\b.*"
    r"|(?:(?:tổng\s+)?cộng|tổng(?:\s+số)?)"
    r"(?:\s*[:.(].*|\s+(?:chuyển|mang|dồn|trang|lũy|luỹ|xã|phường|huyện|thị|thành phố|tỉnh"
    r"|toàn|nhóm|ngành|mục|phần|các|chung|cả|sản phẩm|chủ thể|[IVX]+\b|\d).*)?)",
    re.IGNORECASE | re.DOTALL,
)
LONGEST_NUMBER_TITLE = len("Số thứ tự")
LONGEST_TITLE = 60
TOTALS_BEGIN = frozenset("TtCcMmLlSs")
REMARK_LINE = re.compile(r"\(?\*?\s*(?:ghi chú|chú thích|lưu ý|nguồn)\s*(?::.*)?", re.IGNORECASE | re.DOTALL)
ALPHABET = "ABCDEFGHIJ"
SIGNED = re.compile(
    r"(?:người|cán bộ|công chức)\s+(?:lập|tổng hợp)\b.{0,40}|lập\s+(?:biểu|bảng)\b.{0,20}|thủ trưởng\b.{0,40}"
    r"|(?:t/?m|k/?t|t/?l|tuq)\s*[./]?\s*(?:ủy ban|uỷ ban|ubnd|chủ tịch|hội đồng|ban|giám đốc|trưởng)\b.{0,60}"
    r"|(?:(?:phó|q\.?|quyền)\s+)?(?:chủ tịch|giám đốc|trưởng (?:phòng|ban))"
    r"(?:\s+(?:ubnd|ủy ban|uỷ ban|xã|htx)\b.{0,40})?"
    r"|nơi nhận\b.{0,20}|(?:xác nhận|phê duyệt)\s+của\b.{0,60}|kế toán(?:\s+trưởng)?"
    r"|\(\s*ký\b.{0,60}",
    re.IGNORECASE | re.DOTALL,
)


class Body:
    """Lines below a header, sorted into rows and what is left out.

    width: how many columns have labels. Rows keep all cells; what to drop of them is the caller's. numbers: columns
    of the sender's own row numbers. header, above: cells of its lines and of those above them, which may come again
    on every printed page. known: folded labels, by which the header of another table is told. heading: what the last
    heading of a part says, of the row that was given last.
    """

    def __init__(
        self,
        *,
        width: int,
        merges: Merges,
        numbers: Collection[int] = (),
        header: Sequence[Sequence[Cell]] = (),
        above: Iterable[Sequence[Cell]] = (),
        known: frozenset[str] = frozenset(),
    ) -> None:
        self.width, self.merges, self.numbers, self.known = width, merges, numbers, known
        self.heading: str | None = None
        self._header = [_filled(cells) for cells in header]
        self._above = [_filled(cells) for cells in above if any(cell is not None for cell in cells)]
        self._starts = {next(iter(cells.items())) for cells in (*self._header, *self._above) if cells}
        self._expected: dict[int, Cell] = {}
        self._in_remark = False
        self.left_out: list[LeftOut] = []
        self.filled_in = 0
        self._blank: list[int] = []
        self._headings: list[Line] = []
        self._alone: set[int] = set()  # columns in which a heading of a part stood alone
        self._origins: dict[tuple[int, int], Cell] = {}

    def leave_out(self, line: int, cells: Sequence[Cell], why: str) -> None:
        filled = [cell for cell in cells if cell is not None]
        if not filled:
            if self._blank and self._blank[1] == line - 1:
                self._blank[1] = line
            else:
                self._end_blank()
                self._blank = [line, line]
            return
        self._end_blank()
        text = " | ".join(cell.text if isinstance(cell, CellError) else str(cell) for cell in filled)
        if why == SECTION:
            self.heading = _heading(next(cell for cell in reversed(filled) if isinstance(cell, str)))
        self.left_out.append(LeftOut(line, text, why, len(filled)))

    def _end_blank(self) -> None:
        if self._blank:
            first, last = self._blank
            self.left_out.append(LeftOut(first, "", BLANK, 0, last - first + 1))
            self._blank = []

    def rows(self, lines: Iterable[Line]) -> Iterator[tuple[int, list[Cell], list[int]]]:
        """Line, cells, and which of them were filled in the file; consume it before `left_out` is read."""
        lines = iter(lines)
        has_rows, is_first, last_data = False, True, -1
        for line, cells in lines:
            filled = [index for index, cell in enumerate(cells) if cell is not None]
            if not filled:
                self.leave_out(line, cells, BLANK)
                continue
            if is_first and _numbers_columns(cells, filled, self.width):
                self.leave_out(line, cells, NUMBERS)
                is_first = False
                continue
            is_first = False
            first = cells[filled[0]]
            if len(filled) == 1 and filled[0] in self.numbers and _is_number(first) and not self._is_merged(line):
                self.leave_out(line, cells, NUMBER)
                continue
            why = self._again(cells) if self._expected or (filled[0], first) in self._starts else ""
            # Most rows begin with a number or a code, and nothing else is looked at.
            if not why and isinstance(first, str) and not first[0].isdigit():
                why = self._why(line, cells, filled)
            if why == OTHER:  # right below the header a line says how to fill in the columns
                why = self._again(cells) or (OTHER if has_rows else "")
            if why == OTHER:
                for other, its_cells in [(line, cells), *lines]:
                    self.leave_out(other, its_cells, OTHER if any(c is not None for c in its_cells) else BLANK)
                break
            if why == SIGNATURE:
                rest = list(lines)
                last_data = max((at for at, after in rest if self._is_data(after)), default=-1)
                yield from self._signed([(line, cells), *rest], last_data)
                break
            if why:
                self.leave_out(line, cells, why)
                is_first = why == AGAIN
                if why == SECTION and len(filled) > 1:
                    self._headings.append((line, cells))
                elif why == SECTION:
                    self._alone.add(filled[0])
                continue
            has_rows, self._in_remark = True, False
            yield line, self._fill_in(line, cells) if self.merges.by_row else cells, filled
        if not has_rows and self._headings:
            # Only roman numbers: they are the list's own numbers, not its headings.
            self.heading = None
            taken = {line for line, _ in self._headings}
            self.left_out = [entry for entry in self.left_out if entry.line not in taken]
            for line, cells in self._headings:
                yield line, cells, [index for index, cell in enumerate(cells) if cell is not None]
        self._end_blank()

    def _signed(self, lines: Sequence[Line], last_data: int) -> Iterator[tuple[int, list[Cell], list[int]]]:
        """A signature and what follows; where rows follow, it was one of a part, and they are read."""
        for line, cells in lines:
            filled = [index for index, cell in enumerate(cells) if cell is not None]
            why = BLANK if not filled else SIGNATURE if line > last_data else self._why(line, cells, filled)
            if why:
                self.leave_out(line, cells, why)
            else:
                yield line, self._fill_in(line, cells), filled

    def _is_merged(self, line: int) -> bool:
        """Whether a range drawn from a line above gives this one more than it holds."""
        return any(merge.top < line - 1 for merge in self.merges.over(line - 1))

    def _again(self, cells: Sequence[Cell]) -> str:
        """Whether a line is one of the header, or above it, once more."""
        filled = _filled(cells)
        expected, self._expected = self._expected, {}
        if expected and _is_same(filled, expected):
            return AGAIN
        for place, known in enumerate(self._header):
            if _is_same(filled, known):
                self._expected = self._header[place + 1] if place + 1 < len(self._header) else {}
                return AGAIN
        return ABOVE_AGAIN if filled in self._above else ""

    def _is_data(self, cells: Sequence[Cell]) -> bool:
        filled = sum(cell is not None for cell in cells)
        return filled >= 3 and 2 * filled > self.width

    def _why(self, line: int, cells: list[Cell], filled: list[int]) -> str:
        """Why a line is no row, "" when it is one."""
        first = cells[filled[0]]
        if not isinstance(first, str):
            return ""
        others = [cells[index] for index in filled[1:]]
        if not others:
            return self._why_alone(line, first, filled[0])
        if len(first) <= LONGEST_NUMBER_TITLE and len(others) > 1 and fold(first) in ROW_NUMBERS:
            return OTHER if all(isinstance(cell, str) for cell in others) else ""
        if self.known and all(isinstance(cell, str) and len(cell) <= LONGEST_TITLE for cell in (first, *others)):
            titles = sum(fold(str(cell)) in self.known for cell in (first, *others))
            if titles > 1 and 2 * titles >= len(filled):
                return OTHER
        if first[0] in TOTALS_BEGIN and TOTAL_LABEL.fullmatch(first):
            named = [cell for cell in others if isinstance(cell, str) and any(map(str.isalpha, cell))]
            return TOTAL if len(named) <= 1 else ""
        if first[0] in "IVXLCABDEFGH" and len(others) == 1 and self.width >= 3 and NUMERAL.fullmatch(first):
            return SECTION if isinstance(others[0], str) and any(map(str.isalpha, others[0])) else ""
        if first[0] in "IVXLC" and len(self._header) > 1 and NUMERAL.fullmatch(first) and _is_counted(others):
            return SECTION
        if len(filled) <= 4 and _is_signature([first, *others], self.width):
            return SIGNATURE
        return ""

    def _why_alone(self, line: int, text: str, column: int) -> str:
        if PAGE_LINE.fullmatch(text):
            return PAGE
        if COUNT_LINE.fullmatch(text):
            return COUNT
        if TOTAL_LABEL.fullmatch(text):
            return TOTAL
        if self.width >= 2 and (NUMERAL.fullmatch(text) or NUMBERED.fullmatch(text)):
            return SECTION
        if SIGNED.fullmatch(text) or DATE_LINE.fullmatch(text):
            return SIGNATURE
        if REMARK_LINE.fullmatch(text) or self._in_remark:
            self._in_remark = True
            return REMARK
        if self.width >= 3 and PLACE_LINE.fullmatch(text):
            return SECTION
        merge = self.merges.at(line - 1, column)
        if merge and merge.right - merge.left >= 2 and 2 * (merge.right - merge.left + 1) > self.width:
            return SECTION
        # Rows below it would else be read under the heading before: “Xã An Thạnh”, then “Mỹ An”.
        is_like_others = column in self._alone and self.numbers and self.width >= 3 and len(text) <= LONGEST_TITLE
        return SECTION if is_like_others and any(map(str.isalpha, text)) else ""

    def _fill_in(self, line: int, cells: list[Cell]) -> list[Cell]:
        """Put the value of a merged range into the cells it covers."""
        for merge in self.merges.over(line - 1):
            if merge.top == line - 1:
                value = self._origins[merge[:2]] = cells[merge.left] if merge.left < len(cells) else None
            else:
                value = self._origins.get(merge[:2])
            if value is None:
                continue
            for column in range(merge.left, min(merge.right + 1, len(cells))):
                if cells[column] is None:
                    cells[column] = value
                    self.filled_in += 1
        return cells


def _is_counted(cells: Sequence[Cell]) -> bool:
    """Whether they are a name and counts: “Xã An Thạnh | 2 | 1”; one number alone may be of a row, or a tick."""
    named, *counts = cells
    return (
        len(counts) > 1
        and isinstance(named, str)
        and any(map(str.isalpha, named))
        and all(isinstance(cell, int) and not isinstance(cell, bool) for cell in counts)
    )


def _filled(cells: Sequence[Cell]) -> dict[int, Cell]:
    return {index: cell for index, cell in enumerate(cells) if cell is not None}


def _is_same(filled: Mapping[int, Cell], known: Mapping[int, Cell]) -> bool:
    """Whether a line says the same as one of the header, a title or two perhaps typed otherwise."""
    same = sum(known.get(index) == cell for index, cell in filled.items())
    return bool(known) and same >= min(2, len(known)) and 4 * same >= 3 * max(len(filled), len(known))


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int) or (isinstance(cell, str) and re.fullmatch(r"\d{1,5}[.)]?", cell) is not None)


def _heading(cell: Cell) -> str:
    """What a heading names: “II. Xã An Thạnh (12 sản phẩm)” → “Xã An Thạnh”."""
    text = re.sub(rf"{ROMAN}\s*[.)/:–-]\s*", "", str(cell), count=1) if NUMBERED.fullmatch(str(cell)) else str(cell)
    return re.sub(r"\s*[:(].*", "", text, flags=re.DOTALL) or text


def _numbers_columns(cells: Sequence[Cell], filled: Sequence[int], width: int) -> bool:
    """The line below a header that counts its columns: 1 2 3, (1) (2) (3), A B 1 2."""
    texts = [str(cells[index]) for index in filled]
    if len(texts) < 3 or 2 * len(texts) < width or not all(COLUMN_NUMBER.fullmatch(text) for text in texts):
        return False
    bare = [text.partition("=")[0].strip(" ()") for text in texts]
    lettered = [text.upper() for text in bare if text.isalpha()]
    numbers = [int(text) for text in bare if not text.isalpha()]
    if "".join(lettered) != ALPHABET[: len(lettered)] or numbers != list(range(1, len(numbers) + 1)):
        return False
    if any(text.isalpha() for text in bare[len(lettered) :]):
        return False
    is_marked = bool(lettered) or any(text.startswith("(") for text in texts)
    return len(numbers) > 0 and (is_marked or len(texts) >= width - 1)


def _is_signature(cells: Sequence[Cell], width: int) -> bool:
    if not all(isinstance(cell, str) for cell in cells):
        return False
    signed = sum(bool(SIGNED.fullmatch(str(cell)) or DATE_LINE.fullmatch(str(cell))) for cell in cells)
    return signed == len(cells) or (signed > 0 and 2 * len(cells) <= width)


def said(left_out: Sequence[LeftOut]) -> list[str]:
    """A sentence for each kind of line left out, blank ones and those above the header not worth one."""
    counts = Counter(entry.why for entry in left_out)
    sentences = []
    for why, count in counts.items():
        entries = [entry for entry in left_out if entry.why == why]
        first = entries[0]
        if why in (BLANK, ABOVE):
            continue
        shown = first.text if len(first.text) <= 60 else f"{first.text[:59]}…"
        if why == SIGNATURE:
            sentences.append(f"Bỏ qua {why} từ dòng {first.line}: “{shown}”.")
        elif why == OTHER:
            sentences.append(
                f"Từ dòng {first.line} là bảng khác (“{shown}”), không đọc. "
                "Chép bảng đó sang trang tính riêng rồi nhập."
            )
        elif why == AGAIN:
            lines = ", ".join(str(entry.line) for entry in entries[:10])
            sentences.append(f"Dòng {lines}{', …' if count > 10 else ''} lặp lại tiêu đề, bỏ qua.")
        elif count == 1:
            sentences.append(f"Bỏ qua dòng {first.line}: “{shown}”.")
        else:
            lines = ", ".join(str(entry.line) for entry in entries[:10])
            more = ", …" if count > 10 else ""
            sentences.append(f"Bỏ qua {count} {why} ({lines}{more}), dòng đầu: “{shown}”.")
    return sentences
