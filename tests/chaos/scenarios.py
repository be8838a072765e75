"""What happens, in the order it is lived: people, admins, and time.

Each scenario is told to its end whatever goes wrong in between, and asserts
only what people are promised to see. The judge looks at the rest.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from tests.chaos.people import DENIED, ENDED, HAS, LAPSED, NOT_GIVEN, WARNED, People
from tests.chaos.world import (
    DAY,
    GRANTED_FOR,
    GROUP,
    LAPSES_AFTER,
    NOTICE,
    WARNED_BEFORE,
    Broken,
    Setting,
    World,
    login,
)


@dataclass
class Stage:
    """What a scenario plays on, and what it says that the judge must know.

    `may_answer` says who owned the group from when on; `standing` are memberships
    that others gave, which stay.
    """

    world: World
    people: People
    may_answer: list[tuple[float, frozenset[str]]] = field(default_factory=list)
    standing: set[str] = field(default_factory=set)
    longest: float = GRANTED_FOR

    def __post_init__(self) -> None:
        self.owners("olga", "otto")

    def owners(self, *names: str) -> None:
        """Say who may answer from now on."""
        self.may_answer.append((time.monotonic(), frozenset(names)))

    def is_member(self, who: str = "rita") -> bool:
        return self.world.okta.is_member(GROUP, login(who))

    def gone(self, who: str = "rita") -> None:
        """Wait until somebody is out of the group."""
        world = self.world
        world.wait_for(lambda: not self.is_member(who), "I3", f"{who} is removed")

    def added(self) -> None:
        """Wait until Rita is in the group, though she need not know it yet."""
        self.world.wait_for(
            lambda: self.is_member() or self.people.sees("rita", NOT_GIVEN, DENIED),
            "I2",
            "rita is added",
        )

    def given_anew(self) -> None:
        """Wait until what was approved once more is had: its end is known by then."""
        self.world.wait_for(
            lambda: self.world.is_held() or self.people.count("rita", NOT_GIVEN),
            "I2",
            "given anew",
        )

    def granted(self) -> bool:
        """Wait until Rita is told what came of an approval; tell if she has it."""
        told = self.people.told("I2", "rita", HAS, NOT_GIVEN, DENIED, ENDED, "You had")
        return told.shows(HAS)

    def runs_out(self) -> None:
        """Let time pass until after the end of what Rita has; she is told."""
        self.world.jump(GRANTED_FOR + 1)
        self.gone()
        self.people.told("I8", "rita", ENDED)


def plain_life(stage: Stage) -> None:
    """Asked, approved, had, warned of, ended by time."""
    people = stage.people
    people.asked()
    people.approve("olga")
    if stage.granted():
        stage.world.jump(GRANTED_FOR - WARNED_BEFORE + 2)
        people.told("I8", "rita", WARNED, ENDED)
    stage.runs_out()


def denied(stage: Stage) -> None:
    """Asked and denied."""
    stage.people.asked()
    stage.people.deny("olga")
    stage.people.told("I8", "rita", DENIED)


def lapsed(stage: Stage) -> None:
    """Asked, and answered by nobody."""
    stage.people.asked()
    stage.world.jump(LAPSES_AFTER + 1)
    stage.people.told("I8", "rita", LAPSED)


def asked_again(stage: Stage) -> None:
    """Given back, and asked for again while the first is being revoked."""
    people = stage.people
    people.asked()
    people.approve("olga")
    stage.granted()
    people.give_back()
    people.asked()
    stage.gone()
    people.approve("olga")
    stage.given_anew()
    stage.runs_out()


def standing_member(stage: Stage) -> None:
    """An administrator adds Rita herself while her request waits: that stays."""
    stage.people.asked()
    stage.world.okta.add_member(GROUP, login("rita"))
    stage.standing.add("rita")
    stage.people.approve("olga")
    stage.people.told("I2", "rita", NOT_GIVEN, DENIED, HAS)
    stage.world.jump(GRANTED_FOR + 1)


def given_back_while_granting(stage: Stage) -> None:
    """Ended by who should get it, between the add and its proof."""
    world, people = stage.world, stage.people
    world.okta.set_read_lag(0.5)
    people.asked()
    people.open_home()
    people.approve("olga")
    stage.added()
    people.give_back()
    people.told("I8", "rita", ENDED, NOT_GIVEN, DENIED)
    stage.gone()


def owner_changed(stage: Stage) -> None:
    """The group gets other owners between the question and the answer."""
    world, people = stage.world, stage.people
    people.asked()
    world.okta.set_group(GROUP, resourceOwner="others")
    stage.owners("nina")
    world.jump(15)
    people.approve("olga")
    people.told("I8", "nina", "asks for")
    people.approve("nina")
    stage.granted()
    stage.runs_out()


def two_answer_at_once(stage: Stage) -> None:
    """One approves while the other denies."""
    people = stage.people
    people.asked("otto")
    people.told("I8", "olga", "asks for")
    people.at_once(lambda: people.approve("olga"), lambda: people.deny("otto"))
    if stage.granted():
        stage.runs_out()


def two_approve_one_step(stage: Stage) -> None:
    """Two of two who must approve do so at once: both count."""
    people = stage.people
    people.asked("otto")
    people.told("I8", "olga", "asks for")
    people.at_once(lambda: people.approve("olga"), lambda: people.approve("otto"))
    if stage.granted():
        stage.runs_out()


def extended_at_the_end(stage: Stage) -> None:
    """More is asked for just as the time runs out: one of the two happens, whole."""
    people = stage.people
    stage.longest = 2 * GRANTED_FOR
    people.asked()
    people.approve("olga")
    if stage.granted():
        stage.world.jump(GRANTED_FOR - 1)
        people.extend()
        stage.world.jump(2 * GRANTED_FOR + 1)
        stage.gone()
        people.told("I8", "rita", ENDED)


def reloaded(stage: Stage) -> None:
    """Another access.yaml comes in force between the question and the answer."""
    people = stage.people
    people.asked()
    stage.world.change_policy("labels: [changed]")
    people.told("I8", "ada", "access.yaml was changed")
    people.approve("olga")
    if stage.granted():
        stage.runs_out()


def changed_by_hand(stage: Stage) -> None:
    """Somebody who can write the database gives Rita a longer time."""
    stage.people.asked()
    stage.people.approve("olga")
    stage.granted()
    stage.world.is_tampered = True
    with closing(sqlite3.connect(stage.world.database, timeout=10)) as file, file:
        file.execute(
            "update access_grant set version = version + 1,"
            " expires_at = datetime(expires_at, '+10 days'),"
            " due_at = datetime(expires_at, '+10 days')"
        )
    stage.world.jump(GRANTED_FOR + 1)
    stage.gone()


def removed_outside(stage: Stage) -> None:
    """An administrator removes Rita herself: her grant has ended."""
    stage.people.asked()
    stage.people.approve("olga")
    if stage.granted():
        stage.world.okta.remove_member(GROUP, login("rita"))
    stage.world.wait_for(
        lambda: (
            stage.people.sees("rita", ENDED, NOT_GIVEN, DENIED) or _came_late(stage)
        ),
        "I8",
        "rita is told that it has ended",
    )
    if _came_late(stage):
        stage.runs_out()


def _came_late(stage: Stage) -> bool:
    """Tell whether an add of ours that came late made Rita a member once more."""
    return (
        any(
            call.fault == "late" and call.method == "PUT" and call.actual_change
            for call in stage.world.okta.journal
        )
        and stage.is_member()
    )


def hidden_for_a_while(stage: Stage) -> None:
    """The app's role is narrowed, so that Okta shows it less: that ends nothing."""
    world, people = stage.world, stage.people
    people.asked()
    people.approve("olga")
    if stage.granted():
        world.show_only("Engineering", "owners", "others", "temporary")
        before = world.reads_of("rita")
        _until_it_looked(stage, before + 3)
        if world.is_inferred():
            raise Broken("listing", "a listing that shows less ended a grant")
        world.show_only()
    stage.runs_out()


