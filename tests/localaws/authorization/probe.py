"""What runs in the place of a stage: a call of a service, whose answer or error is printed.

`probe.py SERVICE OPERATION JSON ...` with the credentials of the environment; each call prints a line. Without
arguments, it prints who it is.
"""

from __future__ import annotations

import json
import sys

import boto3
from botocore.exceptions import ClientError


def said(service: str, operation: str, arguments: str) -> str:
    try:
        answer = getattr(boto3.client(service), operation)(**json.loads(arguments))
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return str(answer.get("Arn", "done"))


def main() -> None:
    words = sys.argv[1:] or ["sts", "get_caller_identity", "{}"]
    for call in zip(words[::3], words[1::3], words[2::3], strict=True):
        print(said(*call))


if __name__ == "__main__":
    main()
