"""A dossier as one HTML page that needs nothing else: no script runs, nothing is loaded, it prints, it takes dark and light.

The signed text stands in it byte for byte between two marks; everything above is the same facts laid out for reading.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.accountability.texts import day_of, short, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tenure.model.package import Signature

_BARS = 20
#: a word that is longer is no word but a number
_LONG = 30
#: places in the chart: values end at the first, bars begin at the second and are as long as the third
_VALUES, _MIDDLE, _HALF, _LINE, _WIDTH = 345, 560, 125, 26, 760

_EMPTY: tuple[Any, ...] = ("", None, False, {}, [])
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6571;--line:#d8dde3;--back:#fff;--panel:#f6f8fa;--up:#b4541a;--down:#1f6fb2;--good:#1a7f4b;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa5b1;--line:#39414a;--back:#14171a;--panel:#1d2125;--up:#e8935a;--down:#6cb2ee;--good:#5ccb8f;--bad:#f28b82}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:860px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:26px;line-height:1.2;margin:0 0 4px}h2{font-size:18px;margin:36px 0 10px;padding-bottom:4px;border-bottom:1px solid var(--line)}
.under,.note{color:var(--soft)}.note{font-size:13px;margin:8px 0 0}
.id,code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;font-size:13px;overflow-wrap:anywhere}
.head{display:grid;grid-template-columns:repeat(3,1fr);gap:10px;margin:20px 0}
.card{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:10px 14px;min-width:0}
.card b{display:block;font-size:12px;font-weight:600;color:var(--soft)}.card span{font-size:17px;overflow-wrap:anywhere}
.card small{display:block;color:var(--soft)}
.letter{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:6px 20px}
.letter p{margin:10px 0}
table{border-collapse:collapse;width:100%;font-size:14px}th,td{text-align:left;vertical-align:top;padding:5px 10px 5px 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600;font-size:12px}.timed td:nth-child(-n+3),.ruled td:first-child{white-space:nowrap}.ruled td{font-size:13px}.timed td:last-child{min-width:240px}
dl{display:grid;grid-template-columns:170px 1fr;gap:4px 16px;margin:0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;min-width:0}
.good{color:var(--good)}.bad{color:var(--bad)}
svg{width:100%;height:auto;display:block}svg text{font:13px system-ui,sans-serif;fill:var(--ink)}svg .soft{fill:var(--soft)}
.up{fill:var(--up)}.down{fill:var(--down)}
pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:12px 14px;white-space:pre-wrap;margin:8px 0}
@media (max-width:640px){.head{grid-template-columns:1fr}dl{grid-template-columns:1fr}dt{margin-top:6px}}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--back:#fff;--panel:#fff;--up:#b4541a;--down:#1f6fb2;--good:#1a7f4b;--bad:#b3261e}
body{font-size:11pt}main{max-width:none;padding:0}h2{break-after:avoid}tr,.card,.letter,svg{break-inside:avoid}@page{margin:18mm}}
"""

_CHECK = """import base64, hashlib, json, pathlib, re, sys
page = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
part = lambda name: re.search('<script type="application/json" id="%s">(.*?)</script>' % name, page, re.S).group(1)
text, told = part("dossier").encode(), json.loads(part("signature"))
assert "sha256:" + hashlib.sha256(text).hexdigest() == told["digest"], "the dossier was changed"
public = base64.b64decode(told["public"])
assert hashlib.sha256(public).hexdigest()[:16] == told["key"], "the key is not the one named"
pathlib.Path("dossier.json").write_bytes(text)
pathlib.Path("dossier.sig").write_bytes(base64.b64decode(told["signature"]))
pathlib.Path("dossier.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
print("digest holds; signed by key", told["key"])"""
_OPENSSL = "openssl pkeyutl -verify -pubin -keyform DER -inkey dossier.der -rawin -in dossier.json -sigfile dossier.sig"


def page(document: Mapping[str, Any], text: str, digest: str, signature: Signature) -> str:
    """Return the page of a dossier; `text` is its signed form."""
    decision = document["decision"]
    sections = [
        _head(document),
        _letter(document["texts"]["person"]),
        _section("For the examiner", "".join(f"<p>{escape(line)}</p>" for line in document["texts"]["examiner"])),
        _section("Reasons given in the decision", _told(document["told"])) if document["told"] else "",
        _section("What counted", _counted(document["explanation"])),
        _section("What was known", _inputs(document["inputs"])),
        _section("Rules", _rules(document)),
        _section("Model version", _version(document["version"])) if document["version"] else "",
        _section("Made again", _replay(document["replay"])),
        _section("Afterwards", _afterwards(document)),
        _section("Monitoring on that day", _monitoring(document["monitoring"])),
        _section("Place in the log", _log(document["log"])),
        _section("How to check this page", _checking(digest, signature)),
    ]
    told = msgspec.to_builtins(signature) | {"digest": digest}
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Decision {escape(decision['id'])}</title><style>{_STYLE}</style></head>\n<body><main>"
        + "\n".join(section for section in sections if section)
        + f'</main>\n<script type="application/json" id="dossier">{text}</script>\n'
        f'<script type="application/json" id="signature">{json.dumps(told, sort_keys=True)}</script>\n</body></html>\n'
    )


