"""A changed revision tried on old decisions: how many answers would differ, where, and which.

Rules alone take what the model said then from the log. With a version named, that version is asked again. What cannot
be compared (a field that was not asked for then, a model that was not asked) is counted by its reason, never guessed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.decisions.deciding import Admitted, AskModel, Decider
from tenure.application.revisions.terms import Definition
from tenure.application.rules.tables import settles
from tenure.contract.predictor import Failure, Prediction
from tenure.contract.schema import Field
from tenure.kit.errors import TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tenure.application.decisions.deciding import Settled
    from tenure.application.rules.rule import Rule
    from tenure.contract.schema import Schema

MOST_EXAMPLES = 12
#: examples of one way in which decisions change
EXAMPLES_OF_A_KIND = 3
REFUSED = "(refused)"
#: kinds of decisions counted together before they are added up
_TOGETHER = 4096
#: distinct values of a field that are told apart; a column with more is no segment
MOST_VALUES = 40


class Said(msgspec.Struct, frozen=True):
    """What a version said then."""

    role: str
    model: str
    version: int
    digest: str = ""
    output: dict[str, Any] | None = None
    failure: Failure | None = None
    error: str = ""


class FeaturesThen(msgspec.Struct, frozen=True):
    """What a view gave then."""

    view: str
    values: dict[str, Any]
    key: str | None = None
    known_at: int | None = None


class Past(msgspec.Struct, frozen=True):
    """Of an old decision's record what a comparison reads; the rest is passed over."""

    id: str
    at: int
    revision: int
    request: dict[str, Any]
    answer: dict[str, Any]
    decided_by: str
    entity: str | None = None
    personal: str = ""
    features: list[FeaturesThen] = []
    rules: list[str] = []
    predictions: list[Said] = []
    status: str = "final"

    @property
    def served(self) -> Said | None:
        """Return what the version said whose output was used."""
        for one in self.predictions:
            if one.role == "served":
                return one
        return None


class Trial(msgspec.Struct, frozen=True):
    """What is tried on what: the changed definition, the revisions that decided, and what versions take and give.

    `version` names the version that is asked anew, empty for rules alone; `by` are request fields to be counted by.
    """

    definition: Definition
    pasts: dict[int, Definition]
    contracts: dict[str, tuple[tuple[Field, ...], tuple[Field, ...]]]
    version: str = ""
    by: tuple[str, ...] = ()


class Example(msgspec.Struct, frozen=True):
    """One decision that would come out otherwise."""

    decision_id: str
    at: int
    before: dict[str, Any]
    after: dict[str, Any] | None
    rule_before: str
    rule_after: str
    status_before: str
    status_after: str


class Tally(msgspec.Struct):
    """What was found: decisions compared and changed, by segment, with examples; and what could not be compared, why.

    `segments`: name → value → [compared, changed]; `ways`: "rule → rule" → how many changed so.
    """

    compared: int = 0
    changed: int = 0
    reviews: int = 0
    refused: int = 0
    segments: dict[str, dict[str, list[int]]] = {}
    ways: dict[str, int] = {}
    incomparable: dict[str, int] = {}
    examples: list[Example] = []

    def add(self, other: Tally) -> None:
        """Take in what was found elsewhere."""
        self.compared += other.compared
        self.changed += other.changed
        self.reviews += other.reviews
        self.refused += other.refused
        for name, values in other.segments.items():
            mine = self.segments.setdefault(name, {})
            for value, (compared, changed) in values.items():
                count = mine.setdefault(value, [0, 0])
                count[0] += compared
                count[1] += changed
        self.ways = dict(Counter(self.ways) + Counter(other.ways))
        self.incomparable = dict(Counter(self.incomparable) + Counter(other.incomparable))
        self.examples = chosen([*self.examples, *other.examples])


def chosen(examples: Iterable[Example]) -> list[Example]:
    """Return the newest examples, a few of each way in which decisions change."""
    kept: list[Example] = []
    ways: Counter[tuple[str, str]] = Counter()
    for one in sorted(examples, key=lambda example: example.decision_id, reverse=True):
        way = (one.rule_before, one.rule_after)
        if ways[way] < EXAMPLES_OF_A_KIND:
            ways[way] += 1
            kept.append(one)
    return kept[:MOST_EXAMPLES]


