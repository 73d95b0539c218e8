from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.application.features.view import View
from tenure.application.revisions.checking import check, needs
from tenure.application.revisions.definition import KEYS, from_plain, parse, plain
from tenure.application.revisions.jsonschema import json_schema
from tenure.application.revisions.problems import BrokenDefinition, located, refusal
from tenure.application.revisions.source import Source
from tenure.application.revisions.template import template
from tenure.application.revisions.terms import ModelUse
from tenure.contract.schema import Field

CHURN = """\
application: churn-offers            # shares one name space with models
project: retention
owner: crm@example.com
entity: customer_id
personal: [customer_id, email]
event_time: day
request:
  customer_id: string
  email: {type: string, required: false}
  tenure_months: {type: int, minimum: 0}
  monthly_fee: float
  day: date
  channel: {type: string, values: [web, phone]}
features:
  - {view: customer_activity, key: customer_id, on_missing: default}
model: churn@champion
time_zone: Europe/Berlin
deadline: 200ms
explain: none
fallback: {answer: {offer: none}, reason: R90}
rules:
  - {id: too-new, before: model, when: "tenure_months < 3", on_missing: error, answer: {offer: welcome}, reason: R01}
  - {id: save, after: model, when: "output.score >= 0.7", answer: {offer: discount}, reason: R02}
  - {id: grey, after: model, when: "output.score > 0.6", review: retention-desk}
default: {answer: {offer: none, score: {expr: output.score}}, reason: R00}
reasons: {R00: no action, R01: customer for under 3 months, R02: likely to leave, R90: model not available}
outcome: {name: left, type: bool, matures_after: 60d}
tests:
  - {request: {customer_id: a, tenure_months: 1, monthly_fee: 20.0, day: 2026-01-01, channel: web}, expect: {offer: welcome, rule: too-new}}
  - {request: {customer_id: a, tenure_months: 5, monthly_fee: 20.0, day: 2026-01-01, channel: web}, output: {score: 0.65}, expect: {offer: none, status: pending_review}}
"""
INPUTS = (Field("tenure_months", "int"), Field("monthly_fee", "float"), Field("n_orders", "float"))
OUTPUTS = (Field("score", "float"),)
MODELS = {"churn/2": (INPUTS, OUTPUTS)}
VIEWS = {
    "customer_activity": View("customer_activity", "customer_id", (Field("n_orders", "int"),), defaults={"n_orders": 0})
}


def refused(text, models=MODELS, views=VIEWS):
    """Return the problems of a file, found by reading it or by checking it."""
    try:
        definition = parse(text)
    except BrokenDefinition as error:
        return error.facts["problems"]
    _, problems = check(definition, models, views)
    return refusal(located(problems, Source(text).places)).facts["problems"]


def test_the_file_of_the_front_door_is_read_checked_and_kept_as_plain_data():
    definition = parse(CHURN)
    whole, problems = check(definition, MODELS, VIEWS)
    assert problems == []
    assert from_plain(json.loads(json.dumps(plain(whole)))) == whole
    assert whole.deadline_us == 200_000
    assert str(whole.model) == "churn@champion"
    assert whole.features[0].columns == VIEWS["customer_activity"].columns


