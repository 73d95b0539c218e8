"""How a record's parts are shown to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenure.app.calls.moments import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenure.contract.records import FeatureRead, OutcomeRecord


def reads(given: Iterable[FeatureRead]) -> list[dict[str, Any]]:
    """Return what views gave a decision, the moments as people read them."""
    return [
        msgspec.to_builtins(one) | ({} if one.known_at is None else {"known_at": shown(one.known_at)}) for one in given
    ]


def known_outcomes(given: Iterable[OutcomeRecord]) -> list[dict[str, Any]]:
    """Return what became of a decision, the moments as people read them."""
    return [
        msgspec.to_builtins(one)
        | {"at": shown(one.at)}
        | ({} if one.observed_at is None else {"observed_at": shown(one.observed_at)})
        for one in given
    ]
