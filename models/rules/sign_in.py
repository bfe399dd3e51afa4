"""Signing in: when a name is locked out, what passwords and user names may be, how long a session lives."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURES_ALLOWED = 5
WINDOW = timedelta(minutes=15)
FIRST_LOCKOUT = timedelta(minutes=15)
LONGEST_LOCKOUT = timedelta(hours=24)
# Lock-outs of a name that has been left alone for so long no longer count.
FORGOTTEN_AFTER = timedelta(hours=24)

IDLE = timedelta(minutes=30)
# last_seen_at is written at most so often: every request would be a write otherwise.
SEEN_EVERY = timedelta(minutes=1)

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200

_USERNAME = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")
LONGEST_USERNAME = 60


@dataclass(frozen=True)
class Attempts:
    """Failures of one name: since when, how many, how often it was locked out and until when."""

    failures: int = 0
    first_failed_at: datetime | None = None
    lockouts: int = 0
    locked_until: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        return self.locked_until is not None and now < self.locked_until

    @property
    def left(self) -> int:
        return FAILURES_ALLOWED - self.failures


def after_failure(attempts: Attempts, now: datetime) -> Attempts:
    """What one more wrong password makes of them; `attempts` must not be locked.

    The fifth failure within 15 minutes of the first locks the name: 15 minutes, then 30, 60 …, at most
    24 hours.
    Counting starts anew after a lock-out; the next one is longer, until 24 hours after the end of the last.
    """
    if attempts.locked_until is not None and now >= attempts.locked_until + FORGOTTEN_AFTER:
        attempts = Attempts()
    first = attempts.first_failed_at
    if first is None or attempts.failures >= FAILURES_ALLOWED or now - first > WINDOW:
        failures, first = 1, now
    else:
        failures = attempts.failures + 1
    if failures < FAILURES_ALLOWED:
        return Attempts(failures, first, attempts.lockouts, attempts.locked_until)
    return Attempts(failures, first, attempts.lockouts + 1, now + lockout(attempts.lockouts))


def lockout(lockouts: int) -> timedelta:
    """How long a name is locked out that was locked out so often before."""
    return min(FIRST_LOCKOUT * int(2 ** min(lockouts, 10)), LONGEST_LOCKOUT)


def is_idle(last_seen_at: datetime, now: datetime) -> bool:
    return now - last_seen_at > IDLE


def is_username(text: str) -> bool:
    """Lower-case letters without marks, digits, single dots between them, at most 60."""
    return len(text) <= LONGEST_USERNAME and _USERNAME.fullmatch(text) is not None


def password_text(typed: str) -> str:
    """A password as it is hashed: composed letters, whichever keyboard typed them; spaces are kept."""
    return unicodedata.normalize("NFC", typed)


def password_fault(new: str, *, username: str, old: str = "") -> str:
    """Why a new password will not do, as a sentence; empty when it will."""
    if len(new) < SHORTEST_PASSWORD:
        return f"Mật khẩu mới có {len(new)} ký tự; cần ít nhất {SHORTEST_PASSWORD}."
    if len(new) > LONGEST_PASSWORD:
        return f"Mật khẩu mới có {len(new)} ký tự; chỉ được {LONGEST_PASSWORD}."
    if old and new == old:
        return "Mật khẩu mới giống mật khẩu cũ. Chọn mật khẩu khác."
    if new.casefold() == username.casefold():
        return "Mật khẩu mới giống tên đăng nhập. Chọn mật khẩu khác."
    if len(set(new)) == 1:
        return "Mật khẩu mới chỉ lặp một ký tự. Chọn mật khẩu khó đoán hơn."
    return ""
