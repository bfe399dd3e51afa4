"""What of a cell is put right before it is read: lost zeros, days kept as serials, text of old fonts or misread.

Each is listed with before and after, and a clerk can refuse it; the cells kept with a plan stay as they are in the
file.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Boolean, Date, Enum, inspect

from app.services.importing.reading import Columns, column_type, linked_model
from app.table import Cell, Table
from models.base import Base
from models.rules.identifiers import tax_code_problem
from models.rules.words import day

FONTS = "fonts"
SHOWN = 20
PROOF = 3
"""Cells from which a column can show anything of all of them."""
# 01/01/1950 and 31/12/2099; what lies outside is no day of a list.
FIRST_SERIAL, LAST_SERIAL = 18_264, 73_050
EXCEL_BEGINS = date(1899, 12, 30)


@dataclass(frozen=True)
class Repair:
    """key: by which it is refused. cells: (line, column, before, after) of the first ones. kept: refused."""

    key: str
    what: str
    count: int
    cells: Sequence[tuple[int, str, str, str]]
    kept: bool


Made = dict[int, tuple[Cell, str]]
"""{place of the row: (the new cell, as it is shown)}."""


def repaired(columns: Columns, table: Table, keep: Collection[str]) -> tuple[Table, list[Repair]]:
    """The table as it is to be read, and what was done to it. keep: keys of what a clerk refused."""
    rows = table.rows if isinstance(table.rows, list) else list(table.rows)
    repairs = []
    changed: dict[int, list[Cell]] = {}

    def put(place: int, column: int, cell: Cell) -> None:
        changed.setdefault(place, list(rows[place]))[column] = cell

    if fonts := _of_fonts(table, keep):
        repairs.append(fonts)
        if fonts.kept:
            _undo_fonts(table, put)
    for path, index in columns.by_path.items():
        title = columns.labels[index]
        cells = [row[index] for row in rows]
        for kind, what, made in (
            ("so-0", "Thêm lại số 0 ở đầu", _zeros(columns.model, path, cells)),
            ("ngay", "Số của Excel đổi thành ngày", _days(columns.model, path, cells)),
            ("bang-ma", "Chữ mở sai bảng mã đọc lại", _misread(cells)),
            ("trong", "Ô ghi là không có, đọc là ô trống", _said_empty(columns.model, path, cells)),
            ("thu", "Bỏ khoảng trắng trong thư điện tử", _mails(columns.model, path, cells)),
        ):
            if not made:
                continue
            key = f"{kind}:{title}"
            shown = [
                (table.lines[place], title, str(cells[place]), text) for place, (_, text) in list(made.items())[:SHOWN]
            ]
            repairs.append(Repair(key, f"{what}, cột “{title}”", len(made), shown, key in keep))
            if key not in keep:
                for place, (cell, _) in made.items():
                    put(place, index, cell)
    if not changed:
        return table, repairs
    return replace(
        table, rows=[tuple(changed[place]) if place in changed else row for place, row in enumerate(rows)]
    ), repairs


# ---- text of old fonts --------------------------------------------------------------------------------------


def _of_fonts(table: Table, keep: Collection[str]) -> Repair | None:
    in_rows = set(table.lines)
    found = [conversion for conversion in table.conversions if conversion.line in in_rows]
    if not found:
        return None
    shown = [(each.line, each.column, each.before, each.after) for each in found[:SHOWN]]
    return Repair(FONTS, "Chữ của phông cũ (TCVN3, VNI) đổi sang Unicode", len(found), shown, FONTS in keep)


def _undo_fonts(table: Table, put: Any) -> None:
    places = {line: place for place, line in enumerate(table.lines)}
    columns = {column.label: index for index, column in enumerate(table.columns)}
    for line, column, before, _after in table.conversions:
        if line in places:
            put(places[line], columns[column], before)


# ---- zeros that a number cannot keep ------------------------------------------------------------------------


def _zeros(model: type[Base], path: str, cells: Sequence[Cell]) -> Made:
    """Codes whose zeros the whole column shows to be lost; nothing where it shows something else."""
    digits = getattr(column_type(model, path), "length", None)
    model, name = column_of(model, path)
    if name == "code" and "valid_from" in inspect(model).column_attrs and digits:
        return _of_places(cells, digits)
    if name == "tax_code":
        return _of_tax(cells)
    if name == "phone":
        # Every number of a telephone in the country begins with a zero.
        return {
            place: (f"0{cell}", f"0{cell}")
            for place, cell in enumerate(cells)
            if isinstance(cell, int) and not isinstance(cell, bool) and len(str(cell)) in (9, 10)
        }
    return {}


def _of_places(cells: Sequence[Cell], digits: int) -> Made:
    """A column of numbers can have kept no zero; one of text has none in front, and lost most of them."""
    filled = [(place, cell) for place, cell in enumerate(cells) if cell is not None]
    texts = [(place, str(cell)) for place, cell in filled if not isinstance(cell, bool)]
    short = [(place, text) for place, text in texts if len(text) < digits]
    are_codes = len(texts) == len(filled) and all(re.fullmatch(r"[1-9][0-9]*", text) for _, text in texts)
    if len(filled) < PROOF or not short or not are_codes or any(len(text) > digits for _, text in texts):
        return {}
    if not all(isinstance(cell, int) for _, cell in filled) and 2 * len(short) <= len(texts):
        return {}
    return {place: (text.zfill(digits), text.zfill(digits)) for place, text in short}


PERSON = re.compile(r"0(?:0[1-9]|[1-8][0-9]|9[0-6])[0-9]{9}")
"""A person's number begins with the code of a province, 001 to 096. Source: Circular 07/2016/TT-BCA, appendix 1."""


