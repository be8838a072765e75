"""What Alembic runs: the steps, on the connection it was handed.

It opens nothing itself and never commits: the caller's transaction holds
every step of a migration, or none.
"""

from alembic import context
from sqlmodel import SQLModel

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
