"""The command about whose packages may run."""

from pathlib import Path
from typing import Annotated

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.listing import All, Cursor, Limit, Pages
from tenure.entrypoints.cli.screen import Json, Screen
from tenure.kit.errors import Kind, TenureError

_COLUMNS = ("key", "name", "added_at", "added_by", "public")


class WhichKey(TenureError):
    """The folder does not say which key is meant."""

    code = "which-key"
    kind = Kind.BAD_INPUT
    message = "{folder} is signed by {keys}"
    next_step = "give the key itself"


def trust(
    key: Annotated[str, typer.Argument(metavar="KEY|list|remove", help="A public key, or a package that it signed.")],
    removed: Annotated[str, typer.Argument(metavar="[KEY]", help="The key to remove.")] = "",
    name: Annotated[str, typer.Option(help="Whose key it is.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """Trust others' packages: `trust KEY --name WHO`, `trust list`, `trust remove KEY`."""
    screen = Screen(json)
    with opened() as tenure:
        if key == "list":
            pages = Pages(limit, cursor, everything)
            pages.show(screen, pages.of(tenure, "trust:list"), _COLUMNS, "no key but this home's own")
            return
        if key == "remove":
            found = tenure.call("trust:remove", key=removed, reason=reason)
            screen.facts(found, f"{found['name']} is trusted no more", _COLUMNS)
            return
        found = tenure.call("trust:add", key=_public(key), name=name, reason=reason)
    screen.facts(found, f"{found['name']} is trusted", _COLUMNS)


def _public(text: str) -> str:
    """Return the key that was given, or the only one that signed the package that was given."""
    from json import loads

    folder = Path(text)
    if not (folder / "signatures").is_dir():
        return text
    files = sorted((folder / "signatures").glob("*.json"))
    if len(files) != 1:
        raise WhichKey(folder=folder, keys=", ".join(file.stem for file in files) or "nobody")
    return str(loads(files[0].read_text(encoding="utf-8"))["public"])
