"""Chủ thể: who makes the product, and who represents it."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from models.base import Base, LabelledEnum, Placed, Searchable, Tidy, TidyText, choice, field, list_indexes
from models.commune import Commune
from models.rules.identifiers import email_problem, phone_problem, tax_code_problem, tax_code_written
from models.rules.text import fold
from models.rules.words import day


class EntityKind(LabelledEnum):
    """Source: DOMAIN §5.1, Decision 26/2026/QĐ-TTg."""

    COOPERATIVE = "htx", "Hợp tác xã"
    COOPERATIVE_GROUP = "tht", "Tổ hợp tác"
    ENTERPRISE = "dn", "Doanh nghiệp nhỏ và vừa"
    HOUSEHOLD = "hkd", "Hộ kinh doanh"
    PRODUCER_HOUSEHOLD = "hsx", "Hộ sản xuất"
    FARM = "tt", "Trang trại"
    ASSOCIATION = "hoi", "Hội, hiệp hội, trung tâm điều hành"

    @classmethod
    def read(cls, text: str) -> "EntityKind | None":
        """What stands for a kind in a list: “HTX NN”, “Hộ KD”, “Cty TNHH MTV”; None for anything else."""
        folded = folded_name(text)
        kinds = {**dict(_BEGINNINGS), "dn": cls.ENTERPRISE, "cs": cls.HOUSEHOLD}
        beginning = next((each for each in kinds if f"{folded} ".startswith(f"{each} ")), "")
        is_all = set(folded.removeprefix(beginning).split()) <= _SAYS_NO_MORE
        return kinds.get(beginning) if is_all else None


class EntityStatus(LabelledEnum):
    ACTIVE = "active", "Đang hoạt động"
    SUSPENDED = "suspended", "Tạm ngừng"
    DISSOLVED = "dissolved", "Đã giải thể"


# What names of producers begin with, folded; the longest first.
_BEGINNINGS = (
    ("ho san xuat", EntityKind.PRODUCER_HOUSEHOLD),
    ("ho sx", EntityKind.PRODUCER_HOUSEHOLD),
    ("hsx", EntityKind.PRODUCER_HOUSEHOLD),
    ("ho kinh doanh", EntityKind.HOUSEHOLD),
    ("hkd", EntityKind.HOUSEHOLD),
    ("co so", EntityKind.HOUSEHOLD),
    ("hop tac xa", EntityKind.COOPERATIVE),
    ("htx", EntityKind.COOPERATIVE),
    ("to hop tac", EntityKind.COOPERATIVE_GROUP),
    ("tht", EntityKind.COOPERATIVE_GROUP),
    ("cong ti", EntityKind.ENTERPRISE),
    ("cti", EntityKind.ENTERPRISE),
    ("doanh nghiep", EntityKind.ENTERPRISE),
    ("dntn", EntityKind.ENTERPRISE),
    ("ct", EntityKind.ENTERPRISE),
    ("trang trai", EntityKind.FARM),
    ("hoi", EntityKind.ASSOCIATION),
    ("hiep hoi", EntityKind.ASSOCIATION),
)


def kind_by_name(values: Mapping[str, Any]) -> EntityKind | None:
    """What the name of a producer says of its kind: “HTX Thạnh Phú” is a cooperative. None when it says nothing."""
    name = fold(str(values.get("name") or ""))
    return next((kind for beginning, kind in _BEGINNINGS if name.startswith(beginning)), None)


# Words of such names in the short way most lists write them, folded.
_SHORT = {
    "trach nhiem huu han": "tnhh",
    "mot thanh vien": "mtv",
    "1 thanh vien": "mtv",
    "doanh nghiep tu nhan": "dntn",
    "ctcp": "cti cp",
    "co phan": "cp",
    "cong ti": "cti",
    "hop tac xa": "htx",
    "to hop tac": "tht",
    "ho kinh doanh": "hkd",
    "ho kd": "hkd",
    "ho san xuat": "hsx",
    "ho sx": "hsx",
    "co so": "cs",
    "nong nghiep": "nn",
    "thuong mai": "tm",
    "san xuat": "sx",
    "dich vu": "dv",
    "kinh doanh": "kd",
}
# What may follow a kind; “hộ sản xuất, kinh doanh” is either of two.
_SAYS_NO_MORE = {
    *("tnhh", "mtv", "cp", "nn", "tm", "dv", "xd", "va", "tu", "nhan", "nho", "vua", "ca", "the"),
    *("tong", "hop"),
}
_LONG = re.compile(rf"\b(?:{'|'.join(sorted(_SHORT, key=len, reverse=True))})\b")
_SHORTENED = frozenset(word for texts in _SHORT.items() for text in texts for word in text.split())
# What stands before the name proper.
_KINDS = re.compile(r"^(?:(?:htx|tht|hkd|hsx|cti|ct|dntn|cs|tnhh|mtv|cp|nn|tm|sx|dv|kd|va|trang trai) )+(?=\S)")


@lru_cache(maxsize=4096)
def folded_name(name: str) -> str:
    """The name of a producer as it is compared: “Hợp tác xã Tân Qui” and “HTX Tân Quy” fold alike."""
    return _LONG.sub(lambda found: _SHORT[found[0]], fold(name))


def name_without_kind(name: str) -> str:
    """The same without what sort of producer it is: “tan qui” of “Công ty TNHH SX Tân Quy”."""
    return _KINDS.sub("", folded_name(name))


def unshortened(name: str) -> str:
    """The words of a name that no list shortens, with their marks."""
    return " ".join(word for word in re.findall(r"\w+", name) if fold(word) not in _SHORTENED)


class Entity(Placed, Searchable, Base):
    __tablename__ = "entities"
    __label__ = "Chủ thể"
    __keys__: ClassVar = (("tax_code",), ("name", "commune"))
    __search__ = ("name", "tax_code", "phone")
    __hint__ = ("tax_code", "commune.name")
    __guesses__: ClassVar = {"kind": kind_by_name}

    name: Mapped[str] = mapped_column(
        Tidy(255),
        info=field(
            "Tên chủ thể",
            hint="đúng như giấy đăng ký",
            aliases=(
                *("Chủ thể", "Tên doanh nghiệp", "Tên cơ sở", "Cơ sở sản xuất", "Tên đơn vị", "Tên HTX"),
                *("Tên cơ sở sản xuất", "Tên chủ thể sản xuất", "Đơn vị sản xuất", "Chủ thể sản xuất"),
                *("Tên hộ kinh doanh", "Tên hợp tác xã", "Tên công ty", "Tên tổ chức"),
            ),
        ),
    )
    kind: Mapped[EntityKind] = mapped_column(
        choice(EntityKind),
        info=field("Loại hình", aliases=("Loại hình kinh doanh", "Loại hình tổ chức", "Loại hình chủ thể")),
    )
    tax_code: Mapped[str | None] = mapped_column(
        Tidy(14),
        unique=True,
        info=field(
            "Mã số thuế",
            hint="10, 12 hoặc 13 chữ số",
            aliases=(
                *("MST", "MST/CCCD", "Mã số thuế/CCCD", "Mã số thuế/Số CCCD", "Mã số thuế hoặc CCCD"),
                *("Mã số thuế/Số định danh", "Mã số doanh nghiệp", "Mã số thuế/Mã số doanh nghiệp"),
            ),
        ),
    )
    registration: Mapped[str] = mapped_column(
        Tidy(120),
        default="",
        info=field(
            "Giấy đăng ký kinh doanh",
            hint="số, ngày, nơi cấp",
            aliases=(
                *("Đăng ký kinh doanh", "Số đăng ký kinh doanh", "Số giấy đăng ký kinh doanh", "Giấy phép kinh doanh"),
                *("Giấy chứng nhận đăng ký kinh doanh", "Số giấy chứng nhận đăng ký kinh doanh"),
            ),
        ),
    )
    commune_id: Mapped[int] = mapped_column(ForeignKey("communes.id"), info=field("Xã, phường"))
    street: Mapped[str] = mapped_column(
        Tidy(255), default="", info=field("Địa chỉ", hint="số nhà, ấp, khóm", aliases=("Tên đường",))
    )
    printed_address: Mapped[str] = mapped_column(
        Tidy(255),
        default="",
        info=field("Địa chỉ in trên giấy tờ", hint="giữ nguyên như đã in, kể cả tên xã cũ"),
    )
    phone: Mapped[str] = mapped_column(
        Tidy(60),
        default="",
        info=field("Điện thoại", aliases=("SĐT", "Số điện thoại", "Điện thoại liên hệ", "Số điện thoại liên hệ")),
    )
    email: Mapped[str] = mapped_column(String(120), default="", info=field("Thư điện tử", aliases=("Email",)))
    status: Mapped[EntityStatus] = mapped_column(
        choice(EntityStatus), default=EntityStatus.ACTIVE, info=field("Tình trạng")
    )
    note: Mapped[str] = mapped_column(TidyText(), default="", info=field("Ghi chú", long=True))

    commune: Mapped[Commune] = relationship(
        foreign_keys=[commune_id],
        info=field("Xã, phường", places=True, aliases=("Xã/phường", "Địa phương", "Địa bàn", "Đơn vị hành chính")),
    )
    representatives: Mapped[list["Representative"]] = relationship(
        back_populates="entity", passive_deletes="all", info=field("Người đại diện", managed=True)
    )

    @validates("tax_code")
    def _written_one_way(self, _name: str, code: str | None) -> str | None:
        """So that the unique index finds a code again, however it was typed."""
        return None if code is None else tax_code_written(code)

    def faults(self) -> Iterable[tuple[str, str]]:
        if self.tax_code and (sentence := tax_code_problem(self.tax_code)):
            yield "tax_code", sentence
        if self.phone and (sentence := phone_problem(self.phone)):
            yield "phone", sentence
        if self.email and (sentence := email_problem(self.email)):
            yield "email", sentence

    __table_args__ = (*list_indexes("entities"), Index("ix_entities_commune_id_name", "commune_id", "name"))


class Representative(Placed, Searchable, Base):
    """Who signs for an entity, and when. Sensitive facts about a person are not stored (DOMAIN §10)."""

    __tablename__ = "representatives"
    __label__ = "Người đại diện"
    __keys__: ClassVar = (("name", "entity"),)
    __search__ = ("name", "entity.name")

    entity_id: Mapped[int] = mapped_column(ForeignKey("entities.id"), index=True, info=field("Chủ thể"))
    name: Mapped[str] = mapped_column(
        Tidy(120),
        info=field(
            "Họ tên",
            aliases=(
                *("Người đại diện", "Họ tên người đại diện", "Họ và tên", "Tên người đại diện"),
                *("Người đại diện pháp luật", "Đại diện pháp luật", "Họ tên người đại diện pháp luật"),
                *("Chủ cơ sở", "Tên chủ cơ sở", "Chủ hộ", "Tên chủ hộ", "Họ tên chủ hộ", "Họ và tên chủ hộ"),
            ),
        ),
    )
    position: Mapped[str] = mapped_column(
        Tidy(120), default="", info=field("Chức vụ", aliases=("Chức danh", "Chức vụ người đại diện"))
    )
    since: Mapped[date | None] = mapped_column(info=field("Từ ngày"))
    until: Mapped[date | None] = mapped_column(info=field("Đến ngày"))
    entity: Mapped[Entity] = relationship(back_populates="representatives", info=field("Chủ thể", places=True))

    __table_args__ = list_indexes("representatives")

    def faults(self) -> Iterable[tuple[str, str]]:
        if self.since and self.until and self.until < self.since:
            yield "until", f"Đến ngày phải từ {day(self.since)} trở đi."
