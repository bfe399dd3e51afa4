from datetime import UTC, date, datetime, timedelta

import pytest

from models import (
    Cycle,
    CycleStep,
    Move,
    Participation,
    ParticipationState,
    Rating,
    ReceivingLevel,
    Role,
    StepCode,
    StepKind,
    StepRecord,
)
from models.rules import cycle as rules

JUNE_2025 = date(2025, 6, 15)
JUNE_2026 = date(2026, 6, 15)
HANDED_IN = {2: "Phiếu đăng ký ý tưởng sản phẩm", 4: "Kế hoạch kinh doanh", 7: "Hồ sơ sản phẩm"}


def step(number: int, level: ReceivingLevel = ReceivingLevel.COMMUNE, **period: date) -> CycleStep:
    return CycleStep(
        number=number,
        code=list(StepCode)[number - 1],
        name=list(StepCode)[number - 1].label,
        short_name=list(StepCode)[number - 1].label,
        kind=StepKind.PRODUCT,
        handed_in=HANDED_IN.get(number, ""),
        may_be_returned=number in HANDED_IN,
        receiving_level=level,
        valid_from=period.get("since", date(2018, 12, 28)),
        valid_to=period.get("until"),
    )


STEPS = [
    *(step(n) for n in (1, 3, 5, 6, 8)),
    *(step(n, ReceivingLevel.DISTRICT, until=date(2025, 6, 30)) for n in HANDED_IN),
    *(step(n, ReceivingLevel.PROVINCE, since=date(2025, 7, 1)) for n in HANDED_IN),
]


def current(number: int, day: date) -> CycleStep:
    return next(s for s in STEPS if s.number == number and s.in_force(day))


def participation(
    number: int, state: ParticipationState = ParticipationState.IN_PROGRESS, *, day: date = JUNE_2026
) -> Participation:
    cycle = Cycle(year=day.year, opened_on=date(day.year, 1, 10), closed_on=None)
    return Participation(id=1, cycle=cycle, step=current(number, day), state=state, entered_on=day)


def rating(stars: int, *, of: int | None = 1, expires_on: date | None = None) -> Rating:
    return Rating(participation_id=of, stars=stars, decided_on=date(2026, 6, 1), expires_on=expires_on)


def texts(
    taking_part: Participation,
    *,
    today: date = JUNE_2026,
    counts: Rating | None = None,
    role: Role | None = Role.PROVINCE_CLERK,
) -> list[str]:
    reasons = rules.missing(taking_part, steps=STEPS, today=today, rating=counts, role=role)
    return [reason.text for reason in reasons]


def test_the_next_step_is_the_row_in_force_that_day() -> None:
    before = rules.next_step(STEPS, current(1, JUNE_2025), JUNE_2025)
    after = rules.next_step(STEPS, current(1, JUNE_2026), JUNE_2026)

    assert before is not None
    assert after is not None
    assert (before.number, before.receiving_level) == (2, ReceivingLevel.DISTRICT)
    assert (after.number, after.receiving_level) == (2, ReceivingLevel.PROVINCE)


def test_nothing_comes_after_the_last_step() -> None:
    assert rules.next_step(STEPS, current(8, JUNE_2026), JUNE_2026) is None


def test_a_product_goes_through_all_eight_steps_in_order() -> None:
    seen, here = [1], rules.first_step(STEPS, JUNE_2026)
    while (after := rules.next_step(STEPS, here, JUNE_2026)) is not None:
        seen.append(after.number)
        here = after

    assert seen == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
def test_a_product_of_an_open_cycle_may_move(number: int) -> None:
    assert texts(participation(number), role=Role.COMMUNE_CLERK) == []


@pytest.mark.parametrize(
    ("number", "state", "expected"),
    [
        (2, ParticipationState.RETURNED, "Phiếu đăng ký ý tưởng sản phẩm đang bị trả lại"),
        (4, ParticipationState.RETURNED, "Kế hoạch kinh doanh đang bị trả lại"),
        (4, ParticipationState.WITHDRAWN, "Đã rút khỏi chu trình"),
        (2, ParticipationState.NOT_SELECTED, "Không được chọn ở bước Nhận đăng ký ý tưởng sản phẩm"),
        (8, ParticipationState.IN_PROGRESS, "Đã ở bước cuối của chu trình"),
    ],
)
def test_what_keeps_a_product_is_said(number: int, state: ParticipationState, expected: str) -> None:
    assert texts(participation(number, state)) == [expected]


