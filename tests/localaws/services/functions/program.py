"""A function for the tests: a program that gets its invocations from the Runtime API, and does what their events say.

An event is `{"do": "echo", ...}`, or has records of a queue whose bodies are such documents, or notifications of S3.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any


def call(path: str, document: Any = None) -> tuple[dict[str, str], Any]:
    body = None if document is None else json.dumps(document).encode()
    url = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/{path}"
    with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
        return {name.lower(): value for name, value in answer.getheaders()}, json.load(answer)


def note(folder: str | None, line: str) -> None:
    if folder:
        with Path(folder, "notes").open("a") as file:
            file.write(f"{line}\n")


def answer_of(event: dict[str, Any], headers: dict[str, str]) -> Any:
    match event.get("do"):
        case "echo":
            return {"event": event, "headers": headers, "pid": os.getpid()}
        case "environment":
            return {name: os.environ.get(name) for name in event["names"]}
        case "sleep":
            print("sleeping", flush=True)
            time.sleep(event["seconds"])
            return {"pid": os.getpid()}
        case "wait":
            while not Path(event["until"]).exists():
                time.sleep(0.05)
            return {"pid": os.getpid()}
        case "exit":
            os._exit(event["code"])
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fail":
            raise ValueError(event["message"])
    return None


def handle(event: dict[str, Any], headers: dict[str, str]) -> Any:
    if "Records" not in event:
        note(event.get("folder"), json.dumps(event))
        return answer_of(event, headers)
    failed = []
    for record in event["Records"]:
        note(os.environ.get("NDR_FOLDER"), json.dumps(record))
        body = json.loads(record["body"])
        if body.get("do") in ("fail", None) and "Records" not in body and body.get("Event") != "s3:TestEvent":
            failed.append({"itemIdentifier": record["messageId"]})
        else:
            answer_of(body, headers)
    return {"batchItemFailures": failed}


def main() -> None:
    if sys.argv[1:] == ["broken"]:
        call("init/error", {"errorMessage": "no such module", "errorType": "Runtime.ImportModuleError"})
        sys.exit(1)
    while True:
        headers, event = call("invocation/next")
        place = f"invocation/{headers['lambda-runtime-aws-request-id']}"
        try:
            call(f"{place}/response", handle(event, headers))
        except ValueError as error:
            call(f"{place}/error", {"errorMessage": str(error), "errorType": type(error).__name__})


if __name__ == "__main__":
    main()
