"""The worker's one loop, in one thread: read all that came, send the rows to the model together, write the answers.

It never waits for a slow reader: an answer that cannot be written is kept up to a limit, then the connection is
dropped. While the model computes nothing else happens, so a PING is answered after the call.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import traceback
from typing import Any

from . import frames
from .batching import Batcher, Done, Form, Request
from .columns import FrameError
from .loaders import Model

_PIECE = 1 << 18
#: most bytes kept for a reader that does not read
MOST_UNREAD = frames.MOST_BODY + (8 << 20)


def error_text(error: BaseException) -> str:
    """Return an exception as one bounded line: its type and its message."""
    return ("%s: %s" % (type(error).__name__, error))[: frames.MOST_ERROR]


class Connection:
    """One peer: its unfinished input and its unsent output."""

    def __init__(self, peer: socket.socket) -> None:
        self.socket = peer
        self.parser = frames.Parser()
        self.unsent = bytearray()

    def read(self) -> list[frames.Frame] | None:
        """Return the frames that came, None when the peer is gone; raise `FrameError` when they are damaged."""
        try:
            content = self.socket.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:
            return None
        return self.parser.feed(content) if content else None

    def write(self, content: bytes) -> bool:
        """Send what the peer takes and keep the rest; return False when the peer is gone or does not read."""
        self.unsent += content
        return self.flush() and len(self.unsent) <= MOST_UNREAD

    def flush(self) -> bool:
        """Send what the peer takes of what is kept; return False when the peer is gone."""
        try:
            while self.unsent:
                del self.unsent[: self.socket.send(self.unsent)]
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        return True


class Server:
    """Serves one loaded model on a listening socket, or on one connection alone."""

    def __init__(self, model: Model, form: Form, welcome: dict[str, Any]) -> None:
        self._model, self._welcome = model, welcome
        self._batcher = Batcher(form)
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        self._listener: socket.socket | None = None
        self._wanted = True

    def listen(self, listener: socket.socket) -> None:
        """Accept connections from a listening socket."""
        listener.setblocking(False)
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def connect(self, peer: socket.socket) -> Connection:
        """Serve one connection."""
        peer.setblocking(False)
        connection = Connection(peer)
        self._connections.add(connection)
        self._selector.register(peer, selectors.EVENT_READ, connection)
        return connection

    def stop_on(self, *signals: int) -> None:
        """Finish what waits and leave the loop when one of the signals comes."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        # The selector sleeps through a signal (PEP 475); a byte on this pair wakes it.
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        self._waker = (ours, theirs)
        self._selector.register(ours, selectors.EVENT_READ, self._woken)
        for number in signals:
            signal.signal(number, self._leave)

    def run(self) -> None:
        """Serve until told to stop, or until the only connection is closed."""
        while self._wanted and (self._listener is not None or self._connections):
            self._poll(0 if self._batcher else None)
            self._work()
        self._stop_listening()
        # What arrived before the signal is answered too; whoever sends the signal stops asking first.
        while self._poll(0) or self._batcher:
            self._work()
        self._finish()

    def _poll(self, seconds: float | None) -> bool:
        ready = self._selector.select(seconds)
        for key, mask in ready:
            self._ready(key.data, mask)
        return bool(ready)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener = None

    def _ready(self, target: Any, mask: int) -> None:
        if not isinstance(target, Connection):
            target()
            return
        if mask & selectors.EVENT_WRITE:
            self._keep(target, target.flush())
        if mask & selectors.EVENT_READ and target in self._connections:
            self._read(target)

    def _accept(self) -> None:
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self.connect(self._listener.accept()[0])

    def _woken(self) -> None:
        with contextlib.suppress(OSError):
            self._waker[0].recv(64)

    def _leave(self, *_: Any) -> None:
        self._wanted = False

    def _read(self, connection: Connection) -> None:
        try:
            received = connection.read()
            if received is None:
                self._close(connection)
                return
            for frame in received:
                self._handle(connection, frame)
        except FrameError as error:
            self._send(connection, frames.encode_error(0, "damaged", error_text(error)))
            self._close(connection)

    def _handle(self, connection: Connection, frame: frames.Frame) -> None:
        if frame.kind == frames.INFER:
            self._infer(connection, frame)
        elif frame.kind == frames.HELLO:
            self._send(connection, frames.encode_json(frames.WELCOME, frame.correlation, self._welcome))
        elif frame.kind == frames.PING:
            self._send(connection, frames.encode(frames.PONG, frame.correlation))
        elif frame.kind == frames.DESCRIBE:
            self._send(connection, self._described(frame))
        elif frame.kind == frames.EXPLAIN:
            self._send(connection, self._explained(frame))
        else:
            raise FrameError("a worker is never sent frames of type %d" % frame.kind)

    def _infer(self, connection: Connection, frame: frames.Frame) -> None:
        try:
            rows = _rows(self._model, frame)
        except FrameError as error:
            self._send(connection, frames.encode_error(frame.correlation, "bad_row", str(error)))
            return
        exact = bool(frame.flags & frames.EXACT)
        reasons = bool(frame.flags & frames.REASONS)
        if reasons and self._model.reasons is None:
            why = "its package tells no reasons: none were proven when it was sealed"
            self._send(connection, frames.encode_error(frame.correlation, "raised", why))
            return
        self._batcher.add(Request((connection, frame.correlation), rows, frame.deadline_us, exact, reasons))

    def _described(self, frame: frames.Frame) -> bytes:
        try:
            fields = self._model.describe(_rows(self._model, frame))
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            return frames.encode_error(frame.correlation, "raised", error_text(error))
        return frames.encode_json(frames.DESCRIPTION, frame.correlation, {"fields": fields})

    def _explained(self, frame: frames.Frame) -> bytes:
        try:
            if frame.meta:
                self._plan(frames.read_json(frame.meta))
            told = self._model.explain(_rows(self._model, frame)[0])
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            return frames.encode_error(frame.correlation, "raised", error_text(error))
        return frames.encode_json(frames.EXPLANATION, frame.correlation, {"explanation": told})

    def _plan(self, told: dict[str, Any]) -> None:
        """Take over how a draft is called and tells reasons; of a sealed package its manifest says both."""
        if self._model.is_sealed:
            raise FrameError("a sealed package tells reasons by its manifest alone")
        self._model.form = self._batcher.form = Form(told["batch"]["kind"], told["batch"]["rows"])
        self._model.plan(told["plan"])

    def _work(self) -> None:
        """Make one call to the model, if anything waits, and send all answers there are."""
        call = self._batcher.next_call(frames.now_us())
        if call is not None:
            started = frames.now_us()
            try:
                computed = self._model.call(call.rows)
                told = self._told(call)
            except (Exception, SystemExit) as error:
                self._failed(call, error)
            else:
                self._batcher.succeeded(call, computed, min(frames.now_us() - started, 0xFFFFFFFF), told)
        # One system call for all of a connection's answers: its reader wakes once, and takes them further together.
        contents: dict[Connection, list[bytes]] = {}
        for answer in self._batcher.answers():
            connection, correlation = answer.ticket
            contents.setdefault(connection, []).append(self._answer(answer, correlation))
        for connection, answers in contents.items():
            self._send(connection, b"".join(answers))

    def _told(self, call: Any) -> list[bytes]:
        """Return what the inputs of the rows contributed for which that was asked; NaN where the model raises at it."""
        rows = [call.rows[place] for place in call.explained()]
        if not rows or self._model.reasons is None:
            return []
        try:
            return self._model.reasons.explain(rows)
        except Exception:
            if len(rows) > 1:
                # One row's mixtures may be what the model cannot take; the others' are not to blame.
                return [told for row in rows for told in self._told_alone(row)]
            return self._told_alone(rows[0])

    def _told_alone(self, row: bytes) -> list[bytes]:
        assert self._model.reasons is not None
        try:
            return self._model.reasons.explain([row])
        except Exception:
            # The score itself is right: whoever asked is told that there are no reasons for it.
            traceback.print_exc()
            return self._model.reasons.untold(1)

    def _failed(self, call: Any, error: BaseException) -> None:
        if call.real == 1 or call.parts[0].request.exact:
            traceback.print_exc()
        self._batcher.failed(call, error_text(error))

    def _answer(self, answer: Any, correlation: int) -> bytes:
        if not isinstance(answer, Done):
            return frames.encode_error(correlation, answer.code, answer.error, answer.row)
        try:
            body = b"".join([self._model.join(answer.rows), *answer.told])
            meta = frames.encode_spans(answer.spans)
            flags = frames.REASONS if answer.told else 0
            return frames.encode(frames.RESULT, correlation, len(answer.rows), flags=flags, meta=meta, body=body)
        except FrameError as error:
            return frames.encode_error(correlation, "raised", error_text(error))

    def _send(self, connection: Connection, content: bytes) -> None:
        if connection in self._connections:
            self._keep(connection, connection.write(content))

    def _keep(self, connection: Connection, alive: bool) -> None:
        if not alive:
            self._close(connection)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.unsent else 0)
        if self._selector.get_key(connection.socket).events != wanted:
            self._selector.modify(connection.socket, wanted, connection)

    def _close(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.discard(connection)
            self._batcher.forget(connection)
            self._selector.unregister(connection.socket)
            connection.socket.close()

    def _finish(self) -> None:
        """Give readers a moment to take the last answers."""
        for connection in list(self._connections):
            connection.socket.settimeout(1.0)
            connection.flush()
            self._close(connection)


def _rows(model: Model, frame: frames.Frame) -> list[bytes]:
    if not frame.rows:
        raise FrameError("a request carries at least one row")
    return model.inputs.split_rows(frame.rows, frame.body)


def quiet_standard_output() -> None:
    """Send what the model prints to the log (standard error): nothing of it may reach a reader of ours."""
    sys.stdout.flush()
    os.dup2(2, 1)
