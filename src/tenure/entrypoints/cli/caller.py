"""Who performs a command: a Tenure elsewhere, control on this machine, or this process under the home's lock."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from tenure.client.where import Local, Remote, is_answering, where
from tenure.kit.cursors import Page
from tenure.kit.errors import TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tenure.app.ahead import Ahead
    from tenure.app.control import Control
    from tenure.governance.access import Actor
    from tenure.settings import Home


class Caller(Protocol):
    """Performs actions by name, and gives their answers as plain values."""

    def call(self, action: str, /, **given: Any) -> Any:
        """Perform an action; parameters that are None are left to their defaults."""

    def page(self, action: str, /, **given: Any) -> Page:
        """Return one page of a list: at most `limit` rows from `cursor` on."""

    def upload(self, action: str, package: Path, **given: Any) -> Any:
        """Perform an action that takes a package."""


class InProcess:
    """Performs actions in this process, as the owner of the home."""

    def __init__(self, control: Control, actor: Actor) -> None:
        self._control = control
        self._actor = actor

    def call(self, action: str, /, **given: Any) -> Any:
        """Perform an action; of a list all rows are given, unless there is a limit."""
        import msgspec

        from tenure.app.actions import named
        from tenure.app.paging import is_list

        if not is_list(named(action).output):
            return msgspec.to_builtins(self._performed(action, self._read(action, given)))
        page = self.page(action, **given)
        found = page.rows
        while page.next_cursor and given.get("limit") is None:
            page = self.page(action, **given | {"cursor": page.next_cursor})
            found += page.rows
        return found

    def page(self, action: str, /, **given: Any) -> Page:
        """Return one page of a list."""
        import msgspec

        from tenure.app.actions import named
        from tenure.app.paging import is_list, listed

        asked = self._read(action, given)
        if is_list(named(action).output):
            found = listed(named(action), asked, partial(self._performed, action))
            return Page(msgspec.to_builtins(found.rows), found.next_cursor)
        answer = msgspec.to_builtins(self._performed(action, asked))
        return Page(answer["decisions"], answer["next_cursor"] or "")

    def _read(self, action: str, given: Mapping[str, Any]) -> Any:
        from tenure.app.actions import named
        from tenure.entrypoints.api.inputs import read

        return read(named(action), {name: value for name, value in given.items() if value is not None})

    def _performed(self, action: str, asked: Any) -> Any:
        return self._control.perform(action, self._actor, asked)

    def upload(self, action: str, package: Path, **given: Any) -> Any:
        """Perform an action on a package that lies on this machine already."""
        from tenure.client.routes import ROUTES

        return self.call(action, **{ROUTES[action].upload: str(package)}, **given)


@contextlib.contextmanager
def opened(runs: str = "") -> Iterator[Caller]:
    """Give the caller that the environment means, for as long as the block lasts; `runs` is a version that it will run."""
    match where(os.environ):
        case Remote(url, token):
            with _remote(url, token) as caller:
                yield caller
        case Local(home):
            with opened_at(home, runs) as caller:
                yield caller


@contextlib.contextmanager
def opened_at(home: Home, runs: str = "") -> Iterator[Caller]:
    """Give the caller for a home on this machine: its control where that answers, else this process."""
    with _beside(home) if is_answering(home) else in_process(home, runs) as caller:
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
def in_process(home: Home, runs: str = "") -> Iterator[Caller]:
    """Open the home in this process, which refuses while another one holds it.

    The process of a version that is to be run is started first: it loads its model while this one imports.
    """
    from tenure.app.locking import HomeLock

    lock = HomeLock(home)
    with contextlib.closing(lock), _begun(home, runs) as ahead:
        from tenure.app.control import Control
        from tenure.entrypoints.owners import user_name
        from tenure.governance.access import local_actor

        control = Control.open(home, publishes=False, lock=lock, ahead=ahead)
        _spare_the_collector()
        try:
            yield InProcess(control, local_actor(user_name(os.getuid())))
        finally:
            control.close()


def _spare_the_collector() -> None:
    """Keep what was imported until now from being looked at for garbage, most of all once more at the very end."""
    # The binding of DuckDB takes what is not collected at the end for a leak, and says so on standard error.
    if "duckdb" not in sys.modules:
        gc.freeze()


@contextlib.contextmanager
def _begun(home: Home, runs: str) -> Iterator[Ahead | None]:
    if not runs:
        yield None
        return
    from tenure.app import ahead
    from tenure.model.version import parse_ref

    with ahead.begun(home, parse_ref(runs)) as begun:
        yield begun


def following(tenure: Caller, action: str) -> Callable[[], tuple[int, int] | None]:
    """Return what tells how far an action is that `tenure` is waiting for: how many are done, and of how many.

    It may be asked from another thread. Of several such actions under way, the one that began last is meant.
    """

    def look() -> tuple[int, int] | None:
        # The connection is waiting for the answer, so this takes another; in this process the home is open already.
        try:
            with contextlib.nullcontext(tenure) if isinstance(tenure, InProcess) else opened() as asked:
                working = [one for one in asked.call("status").get("working", ()) if one["action"] == action]
        except TenureError:
            return None
        return (working[-1]["done"], working[-1]["total"]) if working else None

    return look


def version_at(ref: str) -> dict[str, str]:
    """Return what names a version to an action: `churn/2` or `churn@champion`; raise `BadReference` for anything else."""
    from tenure.model.version import VersionRef, parse_ref

    found = parse_ref(ref)
    return {"model": found.model, "version": str(found.number) if isinstance(found, VersionRef) else found.alias}
