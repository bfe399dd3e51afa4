"""Accounts: signing in and out, sessions, passwords, and what a person may see and do.

Nothing here tells a stranger which accounts exist: a wrong name takes as long, is counted and is locked out
like a wrong password.
"""

import functools
import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, joinedload, object_session

from app.current import Actor, acting_as, system, today
from app.errors import OcopError
from app.services.place_names import place_words
from app.session import OcopSession
from app.successions import WHOLE, heirs
from models import (
    EVERYTHING,
    Area,
    Commune,
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
from models.rules import areas
from models.rules import sign_in as rules
from models.rules.text import tidy
from models.rules.words import VIETNAM, clock, day

SIGN_IN = system("đăng nhập")

# OWASP's smaller profile: sign-ins that come at once take 19 MB each, not 64.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

# Areas and rights are worked out anew so often; one that a person loses works on for so long at most.
KNOWN_FOR = timedelta(seconds=60)
KNOWN_AT_MOST = 5000

Rights = frozenset[tuple[str, str]]
Known = dict[tuple[int, int], tuple[datetime, Area, Rights]]
"""(user id, version of the user) → (since when, area, rights); one for each process, kept by its edge."""


class BadUsername(OcopError):
    sentence = (
        "Tên đăng nhập “{username}” chưa đúng. Chỉ dùng chữ thường không dấu, chữ số và dấu chấm ở giữa, "
        "tối đa 60 ký tự."
    )


class UsernameTaken(OcopError):
    sentence = "Đã có tài khoản “{username}”. Chọn tên đăng nhập khác."


class NoFullName(OcopError):
    sentence = "Tài khoản “{username}” chưa có họ tên. Ghi họ tên người dùng."


class WrongPlace(OcopError):
    sentence = "{why} Chọn lại địa bàn hoặc vai trò."


class OwnAccount(OcopError):
    sentence = "Không tự khóa hay đổi vai trò của chính mình được. Nhờ một quản trị khác làm."


class UnknownUser(OcopError):
    sentence = "Không có tài khoản “{username}”. Xem danh sách bằng lệnh ocop user list."


class UnknownPlace(OcopError):
    sentence = "Không có {label} mã “{code}”. Xem lại mã trong danh mục, hoặc nhập danh mục trước."


class AccountLocked(OcopError):
    sentence = "Tài khoản “{username}” đã khóa. Mở khóa trước, hoặc dùng tài khoản khác."


class WrongOldPassword(OcopError):
    sentence = "Mật khẩu hiện tại chưa đúng. Gõ lại mật khẩu vừa dùng để đăng nhập."


class PasswordRefused(OcopError):
    sentence = "{why}"


@dataclass(frozen=True)
class SignInOutcome:
    """token: for the cookie, None when refused. sentence: why refused and what to do, else empty."""

    token: str | None
    sentence: str
    must_change: bool = False


@dataclass(frozen=True)
class Person:
    """Who is signed in, as every page needs it."""

    session_id: int
    user_id: int
    username: str
    full_name: str
    role: Role
    office: str
    must_change: bool
    single_keys: bool
    area_label: str
    last_seen_at: datetime
    actor: Actor

    def is_due(self, now: datetime) -> bool:
        """Whether `touch` should write that the person is still here."""
        return now - self.last_seen_at >= rules.SEEN_EVERY


# ---- signing in and out ------------------------------------------------------------------------------------


def sign_in(
    session: OcopSession,
    *,
    username: str,
    password: str,
    address: str,
    now: datetime,
    request_number: str = "",
) -> SignInOutcome:
    """Open a session for the right password; count a wrong one.

    Nothing is raised for a wrong password: the caller commits, and with it the count.
    That an account is locked is said only after its right password.
    """
    name = tidy(username).casefold()
    counted = _counted_name(name)
    with acting_as(replace(SIGN_IN, request_number=request_number)), session.doing("đăng nhập"):
        row = _attempt_row(session, counted)
        if row is not None and _attempts(row).is_locked(now):
            return _locked_out(_attempts(row), now)
        user = session.scalar(select(User).where(User.username == name))
        typed, nobodys = rules.password_text(password), _nobodys_hash()
        if not _is_right(typed, nobodys if user is None else user.password_hash) or user is None:
            after = _count_failure(session, row, counted, now)
            if after.is_locked(now):
                return _locked_out(after, now)
            return SignInOutcome(None, f"Tên đăng nhập hoặc mật khẩu chưa đúng. Còn {after.left} lần thử.")
        if user.locked:
            return SignInOutcome(None, "Tài khoản này đã bị khóa. Gọi người quản trị của đơn vị để mở lại.")
        if row is not None:
            session.delete(row)
        if _HASHER.check_needs_rehash(user.password_hash):
            user.password_hash = _HASHER.hash(typed)
        token = secrets.token_urlsafe(32)
        session.add(SessionRecord(token_hash=_digest(token), user=user, last_seen_at=now, address=address[:64]))
        return SignInOutcome(token, "", user.must_change_password)


@functools.cache
def _nobodys_hash() -> str:
    """Verified for a name without account, so that the answer takes as long; made at the first sign-in of a worker."""
    return _HASHER.hash(secrets.token_urlsafe(16))


def sign_out(session: OcopSession, token: str) -> None:
    """End the session of a token; harmless when it has ended or never was."""
    record = session.scalar(
        select(SessionRecord).where(SessionRecord.token_hash == _digest(token), SessionRecord.ended_at.is_(None))
    )
    if record is not None:
        with session.doing("đăng xuất"):
            record.ended_at = utc_now()


def end_sessions(session: OcopSession, user: User, *, keep: int | None = None) -> int:
    """End the sessions a user has open, all but `keep`; returns how many. Idle ones are over without it."""
    open_ones = session.scalars(
        select(SessionRecord).where(
            SessionRecord.user_id == user.id,
            SessionRecord.ended_at.is_(None),
            SessionRecord.last_seen_at >= utc_now() - rules.IDLE,
            SessionRecord.id != (keep or 0),
        )
    ).all()
    with session.doing("kết thúc phiên làm việc"):
        for record in open_ones:
            record.ended_at = utc_now()
    return len(open_ones)


def _counted_name(name: str) -> str:
    """The name failures are counted under: some type their password there, so only a user name is kept."""
    return name if rules.is_username(name) else f"?{_digest(name)[:40]}"


def _attempt_row(session: OcopSession, name: str) -> SignInAttempt | None:
    # Locked until the commit: guesses that come at once are counted one after the other.
    return session.scalar(select(SignInAttempt).where(SignInAttempt.username == name).with_for_update())


def _attempts(row: SignInAttempt) -> rules.Attempts:
    return rules.Attempts(row.failures, row.first_failed_at, row.lockouts, row.locked_until)


def _count_failure(session: OcopSession, row: SignInAttempt | None, name: str, now: datetime) -> rules.Attempts:
    if row is None:
        try:
            with session.begin_nested():
                session.add(SignInAttempt(username=name, failures=1, first_failed_at=now))
            return rules.after_failure(rules.Attempts(), now)
        except IntegrityError:  # the same name failed for the first time elsewhere, at this very moment
            row = _attempt_row(session, name)
            if row is None:
                raise
    after = rules.after_failure(_attempts(row), now)
    row.failures, row.lockouts, row.locked_until = after.failures, after.lockouts, after.locked_until
    row.first_failed_at = after.first_failed_at or now
    return after


def _locked_out(attempts: rules.Attempts, now: datetime) -> SignInOutcome:
    assert attempts.locked_until is not None
    # The clock shows minutes: round up, or the person comes back too early.
    until = (attempts.locked_until + timedelta(seconds=59)).astimezone(VIETNAM)
    on = "" if until.date() == now.astimezone(VIETNAM).date() else f" ngày {day(until)}"
    return SignInOutcome(
        None,
        f"Tài khoản tạm khóa đến {clock(until)}{on}. Quên mật khẩu thì gọi người quản trị của đơn vị.",
    )


def _is_right(typed: str, password_hash: str) -> bool:
    try:
        return _HASHER.verify(password_hash, typed)
    except (VerificationError, InvalidHashError):
        return False


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# ---- the signed-in person ----------------------------------------------------------------------------------

_WHO = (
    select(
        SessionRecord.id.label("session_id"),
        SessionRecord.last_seen_at,
        User.id.label("user_id"),
        User.version,
        User.username,
        User.full_name,
        User.role,
        User.office,
        User.must_change_password,
        User.single_keys,
        User.province_id,
        User.district_id,
        User.commune_id,
        Province.name.label("province"),
        District.name.label("district"),
        Commune.name.label("commune"),
        Commune.valid_to.label("commune_ended"),
    )
    .join(User, SessionRecord.user_id == User.id)
    .outerjoin(Province, User.province_id == Province.id)
    .outerjoin(District, User.district_id == District.id)
    .outerjoin(Commune, User.commune_id == Commune.id)
    .where(
        SessionRecord.token_hash == bindparam("token_hash"),
        SessionRecord.ended_at.is_(None),
        User.locked.is_(False),
    )
)


def resume(
    session: OcopSession, token: str, now: datetime, *, known: Known | None = None, request_number: str = ""
) -> Person | None:
    """Who a cookie's token stands for; None when it is unknown, ended or idle, or the user locked.

    known: what earlier calls worked out; with it most calls are one query.
    """
    with acting_as(SIGN_IN):
        found = session.execute(_WHO, {"token_hash": _digest(token)}).first()
        if found is None or rules.is_idle(found.last_seen_at, now):
            return None
        area, rights = _area_and_rights(session, found, now, {} if known is None else known)
        commune = _name_of(session, found.commune_id, found.commune, found.commune_ended)
    return Person(
        session_id=found.session_id,
        user_id=found.user_id,
        username=found.username,
        full_name=found.full_name,
        role=found.role,
        office=found.office,
        must_change=found.must_change_password,
        single_keys=found.single_keys,
        area_label=commune or found.district or found.province or _label_without_place(found.role),
        last_seen_at=found.last_seen_at,
        actor=Actor(found.full_name, area, found.user_id, found.role, rights, request_number),
    )


def touch(session: OcopSession, person: Person, now: datetime) -> None:
    """Write that a person is still here, so that 30 minutes count from now."""
    session.connection(execution_options={"lock_wait": 0})  # while a list is imported the next request tries again
    with acting_as(SIGN_IN), session.doing("đăng nhập"):
        session.execute(update(SessionRecord).where(SessionRecord.id == person.session_id).values(last_seen_at=now))


def has_gone_idle(session: OcopSession, token: str, now: datetime) -> bool:
    """Whether a session ended only because nothing was done for 30 minutes, as the sign-in page then says."""
    with acting_as(SIGN_IN):
        seen = session.scalar(
            select(SessionRecord.last_seen_at).where(
                SessionRecord.token_hash == _digest(token), SessionRecord.ended_at.is_(None)
            )
        )
    return seen is not None and rules.is_idle(seen, now)


def _area_and_rights(
    session: OcopSession, who: Row[*tuple[Any, ...]], now: datetime, known: Known
) -> tuple[Area, Rights]:
    key = (who.user_id, who.version)
    kept = known.get(key)
    if kept is not None and now - kept[0] < KNOWN_FOR:
        return kept[1], kept[2]
    area = _area(session, who.user_id, who.role, who.province_id, who.district_id, who.commune_id)
    rights = _rights(session, who.role)
    if len(known) >= KNOWN_AT_MOST:
        known.clear()
    known[key] = (now, area, rights)
    return area, rights


def actor_of(session: OcopSession, user: User) -> Actor:
    """The actor that a user is, for whoever acts in the user's name."""
    with acting_as(SIGN_IN):
        return Actor(user.full_name, area_of(session, user), user.id, user.role, _rights(session, user.role))


def actor_named(session: OcopSession, username: str) -> Actor:
    """The same by user name; raises UnknownUser and AccountLocked."""
    with acting_as(SIGN_IN):
        user = user_named(session, username)
        if user.locked:
            raise AccountLocked(username=username)
        return actor_of(session, user)


def _rights(session: OcopSession, role: Role) -> Rights:
    return frozenset(
        (screen, verb) for screen, verb in session.execute(select(Grant.screen, Grant.verb).where(Grant.role == role))
    )


# ---- areas -------------------------------------------------------------------------------------------------


def area_of(session: OcopSession, user: User) -> Area:
    """The places whose rows a user sees.

    no place   everything; nothing for a clerk, who must have one.
    province   all lives of its code, and the provinces it took over: no longer in force, and every recorded
               successor of their communes lies here (new Vĩnh Long has 83, 84 and both lives of 86).
    district   all lives of its code, and every commune that lay in one of them.
    commune    itself, its earlier lives, and what it took over wholly, any number of steps back. A divided
               commune is nobody's: its records wait until a clerk has said where each belongs. An earlier
               life is one of the same code, but not across 01/07/2025, when codes went to other places.

    Areas survive a merger: records that moved from an ended commune of the area to its successor stay in the area
    of everyone who had that commune, and only these; the other records of the successor do not come into it. The
    successor itself is there to be named. (Who had Bình Khánh sees those records of Đồng Khởi that came from it.)
    So over two mergers: a record that a clerk chose a commune for stays with who had the divided commune and, when the
    chosen one is merged too, with who had that one, as long as no other part of the divided one went the same way.

    around: the provinces of all these, and those that took them over: a cycle of the new province concerns
    records that still lie in the old one. The districts of a commune are there to be named.
    """
    with acting_as(SIGN_IN):
        return _area(session, user.id, user.role, user.province_id, user.district_id, user.commune_id)


def area_label(user: User) -> str:
    """An area as a person reads it: “Xã Thạnh Phú”, “Toàn quốc”."""
    if user.commune and (session := object_session(user)):
        return _name_of(session, user.commune.id, user.commune.name, user.commune.valid_to)
    place = user.commune or user.district or user.province
    return place.name if place else _label_without_place(user.role)


def _name_of(session: Session, commune_id: int | None, name: str, ended: date | None) -> str:
    """A commune by its name; of one that ended today's name first and its own behind."""
    if commune_id is None or ended is None or ended >= today():
        return name
    assert isinstance(session, OcopSession)
    place = (commune_id, None)
    return place_words(session, [place], today())[place].line


def _label_without_place(role: Role) -> str:
    return "Toàn quốc" if areas.may_see_the_country(role) else "Chưa có địa bàn"


def _area(
    session: OcopSession,
    user_id: int,
    role: Role,
    province_id: int | None,
    district_id: int | None,
    commune_id: int | None,
) -> Area:
    if commune_id is not None:
        return _communes_area(session, user_id, _commune_and_before(commune_id))
    if district_id is not None:
        return _communes_area(session, user_id, _communes_of_district(district_id))
    if province_id is not None:
        return _province_area(session, user_id, province_id)
    return replace(EVERYTHING, user_id=user_id) if areas.may_see_the_country(role) else Area(user_id=user_id)


def _communes_area(session: OcopSession, user_id: int, statement: Select[Any, Any, int]) -> Area:
    """statement: (commune or None, district or None, province) of each place."""
    rows = session.execute(statement).all()
    communes = frozenset(commune for commune, _, _ in rows if commune is not None)
    onward = _onward(session, CommuneSuccession.old_id.in_(sorted(communes)))
    elsewhere = {old for old, new, _ in onward if new not in communes}
    return Area(
        districts=frozenset(district for _, district, _ in rows if district is not None),
        communes=communes,
        around=frozenset(province for _, _, province in rows) | frozenset(province for _, _, province in onward),
        left=frozenset(elsewhere),
        passed=_passed(session, communes, [(old, new) for old, new, _ in onward if old in elsewhere]),
        heirs=frozenset(new for _, new, _ in onward) - communes,
        user_id=user_id,
    )


def _passed(
    session: OcopSession, communes: Collection[int], went: Sequence[tuple[int, int]]
) -> frozenset[tuple[int, int]]:
    """(divided commune, commune): records of the one that lie in the other came through a commune of the area.

    went: (ended commune of the area, one that took it over). Where another heir of the divided commune went to the
    same one, nobody can tell which way a record came, and it does not come into the area.
    """
    own = select(CommuneSuccession.old_id, CommuneSuccession.new_id)
    is_part = CommuneSuccession.kind == SuccessionKind.PART
    through = CommuneSuccession.new_id.in_({old for old, _ in went})
    gave = [(row[0], row[1]) for row in session.execute(own.where(is_part, through))] if went else []
    divided = CommuneSuccession.old_id.in_({former for former, _ in gave})
    beside = {(row[0], row[1]) for row in session.execute(own.where(divided)) if row[1] not in communes}
    further = _onward(session, CommuneSuccession.old_id.in_({heir for _, heir in beside}))
    other_ways = beside | {(former, end) for former, heir in beside for old, end, _ in further if old == heir}
    return frozenset((former, now) for former, heir in gave for old, now in went if old == heir) - other_ways


def _onward(session: OcopSession, given: ColumnElement[bool]) -> set[tuple[int, int, int]]:
    """(commune, one that took it over, its province), over any number of steps. given: which links are the first."""
    line, heir = heirs(given), aliased(Commune)
    rows = session.execute(select(line.c.first, heir.id, heir.province_id).join(heir, heir.id == line.c.heir))
    return {(first, heir_id, province) for first, heir_id, province in rows}


def _communes_of_district(district_id: int) -> Select[Any, Any, int]:
    given, life = aliased(District), aliased(District)
    return (
        select(Commune.id, life.id, life.province_id)
        .select_from(given)
        .join(life, life.code == given.code)
        .outerjoin(Commune, Commune.district_id == life.id)
        .where(given.id == district_id)
    )


def _commune_and_before(commune_id: int) -> Select[Any, Any, int]:
    before = select(Commune.id, Commune.code, Commune.valid_from).where(Commune.id == commune_id)
    line = before.cte("line", recursive=True)
    older, succession = aliased(Commune), aliased(CommuneSuccession)
    taken_over = select(succession.old_id).where(
        succession.new_id == line.c.id,
        succession.kind.in_(WHOLE),
    )
    earlier_life = and_(
        older.code == line.c.code,
        older.valid_to < line.c.valid_from,
        or_(
            line.c.valid_from < areas.CODES_GIVEN_ANEW,
            older.valid_from >= areas.CODES_GIVEN_ANEW,
        ),
    )
    line = line.union(
        select(older.id, older.code, older.valid_from).join(
            line, or_(earlier_life, older.id.in_(taken_over.scalar_subquery()))
        )
    )
    return select(Commune.id, Commune.district_id, Commune.province_id).where(Commune.id.in_(select(line.c.id)))


def _province_area(session: OcopSession, user_id: int, province_id: int) -> Area:
    given = select(Province.code).where(Province.id == province_id).scalar_subquery()
    lives = frozenset(session.scalars(select(Province.id).where(Province.code == given)))
    former, in_force = aliased(Province), aliased(Province)
    old, new, came, arrived = aliased(Commune), aliased(Commune), aliased(Commune), aliased(Commune)
    succession, arrival = aliased(CommuneSuccession), aliased(CommuneSuccession)
    gave = (
        select(came.province_id)
        .join(arrival, arrival.old_id == came.id)
        .join(arrived, arrival.new_id == arrived.id)
        .where(arrived.province_id.in_(lives))
    )
    went_to = session.execute(
        select(
            old.province_id,
            new.province_id,
            exists().where(in_force.code == former.code, in_force.valid_to.is_(None)),
        )
        .select_from(succession)
        .join(old, succession.old_id == old.id)
        .join(new, succession.new_id == new.id)
        .join(former, old.province_id == former.id)
        # A commune that is renamed where it lies takes its province nowhere.
        .where(old.province_id != new.province_id, or_(old.province_id.in_(lives), old.province_id.in_(gave)))
        .distinct()
    ).all()
    elsewhere = {before for before, after, _ in went_to if after not in lives}
    taken_over = {before for before, _, still_there in went_to if not still_there and before not in elsewhere}
    provinces = lives | taken_over
    ended = CommuneSuccession.old_id.in_(select(Commune.id).where(Commune.province_id.in_(sorted(provinces))))
    gone = [(first, heir) for first, heir, province in _onward(session, ended) if province not in provinces]
    return Area(
        provinces=frozenset(provinces),
        left=frozenset(first for first, _ in gone),
        heirs=frozenset(heir for _, heir in gone),
        around=frozenset(provinces) | frozenset(after for before, after, _ in went_to if before in provinces),
        user_id=user_id,
    )


# ---- passwords and accounts --------------------------------------------------------------------------------


def change_password(session: OcopSession, user: User, *, old: str, new: str, keep: int | None = None) -> None:
    """The person's own change; all other sessions of the account end, `keep` is the one it is made in."""
    old, new = rules.password_text(old), rules.password_text(new)
    if not _is_right(old, user.password_hash):
        raise WrongOldPassword
    _check_password(new, username=user.username, old=old)
    with session.doing("đổi mật khẩu"):
        _keep_password(user, new, must_change=False)
    end_sessions(session, user, keep=keep)


def set_password(session: OcopSession, user: User, *, password: str, force_change: bool = False) -> None:
    """Set by an administrator; ends the account's sessions and lock-outs."""
    new = rules.password_text(password)
    _check_password(new, username=user.username)
    with session.doing("đặt lại mật khẩu"):
        _keep_password(user, new, must_change=force_change)
        _forget_failures(session, user)
    end_sessions(session, user)


def reset_password(session: OcopSession, user: User) -> str:
    """Set a one-time password and return it, to be handed over; the person changes it at the next sign-in."""
    password = _one_time_password()
    set_password(session, user, password=password, force_change=True)
    return password


def add_user(
    session: OcopSession,
    *,
    username: str,
    full_name: str,
    role: Role,
    place: areas.Place | None = None,
    office: str = "",
    password: str | None = None,
    force_change: bool = True,
    is_demo: bool = False,
) -> tuple[User, str]:
    """Open an account for one place, or for the whole country.

    Returns it with the one-time password to hand over when none was given, else with "".
    """
    if not rules.is_username(username):
        raise BadUsername(username=username)
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise UsernameTaken(username=username)
    if not tidy(full_name):
        raise NoFullName(username=username)
    if fault := areas.place_fault(role, place):
        raise WrongPlace(why=fault)
    new = _one_time_password() if password is None else rules.password_text(password)
    _check_password(new, username=username)
    with session.doing("thêm tài khoản"):
        user = User(
            username=username,
            full_name=full_name,
            role=role,
            office=office,
            province=place if isinstance(place, Province) else None,
            district=place if isinstance(place, District) else None,
            commune=place if isinstance(place, Commune) else None,
            is_demo=is_demo,
        )
        _keep_password(user, new, must_change=force_change)
        session.add(user)
    return user, new if password is None else ""


def change_user(session: OcopSession, user: User, values: Mapping[str, Any]) -> None:
    """Save what an administrator typed, by attribute; `locked` locks or unlocks.

    Role and place hold from the person's next page on. Refused to oneself: another role, a lock.
    """
    values = dict(values)
    locked = values.pop("locked", user.locked)
    if not rules.is_username(values.get("username", user.username)):
        raise BadUsername(username=values["username"])
    role = values.get("role", user.role)
    place = one_place({name: getattr(user, name) for name in _PLACES} | values)
    if fault := areas.place_fault(role, place):
        raise WrongPlace(why=fault)
    if role != user.role:
        _refuse_oneself(session, user)
    with session.doing("sửa tài khoản"):
        for name, value in values.items():
            setattr(user, name, value)
    if locked != user.locked:
        if locked:
            lock(session, user)
        else:
            unlock(session, user)


_PLACES = ("province", "district", "commune")


def one_place(values: Mapping[str, Any]) -> areas.Place | None:
    """The place among what was typed for the three; raises WrongPlace when there are several."""
    places = [values[name] for name in _PLACES if values.get(name) is not None]
    if len(places) > 1:
        raise WrongPlace(why="Mỗi tài khoản chỉ có một địa bàn: một tỉnh, một huyện hoặc một xã.")
    return places[0] if places else None


def lock(session: OcopSession, user: User) -> int:
    """Close an account and end its sessions; returns how many were open. Nobody closes the own one."""
    _refuse_oneself(session, user)
    with session.doing("khóa tài khoản"):
        user.locked = True
    return end_sessions(session, user)


def _refuse_oneself(session: OcopSession, user: User) -> None:
    if user.id == session.actor.user_id:
        raise OwnAccount


def unlock(session: OcopSession, user: User) -> None:
    """Open it again, and forget the wrong passwords counted against it."""
    with session.doing("mở khóa tài khoản"):
        user.locked = False
        _forget_failures(session, user)


def list_users(session: OcopSession) -> Sequence[User]:
    """All accounts by user name, each with its place."""
    places = (joinedload(User.province), joinedload(User.district), joinedload(User.commune))
    return session.scalars(select(User).options(*places).order_by(User.username)).all()


def user_named(session: OcopSession, username: str) -> User:
    user = session.scalar(select(User).where(User.username == username))
    if user is None:
        raise UnknownUser(username=username)
    return user


Place = TypeVar("Place", Province, District, Commune)


def place_named(session: OcopSession, model: type[Place], code: str, *, today: date) -> Place:
    """The life of a code in force today, else the one that ended last, as a district's has."""
    lives = session.scalars(select(model).where(model.code == code).order_by(model.valid_from.desc())).all()
    if not lives:
        raise UnknownPlace(label=model.__label__.lower(), code=code)
    return next((life for life in lives if life.in_force(today)), lives[0])


def _check_password(new: str, *, username: str, old: str = "") -> None:
    if fault := rules.password_fault(new, username=username, old=old):
        raise PasswordRefused(why=fault)


def _keep_password(user: User, password: str, *, must_change: bool) -> None:
    user.password_hash = _HASHER.hash(password)
    user.password_changed_at = utc_now()
    user.must_change_password = must_change


def _forget_failures(session: OcopSession, user: User) -> None:
    row = session.scalar(select(SignInAttempt).where(SignInAttempt.username == user.username))
    if row is not None:
        session.delete(row)


# Letters and digits that are not mistaken for one another when read out or written down.
_PLAIN = "abcdefghjkmnpqrstuvwxyz23456789"


def _one_time_password() -> str:
    return "-".join("".join(secrets.choice(_PLAIN) for _ in range(4)) for _ in range(3))
