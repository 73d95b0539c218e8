"""Models and versions in the control database, as the registry sees them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from tenure.adapters.sql.tables import (
    model_alias,
    model_attestation,
    model_deployment,
    model_model,
    model_served,
    model_version,
)
from tenure.model.lifecycle import Stage
from tenure.model.package import Manifest
from tenure.model.registry.record import Attestation, ModelRecord, Served, VersionRecord
from tenure.model.version import AliasRef, UnknownModel, UnknownVersion, VersionRef

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row

    from tenure.adapters.sql.engine import Database
    from tenure.contract.predictor import Explain
    from tenure.contract.schema import Schema

_VERSION = model_version.c


class SqlRegistry:
    """The registry's records (model/registry/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def next_number(self, model: str, now: int, actor: str) -> int:
        """Return a number that the model never had, making the model if it is new."""
        with self._database.writing() as connection:
            last = connection.execute(select(model_model.c.last_number).where(model_model.c.name == model)).scalar()
            if last is None:
                new = {"name": model, "created_at": now, "created_by": actor, "last_number": 0, "changes": 0}
                connection.execute(model_model.insert().values(**new))
            number = (last or 0) + 1
            update = model_model.update().where(model_model.c.name == model)
            connection.execute(update.values(last_number=number, changes=model_model.c.changes + 1))
        return number

    def take_number(self, model: str, wanted: int, now: int, actor: str) -> int:
        """Return `wanted` if the model never had it nor a later one, else the next; the model is made if it is new."""
        number = self.next_number(model, now, actor)
        if wanted <= number:
            return number
        with self._database.writing() as connection:
            connection.execute(model_model.update().where(model_model.c.name == model).values(last_number=wanted))
        return wanted

    def add(self, record: VersionRecord) -> None:
        """Keep a new version."""
        environment = record.manifest.environment
        with self._database.writing() as connection:
            connection.execute(
                model_version.insert().values(
                    model=record.ref.model,
                    number=record.ref.number,
                    digest=record.digest,
                    draft=record.draft,
                    environment=environment.digest if environment else "",
                    stage=record.stage.value,
                    registered_at=record.registered_at,
                    registered_by=record.registered_by,
                    manifest=msgspec.json.encode(record.manifest).decode(),
                )
            )

    def approved(self, ref: VersionRef) -> None:
        """Move the version's stage to approved."""
        with self._database.writing() as connection:
            set_stage(connection, ref, Stage.APPROVED)
            count_change(connection, ref.model)

    def attest(self, ref: VersionRef, attestation: Attestation) -> None:
        """Keep what was said about a version."""
        with self._database.writing() as connection:
            attest(connection, ref, attestation)

    def by_package(self, digest: str) -> VersionRecord | None:
        """Return the version with this digest, or made of a draft with this digest."""
        with self._database.reading() as connection:
            condition = (_VERSION.digest == digest) | (_VERSION.draft == digest)
            return next(iter(_records(connection, condition)), None)

    def get(self, ref: VersionRef | AliasRef) -> VersionRecord:
        """Return a version by number or alias; raise `UnknownModel` or `UnknownVersion`."""
        with self._database.reading() as connection:
            _known(connection, ref.model)
            number = ref.number if isinstance(ref, VersionRef) else _aliases(connection, ref.model).get(ref.alias)
            condition = (_VERSION.model == ref.model) & (_VERSION.number == number)
            found = next(iter(_records(connection, condition)), None)
        if found is None:
            raise UnknownVersion(ref=ref, model=ref.model)
        return found

    def find(self, ref: VersionRef | AliasRef) -> VersionRef:
        """Return the version by its number; raise `UnknownModel` or `UnknownVersion`."""
        return self.get(ref).ref

    def schemas(self, ref: VersionRef) -> tuple[Schema, Schema]:
        """Return the inputs and outputs of a version."""
        manifest = self.get(ref).manifest
        return manifest.inputs, manifest.outputs

    def explain(self, ref: VersionRef) -> Explain | None:
        """Return how a version tells reasons within a decision and what that took when it was registered here."""
        explain = self.get(ref).manifest.explain
        if explain is None:
            return None
        costs = (said.body.get("reasons_us", 0) for said in self.attestations(ref) if said.kind == "seal")
        return msgspec.structs.replace(explain, cost_us=next(costs, 0))

    def versions(self, model: str) -> list[VersionRecord]:
        """Return all versions of a model, oldest first; raise `UnknownModel`."""
        with self._database.reading() as connection:
            _known(connection, model)
            return list(_records(connection, _VERSION.model == model))

    def in_service(self) -> list[VersionRecord]:
        """Return the deployed versions of all models."""
        with self._database.reading() as connection:
            return list(_records(connection, _VERSION.stage == Stage.DEPLOYED.value))

    def models(self) -> list[ModelRecord]:
        """Return all models by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(model_model).order_by(model_model.c.name)).all()
            return [ModelRecord(row.name, _aliases(connection, row.name), row.last_number) for row in rows]

    def served(self, model: str) -> list[Served]:
        """Return what the model's aliases pointed to, oldest first."""
        with self._database.reading() as connection:
            query = select(model_served).where(model_served.c.model == model).order_by(model_served.c.id)
            rows = connection.execute(query).all()
        return [Served(row.alias, row.number, row.at, row.actor, row.action, row.reason) for row in rows]

    def attestations(self, ref: VersionRef) -> list[Attestation]:
        """Return what was said about a version, oldest first."""
        columns = model_attestation.c
        query = select(model_attestation).where(columns.model == ref.model, columns.number == ref.number)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(columns.id)).all()
        return [Attestation(row.kind, row.at, row.actor, json.loads(row.body)) for row in rows]


