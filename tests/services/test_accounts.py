"""Signing in, sessions, passwords, areas; on a real database, SQLite and PostgreSQL where locks matter."""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, select

from app.current import acting_as, system
from app.database import Database
from app.errors import OcopError
from app.services import accounts
from app.services.accounts import SignInOutcome
from app.session import OcopSession
from models import (
    Area,
    AuditEntry,
    Commune,
    CommuneKind,
    CommuneSuccession,
    District,
    Grant,
    Province,
    Role,
    SessionRecord,
    SignInAttempt,
    SuccessionKind,
    User,
)
from models.base import now as utc_now

TODAY = date(2026, 11, 23)
PASSWORD = "một mật khẩu dài"


@pytest.fixture(autouse=True)
def office() -> Iterator[None]:
    with acting_as(system("quản trị thử")):
        yield


def open_account(database: Database, username: str = "lan", **others: Any) -> int:
    given: dict[str, Any] = {
        "full_name": "Lê Thị Lan",
        "role": Role.ADMINISTRATOR,
        "password": PASSWORD,
        "force_change": False,
        "username": username,
    }
    with database.writing.begin() as session:
        user, _ = accounts.add_user(session, **(given | others))
        return user.id


def sign_in(
    database: Database, username: str = "lan", password: str = PASSWORD, now: datetime | None = None
) -> SignInOutcome:
    with database.writing.begin() as session:
        return accounts.sign_in(session, username=username, password=password, address="10.0.0.7", now=now or utc_now())


def token_of(database: Database, username: str = "lan", now: datetime | None = None) -> str:
    token = sign_in(database, username, now=now).token
    assert token is not None
    return token


def resume(database: Database, token: str, now: datetime | None = None, **others: Any) -> accounts.Person | None:
    with database.reading() as session:
        return accounts.resume(session, token, now or utc_now(), **others)


def user_of(session: OcopSession, username: str = "lan") -> User:
    return accounts.user_named(session, username)


def trail(database: Database, model: str) -> list[AuditEntry]:
    with database.reading() as session:
        entries = select(AuditEntry).where(AuditEntry.model == model).order_by(AuditEntry.id)
        return list(session.scalars(entries))


# ---- signing in ----


def test_the_right_password_opens_a_session_that_the_table_cannot_give_away(any_database: Database) -> None:
    open_account(any_database)

    outcome = sign_in(any_database, " LAN ")

    assert outcome.token is not None
    assert (outcome.sentence, outcome.must_change) == ("", False)
    with any_database.reading() as session:
        record = session.scalars(select(SessionRecord)).one()
    assert record.token_hash == hashlib.sha256(outcome.token.encode()).hexdigest()
    assert len(outcome.token) >= 43
    [entry] = trail(any_database, "session_records")
    assert (entry.actor, entry.verb, entry.changes["user_id"][3]) == ("đăng nhập", "đăng nhập", "lan")
    assert record.token_hash not in str(entry.changes)


def test_two_sign_ins_have_two_tokens(database: Database) -> None:
    open_account(database)

    assert token_of(database) != token_of(database)


@pytest.mark.parametrize("username", ["lan", "khongco", "Không phải tên"])
def test_five_wrong_passwords_lock_a_name_whether_or_not_it_exists(any_database: Database, username: str) -> None:
    open_account(any_database)
    nine = datetime(2026, 11, 23, 2, 0, 30, tzinfo=UTC)

    said = [sign_in(any_database, username, "sai rồi nhé", nine).sentence for _ in range(5)]

    wrong = "Tên đăng nhập hoặc mật khẩu chưa đúng. Còn {} lần thử."
    assert said[:4] == [wrong.format(left) for left in (4, 3, 2, 1)]
    assert said[4] == "Tài khoản tạm khóa đến 09:16. Quên mật khẩu thì gọi người quản trị của đơn vị."


def test_a_locked_out_name_waits_even_with_the_right_password(database: Database) -> None:
    open_account(database)
    start = utc_now()
    for _ in range(5):
        sign_in(database, password="sai rồi nhé", now=start)

    refused = sign_in(database, now=start + timedelta(minutes=14, seconds=59))
    later = sign_in(database, now=start + timedelta(minutes=15))

    assert refused.token is None
    assert refused.sentence.startswith("Tài khoản tạm khóa đến ")
    assert later.token is not None


