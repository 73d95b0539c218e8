"""What a version is called: `churn/2` by number, `churn@champion` by alias. Numbers are never used twice."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tenure.kit.errors import Kind, TenureError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_BY_NUMBER = re.compile(rf"({NAME.pattern})/([1-9][0-9]{{0,8}})")
_BY_ALIAS = re.compile(rf"({NAME.pattern})@([a-z][a-z0-9_-]{{0,31}})")

CHAMPION = "champion"
CHALLENGER = "challenger"


class BadReference(TenureError):
    """The text names no version."""

    code = "bad-reference"
    kind = Kind.BAD_INPUT
    message = "{text!r} does not name a version of a model"
    next_step = "write MODEL/VERSION, as in churn/2, or MODEL@ALIAS, as in churn@champion"


class BadName(TenureError):
    """The text cannot be the name of a model or an application."""

    code = "bad-name"
    kind = Kind.BAD_INPUT
    message = "{text!r} cannot be a name"
    next_step = "use 1 to 64 lower-case letters, digits, '.', '_' or '-', beginning with a letter or digit"


class UnknownModel(TenureError):
    """Nothing was registered under this name."""

    code = "unknown-model"
    kind = Kind.NOT_FOUND
    message = "there is no model {model}"
    next_step = "register a package of it with `tenure register`, or see `tenure status` for those there are"


class UnknownVersion(TenureError):
    """The model has no such version, or no such alias."""

    code = "unknown-version"
    kind = Kind.NOT_FOUND
    message = "there is no version {ref}"
    next_step = "see `tenure versions {model}` for those there are"


class ChangedMeanwhile(TenureError):
    """Somebody else changed the model between reading and writing; nothing was written."""

    code = "changed-meanwhile"
    kind = Kind.CONFLICT
    message = "{model} was changed by somebody else in the meantime"
    next_step = "look at `tenure history {model}@champion` and try again if it is still right"


class ReasonMissing(TenureError):
    """A change that others will ask about needs a reason."""

    code = "reason-missing"
    kind = Kind.BAD_INPUT
    message = "{what} needs a reason"
    next_step = "say why, with --reason"


def reason_for(what: str, reason: str) -> str:
    """Return the reason without blanks around it; raise `ReasonMissing` when there is none."""
    if reason.strip():
        return reason.strip()
    raise ReasonMissing(what=what)


@dataclass(frozen=True, slots=True, order=True)
class VersionRef:
    """A version by its number."""

    model: str
    number: int

    def __str__(self) -> str:
        return f"{self.model}/{self.number}"


@dataclass(frozen=True, slots=True)
class AliasRef:
    """A version by an alias, which may move."""

    model: str
    alias: str

    def __str__(self) -> str:
        return f"{self.model}@{self.alias}"


def parse_ref(text: str) -> VersionRef | AliasRef:
    """Return what `text` names; raise `BadReference` when it names nothing. `str()` of the result gives `text` back."""
    if found := _BY_NUMBER.fullmatch(text):
        return VersionRef(found[1], int(found[2]))
    if found := _BY_ALIAS.fullmatch(text):
        return AliasRef(found[1], found[2])
    raise BadReference(text=text)


def parse_name(text: str) -> str:
    """Return `text` if it can be the name of a model or an application, else raise `BadName`."""
    if NAME.fullmatch(text):
        return text
    raise BadName(text=text)
