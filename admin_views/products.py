"""Sản phẩm: the list with step, star and term; the record with its way through the cycle."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from admin_views import pages
from admin_views.base import BASE_URL, Action, OcopView
from admin_views.columns import TONES, Shown, shown, two_lines
from admin_views.geography import places_filter
from admin_views.pages import Tone
from admin_views.query import ListFilter, row_number
from admin_views.steps import step_actions
from app.current import actor, today
from app.services import cycle as service
from app.session import OcopSession
from app.table import Column
from models import Cycle, CycleStep, Move, Participation, ParticipationState, Product, Rating, StepRecord
from models.base import Base
from models.rules.access import may
from models.rules.cycle import NOT_IN_CYCLE, next_step
from models.rules.rating import Recognition
from models.rules.words import VIETNAM, day, moment, number

CYCLE_TAB = "chu-trinh"
SOON = 30
CLOSED = "closed"  # beside the states in the filter


def term(expires: date | None, on: date) -> pages.Cell:
    """A last day with what is left of it in words."""
    if expires is None:
        return pages.Cell()
    left = (expires - on).days
    if left < 0:
        return pages.Cell(day(expires), second=f"đã hết hạn {number(-left)} ngày", second_tone="danger")
    second = f"còn {number(left)} ngày" if left else "hôm nay là ngày cuối"
    return pages.Cell(day(expires), second=second, second_tone="warn" if left <= SOON else "")


class ProductView(OcopView, model=Product):
    category = "Sổ theo dõi"
    icon = "package"
    column_filters = (Product.group, Product.commune, Product.entity, Product.status)
    when_used = (
        "Xóa tham gia chu trình đưa vào nhầm trước. Sản phẩm đã làm trong chu trình thì giữ lại: "
        "rút khỏi chu trình, hoặc sửa tình trạng."
    )

    def listed(self) -> Sequence[Shown]:
        name = two_lines(shown(Product, "name"), shown(Product, "entity"), label="Sản phẩm và chủ thể")
        return [name, shown(Product, "group"), shown(Product, "commune"), *_rated(), *_step()]

    def more_filters(self) -> Iterable[ListFilter]:
        yield places_filter(Product)
        yield ListFilter(
            name="stars",
            label="Hạng sao",
            kind="options",
            read=_star,
            where=lambda value: exists().where(
                Rating.product_id == Product.id, Rating.stars == value, _is_newest_rating(Rating)
            ),
            words=lambda _s, value: f"{value} sao",
            options=lambda _s: [(str(n), f"{n} sao") for n in range(5, 0, -1)],
        )
        yield ListFilter(
            name="recognition",
            label="Công nhận",
            kind="options",
            read=Recognition,
            where=_recognised,
            words=lambda _s, value: value.label,
            options=lambda _s: [(each.value, each.label) for each in Recognition],
        )
        yield ListFilter(
            name="step",
            label="Bước chu trình",
            kind="options",
            read=row_number,
            where=lambda value: Product.id.in_(_taking_part(CycleStep.number == value)),
            words=_step_words,
            options=_step_options,
        )
        yield ListFilter(
            name="state",
            label="Trạng thái",
            kind="options",
            read=lambda text: text if text == CLOSED else ParticipationState(text),
            where=lambda value: Product.id.in_(_taking_part(_has_state(value))),
            words=lambda _s, value: dict(_state_options())[value],
            options=lambda _s: _state_options(),
        )

    def own_actions(self) -> Iterable[Action]:
        return step_actions(Product)

    # ---- record ------------------------------------------------------------------------------------------------

    def own_tabs(self) -> Sequence[tuple[str, str]]:
        return ((CYCLE_TAB, "Chu trình"),)

    def details_page(self, session: OcopSession, row: Base, tab: str) -> pages.DetailsPage:
        assert isinstance(row, Product)
        page = super().details_page(session, row, tab)
        participation = newest_participation(session, row)
        page = replace(page, summary=self._summary(session, row))
        if tab == CYCLE_TAB:
            page = replace(page, facts=(), related=(), events=moves(session, row))
        if participation is None:
            return replace(page, notes=self._not_taking_part(session, row))
        cycle = participation.cycle
        return replace(
            page,
            tags=[pages.Tag(*_state_words(participation.state, cycle.year, cycle.closed_on)[:2])],
            indicator=_indicator(session, participation),
            next_step=self._next_step(session, row, participation),
        )

    def _not_taking_part(self, session: OcopSession, row: Product) -> list[pages.Note]:
        link = self._enter_link(session, row)
        return [pages.Note("Sản phẩm chưa tham gia chu trình nào.", links=[link])] if link else []

    def _enter_link(self, session: OcopSession, row: Product) -> pages.Link | None:
        cycle = service.open_cycle(session, row, today())
        if cycle is None or not may(actor().rights, "participation", "create"):
            return None
        href = f"{BASE_URL}/participation/create?product={row.id}&cycle={cycle.id}"
        return pages.Link(f"Đưa vào chu trình năm {cycle.year}", href, "plus")

    def _summary(self, session: OcopSession, row: Product) -> list[pages.Fact]:
        rating = newest_rating(session, row)
        stars = pages.Cell("Chưa đánh giá")
        if rating is not None:
            stars = pages.Cell(f"{rating.stars} sao", stars=rating.stars, second=f"quyết định {rating.decision_number}")
        return [
            self.fact(row, "entity"),
            self.fact(row, "commune"),
            pages.Fact("Hạng sao", stars),
            pages.Fact("Hết hạn công nhận", term(rating.expires_on if rating else None, today())),
        ]

    def _next_step(self, session: OcopSession, row: Product, participation: Participation) -> pages.NextStep | None:
        buttons = {
            a.name: pages.BulkAction(a.label, self.href("action", a.name), a.icon, a.main)
            for a in self.actions
            if self.may(a.name)
        }
        if not buttons:
            return None
        checks = service.check_moves(session, row, today=today())
        can = checks[Move.ADVANCE]
        after = next_step(list(session.execute(select(CycleStep)).scalars()), participation.step, today())
        task = f"Chuyển sang bước {after.number}: {after.name}" if after and can.can else participation.step.name
        link = self._enter_link(session, row) if NOT_IN_CYCLE in can.stay else None
        text = ""
        if link:
            task, text = link.label, f"{NOT_IN_CYCLE.text}; khi đưa vào, sản phẩm bắt đầu ở bước 1."
        if can.can and after:
            text = f"Khi chuyển, bước {participation.step.number} được ghi là xong và bước {after.number} bắt đầu."
        return pages.NextStep(
            task=task,
            text=text,
            main=buttons.get("advance") if can.can else None,
            other=[
                buttons[move.value]
                for move, check in checks.items()
                if check.can and move is not Move.ADVANCE and move.value in buttons
            ],
            pk=str(row.id),
            blocked=[] if link else [reason.sentence for reason in can.stay],
            link=link,
        )


def newest_rating(session: OcopSession, product: Product) -> Rating | None:
    return session.execute(
        select(Rating)
        .where(Rating.product_id == product.id)
        .order_by(Rating.decided_on.desc(), Rating.id.desc())
        .limit(1)
    ).scalar()


def newest_participation(session: OcopSession, product: Product) -> Participation | None:
    """The one that was entered last, as in the list (`_step`, `_taking_part`)."""
    return session.execute(
        select(Participation).where(Participation.product_id == product.id).order_by(Participation.id.desc()).limit(1)
    ).scalar()


def _indicator(session: OcopSession, participation: Participation) -> pages.StepIndicator:
    """The steps as they ran when the product was there; a step is done when a later one was entered."""
    current = participation.step
    on = participation.entered_on
    known = session.execute(select(CycleStep).order_by(CycleStep.number)).scalars().all()
    steps = [s for s in known if s.in_force(on)]
    numbers = {s.id: s.number for s in known}
    left = {
        numbers[r.from_step_id]: r.moved_at for r in participation.records if r.from_step_id and r.move is Move.ADVANCE
    }
    made = []
    for step in steps:
        done = step.number < current.number
        when = left.get(step.number)
        if done:
            made.append(pages.Step(step.number, step.short_name, "done", day(when.astimezone(VIETNAM)) if when else ""))
        elif step.number == current.number:
            made.append(pages.Step(step.number, step.short_name, "current", f"từ {day(participation.entered_on)}"))
        else:
            made.append(pages.Step(step.number, step.short_name, "later"))
    return pages.StepIndicator(
        f"Bước {current.number} trong {len(steps)}: {current.name}", participation.cycle.name, made
    )


_MOVE_ICONS = {
    Move.ENTER: ("plus", "info"),
    Move.ADVANCE: ("check", "ok"),
    Move.STEP_BACK: ("arrow-left", "warn"),
    Move.SEND_BACK: ("arrow-back-up", "warn"),
    Move.HAND_IN: ("file-import", "info"),
    Move.RESUBMIT: ("file-import", "info"),
    Move.WITHDRAW: ("minus", "mute"),
    Move.REJOIN: ("plus", "info"),
}


def moves(session: OcopSession, product: Product) -> list[pages.Event]:
    """Every move of a product through its cycles, newest first."""
    records = session.execute(
        select(StepRecord)
        .join(Participation, StepRecord.participation_id == Participation.id)
        .where(Participation.product_id == product.id)
        .order_by(StepRecord.moved_at.desc(), StepRecord.id.desc())
    ).scalars()
    found = []
    for record in records:
        icon, tone = _MOVE_ICONS[record.move]
        what = f"{record.move.label}: bước {record.to_step.number}, {record.to_step.name}"
        if record.move is Move.ADVANCE:
            what = f"Sang bước {record.to_step.number}: {record.to_step.name}"
        text = f"Lý do: {record.reason}" if record.reason else record.note
        found.append(pages.Event(what, moment(record.moved_at), record.moved_by, tone, icon, text))  # type: ignore[arg-type]  # literals
    return found


# ---- columns and filters of the newest rating and participation ---------------------------------------------------


def _is_newest_rating(rating: Any) -> ColumnElement[bool]:
    later = aliased(Rating)
    newest: ColumnElement[int] = (
        select(later.id)
        .where(later.product_id == Product.id)
        .order_by(later.decided_on.desc(), later.id.desc())
        .limit(1)
        .correlate(Product)
        .scalar_subquery()
    )
    return rating.id == newest  # type: ignore[no-any-return]  # an aliased model's column


def _recognised(value: Recognition) -> ColumnElement[bool]:
    rated = exists().where(Rating.product_id == Product.id)
    has_ended = Rating.expires_on < today()
    match value:
        case Recognition.NONE:
            return ~rated
        case Recognition.EXPIRED:
            return rated.where(_is_newest_rating(Rating), has_ended)
        case Recognition.VALID:
            return rated.where(_is_newest_rating(Rating), or_(Rating.expires_on.is_(None), ~has_ended))


def _rated() -> list[Shown]:
    rating = aliased(Rating)

    def join(statement: Select[Any]) -> Select[Any]:
        return statement.outerjoin(rating, _is_newest_rating(rating))

    def stars(value: int | None) -> pages.Cell:
        return pages.Cell(f"{value} sao", stars=value) if value else pages.Cell("Chưa đánh giá")

    return [
        Shown(
            "stars",
            "Hạng sao",
            (rating.stars,),
            stars,
            ((Column("Hạng sao", "integer", 10), 0),),
            (join,),
            width=11,
        ),
        Shown(
            "expires_on",
            "Hết hạn",
            (rating.expires_on,),
            lambda value: term(value, today()),
            ((Column("Hết hạn công nhận", "date", 14), 0),),
            width=9,
        ),
    ]


def _step() -> list[Shown]:
    participation, step, cycle = aliased(Participation), aliased(CycleStep), aliased(Cycle)
    other = aliased(Participation)
    newest = select(func.max(other.id)).where(other.product_id == Product.id).correlate(Product).scalar_subquery()

    def join(statement: Select[Any]) -> Select[Any]:
        return (
            statement.outerjoin(participation, participation.id == newest)
            .outerjoin(step, participation.step_id == step.id)
            .outerjoin(cycle, participation.cycle_id == cycle.id)
        )

    steps = select(func.max(CycleStep.number)).where(CycleStep.valid_to.is_(None)).scalar_subquery()

    def where(figure: int | None, name: str | None, year: int | None, last: int) -> pages.Cell:
        return pages.Cell(f"{figure}/{last}", second=f"{name}, {year}") if figure else pages.Cell("Chưa tham gia")

    def state(text: str, tone: Tone, closed: int | None) -> pages.Cell:
        if closed:  # all of it is wider than the column
            return pages.Cell(tag=pages.Tag("Đã đóng", tone), second=f"chu trình {closed}")
        return pages.Cell(tag=pages.Tag(text, tone)) if text else pages.Cell()

    return [
        Shown(
            "step",
            "Bước chu trình",
            (step.number, step.short_name, cycle.year, steps),
            where,
            (
                (Column("Bước", "integer", 8), 0),
                (Column("Tên bước", "text", 30), 1),
                (Column("Chu trình năm", "text", 12), 2),
            ),
            (join,),
            width=13,
        ),
        Shown(
            "state",
            "Trạng thái",
            (participation.state, cycle.year, cycle.closed_on),
            state,
            ((Column("Trạng thái", "text", 18), 0),),
            width=12,
            words=lambda _session, rows: {row: _state_words(*row) for row in rows},
        ),
    ]


def _state_words(
    state: ParticipationState | None, year: int | None, closed_on: date | None
) -> tuple[str, Tone, int | None]:
    """A state in words, its tone, and the year when that is closed: then nothing is under way any more."""
    if state is None:
        return "", "mute", None
    if closed_on is not None and closed_on < today():
        return f"Chu trình {year} đã đóng", "mute", year
    return state.label, TONES[state], None


def _state_options() -> list[tuple[str, str]]:
    return [*((s.value, s.label) for s in ParticipationState), (CLOSED, "Chu trình đã đóng")]


def _has_state(value: str) -> ColumnElement[bool]:
    """As `_state_words` says it: a closed year is a state of its own."""
    closed = Participation.cycle_id.in_(select(Cycle.id).where(Cycle.closed_on < today()))
    return closed if value == CLOSED else and_(Participation.state == value, ~closed)


def _taking_part(condition: ColumnElement[bool]) -> Select[Any]:
    """Products whose newest participation meets a condition on it or its step."""
    later = aliased(Participation)
    newer = exists().where(later.product_id == Participation.product_id, later.id > Participation.id)
    return (
        select(Participation.product_id).join(CycleStep, Participation.step_id == CycleStep.id).where(condition, ~newer)
    )


def _star(text: str) -> int:
    if text not in ("1", "2", "3", "4", "5"):
        raise ValueError(text)
    return int(text)


def _steps_today(session: OcopSession) -> list[CycleStep]:
    rows = session.execute(select(CycleStep).order_by(CycleStep.number)).scalars()
    return [step for step in rows if step.in_force(today())]


def _step_options(session: OcopSession) -> list[tuple[str, str]]:
    return [(str(s.number), f"{s.number}. {s.short_name}") for s in _steps_today(session)]


def _step_words(session: OcopSession, value: int) -> str:
    return next((f"{s.number}. {s.short_name}" for s in _steps_today(session) if s.number == value), f"bước {value}")
