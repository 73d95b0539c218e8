"""Sends notices over HTTP: certificates checked, no redirect followed, ten seconds at most."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 10.0
_SUCCESS = range(200, 300)


class HttpSender:
    """Posts (model/monitoring/notifying.py)."""

    def send(self, url: str, headers: Mapping[str, str], content: bytes) -> str:
        """Return an empty text when the receiver took it (2xx), else why not."""
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = _connection(parts.scheme, parts.hostname or "", parts.port)
        try:
            connection.request("POST", path, content, {**headers, "User-Agent": "tenure"})
            response = connection.getresponse()
            response.read(1 << 16)
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        return "" if response.status in _SUCCESS else f"it answered {response.status} {response.reason}"


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=_SECONDS)
