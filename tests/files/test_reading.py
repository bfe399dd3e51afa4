# ruff: noqa: DTZ001  # dates in Excel have no zone
"""Good files: what a clerk sent is what comes out, whatever the format."""

import datetime as dt
import unicodedata
from pathlib import Path

import openpyxl
import pytest

from app.files import read
from app.table import CellError
from tests.files import samples
from tests.files.samples import HEADER_ROW

COMMUNES = [["Mã xã", "Tên xã"], ["00123", "Xã Hữu Định"], ["28756", "Phường Phú Khương"]]
CSV = "\n".join(",".join(row) for row in COMMUNES)


def labels(table) -> list[str]:
    return [column.label for column in table.columns]


FORMATS = {
    "xlsx": lambda: samples.workbook(COMMUNES),
    "xls": lambda: samples.xls(
        b"".join(samples.xls_text(y, x, text) for y, row in enumerate(COMMUNES) for x, text in enumerate(row))
    ),
    "xlsb": lambda: samples.xlsb(
        b"".join(
            samples.brt_row(y) + b"".join(samples.brt_text(x, text) for x, text in enumerate(row))
            for y, row in enumerate(COMMUNES)
        )
    ),
    "ods": lambda: samples.ods(
        "".join(
            "<table:table-row>" + "".join(samples.ods_cell(text) for text in row) + "</table:table-row>"
            for row in COMMUNES
        )
        + '<table:table-row table:number-rows-repeated="1048570">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    ),
    "csv": CSV.encode,
    "csv with BOM": lambda: CSV.encode("utf-8-sig"),
    "csv of Windows": lambda: CSV.replace("\n", "\r\n").encode(),
    "csv with semicolons": lambda: CSV.replace(",", ";").encode(),
    "csv with bars": lambda: CSV.replace(",", "|").encode(),
    "csv with tabs": lambda: CSV.replace(",", "\t").encode(),
    "Unicode text of Excel": lambda: CSV.replace(",", "\t").encode("utf-16"),
}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_table(form):
    table = read(FORMATS[form](), name="không nói gì về dạng tệp.dat")

    assert labels(table) == ["Mã xã", "Tên xã"]
    assert table.rows == [("00123", "Xã Hữu Định"), ("28756", "Phường Phú Khương")]
    assert table.lines == [2, 3]
    assert table.notes == ()


def test_the_separator_is_found_beside_commas_in_the_text():
    table = read(b"sep=;\nM\xc3\xa3;T\xc3\xaan\n1;a, b, c\n2;d, e, f\n", name="x.csv")
    unmarked = read("Mã;Tên\n1;a, b, c\n2;d, e\n".encode(), name="x.csv")

    assert table.rows == [("1", "a, b, c"), ("2", "d, e, f")]
    assert table.lines == [2, 3]
    assert unmarked.rows == [("1", "a, b, c"), ("2", "d, e")]


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        ("  Xã  Bình\u00a0Khánh ", "Xã Bình Khánh"),
        ("Che\u0300", "Chè"),
        ("Hòa\u200b Lộc\ufeff", "Hòa Lộc"),
        ("Ấp 1 \r\n  Xã Tân", "Ấp 1\nXã Tân"),
        ("  \u00a0 ", None),
        ("=1+1", "=1+1"),
        ("#N/A", CellError("#N/A", "error")),
    ],
)
def test_text_is_cleaned_and_nothing_else_is_done_to_it(sent, read_as):
    content = f'Mã xã,Tên xã\n1,"{sent}"\n'.encode()

    assert read(content, name="x.csv").rows == [("1", read_as)]


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        (28756, 28756),
        (28756.0, 28756),
        (76.5, 76.5),
        (True, True),
        (dt.date(2025, 7, 1), dt.date(2025, 7, 1)),
        (dt.datetime(2025, 7, 1), dt.date(2025, 7, 1)),
        (dt.datetime(2025, 7, 1, 8, 30), dt.datetime(2025, 7, 1, 8, 30)),
        (dt.time(8, 30), "08:30"),
        (dt.timedelta(hours=30), "30:00:00"),
        ("=B1", CellError("=B1", "formula")),
        ("#REF!", CellError("#REF!", "error")),
        (None, None),
    ],
)
def test_a_cell_keeps_its_type(sent, read_as):
    value = read(samples.workbook([["Mã xã", "Giá trị"], ["1", sent]]), name="x.xlsx").rows[0][1]

    assert value == read_as
    assert type(value) is type(read_as)


