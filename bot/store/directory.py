"""People and groups as last read: what Okta and Slack said, kept as rows.

A reading older than asked for is not believed: `person()` and `group()` give
None for it, and unknown means no. Nothing here is a decision.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, bindparam, func, update
from sqlalchemy import select as select_rows
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col, or_, select

from bot.core.words import LIVE, Group, Person
from bot.store.tables import (
    AccessGrant,
    OktaGroup,
    OktaPerson,
    PersonLink,
    Pin,
    SlackAccount,
    Upkeep,
    table_of,
)

GROUP_KEY = ("integration", "id")

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=1)
"""A row read later than this from now was read by a clock that was wrong."""


class Pins(NamedTuple):
    """The ids that names in places of authority were pinned to."""

    users: dict[str, str]
    groups: dict[str, str]


def _rows_by(kind: type[SQLModel], *columns: str) -> Select[Any]:
    """Return the statement, built once, of the rows that have these columns."""
    table = table_of(kind)
    return select_rows(table).where(
        *(table.c[name] == bindparam(name) for name in columns)
    )


_PERSON = _rows_by(OktaPerson, "integration", "id")
_GROUP = _rows_by(OktaGroup, "integration", "id")
_PINS = _rows_by(Pin, "integration")
_REMEMBERED = select(Upkeep).where(Upkeep.name == bindparam("name"))
_GRANTS = table_of(AccessGrant).c
_GIVEN = select_rows(_GRANTS.grantee_id, _GRANTS.group_id).where(
    _GRANTS.integration == bindparam("integration"),
    _GRANTS.group_id.in_(bindparam("groups", expanding=True)),
    or_(_GRANTS.status.in_(LIVE), _GRANTS.unsure_until.is_not(None)),
)


def person(
    session: Session, integration: str, person_id: str, since: datetime | None = None
) -> Person | None:
    """Return the person as last read; None when never, or not since `since`."""
    key = {"integration": integration, "id": person_id}
    row = session.execute(_PERSON, key).first()
    if row is None or (since is not None and row.read_at < since):
        return None
    return as_person(row)


def group(
    session: Session, integration: str, group_id: str, since: datetime | None = None
) -> Group | None:
    """Return the group as last read; None when never, gone, or not since `since`."""
    key = {"integration": integration, "id": group_id}
    row = session.execute(_GROUP, key).first()
    if row is None or row.gone_at or (since is not None and row.read_at < since):
        return None
    return as_group(row)


def groups_called(session: Session, integration: str, name: str) -> list[Group]:
    """Return the groups whose name or id is exactly `name`."""
    rows = session.exec(
        select(OktaGroup).where(
            OktaGroup.integration == integration,
            or_(OktaGroup.name == name, OktaGroup.id == name),
            col(OktaGroup.gone_at).is_(None),
        )
    )
    return [as_group(row) for row in rows]


def people_called(session: Session, integration: str, name: str) -> list[Person]:
    """Return the people whose login, e-mail or id is `name`, in any case."""
    folded = name.casefold()
    rows = session.exec(
        select(OktaPerson).where(
            OktaPerson.integration == integration,
            or_(
                func.lower(OktaPerson.login) == folded,
                func.lower(OktaPerson.email) == folded,
                OktaPerson.id == name,
            ),
        )
    )
    return [as_person(row) for row in rows]


def remember_person(
    session: Session, integration: str, known: Person, now: datetime
) -> None:
    """Keep `known` as read at `now`, unless they were read later than that."""
    before = session.get(OktaPerson, (integration, known.id))
    if before is not None and before.read_at > now:
        return
    session.merge(
        OktaPerson(
            integration=integration,
            id=known.id,
            login=known.login,
            email=known.email,
            name=known.name,
            status=known.status,
            profile=dict(known.profile),
            group_ids=None if known.groups is None else sorted(known.groups),
            read_at=now,
        )
    )


def remember_names(
    session: Session, integration: str, people: Iterable[Person], now: datetime
) -> None:
    """Keep the names of people met in a list, where nothing better is known."""
    for known in people:
        if session.get(OktaPerson, (integration, known.id)) is None:
            remember_person(session, integration, known, now)


def remember_groups(
    session: Session, integration: str, groups: Iterable[Group], now: datetime
) -> None:
    """Keep each of `groups` as read at `now`, unless it was read later than that."""
    rows = [_group_row(integration, known, now) for known in groups]
    if not rows:
        return
    insert = _insert(session)
    read = insert.excluded
    changed = {name: read[name] for name in rows[0] if name not in GROUP_KEY}
    keep = insert.on_conflict_do_update(
        index_elements=GROUP_KEY, set_=changed, where=read.read_at >= OktaGroup.read_at
    )
    session.connection().execute(keep, rows)


def forget_unlisted(session: Session, integration: str, listed_at: datetime) -> int:
    """Call gone what a complete listing of `listed_at` did not hold; return how many.

    What was read since then is there: it is left alone.
    """
    gone = (
        update(OktaGroup)
        .where(
            col(OktaGroup.integration) == integration,
            col(OktaGroup.gone_at).is_(None),
            col(OktaGroup.read_at) < listed_at,
        )
        .values(gone_at=listed_at)
    )
    return session.connection().execute(gone).rowcount


def doubt_the_future(session: Session, now: datetime) -> None:
    """Call unread whoever and whatever was last read by a clock that was ahead.

    NB. What is read now would be dropped for being older, and decisions made on
    facts of long ago that are dated later.
    """
    for table in (OktaPerson, OktaGroup):
        session.execute(
            update(table)
            .where(col(table.read_at) > now + AHEAD)
            .values(read_at=NEVER)
            .execution_options(synchronize_session=False)
        )


def groups_among(
    session: Session, integration: str, ids: Iterable[str]
) -> dict[str, Group]:
    """Return those of the groups with these ids that were ever read, by id."""
    rows = session.exec(
        select(OktaGroup).where(
            OktaGroup.integration == integration, col(OktaGroup.id).in_(list(ids))
        )
    )
    return {row.id: as_group(row) for row in rows}


def held_among(session: Session, integration: str, ids: Iterable[str]) -> set[str]:
    """Return those of these group ids of which a grant lives."""
    held = session.exec(
        select(AccessGrant.group_id).where(
            AccessGrant.integration == integration,
            col(AccessGrant.status).in_(LIVE),
        )
    )
    return set(held).intersection(ids)


def pins(session: Session, integration: str) -> Pins:
    """Return the ids that names of users and of groups were pinned to."""
    pinned = Pins({}, {})
    for row in session.execute(_PINS, {"integration": integration}):
        of_kind = pinned.users if row.kind == "user" else pinned.groups
        of_kind[row.name] = row.id
    return pinned


def given(
    session: Session, integration: str, group_ids: Iterable[str]
) -> frozenset[tuple[str, str]]:
    """Return the memberships of these groups that the bot gave, or still may."""
    asked = {"integration": integration, "groups": list(group_ids)}
    rows = session.execute(_GIVEN, asked)
    return frozenset((row.grantee_id, row.group_id) for row in rows)


def account(session: Session, team_id: str, slack_id: str) -> SlackAccount | None:
    """Return the Slack account as last read."""
    return session.get(SlackAccount, (team_id, slack_id))


def link_of_account(
    session: Session, team_id: str, slack_id: str, integration: str
) -> PersonLink | None:
    """Return the link of a Slack account to its Okta person."""
    return session.get(PersonLink, (team_id, slack_id, integration))


def links_of_account(
    session: Session, team_id: str, slack_id: str
) -> Sequence[PersonLink]:
    """Return the links of a Slack account to its person in each Okta org."""
    return session.exec(
        select(PersonLink).where(
            PersonLink.team_id == team_id, PersonLink.slack_id == slack_id
        )
    ).all()


def link_of_person(
    session: Session, integration: str, person_id: str
) -> PersonLink | None:
    """Return the link of an Okta person to their Slack account."""
    return session.exec(
        select(PersonLink).where(
            PersonLink.integration == integration, PersonLink.person_id == person_id
        )
    ).first()


def linked_people(session: Session, integration: str) -> list[Person]:
    """Return the people who have a Slack account that is theirs, as last read."""
    rows = session.exec(
        select(OktaPerson)
        .join(
            PersonLink,
            (col(PersonLink.person_id) == OktaPerson.id)
            & (col(PersonLink.integration) == OktaPerson.integration),
        )
        .where(OktaPerson.integration == integration)
    )
    return [as_person(row) for row in rows]


def accounts_with_email(session: Session, email: str) -> list[SlackAccount]:
    """Return the Slack accounts that may act here and whose e-mail is `email`."""
    return list(
        session.exec(
            select(SlackAccount).where(
                func.lower(SlackAccount.email) == email.casefold(),
                col(SlackAccount.refusal).is_(None),
            )
        )
    )


def accounts_with_id(session: Session, slack_id: str) -> list[SlackAccount]:
    """Return the Slack accounts that may act here and have this id."""
    return list(
        session.exec(
            select(SlackAccount).where(
                SlackAccount.slack_id == slack_id,
                col(SlackAccount.refusal).is_(None),
            )
        )
    )


def zone_of(session: Session, slack_id: str) -> ZoneInfo:
    """Return the time zone of a Slack account; UTC where it is not to be known."""
    account = session.exec(
        select(SlackAccount).where(SlackAccount.slack_id == slack_id)
    ).first()
    try:
        return ZoneInfo(account.time_zone if account else "UTC")
    except (LookupError, ValueError, OSError):
        return ZoneInfo("UTC")


def remember(
    session: Session, name: str, facts: Mapping[str, Any], now: datetime
) -> None:
    """Keep what the periodic job `name` remembers, as of `now`."""
    session.merge(Upkeep(name=name, at=now, facts=dict(facts)))


def remembered(session: Session, name: str) -> Upkeep | None:
    """Return what the periodic job `name` remembers."""
    return session.scalars(_REMEMBERED, {"name": name}).first()


def as_person(row: OktaPerson | Row[Any]) -> Person:
    groups = None if row.group_ids is None else frozenset(row.group_ids)
    return Person(
        id=row.id,
        login=row.login,
        email=row.email,
        name=row.name,
        status=row.status,
        groups=groups,
        profile=row.profile,
        read_at=row.read_at,
    )


def _insert(session: Session) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's own insert, which knows what to do about a known row."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(OktaGroup)
    return postgresql.insert(OktaGroup)


def _group_row(integration: str, known: Group, now: datetime) -> dict[str, Any]:
    return {
        "integration": integration,
        "id": known.id,
        "name": known.name,
        "description": known.description,
        "type": known.type,
        "profile": dict(known.profile),
        "carries_admin_role": known.carries_admin_role,
        "rule_managed": known.rule_managed,
        "feeds_rule": known.feeds_rule,
        "read_at": now,
        "gone_at": None,
    }


def as_group(row: OktaGroup | Row[Any]) -> Group:
    return Group(
        id=row.id,
        name=row.name,
        description=row.description,
        type=row.type,
        profile=row.profile,
        carries_admin_role=row.carries_admin_role,
        rule_managed=row.rule_managed,
        feeds_rule=row.feeds_rule,
        read_at=row.read_at,
    )
