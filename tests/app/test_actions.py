"""The table of actions: one name for permission, event, route and command; none without its permission."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from tenure.app import wire
from tenure.app.actions import ACTIONS, Action, UnknownAction, named
from tenure.app.calls.moments import BadDay, day
from tenure.app.control import Control
from tenure.entrypoints.api.console import is_screen
from tenure.governance.access import ROLES, Actor, Forbidden, Permission, Role, local_actor
from tenure.kit.clock import FixedClock
from tenure.kit.ids import new_id
from tenure.model.version import UnknownModel
from tenure.settings import Home
from tests.app.plain_model import APPLICATION

#: permissions that stand for no entry of the table: what gateways answer, a part of `decisions:show`, and signing in
ELSEWHERE = {
    Permission.APPLICATIONS_DECIDE,
    Permission.MODELS_PREDICT,
    Permission.DECISIONS_PERSONAL,
    Permission.SESSIONS_BEGIN,
}
ADMIN = local_actor("ada")
NOBODY = Actor("t0", Role.CALLER, frozenset({"none"}))

#: something valid to ask of every action, so that only the permission can refuse it
VALUES: dict[str, Any] = {
    "model": "churn",
    "version": "1",
    "other": "1",
    "application": "offers",
    "decision": new_id(1_790_000_000_000_000),
    "text": APPLICATION,
    "package": "/nowhere",
    "reason": "because",
    "folder": "/nowhere",
    "rows": [],
    "table": b"",
    "at": "at",
    "outcomes": [],
    "view": "activity",
    "key": "k",
    "alert": "a",
    "token": "t",
    "user": "ann",
    "password": "correct horse battery",
    "session": "s",
    "role": "viewer",
    "digest": "sha256:" + "0" * 64,
    "until": "30d",
    "webhook": "desk",
    "url": "https://example.com/",
    "secret_env": "SECRET",
    "delivery": "1",
    "policy": "open",
    "target": "churn/1",
    "entity": "someone",
    "one": 1,
    "sample": 1,
    "query": "SELECT 1",
    "kind": "validation",
    "name": "report.pdf",
    "content": b"report",
    "paper": "report.pdf",
    "revision": 1,
    "events": [],
    "project": "retention",
    "goal": "keep them",
    "keep": "3y",
    "keeps": ("decisions",),
    "since": "2026-01-01",
    "request": {},
}


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    with Control.open(Home(tmp_path_factory.mktemp("table") / "home"), FixedClock()) as control:
        yield control


def test_every_permission_has_its_action_and_every_action_its_permission() -> None:
    assert {action.name for action in ACTIONS} == {permission.value for permission in set(Permission) - ELSEWHERE}
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)


def test_every_route_is_its_own_and_its_places_are_fields_of_the_input() -> None:
    assert len({(action.verb, action.path) for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        fields = {field.name for field in msgspec.structs.fields(action.input)}
        assert set(re.findall(r"\{(\w+)\}", action.path)) <= fields, action.name
        assert action.verb in {"GET", "POST", "PUT", "DELETE"}
        assert not action.upload or action.upload in fields


def test_reading_is_get_and_everything_else_is_not() -> None:
    reading = {"whoami", "status", "verify", "audit:verify"}
    asks = {
        "list",
        "show",
        "history",
        "compare",
        "logs",
        "diff",
        "init",
        "why",
        "get",
        "report",
        "log",
        "reviews",
        "overrides",
        "explain",
        "proof",
        "checkpoint",
        "paper",
        "revisions",
        "trial",
        "content",
        "figures",
    }
    for action in ACTIONS:
        is_reading = action.name in reading or action.name.partition(":")[2] in asks
        assert (action.verb == "GET") == is_reading, action.name


def test_every_input_refuses_a_field_that_does_not_exist() -> None:
    for action in ACTIONS:
        if action.input.__name__ != "Nothing":
            assert action.input.__struct_config__.forbid_unknown_fields, action.name


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_no_action_is_done_for_who_may_not(control: Control, action: Action) -> None:
    before = list(control.audit.entries())
    given = _given(action)
    if Permission(action.name) in ROLES[Role.CALLER]:
        return
    with pytest.raises(Forbidden) as refusal:
        control.perform(action.name, NOBODY, given)
    assert refusal.value.facts["permission"] == action.name or action.name == "applications:apply"
    assert list(control.audit.entries()) == before


def _given(action: Action) -> msgspec.Struct:
    values = {
        field.name: VALUES[field.name]
        for field in msgspec.structs.fields(action.input)
        if field.name in VALUES and (field.required or field.name == "sample")
    }
    if action.name == "policy:set":
        assert VALUES["policy"] in get_args(msgspec.structs.fields(action.input)[0].type)
    return action.input(**values)


def test_finding_a_version_through_an_alias_is_reading(control: Control) -> None:
    for name in ("versions:promote", "versions:run", "monitor:report"):
        given = {"model": "churn", "version": "champion", "reason": "x", "rows": []}
        fields = {field.name for field in msgspec.structs.fields(named(name).input)}
        asked = msgspec.convert({key: value for key, value in given.items() if key in fields}, named(name).input)
        with pytest.raises(Forbidden):
            control.perform(name, NOBODY, asked)


def test_what_does_not_exist_is_refused_by_name(control: Control) -> None:
    with pytest.raises(UnknownAction, match="models:explode"):
        named("models:explode")
    with pytest.raises(UnknownAction):
        control.perform("models:explode", ADMIN, None)


def test_every_change_of_a_fresh_home_writes_exactly_one_event_of_its_own_name(control: Control) -> None:
    token = control.perform("tokens:create", ADMIN, named("tokens:create").input(role="viewer"))
    text = APPLICATION.replace("model: plain@champion\n", "").replace(
        '\n  - {id: large, after: model, when: "output.score >= 100.0", answer: {offer: large}, reason: R02}', ""
    )
    text = text.replace("R02: large, ", "").replace("fallback: {answer: {offer: none}, reason: R90}\n", "")
    text = text.replace(", R90: no model", "")
    asked: list[tuple[str, dict[str, Any]]] = [
        ("tokens:revoke", {"token": token.id}),
        ("policy:set", {"policy": "four-eyes", "reason": "bank"}),
        ("policy:set", {"policy": "open", "reason": "no bank"}),
        ("features:ingest", {"view": "activity", "rows": [{"customer": "a", "calls": 3}], "key": "customer"}),
        ("applications:apply", {"text": text, "reason": "first"}),
        ("applications:apply", {"text": text + "# more\n", "reason": "second"}),
        ("applications:rollback", {"application": "offers", "reason": "back"}),
        ("outcomes:import", {"application": "offers", "outcomes": []}),
        ("sql", {"query": "SELECT count(*) FROM decisions"}),
        ("decisions:export", {}),
    ]
    for name, given in asked:
        before = len(list(control.audit.entries()))
        control.perform(name, ADMIN, msgspec.convert(given, named(name).input))
        after = list(control.audit.entries())
        assert [entry.action for entry in after[before:]] == [name]
    assert control.perform("audit:verify", ADMIN, None).intact


def test_every_answer_can_be_written_as_json(control: Control, tmp_path: Path) -> None:
    for name in (
        "whoami",
        "status",
        "models:list",
        "tokens:list",
        "audit:log",
        "features:list",
        "policy:show",
        "verify",
    ):
        action = named(name)
        answer = control.perform(name, ADMIN, action.input())
        msgspec.json.decode(msgspec.json.encode(answer), type=action.output)


def test_a_report_on_what_does_not_exist_or_since_no_day_is_refused(control: Control) -> None:
    asked = named("monitor:report").input
    with pytest.raises(UnknownModel):
        control.perform("monitor:report", ADMIN, asked(model="nobody", version="1"))
    with pytest.raises(BadDay, match="soon"):
        day("soon")


def test_every_address_that_an_answer_names_is_a_screen() -> None:
    calls = Path(wire.__file__).parents[1] / "calls"
    paths = {
        found for file in calls.glob("*.py") for found in re.findall(r'control\.url\(f?"(/[^"]*)"', file.read_text())
    }
    assert len(paths) > 8
    elsewhere = {"/sign-in?code={code}"}
    assert {path for path in paths - elsewhere if not is_screen(path.partition("?")[0])} == set()
