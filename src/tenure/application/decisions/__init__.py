"""One decision from request to answer, in pure steps that the gateway and a replay share. Start with `deciding.py`."""
