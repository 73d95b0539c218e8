"""Proofs and checkpoints: whoever holds one old checkpoint sees every deletion, change and reordering."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.adapters.decision_log import check_log, merkle
from tenure.adapters.decision_log.checkpoints import Checkpoints, checkpoints_file, newest, read
from tenure.adapters.decision_log.proofs import LogShorter, NotSealed, Proofs
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.verify import verify_log
from tenure.adapters.decision_log.writer import LogWriter
from tenure.adapters.signing import BuilderKey
from tenure.kit.clock import FixedClock
from tests.decision_log.log_faults import NOON, decision

SCRIPT = Path(check_log.__file__)


def reference_root(entries: list[bytes]) -> bytes:
    """Return MTH as section 2.1.1 of RFC 9162 writes it."""
    if len(entries) <= 1:
        return merkle.leaf_hash(entries[0]) if entries else merkle.EMPTY_ROOT
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return merkle.node_hash(reference_root(entries[:split]), reference_root(entries[split:]))


def test_roots_and_proofs_are_those_of_rfc_9162_for_every_size_up_to_70() -> None:
    dice = random.Random(9162)
    entries = [dice.randbytes(32) for _ in range(70)]
    leaves = b"".join(entries)
    roots = [reference_root(entries[:size]) for size in range(71)]
    for size in range(71):
        assert merkle.Frontier().extended(entries[:size]).root == roots[size]
        for index in range(size):
            path = merkle.inclusion(leaves, index, size)
            assert check_log.root_of_path(merkle.leaf_hash(entries[index]), index, size, path) == roots[size]
        for old in range(1, size + 1):
            path = merkle.consistency(leaves, old, size)
            check_log.check_consistency(old, roots[old], size, roots[size], path)
            for wrong in (roots[old - 1], dice.randbytes(32)):
                with pytest.raises(check_log.Wrong):
                    check_log.check_consistency(old, wrong, size, roots[size], path)


def test_a_tree_may_be_grown_in_any_pieces() -> None:
    entries = [bytes([number]) * 32 for number in range(50)]
    tree = merkle.Frontier().extended(entries[:13]).extended(entries[13:14]).extended(entries[14:])
    assert tree == merkle.Frontier().extended(entries)


@pytest.fixture
def key(tmp_path: Path) -> BuilderKey:
    return BuilderKey(tmp_path / "keys")


def written(decisions: Path, key: BuilderKey, numbers: list[list[int]]) -> Path:
    """Return a log with one seal for each list of decisions."""
    writer = LogWriter.open(decisions, "gateway-1")
    for group in numbers:
        writer.append_all([decision(number, NOON + number) for number in group])
        Sealer(decisions, clock=FixedClock(NOON), lag=-10_000, checkpoints=Checkpoints(decisions, key)).seal()
    writer.close_now()
    return decisions


def held(decisions: Path, tmp_path: Path, size: int) -> Path:
    checkpoint = next(each for each in read(decisions) if each.size == size)
    file = tmp_path / f"held-{size}.json"
    file.write_text(json.dumps({"tenure_checkpoint": 1, "checkpoint": checkpoint.document}))
    return file


def asked(script: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(script), *map(str, files)], capture_output=True, text=True, check=False
    )


def test_every_seal_is_signed_and_every_record_proven_by_the_script_alone(tmp_path: Path, key: BuilderKey) -> None:
    log = written(tmp_path / "log", key, [list(range(7)), list(range(10, 15)), [20]])
    assert [each.size for each in read(log)] == [7, 12, 13]
    assert verify_log(log, key.public()) == []
    old = held(log, tmp_path, 7)
    for number in (0, 6, 12, 20):
        record_id = json.loads(decision(number, NOON + number))["id"]
        proof = tmp_path / "proof.json"
        proof.write_text(json.dumps(Proofs(log).inclusion(record_id, held=7)))
        said = asked(SCRIPT, proof, old)
        assert said.returncode == 0, said.stdout
        assert said.stdout.count("holds:") == 3
        assert (tmp_path / "proof.json").stat().st_size < 8000


def test_any_changed_character_of_a_proof_is_refused_by_the_script(tmp_path: Path, key: BuilderKey) -> None:
    log = written(tmp_path / "log", key, [list(range(7)), list(range(10, 15))])
    document = Proofs(log).inclusion(json.loads(decision(3, NOON + 3))["id"], held=7)
    kept = {"checkpoint": read(log)[0].document}
    assert len(check_log.check(document, kept)) == 3
    for change in (
        {"leaf": 4},
        {"record": document["record"].replace("A", "B", 1)},
        {"path": document["path"][:-1]},
        {"path": [*document["path"], "00" * 32]},
        {"consistency": {"from": 7, "path": []}},
        {"consistency": {"from": 7, "path": document["consistency"]["path"][::-1]}},
        {"checkpoint": document["checkpoint"] | {"note": document["checkpoint"]["note"].replace("\n12\n", "\n13\n")}},
    ):
        with pytest.raises(check_log.Wrong):
            check_log.check(document | change, kept)


def test_a_log_rewritten_with_every_hash_made_anew_does_not_fit_an_old_checkpoint(
    tmp_path: Path, key: BuilderKey
) -> None:
    """The forger has the home and its key: chain, leaves, Parquet, checkpoints are all made again, and all fit."""
    honest = [list(range(9)), list(range(10, 16))]
    old = held(written(tmp_path / "honest", key, honest), tmp_path, 9)
    swapped = [number if number not in (3, 4) else 7 - number for number in range(9)]
    forgeries = {
        "deleted": [[0, 1, 2, 3, 5, 6, 7, 8], [*range(10, 17)]],
        "deleted at the end": [list(range(8))],
        "exchanged": [[0, 1, 2, 3, 4, 5, 6, 7, 9], [*range(10, 16)]],
    }
    for called, numbers in forgeries.items():
        log = written(tmp_path / called, key, numbers)
        assert verify_log(log, key.public()) == [], "the forgery fits itself"
        document = _newest(log, 9)
        with pytest.raises(check_log.Wrong, match="removed|changed"):
            check_log.check(document, json.loads(old.read_text()))
    log = _reordered(tmp_path / "reordered", key, swapped)
    with pytest.raises(check_log.Wrong, match="changed or moved"):
        check_log.check(_newest(log, 9), json.loads(old.read_text()))


def _newest(log: Path, since: int) -> dict[str, object]:
    try:
        return Proofs(log).checkpoint(held=since)
    except LogShorter:
        return Proofs(log).checkpoint()


def _reordered(decisions: Path, key: BuilderKey, order: list[int]) -> Path:
    """Return a consistent log of the honest records in another order: each sealed by itself."""
    return written(decisions, key, [[number] for number in order] + [list(range(10, 16))])


def test_a_checkpoint_of_another_key_is_refused(tmp_path: Path, key: BuilderKey) -> None:
    honest = written(tmp_path / "log", key, [[1, 2]])
    other = written(tmp_path / "other", BuilderKey(tmp_path / "else"), [[1, 2]])
    with pytest.raises(check_log.Wrong, match="another key"):
        check_log.check(_newest(other, 2), {"checkpoint": read(honest)[0].document})
    assert any("another key" in str(problem) for problem in verify_log(other, key.public()))


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_any_flipped_byte_of_the_checkpoints_is_found_and_named(tmp_path: Path, key: BuilderKey, step: int) -> None:
    log = written(tmp_path / "log", key, [[1, 2, 3], [4], [5, 6]])
    file = checkpoints_file(log)
    content, dice = file.read_bytes(), random.Random(3)
    for place in range(0, len(content), step):  # each changed to any other
        changed = bytearray(content)
        changed[place] ^= dice.randrange(1, 256)
        file.write_bytes(bytes(changed))
        assert file in {problem.file for problem in verify_log(log, key.public())}, (place, bytes(changed[place:][:1]))


def test_a_torn_checkpoint_is_no_fault_and_the_next_seal_goes_on(tmp_path: Path, key: BuilderKey) -> None:
    log = written(tmp_path / "log", key, [[1, 2, 3], [4]])
    file = checkpoints_file(log)
    file.write_bytes(file.read_bytes()[:-40])
    assert verify_log(log, key.public()) == []
    Sealer(log, clock=FixedClock(NOON), checkpoints=Checkpoints(log, key)).seal()
    assert [each.size for each in read(log)] == [3, 4]
    assert verify_log(log, key.public()) == []


def test_a_log_from_before_checkpoints_gets_one_at_its_next_seal(tmp_path: Path, key: BuilderKey) -> None:
    log = written(tmp_path / "log", key, [[1, 2, 3]])
    checkpoints_file(log).unlink()
    assert newest(log) == (None, 0)
    Sealer(log, clock=FixedClock(NOON), checkpoints=Checkpoints(log, key)).seal()
    assert newest(log)[0] is not None


def test_what_is_not_sealed_or_not_there_is_refused_by_name(tmp_path: Path, key: BuilderKey) -> None:
    log = written(tmp_path / "log", key, [[1]])
    with pytest.raises(NotSealed):
        Proofs(log).inclusion("nothing")
    with pytest.raises(LogShorter, match="has 1"):
        Proofs(log).checkpoint(held=2)
