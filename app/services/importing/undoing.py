"""Take an applied batch back: created rows removed, changed rows as they were before, what is in use since kept.

The trail knows what a batch did, parents made and children moved with it included, so every model is undone alike.
A row edited since is kept, a created row that others link to is kept, and so is what would be left without them:
of the lives of one code all go back or none, and nothing goes back under a unit that stays closed.
"""

import enum
import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Date,
    Enum,
    Numeric,
    Row,
    String,
    Table,
    UniqueConstraint,
    func,
    inspect,
    or_,
    select,
    tuple_,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapper, joinedload

from app import progress
from app.current import actor, seeing_everything, today
from app.errors import OcopError
from app.services.importing.batches import AlreadyUndone, is_maker, one_at_a_time
from app.services.importing.writing import BATCH, parts
from app.services.place_names import place_lines
from app.session import OcopSession, StaleVersion, places_relation, plain
from models.audit import AuditAction, AuditEntry
from models.base import Base, Instant, Placed, Points, Tidy, TidyText, fields, label_of, now, screens
from models.commune import Commune, CommuneSuccession
from models.import_batch import BatchState, ImportBatch, ImportRow, Sender
from models.province import Dated
from models.rules.access import may
from models.rules.places import overlap
from models.rules.words import moment, number, words
from models.user import User

VERB = "hoàn tác đợt nhập"
# What people do to their own account is no edit of where a batch moved it.
UPKEEP: Mapping[type[Base], frozenset[str]] = {
    User: frozenset({"must_change_password", "password_changed_at", "single_keys"})
}
# The batch itself, and what was learned of its sender, are no rows of the file.
BESIDE = (ImportBatch.__tablename__, Sender.__tablename__)
EMPTY: tuple[Any, ...] = (None, "", [], {})

Key = tuple[type[Base], int]


class NotApplied(OcopError):
    sentence = "Tệp này chưa nhập vào sổ nên không có gì để hoàn tác."


class NotYoursToUndo(OcopError):
    sentence = "Đợt nhập số {number} do {maker} nhập. Nhờ người đó hoặc quản trị hoàn tác."


class NothingToUndo(OcopError):
    sentence = "Mọi dòng của đợt nhập số {number} đã sửa sau đó hoặc đang được dùng nên không hoàn tác được dòng nào."


class UndoMoved(OcopError):
    sentence = "Sổ đã thay đổi sau khi xem trước nên chưa hoàn tác dòng nào. Xem lại các danh sách rồi bấm lại."


class Act(enum.Enum):
    """What a batch did to a row, in all."""

    ADDED = "added"
    ALTERED = "altered"
    DROPPED = "dropped"


class Part(enum.Enum):
    """What an undo does with a row."""

    REVERSED = "reversed"
    KEPT = "kept"
    BLOCKED = "blocked"


REASONS = {
    Act.ADDED: "Bỏ, vì đợt nhập này đã thêm.",
    Act.ALTERED: "Trả lại như trước đợt nhập.",
    Act.DROPPED: "Lập lại, vì đợt nhập này đã xóa.",
}


@dataclass(frozen=True)
class Line:
    """One row of the trail of a batch. changes: (label, value now, value after the undo), of a row put as it was.

    is_there: whether the row is in the books, before the undo, within the area of who asks.
    """

    model: type[Base]
    row_id: int
    label: str
    reason: str
    is_there: bool
    changes: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True)
class Undo:
    """What an undo does or did. mark: the same as long as the three lists are."""

    reversed: Sequence[Line]
    kept: Sequence[Line]
    blocked: Sequence[Line]

    @property
    def counts(self) -> dict[str, int]:
        return {part.value: len(getattr(self, part.value)) for part in Part}

    @property
    def mark(self) -> str:
        known = hashlib.sha256()
        for part in Part:
            for line in getattr(self, part.value):
                known.update(f"{part.value} {line.model.__tablename__} {line.row_id} {line.changes}\n".encode())
        return known.hexdigest()[:16]


def look(session: OcopSession, batch: ImportBatch) -> Undo:
    """Say what an undo would do; change nothing.

    Raises NotApplied, AlreadyUndone, NotYoursToUndo.
    """
    _refuse_unfit(session, batch)
    return _undo_of(session, _judge(session, batch).values())


