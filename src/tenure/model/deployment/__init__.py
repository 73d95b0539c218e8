"""Which versions of a model are in service, which one answers, and how that changes without losing a request.

A change is decided by the pure functions of `fleet.py`, made ready before it is kept, and kept in one transaction.
It starts no process: `ports.Traffic` does. Start with `fleet.py`.
"""
