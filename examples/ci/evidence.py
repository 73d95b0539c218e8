"""Wait until a shadow has seen enough live requests, collect what speaks for and against it, and judge it.

    python evidence.py delivery/2 --against delivery@champion --application deliveries --pairs 200 --within 1800 --output work/evidence

Writes evidence.json (everything) and comment.md (what a reviewer reads), and ends with 1 where a bound is broken. Nothing is
promoted here: a person reads the comment and does it.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

#: how far a shadow may be from the champion without a person looking closer; put your own here
BOUNDS = {"failed": 0.0, "answers that differ": 0.10, "old decisions that change": 0.10, "psi": 0.25}
PAUSE = 2.0


class Refused(Exception):
    """A command did not do what was asked."""


def tenure(*words):
    """Return the document of a command."""
    done = subprocess.run(["tenure", *words, "--json"], capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        raise Refused(f"tenure {' '.join(words)}: {done.stderr}")
    return json.loads(done.stdout)


def main(arguments=None):
    """Collect, write, judge; return the exit code."""
    asked = parsed(arguments)
    version, champion = (tenure("show", ref) for ref in (asked.version, asked.against))
    compared = seen_enough(asked, champion["ref"])
    revision = tenure("show", asked.application)["revision"]
    backtest = tenure(
        "rules", "backtest", f"{asked.application}/{revision}", "--model", asked.version, "--last", str(asked.last)
    )
    evidence = {
        "version": asked.version, "digest": version["digest"], "seal_level": version["seal_level"],
        "against": champion["ref"], "metrics": {"new": version["metrics"], "champion": champion["metrics"]},
        "compare": compared, "backtest": backtest, "findings": findings(asked, compared, backtest), "url": version["url"],
    }  # fmt: skip
    evidence["passed"] = all(one["held"] for one in evidence["findings"])
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "evidence.json").write_text(json.dumps(evidence, indent=2, ensure_ascii=False))
    text = comment(evidence)
    (asked.output / "comment.md").write_text(text)
    print(text)
    return 0 if evidence["passed"] else 1


def parsed(arguments):
    """Return what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="the shadow, as delivery/2")
    parser.add_argument("--against", required=True, help="what it would replace, as delivery@champion")
    parser.add_argument("--application", required=True, help="whose old decisions are tried with it")
    parser.add_argument("--pairs", type=int, default=200, help="live requests that both must have answered")
    parser.add_argument("--within", type=float, default=1800, help="seconds to wait for them")
    parser.add_argument("--last", type=int, default=10_000, help="old decisions that are made again")
    parser.add_argument("--output", type=Path, default=Path("evidence"))
    return parser.parse_args(arguments)


def seen_enough(asked, champion):
    """Return the comparison as soon as there are enough pairs, or as it is when the time is over."""
    until = time.monotonic() + asked.within
    while True:
        found = tenure("compare", champion, asked.version)
        if found["live"]["pairs"] >= asked.pairs or time.monotonic() >= until:
            return found
        print(f"{found['live']['pairs']} of {asked.pairs} live requests seen by both", file=sys.stderr, flush=True)
        time.sleep(PAUSE)


def findings(asked, compared, backtest):
    """Return each measure with its bound and whether it held; a measure that could not be taken did not hold."""
    live = compared["live"]
    tried = backtest["compared"]
    measures = {
        "failed": live["failed_right"] / live["seen_right"] if live["seen_right"] else None,
        "answers that differ": live["disagreement_share"],
        "old decisions that change": backtest["changed"] / tried if tried else None,
        "psi": live["psi"],
    }
    found = [
        {"what": name, "value": value, "bound": BOUNDS[name], "held": value is not None and value <= BOUNDS[name]}
        for name, value in measures.items()
    ]
    enough = {"what": "live requests seen by both", "value": live["pairs"], "bound": asked.pairs}
    return [enough | {"held": live["pairs"] >= asked.pairs}, *found]


def comment(evidence):
    """Return what a reviewer reads."""
    lines = [
        f"### {evidence['version']} beside {evidence['against']}: {'within bounds' if evidence['passed'] else 'LOOK CLOSER'}",
        "",
        "| | found | bound | |",
        "|---|---|---|---|",
        *(
            f"| {one['what']} | {shown(one['value'])} | {shown(one['bound'])} | {'held' if one['held'] else '**broken**'} |"
            for one in evidence["findings"]
        ),
        "",
        "| metric | new | champion |",
        "|---|---|---|",
    ]
    new, old = evidence["metrics"]["new"], evidence["metrics"]["champion"]
    lines += [f"| {name} | {shown(new.get(name))} | {shown(old.get(name))} |" for name in sorted({*new, *old})]
    examples = evidence["backtest"]["examples"][:3]
    if examples:
        lines += ["", "Old decisions that it would change:", ""]
        lines += [f"- `{one['decision_id']}`: {one['before']} → {one['after']}" for one in examples]
    lines += ["", f"Sealed {evidence['seal_level']}, `{evidence['digest']}`. {evidence['url']}", ""]
    lines += [f'If it should answer: `tenure promote {evidence["version"]} --reason "…"`', ""]
    return "\n".join(lines)


def shown(value):
    """Return a number as people read it."""
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
