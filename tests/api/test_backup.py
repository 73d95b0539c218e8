"""A backup of a home that serves, and the home that it becomes again."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tenure.adapters.backup import DamagedBackup, NoBackup, NotEmpty, restore
from tenure.settings import Home
from tests.api.running import Running, brought_up

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.processes

APPLICATION = """
application: backed-up
entity: customer
personal: [customer]
request: {customer: string, a: float}
default: {answer: {offer: middle}, reason: R00}
reasons: {R00: neither}
"""
DECIDE = "/api/v1/applications/backed-up/decisions"


def asked(running: Running, verb: str, path: str, document: Any = None, **headers: str) -> tuple[int, Any]:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    status, _, body = running.ask(verb, path, document, {"Authorization": f"Bearer {running.token}"} | more)
    return status, json.loads(body)


@pytest.fixture(scope="module")
def backup(running: Running, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder made while decisions went on, and the answers by key that were there before it began."""
    assert asked(running, "POST", "/api/v1/applications", {"text": APPLICATION})[0] == 200
    before = {}
    for number in range(20):
        key = f"before-{number}"
        status, made = asked(running, "POST", DECIDE, {"customer": f"c{number}", "a": 1.0}, Idempotency_Key=key)
        assert status == 200
        before[key] = made["decision_id"]
    stop = threading.Event()

    def go_on() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            body = {"customer": f"d{number}", "a": 1.0}
            assert asked(running, "POST", DECIDE, body, Idempotency_Key=f"during-{number}")[0] == 200

    client = threading.Thread(target=go_on)
    client.start()
    folder = tmp_path_factory.mktemp("backup") / "copy"
    made = running.command("backup", str(folder), "--reason", "nightly")
    stop.set()
    client.join()
    assert made["files"] > 5
    return folder, before


def test_a_backup_comes_up_as_the_home_that_it_was(
    running: Running, backup: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, before = backup
    with brought_up(tmp_path, "--from", str(folder)) as again:
        assert again.token == running.token, "the owner's token is part of it"
        for number, (key, decision) in enumerate(before.items()):
            body = {"customer": f"c{number}", "a": 1.0}
            assert asked(again, "POST", DECIDE, body, Idempotency_Key=key)[1]["decision_id"] == decision
        found = asked(again, "GET", "/api/v1/decisions?application=backed-up&limit=1000")[1]["decisions"]
        assert set(before.values()) <= {one["decision_id"] for one in found}
        assert asked(again, "GET", "/api/v1/verify")[1]["intact"]
        assert asked(again, "GET", "/api/v1/audit/verify")[1]["intact"]


def test_a_backup_is_restored_whole_or_not_at_all(backup: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    folder, _ = backup
    home = Home(tmp_path / "home")
    with pytest.raises(NoBackup):
        restore(tmp_path, home)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(NotEmpty):
        restore(folder, Home(tmp_path / "full"))
    damaged = tmp_path / "damaged"
    restore(folder, Home(damaged))
    (damaged / "backup.json").write_bytes((folder / "backup.json").read_bytes())
    note = damaged / "audit.head"
    note.write_bytes(note.read_bytes()[:-1] + b"?")
    with pytest.raises(DamagedBackup, match="audit.head"):
        restore(damaged, home)
    assert not home.root.exists()
