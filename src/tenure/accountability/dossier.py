"""The dossier of one decision: everything that is known of it as one plain document, which is signed as it is written.

The document holds facts and where they come from. It quotes no law and says nothing that was not read or reckoned;
what could not be had (an explanation that was refused, a person who was erased) stands in it as the refusal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.accountability.sources import sources
from tenure.accountability.texts import for_examiner, for_person
from tenure.accountability.why import WORDS
from tenure.kit.clock import SECOND, iso

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.accountability.explanation import Explanation
    from tenure.accountability.replay import Replayed
    from tenure.accountability.why import Answerable, Why
    from tenure.application.decisions.figures import ApplicationFigures
    from tenure.application.decisions.reading import Found
    from tenure.application.revisions.life import Approved
    from tenure.application.revisions.revision import Activation, Revision
    from tenure.contract.records import DecisionRecord, PredictionRecord
    from tenure.contract.schema import Schema
    from tenure.model.monitoring.alert import Alert
    from tenure.model.registry.record import Attestation, Served, VersionRecord

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """The version that was asked: its record, what was attested of it, what served when, and its alerts."""

    prediction: PredictionRecord
    record: VersionRecord
    attestations: Sequence[Attestation]
    served: Sequence[Served]
    alerts: Sequence[Alert]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the record stands in the log: its leaf, its position once sealed, and the proof if there is one."""

    leaf: str
    position: int | None
    proof: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Day:
    """What the application decided on the decision's day in its time zone, from `since` to `until`; None: nothing counted."""

    since: int
    until: int
    figures: ApplicationFigures | None


@dataclass(frozen=True, slots=True)
class Papers:
    """All that a dossier is written from. `explanation` is the refusal's text where there is none."""

    found: Found
    why: Why
    #: with the activation that had put it in force, and its approval
    revision: tuple[Revision, Activation | None, Approved | None]
    day: Day
    asked: Asked | None
    explanation: Explanation | str
    replayed: Replayed
    place: Place
    made_at: int
    made_by: str


def written(papers: Papers) -> dict[str, Any]:
    """Return the document as plain data."""
    document = {
        "tenure_dossier": FORMAT,
        "made_at": iso(papers.made_at),
        "made_by": papers.made_by,
        "decision": _decision(papers.found),
        "inputs": _inputs(papers),
        "revision": _revision(*papers.revision),
        "closed_by": papers.why.closed_by,
        "rules": [_rule(one) for one in papers.why.rules],
        "version": _version(papers.asked, papers.found.record) if papers.asked else None,
        "explanation": _explanation(papers.explanation),
        "told": _told(papers.asked, papers.found.record) if papers.asked else None,
        "replay": _replay(papers.replayed),
        "resolutions": [_resolution(one) for one in papers.found.standing.history],
        "outcomes": [_outcome(one) for one in papers.found.outcomes],
        "monitoring": _monitoring(papers.asked, papers.found.record) | {"figures": _figures(papers.day)},
        "log": {
            "leaf": papers.place.leaf,
            "position": papers.place.position,
            "proof": None if papers.place.proof is None else dict(papers.place.proof),
        },
    }
    owner = papers.revision[0].definition.owner
    return document | {"texts": {"person": for_person(document, owner), "examiner": for_examiner(document)}}


def sealed_text(document: Mapping[str, Any]) -> str:
    """Return the document as the one text that is signed: canonical JSON that can stand inside a page as it is."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# ---- parts


def _decision(found: Found) -> dict[str, Any]:
    record, now = found.record, found.standing
    return {
        "id": record.id,
        "at": iso(record.at),
        "application": record.application,
        "revision": record.revision,
        "answer": record.answer,
        "decided_by": record.decided_by,
        "status": record.status,
        "reasons": [msgspec.to_builtins(reason) for reason in record.reasons],
        "rules_fired": list(record.rules),
        "request": _plain(record.request),
        "personal": None if found.personal is None else _plain(found.personal),
        "personal_kept": bool(record.personal),
        "entity": record.entity,
        "asked_by": record.actor,
        "elapsed_us": record.elapsed_us,
        "now": {"answer": now.answer, "decided_by": now.decided_by, "status": now.status},
    }


def _inputs(papers: Papers) -> list[dict[str, Any]]:
    """Return what the decision was made from: the model's inputs, or without a model all that was known."""
    record = papers.found.record
    known = _known(record, papers.found.personal or {})
    if papers.asked is None:
        return list(known.values())
    inputs: Schema = papers.asked.record.manifest.inputs
    origin = sources(papers.revision[0].definition, inputs)
    explained = papers.explanation if not isinstance(papers.explanation, str) else None
    values = {one.feature: one.value for one in explained.contributions} if explained else {}
    lines = []
    for field in inputs:
        source = origin[field.name]
        line = {"name": field.name, "value": values.get(field.name), "source": source.text} | _age(record, source.view)
        fact = known.get(field.name)
        if line["value"] is None and fact is not None:
            line |= {"value": fact["value"]}
        if line["value"] is None and source.personal:
            line |= {"personal": True}
        lines.append(line)
    return lines


