"""The view base: one small class beside a model gives list, record, form, search, export, history and rights.

A view class may say, all of it optional:
    category, icon          where it stands in the menu
    column_list             attributes of the list; the first one opens the record
    column_filters          attributes of the filter panel
    column_default_sort     (attribute, True) for descending, (attribute, False) for ascending
    column_details_list     attributes of the record; form_columns those of the form
and override `listed`, `tags`, `tabs`, `create_row`, `change_row` or `actions` where the model is more than a table.
This module and admin_views/site.py are the only ones that know sqladmin.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

from sqladmin import ModelView
from sqlalchemy import (
    ColumnElement,
    Date,
    Enum,
    Integer,
    Row,
    Select,
    UnaryExpression,
    bindparam,
    func,
    inspect,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Mapper
from sqlalchemy.sql import operators
from starlette.requests import Request

from admin_views import pages
from admin_views.columns import (
    Shown,
    Words,
    default_columns,
    file_value,
    foreign_key,
    former_and_later,
    is_written_as_it_is,
    place_of,
    shown,
)
from admin_views.forms import ClerkForm, form_class, lower_first
from admin_views.query import (
    COUNT_LIMIT,
    Kept,
    ListFilter,
    ListQuery,
    capped_count,
    count_words,
    filters_for,
    hint,
    named,
    only_choice,
    read_query,
)
from app.current import Actor, actor, today
from app.errors import OcopError
from app.files.titles import NAMED_AS_OF
from app.search import exact_first, matching, matching_rows
from app.services.place_names import place_lines
from app.session import OcopSession
from app.table import Column, Table
from models import AuditAction, AuditEntry, Commune
from models.base import Base, Instant, Placed, Points, Searchable, fields, label_of
from models.province import Dated
from models.rules.access import may
from models.rules.text import fold, tidy
from models.rules.words import day, moment, number, words

BASE_URL = "/admin"
EXPORTED_TOGETHER = 500
NAMED_AT_MOST = 2000  # rows found that are named to be sorted; more are looked for a second time
WORDS_KEPT = 20_000  # of one export; the country has some 13,000 places, former ones with them


class NotFound(OcopError):
    """Nothing there, or nothing there for this person: the same answer, so that no one learns what exists."""

    sentence = "Không có {label} này, hoặc {label} nằm ngoài địa bàn của bạn."


@dataclass(frozen=True)
class ActionInput:
    """What a bulk button posts. ids: the rows acted on, ticked ones or all that match, in list order."""

    ids: Sequence[int]
    form: Mapping[str, str]
    confirmed: bool
    today: date
    hidden: Sequence[tuple[str, str]]
    back: pages.Link


@dataclass(frozen=True)
class Action:
    """A button above the list and on the record; its check page changes nothing, its confirmation acts."""

    name: str
    label: str
    icon: str
    run: Callable[[OcopSession, ActionInput], pages.CheckPage | pages.ResultPage]
    main: bool = False


class OcopView(ModelView):
    """See the module. Instances are made once; whatever depends on the person is asked for per request."""

    model: ClassVar[type[Base]]
    icon: ClassVar[str] = "list"
    most_columns: ClassVar[int] = 7
    when_used: ClassVar[str] = "Chuyển hoặc xóa các bản ghi đó trước."  # what to do with a row that is not deleted

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

    def __init__(self) -> None:
        # sqladmin's metaclass makes the identity and the names from the class; ours come from the model.
        cls = type(self)
        assert self.model.__screen__ is not None
        cls.identity = self.model.__screen__
        cls.name, cls.name_plural = self.model.__label__, self.model.__plural__
        super().__init__()

    # ---- sqladmin's own machinery sees explicit lists only, and no files ------------------------------------

    def get_list_columns(self) -> list[str]:
        return [_key(name) for name in self.column_list] or list(default_columns(self.model, most=self.most_columns))

    def get_details_columns(self) -> list[str]:
        return [_key(name) for name in self.column_details_list] or self.field_names

    def get_form_columns(self) -> list[str]:
        return [_key(name) for name in self.form_columns] or self.field_names

    def get_export_columns(self) -> list[str]:
        return self.get_list_columns()

    def get_import_columns(self) -> list[str]:
        return []

    def has_permission(self, request: Request, action: str, obj: Any | None = None) -> bool:
        return self.may(action)

    def is_accessible(self, request: Request) -> bool:
        return any(screen == self.identity for screen, _verb in actor().rights)

    def may(self, verb: str) -> bool:
        return may(actor().rights, self.identity, verb)

    # ---- declarations ------------------------------------------------------------------------------------------

    @cached_property
    def mapper(self) -> Mapper[Any]:
        return inspect(self.model)

    @cached_property
    def field_names(self) -> list[str]:
        """Attributes a form and a record show when nothing else is said: labelled, not managed, links as relations."""
        kept_in = {foreign_key(self.model, r.key) for r in self.mapper.relationships if not r.uselist}
        order = {c.key: place for place, c in enumerate(self.mapper.local_table.c)}
        names = [
            name
            for name, info in fields(self.model).items()
            if not info.managed
            and not info.secret
            and name not in kept_in
            and not (name in self.mapper.relationships and self.mapper.relationships[name].uselist)
        ]
        return sorted(names, key=lambda name: order.get(self._column_of(name), len(order)))

    def _column_of(self, name: str) -> str:
        return foreign_key(self.model, name) if name in self.mapper.relationships else name

    def listed(self) -> Sequence[Shown]:
        """The columns of the list."""
        return [shown(self.model, name) for name in self.get_list_columns()]

    @cached_property
    def columns(self) -> Sequence[Shown]:
        return tuple(self.listed())

    @cached_property
    def filters(self) -> Mapping[str, ListFilter]:
        """By parameter name: those of the panel, and every link, so that a record can lead to its rows."""
        chosen = [_key(name) for name in self.column_filters]
        if not chosen:
            chosen = [
                name
                for name in self.field_names
                if name in self.mapper.relationships or isinstance(self.mapper.column_attrs[name].columns[0].type, Enum)
            ][:5]
        found = [f for name in chosen for f in filters_for(self.model, name)]
        links = [
            r.key for r in self.mapper.relationships if not r.uselist and r.key not in chosen and "field" in r.info
        ]
        found += [f for name in links for f in filters_for(self.model, name, in_panel=False)]
        return {f.name: f for f in [*found, *self.more_filters()]}

    def open_filters(self) -> dict[str, ListFilter]:
        """The filters this person has: naming a row of a screen is for those who may list it."""
        rights = actor().rights
        return {
            name: listed
            for name, listed in self.filters.items()
            if listed.screen is None or not actor().is_user or may(rights, listed.screen, "list")
        }

    def more_filters(self) -> Iterable[ListFilter]:
        """Filters that are no attribute of the model."""
        return ()

    @cached_property
    def actions(self) -> Sequence[Action]:
        return tuple(self.own_actions())

    def own_actions(self) -> Iterable[Action]:
        return ()

    @cached_property
    def form_class(self) -> type[ClerkForm]:
        return form_class(self.model, self.get_form_columns(), lookup=self.lookup_href)

    @property
    def noun(self) -> str:
        return lower_first(self.model.__plural__)

    # ---- addresses -----------------------------------------------------------------------------------------------

    def href(self, page: str, pk: int | str = "") -> str:
        return f"{BASE_URL}/{self.identity}/{page}" + (f"/{pk}" if pk != "" else "")

    def lookup_href(self, name: str) -> str:
        return f"{BASE_URL}/{self.identity}/ajax/lookup?name={name}"

    # ---- the one statement ----------------------------------------------------------------------------------------

    def read_query(self, params: Mapping[str, str]) -> ListQuery:
        return read_query(params, self.open_filters(), [c.key for c in self.columns if c.sort is not None])

    def look_up(
        self, session: OcopSession, params: Mapping[str, str]
    ) -> tuple[Mapping[str, str], Mapping[str, tuple[str, str]]]:
        """(parameters with the rows that texts typed into filters stand for, (text, sentence) of the other filters)."""
        read, unread = dict(params), {}
        for name, listed in self.open_filters().items():
            typed = tidy(params.get(f"{name}-text", "")[:100])
            if not listed.in_panel or listed.kind != "lookup" or not typed or params.get(name):
                continue
            del read[f"{name}-text"]
            try:
                read[name] = str(named(session, self.mapper.relationships[name].mapper.class_, typed).id)
            except ValueError as refusal:
                unread[name] = typed, str(refusal)
        return read, unread

    def statement(self, session: OcopSession, query: ListQuery, *, exact: bool = True) -> Select[Any]:
        """Keys of the rows a list shows, in its order: list, "all matching", export, counts and actions use it.

        exact: rank exact spellings first; left out where there are too many matches to rank.
        """
        statement = select(self.model.id)
        if query.pks:
            statement = statement.where(self.model.id.in_(query.pks))
        for name, value in query.filters.items():
            statement = statement.where(self.filters[name].where(value))
        if query.search:
            for condition in self.search_conditions(session, query.search):
                statement = statement.where(condition)
        return statement.order_by(*self._order(query, exact=exact))

    def search_conditions(self, session: OcopSession, term: str) -> list[Any]:
        if issubclass(self.model, Searchable):
            return matching(session, self.model, term)
        looked_in = [getattr(self.model, name) for name in self.model.__search__ or (self.model.__title__,)]
        return [or_(*(kept.icontains(term, autoescape=True) for kept in looked_in))]

    def _order(self, query: ListQuery, *, exact: bool) -> list[Any]:
        chosen, descending = self._sorting(query)
        key = self.model.id
        ranked = exact and query.search and not query.sort and issubclass(self.model, Searchable)
        return [
            *([exact_first(self.model, query.search)] if ranked else []),
            _ordered(chosen, descending, nullable=getattr(chosen, "nullable", True)),
            key.desc() if descending else key,
        ]

    def _sorting(self, query: ListQuery) -> tuple[Any, bool]:
        """(what is sorted by, descending)."""
        if not query.sort:
            return self.default_sort
        return next(c.sort for c in self.columns if c.key == query.sort), query.descending

    @cached_property
    def default_sort(self) -> tuple[Any, bool]:
        said = self.column_default_sort
        if said:
            chosen, descending = said if isinstance(said, tuple) else (said, False)
            return (getattr(self.model, chosen) if isinstance(chosen, str) else chosen), descending
        if issubclass(self.model, Searchable):
            return getattr(self.model, "sort_key"), False  # noqa: B009  # Searchable
        return self.model.id, True

    @cached_property
    def rows_statement(self) -> Select[Any]:
        """Values of all columns, the key first, for every row; made once, narrowed per request."""
        statement = select(self.model.id, *(e for column in self.columns for e in column.expressions))
        for column in self.columns:
            for join in column.joins:
                statement = join(statement)
        return statement

    @cached_property
    def _page_statement(self) -> Select[Any]:
        return self.rows_statement.where(self.model.id.in_(bindparam("keys", expanding=True)))

    # ---- list --------------------------------------------------------------------------------------------------------

    def list_page(
        self, session: OcopSession, query: ListQuery, unread: Mapping[str, tuple[str, str]] = MappingProxyType({})
    ) -> pages.ListPage:
        found = self._found(session, query)
        count = self._count(session, query) if found is None else len(found)
        keys, first, page = self._page_keys(session, query, count, found)
        rows = self._rows(session, keys)
        pager = self._pager(query, count, first, len(rows), page)
        filtered = query.narrows
        return pages.ListPage(
            head=self._list_head(query, count),
            noun=self.noun,
            search=query.search,
            search_hint=self._search_hint,
            query=query.address()[1:],
            hidden=query.pairs(without=("search",)),
            panel_hidden=query.pairs(without=[name for name, listed in self.filters.items() if listed.in_panel]),
            filters=self._panel(session, query, unread),
            chips=self._chips(session, query),
            clear_href=self.href("list"),
            caption=f"{self.model.__plural__}, {pager.text}",
            columns=self._heads(query),
            rows=rows,
            actions=[
                pages.BulkAction(a.label, self.href("action", a.name), a.icon, a.main)
                for a in self.actions
                if self.may(a.name)
            ]
            + self._common_actions(),
            matching=count_words(count),
            pager=pager,
            empty=self._empty(query) if not rows else "",
            empty_links=self._empty_links(filtered) if not rows else (),
        )

    def _count(self, session: OcopSession, query: ListQuery) -> int:
        counting = self._once(query, "count", lambda: capped_count(self.statement(session, query)))
        count: int = session.execute(counting).scalar_one()
        return count

    def _found(self, session: OcopSession, query: ListQuery) -> list[int] | None:
        """Keys of what a search finds, up to one more than are counted, in no order; None without a search."""
        if not query.search:
            return None
        statement = self.statement(session, query).order_by(None).limit(COUNT_LIMIT + 1)
        return list(session.execute(statement).scalars())

    def _page_keys(
        self, session: OcopSession, query: ListQuery, count: int, found: Sequence[int] | None
    ) -> tuple[list[int], int, int]:
        """(keys of the page in order, number of the first row or 0 when not known, page shown)."""
        exact = count <= COUNT_LIMIT

        def keys(skip: int, rows: int, *, backwards: bool = False) -> list[int]:
            provinces = tuple(sorted(self._provinces(query)))
            statement = self._once(
                query,
                ("keys", backwards, *provinces),
                lambda: self._slice(session, query, provinces, found, exact=exact, backwards=backwards),
            )
            part = session.execute(statement, {"skip": skip, "rows": rows, "reach": skip + rows}).scalars()
            return list(part)[:: -1 if backwards else 1]

        page, size = query.page, query.size
        if count <= COUNT_LIMIT:
            last = max(1, -(-count // size))
            page = max(1, min(page if page > 0 else last + 1 + page, last))
            skip = (page - 1) * size
            if 2 * skip <= count:
                return keys(skip, size), skip + 1, page
            # The second half is nearer from the end.
            end = max(0, count - skip - size)
            return keys(end, count - skip - end, backwards=True), skip + 1, page
        if page > 0:
            skip = (page - 1) * size
            part = keys(skip, size)
            if part or page == 1:
                return part, skip + 1, page
            page = -1  # past the end of a list that was not counted
        # From the end: the same rows backwards, so the last page costs as little as the first.
        return keys((-page - 1) * size, size, backwards=True), 0, page

    def _slice(
        self,
        session: OcopSession,
        query: ListQuery,
        provinces: Sequence[int],
        found: Sequence[int] | None,
        *,
        exact: bool,
        backwards: bool,
    ) -> Select[Any]:
        """Keys of `rows` rows after `skip`, in order or backwards; `reach` of each province are both together."""
        if found is not None and len(found) <= NAMED_AT_MOST:
            statement = select(self.model.id).where(self.model.id.in_(found))
            statement = statement.order_by(*self._order(query, exact=exact))
        else:
            statement = self.statement(session, query, exact=exact)
        if backwards:
            statement = statement.order_by(None).order_by(*[_turned(e) for e in statement._order_by_clauses])
        rows, skip = bindparam("rows", type_=Integer), bindparam("skip", type_=Integer)
        if not provinces:
            return statement.limit(rows).offset(skip)
        # An index is in order within one province only: the first rows of each, then the first of these.
        chosen, descending = self._sorting(query)
        column = getattr(self.model, "province_id")  # noqa: B009  # Placed
        parts = [
            statement.add_columns(chosen.label("rank"))
            .where(column == province)
            .limit(bindparam("reach", type_=Integer))
            .subquery()
            for province in provinces
        ]
        merged = union_all(*[select(part.c.id, part.c.rank) for part in parts]).subquery()
        down = descending != backwards
        order = [
            _ordered(merged.c.rank, down, nullable=getattr(chosen, "nullable", True)),
            merged.c.id.desc() if down else merged.c.id,
        ]
        return select(merged.c.id).order_by(*order).limit(rows).offset(skip)

    def _provinces(self, query: ListQuery) -> frozenset[int]:
        """The provinces to look through one by one; none where the order needs no index, or follows one."""
        area = actor().area
        if area.communes or len(area.provinces) < 2 or query.search or not issubclass(self.model, Placed):
            return frozenset()
        return area.provinces

    def _once(self, query: ListQuery, name: Hashable, make: Callable[[], Select[Any]]) -> Select[Any]:
        """A statement without values of the request, made once: what is known of it then stays known."""
        if query.search or query.filters or query.pks:
            return make()
        key = (name, query.sort, query.descending)
        found = self._statements.get(key)
        if found is None:
            found = self._statements[key] = make()
        return found

    @cached_property
    def _statements(self) -> dict[Hashable, Select[Any]]:
        return {}

    def _rows(self, session: OcopSession, keys: Sequence[int]) -> list[pages.ListRow]:
        if not keys:
            return []
        found = {row[0]: row for row in session.execute(self._page_statement, {"keys": keys})}
        base = self.href("details")
        made = []
        cuts = self._cuts
        words = self._words(session, found.values())
        for key in keys:
            if key not in found:
                continue
            row = found[key]
            cells = [
                cell(*(words[start][row[start:end]] if start in words else row[start:end])) for cell, start, end in cuts
            ]
            made.append(pages.ListRow(str(key), cells[0].text, f"{base}/{key}", cells))
        return made

    def _words(self, session: OcopSession, rows: Collection[Row[Any]]) -> dict[int, Mapping[Any, tuple[Any, ...]]]:
        """By where its values stand, the words of each column that has some, for all rows at once."""
        return {
            start: self._kept.ask_each(key, {row[start:end] for row in rows}, functools.partial(ask, session))
            for key, ask, start, end in self._worded
        }

    @cached_property
    def _worded(self) -> list[tuple[str, Words, int, int]]:
        """Key, question and place of the values of every column that has words."""
        return [
            (column.key, column.words, start, end)
            for column, (_cell, start, end) in zip(self.columns, self._cuts, strict=True)
            if column.words is not None
        ]

    @cached_property
    def _cuts(self) -> list[tuple[Callable[..., pages.Cell], int, int]]:
        """For every column the cell function and where its values stand in a selected row."""
        found, start = [], 1
        for column in self.columns:
            found.append((column.cell, start, start + len(column.expressions)))
            start += len(column.expressions)
        return found

    def _list_head(self, query: ListQuery, count: int) -> pages.Head:
        buttons = []
        if self.may("import"):
            buttons.append(pages.Link("Nhập từ Excel", f"{BASE_URL}/import?loai={self.identity}", "file-import"))
        if self.may("export"):
            buttons.append(pages.Link("Xuất Excel", self.href("export", "xlsx") + query.address(), "file-spreadsheet"))
        main = None
        if self.may("create"):
            main = pages.Link(f"Thêm {self.noun}", self.href("create"), "plus")
        filtered = query.narrows
        sub = f"{count_words(count)} khớp bộ lọc" if filtered else f"{count_words(count)} {self.noun}"
        return pages.Head(title=self.model.__plural__, sub=sub, buttons=buttons, main=main)

    def _common_actions(self) -> list[pages.BulkAction]:
        found = []
        if self.may("export"):
            found.append(pages.BulkAction("Xuất dòng đã chọn", self.href("export", "xlsx"), "file-spreadsheet"))
        if self.may("delete"):
            found.append(pages.BulkAction("Xóa…", self.href("delete"), "trash"))
        return found

    @cached_property
    def _search_hint(self) -> str:
        paths = self.model.__search__ or (self.model.__title__,)
        hint = "Tìm " + ", ".join(lower_first(label_of(self.model, path)) for path in paths)
        return hint if issubclass(self.model, Searchable) else f"{hint} (gõ có dấu)"

    def _heads(self, query: ListQuery) -> list[pages.ListColumn]:
        total = sum(c.width for c in self.columns)
        chosen = query.sort or next(
            (c.key for c in self.columns if c.sort is not None and c.sort is self.default_sort[0]), ""
        )
        descending = query.descending if query.sort else self.default_sort[1]
        heads = []
        for column in self.columns:
            current = column.key == chosen
            href = ""
            if column.sort is not None:
                turn = "desc" if current and not descending else "asc"
                href = query.address(sortBy=column.key, sort=turn)
            heads.append(
                pages.ListColumn(
                    label=column.label,
                    width=max(4, round(100 * column.width / total)),
                    sort_href=href,
                    sorted=("descending" if descending else "ascending") if current else "",
                    numeric=column.numeric,
                )
            )
        return heads

    def _panel(
        self, session: OcopSession, query: ListQuery, unread: Mapping[str, tuple[str, str]]
    ) -> list[pages.Filter]:
        found = []
        for listed in self.open_filters().values():
            if not listed.in_panel:
                continue
            raw = query.raw.get(listed.name, "")
            text, error = unread.get(listed.name, ("", ""))
            if raw and listed.kind == "lookup":
                text = listed.words(session, query.filters[listed.name])
            found.append(
                pages.Filter(
                    name=listed.name,
                    label=listed.label,
                    kind=listed.kind,
                    options=self._options(session, listed, raw),
                    value=raw,
                    text=text,
                    lookup_href=self.lookup_href(listed.name) if listed.kind == "lookup" else "",
                    error=error,
                )
            )
        return found

    def _options(self, session: OcopSession, listed: ListFilter, raw: str) -> Sequence[pages.Option]:
        def work() -> list[pages.Option]:
            return [pages.Option(value, text, selected=value == raw) for value, text in listed.options(session)]

        if raw:
            return work()
        unselected: Sequence[pages.Option] = self._kept.ask(listed.name, work)
        return unselected

    @cached_property
    def _kept(self) -> Kept:
        return Kept()

    def _chips(self, session: OcopSession, query: ListQuery) -> list[pages.Chip]:
        base = self.href("list")
        chips = [
            pages.Chip(listed.label, listed.words(session, value), base + query.address(without=(name,)))
            for name, value in query.filters.items()
            for listed in (self.filters[name],)
        ]
        if query.pks:
            rows = f"{number(len(query.pks))} dòng"
            chips.append(pages.Chip("Chỉ các dòng đã chọn", rows, base + query.address(without=("pks",))))
        return chips

    def _pager(self, query: ListQuery, count: int, first: int, shown_rows: int, page: int) -> pages.Pager:
        known = count <= COUNT_LIMIT
        pages_count = max(1, -(-count // query.size)) if known else 0
        total = count_words(count)
        if not shown_rows:
            text = f"0 {self.noun}"
        elif first:
            text = f"Dòng {number(first)}–{number(first + shown_rows - 1)} trong {total}"
        else:
            text = f"{number(shown_rows)} dòng " + ("cuối" if page == -1 else f"ở trang {-page} tính từ cuối")
        previous, following = "", ""
        if page > 1 or page < 0:
            previous = query.address(page=page - 1)
        if (page > 0 and (page < pages_count or (not known and shown_rows == query.size))) or page < -1:
            following = query.address(page=page + 1)
        return pages.Pager(
            text=text,
            page=page,
            pages=pages_count,
            previous_href=previous,
            next_href=following,
            last_href=query.address(page=-1) if not known and page != -1 else "",
            sizes=[pages.Option(str(s), str(s), selected=s == query.size) for s in (25, 50, 100)],
            hidden=query.pairs(without=("pageSize",)),
        )

    def _empty(self, query: ListQuery) -> str:
        if query.search and query.filters:
            return f"Không có {self.noun} nào khớp “{query.search}” và {len(query.filters)} bộ lọc."
        if query.search:
            return f"Không có {self.noun} nào khớp “{query.search}”."
        if query.filters:
            return f"Không có {self.noun} nào khớp {len(query.filters)} bộ lọc."
        return f"Chưa có {self.noun} nào trong địa bàn của bạn."

    def _empty_links(self, filtered: bool) -> list[pages.Link]:
        if filtered:
            return [pages.Link("Bỏ mọi bộ lọc", self.href("list"))]
        found = []
        if self.may("create"):
            found.append(pages.Link(f"Thêm {self.noun}", self.href("create"), "plus"))
        if self.may("import"):
            found.append(pages.Link("Nhập từ Excel", f"{BASE_URL}/import?loai={self.identity}", "file-import"))
        return found

    # ---- export ------------------------------------------------------------------------------------------------------

    def export_columns(self) -> list[Column]:
        return [column for shown_column in self.columns for column, _place in shown_column.exports]

    def export_table(self, session: OcopSession, query: ListQuery) -> Table:
        """Exactly the rows and columns the list shows; rows come from the database as they are asked for."""
        keys = self.statement(session, query)
        joined = self.rows_statement
        for condition in keys._where_criteria:
            joined = joined.where(condition)
        # Sorted once read: along the index of the order, rows and their links lie all over the file.
        order = [_unindexed(e) for e in keys._order_by_clauses]
        joined = joined.order_by(*order).execution_options(yield_per=EXPORTED_TOGETHER)
        chosen = [
            (start if column.words else 0, place if column.words else start + place)
            for column, (_cell, start, _end) in zip(self.columns, self._cuts, strict=True)
            for _column, place in column.exports
        ]
        types = [self.model.id.type, *(e.type for column in self.columns for e in column.expressions)]
        other = {n for source, n in chosen if not source and not is_written_as_it_is(types[n])}

        def rows() -> Iterator[tuple[Any, ...]]:
            known: defaultdict[int, dict[Any, tuple[Any, ...]]] = defaultdict(dict)
            for part in session.execute(joined).partitions(EXPORTED_TOGETHER):
                # By columns: asking for each cell of each row costs twice as much.
                values = {0: list(zip(*part, strict=True))}
                for n in other:
                    values[0][n] = tuple(file_value(value) for value in values[0][n])
                for _key, ask, start, end in self._worded:
                    if len(known[start]) > WORDS_KEPT:
                        known[start].clear()
                    of_rows = list(zip(*values[0][start:end], strict=True))
                    if missing := set(of_rows) - known[start].keys():
                        known[start].update(ask(session, list(missing)))
                    values[start] = list(zip(*(known[start][each] for each in of_rows), strict=True))
                yield from zip(*(values[source][place] for source, place in chosen), strict=True)

        return Table(columns=tuple(self.export_columns()), rows=rows(), sheet=self.model.__plural__)

    def named_as_of(self, query: ListQuery) -> date | None:
        """The day whose names the places of a list have; None where they have no one day."""
        return today()

    def export_notes(self, session: OcopSession, query: ListQuery, who: Actor, now: datetime) -> list[tuple[str, str]]:
        """Which list, which filter, who and when; how many is added once it is known."""
        notes = [("Danh sách", self.model.__plural__), ("Người xuất", who.name), ("Lúc", moment(now))]
        if named := self.named_as_of(query):
            notes.append((NAMED_AS_OF, day(named)))
        if query.search:
            notes.append(("Tìm", query.search))
        notes += [
            (f"Lọc: {self.filters[n].label}", self.filters[n].words(session, v)) for n, v in query.filters.items()
        ]
        if query.pks:
            notes.append(("Chỉ các dòng đã chọn", number(len(query.pks))))
        if query.sort:
            chosen = next(c.label for c in self.columns if c.key == query.sort)
            notes.append(("Sắp xếp", f"{chosen}, {'giảm dần' if query.descending else 'tăng dần'}"))
        return notes

    # ---- one record --------------------------------------------------------------------------------------------------

    def get(self, session: OcopSession, pk: int) -> Base:
        row = session.get(self.model, pk)
        if row is None:
            raise NotFound(label=lower_first(self.model.__label__))
        getattr(row, self.model.__title__)  # a row that is named by another one says so once that is loaded
        return row

    def details_page(self, session: OcopSession, row: Base, tab: str) -> pages.DetailsPage:
        history = tab == "lich-su"
        return pages.DetailsPage(
            head=self.details_head(row),
            tags=self.tags(session, row),
            lead=None,
            indicator=None,
            summary=(),
            next_step=None,
            tabs=self.tabs(row, tab),
            facts=() if history else self.facts(session, row),
            related=() if history else self.related(session, row),
            events=self.events(session, row) if history else None,
        )

    def details_head(self, row: Base) -> pages.Head:
        edit = [pages.Link("Sửa", self.href("edit", row.id), "pencil")] if self.may("edit") else []
        return pages.Head(
            title=str(row),
            sub="; ".join(filter(None, (hint(row), former_and_later(row)))),
            crumbs=[pages.Link(self.model.__plural__, self.href("list"))] if self.may("list") else (),
            here=str(row),
            buttons=edit,
        )

    def tags(self, session: OcopSession, row: Base) -> Sequence[pages.Tag]:
        return ()

    def tabs(self, row: Base, current: str) -> list[pages.Tab]:
        base = self.href("details", row.id)
        return [
            pages.Tab(label, base + (f"?tab={name}" if name else ""), current == name)
            for name, label in (("", "Thông tin"), *self.own_tabs(), ("lich-su", "Lịch sử"))
        ]

    def own_tabs(self) -> Sequence[tuple[str, str]]:
        return ()

    def facts(self, session: OcopSession, row: Base) -> Sequence[tuple[str, Sequence[pages.Fact]]]:
        return [(self.model.__label__, [self.fact(row, name) for name in self.get_details_columns()])]

    def fact(self, row: Base, name: str) -> pages.Fact:
        label = label_of(self.model, name)
        value = getattr(row, name)
        if isinstance(value, Base):
            screen = value.__screen__
            linked = screen is not None and may(actor().rights, screen, "details")
            href = f"{BASE_URL}/{screen}/details/{value.id}" if linked else ""
            if isinstance(value, Commune):
                place = place_of(row, value)
                return pages.Fact(label, pages.Cell(place.today, href=href, second=place.former or hint(value)))
            return pages.Fact(label, pages.Cell(str(value), href=href, second=hint(value)))
        if value is None and name in self.mapper.relationships:
            kept = getattr(row, foreign_key(self.model, name))
            return pages.Fact(label, pages.Cell("(ngoài địa bàn)" if kept is not None else ""))
        return pages.Fact(label, pages.Cell(words(value)))

    def related(self, session: OcopSession, row: Base) -> list[pages.RelatedTable]:
        """First rows of every listed model that links here, each with the way to all of them."""
        found = []
        times = Counter(view for view, _link in self._linking_views())
        for view, link in self._linking_views():
            if not may(actor().rights, view.identity, "list"):
                continue
            query = ListQuery(filters={link: row.id}, raw={link: str(row.id)})
            keys = list(session.execute(view.statement(session, query).limit(6)).scalars())
            rows = view._rows(session, keys[:5])
            columns = [c for c in view.columns if c.key != link][:4]
            places = [view.columns.index(c) for c in columns]
            found.append(
                pages.RelatedTable(
                    title=view.model.__plural__
                    + (f" (đây là {lower_first(label_of(view.model, link))})" if times[view] > 1 else ""),
                    columns=[c.label for c in columns],
                    rows=[pages.ListRow(r.pk, r.label, r.href, [r.cells[p] for p in places]) for r in rows],
                    more=pages.Link("Mở danh sách", f"{view.href('list')}{query.address()}") if rows else None,
                    empty=f"Chưa có {view.noun} nào.",
                    add=pages.Link(f"Thêm {view.noun}", f"{view.href('create')}?{link}={row.id}")
                    if view.may("create") and link in view.get_form_columns() and not isinstance(row, Dated)
                    else None,
                )
            )
        return found

    @functools.cache  # noqa: B019  # views live as long as the process
    def _linking_views(self) -> list[tuple["OcopView", str]]:
        # Not a cached property: sqladmin reads every attribute of a view when it is added, before the later ones are.
        found = []
        for view in self._admin_ref.views:
            if not isinstance(view, OcopView):
                continue
            for relation in view.mapper.relationships:
                if relation.mapper.class_ is self.model and not relation.uselist and relation.key in view.filters:
                    found.append((view, relation.key))
        return found

    def events(self, session: OcopSession, row: Base, *, limit: int = 100) -> list[pages.Event]:
        """The trail of this row, newest first."""
        entries = session.execute(
            select(AuditEntry)
            .where(AuditEntry.model == self.model.__tablename__, AuditEntry.row_id == row.id)
            .order_by(AuditEntry.id.desc())
            .limit(limit)
        ).scalars()
        return events_of(session, [(self.model, entry) for entry in entries])

    # ---- form --------------------------------------------------------------------------------------------------------

    def blank_form(self, params: Mapping[str, str], session: OcopSession) -> ClerkForm:
        """An empty form; the address may fill links in, as `?entity=12` from a producer's record does.

        So is a link that must be filled and can lead to one row only.
        """
        given = {}
        for name in self.get_form_columns():
            if name not in self.mapper.relationships:
                continue
            target = self.mapper.relationships[name].mapper.class_
            if params.get(name, "").isdecimal():
                given[name] = session.get(target, int(params[name][:9]))
            elif not self.mapper.local_table.c[foreign_key(self.model, name)].nullable:
                given[name] = only_choice(session, target)
        return self.form_class(data=given)

    def way_back(self, named: str) -> str:
        """Address of the page that a form returns to once saved, by its name in `?back=`; empty for the record."""
        return ""

    def fieldsets(self, form: ClerkForm) -> list[pages.FieldSet]:
        return [pages.FieldSet(self.model.__label__, [f.shown() for f in form.clerk_fields()])]

    def create_row(self, session: OcopSession, values: Mapping[str, Any]) -> Base:
        row = self.model(**values)
        session.add(row)
        return row

    def alike(self, session: OcopSession, values: Mapping[str, Any]) -> list[Base]:
        """Rows that bear the name of a new one, whatever its marks, where a key names rows by it and by a link."""
        found: dict[int, Base] = {}
        title = self.model.__title__
        for key in self.model.__keys__:
            links = [name for name in key if name != title]
            linked = all(name in self.mapper.relationships and values.get(name) for name in links)
            if title not in key or not links or not linked or not isinstance(values.get(title), str):
                continue
            statement = select(self.model).where(*matching_rows(session, self.model, values[title]))
            for name in links:
                statement = statement.where(getattr(self.model, foreign_key(self.model, name)) == values[name].id)
            rows = session.scalars(statement.order_by(self.model.id))
            found |= {row.id: row for row in rows if fold(getattr(row, title)) == fold(values[title])}
        return list(found.values())

    def flaws(self, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """All that is wrong with a row by itself, as (attribute, sentence), as far as its values are known."""
        return self.model(**values).faults()

    def change_row(self, session: OcopSession, row: Base, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)

    # ---- delete ------------------------------------------------------------------------------------------------------

    def keeping(self, other: type[Base]) -> ColumnElement[bool]:
        """Which rows of another model keep a row of this one; the rest go with it, by `delete_row`."""
        return true()

    def delete_row(self, session: OcopSession, row: Base) -> None:
        session.delete(row)

    def uses(self, session: OcopSession, ids: Sequence[int]) -> dict[int, list[str]]:
        """What still needs a row, in words, by its key: “3 sản phẩm”."""
        found: dict[int, list[str]] = {}
        for mapper in Base.registry.mappers:
            other = mapper.class_
            for relation in mapper.relationships:
                if relation.mapper.class_ is not self.model or relation.uselist:
                    continue
                kept = getattr(other, foreign_key(other, relation.key))
                counted: dict[int, int] = {}
                statement = select(kept).where(kept.in_(ids), self.keeping(other)).limit(5000)
                for key in session.execute(statement).scalars():
                    counted[key] = counted.get(key, 0) + 1
                for key, count in counted.items():
                    found.setdefault(key, []).append(f"{number(count)} {lower_first(other.__plural__)}")
        return found


def _ordered(column: Any, descending: bool, *, nullable: bool) -> Any:
    """Up or down; what is empty stands before everything else, going up, on both databases."""
    way = column.desc() if descending else column
    if not nullable:
        return way
    return way.nulls_last() if descending else way.nulls_first()


def _turned(order: Any) -> Any:
    """The same order from its other end."""
    modifier = getattr(order, "modifier", None)
    if modifier is operators.nulls_first_op:
        return _turned(order.element).nulls_last()
    if modifier is operators.nulls_last_op:
        return _turned(order.element).nulls_first()
    return order.element if modifier is operators.desc_op else order.desc()


def _unindexed(order: Any) -> Any:
    """The same order, which no index is in."""
    if isinstance(order, UnaryExpression) and order.modifier is not None:
        return UnaryExpression(_unindexed(order.element), modifier=order.modifier)
    return func.coalesce(order, null())


def _key(attribute: Any) -> str:
    """The name of a declared attribute, given as `Product.name` or as text."""
    return attribute if isinstance(attribute, str) else str(attribute.key)


def events_of(session: OcopSession, entries: Sequence[tuple[type[Base], AuditEntry]]) -> list[pages.Event]:
    """Entries of the trail as a clerk reads them, each with the model of its row."""
    linked = {
        pk
        for model, entry in entries
        for name, change in entry.changes.items()
        if len(change) == 4 and _leads_to_commune(model, name)
        for pk in change[:2]
    }
    places = place_lines(session, linked - {None}, today())
    return [_event(model, entry, places) for model, entry in entries]


def _event(model: type[Base], entry: AuditEntry, places: Mapping[int, str]) -> pages.Event:
    """places: communes that entries name, by today's name first."""
    changes = [
        pages.Change(_label(model, name), *_old_new(model, name, change, places))
        for name, change in entry.changes.items()
    ]
    what = {
        AuditAction.CREATE: f"Thêm {lower_first(model.__label__)}",
        AuditAction.UPDATE: f"Sửa {number(len(changes))} thông tin",
        AuditAction.DELETE: f"Xóa {lower_first(model.__label__)}",
    }[entry.action]
    if entry.verb:
        what = f"{what} ({entry.verb})"
    return pages.Event(
        what=what,
        when=moment(entry.at),
        who=entry.actor,
        tone={AuditAction.CREATE: "ok", AuditAction.UPDATE: "mute", AuditAction.DELETE: "warn"}[entry.action],  # type: ignore[arg-type]  # literals
        icon={AuditAction.CREATE: "plus", AuditAction.UPDATE: "pencil", AuditAction.DELETE: "trash"}[entry.action],
        changes=changes,
    )


