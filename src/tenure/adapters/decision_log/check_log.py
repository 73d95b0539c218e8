"""Check what `tenure log proof` and `tenure log checkpoint` wrote, with Python 3.7 or newer and nothing else.

    python check_log.py FILE [HELD]

FILE is a proof or a checkpoint. HELD is a checkpoint that you kept from an earlier day: then FILE must also prove that
nothing before it was changed, removed or moved since. Exit 0: everything holds; 1: it does not; 2: no such file.
Hash tree: RFC 9162, section 2.1. Signatures: Ed25519, RFC 8032, in the signed-note form of C2SP tlog-checkpoint.
"""

import base64
import hashlib
import json
import sys
from typing import Any, Dict, List, Optional, Tuple

Point = Tuple[int, int, int, int]
Signed = Tuple[str, int, bytes]


class Wrong(Exception):
    """Something does not hold."""


# ---- Ed25519 (RFC 8032, section 5.1), verification only

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def point(encoded: bytes) -> Point:
    """Return the point of 32 bytes as (x, y, z, t), or raise."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if len(encoded) != 32 or y >= P:
        raise Wrong("a key or signature is no point of the curve")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        raise Wrong("a key or signature is no point of the curve")
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def add(one: Point, two: Point) -> Point:
    """Return the sum of two points."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c, d = 2 * one[3] * two[3] * D % P, 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(factor: int, base: Point) -> Point:
    """Return the multiple of a point."""
    result = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = add(result, base)
        base, factor = add(base, base), factor >> 1
    return result


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public: bytes, content: bytes, signature: bytes) -> bool:
    """Return whether the signature over the content was made with the key."""
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + content).digest(), "little") % L
    left, right = times(s, BASE), add(point(signature[:32]), times(h, point(public)))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


# ---- the tree (RFC 9162, section 2.1)


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_path(leaf: bytes, index: int, size: int, path: List[bytes]) -> bytes:
    """Return the root that the path leads to (section 2.1.3.2)."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            raise Wrong("the path is too long")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise Wrong("the path is too short")
    return r


def check_consistency(old: int, old_root: bytes, size: int, root: bytes, path: List[bytes]) -> None:
    """Raise unless the first `old` entries under `root` are those under `old_root` (section 2.1.4.2)."""
    if old == size:
        if old_root != root or path:
            raise Wrong("two different logs of the same length: entries were changed or moved")
        return
    if not old & (old - 1):
        path = [old_root, *path]
    if not path:
        raise Wrong("there is no proof that the log only grew")
    fn, sn, fr, sr = old - 1, size - 1, path[0], path[0]
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    for c in path[1:]:
        if sn == 0:
            raise Wrong("the proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if sn or fr != old_root or sr != root:
        raise Wrong("the log is not the one that was held: entries were removed, changed or moved")


# ---- documents


def signed(checkpoint: Dict[str, str]) -> Signed:
    """Return (key, size, root) of a checkpoint after checking its signature."""
    name, _, rest = checkpoint["key"].partition("+")
    public = base64.b64decode(rest.split("+", 1)[1])[1:]
    body, _, line = checkpoint["note"].partition("\n\n")
    content = (body + "\n").encode()
    dash, signer, text = line.rstrip("\n").split(" ")
    signature = base64.b64decode(text)[4:]
    origin, size, root = body.split("\n")[:3]
    if (dash, signer, origin) != ("\u2014", name, name) or not is_signed(public, content, signature):
        raise Wrong("the checkpoint is not signed with its key")
    return checkpoint["key"], int(size), base64.b64decode(root)


def check(document: Dict[str, Any], held: Optional[Dict[str, Any]] = None) -> List[str]:
    """Return sentences that hold; raise Wrong at the first that does not."""
    key, size, root = signed(document["checkpoint"])
    said = [f"the checkpoint of {size} records is signed by {key}"]
    if "record" in document:
        record = base64.b64decode(document["record"])
        leaf = hashlib.sha256(b"\x00" + hashlib.sha256(record).digest()).digest()
        path = [bytes.fromhex(each) for each in document["path"]]
        if document["leaf"] >= size or root_of_path(leaf, document["leaf"], size, path) != root:
            raise Wrong("the record is not in the log of this checkpoint")
        said.append(f"the record of {len(record)} bytes is number {document['leaf']} in it")
    if held is not None:
        said.append(check_held(document, (key, size, root), signed(held["checkpoint"])))
    return said


def check_held(document: Dict[str, Any], now: Signed, held: Signed) -> str:
    """Return the sentence that the log only grew since the held checkpoint; raise Wrong if it did not."""
    (key, size, root), (held_key, old, old_root) = now, held
    if held_key != key:
        raise Wrong(f"the checkpoint that you hold was signed with another key: {held_key}")
    if old > size:
        raise Wrong(f"the log has {size} records, you hold a checkpoint of {old}: records were removed")
    given = document.get("consistency", {})
    if given.get("from") != old and old != size:
        raise Wrong(f"there is no proof from the {old} records that you hold: ask with --held")
    path = [bytes.fromhex(each) for each in given.get("path", [])]
    check_consistency(old, old_root, size, root, path)
    return f"the first {old} records are those that you held"


def main(arguments: List[str]) -> int:
    """Check the files named; return the exit code."""
    try:
        documents = []
        for name in arguments:
            with open(name, encoding="utf-8") as file:
                documents.append(json.load(file))
        for sentence in check(*documents):
            print("holds:", sentence)
    except (Wrong, KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        print("DOES NOT HOLD:", error if isinstance(error, Wrong) else f"the file cannot be read: {error!r}")
        return 1
    except OSError as error:
        print(error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if 2 <= len(sys.argv) <= 3 else __doc__)
