"""What WeCom has said that there is to fetch"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards."""
    op.create_table('wecom_marks',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('due', sa.BigInteger(), nullable=True),
    sa.Column('seen', sa.BigInteger(), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_index('wecom_marks_due', 'wecom_marks', ['due'])


def downgrade() -> None:
    """Back."""
    op.drop_index('wecom_marks_due', table_name='wecom_marks')
    op.drop_table('wecom_marks')
