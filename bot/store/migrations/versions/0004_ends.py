"""Live grants by their end: how many end in one minute is counted before each add."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

LIVE = sa.text("status in ('granting', 'active', 'revoking')")


def upgrade() -> None:
    """Create the index."""
    op.create_index(
        "live_grants_by_end",
        "access_grant",
        ["integration", "expires_at"],
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
