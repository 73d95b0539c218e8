"""One registered version in the author's hands: where it stands, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Calling(Protocol):
    """What performs actions by name: a `Client`."""

    def call(self, action: str, /, **given: Any) -> Any:
        """Perform an action and return its answer as plain values."""


class Version:
    """A version of a model; `print(version)` says where it stands as of the last answer."""

    def __init__(self, client: Calling, model: str, number: int, facts: Mapping[str, Any]) -> None:
        self._client = client
        self.model = model
        self.number = number
        self.facts = dict(facts)

    def __str__(self) -> str:
        """Return for example `churn/1  champion`."""
        return f"{self.ref}  {self.standing}"

    def __repr__(self) -> str:
        return f"<Version {self}>"

    @property
    def ref(self) -> str:
        """Return the version's name, as `churn/1`."""
        return f"{self.model}/{self.number}"

    @property
    def standing(self) -> str:
        """Return its role where it has one, else its stage."""
        return str(self.facts.get("role") or self.facts.get("stage", ""))

    @property
    def url(self) -> str:
        """Return the address of the version's page."""
        return str(self.facts.get("url", ""))

    def deploy(
        self,
        reason: str = "",
        role: Literal["champion", "warm", "shadow", "canary"] | None = None,
        share: float | None = None,
    ) -> Version:
        """Bring it into service: as champion if the model has none, else warm, without traffic."""
        return self._moved("versions:deploy", reason=reason, share=share, **{"as": role})

    def promote(self, reason: str) -> Version:
        """Make it the champion."""
        return self._moved("versions:promote", reason=reason)

    def decommission(self, reason: str, successor: str | None = None) -> Version:
        """Take it out of service for good reasons."""
        return self._moved("versions:decommission", reason=reason, successor=successor)

    def refresh(self) -> Version:
        """Ask again where it stands, and return it."""
        self.facts = self._client.call("versions:show", model=self.model, version=str(self.number))
        return self

    def _moved(self, action: str, **given: Any) -> Version:
        self._client.call(action, model=self.model, version=str(self.number), **given)
        return self.refresh()
