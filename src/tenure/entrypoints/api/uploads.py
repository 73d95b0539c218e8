"""The one route whose body is not JSON: a package comes in as a tar, without the blobs that the home already has.

First the client asks which blobs are missing (it sends the manifest), then it sends a tar of the rest. The stream goes
to disk piece by piece, so that a package of any size needs no memory.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from litestar import Request, post

from tenure.entrypoints.api.errors import BodyTooLarge, RefusedUpload
from tenure.entrypoints.api.inputs import NO_QUERY
from tenure.entrypoints.api.repeating import HEADER
from tenure.entrypoints.api.routes import actor_of, declared, done_once, given_by, sign
from tenure.governance.access import Permission, authorize
from tenure.kit.digests import digest_of_file
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.handlers import HTTPRouteHandler

    from tenure.app.actions import Action
    from tenure.entrypoints.api.routes import Performer
    from tenure.governance.access import Actor

MAX_UPLOAD = 20 << 30


class Store(Protocol):
    """Where uploads land: the home's side of `app/packaging.py`."""

    def missing(self, manifest: bytes) -> Sequence[str]:
        """Return the digests of the manifest's blobs that the home lacks."""

    def unpack(self, archive: Path, folder: Path) -> Path:
        """Unpack an uploaded tar into the new folder `folder`; nothing in it is checked yet."""


class MissingAnswer(msgspec.Struct, frozen=True):
    """The digests of the blobs that an upload must bring."""

    missing: list[str]


def upload_route(performer: Performer, store: Store, action: Action, scratch: Path) -> HTTPRouteHandler:
    """Return the route of an action that takes an upload; `scratch` is a folder on the home's own disk."""
    scratch.mkdir(parents=True, exist_ok=True)

    async def handler(request: Request[Any, Any, Any], **parameters: Any) -> Any:
        # Before anything is received: a stranger's upload is not worth a byte on the disk.
        authorize(actor_of(request), Permission(action.name))
        with tempfile.TemporaryDirectory(dir=scratch, prefix="upload-") as place:
            archive = await received(request, Path(place) / "package.tar")
            return await asyncio.to_thread(_once, request, archive, given_by(parameters))

    def _once(request: Request[Any, Any, Any], archive: Path, given: dict[str, Any]) -> Any:
        content = [given, digest_of_file(archive)] if HEADER in request.headers else None
        return done_once(performer, request, content, lambda: _perform(archive, actor_of(request), given))

    def _perform(archive: Path, actor: Actor, given: dict[str, Any]) -> Any:
        try:
            folder = store.unpack(archive, archive.with_name("package"))
            return performer.perform(action.name, actor, action.input(**given, **{action.upload: str(folder)}))
        except TenureError as error:
            if error.kind is Kind.CORRUPT:
                raise RefusedUpload(error) from error
            raise

    sign(handler, action)
    return declared(handler, action, request_max_body_size=MAX_UPLOAD)


def missing_route(store: Store) -> HTTPRouteHandler:
    """Return the route that says which blobs of a manifest are not here yet."""

    @post(
        "/api/v1/packages/missing",
        operation_id="packages:missing",
        summary="missing packages",
        tags=["versions"],
        status_code=200,
        opt=NO_QUERY,
    )
    async def missing(request: Request[Any, Any, Any]) -> MissingAnswer:
        """Say which blobs of a manifest (the body) are not here yet; an upload may leave out all others."""
        authorize(actor_of(request), Permission.VERSIONS_REGISTER)
        manifest = await request.body()
        try:
            return MissingAnswer(missing=list(await asyncio.to_thread(store.missing, manifest)))
        except TenureError as error:
            if error.kind is Kind.CORRUPT:
                raise RefusedUpload(error) from error
            raise

    return missing


async def received(request: Request[Any, Any, Any], file: Path) -> Path:
    """Write the request's body to `file` as it arrives, and return the file."""
    size = 0
    with file.open("wb") as target:
        async for piece in request.stream():
            size += len(piece)
            if size > MAX_UPLOAD:
                raise BodyTooLarge(limit=MAX_UPLOAD)
            await asyncio.to_thread(target.write, piece)
    return file
