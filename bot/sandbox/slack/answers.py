"""How the Web API says yes and no."""

from typing import Any

from starlette.responses import JSONResponse, Response

Json = dict[str, Any]


class Refused(Exception):
    """Slack answers 200 with `ok` false and this error."""

    def __init__(self, error: str, *messages: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.body: Json = {"ok": False, "error": error, **more}
        if messages:
            self.body["response_metadata"] = {"messages": list(messages)}


def missing(*names: str) -> Refused:
    """Required arguments were not sent."""
    words = [f"[ERROR] missing required field: {name}" for name in names]
    return Refused("invalid_arguments", *words)


def rate_limited(seconds: int) -> Response:
    """Slack: 429, `Retry-After` in seconds, and `ratelimited`."""
    body = {"ok": False, "error": "ratelimited"}
    return JSONResponse(body, 429, headers={"Retry-After": str(seconds)})


def faulty(kind: str, retry_after: int) -> Response:
    """The answer to a call that was told to fail with that status."""
    if kind == "429":
        return rate_limited(retry_after)
    error = "service_unavailable" if int(kind) >= 500 else "fatal_error"
    return JSONResponse({"ok": False, "error": error}, int(kind))