def test_success_forgets_the_failures(database: Database) -> None:
    open_account(database)
    for _ in range(4):
        sign_in(database, password="sai rồi nhé")
    sign_in(database)

    outcome = sign_in(database, password="sai rồi nhé")

    assert outcome.sentence.endswith("Còn 4 lần thử.")


def test_a_lock_out_into_the_next_day_says_the_day(database: Database) -> None:
    late = datetime(2026, 11, 23, 16, 50, tzinfo=UTC)

    said = [sign_in(database, "lan", "sai rồi nhé", late).sentence for _ in range(5)][-1]

    assert said.startswith("Tài khoản tạm khóa đến 00:05 ngày 24/11/2026.")


def test_guesses_that_come_at_once_are_all_counted(any_database: Database) -> None:
    open_account(any_database)

    def guess(_number: int) -> SignInOutcome:
        return sign_in(any_database, password="sai rồi nhé")

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(guess, range(4)))

    assert sorted(outcome.sentence[-10:] for outcome in outcomes) == [f"{n} lần thử." for n in (1, 2, 3, 4)]
    with any_database.reading() as session:
        assert session.scalars(select(SignInAttempt.failures)).all() == [4]


def test_an_unknown_name_takes_as_long_as_a_wrong_password(database: Database) -> None:
    open_account(database)

    def fastest(username: str) -> float:
        times = []
        for _ in range(4):
            start = time.thread_time()
            sign_in(database, username, "sai rồi nhé")
            times.append(time.thread_time() - start)
        return min(times)

    assert fastest("khongco") > 0.6 * fastest("lan")


def test_a_password_typed_as_the_name_is_kept_nowhere(database: Database) -> None:
    sign_in(database, "Bí mật của Lan 1975", "")

    with database.reading() as session:
        [kept] = session.scalars(select(SignInAttempt.username))
    assert "lan" not in kept
    assert kept.startswith("?")
    assert "bí mật" not in str([entry.changes for entry in trail(database, "sign_in_attempts")]).casefold()


def test_that_an_account_is_locked_is_told_only_after_its_password(database: Database) -> None:
    open_account(database)
    with database.writing.begin() as session:
        accounts.lock(session, user_of(session))

    stranger, owner = sign_in(database, password="sai rồi nhé"), sign_in(database)

    assert stranger.sentence == "Tên đăng nhập hoặc mật khẩu chưa đúng. Còn 4 lần thử."
    assert owner.token is None
    assert owner.sentence == "Tài khoản này đã bị khóa. Gọi người quản trị của đơn vị để mở lại."


def test_a_hash_made_with_older_parameters_is_renewed_at_sign_in(database: Database) -> None:
    open_account(database)
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with database.writing.begin() as session, session.doing("thử"):
        user_of(session).password_hash = weak

    first, second = sign_in(database), sign_in(database)

    assert first.token is not None
    assert second.token is not None
    with database.reading() as session:
        assert "m=19456,t=2,p=1" in user_of(session).password_hash


# ---- sessions ----


@pytest.mark.fill("reference")
def test_a_token_stands_for_the_person_with_rights_and_area(any_database: Database) -> None:
    with any_database.reading() as session:
        place = accounts.place_named(session, Commune, "29182", today=TODAY)
    open_account(any_database, "xa", full_name="Trần Văn Bé", role=Role.COMMUNE_CLERK, place=place, office="UBND xã")

    person = resume(any_database, token_of(any_database, "xa"), request_number="7F3K-92QD")

    assert person is not None
    assert (person.username, person.full_name, person.role, person.office, person.area_label) == (
        "xa",
        "Trần Văn Bé",
        Role.COMMUNE_CLERK,
        "UBND xã",
        "Xã Thạnh Phú",
    )
    assert (person.must_change, person.single_keys) == (False, True)
    assert (person.actor.name, person.actor.user_id, person.actor.request_number) == (
        "Trần Văn Bé",
        person.user_id,
        "7F3K-92QD",
    )
    assert place.id in person.actor.area.communes
    assert ("product", "advance") in person.actor.rights
    assert ("user", "list") not in person.actor.rights


