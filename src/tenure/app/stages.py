"""Where the time of decisions goes: sums over the stages of a decision, cheap enough to be always on."""

from __future__ import annotations

#: in the order in which a decision passes them; `model` and `commit` are mostly waiting
STAGES = ("admit", "features", "rules", "model", "record", "commit", "answer")


class Stages:
    """Sums for each stage since the process began, from moments of `perf_counter_ns` taken between two stages."""

    __slots__ = ("_admit", "_answer", "_asked", "_commit", "_decided", "_features", "_model", "_record", "_rules")

    def __init__(self) -> None:
        self._admit = self._features = self._rules = self._model = self._record = self._commit = self._answer = 0
        self._decided = self._asked = 0

    def settled(self, begin: int, admitted: int, read: int, before: int) -> None:
        """Count a request that was admitted, its features read, and the rules before the model walked."""
        self._admit += admitted - begin
        self._features += read - admitted
        self._rules += before - read

    def asked(self, before: int, answered: int, after: int) -> None:
        """Count an answer of a model, and the rules after it."""
        self._asked += 1
        self._model += answered - before
        self._rules += after - answered

    def made(self, settled: int, recorded: int, durable: int, answered: int) -> None:
        """Count a decision that was recorded, made durable and answered."""
        self._decided += 1
        self._record += recorded - settled
        self._commit += durable - recorded
        self._answer += answered - durable

    def sums(self) -> dict[str, tuple[float, int]]:
        """Return seconds and count by stage."""
        return {
            stage: (getattr(self, f"_{stage}") / 1e9, self._asked if stage == "model" else self._decided)
            for stage in STAGES
        }
