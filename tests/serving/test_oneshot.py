"""One worker for one task, as real processes on old and new Pythons."""

import random
from pathlib import Path

import pytest

from tenure.contract.schema import Field
from tenure.model.package import BatchForm, Loader
from tenure.serving import oneshot
from tenure.worker.columns import Codec
from tests.worker.packages import PLAIN, Made, Maker, interpreters

pytestmark = pytest.mark.processes


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    import sys

    return Maker(tmp_path, Path(sys.executable))


def started(made: Made):
    return oneshot.started(made.worker, made.version, "plain", 1)


@pytest.mark.parametrize("python", interpreters())
def test_a_plain_class_is_asked_on_its_own_python(tmp_path: Path, python: Path) -> None:
    made = Maker(tmp_path, python).plain(batch=BatchForm("multiple", 8))
    rows = [{"a": nth / 2, "b": 0.5} for nth in range(1000)]
    with started(made) as asked:
        predictions = asked.predict(rows)
        assert asked.hello["digest"] == made.worker.digest
        assert asked.hello["python"] == (python.parent.parent.name if "pyenv" in str(python) else asked.hello["python"])
    assert [p.output for p in predictions] == [{"score": nth / 2 + 1.0} for nth in range(1000)]
    assert all(p.raw == Codec(made.version.outputs).pack_row(p.output) for p in predictions)
    assert all(p.batch.shape % 8 == 0 and p.batch.position < p.batch.rows <= p.batch.shape for p in predictions)


def test_only_the_row_that_raises_fails(maker: Maker) -> None:
    with started(maker.plain(batch=BatchForm("fixed", 8))) as asked:
        predictions = asked.predict([{"a": 666.0 if nth == 13 else 1.0, "b": 0.0} for nth in range(40)])
    assert [nth for nth, p in enumerate(predictions) if p.failure] == [13]
    assert (predictions[13].failure, predictions[13].error) == ("raised", "ValueError: the devil is in row")


def test_a_row_that_does_not_fit_is_told_by_field(maker: Maker) -> None:
    with started(maker.plain()) as asked:
        good, bad = asked.predict([{"a": 1.0, "b": 1.0}, {"a": 1.0, "b": "much"}])
    assert good.output == {"score": 3.0}
    assert (bad.failure, bad.error) == ("bad_row", "field 'b': this str is no float64")


def test_a_call_has_exactly_the_shape_asked(maker: Maker) -> None:
    source = PLAIN.replace("return [self.score(row) for row in rows]", "return [float(len(rows)) for row in rows]")
    made = maker.plain(source, batch=BatchForm("multiple", 8))
    codec = Codec(made.version.outputs)
    row = {"a": 1.0, "b": 1.0}
    with started(made) as asked:
        assert [codec.unpack_row(raw)["score"] for raw in asked.call([row] * 5, 5)] == [5.0] * 5
        assert [codec.unpack_row(raw)["score"] for raw in asked.call([row] * 2, 32)] == [32.0] * 2
        assert asked.predict([row])[0].output == {"score": 8.0}


def test_a_worker_that_dies_is_unavailable(maker: Maker) -> None:
    with started(maker.plain()) as asked:
        (prediction,) = asked.predict([{"a": 911.0, "b": 0.0}])
    assert (prediction.failure, prediction.error) == ("unavailable", "the worker ended")


@pytest.mark.parametrize("name", ["model/weight.txt", "code/plain_model.py"])
def test_a_changed_byte_is_refused_before_loading_and_the_file_is_named(maker: Maker, name: str) -> None:
    made = maker.plain("open('/dev/stderr', 'w').write('CODE RAN')\n" + PLAIN)
    file = made.folder / name
    file.write_bytes(file.read_bytes()[:-1] + b"\x07")
    with pytest.raises(oneshot.NotLoaded, match=f"{name} changed after sealing"), started(made):
        pass


