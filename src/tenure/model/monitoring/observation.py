"""What one decision record says about a version: its day, its inputs, its output, its fate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tenure.kit.clock import SECOND
from tenure.model.monitoring.profile import Profile, count, entities_of, latency_counts
from tenure.model.version import VersionRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from tenure.model.monitoring.profile import Counts, Yardstick

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Facts:
    """What monitoring needs to know of an application; nothing else of it is looked at.

    `model` is the one it asks. `inputs` maps a model's input to the request field or feature that it is taken from
    where the names differ. `unwatched` says why an input cannot be read from the record: it is personal, or computed.
    `matures_after` is in microseconds of event time.
    """

    name: str
    model: str = ""
    time_zone: str = "UTC"
    inputs: Mapping[str, str] = field(default_factory=dict)
    unwatched: Mapping[str, str] = field(default_factory=dict)
    outcome: str = ""
    outcome_type: str = ""
    matures_after: int = 0


_NAME = re.compile(r"(?:request\.)?([A-Za-z_]\w*)")


def facts_of(definition: Mapping[str, Any]) -> Facts:
    """Return the facts of an application from its definition as plain data, as a snapshot or a revision carries it."""
    hidden = {*definition.get("personal", ()), definition.get("entity")}
    written: Mapping[str, str] = definition.get("inputs", {})
    plain = {name: found[1] for name, text in written.items() if (found := _NAME.fullmatch(text.strip()))}
    unwatched = dict.fromkeys(written.keys() - plain.keys(), "it is computed by an expression")
    unwatched |= dict.fromkeys(hidden - {None} - written.keys(), "it is personal")
    unwatched |= {name: "it is personal" for name, source in plain.items() if source in hidden}
    outcome = definition.get("outcome") or {}
    return Facts(
        name=definition["application"],
        model=(definition.get("model") or {}).get("name", ""),
        time_zone=definition.get("time_zone", "UTC"),
        inputs=plain,
        unwatched=unwatched,
        outcome=outcome.get("name", ""),
        outcome_type=outcome.get("type", ""),
        matures_after=outcome.get("matures_after_us") or 0,
    )


class Observation(msgspec.Struct, frozen=True, gc=False):
    """One decision as one version saw it. `role` "passed by" means that a rule answered before the version was asked."""

    ref: VersionRef
    day: str
    moment: int
    application: str
    decision: str
    entity: str | None
    role: Literal["served", "shadow", "passed by"]
    decided_by: str
    elapsed_us: int
    failure: str
    inputs: Mapping[str, Any]
    output: Mapping[str, Any] | None


def day_of(moment: int, zone: ZoneInfo) -> str:
    """Return the day (`YYYY-MM-DD`) of UTC microseconds in a time zone."""
    return _day_of_second(moment // SECOND, zone)


@lru_cache(maxsize=1024)
def _day_of_second(second: int, zone: ZoneInfo) -> str:
    # A day begins with a second in every zone there was, and records come in the order of their moments, many in each.
    return (_EPOCH + timedelta(seconds=second)).astimezone(zone).date().isoformat()


def moment_of(record: Mapping[str, Any]) -> int:
    """Return the record's event time, or its arrival where the application declares none."""
    event_time = record.get("event_time")
    return int(record["at"] if event_time is None else event_time)


def observations(
    record: Mapping[str, Any], facts: Facts, zone: ZoneInfo, champion: Callable[[str, int], int | None]
) -> Iterator[Observation]:
    """Return what the decision record says about each version it concerns.

    A decision in which no version was asked counts for the champion of the application's model at that moment.
    """
    moment = moment_of(record)
    day = day_of(moment, zone)
    asked = record.get("predictions") or []
    inputs = inputs_of(record, facts) if asked else {}

    def seen(ref: VersionRef, role: Any, **rest: Any) -> Observation:
        elapsed, by = record.get("elapsed_us", 0), record["decided_by"]
        return Observation(
            ref, day, moment, record["application"], record["id"], record.get("entity"), role, by, elapsed, **rest
        )

    for one in asked:
        ref = VersionRef(one["model"], one["version"])
        yield seen(
            ref,
            one["role"],
            failure=one.get("failure") or "",
            inputs=inputs,
            output=one.get("output"),
        )
    if record.get("kind") == "shadow":  # the decision itself is a record of its own
        return
    if not any(one["role"] == "served" for one in asked) and facts.model:
        number = champion(facts.model, record["at"])
        if number is not None:
            ref = VersionRef(facts.model, number)
            yield seen(ref, "passed by", failure="", inputs={}, output=None)


def inputs_of(record: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the values a model's inputs were taken from, by input name; a default put in for a missing feature is None."""
    values = dict(record["request"])
    for read in record.get("features") or ():
        values.update(read["values"])
        if defaulted := read.get("defaulted"):
            values.update(dict.fromkeys(defaulted))
    for name, source in facts.inputs.items():
        values[name] = values.get(source)
    for name in facts.unwatched:
        values.pop(name, None)
    return values


def profile_of(seen: Sequence[Observation], yardstick: Yardstick | None, facts: Facts) -> Profile:
    """Return the profile of some observations of one version by one application; without a yardstick, no columns."""
    asked = [one for one in seen if one.role != "passed by"]
    served = [one for one in seen if one.role != "shadow"]
    answered = [one.output for one in asked if one.output is not None]
    columns: dict[str, Counts] = {}
    if yardstick is not None and asked:
        watched = {name: bins for name, bins in yardstick.inputs.items() if name not in facts.unwatched}
        columns |= {name: count(bins, [one.inputs.get(name) for one in asked]) for name, bins in watched.items()}
    if yardstick is not None and answered:
        for key, bins in yardstick.outputs.items():
            name = key.removeprefix("output.")
            columns[key] = count(bins, [output.get(name) for output in answered])
    return Profile(
        decisions=len(served),
        shadows=len(seen) - len(served),
        asked=len(asked),
        decided_by=_tally(one.decided_by for one in served),
        failures=_tally(one.failure for one in asked if one.failure),
        latency=latency_counts(one.elapsed_us for one in served) if served else (),
        columns=columns,
        entities=entities_of(one.entity for one in asked if one.entity is not None),
        anonymous=sum(1 for one in asked if one.entity is None),
    )


def _tally(words: Iterable[str]) -> dict[str, int]:
    times: dict[str, int] = {}
    for word in words:
        times[word] = times.get(word, 0) + 1
    return dict(sorted(times.items()))