#: what is replaced → by what → the line, the place and a part of the message
BROKEN = [
    ("application: churn-offers ", "application: Churn Offers ", 1, "application", "cannot be a name"),
    ("application: churn-offers ", "aplication: churn-offers ", 1, "aplication", "did you mean 'application'?"),
    ("project: retention", "project: [retention]", 2, "project", "this must be text"),
    ("owner: crm@example.com", "owner: 7", 3, "owner", "write owner: '7'"),
    ("entity: customer_id", "entity: customer", 4, "entity", "did you mean 'customer_id'?"),
    ("entity: customer_id", "entity: monthly_fee", 4, "entity", "must be a required text"),
    ("entity: customer_id\n", "", 4, "personal", "personal fields belong to a person"),
    ("[customer_id, email]", "[customer_id, emial]", 5, "personal[1]", "did you mean 'email'?"),
    ("event_time: day", "event_time: days", 6, "event_time", "did you mean 'day'?"),
    ("event_time: day", "event_time: monthly_fee", 6, "event_time", "must be a date or a timestamp"),
    ("  customer_id: string\n", "  customer_id: str\n", 8, "request.customer_id.type", "did you mean 'string'?"),
    ("required: false", "required: no", 9, "request.email.required", "must be true or false"),
    ("required: false", "require: false", 9, "request.email.require", "did you mean 'required'?"),
    ("minimum: 0", "minimum: zero", 10, "request.tenure_months.minimum", "must be a number"),
    ("minimum: 0", "minimum: 5, maximum: 1", 10, "request.tenure_months.minimum", "above the maximum"),
    ("minimum: 0", "minimum: 0.5", 10, "request.tenure_months.minimum", "the bound of a whole number"),
    ("type: int, minimum: 0", "type: int, values: [a]", 10, "request.tenure_months.values", "values are for text"),
    ("monthly_fee: float", "monthly_fee: [float]", 11, "request.monthly_fee", "this must be a mapping"),
    ("monthly_fee: float", "tenure_months: float", 11, "request.tenure_months", "this key stands twice"),
    ("  day: date", "  output: date", 12, "request.output", "has a meaning of its own"),
    ("view: customer_activity", "view: customer_activty", 15, "features[0].view", "did you mean 'customer_activity'?"),
    ("key: customer_id, on", "key: customer, on", 15, "features[0].key", "did you mean 'customer_id'?"),
    ("on_missing: default", "on_missing: defaults", 15, "features[0].on_missing", "did you mean 'default'?"),
    ("model: churn@champion", "model: churn/2", 16, "model", "write MODEL@ALIAS"),
    ("  monthly_fee: float\n", "", 15, "model", "nothing supplies the model's input 'monthly_fee'"),
    ("monthly_fee: float", "monthly_fee: string", 16, "model", "the model needs a number with decimals and gets text"),
    ("tenure_months: {type: int, minimum: 0}", "tenure_months: {type: int, required: false}", 16, "model", "tenure_months may be missing"),
    ("Europe/Berlin", "Europe/Berlim", 17, "time_zone", "there is no time zone"),
    ("200ms", "200", 18, "deadline", "write it with its unit"),
    ("200ms", "2 weeks", 18, "deadline", "is no length of time"),
    ("200ms", "5m", 18, "deadline", "between 1ms and 60s"),
    ("explain: none", "explain: everything", 19, "explain", "is not one of none"),
    ("fallback: {answer: {offer: none}, reason: R90}\n", "", 16, "model", "a model can fail or be late"),
    ("{offer: none}, reason: R90", "{offer: none}, reason: R99", 20, "fallback.reason", "there is no reason 'R99'"),
    ("fallback: {answer: {offer: none}", "fallback: {answer: {offer: {expr: output.score}}", 20, "fallback.answer.offer.expr", "output is known only when the model has answered"),
    ("fallback: {answer: {offer: none}", "fallback: {answer: {offer: {expr: customer_id}}", 20, "fallback.answer.offer.expr", "must not hold a personal field"),
    ("id: too-new", "id: save", 23, "rules[1].id", "'save' stands twice"),
    ("id: too-new, before", "before", 22, "rules[0]", "the key 'id' is missing"),
    ("before: model, when", "before: modle, when", 22, "rules[0].before", "did you mean 'model'?"),
    ("before: model, when", "before: model, after: model, when", 22, "rules[0]", "not both"),
    ("tenure_months < 3", "tenure_month < 3", 22, "rules[0].when", "did you mean 'tenure_months'?"),
    ("tenure_months < 3", "tenure_months < 3.5", 22, "rules[0].when", "write double(…)"),
    ("tenure_months < 3", "tenure_months / 12 < 3", 22, "rules[0].when", "two whole numbers are not divided"),
    ("tenure_months < 3", "channel == 'fax'", 22, "rules[0].when", "channel is never 'fax'"),
    ('"tenure_months < 3"', '"tenure_months < 3', 22, "", "this is no YAML"),
    ("on_missing: error", "on_missing: ignore", 22, "rules[0].on_missing", "is not one of error, skip"),
    ('when: "tenure_months < 3", on_missing: error', "when: \"email == 'x'\"", 22, "rules[0].when", "email may be missing"),
    ('when: "tenure_months < 3"', "when: 3", 22, "rules[0].when", "this must be text"),
    ("answer: {offer: welcome}", "answer: welcome", 22, "rules[0].answer", "must be a mapping"),
    (", answer: {offer: welcome}, reason: R01", "", 22, "rules[0]", "the rule does nothing"),
    ("reason: R01}\n", "reason: R91}\n", 22, "rules[0].reason", "there is no reason 'R91'"),
    ('after: model, when: "output.score >= 0.7"', 'before: model, when: "output.score >= 0.7"', 23, "rules[1].when", "write `after: model`"),
    ("output.score >= 0.7", "output.scor >= 0.7", 23, "rules[1].when", "did you mean 'score'?"),
    ("output.score >= 0.7", "output.score >= '0.7'", 23, "rules[1].when", "has a number with decimals on its left and text"),
    ("review: retention-desk", "reviews: retention-desk", 24, "rules[2].reviews", "did you mean 'review'?"),
    ("expr: output.score", "expr: output.rank", 25, "default.answer.score.expr", "output has no 'rank'"),
    ("expr: output.score", "expr: 7", 25, "default.answer.score.expr", "must be the text of an expression"),
    ("R00: no action", "R00: 5", 26, "reasons.R00", "this must be text"),
    ("type: bool, matures", "type: boolean, matures", 27, "outcome.type", "did you mean 'bool'?"),
    ("matures_after: 60d", "matures_after: later", 27, "outcome.matures_after", "is no length of time"),
    ("expect: {offer: welcome, rule: too-new}", "expect: {offer: none}", 29, "tests[0].expect.offer", 'it is "welcome", not "none"'),
    ("expect: {offer: welcome, rule: too-new}", "expect: {rule: save}", 29, "tests[0].expect.rule", "it is"),
    ("expect: {offer: welcome, rule: too-new}", "expect: {}", 29, "tests[0]", "cannot fail"),
    ("tenure_months: 1,", "tenure_months: -1,", 29, "tests[0].request", "tenure_months: expected int >= 0"),
    ("tenure_months: 1,", "tenure_month: 1,", 29, "tests[0].request", "tenure_month"),
    ("tenure_months: 1,", "tenure_months: 9,", 29, "tests[0]", "the test reaches the model"),
    ("output: {score: 0.65}", "output: {scor: 0.65}", 30, "tests[1].output.scor", "did you mean 'score'?"),
    ("output: {score: 0.65}", "output: {score: high}", 30, "tests[1].output.score", "must be a number"),
    ("output: {score: 0.65}", "output: {}", 30, "tests[1].output", "output.score is read"),
    ("output: {score: 0.65}", "features: {activity: {n: 1}}", 30, "tests[1].features.activity", "there is no view"),
    ("deadline: 200ms", "deadline: &d 200ms", 18, "", "anchors and aliases"),
    ("owner: crm@example.com", "owner: !!python/object:os.system x", 3, "owner", "has no meaning here"),
    ("owner: crm@example.com", "owner:\tcrm", 3, "", "this is no YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "where", "why"), BROKEN)
def test_a_broken_file_is_refused_naming_line_place_and_reason(old, new, line, where, why):
    assert old in CHURN
    problems = refused(CHURN.replace(old, new, 1))
    fitting = [problem for problem in problems if why in problem["why"] or why in problem["add"]]
    assert fitting, problems
    assert (fitting[0]["line"], fitting[0]["path"]) == (line, where)


def test_all_problems_of_a_file_are_told_at_once_in_their_order():
    text = CHURN.replace("entity: customer_id", "entity: nobody").replace("float", "flaot").replace("60d", "soon")
    assert [problem["line"] for problem in refused(text)] == [4, 11, 27]


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(CHURN) - 1), letter=st.sampled_from("{}[]:,\"'#&*!|>-x0 \n\t\x00é"), cut=st.booleans())
def test_a_file_damaged_anywhere_is_read_or_refused_with_problems_but_never_breaks_the_reader(place, letter, cut):
    text = CHURN[:place] if cut else CHURN[:place] + letter + CHURN[place + 1 :]
    for problem in refused(text):
        assert problem["why"]


