"""Maps drawn here as SVG: the outline of one commune, and the communes of an area coloured by a figure.

Every place of a map opens the list that its figure counts; the same figures stand in the table beneath.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from admin_views import pages
from admin_views.base import BASE_URL
from admin_views.forms import lower_first
from admin_views.geography import HREF as REPORT
from admin_views.geography import list_href
from admin_views.products import ProductView
from admin_views.query import ListFilter
from app.current import actor, today
from app.services.boundaries import drawn
from app.services.geography import products_by_spot
from app.session import OcopSession
from models import Boundary, Commune, Province
from models.rules.access import may
from models.rules.geography import Spot
from models.rules.rating import Recognition
from models.rules.shapes import middle
from models.rules.words import day, number

# One hue, six classes: none, and five of more and more.
CLASSES = 5
MARGIN = 30
# More communes than a map of this size can show: the page begins with provinces.
MOST_UNITS = 400


def box_of(boundaries: Sequence[Boundary]) -> str:
    left, top = min(b.x for b in boundaries), min(b.y for b in boundaries)
    right, bottom = max(b.x + b.width for b in boundaries), max(b.y + b.height for b in boundaries)
    return f"{left - MARGIN} {top - MARGIN} {right - left + 2 * MARGIN} {bottom - top + 2 * MARGIN}"


def outline_of(session: OcopSession, commune: Commune, on: date) -> pages.Drawing | None:
    """The commune as it is drawn now, or as it was drawn last."""
    last = min(on, commune.valid_to) if commune.valid_to else on
    found = session.scalars(drawn(last).where(Boundary.commune_id == commune.id)).first()
    if found is None:
        return None
    label = f"Ranh giới {commune.name}, tại ngày {day(found.as_of)}"
    return pages.Drawing(box_of([found]), label, [pages.MapPlace(found.outline, label, "", 1)])


def heirs_map(session: OcopSession, name: str, heirs: Sequence[tuple[int, str]], on: date) -> pages.Drawing | None:
    """The units that took over parts of one, numbered as they are given: (row id, name). None where none is drawn."""
    rows = session.scalars(drawn(on).where(Boundary.commune_id.in_(dict(heirs)), Boundary.outline != ""))
    found = {row.commune_id: row for row in rows}
    if not found:
        return None
    places, legend = [], []
    for number_, (heir, called) in enumerate(heirs, 1):
        shade = (number_ - 1) % CLASSES + 1
        missing = "" if heir in found else " (chưa có ranh giới)"
        legend.append((shade if heir in found else 0, f"{number_}. {called}{missing}"))
        if heir in found:
            row = found[heir]
            href = f"{BASE_URL}/commune/details/{heir}"
            label = f"{number_}. {called}"
            places.append(pages.MapPlace(row.outline, label, href, shade, str(number_), *middle(row.outline)))
    boundaries = list(found.values())
    wide = max(b.x + b.width for b in boundaries) - min(b.x for b in boundaries)
    high = max(b.y + b.height for b in boundaries) - min(b.y for b in boundaries)
    label = f"Các xã, phường nhận một phần {lower_first(name)}"
    return pages.Drawing(box_of(boundaries), label, places, legend, letters=max(wide, high) // 16)


# ---- the map of an area --------------------------------------------------------------------------------------------


def area_map(session: OcopSession, on: date, asked: str, province: str = "") -> pages.AreaMap | None:
    """The actor's communes on today's map, or the provinces where these are too many; None where nothing is counted.

    asked: what colours it, a key of `_measures`; products when it is none. province: the row id of the one to draw.
    """
    rights = actor().rights
    if not (may(rights, "product", "list") and may(rights, "commune", "list")):
        return None
    units = _units(session, on, int(province[:9]) if province.isascii() and province.isdigit() else None)
    if not units:
        return None
    measures = _measures(session)
    chosen = asked if asked in measures else ""
    narrowed = _narrowed(chosen)
    figure = measures[chosen]
    counts = products_by_spot(session, on, *(_filters()[name].where(value) for name, value in narrowed.items()))
    here = {unit.province_id for unit in units}
    if province:
        counts = {spot: count for spot, count in counts.items() if spot.province_id in here}
    made = pages.AreaMap(
        title="Theo xã, phường",
        level="Xã, phường",
        measures=[pages.Option(key, label, selected=key == chosen) for key, label in measures.items()],
        drawing=None,
        figure=figure,
        rows=(),
        total=number(sum(count for count, _communes in counts.values())),
        more=pages.Link("Tổng hợp theo địa giới", REPORT),
        hidden=[("tinh", province)] if province else [],
        back=pages.Link("Mọi tỉnh, thành phố", f"?{urlencode({'theo': chosen})}#ban-do") if province else None,
    )
    if len(units) > MOST_UNITS:
        note = "Bản đồ vẽ từng tỉnh. Mở một tỉnh, thành phố để xem bản đồ các xã, phường."
        return replace(
            made,
            title="Theo tỉnh, thành phố",
            level="Tỉnh, thành phố",
            rows=_province_rows(session, on, counts, chosen, narrowed),
            note=note,
        )
    by_unit = _by_unit(counts)
    places = [_counted(unit.id, unit.name, by_unit.pop(unit.id, (0, [])), narrowed) for unit in units]
    table = [place for place in places if place.count]
    if away := list(by_unit.values()):  # in no commune of the actor on this map, or in none that is sure
        communes = [commune for _count, some in away for commune in some]
        table.append(
            _counted(None, "Chưa xác định xã, phường", (sum(count for count, _some in away), communes), narrowed)
        )
    if without := len(places) - sum(bool(place.count) for place in places):
        label = f"{number(without)} xã, phường còn lại" if len(places) > 1 else places[0].name
        table.append(_Counted(None, label, 0, ""))
    drawing = _drawing(session, on, figure, places)
    only = units[0].name if len(units) == 1 else _province_name(session, units[0].province_id) if province else ""
    title = ("Bản đồ theo xã, phường" if drawing else "Theo xã, phường") + (f": {only}" if only else "")
    rows = [
        pages.ListRow(str(it.unit or ""), it.name, "", [pages.Cell(it.name), pages.Cell(number(it.count), it.href)])
        for it in table
    ]
    return replace(made, title=title, drawing=drawing, rows=rows, note="" if drawing else _no_drawing())


def _no_drawing() -> str:
    note = "Chưa có bản đồ vì chưa nhập ranh giới của địa bàn."
    return f"{note} Nhập tệp ở trang Ranh giới xã, phường." if may(actor().rights, "commune", "import") else note


def _units(session: OcopSession, on: date, province_id: int | None) -> Sequence[Any]:
    """(id, name, province_id) of the actor's communes, one more than a map shows when there are too many."""
    wanted = (
        select(Commune.id, Commune.name, Commune.province_id)
        .where(Commune.on(on))
        .order_by(Commune.sort_key, Commune.id)
        .limit(MOST_UNITS + 1)
    )
    if province_id is not None:
        wanted = wanted.where(Commune.province_id == province_id)
    return session.execute(wanted).all()


