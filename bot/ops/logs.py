"""The log: one line per step on stderr, for people or for machines.

The standard library's logging goes the same way, so what the libraries say is
written, cut and cleaned like our own. Nothing here decides what is worth a line.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterable
from typing import Any, Literal, TextIO

import stamina
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["text", "json"]

QUIET = (
    "aiohttp",
    "alembic",
    "apscheduler",
    "asyncio",
    "httpcore",
    "httpx",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "uvicorn",
)
"""Libraries of which only warnings are worth a line."""

HIDDEN = "[not shown]"
SHORTEST = 8
"""A shorter secret is not looked for: it would hide ordinary words."""
MOST_SAID = 300
"""How many characters of a library's own sentence are kept."""

_SECRET_KEYS = re.compile(
    r"authorization|password|private_key|secret|signature|assertion|token|cookie",
    re.IGNORECASE,
)
_SECRETS = re.compile(
    r"""
      xox[a-z](?:\.xox[a-z])?-[\w-]+ | xapp-[\w-]+       # Slack's tokens
    | \beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?                    # a JWT: assertion or token
    | \bv0=[0-9a-f]{64}                                   # Slack's signature
    | -----BEGIN[^-]*PRIVATE\ KEY-----(?:.*?-----END[^-]*-----|.*)
    | (?<=://)[^/\s@]+@                                   # a user in an address
    | (?<=\bBearer\ )\S+ | (?<=\bSSWS\ )\S+
    | (?<=["']d["']:)\s*["'][\w-]+["']                    # of a private JWK
    | (?<=[?&]ticket=)[^&\s]+                             # of a Socket Mode address
    | (?<=\bclient_assertion=)[^&\s]+
    """,
    re.VERBOSE | re.DOTALL,
)


def set_up(log_format: LogFormat, secrets: Iterable[str] = ()) -> None:
    """Write the log to stderr from now on; none of `secrets` gets into it.

    Colours are for terminals. Calling it again replaces what it set up before.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    clean = _Cleaner(secrets)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_only_the_gist, *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            clean,
            _renderer(log_format),
        ],
    )
    _replace_handler(formatter)
    # What is tried again is no news: what waits in the end says why.
    stamina.instrumentation.set_on_retry_hooks(())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _ToStderr(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is by then."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # asked anew each time
        return sys.stderr


class _Cleaner:
    """Leaves secrets out of a line: by key, by shape, and those that are known."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._known = [secret for secret in secrets if len(secret) >= SHORTEST]

    def __call__(
        self, _logger: WrappedLogger, _method: str, line: EventDict
    ) -> EventDict:
        return {key: self._clean(key, value) for key, value in line.items()}

    def _clean(self, key: str, value: Any) -> Any:
        if _SECRET_KEYS.search(key):
            return HIDDEN
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {name: self._clean(str(name), each) for name, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean("", each) for each in value]
        return self._without_secrets(str(value))

    def _without_secrets(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        return _SECRETS.sub(HIDDEN, text)


def _only_the_gist(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Keep the first line of what a library says, who said it, and where it failed.

    NB. Libraries put whole requests and answers behind the sentence, and into
    the words of their exceptions.
    """
    record: logging.LogRecord = line["_record"]
    first = str(line["event"]).partition("\n")[0]
    line.update(event=first[:MOST_SAID], library=record.name)
    kind, _, trace = line.pop("exc_info", None) or (None, None, None)
    if kind is not None:
        line["exception"] = "".join(traceback.format_tb(trace)) + kind.__name__
    return line


def _renderer(log_format: LogFormat) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        exception_formatter=structlog.dev.plain_traceback,
        pad_event_to=0,
    )


def _replace_handler(formatter: logging.Formatter) -> None:
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _ToStderr):
            root.removeHandler(handler)
    handler = _ToStderr()
    handler.setFormatter(formatter)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
