"""A stand-in for control: a process of the same command line that answers on control's socket and owns no tables.

The real control publishes what its own tables say, which in a house whose snapshots are written by hand is nothing.
With this folder on PYTHONPATH the supervisor starts, proves, watches and restarts the stand-in as it does control.
"""

import sys

if "tenure.entrypoints.api" in sys.orig_argv:
    from pathlib import Path

    from tenure.serving import sockets
    from tenure.settings import Home

    home = Home(Path(sys.orig_argv[sys.orig_argv.index("--home") + 1]))
    listener = sockets.listen_unix(home.control_socket)
    listener.setblocking(True)
    while True:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(5.0)
            peer.recv(1 << 16)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
