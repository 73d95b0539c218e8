"""Where each action is asked for: the light half of `app/actions.py`, which a notebook can load without the server's libraries.

A test keeps the two equal.
"""

from __future__ import annotations

from typing import NamedTuple


class Route(NamedTuple):
    """The HTTP verb and path of an action; `upload` names the parameter that is sent as the body, if there is one."""

    verb: str
    path: str
    upload: str = ""


ROUTES: dict[str, Route] = {
    "whoami": Route("GET", "/api/v1/whoami"),
    "status": Route("GET", "/api/v1/status"),
    "verify": Route("GET", "/api/v1/verify"),
    "replay": Route("POST", "/api/v1/replay"),
    "models:list": Route("GET", "/api/v1/models"),
    "models:show": Route("GET", "/api/v1/models/{model}"),
    "models:history": Route("GET", "/api/v1/models/{model}/history"),
    "models:rollback": Route("POST", "/api/v1/models/{model}/rollback"),
    "versions:register": Route("POST", "/api/v1/versions", "package"),
    "versions:list": Route("GET", "/api/v1/models/{model}/versions"),
    "versions:show": Route("GET", "/api/v1/models/{model}/versions/{version}"),
    "versions:compare": Route("GET", "/api/v1/models/{model}/versions/{version}/compare"),
    "versions:history": Route("GET", "/api/v1/models/{model}/versions/{version}/history"),
    "versions:logs": Route("GET", "/api/v1/models/{model}/versions/{version}/logs"),
    "versions:approve": Route("POST", "/api/v1/models/{model}/versions/{version}/approve"),
    "versions:deploy": Route("POST", "/api/v1/models/{model}/versions/{version}/deploy"),
    "versions:promote": Route("POST", "/api/v1/models/{model}/versions/{version}/promote"),
    "versions:decommission": Route("POST", "/api/v1/models/{model}/versions/{version}/decommission"),
    "versions:archive": Route("POST", "/api/v1/models/{model}/versions/{version}/archive"),
    "versions:restore": Route("POST", "/api/v1/models/{model}/versions/{version}/restore"),
    "versions:run": Route("POST", "/api/v1/models/{model}/versions/{version}/run"),
    "applications:list": Route("GET", "/api/v1/applications"),
    "applications:apply": Route("POST", "/api/v1/applications"),
    "applications:show": Route("GET", "/api/v1/applications/{application}"),
    "applications:init": Route("GET", "/api/v1/applications/{application}/init"),
    "applications:diff": Route("GET", "/api/v1/applications/{application}/diff"),
    "applications:history": Route("GET", "/api/v1/applications/{application}/history"),
    "applications:revisions": Route("GET", "/api/v1/applications/{application}/revisions"),
    "applications:approve": Route("POST", "/api/v1/applications/{application}/revisions/{revision}/approve"),
    "applications:activate": Route("POST", "/api/v1/applications/{application}/revisions/{revision}/activate"),
    "applications:trial": Route("GET", "/api/v1/applications/{application}/trial"),
    "applications:end": Route("POST", "/api/v1/applications/{application}/end"),
    "applications:rollback": Route("POST", "/api/v1/applications/{application}/rollback"),
    "rules:check": Route("POST", "/api/v1/rules/check"),
    "rules:test": Route("POST", "/api/v1/rules/test"),
    "rules:backtest": Route("POST", "/api/v1/rules/backtest"),
    "decisions:list": Route("GET", "/api/v1/decisions"),
    "decisions:show": Route("GET", "/api/v1/decisions/{decision}"),
    "decisions:why": Route("GET", "/api/v1/decisions/{decision}/why"),
    "decisions:explain": Route("GET", "/api/v1/decisions/{decision}/explanation"),
    "decisions:dossier": Route("POST", "/api/v1/decisions/{decision}/dossier"),
    "decisions:resolve": Route("POST", "/api/v1/decisions/{decision}/resolutions"),
    "decisions:reviews": Route("GET", "/api/v1/reviews"),
    "decisions:overrides": Route("GET", "/api/v1/overrides"),
    "decisions:export": Route("POST", "/api/v1/decisions/export"),
    "sql": Route("POST", "/api/v1/sql"),
    "outcomes:import": Route("POST", "/api/v1/applications/{application}/outcomes"),
    "events:import": Route("POST", "/api/v1/applications/{application}/events"),
    "features:list": Route("GET", "/api/v1/features"),
    "features:get": Route("GET", "/api/v1/features/{view}/values/{key}"),
    "features:ingest": Route("POST", "/api/v1/features/{view}/rows"),
    "features:apply": Route("POST", "/api/v1/features"),
    "features:show": Route("GET", "/api/v1/features/{view}"),
    "features:join": Route("POST", "/api/v1/features/join"),
    "monitor:report": Route("GET", "/api/v1/models/{model}/versions/{version}/report"),
    "alerts:list": Route("GET", "/api/v1/alerts"),
    "alerts:ack": Route("POST", "/api/v1/alerts/{alert}/ack"),
    "log:proof": Route("GET", "/api/v1/log/proofs/{decision}"),
    "log:checkpoint": Route("GET", "/api/v1/log/checkpoint"),
    "repair": Route("POST", "/api/v1/repair"),
    "gc": Route("POST", "/api/v1/gc"),
    "drill": Route("POST", "/api/v1/drill"),
    "holds:add": Route("POST", "/api/v1/holds"),
    "holds:release": Route("POST", "/api/v1/holds/release"),
    "retention:list": Route("GET", "/api/v1/retention"),
    "versions:destroy": Route("POST", "/api/v1/models/{model}/versions/{version}/destroy"),
    "persons:erase": Route("POST", "/api/v1/applications/{application}/erase"),
    "audit:log": Route("GET", "/api/v1/audit"),
    "audit:verify": Route("GET", "/api/v1/audit/verify"),
    "tokens:list": Route("GET", "/api/v1/tokens"),
    "tokens:create": Route("POST", "/api/v1/tokens"),
    "tokens:revoke": Route("POST", "/api/v1/tokens/{token}/revoke"),
    "users:list": Route("GET", "/api/v1/users"),
    "users:create": Route("POST", "/api/v1/users"),
    "users:change": Route("POST", "/api/v1/users/{user}/change"),
    "users:disable": Route("POST", "/api/v1/users/{user}/disable"),
    "users:enable": Route("POST", "/api/v1/users/{user}/enable"),
    "users:password": Route("POST", "/api/v1/users/{user}/password"),
    "users:link": Route("POST", "/api/v1/sign-in-links"),
    "sessions:list": Route("GET", "/api/v1/sessions"),
    "sessions:end": Route("DELETE", "/api/v1/sessions/{session}"),
    "policy:show": Route("GET", "/api/v1/policy"),
    "policy:set": Route("PUT", "/api/v1/policy"),
}
