"""The pure decisions about versions in service."""

import pytest

from tenure.kit.errors import TenureError
from tenure.model.deployment.fleet import (
    AlreadyChampion,
    AlreadyDeployed,
    Fleet,
    NotDeployed,
    NothingBefore,
    Role,
    RoleNotServed,
    after_deploying,
    after_switch,
    champions_before,
    deploy,
    promote,
    roll_back,
)
from tenure.model.lifecycle import IllegalMove, Stage
from tenure.model.version import UnknownVersion

P, R, D, B = "versions:promote", Stage.REGISTERED, Stage.DEPLOYED, "models:rollback"


def _fleet(
    champion: int | None = None, warm: tuple[int, ...] = (), past: tuple[int, ...] = (), **others: Stage
) -> Fleet:
    deployed = dict.fromkeys(warm, Role.WARM) | ({champion: Role.CHAMPION} if champion else {})
    stages = dict.fromkeys(deployed, D) | {int(name.lstrip("v")): stage for name, stage in others.items()}
    return Fleet("churn", 1, stages, deployed, past)


def test_the_first_version_becomes_champion_and_later_ones_stay_warm() -> None:
    first = deploy(_fleet(v1=R), 1, None)
    assert (first.role, first.approves) == (Role.CHAMPION, True)
    assert deploy(_fleet(champion=1, v2=Stage.APPROVED), 2, None).role is Role.WARM
    explicit = deploy(_fleet(champion=1, v2=R), 2, "champion")
    assert after_deploying(_fleet(champion=1, v2=R), explicit).champion == 2


def test_a_decommissioned_version_can_serve_again_and_an_archived_one_cannot() -> None:
    assert not deploy(_fleet(champion=1, v2=Stage.DECOMMISSIONED), 2, None).approves
    with pytest.raises(IllegalMove, match="it may become: decommissioned"):
        deploy(_fleet(champion=1, v2=Stage.ARCHIVED), 2, None)


@pytest.mark.parametrize("role", ["shadow", "canary", "challenger"])
def test_a_role_that_no_gateway_serves_is_refused_with_what_to_do_instead(role: str) -> None:
    with pytest.raises(RoleNotServed) as refusal:
        deploy(_fleet(champion=1, v2=R), 2, role)
    assert "without --as" in refusal.value.hint


def test_what_cannot_be_deployed_or_promoted_says_why() -> None:
    fleet = _fleet(champion=1, warm=(2,), v3=R)
    for error, ask in (
        (AlreadyDeployed, lambda: deploy(fleet, 2, None)),
        (UnknownVersion, lambda: deploy(fleet, 9, None)),
        (NotDeployed, lambda: promote(fleet, 3)),
        (AlreadyChampion, lambda: promote(fleet, 1)),
        (NothingBefore, lambda: roll_back(fleet, None)),
    ):
        with pytest.raises(error):
            ask()


def test_a_switch_leaves_the_version_before_warm() -> None:
    fleet = _fleet(champion=1, warm=(2,))
    after = after_switch(fleet, promote(fleet, 2))
    assert dict(after.deployed) == {1: Role.WARM, 2: Role.CHAMPION}


def test_a_rollback_passes_over_champions_that_serve_no_more() -> None:
    assert roll_back(_fleet(champion=3, warm=(1,), past=(2, 1)), None).ref.number == 1
    assert roll_back(_fleet(champion=3, warm=(1, 2), past=(2, 1)), 1).ref.number == 1


@pytest.mark.parametrize(
    ("moves", "past"),
    [
        ([], ()),
        ([(P, 1)], ()),
        ([(P, 1), (P, 2), (P, 3)], (2, 1)),
        ([(P, 1), (P, 2), (P, 3), (B, 2)], (1,)),
        ([(P, 1), (P, 2), (P, 3), (B, 2), (B, 1)], ()),
        ([(P, 1), (P, 2), (B, 1), (P, 2)], (1,)),
        ([(P, 1), (P, 2), (P, 1)], (2,)),
        ([(P, 1), (P, 2), (B, 3)], (2, 1)),
    ],
)
def test_rolling_back_goes_back_step_by_step_and_never_forward(
    moves: list[tuple[str, int]], past: tuple[int, ...]
) -> None:
    assert champions_before(moves) == past


def test_every_refusal_has_a_next_step() -> None:
    for error in (AlreadyDeployed, AlreadyChampion, NotDeployed, NothingBefore, RoleNotServed):
        assert issubclass(error, TenureError)
        assert error.next_step
