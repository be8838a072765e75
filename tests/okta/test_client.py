"""What is sent, how often, and what becomes of each answer."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.core.words import (
    DirectoryError,
    DirectoryGone,
    DirectoryRefused,
    DirectoryUnavailable,
    SettingError,
    StaleState,
)
from bot.okta.client import TRIES, Lane
from bot.okta.wire import org_origin
from tests.okta.scripted import (
    ORIGIN,
    ScriptedOkta,
    done,
    error,
    late,
    oauth_error,
    ok,
    page_for_people,
    rate_limited,
    silence,
)
from tests.okta.virtual import now

pytestmark = pytest.mark.anyio

GROUPS = "/api/v1/groups"
MEMBER = "/api/v1/groups/00g1/users/00u1"


async def get(okta: ScriptedOkta, **options: Any) -> Any:
    return (await okta.client().request("GET", GROUPS, **options)).data


async def put(okta: ScriptedOkta, **options: Any) -> str:
    return (await okta.client().request("PUT", MEMBER, **options)).request_id


async def delete(okta: ScriptedOkta, **options: Any) -> str:
    answer = await okta.client().request("DELETE", MEMBER, safe=True, **options)
    return answer.request_id


# What goes out


async def test_a_call_carries_the_token_and_the_bots_name(okta: ScriptedOkta) -> None:
    okta.says(ok([]))
    assert await get(okta, query={"limit": 1, "search": 'id eq "a&b"'}) == []
    sent = okta.asked[0]
    assert okta.targets == [f"GET {GROUPS}?limit=1&search=id+eq+%22a%26b%22"]
    assert sent.headers["authorization"] == "Bearer token-1"
    assert sent.headers["accept"] == "application/json"
    assert sent.headers["user-agent"].startswith("okta-access-bot/")
    assert "content-type" not in sent.headers
    assert not sent.content


async def test_a_change_of_members_has_no_body(okta: ScriptedOkta) -> None:
    okta.says(done())
    assert await put(okta) == "req1"
    assert okta.targets == [f"PUT {MEMBER}"]
    assert not okta.asked[0].content


# What the answers mean

SORTED = [
    (400, "E0000001", DirectoryRefused),
    (400, "E0000031", DirectoryRefused),
    (403, "E0000006", DirectoryRefused),
    (403, "E0000013", DirectoryRefused),
    (403, "E0000038", DirectoryRefused),
    (401, "E0000015", DirectoryRefused),
    (404, "E0000007", DirectoryGone),
    (404, "E0000008", DirectoryRefused),
    (405, "E0000022", DirectoryRefused),
    (405, "E0000076", DirectoryRefused),
    (406, "E0000122", DirectoryRefused),
    (409, "E0000112", DirectoryUnavailable),
    (409, "E0000113", DirectoryUnavailable),
    (409, "E0000145", DirectoryRefused),
    (409, "E0000249", DirectoryUnavailable),
    (414, "E0000256", DirectoryRefused),
    (500, "E0000009", DirectoryUnavailable),
    (501, "E0000060", DirectoryRefused),
    (503, "E0000010", DirectoryUnavailable),
    (503, "E0000181", DirectoryUnavailable),
]


@pytest.mark.parametrize(("status", "code", "kind"), SORTED)
async def test_each_documented_error_is_sorted_by_status_and_code(
    okta: ScriptedOkta, status: int, code: str, kind: type[DirectoryError]
) -> None:
    okta.says(*[error(status, code) for _ in range(TRIES)])
    with pytest.raises(kind) as met:
        await get(okta)
    assert (met.value.status, met.value.code) == (status, code)
    assert met.value.request_id == f"req{len(okta.asked)}"


@pytest.mark.parametrize(("status", "code", "kind"), SORTED)
async def test_only_what_okta_certainly_did_not_do_is_said_not_to_have_landed(
    okta: ScriptedOkta, status: int, code: str, kind: type[DirectoryError]
) -> None:
    okta.says(error(status, code))
    with pytest.raises(kind) as met:
        await put(okta)
    if isinstance(met.value, DirectoryUnavailable):
        assert met.value.landed is (status >= 500 and code != "E0000010")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [b"", b"<h1>no", b"[]"])
async def test_a_refusal_needs_no_body(
    okta: ScriptedOkta, status: int, body: bytes
) -> None:
    answers = [httpx.Response(status, content=body) for _ in range(2)]
    okta.says(*answers)
    with pytest.raises(DirectoryError) as met:
        await get(okta)
    assert met.value.status == status


async def test_no_text_of_an_answer_is_in_an_error(okta: ScriptedOkta) -> None:
    okta.says(error(403, "E0000006"))
    with pytest.raises(DirectoryRefused) as met:
        await put(okta)
    shown = f"{met.value}"
    assert shown == "Okta answered 403 E0000006 to PUT /api/v1/groups/{}/users/{}."


async def test_a_code_that_is_none_of_oktas_is_not_repeated(okta: ScriptedOkta) -> None:
    body = {"errorCode": "<!channel>", "errorSummary": ""}
    okta.says(httpx.Response(400, json=body))
    with pytest.raises(DirectoryRefused) as met:
        await get(okta)
    assert met.value.code == ""
    assert "channel" not in f"{met.value}"


UNBELIEVABLE = {
    "a page for people": page_for_people(),
    "a proxy's 404": page_for_people(404),
    "a proxy's 403": page_for_people(403),
    "a proxy's 400": page_for_people(400),
    "a 404 without a code": httpx.Response(404, json={}),
    "a 404 without a body": httpx.Response(404),
    "JSON that is none": httpx.Response(
        200, content=b"[{", headers={"content-type": "application/json"}
    ),
    "JSON nested for ever": httpx.Response(
        200, content=b"[" * 100_000, headers={"content-type": "application/json"}
    ),
    "text that is no text": httpx.Response(
        200, content=b"\xff\xfe", headers={"content-type": "application/json"}
    ),
    "JSON under another name": httpx.Response(200, text="[]"),
    "a redirect": httpx.Response(302, headers={"location": f"{ORIGIN}/other"}),
    "a redirect elsewhere": httpx.Response(
        307, headers={"location": "https://elsewhere.example/"}
    ),
    "a broken body": httpx.RemoteProtocolError("peer closed connection"),
}


@pytest.mark.parametrize("answer", UNBELIEVABLE.values(), ids=UNBELIEVABLE.keys())
async def test_what_okta_does_not_say_is_no_answer_and_may_have_landed(
    okta: ScriptedOkta, answer: Any
) -> None:
    okta.says(answer)
    with pytest.raises(DirectoryUnavailable) as met:
        await put(okta)
    assert met.value.landed
    assert len(okta.asked) == 1


async def test_a_long_request_id_cannot_carry_anything_else(okta: ScriptedOkta) -> None:
    okta.says(httpx.Response(204, headers={"X-Okta-Request-Id": "r\te\x7fq" * 100}))
    found = await put(okta)
    assert len(found) < 100
    assert found.isprintable()


# How often


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_read_is_repeated_when_okta_fails(
    okta: ScriptedOkta, status: int
) -> None:
    okta.says(httpx.Response(status), httpx.Response(status), ok([1]))
    assert await get(okta) == [1]


@pytest.mark.parametrize(
    "failure",
    [silence, httpx.ReadError(""), httpx.ConnectError(""), httpx.ReadTimeout("")],
)
async def test_a_read_is_repeated_when_nothing_comes_back(
    okta: ScriptedOkta, failure: Any
) -> None:
    okta.says(failure, ok([1]))
    assert await get(okta) == [1]


async def test_a_read_is_repeated_so_often_and_no_more(okta: ScriptedOkta) -> None:
    okta.says(*[httpx.Response(500) for _ in range(TRIES)])
    with pytest.raises(DirectoryUnavailable):
        await get(okta)
    assert len(okta.asked) == TRIES


@pytest.mark.parametrize("failure", [silence, httpx.ReadError(""), httpx.Response(504)])
async def test_an_add_that_may_have_landed_is_not_repeated(
    okta: ScriptedOkta, failure: Any
) -> None:
    okta.says(failure)
    with pytest.raises(DirectoryUnavailable) as met:
        await put(okta)
    assert met.value.landed
    assert len(okta.asked) == 1


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError(""), httpx.ConnectTimeout(""), httpx.PoolTimeout("")],
)
async def test_an_add_that_was_never_sent_is_sent_again(
    okta: ScriptedOkta, failure: httpx.TransportError
) -> None:
    okta.says(failure, done())
    assert await put(okta) == "req2"


async def test_an_add_that_was_never_sent_did_not_land(okta: ScriptedOkta) -> None:
    okta.says(*[httpx.ConnectError("") for _ in range(TRIES)])
    with pytest.raises(DirectoryUnavailable) as met:
        await put(okta)
    assert not met.value.landed


async def test_read_only_mode_is_not_hammered(okta: ScriptedOkta) -> None:
    okta.says(error(503, "E0000010"))
    with pytest.raises(DirectoryUnavailable) as met:
        await delete(okta)
    assert not met.value.landed
    assert len(okta.asked) == 1


async def test_a_removal_is_repeated(okta: ScriptedOkta) -> None:
    okta.says(silence, httpx.Response(502), done())
    assert await delete(okta) == "req3"


@pytest.mark.parametrize(
    "after", [error(403, "E0000006"), error(404, "E0000007"), error(503, "E0000010")]
)
async def test_a_refusal_after_an_attempt_without_an_answer_proves_nothing(
    okta: ScriptedOkta, after: httpx.Response
) -> None:
    okta.says(silence, after)
    with pytest.raises(DirectoryUnavailable) as met:
        await delete(okta)
    assert met.value.landed
    assert met.value.status == after.status_code


# Tokens


@pytest.mark.parametrize(
    "refusal",
    [
        error(401, "E0000011"),
        error(401, "E0000004"),
        error(403, "E0000005"),
        httpx.Response(401),
        httpx.Response(
            403, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
        ),
    ],
)
async def test_a_token_that_okta_no_longer_takes_is_replaced_once(
    okta: ScriptedOkta, refusal: httpx.Response
) -> None:
    okta.says(refusal, done())
    assert await put(okta) == "req2"
    sent = [one.headers["authorization"] for one in okta.asked]
    assert sent == ["Bearer token-1", "Bearer token-2"]


async def test_a_token_refused_twice_is_no_effect_and_for_later(
    okta: ScriptedOkta,
) -> None:
    okta.says(error(401, "E0000011"), error(401, "E0000011"))
    with pytest.raises(DirectoryUnavailable) as met:
        await put(okta)
    assert not met.value.landed
    assert len(okta.tokens_asked) == 2


async def test_a_scope_that_is_missing_is_not_mended_by_a_token(
    okta: ScriptedOkta,
) -> None:
    challenge = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
    okta.says(httpx.Response(403, headers=challenge))
    with pytest.raises(DirectoryRefused):
        await put(okta)
    assert len(okta.tokens_asked) == 1


async def test_callers_who_meet_an_ended_token_together_replace_it_once(
    okta: ScriptedOkta,
) -> None:
    client = okta.client()
    okta.says(ok([]), *[late(1, error(401, "E0000011")) for _ in range(4)])
    okta.says(*[ok([]) for _ in range(4)])
    await client.request("GET", GROUPS)
    await asyncio.gather(*[client.request("GET", GROUPS) for _ in range(4)])
    assert len(okta.tokens_asked) == 2


async def test_a_late_refusal_of_an_old_token_keeps_the_new_one(
    okta: ScriptedOkta,
) -> None:
    client = okta.client()
    okta.says(ok([]), *[late(wait, error(401, "E0000011")) for wait in (1, 5)])
    okta.says(ok([]), ok([]))
    await client.request("GET", GROUPS)
    await asyncio.gather(*[client.request("GET", GROUPS) for _ in range(2)])
    assert len(okta.tokens_asked) == 2


async def test_nothing_is_sent_when_okta_refuses_the_app(okta: ScriptedOkta) -> None:
    okta.says_of_tokens(oauth_error(400, "invalid_dpop_proof", ""))
    with pytest.raises(SettingError, match="DPoP"):
        await put(okta)
    assert okta.asked == []


async def test_no_token_means_that_nothing_landed(okta: ScriptedOkta) -> None:
    okta.says_of_tokens(*[httpx.ReadError("") for _ in range(TRIES)])
    with pytest.raises(DirectoryUnavailable) as met:
        await put(okta)
    assert not met.value.landed
    assert okta.asked == []


# Waits


async def test_a_429_is_waited_out_for_any_call(okta: ScriptedOkta) -> None:
    began = now()
    okta.says(rate_limited(wait=30), done())
    assert await put(okta) == "req2"
    assert now() - began >= timedelta(seconds=30)


async def test_a_429_beyond_the_deadline_says_when_to_return(
    okta: ScriptedOkta,
) -> None:
    okta.says(rate_limited(wait=30))
    deadline = asyncio.get_running_loop().time() + 10
    with pytest.raises(DirectoryUnavailable) as met:
        await put(okta, deadline=deadline)
    assert not met.value.landed
    assert met.value.retry_after
    assert met.value.retry_after >= timedelta(seconds=30)
    assert len(okta.asked) == 1


async def test_a_call_after_its_deadline_is_not_sent(okta: ScriptedOkta) -> None:
    with pytest.raises(DirectoryUnavailable) as met:
        await put(okta, deadline=asyncio.get_running_loop().time())
    assert not met.value.landed
    assert okta.asked == []


async def test_a_token_that_comes_after_the_deadline_comes_too_late(
    okta: ScriptedOkta,
) -> None:
    began = now()
    okta.says_of_tokens(silence)
    with pytest.raises(DirectoryUnavailable) as met:
        await put(okta, deadline=asyncio.get_running_loop().time() + 3)
    assert not met.value.landed
    assert now() - began == timedelta(seconds=3)


async def test_a_server_that_drips_is_given_up_at_the_deadline(
    okta: ScriptedOkta,
) -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            while True:
                await asyncio.sleep(1)
                yield b" "

    began = now()
    okta.says(httpx.Response(200, stream=Drip()))
    with pytest.raises(DirectoryUnavailable) as met:
        await put(okta)
    assert met.value.landed
    assert now() - began == timedelta(seconds=10)


async def test_a_caller_who_gives_up_frees_the_place(okta: ScriptedOkta) -> None:
    client = okta.client()
    okta.says(ok([]), *[silence] * Lane.READ.places, ok([]))
    await client.request("GET", GROUPS)
    leaving = [
        asyncio.create_task(client.request("GET", GROUPS))
        for _ in range(Lane.READ.places)
    ]
    await asyncio.sleep(1)
    for task in leaving:
        task.cancel()
    assert (await client.request("GET", GROUPS)).data == []


# The last look before a send


async def test_the_last_look_is_right_before_each_send(okta: ScriptedOkta) -> None:
    looks: list[int] = []
    okta.says(error(401, "E0000011"), rate_limited(wait=20), silence, done())
    await delete(okta, before_send=lambda: looks.append(len(okta.asked)))
    assert looks == [0, 1, 2, 3]


async def test_nothing_is_sent_when_the_last_look_says_no(okta: ScriptedOkta) -> None:
    def lost() -> None:
        raise StaleState("the lease is another's")

    with pytest.raises(StaleState):
        await put(okta, before_send=lost)
    assert okta.asked == []


async def test_the_last_look_is_after_the_wait_for_a_turn(okta: ScriptedOkta) -> None:
    client = okta.client()
    looked: list[float] = []
    okta.says(late(5, ok([])), ok([]))
    probe = asyncio.create_task(client.request("GET", GROUPS))
    await asyncio.sleep(1)
    await client.request(
        "GET",
        GROUPS,
        lane=Lane.GRANT,
        before_send=lambda: looked.append(asyncio.get_running_loop().time()),
    )
    await probe
    assert looked == [pytest.approx(5)]


# Where to


@pytest.mark.parametrize(
    ("written", "called"),
    [
        ("https://example.okta.com", "https://example.okta.com"),
        ("https://example.okta.com/", "https://example.okta.com"),
        (" https://Example.okta.com/ ", "https://example.okta.com"),
        ("https://example-admin.okta.com", "https://example.okta.com"),
        ("https://example-admin.oktapreview.com/", "https://example.oktapreview.com"),
        ("https://example-admin.okta-emea.com", "https://example.okta-emea.com"),
        ("https://login-admin.example.com", "https://login-admin.example.com"),
        ("https://login.example.com:8443/", "https://login.example.com:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_the_address_of_the_org_is_what_people_mean(written: str, called: str) -> None:
    assert org_origin(written) == called


@pytest.mark.parametrize(
    "written",
    [
        "",
        "example.okta.com",
        "http://example.okta.com",
        "http://127.0.0.1.example.com",
        "ftp://example.okta.com",
        "https://",
        "https://example.okta.com/oauth2/default",
        "https://example.okta.com?x=1",
        "https://example.okta.com/#top",
        "https://me:secret@example.okta.com",
        "https://exa mple.okta.com",
        "https://[::1",
        "https://example.okta.com:port",
        "\x00",
    ],
)
def test_what_is_no_address_of_an_org_is_refused(written: str) -> None:
    with pytest.raises(SettingError) as refused:
        org_origin(written)
    assert "secret" not in f"{refused.value}"
