"""The image of the endpoint: without network and with nothing to write on, it answers as SageMaker asks."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from common.detection.inputs import model_features
from tests.common.detection.model_lake import make_lake, train_model
from tests.factories import SPEC
from tests.images.containers import CAUTIOUS, run_image

ROWS = [dict.fromkeys(model_features(SPEC).names, value) for value in (0.0, 3.0)]
ASK = """
import sys, urllib.request
body = sys.stdin.buffer.read() or None
request = urllib.request.Request("http://127.0.0.1:8080" + sys.argv[1], body, {"Content-Type": "application/json"})
sys.stdout.write(urllib.request.urlopen(request).read().decode())
"""


def ask(container: str, path: str, body: str = "") -> Any:
    """The answer to a request from inside the container; None where there is none."""
    command = ["docker", "exec", "-i", container, "python3", "-c", ASK, path]
    done = subprocess.run(command, input=body, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def test_the_container_serves_the_mounted_model(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "lake")
    trained = train_model(lake)
    identity = {"model_id": trained["run_id"], "model_sha256": trained["model_sha256"]}
    mount = ("-v", f"{lake}/models/local/{trained['run_id']}:/opt/ml/model:ro")
    command = ["docker", "run", "--detach", "--network", "none", *CAUTIOUS, *mount, "ndr-serve", "serve"]
    container = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    try:
        deadline = time.monotonic() + 60
        while (said := ask(container, "/ping")) is None and time.monotonic() < deadline:
            time.sleep(0.5)
        assert said == identity
        ordinary, busy = ask(container, "/invocations", json.dumps({"rows": ROWS}))["predictions"]
        assert {name: busy[name] for name in identity} == identity
        assert 0 <= ordinary["raw_score"] != busy["raw_score"]
        assert len(busy["top_features"]) == 8
    finally:
        subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=True)
    model = lake / "models/local" / trained["run_id"] / "arrays.safetensors"
    model.write_bytes(model.read_bytes() + b"\0")
    done = run_image("ndr-serve", "serve", options=mount)
    assert done.returncode == 1
    assert "arrays.safetensors of model model in /opt/ml was altered" in done.stderr
