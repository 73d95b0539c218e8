"""Integrity and keeping: proofs, repair, holds, retention, destroying, erasing, gc, drills."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import BadMoment, moment
from tenure.app.calls.versions import named
from tenure.application.features.view import UnknownView
from tenure.application.revisions.revision import UnknownApplication
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.governance.holds import on_application, on_model, on_person, on_version, on_view
from tenure.governance.retention import RetentionClass
from tenure.kit.clock import iso
from tenure.kit.errors import Kind, TenureError
from tenure.model.version import VersionRef, parse_name, parse_ref, reason_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.app.control import Control
    from tenure.application.decisions.expiring import RunningOut
    from tenure.application.features.expiring import OldValues
    from tenure.governance.access import Actor
    from tenure.governance.holds import Hold
    from tenure.governance.retention import Keeps
    from tenure.model.archiving.keeping import Keeping
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
    url = control.url("/system")
    return wire.BackupAnswer(folder=copied.folder, at=iso(at), files=copied.files, bytes=copied.size, url=url)


def repair(control: Control, actor: Actor, given: wire.Repair) -> wire.RepairAnswer:
    """Heal blobs from their other copy."""
    done = control.archives.repair(actor, given.reason)
    return wire.RepairAnswer(healed=list(done.healed), lost=list(done.lost))


def restart(control: Control, actor: Actor, given: wire.Restart) -> wire.RestartAnswer:
    """Replace processes by new ones."""
    done = control.restarting.restart(actor, frozenset(given.parts), given.reason)
    return wire.RestartAnswer(
        gateways=done.get("gateways", []), supervisor=done.get("supervisor", []), leaving=done.get("control", [])
    )


def sweep(control: Control, actor: Actor, given: wire.Sweep) -> wire.SweepAnswer:
    """Remove what nothing needs."""
    before = moment(given.older_than, control.clock.now())
    if before is None:
        raise BadMoment(text=given.older_than)
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
    placed = control.holds.add(actor, _target(control, given.target, given.entity), reason, _scope(given))
    return _held(placed, known_as(control))


def release(control: Control, actor: Actor, given: wire.PlaceHold) -> wire.HoldAnswer:
    """End a hold."""
    authorize(actor, Permission.HOLDS_RELEASE, _scope(given))
    reason = reason_for("releasing a hold", given.reason)
    released = control.holds.release(actor, _target(control, given.target, given.entity), reason, _scope(given))
    return _held(released, known_as(control))


def _scope(given: wire.PlaceHold) -> str | None:
    """Return the application that the hold is about, None when it is more than that."""
    return given.target if given.entity else None


def _target(control: Control, text: str, entity: str) -> str:
    """Return what is held: a person in an application's decisions, a version, a model, or an application."""
    if entity:
        _check_application(control, text)
        return on_person(control.log.pseudonym(entity))
    if view := _view_in(control, text):
        return on_view(view)
    if "/" in text or "@" in text:
        ref = _numbered(control, parse_ref(text))
        return on_version(ref.model, ref.number)
    name = parse_name(text)
    if any(model.name == name for model in control.registry.models()):
        return on_model(name)
    _check_application(control, name)
    return on_application(name)


def _view_in(control: Control, text: str) -> str:
    """Return the view that `features:VIEW` names, nothing where it names none; raise `UnknownView`."""
    prefix, _, view = text.partition(":")
    if prefix != "features":
        return ""
    if view not in control.features_db.views():
        raise UnknownView(view=view)
    return view


def _check_application(control: Control, name: str) -> None:
    if control.revisions.active(name) is None:
        raise UnknownApplication(application=name)


def _numbered(control: Control, ref: VersionRef | AliasRef) -> VersionRef:
    return control.registry.get(ref).ref


def _held(found: Hold, known: Callable[[str], str]) -> wire.HoldAnswer:
    return wire.HoldAnswer(
        target=found.target,
        reason=found.reason,
        placed_at=iso(found.placed_at),
        placed_by=known(found.placed_by),
        placed_by_id=found.placed_by,
    )


def retention(control: Control, actor: Actor, given: wire.RetentionOf) -> wire.RetentionAnswer:
    """Show until when versions are kept, and the holds."""
    authorize(actor, Permission.RETENTION_LIST)
    ref, known = _numbered(control, parse_ref(given.ref)) if given.ref else None, known_as(control)
    rows = [_kept(one, known) for one in control.endings.retention(actor, ref)]
    return wire.RetentionAnswer(
        versions=rows,
        holds=[_held(one, known) for one in control.holds_db.open()],
        applications=[] if given.ref else _logs(control, actor, known),
        classes=[] if given.ref else _classes(control),
        views=[]
        if given.ref or actor.applications
        else [_old_values(one, known) for one in control.view_expiries.all()],
    )


def _logs(control: Control, actor: Actor, known: Callable[[str], str]) -> list[wire.RunningOutAnswer]:
    """Return what runs out of the log of every application that the actor may see."""
    names = [one.application for one in control.revisions.all_active()]
    seen = [name for name in names if not actor.applications or name in actor.applications]
    return [_running_out(control.expiries.running_out(name), known) for name in seen]


def _classes(control: Control) -> list[wire.ClassAnswer]:
    uses = control.retentions.uses()
    return [
        wire.ClassAnswer(
            name=one.name,
            keep=one.keep,
            keeps=list(one.keeps),
            basis=one.basis,
            source=one.source,
            read_on=one.read_on,
            standing=one.standing,
            effective=one.effective,
            told=one.told,
            used_by=[use.target for use in uses if use.name == one.name],
        )
        for one in control.retentions.classes().values()
    ]


