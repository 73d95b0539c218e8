"""Integrity and keeping: proofs, repair, holds, retention, destroying, erasing, gc, drills."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.app.calls.moments import moment
from tenure.app.calls.versions import named
from tenure.application.revisions.revision import UnknownApplication
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.governance.holds import on_application, on_model, on_person, on_version
from tenure.kit.clock import iso
from tenure.kit.errors import Kind, TenureError
from tenure.model.archiving.keeping import CLASS, CLASSES, Keeping
from tenure.model.version import VersionRef, parse_name, parse_ref, reason_for

if TYPE_CHECKING:
    from tenure.app.control import Control
    from tenure.governance.access import Actor
    from tenure.governance.holds import Hold
    from tenure.model.version import AliasRef


class NotAbsolute(TenureError):
    """A path that would mean different folders to the command and to the home."""

    code = "not-absolute"
    kind = Kind.BAD_INPUT
    message = "{folder!r} does not begin with /"
    next_step = "name the folder from the root, on the machine where the home is"


def proof(control: Control, actor: Actor, given: wire.LogProof) -> wire.ProofAnswer:
    """Prove that a record is in the log."""
    document = control.proofs.proof(actor, given.decision, given.held)
    return wire.ProofAnswer(document=document, size=document["size"], script=control.proof_script())


def checkpoint(control: Control, actor: Actor, given: wire.LogCheckpoint) -> wire.ProofAnswer:
    """Give the newest signed checkpoint."""
    document = control.proofs.checkpoint(actor, given.held)
    return wire.ProofAnswer(document=document, size=document["size"], script=control.proof_script())


def backup(control: Control, actor: Actor, given: wire.Backup) -> wire.BackupAnswer:
    """Copy the whole home at one point."""
    authorize(actor, Permission.BACKUP)
    folder = Path(given.folder)
    if not folder.is_absolute():
        raise NotAbsolute(folder=given.folder)
    at = control.clock.now()
    copied = control.back_up(folder)
    with control.audit.transaction():
        after = {"folder": copied.folder, "files": copied.files, "bytes": copied.size}
        control.audit.write(Event(Permission.BACKUP, actor, at, "home", given.reason, after=after))
    return wire.BackupAnswer(folder=copied.folder, at=iso(at), files=copied.files, bytes=copied.size)


def repair(control: Control, actor: Actor, given: wire.Repair) -> wire.RepairAnswer:
    """Heal blobs from their other copy."""
    done = control.archives.repair(actor, given.reason)
    return wire.RepairAnswer(healed=list(done.healed), lost=list(done.lost))


def restart(control: Control, actor: Actor, given: wire.Restart) -> wire.RestartAnswer:
    """Replace processes by new ones."""
    done = control.restarting.restart(actor, frozenset(given.parts), given.reason)
    return wire.RestartAnswer(**done)


def sweep(control: Control, actor: Actor, given: wire.Sweep) -> wire.SweepAnswer:
    """Remove what nothing needs."""
    before = moment(given.older_than, control.clock.now())
    assert before is not None, "the age has a default"
    swept = control.archives.sweep(actor, before, given.reason, dry_run=given.dry_run)
    return wire.SweepAnswer(removed=not given.dry_run, files=list(swept.files), bytes=swept.size)


def drill(control: Control, actor: Actor, _: wire.Nothing) -> wire.DrillAnswer:
    """Restore every environment and re-run golden rows."""
    done = control.archives.drill(actor)
    rows = [
        wire.DrilledAnswer(ref=str(one.ref), environment=one.environment, ok=one.ok, found=one.body) for one in done
    ]
    return wire.DrillAnswer(passed=all(one.ok for one in done), environments=rows)


# ---- holds and retention


def hold(control: Control, actor: Actor, given: wire.PlaceHold) -> wire.HoldAnswer:
    """Place a hold."""
    authorize(actor, Permission.HOLDS_ADD, _scope(given))
    reason = reason_for("a hold", given.reason)
    return _held(control.holds.add(actor, _target(control, given.target, given.entity), reason, _scope(given)))


def release(control: Control, actor: Actor, given: wire.PlaceHold) -> wire.HoldAnswer:
    """End a hold."""
    authorize(actor, Permission.HOLDS_RELEASE, _scope(given))
    reason = reason_for("releasing a hold", given.reason)
    return _held(control.holds.release(actor, _target(control, given.target, given.entity), reason, _scope(given)))


def _scope(given: wire.PlaceHold) -> str | None:
    """Return the application that the hold is about, None when it is more than that."""
    return given.target if given.entity else None


def _target(control: Control, text: str, entity: str) -> str:
    """Return what is held: a person in an application's decisions, a version, a model, or an application."""
    if entity:
        _check_application(control, text)
        return on_person(control.log.pseudonym(entity))
    if "/" in text or "@" in text:
        ref = _numbered(control, parse_ref(text))
        return on_version(ref.model, ref.number)
    name = parse_name(text)
    if any(model.name == name for model in control.registry.models()):
        return on_model(name)
    _check_application(control, name)
    return on_application(name)


def _check_application(control: Control, name: str) -> None:
    if control.revisions.active(name) is None:
        raise UnknownApplication(application=name)


def _numbered(control: Control, ref: VersionRef | AliasRef) -> VersionRef:
    return control.registry.get(ref).ref


def _held(found: Hold) -> wire.HoldAnswer:
    return wire.HoldAnswer(
        target=found.target, reason=found.reason, placed_at=iso(found.placed_at), placed_by=found.placed_by
    )


def retention(control: Control, actor: Actor, given: wire.RetentionOf) -> wire.RetentionAnswer:
    """Show until when versions are kept, and the holds."""
    authorize(actor, Permission.RETENTION_LIST)
    ref = _numbered(control, parse_ref(given.ref)) if given.ref else None
    rows = [_kept(one) for one in control.endings.retention(actor, ref)]
    return wire.RetentionAnswer(versions=rows, holds=[_held(one) for one in control.holds_db.open()])


def _kept(one: Keeping) -> wire.KeptAnswer:
    period = one.retention
    return wire.KeptAnswer(
        ref=str(one.ref),
        stage=one.stage.value,
        retention=CLASSES[CLASS] if period else "begins when it is archived",
        since=iso(period.since) if period else None,
        until=iso(period.until) if period else None,
        destruction_proposed_by=period.proposed_by if period else None,
        holds=[str(each) for each in one.holds],
    )


def destroy(control: Control, actor: Actor, given: wire.Change) -> wire.DestroyAnswer:
    """Propose to destroy a version, or destroy it."""
    authorize(actor, Permission.VERSIONS_DESTROY)
    ref = _numbered(control, named(given.model, given.version))
    done = control.endings.destroy(actor, ref, given.reason)
    gone = "digests" in done
    return wire.DestroyAnswer(
        ref=str(ref),
        stage="destroyed" if gone else "archived",
        proposed_by=done["proposed_by"],
        tombstone=done if gone else None,
        next_step="" if gone else f"another person must call: tenure destroy {ref} --reason …",
    )


def erase(control: Control, actor: Actor, given: wire.Erase) -> wire.EraseAnswer:
    """Erase a person."""
    authorize(actor, Permission.PERSONS_ERASE, given.application)
    reason = reason_for("erasing a person", given.reason)
    done = control.erasures.erase(actor, given.application, given.entity, reason)
    left = [wire.LeftTheHome(**one) for one in done.pop("out_of_reach")]
    return wire.EraseAnswer(**done, out_of_reach=left)
