"""Model folders whose files somebody has changed at random, digests included."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from common.config.training import TrainingParameters
from common.contracts import tables
from common.detection.detector import Detector
from common.detection.drift.monitor import DriftMonitor
from common.detection.drift.reference import DriftReference
from common.detection.inputs import model_features
from common.detection.members.member import Samples
from common.detection.registry.artifacts import load_model, save_model
from common.detection.registry.decisions import Note
from common.detection.registry.formats import sha256
from common.detection.registry.pointer import ArtifactStore, current_run, model_store
from common.detection.registry.promotion import promote
from common.errors import ModelError
from jobs.inference.transform import WindowNotes, predict
from tests.common.detection.pairs.pair_tables import small_members
from tests.common.detection.synthetic import SETTINGS, structured
from tests.factories import SPEC

NAMES = model_features(SPEC).names
RUN = "if-0123456789abcdef"
FACTS = {"project_name": "local", "feature_spec_version": "v1", "baseline_horizon": "7d"}
FILES = ("arrays.safetensors", "values.json", "drift.json", "report.json")
CHANGED = (*FILES, "manifest.json", "SUCCESS", "../current.json")
STRANGE: tuple[Any, ...] = (
    None, True, "", "text", [], {}, [[]], [None], {"a": 1}, 0, -1, 1, 2, 2**31, 2**53, 2**63, 2**64, 10**400, 0.5,
    -0.0, 5e-324, 1e-30, 1e30, 1.7e308, math.nan, math.inf, -math.inf, "outbound", [1, 2], [0.0] * 5,
)  # fmt: skip
Fuzzed = tuple[ArtifactStore, Samples]


def model_with_all_members(folder: Path) -> Fuzzed:
    """A promoted model with all members, and windows of hosts for it to score."""
    pairs, spread, activity = small_members(folder / "lake")
    values = structured(40, 0)
    detector, raw = Detector.fit(Samples(features=values), SETTINGS)
    drift = DriftReference.fit(values, raw, NAMES, SPEC, SETTINGS.parameters.drift)
    store = model_store(str(folder), "local")
    save_model(store, RUN, detector.with_pairs(pairs, spread, detector.calibration), drift, FACTS, b"{}")
    promote(store, "local", RUN, Note("jane", "it is the first one"))
    start = activity["window_start_ts"][-1]
    keys = pa.table(
        {
            "host_ip": [f"10.0.0.{number}" for number in range(1, 6)],
            "segment_id": ["10.0.0.0/24"] * 5,
            "window_start_ts": pa.array([start.as_py()] * 5, pa.timestamp("us", "UTC")),
            "window_end_ts": pa.array([start.as_py()] * 5, pa.timestamp("us", "UTC")),
        }
    )
    now = activity.filter(pa.compute.equal(activity["window_start_ts"], start))
    return store, Samples(keys, structured(5, 1), now)


def fuzz(fuzzed: Fuzzed, seed: int, count: int) -> Counter[str]:
    """How many changed models were refused, and how many loaded and scored; the folder is as it was in the end.

    Raises:
        Exception: whatever but a `ModelError` loading and scoring raise, with a note on the change.
    """
    outcomes: Counter[str] = Counter()
    for number in range(seed, seed + count):
        rng = random.Random(number)
        name = rng.choice(CHANGED)
        with changed(fuzzed[0], name, rng, sealed=rng.random() < 0.85):
            try:
                use(fuzzed)
                outcomes["scored"] += 1
            except ModelError:
                outcomes["refused"] += 1
            except BaseException as error:
                error.add_note(f"with the change {number}, of {name}")
                raise
    return outcomes


def use(fuzzed: Fuzzed) -> None:
    """Loads the current model and scores windows with it, as inference does."""
    store, samples = fuzzed
    model = load_model(store, current_run(store), NAMES, dict(FACTS))
    monitor = DriftMonitor(model.drift, NAMES, model.detector.parameters.drift)
    with np.errstate(all="ignore"):
        json.loads(
            predict(model, samples, tables(SPEC)["predictions"], 8, WindowNotes({}, {}))["top_features"][0].as_py()
        )
        monitor.add(samples.features, model.detector.feature_scores(samples.features))
        monitor.measure(TrainingParameters(), 1)


@contextmanager
def changed(store: ArtifactStore, name: str, rng: random.Random, sealed: bool) -> Iterator[None]:
    """One file of the model changed at random, with all digests made again where it is sealed."""
    folder = Path(store.uri) / RUN
    kept = {path: (folder / path).read_bytes() for path in CHANGED}
    try:
        (folder / name).write_bytes(mutation(kept[name], name, rng))
        if sealed:
            _seal(folder, name)
        yield
    finally:
        for path, content in kept.items():
            (folder / path).write_bytes(content)


def mutation(content: bytes, name: str, rng: random.Random) -> bytes:
    """The content of the file with one or a few changes."""
    if name != "SUCCESS" and rng.random() < 0.7:
        if name.endswith(".json"):
            return _json_with_strange_values(content, rng)
        return _strange_header(content, rng) if rng.random() < 0.4 else _strange_numbers(content, rng)
    start, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    some = rng.randbytes(rng.randrange(1, 40))
    changed = bytearray(content)
    for _ in range(rng.randrange(1, 20)):
        changed[rng.randrange(len(content))] = rng.randrange(256)
    return rng.choice(
        [b"", content[:start], content[start:], content[:start] + content[end:], content + some, some,
         content[:end] + content[start:], content[:start] + some + content[start:], bytes(changed)]
    )  # fmt: skip


def _json_with_strange_values(content: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.03:
        return rng.choice([b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000, b'"' + b"a" * 10**6 + b'"'])
    value = json.loads(content)
    for _ in range(rng.randrange(1, 4)):
        place: Any = value
        while True:
            keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(place[key], dict | list) and len(place[key]) and rng.random() < 0.85:
                place = place[key]
                continue
            _change(place, key, rng)
            break
    return json.dumps(value).encode()


def _change(place: Any, key: Any, rng: random.Random) -> None:
    """Replaces, removes or adds an entry of a list or object."""
    draw = rng.random()
    if draw < 0.15:
        del place[key]
    elif draw < 0.3 and isinstance(place, list):
        place.insert(key, deepcopy(rng.choice(STRANGE)))
    else:
        place[key] = deepcopy(rng.choice(STRANGE))


def _strange_header(content: bytes, rng: random.Random) -> bytes:
    length = int.from_bytes(content[:8], "little")
    if rng.random() < 0.2:
        return rng.choice([2**63, 2**64 - 1, length + 8, length - 8, 0, 2**20]).to_bytes(8, "little") + content[8:]
    header = _json_with_strange_values(content[8 : 8 + length], rng)
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def _strange_numbers(content: bytes, rng: random.Random) -> bytes:
    """Numbers of one array replaced by such as computing with stumbles over."""
    length = int.from_bytes(content[:8], "little")
    entry = rng.choice(list(json.loads(content[8 : 8 + length]).values()))
    begin, end = (8 + length + place for place in entry["data_offsets"])
    kind = {"F64": "<f8", "I64": "<i8", "F32": "<f4", "I32": "<i4", "U8": "u1"}[entry["dtype"]]
    numbers = np.frombuffer(content[begin:end], kind).copy()
    if kind[-2] == "f":
        strange: list[float] = [np.nan, np.inf, -np.inf, 0, -1, 1e300, 5e-324]
    else:
        strange = [0, 1, 2, 127, 255, *([] if kind == "u1" else [-1, -2, np.iinfo(kind).min, np.iinfo(kind).max])]
    for _ in range(rng.randrange(1, 4) if len(numbers) else 0):
        with np.errstate(over="ignore"):
            numbers[rng.randrange(len(numbers))] = rng.choice(strange)
    return content[:begin] + numbers.tobytes() + content[end:]


def _seal(folder: Path, name: str) -> None:
    """Makes the digests again, up to the pointer, as far as what is changed can be read."""
    if name in FILES:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        content = (folder / name).read_bytes()
        manifest["files"][name] = {"sha256": sha256(content), "bytes": len(content)}
        (folder / "manifest.json").write_bytes(json.dumps(manifest).encode())
    if name in (*FILES, "manifest.json"):
        digest = sha256((folder / "manifest.json").read_bytes())
        (folder / "SUCCESS").write_text(digest)
        pointer = json.loads((folder / "../current.json").read_bytes())
        (folder / "../current.json").write_text(json.dumps(pointer | {"manifest_sha256": digest}))
