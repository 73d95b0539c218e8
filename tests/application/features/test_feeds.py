"""Views computed from events: exact at every moment and in every order of arrival, once for each event, and fed again from the log."""

from __future__ import annotations

import io
import random
import statistics

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.adapters.features.joining import DuckJoin
from tenure.adapters.features.store import SqliteFeatures
from tenure.app.actions import named
from tenure.app.control import Control
from tenure.application.features.events import Entry, EventRefused
from tenure.application.features.feeds import Happened
from tenure.application.features.joining import Joining
from tenure.application.features.view import FedByEvents
from tenure.application.features.written import BrokenView, parse_view
from tenure.contract.records import EventRecord, encode
from tenure.governance.access import local_actor
from tenure.kit.clock import DAY, SECOND, FixedClock, iso
from tenure.settings import Home

WRITTEN = """
view: user_ratings
key: user
from: {application: films, event: rating, fields: {user: string, film: int, stars: {type: float, required: false}}}
columns:
  n: {aggregate: count}
  rated: {aggregate: count, of: stars, window: 10s}
  total: {aggregate: sum, of: stars}
  recent: {aggregate: sum, of: stars, window: 10s}
  mean: {aggregate: mean, of: stars, window: 20s}
  film: {aggregate: last, of: film}
  lately: {aggregate: last, of: stars, window: 10s}
  films: {aggregate: list, of: film}
  given: {aggregate: list, of: stars, window: 10s}
defaults: {n: 0}
"""
VIEW = parse_view(WRITTEN)
APPLICATION = """
application: films
entity: user
request: {user: string}
features: [{view: user_ratings, key: user, on_missing: default}]
rules: [{id: newcomer, when: "n < 3", answer: {show: popular}, reason: R01}]
default: {answer: {show: taste}, reason: R00}
reasons: {R00: yours, R01: fewer than three ratings}
"""


def expected(events, moment):
    """Return what the columns are at a moment, by looking at every event (at, id, film, stars)."""
    seen = sorted(event for event in events if event[0] <= moment)
    if not seen:
        return None

    def stars(window=None):
        return [(e[0], e[1], e[3]) for e in seen if e[3] is not None and (window is None or e[0] > moment - window)]

    exact = [float(sum(map(to_fraction, [v for _, _, v in some]))) for some in (stars(), stars(10))]
    twenty = [value for _, _, value in stars(20)]
    lately = stars(10)
    return {
        "n": len(seen), "rated": len(lately), "total": exact[0], "recent": exact[1],
        "mean": float(sum(map(to_fraction, twenty)) / len(twenty)) if twenty else None,
        "films": newest_first([e[2] for e in seen]), "given": newest_first([value for _, _, value in lately]),
        "film": seen[-1][2], "lately": lately[-1][2] if lately else None,
    }  # fmt: skip


def newest_first(values):
    return list(dict.fromkeys(reversed(values)))


def to_fraction(value):
    from fractions import Fraction

    return Fraction(value)


FEED = VIEW.feed
assert FEED is not None
# The windows of VIEW are of 10 and 20 seconds; here a second is one microsecond, so that moments stay small.
SMALL = msgspec.structs.replace(
    VIEW,
    feed=msgspec.structs.replace(
        FEED,
        columns=tuple(
            msgspec.structs.replace(c, window_us=c.window_us and c.window_us // SECOND) for c in FEED.columns
        ),
    ),
)


def entry(event, key="u"):
    at, name, film, stars = event
    return Entry(SMALL, key, Happened(at, name, {"film": film, "stars": stars}))


def quickly(store):
    """Return the store, not waiting for the disk: these tests are about values."""
    store._writer.execute("PRAGMA synchronous = OFF")
    return store


EVENTS = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 9), st.sampled_from([None, 0.1, 0.2, 0.3, 5.0, -1e16])), max_size=10
)


