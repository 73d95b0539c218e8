"""A snapshot made ready to serve: tokens by hash, a decider for each application, a link for each version it asks."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from tenure.application.features.events import EventForms
from tenure.application.features.view import View
from tenure.application.revisions.terms import Definition, from_plain
from tenure.governance.access import Actor, Role
from tenure.governance.rates import Rate
from tenure.kit.errors import Kind, TenureError
from tenure.kit.shares import in_share
from tenure.model.version import CHAMPION
from tenure.serving.link import WorkerLink
from tenure.serving.places import worker_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.app.compiled import Compiled
    from tenure.application.decisions.deciding import AskModel, Decider
    from tenure.application.revisions.terms import ModelUse
    from tenure.contract.predictor import Prediction
    from tenure.serving.link import ModelOverloaded
    from tenure.serving.snapshot import ApplicationEntry, Limits, ModelEntry, Snapshot, VersionEntry
    from tenure.settings import Home

_LOG = logging.getLogger("tenure.gateway")
#: a worker is ready before its generation is announced, so a link that takes longer has a dead one
_CONNECT_SECONDS = 2.0


class UnknownApplication(TenureError):
    """No application of this name has an active revision."""

    code = "unknown-application"
    kind = Kind.NOT_FOUND
    message = "there is no application {application!r}"
    next_step = "see `tenure applications`, or apply its definition: tenure apply FILE"


class UnusableApplication(TenureError):
    """The application's revision and its model do not fit together, so it cannot decide."""

    code = "unusable-application"
    kind = Kind.UNAVAILABLE
    message = "{application}/{revision} cannot decide: {why}"
    next_step = "apply a corrected definition, or roll back: tenure rollback {application}"


class NotInService(TenureError):
    """No version of this name answers requests now."""

    code = "not-in-service"
    kind = Kind.NOT_FOUND
    message = "there is no {ref} in service"
    next_step = "deploy it: tenure deploy MODEL/VERSION; `tenure status` shows what is in service"


@dataclass(frozen=True, slots=True)
class Token:
    """Who a token stands for, until when (UTC microseconds, None for ever)."""

    actor: Actor
    expires: int | None


@dataclass(frozen=True, slots=True)
class Split:
    """A part of the entities that is answered by another version or revision, the same entities each time."""

    key: str
    share: float
    deployed: Deployed


@dataclass(frozen=True, slots=True)
class Deployed:
    """An application in service: how it decides, and the version it asks (None where it asks no model).

    `splits` answer in its place where an entity is in their share. `shadows` are other versions, and `trial` another
    revision, that see the same requests after the answer and never answer.
    """

    decider: Decider
    link: WorkerLink | None
    splits: tuple[Split, ...] = ()
    shadows: tuple[Deployed, ...] = ()
    trial: Deployed | None = None
    #: what asks the models that rules may choose, by their names in the definition
    chosen: Mapping[str, Deployed] = field(default_factory=dict)

    def asking(self, step: AskModel, name: Callable[[], str]) -> tuple[Deployed, AskModel]:
        """Return who asks for a decision, and what: another model than the usual one where a rule chose it.

        `name` tells by what a share of its traffic is told apart.
        """
        if not step.trace.model:
            return self, step
        other = self.chosen[step.trace.model]
        other = other.answering(name()) if other.splits else other
        return other, other.decider.asking(step)

    @property
    def is_watched(self) -> bool:
        """Return whether anybody sees what is decided."""
        return bool(self.shadows) or self.trial is not None

    def answering(self, name: str) -> Deployed:
        """Return what answers the entity of this name."""
        for split in self.splits:
            if in_share(name, split.key, split.share):
                return split.deployed.answering(name)
        return self

    @property
    def always_asks(self) -> bool:
        """Return whether every decision asks this very model: nothing settles one before, and no other answers a share."""
        return self.decider.always_asks and not self.splits

    def is_busy(self, deadline_us: int) -> bool:
        """Return whether a row asked now would hardly be answered within `deadline_us`."""
        return self.link is not None and self.link.is_busy(deadline_us)

    def overloaded(self, deadline_us: int) -> ModelOverloaded:
        """Return the refusal of a row that would not be answered within `deadline_us`."""
        assert self.link is not None
        return self.link.overloaded(deadline_us)

    async def predict(self, row: Mapping[str, object], deadline_us: int) -> Prediction:
        """Return what the model says, or its failure."""
        assert self.link is not None
        return await self.link.predict(row, deadline_us, reasons=self.decider.asks_reasons)

    async def predict_rows(self, rows: Sequence[Mapping[str, object]], deadline_us: int) -> list[Prediction]:
        """Return what the model says to each row, or its failure."""
        assert self.link is not None
        return await self.link.predict_rows(rows, deadline_us, reasons=self.decider.asks_reasons)


