"""One worker for one task: started, asked over a socketpair, ended. Synchronous; for sealing, `run` and `replay`."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
from typing import IO, TYPE_CHECKING, Any

import msgspec

from tenure.contract.predictor import Contributions, Explain, Failure, Prediction, Told
from tenure.contract.schema import Field
from tenure.kit.errors import Kind, TenureError
from tenure.serving import launch
from tenure.serving.spans import batches
from tenure.worker import frames
from tenure.worker.columns import BadRow, Codec, FrameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tenure.serving.snapshot import VersionEntry, WorkerEntry

LOAD_SECONDS = 180.0
CALL_SECONDS = 300.0
#: a worker that serves answers a greeting at once; one that does not is still loading, or busy enough
_SOON = 1.0
_PIECE = 1 << 18
#: rows of one request; the worker splits them over calls of its batch form
_CHUNK = 512
_TAIL = 2000


class NotLoaded(TenureError):
    """The worker ended, or said no, before its model was ready."""

    code = "model-not-loaded"
    kind = Kind.REFUSED
    message = "{model}/{version} cannot be loaded: {why}"
    next_step = "make the model load in its own environment, then package it again"


class NotLoadedInTime(NotLoaded):
    """The model was still loading when its time was over: that says nothing against it."""

    code = "model-not-loaded-in-time"
    message = "{model}/{version} was not loaded within {seconds:.0f} s"
    next_step = "try again when the machine is less busy; `tenure run` says how long loading takes"


class CallFailed(TenureError):
    """The model raised, or its worker died, during a call that had to succeed."""

    code = "model-call-failed"
    kind = Kind.REFUSED
    message = "{model}/{version} failed on a call of {rows} rows: {why}"
    next_step = "mend the model, then package it again"


class _Ended(Exception):
    """The worker closed the connection."""


class _Late(_Ended):
    """The worker did not answer in time."""


class Oneshot:
    """A started worker. `hello` is what it said of itself: python, cpu, blas, digest, pid, load_seconds."""

    def __init__(self, model: str, number: int, version: VersionEntry, peer: socket.socket) -> None:
        self.model, self.number = model, number
        self.hello: dict[str, Any] = {}
        self._digest, self._peer, self._parser = version.digest, peer, frames.Parser()
        self._inputs = Codec(version.inputs)
        self._outputs = Codec(version.outputs)
        self._correlation = 0
        #: why it answers nothing any more
        self._gone = ""
        #: how it tells reasons, None where it cannot
        self.explain = version.explain

    def greet(self, seconds: float = LOAD_SECONDS) -> None:
        """Wait until the model is loaded; raise `NotLoaded` with the worker's own reason."""
        self._peer.settimeout(seconds)
        try:
            answer = self._ask(frames.HELLO)
        except _Late as late:
            raise NotLoadedInTime(model=self.model, version=self.number, seconds=seconds) from late
        except _Ended as end:
            raise NotLoaded(model=self.model, version=self.number, why=str(end)) from end
        if answer.kind != frames.WELCOME:
            raise NotLoaded(model=self.model, version=self.number, why=frames.read_json(answer.meta)["error"])
        self.hello = frames.read_json(answer.body)
        self._peer.settimeout(CALL_SECONDS)

    def predict(self, rows: Sequence[Mapping[str, Any]], *, reasons: bool = False) -> list[Prediction]:
        """Return one prediction per row, computed in the package's batch form; failures are values.

        With `reasons` also what each input contributed, if the version can tell.
        """
        flags = frames.REASONS if reasons and self.explain is not None else 0
        predictions: list[Prediction] = []
        for start in range(0, len(rows), _CHUNK):
            predictions += self._chunk(rows[start : start + _CHUNK], flags)
        return predictions

    def call(self, rows: Sequence[Mapping[str, Any]], shape: int) -> list[bytes]:
        """Return each row's output bytes from one call to the model with exactly `shape` rows; raise `CallFailed`.

        Fewer rows than `shape` are filled up with the last one, as a worker does; only the given rows' bytes return.
        """
        assert 0 < len(rows) <= shape
        filled = [*rows, *[rows[-1]] * (shape - len(rows))]
        answer = self._asked(frames.INFER, self._inputs.pack(filled), shape, frames.EXACT)
        return self._outputs.split_rows(shape, answer.body)[: len(rows)]

    def describe(self, rows: Sequence[Mapping[str, Any]]) -> list[Field]:
        """Return the fields of what the model gives for these rows (one call); raise `CallFailed`.

        A draft without outputs takes them as its own from now on, so `call` and `predict` work afterwards.
        """
        answer = self._asked(frames.DESCRIBE, self._inputs.pack(rows), len(rows), 0)
        fields = msgspec.convert(frames.read_json(answer.body)["fields"], list[Field])
        if not self._outputs.columns:
            self._outputs = Codec(fields)
        return fields

    def contributions(self, row: Mapping[str, Any]) -> Contributions | None:
        """Return what the model's own library says each input contributed; None where it cannot; raise `CallFailed`.

        A worker sealed before this could be asked does not say `explains`, and is not asked.
        """
        if not self.hello.get("explains"):
            return None
        answer = self._asked(frames.EXPLAIN, self._inputs.pack([row]), 1, 0)
        told = frames.read_json(answer.body)["explanation"]
        return None if told is None else msgspec.convert(told, Contributions)

    def plan(self, plan: Explain, form: tuple[str, int], row: Mapping[str, Any]) -> None:
        """Have a draft tell reasons by this plan, in calls of this batch form (its kind and rows), from now on.

        Raises `CallFailed` where its model does not allow it. The library's own parts of `row` are asked with it and
        passed over.
        """
        meta = msgspec.json.encode({"plan": plan, "batch": {"kind": form[0], "rows": form[1]}})
        self._asked(frames.EXPLAIN, self._inputs.pack([row]), 1, 0, meta)
        self.explain = plan

    def _chunk(self, rows: Sequence[Mapping[str, Any]], flags: int) -> list[Prediction]:
        try:
            body = self._inputs.pack(rows)
            answer = self._ask(frames.INFER, body, len(rows), flags)
        except BadRow as error:
            return self._one_by_one(rows, flags) if len(rows) > 1 else [self._failure("bad_row", str(error))]
        except _Ended as end:
            # The others would wait as long again for what does not come.
            self._gone = str(end)
            failure: Failure = "timeout" if isinstance(end, _Late) else "unavailable"
            return [self._failure(failure, str(end)) for _ in rows]
        if answer.kind == frames.RESULT:
            return self._predictions(answer)
        told = frames.read_json(answer.meta)
        return self._one_by_one(rows, flags) if len(rows) > 1 else [self._failure(told["code"], told["error"])]

    def _one_by_one(self, rows: Sequence[Mapping[str, Any]], flags: int) -> list[Prediction]:
        """Ask a chunk row by row, so that only the rows that fail have failed."""
        return [prediction for row in rows for prediction in self._chunk([row], flags)]

    def _predictions(self, answer: frames.Frame) -> list[Prediction]:
        computed = batches(answer.meta, answer.rows)
        body, told = answer.body, list[Told | None]([None]) * answer.rows
        if answer.flags & frames.REASONS:
            body, found = frames.split_told(answer.rows, len(self._inputs.columns), body)
            told = [Told(one[0], one[1:]) for one in found]
        raws = self._outputs.split_rows(answer.rows, body)
        return [
            Prediction(self.model, self.number, self._digest, self._outputs.unpack_row(raw), raw, batch, told=one)
            for raw, batch, one in zip(raws, computed, told, strict=True)
        ]

    def _failure(self, failure: Failure, error: str) -> Prediction:
        return Prediction(self.model, self.number, self._digest, failure=failure, error=error)

    def _asked(self, kind: int, body: bytes, rows: int, flags: int, meta: bytes = b"") -> frames.Frame:
        """Return the answer to something that must succeed; raise `CallFailed`."""
        try:
            answer = self._ask(kind, body, rows, flags, meta)
        except _Ended as end:
            raise CallFailed(model=self.model, version=self.number, rows=rows, why=str(end)) from end
        if answer.kind == frames.ERROR:
            why = frames.read_json(answer.meta)["error"]
            raise CallFailed(model=self.model, version=self.number, rows=rows, why=why)
        return answer

    def _ask(self, kind: int, body: bytes = b"", rows: int = 0, flags: int = 0, meta: bytes = b"") -> frames.Frame:
        if self._gone:
            raise _Ended(self._gone)
        self._correlation += 1
        content = frames.encode(kind, self._correlation, rows, flags=flags, meta=meta, body=body)
        try:
            self._peer.sendall(content)
        except TimeoutError as error:
            raise _Late("the worker did not answer in time") from error
        except OSError:
            # It may have said why before it ended, so what it left is read first.
            pass
        return self._answer()

    def _answer(self) -> frames.Frame:
        while True:
            try:
                content = self._peer.recv(_PIECE)
                received = self._parser.feed(content)
            except TimeoutError as error:
                raise _Late("the worker did not answer in time") from error
            except (OSError, FrameError) as error:
                raise _Ended(f"the worker ended ({error})") from error
            for frame in received:
                if frame.correlation in {0, self._correlation}:
                    return frame
            if not content:
                raise _Ended("the worker ended")


