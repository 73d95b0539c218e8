"""Projects: what some applications and models are for, and whether they do it, measured on outcomes. Start with `measure.py`."""
