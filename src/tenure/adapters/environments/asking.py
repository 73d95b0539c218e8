"""Ask a model what it is by loading it in a process of its own, in the author's Python or in the rebuilt one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError
from tenure.model.packaging.source import Facts, InMain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.model.package import InputForm
    from tenure.model.packaging.source import ModelFile

_SCRIPT = Path(__file__).with_name("question.py")
_PATIENCE = 300


class DoesNotLoad(TenureError):
    """The model cannot be loaded in a clean process."""

    code = "model-does-not-load"
    kind = Kind.BAD_INPUT
    message = "the model does not load in {where}: {error}"
    next_step = "check the requirements' versions against those it was saved with, and give its own modules with --code"


def ask(
    model: ModelFile,
    code: Path | None,
    given: InputForm,
    start: Sequence[str],
    environ: Mapping[str, str],
    *,
    distributions: bool,
    where: str,
) -> Facts:
    """Return the facts of a model; raise `InMain` or `DoesNotLoad` with the loader's own words.

    `start` is the command line that ends with the interpreter.     `given` is the form its rows are kept in: a model that will be given a data frame needs pandas.
    """
    with TemporaryDirectory(prefix="tenure-") as scratch:
        # A copy, because importing writes bytecode beside the code, and a package's folder holds nothing unnamed.
        copied = shutil.copytree(code, Path(scratch, "code")) if code is not None and code.is_dir() else ""
        question = {
            "format": model.format,
            # The process starts elsewhere, where a path from here leads to nothing.
            "file": str(model.file.absolute()) if model.file else "",
            "entry": model.entry,
            "code": str(copied),
            "frame": given == "frame",
            "distributions": distributions,
        }
        said, complained = _run(start, {**environ, "TENURE_QUESTION": json.dumps(question)})
    return _facts(_answer(said, complained), where)


def _run(start: Sequence[str], environ: Mapping[str, str]) -> tuple[str, str]:
    run = subprocess.run(
        [*start, "-s", str(_SCRIPT)],
        capture_output=True,
        text=True,
        env=dict(environ),
        timeout=_PATIENCE,
        check=False,
        cwd="/",
    )
    return run.stdout, run.stderr


def _answer(said: str, complained: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        return {"error": complained.strip()[-1500:] or "the process ended without a word"}
    return answer


def _facts(answer: dict[str, Any], where: str) -> Facts:
    if "in_main" in answer:
        raise InMain(name=answer["in_main"])
    if "error" in answer:
        raise DoesNotLoad(where=where, error=answer["error"])
    return Facts(
        class_name=answer["class_name"],
        methods=frozenset(answer["methods"]),
        classes=None if answer["classes"] is None else tuple(answer["classes"]),
        features=None if answer["features"] is None else tuple(answer["features"]),
        distributions=tuple(answer.get("distributions", ())),
        pins=tuple(answer.get("pins", ())),
        form=answer.get("form"),
    )
