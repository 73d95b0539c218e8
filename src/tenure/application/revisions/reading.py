"""Plain data to the parts of a definition, collecting every problem on the way instead of stopping at the first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tenure.application.durations import parse_duration
from tenure.application.revisions.problems import Problem
from tenure.application.rules.kinds import KINDS, nearest
from tenure.contract.schema import Field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenure.application.revisions.problems import Path

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FIELD_KEYS = ("type", "required", "minimum", "maximum", "values", "description")
_WORDS = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    dict: "a mapping of keys to values",
    list: "a list",
}


class Reader:
    """Reads values by their paths; what cannot be read becomes a problem and its default."""

    def __init__(self, problems: list[Problem], keys: Mapping[Path, tuple[int, int]]) -> None:
        self.problems = problems
        self._keys = keys

    def refuse(self, path: Path, why: str, *, at_key: bool = False) -> None:
        """Note a problem at the value, or at the key of this path."""
        line, column = self._keys.get(path, (0, 0)) if at_key else (0, 0)
        self.problems.append(Problem(path, why, line=line, column=column))

    def mapping(
        self, value: Any, path: Path, allowed: tuple[str, ...], required: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Return the mapping without the keys that mean nothing here, each of which is refused."""
        if not isinstance(value, dict):
            self.refuse(path, f"this must be a mapping with the keys {', '.join(required or allowed)}")
            return {}
        for key in value:
            if key not in allowed:
                self.refuse((*path, key), f"there is no key {key!r}{nearest(key, allowed)}", at_key=True)
        for key in required:
            if value.get(key) is None:
                self.refuse(path, f"the key {key!r} is missing")
        return {key: value[key] for key in allowed if value.get(key) is not None}

    def of_type(self, found: dict[str, Any], key: str, wanted: type, path: Path, default: Any = None) -> Any:
        """Return the value of a key if it is of the wanted type; a problem and the default if it is not."""
        value = found.get(key, default)
        if key not in found or (isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))):
            return value
        quote = f"; write {key}: '{value}'" if wanted is str and isinstance(value, bool | int | float) else ""
        self.refuse((*path, key), f"this must be {_WORDS[wanted]}{quote}")
        return default

    def text(self, found: dict[str, Any], key: str, path: Path, default: str | None = None) -> Any:
        """Return the text of a key."""
        return self.of_type(found, key, str, path, default)

    def one_of(self, found: dict[str, Any], key: str, choices: tuple[str, ...], path: Path, default: str | None) -> Any:
        """Return the text of a key if it is one of the choices."""
        value = self.text(found, key, path, default)
        if value is None or value in choices:
            return value
        self.refuse((*path, key), f"{value!r} is not one of {', '.join(choices)}{nearest(value, choices)}")
        return default

    def duration(self, found: dict[str, Any], key: str, path: Path, default: int | None) -> int | None:
        """Return a length of time in microseconds."""
        if isinstance(found.get(key), int | float) and not isinstance(found[key], bool):
            self.refuse(
                (*path, key), f"{found[key]} of what? write it with its unit, as {found[key]}ms, 30s, 12h or 60d"
            )
            return default
        length: int | None = self.converted(found, key, path, parse_duration, default)
        return length

    def converted(
        self, found: dict[str, Any], key: str, path: Path, convert: Callable[[str], Any], default: Any
    ) -> Any:
        """Return what a text means; a `ValueError` of the conversion is the problem."""
        text = self.text(found, key, path)
        if text is None:
            return default
        try:
            return convert(text)
        except ValueError as error:
            self.refuse((*path, key), str(error))
            return default

    def name(self, found: dict[str, Any], key: str, path: Path) -> str:
        """Return the name of an application, a model or a rule."""
        value = self.text(found, key, path, "") or ""
        if value and not NAME.fullmatch(value):
            self.refuse(
                (*path, key), f"{value!r} cannot be a name: use 1 to 64 lower-case letters, digits, '.', '_' or '-'"
            )
        return str(value)

    def texts(self, found: dict[str, Any], key: str, path: Path) -> tuple[str, ...]:
        """Return a list of texts."""
        values = self.of_type(found, key, list, path, [])
        for place, value in enumerate(values):
            if not isinstance(value, str):
                self.refuse((*path, key, place), f"this must be text; write '{value}'")
        return tuple(value for value in values if isinstance(value, str))

    def text_map(self, found: dict[str, Any], key: str, path: Path) -> dict[str, str]:
        """Return a mapping of names to texts."""
        values = self.of_type(found, key, dict, path, {})
        return {name: self.text(values, name, (*path, key), "") for name in values}

    def fields(self, found: dict[str, Any], key: str, path: Path) -> tuple[Field, ...]:
        """Return a schema: `name: type`, or `name: {type, required, minimum, maximum, values}`."""
        written = self.of_type(found, key, dict, path, {})
        return tuple(self._field(name, value, (*path, key, name)) for name, value in written.items())

    def _field(self, name: str, value: Any, path: Path) -> Field:
        if isinstance(value, str):
            value = {"type": value}
        found = self.mapping(value, path, _FIELD_KEYS, ("type",))
        kind = self.one_of(found, "type", tuple(KINDS), path, "string")
        field = Field(
            name,
            kind,
            required=self.of_type(found, "required", bool, path, True),  # noqa: FBT003
            minimum=self._bound(found, "minimum", kind, path),
            maximum=self._bound(found, "maximum", kind, path),
            values=self.texts(found, "values", path) or None,
        )
        self._check_field(field, path)
        return field

    def _bound(self, found: dict[str, Any], key: str, kind: str, path: Path) -> float | None:
        value = found.get(key)
        why = ""
        if kind not in {"int", "float"}:
            why = f"a field of type {kind} has no {key}"
        elif isinstance(value, bool) or not isinstance(value, int | float):
            why = "this must be a number"
        elif kind == "int" and value != int(value):
            why = "the bound of a whole number must be one"
        if value is None or not why:
            return value
        self.refuse((*path, key), why)
        return None

    def _check_field(self, field: Field, path: Path) -> None:
        if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
            self.refuse((*path, "minimum"), f"the minimum {field.minimum:g} is above the maximum {field.maximum:g}")
        if field.values and field.type != "string":
            self.refuse((*path, "values"), f"values are for text; {field.name} is {field.type}")
        if field.values and len(set(field.values)) < len(field.values):
            self.refuse((*path, "values"), "a value stands twice")


def time_zone(name: str) -> str:
    """Return the name if it is a time zone, else raise `ValueError`."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}; write it as Europe/Berlin") from error
    return name
