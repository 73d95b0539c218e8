"""Which wheels an interpreter can take, best first: the tags of PEP 425 and PEP 600 for CPython on Linux and macOS."""

from __future__ import annotations

_LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}


def rank(file: str, minor: str, platform: str, glibc: str) -> int | None:
    """Return the place of a wheel's file name among the supported tags, lower is better; None when unsupported."""
    pythons, abis, platforms = (part.split(".") for part in file.removesuffix(".whl").rsplit("-", 3)[1:])
    offered = {(python, abi, where) for python in pythons for abi in abis for where in platforms}
    return next((place for place, tag in enumerate(supported(minor, platform, glibc)) if tag in offered), None)


def supported(minor: str, platform: str, glibc: str) -> list[tuple[str, str, str]]:
    """Return all tags of CPython `minor` (3.11) on `platform` (linux-x86_64), the most specific first."""
    major, _, least = minor.partition(".")
    own = f"cp{major}{least}"
    places = _platforms(platform, glibc)
    abi = own + ("m" if int(least) <= 7 else "")
    tags = [(own, abi, place) for place in places]
    tags += [(f"cp{major}{n}", "abi3", place) for n in range(int(least), 1, -1) for place in places]
    tags += [(own, "none", place) for place in places]
    pure = [f"py{major}{least}", f"py{major}", *(f"py{major}{n}" for n in range(int(least) - 1, -1, -1))]
    tags += [(python, "none", place) for python in pure for place in places]
    return tags + [(python, "none", "any") for python in (own, *pure)]


def _platforms(platform: str, glibc: str) -> list[str]:
    if not platform.startswith("linux"):
        return [platform.replace("-", "_").replace(".", "_")]
    machine = platform.partition("-")[2].replace("-", "_")
    newest = int(glibc.partition(".")[2] or 17)
    places = []
    for number in range(newest, 4, -1):
        places.append(f"manylinux_2_{number}_{machine}")
        if (2, number) in _LEGACY:
            places.append(f"{_LEGACY[2, number]}_{machine}")
    return [*places, f"linux_{machine}"]
