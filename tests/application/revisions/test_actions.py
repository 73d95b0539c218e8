from __future__ import annotations

import pytest

import tenure.adapters.sql.application_tables
import tenure.adapters.sql.tables  # noqa: F401
from tenure.adapters.features.store import SqliteFeatures
from tenure.adapters.sql.audit import SqlAudit
from tenure.adapters.sql.lives import SqlLives
from tenure.adapters.sql.revisions import SqlRevisions
from tenure.adapters.sql.tokens import SqlPolicy
from tenure.application.revisions.actions import Applications
from tenure.application.revisions.overtaking import Overtaken
from tenure.application.revisions.problems import BrokenDefinition
from tenure.application.revisions.revision import (
    AlreadyActive,
    NameOfModel,
    NothingBefore,
    NoVersionYet,
    StaleBase,
    UnknownApplication,
    UnknownRevision,
)
from tenure.application.revisions.terms import ModelUse
from tenure.contract.predictor import Explain
from tenure.contract.schema import Field
from tenure.governance.access import Actor, Forbidden, Role
from tenure.governance.audit import problems
from tenure.kit.clock import FixedClock
from tests.databases import opened

INPUTS, OUTPUTS = (Field("amount", "float"),), (Field("score", "float"),)
TEXT = """\
application: loans
request: {amount: float}
model: risk@champion
fallback: {answer: {ok: false}}
rules:
  - {id: small, before: model, when: "amount < 10", answer: {ok: true}}   # nobody looks at these
default: {answer: {ok: {expr: "output.score < 0.5"}}}
"""
OPERATOR = Actor("tok-1", Role.OPERATOR)
ANNA = Actor("anna", Role.OPERATOR)
OWNERS_HANDS = {name: name for name in ("anna", "tok-1", "tok-owner", "local:me")} | {"tok-owner": "local:me"}


class FixedContracts:
    """Stands for the registry: what the champion and the rollback target take and give."""

    def __init__(self) -> None:
        self.versions = {"risk/1": (INPUTS, OUTPUTS)}
        self.explains = None

    def of(self, model):
        return {ref: found for ref, found in self.versions.items() if ref.partition("/")[0] == model.name}

    def is_model(self, name):
        return name == "risk"

    def telling(self, model):
        return {ref: (inputs, self.explains) for ref, (inputs, _) in self.versions.items()}


@pytest.fixture(params=["sqlite", "postgresql"])
def made(request, tmp_path):
    database = opened(request, tmp_path)
    clock = FixedClock()
    audit = SqlAudit(database, tmp_path / "audit.head")
    contracts = FixedContracts()
    features = SqliteFeatures(tmp_path / "features.db", clock)
    store = SqlRevisions(database)
    life = (SqlLives(database), SqlPolicy(database), OWNERS_HANDS.__getitem__)
    applications = Applications(store, audit, clock, contracts, features, *life)
    yield applications, audit, contracts, store, clock
    features.close()
    database.close()


def test_an_application_cannot_have_the_name_of_a_model(made):
    applications, *_ = made
    with pytest.raises(BrokenDefinition) as refused:
        applications.apply(OPERATOR, TEXT.replace("application: loans", "application: risk"), dry_run=True)
    (problem,) = refused.value.facts["problems"]
    assert (problem["path"], "is the name of a model" in problem["why"], problem["line"] > 0) == (
        "application",
        True,
        True,
    )


def test_what_is_applied_is_in_force_with_its_comments_and_its_author(made):
    applications, audit, *_ = made
    applied = applications.apply(OPERATOR, TEXT, "first")
    assert (applied.revision.ref, applied.before, applied.done) == ("loans/1", None, True)
    shown = applications.show(OPERATOR, "loans")
    assert shown.source == TEXT
    assert "# nobody looks at these" in shown.source
    assert (shown.actor, shown.reason) == ("tok-1", "first")
    (entry,) = audit.entries()
    assert (entry.action, entry.target, entry.reason) == ("applications:apply", "loans/1", "first")
    assert problems(audit.entries(), audit.witness()) == []


