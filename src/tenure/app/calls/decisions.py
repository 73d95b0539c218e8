"""Decisions read again, told the truth about, and made again; and what monitoring makes of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from tenure.app import wire
from tenure.app.calls.choices import one_of
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import day, moment, shown
from tenure.app.calls.resolutions import resolved
from tenure.app.calls.roles import beside
from tenure.app.calls.shown import known_outcomes, reads
from tenure.app.calls.versions import numbered
from tenure.application.decisions.reading import Search
from tenure.contract.records import DecidedBy
from tenure.kit.clock import iso
from tenure.kit.cursors import closed, opened
from tenure.kit.errors import Kind, TenureError
from tenure.kit.ids import parse_id
from tenure.model.monitoring.alert import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.accountability.replay import Replayed
    from tenure.app.control import Control
    from tenure.application.decisions.resolutions import Standing
    from tenure.contract.records import DecisionRecord, PredictionRecord
    from tenure.governance.access import Actor
    from tenure.model.monitoring.alert import Alert
    from tenure.model.monitoring.report import Report

_LIST = "decisions:list"
_MOST = 10_000


class NothingAsked(TenureError):
    """Neither decisions nor a sample were named."""

    code = "nothing-asked"
    kind = Kind.BAD_INPUT
    message = "name decisions to replay, or the size of a sample, and not both"
    next_step = "tenure replay ID…, or tenure replay --sample 200"


class BadState(TenureError):
    """Alerts have no such state."""

    code = "bad-alert-state"
    kind = Kind.BAD_INPUT
    message = "{text!r} is no state of an alert"
    next_step = "use open, acknowledged or resolved"


def decisions(control: Control, actor: Actor, given: wire.Decisions) -> wire.DecisionsAnswer:
    """List decisions, newest first."""
    now = control.clock.now()
    search = Search(
        application=given.application,
        entity=given.entity,
        pseudonym=given.pseudonym,
        since=moment(given.since, now),
        until=moment(given.until, now),
        rule=given.rule,
        decided_by=one_of("decided_by", given.decided_by, get_args(DecidedBy)),
        model=given.model,
        version=given.version,
        limit=min(max(1, given.limit), _MOST),
        after=_after(given),
        score=(given.score_from, given.score_to),
        elapsed_us=(_microseconds(given.ms_from), _microseconds(given.ms_to)),
    )
    found = control.decisions.find(actor, search)
    rows = [wire.DecisionRow(**_row(control, one)) for one in found]
    last = found[-1].record.id if len(found) == search.limit else None
    return wire.DecisionsAnswer(decisions=rows, next=last, next_cursor=closed(_LIST, (last,)) if last else None)


def _after(given: wire.Decisions) -> str:
    """Return behind which decision the page begins; raise `UnusableCursor` or `BadIdentifier`."""
    place = opened(_LIST, given.cursor, 1)
    after = given.after if place is None else str(place[0])
    return parse_id(after) if after else ""


def _microseconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds * 1000


def decision(control: Control, actor: Actor, given: wire.Decision) -> wire.DecisionDetail:
    """Show a decision."""
    found = control.decisions.show(actor, given.decision)
    record, known = found.record, known_as(control)
    return wire.DecisionDetail(
        **_row(control, found.standing),
        request=record.request,
        personal=found.personal,
        features=reads(record.features),
        predictions=msgspec.to_builtins(record.predictions),
        outcomes=known_outcomes(found.outcomes),
        logged={"answer": record.answer, "decided_by": record.decided_by, "status": record.status},
        resolutions=[msgspec.to_builtins(resolved(control, one, known)) for one in found.standing.history],
        event_time=shown(record.event_time),
        elapsed_us=record.elapsed_us,
        actor=known(record.actor),
        beside=beside(control, record.id),
    )


def _row(control: Control, now: Standing) -> dict[str, Any]:
    record = now.record
    served = _served(record)
    return {
        "decision_id": record.id,
        "at": iso(record.at),
        "application": record.application,
        "revision": record.revision,
        "status": now.status,
        "decided_by": now.decided_by,
        "answer": now.answer,
        "rules": record.rules,
        "model": wire.ServedModel(name=served.model, version=served.version, digest=served.digest) if served else None,
        "output": served.output if served else None,
        "reasons": msgspec.to_builtins(record.reasons),
        "url": control.url(f"/decisions/{record.id}"),
    }


def _served(record: DecisionRecord) -> PredictionRecord | None:
    return next((one for one in record.predictions if one.role == "served"), None)


def import_outcomes(control: Control, actor: Actor, given: wire.ImportOutcomes) -> wire.OutcomesAnswer:
    """Record what became of decisions."""
    told = [(one.decision_id, one.value, one.name, one.observed_at) for one in given.outcomes]
    recorded = control.decisions.import_outcomes(actor, given.application, told)
    return wire.OutcomesAnswer(application=given.application, recorded=recorded)


def replay(control: Control, actor: Actor, given: wire.Replay) -> wire.ReplayAnswer:
    """Make decisions again."""
    if bool(given.decisions) == bool(given.sample):
        raise NothingAsked
    if given.decisions:
        replayed = control.replays.replay(actor, [parse_id(text) for text in given.decisions])
    else:
        replayed = control.replays.sample(actor, given.sample, given.application, given.model, given.version)
    verdicts = Counter(one.verdict.value for one in replayed)
    return wire.ReplayAnswer(verdicts=dict(verdicts), decisions=[_replayed(one) for one in replayed])


def _replayed(one: Replayed) -> wire.ReplayedAnswer:
    served = _served(one.record)
    return wire.ReplayedAnswer(
        decision_id=one.record.id,
        application=one.record.application,
        model=f"{served.model}/{served.version}" if served else "",
        verdict=one.verdict.value,
        answer_then=one.record.answer,
        answer_now=one.answer,
        cause=one.cause,
        caution=one.caution,
    )


# ---- monitoring


def report(control: Control, actor: Actor, given: wire.ReportOn) -> Report:
    """Report on a version."""
    ref = numbered(control, actor, given.model, given.version)
    found = control.monitoring.report(actor, ref, day(given.since), day(given.until))
    # Of a version that does not exist nothing is known, which an empty report would say of a quiet one.
    control.models.show(actor, ref)
    return found


def alerts(control: Control, actor: Actor, given: wire.Alerts) -> list[wire.AlertAnswer]:
    """List alerts, newest first."""
    if given.status and given.status not in State._value2member_map_:
        raise BadState(text=given.status)
    state = State(given.status) if given.status else None
    known = known_as(control)
    return [_alert(control, one, known) for one in control.monitoring.alerts(actor, given.model or None, state)]


def acknowledge(control: Control, actor: Actor, given: wire.Acknowledge) -> wire.AlertAnswer:
    """Say that an alert is known."""
    return _alert(control, control.monitoring.acknowledge(actor, given.alert, given.reason), known_as(control))


def _alert(control: Control, alert: Alert, known: Callable[[str], str]) -> wire.AlertAnswer:
    return wire.AlertAnswer(
        id=alert.id,
        state=alert.state.value,
        ref=f"{alert.model}/{alert.version}",
        kind=alert.kind,
        column=alert.column,
        opened_at=iso(alert.opened_at),
        first_day=alert.first_day,
        last_day=alert.last_day,
        evidence=alert.evidence,
        acknowledged_by=known(alert.acknowledged_by) if alert.acknowledged_by else None,
        note=alert.note,
        resolved_at=shown(alert.resolved_at),
        silenced_until=shown(control.notices.silenced_until(alert)),
    )
