"""Resolves the jars of Delta Lake and S3A that Spark lacks, and prints their digests and paths on Maven Central.

Runs in an environment with classic Spark: python images/base-spark/lock.py >requirements/image-jars.txt
"""

import hashlib
import sys
import tempfile
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
HADOOP = "org.apache.hadoop:hadoop-aws:3.5.0"
LEFT_OUT = ("software.amazon.awssdk:bundle", "commons-logging:commons-logging", "org.roaringbitmap:shims")
SDK_VERSION = "2.35.4"  # of the bundle that hadoop-aws 3.5.0 requires
SDK_MODULES = ("s3", "s3-transfer-manager", "sts", "apache-client", "netty-nio-client")


def main() -> None:
    """Prints one line per jar: its SHA-256 and its path in the repository."""
    modules = [f"software.amazon.awssdk:{name}:{SDK_VERSION}" for name in SDK_MODULES]
    with tempfile.TemporaryDirectory() as folder:
        builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
        builder = builder.config("spark.jars.ivy", folder).config("spark.jars.excludes", ",".join(LEFT_OUT))
        builder.config("spark.jars.packages", ",".join([DELTA, HADOOP, *modules])).getOrCreate().stop()
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
