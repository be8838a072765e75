"""The kinds of text that stand in access.yaml, each with its check.

Every value arrives as the text that was written; a kind says what it must look
like and what it becomes. Nothing here knows which key it stands under.
"""

import re
from datetime import time, timedelta
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

import re2
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from bot.core.catalogue.problems import harmless, nearest_word, wrong
from bot.core.durations import EXAMPLES, LONGEST, SHAPE, parse_duration

INDEFINITE = "indefinite"
KEEPING = "a duration such as 30d, or 36 months"
LONGEST_LINE = 255
LONGEST_PATTERN = 500
MOST_DETAILS = 400

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_ADMIN_HOST = re.compile(r"(.+)-admin(\.okta[a-z-]*\.[a-z.]+)")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SECRET_KINDS = (
    *("env", "file", "aws-secretsmanager", "gcp-secretmanager", "azure-keyvault"),
    *("vault", "kubernetes"),
)
"""Where a secret can be, as its reference begins."""


def read_switch(value: Any) -> Any:
    """Return True or False for the words true and false; all else is wrong."""
    words = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value not in words:
        raise wrong("This is neither true nor false.", expected="true or false")
    return words[value]


def read_whole(value: Any) -> Any:
    """Return the whole number that was written."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise wrong("This is not a whole number.", expected="digits only")


def read_length(value: Any) -> timedelta:
    """Return the length of time that was written, always more than nothing."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise wrong("This is not a duration.", expected=EXAMPLES)
    try:
        return parse_duration(value)
    except ValueError as error:
        raise wrong(str(error), expected=EXAMPLES) from error


def read_count(value: Any) -> Any:
    """Return the whole number that was written, at least one."""
    count = read_whole(value)
    if count < 1:
        raise wrong("This is less than one.", expected="1 or more")
    return count


def read_share(value: Any) -> Any:
    """Return the part of a whole that was written in per cent."""
    if isinstance(value, float):
        return value
    if not isinstance(value, str) or not re.fullmatch("[0-9]{1,3}%", value):
        raise wrong("This is not a share.", expected="per cent, such as 10%")
    return int(value[:-1]) / 100


def read_longest(value: Any) -> Any:
    """Return the length of time that was written, or the longest there is.

    `indefinite` sets no limit of its own: ten years is as long as any.
    """
    return LONGEST if value == INDEFINITE else read_length(value)


def read_keeping(value: Any) -> Any:
    """Return how long something is kept: a duration, or months or years."""
    found = re.fullmatch("([0-9]{1,4}) (month|year)s?", str(value))
    if not found:
        return read_length(value)
    days = int(found[1]) * (365 if found[2] == "year" else 30)
    if not 0 < days <= LONGEST.days * 3:
        raise wrong("This is not how long something is kept.", expected=KEEPING)
    return timedelta(days=days)


def read_time(value: Any) -> Any:
    """Return the time of a day that was written, such as 08:00."""
    if isinstance(value, time):
        return value
    found = re.fullmatch("([01][0-9]|2[0-3]):([0-5][0-9])", str(value))
    if not found:
        raise wrong("This is not a time of the day.", expected="a time such as 08:00")
    return time(int(found[1]), int(found[2]))


def time_zone(text: str) -> str:
    """Return the name of a time zone that is known, such as Europe/Paris."""
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError) as error:
        raise wrong(
            "This time zone is not known.",
            expected="a name such as Europe/Paris",
            nearest=nearest_word(text, available_timezones()),
        ) from error
    return text


def channel_id(text: str) -> str:
    """Return the id of a Slack channel."""
    if not re.fullmatch("[CG][A-Z0-9]{2,20}", text):
        raise wrong(
            "This is not the id of a channel.",
            expected="an id such as C0123456789, from the channel's details",
        )
    return text


def read_attributes(value: Any) -> Any:
    """Return attributes with the values of which one must fit, each a tuple."""
    if not isinstance(value, dict) or not value:
        raise wrong("This names no attribute.", expected="{ATTRIBUTE: value}")
    return {attribute_name(key): _values(of) for key, of in value.items()}


def _values(written: Any) -> tuple[str, ...]:
    values = written if isinstance(written, list | tuple) else [written]
    if not values or not all(isinstance(each, str) for each in values):
        raise wrong("This is no value.", expected="a value, or a list of values")
    return tuple(values)


def one_line(text: str) -> str:
    """Return `text`, one line that people can read, without spaces around it."""
    if not text.strip() or text != text.strip() or not text.isprintable():
        expected = "one line of text, with no spaces around it"
        raise wrong("This is not one plain line.", expected=expected)
    if len(text) > LONGEST_LINE:
        raise wrong("This is too long.", expected=f"at most {LONGEST_LINE} characters")
    return text


def exact_name(text: str) -> str:
    """Return a name that fits one group or user and no pattern."""
    if "*" in one_line(text):
        message = "Patterns are for what is asked for, not for who decides."
        raise wrong(message, expected="one exact name, or the id")
    return text


def integration_name(text: str) -> str:
    """Return a name that is safe in a command, a log line and an address."""
    if not _NAME.fullmatch(text):
        expected = "letters, digits, - and _, at most 50"
        raise wrong("This cannot name an integration.", expected=expected)
    return text


def org_url(text: str) -> str:
    """Return the org's address as Okta signs it: https, host, nothing after it.

    Okta: never the admin console's `-admin` host. http only on loopback.
    """
    parts = _split_url(text)
    host = parts.hostname or ""
    if _is_loopback(host):
        return f"{parts.scheme}://{parts.netloc.lower()}"
    _refuse_admin_host(host)
    if parts.scheme != "https":
        raise wrong("An org is reached over https only.", nearest=f"`https://{host}`")
    port = f":{parts.port}" if parts.port not in (None, 443) else ""
    return f"https://{host}{port}"


