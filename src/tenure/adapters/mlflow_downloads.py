"""`models:/…` and `runs:/…`: fetched by the author's own MLflow, with the author's own settings, into a folder."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from tenure.kit.errors import Kind, TenureError

_ADDRESS = re.compile(r"(models|runs|mlflow-artifacts):/+(.+)")


class NoMlflow(TenureError):
    """The address can only be read by MLflow, which this Python lacks."""

    code = "no-mlflow"
    kind = Kind.UNAVAILABLE
    message = "{address} is fetched by your own MLflow, and this Python has none: {why}"
    next_step = "install mlflow beside tenure and set MLFLOW_TRACKING_URI, or download the model and give its folder"


class NotFetched(TenureError):
    """MLflow could not fetch the model."""

    code = "mlflow-not-fetched"
    kind = Kind.UNAVAILABLE
    message = "MLflow could not fetch {address}: {why}"
    next_step = "check the address and MLFLOW_TRACKING_URI with `mlflow artifacts download`, then try again"


def is_address(source: str | Path) -> bool:
    """Return whether the source is one of MLflow's addresses; a path never has the colon there."""
    return _ADDRESS.fullmatch(str(source)) is not None


def model_name(source: str | Path) -> str:
    """Return the registered model's name that an address carries; empty where it has none."""
    found = re.fullmatch(r"models:/+([^/@]+)[/@].+", str(source))
    return found[1] if found and not found[1].startswith("m-") else ""


def fetched(source: str | Path, folder: Path) -> Path:
    """Return the model folder, downloaded into the existing `folder`; raise `NoMlflow` or `NotFetched`."""
    found = _ADDRESS.fullmatch(str(source))
    assert found is not None, "asked for addresses only"
    address = f"{found[1]}:/{found[2]}"  # a Path has swallowed doubled slashes
    try:
        artifacts = importlib.import_module("mlflow.artifacts")
    except ImportError as error:
        raise NoMlflow(address=address, why=error) from error
    try:
        return Path(artifacts.download_artifacts(artifact_uri=address, dst_path=str(folder)))
    except Exception as error:
        raise NotFetched(address=address, why=str(error) or type(error).__name__) from error
