"""The command `tenure`: all its commands in one table, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenure.entrypoints.cli import (
    accountability,
    applications,
    data_out,
    decisions,
    demo,
    features,
    figures,
    governance,
    home,
    keeping,
    monitoring,
    officer,
    people,
    projects,
    rules,
    travelling,
    trust,
    users,
    versions,
    why,
)
from tenure.entrypoints.cli.screen import show_error
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command = Callable[..., Any]

#: Every command, under the heading it has in `tenure --help`.
COMMANDS: dict[str, dict[str, Command]] = {
    "This machine": {
        "up": home.up,
        "down": home.down,
        "status": home.status,
        "doctor": home.doctor,
        "restart": home.restart,
        "backup": keeping.backup,
        "migrate": home.migrate,
        "gc": keeping.gc,
        "version": home.version,
        "open": home.open_page,
        "demo": demo.demo,
    },
    "Models": {
        "package": versions.package,
        "register": versions.register,
        "versions": versions.versions,
        "show": versions.show,
        "compare": versions.compare,
        "history": versions.history,
        "logs": versions.logs,
        "approve": versions.approve,
        "deploy": versions.deploy,
        "promote": versions.promote,
        "rollback": versions.rollback,
        "decommission": versions.decommission,
        "archive": versions.archive,
        "restore": versions.restore,
        "verify": versions.verify,
        "retention": keeping.retention,
        "retain": keeping.retain,
        "destroy": keeping.destroy,
        "drill": keeping.drill,
        "run": versions.run,
        "attach": officer.attach,
        "paper": officer.paper,
    },
    "Applications": {
        "init": applications.init,
        "apply": applications.apply,
        "activate": applications.activate,
        "diff": applications.diff,
        "export": travelling.export,
        "import": travelling.receive,
    },
    "Decisions": {
        "decide": decisions.decide,
        "decision": decisions.decision,
        "why": why.why,
        "figures": figures.figures,
        "replay": decisions.replay,
        "erase": keeping.erase,
        "expire": keeping.expire,
        "resolve": people.resolve,
        "reviews": people.reviews,
        "overrides": people.overrides,
        "sql": data_out.sql,
        "explain": accountability.explain,
        "dossier": accountability.dossier,
    },
    "Access": {
        "login": governance.login,
        "logout": governance.logout,
        "whoami": governance.whoami,
        "trust": trust.trust,
    },
}

#: What a group does when none of its commands is named.
ALONE: dict[str, Command] = {
    "decisions": decisions.decisions,
    "alerts": monitoring.alerts,
    "inventory": officer.inventory,
    "classes": keeping.classes,
    "applications": applications.applications,
    "projects": projects.projects,
    "policy": governance.policy,
}

#: Groups of commands, each with its heading and its help.
GROUPS: dict[str, tuple[str, str, dict[str, Command]]] = {
    "applications": (
        "Applications",
        "List applications; or show one.",
        {
            "show": applications.show_application,
            "revisions": applications.list_revisions,
            "trial": applications.trial,
            "end": applications.end,
        },
    ),
    "decisions": ("Decisions", "List decisions; or export them.", {"export": data_out.export}),
    "projects": (
        "Applications",
        "List projects; or show one with its measure, or say what one is for.",
        {"show": projects.show, "set": projects.set_project},
    ),
    "rules": (
        "Applications",
        "Business rules: check a file, run its tests, try it on old decisions or on one request.",
        {"check": rules.check, "test": rules.run_tests, "backtest": rules.backtest, "evaluate": rules.evaluate},
    ),
    "outcomes": ("Decisions", "The truth that arrives later.", {"import": decisions.import_outcomes}),
    "events": ("Decisions", "What happens in an application's world.", {"import": features.import_events}),
    "features": (
        "Applications",
        "Feature views.",
        {
            "apply": features.apply,
            "ingest": features.ingest,
            "get": features.get,
            "list": features.list_views,
            "show": features.show,
            "join": features.join,
            "expire": features.expire,
        },
    ),
    "monitor": ("Monitoring", "Reports.", {"report": monitoring.report}),
    "inventory": ("Models", "The inventory of models; or say something of one.", {"add": officer.inventory_add}),
    "alerts": (
        "Monitoring",
        "List alerts, newest first; or say that one is known.",
        {
            "ack": monitoring.ack,
            "silence": monitoring.silence,
            "notify": monitoring.notify,
            "unnotify": monitoring.unnotify,
            "webhooks": monitoring.webhooks,
            "retry": monitoring.retry,
        },
    ),
    "log": (
        "Decisions",
        "Proofs about the decision log, for people who need not trust it.",
        {"proof": keeping.proof, "checkpoint": keeping.checkpoint},
    ),
    "classes": ("Models", "Retention classes; or make one.", {"set": keeping.define}),
    "hold": ("Access", "Legal holds.", {"add": keeping.hold, "release": keeping.release}),
    "users": (
        "Access",
        "Accounts of people, how they sign in, and their sessions.",
        {
            "list": users.list_users,
            "show": users.show,
            "create": users.create,
            "change": users.change,
            "disable": users.disable,
            "enable": users.enable,
            "password": users.set_password,
            "link": users.link,
            "sessions": users.sessions,
            "end-session": users.end_session,
        },
    ),
    "policy": ("Access", "Who approves: show the home's policy, or set it.", {"set": governance.set_policy}),
    "audit": ("Access", "The audit trail.", {"log": governance.audit_log, "verify": governance.audit_verify}),
    "token": (
        "Access",
        "Tokens.",
        {"create": governance.create_token, "list": governance.list_tokens, "revoke": governance.revoke_token},
    ),
}


class NeedsServer(TenureError):
    """The light installation cannot open a home itself."""

    code = "needs-server-libraries"
    kind = Kind.UNAVAILABLE
    message = "this needs {library}, which the light installation does not have"
    next_step = "pip install 'tenure[server]', or set TENURE_URL to a Tenure that runs"


def build(first: str = "") -> typer.Typer:
    """Return the command line; where `first`, a command or a group, is what was asked for, nothing but that."""
    app = _group("Keeps a machine-learning model through its whole working life.")
    app.info.context_settings = {"help_option_names": ["-h", "--help"]}
    app.callback()(_whole)
    known = {name for commands in COMMANDS.values() for name in commands} | GROUPS.keys()
    wanted = known & {first} or known
    for heading, commands in COMMANDS.items():
        _add(app, {name: command for name, command in commands.items() if name in wanted}, heading)
    for name, (heading, text, commands) in GROUPS.items():
        if name not in wanted:
            continue
        group = _group(text, alone=ALONE.get(name))
        _add(group, commands)
        app.add_typer(group, name=name, rich_help_panel=heading)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        home.version()
        raise typer.Exit


def _whole(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="As `tenure version`.")
    ] = False,
) -> None:
    """Keeps a machine-learning model through its whole working life."""


def _group(text: str, alone: Command | None = None) -> typer.Typer:
    group = typer.Typer(help=text, no_args_is_help=alone is None, add_completion=False, pretty_exceptions_enable=False)
    if alone is not None:
        group.callback(invoke_without_command=True)(alone)
    return group


def _add(app: typer.Typer, commands: dict[str, Command], heading: str | None = None) -> None:
    for name, command in commands.items():
        app.command(name, rich_help_panel=heading)(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command: exit 0 when done, 1 when refused or failed, 2 when the command line is not understood."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    try:
        sys.exit(run(given))
    except TenureError as error:
        show_error(error, as_json=as_json)
    except ModuleNotFoundError as error:
        show_error(NeedsServer(library=error.name), as_json=as_json)
    except BrokenPipeError:
        # Whoever read the output has seen enough (`tenure decisions | head`).
        sys.stderr.close()
    except OSError as error:
        show_error(FileTrouble.of(error), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last boundary: a person reads a sentence, whoever mends it the file
        show_error(Unforeseen(why=f"{type(error).__name__}: {error}", file=_written_down()), as_json=as_json)
    sys.exit(1)


def _written_down() -> str:
    """Write what is being handled into a file, and return the file's name."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="tenure-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(traceback.format_exc())
    return file.name


