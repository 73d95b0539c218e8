"""What unpickling a model may look up: recorded when it is sealed, and ever after nothing else is found.

A pickle is a program; what it can do is bounded by the names that it looks up. The interpreter announces every one of
them, however deep in a library the unpickling happens (audit event `pickle.find_class`, Python 3.8); Python 3.7 does
not, so there the unpicklers of the standard library are replaced while the model is loaded.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import sys
from typing import Any, Iterable, Iterator

from .package import Refused

#: what is being loaded; the hook stays for ever, because Python takes none back
_WATCHES: list[Watch] = []
_HOOKED: list[bool] = []


class Watch:
    """The names looked up so far; with `allowed` any other is refused."""

    def __init__(self, allowed: Iterable[str] | None) -> None:
        self.seen: set[str] = set()
        self._allowed = None if allowed is None else frozenset(allowed)

    def saw(self, module: str, name: str) -> None:
        """Note a name; raise `Refused` for one that was not there when the model was sealed."""
        found = "%s:%s" % (module, name)
        if self._allowed is not None and found not in self._allowed:
            raise Refused("the model's pickle asks for %s, which it did not when it was sealed" % found)
        self.seen.add(found)


@contextlib.contextmanager
def watched(allowed: Iterable[str] | None) -> Iterator[Watch]:
    """Watch everything that is unpickled in the block."""
    watch = Watch(allowed)
    _WATCHES.append(watch)
    try:
        if hasattr(sys, "addaudithook"):
            _hook()
            yield watch
        else:
            with _replaced():
                yield watch
    finally:
        _WATCHES.remove(watch)


def _hook() -> None:
    if not _HOOKED:
        sys.addaudithook(_heard)
        _HOOKED.append(True)


def _heard(event: str, details: Any) -> None:
    if _WATCHES and event == "pickle.find_class":
        _WATCHES[-1].saw(details[0], details[1])


class _Fast(pickle.Unpickler):
    """The unpickler in C, announcing what it looks up."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what the pickle names, if it may."""
        _WATCHES[-1].saw(module, name)
        return super().find_class(module, name)


def _load(file: Any, **options: Any) -> Any:
    return _Fast(file, **options).load()


def _loads(content: bytes, **options: Any) -> Any:
    return _Fast(io.BytesIO(content), **options).load()


@contextlib.contextmanager
def _replaced() -> Iterator[None]:
    """Let the unpicklers of the standard library announce what they look up."""
    library: Any = pickle
    kept = {"load": library.load, "loads": library.loads, "Unpickler": library.Unpickler}
    slow = library._Unpickler  # noqa: SLF001 - the one in Python, which joblib derives its own from
    find = slow.find_class

    def announced(self: Any, module: str, name: str) -> Any:
        _WATCHES[-1].saw(module, name)
        return find(self, module, name)

    slow.find_class = announced
    library.load, library.loads, library.Unpickler = _load, _loads, _Fast
    try:
        yield
    finally:
        slow.find_class = find
        for name, value in kept.items():
            setattr(library, name, value)
