"""The console's files: open to everybody, cached by their digest, under any prefix, under a policy that lets nothing out."""

import shutil

import pytest

from tenure.client.connection import Connection, RemoteProblem
from tenure.entrypoints.api.console import base_of, built_console
from tenure.serving.front import PREFIX
from tests.api.conftest import Echo, serving

PAGE = '<!doctype html><base href="./" /><script src="./assets/app-1.js"></script>'


@pytest.fixture
def socket(tmp_path):
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets/app-1.js").write_text("run()")
    with serving(behind, Echo(), tmp_path / "control.sock", owner=-1, console=folder):
        yield tmp_path / "control.sock"


async def behind(scope, receive, send):
    raise AssertionError("nobody has signed in")


def get(socket, path):
    connection = Connection("http://localhost", unix_socket=socket)
    try:
        return connection.send("GET", path, headers={"X-Tenure-Relay": "1"}).decode()
    finally:
        connection.close()


def test_every_screen_is_the_one_page_and_needs_no_token(socket):
    for path in ("/", "/decisions", "/decisions/01M89", "/models/churn/2"):
        assert '<script src="./assets/app-1.js">' in get(socket, path)


@pytest.mark.parametrize(
    ("path", "base"), [("/", "./"), ("/decisions", "./"), ("/decisions/x", "../"), ("/models/churn/2", "../../")]
)
def test_the_page_names_its_place_relatively_so_any_prefix_will_do(socket, path, base):
    assert base_of(path) == base
    assert f'<base href="{base}" />' in get(socket, path)


@pytest.mark.parametrize("path", ["/", "/decisions/x"])
def test_below_a_prefix_that_is_known_the_page_names_it(path):
    token = PREFIX.set("/tenure")
    try:
        assert base_of(path) == "/tenure/"
    finally:
        PREFIX.reset(token)


def test_what_is_no_screen_and_no_file_of_the_console_asks_who_you_are(socket):
    assert get(socket, "/assets/app-1.js") == "run()"
    for path in ("/api/v1/models", "/assets/other.js", "/assets/../index.html", "/metrics-of-others", "/assets/"):
        with pytest.raises(RemoteProblem) as caught:
            get(socket, path)
        assert caught.value.status == 401, path


def test_a_console_that_is_built_anew_is_served_whole_and_at_once(socket, tmp_path):
    dist = tmp_path / "dist"
    (dist / "index.html").write_text(PAGE.replace("app-1", "app-22"))
    assert "app-1.js" in get(socket, "/"), "until all is there that it names, the one before is served"
    (dist / "assets/app-22.js").write_text("run(2)")
    (dist / "assets/app-1.js").unlink()
    assert "app-22.js" in get(socket, "/")
    assert get(socket, "/assets/app-22.js") == "run(2)"
    assert get(socket, "/assets/app-1.js") == "run()", "a page of the build before finds its own"
    shutil.rmtree(dist)
    assert "app-22.js" in get(socket, "/decisions/x"), "while it is built there is no file"
    assert get(socket, "/assets/app-22.js") == "run(2)"


def test_the_plain_pages_stay_where_they_are_wanted(tmp_path):
    assert built_console("off") is None
