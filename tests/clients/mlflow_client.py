"""Run in the clients' own environment: python mlflow_client.py HOST:PORT TOKEN. Ends with 0 when all of it holds."""

import json
import sys

import numpy as np
import pandas as pd  # type: ignore[import-untyped,unused-ignore]
from mlflow.pyfunc.scoring_server.client import ScoringServerClient  # type: ignore[import-not-found]

ADDRESS, TOKEN = sys.argv[1:]
HOST, PORT = ADDRESS.split(":")


def client(path, token=TOKEN):
    # The client knows no tokens, but requests takes the user and password of an address.
    return ScoringServerClient(f"any:{token}@{HOST}", f"{PORT}{path}")


def refused(status, text, call):
    try:
        call()
    except Exception as error:
        found = str(error)
    else:
        raise AssertionError(text)
    assert f"error code {status}" in found, found
    assert text in found, found


champion, second = client("/models/plain"), client("/models/plain/versions/2")
champion.wait_server_ready(timeout=10)
assert champion.get_version().startswith("tenure ")

FRAME = pd.DataFrame({"b": [10.0, 20.0], "a": [1.0, 2.0], "more": ["x", "y"]})
assert champion.invoke(FRAME).get_predictions()[0].tolist() == [11.0, 22.0]
assert second.invoke(FRAME).get_predictions()[0].tolist() == [21.0, 42.0]
for given in (
    json.dumps({"dataframe_records": FRAME.to_dict("records")}),
    json.dumps({"instances": [[1.0, 10.0], [2.0, 20.0]]}),
    json.dumps({"inputs": {"a": [1.0, 2.0], "b": [10.0, 20.0]}}),
    np.array([[1.0, 10.0], [2.0, 20.0]]),
    [{"a": 1.0, "b": 10.0}, {"a": 2.0, "b": 20.0}],
):
    assert champion.invoke(given).get_predictions()[0].tolist() == [11.0, 22.0], given

NOT_A_NUMBER = pd.DataFrame({"a": [1.0, np.nan], "b": [1.0, 2.0]})
# The client writes a bare NaN, which is no JSON.
refused(400, "send null", lambda: champion.invoke(NOT_A_NUMBER))
refused(400, '"error_code":"BAD_REQUEST"', lambda: champion.invoke(pd.DataFrame({"a": [666.0], "b": [1.0]})))
refused(404, "RESOURCE_DOES_NOT_EXIST", lambda: client("/models/nobody").invoke(FRAME))
refused(404, "", lambda: client("/models/plain/versions/9").ping())
refused(401, "UNAUTHENTICATED", lambda: client("/models/plain", "wrong").invoke(FRAME))
