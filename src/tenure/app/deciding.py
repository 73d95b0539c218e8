"""The one action of the hot path: from a request's bytes to the bytes of its answer, durable before it leaves."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tenure.adapters.decision_log.claims import Claim, Done, InFlight, Mismatch
from tenure.adapters.decision_log.committer import LogFailed
from tenure.app.shadowing import Seen
from tenure.app.stages import Stages
from tenure.application.decisions.deciding import AskModel
from tenure.application.decisions.outcomes import OutcomeRefused, outcome_record
from tenure.application.decisions.public import public
from tenure.contract.records import DecisionRecord, encode
from tenure.governance.access import Actor, Permission, authorize
from tenure.governance.repeating import LONGEST_KEY, BadKey, KeyInUse, KeyReused
from tenure.governance.sessions import cookie_in, refuse_forged
from tenure.kit.bodies import MalformedJson
from tenure.kit.digests import digest_of
from tenure.kit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenure.app.feature_counts import FeatureCounts
    from tenure.app.generation import Deployed, Generation
    from tenure.application.decisions.deciding import Admitted, Settled
    from tenure.contract.records import OutcomeRecord
    from tenure.kit.clock import Clock


class Log(Protocol):
    """Where records become durable."""

    async def append(self, record: bytes, *, alone: bool | None = None) -> None:
        """Return when the record is durable."""


class Keys(Protocol):
    """Idempotency keys, shared by all gateways."""

    async def wait(
        self, application: str, key: str, body_digest: str, decision_id: str, stream: str, *, seconds: float
    ) -> Claim:
        """Return whether the key is now ours."""

    def finish(self, application: str, key: str, response: bytes) -> None:
        """Keep the answer."""

    def release(self, application: str, key: str) -> None:
        """Give the key back."""

    def doubt(self, application: str, key: str) -> None:
        """Keep the key until it is known whether its record, which the log failed to make durable, is there."""

    def believe(self) -> None:
        """Give the doubted keys back, after the log went on."""


class Protection(Protocol):
    """What keeps persons' data."""

    def pseudonym(self, entity: str) -> str:
        """Return the entity's name in the log."""

    def encrypt(self, pseudonym: str, fields: dict[str, Any]) -> str:
        """Return the fields as ciphertext."""


class Features(Protocol):
    """What is known beforehand."""

    def read(self, view: str, key: str) -> tuple[Mapping[str, Any], int | None] | None:
        """Return a key's values and since when they are known, or None."""


class Watchers(Protocol):
    """Those who see what was decided after it was answered."""

    def saw(self, deployed: Deployed, seen: Seen) -> None:
        """Take note of a decision."""


class Outcome(msgspec.Struct, forbid_unknown_fields=True):
    """One outcome as it is sent. `name` defaults to the application's own outcome; `observed_at` is RFC 3339."""

    application: str
    decision_id: str
    value: Any
    name: str | None = None
    observed_at: str | None = None


class Recorded(msgspec.Struct):
    """How many outcomes are in the log now, with the ids of their records."""

    recorded: int
    ids: list[str]


@dataclass(frozen=True, slots=True)
class Made:
    """A decision that is durable: the answer's bytes, and who gave it (empty when it was given before)."""

    content: bytes
    decided_by: str


_FORM = 'send {"application": …, "decision_id": …, "value": …}, or a list of these'
_OUTCOMES = msgspec.json.Decoder(Outcome | list[Outcome])
_RECORD = msgspec.json.Decoder(DecisionRecord)


