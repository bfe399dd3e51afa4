"""Who may do what: one table of data, from which the Grant rows are seeded; what it does not name, nobody may.

Verbs: list, details, create, edit, delete, export, import, and the actions advance, step_back, hand_in,
send_back, withdraw, rejoin, reset_password. Of import-batch, import is the right to load files at all; each list has
its own besides.
Source: DESIGN §1. The district level ended on 01/07/2025: its clerks have rows of that time alone, by their area.
"""

from collections.abc import Iterator

from models.user import Role

LOOK = ("list", "details", "export")
KEEP = (*LOOK, "create", "edit", "delete")
MOVE = ("advance", "step_back", "hand_in", "send_back", "withdraw", "rejoin")
PLACES = ("province", "district", "commune", "commune-succession")
REGISTER = ("entity", "representative", "product")
PROGRAMME = ("cycle", "cycle-step", "product-group", "criteria-set")

_CLERK: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*PLACES, *PROGRAMME, "rating"), LOOK),
    **dict.fromkeys(("entity", "representative"), (*KEEP, "import")),
    "product": (*KEEP, *MOVE, "import"),
    "participation": (*LOOK, "create", "delete", *MOVE, "import"),
    "import-batch": ("list", "details", "import"),
}

ACCESS: dict[Role, dict[str, tuple[str, ...]]] = {
    Role.COMMUNE_CLERK: _CLERK,
    Role.DISTRICT_CLERK: _CLERK,
    Role.PROVINCE_CLERK: {
        **_CLERK,
        **dict.fromkeys(("commune", "commune-succession"), (*LOOK, "import")),
        "cycle": (*LOOK, "create", "edit"),
        "rating": (*KEEP, "import"),
    },
    Role.COUNCIL_MEMBER: {
        **dict.fromkeys(("criteria-set", "product-group"), ("list", "details")),
        "product": ("list", "details"),
        "rating": ("list", "details"),
    },
    Role.LEADER: dict.fromkeys((*PLACES, *PROGRAMME, *REGISTER, "participation", "rating"), LOOK),
    Role.ADMINISTRATOR: {
        **dict.fromkeys((*REGISTER, "participation", "rating"), LOOK),
        **dict.fromkeys((*PLACES, *PROGRAMME), KEEP),
        **dict.fromkeys(("district", "commune", "commune-succession"), (*KEEP, "import")),
        "user": (*LOOK, "create", "edit", "reset_password"),
        "audit": LOOK,
        "import-batch": (*LOOK, "import"),
    },
    Role.AUDITOR: {"audit": LOOK},
}


def grants() -> Iterator[tuple[Role, str, str]]:
    """Every (role, screen, verb) of the table."""
    for role, screens in ACCESS.items():
        for screen, verbs in screens.items():
            for verb in verbs:
                yield role, screen, verb


def may(rights: frozenset[tuple[str, str]], screen: str, verb: str) -> bool:
    """The one answer to every question of right. rights: the (screen, verb) pairs granted to the person's role."""
    return (screen, verb) in rights
