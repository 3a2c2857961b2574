"""Files that are written apart and take their places together when all of them are whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from common.storage.drafts import draft


@dataclass(frozen=True)
class Target:
    """Where one file is written until it takes its place: a draft beside it, or an upload to S3 not yet completed."""

    path: str = ""
    bucket: str = ""
    key: str = ""
    upload_id: str = ""

    def opened(self) -> BinaryIO:
        """An empty file to write to; one without a name for an upload."""
        return cast(BinaryIO, Path(self.path).open("w+b") if self.path else tempfile.TemporaryFile())

    def sent(self, content: BinaryIO) -> tuple[str, ...]:
        """Uploads what was written; the ETags of its pieces, none for a draft."""
        if self.path:
            return ()
        from jobs.ndjson_to_parquet.uploads import send

        return send(content, self)


@dataclass
class Outputs:
    """The files of a run, in order; `etags` are those of the pieces of each upload."""

    targets: list[Target]
    etags: dict[int, tuple[str, ...]] = field(default_factory=dict)


@contextmanager
def outputs(folder_uri: str, names: Sequence[str]) -> Iterator[Outputs]:
    """Files to write, which take their places at the end; none of them does after an error.

    Raises:
        AwsError, OSError: they cannot be written.
    """
    if folder_uri.startswith("s3://"):
        from jobs.ndjson_to_parquet.uploads import uploads

        with uploads(folder_uri, names) as begun:
            yield begun
        return
    with ExitStack() as drafts:
        yield Outputs([Target(str(drafts.enter_context(_draft(folder_uri, name)))) for name in names])


@contextmanager
def written(folder_uri: str, name: str) -> Iterator[BinaryIO]:
    """A file to write, which takes its place at the end."""
    if folder_uri.startswith("s3://"):
        from jobs.ndjson_to_parquet.uploads import upload

        with tempfile.TemporaryFile() as content:
            yield cast(BinaryIO, content)
            content.seek(0)
            upload(cast(BinaryIO, content), folder_uri, name)
        return
    with _draft(folder_uri, name) as path, path.open("wb") as content:
        yield cast(BinaryIO, content)


def _draft(folder: str, name: str) -> AbstractContextManager[Path]:
    target = Path(folder) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return draft(target)
