"""Rate limits of tokens at the gateway: who is over the limit is refused before anything else is done for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tenure.governance.rates import RateExceeded
from tenure.kit.clock import SECOND

if TYPE_CHECKING:
    from tenure.app.gateway import Gateway
    from tenure.governance.rates import Rate, Taken

    Headers = list[tuple[bytes, bytes]]


class Limited(NamedTuple):
    """The headers that tell a limited caller where it stands, and the error that refuses it, None if it may pass."""

    headers: Headers
    refused: RateExceeded | None


UNLIMITED = Limited([], None)


def limited(gateway: Gateway, headers: Headers) -> Limited:
    """Take one request from the bucket of the token that asks; a token without a rate has none."""
    if not gateway.generation.rates:
        return UNLIMITED
    authorization = next((value for name, value in headers if name == b"authorization"), None)
    if authorization is None:
        return UNLIMITED
    found = gateway.taken(authorization.decode("latin-1"))
    if found is None:
        return UNLIMITED
    rate, taken = found
    told = told_of(rate, taken)
    if taken.passes:
        return Limited(told, None)
    return Limited(told, RateExceeded(requests=rate.requests, seconds=rate.seconds, retry_after=_seconds(taken.wait)))


def told_of(rate: Rate, taken: Taken) -> Headers:
    """Return the headers of draft-ietf-httpapi-ratelimit-headers-10: the policy, what is left, and when all is."""
    policy = f'"token";q={rate.requests};w={rate.seconds}'
    left = f'"token";r={taken.left};t={_seconds(taken.full_in)}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]


def _seconds(microseconds: int) -> int:
    return -(-microseconds // SECOND)
