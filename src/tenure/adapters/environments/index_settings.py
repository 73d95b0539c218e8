"""What a person told pip about indexes, in uv's words: uv reads its own settings but not pip's."""

from __future__ import annotations

import configparser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: pip's name -> uv's variable and how it joins several values
_NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "cert": ("SSL_CERT_FILE", ""),
    "no-index": ("UV_NO_INDEX", ""),
}


def for_uv(environ: Mapping[str, str], home: Path, virtual: Path) -> dict[str, str]:
    """Return the variables that carry pip's settings over; none where uv itself was configured by the same name.

    Looks where pip looks: PIP_CONFIG_FILE, /etc/pip.conf, the user's pip.conf, the virtual environment's, then PIP_*.
    """
    files: list[str | Path] = [
        "/etc/pip.conf",
        home / ".pip/pip.conf",
        home / ".config/pip/pip.conf",
        virtual / "pip.conf",
    ]
    if environ.get("PIP_CONFIG_FILE"):
        files.append(environ["PIP_CONFIG_FILE"])
    settings = _read(files)
    settings.update({name: value for name in _NAMES if (value := environ.get("PIP_" + name.upper().replace("-", "_")))})
    carried = {
        variable: joint.join(settings[name].split()) if joint else settings[name]
        for name, (variable, joint) in _NAMES.items()
        if settings.get(name) and not environ.get(variable)
    }
    if "UV_INDEX" in carried:  # pip takes the best version of all indexes, uv alone that of the first
        carried.setdefault("UV_INDEX_STRATEGY", environ.get("UV_INDEX_STRATEGY") or "unsafe-best-match")
    return carried


def _read(files: list[str | Path]) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.read(files, encoding="utf-8")
    found: dict[str, str] = {}
    for section in ("global", "install", "download"):
        if parser.has_section(section):
            found.update(parser.items(section))
    return found
