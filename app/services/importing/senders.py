"""What was settled about the workbooks of a sender, so that the next one is read alike."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Date, inspect, select

from app.services.importing.reading import NOT_DATA, Options, column_type, linked_model
from app.session import OcopSession
from models.base import Base, screens
from models.import_batch import ImportBatch, Sender
from models.province import Dated
from models.rules.text import fold, tidy


def named(session: OcopSession, name: str) -> Sender | None:
    """The sender of that name of the account that acts; made when there is none. None for no name."""
    found = known(session, name)
    if found is None and tidy(name):
        found = Sender(name=tidy(name), user_id=session.actor.user_id)
        session.add(found)
        session.flush()
    return found


def known(session: OcopSession, name: str) -> Sender | None:
    """The sender of that name of the account that acts, when a file of it was imported before."""
    own = select(Sender).where(Sender.name == tidy(name), Sender.user_id == session.actor.user_id)
    return session.scalars(own).first()


def names(session: OcopSession) -> list[str]:
    """Senders of the account that acts."""
    own = select(Sender.name).where(Sender.user_id == session.actor.user_id).order_by(Sender.name)
    return list(session.scalars(own))


def sheet_of(sender: Sender | None, model: type[Base]) -> str | None:
    """The sheet read last time."""
    return (sender.layouts.get(str(model.__screen__), {}).get("sheet") or None) if sender else None


def recalled(
    session: OcopSession, sender: Sender | None, model: type[Base], titles: Sequence[str], options: Options, as_of: date
) -> tuple[Options, list[str]]:
    """Options with what was settled before; sentences about a layout that differs from the last one.

    What was answered by a unit that is not in force on the day of the list is asked again.
    """
    if sender is None:
        return options, []
    layout = sender.layouts.get(str(model.__screen__), {})
    links = {
        relation: _of_the_day(session, linked_model(model, relation), sender, as_of)
        for relation in _relations_with_aliases(sender, model)
    }
    links |= layout.get("answers", {})
    notes = []
    if before := layout.get("labels"):
        more = [title for title in titles if title not in before and fold(title) not in NOT_DATA]
        fewer = [title for title in before if title not in titles]
        if more or fewer:
            parts = [f"thêm cột {_quoted(more)}" if more else "", f"thiếu cột {_quoted(fewer)}" if fewer else ""]
            notes.append(f"Tệp của {sender.name} khác lần trước: {'; '.join(part for part in parts if part)}.")
        else:
            notes.append(f"Đọc tệp như lần trước của {sender.name}.")
    mapping = {title: path for title, path in layout.get("mapping", {}).items() if title in titles}
    return replace(options, mapping={**mapping, **options.mapping}, links={**links, **options.links}), notes


def _of_the_day(session: OcopSession, model: type[Base], sender: Sender, as_of: date) -> dict[str, int]:
    known: dict[str, int] = sender.aliases.get(str(model.__screen__), {})
    if not issubclass(model, Dated):
        return dict(known)
    units = session.scalars(select(model).where(model.id.in_(set(known.values()))))
    in_force = {unit.id for unit in units if unit.in_force(as_of)}
    return {value: row_id for value, row_id in known.items() if row_id in in_force}


def remember(session: OcopSession, batch: ImportBatch) -> None:
    """Keep of an applied batch how its file was read and what its values meant."""
    sender = batch.sender
    if sender is None:
        return
    model, options = screens()[batch.screen], batch.options
    layout: dict[str, Any] = {"sheet": batch.sheet, "labels": options["columns"], "mapping": options.get("mapping", {})}
    aliases = {screen: dict(known) for screen, known in sender.aliases.items()}
    for relation, chosen in options.get("links", {}).items():
        if relation not in inspect(model).relationships:
            kept = {value: said for value, said in chosen.items() if value}
            if kept and not isinstance(column_type(model, relation), Date):  # of other lists the days are others
                layout.setdefault("answers", {})[relation] = kept
            continue
        # What has no value was said of this file alone.
        meant = {value: row_id for value, row_id in chosen.items() if value and isinstance(row_id, int)}
        aliases.setdefault(str(linked_model(model, relation).__screen__), {}).update(meant)
    sender.layouts = {**sender.layouts, batch.screen: layout}
    sender.aliases = aliases
    session.flush()


def _relations_with_aliases(sender: Sender, model: type[Base]) -> list[str]:
    return [
        relation.key
        for relation in inspect(model).relationships
        if not relation.uselist and str(relation.mapper.class_.__screen__) in sender.aliases
    ]


def _quoted(titles: Sequence[str]) -> str:
    return ", ".join(f"“{title}”" for title in titles)
