"""What operators see: metrics that a dashboard can rely on, log lines that are JSON, and each request's names."""

import http.client
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.entrypoints.gateway.metrics import KINDS
from tenure.entrypoints.gateway.tracing import trace_of, traced
from tenure.kit.log_lines import CURRENT, Complaints, JsonLines, Request, message_of
from tests.faults.house import TOKEN, VIEWER, House, running

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana.json"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DECISIONS = "/api/v1/applications/offers/decisions"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("seeing") / "home", stand_in=True) as one:
        yield one


@pytest.fixture
def client(house: House) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    yield connection
    connection.close()


def test_the_dashboard_and_the_metrics_name_each_other() -> None:
    board = json.loads(DASHBOARD.read_text())
    asked = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    named = set(re.findall(r"tenure_[a-z_]+", asked))
    parts = {f"{name}{part}" for name in KINDS for part in ("", "_bucket", "_sum", "_count")}
    assert named <= parts, "the dashboard asks for what is not there"
    assert [name for name in KINDS if not any(one.startswith(name) for one in named)] == []


@pytest.mark.processes
def test_a_running_home_exposes_every_metric_and_every_label_the_dashboard_asks_for(
    house: House, client: http.client.HTTPConnection
) -> None:
    for a in (1.0, -1.0, 666.0):
        _asked(client, {"customer": "x", "a": a, "b": 1.0})
    _asked(client, {"customer": "x"})
    client.request("GET", "/metrics", headers={"Authorization": f"Bearer {VIEWER}"})
    text = client.getresponse().read().decode()
    assert set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) == set(KINDS)
    assert re.search(
        r'^tenure_batch_rows_bucket\{gateway="gateway-\d",version="plain/1",le="1"\} [1-9]', text, re.MULTILINE
    )
    assert re.search(r'^tenure_refused_total\{gateway="gateway-\d",code="bad-request"\} 1$', text, re.MULTILINE)
    assert 'tenure_process_up{process="worker plain/1"} 1' in text
    assert 'tenure_process_up{process="control"} 1' in text
    gateways = set(re.findall(r'tenure_worker_rows_in_flight\{gateway="([^"]+)",version="plain/1"\} 0', text))
    assert gateways == {"gateway-1", "gateway-2"}, "one scrape tells of all gateways"


@pytest.mark.processes
@pytest.mark.parametrize("path", [DECISIONS, "/api/v1/models", "/v2/models/plain/ready", "/nothing"])
def test_every_answer_says_which_request_it_was(client: http.client.HTTPConnection, path: str) -> None:
    method = "POST" if path == DECISIONS else "GET"
    body = json.dumps({"customer": "x", "a": 1.0, "b": 1.0}) if method == "POST" else None
    given = {"Authorization": f"Bearer {TOKEN}", "traceparent": PARENT, "X-Request-Id": "mine-1"}
    client.request(method, path, body, given)
    response = client.getresponse()
    response.read()
    assert response.getheader("x-request-id") == "mine-1"
    trace, span = (response.getheader("traceparent") or "").split("-")[1:3]
    assert (trace, span != PARENT.split("-")[2]) == (PARENT.split("-")[1], True)
    client.request(method, path, body, {"Authorization": f"Bearer {TOKEN}"})
    response = client.getresponse()
    response.read()
    made = response.getheader("traceparent") or ""
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", made)
    assert response.getheader("x-request-id") == made.split("-")[1]


@pytest.mark.processes
def test_the_callers_trace_stands_on_the_record_and_none_that_was_made_here(
    house: House, client: http.client.HTTPConnection
) -> None:
    body = {"customer": "x", "a": 1.0, "b": 1.0}
    with_one, without = _asked(client, body, traceparent=PARENT), _asked(client, body)
    records = {one["id"]: one for one in house.logged()}
    assert records[with_one["decision_id"]]["trace"] == PARENT.split("-")[1]
    assert "trace" not in records[without["decision_id"]]


