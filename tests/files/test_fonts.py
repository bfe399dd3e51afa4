"""Text for old fonts becomes Unicode where it is that, is told, and Unicode is never touched."""

import unicodedata

import openpyxl
import pytest
from openpyxl.styles import Font

from app.files import fonts, read
from app.files.fonts import Charset
from app.files.refusals import NotUtf8
from tests.files import samples

BASES = "aăâeêioôơuưy"
TONES = ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323")
LETTERS = [unicodedata.normalize("NFC", base + tone) for base in BASES for tone in TONES] + ["đ"]
MARKED = [letter for letter in LETTERS if not letter.isascii()]


def spelled(letter: str, charset: Charset) -> list[str]:
    """Every way of one or two Western letters that shows as this letter."""
    western = [chr(code) for code in range(0xA1, 0x100)]
    ways = [*western, *(a + b for a in "aeouyôöAEOUYÔÖ" for b in western)]
    return [way for way in ways if fonts.to_unicode(way, charset) == letter]


@pytest.mark.parametrize("letter", MARKED)
def test_every_vietnamese_letter_comes_out_of_the_old_fonts(letter):
    assert len(MARKED) == 67
    ways = spelled(letter, Charset.TCVN3)
    assert len(set(ways) - {letter}) == 1 or ways == ["ý"]  # the one letter that stands where Western fonts have it
    assert len(spelled(letter.upper(), Charset.TCVN3_CAPITALS)) >= 1
    assert len(spelled(letter, Charset.VNI)) >= 1
    assert len(spelled(letter.upper(), Charset.VNI)) >= 1


@pytest.mark.parametrize(
    ("charset", "typed", "shown"),
    [
        (Charset.TCVN3, "BÕn Tre", "Bến Tre"),
        (Charset.TCVN3, "Céng hoµ x· héi chñ nghÜa ViÖt Nam", "Cộng hoà xã hội chủ nghĩa Việt Nam"),
        (Charset.TCVN3, "ph\u00adêng §ång Khëi", "phường Đồng Khởi"),
        (Charset.TCVN3, "B¸NH TR¸NG", "BÁNH TRÁNG"),
        (Charset.TCVN3_CAPITALS, "kÑo dõa", "KẸO DỪA"),
        (Charset.TCVN3_CAPITALS, "Ba Tri", "Ba Tri"),
        (Charset.VNI, "Beán Tre", "Bến Tre"),
        (Charset.VNI, "Thaønh phoá Hoà Chí Minh", "Thành phố Hồ Chí Minh"),
        (Charset.VNI, "PHÖÔØNG ÑOÀNG KHÔÛI", "PHƯỜNG ĐỒNG KHỞI"),
    ],
)
def test_text_reads_as_its_font_shows_it(charset, typed, shown):
    assert fonts.to_unicode(typed, charset) == shown


@pytest.mark.parametrize(
    ("font", "charset"),
    [(".VnTime", 1), (".VnTimeH", 2), (".VnArial Narrow", 1), ("VNI-Times", 3), ("Times New Roman", None)],
)
def test_a_font_tells_its_charset_by_its_name(font, charset):
    assert fonts.of_font(font) == charset


@pytest.mark.parametrize(
    "text", ["Tôm khô", "toán", "Hoà Lộc", "5 µm", "10×15 cm", "Café", "naïve", "Ocop®", "½ kg", "São"]
)
def test_what_is_unicode_already_is_left_alone(text):
    table = read(f"Mã,Tên\n1,{text}\n".encode(), name="x.csv")

    assert table.rows == [("1", text)]
    assert table.conversions == ()


def test_the_font_of_a_cell_decides_and_every_change_is_told():
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["M· x·", "Tªn x·", "Ghi chú"], ["28756", "X· Hßa Léc", "Xã Hòa Lộc"], ["28757", "Xã Phú Khương", ""]):
        sheet.append(row)
    for row in sheet["A1:B3"]:
        for cell in row:
            cell.font = Font(name=".VnTime")
    content = samples.saved(book)

    table, kept = read(content, name="x.xlsx"), read(content, name="x.xlsx", convert=False)

    assert [column.label for column in table.columns] == ["Mã xã", "Tên xã", "Ghi chú"]
    assert table.rows == [("28756", "Xã Hòa Lộc", "Xã Hòa Lộc"), ("28757", "Xã Phú Khương", None)]
    assert table.conversions[-1] == (2, "Tên xã", "X· Hßa Léc", "Xã Hòa Lộc")
    assert table.notes == ("Tiêu đề cột đã đổi từ bảng mã TCVN3 sang Unicode: “M· x·” → “Mã xã”.",)
    assert kept.rows[0][1] == "X· Hßa Léc"
    assert kept.conversions == ()
    assert "Có 3 ô dùng bảng mã TCVN3, giữ nguyên" in kept.notes[0]


@pytest.mark.parametrize(("typed", "charset"), [("HuyÖn Má Cµy Nam", "TCVN3"), ("Huyeän Moû Caøy Nam", "VNI")])
def test_without_a_font_the_letters_decide(typed, charset):
    table = read(f"Mã huyện,Tên huyện\n837,{typed}\n838,Huyện Ba Tri\n".encode(), name="x.csv")

    assert table.rows == [("837", "Huyện Mỏ Cày Nam"), ("838", "Huyện Ba Tri")]
    assert table.conversions == ((2, "Tên huyện", typed, "Huyện Mỏ Cày Nam"),)
    unchanged = read(f"Mã huyện,Tên huyện\n837,{typed}\n838,Huyện Ba Tri\n".encode(), name="x.csv", convert=False)
    assert f"bảng mã {charset}, giữ nguyên" in unchanged.notes[0]


def test_a_csv_of_an_old_font_is_read_by_its_letters_and_each_cell_told():
    text = "M· x·;Tªn s¶n phÈm;Chñ thÓ\n29182;KÑo dõa bÐo;Hîp t¸c x· H\u00ad¬ng Mü\n29182;B¸nh tÐt;C¬ së ót H¹nh\n"

    table = read(text.encode("latin-1"), name="san-pham.csv")

    assert [column.label for column in table.columns] == ["Mã xã", "Tên sản phẩm", "Chủ thể"]
    assert table.rows[0] == ("29182", "Kẹo dừa béo", "Hợp tác xã Hương Mỹ")
    assert (2, "Tên sản phẩm", "KÑo dõa bÐo", "Kẹo dừa béo") in table.conversions


def test_a_csv_of_a_western_language_is_no_old_font():
    text = "Nom;Prénom\nLefèvre;Benoît\nGarçon;Hélène\nChâtel;Zoé\n"
    with pytest.raises(NotUtf8):
        read(text.encode("latin-1"), name="noms.csv")