def attest(connection: Connection, ref: VersionRef, attestation: Attestation) -> None:
    """Add one attestation."""
    connection.execute(
        model_attestation.insert().values(
            model=ref.model,
            number=ref.number,
            kind=attestation.kind,
            at=attestation.at,
            actor=attestation.actor,
            body=json.dumps(attestation.body),
        )
    )


def set_stage(connection: Connection, ref: VersionRef, stage: Stage) -> None:
    """Write a version's stage."""
    update = model_version.update().where(_VERSION.model == ref.model, _VERSION.number == ref.number)
    connection.execute(update.values(stage=stage.value))


def count_change(connection: Connection, model: str) -> None:
    """Make decisions that were taken on an older state of the model fail when they are saved."""
    update = model_model.update().where(model_model.c.name == model)
    connection.execute(update.values(changes=model_model.c.changes + 1))


def _known(connection: Connection, model: str) -> None:
    if connection.execute(select(model_model.c.name).where(model_model.c.name == model)).first() is None:
        raise UnknownModel(model=model)


def _aliases(connection: Connection, model: str) -> dict[str, int]:
    query = select(model_alias.c.alias, model_alias.c.number).where(model_alias.c.model == model)
    return {row.alias: row.number for row in connection.execute(query.order_by(model_alias.c.alias))}


def _records(connection: Connection, condition: Any) -> Iterable[VersionRecord]:
    same = (model_deployment.c.model == _VERSION.model) & (model_deployment.c.number == _VERSION.number)
    query = select(model_version, model_deployment.c.role, model_deployment.c.share).outerjoin(model_deployment, same)
    rows = connection.execute(query.where(condition).order_by(_VERSION.model, _VERSION.number)).all()
    aliases = {model: _aliases(connection, model) for model in {row.model for row in rows}}
    return [_record(row, aliases[row.model]) for row in rows]


def _record(row: Row[Any], aliases: dict[str, int]) -> VersionRecord:
    return VersionRecord(
        ref=VersionRef(row.model, row.number),
        digest=row.digest,
        draft=row.draft,
        stage=Stage(row.stage),
        registered_at=row.registered_at,
        registered_by=row.registered_by,
        manifest=msgspec.json.decode(row.manifest, type=Manifest),
        role=row.role or "",
        aliases=tuple(alias for alias, number in aliases.items() if number == row.number),
        share=row.share or 0.0,
    )
