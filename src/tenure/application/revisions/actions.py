"""Changes of an application: apply, roll back, and everything that can be asked of its revisions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tenure.application.decisions.deciding import Decider
from tenure.application.revisions.base import base_of, without_base
from tenure.application.revisions.checking import check, telling_problems
from tenure.application.revisions.definition import read
from tenure.application.revisions.life import Now, Stage
from tenure.application.revisions.overtaking import overtaken
from tenure.application.revisions.problems import Problem, located, refusal
from tenure.application.revisions.releasing import Releases
from tenure.application.revisions.revision import (
    Change,
    NameOfModel,
    NothingBefore,
    NoVersionYet,
    Revision,
    StaleBase,
    UnknownApplication,
    UnknownRevision,
    changes,
)
from tenure.application.revisions.source import Source
from tenure.application.revisions.template import template
from tenure.application.revisions.testing import tested
from tenure.governance.access import Permission, authorize
from tenure.governance.scopes import is_limited_to_projects, on_project
from tenure.kit.digests import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.application.revisions.life import Approved, Placing, Standing
    from tenure.application.revisions.ports import Contracts, LifeStore, RevisionStore, Views
    from tenure.application.revisions.revision import Activation
    from tenure.application.revisions.terms import Definition, ModelUse
    from tenure.application.revisions.testing import Tested
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit, PolicyStore
    from tenure.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply or a rollback came to. `before` is the number in force until then.

    `stage` is where the revision stands now; `done` when this put it in force. `over` says of an apply who had put `before`
    in force, and when.
    """

    revision: Revision
    before: int | None
    changes: list[Change]
    done: bool
    stage: Stage
    over: Activation | None = None