def _of_tax(cells: Sequence[Cell]) -> Made:
    """Nine digits that with a zero in front have the right check digit, all of them in the column, branches too.

    Twelve digits of a branch without its hyphen, as no person's number begins with 1 to 9; of a number, a person's.
    """
    short: dict[int, str] = {}
    alone: dict[int, str] = {}
    for place, cell in enumerate(cells):
        if isinstance(cell, bool) or not isinstance(cell, int | str):
            continue
        code = f"0{''.join(str(cell).split())}"
        if re.fullmatch(r"[0-9]{10}(?:-[0-9]{3})?", code):
            short[place] = code
        elif re.fullmatch(r"0[1-9][0-9]{11}", code) and not tax_code_problem(code):
            alone[place] = f"{code[:10]}-{code[10:]}"
        elif isinstance(cell, int) and PERSON.fullmatch(code):
            alone[place] = code
    if any(tax_code_problem(code) for code in short.values()):
        short = {}
    return {place: (code, code) for place, code in (short | alone).items()}


# ---- days ---------------------------------------------------------------------------------------------------


def _days(model: type[Base], path: str, cells: Sequence[Cell]) -> Made:
    """Numbers in a column of days that are days as Excel counts them; years are not."""
    if not isinstance(column_type(model, path), Date):
        return {}
    made: Made = {}
    for place, cell in enumerate(cells):
        number = int(cell) if isinstance(cell, str) and re.fullmatch(r"[0-9]{5}", cell) else cell
        if isinstance(number, int) and not isinstance(number, bool) and FIRST_SERIAL <= number <= LAST_SERIAL:
            made[place] = (found := EXCEL_BEGINS + timedelta(number)), day(found)
    return made


# ---- text that says nothing, or was opened as what it is not ------------------------------------------------

NO_MORE_THAN = re.compile(r"không|chưa|ko|k0?|0", re.IGNORECASE)
"""That nothing is there, where a number or an address should be; elsewhere it may be a value."""
NOTHING_SAID = re.compile(r"[-–—_./\\…\s]+|(?:không|chưa|ko|k0) có|n/a|null|none", re.IGNORECASE)


def _said_empty(model: type[Base], path: str, cells: Sequence[Cell]) -> Made:
    """“-”, “…”, “không có” where something else than one of a list or yes and no stands."""
    if isinstance(column_type(model, path), Enum | Boolean):
        return {}
    is_number = column_of(model, path)[1] in ("tax_code", "phone", "email")
    return {
        place: (None, "(trống)")
        for place, cell in enumerate(cells)
        if isinstance(cell, str)
        and len(cell) <= LONGEST
        and (NOTHING_SAID.fullmatch(text := cell.strip()) or (is_number and NO_MORE_THAN.fullmatch(text)))
    }


MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)


def _mails(model: type[Base], path: str, cells: Sequence[Cell]) -> Made:
    """One address of mail with spaces within."""
    if column_of(model, path)[1] != "email":
        return {}
    made = ((place, "".join(cell.split())) for place, cell in enumerate(cells) if isinstance(cell, str))
    return {place: (text, text) for place, text in made if text != cells[place] and MAIL.fullmatch(text)}


LONGEST = 20
MISREAD = re.compile("[ÃÂÄÆ][\u0080-\u00bf\u0192\u02c6\u02dc\u2013-\u2122]|á[º»]")
"""UTF-8 as a page of 256 characters shows it; a try of reading it back tells."""


def _misread(cells: Sequence[Cell]) -> Made:
    made: Made = {}
    for place, cell in enumerate(cells):
        if isinstance(cell, str) and MISREAD.search(cell) and (text := _read_back(cell)):
            made[place] = text, text
    return made


def _read_back(text: str) -> str:
    """Text in UTF-8 that was opened as Windows-1252; "" where it was not."""
    # What that page has no character for was kept as it is.
    single = bytearray()
    for character in text:
        try:
            single += character.encode("cp1252")
        except UnicodeEncodeError:
            if ord(character) > 255:
                return ""
            single.append(ord(character))
    try:
        return single.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def column_of(model: type[Base], path: str) -> tuple[type[Base], str]:
    """The model and the column at the end of a path."""
    first, _, rest = path.partition(".")
    if not rest:
        return model, first
    return column_of(linked_model(model, first), rest)
