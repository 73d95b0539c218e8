"""What a person reads who archives or verifies: plain sentences, each problem on a line of its own, and the next step."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import typer

from tenure.entrypoints.cli import versions

if TYPE_CHECKING:
    from collections.abc import Iterator

PROOF = {"source": "second copy", "rows": 30, "verdict": "BIT", "seconds": 9.6, "seal": {"level": "S3"}}


def test_what_a_restore_proved_is_a_sentence_and_how_long_it_is_kept_another() -> None:
    kept = {"keep_until": "2036-11-25T23:59:05.083361Z", "retention_class": "default"}
    proven = "proven: restored from its second copy in 10 s, 30 golden rows BIT"
    assert versions.proven_line(PROOF | kept) == f"{proven}, seal level S3\nkept until 2036-11-25 (class default)"
    assert versions.proven_line({**PROOF, "seal": {}}) == proven


@pytest.mark.parametrize(
    ("repair", "cure"), [(False, "tenure verify --repair heals"), (True, "no intact copy is here")]
)
def test_each_problem_has_a_line_of_its_own_and_the_next_step_comes_last(
    repair: bool,  # noqa: FBT001
    cure: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Damaged:
        def call(self, action: str, **_: Any) -> dict[str, Any]:
            if action == "repair":
                return {"healed": [], "lost": ["sha256:ab"]}
            return {"intact": False, "problems": ["one, blobs: gone", "two"], "checked": {"files": 2}, "restorable": {}}

    @contextmanager
    def opened() -> Iterator[Damaged]:
        yield Damaged()

    monkeypatch.setattr(versions, "opened", opened)
    with pytest.raises(typer.Exit) as ended:
        versions.verify("", repair=repair, quiet=True)
    assert ended.value.exit_code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:-1] == ["  one, blobs: gone", "  two"]
    assert lines[-1].startswith(f"next: {cure}")
