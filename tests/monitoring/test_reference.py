"""The reference of a version comes from its sealed package alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tenure.contract.schema import Field
from tenure.kit.digests import digest_of
from tenure.model.monitoring.reference import NoReference, reference_of
from tenure.model.package import FORMAT, File, Golden, Loader, Manifest, Provenance
from tenure.worker.columns import Codec, write_columns

INPUTS = (Field("income", "float", nullable=True), Field("state", "string"))
OUTPUTS = (Field("score", "float"),)


def columns_file(schema: tuple[Field, ...], rows: list[dict[str, Any]]) -> bytes:
    fields = msgspec.to_builtins(schema)
    return write_columns(fields, len(rows), Codec(fields).pack(rows))


FILES = {
    "reference.columns": columns_file(INPUTS, [{"income": 1.5, "state": "CA"}, {"income": None, "state": "NY"}]),
    "golden/inputs.columns": columns_file(INPUTS, [{"income": 2.5, "state": "TX"}]),
    "golden/outputs.columns": columns_file(OUTPUTS, [{"score": 0.25}]),
}
BY_DIGEST = {digest_of(content): content for content in FILES.values()}


def manifest(**changes: Any) -> Manifest:
    made = Manifest(
        format=FORMAT,
        name="credit",
        loader=Loader("sklearn", "predict_proba", "frame"),
        inputs=INPUTS,
        outputs=OUTPUTS,
        files={name: File(digest_of(content), len(content)) for name, content in FILES.items()},
        python="3.11.7",
        reference="reference.columns",
        golden=Golden(1, "golden/inputs.columns", "golden/outputs.columns", cpu="any"),
        provenance=Provenance(1, "kim", metrics={"auc": 0.7}),
    )
    return msgspec.structs.replace(made, **changes)


def test_inputs_come_from_the_reference_sample_and_outputs_from_the_golden_rows() -> None:
    found = reference_of(manifest(), BY_DIGEST.__getitem__)
    assert found.sample == {"income": [1.5, None], "state": ["CA", "NY"]}
    assert found.outputs_sample == {"score": [0.25]}
    assert found.metrics == {"auc": 0.7}


def test_the_golden_inputs_stand_in_where_no_reference_sample_was_given() -> None:
    found = reference_of(manifest(reference=""), BY_DIGEST.__getitem__)
    assert found.sample == {"income": [2.5], "state": ["TX"]}


def test_a_package_without_either_is_refused_with_what_to_do() -> None:
    with pytest.raises(NoReference, match="credit holds no reference sample") as caught:
        reference_of(manifest(reference="", golden=None), BY_DIGEST.__getitem__)
    assert "reference=" in caught.value.hint
