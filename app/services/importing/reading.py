"""A file's table → rows of values, by the labels and aliases that the models declare.

A path names what a column fills: "code" of the row itself, "district.code" of the row it is linked to.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Date, Enum, Integer, String, inspect
from sqlalchemy.orm import Mapper

from app.errors import OcopError
from app.files.titles import FORMER_PLACES, HEADINGS, ROW_NUMBERS
from app.table import Cell, CellError, Table, title_of
from models.base import Base, LabelledEnum, Points, Tidy, TidyText, fields, label_of, tidy_lines
from models.cycle import only_year
from models.entity import Representative, kind_by_name
from models.rules.addresses import WiderNames, part_of, read_address
from models.rules.identifiers import tax_code_written
from models.rules.places import bare_name
from models.rules.text import fold, tidy
from models.rules.words import day, read_day, words


class ColumnsUnclear(OcopError):
    """It is not clear which columns a list needs are which; `columns` holds those that are clear.

    sides: {path: places of the columns that could be it}; none where the file has no column for it. A clerk can
    choose where every path has some.
    """

    sentence = "{problems}"

    def __init__(self, columns: "Columns", problems: Sequence[str], sides: Mapping[str, Sequence[int]]) -> None:
        self.columns, self.sides = columns, sides
        super().__init__(problems=" ".join(problems))


MISSING = "Tệp thiếu cột “{column}”. Đang có: {present}. Đổi tên một cột hoặc thêm cột này."
ALIKE_TITLES = "{columns} cùng là “{label}”. Bỏ một cột rồi tải lại."
TABLES_BESIDE = "Trang tính có nhiều bảng cạnh nhau: {titles} lặp lại. Chép các bảng xuống dưới nhau rồi tải lại."


class Problem(NamedTuple):
    """Why a row is refused: the column as the file calls it, and a sentence."""

    column: str
    sentence: str


@dataclass(slots=True)
class ReadRow:
    """One line of the file. values: {path: value} of every column in use, None for an empty cell.

    skipped: left out because a clerk said so. asked: (path, text) of cells that a clerk is to say something of, the
    text "" when it is of the whole column.
    """

    line: int
    raw: tuple[Cell, ...]
    values: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)
    skipped: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)


def row_label(model: type[Base], row: ReadRow) -> str:
    """The line as a clerk knows it: its name, or the names of the links that are its key."""
    title = row.values.get(model.__title__)
    if title:
        return words(title)
    named = [
        words(value)
        for path, value in row.values.items()
        if value is not None and path.partition(".")[0] in {name for key in model.__keys__ for name in key}
    ]
    return ", ".join(named[:3])


@dataclass(frozen=True)
class Columns:
    """Which column of the file fills which path. reasons: why, by title, as a clerk reads it.

    alike: {path: columns that could each fill it, and none does}. ticks: {path: {place: the value in its title}} of
    groups of columns, one of which has a tick; `by_path` has the first. beside: {path: (place behind the columns of the
    file, column whose cells hold more than one value)} of what such a cell says, alone or beside a column of its own.
    """

    model: type[Base]
    by_path: dict[str, int]
    labels: tuple[str, ...]
    reasons: dict[str, str]
    alike: dict[str, list[int]] = field(default_factory=dict)
    ticks: dict[str, dict[int, str]] = field(default_factory=dict)
    beside: dict[str, tuple[int, int]] = field(default_factory=dict)

    def has_own(self, path: str) -> bool:
        """Whether a column says a path for every row; what cells of another say beside, they leave open elsewhere."""
        return path not in self.beside or self.by_path[path] != self.beside[path][1]

    def name(self, path: str) -> str:
        """The column as the clerk knows it: by its title in the file, else by the label of the model."""
        index = self.by_path.get(path)
        return label_of(self.model, path) if index is None else self.labels[index]

    def path_of(self, index: int) -> str:
        return next((path for path, place in self.by_path.items() if index in (place, *self.ticks.get(path, ()))), "")

    @property
    def ignored(self) -> list[int]:
        """Places of columns that hold data and fill nothing."""
        return [n for n, label in enumerate(self.labels) if not self.path_of(n) and not _is_no_data(label)]

    @property
    def mapped(self) -> list[tuple[str, str, str]]:
        """(title, path or "", reason) of each column."""
        return [(label, self.path_of(n), self.reasons.get(label, "")) for n, label in enumerate(self.labels)]


@dataclass(frozen=True)
class Options:
    """What a clerk settled about a file.

    province: code, for a list that does not say in which province it lies. mapping: {title: path, or "" to leave
    out}. links: {relation: {folded value: id, SKIP, CREATE, EMPTY}}, the value of a link that no column names being "";
    also {path of a closed list: {folded value: one of the list, SKIP, EMPTY}}, {path of days: {"": DAY_FIRST or
    MONTH_FIRST, folded year or month and year: the day of it, as typed}} and {path of days without a column: {"": the
    day of all rows, as typed}}.
    clears: whether an empty cell empties what is there. keep: keys of repairs that a clerk refused.
    complete: whether a list of places names every unit of its province, so that the others ended.
    asks_day: whether nobody said for which day the list holds, so that it is asked where it matters; the answer is
    {AS_OF: {"": day as ISO}} among the links.
    """

    province: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    clears: bool = False
    keep: Collection[str] = ()
    complete: bool = False
    asks_day: bool = False

    def day(self, as_of: date) -> date:
        """The day the list holds for: the one answered, else the one it was begun with."""
        try:
            return date.fromisoformat(self.links.get(AS_OF, {}).get("", ""))
        except ValueError:  # not answered, or by another than our page
            return as_of


NOTHING = Options()
SKIP, CREATE, EMPTY = "skip", "create", "empty"
DAY_FIRST, MONTH_FIRST = "ngay", "thang"
AS_OF = "as_of"
"""The question for which day a list holds."""


# Row numbers of the sender, and what an earlier round wrote beside each row.
NOT_DATA = ROW_NUMBERS | {"ket qua", "ket qua nhap"}
ALIKE = 88
"""Percent of likeness from which a title is taken for one that is known."""


def match(
    model: type[Base],
    table: Table,
    *,
    uses: Collection[str],
    needs: Iterable[Collection[str]],
    chosen: Mapping[str, str] | None = None,
    titles: Mapping[str, Collection[str]] | None = None,
) -> Columns:
    """Find the columns of a list; titles are compared folded, in any order, then by likeness.

    uses: the paths this list may fill. needs: sets of paths, one of which it must have. chosen: {title: path}
    settled by a clerk, "" to leave the column out. titles: {path: titles} of this list beside those of the model.
    Several columns that may fill one path fill none, each saying so; raises ColumnsUnclear where a row needs it.
    """
    labels = tuple(column.label for column in table.columns)
    chosen = {label: path for label, path in (chosen or {}).items() if not path or path in uses}
    seen_only = FORMER_PLACES - chosen.keys()
    chosen |= dict.fromkeys(seen_only, "")
    claims, spare = _claims(model, labels, uses, titles or {}, chosen)
    _claim_beside_commune(claims, uses, chosen.values())
    columns = Columns(model, {}, labels, {})
    problems: list[str] = []
    sides: dict[str, list[int]] = {}
    needs = list(needs)
    for path, claimed in claims.items():
        if len(claimed) == 1:
            ((index, reason),) = claimed.items()
            columns.by_path[path], columns.reasons[labels[index]] = index, reason
            continue
        label = label_of(model, path)
        named = " và ".join(f"cột “{labels[index]}”" for index in claimed)
        columns.reasons.update((labels[index], f"{named} cùng là “{label}”; chọn một cột") for index in claimed)
        columns.alike[path] = list(claimed)
        if is_required(model, path) or any(path in need for need in needs):
            sides[path] = list(claimed)
            problems.append(ALIKE_TITLES.format(columns=f"C{named[1:]}", label=label))
    again = [labels[places[0]] for places in sides.values() if len({title_of(labels[place]) for place in places}) == 1]
    if len(again) > 1:
        problems = [TABLES_BESIDE.format(titles=", ".join(f"“{title}”" for title in again))]
    used = {*columns.by_path.values(), *(index for places in columns.alike.values() for index in places)}
    for index, label in enumerate(labels):
        if label in seen_only:
            columns.reasons[label] = "nơi trước sắp xếp, chỉ để xem"
        elif label not in chosen and index not in used:
            if index in spare:
                columns.reasons[label] = f"đã có cột khác là “{spare[index]}”"
            elif label == HEADINGS:
                columns.reasons[label] = "chữ của dòng mục ở trên; chọn nếu là tên xã, chủ thể hay nhóm"
            elif _is_no_data(label):
                columns.reasons[label] = "không phải dữ liệu, bỏ qua"
            else:
                is_ours = fold(title_of(label)) in _kept_by_itself(model)
                columns.reasons[label] = f"{'hệ thống tự ghi' if is_ours else 'không nhận ra'}, bỏ qua"
    missing = [[path for path in need if path not in columns.by_path and path not in sides] for need in needs]
    if all(missing):
        # The way of knowing a row that is nearest, by its name rather than by a number.
        nearest = min(missing, key=lambda paths: (len(paths), model.__title__ not in paths))
        present = ", ".join(f"“{label}”" for label in labels)
        problems.insert(0, MISSING.format(column=titles_of(model, nearest[0])[0], present=present))
        free = [index for index, label in enumerate(labels) if index not in used and not _is_no_data(label)]
        sides |= {path: [index for index in free if _may_be(model, path, table, index)] for path in nearest}
    if problems:
        raise ColumnsUnclear(columns, problems, sides)
    return columns


def _claims(
    model: type[Base],
    labels: Sequence[str],
    uses: Collection[str],
    titles: Mapping[str, Collection[str]],
    chosen: Mapping[str, str],
) -> tuple[dict[str, dict[int, str]], dict[int, str]]:
    """{path: {place of a column that may fill it: why}}: what a clerk chose, else titles, else likeness.

    Also {place of a column whose title is known: label of the path that a clerk chose another one for}.
    """
    from rapidfuzz import fuzz, process  # a twentieth of the start, and the pages of every day need none

    known = _titles(model, uses)
    for own, also in titles.items():
        known |= dict.fromkeys(map(fold, also), own)
    claims: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for index, label in enumerate(labels):
        if path := chosen.get(label):
            claims[path][index] = "đã chọn"
    settled, spare = set(claims), dict[int, str]()
    for index, label in enumerate(labels):
        if label in chosen:
            continue
        ways = [*_ways(title_of(label)), *_before_english(label, labels)]
        named = next(((known[way], why) for way, why in ways if way in known), None)
        if named is None:
            continue
        path, reason = named
        if path in settled:
            spare[index] = label_of(model, path)
            continue
        exact = {each.casefold() for each in (*titles_of(model, path), *titles.get(path, ()))}
        claims[path][index] = "đúng tên cột" if title_of(label).casefold() in exact else reason
    settled = set(claims)
    free = [title for title, path in known.items() if path not in settled]
    taken = {*spare, *(index for claimed in claims.values() for index in claimed)}
    # Nearly a title, but the very one of what no file fills.
    kept_by_itself = _kept_by_itself(model)
    near: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for index, label in enumerate(labels):
        title = title_of(label)
        if label in chosen or index in taken or _is_no_data(label) or fold(title) in kept_by_itself:
            continue
        if fold(title.rpartition(" / ")[0]) in known:  # what stands below a title may be a value of it
            continue
        if found := process.extractOne(fold(title), free, scorer=fuzz.ratio, score_cutoff=ALIKE):
            near[known[found[0]]][index] = found[1]
    for path, scores in near.items():
        most = max(scores.values())
        reason = f"gần giống “{label_of(model, path)}”"
        claims[path] = {index: reason for index, score in scores.items() if score == most}
    return claims, spare


def _claim_beside_commune(claims: dict[str, dict[int, str]], uses: Collection[str], chosen: Collection[str]) -> None:
    """Beside the commune of a row “Tỉnh”, “Huyện” are those of the commune, not of another row it leads to."""
    named = next((path.rpartition(".")[0] for path in claims if path.rpartition(".")[0].endswith("commune")), None)
    for path in [path for path in claims if IN_PLACE.search(path) and path not in chosen]:
        own = f"{named}.{'.'.join(path.split('.')[-2:])}"
        if own in uses and own not in claims:
            claims[own] = claims.pop(path)


IN_PLACE = re.compile(r"(?:^|\.)(?:province|district)\.(?:code|name)$")


NAMES_NOTHING = frozenset({"ten", "ma", "loai", "cap"})
"""Last parts of titles that say something only with the title of their group: “Chủ thể / Tên”."""
IN_BRACKETS = re.compile(r"\s*\([^()]*\)$")


LEADING_NUMBER = re.compile(r"^\d{1,2}\s*[.)]\s*")
IN_FULL = {"SP": "sản phẩm", "KD": "kinh doanh", "SĐT": "số điện thoại", "ĐT": "điện thoại", "QĐ": "quyết định"}
SHORT = {
    fold(short): fold(full)
    for short, full in {
        **IN_FULL,
        **{"ĐKKD": "đăng ký kinh doanh", "CNĐKKD": "chứng nhận đăng ký kinh doanh", "DN": "doanh nghiệp"},
    }.items()
}
"""Words that offices shorten in titles, folded; “OCOP” says nothing there."""


def _in_full(title: str) -> str:
    found = (SHORT.get(word, word) for word in fold(LEADING_NUMBER.sub("", title)).split() if word != "ocop")
    return " ".join(found)


def _ways(title: str) -> Iterator[tuple[str, str]]:
    """How a title may be known, folded and nearest first, and why, as a clerk reads it."""
    if not fold(IN_BRACKETS.sub("", title).rpartition(" / ")[2]):
        return  # signs alone, “★★★”, are a value below a title
    yield fold(title), "khớp khi bỏ dấu"
    yield fold(IN_BRACKETS.sub("", title)), "khớp khi bỏ phần trong ngoặc"
    yield _in_full(IN_BRACKETS.sub("", title)), "khớp khi viết đủ chữ"
    *groups, below = (IN_BRACKETS.sub("", part) for part in title.split(" / "))
    if not groups:
        return
    for group in reversed(groups):
        yield fold(f"{below} {group}"), "đúng tên ghép với dòng trên"
    if fold(below) not in NAMES_NOTHING:
        yield fold(below), "đúng tên ở dòng dưới"
    elif fold(below) == "ten":
        yield fold(groups[-1]), "đúng tên ở dòng trên"


IN_TWO_LANGUAGES = re.compile(r"(.*[^\x00-\x7f].*?)\s*[/|–-]\s*[A-Z][A-Z .'()]*", re.IGNORECASE)


def _before_english(label: str, labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """“Tên sản phẩm” of “Tên sản phẩm / Product name”, where no other title begins so: then it names a group."""
    found = IN_TWO_LANGUAGES.fullmatch(title_of(label))
    if found and sum(re.split(r"\s*[/|–-]", each)[0] == found[1] for each in labels) == 1:
        yield fold(found[1]), "đúng tên phần tiếng Việt"


def _is_no_data(label: str) -> bool:
    return fold(title_of(label)) in NOT_DATA


@cache
def _kept_by_itself(model: type[Base]) -> frozenset[str]:
    """Titles, folded, of what services or the database fill; not of its number, nor of other lists that lead here."""
    own = inspect(model).column_attrs
    managed = (info for name, info in fields(model).items() if info.managed and name in own and name != "id")
    return frozenset(fold(title) for info in managed for title in (info.label, *info.aliases))


def is_required(model: type[Base], path: str) -> bool:
    """Whether no row is made without what a path says, and nothing else fills it."""
    first, _, rest = path.partition(".")
    if "." in rest:
        return False
    mapper: Mapper[Any] = inspect(model)
    attribute = f"{first}_id" if rest else first
    column = mapper.column_attrs[attribute].columns[0]
    return not column.nullable and column.default is None and not {first, attribute} & set(model.__guesses__)


def _may_be(model: type[Base], path: str, table: Table, index: int) -> bool:
    """Whether most cells of a column could be read as what a path says; a code is digits, a name has letters."""
    read, kind = _reader(model, path), column_type(model, path)
    digits = getattr(kind, "length", None) if path.rpartition(".")[2] == "code" else None
    cells = [row[index] for row in islice(table.rows, LOOKED_AT) if row[index] is not None]
    fit = 0
    for cell in cells:
        try:
            text = str(read(cell))
        except CellRefused:
            continue
        if digits:
            fit += text.isdigit() and len(text) <= digits
        else:
            fit += not isinstance(kind, Tidy) or any(map(str.isalpha, text))
    return 2 * fit > len(cells)


def samples(table: Table) -> list[str]:
    """The first cells of each column that differ, as one text, so that a clerk knows the column."""
    rows = list(islice(table.rows, SAMPLED))
    found = []
    for index in range(len(table.columns)):
        cells = (row[index] for row in rows)
        texts = (cell.text if isinstance(cell, CellError) else words(cell) for cell in cells if cell is not None)
        shown = "; ".join(list(dict.fromkeys(texts))[:3])
        found.append(shown if len(shown) <= 80 else f"{shown[:79]}…")
    return found


SAMPLED = 30  # rows

PLACE = re.compile(r"(?:xã|phường|thị trấn|đặc khu)\s+[^,;]{1,60}", re.IGNORECASE)
PLACES = 0.8
"""Share of its filled cells from which a column is one of communes."""
LOOKED_AT = 1000  # rows; a column is the same further down


STREET = "street"
"""What holds the rest of an address, in models that have it."""


def with_places(
    columns: Columns, table: Table, relation: str | None, chosen: Mapping[str, str], known: WiderNames
) -> Columns:
    """Where no column says in which commune rows lie, the one whose cells are names of communes, or addresses, does.

    relation: by which rows of the model lie in a commune. chosen: as in `match`; what a clerk chose stays.
    """
    if relation is None or any(path.startswith(f"{relation}.") for path in columns.by_path):
        return columns
    taken = {index: path for path, index in columns.by_path.items()}
    for index, label in enumerate(columns.labels):
        cells = [row[index] for row in islice(table.rows, LOOKED_AT) if row[index] is not None]
        named = sum(isinstance(cell, str) and PLACE.fullmatch(cell) is not None for cell in cells)
        with_more = taken.get(index, STREET) == STREET and sum(_names_commune(cell, known) for cell in cells)
        if label in chosen or not cells or max(named, with_more) < PLACES * len(cells):
            continue
        by_path = {path: place for path, place in columns.by_path.items() if path != taken.get(index)}
        what = "các ô ghi tên xã, phường" if named >= with_more else "các ô ghi địa chỉ có tên xã, phường"
        reasons = {**columns.reasons, label: what}
        return replace(columns, by_path={**by_path, f"{relation}.name": index}, reasons=reasons)
    return columns


def with_districts(columns: Columns, table: Table, known: WiderNames, chosen: Mapping[str, str]) -> Columns:
    """Where headings between the rows are names of districts, and no column says any, they tell communes apart."""
    start = next((path.removesuffix("name") for path in columns.by_path if path.endswith("commune.name")), None)
    index = next((index for index in columns.ignored if columns.labels[index] == HEADINGS), None)
    if start is None or index is None or HEADINGS in chosen:
        return columns
    names = {str(row[index]) for row in table.rows if row[index] is not None}
    are_districts = all(part_of(name) and fold(bare_name(name)) in known.districts for name in names)
    if not are_districts or any(path.startswith(f"{start}district.") for path in columns.by_path):
        return columns
    reasons = {**columns.reasons, HEADINGS: "các dòng mục ghi tên huyện"}
    return replace(columns, by_path={**columns.by_path, f"{start}district.name": index}, reasons=reasons)


def _names_commune(cell: Cell, known: WiderNames) -> bool:
    """Whether a cell is a commune, alone or within an address, that says its kind or where it lies."""
    address = read_address(cell, known) if isinstance(cell, str) else None
    lies_in = address and (address.district or address.province)
    return bool(lies_in or PLACE.fullmatch(address.commune if address else str(cell)))


def with_producers(columns: Columns, table: Table, uses: Collection[str], chosen: Mapping[str, str]) -> Columns:
    """Where no column says whose rows are, the headings between them do when they are names of producers."""
    relation = next((path.removesuffix("name") for path in uses if path.endswith("entity.name")), None)
    if relation is None or any(path.startswith(relation) for path in columns.by_path) or HEADINGS in chosen:
        return columns
    index = next((index for index in columns.ignored if columns.labels[index] == HEADINGS), None)
    if index is None:
        return columns
    names = {str(row[index]) for row in table.rows if row[index] is not None}
    if sum(kind_by_name({"name": name}) is not None for name in names) < PLACES * len(names):
        return columns
    reasons = {**columns.reasons, HEADINGS: "các dòng mục ghi tên chủ thể"}
    return replace(columns, by_path={**columns.by_path, f"{relation}name": index}, reasons=reasons)


OF_YEARS = re.compile(
    r"nam(?: (?:duoc|dat|cap|ki|ra|quyet dinh|cong nhan|chung nhan|danh gia|phan hang|xep hang|ocop|san pham|sp))*"
)


def with_years(columns: Columns, table: Table, uses: Collection[str], chosen: Mapping[str, str]) -> Columns:
    """Where no column has the day that every row needs, the one of its years does; the day of each year is asked."""
    model = columns.model
    days = [path for path in uses if "." not in path and isinstance(column_type(model, path), Date)]
    path = next((path for path in days if is_required(model, path) and path not in columns.by_path), None)
    named = [n for n in columns.ignored if OF_YEARS.fullmatch(fold(title_of(columns.labels[n])))]
    of_years = [n for n in named if columns.labels[n] not in chosen and _are_years(table, n)]
    if path is None or path in columns.alike or len(of_years) != 1:
        return columns
    reasons = {**columns.reasons, columns.labels[of_years[0]]: "các ô ghi năm, hỏi ngày của mỗi năm"}
    return replace(columns, by_path={**columns.by_path, path: of_years[0]}, reasons=reasons)


def _are_years(table: Table, index: int) -> bool:
    cells = [row[index] for row in islice(table.rows, LOOKED_AT) if row[index] is not None]
    return bool(cells) and sum(map(_is_part_of_day, cells)) >= PLACES * len(cells)


def _is_part_of_day(cell: Cell) -> bool:
    try:
        _day(cell)
    except CellRefused as refusal:
        return isinstance(refusal, PartOfDay)
    return False


YES, NO = frozenset({"co", "x", "dung", "1", "true"}), frozenset({"khong", "0", "sai", "false"})
TICKS = YES | frozenset({"✓", "✔", "√", "☑", "☒", "v"})
NO_TICKS = NO | frozenset({"", "-", "–", "☐"})


def with_ticks(columns: Columns, table: Table, uses: Collection[str], chosen: Mapping[str, str]) -> Columns:
    """Where columns “Hạng sao / 3 sao”, “Hạng sao / 4 sao” hold ticks, the one ticked says what fills “Hạng sao”.

    So do “3 sao”, “4 sao” alone, which can be of nothing else.
    """
    groups: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for index in columns.ignored:
        group, _, value = title_of(columns.labels[index]).rpartition(" / ")
        if columns.labels[index] not in chosen:
            groups[group][index] = IN_BRACKETS.sub("", value)
    known = _titles(columns.model, uses)
    alone = groups.pop("", {})
    for path in (path for path in uses if "." not in path):
        if values := {n: value for n, value in alone.items() if _is_value_of(columns.model, path, value)}:
            groups[label_of(columns.model, path)] |= values
    for group, values in groups.items():
        path = next((known[way] for way, _ in _ways(group) if way in known), "")
        is_free = path and path not in columns.by_path and path not in columns.alike
        if not is_free or len(values) < 2 or not _are_ticks(columns.model, path, values, table):
            continue
        reasons = {columns.labels[n]: f"dấu ở cột này là “{value}” của “{group}”" for n, value in values.items()}
        columns = replace(
            columns,
            by_path={**columns.by_path, path: next(iter(values))},
            reasons={**columns.reasons, **reasons},
            ticks={**columns.ticks, path: values},
        )
    return columns


def _is_value_of(model: type[Base], path: str, title: str) -> bool:
    """Whether a title is a value of a closed list, or says stars; a number alone may be anything."""
    if isinstance(column_type(model, path), Integer):
        return path == "stars" and not title.isdigit() and _reads(_stars, title)
    return isinstance(column_type(model, path), Enum) and _reads(_reader(model, path), title)


def _reads(read: Callable[[Cell], Any], text: str) -> bool:
    try:
        return bool(read(text))
    except CellRefused:
        return False


def _are_ticks(model: type[Base], path: str, values: Mapping[int, str], table: Table) -> bool:
    """Whether the titles are values of a closed list or numbers, and most filled cells below them ticks."""
    read = _reader(model, path)
    if not isinstance(column_type(model, path), Enum | Integer):
        return False
    if not all(_reads(read, each) for each in values.values()):
        return False
    cells = [row[n] for row in islice(table.rows, LOOKED_AT) for n in values]
    filled = [text for cell in cells if (text := _tick_text(cell)) not in NO_TICKS]
    return bool(filled) and sum(text in TICKS for text in filled) >= PLACES * len(filled)


def _tick_text(cell: Cell) -> str:
    """A cell as TICKS and NO_TICKS have it."""
    text = cell.text if isinstance(cell, CellError) else words(cell)
    return fold(text) or text


def _tick_reader(columns: Columns, path: str, read: Callable[[Cell], Any]) -> Callable[[tuple[Cell, ...]], Any]:
    """Reads a row's value where it is ticked. read: of a value."""
    ticks = columns.ticks[path]
    label = title_of(columns.labels[next(iter(ticks))]).rpartition(" / ")[0] or label_of(columns.model, path)

    def read_row(cells: tuple[Cell, ...]) -> Any:
        filled = {value: cells[n] for n, value in ticks.items() if _tick_text(cells[n]) not in NO_TICKS}
        for value, cell in filled.items():
            if _tick_text(cell) not in TICKS:
                raise CellRefused(f"Cột “{value}” ghi “{as_text(cell)}”. Ghi x vào một cột của “{label}”.")
        if len(filled) > 1:
            named = " và ".join(f"“{value}”" for value in filled)
            raise CellRefused(f"Dòng này có dấu ở {named}. Giữ một dấu.")
        if not filled:
            raise CellRefused(f"Dòng này chưa có dấu ở cột nào của “{label}”. Ghi x vào một cột.")
        return read(next(iter(filled)))

    return read_row


