"""A few sessions out of many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

_SEED = 0


def sample(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """`size` of the sessions, in their order, all if there are no more; each is as likely as any other to be chosen.

    The same input gives the same sample. Every session draws a number; those with the smallest are chosen.
    """
    chance = np.random.default_rng(_SEED)
    chosen: pa.Table | None = None
    draws = np.empty(0)
    for batch in batches:
        own = chance.random(batch.num_rows)
        together = pa.Table.from_batches([batch])
        if chosen is not None:
            together, own = pa.concat_tables([chosen, together]), np.concatenate((draws, own))
        places = np.sort(np.argsort(own, kind="stable")[:size])
        chosen, draws = together.take(places).combine_chunks(), own[places]
    if chosen is not None:
        yield from chosen.to_batches()
