"""Why a decision came out as it did: what was known and since when, every rule with its values and its last author.

Everything is computed again from the record and its revision; what is personal is named and not shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.accountability.begun import served
from tenure.application.decisions.judging import HIDDEN, facts_of, judged
from tenure.application.decisions.reading import NoSuchDecision
from tenure.application.revisions.revision import Activation
from tenure.application.rules.kinds import nearest
from tenure.application.rules.ruleset import FALSE, MISSING, NOT_REACHED, TRUE
from tenure.application.rules.tables import settles
from tenure.governance.access import Permission, authorize
from tenure.kit.errors import Kind, TenureError
from tenure.kit.ids import parse_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.accountability.ports import Evidence
    from tenure.application.decisions.deciding import Settled
    from tenure.application.decisions.judging import Judged
    from tenure.application.decisions.ports import DecisionLog
    from tenure.application.revisions.ports import RevisionStore
    from tenure.application.revisions.terms import Definition
    from tenure.application.rules.rule import Rule
    from tenure.contract.records import DecisionRecord, FeatureRead, ShadowRecord
    from tenure.contract.schema import Schema
    from tenure.governance.access import Actor

#: the source of a request field that the request did not have
NOT_SENT = "not sent"
WORDS = {TRUE: "fired", FALSE: "no", MISSING: "missing value", NOT_REACHED: "not reached"}


class NoSuchRule(TenureError):
    """The revision that decided had no such rule, or its table no such row."""

    code = "no-such-rule"
    kind = Kind.NOT_FOUND
    message = "{revision} has no rule {rule!r}{nearest}"
    next_step = "`tenure why {decision}` lists its rules; a row of a table is written RULE:ROW"


@dataclass(frozen=True, slots=True)
class Known:
    """One value that the decision knew, where it came from, and since when; `defaulted` if the view had none."""

    name: str
    value: Any
    source: str
    known_at: int | None
    defaulted: bool = False


@dataclass(frozen=True, slots=True)
class Answerable:
    """One rule as it was judged, and who put it in force as it was then (None: before the history begins)."""

    judged: Judged
    changed: Activation | None


@dataclass(frozen=True, slots=True)
class Why:
    """All of it. `closed_by` is the rule that answered, or `default` or `fallback`."""

    record: DecisionRecord
    known: tuple[Known, ...]
    rules: tuple[Answerable, ...]
    closed_by: str
    why_not: tuple[Answerable, str] | None = None


class Whys:
    """The one action: why."""

    def __init__(self, log: DecisionLog, evidence: Evidence, revisions: RevisionStore) -> None:
        self._log = log
        self._evidence = evidence
        self._revisions = revisions

    def why(self, actor: Actor, decision: str, rule: str = "") -> Why:
        """Return why a decision came out as it did; with `rule` (or `rule:row`) also why that one did not answer.

        Raises `NoSuchDecision` or `NoSuchRule`.
        """
        record = self._log.decision(parse_id(decision))
        authorize(
            actor, Permission.DECISIONS_WHY, record.application if record else next(iter(actor.applications), None)
        )
        if record is None:
            raise NoSuchDecision(decision=decision)
        definition = self._evidence.definition(record.application, record.revision)
        name, row = _named(definition, record, rule) if rule else ("", 0)
        personal = self._log.personal(record)
        asked = served(record)
        found = judged(
            definition,
            self._outputs(record),
            facts_of(definition, record, personal),
            asked.output if asked else None,
            record.verdicts,
            {name: row} if row else None,
        )
        history = self._history(record)
        rules = tuple(Answerable(one, _last_change(one.rule, history)) for one in found)
        closed_by = closing(definition, record)
        chosen = next((one for one in rules if one.judged.rule.id == name), None)
        why_not = (chosen, said(chosen.judged, closed_by, row)) if chosen else None
        return Why(record, known(definition, record, personal), rules, closed_by, why_not)

    def _outputs(self, record: DecisionRecord) -> Schema:
        asked = served(record)
        return () if asked is None else self._evidence.version(asked.model, asked.version).outputs

    def _history(self, record: DecisionRecord) -> list[tuple[Activation, Definition]]:
        """Return what was in force, newest first, beginning with the decision's own revision."""
        kept = {one.number: one.definition for one in self._revisions.revisions(record.application)}
        past = [one for one in self._revisions.activations(record.application) if one.at <= record.at]
        own = next((place for place, one in enumerate(past) if one.number == record.revision), None)
        if own is not None:
            past = past[own:]
        elif (tried := self._revisions.get(record.application, record.revision)) is not None:
            # It answered a share while it was on trial, and was never in force.
            past.insert(0, Activation(tried.application, tried.number, tried.at, tried.actor, tried.reason))
        return [(one, kept[one.number]) for one in past]