def test_a_file_added_to_the_code_is_refused(maker: Maker) -> None:
    made = maker.plain()
    (made.folder / "code" / "numpy.py").write_text("evil = 1")
    with pytest.raises(oneshot.NotLoaded, match="code/numpy.py is not in the manifest"), started(made):
        pass


def test_a_changed_manifest_is_refused(maker: Maker) -> None:
    made = maker.plain()
    (made.folder / "manifest.json").write_bytes((made.folder / "manifest.json").read_bytes() + b" ")
    with pytest.raises(oneshot.NotLoaded, match=r"manifest\.json changed after sealing"), started(made):
        pass


def test_a_model_that_cannot_load_says_why(maker: Maker) -> None:
    with pytest.raises(oneshot.NotLoaded, match="ModuleNotFoundError: No module named 'not_there'"):  # noqa: SIM117
        with started(maker.plain("import not_there\n" + PLAIN)):
            pass


def test_a_model_that_kills_its_process_while_loading_is_reported_with_its_last_words(maker: Maker) -> None:
    source = "import os, sys\nprint('out of luck', file=sys.stderr, flush=True)\nos._exit(7)\n" + PLAIN
    with (
        pytest.raises(oneshot.NotLoaded, match=r"(?s)status 7; its last words: .*out of luck"),
        started(maker.plain(source)),
    ):
        pass


def test_a_draft_learns_its_outputs_by_describing_them(maker: Maker) -> None:
    source = PLAIN.replace(
        "return [self.score(row) for row in rows]",
        "return [{'label': 'yes', 'chance': 0.5, 'top': [1, 2, 3], 'sure': True} for row in rows]",
    )
    made = maker.plain(source, outputs=())
    with started(made) as asked:
        fields = asked.describe([{"a": 1.0, "b": 1.0}] * 3)
        assert fields == [
            Field("label", "string", "str"),
            Field("chance", "float", "float64"),
            Field("top", "int", "int64", shape=(3,)),
            Field("sure", "bool", "bool"),
        ]
        (prediction,) = asked.predict([{"a": 1.0, "b": 1.0}])
    assert prediction.output == {"label": "yes", "chance": 0.5, "top": [1, 2, 3], "sure": True}


def test_a_dict_of_columns_and_null_outputs_come_through(maker: Maker) -> None:
    source = PLAIN.replace(
        "return [self.score(row) for row in rows]",
        "return {'word': ['x' if r['a'] > 1 else None for r in rows], 'count': [int(r['a']) for r in rows]}",
    )
    outputs = (Field("word", "string", nullable=True), Field("count", "int", "int32"))
    with started(maker.plain(source, outputs=outputs)) as asked:
        predictions = asked.predict([{"a": 1.0, "b": 0.0}, {"a": 2.0, "b": 0.0}])
    assert [p.output for p in predictions] == [{"word": None, "count": 1}, {"word": "x", "count": 2}]


@pytest.mark.parametrize("form", [BatchForm("multiple", 8), BatchForm("fixed", 32), BatchForm("single", 1)])
def test_random_batches_give_the_same_bits(maker: Maker, form: BatchForm) -> None:
    chance = random.Random(4711)
    rows = [{"a": chance.uniform(-9, 9), "b": chance.uniform(-9, 9)} for _ in range(300)]
    with started(maker.plain(batch=form)) as asked:
        alone = [asked.predict([row])[0].raw for row in rows]
        for _ in range(5):
            order = chance.sample(range(300), chance.randint(1, 300))
            assert [p.raw for p in asked.predict([rows[nth] for nth in order])] == [alone[nth] for nth in order]


def test_a_class_that_the_environment_hides_is_refused(maker: Maker) -> None:
    loader = Loader("python", "predict", "records", entry="json:JSONDecoder")
    made = maker.package({"code/json.py": b"class JSONDecoder: pass"}, loader)
    with pytest.raises(oneshot.NotLoaded, match="hides the package's own"), started(made):
        pass