def _titles(model: type[Base], uses: Collection[str]) -> dict[str, str]:
    """{folded title: path}; what comes first in `uses` has the first claim."""
    known: dict[str, str] = {}
    for path in uses:
        for title in titles_of(model, path):
            # “Mã” alone is of the row itself, never of what it is linked to.
            if "." not in path or fold(title) not in NAMES_NOTHING:
                known.setdefault(fold(title), path)
    return known


def titles_of(model: type[Base], path: str) -> tuple[str, ...]:
    """How a column of a file may be titled: labels and aliases; the name of a linked row also as the link is."""
    if own_titles := model.__titles__.get(path):
        return own_titles
    first, _, rest = path.partition(".")
    labelled = fields(model)
    if not rest:
        return (labelled[first].label, *labelled[first].aliases)
    linked = linked_model(model, first)
    own = titles_of(linked, rest)
    if rest != linked.__title__ or first not in labelled:
        return own
    return (labelled[first].label, *labelled[first].aliases, *own)


@cache
def linked_model(model: type[Base], relation: str) -> type[Base]:
    mapper: Mapper[Any] = inspect(model)
    linked: type[Base] = mapper.relationships[relation].mapper.class_
    return linked


RowReader = Callable[[int, int], list[ReadRow]]
"""Rows from one place to before another; their cells as values of the columns' types."""
PART = 2_000
"""Rows read and judged together."""


