"""The work on a part of a run: the deviations of some hosts in some windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from common.arrays import Floats
from common.lake.host_ranges import HostRange
from common.lake.publications import Publication
from common.lake.reader import LakeReader
from common.lake.table_files import TableFiles, as_rows, by_host
from common.runtime.parts import by_threads
from common.windows import Windows
from jobs.fg_c.baselines import BaselineKey, Baselines, load_baselines
from jobs.fg_c.deviations import deviation_columns
from jobs.fg_c.pairs import CODED, COUNT_COLUMNS, KNOWN_COLUMNS, Pairs
from jobs.fg_c.transform import COPIED, fg_c_rows

TEXTS = ("host_ip", "segment_id", "time_band", "window")


@dataclass(frozen=True)
class Part:
    """Hosts in windows of one day, and the baselines that they are compared with."""

    windows: Windows
    hosts: HostRange
    publications: Sequence[Publication]


@dataclass(frozen=True)
class _Against:
    """What a part is compared with: the baselines of its hosts, and its pair features."""

    lake: LakeReader
    time_bands: tuple[str, ...]
    hosts: HostRange
    pairs: Pairs

    def __call__(self, publication: Publication) -> tuple[Baselines, Mapping[str, Floats]]:
        """Those of a publication."""
        baselines = load_baselines(BaselineKey(self.lake.uri, publication, self.time_bands, self.hosts))
        known = self.lake.arrow("fg_b/pair/host", KNOWN_COLUMNS, equal=publication.partition, coded=CODED)
        return baselines, self.pairs.features(known)


@dataclass(frozen=True)
class Deviations:
    """The work: a file of `fg_c`."""

    lake: LakeReader
    time_bands: tuple[str, ...]

    def __call__(self, part: Part) -> pa.Table:
        """The file; none if there are no rows of FG-A."""
        lake = self.lake
        files = TableFiles(lake.location("fg_c"), lake.table("fg_c"))
        columns = [*COPIED, *deviation_columns(lake.spec)]
        if rows := by_host(lake.arrow("fg_a", columns, part.windows, coded=TEXTS, hosts=part.hosts)):
            counts = lake.arrow("pair_counts", COUNT_COLUMNS, part.windows, coded=CODED)
            against = _Against(lake, self.time_bands, part.hosts, Pairs.of(counts, rows, part.windows))
            baselines, pairs = zip(*by_threads(against, part.publications), strict=True)
            found = fg_c_rows(rows, dict(zip(part.publications, baselines, strict=True)), pairs, lake.spec)
            files.write(found, {"date": f"{part.windows.start:%Y-%m-%d}"})
        return as_rows(files.actions)
