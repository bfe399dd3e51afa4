"""Forms made from a model's declarations: WTForms fields that read what clerks type and answer in sentences."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Literal

import wtforms
from sqlalchemy import Boolean, Date, Enum, Integer, inspect
from sqlalchemy.orm import Mapper

from admin_views import pages
from admin_views.columns import foreign_key, place_of
from admin_views.query import named
from app.session import OcopSession
from models import Commune
from models.base import Base, FieldInfo, LabelledEnum, Points, TidyText, fields, tidy_lines
from models.rules.text import tidy
from models.rules.words import day, number, read_day

Kind = Literal["text", "area", "integer", "decimal", "date", "choice", "yes_no", "lookup"]


def lower_first(label: str) -> str:
    """A label inside a sentence: “Nhập tên sản phẩm.”"""
    return label[:1].lower() + label[1:]


class ClerkField(wtforms.Field):
    """A field that reads one typed text; `read` answers the value or raises ValueError with the sentence.

    typed: what stands in the control, kept as typed when it could not be read.
    """

    kind: ClassVar[Kind] = "text"
    width: ClassVar[Literal["short", "medium", "full"]] = "full"

    def __init__(self, info: FieldInfo, *, required: bool, max_length: int = 0, **kwargs: Any) -> None:
        super().__init__(info.label, **kwargs)
        self.info, self.required, self.max_length = info, required, max_length
        self.typed = ""

    def process_data(self, value: Any) -> None:
        self.data = value
        self.typed = self.written(value)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        # Browsers send CRLF; the database keeps LF, and what was not touched must compare equal.
        self.typed = valuelist[0].replace("\r\n", "\n") if valuelist else ""
        self.data = None
        if self.typed.strip():
            self.data = self.read(self.typed)
        elif self.required:
            raise ValueError(self.missing())
        if isinstance(self.data, str) and self.max_length and len(self.data) > self.max_length:
            raise ValueError(
                f"{self.info.label} dài {number(len(self.data))} ký tự; nhiều nhất {number(self.max_length)}."
            )

    def read(self, text: str) -> Any:
        return tidy(text)

    def written(self, value: Any) -> str:
        return "" if value is None else str(value)

    def missing(self) -> str:
        return f"Nhập {lower_first(self.info.label)}."

    def shown(self) -> pages.Field:
        """What the template draws."""
        return pages.Field(
            name=self.name,
            id=f"o-{self.name}",
            label=self.info.label,
            kind=self.kind,
            value=self.typed,
            hint=self.info.hint[:1].upper() + self.info.hint[1:],
            error=str(self.errors[0]) if self.errors else "",
            required=self.required,
            width=self.width,
            max_length=self.max_length,
        )


class TextField(ClerkField):
    def process_formdata(self, valuelist: Sequence[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is None:
            self.data = ""


class AreaField(TextField):
    kind = "area"

    def read(self, text: str) -> str:
        return tidy_lines(text)


class IntegerField(ClerkField):
    kind = "integer"
    width = "short"

    def read(self, text: str) -> int:
        if not re.fullmatch(r"-?([0-9]{1,9}|[0-9]{1,3}(\.[0-9]{3}){1,2})", text.strip()):
            raise ValueError(f"{self.info.label} “{text.strip()}” không phải số nguyên. Chỉ ghi chữ số, ví dụ 2026.")
        return int(text.strip().replace(".", ""))


class DecimalField(ClerkField):
    kind = "decimal"
    width = "short"
    STEP = Decimal("0.000001")  # what the column keeps

    def read(self, text: str) -> Decimal:
        try:
            value = Decimal(text.strip().replace(" ", "").replace(",", "."))
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or abs(value) > 999:
            raise ValueError(f"{self.info.label} “{text.strip()}” không phải số. Ghi như 76,5.")
        if value != value.quantize(self.STEP):
            raise ValueError(f"{self.info.label} “{text.strip()}” có quá nhiều số lẻ. Ghi nhiều nhất 6 số lẻ.")
        return value

    def written(self, value: Any) -> str:
        return "" if value is None else number(value)


class DayField(ClerkField):
    kind = "date"
    width = "short"

    def read(self, text: str) -> date:
        try:
            return read_day(text)
        except OverflowError:
            raise ValueError(f"{self.info.label}: ngày {text.strip()} không có trong lịch.") from None
        except ValueError:
            example = "Ghi ngày/tháng/năm, ví dụ 05/03/2026."
            raise ValueError(f"{self.info.label} “{text.strip()}” chưa đọc được. {example}") from None

    def written(self, value: Any) -> str:
        return "" if value is None else day(value)


class ChoiceField(ClerkField):
    kind = "choice"
    width = "medium"

    def __init__(self, info: FieldInfo, *, members: type[LabelledEnum], **kwargs: Any) -> None:
        super().__init__(info, **kwargs)
        self.members = members

    def read(self, text: str) -> LabelledEnum:
        try:
            return self.members(text)
        except ValueError:
            raise ValueError(self.missing()) from None

    def missing(self) -> str:
        return f"Chọn {lower_first(self.info.label)} trong danh sách."

    def written(self, value: Any) -> str:
        return "" if value is None else value.value if isinstance(value, LabelledEnum) else str(value)

    def shown(self) -> pages.Field:
        options = [pages.Option(m.value, m.label, selected=m.value == self.typed) for m in self.members]
        return _with(super().shown(), options=options)


class YesNoField(ClerkField):
    kind = "yes_no"
    width = "short"

    def read(self, text: str) -> bool:
        return text == "1"

    def written(self, value: Any) -> str:
        return "1" if value else "0"


class LookupField(ClerkField):
    """A link to another row, found by typing. data is the row's id; `find` turns it into a row of this session."""

    kind = "lookup"

    def __init__(self, info: FieldInfo, *, target: type[Base], lookup_href: str, **kwargs: Any) -> None:
        super().__init__(info, **kwargs)
        self.target, self.lookup_href = target, lookup_href
        self.text, self.text_came, self.place = "", False, ""

    def process(self, formdata: Any, data: Any = wtforms.utils.unset_value, extra_filters: Any = None) -> None:
        super().process(formdata, data, extra_filters)
        if formdata is not None:
            typed = formdata.getlist(f"{self.name}-text")
            self.text, self.text_came = (typed or [""])[0], bool(typed)

    def process_data(self, value: Any) -> None:
        self.data = value.id if isinstance(value, Base) else value
        self.typed = "" if self.data is None else str(self.data)
        self.text = str(value) if isinstance(value, Base) else ""
        self.place = _place(value)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        # Whether something is missing shows only once the typed text was looked for, in find().
        self.typed = valuelist[0] if valuelist else ""
        self.data = int(self.typed) if re.fullmatch(r"\d{1,9}", self.typed) else None

    def missing(self) -> str:
        return f"Chọn {lower_first(self.info.label)} trong danh sách."

    def find(self, session: OcopSession) -> Base | None:
        """The chosen row, or the one that was typed; raises ValueError with the sentence."""
        row = self._found(session)
        self.place = _place(row)
        return row

    def _found(self, session: OcopSession) -> Base | None:
        text = tidy(self.text)
        row: Base | None = None
        if self.data is not None and (text or not self.text_came):
            row = session.get(self.target, self.data)
            if row is None:
                raise ValueError(f"{self.info.label} đã chọn không còn trong danh sách của bạn. {self.missing()}")
            # Without script the id of the row chosen before stays behind a text that names another.
            if not self.text_came or str(row) == text:
                return row
        if not text:
            if self.required:
                raise ValueError(self.missing())
            return None
        found = named(session, self.target, text)
        self.data, self.typed, self.text = found.id, str(found.id), str(found)
        return found

    def shown(self) -> pages.Field:
        shown = super().shown()
        hint = ". ".join(filter(None, (shown.hint, f"Đang ghi: {self.place}" if self.place else "")))
        return _with(shown, text=self.text, lookup_href=self.lookup_href, hint=hint)


