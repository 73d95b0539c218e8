"""Answers at rest: AES-256-GCM under a key made of the home's secret and of the request's own Idempotency-Key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tenure.governance.repeating import Answer

_NONCE = 12


class SealedAnswers:
    """Seals answers (governance/repeating.py). Whoever has the home's files and not the key a client chose reads nothing."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def mark(self, key: str, content: bytes) -> str:
        """Return the HMAC-SHA256 (hex) of content: nobody finds out by trying what it was, not even a password."""
        return hmac.new(self._derived(key, b"mark"), content, hashlib.sha256).hexdigest()

    def seal(self, key: str, answer: Answer) -> str:
        """Return an answer as base64 of nonce and ciphertext."""
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + self._cipher(key).encrypt(nonce, msgspec.json.encode(answer), None)).decode()

    def open(self, key: str, text: str) -> Answer:
        """Return the answer again."""
        content = base64.b64decode(text)
        plain = self._cipher(key).decrypt(content[:_NONCE], content[_NONCE:], None)
        return msgspec.json.decode(plain, type=Answer)

    def _cipher(self, key: str) -> AESGCM:
        return AESGCM(self._derived(key, b"seal"))

    def _derived(self, key: str, use: bytes) -> bytes:
        return hmac.new(self._secret, use + b"\0" + key.encode(), hashlib.sha256).digest()
