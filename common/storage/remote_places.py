"""Temporary folders of running processes in S3, where nothing can be locked: each tells by a heartbeat that it lives.

A place is the prefix `_scratch-<random>` of a lake, with an object `made`, whose text is the place's purpose, and, when
it is older than a minute, `alive`, written anew each minute. All times are S3's own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread

from pyarrow import fs

from common.storage.filesystems import bucket_and_key, s3_filesystem, subtree

MADE, ALIVE = "made", "alive"
PREFIX, FORMER_PREFIXES = "_scratch-", ("_staging-",)
HEARTBEAT_SECONDS = 60.0
DEAD_AFTER_SECONDS = 60 * 60.0
OUTDATED_SECONDS = 24 * 60 * 60.0


@dataclass(frozen=True)
class RemotePlace:
    """A place in a lake: its name, its purpose, and when it was made and last alive (seconds since 1970)."""

    lake_uri: str
    name: str
    purpose: str
    made: float
    alive: float

    def remove(self) -> None:
        """Removes all its objects."""
        _remove(subtree(self.lake_uri), self.name)


@contextmanager
def remote_place(lake_uri: str, purpose: str = "") -> Iterator[str]:
    """The name, relative to the lake, of a new place, removed on exit."""
    files = subtree(lake_uri)
    name = f"{PREFIX}{secrets.token_hex(16)}"
    _write(files, f"{name}/{MADE}", purpose)
    ended = Event()
    heart = Thread(target=_beat, args=(files, name, ended), name="heartbeat", daemon=True)
    heart.start()
    try:
        yield name
    finally:
        ended.set()
        heart.join()
        _remove(files, name)


def remote_places(lake_uri: str) -> tuple[list[RemotePlace], list[RemotePlace]]:
    """The places of the lake whose processes live, and those whose processes are gone: one listing if there are none.

    Raises:
        OSError: the bucket does not exist, or the lake cannot be listed.
    """
    files = subtree(lake_uri)
    entries = files.get_file_info(fs.FileSelector("", allow_not_found=True))
    if not entries:
        _require_bucket(lake_uri)
    names = [info.path for info in entries if info.path.startswith((PREFIX, *FORMER_PREFIXES))]
    places = [place for name in names if (place := _found(files, lake_uri, name))]
    if not places:
        return [], []
    with remote_place(lake_uri) as own:
        now = files.get_file_info(f"{own}/{MADE}").mtime_ns / 1e9
    gone = [place for place in places if now - place.alive > _patience(place)]
    return [place for place in places if place not in gone], gone


def _require_bucket(lake_uri: str) -> None:
    """Checks that the bucket exists: listing a missing one silently finds nothing."""
    bucket, _ = bucket_and_key(lake_uri)
    if s3_filesystem().get_file_info(bucket).type == fs.FileType.NotFound:
        raise FileNotFoundError(f"NoSuchBucket: {bucket}")


def _patience(place: RemotePlace) -> float:
    """The silence in seconds after which a process counts as gone; those of earlier releases have no heartbeat."""
    return DEAD_AFTER_SECONDS if place.made else OUTDATED_SECONDS


def _found(files: fs.FileSystem, lake_uri: str, name: str) -> RemotePlace | None:
    """The place of that name; None if it has just been removed."""
    inside = files.get_file_info(fs.FileSelector(name, recursive=True, allow_not_found=True))
    times = {info.path.removeprefix(f"{name}/"): info.mtime_ns / 1e9 for info in inside if info.mtime_ns}
    if not times:
        return None
    purpose = ""
    if MADE in times:
        with suppress(FileNotFoundError), files.open_input_stream(f"{name}/{MADE}") as stream:
            purpose = stream.read().decode("utf-8", "replace").strip()
    return RemotePlace(lake_uri, name, purpose, times.get(MADE, 0.0), max(times.values()))


def _beat(files: fs.FileSystem, name: str, ended: Event) -> None:
    while not ended.wait(HEARTBEAT_SECONDS):
        with suppress(OSError):  # the next one may succeed
            _write(files, f"{name}/{ALIVE}", "")


def _write(files: fs.FileSystem, path: str, text: str) -> None:
    with files.open_output_stream(path) as stream:
        stream.write(f"{text}\n".encode())


def _remove(files: fs.FileSystem, name: str) -> None:
    if files.get_file_info(name).type == fs.FileType.Directory:  # S3 has no empty folders
        files.delete_dir(name)
