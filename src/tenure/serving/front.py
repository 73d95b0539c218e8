"""What stands between the installation and its callers: TLS of its own, a proxy before it, a path that it is under.

`tenure up` writes it to `run/front.json`; gateways and control read it once, when they start.
Standard library only, like all that the supervisor loads.
"""

from __future__ import annotations

import json
import os
import re
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    Headers = list[tuple[bytes, bytes]]

#: the address (without a slash at its end) at which the caller of the request in hand asked, where a proxy told it;
#: set in the context of the request's task
ASKED_AT: ContextVar[str] = ContextVar("asked_at", default="")
#: the path that the installation is under; set once, when a process starts
PREFIX: ContextVar[str] = ContextVar("prefix", default="")

_FOR, _PROTO, _HOST = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"
_HOST_FORM = re.compile(rb"[A-Za-z0-9._:\[\]-]{1,255}")
_PREFIX_FORM = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared, not bound


class Asked(NamedTuple):
    """What a trusted proxy tells of the request that it hands on."""

    scheme: str
    host: bytes
    client: str


@dataclass(frozen=True, slots=True)
class Front:
    """How the installation is reached.

    `certificate` and `key` are files (empty: no TLS here); `proxies` the addresses and networks beside loopback whose
    forwarded headers are believed, with `behind_proxy` only; `prefix` begins with a slash and ends without one, or is
    empty; `name` is the host that stands in URLs, `public_url` the whole address where that is another one.
    """

    certificate: str = ""
    key: str = ""
    behind_proxy: bool = False
    proxies: tuple[str, ...] = ()
    prefix: str = ""
    name: str = ""
    public_url: str = ""

    @property
    def scheme(self) -> str:
        """Return the scheme that the gateways themselves speak."""
        return "https" if self.certificate else "http"

    def url(self, host: str, port: int) -> str:
        """Return the installation's address where no request tells a better one, without a slash at its end."""
        if self.public_url:
            return self.public_url
        return f"{self.scheme}://{_bracketed(self.name or _EVERYWHERE.get(host, host))}:{port}{self.prefix}"

    def base(self, host: str, port: int) -> str:
        """Return the address for URLs in an answer: the one that the caller used, so far as that is known."""
        return ASKED_AT.get() or self.url(host, port)

    def local(self, host: str, port: int) -> str:
        """Return the address at which this machine reaches the gateways."""
        return f"{self.scheme}://{_bracketed(_EVERYWHERE.get(host, host))}:{port}{self.prefix}"

    def within(self, target: bytes) -> bytes:
        """Return a request target as it is below the prefix; a proxy may have cut that off already."""
        prefix = self.prefix.encode()
        if prefix and target.startswith(prefix) and target[len(prefix) : len(prefix) + 1] in {b"/", b"?", b""}:
            rest = target[len(prefix) :]
            return rest if rest.startswith(b"/") else b"/" + rest
        return target

    def believes(self, peer: str) -> bool:
        """Return whether what this peer says of its own client counts."""
        return self.behind_proxy and _is_among(peer, self.proxies)

    def asked(self, peer: str, scheme: str, headers: Headers) -> Asked:
        """Return what the headers of a peer tell that is believed.

        Each proxy adds at the end, so the last word is that of the one that is believed.
        """
        told: dict[bytes, list[bytes]] = {_FOR: [], _PROTO: [], _HOST: []}
        for name, value in headers:
            if name in told:
                told[name] += [each.strip() for each in value.split(b",")]
        proto, host = told[_PROTO][-1:], told[_HOST][-1:]
        own = next((value for name, value in headers if name == b"host"), b"")
        return Asked(
            proto[0].decode() if proto and proto[0] in {b"http", b"https"} else scheme,
            host[0] if host and _HOST_FORM.fullmatch(host[0]) else own,
            self._client(peer, told[_FOR]),
        )

    def _client(self, peer: str, way: list[bytes]) -> str:
        """Return the last on the way who is no proxy of ours."""
        for each in reversed(way):
            name = each.decode("latin-1")
            if not _is_address(name):
                break
            if not _is_among(name, self.proxies):
                return name
        return peer


def address_of(asked: Asked, prefix: str) -> str:
    """Return the address at which a caller asked, without a slash at its end."""
    return f"{asked.scheme}://{asked.host.decode('latin-1')}{prefix}"


def is_prefix(text: str) -> bool:
    """Return whether the text is a path that an installation can be under: /tenure, /ml/tenure."""
    return bool(text) and _PREFIX_FORM.fullmatch(text) is not None


def is_network(text: str) -> bool:
    """Return whether the text is an address or a network (10.0.0.0/8)."""
    # Loaded only where it is needed: every command loads this module.
    import ipaddress

    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def write(file: Path, front: Front) -> None:
    """Write it so that a reader sees all of it or what was there before."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(json.dumps(asdict(front)))
    draft.rename(file)


def read(file: Path) -> Front:
    """Return what `tenure up` wrote, else the plain one: no TLS, no proxy, no prefix."""
    try:
        found = json.loads(file.read_bytes())
        return Front(**found | {"proxies": tuple(found["proxies"])})
    except FileNotFoundError:
        return Front()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_address(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_among(text: str, networks: Iterable[str]) -> bool:
    """Return whether an address is of this machine or in one of the networks; a mapped IPv4 address counts as itself."""
    import ipaddress

    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address.is_loopback or any(address in ipaddress.ip_network(one, strict=False) for one in networks)
