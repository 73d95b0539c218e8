"""Unix sockets at long paths, and descriptors that go from one process to the next."""

import socket
from pathlib import Path

import pytest

from tenure.serving import announce, sockets


def test_a_socket_whose_path_is_too_long_for_the_kernel_is_reached_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / ("deep" * 20) / ("deeper" * 20) / "a.sock"
    with sockets.listen_unix(path) as listener, sockets.connect_unix(path, timeout=1) as one:
        other, _ = listener.accept()
        other.sendall(b"hello")
        assert one.recv(5) == b"hello"
        other.close()


def test_a_new_listener_takes_the_path_at_no_moment_leaving_it_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with sockets.listen_unix(path), sockets.listen_unix(path) as second, sockets.connect_unix(path, timeout=1):
        second.accept()[0].close()
    assert list(tmp_path.iterdir()) == [path]


def test_state_and_sockets_arrive_together_and_a_gone_supervisor_is_told_from_a_dismissal() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with sockets.listen_tcp("127.0.0.1", 0) as listener:
        sockets.send_state(ours, {"port": 1}, {"http": listener.fileno()})
        received = sockets.receive_state(theirs)
        assert received is not None
        state, held = received
        assert state == {"port": 1}
        assert held["http"].getsockname() == listener.getsockname()
        held["http"].close()
    ours.send(sockets.DISMISSED)
    with pytest.raises(sockets.Dismissed):
        sockets.receive_state(theirs)
    ours.close()
    assert sockets.receive_state(theirs) is None
    theirs.close()


def test_without_a_supervisor_asking_says_so_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(announce.NoSupervisor) as refused:
        announce.status(tmp_path / "supervisor.sock")
    assert "tenure up" in refused.value.hint
