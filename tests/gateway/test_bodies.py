"""Bodies: how they are unpacked, and what is too much."""

import gzip
import zlib

import pytest

from tenure.entrypoints.gateway.bodies import BadCompression, UnknownEncoding, unpacked
from tenure.entrypoints.gateway.problems import BodyTooLarge

TEXT = b'{"inputs": []}' * 10


def test_what_was_compressed_comes_back_whole() -> None:
    assert unpacked(TEXT, "", 10) == TEXT
    assert unpacked(gzip.compress(TEXT), "gzip", 1 << 20) == TEXT
    assert unpacked(zlib.compress(TEXT), "deflate", 1 << 20) == TEXT
    assert unpacked(gzip.compress(TEXT) + gzip.compress(TEXT), "gzip", 1 << 20) == TEXT * 2


def test_a_bomb_is_not_unpacked_beyond_its_bound() -> None:
    bomb = gzip.compress(bytes(50 << 20))
    with pytest.raises(BodyTooLarge) as refused:
        unpacked(bomb, "gzip", 32 << 20)
    assert refused.value.facts["limit"] == 100 * len(bomb)
    with pytest.raises(BodyTooLarge):
        unpacked(gzip.compress(bytes(2000)), "gzip", 1000)


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(TEXT)[:-9], gzip.compress(TEXT) + b"more"],
    ids=["no gzip", "cut short", "more after it"],
)
def test_what_is_damaged_is_refused(content: bytes) -> None:
    with pytest.raises(BadCompression):
        unpacked(content, "gzip", 1 << 20)


def test_other_encodings_are_refused_by_name() -> None:
    with pytest.raises(UnknownEncoding, match="br"):
        unpacked(TEXT, "br", 1 << 20)