@dataclass(frozen=True)
class Lines:
    """The lines of a file, each read when it is asked for. numbers: as Excel shows them."""

    numbers: Sequence[int]
    read: RowReader

    def again(self, line: int) -> ReadRow:
        """A line read anew."""
        place = bisect_left(self.numbers, line)
        return self.read(place, place + 1)[0]

    def __iter__(self) -> Iterator[ReadRow]:
        for start in range(0, len(self.numbers), PART):
            yield from self.read(start, start + PART)


def row_reader(
    columns: Columns, table: Table, as_in_file: Table, answers: Mapping[str, Mapping[str, Any]] | None = None
) -> RowReader:
    """Cells → values; a cell that cannot be read becomes a problem of its row.

    table: with its cells put right; `raw` of a row is as it is in the file. answers: what a clerk said of columns and
    values, as Options.links; None where nobody is asked.
    """
    readers: list[Reader] = [
        (path, columns.labels[index], _cell_reader(columns, path, table, answers))
        for path, index in columns.by_path.items()
    ]
    cells, raw = list(table.rows), list(as_in_file.rows)

    def read(begin: int, end: int) -> list[ReadRow]:
        return [
            _read_row(readers, ReadRow(table.lines[place], raw[place], {}), cells[place])
            for place in range(begin, min(end, len(cells)))
        ]

    return read


