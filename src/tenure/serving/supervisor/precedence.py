"""Who goes first where more wants to run than there are processors.

Whoever answers decisions is let in soon, and a worker that does not come back from a call goes last.
Every process of ours has a session of its own, and Linux schedules sessions as groups (sched_autogroup, on by default): between
groups a process's niceness says nothing, and the group's is set in `/proc/PID/autogroup` (sched(7)). Where there are no such
groups the niceness counts, which only a privileged supervisor can take back.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
from pathlib import Path

#: a thirtieth of what others get (the kernel's weights of nice 0 and 15: 1024 and 36)
_LAST = 15

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


def stand_back(pid: int, *, behind: bool) -> bool:
    """Let a process and its group go behind the others, or beside them again; return False when it is to be tried again.

    One that is gone, or may not be moved, stays as it is.
    """
    try:
        Path(f"/proc/{pid}/autogroup").write_text(f"{_LAST if behind else 0}\n")
    except BlockingIOError:
        # The kernel takes ten such changes a second from everybody who is not privileged.
        return False
    except OSError:
        pass
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, max(own, _LAST) if behind else own)
    return True