def _last_change(rule: Rule, history: Sequence[tuple[Activation, Definition]]) -> Activation | None:
    """Return the activation that brought the rule as it was; before it, the rule was another or none."""
    found = None
    for activation, definition in history:
        if rule not in definition.rules:
            break
        found = activation
    return found


def known(definition: Definition, record: DecisionRecord, personal: Mapping[str, Any] | None) -> tuple[Known, ...]:
    """Return every input as logged; a personal field only by its name. `personal` is None once the person was erased."""
    hidden = {*definition.personal, definition.entity}
    request = []
    for field in definition.request:
        value: Any
        if field.name in hidden:
            sent = record.personal if personal is None else personal.get(field.name) is not None
            was_sent, value = bool(sent), HIDDEN
        else:
            was_sent, value = field.name in record.request, record.request.get(field.name)
        request.append(
            Known(field.name, value, "request", record.moment) if was_sent else Known(field.name, None, NOT_SENT, None)
        )
    return (*request, *known_of_views(definition, record.features))


def known_of_views(definition: Definition, reads: Sequence[FeatureRead]) -> list[Known]:
    """Return every value that was read of a view; of one that is read for each item of a list, by the item."""
    each = {use.view for use in definition.features if use.each}
    return [
        Known(
            f"{read.view}[{read.key}].{name}" if read.view in each else f"{read.view}.{name}",
            value,
            read.view,
            read.known_at,
            name in read.defaulted,
        )
        for read in reads
        for name, value in read.values.items()
    ]


def closing(definition: Definition, record: DecisionRecord | ShadowRecord | Settled) -> str:
    """Return the rule that answered, or `default` or `fallback`."""
    if record.decided_by == "fallback":
        return "fallback"
    last = next((rule for rule in definition.rules if record.rules and rule.id == record.rules[-1]), None)
    return last.id if last is not None and settles(last) else "default"


def said(one: Judged, closed_by: str, row: int = 0) -> str:
    """Return in a sentence why a rule (or a row of its table) did not answer."""
    if row and one.row != row:
        return f"row {row} did not hold: " + _failing(one)
    if one.verdict == TRUE:
        return "it fired" + ("" if one.rule.id == closed_by else f", and does not answer; {closed_by} did")
    if one.verdict == NOT_REACHED:
        would = {TRUE: "it would have fired", FALSE: f"it would not have fired: {_failing(one)}"}
        return f"it was not reached: {closed_by} answered before it; " + would.get(
            one.again, "its values are not known"
        )
    return _failing(one)


def _failing(one: Judged) -> str:
    if one.rule.table is not None and not one.parts:
        return "no row of its table holds for " + _values(one.values)
    return "; ".join(
        f"{part.text} {'lacked a value' if part.true is None else 'was false'} ({_values(part.values)})"
        for part in one.parts
        if part.true is not True
    )


def _values(values: dict[str, Any]) -> str:
    return (
        ", ".join(f"{name} = {'nothing' if value is None else value}" for name, value in values.items())
        or "reads nothing"
    )


def _named(definition: Definition, record: DecisionRecord, text: str) -> tuple[str, int]:
    name, _, number = text.partition(":")
    rule = next((rule for rule in definition.rules if rule.id == name), None)
    rows = len(rule.table.rows) if rule and rule.table else 0
    fits = not number or (number.isdecimal() and 1 <= int(number) <= rows)
    if rule is None or not fits:
        near = nearest(name, [one.id for one in definition.rules]) if rule is None else f"; its table has {rows} rows"
        raise NoSuchRule(
            revision=f"{record.application}/{record.revision}", rule=text, nearest=near, decision=record.id
        )
    return name, int(number or 0)
