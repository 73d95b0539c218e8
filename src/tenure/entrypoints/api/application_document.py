"""The OpenAPI 3.1 document of one application: what it is asked and what it answers, by its revision in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.decisions.public import DecisionAnswer
from tenure.application.revisions.terms import from_plain
from tenure.entrypoints.api.openapi import Problem, refusals
from tenure.serving.front import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.contract.schema import Field

_TYPES: dict[str, dict[str, str]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "string": {"type": "string"},
    "timestamp": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
}


def application_document(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a revision as `applications:show` gives it."""
    definition = from_plain(shown["definition"])
    name = definition.application
    schemas = msgspec.json.schema_components([DecisionAnswer, Problem], ref_template="#/components/schemas/{name}")[1]
    schemas["Request"] = {
        "type": "object",
        "properties": {field.name: field_schema(field) for field in definition.request},
        "required": [field.name for field in definition.request if field.required],
        "additionalProperties": False,
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": str(shown["revision"]), "description": f"Decisions of {name}"},
        "servers": [{"url": PREFIX.get() or "/"}],
        "paths": {f"/api/v1/applications/{name}/decisions": {"post": _operation(name)}},
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def field_schema(field: Field) -> dict[str, Any]:
    """Return the JSON Schema of one request field."""
    schema: dict[str, Any] = dict(_TYPES[field.type])
    bounds = {"minimum": field.minimum, "maximum": field.maximum, "enum": list(field.values) if field.values else None}
    schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    for side in reversed(field.shape):
        schema = {"type": "array", "items": schema, "minItems": side, "maxItems": side}
    return {"anyOf": [schema, {"type": "null"}]} if field.nullable else schema


def _operation(name: str) -> dict[str, Any]:
    return {
        "operationId": "decide",
        "summary": f"Ask {name} for a decision",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "schema": {"type": "string"},
                "description": "The same key with the same body is decided only once.",
            }
        ],
        "requestBody": {"required": True, "content": _content("application/json", "Request")},
        "responses": {
            "200": {"description": "The decision", "content": _content("application/json", "DecisionAnswer")},
            **refusals(),
        },
    }


def _content(media_type: str, schema: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
