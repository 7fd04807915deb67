"""What each campaign was like at the end of each day is kept, so that the past is looked at without reading the log"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards."""
    op.create_table('history',
    sa.Column('estate_id', sa.Text(), nullable=False),
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('estate_id', 'day')
    )
    op.create_index('history_day', 'history', ['day'])


def downgrade() -> None:
    """Back."""
    op.drop_index('history_day', table_name='history')
    op.drop_table('history')
