"""The file of a day's rows that are none."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from common.runtime.drivers import rejects_path
from common.storage.files import Folder
from jobs.c360_clean.part import FoundReject, PartResult


def write_rejects(clean: Folder, name: str, files: Sequence[str], done: Sequence[PartResult], scratch: Path) -> None:
    """Writes one JSON object per reject, in the order of files and lines: file, line, column, value, reason, text.

    Without rejects there is no file; one that is there is removed.
    """
    decode = msgspec.json.Decoder(FoundReject).decode
    with tempfile.NamedTemporaryFile(dir=scratch) as into:
        for result in done:
            with rejects_path(scratch, result.part).open("rb") as found:
                for line in found:
                    reject = msgspec.structs.asdict(decode(line))
                    into.write(msgspec.json.encode({"file": files[reject.pop("index")], **reject}) + b"\n")
        into.flush()
        if into.tell():
            clean.put_file(name, Path(into.name))
        elif clean.exists(name):
            clean.delete(name)
