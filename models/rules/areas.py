"""Which places belong to whom: what a role needs, and from when on a code names another place."""

from datetime import date

from models.commune import Commune
from models.district import District
from models.province import Province
from models.user import Role

# On this day 20 of the 48 commune codes of former Bến Tre were given to other places. Source: DOMAIN §7.3,
# Nghị quyết 1687/NQ-UBTVQH15, Quyết định 19/2025/QĐ-TTg.
CODES_GIVEN_ANEW = date(2025, 7, 1)

Place = Province | District | Commune

_PLACE_OF_CLERK: dict[Role, tuple[type[Place], str]] = {
    Role.COMMUNE_CLERK: (Commune, "một xã, phường"),
    Role.DISTRICT_CLERK: (District, "một huyện"),
    Role.PROVINCE_CLERK: (Province, "một tỉnh, thành phố"),
}


def place_fault(role: Role, place: Place | None) -> str:
    """Why a role cannot have this place, as a sentence; empty when it can.

    A clerk has a place of the own level; the others have any place, or none, which is the whole country.
    """
    level, needed = _PLACE_OF_CLERK.get(role, (None, ""))
    return "" if level is None or isinstance(place, level) else f"{role.label} cần địa bàn là {needed}."


def may_see_the_country(role: Role) -> bool:
    """No place is the whole country; for a clerk it is a place forgotten, so nothing."""
    return role not in _PLACE_OF_CLERK
