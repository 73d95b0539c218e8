"""What an author gives, before anything was looked at; and what looking at the model found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tenure.contract.schema import Schema
    from tenure.model.package import InputForm, ModelFormat


class BadSource(TenureError):
    """What was given to package is not enough, or contradicts itself."""

    code = "bad-source"
    kind = Kind.BAD_INPUT
    message = "{what}"
    next_step = "{cure}"


class InMain(TenureError):
    """The model is made of a class that only the author's own script knows."""

    code = "class-in-main"
    kind = Kind.BAD_INPUT
    message = "{name} is defined in __main__ (a notebook or a script): no other process can load the model"
    next_step = 'move {name} into a file, say features.py, import it from there, fit or save again, and package with code=["features.py"] (--code features.py)'


@dataclass(frozen=True, slots=True)
class PackageSource:
    """Everything that `tenure package` and `tenure.package` accept; only `source` and `name` are always needed.

    `source` is a saved model file or a folder with model.toml, whose keys fill what is left empty here. `inputs`
    (golden inputs) and `reference` are a path to CSV or Parquet, a DataFrame, a 2-D array or a list of dicts;
    `outputs` what the author's own process gave for `inputs`, one per row. `requirements` is a path or a list;
    empty means: what loading the model imports. `python` is 3.11 or 3.11.7; empty means the running one.
    `memory` is the most bytes the model's process may take (0: the default), `network` whether it may open connections.
    `tolerance` is the largest relative difference from the author's outputs and on other CPUs; 0 means by precision.
    `explain` asks for one way to tell reasons (native, shap, closed_form, shapley); empty takes the first that holds.
    `as_of` is the day the model was saved on (YYYY-MM-DD): what its requirements leave open is resolved as on that day.
    `files` is what goes below `model/` where that is more than the source itself, and `place` the source's path in it.
    """

    source: Path
    name: str = ""
    inputs: Any = None
    reference: Any = None
    outputs: Any = None
    requirements: Path | tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    python: str = ""
    predict: str = ""
    code: tuple[Path, ...] = ()
    metrics: Path | Mapping[str, float] | None = None
    target: str = ""
    format: str = ""
    entry: str = ""
    data: str = ""
    author: str = ""
    commit: str = ""
    created: int = 0
    threads: int = 1
    network: bool = False
    memory: int = 0
    tolerance: float = 0.0
    explain: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    place: str = ""
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What loading the model in a process of its own found.

    `classes` are the labels of a classifier as text; `features` the column names it was fitted with;
    `distributions` the top-level ones that loading imported, `pins` all of them, both as name==version.
    """

    class_name: str
    methods: frozenset[str]
    classes: tuple[str, ...] | None = None
    features: tuple[str, ...] | None = None
    distributions: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    #: the form its rows must have, where the model itself says so
    form: InputForm | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the schema inferred from them; a missing value is None."""

    fields: Schema
    rows: list[dict[str, Any]]
    #: whether the author keeps rows as a named frame or as a nameless matrix
    form: InputForm = "frame"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A recognised model: its format, its file, or the class to make; `place` is where the file goes below `model/`."""

    format: ModelFormat
    file: Path | None = None
    entry: str = ""
    place: str = ""

    @property
    def inside(self) -> str:
        """Return the path of its file inside the package."""
        return f"model/{self.place or self.file.name}".rstrip("/.") if self.file else ""
