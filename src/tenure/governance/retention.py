"""Retention classes: how long something must be kept and on whose word. Data, not law: this product vouches for no statute.

A class says for how long, what it keeps, and its legal basis with the source that was read and when. Only what was read
in a primary text is told as the reason; of anything else the class is named, and that nobody has checked it.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from tenure.kit.clock import DAY, SECOND
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: packages of a model's versions; decisions, events, outcomes and all else in an application's log; old values of a view
Keeps: TypeAlias = Literal["packages", "decisions", "features"]
#: own: a choice of whoever wrote the class; primary: read in the text of the law; the others: heard of
Standing: TypeAlias = Literal["own", "primary", "secondary", "memory"]
DEFAULT = "default"
_DURATION = re.compile(r"([1-9][0-9]{0,4})(y|mo|d)")
_UNITS = {"y": "year", "mo": "month", "d": "day"}
_MOST_YEARS = 200


class BadClass(TenureError):
    """A retention class says too little, or what cannot be."""

    code = "bad-class"
    kind = Kind.BAD_INPUT
    message = "retention class {name!r}: {why}"
    next_step = "see `tenure classes` for classes that there are, and docs/evidence.md"


class UnknownClass(TenureError):
    """There is no such retention class."""

    code = "unknown-class"
    kind = Kind.NOT_FOUND
    message = "there is no retention class {name!r}"
    next_step = "`tenure classes` lists those there are; `tenure classes set {name} --keep 10y …` makes one"


class RetentionClass(msgspec.Struct, frozen=True, kw_only=True):
    """For how long (`10y`, `25mo`, `90d`) what is kept, and why; `read_on` is the day the source was read."""

    name: str
    keep: str
    keeps: tuple[Keeps, ...]
    basis: str = ""
    source: str = ""
    read_on: str = ""
    standing: Standing = "own"
    #: the day from which the basis applies, where it lies ahead or is known
    effective: str = ""

    @property
    def told(self) -> str:
        """Return the period and why, as it may be printed: a basis that nobody read in the original is not."""
        period = f"{_in_words(self.keep)} (class {self.name})"
        if self.standing == "own":
            return f"{period}: {self.basis or 'a choice of this home'}"
        if self.standing == "primary":
            return f"{period}: {self.basis}, as read in {self.source} on {self.read_on}"
        return f"{period}: its legal basis was not checked against a primary source"


#: what every home begins with; dates and standing are those of the reading, and a home may say otherwise
BEGINNING: tuple[RetentionClass, ...] = (
    RetentionClass(
        name=DEFAULT, keep="10y", keeps=("packages",), basis="Tenure's own default, from archiving", read_on="2026-11-23"
    ),
    RetentionClass(
        name="reg-b-25mo", keep="25mo", keeps=("decisions",),
        basis="12 CFR 1002.12(b), records of consumer credit applications",
        source="consumerfinance.gov, official interpretation of 12 CFR 1002.12", read_on="2026-11-23", standing="primary",
    ),
    RetentionClass(
        name="ai-act-logs-6mo", keep="6mo", keeps=("decisions",),
        basis="Regulation (EU) 2024/1689, Article 19(1), automatically generated logs, at least",
        source="springlex, the text of Article 19", read_on="2026-11-23", standing="primary", effective="2027-12-02",
    ),
    RetentionClass(
        name="ai-act-documents-10y", keep="10y", keeps=("packages",),
        basis="Regulation (EU) 2024/1689, Article 18(1), technical documentation",
        source="a secondary page", read_on="2026-11-23", standing="secondary", effective="2027-12-02",
    ),
)  # fmt: skip


class Use(msgspec.Struct, frozen=True):
    """What is kept under which class: `model:churn` or `application:offers`."""

    target: str
    name: str
    at: int
    by: str
    reason: str = ""


def checked(given: RetentionClass) -> RetentionClass:
    """Return the class; raise `BadClass` for one that says too little to be kept to."""
    why = _fault(given)
    if why:
        raise BadClass(name=given.name, why=why)
    return given


def _fault(given: RetentionClass) -> str:
    found = _DURATION.fullmatch(given.keep)
    if found is None or _months_and_days(given.keep)[0] > 12 * _MOST_YEARS:
        return f"{given.keep!r} is no duration; write 10y, 25mo or 90d, at most {_MOST_YEARS} years"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", given.name):
        return "a name is small letters, digits and dashes, at most 64"
    if not given.keeps:
        return "it keeps nothing; name packages, decisions or features"
    if given.standing != "own" and not (given.basis and given.source and given.read_on):
        return "a basis in law needs its text, its source and the day it was read"
    if any(day and not _is_day(day) for day in (given.read_on, given.effective)):
        return "a day is written as 2026-11-23"
    return ""


def _is_day(text: str) -> bool:
    try:
        return len(text) == 10 and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _months_and_days(keep: str) -> tuple[int, int]:
    count, unit = int(_DURATION.fullmatch(keep)[1]), _DURATION.fullmatch(keep)[2]  # type: ignore[index]
    return {"y": (12 * count, 0), "mo": (count, 0), "d": (0, count)}[unit]


def _in_words(keep: str) -> str:
    found = _DURATION.fullmatch(keep)
    assert found is not None, "it was checked"
    count, unit = int(found[1]), _UNITS[found[2]]
    return f"{count} {unit}{'' if count == 1 else 's'}"


def after(moment: int, keep: str, times: int = 1) -> int:
    """Return the moment a duration later (or with -1 earlier), by the calendar in UTC; 31 January plus a month is its last day."""
    months, days = _months_and_days(keep)
    whole = datetime.fromtimestamp(moment // SECOND, tz=UTC)
    place = whole.year * 12 + whole.month - 1 + times * months
    year, month = divmod(place, 12)
    day = min(whole.day, calendar.monthrange(year, month + 1)[1])
    moved = whole.replace(year=year, month=month + 1, day=day)
    return calendar.timegm(moved.utctimetuple()) * SECOND + moment % SECOND + times * days * DAY


def class_of(target: str, uses: Sequence[Use], classes: Mapping[str, RetentionClass]) -> RetentionClass | None:
    """Return the class under which something is kept now; None: nobody said, so it is kept for ever."""
    named = [one.name for one in uses if one.target == target]
    return classes[named[-1]] if named else None


def by_name(states: Iterable[RetentionClass]) -> dict[str, RetentionClass]:
    """Return every class as it was said last, beginning with those that every home has."""
    return {one.name: one for one in (*BEGINNING, *states)}
