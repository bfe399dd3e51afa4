"""Rows of any model with a key → what they do: found by the keys of the model, linked by the names in their cells.

A column that the file lacks, and an empty cell, leave what is there. What a cell leaves open for a new row the
model's guesses fill: `__guesses__`.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property
from typing import Any, NamedTuple

from sqlalchemy import Date, Enum, inspect, select
from sqlalchemy.orm import Mapper

from app.current import actor, today
from app.errors import OcopError
from app.progress import Part, step
from app.services import cycle, rating
from app.services.importing.codes import Codes, below
from app.services.importing.likeness import Likely, likely
from app.services.importing.links import (
    FEW,
    SUGGESTED,
    Candidate,
    Found,
    Reference,
    Registers,
    Unfound,
    alike,
    code_of,
    commune_relation,
    described,
    fold_name,
    folded,
    has_ended,
    is_respelled_name,
    name_missing,
    naming_paths,
    references,
)
from app.services.importing.reading import (
    AS_OF,
    CREATE,
    EMPTY,
    SKIP,
    CellRefused,
    Columns,
    Lines,
    Options,
    Problem,
    ReadRow,
    column_type,
    linked_model,
    row_label,
    typed,
)
from app.services.importing.repeats import Repeats
from app.services.importing.writing import Change, Changes, parts
from app.services.place_names import place_lines, read_onward
from app.session import OcopSession, plain
from models.base import Base, LabelledEnum, Placed, fields, label_of
from models.commune import Commune
from models.import_batch import RowAction
from models.participation import Participation
from models.rating import Rating
from models.rules.places import successors
from models.rules.text import fold
from models.rules.words import day, number, words

# What a service settles of a row before it is written.
SETTLE: dict[type[Base], Callable[[OcopSession, Any], None]] = {
    Rating: rating.settle,
    Participation: cycle.settle_entry,
}


# What a service finds wrong with a row by itself: (attribute, refusal).
FLAWS: dict[type[Base], Callable[[Any], Iterable[tuple[str, OcopError]]]] = {Rating: rating.flaws}


def _no_flaws(_row: Any) -> Iterable[tuple[str, OcopError]]:
    return ()


class Place(NamedTuple):
    """Where a row lies, as far as it is known. said: what cells say of it. is_chosen: a clerk said what they mean."""

    row: Candidate | None = None
    said: Reference = ()
    is_chosen: bool = False


NOWHERE = Place()


Linked = dict[str, Candidate | Change | None]
Asked = tuple[Unfound, str]
"""A question, and what to do about it as a sentence."""


@dataclass
class RecordList:
    """A list of records against the rows that are there, judged part by part.

    choices: {relation: {folded value: id, "skip" or "create"}} settled by a clerk or remembered of a sender.
    clears: whether an empty cell empties what is there. rows, changes: of the part judged last.
    places: communes of the part in words. lines: all of the list, to be read anew.
    unfound, created: of all parts. codes_left: {relation: lines with a code that its row lacks}.
    remarks: lines with something only where no column is used.
    """

    columns: Columns
    registers: Registers
    choices: Mapping[str, Mapping[str, Any]]
    clears: bool
    lines: Lines
    changes: list[Change | None] = field(default_factory=list)
    unfound: dict[tuple[str, str], Unfound] = field(default_factory=dict)
    created: dict[tuple[str, str], Change] = field(default_factory=dict)
    places: dict[int, str] = field(default_factory=dict)
    codes_left: dict[str, list[int]] = field(default_factory=dict)
    remarks: list[int] = field(default_factory=list)
    rows: Sequence[ReadRow] = ()

    @cached_property
    def codes(self) -> Codes:
        models = {"": self.model, **{name: linked_model(self.model, name) for name in self._relations}}
        return Codes(self.columns, models, self.lines, self._place_said)

    def _place_said(self, row: ReadRow, relation: str) -> int | str | None:
        """Where a line says that a row lies: its id, the words where they are asked about, or the clerk's own."""
        if (place := commune_relation(self.model)) is None:
            return None
        own = self._own_place(references(row.values, self._relations.get(relation, ())), relation)
        said = own or references(row.values, self._relations.get(place, ()))
        if not said:
            return _only_commune()
        there = self._there(place, said)
        return there.row.id if there.row else fold(" ".join(text for _, text in said))

    def _own_place(self, said: Reference, relation: str) -> Reference:
        """What cells say of where a linked row lies. said: of that row."""
        start = f"{self._places_below.get(relation)}."
        return tuple((path.partition(".")[2], text) for path, text in said if path.startswith(start))

    # ---- judged --------------------------------------------------------------------------------------------

    def judge(self, rows: Sequence[ReadRow]) -> "RecordList":
        session = self.registers.session
        self.registers.let_go()
        self.changes = []
        for row in rows:
            if not row.problems and all(value is None for value in row.values.values()):
                row.skipped = True
                self.remarks.append(row.line)
            self.codes.lend(row)
            self.codes.refuse(row)
        for path in self.columns.by_path:
            self.registers.learn(self.model, path, {str(v) for row in rows if (v := row.values.get(path)) is not None})
        self.rows = rows
        linked = []
        for count, row in enumerate(rows):
            step(Part.JUDGING, count, len(rows))
            self._fill_days(row)
            linked.append(self._linked(row))
        self._learn_places(linked)
        self._learn_own(rows, linked)
        found = [
            self._existing(row, links) if links is not None else None for row, links in zip(rows, linked, strict=True)
        ]
        before = _read_rows(session, self.model, [row.id for row in found if row])
        for row, links, existing in zip(rows, linked, found, strict=True):
            self.changes.append(self._change(row, links, before.get(existing.id) if existing else None))
        self.repeats.take_once(rows, self.changes)
        return self

    def _fill_days(self, row: ReadRow) -> None:
        """Days of the key that no column has are those of the whole file; asked once until they are said."""
        for name, (said, why) in self._days_of_all.items():
            row.values[name] = said
            if said is None and not row.skipped:
                asked = Unfound(
                    name,
                    label_of(self.model, name),
                    "",
                    "",
                    why,
                    [],
                    False,
                    skippable=False,
                    findable=False,
                    typed=True,
                )
                self.unfound.setdefault((name, ""), asked).lines.append(row.line)
                row.problems.append(Problem(asked.label, f"{why} Ghi một ngày cho mọi dòng, hoặc thêm cột."))

    @cached_property
    def _days_of_all(self) -> dict[str, tuple[date | None, str]]:
        """{day of the key that no column has: (what a clerk said it is in all rows, why it is asked)}."""
        found: dict[str, tuple[date | None, str]] = {}
        for name in _days_asked(self.model):
            if name in self.columns.by_path:
                continue
            try:
                found[name] = typed(self.model, name, self.choices.get(name, {}).get("")), ""
            except CellRefused as refusal:
                found[name] = None, str(refusal)
            if found[name] == (None, ""):
                found[name] = None, f"Tệp không có cột “{label_of(self.model, name)}”."
        return found

    @cached_property
    def _lists_of_all(self) -> dict[str, LabelledEnum | None]:
        """{closed list that a new row needs and no column has: what a clerk said it is where nothing else tells}."""
        found: dict[str, LabelledEnum | None] = {}
        for name in _required(self.model):
            if isinstance(column_type(self.model, name), Enum) and name not in self.columns.by_path:
                said = self.choices.get(name, {}).get("")
                found[name] = next((each for each in _members(self.model, name) if each.value == said), None)
        return found

    def _learn_places(self, linked: Sequence[Linked | None]) -> None:
        """Know the communes of the lines as they are at another time, and in words."""
        place = commune_relation(self.model)
        links = (each.get(place or "") for each in linked if each)
        ids = {link.id for link in links if isinstance(link, Candidate)}
        self.registers.learn_lives(ids)
        self.places = place_lines(self.registers.session, ids, today())

    def _named(self, relation: str, meant: Candidate) -> str:
        if relation == commune_relation(self.model):
            return self.places.get(meant.id, meant.label)
        return meant.label

    def _learn_own(self, rows: Sequence[ReadRow], linked: Sequence[Linked | None]) -> None:
        """Load the rows that the keys of the lines may mean: by a link they share, else by a column."""
        register, session = self.registers.of(self.model), self.registers.session
        for key in self.model.__keys__:
            link = next((name for name in key if name in inspect(self.model).relationships), None)
            if link is None:
                for name in (n for n in key if n in self.columns.by_path and n in register.by_column):
                    values = {row.values[name] for row in rows if row.values.get(name) is not None}
                    register.load_by(session, name, values | set(_as_stored_all(self.model, name, values)))
            else:
                meant = (links.get(link) for links in linked if links)
                ids = {each.id for each in meant if isinstance(each, Candidate)}
                if link == commune_relation(self.model):
                    register.load_named(session, {n for r in rows if (n := r.values.get(self.model.__title__))})
                    register.load_by(session, "moved_from_id", ids)
                    ids |= {other for row_id in ids for other in self.registers.lives(row_id)}
                register.load_by(session, f"{link}_id", ids)

    @cached_property
    def repeats(self) -> Repeats:
        return Repeats(self.columns, clears=self.clears, again=lambda line: self.codes.lend(self.lines.again(line)))

    @property
    def model(self) -> type[Base]:
        return self.columns.model

    @cached_property
    def _relations(self) -> dict[str, list[str]]:
        """{relation: columns that say something of it}; the place first, it tells producers of one name apart."""
        paths = self.columns.by_path
        names = sorted((*_links_in(self.columns), *_links_not_in(self.columns)), key=self._is_no_place)
        return {name: [path for path in paths if path.startswith(f"{name}.")] for name in names}

    @cached_property
    def _places_below(self) -> dict[str, str]:
        """{relation: its own place}, where a column says something of that."""
        below = {name: commune_relation(linked_model(self.model, name)) for name in self._relations}
        return {
            name: place
            for name, place in below.items()
            if place and any(path.startswith(f"{name}.{place}.") for path in self.columns.by_path)
        }

    def _is_no_place(self, relation: str) -> bool:
        return relation != commune_relation(self.model)

    def _linked(self, row: ReadRow) -> Linked | None:
        """What each link of the row means, without those that are asked about; None when the row is left out."""
        meant: Linked = {}
        asked: list[tuple[Unfound, str]] = []
        if row.skipped:
            return None
        place = commune_relation(self.model)
        at = NOWHERE
        for relation, paths in self._relations.items():
            said = references(row.values, paths)
            if relation == place:
                at = Place(said=said)
            if not said and paths:
                meant[relation] = None
                continue
            there, asked_there = self._place_of(row, relation, said, at) if relation in self._places_below else (at, ())
            answer = self._meant(row, relation, said, there, asked_there)
            if row.skipped:
                return None
            if isinstance(answer, list):
                asked += answer
                continue
            meant[relation] = answer
            if relation == place and isinstance(answer, Candidate):
                at = Place(answer, said)
        for each, cure in asked:
            self.unfound.setdefault((each.relation, each.key), each).lines.append(row.line)
            row.problems.append(Problem(each.label, f"{each.why} {cure}"))
        return meant

    def _place_of(self, row: ReadRow, relation: str, said: Reference, at: Place) -> tuple[Place, Sequence[Asked]]:
        """Where a linked row lies: as its own cells say, else where the row of the file does; what is asked of that.

        The answer is to what is asked of the rows' own place, whatever column says it.
        """
        place, own = commune_relation(self.model), self._own_place(said, relation)
        if not own or place is None:
            return at, []
        there = self._there(place, own)
        if there.row:
            return there, []
        found = self.registers.find(Commune, own)
        if found.days:
            self._ask_day(row, found)
        start = f"{relation}.{self._places_below[relation]}."
        column = self.columns.name(next(path for path in self.columns.by_path if path.startswith(start)))
        return there, [self._asked(place, column, Commune, own, NOWHERE, found)]

    def _there(self, place: str, said: Reference) -> Place:
        """The commune that cells mean, as far as that is known. place: the rows' own link to it."""
        if unit := self.registers.find(Commune, said).row:
            return Place(unit, said)
        chosen = self._chosen(place, said, NOWHERE)
        unit = self._row(Commune, chosen) if isinstance(chosen, int) else None
        return Place(unit, said, is_chosen=unit is not None)

    def _meant(
        self, row: ReadRow, relation: str, said: Reference, at: Place, asked_there: Sequence[Asked]
    ) -> Candidate | Change | list[Asked] | None:
        """The row that cells mean or that is made of them; else what is asked.

        None where it is to be empty, or the line is left out. An answer is to what cells leave open, not against them.
        """
        model, place = linked_model(self.model, relation), at.row.id if at.row else None
        value, chosen = _value(model, said), self._chosen(relation, said, at)
        several = self.codes.several(row, relation)
        found = self.registers.find(model, _placed(model, said, at), commune_id=place) if said else Found()
        if found.row and not several:
            self._note_code(row, relation, said, found.row)
            return found.row
        if chosen == EMPTY and self._is_optional(relation):
            return None
        if SKIP in (chosen, self._chosen(commune_relation(self.model), at.said, NOWHERE) if asked_there else None):
            row.skipped = True
            return None
        if chosen == CREATE and (made := self.created.get(self._made_key(relation, value, row, place))):
            return made
        if isinstance(chosen, int) and (answered := self._row(model, chosen)):
            return answered
        if several:
            found = Found(why=several, suggestions=[found.row] if found.row else found.suggestions)
        if chosen == CREATE and asked_there:
            return list(asked_there)
        if (
            chosen == CREATE
            and not several
            and not found.is_taken
            and (made := self._made(relation, model, value, row, place))
        ):
            return made
        column = self._column_of(relation)
        if not said:
            found = Found(why=f"Tệp không có cột “{column}”.")
        if not found.suggestions:
            found = replace(found, suggestions=self._few(model))
        if found.days:
            self._ask_day(row, found)
        lacking = _lacking(model, self._values_made(relation, model, value, row, place)) if said else []
        if several:
            lacking.append(code_of(model))
        if at.said:  # what is asked of the place settles it
            lacking = [name for name in lacking if name != f"{commune_relation(model)}_id"]
        return [self._asked(relation, column, model, said, at, found, lacking), *asked_there]

    def _note_code(self, row: ReadRow, relation: str, said: Reference, meant: Candidate) -> None:
        """Keep in mind a code that a list gives to a linked row that has none; it writes nothing over there."""
        code = code_of(linked_model(self.model, relation))
        if code in dict(said) and meant.values.get(code) is None:
            self.codes_left.setdefault(relation, []).append(row.line)

    def _row(self, model: type[Base], row_id: int) -> Candidate | None:
        self.registers.of(model).load_by(self.registers.session, "id", [row_id])
        return self.registers.of(model).rows.get(row_id)

    def _asked(
        self,
        relation: str,
        column: str,
        model: type[Base],
        said: Reference,
        at: Place,
        found: Found,
        lacking: Sequence[str] = (),
    ) -> Asked:
        """The question about a value, once for all its rows, and what to do about it.

        lacking: what is not known of a row that would be made from it.
        """
        creatable = bool(said) and not found.is_taken and _is_creatable(model)
        why = found.why or f"Chưa rõ “{_value(model, said)}”."
        if creatable and lacking:
            names = ", ".join(label_of(model, name).lower() for name in lacking)
            creatable, why = False, f"{why} Không tạo mới từ danh mục này được vì chưa rõ {names}."
        key, shown = _question(model, said, at)
        asked = self.unfound.get((relation, key)) or Unfound(
            relation,
            column,
            key,
            shown,
            why,
            [(each.id, described(self.registers, model, each, found.notes)) for each in found.suggestions],
            creatable,
            self._is_optional(relation),
            suggested=self._successor(said, found.suggestions) if model is Commune else None,
        )
        ways = "Chọn một giá trị đã có, tạo mới" if asked.creatable else "Chọn một giá trị đã có"
        return asked, f"{ways} hoặc bỏ qua các dòng này." if said else "Chọn cho mọi dòng, hoặc thêm cột."

    def _ask_day(self, row: ReadRow, found: Found) -> None:
        """Ask once for which day the list holds: one answer for all its names and codes of places."""
        asked = self.unfound.setdefault(
            (AS_OF, ""),
            Unfound(
                AS_OF,
                "Ngày của danh sách",
                "",
                "",
                f"{found.why} Chọn ngày thì cả tệp đọc theo ngày đó; để trống thì trả lời từng giá trị.",
                [],
                creatable=False,
                skippable=False,
                findable=False,
            ),
        )
        if row.line not in asked.lines[-1:]:
            asked.lines.append(row.line)
        days = {date.fromisoformat(str(each)) for each, _ in asked.suggestions[1:]} | set(found.days)
        today = self.registers.as_of
        asked.suggestions = [
            (today.isoformat(), f"Tính đến {day(today)}"),
            *((each.isoformat(), f"Tính đến {day(each)}") for each in sorted(days, reverse=True)),
        ]

    def _successor(self, said: Reference, suggestions: Sequence[Candidate]) -> int | None:
        """The suggestion that alone took over, wholly, every unit of that name among the suggestions.

        None where a unit in force bears the name too: which of them is meant, only the clerk can say.
        """
        name = fold_name(Commune, _value(Commune, said))
        ended = [row.id for row in suggestions if has_ended(row, self.registers.as_of)]
        former = [row.id for row in suggestions if fold_name(Commune, row.label) == name]
        if not former or not set(former) <= set(ended):
            return None
        _units, onward = read_onward(self.registers.session, former)
        heirs = {successors(onward, row_id).one for row_id in former}
        heir = heirs.pop() if len(heirs) == 1 else None
        return heir if heir in {row.id for row in suggestions if row.id not in ended} else None

    def _chosen(self, relation: str | None, said: Reference, at: Place) -> Any:
        """What a clerk answered of a value, when it was known where it lies or before; nothing yet when None."""
        answers = self.choices.get(relation or "")
        if not answers:
            return None
        model = linked_model(self.model, relation or "")
        answer = answers.get(_question(model, said, at)[0])
        if answer is None and at.row and at.said:
            answer = answers.get(_question(model, said, Place(said=at.said))[0])
        return answer

    def _is_optional(self, relation: str) -> bool:
        return bool(inspect(self.model).column_attrs[f"{relation}_id"].columns[0].nullable)

    def _column_of(self, relation: str) -> str:
        """The column that names a link: the one of its name, else the first that says something of it."""
        named = f"{relation}.{linked_model(self.model, relation).__title__}"
        below = (path for path in self.columns.by_path if path.startswith(f"{relation}."))
        return self.columns.name(named if named in self.columns.by_path else next(below, relation))

    def _few(self, model: type[Base]) -> list[Candidate]:
        """All rows of a short register, when there are so few that a clerk can choose among them."""
        register = self.registers.of(model)
        rows = register.in_force(register.rows.values()) if register.is_complete else []
        return rows if len(rows) <= FEW else []

    def _made(self, relation: str, model: type[Base], value: str, row: ReadRow, place: int | None) -> Change | None:
        """A linked row made from its name, once for all rows that name it in one place.

        None when too little is known of it.
        """
        key = self._made_key(relation, value, row, place)
        if key not in self.created:
            values = self._values_made(relation, model, value, row, place)
            if _lacking(model, values):
                return None
            self.created[key] = Change(model, RowAction.NEW, value, values)
        return self.created[key]

    def _made_key(self, relation: str, value: str, row: ReadRow, near: int | None) -> tuple[str, str]:
        model = linked_model(self.model, relation)
        code = row.values.get(below(relation, code_of(model)))
        return relation, f"{fold_name(model, value)} {near or _only_commune()} {code}"

    def _values_made(
        self, relation: str, model: type[Base], value: str, row: ReadRow, place: int | None
    ) -> dict[str, Any]:
        said = {
            path.partition(".")[2]: text
            for path, text in row.values.items()
            if path.startswith(f"{relation}.") and path.count(".") == 1 and text is not None
        }
        values = {model.__title__: value, **said}
        if lies := commune_relation(model):
            values[f"{lies}_id"] = place or _only_commune()
        return values | _guessed(model, values, {})

    def _existing(self, row: ReadRow, links: Linked) -> Candidate | None:
        """The row of the database that the keys of the line mean."""
        register = self.registers.of(self.model)
        for key in self.model.__keys__:
            wanted: dict[str, Any] = {}
            for name in key:
                meant = links.get(name)
                wanted[name] = meant.id if isinstance(meant, Candidate) else row.values.get(name)
            if name_missing(wanted.values()):
                continue
            found = _matching(register, self.model, wanted) or self._at_another_time(wanted)
            if found and (doubt := self._doubt(row, links, key, found)):
                return self._settled(row, links, found, doubt, creatable=key != (code_of(self.model),))
            if len(found) == 1:
                return found[0]
            if found:
                column = self.columns.name(next((n for n in key if n in self.columns.by_path), self.model.__title__))
                code, label = code_of(self.model), self.model.__label__.lower()
                cure = f"Ghi {label_of(self.model, code).lower()}" if code else "Sửa tên cho khác nhau"
                row.problems.append(Problem(column, f"Có {len(found)} {label} cùng tên này. {cure}."))
                return None
        return None

    def _doubt(self, row: ReadRow, links: Linked, key: Sequence[str], found: Sequence[Candidate]) -> str:
        """What a line says against the rows that one of its keys finds, as a sentence; "" where it says nothing."""
        code = code_of(self.model)
        if not code or (said := row.values.get(code)) is None:
            return ""
        label, line = label_of(self.model, code), ", ".join(self._names_said(row, links))
        if key == (code,):
            name, place, there = row.values.get(self.model.__title__), self._place_in(links), found[0]
            if (not name or alike(self.model, name, there.label)) and not (
                place and self._lies_elsewhere(there, place)
            ):
                return ""
            owner = described(self.registers, self.model, replace(there, values={**there.values, code: None}))
            return f"{label} {said} đang là của “{owner}”; dòng này ghi “{line}”."
        codes = [each.values[code] for each in found]
        if any(each in (None, said) for each in codes):
            return ""
        return f"“{line}” đang có {label.lower()} {', '.join(codes)}; dòng này ghi {said}."

    def _names_said(self, row: ReadRow, links: Linked) -> list[str]:
        name, place = row.values.get(self.model.__title__), self._place_in(links)
        return [each for each in (name, place and place.label) if each]

    def _place_in(self, links: Linked) -> Candidate | None:
        place = links.get(commune_relation(self.model) or "")
        return place if isinstance(place, Candidate) else None

    def _lies_elsewhere(self, there: Candidate, place: Candidate) -> bool:
        """Whether a row lies in another commune than the line says; where its own has ended nobody can tell."""
        communes = self.registers.of(Commune)
        own = communes.rows.get(there.values["commune_id"])
        is_same = there.values["commune_id"] == place.id or self._is_same_place(there.values, place.id)
        return not is_same and own is not None and bool(communes.in_force([own]))

    def _settled(
        self, row: ReadRow, links: Linked, found: Sequence[Candidate], doubt: str, *, creatable: bool
    ) -> Candidate | None:
        """The row that a clerk said is meant; None where the line makes a new one or is left out. Else it is asked."""
        code, place = code_of(self.model), self._place_in(links)
        value = ", ".join([row.values[code], *self._names_said(row, links)])
        key = fold(f"{value} {place.values['code'] if place else ''}")
        answer = self.choices.get(code, {}).get(key)
        if answer == SKIP or (answer == CREATE and creatable):
            row.skipped = answer == SKIP
            return None
        if meant := next((each for each in found if each.id == answer), None):
            return meant
        label, column = self.model.__label__.lower(), self.columns.name(code)
        doubt = f"{doubt} Kiểm tra {label_of(self.model, code).lower()}."
        same = [(each.id, f"Cùng một {label}: {described(self.registers, self.model, each)}") for each in found]
        asked = Unfound(code, column, key, value, doubt, same[:SUGGESTED], creatable, findable=False)
        self.unfound.setdefault((code, key), asked).lines.append(row.line)
        ways = "chọn bản ghi đã có, khác thì tạo mới hoặc" if creatable else "chọn bản ghi đã có, khác thì"
        row.problems.append(Problem(column, f"{doubt} Cùng một {label} thì {ways} bỏ qua dòng này."))
        return found[0]

    def _at_another_time(self, wanted: Mapping[str, Any]) -> list[Candidate]:
        """Rows of that name in the commune that the line's became, or that became it; and those moved from it."""
        place = commune_relation(self.model) or ""
        others = {name: value for name, value in wanted.items() if name != place}
        if place not in wanted or not others:
            return []
        return [
            row
            for row in _matching(self.registers.of(self.model), self.model, others)
            if self._is_same_place(row.values, wanted[place])
        ]

    def _is_same_place(self, stored: Mapping[str, Any], commune_id: int) -> bool:
        """Whether a row lies in a commune as it is called at another time."""
        return stored["commune_id"] in self.registers.lives(commune_id) or stored["moved_from_id"] == commune_id

    def _change(self, row: ReadRow, links: Linked | None, before: dict[str, Any] | None) -> Change | None:
        if row.skipped:
            row.problems.clear()
            return Change(self.model, RowAction.SKIPPED, row_label(self.model, row))
        if links is None:
            return None
        own = (name for name in (*self.columns.by_path, *self._days_of_all) if "." not in name)
        values = {name: row.values[name] for name in own}
        made: dict[str, Change | None] = {}
        shown_links: dict[str, str] = {}
        for relation, meant in links.items():
            if isinstance(meant, Change):
                made[f"{relation}_id"] = meant
            elif meant is not None:
                values[f"{relation}_id"] = meant.id
                shown_links[f"{relation}_id"] = self._named(relation, meant)
            elif self.clears:
                values[f"{relation}_id"] = None
        if before is None:
            values = self._completed(values, links, made)
            self._say_missing(row, links, {*values, *made})
            self._say_flaws(row, values)
            return None if row.problems else self._new(row, values, links, made)
        place = f"{commune_relation(self.model)}_id"
        if place in values and self._is_same_place(before["values"], values[place]):
            del values[place]  # a list of another day moves nothing
        values = {
            name: value if value is not None else _emptied(self.model, name)
            for name, value in values.items()
            if value is not None or (self.clears and self.columns.has_own(name) and _may_be_empty(self.model, name))
        }
        changed = _differing(values, before["as_json"])
        if changed:
            changed = _differing(_as_stored(self.model, changed), before["as_json"])
        title = self.model.__title__
        if title in changed and is_respelled_name(self.model, str(changed[title]), str(before["values"][title])):
            del changed[title]
        if changed or row.problems:
            self._say_flaws(row, before["values"] | changed)
        if row.problems:
            return None
        shown = {
            name.removesuffix("_id"): (
                before["links"].get(name, "") if name in before["links"] else words(before["values"][name]),
                shown_links.get(name, words(value)),
            )
            for name, value in changed.items()
        }
        return Change(
            self.model,
            RowAction.CHANGED if changed else RowAction.SAME,
            row_label(self.model, row),
            changed,
            existing=before["as_json"]["id"],
            is_settled=bool(changed) and self.model in SETTLE,
            shown=shown,
            before=before["as_json"],
        )

    def _completed(self, values: Mapping[str, Any], links: Linked, made: Mapping[str, Change | None]) -> dict[str, Any]:
        """The values of a new row, with what its guesses and the place of the clerk add."""
        values, place = _filled(values), commune_relation(self.model)
        values |= {n: v for n, v in _guessed(self.model, values, links).items() if n not in made}
        if place and f"{place}_id" not in {*values, *made} and (own := _only_commune()):
            values[f"{place}_id"] = own
        return _filled(self._lists_of_all) | values

    def _say_missing(self, row: ReadRow, links: Linked, given: Collection[str]) -> None:
        """What a new row lacks, but for what is asked about or stands in a cell that cannot be read."""
        missing = [name for name in _required(self.model) if name not in given]
        if not missing:
            return
        said = {problem.column for problem in row.problems}
        asked = {relation for relation in self._relations if relation not in links}
        for name in missing:
            guess = self.model.__guesses__.get(name)
            source = guess.partition(".")[0] if isinstance(guess, str) else name.removesuffix("_id")
            if (
                source in asked
                or self.columns.name(name) in said
                or (source in self._relations and self._column_of(source) in said)
                or (isinstance(guess, str) and f"{source}_id" in missing)
            ):
                continue
            label = label_of(self.model, name)
            if name in self._lists_of_all:
                self._ask_list(row, name, label)
                continue
            has_column = name in self.columns.by_path or name.removesuffix("_id") in self._relations
            cure = "Ghi vào ô này" if has_column else "Tệp không có cột này: thêm cột rồi ghi vào"
            row.problems.append(Problem(label, f"Thiếu {label.lower()}. {cure} để thêm bản ghi mới."))

    def _ask_list(self, row: ReadRow, name: str, label: str) -> None:
        why = f"Tệp không có cột “{label}”."
        members = [(each.value, each.label) for each in _members(self.model, name)]
        asked = Unfound(name, label, "", "", why, members, False, skippable=False, findable=False)
        self.unfound.setdefault((name, ""), asked).lines.append(row.line)
        row.problems.append(Problem(label, f"{why} Chọn cho các dòng này, hoặc thêm cột."))

    def _say_flaws(self, row: ReadRow, values: Mapping[str, Any]) -> None:
        """What is wrong with the row by itself; of a row that is taken the flush says it."""
        if row.problems or self.model in FLAWS:
            probe = self.model(**values)
            flaws = [*probe.faults(), *((name, str(flaw)) for name, flaw in FLAWS.get(self.model, _no_flaws)(probe))]
            row.problems += [Problem(self.columns.name(name), sentence) for name, sentence in flaws]

    def _new(self, row: ReadRow, values: dict[str, Any], links: Linked, made: dict[str, Change | None]) -> Change:
        return Change(
            self.model,
            RowAction.NEW,
            row_label(self.model, row),
            values,
            made,
            meant=self._meant_otherwise(row, links),
            is_settled=self.model in SETTLE,
        )

    def _meant_otherwise(self, row: ReadRow, links: Linked) -> dict[str, str]:
        """Names of linked rows that the file writes otherwise."""
        found = {}
        for relation, link in links.items():
            path = f"{relation}.{linked_model(self.model, relation).__title__}"
            name = link.label if link else ""
            if row.values.get(path) not in (None, name):
                found[path] = name
        return found

    # ---- what the import asks for ----------------------------------------------------------------------------

    @property
    def refused_since(self) -> dict[int, Problem]:
        return self.repeats.refused_since

    @property
    def covers(self) -> Sequence[str]:
        """Lists of records are complete for no province."""
        return ()

    @property
    def likely(self) -> list[Likely]:
        return likely(self.registers, self.columns, self.rows, self.changes)

    def all_changes(self) -> Changes:
        settle = SETTLE.get(self.model)
        rows = [change for change in self.changes if change and change.action is not RowAction.SKIPPED]
        return Changes([list(self.created.values())], rows, settle=settle)

    def notes(self, session: OcopSession) -> list[str]:
        """What lines say and is not written: codes of linked rows; all of lines that repeat one before them."""
        remarks = [f"{number(len(self.remarks))} dòng chỉ có chữ ở cột không dùng nên bỏ qua: {_lines(self.remarks)}."]
        return [*self._codes_left(), *(remarks if self.remarks else ()), *self.repeats.notes()]

    def _codes_left(self) -> list[str]:
        sentences = []
        for relation, lines in self.codes_left.items():
            model = linked_model(self.model, relation)
            code, noun = label_of(model, code_of(model)).lower(), model.__label__.lower()
            sentences.append(
                f"{number(len(lines))} dòng ghi {code} của {noun} mà sổ chưa có: {_lines(lines)}. "
                f"Nhập tệp này bằng loại {model.__plural__} để ghi {code} vào sổ."
            )
        return sentences

    def also(self, wanted: Collection[Change]) -> tuple[dict[str, dict[str, int]], list[str]]:
        made = [change for change in self.created.values() if change in wanted]
        by_model = Counter(change.model for change in made)
        counts = {str(model.__screen__): {"new": count, "changed": 0, "same": 0} for model, count in by_model.items()}
        sentences = [
            f"Cùng tạo {len(each)} {model.__label__.lower()}: {', '.join(map(_with_guesses, each[:10]))}"
            f"{', …' if len(each) > 10 else '.'}"
            for model in by_model
            if (each := [change for change in made if change.model is model])
        ]
        return counts, sentences