def test_every_model_that_a_rule_may_choose_has_a_version_that_fits(made):
    applications, _, contracts, *_ = made
    text = TEXT.replace("model: risk@champion", "models: {all: risk@champion, firms: firm-risk@champion}").replace(
        "rules:", 'rules:\n  - {id: firm, before: model, when: "amount > 1e6", model: firms}'
    )
    with pytest.raises(BrokenDefinition, match=r"models.firms: firm-risk@champion points to no version yet"):
        applications.apply(OPERATOR, text, "too early")
    contracts.versions["firm-risk/1"] = ((*INPUTS, Field("sector", "string")), OUTPUTS)
    with pytest.raises(BrokenDefinition, match=r"nothing supplies the model's input 'sector' \(for firm-risk/1\)"):
        applications.apply(OPERATOR, text, "too little")
    contracts.versions["firm-risk/1"] = (INPUTS, OUTPUTS)
    assert applications.apply(OPERATOR, text, "fits").done


def test_the_same_file_again_changes_nothing(made):
    applications, audit, *_ = made
    applications.apply(OPERATOR, TEXT, "first")
    again = applications.apply(OPERATOR, TEXT, "second")
    assert (again.revision.number, again.done, again.changes) == (1, False, [])
    assert len(list(audit.entries())) == 1


def test_a_dry_run_tells_every_change_and_makes_none(made):
    applications, audit, _, store, _ = made
    applications.apply(OPERATOR, TEXT, "first")
    dry = applications.apply(OPERATOR, TEXT.replace("< 10", "< 20"), "try", dry_run=True)
    assert [(change.what, change.before, change.after) for change in dry.changes] == [
        ("rules.small.when", "amount < 10", "amount < 20")
    ]
    assert dry.done is False
    assert store.newest("loans") == 1
    assert len(list(audit.entries())) == 1


def test_a_file_is_compared_with_a_revision_that_is_no_longer_in_force(made):
    applications, _, _, store, _ = made
    applications.apply(OPERATOR, TEXT, "first")
    applications.apply(OPERATOR, TEXT.replace("< 10", "< 20"), "second")
    found = applications.apply(OPERATOR, "base: 1\n" + TEXT.replace("< 10", "< 30"), against=1)
    assert (found.before, found.done, store.newest("loans")) == (1, False, 2)
    assert [(change.what, change.before, change.after) for change in found.changes] == [
        ("rules.small.when", "amount < 10", "amount < 30")
    ]
    assert applications.apply(OPERATOR, TEXT, against=1).changes == []


def test_a_refused_file_leaves_everything_as_it_was(made):
    applications, audit, _, store, _ = made
    applications.apply(OPERATOR, TEXT, "first")
    with pytest.raises(BrokenDefinition, match=r"line 6, column \d+: rules\[0\].when: there is no field 'amuont'"):
        applications.apply(OPERATOR, TEXT.replace('"amount <', '"amuont <'), "typo")
    assert store.newest("loans") == 1
    assert len(list(audit.entries())) == 1


def test_reasons_are_refused_where_the_version_cannot_tell_them_and_kept_where_it_can(made):
    applications, _, contracts, store, _ = made
    told = TEXT.replace("fallback:", "explain: top_k\nfallback:")
    with pytest.raises(BrokenDefinition, match=r"line 4.*explain: risk/1 was sealed without a way to tell reasons"):
        applications.apply(OPERATOR, told, "reasons")
    contracts.explains = Explain("closed_form", "score", "score", cost_us=2_000_000)
    with pytest.raises(BrokenDefinition, match=r"took 2000.0 ms .* deadline is 1000.0 ms"):
        applications.apply(OPERATOR, told, "reasons")
    assert store.newest("loans") == 0
    contracts.explains = Explain("closed_form", "score", "score", cost_us=2_000)
    assert applications.apply(OPERATOR, told, "reasons").done


def test_a_change_that_cannot_be_audited_is_not_made(made, monkeypatch):
    applications, audit, _, store, _ = made

    def full(event):
        raise OSError("no space left on device")

    monkeypatch.setattr(audit, "write", full)
    with pytest.raises(OSError, match="no space"):
        applications.apply(OPERATOR, TEXT, "first")
    assert store.newest("loans") == 0
    assert store.active("loans") is None


