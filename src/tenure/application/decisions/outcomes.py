"""The truth about a decision that arrives later: checked against what the application declares, then a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.contract.records import FORMAT, OutcomeRecord
from tenure.kit.clock import parse_iso
from tenure.kit.errors import Kind, TenureError
from tenure.kit.ids import new_id, parse_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.application.revisions.terms import Definition


class OutcomeRefused(TenureError):
    """An outcome says too little or the wrong thing."""

    code = "outcome-refused"
    kind = Kind.BAD_INPUT
    message = "outcome {place}: {why}"
    next_step = "correct it and send all of them again; nothing was recorded"


def outcome_record(
    definition: Definition,
    place: int,
    decision: str,
    value: Any,
    name: str,
    observed_at: str | None,
    *,
    at: int,
    actor: str,
) -> OutcomeRecord:
    """Return the record of one outcome; `place` counts from 1 and is named when it is refused.

    The decision may lie in any stream, so it is not looked up: its id's check character guards it, and reading joins.
    """
    declared = definition.outcome
    named = name or (declared.name if declared else "")
    if not named:
        raise OutcomeRefused(place=place, why="the application declares no outcome, so `name` is needed")
    if declared is not None and named == declared.name and not _fits(declared.type, value):
        raise OutcomeRefused(place=place, why=f"{named} is {declared.type}, not {value!r}")
    return OutcomeRecord(
        format=FORMAT,
        kind="outcome",
        id=new_id(at),
        at=at,
        application=definition.application,
        decision=parse_id(decision),
        name=named,
        value=value,
        observed_at=_moment(place, observed_at),
        actor=actor,
    )


def _moment(place: int, text: str | None) -> int | None:
    try:
        return parse_iso(text) if text else None
    except ValueError as error:
        raise OutcomeRefused(place=place, why=f"observed_at is no RFC 3339 time: {text!r}") from error


_TYPES: dict[str, Callable[[Any], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


def _fits(kind: str, value: Any) -> bool:
    return value is None or _TYPES.get(kind, lambda one: isinstance(one, str))(value)
