"""Commands for the home on this machine: up, down, status, doctor."""

import contextlib
import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import Caller, opened
from tenure.entrypoints.cli.screen import Json, Screen, waits
from tenure.entrypoints.cli.versions import restorable_line
from tenure.kit.errors import Kind, TenureError
from tenure.settings import DEFAULT_HOST, DEFAULT_PORT, default_gateways

#: a new control may have to migrate the home's tables first
_CONTROL_SECONDS = 120.0
_PAUSE_SECONDS = 0.2


class NoSuccessor(TenureError):
    """Control ended as it was asked to, and none has answered since."""

    code = "no-successor"
    kind = Kind.UNAVAILABLE
    message = "control {left} was asked to leave and no other has answered within {seconds:g} s; decisions go on"
    next_step = "see `tenure status`, and control.log in the home's logs"


def up(
    detach: Annotated[bool, typer.Option("--detach", help="Return when it is ready; `tenure down` ends it.")] = False,
    port: Annotated[
        int, typer.Option(envvar="TENURE_PORT", min=0, max=65_535, help="0 takes any free port.")
    ] = DEFAULT_PORT,
    host: Annotated[str, typer.Option(help="Beyond this machine only with --tls-* or --behind-proxy.")] = DEFAULT_HOST,
    gateways: Annotated[
        int | None, typer.Option(help="How many gateway processes; default: one for every two cores.", min=1, max=64)
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option("--tls-cert", metavar="PEM", help="Certificate with its chain; read anew when changed."),
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="PEM", help="Its private key.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy before it does TLS; its X-Forwarded-* are believed.")
    ] = False,
    proxy: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="A proxy beside this machine's own; or a network.")
    ] = None,
    prefix: Annotated[str, typer.Option(metavar="/PATH", help="The path that all is under.")] = "",
    public_url: Annotated[str, typer.Option(metavar="URL", help="How people and programs reach it.")] = "",
    backup: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="Make the home from a backup; it must not exist yet.")
    ] = None,
    json: Json = False,
) -> None:
    """Start everything in the home (made on first use), and wait until it is ready."""
    from tenure.entrypoints.cli.fronting import front_of
    from tenure.entrypoints.cli.starting import Start, owners_keys, started, wait_for_end
    from tenure.settings import Settings

    screen = Screen(json)
    home = Settings.of(os.environ).home
    front = front_of(host, tls_cert, tls_key, prefix, public_url, proxy or [], behind_proxy=behind_proxy)
    if backup is not None:
        from tenure.app.backups import restore

        with screen.waiting(f"restoring {backup}, every file checked"):
            restore(backup, home)
    start = Start(home, host, port, gateways or default_gateways(os.cpu_count() or 1), front)
    with screen.waiting("starting supervisor, control and gateways") as progress:
        running = started(start, progress)
    token, link = owners_keys(home)
    found = {"url": running.url, "home": str(home.root), "pid": running.pid, "token": token, "sign_in": link}
    if screen.as_json:
        screen.document(found)
    else:
        _welcome(screen, found)
    if not detach:
        wait_for_end(running, home, screen)


def _welcome(screen: Screen, found: dict[str, Any]) -> None:
    screen.facts({"home": found["home"], "url": found["url"]}, "Tenure is up")
    screen.say("a link that signs you in once, within a quarter of an hour (another: tenure users link):")
    screen.say(found["sign_in"])
    screen.say("for commands and programs, as admin:")
    screen.say(f"export TENURE_URL={found['url']}")
    screen.say(f"export TENURE_TOKEN={found['token']}")


def migrate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run what is due and take it back; change nothing.")
    ] = False,
    to: Annotated[str, typer.Option("--down", metavar="REVISION", help="Go back, for an earlier Tenure.")] = "",
    json: Json = False,
) -> None:
    """Bring the home's tables to this Tenure (as `tenure up` does), backed up first; or try it; or go back."""
    from tenure.app.databases import downgrade, opened, rehearse, revision, upgrade
    from tenure.app.databases import due as due_after
    from tenure.app.locking import HomeLock
    from tenure.kit.clock import SystemClock
    from tenure.settings import Settings

    screen, settings, now = Screen(json), Settings.of(os.environ), SystemClock().now()
    backups = settings.home.root / "backups"
    lock = HomeLock(settings.home)
    database = opened(settings.home, settings.database, now)
    try:
        found = revision(database)
        due = due_after(found)
        if dry_run:
            rehearse(database)
        copy = None if dry_run else downgrade(database, to, backups, now) if to else upgrade(database, backups, now)
        answer = {"from": found, "to": revision(database), "due": due, "backup": copy and str(copy), "dry_run": dry_run}
    finally:
        database.close()
        lock.close()
    screen.facts(answer, "tried, and taken back" if dry_run else "migrated")
    if copy and to:
        screen.say("what stood in tables and columns that this took away is in the backup alone")


