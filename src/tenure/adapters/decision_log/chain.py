"""The one order of all records: `leaves` (32 bytes each), and `chain.jsonl`, whose lines make sealed files count.

A line is the commit of a seal: whatever is not named by a whole line does not exist, and is made again from the
segments, which are removed only later. Every line holds a hash over itself and the line before; the running chain over
leaves is chain(i+1) = sha256(chain(i) + leaf(i)), beginning with 32 zero bytes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LEAF_SIZE = 32
GENESIS = bytes(LEAF_SIZE)
_TAIL = 1 << 20


class BrokenChain(TenureError):
    """`chain.jsonl` was changed after it was written."""

    code = "broken-chain"
    kind = Kind.CORRUPT
    message = "{file} is damaged at line {line}: {why}"
    next_step = "restore the file from a backup; nothing is sealed or removed until then"


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """One line: the leaves [first, first+count) lie in `file`, whose digest is `digest`; `chain` is after the last.

    `positions` tells for every stream the sequence after its last sealed record. `previous` is the `seal` of the line
    before (64 zeros for the first); `seal` is sha256 over the line's JSON without itself.
    """

    format: int = msgspec.field(name="v", default=1)
    first: int
    count: int
    file: str
    digest: str
    chain: str
    positions: dict[str, int]
    at: int
    previous: str
    seal: str = ""

    @property
    def end(self) -> int:
        """Return the number of leaves after this seal."""
        return self.first + self.count


def sealed_line(sealing: Sealing) -> bytes:
    """Return the line's bytes, its `seal` computed."""
    seal = _seal_of(sealing)
    return msgspec.json.encode(msgspec.structs.replace(sealing, seal=seal)) + b"\n"


def _seal_of(sealing: Sealing) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(sealing, seal=""))).hexdigest()


def chain_file(decisions: Path) -> Path:
    """Return where the lines are."""
    return decisions / "chain.jsonl"


def leaves_file(decisions: Path) -> Path:
    """Return where the leaves are."""
    return decisions / "leaves"


def read_leaves(decisions: Path, first: int, end: int) -> bytes:
    """Return the leaves [first, end), as many of them as are there: those of a long log do not all fit into memory."""
    file = leaves_file(decisions)
    if not file.exists():
        return b""
    with file.open("rb") as leaves:
        leaves.seek(first * LEAF_SIZE)
        return leaves.read((end - first) * LEAF_SIZE)


def leaf_of(record: bytes) -> bytes:
    """Return the record's leaf."""
    return hashlib.sha256(record).digest()


def extend(chain: bytes, leaves: Iterable[bytes]) -> bytes:
    """Return the running chain after these leaves."""
    for leaf in leaves:
        chain = hashlib.sha256(chain + leaf).digest()
    return chain


def sealings(decisions: Path) -> Iterator[Sealing]:
    """Return every committed seal in order; raise `BrokenChain` at the first line that was changed or does not follow."""
    file = chain_file(decisions)
    if not file.exists():
        return
    previous: Sealing | None = None
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            sealing = _parse(line)
            if sealing is None and not line.endswith(b"\n"):
                return
            why = _fault(sealing, line, previous)
            if why or sealing is None:
                raise BrokenChain(file=file, line=number, why=why)
            yield sealing
            previous = sealing


def _parse(line: bytes) -> Sealing | None:
    """Return the line if it is whole and its own seal fits."""
    try:
        sealing = msgspec.json.decode(line, type=Sealing)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        return None
    return sealing if _seal_of(sealing) == sealing.seal else None


def _fault(sealing: Sealing | None, line: bytes, previous: Sealing | None) -> str:
    """Return why the line may not stand here, or an empty text."""
    if sealing is None:
        return "its hash does not fit its content"
    if msgspec.json.encode(sealing) != line.rstrip(b"\n"):
        return "its bytes are not those that were written"
    if sealing.previous != (previous.seal if previous else "0" * 64) or sealing.first != (
        previous.end if previous else 0
    ):
        return "it does not follow the line before"
    return ""


def last_sealing(decisions: Path) -> Sealing | None:
    """Return the last committed seal, or None before the first; only the end of the file is read."""
    file = chain_file(decisions)
    if not file.exists():
        return None
    with file.open("rb") as content:
        size = content.seek(0, 2)
        content.seek(max(0, size - _TAIL))
        lines = content.read().splitlines(keepends=True)
    whole = [line for line in lines if line.endswith(b"\n")]
    torn = lines[-1] if lines and not lines[-1].endswith(b"\n") else b""
    if torn and (sealing := _parse(torn)) is not None:
        return sealing
    if not whole:
        return None
    sealing = _parse(whole[-1])
    if sealing is None:
        raise BrokenChain(file=file, line="the last", why="its hash does not fit its content")
    return sealing


def whole_size(decisions: Path) -> int:
    """Return how many bytes of `chain.jsonl` are whole lines: what stands after them was never committed."""
    file = chain_file(decisions)
    if not file.exists():
        return 0
    content = file.read_bytes()
    cut = content.rfind(b"\n") + 1
    return len(content) if cut < len(content) and _parse(content[cut:]) is not None else cut


def sealed_position(decisions: Path, stream: str) -> int:
    """Return the sequence after the stream's last sealed record."""
    last = last_sealing(decisions)
    return last.positions.get(stream, 0) if last else 0
