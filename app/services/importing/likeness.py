"""New rows of a file that may be there already, under nearly the same name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.services.importing.links import (
    NEARLY,
    SUGGESTED,
    Candidate,
    Registers,
    bare,
    commune_relation,
    described,
    fold_name,
)
from app.services.importing.reading import Columns, ReadRow
from app.services.importing.writing import Change
from models.base import Base
from models.import_batch import RowAction

SHOWN_LIKELY = 200


@dataclass(frozen=True)
class Likely:
    """A new row and the rows it may be. name: with what tells it apart. there: (id, the same of it), nearest first."""

    line: int
    name: str
    there: Sequence[tuple[int, str]]


def likely(
    registers: Registers, columns: Columns, rows: Sequence[ReadRow], changes: Sequence[Change | None]
) -> list[Likely]:
    """New rows whose name is nearly that of some under the same link, or, told apart by their place, elsewhere."""
    model = columns.model
    found: list[Likely] = []
    key = next((k for k in model.__keys__ if model.__title__ in k and len(k) > 1), None)
    if key is None or model.__title__ not in columns.by_path:
        return found
    link = next(name for name in key if name != model.__title__)
    under = _bare_names(registers, model, link)
    for row, change in zip(rows, changes, strict=True):
        if len(found) >= SHOWN_LIKELY:
            break
        if change is None or change.action is not RowAction.NEW:
            continue
        name, where = str(change.values.get(model.__title__, "")), change.values.get(f"{link}_id")
        lives = registers.lives(where) if where and link == commune_relation(model) else ()
        near = _nearly(model, name, [under[each] for each in (where, *lives) if each in under])
        if link == commune_relation(model):
            near += registers.of(model).by_title.get(fold_name(model, name), ())
        if near:
            own = Candidate(0, {"__title__": name, **change.values})
            there = [(each.id, described(registers, model, each)) for each in _once(near)]
            found.append(Likely(row.line, described(registers, model, own), there[:SUGGESTED]))
    return found


def _bare_names(registers: Registers, model: type[Base], link: str) -> dict[Any, dict[str, list[Candidate]]]:
    """{id under the link: {name as likeness sees it: rows}}; a moved row also where it was recorded."""
    under: defaultdict[Any, defaultdict[str, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    for row in registers.of(model).rows.values():
        name = bare(model, row.label)
        places = {row.values[f"{link}_id"]}
        if link == commune_relation(model):
            places.add(row.values["moved_from_id"])
        for each in places:
            under[each][name].append(row)
    return dict(under)


def _nearly(model: type[Base], name: str, among: Sequence[Mapping[str, Sequence[Candidate]]]) -> list[Candidate]:
    """Rows with nearly that name, the nearest first."""
    from rapidfuzz import fuzz, process  # a twentieth of the start, and the pages of every day need none

    if not among:
        return []
    by_name = among[0]
    if len(among) > 1:
        by_name = {each: [row for rows in among for row in rows.get(each, ())] for rows in among for each in rows}
    nearest = process.extract(
        bare(model, name), by_name.keys(), scorer=fuzz.token_sort_ratio, score_cutoff=NEARLY, limit=SUGGESTED
    )
    return [row for each, _score, _place in nearest for row in by_name[each]]


def _once(rows: Iterable[Candidate]) -> list[Candidate]:
    return list({row.id: row for row in rows}.values())
