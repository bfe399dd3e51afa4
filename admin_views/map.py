"""Maps drawn here as SVG: the outline of one commune, and the communes of an area coloured by a figure.

Every place of a map opens the list that its figure counts; the same figures stand in the table beneath.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select

from admin_views import pages
from admin_views.base import BASE_URL
from admin_views.forms import lower_first
from admin_views.geography import HREF as REPORT
from admin_views.geography import list_href
from admin_views.products import ProductView
from admin_views.query import ListFilter
from app.current import actor
from app.services.boundaries import drawn
from app.services.geography import products_by_place
from app.session import OcopSession
from models import Boundary, Commune
from models.rules.access import may
from models.rules.words import day, number

# One hue, six classes: none, and five of more and more.
CLASSES = 5
MARGIN = 30
# More communes than a map of this size can show: the report begins with provinces.
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
    found = {row.commune_id: row for row in session.scalars(drawn(on).where(Boundary.commune_id.in_(dict(heirs))))}
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
            middle = row.x + row.width // 2, row.y + row.height // 2
            places.append(pages.MapPlace(row.outline, f"{number_}. {called}", href, shade, str(number_), *middle))
    boundaries = list(found.values())
    wide = max(b.x + b.width for b in boundaries) - min(b.x for b in boundaries)
    high = max(b.y + b.height for b in boundaries) - min(b.y for b in boundaries)
    label = f"Các xã, phường nhận một phần {lower_first(name)}"
    return pages.Drawing(box_of(boundaries), label, places, legend, letters=max(wide, high) // 16)


# ---- the map of an area --------------------------------------------------------------------------------------------


def area_map(session: OcopSession, on: date, asked: str) -> pages.AreaMap | None:
    """The actor's communes on today's map; None where there is nothing to compare.

    asked: what colours it, a key of `_measures`; products when it is none.
    """
    rights = actor().rights
    if not (may(rights, "product", "list") and may(rights, "commune", "list")):
        return None
    units = session.execute(
        select(Commune.id, Commune.name)
        .where(Commune.valid_from <= on, or_(Commune.valid_to.is_(None), Commune.valid_to >= on))
        .order_by(Commune.sort_key, Commune.id)
        .limit(MOST_UNITS + 1)
    ).all()
    if not 1 < len(units) <= MOST_UNITS:
        return None
    measures = _measures(session)
    chosen = asked if asked in measures else ""
    name, _, value = chosen.partition("-")
    narrowed = {name: int(value)} if chosen else {}
    counts = products_by_place(session, on, *(_filters()[name].where(value) for name, value in narrowed.items()))
    places = [_counted(unit, name, counts.pop(unit, (0, [])), narrowed) for unit, name in units]
    table = [place for place in places if place.count]
    if away := list(counts.values()):  # in no commune of the actor on this map, or in none that is sure
        communes = [commune for _count, some in away for commune in some]
        unclear = (sum(count for count, _some in away), communes)
        table.append(_counted(None, "Chưa xác định xã, phường", unclear, narrowed))
    if without := len(places) - sum(bool(place.count) for place in places):
        table.append(_Counted(None, f"{number(without)} xã, phường còn lại", 0, ""))
    drawing = _drawing(session, on, measures[chosen], places)
    return pages.AreaMap(
        title="Bản đồ theo xã, phường" if drawing else "Theo xã, phường",
        measures=[pages.Option(key, label, selected=key == chosen) for key, label in measures.items()],
        drawing=drawing,
        figure=measures[chosen],
        rows=[
            pages.ListRow(str(it.unit or ""), it.name, "", [pages.Cell(it.name), pages.Cell(number(it.count), it.href)])
            for it in table
        ],
        total=number(sum(it.count for it in table)),
        more=pages.Link("Tổng hợp theo địa giới", REPORT),
    )


@dataclass(frozen=True)
class _Counted:
    unit: int | None
    name: str
    count: int
    href: str


def _counted(unit: int | None, name: str, found: tuple[int, list[int]], narrowed: Mapping[str, int]) -> _Counted:
    count, communes = found
    # A place without any opens its empty list, where the next one is added.
    communes = communes or ([unit] if unit else [])
    return _Counted(unit, name, count, list_href("product", communes, **narrowed))


def _measures(session: OcopSession) -> dict[str, str]:
    """What a map may be coloured by: “stars-4” → “Sản phẩm 4 sao”, as the filters of the list have them."""
    found = {"": "Sản phẩm"}
    for name, label in (("stars", "Sản phẩm {}"), ("step", "Sản phẩm ở bước {}")):
        found |= {f"{name}-{value}": label.format(words) for value, words in _filters()[name].options(session)}
    return found


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
