from __future__ import annotations

import pytest

from tenure.application.rules.errors import BrokenExpression, Undecided
from tenure.application.rules.expressions import compile_condition, compile_expression
from tenure.application.rules.kinds import BOOL, DATE, FLOAT, INT, STRING, TIMESTAMP, Known, list_of, scope_of

SCOPE = scope_of(
    {
        "request": [
            Known("request.age", INT, nullable=False),
            Known("request.income", FLOAT, nullable=False),
            Known("request.email", STRING, nullable=True),
            Known("request.channel", STRING, nullable=False, values=("web", "phone")),
            Known("request.day", DATE, nullable=False),
            Known("request.seen", TIMESTAMP, nullable=False),
            Known("request.member", BOOL, nullable=False),
            Known("request.clicks", INT, nullable=False),
            Known("request.loan amount", FLOAT, nullable=False),
        ],
        "activity": [Known("activity.clicks", INT, nullable=False), Known("activity.n_ratings", INT, nullable=False)],
        "output": [Known("output.score", FLOAT, nullable=False), Known("output.items", list_of(INT), nullable=False)],
    }
)

REFUSED = {
    "chanel == 'web'": "there is no field 'chanel'; did you mean 'channel'?",
    "output.scor > 0.5": "output has no 'scor'; did you mean 'score'?",
    "activty.n_ratings > 1": "there is no 'activty'; did you mean 'activity'?",
    "clicks > 1": "write request.clicks or activity.clicks",
    "age / 2 > 1": "two whole numbers are not divided",
    "10/20 > 0.4": "two whole numbers are not divided",
    "age == 'a'": "== has a whole number on its left and text on its right",
    "1 == 'a'": "== has a whole number on its left and text on its right",
    "age > 1.5": "write double(…) around the whole number",
    "age * income > 1": "write double(…) around the whole number",
    "email == 'x'": "email may be missing: guard it with has(email)",
    "email == 'x' && has(email)": "email may be missing",
    "!has(email) && email == 'x'": "email may be missing",
    "channel == 'wep'": "channel is never 'wep'; did you mean 'web'?",
    "'phon' == channel": "did you mean 'phone'?",
    "channel in ['web', 'telegraph']": "channel is never 'telegraph'",
    "age in ['a']": "`in` looks for a whole number",
    "age in []": "the list is empty",
    "age in [1, 'a']": "the list mixes",
    "age in [clicks]": "is not clear here",
    "age in [age]": "only values that are written out",
    "age in 5": "must be a list",
    "day > '2026-13-01'": "'2026-13-01' is no day",
    "day > 'tomorrow'": "'tomorrow' is no day",
    "seen > '2026-01-01'": "write timestamp(",
    "seen > timestamp('noon')": "'noon' is no moment",
    "seen > timestamp(email)": "email may be missing",
    "age": "a condition must be true or false; this is a whole number",
    "age > 1 and age < 3": "write && for 'and'",
    "not member": "write ! for 'not'",
    "age = 1": "'=' compares nothing; write ==",
    "channel == 'web": "the text is not closed",
    "(age > 1": "')' is missing",
    "age > 1)": "')' was not expected here",
    "age >": "the expression ends too early",
    "": "the expression ends too early",
    "member > false": "true and false have no order",
    "member && age": "&& needs true or false on both sides; this is a whole number",
    "!age": "! needs true or false",
    "-channel == 'a'": "- needs a number",
    "channel - 'a' == 'b'": "- does not go with text",
    "output > 1": "output is no value; write output.NAME with one of: score, items",
    "age.years > 1": "age is a single value",
    "output.items == output.items": "lists are not compared",
    "output.items[0.5] == 1": "a place in a list is a whole number",
    "age[0] == 1": "[…] needs a list",
    "lower(channel) == 'web'": "there is no function lower()",
    "channel.startswith('w')": "did you mean 'startsWith'?",
    "startsWith(channel, 'w')": "write field.startsWith('text')",
    "channel.startsWith(1)": "startsWith() needs text",
    "channel.matches(channel)": "must be written out",
    "channel.matches('(a+)+')": "a repeated group can take for ever",
    "channel.matches('(?=a)')": "groups that begin with (?",
    "channel.matches('[')": "is broken",
    "channel.matches('a*b+c{2,9}')": "repeats more than 2 parts",
    "size(age) > 1": "size() needs text or a list",
    "has(age, income)": "write has(field)",
    "has(1)": "only request, output and the feature views have parts",
    "email == null": "null is not compared; write has(field)",
    "age ? member : member": "the test before ? must be true or false",
    "member ? 1 : 'a'": "the two sides of : differ",
    "1 < 2": "the condition is always true",
    "5 % 0 > 1 || member": "the right side is 0",
    "age > 9223372036854775808": "larger than an integer of 64 bits",
    "age > 9223372036854775807 + 1": "out of the range of 64 bits",
    "age > 5u": "5u is no number",
    "{'a': 1}.a > 1": "maps cannot be used here",
    "[1,2].exists(x, x > 1)": "there is no function exists()",
    "age > 1 & member": "write && for 'and'",
    r"channel == '\q'": "is no escape",
    "(" * 60 + "member" + ")" * 60: "nested more than",
    " || ".join(["member"] * 200): "more than 100 operators",
    "member || " * 500 + "member": "has 5006 characters",
}


