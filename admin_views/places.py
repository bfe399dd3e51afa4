"""Tỉnh, huyện, xã: three dated lists; the lives of one code never share a day. And which unit took over which."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select

from admin_views import pages
from admin_views.base import BASE_URL, OcopView
from admin_views.columns import Shown, shown, unit
from admin_views.map import outline_of
from admin_views.query import ListFilter, ListQuery, hint
from app.current import actor, today
from app.search import matching_rows
from app.services import places
from app.session import OcopSession
from models import Commune, CommuneSuccession, District, Province
from models.base import Base
from models.province import Dated
from models.rules.access import may
from models.rules.words import day, read_day

UNKNOWN = "chua-ro"
"""In addresses: ended, and no link says where it went. The list of these is a work-list."""
WORK_LIST = f"{BASE_URL}/commune/list?successor={UNKNOWN}"


def _day_of_map(text: str) -> date:
    """Written 01/07/2025 on a page, or 2025-07-01 as the command line and its files write days."""
    return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else read_day(text)


def _unknown(text: str) -> str:
    if text != UNKNOWN:
        raise ValueError(text)
    return text


def province_options(session: OcopSession) -> list[pages.Option]:
    """Every code once, under the name it had last; those in force first."""
    found = {row.code: row for row in session.scalars(select(Province).order_by(Province.valid_from))}
    rows = sorted(found.values(), key=lambda row: (row.valid_to is not None, row.code))
    return [pages.Option(row.code, f"{row.code} {row.name}", hint=hint(row)) for row in rows]


class PlaceView(OcopView):
    def more_filters(self) -> Iterable[ListFilter]:
        yield ListFilter(
            name="on",
            label="Có hiệu lực ngày",
            kind="date",
            read=_day_of_map,
            where=self._in_force,
            words=lambda _session, value: day(value),
        )

    def named_as_of(self, query: ListQuery) -> date | None:
        return query.filters.get("on")

    def _in_force(self, on: date) -> ColumnElement[bool]:
        assert issubclass(self.model, Dated)
        return self.model.on(on)

    def create_row(self, session: OcopSession, values: Mapping[str, Any]) -> Base:
        row = super().create_row(session, values)
        places.refuse_overlap(session, row)
        return row

    def change_row(self, session: OcopSession, row: Base, values: Mapping[str, Any]) -> None:
        super().change_row(session, row, values)
        places.refuse_overlap(session, row)


class ProvinceView(PlaceView, model=Province):
    category = "Danh mục"
    icon = "building-bank"
    column_list = (Province.name, Province.code, Province.kind, Province.valid_from, Province.valid_to)


class DistrictView(PlaceView, model=District):
    category = "Danh mục"
    icon = "world"
    column_list = (
        District.name,
        District.code,
        District.kind,
        District.province,
        District.valid_from,
        District.valid_to,
    )
    column_filters = (District.province, District.kind)


class CommuneView(PlaceView, model=Commune):
    category = "Danh mục"
    icon = "map-pin"
    column_list = (
        Commune.name,
        Commune.code,
        Commune.kind,
        Commune.district,
        Commune.province,
        Commune.valid_from,
        Commune.valid_to,
    )
    column_filters = (Commune.province, Commune.district, Commune.kind, Commune.valid_from, Commune.valid_to)

    def list_page(
        self, session: OcopSession, query: ListQuery, *unread: Mapping[str, tuple[str, str]]
    ) -> pages.ListPage:
        """Of ended units whose successor is unknown, each leads to the form that says it."""
        page = super().list_page(session, query, *unread)
        screen = str(CommuneSuccession.__screen__)
        if "successor" not in query.filters or not may(actor().rights, screen, "create"):
            return page
        form = f"{BASE_URL}/{screen}/create?back={UNKNOWN}&old="
        return replace(
            page,
            columns=[*(replace(it, width=round(it.width * 0.86)) for it in page.columns), pages.ListColumn("Việc", 14)],
            rows=[
                replace(row, cells=[*row.cells, pages.Cell("Ghi đơn vị kế tục…", href=form + row.pk)])
                for row in page.rows
            ],
        )

    def _empty(self, query: ListQuery) -> str:
        if "successor" in query.filters and not query.search and len(query.filters) == 1:
            return "Không còn xã, phường nào chưa rõ đơn vị kế tục."
        return super()._empty(query)

    def details_page(self, session: OcopSession, row: Base, tab: str) -> pages.DetailsPage:
        assert isinstance(row, Commune)
        page = super().details_page(session, row, tab)
        return replace(page, drawing=None if tab else outline_of(session, row, today()))

    def more_filters(self) -> Iterable[ListFilter]:
        yield from super().more_filters()
        yield ListFilter(
            name="successor",
            label="Đơn vị kế tục",
            kind="options",
            read=_unknown,
            where=lambda _value: and_(
                Commune.valid_to.is_not(None), ~exists().where(CommuneSuccession.old_id == Commune.id)
            ),
            words=lambda _session, _value: "chưa rõ",
            options=lambda _session: [(UNKNOWN, "Chưa rõ đơn vị kế tục")],
        )


def _side(relation: str, word: str) -> Shown:
    """One of the two units; what it lies in is told from what the other lies in."""
    found = unit(CommuneSuccession, relation)
    exports = (
        (column if column.label == found.label else replace(column, label=f"{column.label} {word}"), place)
        for column, place in found.exports
    )
    return replace(found, exports=tuple(exports), cell=_unit_cell)


def _unit_cell(name: str | None, district: str | None, province: str | None, _code: str | None) -> pages.Cell:
    return pages.Cell(name or "Ngoài địa bàn", second=district or province or "")


def _side_name(unit: Commune | None) -> str:
    return unit.name if unit is not None else "Ngoài địa bàn"


class CommuneSuccessionView(OcopView, model=CommuneSuccession):
    category = "Danh mục"
    icon = "arrow-right"
    column_filters = (CommuneSuccession.kind, CommuneSuccession.old, CommuneSuccession.new)

    @property
    def _search_hint(self) -> str:
        return "Tìm tên, mã xã cũ hoặc mới, căn cứ pháp lý"

    def search_conditions(self, session: OcopSession, term: str) -> list[Any]:
        """Found by either unit, of the own area and whatever its marks, or by what it rests on."""
        named = select(Commune.id).where(*matching_rows(session, Commune, term)).correlate(None)
        return [
            or_(
                CommuneSuccession.old_id.in_(named),
                CommuneSuccession.new_id.in_(named),
                *super().search_conditions(session, term),
            )
        ]

    def named_as_of(self, query: ListQuery) -> date | None:
        return None  # of the two days around each change

    def way_back(self, named: str) -> str:
        return WORK_LIST if named == UNKNOWN else ""

    def listed(self) -> Sequence[Shown]:
        rest = (shown(CommuneSuccession, name) for name in ("kind", "legal_basis"))
        return [_side("old", "cũ"), _side("new", "mới"), *rest]

    def create_row(self, session: OcopSession, values: Mapping[str, Any]) -> Base:
        row = super().create_row(session, values)
        self._refuse_loop(session, row)
        return row

    def change_row(self, session: OcopSession, row: Base, values: Mapping[str, Any]) -> None:
        super().change_row(session, row, values)
        self._refuse_loop(session, row)

    def details_head(self, row: Base) -> pages.Head:
        """Named by its units: its number says nothing."""
        assert isinstance(row, CommuneSuccession)
        name = f"{_side_name(row.old)} → {_side_name(row.new)}"
        return replace(super().details_head(row), title=name, sub="", here=name)

    def fact(self, row: Base, name: str) -> pages.Fact:
        """Each unit by its own name, not by today's: the record says how one became the other."""
        found = super().fact(row, name)
        unit = getattr(row, name)
        if not isinstance(unit, Commune):
            return found
        return replace(found, cell=replace(found.cell, text=unit.name, second=hint(unit)))

    def _refuse_loop(self, session: OcopSession, row: Base) -> None:
        assert isinstance(row, CommuneSuccession)
        places.refuse_loop(session, row)
