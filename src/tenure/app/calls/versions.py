"""Models and their versions, from package to archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.app import wire
from tenure.app.calls.governance import event_answer
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import moment
from tenure.app.calls.restorable import restorable
from tenure.app.calls.roles import role_of
from tenure.kit.clock import iso
from tenure.model.package import newest_seal
from tenure.model.registry.attaching import papers_in, plain
from tenure.model.version import CHAMPION, AliasRef, VersionRef, parse_name, parse_ref
from tenure.serving.places import worker_log

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.app.control import Control
    from tenure.governance.access import Actor
    from tenure.model.deployment.fleet import Fleet
    from tenure.model.registry.record import History, ModelRecord, VersionRecord


def named(model: str, version: str) -> VersionRef | AliasRef:
    """Return what a model's name and a number or alias mean; raise `BadReference`."""
    return parse_ref(f"{model}/{version}" if version.isdigit() else f"{model}@{version}")


def numbered(control: Control, actor: Actor, model: str, version: str) -> VersionRef:
    """Return the version by its number; finding it through an alias is reading, which the actor must be allowed."""
    return _known(control, actor, named(model, version))


def _known(control: Control, actor: Actor, ref: VersionRef | AliasRef) -> VersionRef:
    return ref if isinstance(ref, VersionRef) else control.models.show(actor, ref)[0].ref


# ---- records


def models(control: Control, actor: Actor, _: wire.ListModels) -> list[wire.ModelAnswer]:
    """List models."""
    return [_model(control, record) for record in control.models.all(actor)]


def model(control: Control, actor: Actor, given: wire.Model) -> wire.ModelAnswer:
    """Show a model."""
    return _model(control, control.models.model(actor, parse_name(given.model)))


def _model(control: Control, record: ModelRecord) -> wire.ModelAnswer:
    return wire.ModelAnswer(
        model=record.name,
        champion=record.aliases.get(CHAMPION),
        aliases=record.aliases,
        versions=record.versions,
        url=control.url(f"/models/{record.name}"),
    )


def register(control: Control, actor: Actor, given: wire.Register) -> wire.RegisterAnswer:
    """Register a package."""
    record, again = control.models.register(actor, Path(given.package), given.reason)
    return wire.RegisterAnswer(**_facts(control, record, known_as(control)), again=again)


def versions(control: Control, actor: Actor, given: wire.ListVersions) -> list[wire.VersionAnswer]:
    """List a model's versions."""
    records = control.models.versions(actor, parse_name(given.model))
    known = known_as(control)
    return [wire.VersionAnswer(**_facts(control, record, known)) for record in records]


def show(control: Control, actor: Actor, given: wire.Version) -> wire.VersionDetail:
    """Show a version."""
    record, attestations = control.models.show(actor, named(given.model, given.version))
    seal = newest_seal(record.manifest, [(one.kind, one.body) for one in attestations])
    known = known_as(control)
    return wire.VersionDetail(
        **_facts(control, record, known),
        seal_level=seal.level,
        seal=msgspec.to_builtins(seal),
        manifest=msgspec.to_builtins(record.manifest),
        attestations=[
            {"kind": one.kind, "at": iso(one.at), "actor": known(one.actor), "actor_id": one.actor, **one.body}
            for one in attestations
        ],
        papers=[plain(paper, known) for paper in papers_in(record, attestations)],
    )


def _facts(control: Control, record: VersionRecord, known: Callable[[str], str]) -> dict[str, Any]:
    manifest = record.manifest
    return {
        "ref": str(record.ref),
        "model": record.ref.model,
        "version": record.ref.number,
        "digest": record.digest,
        "stage": record.stage.value,
        "role": record.role,
        "share": record.share or None,
        "aliases": list(record.aliases),
        "registered_at": iso(record.registered_at),
        "registered_by": known(record.registered_by),
        "metrics": dict(manifest.provenance.metrics),
        "python": manifest.environment.interpreter.version if manifest.environment else manifest.python,
        "url": control.url(f"/models/{record.ref}"),
    }


def approve(control: Control, actor: Actor, given: wire.Change) -> wire.VersionAnswer:
    """Approve a version."""
    record = control.models.approve(actor, named(given.model, given.version), given.reason)
    return wire.VersionAnswer(**_facts(control, record, known_as(control)))


def compare(control: Control, actor: Actor, given: wire.Compare) -> wire.CompareAnswer:
    """Compare two versions."""
    other = named(given.model, given.other) if given.other.isdigit() else parse_ref(given.other)
    left, right, found = control.models.compare(actor, named(given.model, given.version), other)
    differences = [wire.Difference(what=one.what, left=one.left, right=one.right) for one in found]
    since = moment(given.since, control.clock.now())
    begun = _both_in_service(control, left.ref, right.ref) if since is None else since
    live = control.monitoring.side_by_side(actor, left.ref, right.ref, begun)
    return wire.CompareAnswer(
        left=str(left.ref), right=str(right.ref), differences=differences, roles=_roles(left, right), live=live
    )


def _roles(*records: VersionRecord) -> dict[str, str]:
    return {str(one.ref): role_of(one) or one.stage.value for one in records}


def _both_in_service(control: Control, *refs: VersionRef) -> int:
    """Return since when both have had an alias: what one of them said before is nothing to compare."""
    began = []
    for ref in refs:
        first = next((row.at for row in control.registry.served(ref.model) if row.number == ref.number), 0)
        began.append(first)
    return max(began)


