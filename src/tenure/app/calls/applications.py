"""Applications and their revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.app.calls.rules import kept_backtest
from tenure.application.revisions.tables import table_texts
from tenure.application.revisions.terms import ModelUse, plain
from tenure.kit.clock import iso
from tenure.model.version import CHAMPION, AliasRef, BadReference, parse_name, parse_ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenure.app.control import Control
    from tenure.application.revisions.actions import Applied
    from tenure.application.revisions.revision import Change, Revision
    from tenure.governance.access import Actor


def init(control: Control, actor: Actor, given: wire.Init) -> wire.InitAnswer:
    """Write a first definition."""
    model = _model_use(given.model) if given.model else None
    text = control.applications.init(actor, parse_name(given.application), model, given.entity or None)
    return wire.InitAnswer(application=given.application, text=text)


def _model_use(text: str) -> ModelUse:
    ref = parse_ref(text if "@" in text else f"{text}@{CHAMPION}")
    if not isinstance(ref, AliasRef):
        raise BadReference(text=text)
    return ModelUse(ref.model, ref.alias)


def apply(control: Control, actor: Actor, given: wire.Apply) -> wire.Applied:
    """Put a definition in force."""
    applied = control.applications.apply(
        actor, given.text, given.reason, base=given.base, dry_run=given.dry_run, files=given.files
    )
    return _applied(control, applied)


def rollback(control: Control, actor: Actor, given: wire.RollbackApplication) -> wire.Applied:
    """Put an earlier revision in force again."""
    return _applied(control, control.applications.rollback(actor, given.application, given.reason, given.to))


def _applied(control: Control, applied: Applied) -> wire.Applied:
    revision = applied.revision
    return wire.Applied(
        application=revision.application,
        revision=revision.number,
        before=applied.before,
        changes=_changes(applied.changes),
        done=applied.done,
        url=control.url(f"/applications/{revision.application}"),
        backtest=kept_backtest(control, revision),
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
    return wire.RevisionAnswer(
        application=revision.application,
        revision=revision.number,
        digest=revision.digest,
        at=iso(revision.at),
        actor=revision.actor,
        reason=revision.reason,
        definition=plain(revision.definition),
        source=revision.source,
        url=control.url(f"/applications/{revision.application}"),
        files=table_texts(revision.definition),
        backtest=kept_backtest(control, revision),
    )


def applications(control: Control, actor: Actor, _: wire.Nothing) -> list[wire.ApplicationAnswer]:
    """List applications."""
    return [_application(control, revision) for revision in control.applications.all(actor)]


def _application(control: Control, revision: Revision) -> wire.ApplicationAnswer:
    return wire.ApplicationAnswer(
        application=revision.application,
        revision=revision.number,
        model=str(revision.definition.model or ""),
        at=iso(revision.at),
        actor=revision.actor,
        reason=revision.reason,
        url=control.url(f"/applications/{revision.application}"),
    )


def history(control: Control, actor: Actor, given: wire.Application) -> list[wire.ActivationAnswer]:
    """List what was in force since when."""
    return [
        wire.ActivationAnswer(
            at=iso(activation.at),
            ref=revision.ref,
            actor=activation.actor,
            reason=activation.reason,
            digest=revision.digest,
        )
        for activation, revision in control.applications.history(actor, given.application)
    ]
