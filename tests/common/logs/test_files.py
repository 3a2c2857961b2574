from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from common.errors import FormatError, InputError, ParameterError, StorageError
from common.logs import Hole, ReadOptions, detect_format, find_files, find_logs, read_file, read_files
from common.logs.blocks import BLOCK_BYTES, MAX_LINE_BYTES, blocks
from tests.common.logs.panos_logs import threat, traffic


def write(path: Path, data: bytes | str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


@pytest.fixture
def batch_folder(tmp_path: Path) -> Path:
    """What a log shipper leaves behind: logs below fw_paloalto, other files beside it."""
    write(tmp_path / "fw_paloalto/hq/2024/b/part-1.csv.gz", gzip.compress(traffic().encode()))
    write(tmp_path / "fw_paloalto/hq/2024/a/part-0.csv", traffic())
    write(tmp_path / "fw_paloalto/hq/2024/a/_SUCCESS", "")
    write(tmp_path / "fw_paloalto/hq/2024/a/.part-0.csv.crc", "x")
    write(tmp_path / "fw_paloalto/_temporary/part-9.csv", traffic())
    write(tmp_path / "fw_paloalto/hq/2024/c/part-2.csv", "")
    write(tmp_path / "labels.csv", "host_ip,window_start,attack\n10.1.1.1,2024-03-11T16:23:00Z,\n")
    return tmp_path


def test_folder_glob_and_uri_name_the_same_files(batch_folder: Path) -> None:
    names = ["hq/2024/a/part-0.csv", "hq/2024/b/part-1.csv.gz", "hq/2024/c/part-2.csv"]
    expected = [str(batch_folder / "fw_paloalto" / name) for name in names]
    folder = str(batch_folder / "fw_paloalto")
    assert find_files([folder]) == expected
    assert find_files([f"file://{folder}"]) == expected
    assert find_files([f"{folder}/**/part*"]) == expected
    assert find_files([expected[1], folder, expected[1], f"{folder}/hq/../hq/2024/a/part-0.csv"]) == expected


def test_several_inputs_in_one_text_or_a_file(batch_folder: Path) -> None:
    first, second = batch_folder / "fw_paloalto/hq/2024/a", batch_folder / "fw_paloalto/hq/2024/b"
    both = [str(first / "part-0.csv"), str(second / "part-1.csv.gz")]
    assert find_files([f"{first},{second}"]) == both
    assert find_files([f"{first},file://{second},{first}"]) == both
    listed = write(batch_folder / "inputs.txt", f"{second}\n\n  {first}\n")
    assert find_files([f"@{listed}"]) == find_files([f"{first},@{listed}"]) == both
    listed = write(batch_folder / "windows.txt", f"20260310T1308Z\t{second}\n20260310T1323Z\t{first}\n")
    assert find_files([f"@{listed}"]) == both
    with_comma = write(batch_folder / "with,comma.csv", traffic())
    assert find_files([with_comma]) == [with_comma]
    with pytest.raises(StorageError, match=r"no-list\.txt does not exist"):
        find_files([f"@{batch_folder}/no-list.txt"])


def test_files_without_records_are_skipped_and_others_are_holes(batch_folder: Path) -> None:
    hosts = write(batch_folder / "hosts.csv", "host,owner\n")
    checksums = write(batch_folder / "SHA256SUMS", "0123  part-0.csv\n")
    logs = find_logs([str(batch_folder)], ReadOptions())
    assert logs.formats == ("panos", "panos")
    assert dict(logs.skipped) == {
        str(batch_folder / "labels.csv"): "no log by its name",
        checksums: "no log by its name",
        str(batch_folder / "fw_paloalto/hq/2024/c/part-2.csv"): "empty",
    }
    assert logs.unreadable == (
        Hole(hosts, "is in no known log format: it looks like a CSV file with the header host,owner", None, 11),
    )


def test_a_named_file_has_to_be_a_log(batch_folder: Path) -> None:
    with pytest.raises(FormatError, match=r"labels\.csv is in no known log format: .* header host_ip,.*panos"):
        find_logs([str(batch_folder / "labels.csv")], ReadOptions())
    with pytest.raises(InputError, match=r"part-2\.csv is empty"):
        find_logs([str(batch_folder / "fw_paloalto/hq/2024/c/part-2.csv")], ReadOptions())
    with pytest.raises(InputError, match=r"no log file in .*in no known log format"):
        find_logs([str(batch_folder / "lab*"), write(batch_folder / "x/hosts.csv", "host\n")[: -len("/hosts.csv")]],
                  ReadOptions())  # fmt: skip


def test_inputs_that_are_missing(tmp_path: Path) -> None:
    for entry in (str(tmp_path / "nothing"), str(tmp_path / "*.csv"), str(tmp_path)):
        with pytest.raises(InputError, match="Check"):
            find_files([entry])
    with pytest.raises(InputError, match="no input"):
        find_files([])


def test_options_are_checked() -> None:
    with pytest.raises(ParameterError, match="'Mars/Base' is unknown"):
        ReadOptions(time_zone="Mars/Base")
    with pytest.raises(ParameterError, match=r"'\+25:00' is unknown"):
        ReadOptions(time_zone="+25:00")
    with pytest.raises(FormatError, match="'csv' is unknown"):
        find_logs(["logs"], ReadOptions(format="csv"))
    with pytest.raises(ParameterError, match="unknown columns: source"):
        ReadOptions(column_mapping={"source": "src"})


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (traffic(), "panos"),
        ("\ufeff<14>Mar 11 16:23:31 fw " + threat(), "panos"),
        ("garbage\n\n" + traffic(), "panos"),
        ('{"@timestamp": "2024-03-11T16:23:30Z", "source": {"ip": "10.1.1.1"}}', "ecs"),
        ('{"@timestamp": "2024-03-11T16:23:30Z", "source.ip": "10.1.1.1"}', "ecs"),
        ('{"LogType": "TRAFFIC", "SourceAddress": "10.1.1.1"}', "sls"),
        ('{"ts": 1.0, "id.orig_h": "10.1.1.1", "conn_state": "SF"}', "zeek"),
        ("#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tconn_state\n", "zeek"),
        ("#separator \\x09\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tquery\n", None),
        ("StartTime,Dur,Proto,SrcAddr,Sport\n", "argus"),
        ("PAR1....", "parquet"),
        ("a,b\n1,2\n", None),
        ("{}", None),
        ("[1]", None),
        ("", None),
    ],
)
def test_detection(head: str, name: str | None) -> None:
    assert detect_format(head.encode()) == name


