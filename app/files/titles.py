"""Titles of what we write into workbooks ourselves, so that it is not taken for data when it comes back."""

from models.rules.places import NO_DISTRICTS_FROM
from models.rules.words import day

INPUT_SHEET = "Nhập liệu"
GUIDE_SHEET = "Hướng dẫn"
LISTS_SHEET = "Danh sách chọn"
FAULTS_SHEET = "Lỗi cần sửa"
OWN_SHEETS = frozenset({GUIDE_SHEET, LISTS_SHEET, FAULTS_SHEET})

# Senders have sheets of that name too.
ABOUT_SHEET = "Thông tin"
ABOUT_COLUMNS = ("Mục", "Nội dung")
# On that sheet: the day whose names the places of a list have.
NAMED_AS_OF = "Địa danh tính đến ngày"
# What a list says of a place beside its name of that day; never read back.
FORMER_DISTRICT = f"Huyện (trước {day(NO_DISTRICTS_FROM)})"
FORMER_PLACE = "Trước sắp xếp đơn vị"
FORMER_PLACES = frozenset({FORMER_DISTRICT, FORMER_PLACE})

RESULT = "Kết quả"
# Where the sender has a column of that name.
RESULT_BESIDE = "Kết quả nhập"
AUTHOR = "OCOP"

# Folded titles of a sender's own row numbers.
ROW_NUMBERS = frozenset({"stt", "tt", "so tt", "so thu tu"})
# Title of the column that says of each row under which heading of a part it stood.
HEADINGS = "Dòng mục"
