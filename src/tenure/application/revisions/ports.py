"""What the actions on revisions need from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.application.features.view import View
    from tenure.application.revisions.checking import Contract
    from tenure.application.revisions.life import Approved, Schedule, Trial
    from tenure.application.revisions.revision import Activation, Revision
    from tenure.application.revisions.terms import ModelUse
    from tenure.contract.predictor import Explain
    from tenure.contract.schema import Schema


class RevisionStore(Protocol):
    """Where revisions are kept, and which of them is in force. Nothing in it is ever changed or removed."""

    def add(self, revision: Revision) -> None:
        """Keep a new revision; its number must be one more than the newest."""

    def activate(self, activation: Activation) -> None:
        """Put a revision in force."""

    def get(self, application: str, number: int) -> Revision | None:
        """Return one revision."""

    def of_digest(self, application: str, digest: str) -> Revision | None:
        """Return the newest revision with this digest."""

    def newest(self, application: str) -> int:
        """Return the highest number, 0 where there is none."""

    def active(self, application: str) -> Revision | None:
        """Return the revision in force."""

    def all_active(self) -> list[Revision]:
        """Return the revision in force of every application, by name."""

    def never_active(self) -> list[Revision]:
        """Return the newest revision of every application of which none has been in force yet, by name."""

    def activations(self, application: str) -> list[Activation]:
        """Return what was in force since when, newest first."""

    def revisions(self, application: str) -> list[Revision]:
        """Return all revisions, newest first."""


class LifeStore(Protocol):
    """What happens to revisions besides being in force; what writes runs inside `Audit.transaction()`."""

    def approvals(self, application: str) -> list[Approved]:
        """Return the approvals of an application's revisions."""

    def approve(self, approved: Approved) -> None:
        """Keep an approval; a revision has one."""

    def schedules(self, application: str) -> list[Schedule]:
        """Return every schedule of an application, oldest first."""

    def open_schedules(self) -> list[Schedule]:
        """Return the schedules of all applications that something is still to be done about."""

    def add_schedule(self, schedule: Schedule) -> None:
        """Keep a new schedule; its id is given here."""

    def save_schedule(self, schedule: Schedule) -> None:
        """Keep where a schedule stands now."""

    def trial(self, application: str) -> Trial | None:
        """Return the trial of an application."""

    def all_trials(self) -> dict[str, Trial]:
        """Return the trials by application."""

    def set_trial(self, trial: Trial) -> None:
        """Put a revision on trial, in the place of another one."""

    def end_trial(self, application: str) -> None:
        """End the trial of an application."""


class Contracts(Protocol):
    """What the other life tells: which versions an application must fit."""

    def of(self, model: ModelUse) -> Mapping[str, Contract]:
        """Return the version behind the alias, then the one that a rollback would give it back to, by reference."""

    def is_model(self, name: str) -> bool:
        """Return whether a model has this name."""

    def telling(self, model: ModelUse) -> Mapping[str, tuple[Schema, Explain | None]]:
        """Return of the same versions the inputs, and how each tells reasons within a decision; None if it cannot."""


class Views(Protocol):
    """The feature views that are defined."""

    def views(self) -> dict[str, View]:
        """Return every view by its name."""
