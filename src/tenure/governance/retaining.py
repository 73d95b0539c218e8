"""What is done about retention classes, and which class holds for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.governance.retention import DEFAULT, BadClass, UnknownClass, Use, by_name, checked, class_of

if TYPE_CHECKING:
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit, RetentionStore
    from tenure.governance.retention import Keeps, RetentionClass
    from tenure.kit.clock import Clock


class Retentions:
    """Collection of actions on retention classes."""

    def __init__(self, store: RetentionStore, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    def classes(self) -> dict[str, RetentionClass]:
        """Return every class by name, as it was said last."""
        return by_name(self._store.classes())

    def uses(self) -> list[Use]:
        """Return what is kept under which class, each target once, as it was said last."""
        return list({one.target: one for one in self._store.uses()}.values())

    def define(self, actor: Actor, given: RetentionClass, reason: str) -> RetentionClass:
        """Make a class, or say of one what holds from now on; raise `BadClass`. Periods that run are never shortened."""
        authorize(actor, Permission.RETENTION_DEFINE)
        made = checked(given)
        before = self.classes().get(made.name)
        now = self._clock.now()
        with self._audit.transaction():
            self._store.define(made, now, actor.id)
            was = {} if before is None else {"keep": before.keep, "keeps": list(before.keeps), "basis": before.basis}
            after = {"keep": made.keep, "keeps": list(made.keeps), "basis": made.basis, "source": made.source}
            target = f"retention:{made.name}"
            self._audit.write(Event(Permission.RETENTION_DEFINE, actor, now, target, reason, was, after))
        return made

    def assign(self, actor: Actor, target: str, keeps: Keeps, name: str, reason: str) -> Use:
        """Keep a target (`application:offers`, `model:churn`, `features:activity`) under a class from now on; raise `UnknownClass`, `BadClass`."""
        application = target.removeprefix("application:") if target.startswith("application:") else None
        authorize(actor, Permission.RETENTION_ASSIGN, application)
        found = self.classes().get(name)
        if found is None:
            raise UnknownClass(name=name)
        if keeps not in found.keeps:
            raise BadClass(name=name, why=f"it keeps {', '.join(found.keeps)}, and {target} has {keeps}")
        before = class_of(target, self._store.uses(), self.classes())
        use = Use(target, name, self._clock.now(), actor.id, reason)
        with self._audit.transaction():
            self._store.assign(use)
            was = {} if before is None else {"class": before.name}
            self._audit.write(Event(Permission.RETENTION_ASSIGN, actor, use.at, target, reason, was, {"class": name}))
        return use

    def of_model(self, model: str) -> RetentionClass:
        """Return the class under which the versions of a model are kept."""
        classes = self.classes()
        return class_of(f"model:{model}", self._store.uses(), classes) or classes[DEFAULT]

    def of_view(self, view: str) -> RetentionClass | None:
        """Return the class under which a feature view's old values are kept; None: for ever."""
        return class_of(f"features:{view}", self._store.uses(), self.classes())

    def of_application(self, application: str) -> RetentionClass | None:
        """Return the class under which an application's log is kept; None: for ever."""
        return class_of(f"application:{application}", self._store.uses(), self.classes())
