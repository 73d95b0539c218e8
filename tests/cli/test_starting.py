"""What `tenure up` starts when it is not told."""

import json
import socket
from pathlib import Path

import pytest

from tenure.settings import default_gateways
from tests.commands import ran


@pytest.mark.parametrize(("cores", "gateways"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 8)])
def test_there_is_one_gateway_for_every_two_cores_and_always_one(cores: int, gateways: int) -> None:
    assert default_gateways(cores) == gateways


def test_a_port_that_is_anothers_is_refused_in_a_sentence(tmp_path: Path) -> None:
    home = {"TENURE_HOME": str(tmp_path / "home")}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = ran(["up", "--detach", "--port", str(port), "--json"], home)
    problem = json.loads(done.stderr)
    assert (done.returncode, problem["code"]) == (1, "cannot-listen")
    assert f"127.0.0.1 port {port}" in problem["detail"]
    assert "--port 0" in problem["next_step"]
    assert ran(["up", "--port", "99999", "--json"], home).returncode == 2
