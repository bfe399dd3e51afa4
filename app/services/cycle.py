"""Chu trình: enter a product, move it to its next step, send it back; one StepRecord each.

The caller opens the transaction; the `…_many` functions give each product its own savepoint.
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

Row = TypeVar("Row", bound=Base)


class StepNotReady(OcopError):
    sentence = "Sản phẩm “{product}” chưa thể chuyển bước: {needs}"

    def __init__(self, participation: Participation, needs: Sequence[Reason]) -> None:
        self.participation, self.needs = participation, needs
        super().__init__(product=participation.product.name, needs=" ".join(n.sentence for n in needs))


class NotReturnable(OcopError):
    sentence = "Sản phẩm “{product}” không trả lại được: {needs}"

    def __init__(self, participation: Participation, needs: Sequence[Reason]) -> None:
        self.participation, self.needs = participation, needs
        super().__init__(product=participation.product.name, needs=" ".join(n.sentence for n in needs))


class ReasonNeeded(OcopError):
    sentence = "Chưa ghi lý do. Ghi rõ phải sửa gì để chủ thể nộp lại."


class NotReturned(OcopError):
    sentence = "Sản phẩm “{product}” không bị trả lại nên không cần nộp lại. Xem bước hiện tại của sản phẩm."


class AlreadyOut(OcopError):
    sentence = "Sản phẩm “{product}” đã ra khỏi chu trình năm {year}. Không cần làm gì thêm."


class AlreadyIn(OcopError):
    sentence = "Sản phẩm “{product}” đã có trong chu trình năm {year}. Mở sản phẩm để xem bước hiện tại."


class CycleNotOpen(OcopError):
    sentence = "{cycle} không mở vào ngày {day}. Chọn chu trình đang mở."


class OtherProvince(OcopError):
    sentence = "{cycle} là của tỉnh khác với nơi sản xuất của “{product}”. Chọn chu trình của tỉnh đó."


# ---- one product -------------------------------------------------------------------------------------------


def current_cycle(session: OcopSession, today: date) -> Cycle | None:
    """The cycle a person works in: begun, of the own area; one that own rows take part in first, then an open one."""
    still_open = or_(Cycle.closed_on.is_(None), Cycle.closed_on >= today)
    takes_part = exists().where(Participation.cycle_id == Cycle.id)
    order = (takes_part.desc(), still_open.desc(), Cycle.year.desc(), Cycle.id)
    return session.execute(select(Cycle).where(Cycle.opened_on <= today).order_by(*order).limit(1)).scalar()


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
    steps = _steps(session)
    standing = _standing(session, [participation], steps, today)
    needs = _missing(session, participation, steps, standing, today)
    after = rules.next_step(steps, participation.step, today)
    if needs or after is None:
        raise StepNotReady(participation, needs)
    with session.doing("chuyển bước"):
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
    """Return what was handed in; the step stays, the state says so. Raises ReasonNeeded, NotReturnable."""
    if not reason.strip():
        raise ReasonNeeded
    if needs := rules.missing_to_send_back(participation, today=today):
        raise NotReturnable(participation, needs)
    with session.doing("trả lại"):
        participation.state = ParticipationState.RETURNED
        participation.returns += 1
        return _write(session, participation, Move.SEND_BACK, participation.step, reason=reason, at=at)


def resubmit(
    session: OcopSession,
    participation: Participation,
    *,
    today: date,
    note: str = "",
    at: datetime | None = None,
) -> StepRecord:
    """Take what was returned in again; it waits for the next check. Raises NotReturned, CycleNotOpen."""
    if participation.state is not ParticipationState.RETURNED:
        raise NotReturned(product=participation.product.name)
    if not rules.is_open(participation.cycle, today):
        raise CycleNotOpen(cycle=participation.cycle.name, day=f"{today:%d/%m/%Y}")
    with session.doing("nộp lại"):
        participation.state = ParticipationState.SUBMITTED
        return _write(session, participation, Move.RESUBMIT, participation.step, note=note, at=at)


def withdraw(
    session: OcopSession,
    participation: Participation,
    *,
    reason: str,
    today: date,
    at: datetime | None = None,
) -> StepRecord:
    """Take a product out of its cycle, for good. Raises ReasonNeeded, AlreadyOut, CycleNotOpen."""
    if not reason.strip():
        raise ReasonNeeded
    if participation.state in (ParticipationState.WITHDRAWN, ParticipationState.NOT_SELECTED):
        raise AlreadyOut(product=participation.product.name, year=participation.cycle.year)
    if not rules.is_open(participation.cycle, today):
        raise CycleNotOpen(cycle=participation.cycle.name, day=f"{today:%d/%m/%Y}")
    with session.doing("rút khỏi chu trình"):
        participation.state = ParticipationState.WITHDRAWN
        return _write(session, participation, Move.WITHDRAW, participation.step, reason=reason, at=at)


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


def check_advance(
    session: OcopSession, model: type[Product] | type[Participation], ids: Iterable[int], *, today: date
) -> Check:
    """Who of the ticked rows could move, and who not and why; changes nothing, a few queries for 500 rows.

    ids: of products, each judged by its participation in the open cycle, or of participations themselves.
    """
    return _check_advance(session, _cases(session, model, ids, today), today)


def _check_advance(session: OcopSession, cases: "Sequence[_Case]", today: date) -> Check:
    steps = _steps(session)
    standing = _standing(session, [p for _, p in cases if isinstance(p, Participation)], steps, today)
    return _sorted_out(cases, lambda p: _missing(session, p, steps, standing, today))


def check_send_back(
    session: OcopSession, model: type[Product] | type[Participation], ids: Iterable[int], *, today: date
) -> Check:
    """As check_advance, for sending back."""
    return _sorted_out(_cases(session, model, ids, today), lambda p: rules.missing_to_send_back(p, today=today))


def check_resubmit(
    session: OcopSession, model: type[Product] | type[Participation], ids: Iterable[int], *, today: date
) -> Check:
    """As check_advance, for taking in again what was returned."""
    return _sorted_out(_cases(session, model, ids, today), lambda p: rules.missing_to_resubmit(p, today=today))


class Checks(NamedTuple):
    """What the three moves would do with one product."""

    advance: Check
    send_back: Check
    resubmit: Check


def check_moves(session: OcopSession, product: Product, *, today: date) -> Checks:
    """The three checks of one product, read once: what its record offers."""
    cases = _cases(session, Product, [product.id], today)
    return Checks(
        _check_advance(session, cases, today),
        _sorted_out(cases, lambda p: rules.missing_to_send_back(p, today=today)),
        _sorted_out(cases, lambda p: rules.missing_to_resubmit(p, today=today)),
    )


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


def advance_many(session: OcopSession, seen: Mapping[int, Seen], *, today: date, note: str = "") -> Outcome:
    """Move each participation that the check page showed, each in its own savepoint.

    seen: Check.seen as it was on the check page. Those that moved since (a double click) are skipped, those
    that were changed otherwise fail with their sentence, and the others go on.
    """
    return _each(
        session,
        seen,
        lambda p, was: p.step.number > was.step,
        lambda p: f"Đã ở bước {p.step.number} từ ngày {p.entered_on:%d/%m/%Y}.",
        lambda p: advance(session, p, today=today, note=note),
    )


def send_back_many(session: OcopSession, seen: Mapping[int, Seen], *, reason: str, today: date) -> Outcome:
    """Send each back, as advance_many moves them. Raises ReasonNeeded before anything is done."""
    if not reason.strip():
        raise ReasonNeeded
    return _each(
        session,
        seen,
        lambda p, was: p.state is ParticipationState.RETURNED and p.version != was.version,
        lambda p: f"Đã trả lại ở bước {p.step.number}.",
        lambda p: send_back(session, p, reason=reason, today=today),
    )


def resubmit_many(session: OcopSession, seen: Mapping[int, Seen], *, today: date, note: str = "") -> Outcome:
    """Take each in again, as advance_many moves them."""
    return _each(
        session,
        seen,
        lambda p, was: p.state is not ParticipationState.RETURNED and p.version != was.version,
        lambda p: f"Đã nộp lại ở bước {p.step.number}.",
        lambda p: resubmit(session, p, today=today, note=note),
    )


def _each(
    session: OcopSession,
    seen: Mapping[int, Seen],
    is_done: Callable[[Participation, Seen], bool],
    done: Callable[[Participation], str],
    act: Callable[[Participation], StepRecord],
) -> Outcome:
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
        if is_done(participation, was):
            outcome.skipped.append(Left(name, done(participation), participation))
            continue
        try:
            if participation.version != was.version:
                raise StaleVersion(participation)
            session.saw(Participation, row_id, was.version)
            with session.begin_nested():
                act(participation)
            outcome.moved.append(participation)
        except (StepNotReady, NotReturnable) as refusal:
            outcome.skipped.append(Left(name, refusal.needs[0].sentence, participation))
        except OcopError as refusal:
            outcome.failed.append(Left(name, str(refusal), participation))
        except StaleDataError:  # another transaction was quicker by less than this one's length
            outcome.failed.append(Left(name, StaleVersion.sentence.format(name=name), participation))
    return outcome


# ---- what all of them read ---------------------------------------------------------------------------------


def _missing(
    session: OcopSession,
    participation: Participation,
    steps: Sequence[CycleStep],
    standing: Mapping[int, Rating],
    today: date,
) -> list[Reason]:
    return rules.missing(
        participation,
        steps=steps,
        today=today,
        rating=standing.get(participation.id),
        role=session.actor.role,
    )


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

    A participation comes with its product, cycle and step.
    """
    wanted = sorted(values)
    statement = select(model)
    if model is Participation:
        together = (Participation.product, Participation.cycle, Participation.step)
        statement = statement.options(*(selectinload(relation) for relation in together))
    rows: list[Row] = []
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        rows += session.scalars(statement.where(getattr(model, attribute).in_(part)))
    return rows