def test_words_that_old_yaml_takes_for_truth_stay_words():
    text = CHURN.replace("{offer: welcome}", "{offer: no, country: NO, day: 2026-01-01, hour: 12:30}")
    answer = parse(text).rules[0].answer
    assert answer == {"offer": "no", "country": "NO", "day": "2026-01-01", "hour": "12:30"}


def test_an_expression_is_pointed_at_with_its_character():
    problems = refused(CHURN.replace("output.score >= 0.7", "output.score >= 0.7 && chanel == 'web'"))
    line = CHURN.splitlines()[22]
    assert problems[0]["column"] == line.index("output.score") + 1 + len("output.score >= 0.7 && ")


def test_a_version_that_needs_more_is_told_the_lines_to_add():
    definition, _ = check(parse(CHURN), MODELS, VIEWS)
    assert needs(definition, INPUTS) == []
    missing = needs(definition, (*INPUTS, Field("sub_grade", "string", nullable=True)))
    assert [(need.name, need.add) for need in missing] == [
        ("sub_grade", "request:\n  sub_grade: {type: string, required: false}")
    ]


def test_a_field_that_the_rollback_target_needs_may_not_go():
    both = {"churn/2": (INPUTS[:2], OUTPUTS), "churn/1": (INPUTS, OUTPUTS)}
    text = CHURN.replace("features:\n  - {view: customer_activity, key: customer_id, on_missing: default}\n", "")
    (problem,) = refused(text, both)
    assert problem["why"] == "nothing supplies the model's input 'n_orders' (for churn/1)"