def test_a_formula_is_its_result_unless_it_has_none():
    cells = (
        '<c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>'
        '<row r="3"><c r="A3"><f>A2*2</f></c><c r="B3" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
    )

    table = read(samples.raw_xlsx(f'{HEADER_ROW}<row r="2">{cells}</row>'), name="x.xlsx")

    assert table.rows == [(2, None), (CellError("=A2*2", "formula"), CellError("#DIV/0!", "error"))]


def test_a_last_line_with_a_formula_alone_is_read_too():
    book = openpyxl.Workbook()
    for row in (("Mã", "Tên", "Số"), (None, None, "=A1*2")):
        book.active.append(row)

    assert read(samples.saved(book), name="xa.xlsx").rows == [(None, None, CellError("=A1*2", "formula"))]


def test_errors_are_seen_in_the_other_formats_too():
    error = CellError("#REF!", "error")
    text, row = samples.xls_text, samples.brt_row
    old = text(0, 0, "Mã xã") + text(0, 1, "Tên xã") + text(1, 0, "1") + samples.xls_error(1, 1, 0x17)
    binary = row(0) + samples.brt_text(0, "Mã xã") + samples.brt_text(1, "Tên xã")
    binary += row(1) + samples.brt_text(0, "1") + samples.brt_error(1, 0x17)

    assert read(samples.xls(old), name="x.xls").rows == [("1", error)]
    assert read(samples.xlsb(binary), name="x.xlsb").rows == [("1", error)]


def test_cells_without_reference_follow_each_other():
    row = '<row><c><v>1</v></c><c t="inlineStr"><is><t>Xã Hữu Định</t></is></c></row>'

    assert read(samples.raw_xlsx(HEADER_ROW + row), name="x.xlsx").rows == [(1, "Xã Hữu Định")]


def test_titles_above_blank_rows_between_and_the_count_below_are_left_out():
    rows = [
        [None],
        ["DANH SÁCH XÃ"],
        [None],
        ["Mã xã", "Tên xã"],
        [None],
        ["1", "a"],
        [None, " "],
        ["2", "b"],
    ]
    content = samples.workbook([*rows, [None, "Số lượng : 2"], [None]])

    table = read(content, name="x.xlsx")

    assert table.rows == [("1", "a"), ("2", "b")]
    assert table.lines == [6, 8]
    assert table.notes == ("Bỏ qua dòng 9: “Số lượng : 2”.",)


def test_a_column_without_label_is_not_read_and_said_so():
    table = read(samples.workbook([["Mã xã", None, "Tên\nxã", None], ["1", "x", "a", None]]), name="x.xlsx")

    assert labels(table) == ["Mã xã", "Tên xã"]
    assert table.rows == [("1", "a")]
    assert table.notes == ("Không đọc cột B vì không có tiêu đề.",)


def test_hidden_rows_are_read_and_counted():
    book = openpyxl.Workbook()
    for row in COMMUNES:
        book.worksheets[0].append(row)
    book.worksheets[0].row_dimensions[3].hidden = True

    table = read(samples.saved(book), name="x.xlsx")

    assert len(table.rows) == 2
    assert table.notes == ("Trang tính có 1 dòng ẩn (dòng 3), vẫn được đọc.",)


def test_control_characters_are_removed_and_counted():
    table = read("Mã xã,Tên xã\n1,Xã\x7f A\x7f\n2,Xã\x7f A\x7f\n".encode(), name="x.csv")

    assert table.rows == [("1", "Xã A"), ("2", "Xã A")]
    assert table.notes == ("Đã bỏ 4 ký tự điều khiển trong các ô.",)


