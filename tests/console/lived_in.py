"""A home that people have worked in: applications, a model with three versions, decisions, reviews, outcomes, an alert.

python -m tests.console.lived_in FOLDER     make one, print its address and an admin's token, keep it up until Enter
"""

import contextlib
import http.client
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenure.app import packaging
from tenure.app.packaging import PackageSource
from tenure.client.client import Client
from tenure.client.connection import Connection
from tenure.serving import announce, front
from tenure.serving.front import Front
from tenure.settings import Home, Workshop

COLUMNS = ("n_orders", "days_since_order", "monthly_fee", "complaints")
_CODE = """
import json, math, os

class Churn:
    def load(self, folder):
        with open(os.path.join(folder, "weights.json")) as file:
            self.weights = json.load(file)

    def predict(self, rows):
        return [{"score": 1 / (1 + math.exp(-self.logit(row)))} for row in rows]

    def logit(self, row):
        return self.weights["bias"] + sum(self.weights[name] * value for name, value in row.items())
"""
_WEIGHTS = (
    {"bias": -1.0, "n_orders": -0.03, "days_since_order": 0.02, "monthly_fee": 0.004, "complaints": 0.4},
    {"bias": -1.3, "n_orders": -0.04, "days_since_order": 0.025, "monthly_fee": 0.006, "complaints": 0.55},
    {"bias": -1.4, "n_orders": -0.035, "days_since_order": 0.03, "monthly_fee": 0.005, "complaints": 0.6},
)
CHURN = """\
# Who gets an offer to stay. Somebody of whom we know too little is welcomed; for the others the model is asked.
application: churn-offers
project: retention
owner: crm@example.com
entity: customer_id
personal: [customer_id]
request:
  customer_id: string
  monthly_fee: {type: float, minimum: 0}
  channel: {type: string, values: [app, shop, phone]}
features:
  - {view: customer_activity, key: customer_id, on_missing: default}
model: churn@champion
time_zone: Europe/Berlin
deadline: 2s
fallback: {answer: {offer: none}, reason: R90}
rules:
  - {id: newcomer, before: model, when: "n_orders < 10", answer: {offer: welcome}, reason: R01}
  - {id: save, after: model, when: "output.score >= 0.7", answer: {offer: discount}, reason: R02}
  - {id: grey, after: model, when: "output.score > 0.6", review: retention-desk}
  - {id: by-phone, after: model, when: "channel == 'phone' && output.score > 0.5", answer: {offer: call}, reason: R03}
default: {answer: {offer: none}, reason: R00}
reasons:
  R00: no action
  R01: fewer than ten orders
  R02: likely to leave
  R03: a call is enough
  R90: model not available
outcome: {name: left, type: bool}
tests:
  - request: {customer_id: a, monthly_fee: 20.0, channel: app}
    features: {customer_activity: {n_orders: 9, days_since_order: 3, complaints: 0}}
    expect: {offer: welcome, rule: newcomer}
  - request: {customer_id: a, monthly_fee: 20.0, channel: app}
    features: {customer_activity: {n_orders: 30, days_since_order: 90, complaints: 4}}
    output: {score: 0.9}
    expect: {offer: discount, rule: save}
"""
SHIPPING = """\
application: shipping
project: logistics
owner: warehouse@example.com
entity: parcel
request:
  parcel: string
  weight: {type: float, minimum: 0}
  zone: {type: string, values: [near, far]}
rules:
  - id: price
    table:
      columns: [zone, weight, answer.price, reason]
      rows:
        - [near, "< 2", 3, R01]
        - [near, ">= 2", 5, R01]
        - [far, "< 2", 6, R01]
        - [far, ">= 2", 11, R01]
default: {answer: {price: 20}, reason: R00}
reasons: {R00: by hand, R01: from the price list}
"""


@dataclass(frozen=True)
class LivedIn:
    """A running home: where it is, an admin's token, and the decisions of customer c7, newest first."""

    home: Home
    url: str
    token: str
    client: Client

    def decide(self, application: str, **request: Any) -> dict[str, Any]:
        """Ask for one decision."""
        return _decide(self.url, self.token, application, request)

    def register(self, number: int, root: Path, reason: str) -> None:
        """Package the next version of churn in a folder of its own, and register it."""
        self.client.register(
            _package(Workshop(root / "cache", root / "keys"), root / f"churn-{number}", number), reason
        )

    def new_token(self, role: str, *applications: str) -> str:
        """Return the text of a new token."""
        made: dict[str, Any] = self.client.call("tokens:create", role=role, applications=list(applications))
        return str(made["token"])


@contextlib.contextmanager
def lived_in(root: Path, decisions: int = 400) -> Iterator[LivedIn]:
    """Give a home in which some work was done, and end it."""
    with running(root) as made:
        _live(made, root, decisions)
        yield made