def history(control: Control, actor: Actor, given: wire.ModelHistory) -> wire.HistoryAnswer:
    """Show what served when."""
    as_of = moment(given.as_of, control.clock.now())
    return _history(control, given.model, control.models.history(actor, parse_name(given.model), as_of))


def version_history(control: Control, actor: Actor, given: wire.VersionHistory) -> wire.HistoryAnswer:
    """Show when a version had which alias."""
    as_of = moment(given.as_of, control.clock.now())
    found = control.models.version_history(actor, named(given.model, given.version), as_of)
    return _history(control, given.model, found)


def _history(control: Control, model: str, found: History) -> wire.HistoryAnswer:
    name = known_as(control)
    served = [
        wire.ServedAnswer(
            at=iso(row.at),
            alias=row.alias,
            ref=str(VersionRef(model, row.number)) if row.number else None,
            actor=name(row.actor),
            action=row.action,
            reason=row.reason,
        )
        for row in found.served
    ]
    names = control.tokens.names()
    return wire.HistoryAnswer(served=served, events=[event_answer(entry, names) for entry in found.events])


def logs(control: Control, actor: Actor, given: wire.Logs) -> wire.LogsAnswer:
    """Show the newest lines of a version's worker."""
    ref = control.models.logs(actor, named(given.model, given.version))
    file = worker_log(control.home, str(ref))
    lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
    return wire.LogsAnswer(lines=lines[-max(0, given.lines) :] if given.lines else [])


# ---- service


def deploy(control: Control, actor: Actor, given: wire.Deploy) -> wire.Moved:
    """Bring a version into service."""
    ref = numbered(control, actor, given.model, given.version)
    fleet, before = control.deployments.deploy(actor, ref, given.role, given.reason, given.share)
    return _moved(control, ref, fleet, before)


def promote(control: Control, actor: Actor, given: wire.Change) -> wire.Moved:
    """Move `champion`."""
    ref = numbered(control, actor, given.model, given.version)
    fleet, before = control.deployments.promote(actor, ref, given.reason)
    return _moved(control, ref, fleet, before)


def rollback(control: Control, actor: Actor, given: wire.Rollback) -> wire.Moved:
    """Give `champion` back."""
    fleet, before = control.deployments.rollback(actor, parse_name(given.model), given.to, given.reason)
    assert fleet.champion is not None, "a roll-back ends with a champion"
    return _moved(control, VersionRef(fleet.model, fleet.champion), fleet, before)


def _moved(control: Control, ref: VersionRef, fleet: Fleet, before: int | None) -> wire.Moved:
    role = fleet.deployed.get(ref.number)
    return wire.Moved(
        ref=str(ref),
        stage=fleet.stages[ref.number].value,
        role=role.value if role else "",
        champion=fleet.champion,
        before=before,
        challenger=fleet.challenger,
        share=fleet.share if fleet.canary == ref.number else None,
        url=control.url(f"/models/{ref}"),
    )


def decommission(control: Control, actor: Actor, given: wire.Decommission) -> wire.EndedAnswer:
    """Take a version out of service."""
    ref = numbered(control, actor, given.model, given.version)
    successor = _successor(control, actor, given)
    stone = control.decommissionings.decommission(actor, ref, given.reason, successor)
    return wire.EndedAnswer(ref=str(ref), stage="decommissioned", tombstone=stone, url=control.url(f"/models/{ref}"))


def _successor(control: Control, actor: Actor, given: wire.Decommission) -> VersionRef | None:
    if not given.successor:
        return None
    text = f"{given.model}/{given.successor}" if given.successor.isdigit() else given.successor
    return _known(control, actor, parse_ref(text))


# ---- archive


def archive(control: Control, actor: Actor, given: wire.Change) -> wire.ArchiveAnswer:
    """Archive a version."""
    ref = numbered(control, actor, given.model, given.version)
    proof = control.archives.archive(actor, ref, given.reason)
    return wire.ArchiveAnswer(ref=str(ref), stage="archived", proof=proof, url=control.url(f"/models/{ref}"))


def restore(control: Control, actor: Actor, given: wire.Restore) -> wire.ArchiveAnswer:
    """Make an archived version deployable again."""
    ref = numbered(control, actor, given.model, given.version)
    proof = control.archives.restore(actor, ref, given.reason)
    return wire.ArchiveAnswer(ref=str(ref), stage="decommissioned", proof=proof, url=control.url(f"/models/{ref}"))


def run(control: Control, actor: Actor, given: wire.Run) -> wire.RunAnswer:
    """Run rows through a version of any stage."""
    ref = numbered(control, actor, given.model, given.version)
    ran = control.archives.run(actor, ref, given.rows)
    return wire.RunAnswer(
        ref=str(ref),
        outputs=[one.output for one in ran.predictions],
        errors=["" if one.output is not None else one.error or str(one.failure) for one in ran.predictions],
        way=ran.way,
        seconds=ran.seconds(),
    )


def verify(control: Control, actor: Actor, given: wire.Verify) -> wire.VerifyAnswer:
    """Check a version, or everything the home holds."""
    ref = _known(control, actor, parse_ref(given.ref)) if given.ref else None
    found = control.archives.verify(actor, ref)
    return wire.VerifyAnswer(
        intact=not found.problems,
        checked=dict(found.checked),
        problems=list(found.problems),
        restorable=None if ref or actor.applications else restorable(control),
    )
