"""Bodies beyond one decision's size: how large, how compressed, and how many of them at once."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from typing import TYPE_CHECKING, Any

from tenure.entrypoints.gateway.problems import BodyTooLarge, Overloaded
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenure.serving.snapshot import Limits

#: a body of many rows may be so many times as large as an ordinary one, compressed or not
_TIMES = 32
#: so many bodies beyond the ordinary size are held at once in one gateway
_MOST_LARGE = 4
#: a body that grows beyond this when it is unpacked is no honest one; small ones may, for repetition packs well
_RATIO = 100
_ALWAYS_FINE = 1 << 20
#: unpacking or reading more than this would keep the event loop from the others
_QUICK = 1 << 18


class ClientLeft(Exception):
    """The client closed its connection before it had sent everything."""


class UnknownEncoding(TenureError):
    """The body is compressed in a way that is not read here."""

    code = "unknown-content-encoding"
    kind = Kind.BAD_INPUT
    message = "the Content-Encoding {encoding!r} is not known"
    next_step = "use gzip or deflate, or send the body as it is"


class BadCompression(TenureError):
    """The body is not what its Content-Encoding says."""

    code = "bad-compression"
    kind = Kind.BAD_INPUT
    message = "the body cannot be unpacked: {why}"
    next_step = "compress it again, or send it as it is"


class Bodies:
    """Reads bodies of many rows; of those beyond the ordinary size, a few at once."""

    def __init__(self) -> None:
        self._large = 0

    @contextlib.asynccontextmanager
    async def body(self, headers: dict[bytes, bytes], receive: Any, limits: Limits) -> Any:
        """Give a whole body, unpacked; raise `BodyTooLarge`, `Overloaded`, `UnknownEncoding` or `BadCompression`."""
        limit = _TIMES * limits.body_bytes
        length = int(headers.get(b"content-length", limit))
        if length > limit:
            raise BodyTooLarge(limit=limit)
        encoding = headers.get(b"content-encoding", b"").decode("latin-1").lower()
        with self._place(is_large=length > limits.body_bytes or bool(encoding)):
            content = await read_body(receive, limit)
            yield await quickly(len(content) if encoding else 0, unpacked, content, encoding, limit)

    @contextlib.contextmanager
    def _place(self, *, is_large: bool) -> Iterator[None]:
        if is_large and self._large >= _MOST_LARGE:
            raise Overloaded(in_flight=self._large)
        self._large += is_large
        try:
            yield
        finally:
            self._large -= is_large


async def quickly(size: int, work: Any, *arguments: Any) -> Any:
    """Return what `work` returns, done on a thread when the size says that it takes long."""
    return await asyncio.to_thread(work, *arguments) if size > _QUICK else work(*arguments)


async def read_body(receive: Any, limit: int) -> bytes:
    """Return the whole body; one that shows to be too large is not read on."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientLeft
        pieces.append(message["body"])
        size += len(message["body"])
        if size > limit:
            raise BodyTooLarge(limit=limit)
        if not message["more_body"]:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def unpacked(content: bytes, encoding: str, limit: int) -> bytes:
    """Return a body as it was before it was compressed, at most `limit` bytes and 100 times its size (1 MiB is fine)."""
    if encoding in {"", "identity"}:
        return content
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise UnknownEncoding(encoding=encoding)
    most = min(limit, max(_ALWAYS_FINE, _RATIO * len(content)))
    pieces: list[bytes] = []
    left, rest = most, content
    while rest:
        piece, rest = _one_member(rest, left + 1)
        left -= len(piece)
        if left < 0:
            raise BodyTooLarge(limit=most)
        pieces.append(piece)
    return b"".join(pieces)


def _one_member(content: bytes, most: int) -> tuple[bytes, bytes]:
    """Return what one compressed member holds (at most so many bytes of it), and what follows it."""
    # 32: the decoder finds out by itself whether it is gzip or zlib, which HTTP calls deflate.
    decoder = zlib.decompressobj(32 + zlib.MAX_WBITS)
    try:
        piece = decoder.decompress(content, most)
    except zlib.error as error:
        raise BadCompression(why=str(error)) from None
    if not decoder.eof and len(piece) < most:
        raise BadCompression(why="it is cut short")
    return piece, decoder.unused_data
