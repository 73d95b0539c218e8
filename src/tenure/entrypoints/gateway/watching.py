"""What a gateway knows of the versions it asks, as metrics."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from tenure.kit.clock import SECOND
from tenure.serving.pace import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tenure.app.feature_counts import FeatureCounts
    from tenure.entrypoints.gateway.metrics import Metrics, Samples
    from tenure.serving.freshness import Freshness
    from tenure.serving.link import WorkerLink

    Links = Callable[[], Mapping[str, WorkerLink]]


def watch_links(metrics: Metrics, links: Links) -> None:
    """Have the queues, predicted waits and batch sizes of all versions in service among the metrics."""
    metrics.watch_rows(
        "tenure_worker_rows_in_flight", lambda: {_label(key): link.rows_in_flight for key, link in links().items()}
    )
    metrics.watch_rows(
        "tenure_worker_wait_seconds",
        lambda: {_label(key): link.pace.wait_us(link.rows_in_flight) / 1e6 for key, link in links().items()},
    )
    metrics.watch_rows(
        "tenure_batch_rows", lambda: {key: value for name, link in links().items() for key, value in _calls(name, link)}
    )


def watch_features(metrics: Metrics, counts: FeatureCounts) -> None:
    """Have among the metrics what feature views gave to decisions."""
    metrics.watch_rows(
        "tenure_feature_reads_total",
        lambda: {f'{_view(view)},found="{found}"': count for (view, found), count in tuple(counts.read_as.items())},
    )
    metrics.watch_rows(
        "tenure_feature_defaults_total", lambda: {_view(view): count for view, count in counts.defaulted.items()}
    )
    metrics.watch_rows(
        "tenure_feature_missing_total", lambda: {_view(view): count for view, count in counts.missing.items()}
    )


def of_views(now: int, views: Mapping[str, Freshness]) -> Samples:
    """Return how fresh feature views are; they are the home's, so no gateway labels them."""
    aged = {view: one.newest for view, one in views.items() if one.newest is not None}
    return {
        "tenure_feature_view_keys": {_view(view): one.keys for view, one in views.items()},
        "tenure_feature_view_stale_keys": {_view(view): one.stale for view, one in views.items()},
        "tenure_feature_view_age_seconds": {_view(view): (now - newest) / SECOND for view, newest in aged.items()},
    }


def _view(name: str) -> str:
    escaped = name.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'view="{escaped}"'


def by_code(counts: Mapping[str, int]) -> dict[str, float]:
    """Return counts by code as a metric's rows."""
    return {f'code="{code}"': count for code, count in counts.items()}


def _label(version: str) -> str:
    return f'version="{version}"'


def _calls(version: str, link: WorkerLink) -> Iterable[tuple[str, float]]:
    labels, pace = _label(version), link.pace
    for bound, seen in zip(ROWS, accumulate(pace.calls), strict=True):
        yield f'_bucket|{labels},le="{bound}"', seen
    yield f'_bucket|{labels},le="+Inf"', sum(pace.calls)
    yield f"_sum|{labels}", pace.rows
    yield f"_count|{labels}", sum(pace.calls)
