"""Train the model of this example and leave it as a folder that `tenure package` takes. Put your own training here.

    python train.py WORK [--rides rides.csv]       writes WORK/model

How many minutes a delivery takes, told by its distance: a line through the newest rides, by least squares.
"""

import argparse
import csv
import json
import statistics
from pathlib import Path

HERE = Path(__file__).resolve().parent
CODE = '''\
"""Minutes by distance: a line."""

import json
import os


class Minutes:
    def load(self, folder):
        with open(os.path.join(folder, "line.json")) as file:
            self.line = json.load(file)

    def predict(self, rows):
        return [{"minutes": self.line["slope"] * row["distance"] + self.line["intercept"]} for row in rows]
'''
MODEL_TOML = """\
name = "delivery"
entry = "code/minutes.py:Minutes"
inputs = "inputs.csv"
reference = "reference.csv"
target = "minutes"
metrics = "metrics.json"
data = "{data}"

[card]
intended_use = "how many minutes a delivery takes"
limits = "learned from rides of up to 12 km"
"""
#: every fifth ride measures the line and does not draw it
HELD_OUT = 5


def main(arguments=None):
    """Train on the rides, measure on those held out, and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--rides", type=Path, default=HERE / "rides.csv")
    asked = parser.parse_args(arguments)
    with asked.rides.open() as file:
        rides = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    train = [ride for place, ride in enumerate(rides) if place % HELD_OUT]
    test = rides[::HELD_OUT]
    line = statistics.linear_regression(*([ride[name] for ride in train] for name in ("distance", "minutes")))
    off = [abs(line.slope * ride["distance"] + line.intercept - ride["minutes"]) for ride in test]
    save(asked.work / "model", line, train, {"mean_minutes_off": round(statistics.fmean(off), 4)}, asked.rides.name)


def save(folder, line, train, metrics, data):
    """Write model, code, golden inputs, reference and metrics."""
    for name in ("model", "code"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "model" / "line.json").write_text(json.dumps(line._asdict()))
    (folder / "code" / "minutes.py").write_text(CODE)
    write_rows(folder / "inputs.csv", ["distance"], train[:50])
    write_rows(folder / "reference.csv", ["distance", "minutes"], train)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "model.toml").write_text(MODEL_TOML.format(data=data))
    print(f"trained on {len(train)} rides: {metrics}")


def write_rows(file, columns, rows):
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