@pytest.mark.parametrize(
    ("today", "open_"),
    [
        (date(2026, 1, 9), False),
        (date(2026, 1, 10), True),
        (date(2026, 6, 30), True),
        (date(2026, 7, 1), False),
    ],
)
def test_a_cycle_is_open_from_its_first_to_its_last_day(today: date, open_: bool) -> None:
    taking_part = participation(3)
    taking_part.cycle.closed_on = date(2026, 6, 30)

    assert rules.is_open(taking_part.cycle, today) is open_
    assert (texts(taking_part, today=today) == []) is open_


def test_a_closed_year_is_the_weightiest_reason() -> None:
    taking_part = participation(4, ParticipationState.RETURNED)
    taking_part.cycle.closed_on = date(2026, 6, 30)

    assert texts(taking_part, today=date(2026, 7, 1))[0] == "Chu trình năm 2026 đã đóng ngày 30/06/2026"


@pytest.mark.parametrize(
    ("stars", "expected"),
    [
        (None, ["Chưa có kết quả đánh giá, phân hạng"]),
        (1, ["Kết quả đánh giá dưới 3 sao"]),
        (2, ["Kết quả đánh giá dưới 3 sao"]),
        (3, []),
        (5, []),
    ],
)
def test_promotion_takes_three_stars_and_more(stars: int | None, expected: list[str]) -> None:
    counts = None if stars is None else rating(stars)

    assert texts(participation(7), counts=counts) == expected


def test_the_best_rating_of_this_cycle_or_in_force_counts() -> None:
    taking_part = participation(7)
    this_year, old, ended = (
        rating(2),
        rating(4, of=9, expires_on=JUNE_2026),
        rating(5, of=9, expires_on=JUNE_2026 - timedelta(days=1)),
    )

    assert rules.standing([this_year, old, ended], taking_part, JUNE_2026) is old
    assert rules.standing([this_year, ended], taking_part, JUNE_2026) is this_year
    assert rules.standing([ended], taking_part, JUNE_2026) is None


def test_a_rating_decided_later_does_not_count_yet() -> None:
    assert rules.standing([rating(4)], participation(7), date(2026, 5, 31)) is None


@pytest.mark.parametrize(
    ("day", "role", "expected"),
    [
        (JUNE_2025, Role.COMMUNE_CLERK, ["Chuyển bước 7 là việc của cấp huyện"]),
        (JUNE_2025, Role.DISTRICT_CLERK, []),
        (JUNE_2025, Role.PROVINCE_CLERK, []),
        (JUNE_2026, Role.COMMUNE_CLERK, ["Chuyển bước 7 là việc của cấp tỉnh"]),
        (JUNE_2026, Role.DISTRICT_CLERK, ["Chuyển bước 7 là việc của cấp tỉnh"]),
        (JUNE_2026, Role.PROVINCE_CLERK, []),
        (JUNE_2026, None, []),
    ],
)
def test_leaving_the_rating_is_the_work_of_the_level_that_rates(
    day: date, role: Role | None, expected: list[str]
) -> None:
    taking_part = participation(7, day=day)

    counts = rating(3)
    counts.decided_on = day

    assert texts(taking_part, today=day, counts=counts, role=role) == expected


def test_the_district_has_no_say_after_its_end_even_where_its_step_was_entered() -> None:
    taking_part = participation(7, day=JUNE_2025)

    assert texts(taking_part, today=date(2025, 7, 1), counts=rating(3), role=Role.DISTRICT_CLERK) == [
        "Chuyển bước 7 là việc của cấp tỉnh"
    ]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, False),
        (2, True),
        (3, False),
        (4, True),
        (5, False),
        (6, False),
        (7, True),
        (8, False),
    ],
)
def test_only_what_is_handed_in_may_be_sent_back(number: int, expected: bool) -> None:
    taking_part = participation(number, ParticipationState.SUBMITTED)

    assert rules.may_send_back(taking_part.step) is expected
    assert (rules.missing_to_send_back(taking_part, today=JUNE_2026, role=None) == []) is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ParticipationState.RETURNED, "Đang bị trả lại"),
        (ParticipationState.NOT_SUBMITTED, "Chưa nộp giấy tờ nên chưa có gì để trả lại"),
        (ParticipationState.WITHDRAWN, "Đã rút khỏi chu trình"),
    ],
)
def test_nothing_is_sent_back_twice_or_before_it_came_or_after_withdrawal(
    state: ParticipationState, expected: str
) -> None:
    reasons = rules.missing_to_send_back(participation(4, state), today=JUNE_2026, role=None)

    assert [reason.text for reason in reasons] == [expected]


