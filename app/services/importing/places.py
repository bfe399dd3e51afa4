"""Lists of communes or districts as of a day → their changes, and those of the parents made with them.

Units that a list does not name stay as they are, unless it is complete: then they end the day before, or on an earlier
day that is known (the last of the districts, or the one before what wholly took over began). A complete list is
remembered with its batch, so that lists taken in any order give one history. A parent is the same as long as its code
is; when a parent is renamed, its children move to its new life and keep their own; so do open cycles and accounts.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from app.current import actor, seeing_everything
from app.errors import OcopError
from app.services.importing import life_links
from app.services.importing.likeness import Likely
from app.services.importing.links import Unfound
from app.services.importing.reading import Columns, Options, Problem, ReadRow
from app.services.importing.writing import Change, Changes, parts
from app.session import OcopSession, OutsideArea, plain
from models.base import Base, LabelledEnum
from models.commune import Commune, CommuneKind, CommuneSuccession, SuccessionKind
from models.cycle import Cycle
from models.district import District, DistrictKind
from models.import_batch import BatchState, ImportBatch, RowAction
from models.province import Dated, Province, ProvinceKind
from models.rules.addresses import name_flaw
from models.rules.places import (
    DAY,
    FEW_OF,
    LAST_OF_DISTRICTS,
    NO_DISTRICTS_FROM,
    Step,
    are_slips,
    bare_name,
    code_flaw,
    confirmed_later,
    kind_in_name,
    last_day_of,
    life_on,
    overlap,
    turn,
)
from models.rules.text import fold
from models.rules.words import day as words_of_day
from models.rules.words import number
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
UNITS: Mapping[type[Base], type[Unit]] = {Province: Province, District: District, Commune: Commune}
KINDS: Mapping[type[Unit], type[LabelledEnum]] = {
    Province: ProvinceKind,
    District: DistrictKind,
    Commune: CommuneKind,
}
DIGITS: Mapping[type[Unit], int] = {Province: 2, District: 3, Commune: 5}
NOUNS: Mapping[type[Unit], str] = {Province: "tỉnh", District: "huyện", Commune: "xã"}
ACTIONS = {
    Step.SAME: RowAction.SAME,
    Step.BEGINS: RowAction.NEW,
    Step.EARLIER: RowAction.CHANGED,
    Step.ALTERED: RowAction.CHANGED,
    Step.FOLLOWED: RowAction.CHANGED,
}


class DistrictsEnded(OcopError):
    sentence = (
        "Tệp có cột huyện “{column}” nên là danh mục trước 01/07/2025; "
        "ngày {day:%d/%m/%Y} không còn cấp huyện. Cho biết danh mục tại ngày nào."
    )


class TownshipsEnded(OcopError):
    sentence = (
        "Tệp có “{name}” nên là danh mục trước 01/07/2025; ngày {day:%d/%m/%Y} không còn thị trấn. "
        "Cho biết danh mục tại ngày nào, hoặc sửa tên này."
    )


class DistrictsGone(OcopError):
    sentence = "Ngày {day:%d/%m/%Y} không còn cấp huyện. Cho biết danh mục tại ngày nào trước 01/07/2025."


class ProvinceNeeded(OcopError):
    sentence = "Dòng {line}: tệp không có cột tỉnh và chưa biết huyện này thuộc tỉnh nào. Chọn tỉnh của danh mục."


class ProvinceUnknown(OcopError):
    sentence = "Ngày {day:%d/%m/%Y} chưa có tỉnh mã {code}. Nhập danh mục có cột mã tỉnh và tên tỉnh trước."


class AnotherProvince(OcopError):
    sentence = (
        "Tệp là danh mục của tỉnh mã {found}, không phải tỉnh đã chọn (mã {chosen}). Chọn lại tỉnh hoặc chọn tệp khác."
    )


class ListsContradict(OcopError):
    sentence = (
        "{unit} không có trong tệp này nhưng danh mục đầy đủ ngày {day} (đợt nhập số {number}) vẫn có. "
        "Bỏ đánh dấu danh mục đầy đủ, hoặc hoàn tác đợt nhập số {number} rồi nhập theo thứ tự ngày."
    )


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

    @property
    def legal_basis(self) -> str:
        return str(self.before["legal_basis"])


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

    Of the options only the province and `complete` count: the list makes what it names, and a unit always has all it
    is known by.
    Raises DistrictsEnded, TownshipsEnded, DistrictsGone, ProvinceNeeded, ProvinceUnknown, AnotherProvince,
    ListsContradict for the list as a whole.
    """
    own: type[Listed] = District if columns.model is District else Commune
    codes = [code for row in rows if isinstance(code := row.values["code"], str)]
    with seeing_everything():
        lives: dict[type[Unit], Lives] = {model: lives_of(session, model) for model in (Province, District)}
        lives[own] = lives_of(session, own, codes)
        complete = _complete_lists(session, own)
        heirs = _first_days_of_heirs(session) if own is Commune else {}
        after = Commune.valid_from >= NO_DISTRICTS_FROM, Commune.district_id.is_(None)
        reformed = session.scalar(select(Commune.id).where(*after).limit(1)) is not None
        strays: frozenset[tuple[str, str | None]] = frozenset()
        unborne = NONE_UNBORNE
        if own is Commune and as_of >= NO_DISTRICTS_FROM:
            strays = _strays(session, rows, lives[own], options.province)
            unborne = _unborne(session, rows, lives[own], options.province, as_of)
    if as_of >= NO_DISTRICTS_FROM:
        _refuse_districts(columns, rows, as_of)
    province = options.province
    if province and not life_on(lives[Province].get(province, ()), as_of):
        raise ProvinceUnknown(day=as_of, code=province)
    if province:
        _refuse_another_province(columns, rows, province)
    visible = None if actor().area.everything else _ids(session, own, codes)
    judged = UnitList(
        columns,
        own,
        as_of,
        province,
        lives,
        visible,
        complete=complete,
        heirs=heirs,
        is_reformed=reformed,
        strays=strays,
        unborne=unborne,
    )
    judged.changes = [judged.judge(row) for row in rows]
    if options.complete:
        judged.complete_it(session)
    return judged


