"""Ask a running Tenure from Python: decisions, outcomes, and every action by its name."""

from __future__ import annotations

import os
import re
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from tenure.client.asking import asked
from tenure.client.connection import TIMEOUT_SECONDS, Connection, RemoteProblem, Unreachable
from tenure.client.gateways import owners_connection
from tenure.client.tables import plain_rows
from tenure.client.version import Version
from tenure.client.where import Local, Remote, where
from tenure.kit.cursors import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tenure.client.asking import Asked
    from tenure.settings import Home

_PIECE = 1 << 20
_JSON = {"Content-Type": "application/json"}
_KEY = "Idempotency-Key"
_NEEDS_ETAG = "precondition-required"
_UNDER_WAY = "idempotency-key-in-use"
_CONTROL_LOST = "control-unavailable"
#: seconds before a request is sent again
_PAUSE = 0.5
_T = TypeVar("_T")
_NEXT = re.compile(r"""<([^>]*)>;\s*rel="next\"""")
_OUTCOMES_AT_ONCE = 1000


class Encoded(msgspec.Struct, frozen=True):
    """The answers to a batch, each the JSON that came on one line, and how many of them are problems."""

    answers: list[msgspec.Raw]
    refused: int = 0


class Client:
    """A Tenure to talk to, over one kept-alive connection; use one client per thread.

    With no `url` it is what the environment means: TENURE_URL with TENURE_TOKEN, else the home on this machine, else
    the last `tenure login`. At the home on this machine actions go to its control process, and what gateways do (decide,
    take outcomes and events) to them, as the owner. Errors are `tenure.kit.errors.TenureError`: `RemoteProblem` carries the server's problem.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = 3,
        connection: Connection | None = None,
    ) -> None:
        self._retries = retries
        self._timeout = timeout
        #: the home on this machine, where that is meant
        self._home: Home | None = None
        self._connection = connection or self._meant(url, token)
        self._owners: Connection | None = None

    @property
    def url(self) -> str:
        """Return the address that the client speaks to."""
        return self._connection.url

    @property
    def _deciding(self) -> Connection:
        """Return the connection to who decides: of a home on this machine, not the control process but the gateways."""
        if self._home is None:
            return self._connection
        if self._owners is None:
            self._owners = owners_connection(self._home, self._timeout)
        return self._owners

    def _meant(self, url: str | None, token: str | None) -> Connection:
        meant = Remote(url, token or os.environ.get("TENURE_TOKEN")) if url else where(os.environ)
        match meant:
            case Remote():
                return Connection(meant.url, token or meant.token, timeout=self._timeout)
            case Local(home):
                self._home = home
                return Connection("http://localhost", token, home.control_socket, self._timeout)

    def decide(self, application: str, request: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        """Return the decision on a request; the same `key` with the same request is decided only once.

        With a `key` the request is sent again when the connection breaks or the server has no room, at most `retries`
        times; without one nothing is ever sent twice.
        """
        headers = {"Idempotency-Key": key} if key else None
        path = f"/api/v1/applications/{quote(application, safe='')}/decisions"
        left = self._retries if key else 0
        while True:
            try:
                return self._deciding.json("POST", path, document=dict(request), headers=headers)  # type: ignore[no-any-return]
            except (Unreachable, RemoteProblem) as error:
                pause = pause_before_retry(error)
                if not left or pause is None:
                    raise
            left -= 1
            time.sleep(pause)

    def decide_batch(
        self, application: str, rows: Sequence[Any], key: str | None = None, first: int = 0
    ) -> dict[str, Any]:
        """Return the decisions on up to 10,000 requests: `answers` in order, a refused row with its `problem` in place.

        With a `key`, row n is decided only once under `key/(first + n)`, however often it is sent.
        """
        return msgspec.json.decode(self._batch(application, rows, key, first))  # type: ignore[no-any-return]

    def decide_encoded(self, application: str, rows: Sequence[Any], key: str, first: int) -> Encoded:
        """Return the same with the answers as they came, for whoever only keeps them."""
        return msgspec.json.decode(self._batch(application, rows, key, first), type=Encoded)

    def _batch(self, application: str, rows: Sequence[Any], key: str | None, first: int) -> bytes:
        body = msgspec.json.encode({"rows": list(rows), "key": key, "first": first})
        path = f"/api/v1/applications/{quote(application, safe='')}/decisions/batch"
        return self._deciding.send("POST", path, None, body, _JSON)

    def decision(self, decision_id: str) -> dict[str, Any]:
        """Return a decision made earlier."""
        return self.call("decisions:show", decision=decision_id)  # type: ignore[no-any-return]

    def outcomes(self, application: str, outcomes: Sequence[Mapping[str, Any]]) -> int:
        """Tell the truth about earlier decisions and return how many were recorded.

        Each outcome has `decision_id` and `value`, and if known `observed_at` (RFC 3339).
        """
        told = [{"application": application, **outcome} for outcome in outcomes]
        pieces = (told[start : start + _OUTCOMES_AT_ONCE] for start in range(0, len(told), _OUTCOMES_AT_ONCE))
        return sum(self._deciding.json("POST", "/api/v1/outcomes", document=piece)["recorded"] for piece in pieces)

    def events(self, application: str, events: Sequence[Mapping[str, Any]]) -> int:
        """Tell what happened, all of it or none, and return how many events were recorded; the next decision knows them.

        Each has `event` and `values`, and if known `at` (RFC 3339) and an `id` of its own: the same one counts once.
        """
        path = f"/api/v1/applications/{quote(application, safe='')}/events"
        return int(self._deciding.json("POST", path, document={"events": list(events)})["recorded"])

    def ingest(self, view: str, rows: Any, **given: Any) -> int:
        """Take rows into a feature view, all or none, and return how many said something new.

        `rows` are a list of objects, a pandas or polars DataFrame or an Arrow table; `key` names the column that carries
        the key (needed the first time), `at_column` the one that says since when a row is known. Other parameters are
        those of the action `features:ingest`.
        """
        return int(self.call("features:ingest", view=view, rows=plain_rows(rows), **given)["new"])

    def join(self, rows: Any, at: str = "event_time", *, views: Sequence[str] = (), application: str = "") -> Any:
        """Return a training set as an Arrow table: the rows in their order, each with what the views knew at its moment.

        `views` are `VIEW` or `VIEW:COLUMN`, where the rows' column has another name than the view's key; `application`
        takes those that it reads, with its defaults. Needs pyarrow.
        """
        from tenure.client.tables import arrow_table, from_parquet, to_parquet

        asked = {name: column for name, _, column in (one.partition(":") for one in views)}
        table = to_parquet(arrow_table(rows))
        found = self.call("features:join", table=table, at=at, views=asked, application=application or None)
        return from_parquet(found["parquet"])

    def register(self, package: Path, reason: str = "") -> Version:
        """Upload a package folder, without the blobs that the server has, and return the version it became."""
        answer = self.upload("versions:register", package, reason=reason or None)
        return Version(self, answer["model"], answer["version"], answer)

    def upload(self, action: str, package: Path, **given: Any) -> Any:
        """Perform an action that takes a package, or an unpacked export that holds one."""
        from tenure.app.packaging import pack

        inner = package / "package"
        manifest = ((inner if inner.is_dir() else package) / "manifest.json").read_bytes()
        missing = self._connection.send("POST", "/api/v1/packages/missing", body=manifest)
        archive = pack(package, _digests(missing))
        try:
            return self._send_file(action, archive, given)
        finally:
            archive.unlink()

    def version(self, model: str, number: int | str) -> Version:
        """Return a version by its number or an alias."""
        answer = self.call("versions:show", model=model, version=str(number))
        return Version(self, model, answer["version"], answer)

    def call(self, action: str, /, **given: Any) -> Any:
        """Perform any action by its name, as `call("versions:promote", model="churn", version="2", reason="better")`.

        What changes something goes under an Idempotency-Key of its own: when the connection breaks it is sent again, at
        most `retries` times, and done once.
        """
        request = asked(action, given)
        if request.verb == "GET":
            return self._whole(request)
        headers = _JSON | {_KEY: uuid.uuid4().hex}
        try:
            return self._surely(lambda: self._answer(request, headers))[0]
        except RemoteProblem as problem:
            if problem.problem_code != _NEEDS_ETAG:
                raise
            # Nothing was done, and the answer says what state it would have been done to.
            headers["If-Match"] = str(problem.facts["etag"])
            return self._surely(lambda: self._answer(request, headers))[0]

    def _surely(self, send: Callable[[], _T]) -> _T:
        """Return what a request that goes under a key is answered, sending it again when the connection breaks.

        Where the first one turns out to be still under way, its answer is waited for.
        """
        left, until = self._retries, time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                return send()
            except (Unreachable, RemoteProblem) as error:
                is_under_way = left < self._retries and error.facts.get("code") == _UNDER_WAY
                if is_under_way and time.monotonic() < until:
                    time.sleep(_PAUSE)
                    continue
                if not left or not is_lost(error):
                    raise
                left -= 1
                time.sleep(_PAUSE)

    def page(self, action: str, /, **given: Any) -> Page:
        """Return one page of a list: at most `limit` rows from `cursor` on, and the cursor of the next page.

        As `page("tokens:list", limit=100)`; `next_cursor` is empty on the last page.
        """
        found, cursor = self._answer(asked(action, given))
        return Page(list(found if isinstance(found, list) else found["decisions"]), cursor)

    def _whole(self, request: Asked) -> Any:
        """Return the answer; of a list all pages, unless the question itself has a limit."""
        found, cursor = self._answer(request)
        while cursor and isinstance(found, list) and "limit" not in request.query:
            page, cursor = self._answer(replace(request, query=request.query | {"cursor": cursor}))
            found += page
        return found

    def _answer(self, request: Asked, headers: Mapping[str, str] = _JSON) -> tuple[Any, str]:
        """Return an answer and the cursor of the next page, empty where there is none."""
        body = None if request.document is None else msgspec.json.encode(request.document)
        content, told = self._connection.exchange(request.verb, request.path, request.query, body, headers)
        found = msgspec.json.decode(content) if content else None
        return found, next_cursor(told.get("link", ""))

    def sign_in(self, **given: str) -> str:
        """Begin a session by `user` and `password`, by `token` or by the `code` of a link; return its bearer token."""
        answer = self._connection.json("POST", "/api/v1/sessions", document=given | {"bearer": True})
        return str(answer["token"])

    def sign_out(self) -> None:
        """End the session whose bearer token this client has."""
        self._connection.json("DELETE", "/api/v1/sessions/current")

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        for each in (self._connection, self._owners):
            if each is not None:
                each.close()

    def __enter__(self) -> Self:
        """Use the client for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def _send_file(self, action: str, archive: Path, given: Mapping[str, Any]) -> Any:
        request = asked(action, given)
        headers = {"Content-Type": "application/x-tar", "Content-Length": str(archive.stat().st_size)}
        headers[_KEY] = uuid.uuid4().hex

        def send() -> bytes:
            return self._connection.send(request.verb, request.path, request.query, _pieces(archive), headers)

        return msgspec.json.decode(self._surely(send))


def is_lost(error: Unreachable | RemoteProblem) -> bool:
    """Return whether nobody knows what became of a request: the connection broke, here or behind the gateway."""
    return isinstance(error, Unreachable) or error.facts.get("code") == _CONTROL_LOST


def pause_before_retry(error: Unreachable | RemoteProblem) -> float | None:
    """Return how many seconds to wait before the same request is worth sending again, None if it never is."""
    if isinstance(error, Unreachable):
        return 0.2
    return float(error.facts.get("retry_after", 1)) if error.status in {429, 502, 503, 504} else None


def next_cursor(link: str) -> str:
    """Return the cursor in the Link header of a page, empty on the last one."""
    found = _NEXT.search(link)
    return parse_qs(urlsplit(found[1]).query)["cursor"][0] if found else ""


def _digests(answer: bytes) -> list[str]:
    return list(msgspec.json.decode(answer)["missing"])


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece
