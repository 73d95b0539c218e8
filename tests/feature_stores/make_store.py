"""Run in Feast's own environment: a repository with a SQLite online store as `feast apply` and `materialize` leave it.

make_store.py FOLDER      also writes FOLDER/answers.json: what Feast itself answers for every driver
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Bool, Float32, Float64, Int32, Int64, String, UnixTimestamp

CONFIG = """\
project: rides
registry: data/registry.db
provider: local
online_store: {type: sqlite, path: data/online_store.db}
offline_store: {type: file}
entity_key_serialization_version: 3
"""
NOON = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
FEATURES = ["trips", "balance", "rate", "score", "night", "name", "seen"]


def rows():
    return pd.DataFrame(
        {
            "driver": ["1001", "1002", "ä-3"],
            "event_timestamp": [NOON, NOON + timedelta(hours=1), NOON + timedelta(days=1)],
            "created": [NOON] * 3,
            "trips": [0, 300, -7],
            "balance": pd.array([2**40, -(2**40), None], dtype="Int64"),
            "rate": pd.Series([0.1, -2.5, 0.0], dtype="float32"),
            "score": [0.1, -2.5, 1e300],
            "night": [True, False, True],
            "name": ["Zoë", "", "7"],
            "seen": pd.to_datetime([NOON, NOON - timedelta(days=9), NOON]),
            "path": [[1.0, 2.0], [3.0], []],
        }
    )


def main(folder):
    (folder / "data").mkdir(parents=True)
    (folder / "feature_store.yaml").write_text(CONFIG)
    source = folder / "data" / "rides.parquet"
    rows().to_parquet(source, index=False)
    driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.STRING)
    kinds = [("trips", Int32), ("balance", Int64), ("rate", Float32), ("score", Float64), ("night", Bool)]
    kinds += [("name", String), ("seen", UnixTimestamp), ("path", Array(Float64))]
    view = FeatureView(
        name="activity",
        entities=[driver],
        ttl=timedelta(days=0),
        schema=[Field(name=name, dtype=kind) for name, kind in kinds],
        source=FileSource(path=str(source), timestamp_field="event_timestamp", created_timestamp_column="created"),
    )
    store = FeatureStore(repo_path=str(folder))
    store.apply([driver, view])
    store.materialize(NOON - timedelta(days=30), NOON + timedelta(days=2))
    drivers = list(rows()["driver"])
    asked = [f"activity:{name}" for name in FEATURES]
    told = store.get_online_features(features=asked, entity_rows=[{"driver": one} for one in drivers]).to_dict()
    answers = {one: {name: told[name][place] for name in FEATURES} for place, one in enumerate(drivers)}
    (folder / "answers.json").write_text(json.dumps(answers, default=str, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
