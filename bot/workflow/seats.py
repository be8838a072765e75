"""Who is to be asked for a step of an approval, as Okta names them now.

Each entry of a step is a seat: the people who may answer it. A step none of
whose people can answer goes up the owner ladder.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.core.catalogue import Step, Tier
from bot.core.owners import Nobody, Route, Rung
from bot.core.words import Group, Person, Refused
from bot.store import directory
from bot.store.tables import AccessRequest
from bot.workflow.notices import tell
from bot.workflow.reading import Found, Matter, Office, read_ladder, read_route


@dataclass(frozen=True, kw_only=True)
class Seating:
    """The seats of a step in order, and where its people are in Slack."""

    seats: tuple[Route, ...] = ()
    slack_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def people(self) -> tuple[Person, ...]:
        """Everyone who may answer, each once."""
        found = {person.id: person for seat in self.seats for person in seat.people}
        return tuple(found.values())

    def with_(self, found: Found) -> "Seating":
        """Return this with one seat more."""
        route, slack_ids = found
        return Seating(
            seats=(*self.seats, route), slack_ids={**self.slack_ids, **slack_ids}
        )


async def read_step(
    office: Office, step: Step, matter: Matter, now: datetime
) -> Seating | Refused:
    """Return who is to be asked for `step` now, enough of them to answer it."""
    if step.all_of:
        return await _read_each(office, step.all_of, matter, now)
    seating, refused = await _read_some(office, step.any_of, matter, now)
    if len(seating.people) >= step.approvals:
        return seating
    if refused is not None and not isinstance(refused, Nobody):
        return refused
    above = await read_ladder(office, matter, now)
    if isinstance(above, Refused):
        return above if seating.seats else (refused or above)
    seating = seating.with_(above)
    if len(seating.people) >= step.approvals:
        return seating
    return Nobody(
        f"{step.approvals} people must approve this, and only "
        f"{len(seating.people)} can be asked."
    )


async def read_tier(
    office: Office, tier: Tier, matter: Matter, now: datetime
) -> Seating:
    """Return who else is asked by a tier; nobody where it names nobody who can."""
    return (await _read_some(office, tier.to, matter, now))[0]


def seats_of(routing: Mapping[str, Any]) -> list[Rung]:
    """Return the seats that a request was put to, those of tiers last."""
    kept = routing.get("seats") or [routing]
    return [
        Rung(
            name=seat.get("rung", ""),
            users=frozenset(seat.get("users", ())),
            groups=frozenset(seat.get("groups", ())),
        )
        for seat in kept
    ]


def step_of(routing: Mapping[str, Any]) -> Step:
    """Return the step that a request is put to."""
    return Step.model_validate(routing.get("asks") or {"any_of": ["owner"]})


def matter(request: AccessRequest, group: Group, grantee: Person) -> Matter:
    """Return what `request` asks for, as its approvers are looked for."""
    own = request.terms.get("own", False)
    asking = frozenset({request.requester_id, request.grantee_id})
    return Matter(
        group=group, grantee=grantee, apart_from=frozenset() if own else asking
    )


async def is_seated(office: Office, request: AccessRequest, now: datetime) -> bool:
    """Read whether the step that `request` is put to is still its people's.

    NB. For an extension, after which nothing is read any more. What makes an owner
    may have changed in Okta with no text of the group changed.
    """
    read = office.database.read
    group = await read(directory.group, office.name, request.group_id)
    grantee = await read(directory.person, office.name, request.grantee_id)
    if group is None or grantee is None:
        return False
    about = matter(request, group, grantee)
    found = await read_step(office, step_of(request.routing), about, now)
    if isinstance(found, Refused):
        return False
    fresh = [seat.rung for seat in found.seats]
    kept = seats_of(request.routing)[: len(fresh)]
    return [*map(_named, fresh)] == [*map(_named, kept)]


def _named(rung: Rung) -> tuple[str, frozenset[str], frozenset[str]]:
    return rung.name, rung.users, rung.groups


def seat_kept(seat: Route) -> Mapping[str, Any]:
    """Return what is kept of one seat."""
    return {
        "rung": seat.rung.name,
        "users": sorted(seat.rung.users),
        "groups": sorted(seat.rung.groups),
        "people": [person.id for person in seat.people],
    }


def send_cards(
    session: Session, request: AccessRequest, found: Seating, now: datetime
) -> None:
    """Make a card for each of those to be told, or one for the flow's channel."""
    channel = request.terms.get("channel")
    if channel:
        key = f"card:{request.id}:{channel}"
        tell(session, "card", channel, key=key, now=now, request=request)
        return
    for person in found.people[: request.terms.get("told", len(found.people))]:
        slack_id = found.slack_ids[person.id]
        key = f"card:{request.id}:{slack_id}"
        tell(session, "card", slack_id, key=key, now=now, request=request)


async def _read_each(
    office: Office, entries: Iterable[object], matter: Matter, now: datetime
) -> Seating | Refused:
    """Return a seat for each entry; one that names nobody goes up the ladder."""
    seating = Seating()
    for entry in entries:
        found = await read_route(office, entry, matter, now)
        if isinstance(found, Nobody):
            found = await read_ladder(office, matter, now)
        if isinstance(found, Refused):
            return found
        seating = seating.with_(found)
    return seating


async def _read_some(
    office: Office, entries: Iterable[object], matter: Matter, now: datetime
) -> tuple[Seating, Refused | None]:
    """Return the seats of those entries that name somebody, and why one did not.

    One that cannot be told outweighs one that names nobody.
    """
    seating, refused = Seating(), None
    for entry in entries:
        found = await read_route(office, entry, matter, now)
        if not isinstance(found, Refused):
            seating = seating.with_(found)
        elif refused is None or not isinstance(found, Nobody):
            refused = found
    return seating, refused
