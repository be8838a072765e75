"""The first tables: requests, grants, notices, the audit, people and groups."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

DUE = "due_at is not null"


def upgrade() -> None:
    """Create every table with its indexes."""
    _create_audit()
    _create_requests()
    _create_grants()
    _create_answers()
    _create_notices()
    _create_slack_people()
    _create_okta_people()
    _create_okta_groups()
    _create_upkeep()


def _create_audit() -> None:
    op.create_table(
        "event",
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        _time("at"),
        _string("kind"),
        _string("actor"),
        _string("integration", null=True),
        _string("person_id", null=True),
        _string("group_id", null=True),
        _string("request_id", null=True),
        _string("grant_id", null=True),
        _string("cause", null=True),
        _json("data"),
        _string("text_digest", null=True),
        _string("previous"),
        _string("hash"),
        sa.PrimaryKeyConstraint("seq", name="pk_event"),
    )
    op.create_index("ix_event_request_id", "event", ["request_id"])
    op.create_index("ix_event_grant_id", "event", ["grant_id"])
    op.create_table(
        "event_text",
        _integer("seq"),
        _string("salt"),
        _json("text"),
        sa.PrimaryKeyConstraint("seq", name="pk_event_text"),
        _foreign("event_text", "seq", "event.seq"),
    )


def _create_requests() -> None:
    op.create_table(
        "access_request",
        *_due(),
        _string("id"),
        _string("integration"),
        _string("flow"),
        _string("requester_id"),
        _string("grantee_id"),
        _string("group_id"),
        _integer("duration_seconds"),
        _string("justification", null=True),
        _json("terms"),
        sa.Column("status", sa.String(20), nullable=False),
        _integer("version"),
        _integer("step"),
        _time("asked_at"),
        _time("lapse_at"),
        _time("decided_at", null=True),
        _string("decided_by", null=True),
        _string("reason", null=True),
        _json("routing"),
        _string("extends", null=True),
        _string("delivery", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_request"),
        _foreign("access_request", "extends", "access_grant.id", use_alter=True),
        sa.UniqueConstraint("delivery", name="uq_access_request_delivery"),
    )
    _index_due("due_requests", "access_request")
    _once(
        "one_pending_request",
        "access_request",
        "status = 'pending' and extends is null",
    )
    op.create_index(
        "requests_of_person",
        "access_request",
        ["integration", "requester_id", "asked_at"],
    )


def _create_grants() -> None:
    op.create_table(
        "access_grant",
        *_due(),
        _string("id"),
        _string("request_id"),
        _string("integration"),
        _string("grantee_id"),
        _string("group_id"),
        _integer("duration_seconds"),
        sa.Column("status", sa.String(20), nullable=False),
        _integer("version"),
        sa.Column("cause", sa.String(20)),
        _time("expires_at"),
        _boolean("was_member"),
        _time("unsure_until", null=True),
        _integer("approved_event"),
        _string("seal"),
        _time("deliver_by"),
        _time("added_at", null=True),
        _time("active_at", null=True),
        _time("revoking_at", null=True),
        _time("ended_at", null=True),
        _string("ended_by", null=True),
        _string("problem", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_grant"),
        _foreign("access_grant", "request_id", "access_request.id"),
        _foreign("access_grant", "approved_event", "event.seq"),
    )
    _index_grants()
    _let_requests_name_grants()


def _index_grants() -> None:
    _index_due("due_grants", "access_grant")
    _once(
        "one_live_grant", "access_grant", "status in ('granting', 'active', 'revoking')"
    )
    op.create_index("ix_access_grant_request_id", "access_grant", ["request_id"])
    op.create_index(
        "grants_of_pair",
        "access_grant",
        ["integration", "grantee_id", "group_id", "ended_at"],
    )


def _let_requests_name_grants() -> None:
    """Add the one key that points back; SQLite took it with the table."""
    if op.get_bind().dialect.supports_alter:
        op.create_foreign_key(
            "fk_access_request_extends_access_grant",
            "access_request",
            "access_grant",
            ["extends"],
            ["id"],
        )


def _create_answers() -> None:
    op.create_table(
        "answer",
        _integer("id"),
        _string("request_id"),
        _string("person_id"),
        _integer("step"),
        sa.Column("approves", sa.Boolean(), nullable=False),
        sa.Column("duration_seconds", sa.Integer()),
        _string("reason", null=True),
        _time("at"),
        sa.PrimaryKeyConstraint("id", name="pk_answer"),
        sa.UniqueConstraint("request_id", "person_id", name="uq_answer_request_id"),
        _foreign("answer", "request_id", "access_request.id"),
    )


def _create_notices() -> None:
    op.create_table(
        "notice",
        *_due(),
        _integer("id"),
        _string("key"),
        _string("kind"),
        _string("recipient"),
        _string("request_id", null=True),
        _string("grant_id", null=True),
        _json("facts"),
        _integer("wanted_version"),
        _integer("shown_version"),
        _string("channel", null=True),
        _string("ts", null=True),
        _time("made_at"),
        _time("posted_at", null=True),
        _string("dropped", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("key", name="uq_notice_key"),
        _foreign("notice", "request_id", "access_request.id"),
        _foreign("notice", "grant_id", "access_grant.id"),
    )
    _index_due("due_notices", "notice")
    op.create_index("ix_notice_request_id", "notice", ["request_id"])
    op.create_index("ix_notice_grant_id", "notice", ["grant_id"])


def _create_slack_people() -> None:
    op.create_table(
        "slack_account",
        _string("team_id"),
        _string("slack_id"),
        _string("email", null=True),
        _string("name"),
        _string("time_zone"),
        _string("refusal", null=True),
        _time("read_at"),
        _time("opened_home_at", null=True),
        sa.PrimaryKeyConstraint("team_id", "slack_id", name="pk_slack_account"),
    )
    op.create_index("ix_slack_account_email", "slack_account", ["email"])
    op.create_table(
        "person_link",
        _string("team_id"),
        _string("slack_id"),
        _string("integration"),
        _string("person_id"),
        _string("email"),
        _time("linked_at"),
        sa.PrimaryKeyConstraint(
            "team_id", "slack_id", "integration", name="pk_person_link"
        ),
        sa.UniqueConstraint(
            "integration", "person_id", name="uq_person_link_integration"
        ),
    )


def _create_okta_people() -> None:
    op.create_table(
        "okta_person",
        _string("integration"),
        _string("id"),
        _string("login"),
        _string("email"),
        _string("name"),
        _string("status"),
        _json("profile"),
        sa.Column("group_ids", sa.JSON()),
        _time("read_at"),
        _time("forgotten_at", null=True),
        sa.PrimaryKeyConstraint("integration", "id", name="pk_okta_person"),
    )
    op.create_index("ix_okta_person_login", "okta_person", ["login"])


def _create_okta_groups() -> None:
    op.create_table(
        "okta_group",
        _string("integration"),
        _string("id"),
        _string("name"),
        _string("description"),
        _string("type"),
        _json("profile"),
        _boolean("carries_admin_role"),
        _boolean("rule_managed"),
        _boolean("feeds_rule"),
        _time("read_at"),
        _time("gone_at", null=True),
        sa.PrimaryKeyConstraint("integration", "id", name="pk_okta_group"),
    )
    op.create_index("groups_by_name", "okta_group", ["integration", "name"])


def _create_upkeep() -> None:
    op.create_table(
        "pin",
        _string("integration"),
        _string("kind"),
        _string("name"),
        _string("id"),
        _time("pinned_at"),
        sa.PrimaryKeyConstraint("integration", "kind", "name", name="pk_pin"),
    )
    op.create_table(
        "access_file",
        _integer("id"),
        _string("hash"),
        _string("text"),
        _time("loaded_at"),
        _string("loaded_by"),
        sa.PrimaryKeyConstraint("id", name="pk_access_file"),
    )
    op.create_table(
        "upkeep",
        _string("name"),
        _time("at"),
        _json("facts"),
        sa.PrimaryKeyConstraint("name", name="pk_upkeep"),
    )


def _due() -> list[sa.Column[Any]]:
    return [
        _time("due_at", null=True),
        _string("lease_owner", null=True),
        _time("lease_until", null=True),
        _integer("fence"),
        _integer("tries"),
    ]


def _index_due(name: str, table: str) -> None:
    op.create_index(
        name,
        table,
        ["due_at"],
        sqlite_where=sa.text(DUE),
        postgresql_where=sa.text(DUE),
    )


def _once(name: str, table: str, where: str) -> None:
    """Allow one row of an org, grantee and group for which `where` holds."""
    op.create_index(
        name,
        table,
        ["integration", "grantee_id", "group_id"],
        unique=True,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _foreign(
    table: str, column: str, target: str, *, use_alter: bool = False
) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{target.partition('.')[0]}"
    return sa.ForeignKeyConstraint([column], [target], name=name, use_alter=use_alter)


def _string(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=null)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _boolean(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean())


def _time(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), nullable=False)
