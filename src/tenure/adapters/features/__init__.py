"""Features in one SQLite file: what is known now (`store.py`), and training sets by a join in time (`joining.py`).

`store.py` is on the hot path and loads nothing but the driver; `joining.py` brings DuckDB and Arrow.
"""
