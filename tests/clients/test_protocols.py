"""Clients of other makers, unmodified and in an environment of their own, at a real gateway."""

import base64
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from tests.faults.house import TOKEN, House, running

pytestmark = pytest.mark.processes

HERE = Path(__file__).parent
A_ROW = {"inputs": [{"name": n, "shape": [1], "datatype": "FP64", "data": [1.0]} for n in ("a", "b")]}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("clients") / "home") as one:
        one.publish(1, running=(1, 2))
        one.announce()
        yield one


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of the clients' environment, made from its hash-locked requirements."""
    environment = tmp_path_factory.mktemp("environment")
    found = environment / "bin" / "python"
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, environment], check=True)
    locked = HERE / "requirements.txt"
    subprocess.run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", found, locked], check=True)
    return found


@pytest.mark.parametrize("script", ["triton_client.py", "mlflow_client.py"])
def test_an_unmodified_client_gets_what_it_expects(house: House, python: Path, script: str) -> None:
    command: list[str | Path] = [python, HERE / script, f"127.0.0.1:{house.port}", TOKEN]
    told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stderr


def say(house: House, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    content = body if isinstance(body, bytes | None) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, content, {"Authorization": f"Bearer {TOKEN}", **named})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    is_json = answer[:1] in (b"{", b"[")
    return response.status, json.loads(answer) if is_json else answer, dict(response.getheaders())


def test_every_row_of_a_call_is_in_the_log_before_its_answer(house: House) -> None:
    rows = [{"a": 1.0, "b": 2.0}, {"a": 666.0, "b": 0.0}]
    status, document, headers = say(house, "POST", "/v2/models/plain/infer", A_ROW)
    assert (status, document["outputs"][0]["data"]) == (200, [2.0])
    record = next(one for one in house.logged() if one["id"] == headers["x-tenure-call"])
    assert (record["kind"], record["application"], record["protocol"]) == ("prediction", "model:plain", "oip")
    assert (record["request"], record["actor"]) == ({"a": 1.0, "b": 1.0}, "t1")
    served = record["predictions"][0]
    assert (served["role"], served["version"], served["output"]) == ("served", 1, {"score": 2.0})
    assert base64.b64decode(served["raw"])

    before = time.time_ns() // 1000
    path = "/models/plain/invocations"
    assert say(house, "POST", path, {"dataframe_records": rows}, Content_Type="application/json")[0] == 400
    logged = sorted((one for one in house.logged() if one["at"] >= before), key=lambda one: one["id"])
    assert [(one.get("row", 0), one["predictions"][0].get("failure", "")) for one in logged] == [(0, ""), (1, "raised")]
    assert {one["call"] for one in logged} == {logged[0]["id"]}


def test_csv_is_scored_and_other_types_are_refused_in_words(house: House) -> None:
    path = "/models/plain/invocations"
    assert say(house, "POST", path, b"a,b\n1,2\n3,4\n", Content_Type="text/csv")[:2] == (200, {"predictions": [3, 7]})
    status, text, _ = say(house, "POST", path, b"a,b\n", Content_Type="text/plain")
    assert (status, text[:10]) == (415, b"this route")
    assert say(house, "GET", "/models/plain/health")[:2] == (200, b"\n")


@pytest.mark.parametrize("path", ["/v2/models/plain/infer", "/models/plain/invocations", "/v2/models/plain", "/v2"])
def test_nobody_is_served_without_a_token(house: House, path: str) -> None:
    method = "POST" if path.endswith(("infer", "invocations")) else "GET"
    status, document, headers = say(house, method, path, A_ROW if method == "POST" else None, Authorization="")
    assert status == 401
    assert "Basic" in headers["www-authenticate"]
    assert set(document) in ({"error"}, {"error_code", "message"})


def test_health_needs_no_token_and_what_is_not_there_is_said_in_the_protocols_own_form(house: House) -> None:
    assert say(house, "GET", "/v2/health/live", Authorization="")[1] == {"live": True}
    assert say(house, "GET", "/v2/health/ready", Authorization="")[1] == {"live": True, "ready": True}
    assert say(house, "GET", "/v2/models")[1] == {"models": ["plain"]}
    assert say(house, "GET", "/v2/models/plain@x/ready")[:1] == (404,)
    assert say(house, "GET", "/v2/repository/index")[:2] == (
        404,
        {"error": "nothing is served at /v2/repository/index"},
    )
    assert say(house, "GET", "/v2/models/plain/versions/champion/ready")[1] == {"name": "plain", "ready": True}


def test_a_bomb_and_a_body_beyond_the_bound_are_refused(house: House) -> None:
    import gzip

    bomb = gzip.compress(bytes(50 << 20))
    status, document, _ = say(house, "POST", "/v2/models/plain/infer", bomb, Content_Encoding="gzip")
    assert (status, list(document)) == (413, ["error"])
    status, document, _ = say(house, "POST", "/v2/models/plain/infer", bytes(33 << 20))
    assert (status, list(document)) == (413, ["error"])
