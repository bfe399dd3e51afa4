"""A workbook to fill in for any list that can be imported, blank or with the records that still miss something."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import Boolean, Date, Enum, Integer, String, false, inspect, or_, select
from sqlalchemy.orm import Mapper, selectinload

from app.files.template import InputColumn, workbook
from app.services import importing
from app.services.importing import places
from app.services.importing.reading import linked_model, titles_of
from app.session import OcopSession
from models.base import Base, Placed, Points, Searchable, Tidy, TidyText, fields
from models.district import District
from models.province import Dated
from models.rules.places import NO_DISTRICTS_FROM
from models.rules.text import fold
from models.rules.words import day, number, words

# As many as are filled in before the next are asked for.
MOST_ROWS = 5_000
MOST_NAMES = 20_000
YES_NO = ("Có", "Không")


def template(session: OcopSession, model: type[Base], *, as_of: date, filled: bool = False) -> bytes:
    """Bytes of an .xlsx whose columns an import of the model knows. as_of: the day it is to be imported for.

    filled: with the records of the area that have no value in some column, so that they can be completed;
    imported as it is, it changes nothing.
    """
    as_of = day_of(model, as_of)
    titles = _titles(model, as_of)
    lists = _lists(session, model, titles, as_of)
    columns = [_column(model, path, title, lists) for path, title in titles.items()]
    rows, said = _incomplete(session, model, list(titles), as_of) if filled else ([], [])
    notes = [
        f"Ghi mỗi {model.__label__.lower()} một dòng ở trang “Nhập liệu”. Giữ nguyên tên cột; cột không dùng thì xóa.",
        "Cột nền vàng là cột để nhận ra bản ghi đã có. Ô trống giữ nguyên điều đang có trong sổ.",
        *([f"Khi tải tệp lên, ghi danh mục tại ngày {day(as_of)}."] if model in importing.DATED else []),
        *said,
    ]
    return workbook(columns, rows, lists=lists, notes=notes)


def day_of(model: type[Base], day: date) -> date:
    """The day a list is for: of districts the last they had, when that is over."""
    return min(day, NO_DISTRICTS_FROM - timedelta(days=1)) if model is District else day


def may_be_incomplete(model: type[Base]) -> bool:
    """Whether a record can be without a value somewhere; one that is nothing but its key cannot."""
    return bool(_missing(model, importing.importable_paths(model)))


# ---- columns ------------------------------------------------------------------------------------------------


def _titles(model: type[Base], as_of: date) -> dict[str, str]:
    """{path: title} in the order of the model, what names a linked row beside its key; a title leads to one path."""
    uses = importing.importable_paths(model)
    leads_to: dict[str, str] = {}
    for path in uses:
        for title in titles_of(model, path):
            leads_to.setdefault(fold(title), path)
    found = {
        path: next((title for title in titles_of(model, path) if leads_to[fold(title)] == path), "")
        for path in uses
        if _is_asked(model, path, as_of)
    }
    order = list(fields(model))

    def place(path: str) -> tuple[int, int, bool]:
        first, *below = path.split(".")
        at = order.index(f"{first}_id") if f"{first}_id" in order else order.index(first)
        return at, len(below), bool(below) and not _is_title(model, path)

    return {path: found[path] for path in sorted(found, key=place) if found[path]}


def _is_asked(model: type[Base], path: str, as_of: date) -> bool:
    """Own columns, names and keys of linked rows, and those of links by which a key of the list is told apart."""
    first, _, rest = path.partition(".")
    if not rest:
        return True
    if model in importing.DATED and first == "district" and as_of >= NO_DISTRICTS_FROM:
        return False
    below, _, deeper = rest.partition(".")
    if not deeper:
        return True
    is_near = "." not in deeper and not issubclass(linked_model(linked_model(model, first), below), Dated)
    return first in _key_names(model) and is_near


def _key_names(model: type[Base]) -> set[str]:
    return {name for key in model.__keys__ for name in key}


def _is_title(model: type[Base], path: str) -> bool:
    first, _, rest = path.partition(".")
    return _is_title(linked_model(model, first), rest) if rest else path == model.__title__


def _column(model: type[Base], path: str, title: str, lists: Mapping[str, Sequence[str]]) -> InputColumn:
    first, _, rest = path.partition(".")
    owner, attribute = _end(model, path)
    info = fields(model)[first] if rest and _is_title(model, path) else fields(owner)[attribute]
    kind, what, example = _kind(owner, attribute)
    is_key = first in _key_names(model) and path.count(".") < 2
    is_enum = not rest and title in lists
    if title in lists:
        what = "chọn trong danh sách" if is_enum else "chọn trong danh sách, hoặc gõ đúng tên"
        example = lists[title][0] if lists[title] else ""
    whose = path.rpartition(".")[0]
    hints = [
        "cột để nhận ra bản ghi" if is_key else "",
        f"của {_link_label(model, whose)}" if whose and not (_is_title(model, path) and "." not in whose) else "",
        info.hint,
    ]
    return InputColumn(
        title=title,
        kind=kind,
        is_key=is_key,
        needed=_needed(model, path),
        what=what,
        example=example,
        hint="; ".join(hint for hint in hints if hint),
        choices=title if title in lists else "",
        is_closed=is_enum,
    )


def _link_label(model: type[Base], path: str) -> str:
    """“chủ thể” of a link of the model, or of a link below it."""
    first, _, rest = path.partition(".")
    label = fields(model)[first].label
    return _link_label(linked_model(model, first), rest) if rest else f"{label[:1].lower()}{label[1:]}"


def _end(model: type[Base], path: str) -> tuple[type[Base], str]:
    first, _, rest = path.partition(".")
    return _end(linked_model(model, first), rest) if rest else (model, first)


def _kind(owner: type[Base], attribute: str) -> tuple[Literal["text", "date", "integer", "number"], str, str]:
    """How a cell is formatted, what is written into it, an example."""
    kind = inspect(owner).column_attrs[attribute].columns[0].type
    if isinstance(kind, Date):
        return "date", "ngày/tháng/năm", "05/03/2026"
    if isinstance(kind, Points):
        return "number", "số, có thể có phần lẻ", "76,5"
    if isinstance(kind, Integer):
        return "integer", "số nguyên", ""
    length = getattr(kind, "length", None)
    return "text", f"chữ, tối đa {length}" if length else "chữ, có thể nhiều dòng", ""


def _needed(model: type[Base], path: str) -> str:
    first, _, rest = path.partition(".")
    if rest.count(".") or not _is_required(model, first, path):
        return "không bắt buộc"
    if rest and not _is_title(model, path):
        return "không bắt buộc khi đã ghi tên"
    return "phải ghi" if first in _key_names(model) or model in importing.DATED else "phải ghi khi thêm mới"


def _is_required(model: type[Base], first: str, path: str) -> bool:
    if model in importing.DATED:
        return path in places.NEEDS or first == "province"
    mapper: Mapper[Any] = inspect(model)
    attribute = f"{first}_id" if first in mapper.relationships else first
    column = mapper.column_attrs[attribute].columns[0]
    return not column.nullable and column.default is None and not {first, attribute} & set(model.__guesses__)


# ---- lists to choose from -----------------------------------------------------------------------------------


def _lists(session: OcopSession, model: type[Base], titles: Mapping[str, str], as_of: date) -> dict[str, Sequence[str]]:
    """{title of the column: what it may say}: closed lists, and the names of short registers in the clerk's area."""
    found: dict[str, Sequence[str]] = {}
    for path, title in titles.items():
        first, _, rest = path.partition(".")
        if rest:
            linked = linked_model(model, first)
            if rest == linked.__title__ and not issubclass(linked, Placed):
                found[title] = _names(session, linked, as_of)
            continue
        kind = inspect(model).column_attrs[first].columns[0].type
        if isinstance(kind, Enum) and kind.enum_class is not None:
            found[title] = [words(member) for member in kind.enum_class]
        elif isinstance(kind, Boolean):
            found[title] = YES_NO
    return found


