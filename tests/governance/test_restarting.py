"""Who may replace processes, in which order, and what is written down."""

import json

import pytest

from tenure.adapters.sql.audit import SqlAudit
from tenure.governance.access import Actor, Forbidden, Role
from tenure.governance.restarting import Restarting
from tenure.kit.clock import FixedClock


class Three:
    """Two gateways and a supervisor; remembers in which order they were replaced."""

    def __init__(self) -> None:
        self.replaced: list[str] = []

    def replace_gateways(self) -> list[int]:
        self.replaced.append("gateways")
        return [11, 12]

    def replace_supervisor(self) -> int:
        self.replaced.append("supervisor")
        return 10

    def end_control(self) -> int:
        self.replaced.append("control")
        return 9


def test_the_supervisor_goes_first_and_control_which_does_it_last_and_all_is_written_down(audit: SqlAudit) -> None:
    three = Three()
    done = Restarting(three, audit, FixedClock(5)).restart(
        Actor("t1", Role.OPERATOR), frozenset({"control", "gateways", "supervisor"}), "upgrade"
    )
    assert three.replaced == ["supervisor", "gateways", "control"]
    assert done == {"supervisor": [10], "gateways": [11, 12], "control": [9]}
    (entry,) = audit.newest(5)
    assert (entry.action, entry.actor, entry.reason) == ("restart", "t1", "upgrade")
    assert json.loads(entry.after) == {"supervisor": [10], "gateways": [11, 12], "control": [9]}


def test_only_what_was_asked_for_is_replaced_and_only_by_who_may(audit: SqlAudit) -> None:
    three = Three()
    restarting = Restarting(three, audit, FixedClock(5))
    with pytest.raises(Forbidden):
        restarting.restart(Actor("t1", Role.BUILDER), frozenset({"gateways"}), "")
    assert (three.replaced, audit.newest(5)) == ([], [])
    restarting.restart(Actor("t1", Role.ADMIN), frozenset({"gateways"}), "")
    assert three.replaced == ["gateways"]
