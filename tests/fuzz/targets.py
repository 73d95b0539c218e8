"""What is fuzzed: everything that reads bytes from a client, a worker or a gateway."""

import asyncio
import contextlib
import socket
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from tenure.app import deciding_batch
from tenure.application.decisions.request import RequestForm
from tenure.contract.schema import Field
from tenure.entrypoints.gateway import oip, scoring
from tenure.entrypoints.gateway.bodies import unpacked
from tenure.entrypoints.gateway.patience import Patience
from tenure.entrypoints.gateway.server import Server
from tenure.entrypoints.gateway.told import told
from tenure.entrypoints.gateway.tracing import traced
from tenure.kit.errors import TenureError
from tenure.serving import link as links
from tenure.serving.places import worker_socket
from tenure.serving.snapshot import VersionEntry
from tenure.settings import Home
from tenure.worker import frames
from tenure.worker.columns import Codec, FrameError, read_columns, write_columns
from tests.gateway.test_ways import Echo
from tests.worker.packages import AB, SCORE

Target = Callable[[bytes], None]
ROW = {"a": 1.0, "b": 2.5}
_OUT = Codec(SCORE)


def parser(content: bytes) -> None:
    """A worker and a gateway read frames."""
    with contextlib.suppress(FrameError):
        for frame in frames.Parser().feed(content):
            with contextlib.suppress(FrameError):
                frames.read_spans(frame.meta)
            with contextlib.suppress(FrameError):
                frames.read_json(frame.meta or frame.body)


def columns(content: bytes) -> None:
    """A home reads the columns files of a package that somebody sent, a worker a gateway's rows."""
    with contextlib.suppress(FrameError):
        read_columns(content)
    with contextlib.suppress(FrameError):
        Codec(AB).split_rows(3, content)


def answers(content: bytes) -> None:
    """A gateway reads what a worker, which runs anybody's code, sends on its socket."""

    async def read() -> None:
        entry = VersionEntry("sha256:1", "plain/1", AB, SCORE, "multiple", 8)
        one = links.WorkerLink("plain", 1, entry, worker_socket(Home(ROOT), "plain/1"))
        wire = links._Wire(one)
        wire.transport = _NoTransport()  # type: ignore[assignment]
        wire.data_received(frames.encode_json(frames.WELCOME, 0, {"digest": "sha256:1"}))
        waiting = [one.predict(ROW, 50_000_000), one.predict_rows([ROW, ROW], 50_000_000)]
        tasks = [asyncio.create_task(each) for each in waiting]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        wire.data_received(content)
        wire.connection_lost(None)
        await asyncio.gather(*tasks)
        assert not one.rows_in_flight

    asyncio.run(read())


def http(content: bytes) -> None:
    """A gateway reads what a client sends, answers in HTTP or hangs up, and serves the next one."""

    async def talk() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        address, server = listener.getsockname(), Server(Echo(), Patience())  # type: ignore[arg-type]
        server.listen(listener)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(content)
        with contextlib.suppress(OSError, TimeoutError):
            answer = await asyncio.wait_for(reader.read(1 << 16), 0.01)
            assert not answer or answer.startswith(b"HTTP/1.1 "), answer
        writer.close()
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /api/v1/outcomes HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await server.leave(0.0, 0.0)

    asyncio.run(talk())


def headers(content: bytes) -> None:
    """A gateway reads headers, however the parser let them through."""
    given = [(name.lower(), value) for name, _, value in (line.partition(b": ") for line in content.split(b"\r\n"))]
    with contextlib.suppress(TenureError):
        told(given)
    for _, value in traced(given).headers:
        assert value.isascii()
        assert b"\n" not in value


_FORM = RequestForm("offers", (Field("customer", "string"), Field("a", "float"), Field("n", "int", required=False)))


def bodies(content: bytes) -> None:
    """A gateway reads bodies in all its protocols, compressed ones too."""
    for read in (
        lambda: _FORM.decode(content),
        lambda: deciding_batch._sent(content),
        lambda: oip.rows_of(oip.parse(content, None), AB),
        lambda: scoring.rows_of("application/json", content, AB),
        lambda: scoring.rows_of("text/csv", content, AB),
        lambda: unpacked(content, "gzip", 1 << 16),
        lambda: unpacked(zlib.compress(content), "deflate", 1 << 16),
    ):
        with contextlib.suppress(TenureError):
            read()


class _NoTransport:
    """Takes what is written and is closed when told."""

    def write(self, _: bytes) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        pass


def _result(correlation: int, rows: int) -> bytes:
    body = _OUT.join_rows([_OUT.pack_row({"score": 0.5})] * rows)
    spans = frames.encode_spans([frames.Span(rows, 8, rows, 0, 100)])
    return frames.encode(frames.RESULT, correlation, rows, meta=spans, body=body)


ROOT = Path("/nonexistent")
_POST = b"POST /api/v1/applications/offers/decisions HTTP/1.1\r\nHost: x\r\n"
_JSON = msgspec.json.encode({"customer": "c", "a": 1.5, "n": 3})
#: each target with inputs that it takes, from which others are made
TARGETS: dict[str, tuple[Target, list[bytes]]] = {
    "parser": (parser, [_result(1, 2), frames.encode_error(1, "raised", "no"), frames.encode(frames.PING) * 3]),
    "columns": (columns, [write_columns(msgspec.to_builtins(AB), 3, Codec(AB).join_rows([Codec(AB).pack_row(ROW)] * 3))]),
    "answers": (answers, [_result(1, 1) + _result(2, 2), frames.encode_error(1, "raised", "no") + _result(2, 2)]),
    "http": (
        http,
        [
            _POST + b"Content-Length: 2\r\n\r\n{}",
            _POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            _POST + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        ],
    ),
    "headers": (
        headers,
        [b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01\r\nx-request-id: 1\r\nx-request-deadline-ms: 50"],
    ),
    "bodies": (
        bodies,
        [
            _JSON,
            b'{"rows":[{"customer":"c","a":1}],"key":"k","first":3}',
            b'{"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1.0]},{"name":"b","shape":[1],"datatype":"FP64","data":[2]}]}',
            b'{"dataframe_split":{"columns":["a","b"],"data":[[1,2]]}}',
            b"a,b\n1,2\n",
        ],
    ),
}  # fmt: skip
