"""Prints the images of the bake file: tags, size, and how much of it other images share."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

DISK_USE = ("docker", "system", "df", "--verbose", "--format", "{{json .}}")
ROW = "{:22} {:10} {:10} {:10} {:>7}  {}\n"


def main() -> None:
    """One line for each image that was built; those that were not are named at the end."""
    plan = json.loads(_output("docker", "buildx", "bake", "--print", "default"))
    names = sorted(name for name, target in plan["target"].items() if target.get("tags"))
    sizes = {entry["ID"]: entry for entry in json.loads(_output(*DISK_USE))["Images"]}
    built = set(_output("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split())
    found = {name: _inspect(name) for name in names if f"{name}:latest" in built}
    layers = {name: set(image["RootFS"]["Layers"]) for name, image in found.items()}
    common = set.intersection(*layers.values()) if layers else set()
    sys.stdout.write(ROW.format("image", "size", "shared", "own", "layers", "tags"))
    for name, own in layers.items():
        tags = [reference.partition(":")[2] for reference in found[name]["RepoTags"]]
        entry = sizes[found[name]["Id"]]
        counted = f"{len(own & common)}/{len(own)}"
        row = (name, entry["Size"], entry["SharedSize"], entry["UniqueSize"], counted, " ".join(sorted(tags)))
        sys.stdout.write(ROW.format(*row))
    sys.stdout.write(
        f"layers: those that all images share, of all; {len(set.union(set(), *layers.values()))} in total\n"
    )
    if missing := [name for name in names if name not in layers]:
        sys.stdout.write(f"not built: {' '.join(missing)}. Build them with make images\n")


def _inspect(image: str) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(_output("docker", "image", "inspect", f"{image}:latest"))[0]
    return described


def _output(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