def numbered(count: int) -> bytes:
    return b"".join(traffic(46, {39: str(number)}).encode() + b"\n" for number in range(1, count + 1))


@pytest.mark.slow
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("threads", [1, 2])
def test_large_files_keep_their_order_and_line_numbers(tmp_path: Path, pack: object, threads: int) -> None:
    data = numbered(40_000)
    assert len(data) > 2 * BLOCK_BYTES
    path = write(tmp_path / "big", pack(data) if callable(pack) else data)
    small = write(tmp_path / "small", numbered(3))
    batches = list(read_files([path, small], ReadOptions(), threads))
    found = [row for batch in batches for row in zip(
        batch.sessions.column("source_file").to_pylist(), batch.sessions.column("source_line").to_pylist(),
        batch.sessions.column("sequence_number").to_pylist(), strict=True)]  # fmt: skip
    assert found == [(path, n, n) for n in range(1, 40_001)] + [(small, n, n) for n in range(1, 4)]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    data = b"x" * (3 * BLOCK_BYTES) + b"\n" + traffic().encode()
    found = list(blocks(io.BytesIO(data)))
    assert b"".join(block.data for block in found).count(b"\n") == 1
    assert all(len(block.data) < 2 * BLOCK_BYTES + MAX_LINE_BYTES for block in found)


def test_a_line_that_is_too_long_is_one_reject(tmp_path: Path) -> None:
    data = traffic().encode() + b"\n" + b"x" * (3 * BLOCK_BYTES) + b"\n" + traffic().encode()
    batches = list(read_file(write(tmp_path / "long", data), ReadOptions()))
    assert [row["source_line"] for batch in batches for row in batch.sessions.to_pylist()] == [1, 3]
    (reject,) = [reject for batch in batches for reject in batch.rejects.to_pylist()]
    assert reject["source_line"] == 2 and "longer than" in reject["reason"] and len(reject["raw"]) < 100_000
