"""What every input and answer is made of."""

from __future__ import annotations

import msgspec


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class Input(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every input: a parameter that does not exist is refused, never ignored."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every answer."""
