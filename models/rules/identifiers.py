"""Numbers that others give: tax codes (source: DOMAIN §5.2), telephones, addresses of mail."""

import re

_SHORT_BRANCH = re.compile(r"[0-9]{9}-[0-9]{3}")
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def tax_code_written(code: str) -> str:
    """The one way a tax code is kept: digits only, a branch as 0123456789-001; other text only without spaces.

    Spaces, hyphens and dots that group digits are left out, but not the hyphen of a branch that lost its first zero:
    twelve digits would be a person's number.
    """
    written = "".join(code.split())
    if _SHORT_BRANCH.fullmatch(written):
        return written
    digits = written.replace("-", "").replace(".", "")
    if not digits.isdecimal():
        return written
    return f"{digits[:10]}-{digits[10:]}" if len(digits) == 13 else digits


def tax_code_problem(code: str) -> str | None:
    """What is wrong with a tax code, as a sentence; None when nothing is.

    10 digits with a check digit; 13, written 0123456789-001, for a branch; 12 digits are a person's number
    (households since 01/07/2025) and carry no check digit.
    """
    digits = code.replace("-", "").replace(" ", "").replace(".", "")
    if not digits.isdecimal():
        return "Mã số thuế chỉ gồm chữ số; chi nhánh ghi như 0123456789-001."
    if _SHORT_BRANCH.fullmatch("".join(code.split())):
        return f"Mã chi nhánh {code} có 9 chữ số trước dấu gạch; cần 10. Excel có thể làm mất số 0 ở đầu."
    if len(digits) not in (10, 12, 13):
        return f"Mã số thuế có {len(digits)} chữ số; cần 10, 12 hoặc 13."
    if len(digits) == 12:
        return None
    if len(digits) == 13 and digits[10:] == "000":
        return "Ba số cuối của mã chi nhánh phải từ 001 đến 999."
    check = 10 - sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=False)) % 11
    if check != int(digits[9]):
        return f"Mã số thuế {code} sai số kiểm tra (chữ số thứ 10). Xem lại trên giấy đăng ký."
    return None


def phone_problem(phone: str) -> str | None:
    """What is wrong with a telephone number, or several with a comma, semicolon or slash between; None when nothing."""
    first = re.split(r"[,;/]", phone)[0]
    if not re.fullmatch(r"[0-9 +().,;/-]+", phone):
        return (
            f"Điện thoại “{phone}” chưa đúng. Chỉ ghi chữ số và các dấu + ( ) . - ; nhiều số cách nhau bằng dấu phẩy."
        )
    if (digits := sum(c.isdigit() for c in first)) < 8:
        return f"Điện thoại “{phone}” có {digits} chữ số; cần ít nhất 8, kể cả mã vùng."
    return None


def email_problem(email: str) -> str | None:
    if not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", email.strip()):
        return f"Thư điện tử “{email}” chưa đúng. Ghi một địa chỉ như htx.thanhphu@gmail.com."
    return None
