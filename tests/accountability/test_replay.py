"""Old decisions made again: the same bits, or a verdict that says what is different."""

import contextlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from tenure.accountability.again import MOST_ENDS
from tenure.accountability.ports import PastVersion
from tenure.accountability.replay import NothingToReplay, Replays, cause_of
from tenure.accountability.verdict import Verdict
from tenure.application.decisions.deciding import AskModel, Decider
from tenure.application.decisions.reading import NoSuchDecision
from tenure.application.revisions.definition import parse
from tenure.application.revisions.terms import Definition
from tenure.contract.predictor import Batch, Prediction
from tenure.contract.records import DecisionRecord
from tenure.contract.schema import Field
from tenure.governance.access import Actor, Forbidden, Role, local_actor
from tenure.kit.errors import TenureError

INPUTS = (Field("months", "float"),)
OUTPUTS = (Field("score", "float"),)
TEXT = """
application: offers
request:
  customer: string
  months: float
entity: customer
model: churn@champion
fallback: {answer: {offer: none}, reason: R90}
rules:
  - {id: new, before: model, when: "months < 3.0", answer: {offer: welcome}, reason: R01}
  - {id: save, after: model, when: "output.score >= 0.5", answer: {offer: discount}, reason: R02}
default: {answer: {offer: none}, reason: R00}
reasons: {R00: no action, R01: new customer, R02: likely to leave, R90: model not available}
"""
OWNER = local_actor("me")


class Gone(TenureError):
    message = "the {what} is gone"


def score_of(months: float) -> float:
    return 1.0 / (1.0 + months / 10.0)


@dataclass
class FakeAsked:
    hello: dict[str, Any]
    shift: float
    fails: bool = False
    #: months at which the worker ends
    ends_at: frozenset[float] = frozenset()
    ended: bool = False

    def predict(self, rows: Sequence[Mapping[str, Any]], *, reasons: bool = False) -> list[Prediction]:
        return [self.one(row["months"]) for row in rows]

    def one(self, months: float) -> Prediction:
        self.ended = self.ended or months in self.ends_at
        if self.ended:
            return Prediction("churn", 1, "sha256:1", failure="unavailable", error="the worker ended")
        if self.fails:
            return Prediction("churn", 1, "sha256:1", failure="raised", error="ValueError: gone")
        score = score_of(months) + self.shift
        return Prediction("churn", 1, "sha256:1", {"score": score}, struct.pack("<d", score))


@dataclass
class FakeEvidence:
    """A log of decisions made by the same `Decider` that a gateway uses."""

    records: dict[str, DecisionRecord] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    text: str = TEXT
    shift: float = 0.0
    cpu: str = "one"
    fails: bool = False
    network: bool = False
    ends_at: frozenset[float] = frozenset()
    started: int = 0

    def log(self, name: str, months: float, failure: Any = None) -> None:
        decider = Decider(parse(TEXT), INPUTS, OUTPUTS, 1)
        step = decider.before(decider.admit(msgspec.json.encode({"customer": "anna", "months": months})), {})
        if isinstance(step, AskModel):
            gone = Prediction("churn", 1, "sha256:1", failure=failure, error="late")
            step = decider.after(step, gone if failure else FakeAsked({}, 0.0).one(months))
        self.records[name] = decider.record(step, id=name, at=0, protect=self.protect)

    def protect(self, entity: str, fields: dict[str, Any]) -> tuple[str, str]:
        self.people[entity] = fields
        return entity, "sealed"

    def decision(self, decision_id: str) -> DecisionRecord:
        if decision_id not in self.records:
            raise NoSuchDecision(decision=decision_id)
        return self.records[decision_id]

    def sample(self, count: int, application: str, model: str, version: int | None) -> list[DecisionRecord]:
        return list(self.records.values())[:count]

    def personal(self, record: DecisionRecord) -> Mapping[str, Any] | None:
        return self.people.get(str(record.entity))

    def definition(self, application: str, revision: int) -> Definition:
        return parse(self.text)

    def version(self, model: str, number: int) -> PastVersion:
        return PastVersion("churn/1", "sha256:1", INPUTS, OUTPUTS, 1e-6, "one", self.network)

    def versions(self, model: str) -> list[PastVersion]:
        return [self.version(model, 1)]

    @contextlib.contextmanager
    def asking(self, model: str, number: int) -> Iterator[FakeAsked]:
        self.started += 1
        yield FakeAsked({"cpu": self.cpu}, self.shift, self.fails, self.ends_at)


