"""Tài khoản."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from admin_views import pages
from admin_views.base import Action, ActionInput, OcopView
from app.services import accounts
from app.session import OcopSession
from models import User
from models.base import Base


class UserView(OcopView, model=User):
    category = "Hệ thống"
    icon = "users"
    column_list = (
        User.full_name,
        User.username,
        User.role,
        User.office,
        User.province,
        User.district,
        User.commune,
        User.locked,
    )
    column_filters = (User.role, User.province, User.commune, User.locked)
    form_columns = (
        User.username,
        User.full_name,
        User.role,
        User.office,
        User.province,
        User.district,
        User.commune,
        User.locked,
    )

    def own_actions(self) -> Iterable[Action]:
        yield Action("reset_password", "Đặt lại mật khẩu…", "key", self._reset)

    def create_row(self, session: OcopSession, values: Mapping[str, Any]) -> Base:
        user, password = accounts.add_user(
            session,
            username=values["username"],
            full_name=values["full_name"],
            role=values["role"],
            office=values["office"],
            place=accounts.one_place(values),
        )
        session.info["result"] = self._handed_over([(user, password)], "Đã thêm tài khoản")
        return user

    def change_row(self, session: OcopSession, row: Base, values: Mapping[str, Any]) -> None:
        assert isinstance(row, User)
        accounts.change_user(session, row, values)

    def _reset(self, session: OcopSession, given: ActionInput) -> pages.CheckPage | pages.ResultPage:
        users = list(session.execute(select(User).where(User.id.in_(given.ids))).scalars())
        if given.confirmed:
            return self._handed_over(
                [(user, accounts.reset_password(session, user)) for user in users], "Đã đặt lại mật khẩu"
            )
        return pages.CheckPage(
            head=pages.Head(
                title=f"Đặt lại mật khẩu cho {len(users)} tài khoản",
                sub="Chưa có gì thay đổi cho đến khi bấm nút xác nhận.",
                crumbs=[pages.Link(User.__plural__, self.href("list"))],
                here="Đặt lại mật khẩu",
            ),
            can_title=f"{len(users)} tài khoản",
            columns=("Họ tên", "Tên đăng nhập", "Vai trò"),
            can=[[pages.Cell(u.full_name), pages.Cell(u.username), pages.Cell(u.role.label)] for u in users[:20]],
            can_more="",
            stay_title="",
            stay=(),
            form_title="Xác nhận",
            fields=(),
            note="Mật khẩu cũ hết dùng được và các phiên đang mở kết thúc. Mật khẩu mới hiện một lần ở trang sau.",
            submit=f"Đặt lại mật khẩu cho {len(users)} tài khoản",
            danger=True,
            action=self.href("action", "reset_password"),
            hidden=[*given.hidden, ("confirm", "1")],
            cancel=given.back,
        )

    def _handed_over(self, users: Iterable[tuple[User, str]], title: str) -> pages.ResultPage:
        """The only page a one-time password is ever on."""
        rows = [[pages.Cell(u.full_name), pages.Cell(u.username), pages.Cell(word)] for u, word in users]
        return pages.ResultPage(
            head=pages.Head(title=title, crumbs=[pages.Link(User.__plural__, self.href("list"))], here=title),
            title=title,
            sub="Mật khẩu chỉ hiện một lần ở trang này. Đưa tận tay; người nhận phải đổi khi đăng nhập lần đầu.",
            tone="ok",
            counts=[pages.Count(str(len(rows)), "Tài khoản", "users", "ok")],
            parts=[
                pages.ResultPart("mat-khau", "Mật khẩu dùng một lần", ("Họ tên", "Tên đăng nhập", "Mật khẩu"), rows)
            ],
            next_main=pages.Link("Về danh sách tài khoản", self.href("list")),
            next_links=(),
        )
