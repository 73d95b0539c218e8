"""Models and their versions."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tenure.app.wire.governance import EventAnswer
from tenure.app.wire.restorable import Restorable
from tenure.app.wire.shared import Input, Listing, Output
from tenure.model.monitoring.side_by_side import SideBySide


class Model(Input, frozen=True):
    """One model."""

    model: str


class ListModels(Listing, frozen=True):
    """Which models to list: those whose name contains `name`."""

    name: str = ""


class ListVersions(Listing, frozen=True, kw_only=True):
    """Which versions of a model to list: all, or those at one stage."""

    model: str
    stage: str = ""


class ModelHistory(Input, frozen=True):
    """What happened to a model; with `as_of`, what served at that moment."""

    model: str
    as_of: str = ""


class Rollback(Input, frozen=True, kw_only=True):
    """Give `champion` back to the version that had it before, or to version `to`."""

    model: str
    to: int | None = None
    reason: str


class Register(Input, frozen=True):
    """Take a package into the registry.

    `package` is a folder or file on the machine of the home. Over HTTP the entry point puts the upload there and fills
    it in (`Action.upload`); it is never taken from a client.
    """

    package: str
    reason: str = ""


class Version(Input, frozen=True):
    """One version of a model."""

    model: str
    version: str


class Change(Input, frozen=True):
    """One version of a model, and why it is changed."""

    model: str
    version: str
    reason: str


class Restore(Input, frozen=True):
    """One archived version."""

    model: str
    version: str
    reason: str = ""


class VersionHistory(Input, frozen=True):
    """What happened to a version, up to `as_of` if that is given."""

    model: str
    version: str
    as_of: str = ""


class Deploy(Input, frozen=True):
    """Bring a version into service; with no `role`: champion if the model has none, else warm, without traffic.

    `shadow` is asked what the champion is asked, and never answers; `canary` answers the `share` of the entities (0.1
    where none is given), the same entities always. `warm`, or the share 0, ends either.
    """

    model: str
    version: str
    role: Literal["champion", "warm", "shadow", "canary"] | None = msgspec.field(default=None, name="as")
    share: float | None = None
    reason: str = ""


class Decommission(Input, frozen=True):
    """Take a version out of service for good reasons; `successor` is the version that does its work now."""

    model: str
    version: str
    reason: str
    successor: str = ""


class Compare(Input, frozen=True):
    """Two versions of one model or of two, `other` written as in churn/2; live requests count `since` a moment."""

    model: str
    version: str
    other: str
    since: str = ""


class Run(Input, frozen=True):
    """Rows for a version of any stage, in its own environment; changes no stage."""

    model: str
    version: str
    rows: list[dict[str, Any]]


class Logs(Input, frozen=True):
    """The newest lines of a version's worker."""

    model: str
    version: str
    lines: int = 200


class VersionAnswer(Output, frozen=True):
    """One version. `role` is empty unless it is deployed; `share` is a canary's; `aliases` are those that point to it."""

    ref: str
    model: str
    version: int
    digest: str
    stage: str
    role: str
    share: float | None
    aliases: list[str]
    registered_at: str
    registered_by: str
    metrics: dict[str, float]
    python: str
    url: str


class VersionDetail(VersionAnswer, frozen=True):
    """One version with what its package says and what was attested about it since.

    `papers` are the files attached to it since. `seal_level` is what its newest restore proved: S1 (hashes only), S2
    (also from its own wheels and interpreter, without a network) or S3 (also without this machine's shared libraries but
    glibc); `seal` says what cut the network off, what was hidden, and why it is no more.
    """

    seal_level: str
    seal: dict[str, Any]
    manifest: dict[str, Any]
    attestations: list[dict[str, Any]]
    papers: list[dict[str, Any]]


class RegisterAnswer(VersionAnswer, frozen=True):
    """The registered version; `again` when the same package was registered before."""

    again: bool


class ModelAnswer(Output, frozen=True):
    """One model; `champion` is the number in service, None while there is none."""

    model: str
    champion: int | None
    aliases: dict[str, int]
    versions: int
    url: str


class Moved(Output, frozen=True):
    """What a change of traffic came to: which version had `champion` before and which has it now."""

    ref: str
    stage: str
    role: str
    champion: int | None
    before: int | None
    url: str
    #: the version under comparison
    challenger: int | None = None
    #: the part of the entities that `ref` answers as canary
    share: float | None = None


class EndedAnswer(Output, frozen=True):
    """The end of a version's service and what stays written about it."""

    ref: str
    stage: str
    tombstone: dict[str, Any]
    url: str


class ServedAnswer(Output, frozen=True):
    """From when which version had an alias, who moved it and why."""

    at: str
    alias: str
    ref: str | None
    actor: str
    action: str
    reason: str


class HistoryAnswer(Output, frozen=True):
    """`served` is what aliases pointed to (at `as_of`, or ever); `events` every change in the audit chain, newest first."""

    served: list[ServedAnswer]
    events: list[EventAnswer]


class Difference(Output, frozen=True):
    """One fact in which two versions differ; None means that a version has no such fact."""

    what: str
    left: Any
    right: Any


class CompareAnswer(Output, frozen=True):
    """Everything in which two versions differ, grouped: metrics, inputs, outputs, environment, model.

    `roles` says what each does now; `live` compares what they said to live requests.
    """

    left: str
    right: str
    differences: list[Difference]
    roles: dict[str, str]
    live: SideBySide


class RunAnswer(Output, frozen=True):
    """One output per row; a row that failed has None there and its error at the same place in `errors`.

    `way` is `worker` where the version serves and its worker was asked, `process` where one was started for it; `seconds`
    what went into `restore`, `load` (of which `libraries` for importing and loading) and `predict`.
    """

    ref: str
    outputs: list[dict[str, Any] | None]
    errors: list[str]
    way: Literal["worker", "process"]
    seconds: dict[str, float]


class LogsAnswer(Output, frozen=True):
    """Lines, oldest first."""

    lines: list[str]


class ArchiveAnswer(Output, frozen=True):
    """The stage reached, and the restore that was proven: rows run again and whether their bits were met."""

    ref: str
    stage: str
    proof: dict[str, Any]
    url: str


class Verify(Input, frozen=True):
    """Check one version (`churn/1`), or everything the home holds."""

    ref: str = ""


class VerifyAnswer(Output, frozen=True):
    """What was looked at, and one sentence per thing that is not as it was written; `intact` when there is none.

    `restorable` is told where the whole home was looked at: bytes that are whole are not yet a restore.
    """

    intact: bool
    checked: dict[str, int]
    problems: list[str]
    restorable: Restorable | None = None
