"""Titles of what we write into workbooks ourselves, so that it is not taken for data when it comes back."""

INPUT_SHEET = "Nhập liệu"
GUIDE_SHEET = "Hướng dẫn"
LISTS_SHEET = "Danh sách chọn"
FAULTS_SHEET = "Lỗi cần sửa"
OWN_SHEETS = frozenset({GUIDE_SHEET, LISTS_SHEET, FAULTS_SHEET})

RESULT = "Kết quả"
# Where the sender has a column of that name.
RESULT_BESIDE = "Kết quả nhập"
AUTHOR = "OCOP"

# Folded titles of a sender's own row numbers.
ROW_NUMBERS = frozenset({"stt", "tt", "so tt", "so thu tu"})
# Title of the column that says of each row under which heading of a part it stood.
HEADINGS = "Dòng mục"
