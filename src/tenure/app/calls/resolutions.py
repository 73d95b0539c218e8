"""What people make of decisions: reviews, overrides, and how often."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import moment
from tenure.application.decisions.resolutions import Said
from tenure.kit.clock import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.app.control import Control
    from tenure.application.decisions.resolutions import Rate, Waiting
    from tenure.contract.records import ResolutionRecord
    from tenure.governance.access import Actor


def resolve(control: Control, actor: Actor, given: wire.Resolve) -> wire.ResolutionAnswer:
    """Record what a person says about a decision."""
    said = Said(given.answer, given.code, given.reason, given.confirm)
    return resolved(control, control.resolutions.resolve(actor, given.decision, said), known_as(control))


def resolved(control: Control, one: ResolutionRecord, known: Callable[[str], str]) -> wire.ResolutionAnswer:
    """Return one resolution for a person."""
    return wire.ResolutionAnswer(
        resolution_id=one.id,
        decision_id=one.decision,
        application=one.application,
        at=iso(one.at),
        who=known(one.who),
        before=one.before,
        after=one.after,
        code=one.code,
        note=one.note,
        pending=one.pending,
        confirms=one.confirms,
        url=control.url(f"/decisions/{one.decision}"),
    )


def reviews(control: Control, actor: Actor, given: wire.Reviews) -> list[wire.ReviewAnswer]:
    """List the decisions that wait for a person."""
    found = control.resolutions.reviews(actor, given.application, tuple(given.cursor.split()))
    chosen = (one for one in found if not given.queue or given.queue in one.queues)
    known = known_as(control)
    return [_review(control, one, known) for one in islice(chosen, given.limit)]


def _review(control: Control, one: Waiting, known: Callable[[str], str]) -> wire.ReviewAnswer:
    record, proposal = one.record, one.proposal
    return wire.ReviewAnswer(
        decision_id=record.id,
        application=record.application,
        pseudonym=record.entity,
        what=one.what,
        queue=", ".join(one.queues),
        since=iso(one.since),
        made_at=iso(record.at),
        answer=proposal.before if proposal else record.answer,
        proposed=proposal.after if proposal else None,
        proposed_by=known(proposal.who) if proposal else "",
        rules=record.rules,
        url=control.url(f"/decisions/{record.id}"),
    )


def overrides(control: Control, actor: Actor, given: wire.ShowOverrides) -> wire.OverridesAnswer:
    """Say how often people changed answers."""
    now = control.clock.now()
    since, until = moment(given.since, now), moment(given.until, now)
    known = known_as(control)
    found, decisions = control.resolutions.overrides(actor, given.application, since, until)
    return wire.OverridesAnswer(
        decisions=decisions,
        resolved=found.resolved,
        changed=found.changed,
        pending=found.pending,
        share=found.changed / decisions if decisions else 0.0,
        directions=found.directions,
        by_person=[_rate(one, known) for one in found.by_person],
        by_code=[_rate(one) for one in found.by_code],
    )


def _rate(one: Rate, name: Callable[[str], str] = str) -> wire.OverrideRate:
    return wire.OverrideRate(name=name(one.name), resolved=one.resolved, changed=one.changed, share=one.share)