def _place(value: Any) -> str:
    """A commune with a last day, by today's name first; empty for anything else."""
    return place_of(value, value).line if isinstance(value, Commune) and value.valid_to else ""


def _with(shown: pages.Field, **changes: Any) -> pages.Field:
    from dataclasses import replace

    return replace(shown, **changes)


class ClerkForm(wtforms.Form):
    """A form of ClerkFields."""

    def clerk_fields(self) -> Iterable[ClerkField]:
        return (f for f in self if isinstance(f, ClerkField))

    def error_list(self) -> list[tuple[str, str]]:
        """(sentence, id of the control) of every mistake, in the order of the page."""
        found = [(str(sentence), f"o-{f.name}") for f in self.clerk_fields() for sentence in f.errors[:1]]
        return [(str(sentence), "") for sentence in self.form_errors] + found

    def refuse(self, name: str, sentence: str) -> None:
        """Put a sentence to its field; to the whole form when it has no such field. It is said once."""
        errors = [each for each in self.form_errors if each != sentence]
        for candidate in (name, name.removesuffix("_id")):
            if candidate in self._fields:
                said = [each for each in self._fields[candidate].errors if each != sentence]
                self._fields[candidate].errors, self.form_errors = [*said, sentence], errors
                return
        self.form_errors = [*errors, sentence]

    def has_mistakes(self) -> bool:
        return bool(self.form_errors) or any(f.errors for f in self.clerk_fields())

    def find_links(self, session: OcopSession) -> dict[str, Any]:
        """Values by attribute, links as rows of the session; mistakes are put to their fields."""
        values: dict[str, Any] = {}
        for f in self.clerk_fields():
            if f.errors:
                continue
            try:
                values[f.name] = f.find(session) if isinstance(f, LookupField) else f.data
            except ValueError as refusal:
                f.errors = [str(refusal)]
        return values

    def plain_values(self) -> dict[str, Any]:
        """Values by attribute of all but links, where they could be read."""
        return {f.name: f.data for f in self.clerk_fields() if not f.errors and not isinstance(f, LookupField)}

    def typed(self) -> dict[str, str]:
        """What stands in each control, for a page that carries it on."""
        found = {}
        for f in self.clerk_fields():
            found[f.name] = f.typed
            if isinstance(f, LookupField):
                found[f"{f.name}-text"] = f.text
        return found


