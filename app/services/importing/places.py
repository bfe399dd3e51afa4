"""Lists of communes or districts as of a day → their changes, and those of the parents made with them.

Units that a list does not name stay as they are. A parent is the same as long as its code is; when a parent
is renamed, its children move to its new life and keep their own; so do open cycles and accounts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, or_, select

from app.current import actor
from app.errors import OcopError
from app.services.importing.links import Unfound
from app.services.importing.reading import Columns, Options, Problem, ReadRow
from app.services.importing.writing import Change, Changes, parts, seeing_everything
from app.session import OcopSession, OutsideArea, plain
from models.base import LabelledEnum
from models.commune import Commune, CommuneKind, CommuneSuccession, SuccessionKind
from models.cycle import Cycle
from models.district import District, DistrictKind
from models.import_batch import RowAction
from models.province import Province, ProvinceKind
from models.rules.places import (
    DAY,
    NO_DISTRICTS_FROM,
    Step,
    code_flaw,
    kind_in_name,
    life_on,
    name_flaw,
    overlap,
    turn,
)
from models.rules.text import fold
from models.user import User

USES = (
    *("code", "name", "kind", "legal_basis"),
    *("district.code", "district.name", "district.kind"),
    *("province.code", "province.name"),
)
DISTRICT_USES = ("code", "name", "kind", "legal_basis", "province.code", "province.name")
# Titles of a list of districts alone, as the Statistics Office writes them; beside communes they mean these.
DISTRICT_TITLES = {"code": ("Mã",), "name": ("Tên",), "kind": ("Cấp",)}
NEEDS = ("code", "name")

Listed = District | Commune
Unit = Province | Listed
PARENTS: Mapping[type[Unit], Mapping[str, type[Unit]]] = {
    Province: {},
    District: {"province": Province},
    Commune: {"province": Province, "district": District},
}
KINDS: Mapping[type[Unit], type[LabelledEnum]] = {
    Province: ProvinceKind,
    District: DistrictKind,
    Commune: CommuneKind,
}
DIGITS: Mapping[type[Unit], int] = {Province: 2, District: 3, Commune: 5}
LAST_OF_DISTRICTS = NO_DISTRICTS_FROM - DAY
NOUNS: Mapping[type[Unit], str] = {Province: "tỉnh", District: "huyện", Commune: "xã"}
ACTIONS = {
    Step.SAME: RowAction.SAME,
    Step.BEGINS: RowAction.NEW,
    Step.ALTERED: RowAction.CHANGED,
    Step.FOLLOWED: RowAction.CHANGED,
}


class DistrictsEnded(OcopError):
    sentence = (
        "Tệp có cột huyện “{column}” nên là danh mục trước 01/07/2025; "
        "ngày {day:%d/%m/%Y} không còn cấp huyện. Cho biết danh mục tại ngày nào."
    )


class DistrictsGone(OcopError):
    sentence = "Ngày {day:%d/%m/%Y} không còn cấp huyện. Cho biết danh mục tại ngày nào trước 01/07/2025."


class ProvinceNeeded(OcopError):
    sentence = "Dòng {line}: tệp không có cột tỉnh và chưa biết huyện này thuộc tỉnh nào. Chọn tỉnh của danh mục."


class ProvinceUnknown(OcopError):
    sentence = "Ngày {day:%d/%m/%Y} chưa có tỉnh mã {code}. Nhập danh mục có cột mã tỉnh và tên tỉnh trước."


class RowRefused(OcopError):
    """One row of the list cannot be taken; path says which column."""

    sentence = "{why}"

    def __init__(self, path: str, why: str) -> None:
        self.path = path
        super().__init__(why=why)


class Parent(NamedTuple):
    id: int
    code: str
    name: str


@dataclass(frozen=True)
class Life:
    """One life of a code as the database has it; before: its columns as JSON."""

    id: int
    code: str
    name: str
    kind: LabelledEnum
    valid_from: date
    valid_to: date | None
    parents: Mapping[str, Parent]
    before: dict[str, Any]


Lives = dict[str, list[Life]]


@dataclass(frozen=True)
class Facts:
    """What the list says of one unit; line: where it said so first. parents: {attribute: code}."""

    name: str
    kind: LabelledEnum
    line: int
    parents: dict[str, str]


def decide(
    session: OcopSession,
    columns: Columns,
    rows: Sequence[ReadRow],
    *,
    as_of: date,
    options: Options,
) -> "UnitList":
    """Judge every row of a list as of a day; what a row is refused for becomes a problem of it.

    Of the options only the province counts: the list makes what it names, and a unit always has all it is known by.
    Raises DistrictsEnded, DistrictsGone, ProvinceNeeded, ProvinceUnknown for the list as a whole.
    """
    own: type[Listed] = District if columns.model is District else Commune
    codes = [code for row in rows if isinstance(code := row.values["code"], str)]
    with seeing_everything():
        lives: dict[type[Unit], Lives] = {model: _lives(session, model) for model in (Province, District)}
        lives[own] = _lives(session, own, codes)
    if as_of >= NO_DISTRICTS_FROM:
        _refuse_districts(columns, rows, as_of)
    province = options.province
    if province and not life_on(lives[Province].get(province, ()), as_of):
        raise ProvinceUnknown(day=as_of, code=province)
    visible = None if actor().area.everything else _ids(session, own, codes)
    judged = UnitList(columns, own, as_of, province, lives, visible)
    judged.changes = [judged.judge(row) for row in rows]
    return judged


def _refuse_districts(columns: Columns, rows: Sequence[ReadRow], as_of: date) -> None:
    if columns.model is District and rows:
        raise DistrictsGone(day=as_of)
    for path in ("district.code", "district.name"):
        if any(row.values.get(path) for row in rows):
            raise DistrictsEnded(column=columns.name(path), day=as_of)


@dataclass
class UnitList:
    """Rows of a list against the lives of their codes on a day.

    own: what the rows are. given: code of the province chosen. visible: ids of such units in the clerk's area, None
    for all.
    units: what the list does to each unit, by code. facts: what it says of each.
    later: lives that begin after the day, and that a unit of this list lasts into.
    settled: what rows said of districts and provinces that needs no second look.
    provinces: code of the province of each row judged.
    completed: how many names came without their kind.
    """

    columns: Columns
    own: type[Listed]
    as_of: date
    given: str | None
    lives: Mapping[type[Unit], Lives]
    visible: Collection[int] | None
    changes: list[Change | None] = field(default_factory=list)
    units: dict[type[Unit], dict[str, Change]] = field(default_factory=lambda: defaultdict(dict))
    facts: dict[type[Unit], dict[str, Facts]] = field(default_factory=lambda: defaultdict(dict))
    later: dict[type[Unit], dict[int, Change]] = field(default_factory=lambda: defaultdict(dict))
    settled: set[tuple[Any, ...]] = field(default_factory=set)
    provinces: dict[Change, str] = field(default_factory=dict)
    completed: int = 0
    unfound: Mapping[tuple[str, str], Unfound] = field(default_factory=dict)
    likely: Sequence[tuple[int, str, str]] = ()

    def judge(self, row: ReadRow) -> Change | None:
        """What one row does; None when it is refused."""
        if row.problems:
            return None
        try:
            code = self._code(row, self.own)
            name, kind = self._name_and_kind(row)
            parents = self._parents(row)
            change = self._turn(self.own, code, Facts(name, kind, row.line, parents))
        except RowRefused as refusal:
            row.problems.append(Problem(self.columns.name(refusal.path), str(refusal)))
            return None
        self.provinces[change] = parents["province"]
        if change.action is not RowAction.SAME and (basis := row.values.get("legal_basis")):
            change.values["legal_basis"] = basis
        return change

    def _prefix(self, model: type[Unit]) -> str:
        """What the columns of a unit begin with in paths."""
        return "" if model is self.own else f"{model.__screen__}."

    def _code(self, row: ReadRow, model: type[Unit]) -> str:
        path = f"{self._prefix(model)}code"
        code: str | None = row.values[path]
        if not code:
            raise RowRefused(path, f"Thiếu mã {NOUNS[model]}. Ghi mã gồm {DIGITS[model]} chữ số.")
        if flaw := code_flaw(code, DIGITS[model]):
            raise RowRefused(path, flaw)
        return code

    def _name_and_kind(self, row: ReadRow) -> tuple[str, LabelledEnum]:
        name: str | None = row.values["name"]
        if not name:
            raise RowRefused("name", "Thiếu tên. Ghi tên đúng như danh mục.")
        full, kind = _named(self.own, "", name, row.values.get("kind"))
        if kind is CommuneKind.TOWNSHIP and self.as_of >= NO_DISTRICTS_FROM:
            raise RowRefused("name", f"Từ 01/07/2025 không còn thị trấn. Sửa “{name}” hoặc ngày của danh mục.")
        self.completed += full != name
        return full, kind

    # ---- its district and province -----------------------------------------------------------------------

    def _parents(self, row: ReadRow) -> dict[str, str]:
        """Codes of the row's province and district; what the list does to them is then in `units`."""
        if self.own is District:
            own = life_on(self.lives[District].get(row.values["code"], ()), self.as_of)
            province = self._province_code(row, own)
            self._settle(Province, province, row, {})
            return {"province": province}
        if self.as_of >= NO_DISTRICTS_FROM:
            province = self._province_code(row, None)
            self._settle(Province, province, row, {})
            return {"province": province}
        district = self._district_code(row)
        province = self._province_code(row, life_on(self.lives[District].get(district, ()), self.as_of))
        self._settle(Province, province, row, {})
        self._settle(District, district, row, {"province": province})
        return {"province": province, "district": district}

    def _district_code(self, row: ReadRow) -> str:
        if "district.code" in self.columns.by_path:
            return self._code(row, District)
        if "district.name" in self.columns.by_path:
            return self._code_by_name(row, District)
        commune = life_on(self.lives[Commune].get(row.values["code"], ()), self.as_of)
        kept = commune.parents.get("district") if commune else None
        if kept is None:
            raise RowRefused("district.code", "Xã, phường trước 01/07/2025 phải thuộc một huyện. Thêm cột mã huyện.")
        return kept.code

    def _province_code(self, row: ReadRow, district: Life | None) -> str:
        if "province.code" in self.columns.by_path:
            return self._code(row, Province)
        if "province.name" in self.columns.by_path:
            return self._code_by_name(row, Province)
        if district:
            province = district.parents["province"]
            if self.given and self.given != province.code:
                raise RowRefused(
                    "district.code",
                    f"{district.name} thuộc {province.name}, không thuộc tỉnh đã chọn. Chọn lại tỉnh.",
                )
            return province.code
        if self.given is None:
            raise ProvinceNeeded(line=row.line)
        return self.given

    def _code_by_name(self, row: ReadRow, model: type[Unit]) -> str:
        """The code of the one unit in force that the list names without its code."""
        path = f"{self._prefix(model)}name"
        name: str | None = row.values[path]
        if not name:
            raise RowRefused(path, f"Thiếu tên {NOUNS[model]}. Ghi tên đúng như danh mục.")
        on_the_day = (life_on(lives, self.as_of) for lives in self.lives[model].values())
        codes = [life.code for life in on_the_day if life and fold(life.name) == fold(name)]
        if len(codes) != 1:
            why = f"có {len(codes)} nơi cùng tên" if codes else f"chưa có tại ngày {self.as_of:%d/%m/%Y}"
            raise RowRefused(path, f"{name}: {why}. Thêm cột mã {NOUNS[model]}.")
        return codes[0]

    def _settle(self, model: type[Unit], code: str, row: ReadRow, parents: dict[str, str]) -> None:
        """Judge the row's district or province; the first row that names it settles what the list says."""
        prefix = self._prefix(model)
        said = (model, code, row.values.get(f"{prefix}name"), row.values.get(f"{prefix}kind"), *parents.values())
        if said in self.settled:  # most rows repeat the one above
            return
        facts = self._parent_facts(model, code, row, parents)
        first = self.facts[model].setdefault(code, facts)
        if (first.name, first.kind) != (facts.name, facts.kind):
            raise RowRefused(
                f"{prefix}name",
                f"Mã {code} ở dòng {first.line} là “{first.name}”, đây là “{facts.name}”. Ghi cùng một tên.",
            )
        if first.parents != facts.parents:
            raise RowRefused(
                "province.code", f"{facts.name} ở dòng {first.line} thuộc tỉnh khác. Ghi cùng một mã tỉnh."
            )
        if code not in self.units[model]:
            change = self.units[model][code] = self._turn(model, code, facts)
            if model is Province and change.action is not RowAction.SAME and not actor().area.everything:
                change.refusal = f"{facts.name} là tỉnh mới hoặc đổi tên. Nhờ quản trị nhập danh mục này."
        self.settled.add(said)

    def _parent_facts(self, model: type[Unit], code: str, row: ReadRow, parents: dict[str, str]) -> Facts:
        prefix = self._prefix(model)
        life = life_on(self.lives[model].get(code, ()), self.as_of)
        name: str | None = row.values.get(f"{prefix}name")
        if name:
            full, kind = _named(model, prefix, name, row.values.get(f"{prefix}kind"), known=life)
            return Facts(full, kind, row.line, parents)
        if life is None:
            raise RowRefused(
                f"{prefix}code",
                f"Ngày {self.as_of:%d/%m/%Y} chưa có {NOUNS[model]} mã {code}. Sửa mã hoặc ghi tên để thêm.",
            )
        return Facts(life.name, life.kind, row.line, parents)

    # ---- a unit against its lives ------------------------------------------------------------------------

    def _turn(self, model: type[Unit], code: str, facts: Facts) -> Change:
        lives = self.lives[model].get(code, [])
        if clash := overlap(lives):
            raise RowRefused(
                f"{self._prefix(model)}code",
                f"Mã {code} đang có hai đơn vị trùng ngày hiệu lực, {clash[0].name} và {clash[1].name}. "
                "Sửa ngày của một đơn vị rồi tải lại.",
            )
        life = life_on(lives, self.as_of)
        shown = self._differences(model, life, facts) if life else {}
        outcome = turn(lives, self.as_of, same=not shown)
        valid_to = outcome.valid_to
        if model is District and self.own is District:
            valid_to = min(valid_to or LAST_OF_DISTRICTS, LAST_OF_DISTRICTS)
        change = Change(
            model,
            ACTIONS[outcome.step],
            f"{code} {facts.name}",
            {"name": facts.name, "kind": facts.kind},
            self._links(model, facts, valid_to),
            existing=life.id if life else None,
            shown=shown,
            before=life.before if life else None,
        )
        if outcome.step in (Step.BEGINS, Step.FOLLOWED):
            change.values |= {"code": code, "valid_from": self.as_of, "valid_to": valid_to}
        if outcome.step is Step.FOLLOWED:
            change.closes = {"valid_to": self.as_of - DAY}
        if model is self.own and not self._inside(life, facts):
            change.refusal = str(OutsideArea(label=model.__label__))
        return change

    def _inside(self, life: Life | None, facts: Facts) -> bool:
        """Asked before the flush does: a list of the country holds thousands of rows of other provinces."""
        if self.visible is None:
            return True
        province = self.units[Province][facts.parents["province"]]
        return life.id in self.visible if life else province.existing in actor().area.provinces

    def _differences(self, model: type[Unit], life: Life, facts: Facts) -> dict[str, tuple[str, str]]:
        found = {}
        if life.name != facts.name:
            found["name"] = (life.name, facts.name)
        if life.kind != facts.kind:
            found["kind"] = (life.kind.label, facts.kind.label)
        for attribute, parent in PARENTS[model].items():
            old, code = life.parents.get(attribute), facts.parents.get(attribute)
            if (old.code if old else None) != code:
                found[attribute] = (old.name if old else "", self.facts[parent][code].name if code else "")
        return found

    def _links(self, model: type[Unit], facts: Facts, valid_to: date | None) -> dict[str, Change | None]:
        links: dict[str, Change | None] = {}
        for attribute, parent in PARENTS[model].items():
            code = facts.parents.get(attribute)
            links[f"{attribute}_id"] = self._life_at_end(parent, code, valid_to) if code else None
        return links

    def _life_at_end(self, model: type[Unit], code: str, valid_to: date | None) -> Change:
        """A unit is linked to the life of its parent that is in force on the unit's own last day."""
        at_end = life_on(self.lives[model].get(code, ()), valid_to or date.max)
        if at_end is None or at_end.valid_from <= self.as_of:
            return self.units[model][code]
        return self.later[model].setdefault(at_end.id, Change(model, RowAction.SAME, at_end.name, existing=at_end.id))

    # ---- what is written ---------------------------------------------------------------------------------

    def all_changes(self) -> Changes:
        parents = [[*self.units[model].values(), *self.later[model].values()] for model in (Province, District)]
        return Changes(parents, [change for change in self.changes if change], self._move_on)

    def _move_on(self, session: OcopSession) -> None:
        """Link what outlasts the old life of a unit to the life that follows it.

        Units to their parent, open cycles to their province, and accounts to their place, for the work goes on.
        """
        for parent in (Province, District):
            followed = _followed(self.changes if parent is self.own else self.units[parent].values())
            for model, links in PARENTS.items():
                for attribute in (name for name, linked in links.items() if linked is parent):
                    for change in followed:
                        for child in session.scalars(_lasting(model, attribute, change.existing, self.as_of)):
                            setattr(child, attribute, change.row)
            _move_accounts(session, parent, followed)
        for change in _followed(self.units[Province].values()):
            assert isinstance(change.row, Province)
            for cycle in session.scalars(_open_cycles(change.existing, self.as_of)):
                cycle.province = change.row
        if self.own is Commune:
            self._move_work_of_communes(session)
        session.flush()

    def _move_work_of_communes(self, session: OcopSession) -> None:
        """Accounts follow; a succession lets records of the old life take part in cycles of the new one.

        Not over the day on which codes were given to other places: there the same code is no succession.
        """
        old = {life.id: life for lives in self.lives[Commune].values() for life in lives}
        followed = [
            change
            for change in _followed(self.changes)
            if change.existing and not old[change.existing].valid_from < NO_DISTRICTS_FROM <= self.as_of
        ]
        _move_accounts(session, Commune, followed)
        for change in followed:
            session.add(
                CommuneSuccession(
                    old_id=change.existing,
                    new=change.row,
                    kind=SuccessionKind.UNCHANGED,
                    legal_basis=change.values.get("legal_basis", ""),
                )
            )

    # ---- what is said of the list as a whole -------------------------------------------------------------

    def notes(self, session: OcopSession) -> list[str]:
        notes = []
        if self.completed:
            notes.append(f"{self.completed} tên không ghi loại ở đầu, đã thêm theo cột loại.")
        if left := self._not_in_file(session):
            first = ", ".join(f"{code} {name}" for code, name in left[:5])
            more = ", …" if len(left) > 5 else "."
            notes.append(f"{len(left)} {self.own.__label__.lower()} đang có mà tệp không có, giữ nguyên: {first}{more}")
        return notes

    def _not_in_file(self, session: OcopSession) -> list[tuple[str, str]]:
        """(code, name) of the units in force that day in the provinces of the rows taken, and not in the list.

        A row that is refused may lie outside the clerk's area, and so may all of its province.
        """
        taken = {self.provinces[change] for change in self.changes if change and not change.refusal}
        with seeing_everything():
            found = session.execute(
                select(self.own.code, self.own.name)
                .join(self.own.province)
                .where(Province.code.in_(sorted(taken)), *_in_force(self.own, self.as_of))
                .order_by(self.own.code)
            )
            return [(code, name) for code, name in found if code not in self.lives[self.own]]

    def also(self, wanted: Collection[Change]) -> tuple[dict[str, dict[str, int]], list[str]]:
        """Counts of the parents made with the rows, by identity, and what happens to them in words."""
        counts: dict[str, dict[str, int]] = {}
        sentences = []
        for model in (Province, District):
            changes = [change for change in self.units[model].values() if change in wanted]
            if not changes:
                continue
            counts[str(model.__screen__)] = {
                str(action): sum(change.action is action for change in changes)
                for action in (RowAction.NEW, RowAction.CHANGED, RowAction.SAME)
            }
            new = [change.values["name"] for change in changes if change.action is RowAction.NEW]
            if new:
                sentences.append(f"Cùng tạo {len(new)} {NOUNS[model]}: {', '.join(new)}.")
            for change in changes:
                if change.action is RowAction.CHANGED:
                    old, name = change.before or {}, change.values["name"]
                    was = f", trước là {old['name']}" if old.get("name") != name else ""
                    sentences.append(f"Cùng đổi {NOUNS[model]} {change.label}{was}.")
        return counts, sentences


