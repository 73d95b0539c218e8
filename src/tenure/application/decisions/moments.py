"""When a decision's event happened, by the application's declaration."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tenure.kit.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenure.application.revisions.terms import Definition

_DAYS_KEPT = 4096


def moment_of(definition: Definition) -> Callable[[Mapping[str, Any]], int | None]:
    """Return a function from a request to UTC microseconds; a day begins at midnight of the application's time zone."""
    name = definition.event_time
    if name is None:
        return lambda _: None
    if next(field.type for field in definition.request if field.name == name) == "timestamp":
        return lambda values: values[name]
    zone = ZoneInfo(definition.time_zone)

    @lru_cache(_DAYS_KEPT)
    def midnight(day: str) -> int:
        return int(datetime.fromisoformat(day).replace(tzinfo=zone).timestamp()) * SECOND

    return lambda values: None if values[name] is None else midnight(values[name])
