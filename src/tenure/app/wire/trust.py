"""Trusted keys."""

from __future__ import annotations

from tenure.app.wire.shared import Input, Listing, Output


class ListTrusted(Listing, frozen=True):
    """Which trusted keys to list, oldest first: those whose name contains `name`."""

    name: str = ""


class TrustKey(Input, frozen=True):
    """A public key (Ed25519 in base64), or the 16 digits that name one, and whose it is."""

    key: str
    name: str = ""
    reason: str = ""


class TrustNoMore(Input, frozen=True):
    """A trusted key, by its digits, its base64 or the name it was given."""

    key: str
    reason: str = ""


class TrustedAnswer(Output, frozen=True):
    """A key that is, or was, trusted."""

    key: str
    public: str
    name: str
    added_at: str
    added_by: str
