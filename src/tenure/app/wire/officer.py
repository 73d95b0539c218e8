"""The officer's file and the inventory."""

from __future__ import annotations

from typing import Any

import msgspec

from tenure.accountability.inventory import Tier
from tenure.app.wire.shared import Input, Output
from tenure.model.registry.attaching import PaperKind


class Attach(Input, frozen=True):
    """A file about a version, its `content` in base64."""

    model: str
    version: str
    kind: PaperKind
    name: str
    content: bytes
    note: str = ""


class PaperAnswer(Output, frozen=True):
    """One attached file; `own_work` where whoever registered the version attached it, `key` is the home's that signed.

    `by` is as people know them, a token by its name; what was signed names the `by_id`.
    """

    ref: str
    kind: str
    name: str
    digest: str
    size: int
    at: str
    by: str
    by_id: str
    note: str
    own_work: bool
    key: str
    url: str


class ReadPaper(Input, frozen=True):
    """An attached file, by its digest (or seven characters of it) or its name."""

    model: str
    version: str
    paper: str


class PaperContent(PaperAnswer, frozen=True):
    """An attached file with its content in base64."""

    content: bytes


class ShowInventory(Input, frozen=True):
    """The inventory as of a moment, now when empty."""

    as_of: str | None = None


class AddInventory(Input, frozen=True):
    """What is said of a model, served here or not; what is left out stays as it was, "" takes it away."""

    model: str
    owner: str | None = None
    developer: str | None = None
    validator: str | None = None
    risk_tier: Tier | None = None
    use: str | None = None
    limits: str | None = None
    next_validation: str | None = None
    validate_every: int | None = None
    where: str | None = None
    retired: bool | None = None
    reason: str = ""

    def said(self) -> dict[str, Any]:
        """Return what was mentioned, by the names of an entry."""
        found = msgspec.structs.asdict(self)
        return {name: value for name, value in found.items() if name not in {"model", "reason"} and value is not None}


class InventoryLine(Output, frozen=True):
    """One model: who answers for it, its version in service with its stage, who depends on it, its validations.

    `where` says where a model runs that is not served here; `overdue` that its next validation should have been.
    """

    model: str
    served_here: bool
    where: str
    owner: str
    developer: str
    validator: str
    risk_tier: str
    use: str
    limits: str
    version: str
    stage: str
    versions: int
    dependents: list[str]
    last_validation: str
    next_validation: str
    overdue: bool
    url: str


class InventoryAnswer(Output, frozen=True):
    """The inventory of one moment."""

    as_of: str
    models: list[InventoryLine]
    url: str


class PackModel(Input, frozen=True):
    """All that is kept about a model from `since` to `until` (now when empty), with `samples` decisions in full.

    `seed` draws the sample; empty takes one made of model and span.
    """

    model: str
    since: str
    until: str | None = None
    samples: int = 5
    seed: str = ""


class PackAnswer(Output, frozen=True):
    """The archive in base64; `document` lists its files with their digests, `digest` is that of the list that was signed."""

    model: str
    digest: str
    key: str
    document: dict[str, Any]
    content: bytes
    url: str