Reader = tuple[str, str, Callable[[tuple[Cell, ...]], Any]]
"""Path, title of the column, and what reads its value of the cells of a row."""


def _cell_reader(
    columns: Columns, path: str, table: Table, answers: Mapping[str, Mapping[str, Any]] | None
) -> Callable[[tuple[Cell, ...]], Any]:
    if path in columns.ticks:
        return _tick_reader(columns, path, _reader(columns.model, path))
    index, read = columns.by_path[path], _asking_reader(columns, path, table, answers)
    if path in columns.beside:
        return _beside_reader(columns, path, read)
    return lambda cells: read(cells[index])


def _beside_reader(columns: Columns, path: str, read: Callable[[Cell], Any]) -> Callable[[tuple[Cell, ...]], Any]:
    """Reads what a cell of several values says; a column of its own comes first, and must agree."""
    index, (place, several) = columns.by_path[path], columns.beside[path]

    def read_row(cells: tuple[Cell, ...]) -> Any:
        said, own = read(cells[place]), read(cells[index]) if columns.has_own(path) else None
        if said is None or own is None:
            return said if own is None else own
        if fold(bare_name(words(said))) != fold(bare_name(words(own))):
            raise CellRefused(
                f"Cột “{columns.labels[several]}” ghi “{words(said)}”, cột “{columns.labels[index]}” ghi "
                f"“{words(own)}”. Ghi cho giống nhau."
            )
        return own

    return read_row


