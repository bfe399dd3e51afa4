"""Deleting: a check page that says which rows are still in use, then one transaction for the others."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from admin_views import pages
from admin_views.forms import lower_first
from admin_views.query import hint
from app.errors import OcopError
from app.session import OcopSession, StaleVersion
from models.base import Base
from models.rules.words import number

if TYPE_CHECKING:
    from admin_views.base import ActionInput, OcopView

SHOWN = 20


def deletion(view: "OcopView") -> Callable[[OcopSession, "ActionInput"], pages.CheckPage | pages.ResultPage]:
    """The action of a view's “Xóa…” button."""

    def run(session: OcopSession, given: "ActionInput") -> pages.CheckPage | pages.ResultPage:
        named = getattr(view.model, view.model.__title__)
        loading = [selectinload(named)] if view.model.__title__ in view.mapper.relationships else []
        statement = select(view.model).where(view.model.id.in_(given.ids)).options(*loading)
        rows = list(session.execute(statement).scalars())
        uses = view.uses(session, [row.id for row in rows])
        free = [row for row in rows if row.id not in uses]
        if given.confirmed:
            return _delete(session, view, given, free, len(rows) - len(free))
        return _check(view, given, rows, free, uses)

    return run


def _check(
    view: "OcopView", given: "ActionInput", rows: list[Base], free: list[Base], uses: dict[int, list[str]]
) -> pages.CheckPage:
    label, noun = lower_first(view.model.__label__), view.noun
    stay = [
        pages.ReasonGroup(
            1,
            f"{row}: còn {', '.join(uses[row.id])}",
            hint(row),
            view.when_used,
            pages.Link("Mở", view.href("details", row.id)),
        )
        for row in rows
        if row.id in uses
    ]
    return pages.CheckPage(
        head=pages.Head(
            title=f"Xóa {number(len(given.ids))} {noun}",
            sub=f"Kiểm tra {number(len(given.ids))} {noun} đã chọn. Chưa có gì thay đổi cho đến khi bấm nút xác nhận.",
            crumbs=[pages.Link(view.model.__plural__, view.href("list"))],
            here="Xóa",
        ),
        can_title=f"{number(len(free))} {noun} xóa được",
        columns=[view.model.__label__, ""],
        can=[[pages.Cell(str(row), view.href("details", row.id)), pages.Cell(hint(row))] for row in free[:SHOWN]],
        can_more=f"và {number(len(free) - SHOWN)} {noun} khác" if len(free) > SHOWN else "",
        stay_title=f"{number(len(stay))} {noun} ở lại, vì đang được dùng",
        stay=stay[:SHOWN],
        form_title="Xác nhận" if free else "Chưa xóa được",
        fields=(),
        note="Xóa không lấy lại được. Nội dung đã xóa vẫn còn trong nhật ký."
        if free
        else "Bản ghi đang được dùng thì không xóa."
        + (f" Nếu {label} không còn hoạt động, sửa tình trạng của nó." if hasattr(view.model, "status") else ""),
        submit=(f"Xóa {label} này" if len(free) == 1 else f"Xóa {number(len(free))} {noun}") if free else "",
        danger=True,
        action=view.href("delete"),
        hidden=[*given.hidden, ("confirm", "1"), ("seen", ",".join(f"{r.id}:{r.version}" for r in free))],
        cancel=given.back,
    )


def seen_versions(text: str) -> dict[int, int]:
    """“12:3,15:1” → the version of each row the check page showed."""
    pairs = (part.split(":") for part in text.split(",") if part.count(":") == 1)
    return {int(row): int(version) for row, version in pairs if row.isdecimal() and version.isdecimal()}


def _delete(
    session: OcopSession, view: "OcopView", given: "ActionInput", free: list[Base], kept: int
) -> pages.ResultPage:
    seen = seen_versions(given.form.get("seen", ""))
    deleted, failed = 0, []
    for row in free:
        name = str(row)
        try:
            if seen.get(row.id) != row.version:
                raise StaleVersion(row)
            with session.begin_nested(), session.doing("xóa"):
                view.delete_row(session, row)
            deleted += 1
        except IntegrityError:
            failed.append((name, "Vừa có bản ghi khác dùng đến. Mở ra xem rồi xóa lại."))
        except OcopError as refusal:
            failed.append((name, str(refusal)))
    noun = view.noun
    return pages.ResultPage(
        head=pages.Head(
            title=f"Đã xóa {number(deleted)} {noun}",
            crumbs=[pages.Link(view.model.__plural__, view.href("list"))],
            here="Kết quả xóa",
        ),
        title=f"Đã xóa {number(deleted)} {noun}",
        sub=f"{number(kept)} {noun} ở lại như đã báo trước, {number(len(failed))} {noun} không xóa được.",
        tone="ok" if deleted and not failed else "warn",
        counts=[
            pages.Count(number(deleted), "Đã xóa", "check", "ok"),
            pages.Count(number(kept), "Ở lại, đang được dùng", "hand-stop", "mute"),
            pages.Count(number(len(failed)), "Không xóa được", "alert-triangle", "danger" if failed else "mute"),
        ],
        parts=[
            pages.ResultPart(
                "khong-xoa-duoc",
                f"{number(len(failed))} {noun} không xóa được",
                [view.model.__label__, "Vì sao"],
                [[pages.Cell(name), pages.Cell(why)] for name, why in failed],
            )
        ]
        if failed
        else [],
        next_main=pages.Link("Quay lại danh sách", view.href("list")),
        next_links=(),
    )
