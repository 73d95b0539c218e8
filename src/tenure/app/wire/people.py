"""Reviews and overrides."""

from __future__ import annotations

from typing import Any

from tenure.app.wire.shared import Input, Limit, Listing, Output


class Resolve(Input, frozen=True):
    """A review or an override of one decision. `answer` is the whole new answer; without it the answer stays as it is.

    `code` is what overrides are counted by. With `confirm` the override that another person proposed comes into force
    (then neither `answer` nor `code` is needed).
    """

    decision: str
    reason: str
    answer: dict[str, Any] | None = None
    code: str = ""
    confirm: bool = False


class ResolutionAnswer(Output, frozen=True):
    """One resolution. `pending`: another person has to confirm it, until then `before` is the answer in force."""

    resolution_id: str
    decision_id: str
    application: str
    at: str
    who: str
    before: dict[str, Any]
    after: dict[str, Any]
    code: str
    note: str
    pending: bool
    confirms: str
    url: str


class Reviews(Listing, frozen=True):
    """Which decisions wait for a person: of one application or of all, for one `queue` or any."""

    application: str = ""
    queue: str = ""
    limit: Limit = 100


class ReviewAnswer(Output, frozen=True):
    """One decision that waits: for a `review` (by `queue`, as the rule names it) or a `confirmation` of `proposed`.

    `pseudonym` is the name under which the log knows whom or what it is about; `decisions:show` says who that is to those
    who may know, and writes down that they asked.
    """

    decision_id: str
    application: str
    pseudonym: str | None
    what: str
    queue: str
    since: str
    made_at: str
    answer: dict[str, Any]
    proposed: dict[str, Any] | None
    proposed_by: str
    rules: list[str]
    url: str


class ShowOverrides(Input, frozen=True):
    """How often people changed answers, in a span of time: `since` and `until` are an age as 30d or a moment."""

    application: str = ""
    since: str = ""
    until: str = ""


class OverrideRate(Output, frozen=True):
    """Of so many resolutions so many changed the answer."""

    name: str
    resolved: int
    changed: int
    share: float


class OverridesAnswer(Output, frozen=True):
    """Overrides in a span of time. `directions` counts `field: before → after`; `share` is of all `decisions` made."""

    decisions: int
    resolved: int
    changed: int
    pending: int
    share: float
    directions: dict[str, int]
    by_person: list[OverrideRate]
    by_code: list[OverrideRate]