def _read_row(readers: Iterable[Reader], row: ReadRow, cells: tuple[Cell, ...]) -> ReadRow:
    for path, label, read in readers:
        try:
            value = read(cells)
            row.values[path], row.skipped = (None, True) if value is LEFT_OUT else (value, row.skipped)
        except CellRefused as refusal:
            row.values[path] = None
            row.problems.append(Problem(label, str(refusal)))
            if isinstance(refusal, CellAsked):
                row.asked.append((path, refusal.text))
    return row


class CellRefused(OcopError):
    sentence = "{why}"

    def __init__(self, why: str) -> None:
        super().__init__(why=why)


class CellAsked(CellRefused):
    """A clerk can say what the cell means, once for all cells with the same text."""

    def __init__(self, text: str, why: str) -> None:
        self.text = text
        super().__init__(why)


class PartOfDay(CellRefused):
    """A day of which a cell says the year, or month and year. part: “2021”, “03/2021”."""

    def __init__(self, part: str, why: str) -> None:
        self.part = part
        super().__init__(why=why)


LEFT_OUT = object()
"""What a reader answers of a value whose rows a clerk leaves out."""


def _asking_reader(
    columns: Columns, path: str, table: Table, answers: Mapping[str, Mapping[str, Any]] | None
) -> Callable[[Cell], Any]:
    """A reader that knows what a clerk said, and asks what a clerk can say."""
    plain, kind = _reader(columns.model, path), column_type(columns.model, path)
    if answers is None:
        return plain
    said = answers.get(path, {})
    if isinstance(kind, Enum):
        return _asking_choice(plain, kind, said)
    if isinstance(kind, Date):
        index = columns.by_path[path]
        places = (index, columns.beside[path][0]) if path in columns.beside else (index,)
        cells = [row[at] for row in table.rows for at in places]
        return _asking_day(_asking_rest_of_day(plain, said), columns.labels[index], cells, said.get(""))
    return plain


