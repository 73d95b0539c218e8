"""Content-addressed files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenure.adapters.blobs import Blobs, DamagedBlob, MissingBlob
from tenure.kit.digests import digest_of

if TYPE_CHECKING:
    from pathlib import Path


def test_content_is_found_by_its_digest_and_stored_once(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "sha256")
    (tmp_path / "file").write_bytes(b"weights")
    first, again = blobs.add(b"weights"), blobs.add(tmp_path / "file")
    assert first == again
    assert (first.digest, first.size) == (digest_of(b"weights"), 7)
    assert blobs.open(first.digest).read() == b"weights"
    stored = [path for path in (tmp_path / "sha256").rglob("*") if path.is_file()]
    assert stored == [tmp_path / "sha256" / first.digest[7:9] / first.digest[7:]]
    assert stored[0].stat().st_mode & 0o777 == 0o444


def test_what_was_never_stored_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingBlob):
        Blobs(tmp_path).path(digest_of(b"nothing"))


def test_a_flipped_bit_is_found_by_verify(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    path = blobs.path(blobs.add(b"weights").digest)
    path.chmod(0o644)
    path.write_bytes(b"weighty")
    with pytest.raises(DamagedBlob, match="is not sha256"):
        blobs.verify(digest_of(b"weights"))


def test_a_lost_or_damaged_blob_is_healed_from_the_second_copy(tmp_path: Path) -> None:
    digest = Blobs(tmp_path / "second").add(b"weights").digest
    blobs = Blobs(tmp_path / "first", tmp_path / "second")
    assert blobs.path(digest).read_bytes() == b"weights"
    place = tmp_path / "first" / digest[7:9] / digest[7:]
    place.chmod(0o644)
    place.write_bytes(b"w3ights")
    assert blobs.verify(digest).read_bytes() == b"weights"


def test_a_damaged_second_copy_heals_nothing(tmp_path: Path) -> None:
    second = Blobs(tmp_path / "second")
    digest = second.add(b"weights").digest
    second.path(digest).chmod(0o644)
    second.path(digest).write_bytes(b"bad")
    with pytest.raises(MissingBlob):
        Blobs(tmp_path / "first", tmp_path / "second").path(digest)


def test_a_second_copy_is_taken_once_and_a_damaged_first_one_is_named(tmp_path: Path) -> None:
    first, second = Blobs(tmp_path / "first"), Blobs(tmp_path / "second")
    digest = first.add(b"wheel").digest
    second.take(digest, first)
    assert second.path(digest).read_bytes() == b"wheel"
    other = first.add(b"other").digest
    for known in (digest, other):
        blob = first.path(known)
        blob.chmod(0o644)
        blob.write_bytes(b"changed")
        with pytest.raises(DamagedBlob) as refused:
            second.take(known, first)
        assert refused.value.facts["file"] == blob
    assert not second.has(other), "nothing is kept of what is not as it should be"
    assert second.is_intact(digest)
