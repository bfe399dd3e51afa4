"""Chuyển đơn vị: records of ended communes go to their successor, all at once where it is one, else by choice.

A record keeps where it was recorded (`moved_from_id`) and its address as printed; each move is a numbered batch of the
import, so it is in the trail and is taken back like one.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import joinedload

from app.errors import OcopError
from app.services.importing.batches import next_number, one_at_a_time
from app.services.importing.writing import parts
from app.services.place_names import Unit, read_onward
from app.session import OcopSession, places_relation
from models.base import Base, Placed, now
from models.commune import Commune
from models.entity import Entity
from models.import_batch import BatchState, ImportBatch, ImportRow, RowAction
from models.product import Product
from models.rules.places import bare_name, successors
from models.rules.text import fold, sort_key
from models.rules.words import day, number

VERB = "chuyển đơn vị"
FILE_NAME = "Chuyển đơn vị"


class NothingToMove(OcopError):
    sentence = "Không còn bản ghi nào ở xã, phường đã hết hiệu lực mà chuyển được ngay."


class MovingChanged(OcopError):
    sentence = "Sổ đã thay đổi sau khi xem trước nên chưa chuyển bản ghi nào. Xem lại danh sách rồi bấm lại."


class NotThere(OcopError):
    sentence = "Bản ghi này không chờ chọn xã mới, hoặc xã đã chọn không phải đơn vị kế tục. Mở lại danh sách."


@dataclass
class Leaving:
    """Records of one ended commune. heirs: ids of the units that took over, one when all records may follow.

    counts: how many records of each model.
    """

    commune_id: int
    unit: Unit
    heirs: Sequence[int]
    is_whole: bool
    counts: Counter[type[Base]] = field(default_factory=Counter)


@dataclass(frozen=True)
class Moving:
    """What waits in the area of who asks. mark: the same as long as `whole` is."""

    whole: Sequence[Leaving]
    divided: Sequence[Leaving]
    unknown: Sequence[Leaving]
    units: Mapping[int, Unit]

    @property
    def count(self) -> int:
        return sum(leaving.counts.total() for leaving in self.whole)

    @property
    def mark(self) -> str:
        told = [
            (each.commune_id, list(each.heirs), sorted((m.__tablename__, n) for m, n in each.counts.items()))
            for each in self.whole
        ]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Waiting:
    """One record of a divided commune. address: as printed, else its street.

    likely: the heir its address names or, by_entity, where its producer is already.
    """

    model: type[Base]
    row_id: int
    version: int
    name: str
    commune_id: int
    address: str
    heirs: Sequence[int]
    likely: int | None
    by_entity: bool = False


@cache
def moved_models() -> tuple[type[Base], ...]:
    """Models with a commune of their own; what takes its place from them follows."""
    models: list[type[Base]] = sorted((m.class_ for m in Base.registry.mappers), key=lambda m: m.__tablename__)
    return tuple(model for model in models if issubclass(model, Placed) and places_relation(model) == "commune")


def look(session: OcopSession, today: date) -> Moving:
    """Say which records lie in communes that ended, and where they would go; change nothing."""
    counts: dict[int, Counter[type[Base]]] = {}
    for model in moved_models():
        commune: Any = getattr(model, "commune_id")  # noqa: B009  # Placed
        statement = (
            select(commune, func.count(model.id))
            .join(Commune, commune == Commune.id)
            .where(Commune.valid_to < today)
            .group_by(commune)
        )
        for commune_id, count in session.execute(statement):
            counts.setdefault(commune_id, Counter())[model] = count
    units, links = read_onward(session, counts)
    found: tuple[list[Leaving], list[Leaving], list[Leaving]] = ([], [], [])
    for commune_id in sorted(
        counts, key=lambda each: (sort_key(units[each].district), sort_key(units[each].name), each)
    ):
        went = successors(links, commune_id)
        in_force = [unit for unit in went.units if not _has_ended(units[unit], today)]
        leaving = Leaving(commune_id, units[commune_id], in_force, went.is_whole, counts[commune_id])
        found[0 if in_force and went.is_whole else 1 if in_force else 2].append(leaving)
    return Moving(*found, units)


def _has_ended(unit: Unit, today: date) -> bool:
    return unit.valid_to is not None and unit.valid_to < today


def waiting(session: OcopSession, moving: Moving, commune_id: int, *, first: int = 0, most: int = 25) -> list[Waiting]:
    """Records of one divided commune that wait for a choice; their addresses say which heir is likely.

    first: how many come before those wanted. Raises NotThere where nothing waits.
    """
    leaving = next((each for each in moving.divided if each.commune_id == commune_id), None)
    if leaving is None:
        raise NotThere
    found: list[Waiting] = []
    for model in moved_models():
        commune: Any = getattr(model, "commune_id")  # noqa: B009  # Placed
        skipped = min(first, leaving.counts[model])
        first -= skipped
        statement = select(model).where(commune == commune_id).order_by(model.id)
        if model is Product:
            statement = statement.options(joinedload(Product.entity))
        rows = session.scalars(statement.offset(skipped).limit(most - len(found)))
        found += [_waiting(row, leaving, moving.units) for row in rows]
    return found


def _waiting(row: Any, leaving: Leaving, units: Mapping[int, Unit]) -> Waiting:
    entity = row.entity if isinstance(row, Product) else row
    address = (entity.printed_address or entity.street) if isinstance(entity, Entity) else ""
    likely = [heir for heir in leaving.heirs if _is_named(units[heir].name, address)]
    by_entity = isinstance(row, Product) and isinstance(entity, Entity) and entity.commune_id in leaving.heirs
    if by_entity and entity is not None:
        likely = [entity.commune_id]
    return Waiting(
        type(row),
        row.id,
        row.version,
        str(row),
        row.commune_id,
        address,
        leaving.heirs,
        likely[0] if len(likely) == 1 else None,
        by_entity,
    )


def _is_named(name: str, address: str) -> bool:
    return f" {fold(bare_name(name))} " in f" {fold(address)} "


def move(session: OcopSession, *, today: date, seen: str = "") -> ImportBatch:
    """Move what may follow without being looked at, all of it or nothing, as one numbered batch.

    seen: the mark of what was looked at before. Raises MovingChanged, NothingToMove.
    """
    one_at_a_time(session)
    moving = look(session, today)
    if seen and seen != moving.mark:
        raise MovingChanged
    if not moving.whole:
        raise NothingToMove
    goes = {leaving.commune_id: leaving.heirs[0] for leaving in moving.whole}
    batch = _begin(session, today)
    with session.doing(VERB, batch_id=batch.id):
        lines = _moved(session, batch, goes)
        _finish(session, batch, lines)
    return batch


def choose(
    session: OcopSession, model: type[Base], row_id: int, commune_id: int, *, version: int, today: date
) -> ImportBatch:
    """Move one record of a divided commune to the heir that a clerk chose, as a batch of its own.

    version: of the record as it was seen. Raises NotThere, StaleVersion.
    """
    one_at_a_time(session)
    row: Any = session.get(model, row_id) if model in moved_models() else None
    divided = {leaving.commune_id: leaving for leaving in look(session, today).divided}
    if row is None or row.commune_id not in divided or commune_id not in divided[row.commune_id].heirs:
        raise NotThere
    session.saw(model, row_id, version)
    batch = _begin(session, today)
    with session.doing(VERB, batch_id=batch.id):
        heir = session.get_one(Commune, commune_id)
        line = _line(batch, 1, row, session.get_one(Commune, row.commune_id), heir)
        _put(row, heir)
        _finish(session, batch, [line])
    return batch


def _begin(session: OcopSession, today: date) -> ImportBatch:
    who = session.actor
    batch = ImportBatch(
        screen=str(Commune.__screen__),
        state=BatchState.PLANNED,
        file_name=FILE_NAME,
        file_hash="",
        file_size=0,
        as_of=today,
        options={"columns": []},
        counts={action.value: 0 for action in RowAction},
        user_id=who.user_id,
        made_by=who.name,
    )
    with session.doing(VERB):
        session.add(batch)
    return batch


def _moved(session: OcopSession, batch: ImportBatch, goes: Mapping[int, int]) -> list[dict[str, Any]]:
    wanted = select(Commune).where(Commune.id.in_({*goes, *goes.values()})).options(joinedload(Commune.district))
    communes = {unit.id: unit for unit in session.scalars(wanted)}
    lines: list[dict[str, Any]] = []
    for rows in _rows(session, goes):
        for row in rows:
            old, heir = communes[row.commune_id], communes[goes[row.commune_id]]
            lines.append(_line(batch, len(lines) + 1, row, old, heir))
            _put(row, heir)
        session.flush()
    return lines


def _rows(session: OcopSession, goes: Mapping[int, int]) -> Iterator[Sequence[Any]]:
    for model in moved_models():
        commune: Any = getattr(model, "commune_id")  # noqa: B009  # Placed
        ids = session.scalars(select(model.id).where(commune.in_(sorted(goes))).order_by(model.id)).all()
        links = sorted({path.partition(".")[0] for path in model.__search__ if "." in path})
        loading = [joinedload(getattr(model, link)) for link in links]
        for part in parts(ids):
            yield session.scalars(select(model).where(model.id.in_(part)).order_by(model.id).options(*loading)).all()


def _put(row: Any, heir: Commune) -> None:
    row.moved_from_id = row.moved_from_id or row.commune_id
    row.commune = heir


def _line(batch: ImportBatch, line: int, row: Base, old: Commune, heir: Commune) -> dict[str, Any]:
    return {
        "batch_id": batch.id,
        "user_id": batch.user_id,
        "line": line,
        "label": f"{row.__label__}: {row}"[:255],
        "action": RowAction.CHANGED,
        "changes": {"name": [_told(old), _told(heir)]},
    }


def _told(unit: Commune) -> str:
    """“Xã Thạnh Hải, mã 29221, Huyện Thạnh Phú, đến hết 30/06/2025”: a new unit may bear the old one's name."""
    ends = f"đến hết {day(unit.valid_to)}" if unit.valid_to else f"từ {day(unit.valid_from)}"
    district = unit.district.name if unit.district else ""
    return ", ".join(filter(None, (unit.name, f"mã {unit.code}", district, ends)))


def _finish(session: OcopSession, batch: ImportBatch, lines: Sequence[dict[str, Any]]) -> None:
    for part in parts(lines):
        session.execute(insert(ImportRow), part)
    batch.counts = {**batch.counts, RowAction.CHANGED.value: len(lines)}
    batch.number = next_number(session)
    batch.state = BatchState.APPLIED
    batch.applied_at = now()


def counted(counts: Counter[type[Base]]) -> str:
    """“3 chủ thể, 12 sản phẩm”."""
    return ", ".join(f"{number(count)} {model.__label__.lower()}" for model, count in counts.items() if count)
