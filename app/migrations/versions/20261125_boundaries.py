"""Boundaries of communes"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('boundaries',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('commune_id', sa.Integer(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('geometry', sa.Text(), nullable=False),
    sa.Column('outline', sa.Text(), nullable=False),
    sa.Column('x', sa.Integer(), nullable=False),
    sa.Column('y', sa.Integer(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['commune_id'], ['communes.id'], name=op.f('fk_boundaries_commune_id')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_boundaries_province_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_boundaries')),
    sa.UniqueConstraint('commune_id', 'as_of', name=op.f('uq_boundaries_commune_id_as_of')),
    sqlite_autoincrement=True
    )
    op.create_index('ix_boundaries_province_id', 'boundaries', ['province_id'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_boundaries_province_id', table_name='boundaries')
    op.drop_table('boundaries')
