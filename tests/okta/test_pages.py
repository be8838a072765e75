"""A listing is whole, or it is an error."""

import asyncio
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.words import DirectoryGone, DirectoryRefused, DirectoryUnavailable
from bot.okta.answers import next_link
from bot.okta.client import TRIES
from tests.okta.scripted import ORIGIN, ScriptedOkta, error, ok, page_for_people

pytestmark = pytest.mark.anyio

GROUPS = "/api/v1/groups"


def link(after: str) -> str:
    return f"{ORIGIN}{GROUPS}?after={after}&limit=200"


def page(*ids: int, next: str = "") -> httpx.Response:
    return ok([{"id": one} for one in ids], next=next)


async def listing(okta: ScriptedOkta, **options: Any) -> list[Any]:
    return [
        one["id"] for one in await okta.client().listing(GROUPS, read=dict, **options)
    ]


async def test_a_listing_follows_its_pages_to_the_end(okta: ScriptedOkta) -> None:
    told: list[int] = []
    okta.says(page(1, 2, next=link("a,b%2Cc%3D%3D")), page(3, next=link("d")), page(4))
    assert await listing(okta, progress=told.append) == [1, 2, 3, 4]
    assert told == [2, 3, 4]
    assert okta.targets == [
        f"GET {GROUPS}?limit=200",
        f"GET {GROUPS}?after=a,b%2Cc%3D%3D&limit=200",
        f"GET {GROUPS}?after=d&limit=200",
    ]


async def test_an_empty_listing_is_a_listing(okta: ScriptedOkta) -> None:
    okta.says(page())
    assert await listing(okta) == []


async def test_an_empty_last_page_ends_a_listing(okta: ScriptedOkta) -> None:
    okta.says(page(1, next=link("a")), page())
    assert await listing(okta) == [1]


async def test_a_next_page_may_be_named_without_the_origin(okta: ScriptedOkta) -> None:
    okta.says(page(1, next=f"{GROUPS}?after=a"), page(2))
    assert await listing(okta) == [1, 2]


ENDLESS = {
    "an empty page that has a next": [page(1, next=link("a")), page(next=link("b"))],
    "a page that is its own next": [page(1, next=link("a")), page(2, next=link("a"))],
    "pages in a circle": [
        page(1, next=link("a")),
        page(2, next=link("b")),
        page(3, next=link("a")),
    ],
}


@pytest.mark.parametrize("pages", ENDLESS.values(), ids=ENDLESS.keys())
async def test_a_listing_that_comes_to_no_end_is_an_error(
    okta: ScriptedOkta, pages: list[httpx.Response]
) -> None:
    okta.says(*pages)
    with pytest.raises(DirectoryUnavailable, match="no end"):
        await listing(okta)