def _label(model: type[Base], name: str) -> str:
    info = fields(model).get(name)
    return info.label if info else name


def _leads_to_commune(model: type[Base], name: str) -> bool:
    links = inspect(model).local_table.c[name].foreign_keys
    return any(link.column.table is Commune.__table__ for link in links)


def _old_new(model: type[Base], name: str, change: Sequence[Any], places: Mapping[int, str]) -> tuple[str, str]:
    if len(change) == 4:
        by_id = places if _leads_to_commune(model, name) else {}
        old, new = (by_id.get(change[side]) or str(change[side + 2] or "") for side in (0, 1))
        return old, new
    return kept_words(model, name, change[0]), kept_words(model, name, change[1])


def kept_words(model: type[Base], name: str, value: Any) -> str:
    """A value as the trail keeps it, read again by the column it came from."""
    mapper: Mapper[Any] = inspect(model)
    if value is None or name not in mapper.column_attrs:
        return "" if value is None else str(value)
    type_ = mapper.column_attrs[name].columns[0].type
    if isinstance(type_, Enum) and type_.enum_class is not None:
        return words(type_.enum_class(value)) if value in type_.enums else str(value)
    if isinstance(type_, Points):
        return words(Decimal(value))
    if isinstance(type_, Date):
        return words(date.fromisoformat(value))
    if isinstance(value, bool) or isinstance(type_, Integer):
        return words(value)
    if isinstance(type_, Instant):
        return words(datetime.fromisoformat(value))
    return str(value)
