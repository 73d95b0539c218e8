"""What can be done with monitoring: bring it up to date, report, list alerts, acknowledge one."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.errors import TenureError
from tenure.kit.ids import new_id
from tenure.model.monitoring.alert import Alert, State, UnknownAlert, Window, acknowledged, episodes, reconciled
from tenure.model.monitoring.drift import DEFAULT, Signal, Thresholds
from tenure.model.monitoring.observation import Facts, Observation, day_of, moment_of, observations, profile_of
from tenure.model.monitoring.performance import Judged, Performance, latest_truths, performance, task_of
from tenure.model.monitoring.ports import Applications, Chunk, LogSource, MonitoringStore, PositionUnknown, Versions
from tenure.model.monitoring.profile import Profile, Yardstick, freeze, merged
from tenure.model.monitoring.report import DayPerformance, Report, report
from tenure.model.monitoring.side_by_side import Said, SideBySide, side_by_side
from tenure.model.monitoring.windows import windows_of
from tenure.model.version import VersionRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock
    from tenure.model.monitoring.reference import Reference

#: decisions counted in one call, to the end of the stretch
AT_ONCE = 100_000

_UTC = ZoneInfo("UTC")


class Ticked(msgspec.Struct, frozen=True):
    """What bringing monitoring up to date did: decisions counted, profiles they went into, the alerts that changed.

    With `is_behind` there is more to count, and alerts are as they were.
    """

    decisions: int
    profiles: int
    opened: list[Alert]
    resolved: list[Alert]
    is_behind: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """What a version is compared with, or why it cannot be."""

    reference: Reference | None
    yardstick: Yardstick | None
    trouble: str = ""

    @property
    def digest(self) -> str:
        """Return the digest of the yardstick, empty where there is none."""
        return self.yardstick.digest if self.yardstick else ""


class Monitoring:
    """Profiles, reports and alerts of all versions, worked out from the log; none of it is on the path of a request."""

    def __init__(
        self,
        log: LogSource,
        applications: Applications,
        versions: Versions,
        store: MonitoringStore,
        audit: Audit,
        clock: Clock,
        thresholds: Thresholds = DEFAULT,
    ) -> None:
        self._log = log
        self._applications = applications
        self._versions = versions
        self._store = store
        self._audit = audit
        self._clock = clock
        self._thresholds = thresholds
        #: packages never change, so what was frozen from one stays true
        self._measures: dict[VersionRef, Measure] = {}
        #: who asks for a report counts too, in another thread than the job does
        self._counting = threading.Lock()

    def report(self, actor: Actor, ref: VersionRef, since: str = "", until: str = "") -> Report:
        """Return the report on the days `since` to `until` (`YYYY-MM-DD`, inclusive; empty is open), up to date."""
        authorize(actor, Permission.MONITOR_REPORT)
        self._up_to_date()
        measure = self._measure(ref)
        days = self._days(ref)
        windows = self._windows(ref, days, measure)
        asked = {day: profile for day, profile in days.items() if since <= day and (not until or day <= until)}
        overall, by_day = self._performance(ref, measure, asked.keys())
        return report(
            ref.model,
            ref.number,
            self._clock.now(),
            asked,
            measure.yardstick,
            windows,
            overall,
            by_day,
            measure.reference.metrics if measure.reference else {},
            self._store.alerts(ref.model, ref.number),
            self._thresholds,
        )

    def side_by_side(self, actor: Actor, left: VersionRef, right: VersionRef, since: int = 0) -> SideBySide:
        """Return what the two versions said to live requests, those that both saw beside each other."""
        authorize(actor, Permission.VERSIONS_COMPARE)
        said = [self._said(ref, since) for ref in (left, right)]
        measures = [self._measure(ref).reference for ref in (left, right)]
        outputs = [() if one is None else one.outputs for one in measures]
        names = sorted({one.application for side in said for one, _ in side.values()})
        return side_by_side(
            (str(left), str(right)),
            {name: one for name, (one, _) in said[0].items()},
            {name: one for name, (one, _) in said[1].items()},
            (outputs[0], outputs[1]),
            {name: self._matured(self._facts(name), said) for name in names},
        )

    def _said(self, ref: VersionRef, since: int) -> dict[str, tuple[Said, int]]:
        """Return what the version said by decision, with the decision's moment."""
        found = {}
        for record in self._log.decisions(ref.model, ref.number, since, self._clock.now()):
            one = next(
                (p for p in record["predictions"] if (p["model"], p["version"]) == (ref.model, ref.number)), None
            )
            if one is not None:
                said = Said(record["application"], one.get("output"), record.get("answer"))
                found[record["id"]] = (said, moment_of(record))
        return found

    def _matured(self, facts: Facts, said: Sequence[Mapping[str, tuple[Said, int]]]) -> tuple[Facts, dict[str, Any]]:
        """Return the truths about decisions that are old enough for theirs to be known."""
        if not facts.outcome:
            return facts, {}
        until = self._clock.now() - facts.matures_after
        old = {name for side in said for name, (_, moment) in side.items() if moment <= until}
        truths = latest_truths(self._log.outcomes(facts.name), facts.outcome)
        return facts, {name: truth for name, truth in truths.items() if name in old}

    def alerts(self, actor: Actor, model: str | None = None, state: State | None = None) -> list[Alert]:
        """Return the alerts, newest first, of one model and in one state if so asked."""
        authorize(actor, Permission.ALERTS_LIST)
        return [alert for alert in self._store.alerts(model) if state in {None, alert.state}]

    def acknowledge(self, actor: Actor, alert_id: str, note: str = "") -> Alert:
        """Note that a person has seen an alert, and why no more is done; it resolves by itself when things are quiet."""
        authorize(actor, Permission.ALERTS_ACK)
        now = self._clock.now()
        with self._audit.transaction():
            before = self._store.alert(alert_id)
            if before is None:
                raise UnknownAlert(id=alert_id)
            after = acknowledged(before, actor.id, note, now)
            self._store.save_alert(after)
            self._audit.write(_acknowledgement(actor, before, after, now))
        return after

    def tick(self) -> Ticked:
        """Count what the log has more than the last time, and bring alerts up to date; what was counted stays.

        One call counts so many records and no more, since other jobs wait behind it; alerts are judged once all
        are counted. They follow from the log, so they are no one's act and stand in no audit trail.
        """
        with self._counting:
            now = self._clock.now()
            before = self._position()
            counted, position, is_behind = self._counted(before or 0)
            chunks = [msgspec.structs.replace(chunk, yardstick=self._digest(chunk)) for chunk in counted.chunks()]
            with self._store.transaction():
                if before is None:
                    self._store.begin_again()
                if before != position:
                    self._store.add(chunks, position)
                changed = [] if is_behind else self._alert_all(now)
        opened = [after for known, after in changed if known is None]
        resolved = [after for known, after in changed if known is not None and after.state is State.RESOLVED]
        return Ticked(counted.decisions, len(chunks), opened, resolved, is_behind)

    def _up_to_date(self) -> None:
        """Count all that was decided until now."""
        self._log.settle()
        while self.tick().is_behind:
            pass

    # --- reading the log ------------------------------------------------------------------------------------------

    def _position(self) -> int | None:
        """Return up to where the log is counted; None when it is to be counted anew, since bins are others now."""
        for model, number, digest in self._store.yardsticks():
            if self._measure(VersionRef(model, number)).digest not in {digest, ""}:
                return None
        return self._store.position()

    def _counted(self, position: int) -> tuple[Counting, int, bool]:
        """Return what is counted from a position on, the position reached, and whether there is more."""
        counting = Counting(self._yardstick)
        try:
            for stretch in self._log.stretches(position):
                for block in stretch.blocks:
                    facts = {name: self._facts(name) for name in {record["application"] for record in block}}
                    counting.add(block, facts, self._versions.champion)
                position = stretch.ending
                if counting.decisions >= AT_ONCE:
                    return counting, position, True
        except PositionUnknown:
            self._store.begin_again()
            return Counting(self._yardstick), 0, True
        return counting, position, False

    def _digest(self, chunk: Chunk) -> str:
        return self._measure(VersionRef(chunk.model, chunk.version)).digest

    def _facts(self, application: str) -> Facts:
        return self._applications.facts(application) or Facts(application)

    def _yardstick(self, ref: VersionRef) -> Yardstick | None:
        return self._measure(ref).yardstick

    def _measure(self, ref: VersionRef) -> Measure:
        if ref not in self._measures:
            measure = self._frozen(ref)
            if measure.trouble:
                return measure
            self._measures[ref] = measure
        return self._measures[ref]

    def _frozen(self, ref: VersionRef) -> Measure:
        try:
            known = self._versions.reference(ref.model, ref.number)
        except (TenureError, OSError) as error:
            return Measure(None, None, str(error))
        try:
            return Measure(known, freeze(known.inputs, known.outputs, known.sample, known.outputs_sample))
        except Exception as error:  # noqa: BLE001  a reference that cannot be used is told as an alert, and stops no other
            return Measure(known, None, repr(error))

    # --- judging --------------------------------------------------------------------------------------------------

    def _days(self, ref: VersionRef) -> dict[str, Profile]:
        """Return the version's profile of every day."""
        days: dict[str, Profile] = {}
        for chunk in self._store.chunks(ref.model, ref.number):
            days[chunk.day] = merged(days.get(chunk.day, Profile()), chunk.profile)
        return days

    def _windows(self, ref: VersionRef, days: Mapping[str, Profile], measure: Measure) -> list[Window]:
        windows = windows_of(days, measure.yardstick, self._thresholds)
        if not measure.trouble or not days:
            return windows
        how = f"the reference sample of {ref} cannot be read"
        broken = Signal("broken", "reference", {"how": how, "error": measure.trouble})
        return [*windows, Window(max(days), max(days), 0, (broken,))]

    def _alert_all(self, now: int) -> list[tuple[Alert | None, Alert]]:
        refs = {VersionRef(model, number) for model, number, _ in self._store.yardsticks()}
        return [pair for ref in sorted(refs) for pair in self._alert(ref, now)]

    def _alert(self, ref: VersionRef, now: int) -> list[tuple[Alert | None, Alert]]:
        """Save the version's alerts as its windows now tell them, and return the changed ones beside what they were."""
        windows = self._windows(ref, self._days(ref), self._measure(ref))
        stored = {alert.id: alert for alert in self._store.alerts(ref.model, ref.number)}
        found = episodes(windows, self._thresholds.quiet)
        changed = reconciled(ref.model, ref.number, found, list(stored.values()), now, _ids(now))
        for alert in changed:
            self._store.save_alert(alert)
        return [(stored.get(alert.id), alert) for alert in changed]

    def _performance(
        self, ref: VersionRef, measure: Measure, days: Iterable[str]
    ) -> tuple[list[Performance], list[DayPerformance]]:
        """Return the realised performance over the days together, by application, and over each of them."""
        if measure.reference is None:
            return [], []
        overall, by_day = [], []
        chosen = set(days)
        # What has no outcome is not judged, and may have millions of decisions.
        for facts in self._applications.judged():
            task = task_of(facts.outcome_type, measure.reference.outputs)
            if task is None:
                continue
            truths = latest_truths(self._log.outcomes(facts.name), facts.outcome)
            judged = [
                Judged(one.day, one.moment, one.output[task[1]], truths.get(one.decision))
                for one in self._outputs(ref, facts, chosen)
                if one.output is not None and one.output.get(task[1]) is not None
            ]
            if not judged:
                continue
            matured = self._clock.now() - facts.matures_after
            overall.append(performance(facts.name, facts.outcome, task[0], judged, matured))
            for day in sorted({one.day for one in judged}):
                of_day = [one for one in judged if one.day == day]
                by_day.append(DayPerformance(day, performance(facts.name, facts.outcome, task[0], of_day, matured)))
        return overall, by_day

    def _outputs(self, ref: VersionRef, facts: Facts, days: set[str]) -> Iterator[Observation]:
        """Return the version's own outputs on some days for one application, one by one: they may be many."""
        zone = ZoneInfo(facts.time_zone)
        for record in self._log.decisions(ref.model, ref.number, 0, self._clock.now(), facts.name):
            seen = observations(record, facts, zone, lambda _model, _at: None)
            yield from (one for one in seen if one.ref == ref and one.day in days)


