"""How the installation is reached: whose word counts, what URLs say, and certificates that are renewed while it serves."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from pathlib import Path

import pytest

from tenure.entrypoints.cli.fronting import UnsafeHost, UnusableFront, front_of
from tenure.entrypoints.gateway.patience import Patience
from tenure.entrypoints.gateway.server import Server
from tenure.serving import front as fronts
from tenure.serving.front import Front, address_of
from tenure.serving.tls import Certificate, UnusableCertificate
from tests.certificates import write_certificate
from tests.gateway.test_ways import Echo

PROXY = Front(behind_proxy=True, proxies=("10.0.0.0/8",), prefix="/tenure")
FORWARDED = [
    (b"host", b"inside:8080"),
    (b"x-forwarded-for", b"6.6.6.6, 198.51.100.7, 10.1.1.1"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"tenure.example.com"),
]


def options(
    host: str = "127.0.0.1",
    certificate: Path | None = None,
    key: Path | None = None,
    prefix: str = "",
    public_url: str = "",
    proxies: tuple[str, ...] = (),
    *,
    behind_proxy: bool = False,
) -> Front:
    return front_of(host, certificate, key, prefix, public_url, proxies, behind_proxy=behind_proxy)


# ---- what `tenure up` takes


def test_beyond_this_machine_only_with_tls_or_a_proxy_that_does_it(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "tenure.example.com"):  # noqa: S104
        with pytest.raises(UnsafeHost, match="read the tokens") as refused:
            options(host)
        assert "--tls-cert" in refused.value.hint
        assert options(host, behind_proxy=True).scheme == "http"
        assert options(host, *write_certificate(tmp_path, "localhost")).scheme == "https"
    for host in ("127.0.0.1", "localhost", "::1", "127.3.2.1"):
        assert options(host) == Front()


@pytest.mark.parametrize(
    "given",
    [
        {"certificate": Path("only.pem")},
        {"key": Path("only.pem")},
        {"prefix": "tenure"},
        {"prefix": "/a b"},
        {"prefix": "//x"},
        {"public_url": "tenure.example.com"},
        {"public_url": "https://x/?a"},
        {"proxies": ("10.0.0.1",)},
        {"proxies": ("proxy.example.com",), "behind_proxy": True},
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_by_name(given: dict[str, object]) -> None:
    with pytest.raises(UnusableFront, match="--"):
        options(**given)  # type: ignore[arg-type]


def test_files_that_do_not_fit_together_are_refused_before_anything_starts(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "localhost")
    (tmp_path / "other").mkdir()
    _, other = write_certificate(tmp_path / "other", "localhost")
    for wrong in (other, certificate, tmp_path / "missing.pem"):
        with pytest.raises(UnusableCertificate, match=r"cert\.pem"):
            options("0.0.0.0", certificate, wrong)  # noqa: S104
    assert options("0.0.0.0", certificate, key).name == "localhost"  # noqa: S104


def test_what_was_written_is_read_again_and_nothing_written_is_the_plain_front(tmp_path: Path) -> None:
    file = tmp_path / "run" / "front.json"
    assert fronts.read(file) == Front()
    fronts.write(file, PROXY)
    assert fronts.read(file) == PROXY


# ---- whose word counts


def test_only_proxies_that_were_named_and_those_of_this_machine_are_believed() -> None:
    for peer in ("127.0.0.1", "::1", "10.9.9.9", "::ffff:10.2.3.4"):
        assert PROXY.believes(peer)
    for peer in ("11.0.0.1", "2001:db8::1", "peer-uid", ""):
        assert not PROXY.believes(peer)
    assert not Front().believes("127.0.0.1"), "without --behind-proxy nobody is"


def test_the_client_is_the_last_on_the_way_who_is_no_proxy_of_ours() -> None:
    asked = PROXY.asked("127.0.0.1", "http", FORWARDED)
    assert asked == ("https", b"tenure.example.com", "198.51.100.7")
    assert address_of(asked, PROXY.prefix) == "https://tenure.example.com/tenure"


def test_what_a_proxy_does_not_tell_or_tells_in_no_known_form_stays_as_it_is() -> None:
    assert PROXY.asked("127.0.0.1", "http", [(b"host", b"inside")]) == ("http", b"inside", "127.0.0.1")
    strange = [
        (b"host", b"inside"),
        (b"x-forwarded-host", b"evil/path"),
        (b"x-forwarded-proto", b"gopher"),
        (b"x-forwarded-for", b"1.2.3.4, unknown"),
    ]
    assert PROXY.asked("10.0.0.2", "http", strange) == ("http", b"inside", "10.0.0.2")


# ---- the prefix and the URLs


@pytest.mark.parametrize(
    ("target", "within"),
    [
        (b"/tenure/api/v1/models?x=1", b"/api/v1/models?x=1"),
        (b"/tenure", b"/"),
        (b"/tenure?x", b"/?x"),
        (b"/tenured/x", b"/tenured/x"),
        (b"/api/v1/models", b"/api/v1/models"),
    ],
)
def test_a_path_below_the_prefix_is_the_same_as_without_it(target: bytes, within: bytes) -> None:
    assert PROXY.within(target) == within
    assert Front().within(target) == target


def test_an_address_names_what_people_can_reach() -> None:
    assert Front().url("127.0.0.1", 80) == "http://127.0.0.1:80"
    assert Front().url("::1", 80) == "http://[::1]:80"
    tls = Front(certificate="c", key="k", name="tenure.example.com", prefix="/t")
    assert tls.url("0.0.0.0", 443) == "https://tenure.example.com:443/t"  # noqa: S104
    assert tls.local("0.0.0.0", 443) == "https://127.0.0.1:443/t"  # noqa: S104
    assert Front(public_url="https://x/t").url("0.0.0.0", 1) == "https://x/t"  # noqa: S104


# ---- TLS


class Served:
    """One server in this loop, with a certificate that is looked at as often as the server does."""

    def __init__(self, folder: Path, patience: Patience | None = None) -> None:
        self.files = write_certificate(folder, "localhost", serial=11)
        self.certificate = Certificate(*map(str, self.files))
        self.echo = Echo()
        self.server = Server(self.echo, patience or Patience(), Front(), self.certificate)  # type: ignore[arg-type]
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.server.listen(listener)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        trusted = ssl.create_default_context(cafile=str(self.files[0]))
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=trusted, server_hostname="localhost")


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    path = b"/api/v1/applications/offers/decisions"
    writer.write(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" % path)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    return await reader.readexactly(len(path) + 4)


def serial(writer: asyncio.StreamWriter) -> int:
    found = writer.get_extra_info("ssl_object").getpeercert()
    return int(found["serialNumber"], 16)


def test_a_renewed_certificate_is_used_for_new_clients_and_open_ones_go_on(tmp_path: Path) -> None:
    async def talk() -> None:
        served = Served(tmp_path)
        old = await served.connect()
        assert serial(old[1]) == 11
        await ask(*old)
        write_certificate(tmp_path, "localhost", serial=12)
        served.certificate.look()
        new = await served.connect()
        assert serial(new[1]) == 12
        await ask(*new)
        await ask(*old)
        assert served.echo.short == 3, "over TLS too a decision goes the short way"
        for _, writer in (old, new):
            writer.close()
        await served.server.leave(0.2, 0.4)

    asyncio.run(talk())


def test_a_half_renewed_pair_leaves_the_old_one_in_use(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificate, key = write_certificate(tmp_path, "localhost", serial=1)
    used = Certificate(str(certificate), str(key))
    before, kept = used.context, key.read_bytes()
    write_certificate(tmp_path, "localhost", serial=2)
    new_key = key.read_bytes()
    key.write_bytes(kept)
    with caplog.at_level(logging.ERROR):
        used.look()
    assert used.context is before
    assert "stay in use" in caplog.text
    key.write_bytes(new_key)
    used.look()
    assert used.context is not before
    after = used.context
    used.look()
    assert used.context is after


def test_a_drawn_out_handshake_and_plain_http_keep_nobody_waiting(tmp_path: Path) -> None:
    async def talk() -> None:
        served = Served(tmp_path, Patience(header_seconds=30.0))
        silent = await asyncio.open_connection("127.0.0.1", served.port)
        plain = await asyncio.open_connection("127.0.0.1", served.port)
        plain[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        # Who speaks no TLS is let go of; what is said to him before is no HTTP.
        assert b"HTTP" not in await asyncio.wait_for(plain[0].read(), 10)
        client = await served.connect()
        await ask(*client)
        client[1].close()
        await asyncio.wait_for(served.server.leave(0.2, 0.4), 10)
        for _, writer in (silent, plain):
            writer.close()

    asyncio.run(talk())
