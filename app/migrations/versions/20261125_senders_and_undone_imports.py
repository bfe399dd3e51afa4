"""Senders and undone imports"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('senders',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('layouts', sa.JSON(), nullable=False),
    sa.Column('aliases', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_senders_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_senders')),
    sa.UniqueConstraint('user_id', 'name', name=op.f('uq_senders_user_id_name')),
    sqlite_autoincrement=True
    )
    # Added in place: a table made anew could not be dropped while import_rows leads to it.
    op.add_column('import_batches', sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('import_batches', sa.Column('undone_by', sa.String(length=180), nullable=False, server_default=''))
    sender = sa.ForeignKey('senders.id', name=op.f('fk_import_batches_sender_id'))
    op.add_column('import_batches', sa.Column('sender_id', sa.Integer(), sender, nullable=True), inline_references=True)


def downgrade() -> None:
    for name in ('sender_id', 'undone_by', 'undone_at'):
        op.drop_column('import_batches', name)
    op.drop_table('senders')
