"""Builds the console into `console/dist`, if anything that it is made of has changed since the last time.

    python console/build.py [--if-node]     --if-node: without Node say what is missing, and leave it at that

The API's client is generated from the OpenAPI document of the sources beside it, so the console cannot be built
against an action that does not exist. What was built from what stands in `.build/console`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STAMPS = HERE.parent / ".build" / "console"
DIST = HERE / "dist"
NODE = (20, 19)
_NOT_SOURCES = {"node_modules", "dist", "openapi.json", "schema.gen.ts", "actions.gen.ts"}


def main(arguments: list[str] | None = None) -> int:
    """Build, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--if-node", action="store_true", help="without Node, say so and succeed")
    optional = parser.parse_args(arguments).if_node
    if trouble := without_node():
        print(f"— the console is not built: {trouble}; `/` stays a plain page, everything else works")
        return 0 if optional else 1
    described = openapi()
    write_if_changed(HERE / "openapi.json", json.dumps(described, indent=1, sort_keys=True))
    write_if_changed(HERE / "src/api/actions.gen.ts", actions(described))
    if built_from() == sources() and (DIST / "index.html").is_file():
        return 0
    install()
    print("— building the console (about 20 seconds)", flush=True)
    done = subprocess.run(["npm", "run", "--silent", "build"], cwd=HERE, check=False)
    if done.returncode == 0:
        stamp("built", sources())
    return done.returncode


def without_node() -> str:
    """Return what is missing, or nothing."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return f"Node {NODE[0]}.{NODE[1]} or newer with npm is not on the PATH"
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    parts = tuple(int(part) for part in found.lstrip("v").split(".")[:2])
    return "" if parts >= NODE else f"Node {found} is older than {NODE[0]}.{NODE[1]}"


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of every action."""
    from tenure.app.actions import ACTIONS
    from tenure.entrypoints.api.openapi import document
    from tenure.entrypoints.api.routes import route
    from tenure.entrypoints.api.sessions import session_routes

    handlers = [route(_Nobody(), action) for action in ACTIONS if not action.upload]
    handlers += session_routes(_Nobody())
    return document(handlers, "console")


def actions(described: dict[str, Any]) -> str:
    """Return verb and path of every action, and whether it wants to know the state it changes, as TypeScript."""
    found = {
        operation["operationId"]: [
            verb.upper(),
            path,
            any(one["name"] == "If-Match" for one in operation.get("parameters", [])),
        ]
        for path, operations in described["paths"].items()
        for verb, operation in operations.items()
    }
    lines = [f"  {json.dumps(name)}: {json.dumps(place)}," for name, place in sorted(found.items())]
    return "\n".join(["export const ACTIONS = {", *lines, "} as const;", ""])


class _Nobody:
    """Stands where the actions are performed; a document needs only their forms."""

    def perform(self, name: str, actor: object, given: object) -> object:
        raise NotImplementedError(name, actor, given)


def install() -> None:
    """Make `node_modules` what the lock says, if it is not."""
    lock = digest([HERE / "package-lock.json"])
    if (HERE / "node_modules").is_dir() and said("installed") == lock:
        return
    print("— fetching what the console is built with (npm ci, once for every lock; about a minute)", flush=True)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-progress", "--loglevel=error"], cwd=HERE, check=True)
    stamp("installed", lock)


def sources() -> str:
    """Return a digest of everything that the console is made of."""
    files = (file for file in HERE.rglob("*") if file.is_file() and not _NOT_SOURCES & set(file.parts))
    return digest([*files, HERE / "openapi.json"])


def built_from() -> str:
    """Return the digest of what `dist` was built from, or nothing."""
    return said("built")


def digest(files: list[Path]) -> str:
    """Return one digest of these files' names and contents."""
    summed = hashlib.sha256()
    for file in sorted(set(files)):
        summed.update(f"{file.relative_to(HERE)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return summed.hexdigest()


def said(name: str) -> str:
    """Return what a stamp says, or nothing."""
    file = STAMPS / name
    return file.read_text() if file.is_file() else ""


def stamp(name: str, text: str) -> None:
    """Say something for the next time."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(text)


def write_if_changed(file: Path, text: str) -> None:
    """Write a file, unless it says the same already."""
    if not file.is_file() or file.read_text() != text:
        file.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
