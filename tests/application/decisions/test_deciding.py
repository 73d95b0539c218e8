from __future__ import annotations

import json

import msgspec
import pytest

from tenure.application.decisions.deciding import AskModel, Decider, Settled
from tenure.application.decisions.public import public
from tenure.application.decisions.reads import MissingFeature
from tenure.application.decisions.request import BadRequest
from tenure.application.features.view import View
from tenure.application.revisions.checking import check
from tenure.application.revisions.definition import parse, plain
from tenure.application.revisions.problems import BrokenDefinition
from tenure.application.rules.errors import Undecided
from tenure.contract.predictor import Batch, Prediction
from tenure.contract.records import DecisionRecord, Reason, encode
from tenure.contract.schema import Field
from tenure.kit.bodies import MalformedJson
from tests.application.revisions.test_definition import CHURN, INPUTS, MODELS, OUTPUTS, VIEWS

BODY = {"customer_id": "4711", "tenure_months": 5, "monthly_fee": 20, "day": "2026-07-01", "channel": "web"}


def decider(text=CHURN, models=MODELS, views=VIEWS):
    whole, problems = check(parse(text), models, views)
    assert problems == []
    inputs, outputs = next(iter(models.values()), (None, None))
    return Decider(plain(whole), inputs, outputs, revision=12)


def body(**changes):
    return json.dumps({name: value for name, value in (BODY | changes).items() if value is not ...}).encode()


def said(score):
    return Prediction("churn", 2, "sha256:aa", {"score": score}, b"\x01\x02", Batch(8, 3, 1, 99))


def decide(decides, request, prediction, features=None):
    step = decides.before(decides.admit(request), features or {})
    return decides.after(step, prediction) if isinstance(step, AskModel) else step


def protect(entity, fields):
    return f"pseudonym-of-{entity}", json.dumps(fields, sort_keys=True)


def record(decides, settled):
    return decides.record(settled, id="ID", at=1_000, protect=protect, elapsed_us=7, actor="t1", key="k")


def test_of_a_member_that_stands_twice_the_last_counts_and_the_record_holds_that_one_alone():
    decides = decider()
    twice = body()[:-1] + b', "tenure_months": 1}'
    settled = decide(decides, twice, None)
    assert settled.rules == ["too-new"]
    assert record(decides, settled).request["tenure_months"] == 1
    assert encode(record(decides, settled)).count(b"tenure_months") == 1


def test_a_rule_before_the_model_settles_and_the_model_is_not_asked():
    settled = decide(decider(), body(tenure_months=1), None)
    assert isinstance(settled, Settled)
    assert (settled.answer, settled.decided_by, settled.rules, settled.verdicts) == (
        {"offer": "welcome"},
        "rule",
        ["too-new"],
        "t--",
    )


def test_the_model_is_asked_for_exactly_its_own_inputs_in_their_types():
    step = decider().before(decider().admit(body()), {"customer_activity": ({"n_orders": 3}, 5)})
    assert isinstance(step, AskModel)
    assert step.row == {"tenure_months": 5, "monthly_fee": 20.0, "n_orders": 3.0}
    assert isinstance(step.row["n_orders"], float)


def test_a_rule_after_the_model_answers_with_its_reason():
    settled = decide(decider(), body(), said(0.8))
    assert (settled.answer, settled.decided_by, settled.status) == ({"offer": "discount"}, "model", "final")
    assert settled.reasons == [Reason("R02", "likely to leave", "rule")]
    assert settled.verdicts == "ft-"


def test_a_review_leaves_the_decision_pending_and_goes_on_to_the_default():
    settled = decide(decider(), body(), said(0.65))
    assert (settled.answer, settled.status, settled.rules) == (
        {"offer": "none", "score": 0.65},
        "pending_review",
        ["grey"],
    )
    assert settled.reasons == [Reason("R00", "no action", "default")]


