"""The one migration chain of the control database; `upgrade.py` beside this package runs it."""
