"""The admin API: every action of `app/actions.py` as one HTTP route, and the plain page `/`.

It translates a request into the action's input, calls the one action, and translates the answer or the error back. It
decides nothing: permission and audit are the action's. Control answers here on a Unix socket; the gateways relay to it.
Start with `routes.py`.
"""
