"""What is said when something is wrong: one sentence what, one how to mend it.

Nobody is shown a traceback who did not ask for it.
"""

import secrets
import traceback
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import DBAPIError
from typer.core import TyperGroup
from typer.exceptions import TyperException

from bot.core.words import SettingError

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
        except DBAPIError as error:
            _say(_of_the_database(error))
            raise typer.Exit(REFUSED) from None
        except SAID_ELSEWHERE:
            raise
        except Exception as error:  # noqa: BLE001 - the last door before a person
            _say(_of_this_program(error, shown=ctx.params["debug"]))
            raise typer.Exit(FAULT) from None


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


def _of_this_program(error: Exception, *, shown: bool) -> str:
    if shown:
        return "".join(traceback.format_exception(error))
    return (
        f"A fault of this program stopped it ({type(error).__name__}, "
        f"reference {secrets.token_hex(4)}). "
        "Run it again as `access-bot --debug ...` to see where, and report that."
    )
