"""Runs the image of a Lambda function against the Runtime API."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.images.containers import CAUTIOUS
from tests.localaws.running import unique
from tests.runtime_api import RuntimeApi, serving


@contextmanager
def function(image: str, given: Mapping[str, str]) -> Iterator[RuntimeApi]:
    """The API that the function takes its events from, while it runs with these variables."""
    with serving() as api:
        named = {**given, "AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_RUNTIME_API": api.url}
        variables = [word for name, value in named.items() for word in ("--env", f"{name}={value}")]
        container = unique("ndr-function")
        command = ["docker", "run", "--rm", "--name", container, "--network", "host", *CAUTIOUS, *variables, image]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            try:
                yield api
            finally:  # it waits for the next event
                subprocess.run(["docker", "kill", container], capture_output=True, check=True)
