"""What clients meet at a running gateway: problems, bounds, deadlines, health, metrics, and the way to control."""

import asyncio
import contextlib
import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tenure.entrypoints.gateway.patience import MOST_EXCESS
from tenure.kit.digests import digest_of
from tenure.serving import sockets
from tests.faults.house import TOKEN, VIEWER, House, ask, running

pytestmark = pytest.mark.processes

BODY = {"customer": "x", "a": 1.0, "b": 1.0}
DECISIONS = "/api/v1/applications/offers/decisions"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("gateway") / "home") as one:
        yield one


@pytest.fixture
def client(house: House) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    yield connection
    connection.close()


def say(
    client: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    content = body if isinstance(body, bytes | None) else json.dumps(body)
    client.request(method, path, content, {name.replace("_", "-"): value for name, value in headers.items()})
    response = client.getresponse()
    answer = response.read()
    return response.status, json.loads(answer) if answer[:1] in b"{[" else answer


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        (DECISIONS, BODY, {}, 401, "unauthenticated"),
        (DECISIONS, BODY, {"Authorization": "Bearer wrong"}, 401, "unauthenticated"),
        (DECISIONS, {**BODY, "a": "much"}, {"Authorization": f"Bearer {TOKEN}"}, 422, "bad-request"),
        (DECISIONS, b"{", {"Authorization": f"Bearer {TOKEN}"}, 400, "malformed-json"),
        (DECISIONS.replace("offers", "nobody"), BODY, {"Authorization": f"Bearer {TOKEN}"}, 404, "unknown-application"),
        (DECISIONS, b"x" * (2 << 20), {"Authorization": f"Bearer {TOKEN}"}, 413, "body-too-large"),
        (
            DECISIONS,
            BODY,
            {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "k" * 300},
            422,
            "bad-idempotency-key",
        ),
        ("/api/v1/outcomes", BODY, {"Authorization": f"Bearer {TOKEN}"}, 422, "outcome-refused"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_that_says_why(
    client: http.client.HTTPConnection, path: str, body: Any, headers: dict[str, str], status: int, code: str
) -> None:
    client.request("POST", path, body if isinstance(body, bytes) else json.dumps(body), headers)
    response = client.getresponse()
    problem = json.loads(response.read())
    assert (response.status, problem["code"], problem["status"]) == (status, code, status)
    assert response.getheader("content-type") == "application/problem+json"
    assert problem["detail"]
    assert problem["next_step"]


@pytest.mark.parametrize("path", [DECISIONS, f"{DECISIONS}/batch", "/api/v1/outcomes"])
def test_another_verb_than_post_is_refused_with_the_one_there_is(client: http.client.HTTPConnection, path: str) -> None:
    assert say(client, "GET", path)[0] == 401
    client.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
    response = client.getresponse()
    problem = json.loads(response.read())
    assert (response.status, response.getheader("allow"), problem["code"]) == (405, "POST", "wrong-verb")


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/health/live", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/v2/health/live", "GET, HEAD"),
        ("/v2/models/churn", "GET, HEAD"),
        ("/models/churn/ping", "GET, HEAD"),
        ("/models/churn/invocations", "POST"),
        ("/v2/models/churn/infer", "POST"),
    ],
)
def test_whatever_a_gateway_answers_itself_names_its_verbs(
    client: http.client.HTTPConnection, path: str, allow: str
) -> None:
    client.request("DELETE", path, headers={"Authorization": f"Bearer {TOKEN}"})
    response = client.getresponse()
    assert path in response.read().decode()
    assert (response.status, response.getheader("allow")) == (405, allow)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/v2/health/live"])
def test_head_is_answered_as_get_without_its_body(client: http.client.HTTPConnection, path: str) -> None:
    client.request("HEAD", path)
    response = client.getresponse()
    assert (response.status, response.read()) == (200, b"")