@pytest.mark.parametrize(
    ("day", "role", "expected"),
    [
        (JUNE_2025, Role.DISTRICT_CLERK, []),
        (JUNE_2026, Role.DISTRICT_CLERK, ["Trả lại ở bước 7 là việc của cấp tỉnh"]),
        (JUNE_2026, Role.COMMUNE_CLERK, ["Trả lại ở bước 7 là việc của cấp tỉnh"]),
        (JUNE_2026, Role.PROVINCE_CLERK, []),
    ],
)
def test_returning_takes_the_level_that_may_move_on(day: date, role: Role, expected: list[str]) -> None:
    dossier = participation(7, ParticipationState.SUBMITTED, day=day)

    reasons = rules.missing_to_send_back(dossier, today=day, role=role)

    assert [reason.text for reason in reasons] == expected


def advanced(taking_part: Participation, *moves: Move) -> list[StepRecord]:
    """It entered, moved on from the step before, and what followed; an hour between."""
    before = current(taking_part.step.number - 1, taking_part.entered_on)
    return [
        StepRecord(
            move=move,
            from_step=None if move is Move.ENTER else before,
            to_step=taking_part.step,
            created_at=datetime(2026, 6, 10, 8 + hour, tzinfo=UTC),
        )
        for hour, move in enumerate((Move.ENTER, Move.ADVANCE, *moves))
    ]


@pytest.mark.parametrize(
    ("number", "moves", "rated", "role", "expected"),
    [
        (3, (), None, Role.COMMUNE_CLERK, []),
        (4, (Move.HAND_IN,), None, None, ["Việc ghi gần nhất không phải là chuyển bước"]),
        (3, (Move.STEP_BACK,), None, None, ["Việc ghi gần nhất không phải là chuyển bước"]),
        (7, (), 8, None, []),
        (7, (), 9, None, ["Đã ghi kết quả đánh giá từ khi vào bước này"]),
        (7, (), None, Role.COMMUNE_CLERK, []),
        (8, (), None, Role.COMMUNE_CLERK, ["Lùi về bước 7 là việc của cấp tỉnh"]),
        (8, (), None, Role.PROVINCE_CLERK, []),
    ],
)
def test_only_the_last_advance_is_taken_back_while_nothing_followed(
    number: int, moves: tuple[Move, ...], rated: int | None, role: Role | None, expected: list[str]
) -> None:
    taking_part = participation(number)

    reasons = rules.missing_to_step_back(
        taking_part,
        records=advanced(taking_part, *moves),
        rated_at=datetime(2026, 6, 10, rated, tzinfo=UTC) if rated else None,
        today=JUNE_2026,
        role=role,
    )

    assert [reason.text for reason in reasons] == expected


def test_no_step_is_taken_back_in_a_closed_year_or_after_withdrawal() -> None:
    taking_part = participation(3, ParticipationState.WITHDRAWN)
    taking_part.cycle.closed_on = date(2026, 6, 14)

    reasons = rules.missing_to_step_back(
        taking_part, records=advanced(taking_part), rated_at=None, today=JUNE_2026, role=None
    )

    assert [r.text for r in reasons] == ["Chu trình năm 2026 đã đóng ngày 14/06/2026", "Đã rút khỏi chu trình"]


def test_a_step_begins_waiting_for_its_hand_in_or_under_way() -> None:
    states = [rules.state_on_entering(current(n, JUNE_2026)) for n in range(1, 9)]

    waiting, busy = ParticipationState.NOT_SUBMITTED, ParticipationState.IN_PROGRESS
    assert states == [busy, waiting, busy, waiting, busy, busy, waiting, busy]


def test_equal_reasons_are_one_group() -> None:
    first = rules.missing(
        participation(4, ParticipationState.RETURNED), steps=STEPS, today=JUNE_2026, rating=None, role=None
    )
    second = rules.missing(
        participation(4, ParticipationState.RETURNED), steps=STEPS, today=JUNE_2026, rating=None, role=None
    )

    assert len({*first, *second}) == 1
    assert first[0].sentence == "Kế hoạch kinh doanh đang bị trả lại. Chủ thể nộp lại rồi chuyển bước."