def _names(session: OcopSession, model: Any, as_of: date) -> list[str]:
    statement = select(getattr(model, model.__title__))
    if issubclass(model, Dated):
        statement = statement.where(model.on(as_of))
    statement = statement.order_by(model.sort_key if issubclass(model, Searchable) else model.id).limit(MOST_NAMES)
    return list(dict.fromkeys(session.scalars(statement)))


# ---- records that miss something ----------------------------------------------------------------------------


@dataclass
class _Reader:
    """Cells of a record. A linked row that an import of the day does not find leaves its cells blank."""

    model: type[Base]
    paths: Sequence[str]
    as_of: date

    def cells(self, row: Base) -> list[Any]:
        return [_cell(self._value(row, path)) for path in self.paths]

    def is_known(self, row: Base) -> bool:
        """Whether an import finds the record again by one of its keys."""
        return any(all(self._named(row, name) not in (None, "") for name in key) for key in self.model.__keys__)

    def is_emptied(self, row: Base) -> bool:
        """Whether cells stay blank although the register has what they are for."""
        return any(self._leads_to_ended(row, path) for path in self.paths)

    def _leads_to_ended(self, row: Base, path: str) -> bool:
        first, _, rest = path.partition(".")
        if not rest or (linked := getattr(row, first)) is None:
            return False
        return self._is_over(row, first) or self._leads_to_ended(linked, rest)

    def _named(self, row: Base, name: str) -> Any:
        return self._linked(row, name) if name in inspect(self.model).relationships else getattr(row, name)

    def _value(self, row: Base, path: str) -> Any:
        first, _, rest = path.partition(".")
        if not rest:
            return getattr(row, first)
        linked = self._linked(row, first)
        return None if linked is None else self._value(linked, rest)

    def _linked(self, row: Base, relation: str) -> Any:
        return None if self._is_over(row, relation) else getattr(row, relation)

    def _is_over(self, row: Base, relation: str) -> bool:
        linked = getattr(row, relation)
        return isinstance(linked, Dated) and not linked.in_force(self.as_of)


