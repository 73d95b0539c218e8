"""What is done to a model's versions in service: deploy, promote, roll back. Made ready first, then kept, then served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.governance.access import Permission, authorize
from tenure.governance.approvals import approve_by_deploying
from tenure.governance.audit import Event
from tenure.kit.errors import Kind, TenureError
from tenure.model.deployment.fleet import (
    Fleet,
    Role,
    Switch,
    after_deploying,
    after_switch,
    deploy,
    promote,
    roll_back,
)
from tenure.model.version import CHALLENGER, CHAMPION, reason_for

if TYPE_CHECKING:
    from tenure.governance.access import Actor
    from tenure.governance.approvals import Approval
    from tenure.governance.ports import Audit, PolicyStore
    from tenure.kit.clock import Clock
    from tenure.model.deployment.fleet import Deployment
    from tenure.model.deployment.ports import FleetStore, Traffic, TrafficGate
    from tenure.model.version import VersionRef


class LacksInputs(TenureError):
    """An active revision gives the version less than it needs; the version stays out of the traffic."""

    code = "lacks-inputs"
    kind = Kind.REFUSED
    message = "{ref} needs what active revisions do not give:\n{lines}"
    next_step = "add these lines to application.yaml, `tenure apply` it, then try again"


class AliasNeeded(TenureError):
    """An active revision asks for the version under comparison, and there would be none."""

    code = "alias-needed"
    kind = Kind.CONFLICT
    message = "{ref} cannot leave the comparison: nothing would be {model}@challenger, which is asked by:\n{lines}"
    next_step = "apply a revision that asks {model}@champion, then try again"


class NotSealedEnough(TenureError):
    """What answers in production must be restorable for ever, and no restore has shown that it is."""

    code = "seal-level"
    kind = Kind.REFUSED
    message = "{ref} is sealed at {level}, and what answers in production needs S2: {why}"
    next_step = (
        "mend that and register it anew, or have it restored again with `tenure drill`; if it must answer as it is, "
        "attach who allows that and why: `tenure attach {ref} FILE --kind exception`"
    )


class Deployments:
    """Collection of actions on the versions in service."""

    def __init__(
        self,
        store: FleetStore,
        traffic: Traffic,
        gate: TrafficGate,
        policy: PolicyStore,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._store = store
        self._traffic = traffic
        self._gate = gate
        self._policy = policy
        self._audit = audit
        self._clock = clock

    def deploy(
        self, actor: Actor, ref: VersionRef, role: str | None = None, reason: str = "", share: float | None = None
    ) -> tuple[Fleet, int | None]:
        """Bring a version into service, or give it another role there; return the fleet and the champion before.

        A shadow or canary becomes `challenger`; back to warm ends it. Raises `LacksInputs` for one that gets requests
        it cannot be asked with.
        """
        authorize(actor, Permission.VERSIONS_DEPLOY)
        fleet = self._store.get(ref.model)
        deployment = deploy(fleet, ref.number, role, share)
        approval = self._approval(actor, deployment) if deployment.approves else None
        if deployment.role is not Role.WARM:
            self._check_contract(ref)
        if deployment.role in {Role.CHAMPION, Role.CANARY}:
            self._check_seal(ref)
        changed = after_deploying(fleet, deployment)
        self._check_challenger(fleet, changed)
        with self._traffic.ready(ref), self._audit.transaction():
            self._keep(actor, Permission.VERSIONS_DEPLOY, ref, fleet, changed, reason, approval)
        self._traffic.switch()
        return changed, fleet.champion

    def promote(self, actor: Actor, ref: VersionRef, reason: str) -> tuple[Fleet, int | None]:
        """Move `champion` to a deployed version; the one before stays warm. Return the fleet and the champion before."""
        authorize(actor, Permission.VERSIONS_PROMOTE)
        reason = reason_for("promoting", reason)
        fleet = self._store.get(ref.model)
        return self._switch(actor, Permission.VERSIONS_PROMOTE, fleet, promote(fleet, ref.number), reason)

    def rollback(self, actor: Actor, model: str, to: int | None, reason: str) -> tuple[Fleet, int | None]:
        """Give `champion` back to the version that had it before, or to version `to`."""
        authorize(actor, Permission.MODELS_ROLLBACK)
        reason = reason_for("rolling back", reason)
        fleet = self._store.get(model)
        return self._switch(actor, Permission.MODELS_ROLLBACK, fleet, roll_back(fleet, to), reason)

    def _switch(
        self, actor: Actor, permission: Permission, fleet: Fleet, switch: Switch, reason: str
    ) -> tuple[Fleet, int | None]:
        self._check_contract(switch.ref)
        if switch.ref.number not in fleet.past:  # the way back to what has answered before is never barred
            self._check_seal(switch.ref)
        changed = after_switch(fleet, switch)
        self._check_challenger(fleet, changed)
        with self._traffic.ready(switch.ref), self._audit.transaction():
            self._keep(actor, permission, switch.ref, fleet, changed, reason, None)
        self._traffic.switch()
        return changed, switch.before

    def _approval(self, actor: Actor, deployment: Deployment) -> Approval:
        author = self._store.author(deployment.ref)
        return approve_by_deploying(self._policy.get(), str(deployment.ref), author, actor.id)

    def _check_contract(self, ref: VersionRef) -> None:
        if lines := self._gate.check(ref):
            raise LacksInputs(ref=ref, lines="\n".join(f"  {line}" for line in lines))

    def _check_seal(self, ref: VersionRef) -> None:
        seal = self._store.seal(ref)
        if seal.level == "S1" and not self._store.is_excepted(ref):
            raise NotSealedEnough(ref=ref, level=seal.level, why=seal.why)

    def _check_challenger(self, before: Fleet, after: Fleet) -> None:
        if before.challenger is None or after.challenger is not None:
            return
        ref = before.ref(before.challenger)
        if lines := self._gate.asking(ref.model, CHALLENGER):
            raise AliasNeeded(ref=ref, model=ref.model, lines="\n".join(f"  {line}" for line in lines))

    def _keep(
        self,
        actor: Actor,
        permission: Permission,
        ref: VersionRef,
        before: Fleet,
        after: Fleet,
        reason: str,
        approval: Approval | None,
    ) -> None:
        now = self._clock.now()
        self._store.save(after, now)
        if approval is not None:
            self._store.note_approval(ref, approval, now, reason)
        for alias in (CHAMPION, CHALLENGER):
            number = getattr(after, alias)
            if number != getattr(before, alias):
                self._store.note_alias(ref.model, alias, number, actor, now, permission.value, reason)
        self._audit.write(
            Event(permission, actor, now, str(ref), reason, _facts(before, ref), _facts(after, ref, approval))
        )


def _facts(fleet: Fleet, ref: VersionRef, approval: Approval | None = None) -> dict[str, object]:
    role = fleet.deployed.get(ref.number)
    facts: dict[str, object] = {
        "champion": fleet.champion,
        "challenger": fleet.challenger,
        "role": role.value if role else None,
        "share": fleet.share if role is Role.CANARY else None,
        "stage": fleet.stages[ref.number].value,
    }
    return facts | ({"self_approved": approval.own_work} if approval else {})
