"""Who may do what: one table of data, from which the Grant rows are seeded; what it does not name, nobody may.

Verbs: list, details, create, edit, delete, export, import, and the actions advance, send_back, resubmit,
reset_password.
Source: DESIGN §1; districts act until 30/06/2025 and for records of that time.
"""

from collections.abc import Iterator

from models.user import Role

LOOK = ("list", "details", "export")
KEEP = (*LOOK, "create", "edit", "delete", "import")
MOVE = ("advance", "send_back", "resubmit")
PLACES = ("province", "district", "commune")
PROGRAMME = ("cycle", "cycle-step", "product-group", "criteria-set")

_CLERK: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*PLACES, *PROGRAMME, "rating"), LOOK),
    "entity": KEEP,
    "product": (*KEEP, *MOVE),
    "participation": (*LOOK, "create", *MOVE),
    "import-batch": ("list", "details"),
}

ACCESS: dict[Role, dict[str, tuple[str, ...]]] = {
    Role.COMMUNE_CLERK: _CLERK,
    Role.DISTRICT_CLERK: _CLERK,
    Role.PROVINCE_CLERK: {
        **_CLERK,
        "commune": (*LOOK, "import"),
        "cycle": (*LOOK, "create", "edit"),
        "participation": (*LOOK, "create", "delete", *MOVE),
        "rating": KEEP,
    },
    Role.COUNCIL_MEMBER: {
        **dict.fromkeys(("criteria-set", "product-group"), ("list", "details")),
        "product": ("list", "details"),
        "rating": ("list", "details"),
    },
    Role.LEADER: dict.fromkeys((*PLACES, *PROGRAMME, "entity", "product", "participation", "rating"), LOOK),
    Role.ADMINISTRATOR: {
        **dict.fromkeys(("entity", "product", "participation", "rating"), LOOK),
        **dict.fromkeys((*PLACES, *PROGRAMME), KEEP),
        "user": (*LOOK, "create", "edit", "reset_password"),
        "audit": LOOK,
        "import-batch": LOOK,
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
