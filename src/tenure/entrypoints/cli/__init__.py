"""The command line: each command translates its words, calls one action by name, and shows the answer.

It decides nothing: permission and audit are the action's, whoever calls it. Nothing heavy is imported before a command
needs it, so that a short command stays short. Start with `main.py`, then `caller.py`.
"""
