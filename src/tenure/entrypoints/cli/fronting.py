"""From the options of `tenure up` to how the installation is reached; whatever would be unsafe is refused here."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tenure.kit.errors import Kind, TenureError
from tenure.serving.front import Front, is_network, is_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class UnsafeHost(TenureError):
    """Tokens would cross the network in the clear."""

    code = "unsafe-host"
    kind = Kind.REFUSED
    message = "{host} is not this machine alone, and without TLS anyone on the way could read the tokens"
    next_step = "give --tls-cert and --tls-key, or put a proxy that does TLS before it and say --behind-proxy"


class UnusableFront(TenureError):
    """An option that says how the installation is reached cannot be used."""

    code = "unusable-front"
    kind = Kind.BAD_INPUT
    message = "{option}: {why}"
    next_step = "see docs/operating.md, section Reaching it from other machines"


def front_of(
    host: str,
    certificate: Path | None,
    key: Path | None,
    prefix: str,
    public_url: str,
    proxies: Sequence[str],
    *,
    behind_proxy: bool,
) -> Front:
    """Return how the installation is reached; raise `UnsafeHost`, `UnusableFront` or `UnusableCertificate`."""
    if (certificate is None) != (key is None):
        raise UnusableFront(option="--tls-cert and --tls-key", why="one of them is missing")
    if proxies and not behind_proxy:
        raise UnusableFront(option="--proxy", why="it goes with --behind-proxy")
    if wrong := [one for one in proxies if not is_network(one)]:
        raise UnusableFront(option="--proxy", why=f"{wrong[0]!r} is neither an address nor a network (10.0.0.0/8)")
    if certificate is None and not behind_proxy and not is_loopback(host):
        raise UnsafeHost(host=host)
    return Front(
        certificate="" if certificate is None else str(certificate.absolute()),
        key="" if key is None else str(key.absolute()),
        behind_proxy=behind_proxy,
        proxies=tuple(proxies),
        prefix=_prefix(prefix),
        name="" if certificate is None or key is None else _name_in(certificate, key),
        public_url=_public(public_url),
    )


def is_loopback(host: str) -> bool:
    """Return whether an address is reachable from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _prefix(text: str) -> str:
    found = text.rstrip("/")
    if found and not is_prefix(found):
        raise UnusableFront(option="--prefix", why=f"{text!r} is no path like /tenure")
    return found


def _public(text: str) -> str:
    found = urlsplit(text)
    if text and (found.scheme not in {"http", "https"} or not found.hostname or found.query or found.fragment):
        raise UnusableFront(option="--public-url", why=f"{text!r} is no address like https://tenure.example.com")
    return text.rstrip("/")


def _name_in(certificate: Path, key: Path) -> str:
    """Return the host name to write in URLs: the first that the certificate is for, else empty."""
    from cryptography import x509

    from tenure.serving.tls import context_of

    context_of(str(certificate), str(key))
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return ""
    hosts = [name for name in names.get_values_for_type(x509.DNSName) if "*" not in name]
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return next(iter([*hosts, *addresses]), "")
