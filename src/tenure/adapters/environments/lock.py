"""Requirements to the complete list of wheels, by uv, for one interpreter; and every wheel as a blob.

Addresses are used to fetch and then forgotten: a `Wheel` carries name, version, file name, digest and size.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tenure.adapters.environments import tags
from tenure.kit.digests import digest_of_file
from tenure.kit.errors import Kind, TenureError
from tenure.model.package import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.adapters.blobs import Blobs
    from tenure.adapters.environments.interpreter import Found


class Unresolvable(TenureError):
    """No set of packages fits the requirements on this interpreter."""

    code = "unresolvable-requirements"
    kind = Kind.BAD_INPUT
    message = "the requirements have no solution for Python {python}:\n{detail}"
    next_step = "correct the requirements (--requirements) or choose another Python (--python)"


class NoWheel(TenureError):
    """A distribution has no wheel for this interpreter and none could be built."""

    code = "no-wheel"
    kind = Kind.REFUSED
    message = "{name} has no wheel for Python {python} on {platform}: {detail}"
    next_step = "build a wheel of {name} yourself and give its path in the requirements, or choose another version"


class WrongDownload(TenureError):
    """The index sent something else than what it had promised."""

    code = "wrong-download"
    kind = Kind.CORRUPT
    message = "{file} was fetched with {found}, the lock says {expected}"
    next_step = "try again; if it stays so, the index was changed after resolving"


class FetchFailed(TenureError):
    """A wheel could not be fetched."""

    code = "fetch-failed"
    kind = Kind.UNAVAILABLE
    message = "{file} could not be fetched: {detail}"
    next_step = "check the network and the index settings of pip or uv, then run the same command again"


@dataclass(frozen=True, slots=True)
class Locked:
    """One distribution of the lock, still with its address; `sdist` when it must be built first."""

    name: str
    version: str
    file: str
    address: str
    digest: str
    sdist: bool


def resolve(
    requirements: Sequence[str],
    constraints: Sequence[str],
    found: Found,
    uv: str,
    environ: Mapping[str, str],
    as_of: str = "",
) -> tuple[Locked, ...]:
    """Return every distribution that the requirements need on that interpreter, with hashes.

    With `as_of` (a day, YYYY-MM-DD) nothing counts that was published later.
    """
    with TemporaryDirectory() as folder:
        listing, limits = Path(folder, "requirements.in"), Path(folder, "constraints.txt")
        listing.write_text("\n".join(requirements) + "\n")
        limits.write_text("\n".join(constraints) + "\n")
        command = [uv, "pip", "compile", str(listing), "-c", str(limits), "--python", str(found.executable)]
        command += ["--format", "pylock.toml", "--quiet", "--no-header"]
        command += ["--exclude-newer", as_of] if as_of else []
        answer = subprocess.run(command, capture_output=True, text=True, env=dict(environ), check=False)
    if answer.returncode:
        raise Unresolvable(python=found.version, detail=answer.stderr.strip())
    packages = tomllib.loads(answer.stdout).get("packages", [])
    return tuple(_locked(package, found) for package in packages)


def _locked(package: Mapping[str, Any], found: Found) -> Locked:
    best = _best(package.get("wheels", []), found)
    source = best or package.get("archive") or package.get("sdist") or package.get("directory")
    if source is None or "vcs" in package:
        raise _no_wheel(package["name"], found, "it comes from a source that cannot be kept with the package")
    digest = source.get("hashes", {}).get("sha256")
    file = _file_name(source)
    return Locked(
        name=package["name"],
        version=package.get("version", ""),
        file=file,
        address=source.get("url") or source["path"],
        digest=f"sha256:{digest}" if digest else "",
        sdist=not file.endswith(".whl"),
    )


def _best(wheels: Sequence[Mapping[str, Any]], found: Found) -> Mapping[str, Any] | None:
    """Return the wheel whose tag the interpreter prefers; one package may list several."""
    ranked = [(place, n) for n, wheel in enumerate(wheels) if (place := _rank(_file_name(wheel), found)) is not None]
    return wheels[min(ranked)[1]] if ranked else None


def _rank(file: str, found: Found) -> int | None:
    return tags.rank(file, found.minor, found.platform, found.glibc)


def _file_name(source: Mapping[str, Any]) -> str:
    where = source.get("name") or source.get("path") or urllib.parse.urlsplit(source["url"]).path
    return urllib.parse.unquote(str(where).rstrip("/").rsplit("/", 1)[-1])


def _no_wheel(name: str, found: Found, detail: str) -> NoWheel:
    return NoWheel(name=name, python=found.version, platform=found.platform, detail=detail)


@dataclass(frozen=True, slots=True)
class Fetching:
    """How wheels become blobs: uv's program, its environment, the interpreter they are for, where to say progress."""

    blobs: Blobs
    found: Found
    uv: str
    environ: Mapping[str, str]
    progress: Callable[[str], None]

    def all(self, locked: Sequence[Locked]) -> tuple[Wheel, ...]:
        """Return the wheels of a lock, each stored and checked; those stored before are not fetched again."""
        missing = [one for one in locked if not (one.digest and self.blobs.has(one.digest))]
        if missing:
            self.progress(f"fetching {len(missing)} of {len(locked)} packages")
        with ThreadPoolExecutor(6) as pool:
            return tuple(pool.map(self._one, locked))

    def _one(self, one: Locked) -> Wheel:
        if one.digest and not one.sdist and self.blobs.has(one.digest):
            size = self.blobs.path(one.digest).stat().st_size
            return Wheel(one.name, one.version, one.file, one.digest, size)
        with TemporaryDirectory() as folder:
            path = self._fetched(one, Path(folder))
            wheel = self._built(one, path, Path(folder, "built")) if one.sdist else path
            file = self.blobs.add(wheel)
        return Wheel(one.name, one.version or wheel.name.split("-")[1], wheel.name, file.digest, file.size)

    def _fetched(self, one: Locked, folder: Path) -> Path:
        local = _local(one.address)
        if local is not None and local.is_dir():
            return local
        path = folder / one.file
        try:
            if local is not None:
                shutil.copyfile(local, path)
            else:
                _download(one.address, path)
        except (OSError, urllib.error.URLError) as error:
            raise FetchFailed(file=one.file, detail=error) from error
        found = digest_of_file(path)
        if one.digest and found != one.digest:
            raise WrongDownload(file=one.file, found=found, expected=one.digest)
        return path

    def _built(self, one: Locked, source: Path, output: Path) -> Path:
        """Build a wheel of a source distribution; its digest differs from build to build, so it is built once."""
        self.progress(f"building a wheel of {one.name} {one.version}: the index has none")
        python = str(self.found.executable)
        command = [self.uv, "build", "--wheel", "--out-dir", str(output), "--python", python, str(source)]
        answer = subprocess.run(command, capture_output=True, text=True, env=dict(self.environ), check=False)
        wheels = sorted(output.glob("*.whl")) if answer.returncode == 0 else []
        if not wheels:
            raise _no_wheel(one.name, self.found, answer.stderr.strip()[-1500:])
        return wheels[0]


def _local(address: str) -> Path | None:
    """Return the path that an address means, None when it is on a network."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme == "file":
        return Path(urllib.request.url2pathname(parts.path))
    return None if parts.scheme in {"http", "https"} else Path(address)


def _download(address: str, path: Path) -> None:
    """Fetch over http(s); credentials that stand in the address are sent as Basic and go nowhere else."""
    parts = urllib.parse.urlsplit(address)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(bare)  # noqa: S310 - the scheme was checked by `_local`
    if parts.username:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    with urllib.request.urlopen(request, timeout=120) as answer, path.open("wb") as file:  # noqa: S310
        shutil.copyfileobj(answer, file, 1 << 20)


def uv_environ(environ: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for uv: the person's own, pip's settings carried over, no Python ever downloaded."""
    kept = {name: value for name, value in environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}}
    return {**kept, **settings, "UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON_PREFERENCE": "system", "UV_NO_PROGRESS": "1"}


def find_uv() -> str:
    """Return the path of uv's program, the one installed beside us."""
    import uv

    return os.fspath(uv.find_uv_bin())
