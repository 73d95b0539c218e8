"""The audit chain: what was changed, by whom, why, from what to what; each row seals all rows before it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tenure.kit.digests import canonical, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenure.governance.access import Actor, Permission

#: what the first row is chained to
GENESIS = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class Event:
    """One change, written in the same transaction as the change itself. `before` and `after` are plain JSON."""

    permission: Permission
    actor: Actor
    at: int
    target: str
    reason: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the chain; `sequence` counts from 1, `digest` is the sha256 of the canonical JSON of all the others."""

    sequence: int
    at: int
    actor: str
    role: str
    action: str
    target: str
    reason: str
    request: str
    before: str
    after: str
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class Head:
    """How long the chain was and its last digest at some moment; kept outside the database, so that a cut shows."""

    count: int
    digest: str


def chained(event: Event, head: Head) -> Entry:
    """Return the row that appends `event` to the chain that ends at `head`."""
    unsealed = Entry(
        sequence=head.count + 1,
        at=event.at,
        actor=event.actor.id,
        role=event.actor.role.value,
        action=event.permission.value,
        target=event.target,
        reason=event.reason,
        request=event.actor.request,
        before=canonical(event.before).decode(),
        after=canonical(event.after).decode(),
        previous=head.digest,
        digest="",
    )
    return replace(unsealed, digest=_seal(unsealed))


def problems(entries: Iterable[Entry], witness: Head | None) -> list[str]:
    """Return one sentence per row that was edited, removed, added or moved since it was written; empty means intact.

    `entries` come in the order of their sequence. `witness` is the head that was last noted outside the database.
    """
    found: list[str] = []
    head = Head(0, GENESIS)
    for entry in entries:
        found += _faults(entry, head, witness)
        head = Head(entry.sequence, entry.digest)
    if witness is not None and head.count < witness.count:
        found.append(f"rows {head.count + 1} to {witness.count} were removed from the end")
    return found


def _faults(entry: Entry, head: Head, witness: Head | None) -> list[str]:
    found = []
    if entry.sequence != head.count + 1:
        found.append(f"rows {head.count + 1} to {entry.sequence - 1} were removed")
    elif entry.previous != head.digest:
        found.append(f"row {entry.sequence} does not follow row {head.count}: one of them was replaced or moved")
    if _seal(entry) != entry.digest:
        found.append(f"row {entry.sequence} ({entry.action} {entry.target}) was edited")
    if witness is not None and entry.sequence == witness.count and entry.digest != witness.digest:
        found.append(f"row {entry.sequence} is not the one noted in audit.head: the chain was written anew")
    return found


def _seal(entry: Entry) -> str:
    content = {name: getattr(entry, name) for name in Entry.__dataclass_fields__ if name != "digest"}
    return digest_of(canonical(content))
