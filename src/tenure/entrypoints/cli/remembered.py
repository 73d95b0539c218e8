"""What each application's file last was, as its user's machine remembers: `apply` says it, so that nobody is overwritten unseen.

One line for each installation and file, in `tenure/files.json` below `XDG_STATE_HOME` (else `~/.local/state`). It is a help and
never a hindrance: what cannot be read counts as never seen, what cannot be written is said once.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tenure.client.where import Remote, where, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: so many files are remembered, those that were applied last
_KEPT = 1000
#: a folder that cannot be read or written, or a user without one
_NOT_THERE = (OSError, RuntimeError)


def state_file(environ: Mapping[str, str]) -> Path:
    """Return where an environment's user keeps it."""
    state = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".local" / "state"
    return Path(state) / "tenure" / "files.json"


def last_seen(environ: Mapping[str, str], file: Path) -> str:
    """Return the digest of the revision that this file last was in the installation that is meant; empty: none is known."""
    try:
        return _read(state_file(environ)).get(_key(environ, file), "")
    except _NOT_THERE:
        return ""


def remember(environ: Mapping[str, str], file: Path, digest: str) -> str:
    """Note the revision that this file is now; return why it could not be noted, or an empty string."""
    try:
        state = state_file(environ)
        with _alone(state):
            own = _key(environ, file)
            known = {key: last for key, last in _read(state).items() if key != own}
            write_private(state, json.dumps(dict([*known.items(), (own, digest)][-_KEPT:]), indent=0))
    except _NOT_THERE as error:
        return str(error)
    return ""


def _key(environ: Mapping[str, str], file: Path) -> str:
    """Return what a file is remembered by: one that lies on this machine may be applied to several installations."""
    meant = where(environ)
    installation = meant.url.rstrip("/") if isinstance(meant, Remote) else str(meant.home.root.resolve())
    return f"{installation} {file.resolve()}"


def _read(state: Path) -> dict[str, str]:
    try:
        known = json.loads(state.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {key: str(digest) for key, digest in known.items()} if isinstance(known, dict) else {}


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Let one process at a time read and write again: of two that apply at once both are remembered."""
    state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(state.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
