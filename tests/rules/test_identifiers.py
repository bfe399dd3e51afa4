"""Tax codes: length, check digit, branches. Source: DOMAIN §5.2. The numbers are made up."""

import pytest

from models import Entity
from models.rules.identifiers import email_problem, phone_problem, tax_code_problem, tax_code_written


@pytest.mark.parametrize(
    "code",
    ["9900000016", "9900000023", "9900000016-001", "9900000016-999", "9900000016001", "099000000001", "9900 000 016"],
)
def test_a_right_tax_code_is_taken(code: str) -> None:
    assert tax_code_problem(code) is None


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("9900000017", "sai số kiểm tra"),
        ("9900000061", "sai số kiểm tra"),
        ("9900000017-001", "sai số kiểm tra"),
        ("9900000016-000", "từ 001 đến 999"),
        ("990000001", "có 9 chữ số"),
        ("99000000160", "có 11 chữ số"),
        ("301234562-001", "9 chữ số trước dấu gạch"),
        ("99000000160011", "có 14 chữ số"),
        ("MST9900000016", "chỉ gồm chữ số"),
        ("", "chỉ gồm chữ số"),
    ],
)
def test_a_wrong_tax_code_is_named_with_what_is_wrong(code: str, why: str) -> None:
    assert why in (tax_code_problem(code) or "")


def test_every_ten_digit_number_has_at_most_one_check_digit() -> None:
    for base in ("990000001", "123456789", "000000000", "999999999"):
        fitting = [digit for digit in range(10) if tax_code_problem(f"{base}{digit}") is None]
        assert len(fitting) <= 1, base


def test_a_sentence_ends_and_says_what_to_do_next() -> None:
    for code in ("x", "1", "9900000017", "9900000016-000"):
        assert (tax_code_problem(code) or "").endswith(".")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" 9900 000 016 ", "9900000016"),
        ("9900000016001", "9900000016-001"),
        ("9900000016 - 001", "9900000016-001"),
        ("99000000-16", "9900000016"),
        ("099000000001", "099000000001"),
        ("301234562 - 001", "301234562-001"),
        ("MST 9900000016", "MST9900000016"),
    ],
)
def test_a_tax_code_is_kept_in_one_way(typed: str, kept: str) -> None:
    assert tax_code_written(typed) == kept
    assert Entity(tax_code=typed).tax_code == kept


def test_no_tax_code_stays_none() -> None:
    assert Entity(tax_code="  ").tax_code is None
    assert Entity(tax_code=None).tax_code is None


@pytest.mark.parametrize(
    "phone",
    [
        "0275 3870 001",
        "02753870001",
        "+84 (275) 3870.001",
        "0913-000-142",
        "0913000142, 0913000143; 3870001/002",
        "19001234",
    ],
)
def test_a_telephone_is_taken_as_offices_write_it(phone: str) -> None:
    assert phone_problem(phone) is None
    assert list(Entity(phone=phone).faults()) == []


@pytest.mark.parametrize(
    ("phone", "why"), [("abc", "Chỉ ghi chữ số"), ("0275 1", "có 5 chữ số"), ("0913 / 0914", "có 4")]
)
def test_what_is_no_telephone_is_said(phone: str, why: str) -> None:
    assert why in (phone_problem(phone) or "")
    assert [name for name, _ in Entity(phone=phone).faults()] == ["phone"]


@pytest.mark.parametrize(
    "email", ["khong-phai-email", "a@b", "a b@c.vn", "a@b@c.vn", "@c.vn", "a@.vn", "a@c.vn, b@c.vn"]
)
def test_what_is_no_address_of_mail_is_said(email: str) -> None:
    assert "Ghi một địa chỉ như" in (email_problem(email) or "")
    assert [name for name, _ in Entity(email=email).faults()] == ["email"]
    assert email_problem("htx.thanhphu@nongnghiep.bentre.gov.vn") is None