def undo(session: OcopSession, batch: ImportBatch, *, seen: str = "") -> Undo:
    """Take a batch back as far as nothing depends on it since, all of that or nothing.

    seen: the mark of what was looked at before; another outcome is refused.
    Raises NotApplied, AlreadyUndone, NotYoursToUndo, NothingToUndo, UndoMoved.
    """
    one_at_a_time(session)
    session.refresh(batch)
    _refuse_unfit(session, batch)
    deeds = _judge(session, batch)
    found = _undo_of(session, deeds.values())
    if seen and seen != found.mark:
        raise UndoMoved
    if not found.reversed:
        raise NothingToUndo(number=batch.number)
    try:
        with session.doing(VERB, batch_id=batch.id):
            _reverse(session, [deed for deed in deeds.values() if deed.part is Part.REVERSED])
            batch.state = BatchState.UNDONE
            batch.undone_at = now()
            batch.undone_by = session.actor.name
            batch.options = {**batch.options, "undone": found.counts, "stayed": _stayed(session, batch, deeds)}
    except (IntegrityError, StaleVersion) as moved:
        raise UndoMoved from moved
    return found


def _stayed(session: OcopSession, batch: ImportBatch, deeds: "Deeds") -> dict[str, list[int]]:
    """{action: lines of the file whose rows were not put as they were}; "gone" has those deleted since."""
    model = screens()[batch.screen]
    own = {deed.row_id: deed for deed in deeds.values() if deed.model is model and deed.stays}
    found: defaultdict[str, list[int]] = defaultdict(list)
    for part in parts(sorted(own)):
        rows = select(ImportRow.row_id, ImportRow.line, ImportRow.action).where(ImportRow.batch_id == batch.id)
        for row_id, line, action in session.execute(rows.where(ImportRow.row_id.in_(part))):
            found[action.value].append(line)
            if row_id is not None and own[row_id].gone:
                found["gone"].append(line)
    return dict(found)


def stayed(batch: ImportBatch, action: str) -> Collection[int]:
    """Lines of an action, or "gone", whose rows an undo of the batch left as they were."""
    lines: list[int] = batch.options.get("stayed", {}).get(action, [])
    return frozenset(lines)


def may_undo(session: OcopSession, batch: ImportBatch) -> bool:
    """Whether who acts now may take the batch back: may import its screen, and made it or sees everything."""
    who = session.actor
    if who.is_user and not may(who.rights, batch.screen, "import"):
        return False
    return is_maker(session, batch) or who.area.everything


def outcome(batch: ImportBatch) -> str:
    """When, by whom and how far a batch was taken back, as a sentence; empty while it was not."""
    if batch.state is not BatchState.UNDONE or batch.undone_at is None:
        return ""
    counts = batch.options.get("undone", {})
    return f"Đã hoàn tác lúc {moment(batch.undone_at)} bởi {batch.undone_by}: {counted(counts)}."


def counted(counts: Mapping[str, int]) -> str:
    """“12 dòng trả lại như trước, 3 dòng giữ vì đã sửa sau đó”."""
    said = {
        Part.REVERSED: "trả lại như trước",
        Part.KEPT: "giữ vì đã sửa sau đó",
        Part.BLOCKED: "giữ vì đang được dùng",
    }
    found = [f"{number(counts[p.value])} dòng {text}" for p, text in said.items() if counts.get(p.value)]
    return ", ".join(found) or "không có dòng nào"


def _refuse_unfit(session: OcopSession, batch: ImportBatch) -> None:
    if batch.state is BatchState.UNDONE:
        raise AlreadyUndone(number=batch.number)
    if batch.state is not BatchState.APPLIED:
        raise NotApplied
    if not may_undo(session, batch):
        raise NotYoursToUndo(number=batch.number, maker=batch.made_by)


