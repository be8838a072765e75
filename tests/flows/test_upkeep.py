"""What the bot tells of its upkeep, and what people press there: either way."""

import json
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.settings import Clock
from bot.store.claims import CLOCK
from bot.store.tables import Event, Upkeep
from tests.flows.world import GROUP, QUICK, WHY, World, login

MOMENT = timedelta(seconds=0.3)
WATCHFUL = replace(QUICK, reconcile=MOMENT, absent=MOMENT, day=timedelta(seconds=1))
"""Okta is looked at all the time, and a day is a second."""


@dataclass
class Ahead:
    """A wall clock that can be set ahead for everybody."""

    world: World
    seconds: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.seconds

    def by(self, ahead: timedelta) -> None:
        self.seconds += ahead.total_seconds()
        self.world.okta.set_clock_skew(self.seconds)


def _home(world: World, who: str, fragment: str) -> None:
    """Open somebody's home tab, and wait until it shows `fragment`."""
    world.slack.open_home(world.id(who))
    world.slack.wait_for(lambda: fragment in str(world.slack.home(world.id(who))))


def _is_watched(world: World) -> bool:
    """Tell whether it is known who is in a group that is held."""
    return any(row.name.startswith("members:") for row in world.all_of(Upkeep))


def _events(world: World, kind: str) -> int:
    return sum(event.kind == kind for event in world.all_of(Event))


def test_a_machine_that_comes_up_with_its_clock_set_back_lengthens_nothing(
    world: World,
) -> None:
    ahead = Ahead(world)
    often = replace(QUICK, verify=MOMENT)
    with world.bot(often, Clock(wall=ahead)):
        world.given(f"{GROUP} 1h {WHY}")
        ahead.by(timedelta(minutes=50))
        world.slack.wait_for(lambda: _events(world, "grant warned"))
        ahead.by(timedelta(minutes=9, seconds=50))
        kept = timedelta(minutes=59, seconds=51) + Clock()()
        world.slack.wait_for(lambda: _clock_kept(world) > kept)
        world.members("rita")
    ahead.by(timedelta(hours=-5))
    with world.bot(often, Clock(wall=ahead)):
        world.members()


def _clock_kept(world: World) -> datetime:
    [kept] = [row.at for row in world.all_of(Upkeep) if row.name == CLOCK]
    return kept


def test_an_admin_looks_up_revokes_and_freezes_from_the_home_tab(
    either_way: World,
) -> None:
    world, slack = either_way, either_way.slack
    with world.bot():
        world.given()
        _home(world, "ada", "Revoke access")
        ada = world.id("ada")
        slack.press(ada, "activity_newest")
        assert "Rita Test" in str(slack.view(ada))
        slack.choose(ada, "activity_kind", "grant")
        assert "asked" not in str(slack.view(ada))
        slack.close_view(ada)
        slack.press(ada, "open_revoke")
        slack.submit(ada, {"who": world.id("rita"), "what": GROUP})
        assert "Done: 1 ended" in str(slack.view(ada))
        slack.close_view(ada)
        world.told("rita", "it was revoked by Ada")
        world.members()
        slack.press(ada, "open_freeze")
        slack.submit(ada, {"what": GROUP})
        assert f"Frozen: {GROUP}" in str(slack.view(ada))
        slack.close_view(ada)
        assert "frozen" in world.ask()
        _home(world, "ada", f"Frozen: {GROUP}")
        slack.press(ada, "unfreeze")
        slack.wait_for(lambda: "Frozen: nothing" in str(slack.home(ada)))
        assert "You asked for" in world.ask()


def test_the_owner_mutes_what_others_add(either_way: World) -> None:
    world = either_way
    with world.bot(WATCHFUL):
        world.given()
        world.slack.wait_for(lambda: _is_watched(world))
        world.okta.add_member(GROUP, login("mallory"))
        told = world.told("ivan", login("mallory"))
        world.press("ivan", "mute", told)
        world.told("ivan", "no more")
    assert _events(world, "muted") == 1
    assert login("mallory") in world.okta.members(GROUP)


def test_an_admin_says_what_becomes_of_many_ends_at_once(either_way: World) -> None:
    world = either_way
    world.policy["more"] = "brake: {most: 1, share: 0%}"
    with world.bot(WATCHFUL):
        world.given()
        world.ask("rita", f"prod-logs 1h {WHY}")
        world.press("ivan", "approve", world.card_of("ivan", "prod-logs"))
        world.told("rita", "You have prod-logs")
        for group in (GROUP, "prod-logs"):
            world.okta.remove_member(group, login("rita"))
        asked = world.told("ada", "I ended none of them")
        assert world.grants() == ["active", "active"]
        world.press("ada", "discard", asked)
        world.told("ada", "Noted: discard")
        assert world.grants() == ["active", "active"]
        world.press("ada", "carry_on", asked)
        world.comes_to("revoked", "revoked")
        world.told("rita", f"Your access to {GROUP} has ended")


def test_an_owner_keeps_one_of_two_accounts_that_were_to_be_ended(
    either_way: World,
) -> None:
    world, ahead = either_way, Ahead(either_way)
    both = ("rita", "mallory")
    _clean_up(world, *both)
    with world.bot(clock=Clock(wall=ahead)):
        for who in both:
            world.ask(who)
            world.press("olga", "approve", world.card_of("olga", f"{who.title()} Test"))
            world.press(who, "end", world.message_with(who, "end"))
            world.members()
        ahead.by(timedelta(hours=3))
        told = [world.told("ivan", f"Okta account of {who.title()}") for who in both]
        delivered = "clean-up notice delivered"
        world.slack.wait_for(lambda: _events(world, delivered) == len(both))
        world.press("ivan", "keep", told[0])
        world.told("ivan", "I leave this account alone")
        ahead.by(timedelta(days=8))
        world.slack.wait_for(
            lambda: world.okta.status(login("mallory")) == "DEPROVISIONED"
        )
    assert world.okta.status(login("rita")) == "ACTIVE"
    assert _events(world, "account kept") == 1


def _clean_up(world: World, *names: str) -> None:
    """Let the accounts of these people be deactivated that have no access left."""
    second = world.folder / "second.json"
    second.touch(mode=0o600)
    app = world.okta.new_app(("okta.users.manage", "okta.roles.read"), role="ORG_ADMIN")
    second.write_text(json.dumps(app))
    world.okta.add_group("temporary", members=[login(name) for name in names])
    world.policy["more"] = (
        f"user_cleanup: {{after: 1h, action: deactivate, credentials: file:{second}, "
        "only_members_of: [{group: temporary}]}"
    )
