"""The table is found in workbooks as offices draw them, and whatever is left out is accounted for."""

import openpyxl
import pytest

from app.files import body, limits, read
from app.files.titles import HEADINGS
from app.table import CellError
from tests.files import samples

# fmt: off
COLUMNS = [
    "TT", "Tên sản phẩm", "Nhóm sản phẩm", "Loại hình kinh doanh", "Tên chủ thể",
    "Xã/phường", "Địa chỉ", "Người đại diện", "SĐT", "Hạng sao hiện tại",
    "Ngày hết hạn", "Đánh giá lần 1 (sao)", "Ngày công nhận lần 1", "Năm", "Số quyết định",
    "Cơ quan công nhận", "Sao lần 2", "Ngày lần 2", "Năm lần 2", "Số quyết định lần 2",
    "Cơ quan lần 2", "Ghi chú",
]
# fmt: on


def product(number, name, entity="", **more):
    row = [number, name, "Thực phẩm", "HTX", entity or None, "An Thạnh", "Ấp 1", "Người đại diện", "0900000000", 3]
    row += ["20/05/2026", 3, "20-5-2023", 2023, "12/QĐ-UBND", "UBND tỉnh", None, None, None, None, None, None]
    for column, value in more.items():
        row[int(column[1:])] = value
    return row


def everything(table) -> set[int]:
    left = {line for entry in table.left_out for line in range(entry.line, entry.line + entry.lines)}
    lines = [*table.header, *table.lines]
    assert not left.intersection(lines)
    return left.union(lines)


def labels(table) -> list[str]:
    return [column.label for column in table.columns]


def whys(table) -> list[tuple[int, str]]:
    return [(entry.line, entry.why) for entry in table.left_out]


def office_workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet["A1"], sheet["P1"] = "UBND TỈNH VĨNH LONG", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
    sheet["A2"], sheet["P2"] = "SỞ NÔNG NGHIỆP VÀ MÔI TRƯỜNG", "Độc lập - Tự do - Hạnh phúc"
    sheet["A3"] = "DANH SÁCH SẢN PHẨM OCOP"
    sheet.merge_cells("A3:V3")
    for column, label in enumerate(COLUMNS, start=1):
        sheet.cell(4, column, label)
    rows = [
        ["I", "Huyện Mỏ Cày Nam"],
        product(1, "Kẹo dừa", "HTX Sơn Trà"),
        product(2, "Che\u0300 búp", None),
        product(3, "Mật ong", None, c21="#REF!"),
        ["Cộng", None, None, None, None, None, None, None, None, 9],
        [None],
        ["II. Huyện Ba Tri"],
        product(4, "Dầu dừa", "HTX Phú Nông", c13="=2000+23"),
        ["Tổng cộng", None, None, 4],
        [*[None] * 15, "Vĩnh Long, ngày 05 tháng 11 năm 2025"],
        [None, "Người lập biểu", *[None] * 13, "Thủ trưởng đơn vị"],
        [None, "Họ và tên người lập"],
    ]
    for row in rows:
        sheet.append(row)
    sheet.merge_cells("E6:E8")
    sheet.row_dimensions[7].hidden = True
    sheet.column_dimensions["H"].hidden = True
    book.create_sheet("Nháp").sheet_state = "hidden"
    return samples.saved(book)


