"""Applications and their revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.app import wire
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import moment, shown
from tenure.app.calls.rules import kept_backtest
from tenure.application.revisions.base import with_base
from tenure.application.revisions.jsonschema import EDITORS_SCHEMA
from tenure.application.revisions.life import placing
from tenure.application.revisions.revision import changes
from tenure.application.revisions.tables import table_texts
from tenure.application.revisions.terms import ModelUse, plain
from tenure.kit.clock import iso
from tenure.model.version import CHAMPION, AliasRef, BadReference, parse_name, parse_ref

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.accountability.trials import Example
    from tenure.app.control import Control
    from tenure.application.revisions.actions import Applied
    from tenure.application.revisions.life import Placing, Schedule, Standing
    from tenure.application.revisions.revision import Activation, Change, Revision
    from tenure.governance.access import Actor


def init(control: Control, actor: Actor, given: wire.Init) -> wire.InitAnswer:
    """Write a first definition, or one that begins anew where there is one already."""
    model = _model_use(given.model) if given.model else None
    text = control.applications.init(actor, parse_name(given.application), model, given.entity or None)
    active = control.revisions.active(given.application)
    written = text if active is None else with_base(text, active.number)
    url, schema = control.url(f"/applications/{given.application}"), control.url(EDITORS_SCHEMA)
    if schema != EDITORS_SCHEMA:
        # Where editors look for it (the YAML language server); while nothing runs there is no address to give.
        written = f"# yaml-language-server: $schema={schema}\n{written}"
    return wire.InitAnswer(application=given.application, text=written, url=url)


def _model_use(text: str) -> ModelUse:
    ref = parse_ref(text if "@" in text else f"{text}@{CHAMPION}")
    if not isinstance(ref, AliasRef):
        raise BadReference(text=text)
    return ModelUse(ref.model, ref.alias)


def apply(control: Control, actor: Actor, given: wire.Apply) -> wire.Applied:
    """Put a definition in force, or keep it, schedule it, try it."""
    now = control.clock.now()
    starts, ends = moment(given.starts, now), moment(given.until, now)

    def place(ref: str) -> Placing:
        return placing(
            ref, now, draft=given.draft, starts_at=starts, ends_at=ends, shadow=given.shadow, share=given.share
        )

    applied = control.applications.apply(
        actor,
        given.text,
        given.reason,
        base=given.base,
        seen=given.seen,
        dry_run=given.dry_run,
        against=given.against,
        files=given.files,
        place=place,
    )
    return _applied(control, applied)


def revisions(control: Control, actor: Actor, given: wire.ListRevisions) -> list[wire.RevisionRow]:
    """List every revision and where it stands."""
    standing, found = control.applications.standing(actor, given.application)
    known = known_as(control)
    return [wire.RevisionRow(**_standing(control, one, standing, known)) for one in found]


def approve(control: Control, actor: Actor, given: wire.ApproveRevision) -> wire.ApprovedRevision:
    """Approve a revision."""
    revision, _ = control.applications.approve(actor, given.application, given.revision, given.reason)
    active = control.revisions.active(given.application)
    standing, _ = control.applications.standing(actor, given.application)
    return wire.ApprovedRevision(
        **_standing(control, revision, standing, known_as(control)),
        changes=_changes(changes(active.definition if active else None, revision.definition)),
        backtest=kept_backtest(control, revision),
    )


def activate(control: Control, actor: Actor, given: wire.ActivateRevision) -> wire.Applied:
    """Put a kept revision in force, for a time, or on trial."""
    now = control.clock.now()
    starts, ends = moment(given.starts, now), moment(given.until, now)

    def place(ref: str) -> Placing:
        return placing(ref, now, draft=False, starts_at=starts, ends_at=ends, shadow=given.shadow, share=given.share)

    applied = control.applications.activate(actor, given.application, given.revision, given.reason, place)
    return _applied(control, applied)


def trial(control: Control, actor: Actor, given: wire.ShowTrial) -> wire.TrialAnswer:
    """Show what a revision on trial makes of live requests."""
    found = control.trials.report(actor, given.application, given.revision)
    revision, running = found.revision, found.trial
    actor_id = running.actor if running else revision.actor
    return wire.TrialAnswer(
        application=revision.application,
        revision=revision.number,
        running=running is not None,
        share=running.share if running else 0.0,
        since=iso(found.since),
        actor=known_as(control)(actor_id),
        actor_id=actor_id,
        reason=running.reason if running else revision.reason,
        evaluated=found.evaluated,
        differing=found.differing,
        refused=found.refused,
        failed=found.failed,
        answered=found.answered,
        differences=[
            wire.TrialDifference(active_rule=one.active, trial_rule=one.trial, times=one.times) for one in found.by_rule
        ],
        examples=[_example(control, one) for one in found.examples],
        url=control.url(f"/applications/{revision.application}"),
    )


def _example(control: Control, one: Example) -> wire.TrialExample:
    return wire.TrialExample(
        decision_id=one.given.id,
        active_rule=one.active_rule,
        trial_rule=one.trial_rule,
        active_answer=one.given.answer,
        trial_answer=one.tried.answer,
        error=one.tried.error,
        url=control.url(f"/decisions/{one.given.id}"),
    )


def end(control: Control, actor: Actor, given: wire.EndTrial) -> wire.EndedTrial:
    """End a trial, and what waits for its time."""
    found = control.applications.end(actor, given.application, given.reason)
    return wire.EndedTrial(
        application=given.application,
        revisions=[one.number for one in found],
        url=control.url(f"/applications/{given.application}"),
    )


def _standing(control: Control, revision: Revision, standing: Standing, known: Callable[[str], str]) -> dict[str, Any]:
    approved = standing.approved.get(revision.number)
    trial = standing.trial
    return {
        "ref": revision.ref,
        "revision": revision.number,
        "stage": standing.stage(revision.number).value,
        "at": iso(revision.at),
        "actor": known(revision.actor),
        "actor_id": revision.actor,
        "reason": revision.reason,
        "approved_by": known(approved.actor) if approved else "",
        "approved_by_id": approved.actor if approved else "",
        "own_work": approved is not None and approved.own_work,
        "share": trial.share if trial is not None and trial.number == revision.number else None,
        "schedules": [_schedule(one, known) for one in standing.schedules if one.number == revision.number],
        "url": control.url(f"/applications/{revision.application}"),
    }


def _schedule(one: Schedule, known: Callable[[str], str]) -> wire.ScheduleAnswer:
    return wire.ScheduleAnswer(
        starts=iso(one.starts_at),
        until=shown(one.ends_at),
        base=one.base,
        state=one.state.value,
        actor=known(one.actor),
        actor_id=one.actor,
        reason=one.reason,
        why=one.why,
    )


def rollback(control: Control, actor: Actor, given: wire.RollbackApplication) -> wire.Applied:
    """Put an earlier revision in force again."""
    return _applied(control, control.applications.rollback(actor, given.application, given.reason, given.to))


def _applied(control: Control, applied: Applied) -> wire.Applied:
    revision, over = applied.revision, applied.over
    return wire.Applied(
        application=revision.application,
        revision=revision.number,
        before=applied.before,
        changes=_changes(applied.changes),
        done=applied.done,
        stage=applied.stage.value,
        url=control.url(f"/applications/{revision.application}"),
        backtest=kept_backtest(control, revision),
        digest=revision.digest,
        over=None if over is None else _over(control, over),
    )


def _over(control: Control, over: Activation) -> wire.OverAnswer:
    return wire.OverAnswer(
        revision=over.number,
        at=iso(over.at),
        actor=known_as(control)(over.actor),
        actor_id=over.actor,
        reason=over.reason,
    )


def _changes(changes: Sequence[Change]) -> list[wire.ChangeAnswer]:
    return [wire.ChangeAnswer(what=one.what, before=one.before, after=one.after) for one in changes]


def diff(control: Control, actor: Actor, given: wire.Diff) -> wire.DiffAnswer:
    """Compare two revisions."""
    changes = control.applications.difference(actor, given.application, given.one, given.other)
    return wire.DiffAnswer(application=given.application, one=given.one, other=given.other, changes=_changes(changes))


def show(control: Control, actor: Actor, given: wire.ShowApplication) -> wire.RevisionAnswer:
    """Show a revision."""
    revision = control.applications.show(actor, given.application, given.revision)
    active = control.revisions.active(given.application)
    standing, _ = control.applications.standing(actor, given.application)
    return wire.RevisionAnswer(
        application=revision.application,
        revision=revision.number,
        digest=revision.digest,
        at=iso(revision.at),
        actor=known_as(control)(revision.actor),
        actor_id=revision.actor,
        reason=revision.reason,
        definition=plain(revision.definition),
        source=revision.source,
        url=control.url(f"/applications/{revision.application}"),
        files=table_texts(revision.definition),
        backtest=kept_backtest(control, revision),
        editable=with_base(revision.source, active.number if active else 0),
        in_force=active.number if active else 0,
        stage=standing.stage(revision.number).value,
    )


def applications(control: Control, actor: Actor, _: wire.ListApplications) -> list[wire.ApplicationAnswer]:
    """List applications."""
    known = known_as(control)
    return [_application(control, revision, known) for revision in control.applications.all(actor)]


def _application(control: Control, revision: Revision, known: Callable[[str], str]) -> wire.ApplicationAnswer:
    return wire.ApplicationAnswer(
        application=revision.application,
        revision=revision.number,
        model=str(revision.definition.model or ""),
        at=iso(revision.at),
        actor=known(revision.actor),
        actor_id=revision.actor,
        reason=revision.reason,
        url=control.url(f"/applications/{revision.application}"),
        models={name: str(use) for name, use in revision.definition.models.items()},
        owner=revision.definition.owner,
        project=revision.definition.project,
    )


def history(control: Control, actor: Actor, given: wire.ListActivations) -> list[wire.ActivationAnswer]:
    """List what was in force since when."""
    known, as_of = known_as(control), moment(given.as_of, control.clock.now())
    return [
        wire.ActivationAnswer(
            at=iso(activation.at),
            ref=revision.ref,
            actor=known(activation.actor),
            actor_id=activation.actor,
            reason=activation.reason,
            digest=revision.digest,
        )
        for activation, revision in control.applications.history(actor, given.application, as_of)
    ]
