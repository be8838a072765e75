"""What is said when something is wrong: one sentence what, one how to mend it.

A traceback goes to the log, and only that of `run` or of who asked for it.
"""

import secrets
from typing import Any

import structlog
import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import DBAPIError
from typer.core import TyperGroup
from typer.exceptions import TyperException

from bot.core.words import AccessBotError, SettingError

log = structlog.get_logger()

WRONG, REFUSED, FAULT, INTERRUPTED = 1, 2, 70, 130
"""Exit status: the thing checked, the call or set-up, this program, Ctrl-C."""

SAID_ELSEWHERE = (typer.Exit, typer.Abort, TyperException, BrokenPipeError)


class PlainFailures(TyperGroup):
    """The commands, with what they raise turned into a sentence and a status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except SettingError as error:
            _say(str(error))
            raise typer.Exit(REFUSED) from None
        except AccessBotError as error:
            _say(f"{error} Try again; access-bot doctor says more.")
            raise typer.Exit(REFUSED) from None
        except DBAPIError as error:
            _say(_of_the_database(error))
            raise typer.Exit(REFUSED) from None
        except SAID_ELSEWHERE:
            raise
        except Exception as error:  # noqa: BLE001 - the last door before a person
            _say(_of_this_program(error, _log_fault(ctx, error)))
            raise typer.Exit(FAULT) from None


def _log_fault(ctx: Any, error: Exception) -> str:
    """Return a reference to a fault; the log has it for who runs or debugs."""
    reference = secrets.token_hex(4)
    if ctx.params["debug"] or ctx.invoked_subcommand == "run":
        log.error("fault", reference=reference, exc_info=error)
    return reference


def _say(sentence: str) -> None:
    """Write to stderr, whole lines, nothing in it taken for markup."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text("access-bot: ", style="bold red"), Text(sentence), sep="")


def _of_the_database(error: DBAPIError) -> str:
    """Return the driver's own words: the statement and its values stay out."""
    return (
        f"The database cannot be used: {error.orig}. "
        "Check DATABASE_URL, the disk, and that this user may write there."
    )


def _of_this_program(error: Exception, reference: str) -> str:
    return (
        f"A fault of this program stopped it ({type(error).__name__}, "
        f"reference {reference}). Report it with what `access-bot --debug` logs of it."
    )
