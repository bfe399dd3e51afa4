"""Who acts: a signed-in user or a named system actor. Kept per task and thread; every Session reads it here."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import date

from models import EVERYTHING, Area, Role
from models.base import now
from models.rules.words import VIETNAM


class NoActorError(RuntimeError):
    """A read or write was tried with nobody to answer for it: a bug, never a clerk's mistake."""


@dataclass(frozen=True)
class Actor:
    """name: as the trail keeps it. rights: (screen, verb) pairs; system actors need none, they pass no screen."""

    name: str
    area: Area
    user_id: int | None = None
    role: Role | None = None
    rights: frozenset[tuple[str, str]] = frozenset()
    request_number: str = ""

    @property
    def is_user(self) -> bool:
        return self.user_id is not None


_ACTOR: ContextVar[Actor | None] = ContextVar("actor", default=None)


def actor() -> Actor:
    """The current actor; raises NoActorError when none was set."""
    found = _ACTOR.get()
    if found is None:
        raise NoActorError("no actor is set: use acting_as(…) at the edge")
    return found


def set_actor(who: Actor | None) -> None:
    """For the web edge, where one task is one request; everyone else uses acting_as."""
    _ACTOR.set(who)


def system(name: str) -> Actor:
    """A named system actor that sees everything: sign-in, command line, seed, migrations."""
    return Actor(name=name, area=EVERYTHING)


def today() -> date:
    """The day it is in Vietnam, wherever the server stands; asked at the edge and handed down."""
    return now().astimezone(VIETNAM).date()


@contextmanager
def acting_as(who: Actor) -> Iterator[Actor]:
    token = _ACTOR.set(who)
    try:
        yield who
    finally:
        _ACTOR.reset(token)


@contextmanager
def seeing_everything() -> Iterator[None]:
    """For what no area may hide: the last number given, who else bears a code, what a place is called."""
    with acting_as(replace(actor(), area=EVERYTHING)):
        yield
