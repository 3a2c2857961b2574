"""Downloads locked jars from Maven Central: python fetch.py <lock file> <folder>."""

import hashlib
import sys
from pathlib import Path
from urllib.request import urlopen

REPOSITORY = "https://repo1.maven.org/maven2"


def main(lock: Path, folder: Path) -> None:
    """Downloads each locked jar into the folder; exits if a digest differs."""
    for line in lock.read_text().splitlines():
        digest, path = line.split()
        with urlopen(f"{REPOSITORY}/{path}") as answer:
            content = answer.read()
        if (found := hashlib.sha256(content).hexdigest()) != digest:
            sys.exit(f"error: {path} has the SHA-256 {found}, not {digest}. Lock again if the change is intended")
        (folder / Path(path).name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
