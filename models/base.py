"""What every model shares: columns, labels, natural keys, where a row lies, what is searched.

A model declares these once; list, form, export, import, history and error sentences read them:

`__label__`   what a clerk calls one row ("Chủ thể"); `__plural__` several, when it differs.
`__title__`   the attribute that names a row in lists, links and the trail; `name`, else the first key.
`__keys__`    natural keys in order of trust, as attribute names: import, links in files, names in the trail.
`__search__`  attributes a search looks through; of a Searchable also "entity.name", and the first one sorts.
`__hint__`    attributes that tell rows of one name apart, "commune.name" for a linked row's.
`__screen__`  identity in addresses and on the command line (`product-group`), or None for a model without a screen.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    Numeric,
    SQLColumnExpression,
    String,
    Table,
    Text,
    TypeDecorator,
    and_,
    event,
    inspect,
    or_,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, declared_attr, mapped_column, relationship
from sqlalchemy.orm.interfaces import MapperProperty

from models.rules.text import tidy

if TYPE_CHECKING:
    from models.commune import Commune
    from models.province import Province


@dataclass(frozen=True)
class Area:
    """What a person may see: everything, or rows of these places.

    provinces, districts, communes: row ids, both lives of a reused code included where they belong.
    around: provinces that the places lie in, for what is decided there for all of them (a cycle).
    left: ended communes of the area; records that moved from them to a successor elsewhere stay in the area.
    passed: (divided commune, commune): what a clerk chose for a commune of the area that then went there itself.
    heirs: communes that took over from communes of the area, to be named; their rows are not seen.
    """

    everything: bool = False
    provinces: frozenset[int] = frozenset()
    districts: frozenset[int] = frozenset()
    communes: frozenset[int] = frozenset()
    around: frozenset[int] = frozenset()
    left: frozenset[int] = frozenset()
    passed: frozenset[tuple[int, int]] = frozenset()
    heirs: frozenset[int] = frozenset()
    user_id: int | None = None


EVERYTHING = Area(everything=True)


@dataclass(frozen=True)
class FieldInfo:
    """How a column or relation is shown and filled; kept in its `info` under "field"."""

    label: str
    hint: str = ""
    managed: bool = False
    places: bool = False
    long: bool = False
    secret: bool = False
    aliases: tuple[str, ...] = dataclass_field(default=())


def field(
    label: str,
    *,
    hint: str = "",
    managed: bool = False,
    places: bool = False,
    long: bool = False,
    secret: bool = False,
    aliases: Iterable[str] = (),
) -> dict[str, FieldInfo]:
    """Label of a column or relation, for every screen, file and sentence.

    managed: set by services or by the database, so in no form and no import file.
    places: the relation from which the row takes its province and commune.
    long: text of several lines. secret: never shown, exported or written to the trail.
    aliases: other headers that files use for it.
    """
    return {"field": FieldInfo(label, hint, managed, places, long, secret, tuple(aliases))}


class LabelledEnum(StrEnum):
    """A closed list: the value is stored, the label is what a clerk reads."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What a file writes for a member besides its label; a list that knows more ways says so itself."""
        return None


class Tidy(TypeDecorator[str]):
    """Text from people: trimmed, single spaces, Unicode NFC, whatever way it came in; empty is NULL-safe ""."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else tidy(value)


class TidyText(TypeDecorator[str]):
    """Text of several lines: NFC, no trailing spaces; line breaks stay."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else tidy_lines(value)


def tidy_lines(text: str) -> str:
    return "\n".join(tidy(line) for line in text.splitlines()).strip()


class Instant(TypeDecorator[datetime]):
    """A point in time, in UTC with its zone on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Points(TypeDecorator[Decimal]):
    """Points, 0 to 100, exact: NUMERIC(9,6) on PostgreSQL, text of fixed width on SQLite, which has no exact decimals.

    The width keeps text order the numeric order.
    """

    impl = Numeric(9, 6)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(String(10) if dialect.name == "sqlite" else Numeric(9, 6))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return f"{value:010.6f}"

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def choice(values: type[LabelledEnum]) -> Enum:
    """Column type of a closed list: stored as the member's value in VARCHAR(40)."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=False,
        length=40,
        values_callable=lambda members: [m.value for m in members],
    )


