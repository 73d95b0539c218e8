"""A request that comes twice under one Idempotency-Key: done once, and answered alike (draft-ietf-httpapi-idempotency-key-header).

The key is kept by whoever asks, never here: what is stored under its hash can be read only with the key itself, so that
an answer which holds a secret is as unreadable at rest as if it had not been kept.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tenure.kit.clock import DAY
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tenure.kit.clock import Clock

#: how long a request is remembered, in microseconds
REMEMBERED = DAY
LONGEST_KEY = 255
#: bytes of an answer that are kept at most
_LONGEST_ANSWER = 1 << 20


class KeyInUse(TenureError):
    """The request of this Idempotency-Key is under way just now."""

    code = "idempotency-key-in-use"
    kind = Kind.CONFLICT
    message = "the Idempotency-Key {key!r} belongs to a request that is under way just now"
    next_step = "ask again with the same key in a moment"


class KeyReused(TenureError):
    """An Idempotency-Key was used before for something else (draft-ietf-httpapi-idempotency-key-header, section 2.7)."""

    code = "idempotency-key-reused"
    kind = Kind.BAD_INPUT
    message = "the Idempotency-Key {key!r} was used for another request"
    next_step = "use a new key for a new request, the same key only to repeat the same one"


class BadKey(TenureError):
    """The Idempotency-Key cannot be one."""

    code = "bad-idempotency-key"
    kind = Kind.BAD_INPUT
    message = "an Idempotency-Key has 1 to 255 characters, this one has {length}"
    next_step = "use a UUID"


class AnswerLost(TenureError):
    """What was asked for is done, but the answer to it is not there to be given again."""

    code = "answer-lost"
    kind = Kind.CONFLICT
    message = "this was done already (row {event} of the audit trail), but its answer {why}"
    next_step = "do not repeat it: read what is there now"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it can be given again."""

    status: int
    body: bytes
    media_type: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A request that came under a key: `key` and `request` are keyed hashes (hex), `run` the process that took it.

    `event` is the audit row that its effect was committed with, None while there is no effect; `answer` is sealed, None
    while there is none, and empty where it was too long.
    """

    actor: str
    key: str
    request: str
    at: int
    run: str
    event: int | None = None
    answer: str | None = None


def is_new(kept: Kept | None, key: str, request: str, run: str) -> bool:
    """Return whether a request is to be done, False where its answer is to be given again.

    Raises `KeyReused`, `KeyInUse` or `AnswerLost`.
    """
    if kept is None:
        return True
    if kept.request != request:
        raise KeyReused(key=key)
    if kept.answer == "":
        raise AnswerLost(event=kept.event, why="was too long to be kept")
    if kept.answer is not None:
        return False
    if kept.run == run:
        raise KeyInUse(key=key)
    if kept.event is not None:
        raise AnswerLost(event=kept.event, why="was lost when the process ended that did it")
    # Whoever took it ended before anything was committed.
    return True


@dataclass(frozen=True, slots=True)
class Named:
    """The row of a request that is under way: its effect is noted there, in the effect's own transaction."""

    actor: str
    key: str


#: the request under a key that this thread is doing; the audit trail notes its effect (adapters/sql/audit.py)
UNDER_WAY: ContextVar[Named | None] = ContextVar("UNDER_WAY", default=None)


class RepeatStore(Protocol):
    """Where requests are remembered."""

    def transaction(self) -> AbstractContextManager[object]:
        """Begin or join the write transaction."""

    def get(self, actor: str, key: str) -> Kept | None:
        """Return what is remembered of an actor's key."""

    def put(self, kept: Kept) -> None:
        """Remember a request in the place of what was there."""

    def answered(self, actor: str, key: str, answer: str) -> None:
        """Keep the sealed answer."""

    def drop(self, actor: str, key: str) -> None:
        """Forget a request."""

    def forget(self, before: int) -> None:
        """Forget the requests that came before a moment."""


class Seals(Protocol):
    """Keeps answers so that they can be read only with the key under which they were asked for."""

    def mark(self, key: str, content: bytes) -> str:
        """Return the keyed hash (hex) of content."""

    def seal(self, key: str, answer: Answer) -> str:
        """Return an answer as text that says nothing without the key."""

    def open(self, key: str, text: str) -> Answer:
        """Return the answer again."""


class Repeats:
    """Does requests that come under a key once each. `run` names this process, unlike all that were before."""

    def __init__(self, store: RepeatStore, seals: Seals, clock: Clock, run: str) -> None:
        self._store = store
        self._seals = seals
        self._clock = clock
        self._run = run

    def once(
        self, actor: str, key: str, request: bytes, do: Callable[[], Answer], failed: Callable[[Exception], Answer]
    ) -> tuple[Answer, bool]:
        """Return the answer to a request, and whether it is given again.

        `do` is called for the first alone; what it raises is raised, and where it had an effect all the same, the answer
        that `failed` makes of it is kept. Raises `BadKey`, `KeyReused`, `KeyInUse` or `AnswerLost`.
        """
        if not 1 <= len(key) <= LONGEST_KEY:
            raise BadKey(length=len(key))
        now, name, content = self._clock.now(), self._seals.mark(key, actor.encode()), self._seals.mark(key, request)
        with self._store.transaction():
            self._store.forget(now - REMEMBERED)
            kept = self._store.get(actor, name)
            new = is_new(kept, key, content, self._run)
            if new:
                self._store.put(Kept(actor, name, content, now, self._run))
        if not new:
            assert kept is not None, "only what is kept is given again"
            return self._seals.open(key, kept.answer or ""), True
        return self._done(Named(actor, name), key, do, failed), False

    def _done(self, named: Named, key: str, do: Callable[[], Answer], failed: Callable[[Exception], Answer]) -> Answer:
        try:
            with _under_way(named):
                answer = do()
        except Exception as error:
            kept = self._store.get(named.actor, named.key)
            if kept is None or kept.event is None:
                # Nothing came of it, so it may be asked again.
                self._store.drop(named.actor, named.key)
            else:
                self._keep(named, key, failed(error))
            raise
        self._keep(named, key, answer)
        return answer

    def _keep(self, named: Named, key: str, answer: Answer) -> None:
        sealed = self._seals.seal(key, answer) if len(answer.body) <= _LONGEST_ANSWER else ""
        self._store.answered(named.actor, named.key, sealed)


@contextlib.contextmanager
def _under_way(named: Named) -> Iterator[None]:
    before = UNDER_WAY.set(named)
    try:
        yield
    finally:
        UNDER_WAY.reset(before)
