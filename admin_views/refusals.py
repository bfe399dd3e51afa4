"""Refusals in words: what the database refused, what an address could not give, what went wrong."""

import re
from typing import Any

from sqlalchemy import CheckConstraint, Table, UniqueConstraint, inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapper
from starlette.exceptions import HTTPException
from starlette.requests import Request

from admin_views import pages
from admin_views.base import NotFound
from admin_views.forms import lower_first
from admin_views.query import BadQuery
from admin_views.security import TooLarge
from app.current import NoActorError, actor
from app.session import OutsideArea, StaleVersion
from models.base import Base, fields, now
from models.rules.words import VIETNAM

HOME = pages.Link("Về trang chủ", "/admin/")


def clash(model: type[Base], error: IntegrityError) -> tuple[str, str]:
    """(attribute, sentence) of what the database itself refused: double, missing, still in use, against a rule."""
    columns, kind = _what(model, error)
    mapper: Mapper[Any] = inspect(model)
    names = [mapper.get_property_by_column(c).key for c in columns]
    labels = [fields(model)[n].label for n in names if n in fields(model)]
    together = " và ".join(lower_first(label) for label in labels)
    first = names[0] if names else ""
    if kind == "unique":
        return (
            first,
            f"Đã có {lower_first(model.__label__)} cùng {together}. Tìm bản ghi đó và sửa, thay vì thêm mới.",
        )
    if kind == "missing":
        return first, f"Nhập {together}."
    if kind == "check":
        return first, f"Giá trị của {together or 'bản ghi'} trái với quy tắc của sổ. Xem lại rồi lưu."
    return first, "Bản ghi được chọn không còn trong sổ hoặc đang được dùng ở nơi khác. Chọn lại rồi lưu."


def _what(model: type[Base], error: IntegrityError) -> tuple[list[Any], str]:
    """(columns, unique | missing | check | link), from either driver's error."""
    table = model.__table__
    assert isinstance(table, Table)
    diag = getattr(error.orig, "diag", None)
    if diag is not None:
        named = next((c for c in table.constraints if c.name == diag.constraint_name), None)
        if isinstance(named, UniqueConstraint):
            return list(named.columns), "unique"
        if isinstance(named, CheckConstraint):
            return list(named.columns), "check"
        if diag.column_name and diag.column_name in table.c:
            return [table.c[diag.column_name]], "missing"
        unique = next((i for i in table.indexes if i.name == diag.constraint_name and i.unique), None)
        if unique is not None:
            return list(unique.columns), "unique"
        return [], "link"
    text = str(error.orig)
    columns = [table.c[name] for t, name in re.findall(r"(\w+)\.(\w+)", text) if t == table.name and name in table.c]
    if text.startswith("UNIQUE"):
        return columns, "unique"
    if text.startswith("NOT NULL"):
        return columns, "missing"
    if text.startswith("CHECK"):
        name = text.rpartition(": ")[2]
        named = next((c for c in table.constraints if c.name == name), None)
        return (list(named.columns) if isinstance(named, CheckConstraint) else []), "check"
    return [], "link"


def error_page(error: Exception, request: Request) -> pages.ErrorPage:
    """The page of a refusal: what did not happen, what to do."""
    status = error.status_code if isinstance(error, HTTPException) else 409
    if isinstance(error, BadQuery):
        status = 400
    elif isinstance(error, (OutsideArea, NotFound)):
        status = 404
    back = pages.Link("Quay lại trang trước", request.headers.get("referer", "")) if _came_from_here(request) else None
    sentence = error.detail if isinstance(error, TooLarge) else "" if isinstance(error, HTTPException) else str(error)
    if status == 404:
        return pages.ErrorPage(
            status,
            "Không tìm thấy trang này",
            sentence or "Địa chỉ không đúng, hoặc bản ghi đã bị xóa hay nằm ngoài địa bàn của bạn.",
            [
                "Xem lại địa chỉ.",
                "Tìm bản ghi trong danh sách.",
                "Nếu cần xem địa bàn khác, hỏi cán bộ cấp trên.",
            ],
            [HOME] if back else [],
            back or HOME,
        )
    if status == 403:
        return pages.ErrorPage(
            status,
            "Bạn không được làm việc này",
            sentence or _not_yours(),
            [
                "Chọn việc khác trong mục lục bên trái.",
                "Nếu việc này là của bạn, gọi người quản trị để được cấp quyền.",
            ],
            [HOME] if back else [],
            back or HOME,
        )
    if status == 405:
        return pages.ErrorPage(
            status,
            "Không mở được theo cách này",
            "Địa chỉ này chỉ dùng khi bấm nút trên trang. Chưa có gì thay đổi.",
            ["Quay lại danh sách và bấm nút ở đó."],
            [],
            HOME,
        )
    title = "Chưa làm được" if status in (409, 413) else "Yêu cầu chưa đọc được"
    what = sentence or "Máy chủ không đọc được yêu cầu này. Chưa có gì thay đổi."
    cures = ["Quay lại trang trước và thử lại."]
    if isinstance(error, StaleVersion):
        cures = ["Mở lại bản ghi để xem bản mới.", "Làm lại thay đổi của bạn trên bản mới."]
    if isinstance(error, TooLarge):
        cures = ["Quay lại trang trước.", "Xóa hình ảnh trong tệp hoặc chia thành nhiều tệp, rồi gửi lại."]
    return pages.ErrorPage(status, title, what, cures, [HOME] if back else [], back or HOME)


def _not_yours() -> str:
    try:
        role = actor().role
    except NoActorError:
        role = None
    who = f" của {lower_first(role.label)}" if role else ""
    return f"Trang này không thuộc quyền{who}. Chưa có gì thay đổi."


def _came_from_here(request: Request) -> bool:
    referer = request.headers.get("referer", "")
    return referer.startswith(f"{request.url.scheme}://{request.headers.get('host', '')}/") and referer != str(
        request.url
    )


def broken_page(request: Request) -> pages.ErrorPage:
    """A bug. The work runs in one transaction, which was rolled back before this page is made."""
    given = getattr(request.state, "request_number", "") or "0000-0000"
    person = getattr(request.state, "person", None)
    when = now().astimezone(VIETNAM)
    line = f"{when:%H:%M:%S} ngày {when:%d/%m/%Y}"
    if person is not None:
        line += f", tài khoản {person.username}"
    changes = request.method not in ("GET", "HEAD")
    return pages.ErrorPage(
        500,
        "Trang này đang gặp lỗi",
        "Việc bạn vừa bấm chưa được thực hiện. Không có dữ liệu nào bị ghi dở."
        if changes
        else "Trang chưa mở được. Không có dữ liệu nào thay đổi.",
        [
            "Quay lại trang trước. Những gì đã gõ vẫn còn trong biểu mẫu." if changes else "Quay lại trang trước.",
            "Thử lại sau một phút.",
            "Nếu vẫn gặp lỗi, gọi người quản trị và đọc mã yêu cầu bên dưới.",
        ],
        [HOME],
        pages.Link("Quay lại trang trước", request.headers["referer"]) if _came_from_here(request) else HOME,
        number=given,
        number_line=f"{line}. Người quản trị tra mã này trong nhật ký máy chủ.",
    )
