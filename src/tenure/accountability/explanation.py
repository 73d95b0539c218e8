"""What each input contributed to a score, and the check without which it is not shown: that it adds up to what was served."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tenure.kit.digests import digest_of
from tenure.kit.errors import Kind, TenureError
from tenure.worker.columns import Codec
from tenure.worker.reasons import order_of

if TYPE_CHECKING:
    from tenure.accountability.ports import ReferenceRows
    from tenure.contract.additivity import Sum
    from tenure.contract.records import DecisionRecord
    from tenure.contract.schema import Schema

Method: TypeAlias = Literal["auto", "closed_form", "native", "shapley"]

#: rows asked of a model for one explanation, at most about so many
_BUDGET = 1 << 16
_FEWEST_ROWS, _MOST_ROWS = 16, 100
_SAMPLED_ROWS = 32
_FEWEST_PAIRS = 8


class NothingToExplain(TenureError):
    """No model's answer was used in the decision."""

    code = "nothing-to-explain"
    kind = Kind.CONFLICT
    message = "no model's output was used in decision {decision}: it was decided by {decided_by}"
    next_step = "`tenure why {decision}` shows the rules and what each came to"


class UnreadableDecision(TenureError):
    """The decision cannot be begun again, so the model's row is not known."""

    code = "unreadable-decision"
    kind = Kind.REFUSED
    message = "what the model was asked in decision {decision} cannot be made again: {why}"
    next_step = "`tenure decision {decision}` shows what is still kept of it"


class WrongExplanation(TenureError):
    """The contributions do not add up to the score that was served, so they explain something else."""

    code = "wrong-explanation"
    kind = Kind.REFUSED
    message = (
        "the {method} contributions of decision {decision} are refused: they add up to {total!r}, and {served!r} was"
        " served, {difference:.3g} apart where {allowed:.3g} is allowed"
    )
    next_step = "`tenure replay {decision}` shows whether {ref} still gives what it gave; or try another --method"


class MethodNotPossible(TenureError):
    """The version cannot be explained by the method asked for."""

    code = "method-not-possible"
    kind = Kind.REFUSED
    message = "{ref} cannot be explained by the method {method}: {why}"
    next_step = "leave --method out: what fits this version is chosen then"


class MixedRowsFail(TenureError):
    """The model gives no answer to rows made of two real ones, which Shapley values are made from."""

    code = "mixed-rows-fail"
    kind = Kind.REFUSED
    message = "{ref} failed on {failed} of {asked} rows mixed from the decision and reference rows: {why}"
    next_step = "package the next version with a model that answers any row its schema allows"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the contributions are told against: `digest` names it for ever, `rows` how many reference rows it has."""

    source: str
    digest: str
    rows: int
    value: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one input added to the baseline. `value` is None for a personal field, which is not repeated here."""

    feature: str
    value: Any
    contribution: float
    source: str
    personal: bool = False
    standard_error: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One explained decision; contributions by size, largest first."""

    record: DecisionRecord
    ref: str
    digest: str
    target: str
    method: str
    baseline: Baseline
    sum: Sum
    contributions: tuple[Contribution, ...]
    rows_asked: int


# ---- the baseline


def chosen(reference: ReferenceRows, inputs: Schema) -> tuple[list[dict[str, Any]], str]:
    """Return the rows that explain, always the same for a package, and the digest of their column bytes.

    Few inputs
    leave room for more rows: every set of inputs is asked for each.
    """
    count = max(_FEWEST_ROWS, min(_MOST_ROWS, _BUDGET >> min(len(inputs), 16))) if len(inputs) <= 12 else _SAMPLED_ROWS
    places = order_of(reference.digest, len(reference.rows))[:count]
    rows = [{field.name: reference.rows[place][field.name] for field in inputs} for place in places]
    return rows, digest_of(Codec(inputs).pack(rows))


def pairs_for(inputs: int, rows: int) -> int:
    """Return how many orders of the inputs are walked both ways for each reference row."""
    return max(_FEWEST_PAIRS, _BUDGET // 2 // max(1, rows * 2 * inputs))


def seed_of(digest: str, decision: str) -> int:
    """Return the seed of everything drawn for a decision: the same for ever."""
    return int.from_bytes(hashlib.sha256(f"{digest} {decision}".encode()).digest()[:8], "big")