def test_a_workbook_of_an_office_is_read_to_its_last_line():
    table = read(office_workbook(), name="x.xlsx", known=("Tên sản phẩm", "Tên chủ thể", "Ghi chú"))

    assert labels(table) == [*COLUMNS, HEADINGS]
    assert [row[22] for row in table.rows] == [*["Huyện Mỏ Cày Nam"] * 3, "Huyện Ba Tri"]
    assert (table.header, table.lines) == ((4,), [6, 7, 8, 12])
    assert [(row[1], row[4]) for row in table.rows] == [
        ("Kẹo dừa", "HTX Sơn Trà"),
        ("Chè búp", "HTX Sơn Trà"),
        ("Mật ong", "HTX Sơn Trà"),
        ("Dầu dừa", "HTX Phú Nông"),
    ]
    assert table.rows[2][21] == CellError("#REF!", "error")
    assert table.rows[3][13] == CellError("=2000+23", "formula")
    assert whys(table) == [
        *[(line, body.ABOVE) for line in (1, 2, 3)],
        (5, body.SECTION),
        (9, body.TOTAL),
        (10, body.BLANK),
        (11, body.SECTION),
        (13, body.TOTAL),
        *[(line, body.SIGNATURE) for line in (14, 15, 16)],
    ]
    assert everything(table) == set(range(1, 17))


def test_what_is_hidden_and_what_is_left_out_is_said():
    notes = read(office_workbook(), name="x.xlsx").notes

    assert "Không đọc trang tính ẩn: “Nháp”." in notes
    assert "Trang tính có 1 dòng ẩn (dòng 7), vẫn được đọc." in notes
    assert "Trang tính có 1 cột ẩn (cột H), vẫn được đọc." in notes
    assert "Đã điền 2 ô nằm trong ô gộp theo giá trị của ô gộp." in notes


def test_a_header_of_two_lines_is_read_as_one():
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        ["TỔNG HỢP SẢN PHẨM"],
        ["STT", "Xã", "Hạng sao", None, None, "Ghi chú"],
        [None, None, "3 sao", "4 sao", "5 sao"],
        ["(1)", "(2)", "(3)", "(4)", "(5)", "(6)"],
        [1, "An Thạnh", 2, 1, 0, None],
    ):
        sheet.append(row)
    for merged in ("A1:F1", "A2:A3", "B2:B3", "C2:E2", "F2:F3"):
        sheet.merge_cells(merged)

    drawn = read(samples.saved(book), name="x.xlsx")
    plain = read("STT,Xã,Hạng sao,,,Ghi chú\n,,Ba sao,Bốn sao,Năm sao,\n1,An Thạnh,2,1,0,\n".encode(), name="x.csv")

    assert labels(drawn) == ["STT", "Xã", "Hạng sao / 3 sao", "Hạng sao / 4 sao", "Hạng sao / 5 sao", "Ghi chú"]
    assert (drawn.header, drawn.lines, drawn.places) == ((2, 3), [5], tuple("ABCDEF"))
    assert whys(drawn) == [(1, body.ABOVE), (4, body.NUMBERS)]
    assert labels(plain)[2:5] == ["Hạng sao / Ba sao", "Hạng sao / Bốn sao", "Hạng sao / Năm sao"]
    assert plain.rows == [("1", "An Thạnh", "2", "1", "0", None)]


def test_a_row_of_data_below_a_header_stays_data():
    table = read(samples.workbook([["Xã", "Cấp", "Ghi chú"], ["An Thạnh", "Xã", "mới"], ["8", "9", "10"]]), name="x")

    assert (table.header, table.lines) == ((1,), [2, 3])


def test_known_labels_find_the_header_and_the_sheet():
    guide = [["Cột", "Ý nghĩa"], ["Mã xã", "năm chữ số"]]
    listed = [["Xã báo cáo", "An Thạnh", "Kỳ", "tháng 9"], ["TÊN XÃ", "Mã  xã"], ["Xã An Thạnh", "28999"]]
    content = samples.workbooks({"Giải thích": guide, "Dữ liệu": listed})

    table, unknowing = read(content, name="x", known=("Mã xã", "Tên xã")), read(content, name="x")

    assert (table.sheet, table.header, table.rows) == ("Dữ liệu", (2,), [("Xã An Thạnh", "28999")])
    assert table.sheets == ("Giải thích", "Dữ liệu")
    assert (unknowing.sheet, unknowing.header) == ("Giải thích", (1,))


