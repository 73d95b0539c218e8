"""After an upgrade of Tenure, or in a home made from a backup, a version proves itself again before it takes traffic."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tenure.app.drilling import SCHEDULE
from tenure.governance.access import Permission
from tenure.governance.audit import Event
from tenure.kit.errors import Kind, TenureError
from tenure.model.archiving.proof import facts

if TYPE_CHECKING:
    from tenure.adapters.sql.endings import SqlKept
    from tenure.adapters.sql.registry import SqlRegistry
    from tenure.app.vault import HomeVault
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock
    from tenure.model.version import VersionRef

_LOG = logging.getLogger("tenure.control")
#: what is attested of it
RERUN = "rerun"


class NotProvenAgain(TenureError):
    """The version did not give its golden outputs with the software that runs now."""

    code = "not-proven-again"
    kind = Kind.REFUSED
    message = "{ref} takes no traffic: with the Tenure or the machine of now its golden outputs are not met: {why}"
    next_step = "see `tenure show {ref}`; `tenure deploy {ref}` tries it again; another version: `tenure rollback`"


class Rerunning:
    """Runs the golden rows of whatever is to take traffic, once since the moment `since`; 0: nothing has to be."""

    def __init__(
        self, vault: HomeVault, kept: SqlKept, registry: SqlRegistry, audit: Audit, clock: Clock, since: int
    ) -> None:
        self._vault = vault
        self._kept = kept
        self._registry = registry
        self._audit = audit
        self._clock = clock
        self._since = since
        self._failed: dict[VersionRef, str] = {}

    def check(self, ref: VersionRef) -> None:
        """Return if the version has met its golden outputs since then, now if it was not asked yet; raise `NotProvenAgain`."""
        if not self._since or "failed" not in (self.newest(ref) or {"failed": ""}):
            return
        if ref not in self._failed:
            _LOG.info("running the golden rows of %s again before it takes traffic", ref)
            self._run(ref)
        if why := self._failed.get(ref):
            raise NotProvenAgain(ref=ref, why=why)

    def again(self, ref: VersionRef) -> None:
        """Have a version that failed tried once more when it is next to take traffic."""
        self._failed.pop(ref, None)

    def newest(self, ref: VersionRef) -> dict[str, Any] | None:
        """Return what came of it with its moment `at`, None where the version was not run again since."""
        said = [one for one in self._registry.attestations(ref) if one.kind == RERUN and one.at >= self._since]
        return said[-1].body | {"at": said[-1].at} if self._since and said else None

    def _run(self, ref: VersionRef) -> None:
        try:
            body = facts(self._vault.rerun(self._kept.get(ref)))
        except TenureError as error:
            body = {"failed": str(error)}
            self._failed[ref] = str(error)
        now = self._clock.now()
        with self._audit.transaction():
            self._kept.note(self._kept.get(ref), SCHEDULE, now, RERUN, body)
            self._audit.write(Event(Permission.DRILL, SCHEDULE, now, str(ref), "golden rows run again", after=body))
