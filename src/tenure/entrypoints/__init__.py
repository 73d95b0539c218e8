"""Where people and programs come in: HTTP on the hot path, the admin API, the command line.

An entry point translates, calls one action, translates back; permissions and audit live in the actions.
"""
