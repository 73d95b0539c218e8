"""How a command on this machine reaches the gateways, which know tokens only."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from tenure.client.client import Client
from tenure.client.gateways import connection_to
from tenure.client.where import Local, Remote, where
from tenure.serving import front as fronts
from tenure.serving.announce import status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenure.entrypoints.cli.caller import Caller
    from tenure.settings import Home

#: Longer than any run; the token is revoked when the run ends, this is for a run that is killed.
_LIFE = "1d"


@contextlib.contextmanager
def asking(tenure: Caller, application: str) -> Iterator[Callable[[], Client]]:
    """Give a maker of clients that may decide for the application.

    At a home on this machine a token for this application alone is made for the run, and revoked after it.
    """
    meant = where(os.environ)
    match meant:
        case Remote(url, token):
            yield lambda: Client(url, token)
        case Local(home):
            made = tenure.call(
                "tokens:create", role="caller", applications=[application], expires=_LIFE, reason="tenure decide"
            )
            try:
                yield lambda: client_of(home, made["token"])
            finally:
                tenure.call("tokens:revoke", token=made["id"], reason="tenure decide has ended")


def client_of(home: Home, token: str) -> Client:
    """Return a client of the home's gateways; raise `NoSupervisor` when nothing runs."""
    return Client(connection=connection_to(home, token))


def public_address(home: Home) -> str:
    """Return the URL at which people and programs reach the home; raise `NoSupervisor` when nothing runs."""
    found = status(home.supervisor_socket)
    return fronts.read(home.front).url(found["host"], found["port"])
