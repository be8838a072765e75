"""Rich text: the block that shows text without parsing it."""

from collections.abc import Mapping

from bot.sandbox.slack.kit.checks import (
    Check,
    boolean,
    form,
    many,
    number,
    one_of,
    string,
    typed,
)
from bot.sandbox.slack.kit.elements import ID, PLENTY, URL

ANY = string(PLENTY)
STYLES = form(
    {},
    dict.fromkeys(
        ("bold", "italic", "strike", "underline", "code", "highlight"), boolean
    ),
)
STYLED: Mapping[str, Check] = {"style": STYLES}
PLAIN_INLINE: Mapping[str, Check] = {
    "text": form({"text": string(PLENTY, least=1)}, STYLED),
    "link": form({"url": URL}, {**STYLED, "text": ANY, "unsafe": boolean}),
}
INLINE: Mapping[str, Check] = {
    **PLAIN_INLINE,
    "user": form({"user_id": ID}, STYLED),
    "usergroup": form({"usergroup_id": ID}, STYLED),
    "channel": form({"channel_id": ID}, STYLED),
    "broadcast": form({"range": one_of("here", "channel", "everyone")}, STYLED),
    "emoji": form({"name": ANY}, {**STYLED, "unicode": ANY}),
    "date": form(
        {"timestamp": number(0, 10**11), "format": ANY},
        {**STYLED, "fallback": ANY, "url": URL},
    ),
}
BORDER: Mapping[str, Check] = {"border": number(0, 1)}


def _holding(kinds: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    inline = many(typed(kinds, noun="rich text element"), PLENTY, least=0)
    return form({"elements": inline}, optional)


SECTION = _holding(INLINE, {})
RICH_TEXT = typed(
    {
        "rich_text_section": SECTION,
        "rich_text_quote": _holding(INLINE, BORDER),
        "rich_text_preformatted": _holding(PLAIN_INLINE, {**BORDER, "language": ANY}),
        "rich_text_list": form(
            {
                "style": one_of("bullet", "ordered"),
                "elements": many(
                    typed({"rich_text_section": SECTION}, noun="list item"), PLENTY
                ),
            },
            {**BORDER, "indent": number(0, 8), "offset": number(0, PLENTY)},
        ),
    },
    noun="element of a rich text",
)