def test_a_made_up_token_is_nobody(database: Database) -> None:
    open_account(database)
    token_of(database)

    assert resume(database, "x" * 43) is None
    assert resume(database, "") is None


def test_thirty_idle_minutes_end_a_session_and_each_touch_puts_that_off(database: Database) -> None:
    open_account(database)
    start = utc_now()
    token = token_of(database, now=start)
    person = resume(database, token, start + timedelta(minutes=30))
    assert person is not None
    assert not person.is_due(start + timedelta(seconds=59))
    assert person.is_due(start + timedelta(seconds=60))
    with database.writing.begin() as session:
        accounts.touch(session, person, start + timedelta(minutes=30))

    assert resume(database, token, start + timedelta(minutes=60)) is not None
    assert resume(database, token, start + timedelta(minutes=60, seconds=1)) is None


def test_being_seen_is_no_news_for_the_trail(database: Database) -> None:
    open_account(database)
    person = resume(database, token_of(database))
    assert person is not None

    with database.writing.begin() as session:
        accounts.touch(session, person, utc_now())

    assert [entry.action.value for entry in trail(database, "session_records")] == ["create"]


def test_only_idleness_is_told_as_idleness(database: Database) -> None:
    open_account(database)
    start = utc_now()
    idle, signed_out = token_of(database, now=start), token_of(database, now=start)
    with database.writing.begin() as session:
        accounts.sign_out(session, signed_out)
    later = start + timedelta(minutes=31)

    with database.reading() as session:
        told = [accounts.has_gone_idle(session, token, later) for token in (idle, signed_out, "x")]
        at_once = accounts.has_gone_idle(session, idle, start)

    assert told == [True, False, False]
    assert not at_once


def test_signing_out_ends_one_session_and_is_in_the_trail(database: Database) -> None:
    open_account(database)
    here, elsewhere = token_of(database), token_of(database)

    with database.writing.begin() as session:
        accounts.sign_out(session, here)
        accounts.sign_out(session, "x")

    assert resume(database, here) is None
    assert resume(database, elsewhere) is not None
    assert [entry.verb for entry in trail(database, "session_records")][-1] == "đăng xuất"


def test_locking_an_account_ends_its_sessions_and_unlocking_forgets_wrong_passwords(database: Database) -> None:
    open_account(database)
    token = token_of(database)
    for _ in range(5):
        sign_in(database, password="sai rồi nhé")

    with database.writing.begin() as session:
        ended = accounts.lock(session, user_of(session))
    assert ended == 1
    assert resume(database, token) is None
    with database.writing.begin() as session:
        accounts.unlock(session, user_of(session))

    assert resume(database, token) is None
    assert sign_in(database).token is not None


def test_a_known_person_costs_one_query_and_a_change_of_role_holds_at_once(database: Database) -> None:
    open_account(database, role=Role.LEADER)
    token = token_of(database)
    known: accounts.Known = {}
    resume(database, token, known=known)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    resume(database, token, known=known)
    asked = [statement for statement in statements if not statement.startswith("BEGIN")]
    with database.writing.begin() as session:
        accounts.change_user(session, user_of(session), {"role": Role.AUDITOR})
    person = resume(database, token, known=known)

    assert len(asked) == 1
    assert person is not None
    assert person.role is Role.AUDITOR


@pytest.mark.fill("reference")
def test_rights_that_are_taken_away_are_gone_after_a_minute(database: Database) -> None:
    open_account(database)
    start = utc_now()
    token = token_of(database, now=start)
    known: accounts.Known = {}
    resume(database, token, start, known=known)
    with database.writing.begin() as session, session.doing("thử"):
        user_of(session).locked = False
        for grant in session.scalars(select(Grant).where(Grant.role == Role.ADMINISTRATOR)):
            session.delete(grant)

    person = resume(database, token, start + timedelta(seconds=60), known=known)

    assert person is not None
    assert person.actor.rights == frozenset()


# ---- areas ----