@pytest.mark.parametrize(
    "row",
    [
        ["1", "Cộng đồng thủ công", "3"],
        ["Cộng đồng thủ công", "An Thạnh", "3"],
        ["Tổng hợp tác xã dừa", "An Thạnh", "3"],
        ["Cộng", "Kẹo dừa", "An Thạnh"],
        ["Vĩnh Long", "ngày 5 tháng 3 năm 2024", "3"],
        ["X", "Kẹo dừa", "An Thạnh"],
    ],
)
def test_a_row_that_only_looks_like_a_total_stays(row):
    table = read(samples.workbook([["Tên", "Chủ thể", "Số sao"], ["Kẹo dừa", "HTX", "3"], row]), name="x.xlsx")

    assert table.rows[1:] == [tuple(row)]


def test_roman_numbers_that_number_every_row_number_a_list():
    table = read("TT,Tên,Ghi chú\nI,Kẹo dừa,\nII,Mật ong,\n".encode(), name="x.csv")

    assert [row[1] for row in table.rows] == ["Kẹo dừa", "Mật ong"]
    assert table.left_out == ()


def test_rows_below_a_signature_in_the_middle_are_read():
    rows = [["TT", "Tên", "Xã"], [1, "Kẹo dừa", "An Thạnh"], ["Người lập biểu"], [2, "Mật ong", "Ba Tri"]]

    table = read(samples.workbook(rows), name="x.xlsx")

    assert table.lines == [2, 4]
    assert whys(table) == [(3, body.SIGNATURE)]


def test_merged_cells_of_a_long_sheet_are_left_and_that_is_said():
    book = openpyxl.Workbook(write_only=False)
    sheet = book.worksheets[0]
    sheet.append(["Mã xã", "Tên xã"])
    for number in range(limits.STRUCTURE_ROWS):
        sheet.append([str(number), "Xã An Thạnh" if number != 1 else None])
    sheet.merge_cells("B2:B3")

    table = read(samples.saved(book), name="x.xlsx")

    assert len(table.rows) == limits.STRUCTURE_ROWS
    assert table.rows[1] == ("1", None)
    assert any("không xét ô gộp, phông chữ cũ" in note for note in table.notes)


def test_a_title_that_stands_twice_keeps_both_columns_apart():
    table = read(samples.workbook([samples.OFFICE_TITLES, range(1, 23)]), name="ds.xlsx")

    assert len(set(map(str.casefold, labels(table)))) == len(samples.OFFICE_TITLES) == 22
    assert [labels(table)[at] for at in (13, 18)] == ["năm", "Năm (cột S)"]
    assert [labels(table)[at] for at in (14, 19)] == ["Số quyết định", "Số quyết định (cột T)"]


def test_two_columns_of_a_group_with_the_same_title_are_kept_apart():
    rows = [["Tên sản phẩm", "Lần 1", None, None], [None, "Năm", "Sao", "Năm"], ["Kẹo dừa", 2020, 3, 2021]]
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    for place in ("A1:A2", "B1:D1"):
        book.worksheets[0].merge_cells(place)

    table = read(samples.saved(book), name="ds.xlsx")

    assert labels(table) == ["Tên sản phẩm", "Lần 1 / Năm", "Lần 1 / Sao", "Lần 1 / Năm (cột D)"]


LIST = ["TT", "Tên sản phẩm", "Chủ thể", "Hạng sao", "Ghi chú"]


def listed(*lines):
    return read(samples.workbook([["DANH SÁCH"], LIST, [1, "Kẹo dừa", "HTX A", 3], *lines]), name="ds.xlsx")


def test_a_header_that_comes_again_on_the_next_page_is_no_row():
    table = listed(
        [None, "Trang 1/2"], ["DANH SÁCH"], LIST, ["(1)", "(2)", "(3)", "(4)", "(5)"], [2, "Chè", "HTX B", 4]
    )

    assert table.lines == [3, 8]
    assert whys(table)[1:] == [(4, body.PAGE), (5, body.ABOVE_AGAIN), (6, body.AGAIN), (7, body.NUMBERS)]
    assert "Dòng 6 lặp lại tiêu đề, bỏ qua." in table.notes


