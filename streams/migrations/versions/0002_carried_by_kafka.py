"""Carried by Kafka: what is handed over to its partitions, and when something went out"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards."""
    op.create_table('handover',
    sa.Column('lane', sa.Text(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('partition', sa.Integer(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('lane', 'seq')
    )
    op.add_column('erasures', sa.Column('estate_events_next', sa.BigInteger(), server_default='1', nullable=False))
    op.add_column('erasures', sa.Column('estate_events_end', sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('outbox', sa.Column('at', sa.BigInteger(), server_default='0', nullable=False))


def downgrade() -> None:
    """Back."""
    op.drop_column('outbox', 'at')
    op.drop_column('erasures', 'estate_events_end')
    op.drop_column('erasures', 'estate_events_next')
    op.drop_table('handover')
