# ruff: noqa: DTZ001  # dates in Excel have no zone
"""What is exported: the same values in every reader, sent at once, in memory that does not grow."""

import datetime as dt
import io
import time
import unicodedata
from decimal import Decimal
from enum import StrEnum

import openpyxl
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from app.files import Written, read, stream, xlsx
from app.table import CellError, Column, Table


def written(*rows, columns=None, sheet="Dữ liệu") -> bytes:
    columns = columns or tuple(Column(f"Cột {number}") for number in range(1, len(rows[0]) + 1))
    return b"".join(stream([Table(columns, rows, sheet=sheet)]))


def by_openpyxl(content: bytes):
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]


def by_calamine(content: bytes) -> list[list[object]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


TEXTS = [
    "Phường Phú Khương",
    "00123",
    "=1+1",
    "+84 912",
    "-5",
    "@SUM(A1)",
    "\tx",
    "Dừa & mật <ong> \"sáp\" 'tươi'",
    "hai\ndòng",
    "một\rhai",
    "  cách đầu, cách cuối ",
    "a_b",
    "]]>",
    "𠮷 😀",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_the_same_text_in_every_reader(text):
    content = written((text,))

    cell = by_openpyxl(content)["A2"]
    assert (cell.value, cell.data_type, cell.number_format) == (text, "s", "@")
    assert by_calamine(content)[1] == [text]


def test_what_looks_like_a_formula_is_marked_as_text():
    sheet = by_openpyxl(written(("=1+1", "+84", "-5", "@SUM", "\tx", "\rx", "a=b")))

    assert [cell.quotePrefix for cell in sheet[2]] == [True] * 6 + [False]


def test_what_excel_would_unescape_is_escaped():
    assert by_calamine(written(("_x0041_ _x000D_",)))[1] == ["_x0041_ _x000D_"]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (0, 0),
        (-1234, -1234),
        (Decimal("76.5"), 76.5),
        (Decimal("1E+2"), 100),
        (Decimal("0.10"), 0.1),
        (1e-7, 1e-7),
        (True, True),
        (False, False),
        (dt.date(1900, 1, 1), dt.datetime(1900, 1, 1)),
        (dt.date(1900, 2, 28), dt.datetime(1900, 2, 28)),
        (dt.date(1900, 3, 1), dt.datetime(1900, 3, 1)),
        (dt.date(2025, 7, 1), dt.datetime(2025, 7, 1)),
        (dt.datetime(2025, 7, 1, 13, 5, 9), dt.datetime(2025, 7, 1, 13, 5, 9)),
        (dt.datetime(2025, 7, 1, 20, tzinfo=dt.UTC), dt.datetime(2025, 7, 2, 3)),
        (dt.date(1899, 12, 31), "31/12/1899"),
        (10**15, "1000000000000000"),
        (float("inf"), "inf"),
        (Decimal("NaN"), "NaN"),
        (CellError("#REF!", "error"), "#REF!"),
        (CellError("=A1", "formula"), "=A1"),
    ],
)
def test_a_value_is_stored_as_what_it_is(value, stored):
    content = written(("x", value))

    assert by_openpyxl(content)["B2"].value == stored
    if isinstance(stored, dt.datetime) and stored.time() == dt.time():
        stored = stored.date()
    assert by_calamine(content)[1][1] == ("" if stored == "#REF!" else stored)


def test_values_that_are_equal_stay_what_they_are_over_many_rows():
    others = [1, 0, 1.0, Decimal(1), 10**15, "1", None, "", "dừa", "=1", " cách", "dừa & mật", "dừa\n"]
    mixed = [*others * 20, *[True, False, *others] * 20]  # a truth comes when 1 and 0 are long known
    plain = [f"sản phẩm {number}" for number in range(len(mixed))]

    sheet = by_openpyxl(written(*zip(plain, mixed, plain, strict=True)))

    found = [(a, b, isinstance(b, bool), c) for a, b, c in sheet.iter_rows(min_row=2, values_only=True)]
    stored = {10**15: "1000000000000000", "": None}
    assert found == [
        (text, stored.get(value, value), isinstance(value, bool), text)
        for text, value in zip(plain, mixed, strict=True)
    ]


def test_none_and_empty_text_leave_the_cell_out():
    sheet = by_openpyxl(written((None, "", "x")))

    assert [cell.value for cell in sheet[2]] == [None, None, "x"]


def test_a_member_of_an_enumeration_is_its_text():
    kind = StrEnum("kind", {"XA": "xã"})

    assert by_openpyxl(written((kind.XA,)))["A2"].value == "xã"


def test_looks_follow_the_column():
    columns = (
        Column("Mã xã", width=9),
        Column("Ngày", "date"),
        Column("Lúc", "datetime"),
        Column("Số lượng", "integer"),
        Column("Điểm", "number", width=30),
        Column("Năm"),
    )
    instant = dt.datetime(2025, 7, 1, 8, 30)

    sheet = by_openpyxl(written(("00123", instant, instant, 1234, Decimal("76.5"), 2026), columns=columns))

    assert [cell.number_format for cell in sheet[2]] == [
        "@",
        "dd/mm/yyyy",
        "dd/mm/yyyy\\ hh:mm",
        "#,##0",
        "#,##0.00",
        "General",
    ]
    assert [sheet.column_dimensions[letter].width for letter in "AE"] == [9, 30]
    assert sheet["A1"].font.bold
    assert sheet["A1"].fill.fgColor.rgb == "FFFAFAF7"
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:F2")


