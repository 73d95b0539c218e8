"""Deciding the rows of a file over HTTP: in parts, several at once, answers in order, resumed after a kill."""

from __future__ import annotations

import contextlib
import itertools
import queue
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.client.connection import RemoteProblem, Unreachable
from tenure.entrypoints.cli.rows import BadCell, typed
from tenure.entrypoints.cli.streams import Journal, rows_in, run_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tenure.client.client import Client
    from tenure.contract.schema import FieldType
    from tenure.entrypoints.cli.caller import Caller
    from tenure.entrypoints.cli.screen import Screen

#: what an answer may have, in the order of a table's columns
COLUMNS = (
    "decision_id", "application", "revision", "status", "answer", "decided_by", "reasons", "rules", "model", "output",
    "url", "error", "problem",
)  # fmt: skip
_ROWS = 500
_BYTES = 512 << 10
_BUSY = frozenset({429, 503})
_ATTEMPTS = 120
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """Some consecutive rows, encoded; `first` is the number of the first, from 0."""

    first: int
    rows: list[msgspec.Raw]


def request_types(tenure: Caller, application: str) -> dict[str, FieldType]:
    """Return the type of every field of the active revision's request."""
    request = tenure.call("applications:show", application=application)["definition"]["request"]
    return {field["name"]: field["type"] for field in request}


def decisions_page(tenure: Caller, application: str) -> str:
    """Return the address at which an application's decisions are shown."""
    url: str = tenure.call("applications:show", application=application)["url"]
    return url.removesuffix(f"/applications/{application}") + f"/decisions?application={application}"


@contextlib.contextmanager
def decided(
    connect: Callable[[], Client],
    application: str,
    types: Mapping[str, FieldType],
    source: Path,
    output: Path | None,
    key: str,
    connections: int,
    count: Callable[[int], None],
) -> Iterator[Journal]:
    """Decide every row of a file, and give its answers; a row that is refused has its problem under `error`.

    Row n has the Idempotency-Key `key/n`. What was answered is kept beside the output, so that the same run goes on
    where it was killed; what was decided but not yet kept is asked again under its keys, and so decided only once.
    The kept answers are removed when the block ends without an error.
    """
    with tempfile.TemporaryDirectory() as temporary:
        kept = output.with_name(f"{output.name}.part") if output else Path(temporary) / "answers"
        journal = Journal(kept, run_of(application, key, source))
        try:
            count(journal.count)
            rows = itertools.islice(rows_in(source), journal.count, None)
            parts = parts_of((_typed(row, types) for row in rows), journal.count)
            for answers in _answers(connect, application, key, connections, parts):
                journal.add(answers)
                count(len(answers))
            yield journal
        except BaseException:
            journal.close()
            raise
        journal.close(remove=True)


def show(screen: Screen, application: str, journal: Journal, run: str, output: Path | None, url: str) -> int:
    """Show what a run came to, and return how many rows were refused."""
    failed = journal.failed
    if output is None and screen.as_json:
        screen.document_of_many(journal.answers())
        return failed
    facts = {"decided": journal.count - failed, "failed": failed, "key": run, "output": str(output or ""), "url": url}
    screen.facts(facts, application)
    if output is None:
        first = list(itertools.islice(journal.answers(), 20))
        screen.table(first, first, ("decision_id", "answer", "decided_by", "rules", "error"))
    return failed


def parts_of(rows: Iterable[Mapping[str, Any]], first: int) -> Iterator[Part]:
    """Give the rows in parts that one request carries easily."""
    some: list[msgspec.Raw] = []
    size = 0
    for row in rows:
        content = msgspec.json.encode(row)
        if some and (len(some) == _ROWS or size + len(content) > _BYTES):
            yield Part(first, some)
            first, some, size = first + len(some), [], 0
        some.append(msgspec.Raw(content))
        size += len(content)
    if some:
        yield Part(first, some)


def _typed(row: Mapping[str, Any], types: Mapping[str, FieldType]) -> Mapping[str, Any]:
    """Return the row with its types; what cannot be read stays text, and is refused by name in its own place."""
    try:
        return typed(row, types)
    except BadCell:
        return typed(row, {})


def _answers(
    connect: Callable[[], Client], application: str, key: str, connections: int, parts: Iterator[Part]
) -> Iterator[list[bytes]]:
    """Give the answers of each part, in order, while later parts are being decided."""
    clients: queue.SimpleQueue[Client] = queue.SimpleQueue()
    for _ in range(connections):
        clients.put(connect())

    def one(part: Part) -> list[bytes]:
        client = clients.get()
        try:
            return _decided(client, application, key, part)
        finally:
            clients.put(client)

    with ThreadPoolExecutor(connections) as pool:
        waiting = deque(pool.submit(one, part) for part in itertools.islice(parts, connections))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(one, part) for part in itertools.islice(parts, 1))
    for _ in range(connections):
        clients.get().close()


def _decided(client: Client, application: str, key: str, part: Part) -> list[bytes]:
    """Return the answers of one part, waiting while the server is busy or away; asking again decides nothing twice."""
    for attempt in itertools.count(1):
        last = attempt == _ATTEMPTS
        try:
            told = client.decide_encoded(application, part.rows, key, part.first)
            if not told.refused:
                return [bytes(answer) for answer in told.answers]
            answers = [msgspec.json.decode(answer) for answer in told.answers]
            if last or not any(_is_passing(answer) for answer in answers):
                return [msgspec.json.encode(_told(answer)) for answer in answers]
        except RemoteProblem as error:
            if error.status not in _BUSY or last:
                raise
        except Unreachable:
            if last:
                raise
        time.sleep(_PAUSE_SECONDS)
    raise AssertionError


def _is_passing(answer: Mapping[str, Any]) -> bool:
    return "problem" in answer and answer["problem"]["status"] in _BUSY


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    # What is refused begins with its error: so the journal knows it without reading the line.
    return {"error": answer["problem"]["detail"], **answer} if "problem" in answer else answer
