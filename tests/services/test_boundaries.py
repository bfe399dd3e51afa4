"""Ranh giới: each shape is matched with its commune by code and day, or refused with the reason."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.current import acting_as, system
from app.database import Database
from app.services import boundaries
from models import AuditEntry, Boundary, Commune
from tests import world
from tests.world import FOREIGN, NEIGHBOUR, OWN

DAY = date(2025, 6, 1)
RING = [[106.3, 10.2], [106.4, 10.2], [106.4, 10.3], [106.3, 10.2]]
SQUARE = {"type": "Polygon", "coordinates": [RING]}
AN_THANH = {"ma_xa": "29227", "ten_xa": "Xã An Thạnh", "ma_tinh": "83"}
GIAO_THANH = {"ma_xa": "29230", "ten_xa": "Xã Giao Thạnh", "ma_tinh": "83"}


def file(*properties: dict[str, Any], geometry: Any = SQUARE) -> bytes:
    features = [{"type": "Feature", "properties": said, "geometry": geometry} for said in properties]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


@pytest.mark.fill("world")
def test_shapes_are_kept_and_the_same_file_changes_nothing(any_database: Database) -> None:
    content = file(GIAO_THANH, AN_THANH)
    with acting_as(system("kiểm thử")), any_database.writing.begin() as session:
        planned = boundaries.plan(session, boundaries.read(content), as_of=DAY)
        boundaries.apply(session, planned)

    assert planned.counts == {"new": 2, "changed": 0, "same": 0, "refused": 0, "skipped": 0}
    with acting_as(system("kiểm thử")), any_database.reading() as session:
        row = session.scalars(select(Boundary).where(Boundary.commune_id == NEIGHBOUR)).one()
        assert (row.as_of, row.province_id, json.loads(row.geometry)) == (DAY, OWN, SQUARE)
        assert row.outline.startswith("M1063000 ")
        again = boundaries.plan(session, boundaries.read(content), as_of=DAY)
        assert again.counts == {"new": 0, "changed": 0, "same": 2, "refused": 0, "skipped": 0}
        entries = session.scalars(select(AuditEntry).where(AuditEntry.model == "boundaries", AuditEntry.verb != ""))
        assert {entry.verb for entry in entries} == {"nhập ranh giới"}


@pytest.mark.fill("world")
def test_a_shape_drawn_anew_holds_from_its_day(database: Database) -> None:
    moved = {"type": "Polygon", "coordinates": [[[x + 0.01, y] for x, y in RING]]}
    counts = []
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        for geometry, day in ((SQUARE, DAY), (moved, DAY), (SQUARE, date(2026, 1, 1))):
            planned = boundaries.plan(session, boundaries.read(file(GIAO_THANH, geometry=geometry)), as_of=day)
            boundaries.apply(session, planned)
            counts.append((planned.counts["new"], planned.counts["changed"]))
        on = {
            day: [
                json.loads(row.geometry)
                for row in session.scalars(boundaries.drawn(day))
                if row.commune_id == NEIGHBOUR
            ]
            for day in (date(2025, 5, 31), DAY, date(2026, 6, 1))
        }

    assert counts == [(1, 0), (0, 1), (1, 0)]
    assert on == {date(2025, 5, 31): [], DAY: [moved], date(2026, 6, 1): [SQUARE]}


@pytest.mark.fill("world")
@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({**AN_THANH, "ma_xa": "99999"}, "Mã 99999 không có trong danh mục xã ngày 01/06/2025"),
        ({**AN_THANH, "ma_xa": ""}, "Hình không có mã xã"),
        ({**AN_THANH, "ma_tinh": "87"}, "thuộc Tỉnh Bến Tre, mã tỉnh 83, không phải 87"),
        ({**AN_THANH, "ten_xa": "Xã Giao Thạnh"}, "Mã 29227 ngày 01/06/2025 là Xã An Thạnh, tệp ghi Xã Giao Thạnh"),
    ],
)
def test_a_shape_that_is_not_its_commune_s_is_refused(database: Database, said: dict[str, Any], says: str) -> None:
    with acting_as(system("kiểm thử")), database.reading() as session:
        planned = boundaries.plan(session, boundaries.read(file(GIAO_THANH, said)), as_of=DAY)

    assert [(refused.number, says in refused.sentence) for refused in planned.refused] == [(2, True)]
    assert planned.counts["new"] == 1


@pytest.mark.fill("world")
def test_all_that_is_wrong_with_a_shape_is_said_at_once(database: Database) -> None:
    content = json.loads(file({**AN_THANH, "ten_xa": "Xã Giao Thạnh"}))
    content["features"][0]["geometry"]["coordinates"][0].reverse()
    content["features"][0]["geometry"]["coordinates"][0].pop()

    with acting_as(system("kiểm thử")), database.reading() as session:
        planned = boundaries.plan(session, boundaries.read(json.dumps(content).encode()), as_of=DAY)

    assert [(each.number, each.column) for each in planned.refused] == [(1, "ten_xa"), (1, "geometry")]
    assert planned.counts["refused"] == 1


@pytest.mark.fill("world")
def test_two_shapes_of_one_code_are_both_refused(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.reading() as session:
        planned = boundaries.plan(session, boundaries.read(file(AN_THANH, AN_THANH)), as_of=DAY)

    assert [refused.sentence[:24] for refused in planned.refused] == ["Mã 29227 có ở 2 hình. Gi"] * 2


@pytest.mark.fill("world")
def test_a_file_of_another_province_than_said_is_refused(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.reading() as session:
        planned = boundaries.plan(session, boundaries.read(file(AN_THANH)), as_of=DAY, province="87")

    assert "không phải 87" in planned.refused[0].sentence


@pytest.mark.fill("world")
def test_a_day_before_the_commune_was_there_is_refused(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.reading() as session:
        planned = boundaries.plan(session, boundaries.read(file(AN_THANH)), as_of=date(2018, 1, 1))

    assert planned.counts["refused"] == 1


@pytest.mark.fill("world")
def test_a_flaw_names_the_commune(database: Database) -> None:
    swapped = {"type": "Polygon", "coordinates": [[[y, x] for x, y in RING]]}
    with acting_as(system("kiểm thử")), database.reading() as session:
        planned = boundaries.plan(session, boundaries.read(file(AN_THANH, geometry=swapped)), as_of=DAY)

    assert planned.refused[0].sentence.startswith("Xã An Thạnh: Kinh độ và vĩ độ đổi chỗ")


@pytest.mark.fill("world")
def test_a_province_clerk_s_file_reaches_the_own_province_alone(database: Database) -> None:
    long_hau = {"ma_xa": "30244", "ten_xa": "Xã Long Hậu", "ma_tinh": "87"}
    with acting_as(world.province_clerk()), database.reading() as session:
        planned = boundaries.plan(session, boundaries.read(file(long_hau)), as_of=DAY)

    assert planned.refused[0].sentence.startswith("Mã 30244 không có trong danh mục")
    with acting_as(system("kiểm thử")), database.reading() as session:
        assert session.get_one(Boundary, FOREIGN).geometry == "{}"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"features": []}', b'{"features": [1]}'])
def test_what_is_no_geojson_is_refused(content: bytes) -> None:
    with pytest.raises(boundaries.NotGeoJson):
        boundaries.read(content)


VN_2000 = "urn:ogc:def:crs:EPSG::4756"


@pytest.mark.parametrize(
    ("crs", "says"),
    [
        ({"type": "name", "properties": {"name": VN_2000}}, f"Tệp theo hệ tọa độ “{VN_2000}”"),
        ({"type": "name", "properties": {"name": "EPSG:3405"}}, "Xuất lại tệp theo hệ WGS84"),
        ({"type": "link", "properties": {"href": "vn2000.prj"}}, "Tệp theo hệ tọa độ “không rõ”"),
        ("EPSG:9210", "Tệp theo hệ tọa độ “EPSG:9210”"),
    ],
)
def test_a_file_in_another_system_than_wgs84_is_refused(crs: object, says: str) -> None:
    content = json.loads(file({"ma_xa": "29224"}))

    with pytest.raises(boundaries.OtherSystem, match=re.escape(says)):
        boundaries.read(json.dumps({**content, "crs": crs}).encode())


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "epsg:4326", None])
def test_a_file_that_says_wgs84_is_taken(name: str | None) -> None:
    content = json.loads(file({"ma_xa": "29224"}))

    assert boundaries.read(json.dumps({**content, "crs": name and {"properties": {"name": name}}}).encode())


def test_a_file_without_codes_is_refused() -> None:
    with pytest.raises(boundaries.NoCodes):
        boundaries.read(file({"ten_xa": "Xã An Thạnh"}))


@pytest.mark.fill("reference")
def test_the_real_file_fits_the_day_it_was_made_for(database: Database, shared_data: Path) -> None:
    shapes = boundaries.read((shared_data / "vinh_long_xa_2025_ranh_gioi.geojson").read_bytes())
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        before = boundaries.plan(session, shapes, as_of=date(2025, 6, 30))
        planned = boundaries.plan(session, shapes, as_of=date(2025, 7, 1))
        boundaries.apply(session, planned)

        assert planned.counts == {"new": 124, "changed": 0, "same": 0, "refused": 0, "skipped": 0}
        # Codes of before name other places: nearly every shape shows that the day is wrong.
        assert before.counts["refused"] > 100
        assert session.scalar(select(func.count(Boundary.id))) == 124
        lives = session.scalars(select(Commune.valid_from).join(Boundary, Boundary.commune_id == Commune.id)).all()
        assert set(lives) == {date(2025, 7, 1)}


@pytest.mark.fill("world")
def test_what_is_kept_is_given_back_as_a_file_and_removed_with_a_trail(any_database: Database) -> None:
    with acting_as(world.province_clerk()), any_database.writing.begin() as session:
        boundaries.apply(session, boundaries.plan(session, boundaries.read(file(GIAO_THANH, AN_THANH)), as_of=DAY))
        (made,) = [each for each in boundaries.kept(session) if each.as_of == DAY]
        given = boundaries.read(boundaries.as_geojson(session, made.province_id, DAY))
        again = boundaries.plan(session, given, as_of=DAY)

        with pytest.raises(boundaries.PlanChanged):
            boundaries.remove(session, made.province_id, DAY, seen=1)
        count = boundaries.remove(session, made.province_id, DAY, seen=2)

        assert (made.province_id, made.count, again.counts["same"], count) == (OWN, 2, 2, 2)
        assert [each.province_id for each in boundaries.kept(session)] == [OWN]  # of the day before; nothing foreign
    with acting_as(system("kiểm thử")), any_database.reading() as session:
        assert session.get_one(Boundary, FOREIGN).geometry == "{}"
        entries = session.scalars(select(AuditEntry.verb).where(AuditEntry.model == "boundaries")).all()
        assert entries.count("xóa ranh giới") == 2
