"""The builder's key: Ed25519, made silently on first use, and what it says about a manifest."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tenure.adapters.secret_files import kept_secret
from tenure.model.package import Signature

if TYPE_CHECKING:
    from pathlib import Path

_KEY_FILE = "builder.key"
_RAW = serialization.Encoding.Raw


class BuilderKey:
    """Signs manifests with the key kept in `folder`, which is made (mode 0600) when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sign(self, manifest: bytes, at: int) -> Signature:
        """Return the signature over a manifest's bytes; `at` is UTC microseconds."""
        public = self.public()
        return Signature(key_id(public), _text(public), _text(self.sign_bytes(manifest)), at)

    def exists(self) -> bool:
        """Return whether the key was made already."""
        return (self._folder / _KEY_FILE).exists()

    def public(self) -> bytes:
        """Return the 32 bytes of the public key."""
        return self._key().public_key().public_bytes(_RAW, serialization.PublicFormat.Raw)

    def sign_bytes(self, content: bytes) -> bytes:
        """Return the 64 bytes of the signature over any content."""
        return self._key().sign(content)

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(kept_secret(self._folder / _KEY_FILE, _new_key))


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        _RAW, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )


def key_id(public: bytes) -> str:
    """Return the short name of a public key: the first 16 hex digits of its sha256."""
    return hashlib.sha256(public).hexdigest()[:16]


def is_valid(signature: Signature, manifest: bytes) -> bool:
    """Return whether the signature fits the manifest's bytes and its key carries the name it claims."""
    try:
        public = base64.b64decode(signature.public, validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(
            base64.b64decode(signature.signature, validate=True), manifest
        )
    except (InvalidSignature, ValueError):
        return False
    return key_id(public) == signature.key


def valid_in(folder: Path, manifest: bytes) -> list[Signature]:
    """Return the signatures in the folder that fit the manifest's bytes."""
    found = (msgspec.json.decode(file.read_bytes(), type=Signature) for file in sorted(folder.glob("*.json")))
    return [one for one in found if is_valid(one, manifest)]


def fits(public: bytes, content: bytes, signature: bytes) -> bool:
    """Return whether the signature over the content was made with this key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
