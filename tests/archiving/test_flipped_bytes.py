"""A whole small home, all its kinds of files: any single byte that changes is found, and what it stands in is named."""

import json
import random
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenure.adapters.decision_log.checkpoints import Checkpoints
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.writer import LogWriter
from tenure.adapters.signing import BuilderKey
from tenure.adapters.sql.audit import SqlAudit
from tenure.adapters.sql.endings import SqlKept
from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.registry import SqlRegistry
from tenure.app.actions import named
from tenure.app.control import Control
from tenure.app.vault import HomeChecks
from tenure.governance.access import local_actor
from tenure.kit.clock import FixedClock
from tenure.model.archiving.findings import Findings, joined
from tenure.settings import Home, Workshop
from tests.app.plain_model import packaged
from tests.decision_log.log_faults import NOON, decision

pytestmark = pytest.mark.processes

ADA = local_actor("ada")


def perform(control: Control, name: str, **given: Any) -> Any:
    return control.perform(name, ADA, msgspec.convert(given, named(name).input))


@pytest.fixture(scope="module")
def home(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home with an archived version, a registered one, a sealed log with a tail, and an audit trail."""
    home = Home(tmp_path_factory.mktemp("flips") / "home")
    with Control.open(home, FixedClock()) as control:
        for weight in (1.0, 2.0):
            perform(control, "versions:register", package=str(packaged(workshop, weight)))
        at = {"model": "plain", "version": "1", "reason": "because"}
        for name in ("versions:approve", "versions:decommission", "versions:archive"):
            perform(control, name, **at)
    _write_log(home)
    assert verified(home).problems == ()
    return home


def _write_log(home: Home) -> None:
    writer = LogWriter.open(home.decisions, "gateway-1", segment_size=4096)
    checkpoints = Checkpoints(home.decisions, BuilderKey(home.keys))
    for seal in range(3):
        writer.append_all([decision(seal * 10 + each, NOON + seal * 10 + each) for each in range(10)])
        Sealer(home.decisions, clock=FixedClock(NOON), lag=-1000, checkpoints=checkpoints).seal()
    writer.append_all([decision(100 + each) for each in range(20)])
    writer.close_now()


def verified(home: Home) -> Findings:
    """Return what `tenure verify` finds in a process of its own, which has nothing of the files in memory."""
    database = Database(home.control_db)
    try:
        checks = HomeChecks(home, SqlAudit(database, home.audit_head), SqlRegistry(database), database)
        kept = SqlKept(database)
        return joined([*(checks.version(kept.get(ref)) for ref in kept.all()), checks.home()])
    finally:
        database.close()


def files_of(home: Home) -> dict[str, list[Path]]:
    """Return the files by kind."""
    files = {
        "blob": [path for path in home.blobs.glob("*/*") if path.stat().st_size],
        "second copy": [path for path in home.second_copy.glob("*/*") if path.stat().st_size],
        "manifest": [path for path in home.blobs.glob("*/*") if path.read_bytes()[:20].startswith(b'{"batch"')],
        "segment": list(home.decisions.glob("streams/*/*.segment")),
        "parquet": list(home.decisions.glob("sealed/*/*.parquet")),
        "leaves": [home.decisions / "leaves"],
        "chain": [home.decisions / "chain.jsonl"],
        "checkpoints": [home.decisions / "checkpoints.jsonl"],
        "audit head": [home.audit_head],
        "signature": list(home.attestations.glob("*/*")),
    }
    assert all(files.values()), [kind for kind, found in files.items() if not found]
    return files


def audit_places(home: Home) -> range:
    """Return the bytes of the control database in which the texts and the time of one audit row stand."""
    database = Database(home.control_db)
    rows = list(SqlAudit(database, home.audit_head).entries())
    database.close()
    content = home.control_db.read_bytes()
    names = ("actor", "role", "action", "target", "reason", "request", "before", "after", "previous", "digest")
    for row in rows[::-1]:
        text = "".join(getattr(row, name) for name in names).encode()
        if (start := content.find(text)) > 0:
            return range(start - 6, start + len(text))
    raise AssertionError("no audit row was found in the file")


@contextmanager
def flipped(file: Path, place: int, change: int) -> Iterator[None]:
    """Have one byte of the file changed while the block lasts."""
    mode = file.stat().st_mode
    file.chmod(0o644)
    with file.open("r+b") as content:
        content.seek(place)
        before = content.read(1)
        content.seek(place)
        content.write(bytes([before[0] ^ change]))
    try:
        yield
    finally:
        with file.open("r+b") as content:
            content.seek(place)
            content.write(before)
        file.chmod(mode)


def try_flips(home: Home, trials: int, seed: int) -> Counter[str]:
    dice, files, rows = random.Random(seed), files_of(home), audit_places(home)
    tried: Counter[str] = Counter()
    kinds = [*files, "audit row"]
    for trial in range(trials):
        kind = kinds[trial % len(kinds)]
        file = home.control_db if kind == "audit row" else dice.choice(files[kind])
        place = dice.choice(rows) if kind == "audit row" else dice.randrange(file.stat().st_size)
        change = dice.randrange(1, 256)
        with flipped(file, place, change):
            problems = verified(home).problems
        name = {"audit row": "audit"}.get(kind, file.name)
        assert any(name in problem for problem in problems), (kind, str(file), place, change, problems)
        tried[kind] += 1
    assert verified(home).problems == (), "every byte is back"
    return tried


@contextmanager
def done_to_the_tables(home: Home, *statements: str) -> Iterator[None]:
    """Have the control database changed by somebody who knows SQL while the block lasts."""
    before = home.root / "before.db"
    for source, target in ((home.control_db, before), (before, home.control_db)):
        with closing(sqlite3.connect(source)) as whole, closing(sqlite3.connect(target)) as copy:
            whole.backup(copy)
        if target == before:
            with closing(sqlite3.connect(home.control_db)) as database, database:
                for statement in statements:
                    assert database.execute(statement).rowcount == 1
            yield


ONE = "model = 'plain' AND number = 1"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            f"UPDATE model_attestation SET body = json_set(body, '$.keep_until', '2026-01-01') WHERE {ONE} AND kind = 'archive'",
            "the archive of plain/1 .*: keep_until is not what the audit trail says",
        ),
        (
            f"UPDATE model_attestation SET actor = 'local:eve' WHERE {ONE} AND kind = 'approval'",
            "the approval of plain/1 .*: no event of the audit trail goes with it",
        ),
        (
            f"DELETE FROM model_attestation WHERE {ONE} AND kind = 'tombstone'",
            "the tombstone of plain/1 .*: the audit trail has it, and it is gone",
        ),
        (
            "INSERT INTO model_attestation (model, number, kind, at, actor, body) VALUES ('plain', 2, 'approval', 7, 'local:ada', '{}')",
            "the approval of plain/2 .*: no event",
        ),
    ],
)
def test_what_was_said_of_a_version_cannot_be_changed_beside_the_audit_trail(
    home: Home, statement: str, told: str
) -> None:
    with done_to_the_tables(home, statement):
        assert [problem for problem in verified(home).problems if re.search(told, problem)]
    assert verified(home).problems == ()


def test_a_signature_that_changed_where_it_is_not_signed_is_named(home: Home) -> None:
    file = next(home.attestations.glob("*/*.json"))
    place = file.read_bytes().index(b'"at":') + len(b'"at":') + 3
    with flipped(file, place, 1):
        assert any(file.name in problem for problem in verified(home).problems)
    assert verified(home).problems == ()


def test_a_hundred_flipped_bytes_are_all_found_and_named(home: Home) -> None:
    assert sum(try_flips(home, 110, 1).values()) == 110


@pytest.mark.soak
def test_a_thousand_flipped_bytes_are_all_found_and_named(home: Home) -> None:
    tried = try_flips(home, 1000, 2)
    assert sum(tried.values()) == 1000
    assert len(tried) == 11


def test_a_note_of_the_audit_head_that_does_not_fit_is_never_overwritten(home: Home, tmp_path: Path) -> None:
    copy = Home(tmp_path / "home")
    shutil.copytree(home.root, copy.root, symlinks=True)
    noted = json.loads(copy.audit_head.read_text())
    copy.audit_head.write_text(json.dumps(noted | {"count": noted["count"] + 1}))
    with Control.open(copy, FixedClock()) as control:
        perform(control, "tokens:create", role="viewer")
        assert any("audit.head" in problem for problem in perform(control, "verify").problems)


def test_repair_heals_either_copy_from_the_other_and_writes_down_which(home: Home, tmp_path: Path) -> None:
    copy = Home(tmp_path / "home")
    shutil.copytree(home.root, copy.root, symlinks=True)
    names = sorted({path.name for path in copy.second_copy.glob("*/*") if path.stat().st_size})
    ours, theirs, both = (names[each] for each in (0, 1, 2))
    for root, name in ((copy.blobs, ours), (copy.second_copy, theirs), (copy.blobs, both), (copy.second_copy, both)):
        _damage(root / name[:2] / name)
    with Control.open(copy, FixedClock()) as control:
        damaged = perform(control, "verify")
        assert not damaged.intact
        done = perform(control, "repair", reason="disk")
        assert {Path(healed).name for healed in done.healed} == {ours, theirs}
        assert done.lost == [f"sha256:{both}"]
        event = perform(control, "audit:log", limit=1)[0]
        assert (event.action, len(event.after["healed"])) == ("repair", 2)
        left = perform(control, "verify")
        assert all(both in problem for problem in left.problems)
        assert left.problems


def _damage(file: Path) -> None:
    file.chmod(0o644)
    file.write_bytes(b"\0" + file.read_bytes()[1:] + b"x")
