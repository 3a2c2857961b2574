"""Secrets of Secrets Manager. Their values are in no message."""

from __future__ import annotations

import json

from common.aws.clients import aws_errors, client
from common.errors import InputError


def read_secret(name: str) -> dict[str, str]:
    """The texts that a secret, by its name or ARN, holds as a JSON object.

    Raises:
        InputError: it holds something else.
        AwsError: it does not exist, or may not be read.
    """
    with aws_errors(f"the secret {name} could not be read"):
        text = client("secretsmanager").get_secret_value(SecretId=name).get("SecretString", "")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise InputError(f"the secret {name} is no JSON object of texts", 'Store one, like {"url": "https://..."}')
    return found
