"""The workbook given back: the clerk's own, with results, and read again as before the marks."""

import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from app.files import marked, read
from app.files.marked import Mark, Summed, already_done, line_ranges, mark
from app.files.titles import AUTHOR, FAULTS_SHEET, RESULT, RESULT_BESIDE
from app.files.xlsx import FORBIDDEN
from app.table import CellError, Table
from tests.files import samples

KNOWN = ("Tên sản phẩm", "Chủ thể")
UNKNOWN = "Chưa có chủ thể “HTX B”. Nhập chủ thể trước, hoặc sửa tên cho đúng."
MARKS = [Mark(4, marked.IMPORTED), Mark(5, marked.REFUSED, [("Chủ thể", UNKNOWN)]), Mark(6, marked.SAME)]
SUMMARY = [Summed("Cột “Chủ thể”: Chưa có chủ thể “HTX B”.", [5], "Nhập chủ thể trước, hoặc sửa tên cho đúng.")]
ROWS = [
    ["UBND XÃ AN THẠNH", None, None, None],
    [None, None, None, None],
    ["STT", "Tên sản phẩm", "Chủ thể", "Số lượng"],
    [1, "Kẹo dừa", "HTX A", 5],
    [2, "Mứt dừa", "HTX B", 6],
    [3, "Chuối khô", "HTX C", 7],
]


def own_workbook(change: Callable[[Any], None] = lambda _sheet: None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Danh sách"
    for row in ROWS:
        sheet.append(row)
    change(sheet)
    return samples.saved(book)


def table_of(content: bytes, name: str = "ds.xlsx") -> Table:
    return read(content, name=name, known=KNOWN)


def marked_again(content: bytes, name: str = "ds.xlsx", marks: list[Mark] = MARKS) -> bytes:
    return mark(content, table_of(content, name), name=name, marks=marks, summary=SUMMARY)


def sheet_of(content: bytes, title: str = "Danh sách") -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))[title]


def column(sheet: Any, letter: str) -> list[Any]:
    return [sheet[f"{letter}{line}"].value for line in range(3, 7)]


def test_every_row_has_its_result_and_a_bad_cell_says_what_to_do() -> None:
    back = sheet_of(marked_again(own_workbook()))

    assert column(back, "E") == [RESULT, marked.IMPORTED, f"{marked.REFUSED}: {UNKNOWN}", marked.SAME]
    assert back["C5"].comment.author == AUTHOR
    assert UNKNOWN in back["C5"].comment.text
    assert back["C5"].fill.fgColor.rgb == marked.SHADE
    assert back["C4"].comment is None
    assert back["C4"].fill.fill_type is None


def test_identical_errors_are_summed_up_on_a_sheet_of_their_own() -> None:
    back = sheet_of(marked_again(own_workbook()), FAULTS_SHEET)

    assert [[cell.value for cell in row] for row in back.iter_rows()] == [
        ["Lỗi", "Dòng", "Cách sửa"],
        ["Cột “Chủ thể”: Chưa có chủ thể “HTX B”.", "5", "Nhập chủ thể trước, hoặc sửa tên cho đúng."],
    ]


def test_the_look_of_the_sender_stays() -> None:
    def drawn(sheet: Any) -> None:
        sheet.merge_cells("A1:D1")
        sheet.column_dimensions["B"].width = 33
        sheet["D4"].number_format = "0.00"
        sheet["C5"].fill = PatternFill("solid", fgColor="FFFFFF00")
        sheet["C5"].comment = Comment("hỏi lại chị Lan", "Văn phòng")
        sheet.auto_filter.ref = "A3:D6"
        sheet.parent.create_sheet("Ghi chú")["A1"] = "giữ lại"

    first = marked_again(own_workbook(drawn))
    back = sheet_of(first)

    assert [str(merged) for merged in back.merged_cells.ranges] == ["A1:D1"]
    assert back.column_dimensions["B"].width == 33
    assert back["D4"].number_format == "0.00"
    assert back["C5"].comment.text.endswith("Văn phòng:\nhỏi lại chị Lan")
    assert back.auto_filter.ref == "A3:E6"
    assert sheet_of(first, "Ghi chú")["A1"].value == "giữ lại"

    cleared = sheet_of(marked_again(first, marks=[Mark(line, marked.SAME) for line in (4, 5, 6)]))

    assert cleared["C5"].fill.fgColor.rgb == "FFFFFF00"
    assert (cleared["C5"].comment.author, cleared["C5"].comment.text) == ("Văn phòng", "hỏi lại chị Lan")


