"""The seam at run time: supervisor, snapshots, routes, and the link to the workers.

It carries requests and starts processes; it decides nothing about a model's life and evaluates no rule.
Start with `snapshot.py`.
"""