def begin(
    session: OcopSession, columns: Columns, *, as_of: date, options: Options, lines: Lines
) -> Callable[[Sequence[ReadRow]], RecordList]:
    """What judges the rows of a list of records; what a row is refused for becomes a problem of it."""
    registers = Registers(session, as_of, asks_day=options.asks_day and not options.links.get(AS_OF))
    registers.only_those_there(columns.model)
    return RecordList(columns, registers, options.links, options.clears, lines).judge


def needs_of(model: type[Base]) -> list[tuple[str, ...]]:
    """Sets of columns by which a row can be known, one of which a file must have.

    A link is named by its title or by a column of its keys; the place of a row may be the clerk's own, and what else
    a key links to, as the days in it, is asked once where no column says it.
    """
    mapper: Mapper[Any] = inspect(model)
    needs: list[tuple[str, ...]] = []
    for key in model.__keys__:
        ways = [
            [f"{name}.{path}" for path in reversed(naming_paths(linked_model(model, name), depth=-1))]
            if name in mapper.relationships
            else [name]
            for name in key
            if name == key[0] or name not in {*mapper.relationships.keys(), *_days_asked(model)}
        ]
        needs += itertools.product(*ways)
    return needs


# ---- the database ---------------------------------------------------------------------------------------------


def _read_rows(session: OcopSession, model: type[Base], ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """{id: {"values": columns, "as_json": the same as JSON, "links": {foreign key: name of the linked row}}}."""
    mapper: Mapper[Any] = inspect(model)
    names = [prop.key for prop in mapper.column_attrs]
    links = {
        next(iter(relation.local_columns)).key: relation.mapper.class_
        for relation in mapper.relationships
        if not relation.uselist
    }
    found: dict[int, dict[str, Any]] = {}
    for part in parts(sorted(set(ids))):
        for each in session.execute(select(*(getattr(model, name) for name in names)).where(model.id.in_(part))):
            values = dict(zip(names, each, strict=True))
            found[values["id"]] = {
                "values": values,
                "as_json": {name: plain(value) for name, value in values.items()},
                "links": {},
            }
    for attribute, target in links.items():
        if attribute is None or "name" not in inspect(target).column_attrs:
            continue
        wanted = {row["values"][attribute] for row in found.values() if row["values"].get(attribute)}
        named: dict[int, str] = place_lines(session, wanted, today()) if target is Commune else {}
        for part in parts(sorted(wanted - named.keys())):
            for row_id, name in session.execute(select(target.id, target.name).where(target.id.in_(part))):
                named[row_id] = name
        for row in found.values():
            row["links"][attribute] = named.get(row["values"].get(attribute), "")
    return found


def _matching(register: Any, model: type[Base], wanted: Mapping[str, Any]) -> list[Candidate]:
    """Rows with these keys; text is compared folded, the exact spelling first."""
    mapper: Mapper[Any] = inspect(model)
    texts = {name: value for name, value in wanted.items() if isinstance(value, str) and name in mapper.column_attrs}
    if texts:
        name, value = next(iter(texts.items()))
        pool = (
            register.by_column[name].get(fold(value), [])
            if name in register.by_column
            else register.by_title.get(fold_name(model, value), [])
        )
    else:
        pool = register.linked(wanted)
    found = [
        row
        for row in pool
        if all(
            folded(model, name, str(row.values.get(name))) == folded(model, name, str(value))
            if name in texts
            else row.values.get(f"{name}_id" if name in mapper.relationships else name) == value
            for name, value in wanted.items()
        )
    ]
    exact = [row for row in found if all(str(row.values.get(n)) == v for n, v in texts.items())]
    return exact if len(exact) == 1 else found


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _links_in(columns: Columns) -> list[str]:
    """Relations that columns of the file say something of."""
    return list(dict.fromkeys(path.partition(".")[0] for path in columns.by_path if "." in path))


def _value(model: type[Base], said: Reference) -> str:
    """What cells say of a linked row, as a question shows it."""
    return dict(said).get(model.__title__) or ", ".join(text for _, text in said)


def _question(model: type[Base], said: Reference, at: Place) -> tuple[str, str]:
    """The key of what is asked, and how it is shown: all that cells say, and for what lies somewhere the place too."""
    place = commune_relation(model) if at.row or at.said else None
    said = tuple((path, text) for path, text in said if place is None or not path.startswith(f"{place}."))
    texts = list(dict.fromkeys([_value(model, said), *(text for _, text in said)])) if said else []
    if not texts:
        return "", ""
    beside, code = [], []
    if issubclass(model, Placed) and at.row:
        beside, code = [at.row.label], [str(at.row.values.get("code"))]
    elif issubclass(model, Placed):
        beside = list(dict.fromkeys(text for _, text in at.said))
    return "|".join(map(fold, [*texts, *beside, *code])), ", ".join([*texts, *beside])


def _placed(model: type[Base], said: Reference, at: Place) -> Reference:
    """What cells say of a row, with the place that a clerk chose in place of what they say of that."""
    if not at.is_chosen or at.row is None:
        return said
    place = commune_relation(model)
    return (
        *((path, text) for path, text in said if not path.startswith(f"{place}.")),
        (f"{place}.code", str(at.row.values["code"])),
    )


def _links_not_in(columns: Columns) -> list[str]:
    """Links of the only key that no column names, and that are asked for once; the place may be the clerk's own."""
    model = columns.model
    if len(model.__keys__) > 1:
        return []
    named = {*_links_in(columns), commune_relation(model)}
    return [name for name in model.__keys__[0] if name in inspect(model).relationships and name not in named]


@cache
def _days_asked(model: type[Base]) -> list[str]:
    """Days of the only key that may hold for a whole list; the first of a key tells its rows apart."""
    if len(model.__keys__) > 1:
        return []
    columns = inspect(model).column_attrs
    return [name for name in model.__keys__[0][1:] if name in columns and isinstance(column_type(model, name), Date)]


@cache
def _required(model: type[Base]) -> list[str]:
    """Columns without which a row cannot be stored and which neither the database nor a service fills."""
    mapper: Mapper[Any] = inspect(model)
    labelled = fields(model)
    needed = []
    for prop in mapper.column_attrs:
        column = prop.columns[0]
        info = labelled.get(prop.key)
        if column.nullable or column.default is not None or column.primary_key or info is None or info.managed:
            continue
        needed.append(prop.key)
    return needed


def _members(model: type[Base], name: str) -> list[LabelledEnum]:
    """The values of a closed list."""
    return list(column_type(model, name).enum_class)


def _guessed(model: type[Base], values: Mapping[str, Any], links: Linked) -> dict[str, Any]:
    """What the model's guesses add: from the row's own values, or copied from a linked row."""
    found: dict[str, Any] = {}
    for name, guess in model.__guesses__.items():
        if values.get(name) is not None:
            continue
        if isinstance(guess, str):
            relation, _, attribute = guess.partition(".")
            meant = links.get(relation)
            source = meant.values if meant is not None else {}
            value = source.get(attribute)
        else:
            value = guess(values)
        if value is not None:
            found[name] = value
    return found


def _lines(lines: Sequence[int]) -> str:
    return f"dòng {', '.join(map(str, lines[:FEW]))}{', …' if len(lines) > FEW else ''}"


def _with_guesses(change: Change) -> str:
    """A row made from its name, with what is guessed of it."""
    guessed = [words(value) for name in change.model.__guesses__ if (value := change.values.get(name)) is not None]
    return f"{change.label} ({', '.join(guessed)})" if guessed else change.label


def _only_commune() -> int | None:
    """The commune of a clerk who has one and no more; new rows lie there unless the file says otherwise."""
    area = actor().area
    return next(iter(area.communes)) if len(area.communes) == 1 and not area.provinces else None


def _differing(values: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if plain(value) != stored.get(name)}


def _as_stored(model: type[Base], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the model keeps them, so that “ABC ” over “ABC” is no change."""
    probe = model(**values)
    return {name: getattr(probe, name) for name in values}


def _as_stored_all(model: type[Base], name: str, values: Iterable[Any]) -> Iterator[Any]:
    return (_as_stored(model, {name: value})[name] for value in values)


def _may_be_empty(model: type[Base], name: str) -> bool:
    column = inspect(model).column_attrs[name].columns[0]
    return bool(column.nullable) or (column.default is not None and column.default.is_scalar and not column.default.arg)


def _emptied(model: type[Base], name: str) -> Any:
    column = inspect(model).column_attrs[name].columns[0]
    return None if column.nullable else column.default.arg


def _lacking(model: type[Base], values: Mapping[str, Any]) -> list[str]:
    return [name for name in _required(model) if values.get(name) is None]


def _is_creatable(model: type[Base]) -> bool:
    """Whether a row can be made from a name: nothing else is required but its place and what can be guessed."""
    place = commune_relation(model)
    known = {model.__title__, *model.__guesses__, f"{place}_id"}
    columns = inspect(model).column_attrs
    return model.__title__ in columns and "valid_from" not in columns and set(_required(model)) <= known