class Comparison:
    """Compares old decisions with what the trial's definition makes of them, and counts."""

    def __init__(
        self, trial: Trial, personal: Callable[[Past], Mapping[str, Any] | None] | None = None, model: Any = None
    ) -> None:
        """Prepare; `personal` decrypts, where the rules read personal fields; `model.predict(rows)` asks the version."""
        self._tally = Tally()
        #: (closing rule, who decided, each field counted by) → [compared, changed]; not in the tally yet
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._trial = trial
        self._personal = personal
        self._model = model
        self._decode = msgspec.json.Decoder(Past).decode
        self._fields = [field.name for field in trial.definition.request]
        self._settling = {number: _settling(past) for number, past in trial.pasts.items()}
        self._settles = _settling(trial.definition)
        self._obstacles = {number: obstacle(trial.definition, past) for number, past in trial.pasts.items()}
        self._new = frozenset(self._required_now())
        self._deciders: dict[str, Decider | str] = {}

    @property
    def tally(self) -> Tally:
        """Return what was found so far."""
        self._add_up()
        return self._tally

    def look(self, records: Sequence[bytes]) -> None:
        """Compare some records."""
        waiting: list[tuple[Past, Decider, AskModel]] = []
        for record in records:
            past = self._decode(record)
            said = past.served
            decider = self._usable(past, said)
            if isinstance(decider, str):
                self._incomparable(decider)
            elif self._model is None:
                self._decide(past, said, decider)
            elif asked := self._ask(past, decider):
                waiting.append((past, decider, asked))
        if waiting:
            self._answer(waiting)

    # ---- which decider, if any

    def _usable(self, past: Past, said: Said | None) -> Decider | str:
        why = self._obstacles.get(past.revision, "its revision is not kept")
        if why:
            return why
        if self._new and not self._new <= past.request.keys():
            missing = sorted(self._new - past.request.keys())
            return f"the request did not carry {', '.join(missing)}"
        key = self._trial.version or (f"{said.model}/{said.version}" if said else "")
        if key not in self._deciders:
            self._deciders[key] = self._compiled(key)
        return self._deciders[key]

    def _compiled(self, key: str) -> Decider | str:
        definition = self._trial.definition
        if definition.uses and key and not definition.may_ask(key.partition("/")[0]):
            return f"another model was asked: {key}"
        fitting = [self._trial.contracts[key]] if key in self._trial.contracts else list(self._trial.contracts.values())
        for inputs, outputs in fitting or [((), ())]:
            try:
                return Decider(definition, inputs, outputs, revision=0)
            except TenureError as error:
                why = f"the revision does not fit {key or 'the model'}: {error.facts['problems'][0]['why']}"
        return why

    def _required_now(self) -> list[str]:
        """Return the fields that must be there now and might have been left out then; those new are obstacles."""
        hidden = {*self._trial.definition.personal, self._trial.definition.entity}
        optional = {field.name for past in self._trial.pasts.values() for field in past.request if not field.required}
        return [
            field.name
            for field in self._trial.definition.request
            if field.required and field.name in optional and field.name not in hidden
        ]

    # ---- deciding again

    def _given(self, past: Past) -> tuple[Admitted, dict[str, Any]]:
        known: Mapping[str, Any] = past.request
        if self._personal is not None and past.personal:
            known = {**known, **(self._personal(past) or {})}
        admitted = Admitted({name: known.get(name) for name in self._fields})
        return admitted, {one.view: (one.values, one.known_at) for one in past.features}

    def _decide(self, past: Past, said: Said | None, decider: Decider) -> None:
        prediction = None
        if said is not None:
            prediction = Prediction(said.model, said.version, said.digest, said.output, failure=said.failure)
        admitted, features = self._given(past)
        try:
            settled = decider.again(admitted, features, prediction, _items(past))
        except TenureError as error:
            self._refuse(past, error)
            return
        except (TypeError, KeyError):
            self._incomparable("a value that the rules read was not logged")
            return
        if settled is None:
            self._incomparable("it would ask a model that was not asked then; name a version: --model MODEL/VERSION")
        else:
            self._count(past, settled)

    def _ask(self, past: Past, decider: Decider) -> AskModel | None:
        admitted, features = self._given(past)
        try:
            step = decider.before(admitted, features, _items(past))
        except TenureError as error:
            self._refuse(past, error)
            return None
        except (TypeError, KeyError):
            self._incomparable("a value that the rules read was not logged")
            return None
        if isinstance(step, AskModel):
            if decider.asked(step).name == self._trial.version.partition("/")[0]:
                return step
            self._incomparable(f"it would ask {decider.asked(step)}, and {self._trial.version} is no version of it")
            return None
        self._count(past, step)
        return None

    def _answer(self, waiting: list[tuple[Past, Decider, AskModel]]) -> None:
        """Ask the version for all rows at once, and finish the decisions."""
        predictions = self._model.predict([asked.row for _, _, asked in waiting])
        for (past, decider, asked), prediction in zip(waiting, predictions, strict=True):
            try:
                self._count(past, decider.after(asked, prediction))
            except TenureError as error:
                self._refuse(past, error)
            except KeyError:
                self._incomparable("the version gives items of which nothing was read then")

    # ---- counting

    def _incomparable(self, why: str) -> None:
        counts = self._tally.incomparable
        counts[why] = counts.get(why, 0) + 1

    def _refuse(self, past: Past, error: TenureError) -> None:
        """Count a request that would be refused now: its caller would have had no answer."""
        self._tally.refused += 1
        then = _closing(past.decided_by, past.rules, self._settling[past.revision])
        self._segment(past, then, changed=1)
        self._change(past, then, f"{REFUSED}: {error}", None, "")

    def _count(self, past: Past, settled: Settled) -> None:
        then = _closing(past.decided_by, past.rules, self._settling[past.revision])
        reviews = settled.status != past.status
        changed = reviews or not (settled.answer == past.answer or _as_logged(settled.answer) == past.answer)
        self._segment(past, then, changed=int(changed))
        if changed:
            self._tally.reviews += reviews
            now = _closing(settled.decided_by, settled.rules, self._settles)
            self._change(past, then, now, settled.answer, settled.status)

    def _segment(self, past: Past, rule: str, *, changed: int) -> None:
        key = (rule, past.decided_by, *[_written(past.request.get(name)) for name in self._trial.by])
        count = self._counts.get(key)
        if count is None:
            if len(self._counts) == _TOGETHER:
                self._add_up()
            count = self._counts[key] = [0, 0]
        count[0] += 1
        count[1] += changed

    def _add_up(self) -> None:
        """Take what was counted into the tally: segment by segment, once for all decisions that are alike in all."""
        tally = self._tally
        names = ("rule", "decided_by", *self._trial.by)
        for key, (compared, changed) in self._counts.items():
            tally.compared += compared
            tally.changed += changed
            for name, value in zip(names, key, strict=True):
                counts = tally.segments.setdefault(name, {})
                if value not in counts:
                    value = value if len(counts) < MOST_VALUES else "(other)"  # noqa: PLW2901 - too many to tell apart
                    counts.setdefault(value, [0, 0])
                counts[value][0] += compared
                counts[value][1] += changed
        self._counts.clear()

    def _change(self, past: Past, then: str, now: str, answer: dict[str, Any] | None, status: str) -> None:
        way = f"{then} → {now}"
        seen = self._tally.ways[way] = self._tally.ways.get(way, 0) + 1
        if seen <= EXAMPLES_OF_A_KIND:
            example = Example(past.id, past.at, past.answer, answer, then, now, past.status, status)
            self._tally.examples.append(example)