# ---- what a batch did -------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Deed:
    """What a batch did to one row, and what becomes of it.

    values: {attribute: [old, new]} as the trail keeps them, derived places left out; names: the same of links.
    last: number of its last entry. version, links, now: the row as it is; now of a created one is not kept.
    back: {attribute: value} to restore. linkers: rows of the batch that link to it now and leave it when undone.
    """

    model: type[Base]
    row_id: int
    act: Act
    label: str
    last: int
    values: dict[str, list[Any]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    version: int = 0
    links: dict[str, Any] = field(default_factory=dict)
    now: Mapping[str, Any] = field(default_factory=dict)
    code: tuple[Any, ...] = ()
    back: dict[str, Any] = field(default_factory=dict)
    gone: bool = False
    outside_area: bool = False
    part: Part = Part.REVERSED
    reason: str = ""
    outside: Counter[type[Base]] = field(default_factory=Counter)
    linkers: list["Deed"] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return self.model, self.row_id

    @property
    def is_there(self) -> bool:
        return self.version > 0 and not self.outside_area

    @property
    def stays(self) -> bool:
        return self.part is not Part.REVERSED

    def keep(self, reason: str, part: Part = Part.KEPT) -> None:
        if not self.stays:
            self.part, self.reason = part, reason

    def after(self, attribute: str) -> Any:
        """The value of an attribute when the row is put as it was."""
        return self.back[attribute] if attribute in self.back else self.now.get(attribute)


Deeds = dict[Key, Deed]


def _judge(session: OcopSession, batch: ImportBatch) -> Deeds:
    with seeing_everything():
        deeds = _read(session, batch)
        by_model = _by_model(deeds.values())
        looked_at = 0
        for model, of_model in by_model.items():
            for part in parts(of_model):
                progress.step(progress.Part.JUDGING, looked_at, len(deeds))
                looked_at += len(part)
                _find(session, model, part)
                _keep_edited(session, batch, model, part)
    _keep_outside(session, by_model)
    for deed in deeds.values():
        _prepare(deed)
    _keep_unlinkable(session, deeds)
    with seeing_everything():
        _count_uses(session, deeds)
        needs = _Needs()
        _need_unique(session, deeds, needs)
        _need_lives(session, deeds, needs)
    _need_links(deeds, needs)
    needs.follow(deeds.values())
    return deeds


def _read(session: OcopSession, batch: ImportBatch) -> Deeds:
    """One deed for each row, in the order of the trail; what a batch made and dropped itself is none."""
    models = _models_by_name()
    entries = session.execute(
        select(
            *(AuditEntry.id, AuditEntry.action, AuditEntry.model),
            *(AuditEntry.row_id, AuditEntry.row_label, AuditEntry.changes),
        )
        .where(AuditEntry.batch_id == batch.id, AuditEntry.model.not_in(BESIDE))
        .order_by(AuditEntry.id)
    )
    deeds: Deeds = {}
    for entry in entries:
        model = models[entry.model]
        deed = deeds.get((model, entry.row_id))
        if deed is None:
            act = _ACTS[entry.action]
            deed = deeds[model, entry.row_id] = Deed(model, entry.row_id, act, entry.row_label, entry.id)
        elif entry.action is AuditAction.DELETE:
            if deed.act is Act.ADDED:
                del deeds[deed.key]
                continue
            deed.act = Act.DROPPED
        deed.last, deed.label = entry.id, entry.row_label
        _gather(deed, entry.changes)
    return {key: deed for key, deed in deeds.items() if deed.values or deed.act is not Act.ALTERED}


_ACTS = {AuditAction.CREATE: Act.ADDED, AuditAction.UPDATE: Act.ALTERED, AuditAction.DELETE: Act.DROPPED}


def _gather(deed: Deed, changes: Mapping[str, list[Any]]) -> None:
    named = []
    for attribute, change in changes.items():
        old, new = change[:2]
        if len(change) > 2:
            deed.names[attribute] = [deed.names[attribute][0] if attribute in deed.names else change[2], change[3]]
            named.append(str(change[3] or change[2]))
        if attribute not in _derived(deed.model):
            deed.values[attribute] = [deed.values[attribute][0] if attribute in deed.values else old, new]
    if deed.model.__title__ == "id" and named:  # a row known by what it links
        deed.label = " → ".join(named)


@cache
def _models_by_name() -> dict[str, type[Base]]:
    return {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}


@cache
def _derived(model: type[Base]) -> frozenset[str]:
    """Places that the Session copies from the row they belong to: they follow it, forth and back."""
    relation = places_relation(model)
    if relation is None or not issubclass(model, Placed):
        return frozenset()
    own = {column.key for column in inspect(model).relationships[relation].local_columns}
    return frozenset({"province_id"} if "commune_id" in own else {"province_id", "commune_id", "moved_from_id"})


@cache
def _links(model: type[Base]) -> dict[str, type[Base]]:
    """{attribute of a foreign key that is not derived: model it leads to}."""
    mapper: Mapper[Any] = inspect(model)
    models = _models_by_name()
    return {
        prop.key: models[key.column.table.name]
        for prop in mapper.column_attrs
        for key in prop.columns[0].foreign_keys
        if prop.key not in _derived(model)
    }


def _by_model(deeds: Iterable[Deed]) -> dict[type[Base], list[Deed]]:
    found: defaultdict[type[Base], list[Deed]] = defaultdict(list)
    for deed in deeds:
        found[deed.model].append(deed)
    return found


# ---- edited since -----------------------------------------------------------------------------------------------


def _find(session: OcopSession, model: type[Base], deeds: Sequence[Deed]) -> None:
    """Compare rows as they are now with what the batch wrote."""
    mapper: Mapper[Any] = inspect(model)
    names = [prop.key for prop in mapper.column_attrs]
    statement = select(*(getattr(model, name).label(name) for name in names))
    ids = [deed.row_id for deed in deeds]
    rows = {row["id"]: row for row in session.execute(statement.where(model.id.in_(ids))).mappings()}
    for deed in deeds:
        row = rows.get(deed.row_id)
        if row is None:
            if deed.act is not Act.DROPPED:
                deed.gone = True
                deed.keep("Đã xóa sau đợt nhập.")
            continue
        deed.version = row["version"]
        deed.links = {name: row[name] for name in _links(model)}
        deed.code = _code(model, row)
        if deed.act is Act.DROPPED:
            deed.keep("Đã lập lại sau đợt nhập.")
        elif not _is_as_written(deed, row):
            deed.keep("Giá trị trong sổ không còn là giá trị đợt nhập đã ghi.")
        if deed.act is Act.ALTERED:
            deed.now = dict(row)


def _is_as_written(deed: Deed, row: Mapping[Any, Any]) -> bool:
    names = _restorable(deed.model) if deed.act is Act.ADDED else deed.values
    for name in names:
        if name not in row:
            continue  # of a column that is no more
        written, found = deed.values.get(name, EMPTY)[1], plain(row[name])
        if written != found and not (written in EMPTY and found in EMPTY):
            return False
    return True


@cache
def _restorable(model: type[Base]) -> tuple[str, ...]:
    """Attributes that the trail keeps and nothing derives."""
    secret = {name for name, info in fields(model).items() if info.secret}
    never = {"id", "version", "created_at", "updated_at", "search_text", "sort_key"}
    mapper: Mapper[Any] = inspect(model)
    left_out = never | secret | model.__quiet__ | _derived(model)
    return tuple(prop.key for prop in mapper.column_attrs if prop.key not in left_out)


def _code(model: type[Base], values: Mapping[Any, Any]) -> tuple[Any, ...]:
    """What lives of one unit have in common; empty for what has no lives."""
    if not issubclass(model, Dated):
        return ()
    return tuple(values[name] for name in _code_names(model))


def _code_names(model: type[Base]) -> list[str]:
    return [name for name in model.__keys__[0] if name != "valid_from"]


def _keep_edited(session: OcopSession, batch: ImportBatch, model: type[Base], deeds: Sequence[Deed]) -> None:
    """Keep rows that have a later entry, but for what a later batch did and took back itself."""
    by_id = {deed.row_id: deed for deed in deeds}
    later: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    entries = session.execute(
        select(
            *(AuditEntry.id, AuditEntry.row_id, AuditEntry.at, AuditEntry.actor),
            *(AuditEntry.batch_id, AuditEntry.verb, AuditEntry.changes),
        )
        .where(
            AuditEntry.model == model.__tablename__,
            AuditEntry.row_id.in_(by_id),
            AuditEntry.id > min(deed.last for deed in deeds),
            or_(AuditEntry.batch_id.is_(None), AuditEntry.batch_id != batch.id),
        )
        .order_by(AuditEntry.id)
    )
    for entry in entries:
        if entry.id > by_id[entry.row_id].last and not entry.changes.keys() <= UPKEEP.get(model, frozenset()):
            later[entry.row_id].append(entry)
    for row_id, found in later.items():
        taken_back = {entry.batch_id for entry in found if entry.batch_id is not None and entry.verb == VERB}
        edits = [entry for entry in found if entry.batch_id not in taken_back]
        if edits and not by_id[row_id].gone:
            by_id[row_id].part = Part.KEPT
            by_id[row_id].reason = f"Đã sửa lúc {moment(edits[-1].at)} bởi {edits[-1].actor}."


def _keep_outside(session: OcopSession, by_model: Mapping[type[Base], list[Deed]]) -> None:
    """Rows outside the area of who undoes stay, and are not named."""
    if actor().area.everything:
        return
    for model, deeds in by_model.items():
        for part in parts(deeds):
            seen = set(session.scalars(select(model.id).where(model.id.in_([deed.row_id for deed in part]))))
            for deed in part:
                if deed.row_id not in seen and not deed.gone and deed.act is not Act.DROPPED:
                    deed.label, deed.outside_area = f"{model.__label__} ngoài địa bàn", True
                    deed.part, deed.reason = Part.KEPT, "Nằm ngoài địa bàn của bạn."


# ---- what to restore --------------------------------------------------------------------------------------------


def _prepare(deed: Deed) -> None:
    """Turn what the trail keeps into values to restore."""
    if deed.act is Act.ADDED:
        deed.values = {}
        return
    if deed.act is Act.DROPPED and any(info.secret for info in fields(deed.model).values()):
        deed.keep("Nhật ký không giữ mật khẩu nên không lập lại được.")
        return
    names = _restorable(deed.model) if deed.act is Act.DROPPED else deed.values
    try:
        deed.back = {name: _typed(deed.model, name, deed.values.get(name, EMPTY)[0]) for name in names}
    except (KeyError, ValueError):
        deed.keep("Nhật ký không giữ đủ giá trị cũ.")
        return
    if deed.act is Act.DROPPED:
        deed.links = {name: deed.back[name] for name in _links(deed.model)}
        deed.code = _code(deed.model, deed.back)


def _typed(model: type[Base], attribute: str, kept: Any) -> Any:
    """A value of the trail as its column takes it; raises KeyError or ValueError where it cannot be told."""
    mapper: Mapper[Any] = inspect(model)
    column = mapper.column_attrs[attribute].columns[0]
    kind = column.type
    if kept is None:
        if column.nullable:
            return None
        if isinstance(kind, Tidy | TidyText | String) and not isinstance(kind, Enum):
            return ""
        raise ValueError(attribute)
    if isinstance(kind, Enum):
        assert kind.enum_class is not None
        return kind.enum_class(kept)
    if isinstance(kind, Date):
        return date.fromisoformat(kept)
    if isinstance(kind, Instant):
        return datetime.fromisoformat(kept)
    if isinstance(kind, Points | Numeric):
        return Decimal(kept)
    return kept


def _keep_unlinkable(session: OcopSession, deeds: Deeds) -> None:
    """Keep what would be linked to a row that is no more, or that lies outside the area of who undoes."""
    there = {
        (target, found)
        for target, ids in _linked_again(deed for deed in deeds.values() if not deed.stays).items()
        for part in parts(sorted(ids))
        for found in session.scalars(select(target.id).where(target.id.in_(part)))
    }
    for deed in deeds.values():
        for attribute, target in _links(deed.model).items():
            row_id = deed.back.get(attribute)
            if row_id is None or (target, row_id) in there:
                continue
            again = deeds.get((target, row_id))
            if again is None or again.act is not Act.DROPPED:
                name = (deed.names.get(attribute) or [""])[0]
                deed.keep(f"{target.__label__} “{name}” không còn trong sổ hoặc ngoài địa bàn của bạn.")


# ---- what depends on what ---------------------------------------------------------------------------------------


class Need(NamedTuple):
    """A row that goes back only if another does. used: because the other links to it."""

    deed: Deed
    used: bool


class _Needs:
    def __init__(self) -> None:
        self._of: defaultdict[Deed, list[Need]] = defaultdict(list)

    def add(self, deed: Deed, needed: Deed, *, used: bool = False) -> None:
        if deed is not needed:
            self._of[needed].append(Need(deed, used))

    def together(self, deeds: Sequence[Deed]) -> None:
        for deed in deeds[1:]:
            self.add(deeds[0], deed)
            self.add(deed, deeds[0])

    def follow(self, deeds: Iterable[Deed]) -> None:
        """Keep whatever needs what stays. A created row that is no more keeps nothing."""
        waiting = deque(deed for deed in deeds if deed.stays and not (deed.gone and deed.act is Act.ADDED))
        while waiting:
            cause = waiting.popleft()
            for need in self._of[cause]:
                if need.deed.stays:
                    continue
                name = f"{_lower(cause.model.__label__)} “{cause.label}”"
                need.deed.keep(f"Giữ cùng {name}.", Part.BLOCKED if need.used else cause.part)
                waiting.append(need.deed)


def _count_uses(session: OcopSession, deeds: Deeds) -> None:
    """Block created rows that others link to; rows of the batch that leave them become their linkers."""
    added = {key: deed for key, deed in deeds.items() if deed.act is Act.ADDED and not deed.gone}
    ids: defaultdict[type[Base], list[int]] = defaultdict(list)
    for model, row_id in added:
        ids[model].append(row_id)
    for mapper in Base.registry.mappers:
        other = mapper.class_
        for attribute, target in _links(other).items():  # type: ignore[arg-type]  # a class is hashable
            link = getattr(other, attribute)
            for part in parts(ids.get(target, ())):
                counted = select(link, func.count(other.id)).where(link.in_(part)).group_by(link)
                for row_id, count in session.execute(counted):
                    added[target, row_id].outside[other] += count
    for deed in deeds.values():
        for attribute, row_id in deed.links.items():
            used = added.get((_links(deed.model)[attribute], row_id))
            leaves = deed.act is Act.ADDED or (attribute in deed.back and deed.back[attribute] != row_id)
            if used is not None and leaves and deed.act is not Act.DROPPED:
                used.outside[deed.model] -= 1
                used.linkers.append(deed)
    for deed in added.values():
        if +deed.outside:
            deed.keep("", Part.BLOCKED)  # its reason is told when all that stays is known


def _need_links(deeds: Deeds, needs: _Needs) -> None:
    for deed in deeds.values():
        for linker in deed.linkers:
            needs.add(deed, linker, used=True)
        for attribute, target in _links(deed.model).items():
            after = deed.links.get(attribute) if deed.act is Act.ADDED else deed.after(attribute)
            linked = deeds.get((target, after or 0))
            before = deeds.get((target, deed.links.get(attribute) or 0))
            if _is_part(deed.model):
                for whole in (linked, before):
                    if whole is not None:
                        needs.add(deed, whole)
            if linked is None or deed.act is Act.ADDED:
                continue
            closed = linked.act is Act.ALTERED and issubclass(target, Dated) and "valid_to" in linked.values
            if closed or linked.act is Act.DROPPED:
                needs.add(deed, linked)


def _is_part(model: type[Base]) -> bool:
    """Whether rows of it are part of those they link, as steps of a product or the succession of two units."""
    return model.__screen__ is None or model is CommuneSuccession


def _need_lives(session: OcopSession, deeds: Deeds, needs: _Needs) -> None:
    """The lives of one code go back together, and only where they overlap no other life of it."""
    groups: defaultdict[tuple[type[Base], tuple[Any, ...]], list[Deed]] = defaultdict(list)
    for deed in deeds.values():
        if deed.code and not (deed.gone and deed.act is Act.ADDED):
            groups[deed.model, deed.code].append(deed)
    redated: defaultdict[type[Base], list[tuple[Any, ...]]] = defaultdict(list)
    for (model, code), group in groups.items():
        needs.together(group)
        if any(deed.back.keys() & {"valid_from", "valid_to"} for deed in group if not deed.stays):
            redated[model].append(code)
    for model, codes in redated.items():
        lives = _lives(session, model, codes)
        for code in codes:
            group = groups[model, code]
            of_batch = {deed.row_id for deed in group}
            spans = [life for life in lives[code] if life.row_id not in of_batch]
            spans += [
                _Span(deed.row_id, deed.label, deed.after("valid_from"), deed.after("valid_to"))
                for deed in group
                if deed.act is not Act.ADDED and not deed.stays
            ]
            if clash := overlap(spans):
                other = next((span for span in clash if span.row_id not in of_batch), clash[0])
                for deed in group:
                    deed.keep(f"Nếu trả lại thì trùng ngày hiệu lực với “{other.name}”.")


class _Span(NamedTuple):
    row_id: int
    name: str
    valid_from: date
    valid_to: date | None


def _lives(
    session: OcopSession, model: type[Any], codes: Sequence[tuple[Any, ...]]
) -> Mapping[tuple[Any, ...], list[_Span]]:
    names = _code_names(model)
    found: defaultdict[tuple[Any, ...], list[_Span]] = defaultdict(list)
    columns = [getattr(model, name) for name in names]
    shown = (model.id, getattr(model, model.__title__), model.valid_from, model.valid_to)
    for part in parts(codes):
        statement = select(*columns, *shown).where(columns[0].in_([code[0] for code in part]))
        for row in session.execute(statement):
            found[tuple(row[: len(names)])].append(_Span(*row[len(names) :]))
    return found


def _need_unique(session: OcopSession, deeds: Deeds, needs: _Needs) -> None:
    """Keep what would bear a key that another row bears now, unless that row gives it up with this undo."""
    for model, of_model in _by_model(deeds.values()).items():
        for names in _unique(model):
            wanted: dict[tuple[Any, ...], Deed] = {}
            for deed in of_model:
                if not deed.stays and any(name in deed.back for name in names):
                    value = tuple(deed.after(name) for name in names)
                    if None not in value:
                        wanted[value] = deed
            columns = [getattr(model, name) for name in names]
            for part in parts(list(wanted)):
                statement = select(model.id, *columns).where(tuple_(*columns).in_(part))
                for row in session.execute(statement):
                    deed = wanted[tuple(row[1:])]
                    if row[0] != deed.row_id:
                        _need_key(needs, deed, deeds.get((model, row[0])), names)


def _need_key(needs: _Needs, deed: Deed, bearer: Deed | None, names: tuple[str, ...]) -> None:
    if bearer is not None and (bearer.act is Act.ADDED or any(name in bearer.back for name in names)):
        needs.add(deed, bearer)
        return
    labels = " và ".join(_lower(label_of(deed.model, name)) for name in names)
    deed.keep(f"Nếu trả lại thì trùng {labels} với một bản ghi khác.")


@cache
def _unique(model: type[Base]) -> tuple[tuple[str, ...], ...]:
    """The attributes of each key that the database holds unique."""
    table = model.__table__
    assert isinstance(table, Table)
    mapper: Mapper[Any] = inspect(model)
    kept = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    together = [tuple(each.columns) for each in kept]
    together += [tuple(each.columns) for each in table.indexes if each.unique]
    return tuple(tuple(mapper.get_property_by_column(column).key for column in columns) for columns in together)


# ---- said -------------------------------------------------------------------------------------------------------


def _undo_of(session: OcopSession, deeds: Collection[Deed]) -> Undo:
    lists: dict[Part, list[Line]] = {part: [] for part in Part}
    altered = [deed for deed in deeds if deed.act is Act.ALTERED and not deed.stays]
    to_communes = [(deed, name) for deed in altered for name in deed.back if _links(deed.model).get(name) is Commune]
    named: set[Any] = {value for deed, name in to_communes for value in (deed.back[name], deed.now.get(name))}
    places = place_lines(session, named - {None}, today())
    for deed in deeds:
        changes = _shown(deed, places) if deed.act is Act.ALTERED and not deed.stays else ()
        lists[deed.part].append(Line(deed.model, deed.row_id, deed.label, _reason(deed), deed.is_there, changes))
    return Undo(lists[Part.REVERSED], lists[Part.KEPT], lists[Part.BLOCKED])


def _reason(deed: Deed) -> str:
    if not deed.stays:
        return REASONS[deed.act]
    if deed.act is Act.ADDED and deed.part is Part.BLOCKED:
        staying = Counter(linker.model for linker in deed.linkers if linker.stays and not linker.gone)
        parts_of_it = {model: count for model, count in staying.items() if _is_part(model)}
        uses = +deed.outside + (staying - Counter(parts_of_it))  # parts stay because it does
        if uses:
            named = (f"{number(count)} {_lower(model.__plural__)}" for model, count in uses.items())
            return f"Đang được dùng: {', '.join(named)}."
    return deed.reason


def _shown(deed: Deed, places: Mapping[int, str]) -> list[tuple[str, str, str]]:
    """places: communes by today's name first."""
    found = []
    for name, value in deed.back.items():
        now = deed.now.get(name)
        then, current = deed.names.get(name) or (words(value), words(now))
        if _links(deed.model).get(name) is Commune:
            then, current = places.get(value, then), places.get(now or 0, current)
        found.append((_label(deed.model, name), str(current or ""), str(then or "")))
    return found


@cache
def _label(model: type[Base], name: str) -> str:
    return label_of(model, name)


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]