def form_class(model: type[Base], attributes: Sequence[str], *, lookup: Callable[[str], str]) -> type[ClerkForm]:
    """A form with one field an attribute. lookup: answers the address of suggestions for a relation."""
    members: dict[str, Any] = {}
    for name in attributes:
        kind, options = _field_for(model, name, lookup)
        members[name] = kind(**options)
    return type(f"{model.__name__}Form", (ClerkForm,), members)


def _field_for(model: type[Base], name: str, lookup: Callable[[str], str]) -> tuple[type[ClerkField], dict[str, Any]]:
    mapper: Mapper[Any] = inspect(model)
    info = fields(model)[name]
    if name in mapper.relationships:
        relation = mapper.relationships[name]
        if relation.uselist:
            raise TypeError(f"{model.__name__}.{name}: no one-to-many in a form, it would wipe the children")
        column = mapper.column_attrs[foreign_key(model, name)].columns[0]
        options = {"target": relation.mapper.class_, "lookup_href": lookup(name)}
        return LookupField, {"info": info, "required": not column.nullable, **options}
    column = mapper.column_attrs[name].columns[0]
    has_default = column.default is not None
    required = not column.nullable and not (has_default and column.default.arg == "")
    common: dict[str, Any] = {"info": info, "required": required}
    if isinstance(column.type, Enum):
        assert column.type.enum_class is not None
        default = column.default.arg if has_default else None
        return ChoiceField, {**common, "members": column.type.enum_class, "default": default}
    if isinstance(column.type, Boolean):
        return YesNoField, {**common, "default": column.default.arg if has_default else False}
    if isinstance(column.type, Date):
        return DayField, common
    if isinstance(column.type, Points):
        return DecimalField, common
    if isinstance(column.type, Integer):
        return IntegerField, common
    if isinstance(column.type, TidyText):
        return AreaField, common
    length = getattr(column.type, "length", None) or getattr(getattr(column.type, "impl", None), "length", None) or 0
    return TextField, {**common, "max_length": length}
