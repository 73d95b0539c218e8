"""Searching decisions, the views in SQL, the queue and an export on a log of many decisions; sealed on disk.

    search.py [--decisions 300000] [--folder DIR] [--rounds 40] [--bulk]

Every search is the whole action `decisions:list` (permission, index, Parquet, resolutions, answer), a page of 100, by
values drawn anew each time. A folder that holds the log already is used again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.adapters.decision_log import parquet
from tenure.adapters.decision_log.chain import (
    GENESIS,
    Sealing,
    chain_file,
    extend,
    leaf_of,
    leaves_file,
    sealed_line,
)
from tenure.adapters.decision_log.heads import head_of
from tenure.adapters.decision_log.index import Index, index_file, insert
from tenure.adapters.decision_log.pages import pages_of
from tenure.adapters.decision_log.persons import Persons
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.writer import LogWriter
from tenure.app.actions import named
from tenure.app.control import Control
from tenure.app.secrets import persons_key
from tenure.governance.access import local_actor
from tenure.kit.clock import DAY, iso
from tenure.kit.errors import TenureError
from tenure.kit.ids import new_id
from tenure.settings import Home

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.adapters.decision_log.heads import Head

APPLICATIONS = ("loans", "offers", "prices")
ENTITIES = 20_000
SPAN = 60 * DAY
GROUP = 20_000
AT_ONCE = 100_000


def record(at: int, pseudonyms: list[str], chance: random.Random) -> bytes:
    by, rules = chance.choice((("model", ["save"]), ("model", []), ("rule", ["too-new"]), ("fallback", [])))
    served = {
        "role": "served", "model": "churn", "version": chance.randrange(1, 5), "digest": "sha256:" + "0" * 64,
        "output": {"score": chance.random()}, "raw": "AAAAAAAA8D8=", "batch": {"shape": 8, "rows": 1, "position": 0, "compute_us": 90},
    }  # fmt: skip
    document = {
        "v": 1, "kind": "decision", "id": new_id(at), "at": at, "application": chance.choice(APPLICATIONS), "revision": 1,
        "entity": chance.choice(pseudonyms), "request": {f"field_{n}": chance.random() for n in range(12)},
        "rules": rules, "verdicts": "tf-", "predictions": [served] if by == "model" else [],
        "decided_by": by, **({"status": "pending_review"} if chance.random() < 0.001 else {}),
        "answer": {"offer": "discount", "limit": 100}, "reasons": [{"code": "R02", "text": "likely to leave", "source": "rule"}],
        "elapsed_us": int(chance.expovariate(1 / 1500)), "actor": "t1",
    }  # fmt: skip
    return msgspec.json.encode(document)


def fill(home: Home, count: int) -> None:
    """Write the log as gateway and sealer do, over the span of time."""
    persons = Persons(home.persons_db, persons_key(home))
    pseudonyms = [persons.pseudonym(f"c{number}") for number in range(ENTITIES)]
    persons.close()
    chance, now = random.Random(1), time.time_ns() // 1000
    writer, sealer = LogWriter.open(home.decisions, "gateway-1"), Sealer(home.decisions, lag=0)
    for start in range(0, count, GROUP):
        moments = (now - SPAN + (start + n) * (SPAN // count) for n in range(min(GROUP, count - start)))
        writer.append_all([record(at, pseudonyms, chance) for at in moments])
        sealer.seal()
    writer.close_now()
    sealer.seal()


def fill_at_once(home: Home, count: int) -> None:
    """Write a whole log, sealed, some times faster: straight into sealed files, and the index's indexes at the end.

    The bodies of the first file's records stand in every other one too, under ids and moments of their own.
    """
    persons = Persons(home.persons_db, persons_key(home))
    pseudonyms = [persons.pseudonym(f"c{number}") for number in range(ENTITIES)]
    persons.close()
    decisions, chance, begin = home.decisions, random.Random(1), time.time_ns() // 1000 - SPAN
    decisions.mkdir(parents=True, exist_ok=True)
    samples = [record(begin, pseudonyms, chance) for _ in range(AT_ONCE)]
    bodies = [(head_of(one), one[one.index(b',"application"') :]) for one in samples]
    with Index(decisions):
        index = sqlite3.connect(index_file(decisions), isolation_level=None)
    made = index.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for name, _ in made:
        index.execute(f"DROP INDEX {name}")
    index.execute("PRAGMA synchronous = OFF")
    last: Sealing | None = None
    for first in range(0, count, AT_ONCE):
        chance.shuffle(bodies)
        rows = []
        for place, (head, rest) in enumerate(bodies[: count - first]):
            at = begin + (first + place) * (SPAN // count)
            name = new_id(at)
            content = b'{"v":1,"kind":"decision","id":"%s","at":%d' % (name.encode(), at) + rest
            rows.append(("gateway-1", first + place, msgspec.structs.replace(head, id=name, at=at), content))
        last = _sealed(decisions, index, last, rows)
        print(f"\r{last.end:,} of {count:,}", end="", flush=True)
    print("\nmaking the index's indexes", flush=True)
    for _, sql in made:
        index.execute(sql)
    index.close()


def _sealed(
    decisions: Path, index: sqlite3.Connection, last: Sealing | None, rows: list[tuple[str, int, Head, bytes]]
) -> Sealing:
    """Do what the sealer does with one batch."""
    first = last.end if last else 0
    file = decisions / "sealed" / "bulk" / f"{first:012d}-{first + len(rows) - 1:012d}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    parquet.write(file, first, rows)
    leaves = [leaf_of(content) for *_, content in rows]
    line = sealed_line(
        Sealing(
            first=first, count=len(rows), file=str(file.relative_to(decisions)),
            digest=hashlib.sha256(file.read_bytes()).hexdigest(),
            chain=extend(bytes.fromhex(last.chain) if last else GENESIS, leaves).hex(),
            positions={"gateway-1": first + len(rows)}, at=rows[-1][2].at, previous=last.seal if last else "0" * 64,
        )
    )  # fmt: skip
    with leaves_file(decisions).open("ab") as hashes, chain_file(decisions).open("ab") as chain:
        hashes.write(b"".join(leaves))
        chain.write(line)
    made = msgspec.json.decode(line, type=Sealing)
    index.execute("BEGIN")
    insert(index, made, [head for _, _, head, _ in rows], pages_of(file))
    index.execute("COMMIT")
    return made


def measured(called: str, rounds: int, job: Callable[[], Any]) -> None:
    times, began = [], time.process_time()
    for _ in range(rounds):
        started = time.perf_counter()
        try:
            job()
        except TenureError as refusal:
            print(f"{called:<50}{refusal}", flush=True)
            return
        times.append((time.perf_counter() - started) * 1000)
    spent = (time.process_time() - began) * 1000 / rounds
    times.sort()
    p95 = times[min(len(times) - 1, int(0.95 * len(times)))]
    print(f"{called:<50}{statistics.median(times):>9.1f} ms p50 {p95:>9.1f} ms p95 {spent:>9.1f} ms CPU", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--decisions", type=int, default=300_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--bulk", action="store_true", help="write sealed files at once: for ten million decisions")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        home = Home(asked.folder or Path(place))
        home.root.mkdir(parents=True, exist_ok=True)
        if not (home.decisions / "chain.jsonl").exists():
            started = time.perf_counter()
            (fill_at_once if asked.bulk else fill)(home, asked.decisions)
            print(f"written and sealed in {time.perf_counter() - started:.0f} s")
        size = sum(file.stat().st_size for file in home.decisions.rglob("*") if file.is_file())
        print(f"log: {size / 1e6:,.0f} MB on disk; load {os.getloadavg()[0]:.1f}")
        with Control.open(home) as control:
            for name in APPLICATIONS:
                text = f"application: {name}\nrequest: {{x: float}}\ndefault: {{answer: {{offer: none}}, reason: R00}}\nreasons: {{R00: none}}\n"
                if control.revisions.active(name) is None:
                    control.perform(
                        "applications:apply", local_actor("bench"), named("applications:apply").input(text=text)
                    )
            questions(control, asked.rounds)
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB at most")


def questions(control: Control, rounds: int) -> None:
    chance, actor, now = random.Random(2), local_actor("bench"), time.time_ns() // 1000

    def do(name: str, **given: Any) -> Any:
        return control.perform(name, actor, msgspec.convert(given, named(name).input))

    def moment() -> int:
        return now - chance.randrange(SPAN)

    searches: dict[str, Callable[[], dict[str, Any]]] = {
        "entity": lambda: {"entity": f"c{chance.randrange(ENTITIES)}"},
        "application, newest": lambda: {"application": chance.choice(APPLICATIONS)},
        "an hour of an application": lambda: {
            "application": chance.choice(APPLICATIONS),
            "since": iso(start := moment()),
            "until": iso(start + DAY // 24),
        },
        "version": lambda: {"model": "churn", "version": chance.randrange(1, 5)},
        "rule": lambda: {"rule": chance.choice(("save", "too-new"))},
        "rule within a day": lambda: {"rule": "save", "since": iso(start := moment()), "until": iso(start + DAY)},
        "decided_by": lambda: {"decided_by": chance.choice(("model", "rule", "fallback"))},
        "decided_by within an application": lambda: {"decided_by": "fallback", "application": "loans"},
        "entity and rule": lambda: {"entity": f"c{chance.randrange(ENTITIES)}", "rule": "save"},
        "version within an application": lambda: {"model": "churn", "version": 2, "application": "prices"},
        "what never was: version of an application": lambda: {"model": "churn", "version": 9, "application": "prices"},
        "what never was: rule and decided_by": lambda: {"rule": "too-new", "decided_by": "fallback"},
        "decided by a person": lambda: {"decided_by": "person"},
        "score above 0.99 within a day": lambda: {
            "score_from": 0.99,
            "since": iso(start := moment()),
            "until": iso(start + DAY),
        },
        "longer than 15 ms within a day": lambda: {
            "ms_from": 15.0,
            "since": iso(start := moment()),
            "until": iso(start + DAY),
        },
        "score above 0.5 within a week": lambda: {
            "score_from": 0.5,
            "since": iso(start := moment()),
            "until": iso(start + 7 * DAY),
        },
        "nothing at all": dict,
    }
    do("decisions:list")
    ids = [one.decision_id for one in do("decisions:list", limit=500).decisions]
    for called, given in searches.items():
        measured(f"search: {called}", rounds, lambda given=given: do("decisions:list", **given()))  # type: ignore[misc]
    measured("one decision by id", rounds, lambda: do("decisions:show", decision=chance.choice(ids)))
    measured("reviews", 5, lambda: do("decisions:reviews"))
    measured(
        "sql: count by decided_by", 5, lambda: do("sql", query="SELECT decided_by, count(*) FROM decisions GROUP BY 1")
    )
    by_code = "SELECT code, count(*) FROM reasons GROUP BY 1"
    measured("sql: count reasons by code (reads the JSON)", 3, lambda: do("sql", query=by_code))
    measured("export: a portion of 50,000", 3, lambda: do("decisions:export"))
    measured(
        "training set: a portion of 50,000", 3, lambda: do("decisions:export", **{"with": ["features", "outcomes"]})
    )


if __name__ == "__main__":
    main()
