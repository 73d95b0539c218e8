"""Whose packages may be loaded: the rules."""

from __future__ import annotations

import base64

import msgspec
import pytest

from tenure.governance.access import Role, allows
from tenure.governance.trust import BadKey, TrustedKey, UnknownKey, depending, found, parse_key
from tenure.model.package import FORMAT, Loader, Manifest, Provenance, Signature, UntrustedPackage, check_trusted

PUBLIC = base64.b64encode(bytes(range(32))).decode()
ID = "630dcd2966c43366"


def manifest(format_: str) -> Manifest:
    loader = msgspec.convert({"format": format_, "predict": "predict", "form": "frame"}, Loader)
    return Manifest(
        format=FORMAT,
        name="churn",
        loader=loader,
        inputs=(),
        outputs=(),
        files={},
        python="3.11",
        provenance=Provenance(1, "ada"),
    )


SIGNED = [Signature(ID, PUBLIC, "", 1)]


@pytest.mark.parametrize("format_", ["sklearn", "statsmodels", "mlflow"])
def test_a_pickle_is_loaded_only_when_somebody_trusted_signed_it(format_: str) -> None:
    check_trusted(manifest(format_), SIGNED, frozenset({ID}))
    with pytest.raises(UntrustedPackage, match=ID) as refusal:
        check_trusted(manifest(format_), SIGNED, frozenset({"0" * 16}))
    assert f"tenure trust {PUBLIC} --name WHO" in refusal.value.hint
    with pytest.raises(UntrustedPackage, match="signed by nobody"):
        check_trusted(manifest(format_), [], frozenset({ID}))


@pytest.mark.parametrize("format_", ["xgboost", "lightgbm", "onnx"])
def test_a_format_that_holds_numbers_alone_needs_no_trust(format_: str) -> None:
    check_trusted(manifest(format_), SIGNED, frozenset())


def test_a_key_is_given_whole_or_by_its_digits() -> None:
    assert parse_key(PUBLIC) == (ID, PUBLIC)
    assert parse_key(ID) == (ID, "")
    for text in ("", "ada", "c2hvcnQ=", ID.upper()):
        with pytest.raises(BadKey):
            parse_key(text)


def test_a_key_is_found_by_any_of_its_names_while_it_is_trusted() -> None:
    key = TrustedKey(ID, PUBLIC, "ada's laptop", 1, "local:root")
    gone = TrustedKey("1" * 16, "", "bob", 1, "local:root", removed_at=2)
    assert {found([gone, key], text) for text in (ID, PUBLIC, "ada's laptop")} == {key}
    with pytest.raises(UnknownKey):
        found([gone, key], "bob")


def test_what_runs_because_of_one_key_is_named() -> None:
    signers = {"churn/1": frozenset({"a"}), "churn/2": frozenset({"a", "b"}), "sales/1": frozenset({"c"})}
    assert depending("a", {"a", "b"}, signers) == ["churn/1"]
    assert depending("a", {"a"}, signers) == ["churn/1", "churn/2"]
    assert depending("b", {"a", "b"}, signers) == []


def test_only_an_admin_decides_whom_to_trust() -> None:
    from tenure.governance.access import Permission

    assert [role for role in Role if allows(role, Permission.TRUST_ADD)] == [Role.ADMIN]
    assert [role for role in Role if allows(role, Permission.TRUST_REMOVE)] == [Role.ADMIN]
