"""How long a version must be kept, and who said that it may go: read off what was attested about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from tenure.governance.holds import among, on_model, on_version, refuse
from tenure.governance.retention import after
from tenure.kit.clock import iso, parse_iso
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tenure.governance.holds import Hold
    from tenure.governance.retention import RetentionClass
    from tenure.model.lifecycle import Stage
    from tenure.model.version import VersionRef


class StillRetained(TenureError):
    """The retention period runs."""

    code = "still-retained"
    kind = Kind.CONFLICT
    message = "{ref} is kept until {until} ({why})"
    next_step = "see `tenure retention {ref}`; nothing shortens a period that runs"


class SecondPerson(TenureError):
    """Destroying takes two people."""

    code = "second-person"
    kind = Kind.CONFLICT
    message = "{actor} proposed to destroy {ref}; somebody else must do it"
    next_step = "ask another person to call: tenure destroy {ref} --reason …"


class Destroyed(TenureError):
    """The version's files are gone."""

    code = "destroyed"
    kind = Kind.CONFLICT
    message = "{ref} was destroyed: only its tombstone is left"
    next_step = "see `tenure show {ref}` for the tombstone with the digests of what it was"


class Statement(Protocol):
    """One attestation of a version."""

    @property
    def kind(self) -> str:
        """Return what kind of statement it is."""

    @property
    def at(self) -> int:
        """Return when it was made."""

    @property
    def actor(self) -> str:
        """Return who made it."""

    @property
    def body(self) -> dict[str, Any]:
        """Return what was said."""


@dataclass(frozen=True, slots=True)
class Retention:
    """From when until when a version is kept (UTC microseconds), and who proposed to destroy it since, if anybody."""

    since: int
    until: int
    proposed_by: str | None = None
    proposed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """One version with what holds it: its period if it is archived, and the holds on it."""

    ref: VersionRef
    stage: Stage
    retention: Retention | None
    holds: tuple[Hold, ...]
    kept_as: RetentionClass


def retention_of(statements: Iterable[Statement]) -> Retention | None:
    """Return the period that runs or ran since the last archiving; None if the version is not in the archive.

    `statements` come oldest first. A restore ends the period, and a proposal made before it counts no more.
    """
    found: Retention | None = None
    for one in statements:
        if one.kind == "archive":
            found = Retention(parse_iso(one.body["retention_from"]), parse_iso(one.body["keep_until"]))
        elif one.kind == "restore":
            found = None
        elif one.kind == "proposal" and found is not None:
            found = Retention(found.since, found.until, one.actor, one.at)
    return found


def lengthened(found: Retention | None, kept_as: RetentionClass) -> Retention | None:
    """Return the period as the class that holds today makes it: longer perhaps, and never shorter than it was begun."""
    if found is None:
        return None
    return replace(found, until=max(found.until, after(found.since, kept_as.keep)))


def holds_on(ref: VersionRef, holds: Sequence[Hold]) -> tuple[Hold, ...]:
    """Return the holds that a version is under, by itself or with its model."""
    return tuple(among(holds, (on_version(ref.model, ref.number), on_model(ref.model))))


def check_destroyable(
    ref: VersionRef, retention: Retention | None, holds: Sequence[Hold], now: int, kept_as: RetentionClass
) -> None:
    """Raise what stands in the way of destroying an archived version: a hold, or a period that still runs."""
    refuse(str(ref), holds_on(ref, holds))
    if retention is not None and now < retention.until:
        raise StillRetained(ref=ref, until=iso(retention.until), why=kept_as.told)


def is_seconded(ref: VersionRef, retention: Retention | None, actor: str) -> bool:
    """Return whether somebody else proposed it; False when nobody has yet. Raise `SecondPerson` for the same person."""
    if retention is None or retention.proposed_by is None:
        return False
    if retention.proposed_by == actor:
        raise SecondPerson(actor=actor, ref=ref)
    return True