def area(database: Database, username: str, **others: Any) -> Area:
    open_account(database, username, **others)
    with database.reading() as session:
        return accounts.area_of(session, user_of(session, username))


def clerk_area(database: Database, role: Role, model: type[accounts.Place], code: str) -> Area:
    with database.reading() as session:
        place = accounts.place_named(session, model, code, today=TODAY)
    return area(database, "canbo", role=role, place=place)


def lives(database: Database, model: type[accounts.Place], ids: frozenset[int]) -> list[tuple[str, str]]:
    """(code, first day) of each place."""
    with database.reading() as session:
        rows = session.scalars(select(model).where(model.id.in_(ids)).order_by(model.code, model.valid_from))
        return [(row.code, row.valid_from.isoformat()) for row in rows]


BEN_TRE, TRA_VINH = ("83", "2017-10-15"), ("84", "2017-10-15")
OLD_VINH_LONG, VINH_LONG = ("86", "2017-10-15"), ("86", "2025-07-01")


@pytest.mark.fill("reference")
def test_a_commune_clerk_sees_what_the_commune_took_over_wholly_and_its_earlier_lives(any_database: Database) -> None:
    seen = clerk_area(any_database, Role.COMMUNE_CLERK, Commune, "28861")

    assert lives(any_database, Commune, seen.communes) == [
        ("28834", "2017-10-15"),
        ("28843", "2017-10-15"),
        ("28861", "2017-10-15"),
        ("28861", "2023-04-10"),
        ("28861", "2025-07-01"),
    ]
    assert lives(any_database, Province, seen.around) == [BEN_TRE, VINH_LONG]
    assert lives(any_database, District, seen.districts) == [("831", "2017-10-15")]
    assert (seen.everything, seen.provinces) == (False, frozenset())


@pytest.mark.fill("reference")
@pytest.mark.parametrize(
    ("first_days", "together"),
    [
        ((date(2025, 6, 1), date(2025, 6, 20)), True),
        ((date(2025, 6, 1), date(2025, 7, 1)), False),
        ((date(2025, 7, 1), date(2026, 1, 1)), True),
    ],
)
def test_lives_of_one_code_are_one_commune_but_not_across_july_2025(
    any_database: Database, first_days: tuple[date, date], together: bool
) -> None:
    with any_database.writing.begin() as session, session.doing("thử"):
        province = accounts.place_named(session, Province, "86", today=TODAY)
        earlier, later = (
            Commune(code="29997", name=name, kind=CommuneKind.COMMUNE, province_id=province.id, valid_from=first_day)
            for name, first_day in zip(("Xã Cũ", "Xã Mới"), first_days, strict=True)
        )
        earlier.valid_to = first_days[1] - timedelta(days=1)
        session.add_all([earlier, later])

    seen = clerk_area(any_database, Role.COMMUNE_CLERK, Commune, "29997")

    assert (earlier.id in seen.communes, later.id in seen.communes) == (together, True)


@pytest.mark.fill("reference")
@pytest.mark.parametrize("code", ["29770", "29771"])
def test_a_divided_commune_is_nobodys_even_under_the_same_code(database: Database, code: str) -> None:
    seen = clerk_area(database, Role.COMMUNE_CLERK, Commune, code)

    assert (code, "2021-02-01") not in lives(database, Commune, seen.communes)
    assert (code, "2025-07-01") in lives(database, Commune, seen.communes)
    with database.reading() as session:
        divided = select(CommuneSuccession.old_id).where(CommuneSuccession.kind == SuccessionKind.PART)
        assert not seen.communes & set(session.scalars(divided))


@pytest.mark.fill("reference")
def test_successions_are_followed_any_number_of_steps_back(any_database: Database) -> None:
    with any_database.writing.begin() as session, session.doing("sáp nhập thử"):
        thanh_phu = accounts.place_named(session, Commune, "29182", today=TODAY)
        merged = Commune(
            code="29999",
            name="Xã Cồn Bưng",
            kind=CommuneKind.COMMUNE,
            province_id=thanh_phu.province_id,
            valid_from=date(2026, 1, 1),
        )
        session.add(CommuneSuccession(old=thanh_phu, new=merged, kind=SuccessionKind.WHOLE))

    seen = clerk_area(any_database, Role.COMMUNE_CLERK, Commune, "29999")

    assert [code for code, _ in lives(any_database, Commune, seen.communes)] == [
        "29182",
        "29182",
        "29200",
        "29212",
        "29233",
        "29999",
    ]


