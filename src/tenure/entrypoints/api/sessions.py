"""Signing in and out over HTTP: sessions as JSON for programs and the console, and `/sign-in` as a page and a link."""

from __future__ import annotations

import asyncio
from html import escape
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from urllib.parse import parse_qs

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import Body

from tenure.app import wire
from tenure.entrypoints.api.errors import CHALLENGE_OF_SCRIPTS, InvalidInput, status_of
from tenure.entrypoints.api.inputs import NO_QUERY
from tenure.entrypoints.api.origins import client_address, is_same_origin, is_secure
from tenure.entrypoints.api.pages import page
from tenure.entrypoints.api.routes import actor_of
from tenure.governance.sessions import COOKIE, SECURE_COOKIE, SESSION_LIFE, CsrfRefused
from tenure.kit.clock import SECOND
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

    from tenure.governance.access import Actor

SIGN_IN = "/sign-in"
_LONGEST = 1 << 14


class Desk(Protocol):
    """What signing in is done with: `app.reception.Reception`."""

    def sign_in(self, given: wire.SignIn, address: str) -> tuple[wire.SessionAnswer, str]:
        """Begin a session and return it with its secret."""

    def sign_out(self, actor: Actor, secret: str) -> None:
        """End the session of this secret."""

    def current(self, actor: Actor, secret: str | None) -> wire.SessionAnswer:
        """Say who is asking and what they may do."""


def session_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """Return the routes; who may come without being signed in is the door's table (`door.py`)."""

    @post(
        "/api/v1/sessions",
        operation_id="sessions:begin",
        summary="begin sessions",
        tags=["sessions"],
        status_code=200,
        opt=NO_QUERY,
    )
    async def begin(request: Request[Any, Any, Any], data: Annotated[wire.SignIn, Body()]) -> Response[bytes]:
        """Sign in, by one of three ways; sets the session's cookie unless `bearer` is asked for."""
        _refuse_other_sites(request)
        began, secret = await asyncio.to_thread(desk.sign_in, data, client_address(_headers(request)))
        if data.bearer:
            return _json(msgspec.structs.replace(began, token=secret, csrf_token=None))
        return _json(began, {"Set-Cookie": cookie(secret, secure=is_secure(_headers(request)))})

    @get(
        "/api/v1/sessions/current",
        operation_id="sessions:current",
        summary="current sessions",
        tags=["sessions"],
        opt=NO_QUERY,
        sync_to_thread=True,
    )
    def current(request: Request[Any, Any, Any]) -> wire.SessionAnswer:
        """Say who is asking, what they may do, and the CSRF token of their session."""
        return desk.current(actor_of(request), _secret(request))

    @delete(
        "/api/v1/sessions/current",
        operation_id="sessions:leave",
        summary="leave sessions",
        tags=["sessions"],
        status_code=200,
        opt=NO_QUERY,
        sync_to_thread=True,
    )
    def leave(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Sign out: the session opens nothing from now on."""
        secret = _secret(request)
        if secret is not None:
            desk.sign_out(actor_of(request), secret)
        return Response(b"{}", media_type="application/json", headers={"Set-Cookie": no_cookie(request)})

    @get(SIGN_IN, include_in_schema=False)
    async def by_link(request: Request[Any, Any, Any]) -> Response[Any]:
        code = request.query_params.get("code", "")
        if not code:
            return sign_in_page(_next(request.query_params.get("next")))
        return await _entered(request, desk, wire.SignIn(code=code), "/")

    @post(SIGN_IN, include_in_schema=False, status_code=200, request_max_body_size=_LONGEST)
    async def by_form(request: Request[Any, Any, Any]) -> Response[Any]:
        _refuse_other_sites(request)
        fields = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        where = _next(fields.pop("next", None))
        try:
            given = msgspec.convert(fields, wire.SignIn)
        except msgspec.ValidationError as error:
            raise InvalidInput(why=str(error)) from error
        return await _entered(request, desk, given, where)

    return [begin, current, leave, by_link, by_form]


async def _entered(request: Request[Any, Any, Any], desk: Desk, given: wire.SignIn, where: str) -> Response[Any]:
    try:
        _, secret = await asyncio.to_thread(desk.sign_in, given, client_address(_headers(request)))
    except TenureError as error:
        if error.kind in {Kind.UNAUTHENTICATED, Kind.OVERLOADED}:
            return sign_in_page(where, str(error), status=status_of(error))
        raise
    headers = {
        "Location": where,
        "Set-Cookie": cookie(secret, secure=is_secure(_headers(request))),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(b"", status_code=303, headers=headers)


def cookie(secret: str, *, secure: bool) -> str:
    """Return the Set-Cookie of a session: never readable by scripts, never sent by another site's writes.

    Over plain HTTP, which is this machine alone, browsers disagree on whether they keep a Secure cookie.
    """
    name, extra = (SECURE_COOKIE, "; Secure") if secure else (COOKIE, "")
    return f"{name}={secret}; Path=/; Max-Age={SESSION_LIFE // SECOND}; HttpOnly; SameSite=Lax{extra}"


def no_cookie(request: Request[Any, Any, Any]) -> str:
    """Return the Set-Cookie that makes a browser forget the session."""
    name, extra = (SECURE_COOKIE, "; Secure") if is_secure(_headers(request)) else (COOKIE, "")
    return f"{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{extra}"


def sign_in_page(where: str, refused: str = "", status: int = 200) -> Response[str]:
    """Return the page with the two forms; it works without any script."""
    told = f'<p role="alert"><strong>{escape(refused)}</strong></p>' if refused else ""
    hidden = f'<input type="hidden" name="next" value="{escape(where)}">'
    made = page(
        "Sign in",
        f"{told}<form method=post action=sign-in>{hidden}"
        "<p><label>Name<br><input name=user autocomplete=username autofocus required></label></p>"
        "<p><label>Password<br><input name=password type=password autocomplete=current-password required></label></p>"
        "<p><button>Sign in</button></p></form>"
        f"<h2>With a token</h2><form method=post action=sign-in>{hidden}"
        "<p><label>Token<br><input name=token type=password autocomplete=off required></label></p>"
        "<p><button>Sign in</button></p></form>"
        '<p class="dim">On the machine itself, <code>tenure users link</code> prints a link that signs you in.</p>',
    )
    made.status_code = status
    if status == 401:
        made.headers["WWW-Authenticate"] = CHALLENGE_OF_SCRIPTS
    return made


def _refuse_other_sites(request: Request[Any, Any, Any]) -> None:
    if not is_same_origin(_headers(request)):
        raise CsrfRefused(why="another site's page may not sign anybody in here")


def _next(given: str | None) -> str:
    """Return where to go after signing in: a path of this site and of no other."""
    return given if given and given.startswith("/") and not given.startswith(("//", "/\\")) else "/"


def _headers(request: Request[Any, Any, Any]) -> dict[bytes, bytes]:
    return dict(request.scope["headers"])


def _secret(request: Request[Any, Any, Any]) -> str | None:
    found: str | None = request.scope["state"].get("session")
    return found


def _json(found: wire.SessionAnswer, headers: dict[str, str] | None = None) -> Response[bytes]:
    content = msgspec.json.encode(found)
    return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"} | (headers or {}))