def binary_order(length: int) -> String:
    """Text compared byte by byte on both databases, as `sort_key` and prefixes of `search_text` need."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Tidy(255),
        datetime: Instant(),
        Decimal: Points(),
    }

    __label__: ClassVar[str]
    __plural__: ClassVar[str]
    __title__: ClassVar[str] = "name"
    __keys__: ClassVar[tuple[tuple[str, ...], ...]] = ()
    __search__: ClassVar[tuple[str, ...]] = ()
    __hint__: ClassVar[tuple[str, ...]] = ()
    # What an import fills of a new row when the file is silent: {attribute: "link.attribute" to copy, or a function
    # of the row's values}.
    __guesses__: ClassVar[Mapping[str, "str | Callable[[Mapping[str, Any]], Any]"]] = MappingProxyType({})
    # How files title what names a linked row, where two links lead to one model: {path: titles}.
    __titles__: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
    __screen__: ClassVar[str | None]
    __audited__: ClassVar[bool] = True
    # Columns whose change alone is no news: neither in the trail nor a new version.
    __quiet__: ClassVar[frozenset[str]] = frozenset()

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10, info=field("Số", managed=True))
    version: Mapped[int] = mapped_column(
        default=1, nullable=False, sort_order=90, info=field("Phiên bản", managed=True)
    )
    created_at: Mapped[datetime] = mapped_column(
        default=now, sort_order=91, info=field("Ngày tạo", managed=True, aliases=("Tạo lúc",))
    )
    updated_at: Mapped[datetime] = mapped_column(
        default=now, sort_order=92, info=field("Ngày sửa", managed=True, aliases=("Sửa lúc",))
    )

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        # The database itself refuses the second of two saves that overlap.
        return {"version_id_col": cls.__table__.c.version} if "version" in cls.__table__.c else {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "__screen__" not in cls.__dict__ and not cls.__dict__.get("__abstract__"):
            cls.__screen__ = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        if "__label__" in cls.__dict__ and "__plural__" not in cls.__dict__:
            cls.__plural__ = cls.__label__
        if "__title__" not in cls.__dict__ and cls.__keys__ and "name" not in cls.__annotations__:
            cls.__title__ = cls.__keys__[0][0]
        super().__init_subclass__(**kwargs)

    @classmethod
    def within(cls, area: Area) -> ColumnElement[bool]:
        """Which rows lie in an area; compares columns of this table and nothing else."""
        raise NotImplementedError(f"{cls.__name__} must say where its rows lie: Placed, Everywhere or its own within()")

    def faults(self) -> Iterable[tuple[str, str]]:
        """What is wrong with the row by itself, as (attribute, sentence); the Session refuses to store it."""
        return ()

    def __str__(self) -> str:
        """The name a clerk knows the row by; never loads anything."""
        value = self.__dict__.get(self.__title__) if self.__title__ != "id" else None
        return str(value) if value else f"{self.__label__} số {self.id}"


class Everywhere:
    """Reference data: everyone whom a grant lets read it, reads all of it."""

    @classmethod
    def within(cls, area: Area) -> ColumnElement[bool]:
        return true()


class Placed:
    """A row that lies somewhere: its own province and commune, copied from the relation marked `places`.

    An area compares these columns only; through the parent it was 500 times slower at 1,000,000 rows.
    moved_from_id: the commune it was recorded in, when that one ended and the row was moved to its successor.
    """

    @declared_attr
    def province_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("provinces.id"), sort_order=80, info=field("Tỉnh, thành phố", managed=True))

    @declared_attr
    def commune_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("communes.id"), sort_order=81, info=field("Xã, phường", managed=True))

    @declared_attr
    def moved_from_id(cls) -> Mapped[int | None]:
        return mapped_column(
            ForeignKey("communes.id"), index=True, sort_order=82, info=field("Xã, phường khi ghi", managed=True)
        )

    @declared_attr
    def province(cls) -> Mapped["Province"]:
        return relationship(
            "Province",
            foreign_keys=f"{cls.__name__}.province_id",  # type: ignore[attr-defined]  # a class, once mapped
            info=field("Tỉnh, thành phố", managed=True),
        )

    @declared_attr
    def commune(cls) -> Mapped["Commune"]:
        return relationship(
            "Commune",
            foreign_keys=f"{cls.__name__}.commune_id",  # type: ignore[attr-defined]  # a class, once mapped
            info=field("Xã, phường", managed=True),
        )

    @classmethod
    def within(cls, area: Area) -> ColumnElement[bool]:
        place = in_places(area, cls.province_id, cls.commune_id)
        # Only areas that lost communes ask: the others keep an index that is in the order of the list.
        if not area.left:
            return place
        passed = (and_(cls.moved_from_id == former, cls.commune_id == now) for former, now in sorted(area.passed))
        return or_(place, cls.moved_from_id.in_(sorted(area.left)), *passed)


def in_places(area: Area, province: SQLColumnExpression[Any], commune: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """The one comparison of a row's place with an area; an area without places sees nothing."""
    if area.everything:
        return true()
    parts = []
    if area.provinces:
        parts.append(province.in_(sorted(area.provinces)))
    if area.communes or not parts:
        parts.append(commune.in_(sorted(area.communes)))
    return or_(*parts) if len(parts) > 1 else parts[0]


