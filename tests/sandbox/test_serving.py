"""Serving on loopback, and the faults a client must live with."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.faults import KINDS, Fault, Faults
from bot.sandbox.serving import Loopback, control

CUT = (httpx.RemoteProtocolError, httpx.ReadError)
AFTER_THE_EFFECT = {"timeout_after", "cut_after", "drip", "slow"}
CLEAN = {"401", "403", "404", "429", "500", "502", "503", "504"}


class Counter:
    """Counts calls: the smallest service with an effect."""

    def __init__(self) -> None:
        self.url = ""
        self.count = 0
        self.counted = threading.Event()
        self.faults = Faults()

    def app(self) -> Starlette:
        routes = [
            Route("/count", self._endpoint, methods=["POST"]),
            control(self, frozenset({"value"})),
        ]
        return Starlette(routes=routes)

    def announcement(self) -> dict[str, Any]:
        return {}

    def value(self, plus: int = 0) -> int:
        return self.count + plus

    async def _endpoint(self, request: Request) -> Response:
        await request.body()
        return await self.faults.answer("POST /count", self._count, self._refuse)

    async def _count(self) -> Response:
        self.count += 1
        self.counted.set()
        return JSONResponse({"count": self.count})

    def _refuse(self, fault: Fault) -> Response:
        return JSONResponse({}, int(fault.kind))


@pytest.fixture(scope="module")
def served() -> Iterator[Counter]:
    counter = Counter()
    with Loopback() as loopback:
        loopback.open(counter)
        yield counter


@pytest.fixture
def counter(served: Counter) -> Iterator[Counter]:
    served.count = 0
    served.counted.clear()
    yield served
    served.faults.clear()
    served.faults.up()


@pytest.fixture
def call(counter: Counter) -> Iterator[Callable[[], httpx.Response]]:
    with httpx.Client(base_url=counter.url, timeout=0.3, trust_env=False) as client:
        yield lambda: client.post("/count", content=b"{}")


def test_without_a_fault_a_call_is_answered(
    counter: Counter, call: Callable[[], httpx.Response]
) -> None:
    assert call().json() == {"count": 1}


@pytest.mark.parametrize("kind", sorted(CLEAN))
def test_a_clean_error_has_no_effect_and_passes(
    counter: Counter, call: Callable[[], httpx.Response], kind: Any
) -> None:
    counter.faults.add("/count", kind)
    assert call().status_code == int(kind)
    assert counter.count == 0
    assert call().status_code == 200


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_cut_is_a_connection_closed_without_an_answer(
    counter: Counter, call: Callable[[], httpx.Response], kind: Any
) -> None:
    counter.faults.add("/count", kind)
    with pytest.raises(CUT):
        call()
    assert counter.count == (kind in AFTER_THE_EFFECT)


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
def test_a_timeout_is_no_answer_until_the_client_gives_up(
    counter: Counter, call: Callable[[], httpx.Response], kind: Any
) -> None:
    counter.faults.add("/count", kind)
    with pytest.raises(httpx.ReadTimeout):
        call()
    assert counter.count == (kind in AFTER_THE_EFFECT)


def test_a_held_answer_is_given_up_when_the_faults_are_cleared(
    counter: Counter,
) -> None:
    counter.faults.add("/count", "timeout_before")

    def clear_once_held() -> None:
        give_up = time.monotonic() + 10
        while not counter.faults.holding and time.monotonic() < give_up:
            time.sleep(0.001)
        counter.faults.clear()

    with ThreadPoolExecutor(1) as pool:
        clearing = pool.submit(clear_once_held)
        with pytest.raises(CUT):
            httpx.post(counter.url + "/count", timeout=30, trust_env=False)
        clearing.result()


def test_a_late_effect_comes_after_the_client_has_gone(
    counter: Counter, call: Callable[[], httpx.Response]
) -> None:
    counter.faults.add("/count", "late", delay=0.4)
    with pytest.raises(httpx.ReadTimeout):
        call()
    assert counter.count == 0
    assert counter.counted.wait(timeout=10)


@pytest.mark.parametrize("kind", ["drip", "slow", "late"])
def test_a_slow_answer_is_whole_for_a_client_that_waits(
    counter: Counter, call: Callable[[], httpx.Response], kind: Any
) -> None:
    counter.faults.add("/count", kind, delay=0.001)
    assert call().json() == {"count": 1}


def test_a_page_for_people_comes_with_200(
    counter: Counter, call: Callable[[], httpx.Response]
) -> None:
    counter.faults.add("/count", "html")
    assert call().headers["content-type"].startswith("text/html")
    assert counter.count == 0


def test_a_fault_lets_the_first_pass_and_ends_by_itself(
    counter: Counter, call: Callable[[], httpx.Response]
) -> None:
    counter.faults.add("/count", "500", skip=1, times=2)
    assert [call().status_code for _ in range(4)] == [200, 500, 500, 200]


def test_while_down_every_call_is_cut(
    counter: Counter, call: Callable[[], httpx.Response]
) -> None:
    counter.faults.down()
    with pytest.raises(CUT):
        call()
    counter.faults.up()
    assert call().status_code == 200


def test_a_fault_must_be_one_we_know(counter: Counter) -> None:
    with pytest.raises(ValueError, match="no fault"):
        counter.faults.add("/count", "418")  # type: ignore[arg-type]
    assert len(KINDS) == 16


def test_only_listed_verbs_are_spoken_over_http(counter: Counter) -> None:
    def speak(**body: Any) -> httpx.Response:
        return httpx.post(counter.url + "/_control", json=body, trust_env=False)

    assert speak(verb="value", args={"plus": 3}).json() == {"result": 3}
    assert speak(verb="announcement").status_code == 400
    assert speak(verb="value", args={"minus": 3}).status_code == 400


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"content-type": "text/plain"}]
)
def test_a_page_in_a_browser_cannot_speak_verbs(
    counter: Counter, headers: dict[str, str]
) -> None:
    answer = httpx.post(
        counter.url + "/_control",
        content=b'{"verb": "value"}',
        headers={"content-type": "application/json"} | headers,
        trust_env=False,
    )
    assert answer.status_code == 403
