"""One example of each thing the bot shows, with what it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from bot.core.catalogue import Owner, Step
from bot.core.policy import Asked as Wish
from bot.core.words import Cause, GrantStatus, Group, Person, RequestStatus
from bot.slack.pictures import (
    AboutGrant,
    AboutRequest,
    Admin,
    Alert,
    Approval,
    Asked,
    Before,
    Freeze,
    Held,
    Home,
    Who,
)
from bot.slack.views import admin, draw, home, lists, modal
from bot.slack.views.admin import Activity, Line
from bot.slack.views.modal import AskForm, GroupChoice
from bot.workflow.explaining import AskedStep, Explanation

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANN = Who(name="Ann Archer", login="ann@example.com", slack_id="U0ANN")
OLGA = Who(name="Olga Ortiz", login="olga@example.com", slack_id="U0OLGA")
SAM = Who(name="Sam Sato", login="sam@example.com", slack_id="U0SAM")

ASKED = Asked(
    id="a1b2",
    integration="corp-okta",
    status=RequestStatus.PENDING,
    step=1,
    requester=ANN,
    group="prod-db-read",
    description="Read the production database",
    duration=4 * HOUR,
    justification="OPS-12 look at slow queries",
    lapse_at=NOW + timedelta(days=1),
    people=(OLGA, SAM),
    rung="resource",
    passed=(),
    decided_at=None,
    decided_by=None,
    reason="",
    approval=Approval(choices=(HOUR / 2, HOUR, 4 * HOUR)),
)
HELD = Held(
    id="c3d4",
    request_id="a1b2",
    holder=ANN,
    more=HOUR,
    status=GrantStatus.ACTIVE,
    group="prod-db-read",
    duration=4 * HOUR,
    expires_at=NOW + 4 * HOUR,
    ended_at=None,
    cause=None,
    ended_by=None,
    problem="",
    details="Connect to the VPN, then open https://grafana.example.com",
)
DECIDED: dict[str, Any] = {"decided_at": NOW, "decided_by": OLGA}
FOUR_EYES = replace(
    ASKED,
    step=2,
    labels=("production", "four eyes"),
    approval=Approval(of=2, needed=2, by=(SAM,), confirms=True),
)
OVER = replace(HELD, status=GrantStatus.REVOKED, ended_at=NOW + HOUR)


@dataclass(frozen=True)
class Example:
    """A view as it is sent: its name, to whom, its kind, and its payload."""

    name: str
    to: str
    kind: Literal["message", "modal", "home"]
    payload: dict[str, Any]


def examples() -> Iterator[Example]:
    """Give every example, in the order of a request's life."""
    yield from _modals()
    pictures: list[tuple[str, str, AboutRequest | AboutGrant | Alert]] = [
        *_requests(),
        *_grants(),
        *_alerts(),
    ]
    for name, to, picture in pictures:
        text, blocks = draw(picture)
        yield Example(name, to, "message", {"text": text, "blocks": blocks})
    for name, to, (text, blocks) in _answers():
        yield Example(name, to, "message", {"text": text, "blocks": blocks})
    for name, shown in _homes():
        yield Example(name, "the home tab", "home", home.draw(shown))