class Counting:
    """Profiles of a stretch of the log by arrival day, version and day, built block by block."""

    def __init__(self, yardstick: Callable[[VersionRef], Yardstick | None]) -> None:
        self._yardstick = yardstick
        self._profiles: dict[tuple[str, VersionRef, str], Profile] = {}
        self.decisions = 0

    def add(
        self,
        block: Sequence[Mapping[str, Any]],
        facts: Mapping[str, Facts],
        champion: Callable[[str, int], int | None],
    ) -> None:
        """Count a block of decision records."""
        self.decisions += len(block)
        zones = {name: ZoneInfo(one.time_zone) for name, one in facts.items()}
        groups: dict[tuple[str, VersionRef, str, str], list[Observation]] = {}
        for record in block:
            name = record["application"]
            arrived = day_of(record["at"], _UTC)
            for one in observations(record, facts[name], zones[name], champion):
                groups.setdefault((arrived, one.ref, one.day, name), []).append(one)
        for (arrived, ref, day, name), seen in groups.items():
            key = (arrived, ref, day)
            profile = profile_of(seen, self._yardstick(ref), facts[name])
            self._profiles[key] = merged(self._profiles.get(key, Profile()), profile)

    def chunks(self) -> Iterator[Chunk]:
        """Return what was counted."""
        for (arrived, ref, day), profile in self._profiles.items():
            yield Chunk(ref.model, ref.number, day, arrived, "", profile)


def _ids(now: int) -> Iterator[str]:
    while True:
        yield new_id(now)


def _acknowledgement(actor: Actor, before: Alert, after: Alert, now: int) -> Event:
    return Event(
        Permission.ALERTS_ACK,
        actor,
        now,
        target=f"{after.model}/{after.version} {after.kind} {after.column}".rstrip(),
        reason=after.note,
        before={"id": before.id, "state": before.state.value},
        after={"id": after.id, "state": after.state.value},
    )
