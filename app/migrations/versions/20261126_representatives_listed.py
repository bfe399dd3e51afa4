"""Representatives are listed and searched"""

import sqlalchemy as sa
from alembic import op

from app.migrations.search import drop_search, make_search
from models.rules.text import fold, sort_key

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

INDEXES = {
    'ix_representatives_sort_key_id': ['sort_key', 'id'],
    'ix_representatives_province_id_sort_key_id': ['province_id', 'sort_key', 'id'],
    'ix_representatives_commune_id_sort_key_id': ['commune_id', 'sort_key', 'id'],
}


def upgrade() -> None:
    binary = 'C' if op.get_bind().dialect.name == 'postgresql' else None
    for name, kind in (('search_text', sa.Text(collation=binary)), ('sort_key', sa.String(200, collation=binary))):
        op.add_column('representatives', sa.Column(name, kind, nullable=False, server_default=''))
    _fill(op.get_bind())
    for name, columns in INDEXES.items():
        op.create_index(name, 'representatives', columns)
    make_search('representatives')


def downgrade() -> None:
    drop_search('representatives')
    for name in INDEXES:
        op.drop_index(name, table_name='representatives')
    for column in ('search_text', 'sort_key'):
        op.drop_column('representatives', column)


def _fill(bind: sa.Connection) -> None:
    own = sa.table('representatives', *map(sa.column, ('id', 'entity_id', 'name', 'search_text', 'sort_key')))
    entities = sa.table('entities', sa.column('id'), sa.column('name'))
    found = bind.execute(sa.select(own.c.id, own.c.name, entities.c.name).join(entities, entities.c.id == own.c.entity_id))
    filled = [
        {'row': row, 'text': f'{fold(name)} | {fold(entity)}', 'key': sort_key(name)} for row, name, entity in found
    ]
    if filled:
        changed = own.update().where(own.c.id == sa.bindparam('row'))
        bind.execute(changed.values(search_text=sa.bindparam('text'), sort_key=sa.bindparam('key')), filled)
