"""Someone saved first: both versions side by side, nothing lost, nothing chosen in advance."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import select
from starlette.datastructures import FormData, ImmutableMultiDict

from admin_views import pages
from admin_views.forms import ChoiceField, ClerkField, ClerkForm, LookupField, YesNoField, lower_first
from app.current import today
from app.services.place_names import place_lines
from app.session import OcopSession
from models import AuditEntry, Commune
from models.base import Base
from models.rules.words import moment

if TYPE_CHECKING:
    from admin_views.base import OcopView


def is_undecided(data: FormData) -> bool:
    """Whether a conflict page was sent with a field that both had changed and nobody chose."""
    return any(
        name.startswith("theirs-") and not name.startswith("theirs-text-") and f"choose-{name[7:]}" not in data
        for name in data
    )


def merged_form(view: "OcopView", data: FormData) -> ClerkForm:
    """The form a page posted; from a conflict page, with their value wherever the clerk chose it."""
    if data.get("merging") != "1":
        return view.form_class(data)
    pairs = dict(data.multi_items())
    for name, value in list(pairs.items()):
        if name.startswith("theirs-") and pairs.get(f"choose-{name[7:]}") == "theirs":
            pairs[name[7:]] = value
        elif name.startswith("theirs-text-") and pairs.get(f"choose-{name[12:]}") == "theirs":
            pairs[f"{name[12:]}-text"] = value
    return view.form_class(ImmutableMultiDict(list(pairs.items())))


def conflict_page(
    session: OcopSession, view: "OcopView", row: Base, form: ClerkForm, was: Mapping[str, str]
) -> pages.ConflictPage:
    """was: what stood in the form when the clerk opened it; row: as it is now."""
    now_form = view.form_class(data={name: getattr(row, name) for name in view.get_form_columns()})
    theirs_by_name = {f.name: f for f in now_form.clerk_fields()}
    last = session.execute(
        select(AuditEntry)
        .where(AuditEntry.model == view.model.__tablename__, AuditEntry.row_id == row.id)
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).scalar()
    places = _places(session, was, form, now_form)
    rows, hidden = [], [("merging", "1"), ("version", str(row.version)), ("save", "save")]
    # What stood there first goes on, so that a page sent without a choice comes back as it was.
    hidden += [(f"was-{name}", value) for name, value in was.items()]
    for mine in form.clerk_fields():
        theirs = theirs_by_name[mine.name]
        before = was.get(mine.name, "")
        they_changed, i_changed = theirs.typed != before, mine.typed != before
        use = mine
        if they_changed and i_changed and theirs.typed != mine.typed:
            state = "choose"
        elif they_changed:
            state, use = "theirs", theirs
        else:
            state = "mine"
        hidden.append((mine.name, use.typed))
        if isinstance(use, LookupField):
            hidden.append((f"{mine.name}-text", use.text))
        if state == "choose":
            hidden.append((f"theirs-{mine.name}", theirs.typed))
        if they_changed or i_changed:
            rows.append(
                pages.ConflictRow(
                    mine.name,
                    mine.info.label,
                    _read(mine, before, was.get(f"{mine.name}-text", ""), places),
                    _read(theirs, theirs.typed, getattr(theirs, "text", ""), places) if they_changed else "không sửa",
                    _read(mine, mine.typed, getattr(mine, "text", ""), places) if i_changed else "không sửa",
                    state,  # type: ignore[arg-type]  # one of the three
                )
            )
    rows.sort(key=lambda r: r.state != "choose")
    label = lower_first(view.model.__label__)
    who, when = (last.actor, moment(last.at)) if last is not None else ("Người khác", moment(row.updated_at))
    choices = sum(r.state == "choose" for r in rows)
    merged = len(rows) - choices
    sub = "Chưa lưu gì và không mất chữ nào bạn đã gõ."
    if choices:
        sub += f" Có {choices} chỗ cả hai cùng sửa, hãy chọn."
    if merged:
        sub += f" {merged} chỗ khác đã được gộp sẵn."
    return pages.ConflictPage(
        head=pages.Head(
            title=f"{who} vừa sửa {label} này lúc {when}",
            crumbs=[
                pages.Link(view.model.__plural__, view.href("list")),
                pages.Link(str(row), view.href("details", row.id)),
            ],
            here="Sửa",
        ),
        title=f"{who} vừa sửa {label} này lúc {when}",
        sub=sub,
        opened="",
        their_name=who,
        saved=when,
        rows=rows,
        action=view.href("edit", row.id),
        hidden=hidden,
        drop_href=view.href("details", row.id),
    )


def _places(session: OcopSession, was: Mapping[str, str], *forms: ClerkForm) -> dict[str, str]:
    """Communes that stand in a control, by what is typed there, today's name first."""
    links = [f for form in forms for f in form.clerk_fields() if isinstance(f, LookupField) and f.target is Commune]
    typed = {text for f in links for text in (f.typed, was.get(f.name, "")) if re.fullmatch(r"\d{1,9}", text)}
    lines = place_lines(session, {int(text) for text in typed}, today())
    return {text: lines[int(text)] for text in typed if int(text) in lines}


def _read(field: ClerkField, typed: str, text: str, places: Mapping[str, str]) -> str:
    """What stands in a control, as a clerk reads it."""
    if isinstance(field, LookupField):
        if field.target is Commune and typed in places:
            return places[typed]
        return text or ("" if not typed else f"số {typed}")
    if isinstance(field, ChoiceField):
        return next((m.label for m in field.members if m.value == typed), typed)
    if isinstance(field, YesNoField):
        return {"1": "Có", "0": "Không"}.get(typed, "")
    return typed
