"""Where a sheet's table begins: the line, or lines, that name its columns."""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from app.files.inspection import Merge, Sheet
from app.files.limits import MAX_MERGES, STRUCTURE_ROWS
from app.files.places import letters
from app.table import Cell, doubled
from models.rules.text import fold

# A header stands within so many lines; from there on, only as long as none is found.
WITHIN = 60
MOST_LINES = 5
MOST_COVERED = 500_000  # merged ranges, each counted for every row it covers

Line = tuple[int, list[Cell]]

DATE_LINE = re.compile(r"(?:.{0,60},\s*)?ngày[\s\d._…/]*tháng[\s\d._…/]*năm[\s\d._…/]*", re.IGNORECASE | re.DOTALL)
LETTERHEAD = re.compile(
    r"c[ộô]ng h(?:òa|oà) xã hội|độc lập\s*[-–—]\s*tự do|\(?(?:biểu|mẫu)\s+(?:mẫu\s+|biểu\s+)?s[ốô]\b|phụ lục\b"
    r"|\(?(?:đơn vị(?: tính| báo cáo| nhận báo cáo)?|đvt)\s*:|s[ốô]\s*:|\(?(?:ban hành )?kèm theo\b",
    re.IGNORECASE,
)

# "Sao", "3 sao"; a number alone is data.
PART_TITLE = re.compile(r"(?:\d{1,4} )?[^\W\d_]")


class Header(NamedTuple):
    """lines: as Excel shows them, several when the header is drawn over several. labels: by column from 0.

    known: how many of its cells the reader of the list knows. cells: of its lines, as they stand.
    """

    lines: tuple[int, ...]
    labels: dict[int, str]
    known: int
    cells: Sequence[Sequence[Cell]] = ()


class Merges:
    """The merged ranges of a sheet by row; none, and `is_off`, where there are too many rows or ranges."""

    def __init__(self, seen: Sheet, rows: int) -> None:
        clipped = [merge._replace(bottom=min(merge.bottom, rows - 1)) for merge in seen.merges if merge.top < rows]
        covered = sum(merge.bottom - merge.top + 1 for merge in clipped)
        self.is_off = rows > STRUCTURE_ROWS or len(seen.merges) > MAX_MERGES or covered > MOST_COVERED
        self.by_row: dict[int, list[Merge]] = {}
        if not self.is_off:
            for merge in clipped:
                for row in range(merge.top, merge.bottom + 1):
                    self.by_row.setdefault(row, []).append(merge)

    def over(self, row: int) -> Sequence[Merge]:
        return self.by_row.get(row, ())

    def at(self, row: int, column: int) -> Merge | None:
        return next((merge for merge in self.over(row) if merge.left <= column <= merge.right), None)


def fold_known(known: Collection[str]) -> frozenset[str]:
    return frozenset(fold(label) for label in known)


def find(head: Sequence[Line], merges: Merges, known: frozenset[str]) -> Header | None:
    """The header within lines that follow each other.

    The line with most known labels, two at least, or an earlier one of a table above with nearly as many; else the
    first with two texts or more, most of its cells being text, that belongs to no letterhead. known: labels as
    `fold_known` gives them.
    """
    scores = [_score(cells, known) for _, cells in head]
    most = max(scores, default=0)
    if most >= 2:
        place = scores.index(most)
        above = (n for n in range(place) if 3 * scores[n] >= 2 * most and _heads_rows(head[n:place], scores[n:place]))
        place = next(above, place)
    else:
        place = next((index for index, (_, cells) in enumerate(head) if _names_columns(cells)), -1)
        if place < 0:
            return None
    first, last = _extent(head, place, merges)
    lines = head[first : last + 1]
    cells = [list(cells) for _, cells in lines]
    return Header(tuple(line for line, _ in lines), _labels(lines, merges), scores[place], cells)


def table_above(lines: Sequence[Line], known: frozenset[str]) -> int:
    """Where among the lines above a header another table begins; behind the last where none does."""
    scores = [_score(cells, known) for _, cells in lines]
    return next((n for n in range(len(lines)) if _heads_rows(lines[n:], scores[n:])), len(lines))


def _heads_rows(lines: Sequence[Line], scores: Sequence[int]) -> bool:
    """Whether the first line names two columns at least, and rows of them follow."""
    rows = (cells for (_, cells), score in zip(lines[1:], scores[1:], strict=True) if score < 2)
    if scores[0] < 2 or not _names_columns(lines[0][1]):
        return False
    return any(sum(cell is not None for cell in cells) >= scores[0] for cells in rows)


def _score(cells: Sequence[Cell], known: frozenset[str]) -> int:
    return len(known.intersection(fold(cell) for cell in cells if isinstance(cell, str))) if known else 0


