"""Domain-free pieces: clock, ids, digests, errors. Knows nothing of models or applications; start with `errors.py`."""