def test_a_model_that_fails_leaves_the_answer_to_the_fallback_and_its_failure_on_the_record():
    decides = decider()
    failed = Prediction("churn", 2, "sha256:aa", failure="timeout", error="200 ms are over")
    settled = decide(decides, body(), failed)
    assert (settled.answer, settled.decided_by, settled.verdicts) == ({"offer": "none"}, "fallback", "f--")
    logged = record(decides, settled).predictions[0]
    assert (logged.failure, logged.error, logged.output) == ("timeout", "200 ms are over", None)
    assert settled.reasons == [Reason("R90", "model not available", "fallback")]


@pytest.mark.parametrize(
    ("request_body", "field"),
    [
        (body(tenure_months=-1), "tenure_months"),
        (body(tenure_months=1.5), "tenure_months"),
        (body(tenure_months="5"), "tenure_months"),
        (body(tenure_months=True), "tenure_months"),
        (body(tenure_months=2**63), "tenure_months"),
        (body(monthly_fee=None), "monthly_fee"),
        (body(monthly_fee=...), "monthly_fee"),
        (body(channel="fax"), "channel"),
        (body(day="2026-02-30"), "day"),
        (body(customer_id=4711), "customer_id"),
        (body(tenure=1), "tenure"),
        (b"[]", "the body"),
    ],
)
def test_a_request_that_breaks_the_schema_is_refused_naming_the_field(request_body, field):
    with pytest.raises(BadRequest) as refused:
        decider().admit(request_body)
    assert refused.value.facts["field"] == field
    assert str(refused.value).startswith(f"{field}: ")


@pytest.mark.parametrize("sent", [b"{", b"", b"\xff\xfe", b'{"customer_id": '])
def test_what_is_no_json_at_all_is_refused_as_such(sent):
    with pytest.raises(MalformedJson):
        decider().admit(sent)


def test_an_optional_field_may_be_absent_or_null():
    decides = decider()
    assert decides.admit(body()).values == decides.admit(body(email=None)).values


def test_the_record_holds_personal_fields_and_the_entity_only_encrypted():
    decides = decider()
    made = record(decides, decide(decides, body(email="a@b.c"), said(0.8)))
    assert made.entity == "pseudonym-of-4711"
    assert json.loads(made.personal) == {"customer_id": "4711", "email": "a@b.c"}
    assert "4711" not in encode(msgspec.structs.replace(made, entity=None, personal="")).decode()
    assert made.features[0].key is None
    assert set(made.request) == {"tenure_months", "monthly_fee", "day", "channel"}


def test_the_event_time_is_midnight_where_the_application_lives():
    decides = decider()
    summer = record(decides, decide(decides, body(day="2026-07-01"), said(0.8)))
    assert summer.event_time == 1_782_856_800_000_000  # 2026-06-30T22:00:00Z


@pytest.mark.parametrize(
    "prediction", [said(0.8), said(0.65), said(0.1), Prediction("churn", 2, "sha256:aa", failure="raised")]
)
@pytest.mark.parametrize("months", [1, 5])
def test_a_logged_decision_can_be_decided_again_from_its_record_alone(prediction, months):
    decides = decider()
    first = decide(
        decides, body(tenure_months=months, email="a@b.c"), prediction, {"customer_activity": ({"n_orders": None}, 5)}
    )
    logged = msgspec.json.decode(encode(record(decides, first)), type=DecisionRecord)
    again = decides.before(decides.readmit(logged, json.loads(logged.personal)), decides.logged_features(logged))
    if isinstance(again, AskModel):
        again = decides.after(again, prediction)
    assert (again.answer, again.decided_by, again.status, again.reasons) == (
        first.answer,
        first.decided_by,
        first.status,
        first.reasons,
    )
    assert (again.rules, again.verdicts, again.admitted) == (first.rules, first.verdicts, first.admitted)


def test_the_public_answer_has_the_form_of_the_front_door():
    decides = decider()
    answer = json.loads(msgspec.json.encode(public(record(decides, decide(decides, body(), said(0.8))), "http://h")))
    assert answer == {
        "decision_id": "ID",
        "application": "churn-offers",
        "revision": 12,
        "status": "final",
        "answer": {"offer": "discount"},
        "decided_by": "model",
        "reasons": [{"code": "R02", "text": "likely to leave", "source": "rule"}],
        "rules": ["save"],
        "model": {"name": "churn", "version": 2, "digest": "sha256:aa"},
        "output": {"score": 0.8},
        "url": "http://h/decisions/ID",
    }
    settled = json.loads(msgspec.json.encode(public(record(decides, decide(decides, body(tenure_months=1), None)), "")))
    assert (settled["model"], settled["output"]) == (None, None)


