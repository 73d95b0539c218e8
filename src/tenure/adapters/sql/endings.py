"""The end of a version's service and its years in the archive, in the control database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from tenure.adapters.sql.fleets import claim_change, note_alias, save_alias
from tenure.adapters.sql.registry import attest, set_stage
from tenure.adapters.sql.tables import (
    model_alias,
    model_attestation,
    model_deployment,
    model_model,
    model_served,
    model_version,
)
from tenure.governance.access import Permission
from tenure.model.archiving.proof import Kept
from tenure.model.decommissioning.tombstone import Standing
from tenure.model.lifecycle import Stage
from tenure.model.package import TRIALS
from tenure.model.registry.record import Attestation
from tenure.model.version import UnknownModel, UnknownVersion, VersionRef

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tenure.adapters.sql.engine import Database
    from tenure.governance.access import Actor


class SqlStandings:
    """Where versions stand (model/decommissioning/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, ref: VersionRef) -> Standing:
        """Return where the version stands; raise `UnknownModel` or `UnknownVersion`."""
        with self._database.reading() as connection:
            row = _version(connection, ref)
            return Standing(
                ref,
                row.changes,
                Stage(row.stage),
                _aliases(connection, ref),
                _left_at(connection, ref),
                _role(connection, ref),
                is_last=not _others_in_service(connection, ref),
            )

    def retire(self, standing: Standing, actor: Actor, now: int, tombstone: dict[str, Any]) -> None:
        """Take the version out of service for good, and its aliases from it; raise `ChangedMeanwhile` if its model changed since `get`."""
        ref, mine = standing.ref, model_deployment.c
        with self._database.writing() as connection:
            claim_change(connection, ref.model, standing.changes)
            set_stage(connection, ref, Stage.DECOMMISSIONED)
            for alias in standing.aliases:
                save_alias(connection, ref.model, alias, None)
                said = {
                    "actor": actor.id,
                    "action": Permission.VERSIONS_DECOMMISSION.value,
                    "reason": tombstone["reason"],
                }
                note_alias(connection, ref.model, alias, None, now, **said)
            connection.execute(model_deployment.delete().where(mine.model == ref.model, mine.number == ref.number))
            attest(connection, ref, Attestation("tombstone", now, actor.id, tombstone))


class SqlKept:
    """The versions as archiving sees them (model/archiving/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, ref: VersionRef) -> Kept:
        """Return the version; raise `UnknownModel` or `UnknownVersion`."""
        with self._database.reading() as connection:
            row = _version(connection, ref)
            return Kept(ref, row.changes, Stage(row.stage), row.digest)

    def move(self, kept: Kept, stage: Stage, actor: Actor, now: int, kind: str, body: dict[str, Any]) -> None:
        """Keep the new stage and what is attested with it; raise `ChangedMeanwhile` if the model changed since `get`."""
        with self._database.writing() as connection:
            claim_change(connection, kept.ref.model, kept.changes)
            set_stage(connection, kept.ref, stage)
            attest(connection, kept.ref, Attestation(kind, now, actor.id, body))

    def note(self, kept: Kept, actor: Actor, now: int, kind: str, body: dict[str, Any]) -> None:
        """Keep what is attested, the stage as it is; raise `ChangedMeanwhile` if the model changed since `get`."""
        with self._database.writing() as connection:
            claim_change(connection, kept.ref.model, kept.changes)
            attest(connection, kept.ref, Attestation(kind, now, actor.id, body))

    def warm_digests(self) -> frozenset[str]:
        """Return the packages of all versions in service."""
        query = select(model_version.c.digest).where(model_version.c.stage == Stage.DEPLOYED.value)
        with self._database.reading() as connection:
            return frozenset(connection.execute(query).scalars())

    def all(self) -> list[VersionRef]:
        """Return every version whose files are kept."""
        columns = model_version.c
        query = select(columns.model, columns.number).where(columns.stage != Stage.DESTROYED.value)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(columns.model, columns.number)).all()
        return [VersionRef(row.model, row.number) for row in rows]

    def tried(self) -> dict[str, int]:
        """Return for each environment when its restore was last tried, whatever came of it."""
        said, versions = model_attestation.c, model_version.c
        same = (said.model == versions.model) & (said.number == versions.number)
        query = select(versions.environment, func.max(said.at)).join(model_attestation, same)
        query = query.where(said.kind.in_(TRIALS)).group_by(versions.environment)
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}


def _version(connection: Connection, ref: VersionRef) -> Any:
    """Return the row with the version's stage and digest and its model's count of changes."""
    changes = connection.execute(select(model_model.c.changes).where(model_model.c.name == ref.model)).scalar()
    if changes is None:
        raise UnknownModel(model=ref.model)
    columns = model_version.c
    query = select(columns.stage, columns.digest, model_model.c.changes).join(model_model)
    row = connection.execute(query.where(columns.model == ref.model, columns.number == ref.number)).first()
    if row is None:
        raise UnknownVersion(ref=ref, model=ref.model)
    return row


def _aliases(connection: Connection, ref: VersionRef) -> tuple[str, ...]:
    columns = model_alias.c
    query = select(columns.alias).where(columns.model == ref.model, columns.number == ref.number)
    return tuple(connection.execute(query.order_by(columns.alias)).scalars())


def _others_in_service(connection: Connection, ref: VersionRef) -> bool:
    columns = model_deployment.c
    query = select(columns.number).where(columns.model == ref.model, columns.number != ref.number).limit(1)
    return connection.execute(query).first() is not None


def _role(connection: Connection, ref: VersionRef) -> str:
    columns = model_deployment.c
    query = select(columns.role).where(columns.model == ref.model, columns.number == ref.number)
    return connection.execute(query).scalar() or ""


def _left_at(connection: Connection, ref: VersionRef) -> int | None:
    """Return when an alias last moved from the version to another one."""
    columns = model_served.c
    query = select(columns.alias, columns.number, columns.at).where(columns.model == ref.model)
    holder: dict[str, int] = {}
    left: int | None = None
    for row in connection.execute(query.order_by(columns.id)):
        if holder.get(row.alias) == ref.number != row.number:
            left = row.at
        holder[row.alias] = row.number
    return left