class Deciding:
    """Makes decisions and takes outcomes; everything it needs is given to it. `stages` says where their time went."""

    def __init__(
        self,
        *,
        log: Log,
        stream: str,
        claims: Keys,
        persons: Protection,
        features: Features,
        clock: Clock,
        base_url: Callable[[], str],
        shadowing: Watchers,
        counts: FeatureCounts,
    ) -> None:
        self._log = log
        self._stream = stream
        self._claims = claims
        self._persons = persons
        self._features = features
        self._clock = clock
        self._base_url = base_url
        self._shadowing = shadowing
        self._counts = counts
        self.stages = Stages()

    def actor(self, generation: Generation, authorization: str | None) -> Actor | None:
        """Return who an Authorization header stands for: Bearer, or Basic with the token as password."""
        token = token_of(authorization)
        return None if token is None else self._known(generation, token)

    def session_actor(self, generation: Generation, cookies: str, csrf: str) -> Actor | None:
        """Return who a Cookie header stands for; raise `CsrfRefused` unless the session's CSRF token came with it."""
        secret = cookie_in(cookies)
        actor = None if secret is None else self._known(generation, secret)
        if secret is not None and actor is not None:
            refuse_forged(secret, csrf)
        return actor

    def _known(self, generation: Generation, token: str) -> Actor | None:
        known = generation.token(hashlib.sha256(token.encode()).hexdigest(), self._clock.now())
        return None if known is None else known.actor

    async def decide(
        self,
        generation: Generation,
        application: str,
        actor: Actor | None,
        body: bytes,
        key: str | None,
        deadline_us: int | None = None,
        trace: str = "",
    ) -> Made:
        """Return a decision whose record is durable; raise a `TenureError` when none was made.

        `deadline_us` is how long the caller waits, where that is less than the application's own deadline; `trace` the
        trace id that it sent.
        """
        at = self._clock.now()
        known = authorize(actor, Permission.APPLICATIONS_DECIDE, application)
        deployed = generation.application(application)
        within = deployed.decider.deadline_us if deadline_us is None else min(deadline_us, deployed.decider.deadline_us)
        if deployed.always_asks and deployed.is_busy(within):
            raise deployed.overloaded(within)
        request = _Request(
            deployed, known, body, at, new_id(at), within, "" if key is None else digest_of(key.encode()), trace
        )
        if key is None:
            return await self._made(request, alone=generation.in_flight == 1)
        return await self._made_once(request, application, key)

    async def _made_once(self, request: _Request, application: str, key: str) -> Made:
        """Decide under an idempotency key: of all who send it, one decides and the others get that answer."""
        if not 1 <= len(key) <= LONGEST_KEY:
            raise BadKey(length=len(key))
        claim = await self._claims.wait(
            application,
            key,
            digest_of(request.body),
            request.id,
            self._stream,
            seconds=request.deployed.decider.deadline_us / 1e6,
        )
        match claim:
            case Done(response):
                return Made(response, "")
            case Mismatch():
                raise KeyReused(key=key)
            case InFlight():
                raise KeyInUse(key=key)
        try:
            made = await self._made(request, alone=False)
        except LogFailed:
            self._claims.doubt(application, key)
            raise
        except BaseException:
            self._claims.release(application, key)
            raise
        self._claims.finish(application, key, made.content)
        return made

    async def _made(self, request: _Request, *, alone: bool) -> Made:
        deployed, settled, asked = await self._settled(request)
        began = perf_counter_ns()
        record = deployed.decider.record(
            settled,
            id=request.id,
            at=request.at,
            protect=self.protect,
            elapsed_us=self._clock.now() - request.at,
            actor=request.actor.id,
            key=request.key,
            trace=request.trace,
        )
        content = encode(record)
        recorded = perf_counter_ns()
        await self._log.append(content, alone=alone)
        self._claims.believe()
        durable = perf_counter_ns()
        answer = self.answer(record)
        self.stages.made(began, recorded, durable, perf_counter_ns())
        self._counts.saw(record.features)
        if deployed.is_watched:
            self._shadowing.saw(deployed, Seen(record, settled, asked, request.body))
        return Made(answer, record.decided_by)

    async def _settled(self, request: _Request) -> tuple[Deployed, Settled, AskModel | None]:
        """Return who answers the request, its decision, and what the model was asked for it."""
        began = perf_counter_ns()
        deployed = request.deployed
        admitted = deployed.decider.admit(request.body)
        if deployed.splits:
            deployed, admitted = self._split(deployed, admitted, request)
        decider = deployed.decider
        taken = perf_counter_ns()
        features = {view: self._features.read(view, key) for view, key in decider.views(admitted)}
        read = perf_counter_ns()
        step = decider.before(admitted, features, self._features.read)
        before = perf_counter_ns()
        self.stages.settled(began, taken, read, before)
        if not isinstance(step, AskModel):
            return deployed, step, None
        if step.trace.model:
            deployed, step = deployed.asking(step, lambda: name_of(deployed, admitted, request.id, self._persons))
            decider = deployed.decider
        left = request.within_us - (self._clock.now() - request.at)
        prediction = await deployed.predict(step.row, left)
        if prediction.failure == "overloaded":
            raise deployed.overloaded(request.within_us)
        answered = perf_counter_ns()
        settled = decider.after(step, prediction)
        self.stages.asked(before, answered, perf_counter_ns())
        return deployed, settled, step

    def _split(self, deployed: Deployed, admitted: Admitted, request: _Request) -> tuple[Deployed, Admitted]:
        """Return what answers this entity, and the request as that one reads it."""
        answering = deployed.answering(name_of(deployed, admitted, request.id, self._persons))
        if answering.decider.revision == deployed.decider.revision:
            return answering, admitted
        return answering, answering.decider.admit(request.body)

    def protect(self, entity: str, fields: dict[str, Any]) -> tuple[str, str]:
        """Return a person's name in the log and the fields under that person's key."""
        pseudonym = self._persons.pseudonym(entity)
        return pseudonym, self._persons.encrypt(pseudonym, fields)

    def answer(self, record: DecisionRecord) -> bytes:
        """Return the answer that a record stands for, the same each time."""
        return msgspec.json.encode(public(record, self._base_url()))

    def answer_of(self, record: bytes) -> bytes:
        """Return the answer that a logged record stands for."""
        return self.answer(_RECORD.decode(record))

    # ---- outcomes

    async def outcomes(self, generation: Generation, actor: Actor | None, body: bytes) -> bytes:
        """Record one outcome or a list of them; return how many, when all are durable.

        The decision may be in another gateway's log or sealed long ago, so it is not looked up here: its id must be
        well formed (a check character guards it), and monitoring joins it later.
        """
        records = [
            self._outcome_record(place, outcome, generation, actor) for place, outcome in enumerate(_sent(body), 1)
        ]
        for record in records:
            await self._log.append(encode(record))
        return msgspec.json.encode(Recorded(len(records), [record.id for record in records]))

    def _outcome_record(
        self, place: int, outcome: Outcome, generation: Generation, actor: Actor | None
    ) -> OutcomeRecord:
        known = authorize(actor, Permission.OUTCOMES_IMPORT, outcome.application)
        return outcome_record(
            generation.application(outcome.application).decider.definition,
            place,
            outcome.decision_id,
            outcome.value,
            outcome.name or "",
            outcome.observed_at,
            at=self._clock.now(),
            actor=known.id,
        )


