"""How Vietnamese text is stored, searched and sorted."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import tidy_lines
from models.rules.text import fold, is_respelled, sort_key, tidy


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Mứt   dừa  ", "Mứt dừa"),
        ("Mứt\tdừa\n", "Mứt dừa"),
        ("Mứt\u00a0dừa\u3000non", "Mứt dừa non"),
        ("Mứt\u200b dừa\ufeff", "Mứt dừa"),
        (unicodedata.normalize("NFD", "Quýt hồng"), "Quýt hồng"),
        ("Bến Tre", "Bến Tre"),
        ("", ""),
        (" \u00a0\u200b ", ""),
        ("Công ty TNHH\u00ad Dừa", "Công ty TNHH Dừa"),
        ("Thuỷ", "Thuỷ"),
        ("Thủy", "Thủy"),
    ],
)
def test_text_is_stored_tidy_and_as_it_was_spelled(typed: str, stored: str) -> None:
    assert tidy(typed) == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Dòng một  \n\n  dòng   hai\n", "Dòng một\n\ndòng hai"),
        ("Một\r\nHai", "Một\nHai"),
        ("\n\n", ""),
    ],
)
def test_text_of_several_lines_keeps_its_lines(typed: str, stored: str) -> None:
    assert tidy_lines(typed) == stored


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Miến dong", "mien dong"),
        ("MIẾN DONG", "mien dong"),
        ("Đặc khu Phú Quốc", "dac khu phu quoc"),
        ("Thủy", "Thuỷ"),
        ("Hòa Bình", "Hoà Bình"),
        ("Quy Nhơn", "Qui Nhơn"),
        ("Mỹ Tho", "Mĩ Tho"),
        (unicodedata.normalize("NFD", "Kẹo dừa"), "kẹo dừa"),
        ("OCOP 4-sao (2024)", "ocop 4 sao 2024"),
        ("Ấp 3, xã An-Thạnh", "ap 3 xa an thanh"),
        ("29227", "29227"),
        ("Ươn ướt ƯỚT", "uon uot uot"),
    ],
)
def test_spellings_of_one_word_are_found_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("ba", "bà lan"), ("dừa", "dưa hấu"), ("1", "10"), ("an", "ang")])
def test_different_words_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize("empty", ["", " ", "…", "%%", "_", "🥥", "\x00"])
def test_what_holds_no_letter_folds_to_nothing(empty: str) -> None:
    assert fold(empty) == ""


ORDERED = [
    ["An Bình", "Ăn Cơm", "Ấn Độ", "Ba Tri", "Châu Thành", "Dừa", "Đặng", "Em", "Êm", "Gạo"],
    ["La", "Là", "Lả", "Lã", "Lá", "Lạ"],
    ["O", "Ô", "Ơ", "Phường", "U", "Ư", "Vĩnh"],
    ["Ba", "Bà", "Bá", "Bà Rịa", "Ba Tri"],
    ["Phường 2", "Phường 10", "Phường 100"],
    ["Xã An Thạnh", "Xã An Thới", "Xã Ân Hữu"],
    ["Ấp 1", "Ấp 1A", "Ấp 2"],
]


@pytest.mark.parametrize("expected", ORDERED, ids=lambda names: names[0])
def test_names_are_sorted_as_a_vietnamese_dictionary_does(expected: list[str]) -> None:
    assert sorted(sorted(expected), key=sort_key) == expected


def test_the_key_is_plain_ascii_and_fits_its_column() -> None:
    for name in ("Hợp tác xã nông nghiệp " * 30, "Đặc khu 🥥", "", "Ω"):
        key = sort_key(name)
        assert key.isascii()
        assert len(key) <= 200


def test_the_same_letters_written_apart_sort_alike() -> None:
    assert sort_key(unicodedata.normalize("NFD", "Quýt hồng")) == sort_key("QUÝT HỒNG")


@given(st.text(max_size=60))
def test_tidying_twice_changes_nothing_more(typed: str) -> None:
    once = tidy(typed)

    assert tidy(once) == once
    assert once == once.strip()
    assert "  " not in once


@given(st.text(max_size=60))
def test_folding_does_not_depend_on_how_letters_are_written(typed: str) -> None:
    assert fold(fold(typed)) == fold(typed)
    assert fold(unicodedata.normalize("NFD", typed)) == fold(unicodedata.normalize("NFC", typed))
    assert fold(typed).isascii()


@pytest.mark.parametrize(
    ("text", "kept", "expected"),
    [
        ("MẮM CÒNG", "Mắm còng", True),
        ("Trà Hoà", "Trà Hòa", True),
        ("Tân Quí", "Tân Quý", True),
        ("Mam cong", "Mắm còng", False),
        ("Mắm còng", "MẮM CÒNG", False),
        ("Mắm còng", "Mam cong", False),
        ("Mắm cua", "Mắm còng", False),
    ],
)
def test_a_name_in_capitals_or_with_its_tone_elsewhere_is_the_kept_one(text: str, kept: str, expected: bool) -> None:
    assert is_respelled(text, kept) is expected
