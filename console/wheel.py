"""What the build of the wheel asks of the console: that it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = "tenure/console"


class NoConsole(Exception):
    """The console was not built, and a wheel without it would serve a plain page."""


class ConsoleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts `console/dist` into the wheel; an editable install finds it where it stands and does not need it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuse a wheel without the console."""
        if version == "editable":
            return
        built = Path(self.root) / "console" / "dist"
        if not (built / "index.html").is_file():
            raise NoConsole("console/dist is missing: `make console` builds it (it needs Node 20.19 or newer)")
        build_data["force_include"][str(built)] = PLACE