@settings(max_examples=50, deadline=None)
@given(EVENTS, st.randoms(use_true_random=False), st.lists(st.integers(0, 90), min_size=1, max_size=6))
def test_any_order_of_arrival_gives_the_same_values_at_every_moment(tmp_path_factory, drawn, dice, moments):
    clock = FixedClock(0)
    store = quickly(SqliteFeatures(tmp_path_factory.mktemp("fed") / "f.db", clock))
    store.define(SMALL)
    events = [(at, f"e{place:02d}", film, stars) for place, (at, film, stars) in enumerate(drawn)]
    # Each arrives at its own moment or later, some of them twice.
    arriving = sorted(
        [(event[0] + dice.randrange(25), event) for event in events for _ in range(dice.choice((1, 1, 2)))]
    )
    for arrival, event in arriving:
        clock.at = max(clock.at, arrival)
        store.feed([entry(event)])
        if dice.random() < 0.3:
            store.move_on()
    found = store.read("user_ratings", "u")
    assert (found and found[0]) == expected(events, clock.at)
    clock.at = max(clock.at, 60)
    for ahead in sorted(moments):
        clock.at += ahead
        found = store.read("user_ratings", "u")
        assert (found and found[0]) == expected(events, clock.at)
    for moment in moments:
        found = store.read_as_of("user_ratings", "u", moment)
        assert (found and found[0]) == expected(events, moment)
    store.close()


def test_a_training_set_knows_what_the_view_said_at_each_moment(tmp_path):
    store = SqliteFeatures(tmp_path / "f.db", FixedClock(1000))
    store.define(SMALL)
    dice = random.Random(5)
    by_key = {
        f"k{key}": [(dice.randrange(1, 80), f"{key}-{n:02d}", n, dice.choice([None, 0.5, 0.1])) for n in range(key)]
        for key in range(8)
    }
    store.feed([entry(event, key) for key, events in by_key.items() for event in events])
    asked = [(f"k{dice.randrange(9)}", dice.randrange(120)) for _ in range(400)]
    content = io.BytesIO()
    columns = {"user": [key for key, _ in asked], "at": pa.array([at for _, at in asked], pa.timestamp("us", "UTC"))}
    pq.write_table(pa.table(columns), content)
    _, found = DuckJoin(store).join(content.getvalue(), "at", [Joining(SMALL, "user")])
    rows = pq.read_table(io.BytesIO(found)).to_pylist()
    names = [column.name for column in SMALL.columns]
    nothing = dict.fromkeys(names)
    assert [{name: row[f"user_ratings.{name}"] for name in names} for row in rows] == [
        expected(by_key.get(key, []), at) or nothing for key, at in asked
    ]
    store.close()


def test_the_columns_of_a_computed_view_are_typed_and_what_cannot_be_is_refused():
    assert {column.name: (column.type, column.nullable) for column in VIEW.columns} == {
        "n": ("int", False), "rated": ("int", False), "total": ("float", False), "recent": ("float", False),
        "mean": ("float", True), "film": ("int", True), "lately": ("float", True),
        "films": ("int", False), "given": ("float", False),
    }  # fmt: skip
    broken = "view: v\nkey: who\nfrom: {application: films, event: rating, fields: {user: string, film: int}}\ncolumns:\n  a: {aggregate: most}\n  b: {aggregate: sum}\n  c: {aggregate: mean, of: user}\n  d: {aggregate: last, of: flim}\n"
    with pytest.raises(BrokenView) as refused:
        parse_view(broken)
    for why in ("the event has no field 'who'", "'most' is not one of", "a sum is of a field", "user is string; a mean is of numbers", "the event has no field 'flim'; did you mean"):  # fmt: skip
        assert why in str(refused.value), str(refused.value)


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def control(tmp_path, clock):
    with Control.open(Home(tmp_path / "home"), clock) as control:
        do(control, "features:apply", text=WRITTEN)
        do(control, "applications:apply", text=APPLICATION, reason="first")
        yield control


def do(control, name, **given):
    return control.perform(name, local_actor("ada"), msgspec.convert(given, named(name).input))


def told(user, name, stars=4.0, **more):
    return {"event": "rating", "values": {"user": user, "film": 1, "stars": stars}, "id": name, **more}


def n_of(control, user):
    found = do(control, "features:get", view="user_ratings", key=user)
    return found.values["n"] if found.values else None


