"""The access flows of access.yaml: who asks for what, how long, who answers."""

from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from bot.core.catalogue.fields import (
    ChannelId,
    Count,
    IntegrationName,
    Length,
    Line,
    Longest,
    Switch,
    TextPattern,
    TimeOfDay,
    TimeZone,
    Whole,
    compile_pattern,
)
from bot.core.catalogue.groups import GroupRule
from bot.core.catalogue.people import (
    Answering,
    GroupSelector,
    Manager,
    Owner,
    PeopleRule,
    UserSelector,
    Value,
)
from bot.core.catalogue.problems import wrong
from bot.core.durations import LONGEST, say_duration

DEFAULT = timedelta(hours=1)
MAX = timedelta(hours=8)
CHOICES = (timedelta(minutes=30), DEFAULT, timedelta(hours=4), MAX)
MOST_CHOICES = 100  # Slack: at most 100 options in a select menu
MOST_TIERS = 5
AUTOMATIC = "automatic"

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _usual(data: dict[str, Any]) -> timedelta:
    most: timedelta = data["max"]
    return min(DEFAULT, most)


def _usual_choices(data: dict[str, Any]) -> tuple[timedelta, ...]:
    most: timedelta = data["max"]
    return tuple(choice for choice in CHOICES if choice <= most) or (most,)


