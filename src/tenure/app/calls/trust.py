"""Whose packages may run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.kit.clock import iso

if TYPE_CHECKING:
    from tenure.app.control import Control
    from tenure.governance.access import Actor
    from tenure.governance.trust import TrustedKey


def trusted(control: Control, actor: Actor, _: wire.ListTrusted) -> list[wire.TrustedAnswer]:
    """List trusted keys."""
    return [_answer(one) for one in control.trusts.all(actor)]


def add(control: Control, actor: Actor, given: wire.TrustKey) -> wire.TrustedAnswer:
    """Trust a key."""
    return _answer(control.trusts.add(actor, given.key, given.name, given.reason))


def remove(control: Control, actor: Actor, given: wire.TrustNoMore) -> wire.TrustedAnswer:
    """Trust a key no more."""
    return _answer(control.trusts.remove(actor, given.key, given.reason))


def _answer(key: TrustedKey) -> wire.TrustedAnswer:
    return wire.TrustedAnswer(
        key=key.key, public=key.public, name=key.name, added_at=iso(key.added_at), added_by=key.added_by
    )