def listings_fail(stage: Stage) -> None:
    """Listings of memberships fail in each way there is: that ends nothing."""
    world, people = stage.world, stage.people
    people.asked()
    people.approve("olga")
    if not stage.granted():
        return
    for kind in ("500", "403", "404", "html"):
        before = world.reads_of("rita")
        world.okta.fail(LISTINGS, kind, times=None)
        _until_it_looked(stage, before + 2)
        if world.is_inferred():
            raise Broken("listing", f"a listing answered {kind} ended a grant")
        world.okta.mend()
    stage.runs_out()


def _until_it_looked(stage: Stage, reads: int) -> None:
    """Wait until Rita's groups were read more often than that, or she holds nothing."""
    world = stage.world
    world.wait_for(
        lambda: world.reads_of("rita") > reads or not world.is_held(),
        "I10",
        "it looks",
    )


def account_suspended(stage: Stage) -> None:
    """Some time after her last access Rita's account is suspended."""
    _account_ends(stage, "suspend", "SUSPENDED")


def account_deactivated(stage: Stage) -> None:
    """Some time after her last access Rita's account is deactivated."""
    _account_ends(stage, "deactivate", "DEPROVISIONED")


def account_ended(stage: Stage) -> None:
    """Some time after her last access Rita's account is deleted, once."""
    _account_ends(stage, "delete", "")