def _refuse_another_province(columns: Columns, rows: Sequence[ReadRow], chosen: str) -> None:
    """A list that names one province alone is of that province, whatever was chosen."""
    if "province.code" in columns.by_path:
        found = {row.values["province.code"] for row in rows if row.values["province.code"]}
        if len(found) == 1 and chosen not in found:
            raise AnotherProvince(found=found.pop(), chosen=chosen)


def _strays(
    session: OcopSession, rows: Sequence[ReadRow], lives: Lives, given: str | None
) -> frozenset[tuple[str, str | None]]:
    """(former province, province of the rows) where a list after the reform takes hardly any codes of the former one.

    A province that was taken over left about a third of its codes to the new one; a single code of another, among many
    of the own, is a slip. Not where units of the one are known to have left their codes to the other.
    """
    taken: Counter[tuple[str, str | None]] = Counter()
    of_list: Counter[str | None] = Counter()
    for row in rows:
        before = life_on(lives.get(str(row.values["code"]), ()), LAST_OF_DISTRICTS)
        if before:
            now = row.values.get("province.code") or given
            taken[before.parents["province"].code, now] += 1
            of_list[now] += 1
    counted = select(Province.code, func.count(Commune.id)).join(Commune.province).where(Commune.on(LAST_OF_DISTRICTS))
    total: dict[str, int] = {row[0]: row[1] for row in session.execute(counted.group_by(Province.code))}
    few = {
        (former, now)
        for (former, now), count in taken.items()
        if former != now and count * FEW_OF < min(total[former], of_list[now])
    }
    return frozenset(few - _left_codes(session)) if few else frozenset()


class Unborne(NamedTuple):
    """Codes of a list of the new map that nothing is known of: those refused, and those only told of."""

    slips: frozenset[str] = frozenset()
    noted: tuple[str, ...] = ()


NONE_UNBORNE = Unborne()


