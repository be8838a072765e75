"""What the headers of an answer say, and what they cannot make us believe."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.okta.answers import Limits, read_answer

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NOON = "Sun, 01 Mar 2026 12:00:00"


def read(**headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(204, headers=named)


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000", ""])
def test_a_date_is_read_in_utc(zone: str) -> None:
    assert read_answer(read(Date=f"{NOON} {zone}"), NOW).date == NOW


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Mar 2026 12:00:00 GMT"])
def test_a_date_that_is_none_is_left_out(date: str) -> None:
    assert read_answer(read(Date=date), NOW).date is None


def test_a_reset_is_counted_by_oktas_own_clock() -> None:
    reset = int((NOW + timedelta(minutes=61)).timestamp())
    answer = read_answer(
        read(
            Date="Sun, 01 Mar 2026 13:00:00 GMT",
            X_Rate_Limit_Limit="600",
            X_Rate_Limit_Remaining="599",
            X_Rate_Limit_Reset=str(reset),
        ),
        NOW,
    )
    assert answer.limits == Limits(600, 599, reset, timedelta(minutes=1))


def test_without_a_date_a_reset_is_counted_by_ours() -> None:
    reset = str(int(NOW.timestamp()) + 7)
    assert read_answer(
        read(X_Rate_Limit_Reset=reset), NOW
    ).limits.resets_in == timedelta(seconds=7)


def test_a_reset_that_has_passed_is_now() -> None:
    reset = str(int(NOW.timestamp()) - 7)
    assert read_answer(read(X_Rate_Limit_Reset=reset), NOW).limits.resets_in == (
        timedelta(0)
    )


@pytest.mark.parametrize("value", ["", "-1", "1.5", "0x10", "many", "9" * 40, "٣"])
def test_a_limit_that_is_no_number_says_nothing(value: str) -> None:
    names = (b"X-Rate-Limit-Limit", b"X-Rate-Limit-Remaining", b"X-Rate-Limit-Reset")
    headers = [(name, value.encode()) for name in names]
    answer = read_answer(httpx.Response(204, headers=headers), NOW)
    assert answer.limits == Limits()


@example({"X-Rate-Limit-Reset": b"\x1c0"}, b"")
@given(
    st.dictionaries(
        st.sampled_from(["Date", "Link", "X-Rate-Limit-Reset", "Content-Type"]),
        st.binary(max_size=40),
    ),
    st.binary(max_size=60),
)
def test_any_headers_and_body_are_an_answer(
    headers: dict[str, bytes], body: bytes
) -> None:
    raw = [(name.encode(), value) for name, value in headers.items()]
    answer = read_answer(httpx.Response(200, headers=raw, content=body), NOW)
    assert answer.status == 200
    assert answer.code == "" or answer.code.isalnum()
