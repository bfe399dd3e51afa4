"""One statement for many rows: what Core asks anew for each of them is asked once for all."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Update

Process = Callable[[Any], Any]
NONE: Mapping[str, Any] = MappingProxyType({})


def execute_many(
    connection: Connection,
    statement: Insert | Update,
    rows: Sequence[Mapping[str, Any]],
    *,
    names: Sequence[str] = (),
    shared: Mapping[str, Any] = NONE,
) -> None:
    """Execute a statement for rows of the same names; nothing comes back, and the statement is kept between calls.

    names: what of the rows is bound, all of it unless told; what a row lacks is empty.
    shared: values that are the same in each row; so is what the table fills of a column that nobody names.
    Core would go through all its parameters for every row.
    """
    own = tuple(names or rows[0])
    sql, binds, filled = _compiled(statement, connection.dialect, (*own, *shared))
    shared = {**shared, **{name: value_of(default) for name, default in filled}}
    columns: list[Any] = []
    for name, process in binds:
        if name in shared:
            columns.append(repeat(process(shared[name]) if process else shared[name]))
        else:
            values = [row.get(name) for row in rows]
            columns.append(map(process, values) if process else values)
    bound = zip(*columns, strict=False)  # what is shared has no end
    if connection.dialect.positional:
        connection.exec_driver_sql(sql, list(bound))
    else:
        titles = [name for name, _ in binds]
        connection.exec_driver_sql(sql, [dict(zip(titles, each, strict=True)) for each in bound])


def value_of(default: Any) -> Any:
    """What a column's default fills in now. default: of SQLAlchemy, a value or what makes one."""
    return default.arg(None) if default.is_callable else default.arg


@lru_cache(maxsize=128)
def _compiled(
    statement: Insert | Update, dialect: Dialect, names: tuple[str, ...]
) -> tuple[str, tuple[tuple[str, Process | None], ...], tuple[tuple[str, Any], ...]]:
    """The statement as the driver takes it; its parameters in their order, each with what makes its value fit;
    defaults of columns that are not named.
    """
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    order = compiled.positiontup or list(compiled.binds)
    fit = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}
    filled = [(each.key, each.default) for each in compiled.insert_prefetch]
    filled += [(each.key, each.onupdate) for each in compiled.update_prefetch]
    return str(compiled), tuple((name, fit[name]) for name in order), tuple(filled)
