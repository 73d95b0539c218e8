"""Who somebody is on this machine, by the number that the kernel tells."""

from __future__ import annotations

import pwd


def user_name(uid: int) -> str:
    """Return the user's name, or its number where the machine has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