class DurationRule(Value):
    """How long a grant may last."""

    # `max` stands first: the others are measured against it.
    max: Longest = MAX
    """The longest that may be asked for; indefinite sets no limit but ten years."""
    default: Length = Field(default_factory=_usual)
    """What is offered first."""
    choices: tuple[Longest, ...] = Field(
        default_factory=_usual_choices, min_length=1, max_length=MOST_CHOICES
    )
    """What is offered."""

    @field_validator("default")
    @classmethod
    def _within_max(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        if value > info.data.get("max", value):
            raise _longer(value, info.data["max"])
        return value

    @field_validator("choices")
    @classmethod
    def _all_within_max(cls, value: tuple[timedelta, ...], info: ValidationInfo) -> Any:
        faults = [
            InitErrorDetails(type=fault, loc=(at,), input=choice)
            for at, choice in enumerate(value)
            if (fault := _choice_fault(value[:at], choice, info.data.get("max")))
        ]
        if faults:
            raise ValidationError.from_exception_data("choices", faults)
        return value


def _choice_fault(
    earlier: tuple[timedelta, ...], choice: timedelta, most: timedelta | None
) -> PydanticCustomError | None:
    if choice in earlier:
        return wrong("This choice is there already.", found=say_duration(choice))
    if most is not None and choice > most:
        return _longer(choice, most)
    return None


def _longer(length: timedelta, most: timedelta) -> PydanticCustomError:
    return wrong(
        "This is longer than the maximum.",
        found=say_duration(length),
        expected=f"at most {say_duration(most)}",
    )


class JustificationRule(Value):
    """What a person must say to be given access."""

    required: Switch = True
    """Whether something must be said at all."""
    pattern: TextPattern | None = None
    """A regular expression (RE2) that must be found in what is said."""
    hint: Line | None = None
    """Shown under the field."""

    def fits(self, text: str) -> bool:
        """Tell whether `text` is enough. The pattern may match anywhere in it."""
        if not text.strip():
            return not self.required
        return not self.pattern or bool(compile_pattern(self.pattern).search(text))


class Tier(Value):
    """Who is asked too when nobody has answered for a while."""

    after: Length
    """How long after the step was put to its people."""
    to: tuple[Answering, ...] = Field(min_length=1)
    """Who is asked then. Those asked before keep their say."""


class Step(Value):
    """One step of an approval: who may answer it, and how many must."""

    any_of: tuple[Answering, ...] = Field(default=(), min_length=1)
    """Any of these may answer."""
    all_of: tuple[Answering, ...] = Field(default=(), min_length=1)
    """One of each of these must, and each is a different person."""
    approvals: Count = 1
    """How many different people of any_of must approve."""
    escalate: tuple[Tier, ...] = Field(default=(), max_length=MOST_TIERS)
    """Who is asked too, and when. At most 5 tiers."""

    @model_validator(mode="after")
    def _asks_one_way(self) -> Self:
        if bool(self.any_of) == bool(self.all_of):
            message = "A step names who answers in one way."
            found = "both" if self.any_of else "neither"
            raise wrong(message, found=found, expected="any_of or all_of")
        if self.all_of and self.approvals > 1:
            message = "all_of asks one of each already."
            raise wrong(message, found="approvals", expected="any_of beside approvals")
        return self

    @field_validator("escalate")
    @classmethod
    def _soonest_first(cls, value: tuple[Tier, ...]) -> tuple[Tier, ...]:
        return tuple(sorted(value, key=lambda tier: tier.after))

    @property
    def entries(self) -> tuple[Any, ...]:
        """Who may answer, tiers aside, as the file names them."""
        return self.any_of or self.all_of

    @property
    def named(self) -> tuple[Any, ...]:
        """Whoever may answer at some time, as the file names them."""
        later = [each for tier in self.escalate for each in tier.to]
        return (*self.entries, *later)


def say_step(step: Step) -> str:
    """Return who answers a step, tiers aside, in words of plain text."""
    if step.all_of:
        return " and ".join(map(say_answering, step.all_of))
    count = f"{step.approvals} of " if step.approvals > 1 else ""
    return f"{count}{' or '.join(map(say_answering, step.any_of))}"


def say_answering(entry: object) -> str:
    """Return one entry of a step, as the file names it, in words of plain text."""
    match entry:
        case Owner():
            return "whoever owns the group"
        case Manager():
            return "the manager"
        case GroupSelector(group=name):
            return f"somebody of {name}"
        case UserSelector(user=login):
            return login
    return "an approver"


class Budget(Value):
    """How often something happens at most."""

    times: Count
    """So many times."""
    per: Length
    """Within this."""


class AutomaticRule(Value):
    """When a request is approved by rule and nobody is asked."""

    duration_at_most: Length | None = None
    """Only what is asked for no longer than this."""
    requesters: PeopleRule | None = None
    """Only what these ask for. A membership that the bot gave does not count."""
    at_most: Budget | None = None
    """Only so often for each person; after that the steps are asked."""


class ExtensionRule(Value):
    """How a grant is made longer before it ends."""

    max: Whole = 2
    """How often; 0 turns it off."""
    each: Length = timedelta(hours=1)
    """By how much."""
    approval: Literal["same", "automatic"] = "same"
    """Who answers: the same steps, or nobody."""


class Timeframe(Value):
    """When asking is possible, on the clock of a place, its summer time included."""

    days: tuple[Day, ...] = Field(default=DAYS, min_length=1)
    """Days of the week, by their first three letters."""
    since: TimeOfDay = Field(default=time(0), alias="from")
    """From this time of the day on."""
    until: TimeOfDay | None = Field(default=None, alias="to")
    """Before this one; past midnight where it is the earlier of the two."""
    time_zone: TimeZone
    """The place, such as Europe/Paris."""

    def holds(self, now: datetime) -> bool:
        """Tell whether `now` is within, as clocks at the place show it.

        The night of a frame that passes midnight belongs to the day it began on.
        """
        local = now.astimezone(ZoneInfo(self.time_zone))
        at, day = local.time(), DAYS[local.weekday()]
        if self.until is None or self.since < self.until:
            within = at >= self.since and (self.until is None or at < self.until)
            return within and day in self.days
        before = DAYS[local.weekday() - 1]
        return (at >= self.since and day in self.days) or (
            at < self.until and before in self.days
        )

    def __str__(self) -> str:
        until = f" to {self.until:%H:%M}" if self.until else ""
        days = "every day" if self.days == DAYS else ", ".join(self.days)
        return f"{days}, {self.since:%H:%M}{until} ({self.time_zone})"


class NotifyRule(Value):
    """Who is told of a request."""

    at_most: Count = 8
    """So many people get a card. All who may answer still may."""


def _read_approval(value: Any) -> Any:
    if value == AUTOMATIC:
        return ()
    if isinstance(value, list | tuple) and not value:
        message = "This list is empty."
        raise wrong(message, expected="a step, or the word automatic")
    return value


RequestFor = Literal["self", "others", "direct_reports"]


class Flow(Value):
    """An access flow: who may ask for which groups, for how long, who answers."""

    name: Line
    """Its name, shown to people and kept in the audit."""
    integration: IntegrationName
    """The integration whose groups it is about."""
    requesters: PeopleRule
    """Who may ask."""
    grantees: PeopleRule | None = None
    """Who may hold it; the same as may ask when left out."""
    request_for: tuple[RequestFor, ...] = Field(default=("self",), min_length=1)
    """For whom: self, others, direct_reports."""
    groups: GroupRule
    """What may be asked for."""
    duration: DurationRule = DurationRule()
    """For how long."""
    justification: JustificationRule = JustificationRule()
    """What must be said."""
    approval: Annotated[
        tuple[Step, ...],
        BeforeValidator(_read_approval),
    ] = (Step(any_of=(Owner(),)),)
    """Who answers, step by step; or the word automatic."""
    automatic_when: AutomaticRule | None = None
    """When nobody is asked."""
    authority: Literal["refuse", "allow"] = "refuse"
    """Whether groups that decide who approves may be asked for."""
    approver_reason: Literal["optional", "required"] = "optional"
    """Whether who approves must say why."""
    requester_may_approve: Switch = False
    """Whether who asks may answer too, where they are among the approvers."""
    confirm: Switch = False
    """Whether Approve asks a second time."""
    extensions: ExtensionRule = ExtensionRule()
    """How a grant is made longer."""
    lapse_after: Length = timedelta(hours=24)
    """When a request nobody answered ends, and an approved one stops waiting."""
    remind_every: Length = timedelta(hours=4)
    """How often those who have not answered are reminded, within their day."""
    warn_before: tuple[Length, ...] = Field(
        default=(timedelta(days=1), timedelta(minutes=15)), min_length=1
    )
    """How long before the end the person is warned. Kept longest first."""
    timeframe: Timeframe | None = None
    """When asking is possible. Always when left out."""
    channel: ChannelId | None = None
    """The Slack channel that gets the card instead of each approver."""
    notify: NotifyRule = NotifyRule()
    """How many are told of a request."""
    labels: tuple[Line, ...] = ()
    """Words shown with each request."""

    @property
    def is_automatic(self) -> bool:
        """Whether nobody is ever asked."""
        return not self.approval

    @field_validator("warn_before")
    @classmethod
    def _longest_first(cls, value: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
        return tuple(sorted(set(value), reverse=True))

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.duration.max >= LONGEST and (self.is_automatic or self.automatic_when):
            message = "What nobody approves must end."
            raise wrong(message, found="indefinite", expected="a duration.max")
        return self
