"""Proofs, holds, retention, destruction, drills."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from tenure.app.wire.shared import Input, Output


class LogProof(Input, frozen=True):
    """A sealed record; `held` is the size of a checkpoint from which the log must be shown to have only grown."""

    decision: str
    held: Annotated[int, msgspec.Meta(ge=0)] = 0


class LogCheckpoint(Input, frozen=True):
    """The newest checkpoint; `held` as above."""

    held: Annotated[int, msgspec.Meta(ge=0)] = 0


class ProofAnswer(Output, frozen=True):
    """A document that `script` (standard library alone) checks; docs/formats/log-record.md, "Proofs"."""

    document: dict[str, Any]
    size: int
    script: str


class Repair(Input, frozen=True):
    """Heal damaged files from their other copy."""

    reason: str = ""


class RepairAnswer(Output, frozen=True):
    """Files that were healed, and contents that are damaged in every copy there is."""

    healed: list[str]
    lost: list[str]


class Restart(Input, frozen=True):
    """Replace processes of the home by new ones while requests go on: any of the gateways, the supervisor, control."""

    parts: tuple[Literal["gateways", "supervisor", "control"], ...] = ("gateways",)
    reason: str = ""


class RestartAnswer(Output, frozen=True):
    """The pids of the new processes, by part; of control that of the old one, which leaves once it has answered this."""

    gateways: list[int] = []
    supervisor: list[int] = []
    leaving: list[int] = []


class Sweep(Input, frozen=True):
    """Remove files that nothing needs and that nobody touched within `older_than`; with `dry_run` only name them."""

    dry_run: bool = False
    older_than: str = "1h"
    reason: str = ""


class SweepAnswer(Output, frozen=True):
    """The files, as paths below the home, and their bytes; `removed` is false after a dry run."""

    removed: bool
    files: list[str]
    bytes: int


class DrilledAnswer(Output, frozen=True):
    """The restore of one environment on its newest version; `found` has the verdict, or why it failed."""

    ref: str
    environment: str
    ok: bool
    found: dict[str, Any]


class DrillAnswer(Output, frozen=True):
    """One restore for every distinct environment."""

    passed: bool
    environments: list[DrilledAnswer]


class PlaceHold(Input, frozen=True):
    """What is held: MODEL/VERSION, a model, an application, `features:VIEW`; with `entity` that person in its decisions."""

    target: str
    reason: str
    entity: str = ""


class HoldAnswer(Output, frozen=True):
    """One hold. `placed_by` is as people know them, a token by its name; the chain has their `placed_by_id`."""

    target: str
    reason: str
    placed_at: str
    placed_by: str
    placed_by_id: str


class RetentionOf(Input, frozen=True):
    """One version, or with no `ref` all that are not destroyed."""

    ref: str = ""


class KeptAnswer(Output, frozen=True):
    """One version with the period it must be kept and the holds on it."""

    ref: str
    stage: str
    retention: str
    since: str | None
    until: str | None
    destruction_proposed_by: str | None
    holds: list[str]


class ClassAnswer(Output, frozen=True):
    """A retention class. `told` is how it is printed: a basis that nobody read in the original stands only in `basis`."""

    name: str
    keep: str
    keeps: list[str]
    basis: str
    source: str
    read_on: str
    standing: str
    effective: str
    told: str
    used_by: list[str]


class RunningOutAnswer(Output, frozen=True):
    """An application's log: until when it is kept, and how many records have run out by `before`, by kind.

    `soon` is how many more do within 30 days, `held` how many have but stay because of a hold. `retention_class` is
    null, and all is kept, where nobody said otherwise.
    """

    application: str
    retention_class: str | None
    retention: str
    oldest: str | None
    before: str | None
    records: int
    by_kind: dict[str, int]
    soon: int
    held: int
    proposed_by: str | None
    proposed_at: str | None
    holds: list[str]


class OldValuesAnswer(Output, frozen=True):
    """A feature view: until when old values are kept, and how many, of how many keys, were last in force before `before`.

    `held` is how many more have run out but stay because of a hold on a person. `retention_class` is null, and all is kept,
    where nobody said otherwise.
    """

    view: str
    retention_class: str | None
    retention: str
    before: str | None
    values: int
    keys: int
    held: int
    proposed_by: str | None
    proposed_at: str | None
    holds: list[str]


class RetentionAnswer(Output, frozen=True):
    """Versions, applications, feature views, retention classes, and every hold in force."""

    versions: list[KeptAnswer]
    holds: list[HoldAnswer]
    applications: list[RunningOutAnswer] = []
    classes: list[ClassAnswer] = []
    views: list[OldValuesAnswer] = []


class DefineClass(Input, frozen=True):
    """A retention class: how long (`10y`, `25mo`, `90d`), of what, and on whose word (governance/retention.py)."""

    name: str
    keep: str
    keeps: tuple[Literal["packages", "decisions", "features"], ...]
    reason: str
    basis: str = ""
    source: str = ""
    read_on: str = ""
    standing: Literal["own", "primary", "secondary", "memory"] = "own"
    effective: str = ""


class AssignClass(Input, frozen=True):
    """Keep a model's versions, an application's log, or (`features:VIEW`) a view's old values under a class."""

    target: str
    name: str
    reason: str


class AssignedAnswer(Output, frozen=True):
    """What is kept under which class since when."""

    target: str
    retention_class: str
    retention: str
    at: str
    by: str


class ExpireLog(Input, frozen=True):
    """What has run out of an application's log; with `dry_run` it is only shown."""

    application: str
    reason: str = ""
    dry_run: bool = False


class ExpireAnswer(Output, frozen=True):
    """What the call did: the first proposes, another person's removes.

    `removed` records went out of `files`; `still_open` more stand in segments that a process writes, and go when it ends.
    """

    application: str
    found: RunningOutAnswer
    proposed_by: str | None
    removed: int
    files: int
    still_open: int
    next_step: str


class ExpireValues(Input, frozen=True):
    """What has run out of a feature view; with `dry_run` it is only shown."""

    view: str
    reason: str = ""
    dry_run: bool = False


class ExpireValuesAnswer(Output, frozen=True):
    """What the call did: the first proposes, another person's removes."""

    view: str
    found: OldValuesAnswer
    proposed_by: str | None
    removed: int
    next_step: str


class DestroyAnswer(Output, frozen=True):
    """What the call did: the first proposes, another person's destroys and leaves a tombstone."""

    ref: str
    stage: str
    proposed_by: str
    tombstone: dict[str, Any] | None
    next_step: str


class Erase(Input, frozen=True):
    """A person, as requests of the application name them."""

    application: str
    entity: str
    reason: str


class LeftTheHome(Output, frozen=True):
    """What was handed out: by which action, where to (a folder, an application, a digest), when first and how often."""

    what: str
    where: str
    by: str
    at: str
    times: int


class EraseAnswer(Output, frozen=True):
    """The pseudonym, whether anything personal was there, and what it concerns.

    That is decisions and events by application, and rows deleted by feature view. `out_of_reach` names what left the
    home since the person's first record and may hold them: backups, exports, dossiers, joined tables.
    """

    person: str
    erased: bool
    decisions: dict[str, int]
    events: dict[str, int] = {}
    features: dict[str, int] = {}
    out_of_reach: list[LeftTheHome] = []
