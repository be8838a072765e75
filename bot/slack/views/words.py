"""Sentences about people, requests and grants, as mrkdwn and as plain text.

Every sentence comes in both: the top-level text of a message is read aloud and
notified, and is complete without the blocks.
"""

from collections.abc import Callable

from bot.core.durations import say_duration
from bot.core.words import Cause, RequestStatus
from bot.slack.pictures import Asked, Before, Held, Who
from bot.slack.views.text import MOST_FREE, listed, mention, named, sentence, utc, when

RUNGS = {
    "resource": "you own this group",
    "integration": "you own the integration",
    "admins": "you are an admin",
    "named": "the flow names you",
    "manager": "you are their manager",
}


def person(who: Who) -> str:
    """Return how Okta names a person, their login and their mention, as mrkdwn."""
    about = ", ".join(
        part for part in (named(who.login), mention(who.slack_id)) if part
    )
    name = named(who.name)
    return f"{name} ({about})" if about and about != name else name


def plain_person(who: Who) -> str:
    """Return how Okta names a person and their login, for the top-level text."""
    name, login = named(who.name), named(who.login)
    return f"{name} ({login})" if login and login != name else name


def wish(asked: Asked) -> str:
    """Return "GROUP for 4 h", or "GROUP for 1 h more" of an extension."""
    more = " more" if asked.extends else ""
    return f"{named(asked.group)} for {say_duration(asked.duration)}{more}"


def for_whom(asked: Asked, say: Callable[[Who], str]) -> str:
    """Return " for NAME" where somebody else will hold it."""
    return f" for {say(asked.grantee)}" if asked.grantee else ""


def subject(other: Who | None, yours: str, theirs: str) -> str:
    """Return "You have" to who holds it, and "NAME has" to who asked for another."""
    return f"{named(other.name)}{theirs}" if other else yours


def progress(asked: Asked) -> str:
    """Return the step and who approved it already, as mrkdwn; nothing if it is one."""
    approval = asked.approval
    said = []
    if approval.of > 1:
        said.append(f"This is step {asked.step} of {approval.of}.")
    if approval.needed > 1:
        by = f", by {listed(map(person, approval.by))}" if approval.by else ""
        said.append(f"{len(approval.by)} of {approval.needed} have approved{by}.")
    return " ".join(said)


def outcome(asked: Asked) -> str:
    """Return who decided what and when, as mrkdwn; not yet with a reason."""
    at = f" {when(asked.decided_at)}" if asked.decided_at else ""
    return f"{_decided(asked, person)}{at}"


def plain_outcome(asked: Asked) -> str:
    """Return who decided what, when and why, for the top-level text."""
    at = f" {utc(asked.decided_at)}" if asked.decided_at else ""
    why = f": {named(asked.reason, MOST_FREE)}" if shows_reason(asked) else ""
    return sentence(f"{_decided(asked, plain_person)}{at}{why}")


def shows_reason(asked: Asked) -> bool:
    """Tell whether the decision came with a reason."""
    return bool(asked.reason.strip()) and asked.status is not RequestStatus.CANCELLED


def cause(held: Held, other: Who | None = None) -> str:
    """Return why a grant ended, to follow "ended: ", as mrkdwn and plain alike."""
    you, your = ("they", "their") if other else ("you", "your")
    by = plain_person(held.ended_by) if held.ended_by else "an admin"
    words = {
        Cause.EXPIRED: "its time was up",
        Cause.GIVEN_BACK: f"{you} ended it",
        Cause.REVOKED: f"it was revoked by {by}",
        Cause.FAILED: "it could not be given",
        Cause.ENDED_OUTSIDE: f"{you} were removed in Okta, not by this bot",
        Cause.GONE: "the group is gone from Okta",
        Cause.PERSON_LEFT: f"{your} Okta account is no longer active",
    }
    return words[held.cause] if held.cause else "it is over"


def why_you(asked: Asked, at: str = "") -> str:
    """Return why the reader of a card, asked `at` a rung, is asked, as mrkdwn."""
    rung = RUNGS.get(at or asked.rung, "you may answer")
    if (at or asked.rung) == "integration":
        rung = f"{rung} {named(asked.integration)}"
    passed = "".join(f"; {named(each, 200)}" for each in asked.passed)
    return f"You are asked because {rung}{passed}."


def history(before: Before) -> str:
    """Return what they had of the group and were denied before."""
    if not before.had and not before.denied:
        return "They never had this group from here before."
    last = f", last until {when(before.last_ended)}" if before.last_ended else ""
    had = f"had this group {_times(before.had)}{last}" if before.had else ""
    denied = f"were denied it {_times(before.denied)}" if before.denied else ""
    return f"Before, they {' and '.join(part for part in (had, denied) if part)}."


def decider(asked: Asked, say: Callable[[Who], str]) -> str:
    """Return who decided, a person or the policy."""
    if asked.decided_by:
        return say(asked.decided_by)
    return "a rule of its flow" if asked.by_rule else "policy"


def _decided(asked: Asked, say: Callable[[Who], str]) -> str:
    by = decider(asked, say)
    words = {
        RequestStatus.PENDING: "Waiting for an answer",
        RequestStatus.APPROVED: f"Approved by {by}",
        RequestStatus.DENIED: f"Denied by {by}",
        RequestStatus.CANCELLED: f"Cancelled by {say(asked.requester)}",
        RequestStatus.LAPSED: "Lapsed: nobody answered in time",
    }
    return words[asked.status]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
