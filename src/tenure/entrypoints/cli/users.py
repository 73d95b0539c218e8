"""Commands for local accounts and their sessions."""

from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.listing import All, Cursor, Limit, Named, Pages
from tenure.entrypoints.cli.screen import Json, Screen

_COLUMNS = ("user", "role", "applications", "has_password", "created_at", "created_by", "disabled_at")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `tenure users list` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Project = Annotated[str, typer.Option("--project", help="Only for the applications of this project.")]
Limits = Annotated[list[str] | None, typer.Option("--application", help="Only for this one; may be repeated.")]


def list_users(
    name: Named = "",
    role: Annotated[str, typer.Option(help="Of one role.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List accounts."""
    pages = Pages(limit, cursor, everything)
    with opened() as tenure:
        found = pages.of(tenure, "users:list", name=name, role=role)
    pages.show(Screen(json), found, _COLUMNS, "no account yet: tenure users create NAME --role viewer")


def show(name: Name, json: Json = False) -> None:
    """Show an account."""
    with opened() as tenure:
        found = tenure.call("users:show", user=name)
    Screen(json).facts(found, f"user {name}", _COLUMNS[1:])


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="1 to 64 of a-z, 0-9 and . _ @ + -.")],
    role: Annotated[
        str, typer.Option(help="caller, viewer, builder, operator, validator, approver, auditor or admin.")
    ],
    application: Limits = None,
    project: Project = "",
    password: Annotated[
        bool, typer.Option("--password", help="Set one now: asked for, or the first line of standard input.")
    ] = False,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Make an account. Without a password a one-time link is printed, which its person signs in with."""
    from tenure.entrypoints.cli.secrets import password as asked

    screen = Screen(json)
    secret = asked("password", confirm=True) if password else ""
    with opened() as tenure:
        given = {"applications": application or [], "project": project, "password": secret, "reason": reason}
        found = tenure.call("users:create", user=name, role=role, **given)
        link = None if password else tenure.call("users:link", user=name)
    screen.facts(found | {"sign_in": link and link["url"]}, f"user {name}", _COLUMNS[1:-1])
    if link is not None:
        _say(screen, link)


def change(
    name: Name,
    role: Annotated[str | None, typer.Option(help="The new role.")] = None,
    application: Limits = None,
    project: Project = "",
    everywhere: Annotated[bool, typer.Option("--all-applications", help="Lift the limits.")] = False,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Give an account another role, or other limits."""
    limits = [] if everywhere else application
    with opened() as tenure:
        found = tenure.call("users:change", user=name, role=role, applications=limits, project=project, reason=reason)
    Screen(json).facts(found, f"user {name}", _COLUMNS)


def disable(name: Name, reason: Reason = "", json: Json = False) -> None:
    """Close an account and end its sessions."""
    with opened() as tenure:
        found = tenure.call("users:disable", user=name, reason=reason)
    Screen(json).facts(found, f"user {name}", _COLUMNS)


def enable(name: Name, reason: Reason = "", json: Json = False) -> None:
    """Open a closed account again."""
    with opened() as tenure:
        found = tenure.call("users:enable", user=name, reason=reason)
    Screen(json).facts(found, f"user {name}", _COLUMNS)


def set_password(
    name: Name,
    current: Annotated[
        bool, typer.Option("--current", help="Your own account: ask for the present one first.")
    ] = False,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Set an account's password: asked for, or the first line of standard input. Its sessions end."""
    from tenure.entrypoints.cli.secrets import password

    present = password("current password") if current else ""
    secret = password("new password", confirm=True)
    with opened() as tenure:
        found = tenure.call("users:password", user=name, password=secret, current=present, reason=reason)
    Screen(json).facts(found, f"user {name}", _COLUMNS)


def link(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Whom it signs in; yourself when left away.")] = "",
    json: Json = False,
) -> None:
    """Print a link that signs a user (or yourself) in once, within a quarter of an hour."""
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("users:link", user=name)
    if screen.as_json:
        screen.document(found)
    else:
        _say(screen, found)


def sessions(
    subject: Annotated[str, typer.Option(help="Of one actor, as user:ann.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List the sessions in force."""
    pages = Pages(limit, cursor, everything)
    with opened() as tenure:
        found = pages.of(tenure, "sessions:list", subject=subject)
    pages.show(Screen(json), found, ("session", "subject", "began_at", "expires_at"), "nobody is signed in")


def end_session(
    session: Annotated[str, typer.Argument(metavar="ID", help="As `tenure users sessions` shows it.")],
    reason: Reason = "",
    json: Json = False,
) -> None:
    """End a session."""
    with opened() as tenure:
        found = tenure.call("sessions:end", session=session, reason=reason)
    Screen(json).facts(found, f"session {session}")


def _say(screen: Screen, link: dict[str, Any]) -> None:
    screen.say(f"signs {link['subject']} in once, until {link['expires_at']}:")
    screen.say(link["url"])
