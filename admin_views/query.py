"""What a list is asked for: search, filters, sort, page; read from the address, refused when it cannot be read."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from time import monotonic
from typing import Any, Literal
from urllib.parse import urlencode

from sqlalchemy import (
    ColumnElement,
    Enum,
    Integer,
    Select,
    String,
    and_,
    case,
    func,
    inspect,
    or_,
    select,
)
from sqlalchemy.orm import Mapper, selectinload

from admin_views.columns import foreign_key, place_of
from app.current import actor, today
from app.errors import OcopError
from app.search import exact_first, lying_in, matching, took_over
from app.services.place_names import lineage, place_words
from app.session import OcopSession, saves
from models.base import Base, LabelledEnum, Placed, Searchable, Tidy, label_of
from models.commune import Commune, CommuneKind
from models.cycle import Cycle
from models.province import Dated
from models.rules.places import bare_name
from models.rules.text import fold, sort_key
from models.rules.words import day, number, read_day

PAGE_SIZES = (25, 50, 100)
# Times the largest page size this still fits the integers of both databases.
FURTHEST_PAGE = 20_000_000
# Counting stops here: an exact count of a million rows costs more than the page (DESIGN §6).
COUNT_LIMIT = 10_000
NEAR = 100  # rows that a typed name is looked for among
NAMED = 3  # of them named when it may mean several


class BadQuery(OcopError):
    sentence = "{what} trong địa chỉ trang chưa đọc được: “{text}”. Bỏ bộ lọc rồi chọn lại."


@dataclass(frozen=True)
class ListFilter:
    """One thing a list can be narrowed by.

    read: the value of the address → a checked value, raises ValueError. where: that value → a condition.
    words: the value as the chip shows it.
    """

    name: str
    label: str
    kind: Literal["options", "date", "lookup"]
    read: Callable[[str], Any]
    where: Callable[[Any], ColumnElement[bool]]
    words: Callable[[OcopSession, Any], str]
    options: Callable[[OcopSession], Sequence[tuple[str, str]]] = lambda _session: ()
    in_panel: bool = True
    screen: str | None = None  # of the rows that a link filter names; who may not list them, has no such filter


@dataclass(frozen=True)
class ListQuery:
    """page: from 1; from -1 backwards for the last pages, which are reached without counting. pks: ticked rows only."""

    search: str = ""
    filters: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    descending: bool = False
    page: int = 1
    size: int = PAGE_SIZES[0]
    pks: tuple[int, ...] = ()

    def pairs(self, *, without: Sequence[str] = (), **changes: Any) -> list[tuple[str, str]]:
        """The address parameters of this query, some left out or changed; page only when it is not the first."""
        found = {"search": self.search, "pks": ",".join(map(str, self.pks)), **self.raw}
        if self.sort:
            found |= {"sortBy": self.sort, "sort": "desc" if self.descending else "asc"}
        if self.size != PAGE_SIZES[0]:
            found["pageSize"] = str(self.size)
        found |= {name: str(value) for name, value in changes.items()}
        return [(name, value) for name, value in found.items() if value and name not in without]

    @property
    def narrows(self) -> bool:
        return bool(self.search or self.filters or self.pks)

    def address(self, *, without: Sequence[str] = (), **changes: Any) -> str:
        pairs = urlencode(self.pairs(without=without, **changes))
        return f"?{pairs}" if pairs else "?"


def read_query(params: Mapping[str, str], filters: Mapping[str, ListFilter], sortable: Sequence[str]) -> ListQuery:
    """Parameters of an address → a query; raises BadQuery for what cannot be read. Unknown names are not ours."""
    values: dict[str, Any] = {}
    raw: dict[str, str] = {}
    for name, listed in filters.items():
        text = params.get(name, "").replace("\x00", "").strip()
        if not text and (typed := params.get(f"{name}-text", "").strip()):
            raise BadQuery(what=f"Bộ lọc {listed.label} chưa được chọn trong danh sách;", text=typed)
        if not text:
            continue
        try:
            values[name] = listed.read(text)
        except (ValueError, OverflowError, KeyError):
            raise BadQuery(what=f"Bộ lọc {listed.label}", text=text) from None
        raw[name] = text
    sort = params.get("sortBy", "")
    if sort and sort not in sortable:
        raise BadQuery(what="Cột sắp xếp", text=sort)
    size = _whole(params.get("pageSize", ""), PAGE_SIZES[0], "Số dòng mỗi trang")
    page = max(-FURTHEST_PAGE, min(_whole(params.get("page", ""), 1, "Số trang"), FURTHEST_PAGE))
    return ListQuery(
        search=params.get("search", "").strip()[:200].replace("\x00", ""),
        filters=values,
        raw=raw,
        sort=sort,
        descending=params.get("sort") == "desc",
        page=page if page != 0 else 1,
        size=min((s for s in PAGE_SIZES if s >= size), default=PAGE_SIZES[-1]) if size > 0 else PAGE_SIZES[0],
        pks=tuple(row_id(pk) for pk in params.get("pks", "").split(",") if pk),
    )


def _whole(text: str, default: int, what: str) -> int:
    text = text.strip()
    if not text:
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", text.replace(".", "")):
        raise BadQuery(what=what, text=text)
    return int(text.replace(".", ""))


def row_id(text: str) -> int:
    """A row's key in an address; raises BadQuery, which also keeps numbers that no column holds from the database."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise BadQuery(what="Số dòng", text=text)
    return int(text)


