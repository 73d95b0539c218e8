"""Personal data: a pseudonym that is always the same, a ciphertext that one key opens, and that key destroyed."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tenure.adapters.decision_log.persons import PersonErased, Persons, UnreadablePersonal

MASTER = b"m" * 32
FIELDS = {"customer_id": "4711", "email": "anna@example.com", "age": 41}


def open_persons(home: Path) -> Persons:
    return Persons(home / "persons.db", MASTER)


def test_fields_come_back_and_never_stand_in_the_clear(tmp_path: Path) -> None:
    persons = open_persons(tmp_path)
    name = persons.pseudonym("4711")
    assert name == open_persons(tmp_path).pseudonym("4711")
    assert name != Persons(tmp_path / "persons.db", b"n" * 32).pseudonym("4711")
    text = persons.encrypt(name, FIELDS)
    assert text != persons.encrypt(name, FIELDS)
    assert "anna" not in text
    assert persons.decrypt(name, text) == FIELDS


def test_an_erased_person_is_unreadable_in_every_process_at_once(tmp_path: Path) -> None:
    gateway, control = open_persons(tmp_path), open_persons(tmp_path)
    name = gateway.pseudonym("4711")
    before = gateway.encrypt(name, FIELDS)
    gateway.sync()
    key = gateway._stored(name)
    assert key is not None
    assert control.erase(name)
    for persons in (gateway, control):
        with pytest.raises(PersonErased):
            persons.decrypt(name, before)
    for file in tmp_path.iterdir():
        assert key not in file.read_bytes(), f"{file.name} still holds the key"
    after = gateway.encrypt(name, FIELDS)
    assert control.decrypt(name, after) == FIELDS, "a person who comes back has a new key"
    with pytest.raises(PersonErased):
        control.decrypt(name, before)
    assert not control.erase(control.pseudonym("nobody"))


def test_after_an_erasure_was_acknowledged_no_process_writes_with_the_key(tmp_path: Path) -> None:
    gateways, control = [open_persons(tmp_path) for _ in range(3)], open_persons(tmp_path)
    for number in range(5):
        name = control.pseudonym(str(number))
        texts = [gateway.encrypt(name, FIELDS) for gateway in gateways]
        # They have looked a moment ago, and are not due to look again.
        assert control.erase(name)
        fresh = [gateway.encrypt(name, FIELDS) for gateway in gateways]
        assert [control.decrypt(name, text) for text in fresh] == [FIELDS] * 3
        for text in texts:
            with pytest.raises(PersonErased):
                control.decrypt(name, text)


def test_a_process_that_encrypts_on_and_on_lets_go_of_an_erased_key(tmp_path: Path) -> None:
    gateway, control = open_persons(tmp_path), open_persons(tmp_path)
    name = control.pseudonym("4711")
    gateway.encrypt(name, FIELDS)
    erased = threading.Event()

    def erase() -> None:
        control.erase(name)
        erased.set()

    thread = threading.Thread(target=erase)
    thread.start()
    while not erased.is_set():
        gateway.encrypt(gateway.pseudonym("another"), {})
        gateway.encrypt(name, FIELDS)
    written = [gateway.encrypt(name, FIELDS) for _ in range(10)]
    thread.join()
    assert [control.decrypt(name, text) for text in written] == [FIELDS] * 10


def test_a_ciphertext_opens_for_its_own_person_only(tmp_path: Path) -> None:
    persons = open_persons(tmp_path)
    anna, berta = persons.pseudonym("anna"), persons.pseudonym("berta")
    text = persons.encrypt(anna, FIELDS)
    persons.encrypt(berta, FIELDS)
    for name, changed in ((berta, text), (anna, text[:-8] + "AAAAAAA="), (anna, "?"), ("unknown", text)):
        with pytest.raises(UnreadablePersonal):
            persons.decrypt(name, changed)


def test_a_small_cache_forgets_nobody(tmp_path: Path) -> None:
    persons = Persons(tmp_path / "persons.db", MASTER, cached=2)
    names = [persons.pseudonym(str(number)) for number in range(10)]
    texts = [persons.encrypt(name, {"number": number}) for number, name in enumerate(names)]
    assert [persons.decrypt(name, text) for name, text in zip(names, texts, strict=True)] == [
        {"number": number} for number in range(10)
    ]
    assert all(persons.encrypt(name, {}) for name in names)
    assert open_persons(tmp_path).decrypt(names[3], persons.encrypt(names[3], FIELDS)) == FIELDS


def test_a_new_key_waits_for_a_sync_and_a_known_one_does_not(tmp_path: Path) -> None:
    one, other = open_persons(tmp_path), open_persons(tmp_path)
    name = one.pseudonym("4711")
    one.encrypt(name, FIELDS)
    assert one._wal.is_dirty
    other.encrypt(name, FIELDS)
    assert other._wal.is_dirty, "the other process may not have synced it yet"
    one.sync()
    other.sync()
    fresh = open_persons(tmp_path)
    fresh.encrypt(one.pseudonym("a"), {})
    fresh.sync()
    fresh.encrypt(name, FIELDS)
    assert not fresh._wal.is_dirty, "nobody committed since the last sync"


def test_the_log_syncs_keys_while_the_loop_makes_others(tmp_path: Path) -> None:
    persons, other = open_persons(tmp_path), open_persons(tmp_path)
    over = threading.Event()

    def sync_on_and_on() -> None:
        while not over.is_set():
            persons.sync()

    thread = threading.Thread(target=sync_on_and_on)
    thread.start()
    try:
        for number in range(300):
            (persons if number % 3 else other).encrypt(persons.pseudonym(str(number)), {})
    finally:
        over.set()
        thread.join()


RACE = """
import sys, time
from pathlib import Path
from tenure.adapters.decision_log.persons import Persons

persons = Persons(Path(sys.argv[1]), b"m" * 32)
time.sleep(max(0, float(sys.argv[2]) - time.time()))
for number in range(200):
    name = persons.pseudonym(str(number))
    print(number, persons.encrypt(name, {"number": number}))
    persons.sync()
"""


@pytest.mark.processes
def test_two_gateways_that_meet_a_person_at_once_agree_on_one_key(tmp_path: Path) -> None:
    import time

    start = str(time.time() + 1.0)
    command = [sys.executable, "-c", RACE, str(tmp_path / "persons.db"), start]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    persons = open_persons(tmp_path)
    for line in "".join(outputs).splitlines():
        number, text = line.split()
        assert persons.decrypt(persons.pseudonym(number), text) == {"number": int(number)}
