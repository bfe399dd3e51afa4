"""What one cell says of a place."""

import pytest

from models.rules.addresses import Address, WiderNames, name_flaw, read_address


@pytest.mark.parametrize("name", ["=1+1", "+84", "-An Thạnh", "@SUM(A1)", "“An Thạnh”"])
def test_a_formula_is_no_name(name: str) -> None:
    assert name in name_flaw(name)


@pytest.mark.parametrize("name", ["Xã An Thạnh, huyện Thạnh Phú", "Đại Điền (Thạnh Phú)", "Xã An Thạnh tỉnh Bến Tre"])
def test_an_address_is_no_name(name: str) -> None:
    assert "nhiều hơn tên đơn vị" in name_flaw(name)


@pytest.mark.parametrize(
    "name", ["Xã An Thạnh", "8", "Ấp Bắc", "Thị xã Duyên Hải", "Tỉnh Bà Rịa - Vũng Tàu", "Thành phố Huế"]
)
def test_a_name_begins_with_a_letter_or_a_figure(name: str) -> None:
    assert name_flaw(name) == ""


KNOWN = WiderNames(
    frozenset({"thanh phu", "huien thanh phu", "ben tre", "thanh pho ben tre", "mo cai nam", "phan rang thap cham"}),
    frozenset(
        {"ben tre", "tinh ben tre", "vinh long", "tinh vinh long", "can tho", "thanh pho can tho", "ba ria vung tau"}
    ),
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Xã An Thạnh, huyện Thạnh Phú", ("Xã An Thạnh", "huyện Thạnh Phú")),
        ("Xã An Thạnh,Thạnh Phú", ("Xã An Thạnh", "Thạnh Phú")),
        ("An Thạnh (huyện Thạnh Phú cũ)", ("An Thạnh", "huyện Thạnh Phú")),
        ("tỉnh Bến Tre, huyện Thạnh Phú, xã An Thạnh", ("xã An Thạnh", "huyện Thạnh Phú", "tỉnh Bến Tre")),
        ("P.7, TP Bến Tre", ("P.7", "TP Bến Tre")),
        ("Phường 7 - TP. Bến Tre - Tỉnh Bến Tre", ("Phường 7", "TP. Bến Tre", "Tỉnh Bến Tre")),
        ("Phú Khương, Bến Tre", ("Phú Khương", "", "Bến Tre")),
        ("Ninh Kiều, TP Cần Thơ", ("Ninh Kiều", "", "TP Cần Thơ")),
        ("Chợ Lách, Bến Tre", ("Chợ Lách", "", "Bến Tre")),
        ("Xã Long Sơn - tỉnh Bà Rịa - Vũng Tàu", ("Xã Long Sơn", "", "tỉnh Bà Rịa - Vũng Tàu")),
        ("Long Sơn, TP Vũng Tàu, Bà Rịa – Vũng Tàu", ("Long Sơn", "TP Vũng Tàu", "Bà Rịa - Vũng Tàu")),
        ("P. Đô Vinh, TP. Phan Rang - Tháp Chàm", ("P. Đô Vinh", "TP. Phan Rang - Tháp Chàm")),
        ("thị xã Bình Minh, xã Mỹ Hòa", ("xã Mỹ Hòa", "thị xã Bình Minh")),
        ("Ấp 3, Đại Điền", ("Đại Điền", "", "", "Ấp 3")),
        ("Xã Đại Điền, ĐT: 0275 387", ("Xã Đại Điền", "", "", "ĐT: 0275 387")),
        (
            "Số 5, Xã Đại Điền (ấp 3), tỉnh Vĩnh Long, Việt Nam.",
            ("Xã Đại Điền", "", "tỉnh Vĩnh Long", "Số 5, ấp 3"),
        ),
    ],
)
def test_an_address_is_read_part_by_part(text: str, parts: tuple[str, ...]) -> None:
    assert read_address(text, KNOWN) == Address(*parts)


@pytest.mark.parametrize(
    "text",
    [
        "Xã An Thạnh",
        "xã An Thạnh, xã Mỹ An",
        "An Thạnh, Mỹ An",
        "huyện Thạnh Phú, tỉnh Bến Tre",
        "Xã Hương Mỹ (nay là xã An Thạnh)",
        "Thị trấn Thạnh Phú (cũ)",
        "Xã An Thạnh, A, B, C",
        "thành viên hợp tác xã Đại Điền",
    ],
)
def test_what_is_one_part_or_may_be_read_in_two_ways_is_no_address(text: str) -> None:
    assert read_address(text, KNOWN) is None