@pytest.mark.fill("reference")
def test_a_district_clerk_sees_its_communes_and_the_cycles_of_both_provinces(any_database: Database) -> None:
    seen = clerk_area(any_database, Role.DISTRICT_CLERK, District, "838")

    communes = lives(any_database, Commune, seen.communes)
    assert [life for life in communes if life[0] == "28915"] == [
        ("28915", "2017-10-15"),
        ("28915", "2023-04-10"),
    ]
    assert all(first_day < "2025-07-01" for _, first_day in communes)
    assert lives(any_database, District, seen.districts) == [("838", "2017-10-15")]
    assert lives(any_database, Province, seen.around) == [BEN_TRE, VINH_LONG]


@pytest.mark.fill("reference")
def test_a_district_without_communes_is_an_area_all_the_same(database: Database) -> None:
    with database.writing.begin() as session, session.doing("thử"):
        ben_tre = accounts.place_named(session, Province, "83", today=TODAY)
        session.add(District(code="899", name="Huyện Thử", kind="huyen", province=ben_tre, valid_from=date(2017, 1, 1)))

    seen = clerk_area(database, Role.DISTRICT_CLERK, District, "899")

    assert (len(seen.districts), seen.communes, seen.everything) == (1, frozenset(), False)


@pytest.mark.fill("reference")
def test_a_province_clerk_sees_the_provinces_it_took_over(any_database: Database) -> None:
    seen = clerk_area(any_database, Role.PROVINCE_CLERK, Province, "86")

    taken = [BEN_TRE, TRA_VINH, OLD_VINH_LONG, VINH_LONG]
    assert lives(any_database, Province, seen.provinces) == taken
    assert lives(any_database, Province, seen.around) == taken


@pytest.mark.fill("reference")
def test_a_clerk_of_a_former_province_sees_it_alone_and_the_cycles_of_its_successor(database: Database) -> None:
    seen = clerk_area(database, Role.PROVINCE_CLERK, Province, "83")

    assert lives(database, Province, seen.provinces) == [BEN_TRE]
    assert lives(database, Province, seen.around) == [BEN_TRE, VINH_LONG]


@pytest.mark.fill("reference")
def test_one_commune_that_changes_province_does_not_bring_its_whole_province(database: Database) -> None:
    with database.writing.begin() as session, session.doing("chuyển xã thử"):
        vinh_long = accounts.place_named(session, Province, "86", today=TODAY)
        moved = accounts.place_named(session, Commune, "28444", today=TODAY)
        arrived = Commune(
            code="29998", name="Xã Thử", kind=CommuneKind.COMMUNE, province=vinh_long, valid_from=date(2026, 1, 1)
        )
        session.add(CommuneSuccession(old=moved, new=arrived, kind=SuccessionKind.WHOLE))

    seen = clerk_area(database, Role.PROVINCE_CLERK, Province, "86")

    assert ("82", "2025-07-01") not in lives(database, Province, seen.provinces)


def test_no_place_is_the_whole_country(database: Database) -> None:
    seen = area(database, "lanhdao", role=Role.LEADER)

    assert seen.everything
    assert seen.user_id is not None


def test_a_clerk_whose_place_was_taken_away_sees_nothing(database: Database) -> None:
    open_account(database, role=Role.LEADER)
    with database.writing.begin() as session, session.doing("thử"):
        user_of(session).role = Role.COMMUNE_CLERK

    person = resume(database, token_of(database))

    assert person is not None
    assert (person.area_label, person.actor.area) == ("Chưa có địa bàn", Area(user_id=person.user_id))


# ---- passwords and accounts ----


