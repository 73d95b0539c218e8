"""Every setting and every path of the home, once; read only by `app/` and handed on from there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT = 8080
DEFAULT_HOST = "127.0.0.1"
DEFAULT_DRILL_DAYS = 30


def default_gateways(cores: int) -> int:
    """Return how many gateways a machine starts: one for every two cores (docs/decisions/0005)."""
    return max(1, cores // 2)


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds everything of one installation; ARCHITECTURE.md says which process writes what."""

    root: Path

    @property
    def control_db(self) -> Path:
        """Registry, revisions, tokens, audit chain: written by control."""
        return self.root / "control.db"

    @property
    def lock(self) -> Path:
        """The exclusive lock (flock) of whoever writes `control.db`: control, or one local command."""
        return self.root / "home.lock"

    @property
    def audit_head(self) -> Path:
        """Length and last digest of the audit chain, noted outside the database so that a cut shows."""
        return self.root / "audit.head"

    @property
    def made_from(self) -> Path:
        """When the home was made from a backup (tenure up --from), in a file that any other home lacks."""
        return self.root / "made-from"

    @property
    def keys(self) -> Path:
        """Private keys and home secrets, mode 0700."""
        return self.root / "keys"

    @property
    def owners_token(self) -> Path:
        """The token with which the owner of the home asks its gateways, made by `tenure up`."""
        return self.keys / "owner.token"

    @property
    def blobs(self) -> Path:
        """Content-addressed files `sha256/ab/<64 hex>`; added by anyone, changed by no one."""
        return self.root / "sha256"

    @property
    def second_copy(self) -> Path:
        """The archive's second copy of the blobs."""
        return self.root / "archive" / "sha256"

    @property
    def environments(self) -> Path:
        """Environments rebuilt from blobs, one folder per environment digest; may be deleted at any time."""
        return self.root / "cache" / "environments"

    @property
    def packages(self) -> Path:
        """Opened packages (model, code, golden files), one folder per package digest; may be deleted at any time."""
        return self.root / "cache" / "packages"

    @property
    def interpreters(self) -> Path:
        """Notes on interpreters of this machine that were captured as blobs; may be deleted at any time."""
        return self.root / "cache" / "interpreters"

    @property
    def attestations(self) -> Path:
        """`<package hex>/<key id>.json`: what stands beside a manifest, never in it."""
        return self.root / "attestations"

    @property
    def drafts(self) -> Path:
        """`<draft hex>`: the digest of the package that registering this draft completed."""
        return self.root / "drafts"

    @property
    def features_db(self) -> Path:
        """Feature values: written by control, and by gateways for views computed from events."""
        return self.root / "features.db"

    @property
    def claims_db(self) -> Path:
        """Idempotency keys, reserved before dispatch: written by gateways."""
        return self.root / "claims.db"

    @property
    def persons_db(self) -> Path:
        """The key of each person's personal fields: added by gateways, destroyed by control."""
        return self.root / "persons.db"

    @property
    def decisions(self) -> Path:
        """The decision log: `streams/<stream>/…`, `sealed/…parquet`, `leaves`, `index.db`."""
        return self.root / "decisions"

    @property
    def run(self) -> Path:
        """What lives only while processes do: snapshots, sockets, the supervisor's state."""
        return self.root / "run"

    @property
    def snapshots(self) -> Path:
        """`<generation>.json`, written by control, read by supervisor and gateways."""
        return self.run / "snapshots"

    @property
    def control_socket(self) -> Path:
        """Where control answers HTTP."""
        return self.run / "control.sock"

    @property
    def supervisor_socket(self) -> Path:
        """Where the supervisor takes announcements, status questions, hand-over and `down`."""
        return self.run / "supervisor.sock"

    @property
    def state(self) -> Path:
        """What the supervisor started: pids with start times, ports."""
        return self.run / "state.json"

    @property
    def front(self) -> Path:
        """How the installation is reached (TLS, proxy, prefix): written by `tenure up`, read by gateways and control."""
        return self.run / "front.json"

    @property
    def freshness(self) -> Path:
        """How fresh feature views are: counted by control, read by gateways for `/metrics`."""
        return self.run / "freshness.json"

    @property
    def rates(self) -> Path:
        """One bucket per token that may not ask as often as it likes: changed by all gateways."""
        return self.run / "rates"

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.root / "logs"


@dataclass(frozen=True, slots=True)
class Workshop:
    """An author's own corner, which needs no home: a cache that may be deleted, and the builder's key."""

    cache: Path
    keys: Path

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> Workshop:
        """Return the workshop of an environment: TENURE_CACHE, TENURE_KEYS, else the XDG folders."""
        home = Path(environ.get("HOME") or Path.home())
        cache = environ.get("TENURE_CACHE") or Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "tenure"
        keys = environ.get("TENURE_KEYS") or Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "tenure"
        return cls(Path(cache).absolute(), Path(keys).absolute())


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be set from outside, each by one environment variable."""

    home: Home
    url: str | None = None
    token: str | None = None
    database: str | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Return the settings of an environment: TENURE_HOME (default `./tenure-home`), TENURE_URL, …_TOKEN, …_DATABASE."""
        root = Path(environ.get("TENURE_HOME") or "tenure-home").absolute()
        named = (environ.get(f"TENURE_{name}") or None for name in ("URL", "TOKEN", "DATABASE"))
        return cls(Home(root), *named)


def drill_days(environ: Mapping[str, str] = os.environ) -> int:
    """Return after how many days an environment's restore is tried again by itself: TENURE_DRILL_DAYS, 0 for never."""
    told = environ.get("TENURE_DRILL_DAYS", "")
    return int(told) if told.isdigit() else DEFAULT_DRILL_DAYS
