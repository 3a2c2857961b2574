"""The window in which the records of each input file count."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import WindowError
from common.logs.files import each_input, fixed_part, local_path
from common.storage.batches import EVENT_FILE, event_time
from common.storage.files import Folder
from common.windows import WINDOW, Windows, closed_window

READERS = 16
S3 = "s3://"
WILDCARDS = frozenset("*?[")


@dataclass(frozen=True)
class Placement:
    """The input files of a run and the window of each.

    Attributes:
        windows: the windows of the run.
        paths: the files to read, in order.
        slices: the window of the files that lie in a batch folder, as its position in the windows of the run.
        left_out: the batch folders of other windows.
        unknown: the batch folders whose event has no valid time, with the reason.
    """

    windows: Windows
    paths: tuple[str, ...]
    slices: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()

    def slice_of(self, path: str) -> int | None:
        """The position of the window in which all records of the file count; None: each where it ends.

        With a single window, files without a batch folder of their own are its mini-batch.
        """
        return self.slices.get(path, 0 if len(self.windows) == 1 else None)


def placed(paths: Sequence[str], inputs: Sequence[str], windows: Windows) -> Placement:
    """The window of each file: that which the inputs give, else that of its batch folder, if it lies in one.

    A single window takes every batch folder that the inputs name as its mini-batch, whatever the time of its event;
    those found in a named folder belong to the window of their event, as with a range.

    Raises:
        StorageError: the event of a batch folder cannot be read.
    """
    folder_of = {path: _normal(path).rpartition("/")[0] for path in paths}
    given = {_normal(entry): window for entry, window in each_input(inputs) if window is not None}
    own = {path: _given(_normal(path), given) for path in paths} if given else {}
    searched = {folder for path, folder in folder_of.items() if not own.get(path)}
    events = _events({above for folder in searched for above in _upwards(folder)})
    named = list(_named_places(inputs)) if len(windows) == 1 else []
    kept: list[str] = []
    slices: dict[str, int] = {}
    left_out: set[str] = set()
    unknown: dict[str, str] = {}
    for path in paths:
        window, batch = own.get(path), folder_of[path]
        if window is None:
            found = next((above for above in _upwards(folder_of[path]) if above in events), None)
            if found is None or any(_is_within(place, found) for place in named):
                kept.append(path)
                continue
            batch = found
            try:
                window = closed_window(event_time(events[batch]))
            except WindowError as error:
                unknown[batch] = error.problem
                continue
        position = (window.start - windows.start) // WINDOW
        if 0 <= position < len(windows):
            kept.append(path)
            slices[path] = position
        else:
            left_out.add(batch)
    return Placement(windows, tuple(kept), slices, tuple(sorted(left_out)), tuple(sorted(unknown.items())))


def _given(path: str, given: Mapping[str, Windows]) -> Windows | None:
    """The window that the inputs give to a file, or to a folder that it lies in."""
    return next((given[place] for place in _upwards(path) if place in given), None)


def _normal(path: str) -> str:
    """The s3:// URI without a trailing slash, or the absolute path."""
    return path.rstrip("/") if path.startswith(S3) else os.path.abspath(local_path(path))  # noqa: PTH100 - no symlinks


def _named_places(inputs: Sequence[str]) -> Iterator[str]:
    """The files and folders that the inputs name; of a glob, the folder before its first wildcard."""
    for entry, _ in each_input(inputs):
        is_glob = WILDCARDS & set(entry) and (entry.startswith(S3) or not Path(local_path(entry)).exists())
        yield _normal(fixed_part(entry) if is_glob else entry)


def _is_within(place: str, folder: str) -> bool:
    """Whether a place is the folder or lies in it."""
    return f"{place}/".startswith(f"{folder}/")


def _upwards(folder: str) -> Iterator[str]:
    """The folder and those above it, up to the bucket or the root."""
    while folder not in ("", "/", "s3:/"):
        yield folder
        folder = folder.rpartition("/")[0]


def _events(folders: set[str]) -> dict[str, bytes]:
    """The content of the event file of each folder that has one."""
    roots = {root: Folder(root) for root in {_root(folder) for folder in folders}}

    def read(folder: str) -> bytes | None:
        files, name = roots[_root(folder)], f"{folder}/{EVENT_FILE}".removeprefix(f"{_root(folder)}/")
        return files.read(name) if files.exists(name) else None

    ordered = sorted(folders)
    with ThreadPoolExecutor(READERS) as pool:
        found = zip(ordered, pool.map(read, ordered), strict=True)
        return {folder: content for folder, content in found if content is not None}


def _root(folder: str) -> str:
    """The bucket of a folder as an s3:// URI; for a local one the empty text, which stands for `/`."""
    return "/".join(folder.split("/")[:3]) if folder.startswith(S3) else ""
