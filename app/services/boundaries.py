"""Ranh giới: read a GeoJSON file, match each shape with its commune by code and day, keep it.

The names in the file are compared too: a code names other places on other days, so a list of another day is seen.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import aliased, selectinload

from app.errors import OcopError
from app.files.limits import MAX_BYTES
from app.services.importing.writing import parts
from app.session import OcopSession
from models import Boundary, Commune, Province
from models.rules.shapes import flaw, outline
from models.rules.text import fold
from models.rules.words import day

# Names of the properties that hold code, name and province code; the first are those of the offices' own files.
CODE = ("ma_xa", "Mã xã", "ma", "code")
NAME = ("ten_xa", "Tên xã", "ten", "name")
PROVINCE = ("ma_tinh", "Mã tỉnh", "province_code")
# How names of WGS84 end: EPSG:4326, urn:ogc:def:crs:EPSG::4326, urn:ogc:def:crs:OGC:1.3:CRS84.
WGS84 = (":4326", "CRS84")


class NotGeoJson(OcopError):
    sentence = "Tệp không phải GeoJSON có các vùng (FeatureCollection). Xuất lại tệp từ phần mềm bản đồ."


class TooLarge(OcopError):
    sentence = "Tệp lớn hơn {limit} MB. Giản lược đường ranh giới hoặc tách tệp theo tỉnh rồi tải lại."


class OtherSystem(OcopError):
    sentence = "Tệp theo hệ tọa độ “{named}” nên hình sẽ lệch. Xuất lại tệp theo hệ WGS84 (EPSG:4326)."


class NoCodes(OcopError):
    sentence = "Tệp không có thuộc tính mã xã (ma_xa) ở hình nào. Thêm mã xã 5 chữ số cho từng hình rồi xuất lại."


class PlanChanged(OcopError):
    sentence = "Sổ đã thay đổi sau khi xem trước nên chưa ghi, chưa xóa hình nào. Xem trước lại rồi bấm lại."


@dataclass(frozen=True)
class Shape:
    """One feature of a file; number: its place there, from 1."""

    number: int
    code: str
    name: str
    province: str
    geometry: Any


@dataclass(frozen=True)
class Refused:
    number: int
    column: str
    sentence: str


@dataclass(frozen=True)
class Plan:
    """What a file would do. new: (commune id, geometry) not as before; changed: another one of the very day.

    refused: every fault of every shape that cannot be taken.
    """

    as_of: date
    new: Sequence[tuple[int, Any]]
    changed: Sequence[tuple[int, Any]]
    same: int
    refused: Sequence[Refused]

    @property
    def counts(self) -> dict[str, int]:
        return {
            "new": len(self.new),
            "changed": len(self.changed),
            "same": self.same,
            "refused": len({each.number for each in self.refused}),
            "skipped": 0,
        }

    @property
    def mark(self) -> str:
        """The same as long as the plan is, to the last corner of a shape."""
        told = (self.as_of.isoformat(), self.new, self.changed, self.same, [r.sentence for r in self.refused])
        return hashlib.sha256(json.dumps(told, default=vars).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Kept:
    """The boundaries of one province on one day. count: communes that have one."""

    province_id: int
    province: str
    as_of: date
    count: int


def read(content: bytes) -> list[Shape]:
    """The features of a file, in its order. Raises TooLarge, NotGeoJson, OtherSystem, NoCodes."""
    if len(content) > MAX_BYTES:
        raise TooLarge(limit=MAX_BYTES // 1024**2)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise NotGeoJson from None
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list) or not features or not all(isinstance(one, dict) for one in features):
        raise NotGeoJson
    if (named := _system(found)) and not named.upper().endswith(WGS84):
        raise OtherSystem(named=named)
    shapes = [_shape(number, feature) for number, feature in enumerate(features, 1)]
    if not any(shape.code for shape in shapes):
        raise NoCodes
    return shapes


def _system(found: Mapping[str, Any]) -> str:
    """The system of coordinates that a file names; empty where it names none, which means WGS84 (RFC 7946).

    VN-2000 is in degrees too, some 200 m beside it, so that the figures themselves tell nothing.
    """
    crs = found.get("crs") or ""
    properties = crs.get("properties") if isinstance(crs, dict) else {"name": crs}
    return str(properties.get("name", "không rõ") if isinstance(properties, dict) else "không rõ")


def _shape(number: int, feature: Mapping[str, Any]) -> Shape:
    said = feature.get("properties")
    properties = said if isinstance(said, dict) else {}
    code, name, province = (
        next((str(properties[key]).strip() for key in keys if properties.get(key) is not None), "")
        for keys in (CODE, NAME, PROVINCE)
    )
    return Shape(number, code, name, province, feature.get("geometry"))


def plan(session: OcopSession, shapes: Sequence[Shape], *, as_of: date, province: str | None = None) -> Plan:
    """What a file of a day would do; changes nothing. province: code of the one it should hold, when that is said."""
    times = Counter(shape.code for shape in shapes)
    units = _units(session, [shape.code for shape in shapes], as_of)
    kept = {row.commune_id: row for row in _kept(session, [unit.id for unit in units.values()], as_of)}
    new, changed, refused = [], [], []
    same = 0
    for shape in shapes:
        unit = units.get(shape.code)
        if faults := _faults(shape, unit, times[shape.code], as_of, province):
            refused += faults
            continue
        assert unit is not None
        row = kept.get(unit.id)
        if row is not None and row.geometry == _text(shape.geometry):
            same += 1
        elif row is not None and row.as_of == as_of:
            changed.append((unit.id, shape.geometry))
        else:
            new.append((unit.id, shape.geometry))
    return Plan(as_of, new, changed, same, refused)


def _units(session: OcopSession, codes: Sequence[str], as_of: date) -> dict[str, Commune]:
    found = select(Commune).options(selectinload(Commune.province)).where(Commune.on(as_of))
    return {
        unit.code: unit
        for some in parts(sorted(set(codes)))
        for unit in session.scalars(found.where(Commune.code.in_(some)))
    }


def _kept(session: OcopSession, commune_ids: Sequence[int], as_of: date) -> Iterator[Boundary]:
    """The boundary of each commune on a day: the newest until then."""
    for some in parts(commune_ids):
        yield from session.scalars(drawn(as_of).where(Boundary.commune_id.in_(some)))


def drawn(on: date) -> Select[Boundary]:
    """Boundaries as they are on a day, one a commune."""
    later = aliased(Boundary)
    newer = exists().where(later.commune_id == Boundary.commune_id, later.as_of > Boundary.as_of, later.as_of <= on)
    return select(Boundary).where(Boundary.as_of <= on, ~newer)


def _faults(shape: Shape, unit: Commune | None, times: int, as_of: date, province: str | None) -> list[Refused]:
    """Everything wrong with a shape: that it is not of this commune, and that it is no boundary."""
    place = _misplaced(shape, unit, times, as_of, province)
    named = f"{unit.name}: " if unit else ""
    fault = flaw(shape.geometry)
    return [*([place] if place else []), *([Refused(shape.number, "geometry", f"{named}{fault}")] if fault else [])]


def _misplaced(shape: Shape, unit: Commune | None, times: int, as_of: date, province: str | None) -> Refused | None:
    if not shape.code:
        return Refused(shape.number, "ma_xa", "Hình không có mã xã. Thêm mã xã 5 chữ số rồi xuất lại.")
    if times > 1:
        sentence = f"Mã {shape.code} có ở {times} hình. Giữ một hình cho mỗi mã rồi xuất lại."
        return Refused(shape.number, "ma_xa", sentence)
    if unit is None:
        said = f", tệp ghi tỉnh mã {shape.province}" if shape.province else ""
        sentence = (
            f"Mã {shape.code} không có trong danh mục xã ngày {day(as_of)} của địa bàn này{said}. "
            "Kiểm tra tỉnh, mã xã và ngày của tệp."
        )
        return Refused(shape.number, "ma_xa", sentence)
    for code in (province, shape.province):
        if code and code != unit.province.code:
            sentence = (
                f"{unit.name} (mã {shape.code}) ngày {day(as_of)} thuộc {unit.province.name}, mã tỉnh "
                f"{unit.province.code}, không phải {code}. Chọn đúng tệp của tỉnh và đúng ngày."
            )
            return Refused(shape.number, "ma_tinh", sentence)
    if shape.name and fold(shape.name) not in (fold(unit.name), fold(unit.name.removeprefix(unit.kind.label))):
        sentence = f"Mã {shape.code} ngày {day(as_of)} là {unit.name}, tệp ghi {shape.name}. Kiểm tra ngày của tệp."
        return Refused(shape.number, "ten_xa", sentence)
    return None


def apply(session: OcopSession, planned: Plan) -> None:
    """Keep the shapes of a plan; the caller opens the transaction."""
    with session.doing("nhập ranh giới"):
        kept = {row.commune_id: row for row in _kept(session, [each for each, _ in planned.changed], planned.as_of)}
        provinces = {
            commune_id: province_id
            for some in parts([each for each, _ in planned.new])
            for commune_id, province_id in session.execute(
                select(Commune.id, Commune.province_id).where(Commune.id.in_(some))
            )
        }
        for commune_id, geometry in (*planned.new, *planned.changed):
            row = kept.get(commune_id)
            if row is None:
                row = Boundary(commune_id=commune_id, province_id=provinces[commune_id], as_of=planned.as_of)
                session.add(row)
            shape = outline(geometry)
            row.geometry, row.outline = _text(geometry), shape.path
            row.x, row.y, row.width, row.height = shape.x, shape.y, shape.width, shape.height


def _text(geometry: Any) -> str:
    return json.dumps(geometry, ensure_ascii=False, separators=(",", ":"))


# ---- what is kept --------------------------------------------------------------------------------------------------


def kept(session: OcopSession) -> list[Kept]:
    """What the area has, by province and day, the newest day first."""
    found = session.execute(
        select(Boundary.province_id, Province.name, Boundary.as_of, func.count(Boundary.id))
        .join(Province, Boundary.province_id == Province.id)
        .group_by(Boundary.province_id, Province.name, Province.sort_key, Boundary.as_of)
        .order_by(Province.sort_key, Boundary.province_id, Boundary.as_of.desc())
    )
    return [Kept(*row) for row in found]


def _of(province_id: int, as_of: date) -> Select[Boundary]:
    wanted = select(Boundary).options(selectinload(Boundary.commune).selectinload(Commune.province))
    return wanted.where(Boundary.province_id == province_id, Boundary.as_of == as_of).order_by(Boundary.id)


def as_geojson(session: OcopSession, province_id: int, as_of: date) -> bytes:
    """The shapes of a province and a day as a file that `read` takes again: what a replaced one was can come back."""
    features = [
        {
            "type": "Feature",
            "properties": {
                CODE[0]: row.commune.code,
                NAME[0]: row.commune.name,
                PROVINCE[0]: row.commune.province.code,
            },
            "geometry": json.loads(row.geometry),
        }
        for row in session.scalars(_of(province_id, as_of))
    ]
    whole = {"type": "FeatureCollection", "features": features}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def remove(session: OcopSession, province_id: int, as_of: date, *, seen: int) -> int:
    """Delete the shapes of a province and a day; the trail keeps them. Raises PlanChanged when they are not `seen`."""
    rows = session.scalars(_of(province_id, as_of)).all()
    if len(rows) != seen:
        raise PlanChanged
    with session.doing("xóa ranh giới"):
        for row in rows:
            session.delete(row)
        session.flush()
    return len(rows)