def _unborne(session: OcopSession, rows: Sequence[ReadRow], lives: Lives, given: str | None, as_of: date) -> Unborne:
    unknown: defaultdict[str | None, list[str]] = defaultdict(list)
    borne: defaultdict[str | None, set[str]] = defaultdict(set)
    for row in rows:
        code, province = row.values["code"] or "", row.values.get("province.code") or given
        if code in lives:
            if life_on(lives[code], LAST_OF_DISTRICTS):
                borne[province].add(code)
        elif not code_flaw(code, DIGITS[Commune]):
            unknown[province].append(code)
    if not unknown:
        return NONE_UNBORNE
    before, after = aliased(Commune), aliased(Commune)
    of_reform = (
        select(Province.code, after.code, before.id)
        .select_from(after)
        .join(Province, after.province_id == Province.id)
        .outerjoin(before, and_(before.code == after.code, before.valid_to == LAST_OF_DISTRICTS))
        .where(after.valid_from == NO_DISTRICTS_FROM, Province.code.in_(sorted(filter(None, unknown))))
    )
    reformed = set()
    for province, code, was_there in session.execute(of_reform):
        reformed.add(province)
        if was_there is not None:
            borne[province].add(code)
    slips: list[str] = []
    noted: list[str] = []
    for province, codes in unknown.items():
        if are_slips(len(codes), len(borne[province]), as_of, reform_is_known=province in reformed):
            slips += codes
        elif borne[province] and province not in reformed:
            noted += codes
    return Unborne(frozenset(slips), tuple(noted))


def _left_codes(session: OcopSession) -> set[tuple[str, str | None]]:
    """(former province, province) where a unit of the one is known to have left its code to the other."""
    before, after, former, now = aliased(Commune), aliased(Commune), aliased(Province), aliased(Province)
    pairs = (
        select(former.code, now.code)
        .select_from(before)
        .join(after, before.code == after.code)
        .join(former, before.province_id == former.id)
        .join(now, after.province_id == now.id)
        .where(before.valid_to == LAST_OF_DISTRICTS, after.valid_from >= NO_DISTRICTS_FROM)
        .distinct()
    )
    return {(row[0], row[1]) for row in session.execute(pairs)}


def _complete_lists(session: OcopSession, own: type[Listed]) -> dict[str, dict[date, int]]:
    """{province code: {day: batch number}} of the complete lists that were imported and not undone."""
    found: defaultdict[str, dict[date, int]] = defaultdict(dict)
    kept = select(ImportBatch.as_of, ImportBatch.number, ImportBatch.options).where(
        ImportBatch.screen == str(own.__screen__), ImportBatch.state == BatchState.APPLIED
    )
    for as_of, number_of_batch, options in session.execute(kept):
        for province in options.get("covers", ()):
            found[province][as_of] = number_of_batch
    return found


def _first_days_of_heirs(session: OcopSession) -> dict[int, list[date]]:
    """{unit: first days of those that wholly took over from it}, of units with no last day, or a later one."""
    old, new = aliased(Commune), aliased(Commune)
    whole = [kind for kind in SuccessionKind if kind.is_whole]
    known = (
        select(old.id, new.valid_from)
        .select_from(CommuneSuccession)
        .join(old, CommuneSuccession.old_id == old.id)
        .join(new, CommuneSuccession.new_id == new.id)
        .where(CommuneSuccession.kind.in_(whole), or_(old.valid_to.is_(None), old.valid_to >= new.valid_from))
    )
    found: defaultdict[int, list[date]] = defaultdict(list)
    for old_id, first in session.execute(known):
        found[old_id].append(first)
    return found


