"""Which Tenure is meant, and as whom: the environment, the home on this machine, or the last `tenure login`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tenure.serving.sockets import connect_unix
from tenure.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.settings import Home


@dataclass(frozen=True, slots=True)
class Remote:
    """A Tenure at an address."""

    url: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """The home on this machine, whether anything runs in it or not."""

    home: Home


@dataclass(frozen=True, slots=True)
class Login:
    """What `tenure login` keeps, in a file that only its owner may read."""

    url: str
    token: str


def where(environ: Mapping[str, str]) -> Remote | Local:
    """Return the Tenure that an environment means: what is named beats what was logged in to, which beats `./tenure-home`."""
    settings = Settings.of(environ)
    if settings.url:
        return Remote(settings.url, settings.token)
    if not environ.get("TENURE_HOME") and (login := read_login(login_file(environ))):
        return Remote(login.url, login.token)
    return Local(settings.home)


def is_answering(home: Home) -> bool:
    """Return whether control of this home takes requests."""
    try:
        connect_unix(home.control_socket, timeout=5).close()
    except OSError:
        return False
    return True


def login_file(environ: Mapping[str, str]) -> Path:
    """Return where the login of an environment's user is kept."""
    config = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or Path.home()) / ".config"
    return Path(config) / "tenure" / "login.json"


def read_login(file: Path) -> Login | None:
    """Return the login kept in `file`, or None when there is none that can be read."""
    try:
        return Login(**json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_login(file: Path, login: Login) -> None:
    """Keep a login where only its owner may read it."""
    write_private(file, json.dumps(asdict(login)))


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as target:
        target.write(text)
    draft.rename(file)