@pytest.mark.processes
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v2/models/plain/infer",
            {"inputs": [{"name": name, "shape": [1], "datatype": "FP64", "data": [1.0]} for name in "ab"]},
        ),
        ("/models/plain/invocations", {"dataframe_records": [{"a": 1.0, "b": 1.0}]}),
    ],
)
def test_a_direct_call_of_a_model_keeps_the_callers_trace_too(
    house: House, client: http.client.HTTPConnection, path: str, body: dict[str, object]
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", "traceparent": PARENT}
    client.request("POST", path, json.dumps(body), headers)
    response = client.getresponse()
    said, call = response.read(), response.getheader("x-tenure-call")
    assert response.status == 200, said
    assert {one["id"]: one for one in house.logged()}[call]["trace"] == PARENT.split("-")[1]


@pytest.mark.processes
def test_the_log_of_every_process_of_ours_is_json_lines(house: House) -> None:
    for name in ("supervisor", "gateway-1"):
        lines = (house.home.logs / f"{name}.log").read_text().splitlines()
        assert all({"time", "level", "process", "pid", "message"} <= json.loads(line).keys() for line in lines)


def _asked(client: http.client.HTTPConnection, body: dict[str, object], **headers: str) -> dict[str, str]:
    client.request("POST", DECISIONS, json.dumps(body), {"Authorization": f"Bearer {TOKEN}", **headers})
    answer: dict[str, str] = json.loads(client.getresponse().read())
    return answer


def logger(written: io.StringIO) -> logging.Logger:
    """Return a logger that writes there alone."""
    log = logging.getLogger("tenure.test")
    log.handlers, log.propagate = [logging.StreamHandler(written)], False
    return log


@pytest.mark.parametrize(
    ("parent", "trace"),
    [
        (PARENT, PARENT.split("-")[1]),
        (PARENT.replace("00-", "cc-") + "-what-comes-later", PARENT.split("-")[1]),
        (PARENT.replace("00-", "ff-"), ""),
        (PARENT + "-more", ""),
        (PARENT.upper(), ""),
        ("00-" + "0" * 32 + "-b7ad6b7169203331-01", ""),
        ("00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01", ""),
        ("", ""),
    ],
)
def test_a_traceparent_is_taken_if_it_is_one(parent: str, trace: str) -> None:
    assert trace_of([(b"traceparent", parent.encode())]) == trace


@given(st.binary(max_size=80), st.binary(max_size=200))
def test_no_header_makes_an_answer_that_is_no_http(parent: bytes, request: bytes) -> None:
    names = traced([(b"traceparent", parent), (b"x-request-id", request)])
    for _, value in names.headers:
        assert re.fullmatch(rb"[\x21-\x7e]{1,128}", value)


def test_a_line_tells_of_its_request_and_its_error() -> None:
    written = io.StringIO()
    log = logger(written)
    log.handlers[0].setFormatter(JsonLines("gateway-7"))
    CURRENT.set(Request("r-1", PARENT))
    try:
        raise ValueError("wörd")
    except ValueError:
        log.exception("it failed %d times", 3)
    CURRENT.set(None)
    line = json.loads(written.getvalue())
    assert (line["process"], line["level"], line["message"]) == ("gateway-7", "error", "it failed 3 times")
    assert (line["request_id"], line["traceparent"]) == ("r-1", PARENT)
    assert "ValueError: wörd" in line["exception"]
    assert message_of(written.getvalue().strip()) == "it failed 3 times (ValueError: wörd)"
    assert message_of("refused: plain words") == "refused: plain words"


def test_what_goes_wrong_again_and_again_is_said_once_a_second_with_how_often() -> None:
    written, now = io.StringIO(), [0.0]
    complaints = Complaints(logger(written), lambda: now[0])
    for _ in range(5):
        complaints.say("disk-full", "the disk is full")
    complaints.say("other", "something else")
    now[0] = 1.5
    complaints.say("disk-full", "the disk is full")
    assert written.getvalue().splitlines() == [
        "disk-full: the disk is full",
        "other: something else",
        "disk-full: the disk is full (4 more since the last line)",
    ]
