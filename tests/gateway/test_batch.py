"""Many decisions in one request at a running gateway: in order, each once, each in the log."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.house import TOKEN, House, ask, running

pytestmark = pytest.mark.processes

PATH = "/api/v1/applications/offers/decisions/batch"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("batch") / "home") as one:
        yield one


def row(number: int, a: float = 1.0) -> dict[str, Any]:
    return {"customer": f"c{number}", "a": a, "b": float(number)}


def send(house: House, body: Any, token: str = TOKEN, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    connection.request("POST", PATH, json.dumps(body), {"Authorization": f"Bearer {token}", **headers})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def ids(answer: Any) -> list[str]:
    return [one["decision_id"] for one in answer["answers"]]


def test_every_row_is_decided_as_it_would_be_alone_and_recorded(house: House) -> None:
    rows = [row(nth, a=-1.0 if nth % 3 == 0 else 1.0) for nth in range(700)]
    status, answer = send(house, {"rows": rows})
    assert (status, answer["decided"], answer["refused"]) == (200, 700, 0)
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    for nth in (0, 1, 500):
        alone = json.loads(ask(connection, rows[nth])[1])
        both = ("answer", "decided_by", "reasons", "rules", "model", "output", "status")
        assert [answer["answers"][nth][name] for name in both] == [alone[name] for name in both]
    connection.close()
    logged = {one["id"]: one for one in house.logged()}
    assert len(set(ids(answer))) == 700
    assert ids(answer) == sorted(ids(answer))
    assert {logged[name]["kind"] for name in ids(answer)} == {"decision"}
    assert max(one["predictions"][0]["batch"]["rows"] for one in logged.values() if one.get("predictions")) > 50


def test_a_bare_list_is_a_batch_and_the_header_names_its_run(house: House) -> None:
    rows = [row(1), row(2)]
    named = {"Idempotency-Key": "from the header"}
    _, first = send(house, rows, **named)
    _, again = send(house, {"rows": rows, "key": "from the header"})
    assert ids(first) == ids(again)
    status, problem = send(house, {"rows": rows, "key": "another"}, **named)
    assert (status, problem["code"]) == (422, "bad-batch")


def test_a_row_that_breaks_the_schema_has_its_problem_in_its_place(house: House) -> None:
    status, answer = send(house, {"rows": [row(1), {**row(2), "a": "much"}, {"customer": "x"}, row(3)]})
    assert (status, answer["decided"], answer["refused"]) == (200, 2, 2)
    problems = [one["problem"]["code"] if "problem" in one else "" for one in answer["answers"]]
    assert problems == ["", "bad-request", "bad-request", ""]
    assert (answer["answers"][1]["problem"]["field"], answer["answers"][1]["problem"]["status"]) == ("a", 422)


def test_a_poison_row_gets_the_fallback_and_the_others_their_own_answers(house: House) -> None:
    _, answer = send(house, {"rows": [row(nth, a=666.0 if nth == 3 else 1.0) for nth in range(300)]})
    assert [nth for nth, one in enumerate(answer["answers"]) if one["decided_by"] == "fallback"] == [3]


def test_the_same_key_gives_the_same_decisions_in_parts_or_whole_and_no_row_twice(house: House) -> None:
    rows = [row(nth) for nth in range(600)]
    _, first = send(house, {"rows": rows[:300], "key": "night"})
    _, second = send(house, {"rows": rows[300:], "key": "night", "first": 300})
    _, whole = send(house, {"rows": rows, "key": "night"})
    assert whole["answers"] == first["answers"] + second["answers"]
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    assert json.loads(ask(connection, rows[7], key="night/7")[1]) == whole["answers"][7]
    connection.close()
    _, changed = send(house, {"rows": [row(0, a=2.0)], "key": "night"})
    assert changed["answers"][0]["problem"]["code"] == "idempotency-key-reused"
    seen = [one["id"] for one in house.logged() if one["id"] in set(ids(whole))]
    assert len(seen) == len(set(seen)) == 600


def test_two_who_send_the_same_run_at_once_get_the_same_decisions(house: House) -> None:
    rows = [row(nth) for nth in range(1000)]
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(send(house, {"rows": rows, "key": "twins"}))) for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {status for status, _ in answers} == {200}
    assert len({tuple(ids(answer)) for _, answer in answers}) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("rows", 422, "bad-batch"),
        ({"rows": 1}, 422, "bad-batch"),
        ({"rows": [], "more": 1}, 422, "bad-batch"),
        ({"rows": [], "first": -1}, 422, "bad-batch"),
        ({"rows": [{}] * 10_001}, 413, "too-many-rows"),
        ({"rows": [], "key": ""}, 422, "bad-idempotency-key"),
    ],
)
def test_what_is_no_batch_is_refused(house: House, body: Any, status: int, code: str) -> None:
    found, problem = send(house, body)
    assert (found, problem["code"]) == (status, code)


def test_nobody_decides_without_a_token_and_no_row_is_an_empty_answer(house: House) -> None:
    assert send(house, {"rows": [row(1)]}, token="wrong")[0] == 401
    assert send(house, {"rows": []}) == (200, {"answers": [], "decided": 0, "refused": 0})


def test_single_decisions_hardly_wait_beside_a_large_batch(house: House) -> None:
    rows = [row(nth) for nth in range(10_000)]
    done: list[Any] = []
    batch = threading.Thread(target=lambda: done.append(send(house, {"rows": rows})))
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    batch.start()
    waits = []
    while not done:
        began = time.perf_counter()
        status, content = ask(connection, row(1))
        waits.append(time.perf_counter() - began)
        assert (status, json.loads(content)["decided_by"]) == (200, "model")
    batch.join()
    connection.close()
    assert done[0][1]["decided"] == 10_000
    assert sorted(waits)[len(waits) // 2] < 0.1
