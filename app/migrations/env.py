"""Alembic's entry: the connection comes from the caller, or from the settings when alembic runs by itself."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import String

from app.config import load
from app.database import connect
from app.migrations.search import is_search_table
from models import Base
from models.base import Instant, Points, Tidy, TidyText


def _include(name: str | None, kind: str, _parents: Any) -> bool:
    return not (kind == "table" and name is not None and is_search_table(name))


def _include_object(_object: Any, name: str | None, kind: str, _reflected: bool, _compare: Any) -> bool:
    # Made by app.migrations.search, which autogenerate does not know.
    return not (kind == "index" and name is not None and name.endswith("_trgm"))


def _render(kind: str, thing: Any, _context: Any) -> str | Literal[False]:
    """Plain types in the versions, so that an old one still runs when our own types have moved on."""
    if kind != "type":
        return False
    if isinstance(thing, Tidy):
        plain = thing.impl_instance
        assert isinstance(plain, String)
        return f"sa.String(length={plain.length})"
    if isinstance(thing, TidyText):
        return "sa.Text()"
    if isinstance(thing, Instant):
        return "sa.DateTime(timezone=True)"
    if isinstance(thing, Points):
        return 'sa.Numeric(9, 6).with_variant(sa.String(10), "sqlite")'
    return False


def _run(connection: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=_render,
        include_name=_include,
        include_object=_include_object,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with connect(load().database_url).engine.execution_options(writes=True).begin() as own:
        _run(own)
