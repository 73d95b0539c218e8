"""When a version is good enough to serve: the home's policy, and who may say so."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from tenure.kit.errors import Kind, TenureError


class Policy(enum.StrEnum):
    """`open`: deploying approves, recorded as self-approval; `four-eyes`: another person approves first."""

    OPEN = "open"
    FOUR_EYES = "four-eyes"


class NotApproved(TenureError):
    """The policy wants another person's approval before this version, or revision, answers."""

    code = "not-approved"
    kind = Kind.REFUSED
    message = "{ref} is not approved, and this home's policy is four-eyes"
    next_step = "ask somebody other than {author} to run `tenure approve {ref} --reason …`"


class OwnWork(TenureError):
    """Nobody approves what they registered themselves."""

    code = "own-work"
    kind = Kind.FORBIDDEN
    message = "{actor} made {ref} and may not approve it: this home's policy is four-eyes"
    next_step = "ask another person with the role approver"


@dataclass(frozen=True, slots=True)
class Approval:
    """Who found a version good enough; `own_work` when it is who registered it, `implied` when deploying implied it."""

    by: str
    own_work: bool
    implied: bool


def approve(policy: Policy, ref: str, author: str, actor: str) -> Approval:
    """Return the approval of `ref` by `actor`; raise `OwnWork` where the policy forbids it to its author."""
    if policy is Policy.FOUR_EYES and actor == author:
        raise OwnWork(actor=actor, ref=ref)
    return Approval(actor, own_work=actor == author, implied=False)


def approve_by_deploying(policy: Policy, ref: str, author: str, actor: str) -> Approval:
    """Return the approval that lies in deploying; raise `NotApproved` where the policy wants it said before."""
    if policy is Policy.FOUR_EYES:
        raise NotApproved(ref=ref, author=author)
    return Approval(actor, own_work=actor == author, implied=True)
