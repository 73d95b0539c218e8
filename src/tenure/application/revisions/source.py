"""YAML text to plain data, remembering the line and column of everything.

Stricter than YAML 1.1: only `true` and `false` are truth values (so `no` stays the text "no"), days and times stay
text, a key may stand only once, and anchors, tags and endless nesting are refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from tenure.application.revisions.problems import Problem, refusal

if TYPE_CHECKING:
    from tenure.application.revisions.problems import Path

LARGEST = 1 << 20
DEEPEST = 20


class _Loader(yaml.SafeLoader):
    """A loader that takes only what YAML 1.2's core schema takes for more than text."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc] # the stubs call it an instance's


for _tag, _pattern, _first in (
    ("bool", r"true|false|True|False|TRUE|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


class Source:
    """A file's text as plain `data`, with `places` (of values) and `keys` (of keys): path → line and column from 1."""

    def __init__(self, text: str) -> None:
        self.places: dict[Path, tuple[int, int]] = {}
        self.keys: dict[Path, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        if len(text) > LARGEST:
            raise refusal([Problem((), f"the file has more than {LARGEST} characters")])
        self.data = self._value(_composed(text), ())

    def _value(self, node: yaml.Node, path: Path) -> Any:
        quoted = isinstance(node, yaml.ScalarNode) and node.style in {'"', "'"}
        self.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1 + quoted)
        if len(path) > DEEPEST:
            return self._refuse(path, f"nested more than {DEEPEST} deep")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, place)) for place, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(path, "a key must be a plain word")
                continue
            key = str(key_node.value)
            place = (*path, key)
            self.keys.setdefault(place, (key_node.start_mark.line + 1, key_node.start_mark.column + 1))
            if key in found:
                self.problems.append(
                    Problem(
                        place,
                        "this key stands twice",
                        line=key_node.start_mark.line + 1,
                        column=key_node.start_mark.column + 1,
                    )
                )
                continue
            found[key] = self._value(value_node, place)
        return found

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        text = node.value
        if kind == "int":
            return int(text) if len(text) < 40 else self._refuse(path, "the number is too long")
        if kind == "float":
            return float(text)
        if kind == "bool":
            return text.lower() == "true"
        if kind == "null":
            return None
        return text if kind == "str" else self._refuse(path, f"the tag {node.tag} has no meaning here")

    def _refuse(self, path: Path, why: str) -> None:
        line, column = self.places[path]
        self.problems.append(Problem(path, why, line=line, column=column))


def _composed(text: str) -> yaml.Node:
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise refusal(
                    [_at(event.start_mark, "anchors and aliases (& and *) are not supported; write the value again")]
                )
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _unreadable(error) from error
    except RecursionError as error:
        raise refusal([Problem((), "the file is nested too deep")]) from error
    if not isinstance(node, yaml.MappingNode):
        raise refusal(
            [Problem((), "the file must be a mapping that begins with `application: NAME`", line=1, column=1)]
        )
    return node


def _at(mark: Any, why: str) -> Problem:
    return Problem((), why, line=mark.line + 1 if mark else 0, column=mark.column + 1 if mark else 0)


def _unreadable(error: yaml.YAMLError) -> Exception:
    if isinstance(error, yaml.MarkedYAMLError):
        why = " ".join(part for part in (error.context, error.problem) if part)
        # What was not closed is to be found where it begins; anything else where it was noticed.
        unclosed = "flow" in (error.context or "") or "quoted" in (error.context or "")
        mark = error.context_mark if unclosed else error.problem_mark
        return refusal([_at(mark or error.problem_mark, f"this is no YAML: {why}")])
    return refusal([Problem((), f"this is no YAML: {error}")])
