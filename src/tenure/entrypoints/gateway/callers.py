"""Who asks a gateway: whom the Authorization header names, else whose session the cookie is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from tenure.entrypoints.api.unknown import refuse_unknown
from tenure.governance.access import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenure.app.deciding import Deciding
    from tenure.app.generation import Generation
    from tenure.governance.access import Actor


def caller(
    deciding: Deciding, generation: Generation, authorization: str | None, headers: Iterable[tuple[bytes, bytes]]
) -> Actor | None:
    """Return who asks, None for nobody known; a session counts only with its CSRF token."""
    if authorization:
        return deciding.actor(generation, authorization)
    cookies = csrf = b""
    for name, value in headers:
        if name == b"cookie":
            cookies = value
        elif name == b"x-csrf-token":
            csrf = value
    return deciding.session_actor(generation, cookies.decode("latin-1"), csrf.decode("latin-1")) if cookies else None


def known(actor: Actor | None) -> Actor:
    """Return who asks; raise `Unauthenticated` for nobody known."""
    if actor is None:
        raise Unauthenticated
    return actor


def refuse_query(actor: Actor | None, query: bytes) -> None:
    """Raise `UnknownParameter` for the first name in the query of a route that takes none, strangers `Unauthenticated`."""
    known(actor)
    refuse_unknown((name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)), ())
