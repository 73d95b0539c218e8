"""A training set by a join in time against brute force: as many rows as before, each with what was known at its moment."""

from __future__ import annotations

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.adapters.features.joining import DuckJoin
from tenure.adapters.features.store import SqliteFeatures
from tenure.application.features.joining import BadJoin, Joining, as_used
from tenure.application.features.view import View
from tenure.application.revisions.terms import FeatureUse
from tenure.contract.schema import Field
from tenure.kit.clock import FixedClock

#: keys whose histories are drawn, and questions about them; the two together make the 10,000 cases
KEYS, QUESTIONS, ROUNDS = 250, 1000, 10


def view(ttl=None):
    return View("v", "id", (Field("n", "int"), Field("text", "string", nullable=True)), ttl_us=ttl)


def expected(history, ttl, key, moment):
    """Return what was known, by looking at all that there is: the latest moment, then the latest written, then the last."""
    known = [
        (at, written, place, n) for place, (of, at, written, n) in enumerate(history) if of == key and at <= moment
    ]
    if not known:
        return None, None
    at, _, _, n = max(known)
    return (None, None) if ttl is not None and at + ttl <= moment else (n, at)


def packed(columns):
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content)
    return content.getvalue()


def joined(store, columns, joinings, at="at"):
    rows, content = DuckJoin(store).join(packed(columns), at, joinings)
    found = pq.read_table(io.BytesIO(content))
    assert found.num_rows == rows
    return found


def check(folder, history, ttl, questions):
    """Ingest a history in its order and ask all questions at once; every row must be there, in its place."""
    made = SqliteFeatures(folder / "f.db", FixedClock())
    made._writer.execute("PRAGMA synchronous = OFF")
    try:
        made.define(view(ttl))
        for of, at, written, n in history:
            made.ingest(view(ttl), [(of, at, {"n": n, "text": f"t{n}"}, written)])
        keys, moments = [key for key, _ in questions], [at for _, at in questions]
        columns = {"row": pa.array(range(len(questions)), pa.int64()), "id": pa.array(keys, pa.string()),
                   "at": pa.array(moments, pa.timestamp("us", "UTC"))}  # fmt: skip
        found = joined(made, columns, [Joining(view(ttl), "id")])
    finally:
        made.close()
    assert found.column("row").to_pylist() == list(range(len(questions)))
    assert found.column("id").to_pylist() == keys
    wanted = [expected(history, ttl, key, at) for key, at in questions]
    assert found.column("v.n").to_pylist() == [n for n, _ in wanted]
    assert found.column("v.text").to_pylist() == [None if n is None else f"t{n}" for n, _ in wanted]
    assert found.column("v.known_at").cast(pa.int64()).to_pylist() == [at for _, at in wanted]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 4), st.integers(0, 2), st.integers(0, 99)), max_size=10),
    st.sampled_from([None, 1, 2]),
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 6)), max_size=12),
)
def test_the_join_agrees_with_brute_force_for_any_small_table(tmp_path_factory, history, ttl, questions):
    check(tmp_path_factory.mktemp("join"), history, ttl, questions)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_ten_thousand_random_rows_agree_with_brute_force(tmp_path, seed):
    chance = random.Random(seed)
    ttl = chance.choice([None, 3, 10])
    history = [
        (f"k{key}", chance.randrange(20), chance.randrange(3), chance.randrange(1000))
        for key in range(KEYS)
        for _ in range(chance.randrange(4))
    ]
    chance.shuffle(history)
    by_key: dict[str, list[tuple[str, int, int, int]]] = {}
    for each in history:
        by_key.setdefault(each[0], []).append(each)
    # Many questions are asked twice: rows that are equal must both stay.
    questions = [(f"k{chance.randrange(KEYS + 20)}", chance.randrange(24)) for _ in range(QUESTIONS // 2)] * 2
    made = SqliteFeatures(tmp_path / "f.db", FixedClock())
    for written in (0, 1, 2):
        made.ingest(view(ttl), [(k, at, {"n": n, "text": None}, w) for k, at, w, n in history if w == written])
    columns = {
        "id": [key for key, _ in questions],
        "at": pa.array([at for _, at in questions], pa.timestamp("us", "UTC")),
    }
    found = joined(made, columns, [Joining(view(ttl), "id")])
    made.close()
    wanted = [expected(by_key.get(key, []), ttl, key, at) for key, at in questions]
    assert (
        list(zip(found.column("v.n").to_pylist(), found.column("v.known_at").cast(pa.int64()).to_pylist(), strict=True))
        == wanted
    )


def test_several_views_join_by_their_own_keys_and_an_applications_defaults_stand_in(tmp_path):
    made = SqliteFeatures(tmp_path / "f.db", FixedClock())
    shop = View("shops", "shop", (Field("size", "float"),), defaults={"size": 1.5})
    made.ingest(view(), [("7", 100_000_000, {"n": 1, "text": "x"}, 0)])
    made.ingest(shop, [("s1", 100_000_000, {"size": 9.0}, 0)])
    used = as_used({"shops": shop}, [FeatureUse("shops", "store", "default", shop.columns, shop.defaults)])
    columns = {"customer": [7.0, 8.0], "store": ["s2", "s1"], "at": ["1970-01-01T00:02:00Z", "1970-01-02"]}
    found = joined(made, columns, [Joining(view(), "customer"), *used])
    made.close()
    assert {name: found.column(name).to_pylist() for name in columns} == columns
    assert found.column("v.n").to_pylist() == [1, None]
    assert found.column("shops.size").to_pylist() == [1.5, 9.0]
    assert found.column("shops.known_at").cast(pa.int64()).to_pylist() == [None, 100_000_000]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"id": ["a"]}, "the rows have no column 'at'; they have id"),
        ({"at": ["2026-01-01"]}, "the rows have no column 'id'; they have at"),
        ({"id": ["a", "b"], "at": ["2026-01-01", "soon"]}, "row 2, column 'at': 'soon' is no moment"),
        ({"id": ["a"], "at": [None]}, "row 1, column 'at': None is no moment"),
        ({"id": ["a"], "at": ["2026-01-01"], "v.n": [1]}, "the rows have a column 'v.n' already"),
    ],
)
def test_rows_that_cannot_be_joined_are_refused_by_name(tmp_path, columns, why):
    made = SqliteFeatures(tmp_path / "f.db", FixedClock())
    with pytest.raises(BadJoin) as refused:
        DuckJoin(made).join(packed(columns), "at", [Joining(view(), "id")])
    assert str(refused.value) == why
    made.close()
