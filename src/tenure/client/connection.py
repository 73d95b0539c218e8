"""One kept-alive HTTP connection to a Tenure, over TCP or over control's Unix socket; standard library only."""

from __future__ import annotations

import contextlib
import http.client
import select
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec

from tenure.kit.errors import Kind, TenureError
from tenure.serving.sockets import connect_unix

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    Body = bytes | Iterable[bytes]

TIMEOUT_SECONDS = 600.0


class Unreachable(TenureError):
    """Nobody answers there."""

    code = "unreachable"
    kind = Kind.UNAVAILABLE
    message = "no Tenure answers at {url}: {why}"
    next_step = "start one with `tenure up`, or set TENURE_URL to where it runs"


class BadUrl(TenureError):
    """The text is no http address."""

    code = "bad-url"
    kind = Kind.BAD_INPUT
    message = "{url!r} is not an http:// or https:// address"
    next_step = "write it as http://HOST:PORT"


class RemoteProblem(TenureError):
    """What the server refused, in the server's own words: `document` is the RFC 9457 problem as it came."""

    code = "remote-problem"
    kind = Kind.REFUSED
    message = "{detail}"
    next_step = "{next_step}"

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(**({"detail": "", "next_step": "", "status": 0, "code": self.code} | dict(document)))
        self.document = dict(document)

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return int(self.facts["status"])

    @property
    def problem_code(self) -> str:
        """Return the stable code of the server's error."""
        return str(self.facts["code"])


class Connection:
    """Sends requests one after the other; use one per thread.

    `certificate` is the one that an https server must have, whatever its name; without it the system's authorities count.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        unix_socket: Path | None = None,
        timeout: float = TIMEOUT_SECONDS,
        certificate: Path | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadUrl(url=url)
        self.url = url.rstrip("/")
        self._token = token
        self._base = parts.path.rstrip("/")
        self._http = _opened(parts.scheme, parts.hostname, parts.port, unix_socket, timeout, certificate)

    def send(
        self,
        verb: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the body of the answer; raise `RemoteProblem` when it is none of success, `Unreachable` when there is none."""
        return self.exchange(verb, path, query, body, headers)[0]

    def exchange(
        self,
        verb: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[bytes, Mapping[str, str]]:
        """Return the body and the headers of the answer, their names in small letters; raise as `send` does."""
        target = self._base + path + (f"?{urlencode(query, doseq=True)}" if query else "")
        self._drop_if_stale()
        try:
            self._http.request(verb, target, body=body, headers=self._headers(headers))
            response = self._http.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(url=self.url, why=str(error) or type(error).__name__) from error
        if response.status >= http.client.BAD_REQUEST:
            document = _document(response.status, response.reason, content)
            if after := response.headers.get("Retry-After"):
                document.setdefault("retry_after", int(after) if after.isdigit() else 1)
            raise RemoteProblem(document)
        return content, {name.lower(): value for name, value in response.headers.items()}

    def json(
        self,
        verb: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send and receive JSON."""
        body = None if document is None else msgspec.json.encode(document)
        content = self.send(verb, path, query, body, {"Content-Type": "application/json", **(headers or {})})
        return msgspec.json.decode(content) if content else None

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        self._http.close()

    def _headers(self, more: Mapping[str, str] | None) -> dict[str, str]:
        own = {"Accept": "application/json", "User-Agent": "tenure"}
        if self._token:
            own["Authorization"] = f"Bearer {self._token}"
        return own | dict(more or {})

    def _drop_if_stale(self) -> None:
        # A kept-alive connection that became readable between two requests was closed by the server. Noticing it
        # here, before anything is sent, means that no request is ever sent twice.
        if self._http.sock is not None and select.select([self._http.sock], [], [], 0)[0]:
            self._http.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = connect_unix(self._path, timeout=self.timeout)


def _opened(
    scheme: str, host: str, port: int | None, unix_socket: Path | None, timeout: float, certificate: Path | None
) -> http.client.HTTPConnection:
    if unix_socket is not None:
        return _UnixConnection(unix_socket, timeout)
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=_trust(certificate))
    return http.client.HTTPConnection(host, port, timeout=timeout)


def _trust(certificate: Path | None) -> ssl.SSLContext:
    """Return what servers are believed: all that the system (and SSL_CERT_FILE) vouches for, or one certificate alone."""
    context = ssl.create_default_context(cafile=None if certificate is None else str(certificate))
    if certificate is not None:
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _document(status: int, reason: str, content: bytes) -> dict[str, Any]:
    with contextlib.suppress(msgspec.DecodeError):
        found = msgspec.json.decode(content)
        if isinstance(found, dict) and "status" in found:
            return found
    return {"status": status, "title": reason, "detail": f"HTTP {status} {reason}", "code": "http", "next_step": ""}
