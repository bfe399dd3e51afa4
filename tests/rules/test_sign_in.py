"""When a name is locked out and for how long; what passwords and user names may be; which place a role needs."""

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest

from models import Commune, District, Province, Role
from models.rules.areas import may_see_the_country, place_fault
from models.rules.sign_in import (
    Attempts,
    after_failure,
    is_idle,
    is_username,
    lockout,
    password_fault,
    password_text,
)

NINE = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def failed(*after: float) -> Attempts:
    """What is left after failures so many minutes past nine."""
    attempts = Attempts()
    for passed in after:
        attempts = after_failure(attempts, NINE + minutes(passed))
    return attempts


@pytest.mark.parametrize(
    ("after", "left", "locked"),
    [
        ((0,), 4, False),
        ((0, 1, 2, 3), 1, False),
        ((0, 1, 2, 3, 4), 0, True),
        ((0, 1, 2, 3, 15), 0, True),
        ((0, 1, 2, 3, 15.1), 4, False),
    ],
)
def test_the_fifth_failure_within_fifteen_minutes_locks(after: tuple[float, ...], left: int, locked: bool) -> None:
    attempts = failed(*after)

    assert attempts.left == left
    assert attempts.is_locked(NINE + minutes(after[-1])) is locked


def test_a_lock_out_ends_to_the_second() -> None:
    attempts = failed(0, 0, 0, 0, 0)

    assert attempts.is_locked(NINE + minutes(15) - timedelta(seconds=1))
    assert not attempts.is_locked(NINE + minutes(15))


@pytest.mark.parametrize(
    ("before", "long"), [(0, 15), (1, 30), (2, 60), (3, 120), (6, 960), (7, 24 * 60), (8, 24 * 60), (500, 24 * 60)]
)
def test_each_lock_out_is_twice_as_long_and_never_longer_than_a_day(before: int, long: int) -> None:
    assert lockout(before) == minutes(long)


def test_five_more_failures_after_a_lock_out_lock_for_thirty_minutes() -> None:
    attempts = failed(0, 0, 0, 0, 0, 16, 16, 16, 16)
    assert attempts.left == 1

    again = after_failure(attempts, NINE + minutes(17))

    assert again.locked_until == NINE + minutes(17 + 30)


@pytest.mark.parametrize(("days_after_its_end", "long"), [(0.9, 30), (1, 15)])
def test_a_day_after_its_end_a_lock_out_is_forgotten(days_after_its_end: float, long: int) -> None:
    later = 15 + days_after_its_end * 24 * 60
    attempts = failed(0, 0, 0, 0, 0, *[later] * 5)

    assert attempts.locked_until == NINE + minutes(later + long)


@pytest.mark.parametrize(("idle_minutes", "over"), [(0, False), (30, False), (30.1, True)])
def test_a_session_is_over_after_thirty_idle_minutes(idle_minutes: float, over: bool) -> None:
    assert is_idle(NINE, NINE + minutes(idle_minutes)) is over


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        ("chín ký t", "Mật khẩu mới có 9 ký tự; cần ít nhất 10."),
        ("mười ký tự", ""),
        ("a b" * 66 + "cd", ""),
        ("a b" * 67, "Mật khẩu mới có 201 ký tự; chỉ được 200."),
        ("mật khẩu cũ", "Mật khẩu mới giống mật khẩu cũ. Chọn mật khẩu khác."),
        ("Xa.ThanhPhu", "Mật khẩu mới giống tên đăng nhập. Chọn mật khẩu khác."),
        ("1111111111", "Mật khẩu mới chỉ lặp một ký tự. Chọn mật khẩu khó đoán hơn."),
    ],
)
def test_a_password_is_long_new_and_not_the_user_name(new: str, fault: str) -> None:
    assert password_fault(new, username="xa.thanhphu", old="mật khẩu cũ") == fault


def test_a_password_is_the_same_from_every_keyboard() -> None:
    composed = unicodedata.normalize("NFC", "mật khẩu")
    decomposed = unicodedata.normalize("NFD", "mật khẩu")
    assert composed != decomposed

    assert password_text(composed) == password_text(decomposed)


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("xa.thanhphu", True),
        ("tinh2", True),
        ("a" * 60, True),
        ("a" * 61, False),
        ("", False),
        ("Xa", False),
        ("xã", False),
        ("xa thanhphu", False),
        (".xa", False),
        ("xa.", False),
        ("xa..phu", False),
        ("xa\n", False),
    ],
)
def test_a_user_name_is_lower_case_letters_digits_and_dots(text: str, fine: bool) -> None:
    assert is_username(text) is fine


@pytest.mark.parametrize(
    ("role", "place", "fault"),
    [
        (Role.COMMUNE_CLERK, Commune(), ""),
        (Role.COMMUNE_CLERK, District(), "Cán bộ xã cần địa bàn là một xã, phường."),
        (Role.COMMUNE_CLERK, None, "Cán bộ xã cần địa bàn là một xã, phường."),
        (Role.DISTRICT_CLERK, District(), ""),
        (Role.DISTRICT_CLERK, Province(), "Cán bộ huyện cần địa bàn là một huyện."),
        (Role.PROVINCE_CLERK, Province(), ""),
        (Role.PROVINCE_CLERK, None, "Cán bộ tỉnh cần địa bàn là một tỉnh, thành phố."),
        (Role.LEADER, Commune(), ""),
        (Role.LEADER, None, ""),
        (Role.ADMINISTRATOR, None, ""),
    ],
)
def test_a_clerk_has_a_place_of_the_own_level(
    role: Role, place: Commune | District | Province | None, fault: str
) -> None:
    assert place_fault(role, place) == fault


@pytest.mark.parametrize("role", list(Role))
def test_only_a_clerk_without_place_sees_nothing(role: Role) -> None:
    clerks = {Role.COMMUNE_CLERK, Role.DISTRICT_CLERK, Role.PROVINCE_CLERK}

    assert may_see_the_country(role) is (role not in clerks)
