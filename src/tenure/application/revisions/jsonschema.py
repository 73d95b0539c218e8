"""The JSON Schema of `application.yaml`, for editors; published as docs/application.schema.json and by every Tenure."""

from __future__ import annotations

from typing import Any

from tenure.application.revisions.definition import FAILURES, MOST_REASONS, RESERVED_EXPECTATIONS
from tenure.application.revisions.reading import NAME
from tenure.application.rules.kinds import KINDS

#: where it is served, to everybody: editors send no token
EDITORS_SCHEMA = "/schemas/application.json"

_TEXT = {"type": "string"}
_FILE = {"type": "string", "pattern": r"\.(csv|xlsx)$", "description": "a CSV file or a workbook beside this one"}
_NAME = {"type": "string", "pattern": f"^{NAME.pattern}$"}
_DURATION = {"type": "string", "pattern": r"^[0-9]+\s*(ms|s|m|h|d)$"}
_KIND = {"enum": list(KINDS)}
_ANSWER = {
    "type": "object",
    "description": 'plain values; {expr: "output.score"} in any place stands for the value of an expression',
}


def _explain() -> dict[str, Any]:
    return _object(
        {
            "top_k": {"type": "integer", "minimum": 1, "maximum": MOST_REASONS},
            "direction": {"enum": ["both", "up", "down"]},
            "codes": {"type": "object", "additionalProperties": _TEXT},
        },
        "top_k",
    )


def json_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "application.yaml of Tenure",
        **_object(
            {
                "application": _NAME | {"description": "its name; applications and models share one name space"},
                "project": _TEXT | {"description": "groups applications and models under one goal"},
                "owner": _TEXT,
                "entity": _TEXT | {"description": "the request field that says whom a decision is about"},
                "personal": _list(_TEXT) | {"description": "request fields that are stored encrypted"},
                "event_time": _TEXT
                | {"description": "the request field (date or timestamp) that says when it happened"},
                "request": {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": [_KIND, _field()]}},
                "features": _list(_feature()),
                "model": {"type": "string", "pattern": f"^{NAME.pattern}@{NAME.pattern}$"},
                "models": {
                    "type": "object",
                    "additionalProperties": {"type": "string", "pattern": f"^{NAME.pattern}@{NAME.pattern}$"},
                    "description": "models that rules may choose by `model: NAME`; without `model` the first is the usual one",
                },
                "inputs": {"type": "object", "additionalProperties": _TEXT},
                "base": {"type": "integer", "description": "the revision this file was edited from"},
                "time_zone": _TEXT,
                "deadline": _DURATION,
                "explain": {"anyOf": [{"enum": ["none", "top_k"]}, _explain()]},
                "fallback": _answering(),
                "rules": _list(_rule()),
                "default": _answering(),
                "reasons": {"type": "object", "additionalProperties": _TEXT},
                "outcome": _object({"name": _TEXT, "type": _KIND, "matures_after": _DURATION}, "name", "type"),
                "tests": _list(_test()),
            },
            "application",
            "request",
            "default",
        ),
    }


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _field() -> dict[str, Any]:
    number = {"type": "number"}
    return _object(
        {
            "type": _KIND,
            "required": {"type": "boolean"},
            "minimum": number,
            "maximum": number,
            "values": _list(_TEXT),
            "description": _TEXT,
        },
        "type",
    )


def _feature() -> dict[str, Any]:
    each = _TEXT | {"description": "instead of key: the output that is a list; the view is read for every item of it"}
    return _object(
        {"view": _TEXT, "key": _TEXT, "each": each, "on_missing": {"enum": ["default", "error", "null", None]}}, "view"
    )


def _answering() -> dict[str, Any]:
    return _object({"answer": _ANSWER, "reason": _TEXT}, "answer")


def _rule() -> dict[str, Any]:
    number = {"type": "number"}
    condition = {"type": ["string", "boolean"], "description": "CEL over the request, the feature views and output"}
    return _object(
        {
            "id": _NAME,
            "before": {"const": "model"},
            "after": {"const": "model"},
            "when": condition,
            "on_missing": {"enum": ["error", "skip"]},
            "answer": _ANSWER,
            "reason": _TEXT,
            "review": _TEXT,
            "model": _TEXT | {"description": "one of models: it is asked in the place of the usual one"},
            "table": {"anyOf": [_FILE, _table()]},
            "set": {"type": "object", "description": "outputs to be replaced: plain values, or {expr: …}"},
            "bound": {"type": "object", "additionalProperties": _object({"minimum": number, "maximum": number})},
            "filter": _object(
                {"of": _TEXT, "keep": _TEXT, "per": _TEXT, "most": {"type": "integer", "minimum": 1}}, "of"
            )
            | {
                "description": "which items of a list stay: those for which keep is true, at most so many (for each per)"
            },
            "rerank": _object({"of": _TEXT, "by": _TEXT, "order": {"enum": ["falling", "rising"]}}, "of", "by")
            | {"description": "a new order of a list, by the value of an expression for each item"},
        },
        "id",
    )


def _table() -> dict[str, Any]:
    cell = {"type": ["string", "number", "boolean", "null"]}
    return _object(
        {
            "file": _FILE,
            "sheet": _TEXT | {"description": "of a workbook, the first if none is named"},
            "columns": _list(_TEXT),
            "rows": _list(_list(cell)),
            "hit": {"enum": ["unique", "first"]},
            "gaps": {"enum": ["refused", "allowed"]},
        }
    )


def _test() -> dict[str, Any]:
    return _object(
        {
            "request": {"type": "object"},
            "features": {"type": "object", "additionalProperties": {"type": "object"}},
            "output": {"type": "object"},
            "failure": {"enum": list(FAILURES)},
            "expect": {
                "type": "object",
                "minProperties": 1,
                "description": f"keys of the answer, or {', '.join(RESERVED_EXPECTATIONS)}",
            },
        },
        "request",
        "expect",
    )