# ---- undone -----------------------------------------------------------------------------------------------------


def _reverse(session: OcopSession, deeds: Sequence[Deed]) -> None:
    """Links are put back before what they lead to is removed, keys after what bears them is."""
    again = {deed.key for deed in deeds if deed.act is Act.DROPPED}
    relinked: list[Deed] = []
    others: list[Deed] = []
    for deed in deeds:
        if deed.act is Act.ALTERED:
            links = [(target, deed.back[name]) for name, target in _links(deed.model).items() if name in deed.back]
            (relinked if links and not again.intersection(links) else others).append(deed)
    _restore(session, relinked)
    _remove(session, [deed for deed in deeds if deed.act is Act.ADDED])
    _put_back(session, [deed for deed in deeds if deed.act is Act.DROPPED])
    _restore(session, others)


def _restore(session: OcopSession, deeds: Sequence[Deed]) -> None:
    for model, of_model in _by_model(deeds).items():
        for count, part in enumerate(parts(of_model)):
            progress.step(progress.Part.WRITING, count * BATCH, len(of_model))
            linked = _held(session, part)
            rows = _rows(session, model, part)
            with session.no_autoflush:
                for deed in part:
                    for name, value in deed.back.items():
                        setattr(rows[deed.row_id], name, value)
            session.flush()
            del linked


