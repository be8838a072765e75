"""The tables. Rows are the truth; a Slack message is a picture of one.

Table classes do not validate, and have no relationships: a row outside its
transaction is a read-only picture. A status and a version are written by
`bot.store.moves` alone, a lease by `bot.store.claims`, an event by
`bot.store.audit`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    Enum,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from bot.core.words import Cause, GrantStatus, RequestStatus
from bot.store.database import UTCDateTime

PENDING_ONCE = "status = 'pending' and extends is null"
LIVE_ONCE = "status in ('granting', 'active', 'revoking')"

ANY_CASE = String().with_variant(String(collation="NOCASE"), "sqlite")
"""Text whose index minds no letter case; on SQLite none of A to Z."""

# A constraint without a name cannot be changed by a later migration.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def _enum(kind: type[StrEnum]) -> Enum:
    return Enum(
        kind,
        native_enum=False,
        length=20,
        values_callable=lambda members: [str(member) for member in members],
    )


def _index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(
        name,
        *columns,
        unique=unique,
        sqlite_where=text(where),
        postgresql_where=text(where),
    )


class Due(SQLModel):
    """What makes a row due, and who is at it."""

    due_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    fence: int = 0
    tries: int = 0


class AccessRequest(Due, table=True):
    """A person asking for one group for a while.

    `terms` are the flow's steps, limits and times as they were when it was
    asked; an open request keeps them. `step` is 0 until the bot has decided on
    fresh reads whom to ask, then the number of the step being answered.
    """

    __tablename__: ClassVar[str] = "access_request"
    __table_args__ = (
        _index(
            "one_pending_request",
            "integration",
            "grantee_id",
            "group_id",
            where=PENDING_ONCE,
            unique=True,
        ),
        _index("due_requests", "due_at", where="due_at is not null"),
        Index("requests_of_person", "integration", "requester_id", "asked_at"),
    )

    id: str = Field(primary_key=True)
    integration: str
    flow: str
    requester_id: str
    grantee_id: str
    group_id: str
    duration_seconds: int
    justification: str | None = None
    terms: dict[str, Any] = Field(sa_type=JSON)
    status: RequestStatus = Field(sa_type=_enum(RequestStatus))
    version: int = 0
    step: int = 0
    asked_at: datetime = Field(sa_type=UTCDateTime)
    lapse_at: datetime = Field(sa_type=UTCDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decided_by: str | None = None
    reason: str | None = None
    routing: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    extends: str | None = Field(
        default=None,
        # Requests and grants name each other: this one is added last.
        sa_column_args=[ForeignKey("access_grant.id", use_alter=True)],
    )
    delivery: str | None = Field(default=None, unique=True)


class Answer(SQLModel, table=True):
    """One person's answer to one request; the first committed one is the decision."""

    __table_args__ = (UniqueConstraint("request_id", "person_id"),)

    id: int | None = Field(default=None, primary_key=True)
    request_id: str = Field(foreign_key="access_request.id")
    person_id: str
    step: int
    approves: bool
    duration_seconds: int | None = None
    reason: str | None = None
    at: datetime = Field(sa_type=UTCDateTime)


class AccessGrant(Due, table=True):
    """A membership as held, from the approval to its proven end.

    `expires_at` is written before each add. `was_member` is read once, before
    the first add. While `unsure_until` runs, an add of ours may still land.
    """

    __tablename__: ClassVar[str] = "access_grant"
    __table_args__ = (
        _index(
            "one_live_grant",
            "integration",
            "grantee_id",
            "group_id",
            where=LIVE_ONCE,
            unique=True,
        ),
        _index("live_grants_by_end", "integration", "expires_at", where=LIVE_ONCE),
        _index("due_grants", "due_at", where="due_at is not null"),
        Index("grants_of_pair", "integration", "grantee_id", "group_id", "ended_at"),
    )

    id: str = Field(primary_key=True)
    request_id: str = Field(foreign_key="access_request.id", index=True)
    integration: str
    grantee_id: str
    group_id: str
    duration_seconds: int
    status: GrantStatus = Field(sa_type=_enum(GrantStatus))
    version: int = 0
    cause: Cause | None = Field(default=None, sa_type=_enum(Cause))
    expires_at: datetime = Field(sa_type=UTCDateTime)
    was_member: bool | None = None
    unsure_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    approved_event: int = Field(foreign_key="event.seq")
    seal: str
    deliver_by: datetime = Field(sa_type=UTCDateTime)
    added_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    active_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoking_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_by: str | None = None
    problem: str | None = None


