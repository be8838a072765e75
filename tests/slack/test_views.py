"""What people read: complete, harmless, and within Slack's limits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.words import Cause, GrantStatus, RequestStatus
from bot.slack.overview import MOST_HELD
from bot.slack.pictures import (
    AboutGrant,
    AboutRequest,
    Alert,
    Approval,
    Asked,
    Before,
    Held,
    Home,
    Who,
)
from bot.slack.views import card, draw, home, modal, notices
from bot.slack.views.modal import AskForm, GroupChoice
from bot.slack.views.text import clean, cut, escape, listed, mention, utc, when
from tests.conformance import block_kit

AT = datetime(2030, 1, 1, 12, 5, tzinfo=UTC)
ALICE = Who(name="Alice", login="alice@example.com", slack_id="U0ALICE")
OLGA = Who(name="Olga", login="olga@example.com", slack_id="U0OLGA")
ASKED = Asked(
    id="a1b2",
    integration="corp-okta",
    status=RequestStatus.PENDING,
    step=1,
    requester=ALICE,
    group="prod-db",
    description="Reads the production database",
    duration=timedelta(hours=4),
    justification="OPS-12 slow queries",
    lapse_at=AT + timedelta(days=1),
    people=(OLGA,),
    rung="resource",
    passed=(),
    decided_at=None,
    decided_by=None,
    reason="",
)
HELD = Held(
    id="c3d4",
    status=GrantStatus.ACTIVE,
    group="prod-db",
    duration=timedelta(hours=4),
    expires_at=AT,
    ended_at=None,
    cause=None,
    ended_by=None,
    problem="",
    details="Open https://grafana.example.com",
)
DECIDED: dict[str, Any] = {
    "decided_at": AT,
    "decided_by": OLGA,
    "reason": "use the replica",
}

HOUR = timedelta(hours=1)
IN_PART = replace(
    ASKED,
    step=2,
    grantee=OLGA,
    extends=AT,
    labels=("production", "pci"),
    approval=Approval(
        of=3, needed=2, by=(OLGA,), choices=(timedelta(minutes=30),), confirms=True
    ),
)
"""A request for somebody else, approved in part, that can be given for less."""

EVIL = [
    "<!channel> <@U0OLGA> <https://evil.example|Okta login>",
    "<!date^0^x|y> &lt;!here&gt; &amp;",
    "*bold* _it_ `code` :tada: ~gone~",
    "line\nApproved by the CEO\r\n> quoted\u2028next\x0bagain",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200b\u200f\x00\x07\ufeff",
    "{0} {} %s ${x} ^ |",
    "x" * 5000,
    "é" * 5000,
    " \u00a0 ",
    "\ud800 lone",
]


def _requests() -> Iterator[AboutRequest]:
    for kind in ("card", *notices.OF_REQUESTS):
        for status in RequestStatus:
            decided: dict[str, Any] = {} if status is RequestStatus.PENDING else DECIDED
            asked = replace(ASKED, status=status, **decided)
            for is_theirs in (True, False):
                yield AboutRequest(kind=kind, asked=asked, is_theirs=is_theirs)
    for kind in ("card", "sent", "reminder"):
        yield AboutRequest(kind=kind, asked=IN_PART, is_theirs=True, rung="manager")
    approved = replace(ASKED, status=RequestStatus.APPROVED, **DECIDED)
    for held in _holds():
        yield AboutRequest(kind="sent", asked=approved, held=held)
        yield AboutRequest(kind="extended", asked=approved, held=held)


def _holds() -> Iterator[Held]:
    for status in GrantStatus:
        causes = [None] if status in notices.ENDABLE else [*Cause]
        for cause in causes:
            yield replace(HELD, status=status, cause=cause, ended_at=AT)
    yield replace(HELD, more=HOUR, request_id="a1b2")


def _pictures() -> Iterator[Any]:
    yield from _requests()
    for held in _holds():
        for kind in notices.OF_GRANTS:
            yield AboutGrant(kind=kind, held=held)
            yield AboutGrant(kind=kind, held=held, other=OLGA)
    yield Alert(text="Something is wrong.")


def _poisoned(text: str) -> Iterator[Any]:
    """Every picture with `text` wherever somebody else's text can be."""
    person = Who(name=text, login=text, slack_id=text)
    for picture in _pictures():
        match picture:
            case AboutRequest(asked=asked):
                poisoned = replace(
                    asked,
                    requester=person,
                    grantee=asked.grantee and person,
                    labels=(text,),
                    approval=replace(asked.approval, by=(person, person)),
                    people=(person, person, person, person, person),
                    group=text,
                    description=text,
                    justification=text,
                    passed=(text,),
                    reason=text,
                    decided_by=asked.decided_by and person,
                )
                held = picture.held and _poisoned_grant(picture.held, text, person)
                yield replace(picture, asked=poisoned, held=held)
            case AboutGrant(held=held):
                other = picture.other and person
                held = _poisoned_grant(held, text, person)
                yield replace(picture, held=held, other=other)
            case Alert():
                yield Alert(text=text)