def test_changing_the_password_ends_the_other_sessions_and_leaves_a_trail_without_it(database: Database) -> None:
    user_id = open_account(database, force_change=True)
    here, elsewhere = token_of(database), token_of(database)
    person = resume(database, here)
    assert person is not None
    assert person.must_change

    with acting_as(person.actor), database.writing.begin() as session:
        accounts.change_password(
            session,
            session.get_one(User, user_id),
            old=PASSWORD,
            new="mật khẩu mới hẳn",
            keep=person.session_id,
        )

    after = resume(database, here)
    assert after is not None
    assert not after.must_change
    assert resume(database, elsewhere) is None
    assert sign_in(database).token is None
    assert sign_in(database, password="mật khẩu mới hẳn").token is not None
    entry = trail(database, "users")[-1]
    assert (entry.actor, entry.verb) == ("Lê Thị Lan", "đổi mật khẩu")
    assert set(entry.changes) == {"password_changed_at", "must_change_password"}


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        ("không phải", "mật khẩu mới hẳn", "Mật khẩu hiện tại chưa đúng. Gõ lại mật khẩu vừa dùng để đăng nhập."),
        (PASSWORD, PASSWORD, "Mật khẩu mới giống mật khẩu cũ. Chọn mật khẩu khác."),
        (PASSWORD, "ngắn", "Mật khẩu mới có 4 ký tự; cần ít nhất 10."),
    ],
)
def test_a_password_that_will_not_do_is_refused_and_the_old_one_works_on(
    database: Database, old: str, new: str, refusal: str
) -> None:
    open_account(database)

    with pytest.raises(OcopError) as refused, database.writing.begin() as session:
        accounts.change_password(session, user_of(session), old=old, new=new)

    assert str(refused.value) == refusal
    assert sign_in(database).token is not None


def test_a_reset_password_is_handed_over_once_and_must_be_changed(database: Database) -> None:
    open_account(database)
    token = token_of(database)
    for _ in range(5):
        sign_in(database, password="sai rồi nhé")

    with database.writing.begin() as session:
        password = accounts.reset_password(session, user_of(session))

    assert resume(database, token) is None
    outcome = sign_in(database, password=password)
    assert outcome.token is not None
    assert outcome.must_change
    assert trail(database, "users")[-1].verb == "đặt lại mật khẩu"
    assert password not in str([entry.changes for entry in trail(database, "users")])


def test_a_new_account_gets_a_one_time_password_unless_one_is_given(database: Database) -> None:
    with database.writing.begin() as session:
        user, password = accounts.add_user(
            session, username="lan", full_name=" Lê  Thị Lan ", role=Role.LEADER, office="UBND tỉnh"
        )
        _, none = accounts.add_user(
            session, username="minh", full_name="Minh", role=Role.AUDITOR, password=PASSWORD, is_demo=True
        )

    assert (user.full_name, user.must_change_password, none) == ("Lê Thị Lan", True, "")
    assert sign_in(database, password=password).must_change
    with database.reading() as session:
        assert [(u.username, u.is_demo) for u in accounts.list_users(session)] == [("lan", False), ("minh", True)]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"username": "Lan"}, "Tên đăng nhập “Lan” chưa đúng."),
        ({"username": "minh"}, "Đã có tài khoản “minh”. Chọn tên đăng nhập khác."),
        ({"full_name": "  "}, "Tài khoản “lan” chưa có họ tên."),
        ({"password": "ngắn"}, "Mật khẩu mới có 4 ký tự; cần ít nhất 10."),
        ({"role": Role.COMMUNE_CLERK}, "Cán bộ xã cần địa bàn là một xã, phường. Chọn lại địa bàn hoặc vai trò."),
    ],
)
def test_an_account_that_will_not_do_is_refused(database: Database, given: dict[str, Any], refusal: str) -> None:
    open_account(database, "minh")

    with pytest.raises(OcopError) as refused:
        open_account(database, **given)

    assert str(refused.value).startswith(refusal)
    with database.reading() as session:
        assert [user.username for user in accounts.list_users(session)] == ["minh"]