@pytest.fixture
def evidence() -> FakeEvidence:
    made = FakeEvidence()
    made.log("by-rule", 1.0)
    made.log("by-model", 4.0)
    made.log("by-default", 40.0)
    made.log("by-fallback", 5.0, failure="timeout")
    return made


def verdicts(evidence: FakeEvidence) -> dict[str, Verdict]:
    return {one.record.id: one.verdict for one in Replays(evidence).sample(OWNER, 10)}


def test_every_kind_of_decision_replays_bit_for_bit(evidence: FakeEvidence) -> None:
    assert evidence.records["by-rule"].decided_by == "rule"
    assert evidence.records["by-fallback"].decided_by == "fallback"
    assert set(verdicts(evidence).values()) == {Verdict.BIT}


def test_a_decision_that_ends_the_worker_is_named_and_the_others_get_their_verdicts() -> None:
    evidence = FakeEvidence()
    for nth in range(300):
        evidence.log(f"d{nth:03}", 3.0 + nth)
    evidence.ends_at = frozenset({103.0, 250.0})
    done = {one.record.id: one for one in Replays(evidence).sample(OWNER, 300)}
    others = {name: one.verdict for name, one in done.items() if one.verdict is not Verdict.BIT}
    assert others == {"d100": Verdict.MISMATCH, "d247": Verdict.MISMATCH}
    assert done["d100"].cause == "the version failed now: the worker ended (asked for this decision alone)"
    assert evidence.started < 25


def test_a_worker_that_ends_at_everything_is_given_up(evidence: FakeEvidence) -> None:
    for nth in range(300):
        evidence.log(f"d{nth:03}", 3.0 + nth)
    evidence.ends_at = frozenset(3.0 + nth for nth in range(300))
    done = {one.record.id: one for one in Replays(evidence).sample(OWNER, 400)}
    assert evidence.started == MOST_ENDS
    assert done["by-rule"].verdict is Verdict.BIT
    assert done["d299"].cause.endswith(f"(given up after {MOST_ENDS} workers had ended)")


def test_a_version_that_may_read_from_the_network_replays_with_a_caution_where_it_was_asked(
    evidence: FakeEvidence,
) -> None:
    evidence.network = True
    replayed = {one.record.id: one for one in Replays(evidence).sample(OWNER, 10)}
    assert replayed["by-model"].verdict is Verdict.BIT
    assert replayed["by-model"].caution.startswith("seal level S1")
    assert replayed["by-rule"].caution == ""


def test_a_last_bit_that_differs_is_never_called_bit(evidence: FakeEvidence) -> None:
    evidence.shift, evidence.cpu = 2.0**-52, "another"
    done = {one.record.id: one for one in Replays(evidence).sample(OWNER, 10)}
    assert done["by-model"].verdict is Verdict.ULP
    assert 0 < done["by-model"].apart.ulps <= 4
    assert "sealed on one, replayed on another" in done["by-model"].cause
    assert done["by-rule"].verdict is Verdict.BIT, "no model was asked, so nothing of it can differ"


@pytest.mark.parametrize(
    ("shift", "verdict"), [(1e-9, Verdict.TOLERANCE), (1e-3, Verdict.DECISION_ONLY), (-0.5, Verdict.MISMATCH)]
)
def test_a_larger_difference_weakens_the_verdict(evidence: FakeEvidence, shift: float, verdict: Verdict) -> None:
    evidence.shift = shift
    assert verdicts(evidence)["by-model"] is verdict


HERE = "x86_64 avx2 fma Haswell"


@pytest.mark.parametrize(
    ("now", "shape", "cause"),
    [
        ("aarch64 neon Haswell", 8, "another kind of CPU: sealed on x86_64 avx2 fma Haswell, replayed on aarch64"),
        ("x86_64 avx2 Haswell", 8, "another kind of CPU"),
        ("x86_64 avx2 fma Nehalem", 8, "another BLAS kernel: sealed with Haswell, replayed with Nehalem"),
        ("x86_64 avx2 fma", 8, "another BLAS kernel: sealed with Haswell, replayed with none named"),
        (HERE, 32, "another batch shape: 8 rows in the call then, 32 now"),
        (HERE, 8, "look for another libm"),
    ],
)
def test_other_bits_have_their_cause_named_from_the_machine_down_to_its_libm(now: str, shape: int, cause: str) -> None:
    assert cause in cause_of(HERE, now, Batch(8, 1, 0, 100), Batch(shape, 1, 0, 100))


