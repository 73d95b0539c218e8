"""What runs inside the model's own Python: frames, batching, loaders, the server loop, and the installer.

Standard library alone and Python 3.7 syntax; it knows nothing of the rest of Tenure and never opens a network socket.
`serving/worker_zip.py` packs it (all but `install.py`) into `worker.pyz`. Start with `server.py`; the bytes on the
socket are in `frames.py` and `columns.py`, which the gateway uses too.
"""
