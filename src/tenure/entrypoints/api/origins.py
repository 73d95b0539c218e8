"""Where a browser's request comes from: the same site or another, over TLS or not, and from which address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

#: what a gateway says of a client when it relays: its address, and `https` if it came over TLS
CLIENT_HEADER = b"x-tenure-client"
SCHEME_HEADER = b"x-tenure-scheme"
#: the whole address at which a proxy says that the client asked
ASKED_AT_HEADER = b"x-tenure-asked-at"


def is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a request was made by a page of this site, or by no page at all.

    A browser names the page's origin in every write (Origin, Fetch standard 3.1), and programs name none.
    """
    origin = headers.get(b"origin")
    if origin is None:
        return headers.get(b"sec-fetch-site", b"none") in {b"none", b"same-origin"}
    return urlsplit(origin.decode("latin-1")).netloc.lower() == headers.get(b"host", b"").decode("latin-1").lower()


def is_page_load(method: str, path: str, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a person's browser opens a page, so that an answer should be a page too."""
    return method == "GET" and not path.startswith(("/api/", "/v2/")) and b"text/html" in headers.get(b"accept", b"")


def is_script(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a page's script asks (Fetch Metadata): a challenge would make the browser show a box of its own."""
    return headers.get(b"sec-fetch-dest") == b"empty"


def is_secure(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether the client came over TLS."""
    return headers.get(SCHEME_HEADER) == b"https"


def client_address(headers: Mapping[bytes, bytes]) -> str:
    """Return the client's address as the gateway saw it, empty on this machine's own socket."""
    return headers.get(CLIENT_HEADER, b"").decode("latin-1")
