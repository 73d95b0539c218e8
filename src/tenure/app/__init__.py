"""Composition: one module per process, and the one table of actions (`actions.py`)."""