def _by_unit(counts: Mapping[Spot, tuple[int, list[int]]]) -> dict[int | None, tuple[int, list[int]]]:
    found: dict[int | None, tuple[int, list[int]]] = {}
    for spot, (count, communes) in counts.items():
        before, some = found.get(spot.commune_id, (0, []))
        found[spot.commune_id] = (before + count, [*some, *communes])
    return found


def _province_rows(
    session: OcopSession,
    on: date,
    counts: Mapping[Spot, tuple[int, list[int]]],
    chosen: str,
    narrowed: Mapping[str, int | Recognition],
) -> list[pages.ListRow]:
    """A line a province of the map, its name opening its own map; what no province has comes last."""
    found: dict[int | None, tuple[int, list[int]]] = {}
    for spot, (count, communes) in counts.items():
        before, some = found.get(spot.province_id, (0, []))
        found[spot.province_id] = (before + count, [*some, *communes])
    provinces = session.execute(
        select(Province.id, Province.name).where(Province.on(on)).order_by(Province.sort_key, Province.id)
    )
    rows = []
    for each, name in provinces:
        count, communes = found.pop(each, (0, []))
        shown = _counted(each, name, (count, communes), narrowed) if count else _Counted(each, name, 0, "")
        href = f"?{urlencode({'theo': chosen, 'tinh': each})}#ban-do"
        rows.append(pages.ListRow(str(each), name, "", [pages.Cell(name, href), pages.Cell(number(count), shown.href)]))
    if found:
        communes = [commune for _count, some in found.values() for commune in some]
        left = _counted(None, "Chưa xác định tỉnh", (sum(c for c, _some in found.values()), communes), narrowed)
        rows.append(
            pages.ListRow("", left.name, "", [pages.Cell(left.name), pages.Cell(number(left.count), left.href)])
        )
    return rows


