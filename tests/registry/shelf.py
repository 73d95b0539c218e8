"""A home's tables with packages that need no proving: for tests of decisions and stores, not of environments."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenure.adapters.sql.audit import SqlAudit
from tenure.adapters.sql.endings import SqlKept, SqlStandings
from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.fleets import SqlFleets
from tenure.adapters.sql.registry import SqlRegistry
from tenure.adapters.sql.tokens import SqlPolicy
from tenure.adapters.sql.upgrade import upgrade
from tenure.contract.schema import Field
from tenure.governance.access import local_actor
from tenure.kit.clock import FixedClock
from tenure.kit.digests import digest_of
from tenure.model.decommissioning.tombstone import Traffic
from tenure.model.deployment.actions import Deployments
from tenure.model.package import Loader, Manifest, Provenance, Seal
from tenure.model.registry.actions import Models
from tenure.model.version import VersionRef

ADA = local_actor("ada")
BOB = local_actor("bob")


@dataclass(frozen=True)
class Proven:
    manifest: Manifest
    digest: str
    seal: Seal = Seal("S3")
    verdict: str = "BIT"
    reasons_us: int = 0


class AnyPackage:
    """Proves everything; a package is a path `model-mark`, and a draft has a mark that ends in `-draft`."""

    def __init__(self) -> None:
        self.seal = Seal("S3")
        self.mended: list[Path] = []

    def mend(self, package: Path) -> None:
        self.mended.append(package)

    def identify(self, package: Path) -> str:
        return digest_of(str(package).encode())

    def register(self, package: Path) -> Proven:
        model, mark = package.name.split("-", 1)
        sealed = self.identify(package.with_name(package.name.removesuffix("-draft")))
        return Proven(manifest(model, mark), sealed, self.seal)


def manifest(name: str, mark: str = "1", inputs: tuple[str, ...] = ("a",)) -> Manifest:
    return Manifest(
        format=1,
        name=name,
        loader=Loader("python", "predict", "records", entry="x:Y"),
        inputs=tuple(Field(name, "float") for name in inputs),
        outputs=(Field("score", "float"),),
        files={},
        python="3.11",
        provenance=Provenance(0, "ada", metrics={"auc": float(len(mark)) / 10}),
    )


class OpenTraffic:
    """Traffic that is always ready; `calls` says what was asked of it, and `hook` runs before each."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails: Exception | None = None
        self.hook: Any = lambda: None

    @contextmanager
    def ready(self, ref: VersionRef) -> Any:
        self._called(f"ready {ref}")
        if self.fails is not None:
            raise self.fails
        yield

    def switch(self) -> None:
        self._called("switch")

    def _called(self, what: str) -> None:
        self.hook()
        self.calls.append(what)


class OpenGate:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: list[str] = []

    def check(self, ref: VersionRef) -> list[str]:
        return self.lines

    def asking(self, model: str, alias: str) -> list[str]:
        return self.names if alias == "challenger" else []


class Quiet:
    """No requests and no revisions, unless a test says otherwise."""

    def __init__(self) -> None:
        self.traffic = Traffic(0, None, None)
        self.revisions: list[str] = []
        self.since = 0

    def of(self, ref: VersionRef, since: int) -> Traffic:
        self.since = since
        return self.traffic

    def naming(self, ref: VersionRef) -> list[str]:
        return self.revisions


class Shelf:
    """Everything wired over one control database."""

    def __init__(self, folder: Path, database: Database | None = None) -> None:
        self.clock = FixedClock()
        self.database = database or Database(folder / "control.db")
        upgrade(self.database, folder / "backups", 1)
        self.audit = SqlAudit(self.database, folder / "audit.head")
        self.registry = SqlRegistry(self.database)
        self.fleets = SqlFleets(self.database)
        self.standings = SqlStandings(self.database)
        self.kept = SqlKept(self.database)
        self.policy = SqlPolicy(self.database)
        self.traffic, self.gate = OpenTraffic(), OpenGate()
        self.packages = AnyPackage()
        self.models = Models(self.registry, self.packages, self.policy, self.audit, self.clock, "loans".__eq__)
        self.deployments = Deployments(self.fleets, self.traffic, self.gate, self.policy, self.audit, self.clock)

    def register(self, model: str = "churn", mark: str = "1") -> VersionRef:
        self.clock.advance(1)
        return self.models.register(ADA, Path(f"{model}-{mark}"))[0].ref

    def deploy(self, ref: VersionRef, role: str | None = None) -> None:
        self.clock.advance(1)
        self.deployments.deploy(ADA, ref, role)

    def promote(self, ref: VersionRef) -> None:
        self.clock.advance(1)
        self.deployments.promote(ADA, ref, "better")

    def close(self) -> None:
        self.database.close()
