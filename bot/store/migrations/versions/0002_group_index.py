"""The index of the typeahead: beginnings, trigrams, and what changed since.

Triggers keep it, so that it cannot disagree with the groups. Whoever rebuilds
`okta_group` in a later step makes them again: SQLite drops them with the table.
"""

from string import Template

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WATCHED = (
    "name",
    "description",
    "type",
    "profile",
    "carries_admin_role",
    "rule_managed",
    "feeds_rule",
    "gone_at",
)
"""What a group is found by or judged by. That it was read again is neither."""

MET = """
insert into group_index (integration, group_id, name, description, stamp)
values (
    new.integration, new.id, new.name, new.description,
    (select coalesce(max(stamp), 0) + 1 from group_index
     where integration = new.integration)
);
"""
CHANGED = """
update group_index
set name = new.name, description = new.description,
    stamp = (select max(stamp) + 1 from group_index
             where integration = new.integration)
where integration = new.integration and group_id = new.id;
"""
DROPPED = """
delete from group_index
where integration = old.integration and group_id = old.id;
"""
TRIGRAMS = Template(
    "create virtual table group_$column using fts5($column, "
    "content='group_index', content_rowid='number', tokenize='trigram')"
)
REBUILD = Template("insert into group_$column (group_$column) values ('rebuild')")
PUT = Template(
    "insert into group_$column (rowid, $column) values (new.number, new.$column);"
)
DROP = Template(
    "insert into group_$column (group_$column, rowid, $column) "
    "values ('delete', old.number, old.$column);"
)
TEXTS = ("name", "description")
"""What is found by trigrams, each by its own: names are short, and sought first."""


def upgrade() -> None:
    """Create the index, fill it from the groups there are, and keep it by triggers."""
    op.create_table(
        "group_index",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("integration", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("name", _any_case(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("stamp", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_group_index"),
        sa.UniqueConstraint(
            "integration", "group_id", name="uq_group_index_integration"
        ),
    )
    op.create_index("groups_by_beginning", "group_index", ["integration", "name"])
    op.create_index("groups_by_stamp", "group_index", ["integration", "stamp"])
    op.execute(
        "insert into group_index (integration, group_id, name, description, stamp) "
        "select integration, id, name, description, "
        "row_number() over (partition by integration order by id) from okta_group"
    )
    for column in TEXTS:
        _keep_trigrams(column)
    _keep_index()


def _keep_trigrams(column: str) -> None:
    put, drop = PUT.substitute(column=column), DROP.substitute(column=column)
    op.execute(TRIGRAMS.substitute(column=column))
    op.execute(REBUILD.substitute(column=column))
    table, index = f"group_{column}", "on group_index"
    _trigger(f"{table}_put", f"insert {index}", put)
    _trigger(f"{table}_dropped", f"delete {index}", drop)
    changed = f"update of {column} {index}"
    _trigger(f"{table}_changed", changed, drop + put, when=_differs(column))


def _keep_index() -> None:
    _trigger("group_met", "insert on okta_group", MET)
    _trigger(
        "group_changed",
        f"update of {', '.join(WATCHED)} on okta_group",
        CHANGED,
        when=_differs(*WATCHED),
    )
    _trigger("group_dropped", "delete on okta_group", DROPPED)


def _trigger(name: str, after: str, does: str, *, when: str = "true") -> None:
    op.execute(f"create trigger {name} after {after} when {when} begin {does} end")


def _differs(*columns: str) -> str:
    return " or ".join(f"old.{column} is not new.{column}" for column in columns)


def _any_case() -> sa.String:
    return sa.String().with_variant(sa.String(collation="NOCASE"), "sqlite")
