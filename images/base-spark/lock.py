"""Resolves the jars of Delta Lake and S3A that Spark lacks, and prints their digests and paths on Maven Central.

Runs in an environment with classic Spark: python images/base-spark/lock.py >requirements/image-jars.txt
"""

import hashlib
import sys
import tempfile
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

from common.runtime.engine import S3A_LEFT_OUT, S3A_PACKAGES

DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
LEFT_OUT = (S3A_LEFT_OUT, "commons-logging:commons-logging", "org.roaringbitmap:shims")


def main() -> None:
    """Prints one line per jar: its SHA-256 and its path in the repository."""
    with tempfile.TemporaryDirectory() as folder:
        builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
        builder = builder.config("spark.jars.ivy", folder).config("spark.jars.excludes", ",".join(LEFT_OUT))
        builder.config("spark.jars.packages", ",".join([DELTA, *S3A_PACKAGES])).getOrCreate().stop()
        chosen = {path.name for path in Path(folder, "jars").iterdir()}
        present = {_artifact(path) for path in Path(pyspark.__file__).with_name("jars").glob("*.jar")}
        for path in sorted(Path(folder, "cache").glob("*/*/*/*.jar")):
            group, artifact = path.parts[-4:-2]
            if f"{group}_{path.name}" in chosen and artifact not in present:
                version = path.stem.removeprefix(f"{artifact}-")
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                sys.stdout.write(f"{digest}  {group.replace('.', '/')}/{artifact}/{version}/{path.name}\n")


def _artifact(jar: Path) -> str:
    """The artifact of a jar: its name without the version."""
    words = jar.stem.split("-")
    return "-".join(words[: next((at for at, word in enumerate(words) if at and word[0].isdigit()), len(words))])


if __name__ == "__main__":
    main()