def test_a_change_based_on_an_older_revision_is_refused_saying_whose_is_in_force(made):
    applications, *_ = made
    applications.apply(OPERATOR, TEXT, "first")
    applications.apply(Actor("anna", Role.BUILDER), TEXT.replace("< 10", "< 20"), "raise the bound", base=1)
    with pytest.raises(StaleBase, match="loans/2 is in force, applied by anna: raise the bound"):
        applications.apply(OPERATOR, TEXT.replace("< 10", "< 30"), "mine", base=1)


def test_a_file_that_somebody_elses_revision_came_after_is_refused_and_what_one_did_oneself_is_no_obstacle(made):
    applications, _, _, store, clock = made

    def apply(actor, bound, **given):
        clock.advance(1)
        return applications.apply(actor, TEXT.replace("< 10", f"< {bound}"), f"to {bound}", **given)

    first = apply(OPERATOR, 10).revision
    assert apply(OPERATOR, 20, seen="").over.number == 1, "nothing is known of another file"
    assert apply(OPERATOR, 11, seen=first.digest).done, "one's own other file"
    mine = apply(OPERATOR, 12, seen=store.get("loans", 3).digest).revision
    apply(ANNA, 30)
    with pytest.raises(Overtaken) as refused:
        apply(OPERATOR, 13, seen=mine.digest)
    assert "this file was loans/4, and since then anna put loans/5 in force" in str(refused.value)
    assert "(to 30); that differs in rules.small.when" in str(refused.value)
    assert "tenure apply FILE --base 5" in refused.value.hint
    assert apply(OPERATOR, 13, seen=mine.digest, dry_run=True).over.actor == "anna", "looking at it is not refused"
    assert apply(OPERATOR, 14, seen="sha256:" + "0" * 64).done, "what no revision was says nothing"
    assert applications.knows("loans", mine.digest)


def test_a_changed_test_is_told_by_what_changed_in_it_and_a_new_one_whole(made):
    applications, *_ = made
    one = "{request: {amount: 5.0}, output: {score: 0.4}, expect: {ok: true}}"
    two = one.replace("5.0", "50.0")
    applications.apply(OPERATOR, f"{TEXT}tests: [{one}, {two}]\n", "first")

    def told(tests):
        found = applications.diff(OPERATOR, f"{TEXT}tests: [{tests}]\n").changes
        return {change.what: (change.before, change.after) for change in found}

    assert told(f"{one}, {two.replace('0.4', '0.3')}") == {"tests.2.output.score": (0.4, 0.3)}
    assert told(one) == {
        "tests.2": ({"request": {"amount": 50.0}, "output": {"score": 0.4}, "expect": {"ok": True}}, None)
    }
    third = two.replace("50", "60")
    found = told(f"{third}, {one}, {two}")
    assert [(what, before, after["request"]) for what, (before, after) in found.items()] == [
        ("tests.1", None, {"amount": 60.0})
    ]


def test_a_rollback_by_somebody_else_is_not_undone_unseen(made):
    applications, _, _, _, clock = made
    applications.apply(OPERATOR, TEXT, "first")
    clock.advance(1)
    second = applications.apply(OPERATOR, TEXT.replace("< 10", "< 20"), "second").revision
    clock.advance(1)
    applications.rollback(ANNA, "loans", "too many")
    with pytest.raises(Overtaken, match="since then anna put loans/1 in force"):
        applications.apply(OPERATOR, second.source, "again", seen=second.digest)
    applications.rollback(OPERATOR, "loans", "it was right", to=2)
    assert applications.apply(OPERATOR, TEXT.replace("< 10", "< 30"), "third", seen=second.digest).done


def test_the_owners_own_token_is_no_other_person(made):
    applications, _, _, _, clock = made
    owner, token = Actor("local:me", Role.ADMIN, kind="local"), Actor("tok-owner", Role.ADMIN)
    first = applications.apply(owner, TEXT, "first").revision
    clock.advance(1)
    applications.apply(token, TEXT.replace("< 10", "< 20"), "by the API")
    assert applications.apply(owner, TEXT.replace("< 10", "< 30"), "by hand", seen=first.digest).done


