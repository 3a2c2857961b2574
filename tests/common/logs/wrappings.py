"""Ways to wrap log records, as shippers, search engines and archives do."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from typing import Any


def _lines(objects: Sequence[Any]) -> str:
    return "".join(json.dumps(found) + "\n" for found in objects)


def _nested(text: str, *names: str) -> Any:
    found: Any = text
    for name in reversed(names):
        found = {name: found}
    return found


def around_text(*names: str) -> Callable[[list[str]], str]:
    """A line for each record, which holds it as a text under these names."""
    return lambda records: _lines([{"host": "fw1", "n": 1.5} | _nested(text, *names) for text in records])


def around_object(*names: str) -> Callable[[list[str]], str]:
    """A line for each record, which holds it as an object under these names."""
    return lambda records: _lines([{"time": 1.5} | _nested(json.loads(text), *names) for text in records])


def _filebeat(records: list[str]) -> str:
    log = {"source": {"address": "10.9.9.9:33"}}
    return _lines(
        [
            {"@timestamp": "x", "ecs": {"version": "8"}, "event": {"original": text}, "message": text, "log": log}
            for text in records
        ]
    )


def _cloudwatch(records: list[str]) -> str:
    events = [{"id": str(at), "timestamp": at, "message": text} for at, text in enumerate(records)]
    groups = [events[at : at + 3] for at in range(0, len(events), 3)]
    return "".join(json.dumps({"messageType": "DATA_MESSAGE", "logEvents": group}) for group in groups)  # no newline


def _firehose(records: list[str], pack: Callable[[bytes], bytes] = bytes) -> str:
    data = [{"recordId": str(at), "data": base64.b64encode(pack(text.encode())).decode()} for at, text in
            enumerate(records)]  # fmt: skip
    return json.dumps({"requestId": "1", "records": data})


def _hits(records: list[str], indent: int | None = None) -> str:
    hits = [{"_index": "a", "_id": str(at), "_source": json.loads(text)} for at, text in enumerate(records)]
    found = {"took": 3, "_shards": {"total": 1}, "hits": {"total": {"value": len(hits)}, "hits": hits}}
    return json.dumps(found | {"after": {"a": {"b": 1}}}, indent=indent)


TEXT: dict[str, Callable[[list[str]], str]] = {
    "Vector": around_text("message"),
    "Docker": lambda records: _lines([{"log": text + "\n", "stream": "stdout", "time": "x"} for text in records]),
    "journald": around_text("MESSAGE"),
    "Elastic Agent": around_text("event", "original"),
    "dotted": around_text("event.original"),
    "Filebeat": _filebeat,
    "HEC": around_text("event"),
    "Splunk": around_text("_raw"),
    "Splunk export": around_text("result", "_raw"),
    "search hits": around_text("_source", "message"),
    "CloudWatch": _cloudwatch,
    "Firehose": _firehose,
    "Firehose of CloudWatch": lambda records: _firehose(records, gzip.compress),
    "Google Cloud": around_text("textPayload"),
    "Docker of Vector": lambda records: _lines([{"log": json.dumps({"message": text}) + "\n"} for text in records]),
    "array of Vector": lambda records: json.dumps([{"message": text} for text in records], indent=2),
}
"""What holds records of any format as text."""

OBJECTS: dict[str, Callable[[list[str]], str]] = {
    "array": lambda records: f"[{','.join(records)}]",
    "pretty array": lambda records: json.dumps([json.loads(text) for text in records], indent=2),
    "array on each line": lambda records: "".join(f"[{text}, {text}]\n" for text in records[::2]),
    "pretty": lambda records: "\n".join(json.dumps(json.loads(text), indent=2) for text in records),
    "in a row": "".join,
    "HEC": around_object("event"),
    "HEC in a row": lambda records: around_object("event")(records).replace("\n", ""),
    "Splunk export": around_object("result"),
    "bulk": lambda records: "".join(f'{{"index": {{"_index": "a"}}}}\n{text}\n' for text in records),
    "bulk updates": lambda records: "".join(f'{{"update":{{"_id":"1"}}}}\n{{"doc":{text}}}\n' for text in records),
    "search result": _hits,
    "pretty search result": lambda records: _hits(records, 1),
}
"""What holds records of formats in JSON as objects."""
