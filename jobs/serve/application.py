"""The answers to SageMaker's requests, as a WSGI application."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from common.detection.members.member import Samples
from common.detection.registry.artifacts import LoadedModel
from common.detection.scoring import score
from common.errors import InputError
from jobs.serve.requests import JSON, JSON_LINES, matrix_of, read_rows

BODY_MOST = 25 * 10**6
"""The most bytes of a request; SageMaker sends no more."""

Answer = tuple[str, str, bytes]
"""Status, content type and content."""


class Application:
    """Says at `GET /ping` which model it serves, and at `POST /invocations` what that makes of rows of features."""

    def __init__(self, model: LoadedModel, top_features: int) -> None:
        self._model, self._count = model, top_features
        self._features = tuple(model.manifest["preprocessing"]["features"])
        self._identity = {"model_id": model.run_id, "model_sha256": model.model_sha256}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The content of the answer."""
        status, kind, content = self._answer(environ)
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(content)))])
        return [content]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
            case "GET", "/ping":
                return "200 OK", JSON, json.dumps(self._identity).encode()
            case "POST", "/invocations":
                return self._scores(environ)
            case method, path:
                return _refusal("404 Not Found", f"{method} {path} is unknown. Send GET /ping or POST /invocations")

    def _scores(self, environ: dict[str, Any]) -> Answer:
        kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() or JSON
        if kind not in (JSON, JSON_LINES):
            problem = f"content type {kind!r} is unknown. Send {JSON} or {JSON_LINES}"
            return _refusal("415 Unsupported Media Type", problem)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            features = matrix_of(read_rows(body, kind), self._features)
        except InputError as error:
            return _refusal("400 Bad Request", str(error))
        keys = pa.table({"row": np.arange(len(features))})
        scored = score(self._model, Samples(keys, features), self._count)
        rows = [
            {"anomaly_score": float(anomaly), "raw_score": float(raw), "top_features": json.loads(reasons)}
            | self._identity
            for anomaly, raw, reasons in zip(scored.anomaly_score, scored.raw_score, scored.top_features, strict=True)
        ]
        if kind == JSON_LINES:
            return "200 OK", kind, "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        return "200 OK", kind, json.dumps({"predictions": rows}).encode()


def _refusal(status: str, problem: str) -> Answer:
    return status, JSON, json.dumps({"error": problem}).encode()
