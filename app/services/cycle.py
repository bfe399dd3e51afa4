"""Chu trình: enter a product, move it to its next step, send it back; one StepRecord each.

The caller opens the transaction; `move_many` gives each product its own savepoint.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.exc import StaleDataError

from app import current
from app.errors import OcopError
from app.session import OcopSession, StaleVersion
from models import (
    Base,
    Commune,
    CommuneSuccession,
    Cycle,
    CycleStep,
    Move,
    Participation,
    ParticipationState,
    Product,
    Rating,
    StepCode,
    StepRecord,
)
from models.base import now
from models.rules import cycle as rules
from models.rules.cycle import Reason
from models.rules.words import VIETNAM

Row = TypeVar("Row", bound=Base)


class StepNotReady(OcopError):
    """What the place of a product in its cycle does not allow."""

    sentence = "Sản phẩm “{product}” chưa thể {act}: {needs}"

    def __init__(self, participation: Participation, move: Move, needs: Sequence[Reason]) -> None:
        self.participation, self.needs = participation, needs
        super().__init__(product=participation.product.name, act=ACTS[move], needs=" ".join(n.sentence for n in needs))


class ReasonNeeded(OcopError):
    sentence = "Chưa ghi lý do. Ghi lý do rồi bấm lại."


class AlreadyIn(OcopError):
    sentence = "Sản phẩm “{product}” đã có trong chu trình năm {year}. Mở sản phẩm để xem bước hiện tại."


class CycleNotOpen(OcopError):
    sentence = "{cycle} không mở vào ngày {day}. Chọn chu trình đang mở."


class OtherProvince(OcopError):
    sentence = "{cycle} là của tỉnh khác với nơi sản xuất của “{product}”. Chọn chu trình của tỉnh đó."


ACTS = {
    Move.ADVANCE: "chuyển bước",
    Move.STEP_BACK: "lùi bước",
    Move.HAND_IN: "ghi nhận nộp",
    Move.SEND_BACK: "trả lại",
    Move.WITHDRAW: "rút khỏi chu trình",
    Move.REJOIN: "đưa lại vào chu trình",
}


# ---- one product -------------------------------------------------------------------------------------------


def current_cycle(session: OcopSession, today: date) -> Cycle | None:
    """The cycle a person works in: begun, of the own area; one that own rows take part in first, then an open one."""
    still_open = or_(Cycle.closed_on.is_(None), Cycle.closed_on >= today)
    takes_part = exists().where(Participation.cycle_id == Cycle.id)
    order = (takes_part.desc(), still_open.desc(), Cycle.year.desc(), Cycle.id)
    return session.execute(select(Cycle).where(Cycle.opened_on <= today).order_by(*order).limit(1)).scalar()


def open_cycle(session: OcopSession, product: Product, today: date) -> Cycle | None:
    """The one that a product can be in today."""
    return _open_cycles(session, [product], today).get(product.commune_id)


def enter(
    session: OcopSession,
    product: Product,
    cycle: Cycle,
    *,
    today: date,
    note: str = "",
    at: datetime | None = None,
) -> Participation:
    """Take a product into a cycle, at its first step.

    at: when it was done, for what is written down later; now when not given (so in every function below).
    Raises CycleNotOpen, OtherProvince, AlreadyIn.
    """
    _refuse_entry(session, product, cycle, today)
    there = select(Participation.id).where(Participation.product_id == product.id, Participation.cycle_id == cycle.id)
    if session.scalar(there) is not None:
        raise AlreadyIn(product=product.name, year=cycle.year)
    with session.doing("vào chu trình"):
        participation = Participation(product=product, cycle=cycle)
        _at_first_step(session, participation, today)
        session.add(participation)
        _write(session, participation, Move.ENTER, None, note=note, at=at)
    return participation


def settle_entry(session: OcopSession, participation: Participation) -> None:
    """Fill the rest of a new participation that a file names by product and cycle, as `enter` does.

    Raises CycleNotOpen, OtherProvince.
    """
    cycle, product = session.get_one(Cycle, participation.cycle_id), session.get_one(Product, participation.product_id)
    day = current.today()
    _refuse_entry(session, product, cycle, day)
    _at_first_step(session, participation, day)
    _write(session, participation, Move.ENTER, None, at=None)


def _refuse_entry(session: OcopSession, product: Product, cycle: Cycle, day: date) -> None:
    if not rules.is_open(cycle, day):
        raise CycleNotOpen(cycle=cycle.name, day=f"{day:%d/%m/%Y}")
    if cycle.province_id not in _provinces(session, [product])[product.commune_id]:
        raise OtherProvince(cycle=cycle.name, product=product.name)


def _at_first_step(session: OcopSession, participation: Participation, day: date) -> None:
    participation.step = rules.first_step(_steps(session), day)
    participation.state = rules.state_on_entering(participation.step)
    participation.entered_on = day


def advance(
    session: OcopSession,
    participation: Participation,
    *,
    today: date,
    note: str = "",
    at: datetime | None = None,
) -> StepRecord:
    """Move one product of one cycle to its next step; leaving a hand-in step says that the hand-in is valid.

    Raises StepNotReady with every reason.
    """
    _refuse(session, participation, Move.ADVANCE, today)
    after = rules.next_step(_steps(session), participation.step, today)
    assert after is not None  # the last step was refused
    with session.doing(ACTS[Move.ADVANCE]):
        before = participation.step
        participation.step = after
        participation.state = rules.state_on_entering(after)
        participation.entered_on = today
        return _write(session, participation, Move.ADVANCE, before, note=note, at=at)


def send_back(
    session: OcopSession,
    participation: Participation,
    *,
    reason: str,
    today: date,
    at: datetime | None = None,
) -> StepRecord:
    """Return what was handed in; the step stays, the state says so. Raises ReasonNeeded, StepNotReady."""
    _refuse(session, participation, Move.SEND_BACK, today, reason)
    with session.doing(ACTS[Move.SEND_BACK]):
        participation.state = ParticipationState.RETURNED
        participation.returns += 1
        return _write(session, participation, Move.SEND_BACK, participation.step, reason=reason, at=at)


def hand_in(
    session: OcopSession,
    participation: Participation,
    *,
    today: date,
    note: str = "",
    at: datetime | None = None,
) -> StepRecord:
    """Take papers in, for the first time or after a return; they wait for the next check. Raises StepNotReady."""
    _refuse(session, participation, Move.HAND_IN, today)
    again = participation.state is ParticipationState.RETURNED
    with session.doing("nộp lại" if again else ACTS[Move.HAND_IN]):
        participation.state = ParticipationState.SUBMITTED
        move = Move.RESUBMIT if again else Move.HAND_IN
        return _write(session, participation, move, participation.step, note=note, at=at)


def withdraw(
    session: OcopSession,
    participation: Participation,
    *,
    reason: str,
    today: date,
    at: datetime | None = None,
) -> StepRecord:
    """Take a product out of its cycle; it keeps its step. Raises ReasonNeeded, StepNotReady."""
    _refuse(session, participation, Move.WITHDRAW, today, reason)
    with session.doing(ACTS[Move.WITHDRAW]):
        participation.state = ParticipationState.WITHDRAWN
        return _write(session, participation, Move.WITHDRAW, participation.step, reason=reason, at=at)


def rejoin(
    session: OcopSession,
    participation: Participation,
    *,
    today: date,
    note: str = "",
    at: datetime | None = None,
) -> StepRecord:
    """Bring a withdrawn product back to the step and the state it left. Raises StepNotReady."""
    _refuse(session, participation, Move.REJOIN, today)
    with session.doing(ACTS[Move.REJOIN]):
        before = rules.not_undone(participation.records)[:-1]
        participation.state = rules.state_after(before, participation.step)
        return _write(session, participation, Move.REJOIN, participation.step, note=note, at=at)


def step_back(
    session: OcopSession,
    participation: Participation,
    *,
    reason: str,
    today: date,
    at: datetime | None = None,
) -> StepRecord:
    """Take the last advance back: step, state and day are those from before. Raises ReasonNeeded, StepNotReady."""
    _refuse(session, participation, Move.STEP_BACK, today, reason)
    with session.doing(ACTS[Move.STEP_BACK]):
        *before, last = rules.not_undone(participation.records)
        assert last.from_step is not None  # an advance, else it was refused
        left, participation.step = participation.step, last.from_step
        participation.state = rules.state_after(before, participation.step)
        entries = (r for r in reversed(before) if r.move in (Move.ENTER, Move.ADVANCE))
        if entry := next(entries, None):
            participation.entered_on = entry.moved_at.astimezone(VIETNAM).date()
        return _write(session, participation, Move.STEP_BACK, left, reason=reason, at=at)


def remove(session: OcopSession, participation: Participation) -> None:
    """Delete what was entered by mistake, with the record of its entry; the database refuses one that moved since."""
    with session.doing("xóa"):
        for record in participation.records:
            if record.move is Move.ENTER:
                session.delete(record)
        session.delete(participation)


def _refuse(
    session: OcopSession, participation: Participation, move: Move, today: date, reason: str | None = None
) -> None:
    """reason: of a move that needs one."""
    if reason is not None and not reason.strip():
        raise ReasonNeeded
    if needs := _judge(session, move, [participation], today)(participation):
        raise StepNotReady(participation, move, needs)


def _write(
    session: OcopSession,
    participation: Participation,
    move: Move,
    before: CycleStep | None,
    *,
    note: str = "",
    reason: str = "",
    at: datetime | None,
) -> StepRecord:
    record = StepRecord(
        participation=participation,
        move=move,
        from_step=before,
        to_step=participation.step,
        moved_at=at or now(),
        moved_by=session.actor.name,
        note=note,
        reason=reason,
    )
    session.add(record)
    return record


# ---- many products: what a check page shows ----------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """can: these would move, in Vietnamese order. stay: the products that would not, by first reason."""

    can: list[Participation] = field(default_factory=list)
    stay: dict[Reason, list[Product]] = field(default_factory=lambda: defaultdict(list))

    @property
    def seen(self) -> "dict[int, Seen]":
        """What the confirmation must send back, by participation id."""
        return {p.id: Seen(p.version, p.step.number) for p in self.can}


class Seen(NamedTuple):
    """A participation as the check page showed it."""

    version: int
    step: int


def check(
    session: OcopSession, move: Move, model: type[Product] | type[Participation], ids: Iterable[int], *, today: date
) -> Check:
    """Who of the ticked rows could move so, and who not and why; changes nothing, a few queries for 500 rows.

    ids: of products, each judged by its participation in the open cycle, or of participations themselves.
    """
    return _check(session, move, _cases(session, model, ids, today), today)


def check_moves(session: OcopSession, product: Product, *, today: date) -> dict[Move, Check]:
    """Every check of one product, which is read once: what its record offers."""
    cases = _cases(session, Product, [product.id], today)
    return {move: _check(session, move, cases, today) for move in ACTS}


def _check(session: OcopSession, move: Move, cases: "Sequence[_Case]", today: date) -> Check:
    return _sorted_out(cases, _judge(session, move, [p for _, p in cases if isinstance(p, Participation)], today))


_Case = tuple[Product, Participation | Reason]


def _sorted_out(cases: Iterable[_Case], missing: Callable[[Participation], list[Reason]]) -> Check:
    check = Check()
    for product, participation in sorted(cases, key=lambda case: (case[0].sort_key, case[0].id)):
        needs = [participation] if isinstance(participation, Reason) else missing(participation)
        if isinstance(participation, Participation) and not needs:
            check.can.append(participation)
        else:
            check.stay[needs[0]].append(product)
    return check


def _cases(
    session: OcopSession, model: type[Product] | type[Participation], ids: Iterable[int], today: date
) -> list[_Case]:
    if model is Participation:
        return [(p.product, p) for p in _rows(session, Participation, "id", ids)]
    products = _rows(session, Product, "id", ids)
    taking_part = _rows(session, Participation, "product_id", [p.id for p in products])
    open_ = _open_cycles(session, products, today)
    of_product: defaultdict[int, list[Participation]] = defaultdict(list)
    for participation in taking_part:
        of_product[participation.product_id].append(participation)
    return [(p, _which(of_product[p.id], p.commune_id in open_, today)) for p in products]


def _which(taking_part: Sequence[Participation], could_take_part: bool, today: date) -> Participation | Reason:
    """The participation an action means: in an open cycle; without one the last, whose year is closed."""
    newest_first = sorted(taking_part, key=lambda p: p.cycle.year, reverse=True)
    in_open = next((p for p in newest_first if rules.is_open(p.cycle, today)), None)
    if in_open is not None:
        return in_open
    if could_take_part:
        return rules.NOT_IN_CYCLE
    return newest_first[0] if newest_first else rules.NO_OPEN_CYCLE


# ---- many products: the confirmed action -------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """A product that the action left where it was; participation is None when it is out of reach by now."""

    name: str
    sentence: str
    participation: Participation | None


@dataclass(frozen=True)
class Outcome:
    """skipped: nothing to do any more. failed: changed by somebody since the check page; look again."""

    moved: list[Participation] = field(default_factory=list)
    skipped: list[Left] = field(default_factory=list)
    failed: list[Left] = field(default_factory=list)


class _Many(NamedTuple):
    """A move of many. text: what the clerk wrote, a note or a reason. is_done: it was moved so since the check."""

    act: Callable[[OcopSession, Participation, date, str], StepRecord]
    is_done: Callable[[Participation, "Seen"], bool]
    done: str
    reasoned: bool = False


_MANY = {
    Move.ADVANCE: _Many(
        lambda session, p, today, text: advance(session, p, today=today, note=text),
        lambda p, was: p.step.number > was.step,
        "Đã ở bước {step} từ ngày {day}.",
    ),
    Move.STEP_BACK: _Many(
        lambda session, p, today, text: step_back(session, p, today=today, reason=text),
        lambda p, was: p.step.number < was.step,
        "Đã lùi về bước {step}.",
        reasoned=True,
    ),
    Move.HAND_IN: _Many(
        lambda session, p, today, text: hand_in(session, p, today=today, note=text),
        lambda p, was: p.state is ParticipationState.SUBMITTED and p.version != was.version,
        "Đã nộp ở bước {step}.",
    ),
    Move.SEND_BACK: _Many(
        lambda session, p, today, text: send_back(session, p, today=today, reason=text),
        lambda p, was: p.state is ParticipationState.RETURNED and p.version != was.version,
        "Đã trả lại ở bước {step}.",
        reasoned=True,
    ),
    Move.WITHDRAW: _Many(
        lambda session, p, today, text: withdraw(session, p, today=today, reason=text),
        lambda p, was: p.state is ParticipationState.WITHDRAWN and p.version != was.version,
        "Đã rút ở bước {step}.",
        reasoned=True,
    ),
    Move.REJOIN: _Many(
        lambda session, p, today, text: rejoin(session, p, today=today, note=text),
        lambda p, was: p.state is not ParticipationState.WITHDRAWN and p.version != was.version,
        "Đã đưa lại vào bước {step}.",
    ),
}


def move_many(session: OcopSession, move: Move, seen: Mapping[int, Seen], *, today: date, text: str = "") -> Outcome:
    """Move each participation that the check page showed, each in its own savepoint.

    seen: Check.seen as it was on the check page. Those that moved since (a double click) are skipped, those
    that were changed otherwise fail with their sentence, and the others go on.
    text: the note, or the reason of a move that needs one. Raises ReasonNeeded before anything is done.
    """
    many = _MANY[move]
    if many.reasoned and not text.strip():
        raise ReasonNeeded
    outcome = Outcome()
    here = {p.id: p for p in _rows(session, Participation, "id", seen)}
    for row_id, was in seen.items():
        participation = here.get(row_id)
        if participation is None:
            outcome.failed.append(
                Left(f"số {row_id}", "Không còn trong chu trình hoặc ngoài địa bàn. Xem lại danh sách.", None)
            )
            continue
        name = participation.product.name
        if many.is_done(participation, was):
            done = many.done.format(step=participation.step.number, day=f"{participation.entered_on:%d/%m/%Y}")
            outcome.skipped.append(Left(name, done, participation))
            continue
        try:
            if participation.version != was.version:
                raise StaleVersion(participation)
            session.saw(Participation, row_id, was.version)
            with session.begin_nested():
                many.act(session, participation, today, text)
            outcome.moved.append(participation)
        except StepNotReady as refusal:
            outcome.skipped.append(Left(name, refusal.needs[0].sentence, participation))
        except OcopError as refusal:
            outcome.failed.append(Left(name, str(refusal), participation))
        except StaleDataError:  # another transaction was quicker by less than this one's length
            outcome.failed.append(Left(name, StaleVersion.sentence.format(name=name), participation))
    return outcome


# ---- what all of them read ---------------------------------------------------------------------------------


def _judge(
    session: OcopSession, move: Move, participations: Sequence[Participation], today: date
) -> Callable[[Participation], list[Reason]]:
    """What keeps each of them from a move; what that rests on is read for all together."""
    role = session.actor.role
    if move is Move.ADVANCE:
        steps = _steps(session)
        standing = _standing(session, participations, steps, today)
        return lambda p: rules.missing(p, steps=steps, today=today, rating=standing.get(p.id), role=role)
    if move is Move.STEP_BACK:
        ids = [p.id for p in participations]
        records: defaultdict[int, list[StepRecord]] = defaultdict(list)
        for record in sorted(_rows(session, StepRecord, "participation_id", ids), key=lambda r: r.id):
            records[record.participation_id].append(record)
        # By their products: where most results have no participation SQLite would not look it up by its index.
        ratings = _rows(session, Rating, "product_id", {p.product_id for p in participations})
        rated = {r.participation_id: r.created_at for r in ratings}
        return lambda p: rules.missing_to_step_back(
            p, records=records[p.id], rated_at=rated.get(p.id), today=today, role=role
        )
    if move is Move.HAND_IN:
        return lambda p: rules.missing_to_hand_in(p, today=today)
    rule = {
        Move.SEND_BACK: rules.missing_to_send_back,
        Move.WITHDRAW: rules.missing_to_withdraw,
        Move.REJOIN: rules.missing_to_rejoin,
    }[move]
    return lambda p: rule(p, today=today, role=role)


def _steps(session: OcopSession) -> Sequence[CycleStep]:
    """Every step of every period."""
    return session.scalars(select(CycleStep)).all()


def _open_cycles(session: OcopSession, products: Iterable[Product], today: date) -> dict[int, Cycle]:
    """{commune id: the cycle that its products can be in today}, the newest when two are open.

    Of its province, or of the one that took the commune over: a record that still lies in a commune of former
    Bến Tre takes part in the cycles of the new Vĩnh Long.
    """
    provinces = _provinces(session, products)
    cycles = _rows(session, Cycle, "province_id", set().union(*provinces.values()))
    newest_last = sorted((c for c in cycles if rules.is_open(c, today)), key=lambda c: c.year)
    return {commune: cycle for commune, its in provinces.items() for cycle in newest_last if cycle.province_id in its}


def _provinces(session: OcopSession, products: Iterable[Product]) -> dict[int, set[int]]:
    """{commune id: its province, and those that took the commune over}."""
    found = {p.commune_id: {p.province_id} for p in products}
    successions = _rows(session, CommuneSuccession, "old_id", found)
    new = {c.id: c for c in _rows(session, Commune, "id", {s.new_id for s in successions})}
    for succession in successions:
        if succession.new_id in new:
            found[succession.old_id].add(new[succession.new_id].province_id)
    return found


def _standing(
    session: OcopSession, participations: Iterable[Participation], steps: Sequence[CycleStep], today: date
) -> dict[int, Rating]:
    """{participation id: the rating that counts}, asked only for those whose next step is the last."""
    waiting = [
        p
        for p in participations
        if (after := rules.next_step(steps, p.step, today)) and after.code is StepCode.PROMOTION
    ]
    ratings: defaultdict[int, list[Rating]] = defaultdict(list)
    for rating in _rows(session, Rating, "product_id", {p.product_id for p in waiting}):
        ratings[rating.product_id].append(rating)
    best = {p.id: rules.standing(ratings[p.product_id], p, today) for p in waiting}
    return {row_id: rating for row_id, rating in best.items() if rating is not None}


def _rows(session: OcopSession, model: type[Row], attribute: str, values: Iterable[int]) -> list[Row]:
    """All rows in reach whose attribute is one of the values; 500 values a query, databases limit them.

    Many participations come with their products, cycles and steps; what one leads to its page has loaded.
    """
    wanted = sorted(values)
    statement = select(model)
    if model is Participation and len(wanted) > 1:
        together = (Participation.product, Participation.cycle, Participation.step)
        statement = statement.options(*(selectinload(relation) for relation in together))
    rows: list[Row] = []
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        rows += session.scalars(statement.where(getattr(model, attribute).in_(part)))
    return rows