def test_a_second_round_takes_the_marks_of_the_first_off() -> None:
    second = marked_again(marked_again(own_workbook()), marks=[Mark(4, marked.IMPORTED), Mark(5, marked.IMPORTED)])
    back = sheet_of(second)

    assert [cell.value for cell in back[3]] == ["STT", "Tên sản phẩm", "Chủ thể", "Số lượng", RESULT]
    assert column(back, "E") == [RESULT, marked.IMPORTED, marked.IMPORTED, None]
    assert back["C5"].comment is None
    assert back["C5"].fill.fill_type is None
    assert openpyxl.load_workbook(io.BytesIO(second)).sheetnames == ["Danh sách", FAULTS_SHEET]


def test_what_is_written_beside_the_rows_is_no_data_when_it_is_read_again() -> None:
    content = own_workbook()
    before, again = table_of(content), table_of(marked_again(content))

    assert again.notes == before.notes
    assert again.sheets == before.sheets
    assert (again.lines, [row[:4] for row in again.rows]) == (before.lines, list(before.rows))
    assert already_done(again) == {4: marked.IMPORTED, 6: marked.SAME}
    assert already_done(before) == {}


def test_a_row_whose_result_is_cleared_or_altered_runs_again() -> None:
    book = openpyxl.load_workbook(io.BytesIO(marked_again(own_workbook())))
    book["Danh sách"]["E4"] = None
    book["Danh sách"]["E5"] = "đã sửa lại"

    again = samples.saved(book)
    assert already_done(table_of(again)) == {6: marked.SAME}
    assert column(sheet_of(marked_again(again)), "E")[:2] == [RESULT, marked.IMPORTED]


def test_a_sender_s_own_column_of_results_is_left_alone() -> None:
    def with_results(sheet: Any) -> None:
        for line, text in ((3, "Kết quả"), (4, "Đạt 3 sao"), (5, "Đã nhập kho"), (6, "Đạt 4 sao")):
            sheet.cell(line, 5, text)

    content = own_workbook(with_results)
    assert already_done(table_of(content)) == {}

    back = sheet_of(marked_again(content))
    assert column(back, "E") == ["Kết quả", "Đạt 3 sao", "Đã nhập kho", "Đạt 4 sao"]
    assert column(back, "F")[:2] == [RESULT_BESIDE, marked.IMPORTED]
    assert already_done(table_of(marked_again(content))) == {4: marked.IMPORTED, 6: marked.SAME}


