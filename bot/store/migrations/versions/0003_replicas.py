"""Several processes: who is alive, and who is told that something is due.

PostgreSQL tells it as the transaction commits that made a row due, or let go of
one: who claims a row, or finds none, tells nobody.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

DUE = ("access_request", "access_grant", "notice")

TELL = """
create function tell_what_is_due() returns trigger language plpgsql as $$
begin
    perform pg_notify('access_bot_due', '');
    return null;
end $$
"""


def upgrade() -> None:
    """Create the table of replicas; on PostgreSQL, tell of what is due."""
    op.create_table(
        "replica",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", name="pk_replica"),
    )
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(TELL)
    for table in DUE:
        op.execute(
            f"create trigger {table}_due "
            f"after insert or update of due_at, lease_until on {table} "
            "for each row when (new.due_at is not null and new.lease_until is null) "
            "execute function tell_what_is_due()"
        )
