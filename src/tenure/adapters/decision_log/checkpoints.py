"""`checkpoints.jsonl`: after each sealing the size and root of the tree, signed, so that old ones bind the log for ever.

A checkpoint is a note in the form of C2SP tlog-checkpoint, which other people's witnesses read too. Format:
docs/formats/log-record.md, "Checkpoints".
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Protocol

import msgspec

from tenure.adapters.decision_log.chain import LEAF_SIZE, leaves_file, read_leaves
from tenure.adapters.decision_log.disk import Disk
from tenure.adapters.decision_log.merkle import Frontier, entries_of
from tenure.adapters.signing import fits, key_id

if TYPE_CHECKING:
    from pathlib import Path

_ED25519 = b"\x01"
_TAIL = 1 << 16


class Key(Protocol):
    """What signs: `adapters/signing.py`."""

    def public(self) -> bytes:
        """Return the 32 bytes of the public key."""

    def sign_bytes(self, content: bytes) -> bytes:
        """Return the signature over any content."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One line: the tree's size, the signed note, the key it fits, and the roots of the tree's whole subtrees (hex)."""

    format: int = msgspec.field(name="v", default=1)
    size: int
    note: str
    key: str
    peaks: tuple[str, ...]

    @property
    def frontier(self) -> Frontier:
        """Return the tree as it was."""
        return Frontier(self.size, tuple(bytes.fromhex(peak) for peak in self.peaks))

    @property
    def document(self) -> dict[str, str]:
        """Return what a third party needs of it."""
        return {"note": self.note, "key": self.key}


def checkpoints_file(decisions: Path) -> Path:
    """Return where the lines are."""
    return decisions / "checkpoints.jsonl"


def signed_checkpoint(frontier: Frontier, at: int, key: Key) -> Checkpoint:
    """Return the checkpoint of a tree; `at` is UTC microseconds."""
    public = key.public()
    name, mark = _name(public), _mark(public)
    root = base64.b64encode(frontier.root).decode()
    body = f"{name}\n{frontier.size}\n{root}\nat {at}\n"
    signature = base64.b64encode(mark + key.sign_bytes(body.encode())).decode()
    return Checkpoint(
        size=frontier.size,
        note=f"{body}\n\N{EM DASH} {name} {signature}\n",
        key=verifier_key(public),
        peaks=_hex(frontier),
    )


def verifier_key(public: bytes) -> str:
    """Return the public key as the signed-note form writes it: name, hash, key."""
    return f"{_name(public)}+{_mark(public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def _hex(frontier: Frontier) -> tuple[str, ...]:
    return tuple(peak.hex() for peak in frontier.peaks)


def _name(public: bytes) -> str:
    return f"tenure-log/{key_id(public)}"


def _mark(public: bytes) -> bytes:
    return hashlib.sha256(_name(public).encode() + b"\n" + _ED25519 + public).digest()[:4]


class Checkpoints:
    """The checkpoints of one log; written by the sealer alone, under its lock."""

    def __init__(self, decisions: Path, key: Key, disk: Disk | None = None) -> None:
        self._decisions, self._key, self._disk = decisions, key, disk or Disk()

    def extend(self, end: int, at: int) -> None:
        """Sign the tree of the first `end` leaves unless that was done; a line that was never whole is cut off."""
        known, torn = newest(self._decisions)
        if torn:
            file = checkpoints_file(self._decisions)
            self._disk.truncate(file, file.stat().st_size - torn)
        last = known.frontier if known else Frontier()
        if end <= last.size:
            return
        fresh = read_leaves(self._decisions, last.size, end)
        frontier = last.extended(entries_of(fresh, 0, end - last.size))
        self._disk.append(checkpoints_file(self._decisions), line_of(signed_checkpoint(frontier, at, self._key)))


def newest(decisions: Path) -> tuple[Checkpoint | None, int]:
    """Return the newest checkpoint that can be read, and how many bytes of a torn line stand after it.

    Only the end of the file is read; a file whose end was changed is read whole.
    """
    file = checkpoints_file(decisions)
    if not file.exists():
        return None, 0
    with file.open("rb") as content:
        content.seek(max(0, file.stat().st_size - _TAIL))
        lines = content.read().splitlines(keepends=True)
    torn = len(lines.pop()) if lines and _is_torn(lines[-1]) else 0
    found = _parsed(lines[-1]) if lines else None
    if found is None:
        found = next(iter(reversed(read(decisions))), None)
    return found, torn


