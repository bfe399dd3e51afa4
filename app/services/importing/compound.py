"""Cells that hold several values, taken apart before they are read: an address, a decision with its day.

Each column is listed with before and after, as other repairs, and a clerk can refuse it.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import inspect

from app.services.importing.reading import LOOKED_AT, PLACES, STREET, Columns
from app.services.importing.repairs import SHOWN, Repair, column_of
from app.table import Cell, Column, Table
from models.base import Base, label_of
from models.commune import Commune
from models.entity import Representative
from models.rating import Rating
from models.rules.addresses import Address, Part, WiderNames, part_of, read_address

Parts = Mapping[str, str]
"""{path: text} of what one cell says; the path of the column itself is among them."""


@dataclass(frozen=True)
class Apart:
    """Cells of one column that say several things. parts: {place of the row: what its cell says}.

    words: the same as a clerk reads it.
    """

    path: str
    key: str
    what: str
    parts: Mapping[int, Parts]
    words: Callable[[int], str]


def taken_apart(
    columns: Columns, table: Table, keep: Collection[str], known: WiderNames, chosen: Collection[str]
) -> tuple[Columns, Table, list[Repair]]:
    """Columns and table with what cells say beside in columns behind those of the file, and what was done.

    So it is read as if it stood in columns of its own; where there is one, that comes first. keep: keys of what a clerk
    refused. chosen: titles of columns that a clerk settled.
    """
    repairs: list[Repair] = []
    for path in list(columns.by_path):
        relation, _, name = path.rpartition(".")
        if relation and name == "name" and path not in columns.ticks and column_of(columns.model, path)[0] is Commune:
            columns, table = _without(columns, table, _addresses(columns, table, path, known), keep, repairs)
    for compound in COMPOUNDS.get(columns.model, ()):
        columns = _found_by_cells(columns, table, compound, chosen)
        for path in compound.names:
            if path in columns.by_path and path not in columns.ticks and path not in columns.beside:
                columns, table = _without(columns, table, _values(columns, table, path, compound), keep, repairs)
    return columns, table, repairs


def _without(
    columns: Columns, table: Table, apart: Apart, keep: Collection[str], repairs: list[Repair]
) -> tuple[Columns, Table]:
    """A column with less in some of its cells, and behind the table columns of what these said too."""
    if not apart.parts:
        return columns, table
    index, rows, parts = columns.by_path[apart.path], list(table.rows), apart.parts
    title = columns.labels[index]
    key = f"{apart.key}:{title}"
    shown = [(table.lines[at], title, str(rows[at][index]), apart.words(at)) for at in islice(parts, SHOWN)]
    repairs.append(Repair(key, f"{apart.what}, cột “{title}”", len(parts), shown, key in keep))
    if key in keep:
        return columns, table
    said = (path for each in parts.values() for path, text in each.items() if text and path != apart.path)
    others = list(dict.fromkeys(said))
    made = []
    for place, row in enumerate(rows):
        each = parts.get(place, {})
        cells = [each.get(apart.path, cell) if at == index else cell for at, cell in enumerate(row)]
        made.append((*cells, *(each.get(other) or None for other in others)))
    behind = {other: (len(table.columns) + at, index) for at, other in enumerate(others)}
    alone = {other: index for other in others if other not in columns.by_path}
    return (
        replace(columns, by_path={**columns.by_path, **alone}, beside={**columns.beside, **behind}),
        replace(table, columns=(*table.columns, *(Column(title) for _ in others)), rows=made),
    )


# ---- addresses ----------------------------------------------------------------------------------------------


def _addresses(columns: Columns, table: Table, path: str, known: WiderNames) -> Apart:
    index, start = columns.by_path[path], path.removesuffix("name")
    has_street = _takes_street(columns, start)
    found = {
        place: address
        for place, row in enumerate(table.rows)
        if isinstance(cell := row[index], str) and (address := read_address(cell, known))
    }
    parts = {
        place: {
            path: address.commune,
            f"{start}district.name": address.district,
            f"{start}province.name": address.province,
            **({STREET: address.rest} if has_street else {}),
        }
        for place, address in found.items()
    }
    what = "Địa chỉ tách thành từng cấp"
    return Apart(path, "dia-chi", what, parts, lambda place: _in_words(found[place], has_street=has_street))


def _takes_street(columns: Columns, start: str) -> bool:
    """Whether the rows lie there themselves, and have a street that no column fills. start: "commune."."""
    return start.count(".") == 1 and STREET in inspect(columns.model).column_attrs and STREET not in columns.by_path


def _in_words(address: Address, *, has_street: bool) -> str:
    said = [(Part.COMMUNE, address.commune), (Part.DISTRICT, address.district), (Part.PROVINCE, address.province)]
    shown = [text if part_of(text) else f"{part.value} {text}" for part, text in said if text]
    rest = "địa chỉ" if has_street else "không dùng"
    return "; ".join([*shown, *([f"{rest}: {address.rest}"] if address.rest else ())])


# ---- decisions, points and stars ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compound:
    """Values that offices write into one cell. names: paths, each a group of the patterns; the last may be missing.

    line_break: as what the patterns see it.
    """

    key: str
    what: str
    names: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    line_break: str = " "

    def read(self, cell: Cell) -> Parts:
        """{path: text}; nothing where a cell says no more than one value."""
        if not isinstance(cell, str):
            return {}
        text = self.line_break.join(" ".join(line.split()) for line in cell.strip().splitlines())
        found = next((match for pattern in self.patterns if (match := pattern.fullmatch(text))), None)
        return {name: said for name, said in found.groupdict().items() if said} if found else {}


# No figure stands beside a day: that of “05/QĐ-UBND-12/3/2024” is the 12th, not the 2nd behind a number ending in 1.
_DAY = (
    r"(?<!\d)(?P<decided_on>\d{1,2} ?[/.-] ?\d{1,2} ?[/.-] ?(?:\d{4}|\d{2})"
    r"|(?:ngày )?\d{1,2} tháng \d{1,2} năm \d{4})(?!\d)"
)
_NUMBER = (
    r"(?:(?:theo )?(?:quyết định|qđ)(?: công nhận)? ?:?)? ?(?:số ?:?)? ?"
    r"(?P<decision_number>\d+(?:/[^\s/,;()]+)+)(?<![.–-])"
)
_DECISION = (
    re.compile(
        rf"{_NUMBER} ?[.,;(–-]? ?(?:(?:ký |ban hành )?ngày:? )?{_DAY}\)?\.?(?:,? của (?P<authority>.+))?", re.IGNORECASE
    ),
    re.compile(rf"(?:ngày:? )?{_DAY} ?[,;–-]? ?{_NUMBER}\.?", re.IGNORECASE),
)
_POINTS, _STARS = r"(?P<mean_points>\d{1,3}(?:[.,]\d+)?) ?", r"(?:đạt |xếp |hạng )*(?P<stars>[1-5] ?(?:sao|[*★]))"
_PERSON = r"(?P<name>[^,;:/&+–()-]+?)"
_POSITION = (
    r"(?P<position>(?:(?:tổng|phó|quyền|q\.|p\.) ?)*(?:giám đốc|chủ (?:nhiệm|tịch|cơ sở|hộ|doanh nghiệp|trang trại)"
    r"|tổ (?:trưởng|phó)|trưởng|gđ|người đại diện|đại diện)\b[^,;]*?)"
)
COMPOUNDS: Mapping[type[Base], tuple[Compound, ...]] = {
    Representative: (
        Compound(
            "chuc-vu",
            "Họ tên tách khỏi chức vụ, “Ông”, “Bà”",
            ("name", "position"),
            (
                re.compile(rf"(?:(?:ông|bà):? )?{_PERSON} ?[,:(–-] ?{_POSITION}\)?", re.IGNORECASE),
                re.compile(rf"{_POSITION} ?[,:–-] ?(?:(?:ông|bà):? )?{_PERSON}", re.IGNORECASE),
                re.compile(rf"(?:ông|bà):? {_PERSON}", re.IGNORECASE),
            ),
            line_break=", ",
        ),
    ),
    Rating: (
        Compound(
            "quyet-dinh", "Số và ngày quyết định tách ra", ("decision_number", "decided_on", "authority"), _DECISION
        ),
        Compound(
            "diem-sao",
            "Điểm và hạng sao tách ra",
            ("stars", "mean_points"),
            (
                re.compile(rf"{_POINTS}(?:điểm|đ) ?[-–,;:/(]? ?{_STARS}\)?", re.IGNORECASE),
                re.compile(rf"{_STARS} ?[-–,;:/(]? ?{_POINTS}(?:điểm|đ)\)?", re.IGNORECASE),
            ),
        ),
    ),
}


def _values(columns: Columns, table: Table, path: str, compound: Compound) -> Apart:
    model, index = columns.model, columns.by_path[path]
    parts = {
        place: said for place, row in enumerate(table.rows) if (said := compound.read(row[index])) and path in said
    }

    def in_words(place: int) -> str:
        return "; ".join(f"{label_of(model, name).lower()}: {text}" for name, text in parts[place].items())

    return Apart(path, compound.key, compound.what, parts, in_words)


def _found_by_cells(columns: Columns, table: Table, compound: Compound, chosen: Collection[str]) -> Columns:
    """Where no column says any of it, the one whose cells do, even one that a list of ours has: “Kết quả”."""
    if any(name in columns.by_path for name in compound.names[:2]):
        return columns
    for index in range(len(columns.labels)):
        cells = [row[index] for row in islice(table.rows, LOOKED_AT) if row[index] is not None]
        said = sum(bool(compound.read(cell)) for cell in cells)
        is_free = not columns.path_of(index) and columns.labels[index] not in chosen
        if is_free and cells and said >= PLACES * len(cells):
            labels = " và ".join(label_of(columns.model, name).lower() for name in compound.names[:2])
            reasons = {**columns.reasons, columns.labels[index]: f"các ô ghi {labels}"}
            return replace(columns, by_path={**columns.by_path, compound.names[0]: index}, reasons=reasons)
    return columns
