"""Counters of one gateway, and the text that Prometheus reads (exposition format 0.0.4), of all gateways together."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: name → labels as text → value
Samples: TypeAlias = "dict[str, dict[str, float]]"

_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
KINDS = {
    "tenure_requests_total": ("counter", "Requests by route and status."),
    "tenure_request_seconds": ("histogram", "Seconds from the request's arrival to its answer, by route."),
    "tenure_decisions_total": ("counter", "Decisions by application and who decided."),
    "tenure_stage_seconds": ("summary", "Seconds that decisions spent in each stage, waiting included."),
    "tenure_in_flight": ("gauge", "Requests being answered."),
    "tenure_connections": ("gauge", "Clients connected."),
    "tenure_log_backlog_bytes": ("gauge", "Bytes of records that wait to become durable."),
    "tenure_log_commit_seconds": ("gauge", "Recent mean time of one commit of the decision log."),
    "tenure_generation": ("gauge", "Generation of the snapshot in service."),
    "tenure_shadows_waiting": ("gauge", "Requests that shadows and revisions on trial have yet to look at."),
    "tenure_shadows_kept_total": ("counter", "Requests that a shadow or a revision on trial looked at."),
    "tenure_shadows_dropped_total": (
        "counter",
        "Requests that no shadow looked at: too many waited, or the log was full.",
    ),
    "tenure_refused_total": ("counter", "Requests answered by a problem, by its code."),
    "tenure_cut_off_total": (
        "counter",
        "Clients cut off before a request of theirs was whole, by the problem they were told.",
    ),
    "tenure_relayed": ("gauge", "Requests that wait for control."),
    "tenure_listening": ("gauge", "Pages that are told when something changed."),
    "tenure_log_records_total": ("counter", "Records made durable."),
    "tenure_log_commits_total": ("counter", "Commits of the decision log; each makes a group of records durable."),
    "tenure_worker_rows_in_flight": ("gauge", "Rows that a version has not answered yet."),
    "tenure_worker_wait_seconds": ("gauge", "How long a row asked now is predicted to wait for its version."),
    "tenure_batch_rows": ("histogram", "Rows in one call to a model."),
    "tenure_feature_reads_total": (
        "counter",
        "Reads of a feature view: a value was there, it was older than its time to live (stale), or there was nothing.",
    ),
    "tenure_feature_defaults_total": ("counter", "Decisions' reads of a view in which a default stood in."),
    "tenure_feature_missing_total": ("counter", "Decisions' reads of a view that left a column without a value."),
    "tenure_feature_view_keys": ("gauge", "Keys that a feature view has values of, as control counts twice a minute."),
    "tenure_feature_view_stale_keys": ("gauge", "Keys whose values are older than the view's time to live."),
    "tenure_feature_view_age_seconds": ("gauge", "Age of the newest value in a feature view."),
    "tenure_process_up": ("gauge", "Whether a process is ready."),
    "tenure_restarts_total": ("counter", "Restarts of a process since the supervisor began to watch it."),
}


class Metrics:
    """What one gateway counts."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._watched: dict[str, Callable[[], float]] = {}
        self._stages: Callable[[], Mapping[str, tuple[float, int]]] = dict
        self._requests: dict[tuple[str, int], int] = {}
        self._seconds: dict[str, list[float]] = {}
        self._decided: dict[tuple[str, str], int] = {}
        self._refused: dict[str, int] = {}
        self._rows: dict[str, Callable[[], Mapping[str, float]]] = {}

    def refused(self, code: str) -> None:
        """Count a request that was answered by a problem."""
        self._refused[code] = self._refused.get(code, 0) + 1

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests[route, status] = self._requests.get((route, status), 0) + 1
        row = self._seconds.get(route)
        if row is None:
            row = self._seconds[route] = [0.0] * (len(_BOUNDS_MS) + 2)
        row[_bucket(seconds * 1000)] += 1
        row[-1] += seconds

    def decided(self, application: str, by: str, count: int = 1) -> None:
        """Count decisions."""
        self._decided[application, by] = self._decided.get((application, by), 0) + count

    def watch(self, gauge: str, value: Callable[[], float]) -> None:
        """Ask for a number each time when the samples are taken."""
        self._watched[gauge] = value

    def watch_rows(self, name: str, rows: Callable[[], Mapping[str, float]]) -> None:
        """Ask for a metric's values by labels each time when the samples are taken; `_sum|…` names a part of it."""
        self._rows[name] = rows

    def watch_stages(self, sums: Callable[[], Mapping[str, tuple[float, int]]]) -> None:
        """Ask for seconds and counts by stage each time when the samples are taken."""
        self._stages = sums

    def samples(self, gateway: str) -> Samples:
        """Return everything counted and watched, labelled with the gateway's name."""
        own = f'gateway="{gateway}"'
        found: Samples = {name: {own: float(value())} for name, value in self._watched.items()}
        found["tenure_in_flight"] = {own: self.in_flight}
        found["tenure_refused_total"] = {f'{own},code="{code}"': count for code, count in self._refused.items()}
        for name, rows in self._rows.items():
            found[name] = {_labelled(own, labels): value for labels, value in rows().items()}
        found["tenure_requests_total"] = {
            f'{own},route="{route}",status="{status}"': count for (route, status), count in self._requests.items()
        }
        found["tenure_decisions_total"] = {
            f'{own},application="{application}",decided_by="{by}"': count
            for (application, by), count in self._decided.items()
        }
        found["tenure_stage_seconds"] = {
            f'_{part}|{own},stage="{stage}"': value
            for stage, row in self._stages().items()
            for part, value in zip(("sum", "count"), row, strict=True)
        }
        found["tenure_request_seconds"] = {
            key: value for route, row in self._seconds.items() for key, value in _histogram(own, route, row)
        }
        return found


def _labelled(own: str, labels: str) -> str:
    suffix, bar, rest = labels.rpartition("|")
    return f"{suffix}{bar}{own},{rest}"


def exposition(all_samples: Iterable[Samples]) -> bytes:
    """Return the samples of several processes as one text, each metric's lines together."""
    merged: Samples = {}
    for samples in all_samples:
        for name, rows in samples.items():
            merged.setdefault(name, {}).update(rows)
    lines = []
    for name, rows in merged.items():
        kind, help_text = KINDS[name]
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
        lines += [f"{_sample_name(name, labels)} {_number(value)}" for labels, value in rows.items()]
    return ("\n".join(lines) + "\n").encode()


def _bucket(milliseconds: float) -> int:
    for place, bound in enumerate(_BOUNDS_MS):
        if milliseconds <= bound:
            return place
    return len(_BOUNDS_MS)


def _histogram(own: str, route: str, row: list[float]) -> Iterable[tuple[str, float]]:
    labels, seen = f'{own},route="{route}"', 0.0
    for bound, count in zip((*_BOUNDS_MS, None), row[:-1], strict=True):
        seen += count
        yield f'_bucket|{labels},le="{"+Inf" if bound is None else bound / 1000}"', seen
    yield f"_sum|{labels}", row[-1]
    yield f"_count|{labels}", seen


def _sample_name(name: str, labels: str) -> str:
    suffix, _, rest = labels.rpartition("|")
    return f"{name}{suffix}{{{rest}}}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
