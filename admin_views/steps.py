"""The step actions: a check page that says who can move and who stays and why, then each in its own savepoint."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from admin_views import pages
from admin_views.base import BASE_URL, Action, ActionInput
from admin_views.columns import TONES, places_of
from app.services import cycle as service
from app.services.place_names import PlaceWords
from app.session import OcopSession
from models import CycleStep, Move, Participation, ParticipationState, Product
from models.base import now
from models.rules.cycle import next_step
from models.rules.words import day, moment, number

SHOWN = 5
Acted = type[Product] | type[Participation]


@dataclass(frozen=True)
class _Words:
    """A step action as its pages say it; {n} is how many products. reason: the hint of a reason it asks for."""

    label: str
    icon: str
    title: str
    can: str
    submit: str
    note: str
    done: str
    reason: str = ""


_WORDS = {
    Move.ADVANCE: _Words(
        "Chuyển bước…",
        "player-track-next",
        "Chuyển sang bước tiếp theo",
        "{n} sản phẩm chuyển được",
        "Chuyển {n} sản phẩm sang bước tiếp theo",
        "Mỗi sản phẩm được ghi riêng. Sản phẩm vừa có người sửa thì giữ nguyên và được báo lại.",
        "Đã chuyển",
    ),
    Move.STEP_BACK: _Words(
        "Lùi bước…",
        "arrow-left",
        "Lùi lần chuyển bước vừa rồi",
        "{n} sản phẩm lùi được",
        "Lùi {n} sản phẩm về bước trước",
        "Sản phẩm trở lại bước trước với trạng thái và ngày vào bước như cũ. Dòng thời gian giữ cả hai lần.",
        "Đã lùi bước",
        reason="Ghi vì sao chuyển nhầm",
    ),
    Move.HAND_IN: _Words(
        "Ghi nhận nộp…",
        "file-import",
        "Ghi nhận nộp giấy tờ",
        "{n} sản phẩm chưa nộp hoặc bị trả lại",
        "Ghi nhận {n} sản phẩm đã nộp",
        "Sản phẩm giữ nguyên bước, trạng thái là “Chờ kiểm tra” cho đến khi chuyển bước hoặc trả lại.",
        "Đã ghi nhận nộp",
    ),
    Move.SEND_BACK: _Words(
        "Trả lại để hoàn thiện…",
        "arrow-back-up",
        "Trả lại để hoàn thiện",
        "{n} sản phẩm trả lại được",
        "Trả lại {n} sản phẩm",
        "Sản phẩm giữ nguyên bước, trạng thái là “Bị trả lại” cho đến khi chủ thể nộp lại.",
        "Đã trả lại",
        reason="Ghi rõ phải sửa gì; chủ thể đọc câu này",
    ),
    Move.WITHDRAW: _Words(
        "Rút khỏi chu trình…",
        "minus",
        "Rút khỏi chu trình",
        "{n} sản phẩm rút được",
        "Rút {n} sản phẩm khỏi chu trình",
        "Sản phẩm giữ nguyên bước, trạng thái là “Đã rút”. Rút nhầm thì đưa lại được khi chu trình còn mở.",
        "Đã rút",
        reason="Ghi vì sao rút, ví dụ: chủ thể tạm ngừng sản xuất",
    ),
    Move.REJOIN: _Words(
        "Đưa lại vào chu trình…",
        "plus",
        "Đưa lại vào chu trình",
        "{n} sản phẩm đưa lại được",
        "Đưa lại {n} sản phẩm vào chu trình",
        "Sản phẩm trở lại bước và trạng thái trước khi rút.",
        "Đã đưa lại",
    ),
}


def step_actions(model: Acted) -> list[Action]:
    """The moves of a list of products or of participations."""
    return [
        Action(move.value, its.label, its.icon, _acting(model, move), main=move is Move.ADVANCE)
        for move, its in _WORDS.items()
    ]


def _acting(model: Acted, move: Move) -> Callable[[OcopSession, ActionInput], pages.CheckPage | pages.ResultPage]:
    its = _WORDS[move]

    def run(session: OcopSession, given: ActionInput) -> pages.CheckPage | pages.ResultPage:
        error = ""
        if given.confirmed:
            try:
                text = given.form.get(_asked(its), "")
                outcome = service.move_many(session, move, _seen(given), today=given.today, text=text)
                return _result(model, given, move, outcome)
            except service.ReasonNeeded as refusal:
                error = str(refusal)
        check = service.check(session, move, model, given.ids, today=given.today)
        title, submit, note = its.title, its.submit, its.note
        if move is Move.ADVANCE:
            note = _not_handed_in(check) + note
            steps = list(session.execute(select(CycleStep)).scalars())
            where = {after.number: after for p in check.can if (after := next_step(steps, p.step, given.today))}
            if len(where) == 1:
                (only,) = where.values()
                title = f"Chuyển sang bước {only.number}: {only.name}"
                submit = f"Chuyển {{n}} sản phẩm sang bước {only.number}"
        count = number(len(check.can))
        return _check_page(
            model,
            given,
            check,
            title=title,
            can_title=its.can.format(n=count),
            text=_text_field(given, its, error),
            note=note,
            submit=submit.format(n=count) if check.can else "",
            action=move.value,
        )

    return run


def _asked(its: _Words) -> str:
    return "reason" if its.reason else "note"


def _text_field(given: ActionInput, its: _Words, error: str) -> pages.Field:
    """The reason, or a note that nobody has to write."""
    return pages.Field(
        _asked(its),
        f"o-{_asked(its)}",
        "Lý do" if its.reason else "Ghi chú",
        "area",
        hint=its.reason or "Ghi vào dòng thời gian của từng sản phẩm",
        required=bool(its.reason),
        value=given.form.get(_asked(its), ""),
        error=error,
    )


def _seen(given: ActionInput) -> dict[int, service.Seen]:
    """“12:3:4,15:1:4”: each participation with the version and step that the check page showed."""
    found = re.findall(r"(\d{1,9}):(\d{1,9}):(\d{1,3})(?:,|$)", given.form.get("seen", ""))
    return {int(row): service.Seen(int(version), int(step)) for row, version, step in found}


def _not_handed_in(check: service.Check) -> str:
    """Leaving a hand-in step says that the papers are there and valid; a clerk should know for how many."""
    count = sum(p.state is ParticipationState.NOT_SUBMITTED for p in check.can)
    if not count:
        return ""
    return f"{number(count)} sản phẩm chưa ghi nhận nộp giấy tờ; chuyển bước nghĩa là đã nhận và hợp lệ. "


def _left(given: ActionInput) -> int:
    """How many of the ticked rows the check page had already left out."""
    return int(given.form.get("stayed", "0")) if given.form.get("stayed", "0").isdecimal() else 0


def _check_page(
    model: Acted,
    given: ActionInput,
    check: service.Check,
    *,
    title: str,
    can_title: str,
    text: pages.Field,
    note: str,
    submit: str,
    action: str,
) -> pages.CheckPage:
    staying = sum(len(products) for products in check.stay.values())
    reasons = len(check.stay)
    seen = ",".join(f"{row}:{was.version}:{was.step}" for row, was in check.seen.items())
    return pages.CheckPage(
        head=pages.Head(
            title=title,
            sub=f"Kiểm tra {number(len(given.ids))} sản phẩm đã chọn. "
            "Chưa có gì thay đổi cho đến khi bấm nút xác nhận.",
            crumbs=[pages.Link(model.__plural__, f"{BASE_URL}/{model.__screen__}/list")],
            here=title.partition(":")[0],
        ),
        can_title=can_title,
        columns=("Sản phẩm và chủ thể", "Nơi sản xuất", "Đang ở bước", "Trạng thái"),
        can=_rows(check.can[:SHOWN]),
        can_more=f"và {number(len(check.can) - SHOWN)} sản phẩm khác" if len(check.can) > SHOWN else "",
        stay_title=f"{number(staying)} sản phẩm giữ nguyên, vì {reasons} lý do" if staying else "",
        stay=[
            pages.ReasonGroup(
                count=len(products),
                reason=reason.text,
                names="; ".join(p.name for p in products[:SHOWN])
                + (f"; và {number(len(products) - SHOWN)} sản phẩm khác" if len(products) > SHOWN else ""),
                cure=reason.cure,
                link=_open(products),
            )
            for reason, products in sorted(check.stay.items(), key=lambda item: -len(item[1]))
        ],
        form_title="Ghi vào hồ sơ" if submit else "Không có sản phẩm nào làm được",
        fields=[text] if submit else (),
        note=note if submit else "Xem lý do của từng nhóm, làm việc cần làm rồi chọn lại.",
        submit=submit,
        danger=False,
        action=f"{BASE_URL}/{model.__screen__}/action/{action}",
        hidden=[*given.hidden, ("confirm", "1"), ("seen", seen), ("stayed", str(staying))],
        cancel=given.back,
        errors=[(text.error, text.id)] if text.error else [],
    )


def _open(products: Sequence[Product]) -> pages.Link:
    if len(products) == 1:
        return pages.Link("Mở sản phẩm", f"{BASE_URL}/product/details/{products[0].id}")
    ids = ",".join(str(p.id) for p in products[:100])
    return pages.Link(f"Mở {number(min(len(products), 100))} sản phẩm", f"{BASE_URL}/product/list?pks={ids}")


def _rows(participations: Sequence[Participation]) -> list[list[pages.Cell]]:
    words = places_of(participations)
    return [_row(each, words[each.commune_id, each.moved_from_id]) for each in participations]


def _row(participation: Participation, place: PlaceWords) -> list[pages.Cell]:
    product = participation.product
    href = f"{BASE_URL}/product/details/{product.id}"
    step = participation.step
    return [
        pages.Cell(product.name, href=href, second=str(product.entity) if product.entity else ""),
        pages.Cell(place.today, second=place.former),
        pages.Cell(f"{step.number}. {step.name}", second=f"từ {day(participation.entered_on)}"),
        pages.Cell(tag=pages.Tag(participation.state.label, TONES[participation.state])),
    ]


def _result(model: Acted, given: ActionInput, move: Move, outcome: service.Outcome) -> pages.ResultPage:
    done, act = _WORDS[move].done, service.ACTS[move]
    moved, failed = outcome.moved, outcome.failed
    steps = {p.step.number for p in moved}
    where = f" sang bước {next(iter(steps))}" if len(steps) == 1 and move is Move.ADVANCE else ""
    title = f"{done} {number(len(moved))} sản phẩm{where}"
    left = _left(given) + len(outcome.skipped)
    parts = []
    if failed:
        parts.append(
            pages.ResultPart(
                "khong-lam-duoc",
                f"{number(len(failed))} sản phẩm không {act} được",
                ("Sản phẩm", "Vì sao"),
                [[_left_cell(it), pages.Cell(it.sentence)] for it in failed],
            )
        )
    if outcome.skipped:
        parts.append(
            pages.ResultPart(
                "o-lai",
                f"{number(len(outcome.skipped))} sản phẩm giữ nguyên",
                ("Sản phẩm", "Vì sao"),
                [[_left_cell(it), pages.Cell(it.sentence)] for it in outcome.skipped[:100]],
            )
        )
    if moved:
        parts.append(
            pages.ResultPart(
                "da-lam",
                f"{number(len(moved))} sản phẩm {done.lower()}",
                ("Sản phẩm và chủ thể", "Nơi sản xuất", "Nay ở bước", "Trạng thái"),
                _rows(moved[:100]),
            )
        )
    return pages.ResultPage(
        head=pages.Head(
            title=title,
            crumbs=[pages.Link(model.__plural__, f"{BASE_URL}/{model.__screen__}/list")],
            here=f"Kết quả {act}",
        ),
        title=title,
        sub=f"Lúc {moment(now())}. {number(left)} sản phẩm giữ nguyên, "
        f"{number(len(failed))} sản phẩm không {act} được.",
        tone="warn" if failed or not moved else "ok",
        counts=[
            pages.Count(number(len(moved)), done, "check", "ok", "#da-lam" if moved else ""),
            pages.Count(
                number(left),
                "Giữ nguyên, không đủ điều kiện",
                "hand-stop",
                "mute",
                "#o-lai" if outcome.skipped else "",
            ),
            pages.Count(
                number(len(failed)),
                f"Không {act} được",
                "alert-triangle",
                "danger" if failed else "mute",
                "#khong-lam-duoc" if failed else "",
                current=bool(failed),
            ),
        ],
        parts=parts,
        next_main=pages.Link(given.back.label.removeprefix("Hủy, ").capitalize(), given.back.href),
        next_links=(),
    )


def _left_cell(left: service.Left) -> pages.Cell:
    href = f"{BASE_URL}/product/details/{left.participation.product_id}" if left.participation else ""
    return pages.Cell(left.name, href=href)