def test_a_rollback_puts_the_revision_before_in_force_and_history_keeps_all(made):
    applications, _, _, _, clock = made
    applications.apply(OPERATOR, TEXT, "first")
    clock.advance(5)
    applications.apply(OPERATOR, TEXT.replace("< 10", "< 20"), "second")
    (second, _), (first, _) = applications.history(OPERATOR, "loans")
    for as_of, number in ((first.at - 1, []), (first.at, [1]), (second.at - 1, [1]), (second.at, [2])):
        found = applications.history(OPERATOR, "loans", as_of)
        assert [activation.number for activation, _ in found] == number
    clock.advance(5)
    back = applications.rollback(OPERATOR, "loans", "too many")
    assert (back.revision.number, back.before) == (1, 2)
    assert applications.show(OPERATOR, "loans").number == 1
    told = [(activation.number, activation.reason) for activation, _ in applications.history(OPERATOR, "loans")]
    assert told == [(1, "too many"), (2, "second"), (1, "first")]
    assert applications.rollback(OPERATOR, "loans", "after all", to=2).revision.number == 2
    assert applications.apply(OPERATOR, TEXT.replace("< 10", "< 30"), "third").revision.number == 3


def test_a_rollback_to_what_the_champion_cannot_live_with_is_refused(made):
    applications, _, contracts, *_ = made
    applications.apply(OPERATOR, TEXT, "first")
    wider = TEXT.replace("{amount: float}", "{amount: float, grade: string}")
    applications.apply(OPERATOR, wider, "a new feature")
    contracts.versions = {"risk/2": ((*INPUTS, Field("grade", "string")), OUTPUTS), "risk/1": (INPUTS, OUTPUTS)}
    with pytest.raises(BrokenDefinition, match=r"input 'grade' \(for risk/2\)"):
        applications.rollback(OPERATOR, "loans", "back")
    assert applications.show(OPERATOR, "loans").number == 2


def test_what_does_not_exist_is_named(made):
    applications, *_ = made
    with pytest.raises(UnknownApplication):
        applications.show(OPERATOR, "loans")
    applications.apply(OPERATOR, TEXT, "first")
    with pytest.raises(UnknownRevision, match="loans has no revision 7; its newest is 1"):
        applications.rollback(OPERATOR, "loans", "x", to=7)
    with pytest.raises(NothingBefore):
        applications.rollback(OPERATOR, "loans", "x")
    with pytest.raises(AlreadyActive):
        applications.rollback(OPERATOR, "loans", "x", to=1)


def test_each_role_may_do_what_its_permissions_say_and_no_more(made):
    applications, _, _, store, _ = made
    with pytest.raises(Forbidden):
        applications.apply(Actor("v", Role.VIEWER), TEXT, "x")
    with pytest.raises(Forbidden):
        applications.apply(Actor("b", Role.BUILDER, frozenset({"others"})), TEXT, "x")
    applications.apply(Actor("v", Role.VIEWER), TEXT, dry_run=True)
    assert store.newest("loans") == 0
    applications.apply(OPERATOR, TEXT, "first")
    with pytest.raises(Forbidden):
        applications.rollback(Actor("b", Role.BUILDER), "loans", "x", to=1)
    assert [revision.application for revision in applications.all(Actor("v", Role.VIEWER))] == ["loans"]


def test_init_writes_a_file_that_can_be_applied(made):
    applications, *_ = made
    text = applications.init(OPERATOR, "loans", ModelUse("risk", "champion"), "customer_id")
    assert applications.apply(OPERATOR, text, "first").revision.definition.entity == "customer_id"
    with pytest.raises(NameOfModel, match="risk is the name of a model"):
        applications.init(OPERATOR, "risk", None, None)
    with pytest.raises(NoVersionYet, match="nobody@champion"):
        applications.init(OPERATOR, "loans", ModelUse("nobody", "champion"), None)
