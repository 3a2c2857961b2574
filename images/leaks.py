"""Searches the layers and configuration of images for secrets: python images/leaks.py [image ...].

A file deleted by a later layer is still in the earlier one; therefore each layer is searched. Without arguments, all
images of the bake file are searched.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from typing import IO

from plan import image_names, output

LARGEST = 4 << 20  # bytes; keys and settings are smaller, larger files are skipped
LAYERS = re.compile(r"[0-9a-f]{64}/layer\.tar|blobs/sha256/[0-9a-f]{64}")
FILES = re.compile(
    r"(^|/)(\.netrc|\.pypirc|\.npmrc|\.git-credentials|\.env|\.aws/credentials|\.docker/config\.json|\.git/config"
    r"|id_(rsa|dsa|ecdsa|ed25519)|.*\.(p12|pfx|kdbx|ppk))$"
)
SETTINGS = re.compile(r"(^|/)(pip\.conf|sources\.list|[^/]*\.sources|auth\.conf|\.gitconfig|\.condarc)$")
KEYS = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\r?\n[A-Za-z0-9+/=]{32}"
    rb"|\b(?:AKIA|ASIA)(?![A-Z0-9]{9}EXAMPLE)[A-Z0-9]{16}\b"
    rb"|(?i:aws_secret_access_key)[\"']?\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}\b(?<!EXAMPLEKEY)"
    rb"|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bglpat-[A-Za-z0-9_-]{20}\b|\bxox[abprs]-[A-Za-z0-9-]{20}|\bAIza[A-Za-z0-9_-]{35}\b"
)
PASSWORD_IN_URL = re.compile(rb"://[^/\s:@]+:[^/\s:@]+@")
NAMED = re.compile(rb"(?i)(?:password|passwd|secret|token|api_?key)[a-z_]*=[^\s\"']{4,}")


def main(images: list[str]) -> int:
    """The exit code: 0 if nothing was found, 1 with a line on stderr for each finding."""
    findings = sorted({finding for image in images for finding in in_configuration(image)} | set(in_layers(images)))
    for finding in findings:
        sys.stderr.write(f"error: {finding}\n")
    if not findings:
        sys.stdout.write(f"no secrets in the layers of {' '.join(images)}\n")
    return 1 if findings else 0


def in_configuration(image: str) -> Iterator[str]:
    """Suspected secrets in the environment, labels and build steps of an image."""
    config = json.loads(output("docker", "image", "inspect", image))[0]["Config"]
    steps = output("docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image).splitlines()
    labels = [f"{key}={value}" for key, value in (config["Labels"] or {}).items()]
    for text in [*(config["Env"] or ()), *labels, *steps]:
        for pattern in (KEYS, PASSWORD_IN_URL, NAMED):
            if pattern.search(text.encode()):
                yield f"{image}: its configuration says {text[:40]!r}..."


def in_layers(images: list[str]) -> Iterator[str]:
    """Suspected secrets in the files of all layers."""
    with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None
        with tarfile.open(fileobj=saving.stdout, mode="r|") as archive:
            for member in archive:
                if (member.isfile() and LAYERS.fullmatch(member.name)) and (content := archive.extractfile(member)):
                    yield from _in_layer(member.name, content)
        saving.stdout.read()
    if saving.returncode:
        raise SystemExit(f"error: docker save failed with exit code {saving.returncode}")


def _in_layer(layer: str, content: IO[bytes]) -> Iterator[str]:
    start = io.BufferedReader(content)  # type: ignore[type-var]
    if start.peek(1)[:1] == b"{":  # a manifest, which Docker keeps among the layers
        return
    with tarfile.open(fileobj=start, mode="r|*") as files:
        for member in files:
            if not member.isfile():
                continue
            if FILES.search(member.name):
                yield f"layer {layer[:12]}: {member.name} is a file for secrets"
            elif member.size <= LARGEST and (stream := files.extractfile(member)):
                text = stream.read()
                if text.startswith(b"\x7fELF"):  # libraries hold keys to test themselves with
                    continue
                if KEYS.search(text) or (SETTINGS.search(member.name) and PASSWORD_IN_URL.search(text)):
                    yield f"layer {layer[:12]}: {member.name} holds a secret"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or image_names()))
