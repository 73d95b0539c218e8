"""`python -s -B worker.pyz --package DIR --digest sha256:… --listen-fd N`: load one sealed package and serve it.

`--connect-fd N` serves one connection (a socketpair) and ends with it. Exit status 3: the package was refused or could
not be loaded; the last line on standard error says why.
"""

from __future__ import annotations

import argparse
import gc
import signal
import socket
import sys
import time
import traceback

from . import facts, frames
from .columns import read_columns
from .loaders import Model, arrange_path
from .package import Package, Refused, check_file, open_package
from .server import Server, error_text, quiet_standard_output

REFUSED = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the worker and return its exit status."""
    options = _options(arguments)
    quiet_standard_output()
    given = socket.socket(fileno=options.listen_fd if options.connect_fd is None else options.connect_fd)
    started = time.monotonic()
    try:
        package = open_package(options.package, options.digest)
        arrange_path(package)
        model = Model(package)
        _warm(model, package)
    except (Exception, SystemExit) as error:
        return _refused(error, given, alone=options.connect_fd is not None)
    # What loading made lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    _server(package, model, started, given, alone=options.connect_fd is not None).run()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="worker.pyz")
    parser.add_argument("--package", required=True)
    parser.add_argument("--digest", required=True)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--listen-fd", type=int)
    way.add_argument("--connect-fd", type=int)
    return parser.parse_args(arguments)


def _server(package: Package, model: Model, started: float, given: socket.socket, *, alone: bool) -> Server:
    welcome = facts.gather()
    load_seconds = round(time.monotonic() - started, 3)
    welcome.update(wire=frames.WIRE_VERSION, digest=package.digest, load_seconds=load_seconds)
    if model.globals is not None:
        welcome["globals"] = model.globals
    if model.explainer is not None:
        welcome["explains"] = model.explainer.method
    server = Server(model, package.form(), welcome)
    if alone:
        server.connect(given)
    else:
        server.listen(given)
    server.stop_on(signal.SIGTERM, signal.SIGINT)
    return server


def _warm(model: Model, package: Package) -> None:
    """Ask the model once, with the first golden row, so that the first caller does not pay for lazy imports."""
    golden = package.manifest.get("golden")
    if not golden or model.outputs is None:
        return
    check_file(package.folder, golden["inputs"], package.manifest["files"][golden["inputs"]])
    with open(package.path(golden["inputs"]), "rb") as file:
        _, count, body = read_columns(file.read())
    if count:
        first = model.inputs.split_rows(count, body)[0]
        model.call([first] * package.form().shape(1))


def _refused(error: BaseException, given: socket.socket, *, alone: bool) -> int:
    text = str(error) if isinstance(error, Refused) else error_text(error)
    if not isinstance(error, Refused):
        traceback.print_exc()
    if alone:
        given.sendall(frames.encode_error(0, "refused", text))
    print("refused: " + " ".join(text.split()), file=sys.stderr, flush=True)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