# ---- answers kept for a moment ------------------------------------------------------------------------------------

KEPT_SECONDS = 10
KEPT_AT_MOST = 2000


class Kept:
    """Answers that every page needs and hardly a save changes: for each area, until this process saves something.

    What another process saves shows after KEPT_SECONDS. One for each application.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, tuple[int, float, Any]] = {}

    def ask(self, question: Hashable, work: Callable[[], Any]) -> Any:
        key = (actor().area, question)
        saved, now = saves(), monotonic()
        kept = self._answers.get(key)
        if kept is not None and kept[0] == saved and now < kept[1]:
            return kept[2]
        answer = work()
        self._keep(key, saved, now, answer)
        return answer

    def ask_each(
        self, question: Hashable, keys: Iterable[Any], work: Callable[[list[Any]], Mapping[Any, Any]]
    ) -> dict[Any, Any]:
        """The same for many at once, whatever the area: what is not kept is worked out together."""
        saved, now = saves(), monotonic()
        found, missing = {}, []
        for each in keys:
            kept = self._answers.get((question, each))
            if kept is not None and kept[0] == saved and now < kept[1]:
                found[each] = kept[2]
            else:
                missing.append(each)
        if missing:
            for each, answer in work(missing).items():
                self._keep((question, each), saved, now, answer)
                found[each] = answer
        return found

    def _keep(self, key: Hashable, saved: int, now: float, answer: Any) -> None:
        if len(self._answers) >= KEPT_AT_MOST:
            self._answers.clear()
        self._answers[key] = (saved, now + KEPT_SECONDS, answer)


# ---- filters from declarations ------------------------------------------------------------------------------------


def filters_for(model: type[Base], name: str, *, in_panel: bool = True) -> list[ListFilter]:
    """The filters of one attribute: a closed list, a link, yes or no, a day from and to, a whole number."""
    mapper: Mapper[Any] = inspect(model)
    label = label_of(model, name)
    if name in mapper.relationships:
        return [_link_filter(model, name, label, in_panel)]
    kept: Any = getattr(model, name)
    type_ = mapper.column_attrs[name].columns[0].type
    if isinstance(type_, Enum):
        members: Any = type_.enum_class
        return [
            ListFilter(
                name=name,
                label=label,
                kind="options",
                read=members,
                where=lambda value: kept == value,
                words=lambda _session, value: str(value.label),
                options=lambda _session: [(m.value, m.label) for m in members],
                in_panel=in_panel,
            )
        ]
    if type_.python_type is bool:
        return [
            ListFilter(
                name=name,
                label=label,
                kind="options",
                read=lambda text: bool(("0", "1").index(text)),
                where=kept.is_,
                words=lambda _session, value: "Có" if value else "Không",
                options=lambda _session: [("1", "Có"), ("0", "Không")],
                in_panel=in_panel,
            )
        ]
    if type_.python_type is date:
        return [
            _day_filter(f"{name}_from", f"{label}, từ", lambda value: kept >= value, in_panel),
            _day_filter(f"{name}_to", f"{label}, đến", lambda value: kept <= value, in_panel),
        ]
    is_text = isinstance(type_, Tidy | String)
    if not is_text and not isinstance(type_, Integer):
        raise TypeError(f"{model.__name__}.{name}: no filter for {type_!r}")
    return [
        ListFilter(
            name=name,
            label=label,
            kind="options",
            read=str if is_text else row_number,
            where=lambda value: kept == value,
            words=lambda _session, value: str(value),
            options=lambda session: [
                (str(value), str(value))
                for value in session.execute(select(kept).distinct().order_by(kept).limit(100)).scalars()
                if value is not None
            ],
            in_panel=in_panel,
        )
    ]


def row_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError(text)
    return int(text)


def _link_filter(model: type[Base], name: str, label: str, in_panel: bool) -> ListFilter:
    mapper: Mapper[Any] = inspect(model)
    target: type[Base] = mapper.relationships[name].mapper.class_
    kept = getattr(model, foreign_key(model, name))
    # Of the place of a record, whatever it was called when that was recorded.
    placed = model if target is Commune and issubclass(model, Placed) and name == "commune" else None

    def say(session: OcopSession, value: int) -> str:
        row = session.get(target, value)
        if isinstance(row, Commune):
            return place_words(session, [(value, None)], today())[value, None].line
        return str(row) if row is not None else "(ngoài địa bàn)"

    return ListFilter(
        name=name,
        label=label,
        kind="lookup",
        read=row_number,
        where=(lambda value: lying_in(placed, value)) if placed else lambda value: kept == value,
        words=say,
        screen=target.__screen__,
        in_panel=in_panel,
    )


def _day_filter(name: str, label: str, where: Callable[[date], ColumnElement[bool]], in_panel: bool) -> ListFilter:
    return ListFilter(
        name=name,
        label=label,
        kind="date",
        read=read_day,
        where=where,
        words=lambda _s, value: day(value),
        in_panel=in_panel,
    )


# ---- search -----------------------------------------------------------------------------------------------------


def suggestions(session: OcopSession, model: type[Base], term: str, *, limit: int = 10) -> list[dict[str, str]]:
    """Rows for an autocomplete: id, what names the row, what tells it apart; units in force before ended ones."""
    rows = _suggested(session, model, term, limit)
    before = lineage(session, [row.id for row in rows], today()) if model is Commune else {}
    return [
        {"id": str(row.id), "text": str(row), "hint": "; ".join(filter(None, (_since(row), before.get(row.id))))}
        for row in rows
    ]


def named(session: OcopSession, model: type[Base], text: str) -> Base:
    """The one row that a typed text stands for; raises ValueError with a sentence that names those it may mean.

    That is the row so named, the one in force of several; else the one in force that is so named without marks and
    kind; else the only one that is suggested.
    """
    near = _suggested(session, model, text, NEAR)
    in_force = [row for row in near if not isinstance(row, Dated) or row.in_force(today())]
    wanted = fold(bare_name(text))
    for found in (
        [row for row in near if str(row).casefold() == text.casefold()],
        [row for row in in_force if str(row).casefold() == text.casefold()],
        [row for row in in_force if fold(bare_name(str(row))) == wanted],
        near,
    ):
        if len(found) == 1:
            return found[0]
    if not near:
        raise ValueError(f"Không có “{text}” trong danh sách. Chọn một dòng trong danh sách gợi ý.")
    names = [str(row) for row in near[:NAMED]]
    if len(set(names)) < len(names):
        names = [f"{row} ({said})" if (said := hint(row)) else str(row) for row in near[:NAMED]]
    count = f"hơn {NEAR}" if len(near) == NEAR else str(len(near))
    more = "…" if len(near) > NAMED else ""
    raise ValueError(f"“{text}” có {count}: {', '.join(names)}{more}; chọn một dòng trong danh sách gợi ý.")


def only_choice(session: OcopSession, model: type[Base]) -> Base | None:
    """The one row that a new record can name: the commune of its clerk, the only open cycle; None for all others."""
    on = today()
    still_open = and_(Cycle.opened_on <= on, or_(Cycle.closed_on.is_(None), Cycle.closed_on >= on))
    condition = {Commune: Commune.on(on), Cycle: still_open}.get(model)
    if condition is None:
        return None
    rows = session.scalars(select(model).where(condition).limit(2)).all()
    return rows[0] if len(rows) == 1 else None


def _suggested(session: OcopSession, model: type[Base], term: str, limit: int) -> Sequence[Base]:
    statement = select(model)
    if issubclass(model, Searchable):
        for condition in matching(session, model, term):
            statement = statement.where(condition)
        order: list[Any] = [exact_first(model, term), getattr(model, "sort_key")]  # noqa: B009  # Searchable
    else:
        title: Any = getattr(model, model.__title__)
        statement = statement.where(func.lower(title.cast(String)).like(f"%{term.lower()}%"))
        order = [title]
    if hasattr(model, "valid_to"):
        order.insert(0, model.valid_to.is_not(None))
    if model is Commune:
        # So named first, now or before; then what has the words in its name; then what has them in a former one.
        named = _is_named(term)
        very = or_(named, took_over([named]))
        order = [case((and_(named, Commune.valid_to.is_(None)), 0), (very, 1), (order[1] < 2, 2), else_=3), *order]
    mapper: Mapper[Any] = inspect(model)
    if model.__title__ in mapper.relationships:
        statement = statement.options(selectinload(getattr(model, model.__title__)))
    return session.execute(statement.order_by(*order, model.id).limit(limit)).scalars().all()


def _since(row: Base) -> str:
    """What tells a row apart; of a unit in force the day it began too, for its name or code may be older."""
    said = hint(row)
    if isinstance(row, Commune) and row.valid_to is None:
        return f"{said}, từ {day(row.valid_from)}"
    return said


def _is_named(term: str) -> ColumnElement[bool]:
    """Whether a commune has this very name, with or without its kind."""
    keys = [sort_key(each) for each in (term, *(f"{kind.label} {term}" for kind in CommuneKind))]
    return Commune.sort_key.in_(keys)


def hint(row: Base) -> str:
    """What tells rows of one name apart: “Huyện Thạnh Phú, Tỉnh Bến Tre, đến 30/06/2025”."""
    parts = []
    for path in row.__hint__:
        first, _, rest = path.partition(".")
        value = getattr(row, first)
        if isinstance(value, Commune) and rest == "name" and isinstance(row, Placed):
            parts.append(place_of(row, value).line)
            continue
        value = getattr(value, rest, None) if rest else value
        if isinstance(value, date):
            parts.append(f"đến {day(value)}")
        elif value:
            parts.append(value.label if isinstance(value, LabelledEnum) else str(value))
    return ", ".join(parts)


def count_words(count: int) -> str:
    return f"{number(COUNT_LIMIT)}+" if count > COUNT_LIMIT else number(count)


def capped_count(ids: Select[Any]) -> Select[Any]:
    """Count over keys only, without order, stopping past COUNT_LIMIT."""
    keys = ids.order_by(None).limit(COUNT_LIMIT + 1).subquery()
    return select(func.count()).select_from(keys)
