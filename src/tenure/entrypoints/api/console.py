"""The console's files: one page for every screen, and what it loads. They are the same for everybody, so they are open.

Whatever the page shows it asks the API for, as its user. Where no console was built the plain pages stay (`pages.py`).
The page names its own place by a relative `<base>`, so it works under any prefix that a proxy in front cuts off.
"""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure.serving.front import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

#: the first part of the path of every screen; console/src/routes.tsx has the same
SCREENS = frozenset({
    "", "access", "alerts", "applications", "audit", "decisions", "features", "models", "playground", "reviews", "system",
})  # fmt: skip

_ASSETS = "/assets/"
_BASE = b'<base href="./" />'
#: the assets that a page loads
_NAMED = re.compile(rb'"\./assets/([^"]+)"')
_POLICY = "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
_SECURE = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: the names of assets carry a digest of their content
_FOR_EVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


def built_console(setting: str = "") -> Path | None:
    """Return the folder of the built console: in the installed wheel, or beside the sources; None if there is none.

    `setting` is that of TENURE_CONSOLE: `off` keeps the plain pages.
    """
    if setting == "off":
        return None
    package = Path(__file__).resolve().parents[2]
    places = (package / "console", package.parents[1] / "console" / "dist")
    return next((place for place in places if (place / "index.html").is_file()), None)


class Built(NamedTuple):
    """One build of the console, whole and in memory; `stamp` tells it from the next one."""

    stamp: tuple[int, int, int]
    page: bytes
    assets: dict[str, bytes]


class Console:
    """Wraps an ASGI application: the console's own paths are answered from `folder`, everything else goes in.

    A console that is built anew under a running home is served from then on, whole: until it lies there complete the
    one before is, and a page of the one before finds its assets a while longer.
    """

    def __init__(self, folder: Path, inner: Any) -> None:
        self._folder = folder
        self._built = read(folder)
        self._before: dict[str, bytes] = {}
        self._inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            path = scope["path"]
            if path.startswith(_ASSETS) and (content := self._asset(path.removeprefix(_ASSETS))) is not None:
                await _send(scope, send, content, kind_of(path), _FOR_EVER)
                return
            if is_screen(path):
                page = self._newest().page.replace(_BASE, f'<base href="{base_of(path)}" />'.encode())
                await _send(scope, send, page, "text/html; charset=utf-8", "no-store")
                return
        await self._inner(scope, receive, send)

    def _asset(self, name: str) -> bytes | None:
        content = self._newest().assets.get(name)
        return self._before.get(name) if content is None else content

    def _newest(self) -> Built:
        try:
            if stamp_of(self._folder) != self._built.stamp:
                made = read(self._folder)
                self._before, self._built = self._built.assets, made
        except FileNotFoundError:
            pass
        return self._built


def read(folder: Path) -> Built:
    """Return the build that lies in a folder; raise `FileNotFoundError` while a part is missing that the page names."""
    stamp = stamp_of(folder)
    page = (folder / "index.html").read_bytes()
    names = {file.name for file in (folder / "assets").iterdir()} | {name.decode() for name in _NAMED.findall(page)}
    return Built(stamp, page, {name: (folder / "assets" / name).read_bytes() for name in names})


def stamp_of(folder: Path) -> tuple[int, int, int]:
    """Return what tells one build from the next."""
    found = (folder / "index.html").stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def kind_of(path: str) -> str:
    """Return the media type of an asset."""
    return _TYPES.get(Path(path).suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"


def is_screen(path: str) -> bool:
    """Return whether the console has a screen at this path."""
    return path.split("/")[1] in SCREENS


def base_of(path: str) -> str:
    """Return the root for a page at a path: where it is known what all is under, else the way back to it."""
    # At /tenure, without a slash at its end, no relative way would lead there.
    if prefix := PREFIX.get():
        return f"{prefix}/"
    return "../" * (path.count("/") - 1) or "./"


async def _send(scope: Any, send: Any, content: bytes, kind: str, cache: str) -> None:
    headers: Mapping[str, str] = _SECURE | {
        "Content-Type": kind,
        "Content-Length": str(len(content)),
        "Cache-Control": cache,
    }
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})