def _named(
    model: type[Unit], prefix: str, name: str, said: LabelledEnum | None, *, known: Life | None = None
) -> tuple[str, LabelledEnum]:
    """The full name, kind in front, and the kind: as the name begins, as its column says, or as known."""
    path = f"{prefix}name"
    if flaw := name_flaw(name):
        raise RowRefused(path, flaw)
    spelled = kind_in_name(name, KINDS[model])
    if spelled and said and said is not spelled:
        raise RowRefused(f"{prefix}kind", f"Tên là “{name}” mà loại là {said.label}. Sửa tên hoặc loại cho khớp.")
    kind = spelled or said or (known.kind if known else None)
    if kind is None:
        possible = ", ".join(each.label for each in KINDS[model])
        raise RowRefused(path, f"Chưa rõ loại của “{name}”. Ghi ở đầu tên một trong: {possible}.")
    return name if spelled else f"{kind.label} {name}", kind


def _in_force(model: type[Unit], day: date) -> tuple[ColumnElement[bool], ...]:
    return model.valid_from <= day, or_(model.valid_to.is_(None), model.valid_to >= day)


def _lasting(model: type[Unit], attribute: str, parent_id: int | None, day: date) -> Select[Any]:
    """Units linked to a life of a parent that are still in force on a day, or begin later."""
    link = getattr(model, f"{attribute}_id")
    return select(model).where(link == parent_id, or_(model.valid_to.is_(None), model.valid_to >= day))