def _asking_choice(plain: Callable[[Cell], Any], kind: Enum, said: Mapping[str, Any]) -> Callable[[Cell], Any]:
    members = kind.enum_class
    assert members is not None
    by_value = {member.value: member for member in members}

    def read(cell: Cell) -> Any:
        try:
            return plain(cell)
        except CellRefused as refusal:
            text = as_text(cell)
            answer = said.get(fold(text))
            if answer == SKIP:
                return LEFT_OUT
            if answer == EMPTY:
                return None
            if answer in by_value:
                return by_value[answer]
            raise CellAsked(text, str(refusal)) from None

    return read


def _asking_rest_of_day(plain: Callable[[Cell], Any], said: Mapping[str, Any]) -> Callable[[Cell], Any]:
    """Where cells say the year alone, a clerk says once which day of it is meant."""

    def read(cell: Cell) -> Any:
        try:
            return plain(cell)
        except PartOfDay as refusal:
            part, why = refusal.part, str(refusal)
        answer = said.get(fold(part))
        if answer in (EMPTY, SKIP):
            return None if answer == EMPTY else LEFT_OUT
        try:
            answer = plain(answer)
        except CellRefused as refusal:
            raise CellAsked(part, str(refusal)) from None
        if answer and not day(answer).endswith(part):
            raise CellAsked(part, f"Ngày {day(answer)} không thuộc {part}. Ghi lại ngày.")
        if answer is None:
            raise CellAsked(part, why)
        return answer

    return read


TYPED_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")


