"""The two texts of a dossier: one for the person the decision is about, one for who examines it.

The first uses plain words and names no model, method or number of one; the second leaves nothing out. Neither says
what the law asks.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_TOLD = 4
#: below this share of the largest contribution a person is not told of one
_LEAST_SHARE = 0.05
_HOW = {
    "model": "The answer was found by a computer program that compares what was known with earlier cases.",
    "rule": "The answer follows from a fixed rule that is the same for everybody.",
    "fallback": "The usual assessment was not available at that moment, so a standard answer was given.",
    "person": "The answer was given by a person.",
}


def for_person(document: Mapping[str, Any], owner: str) -> list[str]:
    """Return the paragraphs for the person the decision is about."""
    decision = document["decision"]
    lines = [f"On {day_of(decision['at'])} a decision was made. The answer was: {spoken(decision['answer'])}."]
    lines.append(_HOW[decision["decided_by"]])
    texts = [reason["text"] or reason["code"] for reason in decision["reasons"] if reason["source"] != "model"]
    if texts:
        lines.append(f"The reason given: {'; '.join(texts)}.")
    own = [reason["text"] for reason in decision["reasons"] if reason["source"] == "model"]
    # What a person was told then is told again in the same words; only without it is the later explanation asked.
    lines += [f"What counted most for it: {'; '.join(own)}."] if own else _influences(document["explanation"])
    if decision["status"] == "pending_review":
        lines.append("The decision was then passed on to a person for review.")
    if decision["now"]["answer"] != decision["answer"]:
        lines.append(f"A person has since looked at it and changed the answer to: {spoken(decision['now']['answer'])}.")
    contact = f" to {owner}" if owner else ""
    lines.append(
        f"If anything stated here about you is wrong, please write{contact} and give the number {decision['id']}."
    )
    return lines


def _influences(explanation: Mapping[str, Any]) -> list[str]:
    told = explanation.get("contributions", [])
    largest = abs(told[0]["contribution"]) if told else 0.0
    weighty = [one for one in told if largest and abs(one["contribution"]) >= _LEAST_SHARE * largest][:_MOST_TOLD]
    up = [_named(one) for one in weighty if one["contribution"] > 0]
    down = [_named(one) for one in weighty if one["contribution"] < 0]
    lines = []
    if up:
        lines.append(f"What raised the assessment most, compared with other cases: {'; '.join(up)}.")
    if down:
        lines.append(f"What lowered it most: {'; '.join(down)}.")
    return lines


def _named(one: Mapping[str, Any]) -> str:
    name = str(one["feature"]).replace("_", " ")
    return name if one["value"] is None else f"{name} ({short(one['value'])})"


def for_examiner(document: Mapping[str, Any]) -> list[str]:
    """Return the paragraphs for who examines the decision."""
    decision, revision = document["decision"], document["revision"]
    lines = [
        (
            f"Decision {decision['id']} of {decision['at']} was made by {decision['application']}, revision {revision['ref']}"
            f" ({revision['digest']}), decided by: {decision['decided_by']}, status: {decision['status']}."
        )
    ]
    force = revision["in_force"]
    if force:
        lines.append(
            f"That revision had been in force since {force['since']}, put there by {force['by']}: {force['reason'] or 'no reason given'}."
        )
    fired = [f"{one['rule']} ({_condition(one)})" for one in document["rules"] if one["verdict"] == "fired"]
    lines.append(f"Rules that fired: {'; '.join(fired) or 'none'}. The answer was given by: {document['closed_by']}.")
    lines += _about_version(document)
    lines += _about_told(document.get("told"))
    lines += _about_explanation(document["explanation"])
    lines.append(_about_replay(document["replay"]))
    lines.append(_about_log(document["log"]))
    return lines


def _condition(rule: Mapping[str, Any]) -> str:
    row = f"row {rule['row']} of its table" if rule["row"] else rule["when"]
    values = ", ".join(f"{name} = {short(value)}" for name, value in rule["values"].items())
    return f"{row}, where {values}" if values else str(row)


def _about_version(document: Mapping[str, Any]) -> list[str]:
    version = document["version"]
    if version is None:
        return ["No model was asked."]
    lines = [
        f"Model version {version['ref']}, package {version['digest']}, was asked and gave {spoken(version['output'])}; its stage today is {version['stage_now']}."
    ]
    for one in version["aliases"]:
        until = f" until {one['until']}" if one["until"] else ""
        why = one["reason"] or "no reason given"
        lines.append(f"It was {one['alias']} from {one['since']}{until}, by {one['action']} of {one['by']}: {why}.")
    for one in version["attestations"]:
        if one["kind"] == "approval":
            own = " (own work)" if one["said"].get("own_work") else ""
            implied = " (implied by deploying, as the policy allowed)" if one["said"].get("implied") else ""
            lines.append(f"It was approved by {one['by']} on {one['at']}{own}{implied}.")
    alerts = document["monitoring"]["alerts"]
    open_then = [one for one in alerts if one["open_then"]]
    lines.append(
        f"Alerts open on it at that moment: {len(open_then)}; raised later about that day: {len(alerts) - len(open_then)}."
    )
    return lines


def _about_explanation(found: Mapping[str, Any]) -> list[str]:
    if "refused" in found:
        return [f"There is no explanation by contributions: {found['refused']}."]
    return [
        (
            f"Contributions by the method {found['method']} on the scale {found['scale']} against {found['baseline']['source']}"
            f" ({found['baseline']['digest']}). Baseline and contributions add up to {found['total']!r}; served was"
            f" {found['served']!r}; they are {found['difference']:.3g} apart where {found['allowed']:.3g} is allowed."
        )
    ]


def _about_told(told: Mapping[str, Any] | None) -> list[str]:
    if told is None:
        return []
    if told.get("failed"):
        return [f"No reasons of the model were given in the decision, which went to a person: {told['failed']}."]
    return [
        (
            f"Reasons of the model were given in the decision itself, by the method {told['method']} on the scale {told['scale']}"
            f" against the baseline {told['baseline']}: {', '.join(told['reasons']) or 'none'}. Base {told.get('base', 0.0)!r} and"
            f" contributions met the score within {told.get('difference', 0.0):.3g}; {told.get('allowed', 0.0):.3g} was allowed."
        )
    ]


def _about_replay(replay: Mapping[str, Any]) -> str:
    cause = f" Cause: {replay['cause']}." if replay["cause"] else ""
    return f"Made again for this dossier on the same version and revision, the verdict is {replay['verdict']}: then {spoken(replay['output_then'])}, now {spoken(replay['output_now'])}.{cause}"


def _about_log(log: Mapping[str, Any]) -> str:
    if log["position"] is None:
        return f"Its record has the leaf {log['leaf']} and was not sealed yet when this was written."
    proof = (
        "an inclusion proof with a signed checkpoint is attached"
        if log["proof"]
        else "no signed checkpoint covered it yet"
    )
    return f"Its record has the leaf {log['leaf']} and stands at position {log['position']} of the sealed log; {proof}."


def day_of(moment: str) -> str:
    """Return the day of RFC 3339 text as a person writes it."""
    at = datetime.fromisoformat(moment)
    return f"{at.day} {at:%B %Y}"


def spoken(value: Any) -> str:
    """Return an answer or an output as words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case dict():
            return (
                ", ".join(f"{str(name).replace('_', ' ')}: {spoken(item)}" for name, item in value.items()) or "nothing"
            )
        case list():
            return ", ".join(spoken(item) for item in value)
        case _:
            return str(value)


def short(value: Any) -> str:
    """Return a value as a person reads it."""
    return f"{value:.6g}" if isinstance(value, float) else spoken(value)
