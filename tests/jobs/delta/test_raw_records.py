"""The raw text of records that are rejected after they were parsed, read again by file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from common.logs.file_parts import FilePart
from jobs.delta.late import late_rejects
from tests.common.logs.panos_logs import traffic


def test_the_record_is_shown_without_what_is_around_it(tmp_path: Path) -> None:
    lines = [traffic(46, {39: str(number)}) for number in range(4)]
    plain, wrapped, crowded = tmp_path / "plain", tmp_path / "wrapped.gz", tmp_path / "crowded"
    plain.write_text("\r\n".join(lines))
    wrapped.write_bytes(gzip.compress("\n".join(json.dumps({"message": line}) for line in lines).encode()))
    crowded.write_text(json.dumps([{"message": line} for line in lines]))
    for path, number, raw in ((plain, 2, lines[1]), (wrapped, 2, lines[1]), (crowded, 1, "\n".join(lines))):
        (batch,) = late_rejects([FilePart(str(path))], [(number, "late")])
        assert batch.to_pylist() == [{"source_file": str(path), "source_line": number, "reason": "late", "raw": raw}]