def test_two_versions_with_different_inputs_can_be_asked_by_the_same_revision():
    whole, _ = check(parse(CHURN), MODELS, VIEWS)
    old = Decider(whole, INPUTS[:1], OUTPUTS, revision=3)
    step = old.before(old.admit(body()), {})
    assert isinstance(step, AskModel)
    assert step.row == {"tenure_months": 5}


def test_a_default_of_the_view_stands_in_and_is_marked_on_the_record():
    decides = decider()
    settled = decide(decides, body(), said(0.8))
    assert settled.reads[0].values == {"n_orders": 0}
    assert settled.reads[0].defaulted == ("n_orders",)
    assert settled.reads[0].known_at is None


def test_a_missing_feature_is_an_error_where_the_application_says_so():
    decides = decider(CHURN.replace("on_missing: default", "on_missing: error").split("tests:")[0])
    with pytest.raises(MissingFeature, match="customer_id: the view customer_activity has no n_orders"):
        decides.before(decides.admit(body()), {"customer_activity": None})


def test_a_needed_value_that_is_missing_refuses_the_request_or_skips_the_rule_as_the_rule_says():
    rule = "- {{id: known, when: \"email == 'x'\", on_missing: {}, answer: {{offer: x}}}}\n  - {{id: too-new"
    strict = decider(CHURN.replace("- {id: too-new", rule.format("error"), 1).split("tests:")[0])
    with pytest.raises(Undecided) as refused:
        strict.before(strict.admit(body()), {})
    assert refused.value.facts["field"] == "email"
    relaxed = decider(CHURN.replace("- {id: too-new", rule.format("skip"), 1).split("tests:")[0])
    assert decide(relaxed, body(tenure_months=1), None).verdicts == "mt--"


MOVIES = """\
application: movies
entity: user_id
request: {user_id: int}
features: [{view: user_ratings, key: user_id, on_missing: default}]
model: recommender@champion
fallback: {answer: {items: [1, 2, 3]}, reason: POPULAR}
rules:
  - {id: cold-start, before: model, when: n_ratings < 10, answer: {items: [1, 2, 3]}, reason: POPULAR}
default: {answer: {items: {expr: output.items}, first: {expr: "output.items[0]"}}, reason: LIKED}
reasons: {POPULAR: popular movies, LIKED: chosen for you}
tests:
  - {request: {user_id: 1}, expect: {items: [1, 2, 3], rule: cold-start}}
  - {request: {user_id: 1}, features: {user_ratings: {n_ratings: 9}}, expect: {rule: cold-start, decided_by: rule}}
  - {request: {user_id: 1}, features: {user_ratings: {n_ratings: 10}}, output: {items: [7, 8]}, expect: {items: [7, 8], rule: null}}
  - {request: {user_id: 1}, features: {user_ratings: {n_ratings: 10}}, failure: raised, expect: {decided_by: fallback}}
"""


def test_fewer_than_ten_ratings_recommend_popular_movies():
    views = {"user_ratings": View("user_ratings", "user_id", (Field("n_ratings", "int"),), defaults={"n_ratings": 0})}
    models = {"recommender/1": ((Field("user_id", "int"),), (Field("items", "int", shape=(2,)),))}
    decides = decider(MOVIES, models, views)
    popular = {"items": [1, 2, 3]}
    for known, answer in (
        (None, popular),
        (({"n_ratings": 9}, 1), popular),
        (({"n_ratings": 10}, 1), {"items": [7, 8], "first": 7}),
    ):
        said = Prediction("recommender", 1, "sha256:aa", {"items": [7, 8]})
        settled = decide(decides, b'{"user_id": 5}', said, {"user_ratings": known})
        assert settled.answer == answer


