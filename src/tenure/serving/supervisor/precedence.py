"""Who goes first where more wants to run than there are processors: a worker that does not come back from a call goes last.

Every process of ours has a session of its own, and Linux schedules sessions as groups (sched_autogroup, on by default): between
groups a process's niceness says nothing, and the group's is set in `/proc/PID/autogroup` (sched(7)). Where there are no such
groups the niceness counts, which only a privileged supervisor can take back.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

#: a thirtieth of what others get (the kernel's weights of nice 0 and 15: 1024 and 36)
_LAST = 15


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