def test_a_packed_body_is_unpacked_and_one_that_is_no_such_thing_is_refused(client: http.client.HTTPConnection) -> None:
    named = {"Authorization": f"Bearer {TOKEN}", "Content-Encoding": "gzip"}
    packed = gzip.compress(json.dumps(BODY).encode())
    for content, told in ((packed, (200, None)), (b"{}", (422, "bad-compression"))):
        for chunks in (content, iter([content])):
            client.request("POST", DECISIONS, chunks, named)
            response = client.getresponse()
            assert (response.status, json.loads(response.read()).get("code")) == told


def test_a_wrong_field_is_named(client: http.client.HTTPConnection) -> None:
    status, problem = say(client, "POST", DECISIONS, {**BODY, "a": "much"}, Authorization=f"Bearer {TOKEN}")
    assert (status, problem["field"]) == (422, "a")


def test_a_token_is_also_taken_as_basic_password(client: http.client.HTTPConnection) -> None:
    import base64

    basic = base64.b64encode(f"anyone:{TOKEN}".encode()).decode()
    status, answer = say(client, "POST", DECISIONS, BODY, Authorization=f"Basic {basic}")
    assert (status, answer["decided_by"]) == (200, "model")


def test_an_answer_says_what_the_rules_and_the_model_said(client: http.client.HTTPConnection) -> None:
    _, large = say(client, "POST", DECISIONS, {**BODY, "a": 150.0}, Authorization=f"Bearer {TOKEN}")
    assert (large["answer"], large["rules"], large["output"]) == ({"offer": "large"}, ["large"], {"score": 151.0})
    _, small = say(client, "POST", DECISIONS, {**BODY, "a": -1.0}, Authorization=f"Bearer {TOKEN}")
    assert (small["answer"], small["decided_by"], small["model"]) == ({"offer": "small"}, "rule", None)


def test_a_model_that_raises_leaves_the_fallback_and_its_error_on_the_record(
    house: House, client: http.client.HTTPConnection
) -> None:
    _, answer = say(client, "POST", DECISIONS, {**BODY, "a": 666.0}, Authorization=f"Bearer {TOKEN}")
    assert (answer["decided_by"], answer["reasons"][0]["code"], answer["output"]) == ("fallback", "R90", None)
    record = next(one for one in house.logged() if one["id"] == answer["decision_id"])
    assert record["predictions"][0]["failure"] == "raised"
    assert "the devil is in row" in record["predictions"][0]["error"]


def test_outcomes_are_recorded_one_or_many(house: House, client: http.client.HTTPConnection) -> None:
    _, decision = say(client, "POST", DECISIONS, BODY, Authorization=f"Bearer {TOKEN}")
    one = {"application": "offers", "decision_id": decision["decision_id"], "value": True}
    status, answer = say(
        client, "POST", "/api/v1/outcomes", [one, {**one, "value": False}], Authorization=f"Bearer {TOKEN}"
    )
    assert (status, answer["recorded"]) == (200, 2)
    records = [each for each in house.logged() if each["id"] in answer["ids"]]
    assert [(each["kind"], each["decision"], each["name"], each["value"]) for each in records] == [
        ("outcome", decision["decision_id"], "left", True),
        ("outcome", decision["decision_id"], "left", False),
    ]
    status, problem = say(client, "POST", "/api/v1/outcomes", {**one, "value": 3}, Authorization=f"Bearer {TOKEN}")
    assert (status, problem["code"]) == (422, "outcome-refused")


