"""Which step comes next, and what keeps a product where it is.

Source: DOMAIN §1.1–1.6, the plan approved by Decision 2882/QĐ-UBND of 28/12/2018 (Bến Tre).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from models.cycle import Cycle, CycleStep, ReceivingLevel, StepCode
from models.participation import Move, Participation, ParticipationState, StepRecord
from models.rating import Rating
from models.user import Role

PROMOTION_STARS = 3

_LEVEL_OF_ROLE = {
    Role.COMMUNE_CLERK: ReceivingLevel.COMMUNE,
    Role.DISTRICT_CLERK: ReceivingLevel.DISTRICT,
}
_HEIGHT = {level: height for height, level in enumerate(ReceivingLevel)}  # commune, district, province


@dataclass(frozen=True)
class Reason:
    """Why a product stays, and what would help; rows with the same reason are shown together."""

    text: str
    cure: str

    @property
    def sentence(self) -> str:
        return f"{self.text}. {self.cure}"


NO_OPEN_CYCLE = Reason("Chưa có chu trình đang mở", "Cấp tỉnh mở chu trình năm, rồi đưa sản phẩm vào.")
NOT_IN_CYCLE = Reason("Chưa tham gia chu trình đang mở", "Đưa sản phẩm vào chu trình rồi chuyển bước.")
WITHDRAWN = Reason("Đã rút khỏi chu trình", "Đưa lại vào chu trình nếu chủ thể làm tiếp.")
NOT_WITHDRAWN = Reason("Không rút khỏi chu trình", "Không cần đưa lại; xem bước hiện tại của sản phẩm.")
LAST_STEP = Reason("Đã ở bước cuối của chu trình", "Đưa sản phẩm vào chu trình năm sau khi nâng hạng.")
NOT_RATED = Reason("Chưa có kết quả đánh giá, phân hạng", "Ghi kết quả đánh giá rồi chuyển bước.")
BELOW_THREE_STARS = Reason(
    "Kết quả đánh giá dưới 3 sao",
    "Bước Xúc tiến thương mại chỉ nhận sản phẩm từ 3 sao; sản phẩm ở lại bước 7.",
)
NOT_JUST_ADVANCED = Reason(
    "Việc ghi gần nhất không phải là chuyển bước",
    "Chỉ lùi được lần chuyển bước vừa rồi, khi bước mới chưa ghi gì.",
)
RATED_SINCE = Reason("Đã ghi kết quả đánh giá từ khi vào bước này", "Ghi nhầm thì xóa kết quả đó trước.")
ALREADY_RETURNED = Reason("Đang bị trả lại", "Chờ chủ thể nộp lại.")
NOT_HANDED_IN = Reason("Chưa nộp giấy tờ nên chưa có gì để trả lại", "Ghi nhận nộp trước, rồi trả lại nếu phải sửa.")
ALREADY_HANDED_IN = Reason("Đã nộp, đang chờ kiểm tra", "Chuyển bước khi hợp lệ, hoặc trả lại.")


def next_step(steps: Iterable[CycleStep], step: CycleStep, today: date) -> CycleStep | None:
    """The step after `step` as it runs today; None after the last one. steps: every row, all periods."""
    later = [s for s in steps if s.number > step.number and s.in_force(today)]
    return min(later, key=lambda s: s.number, default=None)


def first_step(steps: Iterable[CycleStep], today: date) -> CycleStep:
    return min((s for s in steps if s.in_force(today)), key=lambda s: s.number)


def state_on_entering(step: CycleStep) -> ParticipationState:
    """Where something is handed in, it has not been yet; everything else is under way."""
    return ParticipationState.NOT_SUBMITTED if step.handed_in else ParticipationState.IN_PROGRESS


def is_open(cycle: Cycle, today: date) -> bool:
    """Open from its first to its last day, both included."""
    return cycle.opened_on <= today and (cycle.closed_on is None or today <= cycle.closed_on)


def may_send_back(step: CycleStep) -> bool:
    """Steps 2, 4 and 7, where something is handed in (DOMAIN §1.1)."""
    return step.may_be_returned


def standing(ratings: Iterable[Rating], participation: Participation, today: date) -> Rating | None:
    """The best rating that counts for promotion: of this cycle, or of an earlier one and still in force."""
    counting = [
        r
        for r in ratings
        if r.decided_on <= today
        and (r.participation_id == participation.id or (r.expires_on is not None and today <= r.expires_on))
    ]
    return max(counting, key=lambda r: (r.stars, r.decided_on), default=None)


def missing(
    participation: Participation,
    *,
    steps: Sequence[CycleStep],
    today: date,
    rating: Rating | None,
    role: Role | None,
) -> list[Reason]:
    """What keeps a product in its step, the weightiest first; empty when it may move.

    rating: as `standing` answers. role: who moves it; None for a system actor, who may move everything.
    Whether something was handed in is not asked: leaving a hand-in step says that it was, and valid.
    """
    reasons = _closed(participation, today)
    if participation.state in _OUT:
        reasons.append(_out(participation))
    if participation.state is ParticipationState.RETURNED:
        reasons.append(_returned(participation.step))
    after = next_step(steps, participation.step, today)
    if after is None:
        reasons.append(LAST_STEP)
    reasons += _not_their_work(participation.step, today, role)
    if after is not None and after.code is StepCode.PROMOTION:
        if rating is None:
            reasons.append(NOT_RATED)
        elif rating.stars < PROMOTION_STARS:
            reasons.append(BELOW_THREE_STARS)
    return reasons


def missing_to_send_back(participation: Participation, *, today: date, role: Role | None) -> list[Reason]:
    """What keeps a hand-in from being returned, the weightiest first; empty when it may be.

    Source: DOMAIN §1.3, only what was handed in comes back (da_nop → khong_phu_hop).
    """
    reasons = _closed(participation, today)
    if participation.state in _OUT:
        reasons.append(_out(participation))
    if not may_send_back(participation.step):
        reasons.append(
            Reason(
                f"Bước {participation.step.number} không nhận giấy tờ nên không trả lại được",
                "Chỉ trả lại ở bước có nộp giấy tờ.",
            )
        )
    reasons += _not_their_work(participation.step, today, role, "Trả lại ở")
    if participation.state is ParticipationState.RETURNED:
        reasons.append(ALREADY_RETURNED)
    if participation.state is ParticipationState.NOT_SUBMITTED:
        reasons.append(NOT_HANDED_IN)
    return reasons


def missing_to_hand_in(participation: Participation, *, today: date) -> list[Reason]:
    """What keeps papers from being taken in, first or again, the weightiest first; empty when they may be."""
    reasons = _closed(participation, today)
    if participation.state in _OUT:
        reasons.append(_out(participation))
    elif participation.state is ParticipationState.SUBMITTED:
        reasons.append(ALREADY_HANDED_IN)
    elif participation.state not in (ParticipationState.NOT_SUBMITTED, ParticipationState.RETURNED):
        reasons.append(
            Reason(
                f"Bước {participation.step.number} không nhận giấy tờ nên không cần nộp",
                "Chuyển bước khi việc của bước này đã xong.",
            )
        )
    return reasons


def missing_to_withdraw(participation: Participation, *, today: date, role: Role | None) -> list[Reason]:
    """What keeps a product in its cycle, the weightiest first; empty when it may leave."""
    reasons = _closed(participation, today)
    if participation.state in _OUT:
        reasons.append(_out(participation))
    return reasons + _not_their_work(participation.step, today, role, "Rút khỏi chu trình ở")


def missing_to_rejoin(participation: Participation, *, today: date, role: Role | None) -> list[Reason]:
    """What keeps a product out of its cycle, the weightiest first; empty when it may come back."""
    reasons = _closed(participation, today)
    if participation.state is not ParticipationState.WITHDRAWN:
        reasons.append(NOT_WITHDRAWN)
    return reasons + _not_their_work(participation.step, today, role, "Đưa lại vào")


def missing_to_step_back(
    participation: Participation,
    *,
    records: Sequence[StepRecord],
    rated_at: datetime | None,
    today: date,
    role: Role | None,
) -> list[Reason]:
    """What keeps the last advance from being taken back, the weightiest first; empty when it may be.

    records: its moves in order. rated_at: when its newest rating was written down.
    """
    reasons = _closed(participation, today)
    if participation.state in _OUT:
        reasons.append(_out(participation))
    last = records[-1] if records else None
    if last is None or last.from_step is None or last.move is not Move.ADVANCE:
        return [*reasons, NOT_JUST_ADVANCED]
    if rated_at is not None and rated_at >= last.created_at:
        reasons.append(RATED_SINCE)
    return reasons + _not_their_work(last.from_step, today, role, "Lùi về")


def not_undone(records: Iterable[StepRecord]) -> list[StepRecord]:
    """The moves that still hold, in order: without those that were taken back, and their taking back."""
    found: list[StepRecord] = []
    for record in records:
        if record.move in (Move.REJOIN, Move.STEP_BACK):
            del found[-1:]
        else:
            found.append(record)
    return found


def state_after(records: Sequence[StepRecord], step: CycleStep) -> ParticipationState:
    """The state in a step that these moves led to."""
    last = records[-1].move if records else Move.ENTER
    return _STATE_AFTER.get(last) or state_on_entering(step)


_STATE_AFTER = {
    Move.HAND_IN: ParticipationState.SUBMITTED,
    Move.SEND_BACK: ParticipationState.RETURNED,
    Move.RESUBMIT: ParticipationState.SUBMITTED,
    Move.WITHDRAW: ParticipationState.WITHDRAWN,
}
_OUT = frozenset({ParticipationState.WITHDRAWN, ParticipationState.NOT_SELECTED})


def _closed(participation: Participation, today: date) -> list[Reason]:
    cycle = participation.cycle
    if is_open(cycle, today):
        return []
    if cycle.closed_on is None or today < cycle.opened_on:
        return [
            Reason(
                f"Chu trình năm {cycle.year} chưa mở",
                f"Chuyển bước từ ngày {cycle.opened_on:%d/%m/%Y}.",
            )
        ]
    return [
        Reason(
            f"Chu trình năm {cycle.year} đã đóng ngày {cycle.closed_on:%d/%m/%Y}",
            "Đưa sản phẩm vào chu trình đang mở.",
        )
    ]


def _out(participation: Participation) -> Reason:
    if participation.state is ParticipationState.WITHDRAWN:
        return WITHDRAWN
    return Reason(f"Không được chọn ở bước {participation.step.short_name}", "Đưa sản phẩm vào chu trình năm sau.")


def _returned(step: CycleStep) -> Reason:
    return Reason(f"{step.handed_in or step.short_name} đang bị trả lại", "Chủ thể nộp lại rồi chuyển bước.")


def _not_their_work(step: CycleStep, today: date, role: Role | None, act: str = "Chuyển") -> list[Reason]:
    """The rating was the district's work until districts ended on 01/07/2025, and is the province's since.

    Source: DOMAIN §1.5, Decisions 148/QĐ-TTg, 1489/QĐ-TTg and 26/2026/QĐ-TTg.
    """
    if step.code is not StepCode.RATING:
        return []
    level = step.receiving_level if step.in_force(today) else ReceivingLevel.PROVINCE
    if role is None or _HEIGHT[_LEVEL_OF_ROLE.get(role, ReceivingLevel.PROVINCE)] >= _HEIGHT[level]:
        return []
    where = level.label[0].lower() + level.label[1:]
    return [Reason(f"{act} bước {step.number} là việc của {where}", f"Báo cán bộ {where}.")]
