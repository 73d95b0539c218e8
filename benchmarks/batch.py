"""`make bench-batch`: a file of rows decided by `tenure decide`, beside the model alone asked for the same rows.

Each row gets the whole way (features, rules, a durable record of its own) and each run a key, so that it could go on after
a kill. The model alone is what a nightly script does: it gets its rows in the process, as one array or frame at once,
and again in pieces of 256 as they come together here. Leaves `.build/bench-batch.json`.

    batch.py [--rows 100000] [--only light,pipeline,forest]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from contest import BUILD, rows_of, train
from entrants import ENTITIES, Installation, tenure

MODELS = ("light", "pipeline", "forest")
#: the rows of a slow model are asked for no longer than this
_SLOW_ROWS = {"forest": 100_000}
_ALONE = """
import json, sys, time
import joblib
model, rows, times, frame = joblib.load(sys.argv[1]), json.load(open(sys.argv[2])), int(sys.argv[3]), sys.argv[4] == "frame"
if frame:
    import pandas
    many = pandas.concat([pandas.DataFrame(rows)] * times, ignore_index=True)
    pieces = [many.iloc[at : at + 256] for at in range(0, len(many), 256)]
else:
    import numpy
    many = numpy.array([[*row.values()] for row in rows] * times)
    pieces = [many[at : at + 256] for at in range(0, len(many), 256)]
model.predict_proba(pieces[0])
began = time.perf_counter()
model.predict_proba(many)
between = time.perf_counter()
for piece in pieces:
    model.predict_proba(piece)
print(json.dumps([len(many) / (between - began), len(many) / (time.perf_counter() - between)]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", type=lambda text: text.split(","), default=MODELS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-batch-") as path:
        work = Path(path)
        python = train(work)
        with tenure(work, [model for model in MODELS if model in options.only]) as installation:
            found = [measured(installation, python, model, options.rows) for model in installation.models]
    print(
        f"\n{'model':<9} {'rows':>9} {'rows/s':>8} {'at once/s':>10} {'by 256/s':>9}   ours against it   peak MB of the command"
    )
    for one in found:
        print(
            f"{one['model']:<9} {one['rows']:>9,} {one['per_second']:>8.0f} {one['alone_at_once']:>10.0f} "
            f"{one['alone_by_256']:>9.0f}   {one['per_second'] / one['alone_at_once']:.0%}, "
            f"{one['per_second'] / one['alone_by_256']:.0%}   {one['peak_mb']:.0f}"
        )  # fmt: skip
    (BUILD / "bench-batch.json").write_text(json.dumps(found, indent=2) + "\n")


def measured(installation: Installation, python: Path, model: str, rows: int) -> dict[str, Any]:
    """Return the rows a second of the command and of the model alone."""
    rows = min(rows, _SLOW_ROWS.get(model, rows))
    given, _ = rows_of(installation.work, model)
    source = write(installation.work / f"{model}.parquet", given, rows)
    print(f"— deciding {rows:,} rows with {model}", flush=True)
    began = time.perf_counter()
    done, peak = installation.run_to_peak(
        "decide", f"bench-{model}", "--input", str(source), "--output", str(source.with_suffix(".answers.parquet")),
        "--key", "night",
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if done["decided"] != rows:
        raise SystemExit(f"{model}: {done}")
    at_once, by_256 = alone(installation.work / model, python, "array" if model == "light" else "frame", rows)
    return {
        "model": model, "rows": rows, "per_second": rows / seconds, "alone_at_once": at_once, "alone_by_256": by_256,
        "peak_mb": peak,
    }  # fmt: skip


def write(file: Path, given: list[dict[str, Any]], rows: int) -> Path:
    """Write so many rows, each about one of the persons whose features are known."""
    with pq.ParquetWriter(file, pa.Table.from_pylist([{"customer_id": "", **given[0]}]).schema) as writer:
        for start in range(0, rows, 10_000):
            numbers = range(start, min(start + 10_000, rows))
            some = [{"customer_id": f"c{nth % ENTITIES}", **given[nth % len(given)]} for nth in numbers]
            writer.write_table(pa.Table.from_pylist(some, schema=writer.schema))
    return file


def alone(folder: Path, python: Path, form: str, rows: int) -> tuple[float, float]:
    """Return the rows a second of the model alone: all at once, and in pieces of 256."""
    times = str(max(1, rows // len(json.loads((folder / "rows.json").read_text()))))
    command = [str(python), "-c", _ALONE, str(folder / "model.joblib"), str(folder / "rows.json"), times, form]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    at_once, by_256 = json.loads(done.stdout)
    return at_once, by_256


if __name__ == "__main__":
    main()