@contextlib.contextmanager
def started(
    worker: WorkerEntry,
    version: VersionEntry,
    model: str,
    number: int,
    *,
    compiles: bool = False,
    alone: Mapping[str, Any] | None = None,
) -> Iterator[Oneshot]:
    """Start the worker, wait until its model is loaded, and end it with the block; raise `NotLoaded`.

    `version` gives the schemas (outputs may be empty for a draft, see `Oneshot.describe`). With `compiles` it leaves
    the bytecode of what it imports in its environment, which must not be in use yet. `alone` is `launch.hiding`.
    """
    with begun(worker, version, model, number, compiles=compiles, alone=alone) as loaded:
        yield loaded()


@contextlib.contextmanager
def begun(
    worker: WorkerEntry,
    version: VersionEntry,
    model: str,
    number: int,
    *,
    compiles: bool = False,
    alone: Mapping[str, Any] | None = None,
) -> Iterator[Callable[[], Oneshot]]:
    """Do the same without waiting: give what returns the worker once its model is loaded, to be asked once."""
    with tempfile.TemporaryFile() as log, contextlib.ExitStack() as stack:
        peer, theirs = socket.socketpair()
        stack.enter_context(peer)
        with theirs:
            process = _start(worker, theirs, log, compiles=compiles, alone=alone)
        asked = Oneshot(model, number, version, peer)
        stack.callback(_end, process, asked, peer)

        def loaded() -> Oneshot:
            try:
                asked.greet()
            except NotLoadedInTime:
                raise
            except NotLoaded as error:
                raise NotLoaded(model=model, version=number, why=_reason(error, process, log)) from error
            return asked

        yield loaded


