"""Which lists can be taken, what each may fill, and how its rows are judged."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import islice
from typing import Protocol

from app.errors import OcopError
from app.files.limits import STRUCTURE_ROWS
from app.services.importing import likeness, links, places, records, successions
from app.services.importing.reading import Columns, Lines, Options, Problem, ReadRow, linked_model, titles_of
from app.services.importing.writing import Change, Changes
from app.session import OcopSession
from app.table import Table, title_of
from models.audit import AuditEntry
from models.base import Base, label_of, screens
from models.commune import Commune, CommuneSuccession
from models.criteria_set import CriteriaSet
from models.cycle import Cycle, CycleStep
from models.district import District
from models.import_batch import ImportBatch
from models.product_group import ProductGroup
from models.province import Province
from models.rating import Rating
from models.rules.text import fold
from models.rules.words import number
from models.user import User


class NotImportable(OcopError):
    sentence = "Chưa nhập được {label} từ tệp. Nhập từng bản ghi trên màn hình."


class Judged(Protocol):
    """Rows of a list against the database: one change for each, None for a refused one; notes, parents made with them.

    Where a list is judged in parts, what is asked and made with it is of all rows so far; refused_since: lines of
    earlier parts that are refused for what stands in a later one, and those of that.
    """

    changes: list[Change | None]

    @property
    def unfound(self) -> Mapping[tuple[str, str], links.Unfound]: ...

    @property
    def likely(self) -> Sequence[likeness.Likely]: ...

    @property
    def covers(self) -> Sequence[str]: ...

    @property
    def refused_since(self) -> Mapping[int, Problem]: ...

    def all_changes(self) -> Changes: ...

    def notes(self, session: OcopSession) -> list[str]: ...

    def also(self, wanted: Collection[Change]) -> tuple[dict[str, dict[str, int]], list[str]]: ...


Judge = Callable[[Sequence[ReadRow]], Judged]


class Begin(Protocol):
    def __call__(
        self, session: OcopSession, columns: Columns, *, as_of: date, options: Options, lines: Lines
    ) -> Judge: ...


@dataclass(frozen=True)
class ListKind:
    """How lists of one model are taken. uses: paths of columns; needs: sets of them, one of which a file must have;
    begin: what judges its rows, all at once where they are dated. titles: {path: titles} beside those of the model.
    """

    uses: Collection[str]
    needs: Collection[Collection[str]]
    begin: Begin
    titles: Mapping[str, Collection[str]] = field(default_factory=dict)


def _at_once(decide: Callable[..., Judged]) -> Begin:
    def begin(session: OcopSession, columns: Columns, *, as_of: date, options: Options, lines: Lines) -> Judge:
        del lines  # judged all at once, no line is an earlier part's
        return partial(decide, session, columns, as_of=as_of, options=options)

    return begin


# Lists that are more than rows: what they say holds from a day on.
DATED: dict[type[Base], ListKind] = {
    Commune: ListKind(places.USES, [places.NEEDS], _at_once(places.decide)),
    District: ListKind(places.DISTRICT_USES, [places.NEEDS], _at_once(places.decide), places.DISTRICT_TITLES),
    CommuneSuccession: ListKind(successions.USES, [successions.NEEDS], _at_once(successions.decide)),
}
# Every other model with a screen is a list of records, but for these, and why.
NOT_FROM_FILES: dict[type[Base], str] = {
    Province: "made with the lists of its districts and communes",
    ProductGroup: "comes with its decision, as reference data",
    CriteriaSet: "a tree of criteria with options, no list of rows",
    CycleStep: "a handful of rows that the programme fixes",
    Cycle: "one row a year, opened on its screen",
    User: "an account is handed over with its password",
    AuditEntry: "written by the Session alone",
    ImportBatch: "what an import leaves",
}


def importable() -> list[type[Base]]:
    """Models whose lists can be taken, parents before their children."""
    by_table = {model.__table__: model for model in screens().values()}
    ordered = [by_table[table] for table in Base.metadata.sorted_tables if table in by_table]
    return [*DATED, *(model for model in ordered if model not in DATED and model not in NOT_FROM_FILES)]


def importable_paths(model: type[Base]) -> Collection[str]:
    """What a file of a model may fill, as paths."""
    return list_kind(model).uses


def known_titles(model: type[Base]) -> set[str]:
    """Titles by which a header row of such a list is known."""
    kind = list_kind(model)
    return {title for path in kind.uses for title in (*titles_of(model, path), *kind.titles.get(path, ()))}


def path_label(model: type[Base], path: str) -> str:
    """A column as the page of a plan offers it: “Chủ thể: mã số thuế”."""
    first, _, rest = path.partition(".")
    if not rest:
        return label_of(model, first)
    below = path_label(linked_model(model, first), rest)
    return f"{label_of(model, first)}: {below[:1].lower()}{below[1:]}"


SAID_OF_ANY = frozenset({"ghi chu", "tinh trang", "ten", "ma", "mo ta"})
"""Titles that say nothing of which list a column belongs to."""

A_YEAR = re.compile(r"(?:^|\s)20\d\d$")
"""A title that says a year: “2021”, “Năm 2021”."""


def columns_left(columns: Columns, table: Table) -> list[str]:
    """Which columns fill nothing and how much stands in them; and which other list takes them, as sentences."""
    if not columns.ignored:
        return []
    rows = list(islice(table.rows, STRUCTURE_ROWS))
    named, elsewhere = [], defaultdict[str, list[str]](list)
    for index in columns.ignored:
        label = columns.labels[index]
        filled = sum(row[index] is not None for row in rows)
        more = "hơn " if len(rows) == STRUCTURE_ROWS else ""
        named.append(f"“{label}” ({f'{more}{number(filled)} ô' if filled else 'trống'})")
        if filled and (kind := _taken_by(columns.model, label)):
            elsewhere[kind].append(f"“{label}”")
    sentences = [f"Không dùng cột {', '.join(named)}."]
    sentences += [f"Cột {', '.join(labels)} nhập bằng loại {kind}." for kind, labels in elsewhere.items()]
    years = [f"“{columns.labels[n]}”" for n in columns.ignored if A_YEAR.search(title_of(columns.labels[n]))]
    if columns.model is Rating and len(years) > 1:
        sentences.append(
            f"{', '.join(years)} là mỗi năm một cột. "
            f"Ghi mỗi năm một dòng, có cột “{label_of(Rating, 'stars')}” và “Năm công nhận”."
        )
    for places_ in columns.alike.values():
        reason = columns.reasons[columns.labels[places_[0]]]
        sentences.append(f"{reason[:1].upper()}{reason[1:]} ở mục Cách đọc tệp.")
    return sentences


def _taken_by(model: type[Base], label: str) -> str:
    """The list of another kind that has a column of its own with that title."""
    folded = fold(title_of(label).rpartition(" / ")[2])
    if folded in SAID_OF_ANY:
        return ""
    for other in importable():
        own = [path for path in list_kind(other).uses if "." not in path]
        if other not in (model, *DATED) and any(
            folded == fold(title) for path in own for title in titles_of(other, path)
        ):
            return other.__plural__
    return ""


def list_kind(model: type[Base]) -> ListKind:
    if model in DATED:
        return DATED[model]
    if model.__screen__ is None or model in NOT_FROM_FILES:
        raise NotImportable(label=model.__label__.lower())
    return ListKind(links.uses_of(model), records.needs_of(model), records.begin)
