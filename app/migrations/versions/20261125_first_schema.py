"""First schema"""

import sqlalchemy as sa
from alembic import op

from app.migrations.search import drop_search, make_search

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

SEARCHABLE = (
    "communes",
    "criteria_sets",
    "cycle_steps",
    "cycles",
    "districts",
    "entities",
    "participations",
    "product_groups",
    "products",
    "provinces",
    "ratings",
    "users",
)


def upgrade() -> None:
    op.create_table('criteria_sets',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('decision', sa.String(length=40), nullable=False),
    sa.Column('max_points', sa.Numeric(9, 6).with_variant(sa.String(10), "sqlite"), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('legal_basis', sa.String(length=255), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.CheckConstraint('valid_to IS NULL OR valid_to >= valid_from', name=op.f('ck_criteria_sets_period')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_criteria_sets')),
    sa.UniqueConstraint('decision', 'number', name=op.f('uq_criteria_sets_decision_number')),
    sqlite_autoincrement=True
    )
    op.create_table('cycle_steps',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('code', sa.Enum('outreach', 'idea', 'plan_training', 'plan', 'delivery_training', 'delivery', 'rating', 'promotion', name='stepcode', native_enum=False, length=40), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('short_name', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.Enum('gathering', 'product', name='stepkind', native_enum=False, length=40), nullable=False),
    sa.Column('actor', sa.String(length=255), nullable=False),
    sa.Column('handed_in', sa.String(length=255), nullable=False),
    sa.Column('may_be_returned', sa.Boolean(), nullable=False),
    sa.Column('receiving_level', sa.Enum('commune', 'district', 'province', name='receivinglevel', native_enum=False, length=40), nullable=False),
    sa.Column('working_days', sa.Integer(), nullable=True),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('legal_basis', sa.String(length=255), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.CheckConstraint('number BETWEEN 1 AND 20', name=op.f('ck_cycle_steps_number')),
    sa.CheckConstraint('valid_to IS NULL OR valid_to >= valid_from', name=op.f('ck_cycle_steps_period')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cycle_steps')),
    sa.UniqueConstraint('number', 'valid_from', name=op.f('uq_cycle_steps_number_valid_from')),
    sqlite_autoincrement=True
    )
    op.create_table('grants',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('role', sa.Enum('commune_clerk', 'district_clerk', 'province_clerk', 'council_member', 'leader', 'administrator', 'auditor', name='role', native_enum=False, length=40), nullable=False),
    sa.Column('screen', sa.String(length=40), nullable=False),
    sa.Column('verb', sa.String(length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_grants')),
    sa.UniqueConstraint('role', 'screen', 'verb', name=op.f('uq_grants_role_screen_verb')),
    sqlite_autoincrement=True
    )
    op.create_table('product_groups',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('decision', sa.String(length=40), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('level', sa.Enum('nganh', 'nhom', 'phan_nhom', name='grouplevel', native_enum=False, length=40), nullable=False),
    sa.Column('managing_bodies', sa.String(length=255), nullable=False),
    sa.Column('criteria_set_number', sa.Integer(), nullable=True),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.ForeignKeyConstraint(['parent_id'], ['product_groups.id'], name=op.f('fk_product_groups_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_product_groups')),
    sa.UniqueConstraint('decision', 'code', name=op.f('uq_product_groups_decision_code')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('product_groups', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_product_groups_parent_id'), ['parent_id'], unique=False)
        batch_op.create_index('ix_product_groups_sort_key_id', ['sort_key', 'id'], unique=False)

    op.create_table('provinces',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=2), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.Enum('tinh', 'thanh_pho', name='provincekind', native_enum=False, length=40), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('legal_basis', sa.String(length=255), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.CheckConstraint('valid_to IS NULL OR valid_to >= valid_from', name=op.f('ck_provinces_period')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_provinces')),
    sa.UniqueConstraint('code', 'valid_from', name=op.f('uq_provinces_code_valid_from')),
    sqlite_autoincrement=True
    )
    op.create_table('sign_in_attempts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('username', sa.String(length=60), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('first_failed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lockouts', sa.Integer(), nullable=False),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_attempts')),
    sa.UniqueConstraint('username', name=op.f('uq_sign_in_attempts_username')),
    sqlite_autoincrement=True
    )
    op.create_table('criteria',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('criteria_set_id', sa.Integer(), nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('part', sa.String(length=1), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('kind', sa.Enum('part', 'section', 'criterion', name='criterionkind', native_enum=False, length=40), nullable=False),
    sa.Column('max_points', sa.Numeric(9, 6).with_variant(sa.String(10), "sqlite"), nullable=False),
    sa.Column('choice_kind', sa.Enum('one', 'yes_no', 'two_cases', name='choicekind', native_enum=False, length=40), nullable=False),
    sa.Column('condition', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("part IN ('A', 'B', 'C')", name=op.f('ck_criteria_part')),
    sa.ForeignKeyConstraint(['criteria_set_id'], ['criteria_sets.id'], name=op.f('fk_criteria_criteria_set_id')),
    sa.ForeignKeyConstraint(['parent_id'], ['criteria.id'], name=op.f('fk_criteria_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_criteria')),
    sa.UniqueConstraint('criteria_set_id', 'code', name=op.f('uq_criteria_criteria_set_id_code')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('criteria', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_criteria_parent_id'), ['parent_id'], unique=False)

    op.create_table('cycles',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('plan_number', sa.String(length=60), nullable=False),
    sa.Column('opened_on', sa.Date(), nullable=False),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.CheckConstraint('closed_on IS NULL OR closed_on >= opened_on', name=op.f('ck_cycles_period')),
    sa.CheckConstraint('year BETWEEN 2018 AND 2100', name=op.f('ck_cycles_year')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_cycles_province_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cycles')),
    sa.UniqueConstraint('year', 'province_id', name=op.f('uq_cycles_year_province_id')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('cycles', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_cycles_province_id'), ['province_id'], unique=False)

    op.create_table('districts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=3), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.Enum('huyen', 'quan', 'thi_xa', 'thanh_pho', name='districtkind', native_enum=False, length=40), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('legal_basis', sa.String(length=255), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.CheckConstraint('valid_to IS NULL OR valid_to >= valid_from', name=op.f('ck_districts_period')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_districts_province_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_districts')),
    sa.UniqueConstraint('code', 'valid_from', name=op.f('uq_districts_code_valid_from')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('districts', schema=None) as batch_op:
        batch_op.create_index('ix_districts_province_id_sort_key_id', ['province_id', 'sort_key', 'id'], unique=False)

    op.create_table('communes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=5), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.Enum('xa', 'phuong', 'thi_tran', 'dac_khu', name='communekind', native_enum=False, length=40), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('district_id', sa.Integer(), nullable=True),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('legal_basis', sa.String(length=255), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.CheckConstraint('valid_to IS NULL OR valid_to >= valid_from', name=op.f('ck_communes_period')),
    sa.ForeignKeyConstraint(['district_id'], ['districts.id'], name=op.f('fk_communes_district_id')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_communes_province_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_communes')),
    sa.UniqueConstraint('code', 'valid_from', name=op.f('uq_communes_code_valid_from')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('communes', schema=None) as batch_op:
        batch_op.create_index('ix_communes_province_id_sort_key_id', ['province_id', 'sort_key', 'id'], unique=False)
        batch_op.create_index('ix_communes_sort_key_id', ['sort_key', 'id'], unique=False)

    op.create_table('criterion_options',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('criterion_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('points', sa.Numeric(9, 6).with_variant(sa.String(10), "sqlite"), nullable=False),
    sa.Column('min_star', sa.Integer(), nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('min_star IS NULL OR min_star BETWEEN 1 AND 5', name=op.f('ck_criterion_options_min_star')),
    sa.ForeignKeyConstraint(['criterion_id'], ['criteria.id'], name=op.f('fk_criterion_options_criterion_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_criterion_options')),
    sa.UniqueConstraint('criterion_id', 'position', name=op.f('uq_criterion_options_criterion_id_position')),
    sqlite_autoincrement=True
    )
    op.create_table('commune_successions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('old_id', sa.Integer(), nullable=False),
    sa.Column('new_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('giu_nguyen', 'nhap_toan_bo', 'nhap_mot_phan', name='successionkind', native_enum=False, length=40), nullable=False),
    sa.Column('legal_basis', sa.String(length=255), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['new_id'], ['communes.id'], name=op.f('fk_commune_successions_new_id')),
    sa.ForeignKeyConstraint(['old_id'], ['communes.id'], name=op.f('fk_commune_successions_old_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commune_successions')),
    sa.UniqueConstraint('old_id', 'new_id', name=op.f('uq_commune_successions_old_id_new_id')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('commune_successions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_commune_successions_new_id'), ['new_id'], unique=False)

    op.create_table('entities',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('kind', sa.Enum('htx', 'tht', 'dn', 'hkd', 'hsx', 'tt', 'hoi', name='entitykind', native_enum=False, length=40), nullable=False),
    sa.Column('tax_code', sa.String(length=14), nullable=True),
    sa.Column('registration', sa.String(length=120), nullable=False),
    sa.Column('commune_id', sa.Integer(), nullable=False),
    sa.Column('street', sa.String(length=255), nullable=False),
    sa.Column('printed_address', sa.String(length=255), nullable=False),
    sa.Column('phone', sa.String(length=60), nullable=False),
    sa.Column('email', sa.String(length=120), nullable=False),
    sa.Column('status', sa.Enum('active', 'suspended', 'dissolved', name='entitystatus', native_enum=False, length=40), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.ForeignKeyConstraint(['commune_id'], ['communes.id'], name=op.f('fk_entities_commune_id')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_entities_province_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entities')),
    sa.UniqueConstraint('tax_code', name=op.f('uq_entities_tax_code')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('entities', schema=None) as batch_op:
        batch_op.create_index('ix_entities_commune_id_name', ['commune_id', 'name'], unique=False)
        batch_op.create_index('ix_entities_commune_id_sort_key_id', ['commune_id', 'sort_key', 'id'], unique=False)
        batch_op.create_index('ix_entities_province_id_sort_key_id', ['province_id', 'sort_key', 'id'], unique=False)
        batch_op.create_index('ix_entities_sort_key_id', ['sort_key', 'id'], unique=False)

    op.create_table('users',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('username', sa.String(length=60), nullable=False),
    sa.Column('full_name', sa.String(length=120), nullable=False),
    sa.Column('role', sa.Enum('commune_clerk', 'district_clerk', 'province_clerk', 'council_member', 'leader', 'administrator', 'auditor', name='role', native_enum=False, length=40), nullable=False),
    sa.Column('office', sa.String(length=255), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=True),
    sa.Column('district_id', sa.Integer(), nullable=True),
    sa.Column('commune_id', sa.Integer(), nullable=True),
    sa.Column('password_hash', sa.String(length=255), nullable=False),
    sa.Column('must_change_password', sa.Boolean(), nullable=False),
    sa.Column('password_changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('locked', sa.Boolean(), nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('single_keys', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.ForeignKeyConstraint(['commune_id'], ['communes.id'], name=op.f('fk_users_commune_id')),
    sa.ForeignKeyConstraint(['district_id'], ['districts.id'], name=op.f('fk_users_district_id')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_users_province_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('username', name=op.f('uq_users_username')),
    sqlite_autoincrement=True
    )
    op.create_table('import_batches',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('screen', sa.String(length=40), nullable=False),
    sa.Column('state', sa.Enum('planned', 'applied', 'dropped', name='batchstate', native_enum=False, length=40), nullable=False),
    sa.Column('file_name', sa.String(length=255), nullable=False),
    sa.Column('file_hash', sa.String(length=64), nullable=False),
    sa.Column('file_size', sa.Integer(), nullable=False),
    sa.Column('sheet', sa.String(length=120), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.Column('also', sa.JSON(), nullable=False),
    sa.Column('notes', sa.JSON(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('made_by', sa.String(length=180), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_import_batches_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_batches')),
    sa.UniqueConstraint('number', name=op.f('uq_import_batches_number')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('import_batches', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_import_batches_file_hash'), ['file_hash'], unique=False)
        batch_op.create_index(batch_op.f('ix_import_batches_user_id'), ['user_id'], unique=False)

    op.create_table('products',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('entity_id', sa.Integer(), nullable=False),
    sa.Column('commune_id', sa.Integer(), nullable=False),
    sa.Column('group_id', sa.Integer(), nullable=True),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('packaging', sa.String(length=255), nullable=False),
    sa.Column('standard', sa.String(length=255), nullable=False),
    sa.Column('status', sa.Enum('active', 'paused', 'stopped', name='productstatus', native_enum=False, length=40), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.ForeignKeyConstraint(['commune_id'], ['communes.id'], name=op.f('fk_products_commune_id')),
    sa.ForeignKeyConstraint(['entity_id'], ['entities.id'], name=op.f('fk_products_entity_id')),
    sa.ForeignKeyConstraint(['group_id'], ['product_groups.id'], name=op.f('fk_products_group_id')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_products_province_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_products')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('products', schema=None) as batch_op:
        batch_op.create_index('ix_products_commune_id_sort_key_id', ['commune_id', 'sort_key', 'id'], unique=False)
        batch_op.create_index('ix_products_entity_id_name', ['entity_id', 'name'], unique=False)
        batch_op.create_index('ix_products_group_id', ['group_id'], unique=False)
        batch_op.create_index('ix_products_province_id_sort_key_id', ['province_id', 'sort_key', 'id'], unique=False)
        batch_op.create_index('ix_products_sort_key_id', ['sort_key', 'id'], unique=False)

    op.create_table('representatives',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('entity_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('position', sa.String(length=120), nullable=False),
    sa.Column('since', sa.Date(), nullable=True),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('commune_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['commune_id'], ['communes.id'], name=op.f('fk_representatives_commune_id')),
    sa.ForeignKeyConstraint(['entity_id'], ['entities.id'], name=op.f('fk_representatives_entity_id')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_representatives_province_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_representatives')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('representatives', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_representatives_entity_id'), ['entity_id'], unique=False)

    op.create_table('session_records',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('address', sa.String(length=64), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_session_records_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_session_records')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_session_records_token_hash')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('session_records', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_session_records_user_id'), ['user_id'], unique=False)

    op.create_table('audit_entries',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('transaction', sa.String(length=32), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=True),
    sa.Column('request_number', sa.String(length=12), nullable=False),
    sa.Column('actor', sa.String(length=180), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('verb', sa.String(length=60), nullable=False),
    sa.Column('action', sa.Enum('create', 'update', 'delete', name='auditaction', native_enum=False, length=40), nullable=False),
    sa.Column('model', sa.String(length=60), nullable=False),
    sa.Column('row_id', sa.Integer(), nullable=False),
    sa.Column('row_label', sa.String(length=255), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=True),
    sa.Column('commune_id', sa.Integer(), nullable=True),
    sa.Column('changes', sa.JSON(), nullable=False),
    sa.Column('previous_hash', sa.String(length=64), nullable=True),
    sa.Column('hash', sa.String(length=64), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['batch_id'], ['import_batches.id'], name=op.f('fk_audit_entries_batch_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_audit_entries_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entries')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_entries_batch_id'), ['batch_id'], unique=False)
        batch_op.create_index('ix_audit_entries_commune_id_id', ['commune_id', 'id'], unique=False)
        batch_op.create_index('ix_audit_entries_model_row_id_id', ['model', 'row_id', 'id'], unique=False)
        batch_op.create_index('ix_audit_entries_province_id_id', ['province_id', 'id'], unique=False)
        batch_op.create_index('ix_audit_entries_user_id_id', ['user_id', 'id'], unique=False)

    op.create_table('import_rows',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('line', sa.Integer(), nullable=False),
    sa.Column('label', sa.String(length=255), nullable=False),
    sa.Column('action', sa.Enum('new', 'changed', 'same', 'refused', 'skipped', name='rowaction', native_enum=False, length=40), nullable=False),
    sa.Column('raw', sa.JSON(), nullable=False),
    sa.Column('parsed', sa.JSON(), nullable=False),
    sa.Column('changes', sa.JSON(), nullable=False),
    sa.Column('before', sa.JSON(), nullable=True),
    sa.Column('after', sa.JSON(), nullable=True),
    sa.Column('problems', sa.JSON(), nullable=False),
    sa.Column('row_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['batch_id'], ['import_batches.id'], name=op.f('fk_import_rows_batch_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_import_rows_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_rows')),
    sa.UniqueConstraint('batch_id', 'line', name=op.f('uq_import_rows_batch_id_line')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('import_rows', schema=None) as batch_op:
        batch_op.create_index('ix_import_rows_batch_id_action_line', ['batch_id', 'action', 'line'], unique=False)

    op.create_table('participations',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('product_id', sa.Integer(), nullable=False),
    sa.Column('cycle_id', sa.Integer(), nullable=False),
    sa.Column('step_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('not_submitted', 'submitted', 'returned', 'valid', 'forwarded', 'selected', 'not_selected', 'in_progress', 'done', 'withdrawn', name='participationstate', native_enum=False, length=40), nullable=False),
    sa.Column('entered_on', sa.Date(), nullable=False),
    sa.Column('returns', sa.Integer(), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('commune_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.ForeignKeyConstraint(['commune_id'], ['communes.id'], name=op.f('fk_participations_commune_id')),
    sa.ForeignKeyConstraint(['cycle_id'], ['cycles.id'], name=op.f('fk_participations_cycle_id')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_participations_product_id')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_participations_province_id')),
    sa.ForeignKeyConstraint(['step_id'], ['cycle_steps.id'], name=op.f('fk_participations_step_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_participations')),
    sa.UniqueConstraint('product_id', 'cycle_id', name=op.f('uq_participations_product_id_cycle_id')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('participations', schema=None) as batch_op:
        batch_op.create_index('ix_participations_commune_id_sort_key_id', ['commune_id', 'sort_key', 'id'], unique=False)
        batch_op.create_index('ix_participations_cycle_id_step_id_state', ['cycle_id', 'step_id', 'state'], unique=False)
        batch_op.create_index('ix_participations_province_id_sort_key_id', ['province_id', 'sort_key', 'id'], unique=False)
        batch_op.create_index('ix_participations_sort_key_id', ['sort_key', 'id'], unique=False)

    op.create_table('ratings',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('product_id', sa.Integer(), nullable=False),
    sa.Column('participation_id', sa.Integer(), nullable=True),
    sa.Column('criteria_set_id', sa.Integer(), nullable=True),
    sa.Column('regime', sa.Enum('qd1048', 'qd148', 'qd1489', 'qd26_2026', name='regime', native_enum=False, length=40), nullable=False),
    sa.Column('mean_points', sa.Numeric(9, 6).with_variant(sa.String(10), "sqlite"), nullable=False),
    sa.Column('stars_by_points', sa.Integer(), nullable=False),
    sa.Column('stars', sa.Integer(), nullable=False),
    sa.Column('difference_reason', sa.Text(), nullable=False),
    sa.Column('potential_five', sa.Boolean(), nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=False),
    sa.Column('decision_number', sa.String(length=60), nullable=False),
    sa.Column('authority', sa.String(length=120), nullable=False),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('commune_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search_text', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('sort_key', sa.String(length=200).with_variant(sa.String(length=200, collation='C'), 'postgresql'), nullable=False),
    sa.CheckConstraint("stars = stars_by_points OR difference_reason <> ''", name=op.f('ck_ratings_difference_reason')),
    sa.CheckConstraint('stars <= stars_by_points', name=op.f('ck_ratings_stars_by_points')),
    sa.CheckConstraint('stars BETWEEN 1 AND 5', name=op.f('ck_ratings_stars')),
    sa.ForeignKeyConstraint(['commune_id'], ['communes.id'], name=op.f('fk_ratings_commune_id')),
    sa.ForeignKeyConstraint(['criteria_set_id'], ['criteria_sets.id'], name=op.f('fk_ratings_criteria_set_id')),
    sa.ForeignKeyConstraint(['participation_id'], ['participations.id'], name=op.f('fk_ratings_participation_id')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_ratings_product_id')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_ratings_province_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ratings')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('ratings', schema=None) as batch_op:
        batch_op.create_index('ix_ratings_commune_id_sort_key_id', ['commune_id', 'sort_key', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ratings_participation_id'), ['participation_id'], unique=False)
        batch_op.create_index('ix_ratings_product_id_decided_on', ['product_id', 'decided_on'], unique=False)
        batch_op.create_index('ix_ratings_province_id_sort_key_id', ['province_id', 'sort_key', 'id'], unique=False)
        batch_op.create_index('ix_ratings_sort_key_id', ['sort_key', 'id'], unique=False)

    op.create_table('step_records',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('participation_id', sa.Integer(), nullable=False),
    sa.Column('move', sa.Enum('enter', 'advance', 'send_back', 'resubmit', 'withdraw', name='move', native_enum=False, length=40), nullable=False),
    sa.Column('from_step_id', sa.Integer(), nullable=True),
    sa.Column('to_step_id', sa.Integer(), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('moved_by', sa.String(length=120), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('province_id', sa.Integer(), nullable=False),
    sa.Column('commune_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['commune_id'], ['communes.id'], name=op.f('fk_step_records_commune_id')),
    sa.ForeignKeyConstraint(['from_step_id'], ['cycle_steps.id'], name=op.f('fk_step_records_from_step_id')),
    sa.ForeignKeyConstraint(['participation_id'], ['participations.id'], name=op.f('fk_step_records_participation_id')),
    sa.ForeignKeyConstraint(['province_id'], ['provinces.id'], name=op.f('fk_step_records_province_id')),
    sa.ForeignKeyConstraint(['to_step_id'], ['cycle_steps.id'], name=op.f('fk_step_records_to_step_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_step_records')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('step_records', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_step_records_participation_id'), ['participation_id'], unique=False)

    for table in SEARCHABLE:
        make_search(table)


def downgrade() -> None:
    for table in SEARCHABLE:
        drop_search(table)
    with op.batch_alter_table('step_records', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_step_records_participation_id'))

    op.drop_table('step_records')
    with op.batch_alter_table('ratings', schema=None) as batch_op:
        batch_op.drop_index('ix_ratings_sort_key_id')
        batch_op.drop_index('ix_ratings_province_id_sort_key_id')
        batch_op.drop_index('ix_ratings_product_id_decided_on')
        batch_op.drop_index(batch_op.f('ix_ratings_participation_id'))
        batch_op.drop_index('ix_ratings_commune_id_sort_key_id')

    op.drop_table('ratings')
    with op.batch_alter_table('participations', schema=None) as batch_op:
        batch_op.drop_index('ix_participations_sort_key_id')
        batch_op.drop_index('ix_participations_province_id_sort_key_id')
        batch_op.drop_index('ix_participations_cycle_id_step_id_state')
        batch_op.drop_index('ix_participations_commune_id_sort_key_id')

    op.drop_table('participations')
    with op.batch_alter_table('import_rows', schema=None) as batch_op:
        batch_op.drop_index('ix_import_rows_batch_id_action_line')

    op.drop_table('import_rows')
    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.drop_index('ix_audit_entries_user_id_id')
        batch_op.drop_index('ix_audit_entries_province_id_id')
        batch_op.drop_index('ix_audit_entries_model_row_id_id')
        batch_op.drop_index('ix_audit_entries_commune_id_id')
        batch_op.drop_index(batch_op.f('ix_audit_entries_batch_id'))

    op.drop_table('audit_entries')
    with op.batch_alter_table('session_records', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_session_records_user_id'))

    op.drop_table('session_records')
    with op.batch_alter_table('representatives', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_representatives_entity_id'))

    op.drop_table('representatives')
    with op.batch_alter_table('products', schema=None) as batch_op:
        batch_op.drop_index('ix_products_sort_key_id')
        batch_op.drop_index('ix_products_province_id_sort_key_id')
        batch_op.drop_index('ix_products_group_id')
        batch_op.drop_index('ix_products_entity_id_name')
        batch_op.drop_index('ix_products_commune_id_sort_key_id')

    op.drop_table('products')
    with op.batch_alter_table('import_batches', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_import_batches_user_id'))
        batch_op.drop_index(batch_op.f('ix_import_batches_file_hash'))

    op.drop_table('import_batches')
    op.drop_table('users')
    with op.batch_alter_table('entities', schema=None) as batch_op:
        batch_op.drop_index('ix_entities_sort_key_id')
        batch_op.drop_index('ix_entities_province_id_sort_key_id')
        batch_op.drop_index('ix_entities_commune_id_sort_key_id')
        batch_op.drop_index('ix_entities_commune_id_name')

    op.drop_table('entities')
    with op.batch_alter_table('commune_successions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_commune_successions_new_id'))

    op.drop_table('commune_successions')
    op.drop_table('criterion_options')
    with op.batch_alter_table('communes', schema=None) as batch_op:
        batch_op.drop_index('ix_communes_sort_key_id')
        batch_op.drop_index('ix_communes_province_id_sort_key_id')

    op.drop_table('communes')
    with op.batch_alter_table('districts', schema=None) as batch_op:
        batch_op.drop_index('ix_districts_province_id_sort_key_id')

    op.drop_table('districts')
    with op.batch_alter_table('cycles', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_cycles_province_id'))

    op.drop_table('cycles')
    with op.batch_alter_table('criteria', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_criteria_parent_id'))

    op.drop_table('criteria')
    op.drop_table('sign_in_attempts')
    op.drop_table('provinces')
    with op.batch_alter_table('product_groups', schema=None) as batch_op:
        batch_op.drop_index('ix_product_groups_sort_key_id')
        batch_op.drop_index(batch_op.f('ix_product_groups_parent_id'))

    op.drop_table('product_groups')
    op.drop_table('grants')
    op.drop_table('cycle_steps')
    op.drop_table('criteria_sets')