@pytest.mark.fill("reference")
def test_an_account_has_one_place_of_its_level(database: Database) -> None:
    with database.reading() as session:
        commune = accounts.place_named(session, Commune, "29182", today=TODAY)
        province = accounts.place_named(session, Province, "86", today=TODAY)
    open_account(database, role=Role.COMMUNE_CLERK, place=commune)

    for values, refusal in (
        ({"province": province}, "Mỗi tài khoản chỉ có một địa bàn"),
        ({"commune": None}, "Cán bộ xã cần địa bàn là một xã, phường."),
        ({"commune": None, "province": province}, "Cán bộ xã cần địa bàn là một xã, phường."),
    ):
        with pytest.raises(accounts.WrongPlace) as refused, database.writing.begin() as session:
            accounts.change_user(session, user_of(session), values)
        assert str(refused.value).startswith(refusal)
    with database.writing.begin() as session:
        changed = {"commune": None, "province": province, "role": Role.PROVINCE_CLERK}
        accounts.change_user(session, user_of(session), changed)

    person = resume(database, token_of(database))
    assert person is not None
    assert person.area_label == "Tỉnh Vĩnh Long"


def test_locking_on_the_screen_ends_the_sessions_too(database: Database) -> None:
    open_account(database)
    token = token_of(database)

    with database.writing.begin() as session:
        accounts.change_user(session, user_of(session), {"locked": True, "office": "Đã nghỉ hưu"})

    assert resume(database, token) is None


def test_locking_and_unlocking_on_the_screen_say_so_in_the_trail_and_forget_wrong_passwords(
    database: Database,
) -> None:
    open_account(database)
    for _ in range(5):
        sign_in(database, password="sai rồi")
    with database.writing.begin() as session:
        accounts.change_user(session, user_of(session), {"locked": True})
    with database.writing.begin() as session:
        accounts.change_user(session, user_of(session), {"locked": False, "office": "Văn phòng"})

    assert sign_in(database).token is not None
    assert {"khóa tài khoản", "mở khóa tài khoản"} <= {entry.verb for entry in trail(database, "users")}


@pytest.mark.parametrize("values", [{"locked": True}, {"role": Role.AUDITOR}], ids=str)
def test_an_administrator_neither_locks_nor_demotes_himself(database: Database, values: dict[str, Any]) -> None:
    open_account(database)
    open_account(database, "minh")
    with database.reading() as session:
        lan = accounts.actor_named(session, "lan")

    with acting_as(lan):
        with pytest.raises(accounts.OwnAccount), database.writing.begin() as session:
            accounts.change_user(session, user_of(session), values)
        with database.writing.begin() as session:
            accounts.change_user(session, user_of(session), {"full_name": "Lê Lan", "role": Role.ADMINISTRATOR})
            accounts.change_user(session, user_of(session, "minh"), values)

    with database.reading() as session:
        found, other = user_of(session), user_of(session, "minh")
        assert (found.full_name, found.role, found.locked) == ("Lê Lan", Role.ADMINISTRATOR, False)
        assert (other.role, other.locked) != (Role.ADMINISTRATOR, False)


@pytest.mark.fill("reference")
def test_a_place_is_the_life_in_force_or_the_last_one(database: Database) -> None:
    with database.reading() as session:
        now = accounts.place_named(session, Commune, "29182", today=TODAY)
        then = accounts.place_named(session, Commune, "29182", today=date(2024, 5, 1))
        district = accounts.place_named(session, District, "837", today=TODAY)
        with pytest.raises(accounts.UnknownPlace) as unknown:
            accounts.place_named(session, Commune, "99999", today=TODAY)

    assert (now.name, then.name, district.name) == ("Xã Thạnh Phú", "Thị trấn Thạnh Phú", "Huyện Thạnh Phú")
    assert str(unknown.value).startswith("Không có xã, phường mã “99999”.")


def test_nobody_acts_in_the_name_of_a_locked_or_unknown_account(database: Database) -> None:
    open_account(database)
    with database.reading() as session:
        assert accounts.actor_named(session, "lan").name == "Lê Thị Lan"
        with pytest.raises(accounts.UnknownUser):
            accounts.actor_named(session, "khongco")
    with database.writing.begin() as session:
        accounts.lock(session, user_of(session))

    with database.reading() as session, pytest.raises(accounts.AccountLocked):
        accounts.actor_named(session, "lan")
