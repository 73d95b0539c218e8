"""Whether this machine lets a process have a network and a view of the file system of its own, asked of unshare(1)."""

import shutil
import subprocess


def may_unshare(*namespaces: str) -> bool:
    """Return whether a process may leave these namespaces, given as options of unshare(1)."""
    command = ["unshare", *namespaces, "true"]
    return shutil.which("unshare") is not None and not subprocess.run(command, check=False, stderr=-3).returncode


#: the level that a package whose libraries are all packed reaches here
WHOLE = "S3" if may_unshare("-m", "-n") or may_unshare("-U", "-m", "-n") else "S2"
