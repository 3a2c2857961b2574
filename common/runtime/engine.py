"""The compute engine: two engines behind one DataFrame API."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from common.errors import EngineError
from common.runtime.environment import default_variables
from common.runtime.output import activity
from common.storage.filesystems import aws_region, s3_endpoint

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ENGINES = ("sail", "spark")

CALL_SITES = "spark.python.sql.dataFrameDebugging.enabled"
"""With it, pyspark looks for IPython, and at the stack, whenever a column is made."""
SPARK_SETTINGS = {
    CALL_SITES: "false",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.ansi.enabled": "true",
    # fg_c's columns exceed Spark's default limits for printing plans and for generating code
    "spark.sql.debug.maxToStringFields": "25",
    "spark.sql.codegen.maxFields": "100",
    "spark.databricks.delta.snapshotPartitions": "2",
}
SDK = "software.amazon.awssdk"
SDK_VERSION = "2.35.4"  # of the bundle that hadoop-aws 3.5.0 requires
SDK_MODULES = ("s3", "s3-transfer-manager", "sts", "apache-client", "netty-nio-client")
S3A_PACKAGES = ["org.apache.hadoop:hadoop-aws:3.5.0", *(f"{SDK}:{name}:{SDK_VERSION}" for name in SDK_MODULES)]
S3A_LEFT_OUT = f"{SDK}:bundle"
"""Of all services of AWS, in 650 MB; the modules that S3A uses have 26 MB."""
IDLE_SECONDS = str(30 * 24 * 3600)
"""A session of Sail lives as long as its process: Sail itself ends one that is idle for 15 minutes, less than a fit."""
S3A_CREDENTIALS = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"


class Engine:
    """An engine of the block that it is entered with: it starts when its session is first asked for.

    `session` hands over one that is running, which somebody else closes.
    """

    def __init__(self, name: str, *, remote_storage: bool = False, session: SparkSession | None = None) -> None:
        self.name = name
        self.is_cluster = name == "spark"
        self._remote_storage, self._session = remote_storage, session
        self._opened = ExitStack()

    @property
    def session(self) -> SparkSession:
        """The session.

        Raises:
            EngineError: the engine is not installed, or does not start.
        """
        if self._session is None:
            with activity(f"starting engine {self.name}"):
                opening = open_engine(self.name, remote_storage=self._remote_storage)
                self._session = self._opened.enter_context(opening)
        return self._session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._opened.close()


@contextmanager
def open_engine(name: str, *, remote_storage: bool = False) -> Iterator[SparkSession]:
    """A session of the engine in UTC, closed on exit.

    `sail` runs in this process; `spark` on `NDR_SPARK_MASTER` (default: all cores of this machine). Classic Spark
    loads its S3 connector only with `remote_storage`.

    Raises:
        EngineError: the engine is unknown or not installed, or does not start.
    """
    if name not in ENGINES:
        raise EngineError(f"engine {name!r} is unknown", f"Choose one of {', '.join(ENGINES)}")
    with _sail() if name == "sail" else _spark(remote_storage) as session:
        session.conf.set("spark.sql.session.timeZone", "UTC")
        yield session


@contextmanager
def _sail() -> Iterator[SparkSession]:
    if importlib.util.find_spec("pysail") is None:
        raise EngineError("engine sail is not installed", "Run pip install '.[sail]' in a checkout")
    settings = {
        "RUST_LOG": "off",
        "SPARK_CONNECT_MODE_ENABLED": "1",  # pyspark sets it, and leaves it
        "SAIL_SPARK__SESSION_TIMEOUT_SECS": IDLE_SECONDS,
    }
    if s3_endpoint().startswith("http://"):
        settings["AWS_ALLOW_HTTP"] = "true"
    with default_variables(settings):
        from pysail.spark import SparkConnectServer
        from pyspark.sql import SparkSession

        server = SparkConnectServer("127.0.0.1", 0)
        server.start()
        host, port = server.listening_address
        try:
            session = SparkSession.builder.remote(f"sc://{host}:{port}").create()
            session.conf.set(CALL_SITES, "false")
            session.client.set_retry_policies([])  # a server in this process that is gone does not come back
            try:
                yield session
            finally:
                session.stop()
        finally:
            server.stop()


@contextmanager
def _spark(remote_storage: bool) -> Iterator[SparkSession]:
    if importlib.util.find_spec("delta") is None:
        raise EngineError("engine spark is not installed", "Run pip install '.[spark]' in a checkout")
    from delta import configure_spark_with_delta_pip
    from pyspark.sql import SparkSession

    if (running := SparkSession.getActiveSession()) is not None:  # one per process; its opener closes it
        yield running
        return
    builder = SparkSession.builder.master(os.environ.get("NDR_SPARK_MASTER", "local[*]")).appName("ndr")
    for key, value in SPARK_SETTINGS.items():
        builder = builder.config(key, value)
    if remote_storage:
        for key, value in _s3a_settings().items():
            builder = builder.config(key, value)
    for entry in filter(None, os.environ.get("NDR_SPARK_CONF", "").split(";")):
        key, _, value = entry.partition("=")
        builder = builder.config(key.strip(), value.strip())
    with default_variables({"PYSPARK_PYTHON": sys.executable}):
        try:
            if not _has_jars():
                builder = configure_spark_with_delta_pip(builder, S3A_PACKAGES if remote_storage else [])
            session = builder.getOrCreate()
        except RuntimeError as error:
            raise EngineError(f"engine spark does not start: {error}", "Check that Java 17 is installed") from error
        session.sparkContext.setLogLevel("ERROR")
        try:
            yield session
        finally:
            session.stop()


def _has_jars() -> bool:
    """Whether Spark includes the jars of Delta Lake and S3A, as in the images, and needs no download."""
    import pyspark

    return any(Path(pyspark.__file__).with_name("jars").glob("delta-spark_*.jar"))


def _s3a_settings() -> dict[str, str]:
    """Settings of the S3 connector: credentials and, if set, the endpoint of the environment."""
    settings = {
        "spark.jars.excludes": S3A_LEFT_OUT,
        "spark.hadoop.fs.s3a.aws.credentials.provider": S3A_CREDENTIALS,
    }
    if endpoint := s3_endpoint():
        settings |= {
            "spark.hadoop.fs.s3a.endpoint": endpoint,
            "spark.hadoop.fs.s3a.endpoint.region": aws_region(),
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(endpoint.startswith("https://")).lower(),
        }
    return settings
