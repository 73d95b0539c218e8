"""The serving systems of `make bench-peers`: how each is started, how a row is put to it, and how its score is read."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from contest import HERE, free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVERS = HERE / "peer_servers"


class Peer(NamedTuple):
    """One serving system: its distribution, how it is started, and how a row is put to it and its score read."""

    distribution: str
    batching: str
    command: Callable[[Path, Path, int], list[str]]
    path: str
    body: Callable[[str, dict[str, Any]], Any]
    score: Callable[[Any], float]
    prepare: Callable[[Path, Path, str, int], None] = lambda *_: None


def _row(model: str, row: dict[str, Any]) -> Any:
    return list(row.values()) if model == "light" else row


def _mlflow_body(model: str, row: dict[str, Any]) -> Any:
    values = list(row.values())
    return {"inputs": [values]} if model == "light" else {"dataframe_split": {"columns": list(row), "data": [values]}}


def _mlflow_saved(python: Path, folder: Path, model: str, _: int) -> None:
    model_folder = folder.parent / model
    subprocess.run(
        [str(python), str(SERVERS / "mlflow_model.py"), str(model_folder), str(folder / "model")], check=True
    )


def _mlserver_settings(_: Path, folder: Path, model: str, port: int) -> None:
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        "debug": False,
    }
    settings |= {"metrics_dir": str(folder / "metrics")}
    (folder / "metrics").mkdir()
    (folder / "settings.json").write_text(json.dumps(settings))
    served = {
        "name": "model", "implementation": "mlserver_sklearn.SKLearnModel", "max_batch_size": 64,
        "max_batch_time": 0.001, "parameters": {"uri": str(folder.parent / model / "model.joblib")},
    }  # fmt: skip
    (folder / "model-settings.json").write_text(json.dumps(served))


def _v2(model: str, row: dict[str, Any]) -> Any:
    outputs = [{"name": "predict_proba"}]
    if model == "light":
        tensor = {"name": "rows", "shape": [1, len(row)], "datatype": "FP64", "data": list(row.values())}
        return {"inputs": [tensor], "outputs": outputs}
    columns = [_column(name, value) for name, value in row.items()]
    return {"parameters": {"content_type": "pd"}, "inputs": columns, "outputs": outputs}


def _column(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        text = {"datatype": "BYTES", "parameters": {"content_type": "str"}}
        return {"name": name, "shape": [1, 1], "data": [value]} | text
    return {"name": name, "shape": [1, 1], "data": [value], "datatype": "FP64" if isinstance(value, float) else "INT64"}


PEERS = {
    "mlflow": Peer(
        "mlflow", "none",
        lambda python, folder, port: [
            str(python), "-m", "mlflow", "models", "serve", "-m", str(folder / "model"), "-p", str(port), "-h", "127.0.0.1",
            "--env-manager", "local", "--workers", "1",
        ],
        "/invocations", _mlflow_body, lambda answer: answer["predictions"][0][1], _mlflow_saved,
    ),
    "mlserver": Peer(
        "mlserver", "64 rows, 1 ms",
        lambda python, folder, _: [str(python.parent / "mlserver"), "start", str(folder)],
        "/v2/models/model/infer", _v2, lambda answer: answer["outputs"][0]["data"][1], _mlserver_settings,
    ),
    "bentoml": Peer(
        "bentoml", "adaptive, 64 rows",
        lambda python, _, port: [
            str(python.parent / "bentoml"), "serve", "bentoml_service:Score", "--host", "127.0.0.1", "-p", str(port),
        ],
        "/score", lambda model, row: {"rows": [_row(model, row)]}, lambda answer: answer[0],
    ),
    "litserve": Peer(
        "litserve", "64 rows, 1 ms",
        lambda python, _, port: [str(python), str(SERVERS / "litserve_server.py"), str(port)],
        "/predict", lambda model, row: {"row": _row(model, row)}, lambda answer: answer["score"],
    ),
    "ray": Peer(
        "ray", "64 rows, 1 ms",
        lambda python, _, port: [str(python), str(SERVERS / "ray_app.py"), str(port)],
        "/", lambda model, row: {"row": _row(model, row)}, lambda answer: answer["score"],
    ),
}  # fmt: skip