def test_an_event_is_known_at_once_and_counts_once(control, clock):
    assert do(control, "events:import", application="films", events=[told("a", "1"), told("a", "2")]).recorded == 2
    assert n_of(control, "a") == 2
    do(control, "events:import", application="films", events=[told("a", "2"), told("a", "3"), told("b", "3x")])
    assert (n_of(control, "a"), n_of(control, "b"), n_of(control, "c")) == (3, 1, None)
    with pytest.raises(FedByEvents, match="computed from the event rating of films"):
        do(control, "features:ingest", view="user_ratings", rows=[{"user": "a", "n": 9}])


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"event": "ratings", "values": {}}, "event 2: no feature view is fed by 'ratings' of films"),
        ({"event": "rating", "values": {"user": "a"}}, "event 2: film: it is missing"),
        ({"event": "rating", "values": {"user": "a", "film": 1, "starz": 1.0}}, "event 2: starz: there is no such field"),
        (told("a", "9", at="tomorrow"), "event 2: `at` is no RFC 3339 time"),
        (told("a", "9", at="2090-01-01"), "event 2: it has not happened yet"),
        (told("a", "9" * 256), "event 2: an id has at most 255 characters"),
    ],
)  # fmt: skip
def test_an_event_that_does_not_fit_is_refused_by_its_place_and_none_is_recorded(control, event, why):
    with pytest.raises(EventRefused) as refused:
        do(control, "events:import", application="films", events=[told("a", "1"), event])
    assert str(refused.value).startswith(why)
    assert n_of(control, "a") is None


def test_what_a_crash_kept_from_the_views_is_fed_to_them_from_the_log(control, clock):
    class Dies(BaseException):
        pass

    def dying(*_):
        raise Dies

    real, control.events._views.feed = control.events._views.feed, dying
    with pytest.raises(Dies):
        do(control, "events:import", application="films", events=[told("a", "1"), told("b", "2")])
    control.events._views.feed = real
    assert n_of(control, "a") is None
    clock.advance(60 * SECOND)
    control.tick()
    assert (n_of(control, "a"), n_of(control, "b")) == (1, 1)
    # The client, who had no answer, tells it again.
    do(control, "events:import", application="films", events=[told("a", "1"), told("b", "2")])
    clock.advance(60 * SECOND)
    control.tick()
    assert (n_of(control, "a"), n_of(control, "b")) == (1, 1)


def test_a_changed_view_is_computed_anew_from_the_log_and_an_erased_person_is_not_in_it(control, clock):
    do(
        control,
        "events:import",
        application="films",
        events=[told("a", str(n), at=iso(clock.now() - n * DAY)) for n in range(5)],
    )
    do(control, "events:import", application="films", events=[told("b", "b1")])
    control.tick()
    log = control._reader
    assert all(b'"a"' not in record for record in log.find(kind="event", limit=None))
    control._persons.erase(control._persons.pseudonym("b"))
    do(
        control,
        "features:apply",
        text=WRITTEN.replace("columns:", "columns:\n  sixty: {aggregate: count, window: 60h}"),
    )
    assert n_of(control, "a") is None
    for _ in range(2):
        clock.advance(60 * SECOND)
        control.tick()
    found = do(control, "features:get", view="user_ratings", key="a").values
    assert (found["n"], found["sixty"], n_of(control, "b")) == (5, 3, None)


def test_a_computed_value_is_read_in_microseconds(tmp_path):
    import time

    store = SqliteFeatures(tmp_path / "f.db", FixedClock(1000))
    store.define(SMALL)
    store.feed([entry((990 + n % 5, f"{key}-{n}", n, 0.5), f"k{key}") for key in range(500) for n in range(5)])
    taken = []
    for key in range(500):
        begun = time.perf_counter()
        assert store.read("user_ratings", f"k{key}") is not None
        taken.append(time.perf_counter() - begun)
    store.close()
    assert statistics.median(taken) < 100e-6


def test_the_event_record_is_frozen():
    from pathlib import Path

    golden = Path(__file__).parents[2] / "golden" / "log-event-v1.jsonl"
    page = (golden.parents[2] / "docs" / "formats" / "log-record.md").read_text()
    fields = {field.encode_name for field in msgspec.structs.fields(EventRecord)}
    records = golden.read_bytes().splitlines()
    assert {name for record in records for name in msgspec.json.decode(record)} == fields
    assert all(f"`{name}`" in page for name in fields)
    for record in records:
        assert encode(msgspec.json.decode(record, type=EventRecord)) == record