def test_a_header_of_two_lines_that_comes_again_is_no_row():
    upper, lower = ["TT", "Tên sản phẩm", "Hạng sao", None], [None, None, "3 sao", "4 sao"]
    book = openpyxl.Workbook()
    for row in (upper, lower, [1, "Kẹo dừa", "x", None], upper, lower, [2, "Chè", None, "x"]):
        book.worksheets[0].append(row)
    for place in ("A1:A2", "B1:B2", "C1:D1", "A4:A5", "B4:B5", "C4:D4"):
        book.worksheets[0].merge_cells(place)

    table = read(samples.saved(book), name="ds.xlsx")

    assert labels(table) == ["TT", "Tên sản phẩm", "Hạng sao / 3 sao", "Hạng sao / 4 sao"]
    assert (table.lines, whys(table)) == ([3, 6], [(4, body.AGAIN), (5, body.AGAIN)])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ([None, "Cộng chuyển trang", None, 7], body.TOTAL),
        ([None, "Mang sang", None, 7], body.TOTAL),
        ([None, "Lũy kế từ đầu năm", None, 7], body.TOTAL),
        (["Danh sách này có 12 sản phẩm./."], body.COUNT),
        (["Ghi chú"], body.REMARK),
        ([None, None, None, "An Thạnh, ngày 3 tháng 5 năm 2025"], body.SIGNATURE),
        ([None, "Người lập biểu", None, "TM. UBND XÃ"], body.SIGNATURE),
        ([None, None, None, "CHỦ TỊCH"], body.SIGNATURE),
        ([None, None, None, "- 2 -"], body.PAGE),
    ],
)
def test_what_offices_write_below_and_between_rows_is_no_row(line, why):
    table = listed([2, "Chè", "HTX B", 4], line)

    assert table.lines == [3, 4]
    assert whys(table)[-1] == (5, why)


def test_lines_below_a_remark_belong_to_it_until_the_next_row():
    table = listed(["Lưu ý:"], ["- Hạng sao theo Quyết định 26"], [2, "Chè", "HTX B", 4], ["- Hết"])

    assert (table.lines, whys(table)[1:]) == ([3, 6, 7], [(4, body.REMARK), (5, body.REMARK)])


def test_the_headings_of_parts_are_kept_as_a_column():
    table = listed(["Xã Hương Mỹ (2 sản phẩm)"], [2, "Chè", "HTX B", 4], ["B", "Nhóm đồ uống"], [3, "Trà", "HTX B", 4])

    assert labels(table) == [*LIST, HEADINGS]
    assert [row[5] for row in table.rows] == [None, "Xã Hương Mỹ", "Nhóm đồ uống"]
    assert table.places == (*"ABCDE", "")


def merged_in_ods() -> bytes:
    cells = [["Tên", "Chủ thể"], ["Kẹo dừa", "HTX A"], ["Chè", ""], ["Mật ong", "HTX B"]]
    spans = {(1, 1): 'table:number-rows-spanned="2" table:number-columns-spanned="1"'}
    rows = "".join(
        "<table:table-row>"
        + "".join(
            samples.ods_cell(text, spans.get((line, at), "")) if text else "<table:covered-table-cell/>"
            for at, text in enumerate(row)
        )
        + "</table:table-row>"
        for line, row in enumerate(cells)
    )
    return samples.ods(f'<table:table-column/><table:table-column table:visibility="collapse"/>{rows}')


def merged_in_xlsb() -> bytes:
    rows = [("Tên", "Chủ thể"), ("Kẹo dừa", "HTX A"), ("Chè",), ("Mật ong", "HTX B")]
    cells = b"".join(
        samples.brt_row(line) + b"".join(samples.brt_text(at, text) for at, text in enumerate(row))
        for line, row in enumerate(rows)
    )
    return samples.xlsb(cells, merged=(1, 2, 1, 1), hidden=(1, 1))


