"""Who performs a command: a Tenure elsewhere, control on this machine, or this process under the home's lock."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Protocol

from tenure.client.where import Local, Remote, is_answering, where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tenure.app.control import Control
    from tenure.governance.access import Actor
    from tenure.settings import Home


class Caller(Protocol):
    """Performs actions by name, and gives their answers as plain values."""

    def call(self, action: str, **given: Any) -> Any:
        """Perform an action; parameters that are None are left to their defaults."""

    def upload(self, action: str, package: Path, **given: Any) -> Any:
        """Perform an action that takes a package."""


class InProcess:
    """Performs actions in this process, as the owner of the home."""

    def __init__(self, control: Control, actor: Actor) -> None:
        self._control = control
        self._actor = actor

    def call(self, action: str, **given: Any) -> Any:
        """Perform an action."""
        import msgspec

        from tenure.app.actions import named

        rest = {name: value for name, value in given.items() if value is not None}
        output = self._control.perform(action, self._actor, msgspec.convert(rest, named(action).input))
        return msgspec.to_builtins(output)

    def upload(self, action: str, package: Path, **given: Any) -> Any:
        """Perform an action on a package that lies on this machine already."""
        from tenure.client.routes import ROUTES

        return self.call(action, **{ROUTES[action].upload: str(package)}, **given)


@contextlib.contextmanager
def opened() -> Iterator[Caller]:
    """Give the caller that the environment means, for as long as the block lasts."""
    match where(os.environ):
        case Remote(url, token):
            with _remote(url, token) as caller:
                yield caller
        case Local(home):
            with opened_at(home) as caller:
                yield caller


@contextlib.contextmanager
def opened_at(home: Home) -> Iterator[Caller]:
    """Give the caller for a home on this machine: its control where that answers, else this process."""
    with _beside(home) if is_answering(home) else in_process(home) as caller:
        yield caller


@contextlib.contextmanager
def _remote(url: str, token: str | None) -> Iterator[Caller]:
    from tenure.client.client import Client

    with Client(url, token) as client:
        yield client


@contextlib.contextmanager
def _beside(home: Home) -> Iterator[Caller]:
    from tenure.client.client import Client
    from tenure.client.connection import Connection

    # The kernel tells control who connects, so no token is needed.
    with Client(connection=Connection("http://localhost", unix_socket=home.control_socket)) as client:
        yield client


@contextlib.contextmanager
def in_process(home: Home) -> Iterator[Caller]:
    """Open the home in this process, which refuses while another one holds it."""
    from tenure.app.control import Control
    from tenure.entrypoints.api.door import user_name
    from tenure.governance.access import local_actor

    control = Control.open(home)
    try:
        yield InProcess(control, local_actor(user_name(os.getuid())))
    finally:
        control.close()


def version_at(ref: str) -> dict[str, str]:
    """Return what names a version to an action: `churn/2` or `churn@champion`; raise `BadReference` for anything else."""
    from tenure.model.version import VersionRef, parse_ref

    found = parse_ref(ref)
    return {"model": found.model, "version": str(found.number) if isinstance(found, VersionRef) else found.alias}
