"""What somebody may write to change what an approver reads. More than 200 of them."""

from collections.abc import Iterator
from itertools import product

MENTIONS = (
    *("<!channel>", "<!here>", "<!everyone>", "<@U0OLGA>", "<#C0PROD|general>"),
    *("<!subteam^S0SEC|@security>", "<!date^1^{date}|yesterday>", "@channel", "@here"),
    *(
        "&lt;!channel&gt;",
        "&amp;lt;!channel&amp;gt;",
        "\uff1c!channel\uff1e",
        "<!channel|x>",
    ),
)
LINKS = (
    *("<https://evil.example|Okta login>", "https://evil.example", "<mailto:a@b|x>"),
    *("[Okta](https://evil.example)", "<javascript:alert(1)|ok>", "evil.example/okta"),
    *("<slack://open?team=T1|open>", "<tel:+1|call>", "hxxps://evil.example"),
)
MARKS = (
    *(
        "*bold*",
        "_it_",
        "~gone~",
        "`code`",
        "```block```",
        "> quoted",
        ">>> all",
        "• a",
    ),
    *(
        "1. one",
        "- two",
        ":tada:",
        ":white_check_mark: Approved",
        "# head",
        "***",
        "\\*",
    ),
    *("{0}", "{}", "%s", "${x}", "{{x}}", "^", "|", "&", "<", ">", "<>", "&#60;"),
)
LINES = (
    *(
        "x\nApproved by the CEO",
        "x\r\nApproved by the CEO",
        "x\u2028Approved",
        "x\u2029y",
    ),
    *(
        "x\x0bApproved",
        "x\x0cApproved",
        "x\x85Approved",
        "\n\n\n\n\nApproved",
        "x\n> y",
    ),
    *(
        "x\n*Approve* this",
        "Requester: CEO\nGroup: harmless",
        "\tx\ty",
        " \u00a0 \u3000",
    ),
)
HIDDEN = (
    *("\u202egnp.exe\u202c", "\u2066x\u2069", "\u2067x\u2069", "a\u200bb", "a\u200cb"),
    *("a\u200db", "\u200f\u200e", "\ufeffx", "\x00", "a\x07b", "\x1b[31mred\x1b[0m"),
    *("\u00adx", "\u2060x", "\u180ex", "\U000e0041x", "\ue000x", "\ud800 lone", "\x7f"),
)
LONG = (
    "x" * 5000,
    "é" * 3000,
    "\U0001f512" * 2000,
    "a " * 4000,
    "\u0301" * 500,
    "|" * 999,
)
LIKE = (
    *(
        "Approve",
        "Deny",
        "You are asked because you own this group.",
        "It lapses never",
    ),
    *(
        "prod-db for 1 h",
        "Olga (olga@example.com)",
        "pr\u043ed-db",
        "\uff50\uff52\uff4f\uff44-\uff44\uff42",
        "",
    ),
    *(
        '{"type":"section"}',
        "</blockquote><h1>x",
        "<script>alert(1)</script>",
        "' or 1=1",
    ),
)


def hostile() -> Iterator[str]:
    """Give them all: each by itself, and some inside others."""
    plain = [*MENTIONS, *LINKS, *MARKS, *LINES, *HIDDEN, *LONG, *LIKE]
    yield from plain
    for outer, inner in product(("OPS-12 {}", "{} OPS-12", "*{}*", "a\n{}"), MENTIONS):
        yield outer.replace("{}", inner)
    for outer, inner in product(("OPS-12 {}", "a\n{}"), LINKS):
        yield outer.replace("{}", inner)
    for mention, hidden in product(MENTIONS[:5], HIDDEN[:9]):
        yield f"{mention[0]}{hidden}{mention[1:]}"