class Generation:
    """One generation in service; `in_flight` counts the requests that have pinned it."""

    def __init__(self, snapshot: Snapshot, links: Mapping[str, WorkerLink], compiled: Compiled) -> None:
        compiled.turn()
        self.number = snapshot.generation
        self.limits: Limits = snapshot.limits
        self.in_flight = 0
        self.links = dict(links)
        self.models = snapshot.models
        self._tokens = {
            digest: Token(Actor(entry.id, Role(entry.role), frozenset(entry.applications)), entry.expires)
            for digest, entry in snapshot.tokens.items()
            if entry.role in Role._value2member_map_
        }
        #: how often who may ask, by the actor's id, so that a session of a token has the token's rate
        self.rates = {entry.id: Rate(*entry.rate) for entry in snapshot.tokens.values() if entry.rate is not None}
        self._snapshot = snapshot
        self._events: dict[str, EventForms] = {}
        self._applications: dict[str, Deployed | TenureError] = {
            name: _Made(name, entry, snapshot, links, compiled).application()
            for name, entry in snapshot.applications.items()
        }

    def token(self, digest: str, now: int) -> Token | None:
        """Return the token with this sha256, unless its time is over."""
        token = self._tokens.get(digest)
        return None if token is None or (token.expires is not None and token.expires <= now) else token

    def application(self, name: str) -> Deployed:
        """Return an application; raise `UnknownApplication` or `UnusableApplication`."""
        found = self._applications.get(name)
        if isinstance(found, Deployed):
            return found
        raise UnknownApplication(application=name) if found is None else found

    def events(self, application: str) -> EventForms:
        """Return the events of an application; raise `UnknownApplication`. They are made ready when first asked for."""
        if application not in self._events:
            entry = self._snapshot.applications.get(application)
            if entry is None:
                raise UnknownApplication(application=application)
            views = [msgspec.convert(view, View) for view in self._snapshot.views.values()]
            self._events[application] = EventForms(from_plain(entry.definition), views)
        return self._events[application]

    def version(self, model: str, version: str = "") -> WorkerLink:
        """Return a version by its number or an alias, the champion when none is named; raise `NotInService`."""
        entry = self.models.get(model)
        if entry is None:
            raise NotInService(ref=f"model {model}")
        number = version if version.isdigit() else entry.aliases.get(version or CHAMPION)
        link = self.links.get(f"{model}/{number}")
        if link is None:
            raise NotInService(ref=f"{model}/{version}" if version else f"{model}@{CHAMPION}")
        return link

    def shadows(self, link: WorkerLink) -> list[WorkerLink]:
        """Return the versions that see what this one is asked directly: the shadows of a champion."""
        entry = self.models[link.model]
        if not entry.shadows or entry.aliases.get(CHAMPION) != link.version:
            return []
        found = (self.links.get(f"{link.model}/{number}") for number in entry.shadows)
        return [one for one in found if one is not None]


class Links:
    """The connections to workers, kept over generations for as long as one in service has the version.

    `silent` is told of a worker that owes an answer for longer than its calls take.
    """

    def __init__(self, home: Home, silent: Callable[[str], None]) -> None:
        self._home = home
        self._silent = silent
        self._links: dict[str, WorkerLink] = {}

    async def for_snapshot(self, snapshot: Snapshot) -> dict[str, WorkerLink]:
        """Return a link for every version of the snapshot by `model/version`, connected if its worker answers."""
        wanted: dict[str, WorkerLink] = {}
        known = set(self._links)
        for model, entry in snapshot.models.items():
            for number, version in entry.versions.items():
                wanted[f"{model}/{number}"] = self._link(model, number, version)
        # Only new links are waited for: a worker that died earlier must not hold up, say, the revocation of a token.
        new = [link.connect(_CONNECT_SECONDS) for key, link in wanted.items() if key not in known]
        await asyncio.gather(*new, return_exceptions=True)
        return wanted

    async def keep_only(self, needed: set[str]) -> None:
        """Close the links of versions that no generation in service has."""
        for key in self._links.keys() - needed:
            await self._links.pop(key).close()

    async def close(self) -> None:
        """Close all."""
        await self.keep_only(set())

    def _link(self, model: str, number: int, version: VersionEntry) -> WorkerLink:
        key = f"{model}/{number}"
        known = self._links.get(key)
        if known is None or known.digest != version.digest:
            socket = worker_socket(self._home, version.worker)
            silent = partial(self._silent, version.worker)
            known = self._links[key] = WorkerLink(model, number, version, socket, silent=silent)
        return known


