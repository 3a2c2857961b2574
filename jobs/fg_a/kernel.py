"""The work on one partition of the feed: whole hosts, in groups of bounded size."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from threading import BoundedSemaphore

import numpy as np
import pyarrow as pa

from jobs.fg_a.features import Definition, fg_a_rows
from jobs.fg_a.timeline import ROLES

Batches = Iterable[pa.RecordBatch]

CELLS_PER_GROUP = 8_000_000

_COMPUTING = BoundedSemaphore(os.cpu_count() or 1)
"""Partitions in one process take turns: at most as many as there are cores hold arrays."""


def kernel(definition: Definition) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """A function that turns a partition of the feed, with whole hosts, into rows of `fg_a`."""

    def rows_of(batches: Batches) -> Iterator[pa.RecordBatch]:
        held = [batch for batch in batches if batch.num_rows]
        yield from _partition_rows(held, definition) if held else ()

    return rows_of


def _partition_rows(batches: list[pa.RecordBatch], definition: Definition) -> list[pa.RecordBatch]:
    with _COMPUTING:
        feed = pa.Table.from_batches(batches)
        found = [fg_a_rows(group, definition) for group in _host_groups(feed, definition)]
    return [rows for rows in found if rows.num_rows]


def _host_groups(feed: pa.Table, definition: Definition) -> Iterator[pa.Table]:
    """The feed in groups of whole hosts, small enough for their dense arrays."""
    encoded = feed.column("host_ip").combine_chunks().dictionary_encode()
    n_hosts = len(encoded.dictionary)
    per_host = len(ROLES) * definition.timeline.n_buckets * (len(definition.spec.sums) + 2)
    size = max(1, CELLS_PER_GROUP // per_host)
    if size >= n_hosts:
        yield feed
        return
    number = encoded.indices.to_numpy() // size
    order = np.argsort(number, kind="stable")
    bounds = np.searchsorted(number[order], np.arange(-(-n_hosts // size) + 1))
    for first, last in pairwise(bounds):
        yield feed.take(pa.array(order[first:last]))
