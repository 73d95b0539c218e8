"""The decision log as tables, asked by DuckDB: the documented views (docs/data-out.md), exports, training sets.

It reads the sealed Parquet files and the unsealed tail of one moment, in memory, and never writes. Whatever SQL comes
from outside sees the views and nothing else: no file, no network, no variable of this process. Start with `views.py`.
"""