@contextlib.contextmanager
def running(root: Path, prefix: str = "") -> Iterator[LivedIn]:
    """Give an empty home that runs, and end it."""
    home = Home(root / "home")
    home.logs.mkdir(parents=True)
    front.write(home.front, Front(prefix=prefix))
    command = [sys.executable, "-m", "tenure.serving.supervisor", "--home", str(home.root), "--port", "0"]
    with (home.logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        _until(lambda: announce.status(home.supervisor_socket)["control"]["state"] == "ready", 120)
        with Client(connection=Connection("http://localhost", unix_socket=home.control_socket)) as client:
            url = f"http://127.0.0.1:{announce.status(home.supervisor_socket)['port']}{prefix}"
            token = client.call("tokens:create", role="admin", reason="for the console")["token"]
            yield LivedIn(home, url, token, client)
    finally:
        with contextlib.suppress(announce.NoSupervisor):
            announce.down(home.supervisor_socket, 60)
        process.wait(60)


def _live(made: LivedIn, root: Path, decisions: int) -> None:
    client = made.client
    for number in (1, 2, 3):
        made.register(number, root, reason=f"trained in week {number}")
    client.call("versions:deploy", model="churn", version="1", reason="first version")
    rows = [dict(_activity(number), customer_id=f"c{number}") for number in range(60)]
    unknown = {"n_orders": 0, "days_since_order": 0, "complaints": 0}
    view = {"view": "customer_activity", "key": "customer_id", "owner": "data@example.com", "defaults": unknown}
    client.call("features:ingest", rows=rows, reason="the night's job", **view)
    client.call("applications:apply", text=CHURN, reason="first revision")
    client.call("applications:apply", text=SHIPPING, reason="the price list of this year")
    goal = {"goal": "keep customers who would leave", "measure": "rate(left == false)", "owner": "crm@example.com"}
    client.call("projects:set", project="retention", reason="agreed for this year", **goal)
    _decide_many(made, decisions // 2, 1)
    client.call("versions:deploy", model="churn", version="2", reason="to be compared")
    client.call("versions:promote", model="churn", version="2", reason="AUC 0.81 instead of 0.78")
    _decide_many(made, decisions // 2, 2)
    found = client.call("decisions:list", application="churn-offers", rule="save", limit=20)["decisions"]
    outcomes = [{"decision_id": one["decision_id"], "value": place % 3 == 0} for place, one in enumerate(found)]
    client.call("outcomes:import", application="churn-offers", outcomes=outcomes)
    _told_of_dear_fees(made)
    stricter = CHURN.replace("output.score >= 0.7", "output.score >= 0.75")
    client.call("applications:apply", text=stricter, draft=True, reason="fewer discounts, to be looked at")


def _told_of_dear_fees(made: LivedIn) -> None:
    """Ask about fees that the model was not made for: an alert opens, of which nobody who listens is told."""
    told = {"url": "http://127.0.0.1:11/alerts", "secret_env": "NIGHT_SECRET"}
    made.client.call("webhooks:set", webhook="night", reason="who has the night", **told)
    connection = http.client.HTTPConnection(made.url.removeprefix("http://"), timeout=60)
    for number in range(120):
        request = {"customer_id": f"c{number % 60}", "monthly_fee": 500.0 + number, "channel": "app"}
        _ask(connection, made.token, "churn-offers", request)
    connection.close()


def _decide_many(made: LivedIn, decisions: int, seed: int) -> None:
    dice = random.Random(seed)
    connection = http.client.HTTPConnection(made.url.removeprefix("http://"), timeout=60)
    for _ in range(decisions):
        customer = dice.randrange(70)
        request: dict[str, Any] = {"customer_id": f"c{customer}", "monthly_fee": round(dice.uniform(5, 90), 2)}
        request["channel"] = dice.choice(["app", "shop", "phone"])
        _ask(connection, made.token, "churn-offers", request)
        if dice.random() < 0.25:
            parcel = {"parcel": f"p{dice.randrange(500)}", "weight": round(dice.uniform(0.1, 9), 1)}
            _ask(connection, made.token, "shipping", {**parcel, "zone": dice.choice(["near", "far"])})
    connection.close()


def _activity(number: int) -> dict[str, Any]:
    dice = random.Random(number)
    return {
        "n_orders": dice.randrange(4, 60),
        "days_since_order": dice.randrange(1, 120),
        "complaints": dice.choice([0, 0, 0, 1, 1, 2, 4]),
    }


def _package(workshop: Workshop, folder: Path, number: int) -> Path:
    (folder / "code").mkdir(parents=True)
    (folder / "model").mkdir()
    (folder / "code/churn.py").write_text(_CODE)
    (folder / "model/weights.json").write_text(json.dumps(_WEIGHTS[(number - 1) % len(_WEIGHTS)]))
    dice = random.Random(99)
    rows = [dict(_activity(dice.randrange(200)), monthly_fee=round(dice.uniform(5, 90), 2)) for _ in range(300)]
    for name, some in (("inputs.csv", rows[:20]), ("reference.csv", rows)):
        lines = [",".join(str(row[column]) for column in COLUMNS) for row in some]
        (folder / name).write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    (folder / "model.toml").write_text(
        'name = "churn"\nentry = "code/churn.py:Churn"\ninputs = "inputs.csv"\nreference = "reference.csv"\n'
    )
    metrics = {"auc": 0.75 + number * 0.03, "brier": 0.19 - number * 0.01}
    source = PackageSource(folder, python="3.11", author="ada@example.com", metrics=metrics, data="s3://lake/churn")
    return packaging.package(source, workshop=workshop).folder


def _decide(url: str, token: str, application: str, request: dict[str, Any]) -> dict[str, Any]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        return _ask(connection, token, application, request)


def _ask(
    connection: http.client.HTTPConnection, token: str, application: str, request: dict[str, Any]
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    connection.request("POST", f"/api/v1/applications/{application}/decisions", json.dumps(request), headers)
    response = connection.getresponse()
    content = response.read()
    assert response.status == 200, content
    answer: dict[str, Any] = json.loads(content)
    return answer


def _until(holds: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(Exception):
            if holds():
                return
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.05)


if __name__ == "__main__":
    with lived_in(Path(sys.argv[1])) as home:
        print(home.url, home.token, flush=True)
        input()