class Notice(Due, table=True):
    """Something to tell one person, as a row for the worker.

    It is a picture of its request or grant: due while `shown_version` is less
    than `wanted_version`. `key` makes it once; `facts` is what no row says.
    """

    __table_args__ = (_index("due_notices", "due_at", where="due_at is not null"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    kind: str
    recipient: str
    request_id: str | None = Field(
        default=None, foreign_key="access_request.id", index=True
    )
    grant_id: str | None = Field(
        default=None, foreign_key="access_grant.id", index=True
    )
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    wanted_version: int = 1
    shown_version: int = 0
    channel: str | None = None
    ts: str | None = None
    made_at: datetime = Field(sa_type=UTCDateTime)
    posted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    dropped: str | None = None


class SlackAccount(SQLModel, table=True):
    """A Slack account as last read. `refusal` says why it may do nothing here."""

    __tablename__: ClassVar[str] = "slack_account"

    team_id: str = Field(primary_key=True)
    slack_id: str = Field(primary_key=True)
    email: str | None = Field(default=None, index=True)
    name: str = ""
    time_zone: str = "UTC"
    refusal: str | None = None
    read_at: datetime = Field(sa_type=UTCDateTime)
    opened_home_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class PersonLink(SQLModel, table=True):
    """A Slack account as an Okta person: made once, then believed.

    `email` is empty where it was not the e-mail that linked them.
    """

    __tablename__: ClassVar[str] = "person_link"
    __table_args__ = (UniqueConstraint("integration", "person_id"),)

    team_id: str = Field(primary_key=True)
    slack_id: str = Field(primary_key=True)
    integration: str = Field(primary_key=True)
    person_id: str
    email: str
    linked_at: datetime = Field(sa_type=UTCDateTime)


class OktaPerson(SQLModel, table=True):
    """An Okta user as last read. `group_ids` is null while it is not known."""

    __tablename__: ClassVar[str] = "okta_person"

    integration: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    login: str = Field(index=True)
    email: str = ""
    name: str = ""
    status: str = ""
    profile: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    group_ids: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    read_at: datetime = Field(sa_type=UTCDateTime)
    forgotten_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class OktaGroup(SQLModel, table=True):
    """An Okta group as last read. A guard that is null was not determined."""

    __tablename__: ClassVar[str] = "okta_group"
    __table_args__ = (Index("groups_by_name", "integration", "name"),)

    integration: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str
    description: str = ""
    type: str
    profile: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    carries_admin_role: bool | None = None
    rule_managed: bool | None = None
    feeds_rule: bool | None = None
    read_at: datetime = Field(sa_type=UTCDateTime)
    gone_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class GroupIndex(SQLModel, table=True):
    """A group as it is looked for; triggers on `okta_group` keep it.

    `number` is its place in every set of groups. `stamp` grows with each change
    of a group of the integration, and orders them. `group_name` and
    `group_description` beside it hold the trigrams of these.
    """

    __tablename__: ClassVar[str] = "group_index"
    __table_args__ = (
        UniqueConstraint("integration", "group_id"),
        Index("groups_by_beginning", "integration", "name"),
        Index("groups_by_stamp", "integration", "stamp"),
    )

    number: int | None = Field(default=None, primary_key=True)
    integration: str
    group_id: str
    name: str = Field(sa_type=ANY_CASE)
    description: str
    stamp: int


class Pin(SQLModel, table=True):
    """The id a name in a place of authority was pinned to."""

    integration: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    id: str
    pinned_at: datetime = Field(sa_type=UTCDateTime)


class Event(SQLModel, table=True):
    """One line of the audit: who did what to whom, when, why."""

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UTCDateTime)
    kind: str
    actor: str
    integration: str | None = None
    person_id: str | None = None
    group_id: str | None = None
    request_id: str | None = Field(default=None, index=True)
    grant_id: str | None = Field(default=None, index=True)
    cause: str | None = None
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    text_digest: str | None = None
    previous: str
    hash: str


class EventText(SQLModel, table=True):
    """Names and free text beside an event; erasable, with the chain still verifying."""

    __tablename__: ClassVar[str] = "event_text"

    seq: int = Field(primary_key=True, foreign_key="event.seq")
    salt: str
    text: dict[str, str] = Field(sa_type=JSON)


class AccessFile(SQLModel, table=True):
    """Each access.yaml that was in force; the newest is the last good file."""

    __tablename__: ClassVar[str] = "access_file"

    id: int | None = Field(default=None, primary_key=True)
    hash: str
    text: str
    loaded_at: datetime = Field(sa_type=UTCDateTime)
    loaded_by: str


class AccountEnd(SQLModel, table=True):
    """An Okta account that clean-up ends: which step is taken, and since when.

    `last_ended_at` is the end of access that it follows, `noticed_at` when the
    owner was to be told.
    """

    __tablename__: ClassVar[str] = "account_end"

    integration: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)
    action: str
    last_ended_at: datetime = Field(sa_type=UTCDateTime)
    noticed_at: datetime = Field(sa_type=UTCDateTime)
    step: str
    step_at: datetime = Field(sa_type=UTCDateTime)


class Upkeep(SQLModel, table=True):
    """What a periodic job remembers: when it last succeeded, where to go on."""

    name: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UTCDateTime)
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Replica(SQLModel, table=True):
    """A process that works on a shared database, by when it was last heard of."""

    owner: str = Field(primary_key=True)
    heard_at: datetime = Field(sa_type=UTCDateTime)


def table_of(kind: type[SQLModel]) -> Table:
    """Return the table behind a class, for statements that make no objects of it.

    A decision reads a dozen rows: as plain rows, by statements that are built
    once, they cost a third of what objects of the session do.
    """
    return SQLModel.metadata.tables[str(kind.__tablename__)]
