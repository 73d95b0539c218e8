"""What a person or a program sees: one JSON document on standard output, or tables and panels; waiting is told on stderr."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import threading
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenure.entrypoints.api.errors import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tenure.kit.errors import TenureError

#: What a person copies is never broken over lines.
_WHOLE = frozenset({"id", "decision_id", "ref", "version", "at", "opened_at", "registered_at", "url"})
#: is for programs: it says on what state a change was decided
_FOR_PROGRAMS = "etag"

#: The option that every command has.
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
#: The option of commands that may take minutes.
Quiet = Annotated[bool, typer.Option("--quiet", help="Nothing on standard error about waiting.")]
_Wait = Annotated[bool, typer.Option("--wait", help="Return when it is done, which is what happens anyway.")]


#: with --json a program listens, so that it is told of waiting only where it lasts, and then every so often
_PATIENCE_SECONDS = 20.0
#: how often it is looked how far something is
_LOOK_SECONDS = 0.5


def waits(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command whose work takes its time be told to `--wait`: it does in any case, so that what it prints is true."""

    @functools.wraps(command)
    def taking(*places: Any, wait: bool = True, **given: Any) -> None:  # noqa: ARG001 - it always waits
        command(*places, **given)

    signature = inspect.signature(command)
    wait = inspect.Parameter("wait", inspect.Parameter.KEYWORD_ONLY, default=True, annotation=_Wait)
    # Typer makes a command's options of its signature.
    taking.__signature__ = signature.replace(parameters=[*signature.parameters.values(), wait])  # type: ignore[attr-defined]
    return taking


class Screen:
    """Shows answers; with `as_json` only the document. With `quiet` nothing is said about waiting."""

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self._quiet = quiet

    def table(self, found: Any, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], empty: str = "") -> None:
        """Show rows under `columns` (keys of the rows); `found` is the whole answer, for programs."""
        if self.as_json:
            self.document(found)
        elif not rows:
            self.say(empty or "nothing found")
        else:
            _console().print(_table(rows, columns))

    def facts(self, found: Mapping[str, Any], title: str, only: Sequence[str] = ()) -> None:
        """Show one thing as names and values, its `url` last."""
        if self.as_json:
            self.document(found)
            return
        shown = {name: found[name] for name in only or found if name in found and found[name] not in (None, "", [], {})}
        shown.pop(_FOR_PROGRAMS, None)
        url = shown.pop("url", found.get("url"))
        _console().print(_panel(title, shown))
        if url:
            self.say(str(url))

    def text(self, found: Any, text: str) -> None:
        """Show plain text to a person, the answer to a program."""
        if self.as_json:
            self.document(found)
        else:
            sys.stdout.write(text if text.endswith("\n") else f"{text}\n")

    def verbatim(self, found: Any, text: str) -> None:
        """Show a person a file byte for byte, the answer to a program."""
        if self.as_json:
            self.document(found)
        else:
            sys.stdout.write(text)

    def document(self, found: Any) -> None:
        """Write the answer as JSON."""
        import json

        sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False, default=str) + "\n")

    def document_of_many(self, found: Iterable[Any]) -> None:
        """Write a list of any length as JSON, one item a line."""
        import json

        sys.stdout.write("[")
        for place, one in enumerate(found):
            sys.stdout.write((",\n" if place else "\n") + json.dumps(one, ensure_ascii=False, default=str))
        sys.stdout.write("\n]\n")

    def say(self, line: str) -> None:
        """Tell a person one line; programs do not hear it."""
        if not self.as_json:
            _console().print(line, highlight=False, markup=False, soft_wrap=True)

    def aside(self, line: str) -> None:
        """Tell a person one line on standard error, where standard output is a file's content."""
        if not self.as_json:
            sys.stderr.write(f"{line}\n")

    @contextlib.contextmanager
    def waiting(self, text: str) -> Iterator[Callable[[str], None]]:
        """Say on standard error what is waited for until the block ends; the given function changes the words."""
        if self._quiet:
            yield lambda _: None
        elif self.as_json and not sys.stderr.isatty():
            with _patiently(text, _PATIENCE_SECONDS, _as_json) as say:
                yield say
        elif sys.stderr.isatty():
            with _console(stderr=True).status(text) as status:
                yield status.update
        else:
            with _patiently(text, _PATIENCE_SECONDS) as remember:
                yield _lines(text, remember)

    @contextlib.contextmanager
    def following(self, text: str, look: Callable[[], tuple[int, int] | None]) -> Iterator[None]:
        """Show how many of how many are done, as `look` says it from time to time in a thread of its own.

        While it says None, and where nobody watches, only what is waited for is told.
        """
        if self._quiet or not sys.stderr.isatty():
            with self.waiting(text):
                yield
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (SpinnerColumn(), TextColumn(text), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=_console(stderr=True)) as progress:
            task = progress.add_task(text, total=None)

            def show() -> None:
                if (found := look()) is not None:
                    progress.update(task, completed=found[0], total=found[1])

            with _every(_LOOK_SECONDS, show):
                yield

    @contextlib.contextmanager
    def counting(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show how many of `total` are done; the given function adds to it."""
        if self._quiet or not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn(text), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=_console(stderr=True)) as progress:
            task = progress.add_task(text, total=total)
            yield lambda done: progress.update(task, advance=done)


def show_error(error: TenureError, *, as_json: bool) -> None:
    """Write an error to standard error: a problem document, or the message and what to do next."""
    document = document_of(error)
    if as_json:
        import json

        sys.stderr.write(json.dumps(document, ensure_ascii=False, default=str) + "\n")
        return
    console = _console(stderr=True)
    console.print("[bold red]error[/]", end=" ")
    console.print(document["detail"], markup=False, highlight=False, soft_wrap=True)
    if document.get("next_step"):
        console.print("[dim]next[/] ", end=" ")
        console.print(document["next_step"], markup=False, highlight=False, soft_wrap=True)


def document_of(error: TenureError) -> dict[str, Any]:
    """Return the problem of an error: the server's own where it came from there."""
    from tenure.client.connection import RemoteProblem

    return error.document if isinstance(error, RemoteProblem) else problem(error)


def _console(*, stderr: bool = False) -> Any:
    from rich.console import Console

    # A pipe has no width of its own; a table cut at 80 columns would lose what the next program looks for.
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else 160)


