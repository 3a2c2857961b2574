"""UNLOAD to and COPY from the local S3."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.localaws.services.redshift_data.redshift import Redshift
from tests.redshift import ROLE


def test_unload_writes_parquet_and_a_manifest(redshift: Redshift) -> None:
    redshift.do("CREATE TABLE t (I INT, s VARCHAR(10))", "INSERT INTO t VALUES (1, 'it''s'), (2, 'b'), (3, NULL)")
    to = f"s3://{redshift.bucket}/out/"
    unload = f"UNLOAD ('SELECT I, s FROM t WHERE s <> ''b'' OR s IS NULL ORDER BY i') TO '{to}' {ROLE}"
    done = redshift.run(f"{unload} FORMAT AS PARQUET MANIFEST VERBOSE")
    assert done["Status"] == "FINISHED", done
    found = redshift.objects("out/")
    assert set(found) == {"out/0000_part_00.parquet", "out/manifest"}
    content = found["out/0000_part_00.parquet"]
    assert pq.read_table(io.BytesIO(content)).to_pydict() == {"i": [1, 3], "s": ["it's", None]}
    manifest = json.loads(found["out/manifest"])
    meta = {"content_length": len(content), "record_count": 2}
    assert manifest["entries"] == [{"url": f"{to}0000_part_00.parquet", "meta": meta}]
    assert manifest["meta"] == meta
    assert [item["name"] for item in manifest["schema"]["elements"]] == ["i", "s"]


def test_unload_does_not_overwrite_unless_told(redshift: Redshift) -> None:
    to = f"s3://{redshift.bucket}/out/"
    unload = f"UNLOAD ($$SELECT 'x' AS a$$) TO '{to}' IAM_ROLE default FORMAT AS CSV HEADER"
    redshift.s3.put_object(Bucket=redshift.bucket, Key="out/old", Body=b"old")
    assert "destination on S3 is not empty" in redshift.error(unload)
    assert redshift.run(f"{unload} ALLOWOVERWRITE")["Status"] == "FINISHED"
    assert redshift.objects("out/") == {"out/old": b"old", "out/0000_part_00": b"a\nx\n"}
    assert redshift.run(f"{unload} CLEANPATH PARALLEL OFF")["Status"] == "FINISHED"
    assert redshift.objects("out/") == {"out/0000_part_00": b"a\nx\n"}


def put_parquet(redshift: Redshift, key: str, **columns: list[Any]) -> int:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    redshift.s3.put_object(Bucket=redshift.bucket, Key=key, Body=buffer.getvalue())
    return len(buffer.getvalue())


def test_copy_reads_what_is_below_a_prefix(redshift: Redshift) -> None:
    redshift.do("CREATE TABLE t (i INT, s VARCHAR(10))")
    put_parquet(redshift, "in/a.parquet", x=[1, 2], y=["a", "b"])
    put_parquet(redshift, "in/b.parquet", x=[3], y=["c"])
    redshift.s3.put_object(Bucket=redshift.bucket, Key="in/_SUCCESS", Body=b"")
    done = redshift.run(f"COPY t FROM 's3://{redshift.bucket}/in/' {ROLE} FORMAT AS PARQUET")
    assert (done["Status"], done["ResultRows"]) == ("FINISHED", 3)
    assert redshift.rows("SELECT i, s FROM t ORDER BY i") == [[1, "a"], [2, "b"], [3, "c"]]
    missing = redshift.error(f"COPY t FROM 's3://{redshift.bucket}/none/' {ROLE} FORMAT AS PARQUET")
    assert missing == f"ERROR: The specified S3 prefix 's3://{redshift.bucket}/none/' does not exist"
    assert "NoSuchBucket" in redshift.error(f"COPY t FROM 's3://no-such-bucket/' {ROLE} FORMAT AS PARQUET")


def test_copy_reads_exactly_what_a_manifest_names(redshift: Redshift) -> None:
    redshift.do("CREATE TABLE public.t (i INT, s VARCHAR(10))")
    size = put_parquet(redshift, "in/a.parquet", s=["a"], i=[1])
    put_parquet(redshift, "in/b.parquet", s=["b"], i=[2])
    url = f"s3://{redshift.bucket}/in/a.parquet"

    def copy(*entries: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"entries": list(entries)})
        redshift.s3.put_object(Bucket=redshift.bucket, Key="in/manifest", Body=body)
        source = f"s3://{redshift.bucket}/in/manifest"
        return redshift.run(f'COPY "public"."t" (s, i) FROM \'{source}\' {ROLE} FORMAT AS PARQUET MANIFEST')

    assert copy({"url": url, "mandatory": True, "meta": {"content_length": size}})["Status"] == "FINISHED"
    assert redshift.rows("SELECT i, s FROM t") == [[1, "a"]]
    assert "content_length" in copy({"url": url, "meta": {"content_length": size + 1}})["Error"]
    missing = copy({"url": f"s3://{redshift.bucket}/none", "mandatory": True, "meta": {"content_length": 1}})
    assert "Mandatory url is not present" in missing["Error"]
    assert redshift.rows("SELECT count(*) FROM t") == [[1]]


def test_a_failed_copy_undoes_its_batch(redshift: Redshift) -> None:
    redshift.do("CREATE TABLE t (i INT)", "INSERT INTO t VALUES (7)")
    put_parquet(redshift, "in/a.parquet", x=["no number"])
    done = redshift.batch("DELETE FROM t", f"COPY t FROM 's3://{redshift.bucket}/in/' {ROLE} FORMAT AS PARQUET")
    assert done["Status"] == "FAILED"
    assert redshift.rows("SELECT i FROM t") == [[7]]


def test_unloaded_csv_can_be_copied(redshift: Redshift) -> None:
    redshift.do("CREATE TABLE t (i INT, s VARCHAR(20))", "INSERT INTO t VALUES (1, 'a,b'), (2, 'c\"d'), (3, NULL)")
    redshift.do(f"UNLOAD ('SELECT * FROM t') TO 's3://{redshift.bucket}/csv/' {ROLE} FORMAT CSV HEADER")
    redshift.do(
        "CREATE TABLE u (i INT, s VARCHAR(20))",
        f"COPY u FROM 's3://{redshift.bucket}/csv/' {ROLE} CSV IGNOREHEADER 1",
    )
    assert redshift.rows("SELECT i, s FROM u ORDER BY i") == [[1, "a,b"], [2, 'c"d'], [3, None]]