def _running_out(found: RunningOut, known: Callable[[str], str]) -> wire.RunningOutAnswer:
    proposal = found.proposal
    return wire.RunningOutAnswer(
        application=found.application,
        retention_class=found.kept_as.name if found.kept_as else None,
        retention=found.kept_as.told if found.kept_as else "kept for ever: no retention class was chosen",
        oldest=None if found.oldest is None else iso(found.oldest),
        before=iso(found.before) if found.kept_as else None,
        records=found.records,
        by_kind=dict(found.expired),
        soon=found.soon,
        held=found.held,
        proposed_by=known(proposal.by) if proposal else None,
        proposed_at=iso(proposal.at) if proposal else None,
        holds=[str(each) for each in found.held_by],
    )


def define(control: Control, actor: Actor, given: wire.DefineClass) -> wire.ClassAnswer:
    """Make or change a retention class."""
    authorize(actor, Permission.RETENTION_DEFINE)
    reason = reason_for("a retention class", given.reason)
    facts = {name: getattr(given, name) for name in RetentionClass.__struct_fields__}
    control.retentions.define(actor, RetentionClass(**facts), reason)
    return next(one for one in _classes(control) if one.name == given.name)


def assign(control: Control, actor: Actor, given: wire.AssignClass) -> wire.AssignedAnswer:
    """Keep a model's versions or an application's log under a class."""
    authorize(actor, Permission.RETENTION_ASSIGN)
    reason = reason_for("a retention class", given.reason)
    target, keeps = kept_target(control, given.target)
    use = control.retentions.assign(actor, target, keeps, given.name, reason)
    told = control.retentions.classes()[use.name].told
    return wire.AssignedAnswer(target=use.target, retention_class=use.name, retention=told, at=iso(use.at), by=use.by)


def kept_target(control: Control, text: str) -> tuple[str, Keeps]:
    """Return what is to be kept under a class, and what it has of what classes keep."""
    if view := _view_in(control, text):
        return on_view(view), "features"
    name = parse_name(text)
    if any(model.name == name for model in control.registry.models()):
        return on_model(name), "packages"
    _check_application(control, name)
    return on_application(name), "decisions"


def expire(control: Control, actor: Actor, given: wire.ExpireLog) -> wire.ExpireAnswer:
    """Show, propose or remove what has run out of an application's log."""
    authorize(actor, Permission.RETENTION_EXPIRE, given.application)
    _check_application(control, given.application)
    reason = given.reason if given.dry_run else reason_for("removing records", given.reason)
    known = known_as(control)
    done = control.expiries.expire(actor, given.application, reason, dry_run=given.dry_run)
    step = (
        ""
        if done.removed or not done.proposal
        else f"another person must call: tenure expire {given.application} --reason …"
    )
    return wire.ExpireAnswer(
        application=given.application,
        found=_running_out(done.found, known),
        proposed_by=known(done.proposal.by) if done.proposal else None,
        removed=done.removed.records if done.removed else 0,
        files=done.removed.files if done.removed else 0,
        still_open=done.removed.open if done.removed else 0,
        next_step=f"tenure expire {given.application} --reason … proposes it"
        if done.found.records and not done.proposal
        else step,
    )


def expire_values(control: Control, actor: Actor, given: wire.ExpireValues) -> wire.ExpireValuesAnswer:
    """Show, propose or remove what has run out of a feature view."""
    authorize(actor, Permission.FEATURES_EXPIRE)
    reason = given.reason if given.dry_run else reason_for("removing old values", given.reason)
    known = known_as(control)
    done = control.view_expiries.expire(actor, given.view, reason, dry_run=given.dry_run)
    step = ""
    if done.proposal is None and done.found.values:
        step = f"tenure features expire {given.view} --reason … proposes it"
    elif done.proposal is not None and done.removed is None:
        step = f"another person must call: tenure features expire {given.view} --reason …"
    return wire.ExpireValuesAnswer(
        view=given.view,
        found=_old_values(done.found, known),
        proposed_by=known(done.proposal.by) if done.proposal else None,
        removed=done.removed or 0,
        next_step=step,
    )


def _old_values(found: OldValues, known: Callable[[str], str]) -> wire.OldValuesAnswer:
    proposal = found.proposal
    return wire.OldValuesAnswer(
        view=found.view,
        retention_class=found.kept_as.name if found.kept_as else None,
        retention=found.kept_as.told if found.kept_as else "kept for ever: no retention class was chosen",
        before=iso(found.before) if found.kept_as else None,
        values=found.values,
        keys=found.keys,
        held=found.held,
        proposed_by=known(proposal.by) if proposal else None,
        proposed_at=iso(proposal.at) if proposal else None,
        holds=[str(each) for each in found.held_by],
    )


def _kept(one: Keeping, known: Callable[[str], str]) -> wire.KeptAnswer:
    period = one.retention
    return wire.KeptAnswer(
        ref=str(one.ref),
        stage=one.stage.value,
        retention=one.kept_as.told if period else f"begins when it is archived: {one.kept_as.told}",
        since=iso(period.since) if period else None,
        until=iso(period.until) if period else None,
        destruction_proposed_by=known(period.proposed_by) if period and period.proposed_by else None,
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
        proposed_by=known_as(control)(done["proposed_by"]),
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