class Applications:
    """The actions; each checks its permission, loads, decides, saves, and writes its audit event in one transaction."""

    def __init__(
        self,
        store: RevisionStore,
        audit: Audit,
        clock: Clock,
        contracts: Contracts,
        views: Views,
        lives: LifeStore,
        policy: PolicyStore,
        behind: Callable[[str], str],
    ) -> None:
        self._store = store
        self._behind = behind
        self._releases = Releases(store, lives, policy, audit, clock)
        self._audit = audit
        self._clock = clock
        self._contracts = contracts
        self._views = views

    def init(self, actor: Actor, application: str, model: ModelUse | None, entity: str | None) -> str:
        """Return the text of an `application.yaml` that fits the model in service; changes nothing.

        Raises `NameOfModel` for a model's name, and `NoVersionYet` where no version could say what it is asked.
        """
        authorize(actor, Permission.APPLICATIONS_INIT, application)
        if self._contracts.is_model(application):
            raise NameOfModel(name=application)
        contracts = self._contracts.of(model) if model is not None else {}
        if model is not None and not contracts:
            raise NoVersionYet(model=model)
        inputs, outputs = next(iter(contracts.values()), ((), ()))
        return template(application, model, inputs, entity, outputs=outputs)

    def apply(
        self,
        actor: Actor,
        text: str,
        reason: str = "",
        *,
        base: int | None = None,
        seen: str = "",
        dry_run: bool = False,
        against: int | None = None,
        files: Mapping[str, str] | None = None,
        place: Callable[[str], Placing] = lambda _: Now(),
    ) -> Applied:
        """Check a file, keep it as the next revision and put it where `place` says for its reference: by default in force.

        The same text again changes nothing, and a draft with this very text is placed instead of a new one. `files` are
        the texts of the decision tables that it names. Where the policy wants a second person, it is kept as a draft.
        `against` compares with that revision instead of the one in force, and changes nothing. `seen` is the digest of
        what the file last was; it counts where no base is named, and where a revision has it.
        Raises `BrokenDefinition` with every problem, `StaleBase` if the base that the file (or `base`) names is no longer
        in force, `Overtaken` if somebody else put another in force since the file was what was `seen`.
        """
        dry_run = dry_run or against is not None
        source = Source(text)
        written = read(source, files)
        self._authorize(actor, Permission.APPLICATIONS_DIFF if dry_run else Permission.APPLICATIONS_APPLY, written)
        with self._audit.transaction():
            definition = self._checked(written, source)
            name = definition.application
            active = self._store.active(name) if against is None else self._get(name, against)
            revision = self._next(definition, without_base(text), actor, reason, digest_of_source(text, files or {}))
            if active is not None and _is_same(active, revision):
                return self._applied(active, active, [])
            named = base_of(source) if base is None else base
            if against is None:
                _refuse_stale(named, active, name)
            activations = self._store.activations(name)
            if not dry_run:
                if named is None:
                    self._refuse_overtaken(actor, seen, active, activations)
                revision = self._kept(revision)
                wanted = self._releases.allowed(revision, place(revision.ref))
                self._releases.place(actor, revision, active, wanted, reason, Permission.APPLICATIONS_APPLY)
            applied = self._applied(active, revision, changes(_meant(active), definition), dry_run=dry_run)
            return replace(applied, over=next(iter(activations), None))

    def knows(self, application: str, digest: str) -> bool:
        """Return whether a revision has this digest: that a file was it, is then a state that a write can name."""
        return self._store.of_digest(application, digest) is not None

    def _refuse_overtaken(
        self, actor: Actor, seen: str, active: Revision | None, activations: Sequence[Activation]
    ) -> None:
        known = self._store.of_digest(active.application, seen) if active is not None and seen else None
        if active is None or known is None:
            return
        if (refusal := overtaken(known, active, activations, actor.id, self._behind)) is not None:
            raise refusal

    def _kept(self, revision: Revision) -> Revision:
        """Return the newest revision if it is a draft with this very text, else the new one, kept."""
        newest = self._store.get(revision.application, revision.number - 1)
        past = self._releases.standing(revision.application).past
        if newest is not None and _is_same(newest, revision) and newest.number not in past:
            return newest
        self._store.add(revision)
        return revision

    def _applied(
        self, active: Revision | None, revision: Revision, found: list[Change], *, dry_run: bool = False
    ) -> Applied:
        before = None if active is None else active.number
        stage = Stage.DRAFT if dry_run else self._releases.standing(revision.application).stage(revision.number)
        return Applied(revision, before, found, stage is Stage.ACTIVE and revision is not active, stage)

    # ---- approving, placing

    def approve(self, actor: Actor, application: str, number: int, reason: str) -> tuple[Revision, Approved]:
        """Say that a revision may answer; under four-eyes a second person's word is needed."""
        authorize(actor, Permission.APPLICATIONS_APPROVE, application)
        with self._audit.transaction():
            revision = self._get(application, number)
            return revision, self._releases.approve(actor, revision, reason)

    def activate(
        self, actor: Actor, application: str, number: int, reason: str, place: Callable[[str], Placing]
    ) -> Applied:
        """Put a kept revision where `place` says: in force now or at a time, or on trial. It is checked anew."""
        authorize(actor, Permission.APPLICATIONS_ACTIVATE, application)
        with self._audit.transaction():
            active = self._store.active(application)
            revision = self._get(application, number)
            self._recheck(revision)
            self._releases.place(actor, revision, active, place(revision.ref), reason, Permission.APPLICATIONS_ACTIVATE)
            return self._applied(active, revision, changes(_meant(active), revision.definition))

    def end(self, actor: Actor, application: str, reason: str) -> list[Revision]:
        """End the trial of a revision, and what waits for its time; what is in force stays."""
        authorize(actor, Permission.APPLICATIONS_END, application)
        with self._audit.transaction():
            self._active(application)
            return self._releases.end(actor, application, lambda number: self._get(application, number), reason)

    def standing(self, actor: Actor, application: str) -> tuple[Standing, list[Revision]]:
        """Return where every revision of an application stands, newest first."""
        authorize(actor, Permission.APPLICATIONS_REVISIONS, application)
        found = self._store.revisions(application)
        if not found:
            raise UnknownApplication(application=application)
        return self._releases.standing(application), found

    def tick(self) -> int:
        """Put in force what was scheduled for now, and take out what was scheduled until now; return how many changed."""
        return self._releases.tick(self._recheck)

    def _recheck(self, revision: Revision) -> None:
        self._checked(revision.definition, Source(revision.source))

    def check(
        self, actor: Actor, text: str, files: Mapping[str, str] | None = None, *, permission: Permission
    ) -> Definition:
        """Return what a file means, its tests passed; changes nothing. Raises `BrokenDefinition` with every problem."""
        source = Source(text)
        written = read(source, files)
        self._authorize(actor, permission, written)
        return self._checked(written, source)

    def test(self, actor: Actor, text: str, files: Mapping[str, str] | None = None) -> tuple[str, Tested]:
        """Run the tests of a file; return its application, what came of each test, and which rules they reach."""
        source = Source(text)
        written = read(source, files)
        self._authorize(actor, Permission.RULES_TEST, written)
        whole = self._checked(written, source, run_tests=False)
        contracts = self._contracts.of(whole.model) if whole.model is not None else {}
        inputs, outputs = next(iter(contracts.values()), ((), ()))
        return whole.application, tested(Decider(whole, inputs, outputs, revision=0), outputs, source.places)

    def diff(self, actor: Actor, text: str) -> Applied:
        """Return what applying the file would change; changes nothing."""
        return self.apply(actor, text, dry_run=True)

    def difference(self, actor: Actor, application: str, one: int, other: int) -> list[Change]:
        """Return every place in which two revisions differ."""
        authorize(actor, Permission.APPLICATIONS_DIFF, application)
        return changes(self._get(application, one).definition, self._get(application, other).definition)

    def rollback(self, actor: Actor, application: str, reason: str, to: int | None = None) -> Applied:
        """Put an earlier revision in force again: `to`, or the one that was before this one. It is checked anew."""
        authorize(actor, Permission.APPLICATIONS_ROLLBACK, application)
        with self._audit.transaction():
            active = self._active(application)
            target = self._get(application, self._before(active) if to is None else to)
            self._recheck(target)
            self._releases.place(actor, target, active, Now(), reason, Permission.APPLICATIONS_ROLLBACK)
        return Applied(
            target, active.number, changes(active.definition, target.definition), done=True, stage=Stage.ACTIVE
        )

    def show(self, actor: Actor, application: str, number: int | None = None) -> Revision:
        """Return the revision in force, or one by its number."""
        authorize(actor, Permission.APPLICATIONS_SHOW, application)
        return self._active(application) if number is None else self._get(application, number)

    def all(self, actor: Actor) -> list[Revision]:
        """Return the revision in force of every application that the actor may see."""
        scope = actor.applications
        authorize(actor, Permission.APPLICATIONS_LIST, next(iter(scope), None))
        return [revision for revision in self._store.all_active() if not scope or revision.application in scope]

    def history(self, actor: Actor, application: str, as_of: int | None = None) -> list[tuple[Activation, Revision]]:
        """Return what was in force since when, newest first, each with its revision; or only what was at a moment."""
        authorize(actor, Permission.APPLICATIONS_HISTORY, application)
        self._active(application)
        revisions = {revision.number: revision for revision in self._store.revisions(application)}
        found = self._store.activations(application)
        if as_of is not None:
            found = [activation for activation in found if activation.at <= as_of][:1]
        return [(activation, revisions[activation.number]) for activation in found]

    def _authorize(self, actor: Actor, permission: Permission, written: Definition) -> None:
        """Refuse who may not write this: who is limited to projects makes new applications in these, and moves none elsewhere."""
        newest = self._store.newest(written.application)
        if not is_limited_to_projects(actor.applications):
            authorize(actor, permission, written.application)
        elif newest == 0:
            # An application that was named to the actor is theirs, whatever project they give it.
            is_named = written.application in actor.applications
            authorize(actor, permission, written.application if is_named else on_project(written.project))
        else:
            authorize(actor, permission, written.application)
            before = self._store.active(written.application) or self._get(written.application, newest)
            if before.definition.project != written.project:
                authorize(actor, permission, on_project(written.project))

    def _checked(self, definition: Definition, source: Source, *, run_tests: bool = True) -> Definition:
        """Return the definition with its views frozen into it, or raise `BrokenDefinition`."""
        by_use = {use: self._contracts.of(use) for use in definition.uses}
        models = {ref: contract for found in by_use.values() for ref, contract in found.items()}
        whole, problems = check(definition, models, self._views.views(), run_tests=run_tests)
        for name, use in definition.models.items():
            if not by_use[use] and use != definition.model:
                why = f"{use} points to no version yet; deploy one first"
                problems = [*problems, Problem(("models", name), why)]
        for use in definition.uses if definition.explain is not None else ():
            problems = [*problems, *telling_problems(definition, self._contracts.telling(use))]
        if self._store.newest(definition.application) == 0 and self._contracts.is_model(definition.application):
            why = f"{definition.application} is the name of a model; applications and models share their names"
            problems = [*problems, Problem(("application",), why)]
        if problems:
            raise refusal(located(problems, source.places))
        return whole

    def _next(self, definition: Definition, text: str, actor: Actor, reason: str, digest: str) -> Revision:
        return Revision(
            application=definition.application,
            number=self._store.newest(definition.application) + 1,
            source=text,
            digest=digest,
            definition=definition,
            at=self._clock.now(),
            actor=actor.id,
            reason=reason,
        )

    def _active(self, application: str) -> Revision:
        active = self._store.active(application)
        if active is None:
            raise UnknownApplication(application=application)
        return active

    def _get(self, application: str, number: int) -> Revision:
        found = self._store.get(application, number)
        if found is None:
            self._active(application)
            raise UnknownRevision(application=application, number=number, newest=self._store.newest(application))
        return found

    def _before(self, active: Revision) -> int:
        for activation in self._store.activations(active.application):
            if activation.number != active.number:
                return activation.number
        raise NothingBefore(application=active.application, number=active.number)


def _refuse_stale(base: int | None, active: Revision | None, application: str) -> None:
    number = 0 if active is None else active.number
    if base is None or base == number:
        return
    actor, reason = ("nobody", "") if active is None else (active.actor, active.reason or "no reason given")
    raise StaleBase(application=application, base=base, active=number, actor=actor, reason=reason)


def _meant(revision: Revision | None) -> Definition | None:
    return None if revision is None else revision.definition


def _is_same(one: Revision, other: Revision) -> bool:
    """Return whether they are the very same text with the very same views."""
    return one.digest == other.digest and one.definition == other.definition


def digest_of_source(text: str, files: Mapping[str, str]) -> str:
    """Return the digest of a definition's text, without its base, with the tables that it is read with."""
    tables = (f"\0{name}\0{files[name]}" for name in sorted(files))
    return digest_of(without_base(text).encode() + "".join(tables).encode())