class _Made:
    """Makes one application ready to decide, with what answers or watches beside its active revision."""

    def __init__(
        self,
        name: str,
        entry: ApplicationEntry,
        snapshot: Snapshot,
        links: Mapping[str, WorkerLink],
        compiled: Compiled,
    ) -> None:
        self._compiled = compiled
        self._name = name
        self._entry = entry
        self._models = snapshot.models
        self._links = links

    def application(self) -> Deployed | TenureError:
        """Return the application, or why it cannot decide; one that cannot must not hold up the others."""
        revision = self._entry.revision
        try:
            active = self._revision(self._entry.definition, revision)
        except TenureError as error:
            _LOG.error("%s/%d cannot decide: %s", self._name, revision, error)
            return UnusableApplication(application=self._name, revision=revision, why=str(error))
        trial = self._trial()
        if self._entry.trial is None or trial is None:
            return active
        share = self._entry.trial.share
        splits = (
            (Split(f"{self._name}/{trial.decider.revision}", share, trial), *active.splits) if share else active.splits
        )
        chosen = {name: replace(one, trial=trial) for name, one in active.chosen.items()}
        return replace(active, splits=splits, trial=trial, chosen=chosen)

    def _trial(self) -> Deployed | None:
        entry = self._entry.trial
        if entry is None:
            return None
        try:
            return self._revision(entry.definition, entry.revision)
        except TenureError as error:
            _LOG.error("%s/%d cannot be tried: %s", self._name, entry.revision, error)
            return None

    def _revision(self, plain: Mapping[str, object], revision: int) -> Deployed:
        definition = self._compiled.definition(self._name, revision, plain)
        if definition.model is None:
            return Deployed(self._compiled.decider(definition, revision, None), None)
        usual = self._using(definition, revision, definition.model)
        if not definition.models:
            return usual
        chosen = {name: self._using(definition, revision, use) for name, use in definition.models.items()}
        splits = tuple(replace(one, deployed=replace(one.deployed, chosen=chosen)) for one in usual.splits)
        return replace(usual, chosen=chosen, splits=splits)

    def _using(self, definition: Definition, revision: int, use: ModelUse) -> Deployed:
        """Return the revision asking one model, with what answers or watches beside its champion."""
        model = self._models.get(use.name)
        number = None if model is None else model.aliases.get(use.alias)
        served = self._asking(definition, revision, use.name, number)
        if served is None or model is None:
            raise UnusableApplication(application=self._name, revision=revision, why=f"{use} is not deployed")
        if use.alias != CHAMPION:
            return served
        return self._beside(served, use.name, model)

    def _beside(self, served: Deployed, name: str, model: ModelEntry) -> Deployed:
        """Return what asks the champion with the shadows that watch it and the canary that answers a share."""
        watching = tuple(
            one for number in model.shadows if (one := self._attempted(served.decider, name, number)) is not None
        )
        served = replace(served, shadows=watching)
        canary = None if model.canary is None else self._attempted(served.decider, name, model.canary.version)
        if model.canary is None or canary is None:
            return served
        share = Split(f"{name}/{model.canary.version}", model.canary.share, replace(canary, shadows=watching))
        return replace(served, splits=(share,))

    def _attempted(self, decider: Decider, name: str, number: int) -> Deployed | None:
        """Return the same revision with another version; None where they do not fit, which must not hold up answers."""
        try:
            return self._asking(decider.definition, decider.revision, name, number)
        except TenureError as error:
            _LOG.error("%s/%d does not fit %s/%d: %s", self._name, decider.revision, name, number, error)
            return None

    def _asking(self, definition: Definition, revision: int, name: str, number: int | None) -> Deployed | None:
        link = self._links.get(f"{name}/{number}")
        if link is None:
            return None
        return Deployed(self._compiled.decider(definition, revision, link), link)
