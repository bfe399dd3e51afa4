"""Trang chủ: who you are, your area, and what waits for you; every number opens the list that it counts."""

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import func, select
from starlette.requests import Request

from admin_views import pages
from admin_views.base import BASE_URL
from admin_views.forms import lower_first
from admin_views.map import area_map
from admin_views.products import term
from app.current import actor, today
from app.services.cycle import current_cycle
from app.session import OcopSession
from models import Cycle, CycleStep, Participation, ParticipationState, Product, Rating, Role
from models.rules.access import may
from models.rules.words import day, number

# Certificates that end within this many days are worth a reminder; re-rating opens 180 days before (DOMAIN §1.4).
EXPIRING_DAYS = 180
SHOWN = 8


def home_page(request: Request, session: OcopSession) -> pages.HomePage:
    person = request.state.person
    on = today()
    cycle = current_cycle(session, on)
    sees_cycle = cycle is not None and may(actor().rights, "participation", "list")
    rows, total = _steps(session, cycle) if cycle is not None and sees_cycle else ([], [])
    # What can be done about it is asked of those who may do it.
    acts = sees_cycle and may(actor().rights, "participation", "advance")
    waiting, tasks = _waiting(session, cycle) if cycle is not None and acts else ([], 0)
    closed = cycle is not None and cycle.closed_on is not None and cycle.closed_on < on
    weekday = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")[on.weekday()]
    return pages.HomePage(
        head=pages.Head(title=person.area_label, sub=f"{weekday[:1].upper()}{weekday[1:]}, {day(on)}"),
        waiting_total=f"{number(tasks)} việc" if waiting else "",
        waiting=waiting,
        waiting_empty="Không có việc nào chờ bạn.",
        cycle_title=f"{cycle.name}: {total[1].text} sản phẩm"
        # Its name says a province; the numbers are of the own area.
        + ("" if actor().area.everything or actor().area.provinces else f" ở {lower_first(person.area_label)}")
        + (f", đã đóng ngày {day(cycle.closed_on)}" if closed and cycle.closed_on else "")
        if cycle is not None and rows
        else "",
        cycle_columns=("Bước", "Sản phẩm", "Đang làm", "Bị trả lại", "Đã rút"),
        cycle_rows=rows,
        cycle_total=total,
        expiring=_expiring(session) if may(actor().rights, "rating", "list") else None,
        stars=None,
        about=_about(request),
        map=area_map(session, on, request.query_params.get("theo", ""), request.query_params.get("tinh", "")),
    )


def _list(**query: Any) -> str:
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{BASE_URL}/participation/list?{pairs}"


def _waiting(session: OcopSession, cycle: Cycle) -> tuple[list[pages.Waiting], int]:
    """What waits, and how many it is together."""
    counts = dict(
        session.execute(
            select(Participation.state, func.count(Participation.id))
            .where(Participation.cycle_id == cycle.id)
            .group_by(Participation.state)
        ).all()
    )
    asked: tuple[tuple[ParticipationState, str, Literal["wait", "warn", "mute"], str, str], ...] = (
        (
            ParticipationState.SUBMITTED,
            "hồ sơ mới nộp, cần kiểm tra thể thức",
            "wait",
            "Kiểm tra",
            "Chuyển bước khi hợp lệ, hoặc trả lại",
        ),
        (
            ParticipationState.RETURNED,
            "sản phẩm đã trả lại, chủ thể chưa nộp lại",
            "warn",
            "Xem",
            "Gọi nhắc chủ thể hoàn thiện và nộp lại",
        ),
        (
            ParticipationState.NOT_SUBMITTED,
            "sản phẩm chưa nộp giấy tờ của bước hiện tại",
            "mute",
            "Xem",
            "Chờ chủ thể nộp",
        ),
    )
    asked = tuple(task for task in asked if counts.get(task[0]))
    waiting = [
        pages.Waiting(
            number(counts[state]),
            task,
            _list(cycle=cycle.id, state=state.value),
            hint,
            tone,
            button,
        )
        for state, task, tone, button, hint in asked
    ]
    return waiting, sum(counts[task[0]] for task in asked)


