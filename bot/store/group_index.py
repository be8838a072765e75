"""Where groups are looked for: by beginning, by trigrams, and by what changed.

It gives numbers and groups, in no order of use to anyone, and decides nothing:
who may see what is not known here. SQLite finds text by its FTS5 trigrams;
PostgreSQL by pg_trgm, or by looking at each where it is not installed.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    String,
    and_,
    bindparam,
    func,
    or_,
    select,
    text,
)
from sqlmodel import Session, col

from bot.core.words import Group
from bot.store.tables import GroupIndex, OktaGroup

TRIGRAM = 3
"""Shorter text is in no trigram."""

LAST = "\U0010ffff"
"""No name goes on with it: it ends the range of those that begin alike."""

TEXT_HOLDS = MappingProxyType(
    {
        "name": text("select rowid from group_name where group_name match :sought"),
        "description": text(
            "select rowid from group_description where group_description match :sought"
        ),
    }
)
"""How FTS5 finds the numbers of groups whose text holds another."""

MOST_AT_ONCE = 500
"""How many rows are asked for by number in one query."""

Column = Literal["name", "description"]


@dataclass(frozen=True)
class Change:
    """A group as it is since `stamp`: None when it is gone, else without profile."""

    stamp: int
    number: int
    group: Group | None


@dataclass(frozen=True)
class Text:
    """What a group is found by."""

    number: int
    name: str
    description: str


def changes_since(session: Session, integration: str, stamp: int) -> Iterator[Change]:
    """Give the groups that changed after `stamp`, in the order they did; 0 for all."""
    changed = _rows(session, _changes(), integration=integration, since=stamp)
    for at, number, gone, id_, name, type_, admin, managed, feeds in changed:
        group = Group(
            id=id_,
            name=name,
            type=type_,
            carries_admin_role=admin,
            rule_managed=managed,
            feeds_rule=feeds,
        )
        yield Change(at, number, None if gone else group)


def beginning_with(session: Session, integration: str, begins: str) -> Iterator[int]:
    """Give the numbers of groups whose name begins so, by name.

    Letter case is not minded in A to Z.
    """
    begun = _begun(on_sqlite=_is_sqlite(session))
    range_ = {"first": begins, "last": begins + LAST}
    return _numbers(session, begun, integration=integration, **range_)


def holding(
    session: Session, *needed: Iterable[str], column: Column = "name"
) -> Iterator[int]:
    """Give the numbers of groups whose text holds one of each of `needed`.

    Letter case is not minded. They are of any integration. Text shorter than a
    trigram is held by none.
    """
    parts = [[each for each in some if len(each) >= TRIGRAM] for some in needed]
    if not all(parts):
        return iter(())
    if _is_sqlite(session):
        return _numbers(session, TEXT_HOLDS[column], sought=_match(parts))
    return _numbers(session, _likes(column, parts))


def texts(session: Session, numbers: Sequence[int]) -> Iterator[Text]:
    """Give what the groups with these numbers are found by, in no order."""
    for some in _some_at_once(numbers):
        yield from (Text(*row) for row in _rows(session, _texts(), numbers=some))


def groups(session: Session, numbers: Sequence[int]) -> Iterator[Group]:
    """Give the groups with these numbers, whole and in this order, less those gone."""
    for some in _some_at_once(numbers):
        rows = _rows(session, _whole(), numbers=some)
        found = {number: group for number, *group in rows}
        yield from (_group(*found[number]) for number in some if number in found)


def _group(
    id_: str,
    name: str,
    description: str,
    type_: str,
    profile: dict[str, Any],
    admin: bool | None,
    managed: bool | None,
    feeds: bool | None,
    read_at: datetime,
) -> Group:
    return Group(
        id=id_,
        name=name,
        description=description,
        type=type_,
        profile=profile,
        carries_admin_role=admin,
        rule_managed=managed,
        feeds_rule=feeds,
        read_at=read_at,
    )


# Each question is put together once: that takes longer than to answer it.


@cache
def _changes() -> Select[Any]:
    changed = _joined(
        col(GroupIndex.stamp),
        col(GroupIndex.number),
        col(OktaGroup.gone_at).is_not(None),
        col(OktaGroup.id),
        col(OktaGroup.name),
        col(OktaGroup.type),
        col(OktaGroup.carries_admin_role),
        col(OktaGroup.rule_managed),
        col(OktaGroup.feeds_rule),
    )
    return changed.where(
        col(GroupIndex.integration) == bindparam("integration"),
        col(GroupIndex.stamp) > bindparam("since"),
    ).order_by(col(GroupIndex.stamp))


@cache
def _begun(*, on_sqlite: bool) -> Select[Any]:
    name: Any = col(GroupIndex.name)
    first: Any = bindparam("first", type_=String)
    last: Any = bindparam("last", type_=String)
    if not on_sqlite:
        name = func.lower(name).collate("C")
        first, last = func.lower(first), func.lower(last)
    return (
        select(col(GroupIndex.number))
        .where(
            col(GroupIndex.integration) == bindparam("integration"),
            name >= first,
            name < last,
        )
        .order_by(name)
    )


@cache
def _texts() -> Select[Any]:
    found: tuple[Any, ...] = (
        GroupIndex.number,
        GroupIndex.name,
        GroupIndex.description,
    )
    return select(*map(col, found)).where(_numbered())


@cache
def _whole() -> Select[Any]:
    fields: tuple[Any, ...] = (
        GroupIndex.number,
        OktaGroup.id,
        OktaGroup.name,
        OktaGroup.description,
        OktaGroup.type,
        OktaGroup.profile,
        OktaGroup.carries_admin_role,
        OktaGroup.rule_managed,
        OktaGroup.feeds_rule,
        OktaGroup.read_at,
    )
    there = col(OktaGroup.gone_at).is_(None)
    return _joined(*map(col, fields)).where(_numbered(), there)


def _numbered() -> ColumnElement[bool]:
    return col(GroupIndex.number).in_(bindparam("numbers", expanding=True))


def _joined(*columns: Any) -> Select[Any]:
    """Return a query of the index with the row of each group beside it."""
    same = and_(
        col(OktaGroup.integration) == GroupIndex.integration,
        col(OktaGroup.id) == GroupIndex.group_id,
    )
    return select(*columns).select_from(GroupIndex).join(OktaGroup, same)


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _match(parts: Sequence[Sequence[str]]) -> str:
    """Return what FTS5 is asked for text that holds one of each of `parts`."""
    return " AND ".join(f"({' OR '.join(map(_phrase, some))})" for some in parts)


def _likes(column: Column, parts: Sequence[Sequence[str]]) -> Select[Any]:
    """Return the same question in patterns, which a trigram index answers."""
    found = col(getattr(GroupIndex, column))
    holds = [
        or_(*(found.icontains(each, autoescape=True) for each in some))
        for some in parts
    ]
    return select(col(GroupIndex.number)).where(*holds)


def _phrase(sought: str) -> str:
    """Return `sought` as a phrase of FTS5, in which nothing is an operator."""
    return '"' + sought.replace('"', '""').replace("\0", "") + '"'


def _some_at_once(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(numbers), MOST_AT_ONCE):
        yield numbers[at : at + MOST_AT_ONCE]


def _numbers(session: Session, query: Executable, **values: object) -> Iterator[int]:
    """Give numbers as they are asked for, from the driver: there may be many."""
    with closing(session.connection().execute(query, values)) as found:
        while found.cursor and (some := found.cursor.fetchmany(MOST_AT_ONCE)):
            yield from (number for (number,) in some)


def _rows(session: Session, query: Executable, **values: object) -> Iterator[Any]:
    """Give rows as they are asked for: who has enough asks no further."""
    with closing(session.connection().execute(query, values)) as found:
        yield from found
