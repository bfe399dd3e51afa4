"""What ended units became by the day of a list; read once for a list, and only when its words name such a unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from sqlalchemy import select

from app.current import seeing_everything
from app.services.geography import places_on
from app.session import OcopSession
from models.commune import Commune, CommuneSuccession
from models.rules.geography import Spot
from models.rules.places import Link, is_renamed, successors


@dataclass
class Former:
    """Ended units as the day of a list knows them. as_of: that day."""

    session: OcopSession
    as_of: date

    def heirs(self, unit_id: int) -> Sequence[int]:
        """The units in force in which a unit's records may lie; the one, where that is certain."""
        spot = self._spots.get(unit_id)
        if spot and spot.commune_id:
            return (spot.commune_id,)
        return [unit for unit in successors(self._links, unit_id).units if unit in self._names]

    def is_the_same(self, old_id: int, new_id: int) -> bool:
        """Whether one is the other under a new name or of a new kind, and nothing more."""
        return is_renamed(self._links, old_id, new_id)

    def now(self, unit_id: int) -> str:
        """“nay là Xã Đồng Khởi”, “đã chia, nay thuộc …”, or that it is not known."""
        names = [self._names[heir] for heir in self.heirs(unit_id)]
        if not names:
            return "chưa rõ đơn vị kế tục"
        return f"nay là {names[0]}" if len(names) == 1 else f"đã chia, nay thuộc {', '.join(names)}"

    @cached_property
    def _spots(self) -> dict[int, Spot]:
        return places_on(self.session, self.as_of)

    @cached_property
    def _links(self) -> list[Link]:
        own = (CommuneSuccession.old_id, CommuneSuccession.new_id, CommuneSuccession.kind)
        with seeing_everything():
            return [(old, new, kind) for old, new, kind in self.session.execute(select(*own))]

    @cached_property
    def _names(self) -> dict[int, str]:
        """Of the units in force."""
        with seeing_everything():
            found = self.session.execute(select(Commune.id, Commune.name).where(Commune.on(self.as_of)))
            return {row.id: row.name for row in found}
