"""Run in the clients' own environment: python triton_client.py HOST:PORT TOKEN. Ends with 0 when all of it holds."""

import sys

import numpy as np
import tritonclient.http as triton  # type: ignore[import-not-found]
from tritonclient.utils import InferenceServerException  # type: ignore[import-not-found]

A, B = np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])
ADDRESS, TOKEN = sys.argv[1:]


def authorized():
    # A new one each time: the client writes its own headers into the mapping that it is given.
    return {"Authorization": f"Bearer {TOKEN}"}


def inputs(*, binary=True, a=A, b=B):
    found = []
    for name, values in (("a", a), ("b", b)):
        tensor = triton.InferInput(name, list(values.shape), "FP64")
        tensor.set_data_from_numpy(values, binary_data=binary)
        found.append(tensor)
    return found


def refused(status, text, call):
    try:
        call()
    except InferenceServerException as error:
        found = error
    else:
        raise AssertionError(text)
    assert found.status() == str(status), found
    assert text in found.message(), found


def metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.get_server_metadata(headers=authorized())["extensions"] == ["binary_tensor_data"]
    model = client.get_model_metadata("plain", headers=authorized())
    assert model["versions"] == ["1", "2"], model
    assert model["inputs"][0] == {"name": "a", "datatype": "FP64", "shape": [-1]}
    assert client.is_model_ready("plain", headers=authorized())
    assert client.is_model_ready("plain", "2", headers=authorized())
    assert not client.is_model_ready("plain", "9", headers=authorized())


def inference(client):
    for binary_in in (True, False):
        for wanted in (None, True, False):
            outputs = None if wanted is None else [triton.InferRequestedOutput("score", binary_data=wanted)]
            found = client.infer(
                "plain", inputs(binary=binary_in), outputs=outputs, headers=authorized(), request_id="r7"
            )
            assert found.as_numpy("score").tolist() == [11.0, 22.0, 33.0]
            assert found.get_response()["id"] == "r7"
            assert found.get_response()["model_version"] == "1"
    found = client.infer("plain", inputs(), model_version="2", headers=authorized())
    assert found.as_numpy("score").tolist() == [21.0, 42.0, 63.0]
    matrix = triton.InferInput("input-0", [2, 2], "FP32")
    matrix.set_data_from_numpy(np.array([[1, 2], [3, 4]], dtype=np.float32))
    assert client.infer("plain", [matrix], headers=authorized()).as_numpy("score").tolist() == [3.0, 7.0]
    many = np.arange(5000.0) + 1000.0
    for algorithm in ("gzip", "deflate", None):
        found = client.infer(
            "plain",
            inputs(a=many, b=many),
            headers=authorized(),
            request_compression_algorithm=algorithm,
            response_compression_algorithm="gzip",
        )
        assert (found.as_numpy("score") == 2 * many).all()


def refusals(client):
    def ask(model="plain", given=None, version="", headers=None, **more):
        own = authorized() if headers is None else headers
        return lambda: client.infer(model, given or inputs(), model_version=version, headers=own, **more)

    refused(404, "no model nobody in service", ask("nobody"))
    refused(404, "no plain/9 in service", ask(version="9"))
    refused(401, "token", ask(headers={}))
    refused(400, "NaN", ask(given=inputs(a=np.array([1.0, np.nan, 3.0]))))
    refused(400, "same number of rows", ask(given=inputs(a=np.array([1.0]))))
    refused(400, "no output 'else'", ask(outputs=[triton.InferRequestedOutput("else")]))
    refused(500, "row 1: ValueError: the devil is in row", ask(given=inputs(a=np.array([1.0, 666.0, 2.0]))))
    slow = inputs(a=np.array([100_000.0]), b=np.array([1.0]))
    refused(504, "deadline", ask(given=slow, timeout=100_000))


with triton.InferenceServerClient(ADDRESS) as one:
    metadata(one)
    inference(one)
    refusals(one)