def run(given: list[str]) -> int:
    """Run one command and return its exit code; only errors of ours come out."""
    try:
        return int(build(given[0] if given else "")(given, standalone_mode=False) or 0)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except _USAGE as error:
        return _misused(error, as_json="--json" in given)


# Typer carries its own copy of click or uses the one installed, depending on its version; both share this base.
_USAGE: type[Exception] = typer.BadParameter.__mro__[2]


def _misused(error: Any, *, as_json: bool) -> int:
    if as_json:
        show_error(BadUsage(why=error.format_message()), as_json=True)
    else:
        error.show()
    return int(error.exit_code)


class FileTrouble(TenureError):
    """A file or a folder that a command was given, or this machine, did not do what was needed."""

    code = "file-trouble"
    kind = Kind.BAD_INPUT
    message = "{file}: {why}"
    next_step = "see that it exists, that you may read and write it, and that the disk has room"

    @classmethod
    def of(cls, error: OSError) -> FileTrouble:
        """Return what the operating system said, with the name of the file."""
        file = error.filename if isinstance(error.filename, str) else "a file or connection"
        return cls(file=file, why=error.strerror or str(error))


class Unforeseen(TenureError):
    """A fault of ours: nobody thought of this."""

    code = "unforeseen"
    kind = Kind.CORRUPT
    message = "this should not have happened: {why}"
    next_step = "report it with {file}, which says where it happened"


class BadUsage(TenureError):
    """The command line is not understood."""

    code = "bad-usage"
    kind = Kind.BAD_INPUT
    message = "{why}"
    next_step = "see `tenure --help`"
