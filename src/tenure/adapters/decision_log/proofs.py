"""Proofs about the sealed log for people who do not trust it: this record is in it, and it only ever grew."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from tenure.adapters.decision_log import check_log, merkle
from tenure.adapters.decision_log.chain import leaf_of, leaves_file
from tenure.adapters.decision_log.checkpoints import Checkpoint, newest
from tenure.adapters.decision_log.index import Index, has_index
from tenure.adapters.decision_log.parquet import records_at
from tenure.kit.errors import Kind, TenureError

FORMAT = 1


class NotSealed(TenureError):
    """The record is not under a checkpoint, perhaps not yet."""

    code = "not-sealed"
    kind = Kind.NOT_FOUND
    message = "the sealed log has no record {record}"
    next_step = (
        "a record is sealed and signed within about ten seconds while Tenure runs; look with `tenure decision ID`"
    )


class LogShorter(TenureError):
    """Somebody holds a checkpoint of more records than there are."""

    code = "log-shorter"
    kind = Kind.CONFLICT
    message = "the checkpoint held is of {held} records, this log has {size}"
    next_step = "is it this home's checkpoint? then records were removed: keep the checkpoint and run `tenure verify`"


class Proofs:
    """What can be proven of one log. Documents are plain JSON; docs/formats/log-record.md, "Proofs"."""

    def __init__(self, decisions: Path) -> None:
        self._decisions = decisions

    def checkpoint(self, held: int = 0) -> dict[str, Any]:
        """Return the newest checkpoint; with `held`, also the proof that it goes on from the checkpoint of that size."""
        newest_one = self._newest(f"(none of {held})" if held else "(none)")
        document = {"tenure_checkpoint": FORMAT, "size": newest_one.size, "checkpoint": newest_one.document}
        return document | self._consistency(held, newest_one.size)

    def record(self, record_id: str) -> tuple[int, bytes]:
        """Return the leaf of a sealed record and its bytes; raise `NotSealed`."""
        if has_index(self._decisions):
            with Index(self._decisions) as index:
                for leaf in index.leaves_of(record_id):
                    file = index.file_of(leaf)
                    return leaf, records_at(self._decisions / file.path, [leaf - file.first])[0]
        raise NotSealed(record=record_id)

    def inclusion(self, record_id: str, held: int = 0) -> dict[str, Any]:
        """Return the proof that a record is in the log of the newest checkpoint; raise `NotSealed`."""
        leaf, record = self.record(record_id)
        signed = self._newest(record_id)
        leaves = self._leaves(signed.size)
        if leaf >= signed.size or leaf_of(record) != leaves[leaf * merkle.SIZE : (leaf + 1) * merkle.SIZE]:
            raise NotSealed(record=record_id)
        proof = {
            "tenure_proof": FORMAT,
            "id": record_id,
            "record": base64.b64encode(record).decode(),
            "leaf": leaf,
            "size": signed.size,
            "path": [each.hex() for each in merkle.inclusion(leaves, leaf, signed.size)],
            "checkpoint": signed.document,
        }
        return proof | self._consistency(held, signed.size)

    def _newest(self, record: str) -> Checkpoint:
        found, _ = newest(self._decisions)
        if found is None:
            raise NotSealed(record=record)
        return found

    def _consistency(self, held: int, size: int) -> dict[str, Any]:
        if not held:
            return {}
        if held > size:
            raise LogShorter(held=held, size=size)
        path = merkle.consistency(self._leaves(size), held, size)
        return {"consistency": {"from": held, "path": [each.hex() for each in path]}}

    def _leaves(self, size: int) -> bytes:
        with leaves_file(self._decisions).open("rb") as leaves:
            return leaves.read(size * merkle.SIZE)


def script() -> str:
    """Return the standard-library script that checks what is exported here."""
    return Path(check_log.__file__).read_text(encoding="utf-8")
