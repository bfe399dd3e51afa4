"""Results with stars alone"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

COLUMNS = {'mean_points': sa.String(10), 'stars_by_points': sa.Integer()}


def upgrade() -> None:
    _allow_null(True)


def downgrade() -> None:
    _allow_null(False)


def _allow_null(allowed: bool) -> None:
    """On SQLite in the text of the table: made anew it would lose its checks and the triggers of its search.

    Source: https://www.sqlite.org/lang_altertable.html, section 7, for constraints that change nothing on disk.
    """
    bind = op.get_bind()
    alone = [name for name in COLUMNS if not allowed and _has_null(bind, name)]
    if alone:
        raise ValueError(f'ratings.{alone[0]} is empty in some rows: fill them before going back')
    if bind.dialect.name != 'sqlite':
        for name in COLUMNS:
            op.alter_column('ratings', name, nullable=allowed)
        return
    version = bind.exec_driver_sql('PRAGMA schema_version').scalar_one()
    sql = bind.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'ratings'").scalar_one()
    for name, kind in COLUMNS.items():
        free = f'{name} {kind.compile(bind.dialect)}'
        before, after = (f'{free} NOT NULL,', f'{free},') if allowed else (f'{free},', f'{free} NOT NULL,')
        assert sql.count(before) == 1, before
        sql = sql.replace(before, after)
    bind.exec_driver_sql('PRAGMA writable_schema = ON')
    bind.exec_driver_sql("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = 'ratings'", (sql,))
    bind.exec_driver_sql(f'PRAGMA schema_version = {version + 1}')
    bind.exec_driver_sql('PRAGMA writable_schema = OFF')


def _has_null(bind: sa.Connection, name: str) -> bool:
    ratings = sa.table('ratings', sa.column(name))
    return bind.execute(sa.select(sa.literal(1)).select_from(ratings).where(ratings.c[name].is_(None)).limit(1)).first() is not None
