"""A running home asked whatever its own OpenAPI documents allow, and what they forbid."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

if TYPE_CHECKING:
    from collections.abc import Callable

#: these stop the home, write where they are told on this machine, end the session that asks, or answer until one leaves
NOT_ASKED = frozenset({"restart", "backup", "sessions:leave", "decisions:export", "changes:watch"})
BOTH = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
PROBLEM = "application/problem+json"


@dataclass
class Found:
    """What came of it: how often each status, and one sentence for each answer that breaks a promise."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[tuple[str, str], str] = field(default_factory=dict)
    operations: int = 0
    #: those of which no such request could be made
    unasked: list[str] = field(default_factory=list)
    seconds: float = 0.0


def fuzzed(
    document: dict[str, Any],
    url: str,
    token: str,
    examples: int,
    known: dict[str, Any] | None = None,
    at: int = 0,
    modes: Callable[[str], tuple[GenerationMode, ...]] = lambda _: BOTH,
) -> Found:
    """Ask every operation `examples` times with what is valid and with what is not; `known` are names that exist.

    `modes` says by an operation's verb which of the two it is asked with.
    """
    found, began = Found(), time.monotonic()
    # Without this an invalid request would above all lack the token, and what else is wrong with it would not be looked at.
    known_to_all = {name: part for name, part in document.items() if name != "security"}
    schema = schemathesis.openapi.from_dict(known_to_all)
    with requests.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session.headers["Authorization"] = f"Bearer {token}"
        for result in schema.get_all_operations():
            operation: Any = result.ok()  # type: ignore[union-attr]
            if operation.definition.raw["operationId"] not in NOT_ASKED:
                found.operations += 1
                for mode in modes(operation.method):
                    _ask(operation, mode, url, session, examples, known or {}, at, found)
    found.seconds = time.monotonic() - began
    return found


def _ask(
    operation: Any,
    mode: GenerationMode,
    url: str,
    session: requests.Session,
    examples: int,
    known: dict[str, Any],
    at: int,
    found: Found,
) -> None:
    names = {one.name for one in operation.path_parameters} & known.keys()
    cases = operation.as_strategy(generation_mode=mode)
    if names:
        existing = operation.as_strategy(generation_mode=mode, path_parameters={name: known[name] for name in names})
        cases = st.one_of(existing, cases)

    @seed(at)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def ask(case: Any) -> None:
        answer = case.call(base_url=url, session=session, timeout=300)
        found.statuses[answer.status_code] += 1
        why = broken_promise(operation, answer)
        if why:
            name = operation.definition.raw["operationId"]
            found.faults.setdefault(
                (name, why[:40]), f"{why}; {case.as_curl_command()[:900]} -> {answer.content[:300]!r}"
            )

    try:
        ask()
    except Unsatisfiable:
        # Of what takes nothing nothing is invalid.
        found.unasked.append(operation.definition.raw["operationId"])


def broken_promise(operation: Any, answer: Any) -> str:
    """Return what an answer does that the document does not say, empty if nothing."""
    status = answer.status_code
    if str(status) not in operation.definition.raw["responses"]:
        return f"{status} is not documented"
    kind = (answer.headers.get("content-type") or [""])[0]
    if status >= 400 and not kind.startswith(PROBLEM):
        return f"{status} comes as {kind}"
    if kind.startswith(("application/json", PROBLEM)):
        try:
            operation.validate_response(answer)
        except Exception as error:
            return f"{status} is not as its schema says: {error}"
    return ""
