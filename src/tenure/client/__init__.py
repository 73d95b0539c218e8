"""The author's side: `tenure.package`, `tenure.Client` and `tenure.AsyncClient`. Imports nothing heavy until it is used; start with `packaging.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenure.client.async_client import AsyncClient
    from tenure.client.client import Client
    from tenure.client.packaging import package

__all__ = ["AsyncClient", "Client", "package"]


def __getattr__(name: str) -> Any:
    if name == "package":
        from tenure.client.packaging import package

        return package
    if name == "Client":
        from tenure.client.client import Client

        return Client
    if name == "AsyncClient":
        from tenure.client.async_client import AsyncClient

        return AsyncClient
    raise AttributeError(f"module 'tenure.client' has no attribute {name!r}")
