"""A model's versions in service, in the control database."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from tenure.adapters.sql.registry import SqlRegistry, attest, set_stage
from tenure.adapters.sql.tables import model_alias, model_deployment, model_model, model_served, model_version
from tenure.model.deployment.fleet import Fleet, Role, champions_before
from tenure.model.lifecycle import Stage
from tenure.model.package import newest_seal
from tenure.model.registry.attaching import papers_in
from tenure.model.registry.record import Attestation
from tenure.model.version import CHALLENGER, CHAMPION, ChangedMeanwhile, UnknownModel, VersionRef

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tenure.adapters.sql.engine import Database
    from tenure.governance.access import Actor
    from tenure.governance.approvals import Approval
    from tenure.model.package import Seal


class SqlFleets:
    """The fleets (model/deployment/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, model: str) -> Fleet:
        """Return a model's fleet; raise `UnknownModel`."""
        with self._database.reading() as connection:
            changes = connection.execute(select(model_model.c.changes).where(model_model.c.name == model)).scalar()
            if changes is None:
                raise UnknownModel(model=model)
            roles = _roles(connection, model)
            return Fleet(
                model,
                changes,
                _stages(connection, model),
                {number: role for number, (role, _) in roles.items()},
                _past(connection, model),
                sum(share for role, share in roles.values() if role is Role.CANARY),
                _alias(connection, model, CHALLENGER),
            )

    def save(self, fleet: Fleet, now: int) -> None:
        """Keep the fleet's stages and roles; raise `ChangedMeanwhile` if its model changed since `get`."""
        with self._database.writing() as connection:
            claim_change(connection, fleet.model, fleet.changes)
            _save_stages(connection, fleet)
            _save_roles(connection, fleet, now)
            save_alias(connection, fleet.model, CHAMPION, fleet.champion)
            save_alias(connection, fleet.model, CHALLENGER, fleet.challenger)

    def author(self, ref: VersionRef) -> str:
        """Return who registered the version."""
        columns = model_version.c
        query = select(columns.registered_by).where(columns.model == ref.model, columns.number == ref.number)
        with self._database.reading() as connection:
            return str(connection.execute(query).scalar_one())

    def seal(self, ref: VersionRef) -> Seal:
        """Return what the newest restore of the version proved."""
        registry = SqlRegistry(self._database)
        said = [(one.kind, one.body) for one in registry.attestations(ref)]
        return newest_seal(registry.get(ref).manifest, said)

    def is_excepted(self, ref: VersionRef) -> bool:
        """Return whether an exception is attached to the version."""
        registry = SqlRegistry(self._database)
        papers = papers_in(registry.get(ref), registry.attestations(ref))
        return any(paper.kind == "exception" for paper in papers)

    def note_alias(
        self, model: str, alias: str, number: int | None, actor: Actor, now: int, action: str, reason: str
    ) -> None:
        """Keep that the alias points to the version from now on; to nothing, with None."""
        with self._database.writing() as connection:
            note_alias(connection, model, alias, number, now, actor=actor.id, action=action, reason=reason)

    def note_approval(self, ref: VersionRef, approval: Approval, now: int, reason: str) -> None:
        """Keep the approval that lay in deploying."""
        facts = asdict(approval)
        by = facts.pop("by")
        with self._database.writing() as connection:
            attest(connection, ref, Attestation("approval", now, by, facts | {"reason": reason}))


def claim_change(connection: Connection, model: str, changes: int) -> None:
    """Count one change of the model; raise `ChangedMeanwhile` unless exactly `changes` were counted before."""
    columns = model_model.c
    update = model_model.update().where(columns.name == model, columns.changes == changes)
    if connection.execute(update.values(changes=changes + 1)).rowcount != 1:
        raise ChangedMeanwhile(model=model)


def _stages(connection: Connection, model: str) -> dict[int, Stage]:
    query = select(model_version.c.number, model_version.c.stage).where(model_version.c.model == model)
    return {row.number: Stage(row.stage) for row in connection.execute(query)}


def _roles(connection: Connection, model: str) -> dict[int, tuple[Role, float]]:
    """Return role and share by number."""
    columns = model_deployment.c
    query = select(columns.number, columns.role, columns.share).where(columns.model == model)
    return {row.number: (Role(row.role), row.share) for row in connection.execute(query)}


def _alias(connection: Connection, model: str, alias: str) -> int | None:
    query = select(model_alias.c.number).where(model_alias.c.model == model, model_alias.c.alias == alias)
    number: int | None = connection.execute(query).scalar()
    return number


def _past(connection: Connection, model: str) -> tuple[int, ...]:
    columns = model_served.c
    query = select(columns.action, columns.number).where(columns.model == model, columns.alias == CHAMPION)
    rows = connection.execute(query.order_by(columns.id))
    return champions_before((row.action, row.number) for row in rows)


def _save_stages(connection: Connection, fleet: Fleet) -> None:
    before = _stages(connection, fleet.model)
    for number, stage in fleet.stages.items():
        if before[number] is not stage:
            set_stage(connection, VersionRef(fleet.model, number), stage)


def _save_roles(connection: Connection, fleet: Fleet, now: int) -> None:
    before, table = _roles(connection, fleet.model), model_deployment
    for number in before.keys() | fleet.deployed.keys():
        role = fleet.deployed.get(number)
        share = fleet.share if role is Role.CANARY else 0.0
        if (role, share) == before.get(number):
            continue
        connection.execute(table.delete().where(table.c.model == fleet.model, table.c.number == number))
        if role is not None:
            row = {"model": fleet.model, "number": number, "role": role.value, "since": now, "share": share}
            connection.execute(table.insert().values(**row))


def note_alias(connection: Connection, model: str, alias: str, number: int | None, now: int, **said: str) -> None:
    """Keep that the alias points to the version from `now` on, to nothing with None; `said`: actor, action and reason."""
    row = {"model": model, "alias": alias, "number": number or 0, "at": now}
    connection.execute(model_served.insert().values(**row, **said))


def save_alias(connection: Connection, model: str, alias: str, number: int | None) -> None:
    """Have the alias point to the version, or to nothing."""
    mine = (model_alias.c.model == model) & (model_alias.c.alias == alias)
    connection.execute(model_alias.delete().where(mine))
    if number is not None:
        connection.execute(model_alias.insert().values(model=model, alias=alias, number=number))
