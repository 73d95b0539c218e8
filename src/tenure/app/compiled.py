"""Revisions made ready to decide, kept from one generation to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tenure.application.decisions.deciding import Decider
from tenure.application.revisions.terms import Definition, from_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.serving.link import WorkerLink


class _Read(NamedTuple):
    plain: Mapping[str, object]
    definition: Definition


class _Made(NamedTuple):
    definition: Definition
    #: of the version's package, empty where no model is asked
    digest: str
    decider: Decider


class Compiled:
    """Definitions and deciders by what they are made of.

    To make one takes 3 ms and more of the loop that answers, and most changes (a token, an alias, another application)
    leave a revision as it is. What neither the generation in the making nor the one before it has is forgotten: so going
    back to the version of before is as quick.
    """

    def __init__(self) -> None:
        self._definitions: dict[tuple[str, int], _Read] = {}
        self._deciders: dict[tuple[str, int, str], _Made] = {}
        self._former_definitions = self._definitions
        self._former_deciders = self._deciders

    def turn(self) -> None:
        """Begin another generation."""
        self._former_definitions, self._definitions = self._definitions, {}
        self._former_deciders, self._deciders = self._deciders, {}

    def definition(self, application: str, revision: int, plain: Mapping[str, object]) -> Definition:
        """Return the definition that this plain data means."""
        key = application, revision
        known = self._definitions.get(key) or self._former_definitions.get(key)
        if known is None or known.plain != plain:
            known = _Read(plain, from_plain(dict(plain)))
        self._definitions[key] = known
        return known.definition

    def decider(self, definition: Definition, revision: int, link: WorkerLink | None) -> Decider:
        """Return what decides by a definition with a version, None where it asks none; raise `BrokenDefinition`."""
        version, digest = ("", "") if link is None else (f"{link.model}/{link.version}", link.digest)
        key = definition.application, revision, version
        known = self._deciders.get(key) or self._former_deciders.get(key)
        if known is None or known.definition is not definition or known.digest != digest:
            known = _Made(definition, digest, _decider(definition, revision, link))
        self._deciders[key] = known
        return known.decider


def _decider(definition: Definition, revision: int, link: WorkerLink | None) -> Decider:
    if link is None:
        return Decider(definition, None, None, revision)
    return Decider(definition, link.inputs, link.outputs, revision, tells=True, explain=link.explain)
