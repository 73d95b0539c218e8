"""`worker.pyz`: the worker as one zip file, the same bytes each time it is built from the same source."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

TOP = "tenure_worker"
#: the installer runs before there is an environment, beside the package (`restore.py`), never in the worker
_LEFT_OUT = {"install.py"}
_START = f"import sys\n\nfrom {TOP}.__main__ import main\n\nsys.exit(main())\n"


def build() -> bytes:
    """Return the zip application: one top package, files sorted, stored uncompressed, without times or modes of this machine.

    Compressed bytes would depend on the zlib at hand, and the digest of this file names the worker of every package.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, text in sorted(_files().items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)
    return content.getvalue()


def _files() -> dict[str, bytes]:
    source = Path(__file__).parent.parent / "worker"
    files = {f"{TOP}/{file.name}": file.read_bytes() for file in source.glob("*.py") if file.name not in _LEFT_OUT}
    return {"__main__.py": _START.encode(), **files}
