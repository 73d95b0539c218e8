"""Commands run in the test's own process, where starting a Python for each of them would cost a second or two."""

from __future__ import annotations

import contextlib
import io
import os
from subprocess import CompletedProcess
from typing import TYPE_CHECKING
from unittest import mock

from tenure.entrypoints.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def ran(arguments: Sequence[str], environ: Mapping[str, str]) -> CompletedProcess[str]:
    """Run a command as a shell with this environment would; return its exit code and what it wrote on either stream."""
    out, err = _stream(), _stream()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    with (
        mock.patch.dict(os.environ, clean | dict(environ), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
    return CompletedProcess(list(arguments), code, _written(out), _written(err))


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
