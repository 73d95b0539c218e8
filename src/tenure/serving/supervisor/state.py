"""What the supervisor has started, as a later supervisor needs it: `run/state.json`, and the lock on the home."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
Role: TypeAlias = Literal["control", "worker", "gateway", "leaving"]


@dataclass(frozen=True, slots=True)
class Started:
    """One process. `name` is `control`, a worker's key, or a gateway's place; `leaving` is a gateway that drains."""

    role: Role
    name: str
    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything a successor needs beside the sockets."""

    host: str
    port: int
    gateways: int
    control: bool
    generation: int
    processes: tuple[Started, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"tenure_state": FORMAT, **asdict(self)}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Remembered:
        """Return what was written; raise `ValueError` when its format is another."""
        fields = dict(plain)
        if fields.pop("tenure_state", None) != FORMAT:
            raise ValueError("the supervisor's state has another format")
        fields["processes"] = tuple(Started(**one) for one in fields["processes"])
        return cls(**fields)


def write(file: Path, remembered: Remembered) -> None:
    """Write the state so that a reader sees all of it or what was there before."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(json.dumps(remembered.plain(), indent=1))
    draft.rename(file)


def read(file: Path) -> Remembered | None:
    """Return the state that an earlier supervisor left, or None when there is none to be read."""
    try:
        return Remembered.of(json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def lock(file: Path) -> int | None:
    """Return a descriptor that holds the lock for as long as it is open, or None while another process holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