def name_of(deployed: Deployed, admitted: Admitted, decision: str, persons: Protection) -> str:
    """Return by what a share of the traffic is told apart: the entity, or each decision where there is none."""
    entity = deployed.decider.entity(admitted)
    return decision if entity is None else persons.pseudonym(entity)


@dataclass(frozen=True, slots=True)
class _Request:
    """One request on its way: `at` is its arrival, `id` the decision's, `key` the hash of its idempotency key.

    `within_us` is how long its model may take: the application's deadline, or the caller's where that is shorter.
    """

    deployed: Deployed
    actor: Actor
    body: bytes
    at: int
    id: str
    within_us: int
    key: str
    trace: str


def token_of(authorization: str | None) -> str | None:
    """Return the token of an Authorization header, or None when it carries none."""
    scheme, _, value = (authorization or "").partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip() or None
        case "basic":
            try:
                decoded = base64.b64decode(value.strip(), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
            return decoded.partition(":")[2] or None
    return None


def _sent(body: bytes) -> list[Outcome]:
    try:
        decoded = _OUTCOMES.decode(body)
    except msgspec.ValidationError as error:
        raise OutcomeRefused(place="body", why=f"{error}; {_FORM}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedJson(why=str(error)) from error
    return decoded if isinstance(decoded, list) else [decoded]