def person_forgotten(stage: Stage) -> None:
    """Some time after her last access Rita is forgotten, and asks as if anew."""
    world, people = stage.world, stage.people
    people.asked()
    people.approve("olga")
    if not stage.granted():
        return
    people.give_back()
    stage.gone()
    world.jump(GRANTED_FOR + 1)
    world.wait_for(lambda: not world.is_kept("rita"), "I12", "she is forgotten")
    people.asked()
    people.approve("olga")
    stage.given_anew()
    stage.runs_out()


def account_spared(stage: Stage) -> None:
    """An administrator removes Rita herself: that is no reason to end her account."""
    world, people = stage.world, stage.people
    people.asked()
    people.approve("olga")
    if not stage.granted():
        return
    world.okta.remove_member(GROUP, login("rita"))
    people.told("I8", "rita", ENDED)
    if not world.is_inferred():
        return  # its time came first: that end is proven
    world.jump(NOTICE + 61)
    passes = time.monotonic() + 3  # of a job that has nothing to do, and shows nothing
    world.wait_for(
        lambda: time.monotonic() > passes or people.sees("ivan", "the Okta account"),
        "I12",
        "clean-up has looked",
    )
    if people.sees("ivan", "the Okta account"):
        raise Broken("I12", "an account is to be ended on an end that was inferred")


def _account_ends(stage: Stage, verb: str, status: str) -> None:
    """Let Rita's account be ended; `status` is what it is then, nothing once gone."""
    world, people = stage.world, stage.people
    people.asked()
    people.approve("olga")
    had_it = stage.granted()
    if had_it:
        people.give_back()
    stage.gone()
    if not had_it:
        return
    world.jump(GRANTED_FOR + 1)  # until nothing of ours can land any more
    people.told("I12", "ivan", f"I will {verb} the Okta account")
    world.wait_for(lambda: world.is_written("clean-up notice delivered"), "I12", "seen")
    if world.okta.status(login("rita")) != "ACTIVE":
        raise Broken("I12", "an account was ended before its time")
    world.jump(NOTICE + 1)
    world.wait_for(
        lambda: (
            world.okta.status(login("rita")) == status
            or people.sees("ivan", "as it is")
        ),
        "I12",
        "the account is ended, or its owner is told why not",
    )


def key_changed(stage: Stage) -> None:
    """The key of the app is changed while somebody asks, and the old one goes."""
    world, people = stage.world, stage.people
    old = world.kid()
    people.asked()
    world.jump(61)
    world.wait_for(lambda: world.kid() != old, "I11", "the key is changed")
    people.approve("olga")
    world.jump(73)
    world.wait_for(
        lambda: world.okta.app_keys(world.client_id) == {world.kid(): True},
        "I11",
        "the old key is gone",
    )
    if stage.granted():
        stage.runs_out()


def key_published(stage: Stage) -> None:
    """Okta reads the next key where the bot publishes it, a day ahead."""
    world, people = stage.world, stage.people
    people.asked()
    world.wait_for(world.published, "I11", "the key is published")
    old = world.kid()
    world.jump(PUBLISHED_AFTER)
    world.wait_for(lambda: len(world.published()) == 2, "I11", "both are published")
    world.wait_for(world.next_key_counts, "I11", "its day has begun")
    _okta_reads(stage)
    world.jump(DAY + 1)
    world.wait_for(lambda: world.kid() != old, "I11", "the key is changed")
    _old_key_goes(stage)


def key_reminded(stage: Stage) -> None:
    """The owner is reminded of the key, and pastes the next one into Okta."""
    world, people = stage.world, stage.people
    people.asked()
    world.wait_for(world.published, "I11", "the key was looked at")
    old = world.kid()
    world.jump(REMINDED_AFTER)
    told = people.told("I11", "ivan", "is to be changed by")
    pasted = json.loads(told.text[told.text.index("{") : told.text.rindex("}") + 1])
    world.okta.fetch_keys(world.client_id, {"keys": [*world.published()[:1], pasted]})
    world.wait_for(lambda: world.kid() == pasted["kid"], "I11", "the key is changed")
    assert old != world.kid()
    _old_key_goes(stage)


