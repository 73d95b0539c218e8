"""Personal data: a keyed pseudonym for each person, and a key of their own whose destruction erases them.

The pseudonym is HMAC-SHA256 of the entity under the home's master key. Personal fields are one AES-256-GCM ciphertext
under the person's random key, with the pseudonym as associated data, so that no ciphertext passes for another's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tenure.adapters.decision_log.full import Space
from tenure.adapters.decision_log.wal import Wal, connect
from tenure.kit.clock import SystemClock
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.kit.clock import Clock

_TABLES = """
CREATE TABLE IF NOT EXISTS persons (pseudonym TEXT PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erasures (id INTEGER PRIMARY KEY, pseudonym TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS erasures_pseudonym ON erasures (pseudonym);
"""
_NONCE = 12
_CACHED = 8_192
#: so many of the cached keys are ready to encrypt: a ready one takes 2.8 KB where the key alone takes 0.2
_READY = 1_024
#: how long a process may go on without asking who was erased
LOOK_SECONDS = 0.05

_Kept = TypeVar("_Kept")


class PersonErased(TenureError):
    """The person's key was destroyed, so nothing personal can be read any more."""

    code = "person-erased"
    kind = Kind.NOT_FOUND
    message = "the personal fields of {pseudonym} were erased"
    next_step = "nothing brings them back; the decision itself, without them, is still there"


class UnreadablePersonal(TenureError):
    """The ciphertext is not what was written for this person."""

    code = "unreadable-personal"
    kind = Kind.CORRUPT
    message = "the personal fields of {pseudonym} cannot be read: {why}"
    next_step = "run `tenure verify`; if the log is whole, persons.db is not the one it was written with"


def _sha256(content: bytes = b"") -> hashlib._Hash:
    """Return a hash, for `hmac.new`: given a function of ours it keeps the keyed state, and a copy of that is one call.

    Given a name it asks OpenSSL each time, which took 4.4 µs a pseudonym where this takes 1.5.
    """
    return hashlib.sha256(content)


class Persons:
    """The persons of a home; each process opens its own. Not for several threads at once.

    Asking the database at each decision who was erased cost 8 of its 90 µs, so a process asks when it has not done so
    for `LOOK_SECONDS`, and `erase` returns only after that time. Whatever is encrypted after an erasure was acknowledged
    therefore has a new key, in every process, and no process needs to be told or waited for.
    """

    def __init__(self, path: Path, master_key: bytes, *, clock: Clock | None = None, cached: int = _CACHED) -> None:
        self._connection = connect(path)
        self._connection.execute("PRAGMA secure_delete=ON")
        self._connection.executescript(_TABLES)
        self._wal = Wal(path)
        self._space = Space(path)
        self._names = hmac.new(master_key, digestmod=_sha256)
        self._clock = clock or SystemClock()
        self._keys = _Newest[bytes](cached)
        self._ready = _Newest[AESGCM](min(cached, _READY))
        self._seen_version = self._version()
        self._marked_version: int | None = None
        self._synced_version: int | None = None
        self._seen_erasure = self._last_erasure()
        self._looked = time.monotonic()

    def pseudonym(self, entity: str) -> str:
        """Return the name under which the entity stands in the log: 64 hex digits, the same for ever."""
        name = self._names.copy()
        name.update(entity.encode())
        return name.hexdigest()

    def encrypt(self, pseudonym: str, fields: dict[str, Any]) -> str:
        """Return base64 of nonce, ciphertext and tag of the fields as a JSON object; the key is made on first use."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            # The moment before the look counts: what is committed during it may be missed.
            self._looked = now
            self._heed_erasures()
        key = self._key(pseudonym)
        nonce = os.urandom(_NONCE)
        sealed = key.encrypt(nonce, msgspec.json.encode(fields), pseudonym.encode())
        return base64.b64encode(nonce + sealed).decode()

    def decrypt(self, pseudonym: str, text: str) -> dict[str, Any]:
        """Return the fields; raise `PersonErased` after an erasure, `UnreadablePersonal` when they were changed."""
        stored = self._stored(pseudonym)
        if stored is None:
            raise self._unreadable(pseudonym, "there is no key for this person")
        try:
            content = base64.b64decode(text, validate=True)
            plain = AESGCM(stored).decrypt(content[:_NONCE], content[_NONCE:], pseudonym.encode())
        except (InvalidTag, ValueError) as error:
            raise self._unreadable(pseudonym, "the ciphertext does not fit the key") from error
        fields: dict[str, Any] = msgspec.json.decode(plain)
        return fields

    def _unreadable(self, pseudonym: str, why: str) -> TenureError:
        """Return the error: once erased, what was written before is gone, whatever key the person has today."""
        erased = self._connection.execute("SELECT 1 FROM erasures WHERE pseudonym = ?", (pseudonym,)).fetchone()
        return PersonErased(pseudonym=pseudonym) if erased else UnreadablePersonal(pseudonym=pseudonym, why=why)

    def erase(self, pseudonym: str) -> bool:
        """Destroy the person's key, durably and in every process; return whether there was one.

        What was encrypted under it is unreadable from here on. A later decision about the same person makes a new key.
        Takes `LOOK_SECONDS`, after which no process uses the destroyed key any more.
        """
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            gone = self._connection.execute("DELETE FROM persons WHERE pseudonym = ?", (pseudonym,)).rowcount
            self._connection.execute(
                "INSERT INTO erasures (pseudonym, at) VALUES (?, ?)", (pseudonym, self._clock.now())
            )
        self._forget(pseudonym)
        # The write-ahead file still holds pages with the key; a full checkpoint empties it and syncs the database.
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._mark()
        self.sync()
        time.sleep(LOOK_SECONDS)
        return bool(gone)

    def sync(self) -> None:
        """Make new keys durable: pass it to the log as `before_sync`, so that no acknowledged record lacks its key.

        May be called by another thread: it asks the database nothing.
        """
        if not self._wal.is_dirty:
            return
        version = self._marked_version
        self._wal.sync()
        self._synced_version = version

    def close(self) -> None:
        """Close the database."""
        self._wal.close()
        self._connection.close()

    def _key(self, pseudonym: str) -> AESGCM:
        """Return the person's key, kept at hand for those seen last."""
        ready = self._ready.get(pseudonym)
        if ready is None:
            key = self._keys.get(pseudonym)
            if key is None:
                key = self._load_or_make(pseudonym)
                self._keys.put(pseudonym, key)
            ready = AESGCM(key)
            self._ready.put(pseudonym, ready)
        return ready

    def _forget(self, pseudonym: str) -> None:
        self._ready.drop(pseudonym)
        self._keys.drop(pseudonym)

    def _load_or_make(self, pseudonym: str) -> bytes:
        """Return the one key of this person; of several gateways that meet a person at once, one makes it."""
        stored = self._stored(pseudonym)
        if stored is None:
            made = AESGCM.generate_key(256)
            with self._space:
                self._connection.execute("INSERT OR IGNORE INTO persons VALUES (?, ?)", (pseudonym, made))
            self._mark()
            return self._stored(pseudonym) or made
        if self._version() != self._synced_version:
            # Another gateway may have made it a moment ago and not synced it yet.
            self._mark()
        return stored

    def _mark(self) -> None:
        """Ask for a sync, which will make durable all that is committed in the database at this moment."""
        self._marked_version = self._version()
        self._wal.mark()

    def _stored(self, pseudonym: str) -> bytes | None:
        row = self._connection.execute("SELECT key FROM persons WHERE pseudonym = ?", (pseudonym,)).fetchone()
        return row[0] if row else None

    def _heed_erasures(self) -> None:
        """Drop the cached keys of whoever was erased by another process since the last look."""
        version = self._version()
        if version == self._seen_version:
            return
        self._seen_version = version
        erased = self._connection.execute(
            "SELECT id, pseudonym FROM erasures WHERE id > ? ORDER BY id", (self._seen_erasure,)
        ).fetchall()
        for number, pseudonym in erased:
            self._seen_erasure = number
            self._forget(pseudonym)

    def _version(self) -> int:
        """Return a number that changes whenever another connection commits."""
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _last_erasure(self) -> int:
        last: int = self._connection.execute("SELECT coalesce(max(id), 0) FROM erasures").fetchone()[0]
        return last


class _Newest(Generic[_Kept]):
    """Things by name, of which those used last are kept, at most so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[str, _Kept] = OrderedDict()

    def get(self, name: str) -> _Kept | None:
        """Return the thing, which counts as using it; None when it is not here."""
        thing = self._things.get(name)
        if thing is not None:
            self._things.move_to_end(name)
        return thing

    def put(self, name: str, thing: _Kept) -> None:
        """Keep a thing, and drop the one that was not used for longest when there are too many."""
        self._things[name] = thing
        if len(self._things) > self._most:
            self._things.popitem(last=False)

    def drop(self, name: str) -> None:
        """Keep it no longer."""
        self._things.pop(name, None)
