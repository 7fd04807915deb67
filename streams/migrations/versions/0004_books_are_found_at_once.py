"""What waits for an order, and the sums of the books, are found among all rows of state"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

#: What waits for an order's placement, and an estate's sums.
_FEW = {'state_waiting': sa.text('kind = 21'), 'state_sums': sa.text('kind = 24')}


def upgrade() -> None:
    """Forwards."""
    for name, where in _FEW.items():
        op.create_index(name, 'state', ['key'], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Back."""
    for name in _FEW:
        op.drop_index(name, table_name='state')
