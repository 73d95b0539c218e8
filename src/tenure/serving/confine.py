"""`python -I -S confine.py LIMITS COMMAND…`: takes limits upon itself and becomes the command, in the same process.

Every process that runs a model's code is started through here, so sealing, serving, `run` and replay have the same
limits. Standard library only. A limit that this machine does not allow is told, never passed over: the command finds in
TENURE_LIMITS, as JSON, what holds, and `tenure status` shows it. This bounds accidents and careless code; it is no
sandbox for a hostile model, which runs as the same user.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import platform
import resource
import socket
import struct
import sys
from pathlib import Path
from typing import Any, NamedTuple

#: where the command finds what holds
TOLD = "TENURE_LIMITS"
#: the kernel ends workers before gateways when the whole machine has no memory left
_OOM_SCORE = 500
#: the part of this machine's memory that one worker may take, whatever its card says
_MOST_OF_MACHINE = 0.75
_NEW_NAMESPACE_OF_NETWORK = 0x40000000
_NEW_NAMESPACE_OF_USERS = 0x10000000
_NO_NEW_PRIVILEGES = 38

# seccomp(2) and the classic BPF of linux/filter.h and linux/seccomp.h
_SET_MODE_FILTER = 1
#: without it older kernels slow the whole process down, against an attack that is none here
_ALLOW_SPECULATION = 4
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_AT_NUMBER, _AT_ARCHITECTURE, _AT_FIRST_ARGUMENT = 0, 4, 16
#: system calls of x32, which an x86_64 kernel takes too
_FOREIGN = 0x40000000


class _Machine(NamedTuple):
    """An architecture as the filter sees it, and its numbers of system calls."""

    architecture: int
    seccomp: int
    socket: int
    io_uring_setup: int


_MACHINES = {"x86_64": _Machine(0xC000003E, 317, 41, 425), "aarch64": _Machine(0xC00000B7, 277, 198, 425)}


def main(arguments: list[str]) -> int:
    """Take the limits and become the command; return only when it cannot be started."""
    limits, command = json.loads(arguments[0]), arguments[1:]
    environ = dict(os.environ)
    # Set here, because this interpreter must not load the libraries of the model's.
    environ.pop("LD_LIBRARY_PATH", None)
    if limits.get("library_path"):
        environ["LD_LIBRARY_PATH"] = limits["library_path"]
    environ[TOLD] = json.dumps(take(limits))
    try:
        os.execve(command[0], command, environ)  # noqa: S606 - it becomes the command, no shell between
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr)  # noqa: T201 - its last words
        return 127


def take(limits: dict[str, Any]) -> dict[str, Any]:
    """Take limits upon this process for ever: `memory` in bytes, `files`, `network` (false: none); return what holds."""
    _set(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE), "ascii")
    # RLIMIT_DATA and not RLIMIT_AS: what is only reserved, or mapped from a file, costs nobody memory.
    memory = _set(resource.RLIMIT_DATA, min(limits["memory"], int(_MOST_OF_MACHINE * machine_memory())))
    files = _set(resource.RLIMIT_NOFILE, limits["files"])
    return {"memory": memory, "files": files, **_network(allowed=limits["network"])}


def machine_memory() -> int:
    """Return this machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _set(which: int, most: int) -> int:
    """Set a limit that cannot be raised again; one that is lower already stays."""
    _, hard = resource.getrlimit(which)
    granted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (granted, granted))
    return granted


def _network(*, allowed: bool) -> dict[str, str]:
    """Cut this process off from every network, unless its card asks for one; return what came of it, and by what."""
    if allowed:
        return {"network": "open", "why": "the card asks for it"}
    filtered = _filter()
    if not filtered:
        return {"network": "none", "why": "seccomp"}
    separated = _separate()
    if not separated:
        return {"network": "none", "why": "namespace"}
    return {"network": "open", "why": f"this machine allows no limit: seccomp: {filtered}; namespace: {separated}"}


def _filter() -> str:
    """Let no socket be made but Unix ones, for this process and all that it starts; return why that cannot be."""
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.platform != "linux":
        return f"not known on {sys.platform} {platform.machine()}"
    program = filter_program(machine)
    kept = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(kept))
    argument = ctypes.create_string_buffer(described, len(described))
    c = ctypes.CDLL(None, use_errno=True)
    if c.prctl(_NO_NEW_PRIVILEGES, *map(ctypes.c_ulong, (1, 0, 0, 0))):
        return _why()
    for flags in (_ALLOW_SPECULATION, 0):
        address = ctypes.c_void_p(ctypes.addressof(argument))
        if not c.syscall(machine.seccomp, _SET_MODE_FILTER, flags, address):
            return ""
    return _why()


def filter_program(machine: _Machine) -> bytes:
    """Return the filter. It answers "permission denied" to all sockets but Unix ones.

    And to io_uring, which makes sockets too, and to system calls of another architecture, whose numbers differ.
    """
    instructions = (
        (_LOAD, 0, 0, _AT_ARCHITECTURE),
        (_EQUAL, 0, 7, machine.architecture),
        (_LOAD, 0, 0, _AT_NUMBER),
        (_AT_LEAST, 5, 0, _FOREIGN),
        (_EQUAL, 4, 0, machine.io_uring_setup),
        (_EQUAL, 0, 2, machine.socket),
        (_LOAD, 0, 0, _AT_FIRST_ARGUMENT),
        (_EQUAL, 0, 1, socket.AF_UNIX),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _FAIL | errno.EACCES),
    )
    return b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)


def _separate() -> str:
    """Move this process into a network of its own, with nobody else in it; return why that cannot be."""
    c = ctypes.CDLL(None, use_errno=True)
    if not hasattr(c, "unshare"):
        return f"not known on {sys.platform}"
    user, group = os.getuid(), os.getgid()
    if not c.unshare(_NEW_NAMESPACE_OF_NETWORK):
        return ""
    # Who is not root may do so in a namespace of users, in which it stays who it was.
    if c.unshare(_NEW_NAMESPACE_OF_USERS | _NEW_NAMESPACE_OF_NETWORK):
        return _why()
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(text, "ascii")
    return ""


def _why() -> str:
    return os.strerror(ctypes.get_errno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
