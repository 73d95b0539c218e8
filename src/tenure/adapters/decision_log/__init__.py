"""The decision log: nothing is answered before its record is durable here, and nothing durable is ever changed.

Gateways append to their own stream of segments (`writer.py`) and share `claims.py` and `persons.py`; control's sealer
merges all streams into one order of leaves and Parquet files (`sealer.py`), and everyone reads through `reader.py`.
It never looks into a record beyond the few fields it is found by, and it never encodes one again. Start with
`segment.py`, the bytes and how a torn tail is told from a flipped bit; the page is docs/formats/log-record.md.
"""