def _modals() -> Iterator[Example]:
    choice = GroupChoice(
        value="corp-okta:00g1", name="prod-db-read", about=ASKED.description
    )
    empty = AskForm(choices=(HOUR / 2, HOUR, 4 * HOUR), duration=HOUR)
    filled = replace(
        empty,
        groups=(choice,),
        hint="Name the ticket, such as OPS-12",
        justification="OPS-12 look at slow queries",
        for_others=True,
        about=(
            "Asks whoever owns the group. At most 8 h. Read the production database",
        ),
    )
    forms = {
        "ask, empty": modal.ask(empty),
        "ask, a group chosen": modal.ask(filled),
        "ask, several groups": modal.ask(
            replace(
                filled,
                groups=(
                    replace(choice, about=""),
                    replace(choice, value="corp-okta:00g2", name="prod-logs", about=""),
                ),
                about=(
                    "prod-db-read: Asks whoever owns the group. At most 8 h.",
                    "prod-logs: Given at once. At most 1 h.",
                ),
            )
        ),
        "ask, refused": modal.ask(replace(filled, note="At most 8 h can be asked.")),
        "deny": modal.denial(ASKED, "a1b2:1"),
        "approve for less": modal.approval(ASKED, "a1b2:1"),
        "extend": modal.extension(HELD, "OPS-12 goes on", "Name the ticket"),
        "activity": admin.activity(
            Activity(
                lines=[Line(7, NOW, "Olga Ortiz", "request approved", "Ann Archer")],
                about="prod-db-read",
                is_newest=False,
                more=True,
            )
        ),
        "activity, nothing": admin.activity(Activity()),
        "revoke": admin.revoking(),
        "freeze": admin.freezing(),
        "a sentence": modal.told("You asked for prod-db-read and prod-logs."),
    }
    for name, view in forms.items():
        yield Example(f"modal: {name}", "who opened it", "modal", view)


def _requests() -> Iterator[tuple[str, str, AboutRequest]]:
    def about(kind: str, asked: Asked = ASKED, **more: Any) -> AboutRequest:
        return AboutRequest(kind=kind, asked=asked, is_theirs=True, **more)

    approved = replace(ASKED, status=RequestStatus.APPROVED, **DECIDED)
    denied = replace(
        ASKED, status=RequestStatus.DENIED, reason="use the replica", **DECIDED
    )
    had = Before(had=3, last_ended=NOW - timedelta(days=2), denied=1)
    granting = replace(HELD, status=GrantStatus.GRANTING)
    yield "card", "an approver", about("card", before=had)
    yield "card, step 2 of 2", "an approver", about("card", FOUR_EYES, rung="named")
    yield (
        "card, for somebody else",
        "an approver",
        about("card", replace(ASKED, grantee=SAM)),
    )
    longer = replace(ASKED, extends=NOW + HOUR, duration=HOUR)
    yield "card, an extension", "an approver", about("card", longer)
    passed = replace(
        ASKED, rung="integration", passed=("the resource owner is who asks",)
    )
    yield "card, up the ladder", "an approver", about("card", passed)
    yield "card, approved", "an approver", about("card", approved)
    yield "card, denied", "an approver", about("card", denied)
    lapsed = replace(ASKED, status=RequestStatus.LAPSED, decided_at=NOW)
    yield "card, lapsed", "an approver", about("card", lapsed)
    cancelled = replace(ASKED, status=RequestStatus.CANCELLED, decided_at=NOW)
    yield "card, cancelled", "an approver", about("card", cancelled)
    said = {"comment": "Use the replica, it is enough.", "comment_by": OLGA}
    yield "comment, in a channel", "the channel", about("comment", denied, **said)
    yield "reminder", "an approver", about("reminder")
    yield "reminder, nudged", "an approver", about("reminder", nudged=True)
    yield "sent, finding out", "who asked", about("sent", replace(ASKED, step=0))
    yield "sent, waiting", "who asked", about("sent")
    yield "sent, granting", "who asked", about("sent", approved, held=granting)
    yield "sent, given", "who asked", about("sent", approved, held=HELD)
    yield "sent, over", "who asked", about("sent", approved, held=_over(Cause.EXPIRED))
    yield "sent, cancelled", "who asked", about("sent", cancelled)
    yield "denied", "who asked", about("denied", denied)
    yield (
        "denied by policy",
        "who asked",
        about("denied", replace(denied, decided_by=None)),
    )
    yield "lapsed", "who asked", about("lapsed", lapsed)
    yield (
        "extended",
        "who asked",
        about("extended", replace(approved, extends=NOW), held=HELD),
    )


def _over(cause: Cause) -> Held:
    return replace(OVER, cause=cause, ended_by=OLGA)


