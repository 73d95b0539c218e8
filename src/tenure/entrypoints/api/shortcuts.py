"""Second addresses of actions, where a thing's own path is the natural place to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Request, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath  # noqa: TC002 - Litestar reads the annotations

from tenure.app import wire
from tenure.entrypoints.api.inputs import NO_QUERY, refuse_fields
from tenure.entrypoints.api.routes import actor_of

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

    from tenure.entrypoints.api.routes import Performer


def shortcut_routes(performer: Performer) -> list[HTTPRouteHandler]:
    """Return the routes; each performs an action of the table, with its permission."""

    @post(
        "/api/v1/decisions/{decision:str}/replay",
        operation_id="decisions:replay",
        summary="replay decisions",
        tags=["decisions"],
        status_code=200,
        opt=NO_QUERY,
    )
    async def replay(request: Request[Any, Any, Any], decision: FromPath[str]) -> wire.ReplayedAnswer:
        """Make one decision again, and say with what verdict: the action `replay` for a single decision."""
        refuse_fields(await request.body())
        actor, asked = actor_of(request), wire.Replay(decisions=[decision])
        answer: wire.ReplayAnswer = await sync_to_thread(lambda: performer.perform("replay", actor, asked))
        return answer.decisions[0]

    return [replay]