def down(json: Json = False) -> None:
    """Stop everything in the home, and wait until it is gone."""
    from tenure.serving.announce import down as ask_down
    from tenure.settings import Settings

    screen = Screen(json)
    home = Settings.of(os.environ).home
    with screen.waiting("stopping: gateways finish what they have") as progress:
        ask_down(home.supervisor_socket, progress=progress)
    screen.text({"home": str(home.root), "down": True}, f"{home.root} is down")


@waits
def restart(
    supervisor: Annotated[bool, typer.Option("--supervisor", help="The supervisor too.")] = False,
    gateways: Annotated[bool, typer.Option("--gateways/--no-gateways", help="Every gateway.")] = True,
    control: Annotated[bool, typer.Option("--control", help="Control too, as the last.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the audit trail.")] = "",
    json: Json = False,
) -> None:
    """Replace the running processes by new ones, as after an upgrade of Tenure; no request is lost."""
    screen = Screen(json)
    wanted = {"supervisor": supervisor, "gateways": gateways, "control": control}
    with opened() as tenure, screen.waiting("replacing: the new one answers before the old one drains") as progress:
        found = tenure.call("restart", parts=[name for name, yes in wanted.items() if yes], reason=reason)
        if left := found.pop("leaving"):
            progress("waiting for the new control; decisions go on")
            found["control"] = [_successor(tenure, left[0])]
    screen.facts(found, "replaced; the new process ids")


def _successor(tenure: Caller, left: int) -> int:
    """Return the pid of the control that came after process `left`, once it answers."""
    until = time.monotonic() + _CONTROL_SECONDS
    while time.monotonic() < until:
        # Until it listens nobody does.
        with contextlib.suppress(TenureError):
            pid: int = tenure.call("status")["serving"]["control"]["pid"]
            if pid != left:
                return pid
        time.sleep(_PAUSE_SECONDS)
    raise NoSuccessor(left=left, seconds=_CONTROL_SECONDS)


def status(json: Json = False) -> None:
    """Show what runs: processes, generation, models, applications."""
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("status")
    if screen.as_json:
        screen.document(found)
        return
    screen.facts({name: found[name] for name in ("home", "version", "policy", "generation")}, "Tenure")
    if found.get("restorable"):
        screen.say(restorable_line(found["restorable"]))
    serving = found.get("serving")
    if not serving:
        screen.say("nothing runs; start it with: tenure up --detach")
    else:
        columns = ("process", "pid", "state", "restarts", "generation", "python", "last_end")
        screen.table(found, _processes(serving), columns)
        for key, worker in serving.get("workers", {}).items():
            if worker.get("limits", {}).get("network") == "open":
                screen.say(f"worker {key} may open connections: {worker['limits']['why']}")
    served = [
        {"model": name, "champion": number, "in_service": _in_service(found, name)}
        for name, number in found["models"].items()
    ]
    screen.table(found, served, ("model", "champion", "in_service"), "no model is registered yet")
    for ref, came in found.get("reruns", {}).items():
        met = f"not met, so it takes no traffic: {came['failed']}" if "failed" in came else f"met, {came['verdict']}"
        screen.say(f"golden rows of {ref} run again {came['at'][:19]}: {met}")
    revisions = [{"application": name, "revision": number} for name, number in found["applications"].items()]
    screen.table(found, revisions, ("application", "revision"), "no application is defined yet")


def _in_service(found: dict[str, Any], model: str) -> list[str]:
    roles = found["roles"].items()
    return [f"{ref.rpartition('/')[2]} {role}" for ref, role in roles if ref.rpartition("/")[0] == model]


def _processes(serving: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [{"process": "control", **serving["control"]}] if serving.get("control") else []
    for kind in ("gateways", "workers"):
        for name, process in serving.get(kind, {}).items():
            rows.append({"process": name if kind == "gateways" else f"worker {name}", **process})
    return rows


def doctor(json: Json = False) -> None:
    """Check what Tenure needs on this machine; each finding says what to do. Exit 1 if something is missing."""
    from dataclasses import asdict

    from tenure.entrypoints.cli.checkup import checkup

    screen = Screen(json)
    with screen.waiting("looking at home, port, uv and Pythons"):
        findings = checkup(os.environ)
    rows = [asdict(finding) | {"ok": finding.ok} for finding in findings]
    screen.table(
        rows, [row | {"ok": "ok" if row["ok"] else "MISSING"} for row in rows], ("ok", "what", "found", "next_step")
    )
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def version(json: Json = False) -> None:
    """Show the version of this command."""
    from tenure import __version__

    Screen(json).text({"version": __version__}, f"tenure {__version__}")


def open_page(
    ref: Annotated[str, typer.Argument(metavar="[OBJECT]", help="churn, churn/2, an application or a decision.")] = "",
    json: Json = False,
) -> None:
    """Open an object's page in the browser."""
    import webbrowser

    from tenure.client.where import Remote, where
    from tenure.entrypoints.cli.gateways import public_address
    from tenure.entrypoints.cli.pages import page_of

    meant = where(os.environ)
    url = meant.url if isinstance(meant, Remote) else public_address(meant.home)
    with opened() as tenure:
        page = url + page_of(tenure, ref)
    shown = webbrowser.open(page)
    Screen(json).text({"url": page, "opened": shown}, page)
