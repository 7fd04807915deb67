"""Whose a token is: stores, regions, sources and an end; one-time links; who did or saw what"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from streams.tables import Offset

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

#: A task says in its body whose shop it is.
_STORES = {
    'sqlite': "UPDATE tasks SET store_id = json_extract(CAST(body AS TEXT), '$.store_id')",
    'postgresql': "UPDATE tasks SET store_id = convert_from(body, 'UTF8')::json ->> 'store_id'",
}


def upgrade() -> None:
    """Forwards."""
    op.add_column('tasks', sa.Column('store_id', sa.Text(), nullable=True))
    op.execute(_STORES[op.get_bind().dialect.name])
    op.create_index('tasks_store', 'tasks', ['store_id', 'window_start'])
    op.add_column('tokens', sa.Column('store_id', sa.Text(), nullable=True))
    op.add_column('tokens', sa.Column('cities', sa.Text(), nullable=True))
    op.add_column('tokens', sa.Column('source', sa.Text(), nullable=True))
    op.add_column('tokens', sa.Column('expires_at', sa.BigInteger(), nullable=True))
    op.add_column('tokens', sa.Column('session', sa.SmallInteger(), server_default='0', nullable=False))
    op.create_table('login_links',
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('dealer_id', sa.Text(), nullable=True),
    sa.Column('store_id', sa.Text(), nullable=True),
    sa.Column('cities', sa.Text(), nullable=True),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('used_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('hash')
    )
    op.create_table('audit',
    sa.Column('seq', Offset, autoincrement=True, nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('key', sa.String(length=12), nullable=True),
    sa.Column('role', sa.Text(), nullable=True),
    sa.Column('label', sa.Text(), nullable=True),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('thing', sa.Text(), nullable=False),
    sa.Column('status', sa.SmallInteger(), nullable=False),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('times', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('seq')
    )
    op.create_index('audit_at', 'audit', ['at'])


def downgrade() -> None:
    """Back."""
    op.drop_index('audit_at', table_name='audit')
    op.drop_table('audit')
    op.drop_table('login_links')
    for name in ('session', 'expires_at', 'source', 'cities', 'store_id'):
        op.drop_column('tokens', name)
    op.drop_index('tasks_store', table_name='tasks')
    op.drop_column('tasks', 'store_id')
