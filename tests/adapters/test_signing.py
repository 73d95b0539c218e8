"""The builder's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tenure.adapters.signing import BuilderKey, is_valid

if TYPE_CHECKING:
    from pathlib import Path


def test_the_key_is_made_silently_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    first, again = (
        BuilderKey(tmp_path / "keys").sign(b"manifest", 1),
        BuilderKey(tmp_path / "keys").sign(b"manifest", 2),
    )
    assert first.public == again.public
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()] == [0o600]


def test_a_signature_fits_its_manifest_and_its_key_alone(tmp_path: Path) -> None:
    signature = BuilderKey(tmp_path / "ada").sign(b"manifest", 1)
    stranger = BuilderKey(tmp_path / "eve").sign(b"manifest", 1)
    assert is_valid(signature, b"manifest")
    assert not is_valid(signature, b"manifesto")
    assert not is_valid(msgspec.structs.replace(signature, public=stranger.public), b"manifest")
    assert not is_valid(msgspec.structs.replace(stranger, key=signature.key), b"manifest")
    assert not is_valid(msgspec.structs.replace(signature, signature="no base64!"), b"manifest")
