"""Commands for monitoring: reports and alerts."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened, version_at
from tenure.entrypoints.cli.listing import All, Cursor, Limit, Named, Pages
from tenure.entrypoints.cli.screen import Json, Screen
from tenure.entrypoints.cli.versions import Ref

_ALERTS = ("id", "state", "version", "kind", "column", "days", "finding")
_DAYS = ("day", "decisions", "model", "rule", "fallback", "failures", "p50_ms", "p95_ms", "missing", "outside")
_COLUMNS = ("column", "rows", "psi", "effect", "chance", "missing", "outside", "signals")
_PERFORMANCE = ("day", "outcome", "matured", "early", "measures")


def report(
    ref: Ref,
    since: Annotated[str | None, typer.Option(help="The first day.")] = None,
    until: Annotated[str | None, typer.Option(help="The last day.")] = None,
    json: Json = False,
) -> None:
    """Report a version day by day: volume, errors, who decided, drift, performance."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting(f"reading the log for {ref}"):
        found = tenure.call("monitor:report", **version_at(ref), since=since, until=until)
    if screen.as_json:
        screen.document(found)
        return
    for title, rows, columns in _tables(found):
        if rows:
            screen.say(title)
            screen.table(found, rows, columns)
    for line in _lines(found):
        screen.say(line)


def _tables(found: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]], tuple[str, ...]]]:
    """Return the parts of a report that are tables, each with its title and columns."""
    yield "volume, errors and who decided, by day", [_day(day) for day in found["days"]], _DAYS
    signals = _signals(found)
    columns = [_column(column, signals) for column in found["columns"]]
    yield "what came in, against the reference", sorted(columns, key=lambda row: -row["psi"]), _COLUMNS
    performance = [_performed("all", one) for one in found["performance"]]
    performance += [_performed(one["day"], one["performance"]) for one in found["performance_by_day"]]
    yield "performance, from the outcomes that arrived", performance, _PERFORMANCE
    yield "alerts", [_alert(alert) for alert in found["alerts"]], _ALERTS


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Return what else a reader must know, a sentence each."""
    if found["stated"]:
        stated = ", ".join(f"{name} {value:.4g}" for name, value in found["stated"].items())
        yield f"its author stated: {stated}"
    for broken in found["broken"]:
        yield f"not computed: {broken}"
    for name, why in found["unwatched"].items():
        yield f"not watched: {name}, {why}"
    yield from found["caveats"]
    limits = found["thresholds"]
    yield (
        f"a signal needs an effect (PSI less its bias) of {limits['effect']} and a chance below {limits['chance']}, "
        f"shared out over all looks; windows of at least {limits['minimum']} rows"
    )


def _day(day: Mapping[str, Any]) -> dict[str, Any]:
    shares = {name: _percent(day["decided_by"].get(name, 0.0)) for name in ("model", "rule", "fallback")}
    times = {f"p{part}_ms": f"{day[f'p{part}_us'] / 1000:.1f}" for part in (50, 95) if day[f"p{part}_us"] is not None}
    rates = {name: _percent(day[name] or 0.0) for name in ("missing", "outside")}
    return dict(day) | shares | times | rates


def _signals(found: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the kinds of signal that any window raised for each column."""
    raised: dict[str, list[str]] = {}
    for window in found["windows"]:
        for signal in window["signals"]:
            kinds = raised.setdefault(signal["column"], [])
            if signal["kind"] not in kinds:
                kinds.append(signal["kind"])
    return raised


def _column(column: Mapping[str, Any], signals: Mapping[str, list[str]]) -> dict[str, Any]:
    rates = {name: _percent(column[name]) for name in ("missing", "outside")}
    numbers = {"effect": f"{column['effect']:.3f}", "chance": f"{column['chance']:.1e}"}
    return dict(column) | rates | numbers | {"psi": round(column["psi"], 3), "signals": signals.get(column["column"])}


def _performed(day: str, performance: Mapping[str, Any]) -> dict[str, Any]:
    measures = ", ".join(f"{name} {value:.4g}" for name, value in performance["measures"].items() if value is not None)
    return dict(performance) | {"day": day, "measures": measures}


def _alert(alert: Mapping[str, Any]) -> dict[str, Any]:
    days = " – ".join(dict.fromkeys((alert["first_day"], alert["last_day"])))
    version = alert.get("ref") or f"{alert['model']}/{alert['version']}"
    return dict(alert) | {"days": days, "version": version, "finding": _finding(alert["evidence"])}


