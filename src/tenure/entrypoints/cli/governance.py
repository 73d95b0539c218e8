"""Commands for tokens, the audit trail, and who one is."""

import os
from typing import Annotated

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.screen import Json, Screen


def login(
    url: Annotated[str, typer.Argument(help="As https://tenure.example.com.")],
    token: Annotated[str | None, typer.Option(help="Asked for when not given.")] = None,
    json: Json = False,
) -> None:
    """Keep an address and a token for later commands, in a file only you can read."""
    from tenure.client.client import Client
    from tenure.client.where import Login, login_file, write_login

    secret = token or os.environ.get("TENURE_TOKEN") or typer.prompt("token", hide_input=True)
    with Client(url, secret) as client:
        found = client.call("whoami")
    file = login_file(os.environ)
    write_login(file, Login(url, secret))
    Screen(json).facts(
        found | {"kept_in": str(file), "url": url}, "logged in", ("actor", "role", "applications", "kept_in")
    )


def whoami(json: Json = False) -> None:
    """Show as whom you act."""
    with opened() as tenure:
        found = tenure.call("whoami")
    Screen(json).facts(found, found["actor"], ("role", "applications", "permissions"))


def create_token(
    role: Annotated[
        str, typer.Option(help="caller, viewer, builder, operator, validator, approver, auditor or admin.")
    ],
    application: Annotated[list[str] | None, typer.Option(help="Only for this application; may be repeated.")] = None,
    expires: Annotated[str, typer.Option(help="An age as 90d, or a moment.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="What for.")] = "",
    json: Json = False,
) -> None:
    """Make a token. Its text is shown this once; only its hash is kept."""
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("tokens:create", role=role, applications=application or [], expires=expires, reason=reason)
    screen.facts(found, f"token {found['id']}", ("role", "applications", "expires_at"))
    screen.say(found["token"])


def list_tokens(json: Json = False) -> None:
    """List tokens, without their texts."""
    columns = ("id", "role", "applications", "created_at", "created_by", "expires_at", "revoked_at")
    with opened() as tenure:
        found = tenure.call("tokens:list")
    Screen(json).table(found, found, columns, "no token")


def revoke_token(
    token: Annotated[str, typer.Argument(metavar="ID", help="As `tenure token list` shows it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    json: Json = False,
) -> None:
    """Make a token worthless; returns when every gateway has taken note."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting("telling every gateway"):
        found = tenure.call("tokens:revoke", token=token, reason=reason)
    screen.facts(found, f"token {token}")


def audit_log(
    target: Annotated[str, typer.Argument(metavar="[REF]", help="Only about one thing, as churn/2.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    json: Json = False,
) -> None:
    """Show who changed what, newest first."""
    with opened() as tenure:
        found = tenure.call("audit:log", target=target, limit=limit)
    Screen(json).table(found, found, ("sequence", "at", "actor", "role", "action", "target", "reason"), "nothing yet")


def audit_verify(json: Json = False) -> None:
    """Check the audit trail's chain; exit 1 if a row was changed or lost."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting("checking the chain of the audit trail"):
        found = tenure.call("audit:verify")
    screen.facts(found, "intact" if found["intact"] else "NOT intact")
    if not found["intact"]:
        raise typer.Exit(1)
