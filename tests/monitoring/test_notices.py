"""Alerts are told to webhooks: signed, once for each thing that happened, again until they are heard, never while silenced."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest

from tenure.adapters.sql.monitoring import SqlMonitoring
from tenure.app.actions import named
from tenure.app.control import Control
from tenure.governance.access import Actor, Forbidden, Role, local_actor
from tenure.kit.clock import DAY, SECOND, FixedClock
from tenure.kit.ids import new_id
from tenure.model.monitoring import notice
from tenure.model.monitoring.alert import Alert, State
from tenure.model.monitoring.notice import WAITS, BadWebhook, UnknownDelivery, Webhook
from tenure.settings import Home

SECRET = "whsec_" + base64.b64encode(b"a secret of 24 bytes or so").decode()


class Receiver:
    """A real HTTP server that keeps what it was sent and answers with `status`."""

    def __init__(self):
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append((dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook?team=risk"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def whats(self):
        return [json.loads(body)["type"] for _, body in self.heard]


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def control(tmp_path, clock, monkeypatch):
    monkeypatch.setenv("ALERT_SECRET", SECRET)
    with Control.open(Home(tmp_path / "home"), clock) as control:
        yield control


def do(control, name, actor=None, **given):
    return control.perform(name, actor or local_actor("ada"), msgspec.convert(given, named(name).input))


def opened(control, clock, model="churn", **more):
    clock.advance(SECOND)
    alert = Alert(
        id=new_id(clock.now()), model=model, version=1, kind="drift", column="age", state=State.OPEN, opened_at=clock.now(),
        first_day="2026-01-01", last_day="2026-01-02", windows=1, evidence={"psi": 0.4}, **more,
    )  # fmt: skip
    SqlMonitoring(control._database).save_alert(alert)
    return alert


def hook(control, receiver, **more):
    return do(control, "webhooks:set", webhook="pager", url=receiver.url, secret_env="ALERT_SECRET", **more)


def test_an_alert_is_told_once_signed_and_so_is_its_end(control, clock, receiver):
    opened(control, clock)
    clock.advance(1)
    hook(control, receiver)
    alert = opened(control, clock)
    for _ in range(3):
        control.notices.tick()
    assert receiver.whats() == ["alert.opened"]
    headers, body = receiver.heard[0]
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert int(headers["webhook-timestamp"]) == clock.now() // SECOND
    told = json.loads(body)["data"]
    assert (told["id"], told["version"], told["kind"], told["evidence"]) == (alert.id, "churn/1", "drift", {"psi": 0.4})
    SqlMonitoring(control._database).save_alert(
        msgspec.structs.replace(alert, state=State.RESOLVED, resolved_at=clock.now())
    )
    control.notices.tick()
    assert receiver.whats() == ["alert.opened", "alert.resolved"]


def test_what_is_not_heard_is_told_again_later_and_later_and_is_dead_in_the_end_but_can_be_retried(
    control, clock, receiver
):
    hook(control, receiver)
    opened(control, clock)
    receiver.status = 302
    control.notices.tick()
    for wait in WAITS:
        clock.advance(wait - 1)
        control.notices.tick()
        before = len(receiver.heard)
        clock.advance(1)
        control.notices.tick()
        assert len(receiver.heard) == before + 1
    (shown,) = do(control, "webhooks:list")
    assert (shown.waiting, len(shown.dead), shown.dead[0].attempts) == ([], 1, len(WAITS) + 1)
    assert shown.dead[0].error == "it answered 302 Found"
    # All attempts were the same notice.
    assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 1
    clock.advance(DAY)
    control.notices.tick()
    assert len(receiver.heard) == len(WAITS) + 1
    receiver.status = 200
    do(control, "webhooks:retry", delivery=shown.dead[0].id)
    control.notices.tick()
    (shown,) = do(control, "webhooks:list")
    assert (shown.delivered, shown.dead) == (1, [])
    with pytest.raises(UnknownDelivery):
        do(control, "webhooks:retry", delivery="nothing")


def test_nobody_is_told_while_alerts_are_silenced_and_of_what_lasts_longer_afterwards(control, clock, receiver):
    hook(control, receiver)
    do(control, "alerts:silence", until="2d", reason="a holiday", model="churn", kind="drift")
    opened(control, clock)
    opened(control, clock, model="price")
    control.notices.tick()
    assert [json.loads(body)["data"]["version"] for _, body in receiver.heard] == ["price/1"]
    silenced = {alert.ref: alert.silenced_until is not None for alert in do(control, "alerts:list")}
    assert silenced == {"churn/1": True, "price/1": False}
    clock.advance(DAY)
    do(control, "alerts:silence", until="now", reason="it is over", model="churn", kind="drift")
    control.notices.tick()
    assert len(receiver.heard) == 2


def test_a_missing_secret_and_a_receiver_that_is_not_there_are_told_as_the_error(control, clock, receiver, monkeypatch):
    hook(control, receiver)
    do(control, "webhooks:set", webhook="gone", url="http://127.0.0.1:1/", secret_env="ALERT_SECRET")
    monkeypatch.delenv("ALERT_SECRET")
    opened(control, clock)
    control.notices.tick()
    assert not receiver.heard
    monkeypatch.setenv("ALERT_SECRET", "plain")
    clock.advance(60 * SECOND)
    control.notices.tick()
    gone, pager = do(control, "webhooks:list")
    assert (pager.delivered, gone.waiting[0].attempts) == (1, 2)
    assert "refused" in gone.waiting[0].error
    do(control, "webhooks:remove", webhook="gone", reason="nobody there")
    assert [one.webhook for one in do(control, "webhooks:list")] == ["pager"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/x", "in the clear it may go to this machine only"),
        ("ftp://hooks.example.com/x", "it is no https:// address"),
        ("https://me:pw@hooks.example.com/x", "an address must not carry a password"),
    ],
)
def test_where_nothing_may_be_sent_is_refused(control, url, why):
    with pytest.raises(BadWebhook, match=why):
        do(control, "webhooks:set", webhook="w", url=url, secret_env="S")
    with pytest.raises(BadWebhook, match="names no environment variable"):
        do(control, "webhooks:set", webhook="w", url="https://hooks.example.com", secret_env="my secret!")
    assert notice.checked(
        Webhook(name="w", url="http://in.house/x", secret_env="S", allow_http=True, created_at=0, created_by="a")
    )
    with pytest.raises(Forbidden):
        do(control, "webhooks:set", Actor("o", Role.OPERATOR), webhook="w", url="https://x.example", secret_env="S")


def test_a_receiver_that_hangs_holds_up_nothing(control, clock, receiver):
    hook(control, receiver)
    opened(control, clock)
    release = threading.Event()
    control.notices._sender = type("Hangs", (), {"send": lambda *_: release.wait(30) and ""})()
    control.tick()
    control.tick()
    assert control._courier._thread.is_alive()
    release.set()
    control._courier.wait()
    assert do(control, "webhooks:list")[0].delivered == 1