def line_of(checkpoint: Checkpoint) -> bytes:
    """Return the line's bytes."""
    return msgspec.json.encode(checkpoint) + b"\n"


def read(decisions: Path) -> list[Checkpoint]:
    """Return the checkpoints that can be read, oldest first; `problems` says what is wrong with the others."""
    return [found for line in _lines(decisions) if (found := _parsed(line)) is not None]


def unreadable(decisions: Path) -> list[int]:
    """Return the numbers of lines that were changed; a last line cut short by a crash is none of them."""
    lines = _lines(decisions)
    wrong = [number for number, line in enumerate(lines, 1) if _parsed(line) is None]
    return [number for number in wrong if number < len(lines) or not _is_torn(lines[-1])]


def _lines(decisions: Path) -> list[bytes]:
    file = checkpoints_file(decisions)
    return file.read_bytes().splitlines(keepends=True) if file.exists() else []


def _parsed(line: bytes) -> Checkpoint | None:
    """Return the checkpoint if these are exactly the bytes that are written for it."""
    try:
        found = msgspec.json.decode(line, type=Checkpoint)
        return found if line_of(found) == line and _hex(found.frontier) == found.peaks else None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        return None


def _is_torn(line: bytes) -> bool:
    """Return whether the line only lacks its end, as a crash leaves it."""
    if line.endswith(b"\n"):
        return False
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return "truncated" in str(error)
    return False


def problems(decisions: Path, public: bytes | None = None) -> list[str]:
    """Return one sentence per checkpoint that does not fit its signature, its key or the leaves of today.

    `public` is the home's own key, if it has one. The caller holds the sealer's lock.
    """
    found = [f"line {number} was changed" for number in unreadable(decisions)]
    file = leaves_file(decisions)
    count = file.stat().st_size // LEAF_SIZE if file.exists() else 0
    tree = Frontier()
    for checkpoint in read(decisions):
        if checkpoint.size > count or checkpoint.size < tree.size:
            found.append(f"the checkpoint of {checkpoint.size} records does not fit {count} leaves")
            continue
        fresh = read_leaves(decisions, tree.size, checkpoint.size)
        tree = tree.extended(entries_of(fresh, 0, checkpoint.size - tree.size))
        found += _faults(checkpoint, tree, public)
    return found


def _faults(checkpoint: Checkpoint, tree: Frontier, public: bytes | None) -> list[str]:
    """Compare a checkpoint with its signature and with the tree that it should be of."""
    called = f"the checkpoint of {checkpoint.size} records"
    body, _, rest = checkpoint.note.partition("\n\n")
    stated = body.split("\n")
    key = _public(checkpoint.key)
    if key is None or not _is_signed(key, body + "\n", rest):
        return [f"{called} does not fit its signature"]
    if public is not None and key != public:
        return [f"{called} was signed with another key than this home's"]
    if stated[1] != str(checkpoint.size) or checkpoint.frontier != tree:
        return [f"{called} is not of the leaves that are here: a record was changed, moved or removed"]
    return [] if base64.b64decode(stated[2]) == tree.root else [f"{called} has another root than the leaves give"]


def _public(key: str) -> bytes | None:
    try:
        public = base64.b64decode(key.split("+", 2)[2], validate=True)[1:]
    except (ValueError, IndexError):
        return None
    return public if verifier_key(public) == key else None


def _is_signed(public: bytes, body: str, line: str) -> bool:
    """Return whether the signature line is, byte for byte, one of this key over the body."""
    try:
        _, _, text = line.split(" ")
        signature = base64.b64decode(text.rstrip("\n"), validate=True)[4:]
    except ValueError:
        return False
    written = base64.b64encode(_mark(public) + signature).decode()
    return line == f"\N{EM DASH} {_name(public)} {written}\n" and fits(public, body.encode(), signature)