# ---- sections


def _head(document: Mapping[str, Any]) -> str:
    decision, explanation, version = document["decision"], document["explanation"], document["version"]
    score = explanation.get("served")
    cards = [
        (
            "Answer",
            short(decision["answer"]),
            f"decided by {decision['decided_by']}, {decision['status'].replace('_', ' ')}",
        ),
        ("Score", _score(score, version), version["ref"] if version else "no model was asked"),
        (
            "Made again",
            document["replay"]["verdict"],
            "the same bits" if document["replay"]["verdict"] == "BIT" else "see below",
        ),
    ]
    boxes = "".join(
        f'<div class="card"><b>{escape(name)}</b><span>{escape(value)}</span><small>{escape(under)}</small></div>'
        for name, value, under in cards
    )
    return (
        f"<h1>Decision of {day_of(decision['at'])}</h1>"
        f'<div class="under">{escape(decision["application"])} · <span class="id">{escape(decision["id"])}</span></div>'
        f'<div class="head">{boxes}</div>'
    )


def _score(served: float | None, version: Mapping[str, Any] | None) -> str:
    """Return the score that was explained; of what could not be, what the model said all the same."""
    if served is not None:
        return f"{served:.6g}"
    return short(version["output"]) if version and version["output"] else "none"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _letter(lines: Sequence[str]) -> str:
    return _section(
        "For the person", f'<div class="letter">{"".join(f"<p>{escape(line)}</p>" for line in lines)}</div>'
    )


def _told(told: Mapping[str, Any]) -> str:
    """Return what was frozen in the decision: the contributions that its reasons were taken from."""
    if told.get("failed"):
        return f"<p>The model gave no reasons, and a person was asked: {escape(told['failed'])}.</p>"
    lines = [one | {"value": None} for one in told["contributions"]]
    unit = "log-odds" if told["scale"] == "log-odds" else "points of the score"
    note = (
        f"In {unit}, by {told['method'].replace('_', ' ')}, from {told.get('base', 0.0):.6g}; computed with the score and kept as they were."
        f" They met it within {told.get('difference', 0.0):.2g}; {told.get('allowed', 0.0):.2g} was allowed."
    )
    return (
        f'{_chart(lines)}<p class="note">{escape(note)} Baseline <span class="id">{escape(told["baseline"])}</span></p>'
    )


def _counted(found: Mapping[str, Any]) -> str:
    if "refused" in found:
        return f"<p>There are no contributions: {escape(found['refused'])}.</p>"
    baseline = found["baseline"]
    unit = "log-odds" if found["scale"] == "log-odds" else "points of the score"
    note = (
        f"In {unit}, by {found['method'].replace('_', ' ')}, from the baseline {baseline['value']:.6g}"
        f" ({baseline['source']}) to {found['total']:.6g}"
    )
    link = f", which is the score {found['served']:.6g}" if found["scale"] == "log-odds" else ""
    check = f"Baseline and contributions meet the score served within {found['difference']:.2g}; {found['allowed']:.2g} is allowed."
    return f'{_chart(found["contributions"])}<p class="note">{escape(note + link)}. {escape(check)} Baseline <span class="id">{escape(baseline["digest"])}</span></p>'


def _chart(contributions: Sequence[Mapping[str, Any]]) -> str:
    """Return the largest contributions as bars to both sides of a line."""
    bars, rest = list(contributions[:_BARS]), list(contributions[_BARS:])
    if rest:
        bars.append(
            {"feature": f"{len(rest)} others", "value": None, "contribution": sum(one["contribution"] for one in rest)}
        )
    largest = max((abs(one["contribution"]) for one in bars), default=0.0) or 1.0
    height = _LINE * len(bars) + 10
    lines = "".join(_bar(nth, one, largest) for nth, one in enumerate(bars))
    axis = f'<line x1="{_MIDDLE}" x2="{_MIDDLE}" y1="2" y2="{height - 4}" stroke="var(--line)"/>'
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="contributions of the inputs">{axis}{lines}</svg>'
    )


