"""What a sealed package is: its manifest, and the files beside it. Opening verifies; nothing here unpickles.

Format: docs/formats/package.md. The id of a package is the sha256 of `manifest.json` as stored; signatures, seal level
and approvals are attestations beside it, never in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from tenure.contract.predictor import Explain
from tenure.contract.schema import Field
from tenure.kit.digests import canonical, digest_of
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FORMAT = 1

MANIFEST = "manifest.json"
GOLDEN_INPUTS = "golden/inputs.columns"
GOLDEN_OUTPUTS = "golden/outputs.columns"
AUTHOR_OUTPUTS = "golden/author.columns"
REFERENCE = "reference/reference.columns"
REFERENCE_OUTPUTS = "reference/outputs.columns"

#: attestations that say that a restore was tried
TRIALS = frozenset({"seal", "archive", "restore", "drill"})

SealLevel: TypeAlias = Literal["S1", "S2", "S3"]
OPEN_BY_CARD = "its card asks for the network, and what it fetches is in no package"
ModelFormat: TypeAlias = Literal["sklearn", "xgboost", "python", "lightgbm", "statsmodels", "onnx", "mlflow"]
InputForm: TypeAlias = Literal["frame", "matrix", "records"]


class File(msgspec.Struct, frozen=True):
    """One file by content."""

    digest: str
    size: int


class Wheel(msgspec.Struct, frozen=True):
    """One wheel of the environment; `file` is its file name, which carries its tags."""

    name: str
    version: str
    file: str
    digest: str
    size: int


class Interpreter(msgspec.Struct, frozen=True):
    """The relocatable interpreter, a tar.gz: `version` is the full one, as 3.11.7."""

    version: str
    digest: str
    size: int


class Library(msgspec.Struct, frozen=True, omit_defaults=True):
    """A shared library of the machine that sealed, which the wheels load and glibc is not.

    `name` is what they ask for (libgomp.so.1); `glibc` the oldest glibc that it runs with, as 2.34, "" where it needs none
    in particular.
    """

    name: str
    digest: str
    size: int
    glibc: str = ""


class Environment(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything the model's process needs. `digest` is the identity under which it is rebuilt and shared.

    It is the sha256 of the canonical JSON of interpreter, wheels, libraries and platform: of the lock, never of files on
    disk. Older packages have no `libraries` and take those that their wheels load from the machine.
    """

    digest: str
    platform: str
    interpreter: Interpreter
    wheels: tuple[Wheel, ...]
    libraries: tuple[Library, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the digests of all that it is built of: wheels, interpreter, libraries."""
        wheels = (wheel.digest for wheel in self.wheels)
        return (*wheels, self.interpreter.digest, *(library.digest for library in self.libraries))


class Loader(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the worker turns files into something to call.

    `file` is the path inside the package; `entry` is `module:Class` for plain Python; `predict` the method asked;
    `form` what it is given: a pandas DataFrame, a 2-D numpy array, or a list of dicts; `column` picks the column of a
    2-D result that is `score` (binary classifiers: 1); `classes` the labels of a vector's places, where a classifier
    gives a probability per class. `globals` are all names (`module:name`) that unpickling the model looked up when it
    was sealed: nothing else is found when it is loaded again; None where no pickle is loaded, or in older packages.
    """

    format: ModelFormat
    predict: str
    form: InputForm
    file: str = ""
    entry: str = ""
    column: int | None = None
    classes: tuple[str, ...] = ()
    globals: tuple[str, ...] | None = None

    @property
    def unpickles(self) -> bool:
        """Return whether loading the model may run whatever its bytes say, so that only a trusted signature allows it."""
        return self.format in {"sklearn", "statsmodels", "mlflow"}


class BatchForm(msgspec.Struct, frozen=True, omit_defaults=True):
    """The shapes in which a row's score was proven not to depend on its neighbours or its place.

    `multiple`: any multiple of `rows` in one call; `fixed`: exactly `rows`; `single`: one row at a time (`rows` is 1).
    """

    kind: Literal["multiple", "fixed", "single"]
    rows: int


class Golden(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rows whose outputs were recorded as bytes, and on which kind of CPU; `inputs`/`outputs` are columns files.

    `tolerance` is the largest relative difference allowed on another kind of CPU (numbers below 1e-6 count as 1e-6), and
    from the author's own outputs; 0 in a draft leaves it to the outputs' precision. `author_difference` is the largest
    relative difference to what the author's own process gave, None when the author gave nothing to compare.
    """

    rows: int
    inputs: str
    outputs: str
    cpu: str
    tolerance: float = 1e-6
    author_difference: float | None = None


class Provenance(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the model comes from. `created` is UTC microseconds."""

    created: int
    author: str
    data: str = ""
    data_digest: str = ""
    commit: str = ""
    metrics: dict[str, float] = {}


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The manifest of one package. `files` maps paths inside the package to their content.

    `environment`, `worker` and `batch` are absent, and `golden` names no outputs, in a draft that was made on another
    platform or without the model's interpreter: registering completes it (docs/formats/package.md, "Drafts"). `draft` is the id of the draft
    that a completed package came from. `memory` is the most bytes its process may take, 0 for the default.
    that a completed package came from. `explain` is how it tells reasons within a decision, None where no way held.
    """

    format: int = msgspec.field(name="tenure_package")
    name: str
    loader: Loader
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    files: dict[str, File]
    environment: Environment | None = None
    requirements: tuple[str, ...] = ()
    python: str
    worker: str = ""
    batch: BatchForm | None = None
    golden: Golden | None = None
    reference: str = ""
    target: str = ""
    threads: int = 1
    network: bool = False
    memory: int = 0
    provenance: Provenance
    card: dict[str, Any] = {}
    draft: str = ""
    explain: Explain | None = None


class Seal(msgspec.Struct, frozen=True):
    """What restoring a package showed: how much of what it needs it brings along. It is proven, never declared.

    S1: it is locked with hashes, but may fetch more when it runs, or no restore without a network succeeded. S2: restored
    from its own wheels and interpreter, without a network. S3: also without any shared library of the machine but
    glibc. `network` says what cut the network off, `hidden` which folders were not there, `why` what kept it from more.
    """

    level: SealLevel
    network: str = ""
    hidden: tuple[str, ...] = ()
    why: str = ""


def newest_seal(manifest: Manifest, said: Iterable[tuple[str, Mapping[str, Any]]]) -> Seal:
    """Return what the newest successful restore showed; `said` is the kind and body of what was attested, oldest first.

    One by a Tenure that knew no levels is `seal_of_old`.
    """
    done = [body for kind, body in said if kind in TRIALS and "failed" not in body]
    if not done:
        return Seal("S1", why="no restore of it has succeeded yet")
    told = done[-1].get("seal")
    return seal_of_old(manifest) if told is None else msgspec.convert(told, Seal)


def seal_of_old(manifest: Manifest) -> Seal:
    """Return what a restore by a Tenure that knew no seal levels showed.

    It was one from wheels and interpreter in a process without a network, unless the card asks for one.
    """
    if manifest.network:
        return Seal("S1", "open", why=OPEN_BY_CARD)
    return Seal("S2", why="it was last restored by an older Tenure; `tenure drill` tries for more")


class Signature(msgspec.Struct, frozen=True):
    """One signature over the bytes of `manifest.json`; it stands in `signatures/<key>.json`.

    `key` is the first 16 hex digits of the sha256 of the public key; `public` and `signature` are Ed25519 in base64
    (RFC 8032); `at` is UTC microseconds and informs only: the signature covers the manifest, not the time.
    """

    key: str
    public: str
    signature: str
    at: int
    algorithm: Literal["ed25519"] = "ed25519"


class OpenPackage(msgspec.Struct, frozen=True):
    """A package folder whose every file was just checked. `digest` is the id of the package."""

    folder: Path
    manifest: Manifest
    digest: str
    signatures: tuple[Signature, ...]

    @property
    def is_draft(self) -> bool:
        """Return whether registering still has to make the environment, the batch form and the golden bits."""
        return self.manifest.environment is None


class DamagedPackage(TenureError):
    """A file of a package is not what was sealed."""

    code = "damaged-package"
    kind = Kind.CORRUPT
    message = "{file} of the package: {why}"
    next_step = "take the package from its source again; a sealed package is never repaired"


class UntrustedPackage(TenureError):
    """Loading the package would run what a stranger wrote."""

    code = "untrusted-package"
    kind = Kind.REFUSED
    message = (
        "{name} is a pickle, which can do anything when it is loaded, and is signed by {keys}, which nobody trusts here"
    )
    next_step = "if you know whose key it is: tenure trust {public} --name WHO, then do this again"


def check_trusted(manifest: Manifest, signatures: Sequence[Signature], trusted: frozenset[str]) -> None:
    """Raise `UntrustedPackage` where loading runs what nobody can read, and nobody trusted signed it.

    `signatures` were checked against the manifest; `trusted` are ids of keys.
    """
    if not manifest.loader.unpickles or any(one.key in trusted for one in signatures):
        return
    raise UntrustedPackage(
        name=manifest.name,
        keys=", ".join(one.key for one in signatures) or "nobody",
        public=signatures[0].public if signatures else "KEY",
    )


class UnknownFormat(TenureError):
    """The manifest is of a format this Tenure does not read."""

    code = "unknown-package-format"
    kind = Kind.REFUSED
    message = "the manifest has format {found}; this Tenure reads {reads}"
    next_step = "register it with the Tenure that made it, or a newer one"


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the bytes of `manifest.json`: canonical JSON, so that equal packages have equal ids."""
    return canonical(msgspec.to_builtins(manifest))


def decode_manifest(content: bytes) -> Manifest:
    """Return the manifest that was stored; raise `DamagedPackage` or `UnknownFormat`."""
    try:
        found = msgspec.json.decode(content).get("tenure_package")
        if found != FORMAT:
            raise UnknownFormat(found=found, reads=FORMAT)
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, AttributeError, UnicodeDecodeError) as error:
        raise DamagedPackage(file=MANIFEST, why=f"it cannot be read: {error}") from error


def environment_of(
    platform: str, interpreter: Interpreter, wheels: tuple[Wheel, ...], libraries: tuple[Library, ...] = ()
) -> Environment:
    """Return the environment under its identity: the digest of what it is made of, whatever the order of wheels."""
    ordered = tuple(sorted(wheels, key=lambda wheel: (wheel.name, wheel.file)))
    shared = tuple(sorted(libraries, key=lambda library: library.name))
    parts: dict[str, Any] = {
        "platform": platform,
        "interpreter": interpreter.digest,
        "wheels": [wheel.digest for wheel in ordered],
    }
    if shared:
        parts["libraries"] = [[library.name, library.digest] for library in shared]
    return Environment(digest_of(canonical(parts)), platform, interpreter, ordered, shared)


def blob_digests(manifest: Manifest) -> tuple[str, ...]:
    """Return the digests of what stands in `blobs/`: wheels, interpreter, libraries, worker; none in a draft."""
    environment = manifest.environment
    if environment is None:
        return ()
    parts = [*environment.parts, manifest.worker]
    return tuple(dict.fromkeys(digest for digest in parts if digest))
