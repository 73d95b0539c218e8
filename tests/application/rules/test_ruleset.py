from __future__ import annotations

import time

from tenure.application.rules.expressions import compile_condition
from tenure.application.rules.kinds import FLOAT, Known, scope_of
from tenure.application.rules.ruleset import Effect, ReadyRule, Trace, walk
from tenure.contract.records import Reason

SCOPE = scope_of({"request": [Known("request.x", FLOAT, nullable=True)]})


def rule(place, when, answer=None, *, skips=False, reviews=False):
    return ReadyRule(
        place=place,
        id=f"r{place}",
        when=compile_condition(when, SCOPE, lenient=True).run,
        skips=skips,
        effect=Effect(
            answer=None if answer is None else lambda _: answer,
            reason=Reason(f"R{place}", "", "rule"),
            reviews=reviews,
        ),
    )


def test_the_first_true_rule_with_an_answer_settles_and_the_rest_is_not_reached():
    rules = (
        rule(0, "x < 0", {"a": 0}),
        rule(1, "x > 1", reviews=True),
        rule(2, "x > 2", {"a": 2}),
        rule(3, "x > 3", {"a": 3}),
    )
    trace = Trace(["-"] * 4)
    assert walk(rules, {"request.x": 5.0}, trace) == {"a": 2}
    assert ("".join(trace.verdicts), trace.fired, trace.pending) == ("ftt-", ["r1", "r2"], True)
    assert [reason.code for reason in trace.reasons] == ["R1", "R2"]


def test_a_rule_that_skips_a_missing_value_leaves_that_in_the_verdicts():
    trace = Trace(["-"] * 2)
    assert walk((rule(0, "x < 0", {}, skips=True), rule(1, "!has(x)", {"b": 1})), {"request.x": None}, trace) == {
        "b": 1
    }
    assert "".join(trace.verdicts) == "mt"


def test_twenty_rules_with_trace_stay_within_their_budget():
    rules = tuple(rule(place, f"has(x) && x > {place} && x < {place + 1}") for place in range(20))
    facts = {"request.x": 100.0}
    best = min(_seconds(rules, facts) for _ in range(20))
    assert best < 3 * 35e-6, f"{best * 1e6:.0f} µs for 20 rules; the goal is 15 + 1 a rule on a quiet machine"


def _seconds(rules, facts):
    begun = time.process_time()
    for _ in range(200):
        walk(rules, facts, Trace(["-"] * 20))
    return (time.process_time() - begun) / 200
