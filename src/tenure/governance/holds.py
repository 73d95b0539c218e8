"""Legal holds: what must be neither destroyed nor erased, whatever its retention period, until somebody releases it.

A target is text: `version:churn/2`, `model:churn`, `application:offers`, `features:activity`, or `person:<pseudonym>`; never a
person's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Held(TenureError):
    """A hold stands in the way."""

    code = "held"
    kind = Kind.CONFLICT
    message = "{what} is under a legal hold: {holds}"
    next_step = "it can be ended as it was placed: tenure hold release REF --reason …, for a person with --entity …"


class AlreadyHeld(TenureError):
    """There is a hold on it already."""

    code = "already-held"
    kind = Kind.CONFLICT
    message = "{target} is under a hold already: {hold}"
    next_step = "see `tenure retention`; one hold holds, release it only when nobody needs it"


class NotHeld(TenureError):
    """There is no hold to be released."""

    code = "not-held"
    kind = Kind.NOT_FOUND
    message = "there is no hold on {target}"
    next_step = "see `tenure retention` for the holds in force"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold in force; `placed_at` is UTC microseconds."""

    target: str
    reason: str
    placed_at: int
    placed_by: str

    def __str__(self) -> str:
        return f"{self.target} ({self.reason}; placed by {self.placed_by})"


def on_version(model: str, number: int) -> str:
    """Return the target that is one version."""
    return f"version:{model}/{number}"


def on_model(model: str) -> str:
    """Return the target that is every version of a model."""
    return f"model:{model}"


def on_application(application: str) -> str:
    """Return the target that is every decision of an application."""
    return f"application:{application}"


def on_view(view: str) -> str:
    """Return the target that is all that a feature view ever held."""
    return f"features:{view}"


def on_person(pseudonym: str) -> str:
    """Return the target that is everything about one person."""
    return f"person:{pseudonym}"


def among(holds: Iterable[Hold], targets: Iterable[str]) -> list[Hold]:
    """Return the holds on any of these targets."""
    wanted = frozenset(targets)
    return [hold for hold in holds if hold.target in wanted]


def refuse(what: str, holds: Sequence[Hold]) -> None:
    """Raise `Held` naming the holds, if there are any."""
    if holds:
        raise Held(what=what, holds="; ".join(map(str, holds)))