@pytest.mark.parametrize(("text", "why"), REFUSED.items())
def test_a_broken_condition_is_refused_in_words_of_the_field(text, why):
    with pytest.raises(BrokenExpression) as refused:
        compile_condition(text, SCOPE)
    assert why in str(refused.value)
    assert 0 <= refused.value.facts["at"] <= max(len(text), 1)


@pytest.mark.parametrize(
    ("text", "facts", "truth"),
    [
        ("income * 12 > 50000", {"request.income": 5000.0}, True),
        ("income > 3", {"request.income": 3.5}, True),
        ("double(age) / 2 > 1", {"request.age": 3}, True),
        ("income in [1, 2, 3]", {"request.income": 2.0}, True),
        ("has(email) && email.endsWith('.de')", {"request.email": None}, False),
        ("!has(email) || email.contains('@')", {"request.email": "a@b"}, True),
        ("has(email) ? email == 'a' : age > 3", {"request.email": None, "request.age": 4}, True),
        ("channel in ['web']", {"request.channel": "phone"}, False),
        ("day >= '2026-01-31'", {"request.day": "2026-02-01"}, True),
        ("seen < timestamp('2026-01-01T00:00:00Z')", {"request.seen": 1_700_000_000_000_000}, True),
        ('request["loan amount"] > 10', {"request.loan amount": 11.0}, True),
        ("activity.clicks == request.clicks", {"activity.clicks": 1, "request.clicks": 1}, True),
        ("n_ratings < 10", {"activity.n_ratings": 9}, True),
        ("size(output.items) == 2 && output.items[1] == 5", {"output.items": [4, 5]}, True),
        ("channel.matches('^w.b$')", {"request.channel": "web"}, True),
        ("size('añb') == age", {"request.age": 3}, True),
        ("income / 0.0 > 1000000", {"request.income": 1.0}, True),
        ("false", {}, False),
    ],
)
def test_an_accepted_condition_says_what_it_looks_like(text, facts, truth):
    assert compile_condition(text, SCOPE).run(facts) is truth


def test_a_number_that_is_not_one_is_neither_more_nor_less():
    assert compile_condition("output.score > 0.5", SCOPE).run({"output.score": float("nan")}) is False


def test_a_missing_value_has_no_truth_and_is_named():
    condition = compile_condition("email == 'x' || age > 3", SCOPE, lenient=True)
    with pytest.raises(Undecided, match="email is needed and missing"):
        condition.run({"request.email": None, "request.age": 3})
    assert condition.run({"request.email": None, "request.age": 4}) is True


def test_a_pattern_is_not_tried_on_a_text_that_could_hold_up_everyone():
    condition = compile_condition("channel.matches('^.*@.*$')", SCOPE)
    assert condition.run({"request.channel": "a@b"}) is True
    with pytest.raises(Undecided, match="longer than 256 characters"):
        condition.run({"request.channel": "@" * 257})


def test_an_integer_never_wraps():
    with pytest.raises(Undecided, match="out of the range of 64 bits"):
        compile_condition("age * age > 0", SCOPE).run({"request.age": 2**40})


def test_an_expression_knows_what_it_reads():
    assert compile_expression("income * 2 + output.score", SCOPE).reads == {"request.income", "output.score"}