def _remove(session: OcopSession, deeds: Sequence[Deed]) -> None:
    """Rows that link to others first; of one model, by waves."""
    by_model = _by_model(deeds)
    for model in _in_order(by_model, reverse=True):
        waiting = by_model[model]
        own = [name for name, target in _links(model).items() if target is model]
        while waiting:
            used = {deed.links[name] for deed in waiting for name in own}
            free = [deed for deed in waiting if deed.row_id not in used] or waiting
            for count, part in enumerate(parts(free)):
                progress.step(progress.Part.WRITING, count * BATCH, len(free))
                for row in _rows(session, model, part).values():
                    session.delete(row)
                session.flush()
            waiting = [deed for deed in waiting if deed.row_id in used] if free is not waiting else []


def _put_back(session: OcopSession, deeds: Sequence[Deed]) -> None:
    by_model = _by_model(deeds)
    for model in _in_order(by_model):
        for deed in by_model[model]:
            session.add(model(id=deed.row_id, **deed.back))
        session.flush()


def _in_order(models: Iterable[type[Base]], *, reverse: bool = False) -> list[type[Base]]:
    """Models, those linked to before those that link."""
    order = {table.name: place for place, table in enumerate(Base.metadata.sorted_tables)}
    return sorted(models, key=lambda model: order[model.__tablename__], reverse=reverse)


