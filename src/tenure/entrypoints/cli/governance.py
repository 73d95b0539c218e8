"""Commands for tokens, the audit trail, and who one is."""

import contextlib
import os
from typing import Annotated, Literal

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.listing import All, Cursor, Limit, Named, Pages
from tenure.entrypoints.cli.screen import Json, Screen, waits
from tenure.kit.errors import TenureError


def login(
    url: Annotated[str, typer.Argument(help="As https://tenure.example.com, or a one-time sign-in link.")],
    token: Annotated[str | None, typer.Option(help="Asked for when neither it nor --user is given.")] = None,
    user: Annotated[str | None, typer.Option(help="Sign in with this account; its password is asked for.")] = None,
    json: Json = False,
) -> None:
    """Keep an address and a token for later commands, in a file only you can read."""
    from tenure.client.client import Client
    from tenure.client.where import Login, login_file, write_login
    from tenure.entrypoints.cli.secrets import password

    address, code = parted(url)
    with Client(address, "") as client:
        if code:
            secret = client.sign_in(code=code)
        elif user:
            secret = client.sign_in(user=user, password=password("password"))
        else:
            secret = token or os.environ.get("TENURE_TOKEN") or password("token")
    with Client(address, secret) as client:
        found = client.call("whoami")
    file = login_file(os.environ)
    write_login(file, Login(address, secret))
    Screen(json).facts(
        found | {"kept_in": str(file), "url": address}, "logged in", ("actor", "role", "applications", "kept_in")
    )


def parted(url: str) -> tuple[str, str]:
    """Return the address of a Tenure and the code of a sign-in link to it, empty if the text is the address alone."""
    from urllib.parse import parse_qs, urlsplit

    parts = urlsplit(url)
    code = parse_qs(parts.query).get("code", [""])[0]
    return (f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/sign-in')}", code) if code else (url, "")


def logout(json: Json = False) -> None:
    """Forget the last login; a session that it began is ended."""
    from tenure.client.client import Client
    from tenure.client.where import login_file, read_login
    from tenure.governance.sessions import is_session_secret

    file = login_file(os.environ)
    login_kept = read_login(file)
    screen = Screen(json)
    if login_kept is None:
        screen.text({"logged_out": False, "url": None}, "nobody was logged in")
        return
    file.unlink(missing_ok=True)
    if is_session_secret(login_kept.token):
        # Also where nobody answers any more, the login must be gone from this machine.
        with contextlib.suppress(TenureError), Client(login_kept.url, login_kept.token) as client:
            client.sign_out()
    screen.text({"logged_out": True, "url": login_kept.url}, f"logged out of {login_kept.url}")


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
    project: Annotated[str, typer.Option("--project", help="Only for the applications of this project.")] = "",
    expires: Annotated[str, typer.Option(help="An age as 90d, or a moment.")] = "",
    rate: Annotated[str, typer.Option(metavar="N/TIME", help="How often it may ask: 50/s, 600/min, 10000/h.")] = "",
    name: Annotated[str, typer.Option(help="What it is for; the audit trail shows it as token:NAME.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="What for.")] = "",
    json: Json = False,
) -> None:
    """Make a token. Its text is shown this once; only its hash is kept."""
    screen = Screen(json)
    with opened() as tenure:
        given = {"project": project, "expires": expires, "rate": rate, "name": name, "reason": reason}
        found = tenure.call("tokens:create", role=role, applications=application or [], **given)
    screen.facts(found, f"token {found['id']}", ("name", "role", "applications", "expires_at", "rate"))
    screen.say(found["token"])


def list_tokens(
    name: Named = "",
    role: Annotated[str, typer.Option(help="Of one role.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List tokens, without their texts."""
    columns = ("id", "name", "role", "applications", "created_at", "created_by", "expires_at", "rate", "revoked_at")
    pages = Pages(limit, cursor, everything)
    with opened() as tenure:
        found = pages.of(tenure, "tokens:list", name=name, role=role)
    pages.show(Screen(json), found, columns, "no token")


@waits
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
    actor: Annotated[str, typer.Option(help="Only what one actor did, as user:ann.")] = "",
    action: Annotated[str, typer.Option(help="Only one action, as versions:promote.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """Show who changed what, newest first; 50 rows, if nothing is said."""
    pages = Pages(limit, cursor, everything, usual=50)
    with opened() as tenure:
        found = pages.of(tenure, "audit:log", target=target, actor=actor, action=action)
    pages.show(Screen(json), found, ("sequence", "at", "actor", "role", "action", "target", "reason"), "nothing yet")


def audit_verify(json: Json = False) -> None:
    """Check the audit trail's chain; exit 1 if a row was changed or lost."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting("checking the chain of the audit trail"):
        found = tenure.call("audit:verify")
    screen.facts(found, "intact" if found["intact"] else "NOT intact")
    if not found["intact"]:
        raise typer.Exit(1)


def policy(context: typer.Context, json: Json = False) -> None:
    """Show the home's policy: open, or four-eyes, where a second person approves; or set it."""
    if context.invoked_subcommand is not None:
        return
    with opened() as tenure:
        found = tenure.call("policy:show")
    Screen(json).text(found, found["policy"])


def set_policy(
    name: Annotated[Literal["open", "four-eyes"], typer.Argument(metavar="open|four-eyes", show_choices=False)],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    json: Json = False,
) -> None:
    """Set the home's policy: under four-eyes versions and revisions answer only after a second person's word."""
    with opened() as tenure:
        found = tenure.call("policy:set", policy=name, reason=reason)
    Screen(json).text(found, f"the policy is {found['policy']}")
