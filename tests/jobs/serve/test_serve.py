"""A server in a process of its own gives the scores of inference, and refuses what it cannot score."""

from __future__ import annotations

import json
import math
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner

from common.contracts import tables
from common.detection.input_matrix import ModelRows, read_rows
from common.detection.inputs import model_features
from common.detection.members.member import Samples
from common.detection.registry.artifacts import load_model
from common.detection.registry.pointer import manifest_sha256, model_store
from common.lake.lake import Lake
from common.windows import Windows
from jobs.inference.transform import WindowNotes, predict
from jobs.serve.cli import main
from tests.common.detection.model_lake import HOSTS, RANGE, make_lake, train_model
from tests.factories import SPEC
from tests.localaws.running import free_port, wait_for

pytestmark = pytest.mark.slow

FEATURES = model_features(SPEC).names
LAST = list(RANGE)[-1]
PROGRAM = """
import os, sys
for name in ("pyspark", "deltalake", "sklearn", "joblib", "scipy"): sys.modules[name] = None
sys.addaudithook(lambda event, _: os._exit(99) if event == "pickle.find_class" else None)
from jobs.serve.cli import main
main()
"""
"""The command where there is neither an engine nor a library of training, and where unpickling ends the process."""


@dataclass
class Server:
    address: str
    lake: Path
    run_id: str

    @property
    def folder(self) -> Path:
        return self.lake / "models/local" / self.run_id

    def ask(self, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, str]:
        try:
            with urlopen(Request(f"{self.address}{path}", body, {"Content-Type": kind})) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            return refused.code, refused.read().decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    lake = make_lake(tmp_path_factory.mktemp("lake"))
    port = free_port()
    found = Server(f"http://127.0.0.1:{port}", lake, train_model(lake)["run_id"])
    arguments = ["serve", "--model-folder", str(found.folder), "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments])

    def is_up() -> bool:
        assert process.poll() is None
        try:
            return found.ask("/ping")[0] == 200
        except URLError:
            return False

    wait_for(is_up, 120)
    yield found
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM


@pytest.fixture(scope="module")
def rows(server: Server) -> ModelRows:
    (found,) = read_rows(Lake(str(server.lake), SPEC), Windows(LAST.start, LAST.end), model_features(SPEC), "7d")
    return found


def as_json(rows: ModelRows) -> list[dict[str, float | None]]:
    """The rows as a client sends them; the first lacks the value of one feature."""
    return [
        {name: None if math.isnan(value) else value for name, value in zip(FEATURES, row, strict=True)}
        for row in rows.values.tolist()
    ]


def test_ping_names_the_model(server: Server) -> None:
    status, text = server.ask("/ping")
    files = json.loads((server.folder / "manifest.json").read_text())["files"]
    assert (status, json.loads(text)) == (
        200, {"model_id": server.run_id, "model_sha256": files["arrays.safetensors"]["sha256"]}
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["application/json", "application/jsonlines; charset=utf-8"])
def test_scores_and_reasons_are_those_of_inference(server: Server, rows: ModelRows, kind: str) -> None:
    rows.values[0, 5] = math.nan
    expected = {"project_name": "local", "feature_spec_version": "v1", "baseline_horizon": "7d"}
    model = load_model(model_store(str(server.lake), "local"), server.run_id, FEATURES, expected)
    wanted = predict(
        model, Samples(rows.keys, rows.values), tables(SPEC)["predictions"], 8, WindowNotes({}, {})
    ).to_pylist()
    given = as_json(rows)
    assert given[0][FEATURES[5]] is None
    lines = "".join(f"{json.dumps(row)}\n" for row in given)
    status, text = server.ask(
        "/invocations", (json.dumps({"rows": given}) if kind == "application/json" else lines).encode(), kind
    )
    assert status == 200, text
    found = (
        json.loads(text)["predictions"]
        if kind == "application/json"
        else [json.loads(line) for line in text.splitlines()]
    )
    assert len(found) == HOSTS
    names = ("anomaly_score", "raw_score", "model_id", "model_sha256")
    assert found == [
        {name: row[name] for name in names} | {"top_features": json.loads(row["top_features"])} for row in wanted
    ]
    assert len({row["raw_score"] for row in found}) == HOSTS


def wrong(**changes: Any) -> bytes:
    """A request of two rows, of which the second differs; `...` leaves a feature out."""
    row = dict.fromkeys(FEATURES, 0.0)
    changed = {name: value for name, value in (row | changes).items() if value is not ...}
    return json.dumps({"rows": [row, changed]}).encode()


ONE, TWO = FEATURES[:2]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (wrong(**{ONE: "7"}), f'row 1 has {ONE} = "7". Give a finite number, or null'),
        (wrong(**{ONE: True}), f"row 1 has {ONE} = true. Give a finite number"),
        (wrong(**{ONE: 1e39}), f"row 1 has {ONE} = 1e+39. Give a finite number"),
        (wrong(**{ONE: math.nan}), "the body is not JSON: NaN is no number"),
        (wrong(**{ONE: ..., TWO: ...}), f"row 1 lacks '{ONE}' and 1 more. Give all features"),
        (wrong(ports=1), "row 1 has 'ports', which the model does not know. Leave out"),
        (b'{"rows": [7]}', "row 0 is 7. Give an object"),
        (b'{"rows": []}', "the request has no rows. Give at least one"),
        (b'{"instances": []}', 'the body has no list "rows". Give {"rows"'),
        (b"[]", 'the body has no list "rows"'),
        (b"", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
    ],
)
def test_a_wrong_request_is_refused_with_the_value_and_the_remedy(server: Server, body: bytes, said: str) -> None:
    status, text = server.ask("/invocations", body)
    assert status == 400
    assert said in json.loads(text)["error"]


def test_other_content_paths_and_sizes_are_refused(server: Server) -> None:
    assert server.ask("/invocations", b"1,2", "text/csv") == (
        415, '{"error": "content type \'text/csv\' is unknown. Send application/json or application/jsonlines"}'
    )  # fmt: skip
    assert server.ask("/models")[0] == server.ask("/invocations")[0] == 404
    connection = HTTPConnection(server.address.removeprefix("http://"))
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Length", str(25 * 10**6 + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def start(folder: Path, *options: str) -> str:
    """The error of a server that does not start."""
    done = CliRunner().invoke(main, ["--model-folder", str(folder), *options])
    assert done.exit_code == 1
    return done.stderr


@pytest.mark.parametrize("name", ["arrays.safetensors", "values.json", "manifest.json"])
def test_an_altered_model_is_not_served(server: Server, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(server.folder, tmp_path / "model")
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    assert f"{name} of model model in {tmp_path} was altered" in start(folder)


def test_another_model_than_the_deployed_one_is_not_served(server: Server, tmp_path: Path) -> None:
    digest = manifest_sha256(model_store(str(server.lake), "local"), server.run_id)
    error = start(server.folder, "--manifest-sha256", "0" * 64)
    assert f"has the SHA-256 {digest}, not {'0' * 64}" in error


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    assert f"model model in {tmp_path} does not exist or was not saved completely" in start(tmp_path / "model")
