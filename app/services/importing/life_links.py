"""Which life of a code took over from which, while lists in any order cut lives or let them begin earlier.

A link stands at a day: the old unit was in force the day before, the new one is on it. So a link of a life that a list
cuts goes on from the part that the day follows, and lists and conversion tables in any order leave the same links.
"""

import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Protocol

from sqlalchemy import or_, select

from app.services.importing.writing import parts
from app.session import OcopSession
from models.base import LabelledEnum
from models.commune import Commune, CommuneSuccession, SuccessionKind
from models.rules.places import DAY, NO_DISTRICTS_FROM, bare_name, life_on


class Told(Protocol):
    """A life as far as links need it: a row, or what it was before the list."""

    @property
    def code(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> LabelledEnum: ...

    @property
    def valid_from(self) -> date: ...

    @property
    def valid_to(self) -> date | None: ...

    @property
    def legal_basis(self) -> str: ...


def mend(session: OcopSession, before: Mapping[int, Told], codes: Sequence[str]) -> None:
    """Put the links of lives of these codes right, after a list changed some of them.

    before: row id → the life as it was. What a clerk or a table said of a link stays; what only repeats the two units
    is said anew. Each life is linked to the next of its code, where that begins the day after: renamed, of another
    kind, or elsewhere.
    """
    lives = _lives(session, codes)
    links = _links_of(session, [row.id for same in lives.values() for row in same])
    lives |= _lives(session, {row.code for link in links for row in (link.old, link.new)} - lives.keys())
    pairs = {(link.old_id, link.new_id) for link in links}
    for link in links:
        was_old, was_new = before.get(link.old_id, link.old), before.get(link.new_id, link.new)
        is_repeated = _follows(was_old, was_new) and (link.kind, link.legal_basis) == _said(was_old, was_new)
        if stands := _day(link, was_old, was_new):
            old, new = life_on(lives[was_old.code], stands - DAY), life_on(lives[was_new.code], stands)
            if old and new and old is not new and (old.id, new.id) not in pairs:
                pairs ^= {(link.old_id, link.new_id), (old.id, new.id)}
                link.old, link.new = old, new
        if is_repeated and (said := _said(link.old, link.new)) != (link.kind, link.legal_basis):
            link.kind, link.legal_basis = said
    for code in codes:
        for old, new in itertools.pairwise(lives.get(code, ())):
            if _follows(old, new) and (old.id, new.id) not in pairs:
                kind, legal_basis = _said(old, new)
                session.add(CommuneSuccession(old_id=old.id, new_id=new.id, kind=kind, legal_basis=legal_basis))


def _day(link: CommuneSuccession, old: Told, new: Told) -> date | None:
    """The day a link stands at; None where a unit that goes on gave a part to one that was there already."""
    if old.valid_to and (link.kind.is_whole or not old.valid_from < new.valid_from <= old.valid_to):
        return old.valid_to + DAY
    return new.valid_from if new.valid_from > old.valid_from else None


def _follows(old: Told, new: Told) -> bool:
    """Whether one life of a code is the next after another. On the day districts ended codes went to other places."""
    across = old.valid_from < NO_DISTRICTS_FROM <= new.valid_from
    return old.code == new.code and old.valid_to == new.valid_from - DAY and not across


def _said(old: Told, new: Told) -> tuple[SuccessionKind, str]:
    """What the units themselves say of a link: (how, legal basis)."""
    if bare_name(old.name) != bare_name(new.name):
        return SuccessionKind.RENAMED, new.legal_basis
    return SuccessionKind.UNCHANGED if old.kind is new.kind else SuccessionKind.RETYPED, new.legal_basis


def _lives(session: OcopSession, codes: Collection[str]) -> dict[str, list[Commune]]:
    found: defaultdict[str, list[Commune]] = defaultdict(list)
    for part in parts(sorted(codes)):
        for row in session.scalars(select(Commune).where(Commune.code.in_(part)).order_by(Commune.valid_from)):
            found[row.code].append(row)
    return dict(found)


def _links_of(session: OcopSession, ids: Sequence[int]) -> list[CommuneSuccession]:
    found: dict[int, CommuneSuccession] = {}
    for part in parts(ids):
        either = or_(CommuneSuccession.old_id.in_(part), CommuneSuccession.new_id.in_(part))
        found |= {link.id: link for link in session.scalars(select(CommuneSuccession).where(either))}
    return [found[key] for key in sorted(found)]
