"""Lists the images of the bake file: tags, size, and the share in common with other images."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from typing import Any

from plan import image_names, output

ROW = "{:22} {:>8} {:>8} {:>7}  {}\n"
NO_LAYER = re.compile(r"(/bin/sh -c #\(nop\) +)?(ARG|CMD|ENTRYPOINT|ENV|EXPOSE|LABEL|SHELL|STOPSIGNAL|USER|VOLUME)\b")


def main() -> None:
    """Prints one line per built image, and the images not built at the end."""
    names = image_names()
    built = set(output("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split())
    images = {name: _inspect(name) for name in names if f"{name}:latest" in built}
    layers = {name: _layers(name, image["RootFS"]["Layers"]) for name, image in images.items()}
    users = Counter(layer for held in layers.values() for layer in held)
    sys.stdout.write(ROW.format("image", "MB", "own MB", "layers", "tags"))
    for name, held in layers.items():
        own = {layer: size for layer, size in held.items() if users[layer] == 1}
        tags = " ".join(sorted(reference.partition(":")[2] for reference in images[name]["RepoTags"]))
        sys.stdout.write(ROW.format(name, _mb(sum(held.values())), _mb(sum(own.values())), len(held), tags))
    every = {layer: size for held in layers.values() for layer, size in held.items()}
    sys.stdout.write(ROW.format("all together", _mb(sum(every.values())), "", len(every), ""))
    if missing := [name for name in names if name not in images]:
        sys.stdout.write(f"not built: {' '.join(missing)}. Build them with make images\n")


def _layers(image: str, digests: list[str]) -> dict[str, int]:
    """The size of each layer (bytes), by digest."""
    history = output("docker", "history", "--no-trunc", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}", image)
    steps = [line.split("\t") for line in reversed(history.splitlines())]
    sizes = [int(size) for size, step in steps if not NO_LAYER.match(step)]
    return dict(zip(digests, sizes, strict=True))


def _inspect(image: str) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(output("docker", "image", "inspect", f"{image}:latest"))[0]
    return described


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f}"


if __name__ == "__main__":
    main()