def _asking_day(
    plain: Callable[[Cell], Any], title: str, cells: Iterable[Cell], order: str | None
) -> Callable[[Cell], Any]:
    """Where one cell of a column can only be month first, no other can be known to be day first."""
    typed = [found for cell in cells if isinstance(cell, str) and (found := TYPED_DAY.fullmatch(cell.strip()))]
    if not any(int(found[2]) > 12 >= int(found[1]) for found in typed):
        return plain

    def read(cell: Cell) -> Any:
        found = TYPED_DAY.fullmatch(cell.strip()) if isinstance(cell, str) else None
        if found is None or int(found[1]) > 12:
            return plain(cell)
        if order not in (DAY_FIRST, MONTH_FIRST):
            raise CellAsked("", f"Cột “{title}” có ô ghi tháng trước ngày nên “{found[0]}” chưa rõ. Chọn cách đọc cột.")
        if order == MONTH_FIRST or int(found[2]) > 12:
            return plain(f"{found[2]}/{found[1]}/{found[3]}")
        return plain(cell)

    return read


def column_type(model: type[Base], path: str) -> Any:
    """The type of the column at the end of a path."""
    first, _, rest = path.partition(".")
    mapper: Mapper[Any] = inspect(model)
    return column_type(linked_model(model, first), rest) if rest else mapper.column_attrs[first].columns[0].type


def typed(model: type[Base], path: str, answer: Any) -> Any:
    """What a clerk typed for all rows, read as a cell is. Raises CellRefused."""
    return _reader(model, path)(answer)


def _reader(model: type[Base], path: str) -> Callable[[Cell], Any]:
    kind = column_type(model, path)
    if isinstance(kind, Enum):
        return _choice_reader(kind)
    if model is Representative and path == "name":
        return _one_person(_text_reader(kind.length))
    if isinstance(kind, String | Tidy):
        is_tax_code = path.rpartition(".")[2] == "tax_code"
        return _text_reader(kind.length, tax_code_written) if is_tax_code else _text_reader(kind.length)
    if isinstance(kind, TidyText):
        return _lines
    if isinstance(kind, Boolean):
        return _yes_or_no
    if isinstance(kind, Date):
        return _day
    if isinstance(kind, Integer):
        return {"year": _year, "stars": _stars}.get(path.rpartition(".")[2], _whole)
    if isinstance(kind, Points):
        return _points
    raise TypeError(f"no file holds {model.__name__}.{path} yet: {kind!r} has no reader")


def _text_reader(length: int | None, written: Callable[[str], str] = lambda text: text) -> Callable[[Cell], str | None]:
    """written: the one way a value is kept, which may be shorter than it is typed."""

    def read(cell: Cell) -> str | None:
        text = written(as_text(cell))
        if length and len(text) > length:
            raise CellRefused(f"Ô này dài {len(text)} chữ, tối đa {length}. Rút ngắn lại.")
        return text or None

    return read


BETWEEN_PEOPLE = re.compile(r"[\n,;/&+]|\bvà\b|[-–]\s*(?=ông\b|bà\b)", re.IGNORECASE)


def _one_person(read: Callable[[Cell], str | None]) -> Callable[[Cell], str | None]:
    """A name; two of them, two words each at least, are two lines."""

    def read_one(cell: Cell) -> str | None:
        parts = BETWEEN_PEOPLE.split(cell) if isinstance(cell, str) else ()
        people = [tidy(part) for part in parts if len(part.split()) > 1]
        if len(people) > 1:
            named = ", ".join(f"“{name}”" for name in people)
            raise CellRefused(f"Ô này ghi {named}. Ghi mỗi người một dòng.")
        return read(cell)

    return read_one


def _choice_reader(kind: Enum) -> Callable[[Cell], LabelledEnum | None]:
    members = kind.enum_class
    assert members is not None
    choices: list[LabelledEnum] = list(members)
    by_text = {fold(member.label): member for member in choices}

    def read(cell: Cell) -> LabelledEnum | None:
        text = as_text(cell)
        if not text:
            return None
        found = by_text.get(fold(text)) or members.read(text)  # type: ignore[attr-defined]  # a LabelledEnum
        if found is None:
            possible = ", ".join(member.label for member in choices)
            raise CellRefused(f"“{text}” không có trong danh sách. Ghi một trong: {possible}.")
        return found

    return read


