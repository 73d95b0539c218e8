"""The `application.yaml` that `tenure init` writes: it can be applied as it stands, and its comments teach the next step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenure.application.revisions.terms import ModelUse
    from tenure.contract.schema import Field, Schema

_HEAD = """\
# What this application is asked, which model it asks, and by which rules it answers.
# Check:  tenure apply {file} --dry-run      Put in force:  tenure apply {file} --reason "first"
application: {name}
# project: retention                 # a project groups applications and models under one goal
# owner: you@example.com
"""
_ENTITY = """\
entity: {entity}  # what a complaint, a hold or an erasure is looked up by
personal: [{entity}]  # stored encrypted under the person's own key; readable to the roles that may
"""
_NO_ENTITY = """\
# entity: customer_id                # the field that says whom a decision is about
# personal: [customer_id, email]     # stored encrypted, readable to the roles that may
"""
_FEATURES = """\
# features:                          # what is known of the key without being sent with each request
#   - {view: customer_activity, key: customer_id, on_missing: default}
"""
_MODEL = """\
model: {model}  # its inputs map by equal name; else inputs: {{model_input: "expression"}}
deadline: 200ms
fallback: {{answer: {failed}, reason: R90}}  # when the model fails or is late
"""
_RULES_WITH_MODEL = """\
rules:
  # The first rule that is true and has an answer settles. A rule with `review: QUEUE` sends the decision to a person.
  # - {id: too-new, before: model, when: "tenure_months < 3", answer: {offer: welcome}, reason: R01}
"""
_RULES = """\
rules:
  # The first rule that is true and has an answer settles.
  # - {id: too-new, when: "tenure_months < 3", answer: {offer: welcome}, reason: R01}
"""


def template(name: str, model: ModelUse | None, inputs: Schema, entity: str | None, *, outputs: Schema = ()) -> str:
    """Return the text for an application over a model with this contract, about this entity."""
    request = [field for field in inputs if not field.shape]
    parts = [
        _HEAD.format(file=f"{name}/application.yaml", name=name),
        _ENTITY.format(entity=_word(entity)) if entity else _NO_ENTITY,
        _request(request, entity),
        _FEATURES,
        _of_model(model, outputs) if model else "",
        _rules(model, outputs),
        _ending(model, outputs),
    ]
    return "".join(parts)


def _word(name: str) -> str:
    """Return a name as YAML; quoted where it would mean something else."""
    plain = name.isidentifier() and name.lower() not in {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
    return name if plain else json.dumps(name, ensure_ascii=False)


def _request(fields: list[Field], entity: str | None) -> str:
    lines = [] if entity is None or entity in {field.name for field in fields} else [f"  {_word(entity)}: string"]
    lines += [f"  {_word(field.name)}: {_type(field, entity)}" for field in fields]
    return "request:\n" + "\n".join(lines or ["  amount: float"]) + "\n"


def _type(field: Field, entity: str | None) -> str:
    if (field.nullable or not field.required) and field.name != entity:
        return f"{{type: {field.type}, required: false}}"
    return field.type


def _of_model(model: ModelUse, outputs: Schema) -> str:
    nothing = ", ".join(f"{_word(field.name)}: null" for field in outputs)
    return _MODEL.format(model=model, failed=f"{{{nothing}}}" if nothing else "{}")


def _score(outputs: Schema) -> Field | None:
    return next((field for field in outputs if field.type == "float" and not field.shape and not field.nullable), None)


def _rules(model: ModelUse | None, outputs: Schema) -> str:
    if model is None:
        return _RULES + "  []\n"
    score = _score(outputs)
    if score is None:
        return _RULES_WITH_MODEL + "  []\n"
    when = f"output.{score.name} >= 0.5" if score.name.isidentifier() else f"output['{score.name}'] >= 0.5"
    answer = f"{{{_outputs(outputs)}, high: true}}"
    return _RULES_WITH_MODEL + f'  - {{id: high, after: model, when: "{when}", answer: {answer}, reason: R01}}\n'


def _outputs(outputs: Schema) -> str:
    """Return the parts of an answer that hand on what the model said."""
    return ", ".join(
        f"{_word(field.name)}: {{expr: {json.dumps(_read(field))}}}" for field in outputs if not field.nullable
    )


def _read(field: Field) -> str:
    return f"output.{field.name}" if field.name.isidentifier() else f"output[{json.dumps(field.name)}]"


def _ending(model: ModelUse | None, outputs: Schema) -> str:
    if model is None:
        return "default: {answer: {result: none}, reason: R00}\nreasons: {R00: no rule applied}\n"
    answer = _outputs(outputs) + (", high: false" if _score(outputs) else "")
    reasons = "R00: the score is low, R01: the score is high" if _score(outputs) else "R00: the model's output"
    return (
        f"default: {{answer: {{{answer}}}, reason: R00}}\n"
        f"reasons: {{{reasons}, R90: model not available}}\n"
        "# outcome: {name: left, type: bool, matures_after: 60d}   # the truth that arrives later\n"
        "# tests:                             # run at every check\n"
        "#   - {request: {…}, output: {…}, expect: {rule: high}}\n"
    )
