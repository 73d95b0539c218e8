"""Rules checked, tested and tried on old decisions; and why a decision came out as it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tenure.accountability import evaluations
from tenure.accountability.backtests import Asked
from tenure.accountability.begun import served
from tenure.accountability.why import WORDS, Answerable
from tenure.app import wire
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import shown
from tenure.app.calls.roles import beside
from tenure.app.calls.shown import reads
from tenure.governance.access import Permission
from tenure.kit.clock import SECOND, iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.accountability.backtest import Tally
    from tenure.accountability.backtests import Backtest
    from tenure.accountability.why import Known
    from tenure.app.control import Control
    from tenure.application.revisions.revision import Revision
    from tenure.application.revisions.testing import Tested
    from tenure.governance.access import Actor


def check(control: Control, actor: Actor, given: wire.CheckRules) -> wire.CheckedAnswer:
    """Check a file, its tables and its tests."""
    definition = control.applications.check(actor, given.text, given.files, permission=Permission.RULES_CHECK)
    return wire.CheckedAnswer(
        application=definition.application,
        model=str(definition.model or ""),
        rules=len(definition.rules),
        table_rows=sum(len(rule.table.rows) for rule in definition.rules if rule.table),
        tests=len(definition.tests),
    )


def test(control: Control, actor: Actor, given: wire.CheckRules) -> wire.TestedAnswer:
    """Run the tests of a file."""
    application, found = control.applications.test(actor, given.text, given.files)
    return _tested(application, found)


def _tested(application: str, found: Tested) -> wire.TestedAnswer:
    return wire.TestedAnswer(
        application=application,
        passed=found.passed,
        tests=[
            wire.TestOutcome(
                number=one.number,
                passed=not one.problems,
                rules=list(one.rules),
                problems=[str(problem) for problem in one.problems],
            )
            for one in found.tests
        ],
        coverage=[
            wire.RuleCoverage(rule=one.rule, fired=one.fired, rows=one.rows, rows_missed=list(one.rows_missed))
            for one in found.coverage
        ],
    )


def backtest(control: Control, actor: Actor, given: wire.TryRules) -> wire.BacktestAnswer:
    """Try a definition on old decisions."""
    asked = Asked(**msgspec.structs.asdict(given) | {"by": tuple(given.by)})
    return _backtest(control.backtests.run(actor, asked), known_as(control))


def kept_backtest(control: Control, revision: Revision) -> wire.BacktestAnswer | None:
    """Return the newest back-test of a revision's definition."""
    found = control.backtests.newest(revision.application, revision.digest)
    return None if found is None else _backtest(found, known_as(control))


def _backtest(found: Backtest, known: Callable[[str], str]) -> wire.BacktestAnswer:
    tally = found.tally
    return wire.BacktestAnswer(
        application=found.application,
        revision=found.revision,
        digest=found.digest,
        version=found.version,
        at=iso(found.at),
        actor=known(found.actor),
        seconds=round(found.elapsed_us / SECOND, 3),
        compared=tally.compared,
        changed=tally.changed,
        reviews=tally.reviews,
        refused=tally.refused,
        incomparable=tally.incomparable,
        ways=dict(sorted(tally.ways.items(), key=lambda way: -way[1])),
        segments=_segments(tally),
        examples=[
            wire.BacktestExample(
                decision_id=one.decision_id,
                at=iso(one.at),
                before=one.before,
                after=one.after,
                rule_before=one.rule_before,
                rule_after=one.rule_after,
            )
            for one in tally.examples
        ],
    )


def _segments(tally: Tally) -> list[wire.SegmentAnswer]:
    return [
        wire.SegmentAnswer(segment=name, value=value, compared=compared, changed=changed)
        for name, values in tally.segments.items()
        for value, (compared, changed) in sorted(values.items())
    ]


# ---- one request


def evaluate(control: Control, actor: Actor, given: wire.Evaluate) -> wire.EvaluatedAnswer:
    """Answer a request without deciding it."""
    found = control.evaluations.run(actor, evaluations.Asked(**msgspec.structs.asdict(given)))
    settled = found.settled
    said = settled.prediction
    return wire.EvaluatedAnswer(
        application=found.application,
        revision=found.revision,
        answer=settled.answer,
        decided_by=settled.decided_by,
        status=settled.status,
        closed_by=found.closed_by,
        reasons=msgspec.to_builtins(settled.reasons),
        inputs=[_known(one, found.at) for one in found.known],
        rules=[_rule(Answerable(one, None), str) for one in found.rules],
        version=found.version,
        row=found.row,
        output=said.output if said else None,
        failure=f"{said.failure}: {said.error}" if said and said.failure else "",
        elapsed_us=found.elapsed_us,
    )


# ---- why


def why(control: Control, actor: Actor, given: wire.AskWhy) -> wire.WhyAnswer:
    """Say how a decision came about."""
    found = control.whys.why(actor, given.decision, given.rule_not)
    record, asked, known = found.record, served(found.record), known_as(control)
    return wire.WhyAnswer(
        decision_id=record.id,
        at=iso(record.at),
        application=record.application,
        revision=record.revision,
        decided_by=record.decided_by,
        status=record.status,
        answer=record.answer,
        closed_by=found.closed_by,
        reasons=msgspec.to_builtins(record.reasons),
        inputs=[_known(one, record.moment) for one in found.known],
        rules=[_rule(one, known) for one in found.rules],
        model=f"{asked.model}/{asked.version}" if asked else "",
        output=asked.output if asked else None,
        features=reads(record.features),
        predictions=msgspec.to_builtins(record.predictions),
        why_not=found.why_not[1] if found.why_not else "",
        url=control.url(f"/decisions/{record.id}"),
        beside=beside(control, record.id),
    )


def _known(one: Known, at: int) -> wire.KnownAnswer:
    age = None if one.known_at is None else (at - one.known_at) / SECOND
    return wire.KnownAnswer(
        name=one.name,
        value=one.value,
        source=one.source,
        known_at=shown(one.known_at),
        age=age,
        defaulted=one.defaulted,
    )


def _rule(one: Answerable, known: Callable[[str], str]) -> wire.RuleVerdict:
    judged, changed = one.judged, one.changed
    return wire.RuleVerdict(
        rule=judged.rule.id,
        stage=judged.rule.phase,
        when=judged.rule.when,
        verdict=WORDS[judged.verdict],
        again=WORDS[judged.again],
        row=judged.row,
        values=judged.values,
        parts=[wire.RulePart(text=part.text, true=part.true, values=part.values) for part in judged.parts],
        outputs=[wire.OutputChange(name=made.name, before=made.before, after=made.after) for made in judged.changed],
        changed_by=known(changed.actor) if changed else "",
        changed_by_id=changed.actor if changed else "",
        changed_at=iso(changed.at) if changed else "",
        changed_in=changed.number if changed else None,
        changed_why=changed.reason if changed else "",
    )
