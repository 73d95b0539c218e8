"""What a version does in service, day by day: volume, latency, inputs, scores, truth, and the alerts they call for.

Everything here is a pure function of the decision log, the outcomes, the reference sample frozen in the package and the
settings of `drift.py`; it can be thrown away and computed again to the same bytes. It never sits on the path of a
request, never reads personal fields, and changes nothing but its own profiles and alerts. Start with `profile.py`
(exact counts that merge by addition), then `drift.py` (when a difference is worth a person's attention).
"""