def test_an_application_without_a_model_answers_by_rules_alone():
    text = "application: gate\nrequest: {age: int, at: timestamp}\nrules:\n  - {id: minor, when: age < 18, answer: {ok: false}}\ndefault: {answer: {ok: true, at: {expr: at}}}\n"
    decides = decider(text, {}, {})
    assert decide(decides, b'{"age": 17, "at": "2026-01-01T00:00:00Z"}', None).answer == {"ok": False}
    settled = decide(decides, b'{"age": 18, "at": "2026-01-01T01:00:00.5+01:00"}', None)
    assert (settled.answer, settled.decided_by) == ({"ok": True, "at": "2026-01-01T00:00:00.500000Z"}, "rule")
    assert record(decides, settled).request["at"] == 1_767_225_600_500_000


# ---- decision tables, and rules that change what the model said

PRICED = """
application: priced
request: {amount: {type: float, minimum: 0}, region: {type: string, values: [north, south]}}
model: risk@champion
fallback: {answer: {band: none}}
rules:
  - {id: known, after: model, when: "output.score > 0.9", reason: R01}
  - {id: cap, after: model, when: "region == 'north'", bound: {score: {maximum: 0.5}}, reason: R02}
  - {id: zero, after: model, when: "amount == 0.0", set: {score: 0}}
  - id: bands
    after: model
    table:
      columns: [output.score, region, answer.band, answer.rate, reason, review]
      rows:
        - ["< 0.2",       "-",     A, 1.5, R10, ""]
        - ["[0.2..0.6)",  north,   B, 2.5, R11, ""]
        - ["[0.2..0.6)",  south,   C, "=output.score * 10.0", R11, desk]
        - [">= 0.6",      "-",     D, 9.5, R12, ""]
default: {answer: {band: E}}
reasons: {R01: very risky, R02: capped in the north, R10: safe, R11: fair, R12: risky}
"""


def priced(amount, region, score):
    decider = Decider(parse(PRICED), (Field("amount", "float"),), (Field("score", "float"),), 1)
    step = decider.before(decider.admit_row({"amount": amount, "region": region}), {})
    assert isinstance(step, AskModel)
    return decider.after(step, Prediction("risk", 1, "d", {"score": score}))


def test_a_table_settles_with_the_row_that_holds():
    settled = priced(10.0, "south", 0.4)
    assert (settled.answer, settled.rules, settled.status) == ({"band": "C", "rate": 4.0}, ["bands"], "pending_review")
    assert [reason.code for reason in settled.reasons] == ["R11"]
    assert settled.verdicts == "ffft"


def test_a_reason_alone_goes_on_and_a_bound_holds_for_all_that_follows():
    settled = priced(10.0, "north", 0.95)
    assert settled.answer == {"band": "B", "rate": 2.5}
    assert [reason.code for reason in settled.reasons] == ["R01", "R02", "R11"]
    assert settled.rules == ["known", "cap", "bands"]
    assert settled.prediction.output == {"score": 0.95}, "what the model said stays as it said it"


def test_an_output_is_set_to_another_value():
    assert priced(0.0, "south", 0.95).answer == {"band": "A", "rate": 1.5}


def test_a_score_that_is_no_number_is_in_no_row():
    assert priced(10.0, "south", float("nan")).answer == {"band": "E"}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("bound: {score: {maximum: 0.5}}", "bound: {scor: {maximum: 0.5}}", "did you mean 'score'"),
        ("bound: {score: {maximum: 0.5}}", "bound: {score: {maximum: 0.5, minimum: 0.6}}", "above the maximum"),
        ("bound: {score: {maximum: 0.5}}", "bound: {score: {}}", "name a minimum"),
        ("bound: {score: {maximum: 0.5}}", "bound: {score: {maximum: high}}", "must be a number"),
        ("set: {score: 0}", "set: {score: low}", "this is text"),
        ("set: {score: 0}", 'set: {score: {expr: "amont"}}', "did you mean 'amount'"),
        ("id: cap, after: model", "id: cap, before: model", "after: model"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(old, new, why):
    assert old in PRICED
    with pytest.raises(BrokenDefinition, match=why):
        Decider(parse(PRICED.replace(old, new)), (Field("amount", "float"),), (Field("score", "float"),), 1)
