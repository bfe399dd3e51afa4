"""What the cells of a row mean by another row: found by the keys and names of its model, folded, never guessed.

A value that finds nothing, or more than one row, is asked about once for all its rows.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Enum, func, inspect, select
from sqlalchemy.orm import Mapper

from app.current import actor, seeing_everything
from app.search import matching_rows
from app.services.importing.former import Former
from app.services.importing.reading import (
    DAY_FIRST,
    MONTH_FIRST,
    Columns,
    ReadRow,
    column_type,
    is_required,
    linked_model,
)
from app.services.importing.writing import parts
from app.services.place_names import read_onward
from app.session import OcopSession, places_relation
from models.base import Base, LabelledEnum, Placed, Searchable, fields, key_columns, label_of
from models.commune import Commune, CommuneKind, CommuneSuccession
from models.cycle import Cycle, only_year
from models.entity import Entity, folded_name, name_without_kind, unshortened
from models.rules.places import bare_name, kind_in_name, life_on, successors
from models.rules.text import fold, is_respelled, sort_key
from models.rules.words import day

SUGGESTED = 5
FEW = 20
LOOKED_AT = 100
"""Rows looked at for what is spelled nearly so, for each word."""
LIKE = 60
NEARLY = 90
"""Percent of likeness from which a row is suggested, and from which it may well be the same."""

Reference = tuple[tuple[str, str], ...]
"""What cells say of one linked row: (path below the link, text), of filled cells only."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may be meant. values: its naming columns and foreign keys by attribute."""

    id: int
    values: Mapping[str, Any]

    @property
    def label(self) -> str:
        return str(self.values["__title__"])


@dataclass(frozen=True)
class Found:
    """The row meant, or why none is: `why` is a sentence, `suggestions` the rows it may be, best first.

    is_several: whether the words name each of them. is_taken: whether the code that is said is that of another row.
    days: last days on which they named another place, where nobody
    said for which day the list holds. notes: {id of a suggestion: what became of it}.
    """

    row: Candidate | None = None
    why: str = ""
    suggestions: Sequence[Candidate] = ()
    is_several: bool = False
    is_taken: bool = False
    days: Sequence[date] = ()
    notes: Mapping[int, str] = field(default_factory=dict)


@dataclass
class Unfound:
    """A value that names no row, or several, asked about once for all its rows.

    relation: or the path of a closed list or of a column of days. key: under which the answer is kept; all that the
    cells say, and where the row lies, so that no answer holds for another place. value: the same as it is shown, ""
    where it is of a whole column.
    lines: as Excel shows them. suggestions: (id, label), best first; of a closed list its values.
    creatable: whether it can be made from its name. optional: whether it can be left empty. skippable: whether its
    rows can be left out. findable: whether any row of the model may be meant. suggested: id of the suggestion that is
    the one successor of the unit named; a clerk still says so. typed: whether a day is to be typed, as one cannot be
    chosen.
    """

    relation: str
    label: str
    key: str
    value: str
    why: str
    suggestions: Sequence[tuple[int | str, str]]
    creatable: bool
    optional: bool = False
    lines: list[int] = field(default_factory=list)
    skippable: bool = True
    findable: bool = True
    suggested: int | None = None
    typed: bool = False


def ask(asked: dict[tuple[str, str], Unfound], columns: Columns, rows: Sequence[ReadRow]) -> None:
    """Add what closed lists and columns of days leave open, once for all rows with the same text."""
    for row in rows:
        for path, text in row.asked:
            if row.skipped:
                continue
            key = path, fold(text)
            if key not in asked:
                about = _choice if isinstance(column_type(columns.model, path), Enum) else _rest_of_day
                asked[key] = about(columns, path, text) if text else _order(columns, path)
            asked[key].lines.append(row.line)


def _choice(columns: Columns, path: str, text: str) -> Unfound:
    from rapidfuzz import fuzz  # a twentieth of the start, and the pages of every day need none

    members: list[LabelledEnum] = list(column_type(columns.model, path).enum_class)
    likeness = {member: fuzz.token_set_ratio(fold(text), fold(member.label)) for member in members}
    ranked = sorted(members, key=lambda member: -likeness[member])
    return Unfound(
        path,
        columns.name(path),
        fold(text),
        text,
        f"Không có trong danh sách {label_of(columns.model, path).lower()}.",
        [(str(member.value), member.label) for member in ranked],
        creatable=False,
        optional=True,
        findable=False,
    )


