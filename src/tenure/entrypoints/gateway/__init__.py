"""The hot path: answers decisions, outcomes, health and metrics, and relays everything else unread to control.

It never imports the libraries of control (a check holds it to that), runs no user code and unpickles nothing. Start with
`asgi.py` (routes); `server.py` is the listening and the hand-over, `channel.py` the line to the supervisor.
"""
