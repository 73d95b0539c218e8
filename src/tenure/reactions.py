"""What follows what, and where the two lives meet: the only module beside `accountability` and `app` that knows both.

- A change of tokens, revisions, views or versions in service → the gateways serve a new snapshot (`SERVED_ANEW`).
- A version gets traffic → every active revision that asks its model must give what it needs (`Meeting.check`).
- A revision is applied → it must fit the champion, the rollback target, shadows and canary (`Meeting.of`).
- A version is decommissioned → no active revision may reach it (`Meeting.naming`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tenure.application.revisions.checking import check, telling_problems
from tenure.application.revisions.terms import ModelUse
from tenure.governance.access import Permission
from tenure.model.version import AliasRef, UnknownModel, UnknownVersion, VersionRef

if TYPE_CHECKING:
    from tenure.application.revisions.checking import Contract
    from tenure.application.revisions.ports import RevisionStore, Views
    from tenure.application.revisions.revision import Revision
    from tenure.contract.predictor import Explain
    from tenure.contract.schema import Schema
    from tenure.model.deployment.ports import FleetStore

#: After these the gateways must serve a new snapshot before the action returns. Deploying, promoting and rolling back
#: publish by themselves, because they make a worker ready before they change anything.
SERVED_ANEW = frozenset({
    Permission.APPLICATIONS_APPLY,
    Permission.APPLICATIONS_ACTIVATE,
    Permission.APPLICATIONS_END,
    Permission.APPLICATIONS_ROLLBACK,
    Permission.FEATURES_APPLY,
    Permission.FEATURES_INGEST,
    Permission.TOKENS_CREATE,
    Permission.TOKENS_REVOKE,
    Permission.USERS_CHANGE,
    Permission.USERS_DISABLE,
    Permission.USERS_PASSWORD,
    Permission.SESSIONS_END,
    Permission.VERSIONS_DECOMMISSION,
})  # fmt: skip


class Versions(Protocol):
    """What versions take and give."""

    def find(self, ref: VersionRef | AliasRef) -> VersionRef:
        """Return the version by its number; raise `UnknownModel` or `UnknownVersion`."""

    def schemas(self, ref: VersionRef) -> tuple[Schema, Schema]:
        """Return the inputs and outputs of a version."""

    def explain(self, ref: VersionRef) -> Explain | None:
        """Return how a version tells reasons within a decision, None if it cannot."""


class Meeting:
    """The contract between active revisions and versions, asked from either side."""

    def __init__(self, versions: Versions, fleets: FleetStore, revisions: RevisionStore, views: Views) -> None:
        self._versions = versions
        self._fleets = fleets
        self._revisions = revisions
        self._views = views

    def of(self, model: ModelUse) -> dict[str, Contract]:
        """Return the version behind the alias, then those that a rollback would go to or that run beside it."""
        return {str(ref): self._versions.schemas(ref) for ref in self._reached(model)}

    def is_model(self, name: str) -> bool:
        """Return whether a model has this name; applications and models share one name space, by which both are rolled back."""
        try:
            self._versions.find(VersionRef(name, 1))
        except UnknownModel:
            return False
        except UnknownVersion:
            return True
        return True

    def is_application(self, name: str) -> bool:
        """Return whether an application has this name."""
        return self._revisions.newest(name) > 0

    def telling(self, model: ModelUse) -> dict[str, tuple[Schema, Explain | None]]:
        """Return of the same versions the inputs, and how each tells reasons within a decision; None if it cannot."""
        return {str(ref): self._told_by(ref) for ref in self._reached(model)}

    def _told_by(self, ref: VersionRef) -> tuple[Schema, Explain | None]:
        return self._versions.schemas(ref)[0], self._versions.explain(ref)

    def _reached(self, model: ModelUse) -> list[VersionRef]:
        try:
            now = self._versions.find(AliasRef(model.name, model.alias))
        except (UnknownModel, UnknownVersion):
            return []
        fleet = self._fleets.get(model.name)
        numbers = [number for number in (fleet.rollback_target, *fleet.compared) if number is not None]
        return list(dict.fromkeys([now, *(VersionRef(model.name, number) for number in numbers)]))

    def check(self, ref: VersionRef) -> list[str]:
        """Return what active revisions that ask the version's model would have to add, as lines to show."""
        lines = []
        for revision in self._asking(ref.model):
            # The tests beside the rules state what the usual model says.
            usual = revision.definition.model is not None and revision.definition.model.name == ref.model
            contract = {str(ref): self._versions.schemas(ref)}
            _, problems = check(revision.definition, contract, self._views.views(), run_tests=usual)
            problems += telling_problems(revision.definition, {str(ref): self._told_by(ref)})
            lines += [f"{revision.ref}: {problem}" for problem in problems]
        return lines

    def asking(self, model: str, alias: str) -> list[str]:
        """Return the active revisions that ask the model through this alias."""
        asked = ModelUse(model, alias)
        return [one.ref for one in self._asking(model) if asked in one.definition.uses]

    def naming(self, ref: VersionRef) -> list[str]:
        """Return the active revisions whose model reference leads to this very version."""
        return [
            f"{revision.ref} (through {use})"
            for revision in self._asking(ref.model)
            for use in revision.definition.uses
            if self._leads_to(use, ref)
        ]

    def _asking(self, model: str) -> list[Revision]:
        return [one for one in self._revisions.all_active() if one.definition.may_ask(model)]

    def _leads_to(self, model: ModelUse, ref: VersionRef) -> bool:
        try:
            return self._versions.find(AliasRef(model.name, model.alias)) == ref
        except (UnknownModel, UnknownVersion):
            return False