def _old_key_goes(stage: Stage) -> None:
    """Let the key before be dropped, here and in Okta, while somebody asks."""
    world, people = stage.world, stage.people
    people.approve("olga")
    world.jump(2 * 73)  # an hour, also for a bot whose clock was set back by one
    world.wait_for(
        lambda: (
            [key["kid"] for key in world.published()][:1] == [world.kid()]
            and "key_before" not in world.credentials.read_text()
        ),
        "I11",
        "the old key is dropped",
    )
    _okta_reads(stage)
    if stage.granted():
        stage.runs_out()


def _okta_reads(stage: Stage) -> None:
    """Let Okta read the keys that are published."""
    world = stage.world
    world.okta.fetch_keys(world.client_id, {"keys": world.published()})


def restored(stage: Stage) -> None:
    """An old copy is put back, which does not know what Rita was given since."""
    world, people = stage.world, stage.people
    world.wait_for(world.has_begun, "I10", "it has begun")
    copy = world.copy()
    people.asked()
    people.approve("olga")
    if not stage.granted():
        return
    world.wait_for(lambda: world.is_ahead(copy), "I9", "the newest head is published")
    world.put_back(copy)
    try:
        world.command("run")
    except TimeoutError:
        raise Broken("I9", "an old copy runs as if nothing had been") from None
    world.wait_for(
        lambda: world.command("recover", "--remove", "--reason", "restored"),
        "I6",
        "what no row explains is taken back",
    )
    stage.gone()
    world.rise()
    people.asked()
    people.approve("olga")
    stage.given_anew()
    stage.runs_out()


LISTINGS = "GET .*/(users/[^/]+/groups|groups/[^/]+/users)"
PUBLISHED_AFTER, REMINDED_AFTER = 1300.0, 6000.0
"""Seconds until a day before the first, and fourteen days before the second, is due."""

CLEANUP = (
    "user_cleanup: {{{{after: 60s, action: {}, credentials: "
    "file:{{second}}, only_members_of: [{{{{group: temporary}}}}]}}}}"
)

SETTINGS: Mapping[str, Setting] = {
    "two_approve_one_step": Setting(flow="approval: [{any_of: [owner], approvals: 2}]"),
    "extended_at_the_end": Setting(
        flow="extensions: {max: 1, each: 72s, approval: automatic}"
    ),
    "removed_outside": Setting(often=("reconcile", "absent")),
    "hidden_for_a_while": Setting(often=("reconcile", "absent")),
    "listings_fail": Setting(often=("reconcile", "absent")),
    "account_suspended": Setting(
        integration=CLEANUP.format("suspend"), often=("clean_up",)
    ),
    "account_deactivated": Setting(
        integration=CLEANUP.format("deactivate"), often=("clean_up",)
    ),
    "account_ended": Setting(integration=CLEANUP.format("delete"), often=("clean_up",)),
    "person_forgotten": Setting(
        integration="user_cleanup: {{after: 60s, action: forget}}", often=("clean_up",)
    ),
    "account_spared": Setting(
        integration=CLEANUP.format("delete"), often=("reconcile", "absent", "clean_up")
    ),
    "key_changed": Setting(
        integration=(
            "credential_rotation: {{every: 60s, mode: automatic, "
            "accept_super_admin: true}}"
        ),
        often=("rotate",),
        scopes=("okta.groups.manage", "okta.users.read", "okta.apps.manage"),
        role="SUPER_ADMIN",
    ),
    "key_published": Setting(
        integration="credential_rotation: {{every: 3000s, mode: jwks_uri}}",
        often=("rotate",),
    ),
    "key_reminded": Setting(
        integration="credential_rotation: {{every: 30000s, mode: remind}}",
        often=("rotate",),
    ),
    "restored": Setting(
        scopes=("okta.groups.manage", "okta.users.read", "okta.logs.read"),
        role="ORG_ADMIN",
        often=("anchor",),
    ),
}
"""What is otherwise in a scenario than in the others."""

LIVED_AS: Mapping[str, str] = {
    "person_forgotten": "account_ended",
    "account_suspended": "account_ended",
    "account_deactivated": "account_ended",
}
"""Which scenario another is the same as, until the last thing that is done."""

SCENARIOS: Mapping[str, Callable[[Stage], None]] = {
    each.__name__: each
    for each in (
        plain_life,
        denied,
        lapsed,
        asked_again,
        standing_member,
        given_back_while_granting,
        owner_changed,
        two_answer_at_once,
        two_approve_one_step,
        extended_at_the_end,
        reloaded,
        changed_by_hand,
        removed_outside,
        hidden_for_a_while,
        listings_fail,
        account_suspended,
        account_deactivated,
        account_ended,
        person_forgotten,
        account_spared,
        key_changed,
        key_published,
        key_reminded,
        restored,
    )
}
