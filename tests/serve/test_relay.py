"""The bytes of a session: all of them, in order, and never many at a time."""

import asyncio

from tests.serve.tended import RESTORED, Tended, tended, until

from unrolled_tui.serve.sessions.relay import MOST_KEYS

A_TURN = 1 << 17
"""More than is read before the line is looked at again."""


@tended()
async def test_a_line_that_takes_nothing_is_sent_nothing(it: Tended) -> None:
    person = await it.person()
    person.takes = len(person.sent)
    person.relay.keys(b"d")
    await until(lambda: person.full)
    await asyncio.sleep(0.5)  # time enough for some hundred frames
    assert len(person.sent) < person.takes + A_TURN
    person.takes, person.full = None, False
    sent = len(person.sent)
    person.relay.resume()
    person.relay.resume()
    await until(lambda: len(person.sent) > sent + 2 * A_TURN)
    person.relay.keys(b"\x11")
    assert await person.ended() == 0
    assert RESTORED in person.sent


@tended()
async def test_a_session_that_ends_before_a_full_line_still_puts_the_terminal_back(it: Tended) -> None:
    person = await it.person()
    person.takes = len(person.sent)
    person.relay.keys(b"1")
    await until(lambda: person.full)
    person.relay.keys(b"\x11")
    assert await person.ended() == 0
    assert RESTORED in person.sent
    person.relay.resume()


@tended()
async def test_keys_wait_for_a_session_that_is_busy_and_all_arrive(it: Tended) -> None:
    person = await it.person()
    person.relay.keys(b"n")
    sent = 0
    while not person.held:
        person.relay.keys(b"k" * 1000)
        sent += 1000
        assert sent < MOST_KEYS + (1 << 18), "a pseudo-terminal takes some as well, but it has an end"
    assert sent > MOST_KEYS
    await person.sees("awake")
    await until(lambda: not person.held)


@tended()
async def test_who_leaves_takes_the_waiting_keys_along(it: Tended) -> None:
    person = await it.person()
    person.relay.keys(b"h")
    while not person.held:
        person.relay.keys(b"k" * 10_000)
    person.relay.leave()
    await until(lambda: not person.held)
    sent = len(person.sent)
    person.relay.keys(b"k")
    person.relay.resize(10, 10)
    person.relay.resume()
    assert await person.ended() > 128
    assert len(person.sent) == sent


@tended()
async def test_keys_arrive_in_order(it: Tended) -> None:
    person = await it.person()
    digits = "314159265358979323846264338327950288419716939937510"
    for digit in digits:
        person.relay.keys(digit.encode())
    await person.sees("".join(f"{digit}." for digit in digits)[:60])