def _rest_of_day(columns: Columns, path: str, text: str) -> Unfound:
    is_needed = is_required(columns.model, path)
    what_to_do = f"Ghi một ngày trong {text} cho các dòng đó." if is_needed else "Để trống, hoặc ghi đủ ngày trong tệp."
    return Unfound(
        path,
        columns.name(path),
        fold(text),
        text,
        f"Các dòng này chỉ ghi {text}. {what_to_do}",
        [],
        creatable=False,
        optional=not is_needed,
        skippable=not is_needed,
        findable=False,
        typed=is_needed,
    )


def _order(columns: Columns, path: str) -> Unfound:
    return Unfound(
        path,
        columns.name(path),
        "",
        "",
        "Cột có cả ngày/tháng và tháng/ngày. Ô chỉ đọc được một cách thì đọc theo cách đó.",
        [
            (DAY_FIRST, "Ngày trước: 03/04/2024 là 3 tháng 4"),
            (MONTH_FIRST, "Tháng trước: 03/04/2024 là 4 tháng 3"),
        ],
        creatable=False,
        skippable=False,
        findable=False,
    )


@dataclass
class Register:
    """Rows of one model in the clerk's area that a name or key can mean: all of a short one, else what was asked for.

    is_complete: whether every row is here. up_to: the last id looked at, where rows are written meanwhile.
    """

    model: type[Base]
    as_of: date
    up_to: int | None = None
    is_complete: bool = False
    rows: dict[int, Candidate] = field(default_factory=dict)
    by_title: defaultdict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    by_column: dict[str, defaultdict[str, list[Candidate]]] = field(default_factory=dict)
    _by_link: dict[str, defaultdict[Any, list[Candidate]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        title = self.model.__title__
        names = list(dict.fromkeys(path for path in naming_paths(self.model) if "." not in path))
        self.by_column = {n: defaultdict(list) for n in names if n != title and n in key_columns(self.model)}
        self._by_link = {name: defaultdict(list) for name in telling_links(self.model)}
        period = {"valid_from", "valid_to"} if self.is_dated else set()
        moved = {"moved_from_id", "commune_id"} if issubclass(self.model, Placed) else set()
        self._names = sorted({*names, *(f"{name}_id" for name in self._by_link), *period, *moved})

    @property
    def is_dated(self) -> bool:
        return "valid_from" in inspect(self.model).column_attrs

    def load(self, session: OcopSession, *where: ColumnElement[bool]) -> None:
        """Add the rows that meet the conditions; all rows when there are none."""
        mapper: Mapper[Any] = inspect(self.model)
        title = self.model.__title__
        title_column = getattr(self.model, title) if title in mapper.column_attrs else self.model.id
        columns = [getattr(self.model, name) for name in self._names]
        known = () if self.up_to is None else (self.model.id <= self.up_to,)
        for pk, shown, *values in session.execute(select(self.model.id, title_column, *columns).where(*where, *known)):
            if pk not in self.rows:
                self._add(Candidate(pk, {"__title__": shown, **dict(zip(self._names, values, strict=True))}))
        self.is_complete = self.is_complete or not where

    def _add(self, row: Candidate) -> None:
        self.rows[row.id] = row
        self.by_title[fold_name(self.model, row.label)].append(row)
        for name, by_value in self.by_column.items():
            if row.values[name] is not None:
                by_value[fold(str(row.values[name]))].append(row)
        for name, by_id in self._by_link.items():
            by_id[row.values[f"{name}_id"]].append(row)

    def load_named(self, session: OcopSession, names: Iterable[str]) -> None:
        """Rows spelled so, but for capitals; through the index that orders lists."""
        if self.is_complete or not _is_named_first(self.model):
            return
        column: Any = getattr(self.model, "sort_key")  # noqa: B009  # Searchable
        for part in parts(sorted({sort_key(name) for name in names})):
            self.load(session, column.in_(part))

    def load_by(self, session: OcopSession, attribute: str, values: Iterable[Any]) -> None:
        """Rows with these values in a column of a key or of a link."""
        if self.is_complete:
            return
        for part in parts(sorted(set(values))):
            self.load(session, getattr(self.model, attribute).in_(part))

    def load_like(self, session: OcopSession, name: str) -> None:
        """Rows with every word of a name, whatever its marks, or with its longest ones: what is spelled nearly so."""
        if self.is_complete or not issubclass(self.model, Searchable):
            return
        proper = bare(self.model, name)
        longest = sorted(dict.fromkeys(proper.split()), key=len)[-2:]
        for term in dict.fromkeys((fold(name), proper, *longest)):
            ids = select(self.model.id).where(*matching_rows(session, self.model, term)).limit(LOOKED_AT)
            self.load(session, self.model.id.in_(ids))

    def linked(self, wanted: Mapping[str, Any]) -> list[Candidate]:
        """Rows that lead to the same row by the first link asked for."""
        name = next(name for name in wanted if name in self._by_link)
        return self._by_link[name].get(wanted[name], [])

    def in_force(self, rows: Iterable[Candidate]) -> list[Candidate]:
        """Of a dated model, the lives of the day; of another, all."""
        if not self.is_dated:
            return list(rows)
        return [row for row in rows if life_on([_Life(row)], self.as_of)]


@dataclass(frozen=True)
class _Life:
    row: Candidate

    @property
    def valid_from(self) -> date:
        day: date = self.row.values["valid_from"]
        return day

    @property
    def valid_to(self) -> date | None:
        day: date | None = self.row.values["valid_to"]
        return day


class Registers:
    """The registers of one import, by model: short ones whole, of the others what was learned."""

    def __init__(self, session: OcopSession, as_of: date, *, asks_day: bool = False) -> None:
        self.session, self.as_of, self.asks_day = session, as_of, asks_day
        self.former = Former(session, as_of)
        self._by_model: dict[type[Base], Register] = {}
        self._up_to: dict[type[Base], int] = {}
        self._found: dict[tuple[type[Base], Reference, int | None], Found] = {}
        self._lives: dict[int, set[int]] = {}

    def of(self, model: type[Base]) -> Register:
        """Short registers, such as places of a day and steps, are loaded whole."""
        if model not in self._by_model:
            register = self._by_model[model] = Register(model, self.as_of, self._up_to.get(model))
            if not issubclass(model, Placed):
                register.load(self.session)
        return self._by_model[model]

    def only_those_there(self, model: type[Base]) -> None:
        """Look at no row that comes from now on: what a list adds, later lines of it do not mean (see `Repeats`)."""
        with seeing_everything():
            self._up_to[model] = self.session.scalar(select(func.max(model.id))) or 0

    def let_go(self) -> None:
        """Forget what was learned; what is asked next is learned anew."""
        self._by_model = {model: register for model, register in self._by_model.items() if register.is_complete}
        self._found.clear()

    def learn(self, model: type[Base], path: str, values: Iterable[str]) -> None:
        """Load what the cells of a column may mean, all at once. path: of the column, from the model of the list."""
        first, _, rest = path.partition(".")
        if not rest:
            return
        linked = linked_model(model, first)
        if "." in rest:
            self.learn(linked, rest, values)
        elif rest == linked.__title__:
            self.of(linked).load_named(self.session, values)
        elif rest in self.of(linked).by_column:
            self.of(linked).load_by(self.session, rest, values)

    def lives(self, unit_id: int) -> set[int]:
        """Communes that are this one at another time: what it became wholly, and what became it and nothing else."""
        self.learn_lives({unit_id})
        return self._lives[unit_id]

    def learn_lives(self, ids: set[int]) -> None:
        new = ids - self._lives.keys()
        if not new:
            return
        self._lives |= {row_id: set() for row_id in new}
        former: set[int] = set()
        with seeing_everything():
            for part in parts(sorted(new)):
                former.update(
                    self.session.scalars(select(CommuneSuccession.old_id).where(CommuneSuccession.new_id.in_(part)))
                )
        _units, onward = read_onward(self.session, new | former)
        for row_id in new | former:
            became = successors(onward, row_id).one
            if became is not None and row_id in new:
                self._lives[row_id].add(became)
            if became in new:
                self._lives[became].add(row_id)

    def find(self, model: type[Base], reference: Reference, *, commune_id: int | None = None) -> Found:
        """The one row that cells mean. commune_id: where the row of the file lies; tells rows of one name apart."""
        asked = (model, reference, commune_id)
        if asked not in self._found:
            found = self._find(model, dict(reference), commune_id)
            name = dict(reference).get(model.__title__)
            if found.row is None and name and not self.of(model).is_complete:
                self.of(model).load_like(self.session, name)
                found = self._find(model, dict(reference), commune_id)
            self._found[asked] = self._with_former(found, dict(reference)) if model is Commune else found
        return self._found[asked]

    def _find(self, model: type[Base], said: dict[str, str], commune_id: int | None) -> Found:
        register = self.of(model)
        label, title = model.__label__.lower(), model.__title__
        name = said.get(title, "")
        for column, by_value in register.by_column.items():
            if column in said:
                there = register.in_force(by_value.get(fold(said[column]), ()))
                found = _agreeing(register, self._narrowed(model, there, said), said)
                if len(found) == 1:
                    return self._checked(model, found[0], column, said)
                if found and len(found) > 1:
                    why = f"Có {len(found)} {label} cùng “{said[column]}”."
                    return Found(why=why, suggestions=found[:SUGGESTED], is_several=True)
                if there and not found and column == code_of(model):
                    owner = f"{label_of(model, column)} {said[column]} là của “{there[0].label}”"
                    return Found(why=f"{owner}, ở nơi khác với dòng này.", suggestions=there, is_taken=True)
                if not name:
                    return Found(why=f"Chưa có {label} mang “{said[column]}”.")
        if not name:
            return Found()
        found = register.in_force(register.by_title.get(fold_name(model, name), ()))
        if not found and register.is_complete:
            # A code where the name should stand: “I.3” of a group, “Năm 2026” of a cycle.
            short = (only_year(name) if model is Cycle else "") or fold(name)
            found = [row for by_value in register.by_column.values() for row in by_value.get(short, ())]
        kept = self._narrowed(model, found, said)
        column = code_of(model)
        if (code := said.get(column)) and (others := [row for row in kept if row.values[column] not in (None, code)]):
            kept = [row for row in kept if row not in others]
            if not kept:
                codes = ", ".join(row.values[column] for row in others[:SUGGESTED])
                why = f"“{name}” đang có nhưng {label_of(model, column).lower()} khác: {codes}."
                return Found(why=why, suggestions=others[:SUGGESTED])
        if len(kept) > 1:
            exact = [row for row in kept if row.label.casefold() == name.casefold()]
            near = [row for row in kept if commune_id and row.values.get("commune_id") == commune_id]
            kept = exact if len(exact) == 1 else near if len(near) == 1 else kept
        if len(kept) == 1:
            return Found(kept[0])
        if kept:
            why = f"Có {len(kept)} {label} tên “{name}”."
            return Found(why=why, suggestions=kept[:SUGGESTED], is_several=True)
        if model is Commune and self._is_outside(register, name):
            return Found(why=f"“{name}” nằm ngoài địa bàn của bạn.", suggestions=found[:SUGGESTED])
        if found:
            return Found(why=f"“{name}” có nhưng ở nơi khác với dòng này.", suggestions=found[:SUGGESTED])
        on = f" tại ngày {day(self.as_of)}" if register.is_dated else ""
        return Found(why=f"Chưa có {label} “{name}”{on}.", suggestions=self._like(register, name, said))

    def _is_outside(self, register: Register, name: str) -> bool:
        """Whether a commune of that name is in force on the day, but not one that the clerk sees."""
        if actor().area.everything:
            return False
        keys = [sort_key(each) for each in (name, *(f"{kind.label} {name}" for kind in CommuneKind))]
        with seeing_everything():
            found = self.session.scalars(select(Commune.id).where(Commune.sort_key.in_(keys), Commune.on(self.as_of)))
            return not register.rows.keys() >= set(found)

    # ---- units that ended before the day of the list ---------------------------------------------------------

    def _with_former(self, found: Found, said: Mapping[str, str]) -> Found:
        """Beside what the words name that day: what they named before, with the units of that day first.

        Where nobody said for which day the list holds, no unit is taken silently that they named otherwise before.
        """
        ended = self._ended(said)
        if found.row and self.asks_day:
            ended = [row for row in ended if self._is_another(row, found.row, said)]
        elif found.row:
            return found
        if not ended:
            return found
        register = self.of(Commune)
        now = [found.row] if found.row else found.suggestions if found.is_several else []
        heirs = [heir for row in ended for heir in self.former.heirs(row.id)]
        known = [register.rows[heir] for heir in heirs if heir in register.rows]
        offered = list({row.id: row for row in (*now, *known, *ended)}.values())[: 2 * SUGGESTED]
        return Found(
            why=found.why if found.is_several else self._was(ended, found.row, said),
            suggestions=offered,
            is_several=bool(found.row) or found.is_several,
            days=tuple({row.values["valid_to"] for row in ended}) if self.asks_day else (),
            notes={row.id: self.former.now(row.id) for row in ended},
        )

    def _ended(self, said: Mapping[str, str]) -> list[Candidate]:
        """Units that the words named before: by code, and by the name beside it; spelled so first, then the latest."""
        register, code, name = self.of(Commune), said.get("code", ""), said.get("name", "")
        rows = register.by_column["code"].get(fold(code), []) if code else []
        if not rows and name:
            rows = register.by_title.get(fold_name(Commune, name), [])
        elif name:
            rows = [row for row in rows if fold_name(Commune, row.label) == fold_name(Commune, name)]
        rows = [row for row in rows if row.values["valid_to"] and row.values["valid_to"] < self.as_of]
        for relation in ("district", "province"):
            below = {path.partition(".")[2]: text for path, text in said.items() if path.startswith(f"{relation}.")}
            if below and rows:
                ids = self._of_any_day(linked_model(Commune, relation), below)
                near = [row for row in rows if row.values[f"{relation}_id"] in ids]
                # The province may be written as it is called today, a district was never called otherwise.
                rows = near if relation == "district" else near or rows
        return sorted(rows, key=lambda row: (fold(row.label) == fold(name), row.values["valid_to"]), reverse=True)

    def _of_any_day(self, model: type[Base], said: Mapping[str, str]) -> set[int]:
        """Districts or provinces that cells name, whenever they were in force."""
        register = self.of(model)
        for column, by_value in register.by_column.items():
            if column in said:
                return {row.id for row in by_value.get(fold(said[column]), ())}
        return {row.id for row in register.by_title.get(fold_name(model, said.get(model.__title__, "")), ())}

    def _is_another(self, ended: Candidate, row: Candidate, said: Mapping[str, str]) -> bool:
        """Whether the words, read as of a day when an ended unit was in force, mean another place than now.

        A code alone does where it was given to a unit of another name. A name does where what bore it went elsewhere;
        one with its kind is not that of a unit of another kind.
        """
        went_here = tuple(self.former.heirs(ended.id)) == (row.id,)
        name = said.get("name", "")
        if not name:
            renamed = fold(ended.label) == fold(row.label) or self.former.is_the_same(ended.id, row.id)
            return not (went_here and renamed)
        is_spelled = bool(kind_in_name(name, CommuneKind)) and fold(row.label) == fold(name) != fold(ended.label)
        return not went_here and not is_spelled

    def _was(self, ended: Sequence[Candidate], row: Candidate | None, said: Mapping[str, str]) -> str:
        """What the words named before, as a sentence. row: what they name now, if anything."""
        name, first = said.get("name", ""), ended[0]
        words = f"“{name}”" if name else f"Mã {said['code']}"
        until = f"đến hết {day(first.values['valid_to'])}"
        more = f" và {len(ended) - 1} đơn vị khác" if len(ended) > 1 else ""
        district = self.of(linked_model(Commune, "district")).rows.get(first.values["district_id"])
        where = f", {district.label}" if district else ""
        if row is not None:
            code = f"{row.values['code']} " if name else ""
            before = f"{first.values['code']} " if name else ""
            return f"{words} nay là {code}{row.label}, {until} là {before}{first.label}{where}{more}."
        if more:
            return f"{words} {until} là tên của {len(ended)} đơn vị."
        was = "là tên" if name else f"là {first.label}{where}"
        return f"{words} {was} {until}, {self.former.now(first.id)}."

    def _narrowed(self, model: type[Base], rows: list[Candidate], said: Mapping[str, str]) -> list[Candidate]:
        """Rows whose own links are what the cells say of them, where they say anything; a place at any time."""
        for relation in telling_links(model):
            below = tuple(
                (path.partition(".")[2], text) for path, text in said.items() if path.startswith(f"{relation}.")
            )
            if not below or not rows:
                continue
            linked = linked_model(model, relation)
            if linked is Commune:
                there = self._communes(below)
                rows = [r for r in rows if {r.values[f"{relation}_id"], r.values.get("moved_from_id")} & there]
            elif any("." not in path for path, _text in below):
                ids = self._meant(linked, below)
                rows = [row for row in rows if row.values[f"{relation}_id"] in ids]
            else:
                rows = self._lying(rows, relation, linked, below)
        return rows

    def _meant(self, model: type[Base], said: Reference) -> set[int]:
        """The row that cells mean, or each of several that they name."""
        found = self.find(model, said)
        return {found.row.id} if found.row else {row.id for row in found.suggestions if found.is_several}

    def _communes(self, said: Reference) -> set[int]:
        """Communes that cells mean, and what these are at another time."""
        ids = self._meant(Commune, said)
        return ids.union(*map(self.lives, ids))

    def _lying(self, rows: list[Candidate], relation: str, linked: type[Base], said: Reference) -> list[Candidate]:
        """Rows that lie where cells say, or whose linked row does: of a product a list may say either.

        said: of the place of the linked row alone, by no name of its own.
        """
        ids = {row.values[f"{relation}_id"] for row in rows}
        register = self.of(linked)
        register.load_by(self.session, "id", ids)
        there = {
            row.id
            for row in self._narrowed(linked, [register.rows[pk] for pk in ids if pk in register.rows], dict(said))
        }
        place = next((name for name in telling_links(linked) if linked_model(linked, name) is Commune), "")
        communes = self._communes(tuple((path.removeprefix(f"{place}."), text) for path, text in said)) if place else ()
        own = ("commune_id", "moved_from_id")
        return [
            r for r in rows if r.values[f"{relation}_id"] in there or {r.values.get(name) for name in own} & {*communes}
        ]

    def _checked(self, model: type[Base], row: Candidate, column: str, said: Mapping[str, str]) -> Found:
        """A code and a name in one line must mean the same row; a code alone is enough."""
        name = said.get(model.__title__)
        if name and self.of(model).is_dated and fold_name(model, name) != fold_name(model, row.label):
            return Found(why=f"{said[column]} là “{row.label}”, không phải “{name}”.", suggestions=[row])
        if name and column == code_of(model) and not alike(model, name, row.label):
            owner = f"{label_of(model, column)} {said[column]} là của “{row.label}”"
            return Found(why=f"{owner}, không phải “{name}”.", suggestions=[row], is_taken=True)
        return Found(row)

    def _like(self, register: Register, name: str, said: Mapping[str, str]) -> list[Candidate]:
        """Rows of nearly that name: those where the line says, else anywhere."""
        from rapidfuzz import fuzz, process, utils

        by_title = register.by_title
        if len(said) > 1:
            near = self._narrowed(register.model, register.in_force(register.rows.values()), said)
            by_title = defaultdict(list)
            for row in near:
                by_title[fold_name(register.model, row.label)].append(row)
        found = process.extract(
            bare(register.model, name),
            {t: bare(Entity, rows[0].label) if register.model is Entity else t for t, rows in by_title.items() if rows},
            scorer=fuzz.token_sort_ratio,
            processor=utils.default_process,
            score_cutoff=LIKE,
            limit=SUGGESTED,
        )
        likely = [row for _name, _score, title in found for row in by_title[title]]
        return (register.in_force(likely) or likely)[:SUGGESTED]


def _agreeing(register: Register, rows: list[Candidate], said: Mapping[str, str]) -> list[Candidate]:
    """Of several rows with the same code, those with the other codes and the name that the line says, if any is."""
    for column in (*register.by_column, register.model.__title__):
        if len(rows) > 1 and column in said:
            agree = [row for row in rows if fold(str(row.values.get(column, row.label))) == fold(said[column])]
            rows = agree or rows
    return rows


def _is_named_first(model: type[Base]) -> bool:
    """Whether lists are ordered by what names the row."""
    return issubclass(model, Searchable) and model.__search__[0] == model.__title__


def fold_name(model: type[Base], name: str) -> str:
    """A name as it is compared: of a place without its kind, of a producer with its kind shortened."""
    if model is Entity:
        return folded_name(name)
    return fold(bare_name(name)) if model.__screen__ in ("province", "district", "commune") else fold(name)


def bare(model: type[Base], name: str) -> str:
    """A name as likeness sees it: of a producer without its kind too, which lists write in many ways or leave out."""
    return name_without_kind(name) if model is Entity else fold_name(model, name)


@cache
def code_of(model: type[Base]) -> str:
    """The code that tells rows apart which a name and a place tell apart too; "" where there is none."""
    alone = next((key[0] for key in model.__keys__ if len(key) == 1), "")
    return alone if any(len(key) > 1 and model.__title__ in key for key in model.__keys__) else ""


def alike(model: type[Base], name: str, other: str) -> bool:
    """Whether two names may well be those of one row: the kind left aside, one perhaps shorter."""
    from rapidfuzz import fuzz

    return fuzz.token_set_ratio(bare(model, name), bare(model, other)) >= NEARLY


def telling_links(model: type[Base]) -> list[str]:
    """Links by which rows of one name are told apart."""
    mapper: Mapper[Any] = inspect(model)
    keys = {name for key in model.__keys__ for name in key}
    dated = "valid_from" in mapper.column_attrs
    return [
        relation.key
        for relation in mapper.relationships
        if not relation.uselist and (relation.key in keys or (dated and relation.key in ("district", "province")))
    ]


def naming_paths(model: type[Base], *, depth: int = 2) -> list[str]:
    """Columns by which a file can name a row: its own keys and title, then those of the links in its keys.

    A place is named by what it lies in, however far it is itself, and that by its own code and name alone.
    """
    mapper: Mapper[Any] = inspect(model)
    own = [name for name in (*key_columns(model), model.__title__) if name in mapper.column_attrs]
    paths = list(dict.fromkeys(own))
    is_place = "valid_from" in mapper.column_attrs
    if depth > 0 or (is_place and depth == 0):
        below = -1 if is_place else depth - 1
        for relation in telling_links(model):
            paths += [f"{relation}.{path}" for path in naming_paths(linked_model(model, relation), depth=below)]
    return paths


def uses_of(model: type[Base]) -> tuple[str, ...]:
    """What a file of this model may fill: own columns that people fill, then what names its links, nearest first."""
    mapper: Mapper[Any] = inspect(model)
    paths = []
    for name, info in fields(model).items():
        if info.managed or info.secret:
            continue
        if name in mapper.relationships:
            if not mapper.relationships[name].uselist:
                paths += [f"{name}.{path}" for path in naming_paths(linked_model(model, name))]
        elif not mapper.column_attrs[name].columns[0].foreign_keys:
            paths.append(name)
    return tuple(sorted(paths, key=lambda path: path.count(".")))


def references(values: Mapping[str, Any], paths: Collection[str]) -> Reference:
    """What the cells of one row say of a linked row. paths: of the columns that say something of it."""
    return tuple(
        (path.partition(".")[2], str(getattr(value, "label", value)))
        for path in paths
        if (value := values.get(path)) is not None
    )


def folded(model: type[Base], name: str, value: str) -> str:
    """A text of a key as it is compared. name: of its column."""
    return fold_name(model, value) if name == model.__title__ else fold(value)


def is_respelled_name(model: type[Base], name: str, kept: str) -> bool:
    """Whether a name is the kept one written otherwise; one with other marks is put right."""
    if fold(name) != fold(kept) and fold_name(model, name) == fold_name(model, kept):
        name, kept = unshortened(name).lower(), unshortened(kept).lower()
    return is_respelled(name, kept)


def name_missing(values: Iterable[Any]) -> bool:
    return any(value is None or value == "" for value in values)


@cache
def commune_relation(model: type[Base]) -> str | None:
    """The link that says in which commune a row lies, where a row says it itself."""
    relation = places_relation(model)
    return relation if relation and linked_model(model, relation) is Commune else None


def described(
    registers: Registers, model: type[Base], candidate: Candidate, notes: Mapping[int, str] = MappingProxyType({})
) -> str:
    """A row with what tells it apart: its code, what it is linked to by its keys, of a place what it lies in.

    notes: {id: what else is said of it}.
    """
    found = [candidate.label]
    if code := candidate.values.get("code") or candidate.values.get("tax_code"):
        found.insert(0, str(code))
    for relation in sorted(telling_links(model), key="province".__eq__):
        row_id = candidate.values.get(f"{relation}_id")
        if row_id and (linked := registers.of(linked_model(model, relation)).rows.get(row_id)):
            found.append(linked.label)
    if has_ended(candidate, registers.as_of):
        found.append(f"đến {day(candidate.values['valid_to'])}")
    elif notes and (begun := candidate.values.get("valid_from")):
        found.append(f"từ {day(begun)}")
    if note := notes.get(candidate.id):
        found.append(note)
    return ", ".join(found)


def has_ended(candidate: Candidate, as_of: date) -> bool:
    """Whether it is a unit that ended before a day."""
    last: date | None = candidate.values.get("valid_to")
    return last is not None and last < as_of