def _bar(nth: int, one: Mapping[str, Any], largest: float) -> str:
    top = nth * _LINE + 5
    length = max(1.0, abs(one["contribution"]) / largest * _HALF)
    positive = one["contribution"] >= 0
    left = _MIDDLE if positive else _MIDDLE - length
    at, anchor = (_MIDDLE + length + 6, "start") if positive else (_MIDDLE - length - 6, "end")
    value = "" if one["value"] is None else short(one["value"])
    return (
        f'<text x="0" y="{top + 14}">{escape(_cut(str(one["feature"]), 28))}</text>'
        f'<rect class="{"up" if positive else "down"}" x="{left:.1f}" y="{top + 2}" width="{length:.1f}" height="16" rx="2"/>'
        f'<text x="{at:.1f}" y="{top + 14}" text-anchor="{anchor}">{one["contribution"]:+.4g}</text>'
        f'<text class="soft" x="{_VALUES}" y="{top + 14}" text-anchor="end">{escape(_cut(value, 16))}</text>'
    )


def _inputs(lines: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for line in lines:
        value = "personal, not shown" if line.get("personal") else short(line["value"])
        known = (
            f"{line['known_at'][:19].replace('T', ' ')} UTC, {_aged(line['age_seconds'])}" if "known_at" in line else ""
        )
        default = " (default)" if line.get("defaulted") else ""
        rows.append((line["name"], value + default, line["source"], known))
    aged = any(row[3] for row in rows)
    return _table(
        ("input", "value", "from", "known since")[: 4 if aged else 3], [row[: 4 if aged else 3] for row in rows]
    )


def _rules(document: Mapping[str, Any]) -> str:
    revision = document["revision"]
    rows = [_rule(one) for one in document["rules"]]
    table = (
        _table(("rule", "when", "with", "came to", "last changed"), rows, "ruled")
        if rows
        else "<p>The revision has no rules.</p>"
    )
    reasons = [(one["code"], one["text"], one["source"]) for one in document["decision"]["reasons"]]
    given = _table(("reason", "text", "given by"), reasons) if reasons else ""
    force = revision["in_force"]
    facts = {
        "Revision": revision["ref"],
        "Its text": revision["digest"],
        "Written": f"{_moment(revision['written_at'])} by {revision['written_by']}{_because(revision['reason'])}",
        "Approved": _approved(revision["approved"]),
        "In force": f"since {_moment(force['since'])}, by {force['by']}{_because(force['reason'])}" if force else "",
    }
    return f"{_facts(facts)}<br>{table}{'<br>' + given if given else ''}"


def _rule(one: Mapping[str, Any]) -> tuple[str, ...]:
    when = f"row {one['row']} of its table" if one["row"] else one["when"]
    values = ", ".join(f"{name} = {short(value)}" for name, value in one["values"].items())
    changed = one["last_changed"]
    by = f"{changed['at'][:10]} by {changed['by']}{_because(changed['reason'])}" if changed else ""
    return one["rule"], f"{when} ({one['phase']} the model)", values, one["verdict"], by


def _version(version: Mapping[str, Any]) -> str:
    facts = {
        "Version": version["ref"],
        "Package": version["digest"],
        "Stage today": version["stage_now"],
        "Registered": f"{_moment(version['registered_at'])} by {version['registered_by']}",
        "Python": version["python"],
        "Trained on": version["data"],
        "Measured": spoken(version["metrics"]) if version["metrics"] else "",
        "Output": spoken(version["output"]),
        "Output, bits": version["raw"],
        "Failure": version["failure"] or "",
    }
    events = [
        (_moment(one["since"]), f"{one['alias']} by {one['action']}", one["by"], _until(one["until"], one["reason"]))
        for one in version["aliases"]
    ]
    events += [(_moment(one["at"]), one["kind"], one["by"], _said(one["said"])) for one in version["attestations"]]
    return f"{_facts(facts)}<br>{_table(('when', 'what', 'who', 'said'), sorted(events), 'timed')}"


def _until(until: str | None, reason: str) -> str:
    return f"until {_moment(until)}{_because(reason)}" if until else reason


def _said(body: Mapping[str, Any]) -> str:
    """Return what was attested, the reason first; digests stand in the signed document in full."""
    reason = str(body.get("reason", ""))
    rest = [
        f"{name.replace('_', ' ')}: {_brief(value)}"
        for name, value in body.items()
        if name not in {"reason", "signature"} and value not in _EMPTY
    ]
    return "; ".join([reason, *rest] if reason else rest)


def _brief(value: Any) -> str:
    text = spoken(value)
    if text.startswith("sha256:"):
        return f"{text[:15]}…"
    return _moment(text) if _MOMENT.fullmatch(text) else text


def _replay(replay: Mapping[str, Any]) -> str:
    mood = "good" if replay["verdict"] == "BIT" else "bad" if replay["verdict"] == "MISMATCH" else ""
    rows = [
        ("then", spoken(replay["output_then"]), spoken(replay["answer_then"])),
        ("now", spoken(replay["output_now"]), spoken(replay["answer_now"])),
    ]
    cause = f"<p>{escape(replay['cause'])}</p>" if replay["cause"] else ""
    return f'<p>The verdict is <b class="{mood}">{escape(replay["verdict"])}</b>.</p>{_table(("", "output", "answer"), rows)}{cause}'


def _afterwards(document: Mapping[str, Any]) -> str:
    said = [
        (
            _moment(one["at"]),
            one["by"],
            f"{spoken(one['before'])} → {spoken(one['after'])}",
            f"{one['code']}: {one['note']}" + (" (waits for a second person)" if one["pending"] else ""),
        )
        for one in document["resolutions"]
    ]
    truth = [
        (
            one["name"],
            spoken(one["value"]),
            (one["observed_at"] or "")[:10],
            f"{_moment(one['told_at'])} by {one['told_by']}",
        )
        for one in document["outcomes"]
    ]
    parts = [
        _table(("when", "who", "answer", "why"), said, "timed") if said else "<p>No person reviewed or changed it.</p>",
        _table(("outcome", "value", "observed", "told"), truth) if truth else "<p>No outcome is known.</p>",
    ]
    return "".join(parts)


def _monitoring(monitoring: Mapping[str, Any]) -> str:
    rows = [
        (
            one["kind"],
            one["column"],
            one["days"],
            "open then" if one["open_then"] else "raised later",
            one["acknowledged_by"] or "",
        )
        for one in monitoring["alerts"]
    ]
    told = _figures(monitoring["figures"])
    if not rows:
        return f"{told}<p>No alert on the version concerned {escape(monitoring['day'])}.</p>"
    return told + _table(("alert", "column", "days", "state", "seen by"), rows)


def _figures(day: Mapping[str, Any]) -> str:
    """Return how the application did on that day."""
    if not day["decisions"]:
        return ""
    by = ", ".join(f"{name} {count}" for name, count in day["decided_by"].items())
    models = ", ".join(f"{name}: {count}" for name, count in day["models"].items())
    half, most = day["p50_us"], day["p95_us"]
    quick = f"half within {half / 1000:.1f} ms, 95 of 100 within {most / 1000:.1f} ms" if half and most else ""
    facts = {
        "Decisions that day": f"{day['decisions']} ({by}); {day['pending_review']} left to a person",
        "By version": models,
        "How fast": quick,
    }
    return _facts(facts)


def _approved(approved: Mapping[str, Any] | None) -> str:
    return f"{_moment(approved['at'])} by {approved['by']}{_because(approved['reason'])}" if approved else ""


def _log(log: Mapping[str, Any]) -> str:
    proof = log["proof"]
    facts = {
        "Leaf": log["leaf"],
        "Position": "not sealed yet" if log["position"] is None else str(log["position"]),
        "Inclusion proof": f"{len(proof['path'])} hashes to the signed checkpoint over {proof['size']} records; it stands in the signed document, under log"
        if proof
        else "",
    }
    return _facts(facts)


def _checking(digest: str, signature: Signature) -> str:
    facts = {
        "Digest": digest,
        "Signed by key": signature.key,
        "Public key": signature.public,
        "Signature": signature.signature,
    }
    return (
        "<p>The signed document is the JSON inside this page (the element with the id <code>dossier</code>). This takes it out and"
        " checks its digest with Python’s standard library; the second line checks the signature (Ed25519) with OpenSSL 3."
        " Compare the public key with one you got from the owner by another way: a page cannot vouch for its own key.</p>"
        f"<pre>{escape(_CHECK)}</pre><pre>{escape(_OPENSSL)}</pre>{_facts(facts)}"
    )


# ---- pieces


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def _facts(facts: Mapping[str, str]) -> str:
    pairs = ((escape(name), escape(value)) for name, value in facts.items() if value)
    return "<dl>" + "".join(f"<dt>{name}</dt><dd{_monospaced(value)}>{value}</dd>" for name, value in pairs) + "</dl>"


def _monospaced(value: str) -> str:
    return ' class="id"' if value.startswith("sha256:") or (" " not in value and len(value) > _LONG) else ""


def _moment(text: str) -> str:
    return f"{text[:19].replace('T', ' ')} UTC"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _aged(seconds: float) -> str:
    """Return how old a value was as of the decision; what became known after its event time is younger than that."""
    return f"{_age(seconds)} old" if seconds >= 0 else f"known {_age(-seconds)} after"


def _age(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