def test_a_version_that_fails_now_is_a_mismatch_with_its_error(evidence: FakeEvidence) -> None:
    evidence.fails = True
    done = {one.record.id: one for one in Replays(evidence).sample(OWNER, 10)}
    assert done["by-model"].verdict is Verdict.MISMATCH
    assert "ValueError: gone" in done["by-model"].cause


def test_a_tampered_revision_is_a_mismatch(evidence: FakeEvidence) -> None:
    evidence.text = TEXT.replace("months < 3.0", "months < 5.0")
    done = {one.record.id: one for one in Replays(evidence).sample(OWNER, 10)}
    assert done["by-model"].verdict is Verdict.MISMATCH
    assert "settle it before the model now" in done["by-model"].cause


def test_a_tampered_answer_is_a_mismatch(evidence: FakeEvidence) -> None:
    told = msgspec.structs.replace(evidence.records["by-rule"], answer={"offer": "discount"})
    evidence.records["by-rule"] = told
    assert verdicts(evidence)["by-rule"] is Verdict.MISMATCH


def test_an_erased_person_cannot_be_replayed_and_the_cause_says_so(evidence: FakeEvidence) -> None:
    evidence.people.clear()
    done = Replays(evidence).replay(OWNER, ["by-model"])
    assert done[0].verdict is Verdict.MISMATCH
    assert "key was destroyed" in done[0].cause


def damaged(evidence: FakeEvidence, name: str, **changed: Any) -> None:
    evidence.records[name] = msgspec.structs.replace(evidence.records[name], **changed)


@pytest.mark.parametrize(
    ("request_then", "cause"),
    [({}, "offers/1 takes: it has no months"), ({"months": "four"}, "its months is 'four', which is no float")],
)
def test_a_record_whose_request_its_revision_does_not_take_is_a_mismatch_and_the_others_keep_their_verdict(
    evidence: FakeEvidence, request_then: dict[str, Any], cause: str
) -> None:
    damaged(evidence, "by-model", request=request_then)
    done = {one.record.id: one for one in Replays(evidence).sample(OWNER, 10)}
    assert cause in done["by-model"].cause
    assert {one.verdict for one in done.values()} == {Verdict.BIT, Verdict.MISMATCH}
    assert sum(one.verdict is Verdict.MISMATCH for one in done.values()) == 1


def test_bytes_of_an_output_that_are_none_are_a_mismatch(evidence: FakeEvidence) -> None:
    then = msgspec.structs.replace(evidence.records["by-model"].predictions[0], raw="no base64")
    damaged(evidence, "by-model", predictions=[then])
    (done,) = Replays(evidence).replay(OWNER, ["by-model"])
    assert done.verdict is Verdict.MISMATCH
    assert "values that its revision cannot be decided with" in done.cause


@pytest.mark.parametrize(
    ("asked", "gone", "same"),
    [
        ("definition", "revision", set()),
        ("version", "version", set()),
        ("personal", "person's key", set()),
        ("asking", "package", {"by-rule", "by-fallback"}),
    ],
)
def test_whatever_is_gone_is_named_where_it_was_needed_and_the_others_keep_their_verdict(
    evidence: FakeEvidence, asked: str, gone: str, same: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise Gone(what=gone)

    monkeypatch.setattr(evidence, asked, refuse)
    done = {one.record.id: one for one in Replays(evidence).sample(OWNER, 10)}
    assert {name for name, one in done.items() if one.verdict is Verdict.BIT} == same
    assert all(f"the {gone} is gone" in one.cause for name, one in done.items() if name not in same)


def test_unknown_decisions_and_an_empty_log_say_what_to_do(evidence: FakeEvidence) -> None:
    with pytest.raises(NoSuchDecision):
        Replays(evidence).replay(OWNER, ["nobody"])
    with pytest.raises(NothingToReplay):
        Replays(FakeEvidence()).sample(OWNER, 5)


def test_a_caller_may_not_replay(evidence: FakeEvidence) -> None:
    with pytest.raises(Forbidden):
        Replays(evidence).replay(Actor("t1", Role.CALLER), ["by-rule"])
