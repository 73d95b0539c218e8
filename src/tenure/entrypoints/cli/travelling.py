"""Commands that take a version with its history from one home to another, as one file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened, version_at
from tenure.entrypoints.cli.screen import Json, Quiet, Screen, waits


@waits
def export(
    ref: Annotated[str, typer.Argument(metavar="MODEL/VERSION", help="As churn/2, or churn@champion.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.", dir_okay=False)],
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write a version with all it needs, its history and its attachments into one signed file."""
    from tenure.app.packaging import write_export
    from tenure.entrypoints.cli.streams import check_folder

    screen = Screen(json, quiet)
    check_folder(file)
    with opened() as tenure, screen.waiting(f"exporting {ref}: every file and its history"):
        at = version_at(ref)
        found = tenure.call("versions:export", **at)
        history, signature = _bytes(found["history"]), _bytes(found["signature"])
        write_export(file, history, signature, lambda digest: _fetched(tenure, at, digest))
    size, files = file.stat().st_size, len(found["files"])
    told = {"ref": found["ref"], "file": str(file), "bytes": size, "files": files, "url": found["url"]}
    screen.facts(told, f"{found['ref']} is in {file}")
    screen.say(f"elsewhere: tenure import {file.name}")


@waits
def receive(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `tenure export` wrote.", exists=True, dir_okay=False)
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Take a version that was exported elsewhere, after checking every byte and reproducing its golden outputs."""
    from tempfile import TemporaryDirectory

    from tenure.app.packaging import unpack_export

    screen = Screen(json, quiet)
    with (
        opened() as tenure,
        screen.waiting(f"importing {file.name}: check every byte, rebuild, reproduce outputs"),
        TemporaryDirectory(prefix="tenure-import-") as scratch,
    ):
        unpacked = unpack_export(file, Path(scratch, "export"))
        found = tenure.upload("versions:import", unpacked, reason=reason)
    again = "  (the same package was here before)" if found["again"] else ""
    screen.facts(found, f"{found['ref']}  {found['stage']}{again}", ("was", "signed_by", "trusted"))
    if not found["trusted"]:
        screen.say(
            "its history is signed with a key that is not trusted here; "
            f"if you know whose it is: tenure trust {found['signed_by']} --name WHOSE"
        )


def _fetched(tenure: Any, at: dict[str, str], digest: str) -> bytes:
    pieces: list[bytes] = []
    more = True
    while more:
        found = tenure.call("versions:content", **at, digest=digest, start=sum(map(len, pieces)))
        pieces.append(_bytes(found["content"]))
        more = found["more"]
    return b"".join(pieces)


def _bytes(text: Any) -> bytes:
    from base64 import b64decode

    return text if isinstance(text, bytes) else b64decode(text)
