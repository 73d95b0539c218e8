"""Ask a running Tenure from Python: decisions, outcomes, and every action by its name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import msgspec

from tenure.client.asking import asked
from tenure.client.connection import TIMEOUT_SECONDS, Connection
from tenure.client.tables import plain_rows
from tenure.client.version import Version
from tenure.client.where import Local, Remote, where

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_PIECE = 1 << 20
_OUTCOMES_AT_ONCE = 1000


class Client:
    """A Tenure to talk to, over one kept-alive connection; use one client per thread.

    With no `url` it is what the environment means: TENURE_URL with TENURE_TOKEN, else the home on this machine, else
    the last `tenure login`. Errors are `tenure.kit.errors.TenureError`: `RemoteProblem` carries the server's problem.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        connection: Connection | None = None,
    ) -> None:
        self._connection = connection or _connection(url, token, timeout)

    @property
    def url(self) -> str:
        """Return the address that the client speaks to."""
        return self._connection.url

    def decide(self, application: str, request: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        """Return the decision on a request; the same `key` with the same request is decided only once."""
        headers = {"Idempotency-Key": key} if key else None
        path = f"/api/v1/applications/{quote(application, safe='')}/decisions"
        return self._connection.json("POST", path, document=dict(request), headers=headers)  # type: ignore[no-any-return]

    def decide_batch(
        self, application: str, rows: Sequence[Any], key: str | None = None, first: int = 0
    ) -> dict[str, Any]:
        """Return the decisions on up to 10,000 requests: `answers` in order, a refused row with its `problem` in place.

        With a `key`, row n is decided only once under `key/(first + n)`, however often it is sent.
        """
        document = {"rows": list(rows), "key": key, "first": first}
        path = f"/api/v1/applications/{quote(application, safe='')}/decisions/batch"
        return self._connection.json("POST", path, document=document)  # type: ignore[no-any-return]

    def decision(self, decision_id: str) -> dict[str, Any]:
        """Return a decision made earlier."""
        return self.call("decisions:show", decision=decision_id)  # type: ignore[no-any-return]

    def outcomes(self, application: str, outcomes: Sequence[Mapping[str, Any]]) -> int:
        """Tell the truth about earlier decisions and return how many were recorded.

        Each outcome has `decision_id` and `value`, and if known `observed_at` (RFC 3339).
        """
        told = [{"application": application, **outcome} for outcome in outcomes]
        pieces = (told[start : start + _OUTCOMES_AT_ONCE] for start in range(0, len(told), _OUTCOMES_AT_ONCE))
        return sum(self._connection.json("POST", "/api/v1/outcomes", document=piece)["recorded"] for piece in pieces)

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
        """Perform an action that takes a package."""
        from tenure.app.packaging import pack

        manifest = (package / "manifest.json").read_bytes()
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

    def call(self, action: str, **given: Any) -> Any:
        """Perform any action by its name, as `call("versions:promote", model="churn", version="2", reason="better")`."""
        request = asked(action, given)
        return self._connection.json(request.verb, request.path, request.query, request.document)

    def sign_in(self, **given: str) -> str:
        """Begin a session by `user` and `password`, by `token` or by the `code` of a link; return its bearer token."""
        answer = self._connection.json("POST", "/api/v1/sessions", document=given | {"bearer": True})
        return str(answer["token"])

    def sign_out(self) -> None:
        """End the session whose bearer token this client has."""
        self._connection.json("DELETE", "/api/v1/sessions/current")

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Use the client for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def _send_file(self, action: str, archive: Path, given: Mapping[str, Any]) -> Any:
        request = asked(action, given)
        headers = {"Content-Type": "application/x-tar", "Content-Length": str(archive.stat().st_size)}
        content = self._connection.send(request.verb, request.path, request.query, _pieces(archive), headers)
        return msgspec.json.decode(content)


def _connection(url: str | None, token: str | None, timeout: float) -> Connection:
    meant = Remote(url, token or os.environ.get("TENURE_TOKEN")) if url else where(os.environ)
    match meant:
        case Remote():
            return Connection(meant.url, token or meant.token, timeout=timeout)
        case Local():
            return Connection("http://localhost", token, meant.home.control_socket, timeout)


def _digests(answer: bytes) -> list[str]:
    return list(msgspec.json.decode(answer)["missing"])


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece
