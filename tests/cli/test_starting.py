"""What `tenure up` starts when it is not told."""

import pytest

from tenure.settings import default_gateways


@pytest.mark.parametrize(("cores", "gateways"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 8)])
def test_there_is_one_gateway_for_every_two_cores_and_always_one(cores: int, gateways: int) -> None:
    assert default_gateways(cores) == gateways