def _followed(changes: Iterable[Change | None]) -> list[Change]:
    """Units written whose old life the list ends."""
    return [change for change in changes if change and change.closes and change.row and not change.refusal]


def _open_cycles(province_id: int | None, day: date) -> Select[Any]:
    return select(Cycle).where(Cycle.province_id == province_id, or_(Cycle.closed_on.is_(None), Cycle.closed_on >= day))


def _move_accounts(session: OcopSession, model: type[Unit], followed: Collection[Change]) -> None:
    """Link the accounts of units that are followed to the unit that follows."""
    attribute = str(model.__screen__)
    rows = {change.existing: change.row for change in followed if change.existing is not None}
    link = getattr(User, f"{attribute}_id")
    for part in parts(list(rows)):
        for user in session.scalars(select(User).where(link.in_(part))):
            setattr(user, attribute, rows[getattr(user, link.key)])


def _ids(session: OcopSession, model: type[Listed], codes: Sequence[str]) -> frozenset[int]:
    found: set[int] = set()
    for part in parts(codes):
        found.update(session.scalars(select(model.id).where(model.code.in_(part))))
    return frozenset(found)


def _lives(session: OcopSession, model: type[Unit], codes: Sequence[str] | None = None) -> Lives:
    """Every life of the codes, or of all codes, read once."""
    statement = _select_lives(model)
    lives: Lives = {}
    for part in [None] if codes is None else parts(codes):
        wanted = statement if part is None else statement.where(model.code.in_(part))
        for row in session.execute(wanted).mappings():
            lives.setdefault(row["code"], []).append(_life(model, row))
    return lives


_OWN = ("id", "version", "code", "name", "kind", "valid_from", "valid_to", "legal_basis")


def _select_lives(model: type[Unit]) -> Select[Any]:
    statement: Select[Any] = select(*(getattr(model, name) for name in _OWN))
    for attribute, parent in PARENTS[model].items():
        statement = statement.outerjoin(getattr(model, attribute)).add_columns(
            parent.id.label(f"{attribute}_id"),
            parent.code.label(f"{attribute}_code"),
            parent.name.label(f"{attribute}_name"),
        )
    return statement


def _life(model: type[Unit], row: Mapping[Any, Any]) -> Life:
    parents = {
        attribute: Parent(row[f"{attribute}_id"], row[f"{attribute}_code"], row[f"{attribute}_name"])
        for attribute in PARENTS[model]
        if row[f"{attribute}_id"] is not None
    }
    before = {name: plain(row[name]) for name in (*_OWN, *(f"{attribute}_id" for attribute in PARENTS[model]))}
    return Life(row["id"], row["code"], row["name"], row["kind"], row["valid_from"], row["valid_to"], parents, before)
