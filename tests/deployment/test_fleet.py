"""The pure decisions about versions in service."""

import pytest

from tenure.kit.errors import TenureError
from tenure.model.deployment.fleet import (
    AlreadyChampion,
    AlreadyDeployed,
    BadShare,
    CanaryThere,
    Fleet,
    NotDeployed,
    NothingBefore,
    NothingToCompare,
    Role,
    UnknownRole,
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


def test_a_shadow_or_a_canary_becomes_the_challenger_and_warm_ends_it() -> None:
    shadowed = after_deploying(_fleet(champion=1, v2=R), deploy(_fleet(champion=1, v2=R), 2, "shadow"))
    assert (shadowed.deployed[2], shadowed.challenger, shadowed.share) == (Role.SHADOW, 2, 0.0)
    canary = after_deploying(shadowed, deploy(shadowed, 2, "canary", 0.25))
    assert (canary.canary, canary.challenger, canary.share, canary.champion) == (2, 2, 0.25, 1)
    wider = after_deploying(canary, deploy(canary, 2, None, 0.5))
    assert (wider.canary, wider.share) == (2, 0.5)
    for ending in (("warm", None), (None, 0.0), ("canary", 0.0)):
        ended = after_deploying(wider, deploy(wider, 2, *ending))
        assert (ended.deployed[2], ended.challenger, ended.share) == (Role.WARM, None, 0.0)


def test_a_canary_without_a_share_has_a_tenth() -> None:
    assert deploy(_fleet(champion=1, v2=R), 2, "canary").share == 0.1


def test_the_challenger_falls_to_another_version_under_comparison_when_it_leaves() -> None:
    fleet = _fleet(champion=1, v2=R, v3=R)
    for number in (2, 3):
        fleet = after_deploying(fleet, deploy(fleet, number, "shadow"))
    assert fleet.challenger == 3
    assert after_deploying(fleet, deploy(fleet, 3, "warm")).challenger == 2


def test_promoting_a_canary_ends_it_and_leaves_other_shadows_where_they_are() -> None:
    fleet = _fleet(champion=1, v2=R, v3=R)
    fleet = after_deploying(fleet, deploy(fleet, 3, "shadow"))
    fleet = after_deploying(fleet, deploy(fleet, 2, "canary"))
    after = after_switch(fleet, promote(fleet, 2))
    assert dict(after.deployed) == {1: Role.WARM, 2: Role.CHAMPION, 3: Role.SHADOW}
    assert (after.share, after.challenger) == (0.0, 3)


@pytest.mark.parametrize(
    ("error", "role", "share"),
    [
        (UnknownRole, "challenger", None),
        (BadShare, "shadow", 0.1),
        (BadShare, "canary", 1.0),
        (BadShare, "canary", -0.1),
        (BadShare, None, 0.0),
        (BadShare, "canary", float("nan")),
    ],
)
def test_roles_and_shares_that_no_version_can_have_are_refused(
    error: type[TenureError], role: str | None, share: float | None
) -> None:
    with pytest.raises(error):
        deploy(_fleet(champion=1, v2=R), 2, role, share)


def test_nothing_runs_beside_a_champion_that_is_not_there_and_one_canary_at_a_time() -> None:
    with pytest.raises(NothingToCompare):
        deploy(_fleet(v1=R), 1, "shadow")
    fleet = _fleet(champion=1, v2=R, v3=R)
    fleet = after_deploying(fleet, deploy(fleet, 2, "canary"))
    with pytest.raises(CanaryThere, match="churn/2"):
        deploy(fleet, 3, "canary")
    with pytest.raises(AlreadyDeployed):
        deploy(fleet, 1, "shadow")
    with pytest.raises(AlreadyDeployed):
        deploy(fleet, 2, "canary", 0.1)


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
    for error in (
        AlreadyDeployed,
        AlreadyChampion,
        BadShare,
        CanaryThere,
        NotDeployed,
        NothingBefore,
        NothingToCompare,
    ):
        assert issubclass(error, TenureError)
        assert error.next_step
