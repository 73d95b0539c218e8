"""What every input and answer is made of."""

from __future__ import annotations

from typing import Annotated

import msgspec

#: rows on a page of a list when nothing is said, and at most
PAGE = 1000
MOST = 10_000

Limit = Annotated[int, msgspec.Meta(ge=1, le=MOST)]


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class Input(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every input: a parameter that does not exist is refused, never ignored."""


class Listing(Input, frozen=True):
    """Which page of a list: at most `limit` rows, behind the one where the page with this `cursor` as its next one ended."""

    limit: Limit = PAGE
    cursor: str = ""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every answer."""
