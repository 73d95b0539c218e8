"""Taking a version out of service: who still depends on it, drain, stop, tombstone.

It refuses while anything depends, and says who; it stops no process itself, that follows from the snapshot without the
version. Start with `tombstone.py`.
"""
