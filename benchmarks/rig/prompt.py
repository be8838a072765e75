"""An org that answers at once, however many people it has."""

from collections.abc import Iterable

from bot.core.words import Person
from tests.slack.org import Org


class PromptOrg(Org):
    """The org in memory, that finds people by their id alone."""

    def hold(self, group: str, people: Iterable[str]) -> None:
        """Make `people` who are so named, and members of `group`."""
        for name in people:
            self.people[name] = Person(
                id=name,
                login=f"{name}@example.com",
                email=f"{name}@example.com",
                name=name,
                status="ACTIVE",
            )
            self.memberships.setdefault(group, set()).add(name)

    async def person(self, id_or_login: str) -> Person | None:
        """Return who has this id."""
        return self.people.get(id_or_login)
