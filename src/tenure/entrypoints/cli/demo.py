"""The command `tenure demo`: plays the three example applications that ship with the wheel."""

import os
import subprocess
import sys
from json import loads
from pathlib import Path
from typing import Annotated

import typer

from tenure.entrypoints.cli.screen import Json, Screen
from tenure.kit.errors import Kind, TenureError
from tenure.settings import Workshop


class NoExamples(TenureError):
    """This installation came without the examples."""

    code = "no-examples"
    kind = Kind.NOT_FOUND
    message = "this installation has no examples (looked in {places})"
    next_step = "clone the repository and type `make demo`"


def demo(
    once: Annotated[bool, typer.Option("--once", help="Bring everything down at the end.")] = False,
    home: Annotated[Path, typer.Option(help="Where everything is made; emptied first.")] = Path("demo-home"),
    report: Annotated[Path, typer.Option(help="Where what happened is written.")] = Path("demo-report.json"),
    port: Annotated[int, typer.Option(help="0 takes any free port.")] = 0,
    json: Json = False,
) -> None:
    """Watch three real applications live through everything, in two to four minutes."""
    environment = Workshop.of(os.environ).cache / "examples-environment"
    words = ["--home", str(home), "--report", str(report), "--port", str(port), "--environment", str(environment)]
    command = [sys.executable, str(script()), *words, *(["--once"] if once else [])]
    screen = Screen(json)
    report.unlink(missing_ok=True)
    # The story is for a person; a program that asks for JSON gets the report, and the story on standard error.
    status = subprocess.run(command, check=False, stdout=sys.stderr if json else None).returncode
    if json and report.exists():
        screen.document(loads(report.read_text()))
    raise typer.Exit(status)


def script() -> Path:
    """Return the demo's script: from the wheel, or from the repository of an editable installation."""
    package = Path(__file__).parents[2]
    places = [package / "examples" / "demo.py", package.parents[1] / "examples" / "demo.py"]
    for place in places:
        if place.is_file():
            return place
    raise NoExamples(places=", ".join(str(place.parent) for place in places))