def as_text(cell: Cell) -> str:
    """A cell as text, tidied; a number as its digits, with no zero put back."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        if flaw := _unreadable(cell):
            raise CellRefused(flaw)
        return tidy(cell)
    if isinstance(cell, CellError):
        if cell.reason == "formula":
            raise CellRefused("Ô này là công thức chưa có kết quả. Mở tệp bằng Excel, lưu lại, hoặc gõ giá trị vào ô.")
        raise CellRefused(f"Ô này đang là {cell.text}. Gõ lại giá trị vào ô.")
    if isinstance(cell, bool) or not isinstance(cell, int):
        raise CellRefused(f"Ô này là “{words(cell)}”, cần là chữ. Định dạng ô là Văn bản rồi gõ lại.")
    return str(cell)


SCIENTIFIC = re.compile(r"\d[.,]?\d*E\+\d+", re.IGNORECASE)
AS_ABOVE = frozenset({"nt", "-nt-", "như trên", '"', "”", "''", "〃", "nhu tren"})


def _unreadable(text: str) -> str:
    """Why text does not say what its sender meant; "" where it may."""
    if "\ufffd" in text:
        return f"Chữ ở ô này đã hỏng: “{text}”. Gõ lại ô theo bản gốc."
    if len(text) <= LONGEST_SIGN and (short := text.strip()):
        if short.casefold() in AS_ABOVE:
            return f"“{short}” là như dòng trên. Gõ lại giá trị vào ô."
        if SCIENTIFIC.fullmatch(short):
            return f"Excel đã rút gọn số ở ô này: “{short}”. Định dạng ô là Văn bản rồi gõ đủ chữ số."
    return ""


LONGEST_SIGN = 16


def _lines(cell: Cell) -> str | None:
    return (tidy_lines(cell) if isinstance(cell, str) else as_text(cell)) or None


def _yes_or_no(cell: Cell) -> bool | None:
    if isinstance(cell, bool):
        return cell
    text = as_text(cell)
    if not text:
        return None
    if (folded := fold(text)) in YES | NO:
        return folded in YES
    raise CellRefused(f"“{text}” chưa rõ là có hay không. Ghi Có hoặc Không.")


# 2024-05-20 with or without a time; ngày 20 tháng 5 năm 2024; 20.5.24; ngày 20/5/2024; Excel's 20-May-24.
OTHER_DAYS = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?:[ T]00:00(?::00)?)?"
    r"|(?:ngày )?(?P<d_>\d{1,2}) tháng (?P<m_>\d{1,2}) năm (?P<y_>\d{4})"
    r"|(?:ngày )?(?P<d__>\d{1,2})[/.-](?P<m__>\d{1,2}|[a-z]{3})[/.-](?P<y__>\d{4}|\d{2})",
    re.IGNORECASE,
)
_ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = {name: n for n, name in enumerate(_ENGLISH, start=1)}
MONTH_OF_YEAR = re.compile(r"(?:tháng ?|t)?(\d{1,2})(?: ?[/.-] ?| năm )((?:19|20)\d{2})", re.IGNORECASE)


def _day(cell: Cell) -> date | None:
    """Day first, as offices write it; of numbers `repairs` has made days where they can be."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = as_text(cell)
    if not text:
        return None
    if other := OTHER_DAYS.fullmatch(text):
        year, month, on = (other[name] or other[f"{name}_"] or other[f"{name}__"] for name in ("y", "m", "d"))
        text = f"{on}/{MONTHS.get(month.lower(), month)}/{year if len(year) == 4 else f'20{year}'}"
    if year := only_year(text):
        raise PartOfDay(year, f"“{text}” chỉ là năm. Ghi đủ ngày/tháng/năm, ví dụ 05/03/{year}.")
    if (of_month := MONTH_OF_YEAR.fullmatch(text)) and 1 <= int(of_month[1]) <= 12:
        part = f"{int(of_month[1]):02}/{of_month[2]}"
        raise PartOfDay(part, f"“{text}” thiếu ngày. Ghi đủ ngày/tháng/năm, ví dụ 05/{part}.")
    try:
        return read_day(text)
    except OverflowError:
        swapped = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text)
        if swapped and int(swapped[2]) > 12 >= int(swapped[1]):
            raise CellRefused(f"“{text}” ghi tháng trước ngày. Ghi ngày trước tháng, ví dụ 25/12/2024.") from None
        raise CellRefused(f"Ngày {text} không có trong lịch. Sửa lại ngày.") from None
    except ValueError:
        raise CellRefused(f"“{text}” chưa đọc được là ngày. Ghi ngày/tháng/năm, ví dụ 05/03/2026.") from None


STARS = re.compile(
    r"(?:(?:đạt|xếp|hạng|ocop) )*(?:0?([1-5]) ?(?:sao|[★⭐*])(?: \([★⭐*]+\))?|([★⭐*]{1,5})☆*(?: ?sao)?)",
    re.IGNORECASE,
)
STARS_IN_WORDS = {f"{word} sao": n for n, word in enumerate(("mot", "hai", "ba", "bon", "nam"), start=1)}


def _stars(cell: Cell) -> int | None:
    """Stars as offices write them: “4 sao”, “Đạt 4 sao”, “★★★★”, “3*”, “ba sao”."""
    if isinstance(cell, str) and (stars := STARS.fullmatch(tidy(cell))):
        return int(stars[1] or len(stars[2]))
    if isinstance(cell, str) and (said := STARS_IN_WORDS.get(fold(cell))):
        return said
    if isinstance(cell, str) and any(map(str.isalpha, text := as_text(cell))):
        raise CellRefused(f"“{text}” chưa rõ là mấy sao. Ghi số sao từ 1 đến 5, ví dụ 4.")
    return _whole(cell)


def _whole(cell: Cell) -> int | None:
    value = _decimal(cell)
    if value is None:
        return None
    if value != value.to_integral_value():
        raise CellRefused(f"“{words(value)}” có phần lẻ, cần là số nguyên. Sửa lại ô.")
    return int(value)


def _year(cell: Cell) -> int | None:
    """A year, “Năm 2026” too."""
    return int(year) if isinstance(cell, str) and (year := only_year(cell)) else _whole(cell)


NUMBER = re.compile(r"-?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?|-?\d+\.\d+")


POINTS = re.compile(r"([0-9.,]+)(?: ?/ ?100)?(?: ?(?:điểm|đ))?", re.IGNORECASE)


def _points(cell: Cell) -> Decimal | None:
    """A number, with what it is of: “85,5 điểm”, “85,5/100”."""
    found = POINTS.fullmatch(tidy(cell)) if isinstance(cell, str) else None
    return _decimal(found[1] if found else cell)


def _decimal(cell: Cell) -> Decimal | None:
    """Decimal comma and thousands dot, and “76.5”, which can be nothing else; “1.250” is a thousand."""
    if isinstance(cell, float):
        return Decimal(repr(cell))
    if isinstance(cell, Decimal):
        return cell
    written = as_text(cell)
    text = written.replace(" ", "")
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise CellRefused(f"“{written}” chưa đọc được là số. Ghi số, ví dụ 4 hoặc 76,5.")
    if "," in text or re.fullmatch(r"-?\d{1,3}(?:\.\d{3})+", text):
        text = text.replace(".", "").replace(",", ".")
    return Decimal(text)