def _grants() -> Iterator[tuple[str, str, AboutGrant]]:
    yield "granted", "who holds it", AboutGrant(kind="granted", held=HELD)
    for_sam = replace(HELD, holder=SAM)
    yield (
        "granted, to somebody else",
        "who asked",
        AboutGrant(kind="granted", held=for_sam, other=SAM),
    )
    given_back = _over(Cause.GIVEN_BACK)
    yield "granted, over", "who holds it", AboutGrant(kind="granted", held=given_back)
    yield "warning", "who holds it", AboutGrant(kind="warning", held=HELD)
    for cause in Cause:
        if cause is not Cause.FAILED:
            over = AboutGrant(kind="ended", held=_over(cause))
            yield f"ended, {cause}", "who held it", over
    failed = replace(HELD, status=GrantStatus.FAILED, problem="Okta refused it")
    yield "failed", "who asked", AboutGrant(kind="failed", held=failed)


def _alerts() -> Iterator[tuple[str, str, Alert]]:
    late = (
        "ann@example.com should have left prod-db-read at 09:00 UTC and could not be "
        "removed. I keep trying; remove them by hand if it is urgent."
    )
    yield "alert", "an owner", Alert(text=late)
    yield "alert, is it gone", "an owner", Alert(text=late, stuck="c3d4")
    many = (
        "Okta no longer shows 40 of 90 memberships given in corp-okta. I ended none of "
        "them: so many at once may be a fault."
    )
    yield "alert, the brake", "an admin", Alert(text=many, braked="corp-okta")
    ends = "On Fri 04 Dec 2026 09:00 UTC I will suspend the Okta account of Ann Archer."
    yield "alert, clean-up", "an owner", Alert(text=ends, keepable="corp-okta:00u1")
    added = "Added to “prod-logs” in Okta since yesterday, not by me: bob@example.com."
    yield (
        "alert, added outside",
        "an owner",
        Alert(text=added, mutable="corp-okta:00g2"),
    )


def _answers() -> Iterator[tuple[str, str, Any]]:
    yield "/access mine", "who typed it", lists.mine([HELD], [ASKED], NOW)
    yield "/access mine, nothing", "who typed it", lists.mine([], [], NOW)
    yield "/access waiting", "who typed it", lists.waiting([ASKED])
    yield "/access waiting, nothing", "who typed it", lists.waiting([])
    yield "/access who", "an owner", lists.who("prod-db-read", [HELD])
    yield "/access who, nobody", "an owner", lists.who("prod-db-read", [])
    yield "/access why", "who typed it", lists.why(_explained())


def _explained() -> Explanation:
    ann = _person("ann", "Ann Archer")
    wish = Wish(requester=ann, grantee=ann, group=Group(id="00g1", name="prod-db-read"))
    steps = (AskedStep(Step(any_of=(Owner(),)), (_person("olga", "Olga Ortiz"),)),)
    return Explanation(
        asked=wish,
        at=NOW,
        verdicts=(),
        flow="engineers to production",
        duration=HOUR,
        steps=steps,
    )


def _person(name: str, full: str) -> Person:
    login = f"{name}@example.com"
    return Person(id=f"00u{name}", login=login, email=login, name=full, status="ACTIVE")


def _homes() -> Iterator[tuple[str, Home]]:
    denied = replace(ASKED, status=RequestStatus.DENIED, **DECIDED)
    admin = Admin(
        integrations=(("corp-okta", "groups read 27 Nov 08:55 UTC"),),
        frozen=(Freeze("prod-root", "corp-okta:groups:00g9"),),
        live=12,
        pending=3,
        file="2f1c9a",
        details=(("corp-okta", HELD.details),),
    )
    whole = Home(
        now=NOW, held=(HELD,), asked=(ASKED,), waiting=(FOUR_EYES,), again=(denied,)
    )
    yield "home", whole
    yield "home, nothing yet", Home(now=NOW)
    yield "home, of an admin", replace(whole, admin=admin)
    yield "home, refused", Home(now=NOW, refusal="Guests cannot use this.")