def test_one_key_sent_many_times_at_once_to_both_gateways_decides_once(house: House) -> None:
    answers: list[tuple[int, bytes]] = []

    def once() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
        answers.append(ask(connection, BODY, "sixty-four"))
        connection.close()

    threads = [threading.Thread(target=once) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 64
    assert len(set(answers)) == 1
    assert answers[0][0] == 200
    key = digest_of(b"sixty-four")
    assert len([one for one in house.logged() if one.get("key") == key]) == 1


def test_health_is_open_and_whoever_reads_sees_the_metrics_of_all_gateways(client: http.client.HTTPConnection) -> None:
    say(client, "POST", DECISIONS, BODY, Authorization=f"Bearer {TOKEN}")
    assert say(client, "GET", "/health/live") == (200, {"status": "live"})
    assert say(client, "GET", "/health/ready")[0] == 200
    assert say(client, "GET", "/metrics")[0] == 401
    assert say(client, "GET", "/metrics", Authorization=f"Bearer {TOKEN}")[0] == 403
    status, text = say(client, "GET", "/metrics", Authorization=f"Bearer {VIEWER}")
    lines = text.decode().splitlines()
    assert status == 200
    assert {'tenure_generation{gateway="gateway-1"} 1', 'tenure_generation{gateway="gateway-2"} 1'} <= set(lines)
    assert 'tenure_restarts_total{process="worker plain/1"} 0' in lines
    assert any(line.startswith("tenure_decisions_total{") for line in lines)
    for stage in ("admit", "features", "rules", "model", "record", "commit", "answer"):
        numbers = [float(line.split()[-1]) for line in lines if f'stage="{stage}"' in line]
        assert len(numbers) == 4, "a sum and a count from each gateway"
        assert max(numbers) > 0
    assert len([line for line in lines if line.startswith("# TYPE tenure_request_seconds ")]) == 1


def test_clients_that_come_at_once_are_shared_by_the_gateways(house: House) -> None:
    clients = [http.client.HTTPConnection("127.0.0.1", house.port, timeout=60) for _ in range(40)]
    for one in clients:
        one.connect()
    house.wait_until(lambda: sum(_connections(clients[0])) >= 40, 90)
    assert min(_connections(clients[0])) >= 5
    for one in clients:
        one.close()


def _connections(client: http.client.HTTPConnection) -> list[int]:
    lines = say(client, "GET", "/metrics", Authorization=f"Bearer {VIEWER}")[1].decode().splitlines()
    return [int(line.split()[-1]) for line in lines if line.startswith("tenure_connections{")]


def test_half_a_header_is_cut_off_and_others_are_served_meanwhile(
    house: House, client: http.client.HTTPConnection
) -> None:
    with (
        socket.create_connection(("127.0.0.1", house.port)) as slow,
        socket.create_connection(("127.0.0.1", house.port)) as silent,
    ):
        slow.sendall(b"POST /api/v1/outcomes HTTP/1.1\r\nHost: x\r\nX-Slow")
        began = time.monotonic()
        assert say(client, "POST", DECISIONS, BODY, Authorization=f"Bearer {TOKEN}")[0] == 200
        for one in (slow, silent):
            one.settimeout(10)
            assert b" 408 " in _all_of(one)
        assert time.monotonic() - began < 5


def test_a_body_that_trickles_and_a_header_without_end_are_cut_off(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.port)) as trickle:
        trickle.settimeout(10)
        trickle.sendall(f"POST {DECISIONS} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{{".encode())
        assert b" 408 " in _all_of(trickle)
    with socket.create_connection(("127.0.0.1", house.port)) as endless:
        endless.settimeout(10)
        with contextlib.suppress(OSError):
            for _ in range(200):
                endless.sendall(b"GET / HTTP/1.1\r\n" if _ == 0 else b"X-More: " + b"y" * 1000 + b"\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b" 431 " in _all_of(endless)


@pytest.mark.parametrize("announced", [True, False], ids=["by its length", "in chunks"])
def test_a_body_of_a_gigabyte_is_refused_before_it_is_read_and_its_sender_cut_off(
    house: House, announced: bool
) -> None:
    form = f"Content-Length: {1 << 30}" if announced else "Transfer-Encoding: chunked"
    head = f"POST {DECISIONS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n{form}\r\n\r\n"
    piece = b"x" * (1 << 16) if announced else b"%x\r\n%s\r\n" % (1 << 16, b"x" * (1 << 16))
    before = _memory(house)
    with socket.create_connection(("127.0.0.1", house.port)) as greedy:
        greedy.settimeout(10)
        greedy.sendall(head.encode())
        sent = 0
        if announced:
            # The answer is there before a byte of the body was sent.
            assert greedy.recv(1 << 16).startswith(b"HTTP/1.1 413 ")
        with contextlib.suppress(OSError):
            while sent < 1 << 30:
                greedy.sendall(piece)
                sent += len(piece)
    # What the two kernels' buffers hold (some 40 MB) comes on top of what the gateway reads on.
    assert sent < MOST_EXCESS + (64 << 20)
    assert _memory(house) - before < 32 << 20


def _memory(house: House) -> int:
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in house.gateway_pids()]
    return sum(int(text.split("VmRSS:")[1].split()[0]) << 10 for text in texts)


