"""Whether somebody else put a revision in force since a file was last applied or written out, so that nobody's is lost unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.application.revisions.revision import changes
from tenure.kit.clock import iso
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.application.revisions.revision import Activation, Revision

#: of so many changes a refusal names the places
_NAMED = 5


class Overtaken(TenureError):
    """Somebody else's revision came into force since this file was last applied, or written out."""

    code = "overtaken"
    kind = Kind.CONFLICT
    message = (
        "this file was {application}/{seen}, and since then {actor} put {application}/{active} in force,"
        " on {at} ({reason}); that differs in {differs}"
    )
    next_step = (
        "see `tenure diff {application}/{seen} {application}/{active}`, take over what should stay,"
        " then: tenure apply FILE --base {active}"
    )


def overtaken(
    seen: Revision, active: Revision, activations: Sequence[Activation], actor: str, behind: Callable[[str], str]
) -> Overtaken | None:
    """Return why a file that was last `seen` may not be put in the place of `active`, None where it may.

    It may where the file is in force, where nothing came into force since, and where what is in force was put there by
    the same person: `behind` gives for an actor who that is. `activations` are the application's, newest first.
    """
    last = activations[0]
    since = max([seen.at, *(one.at for one in activations if one.number == seen.number)])
    if seen.number == active.number or last.at <= since or behind(last.actor) == behind(actor):
        return None
    return Overtaken(
        application=active.application,
        seen=seen.number,
        active=active.number,
        actor=last.actor,
        at=iso(last.at),
        reason=last.reason or "no reason given",
        differs=_told([change.what for change in changes(seen.definition, active.definition)]),
    )


def _told(places: list[str]) -> str:
    more = len(places) - _NAMED
    return ", ".join(places[:_NAMED]) + (f" and {more} more" if more > 0 else "") or "its text alone"
