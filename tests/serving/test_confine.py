"""The limits of a process that runs a model's code, as that process meets them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tenure.model.package import BatchForm
from tenure.serving import launch, oneshot
from tenure.worker import confine
from tests.worker.packages import PLAIN, Maker, interpreters

pytestmark = pytest.mark.processes

#: one attempt for each limit; what happened goes out as JSON
ATTEMPTS = """
import json, os, socket, subprocess, sys
def attempt(act):
    try:
        return repr(act())
    except (OSError, MemoryError) as error:
        return type(error).__name__
found = {
    "inet": attempt(lambda: socket.socket(socket.AF_INET) and 1),
    "inet6": attempt(lambda: socket.socket(socket.AF_INET6) and 1),
    "netlink": attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) and 1),
    "unix": attempt(lambda: socket.socketpair() and 1),
    "child": subprocess.run(
        [sys.executable, "-c", "import socket; socket.socket(socket.AF_INET)"], stderr=subprocess.DEVNULL
    ).returncode,
    "small": attempt(lambda: len(bytearray(64 << 20))),
    "large": attempt(lambda: len(bytearray(400 << 20))),
    "files": attempt(lambda: len([open("/dev/null") for _ in range(1100)])),
    "told": json.loads(os.environ["TENURE_LIMITS"]),
    "library_path": os.environ.get("LD_LIBRARY_PATH"),
}
print(json.dumps(found))
"""


def attempted(python: Path, program: str = ATTEMPTS, **worker: Any) -> dict[str, Any]:
    given = {"memory": 300 << 20, "library_path": "/of/the/model", **worker}
    command = [*launch.confining(given), str(python), "-c", program]
    run = subprocess.run(command, env=launch.environ(given), capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("python", interpreters())
def test_a_process_has_no_network_and_bounded_memory_and_files_whatever_its_python(python: Path) -> None:
    found = attempted(python)
    assert (found["inet"], found["inet6"], found["netlink"]) == ("PermissionError",) * 3
    assert found["child"] != 0, "what it starts has no network either"
    assert found["unix"] == "1"
    assert (found["small"], found["large"], found["files"]) == (str(64 << 20), "MemoryError", "OSError")
    assert found["told"] == {"memory": 300 << 20, "files": 1024, "network": "none", "why": "seccomp"}
    assert found["library_path"] == "/of/the/model"


def test_a_card_that_asks_for_the_network_gets_it_and_it_is_told() -> None:
    found = attempted(Path(sys.executable), network=True)
    assert found["inet"] == "1"
    assert (found["told"]["network"], found["told"]["why"]) == ("open", "the card asks for it")


def test_memory_beyond_most_of_the_machines_is_not_granted() -> None:
    machine = confine.machine_memory()
    told = attempted(Path(sys.executable), memory=4 * machine)["told"]
    assert told["memory"] == int(0.75 * machine)


WITHOUT_FILTERS = """
import json, socket
from tenure.worker import confine
confine._MACHINES.clear()
{more}
told = confine.take({{"memory": 1 << 30, "files": 64, "network": False}})
try:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError as error:
    reached = error.strerror
print(json.dumps({{"told": told, "reached": reached}}))
"""


def test_where_system_calls_cannot_be_filtered_a_network_of_its_own_takes_their_place_or_it_is_told() -> None:
    found = _taken("")
    if found["told"]["network"] == "none":
        assert (found["told"]["why"], found["reached"]) == ("namespace", "Network is unreachable")
    else:
        assert found["told"]["why"].startswith("this machine allows no limit: seccomp: not known")


def test_where_nothing_cuts_the_network_off_this_is_told() -> None:
    found = _taken('confine._separate = lambda: "Operation not permitted"')
    assert found["reached"] == "Connection refused"
    assert found["told"]["network"] == "open"
    assert found["told"]["why"].endswith("namespace: Operation not permitted")


def _taken(more: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_FILTERS.format(more=more)], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_the_filter_is_the_same_on_every_architecture_but_for_its_numbers() -> None:
    programs = [confine.filter_program(machine) for machine in confine._MACHINES.values()]
    assert [len(program) for program in programs] == [80, 80]
    assert len({program[16:24] for program in programs}) == 1


def test_a_command_that_cannot_be_started_says_so() -> None:
    command = [*launch.confining({}), "/not/there"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (127, "/not/there cannot be started: No such file or directory\n")


def test_a_model_that_fetches_something_while_it_loads_is_refused_where_its_card_asks_for_no_network(
    tmp_path: Path,
) -> None:
    made = Maker(tmp_path, Path(sys.executable)).plain("import socket\nsocket.socket()\n" + PLAIN)
    with (
        pytest.raises(oneshot.NotLoaded, match="Permission denied"),
        oneshot.started(made.worker, made.version, "plain", 1),
    ):
        pass


def test_a_worker_says_in_its_welcome_which_limits_hold(tmp_path: Path) -> None:
    made = Maker(tmp_path, Path(sys.executable)).plain(batch=BatchForm("multiple", 8))
    with oneshot.started(made.worker, made.version, "plain", 1) as asked:
        limits = asked.hello["limits"]
    assert (limits["network"], limits["memory"], limits["files"]) == ("none", launch.MEMORY, launch.FILES)