def test_an_input_may_be_computed_from_other_fields():
    text = CHURN.replace("model: churn@champion", 'model: churn@champion\ninputs: {yearly_fee: "monthly_fee * 12"}')
    models = {"churn/3": ((Field("yearly_fee", "float"),), OUTPUTS)}
    assert refused(text, models) == []


def test_the_application_may_supply_what_only_a_later_version_needs():
    text = CHURN.replace("model: churn@champion", 'model: churn@champion\ninputs: {rate: "has(email) ? 1.0 : 0.5"}')
    assert refused(text) == []
    assert needs(parse(text), (*INPUTS[:2], Field("rate", "float"))) == []


def test_a_slip_in_the_name_of_an_input_is_refused_and_so_is_a_broken_expression_for_a_later_one():
    slip = CHURN.replace("model: churn@champion", 'model: churn@champion\ninputs: {monthly_fe: "monthly_fee * 12"}')
    assert "the model has no input 'monthly_fe'; did you mean 'monthly_fee'?" in refused(slip)[0]["why"]
    broken = CHURN.replace("model: churn@champion", 'model: churn@champion\ninputs: {rate: "monthly_fe * 12"}')
    assert "monthly_fe" in refused(broken)[0]["why"]


def test_an_application_over_a_model_without_a_version_is_refused():
    assert "deploy one first" in refused(CHURN, {})[0]["why"]


def test_the_template_of_any_contract_can_be_applied_as_it_stands():
    inputs = (
        Field("age", "int"),
        Field("no", "string", nullable=True),
        Field("loan amount", "float"),
        Field("seen", "timestamp"),
    )
    for outputs in (
        OUTPUTS,
        (Field("items", "int", shape=(10,)),),
        (Field("label", "string"), Field("p of 1", "float")),
    ):
        text = template("loans", ModelUse("risk", "champion"), inputs, "customer_id", outputs=outputs)
        assert refused(text, {"risk/1": (inputs, outputs)}) == [], text
    assert refused(template("house-rules", None, (), None), {}) == []


def test_the_template_takes_an_entity_that_the_model_reads_too():
    text = template("loans", ModelUse("risk", "champion"), INPUTS, "tenure_months", outputs=OUTPUTS)
    assert refused(text) == []
    assert text.count("  tenure_months:") == 1


def test_the_published_schema_for_editors_is_the_one_of_the_code():
    published = Path(__file__).parents[3] / "docs" / "application.schema.json"
    assert json.loads(published.read_text()) == json_schema()
    assert set(json_schema()["properties"]) == set(KEYS)


@pytest.mark.parametrize("word", ["null", '"null"', "~"])
def test_null_stands_for_the_word_where_a_view_may_leave_columns_empty(word):
    text = "application: a\nrequest: {x: string}\nfeatures: [{view: v, key: x, on_missing: WORD}]\ndefault: {answer: {a: 1}}\n"
    assert parse(text.replace("WORD", word)).features[0].on_missing == "null"
