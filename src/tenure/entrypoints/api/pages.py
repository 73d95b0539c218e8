"""The plain pages, until the console exists: `/`, one page per thing that an answer's `url` names, and problems.

Each page is complete in itself: no script, no font, nothing from elsewhere. It is drawn from the same actions that the
API performs, so that a page shows nobody more than the API would.
"""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath  # noqa: TC002 - Litestar reads the annotations

from tenure.app import wire
from tenure.app.actions import named
from tenure.application.revisions.jsonschema import EDITORS_SCHEMA, json_schema
from tenure.entrypoints.api.application_document import application_document
from tenure.entrypoints.api.errors import TITLES, NoSuchRoute, all_errors, known_errors
from tenure.entrypoints.api.inputs import NO_QUERY
from tenure.entrypoints.api.routes import actor_of
from tenure.governance.access import Permission, Role, allows, authorize
from tenure.kit.errors import TenureError
from tenure.serving.front import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from litestar.handlers import HTTPRouteHandler

    from tenure.entrypoints.api.routes import Performer
    from tenure.governance.access import Actor

    Ask = Callable[..., Any]

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2330;--dim:#5b6678;--paper:#fbfbf9;--line:#dfe3e8;--accent:#0b6e5f}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--dim:#98a3b5;--paper:#14181f;--line:#2b323d;--accent:#5fd0bd}}
*{box-sizing:border-box}body{margin:0 auto;max-width:64rem;padding:2rem 1.25rem 4rem;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,sans-serif}a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
h1{font-size:1.5rem;margin:.2rem 0 1rem}h2{font-size:1.05rem;margin:2.2rem 0 .6rem}header a{font-weight:600}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.42rem .8rem .42rem 0;
border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:500;font-size:.86rem}td table th,td table td{border:0;padding:.1rem .8rem .1rem 0}td table{width:auto}
code,pre{font:13px/1.5 ui-monospace,monospace}pre{padding:1rem;border:1px solid var(--line);border-radius:6px;overflow:auto}
.dim{color:var(--dim)}.wide{overflow-x:auto}
"""

_SECURE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_FOR_PROGRAMS = (
    " describes every action; decisions are asked for at "
    "<code>POST /api/v1/applications/{application}/decisions</code>.</p>"
)


def page_routes(performer: Performer) -> list[HTTPRouteHandler]:
    """Return the routes of all pages."""

    def asking(request: Request[Any, Any, Any]) -> Ask:
        actor = actor_of(request)
        return lambda name, **given: msgspec.to_builtins(performer.perform(name, actor, named(name).input(**given)))

    @get("/", include_in_schema=False, sync_to_thread=True)
    def front(request: Request[Any, Any, Any]) -> Response[str]:
        return page("What is here", _front(asking(request)))

    @get("/models/{model:str}", include_in_schema=False, sync_to_thread=True)
    def model_page(request: Request[Any, Any, Any], model: FromPath[str]) -> Response[str]:
        found = asking(request)("versions:list", model=model)
        return page(model, table(found, ("ref", "stage", "role", "aliases", "registered_at"), {"ref": _version_link}))

    @get("/models/{model:str}/{version:str}", include_in_schema=False, sync_to_thread=True)
    def version_page(request: Request[Any, Any, Any], model: FromPath[str], version: FromPath[str]) -> Response[str]:
        return page(f"{model}/{version}", facts(asking(request)("versions:show", model=model, version=version)))

    @get("/applications/{application:str}", include_in_schema=False, sync_to_thread=True)
    def application_page(request: Request[Any, Any, Any], application: FromPath[str]) -> Response[str]:
        found = asking(request)("applications:show", application=application)
        return page(application, _application(found))

    @get(
        "/api/v1/applications/{application:str}/openapi.json",
        include_in_schema=False,
        opt=NO_QUERY,
        sync_to_thread=True,
    )
    def document(request: Request[Any, Any, Any], application: FromPath[str]) -> Response[bytes]:
        actor = reader_of(actor_of(request), application)
        shown = performer.perform("applications:show", actor, wire.ShowApplication(application=application))
        found = application_document(msgspec.to_builtins(shown))
        return Response(msgspec.json.encode(found), media_type="application/json")

    @get("/docs", include_in_schema=False, sync_to_thread=True)
    def documents_page(request: Request[Any, Any, Any]) -> Response[str]:
        return page("API documents", _documents(asking(request)))

    @get(EDITORS_SCHEMA, include_in_schema=False, opt=NO_QUERY)
    async def editors_schema() -> Response[bytes]:
        return Response(msgspec.json.encode(json_schema()), media_type="application/schema+json")

    @get("/decisions/{decision:str}", include_in_schema=False, sync_to_thread=True)
    def decision_page(request: Request[Any, Any, Any], decision: FromPath[str]) -> Response[str]:
        return page(f"Decision {decision}", facts(asking(request)("decisions:show", decision=decision)))

    @get("/problems/{code:str}", include_in_schema=False, sync_to_thread=True)
    def problem_page(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
        if "application/json" in request.headers.get("accept", ""):
            return Response(msgspec.json.encode(described(code)), media_type="application/json")
        return page(code, problem_text(code))

    return [
        front,
        model_page,
        version_page,
        application_page,
        document,
        documents_page,
        editors_schema,
        decision_page,
        problem_page,
    ]


def reader_of(actor: Actor, application: str) -> Actor:
    """Return who may read how an application is asked: also those who may only ask it."""
    if allows(actor.role, Permission.APPLICATIONS_SHOW):
        return actor
    authorize(actor, Permission.APPLICATIONS_DECIDE, application)
    return replace(actor, role=Role.VIEWER)


def page(title: str, body: str) -> Response[str]:
    """Return a whole page."""
    home = "<header>" + link("/", "Tenure") + "</header>"
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{home}<main><h1>{escape(title)}</h1>{body}</main></html>"
    )
    return Response(html, media_type="text/html", headers=_SECURE)


def _front(ask: Ask) -> str:
    applications, models = ask("applications:list"), ask("models:list")
    return "".join(
        (
            "<h2>Applications</h2>",
            table(applications, ("application", "revision", "model", "document"), _APPLICATION_CELLS)
            if applications
            else '<p class="dim">None yet: <code>tenure init NAME --model MODEL@champion</code></p>',
            "<h2>Models</h2>",
            table(models, ("model", "champion", "versions"), {"model": _model_link})
            if models
            else '<p class="dim">None yet: <code>tenure register PACKAGE</code></p>',
            "<h2>For programs</h2><p>",
            link("/api/v1/openapi.json", "openapi.json"),
            _FOR_PROGRAMS,
        )
    )


def _documents(ask: Ask) -> str:
    applications = ask("applications:list")
    documents = table(applications, ("application", "document"), _APPLICATION_CELLS) if applications else ""
    return "".join(
        (
            "<h2>For programs</h2><p>",
            link("/api/v1/openapi.json", "openapi.json"),
            _FOR_PROGRAMS,
            documents,
            "<h2>For editors</h2><p>",
            link(EDITORS_SCHEMA, "application.json"),
            " is the JSON Schema of <code>application.yaml</code>; <code>tenure init</code> writes its address into the file.</p>",
        )
    )


def _application(found: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in found.items() if name not in {"definition", "source"}}
    source = f"<h2>application.yaml</h2><pre>{escape(str(found['source']))}</pre>" if found.get("source") else ""
    return facts(rest) + source


def problem_text(code: str) -> str:
    """Return what a page says of an error, made from its class; raise `NoSuchRoute` when there is none of this code."""
    error = error_of(code)
    return (
        f"<p>{escape(_sentence(error.__doc__))}</p><table>"
        f"<tr><th>says</th><td>{escape(error.message)}</td></tr>"
        f"<tr><th>what to do</th><td>{escape(error.next_step) or '—'}</td></tr></table>"
    )


def described(code: str) -> dict[str, str]:
    """Return what an error of this code is, for a program to show: the places of its facts stand in braces."""
    error = error_of(code)
    return {"code": code, "title": TITLES[error.kind], "message": error.message, "next_step": error.next_step}


def error_of(code: str) -> type[TenureError]:
    """Return the class of the errors of this code; raise `NoSuchRoute` when there is none."""
    error = known_errors().get(code) or all_errors().get(code)
    if error is None:
        raise NoSuchRoute(path=f"/problems/{code}")
    return error


def _sentence(text: str | None) -> str:
    return (text or TenureError.__doc__ or "").partition("\n\n")[0]


def table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], cells: Mapping[str, Callable[[Any], str]] | None = None
) -> str:
    """Return rows as an HTML table; `cells` draws the whole row's cell of a column in its own way."""
    drawn = cells or {}
    head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{drawn[c](row) if c in drawn else value(row.get(c))}</td>" for c in columns) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def facts(found: Mapping[str, Any]) -> str:
    """Return one thing as an HTML table of names and values."""
    rows = "".join(
        f"<tr><th>{escape(str(name).replace('_', ' '))}</th><td>{value(part)}</td></tr>"
        for name, part in found.items()
        if part not in (None, "", [], {})
    )
    return f'<div class="wide"><table>{rows}</table></div>'


def value(part: Any) -> str:
    """Return a value as HTML, nested ones as tables inside."""
    if isinstance(part, dict):
        return facts(part)
    if isinstance(part, list):
        return "<br>".join(value(item) for item in part)
    return escape("" if part is None else str(part))


def link(path: str, text: str) -> str:
    """Return a link within this site."""
    return f'<a href="{escape(PREFIX.get() + path)}">{escape(text)}</a>'


def _model_link(row: Mapping[str, Any]) -> str:
    return link(f"/models/{row['model']}", str(row["model"]))


def _version_link(row: Mapping[str, Any]) -> str:
    return link(f"/models/{row['ref']}", str(row["ref"]))


_APPLICATION_CELLS = {
    "application": lambda row: link(f"/applications/{row['application']}", row["application"]),
    "document": lambda row: link(f"/api/v1/applications/{row['application']}/openapi.json", "openapi.json"),
}
