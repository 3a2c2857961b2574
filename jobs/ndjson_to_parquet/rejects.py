"""The file of the lines that are no records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from common.ingestion.document import SourceFile
from common.runtime.drivers import rejects_path
from jobs.ndjson_to_parquet.outputs import written
from jobs.ndjson_to_parquet.part import FoundReject, PartResult


def write_rejects(
    folder_uri: str, name: str, files: Sequence[SourceFile], results: Sequence[PartResult], scratch: Path
) -> None:
    """Writes one JSON object per reject, in the order of files and lines: `file`, `line`, `reason`, `text`.

    The line of a file that is gone is null. The file is written without rejects, too: it replaces that of a run before.
    """
    decode = msgspec.json.Decoder(FoundReject).decode
    before: Counter[int] = Counter()
    gone = set()
    with written(folder_uri, name) as into:
        for result in results:
            with rejects_path(scratch, result.part).open("rb") as found:
                for line in found:
                    reject = decode(line)
                    if reject.line is None:
                        if reject.index in gone:
                            continue
                        gone.add(reject.index)
                    number = None if reject.line is None else before[reject.index] + reject.line
                    into.write(_encoded(files[reject.index].uri, number, reject))
            before.update({count.index: count.lines for count in result.counts})


def _encoded(uri: str, line: int | None, reject: FoundReject) -> bytes:
    return msgspec.json.encode({"file": uri, "line": line, "reason": reject.reason, "text": reject.text}) + b"\n"