def secret_reference(text: str) -> str:
    """Return where a secret is found. NB. What is written is never repeated."""
    scheme, _, rest = text.partition(":")
    fits = (
        _VARIABLE.fullmatch(rest) if scheme == "env" else rest and rest == rest.strip()
    )
    if scheme not in SECRET_KINDS or not fits or not text.isprintable():
        expected = "env:NAME, file:PATH or a secret store's, never the secret itself"
        raise wrong("This is not a reference to a secret.", expected=expected)
    return text


def text_pattern(text: str) -> str:
    """Return a regular expression that matches in linear time, whatever the text."""
    if len(text) > LONGEST_PATTERN:
        expected = f"at most {LONGEST_PATTERN} characters"
        raise wrong("This pattern is too long.", expected=expected)
    try:
        compile_pattern(text)
    except re2.error as error:
        raise wrong(
            f"This is not a regular expression: {_told(error)}.",
            expected="RE2 syntax, such as [A-Z]+-[0-9]+",
        ) from error
    return text


def compile_pattern(text: str) -> Any:
    """Return `text` compiled. Raises re2.error when it is no pattern."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(text, options)


def access_details(text: str) -> str:
    """Return the text without the blank lines around it, at most 400 characters."""
    text = text.strip()
    if len(text) > MOST_DETAILS:
        raise wrong(
            "Access details are too long.",
            found=f"{len(text)} characters",
            expected=f"at most {MOST_DETAILS}",
        )
    return text


def attribute_name(text: str) -> str:
    """Return the variable name of an attribute of an Okta profile."""
    if not _ATTRIBUTE.fullmatch(text):
        expected = "the attribute's variable name, such as resourceOwner"
        raise wrong("This cannot name an attribute.", expected=expected)
    return text


def people_attribute(text: str) -> str:
    """Return what the value of an owner attribute names."""
    kind, _, attribute = text.partition(".")
    if text not in ("user", "group") and not (
        kind == "profile" and _ATTRIBUTE.fullmatch(attribute)
    ):
        message = "This does not say what the value names."
        raise wrong(message, expected="user, group or profile.ATTRIBUTE")
    return text


def _told(error: re2.error) -> str:
    told = error.args[0] if error.args else ""
    text = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
    return harmless(text)


def _split_url(text: str) -> SplitResult:
    expected = "the org's address alone, such as https://mycompany.okta.com"
    try:
        parts = urlsplit(text)
        fits = text.isprintable() and _is_bare(parts)
    except ValueError:  # of a port or a bracket
        fits = False
    if not fits:
        raise wrong("This is not an org's URL.", expected=expected)
    return parts


def _is_bare(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return (
        parts.scheme in ("http", "https")
        and parts.port != 0
        and "@" not in parts.netloc
        and parts.path in ("", "/")
        and not parts.query
        and not parts.fragment
        and (_is_loopback(host) or bool(_HOST.fullmatch(host)))
    )


def _refuse_admin_host(host: str) -> None:
    found = _ADMIN_HOST.fullmatch(host)
    if found:
        right = f"`https://{found[1]}{found[2]}`"
        raise wrong("This is the admin console's address.", nearest=right)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


_LENGTH_SCHEMA = {"type": "string", "pattern": f"^(?=.){SHAPE}$", "examples": ["1h30m"]}

Length = Annotated[
    timedelta,
    BeforeValidator(read_length),
    WithJsonSchema(_LENGTH_SCHEMA),
]
_ATTRIBUTES_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
        ]
    },
}

Longest = Annotated[
    timedelta,
    BeforeValidator(read_longest),
    WithJsonSchema({"anyOf": [_LENGTH_SCHEMA, {"const": INDEFINITE}]}),
]
Keeping = Annotated[
    timedelta,
    BeforeValidator(read_keeping),
    WithJsonSchema({"type": "string", "examples": ["36 months", "30d"]}),
]
Count = Annotated[
    int,
    BeforeValidator(read_count),
    WithJsonSchema({"type": "integer", "minimum": 1}),
]
Whole = Annotated[
    int,
    BeforeValidator(read_whole),
    WithJsonSchema({"type": "integer", "minimum": 0}),
]
Share = Annotated[
    float,
    BeforeValidator(read_share),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,3}%$"}),
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(read_time),
    WithJsonSchema({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"}),
]
TimeZone = Annotated[str, AfterValidator(time_zone)]
ChannelId = Annotated[
    str,
    AfterValidator(channel_id),
    WithJsonSchema({"type": "string", "pattern": "^[CG][A-Z0-9]{2,20}$"}),
]
AttributeValues = Annotated[
    dict[str, tuple[str, ...]],
    BeforeValidator(read_attributes),
    WithJsonSchema(_ATTRIBUTES_SCHEMA),
]
Switch = Annotated[bool, BeforeValidator(read_switch)]
Line = Annotated[str, AfterValidator(one_line)]
ExactName = Annotated[str, AfterValidator(exact_name)]
IntegrationName = Annotated[
    str,
    AfterValidator(integration_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"}),
]
OrgUrl = Annotated[
    str,
    AfterValidator(org_url),
    WithJsonSchema({"type": "string", "pattern": "^https?://"}),
]
SecretReference = Annotated[
    str,
    AfterValidator(secret_reference),
    WithJsonSchema({"type": "string", "pattern": "^(env|file):"}),
]
TextPattern = Annotated[str, AfterValidator(text_pattern)]
AccessDetails = Annotated[
    str,
    AfterValidator(access_details),
    Field(json_schema_extra={"maxLength": MOST_DETAILS}),
]
AttributeName = Annotated[str, AfterValidator(attribute_name)]
PeopleAttribute = Annotated[str, AfterValidator(people_attribute)]
