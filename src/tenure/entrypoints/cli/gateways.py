"""How a command on this machine reaches the gateways, which know tokens only."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from tenure.client.client import Client
from tenure.client.where import Local, Remote, where
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
            url = address(home)
            made = tenure.call(
                "tokens:create", role="caller", applications=[application], expires=_LIFE, reason="tenure decide"
            )
            try:
                yield lambda: Client(url, made["token"])
            finally:
                tenure.call("tokens:revoke", token=made["id"], reason="tenure decide has ended")


def address(home: Home) -> str:
    """Return the URL at which the home's gateways answer; raise `NoSupervisor` when nothing runs."""
    found = status(home.supervisor_socket)
    host = found["host"]
    return f"http://{f'[{host}]' if ':' in host else host}:{found['port']}"
