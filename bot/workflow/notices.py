"""What people are told: a row for each message, written with what it tells of.

A notice is made in the transaction of its cause and sent by the worker. Its
key makes it once, whatever is repeated.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from bot.store import directory
from bot.store.tables import (
    AccessGrant,
    AccessRequest,
    Notice,
    PersonLink,
    SlackAccount,
)

UNKNOWN = "role:{}:{}"
"""Who is told something before anybody is known in a role of an integration."""

EVERYBODY = "people:{}"
"""What the job that looks up owners and admins remembers of an integration."""


def tell(
    session: Session,
    kind: str,
    recipient: str,
    *,
    key: str,
    now: datetime,
    request: AccessRequest | None = None,
    grant: AccessGrant | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Notice | None:
    """Make one notice due now; None if one with this key was made before."""
    if session.exec(select(Notice.id).where(Notice.key == key)).first() is not None:
        return None
    notice = Notice(
        key=key,
        kind=kind,
        recipient=recipient,
        request_id=request.id if request else None,
        grant_id=grant.id if grant else None,
        facts=dict(facts or {}),
        made_at=now,
        due_at=None if recipient.startswith(UNKNOWN[:5]) else now,
    )
    session.add(notice)
    return notice


def tell_requester(
    session: Session,
    kind: str,
    request: AccessRequest,
    now: datetime,
    *,
    grant: AccessGrant | None = None,
    again: str = "",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Tell who asked, once for this kind (and `again`), where they are in Slack.

    Of a grant who holds it is told too, where somebody else asked for it.
    """
    people = {request.requester_id, request.grantee_id} if grant else set()
    for person_id in sorted(people or {request.requester_id}):
        recipient = slack_of(session, request.integration, person_id)
        if recipient is None:
            continue
        about = grant.id if grant else request.id
        tell(
            session,
            kind,
            recipient,
            key=f"{kind}:{about}:{recipient}{again}",
            now=now,
            request=None if grant else request,
            grant=grant,
            facts=facts,
        )


def tell_people(
    session: Session,
    integration: str,
    role: str,
    text: str,
    *,
    key: str,
    now: datetime,
    grant: AccessGrant | None = None,
) -> None:
    """Tell the `admins` or the integration `owner` something, once for this key.

    What nobody owns is told to the admins. With `grant`, they are asked whether
    its group is gone.
    """
    for recipient in recipients_of(session, integration, role):
        tell(
            session,
            "gone" if grant else "alert",
            recipient,
            key=f"{key}:{recipient}",
            now=now,
            grant=grant,
            facts={"text": text},
        )


def recipients_of(session: Session, integration: str, role: str) -> list[str]:
    """Return the Slack ids of the `admins`, or the `owner` where there is one.

    Before anybody is known in that role, it is the role itself: what is told it
    waits for `tell_waiting`.
    """
    remembered = directory.remembered(session, EVERYBODY.format(integration))
    known = remembered.facts if remembered else {}
    people: Iterable[str] = known.get(role) or known.get("admins", ())
    found = (slack_of(session, integration, person_id) for person_id in people)
    recipients = [recipient for recipient in found if recipient is not None]
    return recipients or [UNKNOWN.format(integration, role)]


def tell_waiting(session: Session, integration: str, now: datetime) -> None:
    """Tell those who are known in a role by now what was to be told before."""
    for role in ("owner", "admins"):
        nobody = UNKNOWN.format(integration, role)
        recipients = recipients_of(session, integration, role)
        if recipients == [nobody]:
            continue
        for notice in session.exec(select(Notice).where(Notice.recipient == nobody)):
            for recipient in recipients:
                tell(
                    session,
                    notice.kind,
                    recipient,
                    key=notice.key.replace(nobody, recipient),
                    now=now,
                    grant=_grant_of(session, notice),
                    facts=notice.facts,
                )
            session.delete(notice)


def _grant_of(session: Session, notice: Notice) -> AccessGrant | None:
    return session.get(AccessGrant, notice.grant_id) if notice.grant_id else None


def show_home(session: Session, recipient: str, now: datetime) -> None:
    """Make the home tab of someone who opened it due, to show what is now."""
    home = session.exec(select(Notice).where(Notice.key == f"home:{recipient}")).first()
    if home is None:
        tell(session, "home", recipient, key=f"home:{recipient}", now=now)
    else:
        home.wanted_version += 1
        home.due_at = now
        session.add(home)


def slack_of(session: Session, integration: str, person_id: str) -> str | None:
    """Return the Slack id linked to an Okta person; None when nobody is."""
    link = directory.link_of_person(session, integration, person_id)
    if link is None:
        return None
    account = directory.account(session, link.team_id, link.slack_id)
    if account is None or account.refusal or not is_as_linked(account, link):
        return None
    return link.slack_id


def is_as_linked(account: SlackAccount, link: PersonLink) -> bool:
    """Tell whether an account has no other e-mail than that by which it was linked.

    NB. An account that was handed to somebody else shows them nothing of before.
    """
    if account.team_id != link.team_id:
        return False
    known = link.email and account.email
    return not known or link.email.casefold() == known.casefold()