@pytest.mark.parametrize("made", [merged_in_ods, merged_in_xlsb])
def test_merged_cells_and_hidden_columns_are_seen_in_the_other_kinds_of_workbooks(made):
    table = read(made(), name="ds")

    assert [row[1] for row in table.rows] == ["HTX A", "HTX A", "HTX B"]
    assert "Đã điền 1 ô nằm trong ô gộp theo giá trị của ô gộp." in table.notes
    assert "Trang tính có 1 cột ẩn (cột B), vẫn được đọc." in table.notes


def test_a_second_table_below_the_first_is_left_out_whole_and_said():
    table = listed([], ["B. CHỦ THỂ"], ["TT", "Tên chủ thể", "Loại hình"], [1, "HTX A", "HTX"], [2, "HTX B", "HTX"])

    assert table.lines == [3]
    assert [line for line, why in whys(table) if why == body.OTHER] == [6, 7, 8]
    assert table.notes[-1].startswith("Từ dòng 6 là bảng khác (“TT | Tên chủ thể | Loại hình”), không đọc.")


def test_the_first_of_two_tables_is_read_though_the_second_has_more_columns():
    first, second = ["STT", "Tên HTX", "Xã"], ["STT", "Tên doanh nghiệp", "MST", "Xã"]
    rows = [
        ["I. HỢP TÁC XÃ"],
        first,
        [1, "HTX A", "Thạnh Hải"],
        ["II. DOANH NGHIỆP"],
        second,
        [1, "Công ty B", "1", "C"],
    ]

    table = read(samples.workbook(rows), name="x.xlsx", known=("Tên HTX", "Tên doanh nghiệp", "MST", "Xã"))

    assert [row[1] for row in table.rows] == ["HTX A"]
    assert any(note.startswith("Từ dòng 5 là bảng khác") for note in table.notes)


def test_a_second_table_without_row_numbers_is_known_by_its_titles():
    rows = [["Tên HTX", "Xã"], ["HTX A", "Thạnh Hải"], ["Xã", "Tên doanh nghiệp", "Người lập"], ["C", "Công ty B", "D"]]

    table = read(samples.workbook(rows), name="x.xlsx", known=("Tên HTX", "Tên doanh nghiệp", "Xã"))

    assert table.rows == [("HTX A", "Thạnh Hải")]
    assert any(note.startswith("Từ dòng 3 là bảng khác") for note in table.notes)


def test_a_header_that_comes_again_with_another_title_ends_no_table():
    rows = [["STT", "Tên HTX", "Xã", "Năm"], [1, "A", "B", 2024], ["TT", "Tên HTX", "Xã", "Năm"], [2, "C", "D", 2025]]

    table = read(samples.workbook(rows), name="x.xlsx", known=("Tên HTX", "Xã", "Năm"))

    assert [row[1] for row in table.rows] == ["A", "C"]
    assert "Dòng 3 lặp lại tiêu đề, bỏ qua." in table.notes


def test_a_line_of_titles_right_below_the_header_ends_no_table():
    rows = [["Tên HTX", "Xã", "Năm"], ["Tên", "Tên xã", "Ghi năm"], ["HTX A", "Thạnh Hải", 2024]]

    table = read(samples.workbook(rows), name="x.xlsx", known=("Tên HTX", "Tên", "Xã", "Tên xã", "Năm"))

    assert table.rows[-1] == ("HTX A", "Thạnh Hải", 2024)


