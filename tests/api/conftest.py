"""A real server on a real Unix socket, with a small table of actions behind it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenure.app import wire
from tenure.app.actions import Action
from tenure.client.connection import Connection
from tenure.entrypoints.api.routes import application
from tenure.entrypoints.api.server import server
from tenure.governance.access import Actor, Role, Unauthenticated
from tenure.kit.errors import Kind, TenureError
from tenure.serving.sockets import listen_unix
from tests.api.running import brought_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.governance.repeating import Answer

SESSION = "tns_good"


class Promote(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    version: str
    reason: str
    role: str = msgspec.field(default="champion", name="as")
    tags: list[str] = []


class Versions(wire.Listing, frozen=True, kw_only=True):
    model: str
    stage: str = ""


class Nothing(msgspec.Struct, frozen=True):
    pass


class Said(msgspec.Struct, frozen=True):
    action: str
    actor: str
    given: dict[str, Any]
    version: int = 1
    stage: str = "archived"


class NotInService(TenureError):
    code = "not-in-service"
    kind = Kind.REFUSED
    message = "{ref} is not in service"
    next_step = "deploy it with `tenure deploy {ref}`"


class TryLater(TenureError):
    code = "try-later"
    kind = Kind.UNAVAILABLE
    message = "later"


ACTIONS = (
    Action(
        "versions:promote", "POST", "/api/v1/models/{model}/versions/{version}/promote", Promote, Said, lambda *_: None
    ),
    Action("versions:list", "GET", "/api/v1/models/{model}/versions", Versions, list[Said], lambda *_: None),
    Action("whoami", "GET", "/api/v1/whoami", Nothing, Said, lambda *_: None),
)


class Echo:
    """Answers what it was asked, or fails as it was told to."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    def once(self, actor: str, key: str, request: bytes, do: Callable[[], Answer], failed: Any) -> tuple[Answer, bool]:
        return do(), False

    def tag(self, name: str, given: Any) -> tuple[str, str | None]:
        return "", None

    def perform(self, name: str, actor: Actor, given: Any, check: Callable[[str | None], None] | None = None) -> Any:
        if self.failure is not None:
            raise self.failure
        said = Said(name, actor.id, msgspec.to_builtins(given))
        return [said] if name.endswith(":list") else said

    def authenticate(self, token: str) -> Actor:
        if token != "good":
            raise Unauthenticated
        return Actor("t1", Role.ADMIN)

    def authenticate_session(self, secret: str) -> Actor:
        if secret != SESSION:
            raise Unauthenticated
        return Actor("user:ann", Role.ADMIN, kind="user")


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """A home that is up, for every module that needs a whole one."""
    with brought_up(tmp_path_factory.mktemp("running")) as running:
        yield running


@pytest.fixture
def echo():
    return Echo()


@contextlib.contextmanager
def serving(routes, tokens, socket, owner, console=None):
    running = server(routes, tokens, owner, console)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listen_unix(socket)]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield
    running.should_exit = True
    thread.join()


@pytest.fixture
def socket(tmp_path, echo):
    with serving(application(echo, ACTIONS, "1"), echo, tmp_path / "control.sock", os.getuid()):
        yield tmp_path / "control.sock"


@pytest.fixture
def connect(socket):
    opened = []

    def connect(token=None):
        opened.append(Connection("http://localhost", token, unix_socket=socket))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


PROMOTE_ROUTES = [(action.verb, action.path) for action in ACTIONS] + [("GET", "/api/v1/openapi.json"), ("GET", "/")]
