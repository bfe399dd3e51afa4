"""Moved records"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

TABLES = ('entities', 'participations', 'products', 'ratings', 'representatives', 'step_records')


def upgrade() -> None:
    # Added in place: a table made anew could not be dropped while others lead to it.
    for table in TABLES:
        commune = sa.ForeignKey('communes.id', name=op.f(f'fk_{table}_moved_from_id'))
        column = sa.Column('moved_from_id', sa.Integer(), commune, nullable=True)
        op.add_column(table, column, inline_references=True)
        op.create_index(op.f(f'ix_{table}_moved_from_id'), table, ['moved_from_id'])


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(op.f(f'ix_{table}_moved_from_id'), table_name=table)
        op.drop_column(table, 'moved_from_id')
