"""A snapshot made ready to serve: tokens by hash, a decider for each application, a link for each version it asks."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.application.decisions.deciding import Decider
from tenure.application.revisions.terms import Definition, from_plain
from tenure.governance.access import Actor, Role
from tenure.kit.errors import Kind, TenureError
from tenure.model.version import CHAMPION
from tenure.serving.link import WorkerLink
from tenure.serving.places import worker_socket

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.contract.predictor import Prediction
    from tenure.contract.schema import Schema
    from tenure.serving.snapshot import ApplicationEntry, Limits, Snapshot, VersionEntry
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
class Deployed:
    """An application in service: how it decides, and the version it asks (None where it asks no model)."""

    decider: Decider
    link: WorkerLink | None

    async def predict(self, row: Mapping[str, object], deadline_us: int) -> Prediction:
        """Return what the model says, or its failure."""
        assert self.link is not None
        return await self.link.predict(row, deadline_us)

    async def predict_rows(self, rows: Sequence[Mapping[str, object]], deadline_us: int) -> list[Prediction]:
        """Return what the model says to each row, or its failure."""
        assert self.link is not None
        return await self.link.predict_rows(rows, deadline_us)


class Generation:
    """One generation in service; `in_flight` counts the requests that have pinned it."""

    def __init__(self, snapshot: Snapshot, links: Mapping[str, WorkerLink]) -> None:
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
        self._applications: dict[str, Deployed | TenureError] = {
            name: _deployed(name, entry, snapshot, links) for name, entry in snapshot.applications.items()
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


class Links:
    """The connections to workers, kept over generations for as long as one in service has the version."""

    def __init__(self, home: Home) -> None:
        self._home = home
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
            known = self._links[key] = WorkerLink(model, number, version, worker_socket(self._home, version.worker))
        return known


def _deployed(
    name: str, entry: ApplicationEntry, snapshot: Snapshot, links: Mapping[str, WorkerLink]
) -> Deployed | TenureError:
    """Return the application ready to decide, or why it cannot; one that cannot must not hold up the others."""
    try:
        definition = from_plain(entry.definition)
        link = _asked(definition, snapshot, links)
        inputs: Schema | None = link.inputs if link else None
        outputs: Schema | None = link.outputs if link else None
        return Deployed(Decider(definition, inputs, outputs, entry.revision), link)
    except TenureError as error:
        _LOG.error("%s/%d cannot decide: %s", name, entry.revision, error)
        return UnusableApplication(application=name, revision=entry.revision, why=str(error))


def _asked(definition: Definition, snapshot: Snapshot, links: Mapping[str, WorkerLink]) -> WorkerLink | None:
    if definition.model is None:
        return None
    model = snapshot.models.get(definition.model.name)
    number = None if model is None else model.aliases.get(definition.model.alias)
    found = links.get(f"{definition.model.name}/{number}")
    if found is None:
        raise UnusableApplication(
            application=definition.application, revision=0, why=f"{definition.model} is not deployed"
        )
    return found