def _cell(value: Any) -> Any:
    if isinstance(value, bool) or hasattr(value, "label"):
        return words(value)
    return None if value == "" else value


def _incomplete(
    session: OcopSession, model: type[Base], paths: Sequence[str], as_of: date
) -> tuple[list[list[Any]], list[str]]:
    """Records of the area without a value in some column, and sentences about them."""
    statement = select(model).where(or_(false(), *_missing(model, paths))).order_by(model.id).limit(MOST_ROWS + 1)
    if issubclass(model, Dated):
        statement = statement.where(model.on(as_of))
    for relation in dict.fromkeys(path.rpartition(".")[0] for path in paths if "." in path):
        statement = statement.options(_loaded(model, relation))
    found = session.scalars(statement).all()
    reader = _Reader(model, paths, as_of)
    known = [row for row in found[:MOST_ROWS] if reader.is_known(row)]
    rows = [reader.cells(row) for row in known]
    said = [f"Tệp có {number(len(rows))} bản ghi còn thiếu dữ liệu ở một hay nhiều cột."]
    if emptied := sum(map(reader.is_emptied, known)):
        said.append(
            f"{number(emptied)} bản ghi trong tệp có ô tên, mã xã để trống vì sổ ghi xã, phường đã kết thúc; "
            "ô trống thì sổ giữ nguyên."
        )
    if left := min(len(found), MOST_ROWS) - len(rows):
        said.append(
            f"{number(left)} bản ghi khác không có trong tệp vì xã, phường ghi ở đó nay không còn; sửa trên màn hình."
        )
    if len(found) > MOST_ROWS:
        said.append(f"Tệp chỉ xét {number(MOST_ROWS)} bản ghi đầu. Điền và nhập xong rồi tải tiếp.")
    return rows, said


def _loaded(model: type[Base], relation: str) -> Any:
    first, _, rest = relation.partition(".")
    option = selectinload(getattr(model, first))
    return option.options(_loaded(linked_model(model, first), rest)) if rest else option


def _missing(model: type[Base], paths: Collection[str]) -> list[Any]:
    """Conditions, one for each column that may be without a value."""
    mapper: Mapper[Any] = inspect(model)
    found = []
    for name in dict.fromkeys(path.partition(".")[0] for path in paths):
        attribute = getattr(model, f"{name}_id" if name in mapper.relationships else name)
        column = mapper.column_attrs[attribute.key].columns[0]
        if column.nullable:
            found.append(attribute.is_(None))
        if isinstance(column.type, String | Tidy | TidyText) and not isinstance(column.type, Enum):
            found.append(attribute == "")
    return found