def _finding(evidence: Mapping[str, Any]) -> str:
    """Return the numbers that an alert stands on, in a line."""
    parts = [
        f"{name} {evidence[name]:.3g}" for name in ("effect", "chance", "missing", "outside") if evidence.get(name)
    ]
    if "rows" in evidence:
        parts.append(f"{evidence['rows']} rows")
    return ", ".join(parts) or ", ".join(f"{name} {value}" for name, value in evidence.items() if name != "how")


def _percent(share: float) -> str:
    return f"{share:.1%}" if share else "–"


def alerts(
    context: typer.Context,
    model: Annotated[str, typer.Option(help="Of one model.")] = "",
    status: Annotated[str, typer.Option(help="open, acknowledged or resolved.")] = "",
    kind: Annotated[str, typer.Option(help="Of one kind.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List alerts, newest first; or say that one is known."""
    if context.invoked_subcommand is not None:
        return
    pages = Pages(limit, cursor, everything)
    with opened() as tenure:
        found = pages.of(tenure, "alerts:list", model=model, status=status, kind=kind)
    pages.show(Screen(json), found, _ALERTS, "no alert", [_alert(alert) for alert in found.rows])


def ack(
    alert: Annotated[str, typer.Argument(metavar="ID")],
    reason: Annotated[str, typer.Option("--reason", help="What you know about it.")],
    json: Json = False,
) -> None:
    """Say that an alert is known."""
    with opened() as tenure:
        found = tenure.call("alerts:ack", alert=alert, reason=reason)
    screen = Screen(json)
    screen.facts(found if screen.as_json else {name: _alert(found)[name] for name in (*_ALERTS, "note")}, alert)


def silence(
    until: Annotated[str, typer.Option("--for", help="How long, as 7d or 12h; a moment; or `now`, which ends it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why nobody need be told.")],
    model: Annotated[str, typer.Option(help="Of one model.")] = "",
    version: Annotated[int | None, typer.Option(help="Of one version.")] = None,
    kind: Annotated[str, typer.Option(help="Of one kind, as `drift`.")] = "",
    column: Annotated[str, typer.Option(help="About one column.")] = "",
    json: Json = False,
) -> None:
    """Tell nobody of some alerts for a while; they are listed all the same, and told if they last longer."""
    with opened() as tenure:
        found = tenure.call(
            "alerts:silence", until=until, reason=reason, model=model, version=version, kind=kind, column=column
        )
    Screen(json).facts(found, "silence")


def notify(
    name: Annotated[str, typer.Argument(help="The webhook's name.")],
    url: Annotated[str, typer.Option(help="Where alerts are told; https, or http on this machine.")],
    secret_env: Annotated[
        str, typer.Option("--secret-env", help="The variable of the server's environment that holds the secret.")
    ],
    allow_http: Annotated[
        bool, typer.Option("--allow-http", help="Send in the clear, in a network you trust.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes into the audit log.")] = "",
    json: Json = False,
) -> None:
    """Have alerts told to a webhook, signed; the same name again changes it."""
    with opened() as tenure:
        found = tenure.call(
            "webhooks:set", webhook=name, url=url, secret_env=secret_env, allow_http=allow_http, reason=reason
        )
    Screen(json).facts(found, name)


def unnotify(
    name: Annotated[str, typer.Argument(help="The webhook's name.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes into the audit log.")],
    json: Json = False,
) -> None:
    """Remove a webhook with all that waits for it."""
    with opened() as tenure:
        found = tenure.call("webhooks:remove", webhook=name, reason=reason)
    Screen(json).facts(found, f"{name} is removed")


def webhooks(
    name: Named = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List webhooks: what was delivered, what waits and what is dead, with the last error."""
    screen, pages = Screen(json), Pages(limit, cursor, everything)
    with opened() as tenure:
        found = pages.of(tenure, "webhooks:list", name=name)
    rows = [dict(one) | {"waiting": len(one["waiting"]), "dead": len(one["dead"])} for one in found.rows]
    columns = ("webhook", "url", "delivered", "waiting", "dead")
    pages.show(screen, found, columns, "nobody is told of alerts", rows)
    late = [] if screen.as_json else [each for one in found.rows for each in (*one["waiting"], *one["dead"])]
    if late:
        screen.table(late, late, ("id", "webhook", "what", "state", "attempts", "next_at", "error"))


def retry(
    delivery: Annotated[str, typer.Argument(metavar="ID", help="As `tenure alerts webhooks` lists it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes into the audit log.")] = "",
    json: Json = False,
) -> None:
    """Try a delivery again at once, dead or not."""
    with opened() as tenure:
        found = tenure.call("webhooks:retry", delivery=delivery, reason=reason)
    Screen(json).facts(found, delivery)