@contextlib.contextmanager
def connected(path: Path, version: VersionEntry, model: str, number: int) -> Iterator[Oneshot | None]:
    """Be one caller more of a worker that serves; None where none is ready at `path`, or it is another version's."""
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(socket.socket(socket.AF_UNIX))
        asked = Oneshot(model, number, version, peer)
        try:
            peer.settimeout(_SOON)
            peer.connect(str(path))
            asked.greet(_SOON)
        except (OSError, NotLoaded):
            asked.hello = {}
        yield asked if asked.hello.get("digest") == version.digest else None


def _start(
    worker: WorkerEntry, theirs: socket.socket, log: IO[bytes], *, compiles: bool, alone: Mapping[str, Any] | None
) -> subprocess.Popen[bytes]:
    command = launch.command(worker, theirs.fileno(), way="--connect-fd", alone=alone)
    return subprocess.Popen(
        [part for part in command if part != "-B" or not compiles],
        env=launch.environ(worker),
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )


def _end(process: subprocess.Popen[bytes], asked: Oneshot, peer: socket.socket) -> None:
    peer.close()
    if not asked.hello:
        # It is still loading, and would look whether anybody waits for it only afterwards.
        process.kill()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _reason(error: NotLoaded, process: subprocess.Popen[bytes], log: IO[bytes]) -> str:
    """Return the worker's own reason, or the end of its log when it could not give one."""
    why = str(error.facts["why"])
    if not why.startswith("the worker "):
        return why
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    log.seek(0)
    tail = log.read().decode(errors="replace").strip()[-_TAIL:]
    return f"{why}, status {process.returncode}; its last words: {tail or 'none'}"