class Searchable:
    """A row found by what its `__search__` names and listed in Vietnamese order; both filled by the Session."""

    search_text: Mapped[str] = mapped_column(
        Text().with_variant(Text(collation="C"), "postgresql"),
        default="",
        sort_order=93,
        info=field("Chữ để tìm", managed=True),
    )
    sort_key: Mapped[str] = mapped_column(
        binary_order(200), default="", sort_order=94, info=field("Thứ tự", managed=True)
    )


def list_indexes(table: str, *, sort: str = "sort_key") -> tuple[Index, ...]:
    """Indexes that let a list page of any area read 25 rows, not the table: everyone, a province, a commune."""
    return (
        Index(f"ix_{table}_{sort}_id", sort, "id"),
        Index(f"ix_{table}_province_id_{sort}_id", "province_id", sort, "id"),
        Index(f"ix_{table}_commune_id_{sort}_id", "commune_id", sort, "id"),
    )


@event.listens_for(Table, "after_parent_attach")
def _never_number_anew(table: Table, _metadata: MetaData) -> None:
    """On SQLite too an id is given once: the trail names rows by it, and one given again wears another's history."""
    if table.metadata is Base.metadata:
        table.kwargs["sqlite_autoincrement"] = True


@event.listens_for(Base, "mapper_configured", propagate=True)
def _tidy_when_set(mapper: Mapper[Any], model: type[Base]) -> None:
    """Text is tidied when it is set, so that "Chè " over "Chè" is no change; empty is NULL where NULL is allowed."""
    for prop in mapper.column_attrs:
        column = prop.columns[0]
        if isinstance(column.type, Tidy | TidyText):
            event.listen(getattr(model, prop.key), "set", _tidier(column), retval=True)


def _tidier(column: ColumnElement[Any]) -> Callable[..., Any]:
    clean = tidy if isinstance(column.type, Tidy) else tidy_lines
    empty = None if getattr(column, "nullable", False) else ""

    def tidied(_row: object, value: Any, _old: object, _initiator: object) -> Any:
        return (clean(value) or empty) if isinstance(value, str) else value

    return tidied


def field_info(prop: MapperProperty[Any]) -> FieldInfo | None:
    """The label and options of a mapped column or relation; None when it has none."""
    info: FieldInfo | None = prop.info.get("field")
    columns = getattr(prop, "columns", None)
    if info is None and columns:
        info = columns[0].info.get("field")
    return info


@cache
def fields(model: type[Base]) -> Mapping[str, FieldInfo]:
    """Every labelled column and relation of a model by attribute name, in the order they are declared."""
    mapper: Mapper[Any] = inspect(model)
    columns: dict[Any, Any] = {p.columns[0]: p for p in mapper.column_attrs}
    ordered: list[MapperProperty[Any]] = [columns[c] for c in mapper.local_table.c if c in columns]
    ordered += list(mapper.relationships)
    return MappingProxyType({p.key: info for p in ordered if (info := field_info(p)) is not None})


def key_columns(model: type[Base]) -> tuple[str, ...]:
    """The plain columns of a model's natural keys, in order of trust; the first day of a dated unit names nothing."""
    mapper: Mapper[Any] = inspect(model)
    names = (name for key in model.__keys__ for name in key)
    return tuple(dict.fromkeys(n for n in names if n in mapper.column_attrs and n != "valid_from"))


def label_of(model: type[Base], attribute: str) -> str:
    """The label of an attribute, or of a linked row's by a dotted name; a link column reads as its relation."""
    first, _, rest = attribute.partition(".")
    mapper: Mapper[Any] = inspect(model)
    if rest:
        return label_of(mapper.relationships[first].mapper.class_, rest)
    return fields(model)[first].label


def screens() -> dict[str, type[Base]]:
    """Models with a screen by their identity."""
    return {
        model.__screen__: model for mapper in Base.registry.mappers if (model := mapper.class_).__screen__ is not None
    }
