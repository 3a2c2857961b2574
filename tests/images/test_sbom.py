"""The bill of materials of an image names what was locked for it, and what came with the base."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.checkout import ROOT


@pytest.mark.parametrize(("image", "lock"), [("ndr-fg-c", "lambda"), ("ndr-fg-b", "sail"), ("ndr-spark", "spark")])
def test_everything_that_was_locked_is_listed(image: str, lock: str, tmp_path: Path) -> None:
    subprocess.run(["images/sbom.sh", tmp_path, image], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    bill = json.loads((tmp_path / f"{image}.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    listed = {entry["purl"].partition("?")[0] for entry in bill["components"] if "purl" in entry}
    text = (ROOT / "requirements" / f"image-{lock}.txt").read_text()
    locked = {f"pkg:pypi/{name}@{version}" for name, version in re.findall(r"^([a-z0-9-]+)==([^ ]+)", text, re.M)}
    assert locked and locked <= listed
    jars = [line.split("/") for line in (ROOT / "requirements" / "image-jars.txt").read_text().splitlines()]
    named = {purl.rpartition("/")[2] for purl in listed if purl.startswith("pkg:maven/")}
    assert {f"{artifact}@{version}" for *_, artifact, version, _ in jars} <= named or lock != "spark"
    assert any(purl.startswith("pkg:deb/debian/libc6@") for purl in listed)
