from __future__ import annotations

from tenure.application.revisions.definition import parse
from tenure.application.revisions.terms import plain
from tenure.entrypoints.api.application_document import application_document

TEXT = """
application: offers
request:
  customer_id: string
  email: {type: string, required: false}
  months: {type: int, minimum: 0}
  fee: float
default: {answer: {offer: none}, reason: R00}
reasons: {R00: no action}
"""


def test_the_document_asks_for_exactly_what_the_active_revision_asks_for():
    document = application_document({"definition": plain(parse(TEXT)), "revision": 3})
    request = document["components"]["schemas"]["Request"]
    assert request["properties"]["months"] == {"type": "integer", "minimum": 0}
    assert request["required"] == ["customer_id", "months", "fee"]
    assert "email" in request["properties"]
    assert document["info"]["version"] == "3"


def test_every_reference_of_the_document_resolves():
    document = application_document({"definition": plain(parse(TEXT)), "revision": 3})
    references = set(_references(document))
    assert references
    for reference in references:
        part = document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]


def _references(part):
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _references(each)
