"""The text of `application.yaml` to a `Definition`, or every problem of the text with its line and column.

What can be seen in the file alone is checked here; what needs the model and the views is in `checking.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.application.revisions.base import KEY as BASE
from tenure.application.revisions.problems import Problem, located, refusal
from tenure.application.revisions.reading import NAME, Reader, time_zone
from tenure.application.revisions.source import Source
from tenure.application.revisions.tables import TableReader
from tenure.application.revisions.terms import (
    DEFAULT_DEADLINE_US,
    Answering,
    Definition,
    ExplainUse,
    FeatureUse,
    ModelUse,
    OutcomeUse,
    RuleTest,
    from_plain,
    plain,
)
from tenure.application.rules.changes import changes_outputs
from tenure.application.rules.kinds import KINDS, nearest
from tenure.application.rules.rule import ALWAYS, Bound, Filter, Rerank, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.application.revisions.problems import Path

__all__ = ["Definition", "from_plain", "parse", "plain"]

KEYS = (
    BASE, "application", "project", "owner", "entity", "personal", "event_time", "request", "features", "model", "models", "inputs",
    "time_zone", "deadline", "explain", "fallback", "rules", "default", "reasons", "outcome", "tests",
)  # fmt: skip
_RULE_KEYS = (
    "id", "before", "after", "when", "on_missing", "answer", "reason", "review", "table", "set", "bound",
    "filter", "rerank", "model",
)  # fmt: skip
_TEST_KEYS = ("request", "features", "output", "failure", "expect")
#: names that mean something else in conditions
_TAKEN = frozenset({"request", "output", "features", "true", "false", "null", "in", "has"})
_DOES = "an answer, a review, a reason, a model, set, bound, filter or rerank"
RESERVED_EXPECTATIONS = ("rule", "reason", "decided_by", "status", "answer")
#: reasons that `explain: top_k` gives, and the most that may be asked for
TOP_K, MOST_REASONS = 4, 20
#: what a test may say instead of an output
FAILURES = ("raised", "timeout", "unavailable", "overloaded", "bad_row", "quarantined")


def parse(text: str, files: Mapping[str, str] | None = None) -> Definition:
    """Return the definition that the text of an `application.yaml` says, or raise `BrokenDefinition` with all problems.

    `files` are the texts of the table files that it names.
    """
    return read(Source(text), files)


def read(source: Source, files: Mapping[str, str] | None = None) -> Definition:
    """Return the definition of a source, or raise `BrokenDefinition`."""
    problems = list(source.problems)
    definition = _Definition(Reader(problems, source.keys), source.data, files or {}).whole()
    problems += [problem for problem in _cross_checks(definition) if not problems or problem not in problems]
    if problems:
        placed = [problem for problem in problems if problem.line or problem.file]
        unplaced = [problem for problem in problems if not (problem.line or problem.file)]
        raise refusal(placed + located(unplaced, source.places))
    return definition


class _Definition:
    """Reads the top level, one method for each key that has parts."""

    def __init__(self, reader: Reader, data: Any, files: Mapping[str, str]) -> None:
        self._read = reader
        self._files = files
        self._found = reader.mapping(data, (), KEYS, ("application", "request", "default"))

    def whole(self) -> Definition:
        read, found = self._read, self._found
        read.of_type(found, BASE, int, ())
        models = self._models()
        return Definition(
            application=read.name(found, "application", ()),
            project=read.text(found, "project", (), ""),
            owner=read.text(found, "owner", (), ""),
            entity=read.text(found, "entity", ()),
            personal=read.texts(found, "personal", ()),
            event_time=read.text(found, "event_time", ()),
            request=read.fields(found, "request", ()),
            features=tuple(self._feature(value, ("features", n)) for n, value in enumerate(self._list("features"))),
            model=self._model() or next(iter(models.values()), None),
            models=models,
            inputs=read.text_map(found, "inputs", ()),
            time_zone=read.converted(found, "time_zone", (), time_zone, "UTC"),
            deadline_us=read.duration(found, "deadline", (), DEFAULT_DEADLINE_US) or 0,
            explain=self._explain(),
            fallback=self._answering("fallback"),
            rules=tuple(self._rule(value, ("rules", n)) for n, value in enumerate(self._list("rules"))),
            default=self._answering("default") or Answering({}),
            reasons=read.text_map(found, "reasons", ()),
            outcome=self._outcome(),
            tests=tuple(self._test(value, ("tests", n)) for n, value in enumerate(self._list("tests"))),
        )

    def _list(self, key: str) -> list[Any]:
        found: list[Any] = self._read.of_type(self._found, key, list, (), [])
        return found

    def _feature(self, value: Any, path: Path) -> FeatureUse:
        found = self._read.mapping(value, path, ("view", "key", "each", "on_missing"), ("view",))
        if isinstance(value, dict) and "on_missing" in value and value["on_missing"] is None:
            found["on_missing"] = "null"  # YAML's own null, and the word that is meant
        if ("key" in found) == ("each" in found):
            self._read.refuse(
                path, "name the field that says whose row it is (key), or the output (each), and not both"
            )
        return FeatureUse(
            view=self._read.text(found, "view", path, ""),
            key=self._read.text(found, "key", path, ""),
            on_missing=self._read.one_of(found, "on_missing", ("default", "error", "null"), path, "error"),
            each=self._read.text(found, "each", path, ""),
        )

    def _model(self) -> ModelUse | None:
        text = self._read.text(self._found, "model", ())
        return None if text is None else self._use(text, ("model",))

    def _models(self) -> dict[str, ModelUse]:
        """Return the models that rules may choose, by their names here; without `model` the first is the usual one."""
        written = self._read.text_map(self._found, "models", ())
        for name in written:
            if not NAME.fullmatch(name):
                self._read.refuse(("models", name), f"{name!r} is no name; use a-z, 0-9, . _ and -", at_key=True)
        found = {name: self._use(text, ("models", name)) for name, text in written.items()}
        return {name: use for name, use in found.items() if use is not None}

    def _use(self, text: str, path: Path) -> ModelUse | None:
        name, _, alias = text.partition("@")
        if not NAME.fullmatch(name) or not NAME.fullmatch(alias):
            self._read.refuse(path, f"{text!r} names no model; write MODEL@ALIAS, as in churn@champion")
            return None
        return ModelUse(name, alias)

    def _explain(self) -> ExplainUse | None:
        """Return what `none`, `top_k` or `{top_k: 3, direction: up, codes: {input: CODE}}` asks for."""
        written = self._found.get("explain")
        if written is None or isinstance(written, str):
            word = self._read.one_of(self._found, "explain", ("none", "top_k"), (), "none")
            return ExplainUse(TOP_K) if word == "top_k" else None
        path = ("explain",)
        found = self._read.mapping(written, path, ("top_k", "direction", "codes"), ("top_k",))
        count = self._read.of_type(found, "top_k", int, path, TOP_K)
        if not 1 <= count <= MOST_REASONS:
            self._read.refuse((*path, "top_k"), f"this must be between 1 and {MOST_REASONS}")
        return ExplainUse(
            count,
            self._read.one_of(found, "direction", ("both", "up", "down"), path, "both"),
            self._read.text_map(found, "codes", path),
        )

    def _answering(self, key: str) -> Answering | None:
        if key not in self._found:
            return None
        found = self._read.mapping(self._found[key], (key,), ("answer", "reason"), ("answer",))
        return Answering(
            self._read.of_type(found, "answer", dict, (key,), {}), self._read.text(found, "reason", (key,))
        )

    def _rule(self, value: Any, path: Path) -> Rule:
        read = self._read
        found = read.mapping(value, path, _RULE_KEYS, ("id",))
        if "table" not in found and "when" not in found:
            read.refuse(path, "the rule says neither `when` nor `table`")
        for phase in ("before", "after"):
            read.one_of(found, phase, ("model",), path, None)
        if "before" in found and "after" in found:
            read.refuse(path, "a rule stands before the model or after it, not both")
        return Rule(
            id=read.name(found, "id", path),
            when=self._condition(found, path),
            phase="after" if "after" in found else "before",
            on_missing=read.one_of(found, "on_missing", ("error", "skip"), path, None),
            answer=read.of_type(found, "answer", dict, path),
            reason=read.text(found, "reason", path),
            review=read.text(found, "review", path),
            model=read.text(found, "model", path),
            table=TableReader(read, self._files).table(found, path),
            set=read.of_type(found, "set", dict, path),
            bound=self._bounds(found, path),
            filter=self._filter(found, path),
            rerank=self._rerank(found, path),
        )

    def _filter(self, found: dict[str, Any], rule: Path) -> Filter | None:
        if "filter" not in found:
            return None
        read, path = self._read, (*rule, "filter")
        said = read.mapping(found["filter"], path, ("of", "keep", "per", "most"), ("of",))
        most = read.of_type(said, "most", int, path)
        if most is not None and most < 1:
            read.refuse((*path, "most"), "this must be at least 1")
        if most is None and "per" in said:
            read.refuse((*path, "per"), "how many for each value? write most: N beside it")
        elif most is None and "keep" not in said:
            read.refuse(path, "the filter lets everything through; write keep: CONDITION, or most: N")
        return Filter(
            of=read.text(said, "of", path, ""),
            keep=read.text(said, "keep", path),
            per=read.text(said, "per", path),
            most=most,
        )

    def _rerank(self, found: dict[str, Any], rule: Path) -> Rerank | None:
        if "rerank" not in found:
            return None
        read, path = self._read, (*rule, "rerank")
        said = read.mapping(found["rerank"], path, ("of", "by", "order"), ("of", "by"))
        return Rerank(
            of=read.text(said, "of", path, ""),
            by=read.text(said, "by", path, ""),
            order=read.one_of(said, "order", ("falling", "rising"), path, "falling"),
        )

    def _bounds(self, found: dict[str, Any], path: Path) -> dict[str, Bound] | None:
        written = self._read.of_type(found, "bound", dict, path)
        if not written:
            return None
        return {name: self._bound(value, (*path, "bound", name)) for name, value in written.items()}

    def _bound(self, value: Any, path: Path) -> Bound:
        ends = self._read.mapping(value, path, ("minimum", "maximum"))
        for end, number in ends.items():
            if isinstance(number, bool) or not isinstance(number, int | float):
                self._read.refuse((*path, end), "this must be a number")
        return Bound(**{end: number for end, number in ends.items() if type(number) in {int, float}})

    def _condition(self, found: dict[str, Any], path: Path) -> str:
        when = found.get("when")
        if isinstance(when, bool):  # `when: true`: a switch set on purpose
            return str(when).lower()
        return str(self._read.text(found, "when", path, ALWAYS if "table" in found else "") or "")

    def _outcome(self) -> OutcomeUse | None:
        if "outcome" not in self._found:
            return None
        path = ("outcome",)
        found = self._read.mapping(self._found["outcome"], path, ("name", "type", "matures_after"), ("name", "type"))
        return OutcomeUse(
            name=self._read.text(found, "name", path, ""),
            type=self._read.one_of(found, "type", tuple(KINDS), path, "float"),
            matures_after_us=self._read.duration(found, "matures_after", path, None),
        )

    def _test(self, value: Any, path: Path) -> RuleTest:
        read = self._read
        found = read.mapping(value, path, _TEST_KEYS, ("request", "expect"))
        return RuleTest(
            request=read.of_type(found, "request", dict, path, {}),
            expect=read.of_type(found, "expect", dict, path, {}),
            features=self._by_view(found, path),
            output=read.of_type(found, "output", dict, path),
            failure=read.one_of(found, "failure", FAILURES, path, None),
        )

    def _by_view(self, found: dict[str, Any], path: Path) -> dict[str, dict[str, Any]]:
        views = self._read.of_type(found, "features", dict, path, {})
        return {view: self._read.of_type(views, view, dict, (*path, "features"), {}) for view in views}


def _cross_checks(definition: Definition) -> list[Problem]:
    """Return what does not fit together although each part alone could be right."""
    fields = {field.name for field in definition.request}
    taken = "has a meaning of its own in conditions; choose another name"
    found = [Problem(("request", name), f"{name!r} {taken}") for name in sorted(fields & _TAKEN)]
    if not fields:
        found += [Problem(("request",), "a request must have at least one field")]
    found += _references(definition, fields)
    found += _rule_checks(definition)
    if definition.model is not None and definition.fallback is None:
        found.append(Problem(("model",), "a model can fail or be late", add="fallback: {answer: {…}, reason: R90}"))
    if definition.model is None:
        found += _without_model(definition)
    if not 0 < definition.deadline_us <= 60_000_000:
        found.append(Problem(("deadline",), "the deadline must be between 1ms and 60s"))
    return found


def _references(definition: Definition, fields: set[str]) -> list[Problem]:
    wanted: list[tuple[Path, str | None]] = [(("entity",), definition.entity), (("event_time",), definition.event_time)]
    wanted += [(("personal", place), name) for place, name in enumerate(definition.personal)]
    wanted += [(("features", place, "key"), use.key) for place, use in enumerate(definition.features) if use.key]
    found = [
        Problem(path, f"the request has no field {name!r}{nearest(name, fields)}")
        for path, name in wanted
        if name is not None and name not in fields
    ]
    if definition.personal and definition.entity is None:
        found.append(Problem(("personal",), "personal fields belong to a person", add="entity: FIELD"))
    found += _entity_checks(definition)
    found += _twice(("features", "view"), [use.view for use in definition.features])
    return found


def _entity_checks(definition: Definition) -> list[Problem]:
    by_name = {field.name: field for field in definition.request}
    found = []
    entity = by_name.get(definition.entity or "")
    if entity is not None and (entity.type not in {"string", "int"} or not entity.required):
        found.append(Problem(("entity",), f"{entity.name} must be a required text or whole number"))
    moment = by_name.get(definition.event_time or "")
    if moment is not None and moment.type not in {"date", "timestamp"}:
        found.append(Problem(("event_time",), f"{moment.name} is {moment.type}; it must be a date or a timestamp"))
    for place, use in enumerate(definition.features):
        key = by_name.get(use.key)
        if key is not None and (key.type not in {"string", "int", "date"} or not key.required):
            found.append(
                Problem(("features", place, "key"), f"{key.name} must be a required text, day or whole number")
            )
    return found


def _rule_checks(definition: Definition) -> list[Problem]:
    found = _twice(("rules", "id"), [rule.id for rule in definition.rules])
    reasons = definition.reasons
    for place, rule in enumerate(definition.rules):
        if rule.table is None and not _does_something(rule):
            found.append(Problem(("rules", place), f"the rule does nothing: give it {_DOES}"))
        if rule.table is not None:
            found += _beside_a_table(rule, ("rules", place))
        found += _choice(definition, rule, ("rules", place))
        if rule.reason is not None and rule.reason not in reasons:
            found.append(
                Problem(
                    ("rules", place, "reason"), f"there is no reason {rule.reason!r}{nearest(rule.reason, reasons)}"
                )
            )
    for key, part in (("fallback", definition.fallback), ("default", definition.default)):
        if part is not None and part.reason is not None and part.reason not in reasons:
            found.append(Problem((key, "reason"), f"there is no reason {part.reason!r}{nearest(part.reason, reasons)}"))
    for feature, code in definition.explain.codes.items() if definition.explain else ():
        if code not in reasons:
            path = ("explain", "codes", feature)
            found.append(Problem(path, f"there is no reason {code!r}{nearest(code, reasons)}"))
    for place, test in enumerate(definition.tests):
        if not test.expect:
            found.append(Problem(("tests", place), "the test expects nothing, so it cannot fail"))
    return found


def _choice(definition: Definition, rule: Rule, path: Path) -> list[Problem]:
    """Return what is wrong with the model that a rule chooses."""
    if rule.model is None:
        return []
    where = (*path, "model")
    if rule.model not in definition.models:
        known = nearest(rule.model, definition.models)
        add = "" if definition.models else f"models:\n  {rule.model}: MODEL@champion"
        return [Problem(where, f"models has no {rule.model!r}{known}", add=add)]
    found = []
    if rule.phase == "after":
        found.append(Problem(where, "the model has answered already; choose one `before: model`"))
    if rule.answer is not None:
        found.append(Problem(where, "the rule answers, so no model is asked"))
    return found


def _does_something(rule: Rule) -> bool:
    return rule.answer is not None or bool(rule.review or rule.reason or rule.model) or changes_outputs(rule)


def _beside_a_table(rule: Rule, path: Path) -> list[Problem]:
    """Return what a rule with a table says beside it although the rows say it."""
    why = "the table's rows say it: use a column {column}"
    columns = {"answer": "answer.KEY", "reason": "reason", "review": "review"}
    said = [(key, column) for key, column in columns.items() if getattr(rule, key) is not None]
    found = [Problem((*path, key), why.format(column=column)) for key, column in said]
    alone = [key for key in ("set", "bound", "filter", "rerank", "model") if getattr(rule, key)]
    why = "a table changes no outputs and chooses no model; use a rule of its own"
    return found + [Problem((*path, key), why) for key in alone]


def _without_model(definition: Definition) -> list[Problem]:
    found = [
        Problem(("rules", place, "after"), "no model is asked, so nothing is after it", add="model: MODEL@champion")
        for place, rule in enumerate(definition.rules)
        if rule.phase == "after"
    ]
    if definition.inputs:
        found.append(Problem(("inputs",), "no model is asked, so it has no inputs", add="model: MODEL@champion"))
    if definition.explain is not None:
        found.append(Problem(("explain",), "no model is asked, so none gives reasons", add="model: MODEL@champion"))
    found += [
        Problem(("features", place, "each"), "no model is asked, so there is no list")
        for place, use in enumerate(definition.features)
        if use.each
    ]
    if definition.fallback is not None:
        found.append(Problem(("fallback",), "no model is asked, so nothing can fall back; the default answers"))
    return found


def _twice(path: Path, names: list[str]) -> list[Problem]:
    """Return a problem for each name of a list that stood before; `path` is the list's key and the key of the name."""
    return [
        Problem((path[0], place, path[1]), f"{name!r} stands twice")
        for place, name in enumerate(names)
        if name and name in names[:place]
    ]
