"""Tenure keeps a machine-learning model through its whole working life.

`application/` lives long, `model/` lives short; they meet only in `contract/`. Names are exported lazily, so that
`import tenure` in a notebook loads nothing but what is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenure.client import AsyncClient, Client, package

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Client", "__version__", "package"]


def __getattr__(name: str) -> Any:
    if name in {"AsyncClient", "Client", "package"}:
        from tenure import client

        return getattr(client, name)
    raise AttributeError(f"module 'tenure' has no attribute {name!r}")
