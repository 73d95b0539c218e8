"""Replacing the processes of a home by new ones, as after an upgrade of the software, without losing a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.governance.access import Actor
    from tenure.governance.ports import AuditLog
    from tenure.kit.clock import Clock

Part: TypeAlias = Literal["gateways", "supervisor", "control"]


class Processes(Protocol):
    """The processes of a home."""

    def replace_gateways(self) -> list[int]:
        """Return the pids of the new gateways, once the old ones have left their places."""

    def replace_supervisor(self) -> int:
        """Return the pid of the new supervisor, which watches everything that the old one did."""

    def end_control(self) -> int:
        """Return the pid of this control process, which ends when it has answered whoever asks it at this moment."""


class Restarting:
    """Collection of the one action that replaces processes."""

    def __init__(self, processes: Processes, audit: AuditLog, clock: Clock) -> None:
        self._processes, self._audit, self._clock = processes, audit, clock

    def restart(self, actor: Actor, parts: frozenset[Part], reason: str) -> dict[Part, list[int]]:
        """Replace the parts, the supervisor first, since it starts the others; return the new pids.

        Control, which does all this, goes last; its successor migrates the home's tables when it starts, so what is
        returned for it is the pid that goes.
        """
        authorize(actor, Permission.RESTART)
        replace: dict[Part, Callable[[], list[int]]] = {
            "supervisor": lambda: [self._processes.replace_supervisor()],
            "gateways": self._processes.replace_gateways,
            "control": lambda: [self._processes.end_control()],
        }
        done = {part: work() for part, work in replace.items() if part in parts}
        after = {str(part): pids for part, pids in done.items()}
        with self._audit.transaction():
            self._audit.write(Event(Permission.RESTART, actor, self._clock.now(), "home", reason, {}, after))
        return done