def obstacle(now: Definition, then: Definition) -> str:
    """Return why decisions of a past revision cannot be made by the definition, empty where they can."""
    fields = {field.name: field for field in then.request}
    for field in now.request:
        if field.name not in fields and field.required:
            return f"the request had no field {field.name}"
        if field.name in fields and fields[field.name].type != field.type:
            return f"{field.name} was {fields[field.name].type} and is {field.type}"
    views = {use.view: {column.name for column in use.columns} for use in then.features}
    for use in now.features:
        missing = {column.name for column in use.columns} - views.get(use.view, set())
        if missing:
            return f"{use.view}.{min(missing)} was not read"
    return ""


def reads_personal(definition: Definition, inputs: Schema, *, asks: bool) -> bool:
    """Tell whether the definition's conditions, or with `asks` the model's row, may read personal fields."""
    hidden = {*definition.personal, definition.entity} - {None}
    texts = [rule.when for rule in definition.rules]
    texts += [name for rule in definition.rules if rule.table for name in rule.table.columns]
    texts += [text for rule in definition.rules for text in _written_in(rule)]
    if asks:
        texts += [*definition.inputs.values(), *(field.name for field in inputs)]
    # A name in a text that is no name of a field costs only time, so that the words need not be parsed.
    return any(str(name) in text for name in hidden for text in texts)


def _written_in(rule: Rule) -> list[str]:
    """Return the expressions of a rule beside its condition, and of its plain values as much as may be one."""
    found = [str(rule.set)] if rule.set else []
    found += [text or "" for text in (rule.filter.keep, rule.filter.per)] if rule.filter else []
    return found + ([rule.rerank.by] if rule.rerank else [])


def _items(past: Past) -> Callable[[str, str], tuple[dict[str, Any], int | None]]:
    """Return what the views gave for single items; raise `KeyError` for one of which nothing was read."""
    features = past.features

    def read(view: str, key: str) -> tuple[dict[str, Any], int | None]:
        for one in features:
            if one.view == view and one.key == key:
                return one.values, one.known_at
        raise KeyError(key)

    return read


def _settling(definition: Definition) -> frozenset[str]:
    return frozenset(rule.id for rule in definition.rules if settles(rule))


def _closing(decided_by: str, rules: list[str], settling: frozenset[str]) -> str:
    if decided_by == "fallback":
        return "fallback"
    return rules[-1] if rules and rules[-1] in settling else "default"


def _as_logged(answer: dict[str, Any]) -> Any:
    """Return the answer as the log would give it back: NaN is null there."""
    return msgspec.json.decode(msgspec.json.encode(answer))


def _written(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1g}"
    return str(value).lower() if isinstance(value, bool) else str(value)
