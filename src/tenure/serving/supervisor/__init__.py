"""The process that keeps all others running: it owns the listening sockets, starts, watches and restarts.

Standard library only, so that nothing installed can bring it down; it never reads a request and runs no user code.
Start with `supervisor.py`; `kept.py` is one watched process, `takeover.py` how another supervisor takes its place
(docs/decisions/0002-who-watches-the-supervisor.md).
"""
