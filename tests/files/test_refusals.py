"""Every file that cannot be taken is refused in words, at once, and without taking the process down."""

import codecs
import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from app.errors import OcopError
from app.files import MAX_BYTES, FileRefused, read
from app.files import refusals as refused
from tests.files import samples
from tests.files.samples import HEADER_ROW

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(60)
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb0043") + bytes(64)
EXE = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff" + bytes(200)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
HTML = "<html><body><table><tr><td>Mã xã</td><td>Tên xã</td></tr></table></body></html>".encode()
BILLION_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
TWO_BYTES_MISSING = samples.workbook([["Mã xã", "Tên xã"], ["28756", "Phường Phú Khương"]])[:-2]


SHEET = "xl/worksheets/sheet1.xml"
SHEET_XML = "<worksheet><sheetData>" + HEADER_ROW * 9 + "</sheetData></worksheet>"


def without_its_sheet() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(samples.raw_xlsx(HEADER_ROW))) as whole, zipfile.ZipFile(buffer, "w") as archive:
        for path in whole.namelist():
            if path != SHEET:
                archive.writestr(path, whole.read(path))
    return buffer.getvalue()


def with_half_its_texts() -> bytes:
    cells = "".join(f'<c r="{place}1" t="s"><v>{n}</v></c>' for n, place in enumerate("ABCD"))
    texts = "".join(f"<si><t>Tên {n}</t></si>" for n in range(4))
    more = {
        "xl/sharedStrings.xml": f'<sst xmlns="{samples.MAIN}">{texts}'[:-20],
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{samples.PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{samples.RELATIONSHIPS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{samples.RELATIONSHIPS}/sharedStrings" Target="sharedStrings.xml"/>'
        "</Relationships>",
    }
    return samples.raw_xlsx(f'<row r="1">{cells}</row>', more=more)


def docx() -> bytes:
    return samples.zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": "<document/>"})


def lying_about_its_size() -> bytes:
    """A part of 20 MB of which the directory says 100 bytes."""
    content = bytearray(samples.raw_xlsx(HEADER_ROW, more={"xl/notes.xml": "a" * 20_000_000}))
    size = struct.pack("<I", 20_000_000)
    while (place := content.find(size)) >= 0:
        content[place : place + 4] = struct.pack("<I", 100)
    return bytes(content)


def with_a_part_twice() -> bytes:
    content = samples.raw_xlsx(HEADER_ROW, more={"xl/worksheets/sheeT1.xml": "<worksheet/>"})
    return content.replace(b"sheeT1", b"sheet1")


def zip_password() -> bytes:
    """The mark of an encrypted part in the directory and before the part."""
    content = bytearray(samples.raw_xlsx(HEADER_ROW))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := content.find(signature, place + 1)) >= 0:
            content[place + offset] |= 1
    return bytes(content)


FAR_CELL = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
FAR_CELL_OF_A_LIAR = '<row r="2"><c r="XFD1048576"><v>1</v></c></row>'
FAR_ROW_WITHOUT_REFERENCES = '<row r="1048576">' + "<c><v>1</v></c>" * 16_384 + "</row>"
ODS_HEADER = f"<table:table-row>{samples.ods_cell('Mã xã')}{samples.ods_cell('Tên xã')}</table:table-row>"
ODS_REPEATED = (
    '<table:table-row table:number-rows-repeated="1048570">'
    + samples.ods_cell("x", 'table:number-columns-repeated="16384"')
    + "</table:table-row>"
)
BRT_HEADER = samples.brt_row(0) + samples.brt_text(0, "Mã xã") + samples.brt_text(1, "Tên xã")
XLS_HEADER = samples.xls_text(0, 0, "Mã xã") + samples.xls_text(0, 1, "Tên xã")
XLS_FILLED = XLS_HEADER + b"".join(samples.xls_text(row, row % 2, "x") for row in range(1, 200))

BAD: dict[str, tuple[type[FileRefused], Callable[[], bytes]]] = {
    "empty": (refused.EmptyFile, lambda: b""),
    "too large": (refused.FileTooLarge, lambda: b"a," * (MAX_BYTES // 2 + 1)),
    "a PDF": (refused.OtherKind, lambda: PDF),
    "a programme": (refused.OtherKind, lambda: EXE),
    "a PNG": (refused.OtherKind, lambda: PNG),
    "a JPEG": (refused.OtherKind, lambda: JPEG),
    "a web page": (refused.OtherKind, lambda: HTML),
    "a Word file": (refused.OtherKind, docx),
    "an old Word file": (refused.OtherKind, lambda: samples.ole({"WordDocument": b"x"})),
    "unknown bytes": (refused.NotATable, lambda: b"\x01\x02\0" * 50),
    "an OpenDocument text": (
        refused.OtherKind,
        lambda: samples.zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}),
    ),
    "an encrypted .xlsx": (
        refused.PasswordProtected,
        lambda: samples.ole({"EncryptionInfo": bytes(300), "EncryptedPackage": bytes(9000)}),
    ),
    "an encrypted .xls": (
        refused.PasswordProtected,
        lambda: samples.xls(XLS_HEADER, globals_=samples.record(0x002F, bytes(54))),
    ),
    "an encrypted zip": (refused.PasswordProtected, zip_password),
    "a bomb of 300 MB": (
        refused.TooLargeInside,
        lambda: samples.raw_xlsx(HEADER_ROW, more={"xl/media/a.bin": bytes(300_000_000)}),
    ),
    "a bomb of 30 MB, a thousandfold": (
        refused.TooLargeInside,
        lambda: samples.raw_xlsx(HEADER_ROW + " " * 30_000_000),
    ),
    "a lie about size": (refused.BrokenFile, lying_about_its_size),
    "a part twice": (refused.BrokenFile, with_a_part_twice),
    "an entity bomb": (refused.ForbiddenContent, lambda: samples.raw_xlsx(HEADER_ROW, prolog=BILLION_LAUGHS)),
    "a DTD behind a long comment": (
        refused.ForbiddenContent,
        lambda: samples.raw_xlsx(HEADER_ROW, prolog=f"<!--{'đ' * 700_000}-->{BILLION_LAUGHS}"),
    ),
    "UTF-16 inside": (
        refused.BrokenFile,
        lambda: samples.raw_xlsx(HEADER_ROW, more={"xl/sharedStrings.xml": "<sst/>".encode("utf-16")}),
    ),
    "a value in the last cell": (refused.SheetTooWide, lambda: samples.raw_xlsx(HEADER_ROW + FAR_CELL)),
    "the same in a row that says 2": (
        refused.SheetTooWide,
        lambda: samples.raw_xlsx(HEADER_ROW + FAR_CELL_OF_A_LIAR),
    ),
    "the same without references": (
        refused.SheetTooWide,
        lambda: samples.raw_xlsx(HEADER_ROW + FAR_ROW_WITHOUT_REFERENCES),
    ),
    "the same in .ods": (refused.SheetTooWide, lambda: samples.ods(ODS_HEADER + ODS_REPEATED)),
    "the same in .xlsb": (
        refused.SheetTooWide,
        lambda: samples.xlsb(BRT_HEADER + samples.brt_row(1_048_575) + samples.brt_text(16_383, "x")),
    ),
    "the same in .xls": (
        refused.SheetTooWide,
        lambda: samples.xls(XLS_HEADER + samples.xls_text(65_535, 255, "x")),
    ),
    "cut off": (refused.CutOff, lambda: TWO_BYTES_MISSING),
    "cut in half": (refused.CutOff, lambda: TWO_BYTES_MISSING[: len(TWO_BYTES_MISSING) // 2]),
    "an .xls cut off": (refused.BrokenFile, lambda: samples.xls(XLS_HEADER)[:1600]),
    "unreadable XML": (refused.BrokenSheet, lambda: samples.raw_xlsx(HEADER_ROW + "<row><c r='A2'>")),
    "a sheet cut off": (
        refused.BrokenSheet,
        lambda: samples.raw_xlsx("", more={SHEET: SHEET_XML[: len(SHEET_XML) // 2]}),
    ),
    "a sheet cut off before its rows": (refused.BrokenSheet, lambda: samples.raw_xlsx("", more={SHEET: "<worksheet>"})),
    "an end of another tag": (
        refused.BrokenSheet,
        lambda: samples.raw_xlsx("", more={SHEET: SHEET_XML.replace("</row>", "</wor>", 1)}),
    ),
    "an empty sheet": (refused.BrokenSheet, lambda: samples.raw_xlsx("", more={SHEET: ""})),
    "a sheet that is not there": (refused.BrokenSheet, without_its_sheet),
    "shared texts cut off": (refused.BrokenFile, with_half_its_texts),
    "a web page with a mark of its encoding": (refused.OtherKind, lambda: codecs.BOM_UTF8 + b"\n<table><tr><td>a"),
    "an endless quotation": (refused.BrokenFile, lambda: b'a,b\n"' + b"c" * 200_000),
    "no header": (refused.NoHeader, lambda: samples.workbook([[1, 2], [3, 4]])),
    "no header in CSV": (refused.NoHeader, lambda: b"1,2\n3,4\n"),
    "nothing in it": (refused.NoHeader, lambda: samples.workbook([])),
    "only blank lines": (refused.NoHeader, lambda: b"\n" * 200_000),
    "more lines than Excel has": (refused.TooManyRows, lambda: b"\n" * 20_000_000),
    "an old encoding": (
        refused.NotUtf8,
        lambda: "Mã xã,Tên\n".encode("cp1258", "replace") + b"\xd3\xb5,\xa8\n",
    ),
}


HEAVY = (
    *("a bomb of 300 MB", "a bomb of 30 MB, a thousandfold", "a lie about size", "an entity bomb"),
    *("a value in the last cell", "the same in .ods", "the same in .xlsb", "more lines than Excel has"),
)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_in_words(kind):
    reason, make = BAD[kind]
    content = make()

    with pytest.raises(reason) as refusal:
        read(content, name="danh-sach.xlsx")

    assert type(refusal.value) is reason
    assert isinstance(refusal.value, OcopError)
    assert str(refusal.value).endswith(".")
    assert "{" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [(PDF, "là tệp PDF"), (PNG, "là tệp ảnh"), (EXE, "là tệp chương trình"), (HTML, "là trang web")],
)
def test_a_file_of_another_kind_is_called_by_its_name(content, said):
    with pytest.raises(refused.OtherKind, match=f"“danh-sach.xlsx” {said}, không phải bảng tính Excel hay CSV"):
        read(content, name="danh-sach.xlsx")


def test_a_file_of_200_mb_is_refused_without_being_read(tmp_path: Path):
    path = tmp_path / "lon.xlsx"
    with path.open("wb") as file:
        file.truncate(250 * 1024**2)

    with pytest.raises(refused.FileTooLarge, match="250 MB, quá 20 MB"):
        read(path, name=path.name)


def test_a_missing_sheet_is_answered_with_those_there_are():
    content = samples.workbooks({"Xã": [["Mã xã", "Tên xã"]], "Huyện": [["Mã huyện", "Tên huyện"]]})

    with pytest.raises(refused.SheetNotFound, match=r"“Tỉnh”\. Các trang tính có trong tệp: “Xã”, “Huyện”"):
        read(content, name="xa.xlsx", sheet="Tỉnh")


@cache
def a_million_blank_rows() -> bytes:
    blanks = "".join(f'<row r="{n}"><c r="A{n}" s="1"/><c r="O{n}" s="1"/></row>' for n in range(3, 1_048_577))
    row = '<row r="2"><c r="A2" t="inlineStr"><is><t>28756</t></is></c></row>'
    return samples.raw_xlsx(HEADER_ROW + row + blanks)


def test_a_million_formatted_blank_rows_do_no_harm():
    table = read(a_million_blank_rows(), name="xa.xlsx")

    assert list(table.rows) == [("28756", None)]


GROWTH = """
import resource, sys
from pathlib import Path
from app.files import FileRefused, read

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

path = Path(sys.argv[1])
read(b"a,b\\n1,2\\n", name="first.csv")
before = most()
try:
    read(path, name=path.name)
except FileRefused:
    pass
print(most() - before)
"""


@pytest.mark.parametrize("kind", [*HEAVY, "a million formatted blank rows", "250 MB"])
def test_no_file_takes_the_memory_of_the_machine(tmp_path: Path, kind: str):
    path = tmp_path / "lon.xlsx"
    if kind == "250 MB":
        with path.open("wb") as file:
            file.truncate(250 * 1024**2)
    else:
        path.write_bytes(a_million_blank_rows() if kind.startswith("a million") else BAD[kind][1]())

    grown = subprocess.run(
        [sys.executable, "-c", GROWTH, str(path)], check=True, capture_output=True, text=True, timeout=120
    )

    assert int(grown.stdout) < 400  # MB; a bomb of 4 MB made 2,600 of it before it was looked into


def test_files_damaged_anywhere_are_read_or_refused_and_nothing_else():
    whole = samples.workbook([["Mã xã", "Tên xã"], *([str(n), "Phường Phú Khương"] for n in range(30))])
    old = samples.xls(XLS_FILLED)

    for content in (whole, old):
        for place in range(0, len(content), max(1, len(content) // 150)):
            damaged = bytearray(content)
            damaged[place] ^= 0xFF
            try:
                read(bytes(damaged), name="xa.xlsx")
            except FileRefused as refusal:
                assert str(refusal).endswith(".")  # noqa: PT017  # either outcome is right, any other error is not


def test_the_samples_are_what_they_claim_to_be(tmp_path: Path):
    path = tmp_path / "lie.xlsx"
    path.write_bytes(lying_about_its_size())

    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("xl/notes.xml").file_size == 100
