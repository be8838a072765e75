"""The index of the typeahead: beginnings, trigrams, and what changed since.

Triggers keep it, so that it cannot disagree with the groups. Whoever rebuilds
`okta_group` in a later step makes them again: SQLite drops them with the table.
Trigrams are FTS5's on SQLite, and those of pg_trgm on PostgreSQL, where its
administrators let us have it.
"""

from string import Template

import sqlalchemy as sa
import structlog
from alembic import op
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger()

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
TELL_INDEX = f"""
create function tell_group_index() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then {MET}
    elsif tg_op = 'UPDATE' then {CHANGED}
    else {DROPPED} end if;
    return null;
end $$
"""
FOLDED = """
create index groups_by_folded_beginning
on group_index (integration, lower(name) collate "C")
"""
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
    if op.get_bind().dialect.name == "sqlite":
        for column in TEXTS:
            _keep_trigrams(column)
        _keep_index()
    else:
        op.execute(FOLDED)
        _offer_trigrams()
        _keep_index_by_function()


def _offer_trigrams() -> None:
    """Let text be found by trigrams; without them it is found all the same, slower."""
    bind = op.get_bind()
    try:
        with bind.begin_nested():
            op.execute("create extension if not exists pg_trgm")
            for column in TEXTS:
                op.execute(
                    f"create index group_{column} on group_index "
                    f"using gin ({column} gin_trgm_ops)"
                )
    except DBAPIError:
        log.warning(
            "pg_trgm cannot be had: a typeahead among many groups is slow. "
            "Let an administrator of the database create the extension."
        )


def _keep_index_by_function() -> None:
    """Let one function keep the index, on those changes that it is about."""
    op.execute(TELL_INDEX)
    changed = " or ".join(
        f"old.{column}::text is distinct from new.{column}::text" for column in WATCHED
    )
    for name, after in (
        ("group_met", "insert on okta_group"),
        ("group_changed", f"update of {', '.join(WATCHED)} on okta_group"),
        ("group_dropped", "delete on okta_group"),
    ):
        when = f"when ({changed})" if name == "group_changed" else ""
        op.execute(
            f"create trigger {name} after {after} "
            f"for each row {when} execute function tell_group_index()"
        )


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
