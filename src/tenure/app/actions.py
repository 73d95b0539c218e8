"""The one table of actions: each is a permission, an audit event, a route, a command and a button of one name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec

    from tenure.app.control import Control
    from tenure.governance.access import Actor


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done. Parameters named in `path` come from it, the others from the query or the JSON body.

    `upload` names the one field of `input` that a remote caller cannot give: the entry point stores the uploaded body
    in a file or folder of its own and fills the field with its path.
    """

    name: str
    verb: str
    path: str
    input: type[msgspec.Struct]
    output: Any
    call: Callable[[Control, Actor, Any], Any]
    upload: str = ""


ACTIONS: tuple[Action, ...] = ()