def _table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=column in _WHOLE)
    for row in rows:
        table.add_row(*(readable(row.get(column)) for column in columns))
    return table


def _panel(title: str, shown: Mapping[str, Any]) -> Any:
    from rich import box
    from rich.panel import Panel
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    for name, value in shown.items():
        grid.add_row(f"[dim]{name.replace('_', ' ')}[/]", readable(value))
    return Panel(grid, title=title, title_align="left", box=box.ROUNDED, expand=False)


def readable(value: Any) -> str:
    """Return a value as a person writes it; markup in it stays text."""
    from rich.markup import escape

    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case list() | tuple():
            return ", ".join(readable(item) for item in value)
        case dict():
            return ", ".join(f"{name}: {readable(item)}" for name, item in value.items())
        case _:
            return escape(str(value))


@contextlib.contextmanager
def _every(seconds: float, do: Callable[[], None]) -> Iterator[None]:
    """Do something each time when so many seconds have passed, in a thread of its own, until the block ends."""
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(seconds):
            do()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextlib.contextmanager
def _patiently(
    text: str, every: float, line: Callable[[str, float], str] = "… {} ({:.0f} s)".format
) -> Iterator[Callable[[str], None]]:
    """Tell where it stands each time when so many seconds have passed; the given function changes the words."""
    doing, begun = [text], time.monotonic()

    def tell() -> None:
        sys.stderr.write(line(doing[0], time.monotonic() - begun) + "\n")
        sys.stderr.flush()

    with _every(every, tell):
        yield lambda line: doing.__setitem__(0, line)


def _as_json(waiting: str, seconds: float) -> str:
    import json

    return json.dumps({"waiting": waiting, "seconds": round(seconds)}, ensure_ascii=False)


def _lines(text: str, heard: Callable[[str], None]) -> Callable[[str], None]:
    """Return what writes lines, each once, the first of them now; `heard` is told each too."""
    said = ""

    def say(line: str) -> None:
        nonlocal said
        if line != said:
            sys.stderr.write(f"… {line}\n")
            sys.stderr.flush()
            heard(line)
        said = line

    say(text)
    return say