def _poisoned_grant(held: Held, text: str, person: Who) -> Held:
    return replace(held, group=text, problem=text, details=text[:400], ended_by=person)


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    """Each text of blocks, with the type of the object it stands in."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["type"], value["text"]
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _lines(blocks: list[dict[str, Any]]) -> int:
    return sum(text.count("\n") + 1 for _, text in _strings(blocks))


@pytest.mark.parametrize("text", ["", *EVIL])
def test_every_message_is_one_that_slack_takes(text: str) -> None:
    pictures = _poisoned(text) if text else _pictures()
    for picture in pictures:
        said, blocks = draw(picture)
        assert said.strip()
        assert len(said) <= 4000  # Slack: the longest text that chat.update takes
        said.encode()
        block_kit.validate("message", {"text": said, "blocks": blocks})


@pytest.mark.parametrize("text", EVIL)
def test_nobodys_text_becomes_markup(text: str) -> None:
    for picture in _poisoned(text):
        said, blocks = draw(picture)
        for kind, shown in [("mrkdwn", said), *_strings(blocks)]:
            assert not {"\u202e", "\u2066", "\u200b", "\x00", "\r"} & set(shown)
            if kind == "mrkdwn":
                assert "<!channel>" not in shown
                assert "<@U0OLGA>" not in shown
                assert "<https:" not in shown
                assert "<!date^0" not in shown
                assert "\nApproved by the CEO" not in shown


def test_what_people_wrote_freely_is_never_parsed() -> None:
    wrote = "*bold* _it_ :tada:"
    asked = replace(
        ASKED,
        justification=wrote,
        description=wrote,
        reason=wrote,
        status=RequestStatus.DENIED,
        decided_at=AT,
        decided_by=OLGA,
    )
    for kind in ("card", "sent", "denied"):
        _, blocks = draw(AboutRequest(kind=kind, asked=asked))
        assert all(
            wrote not in shown for kind, shown in _strings(blocks) if kind == "mrkdwn"
        )
        assert wrote in str(blocks)


def test_a_message_is_short_and_says_the_main_thing_first() -> None:
    for picture in _pictures():
        _, blocks = draw(picture)
        asks_twice = "'confirm'" in str(blocks)  # four texts that a click shows
        assert _lines(blocks) - 4 * asks_twice <= 12
        assert blocks[0]["type"] in ("section", "header")


def test_every_button_has_a_name_for_screen_readers() -> None:
    drawn = [blocks for _, blocks in map(draw, _pictures())]
    buttons = [
        element
        for blocks in drawn
        for block in blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]
    assert buttons
    for button in buttons:
        assert "prod-db" in button["accessibility_label"]
        assert button["text"]["emoji"] is False


def test_only_what_can_still_be_done_has_a_button() -> None:
    for picture in _pictures():
        actions = str(draw(picture)[1]).count("'action_id'")
        match picture:
            case AboutRequest(kind="card"):
                is_open = picture.asked.status is RequestStatus.PENDING
                less = any(choice < HOUR for choice in picture.asked.approval.choices)
                assert actions == (2 + less if is_open and picture.is_theirs else 0)
            case AboutRequest(kind="reminder"):
                is_open = picture.asked.status is RequestStatus.PENDING
                assert bool(actions) is (is_open and picture.is_theirs)
            case AboutRequest(kind="sent"):
                assert actions == 2 * (picture.asked.status is RequestStatus.PENDING)
            case AboutRequest(kind="denied" | "lapsed"):
                assert actions == 1
            case AboutGrant(kind="granted" | "warning"):
                extends, ends = bool(picture.held.more), picture.other is None
                assert actions == (ends + extends) * (
                    picture.held.status in notices.ENDABLE
                )
            case AboutGrant(kind="ended" | "failed"):
                assert actions == bool(picture.held.request_id)
            case _:
                assert actions == 0


def test_never_granted_before_it_is() -> None:
    approved = replace(ASKED, status=RequestStatus.APPROVED, **DECIDED)
    granting = replace(HELD, status=GrantStatus.GRANTING)
    for held in (None, granting):
        said, blocks = draw(AboutRequest(kind="sent", asked=approved, held=held))
        assert "granting…" in said
        assert "granting…" in str(blocks)
        assert "have it" not in said + str(blocks)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": RequestStatus.APPROVED}, "Approved by Olga (olga@example.com)"),
        ({"status": RequestStatus.DENIED}, "Denied by Olga (olga@example.com)"),
        (
            {"status": RequestStatus.DENIED, "decided_by": None},
            "Denied by policy Tue 01 Jan 12:05 UTC: use the replica.",
        ),
        ({"status": RequestStatus.CANCELLED}, "Cancelled by Alice (alice@example.com)"),
        ({"status": RequestStatus.LAPSED}, "Lapsed: nobody answered in time"),
    ],
)
def test_a_decided_card_says_what_was_decided(
    change: dict[str, Any], says: str
) -> None:
    asked = replace(ASKED, **(DECIDED | change))
    said, _ = draw(AboutRequest(kind="card", asked=asked, is_theirs=True))
    assert says in said


def test_who_asked_for_somebody_else_is_told_who_has_it() -> None:
    for held in _holds():
        for kind in notices.OF_GRANTS:
            said = str(draw(AboutGrant(kind=kind, held=held, other=OLGA)))
            assert "Olga" in said
            assert "you " not in said.lower().replace("apps you are", "")
            assert "your" not in said.lower()
        asked = replace(ASKED, status=RequestStatus.APPROVED, grantee=OLGA, **DECIDED)
        for kind in ("sent", "extended"):
            said = str(draw(AboutRequest(kind=kind, asked=asked, held=held)))
            assert "You have" not in said
            assert "Your access" not in said


@pytest.mark.parametrize("cause", Cause)
def test_each_cause_has_its_own_words(cause: Cause) -> None:
    held = replace(HELD, status=GrantStatus.REVOKED, cause=cause, ended_by=OLGA)
    said, _ = draw(AboutGrant(kind="ended", held=held))
    others = [
        draw(AboutGrant(kind="ended", held=replace(held, cause=other)))[0]
        for other in Cause
        if other is not cause
    ]
    assert said not in others
    assert "has ended: " in said


def test_history_is_said_in_words() -> None:
    before = Before(had=2, last_ended=AT, denied=1)
    picture = AboutRequest(kind="card", asked=ASKED, before=before, is_theirs=True)
    shown = str(draw(picture)[1])
    assert "had this group 2 times, last until <!date^" in shown
    assert "were denied it once" in shown


@pytest.mark.parametrize("text", ["", *EVIL])
def test_every_modal_is_one_that_slack_takes(text: str) -> None:
    group = GroupChoice(value="corp-okta:00g", name=text or "prod-db", about=text)
    form = AskForm(
        choices=tuple(timedelta(minutes=n) for n in range(1, 150)),
        duration=timedelta(hours=1),
        hint=text,
        groups=(group,),
        justification=text,
        note=text,
    )
    block_kit.validate("modal", modal.ask(form))
    block_kit.validate("modal", modal.ask(replace(form, groups=(), note="")))
    asked = replace(ASKED, group=text, requester=Who(name=text, login=text))
    block_kit.validate("modal", modal.denial(asked, card.button_value(ASKED)))
    block_kit.validate("modal", modal.told(text))
    block_kit.validate("ack", {"options": [modal.group_option(group)]})


@pytest.mark.parametrize("text", ["", *EVIL])
def test_every_home_tab_is_one_that_slack_takes(text: str) -> None:
    held = replace(HELD, group=text or "prod-db")
    grants = tuple(replace(held, status=status) for status in GrantStatus)
    for shown in (grants, (), grants * MOST_HELD):
        view = home.draw(Home(now=AT, held=shown[:MOST_HELD]))
        block_kit.validate("home", view)
    block_kit.validate("home", home.draw(Home(now=AT, refusal=text or "No.")))


def test_a_button_carries_an_opaque_id_and_comes_back() -> None:
    assert card.read_button_value(card.button_value(ASKED)) == ("a1b2", 1)
    for forged in ("", ":", "a", ":1", "a:", "a:x", "a:-1", "a:1.0", "a:²", "a:12345"):
        assert card.read_button_value(forged) is None


def test_times_are_in_the_readers_zone_with_utc_to_fall_back_on() -> None:
    assert when(AT) == (
        f"<!date^{int(AT.timestamp())}^{{date_short_pretty}} at {{time}}"
        "|Tue 01 Jan 12:05 UTC>"
    )
    paris = AT.astimezone(tz=None)
    assert utc(paris) == "Tue 01 Jan 12:05 UTC"


def test_a_long_name_keeps_its_tail() -> None:
    assert cut("short", 10) == "short"
    shown = cut("a-very-long-prefix-that-all-share-prod-read-only", 20)
    assert len(shown) == 20
    assert shown.endswith("d-only")
    assert "…" in shown


def test_text_is_cleaned_before_it_is_shown() -> None:
    assert clean("a\u202eb\u200b \n\t c\x00") == "ab c"
    assert escape("<a&b>") == "&lt;a&amp;b&gt;"
    assert escape("&lt;") == "&amp;lt;"


def test_only_a_slack_id_is_mentioned() -> None:
    assert mention("U0ALICE") == "<@U0ALICE>"
    for other in (None, "", "!channel", "U0> <!here", "u0alice", "S0TEAM"):
        assert mention(other) == ""


def test_names_are_listed_as_people_say_them() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
