"""What was said of versions, beside the audit trail: each was written there too, so that neither can be changed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tenure.governance.access import Permission
from tenure.kit.clock import iso
from tenure.model.registry.attaching import ATTACHMENT
from tenure.model.travelling import CARRIED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tenure.governance.audit import Entry
    from tenure.model.registry.record import Attestation

#: what is said of a version by an action that does nothing without saying it
_SAID_BY: dict[str, str] = {
    Permission.VERSIONS_REGISTER.value: "seal",
    Permission.VERSIONS_APPROVE.value: "approval",
    Permission.VERSIONS_ATTACH.value: ATTACHMENT,
    Permission.VERSIONS_DECOMMISSION.value: "tombstone",
    Permission.VERSIONS_ARCHIVE.value: "archive",
    Permission.VERSIONS_RESTORE.value: "restore",
}


def contradictions(ref: str, said: Sequence[Attestation], before: Iterable[Entry], after: Iterable[Entry]) -> list[str]:
    """Return where what was said of a version and the audit trail differ, a line each.

    `before` are the version's events in the trail as it was before `said` was read, `after` as it is since: others may
    be at work.
    """
    events: dict[tuple[int, str], list[Entry]] = {}
    for each in after:
        events.setdefault((each.at, each.actor), []).append(each)
    came = any(one.kind == "imported" for one in said)
    found = []
    for one in said:
        if beside := events.get((one.at, one.actor)):
            found += [
                f"{_named(ref, one.kind, one.at)}: {name} is not what the audit trail says"
                for name in _changed(one, beside)
            ]
        elif not (came and one.kind in CARRIED):
            found.append(f"{_named(ref, one.kind, one.at)}: no event of the audit trail goes with it")
    there = {(one.kind, one.at, one.actor) for one in said}
    expected = ((_SAID_BY.get(one.action), one.at, one.actor) for one in before)
    missing = [(kind, at) for kind, at, actor in expected if kind and (kind, at, actor) not in there]
    return found + [f"{_named(ref, kind, at)}: the audit trail has it, and it is gone" for kind, at in missing]


def _named(ref: str, kind: str, at: int) -> str:
    return f"the {kind} of {ref} of {iso(at)}"


def _changed(said: Attestation, beside: Iterable[Entry]) -> list[str]:
    """Return which facts stand differently in the event that tells most of the same."""
    told = (msgspec.json.decode(event.after, type=dict) | {"reason": event.reason} for event in beside)
    same = max(told, key=lambda facts: len(facts.keys() & said.body.keys()))
    return [name for name, value in said.body.items() if name in same and same[name] != value]