def _province_name(session: OcopSession, province_id: int) -> str:
    return session.get_one(Province, province_id).name


@dataclass(frozen=True)
class _Counted:
    unit: int | None
    name: str
    count: int
    href: str


def _counted(
    unit: int | None, name: str, found: tuple[int, list[int]], narrowed: Mapping[str, int | Recognition]
) -> _Counted:
    count, communes = found
    # A place without any opens its empty list, where the next one is added.
    communes = communes or ([unit] if unit else [])
    return _Counted(unit, name, count, list_href("product", communes, today(), **narrowed))


def _measures(session: OcopSession) -> dict[str, str]:
    """What a map may be coloured by: “stars-4” → “Sản phẩm 4 sao còn hiệu lực”, as the list's filters have them."""
    found = {"": "Sản phẩm"}
    for name, label in (("stars", "Sản phẩm {} còn hiệu lực"), ("step", "Sản phẩm ở bước {}")):
        found |= {f"{name}-{value}": label.format(words) for value, words in _filters()[name].options(session)}
    return found


def _narrowed(chosen: str) -> dict[str, int | Recognition]:
    """What a measure asks of the list; stars whose recognition has ended are none."""
    name, _, value = chosen.partition("-")
    found: dict[str, int | Recognition] = {name: int(value)} if chosen else {}
    return {**found, "recognition": Recognition.VALID} if name == "stars" else found


@functools.cache
def _filters() -> dict[str, ListFilter]:
    """Those of the list of products, so that a figure is what its list shows."""
    return {listed.name: listed for listed in ProductView().more_filters()}


def _drawing(session: OcopSession, on: date, figure: str, places: Sequence[_Counted]) -> pages.Drawing | None:
    ids = [place.unit for place in places]
    boundaries = {row.commune_id: row for row in session.scalars(drawn(on).where(Boundary.commune_id.in_(ids)))}
    if not boundaries:
        return None
    most = max(place.count for place in places)
    found = [
        pages.MapPlace(
            boundaries[place.unit].outline,
            f"{place.name}: {number(place.count)} {lower_first(figure)}",
            place.href,
            _shade(place.count, most),
        )
        for place in places
        if place.unit in boundaries
    ]
    label = f"Bản đồ, tô màu theo: {lower_first(figure)}"
    return pages.Drawing(box_of(list(boundaries.values())), label, found, _legend(most))


def _shade(count: int, most: int) -> int:
    """0 for none, else 1 to 5 in equal steps up to the most."""
    return -(-count * CLASSES // most) if count else 0


def _legend(most: int) -> list[tuple[int, str]]:
    """(shade, what it means), the shades that are in use."""
    found = [(0, "không có")]
    for shade in range(1, CLASSES + 1):
        first, last = (shade - 1) * most // CLASSES + 1, shade * most // CLASSES
        if first <= last:
            found.append((shade, number(first) if first == last else f"{number(first)}–{number(last)}"))
    return found