def _known(record: DecisionRecord, personal: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    known = {name: {"name": name, "value": value, "source": "request"} for name, value in record.request.items()}
    known |= {name: {"name": name, "value": value, "source": "request"} for name, value in personal.items()}
    for read in record.features:
        for name, value in read.values.items():
            known[name] = {"name": name, "value": value, "source": f"feature view {read.view}"} | _age(
                record, read.view
            )
            if name in read.defaulted:
                known[name]["defaulted"] = True
    return {name: _plain(line) for name, line in known.items()}


def _age(record: DecisionRecord, view: str) -> dict[str, Any]:
    """Return since when the values of a view were known, and how old they were at the decision."""
    read = next((one for one in record.features if one.view == view), None)
    if read is None or read.known_at is None:
        return {}
    return {"known_at": iso(read.known_at), "age_seconds": round((record.moment - read.known_at) / SECOND, 1)}


def _revision(revision: Revision, force: Activation | None, approved: Approved | None) -> dict[str, Any]:
    text = {"ref": revision.ref, "digest": revision.digest, "source": revision.source}
    made = {"written_at": iso(revision.at), "written_by": revision.actor, "reason": revision.reason}
    in_force = None if force is None else {"since": iso(force.at), "by": force.actor, "reason": force.reason}
    seen = None if approved is None else {"at": iso(approved.at), "by": approved.actor, "reason": approved.reason}
    return text | made | {"in_force": in_force, "approved": seen}


def _rule(one: Answerable) -> dict[str, Any]:
    rule, changed = one.judged.rule, one.changed
    last = None if changed is None else {"at": iso(changed.at), "by": changed.actor, "reason": changed.reason}
    return {
        "rule": rule.id,
        "phase": rule.phase,
        "when": rule.when,
        "verdict": WORDS[one.judged.verdict],
        "row": one.judged.row,
        "values": _plain(one.judged.values),
        "changed": {made.name: _plain({"before": made.before, "after": made.after}) for made in one.judged.changed},
        "last_changed": last,
    }


def _version(asked: Asked, decision: DecisionRecord) -> dict[str, Any]:
    record, prediction = asked.record, asked.prediction
    environment = record.manifest.environment
    return {
        "ref": str(record.ref),
        "digest": record.digest,
        "stage_now": record.stage.value,
        "registered_at": iso(record.registered_at),
        "registered_by": record.registered_by,
        "python": environment.interpreter.version if environment else record.manifest.python,
        "environment": environment.digest if environment else "",
        "data": record.manifest.provenance.data,
        "metrics": dict(record.manifest.provenance.metrics),
        "output": _plain(prediction.output),
        "raw": prediction.raw,
        "batch": msgspec.to_builtins(prediction.batch),
        "failure": prediction.failure,
        "aliases": _aliases(asked.served, record.ref.number, decision.at),
        "attestations": [
            {"kind": one.kind, "at": iso(one.at), "by": one.actor, "said": _plain(one.body)}
            for one in asked.attestations
        ],
    }


def _aliases(rows: Sequence[Served], number: int, at: int) -> list[dict[str, Any]]:
    """Return under which aliases the version stood until the decision; `until` where another took the alias since."""
    told = []
    for nth, row in enumerate(rows):
        if row.number != number or row.at > at:
            continue
        after = next((later for later in rows[nth + 1 :] if later.alias == row.alias), None)
        until = None if after is None else iso(after.at)
        since = {"alias": row.alias, "since": iso(row.at), "until": until}
        told.append(since | {"by": row.actor, "action": row.action, "reason": row.reason})
    return told


def _explanation(found: Explanation | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"refused": found}
    return {
        "target": found.target,
        "method": found.method,
        "scale": found.sum.scale,
        "served": found.sum.served,
        "total": found.sum.total,
        "difference": found.sum.difference,
        "allowed": found.sum.allowed,
        "baseline": {
            "value": found.baseline.value,
            "source": found.baseline.source,
            "rows": found.baseline.rows,
            "digest": found.baseline.digest,
        },
        "contributions": [
            {
                "feature": one.feature,
                "value": _plain(one.value),
                "personal": one.personal,
                "contribution": one.contribution,
                "standard_error": one.standard_error,
                "source": one.source,
            }
            for one in found.contributions
        ],
    }


def _told(asked: Asked, record: DecisionRecord) -> dict[str, Any] | None:
    """Return what the model's inputs contributed as it was frozen in the decision; None where no reasons were asked for."""
    explained = asked.prediction.explained
    if explained is None:
        return None
    parts = asked.prediction.contributions or []
    kept: dict[str, Any] = msgspec.to_builtins(explained)
    return kept | {
        "contributions": [
            {"feature": one.feature, "contribution": one.contribution}
            for one in sorted(parts, key=lambda one: -abs(one.contribution))
        ],
        "reasons": [reason.code for reason in record.reasons if reason.source == "model"],
    }


def _replay(replayed: Replayed) -> dict[str, Any]:
    ulps, relative = replayed.apart.ulps, replayed.apart.relative
    then = next((one.output for one in replayed.record.predictions if one.role == "served"), None)
    return {
        "verdict": replayed.verdict.value,
        "answer_then": replayed.record.answer,
        "answer_now": replayed.answer,
        "output_then": _plain(then),
        "output_now": _plain(replayed.output),
        "ulps": _plain(ulps),
        "relative": _plain(relative),
        "cause": replayed.cause,
    }


def _resolution(one: Any) -> dict[str, Any]:
    said = {"at": iso(one.at), "by": one.who, "before": one.before, "after": one.after, "code": one.code}
    return said | {"note": one.note, "pending": one.pending}


def _outcome(one: Any) -> dict[str, Any]:
    observed = None if one.observed_at is None else iso(one.observed_at)
    return {"name": one.name, "value": one.value, "observed_at": observed, "told_at": iso(one.at), "told_by": one.actor}


def _monitoring(asked: Asked | None, record: DecisionRecord) -> dict[str, Any]:
    """Return the alerts that were open at the decision, and those raised later about its day."""
    day = iso(record.at)[:10]
    alerts = [] if asked is None else [one for one in asked.alerts if _was_open(one, record.at) or _covers(one, day)]
    told = [
        {
            "id": one.id,
            "kind": one.kind,
            "column": one.column,
            "opened_at": iso(one.opened_at),
            "days": f"{one.first_day} to {one.last_day}",
            "open_then": _was_open(one, record.at),
            "acknowledged_by": one.acknowledged_by,
            "note": one.note,
            "resolved_at": None if one.resolved_at is None else iso(one.resolved_at),
        }
        for one in alerts
    ]
    return {"day": day, "alerts": told}


def _figures(day: Day) -> dict[str, Any]:
    """Return how much was decided on the decision's day, by whom, by which version, and how fast."""
    span = {"since": iso(day.since), "until": iso(day.until)}
    if day.figures is None:
        return span | {"decisions": 0}
    whole = day.figures.whole
    return span | {
        "decisions": whole.decisions,
        "decided_by": dict(whole.decided_by),
        "pending_review": whole.pending,
        "p50_us": whole.p50_us,
        "p95_us": whole.p95_us,
        "models": dict(day.figures.models),
        "rules": dict(day.figures.rules),
    }


def _was_open(alert: Alert, at: int) -> bool:
    return alert.opened_at <= at and (alert.resolved_at is None or alert.resolved_at > at)


def _covers(alert: Alert, day: str) -> bool:
    return alert.first_day <= day <= alert.last_day


def _plain(value: Any) -> Any:
    """Return the value as JSON can hold it: NaN and infinities as their names."""
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
