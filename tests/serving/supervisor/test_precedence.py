"""Who answers decisions asks for short turns, so that it need not wait out another's long one."""

from __future__ import annotations

import asyncio
import ctypes
import os
import platform
import struct
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tenure.serving.supervisor.precedence import be_prompt
from tenure.serving.supervisor.process import Process, Recipe

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.processes

_SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}
_ATTRIBUTES = struct.Struct("=IIQiIQQQII")


def slice_of(pid: int) -> int:
    """Return the nanoseconds that a process asks for at a time (sched_getattr(2)); 0 from kernels without slices."""
    found = ctypes.create_string_buffer(_ATTRIBUTES.size)
    ctypes.CDLL(None).syscall(_SCHED_GETATTR[platform.machine()], pid, found, _ATTRIBUTES.size, 0)
    return int(_ATTRIBUTES.unpack(found.raw)[5])


def has_slices() -> bool:
    """Return whether this kernel lets a process ask: since 6.12."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int(minor)) >= (6, 12)


def test_a_process_that_a_decision_waits_for_asks_for_short_turns_and_no_larger_share(tmp_path: Path) -> None:
    waits = [sys.executable, "-S", "-c", "input()"]
    ordinary = Recipe("one", waits, None, tmp_path / "one.log")

    async def run() -> tuple[list[int], list[int]]:
        started = [Process.start(ordinary), Process.start(replace(ordinary, prompt=True))]
        try:
            pids = [one.pid for one in started]
            return [slice_of(pid) for pid in pids], [os.getpriority(os.PRIO_PROCESS, pid) for pid in pids]
        finally:
            for one in started:
                await one.stop(5)

    slices, shares = asyncio.run(run())
    assert shares[0] == shares[1]
    if has_slices():
        assert slices[1] == 200_000 < slices[0]
    else:
        assert slices == [0, 0]


def test_a_process_that_is_gone_is_no_fault() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)

    assert not be_prompt(pid)