def test_lines_that_say_whose_list_it_is_are_no_table_above():
    above = ["Tỉnh:", "Bến Tre", "Huyện:", "Thạnh Phú"], ["Năm:", 2025]
    rows = [*above, ["Tên HTX", "Xã", "Loại"], ["HTX A", "Thạnh Hải", "HTX"]]

    table = read(samples.workbook(rows), name="x.xlsx", known=("Tên HTX", "Xã", "Loại", "Tỉnh", "Huyện"))

    assert (table.rows, table.notes) == ([("HTX A", "Thạnh Hải", "HTX")], ())


def test_a_smaller_table_above_is_left_out_and_said():
    wide = ["Mã", "Tên", "Xã", "Huyện", "Tỉnh", "Năm"]
    rows = [["Tên", "Xã"], ["HTX A", "Thạnh Hải"], [], wide, [1, "HTX B", "C", "D", "E", 2024]]

    table = read(samples.workbook(rows), name="x.xlsx", known=wide)

    assert [row[1] for row in table.rows] == ["HTX B"]
    assert any(note.startswith("Từ dòng 1 là bảng khác (“Tên | Xã”), không đọc.") for note in table.notes)


def test_a_second_line_of_a_header_may_begin_with_a_number():
    upper, lower = ["TT", "Tên sản phẩm", "Hạng sao", None, None], [None, None, "3 sao", "4 sao", "5 sao"]

    table = read(samples.workbook([upper, lower, [1, "Kẹo dừa", "x", None, None]]), name="ds.xlsx")

    assert labels(table) == ["TT", "Tên sản phẩm", *(f"Hạng sao / {stars} sao" for stars in (3, 4, 5))]
    assert table.lines == [3]


def test_headings_with_counts_below_a_header_of_two_lines_are_no_rows_where_there_are_rows():
    upper, lower = ["TT", "Tên sản phẩm", "Hạng sao", None, None], [None, None, "3 sao", "4 sao", "5 sao"]
    counted, ticked = ["I", "Xã An Thạnh (2)", 1, 1, 0], [1, "Kẹo dừa", "x", None, None]
    total = ["Cộng", None, 1, 1, 0]

    table = read(samples.workbook([upper, lower, counted, ticked, ["II", "Chè", None, 1, None], total]), name="ds.xlsx")
    roman = read(samples.workbook([upper, lower, counted, ["II", "Xã An Quy", 2, 0, 1]]), name="ds.xlsx")

    assert (table.lines, whys(table)) == ([4, 5], [(3, body.SECTION), (6, body.TOTAL)])
    assert [row[-1] for row in table.rows] == ["Xã An Thạnh"] * 2
    assert (roman.lines, roman.rows[1]) == ([3, 4], ("II", "Xã An Quy", 2, 0, 1))


def test_a_line_that_stands_as_a_heading_stood_is_a_heading_too():
    content = samples.workbook([
        ["STT", "Tên sản phẩm", "Tên chủ thể"],
        [None, "Xã Thạnh Hải"],
        [1, "Khô cá đù", "Cơ sở khô Hai Mến"],
        [None, "Thạnh Phong"],
        [1, "Mắm còng", "Cơ sở mắm Tư Hường"],
    ])  # fmt: skip

    table = read(content, name="sp.xlsx", known=COLUMNS)

    assert (table.lines, whys(table)) == ([3, 5], [(2, body.SECTION), (4, body.SECTION)])
    assert [row[-1] for row in table.rows] == ["Xã Thạnh Hải", "Thạnh Phong"]


def test_a_text_alone_is_a_row_where_no_heading_stood_so_or_no_row_has_a_number():
    rows = [["Tên sản phẩm", "Tên chủ thể", "Ghi chú"], ["Khô cá đù", "Cơ sở khô Hai Mến"], ["Khô mực"]]
    numbered = [["STT", *rows[0]], [1, *rows[1]], [None, *rows[2]]]
    headed = [rows[0], ["Xã Thạnh Hải"], *rows[1:]]

    tables = [read(samples.workbook(each), name="sp.xlsx", known=COLUMNS) for each in (numbered, headed)]

    assert [table.lines for table in tables] == [[2, 3], [3, 4]]
