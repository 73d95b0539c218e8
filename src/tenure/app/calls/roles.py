"""What versions do in service, in words; and what those made of a decision who did not answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from tenure.app.control import Control
    from tenure.model.registry.record import VersionRecord


def role_of(record: VersionRecord) -> str:
    """Return what the version does in service, with a canary's share; empty where it is not in service."""
    return f"{record.role}, {record.share:.0%} of the entities" if record.share else record.role


def beside(control: Control, decision: str) -> list[dict[str, Any]]:
    """Return what shadows and revisions on trial made of a decision, oldest first."""
    found = []
    for one in control.log.shadows(decision):
        asked = next(iter(one.predictions), None)
        found.append(
            {
                "revision": one.revision,
                "model": f"{asked.model}/{asked.version}" if asked else "",
                "output": asked.output if asked else None,
                "failure": asked.failure if asked else None,
                "answer": one.answer,
                "decided_by": one.decided_by,
                "status": one.status if one.answer is not None else "refused",
                "rules": msgspec.to_builtins(one.rules),
                "differs": one.differs,
                "error": one.error,
            }
        )
    return found
