"""Who is refused early gets to read why: the answer waits for the rest of a short body, and not for ever."""

import asyncio

from tenure.entrypoints.api import hearing
from tenure.entrypoints.api.hearing import Hearing

PIECES = [{"type": "http.request", "body": b"a" * 1000, "more_body": nth < 4} for nth in range(5)]


async def refusing(scope, receive, send):
    await send({"type": "http.response.start", "status": 403, "headers": []})
    await send({"type": "http.response.body", "body": b"no"})


def events_of(pieces, application=refusing):
    """Return what happens, in order: a number for each piece taken, a status for the answer."""
    events: list[int | str] = []
    waiting = list(enumerate(pieces))

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        nth, piece = waiting.pop(0)
        events.append(nth)
        return piece

    async def send(message):
        if message["type"] == "http.response.start":
            events.append("answer")

    asyncio.run(Hearing(application)({"type": "http"}, receive, send))
    return events


def test_an_early_answer_waits_until_the_body_is_there():
    assert events_of(PIECES) == [0, 1, 2, 3, 4, "answer"]


def test_a_body_that_was_read_is_not_waited_for_again():
    async def reading(scope, receive, send):
        while (await receive())["more_body"]:
            pass
        await refusing(scope, receive, send)

    assert events_of(PIECES, reading) == [0, 1, 2, 3, 4, "answer"]


def test_a_client_that_left_is_not_waited_for():
    assert events_of([PIECES[0], {"type": "http.disconnect"}]) == [0, 1, "answer"]


def test_a_long_or_a_silent_body_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(hearing, "_MOST", 1500)
    assert events_of(PIECES) == [0, 1, "answer"]
    monkeypatch.setattr(hearing, "_SECONDS", 0.01)
    assert events_of(PIECES[:1]) == [0, "answer"]
