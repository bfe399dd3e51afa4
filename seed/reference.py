"""Reference data from seed/data: places, successions, steps, product groups, criteria sets; grants."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select

from app.current import acting_as, system
from app.database import Database
from app.session import OcopSession
from models import (
    Base,
    ChoiceKind,
    Commune,
    CommuneKind,
    CommuneSuccession,
    CriteriaSet,
    Criterion,
    CriterionKind,
    CriterionOption,
    CycleStep,
    District,
    DistrictKind,
    Grant,
    GroupLevel,
    ProductGroup,
    Province,
    ProvinceKind,
    ReceivingLevel,
    StepCode,
    StepKind,
    SuccessionKind,
)
from models.rules.access import grants
from models.rules.places import life_on

DATA = Path(__file__).parent / "data"

Row = dict[str, str]
Model = TypeVar("Model", bound=Base)
DatedPlace = TypeVar("DatedPlace", Province, District)


def load(database: Database) -> dict[str, int]:
    """Bring the database to what the files say, in one transaction; a second run changes nothing.

    Rows are matched by their first natural key; rows that the files do not name stay, grants excepted.
    Returns how many rows were "new", "changed", "same" and "removed".
    """
    counts = Counter({"new": 0, "changed": 0, "same": 0, "removed": 0})
    with (
        acting_as(system("dữ liệu ban đầu")),
        database.writing.begin() as session,
        session.doing("nạp dữ liệu ban đầu"),
    ):
        _places(session, counts)
        _steps(session, counts)
        _groups(session, counts)
        _criteria(session, counts)
        _grants(session, counts)
    return dict(counts)


def read(name: str) -> list[Row]:
    """The lines of seed/data/<name>.csv by header; every cell is text."""
    with open(DATA / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _places(session: OcopSession, counts: Counter[str]) -> None:
    _upsert(session, counts, Province, (_dated(r) | {"kind": ProvinceKind(r["kind"])} for r in read("provinces")))
    province = _life_of(session.scalars(select(Province)))
    _upsert(
        session,
        counts,
        District,
        (
            _dated(r) | {"kind": DistrictKind(r["kind"]), "province": province(r, r["province_code"])}
            for r in read("districts")
        ),
    )
    district = _life_of(session.scalars(select(District)))
    communes = _upsert(
        session,
        counts,
        Commune,
        (
            _dated(r)
            | {
                "kind": CommuneKind(r["kind"]),
                "province": province(r, r["province_code"]),
                "district": district(r, r["district_code"]) if r["district_code"] else None,
            }
            for r in read("communes")
        ),
    )
    by_life = {(c.code, c.valid_from): c for c in communes}
    _upsert(
        session,
        counts,
        CommuneSuccession,
        (
            {
                "old": by_life[r["old_code"], date.fromisoformat(r["old_valid_from"])],
                "new": by_life[r["new_code"], date.fromisoformat(r["new_valid_from"])],
                "kind": SuccessionKind(r["kind"]),
                "legal_basis": r["legal_basis"],
            }
            for r in read("commune_successions")
        ),
    )


def _dated(row: Row) -> dict[str, Any]:
    return {
        "code": row["code"],
        "name": row["name"],
        "valid_from": date.fromisoformat(row["valid_from"]),
        "valid_to": _day(row["valid_to"]),
        "legal_basis": row["legal_basis"],
    }


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _life_of(places: Iterable[DatedPlace]) -> Callable[[Row, str], DatedPlace]:
    """A lookup: the life of a parent's code in force on the last day of the unit that a line describes.

    places: every life in the database, for an office's own list may have ended those of the files since.
    """
    lives: dict[str, list[DatedPlace]] = {}
    for place in places:
        lives.setdefault(place.code, []).append(place)

    def find(row: Row, code: str) -> DatedPlace:
        last = _day(row["valid_to"]) or date.max
        # An office may know an earlier end of the parent than the files do.
        return life_on(lives[code], last) or max(lives[code], key=lambda life: life.valid_from)

    return find


def _steps(session: OcopSession, counts: Counter[str]) -> None:
    _upsert(
        session,
        counts,
        CycleStep,
        (
            {
                "number": int(r["order"]),
                "code": StepCode(r["code"].lower()),
                "name": r["name"],
                "short_name": r["short_name"],
                "kind": StepKind(r["kind"]),
                "actor": r["actor"],
                "handed_in": r["handed_in"],
                "may_be_returned": r["may_be_returned"] == "1",
                # Where nothing is handed in, nothing leaves the commune.
                "receiving_level": ReceivingLevel(r["receiving_level"] or "commune"),
                "valid_from": date.fromisoformat(r["valid_from"]),
                "valid_to": _day(r["valid_to"]),
            }
            for r in read("cycle_steps")
        ),
    )


def _groups(session: OcopSession, counts: Counter[str]) -> None:
    known: dict[str, ProductGroup] = {}
    for lines in _parents_first(read("product_groups")):
        rows = _upsert(
            session,
            counts,
            ProductGroup,
            (
                {
                    "decision": r["version"],
                    "code": r["code"],
                    "name": r["name"],
                    "level": GroupLevel(r["level"]),
                    "managing_bodies": r["managing_bodies"],
                    "criteria_set_number": int(r["criteria_set_number"]) if r["criteria_set_number"] else None,
                    "parent": known[r["parent_code"]] if r["parent_code"] else None,
                }
                for r in lines
            ),
        )
        known |= {row.code: row for row in rows}


def _parents_first(lines: list[Row]) -> Iterator[list[Row]]:
    """The lines of a tree level by level, from the roots down."""
    above = {""}
    while level := [r for r in lines if r["parent_code"] in above]:
        yield level
        above = {r["code"] for r in level}


def _criteria(session: OcopSession, counts: Counter[str]) -> None:
    sets = _upsert(
        session,
        counts,
        CriteriaSet,
        (
            {
                "number": int(r["number"]),
                "name": r["name"],
                "decision": r["decision"],
                "valid_from": date.fromisoformat(r["valid_from"]),
                "valid_to": _day(r["valid_to"]),
                "max_points": Decimal(r["max_points"]),
            }
            for r in read("criteria_sets")
        ),
    )
    for criteria_set in sets:
        _tree(session, counts, criteria_set)


def _tree(session: OcopSession, counts: Counter[str], criteria_set: CriteriaSet) -> None:
    name = f"criteria_set_{criteria_set.number}"
    lines = read(name)
    position = {r["code"]: place for place, r in enumerate(lines, start=1)}
    criteria: dict[str, Criterion] = {}
    for level in _parents_first(lines):
        rows = _upsert(
            session,
            counts,
            Criterion,
            (
                {
                    "criteria_set": criteria_set,
                    "parent": criteria[r["parent_code"]] if r["parent_code"] else None,
                    "position": position[r["code"]],
                    "part": r["part"],
                    "code": r["code"],
                    "name": r["name"],
                    "kind": CriterionKind(r["kind"]),
                    "max_points": Decimal(r["max_points"]),
                    "choice_kind": ChoiceKind(r["choice_kind"] or "one"),
                    "condition": r["condition"],
                }
                for r in level
            ),
        )
        criteria |= {row.code: row for row in rows}
    _upsert(
        session,
        counts,
        CriterionOption,
        (
            {
                "criterion": criteria[r["criterion_code"]],
                "position": int(r["order"]),
                "points": Decimal(r["points"]),
                "min_star": int(r["min_star"]) if r["min_star"] else None,
                "text": r["text"],
            }
            for r in read(f"{name}_options")
        ),
    )


def _grants(session: OcopSession, counts: Counter[str]) -> None:
    kept = _upsert(
        session,
        counts,
        Grant,
        ({"role": role, "screen": screen, "verb": verb} for role, screen, verb in grants()),
    )
    for grant in set(session.scalars(select(Grant))) - set(kept):
        session.delete(grant)
        counts["removed"] += 1


def _upsert(
    session: OcopSession, counts: Counter[str], model: type[Model], rows: Iterable[dict[str, Any]]
) -> list[Model]:
    """The model's rows for these values, made or changed where needed, in the order given."""
    key = model.__keys__[0]
    with session.no_autoflush:
        known = {_values(row, key): row for row in session.scalars(select(model))}
        found = []
        for values in rows:
            row = known.get(tuple(values[name] for name in key))
            if row is None:
                row = model(**values)
                session.add(row)
                counts["new"] += 1
            else:
                counts["changed" if _change(row, values) else "same"] += 1
            found.append(row)
    session.flush()
    return found


def _values(row: Base, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)


def _change(row: Base, values: dict[str, Any]) -> bool:
    last = getattr(row, "valid_to", None)
    if last is not None and "valid_to" in values and (values["valid_to"] is None or last < values["valid_to"]):
        return False  # an office's own list has ended it since: it stays as the office left it
    changed = False
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed
