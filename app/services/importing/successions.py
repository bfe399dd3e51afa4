"""Conversion tables as of a day → links between the units of the day before and those of the day."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select

from app.current import seeing_everything
from app.services.importing.likeness import Likely
from app.services.importing.links import Unfound
from app.services.importing.places import Life, Lives, RowRefused, lives_of
from app.services.importing.reading import Columns, Options, Problem, ReadRow
from app.services.importing.writing import Change, Changes
from app.services.places import loop_sentence
from app.session import OcopSession, plain
from models.commune import Commune, CommuneSuccession, SuccessionKind
from models.import_batch import RowAction
from models.rules.places import DAY, LAST_OF_DISTRICTS, bare_name, code_flaw, life_on, loop
from models.rules.text import fold
from models.rules.words import day

USES = ("old.code", "old.name", "new.code", "new.name", "kind", "legal_basis")
NEEDS = ("old.code", "new.code", "kind")
BESIDE = ("id", "version", "kind", "legal_basis")


def decide(
    session: OcopSession,
    columns: Columns,
    rows: Sequence[ReadRow],
    *,
    as_of: date,
    options: Options,  # noqa: ARG001  # none counts, see below
) -> "SuccessionList":
    """Judge every row: old codes as they were the day before, new ones as of the day.

    What a row is refused for becomes a problem of it. No option counts: a unit is what its code says.
    """
    codes = {code for row in rows for path in ("old.code", "new.code") if (code := row.values[path])}
    with seeing_everything():
        lives = lives_of(session, Commune, sorted(codes))
        own = (CommuneSuccession.old_id, CommuneSuccession.new_id)
        beside = [getattr(CommuneSuccession, name) for name in BESIDE]
        known = {
            (old, new): dict(zip(BESIDE, values, strict=True))
            for old, new, *values in session.execute(select(*own, *beside))
        }
    judged = SuccessionList(columns, as_of, lives, known)
    judged.changes = [judged.judge(row) for row in rows]
    judged.refuse_second_whole(rows)
    judged.refuse_loops(session, rows)
    return judged


@dataclass
class SuccessionList:
    """Rows of a conversion table against the units of two days. known: {(old id, new id): the link there is}.

    pairs: (old id, new id) of each change.
    """

    columns: Columns
    as_of: date
    lives: Lives
    known: Mapping[tuple[int, int], Mapping[str, Any]]
    changes: list[Change | None] = field(default_factory=list)
    pairs: dict[Change, tuple[int, int]] = field(default_factory=dict)
    unfound: Mapping[tuple[str, str], Unfound] = field(default_factory=dict)
    likely: Sequence[Likely] = ()
    refused_since: Mapping[int, Problem] = field(default_factory=dict)
    covers: Sequence[str] = ()

    def judge(self, row: ReadRow) -> Change | None:
        """What one row does; None when it is refused."""
        if row.problems:
            return None
        try:
            return self._change(row)
        except RowRefused as refusal:
            row.problems.append(Problem(self.columns.name(refusal.path), str(refusal)))
            return None

    def _change(self, row: ReadRow) -> Change:
        old, new = self._unit(row, "old", self.as_of - DAY), self._unit(row, "new", self.as_of)
        kind: SuccessionKind | None = row.values["kind"]
        if kind is None:
            possible = ", ".join(each.label for each in SuccessionKind)
            raise RowRefused("kind", f"Thiếu cách chuyển. Ghi một trong: {possible}.")
        if old.id == new.id:
            raise RowRefused(
                "new.code",
                f"{new.code} {new.name} trước và sau ngày này là một đơn vị nên không có gì để chuyển. Bỏ dòng.",
            )
        if kind.is_whole and (old.valid_to is None or old.valid_to >= self.as_of):
            raise RowRefused(
                "old.code",
                f"{old.code} {old.name} còn hiệu lực ngày {day(self.as_of)} nên chưa chuyển hết. "
                "Nhập danh mục xã, phường ngày đó trước, hoặc ghi Nhập một phần.",
            )
        values: dict[str, Any] = {"kind": kind}
        if basis := row.values.get("legal_basis"):
            values["legal_basis"] = basis
        link = self.known.get((old.id, new.id))
        shown = {
            name: (_words(link[name]), _words(value)) for name, value in values.items() if link and link[name] != value
        }
        action = RowAction.NEW if link is None else RowAction.CHANGED if shown else RowAction.SAME
        if link is None:
            values |= {"old_id": old.id, "new_id": new.id}
        change = Change(
            CommuneSuccession,
            action,
            f"{old.code} {old.name} → {new.code} {new.name}",
            values,
            existing=link["id"] if link else None,
            shown=shown,
            before={name: plain(value) for name, value in link.items()} if link else None,
        )
        self.pairs[change] = old.id, new.id
        return change

    def _unit(self, row: ReadRow, side: str, on: date) -> Life:
        path = f"{side}.code"
        code: str | None = row.values[path]
        if not code:
            raise RowRefused(path, "Thiếu mã xã. Ghi mã gồm 5 chữ số.")
        if flaw := code_flaw(code, 5):
            raise RowRefused(path, flaw)
        lives = self.lives.get(code, ())
        unit = life_on(lives, on)
        if unit is None and side == "old" and on > LAST_OF_DISTRICTS:
            unit = life_on(lives, LAST_OF_DISTRICTS)  # the old map ended that day, whenever the new one is told of
        if unit is None:
            raise RowRefused(
                path, f"Ngày {day(on)} chưa có xã mã {code}. Nhập danh mục xã, phường tại ngày đó trước, hoặc sửa mã."
            )
        name: str | None = row.values.get(f"{side}.name")
        if name and fold(bare_name(name)) != fold(bare_name(unit.name)):
            raise RowRefused(
                path, f"Mã {code} ngày {day(on)} là {unit.name}, không phải “{name}”. Sửa mã hoặc tên cho khớp."
            )
        for level in ("district", "province"):
            said, own = row.values.get(f"{side}.{level}.name"), unit.parents.get(level)
            if said and (own is None or fold(bare_name(said)) != fold(bare_name(own.name))):
                lies_in = f"thuộc {own.name}" if own else "không thuộc huyện nào"
                raise RowRefused(
                    path, f"{code} {unit.name} ngày {day(on)} {lies_in}, không phải “{said}”. Sửa cho khớp."
                )
        return unit

    def refuse_second_whole(self, rows: Sequence[ReadRow]) -> None:
        """A unit that went wholly into one has nothing left for another."""
        kinds: defaultdict[int, dict[int, SuccessionKind]] = defaultdict(dict)
        for (old, new), link in self.known.items():
            kinds[old][new] = link["kind"]
        for old, new, kind in self._links():
            kinds[old][new] = kind
        for place, change in enumerate(self.changes):
            its = kinds[self.pairs[change][0]] if change else {}
            if change and len(its) > 1 and any(kind.is_whole for kind in its.values()):
                sentence = (
                    f"{change.label.partition(' → ')[0]} đã chuyển hết vào một đơn vị nên không chuyển tiếp được. "
                    "Ghi Nhập một phần ở mọi dòng của đơn vị này, hoặc bỏ dòng thừa."
                )
                self._refuse(rows, place, "kind", sentence)

    def refuse_loops(self, session: OcopSession, rows: Sequence[ReadRow]) -> None:
        kept = [(old, new, link["kind"]) for (old, new), link in self.known.items()]
        while found := loop([*kept, *self._links()]):
            places = [n for n, change in enumerate(self.changes) if change and self.pairs[change][0] in found]
            if not places:
                return  # there before; nothing of it is in this file
            sentence = loop_sentence(session, found)
            for place in places:
                self._refuse(rows, place, "new.code", sentence)

    def _links(self) -> list[tuple[int, int, SuccessionKind]]:
        return [(*self.pairs[change], change.values["kind"]) for change in self.changes if change]

    def _refuse(self, rows: Sequence[ReadRow], place: int, path: str, sentence: str) -> None:
        rows[place].problems.append(Problem(self.columns.name(path), sentence))
        self.changes[place] = None

    def all_changes(self) -> Changes:
        return Changes([], [change for change in self.changes if change])

    def notes(self, _session: OcopSession) -> list[str]:
        return []

    def also(self, _wanted: Collection[Change]) -> tuple[dict[str, dict[str, int]], list[str]]:
        return {}, []


def _words(value: Any) -> str:
    return str(getattr(value, "label", value))