def _steps(session: OcopSession, cycle: Cycle) -> tuple[list[pages.ListRow], list[pages.Cell]]:
    counted = session.execute(
        select(Participation.step_id, Participation.state, func.count(Participation.id))
        .where(Participation.cycle_id == cycle.id)
        .group_by(Participation.step_id, Participation.state)
    )
    by_step: dict[int, dict[ParticipationState, int]] = {}
    for step_id, state, count in counted:
        by_step.setdefault(step_id, {})[state] = count
    on = min(cycle.closed_on or today(), today())
    steps = list(session.execute(select(CycleStep).order_by(CycleStep.number, CycleStep.valid_from)).scalars())
    rows, sums = [], [0, 0, 0, 0]
    for step in steps:
        states = by_step.get(step.id, {})
        if not states and not step.in_force(on):
            continue
        returned = states.get(ParticipationState.RETURNED, 0)
        gone = states.get(ParticipationState.WITHDRAWN, 0)
        total = sum(states.values())
        figures = [total, total - returned - gone, returned, gone]
        sums = [a + b for a, b in zip(sums, figures, strict=True)]
        links = [
            _list(cycle=cycle.id, step=step.id),
            "",
            _list(cycle=cycle.id, step=step.id, state="returned"),
            _list(cycle=cycle.id, step=step.id, state="withdrawn"),
        ]
        cells = [pages.Cell(number(n), href=href if n else "") for n, href in zip(figures, links, strict=True)]
        rows.append(pages.ListRow(str(step.id), step.name, "", [pages.Cell(f"{step.number}. {step.name}"), *cells]))
    total_cells = [pages.Cell("Cộng"), *(pages.Cell(number(n)) for n in sums)]
    total_cells[1] = pages.Cell(number(sums[0]), href=_list(cycle=cycle.id) if sums[0] else "")
    return rows, total_cells


def _expiring(session: OcopSession) -> pages.RelatedTable:
    on = today()
    until = on + timedelta(days=EXPIRING_DAYS)
    found = session.execute(
        select(Product.id, Product.name, Rating.stars, Rating.expires_on)
        .join(Product, Rating.product_id == Product.id)
        .where(Rating.expires_on >= on, Rating.expires_on <= until, Rating.is_newest())
        .order_by(Rating.expires_on, Rating.id)
        .limit(SHOWN + 1)
    )
    rows = [
        pages.ListRow(
            str(product_id),
            name,
            f"{BASE_URL}/product/details/{product_id}",
            [pages.Cell(name), pages.Cell(f"{stars} sao", stars=stars), term(expires, on)],
        )
        for product_id, name, stars, expires in found
    ]
    asked = f"newest=1&expires_on_from={day(on)}&expires_on_to={day(until)}&sortBy=expires_on&sort=asc"
    address = f"{BASE_URL}/rating/list?{asked}"
    return pages.RelatedTable(
        f"Công nhận hết hạn trong {EXPIRING_DAYS} ngày",
        ("Sản phẩm", "Hạng sao", "Hết hạn"),
        rows[:SHOWN],
        pages.Link("Mở danh sách đầy đủ" if len(rows) > SHOWN else "Mở danh sách", address) if rows else None,
        "Không có công nhận nào sắp hết hạn.",
    )


_WORK = {
    Role.COMMUNE_CLERK: "Sổ chủ thể, sản phẩm và chu trình của xã",
    Role.DISTRICT_CLERK: "Sổ chủ thể, sản phẩm và chu trình của huyện (đến 30/06/2025)",
    Role.PROVINCE_CLERK: "Sổ và kết quả đánh giá của cả tỉnh, nhập danh mục xã",
    Role.COUNCIL_MEMBER: "Xem sản phẩm và bộ tiêu chí được giao chấm",
    Role.LEADER: "Xem và xuất mọi danh sách trong địa bàn",
    Role.ADMINISTRATOR: "Tài khoản và danh mục dùng chung",
    Role.AUDITOR: "Xem và xuất nhật ký",
}


def _about(request: Request) -> list[pages.Fact]:
    person = request.state.person
    return [
        pages.Fact("Họ tên", pages.Cell(person.full_name)),
        pages.Fact("Tên đăng nhập", pages.Cell(person.username)),
        pages.Fact("Vai trò", pages.Cell(person.role.label)),
        pages.Fact("Đơn vị", pages.Cell(person.office)),
        pages.Fact("Địa bàn", pages.Cell(person.area_label)),
        pages.Fact("Việc của bạn", pages.Cell(_WORK[person.role])),
    ]
