"""Shapes of places: what is wrong with a GeoJSON geometry, and how it is drawn.

Coordinates are WGS84 degrees, longitude first, as RFC 7946 has them. The plane of drawings is Mercator's in ten
thousandths of a degree, about 11 m, x to the east and y to the south, so that all outlines fit one another.
"""

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

Point = tuple[float, float]
Ring = Sequence[Point]
Polygon = Sequence[Ring]

# A box round Việt Nam with its islands: west, south, east, north.
VIETNAM = (102.0, 6.0, 118.0, 24.0)
GRID = 10_000
# Corners nearer than this to the line through their neighbours are not drawn.
FINENESS = 3
# About a square metre, in square degrees: what is smaller is a line.
SMALLEST = 1e-10


class Outline(NamedTuple):
    """An SVG path and the box it fills, on the plane of drawings."""

    path: str
    x: int
    y: int
    width: int
    height: int


def polygons(geometry: Any) -> list[Polygon]:
    """The polygons of a geometry, heights left out; raises ValueError for whatever is none."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(kind)
    found = geometry.get("coordinates")
    return [
        [[_point(point) for point in _listed(ring)] for ring in _listed(polygon)]
        for polygon in _listed([found] if kind == "Polygon" else found)
    ]


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ValueError(value)
    return value


def _point(value: Any) -> Point:
    if not (isinstance(value, list) and len(value) >= 2 and all(_is_number(part) for part in value[:2])):
        raise ValueError(value)
    return float(value[0]), float(value[1])


def _is_number(value: Any) -> bool:
    """Not NaN, nor a whole number that no float holds: both would come through JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12


def flaw(geometry: Any) -> str:
    """Why a geometry cannot be the boundary of a place, as a sentence; empty when it can."""
    try:
        found = polygons(geometry)
    except ValueError:
        return "Hình không phải một vùng (Polygon, MultiPolygon). Xuất lại tệp với hình của từng xã."
    for x, y in (point for polygon in found for ring in polygon for point in ring):
        if not _inside(x, y):
            if _inside(y, x):
                return (
                    f"Kinh độ và vĩ độ đổi chỗ: ghi {_degrees(x)} trước {_degrees(y)}. "
                    "Xuất lại tệp với kinh độ đứng trước."
                )
            return f"Tọa độ {_degrees(x)}; {_degrees(y)} nằm ngoài Việt Nam. Xuất lại tệp theo hệ WGS84."
    for polygon in found:
        for ring in polygon:
            if len(ring) < 4 or ring[0] != ring[-1]:
                return "Đường ranh giới chưa khép kín. Khép kín trong phần mềm bản đồ rồi xuất lại."
        if crossing := _crossing(polygon):
            return (
                f"Đường ranh giới tự cắt ở gần kinh độ {_degrees(crossing[0])}, vĩ độ {_degrees(crossing[1])}. "
                "Sửa trong phần mềm bản đồ rồi xuất lại."
            )
        outer, *holes = polygon
        if abs(_area(outer)) < SMALLEST:
            return "Đường ranh giới không bao quanh phần đất nào. Vẽ lại trong phần mềm bản đồ rồi xuất lại."
        for hole in holes:
            if (lost := _lost(hole, outer)) is not None:
                at = f"kinh độ {_degrees(lost[0])}, vĩ độ {_degrees(lost[1])}"
                return f"Phần khoét ở gần {at} nằm ngoài đường ranh giới. Sửa trong phần mềm bản đồ rồi xuất lại."
    return ""


def _area(ring: Ring) -> float:
    """In square degrees; below 0 when the ring runs with the clock."""
    (left, low), *_ = ring
    moved = [(x - left, y - low) for x, y in ring]
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(moved)) / 2


def _lost(hole: Ring, outer: Ring) -> Point | None:
    """A corner of a hole outside the ring it should lie in; the two do not cross."""
    for corner in hole:
        if any(_lies_on(corner, a, b) for a, b in itertools.pairwise(outer)):
            continue
        x, y = corner
        ways = [(a, b) for a, b in itertools.pairwise(outer) if (a[1] > y) != (b[1] > y)]
        east = sum(a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) > x for a, b in ways)
        return corner if east % 2 == 0 else None
    return None


def _inside(x: float, y: float) -> bool:
    west, south, east, north = VIETNAM
    return west <= x <= east and south <= y <= north


def _degrees(value: float) -> str:
    return f"{value:.4f}".replace(".", ",")


