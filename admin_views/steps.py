"""The step actions: a check page that says who can move and who stays and why, then each in its own savepoint."""

import re
from collections.abc import Callable, Sequence

from sqlalchemy import select

from admin_views import pages
from admin_views.base import BASE_URL, Action, ActionInput
from admin_views.columns import TONES, places_of
from app.services import cycle as service
from app.services.place_names import PlaceWords
from app.session import OcopSession
from models import CycleStep, Participation, ParticipationState, Product
from models.base import now
from models.rules.cycle import next_step
from models.rules.words import day, moment, number

SHOWN = 5
Acted = type[Product] | type[Participation]


def step_actions(model: Acted) -> list[Action]:
    """Chuyển bước and Trả lại for a list of products or of participations."""
    return [
        Action("advance", "Chuyển bước…", "player-track-next", _advancing(model), main=True),
        Action("send_back", "Trả lại để hoàn thiện…", "arrow-back-up", _sending_back(model)),
        Action("resubmit", "Ghi nhận nộp lại…", "file-import", _resubmitting(model)),
    ]


def _advancing(model: Acted) -> Callable[[OcopSession, ActionInput], pages.CheckPage | pages.ResultPage]:
    def run(session: OcopSession, given: ActionInput) -> pages.CheckPage | pages.ResultPage:
        if given.confirmed:
            seen = _seen(given)
            note = given.form.get("note", "")
            outcome = service.advance_many(session, seen, today=given.today, note=note)
            left = _left(given)
            return _result(model, given, outcome, left, "Đã chuyển", "Đã chuyển bước", "chuyển")
        check = service.check_advance(session, model, given.ids, today=given.today)
        steps = list(session.execute(select(CycleStep)).scalars())
        where = {after.number: after for p in check.can if (after := next_step(steps, p.step, given.today))}
        only = next(iter(where.values())) if len(where) == 1 else None
        count = number(len(check.can))
        title = f"Chuyển sang bước {only.number}: {only.name}" if only else "Chuyển sang bước tiếp theo"
        submit = f"Chuyển {count} sản phẩm sang " + (f"bước {only.number}" if only else "bước tiếp theo")
        return _check_page(
            model,
            given,
            check,
            title=title,
            can_title=f"{count} sản phẩm chuyển được",
            fields=[_note_field(given)],
            note=_not_handed_in(check)
            + "Mỗi sản phẩm được ghi riêng. Sản phẩm vừa có người sửa thì giữ nguyên và được báo lại.",
            submit=submit if check.can else "",
            action="advance",
        )

    return run


def _sending_back(model: Acted) -> Callable[[OcopSession, ActionInput], pages.CheckPage | pages.ResultPage]:
    def run(session: OcopSession, given: ActionInput) -> pages.CheckPage | pages.ResultPage:
        error = ""
        if given.confirmed:
            seen = _seen(given)
            reason = given.form.get("reason", "")
            try:
                outcome = service.send_back_many(session, seen, reason=reason, today=given.today)
                return _result(model, given, outcome, _left(given), "Đã trả lại", "Đã trả lại", "trả lại")
            except service.ReasonNeeded as refusal:
                error = str(refusal)
        check = service.check_send_back(session, model, given.ids, today=given.today)
        count = number(len(check.can))
        return _check_page(
            model,
            given,
            check,
            title="Trả lại để hoàn thiện",
            can_title=f"{count} sản phẩm trả lại được",
            fields=[
                pages.Field(
                    "reason",
                    "o-reason",
                    "Lý do trả lại",
                    "area",
                    hint="Ghi rõ phải sửa gì; chủ thể đọc câu này",
                    value=given.form.get("reason", ""),
                    error=error,
                )
            ],
            note="Sản phẩm giữ nguyên bước, trạng thái là “Bị trả lại” cho đến khi chủ thể nộp lại.",
            submit=f"Trả lại {count} sản phẩm" if check.can else "",
            action="send_back",
            errors=[(error, "o-reason")] if error else [],
        )

    return run


def _seen(given: ActionInput) -> dict[int, service.Seen]:
    """“12:3:4,15:1:4”: each participation with the version and step that the check page showed."""
    found = re.findall(r"(\d{1,9}):(\d{1,9}):(\d{1,3})(?:,|$)", given.form.get("seen", ""))
    return {int(row): service.Seen(int(version), int(step)) for row, version, step in found}


def _resubmitting(model: Acted) -> Callable[[OcopSession, ActionInput], pages.CheckPage | pages.ResultPage]:
    def run(session: OcopSession, given: ActionInput) -> pages.CheckPage | pages.ResultPage:
        if given.confirmed:
            note = given.form.get("note", "")
            outcome = service.resubmit_many(session, _seen(given), today=given.today, note=note)
            return _result(model, given, outcome, _left(given), "Đã ghi nhận nộp lại", "Đã nộp lại", "ghi nhận")
        check = service.check_resubmit(session, model, given.ids, today=given.today)
        count = number(len(check.can))
        return _check_page(
            model,
            given,
            check,
            title="Ghi nhận nộp lại",
            can_title=f"{count} sản phẩm đang bị trả lại",
            fields=[_note_field(given)],
            note="Sản phẩm giữ nguyên bước, trạng thái là “Chờ kiểm tra” cho đến khi chuyển bước hoặc trả lại.",
            submit=f"Ghi nhận {count} sản phẩm đã nộp lại" if check.can else "",
            action="resubmit",
        )

    return run


def _note_field(given: ActionInput) -> pages.Field:
    return pages.Field(
        "note",
        "o-note",
        "Ghi chú",
        "area",
        hint="Ghi vào dòng thời gian của từng sản phẩm",
        required=False,
        value=given.form.get("note", ""),
    )


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
    fields: Sequence[pages.Field],
    note: str,
    submit: str,
    action: str,
    errors: Sequence[tuple[str, str]] = (),
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
        fields=fields if submit else (),
        note=note if submit else "Xem lý do của từng nhóm, làm việc cần làm rồi chọn lại.",
        submit=submit,
        danger=False,
        action=f"{BASE_URL}/{model.__screen__}/action/{action}",
        hidden=[*given.hidden, ("confirm", "1"), ("seen", seen), ("stayed", str(staying))],
        cancel=given.back,
        errors=errors,
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


def _result(
    model: Acted, given: ActionInput, outcome: service.Outcome, stayed: int, verb: str, done: str, act: str
) -> pages.ResultPage:
    moved, failed = outcome.moved, outcome.failed
    steps = {p.step.number for p in moved}
    where = f" sang bước {next(iter(steps))}" if len(steps) == 1 and act == "chuyển" else ""
    title = f"{verb} {number(len(moved))} sản phẩm{where}"
    left = stayed + len(outcome.skipped)
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
            here=f"Kết quả {act}" + (" bước" if act == "chuyển" else ""),
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