def test_what_is_no_http_is_refused(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.port)) as strange:
        strange.settimeout(5)
        strange.sendall(b"\x00\x01\x02 hello\r\n\r\n")
        assert b" 400 " in _all_of(strange)


def test_without_control_its_routes_say_when_to_come_back_and_decisions_go_on(
    client: http.client.HTTPConnection,
) -> None:
    client.request("GET", "/api/v1/models", headers={})
    response = client.getresponse()
    problem = json.loads(response.read())
    assert (response.status, problem["code"], response.getheader("retry-after")) == (503, "control-unavailable", "5")
    assert say(client, "POST", DECISIONS, BODY, Authorization=f"Bearer {TOKEN}")[0] == 200


def test_everything_else_is_relayed_to_control_unread_and_marked(
    house: House, client: http.client.HTTPConnection
) -> None:
    with control(house.home.control_socket) as seen:
        big = b"p" * (3 << 20)
        status, answer = say(client, "POST", "/api/v1/x?y=1%202", big, X_Tenure_Relay="0", Authorization="Bearer t")
        assert (status, answer) == (201, {"got": len(big)})
        request = seen[0]
        assert request["target"] == "/api/v1/x?y=1%202"
        assert request["headers"]["x-tenure-relay"] == ["1"]
        assert request["headers"]["authorization"] == ["Bearer t"]
        client.request(
            "POST", "/chunks", iter([b"abc", b"def"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
        )
        assert json.loads(client.getresponse().read()) == {"got": 6}
        # HTTP/1.0 knows no Host, and what is none would be our fault in what reads it.
        for said, told in ((b"", "localhost"), (b"Host: a:b\r\n", "localhost"), (b"Host: a.b:80\r\n", "a.b:80")):
            with socket.create_connection(("127.0.0.1", house.port), timeout=10) as plain:
                plain.sendall(b"GET /plain HTTP/1.0\r\n" + said + b"\r\n")
                assert plain.makefile("rb").read().startswith(b"HTTP/1.1 201")
            assert seen[-1]["headers"]["host"] == [told]


@contextlib.contextmanager
def control(path: Path) -> Iterator[list[dict[str, Any]]]:
    """Stand where control stands: count the body's bytes, and answer."""
    seen: list[dict[str, Any]] = []
    loop = asyncio.new_event_loop()
    listener = sockets.listen_unix(path)
    server = loop.run_until_complete(asyncio.start_unix_server(_answering(seen), sock=listener))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()
        path.unlink()


def _answering(seen: list[dict[str, Any]]) -> Callable[..., Any]:
    import h11

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer, got = h11.Connection(h11.SERVER), 0
        while not isinstance(event := peer.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                peer.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                headers: dict[str, list[str]] = {}
                for name, value in event.headers:
                    headers.setdefault(name.decode(), []).append(value.decode())
                seen.append({"target": event.target.decode(), "headers": headers})
            elif isinstance(event, h11.Data):
                got += len(event.data)
        content = json.dumps({"got": got}).encode()
        head = h11.Response(status_code=201, headers=[("content-length", str(len(content))), ("date", "never")])
        writer.write((peer.send(head) or b"") + (peer.send(h11.Data(data=content)) or b""))
        await writer.drain()
        writer.close()

    return answer


def _all_of(connection: socket.socket) -> bytes:
    content = b""
    while piece := connection.recv(65536):
        content += piece
    return content
