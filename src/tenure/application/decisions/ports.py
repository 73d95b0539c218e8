"""What reading decisions, and telling what became of them, needs of the log and of the revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tenure.application.decisions.reading import Search
    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import DecisionRecord, OutcomeRecord, ResolutionRecord


class DecisionLog(Protocol):
    """The decision log."""

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """Return a decision's record, whether sealed or written a moment ago."""

    def find(self, search: Search) -> list[DecisionRecord]:
        """Return the decisions that fit, newest first; ranges may be left to the caller."""

    def outcomes(self, decision_id: str) -> list[OutcomeRecord]:
        """Return what is known of a decision: for every name its latest record."""

    def append(self, records: Sequence[OutcomeRecord]) -> None:
        """Return when all records are durable."""

    def resolutions_among(self, decisions: Sequence[str]) -> dict[str, list[ResolutionRecord]]:
        """Return for each of these decisions that has any its resolutions, oldest first."""

    def personal(self, record: DecisionRecord) -> Mapping[str, Any] | None:
        """Return the entity and the personal fields in the clear, None when there are none or they were erased."""


#: where a decision stands in the queue: its application, since when it waits (RFC 3339), its id; empty: before all
Place: TypeAlias = tuple[str, ...]


class ResolutionLog(Protocol):
    """The decision log, for who works off what people have to say about decisions."""

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """Return a decision's record, whether sealed or written a moment ago."""

    def resolutions(self, decision_id: str) -> list[ResolutionRecord]:
        """Return a decision's resolutions, oldest first."""

    def append_resolution(self, record: ResolutionRecord) -> None:
        """Return when the record is durable."""

    def open(self, application: str, after: Place) -> Iterator[tuple[DecisionRecord, list[ResolutionRecord]]]:
        """Give the decisions that may wait for a person, in the order of their places from behind `after`, with their resolutions."""

    def all_resolutions(self, application: str) -> list[ResolutionRecord]:
        """Return every resolution of an application, or of all, oldest first."""

    def made(self, application: str, since: int | None, until: int | None) -> int:
        """Return how many decisions were made in [since, until)."""


class Definitions(Protocol):
    """The revisions."""

    def active_definition(self, application: str) -> Definition:
        """Return the definition in force; raise `UnknownApplication`."""

    def definition_of(self, application: str, revision: int) -> Definition:
        """Return the definition of any revision."""
