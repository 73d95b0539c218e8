"""Secrets made on first use."""

import os
from pathlib import Path

from tenure.adapters.secret_files import kept_secret


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "one.key"
    first = kept_secret(file, lambda: os.urandom(32))
    assert kept_secret(file, lambda: os.urandom(32)) == first
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [one.name for one in file.parent.iterdir()] == ["one.key"], "no draft is left"


def test_whoever_loses_the_race_gets_the_winners_secret(tmp_path: Path) -> None:
    file = tmp_path / "one.key"

    def late() -> bytes:
        file.write_bytes(b"the winner's")  # another process was quicker, after we looked
        return b"the loser's"

    assert kept_secret(file, late) == b"the winner's"