def test_a_sheet_is_chosen_by_name_or_the_first_visible_with_a_header():
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Ẩn", "Không đọc"])
    book.worksheets[0].sheet_state = "hidden"
    for title, row in {
        "Giải thích": ["Điền vào trang Xã"],
        "Xã": ["Mã xã", "Tên xã"],
        "Huyện": ["Mã", "Tên"],
    }.items():
        book.create_sheet(title).append(row)
    content = samples.saved(book)

    first, named = read(content, name="x.xlsx"), read(content, name="x.xlsx", sheet=" huyện")

    assert first.sheet == "Xã"
    hidden = "Không đọc trang tính ẩn: “Sheet”."
    assert first.sheets == ("Giải thích", "Xã", "Huyện")
    assert first.notes == ("Tệp có 3 trang tính, chỉ đọc trang “Xã”.", hidden)
    assert (named.sheet, labels(named), named.notes) == ("Huyện", ["Mã", "Tên"], (hidden,))


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("gso_ben_tre_2017-10-15.xls", 164),
        ("gso_ben_tre_2021-02-01.xls", 157),
        ("gso_vinh_long_2021-02-01.xls", 107),
        ("gso_tra_vinh_2021-02-01.xls", 106),
        ("gso_ket_qua_rong_2025-05.xls", 0),
        ("gso_cap_huyen_2020-07-15.xlsx", 707),
        ("ben_tre_units_2020.csv", 157),
        ("ben_tre_units_2025-01.csv", 148),
        ("vinh_long_units_2025.csv", 124),
        ("vinh_long_chuyen_doi_2025.csv", 359),
        ("anh_xa_ten_mien_nam_2025-09.xlsx", 2533),
        ("ocop_an_giang_chu_the.xlsx", 2),
        ("ocop_an_giang_san_pham_1.xlsx", 8),
        ("ocop_an_giang_san_pham_2.xlsx", 6),
        ("ocop_bo_san_pham_26.csv", 26),
        ("ocop_cau_ke_tra_vinh_2024-03.csv", 37),
        ("qd26_2026_bo_tieu_chi.csv", 2557),
        ("qd26_2026_phan_loai.csv", 26),
        ("qd26_2026_tong_hop.csv", 26),
    ],
)
def test_a_real_file_has_as_many_rows_as_it_is_known_to_have(shared_data: Path, file, rows, capsys):
    table = read(shared_data / file, name=file)

    assert len(table.rows) == len(table.lines) == rows
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert capsys.readouterr() == ("", "")


def test_codes_of_a_real_file_keep_their_zeros(shared_data: Path):
    table = read(shared_data / "gso_cap_huyen_2020-07-15.xlsx", name="x")

    assert table.rows[0] == ("001", "Quận Ba Đình", None, "Quận", "01", "Thành phố Hà Nội")


def test_double_and_trailing_spaces_of_a_real_file_are_gone(shared_data: Path):
    vinh_long = read(shared_data / "gso_vinh_long_2021-02-01.xls", name="x")
    ben_tre = read(shared_data / "gso_ben_tre_2021-02-01.xls", name="x")

    assert sum(row[2] == "Huyện Vũng Liêm" for row in vinh_long.rows) == 20
    assert any(row[4] == "Xã Bình Khánh" for row in ben_tre.rows)


def test_all_sheets_of_a_long_workbook_can_be_read(shared_data: Path):
    path = shared_data / "qd26_2026_bo_tieu_chi.xlsx"

    tables = [read(path, name=path.name, sheet=f"Bộ {number:02}") for number in range(1, 27)]

    assert all(len(table.rows) > 80 for table in tables)
    assert {table.columns[0].label for table in tables} == {"TT"}


def windows_1258(text: str) -> bytes:
    """As Vietnamese Windows saves it: letters with their marks, the tone behind."""
    made = []
    for letter in text:
        tone = next(
            (each for each in unicodedata.normalize("NFD", letter) if each in "\u0300\u0301\u0303\u0309\u0323"), ""
        )
        bare = unicodedata.normalize("NFC", unicodedata.normalize("NFD", letter).replace(tone, "")) if tone else letter
        made.append(bare + tone)
    return "".join(made).encode("cp1258")


def test_a_csv_of_vietnamese_windows_is_read_and_that_is_said():
    table = read(windows_1258("Tên sản phẩm;Chủ thể\nKẹo dừa béo;HTX Hương Mỹ\nBánh tét;Cơ sở Út Hạnh\n"), name="x.csv")

    assert labels(table) == ["Tên sản phẩm", "Chủ thể"]
    assert table.rows == [("Kẹo dừa béo", "HTX Hương Mỹ"), ("Bánh tét", "Cơ sở Út Hạnh")]
    assert table.notes[0].startswith("Tệp CSV ghi bằng bảng mã Windows-1258")


def test_rows_that_only_have_their_number_are_no_rows():
    rows = [["TT", "Tên sản phẩm", "Chủ thể"], [1, "Kẹo dừa", "HTX A"], [2], ["3."], [4, None, None]]

    table = read(samples.workbook(rows), name="x.xlsx")

    assert table.lines == [2]
    assert table.notes == ("Bỏ qua 3 dòng chỉ có số thứ tự (3, 4, 5), dòng đầu: “2”.",)


@pytest.mark.parametrize("written", ["NaN", "inf", "-inf"])
def test_a_number_that_is_none_is_an_error_of_its_cell(written):
    content = samples.raw_xlsx(f'{HEADER_ROW}<row r="2"><c r="A2"><v>{written}</v></c><c r="B2"><v>1</v></c></row>')

    assert read(content, name="x.xlsx").rows == [(CellError("#NUM!", "error"), 1)]