def _rows(session: OcopSession, model: type[Base], deeds: Sequence[Deed]) -> dict[int, Base]:
    """The rows as they were judged, with what their place and search text are made of."""
    relations = {path.partition(".")[0] for path in model.__search__ if "." in path} | {places_relation(model)}
    loading = [joinedload(getattr(model, name)) for name in sorted(name for name in relations if name)]
    statement = select(model).where(model.id.in_([deed.row_id for deed in deeds])).options(*loading)
    rows: dict[int, Base] = {row.id: row for row in session.scalars(statement)}
    for deed in deeds:
        row = rows.get(deed.row_id)
        if row is None or row.version != deed.version:
            raise UndoMoved
    return rows


def _held(session: OcopSession, deeds: Sequence[Deed]) -> list[Base]:
    """Rows that restored links lead to, read once and kept: the session lets go of what nobody holds."""
    return [
        row
        for target, ids in _linked_again(deeds).items()
        for part in parts(sorted(ids))
        for row in session.scalars(select(target).where(target.id.in_(part)))
    ]


def _linked_again(deeds: Iterable[Deed]) -> dict[type[Base], set[int]]:
    """Ids of the rows that restored links lead to."""
    found: defaultdict[type[Base], set[int]] = defaultdict(set)
    for deed in deeds:
        for name, target in _links(deed.model).items():
            if deed.back.get(name) is not None:
                found[target].add(deed.back[name])
    return found
