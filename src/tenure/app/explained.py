"""What explaining needs beside what a replay needs (accountability/ports.py): reference rows, from sealed packages."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tenure.accountability.ports import ReferenceRows
from tenure.adapters.blobs import Blobs
from tenure.app.evidence import HomeEvidence, KeptDefinitions, ReadLog
from tenure.model.monitoring.reference import NoReference
from tenure.model.packaging.entries import version_entry
from tenure.model.version import VersionRef
from tenure.serving import oneshot
from tenure.serving.places import worker_socket
from tenure.worker.columns import Codec, read_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenure.adapters.sql.registry import SqlRegistry
    from tenure.app.evidence import Start
    from tenure.serving.oneshot import Oneshot
    from tenure.settings import Home


class ExplainableEvidence(HomeEvidence):
    """Everything that was kept about decisions, and what their versions are explained with."""

    def __init__(
        self,
        home: Home,
        log: ReadLog,
        definitions: KeptDefinitions,
        registry: SqlRegistry,
        start: Start,
    ) -> None:
        super().__init__(log, definitions, registry, start)
        self._home = home
        self._blobs = Blobs(home.blobs, home.second_copy)

    def reference(self, model: str, number: int) -> ReferenceRows:
        """Return the reference sample of the package; its golden inputs where it has none."""
        manifest = self._registry.get(VersionRef(model, number)).manifest
        golden = manifest.golden.inputs if manifest.golden else ""
        path = manifest.reference or golden
        if not path:
            raise NoReference(model=manifest.name)
        digest = manifest.files[path].digest
        fields, count, body = read_columns(self._blobs.verify(digest).read_bytes())
        source = "package's reference sample" if manifest.reference else "package's golden inputs"
        return ReferenceRows(source, digest, Codec(fields).unpack(count, body))


class ServingEvidence(ExplainableEvidence):
    """The same for one request that is only tried: a version that serves answers it where it serves, among the others."""

    @contextmanager
    def asking(self, model: str, number: int) -> Iterator[Oneshot]:
        """Be one caller more of the version's worker; where none is ready, start one as for old decisions."""
        record = self._registry.get(VersionRef(model, number))
        version = version_entry(record.manifest, record.digest)
        socket = worker_socket(self._home, f"{model}/{number}")
        with oneshot.connected(socket, version, model, number) as serving:
            if serving is not None:
                yield serving
                return
        with super().asking(model, number) as started:
            yield started
