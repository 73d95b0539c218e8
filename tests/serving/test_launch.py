"""How a worker is started, and the file that is started."""

import ast
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec

from tenure.serving import launch, worker_zip
from tenure.serving.snapshot import WorkerEntry
from tests.worker.packages import PYTHONS

ENTRY = WorkerEntry("sha256:00", "/env/bin/python", "/env/lib", "/blobs/w", "/packages/p", threads=2)


def test_a_worker_is_started_alike_from_an_entry_and_from_the_snapshots_json() -> None:
    as_json = msgspec.json.decode(msgspec.json.encode(ENTRY))
    assert launch.command(ENTRY, 5) == launch.command(as_json, 5)
    assert launch.environ(ENTRY) == launch.environ(as_json)
    assert " ".join(launch.command(ENTRY, 5)).endswith(
        "/env/bin/python -s -B /blobs/w --package /packages/p --digest sha256:00 --listen-fd 5"
    )


def test_the_environment_is_built_from_nothing() -> None:
    environ = launch.environ(ENTRY, {"SECRET": "x", "PYTHONPATH": "/evil", "OPENBLAS_CORETYPE": "Haswell"})
    assert "SECRET" not in environ
    assert "PYTHONPATH" not in environ
    assert environ["OPENBLAS_CORETYPE"] == "Haswell"
    assert (environ["PYTHONHASHSEED"], environ["OMP_NUM_THREADS"]) == ("0", "2")
    assert "LD_LIBRARY_PATH" not in environ, "the interpreter that comes first is ours, the model's libraries are not"
    assert json.loads(launch.confining(ENTRY)[-1])["library_path"] == "/env/lib"


def test_the_worker_file_has_the_same_bytes_each_time_and_one_top_package() -> None:
    content = worker_zip.build()
    assert worker_zip.build() == content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
    assert names == sorted(names)
    assert {name.split("/")[0] for name in names} == {"__main__.py", worker_zip.TOP}
    assert f"{worker_zip.TOP}/install.py" not in names


def test_the_worker_imports_the_standard_library_and_what_a_model_brings() -> None:
    allowed = sys.stdlib_module_names | {"numpy", "pandas", "tenure_worker"}
    with zipfile.ZipFile(io.BytesIO(worker_zip.build())) as archive:
        for name in archive.namelist():
            for node in ast.walk(ast.parse(archive.read(name), feature_version=(3, 7))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module or ""]
                assert {each.split(".")[0] for each in names} <= allowed, name


def test_a_worker_says_what_it_wants_on_every_python(tmp_path: Path) -> None:
    worker = tmp_path / "blob-without-a-suffix"
    worker.write_bytes(worker_zip.build())
    for python in [path for path in PYTHONS.values() if path.exists()] or [Path(sys.executable)]:
        told = subprocess.run([python, "-s", "-B", worker], capture_output=True, text=True, check=False)
        assert told.returncode == 2
        assert "--package" in told.stderr
