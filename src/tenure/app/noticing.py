"""Whether something in the home changed since one looked last, at the price of a few looks at files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.adapters.decision_log.streams import stream_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tenure.settings import Home


class Noticing:
    """Gives one number for each kind of thing: another one means that something changed, and nothing else.

    `writes` counts what this process wrote into the control tables, which no other process writes.
    """

    def __init__(self, home: Home, writes: Callable[[], int]) -> None:
        self._home = home
        self._writes = writes

    def marks(self) -> dict[str, int]:
        """Return the marks of decisions, features, the home's own tables, and its processes."""
        home = self._home
        segments = (path for folder in stream_folders(home.decisions) for path in folder.iterdir())
        return {
            "decisions": _newest(segments),
            "features": _newest([home.features_db, home.features_db.with_name(f"{home.features_db.name}-wal")]),
            "home": self._writes(),
            "processes": _newest([home.state]),
        }


def _newest(files: Iterable[Path]) -> int:
    """Return when one of these was written last, in nanoseconds; 0 while there is none."""
    newest = 0
    for path in files:
        try:
            newest = max(newest, path.stat().st_mtime_ns)
        except FileNotFoundError:
            continue
    return newest
