"""Lines of a file that mean one row: of those that agree the first is taken, where they do not agree none is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.services.importing.links import FEW, fold_name, folded, is_respelled_name, name_missing
from app.services.importing.reading import Columns, Problem, ReadRow, linked_model, row_label
from app.services.importing.writing import Change
from models.base import Base
from models.import_batch import RowAction
from models.rules.words import number


@dataclass
class Repeated:
    """Lines that mean one row, in the order of the file. differing: a column in which they do not agree.

    is_far: whether the first was judged in an earlier part. names: ways in which they write the name of a new row,
    the one that is taken first.
    """

    lines: list[int]
    differing: str = ""
    is_far: bool = False
    names: list[str] = field(default_factory=list)


class Repeats:
    """Lines of all parts of a list that mean one row. again: a line of an earlier part, read anew."""

    def __init__(self, columns: Columns, *, clears: bool, again: Callable[[int], ReadRow]) -> None:
        self._columns, self._model, self._title = columns, columns.model, columns.model.__title__
        self._clears, self._again = clears, again
        self._seen: dict[int, int] = {}  # {what tells a row from others, as a number: its line}
        self._found: dict[int, Repeated] = {}  # by the first line of a row

    def take_once(self, rows: Sequence[ReadRow], changes: list[Change | None]) -> None:
        """Of lines that mean one row and agree the first is taken; where they do not agree none is."""
        by_line: dict[int, ReadRow] = {}
        found = set()
        for row, change in zip(rows, changes, strict=True):
            key = None if change is None or change.action is RowAction.SKIPPED else _identity(self._model, change)
            if key is None or (first := self._seen.setdefault(hash(key), row.line)) == row.line:
                continue
            by_line = by_line or {each.line: each for each in rows}
            again = self._found.setdefault(first, Repeated([first]))
            again.lines.append(row.line)
            again.is_far |= first not in by_line
            before = by_line.get(first) or self._as_taken(again)
            again.differing = again.differing or self._differing_column(before, row, is_far=first not in by_line)
            if change and change.action is RowAction.NEW:
                names = (each.values.get(self._title) for each in (before, row))
                again.names = list(dict.fromkeys([*again.names, *(name for name in names if name)]))
            found.add(first)
        for first in found:
            again = self._found[first]
            for place, row in enumerate(rows):
                if row.line not in again.lines:
                    continue
                if row.line == first:
                    self._name_in_full(changes[place], again)
                if again.differing:
                    row.problems.append(self._said_twice(again))
                    changes[place] = None
                elif row.line != first:
                    changes[place] = Change(self._model, RowAction.SKIPPED, row_label(self._model, row))

    def _name_in_full(self, change: Change | None, again: Repeated) -> None:
        """Give a new row the longest of its names, with its capitals; one of an earlier part keeps its own."""
        if change and len(again.names) > 1:
            title = self._title
            again.names.sort(key=lambda name: (name.isupper(), -len(name)))
            change.values[title] = change.meant[title] = again.names[0]

    def _as_taken(self, again: Repeated) -> ReadRow:
        """The first line, of an earlier part, read anew under the name that was taken of its part."""
        row = self._again(again.lines[0])
        if again.names:
            row.values[self._title] = again.names[0]
        return row

    def _differing_column(self, first: ReadRow, later: ReadRow, *, is_far: bool) -> str:
        """A column in which a later line says something else; an empty cell says nothing, unless it is to clear.

        is_far: whether the first is written when the later one is judged to be written too, and keeps its name.
        """
        for path in self._columns.by_path:
            before, now = first.values.get(path), later.values.get(path)
            if now is None and not (self._clears and self._columns.has_own(path)):
                continue
            if "." in path:
                before, now = (_as_meant(self._model, path, value) for value in (before, now))
            elif path == self._title and before and now:
                ways = [(now, before)] if is_far else [(now, before), (before, now)]
                if any(is_respelled_name(self._model, *names) for names in ways):
                    continue
            if before != now:
                return self._columns.name(path)
        return ""

    def _said_twice(self, again: Repeated) -> Problem:
        lines, label = f"{', '.join(map(str, again.lines[:-1]))} và {again.lines[-1]}", self._model.__label__.lower()
        return Problem(
            again.differing,
            f"Dòng {lines} là cùng một {label} nhưng cột “{again.differing}” ghi khác nhau. "
            "Ghi cho giống nhau hoặc giữ một dòng.",
        )

    @property
    def refused_since(self) -> dict[int, Problem]:
        """Lines found to be one row only when a later part was judged; the earlier ones have been taken already."""
        return {
            line: self._said_twice(again)
            for again in self._found.values()
            if again.differing and again.is_far
            for line in again.lines
        }

    def notes(self) -> list[str]:
        """Which lines were left out, and of names written in several ways which is taken."""
        same = [again for again in self._found.values() if not again.differing]
        if not same:
            return []
        count = number(sum(len(again.lines) - 1 for again in same))
        shown = [f"dòng {', '.join(map(str, again.lines[1:]))} như dòng {again.lines[0]}" for again in same[:FEW]]
        more = f" và {number(len(same) - FEW)} bản ghi khác" if len(same) > FEW else ""
        label = self._model.__label__.lower()
        written = [
            f"dòng {', '.join(map(str, each.lines))} lấy “{each.names[0]}”" for each in same if len(each.names) > 1
        ]
        more_names = f" và {number(len(written) - FEW)} bản ghi khác" if len(written) > FEW else ""
        return [
            f"{count} dòng ghi lại cùng một {label} nên bỏ qua: {'; '.join(shown)}{more}.",
            *([f"Tên viết nhiều cách: {'; '.join(written[:FEW])}{more_names}."] if written else ()),
        ]


def _as_meant(model: type[Base], path: str, value: Any) -> Any:
    """A cell of a link as it is compared with another one."""
    first, _, rest = path.partition(".")
    linked = linked_model(model, first)
    if "." in rest:
        return _as_meant(linked, rest, value)
    return fold_name(linked, value) if rest == linked.__title__ and isinstance(value, str) else value


def _identity(model: type[Base], change: Change) -> Any:
    if change.existing is not None:
        return change.existing
    for key in model.__keys__:
        values = []
        for name in key:
            link = change.links.get(f"{name}_id")
            value = change.values.get(name, change.values.get(f"{name}_id", id(link) if link else None))
            values.append(folded(change.model, name, value) if isinstance(value, str) else value)
        if not name_missing(values):
            return (key, *values)
    return None
