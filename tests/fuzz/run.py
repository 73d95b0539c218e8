"""`python -m tests.fuzz.run TARGET [SECONDS] [SEED]`: fuzz one target; the input that breaks it is printed as it stands."""

import importlib
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.fuzz.targets import TARGETS

_STRANGE = (
    b"",
    b"\x00",
    b"\xff" * 4,
    b"\r\n",
    b"\r\n\r\n",
    b'"',
    b"{",
    b"[" * 50,
    b"9" * 30,
    b"-1",
    b"NaN",
    b"\xed\xa0\x80",
    b"TN",
)


def mutated(samples: list[bytes], dice: random.Random) -> Iterator[bytes]:
    """Give inputs without end, each made of a good one by a few changes."""
    while True:
        content = bytearray(dice.choice(samples))
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(content) + 1)
            match dice.randrange(6):
                case 0 if at < len(content):
                    content[at] ^= 1 << dice.randrange(8)
                case 1 if at < len(content):
                    content[at] = dice.randrange(256)
                case 2:
                    content[at:at] = dice.choice(_STRANGE)
                case 3:
                    del content[at : at + dice.randint(1, 8)]
                case 4:
                    content[at:at] = content[at : at + dice.randint(1, 40)]
                case _:
                    other = dice.choice(samples)
                    content[at:] = other[dice.randrange(len(other) + 1) :]
        yield bytes(content)


def fuzz(name: str, seed: int, *, times: int | None = None, seconds: float | None = None) -> int:
    """Try inputs until so many or so long; return how many. What breaks the target is named by the error's notes."""
    target, samples = TARGETS[name]
    until = None if seconds is None else time.monotonic() + seconds
    tried = 0
    for content in mutated(samples, random.Random(seed)):
        if tried == times or (until is not None and time.monotonic() > until):
            break
        tried += 1
        try:
            target(content)
        except BaseException as error:
            error.add_note(f"target {name}, seed {seed}, input {tried}: {content!r}")
            raise
    return tried


def main(name: str, seconds: str = "60", seed: str = "0") -> None:
    """Fuzz with atheris, which is led by coverage, where it is installed; else with the seeded mutator."""
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        print(f"{fuzz(name, int(seed), seconds=float(seconds))} inputs of {name} with seed {seed}: nothing broke")
        return
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", f"-seed={seed}"], TARGETS[name][0])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