ELSEWHERE = [
    "https://elsewhere.example/api/v1/groups?after=a",
    "https://example.okta.com.elsewhere.example/api/v1/groups?after=a",
    "https://example.okta.com@elsewhere.example/api/v1/groups?after=a",
    "https://user@example.okta.com/api/v1/groups?after=a",
    "https://example.okta.com:444/api/v1/groups?after=a",
    "http://example.okta.com/api/v1/groups?after=a",
    "//elsewhere.example/api/v1/groups?after=a",
    "https://example.okta.com/api/v1/users?after=a",
    "https://example.okta.com/api/v1/groups/../users?after=a",
    "/api/v1/users?after=a",
    "https://[/api/v1/groups",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("next", ELSEWHERE)
async def test_the_token_goes_to_no_other_address(
    okta: ScriptedOkta, next: str
) -> None:
    okta.says(page(1, next=next))
    with pytest.raises(DirectoryUnavailable):
        await listing(okta)
    assert len(okta.asked) == 1


async def test_a_page_that_fails_fails_the_listing(okta: ScriptedOkta) -> None:
    failures = [httpx.Response(502) for _ in range(TRIES)]
    okta.says(page(1, next=link("a")), *failures)
    with pytest.raises(DirectoryUnavailable):
        await listing(okta)


@pytest.mark.parametrize(
    "failure",
    [page_for_people(), ok({"groups": []}), ok([1, 2]), ok(None), httpx.Response(200)],
)
async def test_a_page_that_is_no_list_fails_the_listing(
    okta: ScriptedOkta, failure: httpx.Response
) -> None:
    okta.says(page(1, next=link("a")), failure)
    with pytest.raises(DirectoryUnavailable):
        await listing(okta)


async def test_a_page_that_fails_for_a_moment_is_read_again(
    okta: ScriptedOkta,
) -> None:
    okta.says(page(1, next=link("a")), httpx.Response(503), page(2))
    assert await listing(okta) == [1, 2]


@pytest.mark.parametrize("code", ["E0000029", "E0000053", "E0000054"])
async def test_a_listing_whose_place_is_lost_starts_again_once(
    okta: ScriptedOkta, code: str
) -> None:
    okta.says(page(1, next=link("a")), error(400, code), page(1, 2, 3))
    assert await listing(okta) == [1, 2, 3]
    okta.says(error(400, code), error(400, code))
    with pytest.raises(DirectoryRefused):
        await listing(okta)


async def test_a_listing_that_times_out_in_okta_is_asked_for_in_smaller_pages(
    okta: ScriptedOkta,
) -> None:
    okta.says(*[error(500, "E0000009") for _ in range(TRIES)], page(1))
    assert await listing(okta) == [1]
    assert okta.targets[-1] == f"GET {GROUPS}?limit=50"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (error(400, "E0000031"), DirectoryRefused),
        (error(403, "E0000006"), DirectoryRefused),
        (error(404, "E0000007"), DirectoryGone),
    ],
)
async def test_a_refused_listing_is_not_asked_for_again(
    okta: ScriptedOkta, failure: httpx.Response, kind: type[Exception]
) -> None:
    okta.says(failure)
    with pytest.raises(kind):
        await listing(okta)


async def test_a_reader_may_stop_after_any_page(okta: ScriptedOkta) -> None:
    okta.says(page(1, next=link("a")), page(2))
    async with aclosing(okta.client().pages(GROUPS)) as pages:
        async for one in pages:
            assert one == [{"id": 1}]
            break
    await asyncio.sleep(1)
    assert len(okta.asked) == 1


# Link headers

_targets = st.text(
    st.characters(
        codec="ascii", categories=["L", "N", "P", "S"], exclude_characters="<>"
    )
)
_spaces = st.sampled_from(["", " ", "  "])
_rels = st.sampled_from(["self", "prev", "first", "nextish", "not-next"])


@st.composite
def _links(draw: st.DrawFn, rel: str | None = None) -> str:
    target, rel = draw(_targets), rel or draw(_rels)
    space, quote = draw(_spaces), draw(st.sampled_from(['"', ""]))
    extra = draw(st.sampled_from(["", '; title="a, b; rel=next"', "; type=x"]))
    return f"<{target}>{space}{extra};{space}rel={quote}{rel}{quote}"


@given(
    st.lists(_links(), max_size=3),
    _targets,
    st.sampled_from(["next", "NEXT", "Next"]),
    st.booleans(),
    st.data(),
)
def test_the_next_link_is_found_wherever_it_stands(
    others: list[str], target: str, rel: str, joined: bool, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(others)))
    links = [*others[:at], f'<{target}>; rel="{rel}"', *others[at:]]
    assert next_link([", ".join(links)] if joined else links) == target


@given(st.lists(_links(), max_size=3), st.booleans())
def test_no_other_link_is_taken_for_the_next(others: list[str], joined: bool) -> None:
    assert next_link([", ".join(others)] if joined else others) is None


@given(st.lists(st.text(max_size=200), max_size=3))
def test_any_header_gives_a_target_or_nothing(headers: list[str]) -> None:
    found = next_link(headers)
    assert found is None or isinstance(found, str)


def test_a_hostile_header_costs_no_time() -> None:
    assert (
        next_link(["<" * 50_000, "<a>" + '; rel="' * 20_000, "<a>" + ";" * 50_000])
        is None
    )
