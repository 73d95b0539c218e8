"""The TLS of the gateways: a context made of two files, and made anew when they change."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from tenure.kit.errors import Kind, TenureError

_LOG = logging.getLogger("tenure.gateway")


class UnusableCertificate(TenureError):
    """The certificate or its key cannot be used."""

    code = "unusable-certificate"
    kind = Kind.BAD_INPUT
    message = "{certificate} and {key} cannot be used for TLS: {why}"
    next_step = "give PEM files: the certificate with its chain, and its private key without a password"


def context_of(certificate: str, key: str) -> ssl.SSLContext:
    """Return a server's context of two PEM files; raise `UnusableCertificate`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A key with a password would be asked for on a terminal that nobody sits at.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as error:
        raise UnusableCertificate(certificate=certificate, key=key, why=str(error)) from error
    return context


class Certificate:
    """The context for new connections; those that are open keep the one that they began with."""

    def __init__(self, certificate: str, key: str) -> None:
        self._files = (certificate, key)
        self._seen = self._stamps()
        self.context = context_of(certificate, key)

    def look(self) -> None:
        """Take the files into use if they have changed.

        Until both fit together again the old ones stay in use: whoever renews them writes one after the other.
        """
        stamps = self._stamps()
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            self.context = context_of(*self._files)
        except UnusableCertificate as error:
            _LOG.error("%s; those that were read before stay in use", error)
        else:
            _LOG.info("%s has changed and is in use", self._files[0])

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(Path(file)) for file in self._files]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
