"""What one cell says of a place: “Ấp 3, xã Đại Điền, huyện Thạnh Phú”, part by part."""

import enum
import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from models.rules.places import bare_name
from models.rules.text import fold


class Address(NamedTuple):
    """What one cell says of a place, each part as written, "" where it says nothing. rest: house, street, hamlet."""

    commune: str
    district: str = ""
    province: str = ""
    rest: str = ""


class WiderNames(NamedTuple):
    """Names of districts and provinces of any day, folded, with their kind and without."""

    districts: frozenset[str]
    provinces: frozenset[str]


class Part(enum.Enum):
    COMMUNE = "xã"
    DISTRICT = "huyện"
    CITY = "thành phố"  # a district or a province
    PROVINCE = "tỉnh"
    REST = "địa chỉ"


_BEGINNINGS = {
    Part.COMMUNE: r"(?:xã|phường|thị trấn|đặc khu|tt[rx]?)[.\s]|[xp]\.|p(?=\d)",
    Part.DISTRICT: r"(?:huyện|quận|thị xã|tx)[.\s]|[hq]\.|q(?=\d)",
    Part.CITY: r"(?:thành phố|tp)[.\s]",
    Part.PROVINCE: r"tỉnh\s|t\.",
    Part.REST: r"(?:ấp|thôn|khóm|khu phố|kp|tổ|số|đường|quốc lộ|tỉnh lộ|ql|tl|đt|hẻm|xóm)[.:\s]|\d",
}
_PARTS = {part: re.compile(rf"(?:{text})\s*(?=\S)", re.IGNORECASE) for part, text in _BEGINNINGS.items()}
_SPELLED = r"(?=(?:xã|phường|thị trấn|đặc khu|huyện|quận|thị xã|thành phố|tỉnh)\s)"
# A sign, a bracket, or the next kind of unit: “xã An Thạnh huyện Thạnh Phú”; but not in “thị xã”, “hợp tác xã”.
_BETWEEN = re.compile(rf"\s*[,;()\n]\s*|\s+[-–—]\s+|\s*[-–—]\s*{_SPELLED}|(?<!thị)(?<!tác)\s+{_SPELLED}", re.IGNORECASE)
_MORE_THAN_A_NAME = re.compile(rf"[,;()\n]|(?<!thị)[\s–—-]+{_SPELLED}", re.IGNORECASE)
_OF_ANOTHER_DAY = re.compile(r"(?:nay|trước đây|mới)\b.*|cũ", re.IGNORECASE)
_FORMER = re.compile(r"\s+cũ$", re.IGNORECASE)


def part_of(text: str) -> Part | None:
    """Of which level a part of an address says itself to be."""
    return next((part for part, beginning in _PARTS.items() if beginning.match(text)), None)


@functools.lru_cache(maxsize=4096)
def read_address(text: str, known: WiderNames) -> Address | None:
    """The parts of “Ấp 3, xã Đại Điền, huyện Thạnh Phú”; None where it is one part, or not sure which is which.

    What says no kind stands from narrow to wide. Beside a commune that says its kind it is wider, whatever it is;
    else only where such a district or province is known. A name of both is the province: the other lies in it.
    """
    parts = [part for each in _BETWEEN.split(text) if (part := each.strip(" .:"))]
    if parts and fold(parts[-1]) == "viet nam":
        parts.pop()
    parts = _joined(parts, known)
    if len(parts) < 2 or any(_OF_ANOTHER_DAY.fullmatch(part) for part in parts):
        return None
    said: dict[Part, list[str]] = {part: [] for part in Part}
    bare: list[str] = []
    for part in parts:
        kind = part_of(part)
        if kind is None and said[Part.COMMUNE]:
            kind = Part.CITY  # wider, and no more is known
        (bare if kind is None else said[kind]).append(part)
    communes, districts, provinces, wider = (
        said[kind] for kind in (Part.COMMUNE, Part.DISTRICT, Part.PROVINCE, Part.CITY)
    )
    if not communes:
        for level, names, place in ((provinces, known.provinces, len(wider)), (districts, known.districts, 0)):
            if not level and len(bare) > 1 and fold(bare[-1]) in names:
                wider.insert(place, bare.pop())
        if bare and (wider or districts or provinces or said[Part.REST]):
            communes.append(bare.pop())
    for part in reversed(wider):
        is_province = not provinces and (bool(districts) or len(wider) > 1 or _is_province(part, known))
        (provinces if is_province else districts).append(part)
    if len(communes) != 1 or len(districts) > 1 or len(provinces) > 1:
        return None
    district, province = (_FORMER.sub("", next(iter(level), "")) for level in (districts, provinces))
    rest = [part for part in parts if part in bare or part in said[Part.REST]]
    return Address(communes[0], district, province, ", ".join(rest))


def _joined(parts: Sequence[str], known: WiderNames) -> list[str]:
    """The parts, those of a known name that holds a dash being one: “Bà Rịa - Vũng Tàu”."""
    joined: list[str] = []
    for part in parts:
        name = fold(bare_name(f"{joined[-1]} {part}")) if joined else ""
        if name in known.provinces or name in known.districts:
            joined[-1] = f"{joined[-1]} - {part}"
        else:
            joined.append(part)
    return joined


def _is_province(part: str, known: WiderNames) -> bool:
    name = fold(bare_name(part))
    return (f"thanh pho {name}" if part_of(part) is Part.CITY else name) in known.provinces


def name_flaw(name: str) -> str:
    """Why a text cannot be the name of a place: a formula, a sign or an address stands where the name should."""
    if not name[0].isalnum():
        return f"“{name}” không phải tên đơn vị. Gõ lại tên bằng chữ."
    if _MORE_THAN_A_NAME.search(name):
        return f"“{name}” có nhiều hơn tên đơn vị. Chỉ ghi tên ở cột này, huyện và tỉnh ở cột riêng."
    return ""
