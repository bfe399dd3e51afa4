"""Codes that some lines of a list lack: others of that name in that place give them, or they are asked for."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property

from app.services.importing.links import code_of, fold_name
from app.services.importing.reading import Columns, Lines, Problem, ReadRow
from models.base import Base, label_of


def below(relation: str, name: str) -> str:
    """A path. relation: "" for the rows of the list themselves."""
    return f"{relation}.{name}" if relation else name


@dataclass
class Codes:
    """What the lines of a list say of codes. models: {relation, "" for the rows themselves: what it leads to}.

    place_of: where a line says that a row of a relation lies, None where that is unknown.
    """

    columns: Columns
    models: Mapping[str, type[Base]]
    lines: Lines
    place_of: Callable[[ReadRow, str], Hashable]

    @cached_property
    def _coded(self) -> dict[str, type[Base]]:
        """Of `models` those with a column of their code and one of their name."""
        paths = self.columns.by_path.keys()
        return {
            relation: model
            for relation, model in self.models.items()
            if (code := code_of(model)) and {below(relation, code), below(relation, model.__title__)} <= paths
        }

    @cached_property
    def _said(self) -> dict[Hashable, list[str]]:
        """{(relation, folded name, place) of which a line has no code: codes that other lines give it}."""
        lacking: set[Hashable] = set()
        codes: defaultdict[Hashable, dict[str, None]] = defaultdict(dict)
        for row in self.lines if self._coded else ():
            for relation in self._coded:
                if namesake := self._namesake(row, relation):
                    if code := self._written(row, relation):
                        codes[namesake][code] = None
                    else:
                        lacking.add(namesake)
        return {namesake: list(codes[namesake]) for namesake in lacking & codes.keys()}

    def _namesake(self, row: ReadRow, relation: str) -> Hashable:
        model = self._coded[relation]
        name, place = row.values.get(below(relation, model.__title__)), self.place_of(row, relation)
        return (relation, fold_name(model, name), place) if name and place is not None else None

    def _written(self, row: ReadRow, relation: str) -> str | None:
        """The code of a line, written as it is stored."""
        model, code = self._coded[relation], code_of(self._coded[relation])
        value = row.values.get(below(relation, code))
        return value and str(getattr(model(**{code: value}), code))

    def lend(self, row: ReadRow) -> ReadRow:
        """The row with codes as they are stored, and with the only one that other lines give its namesake."""
        for relation, model in self._coded.items():
            codes = self._of(row, relation)
            row.values[below(relation, code_of(model))] = codes[0] if len(codes) == 1 else self._written(row, relation)
        return row

    def _of(self, row: ReadRow, relation: str) -> list[str]:
        """Codes that other lines give the namesake of a line without one."""
        if relation not in self._coded or not self._said or self._written(row, relation):
            return []
        return self._said.get(self._namesake(row, relation), [])

    def several(self, row: ReadRow, relation: str) -> str:
        """Why it is unknown which of several namesakes of this list a line without a code means; "" where it is not."""
        codes = self._of(row, relation)
        if len(codes) < 2:
            return ""
        model = self._coded[relation]
        name, label = row.values[below(relation, model.__title__)], label_of(model, code_of(model)).lower()
        return f"Trong tệp “{name}” ở cùng nơi có {len(codes)} {label}: {', '.join(codes)}."

    def refuse(self, row: ReadRow) -> None:
        """A row of the list that may be any of several others is none of them until its code is written."""
        if why := self.several(row, ""):
            path = code_of(self._coded[""])
            column = self.columns.name(path)
            row.problems.append(Problem(column, f"{why} Ghi {label_of(self._coded[''], path).lower()} vào ô này."))
