"""The control database: tables of both lives and of governance, one migration chain, and the stores over them.

Only types that SQLite and PostgreSQL share: text, integers, floats, booleans; a time is a bigint of UTC microseconds,
a document is JSON text. No foreign key leads from `application_*` to `model_*` or back. Start with `engine.py`.
"""
