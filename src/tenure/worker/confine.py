"""`python -I -S confine.py LIMITS COMMAND…`: takes limits upon itself and becomes the command, in the same process.

Every process that runs a model's code is started through here, so sealing, serving, `run` and replay have the same
limits. Standard library only. A limit that this machine does not allow is told, never passed over: the command finds in
TENURE_LIMITS, as JSON, what holds, and `tenure status` shows it. This bounds accidents and careless code; it is no
sandbox for a hostile model, which runs as the same user.

A restore that is to be proven takes one limit more, `alone`: a network of its own with nobody in it, and a view of the
file system in which the machine's interpreters, and the shared libraries that are not glibc's, are not there.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import platform
import re
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
_NEW_NAMESPACE_OF_MOUNTS = 0x00020000
_NO_NEW_PRIVILEGES = 38

# flags of mount(2)
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18
#: what belongs to glibc: a process finds these on every machine that runs it at all
GLIBC = re.compile(
    r"(linux-vdso|ld|ld-linux[\w-]*|ld64|libc|libm|libmvec|libpthread|libdl|librt|libutil|libresolv|libanl|libnss_\w+"
    r"|libBrokenLocale|libthread_db)(-[\d.]+)?\.so(\.\d+)*"
)

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
    """Take limits upon this process for ever: `memory` in bytes, `files`, `network` (false: none); return what holds.

    With `alone` (`empty`: folders, `libraries`: whether the machine's are hidden) also what `_alone` promises.
    """
    _set(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE), "ascii")
    # RLIMIT_DATA and not RLIMIT_AS: what is only reserved, or mapped from a file, costs nobody memory.
    memory = _set(resource.RLIMIT_DATA, min(limits["memory"], int(_MOST_OF_MACHINE * machine_memory())))
    files = _set(resource.RLIMIT_NOFILE, limits["files"])
    told: dict[str, Any] = {"memory": memory, "files": files}
    if limits.get("alone"):
        told["alone"] = _alone(**limits["alone"])
    return {**told, **_network(allowed=limits["network"])}


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


def _separate(namespaces: int = _NEW_NAMESPACE_OF_NETWORK) -> str:
    """Move this process into namespaces of its own, by default a network with nobody in it; return why that cannot be."""
    c = ctypes.CDLL(None, use_errno=True)
    if not hasattr(c, "unshare"):
        return f"not known on {sys.platform}"
    user, group = os.getuid(), os.getgid()
    if not c.unshare(namespaces):
        return ""
    # Who is not root may do so in a namespace of users, in which it stays who it was.
    if c.unshare(_NEW_NAMESPACE_OF_USERS | namespaces):
        return _why()
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(text, "ascii")
    return ""


# --- alone: without the machine's interpreters and libraries ------------------------------------------------------------


def _alone(empty: list[str], *, libraries: bool) -> dict[str, Any]:
    """Give this process a network with nobody in it, and a file system in which `empty` folders are.

    With `libraries` nothing is left of the machine's shared libraries but glibc. Returns what is `hidden`, whether
    `libraries` are, and `why` when this machine does not allow all of it.
    """
    refused = _separate(_NEW_NAMESPACE_OF_MOUNTS | _NEW_NAMESPACE_OF_NETWORK)
    if refused:
        return {"hidden": [], "libraries": False, "why": f"this machine allows no namespaces: {refused}"}
    hidden: list[str] = []
    try:
        _mount("none", "/", "", _RECURSIVE | _PRIVATE)  # so that nobody else sees what is mounted from here on
        if libraries:
            for folder in _library_folders():
                _leave_glibc(folder)
                hidden.append(folder)
            if os.path.exists("/etc/ld.so.cache"):
                _mount("/dev/null", "/etc/ld.so.cache", "", _BIND)  # it names libraries in other folders
        for folder in empty:
            _mount("none", folder, "tmpfs", 0)
            hidden.append(folder)
    except OSError as error:
        why = f"this machine does not let {error.filename} be hidden: {error.strerror}"
        return {"hidden": hidden, "libraries": False, "why": why}
    return {"hidden": hidden, "libraries": libraries, "why": ""}


def _library_folders() -> list[str]:
    """Return where the loader looks of itself, each once: beside this process's own libc, and in the usual places."""
    with open("/proc/self/maps") as maps:
        own = [os.path.dirname(line.split()[-1]) for line in maps if re.search(r"/libc[.-]", line)]
    usual = ["/lib64", "/usr/lib64", "/usr/local/lib64"]
    found = [os.path.realpath(folder) for folder in [*own[:1], *usual] if os.path.isdir(folder)]
    return list(dict.fromkeys(folder for folder in found if folder not in {"/lib", "/usr/lib"}))


def _leave_glibc(folder: str) -> None:
    """Cover a folder by an empty one that holds copies of its files of glibc."""
    kept = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if GLIBC.fullmatch(name) and os.path.isfile(path):
            kept[path] = Path(path).read_bytes()
    _mount("none", folder, "tmpfs", 0)
    for path, content in kept.items():
        Path(path).write_bytes(content)
        os.chmod(path, 0o755)


def _mount(source: str, target: str, kind: str, flags: int) -> None:
    """Call mount(2); raise `OSError` naming the target."""
    c = ctypes.CDLL(None, use_errno=True)
    given = [os.fsencode(text) if text else None for text in (source, target, kind)]
    if c.mount(*given, ctypes.c_ulong(flags), None):
        raise OSError(ctypes.get_errno(), _why(), target)


def _why() -> str:
    return os.strerror(ctypes.get_errno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