def _refuse_districts(columns: Columns, rows: Sequence[ReadRow], as_of: date) -> None:
    if columns.model is District and rows:
        raise DistrictsGone(day=as_of)
    for path in ("district.code", "district.name"):
        if any(row.values.get(path) for row in rows):
            raise DistrictsEnded(column=columns.name(path), day=as_of)
    for row in rows:
        name = row.values["name"] or ""
        if CommuneKind.TOWNSHIP in (row.values.get("kind"), kind_in_name(name, CommuneKind)):
            raise TownshipsEnded(name=name, day=as_of)


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
    complete: {province code: {day: batch number}} of complete lists taken before.
    heirs: {unit: first days of those known to have wholly taken over from it while it has no such last day}.
    is_reformed: whether units after the end of districts are known, so that those with one are known to have ended.
    strays: (former province, province of the row) of which the list takes so few codes that they are slips.
    unborne: codes that nothing is known of, on the new map.
    earlier: codes whose next life begins on the day of the list already.
    endings: (change, life) of lives that end because one that comes next begins earlier.
    ended: units that the list, being complete, ends. covers: codes of the provinces it is complete for.
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
    likely: Sequence[Likely] = ()
    refused_since: Mapping[int, Problem] = field(default_factory=dict)
    complete: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    heirs: Mapping[int, Sequence[date]] = field(default_factory=dict)
    is_reformed: bool = False
    strays: Collection[tuple[str, str | None]] = ()
    unborne: Unborne = NONE_UNBORNE
    earlier: dict[type[Unit], set[str]] = field(default_factory=lambda: defaultdict(set))
    endings: list[tuple[Change, Life]] = field(default_factory=list)
    ended: Mapping[type[Unit], Sequence[Life]] = field(default_factory=dict)
    covers: Sequence[str] = ()

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
        if change.action is not RowAction.SAME:
            self._say_basis(change, row.values.get("legal_basis") or "", is_earlier=code in self.earlier[self.own])
        return change

    @staticmethod
    def _say_basis(change: Change, basis: str, *, is_earlier: bool) -> None:
        """A unit that begins with this list began by what this list says, not by what a later one said."""
        known: str = change.before["legal_basis"] if change.before and is_earlier else ""
        if known != basis and is_earlier:
            change.shown["legal_basis"] = (known, basis)
        if basis or known:
            change.values["legal_basis"] = basis

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
        """The code of the one unit in force that the list names without its code, a district in its province."""
        path = f"{self._prefix(model)}name"
        name: str | None = row.values[path]
        if not name:
            raise RowRefused(path, f"Thiếu tên {NOUNS[model]}. Ghi tên đúng như danh mục.")
        there = [life for lives in self.lives[model].values() if (life := life_on(lives, self.as_of))]
        if model is District and (province := self._province_said(row)):
            there = [life for life in there if life.parents["province"].code == province]
        spelled = [life.code for life in there if fold(life.name) == fold(name)]
        codes = spelled or [life.code for life in there if fold(bare_name(life.name)) == fold(bare_name(name))]
        if len(codes) != 1:
            why = f"có {len(codes)} nơi cùng tên" if codes else f"chưa có tại ngày {self.as_of:%d/%m/%Y}"
            raise RowRefused(path, f"{name}: {why}. Thêm cột mã {NOUNS[model]}.")
        return codes[0]

    def _province_said(self, row: ReadRow) -> str | None:
        has_column = self.columns.by_path.keys() & {"province.code", "province.name"}
        return self._province_code(row, None) if has_column else self.given

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
        if name and f"{prefix}code" in self.columns.by_path:
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
        if model is self.own:
            self._refuse_foreign(model, code, life, facts)
        complete = self.complete.get(facts.parents.get("province", ""), {}) if model is self.own else {}
        outcome = turn(
            lives,
            self.as_of,
            same=lambda known: not self._differences(model, known, facts),
            complete=complete,
            end=LAST_OF_DISTRICTS if self._ends_with_districts(model) else None,
        )
        shown = self._differences(model, life, facts) if life else {}
        if outcome.step is Step.FOLLOWED and life and (later := confirmed_later(life, self.as_of, complete)):
            raise RowRefused(
                f"{self._prefix(model)}code",
                f"Danh mục đầy đủ ngày {words_of_day(later)} (đợt nhập số {complete[later]}) ghi mã {code} là "
                f"{life.name}. Hoàn tác đợt đó rồi nhập theo thứ tự ngày.",
            )
        found = outcome.life
        if found and outcome.step is Step.EARLIER:
            shown = {**shown, "valid_from": (words_of_day(found.valid_from), words_of_day(self.as_of))}
        change = Change(
            model,
            ACTIONS[outcome.step],
            f"{code} {facts.name}",
            {"name": facts.name, "kind": facts.kind},
            {},
            existing=found.id if found else None,
            shown=shown,
            before=found.before if found else None,
        )
        if outcome.step is Step.EARLIER:
            change.values["valid_from"] = self.as_of
            self.earlier[model].add(code)
        change.links = self._links(model, facts, outcome.valid_to)
        if outcome.step in (Step.BEGINS, Step.FOLLOWED):
            change.values |= {"code": code, "valid_from": self.as_of, "valid_to": outcome.valid_to}
        if outcome.step is Step.FOLLOWED:
            assert life is not None
            change.closes = {"valid_to": self._last_day(model, life)}
        if outcome.closes:
            self.endings.append((change, outcome.closes))
        if model is self.own and not self._inside(life, facts):
            change.refusal = str(OutsideArea(label=model.__label__))
        return change

    def _ends_with_districts(self, model: type[Unit]) -> bool:
        """Whether what begins on the day of the list is known to end with the districts.

        A list of districts alone says nothing of the units that came after; neither does one of communes before they
        are known.
        """
        if self.as_of >= NO_DISTRICTS_FROM or model is Province:
            return False
        return self.is_reformed or self.own is District

    def _refuse_foreign(self, model: type[Unit], code: str, life: Life | None, facts: Facts) -> None:
        """A code in force in another province: a draft, or a code of somebody else's list."""
        before = life_on(self.lives[model].get(code, ()), LAST_OF_DISTRICTS)
        if before and (before.parents["province"].code, facts.parents["province"]) in self.strays:
            raise RowRefused(
                "code",
                f"Mã {code} đến {words_of_day(LAST_OF_DISTRICTS)} là {before.name} của "
                f"{before.parents['province'].name}, danh mục này hầu như không lấy mã nào khác của tỉnh đó. "
                "Sửa mã theo danh mục chính thức, không dùng mã của bản dự thảo.",
            )
        if code in self.unborne.slips:
            raise RowRefused(
                "code",
                f"Mã {code} chưa từng là mã của xã, phường nào; từ {words_of_day(NO_DISTRICTS_FROM)} mỗi xã, phường "
                "mang mã của một đơn vị cũ nhập vào nó. Kiểm tra mã, không dùng mã của bản dự thảo. Đơn vị lập sau "
                "ngày này thì nhập bằng danh mục của ngày lập.",
            )
        if life is None or life.valid_from < NO_DISTRICTS_FROM <= self.as_of:
            return
        if self.visible is not None and life.id not in self.visible:
            return  # said as any row outside the area
        province = life.parents["province"]
        if province.code != facts.parents["province"]:
            raise RowRefused(
                "code",
                f"Mã {code} ngày {words_of_day(self.as_of)} là {life.name} của {province.name}. "
                "Sửa mã theo danh mục chính thức, không dùng mã của bản dự thảo.",
            )

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
        if at_end is None or at_end.valid_from <= self.as_of or code in self.earlier[model]:
            return self.units[model][code]
        return self.later[model].setdefault(at_end.id, Change(model, RowAction.SAME, at_end.name, existing=at_end.id))

    # ---- what is written ---------------------------------------------------------------------------------

    def all_changes(self) -> Changes:
        parents = [[*self.units[model].values(), *self.later[model].values()] for model in (Province, District)]
        return Changes(parents, [change for change in self.changes if change], self._move_on)

    def _move_on(self, session: OcopSession) -> None:
        """End what the list ends; link what outlasts the old life of a unit to the life that follows it.

        Units to their parent, open cycles to their province, and accounts to their place, for the work goes on.
        """
        self._end(session)
        for parent in (Province, District):
            followed = self._followed(session, parent)
            for model, links in PARENTS.items():
                for attribute in (name for name, linked in links.items() if linked is parent):
                    for old_id, row in followed.items():
                        for child in session.scalars(_lasting(model, attribute, old_id, self.as_of)):
                            setattr(child, attribute, row)
            _move_accounts(session, parent, followed)
        for old_id, row in self._followed(session, Province).items():
            assert isinstance(row, Province)
            for cycle in session.scalars(_open_cycles(old_id, self.as_of)):
                cycle.province = row
        if self.own is Commune:
            self._move_work_of_communes(session)
        session.flush()

    def _end(self, session: OcopSession) -> None:
        ending: defaultdict[type[Unit], dict[int, Life]] = defaultdict(dict)
        for change, life in self.endings:
            if change.row and not change.refusal:
                ending[UNITS[change.model]][life.id] = life
        for model, lives in self.ended.items():
            ending[model] |= {life.id: life for life in lives}
        for model, by_id in ending.items():
            for part in parts(list(by_id)):
                for row in session.scalars(select(model).where(model.id.in_(part))):
                    assert isinstance(row, Dated)
                    row.valid_to = self._last_day(model, by_id[row.id])
        session.flush()

    def _followed(self, session: OcopSession, model: type[Unit]) -> dict[int, Base]:
        """{id of a life that the list ends: the row of the unit that follows it}, of those that are written."""
        changes = self.changes if model is self.own else self.units[model].values()
        written = [change for change in changes if change and change.row and not change.refusal]
        pairs = [(change.existing, change.row) for change in written if change.closes and change.existing]
        begun = {change for change in written if change.model is model}
        pairs += [(life.id, change.row) for change, life in self.endings if change in begun]
        return {old_id: session.get_one(model, row.id) for old_id, row in pairs if row}

    def _move_work_of_communes(self, session: OcopSession) -> None:
        """Accounts follow; a succession lets records of the old life take part in cycles of the new one.

        Not over the day on which codes were given to other places: there the same code is no succession.
        """
        old = {life.id: life for lives in self.lives[Commune].values() for life in lives}
        followed = {
            old_id: row
            for old_id, row in self._followed(session, Commune).items()
            if not old[old_id].valid_from < NO_DISTRICTS_FROM <= self.as_of
        }
        _move_accounts(session, Commune, followed)
        written = (c for c in self.changes if c and c.row and not c.refusal and c.action is not RowAction.SAME)
        codes = {code for c in written if isinstance(c.row, Commune) and self.lives[Commune].get(code := c.row.code)}
        life_links.mend(session, old, sorted(codes))

    # ---- what is said of the list as a whole -------------------------------------------------------------

    def notes(self, session: OcopSession) -> list[str]:
        notes = []
        if self.completed:
            notes.append(f"{self.completed} tên không ghi loại ở đầu, đã thêm theo cột loại.")
        if unborne := self.unborne.noted:
            first = ", ".join(unborne[:5]) + (", …" if len(unborne) > 5 else "")
            notes.append(
                f"{number(len(unborne))} mã chưa từng là mã của xã, phường nào trong sổ: {first}. "
                "Nếu chưa nhập danh mục trước 01/07/2025 của tỉnh cũ thì nhập trước để kiểm được mã."
            )
        if self.ended.get(self.own):
            return notes
        if (former := self._former_provinces()) and (stale := self._of_the_old_map(session, former)):
            notes.append(
                f"{number(len(stale))} xã, phường thuộc huyện không có trong tệp và vẫn còn hiệu lực, dù từ "
                f"{words_of_day(NO_DISTRICTS_FROM)} không còn cấp huyện. Nếu tệp đủ cả tỉnh thì đánh dấu danh mục "
                f"đầy đủ để các đơn vị này kết thúc ngày {words_of_day(LAST_OF_DISTRICTS)}."
            )
        if left := self._not_in_file(session):
            first = ", ".join(f"{code} {name}" for code, name in left[:5])
            more = ", …" if len(left) > 5 else "."
            notes.append(f"{len(left)} {self.own.__label__.lower()} đang có mà tệp không có, giữ nguyên: {first}{more}")
        return notes

    # ---- a complete list -------------------------------------------------------------------------------------

    def complete_it(self, session: OcopSession) -> None:
        """End the day before what the list, complete for its provinces, does not name. Raises ListsContradict.

        The list of the reform is complete for the provinces too whose codes it takes over: none of their units, and
        no district, is in force any more.
        """
        taken = {self.provinces[change] for change in self.changes if change and not change.refusal}
        self.covers = sorted(taken)
        missing = [
            life for life in self._in_force_in(session, self.own, taken) if life.code not in self.lives[self.own]
        ]
        ended: dict[type[Unit], Sequence[Life]] = {}
        if former := self._former_provinces():
            missing += [life for life in self._of_the_old_map(session, former) if life not in missing]
            ended[District] = self._in_force_in(session, District, former)
        for life in missing:
            complete = self.complete.get(life.parents["province"].code, {})
            if later := confirmed_later(life, self.as_of, complete):
                raise ListsContradict(unit=f"{life.code} {life.name}", day=words_of_day(later), number=complete[later])
        ended[self.own] = sorted(missing, key=lambda life: life.code)
        self.ended = {model: [life for life in lives if life.valid_from < self.as_of] for model, lives in ended.items()}

    def _former_provinces(self) -> set[str]:
        """Codes of the provinces whose units' codes a list of the new map takes over; none for one of the old map."""
        if self.own is District or self.as_of < NO_DISTRICTS_FROM:
            return set()
        before = (life_on(lives, LAST_OF_DISTRICTS) for lives in self.lives[Commune].values())
        return {life.parents["province"].code for life in before if life and "district" in life.parents}

    def _of_the_old_map(self, session: OcopSession, former: Collection[str]) -> list[Life]:
        """Units of these provinces that have a district, are in force all the same, and are not in the list."""
        found = self._in_force_in(session, Commune, former)
        return [life for life in found if "district" in life.parents and life.code not in self.lives[Commune]]

    def _last_day(self, model: type[Unit], life: Life) -> date:
        """Of a life that the list ends."""
        province = life.parents.get("province")
        return last_day_of(
            life,
            self.as_of,
            has_district=model is District or "district" in life.parents,
            taken_over=self.heirs.get(life.id, ()) if model is Commune else (),
            confirmed=self.complete.get(province.code, ()) if province and model is self.own else (),
        )

    def _in_force_in(self, session: OcopSession, model: type[Listed], provinces: Collection[str]) -> list[Life]:
        """Units in force on the day of the list, in the clerk's area: nobody ends what lies elsewhere."""
        province = PARENTS[model]["province"]
        in_provinces = province.code.in_(sorted(provinces))
        found = session.execute(_select_lives(model).where(in_provinces, model.on(self.as_of)))
        return [_life(model, row) for row in found.mappings()]

    def _ended_words(self) -> list[str]:
        by_day: defaultdict[tuple[type[Unit], date], list[Life]] = defaultdict(list)
        for model, lives in self.ended.items():
            for life in lives:
                by_day[model, self._last_day(model, life)].append(life)
        said = [
            f"{number(len(lives))} {model.__label__.lower()} không có trong danh mục "
            f"kết thúc ngày {words_of_day(last)}: {', '.join(f'{life.code} {life.name}' for life in lives)}."
            for (model, last), lives in by_day.items()
        ]
        if self.as_of > NO_DISTRICTS_FROM and (self.own, LAST_OF_DISTRICTS) in by_day:
            said.append(
                f"Từ {words_of_day(NO_DISTRICTS_FROM)} đến {words_of_day(self.as_of - DAY)} sổ có thể thiếu đơn vị "
                f"thay thế. Nhập thêm danh mục tại ngày {words_of_day(NO_DISTRICTS_FROM)}."
            )
        return said

    def _not_in_file(self, session: OcopSession) -> list[tuple[str, str]]:
        """(code, name) of the units in force that day in the provinces of the rows taken, and not in the list.

        A row that is refused may lie outside the clerk's area, and so may all of its province.
        """
        taken = {self.provinces[change] for change in self.changes if change and not change.refusal}
        with seeing_everything():
            found = session.execute(
                select(self.own.code, self.own.name)
                .join(self.own.province)
                .where(Province.code.in_(sorted(taken)), self.own.on(self.as_of))
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
        for ended, lives in self.ended.items():
            if lives:
                counted = counts.setdefault(str(ended.__screen__), dict.fromkeys(("new", "changed", "same"), 0))
                counted["changed"] += len(lives)
        return counts, [*sentences, *self._ended_words()]


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


def _lasting(model: type[Unit], attribute: str, parent_id: int | None, day: date) -> Select[Any]:
    """Units linked to a life of a parent that are still in force on a day, or begin later."""
    link = getattr(model, f"{attribute}_id")
    return select(model).where(link == parent_id, model.lasts(day))


def _open_cycles(province_id: int | None, day: date) -> Select[Any]:
    return select(Cycle).where(Cycle.province_id == province_id, or_(Cycle.closed_on.is_(None), Cycle.closed_on >= day))


def _move_accounts(session: OcopSession, model: type[Unit], followed: Mapping[int, Base]) -> None:
    """Link the accounts of units that are followed to the unit that follows."""
    attribute = str(model.__screen__)
    link = getattr(User, f"{attribute}_id")
    for part in parts(list(followed)):
        for user in session.scalars(select(User).where(link.in_(part))):
            setattr(user, attribute, followed[getattr(user, link.key)])


def _ids(session: OcopSession, model: type[Listed], codes: Sequence[str]) -> frozenset[int]:
    found: set[int] = set()
    for part in parts(codes):
        found.update(session.scalars(select(model.id).where(model.code.in_(part))))
    return frozenset(found)


def lives_of(session: OcopSession, model: type[Unit], codes: Sequence[str] | None = None) -> Lives:
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