def test_what_excel_cannot_hold_is_taken_out_and_counted():
    count = Written()
    rows = [("Dừa\x0b sáp\x00",), ("\ufffe",), ("\ud800x",), ("a" * 40_000,)]

    content = b"".join(stream([Table((Column("Tên"),), rows)], count))

    assert (count.rows, count.removed, count.shortened) == (4, 4, 1)
    assert [len(str(row[0])) for row in by_calamine(content)[1:]] == [7, 0, 1, 32_767]


def test_the_last_sheet_may_tell_what_the_others_held():
    count = Written()
    data = Table((Column("Mã"),), ((f"{n:05}",) for n in range(3)), sheet="Xã")
    info = Table((Column("Mục"), Column("Giá trị")), (("Số dòng", count.rows) for _ in range(1)), sheet="Thông tin")

    content = b"".join(stream([data, info], count))

    assert read(content, name="x", sheet="Thông tin").rows == [("Số dòng", 3)]


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (["Sản phẩm/2025: [mới]?*\\"], ["Sản phẩm 2025 mới"]),
        (["a" * 40], ["a" * 31]),
        (["'", ""], ["Trang tính", "Trang tính (2)"]),
        (["Xã", "xã", "XÃ"], ["Xã", "xã (2)", "XÃ (3)"]),
        (["Dừa & <mật>"], ["Dừa & <mật>"]),
    ],
)
def test_a_sheet_gets_a_name_that_excel_takes(wanted, given):
    content = b"".join(stream([Table((Column("Mã"),), [], sheet=name) for name in wanted]))

    assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames == given
    assert CalamineWorkbook.from_filelike(io.BytesIO(content)).sheet_names == given


@pytest.mark.parametrize(("rows", "sizes"), [(0, [0]), (9, [9]), (10, [9, 1]), (18, [9, 9]), (19, [9, 9, 1])])
def test_rows_beyond_the_last_of_a_sheet_go_on_in_the_next(monkeypatch, rows, sizes):
    monkeypatch.setattr(xlsx, "MAX_ROWS", 10)
    content = b"".join(stream([Table((Column("Mã"),), ((n,) for n in range(rows)), sheet="Xã")]))

    book = openpyxl.load_workbook(io.BytesIO(content))

    assert book.sheetnames == ["Xã", "Xã (2)", "Xã (3)"][: len(sizes)]
    assert [sheet.max_row - 1 for sheet in book.worksheets] == sizes
    assert [cell.value for sheet in book.worksheets for cell in sheet["A"][1:]] == list(range(rows))


def test_the_first_bytes_leave_before_a_row_is_asked_for_and_memory_stays_flat():
    asked = 0

    def rows():
        nonlocal asked
        for number in range(60_000):
            asked += 1
            yield (
                f"{number:06}",
                f"Mật ong hoa dừa số {number}",
                number,
                Decimal("76.5"),
                dt.date(2025, 7, 1),
            ) * 2

    process = psutil.Process()
    pieces = stream([Table(tuple(Column(f"Cột {n}") for n in range(10)), rows())])
    started = time.perf_counter()
    next(pieces)
    first = time.perf_counter() - started
    asked_for_the_first = asked

    before = process.memory_info().rss
    peak = 0
    for _ in pieces:
        peak = max(peak, process.memory_info().rss)

    assert asked_for_the_first == 0
    assert first < 0.05
    assert peak - before < 10 * 1024**2
    assert asked == 60_000


def test_an_export_is_read_back_by_import():
    rows = [(f"{n:05}", "Xã Hữu Định", n, dt.date(2025, 7, 1)) for n in range(5_000)]

    table = read(written(*rows), name="x.xlsx")

    assert table.rows == rows
    assert table.sheet == "Dữ liệu"


LETTERS = "aăâđeêoôơuưyÁẾỘƠ bcdz019=+-@&<>'\"_x#;,.\t\n\u00a0\u0301\u200b"
texts = st.text(alphabet=LETTERS, max_size=12)
cells = st.one_of(
    st.none(),
    texts,
    st.booleans(),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-(10**9), 10**9, places=3, allow_nan=False),
    st.dates(dt.date(1900, 1, 1), dt.date(9999, 12, 31)),
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(9999, 12, 31)).map(lambda when: when.replace(microsecond=0)),
)


def as_read(value):
    """The one value that stands for all spellings of it."""
    if isinstance(value, str):
        lines = [
            " ".join(unicodedata.normalize("NFC", line.replace("\u200b", "")).split()) for line in value.split("\n")
        ]
        return "\n".join(lines).strip() or None
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date()
    if isinstance(value, Decimal):
        return float(value)
    return value


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), max_size=8))
def test_whatever_is_written_is_read_back(rows):
    numbered = [(number, *row) for number, row in enumerate(rows)]
    columns = tuple(Column(label) for label in ("Dòng", "Một", "Hai", "Ba"))

    content = b"".join(stream([Table(columns, numbered)]))

    assert read(content, name="x").rows == [tuple(map(as_read, row)) for row in numbered]
