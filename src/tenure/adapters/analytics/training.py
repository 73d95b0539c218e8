"""Training sets: one row for each decision, typed as the application declares, with the latest word on its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.adapters.analytics.opened import Part, opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tenure.adapters.decision_log.reader import Whole

_DECISIONS = "SELECT id, document::VARCHAR FROM log WHERE kind = 'decision' ORDER BY leaf"
#: of several records for one decision and name the one with the greatest id counts (docs/formats/log-record.md)
_OUTCOMES = """
SELECT decision, name, arg_max(document->>'$', id) FROM log
WHERE kind = 'outcome' AND decision IN (SELECT unnest($decisions)) GROUP BY decision, name
"""
_JSON_TEXT = "json"


@dataclass(frozen=True, slots=True)
class Columns:
    """What an application declares, over all its revisions: name → type. `features` are named `view.column`."""

    request: Mapping[str, str]
    features: Mapping[str, str]
    outcomes: Mapping[str, str]


def training_tables(whole: Whole, part: Part, columns: Mapping[str, Columns], parts: Sequence[str]) -> dict[str, Any]:
    """Return an Arrow table for each application that has decisions in the part."""
    with opened(whole, part) as connection:
        found = connection.sql(_DECISIONS).fetchall()
    outcomes = _outcomes(whole, [each for each, _ in found]) if "outcomes" in parts and found else {}
    by_application: dict[str, list[dict[str, Any]]] = {}
    for decision_id, text in found:
        document = msgspec.json.decode(text)
        by_application.setdefault(document["application"], []).append(
            _row(document, outcomes.get(decision_id, {}), with_features="features" in parts)
        )
    nothing = Columns({}, {}, {})
    return {name: _table(rows, _schema(columns.get(name, nothing), parts)) for name, rows in by_application.items()}


def _outcomes(whole: Whole, decisions: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return decision → columns, of the latest outcome of every name, wherever in the log it stands."""
    with opened(whole) as connection:
        found = connection.execute(_OUTCOMES, {"decisions": decisions}).fetchall()
    known: dict[str, dict[str, Any]] = {}
    for decision_id, name, text in found:
        document = msgspec.json.decode(text)
        known.setdefault(decision_id, {}).update(
            {
                f"outcome.{name}": document.get("value"),
                f"outcome.{name}.observed_at": document.get("observed_at"),
                f"outcome.{name}.told_at": document["at"],
            }
        )
    return known


def _row(document: Mapping[str, Any], outcomes: Mapping[str, Any], *, with_features: bool) -> dict[str, Any]:
    served: dict[str, Any] = next((one for one in document.get("predictions", ()) if one["role"] == "served"), {})
    row = {
        "decision_id": document["id"],
        "made_at": document["at"],
        "event_time": document.get("event_time"),
        "revision": document["revision"],
        "entity": document.get("entity"),
        "decided_by": document["decided_by"],
        "status": document.get("status", "final"),
        "model": served.get("model"),
        "version": served.get("version"),
        "output": served.get("output"),
        "answer": document["answer"],
        **outcomes,
    }
    row |= {f"request.{name}": value for name, value in document["request"].items()}
    if with_features:
        for read in document.get("features", ()):
            row |= {f"{read['view']}.{name}": value for name, value in read["values"].items()}
            row[f"{read['view']}.known_at"] = read.get("known_at")
    return row


_ALWAYS = {
    "decision_id": "string",
    "made_at": "timestamp",
    "event_time": "timestamp",
    "revision": "int",
    "entity": "string",
    "decided_by": "string",
    "status": "string",
    "model": "string",
    "version": "int",
    "output": _JSON_TEXT,
    "answer": _JSON_TEXT,
}


def _schema(columns: Columns, parts: Sequence[str]) -> dict[str, str]:
    named = dict(_ALWAYS) | {f"request.{name}": kind for name, kind in columns.request.items()}
    if "features" in parts:
        named |= columns.features
        named |= {f"{view}.known_at": "timestamp" for view in _views(columns.features)}
    if "outcomes" in parts:
        for name, kind in columns.outcomes.items():
            named |= {f"outcome.{name}": kind}
            named |= {f"outcome.{name}.observed_at": "timestamp", f"outcome.{name}.told_at": "timestamp"}
    return named


def _views(features: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in features))


def _table(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, str]) -> Any:
    import pyarrow as pa

    types = {
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us"),
        "string": pa.string(),
        "date": pa.string(),
        _JSON_TEXT: pa.string(),
    }
    arrays = {name: pa.array([_fit(row.get(name), kind) for row in rows], types[kind]) for name, kind in schema.items()}
    return pa.table(arrays)


def _fit(value: Any, kind: str) -> Any:
    """Return the value as its column holds it; a value of another type than declared can only be kept as JSON text."""
    if value is None:
        return None
    match kind:
        case "json":
            return msgspec.json.encode(value).decode()
        case "float":
            return float(value)
        case "string" | "date":
            return value if isinstance(value, str) else msgspec.json.encode(value).decode()
        case _:
            return value