def test_formulas_stay_with_what_they_came_to_and_text_stays_text() -> None:
    rows = samples.HEADER_ROW.replace("Mã xã", KNOWN[0]).replace("Tên xã", KNOWN[1]) + (
        '<row r="2"><c r="A2" t="inlineStr"><is><t>=1+1</t></is></c><c r="B2"><f>40+2</f><v>42</v></c></row>'
        '<row r="3"><c r="A3" t="str"><f>"a"&amp;"b"</f><v>ab</v></c><c r="B3" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    )
    content = samples.raw_xlsx(rows)
    made = mark(content, table_of(content), name="a.xlsx", marks=[Mark(2, marked.NEW)], summary=[])
    back = sheet_of(made, "S")

    assert (back["A2"].value, back["A2"].data_type) == ("=1+1", "s")
    assert [back[place].value for place in ("B2", "A3", "B3")] == ["=40+2", '="a"&"b"', "=1/0"]
    assert [row[:2] for row in table_of(made).rows] == [
        ("=1+1", 42),
        ("ab", CellError("#DIV/0!", "error")),
    ]


def test_a_date_that_excel_shows_oddly_comes_back_as_it_was_stored() -> None:
    def dated(sheet: Any) -> None:
        sheet["D4"], sheet["D5"] = 3_000_000, date(2024, 2, 29)
        sheet["D4"].number_format = "dd/mm/yyyy"

    with zipfile.ZipFile(io.BytesIO(marked_again(own_workbook(dated)))) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml")
    assert b"<v>3000000</v>" in sheet
    assert b"<v>45351</v>" in sheet


def test_a_bad_cell_inside_a_merged_range_is_marked_where_its_value_stands() -> None:
    content = own_workbook(lambda sheet: sheet.merge_cells("C4:C5"))
    marks = [Mark(line, marked.REFUSED, [("Chủ thể", UNKNOWN)]) for line in (4, 5)]
    back = sheet_of(marked_again(content, marks=marks))

    assert back["C4"].comment.text == f"{AUTHOR}:\n{UNKNOWN}"
    assert [str(merged) for merged in back.merged_cells.ranges] == ["C4:C5"]


def test_the_results_stand_beside_a_header_of_two_lines_and_are_found_again() -> None:
    rows = [
        ["STT", "Tên sản phẩm", "Chủ thể", "Hạng sao", None],
        [None, None, None, "3 sao", "4 sao"],
        [1, "Kẹo dừa", "HTX A", "x", None],
        [2, "Mứt dừa", "HTX B", None, "x"],
    ]
    for merges in (["D1:E1"], ["A1:A2", "B1:B2", "C1:C2", "D1:E1"]):
        book = openpyxl.load_workbook(io.BytesIO(samples.workbook(rows)))
        for merge in merges:
            book.worksheets[0].merge_cells(merge)
        content = samples.saved(book)

        before = table_of(content)
        again = table_of(marked_again(content, marks=[Mark(3, marked.IMPORTED), Mark(4, marked.NEW)]))

        assert [each.label for each in before.columns][3:] == ["Hạng sao / 3 sao", "Hạng sao / 4 sao"]
        assert [each.label for each in again.columns] == [*(each.label for each in before.columns), RESULT]
        assert already_done(again) == {3: marked.IMPORTED}


SHORT = (("STT", "Tên sản phẩm", "Chủ thể"), ("1", "=1+1", "HTX A"), ("2", "0012", "HTX B"))
CSV = "STT,Tên sản phẩm,Chủ thể\r\n1,=1+1,HTX A\r\n2,0012,HTX B\r\n".encode()
OTHERS = {
    "ds.csv": CSV,
    "ds.ods": samples.ods(
        "".join(
            f"<table:table-row>{''.join(samples.ods_cell(text) for text in row)}</table:table-row>"
            for row in SHORT
        )
    ),
    "ds.xls": samples.xls(
        b"".join(samples.xls_text(row, at, text) for row, texts in enumerate(SHORT) for at, text in enumerate(texts))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_kinds_of_files_come_back_as_xlsx_with_their_values(name: str) -> None:
    content = OTHERS[name]
    made = marked_again(content, name, [Mark(2, marked.IMPORTED), Mark(3, marked.REFUSED, [("Chủ thể", UNKNOWN)])])
    again = table_of(made)

    assert [row[1:3] for row in again.rows] == [("=1+1", "HTX A"), ("0012", "HTX B")]
    assert already_done(again) == {2: marked.IMPORTED}
    bad = openpyxl.load_workbook(io.BytesIO(made)).worksheets[0]["C3"]
    assert bad.comment.text.endswith(UNKNOWN)


def test_a_macro_and_a_picture_are_said_not_to_come_back() -> None:
    drawing = '<xdr:wsDr xmlns:xdr="urn:d"><xdr:pic></xdr:pic></xdr:wsDr>'
    rows = samples.HEADER_ROW + '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>2</v></c></row>'
    content = samples.raw_xlsx(rows, more={"xl/vbaProject.bin": b"macro", "xl/drawings/drawing1.xml": drawing})
    made = mark(content, read(content, name="a.xlsm"), name="a.xlsm", marks=[], summary=[])

    said = [row[2].value for row in sheet_of(made, FAULTS_SHEET).iter_rows(min_row=2)]
    assert [sentence.partition(";")[0] for sentence in said] == [
        "Tệp gốc có macro",
        "Hình ảnh, hình vẽ và hộp chữ của tệp gốc không theo cùng tệp trả lại.",
    ]
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        assert not [part for part in parts.namelist() if "vba" in part]


def test_a_long_list_comes_back_plain_with_the_same_columns() -> None:
    rows = [["STT", "Tên sản phẩm", "Chủ thể"], *([n, f"Kẹo {n}", "HTX A"] for n in range(marked.MOST_ROWS))]
    content = samples.workbook(rows, "Danh sách")
    marks = [Mark(line, marked.IMPORTED) for line in range(2, len(rows) + 1)]
    marks[0] = Mark(2, marked.REFUSED, [("Chủ thể", UNKNOWN)])
    made = mark(content, table_of(content), name="ds.xlsx", marks=marks, summary=SUMMARY)
    again = table_of(made)

    assert [each.label for each in again.columns] == ["Dòng trong tệp gốc", "STT", "Tên sản phẩm", "Chủ thể", RESULT]
    assert again.rows[0] == (2, 0, "Kẹo 0", "HTX A", f"{marked.REFUSED}: {UNKNOWN}")  # type: ignore[index]
    assert len(already_done(again)) == marked.MOST_ROWS - 1
    assert "Tệp có hơn 20.000 dòng" in sheet_of(made, FAULTS_SHEET)["C3"].value


def test_a_sheet_of_one_huge_merged_range_is_not_laid_out() -> None:
    rows = samples.HEADER_ROW + '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>2</v></c></row>'
    with zipfile.ZipFile(io.BytesIO(samples.raw_xlsx(rows))) as archive:
        parts: dict[str, str | bytes] = {part: archive.read(part) for part in archive.namelist()}
        plain = archive.read("xl/worksheets/sheet1.xml")
    sheet = plain.replace(
        b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="D4:XFD1048576"/></mergeCells>'
    )
    content = samples.zipped(parts | {"xl/worksheets/sheet1.xml": sheet})

    made = mark(content, read(content, name="a.xlsx"), name="a.xlsx", marks=[Mark(2, marked.NEW)], summary=[])

    assert len(made) < 10_000
    assert read(made, name="a.xlsx").rows[0][-1] == marked.NEW  # type: ignore[index]


def test_lines_that_follow_each_other_are_written_short() -> None:
    assert line_ranges([3]) == "3"
    assert line_ranges([12, 3, 5, 6, 7, 8]) == "3, 5–8, 12 (6 dòng)"
    assert line_ranges(range(1, 1000, 2), most=2) == "1, 3 và 498 dòng khác (500 dòng)"


def test_a_sheet_whose_title_excel_would_not_take_still_comes_back_with_its_values() -> None:
    rows = "".join(
        f"<table:table-row>{''.join(samples.ods_cell(text) for text in row)}</table:table-row>" for row in SHORT
    )
    with zipfile.ZipFile(io.BytesIO(samples.ods(rows))) as archive:
        parts: dict[str, str | bytes] = {part: archive.read(part) for part in archive.namelist()}
        parts["content.xml"] = archive.read("content.xml").replace(
            b'name="S"', b'name="T\xc3\xbd 1/2026 [g\xe1\xbb\x91c]"'
        )
    content = samples.zipped(parts)

    again = table_of(marked_again(content, "ds.ods", [Mark(2, marked.IMPORTED)]))

    assert already_done(again) == {2: marked.IMPORTED}
    assert [row[-3:] for row in again.rows][1] == ("0012", "HTX B", None)


def test_every_real_list_reads_as_before_once_it_came_back_marked(shared_data: Path) -> None:
    lists = [path for path in sorted(shared_data.iterdir()) if path.suffix in (".csv", ".xls", ".xlsx")]
    assert lists
    for path in lists:
        content = path.read_bytes()
        before = read(content, name=path.name)
        marks = [Mark(line, marked.IMPORTED) for line in before.lines]
        again = read(mark(content, before, name=path.name, marks=marks, summary=[]), name="ds.xlsx")

        width = len(before.columns)
        assert again.header == before.header, path.name
        assert [row[:width] for row in again.rows] == [tuple(row) for row in before.rows], path.name
        assert list(already_done(again)) == list(before.lines), path.name


TEXTS = st.text(max_size=40).map(lambda text: FORBIDDEN.sub("", text))
CELLS = st.one_of(
    st.none(),
    TEXTS,
    st.sampled_from(["=1+1", "0012", "+84", "#REF!", "Kết quả", "Đã nhập", "05/03/2026", "_x0041_"]),
    st.integers(-(10**14), 10**14),
    st.floats(-1e12, 1e12, allow_nan=False),
    st.booleans(),
    st.dates(date(1901, 1, 1), date(2100, 1, 1)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=6), bad=st.integers(0, 3))
def test_whatever_stands_in_the_cells_stands_there_after_two_rounds(rows: list[tuple[Any, ...]], bad: int) -> None:
    header = ["STT", "Tên sản phẩm", "Chủ thể", "Số lượng"]
    book = openpyxl.Workbook()
    for line, row in enumerate([header, *rows], start=1):
        for at, value in enumerate(row, start=1):
            cell = book.worksheets[0].cell(line, at)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"
    content = samples.saved(book)
    before = table_of(content)
    marks = [Mark(line, marked.REFUSED, [(header[bad], UNKNOWN)]) for line in before.lines]

    once = marked_again(content, marks=marks)
    twice = table_of(marked_again(once, marks=marks))

    assert twice.lines == before.lines
    assert [row[:4] for row in twice.rows] == before.rows
    assert [column.label for column in twice.columns] == [*header, RESULT]