def _names_columns(cells: Sequence[Cell]) -> bool:
    filled = [cell for cell in cells if cell is not None]
    texts = [cell for cell in filled if isinstance(cell, str) and any(map(str.isalpha, cell))]
    return len(texts) >= 2 and 2 * len(texts) >= len(filled) and not _is_letterhead(texts)


def _is_letterhead(texts: Sequence[str]) -> bool:
    if any(LETTERHEAD.match(text) or DATE_LINE.fullmatch(text) or text.endswith(":") for text in texts):
        return True
    return all(re.match(r"[^:\n]{2,40}:\s*\S", text) for text in texts)  # "Xã: An Thạnh", "Năm: 2025"


def _extent(head: Sequence[Line], place: int, merges: Merges) -> tuple[int, int]:
    """First and last line of the header that one line was found of."""
    offset = head[0][0] - 1
    tall = [m for m in merges.over(offset + place) if m.top < m.bottom < m.top + MOST_LINES]
    first = max(0, min((m.top - offset for m in tall), default=place))
    last = min(len(head) - 1, max((m.bottom - offset for m in tall), default=place))
    if last == place < len(head) - 1 and _is_split(head, last, merges):
        last += 1
    if first == place > 0 and _is_upper(head[first - 1][1], head[first][1]) and _is_split(head, first - 1, merges):
        first -= 1
    return first, last


def _is_upper(cells: Sequence[Cell], below: Sequence[Cell]) -> bool:
    """Whether a line may name groups of the columns below: a title does not, nor does a letterhead."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    if not texts or _is_letterhead(texts):
        return False
    return len(texts) > 1 or not texts[0].isupper() or any(isinstance(cell, str) and cell.isupper() for cell in below)


def _is_split(head: Sequence[Line], upper: int, merges: Merges) -> bool:
    """Whether the next line names parts of this one's columns: no column has a label in both but in a group."""
    line, above = head[upper]
    below = head[upper + 1][1]
    groups = _groups(above, below, merges.over(line - 1))
    if not groups:
        return False
    grouped = {column for first, last in groups for column in range(first, last + 1)}
    if not merges.over(line - 1):
        texts = [cell for cell in below if cell is not None]
        if not all(isinstance(cell, str) and PART_TITLE.match(cell) and len(cell) <= 40 for cell in texts):
            return False
        if all(_at(below, column) is not None for column, cell in enumerate(above) if cell is not None):
            return False
    elif sum(cell is not None for cell in above) == 1 and all(
        column in grouped for column, cell in enumerate(below) if cell is not None
    ):
        return False  # a title over everything
    return all(
        column in grouped or _at(above, column) is None or (merges.at(line, column) or (line,))[0] < line
        for column, cell in enumerate(below)
        if cell is not None
    )


def _groups(above: Sequence[Cell], below: Sequence[Cell], over: Sequence[Merge]) -> list[tuple[int, int]]:
    """First and last column of labels that stand over two filled cells or more."""
    if over:
        ranges = [(m.left, m.right) for m in over if m.left < m.right and m.top == m.bottom]
    else:
        starts = [column for column, cell in enumerate(above) if cell is not None]
        ends = [*starts[1:], max(len(above), len(below))]
        ranges = [(start, end - 1) for start, end in zip(starts, ends, strict=True)]
    return [
        (first, last)
        for first, last in ranges
        if last > first and _at(above, first) is not None and sum(c is not None for c in below[first : last + 1]) > 1
    ]


def _at(cells: Sequence[Cell], column: int) -> Cell:
    return cells[column] if column < len(cells) else None


def _labels(lines: Sequence[Line], merges: Merges) -> dict[int, str]:
    """One label a column: what stands over it, from the top, "Hạng sao / 3 sao"; no two are alike."""
    by_row = {line - 1: cells for line, cells in lines}
    bottom = max(by_row)
    has_merges = any(merges.over(row) for row in by_row)
    labels: dict[int, str] = {}
    taken: set[str] = set()
    for column in range(max(len(cells) for cells in by_row.values())):
        parts: list[str] = []
        for row, cells in by_row.items():
            cell = _at(cells, column)
            if merge := merges.at(row, column):
                if merge.left < column and merge.bottom >= bottom:
                    continue  # covered by its neighbour's label, down to the data
                cell = _at(by_row.get(merge.top, ()), merge.left)
            elif cell is None and not has_merges and row < bottom and _at(by_row[row + 1], column) is not None:
                cell = next((c for c in reversed(cells[:column]) if c is not None), None)
            if cell is not None and (part := " ".join(str(cell).split())) not in parts:
                parts.append(part)
        if not parts:
            continue
        label = " / ".join(parts)
        while label.casefold() in taken:
            label = doubled(label, letters(column + 1))
        taken.add(label.casefold())
        labels[column] = label
    return labels