def _crossing(polygon: Polygon) -> Point | None:
    """Where a polygon's rings cross, in a side or in a corner; those that only touch do not."""
    sides = sorted((min(a[0], b[0]), max(a[0], b[0]), a, b) for ring in polygon for a, b in itertools.pairwise(ring))
    near: list[tuple[float, Point, Point]] = []
    through: defaultdict[Point, list[tuple[Point, Point]]] = defaultdict(list)
    for left, right, a, b in sides:
        near = [side for side in near if side[0] >= left]
        for _right, c, d in near:
            if max(c[1], d[1]) < min(a[1], b[1]) or min(c[1], d[1]) > max(a[1], b[1]):
                continue
            if _cross(a, b, c, d):
                return _meeting(a, b, c, d)
            for corner, e, f in ((a, c, d), (b, c, d), (c, a, b), (d, a, b)):
                if corner not in (e, f) and _lies_on(corner, e, f):
                    through[corner].append((e, f))
        near.append((right, a, b))
    for ring in polygon:
        for before, corner, after in zip((*ring[-2:-1], *ring[:-2]), ring[:-1], ring[1:], strict=True):
            through[corner].append((before, after))
    return next((at for at, ways in through.items() if len(ways) > 1 and _ways_cross(at, ways)), None)


def _ways_cross(at: Point, ways: Sequence[tuple[Point, Point]]) -> bool:
    """Whether two ways through one point cross there: of one, an end lies on each side of the other."""
    turned = [[math.atan2(end[1] - at[1], end[0] - at[0]) for end in way] for way in ways]
    for (a, b), (c, d) in itertools.combinations(turned, 2):
        whole = (b - a) % math.tau
        apart = [(end - a) % math.tau for end in (c, d)]
        gaps = [abs(each - line) for each in apart for line in (0, whole)]
        is_beside = any(min(gap, math.tau - gap) < 1e-6 for gap in gaps)
        if not is_beside and (apart[0] < whole) != (apart[1] < whole):
            return True
    return False


def _lies_on(corner: Point, a: Point, b: Point) -> bool:
    """Whether a point lies on the way from one to another, or nearer to it than a metre."""
    along = (corner[0] - a[0]) * (b[0] - a[0]) + (corner[1] - a[1]) * (b[1] - a[1])
    return a != b and 0 <= along <= math.dist(a, b) ** 2 and _side(a, b, corner) == 0


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, c: Point) -> float:
    """Above 0 when c lies left of the way from a to b, below when right, 0 on it; nearer than a metre is on it."""
    found = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return 0.0 if abs(found) < 1e-5 * math.dist(a, b) else found


def _meeting(a: Point, b: Point, c: Point, d: Point) -> Point:
    share = _side(c, d, a) / (_side(c, d, a) - _side(c, d, b))
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


# ---- drawing ---------------------------------------------------------------------------------------------------


def outline(geometry: Any) -> Outline:
    """The drawing of a geometry without a flaw."""
    rings = [_thinned([_on_plane(point) for point in ring]) for polygon in polygons(geometry) for ring in polygon]
    xs = [x for ring in rings for x, _y in ring]
    ys = [y for ring in rings for _x, y in ring]
    path = "".join(_path(ring) for ring in rings if len(ring) >= 4)
    return Outline(path, min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def middle(path: str) -> tuple[int, int]:
    """A point inside an outline where a number can stand: amid the widest stretch at half its height."""
    rings = []
    for ring in path.split("M")[1:]:
        steps = [int(step) for step in re.findall(r"-?\d+", ring)]
        rings.append(list(zip(itertools.accumulate(steps[::2]), itertools.accumulate(steps[1::2]), strict=True)))
    heights = [y for ring in rings for _x, y in ring]
    half = (min(heights) + max(heights)) / 2
    met = sorted(
        a[0] + (half - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
        for ring in rings
        for a, b in itertools.pairwise([*ring, ring[0]])
        if (a[1] <= half) != (b[1] <= half)
    )
    left, right = max(zip(met[::2], met[1::2], strict=True), key=lambda ends: ends[1] - ends[0])
    return round((left + right) / 2), round(half)


def _on_plane(point: Point) -> tuple[int, int]:
    longitude, latitude = point
    north = math.degrees(math.asinh(math.tan(math.radians(latitude))))
    return round(longitude * GRID), round(-north * GRID)


def _path(ring: Sequence[tuple[int, int]]) -> str:
    moves = " ".join(f"{b[0] - a[0]} {b[1] - a[1]}" for a, b in itertools.pairwise(ring[:-1]))
    return f"M{ring[0][0]} {ring[0][1]}l{moves}z"


def _thinned(ring: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ring without corners that nobody would see (Douglas and Peucker); its first point stays."""
    kept = {0, len(ring) - 1, max(range(len(ring)), key=lambda n: math.dist(ring[0], ring[n]))}
    ends = sorted(kept)
    waiting = list(itertools.pairwise(ends))
    while waiting:
        first, last = waiting.pop()
        far, at = max(_distances(ring, first, last), default=(0.0, first))
        if far > FINENESS:
            kept.add(at)
            waiting += [(first, at), (at, last)]
    return [ring[n] for n in sorted(kept)]


def _distances(ring: Sequence[tuple[int, int]], first: int, last: int) -> Iterator[tuple[float, int]]:
    a, b = ring[first], ring[last]
    length = math.dist(a, b)
    for n in range(first + 1, last):
        c = ring[n]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        yield (abs(area) / length if length else math.dist(a, c)), n
