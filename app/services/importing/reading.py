"""A file's table → rows of values, by the labels and aliases that the models declare.

A path names what a column fills: "code" of the row itself, "district.code" of the row it is linked to.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Enum, String, inspect
from sqlalchemy.orm import Mapper

from app.errors import OcopError
from app.table import Cell, CellError, Table
from models.base import Base, LabelledEnum, Tidy, fields, label_of
from models.rules.text import fold, tidy


class MissingColumn(OcopError):
    sentence = "Tệp thiếu cột “{column}”. Đang có: {present}. Đổi tên một cột hoặc thêm cột này."


class TwoColumnsAlike(OcopError):
    sentence = "Cột “{first}” và cột “{second}” cùng là “{label}”. Bỏ một cột rồi tải lại."


class Problem(NamedTuple):
    """Why a row is refused: the column as the file calls it, and a sentence."""

    column: str
    sentence: str


@dataclass
class ReadRow:
    """One line of the file. values: {path: value} of every column in use, None for an empty cell."""

    line: int
    raw: tuple[Cell, ...]
    values: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Columns:
    """Which column of the file fills which path."""

    model: type[Base]
    by_path: dict[str, int]
    labels: tuple[str, ...]

    def name(self, path: str) -> str:
        """The column as the clerk knows it: by its title in the file, else by the label of the model."""
        index = self.by_path.get(path)
        return label_of(self.model, path) if index is None else self.labels[index]

    @property
    def ignored(self) -> list[str]:
        used = set(self.by_path.values())
        return [label for index, label in enumerate(self.labels) if index not in used]


def match(model: type[Base], labels: Iterable[str], *, uses: Collection[str], needs: Iterable[str]) -> Columns:
    """Find the columns of a list; titles are compared folded, in any order.

    uses: the paths this list may fill. needs: those it cannot do without.
    Raises MissingColumn, TwoColumnsAlike.
    """
    labels = tuple(labels)
    known = _titles(model, uses)
    by_path: dict[str, int] = {}
    for index, label in enumerate(labels):
        path = known.get(fold(label))
        if path is None:
            continue
        first = by_path.setdefault(path, index)
        if first != index:
            raise TwoColumnsAlike(first=labels[first], second=label, label=label_of(model, path))
    for path in needs:
        if path not in by_path:
            present = ", ".join(f"“{label}”" for label in labels)
            raise MissingColumn(column=_short_label(model, path), present=present)
    return Columns(model, by_path, labels)


def _titles(model: type[Base], uses: Collection[str]) -> dict[str, str]:
    """{folded title: path}; the row's own columns come before those of linked rows."""
    known: dict[str, str] = {}
    for path, titles in _titles_by_path(model):
        if path in uses:
            for title in titles:
                known.setdefault(fold(title), path)
    return known


def _titles_by_path(model: type[Base]) -> Iterator[tuple[str, tuple[str, ...]]]:
    mapper: Mapper[Any] = inspect(model)
    links = [relation for relation in mapper.relationships if not relation.uselist]
    labelled = fields(model)
    for name, info in labelled.items():
        if name in mapper.column_attrs and not mapper.column_attrs[name].columns[0].foreign_keys:
            yield name, (info.label, *info.aliases)
    for relation in links:
        linked: type[Base] = relation.mapper.class_
        if relation.key in labelled:  # a column titled as the link holds the linked row's name
            info = labelled[relation.key]
            yield f"{relation.key}.{linked.__title__}", (info.label, *info.aliases)
        for name, info in fields(linked).items():
            if name in relation.mapper.column_attrs and not relation.mapper.column_attrs[name].columns[0].foreign_keys:
                yield f"{relation.key}.{name}", (info.label, *info.aliases)


def _short_label(model: type[Base], path: str) -> str:
    return label_of(model, path)


def read_rows(columns: Columns, table: Table) -> list[ReadRow]:
    """Cells → values of the columns' types; a cell that cannot be read becomes a problem of its row."""
    readers = [
        (path, index, columns.labels[index], _reader(columns.model, path)) for path, index in columns.by_path.items()
    ]
    rows = []
    for line, raw in zip(table.lines, table.rows, strict=True):
        row = ReadRow(line, raw, {})
        for path, index, label, read in readers:
            try:
                row.values[path] = read(raw[index])
            except CellRefused as refusal:
                row.values[path] = None
                row.problems.append(Problem(label, str(refusal)))
        rows.append(row)
    return rows


class CellRefused(OcopError):
    sentence = "{why}"

    def __init__(self, why: str) -> None:
        super().__init__(why=why)


def _reader(model: type[Base], path: str) -> Callable[[Cell], Any]:
    first, _, rest = path.partition(".")
    mapper: Mapper[Any] = inspect(model)
    if rest:
        return _reader(mapper.relationships[first].mapper.class_, rest)
    kind = mapper.column_attrs[first].columns[0].type
    if isinstance(kind, Enum):
        return _choice_reader(kind)
    if isinstance(kind, String | Tidy):
        return _text_reader(kind.length)
    raise TypeError(f"no file holds {model.__name__}.{path} yet: {kind!r} has no reader")


def _text_reader(length: int | None) -> Callable[[Cell], str | None]:
    def read(cell: Cell) -> str | None:
        text = as_text(cell)
        if length and len(text) > length:
            raise CellRefused(f"Ô này dài {len(text)} chữ, tối đa {length}. Rút ngắn lại.")
        return text or None

    return read


def _choice_reader(kind: Enum) -> Callable[[Cell], LabelledEnum | None]:
    members = kind.enum_class
    assert members is not None
    choices: list[LabelledEnum] = list(members)
    by_text = {fold(member.label): member for member in choices}

    def read(cell: Cell) -> LabelledEnum | None:
        text = as_text(cell)
        if not text:
            return None
        found = by_text.get(fold(text))
        if found is None:
            possible = ", ".join(member.label for member in choices)
            raise CellRefused(f"“{text}” không có trong danh sách. Ghi một trong: {possible}.")
        return found

    return read


def as_text(cell: Cell) -> str:
    """A cell as text, tidied; a number as its digits, with no zero put back."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return tidy(cell)
    if isinstance(cell, CellError):
        if cell.reason == "formula":
            raise CellRefused("Ô này là công thức chưa có kết quả. Mở tệp bằng Excel, lưu lại, hoặc gõ giá trị vào ô.")
        raise CellRefused(f"Ô này đang là {cell.text}. Gõ lại giá trị vào ô.")
    if isinstance(cell, bool) or not isinstance(cell, int):
        raise CellRefused(f"Ô này là “{cell}”, cần là chữ. Định dạng ô là Văn bản rồi gõ lại.")
    return str(cell)
