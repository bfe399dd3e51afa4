"""Shapes: what cannot be a boundary is refused with its reason, and what can is drawn where it lies."""

import re
from typing import Any

import pytest

from models.rules.shapes import flaw, middle, outline

SQUARE = [[106.3, 10.2], [106.4, 10.2], [106.4, 10.3], [106.3, 10.3], [106.3, 10.2]]
BOW_TIE = [[106.3, 10.2], [106.4, 10.3], [106.4, 10.2], [106.3, 10.3], [106.3, 10.2]]
HOLE = [[106.32, 10.22], [106.38, 10.22], [106.38, 10.28], [106.32, 10.22]]
HOLE_OUTSIDE = [[106.35, 10.25], [106.45, 10.25], [106.45, 10.28], [106.35, 10.25]]
# Two sides meet at a corner and part again: ugly, but no crossing.
TOUCHING = [[106.3, 10.2], [106.35, 10.25], [106.4, 10.2], [106.4, 10.3], [106.35, 10.25], [106.3, 10.3], [106.3, 10.2]]


# Through one corner twice: a bow tie whose sides meet in a point of both, or in a corner on the other's side.
TIED = [[106.3, 10.2], [106.35, 10.25], [106.4, 10.3], [106.4, 10.2], [106.35, 10.25], [106.3, 10.3], [106.3, 10.2]]
TIED_ON_A_SIDE = [[106.3, 10.2], [106.4, 10.3], [106.4, 10.2], [106.35, 10.25], [106.3, 10.3], [106.3, 10.2]]
FLAT = [[106.3, 10.2], [106.35, 10.25], [106.4, 10.3], [106.3, 10.2]]
FAR_HOLE = [[106.5, 10.22], [106.58, 10.22], [106.58, 10.28], [106.5, 10.22]]
# Two corners on the ring, the third within it, and without.
HOLE_AT_THE_RING = [[106.3, 10.22], [106.3, 10.28], [106.35, 10.25], [106.3, 10.22]]
HOLE_BEYOND_THE_RING = [[106.3, 10.22], [106.3, 10.28], [106.25, 10.25], [106.3, 10.22]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


@pytest.mark.parametrize(
    "geometry",
    [
        polygon(SQUARE),
        polygon(SQUARE, HOLE),
        polygon(TOUCHING),
        polygon(SQUARE, HOLE_AT_THE_RING),
        polygon([[*point, 3.5] for point in SQUARE]),
        {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[x + 0.5, y] for x, y in SQUARE]]]},
    ],
)
def test_a_shape_of_a_place_has_no_flaw(geometry: dict[str, Any]) -> None:
    assert flaw(geometry) == ""


@pytest.mark.parametrize(
    ("geometry", "says"),
    [
        (polygon(BOW_TIE), "tự cắt ở gần kinh độ 106,3500, vĩ độ 10,2500"),
        (polygon(SQUARE, HOLE_OUTSIDE), "tự cắt ở gần kinh độ 106,4000"),
        (polygon(TIED), "tự cắt ở gần kinh độ 106,3500, vĩ độ 10,2500"),
        (polygon(TIED_ON_A_SIDE), "tự cắt ở gần kinh độ 106,3500, vĩ độ 10,2500"),
        (polygon(FLAT), "không bao quanh phần đất nào"),
        (polygon(SQUARE, FAR_HOLE), "Phần khoét ở gần kinh độ 106,5000, vĩ độ 10,2200 nằm ngoài đường ranh giới"),
        (polygon(SQUARE, HOLE_BEYOND_THE_RING), "Phần khoét ở gần kinh độ 106,2500"),
        (polygon([[y, x] for x, y in SQUARE]), "Kinh độ và vĩ độ đổi chỗ: ghi 10,2000 trước 106,3000"),
        (polygon([[x * 5000, y * 110_000] for x, y in SQUARE]), "nằm ngoài Việt Nam"),
        (polygon(SQUARE[:-1]), "chưa khép kín"),
        (polygon([SQUARE[0], SQUARE[1], SQUARE[0]]), "chưa khép kín"),
        ({"type": "Point", "coordinates": [106.3, 10.2]}, "không phải một vùng"),
        ({"type": "Polygon", "coordinates": []}, "không phải một vùng"),
        ({"type": "Polygon", "coordinates": [[["106,3", "10,2"]]]}, "không phải một vùng"),
        ({"type": "Polygon", "coordinates": [[[float("nan"), 10.2]]]}, "không phải một vùng"),
        ({"type": "Polygon"}, "không phải một vùng"),
        (None, "không phải một vùng"),
    ],
)
def test_what_cannot_be_a_boundary_is_refused_with_its_reason(geometry: Any, says: str) -> None:
    assert says in flaw(geometry)


def test_a_shape_that_crosses_itself_far_from_its_start_is_found() -> None:
    comb = [[106.0 + n / 1000, 10.2 + (n % 2) / 100] for n in range(400)]
    ring = [*comb, [106.4, 10.4], [106.0, 10.4], comb[0]]
    assert flaw(polygon(ring)) == ""

    ring[300], ring[302] = ring[302], ring[300]

    assert "tự cắt" in flaw(polygon(ring))


def test_a_shape_is_drawn_upright_and_to_scale() -> None:
    drawn = outline(polygon(SQUARE))

    assert drawn.x == 1_063_000
    assert drawn.width == 1000
    # North is up, and a degree of latitude is a little longer than one of longitude here.
    assert 1010 < drawn.height < 1025
    start = re.match(r"M(-?\d+) (-?\d+)l", drawn.path)
    assert start is not None
    assert (int(start[1]), int(start[2])) == (drawn.x, drawn.y + drawn.height)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("M0 0l100 0 0 100 -100 0z", (50, 50)),
        ("M0 0l100 0 0 20 -80 0 0 60 80 0 0 20 -100 0z", (10, 50)),
        ("M0 0l10 0 0 100 -10 0zM40 0l60 0 0 100 -60 0z", (70, 50)),
        ("M0 0l100 0 0 100 -100 0zM10 40l60 0 0 20 -60 0z", (85, 50)),
    ],
    ids=["a square", "a bay", "two islands", "round another"],
)
def test_a_number_stands_inside_its_shape(path: str, expected: tuple[int, int]) -> None:
    assert middle(path) == expected


def test_corners_that_nobody_would_see_are_not_drawn() -> None:
    dense = [[106.3 + n / 10_000, 10.2 + (n % 2) / 100_000] for n in range(1000)] + SQUARE[1:]

    assert len(outline(polygon(dense)).path) < 100
