"""What Okta answered, and what that means: the one place where errors are sorted.

Only the status and Okta's errorCode decide (Okta: "Only the `errorCode` property
is supported for runtime error flow control"). No text of an answer reaches an
error's message: it is somebody else's text.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from bot.core.words import DirectoryGone, DirectoryRefused, DirectoryUnavailable

FEATURE_OFF = "E0000015"
"""Okta: the feature is not available to the org. A 401 that no token mends."""

INVALID_SESSION = "E0000005"
READ_ONLY = "E0000010"
"""Okta: read-only mode, in maintenance. A write was certainly not done."""

NO_SUCH_PATH = "E0000008"
PAGING_LOST = frozenset({"E0000029", "E0000053", "E0000054"})
"""Okta no longer knows where the listing was: it starts again or fails."""

TIMED_OUT = "E0000009"
"""Okta: internal error; on listings usually its own time-out: ask for less."""

STALE_PROFILES = "E0000145"

_CODE = re.compile(r"E[0-9]{7}")
_LINK = re.compile(
    r"<([^<>]*)>((?:\s*;\s*[\w*-]+(?:\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^\s;,\"]*))?)*)"
)
_PARAMETER = re.compile(
    r";\s*([\w*-]+)(?:\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;,\"]*)))?"
)
_DIGITS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True)
class Limits:
    """What one answer says of its rate limit. None is what it does not say."""

    limit: int | None = None
    remaining: int | None = None
    epoch: int | None = None
    resets_in: timedelta | None = None

    @property
    def concurrent(self) -> bool:
        """Too many at once. Okta: such a 429 has limit 0 and remaining 0."""
        return self.limit == 0 and self.remaining == 0


@dataclass(frozen=True)
class Answer:
    """An answer with status, parsed JSON (None without any), id and clock.

    `data` may be any JSON: nothing of its shape is checked yet. `is_json` is
    whether a body was declared and read as JSON. `bare` is an answer without
    a body.
    """

    status: int
    data: Any = None
    request_id: str = ""
    date: datetime | None = None
    next: str | None = None
    limits: Limits = field(default=Limits(), repr=False)
    is_json: bool = False
    bare: bool = True
    challenge: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """Okta's errorCode, or nothing that is not shaped like one."""
        found = self.data.get("errorCode") if isinstance(self.data, dict) else None
        return found if isinstance(found, str) and _CODE.fullmatch(found) else ""

    @property
    def wants_new_token(self) -> bool:
        """Whether a fresh token may mend it. Bodies may be absent here."""
        if self.status == 401:
            return self.code != FEATURE_OFF
        return self.status == 403 and (
            self.code == INVALID_SESSION or "invalid_token" in self.challenge
        )


def read_answer(response: httpx.Response, now: datetime) -> Answer:
    """Return what `response`, read to its end, says. `now` stands in for its Date."""
    date = _date(response.headers.get("date", ""))
    content_type = response.headers.get("content-type", "").partition(";")[0]
    data, is_json = _json(content_type, response.content)
    return Answer(
        status=response.status_code,
        data=data,
        request_id=_printable(response.headers.get("x-okta-request-id", "")),
        date=date,
        next=next_link(response.headers.get_list("link")),
        limits=_limits(response.headers, date or now),
        is_json=is_json,
        bare=not response.content.strip(),
        challenge=response.headers.get("www-authenticate", "").lower(),
    )


def next_link(headers: Iterable[str]) -> str | None:
    """Return the target of rel="next" in the Link headers, wherever it stands.

    Okta: "two separate link: headers are sent". A target may hold commas.
    """
    for header in headers:
        for target, parameters in _LINK.findall(header):
            if "next" in _rels(parameters):
                return str(target)
    return None


def _rels(parameters: str) -> list[str]:
    for name, quoted, bare in _PARAMETER.findall(parameters):
        if name.lower() == "rel":
            return str(quoted or bare).lower().split()
    return []


def sort_answer(answer: Answer, what: str) -> Answer:
    """Return `answer` if it is what was asked for; else raise what it means.

    `what` names the call in the message ("GET /api/v1/groups"). Raises
    DirectoryGone for a 404 of Okta's own, DirectoryRefused for what asking
    again does not mend, DirectoryUnavailable for the rest; its `landed` is
    False only where the answer itself says that nothing was done.
    """
    if answer.ok and (answer.is_json or answer.bare):
        return answer
    if not (answer.is_json or answer.bare) or answer.status < 400:
        raise _unavailable(answer, what, landed=True)
    if answer.status == 404:
        raise _not_found(answer, what)
    if answer.status == 401 or answer.wants_new_token:
        raise _without_token(answer, what)
    if answer.status in (408, 409, 425, 429):
        raise _not_now(answer, what)
    if answer.status >= 500 and answer.status != 501:
        raise _unavailable(answer, what, landed=answer.code != READ_ONLY)
    raise _refused(answer, what)


def _not_found(answer: Answer, what: str) -> Exception:
    # NB. Gone is taken as proof further on, so only Okta itself may say it: a
    # proxy's 404 has no errorCode.
    if not answer.code:
        return _unavailable(answer, what, landed=True)
    if answer.code == NO_SUCH_PATH:
        return _refused(answer, what)
    return DirectoryGone(
        _sentence(answer, what),
        status=answer.status,
        code=answer.code,
        request_id=answer.request_id,
    )


def _without_token(answer: Answer, what: str) -> Exception:
    if answer.code == FEATURE_OFF:
        return _refused(answer, what)
    return _unavailable(answer, what, landed=False)


def _not_now(answer: Answer, what: str) -> Exception:
    if answer.code == STALE_PROFILES:
        return _refused(answer, what)
    return _unavailable(answer, what, landed=answer.status in (408, 425))


def _refused(answer: Answer, what: str) -> DirectoryRefused:
    return DirectoryRefused(
        _sentence(answer, what),
        status=answer.status,
        code=answer.code,
        request_id=answer.request_id,
    )


def _unavailable(answer: Answer, what: str, *, landed: bool) -> DirectoryUnavailable:
    return DirectoryUnavailable(
        _sentence(answer, what),
        status=answer.status,
        code=answer.code,
        request_id=answer.request_id,
        landed=landed,
        retry_after=answer.limits.resets_in if answer.status == 429 else None,
    )


def _sentence(answer: Answer, what: str) -> str:
    said = f"Okta answered {answer.status} {answer.code}".rstrip()
    if not (answer.is_json or answer.bare):
        said += ", and not in JSON,"
    return f"{said} to {what}."


def _json(content_type: str, content: bytes) -> tuple[Any, bool]:
    kind = content_type.strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return None, False
    try:
        return json.loads(content), True
    except (ValueError, RecursionError):
        return None, False


def _limits(headers: httpx.Headers, now: datetime) -> Limits:
    epoch = _number(headers.get("x-rate-limit-reset", ""))
    resets_in = None
    if epoch is not None:
        resets_in = timedelta(seconds=max(0.0, epoch - now.timestamp()))
    return Limits(
        limit=_number(headers.get("x-rate-limit-limit", "")),
        remaining=_number(headers.get("x-rate-limit-remaining", "")),
        epoch=epoch,
        resets_in=resets_in,
    )


def _number(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if _DIGITS.fullmatch(digits) else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def _printable(text: str) -> str:
    return "".join(c for c in text[:100] if c.isascii() and c.isprintable())
