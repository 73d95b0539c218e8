"""The inventory of models as of any moment: who owns and validated what, how risky it is, who depends on it.

A line joins what officers wrote down (`Entry`, kept with its history) with what the registry, the revisions and the audit
chain say of the same moment, so that `--as-of` tells what was true then. Models served elsewhere have an entry alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import msgspec

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.clock import SECOND
from tenure.kit.errors import Kind, TenureError
from tenure.model.registry.attaching import papers_in
from tenure.model.registry.record import served_at
from tenure.model.version import CHAMPION, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tenure.application.revisions.ports import RevisionStore
    from tenure.governance.access import Actor
    from tenure.governance.audit import Entry as Noted
    from tenure.governance.ports import AuditLog
    from tenure.kit.clock import Clock
    from tenure.model.registry.ports import RegistryStore
    from tenure.model.registry.record import Attestation, VersionRecord

Tier: TypeAlias = Literal["", "high", "medium", "low"]
_EVENTS = 10_000


class BadEntry(TenureError):
    """What was said of a model cannot be kept."""

    code = "bad-inventory-entry"
    kind = Kind.BAD_INPUT
    message = "{field}: {why}"
    next_step = "{cure}"


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What officers say of a model; empty where nobody said. `next_validation` is a day, `validate_every` days from the last.

    `where` says where a model runs that is not served here; `retired` that it runs no more.
    """

    owner: str = ""
    developer: str = ""
    validator: str = ""
    risk_tier: Tier = ""
    use: str = ""
    limits: str = ""
    next_validation: str = ""
    validate_every: int = 0
    where: str = ""
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """One state of an entry, from `at` on."""

    model: str
    at: int
    by: str
    entry: Entry


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One model as it was at the moment asked for."""

    model: str
    served_here: bool
    where: str
    owner: str
    developer: str
    validator: str
    risk_tier: str
    use: str
    limits: str
    version: str
    stage: str
    versions: int
    dependents: list[str]
    last_validation: str
    next_validation: str
    overdue: bool


class InventoryStore(Protocol):
    """Where entries are kept; rows are only ever added."""

    def add(self, said: Said) -> None:
        """Keep a new state of an entry."""

    def all(self) -> list[Said]:
        """Return every state of every entry, oldest first."""


class Inventory:
    """Collection of actions on the inventory."""

    def __init__(
        self, store: InventoryStore, registry: RegistryStore, revisions: RevisionStore, audit: AuditLog, clock: Clock
    ) -> None:
        self._store = store
        self._registry = registry
        self._revisions = revisions
        self._audit = audit
        self._clock = clock

    def add(self, actor: Actor, model: str, changes: dict[str, Any], reason: str = "") -> Line:
        """Say something of a model, served here or not; what is not mentioned stays as it was. Return its line."""
        authorize(actor, Permission.INVENTORY_ADD)
        name = parse_name(model)
        now = self._clock.now()
        with self._audit.transaction():
            before = _latest(self._store.all(), now).get(name)
            entry = msgspec.structs.replace(before or Entry(), **changes)
            check_entry(entry)
            self._store.add(Said(name, now, actor.id, entry))
            told = {} if before is None else msgspec.to_builtins(before)
            after = msgspec.to_builtins(entry)
            self._audit.write(Event(Permission.INVENTORY_ADD, actor, now, name, reason, told, after))
        return next(line for line in self._lines(now) if line.model == name)

    def show(self, actor: Actor, as_of: int | None = None) -> list[Line]:
        """Return one line for every model that there was at the moment, by name."""
        authorize(actor, Permission.INVENTORY_SHOW)
        return self._lines(self._clock.now() if as_of is None else as_of)

    def _lines(self, at: int) -> list[Line]:
        said = _latest(self._store.all(), at)
        here = {model.name: self._registry.versions(model.name) for model in self._registry.models()}
        here = {name: [one for one in records if one.registered_at <= at] for name, records in here.items()}
        depends = self._dependents(at)
        names = sorted({*said, *(name for name, records in here.items() if records)})
        return [
            self._line(name, here.get(name, []), said.get(name, Entry()), depends.get(name, {}), at) for name in names
        ]

    def _line(
        self, name: str, records: Sequence[VersionRecord], entry: Entry, depends: dict[str, str], at: int
    ) -> Line:
        champion = next((row.number for row in served_at(self._registry.served(name), at) if row.alias == CHAMPION), 0)
        shown = next((one for one in records if one.ref.number == champion), records[-1] if records else None)
        stage = "" if shown is None else stage_at(self._audit.newest(_EVENTS, str(shown.ref)), at)
        last = _last_validation({one.ref.number: (one, self._registry.attestations(one.ref)) for one in records}, at)
        due = due_day(entry, last[0] if last else None)
        return Line(
            model=name,
            served_here=bool(records),
            where=entry.where or ("here" if records else ""),
            owner=entry.owner or ", ".join(sorted({owner for owner in depends.values() if owner})),
            developer=entry.developer or (shown.manifest.provenance.author if shown else ""),
            validator=entry.validator or (last[1] if last else ""),
            risk_tier=entry.risk_tier,
            use=entry.use,
            limits=entry.limits,
            version="" if shown is None else str(shown.ref),
            stage=stage or ("retired" if entry.retired else ""),
            versions=len(records),
            dependents=sorted(depends),
            last_validation=last[0].isoformat() if last else "",
            next_validation=due.isoformat() if due else "",
            overdue=bool(due and due < day_at(at) and not entry.retired),
        )

    def _dependents(self, at: int) -> dict[str, dict[str, str]]:
        """Return for each model the applications that asked it at the moment, with their owners."""
        found: dict[str, dict[str, str]] = {}
        for active in self._revisions.all_active():
            name = active.application
            then = next((one for one in self._revisions.activations(name) if one.at <= at), None)
            revision = None if then is None else self._revisions.get(name, then.number)
            if revision is None:
                continue
            for use in revision.definition.uses:
                found.setdefault(use.name, {})[name] = revision.definition.owner
        return found


def check_entry(entry: Entry) -> None:
    """Raise `BadEntry` for what makes no sense."""
    try:
        if entry.next_validation:
            date.fromisoformat(entry.next_validation)
    except ValueError:
        why = f"{entry.next_validation!r} is no day"
        raise BadEntry(field="next_validation", why=why, cure="write it as 2027-03-31") from None
    if not 0 <= entry.validate_every <= 3660:
        why = f"{entry.validate_every} days is no interval"
        raise BadEntry(field="validate_every", why=why, cure="give the days between validations, as 365")


def stage_at(events: Iterable[Noted], at: int) -> str:
    """Return a version's stage at the moment, read off its events in the audit chain; empty before the first."""
    known = sorted((event for event in events if event.at <= at), key=lambda event: event.sequence)
    stages = [after["stage"] for event in known if "stage" in (after := msgspec.json.decode(event.after or "{}"))]
    return stages[-1] if stages else ""


def due_day(entry: Entry, last: date | None) -> date | None:
    """Return when the next validation is due: the day that was set if it lies after the last one, else by the interval."""
    fixed = date.fromisoformat(entry.next_validation) if entry.next_validation else None
    if fixed is not None and (last is None or fixed > last):
        return fixed
    return last + timedelta(days=entry.validate_every) if last is not None and entry.validate_every else None


def day_at(moment: int) -> date:
    """Return the day (UTC) of a moment."""
    return datetime.fromtimestamp(moment / SECOND, UTC).date()


def _latest(said: Iterable[Said], at: int) -> dict[str, Entry]:
    return {one.model: one.entry for one in said if one.at <= at}


def _last_validation(versions: dict[int, tuple[VersionRecord, list[Attestation]]], at: int) -> tuple[date, str] | None:
    """Return the day of the newest validation of any version until the moment, and who attached it."""
    papers = [paper for record, said in versions.values() for paper in papers_in(record, said)]
    found = [paper for paper in papers if paper.kind == "validation" and paper.at <= at]
    newest = max(found, key=lambda paper: paper.at, default=None)
    return None if newest is None else (day_at(newest.at), newest.by)
