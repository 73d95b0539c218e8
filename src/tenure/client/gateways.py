"""How a program on this machine reaches the gateways of a home: they decide, and know tokens only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tenure.client.connection import TIMEOUT_SECONDS, Connection
from tenure.kit.errors import Kind, TenureError
from tenure.serving import front as fronts
from tenure.serving.announce import status

if TYPE_CHECKING:
    from tenure.settings import Home


class NoOwnersToken(TenureError):
    """The token that `tenure up` keeps for the owner of the home cannot be read."""

    code = "no-owners-token"
    kind = Kind.UNAUTHENTICATED
    message = "{file} cannot be read: {why}; the gateways of {home} know tokens only"
    next_step = "name them: TENURE_URL and TENURE_TOKEN, or Client(url, token)"


def connection_to(home: Home, token: str, timeout: float = TIMEOUT_SECONDS) -> Connection:
    """Return a connection to the home's gateways; raise `NoSupervisor` when nothing runs.

    The name that stands in the certificate need not lead here, so the certificate itself is what is believed.
    """
    found, front = status(home.supervisor_socket), fronts.read(home.front)
    url = front.local(found["host"], found["port"])
    pinned = Path(front.certificate) if front.certificate else None
    return Connection(url, token, timeout=timeout, certificate=pinned)


def owners_connection(home: Home, timeout: float = TIMEOUT_SECONDS) -> Connection:
    """Return the owner's connection to the home's gateways; raise `NoSupervisor`, or `NoOwnersToken` for anybody else."""
    try:
        token = home.owners_token.read_text()
    except OSError as error:
        raise NoOwnersToken(file=home.owners_token, why=error.strerror or error, home=home.root) from error
    return connection_to(home, token, timeout)
