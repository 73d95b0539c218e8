"""Who is asking: the door in front of every route. Nobody passes unnamed, except to the pages that explain problems.

Four ways to be known: a token as `Authorization: Bearer`, the same token as a Basic password, a session's cookie (then
a write needs the session's CSRF token too), or being the owner of the home on this machine, which the kernel tells of
whoever connects to control's Unix socket (SO_PEERCRED, unix(7)).
The gateways connect from the same user but speak for strangers, so they mark what they relay and are never trusted so.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import socket
import struct
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol

from tenure.entrypoints.api.errors import PROBLEM_JSON, headers_of, problem, status_of
from tenure.entrypoints.api.origins import ASKED_AT_HEADER, is_page_load, is_same_origin, is_script
from tenure.entrypoints.owners import user_name
from tenure.governance.access import Unauthenticated
from tenure.governance.sessions import (
    CSRF_HEADER,
    SAFE_VERBS,
    CsrfRefused,
    cookie_in,
    is_session_secret,
    refuse_forged,
)
from tenure.kit.errors import Kind, TenureError
from tenure.kit.log_lines import CURRENT, Request
from tenure.serving.front import ASKED_AT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenure.governance.access import Actor

#: Put on every request that a gateway relays; whatever its value, the peer's credentials then count for nothing.
RELAY_HEADER = b"x-tenure-relay"

PEER = "peer-uid"

#: explanations of problems, and what editors check files with, which send no token
_PUBLIC = ("/problems/", "/schemas/")
#: where one signs in, and so is nobody yet
_SIGN_IN = frozenset({("POST", "/api/v1/sessions"), ("GET", "/sign-in"), ("POST", "/sign-in")})
_UCRED = struct.Struct("3i")


class UnreadableAuthorization(TenureError):
    """There is an Authorization header, but of a form that is not understood."""

    code = "unreadable-authorization"
    kind = Kind.UNAUTHENTICATED
    message = "the Authorization header is neither Bearer nor Basic"
    next_step = "send Authorization: Bearer TOKEN, or Basic with the token as the password"


class PeerProtocol(H11Protocol):
    """HTTP that gives the uid of the process at the other end of a Unix socket as the client's address."""

    def connection_made(self, transport: Any) -> None:
        """Ask the kernel who has connected."""
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family == socket.AF_UNIX:
            _, uid, _ = _UCRED.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
            self.client = (PEER, uid)


class Authenticator(Protocol):
    """What knows the tokens."""

    def authenticate(self, token: str) -> Actor:
        """Return whose token it is, or raise an error of kind UNAUTHENTICATED."""

    def authenticate_session(self, secret: str) -> Actor:
        """Return whose session it is, or raise an error of kind UNAUTHENTICATED."""


class Door:
    """Wraps an ASGI application: each request goes in with `scope["state"]["actor"]`, or comes back as a problem.

    `owner` is the uid that owns the home, `local` makes the actor for it from its user name.
    """

    def __init__(self, inner: Any, tokens: Authenticator, owner: int, local: Callable[[str], Actor]) -> None:
        self._inner = inner
        self._tokens = tokens
        self._owner = owner
        self._local = local

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let the request in as an actor, or answer with a problem."""
        if scope["type"] == "http":
            _have_logs_name(scope["headers"])
        if scope["type"] == "http" and not is_public(scope["method"], scope["path"]):
            headers = dict(scope["headers"])
            try:
                scope.setdefault("state", {})["actor"] = await self._actor(scope, headers)
            except TenureError as error:
                await _refuse(error, scope, headers, send)
                return
        await self._inner(scope, receive, send)

    async def _actor(self, scope: Any, headers: dict[bytes, bytes]) -> Actor:
        if authorization := headers.get(b"authorization"):
            token = token_in(authorization)
            if is_session_secret(token):
                scope["state"]["session"] = token
                return await asyncio.to_thread(self._tokens.authenticate_session, token)
            return await asyncio.to_thread(self._tokens.authenticate, token)
        if secret := cookie_in(headers.get(b"cookie", b"").decode("latin-1")):
            actor = await asyncio.to_thread(self._tokens.authenticate_session, secret)
            if scope["method"] not in SAFE_VERBS:
                _refuse_unmeant(secret, headers)
            scope["state"]["session"] = secret
            return actor
        if RELAY_HEADER not in headers and scope["client"] == (PEER, self._owner):
            return self._local(user_name(self._owner))
        raise Unauthenticated


def _have_logs_name(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Have this request's log lines carry the names that the gateway gave it."""
    named = dict(headers)
    if request := named.get(b"x-request-id"):
        CURRENT.set(Request(request.decode("latin-1"), named.get(b"traceparent", b"").decode("latin-1")))
    if asked_at := named.get(ASKED_AT_HEADER):
        ASKED_AT.set(asked_at.decode("latin-1"))


def is_public(method: str, path: str) -> bool:
    """Return whether a route is open to those who are nobody: explanations of problems, schemas, and signing in."""
    return path.startswith(_PUBLIC) or (method, path) in _SIGN_IN


def _refuse_unmeant(secret: str, headers: dict[bytes, bytes]) -> None:
    """Raise `CsrfRefused` unless the write was meant by the person, and not by another site's page."""
    if not is_same_origin(headers):
        raise CsrfRefused(why="the write comes from another site's page")
    refuse_forged(secret, headers.get(CSRF_HEADER.encode(), b"").decode("latin-1"))


def token_in(authorization: bytes) -> str:
    """Return the token of an Authorization header, be it Bearer or Basic; raise `UnreadableAuthorization` otherwise."""
    scheme, _, value = authorization.decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        return _password_in(value)
    raise UnreadableAuthorization


def _password_in(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UnreadableAuthorization from error


async def _refuse(error: TenureError, scope: Any, headers: dict[bytes, bytes], send: Any) -> None:
    """Answer with the problem; a browser that opens a page is led to where one signs in."""
    body = msgspec.json.encode(problem(error))
    answered = {"Content-Type": PROBLEM_JSON, "Content-Length": str(len(body))}
    answered |= headers_of(error, script=is_script(headers))
    status = status_of(error)
    if error.kind is Kind.UNAUTHENTICATED and is_page_load(scope["method"], scope["path"], headers):
        status, answered["Location"] = 303, f"/sign-in?next={quote(scope['path'])}"
    pairs = [(name.lower().encode(), value.encode()) for name, value in answered.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
