"""Webhooks: whom to tell what goes out, who may send what comes in, and who does it at a time"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards."""
    op.create_table(
        'webhooks',
        sa.Column('name', sa.String(64), primary_key=True),
        sa.Column('kind', sa.Text, nullable=False),
        sa.Column('url', sa.Text, nullable=False),
        sa.Column('types', sa.Text, nullable=False),
        sa.Column('dealer_id', sa.Text),
        sa.Column('city', sa.Text),
        sa.Column('secret', sa.Text),
        sa.Column('previous', sa.Text),
        sa.Column('previous_until', sa.BigInteger),
        sa.Column('status', sa.Text, nullable=False),
        sa.Column('next', sa.BigInteger, nullable=False),
        sa.Column('failures', sa.Integer, nullable=False),
        sa.Column('failing_since', sa.BigInteger),
        sa.Column('due', sa.BigInteger, nullable=False),
        sa.Column('said', sa.Text, nullable=False),
        sa.Column('created_at', sa.BigInteger, nullable=False),
    )
    op.create_table(
        'webhook_senders',
        sa.Column('name', sa.String(64), primary_key=True),
        sa.Column('types', sa.Text, nullable=False),
        sa.Column('secret', sa.Text, nullable=False),
        sa.Column('previous', sa.Text),
        sa.Column('previous_until', sa.BigInteger),
        sa.Column('created_at', sa.BigInteger, nullable=False),
    )
    op.create_table(
        'leases',
        sa.Column('name', sa.String(64), primary_key=True),
        sa.Column('holder', sa.Text, nullable=False),
        sa.Column('until', sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Back."""
    for name in ('leases', 'webhook_senders', 'webhooks'):
        op.drop_table(name)
