"""A process's log as one JSON object a line, with the request that a line belongs to. Standard library only."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Request(NamedTuple):
    """The request that is being answered: the caller's or our own id of it, and its W3C traceparent."""

    id: str
    traceparent: str


#: set by whoever answers a request, in the context of its task
CURRENT: ContextVar[Request | None] = ContextVar("request", default=None)


class JsonLines(logging.Formatter):
    """Formats records as JSON; `process` says which process of a home writes."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": os.getpid(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request = CURRENT.get()
        if request is not None:
            line |= {"request_id": request.id, "traceparent": request.traceparent}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def write_json_lines(process: str) -> None:
    """Have this process write its log, from INFO on, as JSON lines on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process))
    logging.basicConfig(handlers=[handler], level=logging.INFO)


class Complaints:
    """Says what goes wrong again and again once a second, with how often it did, so that the log is no flood."""

    def __init__(self, log: logging.Logger, seconds: Callable[[], float] = time.monotonic) -> None:
        self._log, self._seconds = log, seconds
        self._last: dict[str, tuple[float, int]] = {}

    def say(self, code: str, text: str) -> None:
        """Log the text, unless the same code was logged within the last second."""
        since, times = self._last.get(code, (float("-inf"), 0))
        now = self._seconds()
        if now - since < 1.0:
            self._last[code] = (since, times + 1)
            return
        self._last[code] = (now, 0)
        self._log.warning("%s: %s%s", code, text, f" ({times} more since the last line)" if times else "")


def message_of(line: str) -> str:
    """Return what a line of a log says to a person: the message of one written here, any other as it is."""
    if not line.startswith('{"time":'):
        return line
    try:
        told: dict[str, Any] = json.loads(line)
    except ValueError:
        return line
    last = str(told.get("exception", "")).strip().rpartition("\n")[2]
    return f"{told.get('message', '')} ({last})" if last else str(told.get("message", ""))
