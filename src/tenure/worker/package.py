"""The package's folder as the worker sees it: what the manifest says, checked before anything of it is loaded."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, NamedTuple

from .batching import Form

FORMAT = 1
#: folders of which the model may load anything, so nothing unnamed may lie in them
_GUARDED = ("model", "code")
_CHUNK = 1 << 20


class Refused(Exception):  # noqa: N818
    """The package cannot be loaded; the text names the file and the fact."""


class Package(NamedTuple):
    """A verified package: its folder, its id and its manifest as plain data."""

    folder: str
    digest: str
    manifest: dict[str, Any]

    def path(self, name: str) -> str:
        """Return the path of a file of the package."""
        return os.path.join(self.folder, name)

    def form(self) -> Form:
        """Return the proven batch form; one row at a time while nothing is proven (a draft)."""
        batch = self.manifest.get("batch") or {"kind": "single", "rows": 1}
        return Form(batch["kind"], batch["rows"])


def open_package(folder: str, digest: str) -> Package:
    """Return the package if its manifest has this digest and every file of model and code is what the manifest says."""
    name = os.path.join(folder, "manifest.json")
    try:
        with open(name, "rb") as file:
            content = file.read()
    except OSError as error:
        raise Refused("manifest.json cannot be read: %s" % error.strerror) from error
    found = "sha256:" + hashlib.sha256(content).hexdigest()
    if found != digest:
        raise Refused("manifest.json changed after sealing: its digest is %s, not %s" % (found, digest))
    manifest = json.loads(content.decode())
    if manifest.get("tenure_package") != FORMAT:
        raise Refused("manifest.json has format %r, this worker reads %d" % (manifest.get("tenure_package"), FORMAT))
    _verify(folder, manifest["files"])
    return Package(folder, digest, manifest)


def _verify(folder: str, files: dict[str, Any]) -> None:
    for name in sorted(files):
        if name.split("/")[0] in _GUARDED:
            check_file(folder, name, files[name])
    for guarded in _GUARDED:
        for name in _found(folder, guarded):
            if name not in files:
                raise Refused("%s is not in the manifest: it was added after sealing" % name)


def check_file(folder: str, name: str, told: dict[str, Any]) -> None:
    """Raise `Refused` unless the file has the digest that the manifest tells."""
    seen = hashlib.sha256()
    try:
        with open(os.path.join(folder, name), "rb") as file:
            for piece in iter(lambda: file.read(_CHUNK), b""):
                seen.update(piece)
    except OSError as error:
        raise Refused("%s cannot be read: %s" % (name, error.strerror)) from error
    found = "sha256:" + seen.hexdigest()
    if found != told["digest"]:
        raise Refused("%s changed after sealing: its digest is %s, not %s" % (name, found, told["digest"]))


def _found(folder: str, guarded: str) -> list[str]:
    names = []
    for place, _, files in os.walk(os.path.join(folder, guarded)):
        inside = os.path.relpath(place, folder).replace(os.sep, "/")
        names += ["%s/%s" % (inside, file) for file in files]
    return sorted(names)
