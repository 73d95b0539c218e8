"""Who goes first where more wants to run than there are processors.

Whoever answers decisions is let in soon, a worker that loads its model steps aside, and one that does not come back from a
call goes last.
Every process of ours has a session of its own, and Linux schedules sessions as groups (sched_autogroup, on by default): between
groups a process's niceness says nothing, and the group's is set in `/proc/PID/autogroup` (sched(7)). Where there are no such
groups the niceness counts, which only a privileged supervisor can take back.
"""

from __future__ import annotations

import contextlib
import ctypes
import enum
import os
import platform
import struct
from pathlib import Path


class Place(enum.IntEnum):
    """Where a process stands, as the niceness of its group: beside the others, with a third of their share, or a thirtieth.

    The kernel's weights of nice 0, 5 and 15 are 1024, 335 and 36.
    """

    BESIDE = 0
    ASIDE = 5
    LAST = 15


#: nanoseconds that a process asks for at a time; a kernel without EEVDF's slices (before 6.12) takes no notice
_SLICE = 200_000
#: the number of the system call sched_setattr, which neither Python nor Debian's C library has
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
#: struct sched_attr (sched_setattr(2)): size, policy, flags, nice, priority, runtime, deadline, period, two clamps
_ATTRIBUTES = struct.Struct("=IIQiIQQQII")


def be_prompt(pid: int) -> bool:
    """Let a process be given a processor soon, for a short time; return whether the kernel took it.

    Who wants short turns need not wait until another's turn is over (3 ms and more: nearly all of what a looping worker costs
    a decision that needs 0.3). Its share of the processors stays what it was. Threads that it starts later are like it.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None:
        return False
    try:
        niceness = os.getpriority(os.PRIO_PROCESS, pid)
    except ProcessLookupError:
        return False
    attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, 0, niceness, 0, _SLICE, 0, 0, 0, 0)
    return bool(ctypes.CDLL(None).syscall(number, pid, attributes, 0) == 0)


def put(pid: int, place: Place) -> bool:
    """Put a process and its group in its place; return False when it is to be tried again.

    One that is gone, or may not be moved, stays where it is. Aside only the group goes: what an ordinary user gives up of a
    process's own share never comes back.
    """
    try:
        _group(pid).write_text(f"{int(place)}\n")
    except BlockingIOError:
        # The kernel takes ten such changes a second from everybody who is not privileged.
        return False
    except OSError:
        pass
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, max(own, place) if place is Place.LAST else own)
    return True


def _group(pid: int) -> Path:
    return Path(f"/proc/{pid}/autogroup")
